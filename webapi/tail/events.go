package tail

import (
	"math/big"

	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/trace"
)

// HandlerName is the property of a handler object that takes an event.
func HandlerName(e *trace.Event) string {
	switch e.Body.(type) {
	case *trace.SpanOpen:
		return "spanOpen"
	case *trace.SpanClose:
		return "spanClose"
	case *trace.Diagnostic:
		return "diagnosticChannel"
	case *trace.Exception:
		return "exception"
	case *trace.Log:
		return "log"
	case *trace.Dropped:
		return "streamDiagEvent"
	case *trace.Return:
		return "return"
	case trace.Attributes:
		return "attributes"
	}
	return "outcome"
}

// Event is an event as tailStream() and its handlers get it: plain objects only, so that
// it can be sent anywhere.
func Event(js *isolate.JS, e *trace.Event) *goja.Object {
	v := viewers.Get(js)
	var span any
	if e.Context.Span != 0 {
		span = e.Context.Span.String()
	}
	return v.plain(
		"spanContext", v.plain("traceId", e.Context.Trace.String(), "spanId", span),
		"invocationId", e.Invocation.String(),
		"timestamp", v.day(e.Time),
		"sequence", int64(e.Sequence),
		"event", v.body(e.Body),
	)
}

func (v *viewer) body(body any) *goja.Object {
	switch b := body.(type) {
	case *trace.Onset:
		return v.plain(
			"type", "onset",
			"executionModel", b.Model.String(),
			"spanId", b.Span.String(),
			"entrypoint", optional(b.Entrypoint),
			"durableObjectId", optional(b.Actor),
			"scriptName", optional(b.Script),
			"scriptTags", v.js.Runtime().NewArray(),
			"info", v.onsetInfo(b.Info),
		)
	case *trace.Log:
		p := v.plain("type", "log", "level", b.Level)
		if b.Truncated {
			v.add(p, "message", b.Message, "truncated", true)
		} else {
			v.add(p, "message", v.must(b.Message))
		}
		if b.Errors != nil {
			v.add(p, "errorInfo", v.errors(b.Errors))
		}
		return p
	case *trace.Exception:
		return v.plain("type", "exception", "name", b.Name, "message", b.Message, "stack", optional(b.Stack))
	case *trace.Diagnostic:
		return v.plain("type", "diagnosticChannel", "channel", b.Channel, "message", v.cloned(b.Message))
	case *trace.SpanOpen:
		return v.plain("type", "spanOpen", "name", b.Name, "spanId", b.Span.String())
	case *trace.SpanClose:
		return v.plain("type", "spanClose", "outcome", "ok")
	case trace.Attributes:
		return v.plain("type", "attributes", "info", list(v, b, v.attribute))
	case *trace.Return:
		p := v.plain("type", "return")
		if b.Status != 0 {
			v.add(p, "info", v.plain("type", "fetch", "statusCode", b.Status))
		}
		return p
	case *trace.Dropped:
		return v.plain("type", "streamDiagnostic", "diagnostic", v.plain("diagnosticsType", "droppedEvents", "count", int64(b.Count)))
	case *trace.Outcome:
		return v.plain("type", "outcome", "outcome", b.Outcome, "cpuTime", b.CPU.Milliseconds(), "wallTime", b.Wall.Milliseconds())
	}
	return v.plain()
}

// add adds properties to a plain object.
func (v *viewer) add(obj *goja.Object, pairs ...any) {
	from := v.plain(pairs...)
	for i := 0; i < len(pairs); i += 2 {
		name := pairs[i].(string)
		_ = obj.DefineDataProperty(name, from.Get(name), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
	}
}

func (v *viewer) attribute(a trace.Attribute) goja.Value {
	value := a.Value
	if n, ok := value.(int64); ok {
		value = v.js.Runtime().ToValue(big.NewInt(n))
	}
	return v.plain("name", a.Name, "value", value)
}

func (v *viewer) onsetInfo(info trace.Info) *goja.Object {
	switch i := info.(type) {
	case *trace.Fetch:
		var cf any
		if len(i.CF) > 0 {
			cf = v.must(string(i.CF))
		}
		return v.plain("type", "fetch", "method", i.Method, "url", i.URL, "cfJson", cf, "headers", list(v, i.Header, func(h trace.Header) goja.Value {
			return v.plain("name", h.Name, "value", h.Value)
		}))
	case *trace.RPC:
		return v.plain("type", "jsrpc")
	case *trace.Connect:
		return v.plain("type", "connect")
	case *trace.Scheduled:
		return v.plain("type", "scheduled", "scheduledTime", v.day(i.Time), "cron", i.Cron)
	case *trace.Alarm:
		return v.plain("type", "alarm", "scheduledTime", v.day(i.Time))
	case *trace.Queue:
		return v.plain("type", "queue", "queueName", i.Name, "batchSize", i.Batch)
	case *trace.Tail:
		return v.plain("type", "trace", "traces", list(v, i.Consumed, func(name string) goja.Value { return v.js.Runtime().ToValue(name) }))
	case *trace.Socket:
		p := v.plain("type", i.Kind)
		if i.Kind == "close" {
			v.add(p, "code", i.Code, "wasClean", i.WasClean)
		}
		return v.plain("type", "hibernatableWebSocket", "info", p)
	}
	return v.plain("type", "custom")
}
