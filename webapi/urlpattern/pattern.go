package urlpattern

import (
	"strings"

	"workerd.local/webapi/url"
)

// Engine compiles a regular expression, with the groups of a match as its result; a
// group that took no part is nil, and a result without groups is not nil. ok is false
// where nothing matched.
type Engine func(source string, ignoreCase bool) (match func(s string) (groups []*string, ok bool, err error), err error)

// Pattern is a URLPattern.
type Pattern struct{ parts [components]*component }

// component is one of the eight.
type component struct {
	pattern string
	names   []string
	regexp  bool // it has an expression of the script's
	match   func(s string) ([]*string, bool, error)
}

// Result is how one component matched; a group that took no part is nil.
type Result struct {
	Input  string
	Names  []string
	Groups []*string
}

func compile(in string, o options, encode func(string) (string, error), e Engine) (*component, error) {
	parts, err := parseParts(in, o, encode)
	if err != nil {
		return nil, err
	}
	c := &component{pattern: patternString(parts, o)}
	for _, x := range parts {
		c.regexp = c.regexp || x.kind == partRegExp
	}
	source, names := expression(parts, o)
	c.names = names
	switch {
	case len(parts) == 1 && parts[0].kind == partAny && parts[0].modifier == 0 && parts[0].prefix == "" && parts[0].suffix == "":
		c.match = func(s string) ([]*string, bool, error) {
			// As the expression ".*" has it: no line ends.
			return []*string{&s}, !strings.ContainsAny(s, "\n\r\u2028\u2029"), nil
		}
	case !o.ignoreCase && (len(parts) == 0 || len(parts) == 1 && parts[0].kind == partText && parts[0].modifier == 0):
		text := ""
		if len(parts) == 1 {
			text = parts[0].value
		}
		c.match = func(s string) ([]*string, bool, error) { return nil, s == text, nil }
	default:
		if c.match, err = e(source, o.ignoreCase); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *component) matchesSpecial() (bool, error) {
	for scheme := range defaultPorts {
		if _, ok, err := c.match(scheme); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

// New makes a pattern of a string, which may be relative to base.
func New(s string, base *string, ignoreCase bool, e Engine) (*Pattern, error) {
	in, err := parseConstructor(s, e)
	if err != nil {
		return nil, err
	}
	if base == nil && in.Parts[cProtocol] == nil {
		return nil, errPattern
	}
	in.Base = base
	return NewInit(&in, ignoreCase, e)
}

// NewInit makes a pattern of its components.
func NewInit(in *Init, ignoreCase bool, e Engine) (*Pattern, error) {
	whole, err := in.process(true)
	if err != nil {
		return nil, err
	}
	star := "*"
	for i := range whole {
		if whole[i] == nil {
			whole[i] = &star
		}
	}
	if port, special := defaultPorts[*whole[cProtocol]]; special && *whole[cPort] == port {
		whole[cPort] = new(string)
	}
	p := &Pattern{}
	set := func(i int, o options, encode func(string) (string, error)) {
		if err == nil {
			p.parts[i], err = compile(*whole[i], o, encode, e)
		}
	}
	set(cProtocol, options{}, canonicalProtocol)
	set(cUsername, options{}, canonicalUsername)
	set(cPassword, options{}, canonicalPassword)
	host := canonicalHost
	if isIPv6(*whole[cHostname]) {
		host = canonicalIPv6
	}
	set(cHostname, options{delimiter: '.'}, host)
	set(cPort, options{}, canonicalAnyPort)
	if err != nil {
		return nil, err
	}
	special, err := p.parts[cProtocol].matchesSpecial()
	if special {
		set(cPathname, options{'/', '/', ignoreCase}, canonicalPathname)
	} else {
		set(cPathname, options{ignoreCase: ignoreCase}, canonicalOpaque)
	}
	set(cSearch, options{ignoreCase: ignoreCase}, canonicalSearch)
	set(cHash, options{ignoreCase: ignoreCase}, canonicalHash)
	return p, err
}

func isIPv6(s string) bool {
	return len(s) >= 2 && (s[0] == '[' || s[0] == '{' && s[1] == '[' || s[0] == '\\' && s[1] == '[')
}

// Component is the pattern of a component.
func (p *Pattern) Component(i int) string { return p.parts[i].pattern }

// HasRegExpGroups reports whether a component has an expression of the script's.
func (p *Pattern) HasRegExpGroups() bool {
	for _, c := range p.parts {
		if c.regexp {
			return true
		}
	}
	return false
}

// Match matches a URL; nil where it is none, or does not match.
func (p *Pattern) Match(s string, base *string) (*[components]Result, error) {
	u, err := url.Parse(s, base)
	if err != nil {
		return nil, nil
	}
	return p.match([components]string{
		strings.TrimSuffix(u.Protocol(), ":"), u.Username(), u.Password(), u.Hostname(), u.Port(), u.Pathname(),
		strings.TrimPrefix(u.Search(), "?"), strings.TrimPrefix(u.Hash(), "#"),
	})
}

// MatchInit matches components.
func (p *Pattern) MatchInit(in *Init) (*[components]Result, error) {
	whole, err := in.process(false)
	if err != nil {
		return nil, nil
	}
	var values [components]string
	for i, s := range whole {
		values[i] = *s
	}
	return p.match(values)
}

func (p *Pattern) match(values [components]string) (*[components]Result, error) {
	out := &[components]Result{}
	for i, c := range p.parts {
		groups, ok, err := c.match(values[i])
		if err != nil || !ok {
			return nil, err
		}
		out[i] = Result{values[i], c.names, groups}
	}
	return out, nil
}
