package sockets

import (
	"context"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/loop"
	"workerd.local/webapi/streams"
)

// socket is a Socket.
type socket struct {
	own                iocontext.Own[*link]
	readable, writable *goja.Object
	opened, closed     promise

	remote, local string // "" where there is none
	secure        string // off, starttls or on
	domain        string // whose certificate startTls wants; "" once it was called
	halfOpen      bool
	httpPort      bool // of the address
	failed        bool // the connection could not be opened
	upgraded      bool
	closing       bool
}

// promise is a promise whose rejection nobody needs to handle.
type promise struct {
	object  *goja.Object
	resolve func(goja.Value)
	reject  func(error)
	over    bool
}

func newPromise(js *isolate.JS) promise {
	var p promise
	p.object, p.resolve, p.reject = js.NewPromise()
	js.OnSettled(p.object, func(*isolate.JS, goja.Value, error) {})
	return p
}

func (p *promise) fulfill(v goja.Value) {
	if !p.over {
		p.over = true
		p.resolve(v)
	}
}

func (p *promise) fail(err error) {
	if !p.over {
		p.over = true
		p.reject(err)
	}
}

// options are what connect() is told.
type options struct {
	secure   string
	halfOpen bool
}

// newSocket makes a socket over a link of the context c, which is current.
func newSocket(js *isolate.JS, c *iocontext.Context, l *link, o options) *socket {
	s := &socket{own: iocontext.OwnedBy(c, "Socket", l), opened: newPromise(js), closed: newPromise(js), secure: o.secure, halfOpen: o.halfOpen}
	s.readable = streams.NewHostReadable(js, c, &readHalf{link: l}, -1)
	s.writable = streams.NewHostWritable(js, c, &writeHalf{link: l})
	return s
}

// follow waits for the connection, for the end of what the other side writes, and for
// the end of all. opening gives the connection.
func (s *socket) follow(js *isolate.JS, c *iocontext.Context, l *link, opening loop.Result[event.Conn]) {
	opened := iocontext.Await(js, c, opening, nil0)
	js.OnSettled(opened, func(js *isolate.JS, _ goja.Value, err error) {
		if err != nil {
			s.fail(js, err)
			return
		}
		s.opened.fulfill(s.info(js))
		if !s.halfOpen {
			s.watch(js, c, l, l.eof, func(js *isolate.JS) {
				if s.upgraded || s.closing {
					return
				}
				js.OnSettled(streams.CloseWritable(js, s.writable), func(_ *isolate.JS, _ goja.Value, err error) {
					if err != nil {
						s.closed.fail(err)
					}
					s.closed.fulfill(nil)
				})
			})
		}
		over := iocontext.Await(js, c, iocontext.Background(c, func(ctx context.Context) (struct{}, error) {
			return struct{}{}, l.gone(ctx)
		}), nil)
		js.OnSettled(over, func(*isolate.JS, goja.Value, error) {
			if !s.closing {
				s.closed.fulfill(nil)
			}
		})
	})
}

// nil0 makes no value of a connection.
func nil0(*isolate.JS, event.Conn) (goja.Value, error) { return goja.Undefined(), nil }

// watch runs fn in the context when ch is closed, unless the link is over before.
func (s *socket) watch(js *isolate.JS, c *iocontext.Context, l *link, ch <-chan struct{}, fn func(js *isolate.JS)) {
	p := iocontext.Await(js, c, iocontext.Background(c, func(ctx context.Context) (bool, error) {
		select {
		case <-ch:
			return true, nil
		case <-l.done:
			select {
			case <-ch: // both at once
				return true, nil
			default:
			}
		case <-ctx.Done():
		}
		return false, nil
	}), func(js *isolate.JS, happened bool) (goja.Value, error) { return js.Runtime().ToValue(happened), nil })
	js.OnSettled(p, func(js *isolate.JS, v goja.Value, err error) {
		if err == nil && v.ToBoolean() {
			fn(js)
		}
	})
}

// fail ends a socket whose connection could not be opened.
func (s *socket) fail(js *isolate.JS, err error) {
	text := "proxy request failed, cannot connect to the specified address"
	if s.httpPort {
		text += ". It looks like you might be trying to connect to a HTTP-based service — consider using fetch instead"
	}
	shown := exception.Errorf("%s", text).WithCause(err)
	if s.domain == "" && s.secure == "on" && s.remote == "" {
		shown = exception.Errorf("%s", js.Exception(err).Message).WithCause(err)
	}
	s.failed = true
	v := js.Error(shown)
	thrown := js.Runtime().Try(func() { panic(v) })
	s.closed.fail(thrown)
	s.opened.fail(thrown)
	ignore := func(p *goja.Object) { js.OnSettled(p, func(*isolate.JS, goja.Value, error) {}) }
	ignore(streams.CancelReadable(js, s.readable, goja.Undefined()))
	ignore(streams.AbortWritable(js, s.writable, v))
}

// info is what opened is fulfilled with.
func (s *socket) info(js *isolate.JS) goja.Value {
	o := js.Runtime().NewObject()
	for _, p := range []struct{ name, value string }{{"remoteAddress", s.remote}, {"localAddress", s.local}} {
		if p.value != "" {
			// The object is new and ordinary.
			_ = o.DefineDataProperty(p.name, js.Runtime().ToValue(p.value), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
		}
	}
	return o
}

// close ends the socket: what was written leaves, then the connection is closed.
func (s *socket) close(js *isolate.JS) (*goja.Object, error) {
	l, err := s.own.Get(js)
	if err != nil {
		return nil, err
	}
	if s.closing {
		return s.closed.object, nil
	}
	s.closing = true
	// What could not be written any more is no failure of closing.
	finish := func(js *isolate.JS, _ goja.Value, _ error) {
		p := iocontext.Await(js, s.own.Owner(), iocontext.Background(s.own.Owner(), func(context.Context) (struct{}, error) { return struct{}{}, l.cut() }), nil)
		js.OnSettled(p, func(js *isolate.JS, _ goja.Value, err error) {
			reason := js.Error(exception.TypeErrorf("This WritableStream has been closed."))
			for _, p := range []*goja.Object{streams.CancelReadable(js, s.readable, goja.Undefined()), streams.AbortWritable(js, s.writable, reason)} {
				js.OnSettled(p, func(*isolate.JS, goja.Value, error) {})
			}
			if err != nil {
				s.closed.fail(err)
			}
			s.closed.fulfill(nil)
		})
	}
	js.OnSettled(s.opened.object, func(js *isolate.JS, _ goja.Value, err error) {
		if err != nil {
			s.closed.fail(err)
			return
		}
		js.OnSettled(streams.CloseWritable(js, s.writable), finish)
	})
	return s.closed.object, nil
}

// startTLS makes a socket that goes on with the connection, encrypted.
func (s *socket) startTLS(js *isolate.JS) (*socket, error) {
	l, err := s.own.Get(js)
	if err != nil {
		return nil, err
	}
	switch {
	case s.secure == "on":
		return nil, exception.TypeErrorf("Cannot startTls on a TLS socket.")
	case s.closing || s.closed.over && !s.upgraded:
		return nil, exception.TypeErrorf("The connection was closed before startTls could be started.")
	case s.secure != "starttls":
		return nil, exception.TypeErrorf("The `secureTransport` socket option must be set to 'starttls' for startTls to be used.")
	case s.domain == "":
		return nil, exception.TypeErrorf("startTls has already been called on this socket, or the socket was transferred over RPC.")
	}
	c, domain := s.own.Owner(), s.domain
	s.domain, s.upgraded = "", true
	next := newLink()
	n := newSocket(js, c, next, options{secure: "on", halfOpen: s.halfOpen})
	n.remote, n.local, n.httpPort = s.remote, s.local, s.httpPort
	opening := iocontext.Background(c, func(ctx context.Context) (event.Conn, error) {
		if _, err := l.wait(); err != nil {
			return nil, err
		}
		l.detach(errDetached, exception.TypeErrorf("This WritableStream has been closed."))
		conn, err := l.release()
		if err != nil {
			return nil, err
		}
		if err := conn.StartTLS(ctx, domain); err != nil {
			_ = conn.Close() // the handshake failed already
			return nil, err
		}
		return conn, nil
	})
	opening.Then(next.settle)
	n.follow(js, c, next, opening)
	s.closed.fulfill(nil)
	return n, nil
}
