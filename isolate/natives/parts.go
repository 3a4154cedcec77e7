package natives

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/dop251/goja"
	"github.com/dop251/goja/unistring"
)

// What a realm has is made where it is first needed.
//
// The objects that have a template are served by it, see templates.go. The others the
// engine makes whole, when a script first comes near one. A part is some of these that
// this package prepares together: it keeps what its natives need, then puts its own
// functions in place. A script comes to an object of a part in two ways. By its name:
// the realm's global object has a template of ours, whose function for the name prepares
// the part. Or by what the engine makes of syntax and of Go's values, which inherits
// from a prototype: see standin.go. Both are before the script can have changed anything.

// realmPart is one of the parts.
type realmPart uint

const (
	partReflect realmPart = iota // first, as the others use it
	partArray
	partJSON
	partString
	partTyped
	partBigInt
	partError
	partAggregateError
	partPromise
	partMap
	partSet
	partArrayBuffer
	partSymbol
	partProxy
	partGenerator
	partArrayIterator
	partStringIterator
	partIterator
	partRegExp
	partFunction
	parts
)

// globalParts are the globals whose first read prepares a part.
var globalParts = map[string]realmPart{
	"Reflect": partReflect, "Array": partArray, "JSON": partJSON, "String": partString, "BigInt": partBigInt,
	"Error": partError, "TypeError": partError, "RangeError": partError, "SyntaxError": partError, "ReferenceError": partError,
	"EvalError": partError, "URIError": partError, "AggregateError": partAggregateError,
	"Promise": partPromise, "Map": partMap, "Set": partSet, "ArrayBuffer": partArrayBuffer, "Symbol": partSymbol,
	"Proxy": partProxy, "RegExp": partRegExp, "Function": partFunction, "eval": partFunction,
	"Uint8Array": partTyped, "Int8Array": partTyped, "Uint8ClampedArray": partTyped, "Int16Array": partTyped,
	"Uint16Array": partTyped, "Int32Array": partTyped, "Uint32Array": partTyped, "Float32Array": partTyped,
	"Float64Array": partTyped, "BigInt64Array": partTyped, "BigUint64Array": partTyped,
}

// lateGlobals are the globals that the engine lacks, in the order in which they are
// listed; lateGlobal makes one.
var lateGlobals = []string{"WeakRef", "FinalizationRegistry", "Iterator", "SuppressedError", "DisposableStack", "AsyncDisposableStack",
	"Intl", "Float16Array", "SharedArrayBuffer", "Atomics"}

func (e *env) lateGlobal(name string) goja.Value {
	switch name {
	case "WeakRef", "FinalizationRegistry":
		return e.weakGlobal(name)
	case "Iterator":
		return e.makeIterator()
	case "Intl":
		return e.makeIntl()
	case "Float16Array":
		return e.makeFloat16Array()
	case "SharedArrayBuffer":
		return e.makeSharedArrayBuffer()
	case "Atomics":
		return e.makeAtomics()
	}
	if e.disposal == nil {
		e.disposal = e.makeDisposal()
	}
	return e.disposal.Get(name)
}

// globalTemplate is the template of the global object of realms.
func globalTemplate() *template {
	globals.once.Do(func() { globals.template = makeGlobalTemplate() })
	return globals.template
}

var globals struct {
	once     sync.Once
	template *template // set once
}

func makeGlobalTemplate() *template {
	l := intrinsics
	g := goja.New().GlobalObject()
	names, own, symbols, symProps := l.readTemplate(*fieldAt[engineTemplate](*l.implementation(g), l.tmpl))
	k := &template{own: map[string]factory{}}
	props := map[unistring.String]factory{}
	for name, make := range own {
		k.own[name.String()] = make
		props[name] = make
		if _, ok := globalParts[name.String()]; ok {
			props[name] = func(rt *goja.Runtime) goja.Value {
				if e := envOf(rt); e != nil {
					return newProperty(e.global(name.String()), true, false)
				}
				return make(rt)
			}
		}
	}
	names = slices.DeleteFunc(names, func(n unistring.String) bool { return n == "GoError" }) // which only the engine knows
	delete(props, "GoError")
	for _, name := range lateGlobals {
		names = append(names, unistring.String(name))
		props[unistring.String(name)] = func(rt *goja.Runtime) goja.Value { return newProperty(envOf(rt).lateGlobal(name), true, false) }
	}
	k.whole = l.newTemplate(names, props, symbols, symProps)
	return k
}

// engine is the engine's own value of a global, whatever scripts and this package have
// put in its place.
func (e *env) engine(name string) goja.Value {
	if !e.inParts {
		if e.base == nil { // before installNow
			return e.rt.GlobalObject().Get(name)
		}
		if slices.Contains(errorClasses, name) {
			return e.errorClass(name, func() goja.Value { return e.base[name] })
		}
		return e.base[name]
	}
	if make := globals.template.own[name]; make != nil { // installAll has set it
		if globalParts[name] == partError || name == "AggregateError" {
			return e.errorClass(name, func() goja.Value { return valueOf(make(e.rt)) })
		}
		return valueOf(make(e.rt))
	}
	return nil
}

// global is the value that a global has before scripts change it.
func (e *env) global(name string) goja.Value {
	if p, ok := globalParts[name]; ok {
		e.prepare(p)
	}
	if e.inParts && elementSize[name] != 0 && e.replaced[name] == nil {
		e.mustDefine(e.wrapTyped(name))
	}
	if v := e.replaced[name]; v != nil {
		return v
	}
	if name == "SuppressedError" {
		return e.lateGlobal(name)
	}
	return e.engine(name)
}

// replace puts a value in the place of a global of the engine.
func (e *env) replace(name string, v goja.Value) error {
	e.replaced[name] = v
	if e.inParts {
		return nil
	}
	return e.rt.GlobalObject().DefineDataProperty(name, v, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
}

// prepare prepares a part, once. Where that fails, it throws and is as it was.
func (e *env) prepare(p realmPart) {
	if !e.inParts || e.prepared&(1<<p) != 0 {
		return
	}
	e.prepared |= 1 << p
	var swapped []*standIn
	done := false
	defer func() {
		if done {
			return
		}
		e.prepared &^= 1 << p
		for _, path := range keptPaths[p] {
			delete(e.kept, path)
		}
		for _, s := range swapped {
			s.withdraw()
		}
	}()
	if err := e.uninterrupted(func() error {
		for i := range e.standIns {
			if s := &e.standIns[i]; s.spec.part == p && !s.gone {
				if err := e.swap(s); err != nil {
					return err
				}
				swapped = append(swapped, s)
			}
		}
		if err := e.installPart(p); err != nil {
			return err
		}
		return e.keep(p)
	}); err != nil {
		panic(e.rt.NewGoError(err))
	}
	done = true
}

// uninterrupted runs what must not be left in the middle; an interrupt waits for its end.
func (e *env) uninterrupted(f func() error) error {
	var stopped *goja.InterruptedError
	err := f()
	for ; ; err = f() {
		var i *goja.InterruptedError
		for u := err; u != nil && i == nil; u = errors.Unwrap(u) {
			if _, thrown := u.(*goja.Exception); thrown {
				break // to unwrap one asks the value that was thrown
			}
			i, _ = u.(*goja.InterruptedError)
		}
		if i == nil {
			break
		}
		stopped = i
		e.rt.ClearInterrupt()
	}
	if stopped != nil {
		e.rt.Interrupt(stopped.Value())
	}
	return err
}

// installPart does what prepare promises.
func (e *env) installPart(p realmPart) error {
	switch p {
	case partReflect:
		return errors.Join(e.capturePart("Reflect.get", &e.get, "Reflect.set", &e.set, "Reflect.has", &e.has,
			"Reflect.deleteProperty", &e.deleteProperty, "Reflect.defineProperty", &e.defineProperty,
			"Reflect.apply", &e.apply, "Reflect.construct", &e.construct, "Reflect.ownKeys", &e.ownKeys,
			"Reflect.getOwnPropertyDescriptor", &e.ownDescriptor), e.installPaths("Reflect"))
	case partArray:
		return errors.Join(e.capturePart("Array.isArray", &e.isArray), e.captureObject("Array", &e.arrayCtor), e.installPaths("Array"))
	case partJSON:
		return e.installPaths("JSON")
	case partString:
		return e.installPaths("String")
	case partTyped:
		return e.installPaths("Uint8Array.__proto__")
	case partBigInt:
		return e.installBigInt()
	case partError:
		return errors.Join(e.installPaths("Error", "Error.prototype"), e.installStackLimit())
	case partAggregateError:
		e.prepare(partError)
		return e.installAggregateError()
	case partPromise:
		return errors.Join(e.capturePart("Promise.prototype.then", &e.then), e.installPaths("Promise", "Promise.prototype"))
	case partMap:
		return errors.Join(e.capturePart("Map.prototype.get", &e.mapGet, "Map.prototype.set", &e.mapSet), e.captureObject("Map", &e.mapCtor),
			e.installPaths("Map", "Map.prototype"), e.installIterator("Map"))
	case partSet:
		return errors.Join(e.installPaths("Set.prototype"), e.installIterator("Set"))
	case partArrayBuffer:
		return errors.Join(e.installArrayBuffer(), e.installPaths("ArrayBuffer.prototype"), e.installDetached())
	case partSymbol:
		return e.installSymbols()
	case partProxy:
		return e.installProxy()
	case partGenerator:
		return e.installGenerator()
	case partArrayIterator:
		return e.installIterator("Array")
	case partStringIterator:
		return e.installIterator("String")
	case partIterator:
		return e.installIteratorHelpers()
	case partRegExp:
		err := errors.Join(e.installRegExps(), e.installPaths("RegExp.prototype"), e.installIterator("RegExp"))
		if err == nil {
			err = e.adaptRegExp()
		}
		return err
	case partFunction:
		return e.adaptFunction()
	}
	return nil
}

// capturePart keeps natives of the engine: paths and where they go, in turn.
func (e *env) capturePart(pairs ...any) error {
	for i := 0; i < len(pairs); i += 2 {
		path := pairs[i].(string)
		o, err := e.object(path)
		if err != nil {
			return err
		}
		f, ok := e.callable(o)
		if !ok {
			return fmt.Errorf("install natives: %s is not a function", path)
		}
		*pairs[i+1].(*raw) = f
	}
	return nil
}

func (e *env) captureObject(path string, to **goja.Object) error {
	o, err := e.object(path)
	*to = o
	return err
}

// captureLate makes natives of the engine that are kept when they are first called.
func (e *env) captureLate(p realmPart, to ...*raw) {
	for _, r := range to {
		*r = func(c goja.FunctionCall) goja.Value {
			e.prepare(p)
			return (*r)(c)
		}
	}
}

// installPaths installs the tables of objects that no template serves.
func (e *env) installPaths(paths ...string) error {
	for _, path := range paths {
		for _, t := range eager {
			if t.path != path {
				continue
			}
			if err := e.install(t); err != nil {
				return err
			}
		}
	}
	return nil
}
