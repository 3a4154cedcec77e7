package queue_test

import (
	"io"
	"strings"
	"testing"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/internal/compat"
	"workerd.local/internal/jstest"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/encoding"
	"workerd.local/webapi/events"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/global"
	"workerd.local/webapi/queue"
	"workerd.local/webapi/streams"
	"workerd.local/webapi/url"
)

func broker(r *event.Response) *jstest.Service { return &jstest.Service{Answer: jstest.Always(r, nil)} }

func newEnv(t *testing.T, b *jstest.Service, flags ...string) *jstest.Env {
	t.Helper()
	f, errs := compat.Parse("2024-01-01", append([]string{"capture_async_api_throws"}, flags...), compat.Options{})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	vars := bind.Module{Name: "test", Globals: []bind.Global{bind.Var{Name: "Q", Make: func(js *isolate.JS) (goja.Value, error) {
		return queue.ProducerClass.Wrap(js, &queue.Producer{Service: b}), nil
	}}}}
	return jstest.NewWith(t, jstest.Options{Modules: []bind.Module{url.Module, encoding.Module, events.Module, global.Module, streams.Module, fetch.Module, vars}, Compat: f})
}

const sent = `{"metadata":{"metrics":{"backlogCount":1,"backlogBytes":2,"oldestMessageTimestamp":1000}}}`

func TestMessagesAreSent(t *testing.T) {
	for source, want := range map[string]string{
		`Q.send({ a: 1 })`: `POST /message Content-Length=10 Content-Type=application/octet-stream "\xff\x0fo\"\x01aI\x02{\x01"`,
		`Q.send("é", { contentType: "TEXT", delaySeconds: 1.9 })`:                                                                     `POST /message Content-Length=2 Content-Type=application/octet-stream X-Msg-Delay-Secs=1 X-Msg-Fmt=text "é"`,
		`Q.send({ a: "<" }, { contentType: "json" })`:                                                                                 `POST /message Content-Length=9 Content-Type=application/octet-stream X-Msg-Fmt=json "{\"a\":\"<\"}"`,
		`Q.send(new Uint16Array([65, 66]).subarray(1), { contentType: "bytes" })`:                                                     `POST /message Content-Length=2 Content-Type=application/octet-stream X-Msg-Fmt=bytes "B\x00"`,
		`Q.sendBatch(new Set([{ body: null }]))`:                                                                                      `POST /batch Cf-Queue-Batch-Bytes=3 Cf-Queue-Batch-Count=1 Cf-Queue-Largest-Msg=3 Content-Length=30 Content-Type=application/json "{\"messages\":[{\"body\":\"/w8w\"}]}"`,
		`Q.sendBatch([{ body: "a", contentType: "text" }, { body: [1], contentType: "json", delaySeconds: 3 }], { delaySeconds: 9 })`: `POST /batch Cf-Queue-Batch-Bytes=4 Cf-Queue-Batch-Count=2 Cf-Queue-Largest-Msg=3 Content-Length=103 Content-Type=application/json X-Msg-Delay-Secs=9 "{\"messages\":[{\"body\":\"YQ==\",\"contentType\":\"text\"},{\"body\":\"WzFd\",\"contentType\":\"json\",\"delaySecs\": 3}]}"`,
	} {
		b := broker(jstest.Response(200, sent))
		e := newEnv(t, b)
		e.Want("return JSON.stringify(await "+source+")", `{"metadata":{"metrics":{"backlogCount":1,"backlogBytes":2,"oldestMessageTimestamp":"1970-01-01T00:00:01.000Z"}}}`)
		if got := strings.Join(b.Asked(), "\n"); got != want {
			t.Errorf("%s\n got %s\nwant %s", source, got, want)
		}
	}
	b := broker(jstest.Response(200, sent))
	e := newEnv(t, b, "queues_json_messages")
	e.Want(`await Q.send([1]); await Q.sendBatch([{ body: [1] }]); return 1`, "1")
	if got := strings.Join(b.Asked(), " "); !strings.Contains(got, "X-Msg-Fmt=json \"[1]\"") || !strings.Contains(got, `\"contentType\":\"json\"`) {
		t.Errorf("with queues_json_messages: %s", got)
	}
	e.Want(`const u = new Uint8Array(2), v = new DataView(new ArrayBuffer(2)); await Q.sendBatch([{ body: u, contentType: "bytes" }]); const before = u.length; await Q.send(u, { contentType: "bytes" }); await Q.send(v, { contentType: "bytes" }); return [before, u.length, v.buffer.byteLength].join()`, "2,0,0")
}

func TestMetricsOfAQueue(t *testing.T) {
	for body, want := range map[string]string{
		`{"backlogCount":1,"backlogBytes":2,"oldestMessageTimestamp":0}`:      `{"backlogCount":1,"backlogBytes":2}`,
		`{"backlogCount":"7","oldestMessageTimestamp":86400000,"other":true}`: `{"backlogCount":7,"backlogBytes":null,"oldestMessageTimestamp":"1970-01-02T00:00:00.000Z"}`,
		`[]`: `{"backlogCount":null,"backlogBytes":null}`,
	} {
		b := broker(jstest.Response(200, body))
		newEnv(t, b).Want(`return JSON.stringify(await Q.metrics())`, want)
		if len(b.Asked()) != 1 || b.Asked()[0] != `GET /metrics  ""` {
			t.Errorf("asked %q", b.Asked())
		}
	}
}

func TestBrokerThatFails(t *testing.T) {
	failing := jstest.Response(503, "", "CF-Queues-Error-Code", "10", "CF-Queues-Error-Cause", "cause")
	for _, c := range []struct {
		b            *jstest.Service
		source, want string
	}{
		{broker(failing), `await Q.send(1)`, "Error: Queue send failed: Service Unavailable"},
		{broker(failing), `await Q.sendBatch([{ body: 1 }])`, "Error: Queue sendBatch failed: Service Unavailable"},
		{broker(failing), `await Q.metrics()`, "Error: cause (10)"},
		{broker(jstest.Response(201, "")), `await Q.metrics()`, "Error: Unknown Internal Error (15000)"},
		{broker(jstest.Response(400, "", "CF-Queues-Error-Code", "", "CF-Queues-Error-Cause", "")), `await Q.metrics()`, "Error: Unknown Internal Error (15000)"},
		{broker(jstest.Response(200, `{"oldestMessageTimestamp":1e20}`)), `await Q.metrics()`, "TypeError: This API doesn't support dates after 2189."},
		{broker(jstest.Response(200, "")), `await Q.send(1)`, "SyntaxError: Unexpected end of JSON input"},
		{broker(jstest.Response(200, "5")), `await Q.send(1)`, "Error: Failed to parse queue send response5"},
		{broker(jstest.Response(200, `"x"`)), `await Q.metrics()`, `Error: Failed to parse queue metrics response"x"`},
		{broker(jstest.Response(200, "{}")), `await Q.send(1)`, "TypeError: Cannot initialize SendMetadata with required members from an undefined or null value."},
		{broker(jstest.Response(200, `{"metadata":5}`)), `await Q.send(1)`, "TypeError: Incorrect type for the 'metadata' field on 'SendResponse': the provided value is not of type 'SendMetadata'."},
		{broker(jstest.Response(200, `{"oldestMessageTimestamp":"soon"}`)), `await Q.metrics()`, "TypeError: Incorrect type for the 'oldestMessageTimestamp' field on 'Metrics': the provided value is not of type 'date'."},
		{&jstest.Service{Answer: jstest.Always(nil, io.ErrUnexpectedEOF)}, `await Q.send(1)`, "Error: Network connection lost."},
	} {
		newEnv(t, c.b).WantError(c.source, c.want)
	}
	newEnv(t, broker(failing), "queue_expose_error_codes").WantError(`await Q.send(1)`, "Error: cause (10)")
}

func TestProducerWrongInput(t *testing.T) {
	b := broker(jstest.Response(200, sent))
	e := newEnv(t, b)
	for source, want := range map[string]string{
		`await Q.send()`:                                             "TypeError: Failed to execute 'send' on 'WorkerQueue': parameter 1 is not of type 'Value'.",
		`await Q.send(undefined)`:                                    "TypeError: Message body cannot be undefined",
		`await Q.send(1, 5)`:                                         "TypeError: Failed to execute 'send' on 'WorkerQueue': parameter 2 is not of type 'SendOptions'.",
		`await Q.send(1, { contentType: "xml" })`:                    "TypeError: Unsupported queue message content type: xml",
		`await Q.send(1, { contentType: "text" })`:                   `TypeError: Content Type "text" requires a value of type string, but received: number`,
		`await Q.send(new ArrayBuffer(1), { contentType: "bytes" })`: `TypeError: Content Type "bytes" requires a value of type ArrayBufferView, but received: object`,
		`await Q.send(10n, { contentType: "json" })`:                 "TypeError: Do not know how to serialize a BigInt",
		`await Q.send(() => 1)`:                                      "DataCloneError: () => 1 could not be cloned.",
		`await Q.send(1, { delaySeconds: 2 ** 31 })`:                 "TypeError: Value out of range. Must be between -2147483648 and 2147483647 (inclusive).",
		`await Q.sendBatch()`:                                        "TypeError: Failed to execute 'sendBatch' on 'WorkerQueue': parameter 1 is not of type 'Sequence'.",
		`await Q.sendBatch({})`:                                      "TypeError: Failed to execute 'sendBatch' on 'WorkerQueue': parameter 1 is not of type 'Sequence'.",
		`await Q.sendBatch([])`:                                      "TypeError: sendBatch() requires at least one message",
		`await Q.sendBatch([null])`:                                  "TypeError: Cannot initialize MessageSendRequest with required members from an undefined or null value.",
		`await Q.sendBatch([5])`:                                     "TypeError: Incorrect type: the provided value is not of type 'MessageSendRequest'.",
		`await Q.sendBatch([{}])`:                                    "TypeError: Message body cannot be undefined",
		`await Q.sendBatch([{ body: "x", contentType: "TEXT" }])`:    "TypeError: Unsupported queue message content type: TEXT",
		`await Q.sendBatch({ *[Symbol.iterator]() { throw new RangeError("it") } })`: "RangeError: it",
	} {
		e.WantError(source, want)
	}
	if len(b.Asked()) > 0 {
		t.Errorf("the broker was asked: %q", b.Asked())
	}
}
