package wasm

// asm builds modules for tests.
type asm struct {
	types, imports, functions, tables, memories, globals, exports, elements, codes, datas [][]byte
	start                                                                                 []byte
	sections                                                                              []byte // custom ones
	importedFuncs                                                                         int
}

// letters of signatures: "ii:i" takes two i32 and gives one.
var letters = map[byte]valType{'i': i32, 'I': i64, 'f': f32, 'F': f64, 'v': v128, 'r': funcref, 'x': externref}

func (a *asm) sig(s string) byte {
	t := []byte{0x60}
	var lists [2][]byte
	n := 0
	for i := range len(s) {
		if s[i] == ':' {
			n = 1
			continue
		}
		lists[n] = append(lists[n], byte(letters[s[i]]))
	}
	for _, l := range lists {
		t = append(append(t, byte(len(l))), l...)
	}
	a.types = append(a.types, t)
	return byte(len(a.types) - 1)
}

func (a *asm) export(name string, k kind, index int) *asm {
	a.exports = append(a.exports, append(appendName(nil, name), byte(k), byte(index)))
	return a
}

func (a *asm) importing(module, name string, k kind, desc ...byte) *asm {
	a.imports = append(a.imports, append(append(appendName(appendName(nil, module), name), byte(k)), desc...))
	return a
}

func (a *asm) importFunc(module, name, sig string) *asm {
	a.importedFuncs++
	return a.importing(module, name, kindFunction, a.sig(sig))
}

// fn adds a function without locals; export may be "".
func (a *asm) fn(export, sig string, code ...byte) *asm { return a.fnLocals(export, sig, nil, code...) }

func (a *asm) fnLocals(export, sig string, locals []byte, code ...byte) *asm {
	if locals == nil {
		locals = []byte{0}
	}
	a.functions = append(a.functions, []byte{a.sig(sig)})
	body := append(append(append([]byte{}, locals...), code...), opEnd)
	a.codes = append(a.codes, append(appendU32(nil, uint32(len(body))), body...))
	if export != "" {
		a.export(export, kindFunction, a.importedFuncs+len(a.functions)-1)
	}
	return a
}

func (a *asm) memory(low, high byte) *asm {
	a.memories = append(a.memories, []byte{1, low, high})
	return a
}

func (a *asm) table(elem valType, low byte) *asm {
	a.tables = append(a.tables, []byte{byte(elem), 0, low})
	return a
}

func (a *asm) global(t valType, mutable bool, init ...byte) *asm {
	a.globals = append(a.globals, append(append([]byte{byte(t), flag(mutable)}, init...), opEnd))
	return a
}

// elems puts functions into table 0.
func (a *asm) elems(offset byte, functions ...byte) *asm {
	e := append([]byte{0, opI32Const, offset, opEnd, byte(len(functions))}, functions...)
	a.elements = append(a.elements, e)
	return a
}

func (a *asm) data(offset byte, text string) *asm {
	a.datas = append(a.datas, append([]byte{0, opI32Const, offset, opEnd}, appendName(nil, text)...))
	return a
}

func (a *asm) custom(name, text string) *asm {
	body := append(appendName(nil, name), text...)
	a.sections = appendSection(a.sections, secCustom, body)
	return a
}

func (a *asm) bytes() []byte {
	b := []byte("\x00asm\x01\x00\x00\x00")
	add := func(id byte, list [][]byte) {
		if len(list) == 0 {
			return
		}
		body := appendU32(nil, uint32(len(list)))
		for _, e := range list {
			body = append(body, e...)
		}
		b = appendSection(b, id, body)
	}
	add(secType, a.types)
	add(secImport, a.imports)
	add(secFunction, a.functions)
	add(secTable, a.tables)
	add(secMemory, a.memories)
	add(secGlobal, a.globals)
	add(secExport, a.exports)
	b = appendSection(b, secStart, a.start)
	add(secElement, a.elements)
	add(secCode, a.codes)
	add(secData, a.datas)
	return append(b, a.sections...)
}
