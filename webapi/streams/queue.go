package streams

import (
	"math"
	"math/big"

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

// push adds a chunk; its size comes from measure.
func (q *queue) push(v goja.Value, size float64) {
	q.items = append(q.items, sized{v, size})
	q.total += size
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

// dropChunks removes the chunks, except the first one if keep is set, and keeps an
// item without a value.
func (q *queue) dropChunks(keep bool) {
	items := q.items[q.head:]
	q.items, q.head, q.total = nil, 0, 0
	for i, it := range items {
		if it.value == nil || i == 0 && keep {
			q.push(it.value, it.size)
		}
	}
}

// strategy is a queuing strategy; size nil counts each chunk as 1.
type strategy struct {
	hwm  float64
	size goja.Value
	kind sizeKind
	// anySize says that sizes are any numbers; otherwise they are integers, as in workerd.
	anySize bool
	// unset says that no high water mark was given.
	unset bool
}

// sizeKind is how a strategy without a function measures.
type sizeKind uint8

const (
	oneEach sizeKind = iota
	inBytes          // of what is written to an identity stream
	nothing          // a stream without a high water mark, as in workerd
)

// strategyOf reads the nth argument (from 1) as a strategy. def is the high water
// mark where it names none.
func strategyOf(c *bind.Call, n int, def float64) (s strategy, err error) {
	v := c.Arg(n - 1)
	s.hwm = def
	if goja.IsUndefined(v) || goja.IsNull(v) {
		return s, nil
	}
	obj, ok := v.(*goja.Object)
	if !ok {
		return s, c.BadArg(n, strategyName)
	}
	js := c.JS()
	var hwm, size goja.Value
	if err = js.Try(func() { hwm, size = obj.Get("highWaterMark"), obj.Get("size") }); err != nil {
		return s, err
	}
	if hwm != nil && !goja.IsUndefined(hwm) {
		if s.hwm, err = integerOf(js, hwm); err != nil {
			return s, err
		}
	}
	if size != nil && !goja.IsUndefined(size) {
		if _, ok := goja.AssertFunction(size); !ok {
			return s, badField("size", strategyName, "function")
		}
		if !isCountSize(js, size) {
			s.size = size
		}
	}
	return s, nil
}

const strategyName = "StreamQueuingStrategy"

// integerOf is how workerd converts sizes: to an integer that is not negative.
func integerOf(js *isolate.JS, v goja.Value) (f float64, err error) {
	err = js.Try(func() {
		if b, ok := v.Export().(*big.Int); ok {
			if b.Sign() < 0 || b.BitLen() > 64 {
				f = math.Inf(-1)
			} else {
				f, _ = new(big.Float).SetInt(b).Float64()
			}
			return
		}
		if f = v.ToNumber().ToFloat(); math.IsInf(f, 0) {
			f = math.NaN()
		}
		f = math.Trunc(f)
	})
	switch {
	case err != nil:
	case math.IsInf(f, -1):
		err = exception.TypeErrorf("The value cannot be converted because it is either negative and this API expects a positive bigint, or the value would be truncated.")
	case math.IsNaN(f):
		err = exception.TypeErrorf("The value cannot be converted because it is not an integer.")
	case f < 0:
		err = exception.TypeErrorf("The value cannot be converted because it is negative and this API expects a positive bigint.")
	}
	return f, err
}

// measure is the size of a chunk. The error is what the size function threw. With anySize
// it may be no size: see validSize.
func (s strategy) measure(js *isolate.JS, v goja.Value) (float64, error) {
	switch {
	case s.kind == nothing:
		return 0, nil
	case s.kind == inBytes:
		if text, ok := v.(goja.String); ok {
			return float64(len(text.String())), nil
		}
		b, _ := bind.Bytes(js, v)
		return float64(len(b)), nil
	case s.size == nil:
		return 1, nil
	}
	out, err := js.Call(s.size, nil, v)
	if err != nil {
		return 0, err
	}
	if s.anySize {
		var f float64
		err := js.Try(func() { f = out.ToNumber().ToFloat() })
		return f, err
	}
	return integerOf(js, out)
}
