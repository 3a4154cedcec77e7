package iocontext_test

import (
	"errors"
	"testing"
	"time"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
)

func TestBlockDeliversItsResultBeforeAnyOtherEvent(t *testing.T) {
	bubble(t, isolate.Options{}, func(k *kit) {
		idle := 0
		c := k.actor(iocontext.Options{OnIdle: func() { idle++ }})
		k.run(c, `const p = block(async () => { log("in"); log(await wait("x")); return "result" }); log("called"); log(await p); log("after")`)
		k.run(c, `log("other event"); log(await wait("y"))`)
		k.want("called", "in")
		k.settle("y")
		k.want()
		k.settle("x")
		k.want("x", "result", "after", "other event", "y")
		if idle != 1 {
			t.Errorf("idle %d times", idle)
		}
	})
}

func TestBlocksOfOneTurnRunOneAfterTheOther(t *testing.T) {
	bubble(t, isolate.Options{}, func(k *kit) {
		c := k.actor(iocontext.Options{})
		k.run(c, `for (const n of ["a", "b"]) block(async () => { log("in " + n); await wait(n); log("out " + n) })`)
		k.want("in a")
		k.settle("b")
		k.want()
		k.settle("a")
		k.want("out a", "in b", "out b")
	})
}

func TestNestedBlocks(t *testing.T) {
	bubble(t, isolate.Options{}, func(k *kit) {
		c := k.actor(iocontext.Options{})
		k.run(c, `log(await block(async () => {
			timer(() => log("timer of the block"), 5);
			const v = await block(async () => await wait("x"));
			log("inner " + v); await wait("y"); return "outer" }))`)
		k.run(c, `log("other event")`)
		k.settle("x")
		k.want("inner x")
		time.Sleep(10 * time.Millisecond)
		k.want("timer of the block") // it belongs to the critical section
		k.settle("y")
		k.want("outer", "other event")
	})
}

func TestTimerFromOutsideWaitsForTheBlock(t *testing.T) {
	bubble(t, isolate.Options{}, func(k *kit) {
		c := k.actor(iocontext.Options{})
		k.run(c, `timer(() => log("timer"), 5); block(async () => { await wait("x"); log("out") })`)
		time.Sleep(time.Second)
		k.want()
		k.settle("x")
		k.want("out", "timer")
	})
}

func TestBlockThatFailsResetsTheActor(t *testing.T) {
	for name, body := range map[string]string{
		"throws":        `() => { throw new RangeError("bad") }`,
		"rejects":       `async () => { throw new RangeError("bad") }`,
		"rejects later": `async () => { await wait("x"); throw new RangeError("bad") }`,
		"nested":        `async () => { await block(async () => { throw new RangeError("bad") }) }`,
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, isolate.Options{}, func(k *kit) {
				var told []error
				c := k.actor(iocontext.Options{OnAbort: func(err error) { told = append(told, err) }})
				k.run(c, `block(`+body+`).then(() => log("fulfilled"), () => log("rejected"))`)
				k.run(c, `log("other event")`)
				k.settle("x")
				k.want()
				k.loop(func() {
					var e *exception.Exception
					if len(told) != 1 || !errors.As(told[0], &e) || e.Error() != "RangeError: bad" || !e.Reset() || e.Broken != exception.InputGateBroken {
						t.Errorf("told %v", told)
					}
					if c.Gates().Input.Broken() == nil {
						t.Error("the gate is not broken")
					}
					if c.Tasks() != 0 {
						t.Errorf("%d tasks are left", c.Tasks())
					}
				})
			})
		})
	}
}

func TestCaughtFailureRejectsAndTheActorLivesOn(t *testing.T) {
	bubble(t, isolate.Options{}, func(k *kit) {
		c := k.actor(iocontext.Options{})
		k.run(c, `try { await block(async () => { await wait("x"); throw new RangeError("rolled back") }, true) } catch (e) { log(String(e)) }
			try { await block(() => { throw e1 }, true) } catch (e) { log(e.constructor.name) }`)
		k.run(c, `log("other event")`)
		k.settle("x")
		k.want("RangeError: rolled back", "ReferenceError", "other event")
		k.loop(func() {
			if c.Ended() {
				t.Errorf("aborted: %v", c.Aborted())
			}
		})
	})
}

// The time of a block begins with its callback: it does not wait at its own expense.
func TestBlockIsNotChargedForItsWait(t *testing.T) {
	bubble(t, isolate.Options{}, func(k *kit) {
		c := k.actor(iocontext.Options{})
		k.run(c, `for (const n of ["a", "b"]) block(async () => { await wait(n); log("out " + n) })`)
		time.Sleep(20 * time.Second)
		k.settle("a")
		time.Sleep(20 * time.Second)
		k.settle("b")
		k.want("out a", "out b")
		k.loop(func() {
			if c.Ended() {
				t.Errorf("aborted: %v", c.Aborted())
			}
		})
	})
}

// What is left for the end of the turn that made a block is done before it begins.
func TestBlockBeginsBehindItsTurn(t *testing.T) {
	bubble(t, isolate.Options{}, func(k *kit) {
		c := k.actor(iocontext.Options{})
		k.loop(func() {
			c.Run(func(js *isolate.JS) {
				_, err := c.BlockConcurrencyWhile(js, func(*isolate.JS) (goja.Value, error) {
					k.out = append(k.out, "block")
					return goja.Undefined(), nil
				}, nil)
				if err != nil {
					t.Error(err)
				}
				c.Loop().AtTurnEnd(func() { k.out = append(k.out, "turn's end") })
			})
		})
		k.want("turn's end", "block")
	})
}

func TestBlockTakesHalfAMinuteAtMost(t *testing.T) {
	bubble(t, isolate.Options{}, func(k *kit) {
		c := k.actor(iocontext.Options{})
		k.run(c, `block(() => new Promise(() => {})).then(() => log("fulfilled"), () => log("rejected"))`)
		time.Sleep(30*time.Second - time.Millisecond)
		k.loop(func() {
			if c.Ended() {
				t.Error("too early")
			}
		})
		time.Sleep(2 * time.Millisecond)
		k.want()
		k.loop(func() {
			var e *exception.Exception
			if !errors.As(c.Aborted(), &e) || !e.Overloaded() || !e.Reset() ||
				e.Message != "A call to blockConcurrencyWhile() in a Durable Object waited for too long. The call was canceled and the Durable Object was reset." {
				t.Errorf("aborted with %v", c.Aborted())
			}
			if c.Tasks() != 0 {
				t.Errorf("%d tasks are left", c.Tasks())
			}
		})
	})
}

func TestBlockThatEndedInTimeIsForgotten(t *testing.T) {
	bubble(t, isolate.Options{}, func(k *kit) {
		c := k.actor(iocontext.Options{})
		k.run(c, `await block(async () => {}); log("done")`)
		time.Sleep(time.Hour)
		k.want("done")
		k.loop(func() {
			if c.Ended() || c.Tasks() != 0 {
				t.Errorf("aborted %v, %d tasks", c.Aborted(), c.Tasks())
			}
		})
	})
}

func TestBlocksNestUpTo64Deep(t *testing.T) {
	bubble(t, isolate.Options{}, func(k *kit) {
		c := k.actor(iocontext.Options{})
		k.run(c, `let depth = 0; const down = async () => { depth++; if (depth < 64) return block(down); try { block(down) } catch (e) { log(e.message) } return "bottom" };
			log(await block(down)); log(depth)`)
		k.want("blockConcurrencyWhile() calls are nested too deeply.", "bottom", "64")
	})
}

func TestBlockNeedsAnActor(t *testing.T) {
	bubble(t, isolate.Options{}, func(k *kit) {
		c := k.request(iocontext.Options{})
		k.run(c, `try { block(() => {}) } catch (e) { log(e.message) }`)
		k.want("blockConcurrencyWhile() needs a Durable Object.")
	})
}

func TestAbortInsideABlockEndsIt(t *testing.T) {
	bubble(t, isolate.Options{}, func(k *kit) {
		c := k.actor(iocontext.Options{})
		k.run(c, `block(() => wait("x")).then(() => log("settled"))`)
		k.loop(func() { c.Abort(exception.Errorf("shut down")) })
		k.settle("x")
		time.Sleep(time.Hour)
		k.want()
		k.loop(func() {
			if c.Tasks() != 0 || c.Aborted().Error() != "Error: shut down" {
				t.Errorf("%d tasks, %v", c.Tasks(), c.Aborted())
			}
		})
	})
}

// Capture brings work back into the critical section and the frame it came from.
func TestCaptureLeadsBackIntoTheSection(t *testing.T) {
	bubble(t, isolate.Options{}, func(k *kit) {
		c := k.actor(iocontext.Options{})
		var back iocontext.Entry
		vars := &isolate.Frame{Owner: c, Vars: &isolate.Var{Key: "k", Value: "v"}}
		k.loop(func() {
			c.Run(func(js *isolate.JS) {
				_, err := c.BlockConcurrencyWhile(js, func(js *isolate.JS) (goja.Value, error) {
					js.In(vars, func() { back = c.Capture(js) })
					js.In(&isolate.Frame{Owner: "foreign"}, func() {
						if e := c.Capture(js); e.Frame != nil {
							t.Error("a foreign frame was captured")
						}
					})
					p, _, _ := js.NewPromise()
					return p, nil
				}, nil)
				if err != nil {
					t.Error(err)
				}
			})
		})
		k.loop(func() {
			c.Run(func(*isolate.JS) { t.Error("an event got in") })
			c.RunIn(back, func(js *isolate.JS) {
				if v, _ := js.Frame().Vars.Lookup("k"); v != "v" || c.Lock() == nil || c.Lock().Section() == nil {
					t.Error("not back where it came from")
				}
				k.out = append(k.out, "back")
			}, nil)
		})
		k.want("back")
		k.loop(c.End)
	})
}

func TestBrokenOutputGateAbortsTheActor(t *testing.T) {
	bubble(t, isolate.Options{}, func(k *kit) {
		c := k.actor(iocontext.Options{})
		lost := exception.Errorf("disk full").WithBroken(exception.OutputGateBroken)
		k.loop(func() {
			f := k.future("commit")
			c.Gates().Output.LockWhile(resultOf(f))
			if _, _, ready := c.WaitForOutput().Ready(); ready {
				t.Error("output does not wait")
			}
			f.Reject(lost)
		})
		k.loop(func() {
			if !errors.Is(c.Aborted(), lost) {
				t.Errorf("aborted with %v", c.Aborted())
			}
		})
		r := k.request(iocontext.Options{})
		k.loop(func() {
			if _, _, ready := r.WaitForOutput().Ready(); !ready {
				t.Error("a request waits for output")
			}
		})
	})
}
