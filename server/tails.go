package server

import (
	"context"
	"fmt"
	"sync"
	"time"

	"workerd.local/config"
	"workerd.local/event"
	"workerd.local/internal/limits"
	"workerd.local/trace"
)

// tails are the tail workers of a service as package trace knows them; nil for none.
func (w *world) tails(svc *service) (*trace.Tails, error) {
	c := svc.cfg.Worker
	if len(c.Tails)+len(c.StreamingTails) == 0 {
		return nil, nil
	}
	t := &trace.Tails{Bounds: w.s.o.Limits.Bounds}
	if c.Source != nil {
		t.Script = svc.cfg.Name // workerd has no names; wrangler's projects do
	}
	for _, d := range c.Tails {
		r, err := w.tail(svc, d, "tails")
		if err != nil {
			return nil, err
		}
		t.Targets = append(t.Targets, trace.Target{Service: r.name, Batch: r.batch})
	}
	for _, d := range c.StreamingTails {
		r, err := w.tail(svc, d, "streaming tails")
		if err != nil {
			return nil, err
		}
		t.Targets = append(t.Targets, trace.Target{Service: r.name, Stream: r.stream, Budget: r.budget})
	}
	return t, nil
}

// tail is the way from one worker to one tail worker of it. What the tail worker does not
// keep up with is dropped. Any goroutine.
type tail struct {
	w          *world
	from, name string // of the workers
	to         event.Service
	ctx        context.Context
	budget     *trace.Budget
	limit      int

	mu      sync.Mutex // guards what follows
	pending int
	dropped int
	told    time.Time // when the log was told of it
}

func (w *world) tail(from *service, d config.ServiceDesignator, where string) (*tail, error) {
	to := w.services[d.Name]
	if to == nil {
		return nil, at(d.Pos, "Worker %q's %s refers to a service %q, but no such service is defined.", from.cfg.Name, where, d.Name)
	}
	if to.cfg.Worker == nil {
		return nil, at(d.Pos, "Worker %q's %s refers to the service %q, which is not a worker.", from.cfg.Name, where, d.Name)
	}
	return w.newTail(from.cfg.Name, to.cfg.Name, &lazyService{svc: to, entrypoint: d.Entrypoint}), nil
}

func (w *world) newTail(from, name string, to event.Service) *tail {
	bounds := w.s.o.Limits.Bounds
	return &tail{
		w: w, from: from, name: name, to: to, limit: limits.TracePending.In(bounds),
		ctx: trace.Via(w.ctx, from, name), budget: trace.NewBudget(bounds),
	}
}

func (t *tail) batch(tr *trace.Trace) {
	if !t.budget.Take(tr.Bytes) {
		t.drop()
		return
	}
	if !t.deliver(event.Traces{List: []*trace.Trace{tr}}, func() { t.budget.Give(tr.Bytes) }) {
		t.budget.Give(tr.Bytes)
	}
}

func (t *tail) stream(s *trace.Stream) {
	if !t.deliver(event.TailStream{Stream: s}, s.Stop) {
		s.Stop()
	}
}

// deliver begins an event at the tail worker, or reports false where too many of them
// have not ended yet.
func (t *tail) deliver(ev event.Event, ended func()) bool {
	t.mu.Lock()
	if t.pending >= t.limit {
		t.mu.Unlock()
		t.drop()
		return false
	}
	t.pending++
	t.mu.Unlock()
	t.w.tailing.add()
	event.StartEvent(t.ctx, t.to, ev, func(event.Outcome, error) {
		// What went wrong is in the tail worker's own log.
		ended()
		t.mu.Lock()
		t.pending--
		t.mu.Unlock()
		t.w.tailing.done()
	})
	return true
}

// drop counts a trace that is not delivered, and says so once a second.
func (t *tail) drop() {
	t.mu.Lock()
	t.dropped++
	now := t.w.s.o.Host.Now()
	n := t.dropped
	tell := now.Sub(t.told) >= time.Second
	if tell {
		t.told, t.dropped = now, 0
	}
	t.mu.Unlock()
	if tell {
		t.w.s.log.Warn("a tail worker does not keep up: traces are dropped", "service", t.from, "tail", t.name, "dropped", n)
	}
}

// tailing counts deliveries to tail workers that have not ended. Any goroutine.
type tailing struct {
	mu    sync.Mutex // guards what follows
	n     int
	empty chan struct{} // closed at 0; nil where nobody waits
}

func (t *tailing) add() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n++
}

func (t *tailing) done() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n--; t.n == 0 && t.empty != nil {
		close(t.empty)
		t.empty = nil
	}
}

// drainTails returns when all deliveries have ended, or after limits.TraceDrain.
func (w *world) drainTails(ctx context.Context) error {
	limit := limits.TraceDrain.In(w.s.o.Limits.Bounds)
	ended, err := w.tailing.wait(ctx, limit)
	if err == nil && !ended {
		w.s.log.Warn("some tail workers have not ended", "after", limit)
	}
	return err
}

// wait returns when all deliveries have ended, or after limit; ended says which.
func (t *tailing) wait(ctx context.Context, limit time.Duration) (ended bool, err error) {
	t.mu.Lock()
	if t.n == 0 {
		t.mu.Unlock()
		return true, nil
	}
	if t.empty == nil {
		t.empty = make(chan struct{})
	}
	empty := t.empty
	t.mu.Unlock()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-empty:
		return true, nil
	case <-timer.C:
		return false, nil
	case <-ctx.Done():
		return false, fmt.Errorf("tail workers: %w", ctx.Err())
	}
}
