package actor_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"workerd.local/actor"
	"workerd.local/actorid"
	"workerd.local/event"
	"workerd.local/exception"
)

// gated has an actor whose /block keeps everybody else out until /open, which is on
// another actor, was there.
const gated = `
	const open = {};
	export class Obj extends DurableObject {
		log = [];
		async fetch(request) {
			const url = new URL(request.url);
			switch (url.pathname) {
			case "/block":
				await this.ctx.blockConcurrencyWhile(async () => {
					while (!open[url.search]) await new Promise(r => setTimeout(r, 1));
				});
				return new Response("blocked");
			case "/open": open[url.search] = true; return new Response("open");
			case "/note": this.log.push(url.search.slice(1)); return new Response(this.log.join());
			case "/hold": await new Promise(() => {}); return;
			case "/stream": {
				const { readable, writable } = new TransformStream();
				this.writer = writable.getWriter();
				this.writer.write(new TextEncoder().encode("first "));
				return new Response(readable);
			}
			case "/finish": this.writer.write(new TextEncoder().encode("last")); this.writer.close(); return new Response("finished");
			case "/visits": this.visits = (this.visits ?? 0) + 1; return new Response(String(this.visits));
			}
		}
	}`

// started begins a request and returns its answer later. Requests begun by one
// goroutine on one stub are in order.
func started(s *actor.Stub, ctx context.Context, path string) <-chan string {
	ch := make(chan string, 1)
	s.Start(ctx, request(path), func(resp *event.Response, err error) { go func() { ch <- answer(resp, err) }() })
	return ch
}

func TestCallsOnAStubAreDeliveredInOrder(t *testing.T) {
	k := newKit(t, gated, kitOptions{isolates: 2, queued: 2000})
	const n = 1000
	var wg sync.WaitGroup
	for _, name := range []string{"a", "b", "c", "d"} {
		wg.Go(func() {
			s := k.stub(name)
			var last <-chan string
			var want []string
			for i := range n {
				want = append(want, fmt.Sprint(i))
				last = started(s, t.Context(), fmt.Sprintf("/note?%d", i))
			}
			if got := <-last; got != strings.Join(want, ",") {
				t.Errorf("%s: out of order: %.200s", name, got)
			}
		})
	}
	wg.Wait()
}

func TestCanceledRequestsLeaveTheQueue(t *testing.T) {
	k := newKit(t, gated, kitOptions{queued: 3})
	s := k.stub("a")
	blocked := started(s, t.Context(), "/block?x")
	k.want(k.stub("other"), "/note?1", "1") // by now /block has begun
	for range 5 {
		ctx, cancel := context.WithCancel(t.Context())
		var queued []<-chan string
		for range 3 {
			queued = append(queued, started(s, ctx, "/note?gone"))
		}
		if got := ask(t, s, "/note"); !strings.Contains(got, "Too many requests queued") {
			t.Fatalf("a fourth request in a queue of three: %q", got)
		}
		cancel()
		for _, q := range queued {
			if got := <-q; strings.Contains(got, "Too many") || got == "gone" {
				t.Fatalf("a canceled request: %q", got)
			}
		}
	}
	kept := started(s, t.Context(), "/note?kept")
	k.want(k.stub("other"), "/open?x", "open")
	if got := <-blocked; got != "blocked" {
		t.Error(got)
	}
	if got := <-kept; got != "kept" {
		t.Errorf("the actor saw canceled requests: %q", got)
	}
}

func TestAStubFindsAnActorThatWasPutAway(t *testing.T) {
	k := newKit(t, gated, kitOptions{})
	s, other := k.stub("a"), k.stub("a")
	k.want(s, "/visits", "1")
	k.want(other, "/visits", "2")
	if away, err := other.Hibernate(t.Context()); !away || err != nil {
		t.Fatalf("Hibernate: %v, %v", away, err)
	}
	k.want(s, "/visits", "1")
	k.want(other, "/visits", "2")
}

func TestABusyActorIsNotPutAway(t *testing.T) {
	k := newKit(t, gated, kitOptions{})
	s := k.stub("a")
	ctx, cancel := context.WithCancel(t.Context())
	held := started(s, ctx, "/hold")
	k.want(s, "/visits", "1")
	if away, err := s.Hibernate(t.Context()); away || err != nil {
		t.Fatalf("Hibernate: %v, %v", away, err)
	}
	cancel()
	<-held
	k.want(s, "/visits", "2")
	if away, err := s.Hibernate(t.Context()); !away || err != nil {
		t.Fatalf("Hibernate: %v, %v", away, err)
	}
}

func TestAResponseStreamKeepsTheActor(t *testing.T) {
	k := newKit(t, gated, kitOptions{idle: time.Millisecond})
	s := k.stub("a")
	resp, err := s.Fetch(t.Context(), request("/stream"))
	if err != nil {
		t.Fatal(err)
	}
	r := resp.Body.Reader()
	first := make([]byte, 6)
	if _, err := io.ReadFull(r, first); err != nil || string(first) != "first " {
		t.Fatalf("%q, %v", first, err)
	}
	k.want(s, "/visits", "1")
	time.Sleep(50 * time.Millisecond) // many times its idle time
	if away, err := s.Hibernate(t.Context()); away || err != nil {
		t.Fatalf("Hibernate: %v, %v", away, err)
	}
	k.want(s, "/visits", "2")
	k.want(s, "/finish", "finished")
	rest, err := io.ReadAll(r)
	if err != nil || string(rest) != "last" {
		t.Fatalf("%q, %v", rest, err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Error(err)
	}
	deadline := time.Now().Add(time.Minute)
	for ask(t, s, "/visits") != "1" {
		if time.Now().After(deadline) {
			t.Fatal("the actor was never put away")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestCloseWhileRequestsRun(t *testing.T) {
	k := newKit(t, gated, kitOptions{isolates: 2})
	var waiting []<-chan string
	for i := range 20 {
		s := k.stub(fmt.Sprint(i))
		waiting = append(waiting, started(s, t.Context(), "/hold"), started(s, t.Context(), "/block?never"), started(s, t.Context(), "/note?1"))
	}
	s := k.stub("0")
	k.want(k.stub("seen"), "/visits", "1")
	if err := k.ns.Close(t.Context(), exception.Errorf("the server ends").WithKind(exception.Disconnected)); err != nil {
		t.Fatal(err)
	}
	for _, w := range waiting {
		if got := <-w; got != "Error: the server ends" {
			t.Errorf("a request that was under way: %q", got)
		}
	}
	// A stub from before, and a new one.
	k.want(s, "/visits", "Error: the server ends")
	k.want(k.stub("new"), "/visits", "Error: the server ends")
	if err := k.ns.Close(t.Context(), errors.New("again")); err != nil {
		t.Error(err)
	}
}

func TestABrokenStubKnowsItselfWhy(t *testing.T) {
	k := newKit(t, counter, kitOptions{})
	s := k.stub("a")
	for i, remote := range []bool{true, false, false} {
		_, err := s.Fetch(t.Context(), request("/abort"))
		var e *exception.Exception
		if !errors.As(err, &e) || e.Message != "enough" || !e.Reset() || e.Remote != remote || e.Value != nil {
			t.Errorf("call %d: %+v", i, e)
		}
	}
}

func TestActorsThatKeepNothing(t *testing.T) {
	k := newKit(t, `
		export class Obj extends DurableObject {
			n = 0;
			fetch(request) {
				if (request.url.endsWith("/alarm")) return new Response(String(this.ctx.storage));
				return new Response(++this.n + " " + typeof this.ctx.storage);
			}
			alarm() {}
		}`, kitOptions{ephemeral: true})
	if k.ns.IDs() != nil {
		t.Error("there are ids")
	}
	stub := func(name string) *actor.Stub { return k.ns.Stub(actorid.ID{Key: name}, &name, false).(*actor.Stub) }
	k.want(stub("any name"), "/", "1 undefined")
	k.want(stub("any name"), "/", "2 undefined")
	k.want(stub(strings.Repeat("long", 500)), "/", "1 undefined")
	k.want(stub("any name"), "/alarm", "undefined")
	if o, err := stub("any name").Deliver(t.Context(), event.Alarm{Time: time.Now()}); err != nil || o.Status != event.NotFound {
		t.Errorf("an alarm: %+v, %v", o, err)
	}
	if away, err := stub("any name").Hibernate(t.Context()); !away || err != nil {
		t.Errorf("Hibernate: %v, %v", away, err)
	}
	k.want(stub("any name"), "/", "1 undefined")
	if err := k.ns.LoadAlarms(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestResumeWaitsForTheConstructor(t *testing.T) {
	k := newKit(t, `
		export class Obj extends DurableObject {
			constructor(ctx, env) {
				super(ctx, env);
				ctx.blockConcurrencyWhile(async () => {
					await new Promise(r => setTimeout(r, 20));
					if (ctx.id.name === "bad") throw new RangeError("not today");
					this.ready = true;
				});
			}
			fetch() { return new Response(String(this.ready)); }
		}`, kitOptions{})
	if err := k.stub("good").Resume(t.Context()); err != nil {
		t.Error(err)
	}
	if err := k.stub("bad").Resume(t.Context()); err == nil || !strings.Contains(err.Error(), "not today") {
		t.Errorf("Resume: %v", err)
	}
}
