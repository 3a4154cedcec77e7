// Package tail is what tail workers see of other workers' invocations: the TraceItems
// that tail() gets when one is over, and the events that tailStream() gets meanwhile;
// and tracing, with which a worker opens spans of its own.
//
// # Concurrency
//
// Everything belongs to the isolate's goroutine; what is shown (package trace) may be
// shown by several isolates at once.
package tail

import (
	"time"

	"github.com/dop251/goja"

	"workerd.local/internal/clone"
	"workerd.local/isolate"
	"workerd.local/trace"
	"workerd.local/webapi/bind"
)

// item is what an instance of the classes below stands for: its properties are its own.
type item struct{}

func class(name string) *bind.Class[item] { return &bind.Class[item]{Name: name} }

// The classes of what tail() gets.
var (
	traceItem        = class("TraceItem")
	traceLog         = class("TraceLog")
	traceException   = class("TraceException")
	traceDiagnostic  = class("TraceDiagnosticChannelEvent")
	fetchEventInfo   = class("FetchEventInfo")
	fetchResponse    = class("Response")
	rpcEventInfo     = class("JsRpcEventInfo")
	connectEventInfo = class("ConnectEventInfo")
	scheduledInfo    = class("ScheduledEventInfo")
	alarmInfo        = class("AlarmEventInfo")
	queueInfo        = class("QueueEventInfo")
	tailInfo         = class("TailEventInfo")
	tailItem         = class("TailItem")
	socketInfo       = class("HibernatableWebSocketEventInfo")
	socketMessage    = class("Message")
	socketClose      = class("Close")
	socketError      = class("Error")
	customInfo       = class("CustomEventInfo")
)

// viewer makes objects of one realm.
type viewer struct {
	js    *isolate.JS
	parse goja.Value // JSON.parse as it was at the first use
	json  goja.Value
	date  goja.Value // Date
	now   func(t time.Time) float64
}

var viewers = isolate.NewSlot(func(js *isolate.JS) *viewer {
	global := js.Runtime().GlobalObject()
	json := global.Get("JSON").(*goja.Object)
	v := &viewer{js: js, json: json, parse: json.Get("parse"), date: global.Get("Date"), now: millis}
	if isolate.Predictable(js.Host()) {
		v.now = func(time.Time) float64 { return 0 }
	}
	return v
})

func millis(t time.Time) float64 { return float64(t.UnixMilli()) }

// object makes an instance of a class with properties that cannot be changed, of pairs of
// names and values.
func (v *viewer) object(cl *bind.Class[item], pairs ...any) *goja.Object {
	obj := cl.Wrap(v.js, &item{})
	v.define(obj, pairs...)
	return obj
}

// define goes from the last pair to the first one, which is the order that workerd's
// objects list their properties in.
func (v *viewer) define(obj *goja.Object, pairs ...any) {
	for i := len(pairs) - 2; i >= 0; i -= 2 {
		// It can only fail on an object that is not extensible, and obj is new.
		_ = obj.DefineDataProperty(pairs[i].(string), bind.Value(v.js, pairs[i+1]), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_TRUE)
	}
}

// list makes an array.
func list[T any](v *viewer, from []T, show func(T) goja.Value) *goja.Object {
	items := make([]any, len(from))
	for i, x := range from {
		items[i] = show(x)
	}
	return v.js.Runtime().NewArray(items...)
}

// parsed is the value of a text that is JSON.
func (v *viewer) parsed(text string) (goja.Value, error) {
	return v.js.Call(v.parse, v.json, v.js.Runtime().ToValue(text))
}

// must is parsed for what the runtime wrote itself.
func (v *viewer) must(text string) goja.Value {
	x, err := v.parsed(text)
	if err != nil {
		v.js.Panic(err)
	}
	return x
}

// optional is undefined for the empty string.
func optional(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func orNull(s string) any {
	if s == "" {
		return bind.Null
	}
	return s
}

// Items are the traces as tail() gets them.
func Items(js *isolate.JS, traces []*trace.Trace) *goja.Object {
	v := viewers.Get(js)
	return list(v, traces, func(t *trace.Trace) goja.Value { return v.item(t) })
}

func (v *viewer) item(t *trace.Trace) *goja.Object {
	return v.object(traceItem,
		"event", v.info(t),
		"eventTimestamp", v.now(t.Began),
		"logs", list(v, t.Logs, v.log),
		"exceptions", list(v, t.Exceptions, func(e *trace.Exception) goja.Value {
			return v.object(traceException, "timestamp", v.now(e.Time), "message", e.Message, "name", e.Name, "stack", optional(e.Stack))
		}),
		"diagnosticsChannelEvents", list(v, t.Diagnostics, func(d *trace.Diagnostic) goja.Value {
			return v.object(traceDiagnostic, "timestamp", v.now(d.Time), "channel", d.Channel, "message", v.cloned(d.Message))
		}),
		"scriptName", orNull(t.Script),
		"entrypoint", optional(t.Entrypoint),
		"scriptVersion", nil,
		"dispatchNamespace", nil,
		"scriptTags", nil,
		"tailAttributes", nil,
		"preview", nil,
		"durableObjectId", optional(t.Actor),
		"outcome", t.Outcome,
		"executionModel", t.Model.String(),
		"truncated", t.Truncated,
		"cpuTime", t.CPU.Milliseconds(),
		"wallTime", t.Wall.Milliseconds(),
	)
}

func (v *viewer) log(l *trace.Log) goja.Value {
	return v.object(traceLog, "timestamp", v.now(l.Time), "level", l.Level, "message", v.must(l.Message), "errorInfo", v.errors(l.Errors))
}

// errors has a plain object for each argument that was an error, and null for the others.
func (v *viewer) errors(infos []*trace.ErrorInfo) goja.Value {
	if infos == nil {
		return goja.Undefined()
	}
	return list(v, infos, func(e *trace.ErrorInfo) goja.Value {
		if e == nil {
			return goja.Null()
		}
		return v.plain("name", e.Name, "message", e.Message, "stack", optional(e.Stack))
	})
}

// plain makes an ordinary object of pairs of names and values, without those that are nil.
func (v *viewer) plain(pairs ...any) *goja.Object {
	obj := v.js.Runtime().NewObject()
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != nil {
			_ = obj.DefineDataProperty(pairs[i].(string), bind.Value(v.js, pairs[i+1]), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
		}
	}
	return obj
}

// cloned is the value of a structured clone.
func (v *viewer) cloned(message []byte) goja.Value {
	if len(message) == 0 {
		return goja.Undefined()
	}
	x, err := clone.Deserialize(v.js.Runtime(), message, clone.Options{})
	if err != nil {
		v.js.Panic(err)
	}
	return x
}

func (v *viewer) info(t *trace.Trace) goja.Value {
	switch i := t.Info.(type) {
	case *trace.Fetch:
		var response any
		if t.Status != 0 {
			response = v.object(fetchResponse, "status", t.Status)
		}
		return v.object(fetchEventInfo, "response", response, "request", v.request(i))
	case *trace.RPC:
		return v.object(rpcEventInfo, "rpcMethod", i.Method)
	case *trace.Connect:
		return v.object(connectEventInfo)
	case *trace.Scheduled:
		return v.object(scheduledInfo, "scheduledTime", millis(i.Time), "cron", i.Cron)
	case *trace.Alarm:
		return v.object(alarmInfo, "scheduledTime", v.day(i.Time))
	case *trace.Queue:
		return v.object(queueInfo, "queue", i.Name, "batchSize", i.Batch)
	case *trace.Tail:
		return v.object(tailInfo, "consumedEvents", list(v, i.Consumed, func(name string) goja.Value {
			return v.object(tailItem, "scriptName", name)
		}))
	case *trace.Socket:
		var e *goja.Object
		switch i.Kind {
		case "message":
			e = v.object(socketMessage, "webSocketEventType", i.Kind)
		case "close":
			e = v.object(socketClose, "webSocketEventType", i.Kind, "code", i.Code, "wasClean", i.WasClean)
		default:
			e = v.object(socketError, "webSocketEventType", i.Kind)
		}
		return v.object(socketInfo, "getWebSocketEvent", e)
	case *trace.Custom:
		return v.object(customInfo)
	}
	return goja.Null()
}

// day is a Date.
func (v *viewer) day(t time.Time) goja.Value {
	d, err := v.js.Construct(v.date, v.js.Runtime().ToValue(millis(t)))
	if err != nil {
		v.js.Panic(err)
	}
	return d
}
