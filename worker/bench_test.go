package worker_test

import (
	"context"
	"net/http"
	"testing"

	"workerd.local/event"
)

func benchmarkFetch(b *testing.B, source string) {
	k := newKit(b, source, kitOptions{})
	svc := k.pool.Service("")
	h := http.Header{"Host": {"example.com"}, "User-Agent": {"bench"}, "Accept": {"*/*"}}
	b.ReportAllocs()
	for b.Loop() {
		resp, err := svc.Fetch(context.Background(), &event.Request{Method: "GET", URL: "http://example.com/path?x=1", Header: h})
		if err != nil {
			b.Fatal(err)
		}
		resp.Body.Close()
	}
}

// One request through the worker layer, without HTTP.
func BenchmarkFetchHello(b *testing.B) {
	benchmarkFetch(b, `export default { async fetch() { return new Response("hello world"); } };`)
}

func BenchmarkFetchRouted(b *testing.B) {
	benchmarkFetch(b, `export default { async fetch(request) {
		const url = new URL(request.url);
		if (url.pathname === "/path") return new Response("x=" + url.searchParams.get("x"), { headers: { "content-type": "text/plain" } });
		return new Response("none", { status: 404 });
	} };`)
}
