package threads

import (
	"context"
	"sync/atomic"

	"github.com/dop251/goja"

	"workerd.local/internal/limits"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/loop"
)

// Body is what a thread runs. Its methods are called on the thread's goroutine.
type Body interface {
	// Prepare makes the realm of the thread, with all its globals.
	Prepare(i *isolate.Isolate, t *Thread) (*isolate.Realm, error)
	// Start evaluates the entry. The thread's inbox opens once the result has settled, where it is a promise, or at
	// once. A failure is an exception that nothing caught.
	Start(js *isolate.JS, t *Thread) (goja.Value, error)
	// Idle is told that nothing is left to do. The thread goes on where there is something after the call, or where
	// the call says so.
	Idle(js *isolate.JS, t *Thread) bool
}

// Ender is a Body that is told once that the thread ends by itself, before its context does, and says with which code:
// where exit handlers run. Not called for a thread that is killed.
type Ender interface {
	End(js *isolate.JS, t *Thread, code int) int
}

// Catcher is a Body with a say about exceptions that nothing caught; it reports whether it took one.
type Catcher interface {
	Caught(js *isolate.JS, t *Thread, v goja.Value) bool
}

// Finisher is a Body that is told last of all that its thread has ended, however that came, and also where it never ran.
// Its realm is there no more.
type Finisher interface{ Finish() }

// Spec says what thread to start.
type Spec struct {
	// Name shows in the log.
	Name string
	Body Body
	// Parent is the thread that the owner runs on; nil where it is none.
	Parent *Thread
	Owner  Owner
	// Stay keeps the thread when it has nothing to do.
	Stay bool
	// Unref starts it without keeping its owner alive.
	Unref bool
	// DieOnFailure ends the thread, with code 1, at an exception that nothing caught.
	DieOnFailure bool
	// Late lets the thread begin when the owner's turn is over: what the owner does in it comes first.
	Late bool
	// KillCode is the exit code of a thread that is killed.
	KillCode int
	// Limits replace those of the root where they are not 0.
	Limits isolate.Limits
}

// State is where a thread is in its life: New -> Loading -> Running -> Closing -> Dead; from any of the first three it
// may go straight to Closing.
type State int32

const (
	New State = iota
	Loading
	Running
	Closing
	Dead
)

// Thread is one isolate on a goroutine of its own.
type Thread struct {
	id    int
	root  *Root
	spec  Spec
	depth int // of a thread without a parent it is 0

	iso          *isolate.Isolate
	unrecord     func() // gives back what its isolate notes in; may be nil
	class, actor string // of the actor that owns it
	ctx          context.Context
	cancel       func()        // ends ctx and the loop
	may          chan struct{} // closed when the thread may begin; nil where it may at once
	done         chan struct{}

	state  atomic.Int32
	killed atomic.Bool
	code   atomic.Int32

	inbox  queue // what it is sent
	outbox queue // what it says to its owner

	// Guarded by root.mu.
	children map[*Thread]struct{}
	ending   bool // it starts no more threads

	// Owned by the goroutine of the owner.
	unhold func() // lets the owner end; nil where it is not held
	over   bool   // the owner has heard of the end
	forget func() // takes back what was to happen at the owner's end
	queued bool   // hear waits for the owner's input gate

	// Owned by the thread's goroutine.
	realm       *isolate.Realm
	io          *iocontext.Context
	receivers   []func(js *isolate.JS, m Message) bool
	open        bool // the inbox is delivered
	holds       int
	considering bool
	told        bool                             // a failure, in the turn that runs or ran last
	pumping     func()                           // pump, made once
	hearing     func()                           // hear, likewise
	taking      func(js *isolate.JS) (more bool) // receive, likewise
	left        int                              // of the messages of this task
	next        following                        // what follows those that were received
	ended       bool                             // Ender was told
	decided     bool                             // the thread itself has said its code
}

func newThread(r *Root, s Spec) *Thread {
	if c := s.Owner.Context; c != nil {
		s.Owner.Loop = c.Loop()
	}
	name := s.Name
	if name == "" {
		name = "thread"
	}
	t := &Thread{root: r, spec: s, done: make(chan struct{})}
	if s.Parent != nil {
		t.depth = s.Parent.depth + 1
	}
	var recorder isolate.Recorder
	if r.o.Recorder != nil {
		recorder, t.unrecord = r.o.Recorder()
	}
	t.iso = isolate.New(isolate.Options{
		Name: name, Host: r.o.Host, Log: r.o.Log, Limits: s.Limits.Or(r.o.Limits), Guard: r.o.Guard, Blocks: true, Recorder: recorder,
	})
	if c := s.Owner.Context; c != nil {
		t.class, t.actor = c.Identity()
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.ctx, t.cancel = ctx, func() {
		cancel()
		t.iso.Loop().Stop()
	}
	t.pumping, t.hearing, t.taking = t.pump, t.hear, t.receive
	for _, q := range []*queue{&t.inbox, &t.outbox} {
		q.maxMessages, q.maxBytes = limits.ThreadsMessages.In(r.Bounds()), limits.ThreadsBytes.In(r.Bounds())
	}
	return t
}

// begin starts the goroutine; owner's goroutine.
func (t *Thread) begin() {
	if c := t.spec.Owner.Context; c != nil {
		t.forget = c.OnEnd(t.Kill)
		if !t.spec.Unref {
			t.unhold = c.AddPending()
		}
		t.waitFor(c.WaitForOutput())
	}
	// What the owner does in this turn comes before a natural end.
	if l := t.spec.Owner.Loop; l != nil && l.InTurn() {
		if t.spec.Late {
			l.AtTurnEnd(func() { go t.run() })
			return
		}
		t.holds++
		l.AtTurnEnd(func() {
			// A thread that has ended has nobody left to tell.
			_ = t.iso.Loop().Post(func() { t.holds--; t.consider() })
		})
	}
	go t.run()
}

// waitFor lets the thread begin when what its owner, an actor, wrote before is durable, and never where it does not
// become so: the thread is the outside, as is who it talks to.
func (t *Thread) waitFor(durable loop.Result[struct{}]) {
	if _, err, ready := durable.Ready(); ready && err == nil {
		return
	}
	may := make(chan struct{})
	t.may = may
	durable.Then(func(_ struct{}, err error) {
		if err != nil {
			t.Kill()
			return
		}
		close(may)
	})
}

// ID is the number of the thread within its root; any goroutine.
func (t *Thread) ID() int { return t.id }

// Root is the thread's root; any goroutine.
func (t *Thread) Root() *Root { return t.root }

// Name is the name given in Spec; any goroutine.
func (t *Thread) Name() string { return t.spec.Name }

// State is where the thread is in its life; any goroutine.
func (t *Thread) State() State { return State(t.state.Load()) }

// Done is closed when the thread has ended; any goroutine.
func (t *Thread) Done() <-chan struct{} { return t.done }

// ExitCode is the code that the thread ends, or has ended, with; any goroutine.
func (t *Thread) ExitCode() int { return int(t.code.Load()) }

// Context is done when the thread is killed or has ended: what blocks on its behalf must end then. Any goroutine.
func (t *Thread) Context() context.Context { return t.ctx }

// Loop is the thread's loop; any goroutine.
func (t *Thread) Loop() *loop.Loop { return t.iso.Loop() }

// Post sends a message to the thread; any goroutine. It is ErrFull where too much waits already, and ErrDead where the
// thread has ended or is ending.
func (t *Thread) Post(m Message) error { return t.send(item{message: m}) }

// PostFrom is Post for the script that runs, whose actor's writes are durable before the message arrives (hold).
func (t *Thread) PostFrom(js *isolate.JS, m Message) error {
	h, lost := holdFor(js, &t.inbox, t)
	if lost {
		Drop(m)
		return nil
	}
	if err := t.send(item{message: m, hold: h}); err != nil {
		return err
	}
	h.wait()
	return nil
}

func (t *Thread) send(i item) error {
	err := ErrDead
	if t.State() < Closing && !t.killed.Load() {
		err = t.toInbox(i)
	}
	if err != nil {
		Drop(i.message)
	}
	return err
}

// Stop lets the thread do what it was sent so far, then ends it with code 0; any goroutine.
func (t *Thread) Stop() {
	// A thread that has ended need not be stopped.
	_ = t.toInbox(item{stop: true})
}

func (t *Thread) toInbox(i item) error {
	tell, err := t.inbox.push(i)
	if err != nil || !tell {
		return err
	}
	return t.post(t.pumping)
}

// ring is ringer's: the thread looks what it may take.
func (t *Thread) ring() {
	if t.inbox.schedule() {
		// A thread that has ended has dropped what it was sent.
		_ = t.post(t.pumping)
	}
}

func (t *Thread) post(task func()) error {
	if t.iso.Loop().Post(task) != nil {
		return ErrDead
	}
	return nil
}

// Kill ends the thread at the instruction that it runs, and all below it; any goroutine. Nothing that it said and its
// owner has not heard yet is heard, but for its end.
func (t *Thread) Kill() {
	t.root.mu.Lock()
	defer t.root.mu.Unlock()
	t.killLocked()
}

// killLocked needs root.mu.
func (t *Thread) killLocked() {
	for c := range t.children {
		c.killLocked()
	}
	t.ending = true
	if t.State() == Dead || t.killed.Swap(true) {
		return
	}
	Drop(t.outbox.mute()...)
	t.iso.Kill(isolate.ErrKilled)
	t.cancel()
}

// Ref makes the thread keep its owner alive, and Unref undoes that; owner's goroutine.
func (t *Thread) Ref() {
	if c := t.spec.Owner.Context; c != nil && t.unhold == nil && !t.over {
		t.unhold = c.AddPending()
	}
}

// Unref lets the owner end while the thread lives.
func (t *Thread) Unref() {
	if t.unhold != nil {
		t.unhold()
		t.unhold = nil
	}
}

// release is the end of the thread, for its owner.
func (t *Thread) release() {
	t.over = true
	if t.forget != nil {
		t.forget()
	}
	t.Unref()
}
