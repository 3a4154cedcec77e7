package actor

import (
	"workerd.local/event"
	"workerd.local/exception"
)

// storableStubs is the compatibility flag of stubs that can be stored.
const storableStubs = "allow_irrevocable_stub_storage"

var (
	_ event.Named = (*Stub)(nil)
	_ event.Kept  = (*Stub)(nil)
)

var errEphemeral = exception.DOM("DataCloneError", "Stubs pointing to ephemeral objects are not serializable.")

// CheckTransfer is event.Kept's.
func (s *Stub) CheckTransfer() error {
	if s.h.n.ids == nil {
		return errEphemeral
	}
	return nil
}

// Token is event.Named's.
func (s *Stub) Token() (*event.Token, error) {
	if err := s.CheckTransfer(); err != nil {
		return nil, err
	}
	return &event.Token{Kind: event.Object, Lasting: s.lasting, Namespace: s.id.Namespace, Key: s.id.Key, Name: s.name}, nil
}

// token names the actor of a container; nil where no name leads to it.
func (c *container) token() (*event.Token, error) {
	if c.child != nil {
		// A facet is known by what its parent made again, if the event came that way.
		return c.child.self, nil
	}
	if c.h.n.ids == nil {
		return nil, nil
	}
	return &event.Token{Kind: event.Object, Lasting: true, Namespace: c.id.Namespace, Key: c.id.Key, Name: c.name}, nil
}
