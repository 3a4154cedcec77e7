package isolate

import (
	"slices"

	"github.com/dop251/goja"

	"workerd.local/internal/limits"
)

// Rejection is a promise that was rejected while nobody listened, or that found
// a listener after it had been reported.
type Rejection struct {
	Promise *goja.Object
	Reason  goja.Value
	// Handled is true for the second kind.
	Handled bool
	// Frame is the frame of the code that rejected it.
	Frame *Frame
}

type rejectedPromise struct {
	p        *goja.Promise
	frame    *Frame
	reported bool
	handled  bool
}

// rejections are the promises of a realm that were rejected and have no handler.
type rejections struct {
	unhandled map[*goja.Promise]*rejectedPromise
	fresh     []*rejectedPromise // of this turn; those that were handled since stay in it
	// A late handler of a promise in reported is announced; the number keeps it from
	// keeping every promise alive.
	reported  []*rejectedPromise // oldest first, at most limits.RejectionsKept between turns
	reporting bool               // the turn that runs tells of a rejection
}

func (r *Realm) trackRejection(p *goja.Promise, op goja.PromiseRejectionOperation) {
	if op == goja.PromiseRejectionReject {
		x := &rejectedPromise{p: p, frame: r.js.Frame()}
		if r.rejected.unhandled == nil {
			r.rejected.unhandled = map[*goja.Promise]*rejectedPromise{}
		}
		r.rejected.unhandled[p] = x
		r.rejected.fresh = append(r.rejected.fresh, x)
		return
	}
	x := r.rejected.unhandled[p]
	if x == nil {
		return
	}
	delete(r.rejected.unhandled, p)
	x.handled = true
	if x.reported {
		r.rejected.reported = slices.DeleteFunc(r.rejected.reported, func(y *rejectedPromise) bool { return y == x })
		r.report(x, true)
	}
}

// reportRejections tells of the promises that are still unhandled when the turn
// and its microtasks are over.
func (r *Realm) reportRejections() {
	fresh := r.rejected.fresh
	if len(fresh) == 0 || r.cause != nil {
		return
	}
	r.rejected.fresh = nil
	for _, x := range fresh {
		if !x.handled {
			x.reported = true
			r.rejected.reported = append(r.rejected.reported, x)
			r.report(x, false)
		}
	}
	if n := len(r.rejected.reported) - limits.RejectionsKept.In(r.iso.limits.Bounds); n > 0 {
		for _, x := range r.rejected.reported[:n] {
			delete(r.rejected.unhandled, x.p)
		}
		r.rejected.reported = slices.Clone(r.rejected.reported[n:])
	}
}

// report tells of a rejection later in the loop's turn. What the telling itself
// leaves rejected waits for a task of its own: a listener that fails each time must
// not keep the loop from everybody else.
func (r *Realm) report(x *rejectedPromise, handled bool) {
	tell := func() {
		if x.frame.stopped() != nil {
			return // nobody is left who could hear it
		}
		r.rejected.reporting = true
		defer func() { r.rejected.reporting = false }()
		err := r.Run(x.frame, func(js *JS) {
			rej := Rejection{Promise: js.rt.ToValue(x.p).(*goja.Object), Reason: x.p.Result(), Handled: handled, Frame: x.frame}
			if r.o.OnRejection != nil {
				r.o.OnRejection(js, rej)
				return
			}
			if !handled {
				e := js.Thrown(rej.Reason)
				r.iso.log.Error("unhandled promise rejection", "worker", r.o.Name, "error", e.Error(), "stack", e.Stack)
			}
		})
		if err != nil && x.frame.stopped() == nil {
			r.iso.log.Error("reporting a rejection failed", "worker", r.o.Name, "error", err)
		}
	}
	// A late handler is told in this turn all the same: it ends what one rejection began,
	// and who waits for it has nothing else to wait for.
	if !r.rejected.reporting || handled {
		r.iso.loop.Defer(tell)
		return
	}
	// A closed loop has nobody left to tell.
	_ = r.iso.loop.Post(tell)
}
