package bolt_test

import (
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	"workerd.local/storage"
	"workerd.local/storage/bolt"
	"workerd.local/storage/storagetest"
)

// queueAsync queues a put of key n for the actor; result n gets its error.
func queueAsync(t testing.TB, s *bolt.Store, a int, n int) <-chan error {
	t.Helper()
	actor := storagetest.Actor("ns", a)
	result := make(chan error, 2) // room for one too many
	s.CommitAsync(tokenOf(t, s, actor.Shard()), []storage.Write{{Actor: actor, Put: []storage.KV{
		{Key: "last", Value: fmt.Append(nil, n)}, {Key: fmt.Sprint(n), Value: []byte("v")},
	}}}, func(fenced bool, err error) {
		if fenced {
			err = errors.Join(err, storage.ErrFenced)
		}
		result <- err
	})
	return result
}

func TestAsyncCommitsWaitInOrderWhereTheQueueIsFull(t *testing.T) {
	s, release, _ := busyStore(t, 2)
	before := runtime.NumGoroutine()
	var waiting []<-chan error
	for n := range 500 { // returns although the writer stands still
		waiting = append(waiting, queueAsync(t, s, 1, n))
	}
	if now := runtime.NumGoroutine(); now > before+1 {
		t.Errorf("%d goroutines became %d", before, now)
	}
	// A caller that can wait takes its turn with the others.
	result := begin(t, t.Context(), s, 2)
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	release()
	for n, w := range waiting {
		if err := <-w; err != nil {
			t.Errorf("commit %d: %v", n, err)
		}
	}
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	if err := <-result; err != nil && !errors.Is(err, storage.ErrClosed) {
		t.Error(err)
	}
	for n, w := range waiting {
		if len(w) != 0 {
			t.Errorf("commit %d was told twice: %v", n, <-w)
		}
	}
	if err := <-queueAsync(t, s, 1, 1000); !errors.Is(err, storage.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	s = mustOpen(t, s.Path(), noSync)
	defer s.Close()
	a := storagetest.Actor("ns", 1)
	got, err := s.Get(t.Context(), tokenOf(t, s, a.Shard()), a, []string{"last", "0", "499"})
	if err != nil || len(got) != 3 || string(got[0].Value) != "499" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestAFailedWriteTellsEveryAsyncCommit(t *testing.T) {
	s, release, _ := busyStore(t, 4)
	if err := s.BreakFile(); err != nil {
		t.Fatal(err)
	}
	var waiting []<-chan error
	for n := range 40 {
		waiting = append(waiting, queueAsync(t, s, n, n))
	}
	release()
	for n, w := range waiting {
		if err := <-w; !errors.Is(err, storage.ErrFailed) {
			t.Errorf("commit %d: %v", n, err)
		}
	}
	if err := <-queueAsync(t, s, 1, 1); !errors.Is(err, storage.ErrFailed) {
		t.Errorf("after the failure: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	for n, w := range waiting {
		if len(w) != 0 {
			t.Errorf("commit %d was told twice", n)
		}
	}
}

// BenchmarkCommitManyAsync is BenchmarkCommitMany with CommitAsync: 64 actors with
// one commit under way each, all on one goroutine, as on an event loop.
func BenchmarkCommitManyAsync(b *testing.B) {
	var groups, commits atomic.Int64
	s := mustOpen(b, newPath(b), bolt.Options{Hooks: bolt.Hooks{Group: func(g bolt.GroupInfo) {
		groups.Add(1)
		commits.Add(int64(g.Operations))
	}}})
	defer s.Close()
	const actors = 64
	answered := make(chan int, actors)
	var tokens [actors]storage.Token
	for n := range actors {
		tokens[n] = tokenOf(b, s, storagetest.Actor("ns", n).Shard())
		answered <- n
	}
	for i := 0; b.Loop(); i++ {
		n := <-answered
		w := []storage.Write{{Actor: storagetest.Actor("ns", n), Put: []storage.KV{{Key: "k", Value: fmt.Append(nil, i)}}}}
		s.CommitAsync(tokens[n], w, func(_ bool, err error) {
			if err != nil {
				b.Error(err)
			}
			answered <- n
		})
	}
	for range actors {
		<-answered
	}
	b.ReportMetric(float64(commits.Load())/float64(max(1, groups.Load())), "commits/tx")
}
