package ports

import (
	"github.com/dop251/goja"

	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/loop"
	"workerd.local/threads"
)

// receiver is what an object that gets messages has of its port, until that closes or moves away.
type receiver struct {
	core    *threads.Port // nil once it has closed or moved
	ioc     *iocontext.Context
	entry   iocontext.Entry // where messages enter an actor
	loop    *loop.Loop
	release func() // lets the thread end; nil where it is not held
	to      Listener
	pumping func() // pump, made once

	delivering func(js *isolate.JS) (more bool) // deliver, likewise
	left       int                              // of the messages of this task
	next       coming                           // what follows those that were delivered
	ports      []any                            // that have come with a message
	waiting    bool                             // for the actor's input gate
	counted    *int                             // how many there are like it in the context; nil where nobody counts
}

// Listener is who is told what comes to a port: a message, a messageerror, or the close, which has a value of nil. ports
// are those that came with a message.
type Listener interface {
	Told(js *isolate.JS, typ string, value goja.Value, ports []any)
}

func (r *receiver) attach(js *isolate.JS, core *threads.Port, to Listener) error {
	ioc, err := iocontext.Current(js)
	if err != nil {
		return err
	}
	r.core, r.ioc, r.loop, r.to = core, ioc, ioc.Loop(), to
	if ioc.IsActor() {
		// Code that blocks an actor hears of the ports that it has attached itself.
		r.entry.Section = ioc.Capture(js).Section
	}
	r.pumping, r.delivering = r.pump, r.deliver
	core.Attach(r.loop, r.pumping)
	ioc.Tie(r)
	return nil
}

// ContextEnded is iocontext.Ending's: with the thread, the request or the actor its ports close. Nothing of it is kept.
func (r *receiver) ContextEnded() {
	if core := r.core; core != nil {
		r.core, r.release, r.ioc, r.entry = nil, nil, nil, iocontext.Entry{}
		r.uncount()
		core.End()
	}
}

// leave lets go of the port, whose core goes on, and gives that.
func (r *receiver) leave() *threads.Port {
	core := r.core
	core.Detach()
	r.ioc.Untie(r)
	r.ref(false)
	r.core = nil
	r.uncount()
	return core
}

func (r *receiver) uncount() {
	if r.counted != nil {
		*r.counted--
		r.counted = nil
	}
}

// ref says whether the port keeps its thread alive.
func (r *receiver) ref(on bool) {
	switch {
	case on && r.release == nil && r.core != nil:
		r.release = r.ioc.AddPending()
	case !on && r.release != nil:
		r.release()
		r.release = nil
	}
}

// open says whether messages are delivered, or wait.
func (r *receiver) open(on bool) {
	if r.core != nil {
		r.core.Open(on)
	}
}

// perTask is how many messages are delivered before other tasks of the loop have their turn.
const perTask = 64

// coming is what a receiver has found behind the messages that it has delivered.
type coming int

const (
	mayBeMore coming = iota
	nothing
	theEnd
)

// pump delivers what waits. What the code of a message has left for later comes before the next message.
func (r *receiver) pump() {
	core := r.core
	if core != nil && r.ioc.IsActor() {
		r.pumpGated(core)
		return
	}
	for r.left = perTask; r.left > 0; {
		if r.core != core || core == nil || r.ioc.Ended() {
			return
		}
		before := r.left
		r.next = mayBeMore
		r.ioc.RunEach(r.delivering, nil)
		switch {
		case r.next == theEnd:
			r.closed()
			return
		case r.next == nothing || r.left == before: // or the thread has ended
			return
		case r.loop.Deferring():
			r.left = 0
		}
	}
	// A loop that is closed has ended the port.
	_ = r.loop.Post(r.pumping)
}

// pumpGated is pump for an actor: one message enters at a time, and while the input gate is closed it waits in the port.
func (r *receiver) pumpGated(core *threads.Port) {
	if r.waiting || r.ioc.Ended() || !core.Waits() {
		return
	}
	r.waiting = true
	ioc := r.ioc
	ioc.RunIn(r.entry, func(js *isolate.JS) {
		r.waiting = false
		if r.core != core {
			return
		}
		m, end, ok := core.Take(false)
		switch {
		case !ok:
		case end:
			r.leave().End()
			r.to.Told(js, "close", nil, nil)
		default:
			// The next one comes behind what waits at the gate. A loop that is closed has ended the port.
			_ = r.loop.Post(r.pumping)
			r.hand(js, m)
		}
	}, func(err error) {
		r.waiting = false
		ioc.Fail(err)
	})
}

// deliver tells of the next message, also where it cannot be read here, and says whether it may be called again.
func (r *receiver) deliver(js *isolate.JS) (more bool) {
	if r.core == nil || r.ioc.Ended() {
		return false
	}
	m, end, ok := r.core.Take(false)
	switch {
	case !ok:
		r.next = nothing
		return false
	case end:
		r.next = theEnd
		return false
	}
	r.left--
	r.hand(js, m)
	return r.left > 0
}

func (r *receiver) hand(js *isolate.JS, m threads.Message) {
	realm := realmOf(js)
	realm.arrived = &r.ports
	v, err := m.Value(js)
	realm.arrived = nil
	ports := r.ports
	r.ports = nil
	switch {
	case err == nil:
		r.to.Told(js, "message", v, ports)
	case isolate.Uncatchable(err):
		js.Panic(err)
	default:
		r.to.Told(js, "messageerror", js.Error(err), nil)
	}
}

// closed is the end of the channel, which is told, unless the context has ended in the very turn that found it.
func (r *receiver) closed() {
	if r.core == nil {
		return
	}
	ioc := r.ioc
	r.leave().End()
	ioc.RunIn(iocontext.Entry{}, func(js *isolate.JS) { r.to.Told(js, "close", nil, nil) }, nil)
}
