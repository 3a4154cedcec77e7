package httpserver

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"workerd.local/event"
)

// Route sends what matches a pattern to a service. A pattern is a host and a path,
// as in "example.com/api/*": a host may begin with "*." (any subdomain) or "*" (any
// prefix), a path may end in "*" (any rest). A scheme in front is ignored.
type Route struct {
	Pattern string
	Service event.Service

	host, path         string // without their wildcards
	hostWild, pathWild bool
}

// Routes are in the order in which they are tried: exact hosts before wildcards,
// longer hosts before shorter ones, exact paths before wildcards, longer paths
// before shorter ones.
type Routes []Route

// NewRoutes sorts routes and refuses patterns that are not valid.
func NewRoutes(list []Route) (Routes, error) {
	routes := slices.Clone(list)
	for i := range routes {
		r := &routes[i]
		p := r.Pattern
		if _, rest, ok := strings.Cut(p, "://"); ok {
			p = rest
		}
		host, path, hasPath := strings.Cut(p, "/")
		if host == "" {
			return nil, fmt.Errorf("route %q has no host; write host/path, such as example.com/*", r.Pattern)
		}
		if strings.ContainsAny(p, "?#") || strings.Contains(host, ":") {
			return nil, fmt.Errorf("route %q: a pattern is a host and a path, without port, query and fragment", r.Pattern)
		}
		r.host, r.hostWild = strings.CutPrefix(strings.ToLower(host), "*")
		r.path, r.pathWild = strings.CutSuffix("/"+path, "*")
		if !hasPath {
			r.path, r.pathWild = "/", true
		}
		if strings.Contains(r.host, "*") || strings.Contains(r.path, "*") {
			return nil, fmt.Errorf("route %q: a * may stand at the beginning of the host and at the end of the path only", r.Pattern)
		}
	}
	slices.SortStableFunc(routes, func(a, b Route) int {
		switch {
		case a.hostWild != b.hostWild:
			return order(b.hostWild)
		case len(a.host) != len(b.host):
			return len(b.host) - len(a.host)
		case a.pathWild != b.pathWild:
			return order(b.pathWild)
		}
		return len(b.path) - len(a.path)
	})
	return routes, nil
}

func order(first bool) int {
	if first {
		return -1
	}
	return 1
}

// Match returns the service of the most specific route for a host (with or without
// a port) and a path as the client wrote it; nil where there is none.
func (rs Routes) Match(host, path string) event.Service {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(host)
	for i := range rs {
		r := &rs[i]
		if r.hostWild && !strings.HasSuffix(host, r.host) || !r.hostWild && host != r.host {
			continue
		}
		if r.pathWild && !strings.HasPrefix(path, r.path) || !r.pathWild && path != r.path {
			continue
		}
		return r.Service
	}
	return nil
}
