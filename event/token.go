package event

import (
	"context"
	"errors"
)

// Token says what a stub leads to, by names that outlive the process. What holds one can be
// called once a server has looked the names up again.
type Token struct {
	Kind TokenKind
	// RPC says that the token is of the stub of an object, which only [restore]() makes;
	// else it is of a service.
	RPC bool
	// Lasting says that the stub may be stored: what it leads to has allowed it.
	Lasting bool

	// Of an Entrypoint and a ClassOfActors: the service, its export ("" is the default one), and
	// ctx.props.
	Service, Entrypoint string
	Props               *Props

	// Of an Object: the storage key of its class, the bytes of its id, and its name, nil
	// where that is not known.
	Namespace, Key string
	Name           *string

	// Of what was Restored: whose [restore]() makes it, and of which argument.
	Vendor *Token
	Arg    *Payload
}

// TokenKind is what a token names.
type TokenKind uint8

// The kinds of tokens.
const (
	Entrypoint    TokenKind = iota + 1 // an export of a worker
	Object                             // an actor
	Restored                           // what a [restore]() method returns
	ClassOfActors                      // an ActorClass, which is no service
)

// Resolver finds again what tokens name. What leads nowhere is a service, or a class, that
// says so when it is used. Any goroutine.
type Resolver struct {
	Service func(*Token) Service    // of any kind but ClassOfActors
	Class   func(*Token) ActorClass // of ClassOfActors
}

// Named is a Service, or a class, that can say what it is.
type Named interface {
	// Token names it; any goroutine. The error, where it cannot be named, is one
	// that scripts may see. The token is shared and does not change.
	Token() (*Token, error)
}

// Kept is a Service, or a class, that stays with who has it: it cannot be handed on, not even as part of
// what made a binding.
type Kept interface {
	// CheckTransfer is why not, an error that scripts may see, or nil. Any goroutine.
	CheckTransfer() error
}

// ErrNoName is for services that cannot say what they are.
var ErrNoName = errors.New("the service has no name that others could know it by")

// TokenOf is the token of any service; the error is ErrNoName for one that is not Named.
func TokenOf(svc Service) (*Token, error) {
	if n, ok := svc.(Named); ok {
		return n.Token()
	}
	return nil, ErrNoName
}

// TokenRef is a stub that is not there yet, as part of a payload: its token only. It can be
// used anywhere and at any time.
type TokenRef struct{ Token *Token }

// Release is Capability's.
func (TokenRef) Release() {}

// via is how an event came to its receiver.
type via struct {
	stored bool
	self   *Token
}

type viaKey struct{}

func viaOf(ctx context.Context) via {
	v, _ := ctx.Value(viaKey{}).(via)
	return v
}

// WithStored marks an event as one that a stored stub sends: its receiver must allow that.
func WithStored(ctx context.Context) context.Context {
	v := viaOf(ctx)
	v.stored = true
	return context.WithValue(ctx, viaKey{}, v)
}

// Stored reports whether a stored stub sends the event.
func Stored(ctx context.Context) bool { return viaOf(ctx).stored }

// WithSelf tells the receiver of an event which token leads to it, for one that has no name
// of its own.
func WithSelf(ctx context.Context, t *Token) context.Context {
	v := viaOf(ctx)
	v.self = t
	return context.WithValue(ctx, viaKey{}, v)
}

// Self is what WithSelf said; nil for nothing.
func Self(ctx context.Context) *Token { return viaOf(ctx).self }

// Anew is ctx without what WithStored and WithSelf said, for the events that follow from one.
func Anew(ctx context.Context) context.Context {
	if viaOf(ctx) == (via{}) {
		return ctx
	}
	return context.WithValue(ctx, viaKey{}, via{})
}
