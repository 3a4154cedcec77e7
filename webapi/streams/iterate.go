package streams

import (
	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/script"
	"workerd.local/webapi/bind"
)

// iterator is the async iterator of a stream. Its calls run one after the other.
type iterator struct {
	rd            *reader
	preventCancel bool
	done          bool
	last          *goja.Object // the promise of the call before
}

func (s *Readable) jsValues(c *bind.Call) (any, error) {
	it := &iterator{}
	if opt, ok := c.Arg(0).(*goja.Object); ok {
		err := c.JS().Try(func() {
			if v := opt.Get("preventCancel"); v != nil {
				it.preventCancel = v.ToBoolean()
			}
		})
		if err != nil {
			return nil, err
		}
	}
	rd, err := s.acquire()
	if err != nil {
		return nil, err
	}
	it.rd = rd
	return iteratorClass.Wrap(c.JS(), it), nil
}

// after runs step once the call before has settled.
func (it *iterator) after(js *isolate.JS, step func(js *isolate.JS) *goja.Object) *goja.Object {
	if it.last == nil {
		it.last = step(js)
		return it.last
	}
	d := newDeferred(js)
	run := func(js *isolate.JS, _ goja.Value) { d.resolve(js, step(js)) }
	then(js, it.last, run, run)
	it.last = d.promise
	return d.promise
}

func (it *iterator) next(js *isolate.JS) *goja.Object {
	if it.done {
		return js.Resolved(result(js, goja.Undefined(), true))
	}
	d := newDeferred(js)
	it.rd.stream.read(js, readRequest{
		chunk: func(js *isolate.JS, c chunk) { d.answer(js, c.js(js), false) },
		close: func(js *isolate.JS) {
			it.finish(js)
			d.answer(js, goja.Undefined(), true)
		},
		fail: func(js *isolate.JS, reason goja.Value) {
			it.finish(js)
			d.reject(js, reason)
		},
	})
	return d.promise
}

func (it *iterator) finish(js *isolate.JS) {
	it.done = true
	it.rd.release(js)
}

func (it *iterator) giveBack(js *isolate.JS, v goja.Value) *goja.Object {
	out := newDeferred(js)
	if it.done {
		out.resolve(js, result(js, v, true))
		return out.promise
	}
	it.done = true
	if it.preventCancel {
		it.rd.release(js)
		out.resolve(js, result(js, v, true))
		return out.promise
	}
	p := it.rd.stream.cancel(js, v)
	it.rd.release(js)
	then(js, p, func(js *isolate.JS, _ goja.Value) { out.resolve(js, result(js, v, true)) }, out.reject)
	return out.promise
}

// asyncIteratorPrototype is what the standard's iterator inherits from, with
// typescript_implemented_streams.
func asyncIteratorPrototype(js *isolate.JS) *goja.Object {
	if !FlagsOf(js).Standard {
		return nil
	}
	return script.AsyncIteratorPrototype(js.Runtime())
}

var iteratorClass = &bind.Class[iterator]{
	Name: "ReadableStream AsyncIterator",
	Async: map[string]bind.Method[iterator]{
		"next": func(it *iterator, c *bind.Call) (any, error) {
			return it.after(c.JS(), it.next), nil
		},
		"return": func(it *iterator, c *bind.Call) (any, error) {
			v := c.Arg(0)
			return it.after(c.JS(), func(js *isolate.JS) *goja.Object { return it.giveBack(js, v) }), nil
		},
	},
	Init: func(js *isolate.JS, _, proto *goja.Object) error {
		if parent := asyncIteratorPrototype(js); parent != nil {
			if err := proto.SetPrototype(parent); err != nil {
				return err
			}
		}
		if err := proto.Delete("constructor"); err != nil {
			return err
		}
		sym, ok := js.Runtime().GlobalObject().Get("Symbol").(*goja.Object).Get("asyncIterator").(*goja.Symbol)
		if !ok {
			return nil
		}
		self := bind.NewFunction(js, "[Symbol.asyncIterator]", 0, func(c *bind.Call) (any, error) { return c.This(), nil })
		return proto.DefineDataPropertySymbol(sym, self, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	},
}
