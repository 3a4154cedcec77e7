// Package bind ties Go types to JavaScript classes.
//
// A family of web APIs is two layers: Go that knows no JavaScript, and one table
// (a Module) of classes and functions made with this package. The table is the
// documentation of what scripts see. An instance is an ordinary JavaScript
// object, so that it can have properties of its own and be subclassed; the Go
// value sits behind one hidden symbol, which is also the brand check.
//
// Globals cost nothing until a script touches them: see Install.
//
// # Concurrency
//
// Tables are package variables, read-only, shared by all realms. Everything that
// takes a *isolate.JS or a *Call belongs to the isolate's goroutine.
package bind

import (
	"reflect"
	"slices"
	"sort"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
)

// Method is a method of T. Its result is converted by Call.Value. An error is
// thrown; a method that is Async turns it into a rejected promise.
type Method[T any] func(t *T, c *Call) (any, error)

// Getter reads an attribute of T.
type Getter[T any] func(t *T, c *Call) (any, error)

// Setter writes an attribute of T; the new value is c.Arg(0).
type Setter[T any] func(t *T, c *Call) error

// Static is a static method, or a plain function.
type Static func(c *Call) (any, error)

// Class describes a JavaScript class whose instances stand for a *T.
type Class[T any] struct {
	Name string
	// Parent is the base class, made with Extends; nil for none.
	Parent *Base[T]
	// New makes the Go value of a new instance; nil makes the class throw
	// "Illegal constructor".
	New func(c *Call) (*T, error)
	// Make makes the instance itself, where that is no ordinary object; see Callable. It
	// takes the place of New.
	Make func(c *Call) (*goja.Object, error)
	// Length is the constructor's length property.
	Length  int
	Getters map[string]Getter[T]
	Setters map[string]Setter[T]
	Methods map[string]Method[T]
	// Order is the order of the attributes; those that it leaves out follow, by name.
	Order []string
	// Inspected is what only printing shows, in that order.
	Inspected []Inspected[T]
	// Async names methods whose errors reject the promise instead of throwing.
	Async map[string]Method[T]
	// Lengths are how many arguments constructor, methods and statics require, where that is
	// not none. It shows with SpecAttributes only: workerd's functions have length 0.
	Lengths map[string]int
	// Promises names the getters whose values are promises; see RejectForeign.
	Promises []string
	// Captured says that Async methods reject only with the compatibility flag
	// capture_async_api_throws; see ThrowUncaptured.
	Captured bool
	Statics  map[string]Static
	// Consts are set on the constructor and the prototype.
	Consts map[string]any
	// Iterator names the method that Symbol.iterator also is; AsyncIterator
	// likewise.
	Iterator      string
	AsyncIterator string
	// Init runs once per realm, after constructor and prototype are made.
	Init func(js *isolate.JS, ctor, proto *goja.Object) error
}

// Base says that instances of one class are instances of another.
type Base[T any] struct {
	class  anyClass
	upcast func(*T) any
}

// Extends is the Parent of a class of T whose base class is of P.
func Extends[T, P any](parent *Class[P], upcast func(*T) *P) *Base[T] {
	return &Base[T]{class: parent, upcast: func(t *T) any { return upcast(t) }}
}

type anyClass interface {
	className() string
	stateOf(js *isolate.JS) *classState
	// up returns the base class and v as an instance of it; nil at the root.
	up(v any) (anyClass, any)
	inspected(js *isolate.JS, obj *goja.Object, v any) []Shown
	entriesOf(js *isolate.JS, obj *goja.Object, v any) *iteration
}

func (cl *Class[T]) className() string { return cl.Name }

func (cl *Class[T]) up(v any) (anyClass, any) {
	if cl.Parent == nil {
		return nil, nil
	}
	return cl.Parent.class, cl.Parent.upcast(v.(*T))
}

// classState is a class in one realm.
type classState struct {
	ctor  *goja.Object
	proto *goja.Object
}

// brand is the hidden symbol that marks host objects; see isolate/natives' Hide.
var brand = goja.NewSymbol("workerd.brand")

type realmState struct {
	classes map[anyClass]*classState
	// throws is set where Captured methods throw.
	throws bool
	// rejects are the classes of RejectForeign.
	rejects map[anyClass]bool
}

var realms = isolate.NewSlot(func(js *isolate.JS) *realmState {
	return &realmState{classes: map[anyClass]*classState{}}
})

// ThrowUncaptured makes the Async methods of Captured classes throw at once, as they did
// before the compatibility flag capture_async_api_throws.
func ThrowUncaptured(js *isolate.JS) { realms.Get(js).throws = true }

// RejectForeign makes what gives promises give a rejected one for a receiver that is no
// instance, as in the standards; in workerd it throws.
func RejectForeign(js *isolate.JS, classes ...interface{ className() string }) {
	rs := realms.Get(js)
	if rs.rejects == nil {
		rs.rejects = map[anyClass]bool{}
	}
	for _, cl := range classes {
		if cl, ok := cl.(anyClass); ok {
			rs.rejects[cl] = true
		}
	}
}

// handle carries the Go value of an instance behind the brand symbol. It is a value of the
// engine's itself, as an object around it would be two more; what a copy of the property shows
// a script is undefined.
type handle struct {
	goja.Value
	class anyClass
	value any
	// owner is the instance: a copy of the property on another object, an object
	// that inherits from the instance and a proxy of it are no instances.
	owner *goja.Object
}

// Wrap makes an instance for t without running a constructor. Two calls make two
// objects: a type that needs one identity keeps it.
func (cl *Class[T]) Wrap(js *isolate.JS, t *T) *goja.Object {
	// The prototype comes last: a property is looked for in all of the chain before it is
	// made, and where a proxy is part of that, it asks its traps.
	obj := js.Runtime().CreateObject(nil)
	cl.Attach(js, obj, t)
	_ = obj.SetPrototype(cl.stateOf(js).proto) // it can fail where it would make a circle
	return obj
}

// Callable is Wrap for an instance that can be called: a function without properties of
// its own, which inherits from the class's prototype only.
func (cl *Class[T]) Callable(js *isolate.JS, t *T, call Static) *goja.Object {
	name := cl.Name
	f := js.Runtime().ToValue(func(fc goja.FunctionCall) goja.Value {
		c := &Call{js: js, class: name, this: fc.This, args: fc.Arguments}
		defer c.guard()
		v, err := call(c)
		if err != nil {
			js.Panic(err)
		}
		return c.Value(v)
	}).(*goja.Object)
	// The engine's functions have these two, and both can be deleted.
	must(f.Delete("name"))
	must(f.Delete("length"))
	must(f.SetPrototype(cl.stateOf(js).proto))
	cl.Attach(js, f, t)
	return f
}

// Attach makes obj an instance for t.
func (cl *Class[T]) Attach(_ *isolate.JS, obj *goja.Object, t *T) {
	h := &handle{goja.Undefined(), cl, t, obj}
	// An ordinary property costs half of one with attributes. It can only fail on an
	// object that is not extensible, and obj is new.
	_ = obj.SetSymbol(brand, h)
}

// Unwrap returns the Go value of an instance of the class or of a subclass.
func (cl *Class[T]) Unwrap(js *isolate.JS, v goja.Value) (*T, bool) {
	obj, ok := v.(*goja.Object)
	if !ok {
		return nil, false
	}
	h := handleOf(js, obj)
	if h == nil {
		return nil, false
	}
	var at anyClass = h.class
	value := h.value
	for at != nil {
		if at == anyClass(cl) {
			return value.(*T), true
		}
		at, value = at.up(value)
	}
	return nil, false
}

var proxyType = reflect.TypeFor[goja.Proxy]()

func handleOf(_ *isolate.JS, obj *goja.Object) *handle { return handleAt(obj, brand) }

func handleAt(obj *goja.Object, symbol *goja.Symbol) *handle {
	if obj.ExportType() == proxyType {
		return nil // and its traps do not learn of the symbol
	}
	h, _ := obj.GetSymbol(symbol).(*handle)
	if h == nil || h.owner != obj {
		return nil
	}
	return h
}

// ValueOf returns the Go value behind any host object, and the name of its class.
func ValueOf(js *isolate.JS, obj *goja.Object) (v any, class string, ok bool) {
	h := handleOf(js, obj)
	if h == nil {
		return nil, "", false
	}
	return h.value, h.class.className(), true
}

// Constructor is the class as scripts see it.
func (cl *Class[T]) Constructor(js *isolate.JS) *goja.Object { return cl.stateOf(js).ctor }

// Prototype is the class's prototype object.
func (cl *Class[T]) Prototype(js *isolate.JS) *goja.Object { return cl.stateOf(js).proto }

func (cl *Class[T]) globalName() string { return cl.Name }

func (cl *Class[T]) build(js *isolate.JS) (goja.Value, error) { return cl.stateOf(js).ctor, nil }

func (cl *Class[T]) stateOf(js *isolate.JS) *classState {
	rs := realms.Get(js)
	if st := rs.classes[cl]; st != nil {
		return st
	}
	rt := js.Runtime()
	native := rt.ToValue(func(cc goja.ConstructorCall) *goja.Object { return cl.construct(js, cc) }).(*goja.Object)
	proto := native.Get("prototype").(*goja.Object)
	// A native constructor cannot tell a call from new; a proxy's apply trap can.
	name := cl.Name
	ctor := rt.ToValue(rt.NewProxy(native, &goja.ProxyTrapConfig{
		Apply: func(*goja.Object, goja.Value, []goja.Value) goja.Value {
			if cl.New == nil && cl.Make == nil {
				js.Panic(errIllegalConstructor)
			}
			js.Panic(exception.TypeErrorf("Failed to construct '%s': Please use the 'new' operator, this object constructor cannot be called as a function.", name))
			return nil
		},
	})).(*goja.Object)
	st := &classState{ctor: ctor, proto: proto}
	rs.classes[cl] = st

	data(native, "name", rt.ToValue(cl.Name), false)
	spec := js.Compat().Has(SpecAttributes)
	length := func(f goja.Value, member string) goja.Value {
		if n := cl.Lengths[member]; spec && n > 0 {
			data(f.(*goja.Object), "length", rt.ToValue(n), false)
		}
		return f
	}
	data(native, "length", rt.ToValue(cl.Length), false)
	length(native, "constructor")
	// Writable, so that an object that inherits may have a constructor of its own.
	must(proto.DefineDataProperty("constructor", ctor, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE))
	if cl.Parent != nil {
		parent := cl.Parent.class.stateOf(js)
		must(proto.SetPrototype(parent.proto))
		must(native.SetPrototype(parent.ctor))
	}
	for _, name := range keys(cl.Methods) {
		data(proto, name, length(cl.method(js, name, cl.Methods[name], false), name), true)
	}
	for _, name := range keys(cl.Async) {
		data(proto, name, length(cl.method(js, name, cl.Async[name], true), name), true)
	}
	setterOf := func(name string, s Setter[T]) goja.Value {
		f := cl.setter(js, name, s)
		if spec {
			data(f.(*goja.Object), "length", rt.ToValue(1), false)
		}
		return f
	}
	for _, name := range inOrder(cl.Order, keys(cl.Getters)) {
		getter := cl.getter(js, name, cl.Getters[name])
		var setter goja.Value
		if s := cl.Setters[name]; s != nil {
			setter = setterOf(name, s)
		}
		must(proto.DefineAccessorProperty(name, getter, setter, goja.FLAG_TRUE, goja.FLAG_TRUE))
	}
	for _, name := range keys(cl.Setters) {
		if cl.Getters[name] == nil {
			must(proto.DefineAccessorProperty(name, nil, setterOf(name, cl.Setters[name]), goja.FLAG_TRUE, goja.FLAG_TRUE))
		}
	}
	for _, name := range keys(cl.Statics) {
		data(native, name, length(function(js, cl.Name, name, 0, cl.Statics[name]), name), true)
	}
	for _, name := range byValue(cl.Consts) {
		v := rt.ToValue(cl.Consts[name])
		for _, o := range []*goja.Object{native, proto} {
			must(o.DefineDataProperty(name, v, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_TRUE))
		}
	}
	// The engine's instanceof refuses a proxy as its right side.
	must(native.DefineDataPropertySymbol(goja.SymHasInstance, hasInstance.Get(js), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE))
	tag(proto, rt.ToValue(cl.Name))
	if cl.Iterator != "" {
		must(proto.DefineDataPropertySymbol(goja.SymIterator, proto.Get(cl.Iterator), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE))
	}
	if cl.AsyncIterator != "" {
		if sym, ok := rt.GlobalObject().Get("Symbol").(*goja.Object).Get("asyncIterator").(*goja.Symbol); ok {
			must(proto.DefineDataPropertySymbol(sym, proto.Get(cl.AsyncIterator), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE))
		}
	}
	if cl.Init != nil {
		must(cl.Init(js, ctor, proto))
	}
	// Last, as Init may have put another object in its place.
	must(native.DefineDataProperty("prototype", native.Get("prototype"), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE))
	return st
}

// hasInstance is OrdinaryHasInstance for constructors that may be proxies; script
// classes that extend ours inherit it.
var hasInstance = isolate.NewSlot(func(js *isolate.JS) *goja.Object {
	return named(js, "[Symbol.hasInstance]", func(fc goja.FunctionCall) goja.Value {
		is := false
		class, ok := fc.This.(*goja.Object)
		obj, isObj := fc.Argument(0).(*goja.Object)
		if ok && isObj {
			want, _ := class.Get("prototype").(*goja.Object)
			for p := obj.Prototype(); p != nil && want != nil && !is; p = p.Prototype() {
				is = p.SameAs(want)
			}
		}
		return js.Runtime().ToValue(is)
	})
})

// errIllegalConstructor is for a class that scripts make no instances of.
var errIllegalConstructor = exception.TypeErrorf("Illegal constructor")

// errIllegalInvocation is for a receiver that is not an instance (workerd's text).
var errIllegalInvocation = exception.TypeErrorf("Illegal invocation: function called with incorrect `this` reference. See https://developers.cloudflare.com/workers/observability/errors/#illegal-invocation-errors for details.")

func (cl *Class[T]) construct(js *isolate.JS, cc goja.ConstructorCall) *goja.Object {
	if cl.New == nil && cl.Make == nil {
		js.Panic(errIllegalConstructor)
	}
	c := &Call{js: js, class: cl.Name, this: cc.This, args: cc.Arguments}
	defer c.guard()
	if cl.Make != nil {
		obj, err := cl.Make(c)
		if err != nil {
			js.Panic(err)
		}
		return obj
	}
	t, err := cl.New(c)
	if err != nil {
		js.Panic(err)
	}
	cl.Attach(js, cc.This, t)
	return nil
}

func (cl *Class[T]) method(js *isolate.JS, name string, m Method[T], async bool) goja.Value {
	return named(js, name, func(fc goja.FunctionCall) goja.Value {
		c := &Call{js: js, class: cl.Name, member: name, this: fc.This, args: fc.Arguments}
		defer c.guard()
		t, ok := cl.Unwrap(js, fc.This)
		if !ok {
			if async && realms.Get(js).rejects[cl] {
				return js.Rejected(errIllegalInvocation)
			}
			// Even for an async method: no method of the class was called.
			js.Panic(errIllegalInvocation)
		}
		v, err := m(t, c)
		if err != nil {
			if async && !isolate.Uncatchable(err) && !(cl.Captured && realms.Get(js).throws) {
				return js.Rejected(err)
			}
			js.Panic(err)
		}
		return c.Value(v)
	})
}

func (cl *Class[T]) getter(js *isolate.JS, name string, g Getter[T]) goja.Value {
	return named(js, "get "+name, func(fc goja.FunctionCall) goja.Value {
		c := &Call{js: js, class: cl.Name, member: name, this: fc.This, attribute: true}
		defer c.guard()
		t, ok := cl.Unwrap(js, fc.This)
		if !ok {
			if slices.Contains(cl.Promises, name) && realms.Get(js).rejects[cl] {
				return js.Rejected(errIllegalInvocation)
			}
			js.Panic(errIllegalInvocation)
		}
		v, err := g(t, c)
		if err != nil {
			js.Panic(err)
		}
		return c.Value(v)
	})
}

func (cl *Class[T]) setter(js *isolate.JS, name string, s Setter[T]) goja.Value {
	return named(js, "set "+name, func(fc goja.FunctionCall) goja.Value {
		c := &Call{js: js, class: cl.Name, member: name, this: fc.This, args: fc.Arguments, attribute: true}
		defer c.guard()
		t, ok := cl.Unwrap(js, fc.This)
		if !ok {
			js.Panic(errIllegalInvocation)
		}
		if err := s(t, c); err != nil {
			js.Panic(err)
		}
		return goja.Undefined()
	})
}

func function(js *isolate.JS, class, name string, length int, fn Static) *goja.Object {
	f := named(js, name, func(fc goja.FunctionCall) goja.Value {
		c := &Call{js: js, class: class, member: name, this: fc.This, args: fc.Arguments}
		defer c.guard()
		v, err := fn(c)
		if err != nil {
			js.Panic(err)
		}
		return c.Value(v)
	})
	if length > 0 {
		data(f, "length", js.Runtime().ToValue(length), false)
	}
	return f
}

func named(js *isolate.JS, name string, fn func(goja.FunctionCall) goja.Value) *goja.Object {
	f := js.Runtime().ToValue(fn).(*goja.Object)
	data(f, "name", js.Runtime().ToValue(name), false)
	return f
}

// data defines a configurable data property; methods are enumerable and writable
// as WebIDL wants them.
func data(o *goja.Object, name string, v goja.Value, member bool) {
	flag := goja.FLAG_FALSE
	if member {
		flag = goja.FLAG_TRUE
	}
	must(o.DefineDataProperty(name, v, flag, goja.FLAG_TRUE, flag))
}

func tag(o *goja.Object, v goja.Value) {
	must(o.DefineDataPropertySymbol(goja.SymToStringTag, v, goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE))
}

// must is for definitions on objects that were just made by us: a failure is a
// mistake in a table and shows at the first use of the class.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// byValue is the names of constants in the order of their values.
func byValue(m map[string]any) []string {
	names := keys(m)
	sort.SliceStable(names, func(i, j int) bool {
		a, okA := m[names[i]].(int)
		b, okB := m[names[j]].(int)
		return okA && okB && a < b
	})
	return names
}

func keys[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
