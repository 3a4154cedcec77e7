package worker

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/trace"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/console"
	"workerd.local/webapi/events"
	"workerd.local/webapi/tail"
)

// Traces reports whether anybody is told of invocations.
func (w *Worker) Traces() bool { return w.o.Tails != nil }

// Trace begins to follow an invocation of the worker, for its tails; nil where nobody is
// to be told. Tests are not followed where their entrypoint has the name "test"
// (workerd). The isolate's goroutine only.
func (w *Worker) Trace(ctx context.Context, s trace.Subject) *trace.Tracer {
	if !w.Traces() || s.Entrypoint == "test" {
		return nil
	}
	if s.Entrypoint == "default" {
		s.Entrypoint = ""
	}
	host := w.iso.Host()
	return w.o.Tails.Begin(trace.Options{Subject: s, Context: ctx, Host: host, Predictable: isolate.Predictable(host)})
}

// FetchInfo is what tails are told of a request.
func FetchInfo(req *event.Request) *trace.Fetch {
	f := &trace.Fetch{Method: req.Method, URL: req.URL, CF: req.CF}
	for name, values := range req.Header {
		if req.Client == "" && (name == "Content-Length" || name == "Transfer-Encoding") {
			continue // nobody sent it: it says how the body came here
		}
		f.Header = append(f.Header, trace.Header{Name: strings.ToLower(name), Value: strings.Join(values, ", ")})
	}
	slices.SortFunc(f.Header, func(a, b trace.Header) int { return strings.Compare(a.Name, b.Name) })
	return f
}

// TraceReturn tells the tails of a response; that of a WebSocket has no status for them.
func TraceReturn(t *trace.Tracer, resp *event.Response) {
	if t != nil && resp != nil {
		status := resp.Status
		if status == http.StatusSwitchingProtocols {
			status = 0
		}
		t.Return(status)
	}
}

// infoOf is what tails are told of an event that is not HTTP.
func infoOf(ev event.Event) trace.Info {
	switch ev := ev.(type) {
	case event.Scheduled:
		return &trace.Scheduled{Time: ev.Time, Cron: ev.Cron}
	case event.Connection:
		return &trace.Connect{}
	case event.QueueBatch:
		return &trace.Queue{Name: ev.Queue, Batch: len(ev.Messages)}
	case event.Traces:
		info := &trace.Tail{}
		for _, t := range ev.List {
			info.Consumed = append(info.Consumed, t.Script)
		}
		return info
	case event.TailStream:
		return &trace.Tail{}
	}
	return &trace.Custom{}
}

// tailEvent is a TailEvent: what listeners of tail and trace get.
type tailEvent struct {
	extendable
	items *goja.Object
}

var tailEventClass = &bind.Class[tailEvent]{
	Name:   "TailEvent",
	Parent: bind.Extends(events.ExtendableEventClass, func(e *tailEvent) *events.Extendable { return &e.Extendable }),
	Getters: map[string]bind.Getter[tailEvent]{
		"events": func(e *tailEvent, _ *bind.Call) (any, error) { return e.items, nil },
		"traces": func(e *tailEvent, _ *bind.Call) (any, error) { return e.items, nil },
	},
	Methods: map[string]bind.Method[tailEvent]{
		"waitUntil": func(e *tailEvent, c *bind.Call) (any, error) { return e.ctx.waitUntil(c) },
	},
}

// traceEvent is the older name of the class.
var traceEvent = bind.Var{Name: "TraceEvent", Make: func(js *isolate.JS) (goja.Value, error) { return tailEventClass.Constructor(js), nil }}

// dispatchTraces delivers traces to the listeners.
func (w *Worker) dispatchTraces(js *isolate.JS, d *delivery, traces []*trace.Trace) {
	x := &executionContext{w: w, ioc: d.ioc}
	items := tail.Items(js, traces)
	for _, name := range []string{"tail", "trace"} {
		e := &tailEvent{extendable: extendable{Extendable: events.Extendable{Event: events.New(name, false)}, ctx: x}, items: items}
		events.Dispatch(js, events.Global(js), tailEventClass, e)
	}
	d.returned = true
	d.idle()
}

// runTraces calls tail(), or trace() where there is none, with traces of other
// invocations.
func (d *delivery) runTraces(js *isolate.JS, obj, ctx *goja.Object, traces []*trace.Trace) {
	handler := obj.Get("tail")
	if !isFunction(handler) {
		handler = obj.Get("trace")
	}
	if !isFunction(handler) {
		d.w.warnOnce(js, "Attempted to send events but we lack a handler, did you remember to export a tail() function?")
		d.fail(exception.Errorf("Handler does not export a tail() function."))
		return
	}
	v, err := js.Call(handler, obj, tail.Items(js, traces), d.w.env, ctx)
	if err != nil {
		d.fail(err)
		return
	}
	js.OnSettled(v, func(_ *isolate.JS, _ goja.Value, err error) {
		if err != nil {
			d.fail(err)
			return
		}
		d.returned = true
		d.idle()
	})
}

func isFunction(v goja.Value) bool { _, ok := goja.AssertFunction(v); return ok }

// hasDefault reports whether the script has anything that takes events of the default
// entrypoint.
func (w *Worker) hasDefault() bool {
	return w.exports.handlers["default"] != nil || w.exports.stateless["default"] != nil || w.exports.actors["default"] != nil
}

// warnOnce prints a warning that the realm has not seen.
func (w *Worker) warnOnce(js *isolate.JS, text string) {
	if !w.warned[text] {
		if w.warned == nil {
			w.warned = map[string]bool{}
		}
		w.warned[text] = true
		console.PrintWarning(js, text)
	}
}

// tailStream is one invocation that a streaming tail worker follows.
type tailStream struct {
	d       *delivery
	stream  *trace.Stream
	handler goja.Value // what tailStream() returned; nil until then
	pending func()     // more is to come
}

// runStream calls tailStream() with the first event, and what that returns with the
// others.
func (d *delivery) runStream(js *isolate.JS, obj, ctx *goja.Object, s *trace.Stream) {
	t := &tailStream{d: d, stream: s, pending: d.ioc.AddPending()}
	handler := obj.Get("tailStream")
	if !isFunction(handler) {
		d.w.warnOnce(js, "A worker configured to act as a streaming tail worker does not export a tailStream() handler.")
		t.stop()
		return
	}
	first := s.Next(nil)
	if len(first) == 0 { // the invocation has not begun
		t.stop()
		return
	}
	v, err := js.Call(handler, obj, tail.Event(js, first[0]), d.w.env, ctx)
	if err != nil {
		t.noHandler(js, err)
		return
	}
	js.OnSettled(v, func(js *isolate.JS, v goja.Value, err error) {
		if err != nil {
			t.noHandler(js, err)
			return
		}
		if _, ok := v.(*goja.Object); !ok {
			if !goja.IsUndefined(v) {
				d.w.warnOnce(js, "tailStream() handler returned an unusable value. The tailStream() handler is expected to return either a function, an object, or undefined. Received "+typeOf(v))
			}
			t.stop()
			return
		}
		t.handler = v
		t.next()
	})
}

func typeOf(v goja.Value) string {
	if goja.IsNull(v) {
		return "object"
	}
	switch v.Export().(type) {
	case string:
		return "string"
	case bool:
		return "boolean"
	case int64, float64:
		return "number"
	}
	if _, ok := v.(*goja.Symbol); ok {
		return "symbol"
	}
	return "bigint"
}

// noHandler ends the stream because tailStream() failed.
func (t *tailStream) noHandler(js *isolate.JS, err error) {
	if isolate.Uncatchable(err) {
		return // the delivery is told
	}
	t.d.w.warnOnce(js, "A worker configured to act as a streaming tail worker did not return a valid tailStream() handler.")
	t.stream.Stop()
	t.d.fail(err)
}

// stop ends the stream; what it left to waitUntil goes on.
func (t *tailStream) stop() {
	t.stream.Stop()
	t.d.returned = true
	t.pending()
	t.d.tracer.Return(0)
	t.d.idle()
}

// next waits for events, on the loop, and delivers them.
func (t *tailStream) next() {
	if t.d.ioc.Ended() {
		return
	}
	l := t.d.ioc.Loop()
	batch := t.stream.Next(func() {
		// A closed loop has ended the tail worker already.
		_ = l.Post(t.next)
	})
	if len(batch) == 0 {
		return
	}
	t.d.ioc.RunIn(iocontext.Entry{}, func(js *isolate.JS) { t.deliver(js, batch) }, t.d.fail)
}

// deliver calls the handler for each event, and goes on when all that it returned has
// settled.
func (t *tailStream) deliver(js *isolate.JS, batch []*trace.Event) {
	last, waiting := false, 1
	var failed bool
	settled := func(_ *isolate.JS, _ goja.Value, err error) {
		switch {
		case failed:
		case err != nil:
			failed = true
			t.stream.Stop()
			t.d.fail(err)
		default:
			if waiting--; waiting > 0 {
				return
			}
			if last {
				t.stop()
				return
			}
			// Not in this turn: a chatty worker must not keep the loop.
			t.d.ioc.Loop().Defer(t.next)
		}
	}
	for _, e := range batch {
		_, last = e.Body.(*trace.Outcome)
		fn := t.handler
		if !isFunction(fn) {
			fn = t.handler.(*goja.Object).Get(tail.HandlerName(e))
		}
		if isFunction(fn) {
			v, err := js.Call(fn, t.handler, tail.Event(js, e))
			if err != nil {
				settled(js, nil, err)
				return
			}
			waiting++
			js.OnSettled(v, settled)
		}
		if last {
			break
		}
	}
	settled(js, nil, nil)
}
