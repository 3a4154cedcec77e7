package rpc

import (
	"context"
	"errors"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/internal/limits"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/trace"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/fetch"
)

// maxDepth is how many properties may follow each other (workerd).
const maxDepth = 64

// sender is the way of one call to its receiver.
type sender func(ctx context.Context, call *event.Call, done func(*event.Result, error))

// provider is what calls start from: a stub, a service, a promise, a property.
type provider interface {
	// caller is the way to the root that the provider hangs on, and the names from there.
	caller(js *isolate.JS, ioc *iocontext.Context) (sender, []string, error)
}

// service is a service binding as a provider: each call is a session of its own.
type service struct{ f *fetch.FetcherObject }

func (s service) caller(js *isolate.JS, ioc *iocontext.Context) (sender, []string, error) {
	svc := s.f.Service
	event.Opened(svc)
	span := s.span(js)
	if span == nil {
		return func(ctx context.Context, call *event.Call, done func(*event.Result, error)) {
			event.StartCall(ctx, svc, call, done)
		}, nil, nil
	}
	return func(ctx context.Context, call *event.Call, done func(*event.Result, error)) {
		event.StartCall(trace.WithParent(ctx, span), svc, call, func(r *event.Result, err error) {
			// A closed loop has nobody left to tell.
			_ = ioc.Loop().Post(span.End)
			done(r, err)
		})
	}, nil, nil
}

// span tells tail workers of a call; nil where nobody is told.
func (s service) span(js *isolate.JS) *trace.Span {
	at := iocontext.Span(js)
	if at == nil {
		return nil
	}
	id := s.f.Options.Actor
	if id == nil {
		return at.Open("jsRpcSession")
	}
	span := at.Open("durable_object_subrequest")
	span.Set("objectId", id.String())
	return span
}

// property is an RpcProperty: a member of something, which can be called, awaited, or
// looked into.
type property struct {
	parent provider
	name   string
	depth  int
}

func newProperty(js *isolate.JS, parent provider, name string, depth int) *goja.Object {
	p := &property{parent: parent, name: name, depth: depth}
	return propertyClass.Callable(js, p, func(c *bind.Call) (any, error) {
		return start(c.JS(), p.parent, &p.name, c.Args())
	})
}

func (p *property) caller(js *isolate.JS, ioc *iocontext.Context) (sender, []string, error) {
	s, path, err := p.parent.caller(js, ioc)
	return s, append(path, p.name), err
}

// promised reads the property.
func (p *property) promised(js *isolate.JS) *goja.Object {
	return begin(js, p.parent, &p.name, nil, true).inner
}

// start is a call as scripts make it: a promise that can be called and looked into.
func start(js *isolate.JS, from provider, name *string, args []goja.Value) (any, error) {
	return begin(js, from, name, args, false).object(js), nil
}

// promise is an RpcPromise: the result of a call under way.
type promise struct {
	ioc      *iocontext.Context
	inner    *goja.Object // the engine's promise
	reject   func(error)
	resolve  func(goja.Value)
	disposed bool

	// Calls of members of the result wait here until there is one, then go to its
	// pipeline, and once the script has the result, to that.
	queue    []queued
	arrived  bool
	pipeline event.Target
	failure  error
	result   goja.Value // nil until the script has it
}

// queued is a call of a result that is not there yet.
type queued struct {
	ctx  context.Context
	call *event.Call
	done func(*event.Result, error)
}

// begin makes a call. What is wrong with it comes as a rejection.
func begin(js *isolate.JS, from provider, name *string, args []goja.Value, get bool) *promise {
	p := &promise{}
	p.inner, p.resolve, p.reject = js.NewPromise()
	if err := p.send(js, from, name, args, get); err != nil {
		if isolate.Uncatchable(err) {
			js.Panic(err)
		}
		p.arrived, p.failure = true, js.Exception(err)
		p.reject(err)
	}
	return p
}

func (p *promise) send(js *isolate.JS, from provider, name *string, args []goja.Value, get bool) error {
	ioc, err := iocontext.Current(js)
	if err != nil {
		return err
	}
	p.ioc = ioc
	send, path, err := from.caller(js, ioc)
	if err != nil {
		return err
	}
	if name != nil {
		path = append(path, *name)
	}
	call := &event.Call{Path: path, Get: get, Near: ioc.Loop()}
	if len(args) > 0 {
		if call.Args, err = encodeArgs(js, ioc, args); err != nil {
			return err
		}
	}
	back, pending := ioc.Capture(js), ioc.AddPending()
	l, host := ioc.Loop(), js.Host()
	done := func(r *event.Result, err error) {
		host.Complete(func() {
			if l.Post(func() { p.answered(back, pending, r, err) }) != nil {
				r.Release() // a closed loop has nobody left to tell
			}
		})
	}
	ctx := ioc.Context()
	ioc.WaitForOutput().Then(func(_ struct{}, err error) {
		if err != nil {
			call.Release()
			p.answered(back, pending, nil, err)
			return
		}
		send(ctx, call, done)
	})
	return nil
}

// answered brings the outcome into the context.
func (p *promise) answered(back iocontext.Entry, pending func(), r *event.Result, err error) {
	if errors.Is(err, event.ErrNoMethods) {
		err = exception.TypeErrorf("The receiver is not an RPC object")
	}
	p.arrived, p.failure = true, err
	if r != nil {
		p.pipeline = r.Pipeline
	}
	queue := p.queue
	p.queue = nil
	for _, q := range queue {
		p.pass(q.ctx, q.call, q.done)
	}
	if r != nil && r.After != nil {
		// What the receiver goes on with may be what this context waits for.
		rest, l := p.ioc.AddPending(), p.ioc.Loop()
		r.After(func() { _ = l.Post(rest) })
	}
	p.ioc.RunIn(back, func(js *isolate.JS) {
		pending()
		p.settle(js, r, err)
	}, func(err error) {
		pending()
		p.pipeline = nil
		r.Release()
		p.ioc.Fail(err)
	})
}

// pass hands a call of a member to the result.
func (p *promise) pass(ctx context.Context, call *event.Call, done func(*event.Result, error)) {
	switch {
	case p.failure != nil:
		call.Release()
		done(nil, p.failure)
	case p.pipeline != nil:
		p.pipeline.Call(ctx, call, done)
	default:
		nothing(call, done)
	}
}

// nothing is the receiver of calls of members of a value that has none.
func nothing(call *event.Call, done func(*event.Result, error)) {
	call.Release()
	err := exception.TypeErrorf("\"(this)\" is not a function.")
	if len(call.Path) > 0 {
		err = notImplemented(call.Path[0])
	} else if call.Get {
		err = exception.TypeErrorf("Can't pipeline on RPC that did not return an object.")
	}
	done(nil, err.AsRemote())
}

// settle turns the outcome into JavaScript.
func (p *promise) settle(js *isolate.JS, r *event.Result, err error) {
	if err != nil {
		p.reject(err)
		return
	}
	v, err := p.value(js, r)
	if err != nil {
		p.pipeline, p.failure = nil, js.Exception(err)
		p.reject(err)
		return
	}
	p.pipeline, p.result = nil, v
	if p.disposed {
		if err := disposeValue(js, v); err != nil && isolate.Uncatchable(err) {
			js.Panic(err)
		}
	}
	p.resolve(v)
}

// value is the result as the script gets it: with a dispose method that gives back all
// that is in it.
func (p *promise) value(js *isolate.JS, r *event.Result) (goja.Value, error) {
	g := &group{}
	v, err := decode(js, p.ioc, r.Value, g)
	if err != nil {
		g.disposeAll()
		r.Release()
		return nil, err
	}
	if r.Pipeline != nil {
		if r.Disposer {
			g.setPipeline(p.ioc, r.Pipeline)
		} else {
			r.Pipeline.Release()
		}
	}
	obj, ok := v.(*goja.Object)
	if !ok {
		return v, nil
	}
	if _, isStub := stubClass.Unwrap(js, obj); isStub {
		g.disownAll()
		return v, nil
	}
	return v, addDispose(js, obj, g)
}

// dispose says that nobody wants the result.
func (p *promise) dispose(js *isolate.JS) error {
	if p.disposed {
		return nil
	}
	p.disposed = true
	if p.result != nil {
		v := p.result
		p.result = nil
		return disposeValue(js, v)
	}
	return nil
}

// promised is the promise for code of the current context. Another context than that of
// the call has to wait for it, as nothing else may bring it there.
func (p *promise) promised(js *isolate.JS) *goja.Object {
	cur, err := iocontext.Current(js)
	if err != nil || cur == p.ioc || p.ioc == nil || p.result != nil || p.failure != nil {
		return p.inner
	}
	there, resolve, reject := js.NewPromise()
	back, pending := cur.Capture(js), cur.AddPending()
	settle := func(fn func()) {
		cur.RunIn(back, func(*isolate.JS) { pending(); fn() }, func(err error) { pending(); cur.Fail(err) })
	}
	js.In(p.ioc.Frame(), func() {
		js.OnSettled(p.inner, func(js *isolate.JS, v goja.Value, err error) {
			settle(func() {
				if err != nil {
					reject(err)
				} else {
					resolve(v)
				}
			})
		})
	})
	return there
}

// object is the promise as scripts see it.
func (p *promise) object(js *isolate.JS) *goja.Object {
	return promiseClass.Callable(js, p, func(c *bind.Call) (any, error) { return start(c.JS(), p, nil, c.Args()) })
}

func (p *promise) caller(js *isolate.JS, ioc *iocontext.Context) (sender, []string, error) {
	if p.disposed {
		return nil, nil, exception.Errorf("RPC promise used after being disposed.")
	}
	if p.ioc != ioc && p.ioc != nil {
		kind := "Pipeline"
		if p.result != nil {
			kind = "JsRpcPromise"
		}
		_, err := iocontext.OwnedBy(p.ioc, kind, p).Get(js)
		return nil, nil, err
	}
	if p.result == nil {
		most := limits.RPCPipelined.In(js.Bounds())
		if len(p.queue) >= most {
			return nil, nil, exception.Errorf("Too many calls wait for the result of one RPC: at most %d may.", most)
		}
		return func(ctx context.Context, call *event.Call, done func(*event.Result, error)) {
			if !p.arrived {
				p.queue = append(p.queue, queued{ctx, call, done})
				return
			}
			p.pass(ctx, call, done)
		}, nil, nil
	}
	obj, ok := p.result.(*goja.Object)
	if !ok {
		return nil, nil, exception.TypeErrorf("Can't pipeline on RPC that did not return an object.")
	}
	if s, ok := stubClass.Unwrap(js, obj); ok {
		return s.caller(js, ioc)
	}
	// The result is called as if it were exported, so that calls copy as ever.
	x, err := newExport(js, ioc, nil, obj, true)
	if err != nil {
		return nil, nil, err
	}
	return func(ctx context.Context, call *event.Call, done func(*event.Result, error)) {
		x.Call(ctx, call, done)
		x.Release()
	}, nil, nil
}
