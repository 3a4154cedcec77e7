package httpserver

import (
	"fmt"
	"net/http"

	"workerd.local/event"
	"workerd.local/websocket"
)

// webSocket takes a request for a WebSocket to its service. Where the service answers with
// one, the connection is its from then on: the handler returns, and with it net/http's
// goroutine, its buffers and the request's context end, which a WebSocket outlives.
func (x *exchange) webSocket(svc event.Service, req *event.Request) {
	resp, done, err := x.fetch(svc, req)
	defer done()
	if err != nil {
		x.fail(err)
		return
	}
	if resp.WebSocket == nil {
		x.respond(resp)
		return
	}
	c := x.upgrade(resp)
	if c == nil {
		_ = resp.Discard() // its end is aborted, and it has no body
		return
	}
	_ = resp.Body.Close()
	event.Splice(c, resp.WebSocket, nil)
}

// upgrade makes the client's end of a WebSocket, or answers that there is none.
func (x *exchange) upgrade(resp *event.Response) *websocket.Conn {
	if resp.Status != http.StatusSwitchingProtocols {
		x.fail(fmt.Errorf("the service answered with a WebSocket and status %d", resp.Status))
		return nil
	}
	if status, problem := websocket.CheckRequest(x.r); status != 0 {
		if status == http.StatusUpgradeRequired {
			x.w.Header()["Sec-WebSocket-Version"] = []string{"13"}
		}
		x.s.refuse(x.w, status, problem)
		return nil
	}
	if x.s.o.WebSockets == nil {
		x.fail(fmt.Errorf("the server has no WebSockets"))
		return nil
	}
	c, err := x.s.o.WebSockets.Upgrade(x.w, x.r, websocket.Accepted{Header: x.s.handshakeHeader(resp), Owner: x.s})
	switch {
	case err == nil:
		return c
	case !websocket.Answerable(err):
		x.s.o.Log.Debug("websocket", "url", x.r.URL.Path, "error", err)
	case err == websocket.ErrTooMany:
		x.s.refuse(x.w, http.StatusServiceUnavailable, http.StatusText(http.StatusServiceUnavailable))
	default:
		x.fail(err)
	}
	return nil
}

// handshakeHeader is what of a service's headers goes to the client.
func (s *Server) handshakeHeader(resp *event.Response) http.Header {
	h := http.Header{}
	for name, values := range resp.Header {
		if !ofConnection(name) {
			h[name] = values
		}
	}
	event.ApplyHeaders(h, s.o.ResponseHeaders)
	return h
}
