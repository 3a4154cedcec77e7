package fetch

import (
	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/blob"
	"workerd.local/webapi/streams"
	"workerd.local/webapi/url"
)

// extract makes a body of a BodyInit, with the media type that it implies, if any
// (Fetch, "extract a body"). null and undefined are no body.
func extract(c *bind.Call, v goja.Value) (b body, typ string, err error) {
	if goja.IsUndefined(v) || goja.IsNull(v) {
		return body{}, "", nil
	}
	js := c.JS()
	if obj, ok := v.(*goja.Object); ok {
		host, _, _ := bind.ValueOf(js, obj)
		switch x := host.(type) {
		case *streams.Readable:
			switch {
			case x.Disturbed():
				return body{}, "", exception.TypeErrorf("This ReadableStream is disturbed (has already been read from), and cannot be used as a body.")
			case x.Locked():
				return body{}, "", exception.TypeErrorf("This ReadableStream is locked to a reader, and cannot be used as a body.")
			}
			return body{stream: x}, "", nil
		case *FormData:
			if err := x.check(); err != nil {
				return body{}, "", err
			}
			data, typ := x.Encode(boundary(js))
			return body{bytes: data}, typ, checkSize(js, len(data))
		case *url.Params:
			return body{bytes: []byte(x.String())}, "application/x-www-form-urlencoded;charset=UTF-8", nil
		}
		if x, ok := blob.Of(js, obj); ok {
			return body{bytes: notNil(x.Bytes())}, x.Type(), nil
		}
		if data, ok := bind.Bytes(js, obj); ok {
			return body{bytes: append([]byte{}, data...)}, "", checkSize(js, len(data))
		}
		if r, err := iterable(js, obj); r != nil || err != nil {
			return body{stream: r}, "", err
		}
	}
	s, err := c.String(1, v)
	if err != nil {
		return body{}, "", err
	}
	return body{bytes: notNil([]byte(s))}, "text/plain;charset=UTF-8", checkSize(js, len(s))
}

// iterable is a stream of what an iterable object gives; nil for other objects, and for
// those that say themselves what their text is, unless they iterate asynchronously.
func iterable(js *isolate.JS, obj *goja.Object) (*streams.Readable, error) {
	if !js.Compat().Has("fetch_iterable_type_support") || obj.ClassName() == "String" {
		return nil, nil
	}
	method, async, err := streams.Iteration(js, obj)
	if err != nil {
		return nil, err
	}
	if _, ok := goja.AssertFunction(method); !ok {
		return nil, nil
	}
	if !async && js.Compat().Has("fetch_iterable_type_support_override_adjustment") {
		own := false
		err := js.Try(func() {
			if p := obj.GetSymbol(goja.SymToPrimitive); p != nil && !goja.IsUndefined(p) {
				own = true
				return
			}
			text := obj.Get("toString")
			plain := js.Runtime().NewObject().Get("toString")
			array := js.Runtime().NewArray().Get("toString")
			own = text != nil && !text.SameAs(plain) && !text.SameAs(array)
		})
		if own || err != nil {
			return nil, err
		}
	}
	return streams.From(js, obj, method)
}

// notNil keeps an empty body apart from none.
func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func checkSize(js *isolate.JS, n int) error {
	if limit := js.Isolate().Limits().BodyBytes; int64(n) > limit {
		return exception.RangeErrorf("The body is %d bytes, but a body that is held in memory cannot be larger than %d bytes. Use a ReadableStream instead.", n, limit)
	}
	return nil
}
