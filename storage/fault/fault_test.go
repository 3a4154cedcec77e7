package fault_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"workerd.local/actorid"
	"workerd.local/exception"
	"workerd.local/storage"
	"workerd.local/storage/fault"
	"workerd.local/storage/mem"
	"workerd.local/storage/storagetest"
)

func TestContractWithoutFaults(t *testing.T) {
	storagetest.Run(t, func(testing.TB) storage.Store { return fault.New(mem.New(), fault.Plan{}) }, storagetest.Options{})
}

var actor = storagetest.Actor("ns", 1)

// operations does each of them once, in order.
func operations(ctx context.Context, s *fault.Store) (errs []error) {
	_, token, err := s.Placement().Owner(ctx, actor.Shard())
	if err != nil {
		return []error{err}
	}
	note := func(_ any, err error) { errs = append(errs, err) }
	note(s.Commit(ctx, map[storage.Token][]storage.Write{token: {{Actor: actor, Put: []storage.KV{{Key: "k", Value: []byte("v")}}}}}))
	note(s.Get(ctx, token, actor, []string{"k"}))
	note(last(s.Scan(ctx, token, actor, storage.Range{})))
	note(s.Alarm(ctx, token, actor))
	note(s.Alarms(ctx, token, 0))
	note(last(s.Actors(ctx, "ns", actorid.ID{})))
	note(last(s.Namespaces(ctx)))
	note(nil, s.SetMeta(ctx, "m", []byte("v")))
	note(s.Meta(ctx, "m"))
	note(nil, s.Backup(ctx, io.Discard))
	note(nil, s.Check(ctx))
	note(nil, s.DeleteNamespace(ctx, "other"))
	told := make(chan error, 1)
	s.CommitAsync(token, []storage.Write{{Actor: actor, Put: []storage.KV{{Key: "async"}}}}, func(_ bool, err error) { told <- err })
	note(nil, <-told)
	return errs
}

func last[T any](seq func(func(T, error) bool)) (item T, err error) {
	for item, err = range seq {
	}
	return item, err
}

func TestEachOperationFailsInTurn(t *testing.T) {
	for _, mode := range []fault.Mode{fault.Before, fault.After} {
		for _, once := range []bool{true, false} {
			n := 1
			for ; ; n++ {
				s := fault.New(mem.New(), fault.Plan{N: n, Mode: mode, Once: once})
				errs := operations(t.Context(), s)
				for i, err := range errs {
					var want error
					if i == n-1 {
						want = fault.ErrInjected
					} else if i >= n && !once {
						want = storage.ErrFailed
					}
					if !errors.Is(err, want) {
						t.Errorf("plan %d, mode %v, once %v: operation %d: %v, want %v", n, mode, once, i+1, err, want)
					}
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				if !s.Hit() {
					break
				}
			}
			if n != 14 {
				t.Errorf("13 operations took %d rounds", n)
			}
		}
	}
}

func TestOnlyWritesAreCounted(t *testing.T) {
	s := fault.New(mem.New(), fault.Plan{N: 2, Writes: true, Once: true})
	defer s.Close()
	for i, err := range operations(t.Context(), s) {
		if (err != nil) != (i == 7) {
			t.Errorf("operation %d: %v", i+1, err)
		}
	}
	if s.Operations() != 4 {
		t.Errorf("%d writes were counted", s.Operations())
	}
}

func TestModesDifferInWhatIsDone(t *testing.T) {
	for mode, want := range map[fault.Mode]int{fault.Before: 0, fault.After: 1} {
		inner := mem.New()
		s := fault.New(inner, fault.Plan{N: 1, Mode: mode, Once: true})
		operations(t.Context(), s)
		_, token, err := s.Placement().Owner(t.Context(), actor.Shard())
		if err != nil {
			t.Fatal(err)
		}
		got, err := inner.Get(t.Context(), token, actor, []string{"k"})
		if err != nil || len(got) != want {
			t.Errorf("mode %v: %d entries, want %d; %v", mode, len(got), want, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A plan's errors are those of its operations, and a restart ends what was for good.
func TestRestartEndsTheFault(t *testing.T) {
	first, later := errors.New("first"), errors.New("later")
	inner := mem.New()
	s := fault.New(inner, fault.Plan{N: 2, Err: first, Later: later, Waits: true})
	defer s.Close()
	if s.InstantReads() {
		t.Error("a plan that waits reads at once")
	}
	errs := operations(t.Context(), s)
	if errs[0] != nil || errs[1] != first || errs[2] != later || errs[12] != later {
		t.Errorf("errors %v", errs)
	}
	s.Restart(inner)
	for i, err := range operations(t.Context(), s) {
		if err != nil {
			t.Errorf("operation %d after the restart: %v", i+1, err)
		}
	}
	if s.Operations() != 15 {
		t.Errorf("%d operations were counted, want 2 before the restart and 13 after it", s.Operations())
	}
}

// Every kind says what it is, and differs from the others in what it does.
func TestKinds(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range fault.Kinds() {
		var e *exception.Exception
		temporary := errors.As(k.Plan.Err, &e) && e.Retryable()
		if k.Plan.Err == nil || seen[k.Name] || k.Passing != (temporary && k.Plan.Once) {
			t.Errorf("kind %+v", k)
		}
		seen[k.Name] = true
	}
}
