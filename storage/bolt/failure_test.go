package bolt_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"workerd.local/actorid"
	"workerd.local/storage"
	"workerd.local/storage/bolt"
	"workerd.local/storage/storagetest"
)

var alarmTime = time.UnixMilli(1_700_000_000_000)

func TestAFailedWriteStopsTheStoreForGood(t *testing.T) {
	var failures atomic.Int64
	path := newPath(t)
	s := mustOpen(t, path, bolt.Options{Hooks: bolt.Hooks{Failed: func(error) { failures.Add(1) }}})
	session, err := s.Placement().Join(t.Context(), storage.Node{})
	if err != nil {
		t.Fatal(err)
	}
	a := storagetest.Actor("ns", 1)
	token := tokenOf(t, s, a.Shard())
	commit(t, s, storage.Write{Actor: a, Put: []storage.KV{{Key: "k", Value: []byte("before")}}})
	if err := s.BreakFile(); err != nil {
		t.Fatal(err)
	}
	// Every caller of the group that fails is told, and everyone after it.
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			b := storagetest.Actor("ns", i)
			_, err := s.Commit(t.Context(), map[storage.Token][]storage.Write{
				tokenOf(t, s, b.Shard()): {{Actor: b, Put: []storage.KV{{Key: "k", Value: []byte("after")}}}}})
			if !errors.Is(err, storage.ErrFailed) || !errors.Is(err, os.ErrClosed) {
				t.Errorf("commit: %v", err)
			}
		})
	}
	wg.Wait()
	want := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, storage.ErrFailed) || !errors.Is(err, os.ErrClosed) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err = s.Commit(t.Context(), nil)
	want("empty commit", err)
	_, err = s.Get(t.Context(), token, a, []string{"k"})
	want("get", err)
	_, err = s.Alarm(t.Context(), token, a)
	want("alarm", err)
	_, err = s.Alarms(t.Context(), token, 0)
	want("alarms", err)
	_, err = s.Meta(t.Context(), "m")
	want("meta", err)
	want("set meta", s.SetMeta(t.Context(), "m", nil))
	want("delete namespace", s.DeleteNamespace(t.Context(), "ns"))
	want("check", s.Check(t.Context()))
	want("backup", s.Backup(t.Context(), io.Discard))
	for _, err := range s.Scan(t.Context(), token, a, storage.Range{}) {
		want("scan", err)
	}
	for _, err := range s.Actors(t.Context(), "ns", actorid.ID{}) {
		want("actors", err)
	}
	if failures.Load() != 1 {
		t.Errorf("the hook Failed was called %d times", failures.Load())
	}
	if session.Valid() {
		t.Error("the session of a failed store is valid")
	}
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	s = mustOpen(t, path, bolt.Options{})
	defer s.Close()
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
	for i := range 20 {
		b := storagetest.Actor("ns", i)
		got, err := s.Get(t.Context(), tokenOf(t, s, b.Shard()), b, []string{"k"})
		if err != nil || len(got) != 0 && string(got[0].Value) != "before" {
			t.Errorf("actor %d: %q, %v", i, got, err)
		}
	}
}

func TestAFullDiskSaysSo(t *testing.T) {
	for _, cause := range []error{
		&fs.PathError{Op: "write", Path: "f", Err: syscall.ENOSPC},
		fmt.Errorf("file resize error: %s", syscall.ENOSPC), // as bbolt flattens it
	} {
		s := mustOpen(t, newPath(t), noSync)
		err := s.Fail(cause)
		if !errors.Is(err, storage.ErrFailed) || !strings.Contains(err.Error(), "the disk is full") {
			t.Errorf("%v", err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestDeletedEntriesAreSweptAlsoAfterAReopen(t *testing.T) {
	path := newPath(t)
	big, small := storagetest.Actor("ns", 1), storagetest.Actor("ns", 2)
	s := mustOpen(t, path, noSync)
	w := storage.Write{Actor: big}
	for i := range 20_000 {
		w.Put = append(w.Put, storage.KV{Key: fmt.Sprintf("%06d", i), Value: []byte("v")})
	}
	commit(t, s, w)
	commit(t, s, storage.Write{Actor: small, Put: []storage.KV{{Key: "k", Value: []byte("v")}}})
	commit(t, s, storage.Write{Actor: big, DelAll: true, Put: []storage.KV{{Key: "new", Value: []byte("v")}}})
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil { // in the middle of it, most likely
		t.Fatal(err)
	}
	for range 2 {
		swept := make(chan struct{}, 1)
		leftover := len(rawKeys(t, path, bolt.BucketSweep))
		s = mustOpen(t, path, bolt.Options{NoSync: true, Hooks: bolt.Hooks{Swept: func() { swept <- struct{}{} }}})
		if leftover > 0 {
			<-swept
		}
		if err := s.Check(t.Context()); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(rawKeys(t, path, bolt.BucketEntries)); got != 2 {
		t.Errorf("%d entries are left in the file, want 2", got)
	}
}

func TestCompact(t *testing.T) {
	path := filled(t)
	s := mustOpen(t, path, noSync)
	defer s.Close()
	w := storage.Write{Actor: storagetest.Actor("other", 1)}
	for i := range 3000 {
		w.Put = append(w.Put, storage.KV{Key: fmt.Sprint(i), Value: []byte(strings.Repeat("x", 500))})
	}
	commit(t, s, w)
	commit(t, s, storage.Write{Actor: w.Actor, DelAll: true})
	dst := newPath(t)
	if err := s.Compact(t.Context(), dst); err != nil {
		t.Fatal(err)
	}
	if err := s.Compact(t.Context(), dst); !errors.Is(err, fs.ErrExist) {
		t.Errorf("compact onto a file: %v", err)
	}
	small := mustOpen(t, dst, noSync)
	defer small.Close()
	if err := small.Check(t.Context()); err != nil {
		t.Error(err)
	}
	n := 0
	for a, err := range s.Actors(t.Context(), "ns", actorid.ID{}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		got, want := entriesOf(t, small, a.Actor), entriesOf(t, s, a.Actor)
		if got != want {
			t.Errorf("actor %s differs", a.Actor)
		}
	}
	if n != 41 {
		t.Errorf("%d actors", n)
	}
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(dst)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes became %d", before.Size(), after.Size())
	if tokenOf(t, small, 0).Epoch <= tokenOf(t, s, 0).Epoch {
		t.Error("the copy does not continue the epochs")
	}
}

func entriesOf(t *testing.T, s *bolt.Store, a actorid.ID) string {
	t.Helper()
	var b strings.Builder
	for kv, err := range s.Scan(t.Context(), tokenOf(t, s, a.Shard()), a, storage.Range{}) {
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%q=%q\n", kv.Key, kv.Value)
	}
	return b.String()
}
