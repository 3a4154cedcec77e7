package streams

import (
	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/loop"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/events"
)

// pipeOptions are StreamPipeOptions.
type pipeOptions struct {
	preventClose, preventAbort, preventCancel bool
	signal                                    *events.Signal
}

func pipeOptionsOf(c *bind.Call) (o pipeOptions, err error) {
	if FlagsOf(c.JS()).Standard {
		return o, c.Options(2, "StreamPipeOptions", "preventAbort", &o.preventAbort, "preventCancel", &o.preventCancel,
			"preventClose", &o.preventClose, "signal", events.SignalOption(&o.signal))
	}
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
	if err := js.Try(func() { out = obj.Get("readable") }); err != nil {
		return nil, err
	}
	if _, ok := Of(js, out); !ok && FlagsOf(js).Standard {
		return nil, c.BadArg(1, "Transform")
	}
	if err := js.Try(func() { in = obj.Get("writable") }); err != nil {
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
// ReadableStreamPipeTo). As in workerd both are unlocked before the other end hears
// how it ended, and what was read after the signal is left out.
type pipe struct {
	o        pipeOptions
	src      *Readable
	dst      *Writable
	rd       *reader
	wr       *writer
	last     *goja.Object // the newest write
	stopping bool
	reading  bool
	held     bool // a chunk was read and is not written yet; the standard's pipes only
	onWrite  func(js *isolate.JS)
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
	to.pipe = p
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

// unlock lets go of both streams.
func (p *pipe) unlock(js *isolate.JS) {
	if p.forget != nil {
		p.forget()
		p.forget = nil
	}
	p.dst.pipe = nil
	p.wr.release(js)
	p.rd.release(js)
}

// unlockEarly lets go of both streams before their ends are told: in the standard that
// comes last.
func (p *pipe) unlockEarly(js *isolate.JS) {
	if !FlagsOf(js).Standard {
		p.unlock(js)
	}
}

// abort is what the signal does.
func (p *pipe) abort(js *isolate.JS, reason goja.Value) {
	p.stop(js, func(js *isolate.JS) *goja.Object {
		all := newDeferred(js)
		waiting := 1
		done := func(js *isolate.JS, _ goja.Value) {
			if waiting--; waiting == 0 {
				all.resolve(js, nil)
			}
		}
		join := func(q *goja.Object) {
			waiting++
			then(js, q, done, all.reject)
		}
		cancel := func() {
			if !p.o.preventCancel && p.src.state == readable {
				join(p.src.cancel(js, reason))
			}
		}
		if FlagsOf(js).Standard {
			if !p.o.preventAbort && p.dst.state == writable {
				join(p.dst.abort(js, reason))
			}
			cancel()
			then(js, resolved(js), done, nil)
			return all.promise
		}
		cancel()
		p.unlock(js)
		if i := p.dst.identity; i != nil && p.o.preventAbort && i.write != nil {
			// As in workerd, what nobody has read is gone, and its reader hears of it.
			i.fail(js, js.Error(ErrDisconnected))
		}
		if !p.o.preventAbort && p.dst.state == writable {
			join(p.dst.abort(js, reason))
		}
		then(js, resolved(js), done, nil)
		return all.promise
	}, reason)
}

const destinationClosedText = "This destination writable stream is closed."

// watch stops the pipe when one of its ends is over.
func (p *pipe) watch(js *isolate.JS) {
	switch {
	case p.src.state == errored:
		p.sourceFailed(js, p.src.err)
	case p.dst.state == erroring || p.dst.state == writeErrored:
		p.sinkFailed(js, p.dst.err)
	case p.src.state == closed:
		p.sourceEnded(js, nil)
	case p.dst.state == writeClosed || p.dst.closing() && FlagsOf(js).Pedantic:
		p.sinkFailed(js, typeError(js, destinationClosedText))
	default:
		then(js, p.rd.closedPromise(js), p.sourceEnded, p.sourceFailed)
	}
}

func (p *pipe) sourceEnded(js *isolate.JS, _ goja.Value) {
	p.stop(js, func(js *isolate.JS) *goja.Object {
		switch {
		case p.o.preventClose || p.dst.closing() || p.dst.state == writeClosed:
			return nil
		case p.dst.state == writeErrored || p.dst.state == erroring:
			return rejected(js, p.dst.err)
		case p.dst.identity != nil:
			p.dst.pipe = nil
			return p.turnLater(js, p.dst.close(js))
		}
		p.unlockEarly(js)
		return p.dst.close(js)
	}, nil)
}

// turnLater settles as q does, in a turn of its own: who reads the end of an identity
// stream still finds its other side locked, as in workerd.
func (p *pipe) turnLater(js *isolate.JS, q *goja.Object) *goja.Object {
	c, err := iocontext.Current(js)
	if err != nil {
		return q
	}
	d := newDeferred(js)
	f := loop.NewFuture[struct{}](c.Loop())
	if err := c.Loop().Post(func() { f.Settle(struct{}{}, nil) }); err != nil {
		return q // nobody will run code again
	}
	resume(js, c, loop.Later(f), func(js *isolate.JS, _ struct{}, _ error) { d.follow(js, q) })
	return d.promise
}

func (p *pipe) sourceFailed(js *isolate.JS, reason goja.Value) {
	p.stop(js, func(js *isolate.JS) *goja.Object {
		p.unlockEarly(js)
		if p.o.preventAbort {
			return nil
		}
		return p.dst.abort(js, reason)
	}, reason)
}

func (p *pipe) sinkFailed(js *isolate.JS, reason goja.Value) {
	p.stop(js, func(js *isolate.JS) *goja.Object { return p.cancelSource(js, reason) }, reason)
}

func (p *pipe) cancelSource(js *isolate.JS, reason goja.Value) *goja.Object {
	var q *goja.Object
	if !p.o.preventCancel {
		q = p.src.cancel(js, reason)
	}
	p.unlockEarly(js)
	return q
}

// sinkOver is told by the destination that it has ended. One that somebody had closed
// before the pipe began ends the pipe well, as in workerd.
func (p *pipe) sinkOver(js *isolate.JS, reason goja.Value) {
	if p.stopping {
		return
	}
	p.stopping = true
	why := reason
	if why == nil {
		why = typeError(js, destinationClosedText)
	}
	p.settle(js, p.cancelSource(js, why), reason)
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
				if FlagsOf(js).Standard {
					p.writeLater(js, c)
					return
				}
				if p.o.signal != nil {
					// What reading it did to the signal counts first, as in workerd.
					p.reading = true
					then(js, resolved(js), func(js *isolate.JS, _ goja.Value) {
						p.reading = false
						if p.take(js, c) {
							p.afterWrite(js)
						}
					}, nil)
					return
				}
				if !p.take(js, c) {
					return
				}
				if p.dst.identity != nil {
					p.afterWrite(js)
					return
				}
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

// writeLater writes a chunk in a microtask: who enqueues does not write. What was read is
// written, whatever happens until then.
func (p *pipe) writeLater(js *isolate.JS, c chunk) {
	p.reading, p.held = true, true
	then(js, resolved(js), func(js *isolate.JS, _ goja.Value) {
		p.reading, p.held = false, false
		p.last = p.wr.write(js, c.js(js))
		handled(js, p.last)
		if f := p.onWrite; f != nil {
			p.onWrite = nil
			f(js)
			return
		}
		p.step(js)
	}, nil)
}

// afterWrite goes on once the newest write is through: an identity stream always
// wants more.
func (p *pipe) afterWrite(js *isolate.JS) {
	if p.dst.identity == nil {
		p.step(js)
		return
	}
	then(js, p.last, func(js *isolate.JS, _ goja.Value) { p.step(js) }, nil)
}

// take writes a chunk; it reports whether the pipe goes on.
func (p *pipe) take(js *isolate.JS, c chunk) bool {
	if p.stopping {
		return false
	}
	if p.dst.identity != nil && c.value != nil {
		_, text := c.value.(goja.String)
		if _, ok := bind.Bytes(js, c.value); !ok && !text {
			reason := typeError(js, "This WritableStream only supports writing byte types.")
			p.stopping = true
			fail := func(js *isolate.JS, _ goja.Value) {
				q := p.cancelSource(js, reason)
				if !p.o.preventAbort {
					handled(js, p.dst.abort(js, reason))
				}
				p.settle(js, q, reason)
			}
			then(js, p.last, fail, fail)
			return false
		}
	}
	p.last = p.wr.write(js, c.js(js))
	handled(js, p.last)
	return true
}

// stop ends the pipe: once all that was read has been written, action runs, and
// then the pipe's promise settles, with reason unless that is nil.
func (p *pipe) stop(js *isolate.JS, action func(js *isolate.JS) *goja.Object, reason goja.Value) {
	if p.stopping {
		return
	}
	p.stopping = true
	act := func(js *isolate.JS, _ goja.Value) { p.settle(js, action(js), reason) }
	finish := func(js *isolate.JS) {
		switch {
		case p.dst.state != writable || p.dst.closing():
			act(js, nil)
		case p.dst.identity != nil && reason != nil:
			// What was written to an identity stream waits for its reader: a failure does not.
			then(js, resolved(js), act, nil)
		default:
			then(js, p.last, act, act)
		}
	}
	if p.held {
		p.onWrite = finish
		return
	}
	finish(js)
}

// settle settles the pipe's promise once q has, which may be nil.
func (p *pipe) settle(js *isolate.JS, q *goja.Object, reason goja.Value) {
	after(js, q, func(js *isolate.JS, _ goja.Value) {
		p.unlock(js)
		if reason != nil {
			p.d.reject(js, reason)
		} else {
			p.d.resolve(js, nil)
		}
	}, func(js *isolate.JS, why goja.Value) {
		p.unlock(js)
		p.d.reject(js, why)
	})
}
