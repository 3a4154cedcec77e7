package iocontext

import (
	"workerd.local/exception"
	"workerd.local/isolate"
)

// Own ties an I/O object to the context that made it. Using it from another
// request's code, or another actor's, is an error (workerd, "Owned objects").
type Own[T any] struct {
	owner *Context
	kind  string
	value T
}

// Owned returns a handle to v owned by the current context. kind is the name of
// the type in the error text.
func Owned[T any](js *isolate.JS, kind string, v T) (Own[T], error) {
	c, err := Current(js)
	if err != nil {
		return Own[T]{}, err
	}
	return Own[T]{c, kind, v}, nil
}

// OwnedBy is Owned for code that has the context at hand.
func OwnedBy[T any](c *Context, kind string, v T) Own[T] { return Own[T]{c, kind, v} }

// Get returns the object where the current context is its owner.
func (o Own[T]) Get(js *isolate.JS) (T, error) {
	c, err := Current(js)
	if err != nil {
		var zero T
		return zero, err
	}
	if c != o.owner {
		var zero T
		return zero, foreign(c, o.kind)
	}
	return o.value, nil
}

// Value is the object for code of the host, whatever context is current.
func (o Own[T]) Value() T { return o.value }

// Owner is the context that owns the object; nil for the zero Own.
func (o Own[T]) Owner() *Context { return o.owner }

func foreign(c *Context, kind string) error {
	who, what := "request", "request handler"
	where := "a different request's handler"
	if c.IsActor() {
		who, what = "Durable Object", "Durable Object"
		where = "a different Durable Object in the same isolate"
	}
	return exception.Errorf("Cannot perform I/O on behalf of a different %s. I/O objects (such as streams, request/response bodies, and others) created in the context of one %s cannot be accessed from %s. This is a limitation of Cloudflare Workers which allows us to improve overall performance. (I/O type: %s)",
		who, what, where, kind)
}
