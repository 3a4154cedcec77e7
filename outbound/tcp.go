package outbound

import (
	"context"
	"crypto/tls"
	"net"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/internal/limits"
)

var _ event.Connector = (*Network)(nil)

// Connect is event.Connector's, as far as the policy allows.
func (n *Network) Connect(ctx context.Context, address string, o event.ConnectOptions) (event.Conn, error) {
	return dial(ctx, n.dialer, "tcp", address, n.tls, o.TLS)
}

// TCP is a server at a fixed address that speaks any protocol.
type TCP struct {
	o      ExternalOptions
	dialer *net.Dialer
}

var (
	_ event.Service   = (*TCP)(nil)
	_ event.Connector = (*TCP)(nil)
)

// NewTCP returns the service; of the options it uses Address, TLS and Bounds.
func NewTCP(o ExternalOptions) *TCP {
	return &TCP{o, &net.Dialer{Timeout: limits.FetchConnect.In(o.Bounds)}}
}

// Connect is event.Connector's. The configuration says where to and whether encrypted.
func (t *TCP) Connect(ctx context.Context, _ string, o event.ConnectOptions) (event.Conn, error) {
	network, addr, host := target(t.o.Address, t.o.TLS != nil)
	c := t.o.TLS
	if c != nil && c.ServerName == "" {
		c = c.Clone()
		c.ServerName = host
	}
	return dial(ctx, t.dialer, network, addr, c, t.o.TLS != nil || o.TLS)
}

// Fetch is event.Service's.
func (t *TCP) Fetch(_ context.Context, req *event.Request) (*event.Response, error) {
	req.Body.Close()
	return nil, exception.Errorf("External TCP servers can only be connected to: use connect(), not fetch().")
}

// Deliver is event.Service's; a server elsewhere takes no events.
func (t *TCP) Deliver(context.Context, event.Event) (event.Outcome, error) {
	return event.Outcome{Status: event.NotFound}, event.ErrUnsupported
}

// dial opens a connection; config may be nil.
func dial(ctx context.Context, d *net.Dialer, network, address string, config *tls.Config, encrypted bool) (event.Conn, error) {
	c, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, lost(err)
	}
	conn := &connection{raw: c, now: c, config: config, gone: make(chan struct{}), handshake: d.Timeout}
	if encrypted {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			host = address
		}
		if config != nil && config.ServerName != "" {
			host = config.ServerName
		}
		if err := conn.StartTLS(ctx, host); err != nil {
			conn.Close()
			return nil, err
		}
	}
	return conn, nil
}
