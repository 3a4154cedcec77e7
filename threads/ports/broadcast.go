package ports

import (
	"slices"
	"sync"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/threads"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/events"
)

// Hub is where the BroadcastChannels of one program meet, whatever threads they are of. The zero value is ready. Any
// goroutine.
type Hub struct {
	mu    sync.Mutex                 // guards what follows
	names map[string][]*threads.Port // the hub's ends of the channels of a name, the oldest first
}

func (h *Hub) join(name string, end *threads.Port) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.names == nil {
		h.names = map[string][]*threads.Port{}
	}
	h.names[name] = append(h.names[name], end)
}

func (h *Hub) leave(name string, end *threads.Port) {
	h.mu.Lock()
	defer h.mu.Unlock()
	rest := slices.DeleteFunc(slices.Clone(h.names[name]), func(other *threads.Port) bool { return other == end })
	if h.names[name] = rest; len(rest) == 0 {
		delete(h.names, name)
	}
}

// post sends a message, which can be read many times, to all of a name but one. The error is that of the first that
// does not take it; the others get it.
func (h *Hub) post(name string, from *threads.Port, m threads.Message) (failed error) {
	h.mu.Lock()
	defer h.mu.Unlock() // all hear what is said in the same order
	for _, end := range h.names[name] {
		if end == from {
			continue
		}
		if err := end.Post(m); err != nil && failed == nil {
			failed = err
		}
	}
	return failed
}

// broadcast is a BroadcastChannel.
type broadcast struct {
	events.Target
	name string
	hub  *Hub
	end  *threads.Port // the hub's; nil once it is closed
	receiver
}

func newBroadcast(c *bind.Call) (*broadcast, error) {
	js := c.JS()
	if c.Len() == 0 {
		return nil, coded(js, "TypeError", "ERR_MISSING_ARGS", `The "name" argument must be specified`)
	}
	name, err := c.String(1, c.Arg(0))
	if err != nil {
		return nil, err
	}
	end, own := threads.NewChannel(js.Bounds())
	b := &broadcast{name: name, hub: realmOf(js).hub, end: end}
	if err := b.attach(js, own, b); err != nil {
		return nil, err
	}
	b.Watch(c.This().(*goja.Object), nil)
	b.ioc.Tie(b)
	b.ref(true)
	b.open(true)
	b.hub.join(name, end)
	return b, nil
}

// ContextEnded is iocontext.Ending's.
func (b *broadcast) ContextEnded() {
	b.leaveHub()
	b.receiver.ContextEnded()
}

func (b *broadcast) leaveHub() {
	if b.end != nil {
		b.hub.leave(b.name, b.end)
		b.end = nil
	}
}

// Told is Listener's.
func (b *broadcast) Told(js *isolate.JS, typ string, value goja.Value, _ []any) {
	if typ != "close" { // nobody but the channel itself closes it
		b.Tell(js, typ, value, func() (*goja.Object, *events.Event) { return newEvent(js, typ, value, nil) })
	}
}

func (b *broadcast) jsPost(c *bind.Call) (any, error) {
	if c.Len() == 0 {
		return nil, coded(c.JS(), "TypeError", "ERR_MISSING_ARGS", `The "message" argument must be specified`)
	}
	if b.end == nil {
		return nil, exception.DOM("InvalidStateError", "BroadcastChannel is closed.")
	}
	m, err := threads.Structured.Encode(c.JS(), c.Arg(0), nil)
	if err != nil || b.end == nil { // a getter may have closed it
		return nil, err
	}
	return nil, full(b.hub.post(b.name, b.end, m))
}

func (b *broadcast) jsClose(*bind.Call) (any, error) {
	if b.end != nil {
		b.leaveHub()
		b.ioc.Untie(b)
		b.leave().End()
	}
	return nil, nil
}

var broadcastClass = defineBroadcast()

func defineBroadcast() *bind.Class[broadcast] {
	get, set := events.Handler("message", func(b *broadcast) *events.Target { return &b.Target })
	getError, setError := events.Handler("messageerror", func(b *broadcast) *events.Target { return &b.Target })
	return &bind.Class[broadcast]{
		Name:    "BroadcastChannel",
		Length:  1,
		New:     newBroadcast,
		Parent:  bind.Extends(events.TargetClass, func(b *broadcast) *events.Target { return &b.Target }),
		Getters: map[string]bind.Getter[broadcast]{"name": func(b *broadcast, _ *bind.Call) (any, error) { return b.name, nil }, "onmessage": get, "onmessageerror": getError},
		Setters: map[string]bind.Setter[broadcast]{"onmessage": set, "onmessageerror": setError},
		Methods: map[string]bind.Method[broadcast]{
			"postMessage": (*broadcast).jsPost,
			"close":       (*broadcast).jsClose,
			"ref":         func(b *broadcast, c *bind.Call) (any, error) { b.ref(true); return c.This(), nil },
			"unref":       func(b *broadcast, c *bind.Call) (any, error) { b.ref(false); return c.This(), nil },
		},
	}
}
