package main

import "syscall"

// ipBindAddressNoPort is IP_BIND_ADDRESS_NO_PORT, which package syscall has no name for.
const ipBindAddressNoPort = 24

// portLater lets the system choose the port of a source address when the connection is
// made: to look for one that nobody uses at all takes longer than everything else.
func portLater(_, _ string, c syscall.RawConn) error {
	var failure error
	err := c.Control(func(fd uintptr) {
		failure = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, ipBindAddressNoPort, 1)
	})
	if err != nil {
		return err
	}
	return failure
}
