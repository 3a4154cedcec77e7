package fetch

import (
	"net/http"
	"net/url"
	"strings"

	"workerd.local/exception"
	"workerd.local/webapi/encoding"
)

// dataResponse is the answer of a data: URL (Fetch, "data: URL processor").
func dataResponse(target string) (*Response, error) {
	rest, _, _ := strings.Cut(strings.TrimPrefix(target, "data:"), "#")
	typ, data, ok := strings.Cut(rest, ",")
	if !ok {
		return nil, exception.TypeErrorf("Fetch API cannot load: %s", target)
	}
	raw := unescape(data)
	typ = strings.TrimSpace(typ)
	if i := strings.LastIndexByte(typ, ';'); i >= 0 && strings.EqualFold(strings.TrimSpace(typ[i+1:]), "base64") {
		typ = typ[:i]
		decoded, err := encoding.DecodeBase64(string(raw))
		if err != nil {
			return nil, exception.TypeErrorf("Fetch API cannot load: %s", target)
		}
		raw = decoded
	}
	if strings.HasPrefix(typ, ";") {
		typ = "text/plain" + typ
	}
	if m, ok := parseMIME(typ); ok {
		typ = m.String()
	} else {
		typ = "text/plain;charset=US-ASCII"
	}
	return &Response{
		message:    message{raw: NewHeaders(http.Header{"Content-Type": {typ}}, true), body: body{bytes: notNil(raw)}},
		status:     200,
		statusText: "OK",
	}, nil
}

// unescape decodes percent escapes; broken ones stay as they are.
func unescape(s string) []byte {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if b, err := url.PathUnescape(s[i : i+3]); err == nil {
				out = append(out, b...)
				i += 2
				continue
			}
		}
		out = append(out, s[i])
	}
	return out
}
