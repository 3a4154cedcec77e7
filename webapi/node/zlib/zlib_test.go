package zlib_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"workerd.local/internal/jstest"
	"workerd.local/internal/machinetest"
	"workerd.local/internal/peer"
	"workerd.local/isolate"
)

// prelude are helpers of the cases below: all of a stream, and what is thrown.
const prelude = `
const all = (s, ...chunks) => new Promise((resolve, reject) => {
	const out = [];
	s.on("data", (c) => out.push(c)).on("end", () => resolve(Buffer.concat(out))).on("error", reject);
	for (const c of chunks) s.write(c);
	s.end();
});
const thrown = (f) => { try { f(); return "nothing" } catch (e) { return [e.name, e.code, e.errno, e.message] } };
const rejected = (p) => p.then(() => "nothing", (e) => [e.name, e.code, e.errno, e.message]);
const text = "a text, a text that repeats itself, as texts do that repeat themselves. ".repeat(50);
`

// cases are run here and by node, which has to say the same.
var cases = []string{
	// Every format, whole and as a stream, both ways.
	`return ["deflate inflate", "gzip gunzip", "gzip unzip", "deflate unzip", "deflateRaw inflateRaw", "brotliCompress brotliDecompress"].map((p) => {
		const [c, d] = p.split(" "); return zlib[d + "Sync"](zlib[c + "Sync"](text)).toString() === text })`,
	`const out = []; for (const p of ["Deflate Inflate", "Gzip Gunzip", "Gzip Unzip", "Deflate Unzip", "DeflateRaw InflateRaw", "BrotliCompress BrotliDecompress"]) {
		const [c, d] = p.split(" "); const packed = await all(zlib["create" + c]({ chunkSize: 64 }), text.slice(0, 100), text.slice(100));
		out.push((await all(zlib["create" + d]({ chunkSize: 64 }), packed.subarray(0, 5), packed.subarray(5))).toString() === text) } return out`,
	`return await new Promise((r) => zlib.gzip(text, { level: 1 }, (e, b) => zlib.gunzip(b, (e2, b2) => r([e, e2, b2.toString() === text]))))`,
	`const r = zlib.deflateSync("x", { info: true }); return [r.buffer.toString("hex"), r.engine.bytesWritten, r.engine.constructor.name]`,
	`return zlib.crc32 === undefined || [zlib.crc32("hello"), zlib.crc32(Buffer.from("lo"), zlib.crc32("hel")), zlib.crc32("")]`,
	// Bytes.
	`return [zlib.deflateSync("hello hello hello").toString("hex"), zlib.gzipSync("").toString("hex"), zlib.deflateRawSync("aaaaaaaaaaaa", { strategy: zlib.constants.Z_FIXED }).toString("hex")]`,
	`return [zlib.deflateSync(text, { level: 9 }).toString("hex"), zlib.deflateSync(text, { windowBits: 9, level: 9 }).length, zlib.deflateSync(text, { strategy: zlib.constants.Z_HUFFMAN_ONLY }).toString("hex")]`,
	`return [zlib.brotliCompressSync("hello hello").toString("hex"), zlib.brotliCompressSync("").toString("hex")]`,
	// Flushes.
	`const d = zlib.createDeflate({ level: 0 }), out = []; d.on("data", (c) => out.push(c.toString("hex"))); await new Promise((r) => d.write("abc", () => d.flush(r))); d.end("d"); await new Promise((r) => d.on("end", r)); return out.join("")`,
	`const d = zlib.createDeflateRaw(), out = []; d.on("data", (c) => out.push(c)); await new Promise((r) => { d.write(text); d.flush(zlib.constants.Z_SYNC_FLUSH, r) });
		const half = Buffer.concat(out); return zlib.inflateRawSync(half, { finishFlush: zlib.constants.Z_SYNC_FLUSH }).toString() === text`,
	`return zlib.gunzipSync(zlib.gzipSync(text).subarray(0, 40), { finishFlush: zlib.constants.Z_SYNC_FLUSH }).toString().length > 0`,
	// params and reset.
	`const d = zlib.createDeflate({ level: 9 }); const p = all(d, text); d.params; return zlib.inflateSync(await p).toString() === text`,
	`const d = zlib.createDeflate({ level: 0 }), out = []; d.on("data", (c) => out.push(c)); await new Promise((r) => d.write(text, r)); await new Promise((r) => d.params(9, zlib.constants.Z_FILTERED, r)); d.end(text);
		await new Promise((r) => d.on("end", r)); return [zlib.inflateSync(Buffer.concat(out)).toString() === text + text, d._level, d._strategy]`,
	`const d = zlib.createGzip(); d.reset(); return zlib.gunzipSync(await all(d, "abc")).toString()`,
	// Dictionaries.
	`const dictionary = Buffer.from("that repeats itself"); const c = zlib.deflateSync(text, { dictionary }); return [zlib.inflateSync(c, { dictionary }).toString() === text, thrown(() => zlib.inflateSync(c)), thrown(() => zlib.inflateSync(c, { dictionary: Buffer.from("no") }))]`,
	`const dictionary = Buffer.from("that repeats itself"); return zlib.inflateRawSync(zlib.deflateRawSync(text, { dictionary }), { dictionary }).toString() === text`,
	// What is behind the end, and several members.
	`const s = zlib.createInflate(); const out = (await all(s, Buffer.concat([zlib.deflateSync("abc"), Buffer.from("and more")]))).toString(); return [out, s.bytesWritten]`,
	`const s = zlib.createBrotliDecompress(); const out = (await all(s, Buffer.concat([zlib.brotliCompressSync("abc"), Buffer.from("and more")]))).toString(); return [out, s.bytesWritten]`,
	`return zlib.gunzipSync(Buffer.concat([zlib.gzipSync("abc"), zlib.gzipSync("def"), Buffer.alloc(9)])).toString()`,
	`return thrown(() => zlib.gunzipSync(Buffer.concat([zlib.gzipSync("abc"), Buffer.from([0x1f, 0x8b, 0xff, 0xff])])))`,
	`return (await all(zlib.createUnzip(), ...[...Buffer.concat([zlib.gzipSync("abc"), zlib.gzipSync("def")])].map((b) => Buffer.from([b])))).toString()`,
	// Data that is wrong.
	`return ["inflate", "gunzip", "unzip", "inflateRaw"].map((f) => thrown(() => zlib[f + "Sync"](Buffer.from("this is no data"))))`,
	`return ["deflate inflate", "gzip gunzip", "gzip unzip", "deflateRaw inflateRaw"].map((p) => { const [c, d] = p.split(" "); return thrown(() => zlib[d + "Sync"](zlib[c + "Sync"](text).subarray(0, 30))) })`,
	`return rejected(all(zlib.createGunzip(), "nothing like gzip"))`,
	`return rejected(all(zlib.createInflate(), zlib.deflateSync(text).subarray(0, 30)))`,
	`const b = zlib.gzipSync(text); b[b.length - 6] ^= 1; return thrown(() => zlib.gunzipSync(b))`,
	`const b = zlib.gzipSync(text); b[b.length - 1] ^= 1; return rejected(all(zlib.createGunzip(), b))`,
	`return rejected(all(zlib.createBrotliDecompress(), "\x15")).then((x) => x[1])`,
	`return rejected(all(zlib.createBrotliDecompress(), Buffer.from([0xff, 0xff, 0xff]))).then((x) => x[1].startsWith("ERR__ERROR_FORMAT"))`,
	// Options that are wrong.
	`return [{ level: 10 }, { level: "9" }, { windowBits: 16 }, { windowBits: 7 }, { memLevel: 0 }, { strategy: 5 }, { chunkSize: 63 }, { chunkSize: Infinity }, { flush: 6 }, { finishFlush: "x" }, { dictionary: "text" }, { level: -Infinity }]
		.map((o) => thrown(() => zlib.createDeflate(o)))`,
	`return [{ level: 10 }, { windowBits: 0 }, { windowBits: 8 }, { memLevel: 10 }].map((o) => thrown(() => zlib.gzipSync("x", o)))`,
	`return [thrown(() => zlib.createBrotliCompress({ params: { 99: 1 } })), thrown(() => zlib.createBrotliCompress({ params: { 0: 0, "00": 0 } })), thrown(() => zlib.createBrotliCompress({ params: { 1: "x" } })), thrown(() => zlib.createBrotliCompress({ params: { 4: 42 } }))]`,
	`return [thrown(() => zlib.gzip("x")), thrown(() => zlib.gzip("x", {}, 5))]`,
	`return [thrown(() => zlib.createDeflate().params(10, 0, () => {})), thrown(() => zlib.createDeflate().params(0, "x", () => {}))]`,
	`return thrown(() => zlib.createGzip({ objectMode: true }).write({}))`,
	// The life of a stream.
	`const s = zlib.createGzip(); s.destroy(); return [s._handle, s.destroyed, await new Promise((r) => s.on("close", () => s.close(() => r("closed"))))]`,
	`const s = zlib.createGunzip(); s.close(); return await new Promise((r) => s.write("x", (e) => r(e.code)))`,
	`const s = zlib.createDeflate(); s.resume(); s.end("x"); await new Promise((r) => s.on("end", r)); return [s.bytesWritten, s.bytesRead, await new Promise((r) => s.flush(() => r("flushed")))]`,
	`return [zlib.codes.Z_BUF_ERROR, zlib.codes["-5"], Object.isFrozen(zlib.codes), zlib.constants.BROTLI_PARAM_LGWIN, thrown(() => { "use strict"; zlib.constants.Z_OK = 1 })[0]]`,
}

func TestZlibDoesWhatNodeDoes(t *testing.T) {
	var want []string
	src := "const zlib = require('zlib');" + prelude + "const cases = [" + functions() + "];" +
		`(async () => { const out = []; for (const c of cases) out.push(JSON.stringify(await c()) ?? "undefined"); console.log(JSON.stringify(out)) })()`
	cmd := exec.Command(peer.Node(t), "-e", src)
	cmd.Stderr = os.Stderr
	b, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	e := machinetest.NewWorker(t)
	for i, c := range cases {
		got, err := e.Eval(`const zlib = (await import("node:zlib")).default;` + prelude + `return JSON.stringify(await (async () => {` + c + `})()) ?? "undefined"`)
		if err != nil || got != want[i] {
			t.Errorf("%s\n\tgot  %s %v\n\tnode %s", c, got, err, want[i])
		}
	}
}

func functions() string {
	var b strings.Builder
	for _, c := range cases {
		b.WriteString("async () => {" + c + "},\n")
	}
	return b.String()
}

func TestZstandard(t *testing.T) {
	e := machinetest.NewWorker(t)
	want := func(code, want string) {
		t.Helper()
		e.Want(`const zlib = (await import("node:zlib")).default;`+prelude+code, want)
	}
	want(`const out = []; for (const level of [-5, 1, 3, 9, 19, 22]) { const c = zlib.zstdCompressSync(text, { params: { [zlib.constants.ZSTD_c_compressionLevel]: level } }); out.push(c.length < 300 && zlib.zstdDecompressSync(c).toString() === text) } return out`, `[true,true,true,true,true,true]`)
	want(`const c = await all(zlib.createZstdCompress({ chunkSize: 64 }), text, text); return [(await all(zlib.createZstdDecompress({ chunkSize: 64 }), c.subarray(0, 9), c.subarray(9))).toString() === text + text, zlib.zstdDecompressSync(zlib.zstdCompressSync("")).length]`, `[true,0]`)
	want(`const a = zlib.zstdCompressSync(text, { params: { [zlib.constants.ZSTD_c_checksumFlag]: true } }), b = zlib.zstdCompressSync(text); a[a.length - 1] ^= 1; return [a.length - b.length, thrown(() => zlib.zstdDecompressSync(a))]`, `[4,["Error","ERR_ZSTD_DECOMPRESSION_FAILED",-1,"Zstd decompression failed: Restored data doesn't match checksum"]]`)
	want(`return [thrown(() => zlib.zstdDecompressSync("no frame")), thrown(() => zlib.zstdDecompressSync(zlib.zstdCompressSync(text).subarray(0, 20))), await rejected(all(zlib.createZstdDecompress(), "no frame"))]`,
		`[["Error","ERR_ZSTD_DECOMPRESSION_FAILED",-1,"Zstd decompression failed: Unknown frame descriptor"],["Error","ERR_ZSTD_DECOMPRESSION_FAILED",-1,"unexpected end of file"],["Error","ERR_ZSTD_DECOMPRESSION_FAILED",-1,"Zstd decompression failed: Unknown frame descriptor"]]`)
	want(`const { ZSTD_c_windowLog: w, ZSTD_c_nbWorkers: n } = zlib.constants; return [thrown(() => zlib.zstdCompressSync("", { params: { [w]: 99 } }))[3], thrown(() => zlib.zstdCompressSync("", { params: { [n]: 2 } }))[3], thrown(() => zlib.createZstdCompress({ params: { [w]: 99 } })).slice(0, 2), thrown(() => zlib.createZstdCompress({ params: { 999: 1 } }))]`,
		`["Setting parameter failed: Parameter is out of bound","Setting parameter failed: Unsupported parameter",["Error","ERR_ZLIB_INITIALIZATION_FAILED"],["RangeError","ERR_ZSTD_INVALID_PARAM",null,"999 is not a valid Zstd parameter"]]`)
	want(`return [zlib.zstdDecompressSync(zlib.zstdCompressSync("abc", { pledgedSrcSize: 3 })).toString(), thrown(() => zlib.zstdCompressSync("abc", { pledgedSrcSize: 5 }))[3]]`, `["abc","Zstd compression failed: Src size is incorrect"]`)
	want(`const big = zlib.constants.ZSTD_d_windowLogMax; return thrown(() => zlib.zstdDecompressSync(zlib.zstdCompressSync(Buffer.alloc(100000)), { params: { [big]: 10 } }))[3]`, `Zstd decompression failed: Frame requires too much memory for decoding`)
	want(`const s = zlib.createZstdCompress(), out = []; s.on("data", (c) => out.push(c)); await new Promise((r) => { s.write("first"); s.flush(r) }); const n = Buffer.concat(out).length; s.end("second"); await new Promise((r) => s.on("end", r)); return [n > 5, zlib.zstdDecompressSync(Buffer.concat(out)).toString()]`, `[true,"firstsecond"]`)
}

// What would become more than there is room for fails, and costs no more than that.
func TestWholeValuesHaveABound(t *testing.T) {
	e := machinetest.NewWorkerWith(t, jstest.Options{Limits: isolate.Limits{BufferBytes: 1 << 20}})
	want := func(code, want string) {
		t.Helper()
		e.Want(`const zlib = (await import("node:zlib")).default;`+prelude+code, want)
	}
	for _, f := range []string{"deflate inflate", "gzip gunzip", "deflateRaw inflateRaw", "brotliCompress brotliDecompress", "zstdCompress zstdDecompress"} {
		from, to, _ := strings.Cut(f, " ")
		// A bomb: many times as large as what it is made of.
		class := strings.ToUpper(from[:1]) + from[1:]
		want(`const s = zlib.create`+class+`(), mega = Buffer.alloc(1 << 19); const bomb = await all(s, mega, mega, mega, mega, mega, mega);
			const over = ["RangeError", "ERR_BUFFER_TOO_LARGE", undefined, "Memory limit exceeded"];
			const later = await new Promise((r) => zlib.`+to+`(bomb, (e, b) => r([e?.code, b])));
			const small = zlib.`+from+`Sync(text), fits = zlib.`+to+`Sync(small, { maxOutputLength: text.length }).length === text.length;
			return [thrown(() => zlib.`+to+`Sync(bomb)), later, fits, thrown(() => zlib.`+to+`Sync(small, { maxOutputLength: text.length - 1 }))[1], thrown(() => zlib.`+to+`Sync(small, { info: true, maxOutputLength: 99 }))[1]]`,
			`[["RangeError","ERR_BUFFER_TOO_LARGE",null,"Memory limit exceeded"],["ERR_BUFFER_TOO_LARGE",null],true,"ERR_BUFFER_TOO_LARGE","ERR_BUFFER_TOO_LARGE"]`)
		// As a stream it waits for its reader.
		decoder := strings.ToUpper(to[:1]) + to[1:]
		want(`const s = zlib.create`+class+`(), mega = Buffer.alloc(1 << 19); const bomb = await all(s, mega, mega, mega, mega, mega, mega);
			const d = zlib.create`+decoder+`(); d.end(bomb); for (let i = 0; i < 50; i++) await null; const waits = d.readableLength <= 1 << 17; let n = 0; for await (const c of d) n += c.length; return [waits, n]`, `[true,3145728]`)
	}
}

func TestArgumentsThatAreWrong(t *testing.T) {
	e := machinetest.NewWorker(t)
	want := func(code, want string) {
		t.Helper()
		e.Want(`const zlib = (await import("node:zlib")).default;`+prelude+code, want)
	}
	want(`return [thrown(() => zlib.crc32(5))[3], thrown(() => zlib.crc32("x", -1))[1], thrown(() => zlib.crc32("x", "y"))[1], zlib.crc32("hello")]`,
		`["Failed to execute 'crc32' on 'ZlibUtil': parameter 1 is not of type 'string or ArrayBuffer or ArrayBufferView'.","ERR_OUT_OF_RANGE","ERR_INVALID_ARG_TYPE",907060870]`)
	want(`return [undefined, null, 5, {}, [1]].map((x) => thrown(() => zlib.deflateSync(x))[0])`, `["TypeError","TypeError","TypeError","TypeError","TypeError"]`)
	want(`return await new Promise((r) => zlib.deflate("x", { maxOutputLength: 0 }, (e) => r(e.message)))`, `The value of "options.maxOutputLength" is out of range. It must be >= 1 and <= 134217728. Received 0`)
	want(`return thrown(() => zlib.deflate(5, () => {})).slice(0, 2)`, `["TypeError","ERR_INVALID_ARG_TYPE"]`)
}

// The handle below the classes is there for scripts that reach for it.
func TestHandles(t *testing.T) {
	e := machinetest.NewWorker(t)
	want := func(code, want string) {
		t.Helper()
		e.Want(`const zlib = (await import("node:zlib")).default, h = zlib.createDeflate()._handle, H = h.constructor, u8 = (n) => new Uint8Array(n);`+prelude+code, want)
	}
	want(`return [0, 8, 255].map((m) => thrown(() => new H(m))[3])`, `["Invalid zlib mode","Invalid zlib mode","Invalid zlib mode"]`)
	want(`return [thrown(() => h.writeSync(9, u8(1), 0, 1, u8(9), 0, 9)), thrown(() => h.writeSync(0, u8(1), 0, 2, u8(9), 0, 9)), thrown(() => h.writeSync(0, u8(1), 0, 1, u8(9), 4294967295, 9))].map((x) => x[3])`,
		`["Invalid flush value","Input access is not within bounds","Output access is not within bounds"]`)
	want(`const x = new H(1); const before = thrown(() => x.writeSync(0, u8(1), 0, 1, u8(9), 0, 9))[3]; h.close(); return [before, thrown(() => h.writeSync(0, u8(1), 0, 1, u8(9), 0, 9))[3]]`, `["Writing before initializing","Already finalized"]`)
	want(`const x = new H(1); x.initialize(15, 6, 8, 0, u8(4), () => {}); return thrown(() => x.writeSync(4, u8(1), 0, 1, u8(99), 0, 99))[3]`, `Invalid write result buffer`)
	want(`const out = u8(99), gone = { valueOf() { structuredClone(out, { transfer: [out.buffer] }); return 99 } }; return thrown(() => h.writeSync(4, u8(1), 0, 1, out, 0, gone))[3]`, `Output access is not within bounds`)
	want(`const x = new H(1); return [thrown(() => x.initialize(99, 6, 8, 0, u8(8), () => {}))[3], thrown(() => x.initialize(15, 6, 8, 9, u8(8), () => {}))[3], thrown(() => x.initialize(15, 6, 8, 0, 5, () => {}))[0], thrown(() => x.initialize(15, 6, 8, 0, u8(8), 5))[0]]`,
		`["The value of \"options.windowBits\" is out of range. It must be >= 8 and <= 15. Received 99","invalid strategy","TypeError","TypeError"]`)
	want(`return thrown(() => H.prototype.close.call({}))[0]`, `TypeError`)
}

// A script that patches built-in classes does not reach the module.
func TestPatchedPrototypes(t *testing.T) {
	e := machinetest.NewWorker(t)
	e.Want(`const zlib = (await import("node:zlib")).default; const packed = zlib.gzipSync("abc"); Object.keys = () => { throw 1 }; Array.isArray = () => true; ArrayBuffer.isView = () => false; Number.isNaN = () => { throw 2 };
		return zlib.gunzipSync(zlib.gzipSync("abc", { level: 9 })).toString() + zlib.brotliDecompressSync(zlib.brotliCompressSync("d", { params: { 1: 3 } }))`, `abcd`)
}
