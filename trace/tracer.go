package trace

import (
	"context"
	"time"

	"workerd.local/internal/limits"
)

// Texts that stand for what was left out, as workerd words them. The first two are the
// JSON of what a console would have logged.
const (
	logsExceeded       = `["Log size limit exceeded: More than 256KB of data (across console.log statements, exception, request metadata and headers) was logged during a single request. Subsequent data for this request will not be recorded in logs, appear when tailing this Worker's logs, or in Tail Workers."]`
	infoExceeded       = `["Trace resource limit exceeded; could not capture event info."]`
	exceptionsExceeded = "Trace resource limit exceeded; subsequent exceptions not recorded."
	channelExceeded    = "workerd.LimitExceeded"
)

// What an entry of a trace costs beside its texts.
const (
	logOverhead        = 80
	exceptionOverhead  = 88
	diagnosticOverhead = 56
)

// Target is one tail worker: Batch or Stream is set. They are called on the loop of the
// traced worker and must not block.
type Target struct {
	// Service is the name of the tail worker.
	Service string
	Batch   func(*Trace)
	Stream  func(*Stream)
	// Budget bounds what waits for the tail worker; nil is endless.
	Budget *Budget
}

// Tails are the tail workers of a worker; nil means none.
type Tails struct {
	Targets []Target
	// Script is what they are told of the worker's name; empty means nothing.
	Script string
	Bounds *limits.Set
}

// Host is where a Tracer has time and chance from.
type Host interface {
	Now() time.Time
	Random(p []byte)
}

// Tracer follows one invocation.
type Tracer struct {
	host    Host
	bounds  *limits.Set
	trace   *Trace
	batch   []func(*Trace)
	streams []*Stream
	readers []func() // that begin to read the streams

	id, invocation ID
	root           *Span
	parent         SpanID // of the invocation's span, 0 where it is the first of its trace
	sequence       uint32
	predictable    bool
	nextSpan       SpanID
	spans          []*Span // spans of streams, in the order of their beginning
	maxOpen        int
	bytes          int
	limit          int
	// What became too much.
	logsFull, exceptionsFull, diagnosticsFull bool
	began, returned, ended                    bool
	cpu                                       time.Duration
}

// Options are about one invocation.
type Options struct {
	Subject Subject
	// Context may have a parent of the invocation's span (WithParent), and says for whom it
	// is a tail worker (Via).
	Context context.Context
	Host    Host
	// Predictable counts spans, and measures no time.
	Predictable bool
}

// Begin starts a tracer for an invocation, or returns nil where nobody is to be told. A
// worker is not told of its own work as a tail worker, nor of that of the ones that tell
// it of theirs.
func (t *Tails) Begin(o Options) *Tracer {
	if t == nil {
		return nil
	}
	tr := &Tracer{host: o.Host, bounds: t.Bounds, predictable: o.Predictable, limit: limits.TraceBytes.In(t.Bounds), maxOpen: limits.TraceSpans.In(t.Bounds)}
	for _, target := range t.Targets {
		if isVia(o.Context, target.Service) {
			continue
		}
		if target.Batch != nil {
			tr.batch = append(tr.batch, target.Batch)
			continue
		}
		s := NewStream(t.Bounds, target.Budget)
		tr.streams = append(tr.streams, s)
		tr.readers = append(tr.readers, func() { target.Stream(s) })
	}
	if len(tr.batch)+len(tr.streams) == 0 {
		return nil
	}
	o.Subject.Script = t.Script
	tr.trace = &Trace{Subject: o.Subject}
	if p := parentOf(o.Context); p != (SpanContext{}) {
		tr.id, tr.parent = p.Trace, p.Span
	} else {
		tr.host.Random(tr.id[:])
	}
	tr.host.Random(tr.invocation[:])
	tr.root = &Span{t: tr, id: tr.randomSpan()}
	return tr
}

func (t *Tracer) randomSpan() SpanID {
	var b [8]byte
	for {
		t.host.Random(b[:])
		id := SpanID(0)
		for _, x := range b {
			id = id<<8 | SpanID(x)
		}
		if id != 0 {
			return id
		}
	}
}

// Event says what the event is; it comes before anything else.
func (t *Tracer) Event(info Info) {
	if t == nil || t.began {
		return
	}
	t.began = true
	size := 0
	if f, ok := info.(*Fetch); ok {
		size = len(f.URL) + len(f.CF)
		for _, h := range f.Header {
			size += len(h.Name) + len(h.Value)
		}
		if size > t.limit {
			info = &Fetch{Method: f.Method}
		}
	}
	t.trace.Began = t.host.Now()
	for _, read := range t.readers {
		read()
	}
	t.readers = nil
	t.report(SpanContext{Trace: t.id, Span: t.parent}, &Onset{Subject: t.trace.Subject, Info: info, Span: t.root.id}, t.trace.Began, 0)
	if size > t.limit {
		t.trace.Truncated = true
		t.trace.Logs = append(t.trace.Logs, &Log{Time: t.trace.Began, Level: "warn", Message: infoExceeded})
	} else {
		t.bytes += size
	}
	t.trace.Info = info
}

// Log adds a line of the console. message is JSON; at is the span of the code that runs.
func (t *Tracer) Log(at *Span, level, message string, errs []*ErrorInfo) {
	if !t.open() {
		return
	}
	now, extra := t.host.Now(), 0
	for _, e := range errs {
		if e != nil {
			extra += len(e.Name) + len(e.Message) + len(e.Stack)
		}
	}
	l := &Log{Time: now, Level: level, Message: message, Errors: errs}
	if len(t.streams) > 0 {
		sent := *l
		if len(message) > t.limit {
			sent.Message, sent.Truncated = cut(message, t.limit), true
		}
		t.report(t.context(at), &sent, now, len(sent.Message)+extra)
	}
	if t.logsFull || len(t.batch) == 0 {
		return
	}
	if size := logOverhead + len(message) + extra; t.bytes+size <= t.limit {
		t.bytes += size
		t.trace.Logs = append(t.trace.Logs, l)
		return
	}
	t.logsFull, t.trace.Truncated = true, true
	t.trace.Logs = append(t.trace.Logs, &Log{Time: now, Level: "warn", Message: logsExceeded})
}

// cut is the first n bytes of s, or less where they end within a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}

// Exception adds an error that nobody caught.
func (t *Tracer) Exception(at *Span, e ErrorInfo) {
	if !t.open() {
		return
	}
	now := t.host.Now()
	if len(t.streams) > 0 {
		sent := ErrorInfo{Name: cut(e.Name, t.limit)}
		sent.Message = cut(e.Message, t.limit-len(sent.Name))
		sent.Stack = cut(e.Stack, t.limit-len(sent.Name)-len(sent.Message))
		t.report(t.context(at), &Exception{now, sent}, now, len(sent.Name)+len(sent.Message)+len(sent.Stack))
	}
	if t.exceptionsFull || len(t.batch) == 0 {
		return
	}
	if size := exceptionOverhead + len(e.Name) + len(e.Message) + len(e.Stack); t.bytes+size <= t.limit {
		t.bytes += size
		t.trace.Exceptions = append(t.trace.Exceptions, &Exception{now, e})
		return
	}
	t.exceptionsFull, t.trace.Truncated = true, true
	t.trace.Exceptions = append(t.trace.Exceptions, &Exception{now, ErrorInfo{Name: "Error", Message: exceptionsExceeded}})
}

// Diagnostic adds a message of a diagnostics channel, as a structured clone.
func (t *Tracer) Diagnostic(at *Span, channel string, message []byte) {
	if !t.open() {
		return
	}
	d := &Diagnostic{Time: t.host.Now(), Channel: channel, Message: message}
	size := diagnosticOverhead + len(channel) + len(message)
	// Half of a message could not be read: one that is too large is left out.
	if len(t.streams) > 0 && size <= t.limit {
		t.report(t.context(at), d, d.Time, size)
	}
	if t.diagnosticsFull || len(t.batch) == 0 {
		return
	}
	if t.bytes+size <= t.limit {
		t.bytes += size
		t.trace.Diagnostics = append(t.trace.Diagnostics, d)
		return
	}
	t.diagnosticsFull, t.trace.Truncated = true, true
	t.trace.Diagnostics = append(t.trace.Diagnostics, &Diagnostic{Time: d.Time, Channel: channelExceeded})
}

// Method says which method an RPC event calls; the first one counts.
func (t *Tracer) Method(at *Span, name string) {
	if !t.open() {
		return
	}
	if r, ok := t.trace.Info.(*RPC); ok && r.Method == "" {
		t.trace.Info = &RPC{Method: name}
	}
	t.report(t.context(at), Attributes{{"jsrpc.method", name}}, t.host.Now(), len(name))
}

// Return says that the handler has returned, with a response of that status where that is
// not 0.
func (t *Tracer) Return(status int) {
	if !t.open() || t.returned {
		return
	}
	t.returned = true
	t.trace.Status = status
	t.report(t.context(nil), &Return{Status: status}, t.host.Now(), 0)
}

// Worked adds to the time that the invocation's turns took.
func (t *Tracer) Worked(d time.Duration) {
	if t != nil && !t.predictable {
		t.cpu += d
	}
}

// End says how the invocation ended, and hands out the trace. Nothing comes after it.
func (t *Tracer) End(outcome string) {
	if !t.open() {
		return // or nobody has heard of its beginning
	}
	for len(t.spans) > 0 {
		t.spans[len(t.spans)-1].End()
	}
	now := t.host.Now()
	t.trace.Outcome = outcome
	if !t.predictable {
		t.trace.CPU, t.trace.Wall = t.cpu, now.Sub(t.trace.Began)
	}
	t.report(t.context(nil), &Outcome{Outcome: outcome, CPU: t.trace.CPU, Wall: t.trace.Wall}, now, 0)
	t.ended = true
	t.trace.Bytes = t.bytes
	for _, deliver := range t.batch {
		deliver(t.trace)
	}
}

// Ended reports whether End was called.
func (t *Tracer) Ended() bool { return t == nil || t.ended }

// Root is the span of the invocation.
func (t *Tracer) Root() *Span {
	if t == nil {
		return nil
	}
	return t.root
}

func (t *Tracer) open() bool { return t != nil && t.began && !t.ended }

// context is the place of an event of the invocation.
func (t *Tracer) context(at *Span) SpanContext {
	id := t.root.id
	if at != nil && at.t == t {
		id = at.id
	}
	return SpanContext{Trace: t.id, Span: id}
}

func (t *Tracer) report(c SpanContext, body any, at time.Time, size int) {
	if len(t.streams) == 0 {
		return
	}
	e := &Event{Context: c, Invocation: t.invocation, Time: at, Sequence: t.sequence, Body: body}
	t.sequence++
	for _, s := range t.streams {
		s.put(e, size)
	}
}
