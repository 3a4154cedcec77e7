// Package queue is queues: what a queue binding is, and what a consumer is given.
//
// A producer keeps nothing. It asks the service that the configuration names with HTTP, as
// workerd's does: POST of /message and /batch, GET of /metrics. A consumer's messages
// come with an event.
//
// Everything belongs to the isolate's goroutine; the service runs on others.
package queue

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/fetch"
)

// Producer is the sending end of a queue, behind a service.
type Producer struct{ Service event.Service }

// ProducerClass is the class of bindings; scripts do not see its name.
var ProducerClass = &bind.Class[Producer]{
	Name: "WorkerQueue",
	Async: map[string]bind.Method[Producer]{
		"send":      (*Producer).send,
		"sendBatch": (*Producer).sendBatch,
		"metrics":   (*Producer).metrics,
	},
	Captured: true,
}

var errUndefined = exception.TypeErrorf("Message body cannot be undefined")

// defaultType is the content type of a body whose sender names none: v8 without saying
// so, or json.
func defaultType(js *isolate.JS) (typ string, said bool) {
	if js.Compat().Has("queues_json_messages") {
		return asJSON, true
	}
	return asV8, false
}

// send is send().
func (p *Producer) send(c *bind.Call) (any, error) {
	if c.Len() == 0 {
		return nil, c.BadArg(1, "Value")
	}
	var named *string
	var delay *int32
	if err := c.Options(2, "SendOptions", "contentType", &named, "delaySeconds", &delay); err != nil {
		return nil, err
	}
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	js, v := c.JS(), c.Arg(0)
	if goja.IsUndefined(v) {
		return nil, errUndefined
	}
	req := &event.Request{Method: http.MethodPost, URL: "https://fake-host/message", Redirect: "manual", Header: http.Header{"Content-Type": {"application/octet-stream"}}}
	typ, said := defaultType(js)
	if named != nil {
		if typ, err = contentType(*named); err != nil {
			return nil, err
		}
		said = true
	}
	if said {
		req.Header["X-Msg-Fmt"] = []string{typ}
	}
	setDelay(req, delay)
	body, err := encode(js, v, typ, true)
	if err != nil {
		return nil, err
	}
	req.Body = event.BytesBody(body)
	return p.ask(js, ioc, req, "send", "SendResponse"), nil
}

func setDelay(req *event.Request, seconds *int32) {
	if seconds != nil {
		req.Header["X-Msg-Delay-Secs"] = []string{strconv.Itoa(int(*seconds))}
	}
}

// sendBatch is sendBatch().
func (p *Producer) sendBatch(c *bind.Call) (any, error) {
	js := c.JS()
	list, ok := c.Arg(0).(*goja.Object)
	if !ok || !iterable(js, list) {
		return nil, c.BadArg(1, "Sequence")
	}
	var messages []message
	total, largest := 0, 0
	limit := js.Isolate().Limits().BodyBytes
	var bad error
	err := js.Try(func() {
		js.Runtime().ForOf(list, func(item goja.Value) bool {
			var m message
			if m, bad = readMessage(c, item); bad != nil {
				return false
			}
			messages = append(messages, m)
			total += len(m.body)
			largest = max(largest, len(m.body))
			if n := int64(total + 32*len(messages)); n > limit {
				bad = exception.RangeErrorf("The messages are more than %d bytes, and so too large for one batch.", limit)
			}
			return bad == nil
		})
	})
	if err == nil {
		err = bad
	}
	if err != nil {
		return nil, err
	}
	var delay *int32
	if err := c.Options(2, "SendBatchOptions", "delaySeconds", &delay); err != nil {
		return nil, err
	}
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	if len(messages) == 0 {
		return nil, exception.TypeErrorf("sendBatch() requires at least one message")
	}
	req := &event.Request{
		Method: http.MethodPost, URL: "https://fake-host/batch", Redirect: "manual", Body: event.BytesBody(batchBody(messages)),
		Header: http.Header{
			"Content-Type":         {"application/json"},
			"Cf-Queue-Batch-Count": {strconv.Itoa(len(messages))},
			"Cf-Queue-Batch-Bytes": {strconv.Itoa(total)},
			"Cf-Queue-Largest-Msg": {strconv.Itoa(largest)},
		},
	}
	setDelay(req, delay)
	return p.ask(js, ioc, req, "sendBatch", "SendBatchResponse"), nil
}

func iterable(js *isolate.JS, obj *goja.Object) bool {
	ok := false
	err := js.Try(func() { _, ok = goja.AssertFunction(obj.GetSymbol(goja.SymIterator)) })
	return ok && err == nil
}

// message is one of a batch. typ is empty where its sender names none.
type message struct {
	body  []byte
	typ   string
	delay *int32
}

func readMessage(c *bind.Call, item goja.Value) (m message, err error) {
	obj, ok := item.(*goja.Object)
	if goja.IsUndefined(item) || goja.IsNull(item) {
		return m, missing("MessageSendRequest")
	}
	if !ok {
		return m, exception.TypeErrorf("Incorrect type: the provided value is not of type 'MessageSendRequest'.")
	}
	js := c.JS()
	v := goja.Undefined()
	var named *string
	if err := c.Dictionary(obj, "MessageSendRequest", "body", &v, "contentType", &named, "delaySeconds", &m.delay); err != nil {
		return m, err
	}
	if goja.IsUndefined(v) {
		return m, errUndefined
	}
	typ, said := defaultType(js)
	if named != nil {
		// Unlike send(), workerd does not take another case here.
		typ, said = *named, true
	}
	if said {
		m.typ = typ
	}
	m.body, err = encode(js, v, typ, false)
	return m, err
}

// batchBody is messages as the service reads them.
func batchBody(messages []message) []byte {
	var b strings.Builder
	b.WriteString(`{"messages":[`)
	for i, m := range messages {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`{"body":"` + base64.StdEncoding.EncodeToString(m.body) + `"`)
		if m.typ != "" {
			b.WriteString(`,"contentType":"` + m.typ + `"`)
		}
		if m.delay != nil {
			b.WriteString(`,"delaySecs": ` + strconv.Itoa(int(*m.delay)))
		}
		b.WriteByte('}')
	}
	b.WriteString("]}")
	return []byte(b.String())
}

// metrics is metrics().
func (p *Producer) metrics(c *bind.Call) (any, error) {
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	req := &event.Request{Method: http.MethodGet, URL: "https://fake-host/metrics", Redirect: "manual", Header: http.Header{}}
	return p.ask(c.JS(), ioc, req, "metrics", "Metrics"), nil
}

// ask sends a request whose answer is metrics, on their own or within a response.
func (p *Producer) ask(js *isolate.JS, ioc *iocontext.Context, req *event.Request, what, typ string) *goja.Object {
	fetch.Frame(req)
	name := "queue_send"
	if what == "metrics" {
		name = "queue_metrics"
	}
	span := iocontext.Span(js).Open(name)
	answer := fetch.SendBelow(js, ioc, span, p.Service, req, func(js *isolate.JS, resp *event.Response) (goja.Value, error) {
		if resp.Status != http.StatusOK {
			if what == "metrics" || js.Compat().Has("queue_expose_error_codes") {
				return nil, exception.Errorf("%s (%s)", header(resp, "Cf-Queues-Error-Cause", "Unknown Internal Error"), header(resp, "Cf-Queues-Error-Code", "15000"))
			}
			return nil, exception.Errorf("Queue %s failed: %s", what, fetch.StatusText(resp))
		}
		return fetch.ReadAnswer(js, ioc, resp, func(js *isolate.JS, data []byte) (goja.Value, error) {
			v, err := fetch.PlainJSON(js, data)
			if err != nil {
				return nil, err
			}
			if obj, ok := v.(*goja.Object); !ok && !goja.IsNull(v) || ok && obj.ClassName() == "Function" {
				if what != "metrics" {
					what = "send"
				}
				return nil, exception.Errorf("Failed to parse queue %s response%s", what, data)
			}
			c := bind.NewCall(js, "WorkerQueue", what, goja.FunctionCall{})
			if typ == "Metrics" {
				return metricsOf(c, typ, v)
			}
			name := strings.TrimSuffix(typ, "Response")
			metadata, err := member(c, typ, v, "metadata", name+"Metadata")
			if err != nil {
				return nil, err
			}
			metrics, err := member(c, name+"Metadata", metadata, "metrics", name+"Metrics")
			if err != nil {
				return nil, err
			}
			m, err := metricsOf(c, name+"Metrics", metrics)
			if err != nil {
				return nil, err
			}
			return record(js, "metadata", record(js, "metrics", m)), nil
		})
	})
	return iocontext.EndWith(js, span, answer).(*goja.Object)
}

func header(resp *event.Response, name, otherwise string) string {
	if v, ok := fetch.Header(resp, name); ok {
		return v
	}
	return otherwise
}
