package jstest

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"workerd.local/event"
)

// Service is an event.Service for tests: it takes requests and no other events, and
// remembers what it was asked. Its fields are set before the first request.
type Service struct {
	// Line tells of a request in one line, which Asked gives; nil is Line of this package.
	Line func(req *event.Request, body []byte) string
	// Answer gives the answer to a request whose body was read.
	Answer func(req *event.Request) (*event.Response, error)

	mu    sync.Mutex
	asked []string
}

var _ event.Service = (*Service)(nil)

// Fetch reads the whole request, remembers it and answers it; any goroutine may call it.
func (s *Service) Fetch(_ context.Context, req *event.Request) (*event.Response, error) {
	body, err := io.ReadAll(req.Body.Reader())
	if err != nil {
		return nil, err
	}
	line := s.Line
	if line == nil {
		line = Line
	}
	s.mu.Lock()
	s.asked = append(s.asked, line(req, body))
	s.mu.Unlock()
	return s.Answer(req)
}

// Deliver takes no events.
func (s *Service) Deliver(context.Context, event.Event) (event.Outcome, error) {
	return event.Outcome{}, event.ErrUnsupported
}

// Asked returns the lines of the requests so far, in their order.
func (s *Service) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// Line is a request as its method, its address without the host that stands for a
// service, its headers and its body.
func Line(req *event.Request, body []byte) string {
	return fmt.Sprintf("%s %s %s %q", req.Method, strings.TrimPrefix(req.URL, "https://fake-host"), Headers(req.Header), body)
}

// Headers is h as "Name=value" in the order of the names.
func Headers(h http.Header) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(h)) {
		out = append(out, name+"="+strings.Join(h[name], ","))
	}
	return strings.Join(out, " ")
}

// Always is the Answer that is the same each time.
func Always(r *event.Response, err error) func(*event.Request) (*event.Response, error) {
	return func(*event.Request) (*event.Response, error) { return r, err }
}

// Response is an answer with a body of bytes and headers, each a name and its value.
func Response(status int, body string, header ...string) *event.Response {
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &event.Response{Status: status, Header: h, Body: event.BytesBody([]byte(body))}
}
