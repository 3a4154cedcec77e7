package server_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"workerd.local/event"
	"workerd.local/websocket"
)

// client is a WebSocket of the network whose other side is the server under test.
type client struct {
	t    *testing.T
	conn *websocket.Conn
	head http.Header
	told chan string
}

func (c *client) Message(m event.Message, done func()) {
	text := string(m.Data)
	if !m.Text {
		text = fmt.Sprint(m.Data)
	}
	c.told <- text
	done()
}
func (c *client) Closed(code int, reason string) {
	c.told <- fmt.Sprintf("close %d %s", code, reason)
	_ = c.conn.Close(code, reason)
}
func (c *client) Failed(err error) {
	if errors.Is(err, event.ErrDisconnected) {
		err = event.ErrDisconnected
	}
	c.told <- "failed: " + err.Error()
}

// socket opens a WebSocket; status is that of another answer.
func (r *running) socket(t *testing.T, set *websocket.Set, path string, headers ...string) (c *client, status int) {
	t.Helper()
	nc, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	conn, resp, err := set.Dial(t.Context(), nc, req, 1<<16)
	if err != nil {
		t.Fatal(err)
	}
	if conn == nil {
		resp.Body.Close()
		return nil, resp.StatusCode
	}
	c = &client{t: t, conn: conn, head: resp.Header, told: make(chan string, 100)}
	conn.Start(c, 0)
	return c, 101
}

func newSet(t *testing.T) *websocket.Set {
	set := websocket.NewSet(nil)
	t.Cleanup(set.Close)
	return set
}

func (c *client) send(texts ...string) {
	c.t.Helper()
	for _, s := range texts {
		if err := c.conn.Send(event.Message{Text: true, Data: []byte(s)}, nil); err != nil {
			c.t.Error(err)
		}
	}
}

func (c *client) want(want ...string) {
	c.t.Helper()
	for _, w := range want {
		select {
		case got := <-c.told:
			if got != w {
				c.t.Errorf("got %.100q, want %.100q", got, w)
			}
		case <-time.After(30 * time.Second):
			c.t.Fatalf("nothing came, want %q", w)
		}
	}
}

const socketWorker = `
	import { DurableObject } from "cloudflare:workers";
	const pair = () => Object.values(new WebSocketPair());
	const give = (webSocket, headers) => new Response(null, { status: 101, webSocket, headers });
	export class Room extends DurableObject {
		sockets = new Set();
		async fetch(req) {
			if (new URL(req.url).pathname == "/told") return new Response(String(await this.ctx.storage.get("told")));
			const [theirs, mine] = pair();
			mine.accept();
			this.sockets.add(mine);
			mine.addEventListener("message", async ({ data }) => {
				if (data == "count") {
					// Messages of all sockets come one at a time, while storage is asked.
					const n = (await this.ctx.storage.get("n")) ?? 0;
					await this.ctx.storage.put("n", n + 1);
					return;
				}
				if (data == "counted") return mine.send(String(await this.ctx.storage.get("n")));
				if (data == "abort") return this.ctx.abort("as you wish");
				for (const s of this.sockets) s.send(data);
			});
			mine.addEventListener("close", e => { this.sockets.delete(mine); this.ctx.storage.put("told", [e.code, e.reason, e.wasClean, mine.readyState].join()); });
			return give(theirs, { "Sec-WebSocket-Protocol": "chat" });
		}
	}
	export default {
		async fetch(req, env) {
			const path = new URL(req.url).pathname;
			if (path == "/echo") { const [theirs, mine] = pair(); mine.accept(); mine.onmessage = e => mine.send(e.data); return give(theirs); }
			if (path == "/early") { const [theirs, mine] = pair(); mine.accept(); mine.send("1"); mine.send("2"); mine.close(4000, "enough"); return give(theirs); }
			if (path == "/late") { const [theirs, mine] = pair(); setTimeout(() => { mine.accept(); mine.onmessage = e => mine.send("late " + e.data); }, 20); return give(theirs); }
			if (path == "/throws") { const [theirs, mine] = pair(); mine.accept(); mine.onmessage = e => { throw new Error("mine"); }; return give(theirs); }
			if (path == "/flood") { const [theirs, mine] = pair(); mine.accept(); const part = "x".repeat(1 << 20); for (let i = 0; i < 64; i++) mine.send(part); console.log("flooded"); return give(theirs); }
			if (path == "/accepted") { const [theirs, mine] = pair(); theirs.accept(); return give(theirs); }
			if (path == "/proxy") return fetch("http://self/room", req);
			if (path == "/proxied") return fetch("http://self/proxy", req);
			if (path == "/inside") {
				const r = await fetch("http://self/room", { headers: { Upgrade: "websocket" } }), got = [];
				r.webSocket.accept();
				const p = new Promise(done => r.webSocket.addEventListener("message", e => { got.push(e.data); if (got.length == 2) done(); }));
				r.webSocket.send("1"); r.webSocket.send("2"); await p; r.webSocket.close(1000, "inside");
				await new Promise(done => r.webSocket.addEventListener("close", e => { got.push(e.code, e.reason); done(); }));
				return Response.json(got);
			}
			if (path == "/new") {
				const ws = new WebSocket("ws://self/room", ["a", "chat"]), got = [ws.readyState];
				await new Promise(done => ws.addEventListener("open", done));
				const p = new Promise(done => ws.addEventListener("message", e => { got.push(e.data); done(); }));
				ws.send("x"); await p; got.push(ws.protocol, ws.extensions, ws.url); ws.close();
				return Response.json(got);
			}
			if (path == "/room" || path == "/told") return env.ROOM.getByName("a").fetch(req);
			return new Response("nothing here", { status: 404 });
		},
	};`

func socketProject(t *testing.T) *running {
	t.Helper()
	return newProject(t, map[string]string{"main.js": socketWorker, "config.capnp": one(`
		globalOutbound = "main",
		compatibilityFlags = ["web_socket_auto_reply_to_close"],
		durableObjectNamespaces = [(className = "Room", uniqueKey = "room")],
		durableObjectStorage = (inMemory = void),
		bindings = [(name = "ROOM", durableObjectNamespace = "Room")]`)}).start()
}

func TestWebSocketsOfWorkers(t *testing.T) {
	r, set := socketProject(t), newSet(t)
	for path, c := range map[string]struct {
		send []string
		want []string
	}{
		"/echo":    {[]string{"a", "é", strings.Repeat("x", 70_000)}, []string{"a", "é", strings.Repeat("x", 70_000)}},
		"/early":   {nil, []string{"1", "2", "close 4000 enough"}},
		"/late":    {[]string{"a"}, []string{"late a"}},
		"/throws":  {[]string{"a"}, []string{"failed: " + event.ErrDisconnected.Error()}},
		"/room":    {[]string{"to all"}, []string{"to all"}},
		"/proxy":   {[]string{"a", "b"}, []string{"a", "b"}},
		"/proxied": {[]string{"a", "b"}, []string{"a", "b"}},
	} {
		s, status := r.socket(t, set, path)
		if status != 101 {
			t.Errorf("%s: status %d", path, status)
			continue
		}
		s.send(c.send...)
		s.want(c.want...)
		s.conn.Abort(nil)
	}
	for path, want := range map[string]int{"/nothing": 404, "/accepted": 500} {
		if _, status := r.socket(t, set, path); status != want {
			t.Errorf("%s: status %d, want %d", path, status, want)
		}
	}
	if code, _ := r.get("/echo"); code != 500 {
		t.Errorf("a WebSocket for who did not ask for one: %d", code)
	}
	r.want("/inside", `["1","2",1000,"inside"]`)
	r.want("/new", `[0,"x","chat","permessage-deflate","ws://self/room"]`)
}

// What a handshake agrees on is what client and worker want.
func TestHandshakeOfWorkers(t *testing.T) {
	r, set := socketProject(t), newSet(t)
	s, _ := r.socket(t, set, "/room", "Sec-WebSocket-Protocol", "chat, other")
	if got := s.head.Get("Sec-WebSocket-Protocol"); got != "chat" {
		t.Errorf("protocol %q", got)
	}
	if got := s.head.Get("Sec-WebSocket-Extensions"); got != "" {
		t.Errorf("extensions %q, which nobody offered", got)
	}
	s, _ = r.socket(t, set, "/echo", "Sec-WebSocket-Extensions", "permessage-deflate")
	if got := s.head.Get("Sec-WebSocket-Extensions"); !strings.HasPrefix(got, "permessage-deflate") {
		t.Errorf("extensions %q", got)
	}
	long := strings.Repeat("compress me ", 1000)
	s.send(long)
	s.want(long)
}

// Messages of all sockets of an actor are events of it: storage keeps them apart, and
// what they sent and wrote is there.
func TestWebSocketsOfActors(t *testing.T) {
	r, set := socketProject(t), newSet(t)
	a, _ := r.socket(t, set, "/room")
	b, _ := r.socket(t, set, "/room")
	a.send("hello")
	a.want("hello")
	b.want("hello")
	for range 10 {
		a.send("count")
		b.send("count")
	}
	a.send("counted")
	b.send("counted")
	for _, c := range []*client{a, b} {
		select {
		case got := <-c.told:
			if got < "10" || got > "20" || len(got) != 2 {
				t.Errorf("counted %s", got)
			}
		case <-time.After(30 * time.Second):
			t.Fatal("nothing came")
		}
	}
	a.send("counted")
	a.want("20")
	_ = b.conn.Close(4001, "bye")
	b.want("close 4001 bye")
	r.want("/told", "4001,bye,true,3")
	a.conn.Abort(nil)
	eventually(t, "the actor is not told", func() bool { _, got := r.get("/told"); return strings.HasPrefix(got, "1006,") })
	r.want("/told", "1006,WebSocket disconnected without sending Close frame.,false,1")
	// A broken actor loses its sockets; others are not disturbed.
	e, _ := r.socket(t, set, "/echo")
	c, _ := r.socket(t, set, "/room")
	c.send("abort")
	c.want("failed: " + event.ErrDisconnected.Error())
	e.send("still here")
	e.want("still here")
}

// A worker that sends more than may wait to a client that does not read loses the client,
// not the server.
func TestSlowReaderOfAWorker(t *testing.T) {
	r, set := socketProject(t), newSet(t)
	nc, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if _, err := fmt.Fprint(nc, "GET /flood HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	s, _ := r.socket(t, set, "/echo")
	s.send("a")
	s.want("a")
	r.logged("flooded") // before anybody reads
	nc.SetReadDeadline(time.Now().Add(30 * time.Second))
	n, buf := 0, make([]byte, 1<<16)
	for {
		m, err := nc.Read(buf)
		if n += m; err != nil {
			break
		}
	}
	if n > 48<<20 {
		t.Errorf("%d bytes came", n)
	}
}

// A server that stops tells its clients to go.
func TestDrainClosesWebSockets(t *testing.T) {
	r, set := socketProject(t), newSet(t)
	a, _ := r.socket(t, set, "/echo")
	b, _ := r.socket(t, set, "/room")
	a.send("x")
	a.want("x")
	b.send("x")
	b.want("x")
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := r.s.Drain(ctx); err != nil {
		t.Error(err)
	}
	a.want("close 1001 ")
	b.want("close 1001 ")
}

// A reload ends WebSockets, as their workers and actors are made again; the next ones are
// the new configuration's.
func TestReloadEndsWebSockets(t *testing.T) {
	r, set := socketProject(t), newSet(t)
	a, _ := r.socket(t, set, "/echo")
	b, _ := r.socket(t, set, "/room")
	a.send("x")
	a.want("x")
	b.send("x")
	b.want("x")
	r.p.write(map[string]string{"main.js": strings.ReplaceAll(socketWorker, "mine.send(e.data)", `mine.send("new " + e.data)`)})
	if err := r.s.Reload(t.Context(), r.p.config()); err != nil {
		t.Fatal(err)
	}
	a.want("failed: " + event.ErrDisconnected.Error())
	b.want("failed: " + event.ErrDisconnected.Error())
	c, _ := r.socket(t, set, "/echo")
	c.send("x")
	c.want("new x")
}
