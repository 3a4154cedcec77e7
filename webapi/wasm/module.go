package wasm

import (
	"slices"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/clone"
	"workerd.local/isolate"
	"workerd.local/isolate/natives"
	"workerd.local/script"
	"workerd.local/webapi/bind"
)

// Module is the namespace WebAssembly.
var Module = bind.Module{Name: "wasm", Globals: []bind.Global{
	bind.Own(bind.Var{Name: "WebAssembly", Make: namespaceOf(
		defineModule(), defineInstance(), defineMemory(), defineTable(), defineGlobal(),
	)}, false),
}}

// FromBytes makes the WebAssembly.Module of a module of the configuration. The bytes
// must not change afterwards.
func FromBytes(js *isolate.JS, source []byte) (goja.Value, error) {
	p, err := compile(source, capsOf(js.Bounds()))
	if err != nil {
		return nil, realms.Get(js).thrown(js, compileError("WebAssembly.Module()", err))
	}
	return moduleClass.Wrap(js, p), nil
}

// moduleClass is filled in by defineModule: its members make instances of it.
var moduleClass = &bind.Class[program]{Name: "Module"}

func defineModule() *bind.Class[program] {
	*moduleClass = bind.Class[program]{
		Name: moduleClass.Name, Length: 1, Init: named("WebAssembly.Module"),
		New: func(c *bind.Call) (*program, error) {
			p, err := compileArgument(c, "WebAssembly.Module()")
			return p, realms.Get(c.JS()).thrown(c.JS(), err)
		},
		Statics: map[string]bind.Static{
			"imports": func(c *bind.Call) (any, error) {
				p, err := argument(c, moduleClass, "WebAssembly.Module.imports()", "WebAssembly.Module")
				if err != nil {
					return nil, err
				}
				return describe(c.JS(), p.imports, true), nil
			},
			"exports": func(c *bind.Call) (any, error) {
				p, err := argument(c, moduleClass, "WebAssembly.Module.exports()", "WebAssembly.Module")
				if err != nil {
					return nil, err
				}
				return describe(c.JS(), p.exports, false), nil
			},
			"customSections": func(c *bind.Call) (any, error) {
				p, err := argument(c, moduleClass, "WebAssembly.Module.customSections()", "WebAssembly.Module")
				if err != nil {
					return nil, err
				}
				if goja.IsUndefined(c.Arg(1)) {
					return nil, exception.TypeErrorf("WebAssembly.Module.customSections(): Argument 1 is required")
				}
				name, err := c.String(2, c.Arg(1))
				if err != nil {
					return nil, err
				}
				found := []any{}
				for _, s := range p.customs {
					if s.name == name {
						found = append(found, slices.Clone(s.body))
					}
				}
				return found, nil
			},
		},
	}
	return moduleClass
}

// functionClass marks the functions of instances; scripts do not see it.
var functionClass = &bind.Class[function]{Name: "Function"}

// named gives instances of a class the tag that the namespace's have.
func named(tag string) func(js *isolate.JS, ctor, proto *goja.Object) error {
	return func(js *isolate.JS, _, proto *goja.Object) error {
		return proto.DefineDataPropertySymbol(goja.SymToStringTag, js.Runtime().ToValue(tag), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	}
}

// argument is the first argument, which must be of the class.
func argument[T any](c *bind.Call, class *bind.Class[T], where, name string) (*T, error) {
	v, ok := class.Unwrap(c.JS(), c.Arg(0))
	if !ok {
		return nil, exception.TypeErrorf("%s: Argument 0 must be a %s", where, name)
	}
	return v, nil
}

// compileArgument compiles the bytes that the first argument holds, where the realm
// may make code from data at all.
func compileArgument(c *bind.Call, where string) (*program, error) {
	if !script.EvalAllowed(c.JS().Runtime()) {
		return nil, exception.New("CompileError", where+": Wasm code generation disallowed by embedder")
	}
	b, ok := bind.Bytes(c.JS(), c.Arg(0))
	if !ok {
		return nil, exception.TypeErrorf("%s: Argument 0 must be a buffer source", where)
	}
	p, err := compile(slices.Clone(b), capsOf(c.JS().Bounds()))
	if err != nil {
		return nil, compileError(where, err)
	}
	return p, nil
}

// describe lists imports or exports.
func describe(js *isolate.JS, list []external, imports bool) goja.Value {
	rt := js.Runtime()
	out := make([]any, len(list))
	for n, e := range list {
		o := rt.NewObject()
		set := func(name, text string) {
			// The object is new and ordinary.
			_ = o.DefineDataProperty(name, rt.ToValue(text), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
		}
		if imports {
			set("module", e.module)
		}
		set("name", e.name)
		set("kind", e.kind.String())
		out[n] = o
	}
	return rt.NewArray(out...)
}

// instanceClass is filled in by defineInstance: its members make instances of it.
var instanceClass = &bind.Class[instance]{Name: "Instance"}

func defineInstance() *bind.Class[instance] {
	*instanceClass = bind.Class[instance]{
		Name: instanceClass.Name, Length: 1, Init: named("WebAssembly.Instance"),
		New: func(c *bind.Call) (*instance, error) {
			const where = "WebAssembly.Instance()"
			p, err := argument(c, moduleClass, where, "WebAssembly.Module")
			if err != nil {
				return nil, err
			}
			if v := c.Arg(1); !goja.IsUndefined(v) {
				if _, ok := v.(*goja.Object); !ok {
					return nil, exception.TypeErrorf("%s: Argument 1 must be an object", where)
				}
			}
			rs := realms.Get(c.JS())
			i, err := rs.instantiate(c.JS(), p, c.Arg(1), where)
			return i, rs.thrown(c.JS(), err)
		},
		Getters: map[string]bind.Getter[instance]{
			"exports": func(i *instance, _ *bind.Call) (any, error) { return i.exports, nil },
		},
	}
	return instanceClass
}

// memoryClass is filled in by defineMemory: its members make instances of it.
var memoryClass = &bind.Class[memory]{Name: "Memory"}

func defineMemory() *bind.Class[memory] {
	*memoryClass = bind.Class[memory]{
		Name: memoryClass.Name, Length: 1, Init: named("WebAssembly.Memory"),
		New: func(c *bind.Call) (*memory, error) {
			const where = "WebAssembly.Memory()"
			d, ok := c.Arg(0).(*goja.Object)
			if !ok {
				return nil, exception.TypeErrorf("%s: Argument 0 must be a memory descriptor", where)
			}
			b, err := sizes(c, d, where, 1<<16)
			if err != nil {
				return nil, err
			}
			var shared goja.Value
			if err := c.JS().Try(func() { shared = d.Get("shared") }); err != nil {
				return nil, err
			}
			if shared != nil && shared.ToBoolean() {
				return nil, exception.TypeErrorf("%s: shared memories are not supported", where)
			}
			m, err := realms.Get(c.JS()).newMemory(c.JS(), b)
			if err == nil {
				m.self = c.This().(*goja.Object)
			}
			return m, err
		},
		Methods: map[string]bind.Method[memory]{
			"grow": func(m *memory, c *bind.Call) (any, error) {
				delta, err := index(c, 0, c.Arg(0), "WebAssembly.Memory.grow()", "Argument 0")
				if err != nil {
					return nil, err
				}
				n, err := m.grow(delta)
				return int64(n), err
			},
		},
		Getters: map[string]bind.Getter[memory]{
			"buffer": func(m *memory, c *bind.Call) (any, error) { m.object(c.JS()); return m.lend(c.JS()), nil },
		},
	}
	return memoryClass
}

// tableClass is filled in by defineTable: its members make instances of it.
var tableClass = &bind.Class[table]{Name: "Table"}

func defineTable() *bind.Class[table] {
	*tableClass = bind.Class[table]{
		Name: tableClass.Name, Length: 1, Init: named("WebAssembly.Table"),
		New: func(c *bind.Call) (*table, error) {
			const where = "WebAssembly.Table()"
			js := c.JS()
			d, ok := c.Arg(0).(*goja.Object)
			if !ok {
				return nil, exception.TypeErrorf("%s: Argument 0 must be a table descriptor", where)
			}
			name, err := member(c, d, "element")
			if err != nil {
				return nil, err
			}
			t := tableType{elem: refTypes[name]}
			if t.elem == 0 {
				return nil, exception.TypeErrorf("%s: Descriptor property 'element' must be a WebAssembly reference type", where)
			}
			if t.bounds, err = sizes(c, d, where, 10_000_000); err != nil {
				return nil, err
			}
			rs := realms.Get(js)
			made, err := rs.newTable(js, t)
			if err != nil {
				return nil, err
			}
			made.self = c.This().(*goja.Object)
			word, owner, err := made.word(c, 1, where)
			if err != nil {
				return nil, err
			}
			if word != 0 {
				for n := range t.low {
					made.set(n, word, owner)
				}
			}
			if t.elem == externref {
				rs.trackTable(made)
			}
			return made, nil
		},
		Getters: map[string]bind.Getter[table]{
			"length": func(t *table, _ *bind.Call) (any, error) { return int64(t.size()), nil },
		},
		Methods: map[string]bind.Method[table]{
			"get": func(t *table, c *bind.Call) (any, error) {
				n, err := index(c, 0, c.Arg(0), "WebAssembly.Table.get()", "Argument 0")
				if err == nil {
					err = t.bound("get", n)
				}
				if err != nil {
					return nil, err
				}
				return t.rs.toJS(c.JS(), t.elem, t.get(n)), nil
			},
			"set": func(t *table, c *bind.Call) (any, error) {
				n, err := index(c, 0, c.Arg(0), "WebAssembly.Table.set()", "Argument 0")
				if err == nil {
					err = t.bound("set", n)
				}
				if err != nil {
					return nil, err
				}
				word, owner, err := t.word(c, 1, "WebAssembly.Table.set()")
				if err != nil {
					return nil, err
				}
				t.set(n, word, owner)
				return nil, nil
			},
			"grow": func(t *table, c *bind.Call) (any, error) {
				delta, err := index(c, 0, c.Arg(0), "WebAssembly.Table.grow()", "Argument 0")
				if err != nil {
					return nil, err
				}
				word, owner, err := t.word(c, 1, "WebAssembly.Table.grow()")
				if err != nil {
					return nil, err
				}
				n := t.grow(delta, word, owner)
				if n < 0 {
					return nil, exception.RangeErrorf("WebAssembly.Table.grow(): failed to grow table by %d", delta)
				}
				return int64(n), nil
			},
		},
	}
	return tableClass
}

// word is the reference that an argument stands for; one that is left out is the
// element's default.
func (t *table) word(c *bind.Call, n int, where string) (uint64, *instance, error) {
	v := c.Arg(n)
	if t.elem == funcref {
		if n >= c.Len() || goja.IsUndefined(v) && where == "WebAssembly.Table()" {
			return 0, nil, nil
		}
		if f, ok := functionClass.Unwrap(c.JS(), v); ok {
			word, err := f.owner.reference(f.index)
			return word, f.owner, err
		}
		if goja.IsNull(v) {
			return 0, nil, nil
		}
		return 0, nil, exception.TypeErrorf("%s: Argument %d is invalid for table: function-typed object must be null (if nullable) or a Wasm function object", where, n)
	}
	word, err := t.rs.number(c.JS(), v)
	return word, nil, err
}

// globalClass is filled in by defineGlobal: its members make instances of it.
var globalClass = &bind.Class[global]{Name: "Global"}

func defineGlobal() *bind.Class[global] {
	*globalClass = bind.Class[global]{
		Name: globalClass.Name, Length: 1, Init: named("WebAssembly.Global"),
		New: func(c *bind.Call) (*global, error) {
			const where = "WebAssembly.Global()"
			js := c.JS()
			d, ok := c.Arg(0).(*goja.Object)
			if !ok {
				return nil, exception.TypeErrorf("%s: Argument 0 must be a global descriptor", where)
			}
			var t globalType
			var mutable goja.Value
			if err := js.Try(func() { mutable = d.Get("mutable") }); err != nil {
				return nil, err
			}
			t.mutable = mutable != nil && mutable.ToBoolean()
			name, err := member(c, d, "value")
			if err != nil {
				return nil, err
			}
			for v, known := range typeNames {
				if known == name && v != funcref {
					t.val = v
				}
			}
			if t.val == 0 {
				t.val = refTypes[name]
			}
			switch t.val {
			case 0:
				return nil, exception.TypeErrorf("%s: Descriptor property 'value' must be a WebAssembly type", where)
			case v128:
				return nil, exception.TypeErrorf("%s: A global of type 'v128' cannot be created in JavaScript", where)
			}
			rs := realms.Get(js)
			v := c.Arg(1)
			var word uint64
			switch {
			case t.val == funcref && goja.IsUndefined(v):
			case t.val == externref || !goja.IsUndefined(v):
				if word, err = rs.toWasm(js, t.val, v, nil); err != nil {
					return nil, err
				}
			}
			g, err := rs.newGlobal(js, t, word, ownerOf(js, v))
			if err == nil {
				g.self = c.This().(*goja.Object)
			}
			return g, err
		},
		Getters: map[string]bind.Getter[global]{"value": (*global).value},
		Methods: map[string]bind.Method[global]{"valueOf": (*global).value},
		Setters: map[string]bind.Setter[global]{
			"value": func(g *global, c *bind.Call) error {
				if !g.mutable {
					return exception.TypeErrorf("set WebAssembly.Global.value: Can't set the value of an immutable global.")
				}
				return g.set(c.JS(), c.Arg(0))
			},
		},
	}
	return globalClass
}

func (g *global) value(c *bind.Call) (any, error) {
	if g.val == v128 {
		return nil, exception.TypeErrorf("get WebAssembly.Global.value: Can't get the value of s128 WebAssembly.Global")
	}
	return g.rs.toJS(c.JS(), g.val, g.cell.Get()), nil
}

// refTypes are the names of reference types in descriptors.
var refTypes = map[string]valType{"anyfunc": funcref, "externref": externref}

// member is a member of a descriptor as a string.
func member(c *bind.Call, d *goja.Object, name string) (s string, err error) {
	err = c.JS().Try(func() {
		if v := d.Get(name); v != nil {
			s = v.ToString().String()
		}
	})
	return s, err
}

// sizes reads the sizes in a descriptor.
func sizes(c *bind.Call, d *goja.Object, where string, most uint32) (b bounds, err error) {
	read := func(name string, low uint32) (n uint32, found bool, err error) {
		var v goja.Value
		if err := c.JS().Try(func() { v = d.Get(name) }); err != nil {
			return 0, false, err
		}
		if v == nil || goja.IsUndefined(v) {
			return 0, false, nil
		}
		what := "Property '" + name + "'"
		if n, err = index(c, 0, v, where, what); err != nil {
			return 0, false, err
		}
		if n < low {
			return 0, false, exception.RangeErrorf("%s: %s: value %d is below the lower bound %d", where, what, n, low)
		}
		if name == "initial" && n > most {
			return 0, false, exception.RangeErrorf("%s: %s: value %d is above the upper bound %d", where, what, n, most)
		}
		return n, true, nil
	}
	var found bool
	if b.low, found, err = read("initial", 0); err != nil {
		return b, err
	}
	if !found {
		return b, exception.TypeErrorf("%s: Property 'initial' is required", where)
	}
	b.high, b.hasHigh, err = read("maximum", b.low)
	return b, err
}

// index converts to an unsigned number of 32 bits, and refuses what is none.
func index(c *bind.Call, _ int, v goja.Value, where, what string) (uint32, error) {
	var f float64
	if err := c.JS().Try(func() { f = v.ToNumber().ToFloat() }); err != nil {
		return 0, err
	}
	switch {
	case f != f || f > 1<<60 || f < -1<<60:
		return 0, exception.TypeErrorf("%s: %s must be convertible to a valid number", where, what)
	case f <= -1:
		return 0, exception.TypeErrorf("%s: %s must be non-negative", where, what)
	case f >= 1<<32:
		return 0, exception.TypeErrorf("%s: %s must be in the unsigned long range", where, what)
	}
	return uint32(f), nil
}

// class is what the namespace needs of a class.
type class interface {
	Constructor(js *isolate.JS) *goja.Object
}

// namespaceOf makes the object WebAssembly.
func namespaceOf(classes ...class) func(js *isolate.JS) (goja.Value, error) {
	return func(js *isolate.JS) (goja.Value, error) { return namespace(js, classes) }
}

func namespace(js *isolate.JS, classes []class) (goja.Value, error) {
	rs := realms.Get(js)
	js.Library().Hide(clone.Pinned, natives.SymPinned)
	o := bind.Object{Name: "WebAssembly", Methods: map[string]bind.Static{
		"validate":    validate,
		"compile":     promised(compileAsync),
		"instantiate": promised(instantiateAsync),
	}}.New(js)
	names := []string{"Module", "Instance", "Memory", "Table", "Global"}
	var ctors []*goja.Object
	for _, c := range classes {
		ctors = append(ctors, c.Constructor(js))
	}
	for _, name := range errorClasses {
		names, ctors = append(names, name), append(ctors, rs.errorClass(js, name))
	}
	for n, ctor := range ctors {
		if err := o.DefineDataProperty(names[n], ctor, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// promised turns what a function throws into a rejection.
func promised(fn bind.Static) bind.Static {
	return func(c *bind.Call) (any, error) {
		js := c.JS()
		v, err := fn(c)
		if err == nil {
			return js.Resolved(c.Value(v)), nil
		}
		if isolate.Uncatchable(err) {
			return nil, err
		}
		return js.Rejected(realms.Get(js).thrown(js, err)), nil
	}
}

func validate(c *bind.Call) (any, error) {
	b, ok := bind.Bytes(c.JS(), c.Arg(0))
	if !ok {
		return nil, exception.TypeErrorf("WebAssembly.validate(): Argument 0 must be a buffer source")
	}
	_, err := compile(slices.Clone(b), capsOf(c.JS().Bounds()))
	return err == nil, nil
}

func compileAsync(c *bind.Call) (any, error) {
	p, err := compileArgument(c, "WebAssembly.compile()")
	if err != nil {
		return nil, err
	}
	return moduleClass.Wrap(c.JS(), p), nil
}

func instantiateAsync(c *bind.Call) (any, error) {
	const where = "WebAssembly.instantiate()"
	js := c.JS()
	rs := realms.Get(js)
	p, isModule := moduleClass.Unwrap(js, c.Arg(0))
	if v := c.Arg(1); !goja.IsUndefined(v) {
		if _, ok := v.(*goja.Object); !ok {
			return nil, exception.TypeErrorf("%s: Argument 1 must be an object", where)
		}
	}
	if !isModule {
		if _, ok := bind.Bytes(js, c.Arg(0)); !ok {
			return nil, exception.TypeErrorf("%s: Argument 0 must be a buffer source or a WebAssembly.Module object", where)
		}
		var err error
		if p, err = compileArgument(c, where); err != nil {
			return nil, err
		}
	}
	i, err := rs.instantiate(js, p, c.Arg(1), where)
	if err != nil {
		return nil, err
	}
	made := instanceClass.Wrap(js, i)
	if isModule {
		return made, nil
	}
	pair := js.Runtime().NewObject()
	yes := goja.FLAG_TRUE
	err = pair.DefineDataProperty("module", moduleClass.Wrap(js, p), yes, yes, yes)
	if err == nil {
		err = pair.DefineDataProperty("instance", made, yes, yes, yes)
	}
	return pair, err
}

// Source is the bytes of a WebAssembly.Module, which nobody may change. The same bytes
// are not compiled again while somebody holds the module.
func Source(js *isolate.JS, v goja.Value) ([]byte, bool) {
	p, ok := moduleClass.Unwrap(js, v)
	if !ok {
		return nil, false
	}
	return p.source, true
}
