package serialize

import (
	"strings"
	"testing"
	"time"
)

// What goes wrong, and how the process ends.
func TestFailures(t *testing.T) {
	for name, c := range map[string]struct {
		code string
		exit int
		out  string
		says string
	}{
		"an exception":                {`throw new RangeError('x')`, 1, "", "Uncaught RangeError: x"},
		"a value":                     {`throw { a: 1 }`, 1, "", "Uncaught { a: 1 }"},
		"a rejection":                 {`Promise.reject(new Error('x'))`, 1, "", "Uncaught (in promise) Error: x"},
		"one that is handled":         {`Promise.reject(1).catch(() => console.log('ok'))`, 0, "ok", ""},
		"one that is prevented":       {`addEventListener('unhandledrejection', e => { console.log(e.reason); e.preventDefault() }); Promise.reject(7)`, 0, "7", ""},
		"one that is handled late":    {`addEventListener('unhandledrejection', e => e.preventDefault()); addEventListener('rejectionhandled', () => console.log('late')); const p = Promise.reject(7); setTimeout(() => p.catch(() => {}), 1)`, 0, "late", ""},
		"an error listener":           {`addEventListener('error', e => console.log(e.error.message, e.message)); setTimeout(() => { throw new Error('x') }, 1); setTimeout(() => console.log('on'), 9)`, 0, "x x\non", "Uncaught Error: x"},
		"one that prevents":           {`addEventListener('error', e => e.preventDefault()); setTimeout(() => { throw new Error('x') }, 1)`, 0, "", "-"},
		"an error listener's own":     {`addEventListener('error', () => { throw new Error('worse') }); setTimeout(() => { throw new Error('x') }, 1); setTimeout(() => console.log('on'), 9)`, 1, "", `Uncaught Exception on "error": Error: worse`},
		"a rejection listener's own":  {`addEventListener('unhandledrejection', () => { throw new Error('worse') }); Promise.reject(1)`, 1, "", `Uncaught Exception on "unhandledrejection": Error: worse`},
		"install that throws":         {`addEventListener('install', () => { throw new Error('no') }); addEventListener('install', () => console.log('never'))`, 1, "", "Uncaught Error: no"},
		"install that rejects":        {`addEventListener('install', e => e.waitUntil(Promise.reject(new Error('no'))))`, 1, "", "Uncaught (in promise) Error: no"},
		"a waitUntil of one's own":    {`const e = new ExtendableEvent('x'); addEventListener('x', e => e.waitUntil(1).catch(e => console.log(e.name))); dispatchEvent(e)`, 0, "InvalidStateError", ""},
		"the same without a handler":  {`addEventListener('x', e => { e.waitUntil(1); console.log('did not throw') }); dispatchEvent(new ExtendableEvent('x'))`, 1, "did not throw", "InvalidStateError"},
		"an exit":                     {`addEventListener('install', () => { try { aworker.exit(3) } finally { console.log('never') } })`, 3, "", ""},
		"an exit with no integer":     {`for (const v of ['1', 1.5, 2 ** 40, NaN, {}]) try { aworker.exit(v) } catch (e) { console.log(e.name) }`, 0, "TypeError\nTypeError\nTypeError\nTypeError\nTypeError", ""},
		"env of another type":         {`try { aworker.env.X = {} } catch (e) { console.log(e.name) } aworker.env.N = 1; aworker.env.B = true; console.log(aworker.env.N, aworker.env.B, delete aworker.env.nothing, 'N' in aworker.env)`, 0, "TypeError\n1 true true true", ""},
		"nested extensions":           {`addEventListener('install', e => e.waitUntil((async () => { await null; e.waitUntil(new Promise(r => setTimeout(r, 3)).then(() => console.log('inner'))) })())); addEventListener('install', e => e.waitUntil(1))`, 0, "inner", ""},
		"a timer that does not fit":   {`setTimeout(() => console.log('fired'), 2 ** 31)`, 0, "fired", "does not fit into a 32-bit signed integer"},
		"timers are objects":          {`const t = setTimeout(() => console.log('never'), 1); console.log(typeof t, Number(t) > 0); clearTimeout(Number(t)); clearInterval(99); clearTimeout({})`, 0, "object true", ""},
		"a missing callback":          {`setTimeout('code', 1)`, 1, "", "TypeError"},
		"a top level that never ends": {`await new Promise(() => {})`, 0, "", ""},
	} {
		b := newBench(t, "")
		if strings.Contains(c.code, "await new Promise(() => {})") {
			b.o.Program = module(t, c.code)
		} else {
			b.o.Program = compiled(t, c.code)
		}
		e := Run(b.ctx(), b.o, nil)
		if out := strings.TrimRight(b.out.String(), "\n"); e.Code != c.exit || out != c.out {
			t.Errorf("%s: exit %d, printed %q; want %d, %q; stderr: %s", name, e.Code, out, c.exit, c.out, b.err.String())
		}
		switch errs := b.err.String(); {
		case c.says == "-" && errs != "", c.says != "-" && !strings.Contains(errs, c.says):
			t.Errorf("%s: stderr is %q, want %q", name, errs, c.says)
		}
	}
}

// SIGTERM: before install it kills, later it is an event.
func TestTermination(t *testing.T) {
	for name, c := range map[string]struct{ code, out string }{
		"uninstall":      {`addEventListener('install', () => { console.log('ready'); setInterval(() => {}, 1e6) }); addEventListener('uninstall', e => { console.log('uninstall'); e.waitUntil(new Promise(r => setTimeout(r, 5)).then(() => console.log('over'))) })`, "ready\nuninstall\nover\n"},
		"before install": {`addEventListener('install', e => { console.log('ready'); e.waitUntil(new Promise(r => setTimeout(r, 1e6))) }); addEventListener('uninstall', () => console.log('never'))`, "ready\n"},
		"a busy script":  {`console.log('ready'); for (;;) {}`, "ready\n"},
	} {
		b := newBench(t, c.code)
		e := RunSeed(b.ctx(), b.o, SeedBare, func(w *Worker) (func(), error) {
			done := make(chan struct{})
			go func() {
				defer close(done)
				for !strings.Contains(b.out.String(), "ready") || name == "uninstall" && !w.armed.Load() {
					time.Sleep(time.Millisecond)
				}
				w.Terminate()
			}()
			return func() { <-done }, nil
		})
		if !e.Terminated || e.Code != ExitTerminated || b.out.String() != c.out {
			t.Errorf("%s: %+v, %q, %s", name, e, b.out.String(), b.err.String())
		}
	}
}
