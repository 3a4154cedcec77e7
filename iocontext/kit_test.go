package iocontext_test

import (
	"io"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/gates"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/loop"
)

// kit is an isolate in a bubble of testing/synctest, whose scripts have
//
//	log(text)             what want compares
//	current()             the text of Current's error, or "ok"
//	wait(name)            Await of a result that settle(name) settles
//	locked(name)          AwaitLocked of the same
//	ready(value), fail()  Await of a result that is there
//	timer(fn, ms, again)  SetTimer; clear(id)
//	block(fn, catching)   BlockConcurrencyWhile
type kit struct {
	*testing.T
	iso     *isolate.Isolate
	realm   *isolate.Realm
	out     []string
	futures map[string]*loop.Future[string]
}

// bubble runs fn with a kit; time stands still while anything can run.
func bubble(t *testing.T, o isolate.Options, fn func(k *kit)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		if o.Log == nil {
			o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
		}
		k := &kit{T: t, iso: isolate.New(o), futures: map[string]*loop.Future[string]{}}
		k.iso.Start()
		k.loop(func() {
			var err error
			k.realm, err = k.iso.NewRealm(isolate.RealmOptions{Name: "test", Setup: []func(*isolate.JS) error{k.setup},
				OnRejection: func(js *isolate.JS, r isolate.Rejection) {
					if !r.Handled {
						k.out = append(k.out, "unhandled "+r.Reason.String())
					}
				}})
			if err != nil {
				t.Error(err)
			}
		})
		if k.realm != nil {
			fn(k)
		}
		k.iso.Close()
		<-k.iso.Done()
	})
}

// loop runs fn as a task and waits until nothing moves any more.
func (k *kit) loop(fn func()) {
	k.Helper()
	if err := k.iso.Loop().Post(fn); err != nil {
		k.Fatal(err)
	}
	synctest.Wait()
}

// actor makes a context with gates.
func (k *kit) actor(o iocontext.Options) *iocontext.Context {
	o.Gates = &iocontext.Gates{Input: gates.NewInputGate(k.iso.Loop()), Output: gates.NewOutputGate(k.iso.Loop())}
	return k.request(o)
}

func (k *kit) request(o iocontext.Options) (c *iocontext.Context) {
	k.loop(func() { c = iocontext.New(k.realm, o) })
	return c
}

// run runs the body of an async function as an event of c.
func (k *kit) run(c *iocontext.Context, body string) {
	k.Helper()
	k.loop(func() {
		c.RunIn(iocontext.Entry{}, func(js *isolate.JS) {
			if _, err := js.Call(function(js, body), nil); err != nil {
				js.Panic(err)
			}
		}, nil)
	})
}

func function(js *isolate.JS, body string) goja.Value {
	v, err := js.Runtime().RunString("(async function () { " + body + "\n})")
	if err != nil {
		js.Panic(err)
	}
	return v
}

func (k *kit) future(name string) *loop.Future[string] {
	if k.futures[name] == nil {
		k.futures[name] = loop.NewFuture[string](k.iso.Loop())
	}
	return k.futures[name]
}

func (k *kit) settle(name string) {
	k.Helper()
	k.loop(func() { k.future(name).Resolve(name) })
}

// want compares what was logged since the last time.
func (k *kit) want(lines ...string) {
	k.Helper()
	var got []string
	k.loop(func() { got, k.out = k.out, nil })
	if !slices.Equal(got, lines) {
		k.Errorf("logged %q, want %q", got, lines)
	}
}

func toValue(js *isolate.JS, s string) (goja.Value, error) { return js.Runtime().ToValue(s), nil }

func (k *kit) setup(js *isolate.JS) error {
	current := func(js *isolate.JS) *iocontext.Context {
		c, err := iocontext.Current(js)
		if err != nil {
			js.Panic(err)
		}
		return c
	}
	for name, fn := range map[string]func(js *isolate.JS, a func(int) goja.Value) goja.Value{
		"log": func(js *isolate.JS, a func(int) goja.Value) goja.Value {
			k.out = append(k.out, a(0).String())
			return nil
		},
		"current": func(js *isolate.JS, a func(int) goja.Value) goja.Value {
			if _, err := iocontext.Current(js); err != nil {
				return js.Runtime().ToValue(err.Error())
			}
			return js.Runtime().ToValue("ok")
		},
		"wait": func(js *isolate.JS, a func(int) goja.Value) goja.Value {
			return iocontext.Await(js, current(js), loop.Later(k.future(a(0).String())), toValue)
		},
		"locked": func(js *isolate.JS, a func(int) goja.Value) goja.Value {
			return iocontext.AwaitLocked(js, current(js), loop.Later(k.future(a(0).String())), toValue)
		},
		"ready": func(js *isolate.JS, a func(int) goja.Value) goja.Value {
			return iocontext.Await(js, current(js), loop.Now(a(0).String()), toValue)
		},
		"fail": func(js *isolate.JS, a func(int) goja.Value) goja.Value {
			return iocontext.Await(js, current(js), loop.Fail[string](exception.TypeErrorf("failed")), toValue)
		},
		"timer": func(js *isolate.JS, a func(int) goja.Value) goja.Value {
			fn := a(0)
			id, err := current(js).SetTimer(js, a(1).ToFloat(), a(2).ToBoolean(), func(js *isolate.JS) {
				if _, err := js.Call(fn, nil); err != nil {
					k.out = append(k.out, "reported "+js.Exception(err).Error())
				}
			})
			if err != nil {
				js.Panic(err)
			}
			return js.Runtime().ToValue(id)
		},
		"clear": func(js *isolate.JS, a func(int) goja.Value) goja.Value {
			current(js).ClearTimer(int(a(0).ToInteger()))
			return nil
		},
		"block": func(js *isolate.JS, a func(int) goja.Value) goja.Value {
			fn := a(0)
			var caught func(*isolate.JS, error) error
			if a(1).ToBoolean() {
				caught = func(js *isolate.JS, err error) error { return err }
			}
			p, err := current(js).BlockConcurrencyWhile(js, func(js *isolate.JS) (goja.Value, error) { return js.Call(fn, nil) }, caught)
			if err != nil {
				js.Panic(err)
			}
			return p
		},
	} {
		err := js.Runtime().GlobalObject().Set(name, func(c goja.FunctionCall) goja.Value {
			if v := fn(js, c.Argument); v != nil {
				return v
			}
			return goja.Undefined()
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func resultOf(f *loop.Future[string]) loop.Result[struct{}] {
	return loop.Map(loop.Later(f), func(string) (struct{}, error) { return struct{}{}, nil })
}
