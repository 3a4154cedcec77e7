// Package trace is what became of an invocation, for the workers that tail it.
//
// An invocation is one event at a worker or an actor. Its Tracer collects what it
// logs and throws into one Trace, which tail workers get when it is over, and
// reports the same, with its spans, as Events on Streams, which streaming tail
// workers read meanwhile. Both are bounded as in workerd: what does not fit is left
// out, and the trace says so.
//
// A nil Tracer and a nil Span are usable and do nothing, which is what a worker
// without tails has.
//
// # Concurrency
//
// A Tracer and its Spans belong to the isolate's goroutine. Traces and Events are
// immutable once they were handed out. Streams may be used from any goroutine.
package trace

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// ID names a trace or an invocation.
type ID [16]byte

func (id ID) String() string { return hex.EncodeToString(id[:]) }

// SpanID names a span; 0 is none.
type SpanID uint64

func (id SpanID) String() string { return fmt.Sprintf("%016x", uint64(id)) }

// SpanContext says where in a trace something happens. The zero SpanContext is none.
type SpanContext struct {
	Trace ID
	Span  SpanID
}

// Model is how a worker is run.
type Model uint8

// The models of execution.
const (
	Stateless Model = iota
	DurableObject
)

func (m Model) String() string { return [...]string{"stateless", "durableObject"}[m] }

// Subject is the code that an invocation runs.
type Subject struct {
	// Script is the name that tail workers are told; empty means none.
	Script string
	// Entrypoint is empty for the default one.
	Entrypoint string
	Model      Model
	// Actor is the id of the actor, as text.
	Actor string
}

// Info is the event of an invocation: one of the types below.
type Info interface{ isInfo() }

// Fetch is an HTTP request. Header is sorted, with lower-case names.
type Fetch struct {
	Method, URL string
	Header      []Header
	CF          []byte // JSON; nil for none
}

// Header is one header with all its values.
type Header struct{ Name, Value string }

// RPC is a call of a method; Method is known once it was called.
type RPC struct{ Method string }

// Scheduled is a cron trigger.
type Scheduled struct {
	Time time.Time
	Cron string
}

// Alarm is the alarm of an actor.
type Alarm struct{ Time time.Time }

// Queue is a batch of messages.
type Queue struct {
	Name  string
	Batch int
}

// Tail is a delivery of traces to a tail worker. Consumed are the names of the scripts;
// empty strings for those that have none.
type Tail struct{ Consumed []string }

// Socket is an event of a hibernating WebSocket: Kind is message, close or error, and
// the rest is about a close.
type Socket struct {
	Kind     string
	Code     int
	WasClean bool
}

// Connect is a connection.
type Connect struct{}

// Custom is any other event, such as a test.
type Custom struct{}

func (*Fetch) isInfo()     {}
func (*RPC) isInfo()       {}
func (*Scheduled) isInfo() {}
func (*Alarm) isInfo()     {}
func (*Queue) isInfo()     {}
func (*Tail) isInfo()      {}
func (*Socket) isInfo()    {}
func (*Connect) isInfo()   {}
func (*Custom) isInfo()    {}

// Trace is an invocation that is over.
type Trace struct {
	Subject
	Info        Info
	Began       time.Time
	Status      int // of the response of a Fetch; 0 where there was none
	Logs        []*Log
	Exceptions  []*Exception
	Diagnostics []*Diagnostic
	Outcome     string
	CPU, Wall   time.Duration
	// Truncated says that something was left out for its size.
	Truncated bool
	// Bytes is about how much memory the trace takes.
	Bytes int
}

// Log is one call of the console. Message is JSON: an array with what was logged. Where
// that was too long, Truncated is set and Message is the beginning of it.
type Log struct {
	Time      time.Time
	Level     string
	Message   string
	Truncated bool
	// Errors has a place for each argument, nil for those that are no errors; it is nil
	// where none is.
	Errors []*ErrorInfo
}

// ErrorInfo describes an error. Stack has the frames only; it may be empty.
type ErrorInfo struct{ Name, Message, Stack string }

// Describe takes the name and the message away from the beginning of a stack.
func Describe(name, message, stack string) ErrorInfo {
	if rest, ok := strings.CutPrefix(stack, name); ok {
		stack = strings.TrimPrefix(rest, ": ")
	}
	if rest, ok := strings.CutPrefix(stack, message); ok {
		stack = strings.TrimPrefix(rest, "\n")
	}
	return ErrorInfo{name, message, stack}
}

// Exception is an error that nobody caught.
type Exception struct {
	Time time.Time
	ErrorInfo
}

// Diagnostic is a message of a diagnostics channel, as a structured clone. A nil Message
// is undefined.
type Diagnostic struct {
	Time    time.Time
	Channel string
	Message []byte
}
