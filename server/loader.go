package server

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/dop251/goja"

	"workerd.local/actor"
	"workerd.local/config"
	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/script"
	"workerd.local/trace"
	"workerd.local/webapi/loader"
	"workerd.local/webapi/rpc"
	"workerd.local/worker"
)

// loaders are the workers that scripts have made, of all loaders of a world. Any
// goroutine.
type loaders struct {
	w    *world
	most int

	mu     sync.Mutex // guards what follows
	live   map[*dynamic]struct{}
	places int                 // taken by those that live or start
	named  map[string]*dynamic // by the loader's id and the worker's name
	used   uint64              // counts events, for the order in which workers were used
	made   uint64
	closed bool
}

// loaderOf is the loader of a binding. Bindings with the same id are one loader.
func (w *world) loaderOf(svc *service, b *config.Binding) loader.Loader {
	prefix := "shared:" + b.ID
	if b.ID == "" {
		prefix = fmt.Sprintf("own:%s:%s", svc.cfg.Name, b.Name)
	}
	return &namedLoader{loaders: w.loaders, prefix: prefix, svc: svc}
}

// namedLoader is one loader.
type namedLoader struct {
	*loaders
	prefix string
	svc    *service
}

// Load is loader.Loader's.
func (l *namedLoader) Load(name *string, code loader.CodeFunc) loader.Worker {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return &handle{l: l.loaders, d: &dynamic{l: l.loaders, failed: errClosing}}
	}
	if name == nil {
		l.made++
		return l.begin(fmt.Sprintf("%s:dynamic:%d", l.svc.cfg.Name, l.made), "", code)
	}
	key := l.prefix + "\x00" + *name
	if d := l.named[key]; d != nil {
		return &handle{l: l.loaders, d: d, code: code}
	}
	return l.begin(l.svc.cfg.Name+":"+*name, key, code)
}

// begin makes a worker and asks for its code. The lock is held.
func (l *loaders) begin(name, key string, code loader.CodeFunc) *handle {
	d := &dynamic{l: l, name: name, key: key}
	d.touch()
	h := &handle{l: l, d: d, code: code}
	if key != "" {
		l.named[key] = d
	} else {
		// Nobody else can find it.
		runtime.AddCleanup(h, (*dynamic).abandon, d)
	}
	d.load(code)
	return h
}

// makeRoom takes a place for a worker. Where there is none it ends the worker that nobody
// used for longest; only those with a name can be made again.
func (l *loaders) makeRoom() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.places < l.most {
		l.places++
		return nil
	}
	var oldest *dynamic
	for d := range l.live {
		if d.key != "" && d.inside == 0 && d.pool.Quiet() && (oldest == nil || d.used < oldest.used) {
			oldest = d
		}
	}
	if oldest == nil {
		return exception.Errorf("Too many dynamic workers are in use: at most %d may be.", l.most).WithKind(exception.Overloaded)
	}
	oldest.end()
	l.places++
	return nil
}

// giveUp gives back the place of a worker that did not start.
func (l *loaders) giveUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.places--
}

// close ends all workers, and lets no new one be made.
func (l *loaders) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for d := range l.live {
		d.end()
	}
}

// handle is a worker as one script holds it.
type handle struct {
	l    *loaders
	d    *dynamic        // guarded by l.mu
	code loader.CodeFunc // where the worker has to be made again
}

// Entrypoint is loader.Worker's.
func (h *handle) Entrypoint(name string, props *event.Props) event.Service {
	return &dynamicService{h: h, entrypoint: name, props: props}
}

// Class is loader.Worker's.
func (h *handle) Class(name string, props *event.Props) event.ActorClass {
	return &actor.Class{Name: name, Props: props, Fixed: errDynamicTransfer, Open: h.open}
}

// open is actor.Class's Open.
func (h *handle) open(done func(pool *worker.Pool, release func(), err error)) {
	h.with(func(d *dynamic, err error) {
		if err != nil {
			done(nil, nil, err)
			return
		}
		d.l.mu.Lock()
		d.inside++
		pool := d.pool
		d.l.mu.Unlock()
		done(pool, func() {
			d.l.mu.Lock()
			d.inside--
			d.l.mu.Unlock()
			d.quiet()
			runtime.KeepAlive(h)
		}, nil)
	})
}

// dynamic is a worker that a script made, on an isolate of its own.
type dynamic struct {
	l    *loaders
	name string
	key  string // among the named ones; "" for none

	// What follows is guarded by l.mu.
	loading   bool
	iso       *isolate.Isolate // nil until it has been loaded, and after it was ended
	pool      *worker.Pool
	failed    error
	abandoned bool // it ends with what it does: nobody can call it, or the next call makes another
	waiting   []func(*worker.Pool, error)
	used      uint64
	inside    int // events on their way to the pool
}

// touch notes that the worker is used. l.mu is held.
func (d *dynamic) touch() {
	d.l.used++
	d.used = d.l.used
}

// load asks for the code and starts what it gives. l.mu is held.
func (d *dynamic) load(code loader.CodeFunc) {
	d.loading = true
	// The answer may come at once, on this goroutine.
	code(func(c *loader.Code, err error) { go d.make(c, err) })
}

// make is the rest of load, on a goroutine of its own: compiling takes a while. Who
// closes the world waits for it.
func (d *dynamic) make(c *loader.Code, err error) {
	if !d.l.enter() {
		d.loaded(nil, nil, errClosing)
		return
	}
	defer d.l.w.loading.Done()
	if err != nil {
		d.loaded(nil, nil, err)
		return
	}
	d.loaded(d.start(c))
}

// enter makes close wait for the caller, who says Done; or it reports false.
func (l *loaders) enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.w.loading.Add(1)
	return true
}

// loaded is the end of load.
func (d *dynamic) loaded(iso *isolate.Isolate, pool *worker.Pool, err error) {
	d.l.mu.Lock()
	d.loading = false
	d.iso, d.pool, d.failed = iso, pool, err
	switch {
	case err != nil:
		d.forget() // the next one who asks for it tries again
	case d.l.closed || d.abandoned && len(d.waiting) == 0:
		d.end()
	default:
		d.l.live[d] = struct{}{}
	}
	pool, err = d.pool, d.failed
	waiting := d.waiting
	d.waiting = nil
	d.inside += len(waiting)
	d.l.mu.Unlock()
	for _, fn := range waiting {
		fn(pool, err)
	}
}

// forget takes the worker out of those with a name. l.mu is held.
func (d *dynamic) forget() {
	if d.key != "" && d.l.named[d.key] == d {
		delete(d.l.named, d.key)
	}
}

// end closes the worker's isolate. l.mu is held.
func (d *dynamic) end() {
	delete(d.l.live, d)
	d.forget()
	if d.iso != nil {
		d.l.places--
		d.iso.Close()
		d.iso, d.pool, d.failed = nil, nil, errClosing
	}
}

// abandon says that the worker ends with what it still does.
func (d *dynamic) abandon() {
	d.l.mu.Lock()
	defer d.l.mu.Unlock()
	d.abandoned = true
	if d.pool != nil && d.inside == 0 && d.pool.Quiet() {
		d.end()
	}
}

// aborted is told that the worker's code has called abortIsolate(). A worker with a name ends
// with what it still does, and the next call makes it again, code and all; one without a
// name has the code it has.
func (d *dynamic) aborted() {
	if d.key == "" {
		return
	}
	d.l.mu.Lock()
	d.forget()
	d.l.mu.Unlock()
	d.abandon()
}

// quiet is told by the worker that nothing runs in it.
func (d *dynamic) quiet() {
	d.l.mu.Lock()
	defer d.l.mu.Unlock()
	if d.abandoned && d.inside == 0 && d.pool != nil && d.pool.Quiet() {
		d.end()
	}
}

// start makes the worker of code.
func (d *dynamic) start(c *loader.Code) (*isolate.Isolate, *worker.Pool, error) {
	w := d.l.w
	if err := d.l.makeRoom(); err != nil {
		return nil, nil, err
	}
	started := false
	defer func() {
		if !started {
			d.l.giveUp()
		}
	}()
	modules := w.s.modules()
	if w.exposeGC {
		modules = append(modules, gcModule)
	}
	compiled, err := script.Compile(w.ctx, script.Source{
		Name: d.name, Modules: c.Modules, NodeCompat: nodeCompat(c.Compat),
		Builtin: func(specifier string) bool { return worker.HasBuiltin(modules, c.Compat, specifier) },
		Bounds:  w.s.o.Limits.Bounds,
	})
	if err != nil {
		return nil, nil, failedToStart(err)
	}
	iso := w.s.newIsolate(d.name, nil)
	w.loading.Go(func() { _ = iso.Run(context.Background()) }) // it ends by Close, which is no error
	self := &service{cfg: &config.Service{Name: d.name}}
	self.pool = worker.NewPool([]*isolate.Isolate{iso}, worker.Options{
		Name: d.name, Dynamic: true, Resolve: w.resolver(), Script: compiled, Compat: c.Compat, Modules: modules, Outbound: c.Outbound, Tails: w.dynamicTails(d.name, c), Context: w.ctx,
		StdioPrefix: w.stdioPrefix(),
		TurnLimit:   time.Duration(c.CPUMillis * float64(time.Millisecond)), OnQuiet: d.quiet,
		Files: func() map[string][]byte {
			files := map[string][]byte{}
			for _, m := range c.Modules {
				files[m.Name] = m.Content
			}
			return files
		},
		Env: func(js *isolate.JS, _ *worker.Worker) (*goja.Object, error) {
			if c.Env == nil {
				return js.Runtime().NewObject(), nil
			}
			v, err := rpc.ReadProps(js, c.Env)
			if err != nil {
				return nil, err
			}
			return v.(*goja.Object), nil // the loader has written an object
		},
		Loopback: w.loopback(self),
	})
	only := self.pool.Workers()[0]
	if err := only.Start(w.ctx); err != nil {
		iso.Close()
		return nil, nil, failedToStart(err)
	}
	_ = only.Post(func() { only.OnAbortIsolate(d.aborted) }) // the isolate is open
	started = true
	return iso, self.pool, nil
}

func failedToStart(err error) error {
	text := err.Error()
	var e *exception.Exception
	if errors.As(err, &e) {
		text = e.Message
	}
	return exception.Errorf("Failed to start Worker:\n%s", text)
}

// dynamicTails are the tail workers that code names; nil for none.
func (w *world) dynamicTails(name string, c *loader.Code) *trace.Tails {
	if len(c.Tails)+len(c.StreamingTails) == 0 {
		return nil
	}
	t := &trace.Tails{Bounds: w.s.o.Limits.Bounds}
	for i, s := range c.Tails {
		r := w.newTail(name, fmt.Sprintf("tails[%d]", i), s)
		t.Targets = append(t.Targets, trace.Target{Service: r.name, Batch: r.batch})
	}
	for i, s := range c.StreamingTails {
		r := w.newTail(name, fmt.Sprintf("streamingTails[%d]", i), s)
		t.Targets = append(t.Targets, trace.Target{Service: r.name, Stream: r.stream, Budget: r.budget})
	}
	return t
}

// dynamicService is an entrypoint of a worker that a script made.
type dynamicService struct {
	h          *handle
	entrypoint string
	props      *event.Props
}

var (
	_ event.AsyncService = (*dynamicService)(nil)
	_ event.Caller       = (*dynamicService)(nil)
)

var (
	_ event.Named = (*dynamicService)(nil)
	_ event.Kept  = (*dynamicService)(nil)
)

// CheckTransfer is event.Kept's: nobody else can load the worker.
func (s *dynamicService) CheckTransfer() error { return errDynamicTransfer }

var errDynamicTransfer = exception.DOM("DataCloneError", "Entrypoints to dynamically-loaded workers cannot be transferred to other Workers, "+
	"because the system does not know how to reload this Worker from scratch. Instead, "+
	"have the parent Worker expose an entrypoint which constructs the dynamic worker "+
	"and forwards to it.")

// Token is event.Named's.
func (s *dynamicService) Token() (*event.Token, error) { return nil, errDynamicTransfer }

// with calls fn with the service once the worker is there; see handle.with.
func (s *dynamicService) with(fn func(*worker.Service, error)) {
	s.h.with(func(d *dynamic, err error) {
		if err != nil {
			fn(nil, err)
			return
		}
		fn(d.pool.Service(s.entrypoint), nil)
	})
}

// with calls fn once the worker is there, on any goroutine; its pool stays until fn returns.
// Where the worker was ended for want of room, or has aborted itself, it is made again.
func (h *handle) with(fn func(*dynamic, error)) {
	l := h.l
	l.mu.Lock()
	d := h.d
	if (d.failed == error(errClosing) || d.abandoned) && d.key != "" && !l.closed {
		if d = l.named[d.key]; d == nil {
			d = &dynamic{l: l, name: h.d.name, key: h.d.key}
			l.named[d.key] = d
			d.load(h.code)
		}
		h.d = d
	}
	d.touch()
	pool, err := d.pool, d.failed
	if pool == nil && err == nil {
		d.waiting = append(d.waiting, func(_ *worker.Pool, err error) { h.use(d, err, fn) })
		l.mu.Unlock()
		return
	}
	d.inside++
	l.mu.Unlock()
	h.use(d, err, fn)
}

// use calls fn while inside says that the worker is used; what fn begins keeps it from
// then on.
func (h *handle) use(d *dynamic, err error, fn func(*dynamic, error)) {
	if err != nil {
		fn(nil, err)
	} else {
		fn(d, nil)
	}
	d.l.mu.Lock()
	d.inside--
	d.l.mu.Unlock()
	runtime.KeepAlive(h)
}

// Start is event.AsyncService's.
func (s *dynamicService) Start(ctx context.Context, req *event.Request, done func(*event.Response, error)) {
	s.with(func(svc *worker.Service, err error) {
		if err != nil {
			req.Body.Close()
			done(nil, err)
			return
		}
		if s.props != nil {
			r := *req
			r.Props = s.props
			req = &r
		}
		svc.Start(ctx, req, done)
	})
}

// Fetch is event.Service's.
func (s *dynamicService) Fetch(ctx context.Context, req *event.Request) (*event.Response, error) {
	return event.Wait(ctx, func(done func(*event.Response, error)) { s.Start(ctx, req, done) })
}

// StartCall is event.Caller's.
func (s *dynamicService) StartCall(ctx context.Context, call *event.Call, done func(*event.Result, error)) {
	s.with(func(svc *worker.Service, err error) {
		if err != nil {
			call.Release()
			done(nil, err)
			return
		}
		call.Props = s.props
		svc.StartCall(ctx, call, done)
	})
}

// Deliver is event.Service's.
func (s *dynamicService) Deliver(ctx context.Context, ev event.Event) (event.Outcome, error) {
	return event.WaitOutcome(ctx, func(done func(event.Outcome, error)) { s.StartEvent(ctx, ev, done) })
}

// StartEvent begins an event that is not HTTP.
func (s *dynamicService) StartEvent(ctx context.Context, ev event.Event, done func(event.Outcome, error)) {
	s.with(func(svc *worker.Service, err error) {
		if err != nil {
			done(event.Outcome{Status: event.Exception}, err)
			return
		}
		svc.StartEvent(ctx, ev, done)
	})
}
