package actor_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"workerd.local/actor"
	"workerd.local/event"
	"workerd.local/exception"
)

// filling has an actor whose /fill writes more than storage is asked to have
// outstanding, without holding the input lock. Every event notes that it began; /entered,
// on another actor of the isolate, tells.
const filling = `
	let entered = [];
	export class Obj extends DurableObject {
		async fetch(request) {
			const { pathname, search } = new URL(request.url);
			if (pathname === "/entered") return new Response(entered.join());
			entered.push((pathname + search).slice(1));
			switch (pathname) {
			case "/fill": this.fill(); break;
			case "/few": this.ctx.storage.put("few", 1, { allowConcurrency: true }); break;
			case "/ring": await this.ctx.storage.setAlarm(4e12, { allowConcurrency: true }); break;
			case "/later":
				this.fill();
				setTimeout(() => entered.push("timer"), 0);
				break;
			}
			return new Response(pathname + search);
		}
		fill() {
			const big = "x".repeat(1000);
			for (let i = 0; i < 100; i++) this.ctx.storage.put("k" + i, big + Math.random(), { allowConcurrency: true });
		}
		alarm() { entered.push("alarm"); }
	}`

// slowKit is an actor over a store whose commits wait for the test.
type slowKit struct {
	*kit
	store *heldStore
	s     *actor.Stub
}

func newSlowKit(t *testing.T, o kitOptions) *slowKit {
	store := newHeldStore()
	o.store, o.dirtyBytes = store, 64<<10
	k := &slowKit{kit: newKit(t, filling, o), store: store}
	k.s = k.stub("a")
	t.Cleanup(func() { // a commit that nobody ends would keep Close waiting
		for range 50 {
			store.outcome <- nil
		}
	})
	return k
}

// entered is which events have begun, once everything that can happen has happened.
func (k *slowKit) entered(want string) {
	k.t.Helper()
	k.rounds()
	k.want(k.stub("other"), "/entered", want)
}

func TestNoEventBeginsWhileTooMuchWaitsForStorage(t *testing.T) {
	k := newSlowKit(t, kitOptions{})
	fill := started(k.s, t.Context(), "/fill")
	<-k.store.begun
	var notes []<-chan string
	for i := range 5 {
		notes = append(notes, started(k.s, t.Context(), fmt.Sprintf("/note?%d", i)))
	}
	k.entered("fill")
	k.store.outcome <- nil
	if got := <-fill; got != "/fill" {
		t.Error(got)
	}
	for i, n := range notes {
		if got, want := <-n, fmt.Sprintf("/note?%d", i); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	k.entered("fill,note?0,note?1,note?2,note?3,note?4")
}

func TestEventsThatWriteTooMuchTakeTurnsWithStorage(t *testing.T) {
	k := newSlowKit(t, kitOptions{})
	var fills []<-chan string
	want := ""
	for i := range 4 {
		fills = append(fills, started(k.s, t.Context(), fmt.Sprintf("/fill?%d", i)))
	}
	for i, f := range fills {
		want += fmt.Sprintf(",fill?%d", i)
		<-k.store.begun
		k.entered(want[1:])
		k.store.outcome <- nil
		if got := <-f; got != fmt.Sprintf("/fill?%d", i) {
			t.Error(got)
		}
	}
}

func TestLittleThatWaitsForStorageHoldsNobodyBack(t *testing.T) {
	k := newSlowKit(t, kitOptions{})
	few := started(k.s, t.Context(), "/few")
	<-k.store.begun
	note := started(k.s, t.Context(), "/note")
	k.entered("few,note")
	k.store.outcome <- nil
	for _, c := range []<-chan string{few, note} {
		if got := <-c; !strings.HasPrefix(got, "/") {
			t.Error(got)
		}
	}
}

func TestTimersRunOnceStorageHasCaughtUp(t *testing.T) {
	k := newSlowKit(t, kitOptions{})
	first := started(k.s, t.Context(), "/later")
	<-k.store.begun
	second := started(k.s, t.Context(), "/note")
	k.store.outcome <- nil
	for _, c := range []<-chan string{first, second} {
		if got := <-c; !strings.HasPrefix(got, "/") {
			t.Error(got)
		}
	}
	k.eventually("the timer", func() bool {
		got := ask(t, k.stub("other"), "/entered")
		return strings.Contains(got, "timer") && strings.Contains(got, "note")
	})
}

func TestAnAlarmWaitsForStorageToo(t *testing.T) {
	k := newSlowKit(t, kitOptions{})
	ring := started(k.s, t.Context(), "/ring")
	<-k.store.begun
	k.store.outcome <- nil
	if got := <-ring; got != "/ring" {
		t.Fatal(got)
	}
	fill := started(k.s, t.Context(), "/fill")
	<-k.store.begun
	outcome := make(chan string, 1)
	go func() {
		o, err := k.s.Deliver(context.WithoutCancel(t.Context()), event.Alarm{Time: time.UnixMilli(4e12)})
		outcome <- fmt.Sprint(o.Status == event.OK, err)
	}()
	time.Sleep(50 * time.Millisecond)
	k.entered("ring,fill")
	k.store.outcome <- nil
	<-k.store.begun // the alarm is over and is deleted
	k.store.outcome <- nil
	if got := <-outcome; got != "true <nil>" {
		t.Error(got)
	}
	if got := <-fill; got != "/fill" {
		t.Error(got)
	}
	k.entered("ring,fill,alarm")
}

// closing is a body that tells that it was closed.
type closing struct {
	io.Reader
	closed atomic.Bool
}

func (c *closing) Close() error { c.closed.Store(true); return nil }

func TestCanceledRequestsDoNotWaitForStorage(t *testing.T) {
	k := newSlowKit(t, kitOptions{queued: 2})
	fill := started(k.s, t.Context(), "/fill")
	<-k.store.begun
	ctx, cancel := context.WithCancel(t.Context())
	body := &closing{Reader: strings.NewReader("body")}
	first := make(chan string, 1)
	req := request("/gone?1")
	req.Method, req.Body = "POST", event.Body{Stream: body}
	k.s.Start(ctx, req, func(resp *event.Response, err error) { first <- answer(resp, err) })
	second := started(k.s, ctx, "/gone?2")
	// The one that waits for storage is in the queue as well.
	k.want(k.s, "/note", "Error: Durable Object is overloaded. Too many requests queued.")
	cancel()
	for _, c := range []<-chan string{first, second} {
		if got := <-c; strings.HasPrefix(got, "/") {
			t.Errorf("a canceled request: %q", got)
		}
	}
	if !body.closed.Load() {
		t.Error("the body of a request that never ran is open")
	}
	kept := started(k.s, t.Context(), "/note?kept")
	k.entered("fill")
	k.store.outcome <- nil
	for _, c := range []<-chan string{fill, kept} {
		if got := <-c; !strings.HasPrefix(got, "/") {
			t.Error(got)
		}
	}
	k.entered("fill,note?kept")
}

func TestAnActorThatBreaksWhileEventsWaitForStorage(t *testing.T) {
	t.Run("its commit fails", func(t *testing.T) {
		k := newSlowKit(t, kitOptions{})
		fill := started(k.s, t.Context(), "/fill")
		<-k.store.begun
		errs := make(chan error, 1)
		k.s.Start(t.Context(), request("/note"), func(_ *event.Response, err error) { errs <- err })
		k.entered("fill")
		k.store.outcome <- errors.New("the disk is on fire")
		if got := <-fill; !strings.Contains(got, "storage write caused object to be reset") {
			t.Error(got)
		}
		var e *exception.Exception
		if err := <-errs; !errors.As(err, &e) || !e.Reset() || !e.Remote || strings.Contains(e.Message, "fire") {
			t.Errorf("the request that waited: %v", err)
		}
		k.want(k.stub("a"), "/note?new", "/note?new")
		k.entered("fill,note?new")
	})
	t.Run("the namespace closes", func(t *testing.T) {
		k := newSlowKit(t, kitOptions{})
		fill := started(k.s, t.Context(), "/fill")
		<-k.store.begun
		note := started(k.s, t.Context(), "/note")
		k.entered("fill")
		closed := make(chan error, 1)
		go func() {
			closed <- k.ns.Close(context.WithoutCancel(t.Context()), exception.Errorf("the server ends").WithKind(exception.Disconnected))
		}()
		for ask(t, k.stub("other"), "/entered") == "fill" {
			time.Sleep(time.Millisecond)
		}
		k.store.outcome <- nil
		if err := <-closed; err != nil {
			t.Error(err)
		}
		if got := <-note; got != "Error: the server ends" {
			t.Errorf("the request that waited: %q", got)
		}
		if got := <-fill; got != "/fill" && got != "Error: the server ends" {
			t.Error(got)
		}
	})
}
