package console

import (
	"strings"

	"github.com/dop251/goja"

	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/script"
	"workerd.local/trace"
)

// PrintWarning prints a warning of the runtime, which tail workers see too.
func PrintWarning(js *isolate.JS, text string) {
	Print(js, Warn, text)
	TraceWarning(js, text)
}

// TraceWarning tells tail workers what the runtime thinks of a script's call. It is not
// printed: it would be said for every request.
func TraceWarning(js *isolate.JS, text string) {
	if span := iocontext.Span(js); span != nil {
		span.Tracer().Log(span, Warn, "["+asJSON(js, intrinsics.Get(js), js.Runtime().ToValue(text))+"]", nil)
	}
}

// traced tells tail workers what a method of the console was given.
func traced(js *isolate.JS, level string, args []goja.Value) {
	span := iocontext.Span(js)
	if span == nil {
		return
	}
	e := intrinsics.Get(js)
	texts := make([]string, len(args))
	var errs []*trace.ErrorInfo
	for i, v := range args {
		texts[i] = logged(js, e, v)
		if info := errorInfo(js, v); info != nil {
			if errs == nil {
				errs = make([]*trace.ErrorInfo, len(args))
			}
			errs[i] = info
		}
	}
	span.Tracer().Log(span, level, "["+strings.Join(texts, ", ")+"]", errs)
}

// logged is an argument as JSON: itself where JSON can say it, otherwise its text
// (workerd, Worker::handleLog).
func logged(js *isolate.JS, e *engine, v goja.Value) string {
	text := "{}" // for what throws
	err := js.Try(func() {
		switch _, isObject := v.(*goja.Object); {
		case plain(e, v):
		case isObject:
			v = v.ToString()
		default: // a bigint; a symbol has no text
			if _, ok := v.(*goja.Symbol); ok {
				return
			}
			v = js.Runtime().ToValue(v.String())
		}
		text = asJSON(js, e, v)
	})
	if isolate.Uncatchable(err) {
		js.Panic(err)
	}
	return text
}

// asJSON is JSON.stringify; what has no JSON is null.
func asJSON(js *isolate.JS, e *engine, v goja.Value) string {
	s, err := js.Call(e.stringify, nil, v)
	if err != nil {
		js.Panic(err)
	}
	if goja.IsUndefined(s) {
		return "null"
	}
	return s.String()
}

// plain reports whether JSON says what v is.
func plain(e *engine, v goja.Value) bool {
	if goja.IsUndefined(v) || goja.IsNull(v) {
		return true
	}
	obj, ok := v.(*goja.Object)
	if !ok {
		if _, symbol := v.(*goja.Symbol); symbol {
			return false
		}
		switch v.Export().(type) {
		case bool, int64, float64, string:
			return true
		}
		return false
	}
	if obj.ClassName() == "Array" {
		return true
	}
	if p := obj.Prototype(); p == nil || p.SameAs(e.objectProto) {
		return true
	}
	_, ok = goja.AssertFunction(obj.Get("toJSON"))
	return ok
}

// errorInfo describes an error of the engine; nil for all else, and for an error whose
// properties throw.
func errorInfo(js *isolate.JS, v goja.Value) *trace.ErrorInfo {
	obj, ok := v.(*goja.Object)
	if !ok || obj.ClassName() != "Error" {
		return nil
	}
	var info *trace.ErrorInfo
	err := js.Try(func() { i := describeError(obj); info = &i })
	if isolate.Uncatchable(err) {
		js.Panic(err)
	}
	return info
}

// describeError reads an error's properties, which may throw.
func describeError(obj *goja.Object) trace.ErrorInfo {
	read := func(name, without string) string {
		if v := obj.Get(name); v != nil && !goja.IsUndefined(v) {
			return v.ToString().String()
		}
		return without
	}
	name := read("name", "Error")
	return trace.Describe(name, read("message", ""), script.FormatStack(read("stack", "")))
}
