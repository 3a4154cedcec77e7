// Package actor is actors and their namespaces: how they are activated, how events
// reach them, how they break and how they are put away.
//
// Words: a namespace is one class of actors with its storage; an actor is one live
// object with its gates, cache, context and class instance; a container is the
// place that an id has in a namespace, which outlives the actor; a stub is a
// caller's channel to a container. Actors are spread over the isolates of their
// worker by the hash of their id, so one actor lives on one isolate.
//
// # Concurrency
//
// Namespace and Stub may be used from any goroutine. Everything else belongs to the
// goroutine of the isolate that the actor is on.
package actor

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"workerd.local/actorid"
	"workerd.local/cache"
	"workerd.local/event"
	"workerd.local/internal/limits"
	"workerd.local/isolate"
	"workerd.local/loop"
	"workerd.local/storage"
	"workerd.local/worker"
)

// Options configure a Namespace.
type Options struct {
	// Class is the exported name of the actor class.
	Class string
	// UniqueKey is the storage key of the class; empty for actors that keep
	// nothing and are named by strings.
	UniqueKey string
	// Pool runs the class.
	Pool *worker.Pool
	// Store keeps the actors' state; nil for actors that keep nothing.
	Store storage.Store
	// Token is the right to write a shard of the store.
	Token func(shard uint32) storage.Token
	// PreventEviction keeps idle actors in memory.
	PreventEviction bool
	// SQLite makes the storage behave as what workerd keeps in SQLite: direct calls are
	// part of the transaction that is open, and transactions nest. workerd's storage in
	// memory does neither.
	SQLite bool
	// SQL says that the class was configured with enableSql.
	SQL bool
	// Limits bound keys and values; the zero value means what storage can hold.
	Limits cache.Limits
	// Cache bounds the memory of the caches on one isolate; zero fields take their
	// defaults.
	Cache cache.LRUOptions
	// IdleAfter is how long an actor without requests stays in memory; 0 means 10 s.
	IdleAfter time.Duration
	// MaxQueued is the number of requests that may wait for one actor; 0 means 1,000.
	MaxQueued int
	// Refused says until when, and why, an actor is not made; a nil error makes it. Its
	// alarms wait until then. Nil refuses none. Any goroutine.
	Refused func(id actorid.ID) (until time.Time, err error)
	// Bounds are the numbers of what has no field here; nil means those of the table.
	Bounds *limits.Set
	// Log receives what no caller could be told; nil means slog.Default.
	Log *slog.Logger
}

// Namespace is one class of actors.
type Namespace struct {
	o     Options
	clock atomic.Uint64 // counts what Evict is asked for, and has done
	ids   *actorid.Factory
	hosts []*host
}

// New returns the namespace of a class. It starts nothing.
func New(o Options) (*Namespace, error) {
	if o.IdleAfter == 0 {
		o.IdleAfter = 10 * time.Second
	}
	if o.MaxQueued == 0 {
		o.MaxQueued = 1000
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if (o.UniqueKey == "") != (o.Store == nil) {
		return nil, fmt.Errorf("namespace %s: a storage key and a store go together", o.Class)
	}
	if o.Refused == nil {
		o.Refused = func(actorid.ID) (time.Time, error) { return time.Time{}, nil }
	}
	n := &Namespace{o: o}
	for _, w := range o.Pool.Workers() {
		h := newHost(n, w)
		h.alarms = h.newScheduler()
		w.OnInterrupted(h.interrupted)
		w.OnReset(h.reset)
		n.hosts = append(n.hosts, h)
	}
	if o.UniqueKey != "" {
		host := n.hosts[0].w.Isolate().Host()
		n.ids = actorid.NewFactory(o.UniqueKey, host.Random)
	}
	return n, nil
}

// IDs makes and checks the namespace's ids; nil where actors keep nothing.
func (n *Namespace) IDs() *actorid.Factory { return n.ids }

// Stub returns a new channel to an actor; see Stub.
func (n *Namespace) Stub(id actorid.ID, name *string, lasting bool) event.AsyncService {
	return &Stub{h: n.hosts[int(id.Shard())%len(n.hosts)], id: id, name: name, lasting: lasting}
}

// Get is Stub for Go programs: the actor of an id.
func (n *Namespace) Get(id actorid.ID) *Stub { return n.Stub(id, nil, false).(*Stub) }

// Close breaks every actor with err, after their commits: nothing is delivered any
// more. It waits for the isolates.
func (n *Namespace) Close(ctx context.Context, err error) error {
	for _, h := range n.hosts {
		done := make(chan struct{})
		if perr := h.loop.Post(func() { h.closeAll(err, func() { close(done) }) }); perr != nil {
			continue // the isolate has ended, and its actors with it
		}
		select {
		case <-done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// host is the part of a namespace that is on one isolate; the facets whose class one worker
// runs have another one there, which delivers no alarms and is not closed: their parents end
// them.
type host struct {
	n          *Namespace
	w          *worker.Worker
	loop       *loop.Loop
	containers map[string]*container // by the id's key
	alarms     *scheduler
	sweeper    *loop.Timer     // nil while there is nothing to look at
	replacing  map[string]bool // whose storage is being replaced, by the root's key
	// steps are what happens to the storage of facets, by the key of their parent.
	steps map[string]*steps
	// leaving are the caches of broken actors whose last commit is in flight.
	leaving map[string]*cache.Cache
	opening *invocation // for which an actor is being made
	closed  error
	// evicted is the last actor that Evict put away, and when (Stub.Evict).
	evicted struct {
		key string
		at  uint64
	}
}

// lruKey names the isolate's SharedLRU among its locals.
type lruKey struct{}

// sharedLRU is the memory that the caches of one isolate share. The first namespace
// on the isolate says how large it is.
func (h *host) sharedLRU() *cache.SharedLRU {
	return isolate.Local(h.w.Isolate(), lruKey{}, func() *cache.SharedLRU { return cache.NewSharedLRU(h.n.o.Cache) })
}

// container returns the place of an id, made on first use.
func (h *host) container(id actorid.ID, name *string) *container {
	c := h.containers[id.Key]
	if c == nil {
		c = &container{h: h, id: id}
		h.containers[id.Key] = c
	}
	if c.name == nil {
		c.name = name
	}
	return c
}
