package r2

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/trace"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/blob"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/streams"
)

// digits are what the size of metadata begins with; workerd minds nothing behind them.
var digits = regexp.MustCompile(`^[+-]?[0-9]*`)

// maxMetadata is the longest metadata of an answer (workerd).
const maxMetadata = 1 << 20

// answer is what the service said.
type answer struct {
	status   int
	failed   *failure // nil where it was a success
	metadata []byte   // nil where there was none
	body     event.Body
}

func (a *answer) notFound() bool {
	return a.status == http.StatusNotFound && a.failed != nil && a.failed.V4Code == 10007
}

func (a *answer) preconditionFailed() bool {
	return a.status == http.StatusPreconditionFailed && a.failed != nil && (a.failed.V4Code == 10031 || a.failed.V4Code == 10032)
}

var errNoMetadata = errors.New("answer of an R2 service: it has no metadata")

// head reads the metadata as that of an object.
func (a *answer) head() (*head, error) {
	if a.metadata == nil {
		return nil, errNoMetadata
	}
	h := &head{}
	return h, read(a.metadata, h)
}

// service reads the metadata of answers, which takes time, before it hands them over.
type service struct {
	event.Service
	whole bool // the metadata is the body
	a     *answer
}

var _ event.Front = (*service)(nil)

// Front is event.Front's.
func (*service) Front() {}

// Fetch is event.Service's.
func (s *service) Fetch(ctx context.Context, req *event.Request) (*event.Response, error) {
	resp, err := event.Ask(ctx, s.Service, req)
	if err != nil {
		return nil, err
	}
	if err := s.read(resp); err != nil {
		return nil, errors.Join(err, resp.Body.Close())
	}
	return resp, nil
}

func (s *service) read(resp *event.Response) error {
	a := s.a
	a.status = resp.Status
	if resp.Status >= 400 {
		a.failed = &failure{Message: "Unspecified error"}
		if text, ok := fetch.Header(resp, "Cf-R2-Error"); ok {
			a.failed.Message = ""
			if err := read([]byte(text), a.failed); err != nil {
				return err
			}
		}
		if s.whole {
			a.body = resp.Body
			return nil
		}
	}
	size := int64(maxMetadata + 1)
	if !s.whole {
		resp.Body, resp.Encoded = fetch.Decoded(resp), false
		text, ok := fetch.Header(resp, "Cf-R2-Metadata-Size")
		if !ok {
			a.body = resp.Body
			return nil
		}
		n, err := strconv.ParseInt(digits.FindString(text), 10, 64)
		if err != nil || n < 0 || n > maxMetadata {
			return fmt.Errorf("answer of an R2 service: metadata of %q bytes", text)
		}
		size = n
	}
	if resp.Body.Stream == nil {
		n := min(size, int64(len(resp.Body.Bytes)))
		a.metadata, a.body = resp.Body.Bytes[:n:n], event.BytesBody(resp.Body.Bytes[n:])
	} else {
		b, err := io.ReadAll(io.LimitReader(resp.Body.Stream, size))
		if err != nil {
			return err
		}
		a.metadata, a.body = b, resp.Body
		if a.body.Length >= 0 {
			a.body.Length = max(a.body.Length-int64(len(b)), 0)
		}
	}
	switch n := int64(len(a.metadata)); {
	case s.whole && n > maxMetadata:
		return fmt.Errorf("answer of an R2 service: metadata of more than %d bytes", maxMetadata)
	case !s.whole && n < size:
		return fmt.Errorf("answer of an R2 service: metadata of %d bytes ends after %d", size, n)
	}
	resp.Body = a.body
	return nil
}

// get asks for something that may have a body; the answer's is conv's, which must take it
// or close it.
func (b *Bucket) get(js *isolate.JS, ioc *iocontext.Context, s *trace.Span, r *request, conv func(js *isolate.JS, a *answer) (goja.Value, error)) (any, error) {
	text, err := wire(r)
	if err != nil {
		return nil, err
	}
	req := &event.Request{Method: http.MethodGet, URL: "https://fake-host", Redirect: "manual", Header: http.Header{"Cf-R2-Request": {string(text)}}}
	r.describe(s, -1)
	return b.send(js, ioc, s, req, false, conv), nil
}

// put asks for something to be done, with a value where that is not nothing.
func (b *Bucket) put(js *isolate.JS, ioc *iocontext.Context, s *trace.Span, r *request, value event.Body, conv func(js *isolate.JS, a *answer) (goja.Value, error)) (any, error) {
	text, err := wire(r)
	if err != nil {
		return nil, err
	}
	req := &event.Request{
		Method: http.MethodPut, URL: "https://fake-host", Redirect: "manual", Header: http.Header{"Cf-R2-Metadata-Size": {strconv.Itoa(len(text))}},
		Body: behind(text, value),
	}
	fetch.Frame(req)
	size := int64(-1)
	if !value.IsNull() {
		size = value.Size()
	}
	r.describe(s, size)
	return b.send(js, ioc, s, req, true, func(js *isolate.JS, a *answer) (goja.Value, error) {
		fetch.CloseLater(ioc, a.body)
		return conv(js, a)
	}), nil
}

func (b *Bucket) send(js *isolate.JS, ioc *iocontext.Context, s *trace.Span, req *event.Request, whole bool, conv func(js *isolate.JS, a *answer) (goja.Value, error)) *goja.Object {
	a := &answer{}
	return fetch.Send(js, ioc, &service{Service: b.Service, whole: whole, a: a}, req, func(js *isolate.JS, resp *event.Response) (goja.Value, error) {
		a.body = resp.Body
		a.describe(s)
		return conv(js, a)
	})
}

// behind is a body with bytes in front of it.
func behind(front []byte, b event.Body) event.Body {
	if b.Stream == nil {
		return event.BytesBody(append(front, b.Bytes...))
	}
	n := int64(len(front))
	return event.StreamBody(event.Prefixed(front, b.Stream), b.Length+n)
}

var errNoLength = exception.TypeErrorf("Provided readable stream must have a known length (request/response body or readable half of FixedLengthStream)")

// valueOf checks that an argument can be a value, and returns what makes it one.
func valueOf(c *bind.Call, n int) (take func(ioc *iocontext.Context) (event.Body, error), stream *streams.Readable, err error) {
	js, v := c.JS(), c.Arg(n-1)
	whole := func(b []byte) func(*iocontext.Context) (event.Body, error) {
		return func(*iocontext.Context) (event.Body, error) { return event.BytesBody(b), nil }
	}
	if s, ok := v.(goja.String); ok {
		return whole([]byte(s.String())), nil, nil
	}
	bad := c.BadArg(n, "JsReadableStream or ArrayBuffer or ArrayBufferView or string or Blob")
	obj, ok := v.(*goja.Object)
	if !ok {
		return nil, nil, bad
	}
	if host, _, ok := bind.ValueOf(js, obj); ok {
		if s, ok := host.(*streams.Readable); ok {
			return func(ioc *iocontext.Context) (event.Body, error) {
				b, err := s.Rest(js, ioc)
				if err == nil && b.Size() < 0 {
					fetch.CloseLater(ioc, b)
					err = errNoLength
				}
				return b, err
			}, s, nil
		}
		if x, ok := blob.Of(js, obj); ok {
			return whole(append([]byte{}, x.Bytes()...)), nil, nil
		}
		return nil, nil, bad
	}
	if b, ok := bind.Bytes(js, obj); ok {
		return whole(append([]byte{}, b...)), nil, nil
	}
	return nil, nil, bad
}
