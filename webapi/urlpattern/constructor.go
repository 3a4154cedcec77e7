package urlpattern

// Further states of the parser of a constructor string; the others are components.
const (
	sInit = components + iota
	sAuthority
	sDone
)

// ctorParser takes a pattern that is written as a URL apart ("parse a constructor
// string").
type ctorParser struct {
	in        []rune
	tokens    []token
	at, start int
	step      int
	depth     int // of groups
	brackets  int // of IPv6 addresses
	special   bool
	state     int
	out       Init
	engine    Engine
}

func parseConstructor(s string, e Engine) (Init, error) {
	p := &ctorParser{in: []rune(s), state: sInit, engine: e}
	p.tokens, _ = tokenize(p.in, true) // lenient: there is no error
	for ; p.at < len(p.tokens); p.at += p.step {
		p.step = 1
		t := p.tokens[p.at]
		if t.kind == tokEnd {
			switch p.state {
			case sInit:
				p.rewind()
				switch {
				case p.is(p.at, "#"):
					p.change(cHash, 1)
				case p.isSearch():
					p.change(cSearch, 1)
				default:
					p.change(cPathname, 0)
				}
				continue
			case sAuthority:
				p.rewind()
				p.state = cHostname
				continue
			}
			p.change(sDone, 0)
			break
		}
		if t.kind == tokOpen {
			p.depth++
			continue
		}
		if p.depth > 0 {
			if t.kind != tokClose {
				continue
			}
			p.depth--
		}
		if err := p.token(); err != nil {
			return Init{}, err
		}
	}
	if p.out.Parts[cHostname] != nil && p.out.Parts[cPort] == nil {
		p.out.Parts[cPort] = new(string)
	}
	return p.out, nil
}

func (p *ctorParser) token() error {
	slash, hash, search := p.is(p.at, "/"), p.is(p.at, "#"), p.isSearch()
	at, colon := p.is(p.at, "@"), p.is(p.at, ":")
	switch p.state {
	case sInit:
		if colon {
			p.rewind()
			p.state = cProtocol
		}
	case cProtocol:
		if !colon {
			return nil
		}
		if err := p.findSpecial(); err != nil {
			return err
		}
		switch {
		case p.is(p.at+1, "/") && p.is(p.at+2, "/"):
			p.change(sAuthority, 3)
		case p.special:
			p.change(sAuthority, 1)
		default:
			p.change(cPathname, 1)
		}
	case sAuthority:
		switch {
		case at:
			p.rewind()
			p.state = cUsername
		case slash, search, hash:
			p.rewind()
			p.state = cHostname
		}
	case cUsername:
		switch {
		case colon:
			p.change(cPassword, 1)
		case at:
			p.change(cHostname, 1)
		}
	case cPassword:
		if at {
			p.change(cHostname, 1)
		}
	case cHostname:
		switch {
		case p.is(p.at, "["):
			p.brackets++
		case p.is(p.at, "]"):
			p.brackets--
		case colon && p.brackets == 0:
			p.change(cPort, 1)
		default:
			p.rest(slash, search, hash)
		}
	case cPort:
		p.rest(slash, search, hash)
	case cPathname:
		p.rest(false, search, hash)
	case cSearch:
		p.rest(false, false, hash)
	}
	return nil
}

func (p *ctorParser) rest(slash, search, hash bool) {
	switch {
	case slash:
		p.change(cPathname, 0)
	case search:
		p.change(cSearch, 1)
	case hash:
		p.change(cHash, 1)
	}
}

// is reports whether the token is this character as text.
func (p *ctorParser) is(at int, value string) bool {
	t := p.tokens[min(at, len(p.tokens)-1)]
	return t.value == value && (t.kind == tokChar || t.kind == tokEscaped || t.kind == tokInvalid)
}

// isSearch tells a question mark from a modifier.
func (p *ctorParser) isSearch() bool {
	if p.is(p.at, "?") {
		return true
	}
	if p.tokens[p.at].value != "?" {
		return false
	}
	if p.at == 0 {
		return true
	}
	switch p.tokens[p.at-1].kind {
	case tokName, tokRegExp, tokClose, tokAsterisk:
		return false
	}
	return true
}

func (p *ctorParser) rewind() { p.at, p.step = p.start, 0 }

func (p *ctorParser) text() string { return string(p.in[p.tokens[p.start].at:p.tokens[p.at].at]) }

func (p *ctorParser) change(state, skip int) {
	old := p.state
	if old < components {
		s := p.text()
		p.out.Parts[old] = &s
	}
	// Where a component is left out that comes before, it is empty.
	order := func(s int) int {
		switch s {
		case cProtocol:
			return 0
		case sAuthority:
			return 1
		}
		return s + 1
	}
	if old != sInit && state != sDone {
		fill := func(i int, s string) {
			if p.out.Parts[i] == nil && order(old) < order(i) && order(state) > order(i) {
				p.out.Parts[i] = &s
			}
		}
		fill(cHostname, "")
		if state == cSearch || state == cHash {
			if p.special {
				fill(cPathname, "/")
			} else {
				fill(cPathname, "")
			}
		}
		if state == cHash {
			fill(cSearch, "")
		}
	}
	p.state = state
	p.at = min(p.at+skip, len(p.tokens)-1)
	p.start, p.step = p.at, 0
}

// findSpecial finds out whether the protocol may be a special one.
func (p *ctorParser) findSpecial() error {
	c, err := compile(p.text(), options{}, canonicalProtocol, p.engine)
	if err != nil {
		return err
	}
	p.special, err = c.matchesSpecial()
	return err
}
