package loop

import (
	"context"
	"errors"
	"fmt"
)

// ErrCanceled is what becomes of a future that was canceled.
var ErrCanceled = errors.New("canceled: nobody wants the result any more")

// Future is a value that comes later, once. It belongs to its loop.
type Future[T any] struct {
	l       *Loop
	settled bool
	value   T
	err     error
	waiters []func(T, error)
	stop    func()
}

// NewFuture returns a future that is settled through Resolve or Reject.
func NewFuture[T any](l *Loop) *Future[T] { return &Future[T]{l: l} }

// Resolve settles the future with a value. The first settlement wins; it reports
// whether it was this one.
func (f *Future[T]) Resolve(v T) bool { return f.Settle(v, nil) }

// Reject settles the future with an error.
func (f *Future[T]) Reject(err error) bool {
	var zero T
	return f.Settle(zero, err)
}

// Settle is Resolve or Reject by err. The waiters run later in this turn, never
// inside Settle.
func (f *Future[T]) Settle(v T, err error) bool {
	if f.settled {
		return false
	}
	f.settled, f.value, f.err = true, v, err
	waiters := f.waiters
	f.waiters, f.stop = nil, nil
	if len(waiters) > 0 {
		f.l.Defer(func() {
			for _, w := range waiters {
				w(v, err)
			}
		})
	}
	return true
}

// Settled returns the outcome, if it is there.
func (f *Future[T]) Settled() (v T, err error, ok bool) { return f.value, f.err, f.settled }

// Then calls fn once with the outcome: later in this turn where the future is
// settled already, else in the turn that settles it, in the order of the calls.
func (f *Future[T]) Then(fn func(T, error)) {
	if f.settled {
		f.l.Defer(func() { fn(f.value, f.err) })
		return
	}
	f.waiters = append(f.waiters, fn)
}

// OnCancel says how to stop what would settle the future. There is one way at a
// time: the last call counts.
func (f *Future[T]) OnCancel(stop func()) {
	if !f.settled {
		f.stop = stop
	}
}

// Cancel says that nobody wants the outcome any more. Where it is not there yet,
// the future is rejected with ErrCanceled and what would have settled it is told.
func (f *Future[T]) Cancel() {
	stop := f.stop
	if f.Reject(ErrCanceled) && stop != nil {
		stop()
	}
}

// Result is a value that is here now, or a failure that is here now, or a Future.
// A ready result never leaves the turn: that is what makes a cached read
// synchronous for JavaScript. The zero Result is ready with a zero value.
type Result[T any] struct {
	value T
	err   error
	f     *Future[T]
}

// Now is a result that is ready with v.
func Now[T any](v T) Result[T] { return Result[T]{value: v} }

// Fail is a result that is ready with an error.
func Fail[T any](err error) Result[T] { return Result[T]{err: err} }

// Later is a result that f will settle.
func Later[T any](f *Future[T]) Result[T] {
	if f.settled {
		return Result[T]{value: f.value, err: f.err}
	}
	return Result[T]{f: f}
}

// Ready returns the outcome where it is there without waiting.
func (r Result[T]) Ready() (v T, err error, ok bool) {
	if r.f != nil {
		return r.f.Settled()
	}
	return r.value, r.err, true
}

// Then calls fn once: at once where the result is ready, else when the future
// settles.
func (r Result[T]) Then(fn func(T, error)) {
	if v, err, ok := r.Ready(); ok {
		fn(v, err)
		return
	}
	r.f.Then(fn)
}

// Cancel says that nobody wants the outcome any more; a result that is ready
// stays what it is.
func (r Result[T]) Cancel() {
	if r.f != nil {
		r.f.Cancel()
	}
}

// Map turns a result of one type into another. fn runs at once where r is ready
// with a value, and is not called on failure. To cancel the new result is to cancel
// r.
func Map[T, U any](r Result[T], fn func(T) (U, error)) Result[U] {
	if v, err, ok := r.Ready(); ok {
		if err != nil {
			return Fail[U](err)
		}
		u, err := fn(v)
		if err != nil {
			return Fail[U](err)
		}
		return Now(u)
	}
	out := NewFuture[U](r.f.l)
	out.OnCancel(r.f.Cancel)
	r.f.Then(func(v T, err error) {
		if err != nil {
			out.Reject(err)
			return
		}
		out.Settle(fn(v))
	})
	return Result[U]{f: out}
}

// Go runs work on a goroutine of its own and settles the future on the loop. A
// panic in work becomes the future's error. If the loop closes first, the
// future is never settled and the result of work is dropped.
func Go[T any](ctx context.Context, l *Loop, work func(context.Context) (T, error)) *Future[T] {
	f := NewFuture[T](l)
	complete := func(deliver func()) { deliver() }
	if begin := l.here().begin; begin != nil {
		complete = begin()
	}
	go func() {
		v, err := Guarded(ctx, work)
		complete(func() {
			// A closed loop has nobody left to tell.
			_ = l.Post(func() { f.Settle(v, err) })
		})
	}()
	return f
}

// Guarded runs work on the calling goroutine; a panic in it becomes its error.
func Guarded[T any](ctx context.Context, work func(context.Context) (T, error)) (v T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in background work: %v", p)
		}
	}()
	return work(ctx)
}

// Do runs fn as a task of the loop and waits for it; any goroutine but the
// loop's own. It returns ctx's error when ctx ends first (fn may then still
// run), and ErrClosed when the loop is closed.
func Do(ctx context.Context, l *Loop, fn func()) error {
	done := make(chan struct{})
	if err := l.Post(func() { defer close(done); fn() }); err != nil {
		return err
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
