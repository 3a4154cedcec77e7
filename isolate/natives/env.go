package natives

import (
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"runtime"
	"strconv"

	"github.com/dop251/goja"

	"workerd.local/internal/limits"
)

// raw is a native or script function that panics when it throws, as goja's
// own natives call each other: no try frame, and no microtasks run after it.
type raw = func(goja.FunctionCall) goja.Value

// env is one runtime with its limits and the intrinsics captured before any
// script ran, so that later changes to the globals do not reach the natives.
type env struct {
	rt  *goja.Runtime
	lim Limits

	functionProto *goja.Object
	nop           raw // an empty script function: running it raises a pending interrupt
	steps         int // until the next poll
	depth         int // natives that are running
	generators    int // steps of generators that are running
	// unwinding: the running panic has been looked at. The next native resets it.
	unwinding bool

	maxDepth int // limits.NativeDepth

	get, set, has, deleteProperty, defineProperty, ownDescriptor raw // Reflect
	apply, construct, ownKeys                                    raw // Reflect
	isArray, then, mapGet, mapSet                                raw
	arrayCtor, mapCtor, objectProto                              *goja.Object

	inParts  bool                                  // what the realm has is made where it is first needed
	prepared uint                                  // bits by part
	base     map[string]goja.Value                 // the globals of the engine, where the realm is not in parts
	replaced map[string]goja.Value                 // what stands for a global of the engine
	late     map[string]func() goja.Value          // what globals that were defined later are
	shapes   map[*Late]func(name string) LateValue // what makes the properties of late objects
	standIns []standIn
	kept     map[string]goja.Value // see Library.Pristine
	// what another package does to parts
	onRegExp   func() (*goja.Object, error)
	onFunction func() (function, eval *goja.Object, err error)

	weak     *weakTable
	disposal *goja.Object

	viewFn goja.Value   // hands its arguments to viewed
	viewed []goja.Value // see view

	typedLengthGetter raw
	layout            *engineLayout // nil until there is a resizable buffer
	typedTraps        *goja.ProxyTrapConfig
	hasInstance       goja.Value // see classSymbol

	nativeCode map[uintptr]bool // code that is goja's own, see usesNative
	scriptCode map[uintptr]bool // code that calls a script function, see jsCode

	regexpMethods             map[*goja.Symbol]*goja.Object // ours of RegExp.prototype
	regexpCtor, regexpOwnCtor *goja.Object                  // what stands for RegExp, and the engine's own
	regexpProto               *goja.Object
	regexpExecValue           goja.Value
	regexpExec, regexpSource  raw
	regexpFlags               [len(flagLetters)]raw
	matchers                  map[matcherKey]*matcher
	lastRegExp                *goja.Object // lastMatcher is that of it
	lastMatcher               *matcher
	spareFinder               *finder    // see doneWith
	lastMatch                 *lastMatch // nil until RecordMatches

	lazy         map[string]func()     // makes a global that nobody has touched
	hidden       map[*goja.Symbol]bool // see Library.Hide
	hiddenGlobal goja.Value

	stackProperty goja.Value   // getter and setter of stack; nil where the engine's errors stay as they are
	hooked        uint         // of errorClasses
	siteProto     *goja.Object // nil until there is a CallSite
	reading       *goja.Object // the error whose stack is being prepared

	iterators   *iteratorKit
	shareMemory func(m *Memory) *goja.Object // makes a SharedArrayBuffer; nil until the class is made

	joining []*goja.Object // arrays being turned into strings, outermost first
}

const pollEvery = 1024

func newEnv(rt *goja.Runtime, l Limits) *env {
	return &env{rt: rt, lim: l.withDefaults(), steps: pollEvery, maxDepth: limits.NativeDepth.In(l.Bounds)}
}

var (
	typeInt         = reflect.TypeFor[int64]()
	typeFloat       = reflect.TypeFor[float64]()
	typeBigInt      = reflect.TypeFor[*big.Int]()
	typeFunc        = reflect.TypeFor[func(goja.FunctionCall) goja.Value]()
	typeConstructor = reflect.TypeFor[func(goja.ConstructorCall) *goja.Object]()
	typeBuffer      = reflect.TypeFor[goja.ArrayBuffer]()
	typeProxy       = reflect.TypeFor[goja.Proxy]()
	typeUnits       = reflect.TypeFor[[]uint16]()
)

var (
	undefined = goja.Undefined()
	null      = goja.Null()
	valTrue   = goja.New().ToValue(true)
	valFalse  = goja.New().ToValue(false)
	emptyStr  = goja.New().ToValue("")
)

var nopProgram = goja.MustCompile("natives", "(function(){})", true)

// poll counts one step of a loop and every pollEvery steps looks at the interrupt.
func (e *env) poll() {
	if e.steps--; e.steps <= 0 {
		e.checkInterrupt()
	}
}

// pollN counts n steps at once.
func (e *env) pollN(n int) {
	if e.steps -= n; e.steps <= 0 {
		e.checkInterrupt()
	}
}

func (e *env) checkInterrupt() {
	e.steps = pollEvery
	if e.lim.Interrupted != nil && !e.lim.Interrupted() {
		return
	}
	if e.nop == nil { // called from Go, outside of Install
		if e.lim.Interrupted != nil {
			panic(ErrInterrupted)
		}
		return
	}
	e.nop(goja.FunctionCall{This: undefined}) // panics with the engine's own InterruptedError
	if e.lim.Interrupted != nil {
		// The flag was raised but Runtime.Interrupt has not been called yet.
		e.rt.Interrupt(ErrInterrupted)
		e.nop(goja.FunctionCall{This: undefined})
	}
}

// charge announces an allocation of n bytes.
func (e *env) charge(n int64) {
	if e.lim.Charge == nil || n < chargeFloor {
		return
	}
	if err := e.lim.Charge(int(n)); err != nil {
		panic(e.newError("RangeError", err.Error()))
	}
}

// newError builds an error of the named global class. The classes are looked up
// when something is thrown: each costs 5 KB of heap once it has been touched.
func (e *env) newError(class, msg string) *goja.Object {
	return e.newErrorValue(class, e.rt.ToValue(msg))
}

func (e *env) newErrorValue(class string, msg goja.Value) *goja.Object {
	if ctor, ok := e.rt.GlobalObject().Get(class).(*goja.Object); ok && class != "TypeError" {
		if o, err := e.rt.New(ctor, msg); err == nil {
			return o
		}
	}
	return e.rt.NewTypeError("%s", msg.String())
}

func (e *env) throwRange(format string, args ...any) {
	panic(e.newError("RangeError", fmt.Sprintf(format, args...)))
}

func (e *env) throwType(format string, args ...any) {
	panic(e.newError("TypeError", fmt.Sprintf(format, args...)))
}

func (e *env) throwStack() { e.throwRange("Maximum call stack size exceeded") }

func (e *env) throwStringLength() { e.throwRange("Invalid string length") }

func (e *env) throwArrayLength() { e.throwRange("Invalid array length") }

// needString checks that a string of n characters may be built and charges it.
func (e *env) needString(n int64) {
	if n > int64(e.lim.MaxStringBytes) || n < 0 {
		e.throwStringLength()
	}
	e.charge(n)
}

// needArray checks that a dense array of n elements may be built and charges it.
func (e *env) needArray(n int64) {
	if n > int64(e.lim.MaxArrayLength) || n < 0 {
		e.throwArrayLength()
	}
	e.charge(n * 16)
}

// guard wraps a native so that Go run-time panics become JavaScript exceptions.
// Panics that goja raises itself (values, exceptions, interrupts) pass through.
func (e *env) guard(f raw) raw {
	return func(call goja.FunctionCall) goja.Value {
		defer e.leave()
		e.enter()
		return f(call)
	}
}

// enter counts natives that call each other without script between them (a
// toString that is join, a getter that is Array.from), which goja does not count.
func (e *env) enter() {
	e.unwinding = false
	if e.depth++; e.depth > e.maxDepth {
		e.throwStack()
	}
}

// leave ends a native; it must be deferred, as it recovers. What is thrown is
// looked at by the innermost native only: to recover and panic again in each of
// thousands takes a time that is quadratic in their number.
func (e *env) leave() {
	e.depth--
	if e.unwinding {
		return
	}
	if x := recover(); x != nil {
		e.unwinding = true
		e.rethrow(x)
	}
}

func (e *env) rethrow(x any) {
	switch x := x.(type) {
	case runtime.Error:
		panic(e.newError("TypeError", "internal error in a native function: "+x.Error()))
	case string:
		panic(e.newError("TypeError", "internal error in a native function: "+x))
	}
	panic(x)
}

// try runs f for the Go entry points: thrown values come back as errors.
func (e *env) try(f func()) (err error) {
	defer func() {
		switch x := recover().(type) {
		case nil:
		case *goja.InterruptedError:
			err = x
		case *goja.StackOverflowError:
			err = x
		case error:
			if !errors.Is(x, ErrInterrupted) {
				panic(x)
			}
			err = x
		default:
			panic(x)
		}
	}()
	if ex := e.rt.Try(func() {
		defer func() {
			if x := recover(); x != nil {
				e.rethrow(x)
			}
		}()
		f()
	}); ex != nil {
		return ex
	}
	return nil
}

// callable returns v as a raw function.
func (e *env) callable(v goja.Value) (raw, bool) {
	o, ok := v.(*goja.Object)
	if !ok {
		return nil, false
	}
	if o.ExportType() == typeFunc {
		if f, ok := o.Export().(func(goja.FunctionCall) goja.Value); ok {
			return f, true
		}
	}
	call, ok := goja.AssertFunction(o)
	if !ok {
		return nil, false
	}
	if e.apply != nil {
		return func(c goja.FunctionCall) goja.Value {
			return e.apply(goja.FunctionCall{Arguments: []goja.Value{o, orUndefined(c.This), e.list(c.Arguments)}})
		}, true
	}
	return func(c goja.FunctionCall) goja.Value {
		v, err := call(c.This, c.Arguments...)
		if err != nil {
			panic(err)
		}
		return v
	}, true
}

// needCallable is callable with V8's TypeError.
func (e *env) needCallable(v goja.Value) raw {
	f, ok := e.callable(v)
	if !ok {
		e.throwType("%s is not a function", e.describe(v))
	}
	return f
}

// describe prints a value for an error text, without running user code.
func (e *env) describe(v goja.Value) string {
	switch x := v.(type) {
	case nil:
		return "undefined"
	case *goja.Symbol:
		return "Symbol(" + x.String() + ")"
	case *goja.Object:
		if _, ok := goja.AssertFunction(x); ok {
			return "function"
		}
		if x.ExportType() == typeProxy {
			return "#<Object>"
		}
		switch c := x.ClassName(); c {
		case "Array":
			return "[object Array]"
		default:
			return "#<" + c + ">"
		}
	case goja.String:
		s := x.String()
		if len(s) > 100 {
			s = s[:100] + "..."
		}
		return strconv.Quote(s)
	}
	return v.String()
}

func orUndefined(v goja.Value) goja.Value {
	if v == nil {
		return undefined
	}
	return v
}

func isNullish(v goja.Value) bool { return v == nil || v == undefined || v == null }

// list makes a dense array of the values.
func (e *env) list(vals []goja.Value) *goja.Object {
	items := make([]any, len(vals))
	for i, v := range vals {
		items[i] = orUndefined(v)
	}
	return e.rt.NewArray(items...)
}

// toObject is ToObject with V8's text; what is the method, where V8 names it.
func (e *env) toObject(v goja.Value, what string) *goja.Object {
	if o, ok := v.(*goja.Object); ok {
		return o
	}
	if isNullish(v) {
		if what == "" {
			e.throwType("Cannot convert undefined or null to object")
		}
		e.throwType("%s called on null or undefined", what)
	}
	return v.ToObject(e.rt)
}

// toStr is ToString.
func (e *env) toStr(v goja.Value) goja.String {
	if s, ok := v.(goja.String); ok {
		return s
	}
	if v == nil {
		v = undefined
	}
	if _, ok := v.(*goja.Symbol); ok {
		e.throwType("Cannot convert a Symbol value to a string")
	}
	if o, ok := v.(*goja.Object); ok {
		v = o.ToString() // ToPrimitive; numbers come back as numbers
		if s, ok := v.(goja.String); ok {
			return s
		}
		return e.toStr(v)
	}
	return asciiValue(v.String())
}

// isPlainArray reports whether o is an Array exotic object and not a Proxy.
func isPlainArray(o *goja.Object) bool {
	return o.ExportType() != typeProxy && o.ClassName() == "Array"
}

// isArrayValue is IsArray: it sees through proxies and throws on revoked ones.
func (e *env) isArrayValue(o *goja.Object) bool {
	if o.ExportType() != typeProxy {
		return o.ClassName() == "Array"
	}
	return e.isArray(goja.FunctionCall{Arguments: []goja.Value{o}}).ToBoolean()
}

// view returns the elements of a plain array with holes as undefined. For a dense
// array it is a window on the array's own storage, for another a copy. It is
// good until script runs or the array changes.
func (e *env) view(o *goja.Object) []goja.Value {
	if e.viewFn == nil {
		e.viewFn = e.rt.ToValue(func(c goja.FunctionCall) goja.Value {
			e.viewed = c.Arguments
			return undefined
		})
	}
	e.apply(goja.FunctionCall{Arguments: []goja.Value{e.viewFn, undefined, o}})
	v := e.viewed
	e.viewed = nil
	return v
}
