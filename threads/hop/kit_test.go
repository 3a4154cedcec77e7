package hop_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/internal/limits"
	"workerd.local/isolate"
	"workerd.local/script"
	"workerd.local/threads"
	"workerd.local/threads/face"
	"workerd.local/threads/hop"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/blob"
	"workerd.local/webapi/console"
	"workerd.local/webapi/encoding"
	"workerd.local/webapi/events"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/global"
	"workerd.local/webapi/streams"
	"workerd.local/webapi/timers"
	"workerd.local/webapi/url"
)

// patience ends a test that waits for what never comes.
const patience = 30 * time.Second

// kit is a program of a few files, whose main file runs on a thread of its own. Each file
// is a module of CommonJS; what they print is kept.
type kit struct {
	testing.TB
	files map[string]string
	root  *threads.Root
	sys   *hop.System
	exit  chan int
	port  int

	mu      sync.Mutex // guards printed
	printed []string
	heard   chan struct{}
}

func newKit(t testing.TB, files map[string]string, settings ...string) *kit {
	t.Helper()
	bounds, err := limits.Parse(settings...)
	if err != nil {
		t.Fatal(err)
	}
	before := runtime.NumGoroutine()
	k := &kit{TB: t, files: map[string]string{}, exit: make(chan int, 1), heard: make(chan struct{}, 1)}
	for name, text := range files {
		k.files["/app/"+name] = text
	}
	k.root = threads.NewRoot(threads.RootOptions{Log: slog.New(slog.DiscardHandler), Limits: isolate.Limits{Bounds: bounds, Turn: time.Hour}})
	k.sys = hop.New(hop.Options{Version: "1", Port: 8080, Listen: func(svc event.Service) (int, error) {
		if k.port < 0 {
			return 0, fmt.Errorf("the port is taken")
		}
		return 8081, nil
	}})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := k.root.Close(ctx); err != nil {
			t.Error(err)
		}
		for end := time.Now().Add(patience); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				stacks := make([]byte, 1<<20)
				t.Errorf("%d goroutines, %d before\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
				return
			}
		}
	})
	return k
}

// run starts main.js.
func run(t testing.TB, files map[string]string, settings ...string) *kit {
	t.Helper()
	k := newKit(t, files, settings...)
	k.start()
	return k
}

func (k *kit) start() {
	k.Helper()
	_, err := k.root.Start(threads.Spec{Body: &body{k, "/app/main.js", ""}, DieOnFailure: true, Owner: threads.Owner{
		Failure: func(f *threads.Failure) { k.say("failure " + f.Error()) },
		Exit:    func(code int) { k.exit <- code },
	}})
	if err != nil {
		k.Fatal(err)
	}
}

func (k *kit) say(s string) {
	k.mu.Lock()
	k.printed = append(k.printed, s)
	k.mu.Unlock()
	select {
	case k.heard <- struct{}{}:
	default:
	}
}

func (k *kit) all() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return strings.Join(k.printed, "\n")
}

// ends waits until the program has ended and returns what it printed.
func (k *kit) ends(code int) string {
	k.Helper()
	select {
	case got := <-k.exit:
		if got != code {
			k.Errorf("exit code %d, want %d\n%s", got, code, k.all())
		}
	case <-time.After(patience):
		k.Fatalf("the program does not end; it printed\n%s", k.all())
	}
	return k.all()
}

// prints waits until the program has printed a line.
func (k *kit) prints(line string) {
	k.Helper()
	for end := time.After(patience); ; {
		for _, l := range strings.Split(k.all(), "\n") {
			if l == line {
				return
			}
		}
		select {
		case <-k.heard:
		case <-end:
			k.Fatalf("printed\n%s\nwant the line %q", k.all(), line)
		}
	}
}

// asks sends a request to the program's services and returns the answer.
func (k *kit) asks(method, target, contentType, body string) (status int, header http.Header, text string) {
	k.Helper()
	status, header, text, err := k.fetch(method, target, contentType, body)
	if err != nil {
		k.Fatalf("%s %s: %v", method, target, err)
	}
	return status, header, text
}

// fetch is asks for any goroutine.
func (k *kit) fetch(method, target, contentType, body string) (status int, header http.Header, text string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	h := http.Header{}
	b := event.Body{}
	if contentType != "" {
		h.Set("Content-Type", contentType)
		b = event.BytesBody([]byte(body))
	}
	resp, err := k.sys.Fetch(ctx, &event.Request{Method: method, URL: "http://localhost:8081" + target, Header: h, Body: b, Client: "127.0.0.1:5"})
	if err != nil {
		return 0, nil, "", err
	}
	r := resp.Body.Reader()
	got, err := io.ReadAll(r)
	return resp.Status, resp.Header, string(got), errors.Join(err, r.Close())
}

func (k *kit) resolve(specifier, from string) (string, error) {
	file := specifier
	if !path.IsAbs(file) {
		file = path.Join(path.Dir(from), specifier)
	}
	if _, ok := k.files[file]; !ok {
		return "", exception.Errorf("Cannot find module '%s'", specifier)
	}
	return file, nil
}

// Body is face.Loader's.
func (k *kit) Body(_ *isolate.JS, e face.Entry) (threads.Body, error) {
	return &body{k, e.Path, e.From}, nil
}

type body struct {
	kit        *kit
	path, from string
}

func (b *body) Prepare(i *isolate.Isolate, t *threads.Thread) (*isolate.Realm, error) {
	modules := []bind.Module{url.Module, encoding.Module, events.Module, timers.Module, console.Module, global.Module, blob.Module, streams.Module, fetch.Module, b.kit.sys.Module()}
	return i.NewRealm(isolate.RealmOptions{
		Name: i.Name(),
		OnRejection: func(js *isolate.JS, r isolate.Rejection) {
			if !r.Handled {
				t.Throw(js, r.Reason)
			}
		},
		Setup: []func(js *isolate.JS) error{func(js *isolate.JS) error {
			events.SetReporter(js, func(js *isolate.JS, err error) { t.Throw(js, js.Error(err)) })
			*face.ProgramOf(js) = face.Program{Root: b.kit.root, Loader: b.kit}
			console.SetSink(js, func(_, text string) { b.kit.say(text) })
			return bind.Install(js, modules)
		}},
	})
}

func (b *body) Start(js *isolate.JS, _ *threads.Thread) (goja.Value, error) {
	cache := map[string]*goja.Object{}
	var load func(file string) (goja.Value, error)
	load = func(file string) (goja.Value, error) {
		if m := cache[file]; m != nil {
			return m.Get("exports"), nil
		}
		text := b.kit.files[file]
		if script.IsHopScript(file, text) {
			var err error
			if text, err = script.HopScript(file, text); err != nil {
				return nil, exception.New("SyntaxError", err.Error())
			}
		}
		p, err := goja.Compile(file, "(function(exports, require, module) { "+text+"\n})", false)
		if err != nil {
			return nil, exception.New("SyntaxError", err.Error())
		}
		fn, err := js.Runtime().RunProgram(p)
		if err != nil {
			return nil, err
		}
		m, exports := js.Runtime().NewObject(), js.Runtime().NewObject()
		cache[file] = m
		if err := m.Set("exports", exports); err != nil {
			return nil, err
		}
		require := bind.NewFunction(js, "require", 1, func(c *bind.Call) (any, error) {
			name := c.Arg(0).String()
			if name == "hop" {
				return b.kit.sys.Module().Builtins["hop"](js)
			}
			to, err := b.kit.resolve(name, file)
			if err != nil {
				return nil, err
			}
			return load(to)
		})
		_, err = js.Call(fn, nil, exports, require, m)
		return m.Get("exports"), err
	}
	file, err := b.kit.resolve(b.path, b.from)
	if err == nil {
		_, err = load(file)
	}
	return goja.Undefined(), err
}

func (b *body) Idle(*isolate.JS, *threads.Thread) bool { return false }

func write(t testing.TB, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
