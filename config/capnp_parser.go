package config

import (
	"strings"

	"workerd.local/internal/limits"
)

type exprKind uint8

const (
	exprBad exprKind = iota // already reported
	exprInt
	exprFloat
	exprText
	exprBinary
	exprList
	exprTuple
	exprName   // name, found from the inside out
	exprGlobal // .name, found at the top of this file
	exprMember // of.name
	exprApply  // of(args), a generic type
	exprEmbed
	exprImport
)

// expr is a value or a type as written.
type expr struct {
	kind     exprKind
	off      int
	text     string // text, bytes, name or path
	num      uint64
	float    float64
	negative bool
	big      bool
	of       *expr
	args     []arg // list elements, tuple fields, type arguments
}

// arg is one element, with its field name if it has one.
type arg struct {
	name string
	off  int
	expr *expr
}

// dotted writes a name expression the way the file does, for messages.
func (e *expr) dotted() string {
	switch e.kind {
	case exprName:
		return e.text
	case exprGlobal:
		return "." + e.text
	case exprMember:
		return e.of.dotted() + "." + e.text
	case exprApply:
		return e.of.dotted() + "(…)"
	case exprImport:
		return `import "` + e.text + `"`
	}
	return "…"
}

// capnpParser turns the tokens of one file into declarations.
type capnpParser struct {
	file  *capnpFile
	table *posTable
	sink  *sink
}

func (p *capnpParser) errorf(off int, format string, args ...any) {
	p.sink.errorf(p.table.pos(off), format, args...)
}

func (p *capnpParser) hintf(off int, hint, format string, args ...any) {
	p.sink.hintf(p.table.pos(off), hint, format, args...)
}

// declare adds the declarations of statements to scope.
func (p *capnpParser) declare(statements []statement, in *capnpScope) {
	for _, s := range statements {
		if p.sink.full() {
			return
		}
		if len(s.tokens) == 0 {
			if s.hasBlock {
				p.errorf(s.end, "A block needs a declaration in front of it.")
			}
			continue
		}
		first := s.tokens[0]
		rest := tokens{list: s.tokens[1:], end: s.end}
		switch {
		case first.kind == tokenBad:
		case first.isOp("@"), first.isOp("$"):
			// The file's id, or an annotation on the whole file: neither changes the configuration.
		case first.isName("using"):
			p.using(rest, in)
		case first.isName("const"):
			p.constant(rest, in)
		case first.isName("annotation"):
		case first.isName("struct"), first.isName("interface"), first.isName("enum"):
			name, ok := rest.name()
			if !ok {
				p.errorf(rest.off(), "Expected a name after %q.", first.text)
				continue
			}
			scope := &capnpScope{file: in.file, parent: in, decls: make(map[string]*capnpDecl)}
			p.add(in, &capnpDecl{name: name.text, off: name.off, scope: scope})
			if first.isName("struct") {
				p.declareInside(s.block, scope)
			}
		default:
			p.hintf(first.off, `a declaration starts with "using" or "const"`,
				"%s does not start a declaration.", capitalized(first.describe()))
		}
	}
}

// declareInside adds the constants and aliases of a struct. Its fields are of no use here: a configuration
// can only be made of the schema's own types.
func (p *capnpParser) declareInside(statements []statement, in *capnpScope) {
	var kept []statement
	for _, s := range statements {
		if len(s.tokens) == 0 || s.tokens[0].kind != tokenName {
			continue
		}
		switch s.tokens[0].text {
		case "using", "const", "struct", "interface", "enum", "annotation":
			kept = append(kept, s)
		}
	}
	p.declare(kept, in)
}

// add puts a declaration into scope unless its name is taken.
func (p *capnpParser) add(in *capnpScope, d *capnpDecl) {
	if other, ok := in.decls[d.name]; ok {
		p.errorf(d.off, "%q is already defined at line %d.", d.name, p.table.pos(other.off).Line)
		return
	}
	d.in = in
	in.decls[d.name] = d
	in.order = append(in.order, d)
}

// using reads "X = target" or "target", whose last name is then the alias.
func (p *capnpParser) using(rest tokens, in *capnpScope) {
	d := &capnpDecl{}
	if len(rest.list) > 1 && rest.list[0].kind == tokenName && rest.list[1].isOp("=") {
		d.name, d.off = rest.list[0].text, rest.list[0].off
		rest.list = rest.list[2:]
		d.alias = p.expression(&rest)
	} else {
		d.alias = p.expression(&rest)
		d.name, d.off = d.alias.text, d.alias.off
		if d.alias.kind != exprMember && d.alias.kind != exprBad {
			p.hintf(d.off, `write using Name = …;`, "This alias has no name.")
			return
		}
	}
	p.finish(rest)
	if d.alias.kind != exprBad {
		p.add(in, d)
	}
}

// constant reads "name :Type = value".
func (p *capnpParser) constant(rest tokens, in *capnpScope) {
	name, ok := rest.name()
	if !ok {
		p.errorf(rest.off(), `Expected a name after "const".`)
		return
	}
	if id, ok := rest.peek(); ok && id.isOp("@") && len(rest.list) > 1 {
		rest.list = rest.list[2:]
	}
	d := &capnpDecl{name: name.text, off: name.off, constant: &capnpConst{}}
	if !rest.op(":") {
		p.hintf(rest.off(), "write const "+name.text+" :Workerd.Config = ( … );",
			"The constant %q needs a type.", name.text)
		return
	}
	d.constant.typ = p.expression(&rest)
	if !rest.op("=") {
		p.errorf(rest.off(), `Expected "=" and the value of the constant %q.`, name.text)
		return
	}
	d.constant.value = p.expression(&rest)
	p.finish(rest)
	p.add(in, d)
}

// finish reports what is left of a declaration, apart from annotations.
func (p *capnpParser) finish(rest tokens) {
	if t, ok := rest.peek(); ok && t.kind != tokenBad && !t.isOp("$") {
		hint := ""
		if t.isName("const") || t.isName("using") {
			hint = `end the declaration before it with ";"`
		}
		p.hintf(t.off, hint, "%s does not belong here.", capitalized(t.describe()))
	}
}

// expression reads one value or type; what follows stays in rest. It reports what is wrong and then
// returns an exprBad.
func (p *capnpParser) expression(rest *tokens) *expr {
	t, ok := rest.next()
	if !ok {
		p.errorf(rest.end, "A value is missing here.")
		return &expr{off: rest.end}
	}
	e := &expr{off: t.off, text: t.text, num: t.num, float: t.float, big: t.big}
	switch t.kind {
	case tokenBad:
		return e
	case tokenInt:
		e.kind = exprInt
		return e
	case tokenFloat:
		e.kind = exprFloat
		return e
	case tokenBinary:
		e.kind = exprBinary
		return e
	case tokenString:
		e.kind = exprText
		if next, ok := rest.peek(); ok && next.kind == tokenString {
			var b strings.Builder
			b.WriteString(t.text)
			for ok && next.kind == tokenString {
				b.WriteString(next.text)
				rest.next()
				next, ok = rest.peek()
			}
			e.text = b.String()
		}
		return e
	case tokenBracket:
		e.kind = exprList
		for _, item := range t.items {
			if len(item) > 1 && item[0].kind == tokenName && item[1].isOp("=") {
				p.hintf(item[0].off, `is a "]" missing before it?`, "The elements of a list have no names.")
				continue
			}
			element := tokens{list: item, end: itemEnd(item)}
			e.args = append(e.args, arg{off: item[0].off, expr: p.expression(&element)})
			p.finishItem(element)
		}
		return e
	case tokenParen:
		e.kind = exprTuple
		e.args = p.tuple(t)
		return p.suffix(e, rest)
	case tokenName:
		if next, ok := rest.peek(); ok && next.kind == tokenString && (t.text == "import" || t.text == "embed") {
			e.kind = exprImport
			if t.text == "embed" {
				e.kind = exprEmbed
			}
			e.text = next.text
			rest.next()
			return p.suffix(e, rest)
		}
		e.kind = exprName
		return p.suffix(e, rest)
	case tokenOp:
		next, ok := rest.peek()
		switch {
		case t.text == "." && ok && next.kind == tokenName:
			rest.next()
			e.kind, e.text = exprGlobal, next.text
			return p.suffix(e, rest)
		case t.text == "-" && ok && (next.kind == tokenInt || next.kind == tokenFloat || next.isName("inf")):
			rest.next()
			e = &expr{kind: exprInt, off: t.off, text: next.text, num: next.num, float: next.float, big: next.big}
			if next.kind == tokenFloat {
				e.kind = exprFloat
			}
			if next.kind == tokenName {
				e.kind = exprName
			}
			e.negative = true
			return e
		}
	}
	p.errorf(t.off, "%s is not a value.", capitalized(t.describe()))
	return &expr{off: t.off}
}

// suffix reads the ".name" and "(args)" that follow a name.
func (p *capnpParser) suffix(e *expr, rest *tokens) *expr {
	if e.kind == exprTuple || e.kind == exprEmbed {
		return e
	}
	for depth := 0; ; depth++ {
		t, ok := rest.peek()
		if maxDepth := limits.ConfigDepth.In(p.sink.bounds); depth > maxDepth {
			p.errorf(e.off, "This name has more than %d parts.", maxDepth)
			rest.list = nil
			return &expr{off: e.off}
		}
		switch {
		case ok && t.isOp(".") && len(rest.list) > 1 && rest.list[1].kind == tokenName:
			e = &expr{kind: exprMember, off: e.off, text: rest.list[1].text, of: e}
			rest.list = rest.list[2:]
		case ok && t.kind == tokenParen:
			e = &expr{kind: exprApply, off: e.off, of: e, args: p.tuple(t)}
			rest.next()
		default:
			return e
		}
	}
}

// tuple reads the items of "( name = value, … )".
func (p *capnpParser) tuple(t token) []arg {
	var out []arg
	for _, item := range t.items {
		rest := tokens{list: item, end: itemEnd(item)}
		a := arg{off: item[0].off}
		if len(item) > 1 && item[0].kind == tokenName && item[1].isOp("=") {
			a.name = item[0].text
			rest.list = item[2:]
		} else if len(item) > 1 && item[0].kind == tokenName && lacksEquals(item) {
			p.hintf(item[1].off, "write "+item[0].text+" = …", `A "=" is missing after the field name.`)
			continue
		}
		a.expr = p.expression(&rest)
		p.finishItem(rest)
		out = append(out, a)
	}
	return out
}

// lacksEquals reports whether the item of a tuple looks like a field whose "=" was forgotten.
func lacksEquals(item []token) bool {
	if item[0].text == "import" || item[0].text == "embed" {
		return item[1].kind != tokenString
	}
	switch item[1].kind {
	case tokenString, tokenBinary, tokenInt, tokenFloat, tokenBracket, tokenName:
		return true
	}
	return item[1].isOp(":") || item[1].isOp("-")
}

// finishItem reports tokens between the end of a value and the next comma.
func (p *capnpParser) finishItem(rest tokens) {
	t, ok := rest.peek()
	if !ok || t.kind == tokenBad {
		return
	}
	p.hintf(t.off, `is a comma missing before it?`, "%s does not belong here.", capitalized(t.describe()))
}

// itemEnd is where to point when something is missing at the end of an item.
func itemEnd(item []token) int {
	last := item[len(item)-1]
	return last.off + max(len(last.text), 1)
}

// tokens is what is left to read of a declaration or an item; end is the offset behind it.
type tokens struct {
	list []token
	end  int
}

func (t *tokens) peek() (token, bool) {
	if len(t.list) == 0 {
		return token{}, false
	}
	return t.list[0], true
}

func (t *tokens) next() (token, bool) {
	first, ok := t.peek()
	if ok {
		t.list = t.list[1:]
	}
	return first, ok
}

// name takes the next token if it is a name.
func (t *tokens) name() (token, bool) {
	if first, ok := t.peek(); ok && first.kind == tokenName {
		return t.next()
	}
	return token{}, false
}

// op takes the next token if it is this punctuation.
func (t *tokens) op(op string) bool {
	if first, ok := t.peek(); ok && first.isOp(op) {
		t.next()
		return true
	}
	return false
}

// off is where the next token is, or the end.
func (t *tokens) off() int {
	if first, ok := t.peek(); ok {
		return first.off
	}
	return t.end
}

// capitalized starts a sentence with s.
func capitalized(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
