package threads_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dop251/goja"

	"workerd.local/internal/limits"
	"workerd.local/isolate"
	"workerd.local/threads"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/events"
	"workerd.local/webapi/global"
	"workerd.local/webapi/timers"
)

// patience ends a test whose thread never answers.
const patience = 30 * time.Second

// body runs a source text with a few functions: post(v, transfer), receive(fn), exit(code), hold(), spawn(source) and
// child.post, child.kill.
type body struct {
	source string
	kit    *kit

	exits func(js *isolate.JS, code int) int
}

func (b *body) Prepare(i *isolate.Isolate, t *threads.Thread) (*isolate.Realm, error) {
	return i.NewRealm(isolate.RealmOptions{
		Name: i.Name(),
		OnRejection: func(js *isolate.JS, r isolate.Rejection) {
			if !r.Handled {
				t.Throw(js, r.Reason)
			}
		},
		Setup: []func(js *isolate.JS) error{func(js *isolate.JS) error {
			return bind.Install(js, []bind.Module{events.Module, timers.Module, global.Module, {Name: "test", Globals: b.globals(t)}})
		}},
	})
}

func list(js *isolate.JS, v goja.Value) (all []goja.Value) {
	if goja.IsUndefined(v) {
		return nil
	}
	js.Runtime().ForOf(v, func(v goja.Value) bool { all = append(all, v); return true })
	return all
}

func (b *body) globals(t *threads.Thread) []bind.Global {
	return []bind.Global{
		bind.Func{Name: "post", Call: func(c *bind.Call) (any, error) {
			m, err := threads.Structured.Encode(c.JS(), c.Arg(0), list(c.JS(), c.Arg(1)))
			if err != nil {
				return nil, err
			}
			return nil, t.Send(m)
		}},
		bind.Func{Name: "receive", Call: func(c *bind.Call) (any, error) {
			fn := c.Arg(0)
			t.Receive(func(js *isolate.JS, m threads.Message) bool {
				v, err := m.Value(js)
				if err == nil {
					_, err = js.Call(fn, nil, v)
				}
				if err != nil {
					js.Panic(err)
				}
				return true
			})
			return nil, nil
		}},
		bind.Func{Name: "exit", Call: func(c *bind.Call) (any, error) {
			t.Exit(c.JS(), int(c.Arg(0).ToInteger()))
			return nil, nil
		}},
		bind.Func{Name: "say", Call: func(c *bind.Call) (any, error) { b.kit.say(c.Arg(0).String()); return nil, nil }},
		bind.Func{Name: "hold", Call: func(c *bind.Call) (any, error) {
			release := t.Hold()
			return bind.NewFunction(c.JS(), "release", 0, func(*bind.Call) (any, error) { release(); return nil, nil }), nil
		}},
		bind.Func{Name: "onEnd", Call: func(c *bind.Call) (any, error) {
			fn := c.Arg(0)
			b.exits = func(js *isolate.JS, code int) int {
				v, err := js.Call(fn, nil, js.Runtime().ToValue(code))
				if err != nil {
					js.Panic(err)
				}
				return int(v.ToInteger())
			}
			return nil, nil
		}},
		bind.Func{Name: "spawn", Call: func(c *bind.Call) (any, error) {
			ioc, err := c.Context()
			if err != nil {
				return nil, err
			}
			child, err := b.kit.root.Start(threads.Spec{
				Parent: t, Body: &body{source: c.Arg(0).String(), kit: b.kit}, Stay: true, KillCode: 9,
				Owner: threads.Owner{
					Context: ioc,
					Message: func(m threads.Message) { _ = t.Send(m) },
					Exit:    func(code int) { b.kit.say(fmt.Sprintf("child exit %d", code)) },
				},
			})
			if err != nil {
				return nil, err
			}
			b.kit.spawned(child)
			return bind.NewFunction(c.JS(), "kill", 0, func(*bind.Call) (any, error) { child.Kill(); return nil, nil }), nil
		}},
	}
}

func (b *body) Start(js *isolate.JS, t *threads.Thread) (goja.Value, error) {
	return js.Runtime().RunString(b.source)
}

func (b *body) Idle(js *isolate.JS, t *threads.Thread) bool {
	if fn, ok := js.Runtime().GlobalObject().Get("idle").(*goja.Object); ok {
		if _, err := js.Call(fn, nil); err != nil {
			js.Panic(err)
		}
	}
	return false
}

func (b *body) End(js *isolate.JS, t *threads.Thread, code int) int {
	if b.exits == nil {
		return code
	}
	return b.exits(js, code)
}

// kit is a root whose threads tell a test what they say.
type kit struct {
	testing.TB
	root *threads.Root

	mu       sync.Mutex // guards said and children
	said     []string
	children []*threads.Thread
	heard    chan struct{}

	reader *reader
}

func newKit(t testing.TB, settings ...string) *kit {
	t.Helper()
	bounds, err := limits.Parse(settings...)
	if err != nil {
		t.Fatal(err)
	}
	before := runtime.NumGoroutine()
	k := &kit{TB: t, heard: make(chan struct{}, 1), reader: newReader(t)}
	k.root = threads.NewRoot(threads.RootOptions{Log: slog.New(slog.DiscardHandler), Limits: isolate.Limits{Bounds: bounds, Turn: time.Hour}})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := k.root.Close(ctx); err != nil {
			t.Error(err)
		}
		if n := k.root.Alive(); n != 0 {
			t.Errorf("%d threads are alive", n)
		}
		noMoreGoroutines(t, before)
	})
	return k
}

// noMoreGoroutines waits until there are as few goroutines as before the test.
func noMoreGoroutines(t testing.TB, before int) {
	t.Helper()
	for end := time.Now().Add(patience); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			stacks := make([]byte, 1<<20)
			t.Errorf("%d goroutines, %d before\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
			return
		}
	}
}

func (k *kit) say(s string) {
	k.mu.Lock()
	k.said = append(k.said, s)
	k.mu.Unlock()
	select {
	case k.heard <- struct{}{}:
	default:
	}
}

func (k *kit) spawned(t *threads.Thread) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.children = append(k.children, t)
}

func (k *kit) all() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return strings.Join(k.said, "; ")
}

// start begins a thread whose owner is the test: what it says is text.
func (k *kit) start(source string, change ...func(s *threads.Spec)) *threads.Thread {
	k.Helper()
	s := threads.Spec{Body: &body{source: source, kit: k}, KillCode: 9, Owner: threads.Owner{
		Message: func(m threads.Message) { k.say(k.reader.text(m)) },
		Failure: func(f *threads.Failure) { k.say("failure " + f.Error()) },
		Exit:    func(code int) { k.say(fmt.Sprintf("exit %d", code)) },
	}}
	for _, c := range change {
		c(&s)
	}
	t, err := k.root.Start(s)
	if err != nil {
		k.Fatal(err)
	}
	return t
}

// want waits until the threads have said this.
func (k *kit) want(said string) {
	k.Helper()
	for end := time.After(patience); k.all() != said; {
		select {
		case <-k.heard:
		case <-end:
			k.Fatalf("heard %q, want %q", k.all(), said)
		}
	}
}

func (k *kit) wait(t *threads.Thread) {
	k.Helper()
	select {
	case <-t.Done():
	case <-time.After(patience):
		k.Fatal("the thread does not end")
	}
}

// reader makes values of messages in a realm that is nobody's.
type reader struct {
	mu sync.Mutex // guards the realm
	r  *isolate.Realm
}

func newReader(t testing.TB) *reader {
	r, err := isolate.New(isolate.Options{}).NewRealm(isolate.RealmOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return &reader{r: r}
}

func (r *reader) text(m threads.Message) (s string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.r.Run(nil, func(js *isolate.JS) {
		v, err := m.Value(js)
		if err != nil {
			s = err.Error()
			return
		}
		j, err := threads.JSON.Encode(js, v, nil)
		if err != nil {
			s = err.Error()
			return
		}
		s = string(j.(threads.Text).RawMessage)
	})
	if err != nil {
		s = err.Error()
	}
	return s
}

// message makes a message of a source text.
func (k *kit) message(source string) threads.Message {
	k.Helper()
	return newReader(k).message(k, source)
}

// message evaluates source in the reader's realm, whose globals stay.
func (r *reader) message(t testing.TB, source string) (m threads.Message) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.r.Run(nil, func(js *isolate.JS) {
		v, err := js.Runtime().RunString("(" + source + ")")
		if err == nil {
			m, err = threads.Structured.Encode(js, v, nil)
		}
		if err != nil {
			t.Error(err)
		}
	}); err != nil {
		t.Error(err)
	}
	return m
}
