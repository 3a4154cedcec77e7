package supervise

import (
	"context"
	"net"
)

// Run returns ErrUnsupported: this system cannot hand a listening socket over.
func Run(context.Context, Options) (code int, err error) { return 1, ErrUnsupported }

// Child is the parent as its child sees it; there is none on this system.
type Child struct{}

// Inherited returns nil: no process has a parent of this kind.
func Inherited() (*Child, error) { return nil, nil }

// Restarted is false.
func (*Child) Restarted() bool { return false }

// Quarantine is empty.
func (*Child) Quarantine() []Quarantine { return nil }

// Slot is nil.
func (*Child) Slot(int) *Slot { return nil }

// Take returns nil.
func (*Child) Take(name, address string) net.Listener { return nil }

// Keep returns ErrUnsupported.
func (*Child) Keep([]Socket) error { return ErrUnsupported }

// Listen does nothing.
func (*Child) Listen(stop, reload, orphaned func()) {}

// Close does nothing.
func (*Child) Close() error { return nil }
