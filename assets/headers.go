package assets

import (
	"net/http"
	"strings"

	"workerd.local/internal/limits"
)

// headerRule is a block of _headers: a path, and below it what becomes of headers.
type headerRule struct {
	pattern
	set   []headerField
	unset []string
}

type headerField struct{ name, value string }

// readHeaders reads _headers.
func (r *ruleReader) readHeaders() ([]headerRule, error) {
	lines, err := r.lines(headersFile, true)
	if err != nil {
		return nil, err
	}
	var list []headerRule
	var rule *headerRule // that lines belong to
	lost := false        // they belong to a path that is left out
	most := limits.AssetHeaders.In(r.o.Bounds)
	end := func() {
		if rule != nil && (len(rule.set) > 0 || len(rule.unset) > 0) {
			list = append(list, *rule)
		}
		rule = nil
	}
	for _, l := range lines {
		if strings.HasPrefix(l.text, "/") || strings.HasPrefix(l.text, "https://") || strings.HasPrefix(l.text, "http://") {
			end()
			if len(list) >= most {
				r.problem(headersFile, l.n, "there are more than %d paths (--limit assets.headers); the rest is left out", most)
				return list, nil
			}
			p, err := parsePattern(l.text, true)
			if lost = err != nil; lost {
				r.problem(headersFile, l.n, "%s", err)
				continue
			}
			rule = &headerRule{pattern: p}
			continue
		}
		if lost {
			continue
		}
		name, value, pair := strings.Cut(l.text, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		unset, drop := strings.CutPrefix(l.text, "! ")
		if drop && !pair {
			name, value = strings.TrimSpace(unset), "-"
		}
		switch {
		case rule == nil:
			r.problem(headersFile, l.n, "a path must come before its headers")
		case !pair && !drop:
			r.problem(headersFile, l.n, `a header is written "name: value", and "! name" takes one away`)
		case !isToken(name):
			r.problem(headersFile, l.n, "%q is no name of a header", name)
		case value == "" || strings.ContainsFunc(value, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }):
			r.problem(headersFile, l.n, "the header %q has no value that can be sent", name)
		case !pair:
			rule.unset = append(rule.unset, http.CanonicalHeaderKey(name))
		default:
			rule.add(http.CanonicalHeaderKey(name), value)
		}
	}
	end()
	return list, nil
}

// add notes a header; one that is there twice has both values.
func (h *headerRule) add(name, value string) {
	for i := range h.set {
		if f := &h.set[i]; f.name == name {
			f.value += ", " + value
			return
		}
	}
	h.set = append(h.set, headerField{name, value})
}

// isToken reports whether a text can be the name of a header.
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool {
		return c <= ' ' || c >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, c)
	})
}
