package fetch

import (
	"bytes"
	"strings"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/isolate/natives"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/blob"
	"workerd.local/webapi/console"
	"workerd.local/webapi/encoding"
	"workerd.local/webapi/streams"
)

// body is the body of a message: nothing, bytes, or a stream. Bytes become a
// stream when a script asks for one.
type body struct {
	bytes  []byte // nil for none; shared, never changed
	stream *streams.Readable
	used   bool // the bytes were consumed
}

// bodyFrom is a body that came from outside, owned by c, which is current.
func bodyFrom(js *isolate.JS, c *iocontext.Context, b event.Body) (body, error) {
	if b.Stream == nil {
		return body{bytes: b.Bytes}, nil
	}
	s, err := streams.NewBody(js, c, b)
	return body{stream: s}, err
}

func (b *body) isNull() bool { return b.bytes == nil && b.stream == nil }

// isUsed is the bodyUsed attribute.
func (b *body) isUsed() bool { return b.used || b.stream != nil && b.stream.Disturbed() }

// object is the body attribute.
func (b *body) object(js *isolate.JS) (any, error) {
	if b.isNull() {
		return bind.Null, nil
	}
	if b.stream == nil {
		s, err := streams.NewBody(js, nil, event.BytesBody(b.bytes))
		if err != nil {
			return nil, err
		}
		if b.used {
			// The stream is what is left of the bytes: nothing.
			if _, _, err := s.Take(js); err != nil {
				return nil, err
			}
		}
		b.stream = s
	}
	return b.stream.Object(js), nil
}

var (
	errUsed   = exception.TypeErrorf("%s", streams.UsedText)
	errLocked = exception.TypeErrorf("This ReadableStream is currently locked to a reader.")
)

// checkUnused says why the body cannot be consumed.
func (b *body) checkUnused() error {
	switch {
	case b.isUsed():
		return errUsed
	case b.stream != nil && b.stream.Locked():
		return errLocked
	}
	return nil
}

// takeOut consumes the body for somebody outside the loop.
func (b *body) takeOut(js *isolate.JS, c *iocontext.Context) (event.Body, error) {
	if b.isNull() {
		return event.NoBody, nil
	}
	if err := b.checkUnused(); err != nil {
		if err == errLocked {
			err = streams.ErrLocked
		}
		return event.NoBody, err
	}
	if b.stream == nil {
		b.used = true
		return event.BytesBody(b.bytes), nil
	}
	return b.stream.Body(js, c)
}

// move consumes the body for another message.
func (b *body) move(js *isolate.JS) (body, error) {
	if b.isNull() {
		return body{}, nil
	}
	if err := b.checkUnused(); err != nil {
		return body{}, err
	}
	out := *b
	if b.stream == nil {
		b.used = true
		return out, nil
	}
	s, err := b.stream.Move(js)
	return body{stream: s}, err
}

// share is a body of the same stream: who reads one of them has read both (workerd, of a Request in the place of a RequestInit).
func (b *body) share(js *isolate.JS) (body, error) {
	if b.isNull() {
		return body{}, nil
	}
	if _, err := b.object(js); err != nil {
		return body{}, err
	}
	return body{stream: b.stream}, nil
}

// clone makes a second body of the same bytes.
func (b *body) clone(js *isolate.JS) (body, error) {
	if b.isNull() {
		return body{}, nil
	}
	if b.used || b.stream != nil && b.stream.Disturbed() {
		return body{}, exception.TypeErrorf("%s", streams.UsedText)
	}
	if b.stream == nil {
		return *b, nil
	}
	x, y, err := b.stream.Clone(js)
	if err != nil {
		return body{}, err
	}
	b.stream = x
	return body{stream: y}, nil
}

// consume gives all bytes to conv and returns a promise for its result. Bytes that
// are here need no context.
func (b *body) consume(js *isolate.JS, conv func(js *isolate.JS, data []byte) (goja.Value, error)) (any, error) {
	settle := func(data []byte) (any, error) {
		v, err := conv(js, data)
		if err != nil {
			return nil, err
		}
		return js.Resolved(v), nil
	}
	if b.isNull() {
		return settle(nil)
	}
	if err := b.checkUnused(); err != nil {
		return nil, err
	}
	if b.stream == nil {
		b.used = true
		return settle(b.bytes)
	}
	return b.stream.ReadAll(js, js.Isolate().Limits().BodyBytes, conv)
}

var bom = []byte("\ufeff")

func toText(js *isolate.JS, data []byte) (goja.Value, error) {
	return js.Runtime().ToValue(encoding.DecodeUTF8(string(bytes.TrimPrefix(data, bom)))), nil
}

func toJSON(js *isolate.JS, data []byte) (goja.Value, error) {
	return natives.ParseJSON(js.Runtime(), bytes.TrimPrefix(data, bom), jsonLimits(js))
}

// stringify is JSON.stringify; ok is false where that is undefined.
func stringify(js *isolate.JS, v goja.Value) (text string, ok bool, err error) {
	return natives.StringifyJSON(js.Runtime(), v, nil, nil, jsonLimits(js))
}

func jsonLimits(js *isolate.JS) natives.Limits {
	l := js.Isolate().Limits()
	return natives.Limits{
		Bounds:         js.Bounds(),
		MaxStringBytes: l.StringBytes,
		MaxArrayLength: l.ArrayLength,
		MaxBufferBytes: l.BufferBytes,
		JSONDepth:      l.JSONDepth,
		Interrupted:    js.Realm().Interrupted,
	}
}

func toArrayBuffer(js *isolate.JS, data []byte) (goja.Value, error) {
	return bind.Value(js, append([]byte{}, data...)), nil
}

func toBytes(js *isolate.JS, data []byte) (goja.Value, error) {
	return bind.NewUint8Array(js, append([]byte{}, data...)), nil
}

// message is what Request and Response have in common.
type message struct {
	raw     *Headers
	headers *goja.Object // made when first asked for
	body    body
}

func (m *message) jsHeaders(js *isolate.JS) *goja.Object {
	if m.headers == nil {
		m.headers = HeadersClass.Wrap(js, m.raw)
	}
	return m.headers
}

func (m *message) contentType() string {
	if v, err := m.raw.Get("Content-Type"); err == nil && v != nil {
		return *v
	}
	return ""
}

// setType sets the Content-Type that goes with a body, unless there is one.
func (m *message) setType(js *isolate.JS, typ string) {
	if typ == "" {
		return
	}
	if _, ok := m.raw.h["Content-Type"]; !ok {
		m.raw.own()["Content-Type"] = []string{typ}
	} else if strings.HasPrefix(typ, "multipart/form-data") {
		console.TraceWarning(js, "A FormData body was provided with a custom Content-Type header when constructing a Request or Response object. This will prevent the recipient of the Request or Response from being able to parse the body. Consider omitting the custom Content-Type header.")
	}
}

// bodyGetters and bodyMethods are the Body mixin.
func bodyGetters[T any](of func(*T) *message, more map[string]bind.Getter[T]) map[string]bind.Getter[T] {
	more["headers"] = func(t *T, c *bind.Call) (any, error) { return of(t).jsHeaders(c.JS()), nil }
	more["body"] = func(t *T, c *bind.Call) (any, error) { return of(t).body.object(c.JS()) }
	more["bodyUsed"] = func(t *T, _ *bind.Call) (any, error) { return of(t).body.isUsed(), nil }
	return more
}

// BodyIn is the Body mixin of a class whose instances have their body in a Response, with more
// attributes: its getters, and methods that give promises.
func BodyIn[T any](of func(*T) *Response, more map[string]bind.Getter[T]) (getters map[string]bind.Getter[T], async map[string]bind.Method[T]) {
	in := func(t *T) *message { return &of(t).message }
	getters = bodyGetters(in, more)
	delete(getters, "headers")
	return getters, bodyMethods(in)
}

func bodyMethods[T any](of func(*T) *message) map[string]bind.Method[T] {
	read := func(conv func(*isolate.JS, []byte) (goja.Value, error)) bind.Method[T] {
		return func(t *T, c *bind.Call) (any, error) { return of(t).body.consume(c.JS(), conv) }
	}
	return map[string]bind.Method[T]{
		"text":        read(toText),
		"json":        read(toJSON),
		"arrayBuffer": read(toArrayBuffer),
		"bytes":       read(toBytes),
		"blob": func(t *T, c *bind.Call) (any, error) {
			m := of(t)
			typ := m.contentType()
			if mt, ok := extractMIME(typ); ok && c.JS().Compat().Has("blob_standard_mime_type") {
				typ = mt.String()
			}
			return m.body.consume(c.JS(), func(js *isolate.JS, data []byte) (goja.Value, error) {
				return blob.Class.Wrap(js, blob.New(data, typ)), nil
			})
		},
		"formData": func(t *T, c *bind.Call) (any, error) {
			m := of(t)
			parse, err := formParser(m.contentType())
			if err != nil {
				return nil, err
			}
			return m.body.consume(c.JS(), func(js *isolate.JS, data []byte) (goja.Value, error) {
				f, err := parse(js, data)
				if err != nil {
					return nil, err
				}
				return FormDataClass.Wrap(js, f), nil
			})
		},
	}
}
