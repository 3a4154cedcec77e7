package iocontext

import (
	"time"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/gates"
	"workerd.local/internal/limits"
	"workerd.local/isolate"
	"workerd.local/loop"
)

// BlockConcurrencyWhile runs fn alone: no other event of the actor is delivered
// until the promise it returns has settled. The result is a promise for fn's
// result, delivered before anything else. When fn fails, or takes longer than
// limits.BlockTime, the actor is reset and the promise never settles. caught, which may be
// nil, is asked first about a failure of fn: an error that it returns rejects the
// promise and the actor lives on (transactions).
func (c *Context) BlockConcurrencyWhile(js *isolate.JS, fn func(js *isolate.JS) (goja.Value, error), caught func(js *isolate.JS, err error) error) (*goja.Object, error) {
	if c.lock == nil {
		return nil, exception.Errorf("blockConcurrencyWhile() needs a Durable Object.")
	}
	depth := 0
	if c.section != nil {
		depth = c.section.Depth()
	}
	if depth >= limits.BlockDepth.In(js.Bounds()) {
		return nil, exception.Errorf("blockConcurrencyWhile() calls are nested too deeply.")
	}
	promise, resolve, reject := js.NewPromise()
	b := &block{c: c, section: c.lock.Begin(), frame: js.Frame(), done: c.AddPending(), caught: caught, limit: limits.BlockTime.In(js.Bounds())}
	b.forget = c.OnEnd(b.end)
	b.section.Wait().Then(func(l *gates.Lock, err error) {
		if err != nil {
			b.end()
			return
		}
		// It begins when the turn is over: what was written before is not part of it.
		c.Loop().AtTurnEnd(func() { b.run(l, fn, resolve, reject) })
	})
	return promise, nil
}

// run calls fn under the section's lock.
func (b *block) run(l *gates.Lock, fn func(js *isolate.JS) (goja.Value, error), resolve func(goja.Value), reject func(error)) {
	if b.over {
		l.Release()
		return
	}
	b.timer = b.c.Loop().After(b.limit, b.timeout)
	b.c.RunIn(Entry{Lock: l, Frame: b.frame}, func(js *isolate.JS) {
		v, err := fn(js)
		if err != nil {
			b.failed(js, err, reject)
			return
		}
		js.OnSettled(v, func(js *isolate.JS, v goja.Value, err error) {
			if err != nil {
				b.failed(js, err, reject)
				return
			}
			b.succeed(func() { resolve(v) })
		})
	}, b.breakWith)
}

// block is one call of BlockConcurrencyWhile.
type block struct {
	c       *Context
	section *gates.CriticalSection
	frame   *isolate.Frame
	limit   time.Duration
	timer   *loop.Timer // nil until fn runs
	done    func()
	caught  func(js *isolate.JS, err error) error
	forget  func()
	over    bool
}

// end forgets the block; the section's state has been decided.
func (b *block) end() {
	if b.over {
		return
	}
	b.over = true
	b.timer.Stop()
	if b.forget != nil {
		b.forget()
	}
	b.done()
}

func (b *block) succeed(settle func()) {
	if b.over {
		return
	}
	parent := b.section.Succeed()
	b.end()
	if parent == nil {
		return
	}
	// The result is delivered under the parent's lock, before any other event.
	b.c.Loop().Defer(func() {
		b.c.RunIn(Entry{Lock: parent, Frame: b.frame}, func(*isolate.JS) { settle() }, nil)
	})
}

func (b *block) failed(js *isolate.JS, err error, reject func(error)) {
	if isolate.Uncatchable(err) {
		return // the turn ends here, and breakWith is told
	}
	if b.caught != nil {
		if rejected := b.caught(js, err); rejected != nil {
			b.succeed(func() { reject(rejected) })
			return
		}
	}
	b.breakWith(js.Sent(err))
}

func (b *block) breakWith(err error) {
	if b.over || b.c.realm.Condemned() != nil {
		return // the actor ends with its realm, and the block with the actor
	}
	// What is not an exception is hidden behind a reference; the cause goes along for
	// the log.
	e, _ := exception.From(err)
	b.section.Fail(e.WithBroken(exception.InputGateBroken))
	b.end()
}

func (b *block) timeout() {
	b.breakWith(exception.Errorf("A call to blockConcurrencyWhile() in a Durable Object waited for too long. The call was canceled and the Durable Object was reset.").
		WithKind(exception.Overloaded))
}
