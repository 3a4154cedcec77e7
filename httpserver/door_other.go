//go:build !linux

package httpserver

import "net"

// intake is nothing on this system: Go's poller is asked.
type intake struct{}

func newIntake(net.Listener) *intake { return nil }

func (*intake) close() {}

func (d *door) takeIn(*listener) error { return d.accept() }

// No connection comes without Go's poller.
func (l *listener) adopt(int) *conn { panic("httpserver: a connection that nobody has accepted") }

func closeFile(int) {}
