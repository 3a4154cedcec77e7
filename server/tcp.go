package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"

	"workerd.local/config"
	"workerd.local/event"
	"workerd.local/internal/limits"
	"workerd.local/outbound"
)

// acceptor serves the connections of one socket.
type acceptor interface {
	// Serve accepts until one of the others, and then returns nil.
	Serve(l net.Listener) error
	// Shutdown stops accepting and waits for what has begun; when ctx ends, what is
	// left is cut.
	Shutdown(ctx context.Context) error
	// Retire is Shutdown for a socket whose listener somebody else has.
	Retire(ctx context.Context) error
}

// tcpServer hands the connections of a socket to a service.
type tcpServer struct {
	name string
	svc  event.Service
	tls  *tls.Config // nil for none
	log  *slog.Logger
	most int

	ctx    context.Context // of the connections
	cancel context.CancelFunc
	conns  sync.WaitGroup

	mu       sync.Mutex // guards all below
	listener net.Listener
	open     int
	closed   bool
}

func newTCPServer(c *config.Socket, svc event.Service, log *slog.Logger, bounds *limits.Set) (*tcpServer, error) {
	t := &tcpServer{name: c.Name, svc: svc, log: log, most: limits.SocketConnections.In(bounds)}
	if c.TLS != nil {
		var err error
		if t.tls, err = serverTLS(c.TLS); err != nil {
			return nil, err
		}
	}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	return t, nil
}

// Serve is acceptor's.
func (t *tcpServer) Serve(l net.Listener) error {
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return l.Close()
	}
	t.listener = l
	t.mu.Unlock()
	for {
		c, err := l.Accept()
		if err != nil {
			if t.isClosed() {
				return nil
			}
			return err
		}
		if !t.begin() {
			if err := c.Close(); err != nil {
				t.log.Warn("a connection over the limit could not be closed", "socket", t.name, "error", err)
			}
			continue
		}
		t.conns.Go(func() { t.serve(c) })
	}
}

func (t *tcpServer) isClosed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.closed
}

// begin counts a connection, or refuses it.
func (t *tcpServer) begin() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || t.open >= t.most {
		return false
	}
	t.open++
	return true
}

// serve copies between a connection and the service until both have said all.
func (t *tcpServer) serve(c net.Conn) {
	defer func() {
		t.mu.Lock()
		t.open--
		t.mu.Unlock()
	}()
	if t.tls != nil {
		c = tls.Server(c, t.tls)
	}
	client := outbound.NewConnection(c)
	defer client.Close()
	server, err := event.Connect(t.ctx, t.svc, c.LocalAddr().String(), event.ConnectOptions{})
	if err != nil {
		t.log.Error("a connection was not taken", "socket", t.name, "error", err)
		return
	}
	defer server.Close()
	stop := context.AfterFunc(t.ctx, func() {
		client.Close()
		server.Close()
	})
	defer stop()
	var both sync.WaitGroup
	for _, way := range [][2]event.Conn{{client, server}, {server, client}} {
		both.Go(func() {
			from, to := way[0], way[1]
			if _, err := io.Copy(to, from); err != nil {
				// One side is lost, so the other one is told.
				from.Close()
				to.Close()
				return
			}
			if err := to.CloseWrite(); err != nil {
				to.Close()
			}
			if from == server {
				// A worker that has said all is done, whatever its client still sends.
				select {
				case <-server.Gone():
					client.Close()
				default:
				}
			}
		})
	}
	both.Wait()
}

// Shutdown is acceptor's.
func (t *tcpServer) Shutdown(ctx context.Context) error {
	t.mu.Lock()
	t.closed = true
	l := t.listener
	t.mu.Unlock()
	var err error
	if l != nil {
		if err = l.Close(); errors.Is(err, net.ErrClosed) {
			err = nil
		}
	}
	return errors.Join(err, t.Retire(ctx))
}

// Retire is acceptor's.
func (t *tcpServer) Retire(ctx context.Context) error {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	done := make(chan struct{})
	go func() { t.conns.Wait(); close(done) }()
	select {
	case <-done:
		t.cancel()
		return nil
	case <-ctx.Done():
	}
	t.cancel()
	<-done
	return ctx.Err()
}

// Connect is event.Connector's: a connection goes to the present world, which waits
// for its end as for a request's.
func (f *front) Connect(ctx context.Context, address string, o event.ConnectOptions) (event.Conn, error) {
	w, leave, err := f.s.turn.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	defer w.requests.Done()
	return event.Connect(ctx, w.targets[f.socket].Default, address, o)
}

// Connect is event.Connector's.
func (l *lazyService) Connect(_ context.Context, address string, _ event.ConnectOptions) (event.Conn, error) {
	ours, theirs := event.Pipe()
	l.svc.pool.Service(l.entrypoint).StartEvent(l.svc.pool.Context(), event.Connection{Conn: theirs, Address: address}, func(o event.Outcome, err error) {
		if err == nil && o.Status != event.OK {
			err = fmt.Errorf("the worker's connect() ended with %s", o.Status)
		}
		// Closing a pipe cannot fail.
		_ = theirs.CloseWithError(err)
	})
	return ours, nil
}
