package httpserver

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"strconv"

	"workerd.local/event"
)

// reason is the reason phrase of a response, which net/http would word itself.
type reason struct {
	status int
	text   string
}

// firstLine is the size of a response's first line up to its reason phrase: "HTTP/1.1 200 ".
const firstLine = 13

// begins reports whether p begins the response: net/http writes its first line at the begin
// of what it writes, and what comes before has another status.
func (r *reason) begins(p []byte) bool {
	return len(p) > firstLine && bytes.HasPrefix(p, []byte("HTTP/1.")) && string(p[9:firstLine]) == strconv.Itoa(r.status)+" "
}

// say is p with this reason phrase.
func (r *reason) say(p []byte) []byte {
	end := bytes.IndexByte(p, '\r')
	if end < 0 {
		return p
	}
	out := make([]byte, 0, len(p)+len(r.text))
	return append(append(append(out, p[:firstLine]...), r.text...), p[end:]...)
}

// reason says how the response that is about to begin words its status.
func (x *exchange) reason(resp *event.Response) {
	if !x.s.o.Reasons || resp.StatusText == "" || resp.StatusText == http.StatusText(resp.Status) {
		return
	}
	for i := range len(resp.StatusText) {
		if c := resp.StatusText[i]; c < ' ' && c != '\t' || c == 0x7f {
			return // it would be another line
		}
	}
	if c, ok := x.r.Context().Value(connKey{}).(*conn); ok {
		c.reason.Store(&reason{resp.Status, resp.StatusText})
	}
}

type connKey struct{}

// connContext is http.Server's ConnContext.
func (o *Options) connContext() func(context.Context, net.Conn) context.Context {
	if !o.Reasons {
		return connContext
	}
	return func(ctx context.Context, nc net.Conn) context.Context {
		return context.WithValue(connContext(ctx, nc), connKey{}, nc)
	}
}
