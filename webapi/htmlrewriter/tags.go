package htmlrewriter

import (
	"fmt"

	"workerd.local/exception"
)

// parserError is an error of the rewriter, as workerd words it.
func parserError(format string, args ...any) error {
	return exception.TypeErrorf("Parser error: %s", fmt.Sprintf(format, args...))
}

type namespace uint8

const (
	nsHTML namespace = iota
	nsSVG
	nsMathML
)

func (n namespace) String() string {
	return [...]string{"http://www.w3.org/1999/xhtml", "http://www.w3.org/2000/svg", "http://www.w3.org/1998/Math/MathML"}[n]
}

func set(names ...string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[n] = true
	}
	return m
}

var (
	// voidTags have no content and no end tag.
	voidTags = set("area", "base", "basefont", "bgsound", "br", "col", "embed", "frame", "hr", "img", "input", "keygen", "link", "meta",
		"param", "source", "track", "wbr")
	// textTags have text as their only content; that of title and textarea knows
	// character references, which makes no difference here.
	textTags = map[string]mode{
		"title": modeRaw, "textarea": modeRaw, "style": modeRaw, "xmp": modeRaw, "iframe": modeRaw, "noembed": modeRaw,
		"noframes": modeRaw, "noscript": modeRaw, "script": modeScript, "plaintext": modePlaintext,
	}
	// exitTags end svg and math when they begin inside.
	exitTags = set("b", "big", "blockquote", "body", "br", "center", "code", "dd", "div", "dl", "dt", "em", "embed", "h1", "h2", "h3", "h4",
		"h5", "h6", "head", "hr", "i", "img", "li", "listing", "menu", "meta", "nobr", "ol", "p", "pre", "ruby", "s", "small", "span",
		"strong", "strike", "sub", "sup", "table", "tt", "u", "ul", "var")
	// svgIslands and mathIslands have HTML inside.
	svgIslands  = set("foreignobject", "desc", "title")
	mathIslands = set("mi", "mo", "mn", "ms", "mtext")
)

// context is what a streaming parser knows of the insertion mode: the namespace,
// and whether the parser of a browser might ignore a tag.
type context struct {
	spaces []namespace // of the elements that changed it; HTML below all
	guard  guard
	// templates counts those that are open inside a select.
	templates int
}

type guard uint8

const (
	free guard = iota
	inSelect
	inTemplateInSelect
	inFrameset
)

func (c *context) space() namespace {
	if n := len(c.spaces); n > 0 {
		return c.spaces[n-1]
	}
	return nsHTML
}

func (c *context) leave() {
	if n := len(c.spaces); n > 0 {
		c.spaces = c.spaces[:n-1]
	}
}

// start follows a start tag, and returns the namespace of its element and how text
// is read after it.
func (c *context) start(name string, t *token) (ns namespace, m mode, err error) {
	if err := c.guardStart(name); err != nil {
		return nsHTML, modeData, err
	}
	enter := func(ns namespace) {
		if !t.selfClosed {
			c.spaces = append(c.spaces, ns)
		}
	}
	switch ns = c.space(); {
	case name == "svg":
		enter(nsSVG)
		return nsSVG, modeData, nil
	case name == "math":
		enter(nsMathML)
		return nsMathML, modeData, nil
	case ns == nsHTML:
		return nsHTML, textTags[name], nil
	case exitTags[name], name == "font" && (t.attr("color") != nil || t.attr("size") != nil || t.attr("face") != nil):
		c.leave()
		return c.space(), modeData, nil
	case ns == nsSVG && svgIslands[name], ns == nsMathML && mathIslands[name], ns == nsMathML && name == "annotation-xml" && t.hasHTML():
		enter(nsHTML)
	}
	return ns, modeData, nil
}

// hasHTML is about an annotation-xml element.
func (t *token) hasHTML() bool {
	a := t.attr("encoding")
	return a != nil && (equalFold(a.value, "text/html") || equalFold(a.value, "application/xhtml+xml"))
}

// end follows an end tag.
func (c *context) end(name string) {
	c.guardEnd(name)
	switch n := len(c.spaces); c.space() {
	case nsSVG:
		if name == "svg" {
			c.leave()
		}
	case nsMathML:
		if name == "math" {
			c.leave()
		}
	default:
		if n < 2 {
			return
		}
		switch outer := c.spaces[n-2]; {
		case outer == nsSVG && svgIslands[name], outer == nsMathML && (mathIslands[name] || name == "annotation-xml"):
			c.leave()
		}
	}
}

// guardStart is an error where a browser might ignore a tag that changes how the
// text after it is read.
func (c *context) guardStart(name string) error {
	switch c.guard {
	case free:
		switch name {
		case "select":
			c.guard = inSelect
		case "frameset":
			c.guard = inFrameset
		}
		return nil
	case inSelect:
		switch name {
		case "select", "textarea", "input", "keygen":
			c.guard = free
			return nil
		case "template":
			c.guard, c.templates = inTemplateInSelect, 1
			return nil
		case "script":
			return nil
		}
	case inTemplateInSelect:
		if name == "template" {
			c.templates++
			return nil
		}
	case inFrameset:
		if name == "noframes" {
			return nil
		}
	}
	if _, ok := textTags[name]; ok {
		return parserError("The parser has encountered a text content tag (`<%s>`) in the context where it is ambiguous whether this tag should be ignored or not. And, thus, it is unclear whether consequent content should be parsed as raw text or HTML markup.\n\nThis error occurs due to the limited capabilities of the streaming parsing. However, almost all of the cases of this error are caused by a non-conforming markup (e.g. a `<script>` element in `<select>` element).", name)
	}
	return nil
}

func (c *context) guardEnd(name string) {
	switch {
	case c.guard == inSelect && name == "select":
		c.guard = free
	case c.guard == inTemplateInSelect && name == "template":
		if c.templates--; c.templates == 0 {
			c.guard = inSelect
		}
	}
}

// attr is the first attribute of the name, which is in lower case.
func (t *token) attr(name string) *attr {
	for i := range t.attrs {
		if equalFold(t.attrs[i].name, name) {
			return &t.attrs[i]
		}
	}
	return nil
}

// parseDoctype takes the words of a doctype apart (WHATWG HTML, 13.2.5.53 and on).
func parseDoctype(b []byte) (name, public, system *string) {
	skip := func() {
		for len(b) > 0 && isSpace(b[0]) {
			b = b[1:]
		}
	}
	quoted := func() *string {
		skip()
		if len(b) == 0 || b[0] != '"' && b[0] != '\'' {
			return nil
		}
		q := b[0]
		n := 1
		for n < len(b) && b[n] != q {
			n++
		}
		s := string(b[1:n])
		b = b[min(n+1, len(b)):]
		return &s
	}
	skip()
	n := 0
	for n < len(b) && !isSpace(b[n]) {
		n++
	}
	if n == 0 {
		return nil, nil, nil
	}
	lowered := make([]byte, n)
	for i := range lowered {
		lowered[i] = lower(b[i])
	}
	s := string(lowered)
	name = &s
	b = b[n:]
	skip()
	switch {
	case hasPrefixFold(b, "public"):
		b = b[len("public"):]
		if public = quoted(); public != nil {
			system = quoted()
		}
	case hasPrefixFold(b, "system"):
		b = b[len("system"):]
		system = quoted()
	}
	return name, public, system
}
