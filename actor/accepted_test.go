package actor_test

import (
	"errors"
	"testing"

	"workerd.local/event"
)

// accepting is a class that accepts its sockets itself.
const accepting = `
	let made = 0;
	export class Obj extends DurableObject {
		constructor(ctx, env) { super(ctx, env); this.n = ++made; }
		async fetch(req) {
			const path = new URL(req.url).pathname;
			if (path == "/made") return new Response(String(this.n));
			if (path == "/block") { await this.ctx.blockConcurrencyWhile(() => scheduler.wait(5000)); return new Response("ok"); }
			const [theirs, mine] = Object.values(new WebSocketPair());
			mine.accept();
			mine.addEventListener("message", ({ data }) => {
				switch (data) {
				case "write":
					mine.send("before");
					this.ctx.storage.put("k", 1);
					mine.send("after");
					mine.close(4000, "written");
					break;
				case "loop": for (;;);
				default: mine.send("got " + data);
				}
			});
			return new Response(null, { status: 101, webSocket: theirs });
		}
	}`

// What a listener sends after a write waits for the commit, and so does the close frame;
// what it sent before has left.
func TestAcceptedSocketsWaitForTheOutputGate(t *testing.T) {
	store := newHeldStore()
	k := newKit(t, accepting, kitOptions{store: store})
	p := k.open("/open")
	p.send("write")
	<-store.begun
	p.want("before")
	p.quiet()
	store.outcome <- nil
	p.want("after", "closed 4000 written")
}

func TestAcceptedSocketsOfAFailedCommitSayNothing(t *testing.T) {
	store := newHeldStore()
	store.outcome <- errors.New("no")
	k := newKit(t, accepting, kitOptions{store: store})
	p := k.open("/open")
	p.send("write")
	p.want("before", "failed "+event.ErrDisconnected.Error())
}

// A message is an event of its actor: it waits for what the actor waits for.
func TestAcceptedSocketsWaitForTheInputGate(t *testing.T) {
	clock := newClock()
	k := newKit(t, accepting, kitOptions{clock: clock})
	p := k.open("/open")
	p.send("1")
	p.want("got 1")
	done := started(k.stub("a"), t.Context(), "/block")
	p.send("2", "3")
	p.quiet()
	k.pass(6)
	p.want("got 2", "got 3")
	if got := <-done; got != "ok" {
		t.Error(got)
	}
}

// An actor stays in memory while a client is connected, and leaves it afterwards.
func TestAcceptedSocketsKeepTheirActor(t *testing.T) {
	clock := newClock()
	k := newKit(t, accepting, kitOptions{clock: clock})
	p := k.open("/open")
	p.send("1")
	p.want("got 1")
	for range 20 {
		k.pass(10)
	}
	k.want(k.stub("a"), "/made", "1")
	p.send("2")
	p.want("got 2")
	p.ws.Abort(nil)
	k.pass(11)
	k.want(k.stub("a"), "/made", "2")
}
