package core_test

import (
	"testing"

	"workerd.local/internal/machinetest"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// Where node and workerd differ, programs have what node does and workers what workerd does.
func TestBufferInWorkersAndPrograms(t *testing.T) {
	e := machinetest.NewWorker(t)
	want := func(code, want string) {
		t.Helper()
		e.Want(importBuffer+`const of = (f) => { try { return f() } catch (e) { return [e.name, e.code, e.message] } };`+code, want)
	}
	want(`return of(() => Buffer.alloc(2).readIntLE(0, "1"))`, `["TypeError","ERR_INVALID_ARG_TYPE","The \"byteLength\" argument must be of type number. Received type string ('1')"]`)
	want(`return of(() => Buffer.alloc(2).copy(Buffer.alloc(2), 0, 3))`, `["RangeError","ERR_OUT_OF_RANGE","The value of \"sourceStart\" is out of range. It must be >= 0 && <= 2. Received 3"]`)
	want(`return of(() => buffer.transcode(Buffer.of(65, 0, 66), "utf16le", "utf8").toString())`, `A`)
	want(`return of(() => buffer.transcode(Buffer.of(65, 0xff), "utf8", "utf16le"))`, `["Error","U_INVALID_CHAR_FOUND","Unable to transcode Buffer [U_INVALID_CHAR_FOUND]"]`)
	e.In(func(js *isolate.JS, _ *iocontext.Context) { bind.ProgramOf(js).Worker = true })
	want(`return of(() => Buffer.alloc(2).readIntLE(0, "1"))`, `["RangeError","ERR_OUT_OF_RANGE","The value of \"byteLength\" is out of range. It must be an integer. Received '1'"]`)
	want(`return of(() => Buffer.alloc(2).writeUIntBE(0, 0, undefined))`, `["RangeError","ERR_OUT_OF_RANGE","The value of \"byteLength\" is out of range. It must be an integer. Received undefined"]`)
	want(`return [of(() => Buffer.alloc(2).copy(Buffer.alloc(2), 0, 3)), of(() => Buffer.alloc(2).copy(Buffer.alloc(2), 0, -1))]`, `[0,["RangeError","ERR_OUT_OF_RANGE","The value of \"sourceStart\" is out of range. It must be >= 0. Received -1"]]`)
	want(`return of(() => buffer.transcode(Buffer.of(65, 0, 66), "utf16le", "utf8"))`, `["Error","U_INVALID_CHAR_FOUND","Unable to transcode buffer [U_INVALID_CHAR_FOUND]"]`)
	want(`return [buffer.transcode(Buffer.of(0x80), "utf8", "utf8").toString(), buffer.transcode(Buffer.of(65, 0, 66), "utf16le", "utf16le").length > 0]`, `["�",true]`)
}

const importBuffer = `const { Buffer } = await import("node:buffer"), buffer = await import("node:buffer");`

func TestBuffer(t *testing.T) {
	e := machinetest.NewWorker(t)
	want := func(code, want string) { t.Helper(); e.Want(importBuffer+code, want) }
	want(`return Buffer.from("h\u00e9llo").toString("hex")`, `68c3a96c6c6f`)
	want(`return [..."utf8 hex base64 base64url latin1 ascii utf16le ucs2 binary UTF-8".split(" ")].map(e => Buffer.from("4af0", e).toString(e))`, `["4af0","4af0","4af0","4af0","4af0","4af0","4af0","4af0","4af0","4af0"]`)
	want(`const b = Buffer.alloc(4, "ab"); return [b.toString(), b instanceof Uint8Array, b.slice(1) instanceof Buffer, b.subarray(1, 2).toString(), b.map(x => x + 1).toString(), b.toJSON()]`, `["abab",true,true,"b","bcbc",{"type":"Buffer","data":[97,98,97,98]}]`)
	want(`const b = new ArrayBuffer(4, { maxByteLength: 4 }), list = [new Uint8Array(b).fill(1), 0]; Object.defineProperty(list, "1", { get() { b.resize(1); return new Uint8Array([2]) } }); return [...Buffer.concat(list, 4)]`, `[1,2,0,0]`)
	want(`return [Buffer.concat([Buffer.from("a"), new Uint8Array([98])]).toString(), Buffer.compare(Buffer.from("a"), Buffer.from("b")), Buffer.byteLength("\u20ac"), Buffer.isEncoding("UCS-2"), Buffer.isEncoding("x")]`, `["ab",-1,3,true,false]`)
	want(`const b = Buffer.alloc(8); b.writeInt32LE(-2, 0); b.writeUInt16BE(0xfffe, 4); b.writeUIntBE(0x1234, 6, 2); return [b.toString("hex"), b.readInt32LE(), b.readUInt16BE(4), b.readIntLE(0, 3), b.readUint8(7), String(b.readBigUInt64BE())]`, `["fefffffffffe1234",-2,65534,-2,52,"18374686479671497268"]`)
	want(`const b = Buffer.from("abcabc"); return [b.indexOf("c"), b.lastIndexOf("b"), b.indexOf("z"), b.includes("ca"), b.indexOf(98, 2), b.indexOf("a", -3), b.indexOf(Buffer.from("bc"), -2), b.lastIndexOf("abc", -4)]`, `[2,4,-1,true,4,3,4,0]`)
	want(`const b = Buffer.alloc(5); return [b.write("\u20ac\u20ac"), b.toString("hex"), b.write("zz", 3), b.fill("\u20ac").toString("hex")]`, `[3,"e282ac0000",2,"e282ace282"]`)
	want(`return [Buffer.from([1, 2, 3]).equals(Uint8Array.of(1, 2, 3)), Buffer.from({ length: 2, 0: 5 }).length, Buffer.from(new String("x")).toString(), Buffer.from(Buffer.from("q").toJSON()).toString(), Buffer(3).length, new Buffer("a").length]`, `[true,2,"x","q",3,1]`)
	want(`return [Buffer.from("ff00xx", "hex").length, Buffer.from("YQ= =YQ", "base64").toString(), Buffer.from("-_-_", "base64").toString("base64"), Buffer.from([255, 254]).toString("ascii").charCodeAt(0)]`, `[2,"a","+/+/",127]`)
	want(`return [buffer.transcode(Buffer.from("\u20ac\u{1f600}"), "utf8", "latin1").toString(), buffer.isUtf8(Uint8Array.of(0xff)), buffer.isAscii(Buffer.from("a")), buffer.kMaxLength, buffer.Blob === Blob]`, `["??",false,true,2147483647,true]`)
	want(`const b = Buffer.alloc(12); b.writeDoubleBE(NaN); b.writeFloatLE(-NaN, 8); return b.toString("hex")`, `7ff80000000000000000c07f`)
	want(`return Buffer.from("abcdef").swap16().toString()`, `badcfe`)
	want(`const b = Buffer.from("abc"), c = Buffer.alloc(5); return [b.copy(c, 1, 1), c.toString("latin1"), b.compare(c), b.toString("utf8", 1, 2), b.toString(undefined, -5, 9)]`, `[2,"\u0000bc\u0000\u0000",1,"b","abc"]`)
}

func TestBufferErrors(t *testing.T) {
	e := machinetest.NewWorker(t)
	for call, want := range map[string]string{
		`Buffer.alloc(4, "x", 20)`:                   `TypeError ERR_INVALID_ARG_TYPE: The "encoding" argument must be of type string. Received type number (20)`,
		`Buffer.prototype.readFloatLE.call({})`:      `TypeError undefined: this is not a typed array.`,
		`Buffer.prototype.writeInt8.call([1], 1)`:    `TypeError undefined: this is not a typed array.`,
		`Buffer.alloc("5")`:                          `TypeError ERR_INVALID_ARG_TYPE: The "size" argument must be of type number. Received type string ('5')`,
		`Buffer.alloc(-1)`:                           `RangeError ERR_OUT_OF_RANGE: The value of "size" is out of range. It must be >= 0 && <= 2147483647. Received -1`,
		`Buffer.from(5)`:                             `TypeError ERR_INVALID_ARG_TYPE: The first argument must be of type string or an instance of Buffer, ArrayBuffer, or Array or an Array-like Object. Received type number (5)`,
		`Buffer.from("a", "nope")`:                   `TypeError ERR_UNKNOWN_ENCODING: Unknown encoding: nope`,
		`Buffer.alloc(1).toString("nope")`:           `TypeError ERR_UNKNOWN_ENCODING: Unknown encoding: nope`,
		`Buffer.alloc(2).readInt32LE(0)`:             `RangeError ERR_BUFFER_OUT_OF_BOUNDS: Attempt to access memory outside buffer bounds`,
		`Buffer.alloc(8).readInt32LE(5)`:             `RangeError ERR_OUT_OF_RANGE: The value of "offset" is out of range. It must be >= 0 and <= 4. Received 5`,
		`Buffer.alloc(8).readInt32LE(1.5)`:           `RangeError ERR_OUT_OF_RANGE: The value of "offset" is out of range. It must be an integer. Received 1.5`,
		`Buffer.alloc(8).readInt32LE("1")`:           `TypeError ERR_INVALID_ARG_TYPE: The "offset" argument must be of type number. Received type string ('1')`,
		`Buffer.alloc(8).writeUInt16LE(70000)`:       `RangeError ERR_OUT_OF_RANGE: The value of "value" is out of range. It must be >= 0 and <= 65535. Received 70000`,
		`Buffer.alloc(8).writeUIntLE(2 ** 48, 0, 6)`: `RangeError ERR_OUT_OF_RANGE: The value of "value" is out of range. It must be >= 0 and < 2 ** 48. Received 281_474_976_710_656`,
		`Buffer.alloc(8).writeBigInt64LE(2n ** 63n)`: `RangeError ERR_OUT_OF_RANGE: The value of "value" is out of range. It must be >= -(2n ** 63n) and < 2n ** 63n. Received 9_223_372_036_854_775_808n`,
		`Buffer.alloc(3).swap16()`:                   `RangeError ERR_INVALID_BUFFER_SIZE: Buffer size must be a multiple of 16-bits`,
		`Buffer.alloc(3).indexOf({})`:                `TypeError ERR_INVALID_ARG_TYPE: The "value" argument must be one of type number or string or an instance of Buffer or Uint8Array. Received an instance of Object`,
		`Buffer.alloc(3).fill("zz", "hex")`:          `TypeError ERR_INVALID_ARG_VALUE: The argument 'value' is invalid. Received 'zz'`,
		`Buffer.concat([1])`:                         `TypeError ERR_INVALID_ARG_TYPE: The "list[0]" argument must be an instance of Buffer or Uint8Array. Received type number (1)`,
		`Buffer.from(new ArrayBuffer(2), 3)`:         `RangeError ERR_BUFFER_OUT_OF_BOUNDS: "offset" is outside of buffer bounds`,
	} {
		e.Want(importBuffer+`try { `+call+`; return "no error" } catch (e) { return e.name + " " + e.code + ": " + e.message }`, want)
	}
}
