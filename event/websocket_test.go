package event_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"workerd.local/event"
)

// ear notes what an end is told. Where held is set, it keeps done.
type ear struct {
	mu   sync.Mutex
	log  []string
	held bool
	done func()
	on   func(m event.Message)
}

func (e *ear) note(format string, args ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.log = append(e.log, fmt.Sprintf(format, args...))
}

func (e *ear) Message(m event.Message, done func()) {
	kind := "bytes"
	if m.Text {
		kind = "text"
	}
	e.note("%s %s", kind, m.Data)
	if e.on != nil {
		e.on(m)
	}
	if e.held {
		e.done = done
		return
	}
	done()
}

func (e *ear) Closed(code int, reason string) { e.note("closed %d %s", code, reason) }
func (e *ear) Failed(err error)               { e.note("failed %s", err) }

func (e *ear) want(t *testing.T, want ...string) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if got, want := strings.Join(e.log, "|"), strings.Join(want, "|"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func text(s string) event.Message { return event.Message{Text: true, Data: []byte(s)} }

func TestPairDeliversInOrderAndClosesHalfByHalf(t *testing.T) {
	a, b := event.NewWebSocketPair(100)
	var left, right ear
	if err := errors.Join(a.Send(text("early"), nil), a.Send(event.Message{Data: []byte("2")}, nil)); err != nil {
		t.Fatal(err)
	}
	if n := a.Buffered(); n != 6 {
		t.Errorf("%d bytes wait", n)
	}
	a.Start(&left, 0)
	b.Start(&right, 0)
	if err := a.Close(4000, "done"); err != nil {
		t.Fatal(err)
	}
	if err := a.Send(text("late"), nil); !errors.Is(err, event.ErrClosed) {
		t.Errorf("send after close: %v", err)
	}
	if err := a.Close(1000, ""); !errors.Is(err, event.ErrClosed) {
		t.Errorf("second close: %v", err)
	}
	right.want(t, "text early", "bytes 2", "closed 4000 done")
	// The other half goes on.
	if err := errors.Join(b.Send(text("bye"), nil), b.Close(event.CloseNoCode, "")); err != nil {
		t.Fatal(err)
	}
	left.want(t, "text bye", "closed 1005 ")
	a.Abort(nil)
	b.Abort(nil)
	left.want(t, "text bye", "closed 1005 ")
	right.want(t, "text early", "bytes 2", "closed 4000 done")
}

func TestPairHoldsBackUntilDone(t *testing.T) {
	a, b := event.NewWebSocketPair(100)
	r := ear{held: true}
	b.Start(&r, 0)
	sent := 0
	for _, s := range []string{"1", "2"} {
		if err := a.Send(text(s), func() { sent++ }); err != nil {
			t.Fatal(err)
		}
	}
	r.want(t, "text 1")
	if sent != 0 || a.Buffered() != 2 {
		t.Errorf("%d sent, %d bytes wait", sent, a.Buffered())
	}
	first := r.done
	first()
	first() // a second call says nothing
	r.want(t, "text 1", "text 2")
	if sent != 1 || a.Buffered() != 1 {
		t.Errorf("%d sent, %d bytes wait", sent, a.Buffered())
	}
	a.Abort(nil)
	r.want(t, "text 1", "text 2", "failed "+event.ErrDisconnected.Error())
}

func TestPairEndsASlowReader(t *testing.T) {
	a, b := event.NewWebSocketPair(10)
	var l ear
	r := ear{held: true}
	a.Start(&l, 0)
	b.Start(&r, 0)
	sent := 0
	// What finds the queue empty fits whatever its size.
	if err := a.Send(text(strings.Repeat("x", 50)), func() { sent++ }); err != nil {
		t.Fatal(err)
	}
	if err := a.Send(text("y"), func() { sent++ }); !errors.Is(err, event.ErrSlowReader) {
		t.Fatal(err)
	}
	l.want(t, "failed "+event.ErrSlowReader.Error())
	r.done()
	r.want(t, "text "+strings.Repeat("x", 50), "closed 1013 "+event.ErrSlowReader.Error())
	if sent != 2 {
		t.Errorf("%d were told", sent)
	}
	if err := b.Send(text("z"), func() { sent++ }); err != nil || sent != 3 {
		t.Errorf("after the end: %v, %d", err, sent)
	}
}

// Empty messages need memory, too.
func TestPairBoundsEmptyMessages(t *testing.T) {
	a, b := event.NewWebSocketPair(1 << 10)
	var err error
	n := 0
	for ; err == nil && n < 100; n++ {
		err = a.Send(text(""), nil)
	}
	if !errors.Is(err, event.ErrSlowReader) || n != 1<<10/event.FrameCost+2 {
		t.Errorf("%v after %d", err, n)
	}
	b.Abort(nil)
}

func TestPairRefusesWhatIsTooBig(t *testing.T) {
	a, b := event.NewWebSocketPair(1000)
	var l, r ear
	a.Start(&l, 0)
	b.Start(&r, 3)
	if err := errors.Join(a.Send(text("abc"), nil), a.Send(text("abcd"), nil)); err != nil {
		t.Fatal(err)
	}
	r.want(t, "text abc", "failed Message is too large: 4 > 3")
	l.want(t, "closed 1009 Message is too large: 4 > 3")
}

func TestAbortTellsTheOtherSideOnly(t *testing.T) {
	a, b := event.NewWebSocketPair(1000)
	var l, r ear
	a.Start(&l, 0)
	if err := errors.Join(a.Send(text("sent"), nil), b.Send(text("dropped"), nil)); err != nil {
		t.Fatal(err)
	}
	a.Abort(errors.New("why"))
	a.Abort(nil)
	if err := a.Send(text("x"), nil); !errors.Is(err, event.ErrClosed) {
		t.Errorf("%v", err)
	}
	// The other side learns it when it looks.
	b.Start(&r, 0)
	r.want(t, "text sent", "failed "+event.ErrDisconnected.Error())
	l.want(t, "text dropped")
	if a.Buffered() != 0 || b.Buffered() != 0 {
		t.Errorf("%d and %d bytes wait", a.Buffered(), b.Buffered())
	}
}

// An end that answers each message with a message does not use the stack for it.
func TestPairPlaysPingPongWithoutRecursion(t *testing.T) {
	a, b := event.NewWebSocketPair(1000)
	n := 0
	var l, r ear
	play := func(to event.WebSocket) func(event.Message) {
		return func(m event.Message) {
			if n++; n < 1_000_000 {
				_ = to.Send(m, nil)
			}
		}
	}
	l.on, r.on = play(a), play(b)
	a.Start(quiet{&l}, 0)
	b.Start(quiet{&r}, 0)
	if err := a.Send(text("ping"), nil); err != nil {
		t.Fatal(err)
	}
	if n != 1_000_000 {
		t.Errorf("%d messages", n)
	}
}

// quiet keeps no log.
type quiet struct{ *ear }

func (q quiet) Message(m event.Message, done func()) { q.on(m); done() }

func TestSpliceHandsOnBothWays(t *testing.T) {
	a, near := event.NewWebSocketPair(1 << 20)
	far, b := event.NewWebSocketPair(1 << 20)
	over := 0
	event.Splice(near, far, func() { over++ })
	l, r := ear{}, ear{held: true}
	a.Start(&l, 0)
	b.Start(&r, 0)
	big := strings.Repeat("x", 80_000)
	for _, s := range []string{"1", big, "2"} {
		if err := a.Send(text(s), nil); err != nil {
			t.Fatal(err)
		}
	}
	// A reader that holds back holds back the sender, through the splice.
	if n := a.Buffered(); n != int64(len(big)+1) {
		t.Errorf("%d bytes wait at the sender", n)
	}
	for range 3 {
		r.done()
	}
	if err := errors.Join(b.Send(text("back"), nil), b.Close(1000, "ok"), a.Close(1000, "ok")); err != nil {
		t.Fatal(err)
	}
	l.want(t, "text back", "closed 1000 ok")
	r.want(t, "text 1", "text "+big, "text 2", "closed 1000 ok")
	if over != 1 {
		t.Errorf("over %d times", over)
	}
}

func TestSpliceEndsWithEitherEnd(t *testing.T) {
	a, near := event.NewWebSocketPair(1000)
	far, b := event.NewWebSocketPair(1000)
	over := 0
	event.Splice(near, far, func() { over++ })
	var r ear
	b.Start(&r, 0)
	a.Abort(errors.New("gone"))
	r.want(t, "failed "+event.ErrDisconnected.Error())
	if over != 1 {
		t.Errorf("over %d times", over)
	}
}

func TestPairFromManyGoroutines(t *testing.T) {
	a, b := event.NewWebSocketPair(1 << 30)
	var l, r ear
	a.Start(&l, 0)
	b.Start(&r, 0)
	var g sync.WaitGroup
	for _, end := range []event.WebSocket{a, b} {
		for range 4 {
			g.Go(func() {
				for range 1000 {
					_ = end.Send(text("m"), nil)
				}
			})
		}
	}
	g.Wait()
	if len(l.log) != 4000 || len(r.log) != 4000 {
		t.Errorf("%d and %d messages", len(l.log), len(r.log))
	}
}

func TestWantsWebSocket(t *testing.T) {
	for _, c := range []struct {
		values []string
		want   bool
	}{{nil, false}, {[]string{"websocket"}, true}, {[]string{"WebSocket"}, true}, {[]string{"h2c"}, false}, {[]string{"websocket", "x"}, false}} {
		req := event.Request{Header: http.Header{"Upgrade": c.values}}
		if req.WantsWebSocket() != c.want {
			t.Errorf("%q: want %v", c.values, c.want)
		}
	}
}

func TestDiscardEndsTheWebSocket(t *testing.T) {
	a, b := event.NewWebSocketPair(1000)
	var l ear
	a.Start(&l, 0)
	if err := (&event.Response{Status: 101, WebSocket: b}).Discard(); err != nil {
		t.Fatal(err)
	}
	l.want(t, "failed "+event.ErrDisconnected.Error())
}
