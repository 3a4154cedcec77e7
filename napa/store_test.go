package napa

import (
	"runtime"
	"testing"
	"time"
)

func TestStoresAreSharedByAllThreads(t *testing.T) {
	k := newKit(t, nil)
	k.want(vectorClass+`
		const z = napa.zone.create("z", { workers: 2 });
		await z.broadcast("var kept = {}");
		const s = napa.store.create("one");
		s.set("n", 1); s.set("ключ", "значение 😀"); s.set("f", (a) => a * 2); s.set("list", [1, { a: null }]); s.set("u", undefined);
		s.set("allocator", napa.memory.crtAllocator); s.set("vector", new Vector(1, 2));
		const there = (await z.execute(() => {
			const s = napa.store.get("one");
			const seen = [s.get("n"), s.get("ключ"), s.get("f")(21), s.get("list"), s.has("u"), String(s.get("u")), s.get("allocator").type, s.id, s.size];
			s.set("back", seen.length); s.set("bytes", new Uint8Array([1, 2]));
			s.delete("n"); s.delete("nothing");
			globalThis.kept.other = napa.store.getOrCreate("two");
			napa.store.getOrCreate("two").set("x", 1);
			return seen;
		})).value;
		return JSON.stringify([there, s.get("back"), [...s.get("bytes")], s.has("n"), String(s.get("n")), s.size, s.get("vector").y, s.get("list") === s.get("list"),
			napa.store.get("two").get("x"), String(napa.store.get("three")), napa.store.count(), s.has("N")]);`,
		`[[1,"значение 😀",42,[1,{"a":null}],true,"undefined","CrtAllocator","one",7],9,[1,2],false,"undefined",8,2,false,1,"undefined",2,false]`)
}

// What one thread sets another gets, whichever kind of thread they are.
func TestStoreBetweenAllKindsOfThreads(t *testing.T) {
	k := newKit(t, map[string]string{"/program/lib/store.js": `
		const napa = require("napajs");
		const values = {
			number: 0.1, text: "text", unicode: "\u4e2d\u6587 \ud83d\ude00 \ud800", list: [1, [null]], nothing: null, no: undefined, yes: true,
			allocator: napa.memory.crtAllocator, debugger: napa.memory.debugAllocator(napa.memory.defaultAllocator), lock: napa.sync.createLock(),
			fn: (a, b) => a + b, bytes: new Int16Array([1, -2]), shared: new Uint8Array(new SharedArrayBuffer(2)),
		};
		exports.set = (key, from) => { const s = napa.store.get("all"); for (const name in values) s.set(key + name, values[name]); s.set(key + "from", from); };
		exports.get = (key) => {
			const s = napa.store.get("all"), get = (name) => s.get(key + name), missing = s.get(key + "other");
			get("shared")[0]++;
			return [get("number"), get("text"), get("unicode") === values.unicode, get("list"), get("nothing"), String(get("no")), get("yes"), get("allocator").type,
				get("debugger").type, get("lock").guardSync((a) => a, [5]), get("fn")(1, 2), [...get("bytes")], get("shared")[0], String(missing), s.has(key + "no"), s.has(key + "other"), get("from")];
		};
		exports.drop = (key) => { const s = napa.store.get("all"); for (const name in values) s.delete(key + name); s.delete(key + "from"); return s.size; };`})
	k.want(`
		const zones = [napa.zone.node, napa.zone.create("one", { workers: 1 }), napa.zone.create("two", { workers: 1 })];
		const s = napa.store.create("all"), seen = new Set(), sizes = [];
		const value = (zone, ...args) => zone.execute("./lib/store", ...args).then((r) => r.value);
		for (const from of zones) {
			await value(from, "set", ["k ", from.id]);
			for (const [i, to] of zones.entries()) {
				const got = await value(to, "get", ["k "]);
				if (got.pop() !== from.id || got[12] !== i + 1) seen.add("wrong");
				got[12] = "counted";
				seen.add(JSON.stringify(got));
			}
			sizes.push(s.size, await value(from === zones[0] ? zones[1] : zones[0], "drop", ["k "]));
		}
		return [...seen].join("\n") + sizes;`,
		`[0.1,"text",true,[1,[null]],null,"undefined",true,"CrtAllocator","SimpleAllocatorDebugger<DefaultAllocator>",5,3,[1,-2],"counted","undefined",true,false]14,0,14,0,14,0`)
}

func TestStoreRefuses(t *testing.T) {
	k := newKit(t, nil, "napa.stores=4", "napa.stored=2000")
	k.want(`const s = napa.store.create("one"); globalThis.keep = [s]; return s.id`, "one")
	for source, want := range map[string]string{
		`napa.store.create("one")`:           `Error: Store with id "one" already exists.`,
		`napa.store.create()`:                `TypeError: Failed to execute 'create' on 'ServiceWorkerGlobalScope': 1 arguments are required, 0 given.`,
		`napa.store.get(1)`:                  `TypeError: Failed to execute 'get' on 'ServiceWorkerGlobalScope': parameter 1 is not of type 'string'.`,
		`keep[0].set("a")`:                   `TypeError: Failed to execute 'set' on 'StoreWrap': 2 arguments are required, 1 given.`,
		`keep[0].set(1, 2)`:                  `TypeError: Failed to execute 'set' on 'StoreWrap': parameter 1 is not of type 'string'.`,
		`keep[0].get("a", "b")`:              `TypeError: Failed to execute 'get' on 'StoreWrap': 1 arguments are required, 2 given.`,
		`keep[0].set("a", new Map)`:          `Error: Object type "Map" is not transportable.`,
		`keep[0].set("a", "x".repeat(3000))`: `RangeError: Stores cannot hold more than 2000 bytes.`,
		`"use strict"; keep[0].size = 3`:     `TypeError: Cannot assign to read only property 'size' of object '#<StoreWrap>'`,
		`for (let i = 0; i < 9; i++) keep.push(napa.store.create("s" + i))`: `RangeError: A program cannot have more than 4 stores.`,
	} {
		k.wantError(source, want)
	}
	k.want(`const s = keep[0];
		for (let i = 0; i < 100; i++) s.set("same", "x".repeat(1500));
		s.delete("same"); s.set("other", "y".repeat(1500)); return s.size`, "1")
}

func TestStoreGoesWhenNobodyHoldsIt(t *testing.T) {
	k := newKit(t, nil)
	k.want(`globalThis.held = napa.store.create("held"); napa.store.create("dropped").set("a", 1); return "ok"`, "ok")
	for deadline := time.Now().Add(20 * time.Second); ; {
		runtime.GC()
		if k.system.storeCount() == 1 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d stores are left", k.system.storeCount())
		}
		time.Sleep(time.Millisecond)
	}
	k.want(`return [napa.store.get("held").id, String(napa.store.get("dropped"))].join()`, "held,undefined")
}
