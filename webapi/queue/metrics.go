package queue

import (
	"math"
	"time"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// record is an object with the properties that pairs name.
func record(js *isolate.JS, pairs ...any) *goja.Object {
	obj := js.Runtime().NewObject()
	define(js, obj, goja.FLAG_TRUE, pairs...)
	return obj
}

// define gives a new object properties of its own.
func define(js *isolate.JS, obj *goja.Object, writable goja.Flag, pairs ...any) {
	for i := 0; i < len(pairs); i += 2 {
		if err := obj.DefineDataProperty(pairs[i].(string), bind.Value(js, pairs[i+1]), writable, goja.FLAG_TRUE, goja.FLAG_TRUE); err != nil {
			js.Panic(err) // the object is new
		}
	}
}

func missing(typ string) error {
	return exception.TypeErrorf("Cannot initialize %s with required members from an undefined or null value.", typ)
}

// member is a member of a dictionary that is a dictionary itself.
func member(c *bind.Call, dictionary string, v goja.Value, name, typ string) (goja.Value, error) {
	obj, ok := v.(*goja.Object)
	if !ok {
		return nil, missing(dictionary)
	}
	out := goja.Undefined()
	err := c.Dictionary(obj, dictionary, name, func(f *bind.Call, v goja.Value) error {
		if _, ok := v.(*goja.Object); !ok && !goja.IsNull(v) {
			return f.BadArg(1, typ)
		}
		out = v
		return nil
	})
	if _, ok := out.(*goja.Object); !ok && err == nil {
		err = missing(typ)
	}
	return out, err
}

// readMetrics reads a dictionary of metrics; one without a time says 0.
func readMetrics(c *bind.Call, dictionary string, v goja.Value) (m event.QueueMetrics, err error) {
	obj, ok := v.(*goja.Object)
	if !ok {
		return m, missing(dictionary)
	}
	m.BacklogCount, m.BacklogBytes = math.NaN(), math.NaN()
	oldest := time.UnixMilli(0)
	err = c.Dictionary(obj, dictionary, "backlogCount", &m.BacklogCount, "backlogBytes", &m.BacklogBytes, "oldestMessageTimestamp", &oldest)
	if ms := oldest.UnixMilli(); ms != 0 {
		m.Oldest = oldest
	}
	return m, err
}

// metricsOf is metrics as a script sees them.
func metricsOf(c *bind.Call, dictionary string, v goja.Value) (goja.Value, error) {
	m, err := readMetrics(c, dictionary, v)
	if err != nil {
		return nil, err
	}
	return metricsObject(c.JS(), m), nil
}

func metricsObject(js *isolate.JS, m event.QueueMetrics) *goja.Object {
	pairs := []any{"backlogCount", m.BacklogCount, "backlogBytes", m.BacklogBytes}
	if !m.Oldest.IsZero() {
		pairs = append(pairs, "oldestMessageTimestamp", bind.NewDate(js, m.Oldest.UnixMilli()))
	} else if js.Compat().Has("enable_fast_jsg_struct") {
		pairs = append(pairs, "oldestMessageTimestamp", goja.Undefined())
	}
	return record(js, pairs...)
}
