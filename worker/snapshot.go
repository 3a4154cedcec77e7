package worker

import (
	"context"
	"errors"
	"sync"
	"time"

	"workerd.local/exception"
	"workerd.local/internal/limits"
	"workerd.local/isolate"
	"workerd.local/replay"
)

// Snapshot is for a worker whose isolates start from a log of the first start, as scripts of
// Aworker do (package serialize).
//
// The script then begins in a context of its own: its top level, awaits included, and what
// it does when the serialize event comes may make requests and set timers. That happens
// once, and is recorded. A further isolate runs the script against the log: it computes what
// the first one computed, and waits for no answer. Then every isolate is told deserialize,
// with inputs of its own again, and is a twin: ready, on no goroutine, until a slot of the
// pool takes it. Where a run does otherwise than the log says, isolates run the script with
// its requests from there on, and the log says so once.
type Snapshot struct {
	// Twins is how many ready isolates the pool keeps beside those that work; negative is
	// the limit snapshot.twins.
	Twins int
	// Recorder notes for whom the code of a start runs, until done is called; it may give
	// nil. Nil means that nobody notes it.
	Recorder func() (r isolate.Recorder, done func())
}

// errStarting is for what comes in between, where nothing waits for the next isolate.
var errStarting = exception.Errorf("The isolate of the worker is starting again.").WithKind(exception.Disconnected)

var errCrowded = exception.Errorf("Too many events wait for an isolate of the worker that is starting.").WithKind(exception.Overloaded)

var errStartsClosed = exception.Errorf("The server is shutting down.").WithKind(exception.Disconnected)

// WhenReady calls fn, in a turn of the loop, when the worker can take events or has failed
// to start: at once where it needs no waiting. In the order of the calls. Loop only.
func (w *Worker) WhenReady(fn func()) {
	if w.starts == nil || w.realm != nil && w.realm.Condemned() == nil {
		fn()
		return
	}
	if len(w.waiting) >= limits.SnapshotWaiting.In(w.iso.Limits().Bounds) {
		failed := w.failed
		w.failed = errCrowded
		fn()
		w.failed = failed
		return
	}
	w.waiting = append(w.waiting, fn)
	if len(w.waiting) > 1 {
		return // it has been asked for
	}
	w.starts.take(func(t *Worker, err error) {
		perr := w.iso.Loop().Post(func() { w.started(t, err) })
		if perr != nil && t != nil {
			w.starts.discard(t) // the loop is closed, and what waits was dropped with it
		}
	})
}

// Post runs fn as a task of the loop when the worker can take events; any goroutine.
func (w *Worker) Post(fn func()) error {
	if w.starts == nil {
		return w.iso.Loop().Post(fn)
	}
	return w.iso.Loop().Post(func() { w.WhenReady(fn) })
}

// started takes a twin, or hears why there is none, and runs what waits.
func (w *Worker) started(t *Worker, err error) {
	if err == nil {
		err = w.adopt(t)
	}
	waiting := w.waiting
	w.waiting = nil
	if err != nil {
		// Those who wait are told; who comes next tries again.
		w.failed = startFailure(err)
	}
	for _, fn := range waiting {
		fn()
	}
	w.failed = nil
}

// adopt makes a twin's realm the worker's: it moves to its isolate.
func (w *Worker) adopt(t *Worker) error {
	t.realm.Move(w.iso)
	t.iso, t.home = w.iso, w
	w.instance = t.instance
	var err error
	if rerr := w.realm.Run(nil, func(js *isolate.JS) { err = w.mayStartThreads(js) }); rerr != nil {
		return rerr
	}
	return err
}

// slot is the worker that events come to: of a twin, who has taken it.
func (w *Worker) slot() *Worker {
	if w.home != nil {
		return w.home
	}
	return w
}

// startLog is what all isolates but the first start from.
type startLog struct {
	entries []byte
	answers []*replay.Exchange
	work    []uint64
}

// starts makes the isolates of one pool, and keeps twins. Any goroutine.
type starts struct {
	o      Options
	like   *isolate.Isolate // what twins are like
	most   int
	ctx    context.Context
	cancel context.CancelFunc
	making sync.WaitGroup

	mu      sync.Mutex // guards what follows
	log     *startLog  // nil until the first start, and where isolates run the script themselves
	cold    bool       // they do, for good
	ready   []*Worker
	waiting []func(*Worker, error)
	busy    bool // a goroutine makes isolates
	broken  bool // the last one could not be made: none is made that nobody waits for
	closed  bool
}

func newStarts(like *isolate.Isolate, o Options) *starts {
	s := &starts{o: o, like: like, most: o.Snapshot.Twins}
	if s.most < 0 {
		s.most = limits.SnapshotTwins.In(like.Limits().Bounds)
	}
	s.ctx, s.cancel = context.WithCancel(o.Context)
	return s
}

// take calls done once, on any goroutine, with a twin that nobody else has.
func (s *starts) take(done func(*Worker, error)) {
	s.mu.Lock()
	switch n := len(s.ready); {
	case s.closed:
		s.mu.Unlock()
		done(nil, errStartsClosed)
	case n > 0:
		t := s.ready[n-1]
		s.ready[n-1] = nil
		s.ready = s.ready[:n-1]
		s.fill()
		s.mu.Unlock()
		done(t, nil)
	default:
		s.waiting = append(s.waiting, done)
		s.broken = false
		s.fill()
		s.mu.Unlock()
	}
}

// wanted reports whether one more isolate is to be made; with mu.
func (s *starts) wanted() bool {
	switch {
	case s.closed:
		return false
	case len(s.waiting) > 0:
		return true
	}
	return !s.broken && len(s.ready) < s.most && !s.like.Pressed()
}

// fill makes what is wanted, on a goroutine; with mu.
func (s *starts) fill() {
	if s.busy || !s.wanted() {
		return
	}
	s.busy = true
	s.making.Go(s.work)
}

func (s *starts) work() {
	for {
		s.mu.Lock()
		if !s.wanted() {
			s.busy = false
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		t, err := s.make()
		s.mu.Lock()
		var told []func(*Worker, error)
		switch {
		case err != nil:
			// Another one would end as this one did.
			s.broken, told, s.waiting = true, s.waiting, nil
		case len(s.waiting) > 0:
			told, s.waiting = s.waiting[:1:1], s.waiting[1:]
		case s.closed:
			s.mu.Unlock()
			s.discard(t)
			continue
		default:
			s.ready = append(s.ready, t)
		}
		s.mu.Unlock()
		for _, done := range told {
			done(t, err)
		}
	}
}

// make makes one twin, from the log where there is one.
func (s *starts) make() (*Worker, error) {
	s.mu.Lock()
	log, cold := s.log, s.cold
	s.mu.Unlock()
	mode := replay.Recording
	switch {
	case cold:
		mode = replay.Live
	case log != nil:
		mode = replay.Replaying
	}
	m, err := newStart(s, mode, log).run()
	var d *diverged
	if errors.As(err, &d) {
		s.chill(d.why)
		m, err = newStart(s, replay.Live, nil).run()
	}
	if m.lost != nil {
		s.chill(m.lost)
	} else if m.log != nil {
		s.mu.Lock()
		s.log = m.log
		s.mu.Unlock()
	}
	return m.twin, err
}

// chill makes isolates run the script themselves from here on, and says so.
func (s *starts) chill(why error) {
	s.mu.Lock()
	s.cold, s.log = true, nil
	s.mu.Unlock()
	s.like.Log().Warn("new isolates of the worker start without the snapshot, and wait for what its script asks for", "service", s.o.Name, "reason", why)
}

// discard ends a twin that nobody takes.
func (s *starts) discard(t *Worker) { t.iso.Close() }

// close ends the twins and what is being made, and waits for the latter.
func (s *starts) close() {
	s.mu.Lock()
	s.closed = true
	ready, waiting := s.ready, s.waiting
	s.ready, s.waiting = nil, nil
	s.mu.Unlock()
	s.cancel()
	for _, t := range ready {
		s.discard(t)
	}
	for _, done := range waiting {
		done(nil, errStartsClosed)
	}
	s.making.Wait()
}

// CloseTwins ends the isolates that wait for work, and makes no others. Any goroutine.
func (p *Pool) CloseTwins() {
	if p.starts != nil {
		p.starts.close()
	}
}

// diverged is why a run against the log was given up.
type diverged struct{ why error }

func (d *diverged) Error() string { return d.why.Error() }

// variables are the environment of a Host whose names nobody asks for.
type variables struct{ isolate.Host }

// Get is replay.Variables'.
func (v variables) Get(name string) (string, bool) { return v.Getenv(name) }

// Names is replay.Variables'.
func (variables) Names() []string { return nil }

// errUnrested is a start that takes too long.
func errUnrested(after time.Duration) error {
	return exception.Errorf("Script startup exceeded its limit: after %s the top level, or what the serialize and deserialize events wait for, has not settled (limit snapshot.start).", after)
}
