package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"workerd.local/storage"
	"workerd.local/storage/mem"
	"workerd.local/storage/storagetest"
)

// serve runs the program's routes until stop is called or the test ends.
func serve(t *testing.T, data string) (url string, stop func()) {
	t.Helper()
	workers, err := start(t.Context(), "app/config.capnp", data)
	if err != nil {
		t.Fatal(err)
	}
	mux, err := routes(workers)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(mux)
	stop = func() {
		srv.Close()
		if err := workers.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return srv.URL, stop
}

func ask(t *testing.T, method, url, body, want string) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || string(b) != want {
		t.Errorf("%s %s: %q, %v; want %q", method, url, b, err, want)
	}
}

func TestWorkersAndGoShareAMux(t *testing.T) {
	data := t.TempDir()
	url, stop := serve(t, data)
	ask(t, "GET", url+"/go", "", "answered by Go\n")
	ask(t, "POST", url+"/hamlet", "To be or not to be", `{"added":6}`)
	ask(t, "POST", url+"/hamlet", "be", `{"added":1}`)
	ask(t, "GET", url+"/hamlet?word=be", "", `{"be":3}`)
	ask(t, "GET", url+"/macbeth?word=be", "", `{"be":0}`)
	stop()

	// The state is in the program's own store.
	if _, err := os.Stat(filepath.Join(data, "journal")); err != nil {
		t.Error(err)
	}
	url, _ = serve(t, data)
	ask(t, "GET", url+"/hamlet?word=be", "", `{"be":3}`)
}

func TestLayers(t *testing.T) {
	var out bytes.Buffer
	if err := layers(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	const want = "3 words\nnice to meet you, Ada\nput away: true\nhello again, Ada\n"
	if out.String() != want {
		t.Errorf("got  %q\nwant %q", out.String(), want)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- errors.Join(run(ctx, "127.0.0.1:0", "app/config.capnp", t.TempDir(), w), w.Close())
	}()
	var out bytes.Buffer
	buf := make([]byte, 256)
	for !strings.Contains(out.String(), "listening on http://127.0.0.1:") {
		n, err := r.Read(buf)
		out.Write(buf[:n])
		if err != nil {
			t.Fatalf("%v; it ended with %v", err, <-ended)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := run(t.Context(), "127.0.0.1:0", "app/missing.capnp", t.TempDir(), io.Discard); err == nil {
		t.Error("a configuration that is missing is no error")
	}
}

func TestJournalIsAStore(t *testing.T) {
	names := map[storage.Store]string{}
	open := func(t testing.TB, name string) storage.Store {
		j, err := OpenJournal(name)
		if err != nil {
			t.Fatal(err)
		}
		names[j] = name
		return j
	}
	storagetest.Run(t, func(t testing.TB) storage.Store { return open(t, filepath.Join(t.TempDir(), "journal")) }, storagetest.Options{
		Restore: func(t testing.TB, backup []byte) storage.Store {
			s, err := mem.Restore(bytes.NewReader(backup))
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
		Reopen: func(t testing.TB, s storage.Store) storage.Store {
			if err := s.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
				t.Fatal(err)
			}
			return open(t, names[s])
		},
	})
}

func TestJournalAfterACrash(t *testing.T) {
	name := filepath.Join(t.TempDir(), "journal")
	j, err := OpenJournal(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []string{"one", "two"} {
		if err := j.SetMeta(t.Context(), "m", []byte(v)); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what string
		file []byte
		want string // of the meta value
		err  error
	}{
		{"nothing happened", whole, "two", nil},
		{"the last byte is missing", whole[:len(whole)-1], "one", nil},
		{"all of it is missing", nil, "", nil},
		{"half a header follows", append(bytes.Clone(whole), 0, 0, 0), "two", nil},
		{"the last record is wrong", flip(whole, len(whole)-1), "one", nil},
		{"the first record is wrong", flip(whole, headerBytes+2), "", storage.ErrDamaged},
	} {
		if err := os.WriteFile(name, c.file, 0o600); err != nil {
			t.Fatal(err)
		}
		j, err := OpenJournal(name)
		if !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", c.what, err, c.err)
		}
		if err != nil {
			continue
		}
		if got, err := j.Meta(t.Context(), "m"); err != nil || string(got) != c.want {
			t.Errorf("%s: %q, %v; want %q", c.what, got, err, c.want)
		}
		// What follows is written where the last good record ends.
		if err := j.SetMeta(t.Context(), "m", []byte("three")); err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		if j, err = OpenJournal(name); err != nil {
			t.Fatalf("%s: %v", c.what, err)
		}
		if got, err := j.Meta(t.Context(), "m"); err != nil || string(got) != "three" {
			t.Errorf("%s: then %q, %v", c.what, got, err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func flip(b []byte, i int) []byte {
	c := bytes.Clone(b)
	c[i] ^= 1
	return c
}
