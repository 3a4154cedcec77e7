package performance

import (
	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// entry is a PerformanceEntry. Times are milliseconds.
type entry struct {
	name, kind      string
	start, duration float64
	detail          goja.Value // nil where there is none
	object          *goja.Object
}

type mark struct{ entry }

type measure struct{ entry }

type resourceTiming struct{ entry }

const (
	kindMark    = "mark"
	kindMeasure = "measure"
)

var entryClass = &bind.Class[entry]{
	Name: "PerformanceEntry",
	Getters: map[string]bind.Getter[entry]{
		"name":      func(e *entry, _ *bind.Call) (any, error) { return e.name, nil },
		"entryType": func(e *entry, _ *bind.Call) (any, error) { return e.kind, nil },
		"startTime": func(e *entry, _ *bind.Call) (any, error) { return e.start, nil },
		"duration":  func(e *entry, _ *bind.Call) (any, error) { return e.duration, nil },
	},
	Methods: map[string]bind.Method[entry]{"toJSON": (*entry).toJSON},
}

// toJSON is an object without a prototype, as workerd's.
func (e *entry) toJSON(c *bind.Call) (any, error) {
	members := []any{"name", e.name, "entryType", e.kind, "startTime", e.start, "duration", e.duration}
	if e.detail != nil {
		members = append(members, "detail", e.detail)
	}
	return record(c.JS(), members...)
}

// record makes an object without a prototype; members alternates names and values.
func record(js *isolate.JS, members ...any) (*goja.Object, error) {
	o := js.Runtime().CreateObject(nil)
	for i := 0; i < len(members); i += 2 {
		err := o.DefineDataProperty(members[i].(string), js.Runtime().ToValue(members[i+1]), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
		if err != nil {
			return nil, err
		}
	}
	return o, nil
}

func (e *entry) jsDetail(*bind.Call) (any, error) {
	if e.detail == nil {
		return goja.Null(), nil
	}
	return e.detail, nil
}

// options are those of a mark or a measure; a member that is nil was not given.
type options struct {
	detail               goja.Value
	startTime            *float64
	start, duration, end *float64
}

func (o *options) read(c *bind.Call, n int, members ...any) error {
	number := func(to **float64) func(*bind.Call, goja.Value) error {
		return func(c *bind.Call, v goja.Value) error {
			var f float64
			err := c.JS().Try(func() { f = v.ToNumber().ToFloat() })
			*to = &f
			return err
		}
	}
	pairs := []any{"detail", func(c *bind.Call, v goja.Value) error {
		if _, ok := v.(*goja.Object); !ok {
			return c.BadArg(0, "object")
		}
		o.detail = v
		return nil
	}}
	for i := 0; i < len(members); i += 2 {
		pairs = append(pairs, members[i], number(members[i+1].(**float64)))
	}
	return c.Options(n, "Options", pairs...)
}

var markClass = &bind.Class[mark]{
	Name:   "PerformanceMark",
	Parent: bind.Extends(entryClass, func(m *mark) *entry { return &m.entry }),
	Length: 1,
	New:    newMark,
	Getters: map[string]bind.Getter[mark]{
		"detail": func(m *mark, c *bind.Call) (any, error) { return m.jsDetail(c) },
	},
	Methods: map[string]bind.Method[mark]{
		"toJSON": func(m *mark, c *bind.Call) (any, error) { return m.toJSON(c) },
	},
}

func newMark(c *bind.Call) (*mark, error) {
	m := &mark{entry{kind: kindMark, start: now(c.JS())}}
	if err := c.Unpack("name", &m.name); err != nil {
		return nil, err
	}
	var o options
	if err := o.read(c, 2, "startTime", &o.startTime); err != nil {
		return nil, err
	}
	if m.detail = o.detail; o.startTime != nil {
		m.start = *o.startTime
	}
	return m, nil
}

var measureClass = &bind.Class[measure]{
	Name:   "PerformanceMeasure",
	Parent: bind.Extends(entryClass, func(m *measure) *entry { return &m.entry }),
	Getters: map[string]bind.Getter[measure]{
		"detail": func(m *measure, c *bind.Call) (any, error) { return m.jsDetail(c) },
	},
	Methods: map[string]bind.Method[measure]{
		"toJSON": func(m *measure, c *bind.Call) (any, error) { return m.toJSON(c) },
	},
}

var resourceTimingClass = &bind.Class[resourceTiming]{
	Name:   "PerformanceResourceTiming",
	Parent: bind.Extends(entryClass, func(r *resourceTiming) *entry { return &r.entry }),
}
