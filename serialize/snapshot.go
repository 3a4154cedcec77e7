package serialize

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/replay"
)

// Kind is what a snapshot was made for.
type Kind uint8

// The kinds.
const (
	// Startup snapshots were made when nothing was left to do: they are files.
	Startup Kind = 1 + iota
	// Forkable snapshots were made as soon as `serialize` was over: timers and requests may
	// be under way. They are what a seed's children are made from.
	Forkable
)

// Snapshot is a log with all that is needed to run it again. It is immutable; any
// goroutine.
type Snapshot struct {
	kind     Kind
	program  *Program
	preload  *Program // nil for none
	location string   // as it was given
	args     []string
	entries  []byte
	answers  []*replay.Exchange
	bare     bool // there is no script: a worker that has run nothing
	// base is the snapshot that the run went on from; nil where it began with the script.
	base *Snapshot

	// The worker when it parked. forced says that serialize was not over.
	forced bool
	state  State
	work   []uint64 // background work that was under way
	timers int
	timer  uint64 // the first of them
	due    int64  // when that one fires, in milliseconds
}

// record runs o's script up to where it parks. The worker is the caller's to close; where
// the script ended, exit says how, and where it cannot be recorded, err says why.
func record(ctx context.Context, o Options, kind Kind, timeout time.Duration) (w *Worker, s *Snapshot, exit *Exit, err error) {
	if o.Base != nil {
		if w, err = goOnFrom(ctx, o); err != nil && o.Program == nil {
			e := refuse(o, err)
			return nil, nil, &e, nil
		} else if err != nil {
			o.warn(fmt.Sprintf("the snapshot cannot be run again: %s", err))
			o.warn(notLoaded)
			o.Base = nil
		}
	}
	if w == nil {
		if w, err = newWorker(o, replay.Recording); err != nil {
			e := refuse(o, err)
			return nil, nil, &e, nil
		}
		first := w.startSeed
		if kind == Startup {
			first = w.startBuild
		}
		w.turn(first)
	} else {
		w.turn(w.goOnAsSeed)
	}
	w.forkable = kind == Forkable
	if err := w.park(ctx, kind, timeout); err != nil || w.exit != nil {
		return w, nil, w.exit, err
	}
	s, err = w.snapshot(kind)
	return w, s, nil, err
}

// goOnFrom is a worker that stands where o's base parked, with the environment of o, and
// that records what it does from here on.
func goOnFrom(ctx context.Context, o Options) (*Worker, error) {
	quiet := o
	quiet.Base, quiet.Stdout, quiet.Stderr = nil, nil, nil
	w, err := restore(ctx, o.Base, quiet)
	if err != nil {
		return nil, err
	}
	o = o.withDefaults()
	w.tape.Rewind(replay.Recording, nil)
	w.net.Unfreeze()
	w.env.replace(o.Env)
	w.o.Base, w.o.Location = o.Base, o.Location
	w.out, w.err = o.Stdout, o.Stderr
	w.repeatable(o.Args, o.Preload, o.Location)
	return w, nil
}

// repeatable is what is new for a worker that goes on from a snapshot and will park again.
func (w *Worker) repeatable(args []string, preload *Program, location string) {
	w.args, w.o.Args, w.o.Preload, w.parked = args, args, preload, false
	if location != "" {
		w.location = location
	}
	w.origin = w.tape.Now()
	w.turn(w.begin)
}

// park drives the worker up to where it parks.
func (w *Worker) park(ctx context.Context, kind Kind, timeout time.Duration) error {
	if kind == Forkable {
		if w.drive(ctx, func() bool { return w.parked }) {
			// The original parks, too.
			w.o.warn("serialize: nothing is left to do, and waitUntil has not settled: it parks as it is")
			if w.state < Serialized {
				w.state.become(Serialized)
			}
		}
		return nil
	}
	bounded, cancel := ctx, func() {}
	if timeout > 0 {
		bounded, cancel = context.WithTimeout(ctx, timeout)
	}
	defer cancel()
	idle := w.drive(bounded, func() bool { return false })
	switch {
	case idle && !w.parked:
		return errors.New("snapshot: nothing is left to do, and the waitUntil of serialize has not settled")
	case bounded.Err() != nil && ctx.Err() == nil:
		w.exit = nil
		return fmt.Errorf("snapshot: after %s the script still has %s", timeout, w.unfinished())
	}
	return nil
}

// unfinished names what keeps a worker from being idle.
func (w *Worker) unfinished() string {
	var list []string
	for _, id := range slices.Sorted(maps.Keys(w.timers)) {
		t := w.timers[id]
		if !t.repeat {
			list = append(list, "a setTimeout() that has not fired")
			continue
		}
		text := "a setInterval() that is not cleared"
		if p := w.pathOf(t.object); p != "" {
			text += " (" + p + ")"
		}
		if t.place != "" {
			text += ", set at " + t.place
		}
		list = append(list, text)
	}
	for _, f := range w.net.UnderWay() {
		list = append(list, "a fetch() under way ("+f+")")
	}
	if len(list) == 0 {
		return "work to do"
	}
	return strings.Join(list, "; ")
}

// Bounds of the search for a path.
const (
	pathDepth   = 4
	pathObjects = 10_000
)

// pathOf is how a script reaches an object from globalThis, or "".
func (w *Worker) pathOf(want *goja.Object) (path string) {
	if want == nil {
		return ""
	}
	type place struct {
		object *goja.Object
		path   string
		depth  int
	}
	w.turn(func(js *isolate.JS) {
		queue := []place{{js.Runtime().GlobalObject(), "globalThis", 0}}
		seen := map[*goja.Object]bool{}
		for len(queue) > 0 && len(seen) < pathObjects {
			at := queue[0]
			queue = queue[1:]
			if seen[at.object] {
				continue
			}
			seen[at.object] = true
			// Getters and traps of the script may throw: then there is no path through them.
			_ = js.Try(func() {
				for _, key := range at.object.Keys() {
					o, ok := at.object.Get(key).(*goja.Object)
					if !ok {
						continue
					}
					p := at.path + "." + key
					if o.SameAs(want) {
						path = p
						return
					}
					if at.depth < pathDepth {
						queue = append(queue, place{o, p, at.depth + 1})
					}
				}
			})
			if path != "" {
				return
			}
		}
	})
	return path
}

// snapshot is the log of a worker that has parked.
func (w *Worker) snapshot(kind Kind) (*Snapshot, error) {
	if kind == Startup && len(w.timers) > 0 {
		return nil, fmt.Errorf("snapshot: the script still has %s", w.unfinished())
	}
	answers := w.net.Freeze()
	entries, work, err := w.tape.Finish()
	if err != nil {
		return nil, err
	}
	s := &Snapshot{
		kind: kind, program: w.o.Program, preload: w.o.Preload, location: w.o.Location, args: w.o.Args,
		base: w.o.Base, entries: entries, answers: answers, work: work, state: w.state, forced: !w.parked, timers: w.iso.Loop().Timers(),
	}
	if kind == Startup {
		s.preload = nil
	}
	if at, seq, ok := w.iso.Loop().NextTimer(); ok {
		s.timer, s.due = seq, at.UnixMilli()
	}
	return s, nil
}

// restore makes a worker that stands where the snapshot's parked. o gives host, network,
// limits and outputs; environment, arguments and location are those of the snapshot until
// the worker becomes a child.
func restore(ctx context.Context, s *Snapshot, o Options) (*Worker, error) {
	if s.base != nil {
		return restoreOn(ctx, s, o)
	}
	o.Base = nil
	o.Program, o.Preload, o.Location, o.Args, o.Env = s.program, s.preload, s.location, s.args, nil
	w, err := newWorkerFor(o, s)
	if err != nil {
		return nil, err
	}
	if s.bare {
		return w, nil
	}
	first := w.startSeed
	if s.kind == Startup {
		first = w.startBuild
	}
	if err := w.follow(ctx, s, first); err != nil {
		w.close()
		return nil, err
	}
	w.forkable = s.kind == Forkable
	return w, nil
}

// restoreOn is restore for a run that went on from a snapshot.
func restoreOn(ctx context.Context, s *Snapshot, o Options) (*Worker, error) {
	w, err := restore(ctx, s.base, o)
	if err != nil {
		return nil, err
	}
	w.tape.Rewind(replay.Replaying, s.entries)
	w.net.Replay(s.answers)
	w.repeatable(s.args, s.preload, s.location)
	if err := w.follow(ctx, s, w.goOnAsSeed); err != nil {
		w.close()
		return nil, err
	}
	w.forkable = s.kind == Forkable
	return w, nil
}

// newWorkerFor is newWorker for a run that follows the log of s.
func newWorkerFor(o Options, s *Snapshot) (*Worker, error) {
	if s.bare {
		return newWorker(o, replay.Live)
	}
	return newWorkerWith(o, replay.Replaying, func(w *Worker) {
		w.tape.Rewind(replay.Replaying, s.entries)
		w.net.Replay(s.answers)
	})
}

// warn prints a line that the process, not the script, has to say.
func (o Options) warn(text string) { fmt.Fprintln(o.withDefaults().Stderr, text) }
