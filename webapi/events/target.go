package events

import (
	"iter"
	"maps"
	"slices"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// Target takes listeners and is told of events. The zero value is ready. It
// learns which JavaScript object it is when the first listener is added: until
// then nobody can notice an event.
type Target struct {
	self      *goja.Object
	listeners map[string][]*listener
	// changed is told when a type gets its first listener or loses its last one.
	changed func(js *isolate.JS, typ string, any bool)
}

// listener is one entry of a target's list.
type listener struct {
	callback *goja.Object // a function, or an object with handleEvent
	attr     bool         // it is the value of an attribute such as onabort
	capture  bool
	once     bool
	passive  bool
	value    goja.Callable // calls it with the value of Tell, and not with an event; nil where it is to get an event
	removed  bool
	unsignal func() // forgets the signal that would remove it
}

var errDispatching = exception.DOM("InvalidStateError", "The event is already being dispatched.")

// TargetClass is EventTarget.
var TargetClass = &bind.Class[Target]{
	Name:    "EventTarget",
	Lengths: map[string]int{"addEventListener": 2, "removeEventListener": 2, "dispatchEvent": 1},
	New:     func(*bind.Call) (*Target, error) { return &Target{}, nil },
	Methods: map[string]bind.Method[Target]{
		"addEventListener":    (*Target).JSAdd,
		"removeEventListener": (*Target).JSRemove,
		"dispatchEvent":       (*Target).JSDispatch,
	},
}

var globalTarget = isolate.NewSlot(func(js *isolate.JS) *Target {
	return &Target{self: js.Runtime().GlobalObject()}
})

// Global is globalThis as a target.
func Global(js *isolate.JS) *Target { return globalTarget.Get(js) }

// Watch calls fn whenever a type gets its first listener or loses its last one, and
// says which object the target is.
func (t *Target) Watch(self *goja.Object, fn func(js *isolate.JS, typ string, any bool)) {
	t.self, t.changed = self, fn
}

// Has reports whether anybody listens for the type.
func (t *Target) Has(typ string) bool { return len(t.listeners[typ]) > 0 }

// Types are the types that somebody listens for, sorted.
func (t *Target) Types() []string { return slices.Sorted(maps.Keys(t.listeners)) }

// Dispatch tells the listeners of t of an event of the host; what they throw is
// reported. It returns false, and does nothing, when nobody listens.
func Dispatch[E any, P interface {
	*E
	Base() *Event
}](js *isolate.JS, t *Target, class *bind.Class[E], e P) (told bool) {
	base := e.Base()
	if t.self == nil || !t.Has(base.typ) && t.property(js, t.self, base.typ) == nil {
		return false
	}
	if err := t.dispatch(js, t.self, class.Wrap(js, (*E)(e)), base, report); err != nil {
		js.Panic(err)
	}
	return true
}

// Deliver is Dispatch for events whose sender wants to know what went wrong: the
// first exception of a listener ends the dispatch and is returned.
func Deliver[E any, P interface {
	*E
	Base() *Event
}](js *isolate.JS, t *Target, class *bind.Class[E], e P) (told bool, err error) {
	base := e.Base()
	if t.self == nil || !t.Has(base.typ) && t.property(js, t.self, base.typ) == nil {
		return false, nil
	}
	return true, t.dispatch(js, t.self, class.Wrap(js, (*E)(e)), base, func(_ *isolate.JS, err error) error { return err })
}

// report is what dispatch does with the exceptions of listeners unless somebody
// waits for them.
func report(js *isolate.JS, err error) error {
	if isolate.Uncatchable(err) {
		return err
	}
	Report(js, err)
	return nil
}

// dispatch calls the listeners until failed returns an error.
func (t *Target) dispatch(js *isolate.JS, self, obj *goja.Object, e *Event, failed func(*isolate.JS, error) error) error {
	e.begin(self)
	defer e.end()
	if fn := t.property(js, self, e.typ); fn != nil {
		if _, err := js.Call(fn, self, obj); err != nil {
			if err := failed(js, err); err != nil {
				return err
			}
		}
		if e.stoppedAt {
			return nil
		}
	}
	for l := range t.due(js, e.typ) {
		if err := l.call(js, self, obj, e); err != nil {
			if err := failed(js, err); err != nil {
				return err
			}
		}
		if e.stoppedAt {
			break
		}
	}
	return nil
}

// Tell calls the listeners of a type as Dispatch does: those that AddValue added with the value, where that is not nil,
// and the others with the event, which is made for them only.
func (t *Target) Tell(js *isolate.JS, typ string, value goja.Value, event func() (*goja.Object, *Event)) (told bool) {
	if t.self == nil {
		return false
	}
	var obj *goja.Object
	var e *Event
	for l := range t.due(js, typ) {
		told = true
		var err error
		if l.value != nil {
			var args []goja.Value
			if value != nil {
				args = []goja.Value{value}
			}
			_, err = js.Invoke(l.value, t.self, args...)
		} else {
			if e == nil {
				obj, e = event()
				e.begin(t.self)
				defer e.end()
			}
			err = l.call(js, t.self, obj, e)
		}
		if err != nil {
			if err := report(js, err); err != nil {
				js.Panic(err)
			}
		}
		if e != nil && e.stoppedAt {
			break
		}
	}
	return told
}

// due are the listeners of a type whose turn it is, one after the other; those that are added meanwhile wait for the
// next event.
func (t *Target) due(js *isolate.JS, typ string) iter.Seq[*listener] {
	return func(yield func(*listener) bool) {
		// remove makes another list, and add changes nothing that this one has.
		for _, l := range t.listeners[typ] {
			if l.removed {
				continue
			}
			if l.once {
				t.remove(js, typ, l)
			}
			if !yield(l) {
				return
			}
		}
	}
}

// AddValue adds a listener as addEventListener does, but one that Tell calls with a value.
func (t *Target) AddValue(js *isolate.JS, typ string, callback *goja.Object, once bool) {
	call, ok := goja.AssertFunction(callback)
	if ok && t.find(typ, callback, false) == nil {
		t.add(js, typ, &listener{callback: callback, once: once, value: call})
	}
}

// RemoveAll takes away all listeners of a type.
func (t *Target) RemoveAll(js *isolate.JS, typ string) {
	for _, l := range slices.Clone(t.listeners[typ]) {
		t.remove(js, typ, l)
	}
}

// noProperties is set where functions in properties such as onping are no listeners.
var noProperties = isolate.NewSlot(func(*isolate.JS) *bool { return new(bool) })

// WithoutProperties makes listeners of a realm those only that were added.
func WithoutProperties(js *isolate.JS) { *noProperties.Get(js) = true }

// property is the function that a script has put into a property of the target named
// after the event, such as onping: workerd calls it before all listeners. An attribute
// of the class is a listener and none of these.
func (t *Target) property(js *isolate.JS, self *goja.Object, typ string) goja.Value {
	for _, l := range t.listeners[typ] {
		if l.attr {
			return nil
		}
	}
	if *noProperties.Get(js) {
		return nil
	}
	var v goja.Value
	// A getter that throws has no function for us.
	_ = js.Try(func() { v = self.Get("on" + typ) })
	if _, ok := goja.AssertFunction(v); !ok {
		return nil
	}
	return v
}

func (l *listener) call(js *isolate.JS, self, event *goja.Object, e *Event) error {
	e.passive = l.passive
	defer func() { e.passive = false }()
	fn, this := goja.Value(l.callback), goja.Value(self)
	if _, ok := goja.AssertFunction(l.callback); !ok {
		if l.attr {
			return nil // an attribute may hold any object
		}
		if err := js.Try(func() { fn = l.callback.Get("handleEvent") }); err != nil {
			return err
		}
		if _, ok := goja.AssertFunction(fn); !ok {
			return exception.TypeErrorf("The 'handleEvent' property of an event listener is not a function.")
		}
		this = l.callback
	}
	_, err := js.Call(fn, this, event)
	return err
}

func (t *Target) add(js *isolate.JS, typ string, l *listener) {
	if t.listeners == nil {
		t.listeners = map[string][]*listener{}
	}
	t.listeners[typ] = append(t.listeners[typ], l)
	if t.changed != nil && len(t.listeners[typ]) == 1 {
		t.changed(js, typ, true)
	}
}

func (t *Target) remove(js *isolate.JS, typ string, l *listener) {
	if l.removed {
		return
	}
	l.removed = true
	if l.unsignal != nil {
		l.unsignal()
	}
	list := slices.DeleteFunc(slices.Clone(t.listeners[typ]), func(x *listener) bool { return x == l })
	if len(list) > 0 {
		t.listeners[typ] = list
		return
	}
	delete(t.listeners, typ)
	if t.changed != nil {
		t.changed(js, typ, false)
	}
}

func (t *Target) find(typ string, callback *goja.Object, capture bool) *listener {
	for _, l := range t.listeners[typ] {
		if !l.attr && l.capture == capture && l.callback.SameAs(callback) {
			return l
		}
	}
	return nil
}

// JSAdd is addEventListener.
func (t *Target) JSAdd(c *bind.Call) (any, error) {
	typ, callback, err := unpackListener(c)
	if err != nil {
		return nil, err
	}
	l := &listener{callback: callback}
	var signal *Signal
	if _, isObj := c.Arg(2).(*goja.Object); isObj {
		err = c.Options(3, "AddEventListenerOptions", "capture", &l.capture, "once", &l.once, "passive", &l.passive, "signal", SignalOption(&signal))
	} else {
		l.capture = c.Arg(2).ToBoolean()
	}
	if err != nil || callback == nil || (signal != nil && signal.Aborted()) || t.find(typ, callback, l.capture) != nil {
		return nil, err
	}
	if t.self == nil {
		t.self, _ = c.This().(*goja.Object)
	}
	t.add(c.JS(), typ, l)
	if signal != nil {
		l.unsignal = signal.OnAbort(c.JS(), func(js *isolate.JS, _ goja.Value) { t.remove(js, typ, l) })
	}
	return nil, nil
}

// JSRemove is removeEventListener.
func (t *Target) JSRemove(c *bind.Call) (any, error) {
	typ, callback, err := unpackListener(c)
	if err != nil || callback == nil {
		return nil, err
	}
	capture := false
	if _, isObj := c.Arg(2).(*goja.Object); isObj {
		err = c.Options(3, "EventListenerOptions", "capture", &capture)
	} else {
		capture = c.Arg(2).ToBoolean()
	}
	if err != nil {
		return nil, err
	}
	if l := t.find(typ, callback, capture); l != nil {
		t.remove(c.JS(), typ, l)
	}
	return nil, nil
}

// JSDispatch is dispatchEvent.
func (t *Target) JSDispatch(c *bind.Call) (any, error) {
	e, ok := EventClass.Unwrap(c.JS(), c.Arg(0))
	if !ok {
		return nil, c.BadArg(1, "Event")
	}
	if e.running {
		return nil, errDispatching
	}
	self := t.self
	if self == nil {
		self = c.This().(*goja.Object)
	}
	e.trusted = false
	if err := t.dispatch(c.JS(), self, c.Arg(0).(*goja.Object), e, report); err != nil {
		return nil, err
	}
	return !e.prevented, nil
}

// unpackListener reads (type, callback); a callback of null is nil.
func unpackListener(c *bind.Call) (typ string, callback *goja.Object, err error) {
	if err := c.Unpack("type", &typ); err != nil {
		return "", nil, err
	}
	callback, ok := c.Arg(1).(*goja.Object)
	if !ok && (c.Len() < 2 || !goja.IsNull(c.Arg(1)) && !goja.IsUndefined(c.Arg(1))) {
		return "", nil, c.BadArg(2, "function or HandlerObject")
	}
	return typ, callback, nil
}

// Handler is the pair of accessors of an attribute such as onmessage, for the
// tables of classes whose instances are targets. What is not an object reads as
// null.
func Handler[T any](typ string, target func(*T) *Target) (bind.Getter[T], bind.Setter[T]) {
	get := func(t *T, _ *bind.Call) (any, error) {
		for _, l := range target(t).listeners[typ] {
			if l.attr {
				return l.callback, nil
			}
		}
		return bind.Null, nil
	}
	set := func(x *T, c *bind.Call) error {
		t := target(x)
		obj, ok := c.Arg(0).(*goja.Object)
		for _, l := range t.listeners[typ] {
			if !l.attr {
				continue
			}
			if ok {
				l.callback = obj // it keeps its place in the order
			} else {
				t.remove(c.JS(), typ, l)
			}
			return nil
		}
		if ok {
			if t.self == nil {
				t.self, _ = c.This().(*goja.Object)
			}
			t.add(c.JS(), typ, &listener{callback: obj, attr: true})
		}
		return nil
	}
	return get, set
}

// Callbacks are the functions and objects that listen for the type, in order.
func (t *Target) Callbacks(typ string) []*goja.Object {
	list := make([]*goja.Object, len(t.listeners[typ]))
	for i, l := range t.listeners[typ] {
		list[i] = l.callback
	}
	return list
}
