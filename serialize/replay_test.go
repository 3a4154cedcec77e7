package serialize

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"workerd.local/event"
)

// warm is a script whose init uses every input that a log has.
const warm = `
const before = { random: Math.random(), now: Date.now(), home: aworker.env.WHERE, names: Object.keys(aworker.env).length, bytes: aworker.crypto.randomBytes(4).join() };
class Counter { #n = 0; up() { return ++this.#n } }
const counter = new Counter(), keyed = new Map(), weak = new WeakMap(), key = {};
keyed.set(key, 'in the map'); weak.set(key, 'in the weak map');
let answer, resolveLater, ticks = 0;
const later = new Promise(r => resolveLater = r);
let steps = [];
const suspended = (async () => { steps.push('began'); steps.push(await later); return steps.length })();
function* numbers() { yield 1; yield 2; yield 3 }
const walking = numbers(); walking.next();
addEventListener('serialize', e => e.waitUntil((async () => {
	const r = await fetch('http://warm.example/data', { method: 'POST', body: 'question' });
	answer = await r.json();
	await new Promise(r => setTimeout(r, 5));
	await aworker.kvStorages.open('cache').then(kv => kv.set('k', 'v'));
	counter.up();
	console.log('warmed up');
})()));
addEventListener('deserialize', e => e.waitUntil((async () => {
	resolveLater('resumed');
	await suspended;
	const kv = await aworker.kvStorages.open('cache');
	console.log(JSON.stringify({
		before: before.random + ' ' + before.now + ' ' + before.home + ' ' + before.bytes, count: counter.up(), map: keyed.get(key), weak: weak.get(key), next: walking.next().value,
		answer: answer.n, steps: steps.join(), kv: new TextDecoder().decode(await kv.get('k')),
	}));
	console.log('new ' + Math.random() + ' ' + aworker.env.WHERE + ' ' + aworker.argv.join());
})()));
`

// warmService answers the script's question, and counts how often.
func warmService(asked *int) service {
	return func(_ context.Context, req *event.Request) (*event.Response, error) {
		*asked++
		return answerText(`{"n":42}`)
	}
}

func (b *bench) snapshot(kind Kind) *Snapshot {
	b.t.Helper()
	w, s, exit, err := record(b.ctx(), b.o, kind, time.Minute)
	if exit != nil || err != nil {
		b.t.Fatalf("exit %v, %v; stderr: %s", exit, err, b.err.String())
	}
	w.close()
	return s
}

// copied is the snapshot after a trip through a file.
func copied(t testing.TB, s *Snapshot) *Snapshot {
	t.Helper()
	c, err := Decode(context.Background(), s.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestChildrenStandWhereTheSeedParked(t *testing.T) {
	for _, kind := range []Kind{Startup, Forkable} {
		asked := 0
		b := newBench(t, warm)
		b.o.Outbound, b.o.Env = warmService(&asked), []string{"WHERE=seed"}
		s := copied(t, b.snapshot(kind))
		if b.out.String() != "warmed up\n" {
			t.Fatalf("printed %q", b.out.String())
		}
		old, fresh := map[string]int{}, map[string]int{}
		for i := range 3 {
			c := &bench{t: t}
			w, err := restore(c.ctx(), s, Options{})
			if err != nil {
				t.Fatal(err)
			}
			o := Options{Stdout: &c.out, Stderr: &c.err}.withDefaults()
			e := w.child(c.ctx(), Child{Env: []string{fmt.Sprint("WHERE=child", i)}, Args: []string{"a", "b"}}, o, nil)
			lines := strings.Split(c.out.String(), "\n")
			if e.Code != 0 || len(lines) != 3 || !strings.HasSuffix(lines[1], fmt.Sprintf(" child%d a,b", i)) {
				t.Fatalf("exit %d, %q, %q", e.Code, c.out.String(), c.err.String())
			}
			old[lines[0]]++
			fresh[lines[1]]++
		}
		if len(old) != 1 || len(fresh) != 3 || asked != 1 {
			t.Fatalf("kind %d: old %v, new %v, asked %d times", kind, old, fresh, asked)
		}
		for line := range old {
			for _, part := range []string{`seed `, `"count":2`, `"map":"in the map"`, `"weak":"in the weak map"`, `"next":2`, `"answer":42`, `"steps":"began,resumed"`, `"kv":"v"`} {
				if !strings.Contains(line, part) {
					t.Errorf("%s has no %s", line, part)
				}
			}
		}
	}
}

// Two builds whose inputs are equal give equal bytes; otherwise only the log differs.
func TestBlobsAreEqualForEqualInputs(t *testing.T) {
	asked := 0
	build := func(host *steady) []byte {
		b := newBench(t, warm)
		b.o.Outbound, b.o.Env, b.o.Host = warmService(&asked), []string{"WHERE=seed"}, host
		return b.snapshot(Startup).Encode()
	}
	first, second := build(newSteady()), build(newSteady())
	if !bytes.Equal(first, second) {
		t.Fatal("blobs of the same inputs differ")
	}
	later := newSteady()
	later.now = later.now.Add(time.Hour)
	third := build(later)
	if bytes.Equal(first, third) {
		t.Fatal("blobs of other times are the same")
	}
	a, err := decode(first, buildID())
	if err != nil {
		t.Fatal(err)
	}
	b, err := decode(third, buildID())
	if err != nil {
		t.Fatal(err)
	}
	made1, src1, log1 := a.sections()
	made3, src3, log3 := b.sections()
	if !bytes.Equal(made1, made3) || !bytes.Equal(src1, src3) || bytes.Equal(log1, log3) {
		t.Fatal("something other than the log differs")
	}
}

// Every way to do something else than before is seen.
func TestDivergenceIsDetected(t *testing.T) {
	for name, c := range map[string]struct{ before, now, says string }{
		"more time":      {`1`, `Date.now()`, "asked for the time"},
		"less time":      {`Date.now()`, `1`, "waits where the time came before"},
		"more chance":    {`1`, `Math.random()`, "asked for random numbers"},
		"other chance":   {`aworker.crypto.randomBytes(3)`, `aworker.crypto.randomBytes(4)`, "asked for 4 random bytes"},
		"other variable": {`aworker.env.A`, `aworker.env.B`, "asked for the environment variable B, and for A before"},
		"other names":    {`1`, `Object.keys(aworker.env)`, "asked for the environment"},
		"other output":   {`console.log('a')`, `console.log('b')`, `printed "b\n", and something else`},
		"other stream":   {`console.log('a')`, `console.error('a')`, "something else before"},
		"more output":    {`1`, `console.log('a')`, `printed "a\n"`},
		"other fetch":    {`fetch('http://a.example/').catch(() => {})`, `fetch('http://b.example/').catch(() => {})`, "fetched GET http://b.example/"},
		"no fetch":       {`fetch('http://a.example/').catch(() => {})`, `1`, "waits for other work than before"},
		"another timer":  {`setTimeout(() => {}, 1e6)`, `setTimeout(() => {}, 1e7)`, "has other timers"},
		"no timer":       {`setTimeout(() => {}, 1e6)`, `Date.now()`, "has other timers"},
		"an end":         {`1`, `aworker.exit(3)`, "ended"},
		"a loop":         {`Date.now()`, `for (let t = Date.now(); ; ) if (Date.now() > t) break`, "asked for the time"},
	} {
		b := newBench(t, c.before)
		s := b.snapshot(Forkable)
		changed := *s
		changed.program = compiled(t, c.now)
		w, err := restore(b.ctx(), &changed, Options{})
		if err == nil {
			w.close()
			t.Errorf("%s: it was not seen", name)
			continue
		}
		if !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

// A start that diverges falls back to the script, with one warning.
func TestDivergenceFallsBackToTheScript(t *testing.T) {
	b := newBench(t, `console.log(1); addEventListener('install', () => console.log('installed'))`)
	s := b.snapshot(Startup)
	other := *s
	other.program = compiled(t, `console.log(2)`)
	path := filepath.Join(t.TempDir(), "x.blob")
	if err := other.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	c := newBench(t, `console.log('the script'); addEventListener('deserialize', () => console.log('never')); addEventListener('install', () => console.log('installed'))`)
	c.want(RunSnapshot(c.ctx(), c.o, path, nil), 0, "the script", "installed")
	c.wantErr("the snapshot cannot be run again: the script printed")
	if n := strings.Count(c.err.String(), "\n"); n != 2 {
		t.Fatalf("%d lines: %s", n, c.err.String())
	}
}

// Each refusal has a line of its own; a script runs in the snapshot's place, and without one
// the exit code is 1.
func TestBlobsThatAreRefused(t *testing.T) {
	b := newBench(t, `1`)
	good := b.snapshot(Startup).Encode()
	flip := func(at int) []byte { c := bytes.Clone(good); c[at] ^= 1; return c }
	for name, c := range map[string]struct {
		blob []byte
		says error
	}{
		"missing":         {nil, ErrNoBlob},
		"empty":           {[]byte{}, ErrMagic},
		"foreign":         {[]byte("PK\x03\x04 something else"), ErrMagic},
		"other build":     {flip(10), ErrBuild},
		"other version":   {flip(4), ErrBuild},
		"only a head":     {good[:headSize], ErrCorrupted},
		"truncated":       {good[:len(good)-1], ErrCorrupted},
		"longer":          {append(bytes.Clone(good), 0), ErrCorrupted},
		"a size":          {flip(72), ErrCorrupted},
		"the script":      {flip(headSize + 9), ErrCorrupted},
		"the script hash": {flip(41), ErrCorrupted},
		"the log":         {flip(len(good) - sumSize - 1), ErrCorrupted},
		"the checksum":    {flip(len(good) - 1), ErrCorrupted},
	} {
		path := filepath.Join(t.TempDir(), "x.blob")
		if c.blob != nil {
			if err := os.WriteFile(path, c.blob, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := ReadBlob(b.ctx(), path, nil); !errors.Is(err, c.says) {
			t.Errorf("%s: %v, want %v", name, err, c.says)
		}
		with := newBench(t, journal)
		with.want(RunSnapshot(with.ctx(), with.o, path, nil), 0, "main install install over")
		with.wantErr(c.says.Error(), "running the script without it")
		without := newBench(t, `1`)
		without.o.Program = nil
		without.want(RunSnapshot(without.ctx(), without.o, path, nil), 1)
		without.wantErr(c.says.Error(), "External startup snapshot not loaded and no fallback available")
	}
}

// What cannot be in a snapshot is named.
func TestWhatCannotBeInASnapshotIsNamed(t *testing.T) {
	for code, says := range map[string]string{
		`globalThis.cache = { poller: setInterval(() => {}, 5) };`:                                                     "a setInterval() that is not cleared (globalThis.cache.poller), set at [eval]:1:30",
		`const hidden = setInterval(() => {}, 5);`:                                                                     "a setInterval() that is not cleared, set at [eval]:1:16",
		`fetch('http://slow.example/x').catch(() => {})`:                                                               "a fetch() under way (GET http://slow.example/x)",
		`setTimeout(() => {}, 1e8)`:                                                                                    "a setTimeout() that has not fired",
		`addEventListener('serialize', e => e.waitUntil(new Promise(() => {})))`:                                       "the waitUntil of serialize has not settled",
		`addEventListener('serialize', e => { setInterval(() => {}, 5); e.waitUntil(fetch('http://slow.example/')) })`: "a setInterval() that is not cleared",
	} {
		b := newBench(t, code)
		b.o.Outbound = service(func(ctx context.Context, _ *event.Request) (*event.Response, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		path := filepath.Join(t.TempDir(), "x.blob")
		timeout := 400 * time.Millisecond
		if strings.Contains(code, "serialize") {
			timeout = 3 * time.Second // in which it must have been told
		}
		b.want(Build(b.ctx(), b.o, path, timeout), 1)
		b.wantErr(says)
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: there is a blob: %v", code, err)
		}
	}
}

// FuzzDecode: whatever the bytes are, reading them and running what they say ends.
func FuzzDecode(f *testing.F) {
	b := newBench(f, `const t = Date.now(); Math.random(); aworker.env.A; Object.keys(aworker.env); setTimeout(() => {}, 1); console.log(t)`)
	b.o.Env = []string{"A=1"}
	good := b.snapshot(Startup)
	made, src, log := good.sections()
	f.Add(good.Encode(), false)
	f.Add(made, true)
	f.Add(src, true)
	f.Add(log, true)
	f.Fuzz(func(t *testing.T, data []byte, section bool) {
		if !section {
			if s, err := decode(data, buildID()); err == nil && s == nil {
				t.Fatal("neither a snapshot nor an error")
			}
			return
		}
		s, err := decodeSections(made, src, data, false)
		if err != nil {
			return
		}
		// The checksum is no proof of good faith: a log that lies ends the run, and no more.
		s.program = good.program
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if w, err := restore(ctx, s, Options{}); err == nil {
			w.close()
		}
	})
}
