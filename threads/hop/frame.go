package hop

import (
	"fmt"
	"sync"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/limits"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/loop"
	"workerd.local/threads"
	"workerd.local/threads/face"
	"workerd.local/webapi/bind"
)

// frame is a call of a service that has not been made yet.
type frame struct {
	service *service
	args    []goja.Value
	server  *server // nil for this program
	url     string  // of a web service; empty otherwise
	headers *goja.Object
	options *goja.Object
}

// server is another server (hop.Server).
type server struct{ base string }

var frameClass = &bind.Class[frame]{Name: "HopFrame"}

var serverClass = &bind.Class[server]{
	Name: "Server",
	New: func(c *bind.Call) (*server, error) {
		rm := realms.Get(c.JS())
		host, port := rm.sys.o.Hostname, rm.sys.Port()
		var authorization goja.Value
		secure := false
		if err := c.Unpack("hostname?", &host, "port?", &port, "authorization?", &authorization, "ssl?", &secure); err != nil {
			return nil, err
		}
		scheme := "http"
		if secure {
			scheme = "https"
		}
		return &server{fmt.Sprintf("%s://%s:%d", scheme, host, port)}, nil
	},
	Getters: map[string]bind.Getter[server]{
		"url": func(s *server, _ *bind.Call) (any, error) { return s.base, nil },
	},
}

func defineFrame() {
	frameClass.Methods = map[string]bind.Method[frame]{
		"toString": (*frame).jsToString,
		"post":     (*frame).jsPost,
		"postSync": func(*frame, *bind.Call) (any, error) {
			return nil, exception.DOM("NotSupportedError", "postSync would stop the thread until the service has answered: use post, which gives a promise.")
		},
		"call":       (*frame).jsCall,
		"setHeaders": func(f *frame, c *bind.Call) (any, error) { return c.This(), c.Unpack("headers", &f.headers) },
		"setOptions": func(f *frame, c *bind.Call) (any, error) { return c.This(), c.Unpack("options", &f.options) },
	}
}

// base is the frame's URL without arguments.
func (f *frame) base(js *isolate.JS) string {
	if f.url != "" {
		return f.url
	}
	path := f.service.where(realms.Get(js).sys.reg)
	if f.server != nil {
		return f.server.base + path
	}
	return path
}

func (f *frame) list(js *isolate.JS) *goja.Object {
	args := make([]any, len(f.args))
	for i, a := range f.args {
		args[i] = a
	}
	return js.Runtime().NewArray(args...)
}

func (f *frame) jsToString(c *bind.Call) (any, error) {
	return answer(c.JS(), "address", c.Value(f.base(c.JS())), f.list(c.JS()))
}

// jsPost is post([success[, fail]]): a promise where no function is given. Where the
// second argument is an object it may have the member fail, or be a server.
func (f *frame) jsPost(c *bind.Call) (any, error) {
	js := c.JS()
	call := *f
	success, fail := c.Arg(0), goja.Undefined()
	for _, a := range c.Args()[min(1, c.Len()):] {
		obj, ok := a.(*goja.Object)
		if !ok {
			continue
		}
		if s, ok := serverClass.Unwrap(js, obj); ok {
			call.server = s
		} else if _, ok := goja.AssertFunction(obj); ok {
			fail = obj
		} else if err := js.Try(func() {
			if v := obj.Get("fail"); v != nil {
				fail = v
			}
			if h, ok := obj.Get("header").(*goja.Object); ok {
				call.headers = h
			}
		}); err != nil {
			return nil, err
		}
	}
	promise, err := call.send(js)
	if err != nil {
		promise = js.Rejected(err)
	}
	if _, ok := goja.AssertFunction(success); !ok {
		if _, ok := goja.AssertFunction(fail); !ok {
			return promise, nil
		}
	}
	// A failure that nobody takes is a rejection that nobody handles.
	_, err = js.Call(js.Library().Pristine("Promise.prototype.then"), promise, success, fail)
	return nil, err
}

// jsCall runs the service here, with a request object of the caller's.
func (f *frame) jsCall(c *bind.Call) (any, error) {
	if f.service == nil || f.service.entry == nil {
		return nil, exception.Errorf("Only the thread that defined a service can call it: use post.")
	}
	return c.JS().Call(f.service.fn, c.Arg(0), f.args...)
}

// send makes the call and returns a promise for the result.
func (f *frame) send(js *isolate.JS) (*goja.Object, error) {
	headers, options := goja.Undefined(), goja.Undefined()
	if f.headers != nil {
		headers = f.headers
	}
	if f.options != nil {
		options = f.options
	}
	if f.server != nil || f.url != "" {
		v, err := answer(js, "post", js.Runtime().ToValue(f.base(js)), f.list(js), headers, options)
		if err != nil {
			return nil, err
		}
		return v.(*goja.Object), nil
	}
	ioc, err := iocontext.Current(js)
	if err != nil {
		return nil, err
	}
	sys := realms.Get(js).sys
	given, err := face.Copied.Encode(js, js.Runtime().NewArray(f.list(js), headers), nil)
	if err != nil {
		return nil, err
	}
	path := f.service.where(sys.reg)
	if limit := limits.HopCalls.In(js.Bounds()); sys.reg.calls.Load() >= int64(limit) {
		return nil, exception.RangeErrorf("%d calls of services wait for their answers already, and there cannot be more.", limit)
	}
	e := sys.reg.take(path)
	if e == nil {
		return nil, gone(path)
	}
	answered := loop.NewFuture[threads.Message](ioc.Loop())
	call := &localCall{sys: sys, entry: e, path: path, args: given, caller: ioc.Loop(), answered: answered}
	sys.reg.calls.Add(1)
	call.begin()
	return iocontext.Await(js, ioc, loop.Later(answered), func(js *isolate.JS, m threads.Message) (goja.Value, error) {
		return m.Value(js)
	}), nil
}

// gone says that a path has no service.
func gone(path string) *exception.Exception {
	return exception.Errorf("There is no service %q.", path)
}

// localCall is a call of a service of the same program, from its caller's loop to its
// owner's and back.
type localCall struct {
	sys      *System
	entry    *entry
	path     string
	args     threads.Message
	caller   *loop.Loop
	answered *loop.Future[threads.Message]
	once     sync.Once
	forget   func() // owner's goroutine
}

func (l *localCall) begin() {
	owner := l.entry.owner
	err := owner.Loop().Post(func() {
		if owner.Ended() {
			l.done(nil, gone(l.path))
			return
		}
		l.forget = owner.OnEnd(func() { l.done(nil, gone(l.path)) })
		owner.RunIn(iocontext.Entry{}, l.run, func(err error) { l.done(nil, err) })
	})
	if err != nil {
		l.done(nil, gone(l.path))
	}
}

// run is the owner's part.
func (l *localCall) run(js *isolate.JS) {
	v, err := l.args.Value(js)
	if err == nil {
		list := v.(*goja.Object)
		v, err = answer(js, "call", l.entry.service.fn, js.Runtime().ToValue(l.sys.base()), js.Runtime().ToValue(l.path), list.Get("0"), list.Get("1"))
	}
	if err != nil {
		l.failed(js, err)
		return
	}
	js.OnSettled(v, func(js *isolate.JS, v goja.Value, err error) {
		if err != nil {
			l.failed(js, err)
			return
		}
		m, err := face.Copied.Encode(js, v, nil)
		if err != nil {
			l.failed(js, err)
			return
		}
		l.done(m, nil)
	})
}

// failed answers with an error that means the same in the caller's realm.
func (l *localCall) failed(js *isolate.JS, err error) { l.done(nil, js.Exception(err)) }

// done brings the answer back, once; any goroutine.
func (l *localCall) done(m threads.Message, err error) {
	l.once.Do(func() {
		l.sys.reg.calls.Add(-1)
		if l.forget != nil {
			l.forget()
		}
		if wasEnded(err) {
			err = gone(l.path)
		}
		// A caller whose loop is closed waits no more.
		_ = l.caller.Post(func() {
			if err != nil {
				l.answered.Reject(err)
			} else {
				l.answered.Resolve(m)
			}
		})
	})
}

// answer calls a function of js/answers.js.
func answer(js *isolate.JS, name string, args ...goja.Value) (goja.Value, error) {
	exports, err := set.Load(js, "internal/hop_answers")
	if err != nil {
		return nil, err
	}
	return js.Call(exports.(*goja.Object).Get(name), goja.Undefined(), args...)
}
