package loader

import (
	"context"

	"workerd.local/event"
	"workerd.local/exception"
)

// Blocked is the global outbound of a worker that may not have one.
type Blocked struct{}

var (
	_ event.Service   = Blocked{}
	_ event.Connector = Blocked{}
)

var errBlocked = exception.Errorf("This worker is not permitted to access the internet via global functions like fetch(). " +
	"It must use capabilities (such as bindings in 'env') to talk to the outside world.")

// Fetch is event.Service's.
func (Blocked) Fetch(_ context.Context, req *event.Request) (*event.Response, error) {
	req.Body.Close()
	return nil, errBlocked
}

// Deliver is event.Service's.
func (Blocked) Deliver(context.Context, event.Event) (event.Outcome, error) {
	return event.Outcome{Status: event.Exception}, errBlocked
}

// Connect is event.Connector's.
func (Blocked) Connect(context.Context, string, event.ConnectOptions) (event.Conn, error) {
	return nil, errBlocked
}
