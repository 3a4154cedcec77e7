package events

import (
	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// Phases of an event. Without a tree of targets only two of them occur.
const (
	phaseNone     = 0
	phaseAtTarget = 2
)

// Event is something that happened; types of events embed it. The zero value has
// no type: make one with New.
type Event struct {
	typ        string
	bubbles    bool
	cancelable bool
	composed   bool
	trusted    bool // made by the host, not by a script

	phase     int
	target    *goja.Object // of the last dispatch; it stays, as in workerd
	prevented bool
	stopped   bool // no further targets: has no effect here
	stoppedAt bool // no further listeners either
	passive   bool // the listener that runs may not prevent anything
	running   bool // being dispatched
}

// New returns an event of the host.
func New(typ string, cancelable bool) Event {
	return Event{typ: typ, cancelable: cancelable, trusted: true}
}

// Base is the event inside a type of event.
func (e *Event) Base() *Event { return e }

// Type is the name that listeners were added under.
func (e *Event) Type() string { return e.typ }

// Trusted reports whether the event is the host's: one that a script dispatches is not.
func (e *Event) Trusted() bool { return e.trusted }

// StopImmediately is stopImmediatePropagation.
func (e *Event) StopImmediately() { e.stopped, e.stoppedAt = true, true }

// Prevented reports whether a listener called preventDefault.
func (e *Event) Prevented() bool { return e.prevented }

// begin and end stand around the calls of the listeners of self.
func (e *Event) begin(self *goja.Object) { e.running, e.target, e.phase = true, self, phaseAtTarget }

func (e *Event) end() { e.running, e.phase, e.stopped, e.stoppedAt = false, phaseNone, false, false }

func (e *Event) preventDefault() {
	if e.cancelable && !e.passive {
		e.prevented = true
	}
}

// FromInit is what the constructors of types of events begin with: it reads
// (type, init) where extra names further members of init, as in bind.Call.Options.
func FromInit(c *bind.Call, extra ...any) (Event, error) {
	var e Event
	if err := c.Unpack("type", &e.typ); err != nil {
		return e, err
	}
	err := c.Options(2, "Init", append([]any{"bubbles", &e.bubbles, "cancelable", &e.cancelable, "composed", &e.composed}, extra...)...)
	return e, err
}

// EventClass is Event.
var EventClass = &bind.Class[Event]{
	Name:    "Event",
	Lengths: map[string]int{"constructor": 1},
	New: func(c *bind.Call) (*Event, error) {
		e, err := FromInit(c)
		return &e, err
	},
	Consts: map[string]any{"NONE": phaseNone, "CAPTURING_PHASE": 1, "AT_TARGET": phaseAtTarget, "BUBBLING_PHASE": 3},
	Getters: map[string]bind.Getter[Event]{
		"type":             func(e *Event, _ *bind.Call) (any, error) { return e.typ, nil },
		"bubbles":          func(e *Event, _ *bind.Call) (any, error) { return e.bubbles, nil },
		"cancelable":       func(e *Event, _ *bind.Call) (any, error) { return e.cancelable, nil },
		"composed":         func(e *Event, _ *bind.Call) (any, error) { return e.composed, nil },
		"eventPhase":       func(e *Event, _ *bind.Call) (any, error) { return e.phase, nil },
		"isTrusted":        func(e *Event, _ *bind.Call) (any, error) { return e.trusted, nil },
		"defaultPrevented": func(e *Event, _ *bind.Call) (any, error) { return e.prevented, nil },
		"returnValue":      func(e *Event, _ *bind.Call) (any, error) { return !e.prevented, nil },
		"cancelBubble":     func(e *Event, _ *bind.Call) (any, error) { return e.stopped, nil },
		"target":           (*Event).jsTarget,
		"srcElement":       (*Event).jsTarget,
		"currentTarget":    (*Event).jsCurrentTarget,
		// Like workerd's, it tells nothing about time.
		"timeStamp": func(*Event, *bind.Call) (any, error) { return 0, nil },
	},
	Setters: map[string]bind.Setter[Event]{
		"returnValue": func(e *Event, c *bind.Call) error {
			if !c.Arg(0).ToBoolean() {
				e.preventDefault()
			}
			return nil
		},
		"cancelBubble": func(e *Event, c *bind.Call) error {
			e.stopped = e.stopped || c.Arg(0).ToBoolean()
			return nil
		},
	},
	Methods: map[string]bind.Method[Event]{
		"preventDefault":  func(e *Event, _ *bind.Call) (any, error) { e.preventDefault(); return nil, nil },
		"stopPropagation": func(e *Event, _ *bind.Call) (any, error) { e.stopped = true; return nil, nil },
		"stopImmediatePropagation": func(e *Event, _ *bind.Call) (any, error) {
			e.stopped, e.stoppedAt = true, true
			return nil, nil
		},
		"composedPath": func(e *Event, _ *bind.Call) (any, error) {
			if !e.running {
				return []any{}, nil
			}
			return []any{e.target}, nil
		},
	},
}

// jsCurrentTarget is the target, also when nobody listens any more, as in workerd; with
// pedantic_wpt it is null then.
func (e *Event) jsCurrentTarget(c *bind.Call) (any, error) {
	if e.phase == 0 && c.JS().Compat().Has("pedantic_wpt") {
		return bind.Null, nil
	}
	return e.jsTarget(c)
}

func (e *Event) jsTarget(*bind.Call) (any, error) {
	if e.target == nil {
		return nil, nil
	}
	return e.target, nil
}

// Extendable is an ExtendableEvent: an event of the host whose work may go on after it.
// Scripts cannot make one.
type Extendable struct{ Event }

// ExtendableEventClass is ExtendableEvent.
var ExtendableEventClass = &bind.Class[Extendable]{
	Name:   "ExtendableEvent",
	Parent: bind.Extends(EventClass, func(e *Extendable) *Event { return &e.Event }),
}

// CustomEvent carries a value of the script's.
type CustomEvent struct {
	Event
	detail goja.Value
}

// NewCustom returns a CustomEvent with a detail.
func NewCustom(typ string, detail goja.Value) *CustomEvent {
	return &CustomEvent{Event: New(typ, false), detail: detail}
}

// CustomEventClass is CustomEvent.
var CustomEventClass = &bind.Class[CustomEvent]{
	Name:    "CustomEvent",
	Lengths: map[string]int{"constructor": 1},
	Parent:  bind.Extends(EventClass, func(e *CustomEvent) *Event { return &e.Event }),
	New: func(c *bind.Call) (_ *CustomEvent, err error) {
		e := &CustomEvent{}
		e.Event, err = FromInit(c, "detail", &e.detail)
		return e, err
	},
	Getters: map[string]bind.Getter[CustomEvent]{
		"detail": func(e *CustomEvent, _ *bind.Call) (any, error) { return value(e.detail), nil },
	},
}

// ErrorEvent tells of an exception that nobody caught.
type ErrorEvent struct {
	Event
	Message, Filename string
	Line, Column      int
	Error             goja.Value
}

// ErrorEventClass is ErrorEvent.
var ErrorEventClass = &bind.Class[ErrorEvent]{
	Name:    "ErrorEvent",
	Lengths: map[string]int{"constructor": 1},
	Parent:  bind.Extends(EventClass, func(e *ErrorEvent) *Event { return &e.Event }),
	New: func(c *bind.Call) (_ *ErrorEvent, err error) {
		e := &ErrorEvent{}
		e.Event, err = FromInit(c, "message", &e.Message, "filename", &e.Filename, "lineno", &e.Line, "colno", &e.Column, "error", &e.Error)
		return e, err
	},
	Getters: map[string]bind.Getter[ErrorEvent]{
		"message":  func(e *ErrorEvent, _ *bind.Call) (any, error) { return e.Message, nil },
		"filename": func(e *ErrorEvent, _ *bind.Call) (any, error) { return e.Filename, nil },
		"lineno":   func(e *ErrorEvent, _ *bind.Call) (any, error) { return e.Line, nil },
		"colno":    func(e *ErrorEvent, _ *bind.Call) (any, error) { return e.Column, nil },
		"error":    func(e *ErrorEvent, _ *bind.Call) (any, error) { return value(e.Error), nil },
	},
}

// MessageEvent carries a message; its Data may be nil for null.
type MessageEvent struct {
	Event
	Data        goja.Value
	Origin      string
	NullOrigin  bool // origin is null, as for messages of a WebSocket (workerd)
	LastEventID string
	Source      goja.Value
	Ports       []any
}

// MessageEventClass is MessageEvent.
var MessageEventClass = &bind.Class[MessageEvent]{
	Name:    "MessageEvent",
	Lengths: map[string]int{"constructor": 1},
	Parent:  bind.Extends(EventClass, func(e *MessageEvent) *Event { return &e.Event }),
	New: func(c *bind.Call) (_ *MessageEvent, err error) {
		e := &MessageEvent{}
		e.Event, err = FromInit(c, "data", &e.Data, "origin", &e.Origin, "lastEventId", &e.LastEventID, "source", &e.Source,
			"ports", func(c *bind.Call, v goja.Value) error {
				return c.JS().Try(func() {
					c.JS().Runtime().ForOf(v, func(port goja.Value) bool {
						e.Ports = append(e.Ports, port)
						return true
					})
				})
			})
		return e, err
	},
	Getters: map[string]bind.Getter[MessageEvent]{
		"data": func(e *MessageEvent, _ *bind.Call) (any, error) { return orNull(e.Data), nil },
		"origin": func(e *MessageEvent, _ *bind.Call) (any, error) {
			if e.NullOrigin {
				return bind.Null, nil
			}
			return e.Origin, nil
		},
		"lastEventId": func(e *MessageEvent, _ *bind.Call) (any, error) { return e.LastEventID, nil },
		"source":      func(e *MessageEvent, _ *bind.Call) (any, error) { return orNull(e.Source), nil },
		"ports":       func(e *MessageEvent, _ *bind.Call) (any, error) { return e.Ports, nil },
	},
}

// CloseEvent says how a connection ended.
type CloseEvent struct {
	Event
	Code     int
	Reason   string
	WasClean bool
}

// CloseEventClass is CloseEvent.
var CloseEventClass = &bind.Class[CloseEvent]{
	Name:    "CloseEvent",
	Lengths: map[string]int{"constructor": 1},
	Parent:  bind.Extends(EventClass, func(e *CloseEvent) *Event { return &e.Event }),
	New: func(c *bind.Call) (_ *CloseEvent, err error) {
		e := &CloseEvent{}
		e.Event, err = FromInit(c, "code", &e.Code, "reason", &e.Reason, "wasClean", &e.WasClean)
		return e, err
	},
	Getters: map[string]bind.Getter[CloseEvent]{
		"code":     func(e *CloseEvent, _ *bind.Call) (any, error) { return e.Code, nil },
		"reason":   func(e *CloseEvent, _ *bind.Call) (any, error) { return e.Reason, nil },
		"wasClean": func(e *CloseEvent, _ *bind.Call) (any, error) { return e.WasClean, nil },
	},
}

// PromiseRejectionEvent tells of a promise whose rejection nobody handled, or
// that was handled late. Scripts cannot make one.
type PromiseRejectionEvent struct {
	Event
	Promise *goja.Object
	Reason  goja.Value
}

// PromiseRejectionEventClass is PromiseRejectionEvent.
var PromiseRejectionEventClass = &bind.Class[PromiseRejectionEvent]{
	Name:   "PromiseRejectionEvent",
	Parent: bind.Extends(EventClass, func(e *PromiseRejectionEvent) *Event { return &e.Event }),
	Getters: map[string]bind.Getter[PromiseRejectionEvent]{
		"promise": func(e *PromiseRejectionEvent, _ *bind.Call) (any, error) { return e.Promise, nil },
		"reason":  func(e *PromiseRejectionEvent, _ *bind.Call) (any, error) { return value(e.Reason), nil },
	},
}

func value(v goja.Value) goja.Value {
	if v == nil {
		return goja.Undefined()
	}
	return v
}

func orNull(v goja.Value) goja.Value {
	if v == nil {
		return goja.Null()
	}
	return v
}

// DispatchRejection tells globalThis of a rejection; isolate.RealmOptions.
// OnRejection is made for it. It reports false when nobody listened or the event
// was not prevented, so that the rejection should be logged.
func DispatchRejection(js *isolate.JS, r isolate.Rejection) (handled bool) {
	typ, reason := "unhandledrejection", r.Reason
	if r.Handled {
		typ, reason = "rejectionhandled", goja.Undefined() // as in workerd
	}
	e := &PromiseRejectionEvent{Event: New(typ, !r.Handled), Promise: r.Promise, Reason: reason}
	return Dispatch(js, Global(js), PromiseRejectionEventClass, e) && (e.prevented || r.Handled)
}
