package streams

import (
	"math"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// queue is a queue with sizes (Streams, "Queue-with-sizes").
type queue struct {
	items []sized
	head  int
	total float64
}

type sized struct {
	value goja.Value
	size  float64
}

func (q *queue) len() int { return len(q.items) - q.head }

func (q *queue) push(v goja.Value, size float64) error {
	if math.IsNaN(size) || size < 0 || math.IsInf(size, 1) {
		return exception.RangeErrorf("The return value of a queuing strategy's size function must be a finite, non-NaN, non-negative number")
	}
	q.items = append(q.items, sized{v, size})
	q.total += size
	return nil
}

func (q *queue) peek() goja.Value { return q.items[q.head].value }

func (q *queue) pop() goja.Value {
	it := q.items[q.head]
	q.items[q.head] = sized{}
	q.head++
	if q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
	} else if q.head > 64 && q.head*2 > len(q.items) {
		q.items = append(q.items[:0], q.items[q.head:]...)
		q.head = 0
	}
	q.total = max(q.total-it.size, 0)
	return it.value
}

func (q *queue) reset() { *q = queue{} }

// strategy is a queuing strategy; size nil counts each chunk as 1.
type strategy struct {
	hwm  float64
	size goja.Value
}

// strategyOf reads a strategy argument. def is the high water mark where it names
// none.
func strategyOf(c *bind.Call, v goja.Value, def float64) (s strategy, err error) {
	s.hwm = def
	if goja.IsUndefined(v) || goja.IsNull(v) {
		return s, nil
	}
	obj, ok := v.(*goja.Object)
	if !ok {
		return s, c.TypeError("the queuing strategy is not an object.")
	}
	js := c.JS()
	var hwm, size goja.Value
	err = js.Try(func() {
		hwm, size = obj.Get("highWaterMark"), obj.Get("size")
		if hwm != nil && !goja.IsUndefined(hwm) {
			s.hwm = hwm.ToFloat()
		}
	})
	if err != nil {
		return s, err
	}
	if math.IsNaN(s.hwm) || s.hwm < 0 {
		return s, exception.RangeErrorf("Invalid highWaterMark: it must be a non-negative number")
	}
	if size != nil && !goja.IsUndefined(size) {
		if _, ok := goja.AssertFunction(size); !ok {
			return s, c.TypeError("the queuing strategy's size is not a function.")
		}
		if !isCountSize(js, size) {
			s.size = size
		}
	}
	return s, nil
}

// measure is the size of a chunk. The error is what the size function threw.
func (s strategy) measure(js *isolate.JS, v goja.Value) (float64, error) {
	if s.size == nil {
		return 1, nil
	}
	out, err := js.Call(s.size, nil, v)
	if err != nil {
		return 0, err
	}
	var f float64
	err = js.Try(func() { f = out.ToFloat() })
	return f, err
}
