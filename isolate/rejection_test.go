package isolate_test

import (
	"strings"
	"testing"
	"time"

	"github.com/dop251/goja"

	"workerd.local/isolate"
)

func TestRejectionIsToldAtTheEndOfItsTurn(t *testing.T) {
	k := newKit(t, isolate.Options{})
	a := frameOf("A")
	k.ok(a, `globalThis.p = Promise.reject("r1")`)
	k.wantRejected("unhandled r1 of A")
	k.ok(a, `const q = Promise.reject("r2"); Promise.resolve().then(() => q.catch(() => log("in time")))`)
	k.want("in time")
	k.wantRejected()
	k.ok(frameOf("B"), `p.catch(v => log("late " + v))`)
	k.want("late r1")
	k.wantRejected("handled r1 of A")
	k.ok(a, `p.catch(() => {})`)
	k.wantRejected()
	k.ok(a, `(async () => { throw "r3" })(); Promise.reject("r4").then(() => {})`)
	k.wantRejected("unhandled r3 of A", "unhandled r4 of A")
}

// A promise that Go code waits for counts as handled.
func TestGoCodeThatWaitsHandlesARejection(t *testing.T) {
	k := newKit(t, isolate.Options{})
	k.loop(func() {
		err := k.realm.Run(nil, func(js *isolate.JS) {
			for _, src := range []string{`return Promise.reject("now")`, `return new Promise((_, r) => Promise.resolve().then(() => r("later")))`} {
				p, err := js.Call(function(js, src), nil)
				if err != nil {
					t.Fatal(err)
				}
				js.OnSettled(p, func(js *isolate.JS, v goja.Value, err error) { k.out = append(k.out, err.Error()) })
			}
		})
		if err != nil {
			t.Error(err)
		}
	})
	k.want("Error: now", "Error: later")
	k.wantRejected()
}

// Rejections that were told of are forgotten, oldest first, so that they cannot
// fill the memory.
func TestOnlyTheLatestRejectionsAreRemembered(t *testing.T) {
	k := newKit(t, isolate.Options{})
	k.ok(nil, `globalThis.ps = []; for (let i = 0; i < 1000; i++) ps.push(Promise.reject(i))`)
	k.loop(func() {
		if len(k.rejected) != 1000 {
			t.Errorf("told of %d rejections", len(k.rejected))
		}
		k.rejected = nil
	})
	k.ok(nil, `ps[0].catch(() => {}); ps[743].catch(() => {}); ps[744].catch(() => {}); ps[999].catch(() => {})`)
	k.wantRejected("handled 744 of nobody", "handled 999 of nobody")
}

// A listener that leaves a rejection behind each time must not keep the loop.
func TestListenerThatRejectsDoesNotHoldTheLoop(t *testing.T) {
	var told int
	stop := false
	iso := isolate.New(isolate.Options{})
	iso.Start()
	defer iso.Close()
	post(t, iso, func() {
		r, err := iso.NewRealm(isolate.RealmOptions{OnRejection: func(js *isolate.JS, r isolate.Rejection) {
			told++
			if !stop {
				js.Rejected(errNothing)
			}
		}})
		if err != nil {
			t.Error(err)
			return
		}
		if err := r.Run(nil, func(js *isolate.JS) { js.Rejected(errNothing) }); err != nil {
			t.Error(err)
		}
	})
	eventually(t, "the listener is not called", func() bool {
		ok := false
		post(t, iso, func() { ok = told > 10; stop = ok })
		return ok
	})
}

// Handling is linear in the number of rejections: a quadratic list would need minutes.
func TestManyRejectionsThatAreHandledInOneTurn(t *testing.T) {
	k := newKit(t, isolate.Options{Limits: isolate.Limits{Turn: time.Hour}})
	k.ok(nil, `Promise.allSettled(Array.from({ length: 100_000 }, async () => { throw 1 })).then(r => log(r.length))`)
	k.want("100000")
	k.wantRejected()
}

func TestRejectionThatNobodyListensForIsLogged(t *testing.T) {
	k := newKit(t, isolate.Options{})
	k.loop(func() {
		r, err := k.iso.NewRealm(isolate.RealmOptions{Name: "quiet"})
		if err != nil {
			t.Error(err)
			return
		}
		err = r.Run(nil, func(js *isolate.JS) { js.Rejected(errNothing) })
		if err != nil {
			t.Error(err)
		}
	})
	k.loop(func() {})
	if log := k.logs.String(); strings.Count(log, "unhandled promise rejection") != 1 || !strings.Contains(log, "worker=quiet") {
		t.Errorf("log:\n%s", log)
	}
}
