package sockets

import "syscall"

// reuseAddress lets several sockets have one address.
func reuseAddress(_, _ string, raw syscall.RawConn) (err error) {
	if cerr := raw.Control(func(fd uintptr) {
		err = syscall.SetsockoptInt(syscall.Handle(fd), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
	}); cerr != nil {
		return cerr
	}
	return err
}

func (d *datagrams) setBroadcast(value int) error {
	raw, err := d.conn.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := raw.Control(func(fd uintptr) {
		inner = syscall.SetsockoptInt(syscall.Handle(fd), syscall.SOL_SOCKET, syscall.SO_BROADCAST, value)
	}); err != nil {
		return err
	}
	return inner
}

func (d *datagrams) bufferSize(send bool, bytes int) (int, error) {
	if bytes == 0 {
		return 0, syscall.ENOSYS // the system does not say
	}
	if send {
		return bytes, d.conn.SetWriteBuffer(bytes)
	}
	return bytes, d.conn.SetReadBuffer(bytes)
}
