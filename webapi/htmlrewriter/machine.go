package htmlrewriter

import (
	"slices"
	"unicode/utf8"
)

// registration is what one call of on or onDocument asks for.
type registration struct {
	// selector is nil for handlers of the document.
	selector                              selector
	element, comments, text, doctype, end bool
}

// event is which handler of a registration is called.
type event uint8

const (
	onElement event = iota
	onComment
	onText
	onDoctype
	onEnd
	onEndTag
)

// call is one handler to call. unit is an *element, *commentUnit, *chunk,
// *doctypeUnit, *docEnd or *endTagUnit.
type call struct {
	event event
	// reg is whose handler; handler is that of an end tag itself.
	reg     int
	handler any
	unit    any
}

// status is what step found.
type status uint8

const (
	stepped status = iota
	wantCall
	wantInput
	finished
)

// piece is a part of the output: bytes, or a stream that the driver reads.
type piece struct {
	b      []byte
	stream any
	html   bool
}

// frame is an open element.
type frame struct {
	name    string
	matched []int // registrations whose selector it matched
	inside  stateSet
	below   stateSet
	// children counts the elements in it, types those of each name.
	children int
	types    map[string]int
	removing bool
	end      *elementEnd
}

// machine rewrites one document. Its driver calls step again and again, does what it
// asks for, and writes what takeOut gives.
type machine struct {
	lex     lexer
	ctx     context
	charset charset
	regs    []registration
	auto    automaton

	stack []frame
	// open counts the open elements of each name, so that a stray end tag is told at once.
	open map[string]int
	root frame
	// active counts, for each registration, the open elements that its selector matched.
	active   []int
	texts    int // how many active registrations want text
	comments int
	// docText and docComments are how many handlers of the document there are.
	docText, docComments bool
	removing             int

	limit int // bytes of memory
	used  int // by the stack

	queue  []func() *call // calls that the current token still needs
	finish func()
	inText bool   // handlers have seen a part of the text that goes on
	tail   []byte // an unfinished character at its end
	// waiting is the token that ended the text.
	waiting *token
	ended   bool
	esi     bool

	out     []piece
	outSize int
}

// frameCost is about what an open element takes.
const frameCost = 160

func newMachine(regs []registration, cs charset, limit int, esi bool) *machine {
	m := &machine{regs: regs, charset: cs, limit: limit, esi: esi, open: map[string]int{}, active: make([]int, len(regs))}
	for i, r := range regs {
		if r.selector == nil {
			m.docText = m.docText || r.text
			m.docComments = m.docComments || r.comments
			continue
		}
		m.auto.add(r.selector, i)
	}
	return m
}

// step goes on by one call, one token or one piece of output.
func (m *machine) step() (status, *call, error) {
	if len(m.queue) > 0 {
		next := m.queue[0]
		m.queue = m.queue[1:]
		if c := next(); c != nil {
			return wantCall, c, nil
		}
		return stepped, nil, nil
	}
	if f := m.finish; f != nil {
		m.finish = nil
		f()
		return stepped, nil, nil
	}
	if t := m.waiting; t != nil {
		m.waiting = nil
		return stepped, nil, m.token(t)
	}
	t, ok := m.lex.next()
	switch {
	case ok && m.inText && t.kind != text:
		waiting := *t
		m.endText()
		emit := m.finish
		m.finish = func() { emit(); m.waiting = &waiting }
		return stepped, nil, nil
	case ok:
		return stepped, nil, m.token(t)
	case !m.lex.last:
		if m.lex.held()+m.used > m.limit {
			return stepped, nil, errMemory
		}
		return wantInput, nil, nil
	case m.inText:
		m.endText()
		return stepped, nil, nil
	case !m.ended:
		m.ended = true
		m.endDocument()
		return stepped, nil, nil
	}
	return finished, nil, nil
}

var errMemory = parserError("The memory limit has been exceeded.")

// feed adds input.
func (m *machine) feed(b []byte) { m.lex.feed(b) }

// close says that there is no more input.
func (m *machine) close() { m.lex.last = true }

func (m *machine) top() *frame {
	if n := len(m.stack); n > 0 {
		return &m.stack[n-1]
	}
	return &m.root
}

func (m *machine) token(t *token) error {
	switch t.kind {
	case text:
		m.text(t)
	case comment:
		m.comment(t)
	case doctype:
		m.doctype(t)
	case startTag:
		return m.startTag(t)
	case endTag:
		m.endTag(t)
	default:
		m.emit(t.raw)
	}
	return nil
}

// emit is output as it is.
func (m *machine) emit(b []byte) {
	if m.removing > 0 || len(b) == 0 {
		return
	}
	if n := len(m.out); n == 0 || m.out[n-1].stream != nil {
		m.out = append(m.out, piece{})
	}
	last := &m.out[len(m.out)-1]
	last.b = append(last.b, b...)
	m.outSize += len(b)
}

// emitAll is output of handlers.
func (m *machine) emitAll(list []content) {
	if m.removing > 0 {
		return
	}
	for _, c := range list {
		if c.stream != nil {
			m.out = append(m.out, piece{stream: c.stream, html: c.html})
			m.outSize++
			continue
		}
		m.emit(m.charset.encode(c.escaped()))
	}
}

// emitUnit is a token with what handlers asked for around it.
func (m *machine) emitUnit(mut *mutations, self func()) {
	m.emitAll(mut.before)
	if mut.removed {
		m.emitAll(mut.replacement)
	} else {
		self()
	}
	m.emitAll(mut.inside)
	m.emitAll(mut.after)
}

// takeOut is the output so far.
func (m *machine) takeOut() []piece {
	out := m.out
	m.out, m.outSize = nil, 0
	return out
}

// wanting queues the calls of active registrations that want the event: those of
// elements first, then those of the document, in the order in which they were made.
func (m *machine) wanting(e event, wants func(*registration) bool, unit any) {
	for _, doc := range [2]bool{false, true} {
		for i := range m.regs {
			r := &m.regs[i]
			if !wants(r) || (r.selector == nil) != doc || !doc && m.active[i] == 0 {
				continue
			}
			m.queue = append(m.queue, func() *call { return &call{event: e, reg: i, unit: unit} })
		}
	}
}

func wantsText(r *registration) bool     { return r.text }
func wantsComments(r *registration) bool { return r.comments }

func (m *machine) text(t *token) {
	if m.texts == 0 && !m.docText {
		m.emit(t.raw)
		return
	}
	m.inText = true
	raw := t.raw
	if len(m.tail) > 0 {
		raw = append(m.tail, raw...)
		m.tail = nil
	}
	n := m.charset.whole(raw)
	if n < len(raw) {
		m.tail = append([]byte(nil), raw[n:]...)
	}
	if n > 0 {
		m.chunk(raw[:n])
	}
}

func (m *machine) chunk(raw []byte) {
	c := &chunk{text: m.charset.decode(raw)}
	m.wanting(onText, wantsText, c)
	m.finish = func() { m.emitUnit(&c.mutations, func() { m.emit(raw) }) }
}

// endText tells handlers that the text is over, with an empty piece.
func (m *machine) endText() {
	m.inText = false
	if raw := m.tail; len(raw) > 0 {
		m.tail = nil
		m.chunk(raw)
		rest := m.finish
		m.queue = append(m.queue, func() *call { rest(); return nil })
	}
	c := &chunk{last: true}
	m.wanting(onText, wantsText, c)
	m.finish = func() { m.emitUnit(&c.mutations, func() {}) }
}

func (m *machine) comment(t *token) {
	if m.comments == 0 && !m.docComments {
		m.emit(t.raw)
		return
	}
	c := &commentUnit{text: m.charset.decode(t.body)}
	raw := t.raw
	m.wanting(onComment, wantsComments, c)
	m.finish = func() {
		m.emitUnit(&c.mutations, func() {
			if !c.changed {
				m.emit(raw)
				return
			}
			m.emit([]byte("<!--"))
			m.emit(m.charset.encode(c.text))
			m.emit([]byte("-->"))
		})
	}
}

func (m *machine) doctype(t *token) {
	raw := t.raw
	name, public, system := parseDoctype(t.body)
	m.wanting(onDoctype, func(r *registration) bool { return r.doctype }, &doctypeUnit{name, public, system})
	m.finish = func() { m.emit(raw) }
}

func (m *machine) endDocument() {
	d := &docEnd{}
	m.wanting(onEnd, func(r *registration) bool { return r.end }, d)
	m.finish = func() {
		m.removing = 0 // what is still open ends here
		m.emitAll(d.content)
	}
}

func (m *machine) startTag(t *token) error {
	name := lowerName(t.name)
	ns, mode, err := m.ctx.start(name, t)
	if err != nil {
		return err
	}
	m.lex.mode, m.lex.rawName, m.lex.cdata = mode, name, m.ctx.space() != nsHTML
	parent := m.top()
	parent.children++
	s := subject{name: name, ns: ns, t: t, nth: parent.children, decode: m.charset.decode}
	if m.auto.ofType {
		if parent.types == nil {
			parent.types = map[string]int{}
		}
		if parent.types[name] == 0 {
			m.used += len(name) + 32
		}
		parent.types[name]++
		s.nthOfType = parent.types[name]
	}
	var matched []int
	inside, below := m.auto.match(&s, parent.inside, parent.below, func(reg int) {
		if !slices.Contains(matched, reg) {
			matched = append(matched, reg)
		}
	})
	slices.Sort(matched)
	empty := voidTags[name] || name == "esi:include" && m.esi
	if ns != nsHTML {
		empty = t.selfClosed
	}
	el := &element{tok: t, charset: m.charset, name: name, ns: ns, empty: empty}
	el.removed = m.removing > 0
	at := -1
	if !empty {
		m.used += frameCost + len(name) + 8*len(matched)
		if inside != nil && (len(parent.inside) == 0 || &inside[0] != &parent.inside[0]) {
			m.used += 8 * len(inside)
		}
		if m.used > m.limit {
			return errMemory
		}
		at = len(m.stack)
		m.stack = append(m.stack, frame{name: name, matched: matched, inside: inside, below: below})
		m.open[name]++
		m.activate(matched, 1)
	}
	for _, reg := range matched {
		if m.regs[reg].element {
			m.queue = append(m.queue, func() *call { return &call{event: onElement, reg: reg, unit: el} })
		}
	}
	if len(m.queue) == 0 {
		m.emit(t.raw)
		return nil
	}
	m.finish = func() {
		m.emitUnit(&el.mutations, func() { el.emit(m) })
		if at < 0 {
			return
		}
		f := &m.stack[at]
		if el.contentRemoved {
			f.removing = true
			m.removing++
		}
		f.end = el.end
	}
	return nil
}

// activate notes that elements with these registrations were opened, or closed.
func (m *machine) activate(regs []int, by int) {
	for _, i := range regs {
		m.active[i] += by
		if by > 0 && m.active[i] > 1 || by < 0 && m.active[i] > 0 {
			continue
		}
		if m.regs[i].text {
			m.texts += by
		}
		if m.regs[i].comments {
			m.comments += by
		}
	}
}

func (m *machine) endTag(t *token) {
	name := lowerName(t.name)
	m.ctx.end(name)
	m.lex.cdata = m.ctx.space() != nsHTML
	if m.open[name] == 0 {
		m.emit(t.raw)
		return
	}
	tag := &endTagUnit{charset: m.charset, name: name}
	for closed := false; !closed; {
		n := len(m.stack) - 1
		f := m.stack[n]
		m.stack[n] = frame{}
		m.stack = m.stack[:n]
		m.open[f.name]--
		if m.open[f.name] == 0 {
			delete(m.open, f.name)
		}
		m.used -= frameCost + len(f.name) + 8*len(f.matched)
		for typ := range f.types {
			m.used -= len(typ) + 32
		}
		if len(f.inside) > 0 && (len(m.top().inside) == 0 || &f.inside[0] != &m.top().inside[0]) {
			m.used -= 8 * len(f.inside)
		}
		m.activate(f.matched, -1)
		if f.removing {
			m.removing--
		}
		if end := f.end; end != nil {
			m.queue = append(m.queue, func() *call { return end.apply(tag) })
		}
		closed = f.name == name
	}
	raw := t.raw
	emit := func() { m.emitUnit(&tag.mutations, func() { tag.emit(m, raw) }) }
	if len(m.queue) == 0 {
		m.emit(raw)
		return
	}
	m.finish = emit
}

// utf8Whole is how much of b ends with a whole character, or with something that no
// more bytes can make one.
func utf8Whole(b []byte) int {
	for i := 1; i <= 3 && i <= len(b); i++ {
		c := b[len(b)-i]
		if utf8.RuneStart(c) {
			if !utf8.FullRune(b[len(b)-i:]) {
				return len(b) - i
			}
			break
		}
	}
	return len(b)
}
