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

// tailed starts a worker with a tail worker, and limits.
func tailed(t *testing.T, watcher string, settings ...string) (r *running, seen func() string) {
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
	watch := &running{t: t, s: s, p: p, url: list[1].URL, client: http.DefaultClient}
	return r, func() string { _, body := watch.get("/"); return body }
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
	}
}

// A tail worker that is slower than what it tails costs neither requests nor memory: what
// it does not keep up with is dropped, and the log says so.
func TestSlowTailWorkersMissTraces(t *testing.T) {
	r, seen := tailed(t, `let got = 0, streams = 0; export default {
		async tail(events) { got += events.length; await scheduler.wait(300); },
		async tailStream() { streams++; await scheduler.wait(300); },
		fetch() { return new Response(got + " " + streams); } };`, "trace.pending=2")
	for range 10 {
		r.want("/?n=1", "ok")
	}
	if got := seen(); got != "2 2" {
		t.Errorf("the tail worker got %s", got)
	}
	if log := r.p.log.String(); !strings.Contains(log, "does not keep up") || strings.Count(log, "does not keep up") > 4 {
		t.Error(log)
	}
	time.Sleep(500 * time.Millisecond)
	r.want("/?n=1", "ok")
	eventually(t, "no trace comes any more", func() bool { return seen() == "3 3" })
	r.stop()
}

// What waits for a tail worker has a bound in bytes, too: of traces, and of events of an
// invocation that goes on.
func TestTracesThatWaitAreBoundedInBytes(t *testing.T) {
	r, seen := tailed(t, `let got = 0, diags = []; export default {
		async tail(events) { got += events.length; await scheduler.wait(300); },
		async tailStream() { await scheduler.wait(200); return { streamDiagEvent(e) { diags.push(e.event.diagnostic.diagnosticsType); }, log() { diags.push("log"); } }; },
		fetch() { return new Response(got + " " + diags); } };`, "trace.held=100KiB")
	for range 5 {
		r.want("/?n=60000", "ok")
	}
	// Each log has 60 KB: one trace fits, and the events of one stream.
	eventually(t, "the streams did not end: "+seen(), func() bool { return strings.Count(seen(), "log") == 1 && strings.Count(seen(), "droppedEvents") == 4 })
	if got := seen(); !strings.HasPrefix(got, "1 ") {
		t.Errorf("the tail worker got %s", got)
	}
	r.stop()
}

// A stop waits for tail workers, but not for ever.
func TestStopsWaitForTailWorkers(t *testing.T) {
	for _, c := range []struct {
		drain string
		ended bool
	}{{"5s", true}, {"100ms", false}} {
		r, _ := tailed(t, `export default {
			async tail() { await scheduler.wait(600); console.log("told"); }, tailStream() {},
			fetch() { return new Response(); } };`, "trace.drain="+c.drain)
		r.want("/?n=1", "ok")
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		if err := r.s.Drain(ctx); err != nil {
			t.Error(err)
		}
		cancel()
		if ended := strings.Contains(r.p.log.String(), "told"); ended != c.ended || time.Since(began) > 3*time.Second {
			t.Errorf("drain %s: told %v after %s\n%s", c.drain, ended, time.Since(began), r.p.log)
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
