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
		"perf":      "performance performance.now performance.timeOrigin performance.mark performance.measure performance.eventLoopUtilization performance.toJSON Performance PerformanceEntry PerformanceMark PerformanceMeasure PerformanceObserver PerformanceObserverEntryList",
		"misc":      "navigator navigator.userAgent DOMException console.assert console.log console.dir console.dirxml console.debug console.info console.warn console.error console.time console.timeEnd console.trace",
		"aworker":   "aworker.env aworker.arch aworker.platform aworker.version aworker.versions aworker.exit aworker.AsyncLocalStorage aworker.AsyncLocalStorage.prototype.disable aworker.kvStorages.open aworker.sendBeacon aworker.Dapr aworker.idna.toASCII aworker.inspector.isActive",
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
}
