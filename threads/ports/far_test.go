package ports_test

import (
	"runtime"
	"testing"
	"time"
	"weak"

	"github.com/dop251/goja"

	"workerd.local/internal/compat"
	"workerd.local/internal/jstest"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/threads"
	"workerd.local/threads/ports"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/events"
	"workerd.local/webapi/global"
	"workerd.local/webapi/messaging"
)

// deployed is a realm as a worker with threads has it.
func deployed(t *testing.T) *jstest.Env {
	t.Helper()
	flags, errs := compat.Parse("2026-01-01", nil, compat.Options{})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return jstest.NewWith(t, jstest.Options{Compat: flags, Modules: []bind.Module{events.Module, global.Module, messaging.Module, {
		Name: "test", Setup: func(js *isolate.JS) error { ports.SetupDeployed(js); return nil },
	}}})
}

// lend makes a channel for a context, of which the realm keeps port1, and gives the message that port2 left in.
func lend(t *testing.T, e *jstest.Env, c *iocontext.Context) (m threads.Message) {
	t.Helper()
	e.OnLoop(func() {
		c.RunIn(iocontext.Entry{}, func(js *isolate.JS) {
			port, err := js.Runtime().RunString(`
				var { port1, port2 } = new MessageChannel(), heard = [];
				port1.onmessage = (e) => heard.push(e.data);
				port1.addEventListener("close", () => heard.push("closed"));
				port2`)
			if err == nil {
				m, err = threads.Structured.Encode(js, port, []goja.Value{port})
			}
			if err != nil {
				t.Error(err)
			}
		}, func(err error) { t.Error(err) })
	})
	if m == nil {
		t.FailNow()
	}
	return m
}

// take makes a port of the message in another realm, as a context's.
func take(t *testing.T, e *jstest.Env, c *iocontext.Context, m threads.Message) {
	t.Helper()
	e.OnLoop(func() {
		c.RunIn(iocontext.Entry{}, func(js *isolate.JS) {
			v, err := m.Value(js)
			if err == nil {
				err = js.Runtime().GlobalObject().Set("port", v)
			}
			if err != nil {
				t.Error(err)
			}
		}, func(err error) { t.Error(err) })
	})
}

// soon waits until an expression has a value in the realm.
func soon(t *testing.T, e *jstest.Env, expression, want string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		var got string
		e.OnLoop(func() {
			if err := e.Realm.Run(nil, func(js *isolate.JS) {
				v, err := js.Runtime().RunString(expression)
				if err != nil {
					t.Error(err)
					return
				}
				got = v.String()
			}); err != nil {
				t.Error(err)
			}
		})
		if got == want {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s is %q, want %q", expression, got, want)
		}
	}
}

func TestDeployedPortsCloseWithTheirContext(t *testing.T) {
	for _, dies := range []string{"owner", "receiver"} {
		t.Run(dies, func(t *testing.T) {
			a, b := deployed(t), deployed(t)
			owner, receiver := a.Context(), b.Context()
			take(t, b, receiver, lend(t, a, owner))
			soon(t, b, `typeof port === "object" ? port.postMessage("hello") + "," + port.hasRef() : ""`, "undefined,false")
			soon(t, a, `heard.join()`, "hello")
			soon(t, b, `var ends = []; port.addEventListener("close", () => ends.push("closed")); port.onmessage = () => {}; String(port.hasRef())`, "true")
			if dies == "owner" {
				a.OnLoop(owner.End)
				soon(t, b, `ends.join() + port.hasRef()`, "closedfalse")
			} else {
				b.OnLoop(func() { receiver.Abort(nil) })
				soon(t, a, `heard.join() + port1.hasRef()`, "hello,closedfalse")
			}
			for _, e := range []*jstest.Env{a, b} { // posts to nobody are no error
				soon(t, e, `(globalThis.port ?? port1).postMessage(1) + ""`, "undefined")
			}
		})
	}
}

// A port that is left in a global keeps nothing of the request whose it was.
func TestDeployedPortsKeepNoContext(t *testing.T) {
	e := deployed(t)
	kept := func() weak.Pointer[iocontext.Context] {
		var c *iocontext.Context
		e.OnLoop(func() { c = iocontext.New(e.Realm, iocontext.Options{}) })
		m := lend(t, e, c)
		e.OnLoop(c.End)
		threads.Drop(m)
		return weak.Make(c)
	}()
	for end := time.Now().Add(time.Minute); kept.Value() != nil; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the context is still there")
		}
		soon(t, e, `"the next turn"`, "the next turn") // the last one's frame stays until then
		runtime.GC()
	}
	soon(t, e, `port1.postMessage("nobody"); heard.join()`, "")
}

// A port that is sent where no request is current, as by code of one that was aborted, is refused.
func TestDeployedPortsNeedAContext(t *testing.T) {
	e := deployed(t)
	e.OnLoop(func() {
		if err := e.Realm.Run(nil, func(js *isolate.JS) {
			port, err := js.Runtime().RunString(`var { port1, port2 } = new MessageChannel(); port2`)
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := threads.Structured.Encode(js, port, []goja.Value{port}); err == nil {
				t.Error("a port has left in the global scope")
			}
		}); err != nil {
			t.Error(err)
		}
	})
	soon(t, e, `var heard = []; port2.onmessage = (e) => heard.push(e.data); port1.postMessage("still there"); ""`, "")
	soon(t, e, `heard.join()`, "still there")
}
