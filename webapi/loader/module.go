package loader

import (
	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/durable"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/rpc"
)

// Binding is a worker loader.
type Binding struct{ Loader Loader }

// Class is the class of bindings; scripts do not see its name.
var Class = &bind.Class[Binding]{
	Name: "WorkerLoader",
	Methods: map[string]bind.Method[Binding]{
		"get":  (*Binding).get,
		"load": (*Binding).load,
	},
}

// stub is a WorkerStub: a worker, all of whose entrypoints can be had.
type stub struct {
	worker Worker
	ioc    *iocontext.Context
}

var stubClass = &bind.Class[stub]{
	Name: "WorkerStub",
	Methods: map[string]bind.Method[stub]{
		"getEntrypoint":         (*stub).entrypoint,
		"getDurableObjectClass": (*stub).class,
	},
}

// get is get(name, getCode): the worker of that name, or a new one. A name that is null
// stands for none.
func (b *Binding) get(c *bind.Call) (any, error) {
	js := c.JS()
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	var name *string
	if c.Len() == 0 {
		return nil, c.BadArg(1, "string")
	}
	if v := c.Arg(0); !goja.IsNull(v) && !goja.IsUndefined(v) {
		s, err := c.String(1, v)
		if err != nil {
			return nil, err
		}
		name = &s
	}
	getCode := c.Arg(1)
	if _, ok := goja.AssertFunction(getCode); !ok {
		return nil, c.BadArg(2, "function")
	}
	back := ioc.Capture(js)
	l := ioc.Loop()
	code := func(done func(*Code, error)) {
		ask := func() {
			pending := ioc.AddPending()
			answered := false
			var cancel func()
			answer := func(code *Code, err error) {
				if answered {
					return
				}
				answered = true
				cancel()
				pending()
				done(code, err)
			}
			// What the function returned may never settle.
			cancel = ioc.OnEnd(func() { answer(nil, errNotRunning) })
			ioc.RunIn(back, func(js *isolate.JS) { call(js, getCode, answer) }, func(error) { answer(nil, errNotRunning) })
		}
		if err := l.Post(ask); err != nil {
			done(nil, errNotRunning)
		}
	}
	return stubClass.Wrap(js, &stub{b.Loader.Load(name, code), ioc}), nil
}

// errNotRunning is for a worker whose code nobody can be asked for any more.
var errNotRunning = exception.Errorf("The execution context which hosts this callback is no longer running.")

// call asks a function of the script for code.
func call(js *isolate.JS, getCode goja.Value, done func(*Code, error)) {
	v, err := js.Call(getCode, nil)
	if err != nil {
		done(nil, js.Exception(err))
		return
	}
	js.OnSettled(v, func(js *isolate.JS, v goja.Value, err error) {
		if err != nil {
			done(nil, js.Exception(err))
			return
		}
		code, err := readCode(js, v)
		if err != nil {
			done(nil, js.Exception(err))
			return
		}
		done(code, nil)
	})
}

// load is load(code): a new worker without a name.
func (b *Binding) load(c *bind.Call) (any, error) {
	js := c.JS()
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	code, err := readCode(js, c.Arg(0))
	if err != nil {
		return nil, err
	}
	return stubClass.Wrap(js, &stub{b.Loader.Load(nil, func(done func(*Code, error)) { done(code, nil) }), ioc}), nil
}

// entrypoint is getEntrypoint(name, { props, limits }).
func (s *stub) entrypoint(c *bind.Call) (any, error) {
	w, name, props, err := s.export(c)
	if err != nil {
		return nil, err
	}
	return fetch.Fetcher.Wrap(c.JS(), &fetch.FetcherObject{Service: w.Entrypoint(name, props)}), nil
}

// class is getDurableObjectClass(name, { props, limits }).
func (s *stub) class(c *bind.Call) (any, error) {
	w, name, props, err := s.export(c)
	if err != nil {
		return nil, err
	}
	return durable.ClassClass.Wrap(c.JS(), &durable.Class{Class: w.Class(name, props)}), nil
}

// export reads the arguments that name an export of the worker.
func (s *stub) export(c *bind.Call) (w Worker, name string, props *event.Props, err error) {
	js := c.JS()
	if w, err = iocontext.OwnedBy(s.ioc, "WorkerStubChannel", s.worker).Get(js); err != nil {
		return nil, "", nil, err
	}
	if v := c.Arg(0); !goja.IsNull(v) && !goja.IsUndefined(v) {
		if name, err = c.String(1, v); err != nil {
			return nil, "", nil, err
		}
	}
	if name == "default" {
		name = ""
	}
	if v := c.Arg(1); !goja.IsUndefined(v) && !goja.IsNull(v) {
		obj, ok := v.(*goja.Object)
		if !ok {
			return nil, "", nil, c.BadArg(2, "EntrypointOptions")
		}
		var p, limits goja.Value
		if err := c.Dictionary(obj, "EntrypointOptions", "limits", &limits, "props", &p); err != nil {
			return nil, "", nil, err
		}
		if p != nil && !goja.IsUndefined(p) {
			if _, ok := p.(*goja.Object); !ok {
				return nil, "", nil, exception.TypeErrorf("Incorrect type for the 'props' field on 'EntrypointOptions': the provided value is not of type 'Object'.")
			}
			written, err := rpc.WriteProps(js, p)
			if err != nil {
				return nil, "", nil, err
			}
			props = &event.Props{Value: written}
		}
		if _, err := readLimits(js, limits, "EntrypointOptions"); err != nil {
			return nil, "", nil, err
		}
	}
	return w, name, props, nil
}
