package server_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"workerd.local/server"
)

const tailedConfig = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
	services = [(name = "main", worker = .main), (name = "watcher", worker = .watcher)],
	sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main"), (name = "seen", address = "127.0.0.1:0", http = (), service = "watcher")]
);
const main :Workerd.Worker = (modules = [(name = "main.js", esModule = embed "main.js")], compatibilityDate = "2026-01-01", tails = ["watcher"], streamingTails = ["watcher"]);
const watcher :Workerd.Worker = (modules = [(name = "watcher.js", esModule = embed "watcher.js")], compatibilityDate = "2026-01-01");`

// tailed starts a worker with a tail worker, and limits; watch asks the tail worker.
func tailed(t *testing.T, watcher string, settings ...string) (r *running, watch func(path string) string) {
	t.Helper()
	p := newProject(t, map[string]string{"config.capnp": tailedConfig, "watcher.js": watcher, "main.js": `export default {
		fetch(request) { console.log("x".repeat(+new URL(request.url).searchParams.get("n"))); return new Response("ok"); } };`})
	o := p.options()
	o.Isolates = 1
	var err error
	if o.Limits.Bounds, err = server.ParseLimits(settings...); err != nil {
		t.Fatal(err)
	}
	s, err := server.New(t.Context(), p.config(), o)
	if err != nil {
		t.Fatal(err)
	}
	list, err := s.Start()
	if err != nil {
		t.Fatal(err)
	}
	r = &running{t: t, s: s, p: p, url: list[0].URL, client: http.DefaultClient}
	watcherAt := &running{t: t, s: s, p: p, url: list[1].URL, client: http.DefaultClient}
	return r, func(path string) string { _, body := watcherAt.get(path); return body }
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
	}
}

// gated is a function that watchers wait in until somebody asks for /open, or for /open/ and their own name.
const gated = `const opened = {};
	async function gate(name) { while (!opened[name]) await scheduler.wait(5); }
	function knock(request) {
		const [, open, name] = new URL(request.url).pathname.split("/");
		if (open === "open") for (const n of name ? [name] : ["tail", "stream"]) opened[n] = true;
	}
	`

// A tail worker that is slower than what it tails costs neither requests nor memory: what
// it does not keep up with is dropped, and the log says so.
func TestSlowTailWorkersMissTraces(t *testing.T) {
	r, watch := tailed(t, gated+`let got = 0, streams = 0; export default {
		async tail(events) { got += events.length; await gate("tail"); },
		async tailStream() { streams++; await gate("stream"); },
		fetch(request) { knock(request); return new Response(got + " " + streams); } };`, "trace.pending=2")
	for range 10 {
		r.want("/?n=1", "ok")
	}
	said := func() int { return strings.Count(r.p.log.String(), "does not keep up") }
	eventually(t, "the tail worker did not get two of each", func() bool { return watch("/") == "2 2" && said() > 0 })
	if got := watch("/open"); got != "2 2" {
		t.Errorf("the tail worker got %s", got)
	}
	if said() > 4 {
		t.Error(r.p.log.String())
	}
	eventually(t, "no trace comes any more", func() bool {
		r.want("/?n=1", "ok")
		var got, streams int
		if _, err := fmt.Sscan(watch("/"), &got, &streams); err != nil {
			t.Fatal(err)
		}
		return got > 2 && streams > 2
	})
	r.stop()
}

// What waits for a tail worker has a bound in bytes, too: of traces, and of events of an
// invocation that goes on.
func TestTracesThatWaitAreBoundedInBytes(t *testing.T) {
	r, watch := tailed(t, gated+`let got = 0, diags = []; export default {
		async tail(events) { got += events.length; await gate("tail"); },
		async tailStream() { await gate("stream"); return { streamDiagEvent(e) { diags.push(e.event.diagnostic.diagnosticsType); }, log() { diags.push("log"); } }; },
		fetch(request) { knock(request); return new Response(got + " " + diags); } };`, "trace.held=100KiB")
	for range 5 {
		r.want("/?n=60000", "ok")
	}
	watch("/open/stream")
	// Each log has 60 KB: one trace fits, and the events of one stream.
	eventually(t, "the streams did not end: "+watch("/"), func() bool {
		got := watch("/")
		return strings.HasPrefix(got, "1 ") && strings.Count(got, "log") == 1 && strings.Count(got, "droppedEvents") == 4
	})
	if got := watch("/open"); !strings.HasPrefix(got, "1 ") {
		t.Errorf("the tail worker got %s", got)
	}
	r.stop()
}

// A stop waits for tail workers, but not for ever.
func TestStopsWaitForTailWorkers(t *testing.T) {
	for _, c := range []struct {
		takes int // milliseconds
		drain string
		ended bool
	}{{300, "60s", true}, {3_600_000, "100ms", false}} {
		r, _ := tailed(t, fmt.Sprintf(`export default {
			async tail() { await scheduler.wait(%d); console.log("told"); }, tailStream() {},
			fetch() { return new Response(); } };`, c.takes), "trace.drain="+c.drain)
		r.want("/?n=1", "ok")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		if err := r.s.Drain(ctx); err != nil {
			t.Error(err)
		}
		if ctx.Err() != nil {
			t.Errorf("drain %s: it does not end", c.drain)
		}
		cancel()
		if ended := strings.Contains(r.p.log.String(), "told"); ended != c.ended {
			t.Errorf("drain %s: told %v\n%s", c.drain, ended, r.p.log)
		}
	}
}

// A reload leaves no trace out.
func TestTracesOutliveAReload(t *testing.T) {
	r, _ := tailed(t, `export default {
		async tail(events) { await scheduler.wait(100); for (const e of events) console.log("told " + e.event.request.url.split("n=")[1]); },
		tailStream() { return 5; }, fetch() { return new Response(); } };`)
	for i := range 3 {
		r.want(fmt.Sprintf("/?n=%d", i), "ok")
	}
	if err := r.s.Reload(t.Context(), r.p.config()); err != nil {
		t.Fatal(err)
	}
	r.want("/?n=3", "ok")
	eventually(t, "a trace is missing", func() bool {
		log := r.p.log.String()
		for i := range 4 {
			if !strings.Contains(log, fmt.Sprintf("told %d", i)) {
				return false
			}
		}
		return strings.Contains(log, "returned an unusable value")
	})
	r.stop()
}
