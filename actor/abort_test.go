package actor_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"workerd.local/exception"
)

// aborting has an actor that aborts itself in the way that the path names. seen is
// shared by all actors of the realm; what must never run says "leak" in it.
const aborting = `
	const seen = [];
	let release, foreign;
	const later = (ms = 0) => new Promise(r => setTimeout(r, ms));
	const leak = () => { seen.push("leak"); };
	export class Obj extends DurableObject {
		constructor(ctx, env) {
			super(ctx, env);
			if (ctx.id.name === "in the constructor") { try { ctx.abort("enough") } finally { leak() } }
			if (ctx.id.name === "in the constructor's block") {
				ctx.blockConcurrencyWhile(async () => { try { await later(1); ctx.abort("enough") } finally { leak() } });
			}
		}
		async fetch(request) {
			const way = decodeURIComponent(new URL(request.url).pathname.slice(1)), ctx = this.ctx;
			const die = () => { try { ctx.abort("enough"); leak() } catch { leak() } finally { leak() } };
			switch (way) {
			case "seen": return new Response(seen.join());
			case "n": return new Response(String(await ctx.storage.get("n")));
			case "put": await ctx.storage.put("n", 1); return new Response("put");
			case "hold": await new Promise(() => {}); return;
			case "hold shared": release ??= Promise.withResolvers(); return new Response(await release.promise + " " + this.name());
			case "no reason": ctx.abort();
			case "an Error as reason": ctx.abort(new TypeError("typed"));
			case "at once": die(); break;
			case "after await": await 1; die(); break;
			case "after storage": await ctx.storage.get("n"); die(); break;
			case "after a timer": await later(1); die(); break;
			case "in a timer": setTimeout(die, 1); await new Promise(() => {}); break;
			case "in a microtask": Promise.resolve().then(die).then(leak, leak); await new Promise(() => {}); break;
			case "in waitUntil": ctx.waitUntil((async () => { await 1; die() })()); await new Promise(() => {}); break;
			case "in blockConcurrencyWhile": await ctx.blockConcurrencyWhile(async () => { await 1; die() }); leak(); break;
			case "in a transaction": await ctx.storage.transaction(async txn => { await txn.put("n", 2); die() }); leak(); break;
			case "in sort": [2, 1].sort(() => die()); leak(); break;
			case "in a generator": for (const x of (function* () { try { yield 1; die() } finally { leak() } })()) ; leak(); break;
			case "after a write": ctx.storage.put("n", 2); die(); break;
			case "after settling what others wait for": release.resolve("released"); die(); break;
			case "with jobs queued": for (let i = 0; i < 5; i++) Promise.resolve().then(leak); die(); break;
			case "as a foreign actor": foreign = ctx; return new Response("");
			case "through a foreign ctx": foreign.abort("enough"); leak(); break;
			}
			leak();
			return new Response("leak");
		}
		name() { return this.ctx.id.name }
	}`

var waysToAbort = []string{
	"at once", "after await", "after storage", "after a timer", "in a timer", "in a microtask", "in waitUntil",
	"in blockConcurrencyWhile", "in a transaction", "in sort", "in a generator", "after a write", "with jobs queued",
}

func TestAbortStopsJavaScriptAtTheLine(t *testing.T) {
	for _, way := range waysToAbort {
		t.Run(way, func(t *testing.T) {
			k := newKit(t, aborting, kitOptions{})
			s, other := k.stub("a"), k.stub("b")
			k.want(s, "/put", "put")
			held, shared := started(s, t.Context(), "/hold"), started(other, t.Context(), "/hold%20shared")
			k.want(s, "/"+strings.ReplaceAll(way, " ", "%20"), "Error: enough")
			if got := <-held; got != "Error: enough" {
				t.Errorf("a request in flight: %q", got)
			}
			k.want(s, "/n", "Error: enough") // the stub stays broken
			fresh := k.stub("a")
			k.want(fresh, "/n", "1") // nothing of the turn was written
			release := k.stub("c")
			k.want(release, "/after%20settling%20what%20others%20wait%20for", "Error: enough")
			if got := <-shared; got != "released b" {
				t.Errorf("another actor's promise: %q", got)
			}
			k.want(other, "/seen", "")
			if strings.Contains(k.log.String(), "condemned") {
				t.Error(k.log)
			}
		})
	}
}

func TestAbortInTheConstructor(t *testing.T) {
	for _, name := range []string{"in the constructor", "in the constructor's block"} {
		t.Run(name, func(t *testing.T) {
			k := newKit(t, aborting, kitOptions{})
			s := k.stub(name)
			k.want(s, "/seen", "Error: enough")
			k.want(s, "/seen", "Error: enough")
			k.want(k.stub(name), "/seen", "Error: enough")
			k.want(k.stub("other"), "/seen", "")
		})
	}
}

func TestReasonsOfAbort(t *testing.T) {
	k := newKit(t, aborting, kitOptions{})
	for path, want := range map[string]string{
		"/no%20reason":                "Error: Application called abort() to reset Durable Object.",
		"/an%20Error%20as%20reason":   "Error: TypeError: typed",
		"/after%20a%20timer?no=stack": "Error: enough",
	} {
		_, err := k.stub(path).Fetch(t.Context(), request(path))
		var e *exception.Exception
		if !errors.As(err, &e) || e.Error() != want || e.Broken != exception.OutputGateBroken || !e.Remote || e.Retryable() || e.Overloaded() {
			t.Errorf("%s: %+v", path, e)
		}
	}
}

// ctx of another actor: its storage is shut, and the code that runs stops (workerd).
func TestAbortThroughAForeignContext(t *testing.T) {
	k := newKit(t, aborting, kitOptions{})
	a, b := k.stub("a"), k.stub("b")
	k.want(a, "/as%20a%20foreign%20actor", "")
	k.want(b, "/through%20a%20foreign%20ctx", "Error: enough")
	k.want(b, "/seen", "Error: enough")
	k.want(a, "/n", "Error: enough")
	k.want(k.stub("a"), "/seen", "")
}

// A stopped actor takes its waiting requests with it, those that wait for the input
// gate too, and what is queued behind goes nowhere else.
func TestAbortAnswersWhatIsQueued(t *testing.T) {
	k := newKit(t, aborting, kitOptions{})
	s := k.stub("a")
	k.want(s, "/put", "put")
	var queued []<-chan string
	first := started(s, t.Context(), "/in%20blockConcurrencyWhile")
	for range 5 {
		queued = append(queued, started(s, t.Context(), "/seen"))
	}
	for _, q := range append(queued, first) {
		if got := <-q; got != "Error: enough" {
			t.Errorf("%q", got)
		}
	}
	k.want(k.stub("a"), "/seen", "")
}

func TestManyAbortsLeaveTheRealmAsItWas(t *testing.T) {
	k := newKit(t, aborting, kitOptions{})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for i := range 300 {
		way := waysToAbort[i%len(waysToAbort)]
		resp, err := k.stub("a").Fetch(ctx, request("/"+strings.ReplaceAll(way, " ", "%20")))
		if got := answer(resp, err); got != "Error: enough" {
			t.Fatalf("%s: %q", way, got)
		}
	}
	k.want(k.stub("b"), "/seen", "")
	k.want(k.stub("b"), "/put", "put")
}
