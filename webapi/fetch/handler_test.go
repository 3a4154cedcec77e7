package fetch_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/gates"
	"workerd.local/internal/jstest"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/fetch"
)

// tracked is a body that knows whether it was closed.
type tracked struct {
	io.Reader
	closed atomic.Bool
	done   chan struct{}
}

func track(r io.Reader) *tracked { return &tracked{Reader: r, done: make(chan struct{})} }

func (b *tracked) Close() error {
	if !b.closed.Swap(true) {
		close(b.done)
	}
	return nil
}

// handler is one call of a handler: what it returns goes through ToResponse.
type handler struct {
	t   testing.TB
	env *jstest.Env
	fn  goja.Value
}

func newHandler(t testing.TB, e *jstest.Env, source string) *handler {
	t.Helper()
	h := &handler{t: t, env: e}
	e.In(func(js *isolate.JS, _ *iocontext.Context) {
		v, err := js.Runtime().RunString("(" + source + ")")
		if err != nil {
			t.Error(err)
		}
		h.fn = v
	})
	if h.fn == nil {
		t.FailNow()
	}
	return h
}

func (h *handler) serve(c *iocontext.Context, req *event.Request) (*event.Response, error) {
	type answer struct {
		resp *event.Response
		err  error
	}
	out := make(chan answer, 1)
	h.env.OnLoop(func() {
		c.RunIn(iocontext.Entry{}, func(js *isolate.JS) {
			p, err := js.Call(h.fn, nil, fetch.NewRequest(js, c, req))
			if err != nil {
				out <- answer{nil, err}
				return
			}
			js.OnSettled(p, func(js *isolate.JS, v goja.Value, err error) {
				var resp *event.Response
				if err == nil {
					resp, err = fetch.ToResponse(js, c, v, fetch.Answer{Request: req})
				}
				out <- answer{resp, err}
			})
		}, func(err error) { out <- answer{nil, err} })
	})
	a := <-out
	return a.resp, a.err
}

func get() *event.Request {
	return &event.Request{Method: "GET", URL: "http://x/a b", Header: http.Header{"A": {"1"}}, CF: []byte(`{"k":1}`)}
}

func TestNewRequestIsLazyAndImmutable(t *testing.T) {
	e := newEnv(t, echo)
	h := newHandler(t, e, `async r => Response.json([r.method, r.url, [...r.headers], r.cf, r.redirect, r.body, r.headers === r.headers])`)
	resp, err := h.serve(e.Context(), get())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(resp.Body.Bytes), `["GET","http://x/a%20b",[["a","1"]],{"k":1},"manual",null,true]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, err := newHandler(t, e, `async r => { r.headers.set('a', 'b') }`).serve(e.Context(), get()); err == nil || err.Error() != "TypeError: Can't modify immutable headers." {
		t.Errorf("changing the headers of a request: %v", err)
	}
	bad := get()
	bad.CF = []byte("{")
	if _, err := newHandler(t, e, `async r => Response.json(r.cf)`).serve(e.Context(), bad); err == nil || !strings.HasPrefix(err.Error(), "SyntaxError: ") {
		t.Errorf("cf that is not JSON: %v", err)
	}
}

func TestToResponseRefuses(t *testing.T) {
	e := newEnv(t, echo)
	for _, c := range [][2]string{
		{`async r => 5`, "TypeError: Incorrect type for Promise: the Promise did not resolve to 'Response'."},
		{`async r => {}`, "TypeError: Incorrect type for Promise: the Promise did not resolve to 'Response'."},
		{`r => new Request('http://x')`, "TypeError: Incorrect type for Promise: the Promise did not resolve to 'Response'."},
		{`async r => Response.error()`, "TypeError: Return value from serve handler must not be an error response (like Response.error())"},
		{`async r => { const x = new Response('a'); await x.text(); return x }`, "TypeError: Body has already been used. It can only be used once. Use tee() first if you need to read it twice."},
		{`async r => { const x = new Response(new ReadableStream()); x.body.getReader(); return x }`, "TypeError: The ReadableStream has been locked to a reader."},
		{`async r => { throw new RangeError('x') }`, "RangeError: x"},
	} {
		if _, err := newHandler(t, e, c[0]).serve(e.Context(), get()); err == nil || err.Error() != c[1] {
			t.Errorf("%s gave %v, want %s", c[0], err, c[1])
		}
	}
}

func TestHostBodyPassesThroughUntouched(t *testing.T) {
	e := newEnv(t, echo)
	for _, src := range []string{
		`async r => new Response(r.body, {headers: {x: 'y'}})`,
		`async r => new Response(new Request(r).body)`,
		`async r => new Response(new Request('http://y', r).body)`,
		`async r => { r.body; return new Response(new Response(r.body).body) }`,
	} {
		body := track(strings.NewReader("abc"))
		req := get()
		req.Method, req.Body = "POST", event.StreamBody(body, 3)
		c := e.Context()
		resp, err := newHandler(t, e, src).serve(c, req)
		if err != nil {
			t.Fatalf("%s: %v", src, err)
		}
		if resp.Body.Stream != io.ReadCloser(body) || resp.Body.Length != 3 {
			t.Errorf("%s: the body became %T with length %d", src, resp.Body.Stream, resp.Body.Length)
		}
		e.OnLoop(c.End)
		if body.closed.Load() {
			t.Errorf("%s: the end of the context closed a body that it had given away", src)
		}
	}
}

func TestUntouchedBodyIsClosedWithContext(t *testing.T) {
	e := newEnv(t, echo)
	for _, src := range []string{`async r => new Response('x')`, `async r => { r.body.getReader(); return new Response('x') }`, `async r => { r.clone(); return new Response('x') }`} {
		body := track(strings.NewReader("abc"))
		req := get()
		req.Method, req.Body = "POST", event.StreamBody(body, 3)
		c := e.Context()
		if _, err := newHandler(t, e, src).serve(c, req); err != nil {
			t.Fatal(err)
		}
		e.OnLoop(c.End)
		<-body.done
	}
}

func TestForeignBody(t *testing.T) {
	const want = "Error: Cannot perform I/O on behalf of a different request. I/O objects (such as streams, request/response bodies, and others) created in the context of one request handler cannot be accessed from a different request's handler. This is a limitation of Cloudflare Workers which allows us to improve overall performance. (I/O type: ReadableStream)"
	e := newEnv(t, echo)
	keep := newHandler(t, e, `async r => { globalThis.kept = r; return new Response('x') }`)
	for _, src := range []string{
		`async () => new Response(await kept.text())`,
		`async () => new Response(kept.body)`,
		`async () => { await kept.body.getReader().read() }`,
		`async () => { kept.clone() }`,
	} {
		req := get()
		req.Method, req.Body = "POST", event.StreamBody(track(strings.NewReader("abc")), 3)
		first, second := e.Context(), e.Context()
		if _, err := keep.serve(first, req); err != nil {
			t.Fatal(err)
		}
		if _, err := newHandler(t, e, src).serve(second, get()); err == nil || err.Error() != want {
			t.Errorf("%s gave %v", src, err)
		}
	}
}

// TestScriptStream reads a stream of a script from outside, in both ways.
func TestScriptStream(t *testing.T) {
	e := newEnv(t, echo)
	src := `async () => { let n = 0; globalThis.pulls = 0; globalThis.canceled = false;
		return new Response(new ReadableStream({
			pull(c) { pulls++; if (n === 300) return c.close(); c.enqueue(new TextEncoder().encode(n++ + ',')) },
			cancel(why) { canceled = String(why) },
		})) }`
	var want bytes.Buffer
	for i := range 300 {
		want.WriteString(goja.New().ToValue(i).String() + ",")
	}
	for _, whole := range []func(r io.Reader) ([]byte, error){
		io.ReadAll,
		func(r io.Reader) ([]byte, error) {
			var buf bytes.Buffer
			_, err := r.(io.WriterTo).WriteTo(&buf)
			return buf.Bytes(), err
		},
	} {
		c := e.Context()
		resp, err := newHandler(t, e, src).serve(c, get())
		if err != nil {
			t.Fatal(err)
		}
		e.OnLoop(func() {
			if c.Tasks() != 1 {
				t.Errorf("%d tasks while the stream is open", c.Tasks())
			}
		})
		got, err := whole(resp.Body.Stream)
		if err != nil || !bytes.Equal(got, want.Bytes()) {
			t.Errorf("read %q, %v", got, err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
		e.OnLoop(func() {
			if c.Tasks() != 0 {
				t.Errorf("%d tasks after the end", c.Tasks())
			}
		})
		e.Want(`return canceled`, "false")
	}
	// Who reads one byte makes the script make little more.
	resp, err := newHandler(t, e, src).serve(e.Context(), get())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(resp.Body.Stream, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	e.Want(`return pulls < 4`, "true")
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	e.Want(`return canceled`, "Error: Network connection lost.")
	if _, err := resp.Body.Stream.Read(make([]byte, 9)); err == nil {
		t.Error("a closed body can be read")
	}
}

// TestStreamsOfText has bodies whose chunks are strings: what the host reads is their UTF-8.
func TestStreamsOfText(t *testing.T) {
	e := newEnv(t, echo)
	for _, c := range [][2]string{
		{`new ReadableStream({ start(c) { c.enqueue('aü'); c.enqueue(''); c.enqueue(new TextEncoder().encode('b')); c.enqueue('😀'); c.close() } })`, "aüb😀"},
		{`new ReadableStream({ start(c) { this.n = 0 }, async pull(c) { await null; c.enqueue('n' + this.n); if (++this.n > 2) c.close() } })`, "n0n1n2"},
		{`new ReadableStream({ start(c) { c.enqueue('a\ud83d'); c.enqueue('\ude00b'); c.close() } })`, "a\ufffd\ufffdb"},
		{`new ReadableStream({ start(c) { c.enqueue('x'); c.close() } }).pipeThrough(new TransformStream({ transform(x, c) { c.enqueue(x + x) } }))`, "xx"},
		{`(await fetch('http://a/', { method: 'POST', body: new ReadableStream({ start(c) { c.enqueue('sent'); c.close() } }) })).body`,
			`{"b":"sent","cf":"","h":[["transfer-encoding","chunked"]],"m":"POST","n":-1,"r":"manual","u":"http://a/"}`},
	} {
		resp, err := newHandler(t, e, `async () => new Response(`+c[0]+`)`).serve(e.Context(), get())
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(resp.Body.Stream); err != nil || string(b) != c[1] {
			t.Errorf("%s gave %q and %v, want %q", c[0], b, err, c[1])
		}
	}
}

func TestScriptStreamFails(t *testing.T) {
	e := newEnv(t, echo)
	for _, c := range [][2]string{
		{`async () => new Response(new ReadableStream({ pull(c) { throw new RangeError('p') } }))`, "RangeError: p"},
		{`async () => new Response(new ReadableStream({ start(c) { c.enqueue('text'); c.enqueue(5) } }))`, "TypeError: Draining read encountered a value that cannot be converted to bytes"},
		{`async () => new Response(new ReadableStream({ start(c) { c.enqueue(null) } }))`, "TypeError: Draining read encountered a value that cannot be converted to bytes"},
	} {
		resp, err := newHandler(t, e, c[0]).serve(e.Context(), get())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(resp.Body.Stream); err == nil || err.Error() != c[1] {
			t.Errorf("%s gave %v, want %s", c[0], err, c[1])
		}
	}
	c := e.Context()
	resp, err := newHandler(t, e, `async () => new Response(new ReadableStream({}))`).serve(c, get())
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	go func() {
		_, err := resp.Body.Stream.Read(make([]byte, 1))
		failed <- err
	}()
	e.OnLoop(func() { c.Abort(errors.New("gone")) })
	if err := <-failed; err == nil {
		t.Error("a read survived its context")
	}
}

func TestActorOutputWaitsForGate(t *testing.T) {
	e := newEnv(t, echo)
	var c *iocontext.Context
	var lock *gates.OutputLock
	e.OnLoop(func() {
		g := &iocontext.Gates{Input: gates.NewInputGate(e.Isolate.Loop()), Output: gates.NewOutputGate(e.Isolate.Loop())}
		c = iocontext.New(e.Realm, iocontext.Options{Gates: g})
		lock = g.Output.Lock()
	})
	var calls atomic.Int32
	arrived := make(chan struct{}, 1)
	e.OnLoop(func() {
		c.RunIn(iocontext.Entry{}, func(js *isolate.JS) {
			svc := service(echo)
			p, err := fetch.Fetch(js, countingService{svc, &calls}, js.Runtime().ToValue("http://x"), goja.Undefined())
			if err != nil {
				t.Error(err)
				return
			}
			js.OnSettled(p.(*goja.Object), func(_ *isolate.JS, _ goja.Value, err error) {
				if err != nil {
					t.Error(err)
				}
				arrived <- struct{}{}
			})
		}, nil)
	})
	e.OnLoop(func() {})
	if n := calls.Load(); n != 0 {
		t.Errorf("%d requests left while the gate was closed", n)
	}
	e.OnLoop(func() { lock.Release(nil) })
	<-arrived
	if n := calls.Load(); n != 1 {
		t.Errorf("%d requests left", n)
	}
	e.OnLoop(c.End)
}

type countingService struct {
	service
	calls *atomic.Int32
}

func (s countingService) Fetch(ctx context.Context, req *event.Request) (*event.Response, error) {
	s.calls.Add(1)
	return s.service(ctx, req)
}

func BenchmarkTrivialHandler(b *testing.B) {
	e := newEnv(b, echo)
	h := newHandler(b, e, `async r => new Response('hello')`)
	b.ReportAllocs()
	e.OnLoop(func() {
		for b.Loop() {
			c := iocontext.New(e.Realm, iocontext.Options{})
			c.RunIn(iocontext.Entry{}, func(js *isolate.JS) {
				p, err := js.Call(h.fn, nil, fetch.NewRequest(js, c, &event.Request{Method: "GET", URL: "http://x/"}))
				if err != nil {
					b.Error(err)
					return
				}
				js.OnSettled(p, func(js *isolate.JS, v goja.Value, err error) {
					if _, err := fetch.ToResponse(js, c, v, fetch.Answer{}); err != nil {
						b.Error(err)
					}
				})
			}, nil)
			c.End()
		}
	})
}

// BenchmarkPassThrough moves 100 MB through new Response(request.body).
func BenchmarkPassThrough(b *testing.B) {
	const size = 100 << 20
	e := newEnv(b, echo)
	h := newHandler(b, e, `async r => new Response(r.body)`)
	b.SetBytes(size)
	for b.Loop() {
		req := get()
		req.Body = event.StreamBody(io.NopCloser(io.LimitReader(endlessReader{}, size)), size)
		resp, err := h.serve(e.Context(), req)
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, resp.Body.Stream); n != size || err != nil {
			b.Fatal(n, err)
		}
	}
}

// BenchmarkScriptStream reads chunks of 64 KiB that a script makes.
func BenchmarkScriptStream(b *testing.B) {
	const chunks = 64
	e := newEnv(b, echo)
	h := newHandler(b, e, `async r => { let n = 0; const chunk = new Uint8Array(65536); return new Response(new ReadableStream({ pull(c) { n++ < 64 ? c.enqueue(chunk) : c.close() } })) }`)
	b.SetBytes(chunks << 16)
	for b.Loop() {
		resp, err := h.serve(e.Context(), get())
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, resp.Body.Stream); n != chunks<<16 || err != nil {
			b.Fatal(n, err)
		}
	}
}
