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
				js.onPromise(w.object, w.fn)
			})
		}
	})
}
