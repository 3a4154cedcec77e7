package server_test

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"runtime"
	"strconv"
	"testing"

	"workerd.local/server"
)

// proxied is a worker that passes on what an upstream answers, in three ways.
const proxied = `
	export default { async fetch(request, env) {
		const up = await env.UP.fetch(request);
		switch (new URL(request.url).pathname) {
		case "/identity": return new Response(up.body.pipeThrough(new IdentityTransformStream()));
		case "/script": return new Response(up.body.pipeThrough(new TransformStream()));
		}
		return new Response(up.body);
	} };`

// startProxy runs the worker in front of upstream.
func startProxy(tb testing.TB, upstream http.Handler) (worker, plain string) {
	tb.Helper()
	up := httptest.NewServer(upstream)
	tb.Cleanup(up.Close)
	target, err := url.Parse(up.URL)
	if err != nil {
		tb.Fatal(err)
	}
	goProxy := httptest.NewServer(httputil.NewSingleHostReverseProxy(target))
	tb.Cleanup(goProxy.Close)
	p := newProject(tb, map[string]string{
		"config.capnp": fmt.Sprintf(`using Workerd = import "/workerd/workerd.capnp";
			const config :Workerd.Config = (
				services = [
					(name = "main", worker = (modules = [(name = "main.js", esModule = embed "main.js")], compatibilityDate = "2026-01-01",
						bindings = [(name = "UP", service = "up")])),
					(name = "up", external = %q),
				],
				sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
			);`, target.Host),
		"main.js": proxied,
	})
	s, err := server.New(tb.Context(), p.config(), p.options())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.Close(context.Background()) })
	list, err := s.Start()
	if err != nil {
		tb.Fatal(err)
	}
	return list[0].URL, goProxy.URL
}

// large writes a body of size bytes; half is called in the middle.
func large(size int, half func()) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		part := make([]byte, 64<<10)
		w.Header().Set("Content-Length", strconv.Itoa(size))
		for n := 0; n < size; n += len(part) {
			if n == size/2 && half != nil {
				half()
			}
			if _, err := w.Write(part); err != nil {
				return
			}
		}
	})
}

func get(tb testing.TB, url string, size int) {
	tb.Helper()
	resp, err := http.Get(url)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	if n, err := io.Copy(io.Discard, resp.Body); err != nil || n != int64(size) {
		tb.Fatalf("%d bytes of %d, %v", n, size, err)
	}
}

const bodySize = 100 << 20

// BenchmarkProxy passes on a body of 100 MiB, beside Go's own reverse proxy.
func BenchmarkProxy(b *testing.B) {
	worker, plain := startProxy(b, large(bodySize, nil))
	for _, c := range []struct{ name, url string }{
		{"go", plain}, {"body", worker}, {"identity", worker + "/identity"}, {"script", worker + "/script"},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(bodySize)
			for b.Loop() {
				get(b, c.url, bodySize)
			}
		})
	}
}

// A body that passes through is not held: in the middle of a large one there is no
// more live memory than Go's own reverse proxy has, but for 2 MiB.
func TestProxiedBodyTakesLittleMemory(t *testing.T) {
	var live uint64
	worker, plain := startProxy(t, large(bodySize, func() {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		live = m.HeapAlloc
	}))
	// What else the process has at that moment counts, too, so the least of a few is
	// what is needed.
	measure := func(url string) uint64 {
		least := uint64(math.MaxUint64)
		for range 4 {
			get(t, url, bodySize)
			least = min(least, live)
		}
		return least
	}
	base := measure(plain)
	for _, path := range []string{"/", "/identity"} {
		got := measure(worker + path)
		for try := 0; got > base+2<<20 && try < 5; try++ {
			got = min(got, measure(worker+path))
		}
		if got > base+2<<20 {
			t.Errorf("%s: %d bytes are live, with Go's proxy %d", path, got, base)
		}
	}
}
