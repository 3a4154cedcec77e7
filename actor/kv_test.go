package actor_test

import (
	"testing"

	"workerd.local/storage"
	"workerd.local/storage/mem"
)

// The synchronous side of storage; the answers are workerd's.
func TestSyncKV(t *testing.T) {
	checkCalls(t, kitOptions{sqlite: true, sql: true}, []callRow{
		{`s.kv.get("a")`, "undefined"},
		{`s.kv.put("a", { n: [1] })`, "undefined"},
		{`JSON.stringify(s.kv.get("a"))`, `{"n":[1]}`},
		{`s.get("a").then(v => v.n[0])`, "1"},
		{`s.put("b", 2) && s.kv.get("b")`, "2"},
		{`s.kv.delete("a") + " " + s.kv.delete("a") + " " + s.kv.get("a")`, "true false undefined"},
		{`s.kv.put("u", undefined) ?? [...s.kv.list({ prefix: "u" })].join("|")`, "u,"},
		{`s.kv.get()`, "throws TypeError: Failed to execute 'get' on 'SyncKvStorage': parameter 1 is not of type 'string'."},
		{`s.kv.get(Symbol("x"))`, "throws TypeError: Cannot convert a Symbol value to a string"},
		{`s.kv.put("a")`, "throws TypeError: Failed to execute 'put' on 'SyncKvStorage': parameter 2 is not of type 'Value'."},
		{`s.kv.put("a", Symbol("x"))`, "throws DataCloneError: Symbol(x) could not be cloned."},
		{`s.kv.put("x".repeat(16385), 1)`, "throws RangeError: Keys cannot be larger than 16384 bytes. A key of size 16385 was provided."},
		{`s.kv.delete()`, "throws TypeError: Failed to execute 'delete' on 'SyncKvStorage': parameter 1 is not of type 'string'."},
		{`(0, s.kv.get)("a")`, "throws TypeError: Illegal invocation..."},
		{`s.deleteAll().then(() => s.put({ a: 1, b: 2, b1: 3, c: 4 }))`, "undefined"},
		{`[...s.kv.list()].join("|")`, "a,1|b,2|b1,3|c,4"},
		{`[...s.kv.list({ prefix: "b", reverse: true })].join("|")`, "b1,3|b,2"},
		{`[...s.kv.list({ startAfter: "a", limit: 2 })].join("|")`, "b,2|b1,3"},
		{`[...s.kv.list({ start: "c", end: "b" })].length`, "0"},
		{`s.kv.list({ limit: 0 })`, "throws TypeError: List limit must be positive."},
		{`s.kv.list(5)`, "throws TypeError: Failed to execute 'list' on 'SyncKvStorage': parameter 1 is not of type 'ListOptions'."},
		{`s.kv.list({ limit: 0, start: "a", startAfter: "a" })`, "throws TypeError: list() cannot be called with both start and startAfter values."},
		{`Object.prototype.toString.call(s.kv.list()) + s.kv.list()[Symbol.iterator]().constructor.name`, "[object ListIterator]ListIterator"},
		// Only one list goes on at a time, whoever began the other one.
		{`{ const i = s.kv.list(); i.next(); s.kv.list(); return i.next(); }`, "throws Error: kv.list() iterator was invalidated because a new call to kv.list() was started. Only one kv.list() iterator can exist at a time."},
		{`{ const i = s.kv.list(); s.list(); return i.next(); }`, "throws Error: kv.list() iterator was invalidated because a new call to kv.list() was started. Only one kv.list() iterator can exist at a time."},
		{`{ const i = s.kv.list(); [...i]; s.kv.list(); return i.next().done; }`, "true"},
		{`{ const i = s.kv.list(); s.kv.list({ start: "b", end: "a" }); return i.next().value; }`, "a,1"},
		{`{ const i = s.kv.list({ start: "z" }); s.kv.list(); return i.next(); }`, "throws Error: kv.list() iterator was invalidated because a new call to kv.list() was started. Only one kv.list() iterator can exist at a time."},
		// It sees what is written behind it.
		{`{ const out = []; for (const [k] of s.kv.list()) { out.push(k); s.kv.put("bb", 1); s.kv.delete("b1"); } return out.join(); }`, "a,b,bb,c"},
		{`{ const out = []; for (const [k] of s.kv.list({ reverse: true })) { out.push(k); s.kv.delete("bb"); s.kv.put("z", 1); } return out.join(); }`, "c,b,a"},
		{`{ const out = []; for (const [k] of s.kv.list()) { out.push(k); s.kv.delete(k); } return out.join() + [...s.kv.list()]; }`, "a,b,c,z"},
		{`{ s.kv.put("", 0); s.kv.put("a", 1); return [...s.kv.list({ reverse: true })].join("|") }`, "a,1|,0"},
		// Transactions.
		{`s.transaction(async t => { await t.put("t", 1); const seen = s.kv.get("t"); s.kv.put("k", 1); t.rollback(); return seen + " " + s.kv.get("t") + " " + s.kv.get("k"); })`, "1 undefined undefined"},
		{`s.sql.exec()`, "throws TypeError: Failed to execute 'exec' on 'SqlStorage': parameter 1 is not of type 'String'."},
		{`s.sql.exec("SELECT 1")`, "throws Error: storage.sql is not implemented by this server yet. storage.kv and the methods of `storage` itself work."},
	})
}

// What is not there says so in workerd's words.
func TestSyncKVWhereThereIsNone(t *testing.T) {
	const kv = "throws Error: The storage.kv (synchronous KV) API is only available for SQLite-backed Durable Objects, but this object's namespace is not declared to use SQLite. You can use the older, asyncronous interface via methods of `storage` itself (e.g. `storage.get()`). "
	for _, c := range []struct {
		o       kitOptions
		kv, sql string
	}{
		{kitOptions{sqlite: true}, kv + "Alternatively, to enable SQLite, change `new_classes`...", "throws Error: SQL is not enabled for this Durable Object class. To enable it, change `new_classes` to `new_sqlite_classes`..."},
		{kitOptions{sql: true}, kv + "SQLite can be enabled on a new Durable Object class by using the...", "throws Error: This Durable Object is not backed by SQLite storage, so the SQL API is not available...."},
		{kitOptions{}, kv + "SQLite can be enabled...", "throws Error: This Durable Object is not backed by SQLite storage..."},
		{kitOptions{sqlite: true, flags: []string{"experimental"}}, kv + "Alternatively...", "throws Error: storage.sql is not implemented by this server yet...."},
	} {
		checkCalls(t, c.o, []callRow{
			{`s.kv.get("a")`, c.kv}, {`s.kv.put("a", () => 1)`, c.kv}, {`s.kv.delete("a")`, c.kv}, {`s.kv.list({ limit: 0 })`, c.kv},
			{`s.kv.get()`, "throws TypeError: Failed to execute 'get' on 'SyncKvStorage': parameter 1 is not of type 'string'."},
			{`s.sql.exec("SELECT 1")`, c.sql}, {`s.sql.databaseSize`, c.sql},
		})
	}
}

// waiting is a store whose reads may have to wait.
type waiting struct{ storage.Store }

func TestSyncKVNeedsReadsThatDoNotWait(t *testing.T) {
	const text = "throws Error: storage.kv cannot wait for this server's store, whose reads take time. Use the methods of `storage` itself, such as `await storage.get()`."
	checkCalls(t, kitOptions{sqlite: true, sql: true, store: waiting{mem.New()}}, []callRow{
		{`s.kv.get("a")`, text},
		{`s.kv.delete("a")`, text},
		{`s.kv.list()`, text},
		{`s.get("a")`, "undefined"},
		{`s.kv.get("a")`, "undefined"}, // known now
		{`s.kv.put("b", 1)`, "undefined"},
		{`s.kv.get("b")`, "1"},
	})
}

// A long list of large values does not have to be in memory as a whole.
func TestSyncKVListsMoreThanMemoryHolds(t *testing.T) {
	k := newKit(t, `
		export class Obj extends DurableObject {
			async fetch(request) {
				const s = this.ctx.storage;
				if (request.url.endsWith("/put")) {
					for (let i = 0; i < 12; i++) { await s.put("k" + i, new Uint8Array(100_000)); await s.sync(); }
					return new Response("done");
				}
				let n = 0;
				for (const [k, v] of s.kv.list()) n += v.length;
				return new Response(String(n));
			}
		}`, kitOptions{sqlite: true, sql: true, hardBytes: 900_000})
	k.want(k.stub("a"), "/put", "done")
	k.want(k.stub("a"), "/", "1200000")
}
