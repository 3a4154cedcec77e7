package worker_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"workerd.local/event"
	"workerd.local/internal/compat"
	"workerd.local/internal/jstest"
	"workerd.local/isolate"
	"workerd.local/script"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/blob"
	"workerd.local/webapi/durable"
	"workerd.local/webapi/encoding"
	"workerd.local/webapi/events"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/streams"
	"workerd.local/webapi/timers"
	"workerd.local/webapi/url"
	"workerd.local/worker"
)

var modules = []bind.Module{url.Module, encoding.Module, events.Module, timers.Module, blob.Module, streams.Module, fetch.Module, durable.Module}

// kit is a pool of one worker over n isolates.
type kit struct {
	t    testing.TB
	pool *worker.Pool
	isos []*isolate.Isolate
	log  *jstest.Log
}

type kitOptions struct {
	isolates int
	limits   isolate.Limits
	service  bool // service-worker syntax
	outbound event.Service
	date     string
	flags    []string
}

func newKit(t testing.TB, source string, o kitOptions) *kit {
	t.Helper()
	k := &kit{t: t, log: &jstest.Log{}}
	if o.isolates == 0 {
		o.isolates = 1
	}
	k.isos = startIsolates(t, o.isolates, o.limits, k.log)
	k.pool = newPool(t, "main", source, k.isos, o)
	if err := k.pool.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return k
}

func startIsolates(t testing.TB, n int, l isolate.Limits, log io.Writer) []*isolate.Isolate {
	var isos []*isolate.Isolate
	for range n {
		i := isolate.New(isolate.Options{Name: "test", Limits: l, Log: slog.New(slog.NewTextHandler(log, nil))})
		i.Start()
		t.Cleanup(func() { i.Close(); <-i.Done() })
		isos = append(isos, i)
	}
	return isos
}

func newPool(t testing.TB, name, source string, isos []*isolate.Isolate, o kitOptions) *worker.Pool {
	t.Helper()
	m := script.Module{Name: "main.js", Kind: script.ESModule, Content: []byte(source)}
	src := script.Source{Name: name, Modules: []script.Module{m}}
	if o.service {
		src = script.Source{Name: name, ServiceWorker: &m}
	}
	s, err := script.Compile(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	if o.date == "" {
		o.date = "2026-01-01"
	}
	flags, errs := compat.Parse(o.date, o.flags, compat.Options{})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return worker.NewPool(isos, worker.Options{Name: name, Script: s, Compat: flags, Modules: modules, Outbound: o.outbound})
}

func (k *kit) get(path string) (int, string) {
	k.t.Helper()
	return k.send("GET", path, "")
}

func (k *kit) send(method, path, body string) (int, string) {
	k.t.Helper()
	resp, err := k.fetch(method, path, body)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body.Reader())
	if err != nil {
		return resp.Status, "body: " + err.Error()
	}
	return resp.Status, string(b)
}

func (k *kit) fetch(method, path, body string) (*event.Response, error) {
	ctx, cancel := context.WithTimeout(k.t.Context(), time.Minute)
	k.t.Cleanup(cancel)
	req := &event.Request{Method: method, URL: "http://test" + path, Header: http.Header{}}
	if body != "" {
		req.Body = event.StreamBody(io.NopCloser(strings.NewReader(body)), int64(len(body)))
	}
	return k.pool.Service("").Fetch(ctx, req)
}

func (k *kit) want(path, want string) {
	k.t.Helper()
	if code, got := k.get(path); code != 200 || got != want {
		k.t.Errorf("GET %s: %d %q, want 200 %q\n%s", path, code, got, want, k.log)
	}
}

// wantError expects the service to fail with an error that begins with text.
func (k *kit) wantError(path, text string) {
	k.t.Helper()
	if code, got := k.get(path); code != 0 || !strings.HasPrefix(got, text) {
		k.t.Errorf("GET %s: %d %q, want the error %q", path, code, got, text)
	}
}
