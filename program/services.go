package program

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"workerd.local/event"
	"workerd.local/httpserver"
)

// DefaultPort is where the services of a program listen.
const DefaultPort = 8080

// AnyPort in Options.Port is any port that is free.
const AnyPort = -1

// stopPatience is how long answers may take that are on their way when a program ends.
const stopPatience = 5 * time.Second

// Listen serves HTTP for svc on the program's port, from now to the program's end, and
// returns the port: a face calls it when the first of its services is registered. Any
// goroutine; a second call is an error.
func (p *Program) Listen(svc event.Service) (port int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server != nil || p.closed {
		return 0, errors.New("the program's services listen already, or it has ended")
	}
	number := p.o.Port
	switch number {
	case 0:
		number = DefaultPort
	case AnyPort:
		number = 0
	}
	l, err := net.Listen("tcp", net.JoinHostPort(p.o.Hostname, strconv.Itoa(number)))
	if err != nil {
		return 0, err
	}
	p.server = httpserver.New(httpserver.Options{
		Name: "services", Log: p.o.Log, Limits: httpserver.Limits{Bounds: p.o.Limits.Bounds}, WebSockets: p.sockets,
	}, httpserver.Target{Default: svc})
	p.serving.Go(func() {
		if err := p.server.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			p.complain(fmt.Sprintf("workerd run: the services of the program are not served any more: %v\n", err))
		}
	})
	return l.Addr().(*net.TCPAddr).Port, nil
}

// closeServices ends the listener, and what it serves.
func (p *Program) closeServices() {
	p.mu.Lock()
	server := p.server
	p.closed = true
	p.mu.Unlock()
	if server == nil {
		return
	}
	ctx, stop := context.WithTimeout(context.Background(), stopPatience)
	defer stop()
	// What is left then is cut off.
	_ = server.Shutdown(ctx)
	p.serving.Wait()
}
