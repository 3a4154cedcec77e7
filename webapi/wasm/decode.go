package wasm

import (
	"fmt"
	"slices"
)

// valType is the type of a value, as the binary format writes it.
type valType byte

const (
	i32       valType = 0x7f
	i64       valType = 0x7e
	f32       valType = 0x7d
	f64       valType = 0x7c
	v128      valType = 0x7b
	funcref   valType = 0x70
	externref valType = 0x6f
)

var typeNames = map[valType]string{i32: "i32", i64: "i64", f32: "f32", f64: "f64", v128: "v128", funcref: "funcref", externref: "externref"}

func (t valType) String() string { return typeNames[t] }

func (t valType) isRef() bool { return t == funcref || t == externref }

// kind is what an import or an export is.
type kind byte

const (
	kindFunction kind = iota
	kindTable
	kindMemory
	kindGlobal
)

var kindNames = [...]string{"function", "table", "memory", "global"}

func (k kind) String() string { return kindNames[k] }

type funcType struct{ params, results []valType }

func (t funcType) equal(o funcType) bool {
	return slices.Equal(t.params, o.params) && slices.Equal(t.results, o.results)
}

// size is the number of 64-bit words that a call of such a function passes.
func (t funcType) size() int { return max(len(t.params), len(t.results)) }

// vectors reports whether scripts cannot call such a function.
func (t funcType) vectors() bool {
	return slices.Contains(t.params, v128) || slices.Contains(t.results, v128)
}

// bounds are the sizes of a table in elements, or of a memory in pages.
type bounds struct {
	low, high uint32
	hasHigh   bool
}

type tableType struct {
	elem valType
	bounds
}

type globalType struct {
	val     valType
	mutable bool
}

// external is one import or export: where it goes, and of which type it is.
type external struct {
	module, name string // module of imports only
	kind         kind
	index        uint32 // in the module's space of that kind
}

// engineMutable reports whether the compiler is told that the global is mutable; see
// rewrite.go.
func (g globalType) engineMutable() bool { return g.mutable || g.val.isRef() }

type section struct {
	id   byte
	body *reader
}

type custom struct {
	name string
	body []byte
}

// image is a decoded module. The spaces of functions, tables, memories and globals
// begin with the imports.
type image struct {
	source   []byte
	types    []funcType
	imports  []external
	exports  []external
	funcs    []uint32 // type of each function
	tables   []tableType
	memories []bounds
	globals  []globalType

	importedFuncs, importedTables, importedMemories, importedGlobals int

	sections []section
	customs  []custom
}

// Numbers of sections.
const (
	secCustom, secType, secImport, secFunction, secTable, secMemory byte = 0, 1, 2, 3, 4, 5
	secGlobal, secExport, secStart, secElement, secCode, secData    byte = 6, 7, 8, 9, 10, 11
	secDataCount                                                    byte = 12
)

// maxDeclared bounds what one module may declare of anything, as engines do.
const maxDeclared = 1_000_000

// decode reads a module. The compiler checks everything else; what is read here is
// what linking and rewriting need.
func decode(source []byte) (m *image, err error) {
	defer func() {
		if e, ok := recover().(malformed); ok {
			m, err = nil, e
		}
	}()
	return decodeModule(source), nil
}

func decodeModule(source []byte) *image {
	r := &reader{b: source}
	m := &image{source: source}
	if len(source) == 0 {
		r.fail("BufferSource argument is empty")
	}
	if len(source) < 4 || string(source[:4]) != "\x00asm" {
		r.fail("expected magic word 00 61 73 6d, found %s", hexBytes(source[:min(4, len(source))]))
	}
	r.at = 4
	if v := r.bytes(4); string(v) != "\x01\x00\x00\x00" {
		r.at = 4
		r.fail("expected version 01 00 00 00, found %s", hexBytes(v))
	}
	last := 0
	for !r.done() {
		id := r.byte()
		body := r.sub(int(r.u32()))
		if id == secCustom {
			name := body.name()
			m.customs = append(m.customs, custom{name, body.b[body.at:]})
			continue
		}
		place := slices.Index([]byte{0, secType, secImport, secFunction, secTable, secMemory, secGlobal, secExport, secStart, secElement, secDataCount, secCode, secData}, id)
		if place < 0 {
			r.fail("unknown section code #0x%02x", id)
		}
		if place <= last {
			r.fail("unexpected section <%d>", id)
		}
		last = place
		m.sections = append(m.sections, section{id, body})
		m.section(id, &reader{b: body.b, base: body.base})
	}
	return m
}

func hexBytes(b []byte) string { return fmt.Sprintf("% x", b) }

func (m *image) section(id byte, r *reader) {
	switch id {
	case secType:
		for range r.count() {
			if c := r.byte(); c != 0x60 {
				r.fail("unknown type form: %d, expected 0x60", c)
			}
			m.types = append(m.types, funcType{r.valTypes(), r.valTypes()})
		}
	case secImport:
		for range r.count() {
			m.importEntry(r)
		}
	case secFunction:
		for range r.count() {
			m.funcs = append(m.funcs, m.typeIndex(r))
		}
	case secTable:
		for range r.count() {
			m.tables = append(m.tables, r.tableType())
		}
	case secMemory:
		for range r.count() {
			m.memories = append(m.memories, r.bounds())
		}
	case secGlobal:
		for range r.count() {
			m.globals = append(m.globals, r.globalType())
			r.constExpr(nil)
		}
	case secExport:
		for range r.count() {
			e := external{name: r.name(), kind: kind(r.byte())}
			if e.kind > kindGlobal {
				r.fail("exports of the kind %d are not supported", e.kind)
			}
			e.index = r.u32()
			if int(e.index) >= m.space(e.kind) {
				r.fail("%s index %d out of bounds", e.kind, e.index)
			}
			m.exports = append(m.exports, e)
		}
	}
	for _, n := range []int{len(m.types), len(m.imports), len(m.exports), len(m.funcs), len(m.tables), len(m.globals)} {
		if n > maxDeclared {
			r.fail("too many declarations")
		}
	}
	if len(m.memories) > 1 {
		r.fail("multiple memories are not supported")
	}
}

func (m *image) importEntry(r *reader) {
	i := external{module: r.name(), name: r.name(), kind: kind(r.byte())}
	switch i.kind {
	case kindFunction:
		i.index = uint32(len(m.funcs))
		m.funcs = append(m.funcs, m.typeIndex(r))
		m.importedFuncs++
	case kindTable:
		i.index = uint32(len(m.tables))
		m.tables = append(m.tables, r.tableType())
		m.importedTables++
	case kindMemory:
		i.index = uint32(len(m.memories))
		m.memories = append(m.memories, r.bounds())
		m.importedMemories++
	case kindGlobal:
		i.index = uint32(len(m.globals))
		m.globals = append(m.globals, r.globalType())
		m.importedGlobals++
	default:
		r.fail("imports of the kind %d are not supported", i.kind)
	}
	m.imports = append(m.imports, i)
}

func (m *image) typeIndex(r *reader) uint32 {
	n := r.u32()
	if int(n) >= len(m.types) {
		r.fail("no signature at index %d (%d types)", n, len(m.types))
	}
	return n
}

// space is how many of a kind there are.
func (m *image) space(k kind) int {
	return [...]int{len(m.funcs), len(m.tables), len(m.memories), len(m.globals)}[k]
}

func (m *image) typeOf(fn uint32) funcType { return m.types[m.funcs[fn]] }

func (r *reader) valType() valType {
	t := valType(r.byte())
	if typeNames[t] == "" {
		r.at--
		r.fail("invalid or unsupported value type 0x%x", byte(t))
	}
	return t
}

func (r *reader) valTypes() []valType {
	ts := make([]valType, r.count())
	for i := range ts {
		ts[i] = r.valType()
	}
	return ts
}

func (r *reader) bounds() (b bounds) {
	flags := r.byte()
	if flags > 1 {
		r.at--
		r.fail("shared and 64-bit memories are not supported (flags 0x%x)", flags)
	}
	b.low = r.u32()
	if b.hasHigh = flags == 1; b.hasHigh {
		if b.high = r.u32(); b.high < b.low {
			r.fail("maximum (%d) is lower than the minimum (%d)", b.high, b.low)
		}
	}
	return b
}

func (r *reader) tableType() tableType {
	t := tableType{elem: r.valType()}
	if !t.elem.isRef() {
		r.fail("type of table elements must be a reference")
	}
	t.bounds = r.bounds()
	return t
}

func (r *reader) globalType() globalType {
	g := globalType{val: r.valType()}
	m := r.byte()
	if m > 1 {
		r.fail("invalid mutability bit bitmap")
	}
	g.mutable = m == 1
	return g
}
