package iocontext_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/gates"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/loop"
)

func TestCurrentNeedsAHandler(t *testing.T) {
	bubble(t, isolate.Options{}, func(k *kit) {
		k.loop(func() {
			_ = k.realm.Run(nil, func(js *isolate.JS) {
				if _, err := iocontext.Current(js); err == nil || !strings.HasPrefix(err.Error(), "Error: Disallowed operation called within global scope. Asynchronous I/O") {
					t.Errorf("global scope: %v", err)
				}
				if _, err := iocontext.Owned(js, "Kind", 1); err == nil {
					t.Error("owned by nobody")
				}
			})
			_ = k.realm.Run(&isolate.Frame{Owner: "someone else"}, func(js *isolate.JS) {
				if _, err := iocontext.Current(js); err == nil {
					t.Error("another owner counts as a context")
				}
			})
		})
		c := k.request(iocontext.Options{})
		k.run(c, `log(current()); await null; log(current())`)
		k.want("ok", "ok")
		k.run(c, `globalThis.check = () => log(current())`)
		k.loop(func() { c.Abort(exception.TypeErrorf("gone")) })
		k.loop(func() {
			_ = k.realm.Run(c.Frame(), func(js *isolate.JS) { _, _ = js.Call(js.Runtime().Get("check"), nil) })
		})
		k.want("TypeError: gone")
	})
}

// A ready result settles in the order of the microtasks, as if it had been there;
// no event gets in between.
func TestReadyResultStaysInTheTurn(t *testing.T) {
	bubble(t, isolate.Options{}, func(k *kit) {
		c := k.actor(iocontext.Options{})
		k.loop(func() {
			c.Run(func(js *isolate.JS) {
				_, _ = js.Call(function(js, `
					Promise.resolve().then(() => log("first"));
					const p = ready("ready").then(log);
					Promise.resolve().then(() => log("last"));
					await p; await ready("r2"); log("after");
					try { await fail() } catch (e) { log(String(e)) }`), nil)
			})
			c.Run(func(js *isolate.JS) { k.out = append(k.out, "next event") })
		})
		k.want("first", "ready", "last", "after", "TypeError: failed", "next event")
	})
}

// A later result is an event: it waits for the input gate like any other.
func TestLaterResultWaitsForTheInputGate(t *testing.T) {
	bubble(t, isolate.Options{}, func(k *kit) {
		c := k.actor(iocontext.Options{})
		k.run(c, `log(await wait("x"))`)
		var release func()
		k.loop(func() {
			l, err, ok := c.Gates().Input.Wait().Ready()
			if err != nil || !ok {
				t.Fatalf("the gate is not open: %v", err)
			}
			release = l.Release
		})
		k.settle("x")
		k.want()
		k.loop(release)
		k.want("x")
	})
}

func TestWhenOpenWaitsForTheInputGate(t *testing.T) {
	bubble(t, isolate.Options{}, func(k *kit) {
		tell := func(c *iocontext.Context, text string) {
			k.loop(func() { c.WhenOpen(iocontext.Entry{}, func() { k.out = append(k.out, text) }) })
		}
		tell(k.request(iocontext.Options{}), "request")
		c := k.actor(iocontext.Options{})
		tell(c, "open")
		k.want("request", "open")
		var held *gates.Lock
		hold := func() {
			k.loop(func() {
				l, err, ok := c.Gates().Input.Wait().Ready()
				if err != nil || !ok {
					t.Fatalf("the gate is not open: %v", err)
				}
				held = l
			})
		}
		hold()
		tell(c, "waited")
		k.want()
		k.loop(func() { held.Release() })
		k.want("waited")
		hold() // nothing was kept
		tell(c, "too late")
		k.loop(c.End)
		k.loop(func() { held.Release() })
		tell(c, "ended")
		k.want()
	})
}

func TestAwaitLockedKeepsOtherEventsOut(t *testing.T) {
	bubble(t, isolate.Options{}, func(k *kit) {
		c := k.actor(iocontext.Options{})
		k.run(c, `log("before " + await locked("x")); log("still alone")`)
		k.run(c, `log("other event")`)
		k.want()
		k.settle("x")
		k.want("before x", "still alone", "other event")
		k.run(c, `log(await locked("x"))`) // ready: holds nothing
		k.run(c, `log("next")`)
		k.want("x", "next")
		r := k.request(iocontext.Options{})
		k.run(r, `log(await locked("x"))`) // no gate to hold
		k.want("x")
	})
}

func TestPromiseNeverSettlesAfterTheEnd(t *testing.T) {
	for name, end := range map[string]func(c *iocontext.Context){
		"end":   (*iocontext.Context).End,
		"abort": func(c *iocontext.Context) { c.Abort(nil) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, isolate.Options{}, func(k *kit) {
				for _, c := range []*iocontext.Context{k.request(iocontext.Options{}), k.actor(iocontext.Options{})} {
					k.run(c, `wait("x").then(() => log("settled"), () => log("rejected")); timer(() => log("fired"), 1)`)
					k.loop(func() { end(c) })
					k.settle("x")
					time.Sleep(time.Second)
					k.want()
					delete(k.futures, "x")
				}
			})
		})
	}
}

func TestAbortTellsOnceAndTheFirstReasonWins(t *testing.T) {
	bubble(t, isolate.Options{}, func(k *kit) {
		var told []error
		first := exception.TypeErrorf("first")
		c := k.request(iocontext.Options{OnAbort: func(err error) { told = append(told, err) }})
		k.loop(func() {
			c.Abort(first)
			c.Abort(exception.TypeErrorf("second"))
			c.End()
			if len(told) != 1 || told[0] != first || c.Aborted() != first || !c.Ended() {
				t.Errorf("told %v, aborted %v", told, c.Aborted())
			}
			if cause := context.Cause(c.Context()); cause != first {
				t.Errorf("cause %v", cause)
			}
			var failed error
			c.RunIn(iocontext.Entry{}, func(*isolate.JS) { t.Error("ran") }, func(err error) { failed = err })
			if failed != first {
				t.Errorf("a later turn gave %v", failed)
			}
		})
		e := k.request(iocontext.Options{OnAbort: func(error) { t.Error("an ended context was aborted") }})
		k.loop(func() {
			e.End()
			e.Abort(first)
			if e.Aborted() != nil {
				t.Error("aborted after the end")
			}
			e.RunIn(iocontext.Entry{}, func(*isolate.JS) { t.Error("ran") }, func(err error) {
				if err.Error() != "Error: The execution context which hosts this callback is no longer running." {
					t.Error(err)
				}
			})
		})
		n := k.request(iocontext.Options{})
		k.loop(func() {
			n.Abort(nil)
			if n.Aborted().Error() != "Error: The execution context responding to this call was canceled." {
				t.Error(n.Aborted())
			}
		})
	})
}

// An exception out of a turn is handed on as one that may leave the realm.
func TestExceptionOutOfATurnIsToldAsAnException(t *testing.T) {
	bubble(t, isolate.Options{}, func(k *kit) {
		c := k.request(iocontext.Options{})
		k.loop(func() {
			c.RunIn(iocontext.Entry{}, func(js *isolate.JS) {
				v, err := js.Runtime().RunString(`({ name: "RangeError", get message() { return "looked at" }, toString() { throw 1 } })`)
				if err != nil {
					t.Fatal(err)
				}
				panic(v)
			}, func(err error) {
				var e *exception.Exception
				if !errors.As(err, &e) || e.Error() != "RangeError: looked at" {
					t.Errorf("told %v", err)
				}
			})
			if c.Ended() {
				t.Error("the context ended though somebody took the error")
			}
			c.Run(func(js *isolate.JS) { js.Panic(exception.TypeErrorf("out")) })
			if c.Aborted() == nil || c.Aborted().Error() != "TypeError: out" {
				t.Errorf("aborted with %v", c.Aborted())
			}
		})
	})
}

func TestTurnOfACondemnedRealmFails(t *testing.T) {
	bubble(t, isolate.Options{}, func(k *kit) {
		c := k.request(iocontext.Options{})
		other := k.request(iocontext.Options{})
		k.loop(func() {
			c.Run(func(js *isolate.JS) { panic("bug") })
			var e *exception.Exception
			if !errors.As(c.Aborted(), &e) || !errors.Is(e, isolate.ErrPanic) || e.Broken != exception.Dropped {
				t.Errorf("aborted with %v", c.Aborted())
			}
			other.RunIn(iocontext.Entry{}, func(*isolate.JS) { t.Error("ran") }, func(err error) {
				if !errors.Is(err, isolate.ErrPanic) {
					t.Error(err)
				}
			})
		})
	})
}

func TestOnEndRunsOnceUnlessTakenBack(t *testing.T) {
	bubble(t, isolate.Options{}, func(k *kit) {
		for _, end := range []func(*iocontext.Context){(*iocontext.Context).End, func(c *iocontext.Context) { c.Abort(nil) }} {
			c := k.request(iocontext.Options{})
			k.loop(func() {
				ran := map[string]int{}
				c.OnEnd(func() { ran["kept"]++ })
				c.OnEnd(func() { ran["taken back"]++ })()
				c.OnEnd(func() { c.OnEnd(func() { ran["nested"]++ }) })
				end(c)
				end(c)
				c.OnEnd(func() { ran["late"]++ })()
				if len(ran) != 3 || ran["kept"] != 1 || ran["nested"] != 1 || ran["late"] != 1 {
					t.Errorf("ran %v", ran)
				}
			})
		}
	})
}

// ending is tied to a context.
type ending struct{ ended int }

func (e *ending) ContextEnded() { e.ended++ }

func TestTiesEndWithTheContextOrItsParent(t *testing.T) {
	for name, end := range map[string]func(c *iocontext.Context, parent func()){
		"end":    func(c *iocontext.Context, _ func()) { c.End() },
		"abort":  func(c *iocontext.Context, _ func()) { c.Abort(nil) },
		"parent": func(_ *iocontext.Context, parent func()) { parent() },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, isolate.Options{}, func(k *kit) {
				parent, cancel := context.WithCancel(context.Background())
				defer cancel()
				c := k.request(iocontext.Options{Parent: parent})
				var kept, back, late, again ending
				k.loop(func() {
					c.Tie(&kept)
					c.Tie(&back)
					c.Untie(&back)
					end(c, cancel)
				})
				synctest.Wait()
				k.loop(func() { c.Tie(&late) })
				synctest.Wait()
				k.loop(func() {
					c.Tie(&again)
					c.Untie(&again)
					if kept.ended != 1 || back.ended != 0 || late.ended != 1 || name == "parent" && c.Ended() {
						t.Errorf("kept %d, taken back %d, late %d", kept.ended, back.ended, late.ended)
					}
					c.End()
				})
			})
		})
	}
}

func TestBackgroundWorkEndsWithTheContext(t *testing.T) {
	for name, end := range map[string]func(*iocontext.Context){
		"end": (*iocontext.Context).End, "abort": func(c *iocontext.Context) { c.Abort(nil) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, isolate.Options{}, func(k *kit) {
				c := k.request(iocontext.Options{})
				canceled := false
				k.loop(func() {
					r := iocontext.Background(c, func(ctx context.Context) (int, error) {
						<-ctx.Done()
						canceled = true
						return 0, ctx.Err()
					})
					c.Run(func(js *isolate.JS) {
						p := iocontext.Await(js, c, r, nil)
						js.OnSettled(p, func(*isolate.JS, goja.Value, error) { t.Error("settled") })
					})
				})
				k.loop(func() { end(c) })
				if !canceled {
					t.Error("the work goes on")
				}
				k.loop(func() {
					_, err, ok := iocontext.Background(c, func(context.Context) (int, error) { t.Error("started"); return 0, nil }).Ready()
					if !ok || err == nil {
						t.Errorf("work of an ended context: %v", err)
					}
				})
			})
		})
	}
}

func TestBackgroundComesBackAsAnEvent(t *testing.T) {
	bubble(t, isolate.Options{}, func(k *kit) {
		parent, cancel := context.WithCancel(k.Context())
		defer cancel()
		c := k.request(iocontext.Options{Parent: parent})
		await := func(work func(context.Context) (string, error)) {
			k.loop(func() {
				c.Run(func(js *isolate.JS) {
					p := iocontext.Await(js, c, iocontext.Background(c, work), toValue)
					js.OnSettled(p, func(js *isolate.JS, v goja.Value, err error) {
						if err != nil {
							k.out = append(k.out, err.Error())
							return
						}
						k.out = append(k.out, v.String())
					})
				})
			})
		}
		await(func(context.Context) (string, error) { time.Sleep(time.Hour); return "done", nil })
		k.want()
		time.Sleep(2 * time.Hour)
		k.want("done")
		await(func(context.Context) (string, error) { return "", exception.RangeErrorf("bad") })
		k.want("RangeError: bad")
		await(func(context.Context) (string, error) { panic("bug") })
		k.loop(func() {
			if len(k.out) != 1 || !strings.HasPrefix(k.out[0], "Error: internal error; reference = ") {
				t.Errorf("a panic gave %q", k.out)
			}
			k.out = nil
		})
		await(func(ctx context.Context) (string, error) { <-ctx.Done(); return "canceled", nil })
		cancel()
		synctest.Wait()
		k.want("canceled") // a parent that ends stops the work; the context itself lives on
	})
}

func TestTasksKeepTheContextAlive(t *testing.T) {
	bubble(t, isolate.Options{}, func(k *kit) {
		idle := 0
		c := k.request(iocontext.Options{OnIdle: func() { idle++ }})
		k.loop(func() {
			a, b, later := c.StartTask(), c.StartTask(), c.StartTask()
			k.future("x").Then(func(_ string, err error) { later(err) })
			a(nil)
			a(errors.New("again"))
			b(exception.Errorf("first"))
			if c.Tasks() != 1 || idle != 0 {
				t.Errorf("%d tasks, idle %d times", c.Tasks(), idle)
			}
			k.future("x").Reject(exception.Errorf("second"))
		})
		k.loop(func() {
			if c.Tasks() != 0 || idle != 1 || c.TaskError().Error() != "Error: first" {
				t.Errorf("%d tasks, idle %d times, %v", c.Tasks(), idle, c.TaskError())
			}
			c.StartTask()(nil)
			if idle != 2 {
				t.Errorf("idle %d times", idle)
			}
		})
	})
}

// A stateless context with nothing that could wake it has hung; tasks do not
// count, since they wait themselves.
func TestHangDetection(t *testing.T) {
	for name, c := range map[string]struct {
		body  string
		actor bool
		hangs bool
	}{
		"nothing pending":   {`await new Promise(() => {})`, false, true},
		"answered at once":  {``, false, true}, // the owner decides whether an answer is missing
		"read pending":      {`await wait("x")`, false, false},
		"timer pending":     {`timer(() => {}, 1000)`, false, false},
		"timer cleared":     {`clear(timer(() => {}, 1000))`, false, true},
		"actor":             {`await new Promise(() => {})`, true, false},
		"ready result":      {`await ready("x"); await new Promise(() => {})`, false, true},
		"microtask goes on": {`await null; await null; await wait("x")`, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, isolate.Options{}, func(k *kit) {
				var hung []error
				o := iocontext.Options{OnHang: func() { hung = append(hung, iocontext.Hung()) }}
				ioc := (*iocontext.Context)(nil)
				if c.actor {
					ioc = k.actor(o)
				} else {
					ioc = k.request(o)
				}
				k.run(ioc, c.body)
				k.loop(func() {
					if (len(hung) > 0) != c.hangs || len(hung) > 1 {
						t.Errorf("hang told %v", hung)
					}
					if len(hung) > 0 && !strings.HasPrefix(hung[0].Error(), "Error: The Workers runtime canceled this request because it detected that your Worker's code had hung and would never generate a response.") {
						t.Error(hung[0])
					}
				})
			})
		})
	}
}

func TestHangIsFoundWhenTheLastEventWasForNothing(t *testing.T) {
	bubble(t, isolate.Options{}, func(k *kit) {
		hung := 0
		c := k.request(iocontext.Options{OnHang: func() { hung++ }})
		check := func(want int, when string) {
			k.Helper()
			k.loop(func() {
				if hung != want {
					t.Errorf("%s: hang told %d times", when, hung)
				}
			})
		}
		k.run(c, `await wait("x"); await new Promise(r => timer(r, 1000)); await wait("y"); await new Promise(() => {})`)
		check(0, "waiting for x")
		k.settle("x")
		check(0, "waiting for the timer")
		time.Sleep(2 * time.Second)
		check(0, "waiting for y")
		var done func()
		k.loop(func() { done = c.AddPending() })
		k.settle("y")
		check(0, "something else is pending")
		k.loop(func() { done(); done() })
		check(1, "nothing is pending")
	})
}

func TestOwnedObjectsStayWithTheirContext(t *testing.T) {
	const request = "Error: Cannot perform I/O on behalf of a different request. I/O objects (such as streams, request/response bodies, and others) created in the context of one request handler cannot be accessed from a different request's handler. This is a limitation of Cloudflare Workers which allows us to improve overall performance. (I/O type: Thing)"
	const object = "Error: Cannot perform I/O on behalf of a different Durable Object. I/O objects (such as streams, request/response bodies, and others) created in the context of one Durable Object cannot be accessed from a different Durable Object in the same isolate. This is a limitation of Cloudflare Workers which allows us to improve overall performance. (I/O type: Thing)"
	bubble(t, isolate.Options{}, func(k *kit) {
		mine, other, actor := k.request(iocontext.Options{}), k.request(iocontext.Options{}), k.actor(iocontext.Options{})
		var own iocontext.Own[int]
		k.loop(func() {
			mine.Run(func(js *isolate.JS) {
				var err error
				if own, err = iocontext.Owned(js, "Thing", 7); err != nil {
					t.Error(err)
				}
				if v, err := own.Get(js); v != 7 || err != nil || own.Owner() != mine {
					t.Errorf("owner gets %d, %v", v, err)
				}
			})
			for c, want := range map[*iocontext.Context]string{other: request, actor: object} {
				c.Run(func(js *isolate.JS) {
					if v, err := own.Get(js); v != 0 || err == nil || err.Error() != want {
						t.Errorf("another context gets %d, %v", v, err)
					}
				})
			}
			_ = k.realm.Run(nil, func(js *isolate.JS) {
				if _, err := own.Get(js); err == nil || !strings.Contains(err.Error(), "global scope") {
					t.Errorf("the global scope gets %v", err)
				}
			})
			mine.Run(func(js *isolate.JS) {
				var none iocontext.Own[int]
				if _, err := none.Get(js); err == nil || none.Owner() != nil {
					t.Error("the zero Own belongs to somebody")
				}
				mine.Abort(exception.Errorf("gone"))
				if _, err := own.Get(js); err == nil || err.Error() != "Error: gone" {
					t.Errorf("an aborted owner gets %v", err)
				}
			})
		})
	})
}

func TestLocalIsMadeOncePerContext(t *testing.T) {
	bubble(t, isolate.Options{}, func(k *kit) {
		a, b := k.request(iocontext.Options{}), k.request(iocontext.Options{})
		n := 0
		next := func() int { n++; return n }
		k.loop(func() {
			got := []int{iocontext.Local(a, "k", next), iocontext.Local(a, "k", next), iocontext.Local(b, "k", next), iocontext.Local(a, "l", next)}
			if got[0] != 1 || got[1] != 1 || got[2] != 2 || got[3] != 3 {
				t.Error(got)
			}
		})
	})
}

// What fails in conv rejects the promise; in the turn of the result, not the caller's.
func TestConversionThatFailsRejects(t *testing.T) {
	bubble(t, isolate.Options{}, func(k *kit) {
		c := k.request(iocontext.Options{})
		bad := func(*isolate.JS, string) (goja.Value, error) { return nil, exception.RangeErrorf("conv") }
		for _, r := range []loop.Result[string]{loop.Now("x"), loop.Later(k.future("x"))} {
			k.loop(func() {
				c.Run(func(js *isolate.JS) {
					js.OnSettled(iocontext.Await(js, c, r, bad), func(js *isolate.JS, v goja.Value, err error) { k.out = append(k.out, err.Error()) })
				})
			})
			k.settle("x")
			k.want("RangeError: conv")
		}
	})
}

// What an actor waits for keeps it, whichever request began it; a request is kept by
// its tasks only.
func TestPendingEventsOfAnActorAreTasks(t *testing.T) {
	for name, want := range map[string]int{"actor": 1, "request": 0} {
		t.Run(name, func(t *testing.T) {
			bubble(t, isolate.Options{}, func(k *kit) {
				idle := 0
				o := iocontext.Options{OnIdle: func() { idle++ }}
				c := k.request(o)
				if name == "actor" {
					c = k.actor(o)
				}
				k.loop(func() {
					done := c.AddPending()
					if c.Tasks() != want {
						t.Errorf("%d tasks", c.Tasks())
					}
					done()
					done()
					if c.Tasks() != 0 || idle != want {
						t.Errorf("%d tasks, idle %d times", c.Tasks(), idle)
					}
				})
			})
		})
	}
}
