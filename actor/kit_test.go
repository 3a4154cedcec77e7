package actor_test

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dop251/goja"

	"workerd.local/actor"
	"workerd.local/actorid"
	"workerd.local/cache"
	"workerd.local/event"
	"workerd.local/internal/compat"
	"workerd.local/internal/jstest"
	"workerd.local/internal/limits"
	"workerd.local/isolate"
	"workerd.local/script"
	"workerd.local/storage"
	"workerd.local/storage/mem"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/blob"
	"workerd.local/webapi/durable"
	"workerd.local/webapi/encoding"
	"workerd.local/webapi/events"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/rpc"
	"workerd.local/webapi/streams"
	"workerd.local/webapi/timers"
	"workerd.local/webapi/url"
	"workerd.local/webapi/websockets"
	"workerd.local/worker"
)

// patience is how long a test waits for what has to happen. conformance/coverage has
// less of it: in the code that it breaks such a thing may never happen.
var patience = func() time.Duration {
	if d, err := time.ParseDuration(os.Getenv("WORKERD_TEST_PATIENCE")); err == nil {
		return d
	}
	return time.Minute
}()

// kit is a namespace of one class, "Obj", over a store.
type kit struct {
	t    testing.TB
	ns   *actor.Namespace
	pool *worker.Pool
	isos []*isolate.Isolate
	log  *jstest.Log

	clock *clock
}

type kitOptions struct {
	store    storage.Store // nil: a new one in memory
	isolates int
	limits   isolate.Limits
	idle     time.Duration
	queued   int
	key      string
	// bounds are settings as --limit takes them.
	bounds []string
	// sqlite is actor.Options.SQLite.
	sqlite bool
	// sql is actor.Options.SQL, date the compatibility date where it is not "2026-01-01".
	sql   bool
	date  string
	flags []string
	// keys is actor.Options.Limits.
	keys cache.Limits
	// hardBytes is actor.Options.Cache.HardBytes.
	hardBytes int
	// dirtyBytes is actor.Options.Cache.DirtyBytes.
	dirtyBytes int
	// ephemeral makes actors that keep nothing.
	ephemeral bool
	// preventEviction is actor.Options.PreventEviction.
	preventEviction bool
	// clock is the time of the isolates; nil means the real one.
	clock *clock
}

// clock is a host whose time passes when the test says so.
type clock struct {
	isolate.Host
	ahead atomic.Int64 // of start, in nanoseconds
	start time.Time
}

func newClock() *clock {
	return &clock{Host: isolate.SystemHost(), start: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
}

func (c *clock) Now() time.Time { return c.start.Add(time.Duration(c.ahead.Load())) }

// pass lets time pass second by second: whatever is due on the isolates has happened
// when it returns.
func (k *kit) pass(seconds int) {
	k.t.Helper()
	k.rounds() // an answer may be here before the turn that gave it is over
	for range seconds {
		k.clock.ahead.Add(int64(time.Second))
		k.rounds()
	}
}

// rounds waits for a few rounds of each loop: a round runs the inbox, then the timers,
// each with what follows from it.
func (k *kit) rounds() {
	k.t.Helper()
	for _, i := range k.isos {
		for range 3 {
			done := make(chan struct{})
			if err := i.Loop().Post(func() { close(done) }); err != nil {
				k.t.Fatal(err)
			}
			<-done
		}
	}
}

func newKit(t testing.TB, source string, o kitOptions) *kit {
	t.Helper()
	k := &kit{t: t, log: &jstest.Log{}, clock: o.clock}
	var host isolate.Host
	if o.clock != nil {
		host = o.clock
	}
	if o.isolates == 0 {
		o.isolates = 1
	}
	log := slog.New(slog.NewTextHandler(k.log, nil))
	for range o.isolates {
		i := isolate.New(isolate.Options{Name: "test", Host: host, Limits: o.limits, Log: log})
		i.Start()
		t.Cleanup(func() { i.Close(); <-i.Done() })
		k.isos = append(k.isos, i)
	}
	s, err := script.Compile(t.Context(), script.Source{Name: "main", Modules: []script.Module{{
		Name: "main.js", Kind: script.ESModule,
		Content: []byte(`import { DurableObject } from "cloudflare:workers"; export default {};` + source),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	flags, errs := compat.Parse(cmp.Or(o.date, "2026-01-01"), o.flags, compat.Options{Experimental: true})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	modules := []bind.Module{url.Module, encoding.Module, events.Module, timers.Module, blob.Module, streams.Module, websockets.Module, fetch.Module, durable.Module}
	exports := func(js *isolate.JS, name string, kind worker.ExportKind) (goja.Value, error) {
		if kind != worker.ExportActor {
			return nil, nil
		}
		return rpc.NewLoopbackActors(js, nil, false, func(props *event.Props) event.ActorClass {
			return &actor.Class{Name: name, Props: props, Open: func(done func(*worker.Pool, func(), error)) { done(k.pool, func() {}, nil) }}
		}), nil
	}
	pool := worker.NewPool(k.isos, worker.Options{Name: "main", Script: s, Compat: flags, Modules: modules, Loopback: exports})
	if err := pool.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	k.pool = pool
	if o.store == nil {
		o.store = mem.New()
	}
	if o.key == "" {
		o.key = "key"
	}
	bounds, err := limits.Parse(o.bounds...)
	if err != nil {
		t.Fatal(err)
	}
	options := actor.Options{
		Class: "Obj", UniqueKey: o.key, Pool: pool, Store: o.store, IdleAfter: o.idle, MaxQueued: o.queued, Log: log, SQLite: o.sqlite, SQL: o.sql,
		PreventEviction: o.preventEviction, Cache: cache.LRUOptions{HardBytes: o.hardBytes, DirtyBytes: o.dirtyBytes}, Limits: o.keys, Bounds: bounds,
		Token: func(shard uint32) storage.Token { return storage.Token{Shard: shard, Epoch: epochOf(t, o.store)} },
	}
	if o.ephemeral {
		options.UniqueKey, options.Store, options.Token = "", nil, nil
	}
	k.ns, err = actor.New(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := k.ns.Close(ctx, io.EOF); err != nil {
			t.Error(err)
		}
	})
	return k
}

func epochOf(t testing.TB, s storage.Store) uint64 {
	p, ok := s.(interface{ Placement() storage.Placement })
	if !ok {
		return 1
	}
	_, tok, err := p.Placement().Owner(context.Background(), 0)
	if err != nil {
		t.Error(err)
	}
	return tok.Epoch
}

func (k *kit) stub(name string) *actor.Stub {
	return k.ns.Stub(k.ns.IDs().FromName(name), &name, false).(*actor.Stub)
}

func ask(t testing.TB, s *actor.Stub, path string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	resp, err := s.Fetch(ctx, request(path))
	return answer(resp, err)
}

func request(path string) *event.Request {
	return &event.Request{Method: "GET", URL: "http://actor" + path, Header: http.Header{}}
}

func answer(resp *event.Response, err error) string {
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body.Reader())
	if err != nil {
		return "body: " + err.Error()
	}
	return string(b)
}

func (k *kit) want(s *actor.Stub, path, want string) {
	k.t.Helper()
	if got := ask(k.t, s, path); got != want {
		k.t.Errorf("%s: %q, want %q\n%s", path, got, want, k.log)
	}
}

// ephemeral is stub for a namespace whose actors keep nothing.
func (k *kit) ephemeral(name string) *actor.Stub {
	return k.ns.Stub(actorid.ID{Key: name}, &name, false).(*actor.Stub)
}
