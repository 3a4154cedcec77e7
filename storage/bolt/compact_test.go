package bolt_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"workerd.local/storage"
	"workerd.local/storage/bolt"
	"workerd.local/storage/storagetest"
)

func TestCompactFileKeepsEverythingAndItsMode(t *testing.T) {
	path := newPath(t)
	s := mustOpen(t, path, noSync)
	for i := range 20 {
		w := storage.Write{Actor: storagetest.Actor("gone", i)}
		for j := range 500 {
			w.Put = append(w.Put, storage.KV{Key: fmt.Sprint("key", j), Value: bytes.Repeat([]byte("x"), 500)})
		}
		commit(t, s, w)
	}
	kept := storagetest.Actor("kept", 1)
	commit(t, s, storage.Write{Actor: kept, Put: []storage.KV{{Key: "k", Value: []byte("v")}}})
	if err := s.DeleteNamespace(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	// What a killed run left behind is no obstacle.
	if err := os.WriteFile(path+".compact", []byte("rest"), 0o600); err != nil {
		t.Fatal(err)
	}
	before, after, err := bolt.CompactFile(t.Context(), path, noSync)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if after >= before/10 || info.Size() != after {
		t.Errorf("%d bytes became %d; the file has %d", before, after, info.Size())
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v", info.Mode())
	}
	if names, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); err != nil || len(names) != 1 {
		t.Errorf("%v, %v", names, err)
	}
	s = mustOpen(t, path, noSync)
	defer s.Close()
	got, err := s.Get(t.Context(), tokenOf(t, s, kept.Shard()), kept, []string{"k"})
	if err != nil || len(got) != 1 || string(got[0].Value) != "v" {
		t.Errorf("%v, %v", got, err)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestCompactFileNeedsTheFileForItself(t *testing.T) {
	path := filled(t)
	s := mustOpen(t, path, noSync)
	o := noSync
	o.OpenTimeout = time.Millisecond
	if _, _, err := bolt.CompactFile(t.Context(), path, o); !errors.Is(err, storage.ErrLocked) {
		t.Errorf("open elsewhere: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := bolt.CompactFile(t.Context(), filepath.Join(t.TempDir(), "none.db"), o); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// A process that waits for the lock of a file that is replaced meanwhile must not
// write to the old one.
func TestOpenTakesTheFileThatReplacedTheOneItWaitedFor(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open file cannot be replaced")
	}
	path := filled(t)
	s := mustOpen(t, path, noSync)
	copied := path + ".new"
	if err := s.Compact(t.Context(), copied); err != nil {
		t.Fatal(err)
	}
	opened := make(chan *bolt.Store, 1)
	go func() {
		o := noSync
		o.OpenTimeout = time.Minute
		again, err := bolt.Open(path, o)
		if err != nil {
			t.Error(err)
		}
		opened <- again
	}()
	time.Sleep(20 * time.Millisecond) // so that it probably waits; either way it must hold
	if err := os.Rename(copied, path); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := <-opened
	if again == nil {
		return
	}
	a := storagetest.Actor("late", 1)
	commit(t, again, storage.Write{Actor: a, Put: []storage.KV{{Key: "k", Value: []byte("v")}}})
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, path, noSync)
	defer s.Close()
	if got, err := s.Get(t.Context(), tokenOf(t, s, a.Shard()), a, []string{"k"}); err != nil || len(got) != 1 {
		t.Errorf("the write went to the file that was replaced: %v, %v", got, err)
	}
}

func TestReadOnlyWritesNothing(t *testing.T) {
	path := filled(t)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, path, bolt.Options{ReadOnly: true})
	second := mustOpen(t, path, bolt.Options{ReadOnly: true}) // readers share
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	a := storagetest.Actor("ns", 1)
	token := tokenOf(t, s, a.Shard())
	if kv, err := s.Get(t.Context(), token, a, []string{"key1"}); err != nil || len(kv) != 1 {
		t.Errorf("%v, %v", kv, err)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
	w := []storage.Write{{Actor: a, DelAll: true}}
	if _, err := s.Commit(t.Context(), map[storage.Token][]storage.Write{token: w}); !errors.Is(err, bolt.ErrReadOnly) {
		t.Errorf("commit: %v", err)
	}
	done := make(chan error, 1)
	s.CommitAsync(token, w, func(_ bool, err error) { done <- err })
	if err := <-done; !errors.Is(err, bolt.ErrReadOnly) {
		t.Errorf("async commit: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file has changed (%v)", err)
	}
	if _, err := bolt.Open(filepath.Join(t.TempDir(), "none.db"), bolt.Options{ReadOnly: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func TestSnapshotIsOfOneMoment(t *testing.T) {
	s := mustOpen(t, newPath(t), noSync)
	defer s.Close()
	a := storagetest.Actor("ns", 1)
	commit(t, s, storage.Write{Actor: a, Put: []storage.KV{{Key: "a", Value: []byte("old")}, {Key: "b", Value: nil}}, Alarm: storage.AlarmChange{Op: storage.AlarmSet, Time: alarmTime, Name: "n"}})
	p, err := s.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	commit(t, s, storage.Write{Actor: a, DelAll: true, Alarm: storage.AlarmChange{Op: storage.AlarmClear}})
	commit(t, s, storage.Write{Actor: storagetest.Actor("later", 1), Put: []storage.KV{{Key: "a", Value: nil}}})
	state, found, err := p.Actor(a)
	if err != nil || !found || !state.Alarm.Time.Equal(alarmTime) || state.Alarm.Name != "n" {
		t.Errorf("%+v, %v, %v", state, found, err)
	}
	if names, err := p.Namespaces(); err != nil || fmt.Sprint(names) != "[ns]" {
		t.Errorf("%v, %v", names, err)
	}
	var keys []string
	for kv, err := range p.Entries(t.Context(), a, storage.Range{Reverse: true}) {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, kv.Key+"="+string(kv.Value))
	}
	if fmt.Sprint(keys) != "[b= a=old]" {
		t.Errorf("%q", keys)
	}
	if n, err := p.Count(t.Context(), a); err != nil || n.Keys != 2 || n.Bytes != 5 {
		t.Errorf("%+v, %v", n, err)
	}
	count := 0
	for state, err := range p.Actors(t.Context(), "ns") {
		if err != nil || state.Actor != a {
			t.Errorf("%+v, %v", state, err)
		}
		count++
	}
	if count != 1 {
		t.Errorf("%d actors", count)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}
