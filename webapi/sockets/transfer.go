package sockets

import (
	"context"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/streams"
)

// transfers says whether Sockets of the realm go over RPC.
type transfers struct{ allowed bool }

var transfersOf = isolate.NewSlot(func(*isolate.JS) *transfers { return &transfers{} })

// AllowTransfer lets Sockets of the realm go over RPC.
func AllowTransfer(js *isolate.JS) { transfersOf.Get(js).allowed = true }

// Transfer takes the connection out of a Socket that is given to somebody else; ok is false
// for another object. With an error the Socket is as it was. The Socket's streams are of no
// use from then on.
func Transfer(js *isolate.JS, obj *goja.Object) (ref event.SocketRef, ok bool, err error) {
	s, ok := class.Unwrap(js, obj)
	if !ok {
		return ref, false, nil
	}
	refused := func(text string) (event.SocketRef, bool, error) {
		return event.SocketRef{}, true, exception.DOM("DataCloneError", text)
	}
	if !transfersOf.Get(js).allowed {
		return refused("Could not serialize object of type \"Socket\". This type does not support serialization.")
	}
	l, err := s.own.Get(js)
	if err != nil {
		return ref, true, err
	}
	stream, _, _ := bind.ValueOf(js, s.readable)
	readable, _ := stream.(*streams.Readable)
	writable, _ := streams.WritableOf(js, s.writable)
	switch {
	case s.failed:
		return refused("A Socket whose connection failed cannot be serialized.")
	case !s.opened.over:
		return refused("A Socket can only be serialized after it has opened. Await `socket.opened` before transferring the socket over RPC.")
	case readable.Locked():
		return ref, true, exception.TypeErrorf("The ReadableStream has been locked to a reader.")
	case writable.Locked():
		return ref, true, exception.TypeErrorf("The WritableStream has been locked to a writer.")
	}
	l.give()
	s.domain, s.upgraded = "", true
	l.detach(errDetached, exception.TypeErrorf("This WritableStream has been closed."))
	return event.SocketRef{
		Take: l.release, Drop: l.drop,
		Remote: s.remote, Local: s.local, Secure: s.secure, HalfOpen: s.halfOpen, HTTPPort: s.httpPort,
	}, true, nil
}

// Received is the Socket of a connection that somebody gave away, in the context c, which
// is current.
func Received(js *isolate.JS, c *iocontext.Context, ref event.SocketRef) *goja.Object {
	l := newLink()
	s := newSocket(js, c, l, options{secure: ref.Secure, halfOpen: ref.HalfOpen})
	s.remote, s.local, s.httpPort = ref.Remote, ref.Local, ref.HTTPPort
	opening := iocontext.Background(c, func(context.Context) (event.Conn, error) { return ref.Take() })
	opening.Then(l.settle)
	s.follow(js, c, l, opening)
	return socketClass.Wrap(js, s)
}
