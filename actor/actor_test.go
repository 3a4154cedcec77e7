package actor_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/storage"
	"workerd.local/storage/bolt"
	"workerd.local/storage/mem"
)

const counter = `
	export class Obj extends DurableObject {
		visits = 0;
		async fetch(request) {
			const url = new URL(request.url);
			switch (url.pathname) {
			case "/inc": {
				const n = (await this.ctx.storage.get("n") ?? 0) + 1;
				await this.ctx.storage.put("n", n);
				return new Response(String(n));
			}
			case "/n": return new Response(String(await this.ctx.storage.get("n")));
			case "/visits": return new Response(String(++this.visits));
			case "/id": return new Response(this.ctx.id.toString() + " " + this.ctx.id.name);
			case "/abort": this.ctx.abort("enough");
			case "/throw": throw new TypeError("no good");
			case "/loop": await this.ctx.storage.put("partial", 1); for (;;);
			case "/partial": return new Response(String(await this.ctx.storage.get("partial")));
			}
			return new Response("?");
		}
	}`

func TestStateSurvivesEvictionAndRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), bolt.FileName)
	for round := range 2 {
		store, err := bolt.Open(path, bolt.Options{})
		if err != nil {
			t.Fatal(err)
		}
		k := newKit(t, counter, kitOptions{store: store})
		s := k.stub("a")
		for i := range 3 {
			k.want(s, "/inc", fmt.Sprint(round*5+i+1))
		}
		k.want(s, "/visits", "1")
		if ok, err := s.Hibernate(t.Context()); !ok || err != nil {
			t.Fatalf("Hibernate: %v, %v", ok, err)
		}
		if err := s.Resume(t.Context()); err != nil {
			t.Fatal(err)
		}
		k.want(s, "/visits", "1") // a new instance
		k.want(s, "/inc", fmt.Sprint(round*5+4))
		k.want(k.stub("a"), "/inc", fmt.Sprint(round*5+5))
		k.want(k.stub("b"), "/n", map[int]string{0: "undefined", 1: "undefined"}[round])
		if err := k.ns.Close(t.Context(), errors.New("end of round")); err != nil {
			t.Fatal(err)
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestIdleActorsAreEvicted(t *testing.T) {
	k := newKit(t, counter, kitOptions{idle: 20 * time.Millisecond})
	s := k.stub("a")
	k.want(s, "/inc", "1")
	k.want(s, "/visits", "1")
	deadline := time.Now().Add(time.Minute)
	for ask(t, s, "/visits") != "1" {
		if time.Now().After(deadline) {
			t.Fatal("the actor was never evicted")
		}
		time.Sleep(50 * time.Millisecond)
	}
	k.want(s, "/n", "1")
}

func TestIDs(t *testing.T) {
	k := newKit(t, counter, kitOptions{})
	id := k.ns.IDs().FromName("room")
	k.want(k.stub("room"), "/id", id.String()+" room")
	unique := k.ns.IDs().Unique()
	k.want(k.ns.Get(unique), "/id", unique.String()+" undefined")
	long := strings.Repeat("x", 1025)
	if got := ask(t, k.stub(long), "/id"); !strings.HasSuffix(got, " undefined") {
		t.Errorf("a name of 1025 bytes is seen inside: %q", got)
	}
}

// heldStore delays commits until it is told to let them go, or fails them.
type heldStore struct {
	storage.Store
	begun   chan struct{}
	outcome chan error
}

func newHeldStore() *heldStore {
	return &heldStore{Store: mem.New(), begun: make(chan struct{}, 100), outcome: make(chan error, 100)}
}

func (h *heldStore) Commit(ctx context.Context, b map[storage.Token][]storage.Write) ([]storage.Token, error) {
	h.begun <- struct{}{}
	if err := <-h.outcome; err != nil {
		return nil, err
	}
	return h.Store.Commit(ctx, b)
}

// The output gate: no reply leaves before the writes it may tell of are durable.
func TestReplyWaitsForTheCommit(t *testing.T) {
	store := newHeldStore()
	k := newKit(t, counter, kitOptions{store: store})
	s := k.stub("a")
	got := make(chan string, 1)
	go func() { got <- ask(t, s, "/inc") }()
	<-store.begun
	// A reader sees the new value at once, but its reply must wait too.
	read := make(chan string, 1)
	go func() { read <- ask(t, s, "/n") }()
	select {
	case r := <-got:
		t.Fatalf("the reply %q left before its commit", r)
	case r := <-read:
		t.Fatalf("the reply %q tells of a write that is not durable", r)
	case <-time.After(300 * time.Millisecond):
	}
	store.outcome <- nil
	if r := <-got; r != "1" {
		t.Errorf("reply %q", r)
	}
	if r := <-read; r != "1" {
		t.Errorf("read %q", r)
	}
}

func TestFailedCommitResetsTheActor(t *testing.T) {
	store := newHeldStore()
	k := newKit(t, counter, kitOptions{store: store})
	s := k.stub("a")
	store.outcome <- nil
	k.want(s, "/inc", "1")
	store.outcome <- errors.New("the disk is on fire")
	resp, err := s.Fetch(t.Context(), request("/inc"))
	if err == nil {
		t.Fatalf("acknowledged: %q", answer(resp, nil))
	}
	var e *exception.Exception
	if !errors.As(err, &e) || !e.Reset() || !e.Remote || strings.Contains(e.Message, "fire") {
		t.Errorf("the caller sees %+v", e)
	}
	if !strings.Contains(k.log.String(), "the disk is on fire") {
		t.Error("the log does not tell the cause")
	}
	if got := ask(t, s, "/n"); !strings.Contains(got, "Internal error in Durable Object storage write") {
		t.Errorf("the old stub works again: %q", got)
	}
	k.want(k.stub("a"), "/n", "1") // a fresh object, from what is durable
}

func TestBrokenActors(t *testing.T) {
	k := newKit(t, counter+`
		export class Unused extends DurableObject {}`, kitOptions{})
	s := k.stub("a")
	k.want(s, "/inc", "1")
	k.want(s, "/throw", "TypeError: no good")
	k.want(s, "/visits", "1") // a throw breaks nothing
	k.want(s, "/abort", "Error: enough")
	k.want(s, "/n", "Error: enough") // for ever
	k.want(k.stub("a"), "/n", "1")
}

func TestConstructorFailureBreaksAndTheNextStubTriesAgain(t *testing.T) {
	k := newKit(t, `
		let tries = 0;
		export class Obj extends DurableObject {
			constructor(ctx, env) { super(ctx, env); if (++tries < 3) throw new RangeError("try " + tries); }
			fetch() { return new Response("up after " + tries); }
		}`, kitOptions{})
	s := k.stub("a")
	k.want(s, "/", "RangeError: try 1")
	k.want(s, "/", "RangeError: try 1")
	k.want(k.stub("a"), "/", "RangeError: try 2")
	k.want(k.stub("a"), "/", "up after 3")
}

func TestBlockConcurrencyWhile(t *testing.T) {
	k := newKit(t, `
		export class Obj extends DurableObject {
			constructor(ctx, env) {
				super(ctx, env);
				this.log = [];
				ctx.blockConcurrencyWhile(async () => {
					await new Promise(r => setTimeout(r, 50));
					this.log.push("ready");
				});
			}
			async fetch(request) {
				const p = new URL(request.url).pathname;
				if (p === "/fail") {
					await this.ctx.blockConcurrencyWhile(async () => { throw new Error("broken inside"); });
				}
				if (p === "/deep") {
					const deep = n => this.ctx.blockConcurrencyWhile(async () => n ? deep(n - 1) : "bottom");
					return new Response(await deep(Number(new URL(request.url).search.slice(1))).catch(e => e.message));
				}
				if (p === "/value") return new Response(await this.ctx.blockConcurrencyWhile(async () => "result"));
				this.log.push(p);
				return new Response(this.log.join());
			}
		}`, kitOptions{})
	k.want(k.stub("a"), "/first", "ready,/first")
	k.want(k.stub("a"), "/value", "result")
	k.want(k.stub("a"), "/deep?63", "bottom")
	k.want(k.stub("b"), "/deep?64", "Error: blockConcurrencyWhile() calls are nested too deeply.")
	s := k.stub("c")
	k.want(s, "/fail", "Error: broken inside")
	k.want(s, "/x", "Error: broken inside")
	k.want(k.stub("c"), "/x", "ready,/x")
}

func TestTransactions(t *testing.T) {
	k := newKit(t, `
		export class Obj extends DurableObject {
			async fetch(request) {
				const s = this.ctx.storage;
				await s.put("a", 1);
				const out = [];
				out.push(await s.transaction(async txn => { await txn.put("a", 2); return await txn.get("a"); }));
				await s.transaction(async txn => { await txn.put("a", 3); throw new Error("no"); }).catch(e => out.push(e.message));
				out.push(await s.get("a"));
				let kept;
				out.push(await s.transaction(async txn => { kept = txn; await txn.put("a", 4); txn.rollback(); return "rolled"; }));
				await kept.get("a").catch(e => out.push(e.message));
				out.push(await s.get("a"));
				await s.transaction(async txn => { kept = txn; await txn.delete("a"); });
				await kept.put("a", 1).catch(e => out.push(e.message));
				out.push(String(await s.get("a")));
				return new Response(out.join("|"));
			}
		}`, kitOptions{})
	k.want(k.stub("a"), "/", "2|no|2|rolled|Cannot get() on rolled back transaction|2|"+
		"Cannot call put() on transaction that has already committed: did you move `txn` outside of the closure?|undefined")
}

func TestStorageAPI(t *testing.T) {
	k := newKit(t, `
		const text = v => v instanceof Map ? [...v].map(([k, v]) => k + "=" + v).join() : String(v);
		export class Obj extends DurableObject {
			async fetch() {
				const s = this.ctx.storage, out = [];
				const log = async p => out.push(text(await p.catch(e => e.name + ": " + e.message)));
				await s.put({ b: 2, a: 1, c: 3, skipped: undefined, "p/1": 4, "p/2": 5 });
				await log(s.list());
				await log(s.list({ reverse: true, limit: 2 }));
				await log(s.list({ prefix: "p/", startAfter: "p/1" }));
				await log(s.list({ start: "b", end: "p" }));
				await log(s.list({ limit: 0 }));
				await log(s.list({ start: "a", startAfter: "b" }));
				await log(s.get(["c", "a", "none"]));
				await log(s.delete(["a", "none"]));
				await log(s.delete("b"));
				await log(s.delete("b"));
				await log(s.put("u", undefined));
				await log(s.put("f", () => 1));
				await log(s.put({ x: 1 }, 5));
				await s.put("date", { d: new Date(5), m: new Map([[1, new Set([2])]]), n: null, neg: -0, big: 10n });
				const v = await s.get("date");
				out.push([v.d.getTime(), v.m.get(1).has(2), v.n, Object.is(v.neg, -0), v.big].join());
				await s.deleteAll();
				await log(s.list());
				await log(s.sync());
				return new Response(out.join("\n"));
			}
		}`, kitOptions{})
	want := strings.Join([]string{
		"a=1,b=2,c=3,p/1=4,p/2=5",
		"p/2=5,p/1=4",
		"p/2=5",
		"b=2,c=3",
		"TypeError: List limit must be positive.",
		"TypeError: list() cannot be called with both start and startAfter values.",
		"a=1,c=3",
		"1",
		"true",
		"false",
		"TypeError: put() called with undefined value.",
		"DataCloneError: () => 1 could not be cloned.",
		"TypeError: put() may only be called with a single key-value pair and optional options as put(key, value, options) or with multiple key-value pairs and optional options as put(entries, options)",
		"5,true,,true,10",
		"",
		"undefined",
	}, "\n")
	if got := ask(t, k.stub("a"), "/"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestCPULimitStopsOneActorAndKeepsTheOthersWrites(t *testing.T) {
	store := newHeldStore()
	k := newKit(t, counter, kitOptions{store: store, limits: stopLimits})
	other := k.stub("other")
	got := make(chan string, 1)
	go func() { got <- ask(t, other, "/inc") }()
	<-store.begun // its commit is in flight
	loop := make(chan string, 1)
	go func() { loop <- ask(t, k.stub("culprit"), "/loop") }()
	if r := <-loop; !strings.Contains(r, "exceeded CPU time limit") {
		t.Errorf("the loop ended with %q", r)
	}
	store.outcome <- nil
	// Its write was begun before the reset and becomes durable; the reply may have
	// been lost with the reset, but not the write.
	<-got
	k.want(k.stub("other"), "/n", "1")
	k.want(k.stub("culprit"), "/partial", "undefined")
	if !strings.Contains(k.log.String(), k.ns.IDs().FromName("culprit").String()) {
		t.Error("the log does not name the culprit")
	}
}

func TestQueueLimit(t *testing.T) {
	k := newKit(t, `
		export class Obj extends DurableObject {
			constructor(ctx, env) { super(ctx, env); ctx.blockConcurrencyWhile(() => new Promise(r => setTimeout(r, 1000))); }
			fetch() { return new Response("ok"); }
		}`, kitOptions{queued: 3, clock: newClock()})
	var wg sync.WaitGroup
	var mu sync.Mutex
	count := map[string]int{}
	for range 8 {
		wg.Go(func() {
			_, err := k.stub("a").Fetch(t.Context(), request("/"))
			mu.Lock()
			defer mu.Unlock()
			var e *exception.Exception
			if errors.As(err, &e) && e.Overloaded() {
				count["overloaded"]++
			} else if err == nil {
				count["ok"]++
			}
		})
	}
	k.eventually("the refusal of five", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return count["overloaded"] >= 5
	})
	k.pass(1)
	wg.Wait()
	if count["ok"] != 3 || count["overloaded"] != 5 {
		t.Errorf("%v, want 3 ok and 5 overloaded", count)
	}
}

func TestAlarmsFireAndRetry(t *testing.T) {
	k := newKit(t, `
		export class Obj extends DurableObject {
			async fetch(request) {
				const p = new URL(request.url).pathname;
				if (p === "/set") { await this.ctx.storage.setAlarm(Date.now() + 10); return new Response("set"); }
				if (p === "/log") return new Response(JSON.stringify([await this.ctx.storage.get("log"), await this.ctx.storage.getAlarm()]));
				if (p === "/bad") return new Response(await this.ctx.storage.setAlarm(-1).catch(e => e.message));
			}
			async alarm(info) {
				const log = await this.ctx.storage.get("log") ?? [];
				log.push(info.isRetry, info.retryCount, typeof info.scheduledTime, await this.ctx.storage.getAlarm());
				await this.ctx.storage.put("log", log);
			}
		}`, kitOptions{})
	s := k.stub("a")
	k.want(s, "/bad", "setAlarm() cannot be called with an alarm time <= 0")
	k.want(s, "/set", "set")
	k.eventually("the run", func() bool { return ask(t, s, "/log") == `[[false,0,"number",null],null]` })
}

func TestStoredAlarmsFireAfterARestart(t *testing.T) {
	const source = `
		export class Obj extends DurableObject {
			async fetch(request) {
				if (new URL(request.url).pathname === "/set") { await this.ctx.storage.setAlarm(Date.now() + 200); return new Response("set"); }
				return new Response(String(await this.ctx.storage.get("ran")));
			}
			async alarm() { await this.ctx.storage.put("ran", this.ctx.id.name); }
		}`
	store := mem.New()
	k := newKit(t, source, kitOptions{store: store})
	k.want(k.stub("named"), "/set", "set")
	if err := k.ns.Close(t.Context(), errors.New("restart")); err != nil {
		t.Fatal(err)
	}
	k = newKit(t, source, kitOptions{store: store})
	if err := k.ns.LoadAlarms(t.Context()); err != nil {
		t.Fatal(err)
	}
	id := k.ns.IDs().FromName("named")
	// Asking the actor would make it before the alarm does, without its name.
	k.eventually("the run", func() bool { return storedAlarm(t, k, store, id).Time.IsZero() })
	k.want(k.ns.Get(id), "/", "named")
}

func TestUnknownEventsAreRefused(t *testing.T) {
	k := newKit(t, counter, kitOptions{})
	if o, err := k.stub("a").Deliver(t.Context(), event.Test{}); !errors.Is(err, event.ErrUnsupported) || o.Status != event.NotFound {
		t.Errorf("%v, %v", o, err)
	}
}
