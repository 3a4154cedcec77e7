package serialize

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"workerd.local/event"
	"workerd.local/internal/jstest"
	"workerd.local/internal/limits"
)

func (b *bench) seed(twins int) *Seed {
	b.t.Helper()
	s, exit := NewSeed(b.ctx(), SeedOptions{Worker: b.o, Mode: SeedUserland, Twins: twins})
	if exit != nil {
		b.t.Fatalf("exit %d: %s", exit.Code, b.err.String())
	}
	b.t.Cleanup(s.Close)
	return s
}

// forked is one child's output and end.
func (b *bench) forked(s *Seed, c Child) (out string, e Exit) {
	b.t.Helper()
	var o, errs jstest.Log
	e, err := s.Fork(b.ctx(), ForkOptions{Child: c, Options: Options{Stdout: &o, Stderr: &errs}})
	if err != nil {
		b.t.Error(err)
	}
	return strings.TrimRight(o.String()+errs.String(), "\n"), e
}

func (b *bench) settled(s *Seed, twins int) {
	b.t.Helper()
	for end := time.Now().Add(time.Minute); len(s.ready) < twins; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatalf("%d twins are ready, want %d; %s", len(s.ready), twins, b.err.String())
		}
	}
}

// Eight children at a time: what was before the fork is the same, what comes after is each
// child's own.
func TestChildrenAreApart(t *testing.T) {
	b := newBench(t, `
		const before = Math.random(), shared = { n: 0 }, started = performance.timeOrigin;
		let release;
		const pending = new Promise(r => release = r);
		const resumed = pending.then(v => v);
		const suspended = (async () => { let n = 0; await pending; return ++n })();
		addEventListener('deserialize', e => { shared.n++; release(aworker.env.ID); e.waitUntil(resumed) });
		addEventListener('install', e => e.waitUntil((async () => {
			console.log([before, await resumed, shared.n, await suspended, aworker.argv.join('+'), performance.timeOrigin >= started].join(' '));
			console.log(Math.random());
		})()));`)
	s := b.seed(4)
	var mu sync.Mutex
	var wg sync.WaitGroup
	first, second := map[string]bool{}, map[string]bool{}
	for i := range 24 {
		wg.Go(func() {
			out, e := b.forked(s, Child{Env: []string{fmt.Sprintf("ID=c%d", i)}, Args: []string{"x", fmt.Sprint(i)}})
			lines := strings.Split(out, "\n")
			if e.Code != 0 || len(lines) != 2 || !strings.Contains(lines[0], fmt.Sprintf(" c%d 1 1 x+%d true", i, i)) {
				t.Errorf("child %d: exit %d, %q", i, e.Code, out)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			before, _, _ := strings.Cut(lines[0], " ")
			first[before], second[lines[1]] = true, true
		})
		if i%8 == 7 {
			wg.Wait()
		}
	}
	if len(first) != 1 || len(second) != 24 || b.err.String() != "" || b.out.String() != "" {
		t.Fatalf("%d numbers before, %d after; the seed printed %q %q", len(first), len(second), b.out.String(), b.err.String())
	}
}

// A child that crashes is the end of that child.
func TestSeedSurvivesItsChildren(t *testing.T) {
	b := newBench(t, `addEventListener('deserialize', () => { if (aworker.argv[0] === 'throw') throw new Error('mine'); if (aworker.argv[0] === 'exit') aworker.exit(7); if (aworker.argv[0] === 'reject') Promise.reject(new Error('late')); console.log('fine') })`)
	s := b.seed(2)
	for _, c := range []struct {
		arg  string
		code int
		says string
	}{{"throw", 1, "Uncaught Error: mine"}, {"exit", 7, ""}, {"reject", 1, "Uncaught (in promise) Error: late"}, {"", 0, "fine"}} {
		out, e := b.forked(s, Child{Args: []string{c.arg}})
		if e.Code != c.code || !strings.Contains(out, c.says) {
			t.Errorf("%q: exit %d, %q", c.arg, e.Code, out)
		}
	}
}

// A script that cannot be repeated: its children start from the beginning, with one warning.
func TestSeedThatCannotBeCopied(t *testing.T) {
	b := newBench(t, `addEventListener('install', () => console.log('installed'))`)
	s := b.seed(0)
	<-s.ready // the worker that ran first, whose place nobody takes
	other := *s.snapshot
	other.program = compiled(t, `Math.random()`)
	s.snapshot = &other
	for range 3 {
		if out, e := b.forked(s, Child{}); out != "installed" || e.Code != 0 {
			t.Errorf("exit %d, %q", e.Code, out)
		}
	}
	if n := strings.Count(b.err.String(), "the seed cannot be copied"); n != 1 {
		t.Fatalf("%d warnings: %s", n, b.err.String())
	}
}

func TestSeedThatDoesNotPark(t *testing.T) {
	for code, says := range map[string]string{
		`addEventListener('serialize', () => { throw new Error('no') })`:                   "Uncaught Error: no",
		`addEventListener('serialize', e => e.waitUntil(Promise.reject(new Error('no'))))`: "Uncaught (in promise) Error: no",
		`throw new Error('top')`: "Uncaught Error: top",
		`addEventListener('serialize', e => e.waitUntil(new Promise((_, r) => setTimeout(r, 1, 'later'))))`: "Uncaught (in promise) later",
	} {
		b := newBench(t, code)
		s, exit := NewSeed(b.ctx(), SeedOptions{Worker: b.o, Mode: SeedUserland, Twins: 1})
		if exit == nil {
			s.Close()
			t.Fatalf("%s: it parked", code)
		}
		if exit.Code != 1 {
			t.Errorf("%s: exit %d", code, exit.Code)
		}
		b.wantErr(says)
	}
}

// The original parks where nothing is left to do, whatever waits.
func TestSeedParksWhereNothingIsLeftToDo(t *testing.T) {
	b := newBench(t, `addEventListener('serialize', e => e.waitUntil(new Promise(() => {}))); addEventListener('install', () => console.log('installed'))`)
	s := b.seed(2)
	b.wantErr("waitUntil has not settled")
	b.settled(s, 2)
	for range 3 {
		if out, e := b.forked(s, Child{}); out != "installed" || e.Code != 0 {
			t.Errorf("exit %d, %q; %s", e.Code, out, b.err.String())
		}
	}
}

func TestChildrenHaveTheSeedsTimers(t *testing.T) {
	b := newBench(t, `
		let n = 0;
		const timer = setInterval(() => { n++; if (parked && n >= 3) { clearInterval(timer); console.log('ticked') } }, 5);
		let parked = false;
		addEventListener('serialize', e => e.waitUntil(new Promise(r => setTimeout(r, 12))));
		addEventListener('deserialize', () => { parked = true; setTimeout(() => console.log('soon'), 1) });
		setTimeout(() => console.log('overdue'), 15);`)
	host := newSteady()
	b.o.Host = host
	s := b.seed(2)
	b.settled(s, 2)
	host.pass(20 * time.Millisecond)
	for range 3 {
		out, _ := b.forked(s, Child{})
		lines := strings.Split(out, "\n")
		sort.Strings(lines)
		if strings.Join(lines, " ") != "overdue soon ticked" {
			t.Errorf("%q; %s", out, b.err.String())
		}
	}
}

func TestBareSeed(t *testing.T) {
	b := newBench(t, "")
	b.o.Program = nil
	s, exit := NewSeed(b.ctx(), SeedOptions{Worker: b.o, Mode: SeedBare, Twins: 2})
	if exit != nil {
		t.Fatal(exit)
	}
	defer s.Close()
	b.settled(s, 2)
	for range 4 {
		var out jstest.Log
		e, err := s.Fork(b.ctx(), ForkOptions{Program: compiled(t, journal), Options: Options{Stdout: &out}})
		if err != nil || e.Code != 0 || out.String() != "main install install over\n" {
			t.Fatalf("%v, %v, %q", err, e, out.String())
		}
	}
	if _, err := s.Fork(b.ctx(), ForkOptions{}); !errors.Is(err, errNoScript) {
		t.Fatal(err)
	}
}

// A thousand children leave nothing behind.
func TestThousandForksLeaveNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes some seconds")
	}
	b := newBench(t, `const state = new Map([[1, { big: new Array(100).fill('x') }]]); addEventListener('deserialize', () => { if (state.size !== 1) throw 1 })`)
	s := b.seed(4)
	measure := func() (goroutines, files int, heap uint64) {
		b.settled(s, 4)
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		if list, err := os.ReadDir("/proc/self/fd"); err == nil {
			files = len(list)
		}
		return runtime.NumGoroutine(), files, m.HeapAlloc
	}
	fork := func(n int) {
		for range n {
			if out, e := b.forked(s, Child{}); e.Code != 0 {
				t.Fatalf("exit %d, %s", e.Code, out)
			}
		}
	}
	fork(50)
	g, files, heap := measure()
	fork(1000)
	g2, files2, heap2 := measure()
	for range 100 {
		if g2 <= g && heap2 <= heap+8<<20 {
			break
		}
		time.Sleep(10 * time.Millisecond) // a timer of the watchdog may be looking just now, and what is cleaned up after one collection goes with the next
		g2, files2, heap2 = measure()
	}
	if g2 > g || files2 > files || heap2 > heap+8<<20 {
		t.Fatalf("goroutines %d then %d, files %d then %d, heap %d then %d", g, g2, files, files2, heap, heap2)
	}
}

func TestTooManyChildren(t *testing.T) {
	b := newBench(t, `addEventListener('install', () => setTimeout(() => {}, 1e6))`)
	bounds, err := limits.Parse("seed.children=1")
	if err != nil {
		t.Fatal(err)
	}
	b.o.Limits.Bounds = bounds
	s := b.seed(1)
	started := make(chan *Worker, 1)
	var wg sync.WaitGroup
	wg.Go(func() {
		_, _ = s.Fork(b.ctx(), ForkOptions{Serve: func(w *Worker) (func(), error) { started <- w; return func() {}, nil }})
	})
	w := <-started
	if _, err := s.Fork(b.ctx(), ForkOptions{}); !errors.Is(err, ErrTooManyChildren) {
		t.Error(err)
	}
	w.Kill()
	wg.Wait()
	s.Close()
	if _, err := s.Fork(b.ctx(), ForkOptions{}); !errors.Is(err, ErrSeedClosed) {
		t.Error(err)
	}
}

// A control socket: children with their own outputs, in order, and their exit codes.
func TestControlSocket(t *testing.T) {
	b := newBench(t, `
		addEventListener('deserialize', () => console.log('hello ' + aworker.env.NAME));
		addEventListener('install', () => { console.error('problem'); if (aworker.env.NAME === 'wait') setTimeout(() => {}, 1e6); else setTimeout(() => aworker.exit(5), 1) });
		addEventListener('uninstall', () => console.log('bye'));`)
	s := b.seed(2)
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Skip("no unix sockets:", err)
	}
	ctx, cancel := context.WithCancel(b.ctx())
	served := make(chan error, 1)
	go func() {
		served <- ServeControl(ctx, l, 1<<20, func(ctx context.Context, r ForkRequest, out, errs io.Writer, control func(Controlled)) (Exit, error) {
			if len(r.Args) > 0 && r.Args[0] == "refuse" {
				return Exit{}, errors.New("no such flag")
			}
			return s.Fork(context.WithoutCancel(ctx), ForkOptions{Child: Child{Env: r.Env}, Options: Options{Stdout: out, Stderr: errs},
				Serve: func(w *Worker) (func(), error) { control(w); return func() {}, nil }})
		})
	}()
	for i := range 3 {
		var out, errs jstest.Log
		e, err := ForkFrom(b.ctx(), path, ForkRequest{Env: []string{fmt.Sprint("NAME=", i)}}, &out, &errs, nil)
		if err != nil || e.Code != 5 || out.String() != fmt.Sprintf("hello %d\n", i) || errs.String() != "problem\n" {
			t.Fatalf("%v, %v, %q, %q", err, e, out.String(), errs.String())
		}
	}
	var out, errs jstest.Log
	if _, err := ForkFrom(b.ctx(), path, ForkRequest{Args: []string{"refuse"}}, &out, &errs, nil); err == nil || !strings.Contains(err.Error(), "no such flag") {
		t.Fatal(err)
	}
	if _, err := ForkFrom(b.ctx(), path+"x", ForkRequest{}, &out, &errs, nil); err == nil || !strings.Contains(err.Error(), "there is no seed at") {
		t.Fatal(err)
	}
	// Garbage is refused, and the seed goes on.
	if c, err := net.Dial("unix", path); err != nil {
		t.Fatal(err)
	} else {
		_, _ = c.Write([]byte("F\xff\xff\xff\xff"))
		_ = c.Close()
	}
	term := make(chan struct{}, 1)
	var waiting jstest.Log
	go func() {
		for !strings.Contains(waiting.String(), "problem") {
			time.Sleep(time.Millisecond)
		}
		term <- struct{}{}
	}()
	e, err := ForkFrom(b.ctx(), path, ForkRequest{Env: []string{"NAME=wait"}}, &waiting, &waiting, term)
	if err != nil || !e.Terminated || !strings.Contains(waiting.String(), "bye") {
		t.Fatalf("%v, %v, %q", err, e, waiting.String())
	}
	// A client that goes takes its child along; the end of the seed does so with all.
	gone, leave := context.WithCancel(b.ctx())
	var left jstest.Log
	go func() {
		for !strings.Contains(left.String(), "problem") {
			time.Sleep(time.Millisecond)
		}
		leave()
	}()
	if _, err := ForkFrom(gone, path, ForkRequest{Env: []string{"NAME=wait"}}, &left, &left, nil); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	cancel()
	if err := <-served; err != nil {
		t.Fatal(err)
	}
}

func TestForkedRequestIsRejectedInEveryChild(t *testing.T) {
	b := newBench(t, `
		let seen = 'nothing';
		addEventListener('serialize', () => { fetch('http://slow.example/').catch(e => { seen = e.message }) });
		addEventListener('install', e => e.waitUntil(new Promise(r => setTimeout(r, 5)).then(() => console.log(seen))));`)
	b.o.Outbound = service(func(ctx context.Context, _ *event.Request) (*event.Response, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	s := b.seed(2)
	for range 4 {
		if out, _ := b.forked(s, Child{}); !strings.Contains(out, "CanonicalCode::CONNECTION_RESET") {
			t.Errorf("%q; %s", out, b.err.String())
		}
	}
}

// A seed that goes on from a snapshot: deserialize once in the seed, serialize, and
// deserialize in each child.
func TestSeedOfASnapshot(t *testing.T) {
	code := `
		const seen = [];
		for (const type of ['serialize', 'deserialize', 'install']) addEventListener(type, e => { seen.push(type + (aworker.env.N ?? '')); e.waitUntil(new Promise(r => setTimeout(r, 1))) });
		const first = Math.random();
		let second;
		addEventListener('deserialize', e => { second ??= Math.random(); e.waitUntil(fetch('http://more.example/' + seen.length).then(r => r.text()).then(t => seen.push(t))) });
		addEventListener('install', () => console.log(seen.join(' '), first, second, aworker.argv.join()));`
	asked := 0
	b := newBench(t, code)
	b.o.Outbound = service(func(context.Context, *event.Request) (*event.Response, error) {
		asked++
		return answerText(fmt.Sprint("answer", asked))
	})
	file := b.snapshot(Startup)
	b.o.Base, b.o.Env, b.o.Args = copied(t, file), []string{"N=s"}, []string{"seed"}
	s := b.seed(2)
	b.settled(s, 3)
	if asked != 1 {
		t.Fatalf("asked %d times", asked)
	}
	// Its log goes through a file, too.
	if w, err := restore(b.ctx(), copied(t, s.Snapshot()), Options{}); err != nil {
		t.Fatal(err)
	} else {
		w.close()
	}
	seen := map[string]bool{}
	for i := range 5 {
		out, e := b.forked(s, Child{Env: []string{fmt.Sprint("N=", i)}, Args: []string{"child"}})
		if e.Code != 0 || !strings.HasPrefix(out, fmt.Sprintf("serialize deserializes answer1 serializes deserialize%d answer%d install%d", i, i+2, i)) || !strings.HasSuffix(out, " child") {
			t.Fatalf("exit %d, %q; %s", e.Code, out, b.err.String())
		}
		numbers := strings.Fields(out)
		seen[strings.Join(numbers[len(numbers)-3:], " ")] = true
	}
	if len(seen) != 1 || b.err.String() != "" {
		t.Fatalf("%v; %s", seen, b.err.String())
	}
	// Nobody forks it.
	b.out.Reset()
	if e := RunSeed(b.ctx(), b.o, SeedUserland, nil); e.Code != 0 || !strings.HasPrefix(b.out.String(), "serialize deserializes answer7 serializes deserializes answer8 installs") {
		t.Fatalf("%+v, %q, %s", e, b.out.String(), b.err.String())
	}
	// Where the snapshot diverges, the script runs.
	bad := *b.o.Base
	bad.program = compiled(t, `Date.now()`)
	b.o.Base = &bad
	b.out.Reset()
	if e := RunSeed(b.ctx(), b.o, SeedUserland, nil); e.Code != 0 || !strings.HasPrefix(b.out.String(), "serializes deserializes") {
		t.Fatalf("%+v, %q, %s", e, b.out.String(), b.err.String())
	}
	b.wantErr("the snapshot cannot be run again", notLoaded)
}
