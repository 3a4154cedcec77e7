package actor_test

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"testing"
)

// keeping has an actor that something keeps, as the path says. made counts how often
// actors were constructed.
const keeping = `
	const made = {}, ticks = {};
	let finish;
	export class Obj extends DurableObject {
		constructor(ctx, env) { super(ctx, env); this.name = ctx.id.name ?? String(ctx.id); made[this.name] = (made[this.name] ?? 0) + 1; }
		async fetch(request) {
			const url = new URL(request.url), name = decodeURIComponent(url.search.slice(1));
			switch (decodeURIComponent(url.pathname.slice(1))) {
			case "made": return new Response(String(made[name] ?? 0));
			case "ticks": return new Response(String(ticks[name] ?? 0));
			case "nothing": return new Response("");
			case "put": this.ctx.storage.put("k", "v"); return new Response("");
			case "get": return new Response(await this.ctx.storage.get("k"));
			case "waitUntil": this.ctx.waitUntil(new Promise(r => finish = r)); return new Response("");
			case "unawaited": (async () => { await new Promise(r => finish = r); })(); return new Response("");
			case "timeout": setTimeout(() => { ticks[this.name] = 1; }, 15000); return new Response("");
			case "long timeout": setTimeout(() => {}, 1e9); return new Response("");
			case "interval": setInterval(() => { ticks[this.name] = (ticks[this.name] ?? 0) + 1; }, 20000); return new Response("");
			case "hold": await new Promise(r => finish = r); return new Response("held");
			case "finish": finish(); return new Response("");
			case "stream": {
				const { readable, writable } = new TransformStream();
				const w = writable.getWriter();
				w.write(new TextEncoder().encode("x"));
				finish = () => w.close();
				return new Response(readable);
			}
			}
		}
	}`

// drop makes the test's stubs garbage: nobody can call their actors any more.
func (k *kit) drop() {
	k.t.Helper()
	// Cleanups run on a goroutine of the runtime after a collection, and a turn that has
	// answered may not be over yet.
	for range 3 {
		k.rounds()
		runtime.GC()
	}
}

func (k *kit) made(name string, want int) {
	k.t.Helper()
	k.want(k.stub("observer"), "/made?"+name, fmt.Sprint(want))
}

// again asks an actor for nothing, and looks whether it was constructed anew.
func (k *kit) again(name string, want int) {
	k.t.Helper()
	k.want(k.stub(name), "/nothing", "")
	k.made(name, want)
}

func TestEviction(t *testing.T) {
	start := func(t *testing.T, o kitOptions) *kit {
		o.clock = newClock()
		return newKit(t, keeping, o)
	}
	t.Run("after ten seconds without a request", func(t *testing.T) {
		k := start(t, kitOptions{})
		k.want(k.stub("a"), "/nothing", "")
		k.pass(9)
		k.again("a", 1) // which begins the ten seconds again
		k.pass(9)
		k.again("a", 1)
		k.pass(10)
		k.again("a", 2)
	})
	t.Run("what was written is there", func(t *testing.T) {
		k := start(t, kitOptions{})
		k.want(k.stub("a"), "/put", "")
		k.pass(10)
		k.want(k.stub("a"), "/get", "v")
		k.made("a", 2)
	})
	t.Run("a stub that is held keeps nobody", func(t *testing.T) {
		k := start(t, kitOptions{})
		s := k.stub("a")
		k.want(s, "/nothing", "")
		k.pass(10)
		k.want(s, "/nothing", "")
		k.made("a", 2)
	})
	t.Run("preventEviction", func(t *testing.T) {
		k := start(t, kitOptions{preventEviction: true})
		k.want(k.stub("a"), "/interval", "")
		k.drop()
		k.pass(200)
		k.again("a", 1)
		k.want(k.stub("observer"), "/ticks?a", "10")
	})
	t.Run("of an actor that keeps nothing", func(t *testing.T) {
		k := start(t, kitOptions{ephemeral: true})
		a, observer := k.ephemeral("a"), k.ephemeral("observer")
		k.want(a, "/nothing", "")
		k.pass(9)
		k.want(a, "/nothing", "")
		k.want(observer, "/made?a", "1")
		k.pass(10)
		k.want(a, "/nothing", "")
		k.want(observer, "/made?a", "2")
	})
	t.Run("a new request takes the waitUntil of the one before", func(t *testing.T) {
		k := start(t, kitOptions{})
		s := k.stub("a")
		k.want(s, "/waitUntil", "")
		k.pass(15)
		k.want(s, "/nothing", "")
		k.pass(15)
		k.again("a", 1)
		k.want(s, "/finish", "")
		k.pass(10)
		k.again("a", 2)
	})
	t.Run("a request that waits keeps the actor", func(t *testing.T) {
		k := start(t, kitOptions{})
		held := started(k.stub("a"), t.Context(), "/hold")
		k.drop()
		k.pass(200)
		k.again("a", 1)
		k.want(k.stub("a"), "/finish", "")
		if got := <-held; got != "held" {
			t.Error(got)
		}
		k.pass(10)
		k.again("a", 2)
	})
	t.Run("a client that went away keeps nobody", func(t *testing.T) {
		k := start(t, kitOptions{})
		ctx, cancel := context.WithCancel(t.Context())
		held := started(k.stub("a"), ctx, "/hold")
		k.pass(15)
		k.again("a", 1)
		cancel()
		<-held
		k.pass(10)
		k.again("a", 2)
	})
	t.Run("a promise that nothing will settle keeps nobody", func(t *testing.T) {
		k := start(t, kitOptions{})
		k.want(k.stub("a"), "/unawaited", "")
		k.pass(10)
		k.again("a", 2)
	})
	t.Run("a timer keeps the actor until it has fired", func(t *testing.T) {
		k := start(t, kitOptions{})
		k.want(k.stub("a"), "/timeout", "")
		k.pass(14)
		k.made("a", 1)
		k.pass(2)
		k.want(k.stub("observer"), "/ticks?a", "1")
		k.again("a", 1)
		k.pass(10)
		k.again("a", 2)
	})
	t.Run("a response that is read keeps the actor", func(t *testing.T) {
		k := start(t, kitOptions{})
		resp, err := k.stub("a").Fetch(t.Context(), request("/stream"))
		if err != nil {
			t.Fatal(err)
		}
		r := resp.Body.Reader()
		if _, err := io.ReadFull(r, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		k.drop()
		k.pass(200)
		k.again("a", 1)
		k.want(k.stub("a"), "/finish", "")
		if rest, err := io.ReadAll(r); err != nil || len(rest) > 0 {
			t.Errorf("%q, %v", rest, err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
		k.pass(12)
		k.again("a", 2)
	})
}

// The clean-up takes what nobody can call any more, even if timers run.
func TestUnusedActorsAreCleanedUp(t *testing.T) {
	for _, way := range []string{"interval", "long%20timeout", "waitUntil"} {
		t.Run(way, func(t *testing.T) {
			k := newKit(t, keeping, kitOptions{clock: newClock()})
			func() { k.want(k.stub("a"), "/"+way, "") }()
			k.drop()
			k.pass(70) // the first look finds it used seventy seconds ago, not longer
			k.drop()
			k.pass(60)
			k.drop()
			k.pass(12)
			ticks := ask(t, k.stub("observer"), "/ticks?a")
			k.pass(60)
			k.want(k.stub("observer"), "/ticks?a", ticks) // its timer is gone
			k.again("a", 2)
		})
	}
	t.Run("not while a stub is held", func(t *testing.T) {
		k := newKit(t, keeping, kitOptions{clock: newClock()})
		s := k.stub("a")
		k.want(s, "/interval", "")
		k.drop()
		k.pass(300)
		k.want(k.stub("observer"), "/ticks?a", "15")
		k.want(s, "/nothing", "")
		k.made("a", 1)
	})
	t.Run("not while it is used", func(t *testing.T) {
		k := newKit(t, keeping, kitOptions{clock: newClock()})
		func() { k.want(k.stub("a"), "/interval", "") }()
		for range 6 {
			k.pass(50)
			func() { k.want(k.stub("a"), "/nothing", "") }()
			k.drop()
		}
		k.made("a", 1)
	})
	t.Run("what was written is there", func(t *testing.T) {
		k := newKit(t, keeping, kitOptions{clock: newClock()})
		func() { k.want(k.stub("a"), "/interval", ""); k.want(k.stub("a"), "/put", "") }()
		k.drop()
		k.pass(145)
		k.want(k.stub("a"), "/get", "v")
		k.made("a", 2)
	})
}

// Calls on one stub stay in order while its actor is constructed, put away and made
// again.
func TestOrderAcrossTheLivesOfAnActor(t *testing.T) {
	k := newKit(t, `
		const log = [];
		export class Obj extends DurableObject {
			constructor(ctx, env) {
				super(ctx, env);
				log.push("made");
				ctx.blockConcurrencyWhile(async () => { await new Promise(r => setTimeout(r, 1)); log.push("ready"); });
			}
			fetch(request) {
				const note = new URL(request.url).search.slice(1);
				if (note === "log") return new Response(log.join());
				log.push(note);
				return new Response(note);
			}
		}`, kitOptions{})
	s := k.stub("a")
	want := ""
	n := 0
	for life := range 5 {
		want += "made,ready,"
		var last <-chan string
		for range 20 {
			last = started(s, t.Context(), fmt.Sprintf("/?%d", n))
			want += fmt.Sprint(n, ",")
			n++
		}
		if got := <-last; got != fmt.Sprint(n-1) {
			t.Fatal(got)
		}
		if life < 4 {
			if away, err := s.Hibernate(t.Context()); !away || err != nil {
				t.Fatalf("Hibernate: %v, %v", away, err)
			}
		}
	}
	if got := ask(t, s, "/?log") + ","; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}
