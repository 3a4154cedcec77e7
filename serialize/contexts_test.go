package serialize

import (
	"context"
	"strings"
	"testing"
	"time"
)

func TestContexts(t *testing.T) {
	for _, c := range []struct{ name, code, want string }{
		{"names", `const { Context, Script } = aworker.js; const box = { n: 1 };
			const a = new Context(box), b = new Context(box, { name: 'second' }), c = new Context({});
			console.log(a.name, b.name, c.name, new Script('1').filename, new Script('1', { filename: 'x.js' }).filename);
			'use strict'; try { (() => { 'use strict'; a.name = 'z' })() } catch (e) { console.log(e.name) }`,
			"unnamed 0 second unnamed 1 aworker.js.<anonymous> x.js\nTypeError\n"},
		{"the object is the global scope", `const box = { n: 1 }; const c = new aworker.js.Context(box);
			console.log(c.execute('var m = n + 1; globalThis.f = function (x) { return x * n }; m'), box.m, box.f(5), 'm' in globalThis);
			box.n = 7; box.late = 'seen'; console.log(c.execute('f(2) + late'), c.globalThis.late, c.globalThis !== box, Object.keys(c.globalThis).join());
			console.log(c.execute('typeof console + typeof aworker + typeof Map'), c.execute('globalThis') === c.globalThis);`,
			"2 2 5 false\n14seen seen true n,m,f,late\nundefinedundefinedfunction true\n"},
		{"two contexts of one object have their own let", `const box = {}; const a = new aworker.js.Context(box), b = new aworker.js.Context(box);
			a.execute('let x = 1; var shared = 2'); console.log(b.execute('typeof x + shared'), a.execute('x'));
			try { b.execute('x') } catch (e) { console.log(e.message) }`, "undefined2 1\nx is not defined\n"},
		{"a script runs in many", `const s = new aworker.js.Script('n * 2', { filename: 's.js' });
			console.log([1, 2, 3].map(n => new aworker.js.Context({ n }).execute(s)).join())`, "2,4,6\n"},
		{"errors have their place", `const { Context, Script } = aworker.js; const c = new Context({});
			for (const s of ['1;\nthrow new Error("here")', new Script('throw new Error("there")', { filename: '$own.js', lineOffset: 10, columnOffset: 10 })])
				try { c.execute(s) } catch (e) { console.log(e.message, /at (\S+:\d+:\d+)/.exec(e.stack)[1]) }
			try { new Script('let let') } catch (e) { console.log(e.name) }`,
			"here aworker.js.<anonymous>:2:7\nthere $own.js:11:17\nSyntaxError\n"},
		{"time limit", `const c = new aworker.js.Context({ seen: [] });
			try { c.execute('try { seen.push(1); for (;;); } finally { seen.push(2) }', { timeout: 20 }) } catch (e) { console.log(String(e)) }
			console.log(c.execute('seen.join()'), c.execute('1 + 1', { timeout: 1000 }), c.execute('2', { timeout: null }));`,
			"Error: Script execution timed out\n1 2 2\n"},
		{"cached data", `const { Script } = aworker.js; const data = new Script('"a"').createCachedData();
			console.log(data instanceof Uint8Array && data.length > 0, ...[[data, '"a"'], [data, '"b"'], [new Uint8Array(3), '"a"'], [undefined, '"a"']].map(([cachedData, code]) => new Script(code, { cachedData }).cachedDataConsumed))`,
			"true true false false false\n"},
		{"wrong values", `const { Context, Script } = aworker.js; const c = new Context({});
			for (const bad of [() => new Context(), () => new Context(null), () => new Context('x'), () => Context({}), () => Script('1'), () => c.execute(1), () => c.execute({}), () => c.execute(Object.create(Script.prototype)),
				() => c.execute('1', { timeout: '5' }), () => c.execute('1', { timeout: -1 }), () => c.execute('1', { timeout: NaN }), () => new Script('1', { filename: 1 }), () => new Script('1', { lineOffset: NaN }), () => new Script('1', { columnOffset: 'x' }), () => new Script('1', { cachedData: [1] })])
				try { bad(); console.log('no error', bad) } catch (e) { console.log(e.name + ': ' + e.message) }`,
			"TypeError: Sandbox should not be `null` or `undefined`\nTypeError: Sandbox should not be `null` or `undefined`\nTypeError: Sandbox should not be `null` or `undefined`\n" +
				"TypeError: Class constructor Context cannot be invoked without 'new'\nTypeError: Class constructor Script cannot be invoked without 'new'\n" +
				"TypeError: script should be a string or a Script instance\nTypeError: script should be a string or a Script instance\nTypeError: script should be a string or a Script instance\n" +
				"TypeError: options.timeout should be a number\nRangeError: options.timeout should be greater than or equal to 0\nRangeError: options.timeout should be greater than or equal to 0\n" +
				"TypeError: options.filename should be a string\nTypeError: options.lineOffset should be a valid number\nTypeError: options.columnOffset should be a valid number\nTypeError: options.cachedData should be a Uint8Array\n"},
		{"promises and task-local storage", `const als = new aworker.AsyncLocalStorage(); const c = new aworker.js.Context({});
			als.run('kept', () => c.execute('(async () => { await null; return 1 })()').then(v => console.log(v, als.getStore())));`, "1 kept\n"},
		{"patched prototypes", `Reflect.apply = () => 'patched'; Object.defineProperty = () => {};
			console.log(new aworker.js.Context({ a: 1 }).execute('a'))`, "1\n"},
		{"inspector", `console.log(aworker.inspector.isActive());
			for (const args of [[], [1], [() => {}], [1, globalThis], [() => console.log('called'), globalThis]]) try { aworker.inspector.callAndPauseOnFirstStatement(...args) } catch (e) { console.log(e.name) }`, "false\n" + strings.Repeat("TypeError\n", 5)},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, c.code)
			if e := Run(b.ctx(), b.o, nil); e.Code != 0 || b.out.String() != c.want {
				t.Fatalf("exit %d\n got %q\nwant %q\n%s", e.Code, b.out.String(), c.want, b.err.String())
			}
		})
	}
}

// A context that never yields is ended by the watchdog of the process, and contexts survive
// forks and snapshots.
func TestContextsAndTheLifeOfAWorker(t *testing.T) {
	b := newBench(t, `new aworker.js.Context({}).execute('while (1) {}')`)
	b.o.Latency = 100 * time.Millisecond
	b.want(Run(b.ctx(), b.o, nil), ExitAborted)
	b.wantErr("LoopLatencyWatchdog Loop latency reached limit")

	b = newBench(t, `const c = new aworker.js.Context({ n: 1 });
		c.execute('let hidden = 40; function sum(x) { return x + n + hidden }');
		addEventListener('deserialize', () => console.log(c.execute('sum(1)')));`)
	b.want(RunSeed(b.ctx(), b.o, SeedUserland, nil), 0, "42")
	b.out.Reset()
	e, err := RunEncoded(context.Background(), b.o, b.snapshot(Startup).Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	b.want(e, 0, "42")
}
