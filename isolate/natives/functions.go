package natives

import (
	"github.com/dop251/goja"

	"workerd.local/internal/limits"
)

var functionTable = table{path: "Function.prototype", funcs: []entry{
	{name: "apply", length: 2, make: func(e *env, prev raw) raw {
		return func(c goja.FunctionCall) goja.Value {
			if len(c.Arguments) > 1 {
				c = e.boundList(c, 1)
			}
			return prev(c)
		}
	}},
}}

var reflectTable = table{path: "Reflect", funcs: []entry{
	{name: "apply", length: 3, make: func(e *env, prev raw) raw {
		return func(c goja.FunctionCall) goja.Value { return prev(e.boundList(c, 2)) }
	}},
	{name: "construct", length: 2, make: func(e *env, prev raw) raw {
		return func(c goja.FunctionCall) goja.Value { return prev(e.boundList(c, 1)) }
	}},
	{name: "ownKeys", length: 1, make: visibleKeys},
	{name: "getOwnPropertyDescriptor", length: 2, make: touching},
	{name: "defineProperty", length: 3, make: definition(func(*env) goja.Value { return valFalse })},
}}

// boundList checks the length of the argument list at index i. An array-like
// that is no plain array is read here, once, into an array.
func (e *env) boundList(c goja.FunctionCall, i int) goja.FunctionCall {
	o, ok := c.Argument(i).(*goja.Object)
	if !ok {
		return c
	}
	n := e.lengthOf(o)
	// V8 ends between 120 000 and 500 000 with the same RangeError, as its stack is full.
	if n > limits.CallArguments.Bytes(e.lim.Bounds) {
		e.throwStack()
	}
	if isPlainArray(o) {
		return c
	}
	args := append([]goja.Value(nil), c.Arguments...)
	args[i] = e.list(e.values(o, n))
	c.Arguments = args
	return c
}
