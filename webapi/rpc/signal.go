package rpc

import (
	"sync"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/internal/clone"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/events"
)

const tagSignal = 9

// signalRef is an AbortSignal as part of a payload: it tells its one receiver of the
// abort. Any goroutine.
type signalRef struct {
	mu     sync.Mutex
	tell   func(reason *event.Payload) // nil until it was received
	fired  bool
	reason *event.Payload
}

// Release is event.Capability's.
func (r *signalRef) Release() { _, _ = r.listen(func(*event.Payload) {}) }

func (r *signalRef) fire(reason *event.Payload) {
	r.mu.Lock()
	tell := r.tell
	r.fired, r.reason = true, reason
	r.mu.Unlock()
	if tell != nil {
		tell(reason)
	}
}

// listen says who is told from now on; where the signal has been aborted already, it says
// so, and nobody will be told.
func (r *signalRef) listen(tell func(reason *event.Payload)) (reason *event.Payload, fired bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.fired {
		r.tell = tell
	}
	return r.reason, r.fired
}

func (e *encoder) signal(w *clone.Writer, s *events.Signal) error {
	if !e.js.Compat().Has("enable_abortsignal_rpc") {
		return &clone.DataCloneError{Message: "AbortSignal serialization is not enabled."}
	}
	if e.ioc == nil {
		return &clone.DataCloneError{Message: "AbortSignal can only be serialized for RPC."}
	}
	ref := &signalRef{}
	forget := s.OnAbort(e.js, func(js *isolate.JS, reason goja.Value) { ref.fire(reasonOf(js, reason)) })
	// A signal of the global scope must not remember a context that has ended.
	e.ioc.OnEnd(forget)
	e.add(w, tagSignal, ref)
	return nil
}

// reasonOf is a reason as it travels; one that cannot is an AbortError.
func reasonOf(js *isolate.JS, reason goja.Value) *event.Payload {
	p, err := (&encoder{js: js}).encode(reason)
	if err != nil {
		return &event.Payload{Plain: []any{event.Undefined{}}}
	}
	return p
}

func (d *decoder) signal(r *clone.Reader) (*goja.Object, error) {
	ref, err := take[*signalRef](d, r)
	if err != nil {
		return nil, err
	}
	s, ioc := events.NewSignal(), d.ioc
	obj := s.Object(d.js)
	abort := func(js *isolate.JS, reason *event.Payload) {
		v, err := decode(js, ioc, reason, nil)
		if err != nil {
			v = goja.Undefined()
		}
		s.Abort(js, v)
	}
	reason, fired := ref.listen(func(reason *event.Payload) {
		// A closed loop has nobody left to tell.
		_ = ioc.Loop().Post(func() {
			ioc.RunIn(iocontext.Entry{}, func(js *isolate.JS) { abort(js, reason) }, func(error) {})
		})
	})
	if fired {
		abort(d.js, reason)
	}
	return obj, nil
}
