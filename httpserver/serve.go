package httpserver

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"workerd.local/event"
	"workerd.local/exception"
)

// serve takes one request to its service and the answer back.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	t := s.target.Load()
	svc := t.Default
	if len(t.Routes) > 0 {
		if m := t.Routes.Match(r.Host, r.URL.Path); m != nil {
			svc = m
		}
	}
	if svc == nil {
		http.Error(w, "No service is configured for this address.", http.StatusNotFound)
		return
	}
	req, problem := s.request(w, r)
	if problem != "" {
		http.Error(w, problem, http.StatusBadRequest)
		return
	}
	resp, err := svc.Fetch(r.Context(), req)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.respond(w, r, resp)
}

// request makes the event of an HTTP request; problem says what is wrong with it.
func (s *Server) request(w http.ResponseWriter, r *http.Request) (req *event.Request, problem string) {
	h := r.Header
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	if s.o.ForwardedProto != "" {
		if v := h.Get(s.o.ForwardedProto); v != "" {
			scheme = strings.ToLower(v)
			h.Del(s.o.ForwardedProto)
		}
	}
	req = &event.Request{Method: r.Method, Header: h}
	switch {
	case r.URL.IsAbs() && (s.o.Proxy || r.URL.Host != ""):
		req.URL = r.URL.String()
	case r.Host == "":
		return nil, "The request has no Host header."
	default:
		uri := r.RequestURI
		if !strings.HasPrefix(uri, "/") {
			uri = "/" + uri
		}
		req.URL = scheme + "://" + r.Host + uri
	}
	h["Host"] = []string{r.Host}
	if s.o.CF != "" {
		if v := h.Get(s.o.CF); v != "" {
			req.CF = []byte(v)
			h.Del(s.o.CF)
		}
	}
	apply(h, s.o.RequestHeaders)
	if r.Body != nil && r.Body != http.NoBody && r.ContentLength != 0 {
		rc := http.NewResponseController(w)
		// Only HTTP/1 needs it and only HTTP/1 has it.
		if err := rc.EnableFullDuplex(); err != nil && !errors.Is(err, http.ErrNotSupported) {
			s.o.Log.Debug("full duplex", "error", err)
		}
		req.Body = event.StreamBody(&bodyReader{body: r.Body, rc: rc, idle: s.o.Limits.BodyIdle}, r.ContentLength)
	}
	return req, ""
}

// bodyReader reads a request's body, which must not stand still for too long.
type bodyReader struct {
	body io.ReadCloser
	rc   *http.ResponseController
	idle time.Duration
}

func (b *bodyReader) Read(p []byte) (int, error) {
	// Deadlines are not there on every kind of connection; then there is no limit.
	_ = b.rc.SetReadDeadline(time.Now().Add(b.idle))
	n, err := b.body.Read(p)
	if err != nil {
		_ = b.rc.SetReadDeadline(time.Time{})
		if err != io.EOF {
			err = exception.Errorf("Network connection lost.").WithKind(exception.Disconnected).WithCause(err)
		}
	}
	return n, err
}

func (b *bodyReader) Close() error { return b.body.Close() }

// hopByHop are headers of the connection, not of the message: net/http makes its
// own.
var hopByHop = map[string]bool{
	"Connection": true, "Keep-Alive": true, "Proxy-Connection": true, "Transfer-Encoding": true, "Upgrade": true, "Te": true, "Trailer": true,
}

// respond writes an answer.
func (s *Server) respond(w http.ResponseWriter, r *http.Request, resp *event.Response) {
	defer resp.Body.Close()
	h := w.Header()
	for name, values := range resp.Header {
		if !hopByHop[name] {
			h[name] = values
		}
	}
	// net/http would guess a type and add a date; the script decides.
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = nil
	}
	h["Date"] = nil
	apply(h, s.o.ResponseHeaders)

	body := resp.Body
	zip := !resp.Encoded && !body.IsNull() && strings.EqualFold(h.Get("Content-Encoding"), "gzip")
	bodiless := r.Method == http.MethodHead || resp.Status == http.StatusNoContent || resp.Status == http.StatusNotModified
	switch n := body.Size(); {
	case zip:
		h.Del("Content-Length")
	case n >= 0 && !(bodiless && body.IsNull()):
		h["Content-Length"] = []string{strconv.FormatInt(n, 10)}
	case !bodiless:
		h.Del("Content-Length")
	}
	if resp.Status == http.StatusNoContent {
		h.Del("Content-Length")
	}
	w.WriteHeader(resp.Status)
	if bodiless || body.IsNull() {
		return
	}
	if err := s.copyBody(w, body, zip); err != nil {
		if r.Context().Err() == nil {
			s.o.Log.Warn("response cut short", "url", r.URL.Path, "error", err)
		}
		// The client must not take half a body for a whole one.
		panic(http.ErrAbortHandler)
	}
}

func (s *Server) copyBody(w http.ResponseWriter, body event.Body, zip bool) error {
	if body.Stream == nil && !zip {
		_, err := w.Write(body.Bytes)
		return err
	}
	out := &bodyWriter{w: w, rc: http.NewResponseController(w), idle: s.o.Limits.BodyIdle, flush: body.Size() < 0}
	var dst io.Writer = out
	var gz *gzip.Writer
	if zip {
		gz = gzip.NewWriter(out)
		dst = gz
		if body.Size() < 0 {
			dst = flushGzip{gz}
		}
	}
	src := body.Reader()
	var err error
	if wt, ok := src.(io.WriterTo); ok {
		_, err = wt.WriteTo(dst)
	} else {
		buf := buffers.Get().(*[]byte)
		_, err = io.CopyBuffer(dst, struct{ io.Reader }{src}, *buf)
		buffers.Put(buf)
	}
	if err == nil && gz != nil {
		err = gz.Close()
	}
	return err
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 64<<10); return &b }}

// bodyWriter writes a response's body to a client that must keep reading. A body
// whose length is not known may be a live stream, so each piece goes out at once.
type bodyWriter struct {
	w     io.Writer
	rc    *http.ResponseController
	idle  time.Duration
	flush bool
}

func (b *bodyWriter) Write(p []byte) (int, error) {
	// Deadlines are not there on every kind of connection; then there is no limit.
	_ = b.rc.SetWriteDeadline(time.Now().Add(b.idle))
	n, err := b.w.Write(p)
	if err == nil && b.flush {
		err = b.rc.Flush()
	}
	return n, err
}

type flushGzip struct{ *gzip.Writer }

func (f flushGzip) Write(p []byte) (int, error) {
	n, err := f.Writer.Write(p)
	if err == nil {
		err = f.Flush()
	}
	return n, err
}

// fail answers for a service that failed. The text is the same for every failure:
// what went wrong is in the log and not for the client.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // nobody listens
	}
	status := http.StatusInternalServerError
	var e *exception.Exception
	switch {
	case errors.As(err, &e) && e.Overloaded(), errors.Is(err, context.DeadlineExceeded):
		status = http.StatusServiceUnavailable
	case e == nil:
		s.o.Log.Error("request failed", "url", r.URL.Path, "error", err)
	}
	apply(w.Header(), s.o.ResponseHeaders)
	http.Error(w, http.StatusText(status), status)
}

func apply(h http.Header, headers []Header) {
	for _, x := range headers {
		if x.Remove {
			h.Del(x.Name)
		} else {
			h.Set(x.Name, x.Value)
		}
	}
}
