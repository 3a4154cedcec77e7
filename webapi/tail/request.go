package tail

import (
	"strings"

	"github.com/dop251/goja"

	"workerd.local/trace"
	"workerd.local/webapi/bind"
)

// request is the request of a FetchEventInfo. Both forms of it, with and without what may
// be a secret, show the same cf object.
type request struct {
	v     *viewer
	class *bind.Class[request]
	f     *trace.Fetch
	cf    goja.Value
}

var fetchRequest = &bind.Class[request]{
	Name: "Request",
	Methods: map[string]bind.Method[request]{
		"getUnredacted": func(r *request, _ *bind.Call) (any, error) { return r.show(false), nil },
	},
}

func (v *viewer) request(f *trace.Fetch) *goja.Object {
	r := &request{v: v, class: fetchRequest, f: f, cf: goja.Undefined()}
	if len(f.CF) > 0 {
		r.cf = v.must(string(f.CF))
	}
	return r.show(true)
}

func (r *request) show(redacted bool) *goja.Object {
	url, headers := r.f.URL, make([]any, 0, 2*len(r.f.Header))
	for _, h := range r.f.Header {
		value := h.Value
		if redacted && isSecret(h.Name) {
			value = "REDACTED"
		}
		headers = append(headers, h.Name, value)
	}
	if redacted {
		url = RedactURL(url)
	}
	obj := r.class.Wrap(r.v.js, r)
	r.v.define(obj, "cf", r.cf, "headers", r.v.plain(headers...), "method", r.f.Method, "url", url)
	return obj
}

// isSecret reports whether the value of a header is not shown.
func isSecret(name string) bool {
	if name == "cookie" || name == "set-cookie" {
		return true
	}
	for _, part := range []string{"auth", "jwt", "key", "secret", "token"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// RedactURL replaces the parts of a URL that look like an id or a secret, as workerd does:
// hexadecimal numbers of 32 digits and more, what looks like base64 of 21 characters and
// more, and numbers of payment cards.
func RedactURL(url string) string {
	var b strings.Builder
	begin := 0
	span := func(end int) {
		if s := url[begin:end]; isID(s) {
			b.WriteString("REDACTED")
		} else {
			b.WriteString(s)
		}
	}
	for i := range len(url) {
		c := url[i]
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte("+-_", c) >= 0 {
			continue
		}
		span(i)
		b.WriteByte(c)
		begin = i + 1
	}
	span(len(url))
	return b.String()
}

// isID judges what stands between the separators of a URL.
func isID(s string) bool {
	var digits, upper, lower, hex int
	other := false
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits++
			hex++
		case c >= 'A' && c <= 'Z':
			upper++
			if c <= 'F' {
				hex++
			} else {
				other = true
			}
		case c >= 'a' && c <= 'z':
			lower++
			if c <= 'f' {
				hex++
			} else {
				other = true
			}
		}
	}
	return hex >= 32 && !other || len(s) >= 21 && digits >= 2 && upper >= 2 && lower >= 2 || isCard(s)
}

// isCard is the check of Luhn on 13 to 19 digits, whatever separates them.
func isCard(s string) bool {
	digits, sum := 0, 0
	for i := len(s) - 1; i >= 0; i-- {
		c := s[i]
		if strings.IndexByte("+-_", c) >= 0 {
			continue
		}
		if c < '0' || c > '9' {
			return false
		}
		d := int(c - '0')
		if digits%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
		digits++
	}
	return digits >= 13 && digits <= 19 && sum%10 == 0
}
