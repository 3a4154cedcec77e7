package rpc

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/internal/clone"
	"workerd.local/internal/jstest"
	"workerd.local/internal/limits"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/blob"
	"workerd.local/webapi/events"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/global"
	"workerd.local/webapi/streams"
	"workerd.local/webapi/timers"
	"workerd.local/webapi/url"
)

// classes makes the classes of cloudflare:workers globals.
var classes = bind.Module{Name: "classes", Globals: []bind.Global{
	bind.Var{Name: "RpcStub", Make: func(js *isolate.JS) (goja.Value, error) { return stubClass.Constructor(js), nil }},
	bind.Var{Name: "RpcTarget", Make: func(js *isolate.JS) (goja.Value, error) { return TargetClass.Constructor(js), nil }},
	bind.Var{Name: "ServiceStub", Make: func(js *isolate.JS) (goja.Value, error) { return fetch.Fetcher.Constructor(js), nil }},
}}

func newEnv(t testing.TB, settings ...string) *jstest.Env {
	t.Helper()
	bounds, err := limits.Parse(settings...)
	if err != nil {
		t.Fatal(err)
	}
	prepare := bind.Module{Name: "prepare", Setup: func(js *isolate.JS) error { return clone.Prepare(js.Runtime()) }}
	return jstest.NewWith(t, jstest.Options{
		Modules: []bind.Module{prepare, url.Module, events.Module, timers.Module, global.Module, blob.Module, streams.Module, fetch.Module, Module, classes},
		Limits:  isolate.Limits{Bounds: bounds},
	})
}

func TestStubsOfOwnObjects(t *testing.T) {
	e := newEnv(t)
	e.Want(`const s = new RpcStub({ f: (a) => a + 1, a: { b: [2] } }); return [await s.f(1), await s.a.b, typeof s, s instanceof RpcStub]`, `[2,[2],"function",true]`)
	e.Want(`const o = {}; const s = new RpcStub((v) => v === o); return [await s(o), s.then === undefined, s[Symbol.iterator] === undefined, s[0] === undefined]`, `[false,true,true,true]`)
	e.Want(`class T extends RpcTarget { own = 1; get p() { return this.own } m() { return this } static s() {} } const s = new RpcStub(new T()), m = await s.m(); return [await s.p, await m.p, await s.own.catch(e => e.message), await s.s().catch(e => e.message)]`,
		`[1,1,"The RPC receiver does not implement the method \"own\".","The RPC receiver does not implement the method \"s\"."]`)
	e.Want(`let n = 0; const s = new RpcStub({ [Symbol.dispose]() { n++ } }), d = s.dup(); s[Symbol.dispose](); await null; const before = n; d[Symbol.dispose](); await scheduler.wait(5); return [before, n]`, `[0,1]`)
	e.WantError(`new RpcStub(new (class {})())`, `TypeError: RpcStubs can only wrap plain objects, functions, and RpcTarget derivatives.`)
	e.WantError(`new RpcStub()`, `TypeError: Failed to construct 'JsRpcStub': constructor parameter 1 is not of type 'Object'.`)
	e.WantError(`RpcStub.prototype.dup.call(Object.create(RpcStub.prototype))`, `TypeError: Illegal invocation: function called with incorrect `+"`this`"+` reference. See https://developers.cloudflare.com/workers/observability/errors/#illegal-invocation-errors for details.`)
	e.WantError(`new RpcStub({})[Symbol.dispose].call({})`, `TypeError: Illegal invocation: function called with incorrect `+"`this`"+` reference. See https://developers.cloudflare.com/workers/observability/errors/#illegal-invocation-errors for details.`)
	e.WantError(`const s = new RpcStub({}); s[Symbol.dispose](); await s.x()`, `Error: RPC stub used after being disposed.`)
}

// A script that has changed the prototypes of the language changes no lookup.
func TestPatchedPrototypesChangeNothing(t *testing.T) {
	e := newEnv(t)
	e.Want(`Object.prototype.hasOwnProperty = () => true; Reflect.get = () => 'patched'; Promise.prototype.then = function () { throw 1 };
		const s = new RpcStub({ a: 1 }); return [await s.a, await s.b.catch((e) => e.message)]`, `[1,"The RPC receiver does not implement the method \"b\"."]`)
}

func TestStubsAreBounded(t *testing.T) {
	e := newEnv(t, "rpc.stubs=3")
	e.WantError(`const all = []; for (let i = 0; i < 9; i++) all.push(new RpcStub({}))`, `Error: Too many RPC stubs are in use: one execution context may hold and hand out 3 each.`)
	e.Want(`for (let i = 0; i < 9; i++) { new RpcStub({})[Symbol.dispose](); await scheduler.wait(1) } return 'fine'`, `fine`)
}

func TestMessagesAreBounded(t *testing.T) {
	e := newEnv(t, "rpc.message=1KiB", "rpc.pipelined=2")
	e.WantError(`await new RpcStub((a) => a)(new Uint8Array(2000))`, `Error: Serialized RPC arguments or return values are limited to 1024 bytes, but the size of this value was: 2016 bytes.`)
	e.WantError(`await new RpcStub(() => new Uint8Array(2000))()`, `Error: Serialized RPC arguments or return values are limited to 1024 bytes, but the size of this value was: 2011 bytes.`)
	e.WantError(`const p = new RpcStub(() => new Promise(() => {}))(); p.a().catch(() => {}); p.b().catch(() => {}); await p.c()`, `Error: Too many calls wait for the result of one RPC: at most 2 may.`)
}

// target is a Target that counts its holders.
type counted struct{ held int }

func (c *counted) Retain()  { c.held++ }
func (c *counted) Release() { c.held-- }
func (c *counted) Call(_ context.Context, call *event.Call, done func(*event.Result, error)) {
	call.Release()
	done(nil, errors.New("not asked"))
}

// What bytes say and what travels beside them must agree; whatever is wrong, nothing that
// travelled is left behind.
func TestForgedPayloadsAreRefused(t *testing.T) {
	e := newEnv(t)
	e.In(func(js *isolate.JS, c *iocontext.Context) {
		for _, f := range []struct {
			name string
			data string
			caps int
			ok   bool
		}{
			{"a stub", "\xff\x0f\\\x01\x00", 1, true},
			{"a stub that is not there", "\xff\x0f\\\x01\x00", 0, false},
			{"another one than the first", "\xff\x0f\\\x01\x01", 2, false},
			{"a service that is a stub", "\xff\x0f\\\x0b\x00", 1, false},
			{"a stream that is a stub", "\xff\x0f\\\x03\x00", 1, false},
			{"more than the bytes name", "\xff\x0fI\x02", 1, false},
			{"an unknown tag", "\xff\x0f\\\x7f\x00", 1, false},
			{"no data", "", 1, false},
			{"the end in the middle", "\xff\x0f\\\x01", 1, false},
		} {
			p := &event.Payload{Data: []byte(f.data)}
			var all []*counted
			for range f.caps {
				k := &counted{held: 1}
				all = append(all, k)
				p.Caps = append(p.Caps, k)
			}
			g := &group{}
			_, err := decode(js, c, p, g)
			if (err == nil) != f.ok {
				t.Errorf("%s: %v", f.name, err)
			}
			g.disposeAll()
			for i, k := range all {
				if k.held != 0 {
					t.Errorf("%s: target %d has %d holders", f.name, i, k.held)
				}
			}
		}
	})
}

// A context that ends gives back what it holds, and answers who waits for it.
func TestEndOfTheContextGivesEverythingBack(t *testing.T) {
	e := newEnv(t)
	held := &counted{held: 2}
	var x *export
	var got []error
	e.In(func(js *isolate.JS, c *iocontext.Context) {
		if _, err := newStub(c, held, nil); err != nil {
			t.Error(err)
		}
		(&group{}).setPipeline(c, held)
		var err error
		if x, err = newExport(js, c, nil, js.Runtime().NewObject(), true); err != nil {
			t.Error(err)
		}
		tableOf(c).newIncoming(func(_ *event.Result, err error) { got = append(got, err) })
		c.Abort(exception.RangeErrorf("why"))
	})
	if held.held != 0 {
		t.Errorf("%d holders are left", held.held)
	}
	if len(got) != 1 || got[0].Error() != "RangeError: why" {
		t.Errorf("answered %v", got)
	}
	answer := make(chan error, 1)
	x.Call(t.Context(), &event.Call{Path: []string{"a"}}, func(_ *event.Result, err error) { answer <- err })
	if err := <-answer; err.Error() != "Error: The execution context which hosts this callback is no longer running." {
		t.Errorf("a call afterwards: %v", err)
	}
	x.Release()
}

func TestSessionTellsWhenNothingIsHeld(t *testing.T) {
	e := newEnv(t)
	told := make(chan struct{}, 4)
	s := NewSession(e.Isolate.Loop(), func() { told <- struct{}{} })
	s.Hold()
	s.Hold()
	s.Drop()
	if !s.Held() {
		t.Error("it is held")
	}
	s.Drop()
	select {
	case <-told:
	case <-time.After(time.Minute):
		t.Fatal("nobody was told")
	}
	var none *Session
	none.Hold()
	none.Drop()
}

func TestPrimitivesTravelAsTheyAre(t *testing.T) {
	rt := goja.New()
	for _, c := range []struct {
		source string
		ok     bool
	}{
		{`undefined`, true}, {`null`, true}, {`-0`, true}, {`NaN`, true}, {`2 ** 53`, true}, {`'abc'`, true}, {`''`, true}, {`false`, true},
		{`'ö'`, false}, {`'\ud800'`, false}, {`1n`, false}, {`({})`, false}, {`Symbol()`, false}, {`'x'.repeat(2000)`, false}, {`Object(1)`, false}, {`() => 1`, false},
	} {
		v, err := rt.RunString(c.source)
		if err != nil {
			t.Fatal(err)
		}
		p, ok := plain(v)
		if ok != c.ok {
			t.Errorf("%s: plain is %v", c.source, ok)
		}
		if ok && !unplain(rt, p).SameAs(v) {
			t.Errorf("%s becomes %v", c.source, unplain(rt, p))
		}
	}
}

// broken is a stream that fails.
type broken struct{ io.Reader }

func (broken) Close() error { return nil }

func TestReceivedStreamHidesWhyItBroke(t *testing.T) {
	b := &receivedBody{broken{io.MultiReader(strings.NewReader("ab"), errReader{})}}
	got, err := io.ReadAll(struct{ io.Reader }{b})
	if string(got) != "ab" || err == nil || err.Error() != "Error: ReadableStream received over RPC disconnected prematurely." {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := b.WriteTo(io.Discard); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("WriteTo: %v", err)
	}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errors.New("secret") }
