package actor

import (
	"cmp"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/worker"
)

// Class is an actor class of a worker as a value: event.ActorClass. Any goroutine.
type Class struct {
	// Name is the exported name; "" is the default export.
	Name string
	// Service is the name of its worker, and Lasting says that the class may be stored.
	Service string
	Lasting bool
	// Props is ctx.props of what is made of the class; nil for none.
	Props *event.Props
	// Fixed is why no other worker may have the class; nil lets any.
	Fixed error
	// Open asks for the workers that run the class. They stay until release, which is called
	// once; done is called once, on any goroutine, and with an error has no release.
	Open func(done func(pool *worker.Pool, release func(), err error))
}

// CheckTransfer is event.Kept's.
func (c *Class) CheckTransfer() error { return c.Fixed }

// Token is event.Named's.
func (c *Class) Token() (*event.Token, error) {
	if c.Fixed != nil {
		return nil, c.Fixed
	}
	return &event.Token{Kind: event.ClassOfActors, Lasting: c.Lasting, Service: c.Service, Entrypoint: c.Name, Props: c.Props}, nil
}

// missing is what calls of a facet are told where the worker has no such class.
func (c *Class) missing() error {
	if c.Name == "" || c.Name == "default" {
		return exception.Errorf("Worker has no default actor class.")
	}
	return exception.Errorf("Worker has no such actor class: %s", c.Name)
}

// export is the class's name among its worker's exports.
func (c *Class) export() string { return cmp.Or(c.Name, "default") }
