package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"workerd.local/isolate"
	"workerd.local/server"
)

// What a script does to itself fails its own request, and the next one works.
func TestHostileScriptsFailTheirOwnRequest(t *testing.T) {
	p := newProject(t, map[string]string{
		"config.capnp": one(""),
		"main.js": `
			const grow = () => grow() + 1;
			const cases = {
				loop() { for (;;); },
				microtasks() { const spin = () => Promise.resolve().then(spin); return spin(); },
				recursion: () => grow(),
				async laterRecursion() { await null; grow(); },
				delegation() { function* g() { yield* g(); } g().next(); },
				getters() { const o = { get a() { return this.a; } }; return o.a; },
				text() { const o = { toString() { return "" + this; } }; return "" + o; },
				repeat: () => "x".repeat(2 ** 30),
				pad: () => "x".padEnd(2 ** 40),
				buffer: () => new ArrayBuffer(2 ** 40),
				typed: () => new Uint8Array({ length: 2 ** 33 }),
				fill: () => new Array(1e9).fill(0),
				from: () => Array.from({ length: 1e9 }),
				sparse() { const a = []; a[4294967290] = 1; a.sort(); },
				join: () => Array.prototype.join.call({ length: 2 ** 53 - 1 }),
				indexOf: () => [].indexOf.call({ length: 2 ** 53 - 1 }, 1),
				assign: () => Object.assign({}, "x".repeat(1 << 26)),
				nested() { let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return String(a); },
				json() { let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return JSON.stringify(a); },
				regexp() { /(a+)+(?!b)c/.test("a".repeat(50)); for (;;); },
				hang: () => new Promise(() => {}),
				timers() { for (;;) setTimeout(() => {}, 1e6); },
				abort: (r, e, ctx) => ctx.abort(new Error("stop")),
				garbage: () => ({}),
				evil: () => eval("1"),
				constructed: () => (async () => {}).constructor("return 1")(),
				thrown() { throw { get message() { throw this; }, toString() { throw this; } }; },
				revoked() { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); throw proxy; },
			};
			export default { async fetch(request, env, ctx) {
				const name = new URL(request.url).pathname.slice(1);
				if (name === "names") return Response.json(Object.keys(cases));
				if (name === "body") return Response.json(await request.json());
				if (name) return await cases[name](request, env, ctx);
				return new Response("fine");
			} };`,
	})
	o := p.options()
	o.Limits = isolate.Limits{Turn: 300 * time.Millisecond}
	s, err := server.New(t.Context(), p.config(), o)
	if err != nil {
		t.Fatal(err)
	}
	r := &running{t: t, s: s, p: p, client: &http.Client{Timeout: 2 * time.Minute}}
	t.Cleanup(r.stop)
	list, err := s.Start()
	if err != nil {
		t.Fatal(err)
	}
	r.url = list[0].URL
	_, names := r.get("/names")
	for _, name := range strings.Split(strings.Trim(names, `[]"`), `","`) {
		if code, body := r.get("/" + name); code != 500 {
			t.Errorf("%s: %d %.80q, want 500", name, code, body)
		}
		r.want("/", "fine")
	}
	// A request's body must not take the process down either.
	resp, err := r.client.Post(r.url+"/body", "application/json", strings.NewReader(strings.Repeat("[", 3_000_000)))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 500 {
		t.Errorf("3 MB of brackets: %d", resp.StatusCode)
	}
	r.want("/", "fine")
	if log := p.log.String(); !strings.Contains(log, "main.js:") {
		t.Error("the log has no stack of the user's file")
	}
}
