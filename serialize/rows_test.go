package serialize

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"workerd.local/event"
)

// A run that nobody sends requests to is not activated, and what comes too late for an event
// extends nothing.
func TestLifeWithoutAgent(t *testing.T) {
	b := newBench(t, `
		for (const type of ['install', 'activate', 'uninstall', 'serialize', 'deserialize']) addEventListener(type, (e) => {
			console.log(type, e instanceof ExtendableEvent, e.isTrusted, e.cancelable, e.waitUntil(null) instanceof Promise);
			setTimeout(() => e.waitUntil(Promise.reject(new Error('late'))).then(() => console.log('no error')), 2);
		});
		console.log('main');`)
	b.want(Run(b.ctx(), b.o, nil), 0, "main", "install true true false true", "no error")
}

// location is computed once: that of a seed is its children's, a snapshot's is that of who
// goes on from it.
func TestLocationsOfThoseThatGoOn(t *testing.T) {
	code := `const before = location.href; addEventListener('install', () => console.log(before, location.href))`
	b := newBench(t, code)
	b.o.Location = "http://seed.example/"
	s := b.seed(1)
	for range 3 {
		if out, e := b.forked(s, Child{}); e.Code != 0 || out != "http://seed.example/ http://seed.example/" {
			t.Errorf("exit %d, %q", e.Code, out)
		}
	}
	blob := filepath.Join(t.TempDir(), "x.blob")
	b = newBench(t, code)
	b.want(Build(b.ctx(), b.o, blob, time.Second), 0)
	c := newBench(t, `1`)
	c.o.Location = "http://later.example/"
	c.want(RunSnapshot(c.ctx(), c.o, blob, nil), 0, "aworker://eval-machine http://later.example/")
}

// A snapshot is built of a script alone, whatever is to run before it.
func TestPreloadIsNoPartOfASnapshot(t *testing.T) {
	blob := filepath.Join(t.TempDir(), "x.blob")
	b := newBench(t, `console.log('main'); addEventListener('deserialize', () => console.log('deserialize', globalThis.preloaded))`)
	b.o.Preload = compiled(t, `console.log('preload'); globalThis.preloaded = (globalThis.preloaded ?? 0) + 1`)
	b.want(Build(b.ctx(), b.o, blob, time.Second), 0, "main")
	c := newBench(t, `1`)
	c.o.Preload = b.o.Preload
	c.want(RunSnapshot(c.ctx(), c.o, blob, nil), 0, "preload", "deserialize 1")
}

// Requests work again after a fork, also where one was cut off by it.
func TestChildrenOfASeedFetch(t *testing.T) {
	b := newBench(t, `
		addEventListener('serialize', () => { fetch('http://slow.example/never').catch(() => 0) });
		addEventListener('install', (e) => e.waitUntil(fetch('http://x.example/').then((r) => r.text()).then((t) => console.log(t))));`)
	b.o.Outbound = service(func(ctx context.Context, req *event.Request) (*event.Response, error) {
		if req.URL == "http://slow.example/never" {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return answerText("answer")
	})
	s := b.seed(1)
	for range 3 {
		if out, e := b.forked(s, Child{}); e.Code != 0 || out != "answer" {
			t.Errorf("exit %d, %q", e.Code, out)
		}
	}
	b.want(RunSeed(b.ctx(), b.o, SeedUserland, nil), 0, "answer")
}

// States only grow.
func TestStatesDoNotGoBack(t *testing.T) {
	s := Installed
	s.become(Activated)
	again := Deserialized
	again.become(Serialized) // a snapshot that goes on as a seed
	defer func() {
		if recover() == nil {
			t.Fatal("an activated worker was installed")
		}
	}()
	s.become(Installed)
}

// A callback that takes long is told, at its end.
func TestLongTasksAreTold(t *testing.T) {
	b := newBench(t, `setTimeout(() => { const end = Date.now() + 30; while (Date.now() < end); console.log('done') }, 1); setTimeout(() => {}, 2)`)
	b.o.LongTask = 10 * time.Millisecond
	b.want(Run(b.ctx(), b.o, nil), 0, "done")
	b.wantErr("longer than 10 ms")
}
