package bind

import (
	"math"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
)

// maxMilliseconds is the last time that a Date can be.
const maxMilliseconds = 864e13

// Milliseconds is the time of a Date, or of a number of milliseconds since 1970; ok is
// false for any other value, and for a Date that is invalid. No code of a script runs.
func Milliseconds(js *isolate.JS, v goja.Value) (ms int64, ok bool) {
	f := math.NaN()
	switch obj, isObj := v.(*goja.Object); {
	case isObj && obj.ClassName() == "Date":
		t, err := js.Call(dates.Get(js).getTime, obj)
		if err != nil {
			return 0, false // a proxy
		}
		f = t.ToFloat()
	case !isObj:
		if isNumber(v) {
			f = v.ToFloat()
		}
	}
	if math.IsNaN(f) || math.Abs(f) > maxMilliseconds {
		return 0, false
	}
	return int64(f), true
}

// Date is the nth argument, or a member of a dictionary, as milliseconds since 1970: a Date, or
// a number of them, within what 64 bits of nanoseconds hold (workerd).
func (c *Call) Date(n int, v goja.Value) (ms int64, err error) {
	var f float64
	if ms, ok := Milliseconds(c.js, v); ok {
		f = float64(ms)
	} else if isNumber(v) {
		f = v.ToFloat()
	} else if obj, isObj := v.(*goja.Object); isObj && obj.ClassName() == "Date" {
		f = math.NaN()
	} else {
		return 0, c.BadArg(n, "date")
	}
	switch nanoseconds := f * 1e6; {
	case math.IsNaN(f) || math.IsInf(f, 0):
		return 0, exception.TypeErrorf("The value cannot be converted because it is not a valid Date.")
	case nanoseconds >= math.MaxInt64:
		return 0, exception.TypeErrorf("This API doesn't support dates after 2189.")
	case nanoseconds <= math.MinInt64:
		return 0, exception.TypeErrorf("This API doesn't support dates before 1687.")
	}
	return int64(f), nil
}

func isNumber(v goja.Value) bool {
	k := v.ExportType()
	return k != nil && (k.Kind().String() == "int64" || k.Kind().String() == "float64")
}

// NewDate makes a Date.
func NewDate(js *isolate.JS, ms int64) *goja.Object {
	obj, err := js.Construct(dates.Get(js).ctor, js.Runtime().ToValue(ms))
	must(err) // an intrinsic
	return obj
}

// ParseDate is the time that a text says, as Date.parse reads it; ok is false where it
// says none.
func ParseDate(js *isolate.JS, text string) (ms int64, ok bool) {
	v, err := js.Call(dates.Get(js).parse, goja.Undefined(), js.Runtime().ToValue(text))
	if err != nil || math.IsNaN(v.ToFloat()) {
		return 0, false
	}
	return int64(v.ToFloat()), true
}

type dateIntrinsics struct{ ctor, parse, getTime goja.Value }

var dates = isolate.NewSlot(func(js *isolate.JS) *dateIntrinsics {
	ctor := js.Runtime().GlobalObject().Get("Date").(*goja.Object)
	return &dateIntrinsics{ctor, ctor.Get("parse"), ctor.Get("prototype").(*goja.Object).Get("getTime")}
})
