package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"sync"
	"time"

	"workerd.local/config"
	"workerd.local/event"
	"workerd.local/internal/limits"
)

// turnstile is where requests enter the present world, and wait while it is
// exchanged for another.
type turnstile struct {
	mu     sync.Mutex // guards what follows
	world  *world
	inside map[*world]int
	empty  chan struct{} // closed when the world that is leaving is empty; nil otherwise
	open   chan struct{} // closed when requests may enter; nil while they may
}

// enter returns the present world; leave is called once the request is answered, and
// the world's requests.Done once the answer has been sent.
func (t *turnstile) enter(ctx context.Context) (w *world, leave func(), err error) {
	t.mu.Lock()
	for t.open != nil {
		open := t.open
		t.mu.Unlock()
		select {
		case <-open:
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
		t.mu.Lock()
	}
	w = t.world
	t.inside[w]++
	w.requests.Add(1)
	t.mu.Unlock()
	return w, func() { t.leave(w) }, nil
}

// enterNow is enter for who must not wait: w is nil where it would.
func (t *turnstile) enterNow() (w *world) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open != nil {
		return nil
	}
	t.inside[t.world]++
	t.world.requests.Add(1)
	return t.world
}

func (t *turnstile) leave(w *world) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.inside[w]--; t.inside[w] == 0 {
		delete(t.inside, w)
		if t.empty != nil {
			close(t.empty)
			t.empty = nil
		}
	}
}

// stop makes requests wait, and returns a channel that is closed when those that
// have begun are answered.
func (t *turnstile) stop() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open = make(chan struct{})
	empty := make(chan struct{})
	if t.inside[t.world] == 0 {
		close(empty)
	} else {
		t.empty = empty
	}
	return empty
}

// start lets requests in again, to w.
func (t *turnstile) start(w *world) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.world, t.empty = w, nil
	close(t.open)
	t.open = nil
}

func (t *turnstile) now() *world {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.world
}

// front is what a socket serves: the service that the present world has for it.
type front struct {
	s      *Server
	socket string
}

// Fetch is event.Service's.
func (f *front) Fetch(ctx context.Context, req *event.Request) (*event.Response, error) {
	w, leave, err := f.s.turn.enter(ctx)
	if err != nil {
		req.Body.Close()
		return nil, err
	}
	resp, err := w.serve(ctx, w.pick(f.socket, req), req)
	w.answered(resp, err)
	leave()
	return resp, err
}

// serve gives a request to the service that was picked for it, unless trigger answers it.
func (w *world) serve(ctx context.Context, target event.Service, req *event.Request) (*event.Response, error) {
	resp, err := w.trigger(ctx, target, req)
	if resp == nil && err == nil {
		resp, err = target.Fetch(ctx, req)
	}
	return resp, err
}

// answered notes that a request of the world's has its answer.
func (w *world) answered(resp *event.Response, err error) {
	if err == nil && resp.Body.Stream != nil {
		resp.Body.Stream = event.OnClose(resp.Body.Stream, w.requests.Done)
	} else {
		w.requests.Done()
	}
}

// Start is event.AsyncService's.
func (f *front) Start(ctx context.Context, req *event.Request, done func(*event.Response, error)) {
	w := f.s.turn.enterNow()
	if w == nil {
		go func() { done(f.Fetch(ctx, req)) }()
		return
	}
	answer := func(resp *event.Response, err error) {
		w.answered(resp, err)
		f.s.turn.leave(w)
		done(resp, err)
	}
	target := w.pick(f.socket, req)
	if a, ok := target.(event.AsyncService); ok && !mayTrigger(req) {
		a.Start(ctx, req, answer)
		return
	}
	go func() { answer(w.serve(ctx, target, req)) }()
}

// Deliver is event.Service's; sockets bring nothing but requests.
func (f *front) Deliver(context.Context, event.Event) (event.Outcome, error) {
	return event.Outcome{Status: event.NotFound}, event.ErrUnsupported
}

// pick is the service for a request of a socket.
func (w *world) pick(socket string, req *event.Request) event.Service {
	t := w.targets[socket]
	if len(t.Routes) == 0 {
		return t.Default
	}
	u, err := url.Parse(req.URL)
	if err != nil {
		return t.Default
	}
	return t.Pick(u.Host, u.EscapedPath())
}

// Reload replaces the running configuration. The new one is built first; where that
// fails the old one goes on and the error says why. No request is dropped: those
// that have begun are answered by the old world, for up to 10 s, and those that come
// meanwhile wait for the new one; answers that stream go on for up to a minute,
// except those of actors. Sockets that stay the same stay open; actors are made again
// from what is durable.
func (s *Server) Reload(ctx context.Context, cfg *config.Config) error {
	s.reloading.Lock()
	defer s.reloading.Unlock()
	next, err := s.build(ctx, cfg)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errors.Join(errors.New("the server is closed"), next.close(ctx))
	}
	added, err := s.open(next, cfg)
	if err != nil {
		return errors.Join(err, next.close(ctx))
	}
	old := s.turn.now()
	drain := limits.ReloadDrain.In(s.o.Limits.Bounds)
	select {
	case <-s.turn.stop():
	case <-time.After(drain):
		s.log.Warn("some requests still run in the old configuration", "after", drain)
	case <-ctx.Done():
		s.turn.start(old)
		for _, k := range added {
			err = errors.Join(err, k.l.Close())
		}
		return errors.Join(ctx.Err(), err, next.close(context.WithoutCancel(ctx)))
	}
	errs := []error{old.closeActors(ctx)}
	if err := next.ready(ctx); err != nil {
		errs = append(errs, err)
	}
	s.bg.Go(func() { s.retire(old) })
	s.turn.start(next)
	s.cfg = cfg
	s.bequeath(added)
	s.serve(added)
	kept := s.sockets[:0]
	for _, k := range s.sockets {
		if k.l == nil || next.targets[k.cfg.Name].Default != nil && sameSocket(k.cfg, cfg.Socket(k.cfg.Name)) {
			kept = append(kept, k)
			continue
		}
		errs = append(errs, k.l.Close()) // the new socket accepts from here on
		s.bg.Go(func() { s.fade(k) })
	}
	s.sockets = append(kept, added...)
	errs = append(errs, s.keep())
	s.stores.openControl(s.writer)
	return errors.Join(errs...)
}

// retire ends a world that has been replaced, once its last answer has been sent.
func (s *Server) retire(w *world) {
	sent := make(chan struct{})
	go func() { w.requests.Wait(); close(sent) }()
	select {
	case <-sent:
	case <-time.After(limits.ReloadLinger.In(s.o.Limits.Bounds)):
	case <-s.closing:
	}
	if err := w.close(context.Background()); err != nil {
		s.log.Error("the old configuration did not end well", "error", err)
	}
}

// fade closes a socket that has been replaced, once its last answer has been sent.
func (s *Server) fade(k *socket) {
	ctx, cancel := context.WithTimeout(context.Background(), limits.ReloadLinger.In(s.o.Limits.Bounds))
	defer cancel()
	go func() {
		select {
		case <-s.closing:
			cancel()
		case <-ctx.Done():
		}
	}()
	if err := k.srv.Retire(ctx); err != nil && ctx.Err() == nil {
		s.log.Error("a socket did not close well", "socket", k.cfg.Name, "error", err)
	}
}

// sameSocket reports whether an open socket serves a new configuration as it is.
func sameSocket(a, b *config.Socket) bool {
	if b == nil || a.Address.Value != b.Address.Value || a.Kind != b.Kind || (a.FD == nil) != (b.FD == nil) {
		return false
	}
	sameHeaders := func(x, y []config.Header) bool {
		return slices.EqualFunc(x, y, func(p, q config.Header) bool {
			return p.Name == q.Name && p.Value == q.Value && p.Remove == q.Remove
		})
	}
	x, y := a.HTTP, b.HTTP
	if x.Style != y.Style || x.ForwardedProtoHeader != y.ForwardedProtoHeader || x.CfBlobHeader != y.CfBlobHeader ||
		!sameHeaders(x.InjectRequestHeaders, y.InjectRequestHeaders) || !sameHeaders(x.InjectResponseHeaders, y.InjectResponseHeaders) {
		return false
	}
	return a.Kind == config.SocketHTTP || a.Kind == config.SocketTCP && a.TLS == nil && b.TLS == nil
}

// open opens the sockets of a configuration that are not open yet.
func (s *Server) open(w *world, cfg *config.Config) (opened []*socket, err error) {
	defer func() {
		if err != nil {
			for _, k := range opened {
				err = errors.Join(err, k.l.Close())
			}
			opened = nil
		}
	}()
	for i := range cfg.Sockets {
		c := &cfg.Sockets[i]
		if slices.ContainsFunc(s.sockets, func(k *socket) bool { return k.cfg.Name == c.Name && k.l != nil && sameSocket(k.cfg, c) }) {
			continue
		}
		k, err := s.newSocket(c)
		if err != nil {
			return opened, err
		}
		if k.l, err = s.listen(c); err != nil {
			return opened, &config.Error{Pos: c.Address.Pos, Msg: fmt.Sprintf("socket %q: %s", c.Name, err)}
		}
		opened = append(opened, k)
	}
	return opened, nil
}

// listen opens a socket. Where one of ours has the address already, and is about to
// be replaced, the new one shares its listener, so that no connection is refused.
func (s *Server) listen(c *config.Socket) (net.Listener, error) {
	if l := s.listener(c); l != nil {
		f, err := l.File()
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return net.FileListener(f)
	}
	if s.o.Sockets != nil {
		if l := s.o.Sockets.Take(c.Name, socketAddress(c)); l != nil {
			return l, nil
		}
		if c.FD != nil {
			// That number is another file's in this process.
			return nil, fmt.Errorf("file descriptor %d was not handed to this process", *c.FD)
		}
	}
	return listen(c)
}

// shareable is a listener that can be copied.
type shareable interface{ File() (*os.File, error) }

// listener is what listens for a socket of the present configuration on the address of
// another one, or on its descriptor; nil where nothing does.
func (s *Server) listener(c *config.Socket) shareable {
	for _, k := range s.sockets {
		same := k.cfg.FD == nil && c.FD == nil && k.cfg.Address.Value == c.Address.Value ||
			k.cfg.FD != nil && c.FD != nil && *k.cfg.FD == *c.FD
		if k.l == nil || !same {
			continue
		}
		if l, ok := k.l.(shareable); ok {
			return l
		}
	}
	return nil
}

// bequeath gives the files of unix sockets that are about to close to those among added
// that listen on the same address.
func (s *Server) bequeath(added []*socket) {
	for _, k := range added {
		u, ok := k.l.(*net.UnixListener)
		old, shared := s.listener(k.cfg).(*net.UnixListener)
		if ok && shared && k.cfg.FD == nil {
			old.SetUnlinkOnClose(false)
			u.SetUnlinkOnClose(true)
		}
	}
}

// Watched lists the files that the running configuration was made from.
func (s *Server) Watched() []string {
	w := s.turn.now()
	files := append(slices.Clone(w.cfg.Files), w.inputs...)
	slices.Sort(files)
	return slices.Compact(files)
}
