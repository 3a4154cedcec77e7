package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"workerd.local/config"
	"workerd.local/server"
	"workerd.local/storage/bolt"
)

func TestBindings(t *testing.T) {
	t.Setenv("SERVER_TEST_VARIABLE", "from outside")
	r := newProject(t, map[string]string{
		"config.capnp": one(`
			bindings = [
				(name = "text", text = "plain"),
				(name = "data", data = 0x"01 02 ff"),
				(name = "json", json = "{\"a\": [1, true, null]}"),
				(name = "env", fromEnvironment = "SERVER_TEST_VARIABLE"),
				(name = "unset", fromEnvironment = "SERVER_TEST_NO_SUCH_VARIABLE"),
				(name = "self", service = (name = "main", entrypoint = "other")),
				(name = "files", service = "disk"),
				(name = "OBJ", durableObjectNamespace = (className = "Obj", serviceName = "second")),
			]`,
			`(name = "second", worker = (
				modules = [(name = "second.js", esModule = embed "second.js")], compatibilityDate = "2026-01-01",
				durableObjectNamespaces = [(className = "Obj", uniqueKey = "obj")], durableObjectStorage = (inMemory = void)))`,
			`(name = "disk", disk = (path = "DIR"))`),
		"main.js": `
			export const other = { fetch(r) { return new Response("other:" + new URL(r.url).pathname); } };
			export default { async fetch(request, env) {
				const id = env.OBJ.idFromName("x");
				return Response.json([
					env.text, [...new Uint8Array(env.data)], env.json, env.env, env.unset,
					await (await env.self.fetch("http://x/sub")).text(),
					await (await env.files.fetch("http://x/hello.txt")).text(),
					await (await env.OBJ.get(id).fetch("http://x/")).text(),
					id.toString() === env.OBJ.idFromString(id.toString()).toString(),
					env.OBJ.newUniqueId().equals(env.OBJ.newUniqueId()),
				]);
			} };`,
		"second.js":   `export class Obj { constructor(state) { this.id = state.id; } fetch() { return new Response("object " + this.id.name); } } export default {};`,
		"d/hello.txt": "from disk",
	})
	b, err := os.ReadFile(filepath.Join(r.dir, "config.capnp"))
	if err != nil {
		t.Fatal(err)
	}
	r.write(map[string]string{"config.capnp": strings.ReplaceAll(string(b), "DIR", filepath.ToSlash(filepath.Join(r.dir, "d")))})
	r.start().want("/", `["plain",[1,2,255],{"a":[1,true,null]},"from outside",null,"other:/sub","from disk","object x",true,false]`)
}

func TestStartupFailuresNameThePlace(t *testing.T) {
	good := `export default { fetch() { return new Response("x"); } };`
	for name, c := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"script syntax": {map[string]string{"config.capnp": one(""), "main.js": "\n  let = ;"}, []string{"service main", "main.js:2:"}},
		"script throws": {map[string]string{"config.capnp": one(""), "main.js": "\n\nnope();"}, []string{"service main", "Uncaught ReferenceError", "main.js:3"}},
		"import":        {map[string]string{"config.capnp": one(""), "main.js": `import x from "node:nonsense";` + good}, []string{"main.js:1", "node:nonsense"}},
		"missing module": {map[string]string{"config.capnp": one(""), "main.js": `import x from "./gone.js";` + good},
			[]string{"main.js:1", "gone.js"}},
		"flag":      {map[string]string{"config.capnp": one(`compatibilityFlags = ["no_such_flag"]`), "main.js": good}, []string{"No such compatibility flag: no_such_flag"}},
		"json":      {map[string]string{"config.capnp": one(`bindings = [(name = "j", json = "{")]`), "main.js": good}, []string{`binding "j" is not valid JSON`}},
		"directory": {map[string]string{"config.capnp": one("", `(name = "d", disk = "/no/such/directory/here")`), "main.js": good}, []string{"config.capnp:", "/no/such/directory/here"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := newProject(t, c.files).failure()
			for _, w := range c.want {
				if !strings.Contains(got, w) {
					t.Errorf("error %q lacks %q", got, w)
				}
			}
		})
	}
}

func TestPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := newProject(t, map[string]string{
		"config.capnp": strings.Replace(one(""), "127.0.0.1:0", l.Addr().String(), 1),
		"main.js":      `export default {};`,
	})
	s, err := server.New(t.Context(), p.config(), p.options())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.Background())
	if _, err = s.Start(); err == nil || !strings.Contains(err.Error(), "in use") || !strings.Contains(err.Error(), "config.capnp:") {
		t.Errorf("Start: %v", err)
	}
}

const counterApp = `
	export class Counter {
		constructor(state) { this.state = state; }
		async fetch(request) {
			const n = (await this.state.storage.get("n") ?? 0) + 1;
			await this.state.storage.put("n", n);
			return new Response(VERSION + ":" + n);
		}
	}
	export default { fetch(request, env) { return env.C.get(env.C.idFromName("c")).fetch(request); } };`

func wrangler(extra string) string {
	return `{
		"name": "app", "main": "src/index.js", "compatibility_date": "2026-01-01", "dev": {"port": 0},
		"durable_objects": {"bindings": [{"name": "C", "class_name": "Counter"}]}` + extra + `
	}`
}

func counterProject(t *testing.T) *project {
	return newProject(t, map[string]string{
		"wrangler.json": wrangler(`, "migrations": [{"tag": "v1", "new_sqlite_classes": ["Counter"]}]`),
		"src/index.js":  `const VERSION = "one";` + counterApp,
	})
}

func TestStateOfAProjectSurvivesARestart(t *testing.T) {
	p := counterProject(t)
	r := p.start()
	r.want("/", "one:1")
	r.want("/", "one:2")
	if _, err := os.Stat(filepath.Join(p.dir, ".workerd", "state", bolt.FileName)); err != nil {
		t.Error(err)
	}
	// Another server must not open the same state.
	if got := p.failure(); !strings.Contains(got, "lock") {
		t.Errorf("a second server: %s", got)
	}
	r.stop()
	p.start().want("/", "one:3")
}

func TestReloadUnderLoadDropsNothing(t *testing.T) {
	p := counterProject(t)
	r := p.start()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var answered atomic.Int64
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if code, body := r.get("/"); code != 200 {
					t.Errorf("request failed during reload: %d %s", code, body)
					return
				}
				answered.Add(1)
			}
		})
	}
	for i := range 3 {
		version := fmt.Sprintf("v%d", i)
		p.write(map[string]string{"src/index.js": `const VERSION = "` + version + `";` + counterApp})
		if err := r.s.Reload(t.Context(), p.config()); err != nil {
			t.Fatal(err)
		}
		if _, body := r.get("/"); !strings.HasPrefix(body, version+":") {
			t.Errorf("after the reload the answer is %q", body)
		}
		answered.Add(1)
	}
	p.write(map[string]string{"src/index.js": `syntax error here`})
	if err := r.s.Reload(t.Context(), p.config()); err == nil {
		t.Error("a broken script was loaded")
	}
	close(stop)
	wg.Wait()
	r.want("/", fmt.Sprintf("v2:%d", answered.Load()+1)) // every acknowledged increment counted
}

func TestReloadLetsStreamsEndAndKeepsTheAddress(t *testing.T) {
	source := func(text string) string {
		return `export default { fetch(request) {
			if (new URL(request.url).pathname !== "/stream") return new Response("` + text + `");
			const { readable, writable } = new TransformStream();
			const w = writable.getWriter(), e = new TextEncoder();
			(async () => { await w.write(e.encode("first ")); await scheduler.wait(700); await w.write(e.encode("last")); await w.close(); })();
			return new Response(readable);
		} };`
	}
	p := newProject(t, map[string]string{"config.capnp": one(""), "main.js": source("old")})
	r := p.start()
	resp, err := http.Get(r.url + "/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	part := make([]byte, 6)
	if _, err := io.ReadFull(resp.Body, part); err != nil {
		t.Fatal(err)
	}
	p.write(map[string]string{
		"config.capnp": strings.Replace(one(""), "http = ()", `http = (injectResponseHeaders = [(name = "x-new", value = "yes")])`, 1),
		"main.js":      source("new"),
	})
	if err := r.s.Reload(t.Context(), p.config()); err != nil {
		t.Fatal(err)
	}
	answer, err := http.Get(r.url + "/")
	if err != nil {
		t.Fatalf("%v\n%s", err, p.log)
	}
	b, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil || string(b) != "new" || answer.Header.Get("X-New") != "yes" {
		t.Errorf("after the reload: %q, %v, %v", b, answer.Header, err)
	}
	rest, err := io.ReadAll(resp.Body)
	if err != nil || string(rest) != "last" {
		t.Errorf("the stream of the old configuration ended with %q, %v", rest, err)
	}
}

func TestDrainFinishesWhatHasBegun(t *testing.T) {
	p := newProject(t, map[string]string{
		"config.capnp": one(""),
		"main.js": `export default { async fetch(request) {
			console.log("begun");
			await scheduler.wait(300);
			return new Response("finished");
		} };`,
	})
	r := p.start()
	got := make(chan string, 1)
	go func() { _, b := r.get("/"); got <- b }()
	r.logged("begun")
	r.stop()
	if b := <-got; b != "finished" {
		t.Errorf("the request ended with %q", b)
	}
	if code, _ := r.get("/"); code != 0 {
		t.Error("the server still accepts")
	}
}

func TestMigrations(t *testing.T) {
	p := counterProject(t)
	r := p.start()
	r.want("/", "one:1")
	r.stop()
	rename := func(migrations, class string) {
		b, err := os.ReadFile(filepath.Join(p.dir, "wrangler.json"))
		if err != nil {
			t.Fatal(err)
		}
		var m map[string]any
		if err := json.Unmarshal(b, &m); err != nil {
			t.Fatal(err)
		}
		var list []any
		if err := json.Unmarshal([]byte(migrations), &list); err != nil {
			t.Fatal(err)
		}
		m["migrations"] = list
		m["durable_objects"] = map[string]any{"bindings": []any{map[string]any{"name": "C", "class_name": class}}}
		out, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		p.write(map[string]string{
			"wrangler.json": string(out),
			"src/index.js":  `const VERSION = "one";` + strings.ReplaceAll(counterApp, "class Counter", "class "+class),
		})
	}
	renamed := `[{"tag": "v1", "new_sqlite_classes": ["Counter"]}, {"tag": "v2", "renamed_classes": [{"from": "Counter", "to": "Tally"}]}`
	rename(renamed+"]", "Tally")
	r = p.start()
	r.want("/", "one:2") // a rename keeps the state
	r.stop()
	rename(renamed+`, {"tag": "v3", "deleted_classes": ["Tally"]}, {"tag": "v4", "new_sqlite_classes": ["Counter"]}]`, "Counter")
	r = p.start()
	r.want("/", "one:1") // a deleted class loses it
	r.stop()
	rename(`[{"tag": "other", "new_sqlite_classes": ["Counter"]}]`, "Counter")
	if got := p.failure(); !strings.Contains(got, `"v4"`) || !strings.Contains(got, "migrations") {
		t.Errorf("unknown history: %s", got)
	}
}

func TestDamagedAndReadOnlyState(t *testing.T) {
	p := counterProject(t)
	r := p.start()
	r.want("/", "one:1")
	r.stop()
	file := filepath.Join(p.dir, ".workerd", "state", bolt.FileName)
	if err := os.WriteFile(file, []byte("this is not a database, and long enough to be read as one"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := p.failure(); !strings.Contains(got, file) || !strings.Contains(got, "damaged") {
		t.Errorf("damaged state: %s", got)
	}
}

func TestMemoryGuardStopsOneRequest(t *testing.T) {
	p := newProject(t, map[string]string{
		"config.capnp": one(""),
		"main.js": `export default { fetch(request) {
			if (new URL(request.url).pathname === "/grow") { const kept = []; for (;;) kept.push(new ArrayBuffer(4 << 20)); }
			return new Response("fine");
		} };`,
	})
	o := p.options()
	o.MemoryLimit = 256 << 20
	s, err := server.New(t.Context(), p.config(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.Background())
	h, err := s.Handler("")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: h}
	go srv.Serve(l)
	defer srv.Close()
	for _, c := range []struct {
		path string
		code int
	}{{"/", 200}, {"/grow", 500}, {"/", 200}} {
		resp, err := http.Get("http://" + l.Addr().String() + c.path)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if resp.StatusCode != c.code {
			t.Errorf("%s: %d, want %d\n%s", c.path, resp.StatusCode, c.code, p.log)
		}
	}
	if !strings.Contains(p.log.String(), "memory limit") {
		t.Errorf("the log does not tell the cause:\n%s", p.log)
	}
}

func TestPublicNetworkOnlyByDefault(t *testing.T) {
	addr := nobody(t)
	p := newProject(t, map[string]string{
		"config.capnp": one(""),
		"main.js":      `export default { async fetch() { return new Response(await fetch("http://` + addr + `/").then(r => r.text(), e => e.message)); } };`,
	})
	r := p.start()
	if _, got := r.get("/"); !strings.Contains(got, "not allow") {
		t.Errorf("a loopback address: %q", got)
	}
}

// A route is matched against the path as it was sent, as package httpserver does: an
// encoded slash does not end a segment.
func TestRoutesMatchTheEscapedPath(t *testing.T) {
	p := newProject(t, map[string]string{
		"config.capnp": one("", `(name = "second", worker = (
			modules = [(name = "second.js", esModule = embed "second.js")], compatibilityDate = "2026-01-01"))`),
		"main.js":   `export default { fetch() { return new Response("main"); } };`,
		"second.js": `export default { fetch() { return new Response("second"); } };`,
	})
	cfg := p.config()
	cfg.Service("second").Worker.Routes = []config.Route{{Pattern: "127.0.0.1/a/*"}}
	s, err := server.New(t.Context(), cfg, p.options())
	if err != nil {
		t.Fatal(err)
	}
	r := &running{t: t, s: s, p: p, client: &http.Client{Timeout: time.Minute}}
	t.Cleanup(r.stop)
	list, err := s.Start()
	if err != nil {
		t.Fatal(err)
	}
	r.url = list[0].URL
	r.want("/a/b", "second")
	r.want("/a%2Fb", "main")
	r.want("/", "main")
}
