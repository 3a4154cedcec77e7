package isolate_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
)

var errNothing = exception.Errorf("nothing")

// inTurn runs fn in a turn that must end well.
func (k *kit) inTurn(fn func(js *isolate.JS)) {
	k.Helper()
	k.loop(func() {
		if err := k.realm.Run(nil, fn); err != nil {
			k.Errorf("turn failed: %v", err)
		}
	})
}

// thrown is the exception for what the body throws.
func (k *kit) thrown(body string) (e *exception.Exception) {
	k.Helper()
	k.inTurn(func(js *isolate.JS) {
		_, err := js.Call(function(js, body), nil)
		if err == nil {
			k.Errorf("%s does not throw", body)
			return
		}
		e = js.Exception(err)
	})
	return e
}

func TestThrownValueBecomesAnException(t *testing.T) {
	k := newKit(t, isolate.Options{})
	for body, want := range map[string]string{
		`throw new Error("m")`:                                     "Error: m",
		`throw new TypeError("m")`:                                 "TypeError: m",
		`throw new RangeError("m")`:                                "RangeError: m",
		`throw new SyntaxError("m")`:                               "SyntaxError: m",
		`throw new ReferenceError("m")`:                            "ReferenceError: m",
		`throw new EvalError("m")`:                                 "EvalError: m",
		`throw new URIError("m")`:                                  "URIError: m",
		`throw new AggregateError([], "m")`:                        "AggregateError: m",
		`throw new Error("")`:                                      "Error",
		`class Mine extends Error {} throw new Mine("m")`:          "Error: m",
		`const e = new Error("m"); e.name = "Own"; throw e`:        "Error: m",
		`const e = new Error("m"); e.name = "TypeError"; throw e`:  "TypeError: m",
		`const e = new Error("m"); e.name = "AbortError"; throw e`: "Error: m", // no DOMException
		`throw "text"`:                                             "Error: text",
		`throw 42`:                                                 "Error: 42",
		`throw 2n ** 70n`:                                          "Error: 1180591620717411303424",
		`throw undefined`:                                          "Error: undefined",
		`throw null`:                                               "Error: null",
		`throw Symbol("s")`:                                        "Error: Symbol(s)",
		`throw { message: "m" }`:                                   "Error: m",
		`throw { name: "RangeError", message: "m" }`:               "RangeError: m",
		`throw { toString: () => "text" }`:                         "Error: [object Object]",
		`throw { message: Symbol("s") }`:                           "Error: Symbol(s)",
		`throw { message: 7, name: 8 }`:                            "Error: 7",
		`throw Object.create(null)`:                                "Error: [object Object]",
		`throw {}`:                                                 "Error: #<Object>",
		`throw new (class Mine { toString() { return "own" } })`:   "Error: [object Object]",
		`throw new (class Mine {})`:                                "Error: #<Mine>",
		`throw []`:                                                 "Error: [object Array]",
		`throw () => 1`:                                            "Error: () => 1",
		`throw { get message() { throw this } }`:                   "Error: #<Object>",
		`throw { get name() { throw 1 }, get message() { return "m" } }`:                              "Error: m",
		`throw { get message() { throw 1 }, toString() { throw 2 } }`:                                 "Error: [object Object]",
		`throw { message: { toString() { throw 1 } } }`:                                               "Error: #<Object>",
		`throw new Proxy(new Error("m"), {})`:                                                         "Error: m",
		`throw new Proxy({}, { get() { throw 1 }, getPrototypeOf() { throw 2 }, has() { throw 3 } })`: "Error: [object Object]",
		`const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); throw proxy`:                    "Error: [object Object]",
		`const e = new Error("m"); Object.setPrototypeOf(e, null); throw e`:                           "Error: m",
		`const e = new Error("m"); e.cause = e; throw e`:                                              "Error: m",
		`const e = new Error("m"); Object.freeze(e); throw e`:                                         "Error: m",
		`throw new Date(NaN)`: "Error: [object Date]",
		`null.x`:              "TypeError: Cannot read property 'x' of null",
		`missing`:             "ReferenceError: missing is not defined",
	} {
		e := k.thrown(body)
		if e == nil {
			continue
		}
		if got := e.Error(); got != want && !strings.HasPrefix(want, "TypeError: Cannot read") {
			t.Errorf("%s\n\tgave %q, want %q", body, got, want)
		}
		if strings.HasPrefix(want, "TypeError: Cannot read") && e.Class != "TypeError" {
			t.Errorf("%s gave %v", body, e)
		}
	}
	k.wantCondemned(nil, nil)
}

func TestThrownValueKeepsItsStackAndSigns(t *testing.T) {
	k := newKit(t, isolate.Options{})
	if e := k.thrown("function inner() { throw new Error('m') }\ninner()"); !strings.HasPrefix(e.Stack, "Error: m\n    at inner (test.js:1:") {
		t.Errorf("stack %q", e.Stack)
	}
	if e := k.thrown("throw 'text'"); !strings.Contains(e.Stack, "test.js:1:") {
		t.Errorf("stack of a text %q", e.Stack)
	}
	for body, want := range map[string]exception.Kind{
		`const e = new Error(); e.retryable = true; throw e`:                  exception.Disconnected,
		`const e = new Error(); e.overloaded = 1; throw e`:                    exception.Overloaded,
		`const e = new Error(); e.overloaded = e.retryable = true; throw e`:   exception.Overloaded,
		`const e = new Error(); e.retryable = 0; throw e`:                     exception.Failed,
		`throw { get retryable() { throw 1 }, get overloaded() { throw 1 } }`: exception.Failed,
	} {
		if e := k.thrown(body); e.Kind != want {
			t.Errorf("%s: kind %d", body, e.Kind)
		}
	}
}

func TestHugeThrownTextsAreCarriedOnce(t *testing.T) {
	k := newKit(t, isolate.Options{})
	if e := k.thrown(`throw new Error("x".repeat(1 << 22))`); len(e.Message) != 1<<22 {
		t.Errorf("message of %d bytes", len(e.Message))
	}
	if e := k.thrown(`throw "\u00e4".repeat(1 << 22)`); len(e.Message) > 1000 || !strings.HasSuffix(e.Message, "ä…") {
		t.Errorf("a thrown text of %d bytes", len(e.Message))
	}
	if e := k.thrown(`const e = new Error("m"); e.stack = "at ".repeat(1 << 20) + "\n    at (((".repeat(1 << 16); throw e`); e.Message != "m" {
		t.Errorf("message %q", e.Message)
	}
}

func TestGoErrorBecomesAJavaScriptError(t *testing.T) {
	k := newKit(t, isolate.Options{})
	internal := errors.New("secret path /etc")
	for _, c := range []struct {
		err  error
		want string
	}{
		{exception.Errorf("m"), "Error|Error|m|"},
		{exception.TypeErrorf("m"), "TypeError|TypeError|m|"},
		{exception.RangeErrorf("m"), "RangeError|RangeError|m|"},
		{exception.New("SyntaxError", "m"), "SyntaxError|SyntaxError|m|"},
		{exception.New("ReferenceError", "m"), "ReferenceError|ReferenceError|m|"},
		{exception.New("EvalError", "m"), "EvalError|EvalError|m|"},
		{exception.New("URIError", "m"), "URIError|URIError|m|"},
		{exception.New("NoSuchClass", "m"), "Error|Error|m|"},
		{exception.New("", ""), "Error|Error||"},
		{exception.DOM("AbortError", "m"), "Error|AbortError|m|"}, // no DOMException in this realm
		{fmt.Errorf("wrapped: %w", exception.TypeErrorf("m")), "TypeError|TypeError|m|"},
		{exception.Errorf("m").WithKind(exception.Disconnected), "Error|Error|m|retryable"},
		{exception.Errorf("m").WithKind(exception.Overloaded).WithBroken(exception.ExceededCPU), "Error|Error|m|overloaded,durableObjectReset"},
		{&exception.Exception{Message: "m", Remote: true, ActorID: "id1"}, "Error|Error|m|durableObjectId,remote"},
		{&goja.StackOverflowError{}, "RangeError|RangeError|Maximum call stack size exceeded|"},
	} {
		k.inTurn(func(js *isolate.JS) {
			show := function(js, `const e = arguments[0]; return [e.constructor.name, e.name, e.message, Object.keys(e).filter(k => k !== "name" && k !== "stack")].join("|")`)
			got, err := js.Call(show, nil, js.Error(c.err))
			if err != nil || got.String() != c.want {
				t.Errorf("%v: %v, %v, want %s", c.err, got, err, c.want)
			}
		})
	}
	k.inTurn(func(js *isolate.JS) {
		got := js.Error(internal).String()
		ref, ok := strings.CutPrefix(got, "Error: internal error; reference = ")
		if !ok || len(ref) != 24 {
			t.Errorf("internal error shows as %q", got)
		}
		if log := k.logs.String(); !strings.Contains(log, ref) || !strings.Contains(log, "secret path /etc") {
			t.Errorf("the log does not explain the reference:\n%s", log)
		}
	})
}

// A value that was thrown comes back as itself within its realm, and as an error
// with its text elsewhere.
func TestThrownValueComesBackAsItselfInItsRealmOnly(t *testing.T) {
	k := newKit(t, isolate.Options{})
	second := k.newRealm("second")
	k.loop(func() {
		var e *exception.Exception
		_ = k.realm.Run(nil, func(js *isolate.JS) {
			v, err := js.Call(function(js, `return { name: "RangeError", message: "m", extra: 1 }`), nil)
			if err != nil {
				t.Fatal(err)
			}
			e = js.Thrown(v)
			if got := js.Error(fmt.Errorf("on the way: %w", e)); got != v {
				t.Errorf("came back as %v", got)
			}
			if got := js.Error(e.AsRemote()); got == v {
				t.Error("crossed a boundary as itself")
			}
		})
		_ = second.Run(nil, func(js *isolate.JS) {
			got, ok := js.Error(e).(*goja.Object)
			if !ok || got.String() != "RangeError: m" || got.Get("extra") != nil || got.Get("constructor") != js.Runtime().Get("RangeError") {
				t.Errorf("came over as %v", got)
			}
		})
	})
}

// Scripts that replace the classes of errors do not get hold of the host's errors.
func TestErrorsAreMadeWithTheIntrinsicClasses(t *testing.T) {
	k := newKit(t, isolate.Options{})
	k.inTurn(func(js *isolate.JS) {
		js.Error(exception.TypeErrorf("first use")) // the classes are remembered at first use
		if _, err := js.Call(function(js, `
			globalThis.TypeError = class { constructor() { log("hijacked") } };
			Object.defineProperty(Error.prototype, "retryable", { set() { log("setter") } });`), nil); err != nil {
			t.Error(err)
		}
		if got := js.Error(exception.TypeErrorf("m").WithKind(exception.Disconnected)).String(); got != "TypeError: m" {
			t.Errorf("error %s", got)
		}
	})
	k.want()
}

func TestCallingWhatIsNoFunctionIsATypeError(t *testing.T) {
	k := newKit(t, isolate.Options{})
	k.inTurn(func(js *isolate.JS) {
		rt := js.Runtime()
		for want, v := range map[string]goja.Value{
			"undefined is not": nil, "null is not": goja.Null(), "1 is not": rt.ToValue(1), "[object Object] is not": rt.NewObject(),
		} {
			if _, err := js.Call(v, nil); err == nil || err.Error() != "TypeError: "+want+" a function" {
				t.Errorf("call: %v", err)
			}
			if _, err := js.Construct(v); err == nil || err.Error() != "TypeError: "+want+" a constructor" {
				t.Errorf("construct: %v", err)
			}
		}
	})
}

// Waiting looks at nothing of an ordinary object but its then.
func TestOnSettledOfAnythingTellsOnce(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"value":            {`return 1`, "1"},
		"object":           {`return { get x() { log("read"); throw 1 }, toString: () => "object" }`, "object"},
		"deep object":      {`const o = { toString: () => "deep" }; o.o = o; return o`, "deep"},
		"throwing then":    {`return { get then() { throw 1 }, toString: () => "then" }`, "then"},
		"then no function": {`return { then: 1, toString: () => "no" }`, "no"},
		"fulfilled":        {`return Promise.resolve("v")`, "v"},
		"rejected":         {`return Promise.reject("r")`, "failed Error: r"},
		"pending":          {`return Promise.resolve().then(() => "p")`, "p"},
		"thenable":         {`return { then(f) { f("t"); f("again"); throw 1 } }`, "t"},
		"rejecting":        {`return { then(f, r) { r("r"); f("again") } }`, "failed Error: r"},
		"thenable of one":  {`return { then(f) { f({ then(g) { g("inner") } }) } }`, "inner"},
		"proxy of promise": {`return new Proxy(Promise.resolve(1), {})`, "failed TypeError: "},
		"revoked":          {`const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy`, "revoked"},
		"subclass":         {`class P extends Promise {} return P.resolve("sub")`, "sub"},
		"own then":         {`const p = Promise.resolve().then(() => "own"); p.then = () => { log("asked") }; return p`, "own"},
		"hostile species":  {`const p = Promise.resolve().then(() => "x"); p.constructor = { get [Symbol.species]() { throw "species" } }; return p`, "x"},
		"replaced then":    {`Promise.prototype.then = () => { log("asked") }; return (async () => { await 0; return "async" })()`, "async"},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKit(t, isolate.Options{})
			k.inTurn(func(js *isolate.JS) { js.OnSettled(js.Resolved(nil), func(*isolate.JS, goja.Value, error) {}) })
			told := 0
			k.inTurn(func(js *isolate.JS) {
				v, err := js.Call(function(js, c.body), nil)
				if err != nil {
					t.Fatal(err)
				}
				js.OnSettled(v, func(js *isolate.JS, got goja.Value, err error) {
					told++
					text := ""
					if err != nil {
						text = "failed " + js.Exception(err).Error()
					} else if e := js.Try(func() { text = got.String() }); e != nil {
						text = "revoked"
					}
					if !strings.HasPrefix(text, c.want) || c.want != "failed TypeError: " && text != c.want {
						t.Errorf("told %q, want %q", text, c.want)
					}
				})
			})
			if told != 1 {
				t.Errorf("told %d times", told)
			}
			k.want()
			k.wantRejected()
		})
	}
}

// Who waits is told even when the turn in which it began to wait ends badly.
func TestOnSettledSurvivesAnExceptionOutOfTheTurn(t *testing.T) {
	k := newKit(t, isolate.Options{})
	k.loop(func() {
		err := k.realm.Run(nil, func(js *isolate.JS) {
			p, err := js.Call(function(js, `return later("x")`), nil)
			if err != nil {
				t.Fatal(err)
			}
			js.OnSettled(p, func(js *isolate.JS, v goja.Value, err error) { k.out = append(k.out, "told "+v.String()) })
			js.Panic(errNothing)
		})
		if err == nil {
			t.Error("no error")
		}
	})
	k.settle(nil, "x", "v")
	k.want("told v")
}

func TestPromiseSettlesOnce(t *testing.T) {
	k := newKit(t, isolate.Options{})
	k.inTurn(func(js *isolate.JS) {
		p, resolve, reject := js.NewPromise()
		resolve(nil)
		resolve(js.Runtime().ToValue(1))
		reject(errNothing)
		if state := p.Export().(*goja.Promise); state.State() != goja.PromiseStateFulfilled || !goja.IsUndefined(state.Result()) {
			t.Errorf("state %v, result %v", state.State(), state.Result())
		}
	})
	k.wantRejected()
}
