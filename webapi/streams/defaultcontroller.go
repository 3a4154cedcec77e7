package streams

import (
	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// algorithms are what an underlying source does. Both are nil once the stream is
// over, so that the source can be collected.
type algorithms struct {
	pull   func(js *isolate.JS) *goja.Object
	cancel func(js *isolate.JS, reason goja.Value) *goja.Object
}

// defaultController is a ReadableStreamDefaultController.
type defaultController struct {
	stream         *Readable
	obj            *goja.Object
	queue          queue
	strategy       strategy
	alg            algorithms
	started        bool
	pulling        bool
	pullAgain      bool
	closeRequested bool
}

// newDefault makes alg feed the stream from the call of start on.
func newDefault(js *isolate.JS, s *Readable, st strategy, alg algorithms) *defaultController {
	c := &defaultController{stream: s, strategy: st, alg: alg}
	s.ctrl = c
	return c
}

func (c *defaultController) object(js *isolate.JS) *goja.Object {
	if c.obj == nil {
		c.obj = defaultControllerClass.Wrap(js, c)
	}
	return c.obj
}

// start begins to pull once p is fulfilled, or at once without one.
func (c *defaultController) start(js *isolate.JS, p *goja.Object) {
	after(js, p, func(js *isolate.JS, _ goja.Value) {
		c.started = true
		c.pullIfNeeded(js)
	}, c.fail)
}

func (c *defaultController) pull(js *isolate.JS, r readRequest) {
	if c.queue.len() > 0 {
		v := c.queue.pop()
		if c.closeRequested && c.queue.len() == 0 {
			c.alg = algorithms{}
			c.stream.becomeClosed(js)
		} else {
			c.pullIfNeeded(js)
		}
		r.chunk(js, chunk{value: v})
		return
	}
	c.stream.reader.requests = append(c.stream.reader.requests, r)
	c.pullIfNeeded(js)
}

func (c *defaultController) cancel(js *isolate.JS, reason goja.Value) *goja.Object {
	c.queue.reset()
	cancel := c.alg.cancel
	c.alg = algorithms{}
	if cancel == nil {
		return resolved(js)
	}
	return cancel(js, reason)
}

func (c *defaultController) release(*isolate.JS) {}

func (c *defaultController) ready() bool { return c.queue.len() > 0 }

func (c *defaultController) desired() (float64, bool) {
	switch c.stream.state {
	case errored:
		return 0, false
	case closed:
		return 0, true
	}
	return c.strategy.hwm - c.queue.total, true
}

func (c *defaultController) canEnqueue() bool {
	return !c.closeRequested && c.stream.state == readable
}

func (c *defaultController) pullIfNeeded(js *isolate.JS) {
	if !c.shouldPull() {
		return
	}
	if c.pulling {
		c.pullAgain = true
		return
	}
	if c.alg.pull == nil {
		return
	}
	c.pulling = true
	after(js, c.alg.pull(js), func(js *isolate.JS, _ goja.Value) {
		c.pulling = false
		if c.pullAgain {
			c.pullAgain = false
			c.pullIfNeeded(js)
		}
	}, c.fail)
}

func (c *defaultController) shouldPull() bool {
	if !c.canEnqueue() || !c.started {
		return false
	}
	if rd := c.stream.reader; rd != nil && len(rd.requests) > 0 {
		return true
	}
	size, _ := c.desired()
	return size > 0
}

func (c *defaultController) close(js *isolate.JS) {
	c.closeRequested = true
	if c.queue.len() == 0 {
		c.alg = algorithms{}
		c.stream.becomeClosed(js)
	}
}

// enqueue adds a chunk. A failing size function errors the stream, and as in workerd
// nothing else; in the standard it is the caller's error, too.
func (c *defaultController) enqueue(js *isolate.JS, v goja.Value) error {
	if c.strategy.anySize {
		return c.enqueueStandard(js, v)
	}
	size, err := c.strategy.measure(js, v)
	if err != nil {
		check(js, err)
		c.fail(js, js.Error(err))
	}
	if !c.canEnqueue() { // the size function may also have ended the stream
		return nil
	}
	if rd := c.stream.reader; rd != nil && len(rd.requests) > 0 {
		rd.take().chunk(js, chunk{value: v})
	} else {
		c.queue.push(v, size)
	}
	c.pullIfNeeded(js)
	return nil
}

func (c *defaultController) enqueueStandard(js *isolate.JS, v goja.Value) error {
	if rd := c.stream.reader; rd != nil && len(rd.requests) > 0 {
		rd.take().chunk(js, chunk{value: v})
		c.pullIfNeeded(js)
		return nil
	}
	size, err := c.strategy.measure(js, v)
	if err == nil {
		err = validSize(size)
	}
	if err != nil {
		check(js, err)
		reason := js.Error(err)
		c.fail(js, reason)
		return thrown{reason}.error(js)
	}
	c.queue.push(v, size)
	c.pullIfNeeded(js)
	return nil
}

func (c *defaultController) fail(js *isolate.JS, reason goja.Value) {
	if c.stream.state != readable {
		return
	}
	c.queue.reset()
	c.alg = algorithms{}
	c.stream.becomeErrored(js, reason)
}

// thrown makes a Go error out of a JavaScript value, for functions that return
// errors: it throws the same value again.
type thrown struct{ value goja.Value }

func (t thrown) error(js *isolate.JS) error {
	return js.Try(func() { panic(t.value) })
}

var defaultControllerClass = &bind.Class[defaultController]{
	Name: "ReadableStreamDefaultController",
	Getters: map[string]bind.Getter[defaultController]{
		"desiredSize": func(c *defaultController, _ *bind.Call) (any, error) {
			if size, ok := c.desired(); ok {
				return size, nil
			}
			return bind.Null, nil
		},
	},
	Methods: map[string]bind.Method[defaultController]{
		"close": func(c *defaultController, call *bind.Call) (any, error) {
			if !c.canEnqueue() {
				return nil, exception.TypeErrorf("This ReadableStream is closed.")
			}
			c.close(call.JS())
			return nil, nil
		},
		"enqueue": func(c *defaultController, call *bind.Call) (any, error) {
			if !c.canEnqueue() {
				return nil, exception.TypeErrorf("Unable to enqueue")
			}
			return nil, c.enqueue(call.JS(), call.Arg(0))
		},
		"error": func(c *defaultController, call *bind.Call) (any, error) {
			c.fail(call.JS(), call.Arg(0))
			return nil, nil
		},
	},
}

func (c *defaultController) adopt(s *Readable) { c.stream = s }
