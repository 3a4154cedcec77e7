package url

import "strings"

// parseSimple fills u from a URL that is already in its normal form, which nearly
// all http URLs that a program handles are, about ten times faster than the full
// parser. It reports false, and u is unchanged, when anything is out of the
// ordinary; the fuzz test holds it against the full parser.
func (u *URL) parseSimple(s string) bool {
	protocol, defaultPort := "", ""
	switch {
	case strings.HasPrefix(s, "https://"):
		protocol, defaultPort = s[:6], "443"
	case strings.HasPrefix(s, "http://"):
		protocol, defaultPort = s[:5], "80"
	default:
		return false
	}
	hostStart := len(protocol) + 2
	hostEnd := hostStart
	for hostEnd < len(s) && classes[s[hostEnd]]&inHost != 0 {
		hostEnd++
	}
	hostname := s[hostStart:hostEnd]
	if !simpleHost(hostname) {
		return false
	}
	at, port := hostEnd, ""
	if at < len(s) && s[at] == ':' {
		for at++; at < len(s) && s[at] >= '0' && s[at] <= '9'; at++ {
		}
		port = s[hostEnd+1 : at]
		if !simplePort(port) || port == defaultPort {
			return false
		}
	}
	hostEnd = at
	if at == len(s) || s[at] != '/' {
		return false
	}
	pathStart := at
	for at < len(s) && classes[s[at]]&inPath != 0 {
		// A segment that begins with a dot, plain or encoded, may be "." or "..".
		if s[at] == '/' && at+1 < len(s) && (s[at+1] == '.' || s[at+1] == '%') {
			return false
		}
		at++
	}
	pathEnd := at
	if at < len(s) && s[at] == '?' {
		for at++; at < len(s) && classes[s[at]]&inQuery != 0; at++ {
		}
	}
	queryEnd := at
	if at < len(s) && s[at] == '#' {
		for at++; at < len(s) && classes[s[at]]&inFragment != 0; at++ {
		}
	}
	if at != len(s) {
		return false
	}
	u.href, u.protocol = s, protocol
	u.host, u.hostname, u.port = s[hostStart:hostEnd], hostname, port
	u.pathname = s[pathStart:pathEnd]
	if queryEnd-pathEnd > 1 {
		u.search = s[pathEnd:queryEnd]
	}
	if len(s)-queryEnd > 1 {
		u.hash = s[queryEnd:]
	}
	return true
}

// simpleHost leaves to the full parser what needs IDNA, and what may be an IPv4
// address (a last label that starts with a digit) not written as four plain decimals.
func simpleHost(host string) bool {
	if host == "" || strings.Contains(host, "xn--") || strings.Contains(host, "..") || host[0] == '.' || host[len(host)-1] == '.' {
		return false
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	return last[0] < '0' || last[0] > '9' || simpleIPv4(host)
}

func simpleIPv4(host string) bool {
	for range 3 {
		label, rest, ok := strings.Cut(host, ".")
		if !ok || !simpleNumber(label, 255) {
			return false
		}
		host = rest
	}
	return simpleNumber(host, 255)
}

func simplePort(port string) bool { return port != "0" && simpleNumber(port, 65535) }

// simpleNumber reports whether s is a decimal without leading zeros, at most limit.
func simpleNumber(s string, limit int) bool {
	if s == "" || len(s) > 5 || len(s) > 1 && s[0] == '0' {
		return false
	}
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n <= limit
}

const (
	inHost = 1 << iota
	inPath
	inQuery
	inFragment
)

// classes says in which part of a URL a byte stands for itself.
var classes = func() (t [256]uint8) {
	for b := byte(0x21); b < 0x7f; b++ {
		if b >= 'a' && b <= 'z' || b >= '0' && b <= '9' || b == '-' || b == '.' {
			t[b] |= inHost
		}
		if !strings.ContainsRune("\"#<>?`{}\\^|", rune(b)) {
			t[b] |= inPath
		}
		if !strings.ContainsRune("\"#<>'", rune(b)) {
			t[b] |= inQuery
		}
		if !strings.ContainsRune("\"<>`", rune(b)) {
			t[b] |= inFragment
		}
	}
	return t
}()
