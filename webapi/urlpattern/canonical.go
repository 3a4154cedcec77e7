package urlpattern

import (
	"strconv"
	"strings"

	"workerd.local/webapi/url"
)

// defaultPorts are the special schemes of URLs with their ports.
var defaultPorts = map[string]string{"http": "80", "https": "443", "ws": "80", "wss": "443", "ftp": "21", "file": ""}

func isSpecial(scheme string) bool { _, ok := defaultPorts[scheme]; return ok }

// dummy is a URL whose parts are set to see what becomes of them.
func dummy() *url.URL {
	u, err := url.Parse("https://dummy.invalid/", nil)
	if err != nil {
		panic(err) // it is one
	}
	return u
}

func canonicalProtocol(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	u, err := url.Parse(s+"://dummy.invalid/", nil)
	if err != nil {
		return "", errPattern
	}
	return strings.TrimSuffix(u.Protocol(), ":"), nil
}

func canonicalUsername(s string) (string, error) {
	u := dummy()
	u.SetUsername(s)
	return u.Username(), nil
}

func canonicalPassword(s string) (string, error) {
	u := dummy()
	u.SetPassword(s)
	return u.Password(), nil
}

// canonicalHostname is for a protocol, or for none that is known.
func canonicalHostname(s, protocol string) (string, error) {
	s = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(s)
	stop := "/?#"
	if protocol == "" || isSpecial(protocol) {
		protocol = "https"
		stop = "/?#\\"
	}
	if i := strings.IndexAny(s, stop); i >= 0 {
		s = s[:i]
	}
	if s == "" {
		return "", nil
	}
	if strings.ContainsAny(s, "@") || strings.Contains(s, ":") && s[0] != '[' {
		return "", errPattern
	}
	u, err := url.Parse(protocol+"://"+s+"/", nil)
	if err != nil || u.Port() != "" {
		return "", errPattern
	}
	return u.Hostname(), nil
}

func canonicalHost(s string) (string, error) { return canonicalHostname(s, "") }

func canonicalIPv6(s string) (string, error) {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'f') && c != '[' && c != ']' && c != ':' {
			return "", errPattern
		}
	}
	return strings.ToLower(s), nil
}

func canonicalPort(s, protocol string) (string, error) {
	s = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(s)
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	if s == "" {
		return "", nil
	}
	if n == 0 {
		return "", errPattern
	}
	v, err := strconv.ParseUint(s[:n], 10, 16)
	if err != nil {
		return "", errPattern
	}
	if s = strconv.FormatUint(v, 10); s == defaultPorts[protocol] {
		return "", nil
	}
	return s, nil
}

func canonicalAnyPort(s string) (string, error) { return canonicalPort(s, "") }

func canonicalPathname(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	u := dummy()
	if s[0] == '/' {
		u.SetPathname(s)
		return u.Pathname(), nil
	}
	// Two characters in front keep dots from being taken for steps up.
	u.SetPathname("/-" + s)
	return strings.TrimPrefix(u.Pathname(), "/-"), nil
}

func canonicalOpaque(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	u, err := url.Parse("data:"+strings.NewReplacer("?", "%3F", "#", "%23").Replace(s), nil)
	if err != nil {
		return "", errPattern
	}
	return u.Pathname(), nil
}

func canonicalSearch(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	u := dummy()
	u.SetSearch("?" + s)
	return strings.TrimPrefix(u.Search(), "?"), nil
}

func canonicalHash(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	u := dummy()
	u.SetHash("#" + s)
	return strings.TrimPrefix(u.Hash(), "#"), nil
}
