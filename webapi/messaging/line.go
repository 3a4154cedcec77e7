package messaging

import (
	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/events"
)

// Line leads from a port to its other end in another realm.
type Line interface {
	// Post sends a value there, and moves what is in transfer.
	Post(js *isolate.JS, v goja.Value, transfer []goja.Value) error
	// Open says whether what comes from there is delivered, or waits.
	Open(on bool)
	// Ref says whether the port keeps alive what the line belongs to.
	Ref(on bool)
	// Close closes both ends, and each hears of it later.
	Close()
	// Closed reports whether nothing can be sent any more.
	Closed() bool
}

var travels = isolate.NewSlot(func(*isolate.JS) *bool { return new(bool) })

// AllowTravel says that ports may leave the realm, and gives them ref, unref and hasRef. It is for the setup of a realm.
func AllowTravel(js *isolate.JS) { *travels.Get(js) = true }

// Of is the port that an object is.
func Of(js *isolate.JS, o *goja.Object) (*Port, bool) { return portClass.Unwrap(js, o) }

// Arrived makes the object of a port that has come from another realm.
func Arrived(js *isolate.JS) *Port { return newPort(js) }

// Object is the port's object.
func (p *Port) Object() *goja.Object { return p.obj }

// Line is what Connect gave; nil where the other end is in the realm, or nowhere.
func (p *Port) Line() Line { return p.line }

// Closed reports whether the port is closed, or has left.
func (p *Port) Closed() bool {
	if p.line != nil {
		return p.line.Closed()
	}
	return p.other == nil
}

// Connect gives the port a line, to what was its other end or what it has come from.
func (p *Port) Connect(line Line) {
	p.line = line
	line.Ref(p.held)
	line.Open(p.state == started)
}

// Leave takes the end of the channel from the port. It gives the other end, nil where that is in another realm, and what
// was posted here and not delivered yet.
func (p *Port) Leave() (other *Port, undelivered []goja.Value) {
	undelivered = append(p.due, p.queue...)
	if other = p.other; other != nil {
		other.other = nil
	}
	p.state, p.other, p.line, p.due, p.queue, p.held = closed, nil, nil, nil, nil, false
	return other, undelivered
}

// Left tells the object of a port that has left that it has seen the last of its channel, as in node.
func (p *Port) Left(js *isolate.JS) { js.Later(p.tellClose) }

func (p *Port) hold(on bool) {
	if p.state == closed {
		return
	}
	p.held = on
	if p.line != nil {
		p.line.Ref(on)
	}
}

// Told tells the port's listeners what comes over its line: a message, with the ports that came in it, a messageerror, or
// the close.
func (p *Port) Told(js *isolate.JS, typ string, value goja.Value, ports []any) {
	if typ == "close" {
		p.state, p.line, p.queue, p.held = closed, nil, nil, false
		p.tellClose(js)
		return
	}
	events.Dispatch(js, &p.Target, events.MessageEventClass, &events.MessageEvent{Event: events.New(typ, false), Data: value, Source: p.obj, Ports: ports})
}
