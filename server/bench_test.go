package server_test

import (
	"context"
	"net/http"
	"testing"

	"workerd.local/event"
	"workerd.local/server"
)

// The way of one request without HTTP: worker, stub, actor, storage.
func BenchmarkRequest(b *testing.B) {
	p := newProject(b, map[string]string{
		"config.capnp": one(`bindings = [(name = "C", durableObjectNamespace = "Counter")],
			durableObjectNamespaces = [(className = "Counter", uniqueKey = "counter")], durableObjectStorage = (inMemory = void)`),
		"main.js": `
			export class Counter {
				constructor(state) { this.state = state; }
				async fetch(request) {
					switch (new URL(request.url).pathname) {
					case "/call": return new Response("called");
					case "/get": return new Response(String(await this.state.storage.get("n")));
					}
					const n = (await this.state.storage.get("n") ?? 0) + 1;
					await this.state.storage.put("n", n);
					return new Response(String(n));
				}
			}
			export default { async fetch(request, env) {
				if (new URL(request.url).pathname === "/") return new Response("hello");
				return env.C.get(env.C.idFromName("one")).fetch(request);
			} };`,
	})
	s, err := server.New(b.Context(), p.config(), p.options())
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close(context.Background())
	svc, err := s.Service("main", "")
	if err != nil {
		b.Fatal(err)
	}
	for _, path := range []string{"/", "/call", "/get", "/increment"} {
		b.Run(path[1:]+"_", func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				h := http.Header{"Host": {"example.com"}, "Accept": {"*/*"}}
				for pb.Next() {
					resp, err := svc.Fetch(context.Background(), &event.Request{Method: "GET", URL: "http://example.com" + path, Header: h})
					if err != nil {
						b.Fatal(err)
					}
					resp.Body.Close()
				}
			})
		})
	}
}
