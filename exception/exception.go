// Package exception is the one error type whose text a script or a client may
// see.
//
// Everything else that goes wrong is an internal error: it is logged with a
// reference, and the script sees only the reference, so that secrets do not leak
// by default. An *Exception is immutable once it has been handed on; the With
// functions return copies, so one exception may be reported to many waiters on
// many goroutines.
package exception

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind says what a caller may do about the failure. It is workerd's exception
// type, visible to scripts as the properties retryable and overloaded.
type Kind uint8

const (
	// Failed is an ordinary failure.
	Failed Kind = iota
	// Disconnected means the other side went away: retryable is true.
	Disconnected
	// Overloaded means a limit was hit: overloaded is true.
	Overloaded
)

// Broken says why an actor was reset; empty means that it was not. Any value
// makes durableObjectReset true for callers. The words are workerd's.
type Broken string

const (
	NotBroken         Broken = ""
	InputGateBroken   Broken = "inputGateBroken"
	OutputGateBroken  Broken = "outputGateBroken"
	ConstructorFailed Broken = "constructorFailed"
	ExceededMemory    Broken = "exceededMemory"
	ExceededCPU       Broken = "exceededCpu"
	Ignored           Broken = "ignored" // storage no longer accessible: shut down
	Dropped           Broken = "dropped" // evicted or timed out
)

// Exception is an error with a JavaScript class and visible text.
type Exception struct {
	// Class is the JavaScript constructor: Error, TypeError, RangeError,
	// SyntaxError, ReferenceError, EvalError, or a DOMException written as
	// DOMException(Name). Empty means Error.
	Class string
	// Name is the name that an error has beside that of its class; empty for none.
	Name    string
	Message string
	// Stack is the JavaScript stack in V8's form, empty when there is none.
	Stack string
	Kind  Kind
	// Broken is set when the failure reset an actor.
	Broken Broken
	// Remote is set once the exception has crossed a worker or actor boundary.
	Remote bool
	// NoAlarmRetry is set by ctx.abort with retryAlarm: false: an alarm that was
	// running is given up. It concerns the actor itself and no caller.
	NoAlarmRetry bool
	// ActorID is the text form of the actor's id the failure belongs to, if any.
	ActorID string
	// RetryAfter is when a caller may try again, where that is known; else 0.
	RetryAfter time.Duration
	// Internal keeps a cause whose text is for the log only; it takes part in
	// errors.Is and errors.As.
	Internal error
	// User says that the script itself is to blame though its actor was reset: it
	// called abort(), or ran into a limit. workerd's "user error" detail.
	User bool
	// Aborted says that the script called abort() on its actor.
	Aborted bool
	// Serialized is the thrown value in the format of structured clones, for a caller that
	// wants it whole; nil where there is none, or it cannot be cloned.
	Serialized []byte
	// Value carries the thrown JavaScript value within the realm that threw it;
	// it never leaves that realm's loop. Other packages see it as opaque.
	Value any
}

// New returns an exception of the class with the message.
func New(class, message string) *Exception { return &Exception{Class: class, Message: message} }

// Errorf returns an Error with a formatted message.
func Errorf(format string, args ...any) *Exception {
	return &Exception{Class: "Error", Message: fmt.Sprintf(format, args...)}
}

// TypeErrorf returns a TypeError with a formatted message.
func TypeErrorf(format string, args ...any) *Exception {
	return &Exception{Class: "TypeError", Message: fmt.Sprintf(format, args...)}
}

// RangeErrorf returns a RangeError with a formatted message.
func RangeErrorf(format string, args ...any) *Exception {
	return &Exception{Class: "RangeError", Message: fmt.Sprintf(format, args...)}
}

// DOM returns a DOMException with the given name, such as AbortError.
func DOM(name, message string) *Exception {
	return &Exception{Class: "DOMException(" + name + ")", Message: message}
}

// Error is the text as V8 prints an uncaught error: "TypeError: message".
func (e *Exception) Error() string {
	class := e.ClassName()
	if name, ok := e.DOMName(); ok {
		class = name
	}
	if e.Message == "" {
		return class
	}
	return class + ": " + e.Message
}

// Unwrap returns the internal cause.
func (e *Exception) Unwrap() error { return e.Internal }

// ClassName is Class with the default applied.
func (e *Exception) ClassName() string {
	if e.Class == "" {
		return "Error"
	}
	return e.Class
}

// DOMName returns the name of a DOMException.
func (e *Exception) DOMName() (string, bool) {
	rest, ok := strings.CutPrefix(e.Class, "DOMException(")
	if !ok {
		return "", false
	}
	return strings.TrimSuffix(rest, ")"), true
}

// Retryable reports whether the caller may try again with a fresh stub.
func (e *Exception) Retryable() bool { return e.Kind == Disconnected }

// Overloaded reports whether a limit was hit.
func (e *Exception) Overloaded() bool { return e.Kind == Overloaded }

// Reset reports whether the failure reset an actor.
func (e *Exception) Reset() bool { return e.Broken != NotBroken }

// WithKind returns a copy of another kind.
func (e *Exception) WithKind(k Kind) *Exception { c := *e; c.Kind = k; return &c }

// WithBroken returns a copy that says why the actor was reset. A reason that is
// already there stays: the first one wins.
func (e *Exception) WithBroken(b Broken) *Exception {
	if e.Broken != NotBroken {
		return e
	}
	c := *e
	c.Broken = b
	return &c
}

// AsRemote returns a copy for the other side of a worker or actor boundary: the
// JavaScript value stays behind.
func (e *Exception) AsRemote() *Exception { c := *e; c.Remote, c.Value = true, nil; return &c }

// WithCause returns a copy that keeps err for the log.
func (e *Exception) WithCause(err error) *Exception { c := *e; c.Internal = err; return &c }

// From returns the exception inside err, or hides err behind a reference: the
// result is what may be shown, and fresh says that err was hidden and must be
// logged together with the returned exception's message. nil gives nil.
func From(err error) (e *Exception, fresh bool) {
	if err == nil {
		return nil, false
	}
	if errors.As(err, &e) {
		return e, false
	}
	return &Exception{Class: "Error", Message: "internal error; reference = " + Reference(), Internal: err}, true
}

// Reference returns 24 characters that name one internal error in the log.
func Reference() string { return strings.ToLower(rand.Text()[:24]) }
