package websockets_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"workerd.local/event"
	"workerd.local/internal/compat"
	"workerd.local/internal/jstest"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/blob"
	"workerd.local/webapi/encoding"
	"workerd.local/webapi/events"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/streams"
	"workerd.local/webapi/timers"
	"workerd.local/webapi/url"
	"workerd.local/webapi/websockets"
)

// server answers a handshake with an end that sends back what it receives.
type server struct{ queried atomic.Pointer[event.Request] }

func (*server) Deliver(context.Context, event.Event) (event.Outcome, error) {
	return event.Outcome{}, event.ErrUnsupported
}

func (s *server) Fetch(ctx context.Context, req *event.Request) (*event.Response, error) {
	if strings.HasSuffix(req.URL, "?q") {
		s.queried.Store(req)
	}
	_, path, _ := strings.Cut(strings.TrimPrefix(req.URL, "http://"), "/")
	switch path {
	case "refuse":
		return &event.Response{Status: 403, Body: event.BytesBody([]byte("no"))}, nil
	case "down":
		return nil, errors.New("the cable was cut")
	case "never":
		<-ctx.Done()
		return nil, ctx.Err()
	}
	near, far := event.NewWebSocketPair(1000)
	near.Start(&echo{end: near, what: path}, 0)
	h := http.Header{}
	if p := req.Header.Get("Sec-WebSocket-Protocol"); p != "" {
		h.Set("Sec-WebSocket-Protocol", strings.Split(p, ",")[0])
	}
	return &event.Response{Status: 101, Header: h, WebSocket: far}, nil
}

type echo struct {
	end  event.WebSocket
	what string
}

func (e *echo) Message(m event.Message, done func()) {
	defer done()
	switch e.what {
	case "abort":
		e.end.Abort(nil)
	case "hold":
		return
	default:
		_ = e.end.Send(m, nil)
	}
}
func (e *echo) Closed(code int, reason string) { _ = e.end.Close(code, reason) }
func (e *echo) Failed(error)                   {}

func env(t *testing.T, date string, flags ...string) (*jstest.Env, *server) {
	t.Helper()
	c, errs := compat.Parse(date, flags, compat.Options{Experimental: true})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	s := &server{}
	set := bind.Module{Name: "set", Setup: func(js *isolate.JS) error {
		websockets.SetOutbound(js, s)
		fetch.SetOutbound(js, s)
		return nil
	}}
	return jstest.NewWith(t, jstest.Options{Compat: c, Modules: []bind.Module{url.Module, encoding.Module, events.Module, timers.Module, streams.Module,
		blob.Module, websockets.Module, fetch.Module, set}}), s
}

// log records what two accepted sockets of a pair are told.
const log = `const [a, b] = new WebSocketPair(), seen = [];
const show = v => typeof v == "string" ? v : v instanceof ArrayBuffer && v.byteLength < 1000 ? "[" + new Uint8Array(v) + "]" : String(v);
for (const [name, s] of [["a", a], ["b", b]]) {
	s.addEventListener("message", e => seen.push(name + " " + show(e.data)));
	s.addEventListener("close", e => seen.push(name + " close " + [e.code, e.reason, e.wasClean, s.readyState]));
	s.addEventListener("error", e => seen.push(name + " error " + e.message));
}
const quiet = async () => {
	for (let n = -1, same = 0; same < 5; same++) {
		await new Promise(done => setTimeout(done, 4));
		if (seen.length != n) { same = 0; n = seen.length; }
	}
};
`

func TestPair(t *testing.T) {
	e, _ := env(t, "2026-08-01", "no_websocket_standard_binary_type")
	for source, want := range map[string]string{
		`const p = new WebSocketPair(); const [a, b] = p;
		return [Object.keys(p), p[0] === a, p[1] === b, a instanceof WebSocket, a instanceof EventTarget, a.readyState, a.url, a.protocol === "", a.extensions === "", a.binaryType].join()`: "0,1,true,true,true,true,1,,true,true,arraybuffer",
		log + `a.accept(); b.accept(); a.send("x"); a.send(new Uint8Array([1, 2])); b.send(new Uint8Array([9, 3, 9]).subarray(1, 2)); b.send(7); await quiet(); return seen.join("|")`: "b x|a [3]|b [1,2]|a 7",
		// What is sent before the other side accepts waits for it.
		log + `a.accept(); a.send("early"); await quiet(); seen.push("now"); b.accept(); await quiet(); return seen.join("|")`: "now|b early",
		// The close frame of one side is answered of itself.
		log + `a.accept(); b.accept(); a.close(4001, "bye"); seen.push(a.readyState); a.close(); await quiet(); seen.push(a.readyState, b.readyState); return seen.join("|")`: "2|b close 4001,bye,true,3|a close 4001,bye,true,3|3|3",
		log + `a.accept(); b.accept({ allowHalfOpen: true }); a.close(); await quiet(); b.send("still"); b.close(1001); await quiet(); return seen.join("|")`:                 "b close 1005,,true,2|a still|a close 1001,,true,3",
		log + `a.accept(); b.accept(); a.send("one\ud800"); a.send(new Blob(["x"])); await quiet(); return seen.join("|")`:                                                    "b one\ufffd|b [object Blob]",
		// A listener that sends within a message, and one that throws.
		log + `a.accept(); b.accept(); let n = 0;
		b.addEventListener("message", e => { if (n++ < 3) b.send(e.data + n); }); a.addEventListener("message", e => a.send(e.data));
		a.send("m"); await quiet(); return seen.join("|")`: "b m|a m1|b m1|a m12|b m12|a m123|b m123",
		log + `a.accept(); b.accept(); b.onmessage = () => { throw new Error("mine"); }; a.send("1"); a.send("2"); await quiet(); return seen.join("|")`:       "b error Uncaught Error: mine|a close 1006,WebSocket disconnected without sending Close frame.,false,1",
		`return [WebSocket.CONNECTING, WebSocket.OPEN, WebSocket.CLOSING, WebSocket.CLOSED, WebSocket.READY_STATE_CLOSED, new WebSocketPair()[0].OPEN].join()`: "0,1,2,3,3,1",
		`const [a] = new WebSocketPair(); const before = a.deserializeAttachment(); const v = { n: 1, d: new Date(5) }; a.serializeAttachment(v); v.n = 2;
		const got = a.deserializeAttachment(); return [before, got.n, got.d.getTime(), got === a.deserializeAttachment()].join()`: ",1,5,false",
	} {
		e.Want(source, want)
	}
	old, _ := env(t, "2025-01-01")
	old.Want(log+`a.accept(); b.accept(); a.close(1000); await quiet(); seen.push(a.readyState); return seen.join("|")`, "b close 1000,,true,2|2")
	old.Want(log+`a.accept(); b.accept(); a.close(1000, "r".repeat(200)); await quiet(); return seen[0].length`, "220")
	blobs, _ := env(t, "2026-08-01")
	blobs.Want(`const [a, b] = new WebSocketPair(); a.accept(); b.accept(); const got = [b.binaryType];
	b.onmessage = async e => got.push(e.data.constructor.name, e.data.size); a.send(new Uint8Array(3)); await new Promise(r => setTimeout(r, 5));
	b.binaryType = "arraybuffer"; b.binaryType = "nothing"; a.send(new Uint8Array(4)); await new Promise(r => setTimeout(r, 5)); return got.concat(b.binaryType).join()`, "blob,Blob,3,ArrayBuffer,,arraybuffer")
}

func TestWrongUse(t *testing.T) {
	e, _ := env(t, "2026-08-01")
	for source, want := range map[string]string{
		`new WebSocketPair()[0].send("x")`:                                          "TypeError: You must call one of accept() or state.acceptWebSocket() on this WebSocket before sending messages.",
		`new WebSocketPair()[0].close()`:                                            "TypeError: You must call one of accept() or state.acceptWebSocket() on this WebSocket before sending messages.",
		`const [a] = new WebSocketPair(); a.accept(); a.close(); a.send("x")`:       "TypeError: Can't call WebSocket send() after close().",
		`const [a] = new WebSocketPair(); a.accept(); a.send()`:                     "TypeError: Failed to execute 'send' on 'WebSocket': parameter 1 is not of type 'ArrayBuffer or ArrayBufferView or string'.",
		`const [a] = new WebSocketPair(); a.accept(); a.send(Symbol())`:             "TypeError: Cannot convert a Symbol value to a string",
		`const [a] = new WebSocketPair(); a.close(1005)`:                            "InvalidAccessError: Invalid WebSocket close code: 1005.",
		`const [a] = new WebSocketPair(); a.close(999)`:                             "InvalidAccessError: Invalid WebSocket close code: 999.",
		`const [a] = new WebSocketPair(); a.close(5000)`:                            "InvalidAccessError: Invalid WebSocket close code: 5000.",
		`const [a] = new WebSocketPair(); a.close(undefined, "r")`:                  "InvalidAccessError: If you specify a WebSocket close reason, you must also specify a code.",
		`const [a] = new WebSocketPair(); a.close(1000, "é".repeat(62))`:            "SyntaxError: WebSocket close reason must not be longer than 123 bytes when UTF-8 encoded.",
		`const [a] = new WebSocketPair(); a.accept(7)`:                              "TypeError: Failed to execute 'accept' on 'WebSocket': parameter 1 is not of type 'AcceptOptions'.",
		`const [a] = new WebSocketPair(); a.serializeAttachment("x".repeat(16384))`: "Error: A WebSocket 'attachment' cannot be larger than 16384 bytes.'attachment' was 16390 bytes.",
		`const [a] = new WebSocketPair(); a.serializeAttachment(() => 1)`:           "DataCloneError: () => 1 could not be cloned.",
		`const [a] = new WebSocketPair(); a.serializeAttachment()`:                  "TypeError: Failed to execute 'serializeAttachment' on 'WebSocket': parameter 1 is not of type 'Value'.",
		`WebSocketPair()`:                        "TypeError: Failed to construct 'WebSocketPair': Please use the 'new' operator, this object constructor cannot be called as a function.",
		`new WebSocket()`:                        "TypeError: Failed to construct 'WebSocket': constructor parameter 1 is not of type 'string'.",
		`new WebSocket("")`:                      "SyntaxError: WebSocket Constructor: The url is invalid.",
		`new WebSocket("/relative")`:             "SyntaxError: WebSocket Constructor: The url is invalid.",
		`new WebSocket("http://x/")`:             "SyntaxError: WebSocket Constructor: The url scheme must be ws or wss.",
		`new WebSocket("ws://x/#f")`:             "SyntaxError: WebSocket Constructor: The url fragment must be empty.",
		`new WebSocket("ws://x/", "")`:           "SyntaxError: WebSocket Constructor: The protocol header token is invalid.",
		`new WebSocket("ws://x/", ["a", "b c"])`: "SyntaxError: WebSocket Constructor: One of the protocol header tokens is invalid.",
		`new WebSocket("ws://x/", ["a", "a"])`:   "SyntaxError: WebSocket Constructor: The protocols header cannot have repeating values.",
		`new WebSocket("ws://x/echo").accept()`:  "TypeError: Websockets obtained from the 'new WebSocket()' constructor cannot call accept",
		`new WebSocket("ws://x/echo").send("x")`: "TypeError: You must call one of accept() or state.acceptWebSocket() on this WebSocket before sending messages.",
		`new Response(null, { status: 200, webSocket: new WebSocketPair()[0] })`:         "RangeError: Responses with a WebSocket must have status code 101.",
		`new Response(null, { status: 101 })`:                                            "RangeError: Responses may only be constructed with status codes in the range 200 to 599, inclusive.",
		`new Response(null, { status: 101, webSocket: {} })`:                             "TypeError: Incorrect type for the 'webSocket' field on 'InitializerDict': the provided value is not of type 'WebSocket'.",
		`new Response("x", { status: 101, webSocket: new WebSocketPair()[0] })`:          "TypeError: Response with null body status (101, 204, 205, or 304) cannot have a body.",
		`new Response(null, { status: 101, webSocket: new WebSocketPair()[0] }).clone()`: "TypeError: Cannot clone a response to a WebSocket handshake.",
	} {
		e.WantError(source, want)
	}
	pedantic, _ := env(t, "2026-08-01", "pedantic_wpt")
	pedantic.WantError(`const [a] = new WebSocketPair(); a.close(1001)`, "InvalidAccessError: Invalid WebSocket close code: 1001.")
}

func TestClient(t *testing.T) {
	e, s := env(t, "2026-08-01")
	const open = `const seen = [], ws = new WebSocket(url, protocols), until = name => new Promise(done => ws.addEventListener(name, done));
	for (const name of ["open", "message", "error", "close"])
		ws.addEventListener(name, e => seen.push([name, e.data, e.code, e.reason, e.message, ws.readyState].filter(x => x !== undefined).join(" ")));
	seen.push(ws.readyState, ws.protocol, ws.url);
	`
	for source, want := range map[string]string{
		`const url = "ws://me:pw@x/echo", protocols = ["chat", "v2"];` + open + `await until("open"); seen.push(ws.protocol, ws.extensions); ws.send("hi"); await until("message");
		ws.close(3000, "bye"); await until("close"); return seen.join("|")`: "0||ws://me:pw@x/echo|open 1|chat||message hi 1|close 3000 bye 3",
		`const url = "ws://x/refuse", protocols = undefined;` + open + `await until("close"); return seen.join("|")`:                                                        "0||ws://x/refuse|error Uncaught TypeError: Failed to establish the WebSocket connection: expected server to reply with HTTP status code 101 (switching protocols), but received 403 instead. 3|close 1006 Failed to establish websocket connection 3",
		`const url = "ws://x/abort", protocols = undefined;` + open + `await until("open"); ws.send("hi"); await until("close"); ws.send("ignored"); return seen.join("|")`: "0||ws://x/abort|open 1|close 1006 WebSocket disconnected without sending Close frame. 1",
		`const url = "ws://x/never", protocols = undefined;` + open + `const p = until("close"); ws.close(); await p; return seen.join("|")`:                                "0||ws://x/never|error Uncaught Error: Network connection lost. 3|close 1006 Failed to establish websocket connection 3",
		`const r = await fetch("http://x/echo", { method: "POST", body: "dropped", headers: { Upgrade: "websocket" } }); const ws = r.webSocket;
		const got = new Promise(done => ws.addEventListener("message", e => done(e.data)));
		ws.accept(); ws.send("yes"); return [r.status, r.webSocket === ws, ws.url, await got, ws.close()].join()`: "101,true,,yes,",
		`const r = await fetch("http://x/refuse", { headers: { Upgrade: "websocket" } }); return [r.status, r.webSocket, await r.text()].join()`: "403,,no",
		// A signal ends a WebSocket that has been opened, too.
		`const control = new AbortController(), r = await fetch("http://x/echo", { headers: { Upgrade: "websocket" }, signal: control.signal });
		r.webSocket.accept(); const p = new Promise(done => r.webSocket.addEventListener("error", done)); control.abort(new RangeError("enough")); const e = await p; return [e.message, e.error.name].join()`: "Uncaught RangeError: enough,RangeError",
	} {
		e.Want(source, want)
	}
	e.Want(`await new Promise(done => new WebSocket("ws://u:p@x/echo?q", ["a", "b"]).addEventListener("open", done))`, "undefined")
	if got := s.queried.Load(); got.URL != "http://x/echo?q" || got.Header.Get("Sec-WebSocket-Protocol") != "a, b" ||
		got.Header.Get("Sec-WebSocket-Extensions") != "permessage-deflate" || !got.WantsWebSocket() {
		t.Errorf("asked for %s %v", got.URL, got.Header)
	}
}

// A socket belongs to the context that made it, and ends with it.
func TestSocketBelongsToItsContext(t *testing.T) {
	e, _ := env(t, "2026-08-01")
	e.Want(`globalThis.foreign = new WebSocketPair()[0]; return foreign.url`, "null")
	e.WantError(`foreign.accept()`, "Error: Cannot perform I/O on behalf of a different request. I/O objects (such as streams, request/response bodies, and others) created in the context of one request handler cannot be accessed from a different request's handler. This is a limitation of Cloudflare Workers which allows us to improve overall performance. (I/O type: Native)")
	near, far := event.NewWebSocketPair(1000)
	var told ear
	near.Start(&told, 0)
	e.OnLoop(func() {
		c := iocontext.New(e.Realm, iocontext.Options{})
		c.RunIn(iocontext.Entry{}, func(js *isolate.JS) { websockets.New(js, c, far) }, func(err error) { t.Error(err) })
		c.End()
	})
	if told != "failed" {
		t.Errorf("the other side was told %q", told)
	}
}

type ear string

func (e *ear) Message(m event.Message, done func()) { *e += ear(m.Data); done() }
func (e *ear) Closed(int, string)                   { *e += "closed" }
func (e *ear) Failed(error)                         { *e += "failed" }

func TestFlagOfLargeMessages(t *testing.T) {
	const source = log + `b.addEventListener("message", e => { seen.length = 0; seen.push("message " + e.data.byteLength) }); a.accept(); b.accept(); a.send(new Uint8Array(33 << 20)); await quiet(); return seen[0]`
	for flag, want := range map[string]string{"increase_websocket_message_size": "message 34603008", "no_websocket_standard_binary_type": "a close 1009,Message is too large: 34603008 > 33554432,true,2"} {
		e, _ := env(t, "2024-01-01", flag)
		e.Want(source, want)
	}
}
