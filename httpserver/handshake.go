package httpserver

import (
	"bytes"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"

	"workerd.local/websocket"
)

// usualLines is how many headers are usual.
const usualLines = 64

// usualHandshake reads the head of a request for a WebSocket, and returns it, too. It
// knows what clients send, and nothing else: a GET of a path, complete, with headers of the
// usual characters, without a body. Nil is anything else, right or wrong. What it reads it
// reads as net/http does.
func usualHandshake(b []byte) (r *http.Request, head string) {
	const get, version = "GET /", " HTTP/1.1\r\n"
	if !bytes.HasPrefix(b, []byte(get)) {
		return nil, ""
	}
	size := bytes.Index(b, []byte("\r\n\r\n"))
	if size < 0 {
		return nil, ""
	}
	// One string has all of it: the headers are parts of it.
	head = string(b[:size+4])
	line, rest, _ := strings.Cut(head, "\n")
	uri, ok := strings.CutSuffix(line+"\n", version)
	if !ok {
		return nil, ""
	}
	uri = uri[len("GET "):]
	for i := range len(uri) {
		if c := uri[i]; c <= ' ' || c >= 0x7f || c == '#' {
			return nil, ""
		}
	}
	h, host := make(http.Header, 8), ""
	values := make([]string, 0, 8)
	for lines := 0; rest != "\r\n"; lines++ {
		line, rest, _ = strings.Cut(rest, "\r\n")
		name, value, ok := strings.Cut(line, ":")
		if !ok || lines == usualLines {
			return nil, ""
		}
		if name, ok = canonical(name); !ok {
			return nil, ""
		}
		for i := range len(value) {
			if c := value[i]; c < ' ' && c != '\t' || c >= 0x7f {
				return nil, ""
			}
		}
		value = strings.Trim(value, " \t")
		switch name {
		case "Host":
			if host != "" || !usualHost(value) {
				return nil, ""
			}
			host = value
			continue
		case "Content-Length", "Transfer-Encoding", "Trailer", "Expect", "Http2-Settings", "Te", "Keep-Alive", "Proxy-Connection":
			return nil, ""
		}
		if old := h[name]; old != nil {
			h[name] = append(old[:len(old):len(old)], value)
			continue
		}
		values = append(values, value)
		h[name] = values[len(values)-1 : len(values) : len(values)]
	}
	if host == "" || h["Pragma"] != nil && h["Cache-Control"] == nil { // which net/http would add
		return nil, ""
	}
	u, err := url.ParseRequestURI(uri)
	if err != nil {
		return nil, ""
	}
	r = &http.Request{Method: http.MethodGet, URL: u, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: h, Body: http.NoBody, Host: host, RequestURI: uri}
	if v := h["Upgrade"]; len(v) != 1 || !strings.EqualFold(v[0], "websocket") {
		return nil, ""
	}
	if status, _ := websocket.CheckRequest(r); status != 0 {
		return nil, ""
	}
	return r, head
}

// canonical is textproto.CanonicalMIMEHeaderKey for names of the usual characters. What most
// clients send, as they write it, is known without looking at each character.
func canonical(name string) (_ string, ok bool) {
	switch name {
	case "Host", "Connection", "Upgrade", "Origin", "Cookie", "User-Agent", "Pragma", "Cache-Control", "Accept-Encoding", "Accept-Language":
		return name, true
	case "Sec-WebSocket-Key":
		return "Sec-Websocket-Key", true
	case "Sec-WebSocket-Version":
		return "Sec-Websocket-Version", true
	case "Sec-WebSocket-Extensions":
		return "Sec-Websocket-Extensions", true
	case "Sec-WebSocket-Protocol":
		return "Sec-Websocket-Protocol", true
	}
	for i := range len(name) {
		if c := name[i]; c != '-' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return "", false
		}
	}
	return textproto.CanonicalMIMEHeaderKey(name), name != ""
}

// usualHost reports whether a Host header has the characters of names, addresses and
// ports only.
func usualHost(s string) bool {
	for i := range len(s) {
		if c := s[i]; c != '-' && c != '.' && c != ':' && c != '[' && c != ']' && c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return s != ""
}
