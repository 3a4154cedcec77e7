package serialize

import (
	"strconv"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/console"
	"workerd.local/webapi/events"
)

// longestDelay is the most milliseconds of a timer: a larger number becomes 1.
const longestDelay = 1<<31 - 1

// timeout is what setTimeout and setInterval give.
type timeout struct {
	id     int
	repeat bool
	place  string // of an interval
	object *goja.Object
}

var timeoutClass = &bind.Class[timeout]{
	Name: "Timeout",
	Methods: map[string]bind.Method[timeout]{
		"toString": func(t *timeout, _ *bind.Call) (any, error) { return strconv.Itoa(t.id), nil },
	},
	Init: func(js *isolate.JS, _, proto *goja.Object) error {
		// A number where one is wanted, as a key for example.
		get := bind.NewFunction(js, "[Symbol.toPrimitive]", 1, func(c *bind.Call) (any, error) {
			if t, ok := timeoutClassOf(c); ok {
				return t.id, nil
			}
			return nil, exception.TypeErrorf("Illegal invocation")
		})
		return proto.DefineDataPropertySymbol(goja.SymToPrimitive, get, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	},
}

func timeoutClassOf(c *bind.Call) (*timeout, bool) {
	obj, ok := c.This().(*goja.Object)
	if !ok {
		return nil, false
	}
	v, _, _ := bind.ValueOf(c.JS(), obj)
	t, ok := v.(*timeout)
	return t, ok
}

// timerGlobals are the functions of timers, which give objects.
func (w *Worker) timerGlobals() []bind.Global {
	set := func(repeat bool) bind.Static {
		return func(c *bind.Call) (any, error) { return w.setTimer(c, repeat) }
	}
	return []bind.Global{
		bind.Func{Name: "setTimeout", Length: 1, Call: set(false)},
		bind.Func{Name: "setInterval", Length: 1, Call: set(true)},
		bind.Func{Name: "clearTimeout", Call: w.clearTimer},
		bind.Func{Name: "clearInterval", Call: w.clearTimer},
	}
}

func (w *Worker) setTimer(c *bind.Call, repeat bool) (any, error) {
	js := c.JS()
	var fn bind.Function
	if err := c.Unpack("callback", &fn); err != nil {
		return nil, err
	}
	ms := 0.0
	if err := js.Try(func() { ms = c.Arg(1).ToNumber().ToFloat() }); err != nil {
		return nil, err
	}
	if ms > longestDelay {
		console.Print(js, console.Warn, c.Arg(1).String()+" does not fit into a 32-bit signed integer.\nTimeout duration was set to 1. TimeoutOverflowWarning")
	}
	if !(ms >= 1 && ms <= longestDelay) {
		ms = 1
	}
	var args []goja.Value
	if c.Len() > 2 {
		args = append(args, c.Args()[2:]...)
	}
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	t := &timeout{repeat: repeat}
	t.id, err = ioc.SetTimer(js, ms, repeat, func(js *isolate.JS) {
		if !repeat {
			delete(w.timers, t.id)
		}
		if _, err := js.Call(fn.Value, js.Runtime().GlobalObject(), args...); err != nil {
			events.Report(js, err)
		}
	})
	if err != nil {
		return nil, err
	}
	if repeat {
		t.place = callSite(js)
	}
	t.object = timeoutClass.Wrap(js, t)
	w.timers[t.id] = t
	return t.object, nil
}

func (w *Worker) clearTimer(c *bind.Call) (any, error) {
	id := -1
	if t, ok := timeoutClass.Unwrap(c.JS(), c.Arg(0)); ok {
		id = t.id
	} else if _, isObj := c.Arg(0).(*goja.Object); !isObj {
		if err := c.JS().Try(func() { id = int(c.Arg(0).ToInteger()) }); err != nil {
			return nil, err
		}
	}
	if w.timers[id] == nil {
		return nil, nil
	}
	delete(w.timers, id)
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	ioc.ClearTimer(id)
	return nil, nil
}

// callSite is the place of the script that runs, file:line:column.
func callSite(js *isolate.JS) string {
	obj, err := js.Construct(js.ErrorClass("Error"))
	if err != nil {
		return ""
	}
	name, line, column := place(js.Exception(js.Thrown(obj)).Stack)
	if name == "" {
		return ""
	}
	return name + ":" + strconv.Itoa(line) + ":" + strconv.Itoa(column)
}
