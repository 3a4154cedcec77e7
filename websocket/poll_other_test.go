//go:build !linux

package websocket

func peerOf(c *Conn) string { return c.nc.RemoteAddr().String() }
