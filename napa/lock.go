package napa

import (
	"context"
	"strconv"
	"time"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// mutex is a lock of scripts: one thread at a time is inside.
type mutex struct {
	system *System

	// Guarded by System.mu.
	owner   *Worker
	waiting []*turn // who comes next, in the order of asking
}

// turn is one thread that waits for a mutex.
type turn struct {
	worker *Worker
	ready  chan struct{} // closed once the thread owns the mutex
}

var (
	errReentrant = exception.Errorf("The lock is held by this thread already: waiting for it would never end.")
	errDeadlock  = exception.Errorf("Waiting here would never end: what is waited for waits for this thread.")
)

// acquire returns when the worker is inside, or with the reason why it never will be.
func (m *mutex) acquire(js *isolate.JS, w *Worker) error {
	s := m.system
	s.mu.Lock()
	if m.owner == nil {
		m.owner = w
		s.mu.Unlock()
		return nil
	}
	if m.owner == w {
		s.mu.Unlock()
		return errReentrant
	}
	if s.waitsForLocked(w, []*Worker{m.owner}) {
		s.mu.Unlock()
		return errDeadlock
	}
	t := &turn{w, make(chan struct{})}
	m.waiting = append(m.waiting, t) // as many as there are threads
	s.waits[w] = func() []*Worker { return []*Worker{m.owner} }
	s.mu.Unlock()
	err := block(js, t.ready)
	s.mu.Lock()
	delete(s.waits, w)
	if err != nil {
		for i, other := range m.waiting {
			if other == t {
				m.waiting = append(m.waiting[:i], m.waiting[i+1:]...)
				s.mu.Unlock()
				return err
			}
		}
		m.passLocked() // it came just then
	}
	s.mu.Unlock()
	return err
}

func (m *mutex) release() {
	m.system.mu.Lock()
	defer m.system.mu.Unlock()
	m.passLocked()
}

func (m *mutex) passLocked() {
	m.owner = nil
	if len(m.waiting) > 0 {
		t := m.waiting[0]
		m.waiting = m.waiting[1:]
		m.owner = t.worker
		close(t.ready)
	}
}

// waitsForLocked reports whether one of the workers waits, in the end, for w.
func (s *System) waitsForLocked(w *Worker, on []*Worker) bool {
	seen := map[*Worker]bool{}
	for len(on) > 0 {
		at := on[len(on)-1]
		on = on[:len(on)-1]
		if at == w {
			return true
		}
		if at == nil || seen[at] {
			continue
		}
		seen[at] = true
		if next := s.waits[at]; next != nil {
			on = append(on, next()...)
		}
	}
	return false
}

// lookAround is how often a blocked thread asks whether it was told to stop.
const lookAround = 20 * time.Millisecond

// block holds the thread until ready is closed, or its script must stop.
func block(js *isolate.JS, ready <-chan struct{}) error {
	ctx := context.Background()
	if c, err := iocontext.Current(js); err == nil {
		ctx = c.Context()
	}
	tick := time.NewTicker(lookAround)
	defer tick.Stop()
	for {
		select {
		case <-ready:
			return nil
		case <-ctx.Done():
			return exception.Errorf("The thread was told to stop while it waited.")
		case <-tick.C:
			if js.Realm().Interrupted() {
				return exception.Errorf("The thread was told to stop while it waited.")
			}
		}
	}
}

var lockClass = &bind.Class[wrap]{
	Name:   "LockWrap",
	Parent: bind.Extends(shareableClass, same),
	Methods: map[string]bind.Method[wrap]{
		"guardSync": func(w *wrap, c *bind.Call) (any, error) {
			var fn bind.Function
			if err := c.Unpack("func", &fn); err != nil {
				return nil, err
			}
			args, err := params(c)
			if err != nil {
				return nil, err
			}
			p, err := placeOf(c.JS())
			if err != nil {
				return nil, err
			}
			if w.object == nil {
				return nil, exception.Errorf("LockWrap is not attached with any lock.")
			}
			m := w.object.value.(*mutex)
			if err := m.acquire(c.JS(), p.Worker); err != nil {
				return nil, err
			}
			defer m.release()
			return c.JS().Call(fn.Value, nil, args...)
		},
	},
}

// params reads the array of arguments of guardSync.
func params(c *bind.Call) ([]goja.Value, error) {
	v := c.Arg(1)
	if goja.IsUndefined(v) {
		return nil, nil
	}
	obj, ok := v.(*goja.Object)
	if !ok || obj.ClassName() != "Array" {
		return nil, c.BadArg(2, "Array")
	}
	return elements(c.JS(), obj)
}

// elements are those of an array.
func elements(js *isolate.JS, obj *goja.Object) (list []goja.Value, err error) {
	err = js.Try(func() {
		n := obj.Get("length").ToInteger()
		if n > mostArguments {
			js.Panic(exception.RangeErrorf("A call cannot have more than %d arguments.", mostArguments))
		}
		list = make([]goja.Value, n)
		for i := range list {
			if list[i] = obj.Get(strconv.Itoa(i)); list[i] == nil {
				list[i] = goja.Undefined()
			}
		}
	})
	return list, err
}

// mostArguments bounds the arguments of one call.
const mostArguments = 1000

func createLock(c *bind.Call) (any, error) {
	p, err := placeOf(c.JS())
	if err != nil {
		return nil, err
	}
	return newWrap(c.JS(), kindLock, p.System.newObject(kindLock, &mutex{system: p.System}))
}
