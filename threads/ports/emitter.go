package ports

import (
	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/events"
)

// emitter is a target that can also be used as an emitter of node (NodeEventTarget): the listeners that on and once add
// get the value, and no event.
type emitter struct {
	events.Target
	most int // what setMaxListeners said
}

const warnedAt = 10 // listeners, in node

var emitterClass = &bind.Class[emitter]{
	Name:   "NodeEventTarget",
	Parent: bind.Extends(events.TargetClass, func(e *emitter) *events.Target { return &e.Target }),
	Methods: map[string]bind.Method[emitter]{
		"on":                 (*emitter).on,
		"addListener":        (*emitter).on,
		"once":               func(e *emitter, c *bind.Call) (any, error) { return e.add(c, true) },
		"off":                (*emitter).off,
		"removeListener":     (*emitter).off,
		"removeAllListeners": (*emitter).removeAll,
		"emit":               (*emitter).emit,
		"listenerCount":      func(e *emitter, c *bind.Call) (any, error) { return len(e.Callbacks(c.Arg(0).String())), nil },
		"eventNames":         func(e *emitter, _ *bind.Call) (any, error) { return e.Types(), nil },
		"getMaxListeners":    func(e *emitter, _ *bind.Call) (any, error) { return e.most, nil },
		"setMaxListeners": func(e *emitter, c *bind.Call) (any, error) {
			e.most = int(c.Arg(0).ToInteger())
			return nil, nil
		},
	},
}

func (e *emitter) on(c *bind.Call) (any, error) { return e.add(c, false) }

func (e *emitter) add(c *bind.Call, once bool) (any, error) {
	typ, fn, err := listener(c)
	if err != nil {
		return nil, err
	}
	e.AddValue(c.JS(), typ, fn, once)
	return c.This(), nil
}

func (e *emitter) off(c *bind.Call) (any, error) {
	if _, _, err := listener(c); err != nil {
		return nil, err
	}
	if _, err := e.JSRemove(c); err != nil {
		return nil, err
	}
	return c.This(), nil
}

// listener reads (type, listener).
func listener(c *bind.Call) (typ string, fn *goja.Object, err error) {
	if typ, err = c.String(1, c.Arg(0)); err != nil {
		return "", nil, err
	}
	fn, _ = c.Arg(1).(*goja.Object)
	if _, ok := goja.AssertFunction(fn); fn == nil || !ok {
		return "", nil, coded(c.JS(), "TypeError", "ERR_INVALID_ARG_TYPE", `The "listener" argument must be of type function.`)
	}
	return typ, fn, nil
}

func (e *emitter) removeAll(c *bind.Call) (any, error) {
	types := e.Types()
	if c.Len() > 0 {
		types = []string{c.Arg(0).String()}
	}
	for _, typ := range types {
		e.RemoveAll(c.JS(), typ)
	}
	return c.This(), nil
}

func (e *emitter) emit(c *bind.Call) (any, error) {
	typ, err := c.String(1, c.Arg(0))
	if err != nil {
		return nil, err
	}
	return e.tell(c.JS(), typ, c.Arg(1), nil), nil
}

// tell tells the listeners of a type a value; nil is none.
func (e *emitter) tell(js *isolate.JS, typ string, value goja.Value, ports []any) bool {
	return e.Tell(js, typ, value, func() (*goja.Object, *events.Event) { return newEvent(js, typ, value, ports) })
}

// newEvent is what listeners get that want an event.
func newEvent(js *isolate.JS, typ string, value goja.Value, ports []any) (*goja.Object, *events.Event) {
	switch {
	case typ == "message" || typ == "messageerror":
		m := &events.MessageEvent{Event: events.New(typ, false), Data: value, Ports: ports}
		return events.MessageEventClass.Wrap(js, m), m.Base()
	case value == nil:
		e := events.New(typ, false)
		return events.EventClass.Wrap(js, &e), &e
	}
	m := events.NewCustom(typ, value)
	return events.CustomEventClass.Wrap(js, m), m.Base()
}
