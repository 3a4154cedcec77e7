package wasm

// code rewrites the section of code.
func (w *rewriter) code(count func(id byte) (*reader, int)) []byte {
	r, n := count(secCode)
	if own := len(w.funcs) - w.importedFuncs; own != n {
		r.fail("function and code section have inconsistent lengths: %d vs %d", own, n)
	}
	b := appendU32(nil, uint32(n+len(w.shimOrder)+1))
	add := func(body []byte) { b = append(appendU32(b, uint32(len(body))), body...) }
	for i := range n {
		body := r.sub(int(r.u32()))
		add(w.function(w.funcs[w.importedFuncs+i], body))
	}
	for _, f := range w.shimOrder {
		body := []byte{0}
		for p := range w.typeOf(f).params {
			body = appendU32(append(body, opLocalGet), uint32(p))
		}
		add(append(appendU32(append(body, opCall), f), opEnd))
	}
	return append(b, w.referenceFunction()...)
}

// referenceFunction copies one of the list into a table of its own and reads it there.
func (w *rewriter) referenceFunction() []byte {
	table := uint32(len(w.tables))
	body := []byte{0, opI32Const, 0, opLocalGet, 0, opI32Const, 1, opMisc, 12}
	body = appendU32(body, w.elementCount())
	body = appendU32(body, table)
	body = append(body, opI32Const, 0, opTableGet)
	body = append(appendU32(body, table), opEnd)
	return append(appendU32(nil, uint32(len(body))), body...)
}

// elementCount is how many element segments the module has.
func (w *rewriter) elementCount() uint32 {
	for _, s := range w.sections {
		if s.id == secElement {
			r := &reader{b: s.body.b, base: s.body.base}
			return r.u32()
		}
	}
	return 0
}

// block is the type of a block that gives the results of a function of that type.
func (w *rewriter) block(t uint32) []byte {
	results := w.image.types[t].results
	switch len(results) {
	case 0:
		return []byte{blockEmpty}
	case 1:
		return []byte{byte(results[0])}
	}
	index, ok := w.blocks[t]
	if !ok {
		index = w.addType(funcType{results: results})
		w.blocks[t] = index
	}
	// A signed number; a bit that would be taken for the sign needs one more byte.
	return appendS32(nil, int32(index))
}

// bodyWriter is the state of one function's rewriting.
type bodyWriter struct {
	*rewriter
	b      []byte
	weight int32 // in words of the stack
	spare  int   // a local of type i32; -1 where none is needed
	calls  bool
}

// function rewrites the body of a function. One that calls another is put into a
// block, which all ways out of it lead to, so that the depth is taken back there.
func (w *rewriter) function(typ uint32, r *reader) []byte {
	locals := uint64(0)
	declared := r.count()
	start := r.at
	for range declared {
		locals += uint64(r.u32())
		r.valType()
	}
	if locals > 50_000 {
		r.fail("local count too large")
	}
	declaration := r.b[start:r.at]
	params := len(w.image.types[typ].params)
	f := &bodyWriter{rewriter: w, spare: -1, weight: 16 + int32(params) + int32(locals) + int32(min(len(r.b)/8, 1<<12))}
	f.look(&reader{b: r.b, base: r.base, at: r.at}, params+int(locals))

	if f.spare >= 0 {
		f.b = appendU32(f.b, uint32(declared+1))
		f.b = append(append(f.b, declaration...), 1, byte(i32))
	} else {
		f.b = append(appendU32(f.b, uint32(declared)), declaration...)
	}
	if f.calls {
		f.enter()
		f.b = append(append(f.b, opBlock), w.block(typ)...)
	}
	f.body(r)
	if f.calls {
		f.addGlobal(w.depth, -f.weight)
		f.b = append(f.b, opEnd)
	}
	return f.b
}

// look finds out what the function needs.
func (f *bodyWriter) look(r *reader, locals int) {
	for !r.done() {
		switch in := r.next(); in.op {
		case opCall, opCallIndirect, opReturnCall, opReturnCallIn:
			f.calls = true
		case opMisc:
			if in.sub == 8 || in.sub == 10 || in.sub == 11 {
				f.spare = locals
			}
		}
	}
}

// body copies the instructions, the last end of the function included: of the block,
// where there is one.
func (f *bodyWriter) body(r *reader) {
	for depth := 0; ; {
		in := r.next()
		switch in.op {
		case opBlock, opIf:
			depth++
		case opLoop:
			depth++
			f.b = append(f.b, in.text...)
			f.round()
			continue
		case opEnd:
			f.b = append(f.b, opEnd)
			if depth == 0 {
				if !r.done() {
					r.fail("operators remaining after end of function")
				}
				return
			}
			depth--
			continue
		case opReturn:
			if f.calls {
				f.b = appendU32(append(f.b, opBr), uint32(depth))
				continue
			}
		case opReturnCall, opReturnCallIn:
			f.addGlobal(f.depth, -f.weight)
		case opMisc:
			switch in.sub {
			case 8, 10, 11: // memory.init, copy, fill
				f.charge()
			case 12, 14, 15, 17: // table.init, copy, grow, fill
				f.call(reasonRounds)
			}
		case opMemoryGrow:
			f.call(reasonRounds)
		}
		f.b = f.instruction(f.b, in)
	}
}

func (f *bodyWriter) call(reason byte) {
	f.b = appendU32(append(f.b, opI32Const, reason, opCall), f.tick)
}

func (f *bodyWriter) global(op byte, g uint32) { f.b = appendU32(append(f.b, op), g) }

func (f *bodyWriter) addGlobal(g uint32, n int32) {
	f.global(opGlobalGet, g)
	f.b = append(appendS32(append(f.b, opI32Const), n), opI32Add)
	f.global(opGlobalSet, g)
}

// check calls the host where no rounds are left.
func (f *bodyWriter) check() {
	f.global(opGlobalGet, f.left)
	f.b = append(f.b, opI32Const, 1, opI32LtS, opIf, blockEmpty)
	f.call(reasonRounds)
	f.b = appendS32(append(f.b, opI32Const), rounds)
	f.global(opGlobalSet, f.left)
	f.b = append(f.b, opEnd)
}

// round counts one.
func (f *bodyWriter) round() {
	f.check()
	f.addGlobal(f.left, -1)
}

// charge counts a bulk operation, whose number of bytes is on the stack.
func (f *bodyWriter) charge() {
	f.b = appendU32(append(f.b, opLocalTee), uint32(f.spare))
	f.global(opGlobalGet, f.left)
	f.b = appendU32(append(f.b, opLocalGet), uint32(f.spare))
	f.b = append(f.b, opI32Const, chargeShift, opI32ShrU, opI32Sub)
	f.global(opGlobalSet, f.left)
	f.check()
}

// enter counts a call, and its place on the stack.
func (f *bodyWriter) enter() {
	f.round()
	f.addGlobal(f.depth, f.weight)
	f.global(opGlobalGet, f.depth)
	f.b = appendS32(append(f.b, opI32Const), f.caps.stack)
	f.b = append(f.b, opI32GtS, opIf, blockEmpty)
	f.call(reasonStack)
	f.b = append(f.b, opEnd)
}
