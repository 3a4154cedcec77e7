package server_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"workerd.local/internal/limits"
)

// portsIndex is a worker and an actor that give ports to their threads.
const portsIndex = `
import IoWorker from "worker";
import { DurableObject } from "cloudflare:workers";

const once = (target, type) => new Promise((resolve) => target.addEventListener(type, resolve, { once: true }));
// said are the next messages of a port.
const said = (port, n) => new Promise((resolve) => {
	const got = [];
	port.addEventListener("message", function listen(e) {
		if (got.push(e.data) < n) return;
		port.removeEventListener("message", listen);
		resolve(got);
	});
});
const reply = (w) => new Promise((resolve, reject) => { w.on("message", resolve); w.on("error", reject); });
const thrown = (fn) => { try { fn(); return "nothing"; } catch (e) { return e.name + ": " + e.message; } };
const job = () => new IoWorker("src/job.js");
let kept; // a port of a request that is over
let lent; // a port of an actor

export class Box extends DurableObject {
	async fetch(request) {
		const { pathname } = new URL(request.url);
		if (pathname === "/box/held") {
			const mark = this.mark;
			this.port?.close();
			return new Response(String(mark));
		}
		const log = [], { port1, port2 } = new MessageChannel();
		const w = job();
		switch (pathname) {
		case "/box/gate": {
			// What comes through a port waits for the input gate, and does not queue there.
			w.postMessage({ echo: port2 }, [port2]);
			port1.onmessage = (e) => log.push(e.data);
			for (const n of [1, 2, 3]) port1.postMessage(n);
			await this.ctx.blockConcurrencyWhile(async () => {
				log.push("begin");
				await scheduler.wait(200);
				log.push("end");
			});
			while (log.length < 5) await scheduler.wait(5);
			w.terminate();
			return Response.json(log);
		}
		case "/box/section": {
			// Code that blocks the actor hears of the channel that it has made there.
			const got = await this.ctx.blockConcurrencyWhile(async () => {
				w.postMessage({ echo: port2 }, [port2]);
				port1.postMessage("inside");
				const [first] = await said(port1, 1);
				const own = job(), back = reply(own);
				own.postMessage({ make: true });
				const port = await back;
				port.postMessage("into the thread");
				const got = [first, ...await said(port, 1)];
				own.terminate();
				return got;
			});
			w.terminate();
			return Response.json(got);
		}
		case "/box/flood": {
			// The gate is closed until the thread has been told that too much waits.
			const full = new Int32Array(new SharedArrayBuffer(4));
			w.postMessage({ flood: port2, full }, [port2]);
			let heard = 0;
			const told = new Promise((resolve) => { port1.onmessage = (e) => { typeof e.data === "string" ? resolve(e.data) : heard++; }; });
			await this.ctx.blockConcurrencyWhile(async () => { while (!Atomics.load(full, 0)) await scheduler.wait(5); });
			const text = await told;
			w.terminate();
			return Response.json([heard, text]);
		}
		case "/box/abort":
			w.postMessage({ watch: port2, echo: port2 }, [port2]);
			await said(port1, 1);
			port1.onmessage = () => console.log("heard though broken");
			port1.postMessage(1);
			this.ctx.abort("broken on purpose");
		case "/box/lend":
			lent = port1;
			w.unref();
			w.postMessage({ watch: port2 }, [port2]);
			await said(port1, 1);
			return new Response("lent");
		case "/box/leave":
			// Neither the worker nor the port keeps the actor in memory.
			this.w = w;
			w.postMessage({ watch: port2, name: "leave" }, [port2]);
			await said(port1, 1);
			port1.onmessage = () => {};
			w.unref();
			port1.unref();
			return new Response("left " + port1.hasRef());
		case "/box/hold":
			// The port keeps the actor.
			this.mark = "held";
			w.unref();
			w.postMessage({ watch: port2, name: "hold" }, [port2]);
			port1.onmessage = () => {};
			this.port = port1;
			return new Response("holds " + port1.hasRef());
		}
		return new Response("no");
	}
}

const paths = {
	async "/order"() {
		const { port1, port2 } = new MessageChannel();
		const w = job();
		port1.postMessage(1);
		port1.postMessage([2]);
		w.postMessage({ echo: port2 }, [port2]);
		port1.postMessage({ n: 3 });
		port1.postMessage(4n);
		const got = await said(port1, 4);
		w.terminate();
		return got.map((v) => typeof v.n === "number" ? v.n : Number(v));
	},
	// What was posted to a port that somebody listens to, and is not delivered yet, goes along.
	async "/due"() {
		const { port1, port2 } = new MessageChannel();
		const w = job(), log = [];
		port2.onmessage = (e) => log.push("here " + e.data);
		port2.onclose = () => log.push("left");
		port1.postMessage("a");
		await null; await null;
		port1.postMessage("b");
		w.postMessage({ echo: port2 }, [port2]);
		port2.postMessage("lost");
		log.push(...await said(port1, 1));
		w.terminate();
		return log;
	},
	// What waits for a port in this realm comes before what comes from another one.
	async "/queue"() {
		const { port1, port2 } = new MessageChannel();
		const w = job(), second = job(), log = [];
		port2.postMessage("old");
		w.postMessage({ echo: port2 }, [port2]);
		port1.postMessage("new");
		w.postMessage({ ping: true });
		await reply(w);
		const moved = job(); // and it all goes along where the port leaves, too
		const back = reply(moved);
		moved.postMessage({ collect: port1, n: 2 }, [port1]);
		const got = await back;
		for (const x of [w, second, moved]) x.terminate();
		return got;
	},
	async "/hop"() {
		const { port1, port2 } = new MessageChannel();
		const w = new Worker("./hop.js");
		const exit = new Promise((resolve) => { w.onexit = resolve; });
		w.postMessage({ port: port2, list: [1, 2] });
		port1.postMessage("to hop");
		const got = await said(port1, 1);
		const gone = thrown(() => w.postMessage(port2));
		const closed = once(port1, "close");
		port1.postMessage("end");
		await closed;
		await exit;
		return [got, gone];
	},
	// Two threads talk to each other; nobody else is between them.
	async "/between"() {
		const { port1, port2 } = new MessageChannel();
		const a = job(), b = job();
		a.postMessage({ echo: port2 }, [port2]);
		const back = reply(b);
		b.postMessage({ ask: port1, what: ["x", "y"] }, [port1]);
		const got = await back;
		a.terminate(); b.terminate();
		return got;
	},
	async "/both"() {
		const { port1, port2 } = new MessageChannel();
		const w = job(), back = reply(w);
		w.postMessage({ pair: [port1, port2] }, [port1, port2]);
		const got = await back;
		w.terminate();
		return got;
	},
	async "/made"() {
		const w = job(), back = reply(w);
		w.postMessage({ make: true });
		const port = await back;
		port.postMessage({ n: 1 });
		const got = await said(port, 1);
		const closed = once(port, "close");
		w.terminate();
		await closed;
		return [port instanceof MessagePort, port.constructor === MessagePort, got, "closed"];
	},
	// A port goes through a port, and buffers move.
	async "/through"() {
		const { port1, port2 } = new MessageChannel();
		const inner = new MessageChannel();
		const w = job();
		w.postMessage({ echo: port2 }, [port2]);
		const buffer = new ArrayBuffer(8);
		port1.postMessage({ port: inner.port2, buffer }, [inner.port2, buffer]);
		const e = await once(port1, "message");
		e.data.port.postMessage("round trip");
		const got = [e.ports.length, e.ports[0] === e.data.port, buffer.byteLength, e.data.buffer.byteLength, ...await said(inner.port1, 1)];
		w.terminate();
		return got;
	},
	async "/close"() {
		const { port1, port2 } = new MessageChannel();
		const w = job();
		w.postMessage({ last: port2 }, [port2]); // sends two messages and closes
		const log = [];
		port1.addEventListener("message", (e) => log.push(e.data));
		await once(port1, "close");
		port1.postMessage("to nobody");
		log.push(thrown(() => w.postMessage(port1, [port1])));
		const other = new MessageChannel(), there = reply(w);
		w.postMessage({ watch: other.port2, tell: true }, [other.port2]);
		await said(other.port1, 1);
		other.port1.close();
		log.push(await there);
		w.terminate();
		return log;
	},
	async "/killed"() {
		const { port1, port2 } = new MessageChannel();
		const w = job();
		w.postMessage({ spin: port2 }, [port2]);
		await said(port1, 1);
		const lost = new MessageChannel(), never = new MessageChannel();
		w.postMessage(never.port2, [never.port2]); // waits in the inbox
		port1.postMessage(lost.port2, [lost.port2]); // waits in the port
		const closed = Promise.all([port1, never.port1, lost.port1].map((p) => once(p, "close")));
		w.terminate();
		await closed;
		return "all closed";
	},
	async "/errors"() {
		const { port1, port2 } = new MessageChannel(), far = new MessageChannel();
		const w = job();
		const log = [
			thrown(() => w.postMessage({ port2 })),
			thrown(() => port1.postMessage({ port2 })),
			thrown(() => port1.postMessage(port2, [port2])),
			thrown(() => structuredClone(port2, { transfer: [port2] })),
			thrown(() => w.postMessage(port2, [port2, port2])),
			thrown(() => w.postMessage({ port2, f: { get x() { throw new Error("mine") } } }, [port2])),
		];
		w.postMessage({ echo: far.port2 }, [far.port2]);
		log.push(
			thrown(() => w.postMessage(far.port2, [far.port2])),
			thrown(() => far.port1.postMessage(1, [far.port1])),
			thrown(() => far.port1.postMessage(1, 1)),
			thrown(() => far.port1.postMessage(1, { transfer: 1 })),
			thrown(() => far.port1.postMessage(1, [{}])),
			thrown(() => far.port1.postMessage(() => {})),
			thrown(() => MessagePort.prototype.ref.call({})),
			thrown(() => w.postMessage(port2, [port2])),
		);
		w.terminate();
		return log;
	},
	// A queue has a bound, and what does not fit is refused.
	async "/full"() {
		const { port1, port2 } = new MessageChannel(), lost = new MessageChannel();
		const w = job();
		w.postMessage({ keep: port2 }, [port2]);
		let n = 0;
		const text = thrown(() => { for (;;) { port1.postMessage(n); n++; } });
		const closed = once(lost.port1, "close");
		const refused = thrown(() => port1.postMessage(lost.port2, [lost.port2]));
		await closed;
		w.terminate();
		return [n, text, refused];
	},
	// More may wait in a port of this realm than in one of another; it all goes along.
	async "/carried"() {
		const { port1, port2 } = new MessageChannel();
		for (let i = 0; i < 150; i++) port1.postMessage(i);
		const w = job(), back = reply(w);
		w.postMessage({ collect: port2, n: 150 }, [port2]);
		const got = await back;
		w.terminate();
		return [got.length, got.every((v, i) => v === i)];
	},
	// The ports of one request have a bound, whoever opened them; those that are closed make room.
	async "/many"() {
		const w = job(), log = [];
		const send = (n) => { const all = Array.from({ length: n }, () => new MessageChannel()), list = all.map((c) => c.port2); w.postMessage(list, list); return all; };
		const open = send(3);
		log.push(thrown(() => send(1)));
		for (const { port1 } of open) { const closed = once(port1, "close"); port1.close(); await closed; }
		const last = Array.from({ length: 4 }, () => new MessageChannel()), list = last.map((c) => c.port2);
		const closed = once(last[3].port1, "close");
		w.postMessage(list, list); // one too many, in one message
		await closed;
		w.terminate();
		// What arrives counts as well.
		await Promise.all(last.slice(0, 3).map((c) => once(c.port1, "close")));
		const other = job(), came = new Promise((resolve) => { other.on("message", () => {}); other.on("error", resolve); });
		for (let i = 0; i < 4; i++) other.postMessage({ make: true });
		log.push((await came).message);
		other.terminate();
		return log;
	},
	// A thread of Hop lives while it listens to a port.
	async "/lives"() {
		const { port1, port2 } = new MessageChannel();
		const w = new Worker("./lone.js");
		const ready = new Promise((resolve) => { w.onmessage = (e) => resolve(e.data); });
		const exit = new Promise((resolve) => { w.onexit = resolve; });
		const port = await ready;
		port.postMessage("still there");
		const got = await said(port, 1);
		port.postMessage("unref");
		await exit;
		return got;
	},
	// The request that gave a port away owns the other end.
	async "/leaves"() {
		const { port1, port2 } = new MessageChannel();
		const w = job();
		w.postMessage({ watch: port2, name: "request" }, [port2]);
		await said(port1, 1);
		kept = port1;
		return "done";
	},
	// A channel leads from an actor's thread to that of a request, and its ends are closed with either.
	async "/lent"(box) {
		await box.fetch("http://box/box/lend");
		const w = job(), there = reply(w);
		w.postMessage({ watch: lent, tell: true }, [lent]);
		await box.fetch("http://box/box/abort").catch(() => {});
		const got = await there;
		w.terminate();
		return got;
	},
	// What cannot be written when its port leaves is a messageerror at its place.
	async "/unreadable"() {
		const { port1, port2 } = new MessageChannel(), { name } = Error.prototype;
		for (const v of [1, new Error("it has a name"), 2]) port1.postMessage(v);
		const w = job(), back = reply(w);
		Object.defineProperty(Error.prototype, "name", { get() { throw 1; }, configurable: true });
		w.postMessage({ collect: port2, n: 3 }, [port2]);
		Object.defineProperty(Error.prototype, "name", { value: name, configurable: true, writable: true });
		const got = await back;
		w.terminate();
		return got;
	},
	"/kept"() {
		const w = job();
		const text = thrown(() => w.postMessage(kept, [kept]));
		w.terminate();
		kept.postMessage("nobody hears it");
		kept.close();
		return [text, kept.hasRef()];
	},
};

export default {
	async fetch(request, env) {
		const { pathname } = new URL(request.url);
		if (pathname.startsWith("/box")) return env.BOX.get(env.BOX.idFromName("a")).fetch(request);
		return Response.json(await paths[pathname](env.BOX.get(env.BOX.idFromName("lender"))));
	},
};
`

var portsFiles = map[string]string{
	"wrangler.toml": strings.Replace(threadsToml, `["src/job.ts", "src/hop.js"]`, `["src/job.js", "src/hop.js", "src/lone.js"]`, 1),
	"src/index.js":  portsIndex,
	"src/job.js": `
import Worker from "worker";
Worker.on("message", (m) => {
	if (m.echo) m.echo.onmessage = (e) => m.echo.postMessage(e.data, e.ports);
	if (m.ping) Worker.postMessage("pong");
	if (m.make) {
		const { port1, port2 } = new MessageChannel();
		port1.onmessage = (e) => port1.postMessage(e.data);
		Worker.postMessage(port2, [port2]);
	}
	if (m.ask) {
		const got = [];
		m.ask.onmessage = (e) => { if (got.push("answer " + e.data) === m.what.length) Worker.postMessage(got); };
		for (const what of m.what) m.ask.postMessage(what);
	}
	if (m.pair) {
		const [a, b] = m.pair;
		b.onmessage = (e) => b.postMessage(e.data + 1);
		a.onmessage = (e) => Worker.postMessage(e.data);
		a.postMessage(41);
	}
	if (m.collect) {
		const got = [];
		m.collect.onmessageerror = (e) => got.push(e.type + " " + e.data.name);
		m.collect.onmessage = (e) => { if (got.push(e.data) === m.n) Worker.postMessage(got); };
	}
	if (m.last) { m.last.postMessage("first"); m.last.postMessage("last"); m.last.close(); }
	if (m.watch) {
		m.watch.onclose = () => { console.log("closed: " + m.name); if (m.tell) Worker.postMessage("closed there"); };
		m.watch.postMessage("watched");
	}
	if (m.spin) { m.spin.postMessage("spins"); for (;;); }
	if (m.keep) globalThis.port = m.keep;
	if (m.flood) {
		let n = 0;
		try { for (;; n++) m.flood.postMessage(n); } catch (e) {
			Atomics.store(m.full, 0, 1);
			const say = () => { try { m.flood.postMessage(e.name + " at " + n); } catch { setTimeout(say, 10); } };
			say();
		}
	}
});
`,
	"src/hop.js": `
onmessage = ({ data }) => {
	data.port.onmessage = (e) => {
		if (e.data === "end") { data.port.close(); close(); return; }
		data.port.postMessage([e.data, data.list]);
	};
};
`,
	"src/lone.js": `
const { port1, port2 } = new MessageChannel();
postMessage(port2);
port1.onmessage = (e) => {
	if (e.data === "unref") return port1.unref();
	port1.postMessage(e.data);
};
`,
}

func startPorts(t *testing.T, settings ...string) *running {
	p := newProject(t, portsFiles)
	o := p.options()
	bounds, err := limits.Parse(settings...)
	if err != nil {
		t.Fatal(err)
	}
	o.ActorIdle, o.Limits.Bounds = 50*time.Millisecond, bounds
	return p.startWith(o)
}

// logged waits until the log has a text.
func (r *running) logged(text string) {
	r.t.Helper()
	for end := time.Now().Add(time.Minute); !strings.Contains(r.p.log.String(), text); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			r.t.Fatalf("the log has no %q:\n%s", text, r.p.log)
		}
	}
}

func TestPortsOfDeployedWorkersTravel(t *testing.T) {
	r := startPorts(t, "threads.messages=100")
	for _, c := range [][2]string{
		{"/order", `[1,2,3,4]`},
		{"/due", `["here a","left","b"]`},
		{"/queue", `["old","new"]`},
		{"/hop", `[[["to hop",[1,2]]],"DataCloneError: MessagePort in transfer list is already detached"]`},
		{"/between", `["answer x","answer y"]`},
		{"/both", `42`},
		{"/made", `[true,true,[{"n":1}],"closed"]`},
		{"/through", `[1,true,0,8,"round trip"]`},
		{"/close", `["first","last","DataCloneError: MessagePort in transfer list is already detached","closed there"]`},
		{"/killed", `"all closed"`},
		{"/errors", `["DataCloneError: Object that needs transfer was found in message but not listed in transferList",` +
			`"DataCloneError: Could not serialize object of type \"MessagePort\". This type does not support serialization.",` +
			`"Error: Transfer list is not supported",` +
			`"TypeError: Object is not transferable",` +
			`"DataCloneError: Transfer list contains duplicate MessagePort",` +
			`"Error: mine",` +
			`"DataCloneError: MessagePort in transfer list is already detached",` +
			`"DataCloneError: Transfer list contains source port",` +
			`"TypeError: Failed to execute 'postMessage' on 'MessagePort': parameter 2 is not of type 'Array or PostMessageOptions'.",` +
			`"TypeError: Incorrect type for the 'transfer' field on 'PostMessageOptions': the provided value is not of type 'Array'.",` +
			`"TypeError: Found invalid object in transferList",` +
			`"DataCloneError: () => {\n      } could not be cloned.",` +
			`"TypeError: Illegal invocation: function called with incorrect ` + "`this`" + ` reference. See https://developers.cloudflare.com/workers/observability/errors/#illegal-invocation-errors for details.",` +
			`"nothing"]`},
		{"/full", `[100,"RangeError: Too many messages wait at the other end of the port.","RangeError: Too many messages wait at the other end of the port."]`},
		{"/carried", `[150,true]`},
		{"/unreadable", `[1,"messageerror DataCloneError",2]`},
		{"/lives", `["still there"]`},
	} {
		r.want(c[0], c[1])
	}
}

func TestPortsOfOneRequestAreBounded(t *testing.T) {
	const full = "There are 3 open ports already whose other end is in another thread, and there cannot be more."
	startPorts(t, "threads.ports=3").want("/many", `["RangeError: `+full+`","`+full+`"]`)
}

func TestPortsEndWithTheirRequest(t *testing.T) {
	before := runtime.NumGoroutine()
	p := newProject(t, portsFiles)
	o := p.options()
	o.Isolates = 1
	r := p.startWith(o)
	r.want("/leaves", `"done"`)
	r.want("/lent", `"closed there"`)
	r.want("/kept", `["DataCloneError: MessagePort in transfer list is already detached",false]`)
	r.stop()
	threadsGone(t, before)
}

func TestPortsOfActors(t *testing.T) {
	r := startPorts(t, "threads.messages=100")
	r.want("/box/gate", `["begin","end",1,2,3]`)
	r.want("/box/section", `["inside","into the thread"]`)
	r.want("/box/flood", `[100,"RangeError at 100"]`)
	r.get("/box/abort")
	r.want("/box/hold", "holds true")
	time.Sleep(300 * time.Millisecond) // longer than an idle actor stays
	r.want("/box/held", "held")
	r.want("/box/leave", "left false")
	// Each look is an event, which makes an idle actor stay: the looks become rarer.
	for end, pause := time.Now().Add(time.Minute), 100*time.Millisecond; ; pause *= 2 {
		time.Sleep(pause)
		if _, got := r.get("/box/held"); got == "undefined" {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the actor was not evicted")
		}
	}
	if strings.Contains(r.p.log.String(), "heard though broken") {
		t.Error("an actor that is broken has heard of a port")
	}
}

// A realm whose scripts cannot start threads has the ports that it always had.
func TestPortsWithoutThreads(t *testing.T) {
	p := newProject(t, map[string]string{
		"wrangler.toml": "name = \"w\"\nmain = \"index.js\"\ncompatibility_date = \"2026-01-01\"\n[dev]\nport = 0\n",
		"index.js":      `export default { fetch() { return Response.json([...Object.getOwnPropertyNames(MessagePort.prototype)].sort()) } };`,
	})
	p.start().want("/", `["close","constructor","onmessage","postMessage","start"]`)
}
