package natives

import (
	"math"
	"strconv"

	"github.com/dop251/goja"
)

const maxSafe = 1<<53 - 1

// lengthOf is LengthOfArrayLike.
func (e *env) lengthOf(o *goja.Object) int64 { return toLength(o.Get("length")) }

func toLength(v goja.Value) int64 {
	if v == nil {
		return 0
	}
	return min(max(toInteger(v), 0), maxSafe)
}

// toInteger is ToIntegerOrInfinity, clamped to int64.
func toInteger(v goja.Value) int64 {
	if v == nil {
		return 0
	}
	if v.ExportType() == typeInt {
		return v.ToInteger()
	}
	if o, ok := v.(*goja.Object); ok {
		return toInteger(o.ToNumber())
	}
	f := v.ToFloat()
	switch {
	case math.IsNaN(f):
		return 0
	case f >= math.MaxInt64:
		return math.MaxInt64
	case f <= math.MinInt64:
		return math.MinInt64
	}
	return int64(f)
}

// createData is CreateDataProperty: a refusal is reported, not thrown.
func (e *env) createData(o *goja.Object, key, v goja.Value) bool {
	d := e.rt.NewObject()
	for _, name := range [...]string{"writable", "enumerable", "configurable"} {
		if err := d.DefineDataProperty(name, valTrue, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE); err != nil {
			panic(err)
		}
	}
	if err := d.DefineDataProperty("value", v, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE); err != nil {
		panic(err)
	}
	return e.defineProperty(goja.FunctionCall{Arguments: []goja.Value{o, key, d}}).ToBoolean()
}

// key is the property key of an array index.
func (e *env) key(i int64) goja.Value { return e.rt.ToValue(i) }

// getIdx is Get(o, i); nil means that the property does not exist.
func (e *env) getIdx(o *goja.Object, i int64) goja.Value { return o.Get(itoa(i)) }

// hasIdx is HasProperty(o, i).
func (e *env) hasIdx(o *goja.Object, i int64) bool {
	return e.has(goja.FunctionCall{Arguments: []goja.Value{o, e.key(i)}}).ToBoolean()
}

// setIdx is Set(o, i, v, true).
func (e *env) setIdx(o *goja.Object, i int64, v goja.Value) {
	if err := o.Set(itoa(i), v); err != nil {
		panic(err)
	}
}

// setLength is Set(o, "length", n, true).
func (e *env) setLength(o *goja.Object, n int64) {
	if err := o.Set("length", n); err != nil {
		panic(err)
	}
}

// deleteIdx is DeletePropertyOrThrow(o, i).
func (e *env) deleteIdx(o *goja.Object, i int64) {
	if err := o.Delete(itoa(i)); err != nil {
		panic(err)
	}
}

// createIdx is CreateDataPropertyOrThrow(o, i, v).
func (e *env) createIdx(o *goja.Object, i int64, v goja.Value) {
	if err := o.DefineDataProperty(itoa(i), v, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE); err != nil {
		panic(err)
	}
}

func itoa(i int64) string { return strconv.FormatInt(i, 10) }
