//go:build !unix

package sockets

import (
	"net"

	"workerd.local/webapi/node/core"
)

func readChunk(c net.Conn) ([]byte, error) {
	buf := make([]byte, core.PipeChunk)
	n, err := c.Read(buf)
	return append([]byte(nil), buf[:n]...), err
}

func writeReady(net.Conn, []byte) (int, error) { return 0, nil }
