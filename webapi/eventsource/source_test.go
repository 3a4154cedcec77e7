package eventsource

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"workerd.local/event"
	"workerd.local/internal/jstest"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/encoding"
	"workerd.local/webapi/events"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/streams"
	"workerd.local/webapi/timers"
	"workerd.local/webapi/url"
)

func parseAll(t *testing.T, in string, n int) string {
	t.Helper()
	p := newParser(1000, "")
	var out []string
	for in != "" {
		piece := in[:min(n, len(in))]
		in = in[len(piece):]
		ms, err := p.feed([]byte(piece))
		if err != nil {
			return err.Error()
		}
		for _, m := range ms {
			out = append(out, fmt.Sprintf("%s %q %s", m.event, m.data, m.id))
		}
	}
	return strings.Join(out, "|")
}

func TestEventStreams(t *testing.T) {
	for in, want := range map[string]string{
		"data: a\n\n":                                             ` "a" `,
		"\ufeffdata:a\r\ndata:  b\r\n\r\n":                        ` "a\n b" `,
		"data: a\r\rdata: b\r\r":                                  ` "a" | "b" `,
		": comment\nevent: x\ndata\ndata: y\n\n":                  `x "\ny" `,
		"id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n":            ` "a" 1| "b" 1| "c" `,
		"id: 1\x00\ndata: a\n\n":                                  ` "a" `,
		"event: x\n\ndata: a\n\n":                                 ` "a" `,
		"data: lost":                                              ``,
		"data: lost\n":                                            ``,
		"datax: a\ndata : b\n\n":                                  ``,
		"data: \xff\n\n":                                          " \"\ufffd\" ",
		"data: " + strings.Repeat("x", 2000):                      "RangeError: The event stream has an event that is too long.",
		strings.Repeat("data: "+strings.Repeat("x", 200)+"\n", 9): "RangeError: The event stream has an event that is too long.",
	} {
		for n := 1; n < 12; n++ {
			if got := parseAll(t, in, n); got != want {
				t.Errorf("%.40q in pieces of %d: %s, want %s", in, n, got, want)
			}
		}
	}
	p := newParser(100, "")
	if _, err := p.feed([]byte("retry: 1500\nretry: x\n")); err != nil || p.retry != 1500 {
		t.Error(p.retry, err)
	}
}

func FuzzEventStream(f *testing.F) {
	f.Add("\ufeffid: 1\r\nevent: a\ndata: b\r\rdata\n\n", 3)
	f.Fuzz(func(t *testing.T, in string, n int) {
		n = max(1, n&63)
		if a, b := parseAll(t, in, len(in)+1), parseAll(t, in, n); a != b && !strings.HasPrefix(a, "RangeError") && !strings.HasPrefix(b, "RangeError") {
			t.Fatalf("%q: %s in pieces of %d, else %s", in, b, n, a)
		}
	})
}

// server answers each request with what its path says.
type server struct{ n map[string]int }

func (*server) Deliver(context.Context, event.Event) (event.Outcome, error) {
	return event.Outcome{}, event.ErrUnsupported
}

func (s *server) Fetch(_ context.Context, req *event.Request) (*event.Response, error) {
	_, path, _ := strings.Cut(strings.TrimPrefix(req.URL, "http://"), "/")
	s.n[path]++
	resp := &event.Response{Status: 200, Header: http.Header{"Content-Type": {"text/event-stream; charset=utf-8"}}}
	text := ""
	switch path {
	case "echo":
		text = fmt.Sprintf("data: %s %s\n\n", req.Header.Get("Accept"), req.Header.Get("Cache-Control"))
	case "again":
		text = fmt.Sprintf("retry: 1\nid: %d\nevent: ping\ndata: %d after %s\n\n", s.n[path], s.n[path], req.Header.Get("Last-Event-ID"))
	case "status":
		resp.Status = 500
	case "type":
		resp.Header.Set("Content-Type", "text/plain")
	case "none":
		resp.Header.Del("Content-Type")
	case "empty":
		resp.Status, resp.Body = http.StatusResetContent, event.NoBody // which has none
		return resp, nil
	case "down":
		return nil, io.ErrUnexpectedEOF
	}
	resp.Body = event.StreamBody(io.NopCloser(strings.NewReader(text)), -1)
	return resp, nil
}

func env(t *testing.T) *jstest.Env {
	set := bind.Module{Name: "set", Setup: func(js *isolate.JS) error { fetch.SetOutbound(js, &server{map[string]int{}}); return nil }}
	return jstest.New(t, url.Module, encoding.Module, events.Module, timers.Module, streams.Module, fetch.Module, Module, set)
}

func TestEventSource(t *testing.T) {
	e := env(t)
	for source, want := range map[string]string{
		`const es = new EventSource("http://x/echo"); const seen = [es.readyState, es.url, es.withCredentials];
		await new Promise(done => { es.onopen = () => seen.push("open", es.readyState); es.onmessage = e => { seen.push(e.data, e.origin, e.type, e.isTrusted); es.close(); done() } });
		return seen.concat(es.readyState).join()`: "0,http://x/echo,false,open,1,text/event-stream no-cache,http://x,message,true,2",
		// The server ends the stream: it is asked again, with the id of the last event.
		`const es = new EventSource("http://x/again"); const seen = [];
		await new Promise(done => {
			es.onerror = e => seen.push(e.error.message, es.readyState);
			es.addEventListener("ping", e => { seen.push(e.data, e.lastEventId); if (e.lastEventId == "2") { es.close(); done() } });
		});
		return seen.join()`: "1 after ,1,The server disconnected.,0,2 after 1,2",
		`const es = EventSource.from(new Response("data: a\n\nevent: own\ndata: b\n\n").body); const seen = [es.readyState, es.url];
		await new Promise(done => { es.onmessage = e => seen.push(e.data, e.origin); es.onown = e => seen.push(e.data); es.onerror = e => { seen.push(e.message, es.readyState); done() } });
		return seen.join()`: "1,,a,,b,Error: The server disconnected.,2",
		`const es = EventSource.from(new ReadableStream()); es[Symbol.dispose](); return es.readyState`:              "2",
		`return [EventSource.CONNECTING, EventSource.prototype.OPEN, EventSource.CLOSED, EventSource.length].join()`: "0,1,2,1",
	} {
		e.Want(source, want)
	}
	for path, want := range map[string]string{
		"status": "The response status code was 500.", "type": "The content type 'text/plain' is invalid.",
		"none": "No content type header was present in the response.", "down": "Network connection lost.",
	} {
		e.Want(`const es = new EventSource("http://x/`+path+`"); return new Promise(done => es.onerror = e => done(e.error.message + es.readyState))`, want+"2")
	}
	e.Want(`const es = new EventSource("http://x/empty"); return new Promise(done => es.onerror = e => { es.close(); done(e.error.message) })`, "The server provided no content. Will try reconnecting.")
}

func TestWrongEventSources(t *testing.T) {
	e := env(t)
	for source, want := range map[string]string{
		`new EventSource()`:       "TypeError: Failed to construct 'EventSource': constructor parameter 1 is not of type 'string'.",
		`new EventSource("nope")`: "SyntaxError: Cannot open an EventSource to 'nope'. The URL is invalid.",
		`new EventSource("http://x", { withCredentials: true })`:             "NotSupportedError: The init.withCredentials option is not supported. It must be false or undefined.",
		`new EventSource("http://x", { fetcher: {} })`:                       "TypeError: Incorrect type for the 'fetcher' field on 'EventSourceInit': the provided value is not of type 'Fetcher'.",
		`EventSource.from("x")`:                                              "TypeError: Failed to execute 'from' on 'EventSource': parameter 1 is not of type 'ReadableStream'.",
		`const s = new ReadableStream(); s.getReader(); EventSource.from(s)`: "TypeError: This ReadableStream is locked.",
		`const s = new ReadableStream(); s.cancel(); EventSource.from(s)`:    "TypeError: This ReadableStream has already been read from.",
	} {
		e.WantError(source, want)
	}
}
