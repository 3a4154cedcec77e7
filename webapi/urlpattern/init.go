package urlpattern

import (
	"strings"

	"workerd.local/webapi/url"
)

// Components of a URL, in their order.
const (
	cProtocol = iota
	cUsername
	cPassword
	cHostname
	cPort
	cPathname
	cSearch
	cHash
	components
)

// Names are the components as scripts name them.
var Names = [components]string{"protocol", "username", "password", "hostname", "port", "pathname", "search", "hash"}

// Init is a URLPatternInit: nil stands for what is not given.
type Init struct {
	Parts [components]*string
	Base  *string
}

// process makes a whole of an init ("process a URLPatternInit"): pattern says that it is
// for a pattern and not for a URL.
func (in *Init) process(pattern bool) (out [components]*string, err error) {
	if !pattern {
		empty := ""
		for i := range out {
			out[i] = &empty
		}
	}
	var base *url.URL
	inherit := func(i int, s string) {
		if pattern {
			s = escapePattern(s)
		}
		out[i] = &s
	}
	if in.Base != nil {
		if base, err = url.Parse(*in.Base, nil); err != nil {
			return out, errPattern
		}
		host := in.Parts[cProtocol] != nil || in.Parts[cHostname] != nil
		port := host || in.Parts[cPort] != nil
		user := port || in.Parts[cUsername] != nil
		path := port || in.Parts[cPathname] != nil
		search := path || in.Parts[cSearch] != nil
		hash := search || in.Parts[cHash] != nil
		if in.Parts[cProtocol] == nil {
			inherit(cProtocol, strings.TrimSuffix(base.Protocol(), ":"))
		}
		if !pattern && !user {
			inherit(cUsername, base.Username())
		}
		if !pattern && !user && in.Parts[cPassword] == nil {
			inherit(cPassword, base.Password())
		}
		if !host {
			inherit(cHostname, base.Hostname())
		}
		if !port {
			inherit(cPort, base.Port())
		}
		if !path {
			inherit(cPathname, base.Pathname())
		}
		if !search {
			inherit(cSearch, strings.TrimPrefix(base.Search(), "?"))
		}
		if !hash {
			inherit(cHash, strings.TrimPrefix(base.Hash(), "#"))
		}
	}
	for i, given := range in.Parts {
		if given == nil {
			continue
		}
		s := *given
		switch i {
		case cProtocol:
			s = strings.TrimSuffix(s, ":")
		case cSearch:
			s = strings.TrimPrefix(s, "?")
		case cHash:
			s = strings.TrimPrefix(s, "#")
		case cPathname:
			s = in.resolve(s, base, pattern)
		}
		if !pattern {
			protocol := ""
			if out[cProtocol] != nil {
				protocol = *out[cProtocol]
			}
			if s, err = canonicalFor(i, s, protocol); err != nil {
				return out, err
			}
		}
		out[i] = &s
	}
	return out, nil
}

// resolve is a pathname that may be relative to the base.
func (in *Init) resolve(s string, base *url.URL, pattern bool) string {
	if base == nil || strings.HasPrefix(s, "/") || pattern && (strings.HasPrefix(s, `\/`) || strings.HasPrefix(s, "{/")) {
		return s
	}
	path := base.Pathname()
	if !strings.HasPrefix(path, "/") {
		return s // opaque
	}
	if pattern {
		path = escapePattern(path)
	}
	return path[:strings.LastIndexByte(path, '/')+1] + s
}

func canonicalFor(i int, s, protocol string) (string, error) {
	switch i {
	case cProtocol:
		return canonicalProtocol(s)
	case cUsername:
		return canonicalUsername(s)
	case cPassword:
		return canonicalPassword(s)
	case cHostname:
		return canonicalHostname(s, protocol)
	case cPort:
		return canonicalPort(s, protocol)
	case cPathname:
		if protocol == "" || isSpecial(protocol) {
			return canonicalPathname(s)
		}
		return canonicalOpaque(s)
	case cSearch:
		return canonicalSearch(s)
	}
	return canonicalHash(s)
}
