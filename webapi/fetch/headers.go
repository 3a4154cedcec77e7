package fetch

import (
	"net/http"
	"net/textproto"
	"slices"
	"strings"

	"workerd.local/exception"
)

// Headers is a list of HTTP headers.
type Headers struct {
	h         http.Header // canonical keys
	immutable bool
	shared    bool // h has been handed out: it is copied before it changes
}

var (
	errHeaderName  = exception.TypeErrorf("Invalid header name.")
	errHeaderValue = exception.TypeErrorf("Invalid header value.")
	errImmutable   = exception.TypeErrorf("Can't modify immutable headers.")
	errGetAll      = exception.TypeErrorf("getAll() can only be used with the header name \"Set-Cookie\".")
)

// NewHeaders returns headers over h, which must have canonical keys and is not
// copied.
func NewHeaders(h http.Header, immutable bool) *Headers {
	if h == nil {
		h = http.Header{}
	}
	return &Headers{h: h, immutable: immutable}
}

// Header is the underlying map, not a copy.
func (h *Headers) Header() http.Header { return h.h }

// share hands the map out for good: nobody may change it any more.
func (h *Headers) share() http.Header {
	h.shared = true
	return h.h
}

// own makes the map one that may be changed.
func (h *Headers) own() http.Header {
	if h.shared {
		h.h, h.shared = cloneHeader(h.h), false
	}
	return h.h
}

// key is the canonical form of a name, which must be a token (RFC 9110 5.6.2).
func key(name string) (string, error) {
	if name == "" {
		return "", errHeaderName
	}
	for i := 0; i < len(name); i++ {
		if !isToken(name[i]) {
			return "", errHeaderName
		}
	}
	return textproto.CanonicalMIMEHeaderKey(name), nil
}

func isToken(b byte) bool {
	return b > ' ' && b < 0x7f && !strings.ContainsRune("\"(),/:;<=>?@[\\]{}", rune(b))
}

// normalValue trims HTTP whitespace (Fetch, "normalize") and refuses what would
// end the line.
func normalValue(v string) (string, error) {
	v = strings.Trim(v, " \t\r\n")
	if strings.ContainsAny(v, "\x00\r\n") {
		return "", errHeaderValue
	}
	return v, nil
}

// Append adds a value.
func (h *Headers) Append(name, value string) error {
	return h.change(name, value, func(k, v string) { m := h.own(); m[k] = append(m[k], v) })
}

// Set replaces all values.
func (h *Headers) Set(name, value string) error {
	return h.change(name, value, func(k, v string) { h.own()[k] = []string{v} })
}

func (h *Headers) change(name, value string, do func(k, v string)) error {
	if h.immutable {
		return errImmutable
	}
	k, err := key(name)
	if err != nil {
		return err
	}
	v, err := normalValue(value)
	if err != nil {
		return err
	}
	do(k, v)
	return nil
}

// Delete removes all values.
func (h *Headers) Delete(name string) error {
	if h.immutable {
		return errImmutable
	}
	k, err := key(name)
	if err != nil {
		return err
	}
	delete(h.own(), k)
	return nil
}

// Get is the values joined with a comma; nil where there is none.
func (h *Headers) Get(name string) (*string, error) {
	k, err := key(name)
	if err != nil {
		return nil, err
	}
	vals, ok := h.h[k]
	if !ok {
		return nil, nil
	}
	v := join(vals)
	return &v, nil
}

func join(vals []string) string {
	if len(vals) == 1 {
		return vals[0]
	}
	return strings.Join(vals, ", ")
}

// Has reports whether there is such a header.
func (h *Headers) Has(name string) (bool, error) {
	k, err := key(name)
	_, ok := h.h[k]
	return ok, err
}

const setCookie = "Set-Cookie"

// SetCookies are the values of Set-Cookie, one by one.
func (h *Headers) SetCookies() []string { return slices.Clone(h.h[setCookie]) }

// Field is one header as iteration gives it.
type Field struct{ Name, Value string }

// Fields are the headers sorted by name, in lower case, values joined except
// those of Set-Cookie (Fetch, "sort and combine").
func (h *Headers) Fields() []Field {
	out := make([]Field, 0, len(h.h))
	for k, vals := range h.h {
		name := strings.ToLower(k)
		if k == setCookie {
			for _, v := range vals {
				out = append(out, Field{name, v})
			}
			continue
		}
		out = append(out, Field{name, join(vals)})
	}
	slices.SortStableFunc(out, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Clone is a copy that may be changed, which is made when one of both is.
func (h *Headers) Clone() *Headers { return &Headers{h: h.share(), shared: true} }

func cloneHeader(h http.Header) http.Header {
	if h == nil {
		return http.Header{}
	}
	return h.Clone()
}
