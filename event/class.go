package event

// ActorClass is a class of actors as a value, from which facets are made: what is in it only
// who makes actors knows. Any goroutine.
type ActorClass interface {
	Kept
	Named
}

// NoClass is a class of which nothing can be made.
type NoClass struct {
	Err error // why; scripts may see it
}

// CheckTransfer is Kept's.
func (c NoClass) CheckTransfer() error { return c.Err }

// Token is Named's.
func (c NoClass) Token() (*Token, error) { return nil, c.Err }

// ClassRef is a class as part of a payload. It can be used anywhere and at any time.
type ClassRef struct{ Class ActorClass }

// Release is Capability's.
func (ClassRef) Release() {}

// Opened tells a service, in the turn in which a script begins an event on it, that there
// will be one: what it sends waits for the gates of an actor, and comes later.
func Opened(s Service) {
	if o, ok := s.(interface{ Opened() }); ok {
		o.Opened()
	}
}
