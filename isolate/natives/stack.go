package natives

import (
	"slices"
	"strconv"
	"strings"

	"github.com/dop251/goja"

	"workerd.local/internal/limits"
)

// The stack of an error, as V8 shows it. The engine keeps the frames of every error and
// writes them in its own way when they are read. Here `stack` is an own property that writes
// them in V8's way, or asks Error.prepareStackTrace, when it is first read; until then it
// is an accessor, which the natives that show descriptors do not show.

// errorClasses are the engine's classes of errors. The engine makes those of the first four
// by itself, and then asks for the class first: a realm begins with a function in its
// place that makes the class and has it make the error, so that a realm without errors
// has none of the classes.
var errorClasses = []string{"TypeError", "ReferenceError", "RangeError", "SyntaxError", "EvalError", "URIError", "AggregateError", "Error"}

const madeByTheEngine = 4

// placeErrors puts functions in the places of classes that the engine asks for. Where the
// engine is not as expected, its errors stay as they are.
func (e *env) placeErrors() {
	l, err := layoutOfErrors()
	if err != nil { // TestErrorsAreLaidOutAsExpected says so
		return
	}
	for _, name := range errorClasses[:madeByTheEngine] {
		if intrinsics.slots[name] == 0 {
			return
		}
	}
	for _, name := range errorClasses[:madeByTheEngine] {
		o := intrinsics.newOf(e.rt, l.function, e.objectProto)
		*at[construct](l.structOf(o, l.function), l.functionConstruct) = func(args []goja.Value, _ *goja.Object) *goja.Object {
			class := e.engine(name).(*goja.Object)
			return (*at[construct](l.structOf(class, l.function), l.functionConstruct))(args, class)
		}
		*intrinsics.slot(e.rt, name) = o
	}
}

// errorClass is the engine's own class of errors; make makes it.
func (e *env) errorClass(name string, make func() goja.Value) goja.Value {
	n := slices.Index(errorClasses, name)
	if e.hooked&(1<<n) != 0 {
		return make()
	}
	l, err := layoutOfErrors()
	if err != nil {
		return make()
	}
	e.hooked |= 1 << n
	if n < madeByTheEngine && e.inParts {
		*intrinsics.slot(e.rt, name) = nil // what stands in its place
	}
	v := make()
	if class, ok := v.(*goja.Object); ok {
		e.hookErrors(l, name, class)
	}
	return v
}

// hookErrors puts a step behind a class's making of errors.
func (e *env) hookErrors(l *errorLayout, name string, class *goja.Object) {
	p := l.structOf(class, l.function)
	if p == nil {
		return
	}
	if e.stackProperty == nil {
		e.stackProperty = e.helper(e.stackOf(l))
	}
	construct, call := at[construct](p, l.functionConstruct), at[raw](p, l.functionCall)
	makeNew, makeCalled := *construct, *call
	*construct = func(args []goja.Value, newTarget *goja.Object) *goja.Object {
		// The engine names the class when it makes an error; `new` of a script does not.
		if newTarget == class && len(args) == 1 {
			if s, ok := args[0].(goja.String); ok {
				if msg := s.String(); len(msg) < 1000 {
					if better := e.v8Words(l, name, msg); better != msg {
						args = []goja.Value{e.rt.ToValue(better)}
					}
				}
			}
		}
		made := makeNew(args, newTarget)
		e.ownStack(l, made)
		return made
	}
	*call = func(c goja.FunctionCall) goja.Value {
		made := makeCalled(c)
		if o, ok := made.(*goja.Object); ok {
			e.ownStack(l, o)
		}
		return made
	}
}

// ownStack gives a fresh error its property.
func (e *env) ownStack(l *errorLayout, o *goja.Object) {
	p := l.structOf(o, l.errorObject)
	if p == nil {
		return
	}
	*at[bool](p, l.made) = true
	if err := o.DefineAccessorProperty("stack", e.stackProperty, e.stackProperty, goja.FLAG_TRUE, goja.FLAG_FALSE); err != nil {
		return
	}
	// V8 has it before the message. The names are strings of a type that is not exported.
	if names := *at[[]string](p, l.names); len(names) > 1 && names[len(names)-1] == "stack" {
		copy(names[1:], names[:len(names)-1])
		names[0] = "stack"
	}
}

// stackOf is getter and setter of stack: only a write has an argument.
func (e *env) stackOf(l *errorLayout) raw {
	return func(c goja.FunctionCall) goja.Value {
		this, ok := c.This.(*goja.Object)
		if !ok {
			return undefined
		}
		if len(c.Arguments) > 0 {
			e.define(this, c.Argument(0))
			return undefined
		}
		// An object that inherits from the error reads it too.
		for o := this; o != nil; o = o.Prototype() {
			e.poll()
			p := l.structOf(o, l.errorObject)
			if p == nil {
				continue
			}
			text := e.stackText(o, *at[[]goja.StackFrame](p, l.frames))
			if f := e.reading; f == nil || f != o {
				e.define(o, text)
			}
			return text
		}
		return undefined
	}
}

func (e *env) define(o *goja.Object, v goja.Value) {
	if err := o.DefineDataProperty("stack", v, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE); err != nil {
		panic(err)
	}
}

// showStack makes the property of an error what its descriptor shall show.
func (e *env) showStack(v goja.Value) {
	o, ok := v.(*goja.Object)
	if !ok || e.stackProperty == nil || o.ClassName() != "Error" {
		return
	}
	d, ok := e.ownDescriptor(goja.FunctionCall{Arguments: []goja.Value{o, asciiValue("stack")}}).(*goja.Object)
	if ok && d.Get("get") == e.stackProperty {
		e.get(goja.FunctionCall{Arguments: []goja.Value{o, asciiValue("stack")}})
	}
}

// stackText is the stack of an error, or what Error.prepareStackTrace makes of it.
func (e *env) stackText(o *goja.Object, frames []goja.StackFrame) goja.Value {
	limit := e.stackLimit()
	if prepare := e.prepareStackTrace(); prepare != nil && e.reading != o {
		before := e.reading
		e.reading = o
		defer func() { e.reading = before }()
		return prepare(goja.FunctionCall{This: e.error(), Arguments: []goja.Value{o, e.callSites(frames, limit)}})
	}
	var b strings.Builder
	b.WriteString(e.errorHeader(o))
	for _, f := range e.visible(frames, limit) {
		b.WriteString("\n    at " + f.String())
	}
	return e.rt.ToValue(b.String())
}

// error is the class Error as scripts may have changed it; nil while none can have.
func (e *env) error() *goja.Object {
	if e.inParts && e.prepared&(1<<partError) == 0 {
		return nil
	}
	class, _ := e.engine("Error").(*goja.Object)
	return class
}

// stackLimit is Error.stackTraceLimit.
func (e *env) stackLimit() int {
	class := e.error()
	if class == nil {
		return defaultStackLimit
	}
	v := class.Get("stackTraceLimit")
	if v == nil || !goja.IsNumber(v) {
		return 0
	}
	return int(min(max(toInteger(v), 0), int64(limits.ErrorFrames.In(e.lim.Bounds))))
}

// prepareStackTrace is the function that a script has put there, or nil.
func (e *env) prepareStackTrace() raw {
	class := e.error()
	if class == nil {
		return nil
	}
	v := class.Get("prepareStackTrace")
	if v == nil || v == undefined {
		return nil
	}
	f, _ := e.callable(v)
	return f
}

// shownFrame is a frame that a program may see.
type shownFrame struct {
	function, file string // file is empty for a native
	line, column   int
}

func (f *shownFrame) String() string {
	if f.file == "" {
		return f.function + " (native)"
	}
	where := f.file + ":" + strconv.Itoa(f.line) + ":" + strconv.Itoa(f.column)
	if f.function == "" {
		return where
	}
	return f.function + " (" + where + ")"
}

// visible gives the frames that a program may see, at most limit of them.
func (e *env) visible(frames []goja.StackFrame, limit int) []shownFrame {
	shown := make([]shownFrame, 0, min(limit, len(frames)))
	native := false // the frame before is a built-in function, and shown
	for i := range frames {
		if len(shown) >= limit {
			break
		}
		f := shownFrame{function: frames[i].FuncName()}
		if name := frames[i].SrcName(); name != "<native>" {
			pos := frames[i].Position()
			f.file, f.line, f.column = pos.Filename, pos.Line, pos.Column
			if f.file == "" {
				f.file = "<anonymous>"
			}
		}
		ok := true
		if e.lim.ShowFrame != nil {
			f.function, f.file, ok = e.lim.ShowFrame(f.function, f.file)
		}
		switch {
		case ok:
			shown = append(shown, f)
		case native:
			// What code that is not shown has called is not shown either.
			shown = shown[:len(shown)-1]
		}
		native = ok && f.file == ""
	}
	return shown
}

// symSite is the key of a CallSite's frame. Scripts never see it.
var symSite = goja.NewSymbol("workerd.callsite")

// callSites makes V8's CallSite objects. What the engine does not know of a frame is what
// V8 says of one of strict code.
func (e *env) callSites(frames []goja.StackFrame, limit int) goja.Value {
	if e.siteProto == nil {
		e.siteProto = e.makeSiteProto()
	}
	var sites []any
	for _, f := range e.visible(frames, limit) {
		o := e.rt.CreateObject(e.siteProto)
		if err := o.DefineDataPropertySymbol(symSite, e.rt.ToValue(&f), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE); err != nil {
			panic(err)
		}
		sites = append(sites, o)
	}
	return e.rt.NewArray(sites...)
}

func (e *env) makeSiteProto() *goja.Object {
	e.hidden[symSite] = true
	proto := e.rt.NewObject()
	orNull := func(s string) goja.Value {
		if s == "" {
			return null
		}
		return e.rt.ToValue(s)
	}
	number := func(n int) goja.Value {
		if n == 0 {
			return null
		}
		return e.rt.ToValue(n)
	}
	constant := func(v goja.Value) func(*shownFrame) goja.Value {
		return func(*shownFrame) goja.Value { return v }
	}
	methods := map[string]func(f *shownFrame) goja.Value{
		"getThis": constant(undefined), "getFunction": constant(undefined), "getTypeName": constant(null), "getMethodName": constant(null),
		"getFunctionName":          func(f *shownFrame) goja.Value { return orNull(f.function) },
		"getFileName":              func(f *shownFrame) goja.Value { return orNull(f.file) },
		"getScriptNameOrSourceURL": func(f *shownFrame) goja.Value { return orNull(f.file) },
		"getLineNumber":            func(f *shownFrame) goja.Value { return number(f.line) },
		"getColumnNumber":          func(f *shownFrame) goja.Value { return number(f.column) },
		"getEnclosingLineNumber":   func(f *shownFrame) goja.Value { return number(f.line) },
		"getEnclosingColumnNumber": func(f *shownFrame) goja.Value { return number(f.column) },
		"getPosition":              constant(e.rt.ToValue(0)), "getScriptHash": constant(emptyStr),
		"getEvalOrigin": constant(undefined), "getPromiseIndex": constant(null),
		"isToplevel": constant(valTrue), "isEval": constant(valFalse), "isConstructor": constant(valFalse),
		"isAsync": constant(valFalse), "isPromiseAll": constant(valFalse),
		"isNative": func(f *shownFrame) goja.Value { return e.rt.ToValue(f.file == "") },
		"toString": func(f *shownFrame) goja.Value { return e.rt.ToValue(f.String()) },
	}
	for name, f := range methods {
		fn, err := e.newFunc(name, 0, func(c goja.FunctionCall) goja.Value {
			if o, ok := c.This.(*goja.Object); ok {
				if v, ok := o.GetSymbol(symSite).(*goja.Object); ok {
					if frame, ok := v.Export().(*shownFrame); ok {
						return f(frame)
					}
				}
			}
			e.throwType("CallSite method %s expects CallSite as receiver", name)
			return nil
		})
		if err == nil {
			err = proto.DefineDataProperty(name, fn, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
		}
		if err != nil {
			panic(e.rt.NewGoError(err))
		}
	}
	return proto
}
