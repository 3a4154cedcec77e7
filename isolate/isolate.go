// Package isolate is a loop with its realms: the goroutine that JavaScript runs
// on.
//
// Words: an isolate is one goroutine with one loop, one set of limits and one
// Host; a realm is one goja runtime on it, with globals of its own. A *JS is the
// right to touch one realm's heap: it is handed to a function for the length of
// one turn and is never stored.
//
// # Concurrency
//
// Enter, Close, Kill, Done and the read-only accessors of Isolate may be called from
// any goroutine. Everything else belongs to the isolate's goroutine.
package isolate

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"workerd.local/loop"
)

// Options configure an isolate; the zero value is usable.
type Options struct {
	// Name shows in the log.
	Name string
	// Host is where clock, randomness, environment and files come from; nil
	// means the real ones.
	Host Host
	// Limits bound what scripts may do; zero fields take their defaults.
	Limits Limits
	// Log receives what no caller could be told; nil means slog.Default.
	Log *slog.Logger
	// Guard watches the memory of the process; nil means that nothing does.
	Guard *MemoryGuard
	// Recorder notes for whom code runs; nil means that nobody does.
	Recorder Recorder
	// Blocks allows scripts to wait in Atomics.wait: nothing else is on the loop that
	// could not.
	Blocks bool
}

// Isolate runs realms on one goroutine.
type Isolate struct {
	name   string
	host   Host
	limits Limits
	log    *slog.Logger
	loop   *loop.Loop
	guard  *MemoryGuard
	dog    watchdog
	blocks bool

	recorder Recorder
	running  subject // what the recorder was told last

	done chan struct{}
	once sync.Once

	// Owned by the loop.
	local map[any]any
}

// New returns an isolate that does nothing until Run or Start.
func New(o Options) *Isolate {
	if o.Host == nil {
		o.Host = SystemHost()
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	i := &Isolate{
		name: o.Name, host: o.Host, limits: o.Limits.withDefaults(), log: o.Log,
		guard: o.Guard, recorder: o.Recorder, blocks: o.Blocks, done: make(chan struct{}), local: map[any]any{},
	}
	i.dog.dead = make(chan struct{})
	i.dog.clock.used = processTime
	i.loop = loop.New(loop.Options{
		Now:   o.Host.Now,
		Begin: begin(o.Host),
		OnPanic: func(v any, stack []byte) {
			i.log.Error("panic on the loop", "isolate", i.name, "panic", v, "stack", string(stack))
		},
	})
	return i
}

// begin is how the loop's own background work completes; nil where nobody orders it.
func begin(h Host) func() (complete func(deliver func())) {
	if s, ok := h.(Sequencer); ok {
		return s.Begin
	}
	return nil
}

// Run owns the calling goroutine until Close; see loop.Loop.Run.
func (i *Isolate) Run(ctx context.Context) error {
	if i.guard != nil {
		i.guard.add(i)
		defer i.guard.remove(i)
	}
	defer i.once.Do(func() { close(i.done) })
	return i.loop.Run(ctx)
}

// Start runs the isolate on a goroutine of its own until Close.
func (i *Isolate) Start() { go i.Run(context.Background()) }

// Close lets the tasks that are queued run, then ends the isolate. It does not
// wait; Done tells when the goroutine has ended.
func (i *Isolate) Close() { i.loop.Close() }

// Kill ends all JavaScript of the isolate for good; any goroutine. The turn that runs
// is interrupted, which no script can catch, and its realm is condemned with reason;
// other realms are when they are next entered. Tasks of the loop that are Go go on.
func (i *Isolate) Kill(reason error) { i.dog.kill(reason) }

// InLongTurn reports whether a turn has been running for so long, 20 to 40 ms at least,
// that what comes to another isolate will be served earlier; any goroutine.
func (i *Isolate) InLongTurn() bool { return i.dog.long.Load() }

// TurnTime is how much of a processor the turn that runs has had, on the clock of its limit,
// which moves every 20 ms; ok is false between turns. Any goroutine.
func (i *Isolate) TurnTime() (used time.Duration, ok bool) { return i.dog.had() }

// Done is closed when Run has returned.
func (i *Isolate) Done() <-chan struct{} { return i.done }

// Loop is the isolate's loop.
func (i *Isolate) Loop() *loop.Loop { return i.loop }

// Name is the name given in Options.
func (i *Isolate) Name() string { return i.name }

// Host is the isolate's source of clock, randomness, environment and files.
func (i *Isolate) Host() Host { return i.host }

// Limits are the limits in force.
func (i *Isolate) Limits() Limits { return i.limits }

// Recorded reports whether somebody notes for whom code runs.
func (i *Isolate) Recorded() bool { return i.recorder != nil }

// Log is where the isolate reports what no caller could be told.
func (i *Isolate) Log() *slog.Logger { return i.log }

// Local returns the isolate's value for key, made on first use. It is how a
// higher layer keeps one thing per isolate, such as the cache's shared LRU.
func Local[T any](i *Isolate, key any, make func() T) T {
	if v, ok := i.local[key]; ok {
		return v.(T)
	}
	v := make()
	i.local[key] = v
	return v
}

// Enter runs fn as a turn of the realm; any goroutine. It returns loop.ErrClosed
// when the isolate no longer takes tasks. On a condemned realm fn does not run;
// RealmOptions.OnCondemned has told why.
func (i *Isolate) Enter(r *Realm, fn func(js *JS)) error {
	return i.loop.Post(func() { r.Run(nil, fn) })
}
