//go:build !linux

package websocket

import (
	"errors"
	"net"
)

var errNoPoll = errors.New("connections cannot be watched on this system")

// poll is not there: each connection has a goroutine.
type poll struct{}

func newPoll() (*poll, error)         { return nil, errNoPoll }
func (p *poll) add(*Conn) error       { return errNoPoll }
func (p *poll) writable(*Conn) error  { return errNoPoll }
func (p *poll) run(func([]readiness)) {}
func (p *poll) close()                {}

// file is not there either: connections stay Go's.
type file struct{}

func (f *file) take(net.Conn) error       { return errNoPoll }
func (f *file) there() bool               { return false }
func (f *file) read([]byte) (int, error)  { return 0, errNoPoll }
func (f *file) write([]byte) (int, error) { return 0, errNoPoll }
func (f *file) closeWrite()               {}
func (f *file) close()                    {}
