package fetch

import (
	"net/http"
	"sort"
	"strconv"

	"github.com/dop251/goja"

	"workerd.local/internal/clone"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/global"
)

// Headers, requests and responses can be cloned, as workerd writes them; what a body is a
// stream of goes over RPC only.

// mostClonedHeaders is how many headers are read (workerd).
const mostClonedHeaders = 1024

// cloneables are the classes of this package that can be cloned.
var cloneables = []global.Cloneable{
	{
		Class: "Headers", Tag: 4,
		Write: func(_ *isolate.JS, w *clone.Writer, v any) error { writeHeaders(w, v.(*Headers)); return nil },
		Read:  readHeaders,
	},
	{
		Class: "Request", Tag: 5,
		Write: func(js *isolate.JS, w *clone.Writer, v any) error { return v.(*Request).write(js, w) },
		Read:  readRequest,
	},
	{
		Class: "Response", Tag: 6,
		Write: func(js *isolate.JS, w *clone.Writer, v any) error { return v.(*Response).write(js, w) },
		Read:  readResponse,
	},
}

func setup(js *isolate.JS) error {
	for _, c := range cloneables {
		if err := global.AddCloneable(js, c); err != nil {
			return err
		}
	}
	return nil
}

// Guards of headers, in the order of workerd's numbers.
const (
	guardImmutable = 0
	guardNone      = 4
)

func writeHeaders(w *clone.Writer, h *Headers) {
	guard := uint32(guardNone)
	if h.immutable {
		guard = guardImmutable
	}
	w.Uint32(guard)
	names := make([]string, 0, len(h.h))
	n := 0
	for name, values := range h.h {
		names = append(names, name)
		n += len(values)
	}
	sort.Strings(names)
	w.Uint32(uint32(n))
	for _, name := range names {
		for _, v := range h.h[name] {
			w.Uint32(0) // a name of its own, not a number of workerd's list
			w.String(name)
			w.String(v)
		}
	}
}

func readHeaders(js *isolate.JS, r *clone.Reader) (*goja.Object, error) {
	guard, err := r.Uint32()
	if err != nil {
		return nil, err
	}
	n, err := r.Uint32()
	if err != nil {
		return nil, err
	}
	if n > mostClonedHeaders {
		return nil, &clone.DataCloneError{Message: "Deserialization failed: header count exceeds maximum (" + strconv.FormatUint(uint64(n), 10) + ")"}
	}
	h := &Headers{h: http.Header{}}
	for range n {
		id, err := r.Uint32()
		if err != nil {
			return nil, err
		}
		if id != 0 {
			return nil, &clone.DataCloneError{Message: "Deserialization failed: a header has a number in the place of its name"}
		}
		name, err := r.String()
		if err != nil {
			return nil, err
		}
		value, err := r.String()
		if err != nil {
			return nil, err
		}
		if err := h.Append(name, value); err != nil {
			return nil, err
		}
	}
	h.immutable = guard == guardImmutable
	return HeadersClass.Wrap(js, h), nil
}

// dictionary builds the initializer that a message is written as.
type dictionary struct {
	obj *goja.Object
	err error
}

func (d *dictionary) set(name string, v goja.Value) {
	if d.err == nil && v != nil && !goja.IsUndefined(v) {
		d.err = d.obj.DefineDataProperty(name, v, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
	}
}

func (r *Request) write(js *isolate.JS, w *clone.Writer) error {
	rt := js.Runtime()
	w.String(r.href())
	d := &dictionary{obj: rt.NewObject()}
	if r.method != "GET" {
		d.set("method", rt.ToValue(r.method))
	}
	d.set("headers", r.jsHeaders(js))
	if !r.body.isNull() {
		v, err := r.body.object(js)
		if err != nil {
			return err
		}
		d.set("body", bind.Value(js, v))
	}
	d.set("redirect", rt.ToValue(r.redirect))
	cf, err := r.jsCF(js)
	if err != nil {
		return err
	}
	d.set("cf", cf)
	if r.cache != "" {
		d.set("cache", rt.ToValue(r.cache))
	}
	if signal := r.ownSignal(js); signal != nil {
		d.set("signal", signal.Object(js))
	}
	if d.err != nil {
		return d.err
	}
	return w.Value(d.obj)
}

func readRequest(js *isolate.JS, r *clone.Reader) (*goja.Object, error) {
	href, err := r.String()
	if err != nil {
		return nil, err
	}
	init, err := r.Value()
	if err != nil {
		return nil, err
	}
	if _, ok := init.(*goja.Object); !ok {
		return nil, &clone.DataCloneError{Message: "Deserialization failed: could not deserialize Request initializer"}
	}
	c := bind.NewCall(js, "Request", "constructor", goja.FunctionCall{Arguments: []goja.Value{js.Runtime().ToValue(href), init}})
	req, err := newRequest(c, c.Arg(0), c.Arg(1))
	if err != nil {
		return nil, err
	}
	return RequestClass.Wrap(js, req), nil
}

func (r *Response) write(js *isolate.JS, w *clone.Writer) error {
	rt := js.Runtime()
	v, err := r.body.object(js)
	if err != nil {
		return err
	}
	if err := w.Value(bind.Value(js, v)); err != nil {
		return err
	}
	d := &dictionary{obj: rt.NewObject()}
	if r.isError {
		d.set("status", rt.ToValue(0))
	} else if r.status != http.StatusOK {
		d.set("status", rt.ToValue(r.status))
	}
	if r.statusText != "" {
		d.set("statusText", rt.ToValue(r.statusText))
	}
	d.set("headers", r.jsHeaders(js))
	d.set("cf", r.cf)
	if r.webSocket != nil {
		return &clone.DataCloneError{Message: "Could not serialize object of type \"WebSocket\". This type does not support serialization."}
	}
	if r.encoded {
		d.set("encodeBody", rt.ToValue("manual"))
	}
	if d.err != nil {
		return d.err
	}
	return w.Value(d.obj)
}

func readResponse(js *isolate.JS, r *clone.Reader) (*goja.Object, error) {
	b, err := r.Value()
	if err != nil {
		return nil, err
	}
	init, err := r.Value()
	if err != nil {
		return nil, err
	}
	o, ok := init.(*goja.Object)
	if !ok {
		return nil, &clone.DataCloneError{Message: "Deserialization failed: could not deserialize Response initializer"}
	}
	if status, has, err := ownNumber(js, o, "status"); err != nil {
		return nil, err
	} else if has && status == 0 {
		return ResponseClass.Wrap(js, &Response{message: message{raw: NewHeaders(nil, true)}, isError: true}), nil
	}
	c := bind.NewCall(js, "Response", "constructor", goja.FunctionCall{Arguments: []goja.Value{b, init}})
	resp, err := newResponse(c, c.Arg(0), c.Arg(1))
	if err != nil {
		return nil, err
	}
	return ResponseClass.Wrap(js, resp), nil
}

// ownNumber reads a property of an object that was just read.
func ownNumber(js *isolate.JS, o *goja.Object, name string) (n int64, has bool, err error) {
	if has, err = clone.HasOwn(js.Runtime(), o, name); !has || err != nil {
		return 0, false, err
	}
	err = js.Try(func() { n = o.Get(name).ToInteger() })
	return n, true, err
}
