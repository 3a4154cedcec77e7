package napa

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dop251/goja"

	"workerd.local/internal/jstest"
	"workerd.local/internal/limits"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/loop"
	"workerd.local/script"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/console"
	"workerd.local/webapi/timers"
)

const cwd = "/program"

// kit is a program with zones: each thread is an isolate with a loader for the modules of a map.
type kit struct {
	t      testing.TB
	system *System
	log    *jstest.Log
	files  map[string]string // modules by path
	node   *thread

	mu      sync.Mutex
	threads []*thread
}

// thread is one isolate of a kit.
type thread struct {
	k     *kit
	iso   *isolate.Isolate
	realm *isolate.Realm
	ctx   *iocontext.Context
	w     *Worker
	cache map[string]*goja.Object // module objects by path; the loop's
}

func newKit(t testing.TB, files map[string]string, settings ...string) *kit {
	t.Helper()
	bounds, err := limits.Parse(settings...)
	if err != nil {
		t.Fatal(err)
	}
	before := runtime.NumGoroutine()
	k := &kit{t: t, log: &jstest.Log{}, files: files}
	k.system = NewSystem(Options{Bounds: bounds, Log: k.log, Start: func(w *Worker) (Thread, error) { return k.start(w), nil }})
	k.node = k.start(k.system.Node())
	t.Cleanup(func() {
		k.system.Close()
		k.mu.Lock()
		threads := k.threads
		k.mu.Unlock()
		for _, th := range threads {
			th.iso.Close()
			select {
			case <-th.iso.Done():
				th.iso.Loop().Turn(func() {
					if th.ctx != nil {
						th.ctx.End() // with what it waits for
					}
				})
			case <-time.After(30 * time.Second):
				t.Errorf("the thread %s does not end", th.w.Name())
			}
		}
		for end := time.Now().Add(30 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				stacks := make([]byte, 1<<20)
				t.Errorf("%d goroutines, %d before\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
				return
			}
		}
	})
	return k
}

func (k *kit) start(w *Worker) *thread {
	th := &thread{k: k, w: w, cache: map[string]*goja.Object{}}
	th.iso = isolate.New(isolate.Options{Name: w.Name(), Log: slog.New(slog.NewTextHandler(k.log, nil))})
	k.mu.Lock()
	k.threads = append(k.threads, th)
	k.mu.Unlock()
	if err := th.iso.Loop().Post(th.prepare); err != nil {
		k.t.Error(err)
	}
	th.iso.Start()
	return th
}

func (th *thread) prepare() {
	r, err := th.iso.NewRealm(isolate.RealmOptions{
		Name:        th.w.Name(),
		OnCondemned: func(cause error, _ *isolate.Frame) { th.w.Lost(isolate.Stopped(cause)) },
		Setup: []func(js *isolate.JS) error{func(js *isolate.JS) error {
			if err := bind.Install(js, []bind.Module{console.Module, timers.Module}); err != nil {
				return err
			}
			Attach(js, Place{System: th.k.system, Worker: th.w, Loader: th})
			global := js.Runtime().GlobalObject()
			return errors.Join(global.Set("global", global), global.Set("endOfThread", func() { th.iso.Kill(isolate.ErrKilled) }))
		}},
	})
	if err != nil {
		th.k.t.Error(err)
		return
	}
	th.realm = r
	th.ctx = iocontext.New(r, iocontext.Options{})
	th.ctx.RunIn(iocontext.Entry{}, func(js *isolate.JS) {
		if _, err := Require(js); err != nil {
			th.k.t.Error(err)
		}
	}, nil)
	th.w.Ready(th.ctx)
}

// Stop is Thread's.
func (th *thread) Stop() {
	_ = th.iso.Loop().Post(func() { th.ctx.End(); th.w.Ended(nil) })
	th.iso.Close()
}

// Resolve is Loader's.
func (th *thread) Resolve(name, from string) (string, bool) {
	for _, file := range []string{name, name + ".js", path.Join(path.Dir(from), "node_modules", name+".js")} {
		if _, ok := th.k.files[file]; ok {
			return file, true
		}
	}
	return "", false
}

// Require is Loader's.
func (th *thread) Require(js *isolate.JS, name, from string) (goja.Value, error) {
	if name == Specifier {
		return Require(js)
	}
	file := name
	if strings.HasPrefix(name, ".") {
		file = path.Join(path.Dir(from), name)
	}
	for _, file := range []string{file, file + ".js"} {
		if m := th.cache[file]; m != nil {
			return m.Get("exports"), nil
		}
		if source, ok := th.k.files[file]; ok {
			m := js.Runtime().NewObject()
			th.cache[file] = m
			return th.evaluate(js, m, source, file)
		}
	}
	return nil, fmt.Errorf("no module %s", name)
}

// Compile is Loader's.
func (th *thread) Compile(js *isolate.JS, source, file string) (goja.Value, error) {
	return th.evaluate(js, js.Runtime().NewObject(), source, file)
}

// Cwd is Loader's.
func (th *thread) Cwd() string { return cwd }

func (th *thread) evaluate(js *isolate.JS, m *goja.Object, source, file string) (goja.Value, error) {
	rt := js.Runtime()
	exports := rt.NewObject()
	if err := m.Set("exports", exports); err != nil {
		return nil, err
	}
	fn, err := script.RunText(rt, file, "(function (exports, require, module, __filename, __dirname) { "+source+"\n})")
	if err != nil {
		return nil, err
	}
	require := bind.NewFunction(js, "require", 1, func(c *bind.Call) (any, error) {
		return th.Require(c.JS(), c.Arg(0).String(), file)
	})
	if _, err := js.Call(fn, exports, exports, require, m, rt.ToValue(file), rt.ToValue(path.Dir(file))); err != nil {
		return nil, err
	}
	return m.Get("exports"), nil
}

// eval runs source as the body of an async function of /program/main.js on the thread, and returns its
// result as text, or what it threw.
func (th *thread) eval(source string) (string, error) {
	th.k.t.Helper()
	var out string
	var outErr error
	done := make(chan struct{})
	finish := func(s string, err error) { out, outErr = s, err; close(done) }
	err := loop.Do(context.Background(), th.iso.Loop(), func() {
		th.ctx.RunIn(iocontext.Entry{}, func(js *isolate.JS) {
			fn, err := th.Compile(js, "const napa = require('napajs'); module.exports = async () => { "+source+"\n}", cwd+"/main.js")
			if err != nil {
				finish("", js.Exception(err))
				return
			}
			p, err := js.Call(fn, nil)
			if err != nil {
				finish("", js.Exception(err))
				return
			}
			js.OnSettled(p, func(js *isolate.JS, v goja.Value, err error) {
				if err != nil {
					finish("", js.Exception(err))
					return
				}
				finish(show(js, v))
			})
		}, func(err error) { finish("", err) })
	})
	if err != nil {
		return "", err
	}
	select {
	case <-done:
	case <-time.After(60 * time.Second):
		th.k.t.Fatalf("%s\n\tdoes not answer", source)
	}
	return out, outErr
}

func show(js *isolate.JS, v goja.Value) (string, error) {
	if s, ok := v.(goja.String); ok {
		return s.String(), nil
	}
	return stringify(js, v, nil)
}

// want runs source on the program's own thread and compares its result.
func (k *kit) want(source, want string) {
	k.t.Helper()
	k.node.want(source, want)
}

func (th *thread) want(source, want string) {
	th.k.t.Helper()
	got, err := th.eval(source)
	if err != nil {
		th.k.t.Errorf("%s\n\tthrew %v, want %s", strings.TrimSpace(source), err, want)
	} else if got != want {
		th.k.t.Errorf("%s\n\tgave %s\n\twant %s", strings.TrimSpace(source), got, want)
	}
}

// wantError runs source, which must throw this.
func (k *kit) wantError(source, want string) {
	k.t.Helper()
	got, err := k.node.eval(source)
	if err == nil {
		k.t.Errorf("%s\n\tgave %s, want it to throw %s", strings.TrimSpace(source), got, want)
	} else if err.Error() != want {
		k.t.Errorf("%s\n\tthrew %s\n\twant  %s", strings.TrimSpace(source), err, want)
	}
}

// both runs source on the program's own thread and then on a worker of a zone.
func both(t *testing.T, files map[string]string, source, want string) {
	t.Helper()
	k := newKit(t, files)
	k.want(source, want)
	k.want(`napa.zone.create("both", { workers: 1 }); return 1`, "1")
	k.mu.Lock()
	th := k.threads[1]
	k.mu.Unlock()
	// The thread is prepared when its loop has run a task.
	if err := loop.Do(context.Background(), th.iso.Loop(), func() {}); err != nil {
		t.Fatal(err)
	}
	th.want(source, want)
}
