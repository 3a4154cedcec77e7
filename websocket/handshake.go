package websocket

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// keyGUID is what RFC 6455 wants behind the key before it is hashed.
const keyGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

func acceptKey(key string) string { return string(appendAcceptKey(nil, key)) }

func appendAcceptKey(b []byte, key string) []byte {
	var room [24 + len(keyGUID)]byte // for a key that CheckRequest found nothing wrong with
	sum := sha1.Sum(append(append(room[:0], key...), keyGUID...))
	return base64.StdEncoding.AppendEncode(b, sum[:])
}

// CheckRequest says what is wrong with a request for a WebSocket; a status of 0 means
// nothing.
func CheckRequest(r *http.Request) (status int, problem string) {
	switch {
	case r.ProtoMajor != 1 || r.ProtoMinor < 1:
		return http.StatusBadRequest, "A WebSocket needs HTTP/1.1."
	case r.Method != http.MethodGet:
		return http.StatusMethodNotAllowed, "A WebSocket is asked for with GET."
	case !hasToken(r.Header["Connection"], "upgrade"):
		return http.StatusBadRequest, "The header Connection does not name Upgrade."
	case r.Header.Get("Sec-WebSocket-Version") != "13":
		return http.StatusUpgradeRequired, "The requested WebSocket version is not supported."
	}
	key := r.Header["Sec-Websocket-Key"]
	if len(key) != 1 {
		return http.StatusBadRequest, "Missing Sec-WebSocket-Key."
	}
	if b, err := base64.StdEncoding.DecodeString(key[0]); err != nil || len(b) != 16 {
		return http.StatusBadRequest, "The header Sec-WebSocket-Key is not 16 bytes in base64."
	}
	return 0, ""
}

// hasToken reports whether a header has a token, in any of its lists.
func hasToken(values []string, token string) bool {
	for _, v := range values {
		for _, t := range strings.Split(v, ",") {
			if strings.EqualFold(strings.TrimSpace(t), token) {
				return true
			}
		}
	}
	return false
}

// Accepted configures the server's end of a WebSocket.
type Accepted struct {
	// Header is the headers of the response, those of the handshake left out. Where it
	// has Sec-WebSocket-Extensions with permessage-deflate and the client offered that,
	// messages are compressed.
	Header http.Header
	// Owner is for GoAway.
	Owner any
}

// Upgrade answers a request that CheckRequest found nothing wrong with, and takes its
// connection over: the handler of net/http returns then. Where it fails, an error with
// a nil status means that the connection is closed; otherwise nothing was answered yet.
func (s *Set) Upgrade(w http.ResponseWriter, r *http.Request, a Accepted) (*Conn, error) {
	if err := s.reserve(); err != nil {
		return nil, err
	}
	nc, o, err := hijack(w, r, a)
	if err != nil {
		s.release()
		return nil, err
	}
	return s.accept(nc, o)
}

// Take is Upgrade for a connection that is the caller's, without net/http: r came over nc,
// and behind it read. Where the error leaves the request unanswered, nc stays the caller's;
// otherwise it is closed.
func (s *Set) Take(nc net.Conn, r *http.Request, read []byte, a Accepted) (*Conn, error) {
	o, err := s.admit(r, a)
	if err != nil {
		return nil, err
	}
	o.read = bytes.Clone(read)
	return s.accept(nc, o)
}

// Adopt is Take for a connection that nothing but the system knows: fd, which does not
// block. It becomes the Set's where there is no error. It is for the system's own numbers
// where they can be watched (ErrNotWatched otherwise), waits for nothing, and leaves all calls
// of the system to the workers: the handshake is answered once the WebSocket was started.
func (s *Set) Adopt(fd int, r *http.Request, read []byte, a Accepted) (*Conn, error) {
	if !s.polls() {
		return nil, ErrNotWatched
	}
	o, err := s.admit(r, a)
	if err != nil {
		return nil, err
	}
	c := &Conn{
		set: s, owner: o.owner, deflate: o.deflate, window: o.window, in: read, unwatched: true,
		pending: o.answer, queued: int64(len(o.answer)),
	}
	// From its place on the Set may end it, and gives back what it finds.
	c.file.adopt(fd)
	s.queued.Add(c.queued)
	if err := s.place(c); err != nil {
		s.queued.Add(-c.queued)
		return nil, err
	}
	return c, nil
}

// admit makes room for a connection and says what the answer to its handshake is.
func (s *Set) admit(r *http.Request, a Accepted) (options, error) {
	if err := s.reserve(); err != nil {
		return options{}, err
	}
	o, err := agreement(r, a)
	if err != nil {
		s.release()
	}
	return o, err
}

// accept makes a WebSocket of a connection for which there is room, and answers its
// handshake.
func (s *Set) accept(nc net.Conn, o options) (*Conn, error) {
	c, err := s.newConn(nc, o)
	if err != nil {
		return nil, &brokenError{err}
	}
	return c, nil
}

// hijack takes the connection of a request over.
func hijack(w http.ResponseWriter, r *http.Request, a Accepted) (net.Conn, options, error) {
	o, err := agreement(r, a)
	if err != nil {
		return nil, o, err
	}
	nc, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, o, err
	}
	if n := buffered.Reader.Buffered(); n > 0 {
		b, err := buffered.Reader.Peek(n)
		if err != nil {
			nc.Close()
			return nil, o, &brokenError{err}
		}
		o.read = bytes.Clone(b)
	}
	return nc, o, nil
}

// agreement is what the answer to a handshake says.
func agreement(r *http.Request, a Accepted) (options, error) {
	const begin = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
	answer := make([]byte, 0, len(begin)+28+len("\r\n\r\n"))
	answer = append(appendAcceptKey(append(answer, begin...), r.Header.Get("Sec-WebSocket-Key")), "\r\n"...)
	o := options{owner: a.Owner, window: mostWindow}
	if wanted := offers(a.Header); slices.ContainsFunc(wanted, func(x offer) bool { return x.name == deflateName }) {
		var reply string
		if reply, o.window, o.deflate = agree(offers(r.Header)); o.deflate {
			answer = append(answer, "Sec-WebSocket-Extensions: "+reply+"\r\n"...)
		}
	}
	for name := range a.Header {
		if ofHandshake[name] {
			continue
		}
		// There is another one. Write leaves out what is nil, and line breaks.
		head := bytes.NewBuffer(answer)
		if err := a.Header.WriteSubset(head, ofHandshake); err != nil {
			return o, err
		}
		answer = head.Bytes()
		break
	}
	o.answer = append(answer, "\r\n"...)
	return o, nil
}

// brokenError is a failure after the connection was taken over.
type brokenError struct{ err error }

func (e *brokenError) Error() string { return e.err.Error() }
func (e *brokenError) Unwrap() error { return e.err }

// Answerable reports whether an error of Upgrade left the request unanswered.
func Answerable(err error) bool {
	var b *brokenError
	return !errors.As(err, &b)
}

// ofHandshake are the headers that this side makes itself.
var ofHandshake = map[string]bool{
	"Connection": true, "Upgrade": true, "Sec-Websocket-Accept": true, "Sec-Websocket-Extensions": true, "Sec-Websocket-Key": true,
	"Sec-Websocket-Version": true, "Content-Length": true, "Transfer-Encoding": true, "Keep-Alive": true, "Trailer": true, "Te": true,
}

// Dial asks for a WebSocket over a connection to a server, and owns the connection. Where
// the server answers with something else, that is the response, and closing its body
// closes the connection; else the response has the headers of the handshake. Where req
// has Sec-WebSocket-Extensions with permessage-deflate, compression is offered.
// headerBytes bounds the answer's headers. ctx covers the handshake only.
func (s *Set) Dial(ctx context.Context, nc net.Conn, req *http.Request, headerBytes int64) (*Conn, *http.Response, error) {
	end := context.AfterFunc(ctx, func() { nc.Close() })
	c, resp, err := s.dial(nc, req, headerBytes)
	if !end() && err == nil {
		if c != nil {
			c.Abort(ctx.Err())
		} else {
			resp.Body.Close()
		}
		return nil, nil, ctx.Err()
	}
	if err != nil {
		nc.Close()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, nil, err
	}
	return c, resp, nil
}

func (s *Set) dial(nc net.Conn, req *http.Request, headerBytes int64) (*Conn, *http.Response, error) {
	var nonce [16]byte
	rand.Read(nonce[:]) // it does not fail
	key := base64.StdEncoding.EncodeToString(nonce[:])
	h := req.Header.Clone()
	if h == nil {
		h = http.Header{}
	}
	offered := slices.ContainsFunc(offers(h), func(x offer) bool { return x.name == deflateName })
	for name := range ofHandshake {
		delete(h, name)
	}
	if offered {
		h["Sec-Websocket-Extensions"] = []string{clientOffer}
	}
	h["Connection"], h["Upgrade"] = []string{"Upgrade"}, []string{"websocket"}
	h["Sec-Websocket-Version"], h["Sec-Websocket-Key"] = []string{"13"}, []string{key}
	out := *req
	out.Method, out.Header, out.Body, out.ContentLength = http.MethodGet, h, nil, 0
	if err := out.Write(nc); err != nil {
		return nil, nil, err
	}
	limited := &io.LimitedReader{R: nc, N: headerBytes}
	br := bufio.NewReader(limited)
	resp, err := http.ReadResponse(br, &out)
	if err != nil {
		if limited.N <= 0 {
			err = fmt.Errorf("the headers of the answer are larger than %d bytes", headerBytes)
		}
		return nil, nil, err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		limited.N = 1<<63 - 1
		resp.Body = &bodyOf{resp.Body, nc}
		return nil, resp, nil
	}
	switch {
	case !strings.EqualFold(resp.Header.Get("Upgrade"), "websocket") || !hasToken(resp.Header["Connection"], "upgrade"):
		return nil, nil, errors.New("the server changed to another protocol")
	case resp.Header.Get("Sec-WebSocket-Accept") != acceptKey(key):
		return nil, nil, errors.New("the server's answer is not one to this handshake")
	}
	o := options{client: true, window: mostWindow}
	if o.deflate, err = accepted(offers(resp.Header)); err != nil {
		return nil, nil, err
	}
	if o.deflate && !offered {
		return nil, nil, errors.New("the server chose an extension that was not offered")
	}
	if n := br.Buffered(); n > 0 {
		b, err := br.Peek(n)
		if err != nil {
			return nil, nil, err
		}
		o.read = bytes.Clone(b)
	}
	resp.Body = http.NoBody
	if err := nc.SetDeadline(time.Time{}); err != nil {
		return nil, nil, err
	}
	if err := s.reserve(); err != nil {
		return nil, nil, err
	}
	c, err := s.newConn(nc, o)
	return c, resp, err
}

// bodyOf is a body that ends its connection.
type bodyOf struct {
	io.ReadCloser
	nc net.Conn
}

func (b *bodyOf) Close() error { return errors.Join(b.ReadCloser.Close(), b.nc.Close()) }
