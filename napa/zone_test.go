package napa

import (
	"testing"
	"time"
)

// moduleFiles are the modules of the tests of zones.
var moduleFiles = map[string]string{
	"/program/lib/work.js": `
		exports.echo = (x) => x;
		exports.deep = { er: { echo: (x) => [x] } };
		exports.where = () => [require("napajs").zone.current.id, __filename];
		exports.relay = (zone, ...args) => require("napajs").zone.get(zone).execute(...args).then((r) => r.value);
		exports.tell = (zone, ...args) => require("napajs").zone.get(zone).broadcast(...args);
		exports.tellSync = (zone, ...args) => require("napajs").zone.get(zone).broadcastSync(...args);
		exports.makeZone = (id, settings) => require("napajs").zone.create(id, settings);
		exports.getZone = (id) => require("napajs").zone.get(id);
		exports.text = "not a function";`,
	"/program/lib/main.js":    `module.exports = (x) => x + "!";`,
	"/program/lib/broken.js":  `throw new TypeError("broken at load");`,
	"/program/lib/nothing.js": `module.exports = null;`,
}

func TestZonesAreFoundByTheirIDs(t *testing.T) {
	k := newKit(t, moduleFiles)
	k.want(`
		const one = napa.zone.create("one"), two = napa.zone.create("two", { workers: 1, maxOldSpaceSize: 10 });
		const work = (zone, ...args) => zone.execute("./lib/work", ...args).then((r) => r.value, (e) => e);
		return JSON.stringify([
			one, one.id, napa.zone.get("two"), napa.zone.node, napa.zone.current, napa.zone.get("node").id,
			await work(one, "where"), await work(napa.zone.node, "where"),
			await work(one, "makeZone", ["three"]), napa.zone.get("three").id, await work(one, "getZone", ["two"]), await work(one, "getZone", ["node"]),
			await work(one, "makeZone", ["two"]), await work(one, "getZone", ["none"]),
			await work(one, "makeZone", ["four", { workers: 0 }]),
		]);`, `[{"id":"one","type":"napa"},"one",{"id":"two","type":"napa"},{"id":"node","type":"node"},{"id":"node","type":"node"},"node",`+
		`["one","/program/lib/work.js"],["node","/program/lib/work.js"],`+
		`{"id":"three","type":"napa"},"three",{"id":"two","type":"napa"},{"id":"node","type":"node"},`+
		`"Error: Failed to initialize zone with id \"two\": a zone with this id exists already.","Error: No zone exists for id 'none'","Error: The number of workers must be greater than 0"]`)
}

func TestZoneSettingsAreChecked(t *testing.T) {
	k := newKit(t, nil, "napa.workers=3", "napa.zones=2")
	for source, want := range map[string]string{
		`napa.zone.create()`:                              `TypeError: Failed to execute 'create' on 'ServiceWorkerGlobalScope': parameter 1 is not of type 'string'.`,
		`napa.zone.create("node")`:                        `Error: Failed to initialize zone with id "node": a zone with this id exists already.`,
		`napa.zone.create("a", 1)`:                        `TypeError: Failed to execute 'create' on 'ServiceWorkerGlobalScope': parameter 2 is not of type 'ZoneSettings'.`,
		`napa.zone.create("a", { workers: 0 })`:           `Error: The number of workers must be greater than 0`,
		`napa.zone.create("a", { workers: -1 })`:          `TypeError: Incorrect type for the 'workers' field on 'ZoneSettings': the provided value is not of type 'uint32'.`,
		`napa.zone.create("a", { workers: 1.5 })`:         `TypeError: Incorrect type for the 'workers' field on 'ZoneSettings': the provided value is not of type 'uint32'.`,
		`napa.zone.create("a", { workers: 4 })`:           `RangeError: A zone cannot have more than 3 workers.`,
		`napa.zone.create("a", { maxOldSpaceSize: "x" })`: `TypeError: Incorrect type for the 'maxOldSpaceSize' field on 'ZoneSettings': the provided value is not of type 'uint32'.`,
		`napa.zone.get("x")`:                              `Error: No zone exists for id 'x'`,
		`napa.zone.get(1)`:                                `TypeError: Failed to execute 'get' on 'ServiceWorkerGlobalScope': parameter 1 is not of type 'string'.`,
		`napa.zone.node.recycle()`:                        `Error: The node zone cannot be recycled.`,
	} {
		k.wantError(source, want)
	}
	k.wantError(`for (let i = 0; i < 9; i++) napa.zone.create("z" + i, { workers: 1 })`, `RangeError: A program cannot have more than 2 zones.`)
}

func TestBroadcastReachesEveryWorker(t *testing.T) {
	k := newKit(t, moduleFiles)
	k.want(`
		const z = napa.zone.create("z", { workers: 3 }), y = napa.zone.create("y", { workers: 1 });
		const fails = (p) => p.then((v) => "resolved " + v, (e) => typeof e + " " + e);
		const count = napa.store.create("count"); count.set("n", 0);
		globalThis.lock = napa.sync.createLock(); count.set("lock", lock);
		const out = [
			await z.broadcast("var state = 1;"),
			await z.broadcast((by) => {
				const s = napa.store.get("count");
				return s.get("lock").guardSync(() => { state += by; s.set("n", s.get("n") + state); });
			}, [4]),
			count.get("n"),
			(await z.execute("", "eval", ["state"])).value,
			await fails(z.broadcast("var state() = 0;")), await fails(z.broadcast("throw new RangeError('bad')")), await fails(z.broadcast("throw 7")),
			await fails(z.broadcast(async () => { await null; throw new Error("later"); })),
			await fails(z.broadcast(() => count.get("n"))),
			await fails(napa.zone.node.broadcast("var onNode = 5;")), onNode,
			await fails(napa.zone.node.broadcast("throw new Error('node')")),
		];
		for (const [from, to] of [[z, "y"], [z, "z"], [z, "node"]]) {
			out.push(await fails(from.execute("./lib/work", "tell", [to, "var told = (globalThis.told || 0) + 1"])).then((s) => s.slice(0, 8)));
			out.push(await fails(from.execute("./lib/work", "tell", [to, "throw new Error('no')"])));
		}
		out.push((await y.execute("", "eval", ["told"])).value, (await z.execute("", "eval", ["told"])).value, told);
		return JSON.stringify(out);`,
		`[null,null,15,5,"string SyntaxError: Expected \";\" but found \"(\"","string RangeError: bad","string 7","string Error: later","string ReferenceError: count is not defined",`+
			`"resolved undefined",5,"string Error: node",`+
			`"resolved","string Error: no","resolved","string Error: no","resolved","string Error: no",1,1,1]`)
	for source, want := range map[string]string{
		`napa.zone.get("z").broadcast((a) => a, [napa.memory.crtAllocator])`: `Error: Cannot transport type "AllocatorWrap" without a transport context.`,
		`napa.zone.get("z").broadcast((a) => a, [new Uint8Array(1)])`:        `Error: Cannot transport type "SharedPtrWrap" without a transport context.`,
		`napa.zone.get("z").broadcast(1)`:                                    `TypeError: Failed to execute 'broadcast' on 'Zone': parameter 1 is not of type 'function or string'.`,
		`napa.zone.get("z").broadcast((a) => a, 1)`:                          `TypeError: Failed to execute 'broadcast' on 'Zone': parameter 2 is not of type 'Array'.`,
	} {
		k.wantError(source, want)
	}
}

// One worker that fails is enough, whichever ends first.
func TestBroadcastFailsWithOneWorker(t *testing.T) {
	k := newKit(t, nil)
	k.want(`
		const z = napa.zone.create("z", { workers: 3 }), s = napa.store.create("s");
		globalThis.lock = napa.sync.createLock(); s.set("lock", lock);
		const only = (n) => { s.set("n", 0); return z.broadcast(async (n) => {
			const s = napa.store.get("s"), me = s.get("lock").guardSync(() => { s.set("n", s.get("n") + 1); return s.get("n"); });
			if (me !== n) return;
			if (n === 1) await new Promise((r) => setTimeout(r, 30));
			throw new Error("number " + n);
		}, [n]).then(String, (e) => e + " of " + s.get("n")); };
		const sync = (() => { s.set("n", 0); try { z.broadcastSync(() => { const s = napa.store.get("s"); if (s.get("lock").guardSync(() => { s.set("n", s.get("n") + 1); return s.get("n"); }) === 2) throw "second"; }); } catch (e) { return String(e); } })();
		return JSON.stringify([await only(1), await only(2), await only(3), await only(4), sync]);`,
		`["Error: number 1 of 3","Error: number 2 of 3","Error: number 3 of 3","undefined","Error: second"]`)
}

// A worker that waits for a promise does other calls meanwhile.
func TestWorkerThatWaitsIsFree(t *testing.T) {
	k := newKit(t, nil)
	k.want(`
		const z = napa.zone.create("z", { workers: 1 }), order = [];
		const told = (name) => (r) => order.push(name + " " + r.value);
		await Promise.all([
			z.execute(() => new Promise((resolve) => { globalThis.go = resolve; })).then(told("waits")),
			z.execute(() => 1).then(told("other")),
			z.broadcast(() => { globalThis.told = true; }).then(() => order.push("broadcast")),
			new Promise((r) => setTimeout(r, 30)).then(() => z.execute(() => { go(told); return 2; })).then(told("releases")),
		]);
		return order.slice(0, 2).sort() + " " + order.slice(2).sort();`, `broadcast,other 1 releases 2,waits true`)
}

func TestValuesThatCannotTravel(t *testing.T) {
	k := newKit(t, nil)
	k.want(`
		const z = napa.zone.create("z", { workers: 1 });
		const cycle = {}; cycle.list = [cycle];
		const bad = { map: new Map, bigint: 1n, getter: { get x() { throw new RangeError("getter"); } }, cycle, deep: { list: [new (class D {})] }, weak: new WeakMap, promise: Promise.resolve(),
			view: new DataView(new ArrayBuffer(1)), proxy: new Proxy({}, { ownKeys() { throw new RangeError("trap"); } }), json: { toJSON() { throw new RangeError("toJSON"); } },
			own: new (class A { cid() { return "a"; } marshall() { throw new RangeError("marshall"); } }), half: new (class B { cid() { return "b"; } }) };
		const said = (e) => String(e).split("\n")[0], thrown = [], rejected = [];
		for (const name in bad) {
			try { z.execute(() => 1, [bad[name]]); thrown.push(name + " was taken"); } catch (e) { thrown.push(said(e)); }
		}
		for (const source of ["new Map", "1n", "({ get x() { throw new RangeError('getter') } })", "(() => { const o = {}; o.o = o; return o })()", "new WeakMap", "new Error('e')", "({ toJSON() { throw 7 } })",
			"new Proxy({}, { getPrototypeOf() { throw new RangeError('trap') } })", "(function* () {})()"])
			rejected.push(await z.execute((s) => eval(s), [source]).then((r) => source + " was taken", said));
		return [...thrown, ...rejected, (await z.execute(() => "goes on")).value].join("\n");`,
		`Error: Object type "Map" is not transportable.
TypeError: Do not know how to serialize a BigInt
RangeError: getter
TypeError: Converting circular structure to JSON
Error: Object type "D" is not transportable.
Error: Object type "WeakMap" is not transportable.
Error: Object type "Promise" is not transportable.
Error: Object type "DataView" is not transportable.
RangeError: trap
RangeError: toJSON
RangeError: marshall
TypeError: Objects of the class "B" have a cid, and marshall is not a function.
Error: Object type "Map" is not transportable.
TypeError: Do not know how to serialize a BigInt
RangeError: getter
TypeError: Converting circular structure to JSON
Error: Object type "WeakMap" is not transportable.
Error: Object type "Error" is not transportable.
7
RangeError: trap
Error: Object type "" is not transportable.
goes on`)
}

func TestBroadcastSyncWaits(t *testing.T) {
	k := newKit(t, moduleFiles)
	k.want(`
		const z = napa.zone.create("z", { workers: 2 }), y = napa.zone.create("y", { workers: 1 });
		const fails = (f) => { try { return "returned " + f(); } catch (e) { return String(e); } };
		const from = (zone, ...args) => zone.execute("./lib/work", ...args).then((r) => "resolved " + r.value, String);
		return JSON.stringify([
			fails(() => z.broadcastSync("var a = 1")),
			fails(() => z.broadcastSync(async (n) => { await new Promise((r) => setTimeout(r, 20)); globalThis.a = n; }, [2])),
			(await z.execute("", "eval", ["a"])).value,
			fails(() => z.broadcastSync("throw new Error('x')")),
			fails(() => napa.zone.node.broadcastSync("1")),
			await from(z, "tellSync", ["y", "var b = 1"]), await from(z, "tellSync", ["z", "1"]), await from(z, "tellSync", ["y", "throw 1"]), await from(z, "tellSync", ["node", "var c = 3"]), c,
			z.executeSync((x) => x * 2, [4]).value, fails(() => z.executeSync("", "none")), fails(() => napa.zone.current.executeSync("", "eval", ["1"])),
		]);`, `["returned undefined","returned undefined",2,"Error: Error: x","Error: Cannot call `+"`broadcastSync`"+` on current zone.",`+
		`"resolved undefined","Error: Cannot call `+"`broadcastSync`"+` on current zone.","Error: 1","resolved undefined",3,`+
		`8,"Error: Error: Cannot find function 'none' in module ''","Error: Cannot call `+"`executeSync`"+` on current zone."]`)
}

func TestWaitingInACircleFails(t *testing.T) {
	k := newKit(t, moduleFiles)
	k.want(`
		const z = napa.zone.create("z", { workers: 1 }), y = napa.zone.create("y", { workers: 1 });
		const told = await z.execute(() => {
			napa.zone.get("y").broadcastSync(() => {
				try { napa.zone.get("z").broadcastSync("1"); } catch (e) { napa.store.getOrCreate("seen").set("e", String(e)); globalThis.s = napa.store.get("seen"); }
			});
			return napa.store.get("seen").get("e");
		});
		const lock = napa.sync.createLock();
		const locked = await z.execute((lock) => lock.guardSync(() => {
			const r = napa.zone.get("y").executeSync((lock) => { try { return lock.guardSync(() => 1); } catch (e) { return String(e); } }, [lock]);
			return r.value;
		}), [lock]);
		return JSON.stringify([told.value, locked.value]);`,
		`["Error: Waiting here would never end: what is waited for waits for this thread.","Error: Waiting here would never end: what is waited for waits for this thread."]`)
}

func TestExecuteFindsFunctions(t *testing.T) {
	k := newKit(t, moduleFiles)
	k.want(`
		napa.zone.create("napa", { workers: 2 }); napa.zone.create("other", { workers: 1 });
		const out = [];
		for (const id of ["napa", "other", "node"]) {
			await napa.zone.get(id).broadcast("function foo(x) { return x } var ns1 = { ns2: { foo: (x) => [x] } };");
		}
		for (const id of ["napa", "node"]) {
			const z = napa.zone.get(id);
			const run = (...args) => z.execute(...args).then((r) => r.value, (e) => "! " + e);
			out.push([
				await run("", "foo", ["a"]), await run(null, "foo", ["b"]), await run(undefined, "ns1.ns2.foo", ["c"]), await run("", "foo1"), await run("", "ns1.ns3.foo"), await run("", "ns1"),
				await run("./lib/work", "echo", ["d"]), await run("/program/lib/work.js", "deep.er.echo", ["e"]), await run("./lib/main", "", ["f"]), await run("lib/main", null, ["g"]),
				(await run("./lib/none", "x")).slice(0, 23), await run("./lib/work", "none"), await run("./lib/work", "text"), await run("./lib/broken", "x"), await run("./lib/nothing", "x"),
				await run((a, b) => a + b, ["жя", "😀"]), await run(async (x) => { await null; return x; }, [1]), await run(() => undefined), await run(() => new Map), await run(() => { throw null }),
				await run(() => { throw { toString() { throw 1 } } }), await run(() => Promise.reject("why")), await run(() => ({ then(f) { f("thenable") } })),
				await run("./lib/work", "relay", ["other", "", "foo", ["h"]]), await run("./lib/work", "relay", ["node", "/program/lib/work", "echo", ["i"]]),
				await run(() => napa.zone.current.id),
			]);
		}
		const [a, b] = out.map((l) => JSON.stringify(l.slice(0, -1)));
		return out[0].pop() + out[1].pop() + (a === b) + "\n" + a;`,
		`napanodetrue
["a","b",["c"],"! Error: Cannot find function 'foo1' in module ''","! Error: Cannot find function 'ns1.ns3.foo' in module ''","! Error: 'ns1' in module '' is not a function",`+
			`"d",["e"],"f!","g!",`+
			`"! Error: internal error","! Error: Cannot find function 'none' in module '/program/lib/work'","! Error: 'text' in module '/program/lib/work' is not a function","! TypeError: broken at load","! Error: Cannot load module \"/program/lib/nothing\".",`+
			`"жя😀",1,null,"! Error: Object type \"Map\" is not transportable.","! null","! an error that cannot be converted to a string","! why","thenable","h","i"]`)
	for source, want := range map[string]string{
		`napa.zone.get("napa").execute(1, "x")`:                        `TypeError: Failed to execute 'execute' on 'Zone': parameter 1 is not of type 'function or string'.`,
		`napa.zone.get("napa").execute("", 1)`:                         `TypeError: Failed to execute 'execute' on 'Zone': parameter 2 is not of type 'string'.`,
		`napa.zone.get("napa").execute("", "foo", 1)`:                  `TypeError: Failed to execute 'execute' on 'Zone': parameter 3 is not of type 'Array'.`,
		`napa.zone.get("napa").execute(() => 1, [], { timeout: -1 })`:  `TypeError: Failed to execute 'execute' on 'Zone': the timeout must be 0 or a number of milliseconds.`,
		`napa.zone.get("napa").execute(() => 1, [], { transport: 2 })`: `TypeError: Failed to execute 'execute' on 'Zone': there is no TransportOption 2.`,
		`napa.zone.get("napa").execute(() => 1, [new Map])`:            `Error: Object type "Map" is not transportable.`,
	} {
		k.wantError(source, want)
	}
}

func TestResultsAreReadWhenTheyAreWanted(t *testing.T) {
	k := newKit(t, nil)
	k.want(`
		const z = napa.zone.create("z", { workers: 1 });
		const r = await z.execute((a) => ({ a, bytes: new Uint8Array([1, 2]) }), [napa.memory.crtAllocator], { transport: napa.zone.TransportOption.AUTO });
		const nothing = await z.execute(() => {});
		const fn = await z.execute(() => (x) => x + 1);
		return JSON.stringify([
			r.value === r.value, r.value.a.type, [...r.value.bytes], r.payload.slice(0, 30), r.transportContext.sharedCount, r.transportContext === r.transportContext,
			napa.transport.unmarshall(r.payload, r.transportContext).a.handle.join() === napa.memory.crtAllocator.handle.join(),
			nothing.payload, String(nothing.value), nothing.transportContext.sharedCount, fn.value(1), Object.prototype.toString.call(r),
		]);`, `[true,"CrtAllocator",[1,2],"{\"a\":{\"_cid\":\"<AllocatorWrap>\"",2,true,true,"undefined","undefined",0,2,"[object Result]"]`)
}

func TestSharedArrayBufferIsWrittenByAllWorkers(t *testing.T) {
	k := newKit(t, nil)
	k.want(`
		const z = napa.zone.create("z", { workers: 4 });
		const sab = new SharedArrayBuffer(8), view = new Uint8Array(sab);
		await Promise.all([0, 1, 2, 3].map((i) => z.execute((sab, i) => { new Uint8Array(sab)[i] = 10 + i; }, [sab, i])));
		await z.execute((o) => { o.deep.views[0][0] = 1; o.deep.views[1][1] = 2; new Uint8Array(o.sab)[4] = 3; }, [{ sab, deep: { views: [view, new Uint8Array(sab, 4)] } }]);
		return [...view].join();`, "1,11,12,13,3,2,0,0")
}

// A value that every hop of a chain of zones writes to: shared memory is one for all of them, any other is a copy.
func TestMemoryThroughManyHops(t *testing.T) {
	for _, c := range []struct{ make, want string }{
		{`new SharedArrayBuffer(6)`, "9,9,9,9,9,9"},
		{`new Uint8Array(new SharedArrayBuffer(6))`, "9,9,9,9,9,9"},
		{`new ArrayBuffer(6)`, "0,0,0,0,0,9"},
		{`new Uint8Array(6)`, "0,0,0,0,0,9"},
	} {
		k := newKit(t, nil)
		k.want(`
			napa.zone.create("hops", { workers: 2 });
			async function hop(memory, i) {
				const view = memory.byteOffset === undefined ? new Uint8Array(memory) : memory;
				view[i] = 9;
				if (i === 0) return;
				const napa = require("napajs");
				const zone = i % 4 < 2 ? napa.zone.get("hops") : napa.zone.node;
				await zone.execute(hop.origin === undefined ? hop : hop, [memory, i - 1]);
			}
			globalThis.hop = hop; await napa.zone.get("hops").broadcast("globalThis.hop = " + hop);
			const memory = `+c.make+`;
			await hop(memory, 5);
			return [...(memory.byteOffset === undefined ? new Uint8Array(memory) : memory)].join();`, c.want)
	}
}

func TestTimeoutStopsTheCallAlone(t *testing.T) {
	k := newKit(t, nil)
	start := time.Now()
	k.want(`
		const z = napa.zone.create("z", { workers: 1 });
		const fails = (p) => p.then((r) => "value " + r.value, (e) => typeof e + " " + e);
		const pending = z.execute(() => new Promise((r) => setTimeout(() => r("still there"), 100)));
		await z.broadcast("var seen = []");
		const out = [
			await fails(z.execute(() => { try { for (;;); } catch { seen.push("catch") } finally { seen.push("finally") } }, [], { timeout: 30 })),
			await fails(z.execute(() => { Promise.resolve().then(() => seen.push("microtask")); setTimeout(() => seen.push("timer"), 1); while (true) seen.length; }, [], { timeout: 20 })),
			await fails(z.execute(() => { const a = []; for (let i = 0; i < 1e5; i++) a.push(i); for (;;) a.sort((x, y) => y - x).map(String).sort(); }, [], { timeout: 20 })),
		];
		return JSON.stringify(out);`, `["string Terminated due to timeout","string Terminated due to timeout","string Terminated due to timeout"]`)
	if d := time.Since(start); d > 20*time.Second {
		t.Errorf("it took %v", d)
	}
}

func TestWhatATimeoutLeaves(t *testing.T) {
	k := newKit(t, nil)
	k.want(`
		const z = napa.zone.create("z", { workers: 1 });
		await z.broadcast("var seen = []");
		const pending = z.execute(() => new Promise((r) => setTimeout(() => r("still there"), 150)));
		const inTime = z.execute(async () => { await new Promise((r) => setTimeout(r, 900)); return "in time"; }, [], { timeout: 700 });
		await z.execute(() => { Promise.resolve().then(() => seen.push("microtask")); setTimeout(() => seen.push("timer"), 1); for (;;); }, [], { timeout: 30 }).catch(() => {});
		const rest = await z.execute(() => { setTimeout(() => seen.push("other timer"), 1); return new Promise((r) => setTimeout(() => r(seen), 40)); }, [], { timeout: 10000 });
		const onNode = await napa.zone.node.execute(() => { const end = Date.now() + 30; while (Date.now() < end); return "not timed"; }, [], { timeout: 1 });
		return JSON.stringify([(await pending).value, (await inTime).value, rest.value, onNode.value]);`,
		`["still there","in time",["other timer"],"not timed"]`)
}

func TestBroadcastsComeBeforeExecutes(t *testing.T) {
	k := newKit(t, nil)
	k.want(`
		const z = napa.zone.create("z", { workers: 1 });
		await z.broadcast("var order = []");
		const flags = new Int32Array(new SharedArrayBuffer(8));
		const all = [z.execute((flags) => { Atomics.store(flags, 0, 1); while (Atomics.load(flags, 1) === 0); order.push("first"); }, [flags])];
		while (Atomics.load(flags, 0) === 0) await new Promise((r) => setTimeout(r, 1));
		all.push(z.execute(() => { order.push("second"); }), z.execute(() => { order.push("third"); }), z.broadcast("order.push('broadcast 1')"), z.broadcast("order.push('broadcast 2')"));
		Atomics.store(flags, 1, 1);
		await Promise.all(all);
		return (await z.execute(() => order)).value.join();`, "first,broadcast 1,broadcast 2,second,third")
}

func TestWorkersRunBesideEachOther(t *testing.T) {
	k := newKit(t, nil)
	// Each waits until the other has begun.
	k.want(`
		const z = napa.zone.create("z", { workers: 2 });
		const meet = (sab, me) => { const a = new Int32Array(sab); Atomics.store(a, me, 1); while (Atomics.load(a, 1 - me) === 0); return "met"; };
		const sab = new SharedArrayBuffer(8);
		const both = await Promise.all([0, 1].map((i) => z.execute(meet, [sab, i], { timeout: 20000 })));
		return both.map((r) => r.value).join();`, "met,met")
}

func TestLockGuardsAcrossThreads(t *testing.T) {
	k := newKit(t, nil)
	k.want(`
		const z = napa.zone.create("z", { workers: 4 });
		const lock = napa.sync.createLock(), s = napa.store.create("s"); s.set("n", 0);
		await Promise.all(Array.from({ length: 40 }, () => z.execute((lock) => {
			lock.guardSync(() => { const s = napa.store.get("s"); s.set("n", s.get("n") + 1); });
		}, [lock])));
		let order = [];
		const result = lock.guardSync((a, b, c) => { order.push(a, b, c); return "r"; }, [1, "2"]);
		let thrown; try { lock.guardSync(() => { throw new TypeError("inside"); }); } catch (e) { thrown = String(e); }
		let again; try { lock.guardSync(() => lock.guardSync(() => 1)); } catch (e) { again = e.message; }
		return JSON.stringify([s.get("n"), order, result, thrown, again, lock.guardSync(() => 2)]);`,
		`[40,[1,"2",null],"r","TypeError: inside","The lock is held by this thread already: waiting for it would never end.",2]`)
	for source, want := range map[string]string{
		`napa.sync.createLock().guardSync()`:                 `TypeError: Failed to execute 'guardSync' on 'LockWrap': parameter 1 is not of type 'function'.`,
		`napa.sync.createLock().guardSync(() => 1, "ab")`:    `TypeError: Failed to execute 'guardSync' on 'LockWrap': parameter 2 is not of type 'Array'.`,
		`napa.sync.createLock().guardSync.call({}, () => 1)`: `TypeError: Illegal invocation: function called with incorrect ` + "`this`" + ` reference. See https://developers.cloudflare.com/workers/observability/errors/#illegal-invocation-errors for details.`,
	} {
		k.wantError(source, want)
	}
}

func TestTimersOfWorkers(t *testing.T) {
	k := newKit(t, nil)
	k.want(`
		const z = napa.zone.create("z", { workers: 3 });
		const group = () => new Promise((resolve) => {
			const seen = [];
			for (let i = 0; i < 4; i++) { const t = setTimeout(() => { seen.push(i); if (i === 3) resolve(seen.join("")); }, 10 * i); if (i === 1) clearTimeout(t); }
		});
		const ticks = () => new Promise((resolve) => { let n = 0; const t = setInterval(() => { if (++n === 3) { clearInterval(t); resolve("" + n); } }, 5); });
		return (await Promise.all([z.execute(group), z.execute(ticks), z.execute(group)])).map((r) => r.value).join();`, "023,3,023")
}

func TestRecycledZoneEndsWithItsWork(t *testing.T) {
	k := newKit(t, nil)
	k.want(`
		const z = napa.zone.create("z", { workers: 2 });
		const slow = z.execute(() => new Promise((r) => setTimeout(() => r("done"), 50)));
		const queued = [1, 2, 3].map((i) => z.execute((i) => i, [i]));
		const over = z.recycle();
		const refused = await z.execute(() => 1).catch((e) => e);
		const out = [(await slow).value, (await Promise.all(queued)).map((r) => r.value), refused];
		await over;
		const next = napa.zone.create("z", { workers: 1 });
		out.push((await next.execute(() => napa.zone.current.id)).value, await z.broadcast("1").catch((e) => e));
		return JSON.stringify(out);`,
		`["done",[1,2,3],"Error: The zone \"z\" was recycled.","z","Error: The zone \"z\" was recycled."]`)
}

func TestQueueOfAZoneIsBounded(t *testing.T) {
	k := newKit(t, nil, "napa.calls=3")
	k.want(`
		const z = napa.zone.create("z", { workers: 1 });
		await z.broadcast("1");
		const sab = new SharedArrayBuffer(8);
		const wait = z.execute((sab) => { const a = new Int32Array(sab); Atomics.store(a, 1, 1); while (Atomics.load(a, 0) === 0); }, [sab]);
		while (Atomics.load(new Int32Array(sab), 1) === 0) await new Promise((r) => setTimeout(r, 1));
		const more = Array.from({ length: 5 }, (_, i) => z.execute((i) => i, [i]).then((r) => r.value, String));
		const told = Array.from({ length: 4 }, () => z.broadcast("1").then(() => "told", String));
		Atomics.store(new Int32Array(sab), 0, 1);
		await wait;
		return JSON.stringify([await Promise.all(more), (await Promise.all(told)).pop()]);`,
		`[[0,1,"RangeError: The zone \"z\" has 3 calls that wait or run, and cannot have more.","RangeError: The zone \"z\" has 3 calls that wait or run, and cannot have more.","RangeError: The zone \"z\" has 3 calls that wait or run, and cannot have more."],"RangeError: The zone \"z\" has 3 broadcasts waiting, and cannot have more."]`)
}

// A worker whose engine is lost fails what it runs, and one that is new takes its place.
func TestLostWorkersAreStartedAgain(t *testing.T) {
	k := newKit(t, nil)
	k.want(`
		const z = napa.zone.create("z", { workers: 1 });
		await z.broadcast("var told = 1");
		const waits = z.execute(() => new Promise(() => {})).catch((e) => e);
		const lost = z.execute(() => { endOfThread(); for (;;); }).catch((e) => e);
		const next = z.execute(() => typeof told).then((r) => r.value);
		const seen = [await waits, await lost, await next];
		await z.broadcast("var told = 2");
		return JSON.stringify([...seen, (await z.execute(() => told)).value]);`,
		`["Error: The worker napa:z/0 was lost with this call, and is started again: Error: The code was killed.","Error: The worker napa:z/0 was lost with this call, and is started again: Error: The code was killed.","number",2]`)
	k.want(`
		const z = napa.zone.create("again", { workers: 2 });
		const calls = [];
		for (let i = 0; i < 20; i++) calls.push(z.execute((i) => { if (i % 3 === 0) { endOfThread(); for (;;); } return i; }, [i]).then((r) => r.value, () => "lost"));
		const all = await Promise.all(calls);
		z.recycle();
		return [all.join(), await z.execute(() => 1).catch((e) => e)].join(";")`,
		`lost,1,2,lost,4,5,lost,7,8,lost,10,11,lost,13,14,lost,16,17,lost,19;Error: The zone "again" was recycled.`)
}

// A worker in the place of a lost one is told first, and in their order, what the zone was told before.
func TestStartedAgainWorkersAreToldTheBroadcasts(t *testing.T) {
	const lose = `const lose = () => z.execute(() => { endOfThread(); for (;;); }).catch(() => {}), look = (name) => z.execute((name) => globalThis[name], [name]).then((r) => r.value);`
	k := newKit(t, nil)
	k.want(lose+`
		const z = napa.zone.create("z", { workers: 2 });
		await z.broadcast("var list = ['text']");
		await z.broadcast((a, b) => { list.push(a + b) }, [1, 2]);
		await z.broadcast("throw new Error('fails')").catch(() => {});
		z.broadcast("list.push('never settles'); new Promise(() => {})");
		await z.broadcast("list.push('last')");
		await Promise.all([lose(), lose(), lose()]);
		return JSON.stringify(await Promise.all([look("list"), look("list"), look("list")]));`,
		`[["text",3,"never settles","last"],["text",3,"never settles","last"],["text",3,"never settles","last"]]`)
	// What the workers are lost at is not told for ever.
	k.want(lose+`
		const z = napa.zone.create("deadly", { workers: 1 });
		await z.broadcast("var n = 1");
		const told = await z.broadcast("endOfThread(); for (;;);").catch((e) => "rejected");
		return told + await look("n");`, `rejected1`)
	// Nor more than there is place for.
	k = newKit(t, nil, "napa.told=400")
	k.want(lose+`
		const z = napa.zone.create("z", { workers: 1 });
		for (const name of "abcd") await z.broadcast("var " + name + " = 1");
		const before = [await look("b"), await look("c"), await look("d")];
		await lose();
		return JSON.stringify([before, await look("a"), await look("b"), typeof await look("c"), typeof await look("d")]);`,
		`[[1,1,1],1,1,"undefined","undefined"]`)
}

func TestOverflowRejectsOneCall(t *testing.T) {
	k := newKit(t, nil)
	k.want(`
		const z = napa.zone.create("z", { workers: 1 });
		const r = await z.execute(() => { function f() { return f() + 1 } try { f() } catch {} return Promise.resolve().then(f); }).catch((e) => e);
		return JSON.stringify([r, (await z.execute(() => 1)).value]);`, `["RangeError: Maximum call stack size exceeded",1]`)
}
