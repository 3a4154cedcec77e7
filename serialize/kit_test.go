package serialize

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"workerd.local/event"
	"workerd.local/internal/jstest"
	"workerd.local/isolate"
)

// bench is what a test runs workers with.
type bench struct {
	t        testing.TB
	out, err jstest.Log
	o        Options
}

func newBench(t testing.TB, code string) *bench {
	t.Helper()
	b := &bench{t: t}
	b.o = Options{Program: compiled(t, code), Stdout: &b.out, Stderr: &b.err}
	return b
}

func compiled(t testing.TB, code string) *Program {
	t.Helper()
	p, err := Inline(context.Background(), code, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func module(t testing.TB, code string) *Program {
	t.Helper()
	p, err := Inline(context.Background(), code, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// ctx ends a test that hangs.
func (b *bench) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	b.t.Cleanup(cancel)
	return ctx
}

// want compares the lines of the standard output, and the exit code.
func (b *bench) want(e Exit, code int, lines ...string) {
	b.t.Helper()
	got := strings.Split(strings.TrimRight(b.out.String(), "\n"), "\n")
	if len(lines) == 0 {
		lines = []string{""}
	}
	if fmt.Sprint(got) != fmt.Sprint(lines) || e.Code != code {
		b.t.Fatalf("exit %d, printed %q; want %d, %q; stderr: %s", e.Code, got, code, lines, b.err.String())
	}
}

func (b *bench) wantErr(parts ...string) {
	b.t.Helper()
	for _, p := range parts {
		if !strings.Contains(b.err.String(), p) {
			b.t.Fatalf("stderr has no %q: %s", p, b.err.String())
		}
	}
}

// service answers requests from a function.
type service func(ctx context.Context, req *event.Request) (*event.Response, error)

func (s service) Fetch(ctx context.Context, req *event.Request) (*event.Response, error) {
	defer req.Body.Close()
	return s(ctx, req)
}

func (s service) Deliver(context.Context, event.Event) (event.Outcome, error) {
	return event.Outcome{}, event.ErrUnsupported
}

func answerText(s string) (*event.Response, error) {
	return &event.Response{Status: 200, Header: http.Header{"X-Kind": {"test"}}, Body: event.BytesBody([]byte(s))}, nil
}

// steady is a host whose time passes only while a worker sleeps, and whose random numbers
// are the same in every run.
type steady struct {
	isolate.Host
	mu  sync.Mutex // guards now
	now time.Time
}

func newSteady() *steady {
	return &steady{Host: isolate.PredictableHost(isolate.SystemHost()), now: time.UnixMilli(1_700_000_000_000)}
}

func (s *steady) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// pass lets time pass.
func (s *steady) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

func (s *steady) Sleep(at time.Time, wake, arrived, done <-chan struct{}) {
	select {
	case <-wake:
	case <-arrived:
	case <-done:
	case <-time.After(5 * time.Millisecond): // what is under way answers first
		s.mu.Lock()
		if at.After(s.now) {
			s.now = at
		}
		s.mu.Unlock()
	}
}
