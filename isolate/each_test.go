package isolate_test

import (
	"errors"
	"testing"
	"time"

	"github.com/dop251/goja"

	"workerd.local/isolate"
)

// series runs the bodies in series of turns, as often as it takes, and says how many series that were.
func (k *kit) series(f *isolate.Frame, bodies ...string) (entries int, errs []error) {
	k.Helper()
	k.loop(func() {
		for i := 0; i < len(bodies); {
			entries++
			before := i
			_, err := k.realm.EnterEach(f, func(js *isolate.JS) bool {
				body := bodies[i]
				i++
				if _, err := js.Call(function(js, body), nil); err != nil {
					js.Panic(err)
				}
				return i < len(bodies)
			})
			if errs = append(errs, err); i == before {
				return
			}
		}
	})
	return entries, errs
}

func TestTurnsOfASeriesHaveTheirMicrotasks(t *testing.T) {
	k := newKit(t, isolate.Options{})
	f := &isolate.Frame{Owner: "alice"}
	entries, errs := k.series(f,
		`log("one"); Promise.resolve().then(() => log("after one")).then(() => log("and " + owner()))`,
		`log("two"); (async () => { await null; log("after two") })()`,
		`log("three " + owner())`)
	if entries != 1 || errs[0] != nil {
		t.Errorf("%d entries, %v", entries, errs)
	}
	k.want("one", "after one", "and alice", "two", "after two", "three alice")
}

func TestSeriesEndsWhereSomethingComesBetween(t *testing.T) {
	k := newKit(t, isolate.Options{})
	entries, errs := k.series(nil, `Promise.reject("gone"); log("one")`, `log("two")`, `throw "thrown"`, `log("four")`)
	// The rejection is told when the loop's turn is over, in which all of them are here.
	if entries != 4 || errs[0] != nil || errs[1] != nil || errs[3] != nil {
		t.Fatalf("%d entries, %v", entries, errs)
	}
	var thrown *goja.Exception
	if !errors.As(errs[2], &thrown) || thrown.Value().String() != "thrown" {
		t.Errorf("what threw: %v", errs[2])
	}
	k.want("one", "two", "four")
	k.wantRejected("unhandled gone of nobody")

	k.loop(func() {
		n := 0
		if _, err := k.realm.EnterEach(nil, func(js *isolate.JS) bool {
			n++
			k.iso.Loop().Defer(func() { k.out = append(k.out, "deferred") })
			return true
		}); err != nil || n != 1 {
			t.Errorf("%d turns before what was deferred: %v", n, err)
		}
		// Inside a turn of the realm it is a part of that turn.
		if err := k.realm.Run(nil, func(js *isolate.JS) {
			if ran, err := k.realm.EnterEach(nil, func(js *isolate.JS) bool { n++; return true }); !ran || err != nil || n != 2 {
				t.Errorf("inside a turn: %v, %v, %d turns", ran, err, n)
			}
		}); err != nil {
			t.Error(err)
		}
	})
	k.want("deferred")
}

func TestSeriesEndsAtATurnOverTheLimit(t *testing.T) {
	k := newKit(t, isolate.Options{Limits: isolate.Limits{Turn: 200 * time.Millisecond}})
	f := &isolate.Frame{Owner: "mallory"}
	_, errs := k.series(f, `log("one")`, `for (;;);`, `log("three")`)
	if !errors.Is(errs[0], isolate.ErrCPULimit) {
		t.Errorf("a turn that does not end: %v", errs)
	}
	k.want("one")
	k.wantCondemned(isolate.ErrCPULimit, f)
}

func TestSeriesOfAnOwnerThatStopsEnds(t *testing.T) {
	k := newKit(t, isolate.Options{})
	victim, bystander := stops(k)
	n := 0
	k.loop(func() {
		_, err := k.realm.EnterEach(victim, func(js *isolate.JS) bool {
			n++
			if n == 2 {
				victim.Owner.(*mortal).reason = errEnough
			}
			return n < 5
		})
		if !errors.Is(err, errEnough) || n != 2 {
			t.Errorf("%d turns: %v", n, err)
		}
	})
	if entries, errs := k.series(bystander, `log("one")`, `log("two")`); entries != 1 || errs[0] != nil {
		t.Errorf("%d entries, %v", entries, errs)
	}
	k.want("one", "two")
}
