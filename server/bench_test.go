package server_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"workerd.local/event"
	"workerd.local/server"
)

// mainOf is the service main of a project, whose server runs until the benchmark ends.
func mainOf(b *testing.B, p *project) event.Service {
	b.Helper()
	s, err := server.New(b.Context(), p.config(), p.options())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			b.Error(err)
		}
	})
	svc, err := s.Service("main", "")
	if err != nil {
		b.Fatal(err)
	}
	return svc
}

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
	svc := mainOf(b, p)
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

// The way of one handshake without HTTP: worker, stub, actor, acceptWebSocket, and back.
func BenchmarkUpgrade(b *testing.B) {
	p := newProject(b, map[string]string{
		"config.capnp": one(`bindings = [(name = "ROOMS", durableObjectNamespace = "Room")],
			durableObjectNamespaces = [(className = "Room", uniqueKey = "room")], durableObjectStorage = (inMemory = void)`),
		"main.js": `
			import { DurableObject } from "cloudflare:workers";
			export class Room extends DurableObject {
				fetch(request) {
					const [client, server] = Object.values(new WebSocketPair());
					if (request.url.includes("/plain/")) server.accept();
					else this.ctx.acceptWebSocket(server);
					return new Response(null, { status: 101, webSocket: client });
				}
			}
			export default { fetch(request, env) {
				if (request.headers.get("Upgrade") !== "websocket") return new Response("ready");
				const room = new URL(request.url).pathname.split("/")[2];
				return env.ROOMS.get(env.ROOMS.idFromName(room)).fetch(request);
			} };`,
	})
	svc := mainOf(b, p)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		h := http.Header{"Host": {"example.com"}, "Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"AAAAAAAAAAAAAAAAAAAAAA=="}}
		resp, err := svc.Fetch(context.Background(), &event.Request{Method: "GET", URL: fmt.Sprintf("http://example.com/room/%d", i%100), Header: h})
		if err != nil || resp.WebSocket == nil {
			b.Fatal(resp, err)
		}
	}
}
