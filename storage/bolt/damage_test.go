package bolt_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"workerd.local/actorid"
	"workerd.local/storage"
	"workerd.local/storage/bolt"
	"workerd.local/storage/storagetest"
)

// filled returns a closed store with some of everything.
func filled(t *testing.T) (path string) {
	t.Helper()
	path = newPath(t)
	s := mustOpen(t, path, noSync)
	for i := range 40 {
		w := storage.Write{Actor: storagetest.Actor("ns", i)}
		w.Alarm = storage.AlarmChange{Op: storage.AlarmSet, Time: alarmTime}
		for j := range 40 {
			w.Put = append(w.Put, storage.KV{Key: fmt.Sprint("key", j), Value: []byte(strings.Repeat("v", 50))})
		}
		commit(t, s, w)
	}
	commit(t, s, storage.Write{Actor: storagetest.Actor("ns", 41), Put: []storage.KV{{Key: "big", Value: make([]byte, 100_000)}}})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// use does a bit of everything and returns the first error.
func use(t *testing.T, s *bolt.Store) error {
	var errs []error
	note := func(_ any, err error) { errs = append(errs, err) }
	for info, err := range s.Actors(t.Context(), "ns", actorid.ID{}) {
		note(info, err)
		if err != nil {
			break
		}
	}
	for i := range 42 {
		a := storagetest.Actor("ns", i)
		token := tokenOf(t, s, a.Shard())
		for _, reverse := range []bool{false, true} {
			for kv, err := range s.Scan(t.Context(), token, a, storage.Range{Reverse: reverse}) {
				note(kv, err)
			}
		}
		note(s.Get(t.Context(), token, a, []string{"key7", "big"}))
		note(s.Alarm(t.Context(), token, a))
		note(s.Alarms(t.Context(), token, 0))
	}
	note(nil, s.Check(t.Context()))
	note(nil, s.Backup(t.Context(), io.Discard))
	for i := range 42 {
		a := storagetest.Actor("ns", i)
		note(s.Commit(t.Context(), map[storage.Token][]storage.Write{tokenOf(t, s, a.Shard()): {{Actor: a, DelAll: i%2 == 0, Put: []storage.KV{{Key: "key3", Value: []byte("new")}}}}}))
	}
	note(nil, s.DeleteNamespace(t.Context(), "ns"))
	return errors.Join(errs...)
}

func TestTruncatedFiles(t *testing.T) {
	whole, err := os.ReadFile(filled(t))
	if err != nil {
		t.Fatal(err)
	}
	// The file grows in steps, so its tail may be unused: cut within the used part.
	for _, size := range []int{1, 100, 4095, 4096, 8192, 8193, 12288, 16384, 20480, 32768, 65536, 131072} {
		path := newPath(t)
		if err := os.WriteFile(path, whole[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := bolt.Open(path, noSync)
		wantOpenError(t, err, storage.ErrDamaged, path, "")
	}
}

// TestDamagedBytesAreAnErrorNotACrash overwrites random places of one file, again and again:
// a store that met damage lets go of its lock. Every call must
// return; Check must notice whatever a reader has noticed.
func TestDamagedBytesAreAnErrorNotACrash(t *testing.T) {
	source := filled(t)
	whole, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	used := len(whole)
	for used > 0 && whole[used-1] == 0 {
		used--
	}
	rounds := 60
	if testing.Short() {
		rounds = 10
	}
	opened, noticed := 0, 0
	path := newPath(t)
	for round := range rounds {
		r := rand.New(rand.NewPCG(1, uint64(round)))
		damaged := append([]byte{}, whole...)
		for range 1 + r.IntN(8) {
			at := r.IntN(used)
			switch r.IntN(4) {
			case 0: // a bit
				damaged[at] ^= 1 << r.IntN(8)
			case 1: // a page of zeros, as after a lost write
				clear(damaged[at&^4095 : min(used, at&^4095+4096)])
			case 2: // rubbish where pages keep their headers
				at &^= 4095
				for i := range 16 + r.IntN(48) {
					damaged[at+i] = byte(r.Uint32())
				}
			case 3: // one page in another's place
				copy(damaged[at&^4095:], whole[r.IntN(used)&^4095:][:4096])
			}
		}
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := bolt.Open(path, noSync)
		if err != nil {
			if !errors.Is(err, storage.ErrDamaged) && !errors.Is(err, storage.ErrVersion) {
				t.Errorf("round %d: open: %v", round, err)
			}
			continue
		}
		opened++
		if err := use(t, s); err != nil {
			noticed++
			if !errors.Is(err, storage.ErrDamaged) && !errors.Is(err, storage.ErrFailed) {
				t.Errorf("round %d: %v", round, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Logf("round %d: close: %v", round, err)
		}
	}
	t.Logf("%d rounds: %d opened, %d of them noticed damage later", rounds, opened, noticed)
}

func TestCheckFindsWhatDoesNotBelongTogether(t *testing.T) {
	for name, c := range map[string]struct {
		bucket []byte
		spoil  func(kv storage.KV) (key, value []byte)
		want   string
	}{
		"a lost alarm":     {bolt.BucketDue, func(kv storage.KV) ([]byte, []byte) { return []byte(kv.Key), nil }, "not in the order of alarms"},
		"a lost actor":     {bolt.BucketActors, func(kv storage.KV) ([]byte, []byte) { return []byte(kv.Key), nil }, "belong to no actor"},
		"a strange record": {bolt.BucketActors, func(kv storage.KV) ([]byte, []byte) { return []byte(kv.Key), []byte("abc") }, "record has 3 bytes"},
		"a strange space":  {bolt.BucketActors, func(kv storage.KV) ([]byte, []byte) { return []byte("\xff\xff\xff\xffkey"), kv.Value }, "belongs to no namespace"},
		"a strange alarm":  {bolt.BucketDue, func(kv storage.KV) ([]byte, []byte) { return []byte(kv.Key + "x"), []byte{} }, "the order of alarms has 41"},
		"a short entry":    {bolt.BucketEntries, func(kv storage.KV) ([]byte, []byte) { return []byte("x"), []byte("y") }, "too short"},
		"a lonely entry":   {bolt.BucketEntries, func(kv storage.KV) ([]byte, []byte) { return []byte("\x00\x00\x00\x01\x00\x00\x00\x00k"), []byte("y") }, "belong to no actor"},
		"strange sweep":    {bolt.BucketSweep, func(storage.KV) ([]byte, []byte) { return []byte("q"), []byte{} }, "means nothing"},
	} {
		path := filled(t)
		first := storage.KV{}
		if list := rawKeys(t, path, c.bucket); len(list) > 0 {
			first = list[0]
		}
		key, value := c.spoil(first)
		setRaw(t, path, c.bucket, key, value)
		if name == "strange sweep" {
			continue // the writer meets it before Check can
		}
		s := mustOpen(t, path, noSync)
		if err := s.Check(t.Context()); !errors.Is(err, storage.ErrDamaged) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %q", name, err, c.want)
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: close: %v", name, err)
		}
	}
}
