package napa

import (
	"math"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/limits"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// Types of metrics.
const (
	metricNumber = iota
	metricRate
	metricPercentile
)

var metricTypes = []string{"Number", "Rate", "Percentile"}

// metric is one number that all threads count.
type metric struct {
	section, name string
	kind          uint32
	dimensions    []string
	// series are by the values of the dimensions. Guarded by System.mu.
	series map[string]*series
}

// series is what a metric counted for one choice of dimensions' values.
type series struct {
	values []string
	value  float64 // of a Number; the sum of all else
	count  int64
	since  time.Time
	// last are the latest values of a Percentile, and next where the next one goes.
	last []float64
	next int
}

// percentileValues is how many of the latest values the percentiles are of.
const percentileValues = 1000

// metric finds or makes one. Who asks first says what it is.
func (s *System) metric(section, name string, kind uint32, dimensions []string) (*metric, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := section + "\\" + name
	if m := s.metrics[id]; m != nil {
		return m, nil
	}
	if most := limits.NapaMetrics.In(s.o.Bounds); len(s.metrics) >= most {
		return nil, exception.RangeErrorf("A program cannot have more than %d metrics.", most)
	}
	m := &metric{section: section, name: name, kind: kind, dimensions: dimensions, series: map[string]*series{}}
	s.metrics[id] = m
	return m, nil
}

// record counts a value: add to what is there, or set it.
func (s *System) record(m *metric, values []string, v float64, add bool, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := strings.Join(values, "\x00")
	in := m.series[id]
	if in == nil {
		if most := limits.NapaMetrics.In(s.o.Bounds); s.samples >= most {
			return exception.RangeErrorf("Metrics cannot have more than %d series.", most)
		}
		s.samples++
		in = &series{values: values, since: now}
		m.series[id] = in
	}
	in.count++
	if add || m.kind != metricNumber {
		in.value += v
	} else {
		in.value = v
	}
	if m.kind == metricPercentile {
		if len(in.last) < percentileValues {
			in.last = append(in.last, v)
		} else {
			in.last[in.next] = v
			in.next = (in.next + 1) % percentileValues
		}
	}
	return nil
}

// snapshot is all that was counted, as scripts read it.
func (s *System) snapshot(js *isolate.JS) (goja.Value, error) {
	rt := js.Runtime()
	now := js.Host().Now()
	s.mu.Lock()
	ids := make([]string, 0, len(s.metrics))
	for id := range s.metrics {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	var out []any
	for _, id := range ids {
		m := s.metrics[id]
		keys := make([]string, 0, len(m.series))
		for key := range m.series {
			keys = append(keys, key)
		}
		sort.Strings(keys)
		var all []any
		for _, key := range keys {
			all = append(all, m.series[key].show(js, m, now))
		}
		out = append(out, record(rt, "section", m.section, "name", m.name, "type", metricTypes[m.kind],
			"dimensions", bind.Value(js, m.dimensions), "series", rt.NewArray(all...)))
	}
	s.mu.Unlock()
	return rt.NewArray(out...), nil
}

func (in *series) show(js *isolate.JS, m *metric, now time.Time) *goja.Object {
	rt := js.Runtime()
	values := bind.Value(js, in.values)
	switch m.kind {
	case metricRate:
		rate := in.value / math.Max(now.Sub(in.since).Seconds(), 1)
		return record(rt, "dimensions", values, "value", in.value, "perSecond", rate)
	case metricPercentile:
		sorted := slices.Sorted(slices.Values(in.last))
		at := func(p float64) float64 {
			if len(sorted) == 0 {
				return 0
			}
			return sorted[min(int(p*float64(len(sorted))), len(sorted)-1)]
		}
		return record(rt, "dimensions", values, "count", in.count, "sum", in.value, "p50", at(.5), "p90", at(.9), "p99", at(.99), "max", at(1))
	}
	return record(rt, "dimensions", values, "value", in.value)
}

// record makes an object of names and values.
func record(rt *goja.Runtime, pairs ...any) *goja.Object {
	o := rt.NewObject()
	for i := 0; i < len(pairs); i += 2 {
		// A new object refuses nothing.
		_ = o.DefineDataProperty(pairs[i].(string), rt.ToValue(pairs[i+1]), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
	}
	return o
}

// metricHandle is a metric as scripts hold it.
type metricHandle struct {
	*metric
	system *System
}

var metricClass = &bind.Class[metricHandle]{
	Name: "MetricWrap",
	Methods: map[string]bind.Method[metricHandle]{
		"set": func(m *metricHandle, c *bind.Call) (any, error) {
			n, ok := uint32Of(c.Arg(0))
			if !ok {
				return nil, c.BadArg(1, "uint32")
			}
			return nil, m.count(c, 1, float64(n), false)
		},
		"increment": func(m *metricHandle, c *bind.Call) (any, error) { return nil, m.count(c, 0, 1, true) },
		"decrement": func(m *metricHandle, c *bind.Call) (any, error) { return nil, m.count(c, 0, -1, true) },
	},
}

// count reads the values of the dimensions, the nth argument, and counts v.
func (m *metricHandle) count(c *bind.Call, n int, v float64, add bool) error {
	var values []string
	if arg := c.Arg(n); !goja.IsUndefined(arg) {
		list, ok, err := c.Texts(arg, func(v goja.Value) (string, error) { return c.String(n+1, v) })
		if err != nil {
			return err
		}
		if !ok {
			return c.BadArg(n+1, "Array")
		}
		values = list
	}
	if len(values) != len(m.dimensions) {
		return exception.Errorf("the dimensions count does not match. expected: %d, received: %d", len(m.dimensions), len(values))
	}
	return m.system.record(m.metric, values, v, add, c.JS().Host().Now())
}

// metricCache is what a realm has asked for, by section and name.
var metricCache = isolate.NewSlot(func(*isolate.JS) *map[string]*goja.Object { return &map[string]*goja.Object{} })

// getMetric is metric.get(section, name, type, dimensions = []).
func getMetric(c *bind.Call) (any, error) {
	p, err := placeOf(c.JS())
	if err != nil {
		return nil, err
	}
	section, ok1 := c.Arg(0).(goja.String)
	name, ok2 := c.Arg(1).(goja.String)
	if !ok1 {
		return nil, c.BadArg(1, "string")
	}
	if !ok2 {
		return nil, c.BadArg(2, "string")
	}
	id := section.String() + "\\" + name.String()
	cache := *metricCache.Get(c.JS())
	if m := cache[id]; m != nil {
		return m, nil
	}
	kind, ok := uint32Of(c.Arg(2))
	if !ok || kind > metricPercentile {
		return nil, c.BadArg(3, "MetricType")
	}
	dimensions := []string{}
	if arg := c.Arg(3); !goja.IsUndefined(arg) {
		if dimensions, ok, err = c.Texts(arg, func(v goja.Value) (string, error) { return c.String(4, v) }); err != nil {
			return nil, err
		}
		if !ok {
			return nil, c.BadArg(4, "Array")
		}
		if dimensions == nil {
			dimensions = []string{}
		}
	}
	m, err := p.System.metric(section.String(), name.String(), kind, dimensions)
	if err != nil {
		return nil, err
	}
	obj := metricClass.Wrap(c.JS(), &metricHandle{m, p.System})
	if err := obj.Set("section", section); err != nil {
		return nil, err
	}
	if err := obj.Set("name", name); err != nil {
		return nil, err
	}
	cache[id] = obj // as many as the system has
	return obj, nil
}
