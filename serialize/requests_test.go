package serialize

import (
	"context"
	"io"
	"strings"
	"testing"

	"workerd.local/event"
)

// ask runs a worker with requests for it, one after the other.
func (b *bench) ask(run func(Serve) Exit, requests ...*event.Request) (answers []string) {
	b.t.Helper()
	e := run(func(w *Worker) (func(), error) {
		f := NewFront(w)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for _, r := range requests {
				resp, err := f.Fetch(context.Background(), withHeader(r))
				if err != nil {
					answers = append(answers, "error: "+err.Error())
					continue
				}
				body, err := io.ReadAll(resp.Body.Reader())
				if err != nil {
					body = []byte(err.Error())
				}
				answers = append(answers, string(body))
			}
			f.Close()
		}()
		return func() { <-done }, nil
	})
	if e.Code != 0 {
		b.t.Errorf("exit %d: %s", e.Code, b.err.String())
	}
	return answers
}

func get(url string) *event.Request { return &event.Request{Method: "GET", URL: url} }

// Requests wait for install, and not for activate.
func TestRequestsOfTheListener(t *testing.T) {
	code := `
		const seen = [];
		addEventListener('install', e => { seen.push('install'); e.waitUntil(new Promise(r => setTimeout(r, 10)).then(() => seen.push('installed'))) });
		addEventListener('activate', e => { seen.push('activate'); e.waitUntil(new Promise(r => setTimeout(r, 1))) });
		addEventListener('fetch', e => {
			seen.push('fetch');
			const url = new URL(e.request.url), bag = e.request[Symbol.for('aworker.fetch.baggage')];
			if (url.pathname === '/silent') return;
			if (url.pathname === '/wrong') { e.respondWith('text'); return }
			if (url.pathname === '/late') { setTimeout(() => { try { e.respondWith(new Response('x')) } catch (x) { console.log(x.name) } }, 1); return }
			if (url.pathname === '/twice') { e.respondWith(new Response('first')); try { e.respondWith(new Response('x')) } catch (x) { console.log(x.name) } return }
			if (url.pathname === '/rejects') { e.respondWith(Promise.reject(new Error('mine'))); return }
			if (url.pathname === '/stream') { e.respondWith(new Response(new ReadableStream({ async start(c) { for (const s of ['a', 'b']) { await new Promise(r => setTimeout(r, 1)); c.enqueue(new TextEncoder().encode(s)) } c.close() } }))); return }
			if (url.pathname === '/body') { e.respondWith(e.request.text().then(t => new Response('got ' + t))); return }
			e.respondWith(new Response([seen.join(' '), bag.get('who'), e.clientId === ''].join('|')));
		});
		addEventListener('fetch', e => { if (new URL(e.request.url).pathname === '/twice') console.log('never') });`
	b := newBench(t, code)
	first := get("http://here.example/")
	first.Header = map[string][]string{"Baggage": {"WHO=ann%20b; p=1, x=2"}}
	post := &event.Request{Method: "POST", URL: "http://here.example/body", Body: event.BytesBody([]byte("this"))}
	dropped := &event.Request{Method: "GET", URL: "http://here.example/body", Body: event.BytesBody([]byte("that"))}
	got := b.ask(func(s Serve) Exit { return Run(b.ctx(), b.o, s) }, first, get("http://here.example/silent"), get("http://here.example/wrong"),
		get("http://here.example/late"), get("http://here.example/twice"), get("http://here.example/rejects"), get("http://here.example/stream"), post, dropped)
	want := []string{
		"install installed activate fetch|ann b|true", "error: Error: INTERNAL_ERROR: Event settled without response", "error: Error: INTERNAL_ERROR: Event settled without response",
		"error: Error: INTERNAL_ERROR: Event settled without response", "first", "error: Error: mine", "ab", "got this", "got ",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Fatalf("%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if b.out.String() != "InvalidStateError\nInvalidStateError\n" {
		t.Fatalf("printed %q", b.out.String())
	}
}

// A worker that goes on serves requests, and its fetch works.
func TestChildrenFetchAndServe(t *testing.T) {
	b := newBench(t, `
		let prepared;
		addEventListener('serialize', e => e.waitUntil(fetch('http://config.example/').then(r => r.text()).then(t => prepared = t)));
		addEventListener('fetch', e => e.respondWith(fetch('/more').then(r => r.text()).then(t => new Response(prepared + ' ' + t))));`)
	b.o.Location = "http://base.example/a/"
	b.o.Outbound = service(func(_ context.Context, req *event.Request) (*event.Response, error) {
		return answerText("from " + req.URL)
	})
	s := copied(t, b.snapshot(Startup))
	for range 2 {
		got := b.ask(func(serve Serve) Exit {
			w, err := restore(b.ctx(), s, Options{Outbound: b.o.Outbound})
			if err != nil {
				t.Fatal(err)
			}
			return w.child(b.ctx(), Child{}, b.o.withDefaults(), serve)
		}, get("http://here.example/"))
		if len(got) != 1 || got[0] != "from http://config.example/ from http://base.example/more" {
			t.Fatal(got)
		}
	}
}

// withHeader gives a request headers, which a server always does.
func withHeader(r *event.Request) *event.Request {
	if r.Header == nil {
		r.Header = map[string][]string{}
	}
	return r
}
