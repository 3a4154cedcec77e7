package actor

import (
	"context"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/webapi/durable"
	"workerd.local/worker"
)

// FacetStub is a parent's channel to one of its facets: what Stub is to other actors. Any
// goroutine, but for Opened.
type FacetStub struct {
	fs    *facets
	name  string
	start durable.StartFunc
	f     *facet // the parent's loop only; nil before the first event
}

var (
	_ event.AsyncService = (*FacetStub)(nil)
	_ event.Caller       = (*FacetStub)(nil)
)

var errFacetStub = exception.DOM("DataCloneError", "Stubs pointing to Durable Object facets are not serializable.")

// CheckTransfer is event.Kept's.
func (s *FacetStub) CheckTransfer() error { return errFacetStub }

// Opened is event.Opened's: the stub is bound to the facet that the name stands for now.
func (s *FacetStub) Opened() {
	if s.f == nil {
		s.f = s.fs.open(s.name, s.start)
	}
}

// with calls fn with the stub of the facet once it can be called; here says that this is the
// facet's loop already.
func (s *FacetStub) with(fn func(st *Stub, here bool, err error)) {
	home := s.fs.c.h.loop
	err := home.Post(func() {
		s.Opened()
		s.f.with(func(st *Stub, err error) { fn(st, err == nil && st.h.loop == home, err) })
	})
	if err != nil {
		fn(nil, false, worker.Closed(err))
	}
}

// Start is event.AsyncService's.
func (s *FacetStub) Start(ctx context.Context, req *event.Request, done func(*event.Response, error)) {
	s.with(func(st *Stub, here bool, err error) {
		switch {
		case err != nil:
			req.Body.Close()
			done(nil, err)
		case here:
			st.h.w.WhenReady(func() { st.begin(ctx, req, done) })
		default:
			st.Start(ctx, req, done)
		}
	})
}

// Fetch is event.Service's.
func (s *FacetStub) Fetch(ctx context.Context, req *event.Request) (*event.Response, error) {
	return event.Wait(ctx, func(done func(*event.Response, error)) { s.Start(ctx, req, done) })
}

// StartCall is event.Caller's.
func (s *FacetStub) StartCall(ctx context.Context, call *event.Call, done func(*event.Result, error)) {
	s.with(func(st *Stub, here bool, err error) {
		switch {
		case err != nil:
			call.Release()
			done(nil, err)
		case here:
			st.h.w.WhenReady(func() { st.beginCall(ctx, call, done) })
		default:
			st.StartCall(ctx, call, done)
		}
	})
}

// Deliver is event.Service's.
func (s *FacetStub) Deliver(ctx context.Context, ev event.Event) (event.Outcome, error) {
	type answer struct {
		st  *Stub
		err error
	}
	ch := make(chan answer, 1)
	s.with(func(st *Stub, _ bool, err error) { ch <- answer{st, err} })
	select {
	case a := <-ch:
		if a.err != nil {
			return event.Outcome{Status: event.Exception}, a.err
		}
		return a.st.Deliver(ctx, ev)
	case <-ctx.Done():
		return event.Outcome{Status: event.Canceled}, ctx.Err()
	}
}
