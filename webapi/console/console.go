package console

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/dop251/goja"

	"workerd.local/internal/limits"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// Levels of lines, from the method that printed them.
const (
	Debug = "debug"
	Log   = "log"
	Info  = "info"
	Warn  = "warn"
	Error = "error"
)

// Sink takes one printed text, which may have several lines and ends without a
// newline.
type Sink func(level, text string)

// state is a realm's console.
type state struct {
	sink   Sink
	whole  bool
	groups int
	counts map[string]int
	timers map[string]time.Time
}

var states = isolate.NewSlot(func(js *isolate.JS) *state {
	return &state{sink: LogSink(js), counts: map[string]int{}, timers: map[string]time.Time{}}
})

// SetSink says where the realm's console prints; nil is the isolate's log.
func SetSink(js *isolate.JS, sink Sink) {
	if sink == nil {
		sink = LogSink(js)
	}
	states.Get(js).sink = sink
}

// SetWhole lets the realm's console print texts of any length, as that of a program does:
// who reads it reads a stream. Others print console.text bytes, since each text is a line of a log.
func SetWhole(js *isolate.JS) { states.Get(js).whole = true }

// longest is how long a text that the console prints may be.
func longest(js *isolate.JS) int {
	if states.Get(js).whole {
		return js.Isolate().Limits().StringBytes
	}
	return limits.ConsoleText.In(js.Bounds())
}

// LogSink is what prints into the isolate's log.
func LogSink(js *isolate.JS) Sink {
	log, worker := js.Isolate().Log(), js.Realm().Name()
	return func(level, text string) {
		l := slog.LevelInfo
		switch level {
		case Debug:
			l = slog.LevelDebug
		case Warn:
			l = slog.LevelWarn
		case Error:
			l = slog.LevelError
		}
		log.Log(context.Background(), l, text, "worker", worker, "console", level)
	}
}

// Print prints a text as the console's methods do.
func Print(js *isolate.JS, level, text string) {
	s := states.Get(js)
	if s.groups > 0 {
		indent := strings.Repeat("  ", min(s.groups, limits.ConsoleGroups.In(js.Bounds())))
		text = indent + strings.ReplaceAll(text, "\n", "\n"+indent)
	}
	s.sink(level, text)
}

func printAt(level string) bind.Static {
	return func(c *bind.Call) (any, error) {
		Print(c.JS(), level, Format(c.JS(), c.Args()))
		traced(c.JS(), level, c.Args())
		return nil, nil
	}
}

func jsTrace(c *bind.Call) (any, error) {
	head := "Trace"
	if c.Len() > 0 {
		head += ": " + Format(c.JS(), c.Args())
	}
	Print(c.JS(), Error, head+stackLines(c.JS()))
	return nil, nil
}

func jsAssert(c *bind.Call) (any, error) {
	if c.Arg(0).ToBoolean() {
		return nil, nil
	}
	args := c.Args()[min(1, c.Len()):]
	text := "Assertion failed"
	if len(args) > 0 {
		if s, ok := args[0].(goja.String); ok {
			args = append([]goja.Value{c.JS().Runtime().ToValue(text + ": " + s.String())}, args[1:]...)
		} else {
			args = append([]goja.Value{c.JS().Runtime().ToValue(text)}, args...)
		}
		text = Format(c.JS(), args)
	}
	Print(c.JS(), Warn, text)
	return nil, nil
}

func jsDir(c *bind.Call) (any, error) {
	depth, maxDepth := defaultDepth, limits.ConsoleDepth.In(c.JS().Bounds())
	if o, ok := c.Arg(1).(*goja.Object); ok {
		d := intrinsics.Get(c.JS()).lookup(c.JS(), o, c.JS().Runtime().ToValue("depth"))
		if d != nil && d.value != nil {
			switch n := d.value.Export().(type) {
			case int64:
				depth = int(min(max(n, 0), int64(maxDepth)))
			case float64, nil:
				depth = maxDepth // Infinity or null
			}
		}
	}
	text, _ := clip(Inspect(c.JS(), c.Arg(0), depth), longest(c.JS()))
	Print(c.JS(), Log, text)
	return nil, nil
}

func jsGroup(c *bind.Call) (any, error) {
	if c.Len() > 0 {
		Print(c.JS(), Log, Format(c.JS(), c.Args()))
	}
	states.Get(c.JS()).groups++
	return nil, nil
}

func jsGroupEnd(c *bind.Call) (any, error) {
	if s := states.Get(c.JS()); s.groups > 0 {
		s.groups--
	}
	return nil, nil
}

// label is the label argument of the counters and timers. A label that cannot be
// made text is "default": the console does not throw.
func label(c *bind.Call) string {
	if v := c.Arg(0); !goja.IsUndefined(v) {
		if s, err := c.String(1, v); err == nil {
			s, _ = clip(s, 1000)
			return s
		}
	}
	return "default"
}

func jsCount(c *bind.Call) (any, error) {
	s, l, maxLabels := states.Get(c.JS()), label(c), limits.ConsoleLabels.In(c.JS().Bounds())
	if _, known := s.counts[l]; !known && len(s.counts) >= maxLabels {
		Print(c.JS(), Warn, fmt.Sprintf("console.count() has %d labels already; %s is not counted", maxLabels, l))
		return nil, nil
	}
	s.counts[l]++
	Print(c.JS(), Log, fmt.Sprintf("%s: %d", l, s.counts[l]))
	return nil, nil
}

func jsCountReset(c *bind.Call) (any, error) {
	s, l := states.Get(c.JS()), label(c)
	if _, ok := s.counts[l]; !ok {
		Print(c.JS(), Warn, fmt.Sprintf("Count for '%s' does not exist", l))
	}
	delete(s.counts, l)
	return nil, nil
}

func jsTime(c *bind.Call) (any, error) {
	s, l, maxLabels := states.Get(c.JS()), label(c), limits.ConsoleLabels.In(c.JS().Bounds())
	switch _, running := s.timers[l]; {
	case running:
		Print(c.JS(), Warn, fmt.Sprintf("Label '%s' already exists for console.time()", l))
	case len(s.timers) >= maxLabels:
		Print(c.JS(), Warn, fmt.Sprintf("console.time() has %d labels already; %s is not measured", maxLabels, l))
	default:
		s.timers[l] = c.JS().Host().Now()
	}
	return nil, nil
}

// elapsed prints a timer; end also ends it.
func elapsed(end bool) bind.Static {
	name := "timeLog"
	if end {
		name = "timeEnd"
	}
	return func(c *bind.Call) (any, error) {
		s, l := states.Get(c.JS()), label(c)
		began, ok := s.timers[l]
		if !ok {
			Print(c.JS(), Warn, fmt.Sprintf("No such label '%s' for console.%s()", l, name))
			return nil, nil
		}
		text := l + ": " + durationText(c.JS().Host().Now().Sub(began))
		if end {
			delete(s.timers, l)
		} else if c.Len() > 1 {
			text += " " + Format(c.JS(), c.Args()[1:])
		}
		Print(c.JS(), Log, text)
		return nil, nil
	}
}

// durationText is node's: milliseconds and seconds with three digits, then
// minutes and hours.
func durationText(d time.Duration) string {
	switch {
	case d >= time.Hour:
		return fmt.Sprintf("%d:%02d:%02d (h:mm:ss)", d/time.Hour, d/time.Minute%60, d/time.Second%60)
	case d >= time.Minute:
		return fmt.Sprintf("%d:%02d.%03d (m:ss.mmm)", d/time.Minute, d/time.Second%60, d/time.Millisecond%1000)
	case d >= time.Second:
		return fmt.Sprintf("%.3fs", d.Seconds())
	}
	text := fmt.Sprintf("%.3f", float64(d)/float64(time.Millisecond))
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".") + "ms"
}

// stackLines is the stack of the script that runs, each line after a newline.
func stackLines(js *isolate.JS) string {
	obj, err := js.Construct(intrinsics.Get(js).errorClass)
	if err != nil {
		return ""
	}
	if _, lines, ok := strings.Cut(js.Thrown(obj).Stack, "\n"); ok {
		return "\n" + lines
	}
	return ""
}

func nothing(*bind.Call) (any, error) { return nil, nil }

// Module is console.
var Module = bind.Module{Name: "console", Globals: []bind.Global{bind.Own(bind.Object{
	Name: "console",
	Methods: map[string]bind.Static{
		"debug":          printAt(Debug),
		"log":            printAt(Log),
		"info":           printAt(Info),
		"warn":           printAt(Warn),
		"error":          printAt(Error),
		"dirxml":         printAt(Log),
		"trace":          jsTrace,
		"assert":         jsAssert,
		"dir":            jsDir,
		"table":          jsTable,
		"group":          jsGroup,
		"groupCollapsed": jsGroup,
		"groupEnd":       jsGroupEnd,
		"count":          jsCount,
		"countReset":     jsCountReset,
		"time":           jsTime,
		"timeLog":        elapsed(false),
		"timeEnd":        elapsed(true),
		// A log has no screen, no profiler and no timeline.
		"clear":      nothing,
		"profile":    nothing,
		"profileEnd": nothing,
		"timeStamp":  nothing,
	},
}, false)}}
