package bolt_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"workerd.local/actorid"
	"workerd.local/storage"
	"workerd.local/storage/bolt"
	"workerd.local/storage/storagetest"
)

func inspect(t *testing.T, path string) *bolt.Report {
	t.Helper()
	r, err := bolt.Inspect(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestInspectFindsNothingInASoundFile(t *testing.T) {
	path := filled(t)
	r := inspect(t, path)
	if len(r.Lost) != 0 || r.Reached < 10 {
		t.Fatalf("%+v", r)
	}
	s := mustOpen(t, path, noSync)
	defer s.Close()
	again, err := s.Inspect(t.Context())
	if err != nil || len(again.Lost) != 0 || again.Reached < 10 {
		t.Fatalf("while open: %+v, %v", again, err)
	}
}

// spoil overwrites the page that holds some bytes and returns its number.
func spoil(t *testing.T, path string, holds []byte) (page int) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	size := os.Getpagesize()
	// Stale copies of the page are elsewhere in the file.
	for page = 2; page < len(b)/size; page++ {
		from := b[page*size : (page+1)*size]
		if !bytes.Contains(from, holds) {
			continue
		}
		whole := bytes.Clone(b)
		copy(whole[page*size:], bytes.Repeat([]byte{0xA5}, size))
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		if r := inspect(t, path); len(r.Lost) > 0 {
			return page
		}
	}
	t.Fatalf("no page in use holds %q", holds)
	return 0
}

func TestInspectNamesWhatALostPageHeld(t *testing.T) {
	path := newPath(t)
	s := mustOpen(t, path, noSync)
	victim, other := storagetest.Actor("room", 1), storagetest.Actor("room", 2)
	for i, a := range []actorid.ID{storagetest.Actor("room", 0), victim, other} {
		w := storage.Write{Actor: a}
		for j := range 300 {
			w.Put = append(w.Put, storage.KV{Key: fmt.Sprintf("key%03d", j), Value: fmt.Appendf(nil, "%d-%03d %s", i, j, strings.Repeat("x", 40))})
		}
		commit(t, s, w)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	page := spoil(t, path, []byte("1-150 xxx"))
	r := inspect(t, path)
	if len(r.Lost) != 1 {
		t.Fatalf("%+v", r)
	}
	l := r.Lost[0]
	if l.Page != uint64(page) || l.Bucket != "entries" || len(l.What) != 1 ||
		!strings.Contains(l.What[0], "keys from \"key") || !strings.HasSuffix(l.What[0], `of actor `+victim.String()+` of namespace "room"`) {
		t.Errorf("page %d: %s", page, l)
	}
	if strings.Contains(l.String(), other.String()) {
		t.Errorf("an actor that lost nothing is named: %s", l)
	}
}

func TestInspectNamesActorsWhoseRecordsAreLost(t *testing.T) {
	path := newPath(t)
	s := mustOpen(t, path, noSync)
	batch := map[storage.Token][]storage.Write{}
	for i := range 2000 {
		a := storagetest.Actor("room", i)
		token := tokenOf(t, s, a.Shard())
		batch[token] = append(batch[token], storage.Write{Actor: a, Put: []storage.KV{{Key: "k", Value: []byte("v")}}})
	}
	if _, err := s.Commit(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// The key of a record is the number of its namespace and the actor's own.
	a := storagetest.Actor("room", 1000)
	spoil(t, path, append(binary.BigEndian.AppendUint32(nil, 1), a.Key...))
	r := inspect(t, path)
	if text := fmt.Sprint(r.Lost); !strings.Contains(text, `actors of namespace "room" from `) && !strings.Contains(text, "alarms of shards") {
		t.Errorf("%s", text)
	}
}

func TestInspectOfWhatIsNoStorage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	if _, err := bolt.Inspect(t.Context(), path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	for _, content := range []string{"", "text", strings.Repeat("text ", 20000)} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if r, err := bolt.Inspect(t.Context(), path); !errors.Is(err, storage.ErrDamaged) {
			t.Errorf("%d bytes: %+v, %v", len(content), r, err)
		}
	}
}

// FuzzInspect changes bytes of a sound file: whatever they are, the inspection ends.
func FuzzInspect(f *testing.F) {
	path := filepath.Join(f.TempDir(), "actors.db")
	s, err := bolt.Open(path, noSync)
	if err != nil {
		f.Fatal(err)
	}
	a := actorid.ID{Namespace: "ns", Key: strings.Repeat("k", 32)}
	_, token, err := s.Placement().Owner(context.Background(), a.Shard())
	if err != nil {
		f.Fatal(err)
	}
	w := storage.Write{Actor: a}
	for i := range 200 {
		w.Put = append(w.Put, storage.KV{Key: fmt.Sprint(i), Value: make([]byte, 100)})
	}
	if _, err := s.Commit(context.Background(), map[storage.Token][]storage.Write{token: {w}}); err != nil {
		f.Fatal(err)
	}
	if err := s.Close(); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	whole = whole[:min(len(whole), 128<<10)]
	f.Add(uint32(20), []byte{1, 2, 3})
	f.Add(uint32(4096*3+8), []byte{1, 0, 0xff, 0xff})
	f.Add(uint32(4096*5), []byte{0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, at uint32, change []byte) {
		b := bytes.Clone(whole)
		copy(b[int(at)%len(b):], change)
		path := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if r, err := bolt.Inspect(t.Context(), path); err == nil {
			for _, l := range r.Lost {
				_ = l.String()
			}
		} else if !errors.Is(err, storage.ErrDamaged) {
			t.Errorf("%v", err)
		}
	})
}
