package server

import (
	"context"

	"workerd.local/event"
)

// lazyService is an entrypoint of a worker that may not have been built yet.
type lazyService struct {
	svc        *service
	entrypoint string
	props      *event.Props
	lasting    bool // it may be stored
	files      bool // requests may be for the static files of the project
}

var (
	_ event.AsyncService = (*lazyService)(nil)
	_ event.Named        = (*lazyService)(nil)
	_ event.Kept         = (*lazyService)(nil)
)

// CheckTransfer is event.Kept's: an entrypoint of a worker that a script made stays there.
func (l *lazyService) CheckTransfer() error {
	if l.svc.cfg.Worker == nil {
		return errDynamicTransfer
	}
	return nil
}

// Token is event.Named's.
func (l *lazyService) Token() (*event.Token, error) {
	if err := l.CheckTransfer(); err != nil {
		return nil, err
	}
	return &event.Token{Kind: event.Entrypoint, Lasting: l.lasting, Service: l.svc.cfg.Name, Entrypoint: l.entrypoint, Props: l.props}, nil
}

func (l *lazyService) Start(ctx context.Context, req *event.Request, done func(*event.Response, error)) {
	if l.asksFiles() {
		event.Start(ctx, fileRouting{l}, req, done) // which reads the directory, and so may block
		return
	}
	l.svc.pool.Service(l.entrypoint).Start(ctx, l.withProps(req), done)
}

func (l *lazyService) Fetch(ctx context.Context, req *event.Request) (*event.Response, error) {
	if l.asksFiles() {
		return fileRouting{l}.Fetch(ctx, req)
	}
	return l.svc.pool.Service(l.entrypoint).Fetch(ctx, l.withProps(req))
}

func (l *lazyService) withProps(req *event.Request) *event.Request {
	if l.props != nil {
		r := *req
		r.Props = l.props
		req = &r
	}
	return req
}

// StartCall is event.Caller's.
func (l *lazyService) StartCall(ctx context.Context, call *event.Call, done func(*event.Result, error)) {
	call.Props = l.props
	l.svc.pool.Service(l.entrypoint).StartCall(ctx, call, done)
}

func (l *lazyService) Deliver(ctx context.Context, ev event.Event) (event.Outcome, error) {
	return l.svc.pool.Service(l.entrypoint).Deliver(ctx, ev)
}

// StartEvent is event.EventStarter's.
func (l *lazyService) StartEvent(ctx context.Context, ev event.Event, done func(event.Outcome, error)) {
	l.svc.pool.Service(l.entrypoint).StartEvent(ctx, ev, done)
}
