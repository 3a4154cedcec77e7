package server_test

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"workerd.local/config"
	"workerd.local/internal/limits"
	"workerd.local/script"
	"workerd.local/server"
)

const threadsToml = `name = "w"
main = "src/index.js"
compatibility_date = "2026-01-01"
[dev]
port = 0
[durable_objects]
bindings = [{ name = "BOX", class_name = "Box" }]
[[migrations]]
tag = "v1"
new_sqlite_classes = ["Box"]
[vars]
SECRET = "of the worker"
[workerd]
threads = ["src/job.ts", "src/hop.js"]
`

// threadsIndex is a worker and an actor, which use threads of both faces.
const threadsIndex = `
import IoWorker from "worker";
import { DurableObject } from "cloudflare:workers";

const talk = (w, ...messages) => new Promise((resolve, reject) => {
	const got = [];
	w.on("message", (m) => { got.push(m); if (got.length === messages.length) resolve(got); });
	w.on("error", reject);
	for (const m of messages) w.postMessage(m);
});
let full = false;
const failure = (make) => new Promise((resolve) => {
	const w = make();
	if (w.on) w.on("error", (e) => resolve(e.name + ": " + e.message));
	else w.onerror = (e) => { e.preventDefault(); resolve(e.message); };
});

export class Box extends DurableObject {
	constructor(ctx, env) {
		super(ctx, env);
		this.log = [];
		ctx.blockConcurrencyWhile(async () => {
			const w = new IoWorker("src/job.ts");
			this.first = (await talk(w, 20))[0];
			w.terminate();
		});
	}
	async fetch(request) {
		const { pathname } = new URL(request.url);
		if (pathname === "/box/first") return new Response(String(this.first));
		if (pathname === "/box/leave") {
			// It lives on, and does not keep the actor.
			this.w = new IoWorker("src/job.ts");
			await talk(this.w, 1);
			this.w.unref();
			return new Response("left");
		}
		if (pathname === "/box/break") {
			const w = new IoWorker("src/job.ts");
			w.on("message", () => { console.log("heard though broken"); });
			w.postMessage(1);
			this.ctx.abort("broken on purpose");
		}
		if (pathname === "/box/flood") {
			let heard = 0;
			const w = new IoWorker("src/job.ts");
			const told = new Promise((resolve) => { w.on("message", (m) => { typeof m === "string" ? resolve(m) : heard++; }); });
			w.postMessage("flood");
			// The gate is closed until the thread has been told that too much waits.
			await this.ctx.blockConcurrencyWhile(async () => { while (!full) await scheduler.wait(5); });
			const text = await told;
			w.terminate();
			return Response.json([heard, text]);
		}
		const w = new IoWorker("src/job.ts");
		w.on("message", (m) => { this.log.push("reply " + m); });
		w.postMessage(1); w.postMessage(2);
		await this.ctx.blockConcurrencyWhile(async () => {
			this.log.push("begin");
			await scheduler.wait(300);
			this.log.push("end");
		});
		while (this.log.length < 4) await scheduler.wait(5);
		w.terminate();
		return new Response(this.log.join(", "));
	}
}

export default {
	async fetch(request, env) {
		const url = new URL(request.url);
		if (url.pathname.startsWith("/box")) return env.BOX.get(env.BOX.idFromName("a")).fetch(request);
		switch (url.pathname) {
		case "/full": full = true; return new Response("full");
		case "/io": {
			const w = new IoWorker("./job.js"); // compiled from job.ts, beside the main module
			const got = await talk(w, 20, 21);
			w.terminate();
			return Response.json(got);
		}
		case "/hop": {
			const w = new Worker("./hop.js");
			const said = await new Promise((resolve, reject) => {
				w.onmessage = (e) => resolve(e.data);
				w.onerror = (e) => reject(e.error);
				w.postMessage({ n: 5 });
			});
			w.terminate();
			return Response.json(said);
		}
		case "/missing":
			return Response.json([await failure(() => new IoWorker("./other.js")), await failure(() => new Worker("../secret.js"))]);
		case "/eval":
			try { new IoWorker("1", { eval: true }); } catch (e) { return new Response(e.name); }
			return new Response("made");
		case "/throws":
			return new Response(await failure(() => { const w = new IoWorker("src/job.ts"); w.postMessage("throw"); return w; }));
		case "/many": {
			const all = [];
			try { for (;;) all.push(new IoWorker("src/job.ts")); } catch (e) { return new Response(all.length + " " + e.name); }
		}
		case "/left":
			new IoWorker("src/job.ts"); // nobody terminates it
			return new Response("done");
		case "/spin":
			return new Response(await failure(() => { const w = new IoWorker("src/job.ts"); w.postMessage("spin"); return w; }));
		case "/wait":
			await talk(new IoWorker("src/job.ts"), 1);
			await new Promise(() => {});
		}
		return new Response("no");
	},
};
`

var threadsFiles = map[string]string{
	"wrangler.toml": threadsToml,
	"src/index.js":  threadsIndex,
	"src/job.ts": `
import Worker from "worker";
import { twice } from "./twice";
console.log("the job begins");
Worker.on("message", (m: number | string) => {
	if (m === "throw") throw new RangeError("out of it");
	while (m === "spin") ;
	if (m === "flood") {
		let n = 0;
		try { for (;; n++) Worker.postMessage(n); } catch (e) {
			console.log("flooded");
			const say = () => { try { Worker.postMessage(e.name); } catch { setTimeout(say, 10); } };
			return say();
		}
	}
	Worker.postMessage(twice(m as number));
});
`,
	"src/twice.ts": `export const twice = (n: number): number => 2 * n;`,
	"src/hop.js": `
import { env } from "cloudflare:workers";
onmessage = async (e) => {
	const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode("x"));
	postMessage({ n: e.data.n + 1, bytes: digest.byteLength, env: Object.keys(env).length, eval: (() => { try { return new Function("return 1")(); } catch (e) { return e.name; } })() });
};
`,
}

// threadsGone waits until no more goroutines are there than before.
func threadsGone(t *testing.T, before int) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); runtime.NumGoroutine() > before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			buf := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
		}
	}
}

func TestWorkersStartThreads(t *testing.T) {
	p := newProject(t, threadsFiles)
	o := p.options()
	bounds, err := limits.Parse("threads.deployed=5")
	if err != nil {
		t.Fatal(err)
	}
	o.Limits.Bounds, o.Limits.Turn, o.Isolates = bounds, 2*time.Second, 1
	r := p.startWith(o)
	r.want("/io", "[40,42]")
	r.want("/hop", `{"n":6,"bytes":32,"env":0,"eval":"EvalError"}`)
	r.want("/missing", `["Error: Cannot find module './other.js'","Error: Cannot find module '../secret.js'"]`)
	r.want("/eval", "EvalError")
	r.want("/throws", "RangeError: out of it")
	// Threads of requests that are over may still be about to end.
	soon := func(path, want string) {
		t.Helper()
		for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
			code, got := r.get(path)
			if code == 200 && strings.Contains(got, want) {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("GET %s: %d %q, want %q\n%s", path, code, got, want, p.log)
			}
		}
	}
	soon("/many", "5 RangeError")
	if !strings.Contains(p.log.String(), `msg="the job begins" worker=w`) {
		t.Errorf("the log lacks what the thread printed:\n%s", p.log)
	}
	soon("/spin", "limit")
	soon("/io", "[40,42]")
}

func TestActorsStartThreads(t *testing.T) {
	p := newProject(t, threadsFiles)
	o := p.options()
	bounds, err := limits.Parse("threads.messages=100")
	if err != nil {
		t.Fatal(err)
	}
	o.Isolates, o.ActorIdle, o.Limits.Bounds = 1, 50*time.Millisecond, bounds
	r := p.startWith(o)
	r.want("/box/first", "40")
	// What the thread says waits for the input gate.
	r.want("/box/order", "begin, end, reply 2, reply 4")
	// It does not queue there: the thread is told that too much waits.
	flooded := make(chan string, 1)
	go func() { _, text := r.get("/box/flood"); flooded <- text }()
	r.logged("flooded")
	r.want("/full", "full")
	if text := <-flooded; text != `[100,"RangeError"]` {
		t.Errorf("/box/flood: %s", text)
	}
	r.get("/box/break")
	r.want("/box/first", "40")
	if strings.Contains(p.log.String(), "heard though broken") {
		t.Error("an actor that is broken has heard of its thread")
	}
	time.Sleep(200 * time.Millisecond)
	before := runtime.NumGoroutine()
	r.want("/box/leave", "left")
	r.client.CloseIdleConnections()
	threadsGone(t, before) // with the actor
}

func TestThreadsEndWithTheirOwner(t *testing.T) {
	before := runtime.NumGoroutine()
	p := newProject(t, threadsFiles)
	r := p.start()
	r.want("/left", "done")
	ctx, cancel := context.WithCancel(t.Context())
	answered := make(chan error, 1)
	go func() {
		_, err := r.request(ctx, "/wait")
		answered <- err
	}()
	time.Sleep(300 * time.Millisecond)
	cancel()
	<-answered
	r.want("/io", "[40,42]")
	p.write(map[string]string{"src/twice.ts": `export const twice = (n: number): number => 3 * n;`})
	if err := r.s.Reload(t.Context(), p.config()); err != nil {
		t.Fatal(err)
	}
	r.want("/io", "[60,63]")
	r.stop()
	threadsGone(t, before)
}

func TestThreadsNeedConfiguration(t *testing.T) {
	p := newProject(t, map[string]string{
		"wrangler.toml": "name = \"w\"\nmain = \"index.js\"\ncompatibility_date = \"2026-01-01\"\ncompatibility_flags = [\"nodejs_compat\"]\n[dev]\nport = 0\n",
		"index.js":      `export default { async fetch() { return new Response(typeof Worker + " " + await import("" + "worker").catch((e) => e.message)); } };`,
	})
	r := p.start()
	if _, got := r.get("/"); !strings.HasPrefix(got, "undefined ") || !strings.Contains(got, `worker`) {
		t.Errorf("without configuration: %q", got)
	}
	// An import that cannot be served says what to set.
	const setting = `No such module "worker". Threads are for a worker whose wrangler file lists what they run: [workerd] threads = ["job.js"].`
	p = newProject(t, map[string]string{
		"wrangler.toml": "name = \"w\"\nmain = \"index.js\"\ncompatibility_date = \"2026-01-01\"\n",
		"index.js":      `import Worker from "worker"; export default { fetch() { return new Response(typeof Worker); } };`,
	})
	if got := p.failure(); !strings.Contains(got, setting) || !strings.Contains(got, "index.js:1:") {
		t.Errorf("a project: %s", got)
	}
	p = newProject(t, map[string]string{"config.capnp": one(""), "main.js": `import Worker from "worker"; export default {};`})
	if got := p.failure(); !strings.Contains(got, setting) {
		t.Errorf("a configuration: %s", got)
	}
	p = newProject(t, map[string]string{
		"config.capnp": one(`compatibilityFlags = ["nodejs_compat", "enable_nodejs_worker_threads_module"], bindings = [(name = "LOADER", workerLoader = (id = "x"))],`),
		"main.js": `import { Worker } from "node:worker_threads";
export default { async fetch(request, env) {
	const stub = env.LOADER.get("w", () => ({ compatibilityDate: "2026-01-01", mainModule: "m.js", modules: { "m.js": 'import W from "worker"; export default { fetch() { return new Response(typeof W) } }' } }));
	let inNode; try { new Worker("./x.js"); } catch (e) { inNode = e.code + " " + e.message; }
	return new Response(await stub.getEntrypoint().fetch("http://x/").then((r) => r.text(), (e) => e.message) + "\n" + inNode);
} };`,
	})
	if _, got := p.start().get("/"); !strings.Contains(got, setting+" A worker that another one loads has none.") || !strings.Contains(got, "ERR_METHOD_NOT_IMPLEMENTED") || !strings.Contains(got, "[workerd] threads") {
		t.Errorf("a worker that is loaded, and node:worker_threads: %s", got)
	}
	p = newProject(t, map[string]string{"wrangler.toml": threadsToml, "src/index.js": threadsIndex, "src/hop.js": ""})
	if got := p.failure(); !strings.Contains(got, "wrangler.toml:14:12: ") || !strings.Contains(got, "src/job.ts") {
		t.Errorf("an entry that is missing: %s", got)
	}
}

func TestEmbeddersListThreads(t *testing.T) {
	p := newProject(t, map[string]string{
		"config.capnp": one(""),
		"main.js": `import Worker from "worker";
export default { async fetch() {
	const w = new Worker("./job.js");
	return new Response(await new Promise((resolve, reject) => { w.on("message", resolve); w.on("error", reject); }));
} };`,
	})
	o := p.options()
	o.Threads = map[string][]server.ThreadEntry{"main": {{Path: "job.js", Source: script.Source{
		Modules: []script.Module{{Name: "job.js", Kind: script.ESModule, Content: []byte(`import Worker from "worker"; Worker.postMessage("from the thread");`)}},
	}}}}
	p.startWith(o).want("/", "from the thread")
}

func TestThreadsFieldIsStrict(t *testing.T) {
	for own, want := range map[string]string{
		`threads = ["../job.js"]`:             "is not a file of the project",
		`threads = ["/etc/job.js"]`:           "is not a file of the project",
		`threads = ["a.js", "./a.js"]`:        "is there twice",
		`threads = [1]`:                       "must be a string",
		`threads = "a.js"`:                    "must be a list",
		`thread = ["a.js"]`:                   `has no field "thread"`,
		"threads = [\"a.js\"]\n[workerd.x]\n": `has no field "x"`,
	} {
		p := newProject(t, map[string]string{"wrangler.toml": "name = \"w\"\nmain = \"index.js\"\ncompatibility_date = \"2026-01-01\"\n[workerd]\n" + own})
		_, _, err := config.Load(p.dir, config.LoadOptions{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", own, err, want)
		}
	}
}
