package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"workerd.local/event"
)

// connection is a connection of the network.
type connection struct {
	raw       net.Conn
	config    *tls.Config
	handshake time.Duration

	mu  sync.Mutex // guards now
	now net.Conn   // raw, or what encrypts it

	gone chan struct{}
	once sync.Once // closes gone
}

var _ event.Conn = (*connection)(nil)

// NewConnection makes an event.Conn of one that was accepted.
func NewConnection(c net.Conn) event.Conn {
	return &connection{raw: c, now: c, gone: make(chan struct{})}
}

func (c *connection) current() net.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *connection) lost() { c.once.Do(func() { close(c.gone) }) }

// Read is event.Conn's.
func (c *connection) Read(b []byte) (int, error) {
	n, err := c.current().Read(b)
	if err != nil && err != io.EOF {
		c.lost()
		err = lost(err)
	}
	return n, err
}

// Write is event.Conn's.
func (c *connection) Write(b []byte) (int, error) {
	n, err := c.current().Write(b)
	if err != nil {
		c.lost()
		err = lost(err)
	}
	return n, err
}

// CloseWrite is event.Conn's.
func (c *connection) CloseWrite() error {
	if half, ok := c.current().(interface{ CloseWrite() error }); ok {
		if err := half.CloseWrite(); err != nil && !errors.Is(err, net.ErrClosed) {
			return lost(err)
		}
	}
	return nil
}

// Close is event.Conn's.
func (c *connection) Close() error {
	c.lost()
	// Whatever encrypts it would wait for a peer that does not read.
	if err := c.raw.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return lost(err)
	}
	return nil
}

// Gone is event.Conn's.
func (c *connection) Gone() <-chan struct{} { return c.gone }

// StartTLS is event.Conn's.
func (c *connection) StartTLS(ctx context.Context, host string) error {
	config := c.config.Clone()
	if config == nil {
		config = &tls.Config{}
	}
	config.ServerName = host
	t := tls.Client(c.raw, config)
	if c.handshake > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.handshake)
		defer cancel()
	}
	if err := t.HandshakeContext(ctx); err != nil {
		return lost(err)
	}
	c.mu.Lock()
	c.now = t
	c.mu.Unlock()
	return nil
}
