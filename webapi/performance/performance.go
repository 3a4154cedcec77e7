package performance

import (
	"slices"
	"time"

	"github.com/dop251/goja"

	"workerd.local/internal/limits"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/events"
)

// performance is what the global of that name stands for.
type performance struct {
	target  events.Target
	entries []*entry // in the order in which they were made
}

// now is performance.now(): milliseconds since the time origin, which is the epoch unless
// SetOrigin says otherwise, as workerd has it.
func now(js *isolate.JS) float64 {
	t := js.Host().Now()
	if o := origins.Get(js); !o.at.IsZero() {
		return Milliseconds(t.Sub(o.at))
	}
	return float64(t.UnixMilli())
}

// Milliseconds is a duration as scripts have it.
func Milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// origin is what a realm's clock counts from; the zero time is the epoch.
type origin struct {
	at     time.Time
	extend func(js *isolate.JS, proto *goja.Object) error
}

var origins = isolate.NewSlot(func(*isolate.JS) *origin { return &origin{} })

// SetOrigin says what the realm's clock counts from; entries that exist keep their times.
func SetOrigin(js *isolate.JS, t time.Time) { origins.Get(js).at = t }

// SetExtension has something done with the prototype of performance once that is made: a
// host may have members of its own.
func SetExtension(js *isolate.JS, extend func(js *isolate.JS, proto *goja.Object) error) {
	origins.Get(js).extend = extend
}

// TimeOrigin is performance.timeOrigin.
func TimeOrigin(js *isolate.JS) float64 { return timeOrigin(js) }

func timeOrigin(js *isolate.JS) float64 {
	o := origins.Get(js)
	if o.at.IsZero() {
		return 0
	}
	return float64(o.at.UnixMicro()) / 1000
}

// add keeps an entry, and lets go of the oldest where there are too many.
func (p *performance) add(js *isolate.JS, e *entry) {
	if most := limits.PerformanceEntries.In(js.Bounds()); len(p.entries) >= most {
		p.entries = slices.Delete(p.entries, 0, len(p.entries)-most+1)
	}
	p.entries = append(p.entries, e)
}

// find gives the entries of a name and a kind; "" is any kind, and nil any name.
func (p *performance) find(name *string, kind string) []goja.Value {
	var found []goja.Value
	for _, e := range p.entries {
		if (name == nil || e.name == *name) && (kind == "" || e.kind == kind) {
			found = append(found, e.object)
		}
	}
	return found
}

// startOf is when the first mark of a name was.
func (p *performance) startOf(name string) (at float64, ok bool) {
	for _, e := range p.entries {
		if e.kind == kindMark && e.name == name {
			return e.start, true
		}
	}
	return 0, false
}

// clear is clearMarks and clearMeasures: those of a name, whatever their kind, or all
// of the kind.
func (p *performance) clear(c *bind.Call, kind string) error {
	if goja.IsUndefined(c.Arg(0)) {
		p.drop(func(e *entry) bool { return e.kind == kind })
		return nil
	}
	var name string
	if err := c.Unpack("name", &name); err != nil {
		return err
	}
	p.drop(func(e *entry) bool { return e.name == name })
	return nil
}

func (p *performance) drop(gone func(*entry) bool) { p.entries = slices.DeleteFunc(p.entries, gone) }

func (p *performance) jsMark(c *bind.Call) (any, error) {
	m, err := newMark(c)
	if err != nil {
		return nil, err
	}
	m.object = markClass.Wrap(c.JS(), m)
	p.add(c.JS(), &m.entry)
	return m.object, nil
}

// jsMeasure takes the time since the epoch where no mark says otherwise, and a name
// that no mark has for none.
func (p *performance) jsMeasure(c *bind.Call) (any, error) {
	m := &measure{entry{kind: kindMeasure}}
	if err := c.Unpack("name", &m.name); err != nil {
		return nil, err
	}
	start, end := 0.0, now(c.JS())
	if _, ok := c.Arg(1).(*goja.Object); ok {
		var o options
		if err := o.read(c, 2, "start", &o.start, "duration", &o.duration, "end", &o.end); err != nil {
			return nil, err
		}
		if o.start != nil {
			start = *o.start
		}
		switch {
		case o.end != nil:
			end = *o.end
		case o.duration != nil:
			end = start + *o.duration
		}
		m.detail = o.detail
	} else if !goja.IsUndefined(c.Arg(1)) {
		from, to := "", ""
		if err := c.Unpack("name", &m.name, "startMark", &from, "endMark?", &to); err != nil {
			return nil, err
		}
		if at, ok := p.startOf(from); ok {
			start = at
		}
		if !goja.IsUndefined(c.Arg(2)) {
			if at, ok := p.startOf(to); ok {
				end = at
			}
		}
	}
	m.start, m.duration = start, max(end-start, 0)
	m.object = measureClass.Wrap(c.JS(), m)
	p.add(c.JS(), &m.entry)
	return m.object, nil
}

func (p *performance) jsByName(c *bind.Call) (any, error) {
	var name, kind string
	if err := c.Unpack("name", &name, "type?", &kind); err != nil {
		return nil, err
	}
	if !goja.IsUndefined(c.Arg(1)) && kind == "" {
		return list(c.JS(), nil), nil
	}
	return list(c.JS(), p.find(&name, kind)), nil
}

func (p *performance) jsByType(c *bind.Call) (any, error) {
	var kind string
	if err := c.Unpack("type", &kind); err != nil {
		return nil, err
	}
	if kind == "" {
		return list(c.JS(), nil), nil
	}
	return list(c.JS(), p.find(nil, kind)), nil
}

func list(js *isolate.JS, found []goja.Value) goja.Value {
	items := make([]any, len(found))
	for i, v := range found {
		items[i] = v
	}
	return js.Runtime().NewArray(items...)
}
