package wasm

import "strconv"

// What a program has that its module has not:
//
//   - One more import, a host function that takes a reason. It is called when a
//     number of loop rounds and calls have passed, and when the stack is too deep.
//     It stands behind the module's imported functions, so numbers of the functions
//     that the module defines go up by one.
//   - A function for each imported function that may become a reference, which calls
//     it. References are then always to functions of an instance, which can be found
//     again.
//   - A function that gives the reference of another by its place in a list.
//   - Globals of reference types are mutable, so that one that a script makes can be
//     given its value. Code that sets a constant one is refused here.
//   - Two globals: what is left of the rounds, and how deep the stack is.
//
// Imports and exports have names by number, so that each import stands alone.

// Reasons of the host function.
const (
	reasonRounds = 0
	reasonStack  = 1
)

// rounds is after how many loop rounds and calls an instance looks at the interrupt.
const rounds = 1 << 14

// chargeShift is how many bytes of a bulk operation count as one round: 1 KiB.
const chargeShift = 10

// Names in programs.
const (
	tickImport      = "tick"
	referenceExport = "ref"
	memoryExport    = "m"
	tableExport     = "t"
	globalExport    = "g"
	functionExport  = "f"
)

func numbered(prefix string, n uint32) string { return prefix + strconv.Itoa(int(n)) }

// caps are the bounds that programs are made with.
type caps struct {
	pages    uint32 // of a memory
	elements uint32 // of a table
	stack    int32  // call depth, in words
}

func (c caps) memory(b bounds) bounds { return b.cap(c.pages) }
func (c caps) table(b bounds) bounds  { return b.cap(c.elements) }

// cap lowers the maximum. All declarations are lowered alike, so those that fitted
// still do.
func (b bounds) cap(most uint32) bounds {
	if !b.hasHigh || b.high > most {
		b.high, b.hasHigh = max(most, b.low), true
	}
	return b
}

// rewriter makes the program's text from an image.
type rewriter struct {
	*image
	caps caps

	tick          uint32 // function
	left, depth   uint32 // globals
	tickType      uint32
	referenceType uint32
	types         []byte // appended ones
	typeCount     uint32
	blocks        map[uint32]uint32 // type of a function's results as a block, by its type

	references []uint32          // functions that may become references, as the module numbers them
	place      map[uint32]uint32 // their places in the list
	shims      map[uint32]uint32 // program's number of the function that calls an import
	shimOrder  []uint32
}

// rewrite returns the text to compile.
func (m *image) rewrite(c caps) (w *rewriter, text []byte, err error) {
	defer func() {
		if e, ok := recover().(malformed); ok {
			w, text, err = nil, nil, e
		}
	}()
	w = &rewriter{
		image: m, caps: c,
		tick: uint32(m.importedFuncs), left: uint32(len(m.globals)), depth: uint32(len(m.globals)) + 1,
		typeCount: uint32(len(m.types)), blocks: map[uint32]uint32{},
		place: map[uint32]uint32{}, shims: map[uint32]uint32{},
	}
	w.tickType = w.addType(funcType{params: []valType{i32}})
	w.referenceType = w.addType(funcType{params: []valType{i32}, results: []valType{funcref}})
	w.collect()
	return w, w.text(), nil
}

func (w *rewriter) addType(t funcType) uint32 {
	w.types = append(w.types, 0x60)
	for _, ts := range [][]valType{t.params, t.results} {
		w.types = appendU32(w.types, uint32(len(ts)))
		for _, v := range ts {
			w.types = append(w.types, byte(v))
		}
	}
	w.typeCount++
	return w.typeCount - 1
}

// collect finds the functions that may become references.
func (w *rewriter) collect() {
	for _, e := range w.exports {
		if e.kind == kindFunction {
			w.reference(e.index)
		}
	}
	seen := func(in instruction) {
		if in.op == opRefFunc {
			w.reference(in.function)
		}
	}
	for _, s := range w.sections {
		r := &reader{b: s.body.b, base: s.body.base}
		switch s.id {
		case secGlobal:
			for range r.count() {
				r.globalType()
				r.constExpr(seen)
			}
		case secElement:
			w.element(r, nil, w.reference, seen)
		}
	}
	// A ref.func in code must name a function that one of these declared.
	next := uint32(len(w.funcs)) + 1
	for _, f := range w.references {
		if int(f) < w.importedFuncs {
			w.shims[f] = next
			w.shimOrder = append(w.shimOrder, f)
			next++
		}
	}
}

func (w *rewriter) reference(f uint32) {
	if int(f) >= len(w.funcs) {
		panic(malformed{"function index out of bounds", 0})
	}
	if _, ok := w.place[f]; !ok {
		w.place[f] = uint32(len(w.references))
		w.references = append(w.references, f)
	}
}

// called is the program's number of a function that is called.
func (w *rewriter) called(f uint32) uint32 {
	if int(f) >= w.importedFuncs {
		return f + 1
	}
	return f
}

// referred is the program's number of a function as a reference.
func (w *rewriter) referred(f uint32) uint32 {
	if s, ok := w.shims[f]; ok {
		return s
	}
	return w.called(f)
}

// original is the module's number of a function of the program.
func (w *rewriter) original(f uint32) uint32 {
	if int(f) < w.importedFuncs {
		return f
	}
	if f <= uint32(len(w.funcs)) {
		return f - 1
	}
	if n := int(f) - len(w.funcs) - 1; n < len(w.shimOrder) {
		return w.shimOrder[n]
	}
	return f
}

func (w *rewriter) text() []byte {
	bodies := map[byte]*reader{}
	for _, s := range w.sections {
		bodies[s.id] = &reader{b: s.body.b, base: s.body.base}
	}
	count := func(id byte) (r *reader, n int) {
		if r = bodies[id]; r == nil {
			return &reader{}, 0
		}
		return r, r.count()
	}
	b := []byte("\x00asm\x01\x00\x00\x00")

	// Code comes first: it may need types.
	code := w.code(count)

	r, n := count(secType)
	types := appendU32(nil, w.typeCount)
	_ = n
	types = append(types, r.b[r.at:]...)
	b = appendSection(b, secType, append(types, w.types...))

	b = appendSection(b, secImport, w.importSection())

	r, n = count(secFunction)
	fs := appendU32(nil, uint32(n+len(w.shimOrder)+1))
	fs = append(fs, r.b[r.at:]...)
	for _, f := range w.shimOrder {
		fs = appendU32(fs, w.funcs[f])
	}
	b = appendSection(b, secFunction, appendU32(fs, w.referenceType))

	own := w.tables[w.importedTables:]
	ts := appendU32(nil, uint32(len(own)+1))
	for _, t := range own {
		ts = appendBounds(append(ts, byte(t.elem)), w.caps.table(t.bounds))
	}
	b = appendSection(b, secTable, appendBounds(append(ts, byte(funcref)), bounds{1, 1, true}))

	if len(w.memories) > w.importedMemories {
		b = appendSection(b, secMemory, appendBounds([]byte{1}, w.caps.memory(w.memories[0])))
	}

	r, n = count(secGlobal)
	gs := appendU32(nil, uint32(n+2))
	for range n {
		g := r.globalType()
		gs = append(gs, byte(g.val), flag(g.engineMutable()))
		gs = w.expr(gs, r)
	}
	gs = appendS32(append(gs, byte(i32), 1, opI32Const), rounds)
	gs = append(gs, opEnd, byte(i32), 1, opI32Const, 0, opEnd)
	b = appendSection(b, secGlobal, gs)

	b = appendSection(b, secExport, w.exportSection())

	if r := bodies[secStart]; r != nil {
		f := r.u32()
		if int(f) >= len(w.funcs) {
			r.fail("function index %d out of bounds", f)
		}
		b = appendSection(b, secStart, appendU32(nil, w.called(f)))
	}

	es := appendU32(nil, 1)
	if r := bodies[secElement]; r != nil {
		es = w.element(r, []byte{}, w.reference, nil)
	}
	es = append(es, 1, 0)
	es = appendU32(es, uint32(len(w.references)))
	for _, f := range w.references {
		es = appendU32(es, w.referred(f))
	}
	b = appendSection(b, secElement, es)

	if r := bodies[secDataCount]; r != nil {
		b = appendSection(b, secDataCount, r.b)
	}
	b = appendSection(b, secCode, code)
	if r := bodies[secData]; r != nil {
		b = appendSection(b, secData, r.b)
	}
	return b
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}

func appendBounds(b []byte, s bounds) []byte {
	b = appendU32(append(b, flag(s.hasHigh)), s.low)
	if s.hasHigh {
		b = appendU32(b, s.high)
	}
	return b
}

// importSection names each import by its number, as module and as name.
func (w *rewriter) importSection() []byte {
	b := appendU32(nil, uint32(len(w.imports)+1))
	tick := func() {
		b = appendName(appendName(b, tickImport), tickImport)
		b = appendU32(append(b, byte(kindFunction)), w.tickType)
	}
	for n, i := range w.imports {
		name := numbered("", uint32(n))
		b = append(appendName(appendName(b, name), name), byte(i.kind))
		switch i.kind {
		case kindFunction:
			b = appendU32(b, w.funcs[i.index])
		case kindTable:
			t := w.tables[i.index]
			b = append(b, byte(t.elem))
			if t.hasHigh { // without one, any fits
				t.bounds = w.caps.table(t.bounds)
			}
			b = appendBounds(b, t.bounds)
		case kindMemory:
			b = appendBounds(b, w.caps.memory(w.memories[i.index]))
		case kindGlobal:
			g := w.globals[i.index]
			b = append(b, byte(g.val), flag(g.engineMutable()))
		}
	}
	tick() // the last of the imported functions
	return b
}

// exportSection exports all that scripts may come to hold, and all that may hold
// references to what is theirs.
func (w *rewriter) exportSection() []byte {
	n := 0
	var b []byte
	add := func(name string, k kind, index uint32) {
		b = appendU32(append(appendName(b, name), byte(k)), index)
		n++
	}
	for _, f := range w.references {
		p := w.referred(f)
		add(numbered(functionExport, p), kindFunction, p)
	}
	for t := range w.tables {
		add(numbered(tableExport, uint32(t)), kindTable, uint32(t))
	}
	if len(w.memories) > 0 {
		add(memoryExport, kindMemory, 0)
	}
	for g := range len(w.globals) + 2 {
		add(numbered(globalExport, uint32(g)), kindGlobal, uint32(g))
	}
	add(referenceExport, kindFunction, uint32(len(w.funcs)+1+len(w.shimOrder)))
	return append(appendU32(nil, uint32(n)), b...)
}

// expr copies a constant expression.
func (w *rewriter) expr(b []byte, r *reader) []byte {
	r.constExpr(func(in instruction) { b = w.instruction(b, in) })
	return b
}

// instruction copies an instruction, with the program's number of a function.
func (w *rewriter) instruction(b []byte, in instruction) []byte {
	switch in.op {
	case opCall, opReturnCall, opRefFunc:
		if int(in.function) >= len(w.funcs) {
			panic(malformed{"function index out of bounds", 0})
		}
		f := w.called(in.function)
		if in.op == opRefFunc {
			f = w.referred(in.function)
		}
		return appendU32(append(b, in.op), f)
	case opGlobalSet:
		if int(in.global) < len(w.globals) && !w.globals[in.global].mutable {
			panic(malformed{"immutable global cannot be assigned", 0})
		}
	}
	return append(b, in.text...)
}

// element copies the section of elements, or only looks at it where b is nil.
func (w *rewriter) element(r *reader, b []byte, each func(f uint32), seen func(instruction)) []byte {
	copying := b != nil
	n := r.count()
	if copying {
		b = appendU32(b, uint32(n+1)) // one more is added
	}
	out := func(v ...byte) {
		if copying {
			b = append(b, v...)
		}
	}
	number := func(v uint32) {
		if copying {
			b = appendU32(b, v)
		}
	}
	expr := func() {
		r.constExpr(func(in instruction) {
			if seen != nil {
				seen(in)
			}
			if copying {
				b = w.instruction(b, in)
			}
		})
	}
	for range n {
		flags := r.u32()
		if flags > 7 {
			r.fail("illegal flag value %d", flags)
		}
		number(flags)
		if flags&1 == 0 {
			if flags&2 != 0 {
				number(r.u32()) // table
			}
			expr()
		}
		if flags&3 != 0 {
			out(r.byte()) // what the elements are
		}
		items := r.count()
		number(uint32(items))
		for range items {
			if flags&4 != 0 {
				expr()
				continue
			}
			f := r.u32()
			each(f)
			if copying {
				b = appendU32(b, w.referred(f))
			}
		}
	}
	return b
}
