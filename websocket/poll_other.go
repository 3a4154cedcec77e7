//go:build !linux

package websocket

import "net"

// poll is not there: each connection has a goroutine.
type poll struct{}

func newPoll() (*poll, error)         { return nil, ErrNotWatched }
func (p *poll) add(*Conn) error       { return ErrNotWatched }
func (p *poll) writable(*Conn) error  { return ErrNotWatched }
func (p *poll) run(func([]readiness)) {}
func (p *poll) close()                {}

// file is not there either: connections stay Go's.
type file struct{}

func (f *file) take(net.Conn) error       { return ErrNotWatched }
func (f *file) adopt(int)                 {}
func (f *file) there() bool               { return false }
func (f *file) read([]byte) (int, error)  { return 0, ErrNotWatched }
func (f *file) write([]byte) (int, error) { return 0, ErrNotWatched }
func (f *file) closeWrite()               {}
func (f *file) close()                    {}
