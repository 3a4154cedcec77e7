package server_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"workerd.local/storage"
	"workerd.local/storage/mem"
)

// gatedStore lets commits wait for the test while it is armed.
type gatedStore struct {
	storage.Store
	armed   atomic.Bool
	begun   chan struct{}
	outcome chan error
}

// Commit is storage.Store's.
func (s *gatedStore) Commit(ctx context.Context, b map[storage.Token][]storage.Write) ([]storage.Token, error) {
	if s.armed.Load() {
		s.begun <- struct{}{}
		if err := <-s.outcome; err != nil {
			return nil, err
		}
	}
	return s.Store.Commit(ctx, b)
}

var gateFiles = map[string]string{
	"wrangler.toml": strings.Replace(threadsToml, `["src/job.ts", "src/hop.js"]`, `["src/job.js", "src/hop.js", "src/second.js"]`, 1),
	"src/index.js": `
import IoWorker from "worker";
import { DurableObject } from "cloudflare:workers";
export class Box extends DurableObject {
	async fetch(request) {
		const { pathname, searchParams } = new URL(request.url), q = searchParams.get("q");
		if (pathname === "/open") {
			const { port1, port2 } = new MessageChannel();
			this.port = port1;
			this.w = new IoWorker("src/job.js");
			const ready = new Promise((resolve) => { this.w.once("message", resolve); });
			this.w.postMessage({ text: "hello", port: port2 }, [port2]);
			this.hop = new Worker("./hop.js");
			const there = new Promise((resolve) => { this.hop.onmessage = resolve; });
			this.hop.postMessage("hello");
			await Promise.all([ready, there]);
			return new Response("open");
		}
		if (pathname === "/write") {
			this.w.postMessage({ text: "before " + q });
			await this.ctx.storage.put("q", q);
			this.w.postMessage({ text: "worker " + q });
			this.port.postMessage("port " + q);
			this.hop.postMessage("hop " + q);
			new IoWorker("src/second.js");
			this.w.postMessage({ text: "last " + q });
		}
		return new Response("done " + await this.ctx.storage.get("q"));
	}
}
export default { fetch: (request, env) => env.BOX.get(env.BOX.idFromName("a")).fetch(request) };
`,
	"src/job.js": `
import Worker from "worker";
let n = 0;
setInterval(() => console.log("tick " + ++n), 10);
Worker.on("message", ({ text, port }) => {
	console.log("heard " + text);
	if (port) port.onmessage = (e) => console.log("heard " + e.data);
	Worker.postMessage("ready");
});
`,
	"src/hop.js":    `onmessage = ({ data }) => { console.log("heard " + data); postMessage("ready"); };`,
	"src/second.js": `console.log("heard from the second");`,
}

// What an actor tells its threads leaves it as everything else does: after the writes before it.
func TestThreadsHearOfDurableWritesOnly(t *testing.T) {
	before := runtime.NumGoroutine()
	store := &gatedStore{Store: mem.New(), begun: make(chan struct{}, 100), outcome: make(chan error, 100)}
	p := newProject(t, gateFiles)
	o := p.options()
	o.OpenStore = func(string) (storage.Store, error) { return store, nil }
	r := p.startWith(o)
	// The ticks of a thread come behind what it had been sent when the ticks began.
	ticks := func() {
		t.Helper()
		n := strings.Count(p.log.String(), "tick ")
		for end := time.Now().Add(time.Minute); strings.Count(p.log.String(), "tick ") < n+5; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("the thread does not tick:\n%s", p.log)
			}
		}
	}
	write := func(q string) chan string {
		answer := make(chan string, 1)
		go func() {
			_, text := r.get("/write?q=" + q)
			answer <- text
		}()
		select {
		case <-store.begun:
		case <-time.After(time.Minute):
			t.Fatalf("no commit\n%s", p.log)
		}
		r.logged("heard before " + q)
		ticks()
		for _, text := range []string{"heard worker " + q, "heard port " + q, "heard hop " + q, "heard from the second", "heard last " + q} {
			if strings.Contains(p.log.String(), text) {
				t.Errorf("%q before the commit", text)
			}
		}
		return answer
	}
	r.want("/open", "open")
	store.armed.Store(true)
	answer := write("lost")
	store.outcome <- errors.New("the disk is full")
	if text := <-answer; strings.Contains(text, "done") {
		t.Errorf("the answer to a write that failed: %q", text)
	}
	store.armed.Store(false)
	r.want("/open", "open") // another actor, with other threads
	store.armed.Store(true)
	answer = write("kept")
	store.outcome <- nil
	if text := <-answer; text != "done kept" {
		t.Errorf("the answer to a write: %q", text)
	}
	for _, text := range []string{"worker kept", "port kept", "hop kept", "from the second", "last kept"} {
		r.logged("heard " + text)
	}
	log := p.log.String()
	if strings.Index(log, "heard worker kept") > strings.Index(log, "heard last kept") {
		t.Errorf("out of order:\n%s", log)
	}
	store.armed.Store(false)
	r.stop()
	threadsGone(t, before)
	if n := strings.Count(p.log.String(), "heard from the second"); n != 1 {
		t.Errorf("%d of the second threads have begun, and not 1", n)
	}
	for _, text := range []string{"worker lost", "port lost", "hop lost", "last lost"} {
		if strings.Contains(p.log.String(), "heard "+text) {
			t.Errorf("%q, and that write has failed", "heard "+text)
		}
	}
}
