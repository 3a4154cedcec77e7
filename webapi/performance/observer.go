package performance

import (
	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// observer is a PerformanceObserver. workerd never calls one, so neither does this.
type observer struct{}

var observerClass = &bind.Class[observer]{
	Name:   "PerformanceObserver",
	Length: 1,
	New:    func(*bind.Call) (*observer, error) { return &observer{}, nil },
	Methods: map[string]bind.Method[observer]{
		"disconnect": func(*observer, *bind.Call) (any, error) { return nil, nil },
		"observe": func(_ *observer, c *bind.Call) (any, error) {
			var buffered bool
			var threshold int
			var kind string
			var kinds []string
			return nil, c.Options(1, "ObserveOptions", "buffered", &buffered, "durationThreshold", &threshold, "entryTypes", func(c *bind.Call, v goja.Value) error {
				o, ok := v.(*goja.Object)
				if !ok || o.ClassName() != "Array" {
					return c.BadArg(0, "Array")
				}
				return c.JS().Try(func() {
					for i := range o.Get("length").ToInteger() {
						kinds = append(kinds, o.Get(c.JS().Runtime().ToValue(i).String()).String())
						if len(kinds) > 64 {
							break // nobody looks at them
						}
					}
				})
			}, "type", &kind)
		},
		"takeRecords": func(_ *observer, c *bind.Call) (any, error) { return list(c.JS(), nil), nil },
	},
	Init: func(js *isolate.JS, ctor, _ *goja.Object) error {
		types := js.Runtime().NewArray(kindMeasure, kindMark)
		return ctor.DefineDataProperty("supportedEntryTypes", types, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_TRUE)
	},
}

type observerList struct{}

var observerListClass = &bind.Class[observerList]{
	Name: "PerformanceObserverEntryList",
	Methods: map[string]bind.Method[observerList]{
		"getEntries":       func(_ *observerList, c *bind.Call) (any, error) { return list(c.JS(), nil), nil },
		"getEntriesByType": func(_ *observerList, c *bind.Call) (any, error) { return list(c.JS(), nil), nil },
		"getEntriesByName": func(_ *observerList, c *bind.Call) (any, error) { return list(c.JS(), nil), nil },
	},
}

// eventCounts is an EventCounts, which counts nothing.
type eventCounts struct{}

var eventCountsIterator = bind.NewIterator("EventCounts Iterator")

func noCounts(_ *eventCounts, c *bind.Call) (any, error) {
	return eventCountsIterator.Of(c.JS(), func(*isolate.JS) (goja.Value, bool) { return nil, false }), nil
}

var eventCountsClass = &bind.Class[eventCounts]{
	Name:    "EventCounts",
	Getters: map[string]bind.Getter[eventCounts]{"size": func(*eventCounts, *bind.Call) (any, error) { return 0, nil }},
	Methods: map[string]bind.Method[eventCounts]{
		"get": func(_ *eventCounts, c *bind.Call) (any, error) {
			var name string
			return goja.Undefined(), c.Unpack("eventType", &name)
		},
		"has": func(_ *eventCounts, c *bind.Call) (any, error) {
			var name string
			return false, c.Unpack("eventType", &name)
		},
		"entries": noCounts,
		"keys":    noCounts,
		"values":  noCounts,
		"forEach": func(_ *eventCounts, c *bind.Call) (any, error) {
			if _, ok := goja.AssertFunction(c.Arg(0)); !ok {
				return nil, c.BadArg(1, "function")
			}
			return nil, nil
		},
	},
	Iterator: "entries",
}
