package queue_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"workerd.local/event"
	"workerd.local/internal/jstest"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/encoding"
	"workerd.local/webapi/events"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/global"
	"workerd.local/webapi/queue"
	"workerd.local/webapi/streams"
	"workerd.local/webapi/url"
)

// consumer remembers the batch and gives an outcome.
type consumer struct {
	got     event.QueueBatch
	outcome event.Outcome
	err     error
}

func (s *consumer) Fetch(context.Context, *event.Request) (*event.Response, error) {
	return nil, errors.New("not asked for")
}

func (s *consumer) Deliver(_ context.Context, ev event.Event) (event.Outcome, error) {
	s.got, _ = ev.(event.QueueBatch)
	return s.outcome, s.err
}

func deliverEnv(t *testing.T, s event.Service) *jstest.Env {
	deliver := bind.Module{Name: "test", Globals: []bind.Global{bind.Func{Name: "queue", Call: func(c *bind.Call) (any, error) { return queue.Deliver(c, s) }}}}
	return jstest.New(t, url.Module, encoding.Module, events.Module, global.Module, streams.Module, fetch.Module, deliver)
}

func TestBatchesAreDelivered(t *testing.T) {
	five := int32(5)
	s := &consumer{outcome: event.Outcome{Queue: &event.QueueResult{AckAll: true, RetryAll: true, RetryDelay: &five, Acks: []string{"a"}, Retries: []event.QueueRetry{{ID: "b", Delay: &five}, {ID: "c"}}}}}
	e := deliverEnv(t, s)
	e.Want(`return JSON.stringify(await queue("q", [{ id: "a", timestamp: new Date(7), body: { x: 1 }, attempts: 2 }, { id: 5, timestamp: 8, serializedBody: new Uint8Array([1, 2]).subarray(1), attempts: 1 }], { metrics: { backlogCount: 1, backlogBytes: 2, oldestMessageTimestamp: 3 } }))`,
		`{"outcome":"ok","ackAll":true,"retryBatch":{"retry":true,"delaySeconds":5},"explicitAcks":["a"],"retryMessages":[{"msgId":"b","delaySeconds":5},{"msgId":"c"}]}`)
	for i := range s.got.Messages {
		s.got.Messages[i].Time = s.got.Messages[i].Time.UTC()
	}
	s.got.Metrics.Oldest = s.got.Metrics.Oldest.UTC()
	b, err := json.Marshal(s.got)
	if want := `{"Queue":"q","Messages":[{"ID":"a","Time":"1970-01-01T00:00:00.007Z","Body":"/w9vIgF4SQJ7AQ==","ContentType":"","Attempts":2},{"ID":"5","Time":"1970-01-01T00:00:00.008Z","Body":"Ag==","ContentType":"","Attempts":1}],"Metrics":{"BacklogCount":1,"BacklogBytes":2,"Oldest":"1970-01-01T00:00:00.003Z"}}`; err != nil || string(b) != want {
		t.Errorf("delivered\n%s, want\n%s", b, want)
	}
	s.outcome, s.err = event.Outcome{Status: event.Exception, Queue: &event.QueueResult{}}, errors.New("the handler threw")
	e.Want(`return JSON.stringify(await queue("q", []))`, `{"outcome":"exception","ackAll":false,"retryBatch":{"retry":false},"explicitAcks":[],"retryMessages":[]}`)
}

func TestDeliverWrongInput(t *testing.T) {
	s := &consumer{err: event.ErrUnsupported}
	e := deliverEnv(t, s)
	for source, want := range map[string]string{
		`await queue()`:         "TypeError: Failed to execute 'queue' on 'ServiceWorkerGlobalScope': parameter 1 is not of type 'string'.",
		`await queue("q")`:      "TypeError: Failed to execute 'queue' on 'ServiceWorkerGlobalScope': parameter 2 is not of type 'Array'.",
		`await queue("q", [5])`: "TypeError: Incorrect type: the provided value is not of type 'ServiceBindingQueueMessage'.",
		`await queue("q", [,])`: "TypeError: Incorrect type: the provided value is not of type 'ServiceBindingQueueMessage'.",
		`await queue("q", [{ id: "a", timestamp: 1, attempts: 1 }])`:                                           "TypeError: Expected one of body or serializedBody for each message",
		`await queue("q", [{ id: "a", timestamp: 1, attempts: 1, body: 1, serializedBody: new ArrayBuffer }])`: "TypeError: Expected one of body or serializedBody for each message",
		`await queue("q", [{ id: "a", timestamp: "soon", attempts: 1, body: 1 }])`:                             "TypeError: Incorrect type for the 'timestamp' field on 'ServiceBindingQueueMessage': the provided value is not of type 'date'.",
		`await queue("q", [{ id: "a", attempts: 1, body: 1 }])`:                                                "TypeError: Incorrect type for the 'timestamp' field on 'ServiceBindingQueueMessage': the provided value is not of type 'date'.",
		`await queue("q", [{ id: "a", timestamp: 1, attempts: 65536, body: 1 }])`:                              "TypeError: Value out of range. Must be between 0 and 65535 (inclusive).",
		`await queue("q", [{ id: "a", timestamp: 1, attempts: 1, body: () => 1 }])`:                            "DataCloneError: () => 1 could not be cloned.",
		`await queue("q", [], 5)`:                "TypeError: Failed to execute 'queue' on 'ServiceWorkerGlobalScope': parameter 3 is not of type 'MessageBatchMetadata'.",
		`await queue("q", [], {})`:               "TypeError: Cannot initialize MessageBatchMetrics with required members from an undefined or null value.",
		`await queue("q", [], { metrics: "x" })`: "TypeError: Incorrect type for the 'metrics' field on 'MessageBatchMetadata': the provided value is not of type 'MessageBatchMetrics'.",
		`await queue("q", [])`:                   "Error: The service does not take messages of a queue.",
	} {
		e.WantError(source, want)
	}
}
