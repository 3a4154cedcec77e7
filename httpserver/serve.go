package httpserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/internal/limits"
)

// serve takes one request to its service and the answer back.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	svc := s.service(r)
	if svc == nil {
		s.refuse(w, http.StatusNotFound, "No service is configured for this address.")
		return
	}
	x := exchange{s: s, w: w, r: r}
	req, status, problem := x.request()
	if status != 0 {
		s.refuse(w, status, problem)
		return
	}
	if x.body != nil {
		defer x.body.end()
	}
	if req.WantsWebSocket() {
		x.webSocket(svc, req)
		return
	}
	resp, err := svc.Fetch(r.Context(), req)
	if err != nil {
		x.fail(err)
		return
	}
	x.respond(resp)
}

// service is where a request goes; nil where nothing takes it.
func (s *Server) service(r *http.Request) event.Service {
	t := s.target.Load()
	path := ""
	if len(t.Routes) > 0 {
		path = r.URL.EscapedPath()
	}
	return t.Pick(r.Host, path)
}

// refuse answers without a service.
func (s *Server) refuse(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h["Content-Type"] = []string{"text/plain; charset=utf-8"}
	h["Content-Length"] = []string{strconv.Itoa(len(text))}
	s.complete(h)
	w.WriteHeader(status)
	// An error means that the client is gone.
	_, _ = io.WriteString(w, text)
}

// complete makes a response's headers final.
func (s *Server) complete(h http.Header) {
	event.ApplyHeaders(h, s.o.ResponseHeaders)
	// net/http would guess a type and add a date; the service decides.
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = nil
	}
	if _, ok := h["Date"]; !ok {
		h["Date"] = nil
	}
}

// exchange is one request and its response.
type exchange struct {
	s    *Server
	w    http.ResponseWriter
	r    *http.Request
	body *bodyReader // nil where the request has no body
}

// incoming is what a request needs in any case, in one piece of memory.
type incoming struct {
	event.Request
	host [1]string
	cf   [80]byte
}

// clientCF is request.cf of a request that nobody gave one: who sent it (workerd). A Unix socket has no addresses.
func (in *incoming) clientCF() []byte {
	if _, _, err := net.SplitHostPort(in.Client); err != nil {
		return append(in.cf[:0], "{}"...)
	}
	return append(append(append(in.cf[:0], `{"clientIp":"`...), in.Client...), `"}`...)
}

// request makes the event; a status other than 0 and problem say what is wrong.
func (x *exchange) request() (req *event.Request, status int, problem string) {
	s, r := x.s, x.r
	if !knownMethod(r.Method) {
		return nil, http.StatusNotImplemented, fmt.Sprintf("The method %q is not supported.", r.Method)
	}
	h := r.Header
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	if s.o.ForwardedProto != "" {
		if v := h.Get(s.o.ForwardedProto); v != "" {
			if scheme = strings.ToLower(v); scheme != "http" && scheme != "https" {
				return nil, http.StatusBadRequest, fmt.Sprintf("The header %s must be http or https.", s.o.ForwardedProto)
			}
			h.Del(s.o.ForwardedProto)
		}
	}
	in := &incoming{Request: event.Request{Method: r.Method, Header: h, Client: r.RemoteAddr}, host: [1]string{r.Host}}
	req = &in.Request
	switch {
	case s.o.Proxy && !r.URL.IsAbs():
		return nil, http.StatusBadRequest, "This is a proxy: the request line must have a whole URL."
	case s.o.Proxy:
		req.URL = r.URL.String()
	case r.Host == "":
		return nil, http.StatusBadRequest, "The request has no Host header."
	default:
		uri := r.RequestURI
		if r.URL.IsAbs() {
			uri = r.URL.RequestURI()
		}
		if strings.HasPrefix(uri, "/") {
			req.URL = scheme + "://" + r.Host + uri
		} else { // OPTIONS *
			req.URL = scheme + "://" + r.Host + "/" + uri
		}
	}
	h["Host"] = in.host[:]
	if s.o.CF != "" {
		if v := h.Get(s.o.CF); v != "" {
			if req.CF = []byte(v); !json.Valid(req.CF) {
				return nil, http.StatusBadRequest, fmt.Sprintf("The header %s is not JSON.", s.o.CF)
			}
			h.Del(s.o.CF)
		}
	} else {
		req.CF = in.clientCF()
	}
	event.ApplyHeaders(h, s.o.RequestHeaders)
	x.takeBody(req)
	return req, 0, ""
}

func (x *exchange) takeBody(req *event.Request) {
	r := x.r
	switch {
	case r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0:
		// A length of 0 makes a body that is empty, no length means that there is none.
		if len(r.Header["Content-Length"]) > 0 && r.Method != http.MethodGet && r.Method != http.MethodHead {
			req.Body = event.BytesBody([]byte{})
		}
		return
	}
	x.body = &bodyReader{body: r.Body, rc: http.NewResponseController(x.w), idle: x.s.o.Limits.BodyIdle, rest: limits.SocketRest.Bytes(x.s.o.Limits.Bounds)}
	// Only HTTP/1 needs it and only HTTP/1 has it.
	if err := x.body.rc.EnableFullDuplex(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		x.s.o.Log.Debug("full duplex", "error", err)
	}
	req.Body = event.StreamBody(x.body, r.ContentLength)
}

// knownMethod reports whether a method is one that workerd takes; CONNECT is not
// served.
func knownMethod(m string) bool {
	switch m {
	case "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PURGE", "TRACE", "COPY", "LOCK", "MKCOL", "MOVE",
		"PROPFIND", "PROPPATCH", "SEARCH", "UNLOCK", "ACL", "REPORT", "MKACTIVITY", "CHECKOUT", "MERGE", "M-SEARCH",
		"NOTIFY", "SUBSCRIBE", "UNSUBSCRIBE", "QUERY", "BAN":
		return true
	}
	return false
}

// ofConnection are headers of the connection, not of the message: net/http makes
// its own.
func ofConnection(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Upgrade", "Te", "Trailer":
		return true
	}
	return false
}

// smallBody is the size up to which net/http finds the Content-Length by itself.
const smallBody = 2048

// respond writes an answer.
func (x *exchange) respond(resp *event.Response) {
	defer resp.Discard()
	if resp.Status < 200 || resp.Status > 599 {
		x.fail(fmt.Errorf("the service answered with status %d", resp.Status))
		return
	}
	h := x.w.Header()
	for name, values := range resp.Header {
		if !ofConnection(name) {
			h[name] = values
		}
	}
	x.s.complete(h)
	body := resp.Body
	zip := !resp.Encoded && !body.IsNull() && contentEncoding(h) != ""
	head := x.r.Method == http.MethodHead
	bodiless := head || resp.Status == http.StatusNoContent || resp.Status == http.StatusNotModified
	switch n := body.Size(); {
	case head && body.IsNull():
		// What the service says is the length that a GET would have.
	case zip || n < 0 && !head || !bodiless && body.Stream == nil && n <= smallBody:
		delete(h, "Content-Length")
	case n >= 0:
		h["Content-Length"] = []string{strconv.FormatInt(n, 10)}
	}
	x.settle()
	x.w.WriteHeader(resp.Status)
	if bodiless || body.IsNull() {
		return
	}
	if err := x.copy(body, zip); err != nil {
		if x.r.Context().Err() == nil {
			x.s.o.Log.Warn("response cut short", "url", x.r.URL.Path, "error", err)
		}
		// The client must not take half a body for a whole one.
		panic(http.ErrAbortHandler)
	}
}

// settle says before the header is written whether the connection ends with it.
func (x *exchange) settle() {
	if x.body != nil && x.r.ProtoMajor == 1 && !x.body.settle(x.r) {
		x.w.Header()["Connection"] = []string{"close"}
	}
}

func (x *exchange) copy(body event.Body, zip bool) error {
	h2 := x.r.ProtoMajor != 1
	if body.Stream == nil && !zip && !h2 {
		_, err := x.w.Write(body.Bytes)
		return err
	}
	size := body.Size()
	out := &streamWriter{w: x.w, rc: http.NewResponseController(x.w), idle: x.s.o.Limits.BodyIdle, h2: h2, flush: size < 0, part: limits.SocketWrite.In(x.s.o.Limits.Bounds)}
	if !zip {
		if body.Stream == nil {
			_, err := out.Write(body.Bytes)
			return err
		}
		err := pump(out, body.Stream)
		if err == nil && size >= 0 && out.n != size {
			err = fmt.Errorf("the body has %d bytes of %d", out.n, size)
		}
		return err
	}
	enc := encoder(x.w.Header(), out, size < 0)
	if err := pump(enc, body.Reader()); err != nil {
		return err
	}
	return enc.Close()
}

// pump copies a stream with a buffer from the pool.
func pump(dst io.Writer, src io.Reader) error {
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	// Neither side's own way of copying is used: it would bypass the buffer's size,
	// which decides how live a stream is.
	_, err := io.CopyBuffer(struct{ io.Writer }{dst}, struct{ io.Reader }{src}, *buf)
	return err
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 64<<10); return &b }}

// fail answers for a service that failed. The text is the same for every failure:
// what went wrong is in the log and not for the client.
func (x *exchange) fail(err error) {
	if x.r.Context().Err() != nil {
		panic(http.ErrAbortHandler) // nobody listens
	}
	status := http.StatusInternalServerError
	var e *exception.Exception
	switch {
	case errors.As(err, &e) && e.Overloaded(), errors.Is(err, context.DeadlineExceeded):
		status = http.StatusServiceUnavailable
		if e != nil && e.RetryAfter > 0 {
			x.w.Header().Set("Retry-After", strconv.FormatInt(int64(math.Ceil(e.RetryAfter.Seconds())), 10))
		}
	case e == nil:
		x.s.o.Log.Error("request failed", "url", x.r.URL.Path, "error", err)
	}
	x.settle()
	x.s.refuse(x.w, status, http.StatusText(status))
}
