package loop

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestTurnOrder(t *testing.T) {
	l := New(Options{})
	var got []string
	add := func(s string) func() { return func() { got = append(got, s) } }
	l.Post(func() {
		l.AtTurnEnd(func() { got = append(got, "end"); l.Defer(add("deferred by end")) })
		l.Defer(func() { got = append(got, "deferred"); l.Defer(add("nested")) })
		got = append(got, "task")
	})
	l.Post(add("second"))
	l.RunPending()
	want := []string{"task", "deferred", "nested", "end", "deferred by end", "second"}
	if !slices.Equal(got, want) {
		t.Fatalf("order %q, want %q", got, want)
	}
}

func TestCloseRunsWhatWasPosted(t *testing.T) {
	l := New(Options{})
	n := 0
	for range 3 {
		if err := l.Post(func() { n++ }); err != nil {
			t.Fatal(err)
		}
	}
	l.Close()
	if err := l.Post(func() { n++ }); !errors.Is(err, ErrClosed) {
		t.Fatalf("Post after Close: %v", err)
	}
	if err := l.Run(t.Context()); err != nil || n != 3 {
		t.Fatalf("Run: %v after %d tasks", err, n)
	}
}

func TestRunEndsWithContext(t *testing.T) {
	l := New(Options{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- l.Run(ctx) }()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if err := l.Post(func() {}); !errors.Is(err, ErrClosed) {
		t.Fatalf("Post: %v", err)
	}
}

func TestTimersFireInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{})
		var got []string
		l.Post(func() {
			l.After(2*time.Second, func() { got = append(got, "2s"); l.Close() })
			l.After(time.Second, func() { got = append(got, "1s-a") })
			l.After(time.Second, func() { got = append(got, "1s-b") })
			never := l.After(time.Second, func() { got = append(got, "stopped") })
			if !never.Stop() || never.Stop() {
				t.Error("Stop must report true once")
			}
		})
		if err := l.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if want := []string{"1s-a", "1s-b", "2s"}; !slices.Equal(got, want) {
			t.Fatalf("%q, want %q", got, want)
		}
	})
}

// A timer that always re-arms itself with no delay must not starve tasks.
func TestZeroTimersDoNotStarveTasks(t *testing.T) {
	l := New(Options{})
	var spin func()
	spin = func() { l.After(0, spin) }
	l.Post(spin)
	go func() { l.Post(func() { l.Close() }) }()
	done := make(chan error, 1)
	go func() { done <- l.Run(t.Context()) }()
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the posted task never ran")
	}
}

func TestPanicEndsTheTaskOnly(t *testing.T) {
	var panics []any
	l := New(Options{OnPanic: func(v any, stack []byte) { panics = append(panics, v) }})
	ran := 0
	l.Post(func() { l.Defer(func() { ran++ }); panic("boom") })
	l.Post(func() { ran++ })
	l.RunPending()
	if ran != 2 || len(panics) != 1 || panics[0] != "boom" {
		t.Fatalf("ran %d, panics %v", ran, panics)
	}
}

func TestFutureCallbacksNeverRunInsideSettle(t *testing.T) {
	l := New(Options{})
	l.Turn(func() {
		f := NewFuture[int](l)
		var got []int
		f.Then(func(v int, err error) { got = append(got, v) })
		if !f.Resolve(7) || f.Resolve(8) || f.Reject(errors.New("late")) {
			t.Error("only the first settlement counts")
		}
		if len(got) != 0 {
			t.Error("a waiter ran inside Resolve")
		}
		f.Then(func(v int, err error) { got = append(got, v+1) })
		l.AtTurnEnd(func() {
			if !slices.Equal(got, []int{7, 8}) {
				t.Errorf("waiters saw %v", got)
			}
		})
	})
}

func TestResultReadyStaysInTheTurn(t *testing.T) {
	l := New(Options{})
	l.Turn(func() {
		called := false
		Map(Now(20), func(v int) (string, error) { return fmt.Sprint(v + 1), nil }).Then(func(s string, err error) {
			called = s == "21" && err == nil
		})
		if !called {
			t.Error("a ready result was not delivered at once")
		}
		boom := errors.New("boom")
		if _, err, ok := Map(Fail[int](boom), func(int) (int, error) { t.Error("mapped a failure"); return 0, nil }).Ready(); !ok || err != boom {
			t.Errorf("Fail lost: %v %v", err, ok)
		}
		f := NewFuture[int](l)
		r := Map(Later(f), func(v int) (int, error) { return v * 2, nil })
		if _, _, ok := r.Ready(); ok {
			t.Error("a pending result says it is ready")
		}
		f.Resolve(4)
		l.AtTurnEnd(func() {
			if v, err, ok := r.Ready(); !ok || err != nil || v != 8 {
				t.Errorf("mapped %v %v %v", v, err, ok)
			}
		})
	})
}

func TestCancelStopsWhatWouldSettle(t *testing.T) {
	l := New(Options{})
	l.Turn(func() {
		f := NewFuture[int](l)
		stopped := 0
		f.OnCancel(func() { stopped++ })
		var outcome error
		mapped := Map(Later(f), func(int) (string, error) { t.Error("mapped what was canceled"); return "", nil })
		mapped.Then(func(_ string, err error) { outcome = err })
		mapped.Cancel()
		mapped.Cancel()
		if _, err, ok := mapped.Ready(); !ok || !errors.Is(err, ErrCanceled) || stopped != 1 || outcome != nil {
			t.Errorf("ready %v, %v; stopped %d times; waiters ran inside Cancel: %v", ok, err, stopped, outcome)
		}
		if f.Resolve(1) {
			t.Error("what was canceled could be resolved")
		}
		l.AtTurnEnd(func() {
			if !errors.Is(outcome, ErrCanceled) {
				t.Errorf("the waiter got %v", outcome)
			}
		})
	})
	// What is there stays.
	l.Turn(func() {
		f := NewFuture[int](l)
		f.OnCancel(func() { t.Error("stopped what was done") })
		r := Later(f)
		f.Resolve(1)
		f.OnCancel(func() { t.Error("stopped what was done") })
		r.Cancel()
		Now(2).Cancel()
		if v, err, ok := r.Ready(); v != 1 || err != nil || !ok {
			t.Errorf("%v, %v, %v", v, err, ok)
		}
	})
}

func TestGoComesBackOnTheLoop(t *testing.T) {
	l := New(Options{})
	var got []string
	l.Post(func() {
		pending := 2
		done := func() {
			if pending--; pending == 0 {
				l.Close()
			}
		}
		Go(t.Context(), l, func(context.Context) (string, error) { return "ok", nil }).Then(func(s string, err error) {
			got = append(got, s)
			done()
		})
		Go(t.Context(), l, func(context.Context) (string, error) { panic("inside") }).Then(func(s string, err error) {
			if err == nil {
				t.Error("a panic in background work was lost")
			}
			done()
		})
	})
	if err := l.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, []string{"ok"}) {
		t.Fatal(got)
	}
}

func TestManyPosters(t *testing.T) {
	l := New(Options{})
	const posters, each = 8, 1000
	sum := 0
	var wg sync.WaitGroup
	for range posters {
		wg.Go(func() {
			for range each {
				if err := l.Post(func() { sum++ }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	go func() { wg.Wait(); l.Close() }()
	if err := l.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if sum != posters*each {
		t.Fatalf("ran %d of %d", sum, posters*each)
	}
}

func BenchmarkPostHop(b *testing.B) {
	l := New(Options{})
	go l.Run(context.Background())
	defer l.Close()
	done := make(chan struct{}, 1)
	for b.Loop() {
		l.Post(func() { done <- struct{}{} })
		<-done
	}
}

// A loop that is stopped ends with what it has begun; nothing else of its queue runs.
func TestStopDropsWhatIsQueued(t *testing.T) {
	l := New(Options{})
	var ran []string
	add := func(name string, more func()) {
		if err := l.Post(func() { ran = append(ran, name); more() }); err != nil {
			t.Fatal(err)
		}
	}
	add("first", func() {
		add("later", func() {})
		l.Stop()
	})
	add("second", func() {})
	done := make(chan error)
	go func() { done <- l.Run(context.Background()) }()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := fmt.Sprint(ran); got != "[first second]" {
		t.Errorf("ran %s", got)
	}
	if err := l.Post(func() {}); err != ErrClosed {
		t.Errorf("a stopped loop takes tasks: %v", err)
	}
	// One that waits wakes up.
	l = New(Options{})
	go func() { done <- l.Run(context.Background()) }()
	l.Stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// Timers that begin in one turn fire in the order of their delays, even where the clock
// runs on between them.
func TestTimeOfATurn(t *testing.T) {
	now := time.Unix(1000, 0)
	l := New(Options{Now: func() time.Time { return now }})
	var order []string
	begin := func(name string, delay time.Duration) {
		l.At(l.TurnNow().Add(delay), func() { order = append(order, name) })
		now = now.Add(15 * time.Millisecond)
	}
	l.Turn(func() { begin("20", 20*time.Millisecond); begin("10", 10*time.Millisecond) })
	first := now
	l.Turn(func() {
		if got := l.TurnNow(); !got.Equal(first) {
			t.Errorf("the next turn begins at %v, want %v", got, first)
		}
	})
	now = now.Add(time.Second)
	l.runTimers()
	if got := order; !slices.Equal(got, []string{"10", "20"}) {
		t.Errorf("fired: %q", got)
	}
}
