package rpc

import (
	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/isolate/natives"
	"workerd.local/webapi/bind"
)

// target marks the instances of RpcTarget; it has nothing.
type target struct{}

// TargetClass is RpcTarget.
var TargetClass = &bind.Class[target]{
	Name: "JsRpcTarget",
	New:  func(*bind.Call) (*target, error) { return &target{}, nil },
	Init: func(js *isolate.JS, ctor, _ *goja.Object) error { return publicName(js, ctor, "RpcTarget") },
}

// The classes of stubs are filled in by defineStubs: their methods make instances of
// each other.
var (
	stubClass     = &bind.Class[stub]{Name: "JsRpcStub"}
	promiseClass  = &bind.Class[promise]{Name: "JsRpcPromise"}
	propertyClass = &bind.Class[property]{Name: "JsRpcProperty"}
)

func defineStubs() *bind.Class[stub] {
	*stubClass = bind.Class[stub]{
		Name:    stubClass.Name,
		Make:    newStubOf,
		Methods: map[string]bind.Method[stub]{"dup": (*stub).dup},
		Init: func(js *isolate.JS, ctor, proto *goja.Object) error {
			if err := publicName(js, ctor, "RpcStub"); err != nil {
				return err
			}
			err := disposable(js, proto, func(c *bind.Call) error {
				s, ok := stubClass.Unwrap(c.JS(), c.This())
				if !ok {
					return errReceiver
				}
				s.dispose()
				return nil
			})
			if err != nil {
				return err
			}
			return proto.SetPrototype(wildcard(js, false, func(receiver *goja.Object, name string) (goja.Value, error) {
				s, ok := stubClass.Unwrap(js, receiver)
				if !ok || name == "then" {
					// A stub is no promise.
					return nil, nil
				}
				return newProperty(js, s, name, 0), nil
			}))
		},
	}
	*promiseClass = bind.Class[promise]{
		Name:    promiseClass.Name,
		Methods: thenable((*promise).promised),
		Init: func(js *isolate.JS, ctor, proto *goja.Object) error {
			if err := publicName(js, ctor, "RpcPromise"); err != nil {
				return err
			}
			err := disposable(js, proto, func(c *bind.Call) error {
				p, ok := promiseClass.Unwrap(c.JS(), c.This())
				if !ok {
					return errReceiver
				}
				return p.dispose(c.JS())
			})
			if err != nil {
				return err
			}
			return proto.SetPrototype(wildcard(js, true, func(receiver *goja.Object, name string) (goja.Value, error) {
				p, ok := promiseClass.Unwrap(js, receiver)
				if !ok {
					return nil, nil
				}
				return newProperty(js, p, name, 0), nil
			}))
		},
	}
	*propertyClass = bind.Class[property]{
		Name:    propertyClass.Name,
		Methods: thenable((*property).promised),
		Init: func(js *isolate.JS, ctor, proto *goja.Object) error {
			if err := publicName(js, ctor, "RpcProperty"); err != nil {
				return err
			}
			return proto.SetPrototype(wildcard(js, true, func(receiver *goja.Object, name string) (goja.Value, error) {
				p, ok := propertyClass.Unwrap(js, receiver)
				if !ok {
					return nil, nil
				}
				if p.depth >= maxDepth {
					return nil, exception.TypeErrorf("RPC pipelined property path is too deep (max %d).", maxDepth)
				}
				return newProperty(js, p, name, p.depth+1), nil
			}))
		},
	}
	return stubClass
}

var _ = defineStubs()

var errReceiver = exception.TypeErrorf("Illegal invocation: function called with incorrect `this` reference. See https://developers.cloudflare.com/workers/observability/errors/#illegal-invocation-errors for details.")

// publicName is the name that scripts import a class by; its errors and its tag have
// another one, as in workerd.
func publicName(js *isolate.JS, ctor *goja.Object, name string) error {
	return ctor.DefineDataProperty("name", js.Runtime().ToValue(name), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
}

// disposable gives a prototype its Symbol.dispose.
func disposable(js *isolate.JS, proto *goja.Object, dispose func(c *bind.Call) error) error {
	f := bind.NewFunction(js, "[Symbol.dispose]", 0, func(c *bind.Call) (any, error) { return nil, dispose(c) })
	return proto.DefineDataPropertySymbol(natives.SymDispose, f, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
}

// wildcard is an object that a prototype of stubs inherits from: it has every name that
// Object.prototype has not, except "then" where they are not thenable. member gives a name of an object that inherits from it; nil
// where it has none.
func wildcard(js *isolate.JS, thenable bool, member func(receiver *goja.Object, name string) (goja.Value, error)) *goja.Object {
	rt := js.Runtime()
	base := rt.NewObject()
	return rt.ToValue(rt.NewProxy(base, &goja.ProxyTrapConfig{
		Get: func(_ *goja.Object, name string, receiver goja.Value) goja.Value {
			obj, ok := receiver.(*goja.Object)
			if name == "__proto__" && ok {
				if proto := obj.Prototype(); proto != nil {
					return proto
				}
				return goja.Null()
			}
			if v := base.Get(name); v != nil {
				return v
			}
			if !ok {
				return goja.Undefined()
			}
			v, err := member(obj, name)
			if err != nil {
				js.Panic(err)
			}
			if v == nil {
				return goja.Undefined()
			}
			return v
		},
		Has:    func(_ *goja.Object, name string) bool { return name != "then" || thenable },
		HasIdx: func(*goja.Object, int) bool { return false },
		GetIdx: func(*goja.Object, int, goja.Value) goja.Value { return goja.Undefined() },
	})).(*goja.Object)
}

// thenable are the methods of a promise, of classes that stand for one.
func thenable[T any](promised func(t *T, js *isolate.JS) *goja.Object) map[string]bind.Method[T] {
	forwarded := func(name string, first int) bind.Method[T] {
		return func(t *T, c *bind.Call) (any, error) {
			js := c.JS()
			if _, ok := goja.AssertFunction(c.Arg(0)); !ok && first == 1 {
				return nil, c.BadArg(1, "Function")
			}
			p := promised(t, js)
			var v goja.Value
			var err error
			if name == "then" {
				v, err = js.Call(promiseMethods.Get(js).then, p, c.Arg(0), c.Arg(1))
			} else if name == "catch" {
				v, err = js.Call(promiseMethods.Get(js).then, p, goja.Undefined(), c.Arg(0))
			} else {
				v, err = js.Call(promiseMethods.Get(js).finally, p, c.Arg(0))
			}
			return v, err
		}
	}
	return map[string]bind.Method[T]{
		"then": forwarded("then", 1), "catch": forwarded("catch", 1), "finally": forwarded("finally", 1),
	}
}

type methods struct{ then, finally goja.Value }

// promiseMethods are those of the engine's promises, whatever scripts put in their place.
var promiseMethods = isolate.NewSlot(func(js *isolate.JS) *methods {
	l := js.Library()
	return &methods{then: l.Pristine("Promise.prototype.then"), finally: l.Pristine("Promise.prototype.finally")}
})
