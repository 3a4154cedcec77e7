package events

import (
	"slices"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// Signal is an AbortSignal. Make one with NewSignal.
type Signal struct {
	Target
	aborted bool
	reason  goja.Value
	// order counts the aborts of a realm, so that a signal that depends on
	// several takes the reason of the first.
	order int

	algorithms []*algorithm
	// sources are the signals that this one follows; they are never followers
	// themselves. A follower is in the lists of its sources only while somebody
	// waits for it: a long-lived source does not keep those alive that nobody uses.
	sources   []*Signal
	followers []*Signal
	linked    bool

	object *goja.Object
}

type algorithm struct {
	fn func(js *isolate.JS, reason goja.Value)
}

const (
	abortText   = "The operation was aborted"
	timeoutText = "The operation was aborted due to timeout"
)

// NewSignal returns a signal that Abort aborts.
func NewSignal() *Signal {
	s := &Signal{}
	s.changed = func(_ *isolate.JS, typ string, _ bool) {
		if typ == "abort" {
			s.relink()
		}
	}
	return s
}

// AnySignal returns a signal that follows others (WHATWG DOM, AbortSignal.any).
func AnySignal(others ...*Signal) *Signal {
	s := NewSignal()
	for _, o := range others {
		from := o.sources
		if len(from) == 0 || o.aborted {
			from = []*Signal{o}
		}
		for _, src := range from {
			if !slices.Contains(s.sources, src) {
				s.sources = append(s.sources, src)
			}
		}
	}
	for _, o := range others {
		if o.Aborted() {
			s.aborted, s.reason, s.order, s.sources = true, o.reason, o.order, nil
			break
		}
	}
	return s
}

// Object is the signal as scripts see it, always the same.
func (s *Signal) Object(js *isolate.JS) *goja.Object {
	if s.object == nil {
		s.object = SignalClass.Wrap(js, s)
	}
	return s.object
}

// Aborted reports whether the signal has been aborted.
func (s *Signal) Aborted() bool {
	if !s.aborted {
		var first *Signal
		for _, src := range s.sources {
			if src.aborted && (first == nil || src.order < first.order) {
				first = src
			}
		}
		if first != nil {
			s.aborted, s.reason, s.order = true, first.reason, first.order
			s.sources = nil
		}
	}
	return s.aborted
}

// Reason is why it was aborted; undefined before.
func (s *Signal) Reason() goja.Value {
	s.Aborted()
	return value(s.reason)
}

// Err is the reason as an error that throws it; nil before the abort.
func (s *Signal) Err(js *isolate.JS) error {
	if !s.Aborted() {
		return nil
	}
	return js.Thrown(value(s.reason))
}

// OnAbort calls fn when the signal is aborted, before any listener, and at once
// where that has happened already. cancel forgets fn.
func (s *Signal) OnAbort(js *isolate.JS, fn func(js *isolate.JS, reason goja.Value)) (cancel func()) {
	if s.Aborted() {
		fn(js, value(s.reason))
		return func() {}
	}
	a := &algorithm{fn}
	s.algorithms = append(s.algorithms, a)
	s.relink()
	return func() {
		n := len(s.algorithms)
		s.algorithms = slices.DeleteFunc(s.algorithms, func(x *algorithm) bool { return x == a })
		if len(s.algorithms) != n {
			s.relink()
		}
	}
}

// relink enters s in the lists of its sources, or leaves them.
func (s *Signal) relink() {
	want := len(s.algorithms) > 0 || s.Has("abort")
	if want == s.linked {
		return
	}
	s.linked = want
	for _, src := range s.sources {
		if want {
			src.followers = append(src.followers, s)
		} else {
			src.followers = slices.DeleteFunc(src.followers, func(f *Signal) bool { return f == s })
		}
	}
}

// Abort aborts the signal once; nil stands for an AbortError.
func (s *Signal) Abort(js *isolate.JS, reason goja.Value) {
	if s.Aborted() {
		return
	}
	if reason == nil || goja.IsUndefined(reason) {
		reason = NewDOMException(js, "AbortError", abortText)
	}
	n := abortCount.Get(js)
	*n++
	s.aborted, s.reason, s.order = true, reason, *n
	var then []*Signal
	for _, f := range s.followers {
		if !f.aborted {
			f.aborted, f.reason, f.order = true, reason, *n
			then = append(then, f)
		}
	}
	s.followers = nil
	s.run(js)
	for _, f := range then {
		for _, src := range f.sources {
			src.followers = slices.DeleteFunc(src.followers, func(x *Signal) bool { return x == f })
		}
		f.sources = nil
		f.run(js)
	}
}

var abortCount = isolate.NewSlot(func(*isolate.JS) *int { return new(int) })

// run calls the algorithms, then the listeners.
func (s *Signal) run(js *isolate.JS) {
	list := s.algorithms
	s.algorithms = nil
	for _, a := range list {
		a.fn(js, s.reason)
	}
	e := New("abort", false)
	Dispatch(js, &s.Target, EventClass, &e)
}

// SignalOption is a target for bind.Call.Options that takes an AbortSignal.
func SignalOption(to **Signal) func(*bind.Call, goja.Value) error {
	return func(c *bind.Call, v goja.Value) error {
		s, ok := SignalClass.Unwrap(c.JS(), v)
		if !ok {
			return c.BadArg(0, "AbortSignal")
		}
		*to = s
		return nil
	}
}

// SignalClass is AbortSignal; defineSignal fills it in because its static methods
// make instances.
var SignalClass = &bind.Class[Signal]{Name: "AbortSignal"}

func defineSignal() *bind.Class[Signal] {
	getOnAbort, setOnAbort := Handler("abort", func(s *Signal) *Target { return &s.Target })
	*SignalClass = bind.Class[Signal]{
		Name:    SignalClass.Name,
		Lengths: map[string]int{"timeout": 1, "any": 1},
		Parent:  bind.Extends(TargetClass, func(s *Signal) *Target { return &s.Target }),
		Order:   []string{"aborted", "reason", "onabort"},
		Getters: map[string]bind.Getter[Signal]{
			"aborted": func(s *Signal, _ *bind.Call) (any, error) { return s.Aborted(), nil },
			"reason":  func(s *Signal, _ *bind.Call) (any, error) { return s.Reason(), nil },
			"onabort": getOnAbort,
		},
		Setters: map[string]bind.Setter[Signal]{"onabort": setOnAbort},
		Methods: map[string]bind.Method[Signal]{
			"throwIfAborted": func(s *Signal, c *bind.Call) (any, error) { return nil, s.Err(c.JS()) },
		},
		Statics: map[string]bind.Static{
			"abort": func(c *bind.Call) (any, error) {
				s := NewSignal()
				s.Abort(c.JS(), c.Arg(0))
				return s.Object(c.JS()), nil
			},
			"any":     jsAny,
			"timeout": jsTimeout,
		},
	}
	return SignalClass
}

func jsAny(c *bind.Call) (any, error) {
	list, ok := c.Arg(0).(*goja.Object)
	if !ok {
		return nil, c.BadArg(1, "Array")
	}
	var signals []*Signal
	var bad error
	err := c.JS().Try(func() {
		c.JS().Runtime().ForOf(list, func(v goja.Value) bool {
			s, ok := SignalClass.Unwrap(c.JS(), v)
			if !ok {
				bad = exception.TypeErrorf("Incorrect type for array element %d: the provided value is not of type 'AbortSignal'.", len(signals))
				return false
			}
			signals = append(signals, s)
			return true
		})
	})
	if bad != nil {
		err = bad
	}
	if err != nil {
		return nil, err
	}
	return AnySignal(signals...).Object(c.JS()), nil
}

func jsTimeout(c *bind.Call) (any, error) {
	var ms float64
	if err := c.Unpack("delay", &ms); err != nil {
		return nil, err
	}
	ioc, err := iocontext.Current(c.JS())
	if err != nil {
		return nil, err
	}
	s := NewSignal()
	_, err = ioc.SetTimer(c.JS(), ms, false, func(js *isolate.JS) {
		s.Abort(js, NewDOMException(js, "TimeoutError", timeoutText))
	})
	if err != nil {
		return nil, err
	}
	return s.Object(c.JS()), nil
}

// Controller is an AbortController.
type Controller struct{ signal *Signal }

// ControllerClass is AbortController.
var ControllerClass = &bind.Class[Controller]{
	Name: "AbortController",
	New:  func(*bind.Call) (*Controller, error) { return &Controller{NewSignal()}, nil },
	Getters: map[string]bind.Getter[Controller]{
		"signal": func(a *Controller, c *bind.Call) (any, error) { return a.signal.Object(c.JS()), nil },
	},
	Methods: map[string]bind.Method[Controller]{
		"abort": func(a *Controller, c *bind.Call) (any, error) {
			a.signal.Abort(c.JS(), c.Arg(0))
			return nil, nil
		},
	},
}
