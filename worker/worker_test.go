package worker_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"workerd.local/event"
	"workerd.local/internal/jstest"
	"workerd.local/isolate"
)

func TestModuleHandler(t *testing.T) {
	k := newKit(t, `
		let n = 0;
		export default {
			async fetch(request, env, ctx) {
				const url = new URL(request.url);
				if (url.pathname === "/echo") return new Response(await request.text(), {status: 201, headers: {"x-a": "b"}});
				if (url.pathname === "/await") { await null; await Promise.resolve(); return new Response("awaited " + typeof ctx.waitUntil); }
				if (url.pathname === "/stream") {
					let i = 0;
					return new Response(new ReadableStream({ pull(c) { if (i === 3) c.close(); else c.enqueue(new TextEncoder().encode("chunk" + i++ + ";")); } }));
				}
				return new Response("hello " + ++n);
			}
		};`, kitOptions{})
	k.want("/", "hello 1")
	k.want("/", "hello 2")
	k.want("/await", "awaited function")
	k.want("/stream", "chunk0;chunk1;chunk2;")
	resp, err := k.fetch("POST", "/echo", "body text")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.Status != 201 || resp.Header.Get("X-A") != "b" {
		t.Errorf("status %d, headers %v", resp.Status, resp.Header)
	}
}

func TestFailuresFailOneRequest(t *testing.T) {
	k := newKit(t, `
		const grow = () => grow() + 1;
		export default {
			async fetch(request) {
				switch (new URL(request.url).pathname) {
				case "/throw": throw new TypeError("no good");
				case "/value": throw "just text";
				case "/garbage": return {not: "a response"};
				case "/nothing": return undefined;
				case "/hang": await new Promise(() => {});
				case "/overflow": grow();
				case "/overflow-later": await null; grow();
				case "/reject": await Promise.reject(new RangeError("later"));
				case "/null-proto": throw Object.create(null);
				case "/getter": throw { get message() { throw new Error("inner"); } };
				}
				return new Response("fine");
			}
		};`, kitOptions{})
	for path, want := range map[string]string{
		"/throw":          "TypeError: no good",
		"/value":          "Error: just text",
		"/garbage":        "TypeError: Incorrect type for Promise: the Promise did not resolve to 'Response'.",
		"/nothing":        "TypeError: Incorrect type for Promise: the Promise did not resolve to 'Response'.",
		"/hang":           "Error: The Workers runtime canceled this request because it detected that your Worker's code had hung",
		"/overflow":       "RangeError: Maximum call stack size exceeded",
		"/overflow-later": "RangeError: Maximum call stack size exceeded",
		"/reject":         "RangeError: later",
		"/null-proto":     "Error",
		"/getter":         "Error",
	} {
		k.wantError(path, want)
		k.want("/", "fine")
		k.wantError("/value", "Error: just text")
	}
	if log := k.log.String(); !strings.Contains(log, "no good") || !strings.Contains(log, "main.js") {
		t.Errorf("the log has no stack of the user's file:\n%s", log)
	}
}

func TestEndlessLoopIsStoppedAndTheNextRequestWorks(t *testing.T) {
	k := newKit(t, `
		let state = "fresh";
		export default { fetch(request) {
			const p = new URL(request.url).pathname;
			if (p === "/loop") { state = "used"; for (;;); }
			if (p === "/microtasks") { const spin = () => Promise.resolve().then(spin); return spin(); }
			if (p === "/regexp") { /(a+)+(?!b)c/.test("a".repeat(40)); for (;;); }
			return new Response(state);
		} };`, kitOptions{limits: isolate.Limits{Turn: 300 * time.Millisecond}})
	for _, p := range []string{"/loop", "/microtasks", "/regexp"} {
		k.wantError(p, "Error: Worker exceeded CPU time limit.")
		k.want("/", "fresh") // a new realm: module state starts again
	}
	if !strings.Contains(k.log.String(), "realm condemned") {
		t.Errorf("the log does not say which worker was stopped:\n%s", k.log)
	}
}

func TestAbortIsolateEndsTheRealm(t *testing.T) {
	k := newKit(t, `
		import { abortIsolate } from "cloudflare:workers";
		let count = 0;
		export default { async fetch(request) {
			const p = new URL(request.url).pathname;
			count++;
			if (p === "/end") { await null; try { abortIsolate("worn out") } finally { globalThis.never = 1 } }
			if (p === "/odd") try { abortIsolate(Symbol()) } catch (e) { return new Response(e.name) }
			return new Response(count + typeof globalThis.never);
		} };`, kitOptions{})
	k.want("/", "1undefined")
	k.wantError("/end", "Error: internal error; reference = ")
	k.want("/", "1undefined")
	k.want("/odd", "TypeError")
	k.want("/", "3undefined")
	if !strings.Contains(k.log.String(), "abortIsolate() called; reason = worn out") {
		t.Errorf("the log does not say why:\n%s", k.log)
	}
	isos := startIsolates(t, 1, isolate.Limits{}, k.log)
	early := newPool(t, "early", `import { abortIsolate } from "cloudflare:workers"; for (;;) try { abortIsolate() } catch {}`, isos, kitOptions{})
	if err := early.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "Script startup was ended: abortIsolate() called") {
		t.Errorf("the start gave %v", err)
	}
}

// Two workers on one isolate have separate globals, and a CPU hit in one leaves the
// other's promises alone.
func TestRealmsOfOneIsolateAreSeparate(t *testing.T) {
	k := newKit(t, `
		globalThis.shared = "a";
		export default { async fetch(request) {
			if (new URL(request.url).pathname === "/wait") {
				await new Promise(r => setTimeout(r, 400));
				return new Response("kept " + globalThis.shared);
			}
			return new Response(globalThis.shared);
		} };`, kitOptions{limits: isolate.Limits{Turn: 300 * time.Millisecond}})
	other := newPool(t, "other", `
		const before = typeof globalThis.shared;
		globalThis.shared = "b";
		export default { fetch(request) { for (;;); } };`, k.isos, kitOptions{})
	if err := other.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	k.want("/", "a")
	done := make(chan string)
	go func() {
		_, body := k.get("/wait")
		done <- body
	}()
	_, err := other.Service("").Fetch(t.Context(), &event.Request{Method: "GET", URL: "http://x/", Header: http.Header{}})
	if err == nil || !strings.Contains(err.Error(), "exceeded CPU") {
		t.Errorf("the loop ended with %v", err)
	}
	if got := <-done; got != "kept a" {
		t.Errorf("the other worker's request ended with %q", got)
	}
}

func TestStartupErrorsNameThePlace(t *testing.T) {
	for name, c := range map[string]struct {
		source string
		o      kitOptions
		want   []string
	}{
		"throw":       {"\nexport default {};\nnull.x;", kitOptions{}, []string{"Uncaught TypeError", "main.js:3"}},
		"global io":   {`fetch("http://x/"); export default {};`, kitOptions{}, nil},
		"tla io":      {`await fetch("http://x/"); export default {};`, kitOptions{}, []string{"Disallowed operation called within global scope"}},
		"timer":       {`setTimeout(() => {}, 1); export default {};`, kitOptions{}, []string{"Disallowed operation called within global scope"}},
		"never":       {`await new Promise(() => {}); export default {};`, kitOptions{}, []string{"Top-level await in module is unresolved"}},
		"endless":     {`for (;;); export default {};`, kitOptions{limits: isolate.Limits{Startup: 200 * time.Millisecond}}, []string{"Script startup exceeded its limit"}},
		"eval":        {`eval("1"); export default {};`, kitOptions{date: "2024-01-01"}, []string{"EvalError"}},
		"no listener": {`const x = 1;`, kitOptions{service: true}, []string{"No event handlers were registered. This script does nothing."}},
	} {
		t.Run(name, func(t *testing.T) {
			isos := startIsolates(t, 1, c.o.limits, &jstest.Log{})
			err := newPool(t, "bad", c.source, isos, c.o).Start(t.Context())
			if c.want == nil {
				return // a rejection nobody handles does not stop the script
			}
			if err == nil {
				t.Fatal("the script started")
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error %q lacks %q", err, w)
				}
			}
		})
	}
}

func TestServiceWorkerSyntax(t *testing.T) {
	k := newKit(t, `
		addEventListener("fetch", event => {
			const p = new URL(event.request.url).pathname;
			if (p === "/silent") return;
			if (p === "/late") { setTimeout(() => event.respondWith(new Response("late")), 0); return; }
			event.respondWith(handle(event.request));
		});
		async function handle(request) { return new Response("sw " + request.method); }`, kitOptions{service: true})
	k.want("/", "sw GET")
	k.wantError("/silent", "Error: No event listener called respondWith()")
	k.wantError("/late", "Error: No event listener called respondWith()")
}

func TestEntrypointsAndBuiltins(t *testing.T) {
	k := newKit(t, `
		import { WorkerEntrypoint, DurableObject, env, waitUntil } from "cloudflare:workers";
		export class Named extends WorkerEntrypoint {
			async fetch(request) { return new Response("named " + typeof this.ctx.waitUntil + typeof this.env); }
		}
		export class Obj extends DurableObject {}
		export const plain = { fetch() { return new Response("plain"); } };
		export default { async fetch() { return new Response(typeof env + typeof waitUntil); } };`, kitOptions{})
	ask := func(entry string) string {
		resp, err := k.pool.Service(entry).Fetch(t.Context(), &event.Request{Method: "GET", URL: "http://x/", Header: http.Header{}})
		if err != nil {
			return err.Error()
		}
		return string(resp.Body.Bytes)
	}
	for entry, want := range map[string]string{
		"":      "objectfunction",
		"Named": "named functionobject",
		"plain": "plain",
		"Obj":   "TypeError: The entrypoint name Obj refers to a Durable Object class, but the incoming request is trying to invoke it as a stateless worker.",
		"gone":  "TypeError: The entrypoint name gone was not found in this worker. Ensure the worker exports an entrypoint with that name.",
	} {
		if got := ask(entry); got != want {
			t.Errorf("entrypoint %q: %s, want %s", entry, got, want)
		}
	}
}

func TestWaitUntilOutlivesTheResponse(t *testing.T) {
	hit := make(chan string, 1)
	k := newKit(t, `
		export default { fetch(request, env, ctx) {
			ctx.waitUntil((async () => { await new Promise(r => setTimeout(r, 50)); await fetch("http://out/after"); })());
			return new Response("now");
		} };`, kitOptions{outbound: serviceFunc(func(_ context.Context, r *event.Request) (*event.Response, error) {
		hit <- r.URL
		return &event.Response{Status: 200, Header: http.Header{}}, nil
	})})
	k.want("/", "now")
	select {
	case u := <-hit:
		if u != "http://out/after" {
			t.Error(u)
		}
	case <-time.After(time.Minute):
		t.Fatal("the work handed to waitUntil never ran")
	}
}

func TestClientGoneEndsTheRequest(t *testing.T) {
	begun, gone := make(chan struct{}), make(chan struct{})
	k := newKit(t, `export default { async fetch() { return fetch("http://out/"); } };`,
		kitOptions{outbound: serviceFunc(func(ctx context.Context, r *event.Request) (*event.Response, error) {
			close(begun)
			<-ctx.Done()
			close(gone)
			return nil, ctx.Err()
		})})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-begun; cancel() }()
	if _, err := k.pool.Service("").Fetch(ctx, &event.Request{Method: "GET", URL: "http://x/", Header: http.Header{}}); err == nil {
		t.Fatal("the request answered")
	}
	select {
	case <-gone:
	case <-time.After(time.Minute):
		t.Fatal("the subrequest went on")
	}
}

func TestRequestSignalTellsThatTheClientHasGone(t *testing.T) {
	begun, told := make(chan struct{}), make(chan string, 1)
	k := newKit(t, `export default { async fetch(request, env, ctx) {
			ctx.waitUntil(new Promise(done => request.signal.addEventListener("abort", async () => {
				await fetch("http://out/" + request.signal.reason.name + "/" + request.signal.reason.message);
				done();
			})));
			await fetch("http://out/begun");
			await scheduler.wait(60000);
		} };`,
		kitOptions{flags: []string{"enable_request_signal"}, outbound: serviceFunc(func(_ context.Context, r *event.Request) (*event.Response, error) {
			if r.URL == "http://out/begun" {
				close(begun)
			} else {
				told <- r.URL
			}
			return &event.Response{Status: 200, Header: http.Header{}}, nil
		})})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-begun; cancel() }()
	if _, err := k.pool.Service("").Fetch(ctx, &event.Request{Method: "GET", URL: "http://x/", Header: http.Header{}}); err == nil {
		t.Fatal("the request answered")
	}
	select {
	case u := <-told:
		if u != "http://out/AbortError/The%20client%20has%20disconnected" {
			t.Error(u)
		}
	case <-time.After(time.Minute):
		t.Fatal("the signal did not fire")
	}
}

func TestAbortStopsTheRequestAtTheLine(t *testing.T) {
	k := newKit(t, `
		const seen = [], waiting = {};
		const leak = () => { seen.push("leak"); };
		export default { async fetch(request, env, ctx) {
			const path = new URL(request.url).pathname;
			switch (path) {
			case "/seen": return new Response(seen.join());
			case "/wait": return new Response(await new Promise(r => { waiting.on = r; setTimeout(r, 60000); }));
			case "/error": try { await 1; ctx.abort(new TypeError("typed")) } finally { leak() }
			case "/plain": ctx.waitUntil(new Promise(() => {})); Promise.resolve().then(leak); setTimeout(leak, 0); try { ctx.abort() } catch { leak() } leak();
			case "/settle": waiting.on("went on"); try { ctx.abort("text") } finally { leak() }
			}
		} };`, kitOptions{})
	k.wantError("/error", "TypeError: typed")
	k.wantError("/plain", "Error: Worker execution was aborted due to call to ctx.abort().")
	waiting := make(chan string, 1)
	go func() {
		resp, err := k.pool.Service("").Fetch(t.Context(), &event.Request{Method: "GET", URL: "http://x/wait", Header: http.Header{}})
		if err != nil {
			waiting <- err.Error()
			return
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body.Reader())
		waiting <- fmt.Sprint(string(b), err)
	}()
	for {
		resp, err := k.pool.Service("").Fetch(t.Context(), &event.Request{Method: "GET", URL: "http://x/settle", Header: http.Header{}})
		if err == nil {
			resp.Body.Close()
			t.Fatal("it was answered")
		}
		if err.Error() == "Error: text" {
			break
		}
		time.Sleep(time.Millisecond) // /wait has not begun: there is nothing to settle
	}
	if got := <-waiting; got != "went on<nil>" {
		t.Errorf("another request: %q", got)
	}
	k.want("/seen", "")
}

// Code that runs in a thenable's then belongs to the request that awaits it.
func TestThenableKeepsTheContext(t *testing.T) {
	k := newKit(t, `
		export default { async fetch(request) {
			const inner = { then(r) { fetch("http://out/inner").then(x => x.text()).then(r); } };
			const got = await { then(r) { fetch("http://out/outer").then(async x => r(await x.text() + "+" + await inner)); } };
			return new Response(got);
		} };`, kitOptions{outbound: serviceFunc(func(_ context.Context, r *event.Request) (*event.Response, error) {
		return &event.Response{Status: 200, Header: http.Header{}, Body: event.BytesBody([]byte(strings.TrimPrefix(r.URL, "http://out/")))}, nil
	})})
	k.want("/", "outer+inner")
}

func TestObjectsOfAnotherRequestAreRefused(t *testing.T) {
	k := newKit(t, `
		let kept;
		export default { async fetch(request) {
			if (new URL(request.url).pathname === "/keep") { kept = request; return new Response("kept"); }
			return new Response(await kept.text());
		} };`, kitOptions{})
	if code, body := k.send("POST", "/keep", "private"); code != 200 {
		t.Fatal(code, body)
	}
	k.wantError("/use", "Error: Cannot perform I/O on behalf of a different request.")
}

func TestPoolsSpreadOverIsolates(t *testing.T) {
	var all sync.WaitGroup
	all.Add(8)
	k := newKit(t, `
		const id = Math.random();
		export default { async fetch() { await fetch("http://out/"); return new Response(String(id)); } };`,
		kitOptions{isolates: 2, outbound: serviceFunc(func(ctx context.Context, _ *event.Request) (*event.Response, error) {
			all.Done()
			all.Wait() // they run at the same time
			return &event.Response{Status: 200, Header: http.Header{}}, nil
		})})
	seen := make(chan string, 8)
	for range 8 {
		go func() { _, b := k.get("/"); seen <- b }()
	}
	ids := map[string]bool{}
	for range 8 {
		ids[<-seen] = true
	}
	if len(ids) != 2 {
		t.Errorf("8 concurrent requests saw %d module states, want 2: %v", len(ids), ids)
	}
}

// A worker that computes keeps its isolate from everybody; the others of a pool are asked
// meanwhile.
func TestRequestsAvoidAnIsolateInALongTurn(t *testing.T) {
	k := newKit(t, `export default { fetch() { for (;;); } };`, kitOptions{isolates: 2, limits: isolate.Limits{Turn: time.Minute}})
	other := &kit{t: t, isos: k.isos, log: k.log}
	other.pool = newPool(t, "other", `let n = 0; export default { fetch() { return new Response(String(++n)); } };`, k.isos, kitOptions{})
	if err := other.pool.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	other.want("/", "1")
	spun := make(chan string, 1)
	go func() { _, text := k.get("/"); spun <- text }()
	for !k.isos[0].InLongTurn() {
		time.Sleep(time.Millisecond)
	}
	for i := range 3 {
		other.want("/", strconv.Itoa(i+1)) // the module of the other isolate
	}
	k.isos[0].Kill(errors.New("enough"))
	if text := <-spun; text == "" {
		t.Error("the loop has answered")
	}
	for k.isos[0].InLongTurn() { // the answer comes from within the turn
		time.Sleep(time.Millisecond)
	}
}

func TestScheduledAndTestEvents(t *testing.T) {
	k := newKit(t, `
		export default {
			scheduled(c, env, ctx) { if (c.cron !== "* * * * *" || c.scheduledTime !== 5000 || Object.keys(c).join() !== "cron,scheduledTime") throw new Error("bad " + c.cron); },
			test() { },
		};
		export const failing = { async test(c, env, ctx) { ctx.waitUntil(Promise.reject(new Error("left behind"))); } };
		export const silent = { fetch() {} };`, kitOptions{})
	for _, c := range []struct {
		entry string
		ev    event.Event
		want  event.OutcomeStatus
	}{
		{"", event.Scheduled{Time: time.UnixMilli(5000), Cron: "* * * * *"}, event.OK},
		{"", event.Scheduled{Time: time.UnixMilli(5000), Cron: "other"}, event.Exception},
		{"", event.Test{}, event.OK},
		{"failing", event.Test{}, event.Exception},
		{"silent", event.Test{}, event.NotFound},
	} {
		o, err := k.pool.Service(c.entry).Deliver(t.Context(), c.ev)
		if o.Status != c.want || (err == nil) != (c.want == event.OK) {
			t.Errorf("%T at %q: %s, %v; want %s", c.ev, c.entry, o.Status, err, c.want)
		}
	}
}

type serviceFunc func(context.Context, *event.Request) (*event.Response, error)

func (f serviceFunc) Fetch(ctx context.Context, r *event.Request) (*event.Response, error) {
	return f(ctx, r)
}
func (f serviceFunc) Deliver(context.Context, event.Event) (event.Outcome, error) {
	return event.Outcome{}, event.ErrUnsupported
}
