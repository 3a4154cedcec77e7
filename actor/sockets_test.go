package actor_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"workerd.local/event"
	"workerd.local/exception"
)

// room is a class whose sockets hibernate. What it is told it answers on the socket; "made"
// counts the instances.
const room = `
	let made = 0;
	const show = v => v === undefined ? "undefined" : v === null ? "null" : v instanceof Error ? v.name + ": " + v.message : JSON.stringify(v);
	const tell = fn => { try { const v = fn(); return show(v) } catch (e) { return show(e) } };
	export class Obj extends DurableObject {
		constructor(ctx, env) { super(ctx, env); this.n = ++made; this.log = []; }
		async fetch(req) {
			const u = new URL(req.url), q = u.searchParams;
			switch (u.pathname) {
			case "/open": {
				const { 0: client, 1: server } = new WebSocketPair();
				const tags = q.getAll("tag");
				if (q.has("attach")) server.serializeAttachment({ who: q.get("attach") });
				this.ctx.acceptWebSocket(server, tags);
				if (q.has("hello")) server.send("hello");
				return new Response(null, { status: 101, webSocket: client });
			}
			case "/plain": {
				const { 0: client, 1: server } = new WebSocketPair();
				server.accept();
				server.addEventListener("message", e => server.send("plain " + e.data));
				return new Response(null, { status: 101, webSocket: client });
			}
			case "/list":
				return new Response(this.ctx.getWebSockets(...q.getAll("tag")).map(ws => this.ctx.getTags(ws).join("+") + ":" + show(ws.deserializeAttachment()?.who)).join(" "));
			case "/made": return new Response(String(this.n));
			case "/log": return new Response(this.log.join("\n"));
			case "/auto": this.ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong")); return new Response();
			case "/noauto": this.ctx.setWebSocketAutoResponse(); return new Response();
			case "/timeout": this.ctx.setHibernatableWebSocketEventTimeout(Number(q.get("ms"))); return new Response();
			case "/times": return new Response(this.ctx.getWebSockets().map(ws => show(this.ctx.getWebSocketAutoResponseTimestamp(ws))).join(" "));
			case "/broadcast": for (const ws of this.ctx.getWebSockets()) ws.send("all"); return new Response();
			case "/writesend": { this.ctx.storage.put("k", 1); for (const ws of this.ctx.getWebSockets()) ws.send("written"); return new Response("ok") }
			case "/writeclose": { this.ctx.storage.put("k", 1); for (const ws of this.ctx.getWebSockets()) ws.close(4000, "written"); return new Response("ok") }
			case "/abort": this.ctx.abort("enough");
			case "/eval": return new Response(tell(cases[q.get("n")].bind(this)));
			}
		}
		async webSocketMessage(ws, m) {
			if (typeof m !== "string") { ws.send(m); ws.send(m instanceof ArrayBuffer ? "ArrayBuffer" : "?"); return }
			const [word, ...rest] = m.split(" ");
			switch (word) {
			case "made": ws.send("made " + this.n); break;
			case "who": ws.send(show(ws.deserializeAttachment()) + " " + this.ctx.getTags(ws)); break;
			case "same": ws.send(String(this.ctx.getWebSockets().includes(ws) && (this.ws ??= ws) === ws)); break;
			case "attach": ws.serializeAttachment({ who: rest[0] }); break;
			case "throw": throw new TypeError("thrown");
			case "slow": await scheduler.wait(5000); ws.send("slow done"); break;
			case "read": ws.send(String(await this.ctx.storage.get("k"))); break;
			case "close": ws.close(3001, "asked"); break;
			case "abort": this.ctx.abort("by message"); break;
			default: ws.send("got " + m);
			}
		}
		webSocketClose(ws, code, reason, clean) {
			this.log.push(["close", code, reason, clean, this.ctx.getTags(ws), ws.readyState, this.ctx.getWebSockets().length].join(" "));
			ws.send("in close");
			if (clean) ws.close(code === 1005 ? 1000 : code, "bye " + reason);
		}
		webSocketError(ws, e) {
			this.log.push("error " + e.message);
			ws.send("lost");
		}
	}`

// peer is the client of a socket: what it was told, in words.
type peer struct {
	t    *testing.T
	ws   event.WebSocket
	mu   sync.Mutex
	cond *sync.Cond
	said []string
}

func (p *peer) note(format string, args ...any) {
	p.mu.Lock()
	p.said = append(p.said, fmt.Sprintf(format, args...))
	p.cond.Broadcast()
	p.mu.Unlock()
}

func (p *peer) Message(m event.Message, done func()) {
	if m.Text {
		p.note("%s", m.Data)
	} else {
		p.note("bytes %x", m.Data)
	}
	done()
}
func (p *peer) Closed(code int, reason string) { p.note("closed %d %s", code, reason) }
func (p *peer) Failed(err error)               { p.note("failed %v", err) }

// want waits for what the peer is told next.
func (p *peer) want(list ...string) {
	p.t.Helper()
	stop := time.AfterFunc(patience, func() { p.note("nothing more") })
	defer stop.Stop()
	for _, w := range list {
		p.mu.Lock()
		for len(p.said) == 0 {
			p.cond.Wait()
		}
		got := p.said[0]
		p.said = p.said[1:]
		p.mu.Unlock()
		if got != w {
			p.t.Fatalf("the peer was told %q, want %q", got, w)
		}
	}
}

func (p *peer) quiet() {
	p.t.Helper()
	time.Sleep(20 * time.Millisecond)
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.said) > 0 {
		p.t.Errorf("the peer was told %q", p.said)
	}
}

func (p *peer) send(texts ...string) {
	p.t.Helper()
	for _, m := range texts {
		if err := p.ws.Send(event.Message{Text: true, Data: []byte(m)}, nil); err != nil {
			p.t.Fatal(err)
		}
	}
}

// open asks an actor for a WebSocket.
func (k *kit) open(path string) *peer {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(k.t.Context(), patience)
	defer cancel()
	req := request(path)
	req.Header["Upgrade"] = []string{"websocket"}
	resp, err := k.stub("a").Fetch(ctx, req)
	if err != nil || resp.WebSocket == nil {
		k.t.Fatal(answer(resp, err))
	}
	p := &peer{t: k.t.(*testing.T), ws: resp.WebSocket}
	p.cond = sync.NewCond(&p.mu)
	p.ws.Start(p, 0)
	return p
}

// expressions is room with functions that /eval?n= calls; each gives its last statement.
func expressions(list ...string) string {
	var b strings.Builder
	b.WriteString(room + ";const cases = [")
	for _, code := range list {
		if i := strings.LastIndex(code, "; "); !strings.Contains(code, "for (") {
			code = code[:i+1] + "return " + code[i+1:]
		}
		fmt.Fprintf(&b, "function() { %s },", code)
	}
	return b.String() + "]"
}

func (k *kit) js(n int, want string) {
	k.t.Helper()
	k.want(k.stub("a"), fmt.Sprintf("/eval?n=%d", n), want)
}

func TestSocketsThatHibernate(t *testing.T) {
	clock := newClock()
	k := newKit(t, room, kitOptions{clock: clock})
	p := k.open("/open?tag=x&tag=y&tag=x&attach=ann&hello")
	p.want("hello")
	p.send("made", "who", "same", "same", "anything")
	p.want("made 1", `{"who":"ann"} x,y`, "true", "true", "got anything")
	if err := p.ws.Send(event.Message{Data: []byte{1, 2}}, nil); err != nil {
		t.Fatal(err)
	}
	p.want("bytes 0102", "ArrayBuffer")

	// After the idle time the actor is made anew by the next message; the socket stays.
	k.pass(9)
	p.send("made")
	p.want("made 1")
	k.pass(11)
	p.send("made", "who", "same", "attach bob", "who")
	p.want("made 2", `{"who":"ann"} x,y`, "true", `{"who":"bob"} x,y`)
	k.pass(11)
	k.want(k.stub("a"), "/list", `x+y:"bob"`)
	k.want(k.stub("a"), "/made", "3")
	k.pass(200)
	p.send("who")
	p.want(`{"who":"bob"} x,y`)

	// A close event wakes it, too.
	k.pass(11)
	if err := p.ws.Close(4001, "going"); err != nil {
		t.Fatal(err)
	}
	p.want("in close", "closed 4001 bye going")
	k.want(k.stub("a"), "/log", "close 4001 going true x,y 2 1")
	k.want(k.stub("a"), "/list", "")
	k.want(k.stub("a"), "/made", "5")
}

func TestSocketsThatGoAwayAreTold(t *testing.T) {
	clock := newClock()
	k := newKit(t, room, kitOptions{clock: clock})
	p, q := k.open("/open?tag=p"), k.open("/open?tag=q")
	k.pass(11)
	p.ws.Abort(nil)
	k.rounds()
	k.want(k.stub("a"), "/log", "close 1006 WebSocket disconnected without sending Close frame. false p 2 2")
	k.want(k.stub("a"), "/list", "q:undefined")
	k.want(k.stub("a"), "/made", "2")
	// What is too large for it is an error.
	if err := q.ws.Send(event.Message{Data: make([]byte, 32<<20+1)}, nil); err != nil {
		t.Fatal(err)
	}
	q.want("closed 1009 Message is too large: 33554433 > 33554432")
	k.rounds()
	log := ask(t, k.stub("a"), "/log")
	if !strings.HasSuffix(log, "\nerror WebSocket protocol error; protocolError.statusCode = 1009; protocolError.description = Message is too large: 33554433 > 33554432") {
		t.Errorf("log %q", log)
	}
	k.want(k.stub("a"), "/list", "")
	// Without sockets nothing is left of an evicted actor.
	k.pass(11)
	k.want(k.stub("a"), "/made", "3")
}

// Tags name sockets, oldest first; without a tag the newest comes first.
func TestTagsOfSockets(t *testing.T) {
	clock := newClock()
	k := newKit(t, room, kitOptions{clock: clock})
	var peers []*peer
	for i := range 6 {
		peers = append(peers, k.open(fmt.Sprintf("/open?tag=t%d&tag=even%d", i, i%2)))
	}
	all := "t5+even1:undefined t4+even0:undefined t3+even1:undefined t2+even0:undefined t1+even1:undefined t0+even0:undefined"
	for range 2 {
		k.want(k.stub("a"), "/list", all)
		k.want(k.stub("a"), "/list?tag=even1", "t1+even1:undefined t3+even1:undefined t5+even1:undefined")
		k.want(k.stub("a"), "/list?tag=t2", "t2+even0:undefined")
		k.want(k.stub("a"), "/list?tag=none", "")
		k.pass(11)
	}
	for _, i := range []int{5, 1, 3} {
		peers[i].ws.Close(1000, "")
		peers[i].want("in close", "closed 1000 bye ")
	}
	k.want(k.stub("a"), "/list?tag=even1", "")
	k.want(k.stub("a"), "/list", "t4+even0:undefined t2+even0:undefined t0+even0:undefined")
	k.want(k.stub("a"), "/broadcast", "")
	peers[0].want("all")
	peers[4].want("all")
}

func TestAutoResponse(t *testing.T) {
	clock := newClock()
	k := newKit(t, expressions("const p = this.ctx.getWebSocketAutoResponse(); p.request + p.response", "this.ctx.getWebSocketAutoResponse()"), kitOptions{clock: clock})
	p := k.open("/open")
	k.want(k.stub("a"), "/times", "null")
	k.want(k.stub("a"), "/auto", "")
	k.js(0, `"pingpong"`)
	p.send("ping", "ping ", "Ping", "ping")
	p.want("pong", "got ping ", "got Ping", "pong")
	k.want(k.stub("a"), "/times", `"2026-01-02T03:04:05.000Z"`)
	// It needs no actor, and makes none.
	k.pass(11)
	p.send("ping", "ping")
	p.want("pong", "pong")
	k.want(k.stub("a"), "/times", `"2026-01-02T03:04:16.000Z"`)
	k.want(k.stub("a"), "/made", "2")
	k.pass(5)
	p.send("ping")
	p.want("pong")
	k.pass(6)
	k.want(k.stub("a"), "/made", "3")
	k.want(k.stub("a"), "/noauto", "")
	k.js(1, "null")
	p.send("ping")
	p.want("got ping")
	// After close() nothing is sent.
	k.want(k.stub("a"), "/auto", "")
	p.send("close", "ping")
	p.want("closed 3001 asked")
	k.pass(11)
	p.send("ping")
	p.quiet()
}

// What an actor said about its sockets outlives it, as in workerd, also where it has none:
// until nobody has called it for a while, or until it breaks.
func TestAutoResponseOutlivesTheActor(t *testing.T) {
	clock := newClock()
	k := newKit(t, expressions("this.ctx.getWebSocketAutoResponse()?.response", "this.ctx.getHibernatableWebSocketEventTimeout()"), kitOptions{clock: clock})
	k.want(k.stub("a"), "/auto", "")
	k.want(k.stub("a"), "/timeout?ms=3000", "")
	k.pass(11)
	k.want(k.stub("a"), "/made", "2")
	k.js(0, `"pong"`)
	k.js(1, "3000")
	p := k.open("/open")
	p.send("ping")
	p.want("pong")
	p.ws.Abort(nil)
	k.rounds()
	k.pass(11)
	k.js(0, `"pong"`)
	k.want(k.stub("a"), "/made", "3")
	// Who holds a stub may come back at any time.
	s := k.stub("a")
	k.want(s, "/made", "3")
	k.pass(200)
	k.js(0, `"pong"`)
	k.want(s, "/made", "4")
	// Nobody does.
	k.drop()
	k.pass(150)
	k.drop()
	k.pass(150)
	k.js(0, "undefined")
	k.js(1, "null")
	// What is unset need not stay.
	k.want(k.stub("a"), "/auto", "")
	k.want(k.stub("a"), "/noauto", "")
	k.pass(11)
	k.js(0, "undefined")
	k.want(k.stub("a"), "/auto", "")
	if got := ask(t, k.stub("a"), "/abort"); !strings.Contains(got, "enough") {
		t.Errorf("abort: %q", got)
	}
	k.js(0, "undefined")
}

// What an actor sends waits for what it wrote; an automatic response does not, but keeps
// behind what waits.
func TestSocketsWaitForTheOutputGate(t *testing.T) {
	store := newHeldStore()
	k := newKit(t, room, kitOptions{store: store})
	p := k.open("/open")
	k.want(k.stub("a"), "/auto", "")
	done := make(chan string, 1)
	go func() { done <- ask(t, k.stub("a"), "/writesend") }()
	<-store.begun
	p.quiet()
	p.send("ping")
	p.quiet()
	store.outcome <- nil
	p.want("written", "pong")
	if got := <-done; got != "ok" {
		t.Error(got)
	}
}

// What waits for a commit has a bound, automatic responses too, and the actor hears of the
// end.
func TestAnswersThatWaitHaveABound(t *testing.T) {
	store := newHeldStore()
	k := newKit(t, expressions(`this.ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("p", "x".repeat(2048)))`), kitOptions{store: store})
	p := k.open("/open")
	k.js(0, "undefined")
	done := make(chan string, 1)
	go func() { done <- ask(t, k.stub("a"), "/writesend") }()
	<-store.begun
	for range 32<<20/2048 + 1000 {
		if p.ws.Send(event.Message{Text: true, Data: []byte("p")}, nil) != nil {
			break
		}
	}
	p.want("failed " + event.ErrDisconnected.Error())
	store.outcome <- nil
	if got := <-done; got != "ok" {
		t.Errorf("writesend: %q", got)
	}
	k.want(k.stub("a"), "/log", "error The WebSocket was closed: more messages waited to be sent than may wait, because the other side reads too slowly.")
	k.want(k.stub("a"), "/list", "")
}

func TestSocketsOfAFailedCommitSayNothing(t *testing.T) {
	store := newHeldStore()
	store.outcome <- errors.New("no")
	k := newKit(t, room, kitOptions{store: store})
	p := k.open("/open")
	got := ask(t, k.stub("a"), "/writeclose")
	if got == "ok" {
		t.Error(got)
	}
	p.want("failed " + event.ErrDisconnected.Error())
}

// One event at a time: the next message of a socket comes when the handler was called, and
// no event comes while the actor reads.
func TestMessagesComeOneAtATime(t *testing.T) {
	clock := newClock()
	k := newKit(t, room, kitOptions{clock: clock})
	p := k.open("/open")
	p.send("slow", "a", "b")
	p.want("got a", "got b") // a handler that waits holds nobody back
	k.pass(6)
	p.want("slow done")
	p.send("throw", "after", "read")
	p.want("got after", "undefined")
	if !strings.Contains(k.log.String(), "TypeError: thrown") || !strings.Contains(k.log.String(), "webSocketMessage") {
		t.Error(k.log.String())
	}
	// While a handler waits the actor is not idle.
	p.send("slow")
	k.pass(4)
	p.send("made")
	p.want("made 1")
}

func TestBrokenActorsLoseTheirSockets(t *testing.T) {
	clock := newClock()
	k := newKit(t, room, kitOptions{clock: clock})
	gone := "failed " + event.ErrDisconnected.Error()
	p := k.open("/open?tag=x")
	ask(t, k.stub("a"), "/abort")
	p.want(gone)
	k.want(k.stub("a"), "/list", "")
	k.want(k.stub("a"), "/made", "2")

	p, q := k.open("/open?tag=x"), k.open("/open?tag=x")
	p.send("abort")
	p.want(gone)
	q.want(gone)
	k.want(k.stub("a"), "/list", "")

	// One that hibernates, too.
	p = k.open("/open")
	k.pass(11)
	if err := k.ns.AbortAll(t.Context(), exception.Errorf("all")); err != nil {
		t.Fatal(err)
	}
	p.want(gone)
	p = k.open("/open")
	k.pass(11)
	if err := k.ns.DeleteAll(t.Context(), exception.Errorf("all")); err != nil {
		t.Fatal(err)
	}
	p.want(gone)
	p = k.open("/open")
	k.pass(11)
	if err := k.ns.Replace(t.Context(), k.ns.IDs().FromName("a"), func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	p.want(gone)

	p, q = k.open("/open"), k.open("/plain")
	k.pass(11) // the plain one keeps it
	q.send("x")
	q.want("plain x")
	if err := k.ns.Close(t.Context(), io.EOF); err != nil {
		t.Fatal(err)
	}
	p.want(gone)
	q.want(gone)
}

func TestEvictionClosesSocketsWhereItIsAskedTo(t *testing.T) {
	k := newKit(t, room, kitOptions{clock: newClock()})
	gone := "failed " + event.ErrDisconnected.Error()
	p := k.open("/open?tag=x")
	if err := k.ns.EvictAll(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	p.quiet()
	k.want(k.stub("a"), "/made", "2")
	if err := k.ns.EvictAll(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	p.want(gone)
	k.want(k.stub("a"), "/list", "")
	k.want(k.stub("a"), "/made", "3")

	// The place may stay for what the actor said about its sockets.
	k.want(k.stub("a"), "/auto", "")
	p = k.open("/open?tag=x")
	if err := k.ns.EvictAll(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	p.want(gone)
	p = k.open("/open?tag=x")
	p.send("ping")
	p.want("pong")
	k.want(k.stub("a"), "/list?tag=x", "x:undefined")
}

func TestEventTimeout(t *testing.T) {
	clock := newClock()
	k := newKit(t, expressions("this.ctx.getHibernatableWebSocketEventTimeout()"), kitOptions{clock: clock})
	p := k.open("/open")
	k.want(k.stub("a"), "/timeout?ms=2000", "")
	k.js(0, "2000")
	s := k.stub("a")
	k.want(s, "/made", "1")
	p.send("slow")
	k.pass(3)
	p.want("failed " + event.ErrDisconnected.Error())
	k.want(s, "/made", "Error: Actor exceeded event execution time and was disconnected.")
	k.want(k.stub("a"), "/made", "2")
	p = k.open("/open")
	k.want(k.stub("a"), "/timeout?ms=0", "")
	k.js(0, "null")
	p.send("slow")
	k.pass(6)
	p.want("slow done")
}

// An actor whose constructor fails loses them.
func TestSocketsOfAnActorThatCannotWake(t *testing.T) {
	clock := newClock()
	k := newKit(t, `let made = 0;
		export class Obj extends DurableObject {
			constructor(ctx, env) { super(ctx, env); if (++made == 2) throw new Error("not again") }
			fetch() {
				const { 0: client, 1: server } = new WebSocketPair();
				this.ctx.acceptWebSocket(server);
				return new Response(null, { status: 101, webSocket: client });
			}
			webSocketMessage(ws, m) { ws.send("made " + made) }
		}`, kitOptions{clock: clock})
	p := k.open("/")
	p.send("x")
	p.want("made 1")
	k.pass(11)
	p.send("x")
	p.want("failed " + event.ErrDisconnected.Error())
	p = k.open("/")
	p.send("x")
	p.want("made 3")
}

func TestSocketsWithoutHandlers(t *testing.T) {
	clock := newClock()
	k := newKit(t, `let made = 0;
		export class Obj extends DurableObject {
			constructor(ctx, env) { super(ctx, env); made++ }
			fetch(req) {
				if (req.url.endsWith("made")) return new Response(made + " " + this.ctx.getWebSockets().length);
				const { 0: client, 1: server } = new WebSocketPair();
				this.ctx.acceptWebSocket(server);
				return new Response(null, { status: 101, webSocket: client });
			}
		}`, kitOptions{clock: clock})
	p := k.open("/")
	k.pass(11)
	p.send("x")
	k.want(k.stub("a"), "/made", "2 1")
	p.ws.Close(1000, "")
	k.rounds()
	k.want(k.stub("a"), "/made", "2 0")
	// Nobody closes it: it ends with the actor.
	k.pass(11)
	p.want("failed " + event.ErrDisconnected.Error())
}

func TestSocketsWrongInput(t *testing.T) {
	const pair = "const [a, b] = Object.values(new WebSocketPair()); const c = this.ctx; "
	wants := map[string]string{
		"c.acceptWebSocket()":                                         `"TypeError: Failed to execute 'acceptWebSocket' on 'DurableObjectState': parameter 1 is not of type 'WebSocket'."`,
		"c.acceptWebSocket({})":                                       `"TypeError: Failed to execute 'acceptWebSocket' on 'DurableObjectState': parameter 1 is not of type 'WebSocket'."`,
		"c.acceptWebSocket(a, 'tag')":                                 `"TypeError: Failed to execute 'acceptWebSocket' on 'DurableObjectState': parameter 2 is not of type 'Array'."`,
		"c.acceptWebSocket(a, ['x', Symbol()])":                       `"TypeError: Cannot convert a Symbol value to a string"`,
		"a.accept(); c.acceptWebSocket(a)":                            "\"Error: Cannot call `acceptWebSocket()` if the WebSocket was already accepted via `accept()`\"",
		"b.accept(); c.acceptWebSocket(a)":                            "\"Error: Cannot call `acceptWebSocket()` on this WebSocket because its pair has already been accepted or used in a Response.\"",
		"c.acceptWebSocket(a, [0,1,2,3,4,5,6,7,8,9,10])":              `"Error: a Hibernatable WebSocket cannot have more than 10 tags"`,
		"c.acceptWebSocket(a, [0,1,2,3,4,5,6,7,8,9,9])":               `"Error: a Hibernatable WebSocket cannot have more than 10 tags"`,
		"c.acceptWebSocket(a, [0,0,1,2,3,4,5,6,7,8,9]); c.getTags(a)": `["0","1","2","3","4","5","6","7","8","9"]`,
		"c.acceptWebSocket(a, ['x'.repeat(257)])":                     `Error: "` + strings.Repeat("x", 257) + `" is longer than the max tag length (256 characters).`,
		"c.acceptWebSocket(a, ['é'.repeat(129)])":                     `Error: "` + strings.Repeat("é", 129) + `" is longer than the max tag length (256 characters).`,
		"c.acceptWebSocket(a, ['é'.repeat(128)])":                     "undefined",
		"c.acceptWebSocket(a); a.accept()":                            `"TypeError: Can't accept() WebSocket after enabling hibernation."`,
		"c.acceptWebSocket(a); c.acceptWebSocket(a)":                  "\"Error: Cannot call `acceptWebSocket()` if the WebSocket was already accepted via `accept()`\"",
		"c.getTags(a)":                          `"Error: you must call 'acceptWebSocket()' before attempting to access the tags of a WebSocket."`,
		"a.accept(); c.getTags(a)":              `"Error: only hibernatable websockets can have tags."`,
		"c.getTags()":                           `"TypeError: Failed to execute 'getTags' on 'DurableObjectState': parameter 1 is not of type 'WebSocket'."`,
		"c.getWebSockets('none')":               "[]",
		"c.getWebSocketAutoResponse()":          "null",
		"c.setWebSocketAutoResponse('x')":       `"TypeError: Failed to execute 'setWebSocketAutoResponse' on 'DurableObjectState': parameter 1 is not of type 'WebSocketRequestResponsePair'."`,
		"new WebSocketRequestResponsePair('x')": `"TypeError: Failed to construct 'WebSocketRequestResponsePair': constructor parameter 2 is not of type 'string'."`,
		"const p = new WebSocketRequestResponsePair(1, {}); [p.request, p.response]":                                                            `["1","[object Object]"]`,
		"c.setWebSocketAutoResponse(new WebSocketRequestResponsePair('x'.repeat(2049), ''))":                                                    `"RangeError: Request cannot be larger than 2048 bytes. A request of size 2049 was provided."`,
		"c.setWebSocketAutoResponse(new WebSocketRequestResponsePair('', 'é'.repeat(1025)))":                                                    `"RangeError: Response cannot be larger than 2048 bytes. A response of size 2050 was provided."`,
		"c.getWebSocketAutoResponseTimestamp({})":                                                                                               `"TypeError: Failed to execute 'getWebSocketAutoResponseTimestamp' on 'DurableObjectState': parameter 1 is not of type 'WebSocket'."`,
		"c.setHibernatableWebSocketEventTimeout(-1)":                                                                                            `"TypeError: The value cannot be converted because it is negative and this API expects a positive number."`,
		"c.setHibernatableWebSocketEventTimeout(NaN)":                                                                                           `"TypeError: The value cannot be converted because it is not an integer."`,
		"c.setHibernatableWebSocketEventTimeout(2**32)":                                                                                         `"TypeError: Value out of range. Must be less than or equal to 4294967295."`,
		"c.setHibernatableWebSocketEventTimeout(604800001)":                                                                                     `"Error: Event timeout should not exceed 604800000 ms."`,
		"c.setHibernatableWebSocketEventTimeout(604800000); c.setHibernatableWebSocketEventTimeout(); c.getHibernatableWebSocketEventTimeout()": "null",
		"a.serializeAttachment('x'.repeat(16400))":                                                                                              `"Error: A WebSocket 'attachment' cannot be larger than 16384 bytes.'attachment' was 16406 bytes."`,
		"for (let i = 0; i < 4; i++) c.acceptWebSocket(new WebSocketPair()[0])":                                                                 `"Error: only 3 websockets can be accepted on a single Durable Object instance"`,
	}
	var list, texts []string
	for code, want := range wants {
		list, texts = append(list, pair+code), append(texts, want)
	}
	k := newKit(t, expressions(list...), kitOptions{bounds: []string{"websocket.actor=3"}})
	for i, want := range texts {
		if strings.Contains(want, "Error: ") {
			want = strings.Trim(want, `"`)
		}
		if got := ask(t, k.stub("a"), fmt.Sprintf("/eval?n=%d", i)); got != want {
			t.Errorf("%s: %s, want %s", list[i], got, want)
		}
		ask(t, k.stub("a"), "/abort") // with its sockets
	}
}
