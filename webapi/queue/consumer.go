package queue

import (
	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/internal/clone"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/global"
)

// Batch is messages at their consumer, and what it asks for. It may be used as long as
// the script holds it; Result is what was asked for so far.
type Batch struct {
	Name               string
	Messages, Metadata *goja.Object

	result  event.QueueResult
	acked   map[string]bool
	retried map[string]int // places in result.Retries
}

// NewBatch makes the messages of an event for a script. A body that cannot be read is an
// error.
func NewBatch(js *isolate.JS, ev event.QueueBatch) (*Batch, error) {
	b := &Batch{Name: ev.Queue, acked: map[string]bool{}, retried: map[string]int{}}
	list := make([]any, len(ev.Messages))
	for i := range ev.Messages {
		m := &ev.Messages[i]
		body, err := decode(js, m.Body, m.ContentType)
		if err != nil {
			return nil, err
		}
		obj := messageClass.Wrap(js, &received{batch: b, id: m.ID})
		define(js, obj, goja.FLAG_FALSE, "id", m.ID, "timestamp", bind.NewDate(js, m.Time.UnixMilli()), "body", body, "attempts", int(m.Attempts))
		list[i] = obj
	}
	b.Messages = js.Runtime().NewArray(list...)
	b.Metadata = record(js, "metrics", metricsObject(js, ev.Metrics))
	return b, nil
}

// Result is what the consumer asked for.
func (b *Batch) Result() *event.QueueResult {
	r := b.result
	r.Acks = append([]string(nil), r.Acks...)
	r.Retries = append([]event.QueueRetry(nil), r.Retries...)
	return &r
}

// Object is the batch as queue() gets it.
func (b *Batch) Object(js *isolate.JS) *goja.Object {
	obj := batchClass.Wrap(js, b)
	define(js, obj, goja.FLAG_FALSE, "messages", b.Messages, "queue", b.Name, "metadata", b.Metadata)
	return obj
}

var batchClass = &bind.Class[Batch]{
	Name:    "QueueController",
	Methods: map[string]bind.Method[Batch]{"ackAll": (*Batch).AckAll, "retryAll": (*Batch).RetryAll},
}

func warn(js *isolate.JS, text string) {
	js.Isolate().Log().Warn(text, "worker", js.Realm().Name())
}

// retryDelay reads QueueRetryOptions.
func retryDelay(c *bind.Call) (delay *int32, err error) {
	return delay, c.Options(1, "QueueRetryOptions", "delaySeconds", &delay)
}

// AckAll is ackAll().
func (b *Batch) AckAll(c *bind.Call) (any, error) {
	if b.result.RetryAll {
		warn(c.JS(), "Received a call to ackAll() after retryAll() was already called. Calling ackAll() after calling retryAll() has no effect.")
		return nil, nil
	}
	b.result.AckAll = true
	return nil, nil
}

// RetryAll is retryAll().
func (b *Batch) RetryAll(c *bind.Call) (any, error) {
	delay, err := retryDelay(c)
	if err != nil {
		return nil, err
	}
	if b.result.AckAll {
		warn(c.JS(), "Received a call to retryAll() after ackAll() was already called. Calling retryAll() after calling ackAll() has no effect.")
		return nil, nil
	}
	b.result.RetryAll = true
	if delay != nil {
		b.result.RetryDelay = delay
	}
	return nil, nil
}

// received is one message at its consumer.
type received struct {
	batch *Batch
	id    string
}

var messageClass = &bind.Class[received]{
	Name:    "QueueMessage",
	Methods: map[string]bind.Method[received]{"ack": (*received).ack, "retry": (*received).retry},
}

func (m *received) ack(c *bind.Call) (any, error) {
	b := m.batch
	_, retried := b.retried[m.id]
	switch {
	case b.result.AckAll || b.acked[m.id]:
	case b.result.RetryAll:
		warn(c.JS(), "Received a call to ack() on message "+m.id+" after retryAll() was already called. Calling ack() on a message after calling retryAll() has no effect.")
	case retried:
		warn(c.JS(), "Received a call to ack() on message "+m.id+" after retry() was already called. Calling ack() on a message after calling retry() has no effect.")
	default:
		b.acked[m.id] = true
		b.result.Acks = append(b.result.Acks, m.id)
	}
	return nil, nil
}

func (m *received) retry(c *bind.Call) (any, error) {
	delay, err := retryDelay(c)
	if err != nil {
		return nil, err
	}
	b := m.batch
	switch {
	case b.result.AckAll:
		warn(c.JS(), "Received a call to retry() on message "+m.id+" after ackAll() was already called. Calling retry() on a message after calling ackAll() has no effect.")
		return nil, nil
	case b.acked[m.id]:
		warn(c.JS(), "Received a call to retry() on message "+m.id+" after ack() was already called. Calling retry() on a message after calling ack() has no effect.")
		return nil, nil
	}
	at, ok := b.retried[m.id]
	if !ok {
		at = len(b.result.Retries)
		b.retried[m.id] = at
		b.result.Retries = append(b.result.Retries, event.QueueRetry{ID: m.id})
	}
	b.result.Retries[at].Delay = delay
	return nil, nil
}

// decode is the body of a message as a script sees it.
func decode(js *isolate.JS, b []byte, typ string) (goja.Value, error) {
	switch typ {
	case asText:
		return fetch.Text(js, b)
	case asRaw:
		return bind.NewUint8Array(js, append([]byte{}, b...)), nil
	case asJSON:
		return fetch.JSON(js, b)
	case asV8, "":
		v, err := clone.Deserialize(js.Runtime(), b, clone.Options{Bounds: js.Bounds(), Host: global.HostObjects(js)})
		return v, global.CloneError(err)
	}
	return nil, unsupported(typ)
}

var errOneBody = exception.TypeErrorf("Expected one of body or serializedBody for each message")
