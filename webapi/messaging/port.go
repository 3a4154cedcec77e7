// Package messaging is MessageChannel and MessagePort (WHATWG HTML), within one realm.
//
// A message is cloned when it is posted and delivered in a microtask. As in workerd,
// which follows node: a port that nobody listens to keeps its messages, the first
// listener starts it, and nothing can be transferred.
//
// Everything belongs to the isolate's goroutine.
package messaging

import (
	"fmt"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/clone"
	"workerd.local/internal/limits"
	"workerd.local/isolate"
	"workerd.local/isolate/natives"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/events"
	"workerd.local/webapi/global"
)

// Module is what scripts see of the package, where they have asked for it.
var Module = bind.Module{
	Name:    "messaging",
	Globals: []bind.Global{channelClass, portClass},
	When:    func(has func(flag string) bool) bool { return has("expose_global_message_channel") },
}

// state is where a port is in its life: waiting <-> started -> closed.
type state uint8

const (
	waiting state = iota
	started
	closed
)

// port is a MessagePort.
type port struct {
	events.Target
	obj   *goja.Object
	state state
	other *port
	// queue is what came while the port was waiting.
	queue []goja.Value
}

// newPair makes two ports that are entangled.
func newPair(js *isolate.JS) (a, b *port) {
	a, b = &port{}, &port{}
	a.other, b.other = b, a
	for _, p := range []*port{a, b} {
		p.obj = portClass.Wrap(js, p)
		p.Watch(p.obj, p.watched)
	}
	return a, b
}

// watched is told that the first listener came or the last one left.
func (p *port) watched(js *isolate.JS, typ string, any bool) {
	switch {
	case typ != "message":
	case any:
		p.start(js)
	case p.state == started:
		p.state = waiting
	}
}

// start delivers what waits, in a microtask, and what comes from now on.
func (p *port) start(js *isolate.JS) {
	if p.state != waiting {
		return
	}
	p.state = started
	list := p.queue
	p.queue = nil
	if len(list) == 0 {
		return
	}
	js.Later(func(js *isolate.JS) {
		for _, v := range list {
			p.dispatch(js, v)
		}
	})
}

func (p *port) dispatch(js *isolate.JS, v goja.Value) {
	events.Dispatch(js, &p.Target, events.MessageEventClass, &events.MessageEvent{Event: events.New("message", false), Data: v, Source: p.obj})
}

// deliver takes a message for the port's listeners.
func (p *port) deliver(js *isolate.JS, v goja.Value) error {
	switch p.state {
	case waiting:
		if limit := limits.PortMessages.In(js.Bounds()); len(p.queue) >= limit {
			return exception.DOM("QuotaExceededError", fmt.Sprintf("The port that this message is for has no listener and keeps %d messages already.", limit))
		}
		p.queue = append(p.queue, v)
	case started:
		js.Later(func(js *isolate.JS) { p.dispatch(js, v) })
	}
	return nil
}

// close ends both ports; each hears of it.
func (p *port) close(js *isolate.JS) {
	if p.state == closed {
		return
	}
	p.state, p.queue = closed, nil
	if other := p.other; other != nil {
		p.other = nil
		other.close(js)
	}
	e := events.New("close", false)
	events.Dispatch(js, &p.Target, events.EventClass, &e)
}

func (p *port) jsPost(c *bind.Call) (any, error) {
	js := c.JS()
	if err := refuseTransfer(c); err != nil {
		return nil, err
	}
	// A value that cannot be cloned is an error even where nobody would get it.
	v, err := clone.StructuredClone(js.Runtime(), c.Arg(0), nil, clone.Options{
		Bounds:    js.Bounds(),
		MaxBytes:  js.Isolate().Limits().BufferBytes,
		Host:      global.HostObjects(js),
		Half:      natives.Float16Bits,
		Share:     js.Library().Share,
		Resizable: js.Library(),
		// Errors keep their properties.
		ErrorsAsHost: js.Compat().Has("enhanced_error_serialization"),
	})
	if err != nil {
		return nil, global.CloneError(err)
	}
	if p.other == nil { // a getter may have closed the port
		return nil, nil
	}
	return nil, p.other.deliver(js, v)
}

// refuseTransfer reads the second argument, a list or {transfer: list}; an empty list is
// none.
func refuseTransfer(c *bind.Call) error {
	obj, ok := c.Arg(1).(*goja.Object)
	if !ok {
		if goja.IsUndefined(c.Arg(1)) || goja.IsNull(c.Arg(1)) {
			return nil
		}
		return c.BadArg(2, "Array or PostMessageOptions")
	}
	js := c.JS()
	list := goja.Value(obj)
	err := js.Try(func() {
		if it := obj.GetSymbol(goja.SymIterator); it == nil || goja.IsUndefined(it) {
			list = obj.Get("transfer")
		}
	})
	if err != nil || list == nil || goja.IsUndefined(list) {
		return err
	}
	if _, ok := list.(*goja.Object); !ok {
		return exception.TypeErrorf("Incorrect type for the 'transfer' field on 'PostMessageOptions': the provided value is not of type 'Array'.")
	}
	any := false
	if err := js.Try(func() {
		js.Runtime().ForOf(list, func(goja.Value) bool { any = true; return false })
	}); err != nil {
		return err
	}
	if any {
		return exception.Errorf("Transfer list is not supported")
	}
	return nil
}

var portClass = definePort()

func definePort() *bind.Class[port] {
	get, set := events.Handler("message", func(p *port) *events.Target { return &p.Target })
	return &bind.Class[port]{
		Name:    "MessagePort",
		Lengths: map[string]int{"postMessage": 1},
		Parent:  bind.Extends(events.TargetClass, func(p *port) *events.Target { return &p.Target }),
		Getters: map[string]bind.Getter[port]{"onmessage": get},
		Setters: map[string]bind.Setter[port]{"onmessage": set},
		Methods: map[string]bind.Method[port]{
			"postMessage": (*port).jsPost,
			"start":       func(p *port, c *bind.Call) (any, error) { p.start(c.JS()); return nil, nil },
			"close":       func(p *port, c *bind.Call) (any, error) { p.close(c.JS()); return nil, nil },
		},
	}
}

// channel is a MessageChannel.
type channel struct{ port1, port2 *port }

var channelClass = &bind.Class[channel]{
	Name: "MessageChannel",
	New: func(c *bind.Call) (*channel, error) {
		a, b := newPair(c.JS())
		return &channel{a, b}, nil
	},
	Getters: map[string]bind.Getter[channel]{
		"port1": func(ch *channel, _ *bind.Call) (any, error) { return ch.port1.obj, nil },
		"port2": func(ch *channel, _ *bind.Call) (any, error) { return ch.port2.obj, nil },
	},
}
