package events

import (
	"regexp"
	"strconv"
	"strings"

	"workerd.local/exception"
	"workerd.local/isolate"
)

// Report tells of an exception that no script caught (HTML, "report an
// exception"): an error event at globalThis, then the log unless a listener
// prevented that. What a listener for errors throws goes to the log only.
func Report(js *isolate.JS, err error) {
	if isolate.Uncatchable(err) {
		js.Panic(err)
	}
	if r := reporters.Get(js); r.report != nil {
		r.report(js, err)
		return
	}
	reporting := reportDepth.Get(js)
	e := js.Exception(err)
	t := Global(js)
	if t.Has("error") && *reporting == 0 {
		*reporting++
		defer func() { *reporting-- }()
		ev := &ErrorEvent{Event: New("error", true), Message: "Uncaught " + e.Error(), Error: js.Error(err)}
		ev.Filename, ev.Line, ev.Column = origin(e.Stack)
		if Dispatch(js, t, ErrorEventClass, ev) && ev.prevented {
			return
		}
	}
	Log(js, "uncaught exception", e)
}

type reporter struct {
	report func(js *isolate.JS, err error)
}

var reporters = isolate.NewSlot(func(*isolate.JS) *reporter { return &reporter{} })

// SetReporter puts something else in the place of what Report does; err can be caught.
func SetReporter(js *isolate.JS, report func(js *isolate.JS, err error)) {
	reporters.Get(js).report = report
}

var reportDepth = isolate.NewSlot(func(*isolate.JS) *int { return new(int) })

// Log writes an exception to the isolate's log.
func Log(js *isolate.JS, what string, e *exception.Exception) {
	js.Isolate().Log().Error(what, "worker", js.Realm().Name(), "error", e.Error(), "stack", e.Stack)
}

var frame = regexp.MustCompile(`^\s+at (?:.*\()?(.*?):(\d+):(\d+)\)?$`)

// origin is the place that the first frame of a stack shows.
func origin(stack string) (file string, line, column int) {
	for l := range strings.Lines(stack) {
		if m := frame.FindStringSubmatch(strings.TrimRight(l, "\n")); m != nil {
			// The pattern lets digits through only; a number beyond int is 0.
			line, _ = strconv.Atoi(m[2])
			column, _ = strconv.Atoi(m[3])
			return m[1], line, column
		}
	}
	return "", 0, 0
}

// stackLines is the stack of the script that runs now, each line after a newline.
func stackLines(js *isolate.JS) string {
	obj, err := js.Construct(errorConstructor.Get(js))
	if err != nil {
		return ""
	}
	_, lines, ok := strings.Cut(js.Exception(js.Thrown(obj)).Stack, "\n")
	if !ok {
		return ""
	}
	return "\n" + lines
}
