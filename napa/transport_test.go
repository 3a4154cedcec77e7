package napa

import "testing"

const vectorClass = `
	class Vector extends napa.transport.TransportableObject {
		constructor(x = 0, y = 0) { super(); this.x = x; this.y = y; }
		save(payload) { payload.at = [this.x, this.y]; }
		load(payload) { [this.x, this.y] = payload.at; }
	}
	Vector._cid = "vector";
	class Box extends napa.transport.AutoTransportable { content = 1; }
	Box._cid = "box";
	napa.transport.register(Vector);
	napa.transport.register(Box);
`

func TestWhatIsTransportable(t *testing.T) {
	both(t, nil, vectorClass+`
		const is = napa.transport.isTransportable;
		class Plain {}
		const cycle = {}; cycle.self = cycle;
		class Renamed {}; Object.defineProperty(Renamed, "name", { value: "Object" });
		return JSON.stringify([
			[undefined, null, true, 1, "s", 1n, () => 1, [], {}, Object.create(null), [1, { a: [null] }]].every(is),
			[new Vector, new Box, napa.memory.crtAllocator, napa.sync.createLock(), [{ a: new Vector }]].every(is),
			[new ArrayBuffer(1), new SharedArrayBuffer(1), new Uint8Array(1), new Float64Array(1), { a: new Int16Array(1) }].every(is),
			is(new Renamed), is({ f() {} }),
			[new Plain, new Date, new Map, new Set, /x/, new Uint8ClampedArray(1), new DataView(new ArrayBuffer(1)), new BigInt64Array(1), [new Plain], { a: { b: new Plain } }, cycle].some(is),
			is(Object.create({ inherited: new Plain })),
		]);`, `[true,true,true,true,true,false,false]`)
}

func TestPayloadsAreExact(t *testing.T) {
	both(t, nil, vectorClass+`
		const m = (v) => napa.transport.marshall(v, napa.transport.createTransportContext());
		const f = function () { return 1 };
		return [
			m({ a: [1, null], b: "x" }), String(m(undefined)), m(null), m("ж\n"), m(1.5), m(NaN), m(true),
			m(new Vector(1, 2)), m([new Box]), m({ f, u: undefined, list: [f, undefined] }), m(new Date(0)),
			m(f).replace(/[0-9a-f]{4,8}"/, 'HASH"'), m(Object.create(null)),
			m(napa.memory.crtAllocator).replace(/\d+/g, "N"), m({ a: new Uint8Array(2) }).replace(/\d+/g, "N"), m(napa.sync.createLock()).replace(/\d+/g, "N"),
			m(napa.memory.debugAllocator(napa.memory.crtAllocator)).replace(/\d+/g, "N"),
		].join("\n");`, `{"a":[1,null],"b":"x"}
undefined
null
"ж\n"
1.5
null
true
{"_cid":"vector","at":[1,2]}
[{"_cid":"box","content":1}]
{"list":[null,null]}
"1970-01-01T00:00:00.000Z"
{"_cid": "function", "hash": "HASH"}
{}
{"_cid":"<AllocatorWrap>","handle":[N,N]}
{"a":{"_serialized":{"_cid":"<SharedPtrWrap>","handle":[N,N]}}}
{"_cid":"<LockWrap>","handle":[N,N]}
{"_cid":"<AllocatorDebugger>","handle":[N,N]}`)
}

func TestValuesComeBack(t *testing.T) {
	both(t, nil, vectorClass+`
		const { marshall, unmarshall, createTransportContext } = napa.transport;
		const trip = (v) => { const c = createTransportContext(); return unmarshall(marshall(v, c), c); };
		const v = trip({ list: [new Vector(3, 4), new Box], s: "_cid", deep: { x: [1, 2] } });
		const bytes = trip(new Int16Array([1, -2]));
		const source = new Uint8Array([1, 2, 3, 4]);
		const two = trip({ a: source.subarray(1, 3), b: source });
		source[1] = 9;
		const f = (a) => a + 1;
		return JSON.stringify([
			v.list[0] instanceof Vector, v.list[0].x, v.list[1] instanceof Box, v.list[1]._cid, v.s, v.deep,
			bytes instanceof Int16Array, [...bytes], [...two.a], [...two.b], two.a.buffer === two.b.buffer,
			trip(f) === f, String(trip(undefined)), trip(null),
			trip(napa.memory.crtAllocator).type, unmarshall("undefined") === undefined, unmarshall(' {"a":1}').a,
		]);`, `[true,3,true,"box","_cid",{"x":[1,2]},true,[1,-2],[2,3],[1,2,3,4],false,true,"undefined",null,"CrtAllocator",true,1]`)
}

// A view of shared memory is sent without a look at the memory, to which others write: the
// race detector would tell.
func TestViewsAreSentWhileOthersWrite(t *testing.T) {
	newKit(t, nil).want(`
		const z = napa.zone.create("z", { workers: 2 });
		const view = new Uint8Array(new SharedArrayBuffer(8), 0, 4), flags = new Int32Array(new SharedArrayBuffer(8));
		const writes = z.execute((view, flags) => { Atomics.store(flags, 0, 1); do view[0]++; while (!Atomics.load(flags, 1)); return view.length; }, [view, flags]);
		const starts = z.execute((flags) => { while (!Atomics.load(flags, 0)); }, [flags]);
		await starts;
		const lengths = [];
		for (let i = 0; i < 20; i++) lengths.push((await z.execute((view) => view.byteLength, [view])).value);
		Atomics.store(flags, 1, 1);
		return [(await writes).value, new Set(lengths).size, lengths[0]].join();`, "4,1,4")
}

func TestSharedMemoryIsShared(t *testing.T) {
	both(t, nil, `
		const { marshall, unmarshall, createTransportContext } = napa.transport;
		const c = createTransportContext();
		const buffer = new SharedArrayBuffer(8);
		const there = unmarshall(marshall({ buffer, view: new Uint8Array(buffer, 2, 3) }, c), c);
		there.view[0] = 7;
		new Uint8Array(there.buffer)[0] = 5;
		return JSON.stringify([[...new Uint8Array(buffer)], there.view.length, there.buffer instanceof SharedArrayBuffer, c.sharedCount]);`,
		`[[5,0,7,0,0,0,0,0],3,true,2]`)
}

func TestTransportContextCountsObjects(t *testing.T) {
	both(t, nil, `
		const c = napa.transport.createTransportContext();
		const a = napa.memory.debugAllocator(napa.memory.crtAllocator);
		const before = [c.sharedCount, a.refCount];
		c.saveShared(a);
		c.saveShared(a);
		const b = c.loadShared(a.handle);
		const again = napa.transport.createTransportContext(true, c.handle);
		return JSON.stringify([before, c.sharedCount, a.refCount, b.refCount, b.handle.join() === a.handle.join(), b.isNull(), again.sharedCount,
			c.loadShared([1, 2]).isNull(), b.cid()]);`, `[[0,1],1,3,3,true,false,1,true,"<AllocatorDebugger>"]`)
}

func TestTransportRefuses(t *testing.T) {
	k := newKit(t, nil)
	for source, want := range map[string]string{
		`class Foo {}; napa.transport.marshall(new Foo)`:                                                         `Error: Object type "Foo" is not transportable.`,
		`napa.transport.marshall([new Map])`:                                                                     `Error: Object type "Map" is not transportable.`,
		vectorClass + `napa.transport.marshall({ a: new Vector })`:                                               `Error: Cannot transport type "Vector" without a transport context.`,
		`napa.transport.marshall(new Uint8Array(1), null)`:                                                       `Error: Cannot transport type "SharedPtrWrap" without a transport context.`,
		`napa.transport.unmarshall('{"_cid":"y"}')`:                                                              `Error: Cannot transport type with cid "y" without a transport context.`,
		`napa.transport.unmarshall('{"_cid":"y"}', napa.transport.createTransportContext())`:                     `Error: Unrecognized Constructor ID (cid) "y". Please ensure @cid is applied on the class or transport.register is called on the class.`,
		`napa.transport.unmarshall('{"_cid":"function","hash":"12ab"}')`:                                         `Error: Function hash cannot be found: 12ab`,
		`napa.transport.unmarshall('{"_cid":"<LockWrap>","handle":1}', napa.transport.createTransportContext())`: `TypeError: Unable to cast "handle" to pointer. Please check if it's in valid handle format.`,
		`napa.transport.unmarshall('{"_serialized":{}}', napa.transport.createTransportContext())`:               `TypeError: Failed to deserialize: the payload's memory is not in the transport context.`,
		`const c = napa.transport.createTransportContext(); napa.transport.marshall(napa.sync.createLock(), c);
		 const p = napa.transport.marshall(napa.memory.crtAllocator, c).replace("Allocator", "Lock"); napa.transport.unmarshall(p, c)`: `TypeError: The handle is that of <AllocatorWrap>, not of <LockWrap>.`,
		`napa.transport.unmarshall('{"_cid":', null)`:                                              `SyntaxError: Unexpected end of JSON input`,
		`napa.transport.unmarshall("{}", 1)`:                                                       `TypeError: Failed to execute 'unmarshall' on 'ServiceWorkerGlobalScope': parameter 2 is not of type 'TransportContext'.`,
		`napa.transport.marshall({}, {})`:                                                          `TypeError: Failed to execute 'marshall' on 'ServiceWorkerGlobalScope': parameter 2 is not of type 'TransportContext'.`,
		`const o = {}; o.o = o; napa.transport.marshall(o)`:                                        "TypeError: Converting circular structure to JSON\n    --> starting at object with constructor 'Object'\n    --- property 'o' closes the circle",
		`class A { cid() {} }; napa.transport.register(A)`:                                         `Error: Class "A" doesn't implement cid(), did you forget put @cid decorator before class declaration?`,
		`class A {}; napa.transport.register(A)`:                                                   `Error: Class "A" doesn't implement cid(), did you forget put @cid decorator before class declaration?`,
		`class A { cid() { return "a" } }; napa.transport.register(A); napa.transport.register(A)`: `Error: Constructor ID (cid) "a" is already registered.`,
		`napa.transport.register(1)`:                                                               `TypeError: Failed to execute 'register' on 'ServiceWorkerGlobalScope': parameter 1 is not of type 'function'.`,
		`napa.transport.createTransportContext(1)`:                                                 `TypeError: Failed to execute 'createTransportContext' on 'ServiceWorkerGlobalScope': parameter 1 is not of type 'boolean'.`,
		`napa.transport.createTransportContext(true, [5, 0])`:                                      `Error: No transport context has the handle [5,0].`,
		`napa.transport.createTransportContext().saveShared({})`:                                   `TypeError: Failed to execute 'saveShared' on 'TransportContextWrap': parameter 1 is not of type 'Shareable'.`,
		`napa.transport.createTransportContext().loadShared("x")`:                                  `TypeError: Failed to execute 'loadShared' on 'TransportContextWrap': parameter 1 is not of type 'Handle'.`,
	} {
		k.wantError(source, want)
	}
}

func TestFunctionsAreTransportedByTheirText(t *testing.T) {
	k := newKit(t, map[string]string{
		"/program/lib/shape.js": `module.exports = { area: (w, h) => w * h, where: () => [__filename, __dirname, require("./two")] };`,
		"/program/lib/two.js":   `module.exports = 2;`,
	})
	k.want(`
		const z = napa.zone.create("z", { workers: 1 });
		const { area, where } = require("./lib/shape.js");
		where.origin = "/program/lib/shape.js";
		const bare = function () { return __filename };
		const payload = napa.transport.marshall(bare);
		const hash = JSON.parse(payload).hash;
		const def = napa.store.get("__napajs_marshalled_functions").get(hash);
		const loaded = (await z.execute((p) => { const f = napa.transport.unmarshall(p); return [f(), f.origin]; }, [payload])).value;
		return JSON.stringify([
			(await z.execute(area, [3, 4])).value, area.origin,
			(await z.execute(where)).value,
			def, loaded,
			napa.transport.marshall(function () { return __filename }) === payload,
			(await z.execute(function () { return this === undefined || this === globalThis })).value,
		]);`, `[12,"/program/main.js",["/program/lib/shape.js","/program/lib",2],{"origin":"","body":"function () { return __filename }"},["/program/[function]",""],true,true]`)
	k.wantError(`
		const outer = 1;
		await napa.zone.get("z").execute(() => outer);`, `Error: ReferenceError: outer is not defined`)
	k.wantError(`
		const o = { method() { return 1 } };
		await napa.zone.get("z").execute(o.method);`, `Error: SyntaxError: The text of the function does not stand for itself, like those of methods and of native functions: method() { return 1 } (Expected ";" but found "{")`)
}

func TestFunctionsAreSavedAndLoadedByHash(t *testing.T) {
	k := newKit(t, nil)
	k.want(`
		const { saveFunction, loadFunction, marshall } = napa.transport;
		const z = napa.zone.create("z", { workers: 1 });
		const twice = (x) => x * 2, same = (x) => x * 2;
		const hash = saveFunction(twice);
		const there = await z.execute((hash) => { const f = napa.transport.loadFunction(hash); return [f(21), f === napa.transport.loadFunction(hash), napa.transport.saveFunction(f) === hash]; }, [hash]);
		return JSON.stringify([JSON.parse(marshall(twice)).hash === hash, loadFunction(hash) === twice, saveFunction(same) === hash, loadFunction(saveFunction(same)) === twice, there.value]);`,
		`[true,true,true,true,[42,true,true]]`)
	for source, want := range map[string]string{
		`napa.transport.saveFunction(1)`:      `TypeError: Failed to execute 'saveFunction' on 'ServiceWorkerGlobalScope': parameter 1 is not of type 'function'.`,
		`napa.transport.loadFunction("none")`: `Error: Function hash cannot be found: none`,
		// What has no source of its own is refused where it arrives.
		`await napa.zone.get("z").execute(Math.max, [1])`:                                                                   `Error: SyntaxError: The text of the function does not stand for itself, like those of methods and of native functions: function max() { [native code] } (Expected "]" but found "code")`,
		`await napa.zone.get("z").execute(function () {}.bind(null))`:                                                       `Error: SyntaxError: The text of the function does not stand for itself, like those of methods and of native functions: function bound () { [native code] } (Expected "]" but found "code")`,
		`await napa.zone.get("z").execute(class A { constructor() {} })`:                                                    `Error: TypeError: Class constructor cannot be invoked without 'new'`,
		`const o = { get f() { return 1 } }; await napa.zone.get("z").execute(Object.getOwnPropertyDescriptor(o, "f").get)`: `Error: SyntaxError: The text of the function does not stand for itself, like those of methods and of native functions: get f() { return 1 } (Expected ";" but found "f")`,
	} {
		k.wantError(source, want)
	}
}

// A class is known where it was registered, and nowhere else.
func TestClassesAreRegisteredByEachThread(t *testing.T) {
	k := newKit(t, map[string]string{"/program/lib/classes.js": `const napa = require("napajs");` + vectorClass + `
		exports.Vector = Vector; exports.make = () => new Vector(1, 2); exports.sum = (v) => [v instanceof Vector, v.x + v.y];`})
	k.want(`
		const z = napa.zone.create("z", { workers: 1 });
		const { Vector } = require("./lib/classes");
		const run = (...args) => z.execute(...args).then((r) => r.value, (e) => "! " + e.split(". ")[0]);
		const before = await run((v) => v.x, [new Vector(1, 2)]);
		const made = await run("./lib/classes", "make");
		return JSON.stringify([before, made instanceof Vector, made.y, await run("./lib/classes", "sum", [[new Vector(3, 4)][0]]), await run((v) => v.x, [new Vector(5, 6)]),
			napa.transport.marshall({ zones: [z, napa.zone.node] })]);`,
		`["! Error: Unrecognized Constructor ID (cid) \"vector\"",true,2,[true,7],5,"{\"zones\":[{\"id\":\"z\",\"type\":\"napa\"},{\"id\":\"node\",\"type\":\"node\"}]}"]`)
}

func TestHashesOfFunctions(t *testing.T) {
	// 5381 * 33 ^ unit, in 32 bits.
	for text, want := range map[string]string{"": "1505", ":": "2b59f", "é": "2b54c", "😀": "50fe98"} {
		if got := functionHash(text); got != want {
			t.Errorf("functionHash(%q) = %s, want %s", text, got, want)
		}
	}
}

func TestCidNamesTheModule(t *testing.T) {
	k := newKit(t, map[string]string{
		"/program/lib/point.js": `const { cid, AutoTransportable } = require("napajs").transport;
			class Point extends AutoTransportable {}
			cid()(Point);
			exports.Point = Point;`,
		"/program/node_modules/geo/lib/line.js": `const { cid, AutoTransportable } = require("napajs").transport;
			class Line extends AutoTransportable {}
			cid()(Line);
			class Named extends AutoTransportable {}
			cid("0f3e")(Named);
			exports.Line = Line; exports.Named = Named;`,
	})
	k.want(`
		const { Point } = require("./lib/point.js");
		const { Line, Named } = require("/program/node_modules/geo/lib/line.js");
		const c = napa.transport.createTransportContext();
		const p = new Point; p.x = 4;
		const q = napa.transport.unmarshall(napa.transport.marshall(p, c), c);
		return JSON.stringify([Point._cid, Line._cid, Named._cid, p.cid(), q instanceof Point, q.x]);`,
		`["lib/point.Point","geo/lib/line.Line","0f3e","lib/point.Point",true,4]`)
}
