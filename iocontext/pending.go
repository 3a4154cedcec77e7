package iocontext

import (
	"context"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/gates"
	"workerd.local/isolate"
	"workerd.local/loop"
)

// AddPending says that an event will re-enter the context; the returned function
// says that it did, or never will. What an actor waits for is also a task: one
// request may start it and another one use it (workerd, "Tasks").
func (c *Context) AddPending() (done func()) {
	c.pending++
	task := func(error) {}
	if c.IsActor() {
		task = c.StartTask()
	}
	finished := false
	return func() {
		if finished {
			return
		}
		finished = true
		c.pending--
		task(nil)
		c.checkHang()
	}
}

// checkHang tells OnHang, at the end of the turn, that nothing can make the
// context go on any more. Actors are exempt (workerd, "Hang detection").
func (c *Context) checkHang() {
	if c.pending > 0 || c.o.Gates != nil || c.o.OnHang == nil && c.o.OnQuiet == nil || c.hangSent || c.Ended() {
		return
	}
	c.hangSent = true
	if l := c.Loop(); l.InTurn() {
		if c.looking == nil {
			c.looking = c.lookForHang
		}
		l.AtTurnEnd(c.looking)
	} else {
		c.lookForHang()
	}
}

func (c *Context) lookForHang() {
	c.hangSent = false
	if c.pending > 0 || c.Ended() {
		return
	}
	if c.o.OnQuiet != nil {
		c.o.OnQuiet()
	} else {
		c.o.OnHang()
	}
}

// Hung is the error of who waits for code that has hung.
func Hung() error { return exception.Errorf(hungText) }

// Await returns a promise for r. A ready result settles it in this turn, with no
// effect on any gate; a later one re-enters the context through Run, in the
// critical section that is current now. conv runs in that turn.
func Await[T any](js *isolate.JS, c *Context, r loop.Result[T], conv func(js *isolate.JS, v T) (goja.Value, error)) *goja.Object {
	return await(js, c, r, conv, c.Capture(js), nil)
}

// AwaitLocked is Await that holds the actor's input lock until r settles, so that
// no other event is delivered in between (workerd, allowConcurrency false).
func AwaitLocked[T any](js *isolate.JS, c *Context, r loop.Result[T], conv func(js *isolate.JS, v T) (goja.Value, error)) *goja.Object {
	var held *gates.Lock
	if c.lock != nil {
		if _, _, ready := r.Ready(); !ready {
			held = c.lock.AddRef()
		}
	}
	return await(js, c, r, conv, c.Capture(js), held)
}

func await[T any](js *isolate.JS, c *Context, r loop.Result[T], conv func(js *isolate.JS, v T) (goja.Value, error), e Entry, held *gates.Lock) *goja.Object {
	promise, resolve, reject := js.NewPromise()
	settle := func(js *isolate.JS, v T, err error) {
		var out goja.Value
		if err == nil {
			if conv == nil {
				out = goja.Undefined()
			} else {
				out, err = conv(js, v)
			}
		}
		if err != nil {
			if isolate.Uncatchable(err) {
				js.Panic(err)
			}
			reject(err)
			return
		}
		resolve(out)
	}
	if v, err, ok := r.Ready(); ok {
		settle(js, v, err)
		return promise
	}
	done := c.AddPending()
	r.Then(func(v T, err error) {
		e := e
		e.Lock = held
		// If the context is over, the promise never settles: nobody is left to see it.
		c.RunIn(e, func(js *isolate.JS) { done(); settle(js, v, err) }, func(err error) {
			done()
			c.Fail(err)
		})
	})
	return promise
}

// Background runs work on a goroutine of its own; its ctx is done when the context
// ends. Await makes the result a pending event.
func Background[T any](c *Context, work func(ctx context.Context) (T, error)) loop.Result[T] {
	if c.Ended() {
		return loop.Fail[T](c.reason())
	}
	f := loop.NewFuture[T](c.Loop())
	complete, l, ctx := isolate.Begin(c.realm.Isolate().Host()), c.Loop(), c.Context()
	go func() {
		v, err := loop.Guarded(ctx, work)
		complete(func() {
			// A closed loop has nobody left to tell.
			_ = l.Post(func() { f.Settle(v, err) })
		})
	}()
	return loop.Later(f)
}

// StartTask keeps the context alive until the returned function is called.
func (c *Context) StartTask() (done func(error)) {
	c.tasks++
	finished := false
	return func(err error) {
		if finished {
			return
		}
		finished = true
		c.tasks--
		if err != nil && c.taskErr == nil {
			c.taskErr = err
		}
		if c.tasks == 0 && c.o.OnIdle != nil {
			c.o.OnIdle()
		}
	}
}

// Tasks is the number of tasks that keep the context alive.
func (c *Context) Tasks() int { return c.tasks }

// Quiet reports whether nothing will re-enter the context and nothing keeps it.
func (c *Context) Quiet() bool { return c.pending == 0 && c.tasks == 0 }

// TaskError is the first failure among the tasks.
func (c *Context) TaskError() error { return c.taskErr }
