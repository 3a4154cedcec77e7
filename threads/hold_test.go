package threads

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/dop251/goja"

	"workerd.local/gates"
	"workerd.local/internal/limits"
	"workerd.local/iocontext"
	"workerd.local/isolate"
)

// holder is an actor whose gate the test locks.
type holder struct {
	*testing.T
	iso   *isolate.Isolate
	gates *iocontext.Gates
	c     *iocontext.Context
}

func newHolder(t *testing.T) *holder {
	h := &holder{T: t, iso: isolate.New(isolate.Options{Log: slog.New(slog.DiscardHandler)})}
	realm, err := h.iso.NewRealm(isolate.RealmOptions{})
	if err != nil {
		t.Fatal(err)
	}
	l := h.iso.Loop()
	l.Turn(func() {
		h.gates = &iocontext.Gates{Input: gates.NewInputGate(l), Output: gates.NewOutputGateWith(l, gates.OutputOptions{LockLimit: -1})}
		h.c = iocontext.New(realm, iocontext.Options{Gates: h.gates})
	})
	return h
}

// lock makes a write that is not durable.
func (h *holder) lock() (k *gates.OutputLock) {
	h.iso.Loop().Turn(func() { k = h.gates.Output.Lock() })
	return k
}

// release makes it durable, or fails it.
func (h *holder) release(k *gates.OutputLock, err error) {
	h.iso.Loop().Turn(func() { k.Release(err) })
}

// run runs code of the actor.
func (h *holder) run(fn func(js *isolate.JS)) {
	h.Helper()
	ran := false
	h.iso.Loop().Turn(func() { h.c.Run(func(js *isolate.JS) { ran = true; fn(js) }) })
	if !ran {
		h.Error("the code did not run")
	}
}

func (h *holder) post(p *Port, text string, ports ...*Port) (err error) {
	h.Helper()
	h.run(func(js *isolate.JS) { err = p.PostFrom(js, &note{text: text, ports: ports}) })
	return err
}

func (h *holder) held() int { return len(senderOf(h.c).list) }

func opened(t *testing.T, settings ...string) (a, b *Port) {
	t.Helper()
	bounds, err := limits.Parse(settings...)
	if err != nil {
		t.Fatal(err)
	}
	a, b = NewChannel(bounds)
	b.Open(true)
	return a, b
}

func TestMessagesWaitForTheOutputGate(t *testing.T) {
	h := newHolder(t)
	a, b := opened(t)
	post := func(text string) {
		t.Helper()
		if err := h.post(a, text); err != nil {
			t.Error(err)
		}
	}
	post("free")
	want(t, b, false, "free", "nothing")
	first := h.lock()
	post("1")
	second := h.lock()
	post("2")
	if err := a.Post(&note{text: "3"}); err != nil { // of somebody without a gate
		t.Error(err)
	}
	h.release(second, nil)
	want(t, b, true, "nothing") // also where the port is asked for any
	h.release(first, nil)
	post("4")
	want(t, b, false, "1", "2", "3", "4", "nothing")
	// Each goes with its own writes.
	first = h.lock()
	post("5")
	second = h.lock()
	post("6")
	h.release(first, nil)
	want(t, b, false, "5", "nothing")
	h.release(second, nil)
	want(t, b, false, "6", "nothing")
	if n := h.held(); n != 0 {
		t.Errorf("%d are held", n)
	}
}

func TestHeldMessagesTakeTheirPlace(t *testing.T) {
	h := newHolder(t)
	a, b := opened(t, "threads.messages=3")
	carried, far := NewChannel(nil)
	k := h.lock()
	for i := range 4 {
		if err := h.post(a, "text", map[int][]*Port{1: {carried}}[i]...); errors.Is(err, ErrFull) != (i == 3) {
			t.Errorf("message %d: %v", i, err)
		}
	}
	if far.Closed() {
		t.Error("a port that is on its way is closed")
	}
	// The writes fail: nothing has been sent.
	h.release(k, errors.New("the disk is full"))
	if h.c.Aborted() == nil {
		t.Error("the actor is not broken")
	}
	if !far.Closed() {
		t.Error("the port of a message that was never sent is open")
	}
	if b.inbox.bytes != 0 || b.inbox.waits() || h.held() != 0 {
		t.Errorf("left: %d bytes, %d items", b.inbox.bytes, len(b.inbox.items))
	}
	if a.Closed() {
		t.Error("the channel is closed")
	}
	want(t, b, false, "nothing")
	if err := a.Post(&note{text: "again"}); err != nil {
		t.Error(err)
	}
	want(t, b, false, "again", "nothing")
}

func TestClosingWithHeldMessages(t *testing.T) {
	t.Run("by the sender", func(t *testing.T) {
		for _, failed := range []error{nil, errors.New("failed")} {
			h := newHolder(t)
			a, b := opened(t)
			k := h.lock()
			if err := h.post(a, "last"); err != nil {
				t.Error(err)
			}
			h.run(func(*isolate.JS) { a.CloseFrom(h.c) })
			want(t, a, false, "end")
			want(t, b, false, "nothing")
			h.release(k, failed)
			if failed == nil {
				want(t, b, false, "last")
			}
			want(t, b, false, "end", "nothing")
		}
	})
	t.Run("by the receiver", func(t *testing.T) {
		for _, open := range []bool{true, false} {
			h := newHolder(t)
			a, b := opened(t)
			b.Open(open)
			carried, far := NewChannel(nil)
			k := h.lock()
			if err := h.post(a, "held", carried); err != nil {
				t.Error(err)
			}
			h.run(func(*isolate.JS) { a.CloseFrom(h.c) })
			b.Close()
			if !far.Closed() {
				t.Error("the port of a message that nobody waits for is open")
			}
			want(t, b, false, "end", "nothing")
			h.release(k, nil)
			want(t, b, false, "nothing")
		}
	})
	t.Run("by the end of the actor", func(t *testing.T) {
		h := newHolder(t)
		a, b := opened(t)
		h.lock()
		if err := h.post(a, "held"); err != nil {
			t.Error(err)
		}
		h.iso.Loop().Turn(func() { a.End(); h.c.End() })
		want(t, b, false, "end", "nothing")
	})
	t.Run("by the end of the receiver", func(t *testing.T) {
		h := newHolder(t)
		k := h.lock()
		for i := range 10 * leastCrowded {
			a, b := opened(t)
			if err := h.post(a, fmt.Sprint(i)); err != nil {
				t.Error(err)
			}
			b.End()
			want(t, a, false, "end")
		}
		if n := h.held(); n > leastCrowded {
			t.Errorf("%d are held whose receivers are gone", n)
		}
		h.release(k, nil)
		if n := h.held(); n != 0 {
			t.Errorf("%d are held", n)
		}
	})
}

// What code of an actor that is broken still posts is never sent.
func TestBrokenActorsSendNothing(t *testing.T) {
	h := newHolder(t)
	a, b := opened(t)
	carried, far := NewChannel(nil)
	h.run(func(js *isolate.JS) {
		h.c.Abort(errors.New("broken"))
		if err := a.PostFrom(js, &note{ports: []*Port{carried}}); err != nil {
			t.Error(err)
		}
	})
	want(t, b, false, "nothing")
	if !far.Closed() {
		t.Error("its port is open")
	}
}

// listening is a body that tells a test what its thread hears.
type listening struct {
	begun chan struct{}
	heard chan string
}

func (b *listening) Prepare(i *isolate.Isolate, _ *Thread) (*isolate.Realm, error) {
	close(b.begun)
	return i.NewRealm(isolate.RealmOptions{})
}

func (b *listening) Start(_ *isolate.JS, t *Thread) (goja.Value, error) {
	t.Receive(func(_ *isolate.JS, m Message) bool { b.heard <- m.(*note).text; return true })
	return goja.Undefined(), nil
}

func (*listening) Idle(*isolate.JS, *Thread) bool { return false }

// listen starts a thread, and sends it messages in the same turn, before it can end.
func (h *holder) listen(o Owner, send ...*note) (*Thread, *listening) {
	h.Helper()
	b := &listening{begun: make(chan struct{}), heard: make(chan string, 100)}
	var thread *Thread
	h.run(func(js *isolate.JS) {
		var err error
		if thread, err = NewRoot(RootOptions{Log: slog.New(slog.DiscardHandler)}).Start(Spec{Body: b, KillCode: 9, Owner: o}); err != nil {
			h.Fatal(err)
		}
		for _, m := range send {
			if err := thread.PostFrom(js, m); err != nil {
				h.Error(err)
			}
		}
	})
	return thread, b
}

func (h *holder) ended(t *Thread, code int) {
	h.Helper()
	select {
	case <-t.Done():
	case <-time.After(time.Minute):
		h.Fatal("the thread does not end")
	}
	if t.ExitCode() != code {
		h.Errorf("exit code %d, want %d", t.ExitCode(), code)
	}
}

func (b *listening) all() (texts []string) {
	for len(b.heard) > 0 {
		texts = append(texts, <-b.heard)
	}
	return texts
}

// A thread with held messages does not end by itself: they may come.
func TestThreadsWithHeldMessages(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(h *holder, k *gates.OutputLock, t *Thread)
		want []string
		code int
	}{
		{"released", func(h *holder, k *gates.OutputLock, _ *Thread) { h.release(k, nil) }, []string{"1", "2"}, 0},
		{"failed", func(h *holder, k *gates.OutputLock, _ *Thread) { h.release(k, errors.New("failed")) }, nil, 0},
		{"stopped", func(h *holder, k *gates.OutputLock, t *Thread) { t.Stop(); h.release(k, nil) }, []string{"1", "2"}, 0},
		{"stopped and failed", func(h *holder, k *gates.OutputLock, t *Thread) { t.Stop(); h.release(k, errors.New("failed")) }, nil, 0},
		{"killed", func(_ *holder, _ *gates.OutputLock, t *Thread) { t.Kill() }, nil, 9},
		{"owner ended", func(h *holder, _ *gates.OutputLock, _ *Thread) { h.iso.Loop().Turn(h.c.End) }, nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHolder(t)
			k := h.lock()
			carried, far := NewChannel(nil)
			thread, b := h.listen(Owner{Loop: h.iso.Loop()}, &note{text: "1", ports: []*Port{carried}}, &note{text: "2"})
			<-b.begun
			c.do(h, k, thread)
			h.ended(thread, c.code)
			if got := b.all(); !slices.Equal(got, c.want) {
				t.Errorf("heard %q, want %q", got, c.want)
			}
			if far.Closed() != (c.want == nil) {
				t.Errorf("closed: %v", far.Closed())
			}
			if n := thread.inbox.bytes; n != 0 {
				t.Errorf("%d bytes are left", n)
			}
		})
	}
}

func TestThreadsBeginAfterTheirOwnersWrites(t *testing.T) {
	for _, c := range []struct {
		name  string
		do    func(h *holder, k *gates.OutputLock, t *Thread)
		begin bool
		code  int
	}{
		{"released", func(h *holder, k *gates.OutputLock, _ *Thread) { h.release(k, nil) }, true, 0},
		{"failed", func(h *holder, k *gates.OutputLock, _ *Thread) { h.release(k, errors.New("failed")) }, false, 9},
		{"killed", func(h *holder, k *gates.OutputLock, t *Thread) { t.Kill(); h.release(k, nil) }, false, 9},
		{"root closed", func(_ *holder, _ *gates.OutputLock, t *Thread) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			_ = t.Root().Close(ctx) // h.ended says it
		}, false, 9},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHolder(t)
			k := h.lock()
			thread, b := h.listen(Owner{Context: h.c})
			select {
			case <-b.begun:
				t.Error("it has begun")
			default:
			}
			c.do(h, k, thread)
			h.ended(thread, c.code)
			select {
			case <-b.begun:
				if !c.begin {
					t.Error("it has begun")
				}
			default:
				if c.begin {
					t.Error("it has not begun")
				}
			}
		})
	}
}
