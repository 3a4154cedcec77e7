package ports

import (
	"testing"

	"github.com/dop251/goja"

	"workerd.local/internal/jstest"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/threads"
	"workerd.local/webapi/events"
)

// nobody is a listener that must not be told.
type nobody struct{ t *testing.T }

func (n nobody) Told(_ *isolate.JS, typ string, _ goja.Value, _ []any) {
	n.t.Errorf("told of %s", typ)
}

// A thread may be killed while it finds the end of a channel: its context, and with it the port, is gone when the turn is over.
func TestEndOfAPortWhoseContextEndsMeanwhile(t *testing.T) {
	e := jstest.New(t, events.Module)
	near, far := threads.NewChannel(nil)
	var r receiver
	e.In(func(js *isolate.JS, c *iocontext.Context) {
		if err := r.attach(js, near, nobody{t}); err != nil {
			t.Error(err)
		}
		far.Close()
		c.End()
	})
	e.OnLoop(func() {
		defer func() {
			if v := recover(); v != nil {
				t.Errorf("the loop panics: %v", v)
			}
		}()
		r.closed()
		r.pump()
	})
	if r.core != nil || r.ioc != nil {
		t.Error("the port keeps its context")
	}
}
