package natives

import (
	"errors"
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
	nop, err := e.rt.RunProgram(nopProgram)
	if err != nil {
		return fmt.Errorf("install natives: %w", err)
	}
	e.nop, _ = e.callable(nop)
	e.functionProto = nop.(*goja.Object).Prototype()
	if e.objectProto = e.rt.GlobalObject().Prototype(); e.objectProto == nil {
		return fmt.Errorf("install natives: the global object has no prototype")
	}
	if err := e.announce(); err != nil {
		return fmt.Errorf("install natives: %w", err)
	}
	e.hidden[intlSymbol] = true
	e.captureLate(partReflect, &e.get, &e.set, &e.has, &e.deleteProperty, &e.defineProperty, &e.apply, &e.construct, &e.ownKeys, &e.ownDescriptor)
	e.captureLate(partArray, &e.isArray)
	e.captureLate(partPromise, &e.then)
	e.captureLate(partMap, &e.mapGet, &e.mapSet)
	if standIns := standInTemplates(); standIns != nil && !intrinsicsOff && len(eagerPaths()) == 0 {
		e.inParts, e.replaced = true, map[string]goja.Value{}
		*fieldAt[engineTemplate](*intrinsics.implementation(e.rt.GlobalObject()), intrinsics.tmpl) = globalTemplate().whole
		e.placeStandIns(standIns)
		e.placeErrors()
		return nil
	}
	return e.installNow()
}

// installNow makes all that is otherwise made where it is first needed.
func (e *env) installNow() error {
	global := e.rt.GlobalObject()
	e.base, e.replaced = map[string]goja.Value{}, map[string]goja.Value{}
	for _, name := range global.GetOwnPropertyNames() {
		e.base[name] = global.Get(name)
	}
	for _, name := range errorClasses {
		e.engine(name)
	}
	for p := range parts {
		if err := e.installPart(p); err != nil {
			return err
		}
		if err := e.keep(p); err != nil {
			return err
		}
	}
	for _, name := range typedNames {
		if err := e.wrapTyped(name); err != nil {
			return err
		}
	}
	if err := errors.Join(e.installProto(), e.installProtoName()); err != nil {
		return err
	}
	for _, name := range lateGlobals {
		if err := e.lazyGlobal(name, false, func() goja.Value { return e.lateGlobal(name) }); err != nil {
			return err
		}
	}
	for _, path := range eagerPaths() {
		if err := e.installPaths(path); err != nil {
			return err
		}
	}
	return nil
}

// eagerPaths are the paths of tables that templates should serve and do not.
func eagerPaths() (list []string) {
	for _, path := range []string{"Math", "DataView.prototype", "Number.prototype", "Date.prototype", "String.prototype", "Array.prototype",
		"Function.prototype", "Object", "Object.prototype", "BigInt", "BigInt.prototype", TypedPath} {
		if templates[path] == nil {
			list = append(list, path)
		}
	}
	return list
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

// object finds the object that a path names; of globals it is the engine's own.
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
		v := goja.Value(nil)
		if o == e.rt.GlobalObject() {
			v = e.engine(name)
		} else {
			v = o.Get(name)
		}
		next, ok := v.(*goja.Object)
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

// weakGlobal makes WeakRef or FinalizationRegistry, which share their states.
func (e *env) weakGlobal(name string) goja.Value {
	var err error
	if e.weak == nil {
		if e.weak, err = e.weakStates(); err != nil {
			panic(e.rt.NewGoError(err))
		}
	}
	make := e.makeWeakRef
	if name == "FinalizationRegistry" {
		make = e.makeRegistry
	}
	o, err := make(e.weak)
	if err != nil {
		panic(e.rt.NewGoError(err))
	}
	return o
}
