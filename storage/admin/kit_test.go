package admin_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"workerd.local/actorid"
	"workerd.local/internal/clone"
	"workerd.local/storage"
	"workerd.local/storage/admin"
	"workerd.local/storage/bolt"
)

var alarmTime = time.Date(2031, 2, 3, 4, 5, 6, 789_000_000, time.UTC)

func ids(namespace string) *actorid.Factory { return actorid.NewFactory(namespace, nil) }

func encode(t testing.TB, tree any) []byte {
	t.Helper()
	b, err := clone.Encode(tree, clone.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// fill writes some of everything.
func fill(t testing.TB, s *bolt.Store) {
	t.Helper()
	var writes []storage.Write
	for _, ns := range []string{"room", "room/deep", "wide"} {
		for i := range 3 {
			w := storage.Write{Actor: ids(ns).FromName(fmt.Sprint("n", i))}
			for j := range 10 * (i + 1) {
				w.Put = append(w.Put, storage.KV{Key: fmt.Sprintf("k%02d", j), Value: encode(t, fmt.Sprint("v", j))})
			}
			w.Put = append(w.Put, storage.KV{Key: "", Value: encode(t, nil)}, storage.KV{Key: "\xff\x00", Value: []byte("no value")}, storage.KV{Key: "<&\u2028\n", Value: nil})
			if i == 1 {
				w.Alarm = storage.AlarmChange{Op: storage.AlarmSet, Time: alarmTime, Name: "n1", Retries: 2}
			}
			writes = append(writes, w)
		}
	}
	writes = append(writes, storage.Write{Actor: ids("timer").FromName("only"), Alarm: storage.AlarmChange{Op: storage.AlarmSet, Time: time.UnixMilli(8_640_000_000_000_000)}})
	if err := admin.Commit(s)(t.Context(), writes); err != nil {
		t.Fatal(err)
	}
}

func openStore(t testing.TB, dir string) *bolt.Store {
	t.Helper()
	s, err := bolt.Open(filepath.Join(dir, bolt.FileName), bolt.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// eachWay runs a test on a filled directory, once while nobody has it open and once
// through a server.
func eachWay(t *testing.T, fn func(t *testing.T, st admin.Storage, dir string)) {
	t.Run("offline", func(t *testing.T) {
		dir := t.TempDir()
		s := openStore(t, dir)
		fill(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		fn(t, open(t, dir, false), dir)
	})
	t.Run("serving", func(t *testing.T) {
		dir := shortDir(t)
		s := openStore(t, dir)
		fill(t, s)
		serve(t, s)
		fn(t, open(t, dir, true), dir)
	})
}

// serve opens the control socket of a store, and closes both at the test's end.
func serve(t *testing.T, s *bolt.Store) *admin.Server {
	t.Helper()
	c, err := admin.Serve(s, admin.Commit(s), admin.ServeOptions{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// shortDir is a directory whose name a unix socket can have.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "wd")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func open(t testing.TB, dir string, serving bool) admin.Storage {
	t.Helper()
	st, err := admin.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if st.Serving() != serving {
		t.Fatalf("serving: %v", st.Serving())
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st
}

func export(t testing.TB, st admin.Storage, ref string) string {
	t.Helper()
	var b bytes.Buffer
	if err := st.Export(t.Context(), &b, ref); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// listed is what ls would say.
func listed(t testing.TB, st admin.Storage, namespace string) (out []string) {
	t.Helper()
	for a, err := range st.Actors(t.Context(), namespace) {
		if err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprintf("%s/%.4s %d %d", a.ID.Namespace, a.ID, a.Keys, a.Bytes)
		if a.Alarm != nil {
			text += fmt.Sprintf(" %d %d %q", a.Alarm.Time.UnixMilli(), a.Alarm.Retries, a.Alarm.Name)
		}
		out = append(out, text)
	}
	return out
}

func keys(t testing.TB, st admin.Storage, q admin.Query) string {
	t.Helper()
	var list []string
	for kv, err := range st.Entries(t.Context(), q) {
		if err != nil {
			return err.Error()
		}
		list = append(list, kv.Key)
	}
	return strings.Join(list, " ")
}

// commitOne stores one large value.
func commitOne(s *bolt.Store, ctx context.Context, i int, value []byte) error {
	return admin.Commit(s)(ctx, []storage.Write{{Actor: ids("big").FromName(fmt.Sprint(i)), Put: []storage.KV{{Key: "k", Value: value}}}})
}
