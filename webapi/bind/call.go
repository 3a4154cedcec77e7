package bind

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/loop"
)

// Call is one call from JavaScript into Go. It is valid until the Go function
// returns; keep Call.JS out of closures that run later, they get their own.
type Call struct {
	js            *isolate.JS
	class, member string
	attribute     bool

	dictionary, field string // set while a member of a dictionary is converted
	this              goja.Value
	args              []goja.Value
}

// NewCall makes a Call for code that is called by goja directly, without a table.
func NewCall(js *isolate.JS, class, member string, fc goja.FunctionCall) *Call {
	return &Call{js: js, class: class, member: member, this: fc.This, args: fc.Arguments}
}

// JS is the right to touch the realm.
func (c *Call) JS() *isolate.JS { return c.js }

// This is the receiver.
func (c *Call) This() goja.Value { return c.this }

// Args are the arguments as they came.
func (c *Call) Args() []goja.Value { return c.args }

// Len is the number of arguments.
func (c *Call) Len() int { return len(c.args) }

// Arg is the nth argument, undefined where it is missing.
func (c *Call) Arg(n int) goja.Value {
	if n < len(c.args) {
		return c.args[n]
	}
	return goja.Undefined()
}

// Context is the current I/O context, or the error about the global scope.
func (c *Call) Context() (*iocontext.Context, error) { return iocontext.Current(c.js) }

// GlobalScope is the name of the class of globalThis.
const GlobalScope = "ServiceWorkerGlobalScope"

// Where is the beginning of error texts: "Failed to execute 'append' on 'Headers'".
func (c *Call) Where() string {
	switch {
	case c.attribute:
		return fmt.Sprintf("Failed to set the '%s' property on '%s'", c.member, c.class)
	case c.member == "":
		return fmt.Sprintf("Failed to construct '%s'", c.class)
	case c.class == "":
		return fmt.Sprintf("Failed to execute '%s' on '%s'", c.member, GlobalScope)
	}
	return fmt.Sprintf("Failed to execute '%s' on '%s'", c.member, c.class)
}

// TypeError is a TypeError whose text starts with Where.
func (c *Call) TypeError(format string, args ...any) error {
	return exception.TypeErrorf("%s: %s", c.Where(), fmt.Sprintf(format, args...))
}

// BadArg says that the nth parameter (from 1) is not of the type wanted.
func (c *Call) BadArg(n int, want string) error {
	switch {
	case c.field != "":
		return c.badField(want)
	case c.attribute:
		return c.TypeError("the provided value is not of type '%s'.", want)
	case c.member == "":
		return c.TypeError("constructor parameter %d is not of type '%s'.", n, want)
	}
	return c.TypeError("parameter %d is not of type '%s'.", n, want)
}

// Unpack converts the arguments. pairs alternates names and pointers; a name that
// ends in "?" is optional: undefined and missing leave the target as it is.
// "name:Type" names the type that the error about a missing argument asks for.
// The type of the pointer gives the conversion:
//
//	*string            ToString
//	**string           ToString; stays nil when left out
//	*bool *float64     ToBoolean, ToNumber
//	*int *int64        ToNumber, truncated; NaN and infinities are 0
//	*int32 **int32     the same, and a TypeError where it is not within the range
//	*time.Time         a Date, or a number of milliseconds
//	*goja.Value        as it is
//	**goja.Object      must be an object
//	*Function          must be callable
//	*[]byte            a copy of an ArrayBuffer's or a view's bytes
func (c *Call) Unpack(pairs ...any) error {
	for i := 0; i < len(pairs); i += 2 {
		n := i / 2
		name, optional := strings.CutSuffix(pairs[i].(string), "?")
		v := c.Arg(n)
		if goja.IsUndefined(v) {
			if optional {
				continue
			}
			if n >= len(c.args) {
				return c.BadArg(n+1, typeName(name, pairs[i+1]))
			}
		}
		if err := c.convert(n+1, v, pairs[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// typeName is what a target of Unpack is called in error texts.
func typeName(name string, target any) string {
	if _, typ, ok := strings.Cut(name, ":"); ok {
		return typ
	}
	switch target.(type) {
	case *string, **string:
		return "string"
	case *bool:
		return "boolean"
	case *float64, *int64:
		return "number"
	case *int, *int32, **int32:
		return "integer"
	case *time.Time:
		return "date"
	case *Function:
		return "function"
	case **goja.Object:
		return "Object"
	case *[]byte:
		return "ArrayBuffer or ArrayBufferView"
	}
	return "Value"
}

// Function is a JavaScript function.
type Function struct{ goja.Value }

func (c *Call) convert(n int, v goja.Value, target any) (err error) {
	switch t := target.(type) {
	case *string:
		*t, err = c.String(n, v)
	case **string:
		var s string
		if s, err = c.String(n, v); err == nil {
			*t = &s
		}
	case *bool:
		*t = v.ToBoolean()
	case *float64:
		*t, err = c.number(n, v)
	case *int:
		var f float64
		f, err = c.number(n, v)
		*t = int(clampInteger(f))
	case *int64:
		var f float64
		f, err = c.number(n, v)
		*t = clampInteger(f)
	case *int32:
		*t, err = c.int32(n, v)
	case **int32:
		var i int32
		if i, err = c.int32(n, v); err == nil {
			*t = &i
		}
	case *time.Time:
		ms, err := c.Date(n, v)
		if err != nil {
			return err
		}
		*t = time.UnixMilli(ms)
	case *goja.Value:
		*t = v
	case **goja.Object:
		obj, ok := v.(*goja.Object)
		if !ok {
			return c.BadArg(n, "Object")
		}
		*t = obj
	case *Function:
		if _, ok := goja.AssertFunction(v); !ok {
			return c.BadArg(n, "function")
		}
		t.Value = v
	case *[]byte:
		b, ok := Bytes(c.js, v)
		if !ok {
			return c.BadArg(n, "ArrayBuffer or ArrayBufferView")
		}
		*t = append([]byte(nil), b...)
	default:
		panic(fmt.Sprintf("bind: Unpack into %T", target))
	}
	return err
}

// String is ToString, with lone surrogates replaced (WebIDL USVString).
func (c *Call) String(n int, v goja.Value) (s string, err error) {
	if _, ok := v.(*goja.Symbol); ok {
		return "", exception.TypeErrorf("Cannot convert a Symbol value to a string")
	}
	if _, ok := v.(*goja.Object); ok {
		err = c.js.Try(func() { s = v.ToString().String() })
		return s, err
	}
	return v.String(), nil
}

func (c *Call) number(n int, v goja.Value) (f float64, err error) {
	err = c.js.Try(func() { f = v.ToNumber().ToFloat() })
	return f, err
}

// int32 is workerd's int.
func (c *Call) int32(n int, v goja.Value) (int32, error) {
	f, err := c.number(n, v)
	if err != nil {
		return 0, err
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		f = 0
	}
	f = math.Trunc(f)
	if f < math.MinInt32 || f > math.MaxInt32 {
		return 0, exception.TypeErrorf("Value out of range. Must be between %d and %d (inclusive).", math.MinInt32, math.MaxInt32)
	}
	return int32(f), nil
}

func clampInteger(f float64) int64 {
	switch {
	case math.IsNaN(f), math.IsInf(f, 0):
		return 0
	case f >= 1<<53:
		return 1 << 53
	case f <= -(1 << 53):
		return -(1 << 53)
	}
	return int64(f)
}

// Texts is an Array's elements as conv makes them strings; ok is false for anything else.
func (c *Call) Texts(v goja.Value, conv func(v goja.Value) (string, error)) (list []string, ok bool, err error) {
	obj, isObj := v.(*goja.Object)
	if !isObj || obj.ClassName() != "Array" {
		return nil, false, nil
	}
	limit := int64(c.js.Isolate().Limits().ArrayLength)
	var bad error
	err = c.js.Try(func() {
		n := obj.Get("length").ToInteger()
		if n > limit {
			bad = exception.RangeErrorf("The array has %d elements, but it cannot have more than %d.", n, limit)
		}
		for i := int64(0); i < n && bad == nil; i++ {
			el := obj.Get(strconv.FormatInt(i, 10))
			if el == nil {
				el = goja.Undefined()
			}
			var s string
			s, bad = conv(el)
			list = append(list, s)
		}
	})
	if err == nil {
		err = bad
	}
	return list, true, err
}

// Null is JavaScript's null as a result.
var Null = goja.Null()

// Value converts a result: nil is undefined; goja values pass; strings, booleans
// and numbers become their likes; []byte becomes an ArrayBuffer that owns the
// bytes; []string and []any an array; *string a string or null.
func (c *Call) Value(v any) goja.Value { return Value(c.js, v) }

// Value converts a Go value; see Call.Value.
func Value(js *isolate.JS, v any) goja.Value {
	rt := js.Runtime()
	switch v := v.(type) {
	case nil:
		return goja.Undefined()
	case *goja.Object:
		if v == nil {
			return goja.Null()
		}
		return v
	case goja.Value:
		return v
	case string:
		return rt.ToValue(v)
	case *string:
		if v == nil {
			return goja.Null()
		}
		return rt.ToValue(*v)
	case bool:
		return rt.ToValue(v)
	case int:
		return rt.ToValue(v)
	case int64:
		return rt.ToValue(v)
	case uint16:
		return rt.ToValue(int(v))
	case float64:
		return rt.ToValue(v)
	case []byte:
		return rt.ToValue(rt.NewArrayBuffer(v))
	case []string:
		items := make([]any, len(v))
		for i, s := range v {
			items[i] = s
		}
		return rt.NewArray(items...)
	case []any:
		items := make([]any, len(v))
		for i, e := range v {
			items[i] = Value(js, e)
		}
		return rt.NewArray(items...)
	}
	panic(fmt.Sprintf("bind: no JavaScript value for %T", v))
}

// Promise is the result of a method that may have to wait: a promise for r that
// settles in the current context (iocontext.Await).
func Promise[T any](c *Call, r loop.Result[T], conv func(js *isolate.JS, v T) (goja.Value, error)) (any, error) {
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	return iocontext.Await(c.js, ioc, r, conv), nil
}

// guard keeps Go panics from flying through JavaScript: goja's own pass, anything
// else is a mistake of ours, which is logged and thrown as an internal error.
func (c *Call) guard() {
	switch p := recover().(type) {
	case nil:
	case goja.Value, *goja.Exception, *goja.InterruptedError, *goja.StackOverflowError:
		panic(p)
	case runtime.Error:
		c.fail(fmt.Errorf("%s: %w\n%s", c.Where(), p, debug.Stack()))
	case error:
		var ge *goja.Exception
		if errors.As(p, &ge) {
			panic(p)
		}
		c.fail(fmt.Errorf("%s: %w\n%s", c.Where(), p, debug.Stack()))
	case string:
		c.fail(fmt.Errorf("%s: %s\n%s", c.Where(), p, debug.Stack()))
	default:
		// goja throws with types of its own that are not exported.
		panic(p)
	}
}

func (c *Call) fail(err error) { c.js.Panic(err) }
