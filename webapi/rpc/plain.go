package rpc

import (
	"github.com/dop251/goja"

	"workerd.local/event"
)

// longestPlain bounds the strings that travel as they are: longer ones are counted as
// messages are.
const longestPlain = 1 << 10

// plainArgs are arguments that need no cloning, or ok is false.
func plainArgs(args []goja.Value) (list []any, ok bool) {
	list = make([]any, len(args))
	for i, a := range args {
		if list[i], ok = plain(a); !ok {
			return nil, false
		}
	}
	return list, true
}

// plain is a primitive as a value of Go's; ok is false for what has to be cloned.
func plain(v goja.Value) (p any, ok bool) {
	switch v.(type) {
	case *goja.Object, *goja.Symbol, nil:
		return nil, false
	}
	switch {
	case goja.IsUndefined(v):
		return event.Undefined{}, true
	case goja.IsNull(v):
		return nil, true
	}
	switch x := v.Export().(type) {
	case bool, int64, float64:
		return x, true
	case string:
		if len(x) > longestPlain {
			return nil, false
		}
		for i := 0; i < len(x); i++ {
			if x[i] >= 0x80 {
				return nil, false
			}
		}
		return x, true
	}
	return nil, false
}

// unplain is plain backwards.
func unplain(rt *goja.Runtime, p any) goja.Value {
	switch p := p.(type) {
	case nil:
		return goja.Null()
	case event.Undefined:
		return goja.Undefined()
	default:
		return rt.ToValue(p)
	}
}
