package rpc

import (
	"strings"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/isolate/natives"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/fetch"
)

// Receiver is what a call is delivered to.
type Receiver struct {
	Object *goja.Object
	// Entrypoint says that the object is an export of the script or an actor: the names of
	// handlers are reserved.
	Entrypoint bool
	// Own says that the object's own properties can be reached, else those of its class.
	Own bool
	// Env and Ctx are passed behind the argument to a function that is not of a class; nil
	// where it is of one.
	Env, Ctx goja.Value
}

// Dispatch runs a call in the current context and tells reply the result, or what was
// thrown, on the loop: at once or later, or never where the context ends before. What is
// in the result counts for the session, which may be nil.
func Dispatch(js *isolate.JS, ioc *iocontext.Context, r Receiver, session *Session, call *event.Call, reply func(*event.Result, error)) {
	fail := func(err error) {
		call.Release()
		reply(nil, js.Sent(err))
	}
	if call.Restore != nil {
		dispatchRestore(js, ioc, r, session, call.Restore, reply)
		return
	}
	v, this, err := r.find(js, call.Path)
	if err != nil {
		fail(err)
		return
	}
	g := &group{}
	if !call.Get {
		if _, ok := goja.AssertFunction(v); !ok {
			fail(exception.TypeErrorf("\"%s\" is not a function.", traceName(call.Path)))
			return
		}
		args, err := r.arguments(js, ioc, v, call, g)
		if err == nil {
			v, err = js.Call(v, this, args...)
		}
		if err != nil {
			g.disposeAll()
			if isolate.Uncatchable(err) {
				js.Panic(err)
			}
			fail(err)
			return
		}
	}
	js.OnSettled(v, func(js *isolate.JS, v goja.Value, err error) {
		var res *event.Result
		if err == nil {
			res, err = result(js, ioc, session, v)
		}
		g.disposeAll()
		if err != nil {
			fail(err)
			return
		}
		reply(res, nil)
	})
}

// TraceName is what a call of a member is called.
func TraceName(path []string) string { return traceName(path) }

func traceName(path []string) string {
	if len(path) == 0 {
		return "(this)"
	}
	return strings.Join(path, ".")
}

// mostParameters is the greatest length of a function that is looked at (workerd).
const mostParameters = 255

// arguments makes the arguments of a call.
func (r *Receiver) arguments(js *isolate.JS, ioc *iocontext.Context, fn goja.Value, call *event.Call, g *group) ([]goja.Value, error) {
	var arity int64 = 3
	if r.Ctx != nil {
		if err := js.Try(func() { arity = fn.(*goja.Object).Get("length").ToInteger() }); err != nil {
			return nil, err
		}
		if arity < 0 || arity > mostParameters {
			return nil, exception.TypeErrorf("RPC function has unreasonable length attribute: %d", arity)
		}
	}
	var list []goja.Value
	if call.Args != nil && call.Args.Plain != nil {
		list = make([]goja.Value, len(call.Args.Plain), len(call.Args.Plain)+2)
		for i, p := range call.Args.Plain {
			list[i] = unplain(js.Runtime(), p)
		}
	} else if call.Args != nil {
		v, err := decode(js, ioc, call.Args, g)
		if err != nil {
			return nil, err
		}
		if list, err = elements(js, v); err != nil {
			return nil, err
		}
	}
	if r.Ctx == nil {
		return list, nil
	}
	name := traceName(call.Path)
	if arity > 3 {
		return nil, exception.TypeErrorf("Cannot call handler function %s over RPC because it has the wrong number of arguments. A simple function handler can only be called over RPC if it has exactly the arguments (arg, env, ctx), where only the first argument comes from the client. To support multi-argument RPC functions, use class-based syntax (extending WorkerEntrypoint) instead.", quoted(name))
	}
	if len(list) != 1 {
		return nil, exception.TypeErrorf("Attempted to call RPC function %s with the wrong number of arguments. When calling a top-level handler function that is not declared as part of a class, you must always send exactly one argument. In order to support variable numbers of arguments, the server must use class-based syntax (extending WorkerEntrypoint) instead.", quoted(name))
	}
	return append(list, r.Env, r.Ctx), nil
}

// elements is the array of arguments, which was just made by us.
func elements(js *isolate.JS, v goja.Value) ([]goja.Value, error) {
	o, ok := v.(*goja.Object)
	if !ok || o.ClassName() != "Array" {
		return nil, exception.Errorf("The arguments of an RPC are no array.")
	}
	n := int(o.Get("length").ToInteger())
	list := make([]goja.Value, n)
	for i := range list {
		if list[i] = o.Get(indexName(i)); list[i] == nil {
			list[i] = goja.Undefined()
		}
	}
	return list, nil
}

// result writes what a call returned.
func result(js *isolate.JS, ioc *iocontext.Context, session *Session, v goja.Value) (*event.Result, error) {
	if p, ok := plain(v); ok {
		return &event.Result{Value: &event.Payload{Plain: []any{p}}}, nil
	}
	obj, isObject := v.(*goja.Object)
	plain := false
	var dispose goja.Value
	if isObject {
		proto, err := protoOf(js, obj)
		if err != nil {
			return nil, err
		}
		if plain = proto == intrinsics.Get(js).objectProto; plain {
			// The caller gets a dispose method of its own.
			if dispose, err = takeDisposer(js, obj); err != nil {
				return nil, err
			}
		}
	}
	e := &encoder{js: js, ioc: ioc, session: session}
	value, err := e.encode(v)
	if err != nil {
		return nil, err
	}
	res := &event.Result{Value: value}
	if !isObject {
		return res, nil
	}
	_, isService := fetch.Fetcher.Unwrap(js, obj)
	if !plain && !isService {
		// A single stub is its own pipeline.
		if len(value.Caps) == 1 && (isFunction(js, obj) || isStubbed(js, obj)) {
			if t, ok := value.Caps[0].(event.Target); ok {
				t.Retain()
				res.Pipeline = t
			}
		}
		e.dispose()
		return res, nil
	}
	x, err := newExport(js, ioc, session, obj, plain)
	if err != nil {
		value.Release()
		return nil, err
	}
	x.dispose, x.drops = dispose, e.moved
	res.Pipeline, res.Disposer = x, dispose != nil
	return res, nil
}

func isStubbed(js *isolate.JS, o *goja.Object) bool {
	if _, ok := stubClass.Unwrap(js, o); ok {
		return true
	}
	ok, err := isTarget(js, o)
	return ok && err == nil
}

// takeDisposer takes the dispose method out of a plain object.
func takeDisposer(js *isolate.JS, o *goja.Object) (f goja.Value, err error) {
	f, err = disposerOf(js, o)
	if err != nil || f == nil {
		return nil, err
	}
	if err := o.DeleteSymbol(natives.SymDispose); err != nil {
		return nil, err
	}
	return f, nil
}

// addDispose gives a result the method that gives back what is in it.
func addDispose(js *isolate.JS, obj *goja.Object, g *group) error {
	f := bind.NewFunction(js, "", 0, func(*bind.Call) (any, error) { g.disposeAll(); return nil, nil })
	return obj.DefineDataPropertySymbol(natives.SymDispose, f, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
}
