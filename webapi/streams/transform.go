package streams

import (
	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// Transform is a TransformStream: what is written to one side comes, changed, out
// of the other.
type Transform struct {
	readable     *Readable
	writable     *Writable
	ctrl         *transformController
	backpressure bool
	changed      *deferred // settles when backpressure changes
	finish       *deferred // set once closing, aborting or canceling has begun
}

// transformer is what a transform stream does; a nil function does nothing, a nil
// transform passes chunks on.
type transformer struct {
	transform func(js *isolate.JS, v goja.Value) *goja.Object
	flush     func(js *isolate.JS) *goja.Object
	cancel    func(js *isolate.JS, reason goja.Value) *goja.Object
}

// transformController is a TransformStreamDefaultController.
type transformController struct {
	t   *Transform
	obj *goja.Object
	out *defaultController
	alg transformer
}

func (c *transformController) object(js *isolate.JS) *goja.Object {
	if c.obj == nil {
		c.obj = transformControllerClass.Wrap(js, c)
	}
	return c.obj
}

// newTransform connects the two sides; begin starts both when p is fulfilled.
func newTransform(js *isolate.JS, in, out strategy) (t *Transform, begin func(js *isolate.JS, p *goja.Object)) {
	t = &Transform{readable: &Readable{}, writable: &Writable{}}
	t.ctrl = &transformController{t: t}
	w := newWritable(t.writable, in, sink{write: t.write, close: t.close, abort: t.abort})
	t.ctrl.out = newDefault(js, t.readable, out, algorithms{pull: t.pull, cancel: t.cancel})
	t.setBackpressure(js, true)
	return t, func(js *isolate.JS, p *goja.Object) {
		w.start(js, p)
		t.ctrl.out.start(js, p)
	}
}

func (t *Transform) setBackpressure(js *isolate.JS, on bool) {
	if t.changed != nil {
		t.changed.resolve(js, nil)
	}
	t.changed = newDeferred(js)
	t.backpressure = on
}

func (t *Transform) write(js *isolate.JS, v goja.Value) *goja.Object {
	if !t.backpressure {
		return t.ctrl.perform(js, v)
	}
	d := newDeferred(js)
	then(js, t.changed.promise, func(js *isolate.JS, _ goja.Value) {
		if t.writable.state == erroring {
			d.reject(js, t.writable.err)
			return
		}
		d.resolve(js, t.ctrl.perform(js, v))
	}, d.reject)
	return d.promise
}

// ending runs fn as the one way in which the stream ends.
func (t *Transform) ending(js *isolate.JS, fn func(js *isolate.JS, alg transformer) *goja.Object, ok, bad func(js *isolate.JS, reason goja.Value)) *goja.Object {
	if t.finish != nil {
		return t.finish.promise
	}
	t.finish = newDeferred(js)
	alg := t.ctrl.alg
	p := fn(js, alg)
	t.ctrl.alg = transformer{}
	if p == nil {
		p = resolved(js)
	}
	then(js, p, ok, bad)
	return t.finish.promise
}

func (t *Transform) close(js *isolate.JS) *goja.Object {
	return t.ending(js, func(js *isolate.JS, alg transformer) *goja.Object {
		if alg.flush == nil {
			return nil
		}
		return alg.flush(js)
	}, func(js *isolate.JS, _ goja.Value) {
		if t.readable.state == errored {
			t.finish.reject(js, t.readable.err)
			return
		}
		if t.ctrl.out.canEnqueue() {
			t.ctrl.out.close(js)
		}
		t.finish.resolve(js, nil)
	}, func(js *isolate.JS, reason goja.Value) {
		t.ctrl.out.fail(js, reason)
		t.finish.reject(js, reason)
	})
}

func (t *Transform) abort(js *isolate.JS, reason goja.Value) *goja.Object {
	return t.ending(js, cancelWith(reason), func(js *isolate.JS, _ goja.Value) {
		if t.readable.state == errored {
			t.finish.reject(js, t.readable.err)
			return
		}
		t.ctrl.out.fail(js, reason)
		t.finish.resolve(js, nil)
	}, func(js *isolate.JS, why goja.Value) {
		t.ctrl.out.fail(js, why)
		t.finish.reject(js, why)
	})
}

func (t *Transform) cancel(js *isolate.JS, reason goja.Value) *goja.Object {
	return t.ending(js, cancelWith(reason), func(js *isolate.JS, _ goja.Value) {
		if t.writable.state == writeErrored {
			t.finish.reject(js, t.writable.err)
			return
		}
		t.writable.ctrl.errorIfNeeded(js, reason)
		t.unblock(js)
		t.finish.resolve(js, nil)
	}, func(js *isolate.JS, why goja.Value) {
		t.writable.ctrl.errorIfNeeded(js, why)
		t.unblock(js)
		t.finish.reject(js, why)
	})
}

func cancelWith(reason goja.Value) func(*isolate.JS, transformer) *goja.Object {
	return func(js *isolate.JS, alg transformer) *goja.Object {
		if alg.cancel == nil {
			return nil
		}
		return alg.cancel(js, reason)
	}
}

func (t *Transform) pull(js *isolate.JS) *goja.Object {
	t.setBackpressure(js, false)
	return t.changed.promise
}

func (t *Transform) unblock(js *isolate.JS) {
	if t.backpressure {
		t.setBackpressure(js, false)
	}
}

// failWritable errors the side that is written to.
func (t *Transform) failWritable(js *isolate.JS, reason goja.Value) {
	t.ctrl.alg = transformer{}
	t.writable.ctrl.errorIfNeeded(js, reason)
	t.unblock(js)
}

func (t *Transform) fail(js *isolate.JS, reason goja.Value) {
	t.ctrl.out.fail(js, reason)
	t.failWritable(js, reason)
}

func (c *transformController) perform(js *isolate.JS, v goja.Value) *goja.Object {
	if c.alg.transform == nil {
		if err := c.enqueue(js, v); err != nil {
			return rejected(js, js.Error(err))
		}
		return resolved(js)
	}
	d := newDeferred(js)
	then(js, c.alg.transform(js, v), func(js *isolate.JS, _ goja.Value) { d.resolve(js, nil) }, func(js *isolate.JS, reason goja.Value) {
		c.t.fail(js, reason)
		d.reject(js, reason)
	})
	return d.promise
}

func (c *transformController) enqueue(js *isolate.JS, v goja.Value) error {
	if !c.out.canEnqueue() {
		return exception.TypeErrorf("The readable side of this TransformStream is no longer readable.")
	}
	if err := c.out.enqueue(js, v); err != nil {
		check(js, err)
		c.t.failWritable(js, js.Error(err))
		if c.t.readable.err == nil {
			return err
		}
		return thrown{c.t.readable.err}.error(js)
	}
	if !c.out.canEnqueue() { // the size function has ended the stream
		if c.t.readable.state == errored {
			c.t.failWritable(js, c.t.readable.err)
		}
		return nil
	}
	if full := !c.out.shouldPull(); full != c.t.backpressure && !FlagsOf(js).OldTransform {
		c.t.setBackpressure(js, true)
	}
	return nil
}

func (c *transformController) terminate(js *isolate.JS) {
	if c.out.canEnqueue() {
		c.out.close(js)
	}
	c.t.failWritable(js, typeError(js, "The transform stream has been terminated"))
}

// newScriptTransform is the constructor.
func newScriptTransform(c *bind.Call) (*Transform, error) {
	js := c.JS()
	if FlagsOf(js).IdentityTransform {
		return NewIdentity(js, -1, -1).Transform(), nil
	}
	u, in, out, err := transformArguments(c)
	if err != nil {
		return nil, err
	}
	t, begin := newTransform(js, in, out)
	t.readable.expected = u.expected
	if fn, ok := u.fns["transform"]; ok {
		t.ctrl.alg.transform = func(js *isolate.JS, v goja.Value) *goja.Object {
			return callPromise(js, fn, u.obj, v, t.ctrl.object(js))
		}
	}
	if fn, ok := u.fns["flush"]; ok {
		t.ctrl.alg.flush = func(js *isolate.JS) *goja.Object { return callPromise(js, fn, u.obj, t.ctrl.object(js)) }
	}
	if fn, ok := u.fns["cancel"]; ok {
		t.ctrl.alg.cancel = func(js *isolate.JS, reason goja.Value) *goja.Object {
			return callPromise(js, fn, u.obj, reason)
		}
	}
	p, err := u.start(js, func() goja.Value { return t.ctrl.object(js) })
	if err != nil {
		return nil, err
	}
	if p == nil {
		p = resolved(js)
	}
	begin(js, promiseOf(js, p))
	return t, nil
}

func transformArguments(c *bind.Call) (u *underlying, in, out strategy, err error) {
	js := c.JS()
	if FlagsOf(js).Standard {
		return standardTransform(c)
	}
	if u, err = underlyingOf(c, c.Arg(0), "Transformer", "transform", "flush", "cancel"); err != nil {
		return nil, in, out, err
	}
	for _, name := range []string{"readableType", "writableType"} {
		has, err := hasMember(js, c.Arg(0), name)
		if err != nil {
			return nil, in, out, err
		}
		if has {
			return nil, in, out, exception.TypeErrorf("transformer.%s must be undefined.", name)
		}
	}
	if in, err = strategyOf(c, 2, 1); err == nil {
		out, err = strategyOf(c, 3, 0)
	}
	return u, in, out, err
}

// NewTransform makes a transform stream of Go code, for other packages: transform
// gets each chunk and flush the end; both hand on chunks with emit. An error makes
// both sides fail. readAhead is the high water mark of the side that is read from.
func NewTransform(js *isolate.JS, readAhead float64, transform func(js *isolate.JS, v goja.Value, emit func(goja.Value) error) error, flush func(js *isolate.JS, emit func(goja.Value) error) error) *Transform {
	t, begin := newTransform(js, strategy{hwm: 1}, strategy{hwm: readAhead})
	run := func(js *isolate.JS, fn func(emit func(goja.Value) error) error) *goja.Object {
		if err := fn(func(v goja.Value) error { return t.ctrl.enqueue(js, v) }); err != nil {
			check(js, err)
			return rejected(js, js.Error(err))
		}
		return resolved(js)
	}
	t.ctrl.alg.transform = func(js *isolate.JS, v goja.Value) *goja.Object {
		return run(js, func(emit func(goja.Value) error) error { return transform(js, v, emit) })
	}
	t.ctrl.alg.flush = func(js *isolate.JS) *goja.Object {
		return run(js, func(emit func(goja.Value) error) error { return flush(js, emit) })
	}
	begin(js, resolved(js))
	return t
}

// TransformClass is TransformStream.
var TransformClass = &bind.Class[Transform]{
	Name: "TransformStream",
	New:  newScriptTransform,
	Getters: map[string]bind.Getter[Transform]{
		"readable": func(t *Transform, c *bind.Call) (any, error) { return t.readable.Object(c.JS()), nil },
		"writable": func(t *Transform, c *bind.Call) (any, error) { return t.writable.Object(c.JS()), nil },
	},
}

var transformControllerClass = &bind.Class[transformController]{
	Name: "TransformStreamDefaultController",
	Getters: map[string]bind.Getter[transformController]{
		"desiredSize": func(c *transformController, _ *bind.Call) (any, error) {
			if n, ok := c.out.desired(); ok {
				return n, nil
			}
			return bind.Null, nil
		},
	},
	Methods: map[string]bind.Method[transformController]{
		"enqueue": func(c *transformController, call *bind.Call) (any, error) {
			return nil, c.enqueue(call.JS(), call.Arg(0))
		},
		"error": func(c *transformController, call *bind.Call) (any, error) {
			c.t.fail(call.JS(), call.Arg(0))
			return nil, nil
		},
		"terminate": func(c *transformController, call *bind.Call) (any, error) {
			c.terminate(call.JS())
			return nil, nil
		},
	},
}
