package timers_test

import (
	"strings"
	"testing"

	"workerd.local/internal/jstest"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/events"
	"workerd.local/webapi/timers"
)

func newEnv(t testing.TB) *jstest.Env { return jstest.New(t, events.Module, timers.Module) }

func TestTimeout(t *testing.T) {
	e := newEnv(t)
	e.Want(`return new Promise(r => setTimeout(function (...a) { r([this === globalThis, ...a]) }, 1, 2, 3))`, `[true,2,3]`)
	e.Want(`const a = setTimeout(() => {}), b = setTimeout(() => {}); clearTimeout(a); clearTimeout(b); return [typeof a, b - a]`, `["number",1]`)
	e.Want(`const r = []; setTimeout(() => r.push('b'), 2); setTimeout(() => r.push('a'), 1); setTimeout(() => r.push('0')); await new Promise(f => setTimeout(f, 3)); return r`, `["0","a","b"]`)
	e.Want(`const r = []; setTimeout(() => { r.push(1); Promise.resolve().then(() => r.push('m')) }); setTimeout(() => r.push(2)); await new Promise(f => setTimeout(f, 1)); return r`, `[1,"m",2]`)
	e.Want(`let n = 0; const id = setTimeout(() => n++, 1); clearTimeout(id); clearTimeout(id); await new Promise(f => setTimeout(f, 5)); return n`, `0`)
	e.Want(`return new Promise(r => setTimeout(r, 'x', 'odd delay'))`, `odd delay`)
	e.Want(`return [clearTimeout(null), clearTimeout('x'), clearTimeout({}), clearTimeout(undefined), clearInterval(99)].length`, `5`)
}

func TestInterval(t *testing.T) {
	e := newEnv(t)
	e.Want(`let n = 0; return new Promise(r => { const id = setInterval(x => { if (++n == 3) { clearInterval(id); setTimeout(() => r([n, x]), 5) } }, 1, 'arg') })`, `[3,"arg"]`)
	e.Want(`let n = 0; return new Promise(r => { const id = setInterval(() => { if (++n == 2) { clearInterval(id); r(n) } throw new Error('each time') }, 1) })`, `2`)
}

func TestImmediate(t *testing.T) {
	e := newEnv(t)
	e.Want(`const i = setImmediate(() => {}); clearImmediate(i); return Object.prototype.toString.call(i)`, `[object Immediate]`)
	e.Want(`let n = 0; const i = setImmediate(() => n++); clearImmediate(i); clearImmediate(5); await new Promise(r => setTimeout(r, 2)); return n`, `0`)
	e.Want(`return new Promise(r => setImmediate(r, 'arg'))`, `arg`)
}

func TestWrongArguments(t *testing.T) {
	e := newEnv(t)
	for _, f := range []string{"setTimeout", "setInterval", "setImmediate", "queueMicrotask"} {
		for _, arg := range []string{"", "'code'", "1", "null", "{}"} {
			e.WantError(f+`(`+arg+`)`, `TypeError: Failed to execute '`+f+`' on 'ServiceWorkerGlobalScope': parameter 1 is not of type 'function'.`)
		}
	}
	e.WantError(`clearTimeout()`, `TypeError: Failed to execute 'clearTimeout' on 'ServiceWorkerGlobalScope': parameter 1 is not of type 'Number'.`)
	e.WantError(`setTimeout(() => {}, { valueOf() { throw new RangeError('mine') } })`, `RangeError: mine`)
	e.WantError(`setTimeout(() => {}, Symbol())`, `TypeError: Cannot convert a Symbol value to a number`)
}

func TestGlobalScopeHasNoTimers(t *testing.T) {
	e := newEnv(t)
	for _, src := range []string{`setTimeout(() => {})`, `setInterval(() => {})`, `setImmediate(() => {})`} {
		var err error
		e.OnLoop(func() {
			_ = e.Realm.Run(nil, func(js *isolate.JS) { _, err = js.Runtime().RunString(src) })
		})
		if err == nil || !strings.Contains(err.Error(), "Error: Disallowed operation called within global scope. Asynchronous I/O") {
			t.Errorf("%s: %v", src, err)
		}
	}
	var err error
	e.OnLoop(func() {
		_ = e.Realm.Run(nil, func(js *isolate.JS) { _, err = js.Runtime().RunString(`clearTimeout(1)`) })
	})
	if err != nil {
		t.Errorf("clearTimeout: %v", err)
	}
}

func TestTooManyTimers(t *testing.T) {
	e := jstest.NewWith(t, jstest.Options{Modules: []bind.Module{events.Module, timers.Module}, Limits: isolate.Limits{Timers: 2}})
	e.WantError(`setTimeout(() => {}, 1e6); setTimeout(() => {}, 1e6); setTimeout(() => {})`, `QuotaExceededError: You have exceeded the number of active timeouts you may set. max active timeouts: 2, current active timeouts: 2, finished timeouts: 0`)
}

func TestCallbackThatThrowsIsReported(t *testing.T) {
	e := newEnv(t)
	e.Want(`setTimeout(() => { throw new RangeError('from the timer') }); await new Promise(r => setTimeout(r, 2)); return 'alive'`, `alive`)
	if !strings.Contains(e.Log.String(), "RangeError: from the timer") {
		t.Errorf("log: %s", e.Log)
	}
	e.Want(`let got; addEventListener('error', ev => { got = ev.error.message; ev.preventDefault() }); setTimeout(() => { throw new Error('seen') }); await new Promise(r => setTimeout(r, 2)); return got`, `seen`)
}

func TestCallbackThatThrowsIsTheOutcome(t *testing.T) {
	e := newEnv(t)
	done := make(chan string, 1)
	e.OnLoop(func() {
		var c *iocontext.Context
		c = iocontext.New(e.Realm, iocontext.Options{OnIdle: func() { done <- c.TaskError().Error() }})
		c.Run(func(js *isolate.JS) {
			if _, err := js.Runtime().RunString(`setTimeout(() => { throw new RangeError('x') })`); err != nil {
				t.Error(err)
				done <- ""
			}
		})
	})
	if got := <-done; got != "RangeError: x" {
		t.Errorf("outcome %q", got)
	}
}

func TestQueueMicrotask(t *testing.T) {
	e := newEnv(t)
	e.Want(`const r = []; queueMicrotask(function (...a) { r.push('m', this === undefined, a.length) }); r.push('s'); await 0; return r`, `["s","m",true,0]`)
	e.Want(`const then = Promise.prototype.then; Promise.prototype.then = null; let n = 0; queueMicrotask(() => n++); Promise.prototype.then = then; await 0; return n`, `1`)
	e.Want(`queueMicrotask(() => { throw new Error('from the microtask') }); await 0; return 1`, `1`)
	if !strings.Contains(e.Log.String(), "from the microtask") {
		t.Errorf("log: %s", e.Log)
	}
}

func TestSchedulerWait(t *testing.T) {
	e := newEnv(t)
	e.Want(`return [String(scheduler), await scheduler.wait(1) === undefined, await scheduler.wait(1, null) === undefined]`, `["[object Scheduler]",true,true]`)
	e.WantError(`await scheduler.wait(1, { signal: AbortSignal.abort() })`, `AbortError: The operation was aborted`)
	e.Want(`const c = new AbortController(), p = scheduler.wait(1e9, { signal: c.signal }); c.abort('why'); try { await p } catch (e) { return e }`, `why`)
	e.Want(`const c = new AbortController(); await scheduler.wait(1, { signal: c.signal }); c.abort(); return 'kept'`, `kept`)
	e.WantError(`await scheduler.wait()`, `TypeError: Failed to execute 'wait' on 'Scheduler': parameter 1 is not of type 'number'.`)
	e.WantError(`await scheduler.wait(1, { signal: 1 })`, `TypeError: Incorrect type for the 'signal' field on 'WaitOptions': the provided value is not of type 'AbortSignal'.`)
	e.Want(`let r; try { scheduler.wait().catch(() => {}); r = 'rejects' } catch { r = 'throws' } return r`, `rejects`)
}
