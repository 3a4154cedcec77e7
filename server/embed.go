package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/dop251/goja"

	"workerd.local/actor"
	"workerd.local/actorid"
	"workerd.local/event"
	"workerd.local/internal/compat"
	"workerd.local/internal/limits"
	"workerd.local/isolate"
	"workerd.local/script"
	"workerd.local/storage"
	"workerd.local/storage/mem"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/durable"
	"workerd.local/worker"
)

// The layers one by one, for programs that want no configuration: an Isolate runs
// Scripts, a Script becomes Workers, a Worker has Actors. All of it may be used from
// any goroutine.

// IsolateOptions configure an Isolate; the zero value is usable.
type IsolateOptions struct {
	Name   string
	Host   isolate.Host
	Limits isolate.Limits
	// Modules are added to the built-in web APIs.
	Modules []bind.Module
	// Log receives what no caller could be told; nil means slog.Default.
	Log *slog.Logger
}

// Isolate is a goroutine that runs JavaScript.
type Isolate struct {
	iso     *isolate.Isolate
	modules []bind.Module
	log     *slog.Logger
}

// NewIsolate starts an isolate; Close ends it.
func NewIsolate(o IsolateOptions) *Isolate {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	i := &Isolate{
		iso:     isolate.New(isolate.Options{Name: o.Name, Host: o.Host, Limits: o.Limits, Log: o.Log}),
		modules: append(Modules(), o.Modules...), log: o.Log,
	}
	i.iso.Start()
	return i
}

// Close lets what is queued run and waits for the isolate's goroutine. Close the
// workers first.
func (i *Isolate) Close() {
	i.iso.Close()
	<-i.iso.Done()
}

// NewScript compiles a source. The script may be used for several workers.
func (i *Isolate) NewScript(ctx context.Context, src script.Source) (*Script, error) {
	if src.Bounds == nil {
		src.Bounds = i.iso.Limits().Bounds
	}
	s, err := script.Compile(ctx, src)
	if err != nil {
		return nil, err
	}
	for _, b := range s.Builtins() {
		if !worker.HasBuiltin(i.modules, nil, b.Specifier) {
			return nil, fmt.Errorf("%s:%d:%d: No such module %q.", b.Importer, b.Line, b.Column, b.Specifier)
		}
	}
	return &Script{i, s, src.Name}, nil
}

// Script is compiled code on an isolate.
type Script struct {
	i    *Isolate
	s    *script.Script
	name string
}

// WorkerOptions configure a Worker.
type WorkerOptions struct {
	// CompatibilityDate is YYYY-MM-DD; empty means the newest.
	CompatibilityDate  string
	CompatibilityFlags []string
	// Actors are the actor classes that the worker offers, by exported class name.
	// Each is also a binding of env under that name.
	Actors map[string]ActorOptions
	// Env makes further properties of env; it runs on the isolate, before the script.
	Env func(js *isolate.JS, env *goja.Object) error
	// Outbound is where the global fetch() goes; nil means nowhere.
	Outbound event.Service
}

// ActorOptions configure a class of actors.
type ActorOptions struct {
	// UniqueKey is the storage key of the class.
	UniqueKey string
	// Store keeps the state; nil means memory. Token is the right to write to it; nil
	// means epoch 1, or what the store's own placement says.
	Store storage.Store
	Token func(shard uint32) storage.Token
}

// Worker is a script that has run, with its env.
type Worker struct {
	pool   *worker.Pool
	actors map[string]*actor.Namespace
	cancel context.CancelFunc
}

// NewWorker instantiates the script: its top level has run when it returns.
func (s *Script) NewWorker(ctx context.Context, o WorkerOptions) (*Worker, error) {
	if o.CompatibilityDate == "" {
		o.CompatibilityDate = compat.Newest
	}
	flags, errs := compat.Parse(o.CompatibilityDate, o.CompatibilityFlags, compat.Options{Experimental: true})
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	w := &Worker{actors: map[string]*actor.Namespace{}}
	var bg context.Context
	bg, w.cancel = context.WithCancel(context.Background())
	w.pool = worker.NewPool([]*isolate.Isolate{s.i.iso}, worker.Options{
		Name: s.name, Script: s.s, Compat: flags, Modules: s.i.modules, Outbound: o.Outbound, Context: bg,
		Env: func(js *isolate.JS, _ *worker.Worker) (*goja.Object, error) {
			env := js.Runtime().NewObject()
			for class, ns := range w.actors {
				if err := env.Set(class, durable.NamespaceClass.Wrap(js, &durable.Namespace{Actors: ns})); err != nil {
					return nil, err
				}
			}
			if o.Env != nil {
				return env, o.Env(js, env)
			}
			return env, nil
		},
	})
	if err := w.start(ctx, o.Actors, s.i.log, s.i.iso.Limits().Bounds); err != nil {
		return nil, errors.Join(err, w.Close(ctx))
	}
	return w, nil
}

// start makes the worker's namespaces and runs its script.
func (w *Worker) start(ctx context.Context, actors map[string]ActorOptions, log *slog.Logger, bounds *limits.Set) error {
	for class, a := range actors {
		if a.Store == nil {
			a.Store = mem.New()
		}
		if a.Token == nil {
			t, err := tokens(a.Store)
			if err != nil {
				return err
			}
			a.Token = t
		}
		ns, err := actor.New(actor.Options{Class: class, UniqueKey: a.UniqueKey, Pool: w.pool, Store: a.Store, Token: a.Token, Bounds: bounds, Log: log})
		if err != nil {
			return err
		}
		w.actors[class] = ns
	}
	if err := w.pool.Start(ctx); err != nil {
		return err
	}
	for _, ns := range w.actors {
		if err := ns.LoadAlarms(ctx); err != nil {
			return err
		}
	}
	return nil
}

// HandleRequest delivers a request to the default entrypoint. The caller closes the
// response's body.
func (w *Worker) HandleRequest(ctx context.Context, req *event.Request) (*event.Response, error) {
	return w.pool.Service("").Fetch(ctx, req)
}

// GetActor returns the actor of a class that a name stands for.
func (w *Worker) GetActor(class, name string) (*Actor, error) {
	ns := w.actors[class]
	if ns == nil {
		return nil, fmt.Errorf("the worker offers no actor class %q", class)
	}
	id := ns.IDs().FromName(name)
	return &Actor{stub: ns.Stub(id, &name, false).(*actor.Stub), id: id}, nil
}

// Close breaks the worker's actors once their writes are durable. It does not close
// their stores.
func (w *Worker) Close(ctx context.Context) error {
	var errs []error
	for _, ns := range w.actors {
		errs = append(errs, ns.Close(ctx, errClosing))
	}
	w.cancel()
	return errors.Join(errs...)
}

// Actor is a Go program's channel to one actor.
type Actor struct {
	stub *actor.Stub
	id   actorid.ID
}

// ID names the actor.
func (a *Actor) ID() actorid.ID { return a.id }

// Request delivers a request; the reply has left the actor's output gate.
func (a *Actor) Request(ctx context.Context, req *event.Request) (*event.Response, error) {
	return a.stub.Fetch(ctx, req)
}

// Hibernate puts the actor away if it is idle, and reports whether it is away.
func (a *Actor) Hibernate(ctx context.Context) (bool, error) { return a.stub.Hibernate(ctx) }

// Resume makes the actor where it is away.
func (a *Actor) Resume(ctx context.Context) error { return a.stub.Resume(ctx) }
