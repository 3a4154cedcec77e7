package streams

import (
	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/clone"
	"workerd.local/isolate"
	"workerd.local/isolate/natives"
	"workerd.local/webapi/bind"
)

// byobReader is a ReadableStreamBYOBReader.
type byobReader struct{ *reader }

// intoRequest waits for bytes in a view of the script's.
type intoRequest struct {
	chunk func(js *isolate.JS, view goja.Value)
	// close is given the empty view, or nil where the stream was canceled.
	close func(js *isolate.JS, view goja.Value)
	fail  func(js *isolate.JS, reason goja.Value)
	// whole is called instead of chunk, where it is there and the source has answered
	// with a chunk of its own: it gets the view's buffer back, and all of the chunk.
	whole func(js *isolate.JS, buf goja.ArrayBuffer, data []byte)
	// progress, where it is there, is told of bytes that are not enough yet. They are
	// valid during the call.
	progress func(js *isolate.JS, data []byte)
}

func (s *Readable) acquireBYOB() (*reader, error) {
	switch s.ctrl.(type) {
	case *native, *byteController:
	default:
		return nil, exception.TypeErrorf("This ReadableStream does not support BYOB reads.")
	}
	r, err := s.acquire()
	if err == nil {
		r.byob = true
	}
	return r, err
}

// view is an ArrayBufferView of a script.
type view struct {
	ctor   goja.Value // of its kind
	buf    goja.ArrayBuffer
	offset int
	length int // in bytes
	elem   int // bytes per element
}

func viewOf(js *isolate.JS, v goja.Value) (w view, ok bool, err error) {
	name := bind.ViewName(js, v)
	if name == "" || name == "ArrayBuffer" {
		return w, false, nil
	}
	obj := v.(*goja.Object)
	pinned := false
	err = js.Try(func() {
		buf, _ := obj.Get("buffer").(*goja.Object)
		pinned = clone.IsPinned(buf) || natives.IsShared(buf)
		if w.buf, ok = buf.Export().(goja.ArrayBuffer); !ok {
			return
		}
		w.offset, w.length = int(obj.Get("byteOffset").ToInteger()), int(obj.Get("byteLength").ToInteger())
		w.ctor = js.Runtime().GlobalObject().Get(name)
		w.elem = 1
		if name != "DataView" {
			w.elem = max(1, int(w.ctor.(*goja.Object).Get("BYTES_PER_ELEMENT").ToInteger()))
		}
		// A script may have put other properties before those of the prototype.
		mem := len(w.buf.Bytes())
		ok = w.offset >= 0 && w.length >= 0 && w.offset <= mem && w.length <= mem-w.offset
	})
	if pinned && err == nil {
		err = exception.TypeErrorf("Unable to use non-detachable ArrayBuffer.")
	}
	return w, ok && err == nil, err
}

// make returns a view of the same kind over n bytes of buf.
func (w view) make(js *isolate.JS, buf goja.ArrayBuffer, n int) goja.Value {
	rt := js.Runtime()
	out, err := js.Construct(w.ctor, rt.ToValue(buf), rt.ToValue(w.offset), rt.ToValue(n/w.elem))
	if err != nil {
		js.Panic(err)
	}
	return out
}

// within is what is left of the view when its buffer has so many bytes: a script may
// have resized it.
func (w view) within(size int) view {
	if w.offset > size {
		w.offset = size / w.elem * w.elem
	}
	if w.length > size-w.offset {
		w.length = (size - w.offset) / w.elem * w.elem
	}
	return w
}

// transfer detaches the view's buffer; the new one has the same bytes.
func (w view) transfer(js *isolate.JS) goja.ArrayBuffer {
	mem := w.buf.Bytes()
	most, resizable := js.Library().MaxByteLength(js.Runtime().ToValue(w.buf).(*goja.Object))
	w.buf.Detach()
	if resizable {
		return js.Library().NewResizable(mem, most).Export().(goja.ArrayBuffer)
	}
	return js.Runtime().NewArrayBuffer(mem)
}

// jsRead is read(view, {min}) with least in elements.
func (r *byobReader) jsRead(c *bind.Call, v goja.Value, least int) (any, error) {
	js := c.JS()
	if r.stream == nil {
		return nil, exception.TypeErrorf(releasedText)
	}
	w, ok, err := viewOf(js, v)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, c.BadArg(1, "ArrayBufferView")
	}
	if w.length == 0 {
		return nil, exception.TypeErrorf("You must call read() on a \"byob\" reader with a positive-sized TypedArray object.")
	}
	if least == 0 {
		return nil, exception.TypeErrorf("Requested invalid minimum number of bytes to read (0).")
	}
	if FlagsOf(js).Standard && least > w.length/w.elem {
		return nil, exception.RangeErrorf("The minimum (%d) is more than the view has room for (%d).", least, w.length/w.elem)
	}
	if least < 0 || least > w.length/w.elem {
		// As workerd has it, which multiplies and prints without a sign.
		return nil, exception.TypeErrorf("Minimum bytes to read (%d) exceeds size of buffer (%d).", uint64(least)*uint64(w.elem), w.length)
	}
	if err := r.stream.oneAtATime(); err != nil {
		return nil, err
	}
	d := newDeferred(js)
	r.stream.readInto(js, w, least*w.elem, &intoRequest{
		chunk: func(js *isolate.JS, v goja.Value) { d.answer(js, v, false) },
		close: func(js *isolate.JS, v goja.Value) {
			if v == nil {
				v = goja.Undefined()
			}
			d.answer(js, v, true)
		},
		fail: d.reject,
	})
	return d.promise, nil
}

// readInto reads at least so many bytes into the view.
func (s *Readable) readInto(js *isolate.JS, w view, least int, r *intoRequest) {
	s.disturbed = true
	if bc, ok := s.ctrl.(*byteController); ok && s.state != errored {
		bc.pullInto(js, w, least, r)
		return
	}
	buf := w.buf
	if !FlagsOf(js).KeepBuffer {
		buf = w.transfer(js)
	}
	end := func(js *isolate.JS) {
		if FlagsOf(js).NoViewAtEnd || buf.Detached() {
			r.close(js, nil)
			return
		}
		r.close(js, w.within(len(buf.Bytes())).make(js, buf, 0))
	}
	switch s.state {
	case closed:
		end(js)
		return
	case errored:
		r.fail(js, s.err)
		return
	}
	s.ctrl.(*native).pullInto(js, nativeRead{limit: w.length, least: least, req: readRequest{
		chunk: func(js *isolate.JS, c chunk) {
			if buf.Detached() { // by the script: the bytes are lost, as in workerd
				r.chunk(js, bind.NewUint8Array(js, nil))
				return
			}
			w := w.within(len(buf.Bytes()))
			n := copy(buf.Bytes()[w.offset:w.offset+w.length], c.bytes)
			r.chunk(js, w.make(js, buf, n))
		},
		close: end,
		fail:  r.fail,
	}})
}

var byobReaderClass = &bind.Class[byobReader]{
	Name:    "ReadableStreamBYOBReader",
	Lengths: map[string]int{"read": 1, "readAtLeast": 2},
	Length:  1,
	New: func(c *bind.Call) (*byobReader, error) {
		s, ok := Of(c.JS(), c.Arg(0))
		if !ok {
			return nil, c.BadArg(1, "ReadableStream")
		}
		r, err := s.acquireBYOB()
		return &byobReader{r}, err
	},
	Promises: []string{"closed"},
	Getters: map[string]bind.Getter[byobReader]{
		"closed": func(r *byobReader, c *bind.Call) (any, error) { return r.closedPromise(c.JS()), nil },
	},
	Methods: map[string]bind.Method[byobReader]{
		"releaseLock": func(r *byobReader, c *bind.Call) (any, error) { return nil, r.jsRelease(c.JS()) },
	},
	Async: map[string]bind.Method[byobReader]{
		"read": func(r *byobReader, c *bind.Call) (any, error) {
			least := 1
			if opt, ok := c.Arg(1).(*goja.Object); ok {
				err := c.JS().Try(func() {
					if m := opt.Get("min"); m != nil && !goja.IsUndefined(m) {
						least = int(m.ToInteger())
					}
				})
				if err != nil {
					return nil, err
				}
			}
			return r.jsRead(c, c.Arg(0), least)
		},
		"readAtLeast": func(r *byobReader, c *bind.Call) (any, error) {
			var least int
			if err := c.Unpack("minElements", &least); err != nil {
				return nil, err
			}
			return r.jsRead(c, c.Arg(1), least)
		},
		"cancel": func(r *byobReader, c *bind.Call) (any, error) {
			if r.stream == nil {
				return nil, exception.TypeErrorf(releasedText)
			}
			return r.stream.cancel(c.JS(), c.Arg(0)), nil
		},
	},
}
