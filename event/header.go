package event

import "net/http"

// HeaderRule sets a header on every message that passes by, or removes it.
type HeaderRule struct {
	Name   string
	Value  string
	Remove bool
}

// ApplyHeaders changes h as the rules say, in their order.
func ApplyHeaders(h http.Header, rules []HeaderRule) {
	for _, r := range rules {
		if r.Remove {
			h.Del(r.Name)
		} else {
			h.Set(r.Name, r.Value)
		}
	}
}
