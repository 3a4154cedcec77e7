package crypto

import (
	"context"
	"runtime"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/crypt"
	"workerd.local/internal/limits"
	"workerd.local/iocontext"
	"workerd.local/isolate"
)

// Flags are what compatibility flags and limits change.
type Flags struct {
	// Lenient takes what workerd took before strict_crypto_checks.
	Lenient bool
	// ExponentIsBuffer makes publicExponent an ArrayBuffer, as it was before
	// crypto_preserve_public_exponent.
	ExponentIsBuffer bool
	// Iterations are the most of PBKDF2.
	Iterations int
}

var flagsOf = isolate.NewSlot(func(js *isolate.JS) *Flags {
	return &Flags{Iterations: limits.CryptoIterations.In(js.Bounds())}
})

// Configure says what the compatibility flags of a new realm change. Most change
// nothing, and pay nothing for it.
func Configure(js *isolate.JS, f Flags) {
	if f.Lenient || f.ExponentIsBuffer {
		flags := flagsOf.Get(js)
		flags.Lenient, flags.ExponentIsBuffer = f.Lenient, f.ExponentIsBuffer
	}
}

// cores are the processors that long work of all isolates may occupy at a time: one
// is left for the loops.
var cores = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)-1))

// waiting counts the long work of one realm.
type waiting struct{ n int }

var waitingOf = isolate.NewSlot(func(*isolate.JS) *waiting { return &waiting{} })

var errStopped = exception.Errorf("The operation was stopped.")

// Long is a promise for what work gives, which may take long: it runs on a goroutine of
// the context, one per processor at a time. In the global scope, where nothing can be
// waited for, and when very much is waiting already, it is done at once.
func Long[T any](js *isolate.JS, work func(stop crypt.Stop) (T, error), conv func(js *isolate.JS, v T) (goja.Value, error)) (*goja.Object, error) {
	w := waitingOf.Get(js)
	ioc, err := iocontext.Current(js)
	if err != nil && js.Frame() != nil && js.Frame().Owner != nil {
		return nil, err
	}
	if err != nil || w.n >= limits.CryptoWaiting.In(js.Bounds()) {
		v, err := work(Stopper(js))
		if err != nil {
			return nil, err
		}
		out, err := conv(js, v)
		if err != nil {
			return nil, err
		}
		return js.Resolved(out), nil
	}
	w.n++
	r := iocontext.Background(ioc, func(ctx context.Context) (v T, err error) {
		select {
		case cores <- struct{}{}:
		case <-ctx.Done():
			return v, context.Cause(ctx)
		}
		defer func() { <-cores }()
		return work(func() error { return context.Cause(ctx) })
	})
	r.Then(func(T, error) { w.n-- })
	return iocontext.Await(js, ioc, r, conv), nil
}

// Stopper says when work that is done within a turn must end: when the turn was
// stopped. What is returned then is seen by nobody.
func Stopper(js *isolate.JS) crypt.Stop {
	realm := js.Realm()
	return func() error {
		if realm.Interrupted() {
			return errStopped
		}
		return nil
	}
}
