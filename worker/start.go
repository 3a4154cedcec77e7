package worker

import (
	"context"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/internal/limits"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/loop"
	"workerd.local/replay"
	"workerd.local/script"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/console"
	"workerd.local/webapi/events"
)

// start is one run of a script up to where it can take events, on an isolate of its own
// that the calling goroutine drives.
type start struct {
	s    *starts
	w    *Worker // the twin that it makes
	host isolate.Host
	tape *replay.Tape
	net  *replay.Network
	log  *startLog // that it follows; nil for none

	realm   *isolate.Realm
	ioc     *iocontext.Context // the present one
	ev      *script.Evaluation
	fired   bool // the present context has been told its event
	parked  bool // and that is over
	quiet   bool // nothing will re-enter the present context
	failure error

	recorded func() // gives the recorder back; nil where there is none
}

// made is what a start has made.
type made struct {
	twin *Worker
	log  *startLog // of a run that was recorded
	lost error     // why there is none
}

func newStart(s *starts, mode replay.Mode, log *startLog) *start {
	bounds := s.like.Limits().Bounds
	st := &start{s: s, host: s.like.Host(), log: log}
	st.tape = replay.NewTape(st.host, variables{st.host}, mode, limits.SnapshotLog.In(bounds))
	// Every request names its service.
	st.net = replay.NewNetwork(nil, st.tape, limits.SnapshotBody.In(bounds))
	if log != nil {
		st.tape.Rewind(replay.Replaying, log.entries)
		st.net.Replay(log.answers)
	}
	var recorder isolate.Recorder
	if s.o.Snapshot.Recorder != nil {
		recorder, st.recorded = s.o.Snapshot.Recorder()
	}
	st.w = New(s.like.Alike(st.tape, recorder), s.o)
	st.tape.Stop = func(error) { st.w.iso.Kill(isolate.ErrKilled) }
	return st
}

// run makes the twin. The error is the script's, a *diverged, or why it was cut off.
func (st *start) run() (m made, err error) {
	limit := limits.SnapshotStart.In(st.s.like.Limits().Bounds)
	ctx, cancel := context.WithTimeoutCause(st.s.ctx, limit, errUnrested(limit))
	defer cancel()
	// Code that computes is stopped, too.
	defer context.AfterFunc(ctx, func() { st.w.iso.Kill(isolate.ErrKilled) })()
	st.w.iso.Watched(func() { m, err = loop.Guarded(ctx, st.phases) })
	if st.recorded != nil {
		st.recorded()
	}
	if err == nil {
		return m, nil
	}
	st.end()
	st.w.iso.Close()
	switch {
	case st.s.ctx.Err() != nil:
		err = errStartsClosed
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	}
	return made{}, err
}

// phases are the top level with serialize, whose inputs are those of the log, and
// deserialize.
func (st *start) phases(ctx context.Context) (m made, err error) {
	w, recorded := st.w, st.tape.IsRecording()
	if st.realm, err = w.newRealm(isolate.RealmOptions{
		OnInterrupted: w.interrupted, OnCondemned: w.reset, OnRejection: st.rejection,
	}, st.setup); err != nil {
		return m, err
	}
	w.realm = st.realm
	st.begin(event.WithWatcher(ctx, st.net))
	var failure, badEnv error
	err = st.realm.RunStartup(st.ioc.Frame(), func(js *isolate.JS) {
		if st.ev, failure, badEnv = w.evaluate(js); failure == nil && badEnv == nil {
			js.OnSettled(st.ev.Value, st.evaluated)
		}
	})
	if badEnv != nil {
		return m, badEnv // the configuration's fault, not the script's
	}
	if err == nil {
		err = failure
	}
	if err != nil && st.realm.Condemned() == nil {
		st.fail(w.startupError(err))
	}
	if st.log != nil {
		err = st.follow(ctx)
	} else {
		err = st.drive(ctx)
	}
	if err != nil {
		return m, err
	}
	m.twin = w
	if recorded {
		m.log = &startLog{answers: st.net.Freeze()}
		if m.log.entries, m.log.work, m.lost = st.tape.Finish(); m.lost != nil {
			m.log = nil
		}
	}
	st.end()
	st.tape.GoLive()
	st.net.Fork()

	st.begin(st.s.o.Context)
	st.ioc.RunIn(iocontext.Entry{}, func(js *isolate.JS) {
		console.SetSink(js, nil)
		st.fire(js, "deserialize")
	}, st.fail)
	if err := st.drive(ctx); err != nil {
		return m, err
	}
	st.end()
	if cause := st.realm.Condemned(); cause != nil {
		return m, startupLimit(cause)
	}
	return m, w.finishStart(st.ev)
}

// setup is the last part of the realm's setup.
func (st *start) setup(js *isolate.JS) error {
	print := console.LogSink(js)
	console.SetSink(js, func(level, text string) {
		if st.tape.Output(0, level+" "+text) {
			print(level, text)
		}
	})
	return nil
}

func (st *start) rejection(js *isolate.JS, r isolate.Rejection) {
	if st.log != nil && !st.tape.IsLive() {
		events.DispatchRejection(js, r) // the first start has reported it
		return
	}
	st.w.unhandledRejection(js, r)
}

// begin makes the context of a phase, and end ends it with what it still waits for.
func (st *start) begin(parent context.Context) {
	st.fired, st.parked, st.quiet = false, false, false
	st.ioc = iocontext.New(st.realm, iocontext.Options{
		Parent: parent, OnAbort: st.fail, OnIdle: st.idle, OnQuiet: func() { st.quiet = true },
	})
}

func (st *start) end() {
	if st.ioc != nil && !st.ioc.Ended() {
		st.w.iso.Loop().Turn(st.ioc.End)
	}
}

// evaluated goes on when the top level has run.
func (st *start) evaluated(js *isolate.JS, _ goja.Value, err error) {
	if err != nil {
		st.fail(st.w.startupError(err))
		return
	}
	js.Later(func(js *isolate.JS) { st.fire(js, "serialize") })
}

// fire dispatches an event of the worker's life.
func (st *start) fire(js *isolate.JS, typ string) {
	e := &lifeEvent{extendable{Extendable: events.Extendable{Event: events.New(typ, false)}, ctx: &executionContext{w: st.w, ioc: st.ioc}}}
	if _, err := events.Deliver(js, events.Global(js), lifeEventClass, e); err != nil {
		if isolate.Uncatchable(err) {
			js.Panic(err)
		}
		st.fail(st.w.startupError(err))
		return
	}
	if st.fired = true; st.ioc.Tasks() == 0 {
		st.idle()
	}
}

// idle is told that nothing is left to wait for.
func (st *start) idle() {
	switch err := st.ioc.TaskError(); {
	case !st.fired:
	case err != nil:
		e, _ := exception.From(err)
		st.fail(exception.Errorf("Uncaught (in waitUntil) %s", e.Error()).WithCause(err))
	default:
		st.parked = true
	}
}

func (st *start) fail(err error) {
	if st.failure == nil {
		st.failure = err
	}
}

// over reports whether nothing more is to be run.
func (st *start) over() bool { return st.failure != nil || st.realm.Condemned() != nil }

// follow runs the turns of the log.
func (st *start) follow(ctx context.Context) error {
	err := st.tape.Follow(ctx, st.w.iso.Loop(), st.over)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil {
		err = st.tape.AtEnd(st.log.work)
	}
	switch {
	case st.failure != nil && st.realm.Condemned() == nil:
		err = st.failure // this says more than that it has ended
	case err != nil:
	case st.net.Unasked() > 0:
		err = st.tape.Differs("did not ask for all of what it had asked for before")
	case !st.parked:
		err = st.tape.Differs("does not come to rest where it did before")
	}
	if err != nil {
		return &diverged{err}
	}
	return nil
}

// drive runs turns until the event of the phase is over. Background work that completed
// comes before timers.
func (st *start) drive(ctx context.Context) error {
	l := st.w.iso.Loop()
	for {
		for l.Backlog() > 0 && !st.over() {
			l.RunTasks()
		}
		switch cause := st.realm.Condemned(); {
		case ctx.Err() != nil:
			return ctx.Err()
		case cause != nil:
			return startupLimit(cause)
		case st.failure != nil:
			return st.failure
		case st.parked:
			return nil
		case st.tape.Deliver():
			continue
		}
		at, seq, timed := l.NextTimer()
		if timed && !at.After(st.host.Now()) {
			st.tape.Timer(seq)
			l.FireTimer()
			continue
		}
		if !timed && l.Backlog() == 0 {
			// A turn that does nothing tells whether something is still to come.
			st.ioc.Run(func(*isolate.JS) {})
			if st.quiet && l.Backlog() == 0 {
				return errUnsettled
			}
		}
		st.tape.Sleep(ctx, l)
	}
}

// lifeEvent is the serialize or deserialize event.
type lifeEvent struct{ extendable }

var lifeEventClass = &bind.Class[lifeEvent]{
	Name:   "LifecycleEvent",
	Parent: bind.Extends(events.ExtendableEventClass, func(e *lifeEvent) *events.Extendable { return &e.Extendable }),
	Methods: map[string]bind.Method[lifeEvent]{
		"waitUntil": func(e *lifeEvent, c *bind.Call) (any, error) { return e.ctx.waitUntil(c) },
	},
}
