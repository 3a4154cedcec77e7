package http

import (
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"workerd.local/isolate"
	"workerd.local/webapi/node/glue"
	"workerd.local/webapi/node/sockets"
)

// switchOver is httpserver's Switch: the connection becomes a socket of node:net or node:tls, which
// the script gets. wants() says whether it takes upgrades; without, they are ordinary
// requests. switched([method, url, minor version, headers], pipe, session, head) gets what was
// taken; headers are names and values in turn. A CONNECT is no ordinary request in any case.
func (l *listener) switchOver(r *http.Request, take func() (net.Conn, []byte, error)) bool {
	if r.Method != http.MethodConnect && !l.wantsUpgrades() {
		return false
	}
	// close() waits for what is on its way to the script.
	l.switching.Add(1)
	defer l.switching.Done()
	c, head, err := take()
	if err != nil {
		return true // the client is gone
	}
	request := describe(r)
	over := make(chan struct{})
	var claimed atomic.Bool // by the script, or by the end of the program
	l.handle.Post(func(js *isolate.JS) {
		if !claimed.CompareAndSwap(false, true) {
			return
		}
		defer close(over)
		session := l.sessionValue(js, r.RemoteAddr)
		pipe, err := sockets.Adopt(js, c)
		if err != nil {
			js.Isolate().Log().Warn("node:http: a connection is closed", "error", err)
			return
		}
		glue.Tell(js, l.switched, request, pipe, session, head)
	})
	select {
	case <-over:
	case <-l.handle.Context().Done():
		if claimed.CompareAndSwap(false, true) {
			c.Close()
		}
	}
	return true
}

// wantsUpgrades asks the script. Not on the loop.
func (l *listener) wantsUpgrades() bool {
	answer := make(chan bool, 1)
	l.handle.Post(func(js *isolate.JS) {
		v, err := js.Call(l.wants, nil)
		answer <- err == nil && v.ToBoolean()
	})
	select {
	case wants := <-answer:
		return wants
	case <-l.handle.Context().Done():
		return false
	}
}

// describe is what the script gets of a request that has no more to come.
func describe(r *http.Request) []any {
	headers := []any{"host", r.Host}
	if r.Host == "" {
		headers = []any{}
	}
	names := make([]string, 0, len(r.Header))
	for name := range r.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range r.Header[name] {
			headers = append(headers, strings.ToLower(name), value)
		}
	}
	return []any{r.Method, r.RequestURI, r.ProtoMinor, headers}
}
