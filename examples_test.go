package workerd_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"workerd.local/actorid"
	"workerd.local/config"
	"workerd.local/server"
	"workerd.local/storage"
	"workerd.local/storage/mem"
)

// example serves a project of examples/ in this process. Started twice with the same
// data directory it finds what it stored.
func example(t *testing.T, name, data string) (url string, stop func()) {
	t.Helper()
	return exampleWith(t, name, data, server.Options{})
}

func exampleWith(t *testing.T, name, data string, o server.Options) (url string, stop func()) {
	t.Helper()
	cfg, warnings, err := config.Load(filepath.Join("examples", name), config.LoadOptions{Data: data})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range warnings {
		t.Errorf("warning: %s", w)
	}
	if errs := append(cfg.Validate(config.ValidateOptions{}), cfg.Unsupported()...); len(errs) > 0 {
		t.Fatal(config.AsError(errs))
	}
	o.Isolates, o.Log = 2, slog.New(slog.NewTextHandler(t.Output(), nil))
	s, err := server.New(t.Context(), cfg, o)
	if err != nil {
		t.Fatal(err)
	}
	h, err := s.Handler("")
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(h)
	stop = sync.OnceFunc(func() {
		srv.Close()
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return srv.URL, stop
}

// ask sends one request and wants an answer, as "status body".
func ask(t *testing.T, method, url, body, want string) {
	t.Helper()
	if got := answer(t, method, url, body); got != want {
		t.Errorf("%s %s: %s\nwant %s", method, url, got, want)
	}
}

func answer(t *testing.T, method, url, body string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return fmt.Sprintf("%d %s", resp.StatusCode, b)
}

func TestExampleHello(t *testing.T) {
	url, _ := example(t, "hello", "")
	ask(t, "GET", url, "", "200 Hello, world!\n")
	ask(t, "GET", url+"/Ada%20L.", "", "200 Hello, Ada L.!\n")
}

func TestExampleCounter(t *testing.T) {
	data := t.TempDir()
	url, stop := example(t, "counter", data)
	ask(t, "GET", url+"/visits", "", "200 0\n")
	ask(t, "POST", url+"/visits/increment", "", "200 1\n")
	ask(t, "GET", url+"/other", "", "200 0\n")
	ask(t, "GET", url+"/visits/increment", "", "404 Not found\n")
	ask(t, "POST", url+"/visits/double", "", "404 Not found\n")
	if page := answer(t, "GET", url, ""); !strings.HasPrefix(page, "200 <!doctype html>") {
		t.Errorf("page: %s", page)
	}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { answer(t, "POST", url+"/visits/increment", "") })
	}
	wg.Wait()
	ask(t, "GET", url+"/visits", "", "200 21\n")
	stop()
	url, _ = example(t, "counter", data)
	ask(t, "GET", url+"/visits", "", "200 21\n")
}

func TestExampleTodo(t *testing.T) {
	data := t.TempDir()
	url, stop := example(t, "todo", data)
	home := url + "/home"
	ask(t, "GET", url, "", `404 {"error":"name a list, as in /home"}`)
	ask(t, "GET", home, "", "200 []")
	ask(t, "POST", home, `{"text":"milk"}`, `201 {"id":1,"text":"milk","done":false}`)
	ask(t, "POST", home, `{"text":"bread"}`, `201 {"id":2,"text":"bread","done":false}`)
	ask(t, "POST", home, `{"text":"tea"}`, `201 {"id":3,"text":"tea","done":false}`)
	for _, bad := range []string{"", "{", "null", `{"text":""}`, `{"text":1}`} {
		ask(t, "POST", home, bad, `400 {"error":"send {\"text\": \"...\"}"}`)
	}
	ask(t, "POST", home+"/2/done", "", `200 {"id":2,"text":"bread","done":true}`)
	ask(t, "POST", home+"/9/done", "", `404 {"error":"there is no item 9"}`)
	ask(t, "POST", home+"/1/swap/9", "", `404 {"error":"there is no item 9"}`)
	ask(t, "GET", home, "", `200 [{"id":1,"text":"milk","done":false},{"id":2,"text":"bread","done":true},{"id":3,"text":"tea","done":false}]`)
	ask(t, "POST", home+"/1/swap/2", "", `200 {"swapped":[1,2]}`)
	ask(t, "DELETE", home+"/3", "", "204 ")
	ask(t, "DELETE", home+"/3", "", `404 {"error":"there is no item 3"}`)
	ask(t, "GET", url+"/work", "", "200 []")
	stop()

	url, _ = example(t, "todo", data)
	home = url + "/home"
	ask(t, "GET", home, "", `200 [{"id":1,"text":"bread","done":true},{"id":2,"text":"milk","done":false}]`)
	ask(t, "GET", home+"?newest=1", "", `200 [{"id":2,"text":"milk","done":false}]`)
	ask(t, "DELETE", home, "", "204 ")
	ask(t, "GET", home, "", "200 []")
}

// slowStore answers reads late and from another goroutine, as a busy disk does: that
// is when requests of one actor would overtake each other if nothing held them.
type slowStore struct{ storage.Store }

func (s slowStore) Get(ctx context.Context, token storage.Token, id actorid.ID, keys []string) ([]storage.KV, error) {
	time.Sleep(50 * time.Millisecond)
	return s.Store.Get(ctx, token, id, keys)
}

func TestInputGateKeepsRequestsApartWhileStorageReads(t *testing.T) {
	url, _ := exampleWith(t, "counter", t.TempDir(), server.Options{
		OpenStore: func(string) (storage.Store, error) { return slowStore{mem.New()}, nil },
	})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { answer(t, "POST", url+"/visits/increment", "") })
	}
	wg.Wait()
	ask(t, "GET", url+"/visits", "", "200 20\n")
}
