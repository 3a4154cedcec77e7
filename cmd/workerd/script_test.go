package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"workerd.local/internal/jstest"
)

// patience bounds waits for something that is certain to happen; a test that runs
// into it fails.
const patience = 60 * time.Second

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"workerd": main})
}

// TestScripts runs the stories of testdata/script. Besides testscript's own commands
// they have:
//
//	serve [-sockets n] args...   start workerd serve; sets $URL, $URL2, ... once it listens
//	get [-X method] [-H 'name: value'] [-d body] [-code n] path-or-url
//	                             the body is stdout, status and headers are stderr
//	hold name path               begin a POST whose body goes on until release
//	release name                 end it; the answer's body is stdout
//	log regexp                   wait until the server's log goes on with a match
//	! log regexp                 what was logged and not yet matched has no match
//	signal TERM|INT|HUP|KILL     signal the server
//	refused                      wait until the server accepts no connections
//	ended code                   wait for the server's end; its output is stdout and stderr
//	halt                         signal TERM, ended 0
//	exits code command args...   run a command that must end with this code
//	occupy NAME                  hold a port; $NAME is its address
//	damage file                  overwrite the middle of a file
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			home := filepath.Join(env.WorkDir, "home")
			examples, err := filepath.Abs("../../examples")
			if err != nil {
				return err
			}
			env.Setenv("EXAMPLES", examples)
			// Compiled scripts are kept below the home directory.
			env.Setenv("HOME", home)
			env.Setenv("USERPROFILE", home)
			env.Setenv("LocalAppData", filepath.Join(home, "cache"))
			env.Values[sessionKey{}] = &session{}
			return os.MkdirAll(home, 0o755)
		},
		Condition: func(cond string) (bool, error) {
			if cond == "root" {
				return runtime.GOOS != "windows" && os.Geteuid() == 0, nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"serve":   serveCmd,
			"get":     getCmd,
			"hold":    holdCmd,
			"release": releaseCmd,
			"log":     logCmd,
			"signal":  signalCmd,
			"refused": refusedCmd,
			"ended":   endedCmd,
			"halt":    haltCmd,
			"exits":   exitsCmd,
			"occupy":  occupyCmd,
			"damage":  damageCmd,
		},
	})
}

// sessionKey is where a script keeps its session.
type sessionKey struct{}

// session is what one script has under way.
type session struct {
	cmd    *exec.Cmd
	stdout *jstest.Log
	stderr *jstest.Log
	ended  chan struct{}
	seen   int // how much of the log has been matched
	held   map[string]*held
}

func current(ts *testscript.TestScript) *session {
	s := ts.Value(sessionKey{}).(*session)
	if s.cmd == nil {
		ts.Fatalf("no server was started")
	}
	return s
}

// await polls until ok answers true.
func await(ts *testscript.TestScript, what string, ok func() bool) {
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			ts.Fatalf("waited in vain for %s", what)
		}
	}
}

func refuse(ts *testscript.TestScript, neg bool) {
	if neg {
		ts.Fatalf("this command cannot be negated")
	}
}

func process(ts *testscript.TestScript, name string, args ...string) *exec.Cmd {
	path, err := exec.LookPath(name)
	ts.Check(err)
	cmd := exec.Command(path, args...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"PATH", "HOME", "USERPROFILE", "LocalAppData", "TMPDIR", "TMP", "SYSTEMROOT", "SystemRoot", "GREETING"} {
		if v := ts.Getenv(name); v != "" {
			cmd.Env = append(cmd.Env, name+"="+v)
		}
	}
	return cmd
}

func serveCmd(ts *testscript.TestScript, neg bool, args []string) {
	refuse(ts, neg)
	sockets := 1
	if len(args) > 1 && args[0] == "-sockets" {
		n, err := strconv.Atoi(args[1])
		ts.Check(err)
		sockets, args = n, args[2:]
	}
	s := ts.Value(sessionKey{}).(*session)
	*s = session{cmd: process(ts, "workerd", append([]string{"serve"}, args...)...), stdout: &jstest.Log{}, stderr: &jstest.Log{}, ended: make(chan struct{}), held: map[string]*held{}}
	s.cmd.Stdout, s.cmd.Stderr = s.stdout, s.stderr
	ts.Check(s.cmd.Start())
	cmd, ended := s.cmd, s.ended
	go func() {
		defer close(ended)
		_ = cmd.Wait() // the exit code is looked at by ended
	}()
	log := s.stderr
	ts.Defer(func() {
		_ = cmd.Process.Kill() // it may have ended
		<-ended
		ts.Logf("[server log]\n%s", log)
	})
	listening := regexp.MustCompile(`(?m)^listening on (\S+)$`)
	var urls [][]string
	await(ts, "the server to listen", func() bool {
		select {
		case <-s.ended:
			ts.Fatalf("the server ended: %s\n%s%s", s.cmd.ProcessState, s.stdout, s.stderr)
		default:
		}
		urls = listening.FindAllStringSubmatch(s.stdout.String(), -1)
		return len(urls) >= sockets
	})
	for i, m := range urls {
		name := "URL"
		if i > 0 {
			name += strconv.Itoa(i + 1)
		}
		ts.Setenv(name, m[1])
	}
}

// client makes a connection for each request, so that no idle one keeps a server.
func client(addr string) *http.Client {
	tr := &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		tr.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}
	}
	return &http.Client{Transport: tr, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// at is the URL of a path at the server.
func at(ts *testscript.TestScript, path string) string {
	if !strings.HasPrefix(path, "/") {
		return path
	}
	base := ts.Getenv("URL")
	if strings.HasPrefix(base, "unix:") {
		base = "http://socket"
	}
	return base + path
}

func getCmd(ts *testscript.TestScript, neg bool, args []string) {
	refuse(ts, neg)
	method, code := "GET", 200
	var body io.Reader
	header := http.Header{}
	for len(args) > 1 {
		switch args[0] {
		case "-X":
			method = args[1]
		case "-d":
			body = strings.NewReader(args[1])
		case "-H":
			name, value, _ := strings.Cut(args[1], ":")
			header.Add(name, strings.TrimSpace(value))
		case "-code":
			n, err := strconv.Atoi(args[1])
			ts.Check(err)
			code = n
		default:
			ts.Fatalf("get: unknown flag %s", args[0])
		}
		args = args[2:]
	}
	req, err := http.NewRequest(method, at(ts, args[0]), body)
	ts.Check(err)
	for name, values := range header {
		req.Header[name] = values
	}
	if host := header.Get("Host"); host != "" {
		req.Host = host
	}
	answer(ts, code, func() (*http.Response, error) { return client(ts.Getenv("URL")).Do(req) })
}

func answer(ts *testscript.TestScript, code int, do func() (*http.Response, error)) {
	resp, err := do()
	ts.Check(err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%s", b)
	fmt.Fprintf(ts.Stderr(), "%d\n", resp.StatusCode)
	ts.Check(resp.Header.Write(crlf{ts.Stderr()}))
	if resp.StatusCode != code {
		ts.Fatalf("%s %s: status %d, want %d\n%s", resp.Request.Method, resp.Request.URL, resp.StatusCode, code, b)
	}
}

// held is a request whose body has begun and not ended.
type held struct {
	body *io.PipeWriter
	resp *http.Response
	err  error
	done chan struct{}
}

func holdCmd(ts *testscript.TestScript, neg bool, args []string) {
	refuse(ts, neg)
	s := current(ts)
	r, w := io.Pipe()
	req, err := http.NewRequest("POST", at(ts, args[1]), r)
	ts.Check(err)
	h := &held{body: w, done: make(chan struct{})}
	s.held[args[0]] = h
	c := client(ts.Getenv("URL"))
	go func() { h.resp, h.err = c.Do(req); close(h.done) }()
	_, err = io.WriteString(w, "begin ")
	ts.Check(err)
}

func releaseCmd(ts *testscript.TestScript, neg bool, args []string) {
	refuse(ts, neg)
	h := current(ts).held[args[0]]
	_, err := io.WriteString(h.body, "end")
	ts.Check(err)
	ts.Check(h.body.Close())
	<-h.done
	answer(ts, 200, func() (*http.Response, error) { return h.resp, h.err })
}

func logCmd(ts *testscript.TestScript, neg bool, args []string) {
	s := current(ts)
	re, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	if neg {
		if m := re.FindString(s.stderr.String()[s.seen:]); m != "" {
			ts.Fatalf("the log has %q", m)
		}
		return
	}
	await(ts, "the log to have "+args[0], func() bool {
		text := s.stderr.String()
		if m := re.FindStringIndex(text[s.seen:]); m != nil {
			s.seen += m[1]
			return true
		}
		select {
		case <-s.ended:
			ts.Fatalf("the server ended; its log has no %s", args[0])
		default:
		}
		return false
	})
}

func signalCmd(ts *testscript.TestScript, neg bool, args []string) {
	refuse(ts, neg)
	sig := map[string]os.Signal{"TERM": syscall.SIGTERM, "INT": os.Interrupt, "KILL": os.Kill, "HUP": syscall.SIGHUP}[args[0]]
	ts.Check(current(ts).cmd.Process.Signal(sig))
}

func refusedCmd(ts *testscript.TestScript, neg bool, _ []string) {
	refuse(ts, neg)
	addr := strings.TrimPrefix(ts.Getenv("URL"), "http://")
	await(ts, "the server to refuse connections", func() bool {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			err = errors.Join(err, c.Close())
		}
		return err != nil
	})
}

func endedCmd(ts *testscript.TestScript, neg bool, args []string) {
	refuse(ts, neg)
	s := current(ts)
	select {
	case <-s.ended:
	case <-time.After(patience):
		ts.Fatalf("the server does not end")
	}
	fmt.Fprint(ts.Stdout(), s.stdout)
	fmt.Fprint(ts.Stderr(), s.stderr)
	if got := strconv.Itoa(s.cmd.ProcessState.ExitCode()); got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}

func haltCmd(ts *testscript.TestScript, neg bool, _ []string) {
	signalCmd(ts, neg, []string{"TERM"})
	endedCmd(ts, neg, []string{"0"})
}

func exitsCmd(ts *testscript.TestScript, neg bool, args []string) {
	refuse(ts, neg)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := process(ts, args[1], args[2:]...)
	cmd.Stdout, cmd.Stderr = ts.Stdout(), ts.Stderr()
	ts.Check(cmd.Start())
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	err := cmd.Wait()
	if !stop() {
		ts.Fatalf("it does not end")
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		ts.Fatalf("%v", err)
	}
	if got := strconv.Itoa(cmd.ProcessState.ExitCode()); got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}

func occupyCmd(ts *testscript.TestScript, neg bool, args []string) {
	refuse(ts, neg)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { ts.Check(l.Close()) })
	ts.Setenv(args[0], l.Addr().String())
}

func damageCmd(ts *testscript.TestScript, neg bool, args []string) {
	refuse(ts, neg)
	name := ts.MkAbs(args[0])
	b, err := os.ReadFile(name)
	ts.Check(err)
	for i := range b {
		b[i] ^= 0x5a
	}
	ts.Check(os.WriteFile(name, b, 0o600))
}

// crlf writes lines as scripts expect them.
type crlf struct{ w io.Writer }

func (c crlf) Write(p []byte) (int, error) {
	if _, err := c.w.Write(bytes.ReplaceAll(p, []byte("\r"), nil)); err != nil {
		return 0, err
	}
	return len(p), nil
}
