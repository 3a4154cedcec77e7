package fetch

import (
	"context"
	"errors"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/loop"
	"workerd.local/trace"
	"workerd.local/webapi/bind"
)

// scheduled is service.scheduled({scheduledTime, cron}): it fires a cron trigger of the
// service once all that the actor has written is durable. What the handler throws is an
// outcome.
func (f *FetcherObject) scheduled(c *bind.Call) (any, error) {
	js := c.JS()
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	ev := event.Scheduled{Time: ioc.Now()}
	if err := c.Options(1, "ScheduledOptions", "scheduledTime", &ev.Time, "cron", &ev.Cron); err != nil {
		return nil, err
	}
	span := iocontext.Span(js).Open("scheduled")
	outcome := loop.NewFuture[event.Outcome](ioc.Loop())
	ioc.WaitForOutput().Then(func(_ struct{}, err error) {
		if err != nil {
			outcome.Reject(err)
			return
		}
		iocontext.Background(ioc, func(ctx context.Context) (event.Outcome, error) {
			o, err := f.Service.Deliver(trace.WithParent(ctx, span), ev)
			if errors.Is(err, event.ErrUnsupported) {
				return o, exception.TypeErrorf("The service does not take cron triggers.")
			}
			if o.Status != event.OK {
				return o, nil // the handler's own log has the error
			}
			return o, err
		}).Then(func(o event.Outcome, err error) { outcome.Settle(o, err) })
	})
	return iocontext.Await(js, ioc, loop.Later(outcome), func(js *isolate.JS, o event.Outcome) (goja.Value, error) {
		span.End()
		result := js.Runtime().NewObject()
		if err := result.Set("outcome", o.Status.String()); err != nil {
			return nil, err
		}
		return result, result.Set("noRetry", !o.Retry)
	}), nil
}
