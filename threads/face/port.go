package face

import (
	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/threads"
	"workerd.local/webapi/events"
)

// Port is the connection of a worker's script to its owner.
type Port struct {
	*threads.Thread
	// Data is what the owner gave along.
	Data threads.Message
	// Flavor is the face that started the worker.
	Flavor string

	codec threads.Codec
	pair  bool       // Data has Options.Extra too
	value goja.Value // of Data, once it was asked for
	extra goja.Value
}

// PortOf is the port of the running script; nil where it is no worker.
func PortOf(js *isolate.JS) *Port { return ports.Get(js).port }

type held struct{ port *Port }

var ports = isolate.NewSlot(func(*isolate.JS) *held { return &held{} })

// Post sends the owner a value.
func (p *Port) Post(js *isolate.JS, v goja.Value, transfer []goja.Value) error {
	m, err := p.codec.Encode(js, v, transfer)
	if err != nil {
		return err
	}
	return refused(p.Send(m))
}

// Value is Data as a value, always the same.
func (p *Port) Value(js *isolate.JS) (goja.Value, error) {
	if p.value == nil {
		v, err := p.Data.Value(js)
		if err != nil {
			return nil, err
		}
		if p.value = v; p.pair {
			pair := v.ToObject(js.Runtime())
			p.value, p.extra = pair.Get("0"), pair.Get("1")
		}
	}
	return p.value, nil
}

// Extra is what the face of the owner gave along (Options.Extra), always the same; nil where that is nothing.
func (p *Port) Extra(js *isolate.JS) (goja.Value, error) {
	_, err := p.Value(js)
	return p.extra, err
}

// ListenFor adds a receiver for an EventEmitter, which takes messages where it has listeners of them.
func (p *Port) ListenFor(target *goja.Object) {
	p.Receive(func(js *isolate.JS, m threads.Message) bool {
		listens, err := events.Listens(js, target, "message")
		if err == nil && listens {
			var v goja.Value
			if v, err = m.Value(js); err == nil {
				err = events.Emit(js, target, "message", v)
			}
		}
		if err != nil {
			js.Panic(err)
		}
		return listens
	})
}

// connected is a body whose realm has a port.
type connected struct {
	threads.Body
	port   *Port
	give   func(js *isolate.JS, p *Port) error // Options.Port
	online bool                                // the owner wants to know that it runs
}

// online is the message that says so.
type online struct{}

// Size is threads.Message's.
func (online) Size() int { return 0 }

// Value is threads.Message's.
func (online) Value(*isolate.JS) (goja.Value, error) { return goja.Undefined(), nil }

// Start is threads.Body's.
func (c *connected) Start(js *isolate.JS, t *threads.Thread) (goja.Value, error) {
	c.port.Thread = t
	ports.Get(js).port = c.port
	if c.give != nil {
		if err := c.give(js, c.port); err != nil {
			return nil, err
		}
	}
	if c.online {
		if err := t.Send(online{}); err != nil {
			return nil, err
		}
	}
	return c.Body.Start(js, t)
}

// End is threads.Ender's.
func (c *connected) End(js *isolate.JS, t *threads.Thread, code int) int {
	if e, ok := c.Body.(threads.Ender); ok {
		return e.End(js, t, code)
	}
	return code
}

// Caught is threads.Catcher's.
func (c *connected) Caught(js *isolate.JS, t *threads.Thread, v goja.Value) bool {
	k, ok := c.Body.(threads.Catcher)
	return ok && k.Caught(js, t, v)
}

// Finish is threads.Finisher's: what the owner gave along is lost where nobody asked for it.
func (c *connected) Finish() {
	if c.port.value == nil {
		threads.Drop(c.port.Data)
	}
}

func report(js *isolate.JS, err error) { events.Report(js, err) }
