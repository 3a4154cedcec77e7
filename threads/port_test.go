package threads

import (
	"errors"
	"testing"

	"github.com/dop251/goja"

	"workerd.local/internal/limits"
	"workerd.local/isolate"
	"workerd.local/loop"
)

// note is a message that holds ports.
type note struct {
	text  string
	ports []*Port
}

func (n *note) Size() int                                { return len(n.text) }
func (n *note) Value(*isolate.JS) (goja.Value, error)    { return nil, errors.ErrUnsupported }
func (n *note) Ports() []*Port                           { return n.ports }
func said(t *testing.T, p *Port, any bool) (text string) { return saidOf(p.Take(any)) }

func saidOf(m Message, end, ok bool) string {
	switch {
	case !ok:
		return "nothing"
	case end:
		return "end"
	}
	return m.(*note).text
}

func want(t *testing.T, p *Port, any bool, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if got := said(t, p, any); got != text {
			t.Errorf("took %q, want %q", got, text)
		}
	}
}

func TestPortsDeliverInOrder(t *testing.T) {
	a, b := NewChannel(nil)
	for _, text := range []string{"1", "2", "3"} {
		if err := a.Post(&note{text: text}); err != nil {
			t.Fatal(err)
		}
	}
	want(t, b, false, "nothing") // it is not open
	want(t, b, true, "1")
	b.Open(true)
	want(t, b, false, "2")
	a.Close()
	a.Close()
	if !b.Closed() {
		t.Error("the other end is open")
	}
	want(t, b, true, "3", "nothing")
	want(t, b, false, "end", "nothing")
	want(t, a, false, "end", "nothing")
	if err := a.Post(&note{}); err != nil {
		t.Error(err)
	}
}

func TestPortsAreBounded(t *testing.T) {
	bounds, err := limits.Parse("threads.messages=2", "threads.bytes=2000")
	if err != nil {
		t.Fatal(err)
	}
	a, b := NewChannel(bounds)
	lost, far := NewChannel(nil)
	for i := range 3 {
		err := a.Post(&note{ports: map[int][]*Port{2: {lost}}[i]})
		if full := errors.Is(err, ErrFull); full != (i == 2) {
			t.Errorf("message %d: %v", i, err)
		}
	}
	want(t, far, false, "end")
	want(t, b, true, "", "")
	if err := a.Post(&note{text: string(make([]byte, 3000))}); !errors.Is(err, ErrFull) {
		t.Error(err)
	}
}

// A port that is lost closes its channel, and what waits in it is lost too, however deep.
func TestLostPortsClose(t *testing.T) {
	var far []*Port
	var last *Port
	for range 100_000 {
		x, y := NewChannel(nil)
		if last != nil {
			if err := x.Post(&note{ports: []*Port{last}}); err != nil {
				t.Fatal(err)
			}
		}
		far, last = append(far, x), y
	}
	Drop(&note{ports: []*Port{last}}, Text{})
	for _, p := range far {
		want(t, p, false, "end")
	}
	// One that is sent into its own channel is lost.
	a, b := NewChannel(nil)
	if err := a.Post(&note{ports: []*Port{b}}); err != nil {
		t.Fatal(err)
	}
	want(t, a, false, "end")
	// One that ends while messages wait for it loses them.
	c, d := NewChannel(nil)
	e, f := NewChannel(nil)
	if err := c.Post(&note{ports: []*Port{f}}); err != nil {
		t.Fatal(err)
	}
	c.Close()
	d.Close()
	want(t, e, false, "end")
	want(t, d, false, "end")
	d.End()
	want(t, d, false, "nothing")
	// Nobody holds on to who was attached.
	g, h := NewChannel(nil)
	h.Attach(loop.New(loop.Options{}), func() {})
	h.End()
	if h.at != nil || h.tell != nil || g.other != nil || h.other != nil {
		t.Error("a port that has ended holds its realm")
	}
	want(t, g, false, "end")
}
