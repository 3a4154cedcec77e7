package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"workerd.local/event"
	"workerd.local/isolate"
	"workerd.local/server"
	"workerd.local/webapi/bind"
)

// warm is a worker that asks upstream while it starts.
const warm = `
import { DurableObject } from "cloudflare:workers";
console.log("top level");
const born = Math.random();
const words = await (await fetch("http://up/words", { method: "POST", body: "which?" })).json();
let later;
addEventListener("serialize", (e) => {
	e.waitUntil((async () => {
		later = await (await fetch("http://up/later")).text();
		await new Promise((resolve) => setTimeout(resolve, 5));
		later += "!";
	})());
});
let fresh;
addEventListener("deserialize", (e) => {
	fresh = [Math.random(), crypto.randomUUID(), performance.now()];
	e.waitUntil(scheduler.wait(1).then(() => { fresh.push("awake") }));
});
let count = 0;
const tell = () => Response.json({ born, words, later, fresh, count: ++count, now: Math.random() });
export class Box extends DurableObject {
	fetch(request) { if (request.url.endsWith("/spin")) for (;;); return tell(); }
	alarm() { console.log("alarm of " + later) }
	soon() { return this.ctx.storage.setAlarm(Date.now() + 1) }
}
export default {
	async fetch(request, env) {
		const { pathname } = new URL(request.url);
		if (pathname.startsWith("/box")) return env.BOX.get(env.BOX.idFromName(pathname.split("/")[2])).fetch(request);
		if (pathname === "/spin") for (;;);
		if (pathname === "/wait") { console.log("waits"); await fetch("http://up/held"); }
		if (pathname === "/fetch") return fetch("http://up/live");
		if (pathname === "/soon") return new Response(String(await env.BOX.get(env.BOX.idFromName("x")).soon()));
		return tell();
	}
}`

type told struct {
	Born  float64           `json:"born"`
	Words []string          `json:"words"`
	Later string            `json:"later"`
	Fresh []json.RawMessage `json:"fresh"`
	Count int               `json:"count"`
	Now   float64           `json:"now"`
}

// upstream answers each request after a while, and notes them; those of /held wait for release,
// and are not noted.
type upstream struct {
	*httptest.Server
	held  chan struct{}
	mu    sync.Mutex // guards asked
	asked []string
	slow  atomic.Int64 // ms
}

func newUpstream(t *testing.T) *upstream {
	u := &upstream{held: make(chan struct{}, 10)}
	u.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/held" {
			select {
			case <-u.held:
			case <-r.Context().Done():
			}
			return
		}
		body, _ := io.ReadAll(r.Body)
		u.mu.Lock()
		u.asked = append(u.asked, strings.TrimSpace(r.Method+" "+r.URL.Path+" "+string(body)))
		n := len(u.asked)
		u.mu.Unlock()
		time.Sleep(time.Duration(u.slow.Load()) * time.Millisecond)
		if r.URL.Path == "/words" {
			fmt.Fprintf(w, `["answer", "%d"]`, n)
			return
		}
		fmt.Fprintf(w, "later %d", n)
	}))
	t.Cleanup(u.Close)
	return u
}

// release lets one request of /held go, now or when it comes.
func (u *upstream) release() { u.held <- struct{}{} }

func (u *upstream) requests() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Clone(u.asked)
}

// warmProject has the worker, its actors, and where its fetch leads.
func warmProject(t *testing.T, u *upstream, script string) *project {
	return newProject(t, map[string]string{
		"main.js": script,
		"config.capnp": one(`globalOutbound = "up",
	durableObjectNamespaces = [(className = "Box", uniqueKey = "box")],
	durableObjectStorage = (inMemory = void),
	bindings = [(name = "BOX", durableObjectNamespace = "Box"), (name = "UP", service = "up"), (name = "ITSELF", service = "main")]`,
			fmt.Sprintf(`(name = "up", external = (address = %q, http = ()))`, strings.TrimPrefix(u.URL, "http://"))),
	})
}

// startWarm starts a project whose workers start from snapshots.
func (p *project) startWarm(change ...func(*server.Options)) *running {
	p.t.Helper()
	o := p.options()
	o.Snapshot = true
	o.Limits.Turn = 300 * time.Millisecond
	for _, c := range change {
		c(&o)
	}
	return p.startWith(o)
}

func (r *running) told(path string) told {
	r.t.Helper()
	code, body := r.get(path)
	var v told
	if err := json.Unmarshal([]byte(body), &v); err != nil || code != 200 {
		r.t.Fatalf("GET %s: %d %q\n%s", path, code, body, r.p.log)
	}
	return v
}

// both asks two isolates, as one of them is busy.
func (r *running) both(u *upstream) (a, b told) {
	r.t.Helper()
	waits := func() int { return strings.Count(r.p.log.String(), "waits") }
	n := waits()
	var wg sync.WaitGroup
	wg.Go(func() { a = r.told("/wait") })
	eventually(r.t, "no request waits", func() bool { return waits() > n })
	func() {
		defer u.release()
		b = r.told("/")
	}()
	wg.Wait()
	return a, b
}

var startRequests = []string{"POST /words which?", "GET /later"}

func checkWarm(t *testing.T, v told) {
	t.Helper()
	if fmt.Sprint(v.Words) != "[answer 1]" || v.Later != "later 2!" || len(v.Fresh) != 4 || string(v.Fresh[3]) != `"awake"` {
		t.Errorf("an isolate stands elsewhere: %+v", v)
	}
}

func TestIsolatesStartFromASnapshot(t *testing.T) {
	u := newUpstream(t)
	u.slow.Store(30)
	p := warmProject(t, u, warm)
	r := p.startWarm()
	a, b := r.both(u)
	checkWarm(t, a)
	checkWarm(t, b)
	if a.Count != 1 || b.Count != 1 {
		t.Fatalf("the pool has not grown: %+v %+v", a, b)
	}
	if a.Born != b.Born || fmt.Sprint(a.Fresh) == fmt.Sprint(b.Fresh) || a.Now == b.Now || string(a.Fresh[1]) == string(b.Fresh[1]) {
		t.Errorf("what is equal, and what differs: %+v %+v", a, b)
	}
	// An isolate that is condemned is replaced, three times. Until its request is over, the
	// other one is asked.
	known := map[string]bool{string(a.Fresh[1]): true, string(b.Fresh[1]): true}
	for range 3 {
		if code, _ := r.get("/spin"); code == 200 {
			t.Error("the turn was not stopped")
		}
		eventually(t, "there is no new isolate", func() bool {
			v := r.told("/")
			checkWarm(t, v)
			id := string(v.Fresh[1])
			if (v.Count == 1) == known[id] {
				t.Errorf("an isolate has started again: %+v", v)
			}
			isNew := !known[id]
			known[id] = true
			return isNew
		})
	}
	if got := u.requests(); !slices.Equal(got, startRequests) {
		t.Errorf("upstream was asked %q", got)
	}
	if n := strings.Count(p.log.String(), "top level"); n != 1 {
		t.Errorf("the top level has printed %d times:\n%s", n, p.log)
	}
	u.slow.Store(0)
	if code, body := r.get("/fetch"); code != 200 || body != "later 3" {
		t.Errorf("fetch of a handler: %d %q", code, body)
	}
}

func TestActorsStartFromASnapshot(t *testing.T) {
	u := newUpstream(t)
	r := warmProject(t, u, warm).startWarm()
	u.slow.Store(3000)
	first := map[string]bool{}
	for i := range 8 { // on both isolates
		v := r.told(fmt.Sprintf("/box/%d", i))
		checkWarm(t, v)
		first[string(v.Fresh[1])] = true
	}
	if len(first) != 2 {
		t.Errorf("%d isolates have actors", len(first))
	}
	for i := range 8 {
		if code, _ := r.get(fmt.Sprintf("/box/%d/spin", i)); code == 200 {
			t.Error("the turn was not stopped")
		}
		v := r.told(fmt.Sprintf("/box/%d", i))
		checkWarm(t, v)
		if v.Count != 1 || first[string(v.Fresh[1])] && i > 1 {
			t.Errorf("it is not a new isolate: %+v", v)
		}
		first[string(v.Fresh[1])] = true
	}
	if code, body := r.get("/soon"); code != 200 {
		t.Fatal(code, body)
	}
	r.logged("alarm of later 2!")
	if got := u.requests(); !slices.Equal(got, startRequests) {
		t.Errorf("upstream was asked %q", got)
	}
}

func TestReloadMakesANewSnapshot(t *testing.T) {
	u := newUpstream(t)
	p := warmProject(t, u, warm)
	r := p.startWarm()
	old := r.told("/")
	p.write(map[string]string{"main.js": strings.Replace(warm, `later += "!"`, `later += " again!"`, 1)})
	u.slow.Store(100)
	if err := r.s.Reload(t.Context(), p.config()); err != nil {
		t.Fatal(err)
	}
	a, b := r.both(u)
	for _, v := range []told{a, b} {
		if v.Later != "later 4 again!" || v.Count != 1 || v.Born == old.Born {
			t.Errorf("after the reload: %+v", v)
		}
	}
	if got := u.requests(); !slices.Equal(got, append(slices.Clone(startRequests), startRequests...)) {
		t.Errorf("upstream was asked %q", got)
	}
}

func TestSnapshotIsForThoseWhoAsk(t *testing.T) {
	u := newUpstream(t)
	p := warmProject(t, u, warm)
	if got := p.failure(); !strings.Contains(got, "Disallowed operation called within global scope") {
		t.Error(got)
	}
	p.write(map[string]string{"main.js": `
		let told = [];
		for (const e of ["serialize", "deserialize"]) addEventListener(e, () => told.push(e));
		export class Box {}
		export default { fetch: () => new Response("told " + told.join()) }`})
	p.start().want("/", "told ")
	if len(u.requests()) > 0 {
		t.Error(u.requests())
	}
}

// Runs that do not repeat themselves are noticed, once, and isolates start with requests of
// their own.
func TestIsolatesThatDiverge(t *testing.T) {
	u := newUpstream(t)
	// The number of starts is something that no log can know.
	p := warmProject(t, u, `
		const n = globalThis.starts();
		const answer = await (await fetch("http://up/" + n)).text();
		export class Box {}
		export default { async fetch(r) { if (r.url.endsWith("/wait")) { console.log("waits"); await fetch("http://up/held"); } return new Response(answer) } }`)
	var n atomic.Int64
	r := p.startWarm(func(o *server.Options) { o.Modules = append(o.Modules, startsModule(&n)) })
	var first string
	var wg sync.WaitGroup
	wg.Go(func() { _, first = r.get("/wait") })
	eventually(t, "no request waits", func() bool { return strings.Contains(p.log.String(), "waits") })
	_, second := r.get("/")
	u.release()
	wg.Wait()
	if first == second || !strings.HasPrefix(first, "later ") || !strings.HasPrefix(second, "later ") {
		t.Errorf("%q, %q", first, second)
	}
	if n := strings.Count(p.log.String(), "start without the snapshot"); n != 1 {
		t.Errorf("%d warnings: %s", n, p.log)
	}
	if !strings.Contains(p.log.String(), "fetched GET http://up/2") {
		t.Error(p.log)
	}
}

// What waits for an isolate is bounded.
func TestEventsThatWaitForAnIsolateAreBounded(t *testing.T) {
	u := newUpstream(t)
	p := warmProject(t, u, `
		globalThis.starts();
		export class Box {}
		export default { fetch(request) { if (request.url.endsWith("/spin")) for (;;); return new Response("served") } }`)
	var n atomic.Int64
	held := make(chan struct{})
	let := sync.OnceFunc(func() { close(held) })
	t.Cleanup(let)
	r := p.startWarm(func(o *server.Options) {
		// Starts that repeat the first one wait.
		o.Modules = append(o.Modules, bind.Module{Name: "starts", Globals: []bind.Global{bind.Func{Name: "starts", Call: func(*bind.Call) (any, error) {
			if n.Add(1) > 1 {
				<-held
			}
			return nil, nil
		}}}})
		o.Isolates = 1
		var err error
		if o.Limits.Bounds, err = server.ParseLimits("snapshot.waiting=2", "snapshot.twins=0"); err != nil {
			t.Fatal(err)
		}
	})
	r.want("/", "served")
	r.get("/spin")
	var served, refused atomic.Int64
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			switch code, body := r.get("/"); {
			case code == 200 && body == "served":
				served.Add(1)
			case code == 503 || code == 500:
				refused.Add(1)
			}
		})
	}
	eventually(t, "nobody is refused", func() bool { return refused.Load() >= 4 })
	let()
	wg.Wait()
	if served.Load() != 2 || refused.Load() != 4 {
		t.Errorf("%d served, %d refused\n%s", served.Load(), refused.Load(), p.log)
	}
	r.want("/", "served")
}

// notes are what recorders were told, by the number of the recorder.
type notes struct {
	mu   sync.Mutex // guards what follows
	who  map[int]map[string]bool
	busy map[int]bool
}

type note struct {
	n *notes
	i int
}

func (r note) Running(realm, _, _ string) {
	r.n.mu.Lock()
	defer r.n.mu.Unlock()
	if r.n.who[r.i] == nil {
		r.n.who[r.i] = map[string]bool{}
	}
	r.n.who[r.i][realm], r.n.busy[r.i] = true, true
}

func (r note) Idle() {
	r.n.mu.Lock()
	defer r.n.mu.Unlock()
	r.n.busy[r.i] = false
}

// Whoever supervises the process knows whose start ran when it died.
func TestStartsAreNoted(t *testing.T) {
	u := newUpstream(t)
	n := &notes{who: map[int]map[string]bool{}, busy: map[int]bool{}}
	r := warmProject(t, u, warm).startWarm(func(o *server.Options) {
		o.Recorder = func(i int) isolate.Recorder { return note{n, i} }
		o.ThreadRecorder = func() (isolate.Recorder, func()) { return note{n, 2}, func() {} }
	})
	r.told("/")
	r.get("/spin")
	r.told("/")
	r.stop()
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.who[2]["main"] || !n.who[0]["main"] {
		t.Errorf("%v", n.who)
	}
	for i, busy := range n.busy {
		if busy {
			t.Errorf("recorder %d still runs code", i)
		}
	}
}

// A start that is cut off anywhere is an error of who waits for it, and of nobody else.
func TestStartsThatAreCutOffAnywhere(t *testing.T) {
	u := newUpstream(t)
	for _, where := range []string{
		"for (;;);",
		"addEventListener('serialize', () => { for (;;); });",
		"addEventListener('serialize', (e) => e.waitUntil(scheduler.wait(1).then(() => { for (;;); })));",
		"addEventListener('deserialize', () => { for (;;); });",
		"addEventListener('deserialize', (e) => e.waitUntil(scheduler.wait(1).then(() => { for (;;); })));",
		"export const proxy = new Proxy(class {}, { getPrototypeOf() { for (;;); } });",
	} {
		p := warmProject(t, u, where+`
			export class Box {}
			export default { fetch: () => new Response("served") }`)
		o := p.options()
		o.Snapshot, o.Limits.Startup, o.Limits.Turn = true, 100*time.Millisecond, 100*time.Millisecond
		s, err := server.New(t.Context(), p.config(), o)
		if err == nil {
			t.Errorf("%s: the server started", where)
			if err := s.Close(context.Background()); err != nil {
				t.Error(err)
			}
			continue
		}
		if !strings.Contains(err.Error(), "exceeded its limit") || strings.Contains(err.Error(), "panic") {
			t.Errorf("%s: %s", where, err)
		}
	}
}

// startsModule counts what nobody records.
func startsModule(n *atomic.Int64) bind.Module {
	return bind.Module{Name: "starts", Globals: []bind.Global{bind.Func{Name: "starts", Call: func(*bind.Call) (any, error) { return n.Add(1), nil }}}}
}

func TestWhatAStartMayNotDo(t *testing.T) {
	u := newUpstream(t)
	for name, c := range map[string]struct{ code, want string }{
		"throws":              {`throw new TypeError("not today");`, "TypeError: not today"},
		"rejects":             {`await Promise.reject(new Error("no"));`, "Error: no"},
		"never settles":       {`await new Promise(() => {});`, "Top-level await in module is unresolved"},
		"listener throws":     {`addEventListener("serialize", () => { throw new Error("thrown") });`, "Error: thrown"},
		"waitUntil rejects":   {`addEventListener("serialize", (e) => e.waitUntil(Promise.reject(new Error("promised"))));`, "Error: promised"},
		"waitUntil for ever":  {`addEventListener("serialize", (e) => e.waitUntil(new Promise(() => {})));`, "unresolved"},
		"deserialize throws":  {`addEventListener("deserialize", () => { throw new Error("asleep") });`, "Error: asleep"},
		"deserialize rejects": {`addEventListener("deserialize", (e) => e.waitUntil(Promise.reject(new Error("sleepy"))));`, "Error: sleepy"},
		"computes for ever":   {`for (;;);`, "exceeded its limit"},
		"waits for ever":      {`setInterval(() => {}, 1); await new Promise(() => {});`, "limit snapshot.start"},
		"calls itself":        {`import { env } from "cloudflare:workers"; await env.ITSELF.fetch("http://x/");`, "limit snapshot.start"},
		"calls a method":      {`import { env } from "cloudflare:workers"; await env.BOX.get(env.BOX.idFromName("x")).soon();`, "may make requests and set timers"},
		"connects":            {`await new Promise((resolve, reject) => { new WebSocket("ws://up/").addEventListener("error", (e) => reject(new Error(e.message))) });`, "Error"},
	} {
		t.Run(name, func(t *testing.T) {
			p := warmProject(t, u, c.code+`
				export class Box {}
				export default { fetch: () => new Response("served") }`)
			o := p.options()
			o.Snapshot = true
			if strings.Contains(c.want, "exceeded") {
				o.Limits.Startup = 200 * time.Millisecond
			}
			if strings.Contains(c.want, "snapshot.start") {
				bounds, err := server.ParseLimits("snapshot.start=700ms")
				if err != nil {
					t.Fatal(err)
				}
				o.Limits.Bounds = bounds
			}
			s, err := server.New(t.Context(), p.config(), o)
			if err == nil {
				err = s.Close(context.Background())
				t.Fatalf("the server started: %v", err)
			}
			if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "service main") {
				t.Errorf("%s", err)
			}
		})
	}
}

func TestTwinsAreBoundedAndEndWithTheirWorld(t *testing.T) {
	u := newUpstream(t)
	p := warmProject(t, u, warm)
	before := runtime.NumGoroutine()
	o := p.options()
	o.Snapshot, o.Limits.Turn = true, 100*time.Millisecond
	s, err := server.New(t.Context(), p.config(), o)
	if err != nil {
		t.Fatal(err)
	}
	svc, err := s.Service("main", "")
	if err != nil {
		t.Fatal(err)
	}
	ask := func(path string) string {
		resp, err := svc.Fetch(t.Context(), &event.Request{Method: "GET", URL: "http://x" + path, Header: http.Header{}})
		if err != nil {
			return err.Error()
		}
		b, err := io.ReadAll(resp.Body.Reader())
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	spin := func(n int) {
		for range n {
			if got := ask("/spin"); !strings.Contains(got, "CPU time limit") {
				t.Fatal(got)
			}
			if got := ask("/"); !strings.Contains(got, "later 2!") {
				t.Fatal(got)
			}
		}
	}
	spin(3)
	first := heap()
	spin(15)
	// A twin that is being made has garbage of its own.
	eventually(t, "15 isolates that were replaced leave more than 4 MiB", func() bool { return heap() <= first+4<<20 })
	for range 5 {
		if err := s.Reload(t.Context(), p.config()); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	u.CloseClientConnections()
	threadsGone(t, before)
}

// Without a twin, or a log, who needs an isolate waits, and the isolates of others do not.
func TestStartsWithoutATwinOrALog(t *testing.T) {
	for name, c := range map[string]struct {
		limit string
		asked int
	}{
		"no twins":          {"snapshot.twins=0", 2},
		"a log is too long": {"snapshot.log=1KiB", 6},
	} {
		t.Run(name, func(t *testing.T) {
			u := newUpstream(t)
			script := warm
			if c.asked > 2 { // something large for each of them
				script = "crypto.getRandomValues(new Uint8Array(4096));" + warm
			}
			p := warmProject(t, u, script)
			r := p.startWarm(func(o *server.Options) {
				var err error
				if o.Limits.Bounds, err = server.ParseLimits(c.limit); err != nil {
					t.Fatal(err)
				}
			})
			for i := range 2 {
				r.told("/")
				if i == 0 {
					r.get("/spin")
				}
			}
			r.both(u)
			if got := u.requests(); len(got) < c.asked || c.asked == 2 && len(got) != 2 {
				t.Errorf("upstream was asked %d times: %q", len(got), got)
			}
			if got := strings.Contains(p.log.String(), "start without the snapshot"); got != (c.asked > 2) {
				t.Errorf("warned: %v\n%s", got, p.log)
			}
		})
	}
}
