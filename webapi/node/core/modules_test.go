package core_test

import (
	"testing"

	"workerd.local/internal/machinetest"
)

func TestEvents(t *testing.T) {
	e := machinetest.NewWorker(t)
	want := func(code, want string) {
		t.Helper()
		e.Want(`const EventEmitter = (await import("node:events")).default; const e = new EventEmitter(), out = [];`+code, want)
	}
	want(`e.on("a", (...x) => out.push(x)); e.once("a", () => out.push("once")); e.prependListener("a", () => out.push("first")); e.emit("a", 1, 2); e.emit("a"); return [out, e.emit("b"), e.eventNames(), e.listenerCount("a")]`, `[["first",[1,2],"once","first",[]],false,["a"],2]`)
	want(`e.on("newListener", n => out.push(n)); e.on("removeListener", n => out.push("-" + n)); const f = () => {}; e.on("x", f); e.off("x", f); return out`, `["removeListener","x","-x"]`)
	want(`try { e.emit("error", new RangeError("boom")) } catch (x) { out.push(x.name) } try { e.emit("error", 5) } catch (x) { out.push(x.code, x.message, x.context) } return out`, `["RangeError","ERR_UNHANDLED_ERROR","Unhandled error. (5)",5]`)
	want(`e.on(EventEmitter.errorMonitor, x => out.push("seen " + x.message)); try { e.emit("error", new Error("m")) } catch { } return out`, `["seen m"]`)
	want(`setTimeout(() => e.emit("go", 1, 2), 1); return await EventEmitter.once(e, "go")`, `[1,2]`)
	want(`setTimeout(() => e.emit("error", new Error("no")), 1); try { await EventEmitter.once(e, "go") } catch (x) { return x.message }`, `no`)
	want(`const it = EventEmitter.on(e, "v"); e.emit("v", 1); e.emit("v", 2); for await (const [v] of it) { out.push(v); if (v === 2) break } return [out, e.listenerCount("v")]`, `[[1,2],0]`)
	want(`const c = new AbortController(); const p = EventEmitter.once(e, "x", { signal: c.signal }); c.abort(); return await p.catch(x => [x.name, x.code])`, `["AbortError","ABORT_ERR"]`)
	want(`const r = new EventEmitter({ captureRejections: true }); r.on("error", x => out.push(x.message)); r.on("a", async () => { throw new Error("async") }); r.emit("a"); await scheduler.wait(1); return out`, `["async"]`)
	want(`class Sub extends EventEmitter {} function Old() { EventEmitter.call(this) } Object.setPrototypeOf(Old.prototype, EventEmitter.prototype); return [new Sub() instanceof EventEmitter, new Old().on("a", () => {}).listenerCount("a")]`, `[true,1]`)
	want(`const t = new EventTarget(), f = () => {}; t.addEventListener("x", f); return [EventEmitter.getEventListeners(t, "x")[0] === f, EventEmitter.getMaxListeners(t), EventEmitter.getMaxListeners(e)]`, `[true,10,10]`)
	want(`try { e.on("x", 1) } catch (x) { return x.message }`, `The "listener" argument must be of type function. Received type number (1)`)
}

func TestPath(t *testing.T) {
	e := machinetest.NewWorker(t)
	want := func(code, want string) {
		t.Helper()
		e.Want(`const path = (await import("node:path")).default, { win32, posix } = path; return `+code, want)
	}
	want(`[path.join("/a", "..", "b", "./c/"), path.resolve("/x", "y", "../z"), path.relative("/a/b/c", "/a/d"), path.normalize("a//b/../c/."), path.isAbsolute("a")]`, `["/b/c/","/x/z","../../d","a/c",false]`)
	want(`[path.basename("/a/b.txt", ".txt"), path.extname(".x.tar.gz"), path.dirname("/a/b/"), path.dirname("/a"), path.dirname("a"), path.parse("/h/f.t"), path.format({ dir: "/d", name: "n", ext: "e" })]`,
		`["b",".gz","/a","/",".",{"root":"/","dir":"/h","base":"f.t","ext":".t","name":"f"},"/d/n.e"]`)
	want(`[win32.join("C:\\a", "..", "b"), win32.resolve("C:\\x", "D:/y", "z"), win32.parse("C:\\p\\f.t").dir, win32.normalize("//s/h/a/.."), win32.relative("C:\\a\\b", "C:\\A\\c"), win32.isAbsolute("C:/"), win32.toNamespacedPath("C:\\x")]`,
		`["C:\\b","D:\\y\\z","C:\\p","\\\\s\\h\\","..\\c",true,"\\\\?\\C:\\x"]`)
	want(`[path.matchesGlob("/a/b.js", "/a/*.js"), path.matchesGlob("/a/c/b.js", "/a/**/*.{ts,js}"), path.matchesGlob("/a/b", "/x/*")]`, `[true,true,false]`)
	want(`[posix === path, win32.posix === posix, path.sep, path.delimiter, win32.sep]`, `[true,true,"/",":","\\"]`)
	e.Want(`const path = (await import("node:path")).default; try { path.join(5) } catch (x) { return x.message }`, `The "path" argument must be of type string. Received type number (5)`)
}

func TestQuerystringAndDecoder(t *testing.T) {
	e := machinetest.NewWorker(t)
	e.Want(`const qs = (await import("node:querystring")).default; return [qs.parse("a=1&b=%20x+y&a=2&c"), qs.stringify({ a: [1, "b c"], d: true, e: null }), qs.escape("\u00e9&"), qs.unescape("%zz%41"), qs.parse("a:1;b:2", ";", ":", { maxKeys: 1 })]`,
		`[{"a":["1","2"],"b":" x y","c":""},"a=1&a=b%20c&d=true&e=","%C3%A9%26","%zzA",{"a":"1"}]`)
	e.Want(`const qs = (await import("node:querystring")).default; return [qs.parse("&&a=1&b=2", null, null, { maxKeys: 3 }), qs.parse("%\u0100=1")]`, `[{"a":"1"},{"%Ā":"1"}]`)
	e.Want(`const qs = (await import("node:querystring")).default; try { qs.escape("\ud800") } catch (x) { return [x.name, x.code] }`, `["URIError","ERR_INVALID_URI"]`)
	e.Want(`const { StringDecoder } = await import("node:string_decoder"), { Buffer } = await import("node:buffer"); const d = new StringDecoder("utf8"), b = Buffer.from("\u20ac\u{1f600}"); return [d.write(b.subarray(0, 2)), d.lastNeed, d.write(b.subarray(2, 5)), d.write(b.subarray(5)), d.end(), d.write(b.subarray(0, 1)), d.end()]`,
		`["",1,"€","😀","","","�"]`)
	e.Want(`const { StringDecoder } = await import("node:string_decoder"); const d = new StringDecoder("utf8"); const w = d.write(new Float16Array([2.046875])); d[Object.getOwnPropertySymbols(d)[0]] = new Uint8Array(1); try { d.write(new Uint8Array(1)) } catch (e) { return [w.length, e.message] }`, `[2,"Invalid StringDecoder"]`)
	e.Want(`const { StringDecoder } = await import("node:string_decoder"); const d = new StringDecoder("base64"); return [d.write(new Uint8Array([1])), d.write(new Uint8Array([2, 3, 4])), d.end()]`, `["","AQID","BA=="]`)
	decode := func(code, want string) {
		t.Helper()
		e.Want(`const { StringDecoder } = await import("node:string_decoder"), { Buffer } = await import("node:buffer"); const feed = (e, ...parts) => { const d = new StringDecoder(e); return [...parts.map((p) => d.write(Buffer.from(p, "hex"))), d.end(), d.lastNeed, d.lastTotal] };
			const odd = (change) => { const d = new StringDecoder(), key = Object.getOwnPropertySymbols(d)[0]; change(d[key], d, key); try { return d.write(Buffer.from("x")) } catch (e) { return [e.name, e.message] } };`+code, want)
	}
	decode(`return [feed("utf16le", "3dd84d"), feed("utf16le", "3d", "d8", "4d", "dc"), feed("utf16le", "3dd8"), feed("utf16le", "41004200")].map((list) => list.map(escape))`,
		`[["%uD83D","","0","0"],["","","","%uD83D%uDC4D","","0","0"],["","%uD83D","0","0"],["AB","","0","0"]]`)
	decode(`return [feed("utf8", "f1", "41f2"), feed("utf8", "e282", "", "ac41"), feed("utf8", "80808080c3"), feed("base64url", "fb", "ef"), feed("hex", "0a", "0b")]`,
		`[["","�A","�",0,0],["","","€A","",0,0],["����","�",0,0],["","","--8",0,0],["0a","0b","",0,0]]`)
	decode(`return [odd((s) => s[5] = 9), odd((s) => s[4] = 9), odd((s) => s[6] = 9), odd((s) => { s[4] = 3; s[5] = 2 }), odd((s) => s[5] = 1), odd((_, d, key) => d[key] = Buffer.alloc(9)), odd((_, d, key) => d[key] = "text"), odd((_, d, key) => delete d[key])]`,
		`[["Error","Buffered bytes cannot exceed 4"],["Error","Missing bytes cannot exceed 4"],["Error","Invalid StringDecoder state"],["Error","Invalid StringDecoder state"],["Error","Invalid StringDecoder state"],["TypeError","Invalid StringDecoder"],["TypeError","Invalid StringDecoder"],["TypeError","Value of \"this\" must be of type StringDecoder"]]`)
	decode(`const d = new StringDecoder(); d.write(Buffer.of(0xe2)); d.write(d.lastChar.subarray(0, 1)); return [d.end(), d.text(Buffer.from("abc"), 1), d.end()]`, `["�","bc",""]`)
	e.Want(`const { StringDecoder } = await import("node:string_decoder"); try { new StringDecoder("x") } catch (e) { return [e.code, e.message] }`, `["ERR_UNKNOWN_ENCODING","Unknown encoding: x"]`)
}

func TestAsyncLocalStorage(t *testing.T) {
	e := machinetest.NewWorker(t)
	want := func(code, want string) {
		t.Helper()
		e.Want(`const { AsyncLocalStorage, AsyncResource } = await import("node:async_hooks"); const als = new AsyncLocalStorage();`+code, want)
	}
	want(`const ask = { then(done) { done(als.getStore()) } }; return [await als.run(1, async () => await ask), await als.run(2, async () => await new Promise((r) => r(ask))), await als.run(3, () => Promise.resolve(ask)), als.run(4, () => als.run(5, () => 0)) === 0]`, `[1,2,3,true]`)
	want(`const seen = []; await als.run(1, async () => { seen.push(als.getStore()); await 0; seen.push(als.getStore()); await new Promise(r => setTimeout(r, 1)); seen.push(als.getStore()); als.exit(() => seen.push(als.getStore() ?? "none")); await als.run(2, async () => { await scheduler.wait(1); seen.push(als.getStore()) }); seen.push(als.getStore()) }); return [seen, als.getStore() === undefined]`, `[[1,1,1,"none",2,1],true]`)
	want(`let snap; als.run("s", () => { snap = AsyncLocalStorage.snapshot() }); const b = als.run("b", () => AsyncLocalStorage.bind(x => [als.getStore(), x])); return [snap(() => als.getStore()), b(3), als.run("o", () => snap((a, c) => [als.getStore(), a, c], 1, 2))]`, `["s",["b",3],["s",1,2]]`)
	want(`const other = new AsyncLocalStorage({ name: "n", defaultValue: 9 }); return als.run(1, () => other.run(2, () => als.run(3, () => [als.getStore(), other.getStore(), other.name, new AsyncLocalStorage({ defaultValue: 9 }).getStore()])))`, `[3,2,"n",9]`)
	want(`const r = als.run("r", () => new AsyncResource("X")); return [r.runInAsyncScope(function (a) { return [this.t, a, als.getStore()] }, { t: 1 }, 2), r.bind(() => als.getStore())(), r.asyncId()]`, `[[1,2,"r"],"r",0]`)
	want(`try { als.enterWith(1) } catch (x) { return x.message }`, `asyncLocalStorage.enterWith() is not implemented`)
	want(`return als.run(1, (a, b) => [a, b], 2, 3)`, `[2,3]`)
}

func TestTimersOfNode(t *testing.T) {
	e := machinetest.NewWorker(t)
	e.Want(`const timers = (await import("node:timers")).default, p = await import("node:timers/promises"); const t = timers.setTimeout(() => {}, 5); return [t.hasRef(), t.unref().hasRef(), typeof +t, await p.setTimeout(1, "v"), await p.setImmediate("i"), typeof t.refresh]`, `[true,false,"number","v","i","function"]`)
	e.Want(`const p = await import("node:timers/promises"); const c = new AbortController(); const w = p.setTimeout(1000, 0, { signal: c.signal }); c.abort("why"); return await w.catch(x => [x.name, x.cause])`, `["AbortError","why"]`)
	e.Want(`const p = await import("node:timers/promises"); let n = 0; for await (const v of p.setInterval(1, "x")) if (++n === 3) return [v, n]`, `["x",3]`)
	e.Want(`const timers = (await import("node:timers")).default; try { timers.setTimeout(1) } catch (x) { return x.code }`, `ERR_INVALID_ARG_TYPE`)
}

func TestURLOfNode(t *testing.T) {
	e := machinetest.NewWorker(t)
	want := func(code, want string) {
		t.Helper()
		e.Want(`const url = (await import("node:url")).default;`+code, want)
	}
	want(`const u = url.parse("http://user:pa%20ss@Host.com:8080/p/a?x=1&y=2#h", true); return [u.protocol, u.auth, u.host, u.port, u.hostname, u.hash, u.search, u.query, u.pathname, u.path, u.href]`,
		`["http:","user:pa ss","host.com:8080","8080","host.com","#h","?x=1&y=2",{"x":"1","y":"2"},"/p/a","/p/a?x=1&y=2","http://user:pa%20ss@host.com:8080/p/a?x=1&y=2#h"]`)
	want(`return [url.resolve("/one/two/three", "four"), url.resolve("http://example.com/a/b", "../c?d"), url.resolve("http://a.com/b", "//c.d/e"), url.resolve("http://a.com", "mailto:x@y")]`, `["/one/two/four","http://example.com/c?d","http://c.d/e","mailto:x@y"]`)
	want(`return [url.format({ protocol: "https", host: "a.b", pathname: "c", query: { d: [1, 2] } }), url.format(new URL("http://u:p@xn--mnchen-3ya.de/a?b#c"), { fragment: false, unicode: true, auth: false })]`, `["https://a.b/c?d=1&d=2","http://münchen.de/a?b"]`)
	want(`return [url.fileURLToPath("file:///a%20b"), url.pathToFileURL("/a#b?c").href, url.fileURLToPath("file:///C:/x", { windows: true }), url.domainToASCII("m\u00fcnchen.de"), url.domainToUnicode("xn--mnchen-3ya.de")]`, `["/a b","file:///a%23b%3Fc","C:\\x","xn--mnchen-3ya.de","münchen.de"]`)
	want(`try { url.parse(5) } catch (x) { return x.code }`, `ERR_INVALID_ARG_TYPE`)
	want(`try { url.fileURLToPath("http://a") } catch (x) { return [x.code, x.message] }`, `["ERR_INVALID_URL_SCHEME","The URL must be of scheme file"]`)
}

func TestUtil(t *testing.T) {
	e := machinetest.NewWorker(t)
	want := func(code, want string) {
		t.Helper()
		e.Want(`const util = (await import("node:util")).default;`+code, want)
	}
	want(`const f = util.promisify((a, cb) => cb(null, a + 1)); const c = util.callbackify(async a => a * 2); return [await f(1), await new Promise(r => c(4, (e, v) => r([e, v])))]`, `[2,[null,8]]`)
	want(`return await util.promisify((cb) => cb(new Error("bad")))().catch(e => e.message)`, `bad`)
	want(`function A() {} function B() {} B.prototype.x = 1; util.inherits(A, B); return [new A().x, A.super_ === B]`, `[1,true]`)
	want(`return [util.format("%s %d %j", "a", 1, { b: 2 }), util.inspect({ a: [1] }), util.stripVTControlCharacters("\u001b[31mx\u001b[39m"), util.styleText("red", "x", { validateStream: false }), util.isDeepStrictEqual({ a: 1 }, { a: 1 })]`, `["a 1 {\"b\":2}","{ a: [ 1 ] }","x","\u001b[31mx\u001b[39m",true]`)
	want(`const { createSecretKey } = await import("node:crypto"); return [util.types.isKeyObject(createSecretKey("k", "utf8")), util.types.isKeyObject({}), util.types.isKeyObject(1), util.types.isFloat16Array(new Float16Array(1)), util.types.isFloat16Array(new Float32Array(1))]`, `[true,false,false,true,false]`)
	want(`const t = util.types; return [t.isMap(new Map), t.isPromise(Promise.resolve()), t.isRegExp(/a/), t.isDate({}), t.isProxy(new Proxy({}, {})), t.isUint8Array(new Uint8Array), t.isAsyncFunction(async () => {}), t.isGeneratorFunction(function* () {}), t.isBoxedPrimitive(Object(1)), t.isNativeError(new TypeError)]`, `[true,true,true,false,true,true,true,true,true,true]`)
	want(`const m = new util.MIMEType('Text/HTML; Charset="utf-8"; q=1'); m.params.set("x", 'a b'); return [m.essence, m.params.get("charset"), String(m)]`, `["text/html","utf-8","text/html;charset=utf-8; q=1; x=\"a b\""]`)
	want(`return util.parseEnv('A=1\nexport B="x y"\n# c\nC= z # no')`, `{"A":"1","B":"x y","C":"z"}`)
	want(`try { util.promisify(1) } catch (x) { return x.message }`, `The "original" argument must be of type function. Received type number (1)`)
	want(`try { new util.MIMEType("x") } catch (x) { return x.code }`, `ERR_INVALID_MIME_SYNTAX`)
}

func TestDiagnosticsChannel(t *testing.T) {
	e := machinetest.NewWorker(t)
	e.Want(`const dc = (await import("node:diagnostics_channel")).default, { AsyncLocalStorage } = await import("node:async_hooks"); const out = [], c = dc.channel("x"), als = new AsyncLocalStorage(); const f = (m, n) => out.push([m, n]); dc.subscribe("x", f); c.publish(1); c.bindStore(als, v => v * 2); out.push(c.runStores(21, () => als.getStore())); dc.unsubscribe("x", f); c.publish(2); return out`, `[[1,"x"],[21,"x"],42]`)
	e.Want(`const dc = (await import("node:diagnostics_channel")).default; const t = dc.tracingChannel("t"), out = []; t.subscribe({ start: () => out.push("start"), end: () => out.push("end"), asyncEnd: c => out.push(c.result), error: () => out.push("error") }); await t.tracePromise(async x => x + 1, {}, null, 1); try { t.traceSync(() => { throw 1 }) } catch { } return out`, `["start","end",2,"start","error","end"]`)
}

func TestProcess(t *testing.T) {
	e := machinetest.NewWorker(t)
	e.Want(`const process = (await import("node:process")).default; process.env.X = 5; const ticks = []; process.nextTick(v => ticks.push(v), 1); await 0; return [process.env.X, process.platform, process.version[0], ticks, process.cwd(), process.umask(), Array.isArray(process.hrtime()), typeof process.hrtime.bigint(), process.argv, String(process)]`, `["5","linux","v",[1],"/bundle",18,true,"bigint",["workerd"],"[object process]"]`)
	e.Want(`const process = (await import("node:process")).default; return await new Promise(r => { process.on("warning", w => r([w.name, w.message, w.code])); process.emitWarning("m", "Kind", "C1") })`, `["Kind","m","C1"]`)
	e.Want(`const process = (await import("node:process")).default; try { process.env.s = Symbol() } catch (x) { return x.message }`, `Cannot convert a symbol value to a string`)
	e.Want(`return [typeof process.nextTick, Buffer.from("a").toString("hex"), global === globalThis, typeof setTimeout(() => {}, 0).refresh, typeof setImmediate(() => {}).hasRef]`, `["function","61",true,"function","function"]`)
}

func TestSmallModules(t *testing.T) {
	e := machinetest.NewWorker(t)
	e.Want(`const os = (await import("node:os")).default; return [os.EOL, os.platform(), os.constants.signals.SIGTERM, os.cpus(), os.endianness()]`, `["\n","linux",15,[],"LE"]`)
	e.Want(`const p = (await import("node:punycode")).default; return [p.encode("m\u00fcnchen"), p.decode("mnchen-3ya"), p.toASCII("ma\u00f1ana.com"), p.toUnicode("xn--maana-pta.com")]`, `["mnchen-3ya","münchen","xn--maana-pta.com","mañana.com"]`)
	e.Want(`const m = (await import("node:module")).default; return [m.builtinModules.includes("fs"), m.isBuiltin("node:test"), m.isBuiltin("test"), typeof m.createRequire("/")]`, `[true,true,false,"function"]`)
	e.Want(`const c = (await import("node:constants")).default; return [c.SIGKILL, c.O_CREAT, c.ENOENT]`, `[9,64,2]`)
	e.Want(`const cp = (await import("node:child_process")).default; try { cp.spawn("x") } catch (x) { return [x.code, x.message] }`, `["ERR_METHOD_NOT_IMPLEMENTED","The child_process.spawn method is not implemented"]`)
}
