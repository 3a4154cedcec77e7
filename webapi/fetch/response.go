package fetch

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/console"
	"workerd.local/webapi/streams"
	"workerd.local/webapi/url"
	"workerd.local/webapi/websockets"
)

// Response is a Response.
type Response struct {
	message
	status     int
	statusText string
	url        string
	redirected bool
	encoded    bool // encodeBody "manual", or an answer that is still encoded
	cf         goja.Value
	webSocket  *websockets.Socket
	isError    bool
}

var errStatus = exception.RangeErrorf("Responses may only be constructed with status codes in the range 200 to 599, inclusive.")

func nullBodyStatus(status int) bool {
	return status == 101 || status == 204 || status == 205 || status == 304
}

// responseInit is the second argument of the constructor.
func (r *Response) init(c *bind.Call, v goja.Value) error {
	r.status, r.raw = 200, &Headers{h: http.Header{}}
	if goja.IsUndefined(v) || goja.IsNull(v) {
		return nil
	}
	obj, ok := v.(*goja.Object)
	if !ok {
		return c.BadArg(2, "InitializerDict or Response")
	}
	encode := "automatic"
	from, _ := ResponseClass.Unwrap(c.JS(), obj)
	err := c.Dictionary(obj, "InitializerDict",
		"status", &r.status,
		"statusText", &r.statusText,
		"headers", func(f *bind.Call, v goja.Value) (err error) {
			r.raw, err = headersOf(f, v)
			return err
		},
		"cf", func(f *bind.Call, v goja.Value) error { return objectOrNull(f, v, &r.cf) },
		"webSocket", func(f *bind.Call, v goja.Value) (err error) {
			if from != nil {
				r.webSocket = from.webSocket // whatever a subclass shows
				return nil
			}
			r.webSocket, err = socketOrNull(f, v)
			return err
		},
		"encodeBody", &encode,
	)
	if err != nil {
		return err
	}
	switch encode {
	case "automatic":
		r.encoded = from != nil && from.encoded
	case "manual":
		r.encoded = true
	default:
		return exception.TypeErrorf("encodeBody: unexpected value: %s", encode)
	}
	if strings.ContainsAny(r.statusText, "\x00\r\n") {
		return exception.TypeErrorf("Invalid statusText")
	}
	if r.webSocket != nil {
		if r.status != 101 {
			return exception.RangeErrorf("Responses with a WebSocket must have status code 101.")
		}
		return nil
	}
	if r.status < 200 || r.status > 599 {
		return errStatus
	}
	return nil
}

func socketOrNull(f *bind.Call, v goja.Value) (*websockets.Socket, error) {
	if goja.IsNull(v) {
		return nil, nil
	}
	s, ok := websockets.Class.Unwrap(f.JS(), v)
	if !ok {
		return nil, f.BadArg(1, "WebSocket")
	}
	return s, nil
}

// objectOrNull takes a member that must be an object; null counts as missing.
func objectOrNull(f *bind.Call, v goja.Value, to *goja.Value) error {
	if goja.IsNull(v) {
		return nil
	}
	if _, ok := v.(*goja.Object); !ok {
		return f.BadArg(1, "Object")
	}
	*to = v
	return nil
}

func newResponse(c *bind.Call, bodyInit, init goja.Value) (*Response, error) {
	r := &Response{}
	if err := r.init(c, init); err != nil {
		return nil, err
	}
	b, typ, err := extract(c, bodyInit)
	if err != nil {
		return nil, err
	}
	return r, r.setBody(c.JS(), b, typ)
}

// MakeResponse is what the constructor makes of (body, init).
func MakeResponse(c *bind.Call, body, init goja.Value) (*Response, error) {
	return newResponse(c, body, init)
}

// setBody gives a new response its body.
func (r *Response) setBody(js *isolate.JS, b body, typ string) error {
	if !b.isNull() && nullBodyStatus(r.status) {
		// An empty body is forgiven: it says what null says.
		if b.stream != nil || len(b.bytes) > 0 {
			return exception.TypeErrorf("Response with null body status (101, 204, 205, or 304) cannot have a body.")
		}
		console.TraceWarning(js, fmt.Sprintf("Constructing a Response with a null body status (%d) and a non-null, zero-length body. This is technically incorrect, and we recommend you update your code to explicitly pass in a `null` body, e.g. `new Response(null, { status: %d, ... })`. (We continue to allow the zero-length body behavior because it was previously the only way to construct a Response with a null body status. This behavior may change in the future.)", r.status, r.status))
		return nil
	}
	r.body = b
	r.setType(js, typ)
	return nil
}

// responseFrom is the answer of a service, owned by c, which is current.
func responseFrom(js *isolate.JS, c *iocontext.Context, resp *event.Response, requestURL string) (*Response, error) {
	h := NewHeaders(resp.Header, true)
	if resp.Encoded && !resp.Body.IsNull() {
		if e := contentEncoding(h); e != "" {
			resp.Body, resp.Encoded = decode(resp.Body, e), false
		}
	}
	b, err := bodyFrom(js, c, resp.Body)
	if err != nil {
		return nil, err
	}
	var socket *websockets.Socket
	if resp.WebSocket != nil {
		socket = websockets.New(js, c, resp.WebSocket)
	}
	r := &Response{
		webSocket:  socket,
		message:    message{raw: h, body: b},
		status:     resp.Status,
		statusText: resp.StatusText,
		url:        resp.URL,
		redirected: resp.Redirected,
		encoded:    resp.Encoded,
	}
	if r.url == "" {
		r.url = requestURL
	}
	if r.statusText == "" {
		r.statusText = http.StatusText(r.status)
	}
	return r, nil
}

// ToResponse turns what a handler returned into a response that can leave the
// loop, and consumes its body. Bytes stay bytes; a stream of the host's is handed
// on as its Go reader; the stream of a script becomes a reader (also an
// io.WriterTo) that asks the loop for chunks as it is read, holds the stream back
// where it is not, and cancels the stream when it is closed. c stays alive until
// such a stream has ended. A WebSocket is given away; where its peer is a socket of c,
// c stays alive until that is over.
func ToResponse(js *isolate.JS, c *iocontext.Context, v goja.Value, o Answer) (*event.Response, error) {
	r, ok := ResponseClass.Unwrap(js, v)
	if !ok {
		return nil, exception.TypeErrorf("Incorrect type for Promise: the Promise did not resolve to 'Response'.")
	}
	if r.isError {
		return nil, exception.TypeErrorf("Return value from serve handler must not be an error response (like Response.error())")
	}
	b, err := r.body.takeOut(js, c)
	if err != nil {
		return nil, err
	}
	encoded := r.encoded
	if !encoded {
		b, encoded = unwrap(b, r.raw)
	}
	resp := &event.Response{
		Status:     r.status,
		StatusText: r.statusText,
		Header:     r.raw.share(),
		Body:       b,
		URL:        r.url,
		Redirected: r.redirected,
		Encoded:    encoded,
	}
	if r.webSocket != nil {
		return resp, r.couple(js, resp, o)
	}
	return resp, nil
}

// Answer says what a Response is the answer to.
type Answer struct {
	// Request is what is answered; nil means that no WebSocket may be the answer.
	Request *event.Request
	// Coupled, which may be nil, is told that a socket of the context is the other side
	// of the WebSocket that leaves; what it returns is called when that is over.
	Coupled func() (over func())
}

var errNotAsked = exception.TypeErrorf("Worker tried to return a WebSocket in a response to a request which did not contain the header \"Upgrade: websocket\".")

// couple gives the WebSocket to the answer, and says which compression may be agreed on.
func (r *Response) couple(js *isolate.JS, resp *event.Response, o Answer) error {
	if o.Request == nil || !o.Request.WantsWebSocket() {
		return errNotAsked
	}
	local := r.webSocket.OfPair()
	end, err := r.webSocket.Take(js, o.Coupled)
	if err != nil {
		return err
	}
	resp.WebSocket = end
	if v := resp.Header["Sec-Websocket-Protocol"]; len(v) == 1 && v[0] == "" {
		// A browser would refuse a choice that is none.
		resp.Header = cloneHeader(resp.Header)
		delete(resp.Header, "Sec-Websocket-Protocol")
	}
	const extensions = "Sec-Websocket-Extensions"
	_, set := resp.Header[extensions]
	offered := o.Request.Header[extensions]
	switch compress := js.Compat() == nil || js.Compat().Has("web_socket_compression"); {
	case !compress && set:
		resp.Header = cloneHeader(resp.Header)
		delete(resp.Header, extensions)
	case compress && !set && local && len(offered) > 0:
		// The script has no opinion: whatever the client offers will do.
		resp.Header = cloneHeader(resp.Header)
		resp.Header[extensions] = offered
	}
	return nil
}

// Status is the status code.
func (r *Response) Status() int { return r.status }

// Headers are the response's headers, not a copy.
func (r *Response) Headers() *Headers { return r.raw }

// WebSocket is the webSocket attribute, or nil.
func (r *Response) WebSocket() *websockets.Socket { return r.webSocket }

// ResponseClass is Response. It is filled in by defineResponse: its methods make
// instances of it.
var ResponseClass = &bind.Class[Response]{Name: "Response"}

func defineResponse() *bind.Class[Response] {
	of := func(r *Response) *message { return &r.message }
	*ResponseClass = bind.Class[Response]{
		Name:    ResponseClass.Name,
		Lengths: map[string]int{"redirect": 1, "json": 1},
		New: func(c *bind.Call) (*Response, error) {
			return newResponse(c, c.Arg(0), c.Arg(1))
		},
		Order: []string{"status", "statusText", "headers", "ok", "redirected", "url", "webSocket", "cf", "type", "body", "bodyUsed"},
		Getters: bodyGetters(of, map[string]bind.Getter[Response]{
			"status":     func(r *Response, _ *bind.Call) (any, error) { return r.status, nil },
			"statusText": func(r *Response, _ *bind.Call) (any, error) { return r.statusText, nil },
			"ok":         func(r *Response, _ *bind.Call) (any, error) { return r.status >= 200 && r.status < 300, nil },
			"url":        func(r *Response, _ *bind.Call) (any, error) { return r.url, nil },
			"redirected": func(r *Response, _ *bind.Call) (any, error) { return r.redirected, nil },
			"type": func(r *Response, _ *bind.Call) (any, error) {
				if r.isError {
					return "error", nil
				}
				return "default", nil
			},
			"cf": func(r *Response, _ *bind.Call) (any, error) { return r.cf, nil },
			"webSocket": func(r *Response, c *bind.Call) (any, error) {
				if r.webSocket == nil {
					return bind.Null, nil
				}
				return r.webSocket.Object(c.JS()), nil
			},
		}),
		Methods: map[string]bind.Method[Response]{
			"clone": func(r *Response, c *bind.Call) (any, error) {
				if r.webSocket != nil {
					return nil, exception.TypeErrorf("Cannot clone a response to a WebSocket handshake.")
				}
				b, err := r.body.clone(c.JS())
				if err != nil {
					return nil, err
				}
				copied := *r
				copied.message = message{raw: &Headers{h: cloneHeader(r.raw.h), immutable: r.raw.immutable}, body: b}
				return ResponseClass.Wrap(c.JS(), &copied), nil
			},
		},
		Async: bodyMethods(of),
		Statics: map[string]bind.Static{
			"json":     responseJSON,
			"redirect": responseRedirect,
			"error": func(c *bind.Call) (any, error) {
				return ResponseClass.Wrap(c.JS(), &Response{message: message{raw: NewHeaders(nil, true)}, isError: true}), nil
			},
		},
	}
	return ResponseClass
}

func responseJSON(c *bind.Call) (any, error) {
	js := c.JS()
	if c.Len() == 0 {
		return nil, c.BadArg(1, "Value")
	}
	text, ok, err := stringify(js, c.Arg(0))
	if err != nil {
		return nil, err
	}
	if !ok {
		text = "undefined"
	}
	r := &Response{}
	if err := r.init(c, c.Arg(1)); err != nil {
		return nil, err
	}
	if err := checkSize(js, len(text)); err != nil {
		return nil, err
	}
	return ResponseClass.Wrap(js, r), r.setBody(c.JS(), body{bytes: []byte(text)}, "application/json")
}

func responseRedirect(c *bind.Call) (any, error) {
	var to string
	status := 302
	if err := c.Unpack("url", &to, "status?", &status); err != nil {
		return nil, err
	}
	if !slices.Contains([]int{301, 302, 303, 307, 308}, status) {
		return nil, exception.RangeErrorf("%d is not a redirect status code. It must be one of: 301, 302, 303, 307, or 308.", status)
	}
	u, err := url.Parse(to, nil)
	if err != nil {
		return nil, exception.TypeErrorf("Unable to parse URL: %s", to)
	}
	return ResponseClass.Wrap(c.JS(), &Response{
		message: message{raw: NewHeaders(http.Header{"Location": {u.Href()}}, true)},
		status:  status,
	}), nil
}

// IsError reports whether it is what Response.error() gives.
func (r *Response) IsError() bool { return r.isError }

// Stream is the body as a stream; nil where there is none.
func (r *Response) Stream(js *isolate.JS) (*streams.Readable, error) {
	v, err := r.body.object(js)
	if err != nil || r.body.stream == nil {
		return nil, err
	}
	s, _ := streams.Of(js, v.(goja.Value))
	return s, nil
}

// WithBody is new Response(s, r): all of r but its body. Bytes that r would have sent
// as they are, because they are encoded already, are still that.
func (r *Response) WithBody(s *streams.Readable) *Response {
	return &Response{
		message: message{raw: r.raw.Clone(), body: body{stream: s}},
		status:  r.status, statusText: r.statusText, encoded: r.encoded, cf: r.cf,
	}
}

// ContentType is the Content-Type header, empty where there is none.
func (r *Response) ContentType() string { return r.contentType() }

// HasNoBody reports whether the body is null.
func (r *Response) HasNoBody() bool { return r.body.isNull() }

// URL is the url attribute.
func (r *Response) URL() string { return r.url }

// StatusText is the statusText attribute.
func (r *Response) StatusText() string { return r.statusText }

// Redirected is the redirected attribute.
func (r *Response) Redirected() bool { return r.redirected }

// Whole reads the body to its end, and is a promise for what conv makes of it; no body is
// no bytes.
func (r *Response) Whole(js *isolate.JS, conv func(js *isolate.JS, data []byte) (goja.Value, error)) (goja.Value, error) {
	v, err := r.body.consume(js, conv)
	if err != nil {
		return nil, err
	}
	return bind.Value(js, v), nil
}
