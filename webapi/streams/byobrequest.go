package streams

import (
	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/webapi/bind"
)

// byobRequest is a ReadableStreamBYOBRequest.
type byobRequest struct {
	ctrl *byteController // nil once it was answered
	p    *pullInto
	view *goja.Object
	obj  *goja.Object
}

func (c *byteController) jsRequest(call *bind.Call) (any, error) {
	js := call.JS()
	if c.request == nil {
		if len(c.pending) == 0 {
			return bind.Null, nil
		}
		p, rt := c.pending[0], js.Runtime()
		v, err := js.Construct(intrinsicsOf.Get(js).uint8Array, rt.ToValue(p.buf),
			rt.ToValue(p.view.offset+p.filled), rt.ToValue(p.view.length-p.filled))
		if err != nil {
			return nil, err
		}
		c.request = &byobRequest{ctrl: c, p: p, view: v}
		c.request.obj = byobRequestClass.Wrap(js, c.request)
	}
	return c.request.obj, nil
}

const answeredText = "This ReadableStreamBYOBRequest has been invalidated."

var byobRequestClass = &bind.Class[byobRequest]{
	Name:    "ReadableStreamBYOBRequest",
	Lengths: map[string]int{"respond": 1, "respondWithNewView": 1},
	Getters: map[string]bind.Getter[byobRequest]{
		"view": func(r *byobRequest, _ *bind.Call) (any, error) {
			if r.ctrl == nil {
				return bind.Null, nil
			}
			return r.view, nil
		},
		"atLeast": func(r *byobRequest, _ *bind.Call) (any, error) {
			if r.ctrl == nil {
				return bind.Null, nil
			}
			return max(r.p.least-r.p.filled, 1), nil
		},
	},
	Methods: map[string]bind.Method[byobRequest]{
		"respond": func(r *byobRequest, c *bind.Call) (any, error) {
			var n int
			if err := c.Unpack("bytesWritten", &n); err != nil {
				return nil, err
			}
			switch {
			case r.ctrl == nil:
				return nil, exception.TypeErrorf(answeredText)
			case n < 0:
				return nil, exception.TypeErrorf("The bytesWritten must be more than zero while the stream is open.")
			case r.p.buf.Detached():
				return nil, exception.TypeErrorf("Cannot respond with a zero-length or detached view")
			}
			return nil, r.ctrl.respond(c.JS(), r.p, n)
		},
		"respondWithNewView": func(r *byobRequest, c *bind.Call) (any, error) {
			w, ok, err := viewOf(c.JS(), c.Arg(0))
			if err != nil {
				return nil, err
			}
			if !ok {
				return nil, c.BadArg(1, "ArrayBufferView")
			}
			if r.ctrl == nil {
				return nil, exception.TypeErrorf(answeredText)
			}
			p := r.p
			if r.ctrl.canEnqueue() {
				switch {
				case w.length == 0:
					return nil, exception.TypeErrorf("The view byte length must be more than zero while the stream is open.")
				case w.offset != p.view.offset+p.filled:
					return nil, exception.RangeErrorf("The given view has an invalid byte offset.")
				case len(w.buf.Bytes()) != p.size:
					return nil, exception.RangeErrorf("The underlying ArrayBuffer is not the correct length.")
				case w.length > p.view.length-p.filled:
					return nil, exception.RangeErrorf("The view is not the correct length.")
				}
				p.view.ctor, p.view.elem = w.ctor, w.elem
				p.buf = w.transfer(c.JS())
			} else if w.length != 0 { // the end has answered the read, which has the buffer
				return nil, exception.TypeErrorf("The view byte length must be zero after the stream is closed.")
			}
			return nil, r.ctrl.respond(c.JS(), p, w.length)
		},
	},
}
