package program

import (
	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// ticks are the functions that process.nextTick was given. They run when the code of a
// turn has returned, before its microtasks, and those that microtasks add when these are
// over.
type ticks struct {
	queue  []tick
	next   int
	failed func(js *isolate.JS, err error)
}

type tick struct {
	fn    goja.Value
	args  []goja.Value
	frame *isolate.Frame
}

func (t *ticks) add(c *bind.Call) {
	t.queue = append(t.queue, tick{c.Arg(0), append([]goja.Value(nil), c.Args()[min(1, c.Len()):]...), c.JS().Frame()})
}

// wait is isolate.RealmOptions.Ticking.
func (t *ticks) wait() bool { return len(t.queue) > 0 }

// run is isolate.RealmOptions.Ticks.
func (t *ticks) run(js *isolate.JS) {
	for t.next < len(t.queue) {
		k := t.queue[t.next]
		t.queue[t.next] = tick{}
		t.next++
		js.In(k.frame, func() {
			if _, err := js.Call(k.fn, nil, k.args...); err != nil {
				t.failed(js, err)
			}
		})
	}
	t.queue, t.next = t.queue[:0], 0
	if cap(t.queue) > 4096 {
		t.queue = nil // do not keep the memory of one burst for ever
	}
}
