package isolate

import (
	"time"

	"github.com/dop251/goja"
)

// lookAgainWhileWaiting is how often a turn that waits in Atomics.wait is asked whether it is to stop; a kill wakes it
// at once.
const lookAgainWhileWaiting = 100 * time.Millisecond

// agent waits for Atomics of one realm (natives.Agent).
type agent struct{ r *Realm }

// Wait is natives.Agent's.
func (a agent) Wait(wake <-chan struct{}, d time.Duration) {
	dog := &a.r.iso.dog
	paused := dog.pause()
	defer dog.resume(paused)
	var over <-chan time.Time
	if d >= 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		over = t.C
	}
	look := time.NewTicker(lookAgainWhileWaiting)
	defer look.Stop()
	for {
		select {
		case <-wake:
			return
		case <-over:
			return
		case <-dog.dead:
			return
		case <-look.C:
			if a.r.Interrupted() {
				return
			}
		}
	}
}

// Promise is natives.Agent's. It does not keep anything alive, as in node.
func (a agent) Promise() (goja.Value, func(text string)) {
	js := a.r.js
	promise, resolve, _ := js.NewPromise()
	frame, iso := js.Frame(), a.r.iso
	return promise, func(text string) {
		// A loop that is closed has nobody left to tell.
		_ = iso.loop.Post(func() {
			err := a.r.Run(frame, func(js *JS) { resolve(js.rt.ToValue(text)) })
			if err != nil && a.r.cause == nil {
				iso.log.Error("a promise of Atomics.waitAsync was not settled", "realm", a.r.o.Name, "error", err)
			}
		})
	}
}

// After is natives.Agent's.
func (a agent) After(d time.Duration, f func()) (stop func()) {
	t := a.r.iso.loop.After(d, f)
	return func() { t.Stop() }
}
