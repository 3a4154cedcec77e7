package events_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/compat"
	"workerd.local/internal/jstest"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/events"
)

func TestDOMException(t *testing.T) {
	e := jstest.New(t, events.Module)
	e.Want(`const e = new DOMException('m', 'AbortError'); return [e.name, e.message, e.code, e instanceof Error, e instanceof DOMException, String(e), Object.prototype.toString.call(e), e.ABORT_ERR, DOMException.DATA_CLONE_ERR, e.stack.split('\n')[0]]`,
		`["AbortError","m",20,true,true,"AbortError: m","[object DOMException]",20,25,"AbortError: m"]`)
	e.Want(`const e = new DOMException(); return [e.name, e.message, e.code, e.cause, Object.keys(e)]`, `["Error","",0,null,[]]`)
	e.Want(`const e = new DOMException('a', { name: 'QuotaExceededError', cause: 3 }); return [e.name, e.code, e.cause]`, `["QuotaExceededError",22,3]`)
	e.Want(`class E extends DOMException {} const e = new E('x', 'Y'); return [e instanceof E, e.name, e.code]`, `[true,"Y",0]`)
	e.Want(`function thrower() { return new DOMException('x', 'Y') } return thrower().stack.includes('thrower')`, `true`)
	e.WantError(`DOMException('a')`, `TypeError: Failed to construct 'DOMException': Please use the 'new' operator, this object constructor cannot be called as a function.`)
	e.WantError(`throw new DOMException('gone', 'NotFoundError')`, `NotFoundError: gone`)
}

func TestHostDOMExceptionIsTheClass(t *testing.T) {
	fail := bind.Module{Name: "fail", Globals: []bind.Global{bind.Func{Name: "fail", Call: func(*bind.Call) (any, error) {
		return nil, exception.DOM("DataCloneError", "no way")
	}}}}
	e := jstest.New(t, events.Module, fail)
	e.Want(`try { fail() } catch (e) { return [e instanceof DOMException, e.name, e.message, e.code, e.stack.startsWith('DataCloneError: no way')] }`, `[true,"DataCloneError","no way",25,true]`)
}

func TestEvent(t *testing.T) {
	e := jstest.New(t, events.Module)
	e.Want(`const e = new Event('x', { bubbles: 1, cancelable: true }); return [e.type, e.bubbles, e.cancelable, e.composed, e.eventPhase, e.isTrusted, e.defaultPrevented, e.returnValue, e.cancelBubble, e.timeStamp, e.composedPath(), e.target === undefined, Event.AT_TARGET, Object.keys(e)]`,
		`["x",true,true,false,0,false,false,true,false,0,[],true,2,[]]`)
	e.Want(`const e = new Event('x', { cancelable: true }); e.returnValue = true; const a = e.defaultPrevented; e.returnValue = false; e.cancelBubble = true; e.cancelBubble = false; return [a, e.defaultPrevented, e.cancelBubble]`, `[false,true,true]`)
	e.Want(`const e = new Event('x'); e.preventDefault(); return e.defaultPrevented`, `false`)
	e.Want(`const e = new CustomEvent('c', { detail: { a: 1 } }); return [e instanceof Event, e.detail, new CustomEvent('d').detail === undefined]`, `[true,{"a":1},true]`)
	e.Want(`const e = new ErrorEvent('error', { message: 'm', filename: 'f', lineno: 1, colno: 2, error: 3 }); return [e.message, e.filename, e.lineno, e.colno, e.error]`, `["m","f",1,2,3]`)
	e.Want(`const e = new MessageEvent('message', { data: [1], origin: 'o', ports: new Set([1]) }); return [e.data, e.origin, e.lastEventId, e.source, e.ports, new MessageEvent('m').data]`, `[[1],"o","",null,[1],null]`)
	e.Want(`const e = new CloseEvent('close', { code: 1000, reason: 'r', wasClean: 1 }); return [e.code, e.reason, e.wasClean, new CloseEvent('c').code]`, `[1000,"r",true,0]`)
	e.Want(`class My extends Event { constructor() { super('my'); this.extra = 1 } } const e = new My(); return [e.type, e.extra, e instanceof Event]`, `["my",1,true]`)
	e.WantError(`new Event()`, `TypeError: Failed to construct 'Event': constructor parameter 1 is not of type 'string'.`)
	e.WantError(`new Event('x', 1)`, `TypeError: Failed to construct 'Event': constructor parameter 2 is not of type 'Init'.`)
	e.WantError(`new PromiseRejectionEvent('x')`, `TypeError: Illegal constructor`)
	e.WantError(`new MessageEvent('x', { ports: 1 })`, `TypeError: object is not iterable`)
	e.WantError(`new Event('x', { get bubbles() { throw new RangeError('mine') } })`, `RangeError: mine`)
}

// With pedantic_wpt an event has a current target while it is being dispatched only.
func TestCurrentTargetAfterwards(t *testing.T) {
	const source = `const t = new EventTarget(), e = new Event('x'); let during; t.addEventListener('x', () => { during = e.currentTarget === t }); t.dispatchEvent(e);
		return [during, e.currentTarget === t, e.currentTarget === null, e.target === t, new Event('y').currentTarget === null]`
	for flag, want := range map[string]string{"pedantic_wpt": `[true,false,true,true,true]`, "non_pedantic_wpt": `[true,true,false,true,false]`} {
		flags, errs := compat.Parse(compat.Newest, []string{flag}, compat.Options{})
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		jstest.NewWith(t, jstest.Options{Modules: []bind.Module{events.Module}, Compat: flags}).Want(source, want)
	}
}

func TestListeners(t *testing.T) {
	e := jstest.New(t, events.Module)
	for name, c := range map[string]struct{ src, want string }{
		"during":   {`let r; t.addEventListener('x', function (e) { r = [e.eventPhase, e.target === t, e.currentTarget === t, e.srcElement === t, this === t, e.composedPath()[0] === t, e.isTrusted] }); const e = new Event('x'); t.dispatchEvent(e); return [r, e.target === t, e.eventPhase, e.composedPath().length]`, `[[2,true,true,true,true,true,false],true,0,0]`},
		"object":   {`const h = { n: 0, handleEvent(e) { this.n++ } }; t.addEventListener('x', h); t.dispatchEvent(new Event('x')); return h.n`, `1`},
		"late":     {`const h = {}; t.addEventListener('x', h); let n = 0; h.handleEvent = () => n++; t.dispatchEvent(new Event('x')); return n`, `1`},
		"twice":    {`let n = 0; const f = () => n++; t.addEventListener('x', f); t.addEventListener('x', f, { once: true }); t.dispatchEvent(new Event('x')); t.dispatchEvent(new Event('x')); return n`, `2`},
		"capture":  {`let n = 0; const f = () => n++; t.addEventListener('x', f); t.addEventListener('x', f, true); t.dispatchEvent(new Event('x')); t.removeEventListener('x', f); t.dispatchEvent(new Event('x')); t.removeEventListener('x', f, { capture: true }); t.dispatchEvent(new Event('x')); return n`, `3`},
		"once":     {`let n = 0; t.addEventListener('x', () => { n++; t.dispatchEvent(new Event('x')) }, { once: true }); t.dispatchEvent(new Event('x')); return n`, `1`},
		"passive":  {`t.addEventListener('x', e => e.preventDefault(), { passive: true }); return t.dispatchEvent(new Event('x', { cancelable: true }))`, `true`},
		"prevent":  {`t.addEventListener('x', e => e.preventDefault()); return [t.dispatchEvent(new Event('x', { cancelable: true })), t.dispatchEvent(new Event('x'))]`, `[false,true]`},
		"stop":     {`const r = []; t.addEventListener('x', e => { r.push(1); e.stopPropagation() }); t.addEventListener('x', e => { r.push(2); e.stopImmediatePropagation() }); t.addEventListener('x', () => r.push(3)); t.dispatchEvent(new Event('x')); return r`, `[1,2]`},
		"add":      {`const r = []; t.addEventListener('x', () => { r.push(1); t.addEventListener('x', () => r.push(2)) }); t.dispatchEvent(new Event('x')); return r`, `[1]`},
		"remove":   {`const r = []; const f = () => r.push(2); t.addEventListener('x', () => { r.push(1); t.removeEventListener('x', f) }); t.addEventListener('x', f); t.dispatchEvent(new Event('x')); return r`, `[1]`},
		"signal":   {`let n = 0; const c = new AbortController(); t.addEventListener('x', () => n++, { signal: c.signal }); t.dispatchEvent(new Event('x')); c.abort(); t.dispatchEvent(new Event('x')); t.addEventListener('x', () => n++, { signal: c.signal }); t.dispatchEvent(new Event('x')); return n`, `1`},
		"null":     {`t.addEventListener('x', null); t.removeEventListener('x', null); return t.dispatchEvent(new Event('x'))`, `true`},
		"again":    {`let n = 0; const e = new Event('x'); t.addEventListener('x', () => n++); t.dispatchEvent(e); t.dispatchEvent(e); return n`, `2`},
		"subclass": {`class A extends EventTarget { #p = 1; x = 1 } const a = new A(); let r; a.addEventListener('q', e => r = e.target === a); a.dispatchEvent(new Event('q')); return [r, a.x]`, `[true,1]`},
	} {
		t.Run(name, func(t *testing.T) {
			e.T = t
			e.Want("const t = new EventTarget();"+c.src, c.want)
		})
	}
	e.T = t
	e.WantError(`new EventTarget().addEventListener()`, `TypeError: Failed to execute 'addEventListener' on 'EventTarget': parameter 1 is not of type 'string'.`)
	for _, bad := range []string{``, `, 1`, `, 'f'`} {
		e.WantError(`new EventTarget().addEventListener('x'`+bad+`)`, `TypeError: Failed to execute 'addEventListener' on 'EventTarget': parameter 2 is not of type 'function or HandlerObject'.`)
	}
	e.WantError(`new EventTarget().addEventListener('x', () => {}, { signal: 1 })`, `TypeError: Incorrect type for the 'signal' field on 'AddEventListenerOptions': the provided value is not of type 'AbortSignal'.`)
	e.WantError(`new EventTarget().dispatchEvent('x')`, `TypeError: Failed to execute 'dispatchEvent' on 'EventTarget': parameter 1 is not of type 'Event'.`)
	e.Want(`const t = new EventTarget(); const e = new Event('x'); let got; t.addEventListener('x', () => { try { t.dispatchEvent(e) } catch (x) { got = [x.name, x.message] } }); t.dispatchEvent(e); return got`,
		`["InvalidStateError","The event is already being dispatched."]`)
}

func TestListenerThatThrowsIsReported(t *testing.T) {
	e := jstest.New(t, events.Module)
	e.Want(`const t = new EventTarget(); let n = 0; t.addEventListener('x', () => { throw new RangeError('boom') }); t.addEventListener('x', {}); t.addEventListener('x', () => n++); return [t.dispatchEvent(new Event('x')), n]`, `[true,1]`)
	for _, want := range []string{"uncaught exception", "RangeError: boom", "test.js:", "The 'handleEvent' property of an event listener is not a function."} {
		if !strings.Contains(e.Log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, e.Log)
		}
	}
}

func TestErrorEventComesFirst(t *testing.T) {
	e := jstest.New(t, events.Module)
	e.Want(`let got; addEventListener('error', e => { got = [e instanceof ErrorEvent, e.message, e.error.message, e.filename, e.lineno > 0, e.colno > 0, e.isTrusted]; e.preventDefault() }, { once: true });
		const t = new EventTarget(); t.addEventListener('x', () => { throw new RangeError('boom') }); t.dispatchEvent(new Event('x')); return got`,
		`[true,"Uncaught RangeError: boom","boom","test.js",true,true,true]`)
	if got := e.Log.String(); got != "" {
		t.Errorf("logged although it was prevented: %s", got)
	}
	e.Want(`addEventListener('error', () => { throw new Error('from the listener') }, { once: true }); addEventListener('error', () => { throw 'a string' });
		const t = new EventTarget(); t.addEventListener('x', () => { throw new RangeError('boom') }); t.dispatchEvent(new Event('x'))`, `undefined`)
	for _, want := range []string{"boom", "from the listener", "a string"} {
		if !strings.Contains(e.Log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, e.Log)
		}
	}
}

func TestGlobalIsATarget(t *testing.T) {
	e := jstest.New(t, events.Module)
	e.Want(`let r; addEventListener('x', function (e) { r = [this === globalThis, e.target === globalThis] }); const f = dispatchEvent; f(new Event('x')); return r`, `[true,true]`)
	e.Want(`let n = 0; const f = () => n++; globalThis.addEventListener('y', f); dispatchEvent(new Event('y')); removeEventListener('y', f); dispatchEvent(new Event('y')); return n`, `1`)
}

func TestAbortSignal(t *testing.T) {
	e := jstest.New(t, events.Module)
	for src, want := range map[string]string{
		`const s = AbortSignal.abort(); return [s.aborted, s.reason.name, s.reason.message, s.reason.code, s instanceof EventTarget]`: `[true,"AbortError","The operation was aborted",20,true]`,
		`return AbortSignal.abort(undefined).reason.name`: `AbortError`,
		`return AbortSignal.abort(null).reason`:           `null`,
		`const c = new AbortController(), r = [c.signal === c.signal, c.signal.aborted, c.signal.reason === undefined]; c.abort(1); c.abort(2); return [...r, c.signal.aborted, c.signal.reason]`:                               `[true,false,true,true,1]`,
		`const c = new AbortController(), r = []; c.signal.addEventListener('abort', () => r.push(1)); c.signal.onabort = () => r.push(2); c.signal.addEventListener('abort', () => r.push(3)); c.abort(); c.abort(); return r`: `[1,2,3]`,
		`const s = new AbortController().signal, r = [s.onabort]; s.onabort = 5; r.push(s.onabort); const f = () => {}; s.onabort = f; r.push(s.onabort === f); s.onabort = null; r.push(s.onabort); return r`:                  `[null,null,true,null]`,
		`const c = new AbortController(); let got; c.signal.onabort = function (e) { got = [this === c.signal, e.type, e.isTrusted] }; c.abort(); return got`:                                                                   `[true,"abort",true]`,
		`return AbortSignal.any([AbortSignal.abort(1), AbortSignal.abort(2)]).reason`:                                                                                                                                           `1`,
		`const s = AbortSignal.any([]); return s.aborted`: `false`,
		`const c = new AbortController(), d = AbortSignal.any([c.signal]), e = AbortSignal.any([d]), r = []; d.onabort = () => r.push('d'); e.onabort = () => r.push('e', d.aborted); c.signal.onabort = () => r.push('c', e.aborted); c.abort(7); return [r, d.reason, e.reason]`: `[["c",true,"d","e",true],7,7]`,
		`const a = new AbortController(), b = new AbortController(), s = AbortSignal.any([a.signal, b.signal]); b.abort('b'); a.abort('a'); return [s.aborted, s.reason]`:                                                                                                          `[true,"b"]`,
		`const a = new AbortController(), b = new AbortController(), s = AbortSignal.any([a.signal, b.signal]); let n = 0; s.onabort = () => n++; b.abort('b'); a.abort('a'); return [n, s.reason]`:                                                                                `[1,"b"]`,
		`const a = new AbortController(), s = AbortSignal.any([a.signal]); let n = 0; const f = () => n++; s.addEventListener('abort', f); s.removeEventListener('abort', f); a.abort(); return [n, s.aborted]`:                                                                    `[0,true]`,
	} {
		e.Want(src, want)
	}
	e.WantError(`new AbortSignal()`, `TypeError: Illegal constructor`)
	e.WantError(`AbortSignal.any()`, `TypeError: Failed to execute 'any' on 'AbortSignal': parameter 1 is not of type 'Array'.`)
	e.WantError(`AbortSignal.any([AbortSignal.abort(), 1])`, `TypeError: Incorrect type for array element 1: the provided value is not of type 'AbortSignal'.`)
	e.WantError(`AbortSignal.abort(new RangeError('why')).throwIfAborted()`, `RangeError: why`)
	e.Want(`try { AbortSignal.abort('why').throwIfAborted() } catch (e) { return e }`, `why`)
	e.WantError(`AbortSignal.timeout()`, `TypeError: Failed to execute 'timeout' on 'AbortSignal': parameter 1 is not of type 'number'.`)
}

func TestAbortSignalTimeout(t *testing.T) {
	e := jstest.New(t, events.Module)
	e.Want(`const s = AbortSignal.timeout(1); const before = s.aborted; await new Promise(r => s.onabort = r); return [before, s.aborted, s.reason.name, s.reason.message, s.reason.code]`,
		`[false,true,"TimeoutError","The operation was aborted due to timeout",23]`)
	var err error
	e.OnLoop(func() {
		_ = e.Realm.Run(nil, func(js *isolate.JS) { _, err = js.Runtime().RunString(`AbortSignal.timeout(1)`) })
	})
	if err == nil || !strings.Contains(err.Error(), "Disallowed operation called within global scope") {
		t.Errorf("in the global scope: %v", err)
	}
}

func TestSignalFromGo(t *testing.T) {
	e := jstest.New(t, events.Module)
	e.In(func(js *isolate.JS, _ *iocontext.Context) {
		source := events.NewSignal()
		s := events.AnySignal(source, events.NewSignal())
		var got []string
		note := func(tag string) func(*isolate.JS, goja.Value) {
			return func(_ *isolate.JS, r goja.Value) { got = append(got, tag+r.String()) }
		}
		s.OnAbort(js, note("a"))
		s.OnAbort(js, note("never"))()
		if err := s.Err(js); err != nil {
			t.Error(err)
		}
		source.Abort(js, js.Runtime().ToValue("why"))
		s.OnAbort(js, note("b"))
		if err := s.Err(js); fmt.Sprint(got, err) != "[awhy bwhy] Error: why" {
			t.Error(got, err)
		}
	})
}

// room is a class with events of its own.
type room struct{ events.Target }

var roomClass = &bind.Class[room]{
	Name:   "Room",
	Parent: bind.Extends(events.TargetClass, func(r *room) *events.Target { return &r.Target }),
}

func TestHostDispatch(t *testing.T) {
	e := jstest.New(t, events.Module)
	e.In(func(js *isolate.JS, _ *iocontext.Context) {
		r := &room{}
		ev := &events.MessageEvent{Event: events.New("message", true), Data: js.Runtime().ToValue("hi")}
		if events.Dispatch(js, &r.Target, events.MessageEventClass, ev) {
			t.Error("told somebody although nobody listens")
		}
		fn, err := js.Runtime().RunString(`(room) => room.addEventListener('message', function (e) { globalThis.got = [this === room, e.data, e.isTrusted, e instanceof MessageEvent, room instanceof EventTarget].join(); e.preventDefault() })`)
		if err != nil {
			t.Error(err)
			return
		}
		if _, err := js.Call(fn, nil, roomClass.Wrap(js, r)); err != nil {
			t.Error(err)
		}
		if !events.Dispatch(js, &r.Target, events.MessageEventClass, ev) || !ev.Prevented() {
			t.Error("not told, or not prevented")
		}
		if got := js.Runtime().Get("got").String(); got != "true,hi,true,true,true" {
			t.Error(got)
		}
	})
}

func TestDeliverReturnsWhatAListenerThrows(t *testing.T) {
	e := jstest.New(t, events.Module)
	e.In(func(js *isolate.JS, _ *iocontext.Context) {
		ev := events.New("go", false)
		if told, err := events.Deliver(js, events.Global(js), events.EventClass, &ev); told || err != nil {
			t.Errorf("nobody listens: %v, %v", told, err)
		}
		_, err := js.Runtime().RunString(`addEventListener('go', () => { throw new RangeError('boom') }); addEventListener('go', () => { globalThis.second = 1 })`)
		if err != nil {
			t.Error(err)
		}
		told, err := events.Deliver(js, events.Global(js), events.EventClass, &ev)
		if !told || err == nil || js.Exception(err).Error() != "RangeError: boom" {
			t.Errorf("%v, %v", told, err)
		}
		if js.Runtime().Get("second") != nil {
			t.Error("the second listener was called")
		}
		if got := fmt.Sprint(events.Global(js).Types()); got != "[go]" {
			t.Error(got)
		}
	})
}

func TestRejectionEvents(t *testing.T) {
	var handled []bool
	done := make(chan struct{}, 4)
	e := jstest.NewWith(t, jstest.Options{Modules: []bind.Module{events.Module}, OnRejection: func(js *isolate.JS, r isolate.Rejection) {
		handled = append(handled, events.DispatchRejection(js, r))
		done <- struct{}{}
	}})
	e.Want(`globalThis.got = []; addEventListener('unhandledrejection', e => { got.push(e.type, e.reason, e.promise === p); if (e.reason === 'second') e.preventDefault() }); addEventListener('rejectionhandled', e => got.push(e.type, e.reason));
		globalThis.p = Promise.reject('first')`, `undefined`)
	<-done
	e.Want(`p.catch(() => {}); globalThis.p = Promise.reject('second')`, `undefined`)
	<-done
	<-done
	e.Want(`return got`, `["unhandledrejection","first",true,"rejectionhandled",null,"unhandledrejection","second",true]`)
	e.OnLoop(func() {
		if fmt.Sprint(handled) != "[false true true]" {
			t.Error(handled)
		}
	})
}

func TestHandlerInAProperty(t *testing.T) {
	e := jstest.New(t, events.Module)
	e.Want(`
		const t = new EventTarget(), seen = [];
		t.addEventListener("ping", () => seen.push("listener"));
		t.onping = function (e) { seen.push("property", this === t, e.type) };
		t.dispatchEvent(new Event("ping"));
		t.onping = e => e.stopImmediatePropagation();
		t.dispatchEvent(new Event("ping"));
		t.onping = "no function";
		t.dispatchEvent(new Event("ping"));
		const s = new AbortController(); s.signal.onabort = () => seen.push("once"); s.abort();
		return seen`, `["property",true,"ping","listener","listener","once"]`)
}

func TestConstantsOfDOMExceptionAreInOrder(t *testing.T) {
	e := jstest.New(t, events.Module)
	e.Want(`const k = Object.keys(DOMException); return [k[0], k[24], k.length, Object.keys(DOMException.prototype).includes("ABORT_ERR"), DOMException.DATA_CLONE_ERR].join()`,
		`INDEX_SIZE_ERR,DATA_CLONE_ERR,25,true,25`)
	e.Want(`return [typeof ExtendableEvent, ExtendableEvent.prototype instanceof Event].join()`, `function,true`)
	e.WantError(`new ExtendableEvent("x")`, "TypeError: Illegal constructor")
}
