package ports

import (
	"errors"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/clone"
	"workerd.local/isolate"
	"workerd.local/threads"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/events"
	"workerd.local/webapi/global"
)

// port is a MessagePort that a script has.
type port struct {
	emitter
	obj *goja.Object
	receiver
}

func newPort(js *isolate.JS, core *threads.Port) (*port, error) {
	p := &port{emitter: emitter{most: warnedAt}}
	p.obj = portClass.Wrap(js, p)
	p.Watch(p.obj, p.watched)
	if err := p.attach(js, core, p); err != nil {
		return nil, err
	}
	return p, nil
}

// watched is told that the first listener came or the last one left.
func (p *port) watched(_ *isolate.JS, typ string, any bool) {
	if typ != "message" {
		return
	}
	p.ref(any)
	p.open(any)
}

// Told is Listener's.
func (p *port) Told(js *isolate.JS, typ string, value goja.Value, ports []any) {
	p.tell(js, typ, value, ports)
}

func (p *port) jsPost(c *bind.Call) (any, error) {
	js := c.JS()
	if c.Len() == 0 {
		return nil, tooFew(js)
	}
	list, err := transferList(c)
	if err != nil {
		return nil, err
	}
	for _, v := range list {
		if v == goja.Value(p.obj) {
			return nil, exception.DOM("DataCloneError", "Transfer list contains source port")
		}
	}
	return nil, p.post(js, c.Arg(0), list)
}

func tooFew(js *isolate.JS) error {
	return coded(js, "TypeError", "ERR_MISSING_ARGS", "Not enough arguments to MessagePort.postMessage")
}

// post sends a value.
func (r *receiver) post(js *isolate.JS, v goja.Value, list []goja.Value) error {
	// A value that cannot be cloned is an error even where nobody would get it.
	m, err := threads.Structured.Encode(js, v, list)
	switch {
	case err != nil:
		var refused *clone.TransferError
		if errors.As(err, &refused) {
			return coded(js, "TypeError", "ERR_INVALID_TRANSFER_OBJECT", "Found invalid object in transferList")
		}
		return err
	case r.core == nil:
		threads.Drop(m)
		return nil
	}
	return full(r.core.PostFrom(js, m))
}

// full is what scripts see of a port that does not take a message.
func full(err error) error {
	if err == nil {
		return nil
	}
	return exception.RangeErrorf("Too many messages wait at the other end of the port.").WithCause(err)
}

// transferList reads the second argument: an iterable, or an object whose transfer is one.
func transferList(c *bind.Call) (all []goja.Value, err error) {
	js, v := c.JS(), c.Arg(1)
	if goja.IsUndefined(v) || goja.IsNull(v) {
		return nil, nil
	}
	list, ok := v.(*goja.Object)
	if !ok {
		return nil, coded(js, "TypeError", "ERR_INVALID_ARG_TYPE", "Optional transferList argument must be an iterable")
	}
	iterable := true
	err = js.Try(func() {
		if isIterable(list) {
			return
		}
		inner := list.Get("transfer")
		if list = nil; inner == nil || goja.IsUndefined(inner) || goja.IsNull(inner) {
			return
		}
		if list, iterable = inner.(*goja.Object); iterable {
			iterable = isIterable(list)
		}
	})
	switch {
	case err != nil:
		return nil, err
	case !iterable:
		return nil, coded(js, "TypeError", "ERR_INVALID_ARG_TYPE", "Optional options.transfer argument must be an iterable")
	case list == nil:
		return nil, nil
	}
	return global.TransferList(js, list)
}

func isIterable(o *goja.Object) bool {
	it := o.GetSymbol(goja.SymIterator)
	return it != nil && !goja.IsUndefined(it) && !goja.IsNull(it)
}

func (p *port) jsClose(c *bind.Call) (any, error) {
	if fn, ok := c.Arg(0).(*goja.Object); ok {
		if _, callable := goja.AssertFunction(fn); callable {
			p.AddValue(c.JS(), "close", fn, true)
		}
	}
	if p.core != nil {
		p.core.Close()
	}
	return nil, nil
}

var portClass = definePort()

func definePort() *bind.Class[port] {
	get, set := events.Handler("message", func(p *port) *events.Target { return &p.Target })
	getError, setError := events.Handler("messageerror", func(p *port) *events.Target { return &p.Target })
	return &bind.Class[port]{
		Name:    "MessagePort",
		Lengths: map[string]int{"postMessage": 1},
		Parent:  bind.Extends(emitterClass, func(p *port) *emitter { return &p.emitter }),
		Getters: map[string]bind.Getter[port]{"onmessage": get, "onmessageerror": getError},
		Setters: map[string]bind.Setter[port]{"onmessage": set, "onmessageerror": setError},
		Methods: map[string]bind.Method[port]{
			"postMessage": (*port).jsPost,
			"start":       func(p *port, _ *bind.Call) (any, error) { p.open(true); return nil, nil },
			"close":       (*port).jsClose,
			"ref":         func(p *port, _ *bind.Call) (any, error) { p.ref(true); return nil, nil },
			"unref":       func(p *port, _ *bind.Call) (any, error) { p.ref(false); return nil, nil },
			"hasRef":      func(p *port, _ *bind.Call) (any, error) { return p.release != nil, nil },
		},
	}
}

// channelClass is MessageChannel, whose instances have their ports as properties.
var channelClass = &bind.Class[struct{}]{
	Name: "MessageChannel",
	Make: newChannel,
}

func newChannel(c *bind.Call) (*goja.Object, error) {
	obj := c.This().(*goja.Object)
	list, err := Channel(c.JS())
	if err != nil {
		return nil, err
	}
	for i, name := range [...]string{"port1", "port2"} {
		if err := obj.Set(name, list[i]); err != nil {
			return nil, err
		}
	}
	return obj, nil
}

// Channel makes the two ports of a MessageChannel.
func Channel(js *isolate.JS) (list [2]*goja.Object, err error) {
	a, b := threads.NewChannel(js.Bounds())
	if list[0], err = Attach(js, a); err == nil {
		list[1], err = Attach(js, b)
	}
	return list, err
}

// Attach makes the MessagePort of a port that nobody has.
func Attach(js *isolate.JS, core *threads.Port) (*goja.Object, error) {
	p, err := newPort(js, core)
	if err != nil {
		return nil, err
	}
	return p.obj, nil
}

// Receive is what waits at a port for its oldest message, whether somebody listens or not. isPort is false for what is
// no port, and ok where nothing waits.
func Receive(js *isolate.JS, v goja.Value) (value goja.Value, ok, isPort bool, err error) {
	p, isPort := portClass.Unwrap(js, v)
	if !isPort {
		return nil, false, false, nil
	}
	value, ok, err = p.take(js)
	return value, ok, true, err
}

// take is the oldest message that waits.
func (r *receiver) take(js *isolate.JS) (value goja.Value, ok bool, err error) {
	if r.core == nil {
		return nil, false, nil
	}
	m, _, ok := r.core.Take(true)
	if !ok {
		return nil, false, nil
	}
	value, err = m.Value(js)
	return value, true, err
}
