package isolate

import "github.com/dop251/goja"

// awaited is a promise that was pending when somebody began to wait for it. Most
// such promises settle before the turn is over: looking again when the microtasks
// have run is far cheaper than a reaction, which takes four new functions.
type awaited struct {
	object  *goja.Object
	promise *goja.Promise
	frame   *Frame
	fn      func(js *JS, value goja.Value, err error)
}

func (js *JS) watch(object *goja.Object, p *goja.Promise, fn func(js *JS, value goja.Value, err error)) {
	js.realm.awaited = append(js.realm.awaited, awaited{object, p, js.Frame(), fn})
}

// lookAgain goes through the promises that were watched in the part of the turn
// that has just run, in the order in which they were; it is itself a part of the
// turn, and microtasks run after it.
func (r *Realm) lookAgain() error {
	list := r.awaited
	r.awaited = nil
	return r.callEngine(func(js *JS) {
		for _, w := range list {
			// Who has stopped does not wait any more.
			_ = r.part(w.frame, func(js *JS) {
				if w.promise.State() == goja.PromiseStateFulfilled {
					w.fn(js, w.promise.Result(), nil)
					return
				}
				if s := r.madeHere(w.promise); s != nil && !r.engine.awaited(w.promise) {
					s.waiting = append(s.waiting, w)
					return
				}
				js.onPromise(w.object, w.fn)
			})
		}
	})
}

// settler settles a promise that Go code has made. Who waits for one in Go, as most do who
// pass on what a binding gives, needs no reaction either, if nobody else has waited before:
// whoever comes later has a reaction, and comes later.
type settler struct {
	js       *JS
	p        *goja.Promise
	res, rej func(any) error
	waiting  []awaited
	// called says that it has been: a promise that follows a thenable is still pending then,
	// and nobody wakes who waits for it.
	called bool
}

// maxMade is how many of the promises that a turn makes are known to it.
const maxMade = 64

// madeHere is the settler of a promise that the turn has made and that is pending; nil where
// there is none that is known.
func (r *Realm) madeHere(p *goja.Promise) *settler {
	if p.State() != goja.PromiseStatePending {
		return nil
	}
	for _, s := range r.made {
		if s.p == p && !s.called {
			return s
		}
	}
	return nil
}

func (s *settler) resolve(v goja.Value) {
	if v == nil {
		v = goja.Undefined()
	}
	s.wake()
	s.js.settle(s.res(v))
}

func (s *settler) reject(err error) {
	s.wake()
	s.js.settle(s.rej(s.js.Error(err)))
}

// wake queues microtasks for who waits, as reactions would be, and in front of those that
// there are. The promise is about to be settled.
func (s *settler) wake() {
	s.called = true
	r := s.js.realm
	for _, w := range s.waiting {
		*r.engine.jobs = append(*r.engine.jobs, func() {
			p := w.promise
			if p.State() == goja.PromiseStateRejected {
				r.trackRejection(p, goja.PromiseRejectionHandle)
			}
			// Who has stopped does not wait any more.
			_ = r.part(w.frame, func(js *JS) {
				switch p.State() {
				case goja.PromiseStateFulfilled:
					w.fn(js, p.Result(), nil)
				case goja.PromiseStateRejected:
					w.fn(js, nil, js.Thrown(p.Result()))
				default: // it was resolved with a thenable
					js.onPromise(w.object, w.fn)
				}
			})
		})
	}
	s.waiting = nil
}
