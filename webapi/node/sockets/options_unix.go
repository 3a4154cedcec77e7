//go:build unix

package sockets

import (
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// reuseAddress lets several sockets have one address, as libuv does it.
func reuseAddress(_, _ string, raw syscall.RawConn) (err error) {
	option := syscall.SO_REUSEADDR
	if runtime.GOOS != "linux" {
		option = unix.SO_REUSEPORT
	}
	if cerr := raw.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, option, 1) }); cerr != nil {
		return cerr
	}
	return err
}

// control runs fn with the socket's descriptor.
func (d *datagrams) control(fn func(fd int) error) error {
	raw, err := d.conn.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := raw.Control(func(fd uintptr) { inner = fn(int(fd)) }); err != nil {
		return err
	}
	return inner
}

func (d *datagrams) setBroadcast(value int) error {
	return d.control(func(fd int) error { return syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_BROADCAST, value) })
}

func (d *datagrams) bufferSize(send bool, bytes int) (size int, err error) {
	option := syscall.SO_RCVBUF
	if send {
		option = syscall.SO_SNDBUF
	}
	err = d.control(func(fd int) error {
		if bytes > 0 {
			if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, option, bytes); err != nil {
				return err
			}
		}
		var err error
		size, err = syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, option)
		return err
	})
	return size, err
}
