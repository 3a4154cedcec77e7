package httpserver_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"testing"

	"workerd.local/event"
	"workerd.local/httpserver"
)

// hammer sends one request after the other on one connection per goroutine.
func hammer(b *testing.B, addr, request string) {
	b.Helper()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			b.Error(err)
			return
		}
		defer c.Close()
		r := bufio.NewReader(c)
		out := []byte(request)
		for pb.Next() {
			if _, err := c.Write(out); err != nil {
				b.Error(err)
				return
			}
			for blank := 0; blank < 1; { // headers, then "Hello World" without a newline
				line, err := r.ReadSlice('\n')
				if err != nil {
					b.Error(err)
					return
				}
				if len(line) == 2 {
					blank++
				}
			}
			if _, err := r.Discard(len(hello)); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

const hello = "Hello World"

// BenchmarkServeHello is a request through this package to a service that does
// nothing; BenchmarkBareHello is the same answer from net/http alone.
func BenchmarkServeHello(b *testing.B) {
	_, addr := start(b, httpserver.Options{Health: "/healthz"}, text(hello))
	hammer(b, addr, get)
}

func BenchmarkBareHello(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, hello)
	})}
	go s.Serve(l)
	defer s.Close()
	hammer(b, l.Addr().String(), get)
}

// BenchmarkServePost has a request body, which is read.
func BenchmarkServePost(b *testing.B) {
	_, addr := start(b, httpserver.Options{}, echoLength)
	hammer(b, addr, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345")
}

var echoLength = service(func(ctx context.Context, req *event.Request) (*event.Response, error) {
	if _, err := io.Copy(io.Discard, req.Body.Reader()); err != nil {
		return nil, err
	}
	return text(hello)(ctx, req)
})
