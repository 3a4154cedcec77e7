package websocket

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"
)

// Replaceable is a net.Conn below one with TLS that gives its place to another one: so that
// a connection with TLS can be watched as others are.
type Replaceable interface {
	net.Conn
	Replace(net.Conn)
}

// sealed is a connection with TLS that the poll watches. crypto/tls reads and writes through
// it, below, and neither waits: a read that finds nothing ends with an error that crypto/tls
// does not remember, as it is temporary, and is tried again; what a write finds no room for
// waits in rest, because a write of crypto/tls must not end in the middle. One worker at a
// time, as everything that reads and writes.
type sealed struct {
	tls  *tls.Conn
	file *file
	rest []byte // encrypted, not written
}

// sealable is the connection of the system below one with TLS, and where a sealed can take
// its place; nil where it cannot.
func sealable(nc net.Conn) (t *tls.Conn, place Replaceable, raw net.Conn) {
	t, ok := nc.(*tls.Conn)
	if !ok {
		return nil, nil, nil
	}
	if place, ok = t.NetConn().(Replaceable); !ok {
		return nil, nil, nil
	}
	if raw = rawConn(place); raw == nil {
		return nil, nil, nil
	}
	return t, place, raw
}

// read is file's, decrypted.
func (s *sealed) read(b []byte) (int, error) {
	n, err := s.tls.Read(b)
	var nothing nothingNow
	switch {
	case n > 0:
		return n, nil // an error comes again
	case errors.As(err, &nothing):
		return 0, errAgain
	case errors.Is(err, io.EOF):
		return 0, errEnd
	}
	return 0, err
}

// write is file's, encrypted. What crypto/tls has taken counts as written; as long as some
// of it waits, nothing more is.
func (s *sealed) write(b []byte) (n int, err error) {
	for len(b) > 0 {
		if err := s.flush(); err != nil {
			if n > 0 && err == errAgain {
				return n, nil
			}
			return n, err
		}
		m, err := s.tls.Write(b[:min(len(b), chunk)])
		n, b = n+m, b[m:]
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// flush writes what waits; errAgain says that not all of it found room.
func (s *sealed) flush() error {
	for len(s.rest) > 0 {
		n, err := s.file.write(s.rest)
		if s.rest = s.rest[n:]; err != nil {
			return err
		}
	}
	s.rest = nil
	return nil
}

// closeWrite says that nothing more comes. Where it fails, reading tells why.
func (s *sealed) closeWrite() { _ = s.tls.CloseWrite() }

// nothingNow is the temporary error of a read that found nothing.
type nothingNow struct{}

func (nothingNow) Error() string   { return "nothing now" }
func (nothingNow) Timeout() bool   { return true }
func (nothingNow) Temporary() bool { return true }

// Read is crypto/tls's.
func (s *sealed) Read(b []byte) (int, error) {
	n, err := s.file.read(b)
	switch err {
	case errAgain:
		err = nothingNow{}
	case errEnd:
		err = io.EOF
	}
	return n, err
}

// Write is crypto/tls's.
func (s *sealed) Write(b []byte) (int, error) {
	if len(s.rest) == 0 {
		n, err := s.file.write(b)
		if err != nil && err != errAgain {
			return n, err
		}
		if n == len(b) {
			return n, nil
		}
		s.rest = append(s.rest, b[n:]...)
		return len(b), nil
	}
	s.rest = append(s.rest, b...)
	return len(b), nil
}

// Close is crypto/tls's.
func (s *sealed) Close() error {
	s.file.close()
	return nil
}

// The others are nothing: nothing waits, and who asks for addresses has done so.

func (s *sealed) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (s *sealed) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (s *sealed) SetDeadline(time.Time) error      { return nil }
func (s *sealed) SetReadDeadline(time.Time) error  { return nil }
func (s *sealed) SetWriteDeadline(time.Time) error { return nil }
