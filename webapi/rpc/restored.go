package rpc

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/internal/limits"
)

// later is what a [restore]() method will have made, once somebody uses it. Any goroutine.
type later struct {
	vendor event.Service // whose method it is
	token  *event.Token
	most   int

	mu      sync.Mutex
	begun   bool
	over    bool // there is an answer, and nobody waits for it any more
	waiting []func()
	result  *event.Result
	failure error
}

func newLater(t *event.Token, vendor event.Service, bounds *limits.Set) *later {
	return &later{token: t, vendor: vendor, most: limits.RPCPipelined.In(bounds)}
}

// use calls fn once the method has answered, in the order of the calls; it is asked the first
// time only.
func (l *later) use(fn func(c event.Capability, err error)) {
	l.mu.Lock()
	switch {
	case l.over:
		l.mu.Unlock()
		fn(l.made())
		return
	case len(l.waiting) >= l.most:
		l.mu.Unlock()
		fn(nil, exception.Errorf("Too many calls wait for a stub that is being restored: at most %d may.", l.most))
		return
	}
	l.waiting = append(l.waiting, func() { fn(l.made()) })
	first := !l.begun
	l.begun = true
	l.mu.Unlock()
	if !first {
		return
	}
	// Whoever asks first may go away while others wait: nothing ends it but its own end.
	ctx := context.Background()
	if l.token.Lasting {
		ctx = event.WithStored(ctx)
	}
	event.StartCall(ctx, l.vendor, &event.Call{Restore: &event.Restore{Arg: l.token.Arg, RPC: l.token.RPC}}, l.answered)
}

// made is the answer.
func (l *later) made() (event.Capability, error) {
	if l.failure != nil {
		return nil, l.failure
	}
	return l.result.Value.Caps[0], nil
}

func (l *later) answered(r *event.Result, err error) {
	if errors.Is(err, event.ErrNoMethods) {
		err = exception.TypeErrorf("The receiver does not support restore")
	}
	if err == nil && (r.Value == nil || len(r.Value.Caps) != 1) {
		r.Release()
		err = exception.Errorf("A [restore]() method made nothing.")
	}
	l.result, l.failure = r, err
	for {
		l.mu.Lock()
		list := l.waiting
		l.waiting = nil
		l.over = len(list) == 0
		l.mu.Unlock()
		if len(list) == 0 {
			return
		}
		for _, fn := range list {
			fn()
		}
	}
}

// restoredService is a service that a [restore]() method makes: at the first event, or
// before it was handed out. Who it leads to learns which token that was.
type restoredService struct {
	token *event.Token
	inner event.Service // nil where it has to be made
	later *later
}

var (
	_ event.AsyncService = (*restoredService)(nil)
	_ event.Caller       = (*restoredService)(nil)
	_ event.EventStarter = (*restoredService)(nil)
	_ event.Connector    = (*restoredService)(nil)
	_ event.Named        = (*restoredService)(nil)
)

// NewRestored is the service of a token of the kind Restored; vendor is what the token of
// that name leads to. Any goroutine.
func NewRestored(t *event.Token, vendor event.Service, bounds *limits.Set) event.Service {
	return &restoredService{token: t, later: newLater(t, vendor, bounds)}
}

// Token is event.Named's.
func (s *restoredService) Token() (*event.Token, error) { return s.token, nil }

func (s *restoredService) with(fn func(svc event.Service, err error)) {
	if s.inner != nil {
		fn(s.inner, nil)
		return
	}
	s.later.use(func(c event.Capability, err error) {
		ref, ok := c.(event.ServiceRef)
		if err == nil && !ok {
			err = errMismatch(false)
		}
		fn(ref.Service, err)
	})
}

// Start is event.AsyncService's.
func (s *restoredService) Start(ctx context.Context, req *event.Request, done func(*event.Response, error)) {
	s.with(func(svc event.Service, err error) {
		if err != nil {
			req.Body.Close()
			done(nil, err)
			return
		}
		event.Start(event.WithSelf(ctx, s.token), svc, req, done)
	})
}

// Fetch is event.Service's.
func (s *restoredService) Fetch(ctx context.Context, req *event.Request) (*event.Response, error) {
	return event.Wait(ctx, func(done func(*event.Response, error)) { s.Start(ctx, req, done) })
}

// StartEvent is event.EventStarter's.
func (s *restoredService) StartEvent(ctx context.Context, ev event.Event, done func(event.Outcome, error)) {
	s.with(func(svc event.Service, err error) {
		if err != nil {
			done(event.Outcome{Status: event.Exception}, err)
			return
		}
		event.StartEvent(event.WithSelf(ctx, s.token), svc, ev, done)
	})
}

// Deliver is event.Service's.
func (s *restoredService) Deliver(ctx context.Context, ev event.Event) (event.Outcome, error) {
	return event.WaitOutcome(ctx, func(done func(event.Outcome, error)) { s.StartEvent(ctx, ev, done) })
}

// StartCall is event.Caller's.
func (s *restoredService) StartCall(ctx context.Context, call *event.Call, done func(*event.Result, error)) {
	s.with(func(svc event.Service, err error) {
		if err != nil {
			call.Release()
			done(nil, err)
			return
		}
		event.StartCall(event.WithSelf(ctx, s.token), svc, call, done)
	})
}

// Connect is event.Connector's.
func (s *restoredService) Connect(ctx context.Context, address string, o event.ConnectOptions) (event.Conn, error) {
	type answer struct {
		svc event.Service
		err error
	}
	made := make(chan answer, 1)
	s.with(func(svc event.Service, err error) { made <- answer{svc, err} })
	select {
	case a := <-made:
		if a.err != nil {
			return nil, a.err
		}
		return event.Connect(ctx, a.svc, address, o)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// restoredTarget is an object that a [restore]() method makes at the first call.
type restoredTarget struct {
	later *later
	held  atomic.Int32
}

var _ event.Target = (*restoredTarget)(nil)

func newRestoredTarget(t *event.Token, vendor event.Service, bounds *limits.Set) *restoredTarget {
	r := &restoredTarget{later: newLater(t, vendor, bounds)}
	r.held.Store(1)
	return r
}

// Retain is event.Target's.
func (r *restoredTarget) Retain() { r.held.Add(1) }

// Release is event.Capability's.
func (r *restoredTarget) Release() {
	if r.held.Add(-1) > 0 {
		return
	}
	l := r.later
	l.mu.Lock()
	begun := l.begun
	l.begun = true
	l.mu.Unlock()
	if begun {
		// Behind the calls that were made before.
		l.use(func(event.Capability, error) { l.result.Release() })
	}
}

// Call is event.Target's.
func (r *restoredTarget) Call(ctx context.Context, call *event.Call, done func(*event.Result, error)) {
	r.later.use(func(c event.Capability, err error) {
		t, ok := c.(event.Target)
		if err == nil && !ok {
			err = errMismatch(true)
		}
		if err != nil {
			call.Release()
			done(nil, err)
			return
		}
		t.Call(ctx, call, done)
	})
}

// errMismatch is for a method that returns something else than it returned at first.
func errMismatch(wasStub bool) error {
	was, is := "a ServiceStub", "an RpcStub"
	if wasStub {
		was, is = is, was
	}
	return exception.TypeErrorf("The [restore]() method originally returned %s, but on replay it returned %s instead. It must always return the same type.", was, is)
}

// unusable is a stored stub that cannot be understood: who uses it is told why.
type unusable struct{ err error }

var (
	_ event.Caller = unusable{}
	_ event.Named  = unusable{}
)

// Token is event.Named's.
func (u unusable) Token() (*event.Token, error) { return nil, u.err }

// Fetch is event.Service's.
func (u unusable) Fetch(_ context.Context, req *event.Request) (*event.Response, error) {
	req.Body.Close()
	return nil, u.err
}

// Deliver is event.Service's.
func (u unusable) Deliver(context.Context, event.Event) (event.Outcome, error) {
	return event.Outcome{Status: event.Exception}, u.err
}

// StartCall is event.Caller's.
func (u unusable) StartCall(_ context.Context, call *event.Call, done func(*event.Result, error)) {
	call.Release()
	done(nil, u.err)
}

// Unusable is a service that fails with err.
func Unusable(err error) event.Service { return unusable{err} }
