package timers

import (
	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/events"
)

// scheduler is globalThis.scheduler.
type scheduler struct{}

var schedulerClass = &bind.Class[scheduler]{
	Name:  "Scheduler",
	Async: map[string]bind.Method[scheduler]{"wait": jsWait},
}

// jsWait is scheduler.wait(delay, { signal }): a promise that is fulfilled after
// the delay, or rejected with the signal's reason.
func jsWait(_ *scheduler, c *bind.Call) (any, error) {
	js := c.JS()
	var ms float64
	if err := c.Unpack("delay", &ms); err != nil {
		return nil, err
	}
	var signal *events.Signal
	if err := c.Options(2, "WaitOptions", "signal", events.SignalOption(&signal)); err != nil {
		return nil, err
	}
	if signal != nil {
		if err := signal.Err(js); err != nil {
			return nil, err
		}
	}
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	promise, resolve, reject := js.NewPromise()
	forget := func() {}
	id, err := ioc.SetTimer(js, ms, false, func(*isolate.JS) {
		forget()
		resolve(nil)
	})
	if err != nil {
		return nil, err
	}
	if signal != nil {
		forget = signal.OnAbort(js, func(js *isolate.JS, reason goja.Value) {
			ioc.ClearTimer(id)
			reject(js.Thrown(reason))
		})
	}
	return promise, nil
}
