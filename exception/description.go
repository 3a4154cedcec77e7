package exception

import "strings"

// Prefixes of a description, in the order in which they stand.
const (
	viaRPC   = "remote exception: "
	isRemote = "remote."
	isBroken = "broken."
	visible  = "jsg."
	hidden   = "jsg-internal."
)

// classes are the JavaScript classes that a description may name, apart from
// DOMExceptions.
var classes = map[string]bool{
	"Error": true, "TypeError": true, "RangeError": true, "SyntaxError": true, "ReferenceError": true, "EvalError": true, "URIError": true,
	"AggregateError": true,
}

// Description is the exception as one line of text that a process can send to
// another, in workerd's grammar: "remote." once it has crossed a boundary,
// "broken.<reason>; " where an actor was reset, then "jsg.<class>: " and the message.
// What it does not say is the Kind, the stack and the thrown value.
func (e *Exception) Description() string {
	var b strings.Builder
	if e.Remote {
		b.WriteString(isRemote)
	}
	if e.Reset() {
		b.WriteString(isBroken + string(e.Broken) + "; ")
	}
	b.WriteString(visible + e.ClassName() + ": " + e.Message)
	return b.String()
}

// ParseDescription is the exception of a description and a kind. Prefixes may be
// repeated: of several reasons of a reset the first one counts. Text that is not
// marked as visible is for the log only: it stays behind as the cause, and the
// exception, fresh, has a reference instead, or says that the connection was lost
// where that is its kind.
func ParseDescription(kind Kind, text string) (e *Exception, fresh bool) {
	e = &Exception{Class: "Error", Kind: kind}
	for strings.HasPrefix(text, viaRPC) {
		text = text[len(viaRPC):]
	}
	for strings.HasPrefix(text, isRemote) {
		e.Remote = true
		text = text[len(isRemote):]
	}
	for strings.HasPrefix(text, isBroken) {
		tag, rest, ok := strings.Cut(text[len(isBroken):], "; ")
		if !ok {
			break
		}
		if !e.Reset() {
			e.Broken = Broken(tag)
		}
		text = rest
	}
	if rest, ok := strings.CutPrefix(text, visible); ok {
		e.Class, e.Message = classAndMessage(rest)
		return e, false
	}
	if rest, ok := strings.CutPrefix(text, hidden); ok {
		e.Class, _ = classAndMessage(rest)
		text = rest
	} else if kind == Disconnected {
		e.Message, e.Internal = "Network connection lost.", cause(text)
		return e, false
	}
	e.Message, e.Internal = "internal error; reference = "+Reference(), cause(text)
	return e, true
}

// classAndMessage takes "TypeError: text" apart. What is no class is part of the text.
func classAndMessage(text string) (class, message string) {
	class, message, ok := strings.Cut(text, ": ")
	if !ok {
		class, ok = strings.CutSuffix(text, ":")
	}
	_, isDOM := (&Exception{Class: class}).DOMName()
	if ok && (classes[class] || isDOM && strings.HasSuffix(class, ")")) {
		return class, message
	}
	return "Error", text
}

// cause is a text that is for the log only.
type cause string

func (c cause) Error() string { return string(c) }
