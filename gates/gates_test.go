package gates

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"workerd.local/exception"
	"workerd.local/loop"
)

func inTurn(t testing.TB, fn func(l *loop.Loop)) {
	t.Helper()
	l := loop.New(loop.Options{})
	l.Turn(func() { fn(l) })
}

func lockNow(t testing.TB, r loop.Result[*Lock]) *Lock {
	t.Helper()
	k, err, ok := r.Ready()
	if err != nil || !ok {
		t.Fatalf("no lock: ready %v, error %v", ok, err)
	}
	return k
}

// nest starts n sections, each within the one before, and leaves every inner
// lock released.
func nest(t testing.TB, g *InputGate, n int) []*CriticalSection {
	k := lockNow(t, g.Wait())
	var all []*CriticalSection
	for range n {
		s := k.Begin()
		k.Release()
		k = lockNow(t, s.Wait())
		all = append(all, s)
	}
	k.Release()
	return all
}

func TestDeepSectionsAreTornDownWithoutRecursion(t *testing.T) {
	for name, tear := range map[string]func([]*CriticalSection){
		"drop inner first": func(all []*CriticalSection) {
			for i := len(all) - 1; i >= 0; i-- {
				all[i].Drop()
			}
		},
		"drop outer first": func(all []*CriticalSection) {
			for _, s := range all {
				s.Drop()
			}
		},
		"fail the innermost": func(all []*CriticalSection) { all[len(all)-1].Fail(errors.New("boom")) },
	} {
		t.Run(name, func(t *testing.T) {
			inTurn(t, func(l *loop.Loop) {
				g := NewInputGate(l)
				all := nest(t, g, 100_000)
				if d := all[len(all)-1].Depth(); d != 100_000 {
					t.Errorf("depth %d", d)
				}
				tear(all)
				if g.Broken() == nil {
					t.Error("the root is not broken")
				}
				for i, s := range all {
					if s.Broken() == nil {
						t.Fatalf("section %d is not broken", i)
					}
				}
			})
		})
	}
}

func TestWaitPassesThroughDeeplyReparentedSections(t *testing.T) {
	const n = 50_000
	for _, outerFirst := range []bool{true, false} {
		inTurn(t, func(l *loop.Loop) {
			g := NewInputGate(l)
			all := nest(t, g, n)
			var held []*Lock
			for i := range all {
				s := all[i]
				if !outerFirst {
					s = all[n-1-i]
				}
				held = append(held, s.Succeed())
			}
			// While the root is still locked, a straggler waits there, and may give up.
			r, w := all[n-1].WaitCancelable()
			if _, _, ok := r.Ready(); ok {
				t.Fatal("a straggler got in past a lock of the root")
			}
			if !w.Cancel() {
				t.Error("the straggler could not give up")
			}
			for _, k := range held {
				k.Release()
			}
			if g.Locked() {
				t.Fatal("the root is still locked")
			}
			k := lockNow(t, all[n-1].Wait())
			if k.Section() != nil || !k.IsFor(g) {
				t.Error("the lock is not the root's")
			}
			if s := k.Begin(); s.Depth() != 1 {
				t.Errorf("depth %d, want 1", s.Depth())
			}
			k.Release()
			all[n-1].Fail(errors.New("late"))
			if g.Broken() == nil {
				t.Error("a failure did not reach the root through its descendants")
			}
		})
	}
}

// A section that is still wanted is not disturbed by the end of those inside.
func TestSectionsOutliveTheirChildren(t *testing.T) {
	inTurn(t, func(l *loop.Loop) {
		g := NewInputGate(l)
		all := nest(t, g, 1000)
		for i := len(all) - 1; i > 0; i-- {
			k := all[i].Succeed()
			if k.Section() != all[i-1] {
				t.Fatalf("the lock of section %d is not of section %d", i, i-1)
			}
			k.Release()
			all[i].Drop()
			lockNow(t, all[i-1].Wait()).Release()
		}
		all[0].Succeed().Release()
		lockNow(t, g.Wait()).Release()
		if g.Broken() != nil {
			t.Error(g.Broken())
		}
	})
}

func TestGateErrorsSayWhatCallersSee(t *testing.T) {
	inTurn(t, func(l *loop.Loop) {
		g := NewInputGate(l)
		nest(t, g, 1)[0].Drop()
		out := NewOutputGate(l)
		out.Lock().Cancel()
		for _, c := range []struct {
			err    error
			text   string
			broken exception.Broken
			kind   exception.Kind
		}{
			{g.Broken(), "leads to deadlock.", exception.InputGateBroken, exception.Failed},
			{out.Broken(), "output lock was canceled", exception.OutputGateBroken, exception.Failed},
			{errLockTimeout, "exceeded timeout which caused object to be reset.", exception.OutputGateBroken, exception.Overloaded},
		} {
			var e *exception.Exception
			if !errors.As(c.err, &e) {
				t.Errorf("%v is not for user eyes", c.err)
				continue
			}
			if !strings.Contains(e.Message, c.text) || e.Broken != c.broken || e.Kind != c.kind {
				t.Errorf("got %+v, want %+v", e, c)
			}
		}
	})
}

func TestLockWhile(t *testing.T) {
	l := loop.New(loop.Options{})
	out := NewOutputGate(l)
	work := loop.NewFuture[struct{}](l)
	var got []string
	l.Turn(func() {
		out.LockWhile(loop.Now(struct{}{}))
		if out.Locked() {
			t.Error("work that is done locks the gate")
		}
		out.LockWhile(loop.Later(work))
		out.Wait().Then(func(_ struct{}, err error) { got = append(got, "first: "+err.Error()) })
	})
	l.Turn(func() { work.Reject(errors.New("lost")) })
	l.Turn(func() {
		out.LockWhile(loop.Fail[struct{}](errors.New("later")))
		out.Wait().Then(func(_ struct{}, err error) { got = append(got, "second: "+err.Error()) })
	})
	if want := "first: lost, second: lost"; strings.Join(got, ", ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestManyOutputLocksOpenWithoutRecursion(t *testing.T) {
	l := loop.New(loop.Options{})
	out := NewOutputGateWith(l, OutputOptions{LockLimit: -1})
	opened := 0
	l.Turn(func() {
		var all []*OutputLock
		for range 100_000 {
			all = append(all, out.Lock())
			out.Wait().Then(func(struct{}, error) { opened++ })
		}
		for i := len(all) - 1; i >= 0; i-- {
			all[i].Release(nil)
		}
	})
	if opened != 100_000 || out.Locked() {
		t.Errorf("opened %d, locked %v", opened, out.Locked())
	}
}

// Whatever happens, only one party at a time has the actor, everybody who waits
// is answered once, and nothing is left over.
func TestInputGateProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := loop.New(loop.Options{})
		waiting := 0
		g := NewInputGateWithHooks(l, Hooks{
			WaiterAdded: func() { waiting++ }, WaiterRemoved: func() { waiting-- },
		})
		type wait struct {
			w        *Waiter
			answered int
		}
		var (
			locks    []*Lock
			waits    []*wait
			running  []*CriticalSection
			starting = map[*CriticalSection]bool{}
			fresh    []*CriticalSection
			failed   error
		)
		pick := func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "which") }
		ask := func(r loop.Result[*Lock], w *Waiter, s *CriticalSection) {
			me := &wait{w: w}
			waits = append(waits, me)
			r.Then(func(k *Lock, err error) {
				me.answered++
				if s != nil && starting[s] {
					delete(starting, s)
					if err == nil {
						running = append(running, s)
					}
				}
				if err == nil {
					locks = append(locks, k)
				} else if !errors.Is(err, ErrCanceled) && !errors.Is(err, ErrEnded) && err != failed {
					t.Fatalf("a wait failed with %v, the gate with %v", err, failed)
				}
			})
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			l.Turn(func() {
				switch op := rapid.IntRange(0, 9).Draw(t, "op"); {
				case op <= 1:
					r, w := g.WaitCancelable()
					ask(r, w, nil)
				case op == 2 && len(running) > 0:
					r, w := running[pick(len(running))].WaitCancelable()
					ask(r, w, nil)
				case op == 3 && len(locks) > 0:
					fresh = append(fresh, locks[pick(len(locks))].Begin())
				case op == 4 && len(fresh) > 0:
					s := fresh[0]
					fresh = fresh[1:]
					starting[s] = true
					r, w := s.WaitCancelable()
					ask(r, w, s)
				case op <= 6 && len(locks) > 0:
					i := pick(len(locks))
					k := locks[i]
					locks = append(locks[:i], locks[i+1:]...)
					k.Release()
				case op == 7 && len(running) > 0:
					i := pick(len(running))
					s := running[i]
					running = append(running[:i], running[i+1:]...)
					if rapid.IntRange(0, 19).Draw(t, "fail") == 0 {
						if failed == nil {
							failed = errors.New("boom")
						}
						s.Fail(failed)
					} else {
						locks = append(locks, s.Succeed())
					}
				case op == 8 && len(waits) > 0:
					waits[pick(len(waits))].w.Cancel()
				case op == 9 && len(locks) > 0:
					locks = append(locks, locks[pick(len(locks))].AddRef())
				}
			})
			if (g.Broken() != nil) != (failed != nil) {
				t.Fatalf("broken %v, failed %v", g.Broken(), failed)
			}
			pending := 0
			for _, w := range waits {
				if w.answered > 1 {
					t.Fatal("a wait was answered twice")
				}
				if w.answered == 0 {
					pending++
				}
			}
			if pending != waiting {
				t.Fatalf("%d waits are not answered, the hooks say %d", pending, waiting)
			}
			if failed == nil && waiting > 0 && !g.Locked() {
				t.Fatal("somebody waits for a gate that nobody holds")
			}
		}
		// Everything ends once everybody lets go, innermost sections first or not.
		for range 1000 {
			if len(locks) == 0 && len(running) == 0 {
				break
			}
			l.Turn(func() {
				for _, k := range locks {
					k.Release()
				}
				locks = nil
				if len(running) > 0 {
					s := running[len(running)-1]
					running = running[:len(running)-1]
					locks = append(locks, s.Succeed())
				}
			})
		}
		if g.Locked() || waiting != 0 {
			t.Fatalf("left over: locked %v, waiting %d", g.Locked(), waiting)
		}
	})
}

// The output gate against its definition: a wait is over when the locks before
// it are, with the first failure among all locks up to there.
func TestOutputGateProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := loop.New(loop.Options{})
		g := NewOutputGateWith(l, OutputOptions{LockLimit: -1})
		type held struct {
			k    *OutputLock
			done bool
			err  error
		}
		type wait struct {
			upTo     int
			answered bool
			err      error
		}
		var locks []*held
		var waits []*wait
		var first error
		var told error
		l.Turn(func() { g.OnBroken(func(err error) { told = err }) })
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			l.Turn(func() {
				switch op := rapid.IntRange(0, 3).Draw(t, "op"); {
				case op == 0:
					locks = append(locks, &held{k: g.Lock()})
				case op == 1:
					w := &wait{upTo: len(locks)}
					waits = append(waits, w)
					g.Wait().Then(func(_ struct{}, err error) { w.answered, w.err = true, err })
				case len(locks) > 0:
					h := locks[rapid.IntRange(0, len(locks)-1).Draw(t, "which")]
					var err error
					if rapid.IntRange(0, 5).Draw(t, "fail") == 0 {
						err = errors.New("boom")
					}
					if !h.done {
						h.done, h.err = true, err
						if first == nil {
							first = err
						}
					}
					h.k.Release(err)
				}
			})
			if told != first || g.Broken() != first {
				t.Fatalf("told %v, broken %v, want %v", told, g.Broken(), first)
			}
			for i, w := range waits {
				want, over := error(nil), true
				for _, h := range locks[:w.upTo] {
					over = over && h.done
					if want == nil {
						want = h.err
					}
				}
				if w.answered != over || over && w.err != want {
					t.Fatalf("wait %d: answered %v with %v, want %v with %v", i, w.answered, w.err, over, want)
				}
			}
		}
	})
}

func BenchmarkInputGateFree(b *testing.B) {
	b.ReportAllocs()
	l := loop.New(loop.Options{})
	g := NewInputGate(l)
	l.Turn(func() {
		for b.Loop() {
			k, _, _ := g.Wait().Ready()
			k.Release()
		}
	})
}

func BenchmarkOutputGateFree(b *testing.B) {
	b.ReportAllocs()
	g := NewOutputGate(loop.New(loop.Options{}))
	for b.Loop() {
		if _, err, ok := g.Wait().Ready(); err != nil || !ok {
			b.Fatal("not open")
		}
	}
}

// Short locks come and go behind a long one, turn after turn: those that ended well,
// and that nobody waits for, leave nothing behind.
func TestOutputLocksThatEndWellBehindAnotherAreForgotten(t *testing.T) {
	boom := errors.New("boom")
	inTurn(t, func(l *loop.Loop) {
		g := NewOutputGate(l)
		long := g.Lock()
		var seen []string
		wait := func(name string) {
			g.Wait().Then(func(_ struct{}, err error) {
				if err != nil {
					name += " " + err.Error()
				}
				seen = append(seen, name)
			})
		}
		wait("first")
		row := func() (n int) {
			for k := g.first; k != nil; k = k.next {
				if n++; k.next == nil && k != g.last || k.next != nil && k.next.prev != k {
					t.Fatal("the row of locks is broken")
				}
			}
			return n
		}
		for range 1000 {
			g.Lock().Release(nil)
		}
		middle, last := g.Lock(), g.Lock()
		middle.Release(nil)
		if n := row(); n != 2 || g.last != last {
			t.Errorf("%d locks are kept, want the first and the last", n)
		}
		last.Release(nil)
		wait("after the long one") // which still counts
		waited := g.Lock()
		wait("waited")
		waited.Release(nil)
		g.Lock().Release(boom)
		wait("broken")
		if n := row(); n != 3 {
			t.Errorf("%d locks are kept, want the first, the one with a waiter and the one that failed", n)
		}
		l.Defer(func() {
			if len(seen) > 0 {
				t.Errorf("%v got through while the first lock is held", seen)
			}
			long.Release(nil)
			l.Defer(func() {
				l.Defer(func() {
					if got := strings.Join(seen, ", "); got != "first, after the long one, waited, broken boom" {
						t.Errorf("got through: %s", got)
					}
				})
			})
		})
	})
}
