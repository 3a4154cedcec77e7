// Package messaging is MessageChannel and MessagePort (WHATWG HTML), within one realm, and beyond it where somebody
// carries a port away.
//
// A message is cloned when it is posted and delivered in a microtask. As in workerd,
// which follows node: a port that nobody listens to keeps its messages, the first
// listener starts it, and nothing can be transferred.
//
// Words. The *other* end of a port is in its realm; where it has left that, the port has a [Line] to it instead, and what
// is transferred moves. A port *leaves* when its end of the channel moves away: the object stays behind, and is closed.
//
// Everything belongs to the isolate's goroutine.
package messaging

import (
	"fmt"
	"maps"

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

// Port is a MessagePort.
type Port struct {
	events.Target
	obj   *goja.Object
	state state
	other *Port // nil where the channel is closed or the other end is not in the realm
	line  Line  // to the other end where it has left the realm; else nil
	// queue is what came while the port was waiting, and due what microtasks are about to deliver.
	queue, due []goja.Value
	// held says that the port keeps alive who has a line; see Line.Ref.
	held bool
}

func newPort(js *isolate.JS) *Port {
	p := &Port{}
	p.obj = portClass.Wrap(js, p)
	p.Watch(p.obj, p.watched)
	return p
}

// newPair makes two ports that are entangled.
func newPair(js *isolate.JS) (a, b *Port) {
	a, b = newPort(js), newPort(js)
	a.other, b.other = b, a
	return a, b
}

// watched is told that the first listener came or the last one left.
func (p *Port) watched(js *isolate.JS, typ string, any bool) {
	if typ != "message" {
		return
	}
	p.hold(any)
	switch {
	case any:
		p.start(js)
	case p.state == started:
		p.state = waiting
		if p.line != nil {
			p.line.Open(false)
		}
	}
}

// start delivers what waits, in a microtask, and what comes from now on.
func (p *Port) start(js *isolate.JS) {
	if p.state != waiting {
		return
	}
	p.state = started
	if n := len(p.queue); n > 0 {
		p.due = append(p.due, p.queue...)
		p.queue = nil
		js.Later(func(js *isolate.JS) {
			for range n {
				p.next(js)
			}
		})
	}
	if p.line != nil {
		p.line.Open(true) // what comes from there comes in a later task
	}
}

// next delivers the oldest message that is due. There is none where the port has left meanwhile.
func (p *Port) next(js *isolate.JS) {
	if len(p.due) == 0 {
		return
	}
	v := p.due[0]
	if p.due[0], p.due = nil, p.due[1:]; len(p.due) == 0 {
		p.due = nil
	}
	p.dispatch(js, v)
}

func (p *Port) dispatch(js *isolate.JS, v goja.Value) {
	events.Dispatch(js, &p.Target, events.MessageEventClass, &events.MessageEvent{Event: events.New("message", false), Data: v, Source: p.obj})
}

// deliver takes a message for the port's listeners.
func (p *Port) deliver(js *isolate.JS, v goja.Value) error {
	switch p.state {
	case waiting:
		if limit := limits.PortMessages.In(js.Bounds()); len(p.queue) >= limit {
			return exception.DOM("QuotaExceededError", fmt.Sprintf("The port that this message is for has no listener and keeps %d messages already.", limit))
		}
		p.queue = append(p.queue, v)
	case started:
		p.due = append(p.due, v)
		js.Later(p.next)
	}
	return nil
}

// close ends both ports; each hears of it.
func (p *Port) close(js *isolate.JS) {
	if p.state == closed {
		return
	}
	if p.line != nil {
		p.queue = nil
		p.line.Close()
		return
	}
	p.state, p.queue, p.held = closed, nil, false
	if other := p.other; other != nil {
		p.other = nil
		other.close(js)
	}
	p.tellClose(js)
}

func (p *Port) tellClose(js *isolate.JS) {
	e := events.New("close", false)
	events.Dispatch(js, &p.Target, events.EventClass, &e)
}

func (p *Port) jsPost(c *bind.Call) (any, error) {
	js := c.JS()
	if p.line != nil {
		return nil, p.postAway(c)
	}
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
	switch { // a getter may have closed the port, or sent the other one away
	case p.other != nil:
		return nil, p.other.deliver(js, v)
	case p.line != nil:
		return nil, p.line.Post(js, v, nil)
	}
	return nil, nil
}

// postAway is postMessage to a port in another realm.
func (p *Port) postAway(c *bind.Call) error {
	list, err := transferList(c)
	if err != nil {
		return err
	}
	var transfer []goja.Value
	if list != nil {
		if transfer, err = global.TransferList(c.JS(), list); err != nil {
			return err
		}
	}
	for _, v := range transfer {
		if v == goja.Value(p.obj) {
			return exception.DOM("DataCloneError", "Transfer list contains source port")
		}
	}
	if p.line == nil { // the iterator has closed the port, or sent it away
		return nil
	}
	return p.line.Post(c.JS(), c.Arg(0), transfer)
}

// transferList reads the second argument, a list or {transfer: list}; nil is none.
func transferList(c *bind.Call) (*goja.Object, error) {
	obj, ok := c.Arg(1).(*goja.Object)
	if !ok {
		if goja.IsUndefined(c.Arg(1)) || goja.IsNull(c.Arg(1)) {
			return nil, nil
		}
		return nil, c.BadArg(2, "Array or PostMessageOptions")
	}
	js := c.JS()
	list := goja.Value(obj)
	err := js.Try(func() {
		if it := obj.GetSymbol(goja.SymIterator); it == nil || goja.IsUndefined(it) {
			list = obj.Get("transfer")
		}
	})
	if err != nil || list == nil || goja.IsUndefined(list) {
		return nil, err
	}
	if obj, ok = list.(*goja.Object); !ok {
		return nil, exception.TypeErrorf("Incorrect type for the 'transfer' field on 'PostMessageOptions': the provided value is not of type 'Array'.")
	}
	return obj, nil
}

// refuseTransfer lets an empty transfer list pass, which is none.
func refuseTransfer(c *bind.Call) error {
	list, err := transferList(c)
	if err != nil || list == nil {
		return err
	}
	js, any := c.JS(), false
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

// traveling are the methods of ports in realms that a port can leave.
var traveling = map[string]bind.Method[Port]{
	"ref":    func(p *Port, _ *bind.Call) (any, error) { p.hold(true); return nil, nil },
	"unref":  func(p *Port, _ *bind.Call) (any, error) { p.hold(false); return nil, nil },
	"hasRef": func(p *Port, _ *bind.Call) (any, error) { return p.held, nil },
}

func definePort() *bind.Class[Port] {
	get, set := events.Handler("message", func(p *Port) *events.Target { return &p.Target })
	methods := map[string]bind.Method[Port]{
		"postMessage": (*Port).jsPost,
		"start":       func(p *Port, c *bind.Call) (any, error) { p.start(c.JS()); return nil, nil },
		"close":       func(p *Port, c *bind.Call) (any, error) { p.close(c.JS()); return nil, nil },
	}
	maps.Copy(methods, traveling)
	return &bind.Class[Port]{
		Name:    "MessagePort",
		Lengths: map[string]int{"postMessage": 1},
		Parent:  bind.Extends(events.TargetClass, func(p *Port) *events.Target { return &p.Target }),
		Getters: map[string]bind.Getter[Port]{"onmessage": get},
		Setters: map[string]bind.Setter[Port]{"onmessage": set},
		Methods: methods,
		Init: func(js *isolate.JS, _, proto *goja.Object) error {
			if *travels.Get(js) {
				return nil
			}
			for name := range traveling {
				if err := proto.Delete(name); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// channel is a MessageChannel.
type channel struct{ port1, port2 *Port }

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
