package hop_test

import (
	"strings"
	"testing"
	"time"
)

func lines(text ...string) string { return strings.Join(text, "\n") }

func TestWorkerAnswersAndTheParentEndsIt(t *testing.T) {
	k := run(t, map[string]string{
		"main.js": `const w = new Worker("./sub/echo.js");
			w.onmessage = function(e) { console.log(e.type, e.data, this === w, e.target === w); w.terminate(); };
			w.onexit = (e) => console.log(e.type, e.data, e.code);
			w.postMessage("hello");
			console.log(String(w), "posted");`,
		"sub/echo.js": `onmessage = (e) => postMessage(e.data.toUpperCase());`,
	})
	if got, want := k.ends(0), lines("[object Worker] posted", "message HELLO true true", "exit undefined 0"); got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
}

func TestWorkerBeginsAfterTheTurn(t *testing.T) {
	k := run(t, map[string]string{
		"main.js": `const w = new Worker("./w.js"); w.postMessage(1);
			for (const end = Date.now() + 30; Date.now() < end;); console.log("the turn");
			Promise.resolve().then(() => { w.onmessage = (e) => { console.log(e.data); w.terminate() }; console.log("its end") });`,
		"w.js": `console.log("the worker"); onmessage = (e) => postMessage(e.data + 1); postMessage(1);`,
	})
	if got, want := k.ends(0), lines("the turn", "its end", "the worker", "1", "2"); got != want && got != lines("the turn", "its end", "the worker", "1") {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
}

// A worker that never came to its beginning ends with its parent, too.
func TestWorkerThatNeverBeganEndsWithItsParent(t *testing.T) {
	for name, end := range map[string]string{"an exception": `throw new Error("x")`, "terminate": `w.terminate()`, "nothing": ``} {
		t.Run(name, func(t *testing.T) {
			k := run(t, map[string]string{"main.js": `const w = new Worker("./w.js"); ` + end, "w.js": `onmessage = () => {}; postMessage(1)`})
			select {
			case <-k.exit:
			case <-time.After(patience):
				t.Fatal("the program does not end")
			}
		})
	}
}

func TestModulesAreEvaluatedOncePerWorker(t *testing.T) {
	k := run(t, map[string]string{
		"main.js": `const count = require("./count.js");
			const w = new Worker("./worker.js");
			w.onmessage = (e) => { console.log("main", count(1), "worker", e.data); w.terminate(); };
			count(10); console.log("main", count(5));`,
		"worker.js": `const count = require("./count.js"); count(100);
			onmessage = () => {};
			postMessage(count(3));`,
		"count.js": `let n = 0; module.exports = (by) => n += by;`,
	})
	if got, want := k.ends(0), lines("main 15", "main 16 worker 103"); got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
}

func TestArraysAreEmptyWhereTheyWereGiven(t *testing.T) {
	k := run(t, map[string]string{
		"main.js": `const w = new Worker("./w.js");
			const list = [1, [2, 3], { deep: [4] }], inner = list[1], deep = list[2].deep;
			const buffer = new ArrayBuffer(4), view = new Uint8Array([7, 8]), frozen = Object.freeze([9]), other = new ArrayBuffer(8), data = new DataView(other, 1, 2); data.setInt8(1, 5);
			w.onmessage = (e) => { console.log(JSON.stringify(e.data)); w.terminate(); };
			w.postMessage({ list, buffer, view, frozen, data, other });
			console.log(list.length, inner.length, deep.length, buffer.byteLength, view.length, frozen.length, other.byteLength);`,
		"w.js": `onmessage = ({ data: d }) => postMessage([d.list, d.buffer.byteLength, [...d.view], d.view instanceof Uint8Array, d.frozen, d.data.byteLength, d.data.getInt8(1), d.other.byteLength]);`,
	})
	if got, want := k.ends(0), lines("0 0 0 0 0 1 0", `[[1,[2,3],{"deep":[4]}],4,[7,8],true,[9],2,5,8]`); got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
}

func TestWhatIsGivenKeepsItsKind(t *testing.T) {
	for name, c := range map[string]struct{ value, want string }{
		"undefined":              {`undefined`, `undefined`},
		"null":                   {`null`, `null`},
		"numbers":                {`[1.5, -0, NaN, 10n]`, `1.5,0,NaN,10`},
		"strings":                {`"a\u{1F600}"`, "a\U0001F600"},
		"holes":                  {`[1, , 3]`, `1,,3 1 in: false`},
		"symbols":                {`[Symbol("x")]`, ``},
		"symbol keys":            {`({ [Symbol.iterator]: 1, a: 2 })`, `{"a":2}`},
		"class instances":        {`new (class P { constructor() { this.x = 1 } get y() { return 2 } })`, `{"x":1}`},
		"getters":                {`({ get a() { return [5] } })`, `{"a":[5]}`},
		"inherited properties":   {`Object.create({ a: 1 }, { b: { value: 2, enumerable: true }, c: { value: 3 } })`, `{"b":2}`},
		"null prototype":         {`Object.assign(Object.create(null), { a: 1 })`, `{"a":1}`},
		"__proto__":              {`JSON.parse('{"__proto__": {"x": 1}}')`, `{"__proto__":{"x":1}}`},
		"functions":              {`[() => {}, function f() {}, class A {}]`, `,,`},
		"objects with functions": {`({ f() {}, a: 1 })`, `{"a":1}`},
		"promises":               {`[Promise.resolve(1), new Error("x"), Math, JSON, new WeakMap()]`, `,,,,`},
		"arguments":              {`(function() { return [arguments] })(1)`, ``},
		"workers":                {`[w]`, ``},
		"dates":                  {`new Date(5)`, `Date 5`},
		"regular expressions":    {`/a+/gi`, `RegExp /a+/gi`},
		"boxes":                  {`[new Number(1), new String("s"), new Boolean(false)].map(Object)`, `1,s,false`},
		"maps":                   {`new Map([[1, [2]], ["k", { f() {} }]])`, `Map [[1,[2]],["k",{}]]`},
		"sets":                   {`new Set([1, "two"])`, `Set [1,"two"]`},
		"cycles":                 {`(() => { const a = { n: 1 }; a.self = a; return a })()`, `cycle true`},
		"shared references":      {`(() => { const a = {}; return { a, b: a, cycle: 1 } })()`, `{"a":{},"b":{},"cycle":1} same: true`},
		"proxies":                {`new Proxy({ a: 1 }, { get: (t, k) => k === "a" ? 42 : undefined })`, `{"a":42}`},
		"shared views":           {`(() => { const b = new ArrayBuffer(4); return [new Uint8Array(b, 1, 2), new Int32Array(b)] })()`, `0,0,0 one buffer: true`},
	} {
		t.Run(name, func(t *testing.T) {
			k := run(t, map[string]string{
				"main.js": `const w = new Worker("./w.js"); w.onmessage = (e) => { console.log(e.data); w.terminate() }; w.postMessage(` + c.value + `);`,
				"w.js": `onmessage = ({ data: d }) => {
					let s;
					if (d instanceof Date) s = "Date " + +d;
					else if (d instanceof RegExp) s = "RegExp " + d;
					else if (d instanceof Map) s = "Map " + JSON.stringify([...d]);
					else if (d instanceof Set) s = "Set " + JSON.stringify([...d]);
					else if (d && d.self) s = "cycle " + (d.self === d);
					else if (Array.isArray(d)) {
						s = d.join();
						if (d.length === 3 && !(1 in d)) s += " 1 in: false";
						if (d[0] && d[0].buffer) s += " one buffer: " + (d[0].buffer === d[1].buffer);
					} else if (d && typeof d === "object") { s = JSON.stringify(d); if (d.b && d.a) s += " same: " + (d.a === d.b) }
					else s = String(d);
					postMessage(s);
				};`,
			})
			if got := k.ends(0); got != c.want {
				t.Errorf("printed %q, want %q", got, c.want)
			}
		})
	}
}

func TestNothingIsGivenWhereAGetterThrows(t *testing.T) {
	k := run(t, map[string]string{
		"main.js": `const w = new Worker("./w.js"), list = [1, 2], buffer = new ArrayBuffer(8);
			try { w.postMessage({ list, buffer, get bad() { throw new TypeError("no") } }) } catch (e) { console.log(e.name, e.message, list.length, buffer.byteLength) }
			try { w.postMessage(new Proxy({}, { ownKeys() { throw "trap" } })) } catch (e) { console.log(e) }
			let deep = []; for (let i = 0; i < 20000; i++) deep = [deep];
			try { w.postMessage(deep) } catch (e) { console.log(e.name, deep.length) }`,
		"w.js": ``,
	})
	if got, want := k.ends(0), lines("TypeError no 2 8", "trap", "RangeError 1"); got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
}

func TestMessageIsWhatTheValueWasWhenItWasPosted(t *testing.T) {
	k := run(t, map[string]string{
		"main.js": `const w = new Worker("./w.js"), o = { n: 1 };
			w.onmessage = (e) => { console.log(e.data); w.terminate() };
			w.postMessage(o); o.n = 2;`,
		"w.js": `onmessage = (e) => postMessage(e.data.n);`,
	})
	if got := k.ends(0); got != "1" {
		t.Errorf("printed %q", got)
	}
}

func TestWorkerClosesItselfAfterWhatItPosted(t *testing.T) {
	k := run(t, map[string]string{
		"main.js": `const w = new Worker("./w.js");
			w.onmessage = (e) => console.log(e.data.join());
			w.onexit = () => console.log("left");
			w.postMessage([1, 2, 3, 4, 5, 6]);`,
		"w.js": `onmessage = (e) => { e.data.push(7); postMessage(e.data); close(); };`,
	})
	if got, want := k.ends(0), lines("1,2,3,4,5,6,7", "left"); got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
}

func TestWorkerWithoutAHandlerEndsByItself(t *testing.T) {
	k := run(t, map[string]string{
		"main.js": `const w = new Worker("./w.js"); w.onexit = () => console.log("left"); w.postMessage("dropped");`,
		"w.js":    `setTimeout(() => console.log("timer"), 1)`,
	})
	if got, want := k.ends(0), lines("timer", "left"); got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
}

func TestParentEndsWithoutListeners(t *testing.T) {
	k := run(t, map[string]string{
		"main.js": `new Worker("./w.js"); console.log("done")`,
		"w.js":    `onmessage = () => {};`,
	})
	if got := k.ends(0); got != "done" {
		t.Errorf("printed %q", got)
	}
}

func TestHandlerIsReplacedAndListenersAreAdded(t *testing.T) {
	k := run(t, map[string]string{
		"main.js": `const w = new Worker("./w.js");
			const gone = () => console.log("gone");
			w.onmessage = () => console.log("first"); w.onmessage = (e) => console.log("second", e.data);
			w.addEventListener("message", (e) => { console.log("listener", e.data); w.terminate() });
			w.addEventListener("message", gone); w.removeEventListener("message", gone);
			w.addEventListener("exit", () => console.log("exit"));
			w.onmessage = 5; console.log(w.onmessage); w.onmessage = (e) => console.log("third", e.data);`,
		"w.js": `onmessage = () => {}; postMessage(1)`,
	})
	if got := k.ends(0); got != lines("null", "listener 1", "third 1", "exit") && got != lines("null", "third 1", "listener 1", "exit") {
		t.Errorf("printed\n%s", got)
	}
}

func TestErrorOfAWorkerIsAnEventThenItsEnd(t *testing.T) {
	for name, c := range map[string]struct{ worker, want string }{
		"thrown at the top": {`throw new RangeError("bad");`, "error RangeError: bad /app/w.js:1 true RangeError"},
		"thrown later":      {"setTimeout(() => {\n throw new TypeError('late') }, 1)", "error TypeError: late /app/w.js:2 true TypeError"},
		"a rejection":       {`Promise.reject(new Error("r"))`, "error Error: r /app/w.js:1 true Error"},
		"no error":          {`throw "text"`, "error text ./w.js:0 false undefined"},
		"no syntax":         {`let let = 1`, "error SyntaxError"},
	} {
		t.Run(name, func(t *testing.T) {
			k := run(t, map[string]string{
				"main.js": `const w = new Worker("./w.js");
					w.onerror = function(e) {
						console.log(e.type, e.message, e.filename + ":" + e.lineno, e.error instanceof Error, e.data && e.data.name);
						e.preventDefault();
					};
					w.onexit = (e) => console.log("exit", e.code);`,
				"w.js": c.worker,
			})
			got := strings.Split(k.ends(0), "\n")
			if len(got) != 2 || !strings.HasPrefix(got[0], c.want) || got[1] != "exit 1" {
				t.Errorf("printed\n%s\nwant\n%s", strings.Join(got, "\n"), c.want)
			}
		})
	}
}

func TestErrorThatNobodyPreventsIsPrinted(t *testing.T) {
	k := run(t, map[string]string{
		"main.js": `const w = new Worker("./w.js"); w.onerror = () => console.log("told");`,
		"w.js":    `throw new Error("seen")`,
	})
	if got := k.ends(0); !strings.HasPrefix(got, "told\nUncaught in the worker ./w.js: Error: seen") {
		t.Errorf("printed\n%s", got)
	}
}

func TestMembersOfAWorker(t *testing.T) {
	k := run(t, map[string]string{
		"main.js": `"use strict"; const w = new Worker("./w.js");
			const { value, ...is } = Object.getOwnPropertyDescriptor(Worker.prototype, "terminate");
			console.log(JSON.stringify(is), w.terminate.call(w), w.onmessage, w.onerror, w.onexit);
			for (const set of [() => { w.terminate = 1 }, () => { Worker.prototype.terminate = 1 }, () => Worker.prototype.terminate.call({})]) try { set(); console.log("set") } catch (e) { console.log(e.name) }
			w.onexit = function(e) { console.log(this === w, e.target === w, e.type, arguments.length, w.terminate()) };`,
		"w.js": `const before = [postMessage, close]; (0, eval)("postMessage = 1; close = 2"); console.log(before[0] === postMessage, before[1] === close);
			try { (function() { "use strict"; postMessage = 1 })() } catch (e) { console.log(e.name) }
			onmessage = 5; console.log(onmessage, typeof onerror); onmessage = () => {};`,
	})
	want := lines(`{"writable":false,"enumerable":true,"configurable":false} undefined null null null`, "TypeError", "TypeError", "TypeError",
		"true true", "TypeError", "null undefined", "true true exit 1 undefined")
	if got := k.ends(0); got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
}

func TestMissingFileIsAnErrorEvent(t *testing.T) {
	k := run(t, map[string]string{
		"main.js": `const w = new Worker("./none.js");
			w.onerror = (e) => { console.log(e.message); e.preventDefault() };
			w.onexit = (e) => console.log("exit", e.code);
			for (const bad of [undefined, 5, {}]) try { new Worker(bad) } catch (e) { console.log(e.name) }
			try { Worker("./w.js") } catch (e) { console.log(e.name) }`,
	})
	if got, want := k.ends(0), lines("TypeError", "TypeError", "TypeError", "TypeError", "Error: Cannot find module './none.js'", "exit 1"); got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
}

func TestHandlerThatThrowsEndsTheProgram(t *testing.T) {
	k := run(t, map[string]string{
		"main.js": `const w = new Worker("./w.js"); w.onmessage = () => { throw new Error("in the handler") };`,
		"w.js":    `onmessage = () => {}; postMessage(1)`,
	})
	if got := k.ends(1); got != "failure Error: in the handler" {
		t.Errorf("printed\n%s", got)
	}
}

func TestTerminateEndsTheWorkersOfAWorker(t *testing.T) {
	k := run(t, map[string]string{
		"main.js": `const w = new Worker("./middle.js");
			w.onmessage = () => w.terminate();
			w.onexit = () => console.log("left");`,
		"middle.js": `const w = new Worker("./leaf.js"); onmessage = () => {}; w.onmessage = () => postMessage("up"); w.onexit = () => console.log("never")`,
		"leaf.js":   `onmessage = () => {}; postMessage("up"); setInterval(() => {}, 1)`,
	})
	if got := k.ends(0); got != "left" {
		t.Errorf("printed\n%s", got)
	}
	if n := k.root.Alive(); n > 1 {
		t.Errorf("%d threads live", n)
	}
}

func TestTerminateKillsWhatNeverYields(t *testing.T) {
	k := run(t, map[string]string{
		"main.js": `const w = new Worker("./w.js"); w.onmessage = () => { w.terminate(); w.terminate() }; w.onexit = () => console.log("left");`,
		"w.js":    `onmessage = () => {}; postMessage(1); for (;;);`,
	}, "hop.grace=5ms")
	if got := k.ends(0); got != "left" {
		t.Errorf("printed\n%s", got)
	}
}

func TestMessagesToTheDeadAreIgnored(t *testing.T) {
	k := run(t, map[string]string{
		"main.js": `const w = new Worker("./w.js"); w.onexit = () => { w.postMessage([1]); w.terminate(); console.log("fine") };`,
		"w.js":    ``,
	})
	if got := k.ends(0); got != "fine" {
		t.Errorf("printed\n%s", got)
	}
}

func TestFloodIsAnErrorToTheSender(t *testing.T) {
	k := run(t, map[string]string{
		"main.js": `const w = new Worker("./w.js"); w.onexit = () => {};
			try { for (let i = 0; i < 1000; i++) w.postMessage(i) } catch (e) { console.log(e.name, e.message) }`,
		"w.js": ``,
	}, "threads.messages=10")
	if got := k.ends(0); got != "RangeError Too many messages wait for the thread." {
		t.Errorf("printed\n%s", got)
	}
}

// The other way round: a worker that says too much to a parent that does not come to hear it.
func TestFloodOfAWorkerIsAnErrorToTheWorker(t *testing.T) {
	k := run(t, map[string]string{
		"main.js": `const w = new Worker("./w.js"), said = new Int32Array(new SharedArrayBuffer(4)); let heard = 0;
			w.onmessage = (e) => {
				if (e.data === "ready") { w.postMessage(said); while (Atomics.load(said, 0) === 0); return; }
				if (++heard === Atomics.load(said, 0)) { console.log("heard", heard); w.terminate(); }
			};`,
		"w.js": `onmessage = ({ data: said }) => { let n = 0; try { for (;;) { postMessage(n); n++ } } catch (e) { console.log(e.name, e.message); } Atomics.store(said, 0, n); }; postMessage("ready");`,
	}, "threads.messages=10")
	if got, want := k.ends(0), lines("RangeError Too many messages wait for the thread.", "heard 10"); got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
}

func TestWorkersHandlerLivesAsLongAsItIsSet(t *testing.T) {
	k := run(t, map[string]string{
		"main.js": `const w = new Worker("./w.js"); w.onexit = () => console.log("left"); w.postMessage(1)`,
		"w.js":    `onmessage = () => { console.log(typeof onmessage); onmessage = null; console.log(onmessage) }`,
	})
	if got, want := k.ends(0), lines("function", "null", "left"); got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
}

func TestTenWorkersGoThroughTheirProtocol(t *testing.T) {
	k := run(t, map[string]string{
		"main.js": `let ready = 0, done = 0; const all = [];
			for (let i = 0; i < 10; i++) {
				const w = new Worker("./w.js"); all.push(w);
				w.onmessage = (e) => {
					if (e.data.type === "ready" && ++ready === 10) for (const x of all) x.postMessage({ type: "run" });
					if (e.data.type === "done" && ++done === 10) { console.log("all"); for (const x of all) x.terminate() }
				};
				w.postMessage({ type: "params", id: i });
			}`,
		"w.js": `let id; onmessage = ({ data }) => {
				if (data.type === "params") { id = data.id; postMessage({ type: "ready" }) }
				if (data.type === "run") postMessage({ type: "done", id });
			};`,
	})
	if got := k.ends(0); got != "all" {
		t.Errorf("printed\n%s", got)
	}
}

// The options that all faces understand, in this one.
func TestOptionsOfAWorker(t *testing.T) {
	k := run(t, map[string]string{
		"main.js": `const list = [1], w = new Worker("./w.js", { codec: "structured", name: "mine", keepAlive: true });
			w.onmessage = (e) => {
				console.log(JSON.stringify(e.data), list.length);
				const json = new Worker("./w.js", { codec: "json" });
				json.onmessage = (e) => {
					console.log(JSON.stringify(e.data));
					json.terminate();
					const goes = new Worker("./goes.js", { onUncaught: "continue", limits: { turn: 60000 } });
					goes.onerror = (e) => { console.log(e.message); e.preventDefault() };
					goes.onmessage = (e) => { console.log(e.data); goes.terminate(); w.terminate() };
				};
				json.postMessage({ at: new Date(0), u: undefined });
			};
			w.postMessage({ list });
			for (const bad of [{ codec: "xml" }, { limits: 1 }, { onUncaught: "no" }, { get name() { throw new RangeError("getter") } }, { data: { get x() { throw new RangeError("data") } } }])
				try { new Worker("./w.js", bad); console.log("taken") } catch (e) { console.log(e.name) }`,
		"w.js":    `onmessage = (e) => postMessage(e.data);`,
		"goes.js": `setTimeout(() => postMessage("goes on"), 5); onmessage = () => {}; throw new Error("told");`,
	})
	want := lines("TypeError", "TypeError", "TypeError", "RangeError", "RangeError", `{"list":[1]} 1`, `{"at":"1970-01-01T00:00:00.000Z"}`, "Error: told", "goes on")
	if got := k.ends(0); got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
}
