package differential

import "testing"

// serviceAreas are the sockets of services.capnp: bindings that are clients of a service.
var serviceAreas = []string{"kv", "r2", "queue", "queue-old", "cache", "memory-cache", "analytics"}

// TestProbesOfServices compares what the clients of services ask for, and what they make
// of every kind of answer. Each of the two programs has a fake service of its own.
func TestProbesOfServices(t *testing.T) {
	path := theirs(t)
	b := startTheirs(t, path, "services.capnp", serviceAreas, newFake(t).flags()...)
	a := startOurs(t, "services.capnp", serviceAreas, newFake(t).flags()...)
	probeBoth(t, serviceAreas, a, b, acceptedOfServices, unusedOf(acceptedOfServices))
}
