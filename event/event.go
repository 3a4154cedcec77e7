// Package event is what crosses between goroutines: requests, responses and the
// other things that can happen to a worker or an actor.
//
// Only bytes, Go streams and plain Go values are in it, never a value of the
// JavaScript engine.
package event

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"workerd.local/trace"
)

// Service takes events: a worker, an actor, a directory on disk, a server on the
// network. Methods block the caller and may be called from any goroutine except
// an isolate's own.
type Service interface {
	// Fetch delivers an HTTP request. ctx covers the whole exchange, the
	// response's body included: when it ends, the client is gone. The caller
	// closes the response's body. The service closes the request's body.
	Fetch(ctx context.Context, req *Request) (*Response, error)
	// Deliver hands over an event that is not HTTP and waits for its outcome. A
	// service that has no use for an event answers ErrUnsupported.
	Deliver(ctx context.Context, ev Event) (Outcome, error)
}

// ErrUnsupported is returned by Deliver for events that a service does not take.
var ErrUnsupported = errors.New("the service does not take such events")

// Request is one HTTP request on its way to a service.
type Request struct {
	Method string
	// URL is absolute.
	URL string
	// Header has canonical keys. The receiver owns it.
	Header http.Header
	Body   Body
	// CF is request.cf as JSON; nil means that there is none.
	CF []byte
	// Props is ctx.props of the receiver: what made the binding says, and its caller cannot
	// change. Nil means that there are none.
	Props *Props
	// Client is the address of who sent the request over a socket of this server; empty
	// for requests that come from elsewhere.
	Client string
	// Redirect is follow, manual or error; empty means follow.
	Redirect string
	// Gone, which may be nil, tells of a caller that gives up.
	Gone *Gone
}

// Response is the answer to a Request.
type Response struct {
	Status int
	// StatusText is the reason phrase; empty means the usual one.
	StatusText string
	// Header has canonical keys. It does not change once the response was handed out:
	// a receiver that wants to change it makes a copy.
	Header http.Header
	Body   Body
	// URL is where the response came from after redirects; empty means the
	// request's.
	URL string
	// Redirected reports whether redirects were followed.
	Redirected bool
	// Encoded says that Body already has the Content-Encoding that Header names.
	Encoded bool
	// WebSocket is this side's end where Status is 101: the receiver starts it or aborts
	// it (Discard). Nil for every other response.
	WebSocket WebSocket
}

// Body is bytes that are all there, or a stream, or nothing.
type Body struct {
	// Bytes is the whole body where Stream is nil; nil means no body at all, an
	// empty slice an empty body. It is immutable.
	Bytes []byte
	// Stream is read and closed by the receiver, on a goroutine that may block.
	Stream io.ReadCloser
	// Length is the length of Stream in bytes, or -1 when it is not known.
	Length int64
}

// NoBody is the absent body.
var NoBody = Body{}

// BytesBody is a body whose bytes are b, which must not change any more.
func BytesBody(b []byte) Body {
	if b == nil {
		b = []byte{}
	}
	return Body{Bytes: b}
}

// StreamBody is a body read from r; length is -1 when it is not known.
func StreamBody(r io.ReadCloser, length int64) Body { return Body{Stream: r, Length: length} }

// IsNull reports whether there is no body at all.
func (b Body) IsNull() bool { return b.Stream == nil && b.Bytes == nil }

// Size is the length in bytes, or -1 when it is not known.
func (b Body) Size() int64 {
	if b.Stream != nil {
		return b.Length
	}
	return int64(len(b.Bytes))
}

// Reader reads the body from its start; it may be called once.
func (b Body) Reader() io.ReadCloser {
	if b.Stream != nil {
		return b.Stream
	}
	return io.NopCloser(bytes.NewReader(b.Bytes))
}

// Close releases a stream that nobody reads.
func (b Body) Close() error {
	if b.Stream != nil {
		return b.Stream.Close()
	}
	return nil
}

// Event is something that happens to a worker or an actor and is not an HTTP
// request.
type Event interface{ isEvent() }

// Scheduled is a cron trigger.
type Scheduled struct {
	Time time.Time
	Cron string
}

// Alarm is the alarm of an actor.
type Alarm struct {
	Time    time.Time
	Retries int
}

// Test runs the test() handler of an entrypoint.
type Test struct{}

// Traces are invocations that have ended, for a tail worker.
type Traces struct{ List []*trace.Trace }

// TailStream is an invocation that goes on, for a streaming tail worker.
type TailStream struct{ Stream *trace.Stream }

func (Traces) isEvent()     {}
func (TailStream) isEvent() {}
func (Scheduled) isEvent()  {}
func (Alarm) isEvent()      {}
func (Test) isEvent()       {}

// Outcome says how an event ended.
type Outcome struct {
	Status OutcomeStatus
	// Retry asks for the event to be delivered again.
	Retry bool
	// Counted says that this retry counts against the limit of an alarm's retries.
	Counted bool
	// Queue is what the consumer of a QueueBatch asks for.
	Queue *QueueResult
}

// OutcomeStatus is workerd's outcome of an event.
type OutcomeStatus uint8

const (
	OK OutcomeStatus = iota
	// Exception: the handler threw, or a task it left behind failed.
	Exception
	// ExceededCPU, ExceededMemory and ExceededWallTime: a limit stopped it.
	ExceededCPU
	ExceededMemory
	ExceededWallTime
	// NotFound: there is no such handler.
	NotFound
	// Canceled: the client or the server went away.
	Canceled
	// Aborted: the actor's code called abort().
	Aborted
)

func (s OutcomeStatus) String() string {
	return [...]string{"ok", "exception", "exceededCpu", "exceededMemory", "exceededWallTime", "scriptNotFound", "canceled", "aborted"}[s]
}

// AsyncService is a Service that can be called without giving up a goroutine.
type AsyncService interface {
	Service
	// Start begins a request and returns at once; any goroutine, an isolate's
	// included. done is called exactly once, on any goroutine, and must not block.
	// Requests started one after the other by one goroutine on one service value
	// are delivered in that order. Unlike Fetch it leaves req.Header as it is.
	Start(ctx context.Context, req *Request, done func(*Response, error))
}

// Start begins a request on any service; see AsyncService. A service that is not
// one gets a goroutine.
func Start(ctx context.Context, svc Service, req *Request, done func(*Response, error)) {
	if w := WatcherOf(ctx); w != nil {
		if _, front := svc.(Front); !front {
			w.StartOn(ctx, svc, req, done)
			return
		}
	}
	if a, ok := svc.(AsyncService); ok {
		a.Start(ctx, req, done)
		return
	}
	go func() { done(svc.Fetch(ctx, req)) }()
}

// EventStarter is a Service that delivers events without waiting; done is called once, on
// any goroutine.
type EventStarter interface {
	StartEvent(ctx context.Context, ev Event, done func(Outcome, error))
}

// StartEvent begins an event on any service. A service that is no EventStarter gets a
// goroutine.
func StartEvent(ctx context.Context, svc Service, ev Event, done func(Outcome, error)) {
	if err := Refusal(ctx); err != nil {
		done(Outcome{Status: Exception}, err)
		return
	}
	if s, ok := svc.(EventStarter); ok {
		s.StartEvent(ctx, ev, done)
		return
	}
	go func() { done(svc.Deliver(ctx, ev)) }()
}

// Wait is the blocking form of Start, for services whose Fetch is made from it.
// When ctx ends first, an answer that still comes is released.
func Wait(ctx context.Context, start func(done func(*Response, error))) (*Response, error) {
	type answer struct {
		resp *Response
		err  error
	}
	ch := make(chan answer, 1)
	start(func(r *Response, err error) { ch <- answer{r, err} })
	select {
	case a := <-ch:
		return a.resp, a.err
	case <-ctx.Done():
		go func() {
			if a := <-ch; a.resp != nil {
				_ = a.resp.Discard() // nobody is left to be told
			}
		}()
		return nil, ctx.Err()
	}
}

// WaitOutcome is Wait for an event that is not HTTP: it returns what done is told, or
// Canceled where ctx ends first. done may be called once, then or later.
func WaitOutcome(ctx context.Context, start func(done func(Outcome, error))) (Outcome, error) {
	type answer struct {
		outcome Outcome
		err     error
	}
	ch := make(chan answer, 1)
	start(func(o Outcome, err error) { ch <- answer{o, err} })
	select {
	case a := <-ch:
		return a.outcome, a.err
	case <-ctx.Done():
		return Outcome{Status: Canceled}, ctx.Err()
	}
}
