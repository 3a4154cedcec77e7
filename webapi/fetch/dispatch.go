package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/loop"
	"workerd.local/trace"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/streams"
)

// DispatchOptions are for what Dispatch does differently from the global fetch().
type DispatchOptions struct {
	// Prepare may change the request before it leaves; nil leaves it as it is.
	Prepare func(req *event.Request)
	// Actor is the id of the actor that the service is; nil for any other service. Tail
	// workers are told.
	Actor fmt.Stringer
}

// Dispatch is fetch(input, init) against a service: the request leaves when all
// that the actor has written is durable, svc.Fetch runs on a goroutine of the
// context, and the result is a promise for a Response. A signal cancels the
// exchange, the response's body included. Errors come as rejections.
func Dispatch(c *bind.Call, svc event.Service, input, init goja.Value, o DispatchOptions) (any, error) {
	js := c.JS()
	p, err := dispatch(c, svc, input, init, o)
	if err != nil {
		if isolate.Uncatchable(err) {
			return nil, err
		}
		return js.Rejected(err), nil
	}
	return p, nil
}

func dispatch(c *bind.Call, svc event.Service, input, init goja.Value, o DispatchOptions) (*goja.Object, error) {
	js := c.JS()
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	r, err := newRequest(c, input, init)
	if err != nil {
		return nil, err
	}
	signal := r.ownSignal(js)
	if signal != nil && signal.Aborted() {
		return nil, signal.Err(js)
	}
	target := r.href()
	scheme, _, _ := strings.Cut(target, ":")
	switch scheme {
	case "http", "https":
	case "data":
		resp, err := dataResponse(target)
		if err != nil {
			return nil, err
		}
		return js.Resolved(ResponseClass.Wrap(js, resp)), nil
	default:
		return nil, exception.TypeErrorf("Fetch API cannot load: %s", target)
	}
	event.Opened(svc)
	if svc == nil {
		return nil, exception.Errorf("There is no service that fetch() could send the request to: the worker has no globalOutbound.")
	}
	t := r.openSpans(js, &o)
	req, err := r.leave(js, ioc, target)
	if err != nil {
		t.fail()
		return nil, err
	}
	t.leaves(req)
	if o.Prepare != nil {
		req.Header = cloneHeader(req.Header)
		o.Prepare(req)
	}
	p := send(js, ioc, svc, r, req, o, t.parent(), func(js *isolate.JS, resp *event.Response) (goja.Value, error) {
		t.answered(resp)
		if resp.Body.IsNull() && req.Method != http.MethodHead && !nullBodyStatus(resp.Status) {
			resp.Body = event.BytesBody(nil) // an answer that could have a body has one (Fetch)
		}
		out, err := responseFrom(js, ioc, resp, req.URL)
		if err != nil {
			return nil, err
		}
		if out.webSocket != nil && signal != nil {
			out.webSocket.FailOn(js, signal)
		}
		return ResponseClass.Wrap(js, out), nil
	})
	return t.end(js, p).(*goja.Object), nil
}

// leave is the request as it goes out.
func (r *Request) leave(js *isolate.JS, c *iocontext.Context, target string) (*event.Request, error) {
	b, err := r.body.takeOut(js, c)
	if err != nil {
		return nil, err
	}
	req := &event.Request{
		Method: r.method, URL: bareURL(target), Header: r.raw.share(),
		// Redirects are followed here, so that every service is spared it.
		Body: b, Redirect: "manual",
	}
	if req.WantsWebSocket() {
		// The handshake is a GET without a body, whatever the script says.
		closeLater(c, req.Body)
		req.Method, req.Body = http.MethodGet, event.NoBody
		if js.Compat() != nil && !js.Compat().Has("web_socket_compression") {
			req.Header = cloneHeader(req.Header)
			delete(req.Header, "Sec-Websocket-Extensions")
		}
	}
	Frame(req)
	r.askAnew(req)
	if req.CF, err = r.cfThatLeaves(js); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return req, nil
}

// Frame sets the headers that say how the body ends, which a worker that gets the
// request without a network sees, too.
func Frame(req *event.Request) {
	if req.Body.IsNull() {
		return
	}
	req.Header = cloneHeader(req.Header)
	if n := req.Body.Size(); n >= 0 {
		req.Header.Set("Content-Length", strconv.FormatInt(n, 10))
		return
	}
	req.Header.Set("Transfer-Encoding", "chunked")
}

// bareURL is a serialized URL without its fragment and credentials, which do not
// go over the wire.
func bareURL(u string) string {
	u, _, _ = strings.Cut(u, "#")
	scheme, rest, ok := strings.Cut(u, "://")
	if !ok {
		return u
	}
	authority, path := rest, ""
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		authority, path = rest[:i], rest[i:]
	}
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		authority = authority[i+1:]
	}
	return scheme + "://" + authority + path
}

// exchange is one request under way. Its context ends with the signal, with the
// I/O context while the response is on its way, and with the response's body.
type exchange struct {
	event.Exchange
	ctx context.Context // the same, with the span
	c   *iocontext.Context
	// held says that there is something to let go of.
	held atomic.Bool
	once sync.Once

	// On the loop only: forget undoes the tie to the signal, and may be nil; aborted says that the
	// signal has fired, and that the receiver is being told.
	forget  func()
	aborted bool
}

func newExchange(c *iocontext.Context, span *trace.Span) *exchange {
	x := &exchange{c: c}
	x.Values = c.Parent()
	x.ctx = trace.WithParent(&x.Exchange, span)
	x.held.Store(true)
	c.Tie(x)
	return x
}

// ContextEnded is iocontext.Ending's.
func (x *exchange) ContextEnded() { x.End(x.c.Cause()) }

// release undoes the tie to the I/O context; on the loop.
func (x *exchange) release() {
	x.c.Untie(x)
	x.held.Store(x.forget != nil)
}

// end ends the exchange; any goroutine, any number of times.
func (x *exchange) end(cause error) {
	x.End(cause)
	x.once.Do(func() {
		if !x.held.Load() {
			return
		}
		// A closed loop has no signals any more.
		_ = x.c.Loop().Post(func() {
			x.release()
			if x.forget != nil {
				x.forget()
			}
		})
	})
}

// goneWait is how long a script waits, whose signal has ended a request, for the receiver
// to hear of it.
const goneWait = 100 * time.Millisecond

// send is a promise for what conv makes of the answer, whose body is conv's unless it
// returns an error.
func send(js *isolate.JS, ioc *iocontext.Context, svc event.Service, r *Request, req *event.Request, o DispatchOptions, span *trace.Span, conv func(js *isolate.JS, resp *event.Response) (goja.Value, error)) *goja.Object {
	x := newExchange(ioc, span)
	answer := loop.NewFuture[*event.Response](ioc.Loop())
	if signal := r.ownSignal(js); signal != nil {
		// The receiver hears of it before the script goes on, if it hears soon.
		req.Gone = &event.Gone{}
		x.forget = signal.OnAbort(js, func(js *isolate.JS, reason goja.Value) {
			err := js.Thrown(reason)
			l := ioc.Loop()
			left := ioc.AddPending()
			x.aborted = true
			end := func() { left(); x.end(err); answer.Reject(err) }
			late := l.After(goneWait, end)
			req.Gone.Tell(func() {
				// A closed loop has ended the exchange.
				_ = l.Post(func() { late.Stop(); end() })
			})
		})
	}
	ioc.WaitForOutput().Then(func(_ struct{}, err error) {
		if err == nil {
			err = x.Cause()
		}
		if err != nil {
			closeLater(ioc, req.Body)
			x.end(err)
			answer.Reject(err)
			return
		}
		complete, l := isolate.Begin(ioc.Realm().Isolate().Host()), ioc.Loop()
		follow(x.ctx, svc, req, r.redirect, func(resp *event.Response, err error) {
			complete(func() {
				if l.Post(func() { x.answered(ioc, answer, resp, err) }) != nil && resp != nil {
					// The loop is closed: nobody will read it.
					go resp.Discard()
				}
			})
		})
	})
	return iocontext.Await(js, ioc, loop.Later(answer), func(js *isolate.JS, resp *event.Response) (goja.Value, error) {
		x.release()
		v, err := conv(js, resp)
		if err != nil {
			discardLater(ioc, resp)
		}
		return v, err
	})
}

// answered brings the outcome of the exchange to who waits for it.
func (x *exchange) answered(ioc *iocontext.Context, answer *loop.Future[*event.Response], resp *event.Response, err error) {
	if x.aborted {
		// The reason of the signal is the outcome.
		if resp != nil {
			closeLater(ioc, resp.Body)
		}
		return
	}
	if err != nil {
		if cause := x.Cause(); cause != nil {
			err = cause
		}
		x.end(err)
		answer.Reject(serviceError(err))
		return
	}
	resp.Body = x.body(resp.Body)
	if ioc.Ended() || !answer.Resolve(resp) {
		// Aborted in between: nobody will read it.
		discardLater(ioc, resp)
	}
}

// discardLater releases an answer that nobody wants.
func discardLater(c *iocontext.Context, resp *event.Response) {
	if resp.WebSocket != nil {
		resp.WebSocket.Abort(event.ErrDisconnected)
	}
	closeLater(c, resp.Body)
}

// closeLater closes a body that nobody reads, on a goroutine, as it may block.
func closeLater(c *iocontext.Context, b event.Body) {
	if b.Stream != nil {
		loop.Go(context.Background(), c.Loop(), func(context.Context) (struct{}, error) { return struct{}{}, b.Close() })
	}
}

// body ties the context of the exchange to the response's body.
func (x *exchange) body(b event.Body) event.Body {
	if b.Stream == nil {
		x.release()
		x.end(nil)
		return b
	}
	b.Stream = &exchangeBody{b.Stream, x}
	return b
}

type exchangeBody struct {
	io.ReadCloser
	x *exchange
}

// Read reports the reason of the signal where that ended the exchange.
func (b *exchangeBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) && b.x.Cause() != nil {
		err = b.x.Cause()
	}
	return n, err
}

// WriteTo keeps the fast way of the body, where it has one.
func (b *exchangeBody) WriteTo(w io.Writer) (int64, error) {
	if wt, ok := b.ReadCloser.(io.WriterTo); ok {
		return wt.WriteTo(w)
	}
	return io.Copy(w, struct{ io.Reader }{b})
}

// Close ends the exchange.
func (b *exchangeBody) Close() error {
	err := b.ReadCloser.Close()
	b.x.end(context.Canceled)
	return err
}

// serviceError is what a script sees of a failure of the network.
func serviceError(err error) error {
	var e *exception.Exception
	if errors.As(err, &e) {
		return err
	}
	var ne net.Error
	var oe *net.OpError
	if errors.As(err, &ne) || errors.As(err, &oe) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, context.Canceled) {
		return streams.ErrDisconnected.WithCause(err)
	}
	return err
}

// cfText is request.cf as JSON.
func cfText(js *isolate.JS, v goja.Value) ([]byte, error) {
	text, ok, err := stringify(js, v)
	if err != nil || !ok {
		return nil, err
	}
	return []byte(text), nil
}
