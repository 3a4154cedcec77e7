package worker

import (
	"context"
	"fmt"

	"workerd.local/event"
	"workerd.local/isolate"
)

// Pool is one script on several isolates. Each has module-level variables of its
// own. Any goroutine.
type Pool struct {
	name    string
	workers []*Worker
	refused func() error
	ctx     context.Context
	starts  *starts // nil where every isolate runs the script itself
}

// NewPool returns a pool over the isolates. The script is instantiated on the
// first one by Start, on the others by their first event.
func NewPool(isolates []*isolate.Isolate, o Options) *Pool {
	p := &Pool{name: o.Name, refused: o.Refused, ctx: o.Context}
	if p.ctx == nil {
		p.ctx = context.Background()
	}
	if p.refused == nil {
		p.refused = func() error { return nil }
	}
	for _, i := range isolates {
		p.workers = append(p.workers, New(i, o))
	}
	if o.Snapshot != nil {
		p.starts = newStarts(p.workers[0].iso, p.workers[0].o)
		for _, w := range p.workers {
			w.starts = p.starts
		}
	}
	return p
}

// Start instantiates the script once, so that its mistakes are found now.
func (p *Pool) Start(ctx context.Context) error {
	if err := p.workers[0].Start(ctx); err != nil {
		return fmt.Errorf("service %s: %w", p.name, err)
	}
	return nil
}

// Context ends what requests left behind.
func (p *Pool) Context() context.Context { return p.ctx }

// Workers are the pool's workers, one per isolate.
func (p *Pool) Workers() []*Worker { return p.workers }

// Quiet reports whether nothing runs and nothing waits to run.
func (p *Pool) Quiet() bool {
	for _, w := range p.workers {
		if w.inflight.Load() > 0 || w.contexts.Load() > 0 {
			return false
		}
	}
	return true
}

// pick returns the worker with the least to do, and of equals the first: an idle
// server keeps one realm warm. Isolates have other workers too: where one of these keeps an
// isolate from its next turn, the others are asked.
func (p *Pool) pick() *Worker {
	best := p.workers[0]
	n := best.backlog()
	for _, w := range p.workers[1:] {
		if n == 0 {
			break
		}
		if m := w.backlog(); m < n {
			best, n = w, m
		}
	}
	return best
}

// longTurn is as how many requests a long turn on the isolate counts.
const longTurn = 1 << 20

// backlog says how much there is to do before a request that comes now.
func (w *Worker) backlog() int64 {
	n := w.inflight.Load()
	if w.iso.InLongTurn() {
		n += longTurn
	}
	return n
}

// near is the worker on the caller's loop, which saves two ways from goroutine to
// goroutine, unless that has far more to do than others.
func (p *Pool) near(home any) *Worker {
	least := p.pick()
	for _, w := range p.workers {
		if any(w.iso.Loop()) == home {
			if w.inflight.Load() <= 2*least.inflight.Load()+nearSlack {
				return w
			}
			break
		}
	}
	return least
}

// nearSlack is how many requests more than others a caller's isolate may have.
const nearSlack = 16

// Service is an entrypoint of the pool.
func (p *Pool) Service(entrypoint string) *Service { return &Service{pool: p, entrypoint: entrypoint} }

// Service is one entrypoint as an event.Service; any goroutine.
type Service struct {
	pool       *Pool
	entrypoint string
}

var _ event.AsyncService = (*Service)(nil)

// Start is event.AsyncService's.
func (s *Service) Start(ctx context.Context, req *event.Request, done func(*event.Response, error)) {
	if err := s.pool.refused(); err != nil {
		req.Body.Close()
		done(nil, err)
		return
	}
	s.pool.pick().HandleRequest(ctx, s.entrypoint, req, done)
}

// Fetch is event.Service's.
func (s *Service) Fetch(ctx context.Context, req *event.Request) (*event.Response, error) {
	return event.Wait(ctx, func(done func(*event.Response, error)) { s.Start(ctx, req, done) })
}

// StartEvent begins an event that is not HTTP; done is called once, on any goroutine.
func (s *Service) StartEvent(ctx context.Context, ev event.Event, done func(event.Outcome, error)) {
	if err := s.pool.refused(); err != nil {
		done(event.Outcome{Status: event.Exception, Retry: true}, err)
		return
	}
	s.pool.pick().HandleEvent(ctx, s.entrypoint, ev, done)
}

// Deliver is event.Service's: Scheduled, Test and QueueBatch.
func (s *Service) Deliver(ctx context.Context, ev event.Event) (event.Outcome, error) {
	if err := s.pool.refused(); err != nil {
		return event.Outcome{Status: event.Exception, Retry: true}, err
	}
	return event.WaitOutcome(ctx, func(done func(event.Outcome, error)) {
		s.pool.pick().HandleEvent(ctx, s.entrypoint, ev, done)
	})
}
