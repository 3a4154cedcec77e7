package server_test

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"workerd.local/config"
	"workerd.local/server"
)

// TestLimitsHaveEffect lowers one limit at a time, for what a script sees of it.
func TestLimitsHaveEffect(t *testing.T) {
	tests := []struct{ limit, js, before, after string }{
		{"call.arguments=1024", `Math.max.apply(null, Array(2000).fill(1))`, "1", "RangeError: Maximum call stack size exceeded"},
		{"flat.depth=10", `let a = [1]; for (let i = 0; i < 50; i++) a = [a]; a.flat(Infinity).length`, "1", "RangeError: Maximum call stack size exceeded"},
		{"join.depth=10", `let a = [1]; for (let i = 0; i < 50; i++) a = [a]; String(a)`, "1", "RangeError: Maximum call stack size exceeded"},
		{"native.depth=100", `let n = 0; const o = { toString() { return n++ < 120 ? [o].join() : 'end' } }; String(o)`, "end", "RangeError: Maximum call stack size exceeded"},
		{"bigint.text=64", `(2n ** 100n).toString().length`, "31", "RangeError: Maximum BigInt size exceeded"},
		{"bigint.bits=64", `(1n << 100n) > 0n`, "true", "RangeError: Maximum BigInt size exceeded"},
		{"search.length=1024", `'ab'.repeat(2000).match(/a/g).length`, "2000", "RangeError: Invalid string length"},
		{"error.frames=3", `const e = {}; Error.stackTraceLimit = 50; const f = (n) => n ? f(n - 1) + 0 : (Error.captureStackTrace(e), 0); f(20); e.stack.split('\n').length < 10`, "false", "true"},
		{"regexp.pattern=16", `new RegExp('a'.repeat(40)).test('b')`, "false", "SyntaxError: Invalid regular expression: Regular expression too large"},
		{"regexp.nesting=10", `new RegExp('('.repeat(20) + ')'.repeat(20)).test('')`, "true", "SyntaxError: Invalid regular expression: Regular expression too large"},
		{"regexp.rewritten=128", `new RegExp('\\p{L}', 'v').test('a')`, "true", "SyntaxError: Invalid regular expression: /\\p{L}/v: Regular expression too large"},
		{"regexp.kept=1", `[1, 2, 3].map((n) => new RegExp('\\p{L}{' + n + '}', 'v').test('ab')).join()`, "true,true,false", "true,true,false"},
		{"timer.delay=1s", `const got = []; await new Promise((f) => { for (const ms of [1600, 1300]) setTimeout(() => { if (got.push(ms) === 2) f() }, ms) }); got.join()`, "1300,1600", "1600,1300"},
		{"clone.depth=10", `let a = []; for (let i = 0; i < 50; i++) a = [a]; structuredClone(a).length`, "1", "RangeError: Maximum call stack size exceeded"},
		{"clone.objects=100", `structuredClone(Array.from({ length: 200 }, () => ({}))).length`, "200", "RangeError: Too many objects in one value"},
		{"form.parts=1", `return (await new Response('--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n2\r\n--b--', { headers: { 'content-type': 'multipart/form-data; boundary=b' } }).formData()).getAll('a').join()`,
			"1,2", "TypeError: The FormData message has more than 1 parts."},
		{"form.headers=128", `return (await new Response('--b\r\nContent-Disposition: form-data; name="a"\r\nX: ' + 'x'.repeat(200) + '\r\n\r\n1\r\n--b--', { headers: { 'content-type': 'multipart/form-data; boundary=b' } }).formData()).get('a')`,
			"1", "TypeError: The headers of a FormData part are longer than 128 bytes."},
		{"actor.ephemeral=3", `(await env.NS.get('long').fetch('http://x')).status`, "200", "TypeError: Actor ID length must be in the range [1, 3]."},
		{"block.depth=1", `await (await env.NS.get('a').fetch('http://x/block')).text()`, "ok", "Error: blockConcurrencyWhile() calls are nested too deeply."},
		{"block.time=20ms", `(await env.NS.get('a').fetch('http://x/slow')).status`, "200", "Error: A call to blockConcurrencyWhile() in a Durable Object waited for too long."},
		{"storage.value=128KiB", `await (await env.SQL.get(env.SQL.idFromName('a')).fetch('http://x/put')).text()`, "ok", "RangeError: Values cannot be larger than 131072 bytes."},
		{"actor.value=1MiB", `await (await env.KEPT.get(env.KEPT.idFromName('a')).fetch('http://x/put')).text()`, "RangeError: Values cannot be larger than 131072 bytes.", "ok"},
		{"actor.key=4KiB", `await (await env.KEPT.get(env.KEPT.idFromName('a')).fetch('http://x/key')).text()`, "RangeError: Keys cannot be larger than 2048 bytes.", "ok"},
		{"actor.pair=128KiB", `await (await env.SQL.get(env.SQL.idFromName('a')).fetch('http://x/put')).text()`, "ok", "RangeError: A key and its value cannot be larger than 131072 bytes together."},
		{"list.keys=1", `await (await env.KEPT.get(env.KEPT.idFromName('a')).fetch('http://x/list')).text()`, "300", "300"},
		{"storage.group=1", `await (await env.KEPT.get(env.KEPT.idFromName('a')).fetch('http://x/list')).text()`, "300", "300"},
		{"actor.name=3", `await (await env.KEPT.get(env.KEPT.idFromName('long')).fetch('http://x/name')).text()`, "long", "undefined"},
	}
	const classes = `
import { DurableObject } from 'cloudflare:workers';
export class Actor {
	constructor(ctx) { this.ctx = ctx; this.storage = ctx.storage; }
	async fetch(request) {
		const block = (f) => this.ctx.blockConcurrencyWhile(f);
		try {
			switch (new URL(request.url).pathname) {
			case '/block': await block(() => block(async () => {})); break;
			case '/slow': await block(() => new Promise((f) => setTimeout(f, 300))); break;
			case '/put': await this.storage.put('k', 'x'.repeat(200000)); break;
			case '/key': await this.storage.put('k'.repeat(3000), 1); break;
			case '/list':
				for (let i = 0; i < 300; i++) this.storage.put('k' + i, i);
				await this.storage.sync();
				return new Response(String((await this.storage.list()).size));
			case '/name': return new Response(String(this.ctx.id.name));
			}
			return new Response('ok');
		} catch (e) { return new Response(String(e)); }
	}
}
`
	for _, tt := range tests {
		t.Run(tt.limit, func(t *testing.T) {
			at := strings.LastIndex(tt.js, "; ") + 1
			if cut := strings.LastIndex(tt.js, "\n"); cut > at {
				at = cut
			}
			body := tt.js[:at] + " return (" + strings.TrimSpace(tt.js[at:]) + ")"
			if strings.HasPrefix(tt.js, "return ") {
				body = tt.js
			}
			for _, settings := range [][]string{nil, {tt.limit}} {
				p := newProject(t, map[string]string{
					"config.capnp": one(`durableObjectNamespaces = [(className = "Actor", ephemeralLocal = void), (className = "Kept", uniqueKey = "kept"), (className = "Sql", uniqueKey = "sql", enableSql = true)],
	durableObjectStorage = (localDisk = "data"),
	bindings = [(name = "NS", durableObjectNamespace = "Actor"), (name = "KEPT", durableObjectNamespace = "Kept"), (name = "SQL", durableObjectNamespace = "Sql")]`,
						`(name = "data", disk = (writable = true, path = "data"))`),
					"main.js": strings.Replace(classes, "import { DurableObject } from 'cloudflare:workers';", "", 1) + "export class Kept extends Actor {}\nexport class Sql extends Actor {}\n" +
						"export default { async fetch(request, env) { try { return new Response(String(await (async () => {" + body + "})())) } catch (e) { return new Response(String(e)) } } }",
					"data/keep": "",
				})
				bounds, err := server.ParseLimits(settings...)
				if err != nil {
					t.Fatal(err)
				}
				o := p.options()
				o.Limits.Bounds = bounds
				cfg := p.config()
				for i := range cfg.Services {
					if d := cfg.Services[i].Disk; d != nil {
						d.Path = config.Text{Value: p.dir + "/data"}
					}
				}
				s, err := server.New(t.Context(), cfg, o)
				if err != nil {
					t.Fatal(err)
				}
				list, err := s.Start()
				if err != nil {
					t.Fatal(err)
				}
				r := &running{t: t, s: s, p: p, client: &http.Client{Timeout: time.Minute}, url: list[0].URL}
				want := tt.before
				if settings != nil {
					want = tt.after
				}
				if code, got := r.get("/"); code != 200 || !strings.HasPrefix(got, want) {
					t.Errorf("with %v: %d %q, want %q\n%s", settings, code, got, want, p.log)
				}
				r.stop()
			}
		})
	}
}

// TestLimitsOfSources lowers the limits of what is compiled.
func TestLimitsOfSources(t *testing.T) {
	main := "export default { fetch() { return new Response('" + strings.Repeat("x", 2000) + "') } }"
	for limit, tt := range map[string]struct{ source, want string }{
		"script.source=1KiB":     {main, "the limit is 1024"},
		"script.brackets=50":     {"export const x = " + strings.Repeat("[", 60) + strings.Repeat("]", 60) + ";\n" + main, "nested too deeply: more than 50 brackets"},
		"script.chain=100":       {"const y = 1; export const x = " + strings.Repeat("y + ", 200) + "y;\n" + main, "nested too deeply: more than 100 operators"},
		"script.written=100":     {"const y = 1; export const x = " + strings.Repeat("y + ", 200) + "y;\n" + main, "nested too deeply: more than 100 operators"},
		"script.errors=1":        {"import './a.js';\nimport './b.js';\n", "(and 1 more)"},
		"script.programs=1":      {main, ""},
		"script.kept-bytes=1MiB": {main, ""},
	} {
		t.Run(limit, func(t *testing.T) {
			p := newProject(t, map[string]string{"config.capnp": one(""), "main.js": tt.source})
			bounds, err := server.ParseLimits(limit)
			if err != nil {
				t.Fatal(err)
			}
			o := p.options()
			o.Limits.Bounds, o.CacheDir = bounds, t.TempDir()
			s, err := server.New(t.Context(), p.config(), o)
			if err == nil {
				s.Close(t.Context())
			}
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("%v; want %q", err, tt.want)
			}
		})
	}
}

// Two servers of one process have limits of their own, at the same time.
func TestLimitsAreAServersOwn(t *testing.T) {
	const js = "export default { fetch() { console.log(Array(50).fill(7)); return new Response('ok') } }"
	run := func(settings ...string) *project {
		p := newProject(t, map[string]string{"config.capnp": one(""), "main.js": js})
		bounds, err := server.ParseLimits(settings...)
		if err != nil {
			t.Fatal(err)
		}
		o := p.options()
		o.Limits.Bounds, o.Log = bounds, slog.New(slog.NewTextHandler(p.log, nil))
		s, err := server.New(t.Context(), p.config(), o)
		if err != nil {
			t.Fatal(err)
		}
		list, err := s.Start()
		if err != nil {
			t.Fatal(err)
		}
		r := &running{t: t, s: s, p: p, client: &http.Client{Timeout: time.Minute}, url: list[0].URL}
		t.Cleanup(r.stop)
		r.want("/", "ok")
		return p
	}
	few, many := run("console.entries=3"), run()
	if !strings.Contains(few.log.String(), "47 more items") {
		t.Errorf("the limit has no effect:\n%s", few.log)
	}
	if strings.Contains(many.log.String(), "more items") {
		t.Errorf("the limit of another server has effect:\n%s", many.log)
	}
}

// The time of a match is one for the process, so a second server cannot have another.
func TestTheTimeOfAMatchIsTheProcesss(t *testing.T) {
	p := newProject(t, map[string]string{"config.capnp": one(""), "main.js": "export default { fetch() { return new Response('ok') } }"})
	p.start().want("/", "ok")
	bounds, err := server.ParseLimits("regexp.time=7s")
	if err != nil {
		t.Fatal(err)
	}
	o := p.options()
	o.Limits.Bounds = bounds
	if _, err := server.New(t.Context(), p.config(), o); err == nil || !strings.Contains(err.Error(), "limit regexp.time=7s: it is 1s for this process already") {
		t.Errorf("%v", err)
	}
}
