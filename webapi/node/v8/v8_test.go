package v8_test

import (
	"testing"

	"workerd.local/internal/machinetest"
)

const begin = `const v8 = (await import("node:v8")).default;
	const caught = (fn) => { try { return fn() } catch (e) { return [e.name, e.code ?? "", e.message].join("|") } };
`

func TestValuesAsBytes(t *testing.T) {
	e, _ := machinetest.New(t)
	want := func(code, want string) { t.Helper(); e.Want(begin+code, want) }
	want(`const b = Buffer.from("hello").subarray(1, 4); const u = new Uint16Array([1, 2]); const back = v8.deserialize(v8.serialize({ b, u, again: u, d: new DataView(u.buffer, 2) }));
		return [back.b instanceof Buffer, back.b.toString(), Array.from(back.u), back.again === back.u, back.d.getUint16(0, true), back.d.byteLength, back.b.buffer === b.buffer]`,
		`[true,"ell",[1,2],true,2,2,false]`)
	// Every number of a view, and one that there is not.
	want(`return [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13].map((n) => caught(() => v8.deserialize(Buffer.from([255, 15, 92, n, 8, 1, 2, 3, 4, 5, 6, 7, 8])).constructor.name))`,
		`["Int8Array","Uint8Array","Uint8ClampedArray","Int16Array","Uint16Array","Int32Array","Uint32Array","Float32Array","Float64Array","DataView","Buffer","BigInt64Array","BigUint64Array","Error||Unable to deserialize cloned data."]`)
	want(`return [caught(() => v8.deserialize(Buffer.from([255, 15, 92, 1, 200, 1]))), caught(() => v8.deserialize(Buffer.from([255, 15, 92, 5, 3, 1, 2, 3])).length), caught(() => v8.serialize(Promise.resolve())), caught(() => v8.serialize(new Proxy({}, {})))]`,
		`["Error||Unable to deserialize cloned data.",0,"Error||#<Promise> could not be cloned.","Error||#<Object> could not be cloned."]`)
	// What scripts change does not reach in.
	want(`Map.prototype.get = Uint8Array.from = () => { throw new Error("patched") }; globalThis.Uint16Array = null; return v8.deserialize(v8.serialize([new Uint8Array([7])]))[0][0]`, "7")
}

func TestValuesAsBytesAreBounded(t *testing.T) {
	e, _ := machinetest.New(t, "clone.depth=50")
	e.Want(begin+`const s = new v8.Serializer(), d = (n) => new v8.Deserializer(Buffer.from(Array(n).fill(65).flatMap((c) => [c, 1])));
		let many = []; for (let i = 0; i < 100; i++) many = [many];
		return [caught(() => s.writeValue(many)), caught(() => d(60).readValue()), caught(() => d(20).readValue())].map((e) => e.split("|")[0])`, `["RangeError","RangeError","Error"]`)
	e.Want(begin+`let deep = []; for (let i = 0; i < 100; i++) deep = [deep]; return caught(() => v8.serialize(deep)).split("|")[0]`, "RangeError")
}

func TestPiecesOfValuesAreBounded(t *testing.T) {
	e, _ := machinetest.New(t, "clone.objects=100")
	e.Want(begin+`const s = new v8.Serializer(), d = new v8.Deserializer(Buffer.from(Array(200).fill([111, 123, 0]).flat()));
		let id = 0; const count = (fn) => { for (let i = 0; ; i++) { const e = caught(fn); if (typeof e === "string") return [i, e.split("|")[0]]; if (i > 1000) return "no end" } };
		return [count(() => s.writeValue({})), count(() => s.transferArrayBuffer(1, new ArrayBuffer(1))), count(() => d.readValue()), count(() => d.transferArrayBuffer(id++, new ArrayBuffer(1)))]`,
		`[[100,"RangeError"],[100,"RangeError"],[100,"RangeError"],[100,"RangeError"]]`)
	// A host that reads itself for ever, one that is nobody's, and what a script puts in the place of the members.
	e.Want(begin+`class R extends v8.Deserializer { _readHostObject() { return this._readHostObject() } }
		const r = new R(Buffer.from([255, 15, 92])); r.readHeader();
		const own = new v8.DefaultSerializer(); own._setTreatArrayBufferViewsAsHostObjects = own.releaseBuffer = null;
		v8.Serializer.prototype.releaseBuffer = v8.DefaultSerializer.prototype._writeHostObject = () => { throw new Error("patched") };
		return [caught(() => r.readValue()).split("|")[0], caught(() => v8.Serializer.prototype.writeHeader.call({})).split("|")[0], caught(() => v8.Serializer.prototype.writeHeader.call(Object.create(own))).split("|")[0], v8.deserialize(v8.serialize(new Uint8Array([7])))[0]]`,
		`["RangeError","TypeError","TypeError",7]`)
}

func TestNumbersOfTheHeap(t *testing.T) {
	e, _ := machinetest.New(t)
	e.Want(begin+`const h = v8.getHeapStatistics(); return [h.used_heap_size > 0, h.total_heap_size >= h.used_heap_size, h.heap_size_limit > 0, Object.values(h).every(Number.isFinite)]`, `[true,true,true,true]`)
}
