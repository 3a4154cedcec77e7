package hop

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"workerd.local/exception"
	"workerd.local/internal/limits"
	"workerd.local/iocontext"
)

// prefix is what the path of each service begins with.
const prefix = "/hop/"

// registry is the services of a program by their paths; any goroutine.
type registry struct {
	mu      sync.Mutex // guards what follows, and the paths of entries
	byPath  map[string]*entry
	allowed map[string]bool // URLs that services may have besides
	unnamed int             // services without a name so far

	calls atomic.Int64 // that wait for their answer
}

// entry is a service that is registered.
type entry struct {
	path    string
	aliases []string
	service *service           // belongs to the owner's goroutine
	owner   *iocontext.Context // Run and Loop().Post only
	named   bool

	began   time.Time
	timeout float64     // seconds from began; negative is for ever
	ttl     int64       // calls that are left; negative is for ever
	timer   *time.Timer // takes it out when its time is over; nil where it has none
	release func()      // lets the owner end; owner's goroutine
}

func newRegistry() *registry {
	return &registry{byPath: map[string]*entry{}, allowed: map[string]bool{}}
}

// add registers a service. An empty path stands for one of its own.
func (r *registry) add(e *entry, bounds *limits.Set) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if limit := limits.HopServices.In(bounds); len(r.byPath) >= limit {
		return exception.RangeErrorf("There are %d services already, and there cannot be more.", limit)
	}
	if e.path == "" {
		e.path = r.anonymous()
	}
	if err := r.free(e.path); err != nil {
		return err
	}
	r.byPath[e.path] = e
	return nil
}

// free says why a path cannot be taken; mu is held.
func (r *registry) free(path string) error {
	if old := r.byPath[path]; old != nil && !old.over() {
		return exception.Errorf("The path %q is that of another service already.", path)
	} else if old != nil {
		r.drop(old)
	}
	return nil
}

// anonymous is a path for a service without a name; mu is held.
func (r *registry) anonymous() string {
	r.unnamed++
	return prefix + "public/" + itoa(r.unnamed)
}

// over reports whether the service has outlived its time or its calls; mu is held.
func (e *entry) over() bool {
	return e.ttl == 0 || e.timeout >= 0 && time.Since(e.began).Seconds() >= e.timeout
}

// drop takes a service out; mu is held. Its owner hears of it on its own goroutine.
func (r *registry) drop(e *entry) {
	if r.byPath[e.path] != e {
		return
	}
	delete(r.byPath, e.path)
	for _, a := range e.aliases {
		delete(r.byPath, a)
	}
	e.aliases = nil
	if e.timer != nil {
		e.timer.Stop()
	}
	// An owner whose loop is closed has ended.
	_ = e.owner.Loop().Post(e.release)
}

func (r *registry) remove(e *entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop(e)
}

// find is the service of a path, nil where there is none.
func (r *registry) find(path string) *entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lookup(path)
}

func (r *registry) lookup(path string) *entry {
	e := r.byPath[path]
	if e != nil && e.over() {
		r.drop(e)
		return nil
	}
	return e
}

// take is find for a call, which counts.
func (r *registry) take(path string) *entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.lookup(path)
	if e == nil {
		return nil
	}
	if e.ttl > 0 {
		if e.ttl--; e.ttl == 0 {
			r.drop(e)
		}
	}
	return e
}

// move changes the path of a service.
func (r *registry) move(e *entry, path string) error {
	if !strings.HasPrefix(path, prefix) || len(path) == len(prefix) {
		return exception.TypeErrorf("The path of a service begins with \"/hop/\" and goes on with its name, and %q does not.", path)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.path == path {
		return nil
	}
	if err := r.free(path); err != nil {
		return err
	}
	if r.byPath[e.path] == e {
		delete(r.byPath, e.path)
		r.byPath[path] = e
	}
	e.path = path
	return nil
}

// endOfTime is what is waited for at most: some 30 years.
const endOfTime = 1e9

// change changes the numbers of a service. One whose time or calls are over is taken out, whether or not anybody asks for it:
// its owner may have nothing else to live for.
func (r *registry) change(e *entry, write func(e *entry)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	write(e)
	if e.timer != nil {
		e.timer.Stop()
		e.timer = nil
	}
	switch {
	case r.byPath[e.path] != e:
	case e.over():
		r.drop(e)
	case e.timeout >= 0:
		left := min(e.timeout, endOfTime) - time.Since(e.began).Seconds()
		e.timer = time.AfterFunc(time.Duration(left*float64(time.Second))+time.Millisecond, func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			if e.over() {
				r.drop(e)
			}
		})
	}
}

// alias gives a service another URL.
func (r *registry) alias(e *entry, url string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.allowed[url] {
		return exception.Errorf("The URL %q may not be that of a service: allow it with Service.allowURL first.", url)
	}
	if r.byPath[e.path] != e {
		return exception.Errorf("The service %q is not registered.", e.path)
	}
	if r.byPath[url] == e {
		return nil
	}
	if err := r.free(url); err != nil {
		return err
	}
	r.byPath[url] = e
	e.aliases = append(e.aliases, url)
	return nil
}

// unalias takes a URL back that alias gave.
func (r *registry) unalias(e *entry, url string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, a := range e.aliases {
		if a == url {
			e.aliases = append(e.aliases[:i], e.aliases[i+1:]...)
			delete(r.byPath, url)
			return
		}
	}
}

// with runs fn with the entry's numbers, under the lock.
func (r *registry) with(fn func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fn()
}
