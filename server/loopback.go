package server

import (
	"context"

	"workerd.local/config"
	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/outbound"
)

// loopbackService is an external server whose address is that of a socket of the same
// configuration, and with which events of any kind are exchanged (capnpConnectHost). They
// stay within the process and need no Cap'n Proto: what the socket leads to is asked.
type loopbackService struct {
	w   *world
	cfg *config.ExternalServer
}

var (
	_ event.AsyncService = (*loopbackService)(nil)
	_ event.Caller       = (*loopbackService)(nil)
	_ event.EventStarter = (*loopbackService)(nil)
	_ event.Connector    = (*loopbackService)(nil)
	_ event.Named        = (*loopbackService)(nil)
)

// target is what the socket leads to.
func (l *loopbackService) target() (event.Service, error) {
	for i := range l.w.cfg.Sockets {
		s := &l.w.cfg.Sockets[i]
		if s.Address.Value == l.cfg.Address.Value && s.HTTP.CapnpConnectHost.Value == l.cfg.HTTP.CapnpConnectHost.Value {
			return l.w.service(s.Service, "socket "+s.Name)
		}
	}
	return nil, exception.Errorf("There is no socket with the address %q and its capnpConnectHost.", l.cfg.Address.Value).WithKind(exception.Disconnected)
}

// Token is event.Named's.
func (*loopbackService) Token() (*event.Token, error) { return (*outbound.External)(nil).Token() }

// Start is event.AsyncService's.
func (l *loopbackService) Start(ctx context.Context, req *event.Request, done func(*event.Response, error)) {
	svc, err := l.target()
	if err != nil {
		req.Body.Close()
		done(nil, err)
		return
	}
	event.Start(event.Anew(ctx), svc, req, done)
}

// Fetch is event.Service's.
func (l *loopbackService) Fetch(ctx context.Context, req *event.Request) (*event.Response, error) {
	return event.Wait(ctx, func(done func(*event.Response, error)) { l.Start(ctx, req, done) })
}

// StartEvent is event.EventStarter's.
func (l *loopbackService) StartEvent(ctx context.Context, ev event.Event, done func(event.Outcome, error)) {
	svc, err := l.target()
	if err != nil {
		done(event.Outcome{Status: event.Exception}, err)
		return
	}
	event.StartEvent(event.Anew(ctx), svc, ev, done)
}

// Deliver is event.Service's.
func (l *loopbackService) Deliver(ctx context.Context, ev event.Event) (event.Outcome, error) {
	return event.WaitOutcome(ctx, func(done func(event.Outcome, error)) { l.StartEvent(ctx, ev, done) })
}

// StartCall is event.Caller's.
func (l *loopbackService) StartCall(ctx context.Context, call *event.Call, done func(*event.Result, error)) {
	svc, err := l.target()
	if err != nil {
		call.Release()
		done(nil, err)
		return
	}
	event.StartCall(event.Anew(ctx), svc, call, done)
}

// Connect is event.Connector's.
func (l *loopbackService) Connect(ctx context.Context, address string, o event.ConnectOptions) (event.Conn, error) {
	svc, err := l.target()
	if err != nil {
		return nil, err
	}
	return event.Connect(event.Anew(ctx), svc, address, o)
}
