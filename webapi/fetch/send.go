package fetch

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/isolate/natives"
	"workerd.local/trace"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/encoding"
	"workerd.local/webapi/streams"
)

// Coerce is the Request that an argument stands for: a Request, or a URL.
func Coerce(c *bind.Call, v goja.Value) (*Request, error) {
	if r, ok := RequestClass.Unwrap(c.JS(), v); ok {
		return r, nil
	}
	return newRequest(c, v, goja.Undefined())
}

// Method is the request's method.
func (r *Request) Method() string { return r.method }

// URL is the url attribute.
func (r *Request) URL() string { return r.href() }

// Headers are the request's headers, not a copy.
func (r *Request) Headers() *Headers { return r.raw }

// CF is request.cf as JSON; nil where there is none.
func (r *Request) CF(js *isolate.JS) ([]byte, error) {
	if r.cf != nil {
		return cfText(js, r.cf)
	}
	return r.cfJSON, nil
}

// Send hands a request to a service, when all that the actor has written is durable,
// and returns a promise for what conv makes of the answer. Redirects are not followed.
// The answer's body is conv's, unless that returns an error.
func Send(js *isolate.JS, c *iocontext.Context, svc event.Service, req *event.Request, conv func(js *isolate.JS, resp *event.Response) (goja.Value, error)) *goja.Object {
	return SendBelow(js, c, nil, svc, req, conv)
}

// SendBelow is Send within a span, which may be nil: what the service does is part of it.
func SendBelow(js *isolate.JS, c *iocontext.Context, span *trace.Span, svc event.Service, req *event.Request, conv func(js *isolate.JS, resp *event.Response) (goja.Value, error)) *goja.Object {
	return send(js, c, svc, &Request{redirect: "manual"}, req, DispatchOptions{}, span, conv)
}

// NewAnswer is the Response object for an answer to c, which is current.
func NewAnswer(js *isolate.JS, c *iocontext.Context, resp *event.Response) (*goja.Object, error) {
	r, err := responseFrom(js, c, resp, "")
	if err != nil {
		return nil, err
	}
	return ResponseClass.Wrap(js, r), nil
}

// CloseLater closes a body that nobody reads, on a goroutine, as it may block.
func CloseLater(c *iocontext.Context, b event.Body) { closeLater(c, b) }

// Encoded is the body of a response with the Content-Encoding that its headers name.
func Encoded(resp *event.Response) event.Body {
	encoding := contentEncoding(&Headers{h: resp.Header})
	if resp.Encoded || resp.Body.IsNull() || encoding == "" {
		return resp.Body
	}
	e := &encodedBody{src: resp.Body.Reader()}
	if encoding == "br" {
		e.enc = brotli.NewWriter(&e.out)
	} else {
		e.enc = gzip.NewWriter(&e.out)
	}
	return event.StreamBody(e, -1)
}

// encodedBody encodes what is read from it.
type encodedBody struct {
	src io.ReadCloser
	enc io.WriteCloser
	out bytes.Buffer
	err error
}

// Read is io.Reader's.
func (e *encodedBody) Read(p []byte) (int, error) {
	buf := make([]byte, 16<<10)
	for e.out.Len() == 0 {
		if e.err != nil {
			return 0, e.err
		}
		n, err := e.src.Read(buf)
		if _, werr := e.enc.Write(buf[:n]); werr != nil {
			err = werr
		}
		if errors.Is(err, io.EOF) {
			if cerr := e.enc.Close(); cerr != nil {
				err = cerr
			}
		}
		e.err = err
	}
	return e.out.Read(p)
}

// Close closes the source; a Read may be waiting.
func (e *encodedBody) Close() error { return e.src.Close() }

// ReadAnswer reads the body of an answer to c, which is current, as it was before its
// Content-Encoding, and is a promise for what conv makes of it.
func ReadAnswer(js *isolate.JS, c *iocontext.Context, resp *event.Response, conv func(js *isolate.JS, data []byte) (goja.Value, error)) (goja.Value, error) {
	r, err := responseFrom(js, c, resp, "")
	if err != nil {
		return nil, err
	}
	return r.Whole(js, conv)
}

// AnswerStream is the body of an answer to c, which is current, as a ReadableStream;
// nil where there is none.
func AnswerStream(js *isolate.JS, c *iocontext.Context, resp *event.Response) (*streams.Readable, error) {
	r, err := responseFrom(js, c, resp, "")
	if err != nil || r.body.isNull() {
		return nil, err
	}
	if _, err := r.body.object(js); err != nil {
		return nil, err
	}
	return r.body.stream, nil
}

// Header is what a service says in a header of its protocol: several values are one list,
// and an empty one says nothing.
func Header(resp *event.Response, name string) (value string, ok bool) {
	value = strings.Join(resp.Header[name], ", ")
	return value, value != ""
}

// Decoded is the body of an answer as it was before its Content-Encoding, as ReadAnswer
// reads it.
func Decoded(resp *event.Response) event.Body {
	if e := contentEncoding(&Headers{h: resp.Header}); e != "" && resp.Encoded && !resp.Body.IsNull() {
		return decode(resp.Body, e)
	}
	return resp.Body
}

// Whole is a service whose answers are there to their end, and good, when the exchange is done: the
// bodies of those that are a success are read and thrown away.
func Whole(svc event.Service) event.Service { return whole{svc} }

type whole struct{ event.Service }

var _ event.Front = whole{}

// Front is event.Front's.
func (whole) Front() {}

// Fetch is event.Service's.
func (w whole) Fetch(ctx context.Context, req *event.Request) (*event.Response, error) {
	resp, err := event.Ask(ctx, w.Service, req)
	if err != nil || resp.Body.Stream == nil || resp.Status < 200 || resp.Status >= 300 {
		return resp, err
	}
	_, err = io.Copy(io.Discard, resp.Body.Stream)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	resp.Body = event.NoBody
	return resp, nil
}

// PlainText and PlainJSON are what data says to a native of the host: a byte order mark is a
// character like others.
func PlainText(js *isolate.JS, data []byte) (goja.Value, error) {
	return js.Runtime().ToValue(encoding.DecodeUTF8(string(data))), nil
}

// PlainJSON is beside PlainText.
func PlainJSON(js *isolate.JS, data []byte) (goja.Value, error) {
	return natives.ParseJSON(js.Runtime(), data, jsonLimits(js))
}

// Text is what a body says as text: UTF-8, without a byte order mark.
func Text(js *isolate.JS, data []byte) (goja.Value, error) { return toText(js, data) }

// JSON is what a body says as JSON.
func JSON(js *isolate.JS, data []byte) (goja.Value, error) { return toJSON(js, data) }

// Stringify is JSON.stringify as a native of the host does it: what has no JSON is the
// text "undefined".
func Stringify(js *isolate.JS, v goja.Value) (string, error) {
	text, ok, err := stringify(js, v)
	if err == nil && !ok {
		text = "undefined"
	}
	return text, err
}

// StatusText is the reason phrase of an answer.
func StatusText(resp *event.Response) string {
	if resp.StatusText != "" {
		return resp.StatusText
	}
	return http.StatusText(resp.Status)
}
