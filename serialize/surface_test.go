package serialize

import (
	"strings"
	"testing"
)

// What Aworker's scope has, area by area, and what it leaves out.
func TestSurfaceOfAworker(t *testing.T) {
	for area, names := range map[string]string{
		"scope":     "self globalThis addEventListener removeEventListener dispatchEvent ServiceWorkerGlobalScope WorkerGlobalScope EventTarget",
		"events":    "Event CustomEvent ErrorEvent ExtendableEvent FetchEvent",
		"abort":     "AbortController AbortSignal",
		"timers":    "setTimeout setInterval clearTimeout clearInterval queueMicrotask",
		"fetch":     "fetch Request Response Headers FormData Blob",
		"streams":   "ReadableStream ReadableStreamDefaultReader WritableStream WritableStreamDefaultWriter",
		"encoding":  "TextEncoder TextDecoder atob btoa",
		"cache":     "caches.match caches.has caches.open caches.delete caches.keys CacheStorage Cache.prototype.match Cache.prototype.matchAll Cache.prototype.add Cache.prototype.addAll Cache.prototype.put Cache.prototype.delete Cache.prototype.keys",
		"url":       "URL URLSearchParams Location location",
		"perf":      "performance performance.now performance.timeOrigin performance.mark performance.measure performance.eventLoopUtilization performance.aworkerTiming performance.toJSON Performance PerformanceEntry PerformanceMark PerformanceMeasure PerformanceObserver PerformanceObserverEntryList",
		"misc":      "navigator navigator.userAgent DOMException console.assert console.log console.dir console.dirxml console.debug console.info console.warn console.error console.time console.timeEnd console.trace",
		"aworker":   "AworkerNamespace aworker.env aworker.arch aworker.platform aworker.version aworker.versions aworker.exit aworker.AsyncLocalStorage aworker.AsyncLocalStorage.prototype.disable aworker.kvStorages.open aworker.sendBeacon aworker.Dapr aworker.idna.toASCII aworker.inspector.isActive",
		"libraries": "aworker.crypto.Hash aworker.crypto.Hmac aworker.crypto.randomBytes aworker.zlib.Zip aworker.zlib.Unzip aworker.js.Context aworker.js.Script",
	} {
		t.Run(area, func(t *testing.T) {
			b := newBench(t, `for (const path of '`+names+`'.split(' ')) {
				let at = globalThis;
				for (const name of path.split('.')) at = at?.[name];
				if (at === undefined) console.log(path);
			}`)
			b.want(Run(b.ctx(), b.o, nil), 0)
		})
	}
	t.Run("left out", func(t *testing.T) {
		b := newBench(t, `console.log('crypto structuredClone File WebSocket Worker process require setImmediate TransformStream onfetch'.split(' ').filter((n) => n in globalThis).join())`)
		b.want(Run(b.ctx(), b.o, nil), 0, "")
	})
	t.Run("illegal constructors", func(t *testing.T) {
		b := newBench(t, `for (const C of [ServiceWorkerGlobalScope, WorkerGlobalScope, Location, aworker.constructor]) try { new C(); console.log(C.name) } catch (e) { console.log(e.message) }`)
		if e := Run(b.ctx(), b.o, nil); e.Code != 0 || b.out.String() != strings.Repeat("Illegal constructor\n", 4) {
			t.Fatal(e, b.out.String(), b.err.String())
		}
	})
	for _, c := range []struct{ name, code, want string }{
		{"prototypes of the scope", `console.log(self === globalThis, globalThis instanceof ServiceWorkerGlobalScope, Object.getPrototypeOf(ServiceWorkerGlobalScope.prototype) === WorkerGlobalScope.prototype, Object.getPrototypeOf(WorkerGlobalScope.prototype) === EventTarget.prototype, aworker instanceof AworkerNamespace, String(aworker))`,
			"true true true true true [object AworkerNamespace]"},
		{"events at the scope", `const seen = []; const f = (e) => seen.push(e.type); addEventListener('x', f, { once: true }); self.addEventListener('y', f); removeEventListener('y', f);
			dispatchEvent(new Event('x')); dispatchEvent(new CustomEvent('x')); dispatchEvent(new Event('y')); console.log(seen.join()); let n = 0; self.oninstall = self.onfetch = () => n++; addEventListener('install', () => setTimeout(() => console.log(n)))`, "x\n0"},
		{"timers", `const t = setTimeout((a, b) => console.log(a + b), 0, 1, 2), i = setInterval(() => console.log('never'), -5); console.log(typeof t, typeof i, t !== i, String(t) === String(Number(t)), Number(i) > Number(t)); clearTimeout(i);
			const u = setTimeout(() => console.log('never'), 1); clearInterval(Number(u)); clearTimeout(undefined); clearTimeout({}); clearTimeout('x'); setTimeout(() => console.log('nan'), NaN); queueMicrotask(() => console.log('first'));
			for (const bad of [() => setTimeout(), () => setInterval('code'), () => queueMicrotask(1)]) try { bad(); console.log('set') } catch (e) { console.log(e instanceof Error) }`, "object object true true true\ntrue\ntrue\ntrue\nfirst\n3\nnan"},
		{"navigator", `console.log(['userAgent', 'hardwareConcurrency', 'language', 'languages', 'appCodeName', 'appName', 'appVersion', 'product', 'onLine'].map((n) => navigator[n]).join(' '), navigator.platform === aworker.platform, 'vendor' in navigator)`,
			"aworker 1 en-US en-US Mozilla Netscape " + Version + " Gecko true true false"},
		{"utilization of the loop", `const { eventLoopUtilization } = performance; const a = eventLoopUtilization();
			setTimeout(() => { const b = eventLoopUtilization(), d = eventLoopUtilization(a), e = eventLoopUtilization(b, a), j = performance.toJSON();
				console.log(Object.keys(a).join(), a.active > 0 && a.utilization === 1, b.idle >= 15, b.active >= a.active, Math.abs(b.utilization - b.active / (b.idle + b.active)) < 1e-9, d.idle >= 15, e.idle === b.idle - a.idle, Object.keys(j).join(), j.aworkerTiming.idleTime >= 15, j.eventLoopUtilization.idle >= 15) }, 20)`,
			"idle,active,utilization true true true true true true aworkerTiming,timeOrigin,eventLoopUtilization true true"},
		{"names of hosts", `console.log(['münchen.de', 'EXAMPLE.com', '日本。jp', 'straße.de', 'a b', 'xn--', '', 'a:80', 'a/b'].map((n) => JSON.stringify(aworker.idna.toASCII(n))).join(' '))`,
			`"xn--mnchen-3ya.de" "example.com" "xn--wgv71a.jp" "xn--strae-oqa.de" "" "" "" "" ""`},
		{"console", `console.log('%s-%d', 'a', 1, { b: 2 }); console.info('info'); console.debug('debug'); console.dir({ c: 1 }); console.dirxml('xml'); console.time('t'); console.assert(true, 'not printed'); console.warn('to the other'); console.error('too'); console.trace('here'); console.assert(false, 'failed'); console.log(typeof console.timeEnd)`,
			"a-1 { b: 2 }\ninfo\ndebug\n{ c: 1 }\nxml\nfunction"},
		{"relative requests", `console.log(new Request('/x?y').url, new Request('z').url, location.href, location.origin, location.pathname, String(location)); try { location.href = 'http://else.example/'; console.log(location.href) } catch (e) { console.log(e.name) }`,
			"http://base.example/x?y http://base.example/a/z http://base.example/a/b http://base.example /a/b http://base.example/a/b\nhttp://base.example/a/b"},
		{"digests", `const { Hash, Hmac, randomBytes } = aworker.crypto; for (const name of ['md5', 'sha1', 'sha224', 'sha256', 'sha512']) { const h = new Hash(name); h.update('a'); h.update(new Uint8Array([98])); console.log(h.final().digest('hex').slice(0, 8), new Hmac(name, 'k').final().digest().length) }
			console.log(randomBytes(3).length, randomBytes(0).length)`, "187ef443 16\nda23614e 20\ndb3cda86 28\nfb8e20fc 32\n2d408a07 64\n3 0"},
		{"compressed streams", `const { Zip, Unzip, COMPRESS_TYPE, UNCOMPRESS_TYPE, FLUSH_MODE, STRATEGY } = aworker.zlib; console.log(FLUSH_MODE.Z_FINISH, STRATEGY.Z_FIXED);
			const through = async (s, parts) => { const w = s.writable.getWriter(), r = s.readable.getReader(), out = []; (async () => { for (const p of parts) await w.write(p); await w.close() })().catch(() => 0); for (;;) { const { done, value } = await r.read(); if (done) return out; out.push(...value) } };
			(async () => { const data = new TextEncoder().encode('data'.repeat(100)); for (const [z, u] of [['GZIP', 'GUNZIP'], ['DEFLATE', 'INFLATE'], ['GZIP', 'UNZIP']]) { const packed = await through(new Zip(COMPRESS_TYPE[z], { level: 9 }), [data]); console.log(packed.length < 50, new TextDecoder().decode(new Uint8Array(await through(new Unzip(UNCOMPRESS_TYPE[u]), [new Uint8Array(packed)]))).length) }
				for (const bad of [new Uint8Array([1, 2, 3])]) await through(new Unzip(0), [bad]).then(() => console.log('read'), (e) => console.log(e instanceof Error));
				for (const make of [() => new Zip(), () => new Zip(2), () => new Zip(0, { level: 10 }), () => new Zip(0, { windowBits: 8 }), () => new Zip(0, { memLevel: 0 }), () => new Zip(0, { strategy: 5 }), () => new Unzip(3), () => new Unzip(0, { windowBits: 7 }), () => new Unzip(0, { flush: 6 }), () => new Unzip(NaN)]) try { make(); console.log('made') } catch (e) { if (!(e instanceof Error)) console.log(e) } })()`,
			"4 4\ntrue 400\ntrue 400\ntrue 400\ntrue"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, c.code)
			b.o.Location = "http://base.example/a/b"
			if e := Run(b.ctx(), b.o, nil); e.Code != 0 || b.out.String() != c.want+"\n" {
				t.Fatalf("exit %d\n got %q\nwant %q\n%s", e.Code, b.out.String(), c.want+"\n", b.err.String())
			}
			if c.name == "console" {
				b.wantErr("to the other\ntoo\nTrace: here", "failed")
			}
		})
	}
}
