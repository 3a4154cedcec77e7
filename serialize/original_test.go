package serialize

import (
	"bytes"
	"compress/gzip"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"workerd.local/event"
)

// What the original's tests of forks and snapshots pin down, with the order in which things
// are printed: one row for each of their cases, in scripts of our own.

// both prints an event, and when what it waits for is over.
const both = `
const tell = (type, over, wait = () => null) => addEventListener(type, (e) => {
	console.log(type);
	e.waitUntil((async () => { await wait(); console.log(over) })());
});
`

func TestForksOfTheOriginal(t *testing.T) {
	for name, c := range map[string]struct {
		code string
		want []string
	}{
		"events": {both + `console.log('main'); tell('serialize', 'serialized'); tell('deserialize', 'deserialized'); tell('install', 'installed');`,
			[]string{"main", "serialize", "serialized", "deserialize", "deserialized", "install", "installed"}},
		"an interval of serialize fires in the child": {both + `console.log('main');
			let stop; const fired = new Promise((resolve) => { stop = resolve });
			addEventListener('serialize', () => { console.log('serialize'); const i = setInterval(() => { console.log('interval'); clearInterval(i); stop() }, 10) });
			addEventListener('deserialize', () => console.log('deserialize'));
			tell('install', 'installed', () => fired);`,
			[]string{"main", "serialize", "deserialize", "install", "interval", "installed"}},
		"a request under way is rejected before install": {both + `console.log('main');
			let under;
			addEventListener('serialize', () => { console.log('serialize'); under = fetch('http://slow.example/') });
			addEventListener('deserialize', (e) => { console.log('deserialize'); e.waitUntil(under.catch((e) => console.log(e.message.includes('CONNECTION_RESET') ? 'rejected' : e.message))) });
			tell('install', 'installed');`,
			[]string{"main", "serialize", "deserialize", "rejected", "install", "installed"}},
		"a timer that the child clears": {`console.log('main');
			let timer;
			addEventListener('serialize', () => { console.log('serialize'); timer = setTimeout(() => console.log('too late'), 10000) });
			addEventListener('deserialize', () => { console.log('deserialize'); clearTimeout(timer) });
			addEventListener('install', () => console.log('install'));`,
			[]string{"main", "serialize", "deserialize", "install"}},
	} {
		slow := service(func(ctx context.Context, _ *event.Request) (*event.Response, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		t.Run(name, func(t *testing.T) {
			b := newBench(t, c.code)
			b.o.Outbound = slow
			began := time.Now()
			b.want(RunSeed(b.ctx(), b.o, SeedUserland, nil), 0, c.want...)
			b.wantErr(notForkable)
			if took := time.Since(began); took > 8*time.Second {
				t.Errorf("it took %s", took)
			}
		})
		// A fork of a seed prints what comes after; what came before is the seed's.
		t.Run(name+", forked", func(t *testing.T) {
			b := newBench(t, c.code)
			b.o.Outbound = slow
			s := b.seed(2)
			at := 0
			for at < len(c.want) && c.want[at] != "deserialize" {
				at++
			}
			for range 3 {
				if out, e := b.forked(s, Child{}); e.Code != 0 || out != strings.Join(c.want[at:], "\n") {
					t.Errorf("exit %d, %q", e.Code, out)
				}
			}
			if b.out.String() != strings.Join(c.want[:at], "\n")+"\n" {
				t.Errorf("the seed printed %q", b.out.String())
			}
		})
	}
}

func TestSnapshotsOfTheOriginal(t *testing.T) {
	for name, c := range map[string]struct {
		code        string
		built, want []string
	}{
		"events": {both + `tell('deserialize', 'deserialization over'); tell('install', 'installation over');`,
			nil, []string{"deserialize", "deserialization over", "install", "installation over"}},
		"a chain of microtasks": {`let chain;
			addEventListener('serialize', () => { chain = new Promise((r) => queueMicrotask(r)).then(() => console.log('drained')).then(() => 'kept') });
			addEventListener('deserialize', (e) => e.waitUntil(chain.then((v) => console.log(v))));`,
			[]string{"drained"}, []string{"kept"}},
		"a request in waitUntil": {`let got;
			addEventListener('serialize', (e) => e.waitUntil(fetch('http://data.example/').then(async (r) => { got = r.status + ' ' + await r.text() })));
			addEventListener('deserialize', () => console.log(got));`,
			nil, []string{"200 answer"}},
		"an encoded answer": {`let got;
			addEventListener('serialize', (e) => e.waitUntil(fetch('http://packed.example/').then(async (r) => { got = await r.text() })));
			addEventListener('deserialize', () => console.log(got));`,
			nil, []string{"unpacked"}},
		"a timer in waitUntil": {`let n = 0;
			const wait = () => new Promise((r) => setTimeout(r, 3));
			addEventListener('serialize', (e) => e.waitUntil(wait().then(() => { n++; console.log('waited') })));
			addEventListener('deserialize', (e) => e.waitUntil(wait().then(() => console.log('again', n))));`,
			[]string{"waited"}, []string{"again 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			blob := filepath.Join(t.TempDir(), "x.blob")
			b := newBench(t, c.code)
			b.o.Outbound = service(func(_ context.Context, req *event.Request) (*event.Response, error) {
				if !strings.Contains(req.URL, "packed") {
					return answerText("answer")
				}
				var zipped bytes.Buffer
				z := gzip.NewWriter(&zipped)
				if _, err := z.Write([]byte("unpacked")); err != nil {
					return nil, err
				}
				if err := z.Close(); err != nil {
					return nil, err
				}
				return &event.Response{Status: 200, Header: map[string][]string{"Content-Encoding": {"gzip"}}, Encoded: true, Body: event.BytesBody(zipped.Bytes())}, nil
			})
			b.want(Build(b.ctx(), b.o, blob, 10*time.Second), 0, c.built...)
			c2 := newBench(t, `console.log('the script does not run')`)
			c2.want(RunSnapshot(c2.ctx(), c2.o, blob, nil), 0, c.want...)
		})
	}
	for name, content := range map[string]string{"no blob": "", "a bad blob": "this is no snapshot"} {
		t.Run(name, func(t *testing.T) {
			blob := filepath.Join(t.TempDir(), "x.blob")
			if content != "" {
				if err := os.WriteFile(blob, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			b := newBench(t, both+`console.log('main'); tell('deserialize', 'never'); tell('install', 'installed');`)
			b.want(RunSnapshot(b.ctx(), b.o, blob, nil), 0, "main", "install", "installed")
			b.wantErr(notLoaded)
		})
	}
}

// Two workers have their own time origins, and so have two children of one seed.
func TestTimeOriginsDiffer(t *testing.T) {
	origin := `addEventListener('install', () => console.log(performance.timeOrigin))`
	seen := map[string]bool{}
	for range 2 {
		b := newBench(t, origin)
		if e := Run(b.ctx(), b.o, nil); e.Code != 0 {
			t.Fatal(e)
		}
		seen[b.out.String()] = true
		time.Sleep(2 * time.Millisecond)
	}
	b := newBench(t, origin)
	s := b.seed(1)
	for range 2 {
		out, _ := b.forked(s, Child{})
		seen[out] = true
		time.Sleep(2 * time.Millisecond)
	}
	if len(seen) != 4 {
		t.Fatal(seen)
	}
}

// Children of a seed serve what it prepared; where serialize fails there is no seed, and a cold
// worker serves without it.
func TestWhoServesAfterSerialize(t *testing.T) {
	code := `let state = 'cold';
		addEventListener('serialize', () => { state = 'serialized'; if (aworker.env.FAIL) throw new Error('failed') });
		addEventListener('deserialize', () => { state = 'deserialized' });
		addEventListener('fetch', (e) => e.respondWith(new Response(state)));`
	b := newBench(t, code)
	s := b.seed(2)
	for range 3 {
		got := b.ask(func(serve Serve) Exit {
			e, err := s.Fork(b.ctx(), ForkOptions{Options: Options{Stdout: &b.out, Stderr: &b.err}, Serve: serve})
			if err != nil {
				t.Error(err)
			}
			return e
		}, get("http://here.example/"))
		if len(got) != 1 || got[0] != "deserialized" {
			t.Error(got)
		}
	}
	b = newBench(t, code)
	b.o.Env = []string{"FAIL=1"}
	if s, exit := NewSeed(b.ctx(), SeedOptions{Worker: b.o, Mode: SeedUserland, Twins: 1}); exit == nil {
		s.Close()
		t.Fatal("it parked")
	}
	got := b.ask(func(serve Serve) Exit { return Run(b.ctx(), b.o, serve) }, get("http://here.example/"))
	if len(got) != 1 || got[0] != "cold" {
		t.Fatal(got)
	}
}
