package rpc

import (
	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/fetch"
)

// SymRestore is restore of cloudflare:workers: the name of the method that makes stubs
// again.
var SymRestore = goja.NewSymbol("cloudflare:workers:restore")

// entry is what ctx.restore() of a context works with.
type entry struct {
	handler *goja.Object // nil until it is there
	self    func() (*event.Token, error)
}

type entryKey struct{}

// SetEntrypoint says whose [restore]() method ctx.restore() of a context calls, and which
// token leads there: a nil one where the context does not know. handler is nil before its
// constructor has returned.
func SetEntrypoint(ioc *iocontext.Context, handler *goja.Object, self func() (*event.Token, error)) {
	*entryOf(ioc) = entry{handler, self}
}

func entryOf(ioc *iocontext.Context) *entry {
	return iocontext.Local(ioc, entryKey{}, func() *entry { return &entry{} })
}

var errNoSelf = exception.Errorf("ctx.restore() cannot be used in this context because the system does not know how to " +
	"restore this context itself, in order to be able to invoke its [restore]() method. " +
	"This may happen if the current worker is a Dynamic Worker or a Durable Object Facet (or " +
	"both), and the immediate caller did not specify how to restore it. To fix this, ensure " +
	"that the caller of this Worker uses a stub that was created via its own " +
	"context.restore().")

// Restore is ctx.restore(params): what the entrypoint's [restore]() makes of them, as a stub
// that can be made again and so be stored.
func Restore(c *bind.Call) (any, error) {
	js := c.JS()
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	params, ok := c.Arg(0).(*goja.Object)
	if !ok {
		return nil, c.BadArg(1, "Object")
	}
	arg, err := WriteProps(js, params)
	if err != nil {
		return nil, err
	}
	e := entryOf(ioc)
	if e.handler == nil {
		return nil, exception.Errorf("ctx.restore() cannot be used before the constructor has returned.")
	}
	promise, resolve, reject := js.NewPromise()
	err = restored(js, e.handler, params, func(js *isolate.JS, v *goja.Object, err error) {
		var made *goja.Object
		if err == nil {
			made, err = e.wrap(js, ioc, arg, v)
		}
		if err != nil {
			reject(err)
			return
		}
		resolve(made)
	})
	return promise, err
}

// wrap gives what a [restore]() method returned the token that leads to it.
func (e *entry) wrap(js *isolate.JS, ioc *iocontext.Context, arg *event.Payload, v *goja.Object) (*goja.Object, error) {
	self, err := e.self()
	if self == nil && err == nil {
		err = errNoSelf
	}
	if err != nil {
		return nil, err
	}
	t := &event.Token{Kind: event.Restored, Lasting: js.Compat().Has(storageFlag), Vendor: self, Arg: arg}
	svc, target, err := stubbed(js, ioc, nil, v)
	if err != nil {
		return nil, err
	}
	if svc != nil {
		return fetch.Fetcher.Wrap(js, &fetch.FetcherObject{Service: &restoredService{token: t, inner: svc}}), nil
	}
	t.RPC = true
	s, err := newStub(ioc, target, nil)
	if err != nil {
		return nil, err
	}
	s.channel = t
	return s.object(js), nil
}

// restored calls the [restore]() method of an entrypoint and tells fn the object that it
// returns.
func restored(js *isolate.JS, handler *goja.Object, params goja.Value, fn func(js *isolate.JS, v *goja.Object, err error)) error {
	var method goja.Value
	if err := js.Try(func() { method = handler.GetSymbol(SymRestore) }); err != nil {
		return err
	}
	if _, ok := goja.AssertFunction(method); !ok {
		return exception.TypeErrorf("The WorkerEntrypoint or DurableObject class does not implement a [restore]() method.")
	}
	v, err := js.Call(method, handler, params)
	if err != nil {
		return err
	}
	js.OnSettled(v, func(js *isolate.JS, v goja.Value, err error) {
		o, ok := v.(*goja.Object)
		if err == nil && !ok {
			err = errNoStub
		}
		fn(js, o, err)
	})
	return nil
}

var errNoStub = exception.TypeErrorf("The [restore]() method must return a ServiceStub or RpcStub.")

// stubbed is what a [restore]() method returned: a service, or a target with one holder.
func stubbed(js *isolate.JS, ioc *iocontext.Context, session *Session, v *goja.Object) (event.Service, event.Target, error) {
	if f, ok := fetch.Fetcher.Unwrap(js, v); ok {
		return f.Service, nil, nil
	}
	if s, ok := stubClass.Unwrap(js, v); ok {
		t, err := s.get(js)
		if err != nil {
			return nil, nil, err
		}
		f := newForward(ioc, session, t)
		s.dispose()
		return nil, f, nil
	}
	target, err := isTarget(js, v)
	if err != nil {
		return nil, nil, err
	}
	if !target && !isFunction(js, v) {
		return nil, nil, errNoStub
	}
	x, err := newStubExport(js, ioc, session, v, !target)
	if err != nil {
		return nil, nil, err
	}
	return nil, x, nil
}

// dispatchRestore is Dispatch for a call that asks for a stub again.
func dispatchRestore(js *isolate.JS, ioc *iocontext.Context, r Receiver, session *Session, want *event.Restore, reply func(*event.Result, error)) {
	fail := func(err error) {
		if isolate.Uncatchable(err) {
			js.Panic(err)
		}
		reply(nil, js.Sent(err))
	}
	params, err := ReadProps(js, want.Arg)
	if err != nil {
		fail(err)
		return
	}
	err = restored(js, r.Object, params, func(js *isolate.JS, v *goja.Object, err error) {
		var svc event.Service
		var target event.Target
		if err == nil {
			svc, target, err = stubbed(js, ioc, session, v)
		}
		if err == nil && want.RPC != (target != nil) {
			if target != nil {
				target.Release()
			}
			err = errMismatch(want.RPC)
		}
		if err != nil {
			fail(err)
			return
		}
		var made event.Capability = target
		if svc != nil {
			made = event.ServiceRef{Service: svc}
		}
		reply(&event.Result{Value: &event.Payload{Caps: []event.Capability{made}}}, nil)
	})
	if err != nil {
		fail(err)
	}
}
