package iocontext_test

import (
	"testing"
	"time"

	"workerd.local/iocontext"
	"workerd.local/isolate"
)

func TestTimersFireInTheOrderOfTimeAndCreation(t *testing.T) {
	bubble(t, isolate.Options{}, func(k *kit) {
		c := k.request(iocontext.Options{})
		k.run(c, `for (const [n, ms] of [["c", 20], ["a", 10], ["b", 10.9], ["zero", 0], ["negative", -5], ["nan", NaN], ["-inf", -Infinity]])
			timer(() => log(n), ms)`)
		time.Sleep(time.Second)
		k.want("zero", "negative", "nan", "-inf", "a", "b", "c")
	})
}

func TestHugeDelaysAreAHundredYears(t *testing.T) {
	bubble(t, isolate.Options{}, func(k *kit) {
		c := k.request(iocontext.Options{})
		k.run(c, `for (const ms of [Infinity, 1e300, 3_153_600_000_001, Number.MAX_SAFE_INTEGER]) timer(() => log(ms), ms)`)
		time.Sleep(3_153_600_000_000*time.Millisecond - time.Millisecond)
		k.want()
		time.Sleep(2 * time.Millisecond)
		k.want("Infinity", "1e+300", "3153600000001", "9007199254740991")
	})
}

func TestTimersAreCleared(t *testing.T) {
	bubble(t, isolate.Options{}, func(k *kit) {
		c := k.request(iocontext.Options{})
		k.run(c, `
			clear(timer(() => log("cleared"), 10)); clear(4711); clear(-1); clear(NaN);
			const twin = timer(() => log("twin"), 20); timer(() => clear(twin), 15);
			const self = timer(() => { log("self"); clear(self) }, 10, true);
			let n = 0; const three = timer(() => { log("tick " + ++n); if (n === 3) clear(three) }, 100, true);`)
		time.Sleep(time.Hour)
		k.want("self", "tick 1", "tick 2", "tick 3")
	})
}

func TestIntervalGoesOnAfterItsCallbackThrew(t *testing.T) {
	bubble(t, isolate.Options{}, func(k *kit) {
		c := k.request(iocontext.Options{})
		k.run(c, `let n = 0; const id = timer(() => { if (++n === 3) clear(id); throw new RangeError(n) }, 10, true)`)
		time.Sleep(time.Hour)
		k.want("reported RangeError: 1", "reported RangeError: 2", "reported RangeError: 3")
	})
}

// Where even reporting fails the context is aborted, and no timer of it is left.
func TestTimerWhoseTurnFailsEndsTheContext(t *testing.T) {
	bubble(t, isolate.Options{}, func(k *kit) {
		c := k.request(iocontext.Options{})
		k.loop(func() {
			c.Run(func(js *isolate.JS) {
				fired := 0
				if _, err := c.SetTimer(js, 10, true, func(js *isolate.JS) {
					if fired++; fired > 1 {
						t.Error("fired again")
					}
					js.Panic(nilError{})
				}); err != nil {
					t.Error(err)
				}
			})
		})
		time.Sleep(time.Second)
		k.loop(func() {
			if c.Aborted() == nil {
				t.Error("not aborted")
			}
			c.Run(func(*isolate.JS) { t.Error("ran") })
		})
	})
}

type nilError struct{}

func (nilError) Error() string { return "out" }

func TestActiveTimersAreLimited(t *testing.T) {
	bubble(t, isolate.Options{Limits: isolate.Limits{Timers: 2}}, func(k *kit) {
		c := k.request(iocontext.Options{})
		k.run(c, `
			timer(() => {}, 1); clear(timer(() => {}, 1)); timer(() => {}, 10);
			const more = () => { try { timer(() => {}, 1); log("ok") } catch (e) { log(e.name + ": " + e.message) } };
			more(); await new Promise(r => { globalThis.r = r; wait("x").then(r) }); more(); more()`)
		time.Sleep(5 * time.Millisecond)
		k.settle("x")
		k.want("QuotaExceededError: You have exceeded the number of active timeouts you may set. max active timeouts: 2, current active timeouts: 2, finished timeouts: 1",
			"ok",
			"QuotaExceededError: You have exceeded the number of active timeouts you may set. max active timeouts: 2, current active timeouts: 2, finished timeouts: 2")
	})
}

func TestTimerIDsCountPerRealm(t *testing.T) {
	bubble(t, isolate.Options{}, func(k *kit) {
		a, b := k.request(iocontext.Options{}), k.request(iocontext.Options{})
		k.run(a, `log(timer(() => log("a"), 10)); log(timer(() => log("never"), 10, true))`)
		k.run(b, `log(timer(() => log("b"), 10)); clear(1)`) // another request's timer
		k.run(a, `clear(2)`)
		time.Sleep(time.Second)
		k.want("1", "2", "3", "a", "b")
	})
}

// A timer that is due waits for the gate; clearing it there still counts.
func TestTimerClearedWhileItWaitsForTheGate(t *testing.T) {
	bubble(t, isolate.Options{}, func(k *kit) {
		c := k.actor(iocontext.Options{})
		k.run(c, `const id = timer(() => log("cleared too late"), 10); timer(() => log("fired"), 10); await locked("x"); clear(id)`)
		time.Sleep(time.Second)
		k.want()
		k.settle("x")
		k.want("fired")
		k.loop(func() {
			if c.Tasks() != 0 {
				t.Errorf("%d tasks are left", c.Tasks())
			}
		})
	})
}

// A pending timer keeps an actor alive, a request not.
func TestTimersAreTasksOfActorsOnly(t *testing.T) {
	bubble(t, isolate.Options{}, func(k *kit) {
		for want, c := range []*iocontext.Context{k.request(iocontext.Options{}), k.actor(iocontext.Options{})} {
			k.run(c, `timer(() => {}, 10)`)
			k.loop(func() {
				if c.Tasks() != want {
					t.Errorf("actor %v: %d tasks", c.IsActor(), c.Tasks())
				}
			})
			time.Sleep(time.Second)
			k.loop(func() {
				if c.Tasks() != 0 {
					t.Errorf("actor %v: %d tasks after it fired", c.IsActor(), c.Tasks())
				}
			})
		}
	})
}
