package actor_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"workerd.local/actorid"
	"workerd.local/exception"
	"workerd.local/storage"
	"workerd.local/storage/bolt"
	"workerd.local/storage/mem"
)

// family is a class whose first path segments name facets: /a/b/inc asks the facet b of the
// facet a of the actor.
const family = `
	export class Leaf extends DurableObject {
		n = 0;
		async fetch(request) { return await this.answer(new URL(request.url).pathname.slice(1).split("/")); }
		async answer(path) {
			if (path.length > 1 && !(path[0] in this)) {
				const facet = this.ctx.facets.get(path[0], () => ({ class: this.ctx.exports.Leaf, id: this.child }));
				return await facet.fetch("http://facet/" + path.slice(1).join("/"));
			}
			const [what, name, other] = path;
			try {
				return new Response(String(await this[what](name, other) ?? "done"));
			} catch (e) {
				return new Response(String(e));
			}
		}
		async inc() {
			const stored = ((await this.ctx.storage.get("n")) ?? 0) + 1;
			await this.ctx.storage.put("n", stored);
			return ++this.n + "," + stored;
		}
		id() { return typeof this.ctx.id + " " + (this.ctx.id.name ?? this.ctx.id); }
		erase() { return this.ctx.storage.deleteAll(); }
		eraseThen(name) { const p = this.ctx.storage.deleteAll(); return p.then(() => this.answer([name, "inc"])).then(r => r.text()); }
		abort(name, why) { this.ctx.facets.abort(name, new RangeError(why)); }
		remove(name) { this.ctx.facets.delete(name); }
		removeThen(name) { this.ctx.facets.delete(name); return this.answer([name, "inc"]).then(r => r.text()); }
		copy(from, to) { this.ctx.facets.clone(from, to); }
		async hold() { this.holding = true; await new Promise(() => {}); }
		die(why) { this.ctx.abort(why); }
		async alarmed() { await this.ctx.storage.put("x", 1); await this.ctx.storage.setAlarm(Date.now() + 1e6); }
		async alarms() { return [await this.ctx.storage.getAlarm(), await this.ctx.storage.deleteAlarm(), await this.ctx.storage.get("x")].join(); }
		alarm() {}
		async fill(bytes) { await this.ctx.storage.put("big", "x".repeat(Number(bytes))); }
		loop() { for (;;); }
	}
	export class Obj extends Leaf {
		kept = {};
		keep(name) { this.kept[name] = this.ctx.facets.get(name, () => ({ class: this.ctx.exports.Leaf })); return this.kept[name].fetch("http://facet/inc").then(r => r.text()); }
		use(name) { return this.kept[name].fetch("http://facet/inc").then(r => r.text()); }
		// The facet is aborted while it waits for what it is made of.
		async early() {
			let go;
			const f = this.ctx.facets.get("soon", () => new Promise(r => go = r));
			const p = f.fetch("http://facet/inc").then(r => r.text(), String);
			this.ctx.facets.abort("soon", new Error("too early"));
			await scheduler.wait(1);
			go({ class: this.ctx.exports.Leaf });
			return await p;
		}
		async start(what) {
			const start = { throws() { throw new RangeError("own"); }, async rejects() { throw new RangeError("own"); }, nothing() {}, number() { return 5; }, other() { return { class: Obj }; }, async number5() { return 5; } }[what];
			let first;
			try { await this.ctx.facets.get("s", start).fetch("http://facet/inc"); } catch (e) { first = String(e); }
			// The failed start is what the name stands for until it is aborted.
			let again = "";
			try { await this.ctx.facets.get("s", () => ({ class: this.ctx.exports.Leaf })).fetch("http://facet/inc"); } catch (e) { again = String(e) === first ? " again" : String(e); }
			this.ctx.facets.abort("s", 1);
			return first + again + " " + await (await this.ctx.facets.get("s", () => ({ class: this.ctx.exports.Leaf })).fetch("http://facet/inc")).text();
		}
	}`

func TestFacetsHaveInstancesAndStorageOfTheirOwn(t *testing.T) {
	for _, sqlite := range []bool{false, true} {
		k := newKit(t, family, kitOptions{sqlite: sqlite})
		s := k.stub("a")
		k.want(s, "/inc", "1,1")
		k.want(s, "/f/inc", "1,1")
		k.want(s, "/f/inc", "2,2")
		k.want(s, "/g/inc", "1,1")
		k.want(s, "/f/g/inc", "1,1")
		k.want(s, "/inc", "2,2")
		k.want(s, "/f/id", "object a")
		k.want(k.stub("b"), "/f/inc", "1,1")
		// They last.
		k.evictAll()
		k.want(s, "/f/inc", "1,3")
		k.want(s, "/f/g/inc", "1,2")
	}
}

func (k *kit) evictAll() {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(k.t.Context(), patience)
	defer cancel()
	if err := k.ns.EvictAll(ctx, false); err != nil {
		k.t.Error(err)
	}
}

func TestFacetsThatKeepNothing(t *testing.T) {
	k := newKit(t, family, kitOptions{ephemeral: true})
	s := k.ephemeral("a")
	k.want(s, "/f/inc", "TypeError: Cannot read properties of undefined (reading 'get')")
	k.want(s, "/f/id", "string a")
	k.want(s, "/remove/f", "done")
	k.want(s, "/copy/f/g", "done")
	k.want(s, "/f/g/id", "string a")
}

func TestAbortedFacetsFailWithTheReason(t *testing.T) {
	k := newKit(t, family, kitOptions{})
	s := k.stub("a")
	k.want(s, "/keep/f", "1,1")
	k.want(s, "/abort/f/why", "done")
	k.want(s, "/use/f", "RangeError: why")
	k.want(s, "/f/inc", "1,2")
	k.want(s, "/abort/unknown/why", "done")
	k.want(s, "/early", "Error: too early")
	k.want(s, "/soon/inc", "1,1")

	// A facet that breaks by itself is made again; its parent stays.
	k.want(s, "/keep/f", "2,3")
	k.want(s, "/f/die/itself", "Error: itself")
	k.want(s, "/use/f", "Error: itself")
	k.want(s, "/f/inc", "1,4")
	k.want(s, "/inc", "1,1")

	// With the parent all of them end.
	k.want(s, "/f/g/inc", "1,1")
	k.want(s, "/die/parent", "Error: parent")
	s = k.stub("a")
	k.want(s, "/f/inc", "1,5")
	k.want(s, "/f/g/inc", "1,2")
}

func TestStartsThatFail(t *testing.T) {
	k := newKit(t, family, kitOptions{})
	s := k.stub("a")
	for _, c := range []struct{ what, want string }{
		{"throws", "RangeError: own again 1,1"},
		{"rejects", "RangeError: own again 1,2"},
		{"nothing", "TypeError: Cannot initialize StartupOptions with required members from an undefined or null value. again 1,3"},
		{"number", "TypeError: Callback returned incorrect type; expected 'Promise' again 1,4"},
		{"number5", "TypeError: Incorrect type for Promise: the Promise did not resolve to 'StartupOptions'. again 1,5"},
		{"other", "TypeError: Incorrect type for the 'class' field on 'StartupOptions': the provided value is not of type 'DurableObjectClass or LoopbackDurableObjectNamespace or LoopbackColoLocalActorNamespace'. again 1,6"},
	} {
		k.want(s, "/start/"+c.what, c.want)
		k.want(s, "/abort/s/over", "done")
	}
}

func TestDeletedFacetsLeaveNothing(t *testing.T) {
	store := mem.New()
	k := newKit(t, family, kitOptions{store: store})
	s := k.stub("a")
	k.want(s, "/keep/f", "1,1")
	k.want(s, "/f/g/inc", "1,1")
	k.want(s, "/g/inc", "1,1")
	k.want(s, "/remove/f", "done")
	k.stored(store, "a/g")
	k.want(s, "/use/f", "Error: Facet was deleted.")
	k.want(s, "/remove/unknown", "done")
	// The next one of the name starts behind it, in the same turn, too.
	k.want(s, "/removeThen/g", "1,1")
	k.want(s, "/f/g/inc", "1,1")
	k.stored(store, "a/f/g", "a/g")
}

// stored compares the actors in a store: names, and the names that lead to a facet.
func (k *kit) stored(s storage.Store, want ...string) {
	k.t.Helper()
	names := map[actorid.ID]string{}
	for _, name := range []string{"a", "b"} {
		names[k.ns.IDs().FromName(name)] = name
	}
	var got []string
	for info, err := range s.Actors(k.t.Context(), "key", actorid.ID{}) {
		if err != nil {
			k.t.Fatal(err)
		}
		root := info.Actor.Root()
		got = append(got, names[root]+strings.TrimPrefix(info.Actor.String(), root.String()))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		k.t.Errorf("stored are %v, want %v", got, want)
	}
}

func TestDeleteAllDeletesFacets(t *testing.T) {
	store := mem.New()
	k := newKit(t, family, kitOptions{store: store, sqlite: true})
	s := k.stub("a")
	k.want(s, "/inc", "1,1")
	k.want(s, "/keep/f", "1,1")
	k.want(s, "/f/g/inc", "1,1")
	k.want(s, "/f/erase", "done") // its own facets, not those of its parent
	k.stored(store, "a")
	k.want(s, "/f/g/inc", "1,1")
	k.want(s, "/g/inc", "1,1")
	k.want(s, "/erase", "done")
	k.stored(store)
	k.want(s, "/use/f", "Error: Facet was deleted.")
	k.want(s, "/eraseThen/f", "1,1")
	k.stored(store, "a/f")
	k.evictAll()
	k.want(s, "/f/inc", "1,2")
	// Those that are not in memory go, too.
	k.evictAll()
	k.want(s, "/erase", "done")
	k.stored(store)
}

func TestClonesOfFacets(t *testing.T) {
	k := newKit(t, family, kitOptions{bounds: []string{"facet.copy=4096"}})
	s := k.stub("a")
	k.want(s, "/f/inc", "1,1")
	k.want(s, "/f/x/inc", "1,1")
	k.want(s, "/keep/g", "1,1")
	k.want(s, "/g/old/inc", "1,1")
	k.want(s, "/copy/f/g", "done")
	k.want(s, "/use/g", "Error: Facet was cloned-over.")
	k.want(s, "/g/inc", "1,2")
	k.want(s, "/g/x/inc", "1,2")
	k.want(s, "/g/old/inc", "1,1")
	k.want(s, "/f/inc", "2,2") // it went on
	k.want(s, "/copy/unknown/g", "done")
	k.want(s, "/g/x/inc", "1,1")
	k.want(s, "/copy/f/f", "done")
	k.want(s, "/f/inc", "1,3")
	// What is too large is not copied by half.
	k.want(s, "/f/fill/5000", "done")
	k.want(s, "/copy/f/h", "Error: The facet has stored more than the 4096 bytes that clone() copies.")
	k.want(k.stub("a"), "/h/inc", "1,1")
}

func TestFacetsHaveNoAlarms(t *testing.T) {
	k := newKit(t, family, kitOptions{sqlite: true})
	s := k.stub("a")
	k.want(s, "/f/alarmed", "Error: Facets currently cannot set alarms.")
	k.want(s, "/f/alarms", ",,")
	k.want(s, "/alarmed", "done")
}

func TestFacetsNestFourDeepAndAreBounded(t *testing.T) {
	k := newKit(t, family, kitOptions{bounds: []string{"facet.count=2"}})
	s := k.stub("a")
	k.want(s, "/1/2/3/inc", "1,1")
	k.want(s, "/1/2/3/4/inc", "Error: Facet nesting depth limit exceeded. The maximum depth including the root Durable Object is 4.")
	k.want(s, "/2/inc", "1,1")
	k.want(s, "/3/inc", "Error: Maximum number of facets exceeded: at most 2 may be in use.")
	k.want(s, "/abort/2/why", "done")
	k.want(s, "/3/inc", "1,1")
}

// A facet keeps its parent in memory as long as it is there itself.
func TestIdleFacetsLeaveBeforeTheirParent(t *testing.T) {
	k := newKit(t, family, kitOptions{clock: newClock()})
	s := k.stub("a")
	k.want(s, "/inc", "1,1")
	k.want(s, "/f/g/inc", "1,1")
	k.pass(9)
	k.want(s, "/f/inc", "1,1")
	k.pass(9)
	k.want(s, "/inc", "2,2")
	k.want(s, "/f/inc", "2,2")
	k.pass(45)
	k.want(s, "/inc", "1,3")
	k.want(s, "/f/inc", "1,3")
	k.want(s, "/f/g/inc", "1,2")
}

func TestStoppedFacetsLeaveNoHalfTurn(t *testing.T) {
	k := newKit(t, family, kitOptions{limits: stopLimits})
	s := k.stub("a")
	k.want(s, "/f/inc", "1,1")
	k.want(s, "/g/inc", "1,1")
	if got := ask(t, s, "/f/loop"); !strings.Contains(got, "exceeded") && !strings.Contains(got, "reset") {
		t.Errorf("loop: %s", got)
	}
	s = k.stub("a")
	k.want(s, "/f/inc", "1,2")
	k.want(s, "/g/inc", "1,2")
}

func TestFacetsEndWithTheirNamespace(t *testing.T) {
	store := mem.New()
	k := newKit(t, family, kitOptions{store: store})
	s := k.stub("a")
	k.want(s, "/f/g/inc", "1,1")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	held := make(chan string, 1)
	go func() { held <- answer(s.Fetch(ctx, request("/f/hold"))) }()
	for ask(t, s, "/f/id") != "object a" {
		time.Sleep(time.Millisecond)
	}
	if err := k.ns.Close(ctx, errors.New("closing")); err != nil {
		t.Fatal(err)
	}
	if got := <-held; !strings.Contains(got, "internal error") {
		t.Errorf("a call in flight: %s", got)
	}
	k.stored(store, "a/f/g")
}

func TestReplacingAFacetResetsItsActor(t *testing.T) {
	store := mem.New()
	k := newKit(t, family, kitOptions{store: store})
	s := k.stub("a")
	k.want(s, "/f/inc", "1,1")
	id := k.ns.IDs().FromName("a").Facet("f")
	err := k.ns.Replace(t.Context(), id, func() error {
		_, err := store.Commit(t.Context(), map[storage.Token][]storage.Write{{Shard: id.Shard(), Epoch: 1}: {{Actor: id, DelAll: true}}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s = k.stub("a")
	k.want(s, "/f/inc", "1,1")
	if err := k.ns.DeleteAll(t.Context(), exception.Errorf("deleted")); err != nil {
		t.Fatal(err)
	}
	k.stored(store)
}

// What was acknowledged is there when the file is opened again.
func TestFacetsOutliveARestart(t *testing.T) {
	dir := t.TempDir()
	open := func(use func(k *kit)) {
		store, err := bolt.Open(filepath.Join(dir, "actors.db"), bolt.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Run("", func(t *testing.T) { use(newKit(t, family, kitOptions{store: store, sqlite: true})) })
		if err := errors.Join(store.Check(t.Context()), store.Close()); err != nil {
			t.Fatal(err)
		}
	}
	open(func(k *kit) {
		k.want(k.stub("a"), "/f/g/inc", "1,1")
		k.want(k.stub("a"), "/g/inc", "1,1")
		k.want(k.stub("a"), "/copy/f/h", "done")
		k.want(k.stub("a"), "/remove/g", "done")
	})
	open(func(k *kit) {
		k.want(k.stub("a"), "/h/g/inc", "1,2")
		k.want(k.stub("a"), "/f/g/inc", "1,2")
		k.want(k.stub("a"), "/g/inc", "1,1")
		k.want(k.stub("a"), "/erase", "done")
	})
	open(func(k *kit) { k.want(k.stub("a"), "/h/g/inc", "1,1") })
}
