package actor

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"workerd.local/actorid"
	"workerd.local/event"
	"workerd.local/loop"
	"workerd.local/storage"
)

// bench is a scheduler whose actors, storage and clock are the test's.
type bench struct {
	t   *testing.T
	l   *loop.Loop
	now time.Time
	s   *scheduler

	log       []string
	done      func(event.Outcome, bool) // of the run under way
	abandoned func(error)               // of the deletion under way
	settled   func(storage.Due, error)  // of the question under way
	asked     storage.Due               // that question
	jitter    float64
	refused   time.Time // until when the actor takes no alarms
}

var epoch = time.UnixMilli(1_700_000_000_000)

func newBench(t *testing.T) *bench {
	b := &bench{t: t, now: epoch}
	b.l = loop.New(loop.Options{Now: func() time.Time { return b.now }})
	b.s = &scheduler{
		overdue: newOverdue(),
		l:       b.l,
		run: func(d storage.Due, _ bool, done func(event.Outcome, bool)) {
			b.sayf("run %s retries %d%s", b.at(d.Time), d.Retries, named(d))
			b.done = done
		},
		abandon: func(d storage.Due, done func(error)) { b.sayf("abandon %s", b.at(d.Time)); b.abandoned = done },
		settle: func(d storage.Due, done func(storage.Due, error)) {
			b.sayf("settle %s retries %d", b.at(d.Time), d.Retries)
			b.asked, b.settled = d, done
		},
		refused: func(storage.Due) time.Time { return b.refused },
		jitter:  func() float64 { return b.jitter },
		failed:  func(_ storage.Due, what string, err error) { b.sayf("failed: %s: %v", what, err) },
		alarms:  map[string]*scheduled{},
	}
	return b
}

func named(d storage.Due) string {
	if d.Name == "" {
		return ""
	}
	return " name " + d.Name
}

// at is a time as seconds of the test's clock.
func (b *bench) at(t time.Time) string {
	if t.IsZero() {
		return "none"
	}
	return fmt.Sprintf("%gs", t.Sub(epoch).Seconds())
}

func (b *bench) sayf(format string, args ...any) {
	b.log = append(b.log, b.at(b.now)+": "+fmt.Sprintf(format, args...))
}

// when is n seconds after the start; 0 is no time at all.
func when(n float64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return epoch.Add(time.Duration(n * float64(time.Second)))
}

var someone = actorid.ID{Namespace: "ns", Key: "actor"}

func (b *bench) due(n float64) storage.Due { return storage.Due{Actor: someone, Time: when(n)} }

func (b *bench) turn(fn func()) { b.l.Turn(fn); b.l.RunPending() }

func (b *bench) set(n float64)    { b.turn(func() { b.s.moved(b.due(n), false) }) }
func (b *bench) stored(n float64) { b.turn(func() { b.s.moved(b.due(n), true) }) }
func (b *bench) both(n float64)   { b.set(n); b.stored(n) }

func (b *bench) sleep(d time.Duration) { b.now = b.now.Add(d); b.l.RunPending() }

// end ends the run under way.
func (b *bench) end(o event.Outcome, broke bool) {
	b.t.Helper()
	done := b.done
	if done == nil {
		b.t.Fatalf("nothing runs; so far: %q", b.log)
	}
	b.done = nil
	b.turn(func() { done(o, broke) })
}

var (
	went     = event.Outcome{Status: event.OK}
	threw    = event.Outcome{Status: event.Exception, Retry: true, Counted: true}
	machine  = event.Outcome{Status: event.Exception, Retry: true}
	canceled = event.Outcome{Status: event.Canceled}
	aborted  = event.Outcome{Status: event.Aborted}
)

// want compares what has happened, and forgets it.
func (b *bench) want(lines ...string) {
	b.t.Helper()
	if !slices.Equal(b.log, lines) {
		b.t.Errorf("got:\n\t%s\nwant:\n\t%s", strings.Join(b.log, "\n\t"), strings.Join(lines, "\n\t"))
	}
	b.log = nil
}

func (b *bench) wantGone() {
	b.t.Helper()
	b.sleep(10_000 * time.Hour)
	b.want()
	if len(b.s.alarms) != 0 {
		b.t.Errorf("%d alarms are left", len(b.s.alarms))
	}
}

func TestScheduler(t *testing.T) {
	for name, story := range map[string]func(b *bench){
		"the alarm of an actor that is refused waits, and that is no try": func(b *bench) {
			d := b.due(1)
			d.Retries = 6 // one more failure of any kind would be the last
			b.refused = when(30)
			b.turn(func() { b.s.load(d) })
			b.sleep(29 * time.Second)
			b.want()
			b.sleep(time.Second)
			b.want("30s: run 1s retries 6")
			b.end(went, false)
			b.wantGone()
		},
		"an alarm that is moved while its actor is refused runs at the later of both times": func(b *bench) {
			b.refused = when(30)
			b.both(1)
			b.sleep(2 * time.Second)
			b.both(40)
			b.sleep(30 * time.Second)
			b.want()
			b.sleep(8 * time.Second)
			b.want("40s: run 40s retries 0")
			b.end(went, false)
			b.wantGone()
		},
		"an alarm runs at its time, not before, and once": func(b *bench) {
			b.both(5)
			b.sleep(4999 * time.Millisecond)
			b.want()
			b.sleep(time.Millisecond)
			b.want("5s: run 5s retries 0")
			b.end(went, false)
			b.wantGone()
		},
		"an overdue alarm that is loaded runs at once": func(b *bench) {
			b.turn(func() { b.s.load(b.due(-3600)) })
			b.want("0s: run -3600s retries 0")
		},
		"a loaded alarm goes on where its retries were": func(b *bench) {
			d := b.due(1)
			d.Retries = 4
			b.turn(func() { b.s.load(d) })
			b.sleep(time.Second)
			b.want("1s: run 1s retries 4")
			b.end(threw, false)
			b.sleep(31 * time.Second)
			b.want()
			b.sleep(time.Second) // 2 s << 4
			b.want("33s: run 1s retries 5")
		},
		"loading does not disturb what was set meanwhile": func(b *bench) {
			b.both(9)
			b.turn(func() { b.s.load(b.due(3)) })
			b.sleep(8 * time.Second)
			b.want()
			b.sleep(time.Second)
			b.want("9s: run 9s retries 0")
		},
		"an alarm that moves earlier moves before its commit": func(b *bench) {
			b.both(10)
			b.set(4)
			b.sleep(4 * time.Second)
			b.want("4s: run 4s retries 0")
		},
		"an alarm that moves later moves after its commit": func(b *bench) {
			b.both(4)
			b.set(10)
			b.sleep(4 * time.Second)
			b.want("4s: run 4s retries 0")
			b.end(canceled, false)
			b.stored(10)
			b.sleep(6 * time.Second)
			b.want("10s: run 10s retries 0")
		},
		"an alarm that moved later in time does not run at the old time": func(b *bench) {
			b.both(4)
			b.both(10)
			b.sleep(9 * time.Second)
			b.want()
			b.sleep(time.Second)
			b.want("10s: run 10s retries 0")
		},
		"several moves later count when they are durable": func(b *bench) {
			b.both(4)
			b.set(10)
			b.set(20)
			b.sleep(4 * time.Second)
			b.want("4s: run 4s retries 0")
			b.end(canceled, false)
			b.stored(20)
			b.sleep(15 * time.Second)
			b.want()
			b.sleep(time.Second)
			b.want("20s: run 20s retries 0")
		},
		"many moves later leave one wake-up": func(b *bench) {
			for n := range 50 {
				b.both(float64(n + 1))
			}
			b.sleep(49 * time.Second)
			b.want()
			b.sleep(time.Second)
			b.want("50s: run 50s retries 0")
			b.end(went, false)
			b.wantGone()
		},
		"a move later, overtaken by one earlier, runs early": func(b *bench) {
			b.both(10)
			b.set(20)
			b.set(5)
			b.sleep(5 * time.Second)
			b.want("5s: run 5s retries 0")
			b.end(went, false)
			b.wantGone()
		},
		"moves that become durable during a run are one run": func(b *bench) {
			b.both(4)
			b.sleep(4 * time.Second)
			b.want("4s: run 4s retries 0")
			b.both(10)
			b.both(12)
			b.end(canceled, false)
			b.sleep(7 * time.Second)
			b.want()
			b.sleep(time.Second)
			b.want("12s: run 12s retries 0")
			b.end(went, false)
			b.wantGone()
		},
		"a wake-up that finds another alarm, already due, runs for that one at once": func(b *bench) {
			b.both(10)
			b.sleep(10 * time.Second)
			b.want("10s: run 10s retries 0")
			b.both(3)
			b.end(canceled, false)
			b.want("10s: run 3s retries 0")
			b.end(went, false)
			b.wantGone()
		},
		"an alarm is cleared after its commit": func(b *bench) {
			b.both(4)
			b.set(0)
			b.sleep(4 * time.Second)
			b.want("4s: run 4s retries 0")
			b.end(canceled, false)
			b.both(5)
			b.both(0)
			b.wantGone()
		},
		"the name survives an update without one": func(b *bench) {
			d := b.due(9)
			d.Name = "bob"
			b.turn(func() { b.s.moved(d, true) })
			b.both(2)
			b.sleep(2 * time.Second)
			b.want("2s: run 2s retries 0 name bob")
			b.set(3)
			b.end(went, false)
			b.sleep(time.Second)
			b.want("3s: run 3s retries 0 name bob")
		},
		"counted retries double their pause, and the seventh run is the last": func(b *bench) {
			b.both(1)
			b.sleep(time.Second)
			want := []string{"1s: run 1s retries 0"}
			at := 1.0
			for i := range 6 {
				b.end(threw, false)
				b.sleep(2<<i*time.Second - time.Millisecond)
				b.want(want...)
				b.sleep(time.Millisecond)
				at += float64(int(2) << i)
				want = []string{fmt.Sprintf("%gs: run 1s retries %d", at, i+1)}
			}
			b.want(want...)
			b.end(threw, false)
			b.want("127s: abandon 1s")
			b.turn(func() { b.abandoned(nil) })
			b.wantGone()
		},
		"jitter adds up to a quarter": func(b *bench) {
			b.jitter = 0.5
			b.both(1)
			b.sleep(time.Second)
			b.end(threw, false)
			b.log = nil
			b.sleep(2249 * time.Millisecond)
			b.want()
			b.sleep(time.Millisecond)
			b.want("3.25s: run 1s retries 1")
		},
		"uncounted failures are tried for ever, at most 1024 s apart": func(b *bench) {
			b.both(1)
			b.sleep(time.Second)
			for range 30 {
				b.log = nil
				b.end(machine, false)
				b.sleep(1024 * time.Second)
				if len(b.log) != 1 || !strings.HasSuffix(b.log[0], "run 1s retries 0") {
					b.t.Fatalf("got %q", b.log)
				}
			}
			// The next one is 1,024 s away, not more and not less.
			b.log = nil
			b.end(machine, false)
			b.sleep(1024*time.Second - time.Millisecond)
			b.want()
		},
		"the first counted failure after uncounted ones starts the pauses again": func(b *bench) {
			b.both(1)
			b.sleep(time.Second)
			for range 5 {
				b.end(machine, false)
				b.sleep(64 * time.Second)
			}
			b.log = nil
			b.end(threw, false)
			b.sleep(1999 * time.Millisecond)
			b.want()
			b.sleep(time.Millisecond)
			b.want("323s: run 1s retries 1")
			// And it goes on from there, whatever kind the next ones are.
			b.end(machine, false)
			b.sleep(4 * time.Second)
			b.want("327s: run 1s retries 1")
			b.end(threw, false)
			b.sleep(2 * time.Second)
			b.want("329s: run 1s retries 2")
		},
		"after six counted retries an uncounted failure is the last one too": func(b *bench) {
			d := b.due(1)
			d.Retries = 6
			b.turn(func() { b.s.load(d) })
			b.sleep(time.Second)
			b.want("1s: run 1s retries 6")
			b.end(machine, false)
			b.want("1s: abandon 1s")
		},
		"an alarm set while it runs replaces its retry and starts afresh": func(b *bench) {
			d := b.due(1)
			d.Retries = 5
			b.turn(func() { b.s.load(d) })
			b.sleep(time.Second)
			b.log = nil
			b.both(3)
			b.end(threw, false)
			b.sleep(2 * time.Second)
			b.want("3s: run 3s retries 0")
			b.end(threw, false)
			b.sleep(2 * time.Second)
			b.want("5s: run 3s retries 1")
		},
		"an alarm set while it runs, already due, runs right after it": func(b *bench) {
			b.both(1)
			b.sleep(time.Second)
			b.both(1) // even with the time of the one that runs
			b.end(went, false)
			b.want("1s: run 1s retries 0", "1s: run 1s retries 0")
		},
		"clearing while it runs removes only what was set meanwhile": func(b *bench) {
			b.both(1)
			b.sleep(time.Second)
			b.both(3)
			b.both(0)
			b.log = nil
			b.end(threw, false)
			b.sleep(2 * time.Second)
			b.want("3s: run 1s retries 1")
		},
		"an alarm set while it waits for a retry takes its place": func(b *bench) {
			b.both(1)
			b.sleep(time.Second)
			b.end(threw, false)
			b.log = nil
			b.both(1)
			b.want("1s: run 1s retries 0")
		},
		"no retry is wanted": func(b *bench) {
			b.both(1)
			b.sleep(time.Second)
			b.log = nil
			b.end(event.Outcome{Status: event.NotFound}, false)
			b.wantGone()
		},
		"abort without a retry abandons": func(b *bench) {
			b.both(1)
			b.sleep(time.Second)
			b.log = nil
			b.end(aborted, true)
			b.want("1s: settle 1s retries 0")
			b.turn(func() { b.settled(b.asked, nil) })
			b.want("1s: abandon 1s")
			b.turn(func() { b.abandoned(nil) })
			b.wantGone()
		},
		"an alarm set while the old one is being given up is kept": func(b *bench) {
			b.both(1)
			b.sleep(time.Second)
			b.end(aborted, false)
			b.both(4)
			b.log = nil
			b.turn(func() { b.abandoned(nil) })
			b.sleep(3 * time.Second)
			b.want("4s: run 4s retries 0")
		},
		"an alarm that cannot be given up is kept for the next start": func(b *bench) {
			b.both(1)
			b.sleep(time.Second)
			b.end(aborted, false)
			b.log = nil
			b.turn(func() { b.abandoned(errors.New("disk full")) })
			b.want("1s: failed: it was given up and could not be deleted: disk full")
			b.wantGone()
		},
		"broken: the count is stored and the stored alarm is tried again": func(b *bench) {
			b.both(1)
			b.sleep(time.Second)
			b.log = nil
			b.set(100) // not durable when the actor breaks
			b.end(threw, true)
			b.want("1s: settle 1s retries 1")
			b.turn(func() { b.settled(b.asked, nil) })
			b.sleep(2 * time.Second)
			b.want("3s: run 1s retries 1")
		},
		"broken: an uncounted failure stores no count": func(b *bench) {
			b.both(1)
			b.sleep(time.Second)
			b.log = nil
			b.end(machine, true)
			b.want("1s: settle 1s retries 0")
		},
		"broken: the alarm that turns out to be stored is the next one": func(b *bench) {
			b.both(1)
			b.sleep(time.Second)
			b.log = nil
			b.set(7)
			b.end(threw, true)
			b.turn(func() { b.settled(b.due(7), nil) })
			b.sleep(6 * time.Second)
			b.want("1s: settle 1s retries 1", "7s: run 7s retries 0")
		},
		"broken: what was known to be stored comes next": func(b *bench) {
			b.both(1)
			b.sleep(time.Second)
			b.log = nil
			b.both(7)
			b.end(threw, true)
			b.turn(func() { b.settled(storage.Due{}, errors.New("EIO")) })
			b.sleep(6 * time.Second)
			b.want("1s: settle 1s retries 1", "1s: failed: what is stored is not known: EIO", "7s: run 7s retries 0")
		},
		"broken: nothing is stored": func(b *bench) {
			b.both(1)
			b.sleep(time.Second)
			b.end(threw, true)
			b.turn(func() { b.settled(storage.Due{}, nil) })
			b.log = nil
			b.wantGone()
		},
		"broken: a new actor has set another one": func(b *bench) {
			b.both(1)
			b.sleep(time.Second)
			b.end(threw, true)
			b.log = nil
			b.set(5)
			b.turn(func() { b.settled(storage.Due{}, nil) })
			b.sleep(4 * time.Second) // in time, although it is not durable yet
			b.want("5s: run 5s retries 0")
		},
		"broken: storage does not answer, so the alarm is tried again": func(b *bench) {
			b.both(1)
			b.sleep(time.Second)
			b.end(machine, true)
			b.log = nil
			b.turn(func() { b.settled(storage.Due{}, errors.New("EIO")) })
			b.sleep(2 * time.Second)
			b.want("1s: failed: what is stored is not known: EIO", "3s: run 1s retries 0")
		},
		"replaced: the alarm of the new storage runs, what the old one's run says is not heard": func(b *bench) {
			b.both(1)
			b.sleep(time.Second)
			b.log = nil
			d := b.due(3)
			d.Retries = 2
			b.turn(func() { b.s.replace(d) })
			b.end(threw, true)
			b.sleep(2 * time.Second)
			b.want("3s: run 3s retries 2")
			b.turn(func() { b.s.replace(b.due(0)) })
			b.end(threw, false)
			b.wantGone()
		},
		"closed: nothing runs any more": func(b *bench) {
			b.both(1)
			b.sleep(time.Second)
			b.both(2)
			b.log = nil
			b.turn(b.s.close)
			b.end(threw, false)
			b.both(3)
			b.turn(func() { b.s.load(b.due(4)) })
			b.wantGone()
		},
	} {
		t.Run(name, func(t *testing.T) { story(newBench(t)) })
	}
}

// The retry policy of workerd: what of a failed run counts against the limit.
func TestRetryPolicy(t *testing.T) {
	for _, c := range []struct{ gateBroken, fault, limit, counts bool }{
		{true, false, false, false},
		{true, false, true, true},
		{true, true, false, true},
		{true, true, true, true},
		{false, false, false, true},
		{false, false, true, true},
		{false, true, false, true},
		{false, true, true, true},
	} {
		name := fmt.Sprintf("gate broken %v, script's fault %v, limit exceeded %v", c.gateBroken, c.fault, c.limit)
		t.Run(name, func(t *testing.T) {
			if got := countsAgainstLimit(c.gateBroken, c.fault, c.limit); got != c.counts {
				t.Errorf("counts: %v, want %v", got, c.counts)
			}
		})
	}
}
