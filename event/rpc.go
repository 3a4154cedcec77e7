package event

import (
	"context"
	"errors"
)

// Caller is a Service whose methods can be called.
type Caller interface {
	// StartCall begins a session with one call and returns at once; any goroutine, an
	// isolate's included. done is called exactly once, on any goroutine, and must not
	// block. Calls started one after the other by one goroutine on one service value are
	// delivered in that order. ctx ends when nobody waits for the result any more.
	StartCall(ctx context.Context, call *Call, done func(*Result, error))
}

// StartCall begins a call on any service; one that is no Caller has no methods.
func StartCall(ctx context.Context, svc Service, call *Call, done func(*Result, error)) {
	if err := Refusal(ctx); err != nil {
		call.Release()
		done(nil, err)
		return
	}
	if c, ok := svc.(Caller); ok {
		c.StartCall(ctx, call, done)
		return
	}
	call.Release()
	done(nil, ErrNoMethods)
}

// ErrNoMethods is for services that are not made of objects: the network, a directory.
var ErrNoMethods = errors.New("the receiver is not an RPC object")

// Call is one call of a method, or one read of a property.
type Call struct {
	// Path is the names from the object that is called to the member; empty for the object
	// itself.
	Path []string
	// Get reads the property instead of calling it.
	Get bool
	// Args is the array of arguments; nil for none.
	Args *Payload
	// Props is ctx.props of the receiver; see Request.
	Props *Props
	// Near is the loop of the caller: a receiver that may run anywhere runs best there.
	Near any
	// Restore, where it is not nil, takes the place of Path, Get and Args: the receiver's
	// [restore]() method is called, and the result carries what it makes.
	Restore *Restore
}

// Restore asks a receiver to make what a token names.
type Restore struct {
	Arg *Payload // it may be read many times
	// RPC wants the stub of an object, which is the only capability of the result: a
	// Target; else a ServiceRef.
	RPC bool
}

// Release gives up a call that is not delivered.
func (c *Call) Release() { c.Args.Release() }

// Result is what a call returned.
type Result struct {
	Value *Payload
	// Pipeline takes the calls of the value's members; nil where it has none. Whoever has
	// the result releases it.
	Pipeline Target
	// Disposer says that the receiver wants to know when the value is not used any more,
	// which is when Pipeline is released.
	Disposer bool
	// After, which may be nil, calls its argument once what the call left behind for later
	// has ended; any goroutine calls it, at most once.
	After func(ended func())
}

// Release gives up a result.
func (r *Result) Release() {
	if r == nil {
		return
	}
	r.Value.Release()
	if r.Pipeline != nil {
		r.Pipeline.Release()
	}
}

// Payload is a JavaScript value on its way from one realm to another: bytes in the format
// of structured clones, and what bytes cannot hold. It is read once.
type Payload struct {
	Data []byte
	Caps []Capability
	// Plain takes the place of both where the value is a primitive, or a list of arguments
	// that are: nil for null, Undefined, bool, int64, float64, or a string of ASCII.
	Plain []any
}

// Undefined is JavaScript's undefined in a Payload.
type Undefined struct{}

// Release gives up what the payload carries.
func (p *Payload) Release() {
	if p == nil {
		return
	}
	for _, c := range p.Caps {
		c.Release()
	}
	p.Caps = nil
}

// Capability is something that a payload carries beside bytes: a Target, a ServiceRef, a
// stream and the like. Each belongs to one holder, who releases it once.
type Capability interface {
	// Release gives it up; any goroutine. It does not block.
	Release()
}

// Target is a reference to an object of another realm, or of another context. Any
// goroutine.
type Target interface {
	Capability
	// Call is Caller's StartCall on the object. The holder may release the target before
	// the call has ended.
	Call(ctx context.Context, call *Call, done func(*Result, error))
	// Retain makes one more holder.
	Retain()
}

// ServiceRef is a service as part of a payload. It can be used anywhere and at any time.
type ServiceRef struct{ Service Service }

// Release is Capability's.
func (ServiceRef) Release() {}

// StreamRef is a stream of bytes as part of a payload: who takes it reads and closes it.
type StreamRef struct{ Body Body }

// Release is Capability's.
func (s StreamRef) Release() {
	if s.Body.Stream != nil {
		// Close may block, and the answer is about bytes that nobody wanted.
		go s.Body.Close()
	}
}

// SocketRef is a Socket as part of a payload: who takes it owns the connection.
type SocketRef struct {
	// Take gives the connection, once what the sender writes has been written; Drop closes
	// it. Both may block, and one of them is called, once.
	Take func() (Conn, error)
	Drop func() error
	// What the Socket says of itself; empty for what it does not know.
	Remote, Local, Secure string
	HalfOpen, HTTPPort    bool
}

// Release is Capability's.
func (s SocketRef) Release() {
	// Drop may block, and what it says is about bytes that nobody wanted.
	go s.Drop()
}

// Props are ctx.props of a receiver: what made the binding says, and its callers cannot
// change. Exactly one field is set.
type Props struct {
	// JSON is what a configuration says.
	JSON []byte
	// Value is what a script said. It may be read many times: what it carries are
	// ServiceRefs, ClassRefs and TokenRefs only.
	Value *Payload
}
