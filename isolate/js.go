package isolate

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"strings"
	"time"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/compat"
	"workerd.local/internal/limits"
	"workerd.local/isolate/natives"
	"workerd.local/script"
)

// JS is the right to touch one realm's heap. A function that takes it as its
// first parameter runs on the isolate's goroutine, inside a turn. Never store it.
type JS struct {
	rt    *goja.Runtime
	realm *Realm
	frame *Frame // of the running continuation; nil outside one
	turn  *Frame // of the running turn
	dom   func(js *JS, name, message string) *goja.Object
	// What makes of a thrown value what its copies elsewhere are made of, and such a copy.
	pack   func(js *JS, v goja.Value) []byte
	unpack func(js *JS, data []byte) *goja.Object

	library *natives.Library
}

// Runtime is the engine of the realm.
func (js *JS) Runtime() *goja.Runtime { return js.rt }

// Realm is the realm whose heap this is.
func (js *JS) Realm() *Realm { return js.realm }

// Isolate is the isolate that the realm is on.
func (js *JS) Isolate() *Isolate { return js.realm.iso }

// Library is the realm's standard library.
func (js *JS) Library() *natives.Library { return js.library }

// Bounds are the numbers of Limits.Bounds.
func (js *JS) Bounds() *limits.Set { return js.realm.iso.limits.Bounds }

// Compat are the compatibility flags of the realm's scripts; nil has none.
func (js *JS) Compat() *compat.Flags { return js.realm.o.Compat }

// Host is the isolate's Host.
func (js *JS) Host() Host { return js.realm.iso.host }

// Frame is the current frame: that of the running continuation, else that of the
// turn; nil when nobody owns the code that runs.
func (js *JS) Frame() *Frame {
	if js.frame != nil {
		return js.frame
	}
	return js.turn
}

// In calls fn with frame as the current one.
func (js *JS) In(frame *Frame, fn func()) {
	old := js.frame
	js.realm.claim(js.Frame())
	js.frame = frame
	defer func() {
		js.realm.claim(frame)
		js.frame = old
	}()
	fn()
}

// SetDOMException says how a DOMException is made; the package that defines the
// class calls it at set-up.
func (js *JS) SetDOMException(f func(js *JS, name, message string) *goja.Object) { js.dom = f }

// SetErrorCopies says how values that were thrown are copied: pack returns nil for one that
// cannot be, and unpack nil where the realm does not want copies.
func (js *JS) SetErrorCopies(pack func(js *JS, v goja.Value) []byte, unpack func(js *JS, data []byte) *goja.Object) {
	js.pack, js.unpack = pack, unpack
}

// Sent is Exception for whoever is in another realm: a copy of the value goes along.
func (js *JS) Sent(err error) *exception.Exception {
	e := js.Exception(err)
	v, ok := e.Value.(thrown)
	if !ok || v.realm != js.realm || e.Serialized != nil || js.pack == nil {
		return e
	}
	if _, ok := v.value.(*goja.Object); !ok {
		return e // its text is all there is
	}
	c := *e
	c.Serialized = js.pack(js, v.value)
	return &c
}

// Slot is a value that a package keeps per realm, made on first use.
type Slot[T any] struct{ make func(js *JS) *T }

// NewSlot returns a slot; keep it in a package variable.
func NewSlot[T any](make func(js *JS) *T) *Slot[T] { return &Slot[T]{make} }

// Get returns the realm's value.
func (s *Slot[T]) Get(js *JS) *T {
	if v, ok := js.realm.slots[s]; ok {
		return v.(*T)
	}
	v := s.make(js)
	js.realm.slots[s] = v
	return v
}

// Of is Get for who has the realm, outside a turn too; isolate's goroutine only.
func (s *Slot[T]) Of(r *Realm) *T { return s.Get(r.js) }

// Call calls a JavaScript function. The error is a *goja.Exception that JavaScript
// could have caught, or an uncatchable one (Uncatchable) that must be handed on.
func (js *JS) Call(fn goja.Value, this goja.Value, args ...goja.Value) (goja.Value, error) {
	f, ok := goja.AssertFunction(fn)
	if !ok {
		return nil, exception.TypeErrorf("%s is not a function", describe(fn))
	}
	if this == nil {
		this = goja.Undefined()
	}
	return js.Invoke(f, this, args...)
}

// Invoke is Call for who has looked already whether there is a function.
func (js *JS) Invoke(f goja.Callable, this goja.Value, args ...goja.Value) (goja.Value, error) {
	v, err := f(this, args...)
	if v == nil {
		v = goja.Undefined()
	}
	if err != nil {
		err = js.noteOverflow(err)
	}
	return v, err
}

// noteOverflow remembers that the engine ran out of call stack in this turn. It
// unwinds past generators that are in the middle of a step and would go on in the
// wrong place, so nothing more of the script may run: the engine is stopped, and the
// realm ends with the turn.
func (js *JS) noteOverflow(err error) error {
	if _, ok := engineError[*goja.StackOverflowError](err); ok {
		js.realm.overflowed = true
		js.rt.Interrupt(ErrCallStack)
	}
	return err
}

// engineError is errors.As for the engine's own errors. It stops at an exception,
// because unwrapping one asks the value that was thrown, which runs code of the
// script.
func engineError[E error](err error) (found E, ok bool) {
	for err != nil {
		if found, ok = err.(E); ok {
			return found, true
		}
		switch x := err.(type) {
		case *goja.Exception:
			return found, false
		case interface{ Unwrap() []error }:
			for _, e := range x.Unwrap() {
				if found, ok = engineError[E](e); ok {
					return found, true
				}
			}
			return found, false
		}
		err = errors.Unwrap(err)
	}
	return found, false
}

// Construct calls a JavaScript constructor.
func (js *JS) Construct(ctor goja.Value, args ...goja.Value) (*goja.Object, error) {
	f, ok := goja.AssertConstructor(ctor)
	if !ok {
		return nil, exception.TypeErrorf("%s is not a constructor", describe(ctor))
	}
	obj, err := f(nil, args...)
	return obj, js.noteOverflow(err)
}

// Try runs fn, which may read properties of user objects, and returns what it
// throws.
func (js *JS) Try(fn func()) error {
	if ex := js.rt.Try(fn); ex != nil {
		return ex
	}
	return nil
}

// Uncatchable reports whether err stops the turn: an interrupt. A stack overflow
// is not: Go code that called JavaScript may turn it into a RangeError.
func Uncatchable(err error) bool {
	_, ok := engineError[*goja.InterruptedError](err)
	return ok
}

// Panic throws err out of a native function. It does not return.
func (js *JS) Panic(err error) {
	if i, ok := engineError[*goja.InterruptedError](err); ok {
		panic(i)
	}
	panic(js.Error(err))
}

// Error is the JavaScript value for a Go error: the thrown value itself where err
// carries one, an error of the named class for an *exception.Exception, and for
// anything else "internal error; reference = ...", with the text in the log.
func (js *JS) Error(err error) goja.Value {
	var ge *goja.Exception
	if errors.As(err, &ge) {
		return ge.Value()
	}
	var so *goja.StackOverflowError
	if errors.As(err, &so) {
		return js.newError("RangeError", "Maximum call stack size exceeded")
	}
	e, fresh := exception.From(err)
	if fresh {
		js.realm.iso.log.Error("internal error", "worker", js.realm.o.Name, "reference", e.Message, "error", err)
	}
	if v, ok := e.Value.(thrown); ok && v.realm == js.realm {
		return v.value
	}
	if _, isDOM := e.DOMName(); !isDOM && e.Serialized != nil && js.unpack != nil {
		if obj := js.unpack(js, e.Serialized); obj != nil {
			js.MarkError(obj, e)
			return obj
		}
	}
	var obj *goja.Object
	if name, ok := e.DOMName(); ok && js.dom != nil {
		obj = js.dom(js, name, e.Message)
	} else if ok {
		obj = js.newError("Error", e.Message)
		define(obj, "name", js.rt.ToValue(name))
	} else if e.Name != "" {
		obj = js.newError(e.ClassName(), e.Name+": "+e.Message)
	} else {
		obj = js.newError(e.ClassName(), e.Message)
	}
	js.MarkError(obj, e)
	return obj
}

// MarkError gives an error object the properties that say what a caller may do.
func (js *JS) MarkError(obj *goja.Object, e *exception.Exception) {
	if e.ActorID != "" {
		define(obj, "durableObjectId", js.rt.ToValue(e.ActorID))
	}
	for _, p := range [...]struct {
		name string
		set  bool
	}{{"remote", e.Remote}, {"retryable", e.Retryable()}, {"overloaded", e.Overloaded()}, {"durableObjectReset", e.Reset()}} {
		if p.set {
			define(obj, p.name, js.rt.ToValue(true))
		}
	}
	if e.RetryAfter > 0 {
		define(obj, "retryAfter", js.rt.ToValue(math.Ceil(e.RetryAfter.Seconds())))
	}
}

// define makes an own data property without running any setter; it can only fail
// on an object that was just made by us, which is extensible.
func define(obj *goja.Object, name string, v goja.Value) {
	_ = obj.DefineDataProperty(name, v, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
}

func (js *JS) newError(class, message string) *goja.Object {
	ctor := js.intrinsic(class)
	args := []goja.Value{js.rt.ToValue(message)}
	var without []string // what only the constructor gives
	switch class {
	case "AggregateError":
		args, without = append([]goja.Value{js.rt.NewArray()}, args...), []string{"errors"}
	case "SuppressedError":
		args, without = append([]goja.Value{goja.Undefined(), goja.Undefined()}, args...), []string{"error", "suppressed"}
	}
	obj, err := js.rt.New(ctor, args...)
	if err != nil {
		return js.rt.NewGoError(errors.New(message))
	}
	for _, name := range without {
		if err := obj.Delete(name); err != nil {
			return js.rt.NewGoError(errors.New(message))
		}
	}
	return obj
}

// intrinsic is the error constructor as it was when the realm was made.
func (js *JS) intrinsic(class string) goja.Value {
	switch class {
	case "Error", "TypeError", "RangeError", "SyntaxError", "ReferenceError", "EvalError", "URIError", "AggregateError", "SuppressedError":
		return js.library.Pristine(class)
	}
	return js.library.Pristine("Error")
}

// ErrorClass is the constructor of that name (Error, TypeError and so on) as it was
// when the realm was made.
func (js *JS) ErrorClass(name string) goja.Value { return js.intrinsic(name) }

// thrown keeps a JavaScript value inside an exception while it stays in its realm.
type thrown struct {
	realm *Realm
	value goja.Value
}

// Exception turns what a call returned as its error, or any Go error, into an
// exception that may leave the realm.
func (js *JS) Exception(err error) *exception.Exception {
	var ge *goja.Exception
	if errors.As(err, &ge) {
		e := js.Thrown(ge.Value())
		if e.Stack == "" {
			e.Stack = script.FormatStack(stackOf(e, ge))
		}
		return e
	}
	var so *goja.StackOverflowError
	if errors.As(err, &so) {
		return exception.RangeErrorf("Maximum call stack size exceeded")
	}
	var ie *goja.InterruptedError
	if errors.As(err, &ie) {
		if js.realm.overflowed {
			return Stopped(ErrCallStack)
		}
		if reason := js.realm.ending; reason != nil {
			return js.Exception(reason)
		}
		if cause := js.realm.stopping.Load(); cause != nil {
			return Stopped(*cause)
		}
		return Stopped(ErrCPULimit)
	}
	e, fresh := exception.From(err)
	if fresh {
		js.realm.iso.log.Error("internal error", "worker", js.realm.o.Name, "reference", e.Message, "error", err)
	}
	return e
}

// stackOf is the engine's form of a stack trace. Exception.String would ask the
// thrown value for its text once more.
func stackOf(e *exception.Exception, ge *goja.Exception) string {
	var b bytes.Buffer
	b.WriteString(e.Error())
	for _, frame := range ge.Stack() {
		b.WriteString("\n\tat ")
		frame.Write(&b)
	}
	return b.String()
}

// Stopped is the exception for a turn that was interrupted.
func Stopped(cause error) *exception.Exception {
	text := "Worker exceeded CPU time limit."
	broken := exception.ExceededCPU
	switch {
	case errors.Is(cause, ErrAborted):
		// The reason is the script's own business: it is in the log.
		e, _ := exception.From(cause)
		return e.WithBroken(exception.Dropped)
	case errors.Is(cause, ErrCallStack):
		return exception.RangeErrorf("Maximum call stack size exceeded").WithBroken(exception.Dropped).WithCause(cause)
	case errors.Is(cause, ErrMemoryLimit):
		text, broken = "Worker exceeded memory limit.", exception.ExceededMemory
	case errors.Is(cause, ErrKilled):
		text, broken = "The code was killed.", exception.Dropped
	case errors.Is(cause, ErrPanic):
		text, broken = "The script engine failed; the worker was reset.", exception.Dropped
	}
	return exception.Errorf("%s", text).WithBroken(broken).WithCause(cause)
}

// longestRetry is the latest time that an error may tell callers to try again.
const longestRetry = 24 * time.Hour

// Thrown turns a thrown JavaScript value into an exception. Getters of the value
// may run; what they throw is ignored.
func (js *JS) Thrown(v goja.Value) *exception.Exception {
	e := &exception.Exception{Class: "Error", Value: thrown{js.realm, v}}
	obj, ok := v.(*goja.Object)
	if !ok {
		e.Message = describe(v)
		return e
	}
	read := func(name string) (s string) {
		// A getter of the thrown object may itself throw: then there is no such text.
		_ = js.Try(func() {
			if p := obj.Get(name); p != nil && !goja.IsUndefined(p) && !goja.IsNull(p) {
				s = textOf(p)
			}
		})
		return s
	}
	truthy := func(name string) (b bool) {
		_ = js.Try(func() {
			if p := obj.Get(name); p != nil {
				b = p.ToBoolean()
			}
		})
		return b
	}
	name := read("name")
	e.Message = read("message")
	e.Stack = script.FormatStack(read("stack"))
	class, named := "Object", false
	_ = js.Try(func() { class = obj.ClassName() }) // of a proxy that was revoked there is none
	_ = js.Try(func() { _, named = obj.Get("name").(goja.String) })
	switch name {
	case "TypeError", "RangeError", "SyntaxError", "ReferenceError", "EvalError", "URIError", "AggregateError", "SuppressedError":
		e.Class = name
	case "", "Error":
		if class != "Error" && js.isDOMException(obj) {
			e.Class = "DOMException(" + name + ")"
		}
	default:
		if js.isDOMException(obj) {
			e.Class = "DOMException(" + name + ")"
		} else if class == "Error" && named {
			e.Name = name
		}
	}
	if _, isDOM := e.DOMName(); e.Message == "" && !isDOM && class != "Error" {
		e.Message = js.nameOf(obj, class)
	}
	switch {
	case truthy("overloaded"):
		e.Kind = exception.Overloaded
		_ = js.Try(func() {
			// As JS.Error wrote it; a number of the script's own is not worth an error.
			if p := obj.Get("retryAfter"); p != nil {
				if s := p.ToFloat(); s >= 1 && s <= longestRetry.Seconds() {
					e.RetryAfter = time.Duration(s) * time.Second
				}
			}
		})
	case truthy("retryable"):
		e.Kind = exception.Disconnected
	}
	return e
}

// nameOf is how V8 writes an object of the class that was thrown and is no Error: none of its
// methods is called for it, but getters may run.
func (js *JS) nameOf(obj *goja.Object, class string) string {
	text := "[object " + class + "]"
	_ = js.Try(func() {
		if write, ok := goja.AssertFunction(js.library.Pristine("Function.prototype.toString")); ok && class == "Function" {
			if v, err := write(obj); err == nil {
				text = v.String()
			}
			return
		}
		s, ok := obj.Get("toString").(*goja.Object)
		if !ok || !s.SameAs(js.library.Pristine("Object.prototype.toString")) {
			return
		}
		if ctor, ok := obj.Get("constructor").(*goja.Object); ok {
			if name, ok := ctor.Get("name").(goja.String); ok && name.String() != "" {
				text = "#<" + name.String() + ">"
			}
		}
	})
	return shortened(text)
}

func (js *JS) isDOMException(obj *goja.Object) (ok bool) {
	_ = js.Try(func() {
		if c, isObj := js.rt.GlobalObject().Get("DOMException").(*goja.Object); isObj {
			ok = js.rt.InstanceOf(obj, c)
		}
	})
	return ok
}

func describe(v goja.Value) string {
	switch {
	case v == nil || goja.IsUndefined(v):
		return "undefined"
	case goja.IsNull(v):
		return "null"
	}
	return shortened(textOf(v))
}

// shortened is the beginning of a long text.
func shortened(s string) string {
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "") + "…"
	}
	return s
}

func textOf(v goja.Value) string {
	if sym, ok := v.(*goja.Symbol); ok {
		return "Symbol(" + sym.String() + ")"
	}
	return v.String()
}

// NewPromise returns a pending promise. The functions settle it and may be called
// once, in any turn of the realm.
func (js *JS) NewPromise() (promise *goja.Object, resolve func(goja.Value), reject func(error)) {
	p, res, rej := js.rt.NewPromise()
	s := &settler{js: js, p: p, res: res, rej: rej}
	if r := js.realm; r.inTurn && len(r.made) < maxMade {
		r.made = append(r.made, s)
	}
	return js.rt.ToValue(p).(*goja.Object), s.resolve, s.reject
}

// settle hands on an uncatchable error that came out of settling a promise.
func (js *JS) settle(err error) {
	if js.noteOverflow(err) != nil && Uncatchable(err) {
		js.Panic(err)
	}
}

// Resolved returns a promise that is fulfilled with v.
func (js *JS) Resolved(v goja.Value) *goja.Object {
	p, resolve, _ := js.NewPromise()
	resolve(v)
	return p
}

// Rejected returns a promise that is rejected with err.
func (js *JS) Rejected(err error) *goja.Object {
	p, _, reject := js.NewPromise()
	reject(err)
	return p
}

var promiseType = reflect.TypeFor[*goja.Promise]()

// OnSettled calls fn in the turn in which v settles: at once where v is not a
// promise or has settled already, which counts as handling a rejection. Exactly
// one of the arguments is set.
func (js *JS) OnSettled(v goja.Value, fn func(js *JS, value goja.Value, err error)) {
	obj, ok := v.(*goja.Object)
	if !ok {
		fn(js, v, nil)
		return
	}
	// Export would read all properties of an ordinary object.
	if obj.ExportType() != promiseType {
		then := thenOf(js, obj)
		if then == nil {
			fn(js, v, nil)
			return
		}
		// Any thenable counts: adopt it, as await does.
		promise, resolve, _ := js.NewPromise()
		resolve(v)
		js.onPromise(promise, fn)
		return
	}
	p := obj.Export().(*goja.Promise)
	if p.State() == goja.PromiseStateFulfilled {
		fn(js, p.Result(), nil)
		return
	}
	js.watch(obj, p, fn)
}

func thenOf(js *JS, obj *goja.Object) (then goja.Value) {
	_ = js.Try(func() {
		if f := obj.Get("then"); f != nil {
			if _, ok := goja.AssertFunction(f); ok {
				then = f
			}
		}
	})
	return then
}

// promiseThen is Promise.prototype.then, whatever scripts put in its place.
func (js *JS) promiseThen() goja.Value { return js.library.Pristine("Promise.prototype.then") }

// jobFrame is JavaScript on purpose: see Job.
var jobFrame = goja.MustCompile("workerd:job", "(f) => (v) => { f(v) }", true)

var jobFrames = NewSlot(func(js *JS) *goja.Value {
	// A program of ours that cannot fail.
	v, err := js.rt.RunProgram(jobFrame)
	if err != nil {
		js.Panic(err)
	}
	return &v
})

// Job makes a function that the engine may call as a microtask, such as a reaction
// to a promise. The engine runs what is queued whenever a call from Go returns
// with no JavaScript frame below it, and in a microtask that is a Go function
// there is none: the first promise that it settled would run other microtasks in
// its middle. A function made with Job has such a frame below it.
func (js *JS) Job(fn func(js *JS, v goja.Value)) goja.Value {
	native := js.rt.ToValue(func(c goja.FunctionCall) goja.Value {
		fn(js, c.Argument(0))
		return goja.Undefined()
	})
	job, err := js.Call(*jobFrames.Get(js), nil, native)
	if err != nil {
		js.Panic(err)
	}
	return job
}

// reaction is a pair of functions that wait for one promise. Making functions is
// most of the cost of waiting, and exactly one of the two is called, once: then the
// pair is used again.
type reaction struct {
	ok, bad goja.Value
	fn      func(js *JS, value goja.Value, err error)
}

// maxFreeReactions bounds the pairs that are kept for later.
const maxFreeReactions = 64

var freeReactions = NewSlot(func(*JS) *[]*reaction { return new([]*reaction) })

func (js *JS) newReaction() *reaction {
	free := freeReactions.Get(js)
	if n := len(*free); n > 0 {
		r := (*free)[n-1]
		*free = (*free)[:n-1]
		return r
	}
	r := &reaction{}
	settle := func(js *JS, v goja.Value, err error) {
		fn := r.fn
		r.fn = nil
		if len(*free) < maxFreeReactions {
			*free = append(*free, r)
		}
		fn(js, v, err)
	}
	r.ok = js.Job(func(js *JS, v goja.Value) { settle(js, v, nil) })
	r.bad = js.Job(func(js *JS, v goja.Value) { settle(js, nil, js.Thrown(v)) })
	return r
}

// Later calls fn in a microtask, in the present frame.
func (js *JS) Later(fn func(js *JS)) {
	js.onPromise(js.Resolved(nil), func(js *JS, _ goja.Value, err error) {
		if err != nil {
			js.Panic(err)
		}
		fn(js)
	})
}

func (js *JS) onPromise(promise *goja.Object, fn func(js *JS, value goja.Value, err error)) {
	r := js.newReaction()
	r.fn = fn
	if _, err := js.Call(js.promiseThen(), promise, r.ok, r.bad); err != nil {
		// The pair may be waiting all the same: it is not used again.
		r.fn = func(*JS, goja.Value, error) {}
		fn(js, nil, err)
	}
}
