package global_test

import (
	"strings"
	"testing"

	"github.com/dop251/goja"

	"workerd.local/internal/clone"
	"workerd.local/internal/jstest"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/events"
	"workerd.local/webapi/global"
	"workerd.local/webapi/url"
)

func newEnv(t testing.TB) *jstest.Env { return jstest.New(t, events.Module, global.Module, url.Module) }

func TestScopeClasses(t *testing.T) {
	e := newEnv(t)
	e.Want(`return [String(globalThis), self === globalThis, origin]`, `["[object ServiceWorkerGlobalScope]",true,"null"]`)
	e.Want(`return [globalThis.constructor === ServiceWorkerGlobalScope, globalThis instanceof ServiceWorkerGlobalScope, globalThis instanceof WorkerGlobalScope, globalThis instanceof EventTarget, ServiceWorkerGlobalScope.name]`, `[true,true,true,true,"ServiceWorkerGlobalScope"]`)
	e.Want(`return [typeof nothingLikeThis, typeof URL, 'toString' in globalThis, Object.keys(globalThis).includes('constructor')]`, `["undefined","function",true,false]`)
	e.WantError(`new ServiceWorkerGlobalScope()`, `TypeError: Illegal constructor`)
	e.WantError(`new WorkerGlobalScope()`, `TypeError: Illegal constructor`)
}

func TestScopeTakesListeners(t *testing.T) {
	e := newEnv(t)
	e.Want(`let n = 0; const f = () => n++; EventTarget.prototype.addEventListener.call(globalThis, 'x', f); self.addEventListener('x', f); dispatchEvent(new Event('x')); return n`, `1`)
	e.In(func(js *isolate.JS, _ *iocontext.Context) {
		if _, err := js.Runtime().RunString(`addEventListener('fetch', () => {})`); err != nil {
			t.Error(err)
		}
		if s := events.Global(js); !s.Has("fetch") || s.Has("scheduled") {
			t.Error(s.Types())
		}
	})
}

func TestNavigator(t *testing.T) {
	e := newEnv(t)
	e.Want(`return [navigator.userAgent, navigator.language, navigator.languages, navigator.platform, navigator.hardwareConcurrency, navigator instanceof Navigator]`, `["Cloudflare-Workers","en",["en"],"",1,true]`)
	e.WantError(`new Navigator()`, `TypeError: Illegal constructor`)
}

func TestReportError(t *testing.T) {
	e := newEnv(t)
	e.Want(`let got; addEventListener('error', e => { got = [e.message, e.error instanceof TypeError]; e.preventDefault() }, { once: true }); reportError(new TypeError('seen')); return got`, `["Uncaught TypeError: seen",true]`)
	e.Want(`reportError('just text'); reportError(undefined)`, `undefined`)
	if log := e.Log.String(); strings.Contains(log, "seen") || !strings.Contains(log, "just text") {
		t.Errorf("log: %s", log)
	}
	e.WantError(`reportError()`, `TypeError: Failed to execute 'reportError' on 'ServiceWorkerGlobalScope': parameter 1 is not of type 'Value'.`)
}

func TestStructuredClone(t *testing.T) {
	e := newEnv(t)
	e.Want(`const a = { d: new Date(0), m: new Map([[1, new Set([2])]]), u: undefined }; a.self = a; const b = structuredClone(a); return [b !== a, b.self === b, b.d.getTime(), b.m.get(1).has(2), 'u' in b]`, `[true,true,0,true,true]`)
	e.Want(`const b = new ArrayBuffer(4), c = structuredClone(b, { transfer: [b] }); return [b.byteLength, c.byteLength]`, `[0,4]`)
	e.Want(`const b = new ArrayBuffer(8), a = new Float16Array(b, 2, 2); a[1] = 1.5; const [c, d] = structuredClone([a, b]); return [c instanceof Float16Array, [...c].join(), c.byteOffset, c.buffer === d, d.byteLength, c.buffer !== b]`, `[true,"0,1.5",2,true,8,true]`)
	e.Want(`const s = new SharedArrayBuffer(4), [t, u] = structuredClone([s, new Uint8Array(s, 1)]); new Uint8Array(s)[1] = 7; return [t !== s, t instanceof SharedArrayBuffer, u.buffer === t, u[0]]`, `[true,true,true,7]`)
	e.Want(`const b = new ArrayBuffer(4, { maxByteLength: 8 }), v = new Uint16Array(b, 2), f = new Uint8Array(b, 1, 2);
		const [c, d, g] = structuredClone([b, v, f]); c.resize(8); return [c.resizable, c.maxByteLength, d.buffer === c, d.length, g.length, b.byteLength]`, `[true,8,true,3,2,4]`)
	e.Want(`const b = new ArrayBuffer(4, { maxByteLength: 8 }), v = new DataView(b, 1);
		const w = structuredClone(v, { transfer: [b] }); w.buffer.resize(6); return [w.byteLength, w.buffer.maxByteLength, b.detached, b.maxByteLength]`, `[5,8,true,0]`)
	e.Want(`const s = new SharedArrayBuffer(4); try { structuredClone(s, { transfer: [s] }) } catch (e) { return e.name }`, `TypeError`)
	e.WantError(`const s = new SharedArrayBuffer(4); structuredClone(1, { transfer: [new Uint8Array(s)] })`, `DataCloneError: Object is not transferable.`)
	e.Want(`const e = structuredClone(new DOMException('m', 'AbortError')); return [e instanceof DOMException, e.name, e.message, e.code]`, `[true,"AbortError","m",20]`)
	e.Want(`return [structuredClone(1, undefined), structuredClone(undefined) === undefined]`, `[1,true]`)
	e.WantError(`structuredClone(() => 1)`, `DataCloneError: () => 1 could not be cloned.`)
	e.WantError(`structuredClone([new URL('http://a')])`, `DataCloneError: Could not serialize object of type "URL". This type does not support serialization.`)
	e.WantError(`structuredClone(new Event('x'))`, `DataCloneError: Could not serialize object of type "Event". This type does not support serialization.`)
	e.WantError(`structuredClone(1, { transfer: [1] })`, `TypeError: Object is not transferable`)
	e.WantError(`structuredClone(1, { transfer: 1 })`, `TypeError: Incorrect type for the 'transfer' field on 'StructuredCloneOptions': the provided value is not of type 'Array'.`)
	e.WantError(`structuredClone(1, 1)`, `TypeError: Failed to execute 'structuredClone' on 'ServiceWorkerGlobalScope': parameter 2 is not of type 'StructuredCloneOptions'.`)
	e.WantError(`structuredClone()`, `TypeError: Failed to execute 'structuredClone' on 'ServiceWorkerGlobalScope': parameter 1 is not of type 'Value'.`)
	e.WantError(`structuredClone({ get x() { throw new RangeError('mine') } })`, `RangeError: mine`)
	e.WantError(`let a = []; for (let i = 0; i < 20000; i++) a = [a]; structuredClone(a)`, `RangeError: Maximum call stack size exceeded`)
}

func TestCloneTagsAreUnique(t *testing.T) {
	e := newEnv(t)
	e.In(func(js *isolate.JS, _ *iocontext.Context) {
		c := global.Cloneable{Class: "Other", Tag: 8}
		if err := global.AddCloneable(js, c); err == nil || err.Error() != "class Other: the clone tag 8 is taken by DOMException" {
			t.Error(err)
		}
	})
}

func TestAddCloneable(t *testing.T) {
	e := newEnv(t)
	e.In(func(js *isolate.JS, _ *iocontext.Context) {
		err := global.AddCloneable(js, global.Cloneable{
			Class: "URL", Tag: 900,
			Write: func(_ *isolate.JS, w *clone.Writer, v any) error { w.String(v.(*url.URL).Href()); return nil },
			Read: func(js *isolate.JS, r *clone.Reader) (*goja.Object, error) {
				s, err := r.String()
				if err != nil {
					return nil, err
				}
				u, err := url.Parse(s, nil)
				if err != nil {
					return nil, err
				}
				return url.Class.Wrap(js, u), nil
			},
		})
		if err != nil {
			t.Error(err)
		}
	})
	e.Want(`const u = new URL('http://a/b'), [v, w] = structuredClone([u, u]); return [v !== u, v === w, v instanceof URL, v.href]`, `[true,true,true,"http://a/b"]`)
}

func TestScopeIsAnInstanceOfItsClass(t *testing.T) {
	e := jstest.New(t, events.Module, global.Module)
	e.Want(`return [Object.getPrototypeOf(globalThis) === ServiceWorkerGlobalScope.prototype, globalThis instanceof EventTarget].join()`, "true,true")
	e.Want(`"use strict"; try { EventTarget.prototype = {}; return "changed" } catch (e) { return e.name }`, "TypeError")
}

func TestTransferListsAreBounded(t *testing.T) {
	e := jstest.NewWith(t, jstest.Options{Modules: []bind.Module{global.Module}, Limits: isolate.Limits{ArrayLength: 100}})
	e.WantError(`structuredClone(1, { transfer: (function* () { for (;;) yield new ArrayBuffer(1) })() })`, `RangeError: The transfer list has more than 100 elements.`)
	e.Want(`return structuredClone(1, { transfer: Array.from({ length: 100 }, () => new ArrayBuffer(1)) })`, `1`)
}
