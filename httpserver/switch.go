package httpserver

import (
	"crypto/tls"
	"net"
	"net/http"
	"time"

	"workerd.local/websocket"
)

// Switch is asked about each request of HTTP/1 whose client wants to speak something else
// on its connection: one with an Upgrade, or a CONNECT. False makes it a request like the
// others. Who says true has called take, or cuts the connection: take is called once at most, and
// gives the connection, a *tls.Conn where the socket has TLS, and what was read behind the
// request's headers. The connection is no longer the server's, which neither bounds its times
// nor waits for it.
//
// It is called on the goroutine of the connection, which may block until the request's context ends.
type Switch func(r *http.Request, take func() (net.Conn, []byte, error)) bool

// wantsSwitch reports whether a request is one that Switch is asked about.
func wantsSwitch(r *http.Request) bool {
	if r.ProtoMajor != 1 {
		return false
	}
	return r.Method == http.MethodConnect || len(r.Header["Upgrade"]) > 0 && websocket.HasToken(r.Header["Connection"], "upgrade")
}

// switches reports whether a request has left the server.
func (s *Server) switches(w http.ResponseWriter, r *http.Request) bool {
	if s.o.Switch == nil || !wantsSwitch(r) {
		return false
	}
	taken := false
	gone := s.o.Switch(r, func() (net.Conn, []byte, error) {
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return nil, nil, err
		}
		taken = true
		head, err := rw.Reader.Peek(rw.Reader.Buffered())
		if err == nil {
			c, err = release(c)
		}
		if err != nil {
			c.Close()
			return nil, nil, err
		}
		return c, head, nil
	})
	if gone && !taken {
		panic(http.ErrAbortHandler)
	}
	return gone
}

// release takes the deadlines of this package off a connection.
func release(c net.Conn) (net.Conn, error) {
	below := c
	secure, isSecure := c.(*tls.Conn)
	if isSecure {
		below = secure.NetConn()
	}
	own, ok := below.(*conn)
	if !ok {
		return c, nil
	}
	own.foreign.Store(true) // there is none that it might respect
	if err := own.Conn.SetDeadline(time.Time{}); err != nil {
		return c, err
	}
	if isSecure || len(own.read) > 0 {
		return c, nil
	}
	return own.Conn, nil
}
