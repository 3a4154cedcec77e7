package actor_test

import (
	"strings"
	"testing"

	"workerd.local/cache"
)

// TestStorageWrongInput has, for each operation of storage, what it says to arguments
// that it cannot take, and to being called when it must not be. The texts are workerd's.
func TestStorageWrongInput(t *testing.T) {
	const (
		symbol = "TypeError: Cannot convert a Symbol value to a string"
		within = "Error: Cannot call deleteAll() within a transaction"
	)
	bad := func(method, class string, n, kind string) string {
		return "TypeError: Failed to execute '" + method + "' on '" + class + "': parameter " + n + " is not of type '" + kind + "'."
	}
	on := func(method, n, kind string) string { return bad(method, "DurableObjectStorage", n, kind) }
	in := func(method, n, kind string) string { return bad(method, "DurableObjectTransaction", n, kind) }
	engines := map[string]kitOptions{
		"cache":  {keys: cache.ActorLimits(nil)},
		"sqlite": {sqlite: true, sql: true},
	}
	for name, rows := range map[string][]callRow{
		"get": {
			{`s.get()`, "rejects " + on("get", "1", "string or Array")},
			{`s.get(Symbol("x"))`, "rejects " + symbol},
			{`s.get(["a", Symbol("x")])`, "rejects " + symbol},
			{`s.get(["a", { toString() { throw new RangeError("key"); } }])`, "rejects RangeError: key"},
			{`s.get("a", 1)`, "rejects " + on("get", "2", "GetOptions")},
			{`s.get("a", "x")`, "rejects " + on("get", "2", "GetOptions")},
			{`s.get("a", Symbol("x"))`, "rejects " + on("get", "2", "GetOptions")},
			{`s.get(["a"], true)`, "rejects " + on("get", "2", "GetOptions")},
			{`s.get("a", { get noCache() { throw new RangeError("option"); } })`, "rejects RangeError: option"},
			// These are taken for the text that they turn into.
			{`Promise.all([s.get(undefined), s.get(null), s.get(1), s.get({})]).then(v => v.join())`, ",,,"},
			{`s.get([])`, "Map "},
			{`s.get("a", null)`, "undefined"},
		},
		"put": {
			{`s.put()`, "rejects " + on("put", "1", "string or object")},
			{`s.put("a")`, "rejects TypeError: put() called with undefined value."},
			{`s.put("a", undefined)`, "rejects TypeError: put() called with undefined value."},
			{`s.put(undefined, 1).then(() => s.delete("undefined"))`, "true"},
			{`s.put(Symbol("x"), 1)`, "rejects " + symbol},
			{`s.put("a", () => 1)`, "rejects DataCloneError: () => 1 could not be cloned."},
			{`s.put("a", Symbol("x"))`, "rejects DataCloneError: Symbol(x) could not be cloned."},
			{`s.put("a", { get b() { throw new RangeError("getter"); } })`, "rejects RangeError: getter"},
			{`s.put("a", 1, 5)`, "rejects " + on("put", "3", "PutOptions")},
			{`s.put("a", 1, "x")`, "rejects " + on("put", "3", "PutOptions")},
			{`s.put("a", 1, { get allowUnconfirmed() { throw new RangeError("option"); } })`, "rejects RangeError: option"},
			{`s.put({ a: 1 }, 5)`, "rejects TypeError: put() may only be called with a single key-value pair and optional options as put(key, value, options) or with multiple key-value pairs and optional options as put(entries, options)"},
			{`s.put({ a: 1 }, "x")`, "rejects TypeError: put() may only be called with a single key-value pair and optional options as put(key, value, options) or with multiple key-value pairs and optional options as put(entries, options)"},
			{`s.put({ a: 1, b: () => 1, c: 2 })`, "rejects DataCloneError: () => 1 could not be cloned."},
			{`s.put({ a: undefined })`, "undefined"},
			{`s.list()`, "Map "}, // nothing of all this was written
		},
		"delete": {
			{`s.delete()`, "throws " + on("delete", "1", "string or Array")},
			{`s.delete(Symbol("x"))`, "throws " + symbol},
			{`s.put("a", 1)`, "undefined"},
			{`s.delete(["a", Symbol("x")])`, "throws " + symbol},
			{`s.delete("a", 1)`, "throws " + on("delete", "2", "PutOptions")},
			{`s.delete(["a"], { get noCache() { throw new RangeError("option"); } })`, "throws RangeError: option"},
			{`s.delete([])`, "0"},
			{`s.get("a")`, "1"},
		},
		"list": {
			{`s.list(1)`, "rejects " + on("list", "1", "ListOptions")},
			{`s.list("x")`, "rejects " + on("list", "1", "ListOptions")},
			{`s.list(Symbol("x"))`, "rejects " + on("list", "1", "ListOptions")},
			{`s.list({ limit: 0 })`, "rejects TypeError: List limit must be positive."},
			{`s.list({ limit: -1 })`, "rejects TypeError: List limit must be positive."},
			{`s.list({ limit: 0.5 })`, "rejects TypeError: List limit must be positive."},
			{`s.list({ limit: NaN })`, "rejects TypeError: List limit must be positive."},
			{`s.list({ limit: "x" })`, "rejects TypeError: List limit must be positive."},
			{`s.list({ limit: {} })`, "rejects TypeError: List limit must be positive."},
			{`s.list({ limit: 2 ** 31 })`, "rejects TypeError: Value out of range. Must be between -2147483648 and 2147483647 (inclusive)."},
			{`s.list({ limit: 1n })`, "rejects TypeError..."},
			{`s.list({ limit: Symbol("x") })`, "rejects TypeError..."},
			{`s.list({ get limit() { throw new RangeError("limit"); } })`, "rejects RangeError: limit"},
			{`s.list({ start: "a", startAfter: "a" })`, "rejects TypeError: list() cannot be called with both start and startAfter values."},
			{`s.list({ start: "a", startAfter: "a", limit: 0 })`, "rejects TypeError: list() cannot be called with both start and startAfter values."},
			{`s.list({ start: Symbol("x") })`, "rejects " + symbol},
			{`s.list({ startAfter: Symbol("x") })`, "rejects " + symbol},
			{`s.list({ end: Symbol("x") })`, "rejects " + symbol},
			{`s.list({ prefix: Symbol("x") })`, "rejects " + symbol},
			{`s.list({ prefix: { toString() { throw new RangeError("prefix"); } } })`, "rejects RangeError: prefix"},
			{`s.list({ get allowConcurrency() { throw new RangeError("option"); } })`, "rejects RangeError: option"},
			{`s.list({ start: "b", end: "a" })`, "Map "},
			{`s.list(null)`, "Map "},
		},
		"deleteAll and sync": {
			{`s.put("a", 1)`, "undefined"},
			{`s.deleteAll(1)`, "rejects " + on("deleteAll", "1", "PutOptions")},
			{`s.deleteAll("x")`, "rejects " + on("deleteAll", "1", "PutOptions")},
			{`s.deleteAll({ get allowUnconfirmed() { throw new RangeError("option"); } })`, "rejects RangeError: option"},
			{`s.sync(1, 2)`, "undefined"},
			{`s.get("a")`, "1"},
		},
		"alarms": {
			{`s.setAlarm()`, "rejects " + on("setAlarm", "1", "date")},
			{`s.setAlarm(undefined)`, "rejects " + on("setAlarm", "1", "date")},
			{`s.setAlarm(null)`, "rejects " + on("setAlarm", "1", "date")},
			{`s.setAlarm("")`, "rejects " + on("setAlarm", "1", "date")},
			{`s.setAlarm({ valueOf: () => 4e12 })`, "rejects " + on("setAlarm", "1", "date")},
			{`s.setAlarm(true)`, "rejects " + on("setAlarm", "1", "date")},
			{`s.setAlarm(1n)`, "rejects " + on("setAlarm", "1", "date")},
			{`s.setAlarm(Symbol("x"))`, "rejects " + on("setAlarm", "1", "date")},
			{`s.setAlarm(NaN)`, "rejects TypeError: The value cannot be converted because it is not a valid Date."},
			{`s.setAlarm(Infinity)`, "rejects TypeError: The value cannot be converted because it is not a valid Date."},
			{`s.setAlarm(new Date(NaN))`, "rejects TypeError: The value cannot be converted because it is not a valid Date."},
			{`s.setAlarm(0)`, "rejects TypeError: setAlarm() cannot be called with an alarm time <= 0"},
			{`s.setAlarm(new Date(-1))`, "rejects TypeError: setAlarm() cannot be called with an alarm time <= 0"},
			{`s.setAlarm(8.64e15)`, "rejects TypeError: This API doesn't support dates after 2189."},
			{`s.setAlarm(4e12, 5)`, "rejects " + on("setAlarm", "2", "SetAlarmOptions")},
			{`s.getAlarm(5)`, "rejects " + on("getAlarm", "1", "GetAlarmOptions")},
			{`s.deleteAlarm("x")`, "rejects " + on("deleteAlarm", "1", "SetAlarmOptions")},
			{`s.getAlarm()`, "null"},
		},
		"transaction": {
			{`s.transaction()`, "rejects " + on("transaction", "1", "function")},
			{`s.transaction(null)`, "rejects " + on("transaction", "1", "function")},
			{`s.transaction({})`, "rejects " + on("transaction", "1", "function")},
			{`s.transaction(() => 1, 5)`, "rejects " + on("transaction", "2", "TransactionOptions")},
			{`s.transaction(() => { throw undefined; }).catch(e => "threw " + e)`, "threw undefined"},
		},
		"within a transaction": {
			{`s.transaction(t => t.get())`, "rejects " + in("get", "1", "string or Array")},
			{`s.transaction(t => t.get("a", 1))`, "rejects " + in("get", "2", "GetOptions")},
			{`s.transaction(t => t.put())`, "rejects " + in("put", "1", "string or object")},
			{`s.transaction(t => t.put("a"))`, "rejects TypeError: put() called with undefined value."},
			{`s.transaction(t => t.put({ a: 1, b: () => 1 }))`, "rejects DataCloneError: () => 1 could not be cloned."},
			{`s.transaction(t => t.delete())`, "rejects " + in("delete", "1", "string or Array")},
			{`s.transaction(t => t.list({ limit: 0 }))`, "rejects TypeError: List limit must be positive."},
			{`s.transaction(t => t.list({ start: "a", startAfter: "a" }))`, "rejects TypeError: list() cannot be called with both start and startAfter values."},
			{`s.transaction(t => t.setAlarm("x"))`, "rejects " + in("setAlarm", "1", "date")},
			{`s.transaction(t => t.setAlarm(-1))`, "rejects TypeError: setAlarm() cannot be called with an alarm time <= 0"},
			{`s.transaction(t => t.deleteAll())`, "rejects " + within},
			{`s.list()`, "Map "},
		},
		"a transaction that was rolled back": overRows(`async t => { t.rollback(); return t; }`, "Cannot ", " on rolled back transaction", false),
		"a transaction that has committed":   overRows(`async t => t`, "Cannot call ", " "+notOpen, true),
		"a transaction whose callback threw": overRows(`async t => { throw t; }`, "Cannot ", " on rolled back transaction", false),
		"after deleteAll": {
			{`s.put({ a: 1, b: 2 }).then(() => s.setAlarm(4e12))`, "undefined"},
			{`{ s.deleteAll(); return Promise.all([s.get("a"), s.delete("b"), s.list()]).then(([a, b, l]) => a + " " + b + " " + l.size); }`, "undefined false 0"},
			{`s.deleteAll().then(() => s.deleteAll())`, "undefined"},
			{`s.put("c", 3).then(() => s.list())`, "Map c,3"},
			{`s.transaction(t => t.put("d", 4)).then(() => s.list())`, "Map c,3,d,4"},
			{`s.sync().then(() => s.list())`, "Map c,3,d,4"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for engine, o := range engines {
				t.Run(engine, func(t *testing.T) { checkCalls(t, o, rows) })
			}
		})
	}
}

// overRows are the operations of a transaction that is over: its callback returns or
// throws it.
func overRows(callback, before, after string, committed bool) []callRow {
	var rows []callRow
	for _, op := range []struct{ call, name string }{
		{`get("a")`, "get()"}, {`get(["a"])`, "get()"}, {`put("a", 1)`, "put()"}, {`put({ a: 1 })`, "put()"}, {`delete("a")`, "delete()"}, {`delete(["a"])`, "delete()"},
		{`list()`, "list()"}, {`getAlarm()`, "getAlarm()"}, {`setAlarm(4e12)`, "setAlarm()"}, {`deleteAlarm()`, "deleteAlarm()"},
	} {
		rows = append(rows, callRow{`s.transaction(` + callback + `).catch(t => t).then(t => t.` + op.call + `)`, "rejects Error: " + before + op.name + after})
	}
	again := "undefined" // a second rollback is fine
	if committed {
		again = "rejects Error: Cannot call rollback() " + notOpen
	}
	return append(rows,
		callRow{`s.transaction(` + callback + `).catch(t => t).then(t => t.rollback())`, again},
		callRow{`s.transaction(` + callback + `).catch(t => t).then(t => t.deleteAll())`, "rejects Error: Cannot call deleteAll() within a transaction"},
		callRow{`s.list().then(async l => l.size + " " + await s.getAlarm())`, "0 null"},
	)
}

// What is too large is a RangeError that names the limit; a call of which one part is too
// large does nothing.
func TestStorageRefusesWhatIsTooLarge(t *testing.T) {
	const many = "RangeError: Maximum number of key value pairs is 128. 129 pairs were provided."
	key := func(limit, n string) string {
		return "RangeError: Keys cannot be larger than " + limit + " bytes. A key of size " + n + " was provided."
	}
	for name, c := range map[string]struct {
		o    kitOptions
		rows []callRow
	}{
		"key of get": {kitOptions{keys: cache.ActorLimits(nil)}, []callRow{
			{`s.get("x".repeat(2049))`, "rejects " + key("2048", "2049")},
			{`s.get("x".repeat(2048))`, "undefined"},
			{`s.get("\u20ac".repeat(683))`, "rejects " + key("2048", "2049")}, // bytes count, not characters
			{`s.get(["x".repeat(2049)])`, "Map "},
		}},
		"keys of get": {kitOptions{keys: cache.ActorLimits(nil)}, []callRow{
			{`s.get(Array(129).fill("a"))`, "rejects " + many},
			{`s.get(Array(128).fill("a"))`, "Map "},
			{`s.transaction(t => t.get(Array(129).fill("a")))`, "rejects " + many},
		}},
		"key of put": {kitOptions{keys: cache.ActorLimits(nil)}, []callRow{
			{`s.put("x".repeat(2049), 1)`, "rejects " + key("2048", "2049")},
			{`s.put({ a: 1, ["x".repeat(2049)]: 1 })`, "rejects " + key("2048", "2049")},
			{`s.list()`, "Map "},
			{`s.put("x".repeat(2048), 1)`, "undefined"},
		}},
		"value of put": {kitOptions{keys: cache.ActorLimits(nil)}, []callRow{
			{`s.put("a", new Uint8Array(140000))`, "rejects RangeError: Values cannot be larger than 131072 bytes. A value of size 140013 was provided."},
			{`s.put({ a: 1, b: new Uint8Array(140000) })`, "rejects RangeError: Values cannot be larger than 131072 bytes. A value of size 140013 was provided."},
			{`s.list()`, "Map "},
			{`s.put("a", new Uint8Array(131072))`, "undefined"},
		}},
		"key of delete": {kitOptions{keys: cache.ActorLimits(nil)}, []callRow{
			{`s.put("a", 1)`, "undefined"},
			{`s.delete("x".repeat(2049))`, "throws " + key("2048", "2049")},
			{`s.delete(["a", "x".repeat(2049)])`, "throws " + key("2048", "2049")},
			{`s.get("a")`, "1"},
			{`s.delete(Array.from({ length: 129 }, (_, i) => "k" + i))`, "0"}, // no limit of their number
		}},
		"over SQLite": {kitOptions{sqlite: true, sql: true}, []callRow{
			{`s.put("x".repeat(16385), 1)`, "rejects " + key("16384", "16385")},
			{`s.put({ a: 1, ["x".repeat(16385)]: 1 })`, "rejects " + key("16384", "16385")},
			{`s.get("x".repeat(16385))`, "rejects " + key("16384", "16385")},
			{`s.delete("x".repeat(16385))`, "throws " + key("16384", "16385")},
			{`s.transaction(t => t.put("x".repeat(16385), 1))`, "rejects " + key("16384", "16385")},
			{`s.kv.put("x".repeat(16385), 1)`, "throws " + key("16384", "16385")},
			{`s.kv.get("x".repeat(16385))`, "throws " + key("16384", "16385")},
			{`s.kv.delete("x".repeat(16385))`, "throws " + key("16384", "16385")},
			{`s.list()`, "Map "},
		}},
		"value by a limit of the server": {kitOptions{sqlite: true, sql: true, bounds: []string{"storage.value=128KiB"}}, []callRow{
			{`s.put("a", new Uint8Array(140000))`, "rejects RangeError: Values cannot be larger than 131072 bytes. A value of size 140013 was provided."},
			{`s.transaction(t => t.put("a", new Uint8Array(140000)))`, "rejects RangeError: Values cannot be larger than 131072 bytes. A value of size 140013 was provided."},
			{`s.kv.put("a", new Uint8Array(140000))`, "throws RangeError: Values cannot be larger than 131072 bytes. A value of size 140013 was provided."},
			{`s.list()`, "Map "},
		}},
	} {
		t.Run(name, func(t *testing.T) { checkCalls(t, c.o, c.rows) })
	}
}

// A class without alarm() cannot set one; it may ask for it and clear it.
func TestSetAlarmNeedsAHandler(t *testing.T) {
	k := newKit(t, `
		export class Obj extends DurableObject {
			async fetch() {
				const s = this.ctx.storage, text = e => e.name + ": " + e.message;
				return new Response([
					await s.setAlarm(4e12).catch(text), await s.transaction(t => t.setAlarm(4e12)).catch(text), await s.setAlarm("x").catch(text),
					await s.getAlarm(), await s.deleteAlarm(),
				].join("|"));
			}
		}`, kitOptions{})
	const none = "TypeError: Your Durable Object class must have an alarm() handler in order to call setAlarm()"
	k.want(k.stub("a"), "/", none+"|"+none+"|TypeError: Failed to execute 'setAlarm' on 'DurableObjectStorage': parameter 1 is not of type 'date'.||")
}

// The storage of an object that was reset is not that of the object that comes after
// it, although the id is the same.
func TestStorageOfAnAbortedObject(t *testing.T) {
	for name, o := range map[string]kitOptions{"cache": {}, "sqlite": {sqlite: true, sql: true}} {
		t.Run(name, func(t *testing.T) {
			k := newKit(t, `
				let kept, txn;
				const fail = f => { try { return f(); } catch (e) { return Promise.reject(e); } };
				export class Obj extends DurableObject {
					async fetch(request) {
						const s = this.ctx.storage;
						if (request.url.endsWith("/abort")) {
							kept = s;
							await s.transaction(async t => { txn = t; });
							await s.put("kept", 1);
							await s.sync();
							s.put("lost", 1);
							this.ctx.abort("enough");
						}
						const out = [];
						for (const f of [() => kept.get("a"), () => kept.get(["a"]), () => kept.put("a", 1), () => kept.put({ a: 1 }), () => kept.delete("a"), () => kept.list(), () => kept.deleteAll(),
							() => kept.sync(), () => kept.transaction(() => 1), () => kept.getAlarm(), () => kept.setAlarm(4e12), () => kept.deleteAlarm(), () => kept.kv.get("a"), () => kept.kv.put("a", 1), () => kept.transactionSync(() => 1)])
							out.push(await fail(f).then(() => "no", e => e.name + ": " + e.message));
						return new Response([...new Set(out)].join("|") + " " + [...await s.list()]);
					}
					alarm() {}
				}`, o)
			k.want(k.stub("a"), "/abort", "Error: enough")
			got := ask(t, k.stub("a"), "/")
			if want := "Error: Cannot perform I/O on behalf of a different Durable Object."; !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "(I/O type: ActorCacheInterface) kept,1") || strings.Contains(got, "|") {
				t.Errorf("got %s", got)
			}
		})
	}
}
