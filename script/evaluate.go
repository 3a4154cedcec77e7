package script

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/dop251/goja"
)

// Script is a compiled program. It is immutable: any number of runtimes on any
// goroutines may evaluate it at the same time.
type Script struct {
	bundle  *bundle
	program *goja.Program
	label   string
}

// Host is what a program needs from the realm it runs in. All functions are
// called on the realm's goroutine. Nil functions refuse what they would provide.
type Host struct {
	// Builtin returns the exports object of a module that the host provides. It is
	// CommonJS-like: a default import is the object itself, unless the object has a
	// true __esModule property, then its default property. The host is asked for
	// each specifier at most once per evaluation.
	Builtin func(specifier string) (goja.Value, error)
	// Start is told, before the program runs, how to load one of Source.Roots at once:
	// load returns the module's namespace. It is of use once the program runs.
	Start func(load func(specifier string) (goja.Value, error))
	// Loader is given what loads a module as require(specifier) in the module named
	// from would, before the program runs.
	Loader func(require func(specifier, from string) (goja.Value, error))
	// Wasm makes the default export of a WebAssembly module. It must not modify
	// wasm.
	Wasm func(name string, wasm []byte) (goja.Value, error)
	// ImportMeta may add to or replace the import.meta object of a module, which is
	// made on first use. It starts with url ("file:///bundle/<name>"), main and
	// resolve.
	ImportMeta func(m ModuleInfo, meta *goja.Object) error
}

// ModuleInfo names a module to Host.ImportMeta.
type ModuleInfo struct {
	Name string // as stack traces show it
	Main bool
}

// Evaluation is one run of a program in one realm. It belongs to the realm's
// goroutine.
type Evaluation struct {
	// Promise settles when the top level has run. For a service-worker script it is
	// already settled. A rejection carries the exception.
	Promise *goja.Promise
	// Value is Promise as a JavaScript value.
	Value *goja.Object

	namespace *goja.Object
	realm     *realm
}

// Namespace returns the main module's exports as live getters, or nil for a
// service-worker script and until Promise is fulfilled.
func (e *Evaluation) Namespace() *goja.Object { return e.namespace }

// Import loads a module by name, as import(specifier) in the main module would:
// a builtin, one of Source.Roots, or a module that can be loaded at run time. It
// returns a promise for the module's namespace.
func (e *Evaluation) Import(specifier string) *goja.Object {
	return e.realm.load(specifier, e.realm.script.bundle.Main)
}

// realm is the state of one program in one runtime.
type realm struct {
	rt       *goja.Runtime
	host     Host
	script   *Script
	builtins map[string]goja.Value
	assets   map[int64]goja.Value
	metas    map[string]*goja.Object
	loaders  map[string]loader

	pristine func(path string) goja.Value // see Engine
}

type loader struct{ async, sync goja.Callable }

// Builtins lists the imports of modules that the host provides, each with the
// place of the import, ordered by specifier.
func (s *Script) Builtins() []BuiltinImport { return slices.Clone(s.bundle.Builtins) }

// Inputs lists the files the program was made from, as absolute paths, sorted.
// A watcher recompiles when one of them changes.
func (s *Script) Inputs() []string { return slices.Clone(s.bundle.Inputs) }

// Main returns the name of the main module, as stack traces show it.
func (s *Script) Main() string { return s.bundle.Main }

// Evaluate runs the program's top level in rt, on the goroutine that owns rt.
// Microtasks run before it returns if no JavaScript is on the stack, so a program
// that waits for nothing is done when Evaluate returns.
//
// # Errors
//
// The error is not nil only when nothing was run: an interrupt, or a runtime
// whose globals are broken. What the program throws rejects the promise.
func (s *Script) Evaluate(rt *goja.Runtime, h Host) (*Evaluation, error) {
	if err := Install(rt); err != nil {
		return nil, err
	}
	r := &realm{
		rt: rt, host: h, script: s,
		builtins: map[string]goja.Value{}, assets: map[int64]goja.Value{},
		metas: map[string]*goja.Object{}, loaders: map[string]loader{},
		pristine: stateOf(rt).engine.Pristine,
	}
	e := &Evaluation{realm: r}
	if h.Start != nil {
		h.Start(r.loadNow)
	}
	if h.Loader != nil {
		h.Loader(r.requireFrom)
	}

	if s.bundle.Classic {
		promise, resolve, reject := rt.NewPromise()
		e.Promise, e.Value = promise, rt.ToValue(promise).(*goja.Object)
		_, err := rt.RunProgram(s.program)
		var exception *goja.Exception
		switch {
		case err == nil:
			err = resolve(goja.Undefined())
		case errors.As(err, &exception):
			err = reject(exception.Value())
		}
		if err != nil {
			return nil, fmt.Errorf("evaluate %s: %w", s.label, err)
		}
		return e, nil
	}

	outer, err := rt.RunProgram(s.program)
	if err != nil {
		return nil, fmt.Errorf("evaluate %s: %w", s.label, err)
	}
	enter, ok := goja.AssertFunction(outer)
	if !ok {
		return nil, fmt.Errorf("evaluate %s: the program is not a function", s.label)
	}
	inner, err := enter(goja.Undefined(), rt.ToValue(r.require), r.object(e))
	if err != nil {
		return nil, fmt.Errorf("evaluate %s: %w", s.label, err)
	}
	body, ok := goja.AssertFunction(inner)
	if !ok {
		return nil, fmt.Errorf("evaluate %s: the program's body is not a function", s.label)
	}
	value, err := body(goja.Undefined())
	if err != nil {
		return nil, fmt.Errorf("evaluate %s: %w", s.label, err)
	}
	promise, ok := value.Export().(*goja.Promise)
	if !ok {
		return nil, fmt.Errorf("evaluate %s: the program's body returned no promise", s.label)
	}
	e.Promise, e.Value = promise, value.(*goja.Object)
	return e, nil
}

// object is what the program sees under hostName.
func (r *realm) object(e *Evaluation) *goja.Object {
	return stateOf(r.rt).object(func(name string) func(goja.FunctionCall) goja.Value {
		switch name {
		case "exports":
			return func(c goja.FunctionCall) goja.Value {
				if ns, ok := c.Argument(0).(*goja.Object); ok {
					e.namespace = ns
				}
				return goja.Undefined()
			}
		case "builtin":
			return func(c goja.FunctionCall) goja.Value { return r.builtin(c.Argument(0).String()) }
		case "asset":
			return func(c goja.FunctionCall) goja.Value { return r.asset(c.Argument(0).ToInteger()) }
		case "meta":
			return func(c goja.FunctionCall) goja.Value { return r.meta(c.Argument(0).String()) }
		case "import":
			return func(c goja.FunctionCall) goja.Value { return r.dynamicImport(c.Argument(0), c.Argument(1).String()) }
		case "register":
			return func(c goja.FunctionCall) goja.Value {
				var l loader
				l.async, _ = goja.AssertFunction(c.Argument(1))
				l.sync, _ = goja.AssertFunction(c.Argument(2))
				r.loaders[c.Argument(0).String()] = l
				return goja.Undefined()
			}
		}
		return nil
	})
}

// throw raises an error of one of the realm's own classes.
func (r *realm) throw(class, format string, args ...any) {
	e, err := r.rt.New(r.pristine(class), r.rt.ToValue(fmt.Sprintf(format, args...)))
	if err != nil {
		panic(r.rt.NewTypeError(fmt.Sprintf(format, args...)))
	}
	panic(e)
}

// fail raises a Go error: an exception keeps its value.
func (r *realm) fail(err error) {
	var exception *goja.Exception
	if errors.As(err, &exception) {
		panic(exception.Value())
	}
	var interrupted *goja.InterruptedError
	var overflow *goja.StackOverflowError
	if errors.As(err, &interrupted) || errors.As(err, &overflow) {
		panic(err)
	}
	r.throw("Error", "%s", err.Error())
}

func (r *realm) builtin(specifier string) goja.Value {
	if v, ok := r.builtins[specifier]; ok {
		return v
	}
	if r.host.Builtin == nil {
		r.throw("Error", "%s", noSuchModule(specifier))
	}
	v, err := r.host.Builtin(specifier)
	if err != nil {
		r.fail(err)
	}
	if v == nil {
		r.throw("Error", "%s", noSuchModule(specifier))
	}
	r.builtins[specifier] = v
	return v
}

func (r *realm) asset(id int64) goja.Value {
	if v, ok := r.assets[id]; ok {
		return v
	}
	if id < 0 || id >= int64(len(r.script.bundle.Assets)) {
		r.throw("Error", "No such module.")
	}
	a := r.script.bundle.Assets[id]
	var v goja.Value
	switch a.Kind {
	case Text:
		v = r.rt.ToValue(strings.ToValidUTF8(string(a.Content), "\uFFFD"))
	case Data:
		v = r.rt.ToValue(r.rt.NewArrayBuffer(slices.Clone(a.Content)))
	default:
		if r.host.Wasm == nil {
			r.throw("Error", "The module %q is WebAssembly, which is not available here.", a.Name)
		}
		var err error
		if v, err = r.host.Wasm(a.Name, a.Content); err != nil {
			r.fail(fmt.Errorf("module %q: %w", a.Name, err))
		}
	}
	r.assets[id] = v
	return v
}

// bundleURL is the base of import.meta.url.
const bundleURL = "file:///bundle/"

func (r *realm) meta(name string) goja.Value {
	if m, ok := r.metas[name]; ok {
		return m
	}
	m := r.rt.CreateObject(nil)
	info := ModuleInfo{Name: name, Main: name == r.script.bundle.Main}
	_ = m.Set("url", bundleURL+name) // an ordinary new object
	_ = m.Set("main", info.Main)
	_ = m.Set("resolve", func(c goja.FunctionCall) goja.Value {
		specifier := c.Argument(0).String()
		if hasScheme(specifier) {
			return r.rt.ToValue(specifier)
		}
		return r.rt.ToValue(bundleURL + resolveName(specifier, name))
	})
	if r.host.ImportMeta != nil {
		if err := r.host.ImportMeta(info, m); err != nil {
			r.fail(err)
		}
	}
	r.metas[name] = m
	return m
}

// resolveName finds the key a specifier means in a module.
func resolveName(specifier, importer string) string {
	specifier = strings.TrimPrefix(specifier, bundleURL)
	if strings.HasPrefix(specifier, "/") {
		return moduleKey(specifier)
	}
	return moduleKey(path.Join(path.Dir(importer), specifier))
}

// find returns the loader for a specifier computed at run time.
func (r *realm) find(specifier, importer string) (loader, bool) {
	for _, key := range []string{resolveName(specifier, importer), moduleKey(strings.TrimPrefix(specifier, bundleURL)), specifier} {
		if l, ok := r.loaders[key]; ok {
			return l, true
		}
	}
	return loader{}, false
}

// builtinName reports whether a specifier computed at run time names a builtin.
func (r *realm) builtinName(specifier string) (string, bool) {
	src := resolver{src: &Source{NodeCompat: r.script.bundle.NodeCompat, Bare: r.script.bundle.Bare}}
	return src.builtinName(specifier)
}

// require serves require calls with a computed specifier. The second argument
// is the importer, which the tree pass adds.
func (r *realm) require(c goja.FunctionCall) goja.Value {
	specifier, importer := showDots(c.Argument(0).String()), r.script.bundle.Main
	if len(c.Arguments) > 1 {
		importer = c.Arguments[1].String()
	}
	if l, ok := r.find(specifier, importer); ok {
		if l.sync == nil {
			r.throw("Error", "Top-level await in module is not permitted at this time.")
		}
		v, err := l.sync(goja.Undefined())
		if err != nil {
			r.fail(err)
		}
		return v
	}
	if name, ok := r.builtinName(specifier); ok {
		return r.builtin(name)
	}
	if strings.HasPrefix(path.Join(path.Dir(importer), specifier), "..") && strings.HasPrefix(specifier, ".") {
		r.throw("TypeError", "Invalid module specifier %q.", specifier)
	}
	r.throw("Error", "%s", noSuchModule(specifier))
	return nil
}

// requireFrom is require for the host.
func (r *realm) requireFrom(specifier, from string) (v goja.Value, err error) {
	if ex := r.rt.Try(func() {
		v = r.require(goja.FunctionCall{Arguments: []goja.Value{r.rt.ToValue(specifier), r.rt.ToValue(strings.TrimPrefix(strings.TrimPrefix(from, bundleURL), "file://"))}})
	}); ex != nil {
		return nil, ex
	}
	return v, nil
}

// BuiltinName is the whole name of a module that the host may provide: bare names are
// those of Node.js where nodeCompat is set.
func BuiltinName(specifier string, nodeCompat bool) (name string, ok bool) {
	r := resolver{src: &Source{NodeCompat: nodeCompat}}
	return r.builtinName(specifier)
}

// dynamicImport is import(specifier) with a specifier computed at run time. It
// never throws: everything that goes wrong rejects the promise.
func (r *realm) dynamicImport(specifier goja.Value, importer string) goja.Value {
	var name string
	if ex := r.rt.Try(func() { name = showDots(specifier.String()) }); ex != nil {
		return r.rejected(ex.Value())
	}
	return r.load(name, importer)
}

// loadNow loads a module of Roots without waiting for it.
func (r *realm) loadNow(specifier string) (goja.Value, error) {
	l, ok := r.find(specifier, r.script.bundle.Main)
	if !ok {
		return nil, errors.New(noSuchModule(specifier))
	}
	if l.sync == nil {
		return nil, fmt.Errorf("the module %q has a top-level await and cannot be loaded at once", specifier)
	}
	return l.sync(goja.Undefined())
}

func (r *realm) load(specifier, importer string) *goja.Object {
	var result goja.Value
	ex := r.rt.Try(func() {
		if l, ok := r.find(specifier, importer); ok && l.async != nil {
			v, err := l.async(goja.Undefined())
			if err != nil {
				r.fail(err)
			}
			result = v
			return
		}
		name, ok := r.builtinName(specifier)
		if !ok {
			r.throw("Error", "%s", noSuchModule(specifier))
		}
		result = r.namespaceOf(r.builtin(name))
	})
	if ex != nil {
		return r.rejected(ex.Value())
	}
	resolve, ok := goja.AssertFunction(r.pristine("Promise.resolve"))
	if !ok {
		r.throw("Error", "the runtime has no Promise")
	}
	v, err := resolve(r.pristine("Promise"), result)
	if err != nil {
		r.fail(err)
	}
	return v.(*goja.Object)
}

// namespaceOf makes a namespace of a builtin's exports, as a static import of
// all names would.
func (r *realm) namespaceOf(exports goja.Value) goja.Value {
	o, ok := exports.(*goja.Object)
	ns := r.rt.NewObject()
	if ok {
		for _, key := range o.GetOwnPropertyNames() {
			if key == "default" {
				continue
			}
			getter := r.rt.ToValue(func(goja.FunctionCall) goja.Value { return orUndefined(o.Get(key)) })
			_ = ns.DefineAccessorProperty(key, getter, nil, goja.FLAG_FALSE, goja.FLAG_TRUE) // a new ordinary object
		}
		if flag := o.Get("__esModule"); flag != nil && flag.ToBoolean() {
			exports = orUndefined(o.Get("default"))
		}
	}
	_ = ns.DefineDataProperty("default", exports, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_TRUE)
	return ns
}

func orUndefined(v goja.Value) goja.Value {
	if v == nil {
		return goja.Undefined()
	}
	return v
}

func (r *realm) rejected(reason goja.Value) *goja.Object {
	promise, _, reject := r.rt.NewPromise()
	if err := reject(reason); err != nil {
		r.fail(err)
	}
	return r.rt.ToValue(promise).(*goja.Object)
}
