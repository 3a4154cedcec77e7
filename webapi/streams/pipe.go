package streams

import (
	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/events"
)

// pipeOptions are StreamPipeOptions.
type pipeOptions struct {
	preventClose, preventAbort, preventCancel bool
	signal                                    *events.Signal
}

func pipeOptionsOf(c *bind.Call) (o pipeOptions, err error) {
	err = c.Options(2, "PipeToOptions", "preventClose", &o.preventClose, "preventAbort", &o.preventAbort,
		"preventCancel", &o.preventCancel, "signal", events.SignalOption(&o.signal))
	return o, err
}

func (s *Readable) jsPipeTo(c *bind.Call) (any, error) {
	to, ok := WritableOf(c.JS(), c.Arg(0))
	if !ok {
		return nil, c.BadArg(1, "WritableStream")
	}
	o, err := pipeOptionsOf(c)
	if err != nil {
		return nil, err
	}
	return s.pipeTo(c.JS(), to, o)
}

func (s *Readable) jsPipeThrough(c *bind.Call) (any, error) {
	js := c.JS()
	obj, ok := c.Arg(0).(*goja.Object)
	if !ok {
		return nil, c.BadArg(1, "Transform")
	}
	var in, out goja.Value
	if err := js.Try(func() { out, in = obj.Get("readable"), obj.Get("writable") }); err != nil {
		return nil, err
	}
	to, ok := WritableOf(js, in)
	if !ok {
		return nil, c.BadArg(1, "Transform")
	}
	if _, ok := Of(js, out); !ok {
		return nil, c.BadArg(1, "Transform")
	}
	o, err := pipeOptionsOf(c)
	if err != nil {
		return nil, err
	}
	p, err := s.pipeTo(js, to, o)
	if err != nil {
		return nil, err
	}
	handled(js, p)
	return out, nil
}

// pipe moves the chunks of a stream into another one (Streams,
// ReadableStreamPipeTo).
type pipe struct {
	o        pipeOptions
	src      *Readable
	dst      *Writable
	rd       *reader
	wr       *writer
	last     *goja.Object // the newest write
	stopping bool
	reading  bool
	d        *deferred
	forget   func() // of the signal
}

func (s *Readable) pipeTo(js *isolate.JS, to *Writable, o pipeOptions) (*goja.Object, error) {
	if s.reader != nil {
		return nil, exception.TypeErrorf(lockedText)
	}
	if to.writer != nil {
		return nil, exception.TypeErrorf(writeLockedText)
	}
	if p, ok, err := s.splice(js, to, o); ok || err != nil {
		return p, err
	}
	p := &pipe{o: o, src: s, dst: to, d: newDeferred(js), last: resolved(js)}
	// Neither can fail: nobody holds the streams.
	p.rd, _ = s.acquire()
	p.wr, _ = to.acquire(js)
	s.disturbed = true
	if o.signal != nil {
		p.forget = o.signal.OnAbort(js, p.abort)
	}
	if !p.stopping {
		p.watch(js)
		p.step(js)
	}
	return p.d.promise, nil
}

// abort is what the signal does.
func (p *pipe) abort(js *isolate.JS, reason goja.Value) {
	p.stop(js, func(js *isolate.JS) *goja.Object {
		all := newDeferred(js)
		waiting := 1
		join := func(q *goja.Object) {
			waiting++
			then(js, q, func(js *isolate.JS, _ goja.Value) {
				if waiting--; waiting == 0 {
					all.resolve(js, nil)
				}
			}, all.reject)
		}
		if i := p.dst.identity; i != nil && p.o.preventAbort && i.write != nil {
			// As in workerd, what nobody has read is gone, and its reader hears of it.
			i.fail(js, js.Error(ErrDisconnected))
		}
		if !p.o.preventAbort && p.dst.state == writable {
			join(p.dst.abort(js, reason))
		}
		if !p.o.preventCancel && p.src.state == readable {
			join(p.src.cancel(js, reason))
		}
		join(resolved(js))
		waiting--
		return all.promise
	}, reason)
}

// watch stops the pipe when one of its ends is over.
func (p *pipe) watch(js *isolate.JS) {
	if p.src.state == errored {
		p.sourceFailed(js, p.src.err)
		return
	}
	if p.dst.state == erroring || p.dst.state == writeErrored {
		p.sinkFailed(js, p.dst.err)
		return
	}
	if p.src.state == closed {
		p.sourceEnded(js, nil)
		return
	}
	if p.dst.closing() || p.dst.state == writeClosed {
		reason := typeError(js, writeClosedText)
		p.stop(js, func(js *isolate.JS) *goja.Object {
			if p.o.preventCancel {
				return nil
			}
			return p.src.cancel(js, reason)
		}, reason)
		return
	}
	then(js, p.rd.closedPromise(js), p.sourceEnded, p.sourceFailed)
	then(js, p.wr.closed.promise, nil, p.sinkFailed)
}

func (p *pipe) sourceEnded(js *isolate.JS, _ goja.Value) {
	p.stop(js, func(js *isolate.JS) *goja.Object {
		if p.o.preventClose || p.dst.closing() || p.dst.state == writeClosed {
			return nil
		}
		if p.dst.state == writeErrored || p.dst.state == erroring {
			return rejected(js, p.dst.err)
		}
		return p.dst.close(js)
	}, nil)
}

func (p *pipe) sourceFailed(js *isolate.JS, reason goja.Value) {
	p.stop(js, func(js *isolate.JS) *goja.Object {
		if p.o.preventAbort {
			return nil
		}
		return p.dst.abort(js, reason)
	}, reason)
}

func (p *pipe) sinkFailed(js *isolate.JS, reason goja.Value) {
	p.stop(js, func(js *isolate.JS) *goja.Object {
		if p.o.preventCancel {
			return nil
		}
		return p.src.cancel(js, reason)
	}, reason)
}

// step moves chunks while the sink wants them.
func (p *pipe) step(js *isolate.JS) {
	for again := true; again; {
		again = false
		if p.stopping || p.reading {
			return
		}
		want, ok := p.wr.desired()
		if !ok {
			return // watch hears of it
		}
		if want <= 0 {
			then(js, p.wr.ready.promise, func(js *isolate.JS, _ goja.Value) { p.step(js) }, func(*isolate.JS, goja.Value) {})
			return
		}
		p.reading = true
		inside := true
		p.src.read(js, readRequest{
			chunk: func(js *isolate.JS, c chunk) {
				p.reading = false
				p.last = p.wr.write(js, c.js(js))
				handled(js, p.last)
				if inside {
					again = true
					return
				}
				p.step(js)
			},
			// The reader's closed promise says the rest.
			close: func(*isolate.JS) { p.reading = false },
			fail:  func(*isolate.JS, goja.Value) { p.reading = false },
		})
		inside = false
	}
}

// stop ends the pipe: once all that was read has been written, action runs, and
// then the pipe's promise settles, with reason unless that is nil.
func (p *pipe) stop(js *isolate.JS, action func(js *isolate.JS) *goja.Object, reason goja.Value) {
	if p.stopping {
		return
	}
	p.stopping = true
	finish := func(js *isolate.JS, reason goja.Value) {
		if p.forget != nil {
			p.forget()
		}
		p.wr.release(js)
		p.rd.release(js)
		if reason != nil {
			p.d.reject(js, reason)
		} else {
			p.d.resolve(js, nil)
		}
	}
	act := func(js *isolate.JS, _ goja.Value) {
		q := action(js)
		if q == nil {
			finish(js, reason)
			return
		}
		then(js, q, func(js *isolate.JS, _ goja.Value) { finish(js, reason) }, finish)
	}
	if p.dst.state == writable && !p.dst.closing() {
		then(js, p.last, act, act)
		return
	}
	act(js, nil)
}
