package streams

import (
	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/events"
)

// writeState is where a writable stream is in its life:
// writable -> closed | erroring -> errored.
type writeState uint8

const (
	writable writeState = iota
	writeClosed
	erroring
	writeErrored
)

// Writable is a WritableStream.
type Writable struct {
	obj           *goja.Object
	state         writeState
	err           goja.Value
	writer        *writer
	ctrl          *writeController
	writes        []*deferred // of the queued chunks
	inFlightWrite *deferred
	closeRequest  *deferred
	inFlightClose *deferred
	abortRequest  *abortRequest
	backpressure  bool
	pipe          *pipe        // that holds the lock
	identity      *Identity    // whose side it is
	aborted       *goja.Object // what abort has answered
	ends          ends
}

type abortRequest struct {
	d           *deferred
	reason      goja.Value
	wasErroring bool
}

const (
	writeClosedText   = "This WritableStream has been closed."
	writeLockedText   = "This WritableStream is currently locked to a writer."
	writeReleasedText = "This WritableStream writer has been released."
)

// WritableOf returns the stream behind a WritableStream object.
func WritableOf(js *isolate.JS, v goja.Value) (*Writable, bool) {
	return writableClass.Unwrap(js, v)
}

// Locked reports whether the stream has a writer.
func (w *Writable) Locked() bool { return w.writer != nil }

// Object is the stream as scripts see it, always the same object.
func (w *Writable) Object(js *isolate.JS) *goja.Object {
	if w.obj == nil {
		w.obj = writableClass.Wrap(js, w)
	}
	return w.obj
}

func (w *Writable) closing() bool { return w.closeRequest != nil || w.inFlightClose != nil }

func (w *Writable) acquire(js *isolate.JS) (*writer, error) {
	if w.writer != nil {
		return nil, exception.TypeErrorf(writeLockedText)
	}
	wr := &writer{stream: w, ready: newDeferred(js), closed: newDeferred(js)}
	w.writer = wr
	switch w.state {
	case writable:
		if w.closing() || !w.backpressure {
			wr.ready.resolve(js, nil)
		}
	case erroring:
		wr.rejectReady(js, w.err)
	case writeClosed:
		wr.ready.resolve(js, nil)
		wr.closed.resolve(js, nil)
	case writeErrored:
		wr.rejectReady(js, w.err)
		wr.rejectClosed(js, w.err)
	}
	return wr, nil
}

// abort gives up what is queued (Streams, WritableStreamAbort). As in workerd, a
// second call gives the promise of the first.
func (w *Writable) abort(js *isolate.JS, reason goja.Value) *goja.Object {
	if w.aborted == nil || FlagsOf(js).Standard {
		w.aborted = w.startAbort(js, reason)
	}
	return w.aborted
}

func (w *Writable) startAbort(js *isolate.JS, reason goja.Value) *goja.Object {
	if w.state == writeClosed || w.state == writeErrored {
		return js.Resolved(nil)
	}
	if w.identity != nil && !FlagsOf(js).LazyAbort {
		w.identity.fail(js, reason)
	}
	w.ctrl.abortSignal(js, signalReason(js, reason))
	// The signal's listeners may have changed the state.
	if w.state == writeClosed || w.state == writeErrored {
		return resolved(js)
	}
	if w.abortRequest != nil {
		return w.abortRequest.d.promise
	}
	req := &abortRequest{d: newDeferred(js), reason: reason}
	if w.state == erroring {
		req.wasErroring, req.reason = true, goja.Undefined()
	}
	w.abortRequest = req
	if !req.wasErroring {
		w.becomeErroring(js, reason)
	}
	return req.d.promise
}

// signalReason is what the signal of a controller is aborted with.
func signalReason(js *isolate.JS, reason goja.Value) goja.Value {
	if goja.IsUndefined(reason) && FlagsOf(js).Pedantic {
		return js.Error(exception.DOM("AbortError", "This writable stream has been aborted."))
	}
	return reason
}

// close ends the stream after what is queued.
func (w *Writable) close(js *isolate.JS) *goja.Object {
	switch {
	case w.identity != nil && w.state != writeErrored && (w.closing() || w.state == writeClosed):
		return resolved(js) // as workerd's internal streams do
	case w.state == writeErrored && FlagsOf(js).Standard:
		return rejected(js, typeError(js, "This WritableStream has failed."))
	case w.state == writeErrored:
		return rejected(js, w.err)
	case w.state == writeClosed:
		return rejected(js, typeError(js, writeClosedText))
	case w.closing():
		return rejected(js, typeError(js, "Cannot close a writer that is already being closed"))
	}
	d := newDeferred(js)
	w.closeRequest = d
	if w.writer != nil && w.backpressure && w.state == writable {
		w.writer.ready.resolve(js, nil)
	}
	w.ctrl.close(js)
	return d.promise
}

func (w *Writable) becomeErroring(js *isolate.JS, reason goja.Value) {
	w.state, w.err = erroring, reason
	if w.writer != nil {
		w.writer.rejectReady(js, reason)
	}
	if w.inFlightWrite == nil && w.inFlightClose == nil && w.ctrl.started {
		w.becomeErrored(js)
	}
}

func (w *Writable) becomeErrored(js *isolate.JS) {
	w.state = writeErrored
	w.ctrl.queue.reset()
	writes := w.writes
	w.writes = nil
	for _, d := range writes {
		d.reject(js, w.err)
	}
	req := w.abortRequest
	w.abortRequest = nil
	if req == nil {
		w.rejectClosed(js)
		return
	}
	if req.wasErroring {
		req.d.reject(js, w.err)
		w.rejectClosed(js)
		return
	}
	abort := w.ctrl.alg.abort
	w.ctrl.alg = sink{}
	p := resolved(js)
	if abort != nil {
		p = abort(js, req.reason)
	}
	then(js, p, func(js *isolate.JS, _ goja.Value) {
		req.d.resolve(js, nil)
		w.rejectClosed(js)
	}, func(js *isolate.JS, reason goja.Value) {
		req.d.reject(js, reason)
		w.rejectClosed(js)
	})
}

// dropWrites rejects the writes that the sink has not begun, as workerd does when the
// writer lets go. A close stays.
func (w *Writable) dropWrites(js *isolate.JS, reason goja.Value) {
	if len(w.writes) == 0 {
		return
	}
	w.ctrl.queue.dropChunks(w.inFlightWrite != nil)
	writes := w.writes
	w.writes = nil
	for _, d := range writes {
		handled(js, d.promise)
		d.reject(js, reason)
	}
}

// failed is what a failing sink or controller leads to.
func (w *Writable) failed(js *isolate.JS, reason goja.Value) {
	if w.state == writable {
		w.becomeErroring(js, reason)
	} else if w.state == erroring {
		w.becomeErrored(js)
	}
}

func (w *Writable) rejectClosed(js *isolate.JS) {
	w.ends.settle(js, true, w.err)
	if d := w.closeRequest; d != nil {
		w.closeRequest = nil
		d.reject(js, w.err)
	}
	if w.writer != nil {
		w.writer.rejectClosed(js, w.err)
	}
	if w.pipe != nil {
		w.pipe.sinkOver(js, w.err)
	}
}

func (w *Writable) setBackpressure(js *isolate.JS, on bool) {
	if w.writer != nil && on != w.backpressure {
		if on {
			w.writer.ready = newDeferred(js)
		} else {
			w.writer.ready.resolve(js, nil)
		}
	}
	w.backpressure = on
}

// finishClose is called when the sink has closed, well or with a reason.
func (w *Writable) finishClose(js *isolate.JS, reason goja.Value) {
	d, req := w.inFlightClose, w.abortRequest
	w.inFlightClose = nil
	if reason != nil {
		d.reject(js, reason)
		if req != nil {
			w.abortRequest = nil
			req.d.reject(js, reason)
		}
		w.failed(js, reason)
		return
	}
	d.resolve(js, nil)
	if w.state == erroring {
		w.err = nil
		if req != nil {
			w.abortRequest = nil
			req.d.resolve(js, nil)
		}
	}
	w.state = writeClosed
	w.ends.settle(js, false, nil)
	if w.writer != nil {
		w.writer.closed.resolve(js, nil)
	}
	if w.pipe != nil {
		w.pipe.sinkOver(js, nil)
	}
}

// sink takes the chunks of a writable stream; a nil function does nothing.
type sink struct {
	// check refuses a chunk of a writer without any harm to the stream.
	check func(js *isolate.JS, v goja.Value) error
	write func(js *isolate.JS, v goja.Value) *goja.Object
	close func(js *isolate.JS) *goja.Object
	abort func(js *isolate.JS, reason goja.Value) *goja.Object
}

// writeController is a WritableStreamDefaultController.
type writeController struct {
	stream   *Writable
	obj      *goja.Object
	queue    queue // an item without a value is the close
	strategy strategy
	alg      sink
	started  bool
	signal   *events.Signal
}

// newWritable makes s a stream into alg, from the moment that start is called.
func newWritable(s *Writable, st strategy, alg sink) *writeController {
	c := &writeController{stream: s, strategy: st, alg: alg}
	s.ctrl = c
	s.backpressure = c.desired() <= 0
	return c
}

func (c *writeController) object(js *isolate.JS) *goja.Object {
	if c.obj == nil {
		c.obj = writeControllerClass.Wrap(js, c)
	}
	return c.obj
}

// start begins to write once p has settled, or at once without one.
func (c *writeController) start(js *isolate.JS, p *goja.Object) {
	after(js, p, func(js *isolate.JS, _ goja.Value) {
		c.started = true
		c.advance(js)
	}, func(js *isolate.JS, reason goja.Value) {
		c.started = true
		c.stream.failed(js, reason)
	})
}

func (c *writeController) abortSignal(js *isolate.JS, reason goja.Value) {
	if c.signal == nil {
		c.signal = events.NewSignal()
	}
	c.signal.Abort(js, reason)
}

func (c *writeController) desired() float64 { return c.strategy.hwm - c.queue.total }

func (c *writeController) close(js *isolate.JS) {
	c.queue.push(nil, 0)
	c.advance(js)
}

// measure is the size of a chunk; a failure errors the stream.
func (c *writeController) measure(js *isolate.JS, v goja.Value) float64 {
	size, err := c.strategy.measure(js, v)
	if err != nil {
		check(js, err)
		if c.stream.state == writable {
			c.stream.becomeErroring(js, js.Error(err))
		}
		return 1
	}
	return size
}

func (c *writeController) write(js *isolate.JS, v goja.Value, size float64) {
	if c.strategy.anySize {
		if err := validSize(size); err != nil {
			c.errorIfNeeded(js, js.Error(err))
			return
		}
	}
	c.queue.push(v, size)
	if !c.stream.closing() && c.stream.state == writable {
		c.stream.setBackpressure(js, c.desired() <= 0)
	}
	c.advance(js)
}

func (c *writeController) errorIfNeeded(js *isolate.JS, reason goja.Value) {
	if c.stream.state == writable {
		c.alg = sink{}
		c.stream.becomeErroring(js, reason)
	}
}

// advance hands the next chunk to the sink.
func (c *writeController) advance(js *isolate.JS) {
	w := c.stream
	if !c.started || w.inFlightWrite != nil {
		return
	}
	if w.state == erroring {
		w.becomeErrored(js)
		return
	}
	if w.state != writable || c.queue.len() == 0 {
		return
	}
	v := c.queue.peek()
	if v == nil {
		w.inFlightClose, w.closeRequest = w.closeRequest, nil
		c.queue.pop()
		var p *goja.Object
		if c.alg.close != nil {
			p = c.alg.close(js)
		} else {
			p = orNow(js)
		}
		after(js, p, func(js *isolate.JS, _ goja.Value) { w.finishClose(js, nil) }, w.finishClose)
		return
	}
	w.inFlightWrite = w.writes[0]
	w.writes = w.writes[1:]
	var p *goja.Object
	if c.alg.write != nil {
		p = c.alg.write(js, v)
	} else {
		p = orNow(js)
	}
	after(js, p, func(js *isolate.JS, _ goja.Value) {
		d := w.inFlightWrite
		w.inFlightWrite = nil
		d.resolve(js, nil)
		c.queue.pop()
		if !w.closing() && w.state == writable {
			w.setBackpressure(js, c.desired() <= 0)
		}
		c.advance(js)
	}, func(js *isolate.JS, reason goja.Value) {
		if w.state == writable {
			c.alg = sink{}
		}
		d := w.inFlightWrite
		w.inFlightWrite = nil
		d.reject(js, reason)
		w.failed(js, reason)
	})
}

// orNow stands for a function of a sink that does nothing: it is done at once, as in
// workerd, and with pedantic_wpt in a microtask, as in the standard.
func orNow(js *isolate.JS) *goja.Object {
	if FlagsOf(js).Pedantic {
		return resolved(js)
	}
	return nil
}

var writeControllerClass = &bind.Class[writeController]{
	Name: "WritableStreamDefaultController",
	Getters: map[string]bind.Getter[writeController]{
		"signal": func(c *writeController, call *bind.Call) (any, error) {
			if c.signal == nil {
				c.signal = events.NewSignal()
			}
			return c.signal.Object(call.JS()), nil
		},
	},
	Methods: map[string]bind.Method[writeController]{
		"error": func(c *writeController, call *bind.Call) (any, error) {
			c.errorIfNeeded(call.JS(), call.Arg(0))
			return nil, nil
		},
	},
}

// writableClass is filled in by defineWritable: its methods make instances of it.
var writableClass = &bind.Class[Writable]{Name: "WritableStream"}

func defineWritable() *bind.Class[Writable] {
	*writableClass = bind.Class[Writable]{
		Name: writableClass.Name,
		New: func(c *bind.Call) (*Writable, error) {
			js := c.JS()
			if FlagsOf(js).NoConstructors {
				return nil, noConstructor("WritableStream")
			}
			u, st, err := writableArguments(c)
			if err != nil {
				return nil, err
			}
			w := &Writable{obj: c.This().(*goja.Object)}
			ctrl := newWritable(w, st, sink{})
			ctrl.alg = u.sink(ctrl)
			p, err := u.start(js, func() goja.Value { return ctrl.object(js) })
			if err == nil {
				ctrl.start(js, p)
			}
			return w, err
		},
		Inspected: inspectedWritable,
		Getters: map[string]bind.Getter[Writable]{
			"locked": func(w *Writable, _ *bind.Call) (any, error) { return w.writer != nil, nil },
		},
		Methods: map[string]bind.Method[Writable]{
			"getWriter": func(w *Writable, c *bind.Call) (any, error) {
				wr, err := w.acquire(c.JS())
				if err != nil {
					return nil, err
				}
				return writerClass.Wrap(c.JS(), wr), nil
			},
		},
		Async: map[string]bind.Method[Writable]{
			"abort": func(w *Writable, c *bind.Call) (any, error) {
				if w.writer != nil {
					return nil, exception.TypeErrorf(writeLockedText)
				}
				return w.abort(c.JS(), c.Arg(0)), nil
			},
			"close": func(w *Writable, c *bind.Call) (any, error) {
				if w.writer != nil {
					return nil, exception.TypeErrorf(writeLockedText)
				}
				return w.close(c.JS()), nil
			},
		},
	}
	return writableClass
}

func writableArguments(c *bind.Call) (u *underlying, st strategy, err error) {
	if FlagsOf(c.JS()).Standard {
		return standardWritable(c)
	}
	if u, err = underlyingOf(c, c.Arg(0), "UnderlyingSink", "write", "close", "abort"); err != nil {
		return nil, st, err
	}
	if u.kind != "" && FlagsOf(c.JS()).Pedantic {
		return nil, st, exception.RangeErrorf("Invalid type is specified: a WritableStream has none.")
	}
	st, err = strategyOf(c, 2, 1)
	return u, st, err
}

// sink is the script's underlying sink.
func (u *underlying) sink(ctrl *writeController) (s sink) {
	if fn, ok := u.fns["write"]; ok {
		s.write = func(js *isolate.JS, v goja.Value) *goja.Object {
			return callPromise(js, fn, u.obj, v, ctrl.object(js))
		}
	}
	if fn, ok := u.fns["close"]; ok {
		s.close = func(js *isolate.JS) *goja.Object { return callPromise(js, fn, u.obj) }
	}
	if fn, ok := u.fns["abort"]; ok {
		s.abort = func(js *isolate.JS, reason goja.Value) *goja.Object { return callPromise(js, fn, u.obj, reason) }
	}
	return s
}
