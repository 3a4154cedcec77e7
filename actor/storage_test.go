package actor_test

import (
	"strings"
	"testing"
)

// TestArguments asks for wrong and odd arguments; the answers are workerd's, which
// conformance/differential compares with the program itself.
func TestArguments(t *testing.T) {
	rows := []callRow{
		{`s.get()`, "rejects TypeError: Failed to execute 'get' on 'DurableObjectStorage': parameter 1 is not of type 'string or Array'."},
		{`s.get("a", 1)`, "rejects TypeError: Failed to execute 'get' on 'DurableObjectStorage': parameter 2 is not of type 'GetOptions'."},
		{`s.get("a", null)`, "undefined"},
		{`s.get([, "a"])`, "Map "},
		{`s.get(new Proxy(["a"], {}))`, "undefined"},
		{`s.get(["a", Symbol("x")])`, "rejects TypeError: Cannot convert a Symbol value to a string"},
		{`s.get({ toString() { throw new RangeError("no text"); } })`, "rejects RangeError: no text"},
		{`s.put([], 1).then(() => s.get(""))`, "1"},
		{`s.put(["x", "y"])`, "rejects TypeError: put() called with undefined value."},
		{`s.put({ a: 1 }, 5)`, "rejects TypeError: put() may only be called with a single key-value pair and optional options as put(key, value, options) or with multiple key-value pairs and optional options as put(entries, options)"},
		{`s.put("a", 1, "x")`, "rejects TypeError: Failed to execute 'put' on 'DurableObjectStorage': parameter 3 is not of type 'PutOptions'."},
		{`s.put({ p: 1, get q() { throw new RangeError("getter"); } })`, "rejects RangeError: getter"},
		{`s.put("p", { get q() { throw new RangeError("getter"); } })`, "rejects RangeError: getter"},
		{`s.put("p", new Proxy({}, { ownKeys() { throw new RangeError("trap"); } }))`, "rejects DataCloneError: #<Object> could not be cloned."},
		{`s.put(new Proxy({ p: 1 }, { ownKeys() { throw new RangeError("trap"); } }))`, "rejects RangeError: trap"},
		{`s.list({ prefix: "p" })`, "Map "},
		{`s.put("w", 1, { get noCache() { throw new RangeError("option"); } })`, "rejects RangeError: option"},
		{`s.put({ a: 1, get b() { s.put("inside", 1); return 2; } }).then(() => s.list({ start: "a", end: "j" }))`, "Map a,1,b,2,inside,1"},
		{`s.delete()`, "throws TypeError: Failed to execute 'delete' on 'DurableObjectStorage': parameter 1 is not of type 'string or Array'."},
		{`s.delete("a", 1)`, "throws TypeError: Failed to execute 'delete' on 'DurableObjectStorage': parameter 2 is not of type 'PutOptions'."},
		{`s.get.call({}, "a")`, "throws TypeError: Illegal invocation..."},
		{`s.list(1)`, "rejects TypeError: Failed to execute 'list' on 'DurableObjectStorage': parameter 1 is not of type 'ListOptions'."},
		{`s.list({ limit: null })`, "rejects TypeError: List limit must be positive."},
		{`s.list({ limit: Infinity })`, "rejects TypeError: List limit must be positive."},
		{`s.list({ limit: 2 ** 31 })`, "rejects TypeError: Value out of range. Must be between -2147483648 and 2147483647 (inclusive)."},
		{`s.list({ limit: 1.9, start: "a" })`, "Map a,1"},
		{`s.list({ prefix: null })`, "Map "},
		{`s.setAlarm("4000000000000")`, "rejects TypeError: Failed to execute 'setAlarm' on 'DurableObjectStorage': parameter 1 is not of type 'date'."},
		{`s.setAlarm(new Date(NaN))`, "rejects TypeError: The value cannot be converted because it is not a valid Date."},
		{`s.setAlarm(NaN)`, "rejects TypeError: The value cannot be converted because it is not a valid Date."},
		{`s.setAlarm(8e15)`, "rejects TypeError: This API doesn't support dates after 2189."},
		{`s.setAlarm(0)`, "rejects TypeError: setAlarm() cannot be called with an alarm time <= 0"},
		{`s.setAlarm(new Date(4e12)).then(() => s.getAlarm())`, "4000000000000"},
		{`s.transaction(() => 1, 5)`, "rejects TypeError: Failed to execute 'transaction' on 'DurableObjectStorage': parameter 2 is not of type 'TransactionOptions'."},
		{`s.transaction(t => t.deleteAll())`, "rejects Error: Cannot call deleteAll() within a transaction"},
		{`s.transaction(function () { return this === globalThis; })`, "true"},
		{`ctx.blockConcurrencyWhile(5)`, "rejects TypeError: Failed to execute 'blockConcurrencyWhile' on 'DurableObjectState': parameter 1 is not of type 'function'."},
		{`ctx.blockConcurrencyWhile(function () { return this === globalThis; })`, "true"},
		{`ctx.waitUntil()`, "throws TypeError: Failed to execute 'waitUntil' on 'DurableObjectState': parameter 1 is not of type 'Promise'."},
		{`Object.keys(ctx).join()`, "facets,container,storage,id,props,exports"},
		{`JSON.stringify(ctx.id)`, `{"name":"a"}`},
		{`typeof DurableObjectId`, "undefined"},
	}
	checkCalls(t, kitOptions{}, rows)
}

// callRow is a call with s, the storage, and ctx, and what it gives.
type callRow struct{ call, want string }

// checkCalls makes all the calls in one actor, one after the other.
func checkCalls(t *testing.T, o kitOptions, rows []callRow) {
	t.Helper()
	var calls []string
	for _, r := range rows {
		calls = append(calls, "() => "+r.call)
	}
	k := newKit(t, `
		const show = v => v instanceof Map ? "Map " + [...v].join() : String(v);
		export class Obj extends DurableObject {
			async fetch() {
				const ctx = this.ctx, s = ctx.storage, out = [];
				for (const call of [`+strings.Join(calls, ",\n")+`]) {
					let p;
					try {
						p = call();
					} catch (e) {
						out.push("throws " + e.name + ": " + e.message);
						continue;
					}
					out.push(await Promise.resolve(p).then(show, e => "rejects " + e.name + ": " + e.message));
				}
				return new Response(out.join("\n"));
			}
			alarm() {}
		}`, o)
	got := strings.Split(ask(t, k.stub("a"), "/"), "\n")
	if len(got) != len(rows) {
		t.Fatalf("%d answers:\n%s", len(got), strings.Join(got, "\n"))
	}
	for i, r := range rows {
		if got[i] != r.want && !(strings.HasSuffix(r.want, "...") && strings.HasPrefix(got[i], strings.TrimSuffix(r.want, "..."))) {
			t.Errorf("%s\n\t%s\nwant\n\t%s", r.call, got[i], r.want)
		}
	}
}

// Direct calls while a transaction is open: workerd's two engines differ.
func TestTransactionsAndDirectCalls(t *testing.T) {
	const source = `
		export class Obj extends DurableObject {
			async fetch() {
				const s = this.ctx.storage;
				await s.transaction(async txn => { await txn.put("in", 1); await s.put("direct", 1); txn.rollback(); });
				await s.transaction(async txn => {
					await s.transaction(async inner => { await inner.put("nested", 1); });
					throw new Error("outer");
				}).catch(() => {});
				const seen = await s.transaction(async txn => { await txn.put("seen", 1); return s.get("seen"); });
				return new Response([...(await s.list()).keys()].join() + " " + seen);
			}
		}`
	for shared, want := range map[bool]string{false: "direct,nested,seen undefined", true: "seen 1"} {
		k := newKit(t, source, kitOptions{sqlite: shared})
		k.want(k.stub("a"), "/", want)
	}
}
