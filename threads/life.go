package threads

import (
	"context"
	"errors"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/clone"
	"workerd.local/iocontext"
	"workerd.local/isolate"
)

// threadKey finds the thread of an isolate.
type threadKey struct{}

// Of is the thread that the code runs on; nil where it is none.
func Of(js *isolate.JS) *Thread {
	return *isolate.Local(js.Isolate(), threadKey{}, func() *(*Thread) { return new(*Thread) })
}

// run is the thread's goroutine.
func (t *Thread) run() {
	defer t.finish()
	if t.may != nil {
		select {
		case <-t.may:
		case <-t.ctx.Done():
		}
	}
	if t.killed.Load() {
		return
	}
	begun := t.root.starts.wait(t.depth, t.ctx.Done())
	if begun == nil {
		return
	}
	defer begun()
	if t.post(func() { t.boot(); begun() }) != nil {
		return
	}
	// It is stopped where the context ends.
	_ = t.iso.Run(context.Background())
}

// boot makes the realm and evaluates the entry.
func (t *Thread) boot() {
	if !t.become(Loading) {
		return
	}
	*isolate.Local(t.iso, threadKey{}, func() *(*Thread) { return new(*Thread) }) = t
	realm, err := t.spec.Body.Prepare(t.iso, t)
	if err != nil {
		t.collapse(err)
		return
	}
	t.realm = realm
	if err := t.prepareClones(); err != nil {
		t.collapse(err)
		return
	}
	realm.AlsoOnCondemned(func(cause error, _ *isolate.Frame) { t.collapse(isolate.Stopped(cause)) })
	t.io = iocontext.New(realm, iocontext.Options{
		Parent:  t.ctx,
		Class:   t.class,
		Actor:   t.actor,
		OnQuiet: t.consider,
		OnIdle:  t.consider,
		OnAbort: t.collapse,
	})
	t.enter(func(js *isolate.JS) {
		v, err := t.spec.Body.Start(js, t)
		if err != nil {
			t.failed(js, err)
			t.opened()
			return
		}
		// What the entry waits for keeps the thread alive where it is pending; a promise that nothing settles does not.
		js.OnSettled(v, func(js *isolate.JS, _ goja.Value, err error) {
			if err != nil {
				t.failed(js, err)
			}
			t.opened()
		})
	})
	t.consider()
}

// prepareClones has copies made with what the realm has before its scripts change it, which is also far less than what
// a copy would look for itself.
func (t *Thread) prepareClones() (err error) {
	if e := t.realm.Run(nil, func(js *isolate.JS) { err = clone.PrepareWith(js.Runtime(), js.Library().Pristine) }); e != nil {
		return e
	}
	return err
}

// enter runs fn as a turn of the thread. What JavaScript throws out of it is an exception that nothing caught.
func (t *Thread) enter(fn func(js *isolate.JS)) {
	t.told = false
	t.io.RunIn(iocontext.Entry{}, func(js *isolate.JS) {
		if err := js.Try(func() { fn(js) }); err != nil {
			t.failed(js, err)
		}
	}, nil)
}

// receive gives the next message to the receivers, and says whether it may be called again.
func (t *Thread) receive(js *isolate.JS) (more bool) {
	if t.State() != Running || t.killed.Load() {
		return false
	}
	i, ok := t.inbox.pop()
	switch {
	case !ok:
		t.next = nothing
		return false
	case i.stop:
		t.next = aStop
		return false
	}
	t.left--
	t.told = false
	m := i.message
	err := js.Try(func() {
		for _, receive := range t.receivers {
			if receive(js, m) {
				return
			}
		}
		Drop(m)
	})
	if err != nil {
		t.failed(js, err)
	}
	return t.left > 0
}

// become changes the state, and reports false where the thread is further already.
func (t *Thread) become(s State) bool {
	for {
		old := t.state.Load()
		if old >= int32(s) || t.killed.Load() && s < Closing {
			return false
		}
		if t.state.CompareAndSwap(old, int32(s)) {
			return true
		}
	}
}

// opened begins the delivery of what the thread was sent.
func (t *Thread) opened() {
	if t.open || !t.become(Running) {
		return
	}
	t.open = true
	// The turn that evaluated the entry comes to its end first.
	_ = t.post(t.pumping)
}

// Receive adds a receiver of messages; the thread's goroutine. The receivers are asked in the order of their coming
// until one takes the message, which is dropped where nobody does. What a receiver throws is an exception that nothing
// caught.
func (t *Thread) Receive(fn func(js *isolate.JS, m Message) (taken bool)) {
	t.receivers = append(t.receivers, fn)
}

// perTask is how many messages are delivered before other tasks of the loop have their turn.
const perTask = 64

// following is what a thread has found behind the messages that it has received.
type following int

const (
	mayBeMore following = iota
	nothing
	aStop
)

// pump delivers what waits in the inbox. What the code of a message has left for later comes before the next message.
func (t *Thread) pump() {
	if !t.open {
		return // opened does it
	}
	for t.left = perTask; t.left > 0; {
		if t.State() != Running || t.killed.Load() {
			return
		}
		before := t.left
		t.next = mayBeMore
		t.io.RunEach(t.taking, nil)
		switch {
		case t.next == aStop:
			t.end(0)
			return
		case t.next == nothing:
			t.consider()
			return
		case t.left == before: // the thread has ended
			return
		case t.iso.Loop().Deferring():
			t.left = 0
		}
	}
	_ = t.post(t.pumping)
}

// Send says something to the owner; the thread's goroutine. It is ErrFull where the owner has not listened for long.
func (t *Thread) Send(m Message) error {
	err := t.say(item{message: m})
	if err != nil {
		Drop(m)
	}
	return err
}

func (t *Thread) say(i item) error {
	tell, err := t.outbox.push(i)
	if err == errMuted {
		Drop(i.message)
		return nil
	}
	if err != nil || !tell {
		return err
	}
	if l := t.spec.Owner.Loop; l == nil {
		t.hear()
	} else if l.Post(t.hearing) != nil {
		// The owner has ended, and with it everybody who could hear.
		Drop(t.outbox.close()...)
	}
	return nil
}

// hear tells the owner what the thread has said; owner's goroutine.
func (t *Thread) hear() {
	o := &t.spec.Owner
	if c := o.Context; c != nil && c.IsActor() {
		t.hearGated(c)
		return
	}
	for n := 0; n < perTask || o.Loop == nil; n++ {
		if !t.hearOne() {
			return
		}
	}
	// A loop that is closed has nobody left who could hear.
	_ = o.Loop.Post(t.hearing)
}

// hearGated is hear for an actor: while its input gate is closed all but one thing waits in the outbox.
func (t *Thread) hearGated(c *iocontext.Context) {
	if t.queued {
		return
	}
	t.queued = true
	c.WhenOpen(t.spec.Owner.Entry, func() {
		t.queued = false
		if t.hearOne() {
			_ = c.Loop().Post(t.hearing) // as above
		}
	})
}

// hearOne tells the owner one thing, and reports whether there may be more.
func (t *Thread) hearOne() (more bool) {
	o := &t.spec.Owner
	i, ok := t.outbox.pop()
	switch {
	case !ok:
		return false
	case i.exit:
		// The owner hears of the end before it may end itself.
		if o.Exit != nil {
			o.Exit(t.ExitCode())
		}
		t.release()
		return false
	case i.message != nil && o.Message == nil:
		Drop(i.message)
	case i.message != nil:
		o.Message(i.message)
	case i.failure != nil && o.Failure != nil:
		o.Failure(i.failure)
	}
	return true
}

// Throw is for an exception that nothing caught: the body is asked, then the owner hears of it, and the thread ends
// where Spec.DieOnFailure says so. The thread's goroutine.
func (t *Thread) Throw(js *isolate.JS, v goja.Value) {
	if c, ok := t.spec.Body.(Catcher); ok && c.Caught(js, t, v) {
		return
	}
	t.Fail(js, v)
}

// Fail is Throw without asking the body.
func (t *Thread) Fail(js *isolate.JS, v goja.Value) {
	t.tell(Describe(js, v))
	if t.spec.DieOnFailure {
		t.Exit(js, 1)
	}
}

// failed is Throw for what a call into the engine returned.
func (t *Thread) failed(js *isolate.JS, err error) {
	if isolate.Uncatchable(err) {
		js.Panic(err)
	}
	var ex *goja.Exception
	if errors.As(err, &ex) {
		t.Throw(js, ex.Value())
		return
	}
	t.Throw(js, js.Error(err))
}

// tell says a failure; where the owner has too much to hear already, the log does.
func (t *Thread) tell(f *Failure) {
	t.told = true
	if err := t.say(item{failure: f}); err != nil {
		t.root.o.Log.Error("a thread failed", "thread", t.iso.Name(), "error", f.Error(), "stack", f.Stack, "untold", err)
	}
}

// collapse ends the thread for a reason of the host's.
func (t *Thread) collapse(err error) {
	if t.State() >= Closing || t.killed.Load() {
		t.shut()
		return
	}
	t.become(Closing)
	t.decide(1)
	e, _ := exception.From(err)
	if !t.told || !errors.Is(err, isolate.ErrCallStack) {
		t.tell(&Failure{Name: e.ClassName(), IsError: true, Message: e.Message, Stack: e.Stack, Cause: err})
	}
	t.shut()
}

// Hold keeps the thread alive until the result is called; the thread's goroutine for both.
func (t *Thread) Hold() (release func()) {
	t.holds++
	released := false
	return func() {
		if !released {
			released = true
			t.holds--
			t.consider()
		}
	}
}

// busy reports whether something other than a message could run the thread again.
func (t *Thread) busy() bool { return t.holds > 0 || !t.io.Quiet() }

// alive is busy for a thread that takes messages.
func (t *Thread) alive() bool { return t.spec.Stay || t.busy() || t.inbox.waits() }

// resting reports whether there is something to consider.
func (t *Thread) resting() bool {
	switch t.State() {
	case Loading:
		return !t.busy() // the entry waits for what does not come by itself: perhaps for a message
	case Running:
		return !t.alive()
	}
	return false
}

// consider looks, when what is queued now has run, whether the thread has something to do.
func (t *Thread) consider() {
	if t.considering || t.io == nil || !t.resting() {
		return
	}
	t.considering = true
	_ = t.post(func() {
		t.considering = false
		if !t.resting() {
			return
		}
		if t.State() == Loading {
			t.opened()
			return
		}
		goesOn := false
		t.enter(func(js *isolate.JS) { goesOn = t.spec.Body.Idle(js, t) })
		if t.State() == Running && !t.alive() && !goesOn {
			t.end(0)
		}
	})
}

// end ends the thread after its exit handlers.
func (t *Thread) end(code int) {
	if !t.become(Closing) {
		return
	}
	t.decide(code)
	if _, ok := t.spec.Body.(Ender); ok {
		t.enter(func(js *isolate.JS) {
			if err := js.Try(func() { t.tellEnder(js) }); err != nil {
				t.failed(js, err)
			}
			// No microtask of the handlers runs.
			_ = iocontext.Terminate(js, errExited)
		})
	}
	t.shut()
}

func (t *Thread) tellEnder(js *isolate.JS) {
	if e, ok := t.spec.Body.(Ender); ok && !t.ended {
		t.ended = true
		t.decide(e.End(js, t, t.ExitCode()))
	}
}

// Exit ends the thread from within, at this line: exit handlers run, and no other JavaScript does. It does not return.
// The first code counts. The thread's goroutine, in code of the thread's context.
func (t *Thread) Exit(js *isolate.JS, code int) {
	if t.become(Closing) {
		t.decide(code)
		if err := js.Try(func() { t.tellEnder(js) }); err != nil {
			t.failed(js, err)
		}
	}
	t.cancel()
	// It returns only where the code belongs to no context.
	_ = iocontext.Terminate(js, errExited)
	t.shut()
}

func (t *Thread) decide(code int) {
	t.decided = true
	t.code.Store(int32(code))
}

var errExited = errors.New("the thread has exited")

// shut ends the context, and with it the loop.
func (t *Thread) shut() {
	t.become(Closing)
	if t.io != nil {
		t.io.End()
	}
	t.cancel()
}

// finish is the end of the goroutine.
func (t *Thread) finish() {
	t.become(Closing)
	killed := t.killed.Load()
	for _, c := range t.root.killChildren(t) {
		<-c.done
	}
	t.iso.Loop().Turn(t.shut)
	Drop(t.inbox.close()...)
	if killed && !t.decided {
		t.code.Store(int32(t.spec.KillCode))
	}
	t.state.Store(int32(Dead))
	if f, ok := t.spec.Body.(Finisher); ok {
		f.Finish()
	}
	t.realm, t.io, t.receivers, t.spec.Body = nil, nil, nil, nil
	if t.unrecord != nil {
		t.unrecord()
	}
	if t.say(item{exit: true}) == nil {
		t.outbox.seal()
	}
	t.root.remove(t)
	close(t.done)
}
