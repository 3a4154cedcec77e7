package natives

import (
	"fmt"
	"sync"

	"github.com/dop251/goja"
)

// Install replaces the natives of rt. Call it once, on the runtime's goroutine,
// before any script has run: what the globals hold at that moment is taken for
// the engine's own. The error names the intrinsic that was missing or refused
// to be replaced.
func Install(rt *goja.Runtime, l Limits) (*Library, error) {
	e := newEnv(rt, l)
	e.lazy, e.hidden = map[string]func(){}, map[*goja.Symbol]bool{}
	if err := e.installAll(); err != nil {
		return nil, err
	}
	return &Library{e}, nil
}

// Library is the natives of one runtime.
type Library struct{ e *env }

func (e *env) installAll() error {
	if err := e.capture(); err != nil {
		return err
	}
	hasInstance, err := e.newFunc("[Symbol.hasInstance]", 1, e.ordinaryHasInstance)
	if err != nil {
		return fmt.Errorf("install natives: %w", err)
	}
	e.hasInstance = hasInstance
	if err := e.announce(); err != nil {
		return fmt.Errorf("install natives: %w", err)
	}
	for _, t := range eager {
		if err := e.install(t); err != nil {
			return err
		}
	}
	for _, step := range []func() error{e.installBigInt, e.installBuffers, e.installSymbols, e.installStackLimit, e.installLazy, e.installIteratorHelpers, e.installDisposal, e.installIntl, e.installShared, e.installDetached, e.installRegExps, e.installGuards} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// A table lists the natives of one object. Tables are made once per process and
// hold no runtime.
type table struct {
	path  string // of the object: "Array.prototype"; "" is the global object
	funcs []entry
}

type entry struct {
	name   string
	length int // -1 for that of goja's own
	// make returns the native for one runtime. prev is goja's own function of
	// that name, nil when there is none.
	make func(e *env, prev raw) raw
	// guarded says that what make returns calls env.guard itself.
	guarded bool
}

// tables in the order of installation.
var tables = []table{
	jsonTable, stringTable, stringStaticTable, arrayTable, arrayStaticTable, functionTable, reflectTable, objectTable,
	objectProtoTable, bigIntProtoTable, bigIntTable, typedTable, typedStaticTable,
	errorTable, promiseTable, mapTable, arrayAsyncTable, stringLocaleTable, bufferProtoTable, mapInsertTable,
}

// object finds the object that a path names.
func (e *env) object(path string) (*goja.Object, error) {
	o := e.rt.GlobalObject()
	for rest := path; rest != ""; {
		name := rest
		rest = ""
		for i := range name {
			if name[i] == '.' {
				name, rest = name[:i], name[i+1:]
				break
			}
		}
		next, ok := o.Get(name).(*goja.Object)
		if !ok {
			return nil, fmt.Errorf("install natives: the runtime has no %s", path)
		}
		o = next
	}
	return o, nil
}

func (e *env) install(t table) error {
	o, err := e.object(t.path)
	if err != nil {
		return err
	}
	return e.installOn(o, t)
}

func (e *env) installOn(o *goja.Object, t table) error {
	for i := range t.funcs {
		f := &t.funcs[i]
		fn, err := e.function(f, o.Get(f.name))
		if fn == nil && err == nil {
			continue
		}
		if err == nil {
			err = o.DefineDataProperty(f.name, fn, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
		}
		if err != nil {
			return fmt.Errorf("install natives: %s.%s: %w", t.path, f.name, err)
		}
	}
	return nil
}

// function makes the function object of an entry that takes the place of native, which
// is nil where there is none. It is nil where the entry has no use for the engine.
func (e *env) function(f *entry, native goja.Value) (*goja.Object, error) {
	var prev raw
	if native != nil {
		prev, _ = e.callable(native)
	}
	impl := f.make(e, prev)
	if impl == nil {
		return nil, nil
	}
	length := f.length
	if length < 0 {
		length = int(toInteger(native.ToObject(e.rt).Get("length")))
	}
	if !f.guarded {
		impl = e.guard(impl)
	}
	fn := e.rt.ToValue(impl).(*goja.Object)
	return fn, e.nameFunc(fn, f.name, length)
}

// newFunc makes a function object of a native, guarded against Go panics.
func (e *env) newFunc(name string, length int, impl raw) (*goja.Object, error) {
	fn := e.rt.ToValue(e.guard(impl)).(*goja.Object)
	return fn, e.nameFunc(fn, name, length)
}

// functionNames keeps one goja string per name for all runtimes.
var functionNames sync.Map // string to goja.Value

func functionName(name string) goja.Value {
	if v, ok := functionNames.Load(name); ok {
		return v.(goja.Value)
	}
	v, _ := functionNames.LoadOrStore(name, asciiValue(name))
	return v.(goja.Value)
}

func (e *env) nameFunc(fn *goja.Object, name string, length int) error {
	err := fn.DefineDataProperty("name", functionName(name), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	if err == nil && length != 0 {
		err = fn.DefineDataProperty("length", e.rt.ToValue(length), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	}
	return err
}

// installLazy defines the globals that few scripts read.
func (e *env) installLazy() error {
	var states *weakTable
	withStates := func(build func(*weakTable) (*goja.Object, error)) func() goja.Value {
		return func() goja.Value {
			var err error
			if states == nil {
				states, err = e.weakStates()
			}
			if err != nil {
				panic(e.rt.NewGoError(err))
			}
			made, err := build(states)
			if err != nil {
				panic(e.rt.NewGoError(err))
			}
			return made
		}
	}
	if err := e.lazyGlobal("WeakRef", false, withStates(e.makeWeakRef)); err != nil {
		return err
	}
	return e.lazyGlobal("FinalizationRegistry", false, withStates(e.makeRegistry))
}

// capture keeps the intrinsics that the natives use.
func (e *env) capture() error {
	nop, err := e.rt.RunProgram(nopProgram)
	if err != nil {
		return fmt.Errorf("install natives: %w", err)
	}
	e.nop, _ = e.callable(nop)
	e.viewFn = e.rt.ToValue(func(c goja.FunctionCall) goja.Value {
		e.viewed = c.Arguments
		return undefined
	})
	for _, c := range []struct {
		path string
		to   *raw
	}{
		{"Reflect.get", &e.get}, {"Reflect.set", &e.set}, {"Reflect.has", &e.has},
		{"Reflect.deleteProperty", &e.deleteProperty}, {"Reflect.defineProperty", &e.defineProperty},
		{"Reflect.getOwnPropertyDescriptor", &e.ownDescriptor},
		{"Reflect.apply", &e.apply}, {"Reflect.construct", &e.construct}, {"Reflect.ownKeys", &e.ownKeys},
		{"Array.isArray", &e.isArray}, {"Promise.prototype.then", &e.then},
		{"Map.prototype.get", &e.mapGet}, {"Map.prototype.set", &e.mapSet},
	} {
		o, err := e.object(c.path)
		if err != nil {
			return err
		}
		f, ok := e.callable(o)
		if !ok {
			return fmt.Errorf("install natives: %s is not a function", c.path)
		}
		*c.to = f
	}
	for _, c := range []struct {
		path string
		to   **goja.Object
	}{
		{"Array", &e.arrayCtor}, {"Map", &e.mapCtor}, {"Array.prototype", &e.arrayProto}, {"Object.prototype", &e.objectProto},
	} {
		if *c.to, err = e.object(c.path); err != nil {
			return err
		}
	}
	return nil
}
