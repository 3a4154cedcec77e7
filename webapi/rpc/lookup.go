package rpc

import (
	"reflect"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/clone"
	"workerd.local/isolate"
	"workerd.local/isolate/natives"
	"workerd.local/webapi/fetch"
)

type engineObjects struct{ objectProto *goja.Object }

// intrinsics are objects of the engine that stay what they are.
var intrinsics = isolate.NewSlot(func(js *isolate.JS) *engineObjects {
	return &engineObjects{objectProto: js.Runtime().NewObject().Prototype()}
})

var proxyType = reflect.TypeFor[goja.Proxy]()

func isProxy(o *goja.Object) bool { return o.ExportType() == proxyType }

// isFunction reports whether o counts as a function that can be handed on: stubs'
// properties and promises can be called, too, but are something else.
func isFunction(js *isolate.JS, o *goja.Object) bool {
	if _, ok := goja.AssertFunction(o); !ok {
		return false
	}
	if isProxy(o) {
		return true
	}
	if _, ok := propertyClass.Unwrap(js, o); ok {
		return false
	}
	_, ok := promiseClass.Unwrap(js, o)
	return !ok
}

// protoOf is the prototype as scripts see it: a proxy's trap says it.
func protoOf(js *isolate.JS, o *goja.Object) (proto *goja.Object, err error) {
	err = js.Try(func() { proto = o.Prototype() })
	return proto, err
}

// isTarget reports whether o is an RpcTarget; a proxy is one by what it says of its
// prototypes.
func isTarget(js *isolate.JS, o *goja.Object) (bool, error) {
	if !isProxy(o) {
		_, ok := TargetClass.Unwrap(js, o)
		return ok, nil
	}
	want := TargetClass.Prototype(js)
	for range longestChain {
		p, err := protoOf(js, o)
		if err != nil || p == nil {
			return false, err
		}
		if p == want {
			return true, nil
		}
		o = p
	}
	return false, nil
}

// longestChain bounds a walk along prototypes, which proxies may make up.
const longestChain = 1000

// stubTypeOf reports whether a stub may be made of o, and then whether its own properties
// may be read.
func stubTypeOf(js *isolate.JS, o *goja.Object) (own, ok bool, err error) {
	proto, err := protoOf(js, o)
	if err != nil {
		return false, false, err
	}
	if proto == intrinsics.Get(js).objectProto {
		return true, true, nil
	}
	want := TargetClass.Prototype(js)
	for range longestChain {
		if proto == nil {
			return true, isFunction(js, o), nil
		}
		if proto == want {
			return false, true, nil
		}
		if proto, err = protoOf(js, proto); err != nil {
			return false, false, err
		}
	}
	return false, false, nil
}

func notImplemented(name string) *exception.Exception {
	return exception.TypeErrorf("The RPC receiver does not implement the method %s.", quoted(name))
}

func quoted(s string) string { return `"` + s + `"` }

// isReserved reports whether a name cannot be called.
func (r *Receiver) isReserved(name string) bool {
	switch name {
	case "dup", "constructor":
		return true
	case "fetch", "connect", "alarm", "webSocketMessage", "webSocketClose", "webSocketError":
		return r.Entrypoint
	}
	return false
}

// member reads one name of an object, as far as callers may see it.
func (r *Receiver) member(js *isolate.JS, object *goja.Object, name string, own bool) (v goja.Value, err error) {
	if r.isReserved(name) {
		return nil, exception.TypeErrorf("'%s' is a reserved method and cannot be called over RPC.", name)
	}
	has, err := clone.HasOwn(js.Runtime(), object, name)
	if err != nil {
		return nil, err
	}
	if has != own {
		// Of a plain object the own properties can be seen, of an instance those of its class.
		return nil, notImplemented(name)
	}
	if err := js.Try(func() { v = object.Get(name) }); err != nil {
		return nil, err
	}
	if v == nil {
		v = goja.Undefined()
	}
	if own {
		return v, nil
	}
	inherited := intrinsics.Get(js).objectProto.Get(name)
	if inherited == nil {
		inherited = goja.Undefined()
	}
	if v.StrictEquals(inherited) {
		return nil, notImplemented(name)
	}
	return v, nil
}

// find follows the path of a call: the member, and the object that it is of.
func (r *Receiver) find(js *isolate.JS, path []string) (v goja.Value, this *goja.Object, err error) {
	object, own := r.Object, r.Own
	if len(path) == 0 {
		return object, object, nil
	}
	inStub := false
	last := len(path) - 1
	for _, name := range path[:last] {
		v, err := r.member(js, object, name, own)
		if err != nil {
			return nil, nil, err
		}
		next, ok := v.(*goja.Object)
		if !ok {
			return nil, nil, notImplemented(name)
		}
		object = next
		proto, err := protoOf(js, object)
		if err != nil {
			return nil, nil, err
		}
		target, err := isTarget(js, object)
		if err != nil {
			return nil, nil, err
		}
		_, isStub := stubClass.Unwrap(js, object)
		_, isService := fetch.Fetcher.Unwrap(js, object)
		_, isProperty := propertyClass.Unwrap(js, object)
		switch {
		case proto == intrinsics.Get(js).objectProto:
			own = true
		case target:
			own = false
		case isStub, isService, inStub && isProperty:
			own, inStub = false, true
		case isFunction(js, object):
			own = true
		default:
			return nil, nil, notImplemented(name)
		}
	}
	v, err = r.member(js, object, path[last], own)
	return v, object, err
}

// disposerOf is the dispose method of an object; nil where it has none.
func disposerOf(js *isolate.JS, o *goja.Object) (f goja.Value, err error) {
	err = js.Try(func() {
		if v := o.GetSymbol(natives.SymDispose); v != nil {
			if _, ok := goja.AssertFunction(v); ok {
				f = v
			}
		}
	})
	return f, err
}

// disposeValue calls the dispose method of a value that has one.
func disposeValue(js *isolate.JS, v goja.Value) error {
	o, ok := v.(*goja.Object)
	if !ok {
		return nil
	}
	f, err := disposerOf(js, o)
	if err != nil || f == nil {
		return err
	}
	_, err = js.Call(f, o)
	return err
}
