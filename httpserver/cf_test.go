package httpserver_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"path/filepath"
	"testing"

	"workerd.local/event"
	"workerd.local/httpserver"
)

// TestRequestsTellWhoSentThem: without a header for it, request.cf has the client's address, as workerd gives it.
func TestRequestsTellWhoSentThem(t *testing.T) {
	seen := make(chan string, 1)
	_, addr := start(t, httpserver.Options{}, service(func(_ context.Context, req *event.Request) (*event.Response, error) {
		seen <- string(req.CF)
		return &event.Response{Status: 200, Header: http.Header{}}, nil
	}))
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	var cf map[string]string
	if text := <-seen; json.Unmarshal([]byte(text), &cf) != nil || len(cf) != 1 || cf["clientIp"] != c.LocalAddr().String() {
		t.Errorf("request.cf of %s is %s", c.LocalAddr(), text)
	}
}

func TestRequestsOfUnixSocketsHaveAnEmptyCF(t *testing.T) {
	seen := make(chan string, 1)
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Skip(err)
	}
	s := httpserver.New(httpserver.Options{}, httpserver.Target{Default: service(func(_ context.Context, req *event.Request) (*event.Response, error) {
		seen <- string(req.CF)
		return &event.Response{Status: 200, Header: http.Header{}}, nil
	})})
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		<-served
	})
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}}
	resp, err := client.Get("http://a/")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if text := <-seen; text != "{}" {
		t.Errorf("request.cf is %s", text)
	}
}
