package performance

import (
	"maps"

	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/events"
)

// Modules are performance by itself, with the timeline, and with what node adds: a
// worker has the one that its compatibility flags name.
var Modules = []bind.Module{
	{
		Name:    "performance",
		When:    func(has func(string) bool) bool { return !hasTimeline(has) },
		Globals: []bind.Global{object(clockClass)},
	},
	{
		Name:    "performance timeline",
		When:    func(has func(string) bool) bool { return hasTimeline(has) && !has(nodeFlag) },
		Globals: append(timeline(timelineClass), entryClasses...),
	},
	{
		Name:    "performance of node",
		When:    func(has func(string) bool) bool { return has(nodeFlag) },
		Globals: append(timeline(nodeClass), entryClasses...),
	},
}

const (
	timelineFlag = "enable_global_performance_classes"
	nodeFlag     = "enable_nodejs_perf_hooks_module"
)

func hasTimeline(has func(string) bool) bool { return has(timelineFlag) || has(nodeFlag) }

// object is the global performance.
func object(class *bind.Class[performance]) bind.Global {
	return bind.Own(bind.Var{Name: "performance", Make: func(js *isolate.JS) (goja.Value, error) {
		obj := class.Wrap(js, &performance{})
		if extend := origins.Get(js).extend; extend != nil {
			return obj, extend(js, obj.Prototype())
		}
		return obj, nil
	}}, true)
}

func timeline(class *bind.Class[performance]) []bind.Global {
	return []bind.Global{class, object(class)}
}

var entryClasses = []bind.Global{entryClass, markClass, measureClass, resourceTimingClass, observerClass, observerListClass}

var clockClass = &bind.Class[performance]{
	Name: "Performance",
	Getters: map[string]bind.Getter[performance]{
		"timeOrigin": func(_ *performance, c *bind.Call) (any, error) { return timeOrigin(c.JS()), nil },
	},
	Methods: map[string]bind.Method[performance]{
		"now": func(_ *performance, c *bind.Call) (any, error) { return now(c.JS()), nil },
	},
}

var timelineClass = &bind.Class[performance]{
	Name:   "Performance",
	Parent: bind.Extends(events.TargetClass, func(p *performance) *events.Target { return &p.target }),
	Getters: with(clockClass.Getters, map[string]bind.Getter[performance]{
		"eventCounts": func(_ *performance, c *bind.Call) (any, error) {
			return eventCountsClass.Wrap(c.JS(), &eventCounts{}), nil
		},
	}),
	Methods: with(clockClass.Methods, map[string]bind.Method[performance]{
		"mark":             (*performance).jsMark,
		"measure":          (*performance).jsMeasure,
		"clearMarks":       func(p *performance, c *bind.Call) (any, error) { return nil, p.clear(c, kindMark) },
		"clearMeasures":    func(p *performance, c *bind.Call) (any, error) { return nil, p.clear(c, kindMeasure) },
		"getEntries":       func(p *performance, c *bind.Call) (any, error) { return list(c.JS(), p.find(nil, "")), nil },
		"getEntriesByName": (*performance).jsByName,
		"getEntriesByType": (*performance).jsByType,
		"toJSON": func(_ *performance, c *bind.Call) (any, error) {
			return record(c.JS(), "timeOrigin", timeOrigin(c.JS()))
		},
		// There are no entries of resources.
		"clearResourceTimings": func(*performance, *bind.Call) (any, error) { return nil, nil },
		"setResourceTimingBufferSize": func(_ *performance, c *bind.Call) (any, error) {
			var n int
			return nil, c.Unpack("maxSize", &n)
		},
	}),
}

var nodeClass = &bind.Class[performance]{
	Name:   "Performance",
	Parent: timelineClass.Parent,
	Getters: with(timelineClass.Getters, map[string]bind.Getter[performance]{
		"nodeTiming": func(_ *performance, c *bind.Call) (any, error) { return newNodeTiming(c.JS()) },
	}),
	Methods: with(timelineClass.Methods, map[string]bind.Method[performance]{
		"eventLoopUtilization": func(_ *performance, c *bind.Call) (any, error) {
			o := c.JS().Runtime().NewObject()
			for _, name := range []string{"idle", "active", "utilization"} {
				if err := o.Set(name, 0); err != nil {
					return nil, err
				}
			}
			return o, nil
		},
		"timerify": func(_ *performance, c *bind.Call) (any, error) {
			if _, ok := goja.AssertFunction(c.Arg(0)); !ok {
				return nil, c.BadArg(1, "function")
			}
			return c.Arg(0), nil
		},
	}),
	// undici calls this one without a receiver, as node allows.
	Init: func(js *isolate.JS, _, proto *goja.Object) error {
		mark := bind.NewFunction(js, "markResourceTiming", 0, func(*bind.Call) (any, error) { return nil, nil })
		return proto.DefineDataProperty("markResourceTiming", mark, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
	},
}

func with[M any](base, more map[string]M) map[string]M {
	all := maps.Clone(base)
	maps.Copy(all, more)
	return all
}

// nodeTiming is a PerformanceNodeTiming, whose times are those of a process that has
// none.
type nodeTiming struct{ entry }

var nodeTimingClass = &bind.Class[nodeTiming]{
	Name:   "PerformanceNodeTiming",
	Parent: bind.Extends(entryClass, func(t *nodeTiming) *entry { return &t.entry }),
	Methods: map[string]bind.Method[nodeTiming]{
		"toJSON": func(_ *nodeTiming, c *bind.Call) (any, error) {
			members := []any{"name", "node", "entryType", "node", "startTime", 0, "duration", 0}
			for _, name := range nodeTimes {
				members = append(members, name, 0)
			}
			uv, err := record(c.JS(), "loopCount", 0, "events", 0, "eventsWaiting", 0)
			if err != nil {
				return nil, err
			}
			return record(c.JS(), append(members, "uvMetricsInfo", uv)...)
		},
	},
}

var nodeTimes = []string{"nodeStart", "v8Start", "bootstrapComplete", "environment", "loopStart", "loopExit", "idleTime"}

func newNodeTiming(js *isolate.JS) (*goja.Object, error) {
	o := nodeTimingClass.Wrap(js, &nodeTiming{entry{name: "node", kind: "node"}})
	define := func(name string, v any) error {
		return o.DefineDataProperty(name, js.Runtime().ToValue(v), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_TRUE)
	}
	for _, name := range nodeTimes {
		if err := define(name, 0); err != nil {
			return nil, err
		}
	}
	uv := js.Runtime().NewObject()
	for _, name := range []string{"loopCount", "events", "eventsWaiting"} {
		if err := uv.Set(name, 0); err != nil {
			return nil, err
		}
	}
	return o, define("uvMetricsInfo", uv)
}
