package event

import (
	"context"
	"sync"
	"time"
)

// Exchange is the context of one request within the process. Unlike those of package context
// it takes nothing from a parent and makes nothing before somebody asks for its end, which
// for most requests nobody does. The zero Exchange goes on. It must not be copied. Any
// goroutine.
type Exchange struct {
	// Values has the values; nil means that there are none. It is not asked for its end.
	Values context.Context

	mu    sync.Mutex // guards what follows
	cause error      // why it has ended
	ended chan struct{}
	after []*func() // to be called at the end
}

// End ends the exchange; only the first cause counts, and nil means context.Canceled.
func (x *Exchange) End(cause error) {
	if cause == nil {
		cause = context.Canceled
	}
	x.mu.Lock()
	if x.cause != nil {
		x.mu.Unlock()
		return
	}
	x.cause = cause
	if x.ended != nil {
		close(x.ended)
	}
	after := x.after
	x.after = nil
	x.mu.Unlock()
	for _, f := range after {
		go (*f)() // as context.AfterFunc does
	}
}

// Cause is why the exchange has ended, or nil.
func (x *Exchange) Cause() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.cause
}

// AfterFunc is context.AfterFunc for this context, which also asks for it.
func (x *Exchange) AfterFunc(f func()) (stop func() bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.cause != nil {
		go f()
		return func() bool { return false }
	}
	x.after = append(x.after, &f)
	return func() bool {
		x.mu.Lock()
		defer x.mu.Unlock()
		for i, each := range x.after {
			if each == &f {
				x.after = append(x.after[:i:i], x.after[i+1:]...)
				return true
			}
		}
		return false
	}
}

// AfterFunc is context.AfterFunc, which for an Exchange makes less.
func AfterFunc(ctx context.Context, f func()) (stop func() bool) {
	if x, ok := ctx.(*Exchange); ok {
		return x.AfterFunc(f)
	}
	return context.AfterFunc(ctx, f)
}

// Ends reports whether a context may end at all.
func Ends(ctx context.Context) bool {
	_, ok := ctx.(*Exchange)
	return ok || ctx.Done() != nil
}

// Done is context.Context's.
func (x *Exchange) Done() <-chan struct{} {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ended == nil {
		x.ended = make(chan struct{})
		if x.cause != nil {
			close(x.ended)
		}
	}
	return x.ended
}

// Err is context.Context's: context.Canceled, or an error that is it and has the text of the
// cause, for who asks context.Cause. It does not lead to the cause itself, which may be one
// of another isolate's.
func (x *Exchange) Err() error {
	switch cause := x.Cause(); cause {
	case nil, context.Canceled:
		return cause
	default:
		return canceled{cause.Error()}
	}
}

type canceled struct{ text string }

func (c canceled) Error() string { return c.text }

func (canceled) Is(target error) bool { return target == context.Canceled }

// Deadline is context.Context's.
func (*Exchange) Deadline() (deadline time.Time, ok bool) { return }

// Value is context.Context's.
func (x *Exchange) Value(key any) any {
	if x.Values == nil {
		return nil
	}
	return x.Values.Value(key)
}
