// Package packages runs applications made of npm packages. notes is one as people
// write them: hono's router and middleware, zod's validators, JSX, and a Durable Object.
// parts has one route for each of several packages. rooms talks to clients that node
// runs. echo is a program with servers of WebSockets. Installing them takes npm and its
// registry, so it is done under CI=true, or where WORKERD_NPM=1 asks for it.
package packages

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"workerd.local/conformance/process"
)

func TestMain(m *testing.M) { process.Main(m) }

// install copies an application and installs its packages, exactly as they are
// locked.
func install(t *testing.T, name string) (dir string) {
	t.Helper()
	ci := os.Getenv("CI") == "true"
	if !ci && os.Getenv("WORKERD_NPM") != "1" {
		t.Skip("neither CI=true nor WORKERD_NPM=1 asks for packages to be installed")
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		if ci {
			t.Fatal(err)
		}
		t.Skipf("npm is not installed: %v", err)
	}
	dir = filepath.Join(t.TempDir(), "app")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", name))); err != nil {
		t.Fatal(err)
	}
	var out []byte
	for attempt := range 3 { // as what asks the network may
		time.Sleep(time.Duration(attempt) * 10 * time.Second)
		cmd := exec.Command(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
		cmd.Dir = dir
		if out, err = cmd.CombinedOutput(); err == nil || !ci {
			break
		}
		t.Logf("npm ci: %v\n%s", err, out)
	}
	if err != nil {
		offline := false
		for _, code := range []string{"ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT", "ENETUNREACH"} {
			offline = offline || strings.Contains(string(out), code)
		}
		if offline && !ci {
			t.Skipf("the registry cannot be reached: %s", out)
		}
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	return dir
}

// app is the application at work.
type app struct {
	t   *testing.T
	url string
}

// ask sends a request with the token, if path is below /api, and checks the status.
func (a *app) ask(method, path, body string, status int, header ...string) (*http.Response, string) {
	a.t.Helper()
	req, err := http.NewRequest(method, a.url+path, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if strings.HasPrefix(path, "/api") {
		req.Header.Set("Authorization", "Bearer swordfish")
	}
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	if resp.StatusCode != status {
		a.t.Errorf("%s %s: status %d, want %d: %s", method, path, resp.StatusCode, status, b)
	}
	return resp, string(b)
}

// same compares JSON.
func (a *app) same(got, want string) {
	a.t.Helper()
	var g, w any
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		a.t.Errorf("%s: %v", got, err)
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		a.t.Fatal(err)
	}
	if !reflect.DeepEqual(g, w) {
		a.t.Errorf("got  %s\nwant %s", got, want)
	}
}

func (a *app) text(got, want string) {
	a.t.Helper()
	if got != want {
		a.t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestApplication(t *testing.T) {
	dir := install(t, "notes")
	binary := process.Build(t)
	server := process.Serve(t, 1, binary, dir, "--socket-addr", "http=127.0.0.1:0", ".")
	a := &app{t, server.URLs[0]}

	t.Run("routes", func(t *testing.T) {
		a := &app{t, a.url}
		resp, body := a.ask("GET", "/", "", 200)
		a.text(body, "notes")
		a.text(resp.Header.Get("X-Route"), "/")
		_, body = a.ask("GET", "/nothing", "", 404)
		a.same(body, `{"error": "no such route"}`)
		_, body = a.ask("GET", "/teapot", "", 418)
		a.text(body, "short and stout")
		_, body = a.ask("GET", "/boom", "", 500)
		a.same(body, `{"error": "boom"}`)
		_, body = a.ask("HEAD", "/", "", 200)
		a.text(body, "")
	})

	t.Run("JSX", func(t *testing.T) {
		a := &app{t, a.url}
		resp, body := a.ask("GET", "/page", "", 200)
		a.text(body, "<html><body><h1>Notes &amp; more</h1><ul><li>&lt;one&gt;</li><li>two</li></ul></body></html>")
		a.text(resp.Header.Get("Content-Type"), "text/html; charset=UTF-8")
		tag := resp.Header.Get("Etag")
		if tag == "" {
			t.Error("no ETag")
		}
		_, body = a.ask("GET", "/page", "", 304, "If-None-Match: "+tag)
		a.text(body, "")
	})

	t.Run("streams and cookies", func(t *testing.T) {
		a := &app{t, a.url}
		_, body := a.ask("GET", "/stream", "", 200)
		a.text(body, "one two three")
		resp, body := a.ask("GET", "/visit", "", 200, "Cookie: visits=41")
		a.same(body, `{"n": 42}`)
		a.text(resp.Header.Get("Set-Cookie"), "visits=42; Path=/; HttpOnly")
	})

	t.Run("middleware", func(t *testing.T) {
		a := &app{t, a.url}
		a.ask("GET", "/api/a", "", 401, "Authorization: Bearer wrong")
		resp, _ := a.ask("OPTIONS", "/api/a", "", 204, "Origin: https://example.com", "Access-Control-Request-Method: POST")
		a.text(resp.Header.Get("Access-Control-Allow-Methods"), "GET,POST")
		resp, _ = a.ask("GET", "/api/a", "", 200, "Origin: https://example.com")
		a.text(resp.Header.Get("Access-Control-Allow-Origin"), "https://example.com")
		if id := resp.Header.Get("X-Request-Id"); len(id) != 36 {
			t.Errorf("X-Request-Id %q is no UUID", id)
		}
	})

	t.Run("validation", func(t *testing.T) {
		a := &app{t, a.url}
		for _, bad := range []string{
			`{}`, `{"title": "  "}`, `{"title": 7}`, `{"title": "x", "tags": ["not ok"]}`, `{"title": "x", "tags": ["a", "b", "c", "d"]}`,
			`{"title": "x", "due": "tomorrow"}`, `{"title": "x", "priority": "urgent"}`, `[]`, `{"title"`,
		} {
			a.ask("POST", "/api/bad", bad, 400)
		}
		_, body := a.ask("POST", "/api/bad", `{"title": 7}`, 400)
		if !strings.Contains(body, "expected string, received number") {
			t.Errorf("the answer does not say why: %s", body)
		}
		a.ask("GET", "/api/bad?limit=0", "", 400)
		a.ask("GET", "/api/bad?limit=x", "", 400)
		_, body = a.ask("GET", "/api/bad", "", 200)
		a.same(body, `[]`)
	})

	t.Run("storage", func(t *testing.T) {
		a := &app{t, a.url}
		_, body := a.ask("POST", "/api/a", `{"title": " one ", "tags": ["größe", "x-1"]}`, 201)
		a.same(body, `{"id": 1}`)
		_, body = a.ask("POST", "/api/a", `{"title": "two", "priority": "high", "due": "2030-01-02T03:04:05Z"}`, 201)
		a.same(body, `{"id": 2}`)
		_, body = a.ask("POST", "/api/b", `{"title": "other"}`, 201)
		a.same(body, `{"id": 1}`)
		const one = `{"id": 1, "title": "one", "tags": ["größe", "x-1"], "priority": "low", "written": "1970-01-01T00:00:00.000Z"}`
		const two = `{"id": 2, "title": "two", "tags": [], "priority": "high", "due": "2030-01-02T03:04:05Z", "written": "1970-01-01T00:00:00.000Z"}`
		_, body = a.ask("GET", "/api/a", "", 200)
		a.same(body, "["+one+","+two+"]")
		_, body = a.ask("GET", "/api/a?limit=1", "", 200)
		a.same(body, "["+one+"]")
		_, body = a.ask("GET", "/api/a?tag=x-1", "", 200)
		a.same(body, "["+one+"]")
		a.ask("DELETE", "/api/a/1", "", 204)
		a.ask("DELETE", "/api/a/1", "", 404)
		_, body = a.ask("GET", "/api/a", "", 200)
		a.same(body, "["+two+"]")
	})

	if err := server.Stop(); err != nil {
		t.Error(err)
	}
	server = process.Serve(t, 1, binary, dir, "--socket-addr", "http=127.0.0.1:0", ".")
	a.url = server.URLs[0]
	_, body := a.ask("GET", "/api/b", "", 200)
	a.same(body, `[{"id": 1, "title": "other", "tags": [], "priority": "low", "written": "1970-01-01T00:00:00.000Z"}]`)
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
	if strings.Contains(server.Log(), "uncaught") {
		t.Errorf("an exception was logged:\n%s", server.Log())
	}
}
