// Package samples runs the samples of a workerd checkout, unmodified. Name the
// checkout in WORKERD_CHECKOUT; without it nothing runs.
package samples

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"workerd.local/conformance/process"
)

func TestMain(m *testing.M) { process.Main(m) }

// sample is the directory of one.
func sample(t *testing.T, name string) string {
	t.Helper()
	checkout := os.Getenv("WORKERD_CHECKOUT")
	if checkout == "" {
		t.Skip("WORKERD_CHECKOUT does not name a checkout of workerd")
	}
	dir := filepath.Join(checkout, "samples", name)
	if _, err := os.Stat(filepath.Join(dir, "config.capnp")); err != nil {
		t.Fatalf("WORKERD_CHECKOUT: %v", err)
	}
	return dir
}

// exchange is a request and the answer that is expected.
type exchange struct {
	method, path string // GET when empty
	status       int
	contentType  string
	body         string // regexp
}

func TestServe(t *testing.T) {
	for _, s := range []struct {
		name string
		args []string
		ask  []exchange
	}{
		{name: "helloworld", ask: []exchange{
			{path: "/", status: 200, contentType: "text/plain;charset=UTF-8", body: `^Hello World\n$`},
			{path: "/any?path", method: "PUT", status: 200, body: `^Hello World\n$`},
		}},
		{name: "helloworld_esm", ask: []exchange{
			{path: "/", status: 200, contentType: "text/plain;charset=UTF-8", body: `^Hello World\n$`},
		}},
		// Its compatibility flag is experimental, and its README passes --experimental.
		{name: "helloworld-ts", args: []string{"--experimental"}, ask: []exchange{
			{path: "/", status: 200, body: `Hello`},
		}},
		{name: "static-files-from-disk", ask: []exchange{
			{path: "/", status: 200, contentType: "text/html;charset=utf-8", body: `<h1>Hello world!</h1>`},
			{path: "/", method: "HEAD", status: 200, contentType: "text/html;charset=utf-8", body: `^$`},
			{path: "/index.html", status: 302, body: `^$`},
			{path: "/index", status: 200, body: `<h1>Hello world!</h1>`},
			{path: "/missing", status: 404, body: `^404 Not found$`},
			{path: "/", method: "POST", status: 501, body: `^Not Implemented$`},
		}},
		// Rooms talk over WebSockets; the page and the API do not.
		{name: "durable-objects-chat", ask: []exchange{
			{path: "/", status: 200, contentType: "text/html;charset=UTF-8", body: `(?s)<!DOCTYPE html>.*</html>`},
			{path: "/api/room", method: "POST", status: 200, body: `^[0-9a-f]{64}$`},
			{path: "/api/room", status: 405, body: `^Method not allowed$`},
			{path: "/api/room/a-name-of-more-than-thirty-two-characters/websocket", status: 404, body: `^Name too long$`},
			{path: "/api/room/kitchen/websocket", status: 400, body: `^expected websocket$`},
			{path: "/api/room/kitchen/nothing", status: 404, body: `^Not found$`},
			{path: "/nothing", status: 404, body: `^Not found$`},
		}},
	} {
		t.Run(s.name, func(t *testing.T) {
			dir := sample(t, s.name)
			args := append([]string{"config.capnp", "--socket-addr", "http=127.0.0.1:0"}, s.args...)
			server := process.Serve(t, 1, process.Build(t), dir, args...)
			for _, x := range s.ask {
				x.check(t, server.URLs[0])
			}
			if err := server.Stop(); err != nil {
				t.Error(err)
			}
			if strings.Contains(server.Log(), "uncaught exception") {
				t.Errorf("an exception was logged:\n%s", server.Log())
			}
		})
	}
}

func (x exchange) check(t *testing.T, url string) {
	t.Helper()
	if x.method == "" {
		x.method = "GET"
	}
	req, err := http.NewRequest(x.method, url+x.path, nil)
	if err != nil {
		t.Fatal(err)
	}
	// A redirect is an answer like any other.
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Errorf("%s %s: %v", x.method, x.path, err)
		return
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Errorf("%s %s: %v", x.method, x.path, err)
	}
	if resp.StatusCode != x.status {
		t.Errorf("%s %s: status %d, want %d", x.method, x.path, resp.StatusCode, x.status)
	}
	if got := resp.Header.Get("Content-Type"); x.contentType != "" && got != x.contentType {
		t.Errorf("%s %s: Content-Type %q, want %q", x.method, x.path, got, x.contentType)
	}
	if !regexp.MustCompile(x.body).Match(b) {
		t.Errorf("%s %s: body %.300q, want a match of %s", x.method, x.path, b, x.body)
	}
}

func TestUnitTests(t *testing.T) {
	dir := sample(t, "unit-tests")
	binary := process.Build(t)
	out, code := run(t, dir, binary, "test", "config.capnp")
	if code != 0 || !strings.Contains(out, "[ PASS ] main:testMath (") || !strings.Contains(out, "[ PASS ] main:testStrings (") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	out, code = run(t, dir, binary, "test", "config.capnp", "main:testMath")
	if code != 0 || strings.Contains(out, "testStrings") {
		t.Errorf("with a filter, exit code %d:\n%s", code, out)
	}
}

// TestUnsupportedSamplesAreRefused starts samples that need what is not there: each is
// refused at once, with the place and the name of the product.
func TestUnsupportedSamplesAreRefused(t *testing.T) {
	for name, want := range map[string]string{
		"memory-cache": `config\.capnp:\d+:\d+: .*a memory cache`,
		"tail-workers": `config\.capnp:\d+:\d+: .*tails`,
	} {
		t.Run(name, func(t *testing.T) {
			out, code := run(t, sample(t, name), process.Build(t), "serve", "--experimental", "config.capnp", "--socket-addr", "http=127.0.0.1:0")
			if code != 1 || !regexp.MustCompile(want).MatchString(out) {
				t.Errorf("exit code %d, want 1 and a match of %s:\n%s", code, want, out)
			}
		})
	}
}

func run(t *testing.T, dir, binary string, args ...string) (out string, code int) {
	t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Dir = dir
	var b bytes.Buffer
	cmd.Stdout, cmd.Stderr = &b, &b
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return b.String(), cmd.ProcessState.ExitCode()
}
