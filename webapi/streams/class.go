package streams

import (
	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// readableClass is filled in by defineReadable: its methods make instances of it.
var readableClass = &bind.Class[Readable]{Name: "ReadableStream"}

func defineReadable() *bind.Class[Readable] {
	*readableClass = bind.Class[Readable]{
		Name: readableClass.Name,
		New:  newReadable,
		Getters: map[string]bind.Getter[Readable]{
			"locked": func(s *Readable, _ *bind.Call) (any, error) { return s.reader != nil, nil },
		},
		Methods: map[string]bind.Method[Readable]{
			"getReader": (*Readable).jsGetReader,
			"tee": func(s *Readable, c *bind.Call) (any, error) {
				a, b, err := s.Tee(c.JS())
				if err != nil {
					return nil, err
				}
				return []any{a.Object(c.JS()), b.Object(c.JS())}, nil
			},
			"values":      (*Readable).jsValues,
			"pipeThrough": (*Readable).jsPipeThrough,
		},
		Async: map[string]bind.Method[Readable]{
			"cancel": func(s *Readable, c *bind.Call) (any, error) {
				if s.reader != nil {
					return nil, exception.TypeErrorf(lockedText)
				}
				return s.cancel(c.JS(), c.Arg(0)), nil
			},
			"pipeTo": (*Readable).jsPipeTo,
		},
		Statics:       map[string]bind.Static{"from": jsFrom},
		AsyncIterator: "values",
	}
	return readableClass
}

func newReadable(c *bind.Call) (*Readable, error) {
	js := c.JS()
	s := &Readable{obj: c.This().(*goja.Object)}
	u, err := underlyingOf(c, c.Arg(0), "UnderlyingSource", "pull", "cancel")
	if err != nil {
		return nil, err
	}
	if u.kind == "bytes" {
		return s, startBytes(c, s, u)
	}
	if u.kind != "" {
		return nil, exception.TypeErrorf("\"%s\" is not a valid type of ReadableStream.", u.kind)
	}
	st, err := strategyOf(c, c.Arg(1), 1)
	if err != nil {
		return nil, err
	}
	ctrl := newDefault(js, s, st, algorithms{})
	ctrl.alg = u.algorithms(js, func(js *isolate.JS) goja.Value { return ctrl.object(js) })
	v, err := u.start(js, func() goja.Value { return ctrl.object(js) })
	if err != nil {
		return nil, err
	}
	ctrl.start(js, promiseOf(js, v))
	return s, nil
}

// underlying is an underlying source or sink or a transformer of a script: its
// functions as they were at the beginning.
type underlying struct {
	obj  goja.Value
	kind string
	fns  map[string]goja.Value
	auto goja.Value // autoAllocateChunkSize
}

// underlyingOf reads start and the named functions of the argument.
func underlyingOf(c *bind.Call, v goja.Value, want string, names ...string) (*underlying, error) {
	u := &underlying{obj: v, fns: map[string]goja.Value{}}
	if goja.IsUndefined(v) {
		return u, nil
	}
	obj, ok := v.(*goja.Object)
	if !ok {
		return nil, c.BadArg(1, want)
	}
	for _, name := range append([]string{"start"}, names...) {
		var fn goja.Value
		if err := c.JS().Try(func() { fn = obj.Get(name) }); err != nil {
			return nil, err
		}
		if fn == nil || goja.IsUndefined(fn) {
			continue
		}
		if _, ok := goja.AssertFunction(fn); !ok {
			return nil, c.TypeError("%s is not a function.", name)
		}
		u.fns[name] = fn
	}
	return u, c.JS().Try(func() {
		if t := obj.Get("type"); t != nil && !goja.IsUndefined(t) {
			u.kind = t.String()
		}
		u.auto = obj.Get("autoAllocateChunkSize")
	})
}

func (u *underlying) start(js *isolate.JS, ctrl func() goja.Value) (goja.Value, error) {
	fn, ok := u.fns["start"]
	if !ok {
		return goja.Undefined(), nil
	}
	return js.Call(fn, u.obj, ctrl())
}

// algorithms are the source's pull and cancel.
func (u *underlying) algorithms(js *isolate.JS, ctrl func(js *isolate.JS) goja.Value) (alg algorithms) {
	if fn, ok := u.fns["pull"]; ok {
		alg.pull = func(js *isolate.JS) *goja.Object { return callPromise(js, fn, u.obj, ctrl(js)) }
	}
	if fn, ok := u.fns["cancel"]; ok {
		alg.cancel = func(js *isolate.JS, reason goja.Value) *goja.Object {
			return callPromise(js, fn, u.obj, reason)
		}
	}
	return alg
}

func (s *Readable) jsGetReader(c *bind.Call) (any, error) {
	js := c.JS()
	mode := ""
	if opt, ok := c.Arg(0).(*goja.Object); ok {
		err := js.Try(func() {
			if m := opt.Get("mode"); m != nil && !goja.IsUndefined(m) {
				mode = m.String()
			}
		})
		if err != nil {
			return nil, err
		}
	}
	switch mode {
	case "":
		r, err := s.acquire()
		if err != nil {
			return nil, err
		}
		return defaultReaderClass.Wrap(js, &defaultReader{r}), nil
	case "byob":
		r, err := s.acquireBYOB()
		if err != nil {
			return nil, err
		}
		return byobReaderClass.Wrap(js, &byobReader{r}), nil
	}
	return nil, exception.TypeErrorf("mode must be undefined or 'byob' in call to getReader().")
}
