package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"workerd.local/actor"
	"workerd.local/actorid"
	"workerd.local/assets"
	"workerd.local/cache"
	"workerd.local/config"
	"workerd.local/disk"
	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/httpserver"
	"workerd.local/internal/compat"
	"workerd.local/internal/limits"
	"workerd.local/isolate"
	"workerd.local/outbound"
	"workerd.local/script"
	"workerd.local/supervise"
	"workerd.local/threads/hop"
	"workerd.local/threads/iojs"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/crypto"
	"workerd.local/webapi/memorycache"
	"workerd.local/webapi/sockets"
	"workerd.local/websocket"
	"workerd.local/worker"
)

// world is everything made from one reading of a configuration. A reload makes a
// new one and closes the old.
type world struct {
	s        *Server
	cfg      *config.Config
	services map[string]*service
	targets  map[string]httpserver.Target // by socket
	internet *outbound.Network            // the implicit service, made when it is named
	closers  []io.Closer
	caches   map[*config.Binding]*memorycache.Use
	local    map[localProduct]event.Service // of a project
	ctx      context.Context                // ends what requests left behind
	cancel   context.CancelFunc
	inputs   []string // files that scripts were made from
	loading  sync.WaitGroup
	tailing  tailing
	loaders  *loaders
	exposeGC bool
	version  version
	requests sync.WaitGroup // until their answers have been sent; the turnstile adds
}

// version is what scripts are told of the code that runs: each reading of the configuration is a version of its own.
type version struct {
	id   func() string // drawn for who asks first, so that what else is drawn stays what it is
	made time.Time
}

// service is a named service that runs.
type service struct {
	cfg        *config.Service
	plain      event.Service  // disk, network, external, static assets
	router     *assets.Router // nil where the worker has no static assets
	pool       *worker.Pool   // worker
	script     *script.Script
	flags      *compat.Flags
	threads    *worker.Threads             // nil where it may start none
	namespaces map[string]*actor.Namespace // by class name
}

func (s *Server) build(ctx context.Context, cfg *config.Config) (_ *world, err error) {
	distinctSockets(cfg)
	w := &world{s: s, cfg: cfg, services: map[string]*service{}, targets: map[string]httpserver.Target{}, caches: map[*config.Binding]*memorycache.Use{}, local: map[localProduct]event.Service{}}
	w.exposeGC = w.v8Flags()
	w.version = version{sync.OnceValue(func() string { return crypto.RandomUUID(s.o.Host) }), s.o.Host.Now()}
	w.loaders = &loaders{w: w, most: limits.LoaderWorkers.In(s.o.Limits.Bounds), live: map[*dynamic]struct{}{}, named: map[string]*dynamic{}}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close(context.Background()))
		}
	}()
	var workers []*service
	for i := range cfg.Services {
		c := &cfg.Services[i]
		svc := &service{cfg: c, namespaces: map[string]*actor.Namespace{}}
		w.services[c.Name] = svc
		if c.Worker != nil {
			workers = append(workers, svc)
			w.openCaches(c.Worker.Bindings)
			continue
		}
		if err := w.plain(svc); err != nil {
			return nil, err
		}
	}
	for _, svc := range workers {
		if err := w.openLocal(svc.cfg.Worker.Bindings); err != nil {
			return nil, err
		}
	}
	if err := w.compile(ctx, workers); err != nil {
		return nil, err
	}
	if err := w.openAssets(ctx); err != nil {
		return nil, err
	}
	for _, svc := range workers {
		if err := w.pool(svc); err != nil {
			return nil, err
		}
	}
	for _, svc := range workers {
		if err := w.actors(svc); err != nil {
			return nil, err
		}
	}
	var errs []error
	for _, svc := range workers {
		if _, err := w.s.refusal(supervise.Subject{Worker: svc.cfg.Name}); err != nil {
			continue // its top level may be what ends the process
		}
		if err := svc.pool.Start(ctx); err != nil {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for _, svc := range workers {
		if err := w.checkClasses(svc); err != nil {
			return nil, err
		}
	}
	for i := range cfg.Sockets {
		if w.targets[cfg.Sockets[i].Name], err = w.target(&cfg.Sockets[i]); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// plain makes the services that are not workers.
func (w *world) plain(svc *service) error {
	c := svc.cfg
	switch {
	case c.Disk != nil:
		if c.Disk.Create {
			if err := makeDir(c.Disk.Path.Value); err != nil {
				return at(c.Disk.Path.Pos, "%s", err)
			}
		}
		d, err := disk.Open(c.Disk.Path.Value, disk.Options{Writable: c.Disk.Writable, AllowDotfiles: c.Disk.AllowDotfiles})
		if errors.Is(err, os.ErrNotExist) {
			return at(c.Disk.Path.Pos, "Directory named %q not found: %s", c.Name, c.Disk.Path.Value)
		}
		if err != nil {
			return at(c.Disk.Path.Pos, "service %s: %s", c.Name, err)
		}
		w.closers = append(w.closers, d)
		svc.plain = d
	case c.Network != nil:
		p, err := outbound.NewPolicy(config.Strings(c.Network.Allow), config.Strings(c.Network.Deny))
		if err != nil {
			return at(c.Pos, "service %s: %s", c.Name, err)
		}
		t, err := clientTLS(c.Network.TLS)
		if err != nil {
			return at(c.Pos, "service %s: %s", c.Name, err)
		}
		svc.plain = outbound.NewNetwork(p, t, w.s.webSockets, w.s.o.Limits.Bounds)
	case c.External != nil && strings.HasPrefix(c.External.Address.Value, config.Loopback) && c.External.HTTP.CapnpConnectHost.IsSet():
		svc.plain = &loopbackService{w: w, cfg: c.External}
	case c.External != nil:
		e, err := external(c.External, w.s.webSockets, w.s.o.Limits.Bounds)
		if err != nil {
			return at(c.Pos, "service %s: %s", c.Name, err)
		}
		svc.plain = e
	}
	return nil
}

func external(c *config.ExternalServer, sockets *websocket.Set, bounds *limits.Set) (event.Service, error) {
	o := outbound.ExternalOptions{
		Address: c.Address.Value, Proxy: c.HTTP.Style == config.StyleProxy,
		ForwardedProto: c.HTTP.ForwardedProtoHeader, CF: c.HTTP.CfBlobHeader, WebSockets: sockets, Bounds: bounds,
	}
	for _, h := range c.HTTP.InjectRequestHeaders {
		o.RequestHeaders = append(o.RequestHeaders, event.HeaderRule{Name: h.Name, Value: h.Value, Remove: h.Remove})
	}
	for _, h := range c.HTTP.InjectResponseHeaders {
		o.ResponseHeaders = append(o.ResponseHeaders, event.HeaderRule{Name: h.Name, Value: h.Value, Remove: h.Remove})
	}
	if c.Kind == config.SocketHTTPS || c.Kind == config.SocketTCP && c.TLS != nil {
		t, err := clientTLS(c.TLS)
		if err != nil {
			return nil, err
		}
		if t == nil {
			t = &tls.Config{}
		}
		if c.CertificateHost != "" {
			t.ServerName = c.CertificateHost
		}
		o.TLS = t
	}
	if c.Kind == config.SocketTCP {
		return outbound.NewTCP(o), nil
	}
	return outbound.NewExternal(o), nil
}

// compile turns the workers' sources into programs, two at a time.
func (w *world) compile(ctx context.Context, workers []*service) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(2)
	for _, svc := range workers {
		g.Go(func() error {
			var err error
			if svc.flags, err = w.flags(svc.cfg); err != nil {
				return fmt.Errorf("service %s: %w", svc.cfg.Name, err)
			}
			src, err := source(ctx, svc.cfg, svc.flags, w.modules(svc), w.s.o.CacheDir)
			src.Bounds = w.s.o.Limits.Bounds
			if w.hasThreads(svc) {
				src.Bare = bareModules
			}
			w.extend(&src, svc.cfg)
			if err != nil {
				return fmt.Errorf("service %s: %w", svc.cfg.Name, err)
			}
			if svc.script, err = script.Compile(ctx, src); err != nil {
				return fmt.Errorf("service %s: %w", svc.cfg.Name, err)
			}
			return w.compileThreads(ctx, svc)
		})
	}
	err := g.Wait()
	for _, svc := range workers {
		if svc.script != nil {
			w.inputs = append(w.inputs, svc.script.Inputs()...)
		}
		if svc.threads != nil {
			for _, s := range svc.threads.Entries {
				w.inputs = append(w.inputs, s.Inputs()...)
			}
		}
	}
	return err
}

func (w *world) flags(c *config.Service) (*compat.Flags, error) {
	date := c.Worker.CompatibilityDate.Value
	if w.s.o.CompatDate != "" {
		date = w.s.o.CompatDate
	}
	o := compat.Options{Experimental: w.s.o.Experimental}
	if w.s.o.AllowUnknownFlags {
		o.Unknown = func(flag string) {
			w.s.log.Warn("a compatibility flag is not known and has no effect", "service", c.Name, "flag", flag)
		}
	}
	f, errs := compat.Parse(date, config.Strings(c.Worker.CompatibilityFlags), o)
	return f, errors.Join(errs...)
}

// nodeCompat says whether the bare names of modules of Node.js mean these.
func nodeCompat(flags *compat.Flags) bool {
	return flags.Has("nodejs_compat") || flags.Has("nodejs_compat_v2")
}

// source is a worker's code as package script wants it.
func source(ctx context.Context, c *config.Service, flags *compat.Flags, modules []bind.Module, cacheDir string) (script.Source, error) {
	wk := c.Worker
	src := script.Source{
		Name: c.Name, CacheDir: cacheDir, NodeCompat: nodeCompat(flags),
		Builtin: func(specifier string) bool { return worker.HasBuiltin(modules, flags, specifier) },
	}
	switch {
	case wk.Source != nil:
		if err := runBuild(ctx, &wk.Source.Build); err != nil {
			return src, err
		}
		src.Entry, src.KeepNames = entry(wk.Source), wk.Source.KeepNames
	case wk.Script != nil:
		src.ServiceWorker = &script.Module{Name: "main", Kind: script.ESModule, Content: wk.Script.Content, Path: wk.Script.Path}
	default:
		for _, m := range wk.Modules {
			kind, err := moduleKind(m)
			if err != nil {
				return src, err
			}
			src.Modules = append(src.Modules, script.Module{
				Name: m.Name, Kind: kind, Content: m.Content, TypeScript: kind == script.ESModule && flags.Has("typescript_strip_types"), Path: m.Path, NamedExports: m.NamedExports,
			})
		}
	}
	return src, nil
}

// modules are the web APIs of a worker.
func (w *world) modules(svc *service) []bind.Module {
	return append(w.threadModules(svc), w.unsafeModule(svc))
}

// threadModules are the web APIs of a worker's threads.
func (w *world) threadModules(svc *service) []bind.Module {
	list := w.s.modules()
	if w.hasThreads(svc) {
		list = append(list, iojs.Module, hop.Workers())
	}
	if w.gate("workerd-autogate-socket-rpc-transfer") {
		list = append(list, socketTransfers)
	}
	if w.exposeGC {
		list = append(list, gcModule)
	}
	return list
}

// gate reports whether the configuration names an autogate.
func (w *world) gate(name string) bool {
	return slices.ContainsFunc(w.cfg.Autogates, func(g config.Text) bool { return g.Value == name })
}

// socketTransfers lets Sockets go over RPC.
var socketTransfers = bind.Module{Name: "sockets-rpc", Setup: func(js *isolate.JS) error { sockets.AllowTransfer(js); return nil }}

// cache is what the Cache API of a worker asks: the service that cacheApiOutbound
// names. A project of wrangler has no such setting, and gets a cache of its own.
func (w *world) cache(c *config.Service) (event.Service, error) {
	switch out := c.Worker.CacheAPIOutbound; {
	case out.IsSet():
		return w.service(out, fmt.Sprintf("service %s: cacheApiOutbound", c.Name))
	case c.Worker.Source != nil:
		return w.s.cache.View(c.Name), nil
	}
	return nil, nil
}

// pool makes the workers of a service; nothing of the script runs yet.
func (w *world) pool(svc *service) error {
	c := svc.cfg
	out := c.Worker.GlobalOutbound
	if !out.IsSet() {
		out.Name = config.DefaultInternet
	}
	outSvc, err := w.service(out, fmt.Sprintf("service %s: globalOutbound", c.Name))
	if err != nil {
		return err
	}
	cacheSvc, err := w.cache(c)
	if err != nil {
		return err
	}
	tails, err := w.tails(svc)
	if err != nil {
		return err
	}
	svc.pool = worker.NewPool(w.s.isolates, worker.Options{
		Name: c.Name, Resolve: w.resolver(), Script: svc.script, Compat: svc.flags, Modules: w.modules(svc),
		Env: w.env(svc), Files: bundleFiles(c.Worker), Started: w.wrappedBindings(svc), Loopback: w.loopback(svc), Threads: svc.threads, Outbound: outSvc, Cache: cacheSvc, Tails: tails,
		StdioPrefix: w.stdioPrefix(),
		Snapshot:    w.snapshot(c),
		TurnLimit:   c.Worker.CPULimit, Context: w.ctx,
		Refused: func() error { _, err := w.s.refusal(supervise.Subject{Worker: c.Name}); return err },
	})
	return nil
}

// stdioPrefix is what the configuration puts before what scripts write to stdout and stderr.
func (w *world) stdioPrefix() [2]string {
	trim := func(s string) string { return strings.TrimRight(s, " ") }
	return [2]string{trim(w.cfg.Logging.StdoutPrefix), trim(w.cfg.Logging.StderrPrefix)}
}

// snapshot is how the isolates of a service start; nil for each by itself.
func (w *world) snapshot(c *config.Service) *worker.Snapshot {
	if !c.Worker.Snapshot && !w.s.o.Snapshot {
		return nil
	}
	return &worker.Snapshot{Twins: -1, Recorder: w.s.o.ThreadRecorder}
}

// actors makes the namespaces of a worker.
func (w *world) actors(svc *service) error {
	c := svc.cfg.Worker
	for i := range c.Namespaces {
		n := &c.Namespaces[i]
		o := actor.Options{
			Class: n.ClassName, Pool: svc.pool, PreventEviction: n.PreventEviction, SQL: n.EnableSQL,
			MaxQueued: w.s.o.MaxQueued, IdleAfter: w.s.o.ActorIdle, Cache: w.s.o.Cache, Bounds: w.s.o.Limits.Bounds, Log: w.s.log,
			Refused: func(id actorid.ID) (time.Time, error) {
				return w.s.refusal(supervise.Subject{Worker: svc.cfg.Name, Class: n.ClassName, Actor: id.String()})
			},
		}
		if !n.EphemeralLocal {
			st, err := w.store(svc)
			if err != nil {
				return err
			}
			o.UniqueKey, o.Store, o.Token = n.UniqueKey, st.store, st.tokens
			// workerd keeps state on disk in SQLite, and state in memory never, not even
			// with enableSql.
			o.SQLite = svc.cfg.Worker.Storage.Kind == config.StorageLocalDisk
			switch {
			case o.SQLite && o.SQL:
				o.Limits = cache.SQLLimits(o.Bounds)
			case o.SQLite:
				o.Limits = cache.ActorLimits(o.Bounds)
				o.Limits.Pairs, o.Limits.Everywhere = 0, true
			default:
				o.Limits = cache.ActorLimits(o.Bounds)
			}
		}
		ns, err := actor.New(o)
		if err != nil {
			return at(n.Pos, "service %s: %s", svc.cfg.Name, err)
		}
		svc.namespaces[n.ClassName] = ns
	}
	return nil
}

// store is where the actors of a worker keep their state.
func (w *world) store(svc *service) (*openStore, error) {
	c := svc.cfg.Worker.Storage
	switch c.Kind {
	case config.StorageInMemory:
		return w.s.stores.memory(svc.cfg.Name)
	case config.StorageLocalDisk:
		d := w.services[c.Service]
		if d == nil {
			return nil, at(c.Pos, "service %s: durableObjectStorage config refers to a service %q, but no such service is defined.", svc.cfg.Name, c.Service)
		}
		dir, ok := d.plain.(*disk.Directory)
		if !ok {
			return nil, at(c.Pos, "service %s: durableObjectStorage config refers to a service %q, but that service is not a local disk service.", svc.cfg.Name, c.Service)
		}
		if !dir.Writable() {
			return nil, at(c.Pos, "service %s: durableObjectStorage config refers to the disk service %q, but that service is defined read-only.", svc.cfg.Name, c.Service)
		}
		st, err := w.s.stores.disk(dir.Path())
		if err != nil {
			return nil, fmt.Errorf("service %s: %w", svc.cfg.Name, err)
		}
		return st, nil
	}
	return nil, at(svc.cfg.Pos, "Worker service %q implements durable object classes but has `durableObjectStorage` set to `none`.", svc.cfg.Name)
}

// ready is what follows once the world is the present one, and no other touches its
// state: migrations, alarms, warnings.
func (w *world) ready(ctx context.Context) error {
	for _, svc := range w.services {
		if svc.pool == nil {
			continue
		}
		if err := w.serviceReady(ctx, svc); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) serviceReady(ctx context.Context, svc *service) error {
	if err := w.migrate(ctx, svc); err != nil {
		return err
	}
	_, refused := w.s.refusal(supervise.Subject{Worker: svc.cfg.Name})
	wk := svc.pool.Workers()[0]
	for class, ns := range svc.namespaces {
		has := make(chan bool, 1)
		if err := wk.Isolate().Loop().Post(func() { has <- wk.HasActorClass(class) }); err != nil {
			return err
		}
		if !<-has && refused == nil {
			w.s.log.Warn("A DurableObjectNamespace in the config referenced a class that the script does not export; every use of it will fail.",
				"service", svc.cfg.Name, "class", class)
		}
		// Alarms of many actors take a while to read; requests need not wait for it.
		w.loading.Go(func() {
			if err := ns.LoadAlarms(w.ctx); err != nil && w.ctx.Err() == nil {
				w.s.log.Error("stored alarms could not be read; they run after the next start", "service", svc.cfg.Name, "class", class, "error", err)
			}
		})
	}
	return nil
}

// service resolves a designator; where says who refers to it.
func (w *world) service(d config.ServiceDesignator, where string) (event.Service, error) {
	svc := w.services[d.Name]
	if svc == nil {
		if d.Name == config.DefaultInternet {
			return w.defaultInternet()
		}
		return nil, at(d.Pos, "%s refers to a service %q, but no such service is defined.", where, d.Name)
	}
	if svc.plain != nil {
		if d.Entrypoint != "" {
			return nil, at(d.Pos, "%s refers to service %q with a named entrypoint %q, but %q has no such named entrypoint.", where, d.Name, d.Entrypoint, d.Name)
		}
		return svc.plain, nil
	}
	// Services may name each other in circles, so the pool is looked up when the
	// first event comes.
	return &lazyService{svc: svc, entrypoint: d.Entrypoint, props: propsOf(d), files: d.Entrypoint == ""}, nil
}

func (w *world) defaultInternet() (event.Service, error) {
	if w.internet == nil {
		p, err := outbound.NewPolicy([]string{"public"}, nil)
		if err != nil {
			return nil, err
		}
		w.internet = outbound.NewNetwork(p, nil, w.s.webSockets, w.s.o.Limits.Bounds)
	}
	return w.internet, nil
}

// closeActors flushes and breaks the world's actors: another world may make them.
func (w *world) closeActors(ctx context.Context) error {
	var errs []error
	for _, svc := range w.services {
		for _, ns := range svc.namespaces {
			errs = append(errs, ns.Close(ctx, errClosing))
		}
	}
	return errors.Join(errs...)
}

// close ends the world: actors flush and break, what requests left behind is
// canceled.
func (w *world) close(ctx context.Context) error {
	errs := []error{w.closeActors(ctx), w.drainTails(ctx)}
	w.cancel()
	w.loaders.close()
	for _, svc := range w.services {
		if svc.pool != nil {
			svc.pool.CloseTwins()
			errs = append(errs, svc.pool.CloseThreads(ctx))
		}
	}
	w.loading.Wait()
	for _, c := range w.closers {
		errs = append(errs, c.Close())
	}
	if w.internet != nil {
		w.internet.Close()
	}
	return errors.Join(errs...)
}

// errClosing is what is left of actors when the server ends.
var errClosing = exception.Errorf("The server is shutting down.").WithKind(exception.Disconnected).WithBroken(exception.Ignored)

// at is an error with its place in the configuration.
func at(pos config.Pos, format string, args ...any) error {
	return &config.Error{Pos: pos, Msg: fmt.Sprintf(format, args...)}
}

// distinctSockets numbers sockets whose name another one has before them: names are how
// a socket is found again after a reload.
func distinctSockets(cfg *config.Config) {
	seen := map[string]int{}
	for i := range cfg.Sockets {
		c := &cfg.Sockets[i]
		name := c.Name
		if seen[name]++; seen[name] > 1 {
			c.Name = fmt.Sprintf("%s (%d)", name, seen[name])
		}
	}
}
