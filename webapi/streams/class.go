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
		Name:    readableClass.Name,
		Lengths: map[string]int{"from": 1, "pipeThrough": 1, "pipeTo": 1},
		New:     newReadable,
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
		Inspected:     inspectedReadable,
		Statics:       map[string]bind.Static{"from": jsFrom},
		AsyncIterator: "values",
	}
	return readableClass
}

func newReadable(c *bind.Call) (*Readable, error) {
	js := c.JS()
	if FlagsOf(js).NoConstructors {
		return nil, noConstructor("ReadableStream")
	}
	s := &Readable{obj: c.This().(*goja.Object)}
	if FlagsOf(js).Standard {
		return s, standardReadable(c, s)
	}
	u, err := underlyingOf(c, c.Arg(0), "UnderlyingSource", "pull", "cancel")
	if err != nil {
		return nil, err
	}
	s.expected = u.expected
	if u.kind == "bytes" {
		st, err := strategyOf(c, 2, 0)
		if err != nil {
			return nil, err
		}
		return s, startBytes(js, s, u, st)
	}
	if u.kind != "" {
		return nil, exception.TypeErrorf("\"%s\" is not a valid type of ReadableStream.", u.kind)
	}
	st, err := strategyOf(c, 2, 1)
	if err != nil {
		return nil, err
	}
	return s, startDefault(js, s, u, st)
}

func startDefault(js *isolate.JS, s *Readable, u *underlying, st strategy) error {
	ctrl := newDefault(js, s, st, algorithms{})
	ctrl.alg = u.algorithms(js, func(js *isolate.JS) goja.Value { return ctrl.object(js) })
	p, err := u.start(js, func() goja.Value { return ctrl.object(js) })
	if err == nil {
		ctrl.start(js, p)
	}
	return err
}

// noConstructor is workerd's error without streams_enable_constructors.
func noConstructor(class string) error {
	return exception.Errorf("To use the new %s() constructor, enable the streams_enable_constructors compatibility flag. Refer to the docs for more information: https://developers.cloudflare.com/workers/platform/compatibility-dates/#compatibility-flags", class)
}

// underlying is an underlying source or sink or a transformer of a script: its
// functions as they were at the beginning.
type underlying struct {
	obj  goja.Value
	kind string
	fns  map[string]goja.Value
	auto goja.Value // autoAllocateChunkSize
	// standard says that start is the standard's; hasKind that a type was given.
	standard, hasKind bool
	// expected is workerd's expectedLength, nil where there is none.
	expected *int64
}

// underlyingOf reads start and the named functions of the argument.
func underlyingOf(c *bind.Call, v goja.Value, want string, names ...string) (*underlying, error) {
	u := &underlying{obj: v, fns: map[string]goja.Value{}}
	if goja.IsUndefined(v) || goja.IsNull(v) {
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
			return nil, badField(name, want, "function")
		}
		u.fns[name] = fn
	}
	var expected goja.Value
	if err := c.JS().Try(func() {
		if t := obj.Get("type"); t != nil && !goja.IsUndefined(t) {
			u.kind = t.String()
		}
		u.auto = obj.Get("autoAllocateChunkSize")
		expected = obj.Get("expectedLength")
	}); err != nil || expected == nil || goja.IsUndefined(expected) {
		return u, err
	}
	f, err := integerOf(c.JS(), expected)
	n := int64(f)
	u.expected = &n
	return u, err
}

// start calls the script's start. As in workerd, one that throws gives a stream that
// has failed, and where there is none (nil) the stream has started at once; in the
// standard what it throws is the constructor's error, and all starts take a microtask.
func (u *underlying) start(js *isolate.JS, ctrl func() goja.Value) (*goja.Object, error) {
	fn, ok := u.fns["start"]
	switch {
	case !ok && u.standard:
		return resolved(js), nil
	case !ok:
		return nil, nil
	case !u.standard:
		return callPromise(js, fn, u.obj, ctrl()), nil
	}
	v, err := js.Call(fn, u.obj, ctrl())
	if err != nil {
		return nil, err
	}
	return promiseOf(js, v), nil
}

// badField is the error about a member of a dictionary.
func badField(field, dictionary, want string) error {
	return exception.TypeErrorf("Incorrect type for the '%s' field on '%s': the provided value is not of type '%s'.", field, dictionary, want)
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
	mode, given := "", false
	if FlagsOf(js).Standard {
		if obj, ok := c.Arg(0).(*goja.Object); !ok && !goja.IsUndefined(c.Arg(0)) && !goja.IsNull(c.Arg(0)) {
			return nil, c.BadArg(1, "ReadableStreamGetReaderOptions")
		} else if ok {
			if err := js.Try(func() {
				v := obj.Get("mode")
				if given = v != nil && !goja.IsUndefined(v); given {
					mode = v.ToString().String()
				}
			}); err != nil {
				return nil, err
			}
		}
	} else if err := c.Options(1, "GetReaderOptions", "mode", &mode); err != nil {
		return nil, err
	}
	switch {
	case mode == "" && !given:
		r, err := s.acquire()
		if err != nil {
			return nil, err
		}
		return defaultReaderClass.Wrap(js, &defaultReader{r}), nil
	case mode == "byob":
		r, err := s.acquireBYOB()
		if err != nil {
			return nil, err
		}
		return byobReaderClass.Wrap(js, &byobReader{r}), nil
	}
	return nil, exception.TypeErrorf("mode must be undefined or 'byob' in call to getReader().")
}
