package isolate_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/dop251/goja"

	"workerd.local/internal/jstest"
	"workerd.local/isolate"
	"workerd.local/script"
)

// patience ends a test whose isolate never answers.
const patience = 60 * time.Second

// kit is an isolate with one realm that has log(text) and pending(), and what
// came out of them.
type kit struct {
	testing.TB
	iso   *isolate.Isolate
	realm *isolate.Realm
	logs  *jstest.Log

	// Owned by the loop while it runs.
	out       []string
	condemned []condemnation
	rejected  []string
	resolvers map[string]func(goja.Value)
}

type condemnation struct {
	cause   error
	culprit *isolate.Frame
}

func newKit(t testing.TB, o isolate.Options) *kit {
	t.Helper()
	k := &kit{TB: t, logs: &jstest.Log{}}
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(k.logs, nil))
	}
	k.iso = isolate.New(o)
	k.iso.Start()
	t.Cleanup(func() {
		k.iso.Close()
		<-k.iso.Done()
	})
	k.realm = k.newRealm("test")
	return k
}

// newRealm makes one more realm on the isolate, with the same helpers.
func (k *kit) newRealm(name string) *isolate.Realm {
	k.Helper()
	var r *isolate.Realm
	k.loop(func() {
		var err error
		r, err = k.iso.NewRealm(isolate.RealmOptions{
			Name:        name,
			Setup:       []func(js *isolate.JS) error{k.setup},
			OnCondemned: func(cause error, f *isolate.Frame) { k.condemned = append(k.condemned, condemnation{cause, f}) },
			OnRejection: func(js *isolate.JS, r isolate.Rejection) {
				owner := "nobody"
				if r.Frame != nil {
					owner = fmt.Sprint(r.Frame.Owner)
				}
				kind := "unhandled"
				if r.Handled {
					kind = "handled"
				}
				k.rejected = append(k.rejected, fmt.Sprintf("%s %s of %s", kind, r.Reason, owner))
			},
		})
		if err != nil {
			k.Errorf("new realm: %v", err)
		}
	})
	if r == nil {
		k.FailNow()
	}
	return r
}

func (k *kit) setup(js *isolate.JS) error {
	k.resolvers = map[string]func(goja.Value){}
	define(js, "log", func(js *isolate.JS, c goja.FunctionCall) goja.Value {
		k.out = append(k.out, c.Argument(0).String())
		return goja.Undefined()
	})
	// owner() is the owner of the current frame.
	define(js, "owner", func(js *isolate.JS, c goja.FunctionCall) goja.Value {
		return js.Runtime().ToValue(ownerOf(js))
	})
	// later(name) is a promise that the test settles with k.resolvers[name].
	define(js, "later", func(js *isolate.JS, c goja.FunctionCall) goja.Value {
		p, resolve, _ := js.NewPromise()
		k.resolvers[c.Argument(0).String()] = resolve
		return p
	})
	return nil
}

func ownerOf(js *isolate.JS) string {
	if f := js.Frame(); f != nil {
		return fmt.Sprint(f.Owner)
	}
	return "nobody"
}

func define(js *isolate.JS, name string, fn func(js *isolate.JS, c goja.FunctionCall) goja.Value) {
	if err := js.Runtime().GlobalObject().Set(name, func(c goja.FunctionCall) goja.Value { return fn(js, c) }); err != nil {
		panic(err)
	}
}

// loop runs fn as a task of the isolate and waits for its turn.
func (k *kit) loop(fn func()) {
	k.Helper()
	post(k, k.iso, fn)
	// What was deferred to the end of the turn has happened when the next task runs.
	post(k, k.iso, func() {})
}

func post(t testing.TB, iso *isolate.Isolate, fn func()) {
	t.Helper()
	done := make(chan struct{})
	if err := iso.Loop().Post(func() { defer close(done); fn() }); err != nil {
		t.Fatal(err)
	}
	await(t, done)
}

func await(t testing.TB, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("the isolate did not answer")
	}
}

// compiled keeps what function has compiled, by body: bundling is most of a test's time.
var compiled sync.Map

// function compiles the body of a function of an ES module; inside a turn.
func function(js *isolate.JS, body string) goja.Value {
	v, ok := compiled.Load(body)
	if !ok {
		program, err := script.Compile(context.Background(), script.Source{Name: "test", Modules: []script.Module{{
			Name: "test.js", Kind: script.ESModule, Content: []byte("export default function () { " + body + "\n}"),
		}}})
		if err != nil {
			js.Panic(err)
		}
		v, _ = compiled.LoadOrStore(body, program)
	}
	program := v.(*script.Script)
	ev, err := program.Evaluate(js.Runtime(), script.Host{})
	if err != nil {
		js.Panic(err)
	}
	return ev.Namespace().Get("default")
}

// run calls a function with the body in a turn of frame. The error is that of the
// call where it failed, else that of the turn.
func (k *kit) run(frame *isolate.Frame, body string) error {
	k.Helper()
	return k.runIn(k.realm, frame, body)
}

func (k *kit) runIn(r *isolate.Realm, frame *isolate.Frame, body string) error {
	k.Helper()
	var callErr, turnErr error
	k.loop(func() {
		turnErr = r.Run(frame, func(js *isolate.JS) { _, callErr = js.Call(function(js, body), nil) })
	})
	if callErr != nil {
		return callErr
	}
	return turnErr
}

// ok is run for a body that must not fail.
func (k *kit) ok(frame *isolate.Frame, body string) {
	k.Helper()
	if err := k.run(frame, body); err != nil {
		k.Fatalf("%s: %v", body, err)
	}
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

// wantInAnyOrder is want for lines whose order does not matter.
func (k *kit) wantInAnyOrder(lines ...string) {
	k.Helper()
	k.loop(func() { slices.Sort(k.out) })
	slices.Sort(lines)
	k.want(lines...)
}

// wantRejected compares what OnRejection was told since the last time.
func (k *kit) wantRejected(lines ...string) {
	k.Helper()
	var got []string
	k.loop(func() { got, k.rejected = k.rejected, nil })
	if !slices.Equal(got, lines) {
		k.Errorf("rejections %q, want %q", got, lines)
	}
}

// wantCondemned compares the causes OnCondemned was told with one cause, or none
// where it is nil.
func (k *kit) wantCondemned(cause error, culprit *isolate.Frame) {
	k.Helper()
	var got []condemnation
	k.loop(func() { got = k.condemned })
	if cause == nil {
		if len(got) != 0 {
			k.Errorf("condemned %v", got)
		}
		return
	}
	if len(got) != 1 || !errorIs(got[0].cause, cause) || got[0].culprit != culprit {
		k.Errorf("condemned %v, want once %v in %p", got, cause, culprit)
	}
}

// settle settles the promise later(name) in a turn of frame.
func (k *kit) settle(frame *isolate.Frame, name, value string) {
	k.Helper()
	k.loop(func() {
		err := k.realm.Run(frame, func(js *isolate.JS) { k.resolvers[name](js.Runtime().ToValue(value)) })
		if err != nil {
			k.Errorf("settle %s: %v", name, err)
		}
	})
}

func frameOf(owner string) *isolate.Frame { return &isolate.Frame{Owner: owner} }
