package replay

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync"

	"workerd.local/event"
	"workerd.local/exception"
)

// ErrReset is what becomes of a request that was under way when its worker was forked, in
// Aworker's words.
var ErrReset = exception.TypeErrorf("fetch failed: the connection was reset by a fork (CanonicalCode::CONNECTION_RESET)")

// Exchange is one request of a run and what came of it.
type Exchange struct {
	Key    [32]byte // hash of the request
	What   string   // method and URL, for people
	Answer *Answer  // nil while it is under way

	cancel context.CancelFunc
	done   func(*event.Response, error)
}

// Answer is the end of an exchange.
type Answer struct {
	Class      string // of the error that it is; "" is a response
	Failure    string // its text
	Status     int
	StatusText string
	URL        string
	Header     http.Header
	Body       []byte // nil is none
	Encoded    bool   // Body has the Content-Encoding of Header
}

// NewNetwork returns a network over the real one; nil means that there is none, and that
// fetch fails. most is how many bytes a body may have that is recorded.
func NewNetwork(real event.Service, t *Tape, most int) *Network {
	if real == nil {
		real = nowhere{}
	}
	return &Network{real: real, tape: t, most: most}
}

// Network is where the fetch of a run leads: to the real one, which a recording worker
// reads whole before the script goes on, or to the answers of the log. Any goroutine.
type Network struct {
	real event.Service
	tape *Tape
	most int // bytes of a body while it records

	mu     sync.Mutex // guards what follows
	frozen bool       // the worker has parked: what is under way stays so until the fork
	forked bool
	list   []*Exchange            // of this run, in the order in which they began
	log    map[[32]byte][]*Answer // of the log, in the order in which they were asked for
}

var _ event.AsyncService = (*Network)(nil)

// Fetch is event.Service's.
func (n *Network) Fetch(ctx context.Context, req *event.Request) (*event.Response, error) {
	return event.Wait(ctx, func(done func(*event.Response, error)) { n.Start(ctx, req, done) })
}

// Deliver is event.Service's; a network takes no events.
func (n *Network) Deliver(context.Context, event.Event) (event.Outcome, error) {
	return event.Outcome{Status: event.NotFound}, event.ErrUnsupported
}

// Start is event.AsyncService's.
func (n *Network) Start(ctx context.Context, req *event.Request, done func(*event.Response, error)) {
	n.StartOn(ctx, n.real, req, done)
}

// Refuse is event.Watcher's.
func (n *Network) Refuse() error { return errRequestsOnly }

var errRequestsOnly = exception.Errorf("Code that starts an isolate from a snapshot may make requests and set timers, and nothing else: this would have to be done again for every isolate. Do it in a handler, or when the deserialize event comes.")

// StartOn is event.Watcher's: a request to another service than the network's own.
func (n *Network) StartOn(ctx context.Context, svc event.Service, req *event.Request, done func(*event.Response, error)) {
	ctx = event.Unwatched(ctx)
	n.mu.Lock()
	through := n.forked || n.tape.IsLive()
	n.mu.Unlock()
	if through {
		sent := *req
		sent.Header = req.Header.Clone()
		go func() {
			resp, err := svc.Fetch(ctx, &sent)
			done(resp, failure(err))
		}()
		return
	}
	if req.Body.Stream == nil {
		n.begin(ctx, svc, req, done)
		return
	}
	go func() {
		body, err := n.whole(req.Body.Stream)
		if err != nil {
			n.tape.Spoil(fmt.Sprintf("the body of fetch(%q): %s", req.URL, err))
			done(nil, failure(err))
			return
		}
		sent := *req
		sent.Body = event.BytesBody(body)
		n.begin(ctx, svc, &sent, done)
	}()
}

// begin starts an exchange whose request is whole.
func (n *Network) begin(ctx context.Context, svc event.Service, req *event.Request, done func(*event.Response, error)) {
	ctx, cancel := context.WithCancel(ctx)
	x := &Exchange{Key: hashRequest(req), What: req.Method + " " + req.URL, cancel: cancel, done: done}
	n.mu.Lock()
	if n.forked {
		n.mu.Unlock()
		cancel()
		done(nil, ErrReset)
		return
	}
	n.list = append(n.list, x)
	if n.log != nil {
		known := n.log[x.Key]
		if len(known) == 0 {
			n.mu.Unlock()
			cancel()
			n.tape.Diverged(fmt.Sprintf("fetched %s", x.What))
			return
		}
		x.Answer, n.log[x.Key] = known[0], known[1:]
		n.mu.Unlock()
		if x.Answer != nil {
			cancel()
			n.finish(x)
		}
		return
	}
	n.mu.Unlock()
	sent := *req
	sent.Header = req.Header.Clone()
	go func() {
		defer cancel()
		a := n.ask(ctx, svc, &sent)
		n.mu.Lock()
		if n.frozen || n.forked {
			n.mu.Unlock()
			return // the fork tells who waits
		}
		x.Answer = a
		n.mu.Unlock()
		n.finish(x)
	}()
}

// ask makes the exchange and reads the answer whole.
func (n *Network) ask(ctx context.Context, svc event.Service, req *event.Request) *Answer {
	resp, err := svc.Fetch(ctx, req)
	if err != nil {
		return failed(err)
	}
	a := &Answer{Status: resp.Status, StatusText: resp.StatusText, URL: resp.URL, Header: resp.Header, Body: resp.Body.Bytes, Encoded: resp.Encoded}
	if resp.WebSocket != nil {
		_ = resp.Discard() // nobody will use it
		return failed(errors.New("a WebSocket cannot be opened before the worker is installed"))
	}
	if resp.Body.Stream != nil {
		if a.Body, err = n.whole(resp.Body.Stream); err != nil {
			if errors.Is(err, errTooLong) {
				n.tape.Spoil(fmt.Sprintf("the answer to fetch(%q): %s", req.URL, err))
			}
			return failed(err)
		}
	}
	return a
}

// finish tells who waits for the exchange.
func (n *Network) finish(x *Exchange) {
	a := x.Answer
	if a.Class != "" {
		x.done(nil, &exception.Exception{Class: a.Class, Message: a.Failure})
		return
	}
	x.done(&event.Response{
		Status: a.Status, StatusText: a.StatusText, URL: a.URL, Header: a.Header.Clone(), Body: event.Body{Bytes: a.Body}, Encoded: a.Encoded,
	}, nil)
}

var errTooLong = errors.New("it is longer than a snapshot keeps (limit snapshot.body)")

// whole reads a stream to its end and closes it.
func (n *Network) whole(r io.ReadCloser) (b []byte, err error) {
	defer func() {
		if cerr := r.Close(); err == nil && cerr != nil {
			err = cerr
		}
	}()
	b, err = io.ReadAll(io.LimitReader(r, int64(n.most)+1))
	if err == nil && len(b) > n.most {
		err = errTooLong
	}
	if b == nil {
		b = []byte{}
	}
	return b, err
}

// Fork ends what is under way, and lets requests through to the network from here on.
func (n *Network) Fork() {
	n.mu.Lock()
	n.frozen, n.forked = false, true
	open := n.open()
	n.list, n.log = nil, nil
	n.mu.Unlock()
	for _, x := range open {
		x.cancel()
		x.done(nil, ErrReset)
	}
}

// open is what is under way; with mu.
func (n *Network) open() (list []*Exchange) {
	for _, x := range n.list {
		if x.Answer == nil {
			list = append(list, x)
		}
	}
	return list
}

// UnderWay names the requests that have no answer yet.
func (n *Network) UnderWay() (names []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, x := range n.open() {
		names = append(names, x.What)
	}
	return names
}

// Freeze is for a worker that has parked: it is what a log keeps of the run's requests.
func (n *Network) Freeze() (list []*Exchange) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.frozen = true
	for _, x := range n.list {
		if x.Answer == nil {
			x.cancel()
		}
		list = append(list, &Exchange{Key: x.Key, What: x.What, Answer: x.Answer})
	}
	return list
}

// Replay answers from a log.
func (n *Network) Replay(list []*Exchange) {
	n.list, n.log = nil, map[[32]byte][]*Answer{}
	for _, x := range list {
		n.log[x.Key] = append(n.log[x.Key], x.Answer)
	}
}

// Unfreeze is for a worker that goes on and records again: nothing is under way.
func (n *Network) Unfreeze() {
	n.mu.Lock()
	n.frozen, n.list, n.log = false, nil, nil
	n.mu.Unlock()
}

// Unasked is how many answers of the log nobody asked for.
func (n *Network) Unasked() (count int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, answers := range n.log {
		count += len(answers)
	}
	return count
}

// failure is what a script sees of a failure of the network.
func failure(err error) error {
	var e *exception.Exception
	if err == nil || errors.As(err, &e) {
		return err
	}
	return exception.TypeErrorf("fetch failed: %s", err)
}

// failed is the answer that an error is.
func failed(err error) *Answer {
	e, _ := exception.From(failure(err))
	class := e.Class
	if class == "" {
		class = "Error"
	}
	return &Answer{Class: class, Failure: e.Message}
}

// hashRequest is what two requests have in common that are the same.
func hashRequest(req *event.Request) (key [32]byte) {
	h := sha256.New()
	put := func(s string) {
		var n [8]byte
		binary.LittleEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	put(req.Method)
	put(req.URL)
	for _, name := range slices.Sorted(maps.Keys(req.Header)) {
		put(name)
		for _, v := range req.Header[name] {
			put(v)
		}
	}
	put("")
	put(string(req.Body.Bytes))
	h.Sum(key[:0])
	return key
}
