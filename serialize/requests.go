package serialize

import (
	"context"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/internal/limits"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/events"
	"workerd.local/webapi/fetch"
)

// Front delivers requests to a worker as `fetch` events, which is what the agent of the
// original does. The first thing it asks for is `activate`. Any goroutine.
type Front struct {
	w     *Worker
	under atomic.Int64
	most  int64
}

var _ event.AsyncService = (*Front)(nil)

// NewFront keeps the worker alive until Close, and activates it once it is installed.
func NewFront(w *Worker) *Front {
	f := &Front{w: w, most: int64(limits.AworkerRequests.In(w.o.Limits.Bounds))}
	// A closed loop has no worker any more.
	_ = w.post(func(js *isolate.JS) { w.waits++; w.activate(js) })
	return f
}

// Close lets the worker end when it has nothing else to do.
func (f *Front) Close() { _ = f.w.iso.Loop().Post(func() { f.w.waits-- }) }

// Fetch is event.Service's.
func (f *Front) Fetch(ctx context.Context, req *event.Request) (*event.Response, error) {
	return event.Wait(ctx, func(done func(*event.Response, error)) { f.Start(ctx, req, done) })
}

// Deliver is event.Service's; a worker takes requests only.
func (f *Front) Deliver(context.Context, event.Event) (event.Outcome, error) {
	return event.Outcome{Status: event.NotFound}, event.ErrUnsupported
}

// errNoResponse is the original's text.
var errNoResponse = exception.Errorf("INTERNAL_ERROR: Event settled without response")

// Start is event.AsyncService's.
func (f *Front) Start(_ context.Context, req *event.Request, done func(*event.Response, error)) {
	if f.under.Add(1) > f.most {
		f.under.Add(-1)
		_ = req.Body.Close() // nobody will read it
		done(nil, exception.Errorf("The worker has %d requests under way already.", f.most).WithKind(exception.Overloaded))
		return
	}
	end := func(resp *event.Response, err error) {
		f.under.Add(-1)
		done(resp, err)
	}
	q := &request{w: f.w, req: req, done: end}
	if f.w.iso.Loop().Post(func() {
		f.w.ioc.RunIn(iocontext.Entry{}, func(js *isolate.JS) { f.w.afterInstall(js, q.deliver) }, q.fail)
	}) != nil {
		q.fail(errGone)
	}
}

var errGone = exception.Errorf("The worker has ended.").WithKind(exception.Disconnected)

// request is one request at a worker; on the loop.
type request struct {
	w    *Worker
	req  *event.Request
	done func(*event.Response, error)
	over bool
}

func (q *request) answer(resp *event.Response, err error) {
	if q.over {
		if resp != nil {
			_ = resp.Discard() // nobody waits for it
		}
		return
	}
	q.over = true
	q.done(resp, err)
}

func (q *request) fail(err error) { q.answer(nil, err) }

func (q *request) deliver(js *isolate.JS) {
	w := q.w
	req := *q.req
	if req.Method == "GET" || req.Method == "HEAD" {
		req.Body = event.NoBody
	}
	forget := w.ioc.OnEnd(func() { q.fail(errGone) })
	finish := func(resp *event.Response, err error) { forget(); q.answer(resp, err) }
	object := fetch.NewRequest(js, w.ioc, &req)
	if err := attachBaggage(js, object, req.Header.Values("Baggage")); err != nil {
		finish(nil, err)
		return
	}
	e := &fetchEvent{extendable: *newExtendable("fetch"), request: object}
	told, err := events.Deliver(js, events.Global(js), fetchEventClass, e)
	if err != nil {
		finish(nil, js.Exception(err))
		w.uncaught(js, err)
		return
	}
	e.end(js)
	e.whenSettled(js, func(js *isolate.JS, err error) {
		if err != nil && e.response == nil {
			js.Rejected(err)
		}
	})
	if !told || e.response == nil {
		finish(nil, errNoResponse)
		return
	}
	js.OnSettled(e.response, func(js *isolate.JS, v goja.Value, err error) {
		if err != nil {
			finish(nil, js.Exception(err))
			return
		}
		if _, ok := fetch.ResponseClass.Unwrap(js, v); !ok {
			finish(nil, errNoResponse)
			return
		}
		resp, err := fetch.ToResponse(js, w.ioc, v, fetch.Answer{Request: q.req})
		if err != nil {
			finish(nil, js.Exception(err))
			return
		}
		finish(resp, nil)
	})
}

// baggageKey is Symbol.for of it.
const baggageKey = "aworker.fetch.baggage"

// attachBaggage gives a request the key and value pairs of its Baggage headers as a Map
// whose keys are in lower case.
func attachBaggage(js *isolate.JS, object *goja.Object, headers []string) error {
	rt := js.Runtime()
	m, err := js.Construct(js.Library().Pristine("Map"))
	if err != nil {
		return err
	}
	set := m.Get("set")
	for _, h := range headers {
		for pair := range strings.SplitSeq(h, ",") {
			pair, _, _ = strings.Cut(pair, ";")
			key, value, ok := strings.Cut(pair, "=")
			if !ok {
				continue
			}
			value = strings.TrimSpace(value)
			if plain, err := url.PathUnescape(value); err == nil {
				value = plain
			}
			if _, err := js.Call(set, m, rt.ToValue(strings.ToLower(strings.TrimSpace(key))), rt.ToValue(value)); err != nil {
				return err
			}
		}
	}
	symbol, ok := rt.GlobalObject().Get("Symbol").(*goja.Object)
	if !ok {
		return exception.TypeErrorf("Symbol has been replaced")
	}
	key, err := js.Call(symbol.Get("for"), symbol, rt.ToValue(baggageKey))
	if err != nil {
		return err
	}
	sym, ok := key.(*goja.Symbol)
	if !ok {
		return exception.TypeErrorf("Symbol.for has been replaced")
	}
	return object.DefineDataPropertySymbol(sym, m, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
}
