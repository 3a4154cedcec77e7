package rpc

import (
	"errors"
	"fmt"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/internal/clone"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/durable"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/global"
	"workerd.local/webapi/sockets"
)

// decoder reads one value: clone.HostObjects that makes stubs of capabilities.
type decoder struct {
	js    *isolate.JS
	ioc   *iocontext.Context // nil where the value is not of a context: no stubs then
	group *group
	p     *event.Payload
	next  int
	keep  bool // the payload is read again
}

// decode makes the value of a payload, whose capabilities are the context's from now on;
// on an error, too, nobody else has to release them.
func decode(js *isolate.JS, ioc *iocontext.Context, p *event.Payload, g *group) (goja.Value, error) {
	if p == nil {
		return goja.Undefined(), nil
	}
	if len(p.Plain) == 1 {
		return unplain(js.Runtime(), p.Plain[0]), nil
	}
	d := &decoder{js: js, ioc: ioc, group: g, p: p}
	return d.value()
}

func (d *decoder) value() (goja.Value, error) {
	v, err := clone.Deserialize(d.js.Runtime(), d.p.Data, clone.Options{Bounds: d.js.Bounds(), Host: d, Resizable: d.js.Library()})
	if err == nil && d.next != len(d.p.Caps) {
		err = errors.New("rpc: a payload carries what its value does not name")
	}
	if !d.keep {
		rest := d.p.Caps[d.next:]
		d.p.Caps = nil
		for _, c := range rest {
			c.Release()
		}
	}
	if err != nil {
		return nil, global.CloneError(err)
	}
	return v, nil
}

// take is the next capability, which must be of the type that the bytes say.
func take[T event.Capability](d *decoder, r *clone.Reader) (c T, err error) {
	n, err := r.Uint32()
	if err != nil {
		return c, err
	}
	if int(n) != d.next || d.next >= len(d.p.Caps) {
		return c, fmt.Errorf("rpc: capability %d of a payload is not there", n)
	}
	c, ok := d.p.Caps[d.next].(T)
	if !ok {
		return c, fmt.Errorf("rpc: capability %d of a payload is a %T", n, d.p.Caps[d.next])
	}
	d.next++
	return c, nil
}

// WriteHost is clone.HostObjects's; a decoder writes nothing.
func (d *decoder) WriteHost(*clone.Writer, *goja.Object) (bool, error) { return false, nil }

// ReadHost is clone.HostObjects's.
func (d *decoder) ReadHost(r *clone.Reader) (*goja.Object, error) {
	tag, err := r.Uint32()
	if err != nil {
		return nil, err
	}
	switch tag {
	case tagStub:
		c, err := take[event.Capability](d, r)
		if err != nil {
			return nil, err
		}
		if ref, ok := c.(event.TokenRef); ok {
			return stubOfToken(d.js, ref.Token, true, nil)
		}
		t, ok := c.(event.Target)
		if !ok {
			c.Release()
			return nil, fmt.Errorf("rpc: a stub of a payload is a %T", c)
		}
		s, err := newStub(d.ioc, t, d.group)
		if err != nil {
			return nil, err
		}
		if f, ok := t.(*forward); ok {
			s.channel = f.channel
		}
		return s.object(d.js), nil
	case tagService:
		c, err := take[event.Capability](d, r)
		if err != nil {
			return nil, err
		}
		switch ref := c.(type) {
		case event.ServiceRef:
			return fetch.Fetcher.Wrap(d.js, &fetch.FetcherObject{Service: ref.Service}), nil
		case event.TokenRef:
			return stubOfToken(d.js, ref.Token, false, nil)
		}
		c.Release()
		return nil, fmt.Errorf("rpc: a service of a payload is a %T", c)
	case tagClass:
		c, err := take[event.Capability](d, r)
		if err != nil {
			return nil, err
		}
		switch ref := c.(type) {
		case event.ClassRef:
			return durable.ClassClass.Wrap(d.js, &durable.Class{Class: ref.Class}), nil
		case event.TokenRef:
			return classOfToken(d.js, ref.Token, nil), nil
		}
		c.Release()
		return nil, fmt.Errorf("rpc: a class of a payload is a %T", c)
	}
	switch tag {
	case tagReadable:
		return d.readable(r)
	case tagWritable:
		return d.writable(r)
	case tagSignal:
		return d.signal(r)
	case tagSocket:
		ref, err := take[event.SocketRef](d, r)
		if err != nil {
			return nil, err
		}
		return sockets.Received(d.js, d.ioc, ref), nil
	}
	if tag == global.ErrorTag {
		return global.ReadError(d.js, r, false)
	}
	return global.ReadHost(d.js, tag, r)
}
