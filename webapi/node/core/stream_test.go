package core_test

import (
	"testing"

	"workerd.local/internal/machinetest"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

func TestStreams(t *testing.T) {
	e := machinetest.NewWorker(t)
	want := func(code, want string) {
		t.Helper()
		e.Want(`const stream = (await import("node:stream")).default, { Readable, Writable, Duplex, Transform, PassThrough, pipeline, finished } = stream, sp = await import("node:stream/promises"); const out = [];`+code, want)
	}
	want(`const r = new Readable({ read() {} }); r.push("a"); r.push("b"); r.push(null); r.setEncoding("utf8"); for await (const c of r) out.push(c); return out`, `["ab"]`)
	want(`const r = Readable.from(["a", "b", "c"]); for await (const c of r) { out.push(c); if (c === "b") break } return [out, r.destroyed]`, `[["a","b"],true]`)
	want(`const w = new Writable({ highWaterMark: 3, write(c, e, cb) { out.push([String(c), e]); setTimeout(cb, 1) }, final(cb) { out.push("final"); cb() } }); const first = w.write("ab"), second = w.write("cd"); w.end("e"); await sp.finished(w); return [first, second, w.writableFinished, out]`, `[true,false,true,[["ab","buffer"],["cd","buffer"],["e","buffer"],"final"]]`)
	want(`const t = new Transform({ transform(c, e, cb) { cb(null, String(c).toUpperCase()) }, flush(cb) { this.push("!"); cb() } }); Readable.from(["x", "y"]).pipe(t); let s = ""; for await (const c of t) s += c; return s`, `XY!`)
	want(`const chunks = []; await sp.pipeline(Readable.from([1, 2, 3]), async function* (src) { for await (const c of src) yield c * 2 }, new Writable({ objectMode: true, write(c, e, cb) { chunks.push(c); cb() } })); return chunks`, `[2,4,6]`)
	want(`const r = new Readable({ read() { this.destroy(new Error("bad")) } }); return await new Promise(res => pipeline(r, new PassThrough(), e => res([e.message, r.destroyed])))`, `["bad",true]`)
	want(`const r = new Readable({ read() {} }); r.push("x"); setTimeout(() => r.destroy(), 1); return await sp.finished(r).catch(e => e.code)`, `ERR_STREAM_PREMATURE_CLOSE`)
	want(`return await Readable.from([1, 2, 3, 4]).filter(x => x % 2 === 0).map(async x => x * 10).toArray()`, `[20,40]`)
	want(`const r = () => Readable.from([1, 2, 3]); return [await r().reduce((a, b) => a + b), await r().some(x => x > 2), await r().every(x => x > 2), await r().find(x => x > 1), await r().take(2).toArray(), await r().drop(1).toArray(), await r().flatMap(x => [x, x]).toArray()]`, `[6,true,false,2,[1,2],[2,3],[1,1,2,2,3,3]]`)
	want(`const web = Readable.toWeb(Readable.from([Buffer.from("ab"), Buffer.from("c")], { objectMode: false })); return await new Response(web).text()`, `abc`)
	want(`const r = Readable.fromWeb(new Response("body").body); let s = ""; for await (const c of r) s += Buffer.from(c).toString(); return s`, `body`)
	want(`const { readable, writable } = new TransformStream(); const w = Writable.fromWeb(writable); w.end("q"); return [...(await new Response(readable).bytes?.() ?? [])].length >= 0`, `true`)
	want(`const ac = new AbortController(); const r = stream.addAbortSignal(ac.signal, new Readable({ read() {} })); const p = sp.finished(r).catch(e => e.name); ac.abort(); return await p`, `AbortError`)
	want(`const d = Duplex.from(async function* (src) { for await (const c of src) yield String(c) + "!" }); d.end("a"); for await (const c of d) out.push(c); return out`, `["a!"]`)
	want(`const c = stream.compose(async function* (s) { for await (const x of s) yield String(x) + "1" }, async function* (s) { for await (const x of s) yield String(x) + "2" }); c.end("a"); for await (const x of c) out.push(x); return out`, `["a12"]`)
	want(`const [a, b] = stream.duplexPair(); a.write("hi"); b.setEncoding("utf8"); return await new Promise(r => b.once("data", r))`, `hi`)
	want(`const c = await import("node:stream/consumers"); return [await c.text(Readable.from(["a", "b"])), await c.json(Readable.from(['{"x":1}'])), (await c.buffer(Readable.from([Buffer.from("z")]))).length]`, `["ab",{"x":1},1]`)
	want(`const w = new Writable({ writev(list, cb) { out.push(list.map(x => String(x.chunk))); cb() } }); w.cork(); w.write("a"); w.write("b"); w.uncork(); await sp.finished(w.end()); return out`, `[["a","b"]]`)
	want(`const r = new Readable({ construct(cb) { setTimeout(cb, 1) }, read() { this.push("c"); this.push(null) } }); for await (const x of r) out.push(String(x)); return out`, `["c"]`)
	want(`const w = new Writable({ write(c, e, cb) { cb() } }); w.on("error", e => out.push(e.code)); w.end(); w.write("late"); await scheduler.wait(1); return out`, `["ERR_STREAM_WRITE_AFTER_END"]`)
	want(`try { new Writable().write(null) } catch (x) { return x.code }`, `ERR_STREAM_NULL_VALUES`)
	want(`try { new Writable().write(5) } catch (x) { return x.message }`, `The "chunk" argument must be of type string or an instance of Buffer, TypedArray, or DataView. Received type number (5)`)
	want(`try { Readable.from(5) } catch (x) { return x.code }`, `ERR_INVALID_ARG_TYPE`)
	want(`const passed = new Readable({ read() {} }) instanceof stream && new Duplex() instanceof Writable; return [passed, stream.isReadable(new Readable({ read() {} })), stream.getDefaultHighWaterMark(true)]`, `[true,true,16]`)
}

// A stream of a program that never reads grows no further than its mark.
func TestStreamsHoldBack(t *testing.T) {
	e := machinetest.NewWorker(t)
	e.Want(`const { Readable, PassThrough } = (await import("node:stream")).default; let n = 0; const r = new Readable({ objectMode: true, highWaterMark: 4, read() { this.push(n++) } }); const p = new PassThrough({ objectMode: true, highWaterMark: 2 }); r.pipe(p); await scheduler.wait(2); const stuck = n; await scheduler.wait(2); return [stuck === n, n < 20]`, `[true,true]`)
}

// What a worker writes to stdout is what it logs.
func TestStdioGoesThroughTheConsole(t *testing.T) {
	e := machinetest.NewWorker(t)
	e.In(func(js *isolate.JS, _ *iocontext.Context) { bind.ProgramOf(js).StdioPrefix = [2]string{"out:", ""} })
	const patched = `const fs = (await import("node:fs")).default, seen = [], { log } = console; console.log = (...a) => { seen.push(...a) };`
	e.Want(patched+`fs.writeSync(1, "a\n\nb"); fs.writeSync(1, "c"); seen.push("then"); await 0; await 0; fs.writeSync(2, "e\u20ac\n"); console.log = log; return seen`, `["out: a","out:","then","out: bc","e€"]`)
	// Code that runs for a line writes a text of its own.
	e.Want(patched+`let once = true; Object.defineProperty(console, "log", { configurable: true, get() { if (once) { once = false; fs.writeSync(1, "within") } return (x) => seen.push(x) } });
		fs.writeSync(1, "one\ntwo\n"); await 0; await 0; delete console.log; console.log = log; return seen`, `["out: one","out: two","out: within"]`)
	e.Want(patched+`console.log = () => { throw new RangeError("no") }; try { fs.writeSync(1, "x\n") } catch (e) { seen.push(e.message) } console.log = 5; fs.writeSync(1, "y\n"); console.log = log; return seen`, `["no"]`)
	e.Want(patched+`fs.writeSync(1, "x".repeat(200000)); await 0; await 0; console.log = log; return [seen.length, Math.max(...seen.map((s) => s.length))]`, `[1,16389]`)
}

func TestStdio(t *testing.T) {
	e := machinetest.NewWorker(t)
	e.Want(`process.stdout.write("a line\nand a "); process.stdout.write("rest\n"); process.stderr.write(Buffer.from("err\n")); await scheduler.wait(1); return [process.stdout.fd, process.stdin.fd]`, `[1,0]`)
}
