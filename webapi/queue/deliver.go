package queue

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/loop"
	"workerd.local/trace"
	"workerd.local/webapi/bind"
)

// Deliver is queue(name, messages, metadata) of a service binding: messages for the
// consumer that the service is.
func Deliver(c *bind.Call, svc event.Service) (any, error) {
	js := c.JS()
	ev, err := readBatch(c)
	if err != nil {
		return js.Rejected(err), nil
	}
	ioc, err := c.Context()
	if err != nil {
		return js.Rejected(err), nil
	}
	span := iocontext.Span(js).Open("queue")
	done := loop.NewFuture[*outcome](ioc.Loop())
	ioc.WaitForOutput().Then(func(_ struct{}, err error) {
		if err != nil {
			done.Reject(err)
			return
		}
		iocontext.Background(ioc, func(ctx context.Context) (*outcome, error) {
			o, err := svc.Deliver(trace.WithParent(ctx, span), ev)
			if o.Queue == nil && err != nil {
				return nil, err
			}
			return &outcome{status: o.Status, result: o.Queue}, nil
		}).Then(func(o *outcome, err error) {
			if errors.Is(err, event.ErrUnsupported) {
				err = exception.Errorf("The service does not take messages of a queue.")
			}
			done.Settle(o, err)
		})
	})
	p := iocontext.Await(js, ioc, loop.Later(done), func(js *isolate.JS, o *outcome) (goja.Value, error) { return o.object(js), nil })
	return iocontext.EndWith(js, span, p), nil
}

// outcome is what became of a batch.
type outcome struct {
	status event.OutcomeStatus
	result *event.QueueResult
}

func (o *outcome) object(js *isolate.JS) *goja.Object {
	r := o.result
	if r == nil {
		r = &event.QueueResult{}
	}
	retries := make([]any, len(r.Retries))
	for i, m := range r.Retries {
		retries[i] = withDelay(js, m.Delay, "msgId", m.ID)
	}
	acks := make([]any, len(r.Acks))
	for i, id := range r.Acks {
		acks[i] = id
	}
	return record(js, "outcome", o.status.String(), "ackAll", r.AckAll, "retryBatch", withDelay(js, r.RetryDelay, "retry", r.RetryAll),
		"explicitAcks", js.Runtime().NewArray(acks...), "retryMessages", js.Runtime().NewArray(retries...))
}

// withDelay is a record that has delaySeconds where there is one.
func withDelay(js *isolate.JS, delay *int32, pairs ...any) *goja.Object {
	switch {
	case delay != nil:
		pairs = append(pairs, "delaySeconds", int(*delay))
	case js.Compat().Has("enable_fast_jsg_struct"):
		pairs = append(pairs, "delaySeconds", goja.Undefined())
	}
	return record(js, pairs...)
}

func readBatch(c *bind.Call) (ev event.QueueBatch, err error) {
	if err := c.Unpack("queueName", &ev.Queue); err != nil {
		return ev, err
	}
	list, ok := c.Arg(1).(*goja.Object)
	if !ok || list.ClassName() != "Array" {
		return ev, c.BadArg(2, "Array")
	}
	if v := c.Arg(2); !goja.IsUndefined(v) {
		obj, ok := v.(*goja.Object)
		if !ok {
			return ev, c.BadArg(3, "MessageBatchMetadata")
		}
		metrics, err := member(c, "MessageBatchMetadata", obj, "metrics", "MessageBatchMetrics")
		if err != nil {
			return ev, err
		}
		if ev.Metrics, err = readMetrics(c, "MessageBatchMetrics", metrics); err != nil {
			return ev, err
		}
	}
	limit := c.JS().Isolate().Limits().BodyBytes
	total := int64(0)
	var bad error
	err = c.JS().Try(func() {
		for i, n := int64(0), list.Get("length").ToInteger(); i < n && bad == nil; i++ {
			var m event.QueueMessage
			m, bad = readReceived(c, list.Get(strconv.FormatInt(i, 10)))
			ev.Messages = append(ev.Messages, m)
			if total += int64(len(m.Body) + 32); total > limit && bad == nil {
				bad = exception.RangeErrorf("The messages are more than %d bytes, and so too large for one batch.", limit)
			}
		}
	})
	if err == nil {
		err = bad
	}
	return ev, err
}

// readReceived reads a ServiceBindingQueueMessage.
func readReceived(c *bind.Call, v goja.Value) (m event.QueueMessage, err error) {
	const typ = "ServiceBindingQueueMessage"
	obj, ok := v.(*goja.Object)
	if !ok {
		return m, exception.TypeErrorf("Incorrect type: the provided value is not of type '%s'.", typ)
	}
	m.ID = "undefined"
	attempts := int32(0)
	body := goja.Undefined()
	var serialized []byte
	var at *time.Time
	err = c.Dictionary(obj, typ, "attempts", &attempts, "body", &body, "id", &m.ID, "serializedBody", func(f *bind.Call, v goja.Value) error {
		b, ok := bind.Bytes(f.JS(), v)
		if !ok {
			return f.BadArg(1, "ArrayBuffer or ArrayBufferView")
		}
		serialized = append([]byte{}, b...)
		return nil
	}, "timestamp", func(f *bind.Call, v goja.Value) error {
		ms, err := f.Date(1, v)
		if err != nil {
			return err
		}
		t := time.UnixMilli(ms)
		at = &t
		return nil
	})
	switch {
	case err != nil:
		return m, err
	case attempts < 0 || attempts > 65535:
		return m, exception.TypeErrorf("Value out of range. Must be between 0 and 65535 (inclusive).")
	case at == nil:
		return m, exception.TypeErrorf("Incorrect type for the 'timestamp' field on '%s': the provided value is not of type 'date'.", typ)
	case goja.IsUndefined(body) == (serialized == nil):
		return m, errOneBody
	}
	m.Attempts, m.Time, m.Body = uint16(attempts), *at, serialized
	if serialized == nil {
		m.Body, err = Serialize(c.JS(), body)
	}
	return m, err
}
