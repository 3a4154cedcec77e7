package ports

import (
	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/clone"
	"workerd.local/internal/limits"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/threads"
	"workerd.local/webapi/messaging"
)

// far is the line of a MessagePort of a deployed worker, or of a thread of one: those are workerd's (package messaging), and
// have a core only once their other end is in another isolate. It belongs to the request, the actor or the thread that the
// port has come to, or whose code has given the other end away, and closes with that.
type far struct{ receiver }

// SetupDeployed makes the ports of a deployed worker's realm, or of a thread of one, transferable in messages between
// threads; in other clones, and from port to port within the realm, they stay what they are in workerd.
func SetupDeployed(js *isolate.JS) {
	messaging.AllowTravel(js)
	threads.SetMovables(js, deployed{js})
}

// connect gives a port its line.
func connect(js *isolate.JS, p *messaging.Port, core *threads.Port) error {
	n, err := room(js)
	if err != nil {
		return err
	}
	f := &far{}
	f.counted = n
	*n++
	if err := f.attach(js, core, p); err != nil {
		f.uncount()
		return err
	}
	p.Connect(f)
	return nil
}

type openKey struct{}

// room is how many lines the current context has, and an error where there cannot be more: all are closed in one turn of the
// isolate when the context ends.
func room(js *isolate.JS) (*int, error) {
	ioc, err := iocontext.Current(js)
	if err != nil {
		return nil, err
	}
	n := iocontext.Local(ioc, openKey{}, func() *int { return new(int) })
	if most := limits.ThreadsPorts.In(js.Bounds()); *n >= most {
		return nil, exception.RangeErrorf("There are %d open ports already whose other end is in another thread, and there cannot be more.", most)
	}
	return n, nil
}

// Post is messaging.Line's.
func (f *far) Post(js *isolate.JS, v goja.Value, transfer []goja.Value) error {
	return f.post(js, v, transfer)
}

// Open is messaging.Line's.
func (f *far) Open(on bool) { f.open(on) }

// Ref is messaging.Line's.
func (f *far) Ref(on bool) { f.ref(on) }

// Close is messaging.Line's.
func (f *far) Close() {
	if f.core != nil {
		f.core.CloseFrom(f.ioc)
	}
}

// Closed is messaging.Line's.
func (f *far) Closed() bool { return f.core == nil || f.core.Closed() }

// deployed are the ports of a realm (clone.Movables).
type deployed struct{ js *isolate.JS }

// Movable is clone.Movables's.
func (d deployed) Movable(o *goja.Object) (bool, error) {
	p, ok := messaging.Of(d.js, o)
	if !ok {
		return false, nil
	}
	if p.Closed() {
		return true, errDetached
	}
	if p.Line() != nil {
		return true, nil
	}
	// Somebody has to hear for the other end.
	_, err := room(d.js)
	return true, err
}

// Name is clone.Movables's.
func (deployed) Name(*goja.Object) string { return "MessagePort" }

// Move is clone.Movables's: it gives the core of a port, which is made where the channel was one within the realm.
func (d deployed) Move(o *goja.Object) any {
	p, _ := messaging.Of(d.js, o)
	if p.Closed() {
		// What was moved before it in the same message has closed it.
		_, core := threads.NewChannel(d.js.Bounds())
		core.Close()
		return core
	}
	line, _ := p.Line().(*far)
	other, undelivered := p.Leave()
	var core *threads.Port
	if line != nil {
		core = line.leave()
	} else {
		var near *threads.Port
		near, core = threads.NewChannel(d.js.Bounds())
		if connect(d.js, other, near) != nil { // there is no more room
			near.End()
			other.Left(d.js)
		}
	}
	core.Fill(d.encode(undelivered))
	p.Left(d.js)
	return core
}

// encode makes messages of values that have been posted within the realm.
func (d deployed) encode(list []goja.Value) []threads.Message {
	messages := make([]threads.Message, len(list))
	for i, v := range list {
		m, err := threads.Structured.Encode(d.js, v, nil)
		if err != nil {
			m = unreadable{}
		}
		messages[i] = m
	}
	return messages
}

// Arrive is clone.Movables's.
func (d deployed) Arrive(moved any) (*goja.Object, error) {
	p := messaging.Arrived(d.js)
	if err := connect(d.js, p, moved.(*threads.Port)); err != nil {
		return nil, err
	}
	arrived(d.js, p.Object())
	return p.Object(), nil
}

// unreadable is a message that could not leave its realm: its receiver is told a messageerror.
type unreadable struct{}

// Size is threads.Message's.
func (unreadable) Size() int { return 0 }

// Value is threads.Message's.
func (unreadable) Value(*isolate.JS) (goja.Value, error) {
	return nil, exception.DOM("DataCloneError", "The message could not be cloned into another thread.")
}

var errDetached = &clone.DataCloneError{Message: "MessagePort in transfer list is already detached"}
