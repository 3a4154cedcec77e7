// Package process builds and runs the workerd command for black-box tests.
//
// It promises that a process which a test started is gone when the test ends, and
// that what the process wrote is shown when the test fails.
//
// # Concurrency
//
// A Server may be used from any goroutine; Build and Serve belong to the test's.
package process

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds waits for what is certain to happen.
const patience = 60 * time.Second

// Main runs a package's tests and removes what Build made for them. It is what a
// TestMain is for.
func Main(m *testing.M) {
	code := m.Run()
	if dir, err := built(); err == nil && dir != "" {
		if err := os.RemoveAll(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

var (
	wanted bool // a test has asked for the command
	// built is the directory of the command, "" when nobody wanted it.
	built = sync.OnceValues(func() (dir string, err error) {
		if !wanted {
			return "", nil
		}
		if dir, err = os.MkdirTemp("", "workerd"); err != nil {
			return "", err
		}
		cmd := exec.Command("go", "build", "-o", filepath.Join(dir, program()), "workerd.local/cmd/workerd")
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", errors.Join(fmt.Errorf("build the command: %w\n%s", err, out), os.RemoveAll(dir))
		}
		return dir, nil
	})
)

func program() string {
	if runtime.GOOS == "windows" {
		return "workerd.exe"
	}
	return "workerd"
}

// Build compiles the command, once for all tests of a package, and returns its path.
// The package's TestMain must be Main.
func Build(t testing.TB) string {
	t.Helper()
	wanted = true
	dir, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, program())
}

// Port is the address of a port that is free, and stays so while nobody asks for this one:
// the system gives it to none of those who ask for any. It is for servers that come back.
func Port(t testing.TB) string {
	t.Helper()
	low := 32768 // of those that the system gives
	if b, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range"); err == nil {
		_, _ = fmt.Sscan(string(b), &low) // where it says something else, the other number is as good
	}
	const least = 10_000
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", least+rand.IntN(max(low-least, 1_000))))
		if err != nil {
			continue
		}
		address := l.Addr().String()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return address
	}
	t.Fatal("no port is free")
	return ""
}

// Server is a running workerd serve.
type Server struct {
	// URLs are where it listens, in the order of its sockets.
	URLs []string

	t      testing.TB
	cmd    *exec.Cmd
	out    output
	ended  chan struct{}
	killed sync.Once
}

// output is what a process has written so far.
type output struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// Start runs workerd serve in a directory, without waiting for it to listen.
func Start(t testing.TB, binary, dir string, args ...string) *Server {
	t.Helper()
	return StartWith(t, nil, binary, dir, args...)
}

// StartWith is Start for a process that gets files, from descriptor 3 on.
func StartWith(t testing.TB, files []*os.File, binary, dir string, args ...string) *Server {
	t.Helper()
	s := &Server{t: t, cmd: exec.Command(binary, append([]string{"serve"}, args...)...), ended: make(chan struct{})}
	s.cmd.ExtraFiles = files
	s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = dir, &s.out, &s.out
	// Compiled scripts of tests have no place in the user's own cache.
	s.cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+filepath.Join(filepath.Dir(binary), "cache"))
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(s.ended)
		_ = s.cmd.Wait() // Stop looks at the exit code
	}()
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			t.Logf("workerd %s:\n%s", strings.Join(args, " "), s.out.String())
		}
	})
	return s
}

// Serve runs workerd serve in a directory, and returns once it listens on n sockets.
func Serve(t testing.TB, n int, binary, dir string, args ...string) *Server {
	t.Helper()
	s := Start(t, binary, dir, args...)
	if err := s.Wait(n); err != nil {
		t.Fatal(err)
	}
	return s
}

var listening = regexp.MustCompile(`(?m)^listening on (\S+)\n`)

// Wait returns once the server listens on n sockets.
func (s *Server) Wait(n int) error {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		found := listening.FindAllStringSubmatch(s.out.String(), -1)
		if len(found) >= n {
			s.URLs = nil
			for _, m := range found {
				s.URLs = append(s.URLs, m[1])
			}
			return nil
		}
		select {
		case <-s.ended:
			return fmt.Errorf("workerd ended (%s):\n%s", s.cmd.ProcessState, s.out.String())
		default:
		}
	}
	return fmt.Errorf("workerd does not listen:\n%s", s.out.String())
}

// Log is what the process has written so far.
func (s *Server) Log() string { return s.out.String() }

// Kill ends the process without any notice, as kill -9 does, and waits for its end.
func (s *Server) Kill() {
	s.Signal()
	<-s.ended
}

// Signal is Kill without waiting for the end, which may need what the process waits for.
func (s *Server) Signal() {
	s.killed.Do(func() { _ = s.cmd.Process.Kill() }) // it may have ended
}

// Hangup asks the process to read its configuration again (SIGHUP).
func (s *Server) Hangup() error { return s.cmd.Process.Signal(syscall.SIGHUP) }

// Stop asks the process to end (SIGTERM) and reports an exit code that is not 0.
func (s *Server) Stop() error {
	if runtime.GOOS == "windows" {
		s.Kill() // there are no signals to ask with
		return nil
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-s.ended:
	case <-time.After(patience):
		return errors.New("workerd does not end")
	}
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("exit code %d:\n%s", code, s.out.String())
	}
	return nil
}
