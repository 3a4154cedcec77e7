package serialize

import (
	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/performance"
)

// aworkerName is the name of the entry of the milestones.
const aworkerName = "aworker"

// extendPerformance gives performance what Aworker has beside the standard: aworkerTiming,
// eventLoopUtilization, and both in toJSON.
func (w *Worker) extendPerformance(js *isolate.JS, proto *goja.Object) error {
	timing, err := w.timing(js)
	if err != nil {
		return err
	}
	get := bind.NewFunction(js, "get aworkerTiming", 0, func(*bind.Call) (any, error) { return timing, nil })
	if err := proto.DefineAccessorProperty("aworkerTiming", get, nil, goja.FLAG_TRUE, goja.FLAG_TRUE); err != nil {
		return err
	}
	for _, f := range []*goja.Object{
		bind.NewFunction(js, "eventLoopUtilization", 2, w.jsUtilization),
		bind.NewFunction(js, "toJSON", 0, func(c *bind.Call) (any, error) {
			all, err := plainObject(js, w.utilization())
			if err != nil {
				return nil, err
			}
			milestones, err := plainObject(js, w.milestones())
			if err != nil {
				return nil, err
			}
			return plainObject(js, []member{{"aworkerTiming", milestones}, {"timeOrigin", performance.TimeOrigin(js)}, {"eventLoopUtilization", all}})
		}),
	} {
		if err := proto.DefineDataProperty(f.Get("name").String(), f, goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_TRUE); err != nil {
			return err
		}
	}
	return nil
}

// member is a property of a plain object.
type member struct {
	name string
	v    any
}

func plainObject(js *isolate.JS, members []member) (*goja.Object, error) {
	o := js.Runtime().NewObject()
	for _, m := range members {
		if err := o.DefineDataProperty(m.name, bind.Value(js, m.v), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// milestones are those of the start, in milliseconds since the time origin.
func (w *Worker) milestones() []member {
	loaded := w.loaded
	if loaded.IsZero() {
		loaded = w.booted
	}
	return []member{
		{"name", aworkerName}, {"entryType", aworkerName}, {"startTime", 0},
		{"duration", performance.Milliseconds(w.tape.Now().Sub(w.origin))},
		{"bootstrapAgent", performance.Milliseconds(w.booted.Sub(w.origin))},
		{"loadEvent", performance.Milliseconds(loaded.Sub(w.origin))},
		{"idleTime", performance.Milliseconds(w.idle)},
	}
}

// timing is performance.aworkerTiming: an object whose values are those of the moment.
func (w *Worker) timing(js *isolate.JS) (*goja.Object, error) {
	o := js.Runtime().NewObject()
	for i, m := range w.milestones() {
		get := bind.NewFunction(js, "get "+m.name, 0, func(*bind.Call) (any, error) { return w.milestones()[i].v, nil })
		if err := o.DefineAccessorProperty(m.name, get, nil, goja.FLAG_TRUE, goja.FLAG_TRUE); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// utilization is what the loop has done since the time origin. A run that is recorded has not
// waited: how long it did is in no log.
func (w *Worker) utilization() []member {
	return utilized(performance.Milliseconds(w.idle), performance.Milliseconds(w.tape.Now().Sub(w.origin)-w.idle))
}

func utilized(idle, active float64) []member {
	return []member{{"idle", idle}, {"active", active}, {"utilization", active / (idle + active)}}
}

// jsUtilization is eventLoopUtilization(since, until): all, what came since an earlier answer, or
// what is between two of them.
func (w *Worker) jsUtilization(c *bind.Call) (any, error) {
	type numbers struct{ idle, active float64 }
	read := func(n int) (v numbers, given bool, err error) {
		if !c.Arg(n).ToBoolean() {
			return v, false, nil
		}
		return v, true, c.Options(n+1, "EventLoopUtilization", "idle", &v.idle, "active", &v.active)
	}
	first, hasFirst, err := read(0)
	if err != nil {
		return nil, err
	}
	second, hasSecond, err := read(1)
	if err != nil {
		return nil, err
	}
	if hasSecond {
		return plainObject(c.JS(), utilized(first.idle-second.idle, first.active-second.active))
	}
	all := w.utilization()
	if hasFirst {
		all = utilized(all[0].v.(float64)-first.idle, all[1].v.(float64)-first.active)
	}
	return plainObject(c.JS(), all)
}
