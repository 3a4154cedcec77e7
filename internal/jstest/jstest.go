// Package jstest is an isolate for tests: JavaScript in, text out.
package jstest

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/dop251/goja"

	"workerd.local/internal/compat"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/script"
	"workerd.local/webapi/bind"
)

// timeout ends a test whose JavaScript never answers.
const timeout = 60 * time.Second

// Env is one realm on an isolate of its own.
type Env struct {
	T       testing.TB
	Isolate *isolate.Isolate
	Realm   *isolate.Realm
	// Log collects what the isolate logs.
	Log *Log

	modules []bind.Module
}

// Options configure an Env.
type Options struct {
	Modules []bind.Module
	// Compat are the realm's compatibility flags.
	Compat *compat.Flags
	Limits isolate.Limits
	Host   isolate.Host
	// OnRejection replaces the realm's.
	OnRejection func(js *isolate.JS, r isolate.Rejection)
}

// New starts an isolate with a realm that has the modules' globals.
func New(t testing.TB, modules ...bind.Module) *Env { return NewWith(t, Options{Modules: modules}) }

// NewWith is New with options.
func NewWith(t testing.TB, o Options) *Env {
	t.Helper()
	e := &Env{T: t, Log: &Log{}, modules: o.Modules}
	e.Isolate = isolate.New(isolate.Options{Name: "test", Limits: o.Limits, Host: o.Host, Log: slog.New(slog.NewTextHandler(e.Log, nil))})
	e.Isolate.Start()
	t.Cleanup(func() {
		e.Isolate.Close()
		<-e.Isolate.Done()
	})
	e.OnLoop(func() {
		r, err := e.Isolate.NewRealm(isolate.RealmOptions{
			Name:        "test",
			Compat:      o.Compat,
			OnRejection: o.OnRejection,
			Setup:       []func(js *isolate.JS) error{func(js *isolate.JS) error { return bind.Install(js, o.Modules) }},
		})
		if err != nil {
			t.Error(err)
		}
		e.Realm = r
	})
	if e.Realm == nil {
		t.FailNow()
	}
	return e
}

// OnLoop runs fn as a task of the loop and waits.
func (e *Env) OnLoop(fn func()) {
	e.T.Helper()
	done := make(chan struct{})
	if err := e.Isolate.Loop().Post(func() { defer close(done); fn() }); err != nil {
		e.T.Fatal(err)
	}
	e.wait(done)
}

func (e *Env) wait(done <-chan struct{}) {
	e.T.Helper()
	select {
	case <-done:
	case <-time.After(timeout):
		e.T.Fatal("the loop did not answer")
	}
}

// Context returns a new stateless context; it ends with the test.
func (e *Env) Context() *iocontext.Context {
	var c *iocontext.Context
	e.OnLoop(func() { c = iocontext.New(e.Realm, iocontext.Options{}) })
	e.T.Cleanup(func() { e.OnLoop(c.End) })
	return c
}

// In runs fn in a turn of a new context and waits for the turn.
func (e *Env) In(fn func(js *isolate.JS, c *iocontext.Context)) {
	e.T.Helper()
	c := e.Context()
	e.OnLoop(func() {
		c.RunIn(iocontext.Entry{}, func(js *isolate.JS) { fn(js, c) }, func(err error) { e.T.Errorf("turn failed: %v", err) })
	})
}

// Eval runs source as the body of an async function in a context of its own and
// returns its result, or what it threw. A result that is not a string is given as
// JSON.
func (e *Env) Eval(source string) (string, error) {
	e.T.Helper()
	c := e.Context()
	var out string
	var outErr error
	done := make(chan struct{})
	finish := func(s string, err error) { out, outErr = s, err; close(done) }
	prog, err := script.Compile(e.T.Context(), script.Source{Name: "test", Modules: []script.Module{{
		Name: "test.js", Kind: script.ESModule,
		Content: []byte("export default async function() {" + source + "\n}"),
	}}})
	if err != nil {
		return "", err
	}
	e.OnLoop(func() {
		var fn goja.Value
		err := e.Realm.Run(nil, func(js *isolate.JS) {
			ev, err := prog.Evaluate(js.Runtime(), script.Host{Builtin: func(s string) (goja.Value, error) { return e.builtin(js, s) }})
			if err != nil {
				finish("", err)
				return
			}
			js.OnSettled(ev.Value, func(js *isolate.JS, _ goja.Value, err error) {
				if err != nil {
					finish("", err)
					return
				}
				fn = ev.Namespace().Get("default")
			})
		})
		if err != nil {
			finish("", err)
			return
		}
		if fn == nil {
			return
		}
		c.RunIn(iocontext.Entry{}, func(js *isolate.JS) {
			p, err := js.Call(fn, nil)
			if err != nil {
				finish("", err)
				return
			}
			js.OnSettled(p, func(js *isolate.JS, v goja.Value, err error) {
				if err != nil {
					finish("", err)
					return
				}
				finish(text(js, v))
			})
		}, func(err error) { finish("", err) })
	})
	e.wait(done)
	return out, outErr
}

// builtin makes a module of the modules' Builtins, whatever flags it asks for; scripts
// reach it with await import(...).
func (e *Env) builtin(js *isolate.JS, specifier string) (goja.Value, error) {
	for _, m := range e.modules {
		if mk := m.Builtins[specifier]; mk != nil {
			return mk(js)
		}
	}
	return nil, fmt.Errorf("no module %s in tests", specifier)
}

func text(js *isolate.JS, v goja.Value) (s string, err error) {
	if str, ok := v.(goja.String); ok {
		return str.String(), nil
	}
	if v == nil || goja.IsUndefined(v) {
		return "undefined", nil
	}
	json := js.Runtime().GlobalObject().Get("JSON").(*goja.Object)
	out, err := js.Call(json.Get("stringify"), json, v)
	if err != nil {
		return "", err
	}
	return out.String(), nil
}

// Want runs source and compares its result.
func (e *Env) Want(source, want string) {
	e.T.Helper()
	got, err := e.Eval(source)
	if err != nil {
		e.T.Errorf("%s\n\tthrew %v, want %s", strings.TrimSpace(source), err, want)
		return
	}
	if got != want {
		e.T.Errorf("%s\n\tgave %s\n\twant %s", strings.TrimSpace(source), got, want)
	}
}

// WantError runs source, which must throw an error whose "Name: message" is want.
func (e *Env) WantError(source, want string) {
	e.T.Helper()
	got, err := e.Eval(source)
	if err == nil {
		e.T.Errorf("%s\n\tgave %s, want it to throw %s", strings.TrimSpace(source), got, want)
		return
	}
	if err.Error() != want {
		e.T.Errorf("%s\n\tthrew %s\n\twant  %s", strings.TrimSpace(source), err, want)
	}
}
