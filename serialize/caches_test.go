package serialize

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"workerd.local/event"
	"workerd.local/internal/jstest"
	"workerd.local/internal/limits"
)

// origin answers with what it was asked, and counts.
type origin struct {
	slow chan struct{} // closed once what is slow is answered; nil for in a moment

	mu    sync.Mutex // guards asked
	asked []string
}

// times is how often a path was asked for.
func (o *origin) times(path string) (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, url := range o.asked {
		if url == "http://x.example/"+path {
			n++
		}
	}
	return n
}

func (o *origin) service() service {
	return func(ctx context.Context, req *event.Request) (*event.Response, error) {
		o.mu.Lock()
		o.asked = append(o.asked, req.URL)
		n := len(o.asked)
		o.mu.Unlock()
		resp := &event.Response{Status: 200, Header: http.Header{"X-Asked": {fmt.Sprint(n)}}, Body: event.BytesBody([]byte("page " + req.URL))}
		switch {
		case strings.HasSuffix(req.URL, "/down"):
			return nil, errors.New("no such host")
		case strings.HasSuffix(req.URL, "/slow"):
			var late <-chan time.Time
			if o.slow == nil {
				late = time.After(30 * time.Millisecond)
			}
			select {
			case <-late:
			case <-o.slow:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		case strings.HasSuffix(req.URL, "/never"):
			<-ctx.Done()
			return nil, ctx.Err()
		}
		if s := req.Header.Get("X-Status"); s != "" {
			if _, err := fmt.Sscan(s, &resp.Status); err != nil {
				return nil, err
			}
		}
		if v := req.Header.Get("X-Vary"); v != "" {
			resp.Header.Set("Vary", v)
		}
		return resp, nil
	}
}

func TestCaches(t *testing.T) {
	const page = `const cache = await caches.open('v1'); const text = async (r) => r && await r.text();
		const put = (url, body, init) => cache.put(url, new Response(body, init));
		const fails = async (p) => { try { await p; return 'no error' } catch (e) { return e.name + ': ' + e.message } };
		`
	for _, c := range []struct{ name, code, want string }{
		{"classes", `console.log(caches instanceof CacheStorage, cache instanceof Cache, String(caches), String(cache));
			for (const C of [Cache, CacheStorage]) try { new C() } catch (e) { console.log(e.message) }`,
			"true true [object CacheStorage] [object Cache]\nIllegal constructor\nIllegal constructor"},
		{"names", `await Promise.all([caches.open('b'), caches.open('a'), caches.open('b'), caches.open(7)]);
			console.log((await caches.keys()).join(), await caches.has('a'), await caches.has('x'), await caches.delete('a'), await caches.delete('a'), await caches.has('a'));
			console.log(await caches.has('7'), (await caches.keys()).join())`, "v1,b,a,7 true false true false false\ntrue v1,b,7"},
		{"what was put is found", `await put('http://x.example', 'root'); await put('http://x.example/with-hash#part', 'hash', { status: 201, statusText: 'Made', headers: { a: 'b' } });
			const r = await cache.match('http://x.example/with-hash');
			console.log(r.status, r.statusText, r.headers.get('a'), r.url === '', await text(r), await text(await cache.match('http://x.example/#other')), await cache.match('http://x.example/none'));
			console.log(await text(await cache.match('http://x.example/')), (await cache.keys()).map((r) => r.url).join(' '), await text(await caches.match('http://x.example/')), await caches.match('http://y.example/'))`,
			"201 Made b true hash root undefined\nroot http://x.example/ http://x.example/with-hash#part root undefined"},
		{"the search", `for (const s of ['?a', '', '?b']) await put('http://x.example/p' + s, 'p' + s);
			console.log(await text(await cache.match('http://x.example/p')), await text(await cache.match('http://x.example/p', { ignoreSearch: true })), await cache.match('http://x.example/p?c'));
			console.log((await Promise.all((await cache.matchAll('http://x.example/p?zz', { ignoreSearch: true })).map(text))).join(), (await cache.matchAll()).length, (await cache.matchAll('http://x.example/p')).length)`,
			"p p?a undefined\np?a,p,p?b 3 1"},
		{"the method", `await put('http://x.example/', 'got'); const post = new Request('http://x.example/', { method: 'POST' });
			console.log(await cache.match(post), await text(await cache.match(post, { ignoreMethod: true })), (await cache.matchAll(post)).length, (await cache.keys(post)).length, await cache.delete(post), await cache.delete(post, { ignoreMethod: true }), (await cache.keys()).length);
			console.log(await fails(cache.put(post, new Response('x')))); console.log(await fails(cache.add(post)))`,
			"undefined got 0 0 false true 0\nTypeError: Unable to cache requests other than GET method\nTypeError: Unable to cache requests other than GET method"},
		{"what varies", `const ask = (lang) => new Request('http://x.example/', { headers: { lang, other: 'x' } });
			for (const lang of ['de', 'en']) await put(ask(lang), lang, { headers: { vary: 'LANG, missing' } });
			console.log(await text(await cache.match(ask('de'))), await text(await cache.match(ask('en'))), await cache.match(ask('fr')), await cache.match('http://x.example/'));
			console.log((await Promise.all((await cache.matchAll(ask('fr'), { ignoreVary: true })).map(text))).join(), (await cache.keys()).map((r) => r.headers.get('lang')).join());
			await put(ask('de'), 'again', { headers: { vary: 'lang' } }); console.log((await Promise.all((await cache.matchAll()).map(text))).join());
			await put(ask('xx'), 'plain'); console.log((await Promise.all((await cache.matchAll()).map(text))).join())`,
			"de en undefined undefined\nde,en de,en\nen,again\nen,again,plain"},
		{"headers are immutable", `await put(new Request('http://x.example/', { headers: { a: '1' } }), 'x', { headers: { b: '2' } });
			const r = await cache.match('http://x.example/'), [k] = await cache.keys();
			for (const h of [r.headers, k.headers]) try { h.set('a', 'z'); console.log('set') } catch (e) { console.log(e.name) }
			console.log(k.headers.get('a'), r.headers.get('b'), k.method)`, "TypeError\nTypeError\n1 2 GET"},
		{"each gets a response of its own", `await put('http://x.example/', 'body'); const [a, b] = await Promise.all([cache.match('http://x.example/'), cache.match('http://x.example/')]);
			console.log(a !== b, await a.text(), a.bodyUsed, b.bodyUsed, await b.text(), (await cache.match('http://x.example/')).body !== null);
			await put('http://x.example/e', null); console.log((await cache.match('http://x.example/e')).body)`, "true body true false body true\nnull"},
		{"a response is used up", `const r = new Response('once'); await cache.put('http://x.example/', r); console.log(r.bodyUsed, (await fails(cache.put('http://x.example/', r))).slice(0, 9));
			await put('http://x.example/s', new ReadableStream({ async start(c) { for (const s of ['a', 'b']) { await new Promise((r) => setTimeout(r, 1)); c.enqueue(new TextEncoder().encode(s)) } c.close() } }));
			console.log(await text(await cache.match('http://x.example/s')));
			console.log(await fails(put('http://x.example/f', new ReadableStream({ pull(c) { c.error(new Error('torn')) } }))), await cache.match('http://x.example/f'))`,
			"true TypeError\nab\nError: torn undefined"},
		{"add", `await cache.add('http://x.example/p'); await cache.add(new Request('http://x.example/q')); await cache.addAll(['http://x.example/r', 'http://x.example/r?s']);
			const r = await cache.match('http://x.example/p'); console.log(r.url, r.status, await r.text(), (await cache.keys()).map((r) => r.url.slice(17)).join());
			await cache.add('http://x.example/p'); console.log(r.headers.get('x-asked'), (await cache.match('http://x.example/p')).headers.get('x-asked'), await cache.addAll([]))`,
			"http://x.example/p 200 page http://x.example/p p,q,r,r?s\n1 1 undefined"},
		{"one of many fetches", `await Promise.all([cache.add('http://x.example/slow'), cache.add('http://x.example/slow'), cache.addAll(['http://x.example/a', 'http://x.example/slow']), cache.addAll(['http://x.example/slow', 'http://x.example/a'])]);
			console.log((await cache.keys()).length, Math.max(...(await cache.matchAll()).map((r) => r.headers.get('x-asked'))));
			await cache.delete('http://x.example/slow'); await cache.add('http://x.example/slow'); console.log((await cache.match('http://x.example/slow')).headers.get('x-asked'))`, "2 2\n3"},
		{"what cannot be kept", `for (const status of [206, 301, 302, 400, 500]) try { await cache.add(new Request('http://x.example/', { redirect: 'manual', headers: { 'x-status': String(status) } })); console.log('added') } catch (e) { console.log(e.name, e.response instanceof Response, e.response.status) }
			for (const vary of ['*', 'it, *']) try { await cache.add(new Request('http://x.example/', { headers: { 'x-vary': vary } })); console.log('added') } catch (e) { console.log(e.name, e.response.headers.get('vary')) }
			console.log(await fails(put('http://x.example/', 'x', { status: 404 }))); console.log(await fails(put('http://x.example/', 'x', { headers: { vary: '*' } }))); console.log(await fails(cache.put('http://x.example/', Response.error())));
			console.log(await fails(cache.add('http://x.example/down'))); console.log((await cache.keys()).length)`,
			"TypeError true 206\nTypeError true 301\nTypeError true 302\nTypeError true 400\nTypeError true 500\nTypeError *\nTypeError it, *\n" +
				"TypeError: Error response is not cache-able: status(404)\nTypeError: Vary with \"*\" is not cache-able.\nTypeError: Error response is not cache-able: status(0)\nTypeError: fetch failed: no such host\n0"},
		{"all or nothing", `const bad = new Request('http://x.example/b', { headers: { 'x-status': '500' } });
			console.log((await fails(cache.addAll(['http://x.example/never', bad, 'http://x.example/a']))).slice(0, 9), (await cache.keys()).length);
			console.log((await fails(cache.addAll(['http://x.example/a', 'http://x.example/a#b']))), (await cache.keys()).length);
			const ask = (lang) => new Request('http://x.example/', { headers: { lang, 'x-vary': 'lang' } }); await cache.addAll([ask('de'), ask('en')]); console.log((await cache.keys()).length)`,
			"TypeError 0\nInvalidStateError: Two of the requests have one place in the cache. 0\n2"},
		{"a failure lets the next one try", `const r = await Promise.allSettled([cache.add(new Request('http://x.example/', { headers: { 'x-status': '400' } })), cache.add('http://x.example/')]);
			console.log(r.map((r) => r.status).join(), (await cache.matchAll('http://x.example/')).length)`, "rejected,fulfilled 1"},
		{"a cache that was deleted", `await put('http://x.example/', 'old'); await caches.delete('v1'); console.log(await cache.match('http://x.example/'), (await cache.keys()).length, await cache.delete('http://x.example/'));
			await put('http://x.example/', 'new'); console.log(await text(await cache.match('http://x.example/')), (await cache.keys()).length)`, "undefined 0 false\nnew 1"},
		{"one of the caches", `const other = await caches.open('v2'); await other.put('http://x.example/', new Response('second')); console.log(await text(await caches.match('http://x.example/')));
			await put('http://x.example/', 'first'); for (const cacheName of ['v1', 'v2', 'v3']) console.log(await text(await caches.match('http://x.example/', { cacheName })))`, "second\nfirst\nsecond\nundefined"},
		{"task-local storage", `const als = new aworker.AsyncLocalStorage(); await als.run(1, async () => { await caches.delete('v1'); await (await caches.open('v1')).add('http://x.example/'); await cache.matchAll('http://x.example/'); console.log(als.getStore()) }); console.log(als.getStore())`, "1\nundefined"},
		{"wrong values", `for (const bad of [() => caches.open(), () => caches.has(), () => caches.delete(), () => caches.match(), () => caches.open(Symbol()), () => cache.match(), () => cache.put('http://x.example/'), () => cache.put('http://x.example/', 'text'), () => cache.put('ftp://x.example/', new Response('')), () => cache.match('file:///etc'), () => cache.add(), () => cache.add('data:,x'), () => cache.addAll(), () => cache.addAll(3),
				() => cache.match('http://x.example/', 3), async () => Cache.prototype.match.call({}, 'http://x.example/'), () => cache.addAll({ *[Symbol.iterator]() { for (;;) yield 'http://x.example/' } })])
				console.log((await fails(bad())).split(': function called')[0])`,
			"TypeError: Failed to execute 'open' on 'CacheStorage': parameter 1 is not of type 'string'.\nTypeError: Failed to execute 'has' on 'CacheStorage': parameter 1 is not of type 'string'.\nTypeError: Failed to execute 'delete' on 'CacheStorage': parameter 1 is not of type 'string'.\n" +
				"TypeError: Failed to execute 'match' on 'CacheStorage': parameter 1 is not of type 'Request or string'.\nTypeError: Cannot convert a Symbol value to a string\nTypeError: Failed to execute 'match' on 'Cache': parameter 1 is not of type 'Request or string'.\n" +
				"TypeError: Failed to execute 'put' on 'Cache': parameter 2 is not of type 'Response'.\nTypeError: Failed to execute 'put' on 'Cache': parameter 2 is not of type 'Response'.\nTypeError: Expect a request with http/https url\nTypeError: Expect a request with http/https url\n" +
				"TypeError: Failed to execute 'add' on 'Cache': parameter 1 is not of type 'Request or string'.\nTypeError: Expect a request with http/https url\nTypeError: Failed to execute 'addAll' on 'Cache': parameter 1 is not of type 'sequence'.\nTypeError: Failed to execute 'addAll' on 'Cache': parameter 1 is not of type 'sequence'.\n" +
				"TypeError: Failed to execute 'match' on 'Cache': parameter 2 is not of type 'CacheQueryOptions'.\nTypeError: Illegal invocation\nRangeError: addAll takes at most 1000 requests."},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, "")
			b.o.Program = module(t, page+c.code)
			b.o.Outbound = (&origin{}).service()
			if e := Run(b.ctx(), b.o, nil); e.Code != 0 || b.out.String() != c.want+"\n" {
				t.Fatalf("exit %d\n got %q\nwant %q\n%s", e.Code, b.out.String(), c.want+"\n", b.err.String())
			}
		})
	}
}

func TestCachesAreBounded(t *testing.T) {
	b := newBench(t, "")
	b.o.Program = module(t, `
		const fails = (p) => p.then(() => 'fits', (e) => e.name);
		const cache = await caches.open('c'), put = (n, size) => fails(cache.put('http://x.example/' + n, new Response('x'.repeat(size))));
		console.log(await put(1, 4000), await put(2, 4000), await put(3, 2000), await put(1, 5000), await put(2, 1000), await put(3, 2000));
		console.log((await Promise.all((await cache.matchAll()).map((r) => r.text()))).map((t) => t.length).join());
		await cache.delete('http://x.example/1'); console.log(await put(4, 4000), await caches.delete('c'));
		let n = 0; while (await fails(caches.open('n' + n)) === 'fits') n++; console.log(n);
		for (const name of await caches.keys()) await caches.delete(name);
		console.log(await fails(caches.open('c')), await put(1, 7000));
		let spaces = 0; while (await fails(aworker.kvStorages.open('n' + spaces)) === 'fits') spaces++; console.log(spaces)`)
	bounds, err := limits.Parse("aworker.caches=10KiB", "aworker.kv-namespaces=3")
	if err != nil {
		t.Fatal(err)
	}
	b.o.Limits.Bounds = bounds
	b.want(Run(b.ctx(), b.o, nil), 0, "fits fits QuotaExceededError QuotaExceededError fits fits", "4000,1000,2000", "fits true", "19", "fits fits", "3")
}

// What a worker put into caches and stores before it parked its children share, in a copy of the
// seed's; what one of them puts there the others see. A snapshot has them, too.
func TestCachesOfChildren(t *testing.T) {
	code := `
		let cache, kv;
		addEventListener('serialize', (e) => e.waitUntil((async () => {
			cache = await caches.open('warm'); kv = await aworker.kvStorages.open('n');
			await cache.addAll(['http://x.example/slow', 'http://x.example/b']); await kv.set('k', 'seed');
			globalThis.under = cache.add('http://x.example/never').catch((e) => e.message.includes('CONNECTION_RESET'));
		})()));
		addEventListener('install', (e) => e.waitUntil((async () => {
			const text = async (v) => v && new TextDecoder().decode(v);
			console.log(await (await cache.match('http://x.example/b')).text(), await text(await kv.get('k')), (await caches.keys()).join(), (await cache.keys()).length, await under);
			if (aworker.env.WRITE) { await cache.put('http://x.example/b', new Response('by ' + aworker.env.WRITE)); await kv.set('k', 'by ' + aworker.env.WRITE) }
			if (aworker.env.ADD) await cache.add('http://x.example/slow?2').catch(() => 0);
		})()));`
	o := &origin{}
	b := newBench(t, code)
	b.o.Outbound = o.service()
	s := b.seed(2)
	for _, c := range []struct{ env, want string }{
		{"A=1", "page http://x.example/b seed warm 2 true"}, {"WRITE=one", "page http://x.example/b seed warm 2 true"},
		{"A=1", "by one by one warm 2 true"}, {"WRITE=two", "by one by one warm 2 true"}, {"A=1", "by two by two warm 2 true"},
	} {
		if out, e := b.forked(s, Child{Env: []string{c.env}}); e.Code != 0 || out != c.want {
			t.Errorf("%s: exit %d, %q, want %q; %s", c.env, e.Code, out, c.want, b.err.String())
		}
	}
	if n := o.times("slow") + o.times("b"); n != 2 {
		t.Errorf("the network was asked %d times, and 2 by the seed", n)
	}
	// A twin that is made now begins with what the seed had, and shares what there is.
	if w, err := s.twin(b.ctx()); err != nil {
		t.Error(err)
	} else {
		if list := w.depot.caches.entries("warm", nil, cacheQuery{}); len(list) != 2 || string(list[1].answer.body) != "page http://x.example/b" {
			t.Errorf("a twin has %d entries", len(list))
		}
		w.close()
	}
	b = newBench(t, strings.Replace(code, "globalThis.under = cache.add('http://x.example/never')", "globalThis.under = Promise.reject(new Error('CONNECTION_RESET'))", 1))
	b.o.Outbound = (&origin{}).service()
	file := copied(t, b.snapshot(Startup))
	for range 2 {
		c := &bench{t: t}
		w, err := restore(c.ctx(), file, Options{})
		if err != nil {
			t.Fatal(err)
		}
		e := w.child(c.ctx(), Child{Env: []string{"WRITE=x"}}, Options{Stdout: &c.out, Stderr: &c.err}.withDefaults(), nil)
		c.want(e, 0, "page http://x.example/b seed warm 2 true")
	}
}

// Children that add the same request at a time ask the network once, also where who asks goes away.
func TestOneChildFetchesForAll(t *testing.T) {
	o := &origin{slow: make(chan struct{})}
	b := newBench(t, `addEventListener('install', (e) => e.waitUntil((async () => {
		const cache = await caches.open('c');
		console.log('adding');
		await cache.add('http://x.example/' + (aworker.env.FIRST ? 'never' : 'slow'));
		await cache.add('http://x.example/never?').catch(() => 0);
		console.log((await cache.keys()).length);
	})()))`)
	b.o.Outbound = o.service()
	s := b.seed(4)
	var wg sync.WaitGroup
	var first jstest.Log
	started := make(chan *Worker, 1)
	wg.Go(func() {
		_, _ = s.Fork(b.ctx(), ForkOptions{Child: Child{Env: []string{"FIRST=1"}}, Options: Options{Stdout: &first}, Serve: func(w *Worker) (func(), error) { started <- w; return func() {}, nil }})
	})
	w := <-started
	for !strings.Contains(first.String(), "adding") || o.times("never") == 0 {
		time.Sleep(time.Millisecond)
	}
	for range 5 {
		wg.Go(func() {
			if out, e := b.forked(s, Child{}); e.Code != 0 || !strings.HasPrefix(out, "adding") || !strings.HasSuffix(out, "2") {
				t.Errorf("exit %d, %q", e.Code, out)
			}
		})
	}
	// All wait for the one that asks, and then for the one that will not be answered.
	queued := func(path string, n int) {
		t.Helper()
		turns := s.depot.turns
		for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
			turns.mu.Lock()
			got := 0
			for key, queue := range turns.held {
				if strings.Contains(key, path) {
					got += len(queue)
				}
			}
			turns.mu.Unlock()
			if got == n {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%d of %d wait for %s", got, n, path)
			}
		}
	}
	queued("/slow", 5)
	close(o.slow)
	queued("/never", 6)
	w.Kill()
	wg.Wait()
	if n := o.times("slow"); n != 1 {
		t.Errorf("the network was asked %d times", n)
	}
	if n := len(s.depot.turns.held); n != 0 {
		t.Errorf("%d turns were not given back", n)
	}
}
