package isolate

import "github.com/dop251/goja"

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
}

// maxReported bounds how many reported rejections are remembered, so that a late
// handler can be announced without keeping every promise alive.
const maxReported = 256

func (r *Realm) trackRejection(p *goja.Promise, op goja.PromiseRejectionOperation) {
	if op == goja.PromiseRejectionReject {
		r.rejected = append(r.rejected, &rejectedPromise{p: p, frame: r.js.Frame()})
		return
	}
	for i, x := range r.rejected {
		if x.p == p {
			r.rejected = append(r.rejected[:i:i], r.rejected[i+1:]...)
			if x.reported {
				r.report(x, true)
			}
			return
		}
	}
}

// reportRejections tells of the promises that are still unhandled when the turn
// and its microtasks are over.
func (r *Realm) reportRejections() {
	if len(r.rejected) == 0 || r.cause != nil {
		return
	}
	for _, x := range append([]*rejectedPromise(nil), r.rejected...) {
		if !x.reported {
			x.reported = true
			r.report(x, false)
		}
	}
	if n := len(r.rejected) - maxReported; n > 0 {
		r.rejected = append([]*rejectedPromise(nil), r.rejected[n:]...)
	}
}

func (r *Realm) report(x *rejectedPromise, handled bool) {
	r.iso.loop.Defer(func() {
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
		if err != nil {
			r.iso.log.Error("reporting a rejection failed", "worker", r.o.Name, "error", err)
		}
	})
}
