package bolt_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"workerd.local/storage"
	"workerd.local/storage/bolt"
	"workerd.local/storage/storagetest"
)

// busyStore returns a store whose writer stands still after its first commit
// until release is called.
func busyStore(t *testing.T, queueLimit int) (s *bolt.Store, release func(), groups *atomic.Int64) {
	t.Helper()
	standing, resume := make(chan struct{}), make(chan struct{})
	groups = new(atomic.Int64)
	s = mustOpen(t, newPath(t), bolt.Options{NoSync: true, QueueLimit: queueLimit, Hooks: bolt.Hooks{Group: func(g bolt.GroupInfo) {
		if groups.Add(1) == 1 {
			close(standing)
			<-resume
		}
	}}})
	commit(t, s, storage.Write{Actor: storagetest.Actor("ns", 0), Put: []storage.KV{{Key: "k"}}})
	<-standing
	return s, func() { close(resume) }, groups
}

// begin starts a commit and returns where its error will come.
func begin(t *testing.T, ctx context.Context, s *bolt.Store, n int) <-chan error {
	t.Helper()
	a := storagetest.Actor("ns", n)
	batch := map[storage.Token][]storage.Write{tokenOf(t, s, a.Shard()): {{Actor: a, Put: []storage.KV{{Key: "k", Value: []byte("v")}}}}}
	result := make(chan error, 1)
	go func() {
		_, err := s.Commit(ctx, batch)
		result <- err
	}()
	return result
}

func TestACancelledCommitIsWithdrawnFromTheQueue(t *testing.T) {
	s, release, groups := busyStore(t, 2)
	defer s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	// Two have room in the queue, the others wait for room; all can be withdrawn.
	var waiting []<-chan error
	for n := 1; n <= 5; n++ {
		waiting = append(waiting, begin(t, ctx, s, n))
	}
	cancel()
	for _, result := range waiting {
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Errorf("commit: %v", err)
		}
	}
	if got := groups.Load(); got != 1 {
		t.Fatalf("the writer made %d groups while it stood still", got)
	}
	release()
	commit(t, s, storage.Write{Actor: storagetest.Actor("ns", 6), Put: []storage.KV{{Key: "k"}}})
	for n := 1; n <= 5; n++ {
		a := storagetest.Actor("ns", n)
		if got, err := s.Get(t.Context(), tokenOf(t, s, a.Shard()), a, []string{"k"}); err != nil || len(got) != 0 {
			t.Errorf("withdrawn commit %d was applied: %v, %v", n, got, err)
		}
	}
}

func TestCloseFinishesTheQueue(t *testing.T) {
	s, release, _ := busyStore(t, 3)
	var waiting []<-chan error
	for n := 1; n <= 12; n++ {
		waiting = append(waiting, begin(t, t.Context(), s, n))
	}
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	release()
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	done := 0
	for _, result := range waiting {
		if err := <-result; err == nil {
			done++
		} else if !errors.Is(err, storage.ErrClosed) {
			t.Errorf("commit: %v", err)
		}
	}
	s = mustOpen(t, s.Path(), noSync)
	defer s.Close()
	found := 0
	for n := 1; n <= 12; n++ {
		a := storagetest.Actor("ns", n)
		got, err := s.Get(t.Context(), tokenOf(t, s, a.Shard()), a, []string{"k"})
		if err != nil {
			t.Fatal(err)
		}
		found += len(got)
	}
	if found != done {
		t.Errorf("%d commits were acknowledged, %d are in the file", done, found)
	}
}
