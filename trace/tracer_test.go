package trace

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"workerd.local/internal/limits"
)

type host struct {
	now  time.Time
	seed byte
}

func (h *host) Now() time.Time { h.now = h.now.Add(time.Millisecond); return h.now }

func (h *host) Random(p []byte) {
	for i := range p {
		h.seed++
		p[i] = h.seed
	}
}

// follow begins a tracer of a request with one tail worker of each kind.
func follow(t *testing.T, settings ...string) (tr *Tracer, got **Trace, s **Stream) {
	t.Helper()
	bounds, err := limits.Parse(settings...)
	if err != nil {
		t.Fatal(err)
	}
	got, s = new(*Trace), new(*Stream)
	tails := &Tails{Bounds: bounds, Targets: []Target{
		{Service: "batch", Batch: func(t *Trace) { *got = t }},
		{Service: "stream", Stream: func(st *Stream) { *s = st }},
	}}
	tr = tails.Begin(Options{Host: &host{}, Context: context.Background()})
	tr.Event(&Fetch{Method: "GET", URL: "http://x/"})
	return tr, got, s
}

// drain is the kinds of the events that wait, in their order.
func drain(s *Stream) (kinds []string, events []*Event) {
	for batch := s.Next(nil); batch != nil; batch = s.Next(nil) {
		for _, e := range batch {
			kinds = append(kinds, strings.TrimPrefix(fmt.Sprintf("%T", e.Body), "*trace."))
			events = append(events, e)
		}
	}
	return kinds, events
}

func TestTracerTellsBothKindsOfTails(t *testing.T) {
	tr, got, s := follow(t)
	span := tr.Root().Open("work")
	span.Set("a", int64(1))
	span.Set("a", "x")
	tr.Log(span, "log", `["x"]`, nil)
	span.End()
	span.End()
	tr.Exception(nil, Describe("TypeError", "bad", "TypeError: bad\n    at f (a.js:1:1)"))
	tr.Diagnostic(nil, "c", []byte{1})
	tr.Return(201)
	tr.Return(202)
	if *got != nil {
		t.Error("the trace was handed out before the end")
	}
	tr.End("ok")
	tr.End("exception")
	tr.Log(nil, "log", `["late"]`, nil)
	x := *got
	if x == nil || len(x.Logs) != 1 || len(x.Exceptions) != 1 || x.Exceptions[0].Stack != "    at f (a.js:1:1)" || len(x.Diagnostics) != 1 ||
		x.Status != 201 || x.Outcome != "ok" || x.Wall <= 0 || x.Truncated {
		t.Errorf("%+v", x)
	}
	kinds, events := drain(*s)
	if want := "Onset SpanOpen Log trace.Attributes SpanClose Exception Diagnostic Return Outcome"; strings.Join(kinds, " ") != want {
		t.Errorf("%s\nwant %s", strings.Join(kinds, " "), want)
	}
	for i, e := range events {
		if e.Sequence != uint32(i) || e.Invocation != events[0].Invocation {
			t.Errorf("event %d: %+v", i, e)
		}
	}
	root, inner := events[0].Body.(*Onset).Span, events[1].Body.(*SpanOpen).Span
	if events[0].Context.Span != 0 || events[1].Context.Span != root || events[2].Context.Span != inner || events[8].Context.Span != root {
		t.Error("spans of events are wrong")
	}
}

func TestNilTracerDoesNothing(t *testing.T) {
	var tails *Tails
	tr := tails.Begin(Options{})
	tr.Event(&Custom{})
	tr.Log(nil, "log", "[]", nil)
	tr.Exception(nil, ErrorInfo{})
	tr.Diagnostic(nil, "", nil)
	tr.Return(1)
	tr.Method(nil, "m")
	s := tr.Root().Open("x")
	s.Set("a", true)
	s.End()
	tr.End("ok")
	if tr != nil || s != nil || s.Traced() || !tr.Ended() {
		t.Error("there is a tracer")
	}
}

func TestTracesAreBounded(t *testing.T) {
	big := strings.Repeat("é", 600)
	tr, got, s := follow(t, "trace.bytes=1KiB")
	tr.Log(nil, "log", big, nil)
	tr.Log(nil, "log", "[1]", nil)
	tr.Exception(nil, ErrorInfo{"Error", big, big})
	tr.Exception(nil, ErrorInfo{"Error", "small", ""})
	tr.Diagnostic(nil, "c", make([]byte, 2000))
	tr.Diagnostic(nil, "c", make([]byte, 2))
	span := tr.Root().Open("span")
	span.Set("big", big)
	span.End()
	tr.End("ok")
	x := *got
	if !x.Truncated || len(x.Logs) != 1 || !strings.HasPrefix(x.Logs[0].Message, `["Log size limit exceeded`) || x.Logs[0].Level != "warn" {
		t.Errorf("logs: %+v", x.Logs)
	}
	if len(x.Exceptions) != 1 || !strings.HasPrefix(x.Exceptions[0].Message, "Trace resource limit exceeded") {
		t.Errorf("exceptions: %+v", x.Exceptions)
	}
	if len(x.Diagnostics) != 1 || x.Diagnostics[0].Channel != "workerd.LimitExceeded" {
		t.Errorf("diagnostics: %+v", x.Diagnostics)
	}
	kinds, events := drain(*s)
	if got := strings.Join(kinds, " "); got != "Onset Log Log Exception Exception Diagnostic SpanOpen SpanClose Outcome" {
		t.Error(got)
	}
	if l := events[1].Body.(*Log); !l.Truncated || len(l.Message) != 1024 {
		t.Errorf("a log that is too long: %v, %d bytes", l.Truncated, len(l.Message))
	}
	if e := events[3].Body.(*Exception); len(e.Name)+len(e.Message)+len(e.Stack) > 1024 {
		t.Error("an exception that is too long")
	}
}

func TestRequestsThatAreTooLargeAreLeftOut(t *testing.T) {
	var x *Trace
	tails := &Tails{Targets: []Target{{Batch: func(t *Trace) { x = t }}}}
	tr := tails.Begin(Options{Host: &host{}})
	tr.Event(&Fetch{Method: "PUT", URL: "http://x/" + strings.Repeat("a", 300<<10)})
	tr.End("ok")
	f := x.Info.(*Fetch)
	if f.Method != "PUT" || f.URL != "" || !x.Truncated || len(x.Logs) != 1 {
		t.Errorf("%+v", x)
	}
}

func TestSlowReadersMissEvents(t *testing.T) {
	tr, _, s := follow(t, "trace.queue=1KiB")
	for range 100 {
		tr.Log(nil, "log", `["`+strings.Repeat("x", 100)+`"]`, nil)
	}
	tr.Return(0)
	tr.End("ok")
	kinds, events := drain(*s)
	n := len(kinds)
	if n > 12 || strings.Join(kinds[n-3:], " ") != "Return Dropped Outcome" {
		t.Fatal(kinds)
	}
	if d := events[n-2].Body.(*Dropped); int(d.Count) != 100-(n-4) || events[n-1].Sequence != events[n-2].Sequence+1 {
		t.Errorf("%+v, %d events", d, n)
	}
}

func TestBudgetIsSharedAndGivenBack(t *testing.T) {
	b := &Budget{limit: 1000}
	one, two := NewStream(nil, b), NewStream(nil, b)
	one.put(&Event{Body: &Log{}}, 900)
	two.put(&Event{Body: &Log{}}, 900)
	if two.dropped != 1 || b.used.Load() == 0 {
		t.Errorf("dropped %d, used %d", two.dropped, b.used.Load())
	}
	one.Stop()
	one.put(&Event{Body: &Log{}}, 900)
	two.put(&Event{Body: &Log{}}, 500)
	if two.dropped != 1 || b.used.Load() != 500+eventOverhead {
		t.Errorf("dropped %d, used %d", two.dropped, b.used.Load())
	}
	if two.Next(nil); b.used.Load() != 0 {
		t.Errorf("used %d", b.used.Load())
	}
}

func TestReadersAreWokenOnce(t *testing.T) {
	s, woken := NewStream(nil, nil), 0
	if s.Next(func() { woken++ }) != nil {
		t.Fatal("there is an event")
	}
	s.put(&Event{Body: &Onset{}}, 0)
	s.put(&Event{Body: &Log{}}, 0)
	if woken != 1 {
		t.Errorf("woken %d times", woken)
	}
	if n := len(s.Next(nil)); n != 1 {
		t.Errorf("the first event came with %d others", n-1)
	}
}

// Neither a tail worker nor what it tails is told for ever of what the other does.
func TestTracesLeadToNoTraces(t *testing.T) {
	tails := &Tails{Targets: []Target{{Service: "a", Batch: func(*Trace) {}}, {Service: "b", Batch: func(*Trace) {}}}}
	ctx := Via(context.Background(), "a", "b")
	if tr := tails.Begin(Options{Host: &host{}, Context: ctx}); tr != nil {
		t.Error("the traced worker is told of its tail worker")
	}
	if tr := tails.Begin(Options{Host: &host{}, Context: Via(context.Background(), "c", "b")}); tr == nil || len(tr.batch) != 1 {
		t.Error("another worker is not told")
	}
}

func TestInvocationsBelowASpan(t *testing.T) {
	tr, _, s := follow(t)
	_, events := drain(*s)
	span := tr.Root().Open("fetch")
	ctx := WithParent(context.Background(), span)
	var below *Stream
	child := (&Tails{Targets: []Target{{Stream: func(s *Stream) { below = s }}}}).Begin(Options{Host: &host{seed: 99}, Context: ctx})
	child.Event(&Custom{})
	_, first := drain(below)
	if first[0].Context != span.Context() || first[0].Context.Trace != events[0].Context.Trace || first[0].Invocation == events[0].Invocation {
		t.Errorf("%+v", first[0])
	}
}
