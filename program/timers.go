package program

import (
	"math"
	"time"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/limits"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/loop"
	"workerd.local/webapi/bind"
)

// timer is one timer of js/timers.js, which keeps the program going while it is
// referenced and armed.
type timer struct {
	i     *Instance
	fn    goja.Value
	entry iocontext.Entry
	timer *loop.Timer
	queue bool // an immediate that waits
	refed bool
	done  func() // of the pending event; nil while there is none
}

var timerClass = &bind.Class[timer]{
	Name: "TimerHandle",
	Methods: map[string]bind.Method[timer]{
		// start(ms) arms the timer, again where it is armed; without an argument it is an
		// immediate.
		"start": func(t *timer, c *bind.Call) (any, error) {
			if t.i.ioc.Ended() {
				return nil, nil
			}
			t.stop()
			if c.Len() == 0 {
				t.queue = true
				t.hold()
				// A closed loop has nobody left to tell.
				_ = t.i.iso.Loop().Post(t.immediate)
				return nil, nil
			}
			if limit := limits.ProgramTimers.In(c.JS().Bounds()); t.i.timers >= limit {
				return nil, exception.RangeErrorf("There are %d timers already, and there cannot be more.", limit)
			}
			t.i.timers++
			l := t.i.iso.Loop()
			t.timer = l.At(l.TurnNow().Truncate(time.Millisecond).Add(delayOf(c.Arg(0).ToFloat())), t.fire)
			t.hold()
			return nil, nil
		},
		"stop": func(t *timer, _ *bind.Call) (any, error) { t.stop(); return nil, nil },
		"ref": func(t *timer, c *bind.Call) (any, error) {
			t.refed = c.Arg(0).ToBoolean()
			if t.armed() {
				t.hold()
			}
			return nil, nil
		},
	},
}

// longestDelay is node's; a longer one becomes 1 ms.
const longestDelay = math.MaxInt32

func delayOf(ms float64) time.Duration {
	if !(ms >= 1 && ms <= longestDelay) {
		ms = 1
	}
	return time.Duration(ms) * time.Millisecond
}

func (t *timer) armed() bool { return t.timer != nil || t.queue }

// hold makes the program wait for the timer, or no longer, as refed says.
func (t *timer) hold() {
	switch {
	case t.refed && t.done == nil:
		t.done = t.i.ioc.AddPending()
	case !t.refed && t.done != nil:
		t.done()
		t.done = nil
	}
}

func (t *timer) stop() {
	if t.timer != nil {
		t.timer.Stop()
		t.timer = nil
		t.i.timers--
	}
	t.queue = false
	if t.done != nil {
		t.done()
		t.done = nil
	}
}

func (t *timer) immediate() {
	if t.queue {
		t.fire()
	}
}

// fire calls the function of js/timers.js, which says what a repeating timer does.
func (t *timer) fire() {
	done := t.done
	t.done = nil
	t.stop()
	t.i.ioc.RunIn(t.entry, func(js *isolate.JS) {
		t.i.guarded(js, func(js *isolate.JS) error {
			_, err := js.Call(t.fn, nil)
			return err
		})
	}, nil)
	if done != nil {
		done()
	}
}

// timerNatives are what js/timers.js gets.
func timerNatives() map[string]bind.Static {
	return map[string]bind.Static{
		// timer(fn) is a timer that is not armed yet.
		"timer": func(c *bind.Call) (any, error) {
			i := instanceOf(c.JS())
			t := &timer{i: i, fn: c.Arg(0), refed: true, entry: i.ioc.Capture(c.JS())}
			return timerClass.Wrap(c.JS(), t), nil
		},
		"now": func(c *bind.Call) (any, error) {
			i := instanceOf(c.JS())
			return math.Floor(float64(c.JS().Host().Now().Sub(i.program.began).Microseconds()) / 1000), nil
		},
	}
}

// immediates replace those of the web.
func immediates() bind.Module {
	return bind.Module{Name: "node immediates", Globals: []bind.Global{
		bind.Replace(timerGlobal("setImmediate")), bind.Replace(timerGlobal("clearImmediate")),
	}}
}

func timerGlobal(name string) bind.Var {
	return bind.Var{Name: name, Make: func(js *isolate.JS) (goja.Value, error) {
		v, err := nodeModules().Load(js, "node:timers")
		if err != nil {
			return nil, err
		}
		return v.(*goja.Object).Get(name), nil
	}}
}
