package eventsource

import (
	"errors"
	"fmt"
	"mime"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/internal/limits"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/events"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/streams"
	"workerd.local/webapi/url"
)

// Module is what scripts see of the package.
var Module = bind.Module{Name: "eventsource", Globals: []bind.Global{define()}}

// States of an EventSource.
const (
	connecting = 0
	open       = 1
	closed     = 2
)

// How long it waits before it connects again, in milliseconds: what the server says,
// within these (workerd).
const (
	retryUsual = 2_000
	retryLeast = 1_000
	retryMost  = 10_000
)

// source is an EventSource.
type source struct {
	events.Target
	c       *iocontext.Context
	url     *url.URL // nil where it reads a stream
	service event.Service
	state   int
	signal  *events.Signal // of the connection
	in      *streams.Chunks
	parser  *parser
	retry   float64
	timer   int
	empty   bool // an answer had no body
}

func newSource(js *isolate.JS, c *iocontext.Context) *source {
	return &source{c: c, retry: retryUsual, parser: newParser(limits.EventBytes.In(js.Bounds()), "")}
}

// connect fetches the event stream.
func (s *source) connect(js *isolate.JS) {
	if s.state == closed {
		return
	}
	s.signal = events.NewSignal()
	rt := js.Runtime()
	headers := map[string]string{"Accept": "text/event-stream", "Cache-Control": "no-cache"}
	if s.parser.lastID != "" {
		headers["Last-Event-ID"] = s.parser.lastID
	}
	h := rt.NewObject()
	for name, v := range headers {
		// New objects take any property.
		_ = h.DefineDataProperty(name, rt.ToValue(v), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
	}
	init := rt.NewObject()
	_ = init.DefineDataProperty("headers", h, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
	_ = init.DefineDataProperty("signal", s.signal.Object(js), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
	p, err := fetch.Fetch(js, s.service, rt.ToValue(s.url.Href()), init)
	if err != nil {
		js.Panic(err) // an interrupt: all else is a rejection
	}
	signal := s.signal
	js.OnSettled(p.(goja.Value), func(js *isolate.JS, v goja.Value, err error) {
		switch {
		case s.state == closed || s.signal != signal:
		case err != nil:
			s.fail(js, js.Error(err), false)
		default:
			r, _ := fetch.ResponseClass.Unwrap(js, v)
			s.answered(js, r)
		}
	})
}

func abortError(format string, args ...any) error {
	return exception.DOM("AbortError", fmt.Sprintf(format, args...))
}

// answered looks at the response.
func (s *source) answered(js *isolate.JS, r *fetch.Response) {
	typ := r.ContentType()
	media, _, err := mime.ParseMediaType(typ)
	switch {
	case r.Status() < 200 || r.Status() > 299:
		err = abortError("The response status code was %d.", r.Status())
	case typ == "":
		err = abortError("No content type header was present in the response.")
	case err != nil || media != "text/event-stream":
		err = abortError("The content type '%s' is invalid.", typ)
	}
	if err != nil {
		s.fail(js, js.Error(err), false)
		return
	}
	if to := r.URL(); to != "" {
		if u, err := url.Parse(to, nil); err == nil {
			s.url = u
		}
	}
	body, err := r.Stream(js)
	switch {
	case err != nil:
		s.fail(js, js.Error(err), false)
	case body == nil && s.empty:
		s.fail(js, js.Error(exception.Errorf("The server provided no content.")), false)
	case body == nil:
		s.empty = true
		s.fail(js, js.Error(exception.Errorf("The server provided no content. Will try reconnecting.")), true)
		s.reconnect(js)
	default:
		s.read(js, body)
	}
}

// read begins to read an event stream.
func (s *source) read(js *isolate.JS, body *streams.Readable) {
	in, err := body.Chunks()
	if err != nil {
		s.fail(js, js.Error(err), false)
		return
	}
	s.in = in
	// What the stream before left unfinished is lost.
	s.parser = newParser(s.parser.limit, s.parser.lastID)
	s.state = open
	e := events.New("open", false)
	events.Dispatch(js, &s.Target, events.EventClass, &e)
	s.next(js, in)
}

// next reads on until it has to wait.
func (s *source) next(js *isolate.JS, in *streams.Chunks) {
	for again := true; again && s.in == in; {
		again = false
		inside := true
		in.Next(js, func(js *isolate.JS, b []byte) {
			if s.in != in {
				return
			}
			s.take(js, b)
			if inside {
				again = true
				return
			}
			s.next(js, in)
		}, func(js *isolate.JS) { s.ended(js, in, nil) }, func(js *isolate.JS, reason goja.Value) { s.ended(js, in, reason) })
		inside = false
	}
}

// take dispatches the events of a piece of the stream.
func (s *source) take(js *isolate.JS, b []byte) {
	messages, err := s.parser.feed(b)
	if s.parser.retry >= 0 {
		s.retry = float64(min(max(s.parser.retry, retryLeast), retryMost))
	}
	for _, m := range messages {
		if s.state == closed {
			return
		}
		typ := m.event
		if typ == "" {
			typ = "message"
		}
		e := &events.MessageEvent{Event: events.New(typ, false), Data: js.Runtime().ToValue(m.data), LastEventID: m.id}
		if s.url != nil {
			e.Origin = s.url.Origin()
		}
		events.Dispatch(js, &s.Target, events.MessageEventClass, e)
	}
	if err != nil && s.state != closed {
		s.fail(js, js.Error(err), false)
	}
}

// ended is the end of the stream; reason is nil where nothing went wrong.
func (s *source) ended(js *isolate.JS, in *streams.Chunks, reason goja.Value) {
	if s.in != in || s.state == closed {
		return
	}
	s.in = nil
	if reason != nil {
		if e := js.Thrown(reason); e.Kind != exception.Disconnected {
			s.fail(js, reason, false)
			return
		}
	}
	again := s.url != nil
	s.fail(js, js.Error(exception.Errorf("The server disconnected.")), again)
	if again {
		s.reconnect(js)
	}
}

// fail tells of an error; reconnecting says that it is not the end.
func (s *source) fail(js *isolate.JS, reason goja.Value, reconnecting bool) {
	if s.state == closed {
		return
	}
	s.state = closed
	if reconnecting {
		s.state = connecting
	}
	s.drop(js, reason)
	thrown := js.Thrown(reason)
	e := &events.ErrorEvent{Event: events.New("error", false), Message: thrown.Error(), Error: reason}
	events.Dispatch(js, &s.Target, events.ErrorEventClass, e)
	events.Log(js, "an EventSource failed", thrown)
}

// drop gives the connection up.
func (s *source) drop(js *isolate.JS, reason goja.Value) {
	if in := s.in; in != nil {
		s.in = nil
		in.Cancel(js, reason)
	}
	if s.signal != nil {
		s.signal.Abort(js, reason)
	}
}

// reconnect connects again after a while.
func (s *source) reconnect(js *isolate.JS) {
	if s.state != connecting {
		return // a listener closed it
	}
	id, err := s.c.SetTimer(js, s.retry, false, func(js *isolate.JS) {
		s.timer = 0
		s.connect(js)
	})
	if err != nil {
		s.fail(js, js.Error(err), false)
		return
	}
	s.timer = id
}

func (s *source) close(js *isolate.JS) {
	if s.state == closed {
		return
	}
	s.state = closed
	if s.timer != 0 {
		s.c.ClearTimer(s.timer)
	}
	s.drop(js, nil)
}

var (
	errOutside     = exception.DOM("NotSupportedError", "An EventSource can only be created within the context of a worker request.")
	errCredentials = exception.DOM("NotSupportedError", "The init.withCredentials option is not supported. It must be false or undefined.")
	errReadLocked  = exception.TypeErrorf("This ReadableStream is locked.")
	errReadBefore  = exception.TypeErrorf("This ReadableStream has already been read from.")
)

func construct(c *bind.Call) (*source, error) {
	var target string
	if err := c.Unpack("url", &target); err != nil {
		return nil, err
	}
	withCredentials := false
	var fetcher *fetch.FetcherObject
	err := c.Options(2, "EventSourceInit", "withCredentials", &withCredentials, "fetcher", func(f *bind.Call, v goja.Value) error {
		x, ok := fetch.Fetcher.Unwrap(f.JS(), v)
		if !ok {
			return f.BadArg(0, "Fetcher")
		}
		fetcher = x
		return nil
	})
	if err != nil {
		return nil, err
	}
	ioc, err := c.Context()
	switch {
	case err != nil:
		return nil, errOutside
	case withCredentials:
		return nil, errCredentials
	}
	s := newSource(c.JS(), ioc)
	if s.url, err = url.Parse(target, nil); err != nil {
		return nil, exception.DOM("SyntaxError", fmt.Sprintf("Cannot open an EventSource to '%s'. The URL is invalid.", target))
	}
	s.service = fetch.Outbound(c.JS())
	if fetcher != nil {
		s.service = fetcher.Service
	}
	s.Watch(c.This().(*goja.Object), nil)
	s.connect(c.JS())
	return s, nil
}

// from is EventSource.from().
func from(c *bind.Call) (any, error) {
	js := c.JS()
	body, ok := streams.Of(js, c.Arg(0))
	if !ok {
		return nil, c.BadArg(1, "ReadableStream")
	}
	ioc, err := c.Context()
	switch {
	case err != nil:
		return nil, errOutside
	case body.Locked():
		return nil, errReadLocked
	case body.Disturbed():
		return nil, errReadBefore
	}
	s := newSource(js, ioc)
	obj := class.Wrap(js, s)
	s.Watch(obj, nil)
	// Listeners come after the call, so nothing is read before.
	s.state = open
	js.Later(func(js *isolate.JS) {
		if s.state != closed {
			s.read(js, body)
		}
	})
	return obj, nil
}

// class is EventSource; define fills it in, as its static method makes instances.
var class = &bind.Class[source]{Name: "EventSource"}

func define() *bind.Class[source] {
	target := func(s *source) *events.Target { return &s.Target }
	getters := map[string]bind.Getter[source]{
		"readyState":      func(s *source, _ *bind.Call) (any, error) { return s.state, nil },
		"withCredentials": func(*source, *bind.Call) (any, error) { return false, nil },
		"url": func(s *source, _ *bind.Call) (any, error) {
			if s.url == nil {
				return bind.Null, nil
			}
			return s.url.Href(), nil
		},
	}
	setters := map[string]bind.Setter[source]{}
	for _, typ := range []string{"open", "message", "error"} {
		getters["on"+typ], setters["on"+typ] = events.Handler(typ, target)
	}
	*class = bind.Class[source]{
		Name:    class.Name,
		Lengths: map[string]int{"constructor": 1},
		Length:  1,
		Parent:  bind.Extends(events.TargetClass, target),
		New:     construct,
		Getters: getters,
		Setters: setters,
		Methods: map[string]bind.Method[source]{
			"close": func(s *source, c *bind.Call) (any, error) { s.close(c.JS()); return nil, nil },
		},
		Statics: map[string]bind.Static{"from": from},
		Consts:  map[string]any{"CONNECTING": connecting, "OPEN": open, "CLOSED": closed},
		Init:    disposable,
	}
	return class
}

// disposable makes close() what ends a using declaration.
func disposable(js *isolate.JS, _, proto *goja.Object) error {
	symbol, ok := js.Runtime().GlobalObject().Get("Symbol").(*goja.Object).Get("dispose").(*goja.Symbol)
	if !ok {
		return errors.New("there is no Symbol.dispose")
	}
	fn := bind.NewFunction(js, "[Symbol.dispose]", 0, func(c *bind.Call) (any, error) {
		s, ok := class.Unwrap(c.JS(), c.This())
		if !ok {
			return nil, exception.TypeErrorf("Illegal invocation")
		}
		s.close(c.JS())
		return nil, nil
	})
	return proto.DefineDataPropertySymbol(symbol, fn, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
}
