package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// startLimit is how long a server may take to its first answer, stopLimit how long
// to end after SIGTERM.
const (
	startLimit = 30 * time.Second
	stopLimit  = 40 * time.Second
)

// subject is one of the two servers with one case: it can be started, killed and
// started again on the same storage.
type subject struct {
	name    string // "ours" or "theirs", for messages
	binary  string
	profile string // directory; "" for none
	c       *benchCase
	dir     string   // of the case's files
	flags   []string // beside those of the case
	cache   string   // where ours keeps what it compiled; "" for the user's
	storage string

	url   string
	log   string
	cmd   *exec.Cmd
	ended chan struct{} // closed when the process is gone
	exit  error         // how it ended, once it has
}

// client asks one server at a time on connections that stay open.
var client = &http.Client{
	Timeout:   60 * time.Second,
	Transport: &http.Transport{MaxIdleConnsPerHost: connections, DisableCompression: true},
}

// start starts the server and returns how long it took to answer its first request
// with 200.
func (s *subject) start(ctx context.Context) (time.Duration, error) {
	addr, err := freeAddress()
	if err != nil {
		return 0, err
	}
	s.url = "http://" + addr
	s.log = filepath.Join(s.dir, s.name+".log")
	logFile, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return 0, err
	}
	defer logFile.Close()
	args := []string{"serve", filepath.Join(s.dir, "config.capnp"), "--socket-addr=http=" + addr}
	if s.c.storage {
		args = append(args, "--directory-path=storage="+s.storage)
	}
	s.cmd = exec.Command(s.binary, append(args, s.flags...)...)
	if s.cache != "" {
		s.cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+s.cache)
	}
	s.cmd.Stdout, s.cmd.Stderr = logFile, logFile
	if s.profile != "" {
		s.cmd.Env = append(s.cmd.Environ(),
			"CPUPROFILE="+filepath.Join(s.profile, s.c.name+".cpu.pprof"),
			"MEMPROFILE="+filepath.Join(s.profile, s.c.name+".mem.pprof"))
	}
	begin := time.Now()
	if err := s.cmd.Start(); err != nil {
		return 0, err
	}
	cmd, ended := s.cmd, make(chan struct{})
	s.ended = ended
	go func() {
		s.exit = cmd.Wait()
		close(ended)
	}()
	if err := s.waitReady(ctx, addr); err != nil {
		return 0, errors.Join(s.failed(err), s.kill())
	}
	return time.Since(begin), nil
}

// waitReady asks until the server answers.
func (s *subject) waitReady(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	// A refused connection is cheap to find; only then is HTTP worth the try.
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		if err == nil {
			conn.Close()
			break
		}
		select {
		case <-s.ended:
			return fmt.Errorf("it ended before it listened: %w", exitError(s.exit))
		case <-ctx.Done():
			return fmt.Errorf("it does not listen on %s: %w", addr, err)
		case <-time.After(500 * time.Microsecond):
		}
	}
	_, err := get(ctx, s.url+s.c.warm)
	return err
}

// stop ends the server in good order.
func (s *subject) stop() error {
	client.CloseIdleConnections()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-s.ended:
		return nil
	case <-time.After(stopLimit):
		return errors.Join(s.failed(fmt.Errorf("it did not end within %s of SIGTERM", stopLimit)), s.kill())
	}
}

// kill ends the server as a crash would.
func (s *subject) kill() error {
	client.CloseIdleConnections()
	if err := s.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-s.ended
	return nil
}

// failed adds the end of the server's log to an error.
func (s *subject) failed(err error) error {
	b, readErr := os.ReadFile(s.log)
	if readErr != nil {
		return errors.Join(err, readErr)
	}
	if limit := 4 << 10; len(b) > limit {
		b = b[len(b)-limit:]
	}
	return fmt.Errorf("%s: %s: %w\n%s", s.c.name, s.binaryName(), err, strings.TrimSpace(string(b)))
}

func (s *subject) binaryName() string {
	if s.name == "ours" {
		return "this server"
	}
	return "workerd"
}

func exitError(err error) error {
	if err == nil {
		return errors.New("exit status 0")
	}
	return err
}

// freeAddress is a port of this machine that nobody uses now.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// get asks for a URL and returns the body of a 200.
func get(ctx context.Context, url string) (string, error) { return send(ctx, "GET", url, "") }

func send(ctx context.Context, method, url, body string) (string, error) {
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, url, r)
	if err != nil {
		return "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", method, url, err)
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s %s: %s: %s", method, url, resp.Status, strings.TrimSpace(string(b)))
	}
	return string(b), nil
}
