package isolate_test

import (
	"testing"
	"time"

	"github.com/dop251/goja"

	"workerd.local/isolate"
)

// Code that never ends is stopped at the instruction that it runs, in every kind of frame
// that the engine has; who called it, and what others have queued, goes on.
func TestWithinStopsCodeThatNeverEnds(t *testing.T) {
	for _, d := range deaths {
		t.Run(d.name, func(t *testing.T) {
			k := newKit(t, isolate.Options{})
			victim, bystander := stops(k)
			owner := victim.Owner.(*mortal)
			timed := false
			k.loop(func() {
				if err := k.realm.Run(bystander, func(js *isolate.JS) {
					define(js, "timed", func(js *isolate.JS, _ goja.FunctionCall) goja.Value { return js.Runtime().ToValue(timed) })
					// What is not timed, as it is a microtask, dies in another way.
					if _, err := js.Call(function(js, `const other = die; globalThis.die = () => { if (timed()) for (;;); other(); };
						Promise.resolve().then(() => log("queued " + owner()))`), nil); err != nil {
						t.Error(err)
					}
					timed = true
					err := js.Within(victim, 2*time.Millisecond, func() { owner.reason = errEnough }, func(js *isolate.JS) {
						if _, err := js.Call(function(js, d.body), nil); err != nil {
							js.Panic(err)
						}
					})
					timed = false
					if err != owner.reason {
						t.Errorf("Within: %v, and the owner has stopped with %v", err, owner.reason)
					}
					if _, err := js.Call(function(js, `log("after " + owner())`), nil); err != nil {
						t.Error(err)
					}
				}); err != nil {
					t.Error(err)
				}
			})
			if owner.reason == nil {
				t.Fatal("die() was not reached")
			}
			k.want("after bystander", "queued bystander")
			if err := k.run(victim, `log("leak")`); err != errEnough {
				t.Errorf("a turn of the stopped owner: %v", err)
			}
			k.ok(bystander, exercise)
			k.want(exercised)
			k.wantCondemned(nil, nil)
			k.wantRejected()
		})
	}
}

func TestWithinLeavesCodeThatEndsInTime(t *testing.T) {
	k := newKit(t, isolate.Options{})
	victim, _ := stops(k)
	k.loop(func() {
		if err := k.realm.Run(nil, func(js *isolate.JS) {
			err := js.Within(victim, time.Hour, func() { t.Error("it expired") }, func(js *isolate.JS) {
				if _, err := js.Call(function(js, `log(owner()); Promise.resolve().then(() => log("later " + owner()))`), nil); err != nil {
					t.Error(err)
				}
			})
			if err != nil {
				t.Error(err)
			}
			// A time that is over already counts from the first instruction on.
			err = js.Within(victim, 0, func() { victim.Owner.(*mortal).reason = errEnough }, func(js *isolate.JS) {
				_, err := js.Call(function(js, `for (;;);`), nil)
				js.Panic(err)
			})
			if err != errEnough {
				t.Error(err)
			}
		}); err != nil {
			t.Error(err)
		}
	})
	k.want("victim")
	k.wantCondemned(nil, nil)
}
