package event

import (
	"context"
	"errors"
	"io"
	"sync"
)

// Connector is a Service that opens connections: streams of bytes both ways.
type Connector interface {
	// Connect opens a connection to "host:port". A service at a fixed place ignores
	// the address, a worker is told it. ctx covers the opening only. It may block.
	Connect(ctx context.Context, address string, o ConnectOptions) (Conn, error)
}

// ConnectOptions say how to connect.
type ConnectOptions struct {
	// TLS makes the connection encrypted from its start. The certificate must be that
	// of the address.
	TLS bool
}

// Conn is a connection. Its methods may block, and be called by any goroutine; one may
// read while another writes, and Close ends both.
type Conn interface {
	io.ReadWriteCloser
	// CloseWrite says that nothing more is written: the other side reads io.EOF.
	CloseWrite() error
	// StartTLS encrypts the connection from here on; nobody reads or writes meanwhile.
	// host is whose certificate it must be.
	StartTLS(ctx context.Context, host string) error
	// Gone is closed when the other side has closed the connection, as far as that can
	// be known without reading.
	Gone() <-chan struct{}
}

// Connect opens a connection through any service; the error is ErrUnsupported where that
// is no Connector.
func Connect(ctx context.Context, svc Service, address string, o ConnectOptions) (Conn, error) {
	c, ok := svc.(Connector)
	if !ok {
		return nil, ErrUnsupported
	}
	return c.Connect(ctx, address, o)
}

// Connection is a connection to a worker. Address is what the other side wanted to
// reach. The worker closes Conn.
type Connection struct {
	Conn    Conn
	Address string
}

func (Connection) isEvent() {}

// Pipe is a connection within the process: what one end writes the other one reads. A
// write waits for its reader.
func Pipe() (a, b *PipeEnd) {
	ar, bw := io.Pipe()
	br, aw := io.Pipe()
	a = &PipeEnd{r: ar, w: aw, gone: make(chan struct{})}
	b = &PipeEnd{r: br, w: bw, gone: make(chan struct{})}
	a.other, b.other = b, a
	return a, b
}

// PipeEnd is one end of a Pipe.
type PipeEnd struct {
	r     *io.PipeReader
	w     *io.PipeWriter
	other *PipeEnd
	gone  chan struct{}
	once  sync.Once // closes gone
}

var _ Conn = (*PipeEnd)(nil)

func (p *PipeEnd) Read(b []byte) (int, error)  { return p.r.Read(b) }
func (p *PipeEnd) Write(b []byte) (int, error) { return p.w.Write(b) }

// CloseWrite is Conn's.
func (p *PipeEnd) CloseWrite() error { return p.w.Close() }

// Close is Conn's.
func (p *PipeEnd) Close() error { return p.CloseWithError(nil) }

// CloseWithError is Close that tells the other side why.
func (p *PipeEnd) CloseWithError(err error) error {
	p.other.once.Do(func() { close(p.other.gone) })
	return errors.Join(p.w.CloseWithError(err), p.r.CloseWithError(err))
}

// Gone is Conn's.
func (p *PipeEnd) Gone() <-chan struct{} { return p.gone }

// StartTLS is Conn's: there is nobody to speak TLS with.
func (p *PipeEnd) StartTLS(context.Context, string) error {
	return errors.New("the connection cannot be encrypted: it stays within the server")
}
