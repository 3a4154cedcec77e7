package htmlrewriter

import (
	"bytes"
	"strings"
)

// selector is a list of alternatives, such as "a > b, c".
type selector []complexSelector

// complexSelector is compounds, outermost first.
type complexSelector []compound

// compound is what one element has to be. child says that the next compound is
// about its children, and not about all that is inside.
type compound struct {
	conditions []condition
	child      bool
}

// condition is one requirement of an element.
type condition struct {
	kind conditionKind
	name string // of a tag in lower case, an attribute in lower case, a class, an id
	// value, op and fold are of an attribute.
	value string
	op    byte // 0 present, '=' and the first character of the other operators
	fold  foldKind
	// a and b are those of an+b.
	a, b int
	// not is the list of a negation.
	not []compound
}

type conditionKind uint8

const (
	isTag conditionKind = iota
	hasClass
	hasID
	hasAttr
	isNthChild
	isNthOfType
	isNot
)

type foldKind uint8

const (
	// foldByName: the values of some attributes of HTML elements do not depend on case.
	foldByName foldKind = iota
	foldNever
	foldAlways
)

// foldedAttrs are the attributes whose values do not depend on case (WHATWG HTML,
// 16.2 "Case-sensitivity of selectors").
var foldedAttrs = set("accept", "accept-charset", "align", "alink", "axis", "bgcolor", "charset", "checked", "clear", "codetype", "color",
	"compact", "declare", "defer", "dir", "direction", "disabled", "enctype", "face", "frame", "hreflang", "http-equiv", "lang", "language",
	"link", "media", "method", "multiple", "nohref", "noresize", "noshade", "nowrap", "readonly", "rel", "rev", "rules", "scope", "scrolling",
	"selected", "shape", "target", "text", "type", "valign", "valuetype", "vlink")

// subject is the element that is looked at.
type subject struct {
	name string // in lower case
	ns   namespace
	t    *token
	// nth and nthOfType count from 1.
	nth, nthOfType int
	decode         func([]byte) string
}

func (c *compound) matches(s *subject) bool {
	for i := range c.conditions {
		if !c.conditions[i].matches(s) {
			return false
		}
	}
	return true
}

func (c *condition) matches(s *subject) bool {
	switch c.kind {
	case isTag:
		return c.name == s.name
	case hasID:
		a := s.t.attr("id")
		return a != nil && s.decode(a.value) == c.name
	case hasClass:
		a := s.t.attr("class")
		return a != nil && hasWord(s.decode(a.value), c.name)
	case hasAttr:
		return c.matchesAttr(s)
	case isNthChild:
		return c.matchesNth(s.nth)
	case isNthOfType:
		return c.matchesNth(s.nthOfType)
	}
	for i := range c.not {
		if c.not[i].matches(s) {
			return false
		}
	}
	return true
}

func (c *condition) matchesNth(n int) bool {
	n -= c.b
	if c.a == 0 {
		return n == 0
	}
	return n%c.a == 0 && n/c.a >= 0
}

func (c *condition) matchesAttr(s *subject) bool {
	a := s.attr(c.name)
	if a == nil || c.op == 0 {
		return a != nil
	}
	fold := c.fold == foldAlways || c.fold == foldByName && s.ns == nsHTML && foldedAttrs[c.name]
	have, want := s.decode(a.value), c.value
	if fold {
		have, want = lowerASCII(have), lowerASCII(want)
	}
	switch c.op {
	case '=':
		return have == want
	case '~':
		return want != "" && !strings.ContainsAny(want, " \t\n\r\f") && hasWord(have, want)
	case '|':
		return have == want || strings.HasPrefix(have, want+"-")
	case '^':
		return want != "" && strings.HasPrefix(have, want)
	case '$':
		return want != "" && strings.HasSuffix(have, want)
	default:
		return want != "" && strings.Contains(have, want)
	}
}

func (s *subject) attr(name string) *attr {
	if a := s.t.attr(name); a != nil || isASCII(name) {
		return a
	}
	for i := range s.t.attrs {
		if lowerASCII(s.decode(s.t.attrs[i].name)) == name {
			return &s.t.attrs[i]
		}
	}
	return nil
}

func hasWord(list, word string) bool {
	for list != "" {
		w := list
		if i := strings.IndexAny(list, " \t\n\r\f"); i >= 0 {
			w, list = list[:i], list[i+1:]
		} else {
			list = ""
		}
		if w == word {
			return true
		}
	}
	return false
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func lowerASCII(s string) string {
	for i := 0; i < len(s); i++ {
		if 'A' <= s[i] && s[i] <= 'Z' {
			b := []byte(s)
			for i := range b {
				b[i] = lower(b[i])
			}
			return string(b)
		}
	}
	return s
}

// lowerName is the name of a tag in lower case.
func lowerName(b []byte) string {
	if bytes.IndexFunc(b, func(r rune) bool { return 'A' <= r && r <= 'Z' }) < 0 {
		return string(b)
	}
	return lowerASCII(string(b))
}

// automaton matches many selectors at once, element by element. A state says that
// the compounds before one have been found among the ancestors, so the next element
// is all that has to be looked at.
type automaton struct {
	states []state
	// first are the states that always hold.
	first []int
	// ofType says that some selector counts by type.
	ofType bool
}

type state struct {
	compound compound
	// next is the state that a match leads to; at the end it is -1, and handler is
	// what the selector is for.
	next, handler int
}

func (a *automaton) add(s selector, handler int) {
	for _, c := range s {
		a.first = append(a.first, len(a.states))
		for i := range c {
			next := len(a.states) + 1
			if i == len(c)-1 {
				next = -1
			}
			a.states = append(a.states, state{c[i], next, handler})
			a.ofType = a.ofType || c[i].countsTypes()
		}
	}
}

func (c *compound) countsTypes() bool {
	for i := range c.conditions {
		cond := &c.conditions[i]
		if cond.kind == isNthOfType {
			return true
		}
		for j := range cond.not {
			if cond.not[j].countsTypes() {
				return true
			}
		}
	}
	return false
}

// stateSet is the states that hold inside an element, sorted; it is not changed once
// it is made.
type stateSet []int

// match finds the handlers whose selector the element matches, and the states that
// hold for its children and for all that is inside of it. inside and children are
// those of its parent.
func (a *automaton) match(s *subject, inside, children stateSet, found func(handler int)) (deeper, below stateSet) {
	deeper = inside
	grown := false
	try := func(i int) {
		st := &a.states[i]
		if !st.compound.matches(s) {
			return
		}
		switch {
		case st.next < 0:
			found(st.handler)
		case st.compound.child:
			below = insert(below, st.next)
		default:
			if !grown {
				deeper, grown = append(stateSet(nil), deeper...), true
			}
			deeper = insert(deeper, st.next)
		}
	}
	for _, i := range a.first {
		try(i)
	}
	for _, i := range inside {
		try(i)
	}
	for _, i := range children {
		try(i)
	}
	return deeper, below
}

func insert(s stateSet, v int) stateSet {
	i := 0
	for i < len(s) && s[i] < v {
		i++
	}
	if i < len(s) && s[i] == v {
		return s
	}
	s = append(s, 0)
	copy(s[i+1:], s[i:])
	s[i] = v
	return s
}
