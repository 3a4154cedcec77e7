//go:build unix

package sockets

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"

	"workerd.local/webapi/node/core"
)

var chunks = sync.Pool{New: func() any { return new([core.PipeChunk]byte) }}

// readChunk reads up to core.PipeChunk bytes. While it waits it holds no buffer: there are
// many connections on which nothing happens.
func readChunk(c net.Conn) (got []byte, err error) {
	raw, err := rawOf(c)
	if err != nil {
		return nil, err
	}
	if raw == nil {
		buf := make([]byte, core.PipeChunk)
		n, err := c.Read(buf)
		return append([]byte(nil), buf[:n]...), err
	}
	var n int
	var failed error
	err = raw.Read(func(fd uintptr) bool {
		buf := chunks.Get().(*[core.PipeChunk]byte)
		defer chunks.Put(buf)
		for {
			if n, failed = syscall.Read(int(fd), buf[:]); failed != syscall.EINTR {
				break
			}
		}
		if failed == syscall.EAGAIN {
			return false
		}
		if n > 0 {
			got = append([]byte(nil), buf[:n]...)
		}
		return true
	})
	switch {
	case err != nil:
		return got, err
	case failed != nil:
		return got, &net.OpError{Op: "read", Net: c.LocalAddr().Network(), Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: os.NewSyscallError("read", failed)}
	case n == 0:
		return nil, io.EOF
	}
	return got, nil
}

// writeReady writes what the system takes at once. What fails is told by the write that
// comes next.
func writeReady(c net.Conn, b []byte) (n int, err error) {
	raw, err := rawOf(c)
	if raw == nil || err != nil || len(b) == 0 {
		return 0, err
	}
	err = raw.Write(func(fd uintptr) bool {
		for n < len(b) {
			m, failed := syscall.Write(int(fd), b[n:])
			if m > 0 {
				n += m
			}
			if failed != nil && failed != syscall.EINTR {
				break
			}
		}
		return true
	})
	return n, err
}

// rawOf is a connection as the system has it, nil for one that is no connection of the system.
func rawOf(c net.Conn) (syscall.RawConn, error) {
	if s, ok := c.(syscall.Conn); ok {
		return s.SyscallConn()
	}
	return nil, nil
}
