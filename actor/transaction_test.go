package actor_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"workerd.local/actorid"
	"workerd.local/cache"
	"workerd.local/event"
	"workerd.local/storage"
	"workerd.local/storage/mem"
)

const notOpen = "on transaction that has already committed: did you move `txn` outside of the closure?"

// Transactions over what workerd keeps in SQLite; the answers are workerd's.
func TestTransactionsOfSQLite(t *testing.T) {
	checkCalls(t, kitOptions{sqlite: true}, []callRow{
		{`s.transactionSync()`, "throws TypeError: Failed to execute 'transactionSync' on 'DurableObjectStorage': parameter 1 is not of type 'function'."},
		{`s.transactionSync(() => 5)`, "5"},
		{`s.transactionSync(function () { return this === globalThis; })`, "true"},
		{`s.transactionSync(() => { s.put("a", 1); s.put("b", 1); s.delete("b"); }) ?? s.list()`, "Map a,1"},
		{`s.transactionSync(() => { s.put("a", 2); throw new RangeError("back"); })`, "throws RangeError: back"},
		{`s.get("a")`, "1"},
		{`s.transactionSync(() => { s.put("o", 1); try { s.transactionSync(() => { s.put("i", 1); s.put("o", 2); throw 1; }); } catch {} s.transactionSync(() => { s.put("j", 1); }); }) ?? s.list()`, "Map a,1,j,1,o,1"},
		{`{ try { s.transactionSync(() => { s.transactionSync(() => { s.put("k", 1); }); throw 1; }); } catch {} return s.get("k"); }`, "undefined"},
		{`s.transactionSync(() => { s.deleteAll().catch(e => { s.put("said", e.message) }); return "ok"; })`, "ok"},
		{`s.get("said")`, "Cannot call deleteAll() within a transaction"},
		{`s.transaction(async t => { await t.put("d", 1); s.transactionSync(() => { s.put("e", 1); }); t.rollback(); }).then(() => s.list({ start: "d", end: "f" }))`, "Map "},
		// The innermost one counts, whatever is called.
		{`s.transaction(async t => s.transaction(async u => { await t.put("x", 1); const seen = await u.get("x"); u.rollback(); return seen; })).then(async v => v + " " + await s.get("x"))`, "1 undefined"},
		{`s.transaction(async t => { await t.put("x", 1); const said = await s.transaction(async u => { await u.put("y", 1); try { t.rollback(); } catch (e) { return e.message; } }); return said + " " + await t.get("y"); })`, "Cannot roll back an outer transaction while a nested transaction is still running. 1"},
		{`s.list({ start: "x", end: "z" })`, "Map x,1,y,1"},
		{`s.transaction(async t => { t.rollback(); t.rollback(); await s.put("after", 1); return "value"; }).then(async v => v + " " + await s.get("after"))`, "value 1"},
		{`s.transaction(async t => { t.rollback(); await s.deleteAll(); })`, "rejects Error: Cannot call deleteAll() within a transaction"},
		{`s.transaction(async t => { t.rollback(); await t.get("a"); })`, "rejects Error: Cannot get() on rolled back transaction"},
		{`s.transaction(async t => { t.rollback(); t.delete("a"); })`, "rejects Error: Cannot delete() on rolled back transaction"},
		{`s.transaction(async t => { t.rollback(); return t.list({ start: "b", end: "a" }); })`, "Map "}, // nothing is asked
		{`s.transaction(async t => t).then(t => t.put("a", 1))`, "rejects Error: Cannot call put() " + notOpen},
		{`s.transaction(async t => t).then(t => t.setAlarm(4e12))`, "rejects Error: Cannot call setAlarm() " + notOpen},
		{`s.transaction(async t => t).then(t => t.rollback())`, "rejects Error: Cannot call rollback() " + notOpen},
		{`s.transaction(async t => { await s.setAlarm(4e12); t.rollback(); }).then(() => s.getAlarm())`, "null"},
	})
}

func TestTransactionSyncNeedsSQLite(t *testing.T) {
	checkCalls(t, kitOptions{sql: true, keys: cache.ActorLimits(nil)}, []callRow{
		{`s.transactionSync()`, "throws TypeError: Failed to execute 'transactionSync' on 'DurableObjectStorage': parameter 1 is not of type 'function'."},
		{`s.transactionSync(() => 1)`, "throws Error: Durable Object is not backed by SQL."},
		{`s.getCurrentBookmark()`, "rejects Error: This Durable Object's storage back-end does not implement point-in-time recovery."},
		{`s.transaction(async t => { await t.put("k".repeat(3000), new Uint8Array(140000)); }).then(async () => (await s.list()).size)`, "1"},
		{`s.put("k".repeat(2049), 1)`, "rejects RangeError: Keys cannot be larger than 2048 bytes. A key of size 2049 was provided."},
		{`s.put("k", new Uint8Array(140000))`, "rejects RangeError: Values cannot be larger than 131072 bytes. A value of size 140013 was provided."},
	})
}

// Before capture_async_api_throws, methods that return promises throw what is wrong.
func TestWithoutCapturedThrows(t *testing.T) {
	checkCalls(t, kitOptions{date: "2022-10-30", sqlite: true}, []callRow{
		{`s.get()`, "throws TypeError: Failed to execute 'get' on 'DurableObjectStorage': parameter 1 is not of type 'string or Array'."},
		{`s.put("a")`, "throws TypeError: put() called with undefined value."},
		{`s.list({ limit: 0 })`, "throws TypeError: List limit must be positive."},
		{`s.transaction(async t => { t.rollback(); try { t.get("a"); } catch (e) { return e.message; } })`, "Cannot get() on rolled back transaction"},
		{`s.transaction(async () => { throw new Error("its own"); })`, "rejects Error: its own"},
		{`ctx.blockConcurrencyWhile()`, "throws TypeError: Failed to execute 'blockConcurrencyWhile' on 'DurableObjectState': parameter 1 is not of type 'function'."},
	})
}

func TestBookmarksAndReplicas(t *testing.T) {
	const noRecovery = "Error: This Durable Object's storage back-end does not implement point-in-time recovery."
	const noReplicas = "Error: This Durable Object's storage back-end does not support replication."
	checkCalls(t, kitOptions{sqlite: true, flags: []string{"experimental", "replica_routing"}}, []callRow{
		{`Promise.all([s.getCurrentBookmark(), s.getCurrentBookmark()]).then(([a, b]) => a < b && /^[0-9a-f]{8}-[0-9a-f]{8}-0{8}-0{32}$/.test(a))`, "true"},
		{`s.getBookmarkForTime()`, "rejects TypeError: Failed to execute 'getBookmarkForTime' on 'DurableObjectStorage': parameter 1 is not of type 'date'."},
		{`s.getBookmarkForTime(new Date(0))`, "rejects " + noRecovery},
		{`s.onNextSessionRestoreBookmark()`, "rejects TypeError: Failed to execute 'onNextSessionRestoreBookmark' on 'DurableObjectStorage': parameter 1 is not of type 'string'."},
		{`s.onNextSessionRestoreBookmark("x")`, "rejects " + noRecovery},
		{`s.waitForBookmark("x")`, "undefined"},
		{`s.waitForBookmark()`, "rejects TypeError: Failed to execute 'waitForBookmark' on 'DurableObjectStorage': parameter 1 is not of type 'string'."},
		{`s.ensureReplicas()`, "throws " + noReplicas},
		{`s.disableReplicas()`, "throws " + noReplicas},
		{`ctx.configureReadReplication({ mode: "auto" })`, "rejects " + noReplicas},
		{`ctx.configureReadReplication({ mode: "odd" })`, "rejects TypeError: configureReadReplication() called with unknown mode setting: odd."},
		{`ctx.configureReadReplication({})`, "rejects TypeError: Incorrect type for the 'mode' field on 'ReadReplicationOptions': the provided value is not of type 'string'."},
		{`ctx.configureReadReplication()`, "rejects TypeError: Failed to execute 'configureReadReplication' on 'DurableObjectState': parameter 1 is not of type 'ReadReplicationOptions'."},
		{`"primary" in s && "primaryStub" in ctx && s.primary`, "undefined"},
	})
	checkCalls(t, kitOptions{sqlite: true}, []callRow{
		{`[s.waitForBookmark, s.ensureReplicas, ctx.configureReadReplication, "primary" in s].join()`, ",,,false"},
		{`[ctx.container, "container" in ctx].join()`, ",true"},
		{`ctx.facets.get("a")`, "throws TypeError: Failed to execute 'get' on 'DurableObjectFacets': parameter 2 is not of type 'function'."},
		{`ctx.facets.clone("a", "x".repeat(257))`, "throws TypeError: Facet name is too long (max 256 characters)."},
		{`ctx.facets.delete("a")`, "undefined"},
		{`ctx.facets.abort("a", 1)`, "undefined"},
	})
}

// Storage belongs to its object.
func TestStorageOfAnotherObject(t *testing.T) {
	k := newKit(t, `
		let kept;
		const fail = f => { try { return f(); } catch (e) { return Promise.reject(e); } };
		export class Obj extends DurableObject {
			async fetch(request) {
				if (!kept) { kept = this.ctx.storage; return new Response("kept"); }
				const out = [];
				for (const f of [() => kept.get("a"), () => kept.kv.get("a"), () => kept.put("a", 1), () => kept.delete("a"), () => kept.list(), () => kept.deleteAll(), () => kept.sync(), () => kept.transaction(() => 1), () => kept.transactionSync(() => 1), () => kept.getAlarm(), () => kept.deleteAlarm(), () => kept.getCurrentBookmark(), () => kept.sql.databaseSize])
					out.push(await fail(f).then(() => "no", e => e.message.startsWith("Cannot perform I/O on behalf of a different Durable Object.") && e.message.endsWith("(I/O type: ActorCacheInterface)")));
				return new Response(out.join());
			}
		}`, kitOptions{sqlite: true, sql: true})
	k.want(k.stub("a"), "/", "kept")
	k.want(k.stub("b"), "/", "true,true,true,true,true,true,true,true,true,true,true,true,true")
}

// A transaction that is rolled back leaves the alarm, and its timer, alone.
func TestAlarmRingsAfterARolledBackChange(t *testing.T) {
	for _, sqlite := range []bool{false, true} {
		k := newKit(t, `
			export class Obj extends DurableObject {
				async fetch(request) {
					const s = this.ctx.storage;
					if (request.url.endsWith("/set")) {
						await s.setAlarm(Date.now() + 1000);
						await s.transaction(async t => { await t.deleteAlarm(); t.rollback(); });
						await s.transaction(async t => { await t.setAlarm(Date.now() + 1e6); throw 1; }).catch(() => {});
						return new Response("set");
					}
					if (request.url.endsWith("/later")) {
						await s.transaction(async t => { await t.setAlarm(Date.now() + 1000); });
						return new Response("set");
					}
					return new Response(String(await s.get("rang") ?? 0));
				}
				async alarm() { await this.ctx.storage.put("rang", (await this.ctx.storage.get("rang") ?? 0) + 1); }
			}`, kitOptions{sqlite: sqlite, clock: newClock()})
		for i, path := range []string{"/set", "/later"} {
			k.want(k.stub("a"), path, "set")
			k.want(k.stub("a"), "/", string(rune('0'+i)))
			k.pass(1)
			want := string(rune('1' + i))
			k.eventually(fmt.Sprintf("the alarm of %s, with SQLite %v,", path, sqlite), func() bool { return ask(t, k.stub("a"), "/") == want })
		}
	}
}

// held is a store whose commits wait, and whose reads are counted.
type held struct {
	storage.Store
	arrived, release chan struct{}
	reads            atomic.Int32
}

func (h *held) InstantReads() bool { return true }

func (h *held) Get(ctx context.Context, t storage.Token, a actorid.ID, keys []string) ([]storage.KV, error) {
	h.reads.Add(1)
	return h.Store.Get(ctx, t, a, keys)
}

func (h *held) Commit(ctx context.Context, batch map[storage.Token][]storage.Write) ([]storage.Token, error) {
	h.arrived <- struct{}{}
	<-h.release
	return h.Store.Commit(ctx, batch)
}

// The next actor of an id starts from what the last commit of the one before leaves.
func TestNextActorWaitsForTheLastCommit(t *testing.T) {
	store := &held{Store: mem.New(), arrived: make(chan struct{}), release: make(chan struct{})}
	k := newKit(t, `
		export class Obj extends DurableObject {
			constructor(ctx, env) { super(ctx, env); ctx.blockConcurrencyWhile(async () => { this.seen = await ctx.storage.get("a"); }); }
			async fetch(request) {
				const { storage } = this.ctx;
				if (request.url.endsWith("/abort")) { storage.put("a", 1); await new Promise(r => setTimeout(r, 1)); this.ctx.abort("no more"); }
				return new Response(this.seen + " " + await storage.get("a"));
			}
		}`, kitOptions{store: store})
	k.want(k.stub("a"), "/", "undefined undefined")
	reset := make(chan string)
	go func() { reset <- ask(t, k.stub("a"), "/abort") }()
	<-store.arrived
	if got := <-reset; got != "Error: no more" {
		t.Errorf("reset: %s", got)
	}
	before := store.reads.Load()
	next := make(chan string, 1)
	k.stub("a").Start(t.Context(), request("/"), func(resp *event.Response, err error) {
		go func() { next <- answer(resp, err) }()
	})
	// The request is at the actor when the loop has done what came after it.
	for range 2 {
		done := make(chan struct{})
		if err := k.isos[0].Loop().Post(func() { close(done) }); err != nil {
			t.Fatal(err)
		}
		<-done
	}
	if n := store.reads.Load() - before; n != 0 {
		t.Errorf("the next actor has read %d times before the commit", n)
	}
	store.release <- struct{}{}
	if got := <-next; got != "1 1" {
		t.Errorf("the next actor saw %s", got)
	}
}
