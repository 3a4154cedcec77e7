package websocket

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// offer is one extension of a Sec-WebSocket-Extensions header.
type offer struct {
	name   string
	params []param
}

type param struct {
	name, value string
	hasValue    bool
}

// offers reads the header. What is malformed ends the list: the client gets none of it.
func offers(h http.Header) []offer {
	var list []offer
	for _, part := range split(strings.Join(h["Sec-Websocket-Extensions"], ","), ',') {
		words := split(part, ';')
		if len(words) == 0 {
			continue
		}
		o := offer{name: strings.ToLower(words[0])}
		for _, w := range words[1:] {
			name, value, has := strings.Cut(w, "=")
			o.params = append(o.params, param{strings.ToLower(strings.TrimSpace(name)), strings.Trim(strings.TrimSpace(value), `"`), has})
		}
		list = append(list, o)
	}
	return list
}

// split splits at a separator that is not within quotes, and leaves empty parts out.
func split(s string, at byte) []string {
	var parts []string
	begin, quoted := 0, false
	for i := 0; i <= len(s); i++ {
		switch {
		case i == len(s) || s[i] == at && !quoted:
			if p := strings.TrimSpace(s[begin:i]); p != "" {
				parts = append(parts, p)
			}
			begin = i + 1
		case s[i] == '"':
			quoted = !quoted
		}
	}
	return parts
}

const (
	deflateName = "permessage-deflate"
	// mostWindow is what both sides use where nothing else was agreed on.
	mostWindow = 15
)

// agree accepts the first offer of permessage-deflate that this side can keep: no
// message depends on those before it, in both directions.
func agree(list []offer) (reply string, window uint8, ok bool) {
	for _, o := range list {
		if o.name != deflateName {
			continue
		}
		window, valid := uint8(mostWindow), true
		named := false
		seen := map[string]bool{}
		for _, p := range o.params {
			valid = valid && !seen[p.name]
			seen[p.name] = true
			switch p.name {
			case "server_no_context_takeover", "client_no_context_takeover":
				valid = valid && !p.hasValue
			case "server_max_window_bits":
				n, good := bits(p.value)
				window, named, valid = n, true, valid && good
			case "client_max_window_bits":
				if p.hasValue {
					_, good := bits(p.value)
					valid = valid && good
				}
			default:
				valid = false
			}
		}
		if !valid {
			continue
		}
		reply = deflateName + "; server_no_context_takeover; client_no_context_takeover"
		if named {
			reply += fmt.Sprintf("; server_max_window_bits=%d", window)
		}
		return reply, window, true
	}
	return "", 0, false
}

// clientOffer is what this side offers as a client.
const clientOffer = deflateName + "; client_no_context_takeover; server_no_context_takeover"

// accepted reads a server's answer to clientOffer.
func accepted(list []offer) (deflate bool, err error) {
	if len(list) == 0 {
		return false, nil
	}
	if len(list) > 1 || list[0].name != deflateName {
		return false, fmt.Errorf("the server chose an extension that was not offered")
	}
	kept := false
	for _, p := range list[0].params {
		switch p.name {
		case "server_no_context_takeover":
			kept = true
		case "client_no_context_takeover":
		case "server_max_window_bits":
			if _, good := bits(p.value); !good {
				return false, fmt.Errorf("the server answered with a window of %q bits", p.value)
			}
		default:
			return false, fmt.Errorf("the server answered with the parameter %q, which was not offered", p.name)
		}
	}
	if !kept {
		return false, fmt.Errorf("the server does not keep server_no_context_takeover, which was offered")
	}
	return true, nil
}

func bits(s string) (uint8, bool) {
	n, err := strconv.Atoi(s)
	return uint8(n), err == nil && n >= 8 && n <= 15 && s == strconv.Itoa(n)
}
