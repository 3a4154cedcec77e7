package worker

import (
	"context"
	"errors"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/internal/limits"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/script"
	"workerd.local/threads"
	"workerd.local/threads/face"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/events"
)

// Threads say what the threads of a worker may run: the faces of threads that are among
// Options.Modules start them. A thread has a realm like the worker's, with the same web
// APIs, flags and outbound, on an isolate of its own. It has no env, no exports and no
// actors, and it ends with the request or the actor that started it.
type Threads struct {
	// Entries are the scripts by their paths, relative to the project's directory, with
	// slashes. Nothing else can be run.
	Entries map[string]*script.Script
	// Dir is the project's directory as scripts may know it, and Main the path of the main
	// module, as in Entries.
	Dir, Main string
	// Modules replace Options.Modules.
	Modules []bind.Module
	// Guard watches the memory of the threads too; nil means that nobody does.
	Guard *isolate.MemoryGuard
	// Recorder is threads.RootOptions's: who a thread runs for is its worker, or the actor that owns it.
	Recorder func() (r isolate.Recorder, release func())
}

// sources are the names of what a file may have been before it was compiled.
var sources = map[string][]string{
	"": {".js", ".ts", ".mjs", ".mts"}, ".js": {".ts", ".tsx", ".jsx"}, ".mjs": {".mts"}, ".cjs": {".cts"},
}

// find is the entry that a path means in a file; nil where it means none. Where from is
// empty, the path is relative to the project, or else to its main module.
func (t *Threads) find(name, from string) *script.Script {
	name = t.inProject(name)
	dirs := []string{path.Dir(t.inProject(from)), "", path.Dir(t.Main)}
	if from == "" || strings.HasPrefix(name, "/") {
		dirs = dirs[1:]
	}
	for _, dir := range dirs {
		full := strings.TrimPrefix(path.Join("/", dir, name), "/")
		if s := t.Entries[full]; s != nil {
			return s
		}
		ext := path.Ext(full)
		tries := sources[ext]
		if tries == nil {
			ext, tries = "", sources[""]
		}
		for _, other := range tries {
			if s := t.Entries[strings.TrimSuffix(full, ext)+other]; s != nil {
				return s
			}
		}
	}
	return nil
}

// inProject is a path, or a file: URL, relative to the project where it is one of it.
func (t *Threads) inProject(name string) string {
	name = strings.TrimPrefix(filepath.ToSlash(name), "file://")
	for _, dir := range []string{"/bundle", filepath.ToSlash(t.Dir)} {
		if rest, ok := strings.CutPrefix(name, dir+"/"); ok && dir != "" {
			return rest
		}
	}
	return name
}

// threadRoots are the threads of one worker; any goroutine.
type threadRoots struct {
	mu     sync.Mutex // guards what follows
	closed bool
	list   []*threads.Root // of the realm, and of those before whose threads may not have ended
}

// begin makes the root of a new realm.
func (r *threadRoots) begin(o threads.RootOptions) *threads.Root {
	root := threads.NewRoot(o)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		kill(root)
		return root
	}
	r.list = append(slices.DeleteFunc(r.list, func(old *threads.Root) bool { return old.Alive() == 0 }), root)
	return root
}

// kill ends all threads, and does not wait.
func (r *threadRoots) kill() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, root := range r.list {
		kill(root)
	}
}

// close is kill for good, and waits.
func (r *threadRoots) close(ctx context.Context) error {
	r.mu.Lock()
	r.closed = true
	list := slices.Clone(r.list)
	r.mu.Unlock()
	var errs []error
	for _, root := range list {
		errs = append(errs, root.Close(ctx))
	}
	return errors.Join(errs...)
}

var longAgo = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// kill ends the threads of a root; those that have not ended yet are no error.
func kill(r *threads.Root) { _ = r.Close(longAgo) }

// CloseThreads ends all threads of the pool and waits for them until ctx is done. No
// other starts. Any goroutine.
func (p *Pool) CloseThreads(ctx context.Context) error {
	for _, w := range p.workers {
		w.roots.kill() // all at once
	}
	var errs []error
	for _, w := range p.workers {
		errs = append(errs, w.roots.close(ctx))
	}
	return errors.Join(errs...)
}

// mayStartThreads is the part of a realm's setup that lets its scripts start threads.
func (w *Worker) mayStartThreads(js *isolate.JS) error {
	if t := w.o.Threads; t != nil {
		w.startsThreads(js, w.roots.begin(threads.RootOptions{
			Host: w.iso.Host(), Log: w.iso.Log(), Limits: w.iso.Limits(), Guard: t.Guard, Recorder: t.Recorder, FirstID: 1,
			MostAlive: limits.ThreadsDeployed.In(w.iso.Limits().Bounds),
		}))
	}
	return nil
}

func (w *Worker) startsThreads(js *isolate.JS, root *threads.Root) {
	*face.ProgramOf(js) = face.Program{Root: root, Loader: threadLoader{w.o}, Events: func(js *isolate.JS) (goja.Value, error) {
		if mk := maker(w.modules(), nil, "node:events"); mk != nil {
			return mk(js)
		}
		return nil, face.ErrUnavailable
	}}
}

// threadLoader makes what the threads of a worker run.
type threadLoader struct{ o Options }

// Body is face.Loader's.
func (l threadLoader) Body(_ *isolate.JS, e face.Entry) (threads.Body, error) {
	if e.Eval {
		return nil, exception.New("EvalError", "A Worker of a deployed script runs a file that the configuration lists, and no text.")
	}
	o := l.o
	o.Script = o.Threads.find(e.Path, e.From)
	o.Modules = o.Threads.Modules
	o.Resolve = event.Resolver{}
	o.Env, o.Started, o.Loopback, o.Refused, o.Tails, o.OnQuiet = nil, nil, nil, nil, nil, nil
	return &threadBody{o: o, path: e.Path}, nil
}

// threadBody is an entry that runs in a thread.
type threadBody struct {
	o    Options
	path string // as the script gave it
	w    *Worker
}

// Prepare is threads.Body's.
func (b *threadBody) Prepare(i *isolate.Isolate, t *threads.Thread) (*isolate.Realm, error) {
	b.w = New(i, b.o)
	return b.w.newRealm(isolate.RealmOptions{
		OnRejection: func(js *isolate.JS, r isolate.Rejection) {
			if !events.DispatchRejection(js, r) && !r.Handled {
				t.Throw(js, r.Reason)
			}
		},
	}, func(js *isolate.JS) error {
		b.w.startsThreads(js, t.Root())
		events.SetReporter(js, func(js *isolate.JS, err error) { t.Throw(js, js.Error(err)) })
		return nil
	})
}

// Start is threads.Body's.
func (b *threadBody) Start(js *isolate.JS, _ *threads.Thread) (goja.Value, error) {
	w := b.w
	if w.o.Script == nil {
		return nil, exception.Errorf("Cannot find module '%s'", b.path)
	}
	if !w.o.Compat.Has("allow_insecure_inefficient_logged_eval") {
		if err := script.DenyEval(js.Runtime()); err != nil {
			return nil, err
		}
	}
	if _, err := iocontext.Current(js); err != nil {
		return nil, err
	}
	w.env = js.Runtime().NewObject()
	ev, err := w.o.Script.Evaluate(js.Runtime(), w.host(js))
	if err != nil || ev.Promise == nil {
		return goja.Undefined(), err
	}
	return js.Runtime().ToValue(ev.Promise), nil
}

// Idle is threads.Body's.
func (*threadBody) Idle(*isolate.JS, *threads.Thread) bool { return false }
