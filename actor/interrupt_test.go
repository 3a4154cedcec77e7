package actor_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"workerd.local/actorid"
	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/storage"
	"workerd.local/storage/mem"
)

// interrupted is an actor some of whose turns end badly. What they wrote says "lost";
// "kept" is what turns wrote that had finished by then.
const interrupted = `
	const stop = { loop() { for (;;); } };
	export class Obj extends DurableObject {
		async fetch(request) {
			const s = this.ctx.storage, { pathname, search } = new URL(request.url), kind = search.slice(1);
			const lose = () => {
				s.put("over", "lost");
				s.put("new", "lost");
				s.put({ first: "lost", many: "lost" });
				s.delete("second");
				s.delete("unknown");
				s.setAlarm(Date.now() + 2e9);
				stop[kind]();
			};
			switch (pathname) {
			case "/first":
				s.put("first", "kept");
				return new Response("first");
			case "/second":
				s.put("second", "kept");
				s.put("over", "old");
				s.setAlarm(Date.now() + 1e9);
				return new Response("second");
			case "/await":
				s.put("over", "kept");
				await new Promise(r => setTimeout(r, 1));
				lose();
			case "/all":
				s.put("over", "kept");
				await new Promise(r => setTimeout(r, 1));
				s.deleteAll();
				lose();
			case "/background":
				s.put("over", "kept");
				setTimeout(lose, 1);
				return new Response("in the background");
			case "/block":
				s.put("over", "kept");
				await this.ctx.blockConcurrencyWhile(async () => {
					await new Promise(r => setTimeout(r, 1));
					lose();
				});
			case "/transaction":
				s.put("over", "kept");
				await s.transaction(async txn => {
					await txn.put("over", "open");
					await new Promise(r => setTimeout(r, 1));
					lose();
				});
			case "/tick":
				s.put("over", "kept");
				setInterval(() => s.put("ticks", "any"), 1);
				return new Response("ticks");
			case "/read": {
				const all = Object.fromEntries(await s.list()), alarm = await s.getAlarm();
				delete all.ticks;
				return new Response(JSON.stringify({ alarm: alarm === null ? "none" : alarm > Date.now() + 1.5e9 ? "lost" : "kept", ...all }));
			}
			}
		}
		alarm() {}
	}`

// start sends a request; what was sent before on the stub is delivered before.
func (k *kit) start(name, path string) chan result {
	ch := make(chan result, 1)
	k.stub(name).Start(k.t.Context(), request(path), func(resp *event.Response, err error) { ch <- result{resp, err} })
	return ch
}

type result struct {
	resp *event.Response
	err  error
}

func (k *kit) receive(ch chan result) result {
	k.t.Helper()
	select {
	case r := <-ch:
		return r
	case <-time.After(time.Minute):
		k.t.Fatalf("no answer\n%s", k.log)
		return result{}
	}
}

func (k *kit) wantAnswer(ch chan result, want string) {
	k.t.Helper()
	r := k.receive(ch)
	if got := answer(r.resp, r.err); got != want {
		k.t.Errorf("answer %q, want %q\n%s", got, want, k.log)
	}
}

// wantReset wants an error that says that the object was reset and the request may
// be tried again.
func (k *kit) wantReset(ch chan result, text string) {
	k.t.Helper()
	r := k.receive(ch)
	var e *exception.Exception
	if !errors.As(r.err, &e) || !e.Reset() || !e.Retryable() || !strings.Contains(e.Message, text) {
		k.t.Errorf("answer %q: want a retryable reset, %q\n%s", answer(r.resp, r.err), text, k.log)
	}
}

func (k *kit) wantLogged(text string) {
	k.t.Helper()
	for deadline := time.Now().Add(time.Minute); !strings.Contains(k.log.String(), text); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			k.t.Fatalf("never logged: %s\n%s", text, k.log)
		}
	}
}

func (k *kit) wantStored(name string, want map[string]string) {
	k.t.Helper()
	b, err := json.Marshal(want)
	if err != nil {
		k.t.Fatal(err)
	}
	k.want(k.stub(name), "/read", string(b))
}

var stopLimits = isolate.Limits{Turn: 500 * time.Millisecond}

// A turn that is stopped loses what it wrote itself. What finished turns wrote becomes
// durable, even where it waited behind a commit, and their answers leave.
func TestInterruptedTurnIsTakenBackAlone(t *testing.T) {
	for _, c := range []struct{ path, text string }{
		{"/await?loop", "exceeded CPU time limit"},
		{"/all?loop", "exceeded CPU time limit"},
		{"/block?loop", "exceeded CPU time limit"},
		{"/transaction?loop", "exceeded CPU time limit"},
		{"/background?loop", ""},
	} {
		t.Run(strings.Trim(c.path, "/"), func(t *testing.T) {
			store := newHeldStore()
			k := newKit(t, interrupted, kitOptions{store: store, limits: stopLimits})
			first := k.start("culprit", "/first")
			<-store.begun // and stuck
			second := k.start("culprit", "/second")
			stopped := k.start("culprit", c.path)
			k.wantLogged("actor stopped")
			if !strings.Contains(k.log.String(), "actor="+k.ns.IDs().FromName("culprit").String()) {
				t.Errorf("the log does not name the culprit\n%s", k.log)
			}
			late := k.start("culprit", "/read")
			for _, ch := range []chan result{first, second, stopped, late} {
				select {
				case r := <-ch:
					t.Fatalf("%q left before the commit it waits for", answer(r.resp, r.err))
				default:
				}
			}
			store.outcome <- nil
			k.wantAnswer(first, "first")
			<-store.begun
			store.outcome <- nil
			k.wantAnswer(second, "second")
			if c.text == "" {
				k.wantAnswer(stopped, "in the background") // its turn had finished
			} else {
				k.wantReset(stopped, c.text)
			}
			k.wantReset(late, "")
			k.wantStored("culprit", map[string]string{"first": "kept", "second": "kept", "over": "kept", "alarm": "kept"})
			if n := len(store.begun); n != 0 {
				t.Errorf("%d commits more than two", n)
			}
		})
	}
}

// Where the commit in flight fails, or the next one does, what it should have written
// is lost with the answers that tell of it.
func TestInterruptedTurnAndCommitsThatFail(t *testing.T) {
	disk := errors.New("the disk is on fire")
	t.Run("in flight", func(t *testing.T) {
		store := newHeldStore()
		k := newKit(t, interrupted, kitOptions{store: store, limits: stopLimits})
		first := k.start("culprit", "/first")
		<-store.begun
		second := k.start("culprit", "/second")
		stopped := k.start("culprit", "/await?loop")
		k.wantLogged("actor stopped")
		store.outcome <- disk
		for _, ch := range []chan result{first, second, stopped} {
			if r := k.receive(ch); r.err == nil || !strings.Contains(r.err.Error(), "Internal error in Durable Object storage write") {
				t.Errorf("answer %q", answer(r.resp, r.err))
			}
		}
		k.wantStored("culprit", map[string]string{"alarm": "none"})
	})
	t.Run("next", func(t *testing.T) {
		store := newHeldStore()
		k := newKit(t, interrupted, kitOptions{store: store, limits: stopLimits})
		first := k.start("culprit", "/first")
		<-store.begun
		second := k.start("culprit", "/second")
		stopped := k.start("culprit", "/await?loop")
		k.wantLogged("actor stopped")
		store.outcome <- nil
		k.wantAnswer(first, "first")
		<-store.begun
		store.outcome <- disk
		for _, ch := range []chan result{second, stopped} {
			if r := k.receive(ch); r.err == nil {
				t.Errorf("answer %q", answer(r.resp, r.err))
			}
		}
		k.wantStored("culprit", map[string]string{"first": "kept", "alarm": "none"})
	})
}

// The other actors of the realm flush too, even where an event comes meanwhile that
// the realm can no longer take.
func TestInterruptedTurnOfAnotherActor(t *testing.T) {
	store := newHeldStore()
	k := newKit(t, interrupted, kitOptions{store: store, limits: stopLimits})
	first := k.start("other", "/first")
	<-store.begun
	second := k.start("other", "/second")
	ticks := k.start("other", "/tick")
	stopped := k.start("culprit", "/await?loop")
	k.wantLogged("actor stopped")
	<-store.begun // what the culprit's finished turn wrote
	late := k.start("other", "/read")
	time.Sleep(20 * time.Millisecond) // for the interval to fire
	store.outcome <- nil
	store.outcome <- nil
	<-store.begun
	store.outcome <- nil
	k.wantAnswer(first, "first")
	k.wantAnswer(second, "second")
	k.wantAnswer(ticks, "ticks")
	k.wantReset(late, "another part of the worker failed")
	k.wantReset(stopped, "exceeded CPU time limit")
	k.wantStored("other", map[string]string{"first": "kept", "second": "kept", "over": "kept", "alarm": "kept"})
	k.wantStored("culprit", map[string]string{"over": "kept", "alarm": "none"})
}

// An actor without anything to save, and one without storage, break at once.
func TestInterruptedTurnOfAnActorWithNothingToSave(t *testing.T) {
	for name, o := range map[string]kitOptions{"storage": {}, "ephemeral": {ephemeral: true}} {
		t.Run(name, func(t *testing.T) {
			o.limits = stopLimits
			k := newKit(t, `
				let loops = 0;
				export class Obj extends DurableObject {
					constructor(ctx, env) { super(ctx, env); if (ctx.id.name === "constructor" && !loops++) for (;;); }
					fetch(request) {
						if (request.url.endsWith("/loop")) for (;;);
						return new Response("loops " + loops);
					}
				}`, o)
			if o.ephemeral {
				s := k.ns.Get(actorid.ID{Key: "a"})
				if got := ask(t, s, "/loop"); !strings.Contains(got, "exceeded CPU time limit") {
					t.Errorf("got %q", got)
				}
				k.want(k.ns.Get(actorid.ID{Key: "a"}), "/", "loops 0")
				return
			}
			k.wantReset(k.start("a", "/loop"), "exceeded CPU time limit")
			k.want(k.stub("a"), "/", "loops 0")
			k.wantReset(k.start("constructor", "/"), "exceeded CPU time limit")
		})
	}
}

// An alarm whose handler is stopped is tried again, and the retry is durable.
func TestInterruptedAlarmIsTriedAgain(t *testing.T) {
	store := mem.New()
	k := newKit(t, `
		export class Obj extends DurableObject {
			async fetch(request) {
				if (request.url.endsWith("/set")) await this.ctx.storage.setAlarm(Date.now() + 1);
				return new Response("ran " + await this.ctx.storage.get("ran") + " " + await this.ctx.storage.get("wrote"));
			}
			async alarm(info) {
				if (info.isRetry) return;
				await this.ctx.storage.put("ran", 1);
				await new Promise(r => setTimeout(r, 1));
				this.ctx.storage.put("wrote", 1);
				for (;;);
			}
		}`, kitOptions{store: store, limits: stopLimits})
	k.want(k.stub("a"), "/set", "ran undefined undefined")
	k.wantLogged("actor stopped")
	id := k.ns.IDs().FromName("a")
	var due storage.Due
	for deadline := time.Now().Add(time.Minute); due.Retries == 0; time.Sleep(time.Millisecond) {
		var err error
		if due, err = store.Alarm(t.Context(), storage.Token{Shard: id.Shard(), Epoch: epochOf(t, store)}, id); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			t.Fatalf("the retry was never stored\n%s", k.log)
		}
	}
	if due.Retries != 1 || due.Time.IsZero() {
		t.Errorf("stored: %+v", due)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		got := ask(t, k.stub("a"), "/")
		if got == "ran 1 undefined" {
			return
		}
		// Until the old one is gone it says so.
		if !strings.Contains(got, "exceeded CPU time limit") || time.Now().After(deadline) {
			t.Fatalf("got %q\n%s", got, k.log)
		}
	}
}
