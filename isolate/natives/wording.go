package natives

import (
	"strings"

	"github.com/dop251/goja"
)

// Programs look at the texts of errors, and the engine's are its own. What it throws for
// the mistakes that programs make most is put into V8's words when the error is made: the
// engine's text says which mistake it was, and the instruction that the machine is at says
// of what. Only errors that the engine makes are looked at, not those of scripts. A
// text stays as it is where the instruction is not one that throws it.

// v8Words is V8's text for an error that the engine makes with this one.
func (e *env) v8Words(l *errorLayout, class, msg string) string {
	switch {
	case strings.HasPrefix(msg, "Cannot read property '"):
		return e.cannotRead(l, msg)
	case msg == "Cannot convert undefined or null to object":
		return e.cannotConvert(l, msg)
	case msg == "object is not iterable":
		return e.notIterable(l, msg)
	case strings.HasPrefix(msg, "Object has no member '"), strings.HasPrefix(msg, "Not a function: "), strings.HasPrefix(msg, "Value is not an object: "),
		strings.HasPrefix(msg, "Value is not callable: "), msg == "Value is not a constructor":
		return e.notCallable(l, msg)
	case msg == "Value is not object coercible":
		return e.cannotDestructure(l, msg)
	case msg == "Cannot access a variable before initialization":
		return e.beforeInitialization(l, msg)
	case strings.HasPrefix(msg, "Expecting a function in instanceof check"):
		return "Right-hand side of 'instanceof' is not callable"
	case msg == "Class constructor cannot be invoked without 'new'":
		if in, ok := l.at(e.rt); ok && in.name == "call" {
			if f, ok := in.operand(int(in.value.Uint()) + 1).(*goja.Object); ok {
				if name, ok := f.Get("name").(goja.String); ok {
					return "Class constructor " + name.String() + " cannot be invoked without 'new'"
				}
			}
		}
	case msg == "Class extends value is not a constructor or null":
		if in, ok := l.at(e.rt); ok && in.name == "newDerivedClass" {
			return "Class extends value " + e.valueText(in.operand(1)) + " is not a constructor or null"
		}
	case strings.HasPrefix(msg, "Cannot assign to read only property '"):
		if in, ok := l.at(e.rt); ok && strings.HasPrefix(in.name, "setPropStrict") && strings.HasSuffix(msg, "'") {
			return msg + " of object '" + e.objectText(in.operand(2)) + "'"
		}
	case strings.HasPrefix(msg, "Cannot delete property '"):
		return strings.TrimSuffix(msg, "[object Object]") + map[bool]string{true: "#<Object>"}[strings.HasSuffix(msg, "[object Object]")]
	case msg == "":
		return e.cannotAssign(l)
	case msg == "Must call super constructor in derived class before accessing 'this'":
		return msg + " or returning from derived constructor"
	case msg == "No initial value":
		return "Reduce of empty array with no initial value"
	case msg == "size is NaN":
		return "The .size property is NaN"
	case strings.HasPrefix(msg, "encoding/hex: "):
		return "Input string must contain hex characters in even length"
	case msg == "a single extra base64 character in the last chunk":
		return "The base64 input terminates with a single character, excluding padding (=)."
	case msg == "Malformed URI":
		return "URI malformed"
	case msg == "Constructor Promise requires 'new'":
		return "Promise constructor cannot be invoked without 'new'"
	case class == "RangeError" && strings.HasSuffix(msg, "() precision must be between 0 and 100"):
		return strings.TrimSuffix(msg, "() precision must be between 0 and 100") + "() digits argument must be between 0 and 100"
	}
	return msg
}

// operand is the nth value from the top of the stack, from 1.
func (in *instruction) operand(n int) goja.Value {
	if n < 1 || n > len(in.stack) {
		return nil
	}
	return in.stack[len(in.stack)-n]
}

// nullish says which of the two v is; "" for anything else.
func nullish(v goja.Value) string {
	switch {
	case v == nil || v == undefined:
		return "undefined"
	case v == null:
		return "null"
	}
	return ""
}

// keyText is how a property's key is shown; ok is false for one that would have to be
// made by code of a script.
func keyText(key goja.Value) (string, bool) {
	switch k := key.(type) {
	case *goja.Symbol:
		return "Symbol(" + k.String() + ")", true
	case *goja.Object, nil:
		return "", false
	}
	return key.String(), true
}

func (e *env) cannotRead(l *errorLayout, msg string) string {
	in, ok := l.at(e.rt)
	if !ok {
		return msg
	}
	name := strings.TrimPrefix(msg, "Cannot read property '")
	name = strings.TrimSuffix(strings.TrimSuffix(name, " or null"), "' of undefined")
	value, key := 0, 0
	switch in.name {
	case "getProp", "getPropCallee", "getPropRecv", "getPropRecvCallee":
		value = 1
	case "_getElem", "_getKey", "_getElemCallee", "_getElemRecvCallee":
		value, key = 2, 1
	case "_getElemRecv":
		value, key = 1, 2
	default:
		return msg
	}
	of := nullish(in.operand(value))
	if of == "" {
		return msg
	}
	if key > 0 {
		if name, ok = keyText(in.operand(key)); !ok {
			return msg
		}
		if in.operand(key) == goja.SymIterator {
			return of + " is not iterable (cannot read property Symbol(Symbol.iterator))"
		}
	}
	return "Cannot read properties of " + of + " (reading '" + name + "')"
}

func (e *env) cannotConvert(l *errorLayout, msg string) string {
	in, ok := l.at(e.rt)
	if !ok {
		return msg
	}
	var of, name string
	switch {
	case strings.HasPrefix(in.name, "setProp"):
		of, name = nullish(in.operand(2)), in.value.String()
		if strings.HasPrefix(in.name, "setPropRecv") {
			return msg
		}
	case strings.HasPrefix(in.name, "_setElem") && !strings.Contains(in.name, "Recv"):
		of = nullish(in.operand(3))
		if name, ok = keyText(in.operand(2)); !ok {
			return msg
		}
	default:
		return e.notIterable(l, msg)
	}
	if of == "" {
		return msg
	}
	return "Cannot set properties of " + of + " (setting '" + name + "')"
}

// cannotAssign is for elements that the engine refuses to set without a word.
func (e *env) cannotAssign(l *errorLayout) string {
	in, ok := l.at(e.rt)
	if !ok || !strings.HasPrefix(in.name, "_setElemStrict") {
		return ""
	}
	o, isObject := in.operand(3).(*goja.Object)
	name, isName := keyText(in.operand(2))
	switch {
	case !isObject || !isName:
		return ""
	case e.ownDescriptor(goja.FunctionCall{Arguments: []goja.Value{o, in.operand(2)}}) == undefined:
		return "Cannot add property " + name + ", object is not extensible"
	}
	return "Cannot assign to read only property '" + name + "' of object '" + e.objectText(o) + "'"
}

func (e *env) notIterable(l *errorLayout, msg string) string {
	in, ok := l.at(e.rt)
	if !ok {
		return msg
	}
	const unread = " is not iterable (cannot read property Symbol(Symbol.iterator))"
	value := in.operand(1)
	switch in.name {
	case "_iterateP", "_iterate", "_pushArraySpread":
		text, known := operandAt(in.source, in.offset)
		switch {
		case known && strings.HasSuffix(text, "(...)"):
			return strings.TrimSuffix(text, "(...)") + " is not a function or its return value is not iterable"
		case known:
			return text + " is not iterable"
		case nullish(value) != "":
			return nullish(value) + unread
		}
		return e.typedText(value) + unread
	case "_pushSpread":
		return "Spread syntax requires ...iterable[Symbol.iterator] to be a function"
	case "_new":
		if msg != "object is not iterable" {
			return msg
		}
		n := int(in.value.Uint())
		if class, ok := in.operand(n + 1).(*goja.Object); ok && n > 0 && e.takesEntries(class) {
			return e.typedText(in.operand(n)) + unread
		}
	}
	return msg
}

// takesEntries reports whether a class is one of the engine's that are made from an iterable.
func (e *env) takesEntries(class *goja.Object) bool {
	for _, name := range []string{"Map", "Set", "WeakMap", "WeakSet"} {
		if e.isEngines(class, name) {
			return true
		}
	}
	return false
}

// isEngines reports whether o is the engine's own global of that name. It makes none.
func (e *env) isEngines(o *goja.Object, name string) bool {
	if e.inParts {
		return e.slotted(name) == o
	}
	return e.base[name] == o
}

// typedText is a value as V8 shows it where it does not show the source.
func (e *env) typedText(v goja.Value) string {
	switch x := v.(type) {
	case nil:
		return "undefined"
	case *goja.Symbol:
		return "symbol " + x.String()
	case *goja.Object:
		if _, ok := goja.AssertFunction(x); ok {
			return "function"
		}
		return "object"
	case goja.String:
		return `string "` + x.String() + `"`
	}
	switch v.ExportType() {
	case typeInt, typeFloat:
		return "number " + v.String()
	case nil:
		return v.String()
	}
	if v == valTrue || v == valFalse {
		return "boolean " + v.String()
	}
	return v.String()
}

// objectText is an object with the name of its class; no code of a script runs.
func (e *env) objectText(v goja.Value) string {
	text := e.describe(v)
	if text != "#<Object>" {
		return text
	}
	own := func(o *goja.Object, name string) goja.Value {
		d, ok := e.ownDescriptor(goja.FunctionCall{Arguments: []goja.Value{o, asciiValue(name)}}).(*goja.Object)
		if !ok {
			return nil
		}
		return d.Get("value")
	}
	o := v.(*goja.Object)
	if o.ExportType() == typeProxy {
		return text
	}
	if o = o.Prototype(); o == nil || o.ExportType() == typeProxy {
		return text
	}
	class, ok := own(o, "constructor").(*goja.Object)
	if !ok {
		return text
	}
	if class.ExportType() == typeProxy { // of ours, as the classes of this runtime are
		if _, ours := e.ownProxies(class.Export().(goja.Proxy)); !ours {
			return text
		}
	}
	if name, ok := own(class, "name").(goja.String); ok && name.Length() > 0 {
		return "#<" + name.String() + ">"
	}
	return text
}

// valueText is a value in the middle of a text.
func (e *env) valueText(v goja.Value) string {
	if s, ok := v.(goja.String); ok {
		return s.String()
	}
	return e.describe(v)
}

// callbackNatives call what their first argument is.
var callbackNatives = map[string]bool{
	"map": true, "forEach": true, "filter": true, "some": true, "every": true, "find": true, "findIndex": true, "findLast": true,
	"findLastIndex": true, "flatMap": true, "reduce": true, "reduceRight": true,
}

func (e *env) notCallable(l *errorLayout, msg string) string {
	in, ok := l.at(e.rt)
	if !ok {
		return e.notCallback(msg)
	}
	switch in.name {
	case "call", "_callVariadic", "callEval", "callEvalStrict", "callEvalVariadic", "callEvalVariadicStrict":
		switch {
		case msg == "Value is not a constructor":
			return msg
		case in.offset < len(in.source) && in.source[in.offset] != '(':
			return e.taggedCall(in)
		}
		return calleeBefore(in.source, in.offset) + " is not a function"
	case "_new", "_newVariadic":
		if in.name == "_new" {
			callee := in.operand(int(in.value.Uint()) + 1)
			if _, ok := goja.AssertConstructor(callee); ok {
				if o := callee.(*goja.Object); e.isEngines(o, "Promise") && in.value.Uint() > 0 {
					return "Promise resolver " + e.valueText(in.operand(int(in.value.Uint()))) + " is not a function"
				} else if e.isEngines(o, "Promise") {
					return "Promise resolver undefined is not a function"
				}
				if name := orUndefined(callee.(*goja.Object).Get("name")).String(); name == "Map" || name == "WeakMap" {
					if value, ok := strings.CutPrefix(msg, "Value is not an object: "); ok {
						return "Iterator value " + value + " is not an entry object"
					}
				}
				return msg
			}
		}
		if !strings.HasPrefix(in.source[min(in.offset, len(in.source)):], "new") {
			return msg
		}
		return calleeAfterNew(in.source, in.offset) + " is not a constructor"
	case "_op_instanceof":
		return "Right-hand side of 'instanceof' is not an object"
	case "_op_in":
		if key, ok := keyText(in.operand(2)); ok {
			if right := in.operand(1); right != nil {
				if _, isObject := right.(*goja.Object); !isObject {
					return "Cannot use 'in' operator to search for '" + key + "' in " + e.valueText(right)
				}
			}
		}
	}
	return msg
}

// taggedCall is a call by a template, whose place is the start of the tag.
func (e *env) taggedCall(in instruction) string {
	rest := in.source[in.offset:min(len(in.source), in.offset+longestCallee)]
	if i := strings.IndexByte(rest, '`'); i >= 0 {
		return render(rest[:i]) + " is not a function"
	}
	return intermediate + " is not a function"
}

// notCallback is what a native says of something that it should call.
func (e *env) notCallback(msg string) string {
	frames := e.rt.CaptureCallStack(1, nil)
	if len(frames) == 0 || !callbackNatives[frames[0].FuncName()] {
		return msg
	}
	for _, prefix := range []string{"Value is not an object: ", "Value is not callable: ", "Not a function: "} {
		if value, ok := strings.CutPrefix(msg, prefix); ok {
			if value == "[object Object]" {
				value = "#<Object>"
			}
			return value + " is not a function"
		}
	}
	return msg
}

func (e *env) cannotDestructure(l *errorLayout, msg string) string {
	in, ok := l.at(e.rt)
	if !ok || in.name != "_checkObjectCoercible" {
		return msg
	}
	of := nullish(in.operand(1))
	if of == "" {
		return msg
	}
	name, nested := l.destructured(e.rt)
	if nested && name != "" {
		return "Cannot read properties of " + of + " (reading '" + name + "')"
	}
	text, known := operandAt(in.source, in.offset)
	if !known {
		text = of
		if of == "null" && !strings.HasPrefix(in.source[min(in.offset, len(in.source)):], "const") {
			text = "object null"
		}
	}
	if name != "" {
		return "Cannot destructure property '" + name + "' of '" + text + "' as it is " + of + "."
	}
	return "Cannot destructure '" + text + "' as it is " + of + "."
}

func (e *env) beforeInitialization(l *errorLayout, msg string) string {
	in, ok := l.at(e.rt)
	if !ok {
		return msg
	}
	switch name := nameAt(in.source, in.offset); name {
	case "":
		return msg
	case "this", "super":
		return "Must call super constructor in derived class before accessing 'this' or returning from derived constructor"
	default:
		return "Cannot access '" + name + "' before initialization"
	}
}
