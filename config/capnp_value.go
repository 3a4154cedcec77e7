package config

import (
	"math"
	"strconv"
	"strings"

	"workerd.local/internal/limits"
)

// value is an evaluated expression that fits its type. Constants that are used several times share it.
type value struct {
	typ    *capnpType
	pos    Pos
	text   string // text, bytes, or the name of an enumeration value
	path   string // file an embed took the text from
	num    uint64 // integers; two's complement when negative
	float  float64
	bool   bool
	list   []*value
	fields map[string]*value
	which  string // the set member of a struct's union, "" = none was set
}

// constant evaluates d. It is nil when something in it was wrong and has been reported.
func (r *capnpReader) constant(d *capnpDecl) *value {
	c := d.constant
	if c.evaluated {
		return c.result
	}
	typ, ok := r.constType(d)
	if !ok {
		return nil
	}
	if c.evaluating {
		r.sink.errorf(d.in.file.table.pos(d.off), "The constant %q depends on itself.", d.name)
		return nil
	}
	if !r.enter(d) {
		return nil
	}
	defer r.leave()
	c.evaluating = true
	c.result = r.evaluate(d.in, c.value, typ, d.name)
	c.evaluating = false
	c.evaluated = true
	return c.result
}

// constType is the declared type of a constant.
func (r *capnpReader) constType(d *capnpDecl) (*capnpType, bool) {
	c := d.constant
	if c.resolved == nil && !c.typeFailed {
		var ok bool
		c.resolved, ok = r.typeOf(d.in, c.typ)
		c.typeFailed = !ok
	}
	return c.resolved, !c.typeFailed
}

// evaluate turns e into a value of type want. what names the place in messages, as "Struct.field". It is
// nil when something was wrong and has been reported.
func (r *capnpReader) evaluate(in *capnpScope, e *expr, want *capnpType, what string) *value {
	pos := in.file.table.pos(e.off)
	if r.sink.full() || e.kind == exprBad {
		return nil
	}
	// A value alone in parentheses is that value.
	if e.kind == exprTuple && len(e.args) == 1 && e.args[0].name == "" {
		return r.evaluate(in, e.args[0].expr, want, what)
	}
	switch e.kind {
	case exprName:
		if v, ok := r.word(e, want, pos); ok {
			return v
		}
		if want.kind == typeEnum && !isVisible(in, e.text) {
			hint := didYouMean(e.text, want.enum)
			if hint == "" {
				hint = "use one of " + strings.Join(want.enum, ", ")
			}
			r.sink.hintf(pos, hint, "%q is not a %s.", e.text, want.name)
			return nil
		}
		if want.kind == typeBool && !isVisible(in, e.text) {
			r.sink.hintf(pos, "use true or false", "%q is not a Bool.", e.text)
			return nil
		}
		return r.reference(in, e, want, what, pos)
	case exprGlobal, exprMember, exprImport, exprApply:
		return r.reference(in, e, want, what, pos)
	case exprEmbed:
		return r.embed(in, e, want, what, pos)
	case exprTuple:
		if want.kind == typeStruct {
			return r.structure(in, e, want, pos)
		}
	case exprList:
		if want.kind == typeList {
			v := &value{typ: want, pos: pos}
			for i, a := range e.args {
				if element := r.evaluate(in, a.expr, want.elem, what+"["+strconv.Itoa(i)+"]"); element != nil {
					v.list = append(v.list, element)
				}
			}
			return v
		}
	case exprText:
		if want.kind == typeText || want.kind == typeData {
			return &value{typ: want, pos: pos, text: e.text}
		}
	case exprBinary:
		if want.kind == typeData {
			return &value{typ: want, pos: pos, text: e.text}
		}
	case exprInt:
		switch want.kind {
		case typeInt:
			return r.integer(e, want, what, pos)
		case typeFloat:
			f := float64(e.num)
			if e.negative {
				f = -f
			}
			return &value{typ: want, pos: pos, float: f}
		}
	case exprFloat:
		if want.kind == typeFloat {
			f := e.float
			if e.negative {
				f = -f
			}
			return &value{typ: want, pos: pos, float: f}
		}
	}
	if want.kind == typeStruct && e.kind != exprTuple && fits(e.kind, want) {
		first := want.first()
		inner := r.evaluate(in, e, first.typ, want.name+"."+first.name)
		return wrapFirst(want, inner, pos)
	}
	r.mismatch(pos, what, want, describeExpr(e))
	return nil
}

// fits reports whether a bare literal of kind can set the first field of want.
func fits(kind exprKind, want *capnpType) bool {
	first := want.first()
	if first == nil {
		return false
	}
	switch first.typ.kind {
	case typeText, typeData:
		return kind == exprText
	case typeList:
		return kind == exprList
	case typeInt, typeFloat:
		return kind == exprInt
	}
	return false
}

// wrapFirst is the struct whose first field is inner.
func wrapFirst(t *capnpType, inner *value, pos Pos) *value {
	if inner == nil {
		return nil
	}
	first := t.first()
	v := &value{typ: t, pos: pos, fields: map[string]*value{first.name: inner}}
	if first.union {
		v.which = first.name
	}
	return v
}

// word is the value of a name that is part of the language or of the wanted enumeration.
func (r *capnpReader) word(e *expr, want *capnpType, pos Pos) (*value, bool) {
	v := &value{typ: want, pos: pos}
	switch want.kind {
	case typeBool:
		v.bool = e.text == "true"
		return v, e.text == "true" || e.text == "false"
	case typeVoid:
		return v, e.text == "void"
	case typeFloat:
		v.float = math.NaN()
		if e.text == "inf" {
			v.float = math.Inf(1)
			if e.negative {
				v.float = math.Inf(-1)
			}
		}
		return v, e.text == "inf" || e.text == "nan"
	case typeEnum:
		v.text = e.text
		_, ok := enumIndex(want, e.text)
		return v, ok
	}
	return nil, false
}

func enumIndex(t *capnpType, name string) (int, bool) {
	for i, n := range t.enum {
		if n == name {
			return i, true
		}
	}
	return 0, false
}

func isVisible(in *capnpScope, name string) bool {
	for s := in; s != nil; s = s.parent {
		if _, ok := s.decls[name]; ok {
			return true
		}
	}
	return false
}

// reference is the value of the constant e names.
func (r *capnpReader) reference(in *capnpScope, e *expr, want *capnpType, what string, pos Pos) *value {
	if e.kind == exprName && (e.text == "true" || e.text == "false" || e.text == "void") && !isVisible(in, e.text) {
		r.mismatch(pos, what, want, e.text)
		return nil
	}
	found, ok := r.resolve(in, e)
	if !ok {
		return nil
	}
	if found.decl == nil {
		r.mismatch(pos, what, want, e.dotted()+", which is not a constant")
		return nil
	}
	typ, ok := r.constType(found.decl)
	if !ok {
		return nil
	}
	switch {
	case typ == want, typ.name == want.name:
		return r.constant(found.decl)
	case typ.kind == typeText && want.kind == typeData:
		return r.constant(found.decl)
	case want.kind == typeStruct && want.first() != nil && want.first().typ == typ:
		return wrapFirst(want, r.constant(found.decl), pos)
	}
	r.mismatch(pos, what, want, e.dotted()+", which is "+article(typ.name))
	return nil
}

// embed is the content of a file.
func (r *capnpReader) embed(in *capnpScope, e *expr, want *capnpType, what string, pos Pos) *value {
	target := want
	if want.kind == typeStruct && want.first() != nil {
		target = want.first().typ
	}
	if target.kind != typeText && target.kind != typeData {
		r.mismatch(pos, what, want, "the content of a file")
		return nil
	}
	path, data, ok := r.open(in.file, e.off, "embed", e.text, limits.ConfigEmbed.Bytes(r.sink.bounds))
	if !ok {
		return nil
	}
	v := &value{typ: target, pos: pos, text: string(data), path: path}
	if target != want {
		return wrapFirst(want, v, pos)
	}
	return v
}

// integer checks the range of an integer literal.
func (r *capnpReader) integer(e *expr, want *capnpType, what string, pos Pos) *value {
	limit := uint64(math.MaxUint64) >> (64 - want.bits)
	if want.signed {
		limit >>= 1
		if e.negative {
			limit++
		}
	} else if e.negative && e.num > 0 {
		limit = 0
	}
	if e.big || e.num > limit {
		sign := ""
		if e.negative {
			sign = "-"
		}
		r.sink.errorf(pos, "%s is %s, and %s%s is out of its range.", what, article(want.name), sign, abbreviate(e.text))
		return nil
	}
	n := e.num
	if e.negative {
		n = -n
	}
	return &value{typ: want, pos: pos, num: n}
}

// structure evaluates "( field = value, … )".
func (r *capnpReader) structure(in *capnpScope, e *expr, want *capnpType, pos Pos) *value {
	v := &value{typ: want, pos: pos, fields: make(map[string]*value, len(e.args))}
	for _, a := range e.args {
		at := in.file.table.pos(a.off)
		if a.name == "" {
			if a.expr.kind != exprBad {
				r.sink.hintf(at, "write field = value", "A field name is missing in this %s.", want.name)
			}
			continue
		}
		m, ok := want.fields[a.name]
		if !ok {
			r.sink.hintf(at, fieldHint(want, a.name), "Struct %s has no field %q.", want.name, a.name)
			continue
		}
		if _, ok := v.fields[a.name]; ok {
			r.sink.errorf(at, "The field %q of this %s is set twice.", a.name, want.name)
			continue
		}
		if m.union && v.which != "" {
			r.sink.hintf(at, "keep one of them", "Only one of %q and %q can be set in a %s.", v.which, a.name, want.name)
			continue
		}
		if m.union {
			v.which = a.name
		}
		v.fields[a.name] = r.evaluate(in, a.expr, m.typ, want.name+"."+a.name)
	}
	return v
}

// fieldHint helps with a field name that t does not have.
func fieldHint(t *capnpType, name string) string {
	if hint := didYouMean(name, t.order); hint != "" {
		return hint
	}
	const most = 8
	if len(t.order) <= most {
		return "its fields are " + strings.Join(t.order, ", ")
	}
	return ""
}

func (r *capnpReader) mismatch(pos Pos, what string, want *capnpType, got string) {
	hint := ""
	switch {
	case want.kind == typeVoid:
		hint = "write void"
	case want.kind == typeList:
		hint = "write [ … ]"
	case want.kind == typeStruct:
		hint = "write ( field = value, … )"
	case want.kind == typeEnum:
		hint = "use one of " + strings.Join(want.enum, ", ")
	}
	r.sink.hintf(pos, hint, "%s must be %s, not %s.", what, article(want.name), got)
}

func describeExpr(e *expr) string {
	switch e.kind {
	case exprInt, exprFloat:
		return "a number"
	case exprText:
		return "a string"
	case exprBinary:
		return "a byte string"
	case exprList:
		return "a list"
	case exprTuple:
		return "a struct"
	}
	return "this"
}

// article puts "a" or "an" before a type's name, and nothing before Text and Data.
func article(name string) string {
	switch {
	case name == "Text" || name == "Data" || name == "Void":
		return name
	case strings.HasPrefix(name, "UInt"):
		return "a " + name
	case strings.ContainsRune("AEIOU", rune(name[0])):
		return "an " + name
	}
	return "a " + name
}
