// Package differential asks this server and npm's workerd the same questions and
// compares the answers.
//
// Words: an area is one script of testdata on a socket of its own; a probe is a small
// function of it with a name; an accepted difference is a probe whose answers are known
// to differ, with the reason. A probe that differs and is not accepted fails, and so
// does an accepted one that agrees.
//
// It needs a workerd, named by WORKERD_BIN: the program itself, or the launcher that npm
// installs. Without it nothing runs.
package differential

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"workerd.local/conformance/process"
)

func TestMain(m *testing.M) { process.Main(m) }

// areas are the sockets of config.capnp that serve probes.
var areas = []string{"memory", "disk", "durable", "web", "language", "crypto", "node-crypto", "state-memory", "state-disk", "state-sql", "state-old", "state-new", "websocket", "websocket-old", "rpc", "rpc-old", "stubs", "tails", "calls", "hibernation"}

// theirs is the path of npm's workerd.
func theirs(t *testing.T) string {
	t.Helper()
	named := os.Getenv("WORKERD_BIN")
	if named == "" {
		t.Skip("WORKERD_BIN does not name npm's workerd, to compare with")
	}
	path, err := program(named)
	if err != nil {
		t.Fatalf("WORKERD_BIN: %v", err)
	}
	return path
}

// program finds the program behind npm's launcher, which would outlive its end.
func program(path string) (string, error) {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	head := make([]byte, 2)
	if _, err := io.ReadFull(f, head); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	if string(head) != "#!" {
		return path, nil
	}
	arch := map[string]string{"amd64": "64", "arm64": "arm64"}[runtime.GOARCH]
	name := "workerd"
	if runtime.GOOS == "windows" {
		name = "workerd.exe"
	}
	// path is node_modules/workerd/bin/workerd.
	modules := filepath.Dir(filepath.Dir(filepath.Dir(path)))
	path = filepath.Join(modules, "@cloudflare", "workerd-"+runtime.GOOS+"-"+arch, "bin", name)
	_, err = os.Stat(path)
	return path, err
}

// site is where one of the two servers answers, by socket.
type site map[string]string

// patience bounds waits for what is certain to happen.
const patience = time.Minute

// project copies testdata to a directory of its own: each server keeps its state
// there.
func project(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func socketFlags(sockets []string) []string {
	var args []string
	for _, s := range sockets {
		args = append(args, "--socket-addr", s+"=127.0.0.1:0")
	}
	return args
}

// buildOurs makes the server that is compared.
var buildOurs = process.Build

func startOurs(t *testing.T, config string, sockets []string, flags ...string) site {
	t.Helper()
	args := append([]string{config, "--experimental", "--isolates", "1"}, append(socketFlags(sockets), flags...)...)
	s := process.Serve(t, len(sockets), buildOurs(t), project(t), args...)
	out := site{}
	for i, name := range sockets {
		out[name] = s.URLs[i]
	}
	return out
}

func startTheirs(t *testing.T, path, config string, sockets []string, flags ...string) site {
	t.Helper()
	args := append([]string{config, "--experimental", "--control-fd=1"}, append(socketFlags(sockets), flags...)...)
	s := process.Start(t, path, project(t), args...)
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if out := listening(s.Log()); len(out) == len(sockets) {
			return out
		}
	}
	t.Fatalf("npm's workerd does not listen:\n%s", s.Log())
	return nil
}

// listening reads what --control-fd tells.
func listening(log string) site {
	out := site{}
	for line := range strings.Lines(log) {
		var e struct {
			Event, Socket string
			Port          int
		}
		if json.Unmarshal([]byte(line), &e) == nil && e.Event == "listen" {
			out[e.Socket] = fmt.Sprintf("http://127.0.0.1:%d", e.Port)
		}
	}
	return out
}

// client makes a connection for each request: an idle one may be closed at any time.
var client = &http.Client{
	Timeout:       patience,
	Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// answer is all of a response that is compared.
type answer struct {
	status int
	header http.Header
	body   string
}

// headers are the lines that are compared: when a response left is nobody's choice.
func (a *answer) headers() string {
	var lines []string
	for name, values := range a.header {
		if name != "Date" {
			lines = append(lines, fmt.Sprintf("\t%s: %q\n", name, values))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// exchange is a request from outside.
type exchange struct{ method, path, body string }

var exchanges = []exchange{
	{"GET", "/", ""}, {"POST", "/", "body"}, {"PUT", "/a%20b/%zz?q=%20+", "x"}, {"DELETE", "/", ""}, {"PATCH", "/", "p"}, {"OPTIONS", "/", ""}, {"HEAD", "/", ""}, {"ODD", "/", ""}, {"GET", "/a/../b//c/.", ""}, {"GET", "/?a=\"b\"|", ""},
	{"GET", "/status?a=200&b=Odd", ""}, {"GET", "/status?a=404", ""}, {"GET", "/status?a=204", ""}, {"GET", "/status?a=304", ""}, {"GET", "/status?a=299", ""}, {"GET", "/status?a=599", ""}, {"HEAD", "/status?a=500", ""},
	{"GET", "/cookies", ""}, {"GET", "/json", ""}, {"HEAD", "/json", ""}, {"GET", "/bytes", ""}, {"GET", "/params", ""}, {"GET", "/blob", ""}, {"GET", "/empty", ""}, {"GET", "/null", ""}, {"GET", "/stream", ""}, {"HEAD", "/stream", ""},
	{"GET", "/length", ""}, {"GET", "/fixed", ""}, {"GET", "/wide header", ""}, {"GET", "/redirect", ""}, {"GET", "/own headers", ""},
	{"GET", "/throw", ""}, {"GET", "/throw text", ""}, {"GET", "/undefined", ""}, {"GET", "/hang", ""}, {"GET", "/late", ""}, {"GET", "/wait rejects", ""}, {"GET", "/unhandled", ""}, {"GET", "/pass", ""}, {"POST", "/body", "echo"}, {"POST", "/clone", "echo"}, {"POST", "/used", "echo"},
	{"GET", "/self", ""}, {"GET", "/101", ""}, {"GET", "/error response", ""}, {"GET", "/headers", ""}, {"POST", "/headers", "x"}, {"GET", "/signal", ""},
}

func (x exchange) send(t *testing.T, base string) *answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), x.method, base, strings.NewReader(x.body))
	if err != nil {
		t.Fatal(err)
	}
	path, query, _ := strings.Cut(x.path, "?")
	// The path goes out as it is written.
	req.URL.Opaque, req.URL.RawQuery = strings.ReplaceAll(path, " ", "%20"), query
	// Each listens on a port of its own; the scripts see one name.
	req.Host = "server"
	req.Header.Set("User-Agent", "differential")
	a, err := ask(req)
	if err != nil {
		return &answer{body: fmt.Sprintf("%T", errors.Unwrap(err))}
	}
	return a
}

func ask(req *http.Request) (*answer, error) {
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	return &answer{status: resp.StatusCode, header: resp.Header, body: string(b)}, nil
}

func get(t *testing.T, url string) *answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := ask(req)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestProbes runs every probe on both, and sends both the requests of exchanges.
func TestProbes(t *testing.T) {
	path := theirs(t)
	sockets := append(slices.Clone(areas), "http")
	b, a := startTheirs(t, path, "config.capnp", sockets), startOurs(t, "config.capnp", sockets)
	unused := unusedOf(accepted)
	for _, x := range exchanges {
		name := "http/" + strings.TrimSpace(x.method+" "+x.path+" "+x.body)
		delete(unused, name)
		t.Run(name, func(t *testing.T) {
			compare(t, accepted, name, func(s site) *answer { return x.send(t, s["http"]) }, a, b)
		})
	}
	probeBoth(t, areas, a, b, accepted, unused)
}

func unusedOf(accepted map[string]string) map[string]bool {
	unused := map[string]bool{}
	for name := range accepted {
		unused[name] = true
	}
	return unused
}

// probeBoth runs every probe of areas on the two sites. What is left in unused names no probe.
func probeBoth(t *testing.T, areas []string, a, b site, accepted map[string]string, unused map[string]bool) {
	t.Helper()
	total := 0
	for _, area := range areas {
		ours, theirs := names(t, a[area]), names(t, b[area])
		if !slices.Equal(ours, theirs) {
			t.Fatalf("%s: the probes are\n%s\nwith npm's workerd\n%s", area, ours, theirs)
		}
		for _, name := range ours {
			total++
			full := area + "/" + name
			delete(unused, full)
			t.Run(full, func(t *testing.T) {
				compare(t, accepted, full, func(s site) *answer { return get(t, s[area]+"/"+url.PathEscape(name)) }, a, b)
			})
		}
	}
	for name := range unused {
		t.Errorf("accepted names %q, which is no probe", name)
	}
	t.Logf("%d probes", total)
}

func names(t *testing.T, url string) []string {
	t.Helper()
	a := get(t, url+"/")
	var list []string
	if err := json.Unmarshal([]byte(a.body), &list); err != nil {
		t.Fatalf("%s: %v: %d %s", url, err, a.status, a.body)
	}
	return list
}

// compare asks both. Some probes sleep until something has happened, in one program or in the
// other: those that surprise are asked again.
func compare(t *testing.T, accepted map[string]string, name string, ask func(site) *answer, a, b site) {
	t.Helper()
	reason, known := accepted[name]
	var ours, theirs *answer
	differs := !known
	for n := range 3 {
		time.Sleep(time.Duration(n) * time.Second)
		ours, theirs = ask(a), ask(b)
		if differs = ours.status != theirs.status || ours.body != theirs.body || ours.headers() != theirs.headers(); differs == known {
			break
		}
		t.Logf("attempt %d\nours:   %d\n%s%s\ntheirs: %d\n%s%s", n+1, ours.status, ours.headers(), indent(ours.body), theirs.status, theirs.headers(), indent(theirs.body))
	}
	switch {
	case differs && !known:
		t.Errorf("%s\nours:   %d\n%s%s\ntheirs: %d\n%s%s", name, ours.status, ours.headers(), indent(ours.body), theirs.status, theirs.headers(), indent(theirs.body))
	case !differs && known:
		t.Errorf("agrees now, and is listed as different because %s", reason)
	}
}

func indent(s string) string { return "\t" + strings.ReplaceAll(s, "\n", "\n\t") }
