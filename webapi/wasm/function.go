package wasm

import (
	"context"
	"errors"
	"runtime"
	"strconv"
	"strings"
	"weak"

	"github.com/dop251/goja"
	"github.com/tetratelabs/wazero/api"

	"workerd.local/exception"
	"workerd.local/internal/limits"
	"workerd.local/isolate"
)

// function is an exported function as scripts call it.
type function struct {
	owner *instance
	index uint32 // the module's number
	typ   funcType

	idle api.Function // not running; a nested call takes another
	self *goja.Object
}

// object is the function object, always the same.
func (f *function) object(js *isolate.JS) *goja.Object {
	if f.self != nil {
		return f.self
	}
	rt := js.Runtime()
	o := rt.ToValue(func(c goja.FunctionCall) goja.Value { return f.call(js, c.Arguments) }).(*goja.Object)
	// The object is new, so defining cannot fail.
	_ = o.DefineDataProperty("name", rt.ToValue(strconv.Itoa(int(f.index))), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	_ = o.DefineDataProperty("length", rt.ToValue(len(f.typ.params)), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	functionClass.Attach(js, o, f)
	f.self = o
	return o
}

var errCallStack = exception.RangeErrorf("Maximum call stack size exceeded")

// call runs the function; what goes wrong is thrown.
func (f *function) call(js *isolate.JS, args []goja.Value) goja.Value {
	i := f.owner
	rs := i.rs
	if f.typ.vectors() {
		js.Panic(exception.TypeErrorf("type incompatibility when transforming from/to JS"))
	}
	if rs.depth == 0 {
		rs.sweep()
	}
	stack := make([]uint64, f.typ.size())
	for n, t := range f.typ.params {
		v := goja.Undefined()
		if n < len(args) {
			v = args[n]
		}
		word, err := rs.toWasm(js, t, v, i)
		if err != nil {
			js.Panic(rs.thrown(js, err))
		}
		stack[n] = word
	}
	if err := f.run(js, stack); err != nil {
		js.Panic(rs.thrown(js, err))
	}
	switch results := f.typ.results; len(results) {
	case 0:
		return goja.Undefined()
	case 1:
		return rs.toJS(js, results[0], stack[0])
	default:
		list := make([]any, len(results))
		for n, t := range results {
			list[n] = rs.toJS(js, t, stack[n])
		}
		return js.Runtime().NewArray(list...)
	}
}

func (f *function) run(js *isolate.JS, stack []uint64) error {
	i, rs := f.owner, f.owner.rs
	if rs.depth >= limits.WasmDepth.In(js.Bounds()) {
		return errCallStack
	}
	fn := f.idle
	if f.idle = nil; fn == nil {
		fn = i.module.ExportedFunction(numbered(functionExport, i.p.w.referred(f.index)))
	}
	depth := i.depth.Get()
	rs.depth++
	err := fn.CallWithStack(context.Background(), stack)
	rs.depth--
	runtime.KeepAlive(i)
	rs.detachStale()
	if err != nil {
		// The code was left in its middle; what it counted is taken back.
		i.depth.Set(depth)
		return rs.failure(err)
	}
	f.idle = fn
	return nil
}

// passed carries what a script's function threw through the engine.
type passed struct{ error }

func (p passed) Unwrap() error { return p.error }

// hostFunction is a script's function as an instance imports it.
func hostFunction(self weak.Pointer[instance], fn goja.Value, t funcType) api.GoModuleFunc {
	// The function itself is reached through the instance, which lives as long as its
	// code runs.
	holder := weak.Make(fnHolder(fn))
	return func(_ context.Context, _ api.Module, stack []uint64) {
		i := self.Value()
		o := holder.Value()
		if i == nil || o == nil {
			panic(passed{errors.New("a function of an instance that is gone was called")})
		}
		js, rs := i.js, i.rs
		rs.detachStale()
		if t.vectors() {
			panic(passed{exception.TypeErrorf("type incompatibility when transforming from/to JS")})
		}
		args := make([]goja.Value, len(t.params))
		for n, p := range t.params {
			args[n] = rs.toJS(js, p, stack[n])
		}
		v, err := js.Call(o, nil, args...)
		if err != nil {
			panic(passed{err})
		}
		if err := i.results(js, t.results, v, stack); err != nil {
			panic(passed{err})
		}
	}
}

// fnHolder is the object of a function.
func fnHolder(fn goja.Value) *goja.Object { o, _ := fn.(*goja.Object); return o }

// results puts what a script's function returned where the program finds it.
func (i *instance) results(js *isolate.JS, types []valType, v goja.Value, stack []uint64) (err error) {
	switch len(types) {
	case 0:
		return nil
	case 1:
		stack[0], err = i.rs.toWasm(js, types[0], v, i)
		return err
	}
	var list []goja.Value
	if _, ok := v.(*goja.Object); !ok {
		return exception.TypeErrorf("multi-return value must be iterable")
	}
	if err := js.Try(func() {
		js.Runtime().ForOf(v, func(item goja.Value) bool {
			list = append(list, item)
			return len(list) <= len(types)
		})
	}); err != nil {
		return err
	}
	if len(list) != len(types) {
		return exception.TypeErrorf("multi-return length mismatch")
	}
	for n, t := range types {
		if stack[n], err = i.rs.toWasm(js, t, list[n], i); err != nil {
			return err
		}
	}
	return nil
}

// tick is what programs call now and then.
func tick(self weak.Pointer[instance]) api.GoModuleFunc {
	return func(_ context.Context, _ api.Module, stack []uint64) {
		i := self.Value()
		if i == nil {
			panic(passed{errors.New("an instance that is gone was running")})
		}
		if stack[0] == reasonStack {
			panic(passed{errCallStack})
		}
		if i.js.Realm().Interrupted() {
			// The engine throws its own interrupt at the next instruction of a script, and
			// there is none before this function returns.
			panic(passed{&goja.InterruptedError{}})
		}
	}
}

// failure is the error that a script sees.
func (rs *realmState) failure(err error) error {
	var p passed
	if errors.As(err, &p) {
		return p.error
	}
	text, _, _ := strings.Cut(err.Error(), "\nwasm stack trace:")
	if _, trap, ok := strings.Cut(text, "wasm error: "); ok {
		if trap == "stack overflow" {
			return errCallStack
		}
		if known := traps[trap]; known != "" {
			trap = known
		}
		return exception.New("RuntimeError", trap)
	}
	return err
}

// traps are the engine's words as scripts know them.
var traps = map[string]string{
	"out of bounds memory access":   "memory access out of bounds",
	"integer divide by zero":        "divide by zero",
	"integer overflow":              "integer overflow",
	"invalid conversion to integer": "float unrepresentable in integer range",
	"invalid table access":          "null function or table index is out of bounds",
	"indirect call type mismatch":   "function signature mismatch",
	"null reference":                "dereferencing a null pointer",
}
