package trace

import "time"

// Event is one thing that happened to an invocation, for streaming tail workers.
type Event struct {
	Context    SpanContext
	Invocation ID
	Time       time.Time
	Sequence   uint32
	// Body is an *Onset, *Log, *Exception, *Diagnostic, *SpanOpen, *SpanClose, Attributes,
	// *Return, *Outcome or *Dropped.
	Body any
}

// Onset is the first event. Span is the one that it opens: that of the invocation.
type Onset struct {
	Subject
	Info Info
	Span SpanID
}

// SpanOpen opens a span within the one of its context.
type SpanOpen struct {
	Name string
	Span SpanID
}

// SpanClose closes the span of its context.
type SpanClose struct{}

// Attributes belong to the span of their context.
type Attributes []Attribute

// Attribute is a named value: a string, a bool, a float64 or an int64.
type Attribute struct {
	Name  string
	Value any
}

// Return says that the handler has returned. Status is that of a response, or 0.
type Return struct{ Status int }

// Outcome is the last event.
type Outcome struct {
	Outcome   string
	CPU, Wall time.Duration
}

// Dropped says how many events a reader that was too slow did not get.
type Dropped struct{ Count uint32 }
