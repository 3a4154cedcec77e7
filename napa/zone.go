package napa

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"workerd.local/exception"
	"workerd.local/internal/limits"
	"workerd.local/iocontext"
	"workerd.local/isolate"
)

// Thread is the thread of a worker.
type Thread interface {
	// Stop ends the thread when it has done what it was given; any goroutine, and it does not wait.
	Stop()
}

// Starter starts the thread of a worker. It does not wait: the thread calls Worker.Ready
// when it can run calls, and Worker.Ended or Worker.Lost at its end.
type Starter func(w *Worker) (Thread, error)

// Zone is a set of workers that calls are given to. Executes wait in one queue, of which
// each worker takes the first as soon as it has nothing to do; broadcasts wait in a queue
// of each worker, and come first.
type Zone struct {
	system *System
	id     string

	mu      sync.Mutex // guards everything below, and the states of the workers
	queue   []*call
	workers []*Worker
	idle    []*Worker
	alive   int
	running int           // calls that the workers run or wait for
	closing error         // why nothing is taken any more
	gone    chan struct{} // closed when no worker is alive
	told    told
}

// workerState says what a worker does.
type workerState int

const (
	workerStarting workerState = iota // next: workerBusy, workerEnded
	workerIdle                        // next: workerBusy, workerEnded
	workerBusy                        // it looks for calls, or runs one; next: workerIdle, workerEnded
	workerEnded
)

// Worker is one thread of a zone.
type Worker struct {
	zone  *Zone
	index int

	// Guarded by Zone.mu.
	state   workerState
	own     []*call
	thread  Thread
	stopped bool
	running map[*call]struct{} // calls that wait for a promise
	blamed  bool               // it is known at which call it was lost

	// Set by Ready, then the loop's.
	context *iocontext.Context
}

// Index is the number of the worker in its zone, from 0.
func (w *Worker) Index() int { return w.index }

// Name names the worker in the log.
func (w *Worker) Name() string { return fmt.Sprintf("napa:%s/%d", w.zone.id, w.index) }

// Node is the worker that stands for the program's own thread. Its Ready is called when
// the program's entry is about to run.
func (s *System) Node() *Worker {
	s.mu.Lock()
	defer s.mu.Unlock()
	z := s.zones[NodeZone]
	if z == nil {
		z = s.newZone(NodeZone, 1)
		s.zones[NodeZone] = z
	}
	return z.workers[0]
}

// Outsider is what a thread of the program is that works for no zone.
func (s *System) Outsider() *Worker { return &Worker{} }

func (s *System) newZone(id string, workers int) *Zone {
	z := &Zone{system: s, id: id, alive: workers, gone: make(chan struct{})}
	for i := range workers {
		z.workers = append(z.workers, &Worker{zone: z, index: i, running: map[*call]struct{}{}})
	}
	return z
}

// create makes a zone and starts its threads.
func (s *System) create(id string, workers int) (*Zone, error) {
	s.Node() // whose id is taken
	s.mu.Lock()
	most := limits.NapaZones.In(s.o.Bounds)
	switch {
	case s.closed:
		s.mu.Unlock()
		return nil, errProgramEnded
	case s.zones[id] != nil:
		s.mu.Unlock()
		return nil, exception.Errorf("Failed to initialize zone with id %s: a zone with this id exists already.", quoted(id))
	case s.o.Start == nil:
		s.mu.Unlock()
		return nil, exception.Errorf("This program cannot have zones.")
	case len(s.zones) > most: // the node zone does not count
		s.mu.Unlock()
		return nil, exception.RangeErrorf("A program cannot have more than %d zones.", most)
	}
	z := s.newZone(id, workers)
	s.zones[id] = z
	s.started = true
	s.mu.Unlock()
	for i, w := range z.workers {
		if err := w.begin(); err != nil {
			for _, w := range z.workers[i:] {
				w.Ended(err)
			}
			z.close(errRecycled(id))
			return nil, err
		}
	}
	return z, nil
}

var errWorkerEnded = exception.Errorf("The worker has ended.")

var errProgramEnded = exception.Errorf("The program has ended.")

func errRecycled(id string) error {
	return exception.Errorf("The zone %s was recycled.", quoted(id))
}

// zone finds one by its id.
func (s *System) zone(id string) (*Zone, error) {
	if id == NodeZone {
		return s.Node().zone, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if z := s.zones[id]; z != nil {
		return z, nil
	}
	return nil, exception.Errorf("No zone exists for id '%s'", id)
}

// Close rejects what waits, and stops the threads of all zones; any goroutine. It does not wait for
// the threads.
func (s *System) Close() {
	s.mu.Lock()
	s.closed = true
	zones := make([]*Zone, 0, len(s.zones))
	for _, z := range s.zones {
		zones = append(zones, z)
	}
	s.mu.Unlock()
	for _, z := range zones {
		z.mu.Lock()
		calls := z.queue
		z.queue = nil
		z.mu.Unlock()
		rejectAll(calls, errProgramEnded)
		z.close(errProgramEnded)
	}
}

// close takes no more calls; the threads stop when those that wait have run. The id is
// free again.
func (z *Zone) close(reason error) {
	z.system.mu.Lock()
	if z.system.zones[z.id] == z {
		delete(z.system.zones, z.id)
	}
	z.system.mu.Unlock()
	z.mu.Lock()
	if z.closing == nil {
		z.closing = reason
	}
	idle := z.idle
	z.idle = nil
	var stop []Thread
	for _, w := range idle {
		stop = append(stop, w.stopLocked()...)
	}
	z.mu.Unlock()
	for _, t := range stop {
		t.Stop()
	}
}

// stopLocked is the thread to stop, where the worker has nothing left to do.
func (w *Worker) stopLocked() []Thread {
	if w.stopped || w.thread == nil || len(w.running) > 0 || len(w.own) > 0 || len(w.zone.queue) > 0 {
		return nil
	}
	w.stopped = true
	return []Thread{w.thread}
}

// begin starts the worker's thread.
func (w *Worker) begin() error {
	t, err := w.zone.system.o.Start(w)
	if err != nil {
		return err
	}
	w.zone.mu.Lock()
	w.thread = t
	w.unlock() // it may have found nothing to do already, in a zone that is closing
	return nil
}

// unlock unlocks the zone, and stops the thread of a worker that has nothing left to do there.
func (w *Worker) unlock() {
	var stop []Thread
	if w.zone.closing != nil && w.state == workerIdle {
		stop = w.stopLocked()
	}
	w.zone.mu.Unlock()
	for _, t := range stop {
		t.Stop()
	}
}

// execute gives a call to the zone.
func (z *Zone) execute(c *call) error {
	z.mu.Lock()
	if err := z.closedLocked(); err != nil {
		z.mu.Unlock()
		return err
	}
	if most := limits.NapaCalls.In(z.system.o.Bounds); len(z.queue)+z.running >= most {
		z.mu.Unlock()
		return exception.RangeErrorf("The zone %s has %d calls that wait or run, and cannot have more.", quoted(z.id), most)
	}
	z.queue = append(z.queue, c)
	var w *Worker
	if n := len(z.idle); n > 0 {
		w = z.idle[n-1]
		z.idle = z.idle[:n-1]
		w.state = workerBusy
	}
	z.mu.Unlock()
	if w != nil {
		w.wake()
	}
	return nil
}

func (z *Zone) closedLocked() error {
	if z.closing != nil {
		return z.closing
	}
	if z.alive == 0 {
		return exception.Errorf("The workers of the zone %s have ended.", quoted(z.id))
	}
	return nil
}

// broadcast gives calls to the workers, to each what newCall makes; finished is told of
// the first failure, or of none, when all have ended.
func (z *Zone) broadcast(newCall func() *call, finished func(outcome)) error {
	z.mu.Lock()
	if err := z.closedLocked(); err != nil {
		z.mu.Unlock()
		return err
	}
	most := limits.NapaCalls.In(z.system.o.Bounds)
	var to []*Worker
	for _, w := range z.workers {
		if w.state == workerEnded {
			continue
		}
		if len(w.own) >= most {
			z.mu.Unlock()
			return exception.RangeErrorf("The zone %s has %d broadcasts waiting, and cannot have more.", quoted(z.id), most)
		}
		to = append(to, w)
	}
	all := &tally{left: len(to), finished: finished}
	var wake []*Worker
	n := z.told.note(z, newCall)
	for _, w := range to {
		c := newCall()
		c.done, c.news = all.done, n
		w.own = append(w.own, c)
		if w.state == workerIdle {
			w.state = workerBusy
			z.idle = slices.DeleteFunc(z.idle, func(other *Worker) bool { return other == w })
			wake = append(wake, w)
		}
	}
	z.mu.Unlock()
	for _, w := range wake {
		w.wake()
	}
	return nil
}

// tally waits for the calls of one broadcast.
type tally struct {
	mu       sync.Mutex // guards the rest
	left     int
	first    outcome // of those that failed
	finished func(outcome)
}

func (t *tally) done(o outcome) {
	t.mu.Lock()
	t.left--
	if o.code != codeSuccess && t.first.code == codeSuccess {
		t.first = o
	}
	last, first := t.left == 0, t.first
	t.mu.Unlock()
	if last {
		t.finished(first)
	}
}

// Ready says that the worker's thread can run calls, as code of the context; it is called on the
// thread's loop, once.
func (w *Worker) Ready(c *iocontext.Context) {
	w.context = c
	w.zone.mu.Lock()
	ready := w.state == workerStarting
	if ready {
		w.state = workerBusy
	}
	w.zone.mu.Unlock()
	if ready {
		w.wake()
	}
}

// wake makes the worker look for calls; its state is workerBusy.
func (w *Worker) wake() {
	// A thread that is over tells so by Ended or Lost, whichever it is.
	_ = w.context.Loop().Post(w.next)
}

// next runs the first call that waits, on the worker's loop. The others come in tasks of
// their own, so that timers and what else the thread does have their turn.
func (w *Worker) next() {
	z := w.zone
	z.mu.Lock()
	var c *call
	switch {
	case w.state == workerEnded:
	case len(w.own) > 0:
		c = w.own[0]
		w.own[0] = nil
		w.own = w.own[1:]
	case len(z.queue) > 0:
		c = z.queue[0]
		z.queue[0] = nil
		z.queue = z.queue[1:]
	}
	if c == nil {
		if w.state == workerBusy {
			w.state = workerIdle
			if z.closing == nil {
				z.idle = append(z.idle, w)
			}
		}
		w.unlock()
		return
	}
	w.running[c] = struct{}{}
	z.running++
	z.mu.Unlock()
	w.run(c)
	w.wake()
}

// run runs a call as a turn of the worker's context.
func (w *Worker) run(c *call) {
	settled := func() { w.settled(c) }
	failed := func(err error) {
		switch {
		case errors.Is(err, errTimeout):
			c.reject(codeTimedOut, timeoutText)
		case w.context.Ended() && w.context.Realm().Condemned() == nil:
			c.reject(codeInternal, messageOf(errWorkerEnded)) // the script ended its thread
		case w.context.Realm().Condemned() != nil:
			w.blame(c)
			c.reject(codeInternal, messageOf(w.lost(err)))
		default:
			c.reject(codeInternal, messageOf(err))
		}
		settled()
	}
	w.context.RunIn(iocontext.Entry{}, func(js *isolate.JS) {
		p, err := placeOf(js)
		if err != nil {
			failed(err)
			return
		}
		if c.timeout == 0 || w.zone.id == NodeZone {
			c.perform(js, p, settled)
			return
		}
		part := w.context.NewPart()
		if err := js.Within(part.Frame(), c.timeout, func() { part.Stop(errTimeout) }, func(js *isolate.JS) { c.perform(js, p, settled) }); err != nil {
			failed(err)
		}
	}, failed)
}

func messageOf(err error) string {
	e, _ := exception.From(err)
	return e.Error()
}

// settled says that nothing of a call is left to wait for.
func (w *Worker) settled(c *call) {
	z := w.zone
	z.mu.Lock()
	if _, ok := w.running[c]; ok {
		delete(w.running, c)
		z.running--
	}
	w.unlock()
}

// Ended says that the worker's thread is over, because its script or its zone wanted that; any goroutine, any number of
// times. What the worker had been given fails.
func (w *Worker) Ended(err error) {
	if err == nil {
		err = errWorkerEnded
	}
	w.over(err, false)
}

// Lost is Ended for a thread that the host has ended, because it was out of memory or took too long: what it had been
// given fails, and another one takes its place, which is told first what the zone was told before. One that was never
// ready is not started again.
func (w *Worker) Lost(cause error) { w.over(w.lost(cause), true) }

// lost is the error of calls whose worker was lost.
func (w *Worker) lost(cause error) error {
	return exception.Errorf("The worker %s was lost with this call, and is started again: %s", w.Name(), messageOf(cause)).WithCause(cause)
}

func (w *Worker) over(err error, again bool) {
	z := w.zone
	z.mu.Lock()
	if w.state == workerEnded {
		z.mu.Unlock()
		return
	}
	again = again && w.state != workerStarting && z.closing == nil && z.id != NodeZone
	w.state = workerEnded
	z.idle = slices.DeleteFunc(z.idle, func(other *Worker) bool { return other == w })
	calls := w.own
	w.own = nil
	for c := range w.running {
		calls = append(calls, c)
		if !w.blamed {
			z.told.blame(c.news)
		}
	}
	z.running -= len(w.running)
	clear(w.running)
	var next *Worker
	if again {
		next = &Worker{zone: z, index: w.index, running: map[*call]struct{}{}, own: z.told.again()}
		z.workers[w.index] = next
	} else if z.alive--; z.alive == 0 {
		calls = append(calls, z.queue...)
		z.queue = nil
		close(z.gone)
	}
	z.mu.Unlock()
	rejectAll(calls, err)
	if next != nil {
		if err := next.begin(); err != nil {
			next.Ended(err)
		}
	}
}

func rejectAll(calls []*call, err error) {
	for _, c := range calls {
		c.reject(codeInternal, messageOf(err))
	}
}

// wait waits until the zone's threads are over, or ctx ends.
func (z *Zone) wait(ctx context.Context) error {
	select {
	case <-z.gone:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
