//go:build !windows

package supervise

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"workerd.local/conformance/process"
)

// patience bounds waits for what is certain to happen.
const patience = 60 * time.Second

func TestMain(m *testing.M) { process.Main(m) }

// start runs the project of testdata under supervision.
func start(t *testing.T, binary string, args ...string) *process.Server {
	t.Helper()
	project, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	args = append([]string{"--supervise", "--verbose", "--data", data, "--socket-addr", "http=127.0.0.1:0", "--isolates", "2",
		"--limit", "supervise.quarantine=1h", "--limit", "supervise.quarantine-most=1h", "--limit", "supervise.window=1h"}, args...)
	return process.Serve(t, 1, binary, data, append(args, project)...)
}

// eventually waits until the log has n matches, and returns the last one.
func eventually(t *testing.T, s *process.Server, n int, pattern string) []string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if found := re.FindAllStringSubmatch(s.Log(), -1); len(found) >= n {
			return found[n-1]
		}
	}
	t.Fatalf("the log has no %d matches of %s", n, pattern)
	return nil
}

// serving is the process id of the n-th child.
func serving(t *testing.T, s *process.Server, n int) int {
	t.Helper()
	pid, err := strconv.Atoi(eventually(t, s, n, `the server has been started pid=(\d+)`)[1])
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func kill(t *testing.T, pid int, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, sig); err != nil {
		t.Fatal(err)
	}
}

// client uses no connection twice: those that wait for reuse go with their process.
var client = &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}

func ask(method, url string) (status int, header http.Header, body string, err error) {
	req, err := http.NewRequest(method, url, nil)
	if err != nil {
		return 0, nil, "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, string(b), err
}

// load increments a counter over and over. killed counts the deaths that were brought
// about, dead those that are over.
type load struct {
	url string
	// rests is held while nobody asks, and read by who does.
	rests        sync.RWMutex
	killed, dead atomic.Int64
	acked, lost  atomic.Int64
	highest      atomic.Int64
}

func (l *load) run(stop <-chan struct{}) error {
	for {
		select {
		case <-stop:
			return nil
		default:
		}
		l.rests.RLock()
		before := l.dead.Load()
		calm := before == l.killed.Load()
		status, _, body, err := ask("POST", l.url)
		l.rests.RUnlock()
		if err != nil {
			l.lost.Add(1)
			if calm && before == l.killed.Load() {
				return fmt.Errorf("a request failed while no process died: %w", err)
			}
			continue
		}
		n, err := strconv.ParseInt(body, 10, 64)
		if err != nil || status != http.StatusOK {
			return fmt.Errorf("status %d: %s", status, body)
		}
		l.acked.Add(1)
		for old := l.highest.Load(); n > old && !l.highest.CompareAndSwap(old, n); old = l.highest.Load() {
		}
	}
}

func TestDeathsCostRequestsInFlightOnly(t *testing.T) {
	s := start(t, process.Build(t))
	l := &load{url: s.URLs[0] + "/counter/a"}
	var wg sync.WaitGroup
	stop, faults := make(chan struct{}), make(chan error, 4)
	for range cap(faults) {
		wg.Go(func() {
			if err := l.run(stop); err != nil {
				faults <- err
			}
		})
	}
	for death := 1; death <= 3; death++ {
		// Each child has answered before it dies.
		for n := l.acked.Load(); l.acked.Load() < n+5 && len(faults) == 0; {
			time.Sleep(time.Millisecond)
		}
		pid := serving(t, s, death)
		if death == 1 {
			// Who happens to run at each death is quarantined, too: the counter does not run
			// at this one.
			l.rests.Lock()
		}
		var spinning sync.WaitGroup
		spinning.Go(func() {
			if _, _, _, err := ask("GET", s.URLs[0]+"/killer/k/spin"); err == nil {
				t.Error("a request that the process died of was answered")
			}
		})
		eventually(t, s, death, "about to end it")
		l.killed.Add(1)
		kill(t, pid, syscall.SIGKILL)
		line := eventually(t, s, death, `the server died \(signal: killed\).*`)[0]
		l.dead.Add(1)
		if death == 1 {
			l.rests.Unlock()
		}
		spinning.Wait()
		if !strings.Contains(line, "was running worker app, actor Killer/") {
			t.Errorf("the log does not name the culprit: %s", line)
		}
	}
	eventually(t, s, 1, `quarantined: worker app, actor Killer/`)
	for n := l.acked.Load(); l.acked.Load() < n+5 && len(faults) == 0; {
		time.Sleep(time.Millisecond)
	}
	close(stop)
	wg.Wait()
	close(faults)
	for err := range faults {
		t.Error(err)
	}

	status, header, _, err := ask("GET", s.URLs[0]+"/killer/k/peace")
	if err != nil || status != http.StatusServiceUnavailable {
		t.Errorf("the culprit: status %d, %v", status, err)
	}
	if n, err := strconv.Atoi(header.Get("Retry-After")); err != nil || n < 1 || n > 3600 {
		t.Errorf("Retry-After: %q", header.Get("Retry-After"))
	}
	if status, _, body, err := ask("GET", s.URLs[0]+"/killer/other/peace"); err != nil || status != http.StatusOK || body != "peace" {
		t.Errorf("another actor of its class: %d %q, %v", status, body, err)
	}
	_, _, body, err := ask("GET", l.url)
	value, perr := strconv.ParseInt(body, 10, 64)
	if err := errors.Join(err, perr); err != nil {
		t.Fatal(err)
	}
	if acked, lost := l.acked.Load(), l.lost.Load(); value < acked || value > acked+lost || value < l.highest.Load() {
		t.Errorf("the counter is at %d after %d acknowledged increments and %d lost ones; the highest answer was %d", value, acked, lost, l.highest.Load())
	} else {
		t.Logf("%d increments, %d requests lost", acked, lost)
	}
	if n := strings.Count(s.Log(), "listening on "); n != 1 {
		t.Errorf("%d times it said where it listens", n)
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}

// bounded is the server in a process that has not enough memory for one step of a script, so that no limit stops that.
func bounded(t *testing.T) (binary string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux bounds the address space of a process")
	}
	binary = filepath.Join(t.TempDir(), "bounded")
	if err := os.WriteFile(binary, []byte("#!/bin/sh\nulimit -v 2500000\nexec '"+process.Build(t)+"' \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return binary
}

// A script that no limit stops: the memory for one step of it is not there.
func TestScriptThatTheProcessDoesNotSurvive(t *testing.T) {
	s := start(t, bounded(t), "--limit-memory", "-1")
	for death := 1; death <= 3; death++ {
		if _, _, _, err := ask("GET", s.URLs[0]+"/killer/k/grow"); err == nil {
			t.Fatal("the process survived: this is no test of supervision any more")
		}
		eventually(t, s, death, `the server died \(exit status 2\).*was running worker app, actor Killer/`)
	}
	if status, _, _, err := ask("GET", s.URLs[0]+"/killer/k/grow"); err != nil || status != http.StatusServiceUnavailable {
		t.Errorf("the culprit: status %d, %v", status, err)
	}
	if status, _, body, err := ask("POST", s.URLs[0]+"/counter/a"); err != nil || status != http.StatusOK || body != "1" {
		t.Errorf("the others: %d %q, %v", status, body, err)
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}

// The thread of a worker blames the worker, which is refused as a whole then.
func TestThreadThatTheProcessDoesNotSurvive(t *testing.T) {
	s := start(t, bounded(t), "--limit-memory", "-1")
	if status, _, body, err := ask("GET", s.URLs[0]+"/thread/peace"); err != nil || status != http.StatusOK || body != "peace" {
		t.Fatalf("a thread: %d %q, %v", status, body, err)
	}
	for death := 1; death <= 3; death++ {
		if _, _, _, err := ask("GET", s.URLs[0]+"/thread/grow"); err == nil {
			t.Fatal("the process survived: this is no test of supervision any more")
		}
		eventually(t, s, death, `the server died \(exit status 2\).*a thread was running worker app\b`)
	}
	if status, _, _, err := ask("POST", s.URLs[0]+"/counter/a"); err != nil || status != http.StatusServiceUnavailable {
		t.Errorf("the culprit: status %d, %v", status, err)
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}

func TestServerEndsWithItsSupervisor(t *testing.T) {
	s := start(t, process.Build(t))
	pid := serving(t, s, 1)
	s.Kill()
	for end := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		if err := syscall.Kill(pid, 0); errors.Is(err, syscall.ESRCH) || zombie(pid) {
			return
		}
		if time.Now().After(end) {
			kill(t, pid, syscall.SIGKILL)
			t.Fatal("the server runs on without its supervisor")
		}
	}
}

// zombie reports whether a process has ended and nobody has asked for its exit code.
func zombie(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(b), ") Z ")
}

func TestMistakesAtTheFirstStartAreNotTriedAgain(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "config.capnp", "using Workerd = import \"/workerd/workerd.capnp\";\nconst config :Workerd.Config = ( nonsense = 1 );\n")
	s := process.Start(t, process.Build(t), dir, "--supervise", "--verbose", "config.capnp")
	if err := s.Wait(1); err == nil || !strings.Contains(err.Error(), "exit status 1") {
		t.Errorf("it ended with %v", err)
	}
	if log := s.Log(); !strings.Contains(log, "nonsense") || strings.Count(log, "the server has been started") != 1 || strings.Contains(log, "the server died") {
		t.Errorf("the log is\n%s", log)
	}
}

// Sockets that a reload opens are the next process's too.
func TestSocketsOfAReloadOutliveTheProcess(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "main.js", `export default { fetch: () => new Response("fine") }`)
	config := func(sockets string) string {
		return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [ (name = "main", worker = (modules = [ (name = "main.js", esModule = embed "main.js") ], compatibilityDate = "2024-09-23")) ],
  sockets = [ ` + sockets + ` ]
);
`
	}
	one := `( name = "one", address = "127.0.0.1:0", http = (), service = "main" )`
	two := `( name = "two", address = "unix:two.sock", http = (), service = "main" )`
	write(t, dir, "config.capnp", config(one))
	s := process.Serve(t, 1, process.Build(t), dir, "--supervise", "--verbose", "--watch", "config.capnp")
	write(t, dir, "config.capnp", config(one+", "+two))
	eventually(t, s, 1, `(?m)^reloaded$`)
	local := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(dir, "two.sock"))
	}}}
	kill(t, serving(t, s, 1), syscall.SIGKILL)
	eventually(t, s, 1, `the server died`)
	for _, c := range []*http.Client{client, local} {
		url := s.URLs[0]
		if c == local {
			url = "http://two"
		}
		resp, err := c.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || string(b) != "fine" {
			t.Errorf("%q, %v", b, err)
		}
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "two.sock")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket's file is left: %v", err)
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
