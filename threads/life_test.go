package threads_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"workerd.local/threads"
)

func stay(s *threads.Spec) { s.Stay = true }

func die(s *threads.Spec) { s.DieOnFailure = true }

func TestMessagesGoBothWays(t *testing.T) {
	k := newKit(t)
	th := k.start(`receive(v => { post([v, 1]); if (v === 3) exit(7) })`, stay)
	for _, s := range []string{"1", "{ a: [new Date(5), undefined] }", "3"} {
		if err := th.Post(k.message(s)); err != nil {
			t.Fatal(err)
		}
	}
	k.want(`[1,1]; [{"a":["1970-01-01T00:00:00.005Z",null]},1]; [3,1]; exit 7`)
	if err := th.Post(k.message("1")); !errors.Is(err, threads.ErrDead) {
		t.Errorf("a message to the dead: %v", err)
	}
	if th.State() != threads.Dead || th.ExitCode() != 7 {
		t.Errorf("state %d, code %d", th.State(), th.ExitCode())
	}
}

// What comes while the entry is evaluated waits for its end, and keeps its order.
func TestInboxOpensWhenTheEntryIsThere(t *testing.T) {
	k := newKit(t)
	th := k.start(`(async () => { await scheduler.wait(20); receive(v => post(v)); post("ready") })()`, stay)
	for _, s := range []string{"1", "2", "3"} {
		if err := th.Post(k.message(s)); err != nil {
			t.Fatal(err)
		}
	}
	th.Stop()
	k.want(`"ready"; 1; 2; 3; exit 0`)
}

// An entry that waits for a message itself gets it.
func TestEntryMayWaitForAMessage(t *testing.T) {
	k := newKit(t)
	th := k.start(`new Promise(r => receive(v => { post(v); r() }))`, stay)
	if err := th.Post(k.message("1")); err != nil {
		t.Fatal(err)
	}
	k.want(`1`)
	th.Stop()
	k.want(`1; exit 0`)
}

func TestThreadsEndByThemselves(t *testing.T) {
	for source, want := range map[string]string{
		``:                              "exit 0",
		`post(1)`:                       "1; exit 0",
		`setTimeout(() => post(1), 10)`: "1; exit 0",
		`const r = hold(); setTimeout(() => { post(1); r(); r() }, 1)`:             "1; exit 0",
		`let n = 0; idle = () => { post(n); if (n++ < 2) setTimeout(() => {}) }`:   "0; 1; 2; exit 0",
		`onEnd(code => { post(code); return 4 })`:                                  "0; exit 4",
		`onEnd(code => { post(code); exit(9); post(2) }); exit(3); post(1)`:        "3; exit 3",
		`onEnd(code => { throw new Error("x") })`:                                  "failure Error: x; exit 0",
		`try { exit(3) } catch { post(1) } finally { post(2) }`:                    "exit 3",
		`Promise.resolve().then(() => post(1)); setTimeout(() => post(2)); exit()`: "exit 0",
		`setTimeout(() => exit(5), 1); setInterval(() => {}, 1)`:                   "exit 5",
		`new Promise(() => {})`:                                                    "exit 0",
	} {
		t.Run("", func(t *testing.T) {
			k := newKit(t)
			th := k.start(source)
			k.wait(th)
			k.want(want)
		})
	}
}

func TestExceptionsThatNothingCaught(t *testing.T) {
	for source, want := range map[string]string{
		`receive(() => { throw new TypeError("m") })`:   "failure TypeError: m; 2",
		`receive(v => {}); throw new RangeError("top")`: "failure RangeError: top; 2",
		`Promise.reject(new Error("late"))`:             "failure Error: late; 2",
		`(async () => { throw 5 })()`:                   "failure 5; 2",
		`throw { toString() { throw 1 } }`:              "failure [toString() conversion failed]; 2",
		`throw Object.create(null)`:                     "failure [toString() conversion failed]; 2",
		`throw Symbol("s")`:                             "failure Symbol(s); 2",
		`throw null`:                                    "failure null; 2",
		`throw new Proxy({}, { get() { throw 1 } })`:    "failure [toString() conversion failed]; 2",
		`const e = new RangeError; Object.defineProperty(e, "message", { get() { throw e } }); throw e`:    "failure RangeError: [toString() conversion failed]; 2",
		`const e = new RangeError("r"); Object.defineProperty(e, "stack", { get() { throw e } }); throw e`: "failure RangeError: r; 2",
		`throw Object.assign(new Error, { get message() { } })`:                                            "failure Error; 2",
		`const e = new Error("e"); Object.defineProperty(e, "name", { get() { throw e } }); throw e`:       "failure e; 2",
	} {
		t.Run("", func(t *testing.T) {
			k := newKit(t)
			th := k.start(source, stay)
			if err := th.Post(k.message("1")); err != nil {
				t.Fatal(err)
			}
			want, _, _ = strings.Cut(want, "; 2")
			k.want(want)
			th.Stop()
			k.want(want + "; exit 0")

			k = newKit(t)
			th = k.start(source, stay, die)
			_ = th.Post(k.message("1"))
			k.wait(th)
			k.want(want + "; exit 1")
		})
	}
}

func TestFailuresKeepWhatErrorsHave(t *testing.T) {
	k := newKit(t)
	got := make(chan *threads.Failure, 10)
	k.start(`class E extends RangeError { get inherited() { return 1 } }
		E.prototype.onProto = "p";
		const e = new E("m"); e.code = 5; e.list = [1, { a: 2 }]; e.name = "Own";
		throw e`, func(s *threads.Spec) { s.Owner.Failure = func(f *threads.Failure) { got <- f } })
	f := <-got
	if f.Name != "Own" || f.Message != "m" || !strings.Contains(f.Stack, "m\n    at ") ||
		string(f.Properties) != `{"code":5,"list":[1,{"a":2}],"name":"Own","onProto":"p"}` || f.Thrown == nil {
		t.Errorf("%+v %s", f, f.Properties)
	}
	k.start(`const e = new Error("m"); e.self = e; e.f = () => {}; throw e`, func(s *threads.Spec) { s.Owner.Failure = func(f *threads.Failure) { got <- f } })
	if f := <-got; f.Properties != nil || f.Message != "m" {
		t.Errorf("%+v", f)
	}
}

func TestStopLetsWhatWasSentRun(t *testing.T) {
	k := newKit(t)
	th := k.start(`receive(v => post(v)); onEnd(c => { post("end"); return c })`, stay)
	for range 3 {
		if err := th.Post(k.message("1")); err != nil {
			t.Fatal(err)
		}
	}
	th.Stop()
	k.want(`1; 1; 1; "end"; exit 0`)
	th.Stop()
	th.Kill()
	k.want(`1; 1; 1; "end"; exit 0`)
}

func TestKillEndsWhatRuns(t *testing.T) {
	for _, source := range []string{
		`post(0); for (;;);`,
		`post(0); for (;;) try { for (;;); } catch {} finally { for (;;); }`,
		`post(0); (async () => { for (;;) await null })()`,
		`post(0); setInterval(() => {}, 0)`,
		`post(0); receive(() => {})`,
		`post(0); new Array(1e7).fill(0).sort((a, b) => 1)`,
		`post(0); onEnd(() => { for (;;); }); exit(9)`,
	} {
		t.Run("", func(t *testing.T) {
			k := newKit(t)
			th := k.start(source, stay)
			k.want("0")
			time.Sleep(5 * time.Millisecond)
			th.Kill()
			k.wait(th)
			k.want("0; exit 9")
		})
	}
}

func TestKillBeforeTheStart(t *testing.T) {
	k := newKit(t)
	for range 50 {
		th := k.start(`for (;;);`, func(s *threads.Spec) { s.Owner.Exit = nil })
		th.Kill()
		k.wait(th)
	}
	k.want("")
}

// Nothing that waits to be heard is heard after a kill.
func TestTheKilledAreNotHeard(t *testing.T) {
	k := newKit(t)
	// Who is slow to listen has too many of them.
	k.start(`for (;;) try { post(1) } catch {}`, func(s *threads.Spec) { s.Owner.Message = func(threads.Message) {} })
	owner := k.start(`const kill = spawn("for (;;) try { post(1) } catch {}"); setTimeout(() => { kill(); post("killed"); kill() }, 30)`)
	k.wait(owner)
	all := k.all()
	if !strings.HasSuffix(all, `"killed"; child exit 9; exit 0`) && !strings.HasSuffix(all, `child exit 9; "killed"; exit 0`) {
		t.Errorf("heard %q", all[max(0, len(all)-200):])
	}
}

func TestChildrenEndFirst(t *testing.T) {
	for _, end := range []string{"exit(3)", "for (;;);", "throw 1", ""} {
		k := newKit(t)
		source := `say("leaf"); for (;;);`
		for range 3 {
			source = "spawn(" + quote(source) + "); " + `setTimeout(() => { for (;;); }, 5)`
		}
		th := k.start("spawn("+quote(source)+"); receive(() => { "+end+" })", stay, die)
		k.want(`leaf`)
		if end == "" {
			th.Kill()
		} else if err := th.Post(k.message("1")); err != nil {
			t.Fatal(err)
		}
		if end == "for (;;);" {
			th.Kill()
		}
		k.wait(th)
		for _, c := range k.children {
			if c.State() != threads.Dead {
				t.Errorf("%q: a child outlives its parent", end)
			}
		}
		if all := k.all(); strings.Contains(all, "child exit") || strings.Count(all, "exit") != 1 {
			t.Errorf("heard %q", all)
		}
	}
}

func TestChildrenKeepTheirParent(t *testing.T) {
	k := newKit(t)
	k.start(`spawn("setTimeout(() => { post(1); exit(2) }, 20)")`)
	k.want("1; child exit 2; exit 0")
}

func TestThreadsAreBounded(t *testing.T) {
	k := newKit(t, "threads.alive=3", "threads.children=2")
	k.start(`receive(() => {}); hold()`)
	if _, err := k.root.Start(threads.Spec{Body: &body{kit: k}, Stay: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := k.root.Start(threads.Spec{Body: &body{kit: k}, Stay: true}); err == nil || !strings.Contains(err.Error(), "it cannot have more") {
		t.Errorf("a child too many: %v", err)
	}
	k = newKit(t, "threads.alive=2")
	k.start(`spawn("hold()"); try { spawn("hold()") } catch (e) { post(e.name + e.message) }`)
	k.want(`"RangeErrorThere are 2 threads already, and there cannot be more."`)
}

func TestQueuesAreBounded(t *testing.T) {
	k := newKit(t, "threads.messages=3")
	th := k.start(`for (;;);`)
	for i := range 4 {
		if err := th.Post(k.message("1")); (i == 3) != errors.Is(err, threads.ErrFull) {
			t.Errorf("message %d: %v", i, err)
		}
	}
	k = newKit(t, "threads.bytes=1KiB")
	th = k.start(`for (;;);`)
	big := k.message(`"x".repeat(700)`)
	if err := th.Post(big); err != nil {
		t.Error(err)
	}
	if err := th.Post(big); !errors.Is(err, threads.ErrFull) {
		t.Error(err)
	}
	if err := th.Post(k.message("1")); err != nil {
		t.Error(err)
	}
}

func TestStackOverflowIsAnExceptionLikeAnyOther(t *testing.T) {
	k := newKit(t)
	th := k.start(`const f = () => f(); receive((v) => { if (v) try { f() } catch (e) { post(e.name) } f() })`, stay)
	for _, s := range []string{"1", "0"} {
		if err := th.Post(k.message(s)); err != nil {
			t.Fatal(err)
		}
	}
	const failure = "failure RangeError: Maximum call stack size exceeded"
	k.want(`"RangeError"; ` + failure + "; " + failure)
	th.Stop()
	k.want(`"RangeError"; ` + failure + "; " + failure + "; exit 0")

	k = newKit(t)
	th = k.start(`const f = () => f(); f()`, stay, die)
	k.wait(th)
	k.want(failure + "; exit 1")
}

func quote(s string) string {
	return "`" + strings.NewReplacer("\\", "\\\\", "`", "\\`", "$", "\\$").Replace(s) + "`"
}
