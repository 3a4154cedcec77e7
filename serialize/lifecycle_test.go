package serialize

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"workerd.local/event"
	"workerd.local/internal/jstest"
)

// journal prints each event of a worker's life, and when its extension is over.
const journal = `
const seen = ['main'];
for (const type of ['serialize', 'deserialize', 'install']) {
	addEventListener(type, e => {
		seen.push(type);
		e.waitUntil((async () => { await null; seen.push(type + ' over'); if (type === 'install') console.log(seen.join(' ')); })());
	});
}
`

func TestOrderOfANormalWorker(t *testing.T) {
	b := newBench(t, journal)
	b.want(Run(b.ctx(), b.o, nil), 0, "main install install over")
}

func TestOrderOfASeedThatNobodyForks(t *testing.T) {
	b := newBench(t, journal)
	b.want(RunSeed(b.ctx(), b.o, SeedUserland, nil), 0, "main serialize serialize over deserialize deserialize over install install over")
	b.wantErr(notForkable)
}

func TestBareSeedStartsAsANormalWorker(t *testing.T) {
	b := newBench(t, journal)
	b.want(RunSeed(b.ctx(), b.o, SeedBare, nil), 0, "main install install over")
	b.wantErr(notForkable)
}

func TestIntervalGoesOnInTheChild(t *testing.T) {
	b := newBench(t, `
		const seen = ['main'];
		let timer, tick;
		const ticked = new Promise(r => tick = r);
		addEventListener('serialize', () => {
			seen.push('serialize');
			timer = setInterval(() => { clearInterval(timer); seen.push('tick'); tick(); }, 20);
		});
		addEventListener('deserialize', () => seen.push('deserialize'));
		addEventListener('install', e => {
			seen.push('install');
			e.waitUntil(ticked.then(() => { seen.push('over'); console.log(seen.join(' ')); }));
		});`)
	b.want(RunSeed(b.ctx(), b.o, SeedUserland, nil), 0, "main serialize deserialize install tick over")
}

func TestFetchUnderWayFailsInTheChild(t *testing.T) {
	b := newBench(t, `
		const seen = ['main'];
		let pending;
		addEventListener('serialize', () => {
			seen.push('serialize');
			pending = fetch('http://slow.example/').then(() => 'answered', e => e instanceof TypeError && e.message.includes('CanonicalCode::CONNECTION_RESET') ? 'rejected' : String(e));
		});
		addEventListener('deserialize', e => { seen.push('deserialize'); e.waitUntil(pending.then(v => seen.push(v))); });
		addEventListener('install', () => { seen.push('install'); console.log(seen.join(' ')); });`)
	b.o.Outbound = service(func(ctx context.Context, _ *event.Request) (*event.Response, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	b.want(RunSeed(b.ctx(), b.o, SeedUserland, nil), 0, "main serialize deserialize rejected install")
}

func TestTimerThatTheChildClearsDoesNotKeepIt(t *testing.T) {
	b := newBench(t, `
		const seen = ['main'];
		const timer = setTimeout(() => { throw new Error('too late') }, 10_000);
		addEventListener('serialize', () => seen.push('serialize'));
		addEventListener('deserialize', () => { seen.push('deserialize'); clearTimeout(timer); });
		addEventListener('install', () => { seen.push('install'); console.log(seen.join(' ')); });`)
	began := time.Now()
	b.want(RunSeed(b.ctx(), b.o, SeedUserland, nil), 0, "main serialize deserialize install")
	if took := time.Since(began); took > 8*time.Second {
		t.Fatalf("it took %s", took)
	}
}

func TestSnapshotGoesOnInOrder(t *testing.T) {
	blob := filepath.Join(t.TempDir(), "a.blob")
	b := newBench(t, `
		globalThis.made = { by: 'the build' };
		console.log('while it is built');
		const seen = [];
		addEventListener('deserialize', e => { seen.push('deserialized'); e.waitUntil(Promise.resolve().then(async () => { seen.push('deserialization over'); })); });
		addEventListener('install', e => { seen.push('install'); e.waitUntil(Promise.resolve().then(() => { console.log(seen.join(' '), made.by); })); });`)
	b.want(Build(b.ctx(), b.o, blob, time.Second), 0, "while it is built")
	c := newBench(t, journal) // the script in the command line does not count
	c.want(RunSnapshot(c.ctx(), c.o, blob, nil), 0, "deserialized deserialization over install the build")
	if c.err.String() != "" {
		t.Fatal(c.err.String())
	}
}

func TestUninstallOfASeedThatNobodyForks(t *testing.T) {
	b := newBench(t, `
		addEventListener('install', e => { console.log('install'); e.waitUntil(Promise.resolve().then(() => { console.log('installed'); setInterval(() => {}, 1e6) })) });
		addEventListener('uninstall', e => { console.log('uninstall'); e.waitUntil(Promise.resolve().then(() => console.log('uninstalled'))) });`)
	e := RunSeed(b.ctx(), b.o, SeedUserland, func(w *Worker) (func(), error) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			for !w.armed.Load() {
				time.Sleep(time.Millisecond)
			}
			w.Terminate()
		}()
		return func() { <-done }, nil
	})
	b.want(e, ExitTerminated, "install", "installed", "uninstall", "uninstalled")
	if !e.Terminated {
		t.Fatal("it did not die of SIGTERM")
	}
}

// What is queued when serialize is over has run before a snapshot is made, and timers of
// what goes on are new ones.
func TestSnapshotIsDrained(t *testing.T) {
	for name, c := range map[string]struct{ code, out string }{
		"microtasks": {`
			const seen = [];
			let chain;
			addEventListener('serialize', () => {
				chain = new Promise(r => queueMicrotask(() => { seen.push(1); queueMicrotask(() => { seen.push(2); r('end') }) })).then(v => { seen.push(3); return v });
			});
			addEventListener('deserialize', e => e.waitUntil(chain.then(v => console.log(seen.join(), v))));`, "1,2,3 end"},
		"timers": {`
			let n = 0;
			addEventListener('serialize', e => e.waitUntil(new Promise(r => setTimeout(r, 2)).then(() => { n++; setTimeout(() => n++, 2) })));
			addEventListener('deserialize', e => e.waitUntil(new Promise(r => setTimeout(r, 2)).then(() => console.log('timers', n))));`, "timers 2"},
		"a fetch": {`
			let data = null;
			addEventListener('serialize', e => e.waitUntil((async () => { data = await (await fetch('http://data.example/')).text() })()));
			addEventListener('deserialize', e => { if (data === null) throw new Error('it is missing'); console.log(data) });`, "from http://data.example/"},
		"a redirect": {`
			let data;
			addEventListener('serialize', e => e.waitUntil((async () => { const r = await fetch('http://moved.example/'); data = r.url + ' ' + r.redirected + ' ' + await r.text() })()));
			addEventListener('deserialize', () => console.log(data));`, "http://new.example/ true from http://new.example/"},
		"a failure": {`
			let data;
			addEventListener('serialize', e => e.waitUntil(fetch('http://broken.example/').catch(e => data = String(e))));
			addEventListener('deserialize', () => console.log(data));`, "TypeError: fetch failed: no such host"},
		"many at a time": {`
			let data;
			addEventListener('serialize', e => e.waitUntil(Promise.all([3, 1, 2].map(n => fetch('http://data.example/' + n).then(r => r.text()))).then(l => data = l.map(t => t.slice(-1)).join())));
			addEventListener('deserialize', () => console.log(data));`, "3,1,2"},
		"a streamed body": {`
			let data;
			const body = () => new ReadableStream({ async pull(c) { await null; c.enqueue(new TextEncoder().encode('part')); c.close() } });
			addEventListener('serialize', e => e.waitUntil(fetch('http://data.example/', { method: 'POST', body: body() }).then(r => r.text()).then(t => data = t)));
			addEventListener('deserialize', () => console.log(data));`, "from http://data.example/"},
		"compression": {`
			let data;
			const bytes = async stream => { const all = [], r = stream.getReader(); for (;;) { const { done, value } = await r.read(); if (done) return all; all.push(...value) } };
			addEventListener('serialize', e => e.waitUntil((async () => {
				const z = new aworker.zlib.Zip(aworker.zlib.COMPRESS_TYPE.GZIP), w = z.writable.getWriter();
				const packed = bytes(z.readable);
				await w.write(new TextEncoder().encode('hello')); await w.close();
				const u = new aworker.zlib.Unzip(aworker.zlib.UNCOMPRESS_TYPE.GUNZIP), v = u.writable.getWriter();
				const plain = bytes(u.readable);
				await v.write(new Uint8Array(await packed)); await v.close();
				data = new TextDecoder().decode(new Uint8Array(await plain));
			})()));
			addEventListener('deserialize', () => console.log(data, new aworker.crypto.Hmac('sha1', 'key').final().digest('hex').length));`, "hello 40"},
	} {
		b := newBench(t, c.code)
		b.o.Outbound = service(func(_ context.Context, req *event.Request) (*event.Response, error) {
			switch req.URL {
			case "http://moved.example/":
				return &event.Response{Status: 302, Header: map[string][]string{"Location": {"http://new.example/"}}}, nil
			case "http://broken.example/":
				return nil, errors.New("no such host")
			}
			return answerText("from " + req.URL)
		})
		s := copied(t, b.snapshot(Startup))
		for range 2 {
			w, err := restore(b.ctx(), s, Options{})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				break
			}
			var out, errs jstest.Log
			e := w.child(b.ctx(), Child{}, Options{Stdout: &out, Stderr: &errs}.withDefaults(), nil)
			if e.Code != 0 || out.String() != c.out+"\n" {
				t.Errorf("%s: exit %d, %q, %s", name, e.Code, out.String(), errs.String())
			}
		}
	}
}

func TestMilestonesAreInOrder(t *testing.T) {
	code := `setTimeout(() => { const t = performance.toJSON().aworkerTiming; console.log(t.bootstrapAgent > 0, t.loadEvent >= t.bootstrapAgent, t.duration >= t.loadEvent, performance.now() >= t.duration, performance.timeOrigin > 1e12) }, 1)`
	code = `console.log(Object.keys(performance.aworkerTiming).join(), performance.aworkerTiming === performance.aworkerTiming, performance.aworkerTiming.name); ` + code
	const keys = "name,entryType,startTime,duration,bootstrapAgent,loadEvent,idleTime true aworker"
	b := newBench(t, code)
	b.want(Run(b.ctx(), b.o, nil), 0, keys, "true true true true true")
	c := newBench(t, `addEventListener('install', () => {`+code+`})`)
	c.want(RunSeed(c.ctx(), c.o, SeedUserland, nil), 0, keys, "true true true true true")
}

// Globals that Aworker has, and those that it leaves out.
func TestGlobals(t *testing.T) {
	b := newBench(t, `
		const missing = ['self', 'addEventListener', 'Event', 'CustomEvent', 'EventTarget', 'ErrorEvent', 'ExtendableEvent', 'FetchEvent', 'AbortController', 'AbortSignal',
			'setTimeout', 'setInterval', 'clearTimeout', 'clearInterval', 'queueMicrotask', 'fetch', 'Request', 'Response', 'Headers', 'FormData', 'Blob',
			'ReadableStream', 'ReadableStreamDefaultReader', 'WritableStream', 'WritableStreamDefaultWriter', 'TextEncoder', 'TextDecoder', 'atob', 'btoa',
			'URL', 'URLSearchParams', 'Location', 'location', 'performance', 'Performance', 'PerformanceObserver', 'console', 'navigator', 'DOMException', 'aworker', 'eval'].filter(n => !(n in globalThis));
		const extra = ['crypto', 'structuredClone', 'File', 'WebSocket', 'Worker', 'process', 'require', 'setImmediate', 'TransformStream', 'Cloudflare', 'Buffer', 'scheduler', 'origin', 'WorkerEntrypoint'].filter(n => n in globalThis);
		console.log(missing.join(), '|', extra.join());
		console.log(navigator.userAgent, navigator.hardwareConcurrency, navigator.language, String(globalThis), globalThis instanceof ServiceWorkerGlobalScope, globalThis instanceof EventTarget);
		console.log(aworker.arch.length > 1, aworker.platform.length > 1, aworker.version, typeof aworker.versions.aworker, Object.prototype.toString.call(aworker), aworker.idna.toASCII('münchen.de'));
		for (const C of [Location, ServiceWorkerGlobalScope, aworker.constructor]) try { new C(); console.log('made') } catch (e) { console.log(e.name) }
		const h = new aworker.crypto.Hash('sha256'); h.update('abc'); const f = h.final();
		console.log(f.digest('hex').slice(0, 8), f.digest('base64').slice(0, 4), f.digest().length);
		for (const bad of [() => new aworker.crypto.Hash('rot13'), () => f.digest('roman'), () => h.update('more'), () => aworker.crypto.randomBytes('1'), () => aworker.crypto.randomBytes(-1), () => new aworker.zlib.Zip(7), () => new aworker.zlib.Unzip('x')]) try { bad(); console.log('no error') } catch (e) { console.log(e.name) }
		const als = new aworker.AsyncLocalStorage();
		als.run('in', async () => { await null; console.log(als.getStore()) });
		(async () => {
			const kv = await aworker.kvStorages.open('n'), lru = await aworker.kvStorages.open('l', { evictionStrategy: 'lru' });
			await kv.set('a', new Uint8Array([1, 2])); await kv.set('b', 'text'); await kv.delete('b');
			console.log((await kv.list()).join(), (await kv.get('a')).join(), await kv.get('none'));
			for (const bad of [() => kv.set('k'.repeat(513), 'x'), () => kv.get(1), () => kv.set('a', 1), () => aworker.kvStorages.open(3), () => aworker.kvStorages.open('n', { evictionStrategy: 'lru' })]) await bad().then(() => console.log('no error'), e => console.log(e.name));
		})();`)
	b.want(Run(b.ctx(), b.o, nil), 0, " | ", "aworker 1 en-US [object ServiceWorkerGlobalScope] true true", "true true "+Version+" string [object AworkerNamespace] xn--mnchen-3ya.de",
		"TypeError", "TypeError", "TypeError", "ba7816bf ungW 32", "TypeError", "TypeError", "InvalidStateError", "TypeError", "RangeError", "Error", "RangeError", "in", "a 1,2 undefined",
		"TypeError", "TypeError", "TypeError", "TypeError", "InvalidStateError")
}
