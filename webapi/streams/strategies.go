package streams

import (
	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// countStrategy is a CountQueuingStrategy, byteStrategy a ByteLengthQueuingStrategy.
type (
	countStrategy struct{ hwm float64 }
	byteStrategy  struct{ hwm float64 }
)

// sizeFunctions are the same for all strategies of a realm (Streams, "count
// queuing strategy size function").
type sizeFunctions struct{ count, bytes *goja.Object }

var sizeFunctionsOf = isolate.NewSlot(func(js *isolate.JS) *sizeFunctions {
	return &sizeFunctions{
		count: bind.NewFunction(js, "size", 0, func(*bind.Call) (any, error) { return 1, nil }),
		bytes: bind.NewFunction(js, "size", 1, func(c *bind.Call) (any, error) {
			if b, ok := bind.Bytes(c.JS(), c.Arg(0)); ok {
				return len(b), nil
			}
			obj, ok := c.Arg(0).(*goja.Object)
			if !ok {
				if FlagsOf(c.JS()).Standard && (goja.IsUndefined(c.Arg(0)) || goja.IsNull(c.Arg(0))) {
					return nil, exception.TypeErrorf("Cannot read the byteLength of undefined or null.")
				}
				return goja.Undefined(), nil
			}
			var n goja.Value
			err := c.JS().Try(func() { n = obj.Get("byteLength") })
			if n == nil {
				n = goja.Undefined()
			}
			return n, err
		}),
	}
})

func isCountSize(js *isolate.JS, fn goja.Value) bool {
	return fn.SameAs(sizeFunctionsOf.Get(js).count)
}

func initHWM(c *bind.Call) (hwm float64, err error) {
	obj, ok := c.Arg(0).(*goja.Object)
	if !ok {
		return 0, c.BadArg(1, "QueuingStrategyInit")
	}
	var v goja.Value
	if err := c.JS().Try(func() {
		if v = obj.Get("highWaterMark"); v != nil {
			hwm = v.ToFloat()
		}
	}); err != nil {
		return 0, err
	}
	if v == nil || goja.IsUndefined(v) {
		return 0, c.TypeError("required member highWaterMark is undefined.")
	}
	return hwm, nil
}

var countStrategyClass = &bind.Class[countStrategy]{
	Name: "CountQueuingStrategy", Length: 1,
	New: func(c *bind.Call) (*countStrategy, error) {
		hwm, err := initHWM(c)
		return &countStrategy{hwm}, err
	},
	Getters: map[string]bind.Getter[countStrategy]{
		"highWaterMark": func(s *countStrategy, _ *bind.Call) (any, error) { return s.hwm, nil },
		"size":          func(_ *countStrategy, c *bind.Call) (any, error) { return sizeFunctionsOf.Get(c.JS()).count, nil },
	},
}

var byteStrategyClass = &bind.Class[byteStrategy]{
	Name: "ByteLengthQueuingStrategy", Length: 1,
	New: func(c *bind.Call) (*byteStrategy, error) {
		hwm, err := initHWM(c)
		return &byteStrategy{hwm}, err
	},
	Getters: map[string]bind.Getter[byteStrategy]{
		"highWaterMark": func(s *byteStrategy, _ *bind.Call) (any, error) { return s.hwm, nil },
		"size":          func(_ *byteStrategy, c *bind.Call) (any, error) { return sizeFunctionsOf.Get(c.JS()).bytes, nil },
	},
}
