package htmlrewriter

import (
	"bytes"
	"strings"
)

// content is something that a handler puts into the document: text or HTML, or a
// stream of it.
type content struct {
	text   string
	html   bool
	stream any
}

func (c content) escaped() string {
	if c.html {
		return c.text
	}
	return escapeText.Replace(c.text)
}

var escapeText = strings.NewReplacer("<", "&lt;", ">", "&gt;", "&", "&amp;")

// mutations are what handlers did to one token.
type mutations struct {
	before, replacement, inside, after []content
	removed                            bool
}

func (m *mutations) putBefore(c content) { m.before = append(m.before, c) }

// putAfter puts c right behind the token: what is put last comes first.
func (m *mutations) putAfter(c content) { m.after = prepend(m.after, c) }

func (m *mutations) replace(c content) {
	m.replacement = append(m.replacement[:0:0], c)
	m.removed = true
}

func prepend(list []content, c content) []content { return append([]content{c}, list...) }

// chunk is a piece of text; the last one of a text is empty.
type chunk struct {
	mutations
	text string
	last bool
}

type commentUnit struct {
	mutations
	text    string
	changed bool
}

var errCommentClose = parserError("Comment text shouldn't contain a comment-closing sequence.")

func (c *commentUnit) setText(s string) error {
	if strings.HasPrefix(s, ">") || strings.HasPrefix(s, "->") || strings.Contains(s, "-->") || strings.Contains(s, "--!>") {
		return errCommentClose
	}
	c.text, c.changed = s, true
	return nil
}

type doctypeUnit struct{ name, public, system *string }

type docEnd struct{ content []content }

// elementEnd is what happens at the end tag that closes an element.
type elementEnd struct {
	mutations *mutations
	rename    *string
	handler   any // of onEndTag
}

// apply hands the tag what the element asked for. Where an end tag closes several
// elements, the mutations of the outermost that has any are what counts, as in lol-html.
func (e *elementEnd) apply(tag *endTagUnit) *call {
	if e.mutations != nil {
		tag.mutations = *e.mutations
	}
	if e.rename != nil {
		tag.rename = e.rename
	}
	if e.handler == nil {
		return nil
	}
	return &call{event: onEndTag, handler: e.handler, unit: tag}
}

type endTagUnit struct {
	mutations
	charset charset
	name    string // in lower case
	rename  *string
}

func (t *endTagUnit) getName() string {
	if t.rename != nil {
		return lowerASCII(*t.rename)
	}
	return t.charset.decode([]byte(t.name))
}

// setName takes any name, as lol-html does, except for one that could not be a tag's.
func (t *endTagUnit) setName(s string) error {
	if err := checkTagName(s, t.charset); err != nil {
		return err
	}
	t.rename = &s
	return nil
}

func (t *endTagUnit) emit(m *machine, raw []byte) {
	if t.rename == nil {
		m.emit(raw)
		return
	}
	m.emit([]byte("</"))
	m.emit(m.charset.encode(*t.rename))
	m.emit([]byte(">"))
}

// element is a start tag together with what happens at its end.
type element struct {
	mutations
	tok     *token
	charset charset
	name    string // in lower case
	ns      namespace
	empty   bool // it has no content and no end tag

	rename         *string
	attrs          []elementAttr // read from the token when first asked for
	haveAttrs      bool
	changed        bool
	contentRemoved bool
	end            *elementEnd
	// version counts changes of the attributes.
	version int
}

// elementAttr is an attribute; raw is nil where it was set.
type elementAttr struct {
	raw, written []byte
	name         string // in lower case
	value        string
}

var errNoEndTag = parserError("No end tag.")

func (e *element) tagName() string {
	if e.rename != nil {
		return lowerASCII(*e.rename)
	}
	return e.charset.decode([]byte(e.name))
}

func checkTagName(s string, cs charset) error {
	if s == "" {
		return parserError("Tag name can't be empty.")
	}
	if !isLetter(s[0]) {
		return parserError("The first character of the tag name should be an ASCII alphabetical character.")
	}
	if i := strings.IndexAny(s, " \n\r\t\f/>"); i >= 0 {
		return parserError("`%c` character is forbidden in the tag name", s[i])
	}
	if !cs.canEncode(s) {
		return parserError("The tag name contains a character that can't be represented in the document's character encoding.")
	}
	return nil
}

func (e *element) setTagName(s string) error {
	if err := checkTagName(s, e.charset); err != nil {
		return err
	}
	e.rename, e.changed = &s, true
	if !e.empty {
		e.ending().rename = &s
	}
	return nil
}

func (e *element) ending() *elementEnd {
	if e.end == nil {
		e.end = &elementEnd{}
	}
	return e.end
}

// endMutations are those of the end tag.
func (e *element) endMutations() *mutations {
	end := e.ending()
	if end.mutations == nil {
		end.mutations = &mutations{}
	}
	return end.mutations
}

func (e *element) readAttrs() {
	if e.haveAttrs {
		return
	}
	e.haveAttrs = true
	for _, a := range e.tok.attrs {
		e.attrs = append(e.attrs, elementAttr{a.raw, a.name, lowerASCII(e.charset.decode(a.name)), e.charset.decode(a.value)})
	}
}

func (e *element) attr(name string) *elementAttr {
	e.readAttrs()
	name = lowerASCII(name)
	for i := range e.attrs {
		if e.attrs[i].name == name {
			return &e.attrs[i]
		}
	}
	return nil
}

func (e *element) setAttr(name, value string) error {
	if name == "" {
		return parserError("Attribute name can't be empty.")
	}
	if i := strings.IndexAny(name, " \n\r\t\f/>="); i >= 0 {
		return parserError("`%c` character is forbidden in the attribute name", name[i])
	}
	if !e.charset.canEncode(name) {
		return parserError("The attribute name contains a character that can't be represented in the document's character encoding.")
	}
	a := e.attr(name)
	if a == nil {
		name = lowerASCII(name)
		e.attrs = append(e.attrs, elementAttr{written: e.charset.encode(name), name: name})
		a = &e.attrs[len(e.attrs)-1]
	}
	a.raw, a.value = nil, value
	e.changed = true
	e.version++
	return nil
}

func (e *element) removeAttr(name string) {
	e.readAttrs()
	name = lowerASCII(name)
	kept := e.attrs[:0]
	for _, a := range e.attrs {
		if a.name != name {
			kept = append(kept, a)
		}
	}
	e.changed = e.changed || len(kept) != len(e.attrs)
	e.attrs = kept
	e.version++
}

func (e *element) putPrepend(c content) {
	if !e.empty {
		e.inside = prepend(e.inside, c)
	}
}

func (e *element) putAppend(c content) {
	if !e.empty {
		e.endMutations().putBefore(c)
	}
}

func (e *element) putAfterEnd(c content) {
	if e.empty {
		e.putAfter(c)
		return
	}
	e.endMutations().putAfter(c)
}

func (e *element) removeContent() {
	e.inside = nil
	e.contentRemoved = true
	if e.end != nil && e.end.mutations != nil {
		e.end.mutations.before = nil
	}
}

func (e *element) setInner(c content) {
	if e.empty {
		return
	}
	e.removeContent()
	e.putPrepend(c)
}

func (e *element) replaceAll(c content) {
	e.replace(c)
	e.removeEnd()
}

func (e *element) remove() {
	e.removed = true
	e.removeEnd()
}

func (e *element) removeEnd() {
	if !e.empty {
		e.removeContent()
		e.endMutations().removed = true
	}
}

func (e *element) removeTags() {
	e.removed = true
	if !e.empty {
		e.endMutations().removed = true
	}
}

// onEnd sets the handler of the end tag; the last one counts.
func (e *element) onEnd(handler any) error {
	if e.empty {
		return errNoEndTag
	}
	e.ending().handler = handler
	return nil
}

// emit writes the start tag, byte by byte as it was where nothing was changed.
func (e *element) emit(m *machine) {
	if !e.changed {
		m.emit(e.tok.raw)
		return
	}
	e.readAttrs()
	m.emit([]byte("<"))
	if e.rename != nil {
		m.emit(m.charset.encode(*e.rename))
	} else {
		m.emit(e.tok.name)
	}
	for _, a := range e.attrs {
		m.emit([]byte(" "))
		if a.raw != nil {
			m.emit(a.raw)
			continue
		}
		m.emit(a.written)
		m.emit([]byte(`="`))
		m.emit(bytes.ReplaceAll(m.charset.encode(a.value), []byte(`"`), []byte("&quot;")))
		m.emit([]byte(`"`))
	}
	if e.tok.selfClosed {
		m.emit([]byte(" /"))
	}
	m.emit([]byte(">"))
}
