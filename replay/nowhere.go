package replay

import (
	"context"

	"workerd.local/event"
	"workerd.local/exception"
)

// nowhere is where fetch leads without a network.
type nowhere struct{}

// Fetch is event.Service's.
func (nowhere) Fetch(_ context.Context, req *event.Request) (*event.Response, error) {
	_ = req.Body.Close() // nobody wanted it
	return nil, exception.TypeErrorf("fetch failed: there is no network")
}

// Deliver is event.Service's.
func (nowhere) Deliver(context.Context, event.Event) (event.Outcome, error) {
	return event.Outcome{Status: event.NotFound}, event.ErrUnsupported
}
