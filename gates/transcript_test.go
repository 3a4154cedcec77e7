package gates

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"workerd.local/loop"
)

// story runs one transcript against one input gate and one output gate. Each
// line of a directive's input is one turn; the output says what was delivered
// in it.
//
//	wait NAME [on SECTION]     ask for an input lock called NAME
//	ref NAME of LOCK           duplicate a lock
//	release NAME               release a lock
//	cancel NAME                cancel a wait
//	begin SECTION from LOCK    make a critical section
//	succeed SECTION as NAME    end it well; NAME is the parent's lock
//	fail SECTION TEXT          end it badly
//	drop SECTION
//	watch                      OnBroken of both gates
//	hold NAME | done NAME | fault NAME TEXT | abandon NAME     output locks
//	out NAME                   wait for the output gate
//	sleep DURATION             let the clock pass
//	state                      what the gates say of themselves
type story struct {
	t        testing.TB
	l        *loop.Loop
	now      time.Time
	in       *InputGate
	out      *OutputGate
	locks    map[string]*Lock
	waits    map[string]*Waiter
	sections map[string]*CriticalSection
	holds    map[string]*OutputLock
	log      strings.Builder
	waiting  [2]int // by the hooks: input, output
	locked   [2]int
}

func newStory(t testing.TB) *story {
	s := &story{
		t: t, now: time.Unix(1000, 0),
		locks: map[string]*Lock{}, waits: map[string]*Waiter{},
		sections: map[string]*CriticalSection{}, holds: map[string]*OutputLock{},
	}
	s.l = loop.New(loop.Options{Now: func() time.Time { return s.now }})
	hooks := func(i int) Hooks {
		return Hooks{
			Locked: func() { s.locked[i]++ }, Released: func() { s.locked[i]-- },
			WaiterAdded: func() { s.waiting[i]++ }, WaiterRemoved: func() { s.waiting[i]-- },
		}
	}
	s.in = NewInputGateWithHooks(s.l, hooks(0))
	s.out = NewOutputGateWith(s.l, OutputOptions{Hooks: hooks(1)})
	return s
}

func (s *story) sayf(format string, args ...any) { fmt.Fprintf(&s.log, format+"\n", args...) }

func (s *story) granted(name string, r loop.Result[*Lock]) {
	if _, _, ok := r.Ready(); !ok {
		s.sayf("%s: waits", name)
	}
	r.Then(func(k *Lock, err error) {
		if err != nil {
			s.sayf("%s: %v", name, err)
			return
		}
		if !k.IsFor(s.in) || k.IsFor(NewInputGate(s.l)) {
			s.t.Errorf("lock %s is for the wrong gate", name)
		}
		s.locks[name] = k
		s.sayf("%s: locked", name)
	})
}

func (s *story) line(words []string) {
	arg := func(i int) string {
		if i < len(words) {
			return words[i]
		}
		return ""
	}
	rest := func(i int) error { return errors.New(strings.Join(words[i:], " ")) }
	switch words[0] {
	case "wait":
		var r loop.Result[*Lock]
		var w *Waiter
		if arg(2) == "on" {
			r, w = s.sections[arg(3)].WaitCancelable()
		} else {
			r, w = s.in.WaitCancelable()
		}
		s.waits[arg(1)] = w
		s.granted(arg(1), r)
	case "ref":
		s.locks[arg(1)] = s.locks[arg(3)].AddRef()
	case "release":
		k := s.locks[arg(1)]
		if k == nil {
			s.sayf("%s: no such lock", arg(1))
			return
		}
		k.Release()
		delete(s.locks, arg(1))
	case "cancel":
		s.sayf("in time: %v", s.waits[arg(1)].Cancel())
	case "begin":
		if s.locks[arg(3)] == nil {
			s.t.Fatalf("begin: no lock %s", arg(3))
		}
		c := s.locks[arg(3)].Begin()
		s.sections[arg(1)] = c
		s.sayf("depth %d", c.Depth())
	case "succeed":
		s.locks[arg(3)] = s.sections[arg(1)].Succeed()
	case "fail":
		s.sections[arg(1)].Fail(rest(2))
	case "drop":
		s.sections[arg(1)].Drop()
	case "watch":
		s.in.OnBroken(func(err error) { s.sayf("input gate broke: %v", err) })
		s.out.OnBroken(func(err error) { s.sayf("output gate broke: %v", err) })
	case "hold":
		s.holds[arg(1)] = s.out.Lock()
	case "done":
		s.holds[arg(1)].Release(nil)
	case "fault":
		s.holds[arg(1)].Release(rest(2))
	case "abandon":
		s.holds[arg(1)].Cancel()
	case "out":
		r := s.out.Wait()
		if _, _, ok := r.Ready(); !ok {
			s.sayf("%s: waits", arg(1))
		}
		r.Then(func(_ struct{}, err error) {
			if err != nil {
				s.sayf("%s: %v", arg(1), err)
				return
			}
			s.sayf("%s: open", arg(1))
		})
	case "sleep":
		d, err := time.ParseDuration(arg(1))
		if err != nil {
			s.t.Fatal(err)
		}
		s.now = s.now.Add(d)
	case "state":
		s.sayf("input: locked %v, waiting %d, broken %v", s.in.Locked(), s.waiting[0], s.in.Broken())
		s.sayf("output: locked %v, waiting %d, broken %v", s.out.Locked(), s.waiting[1], s.out.Broken())
	default:
		s.t.Fatalf("unknown word %q", words[0])
	}
}

func (s *story) run(input string) string {
	s.log.Reset()
	for line := range strings.Lines(input) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		s.l.Turn(func() { s.line(words) })
		s.l.RunPending()
		s.check()
	}
	if s.log.Len() == 0 {
		return "ok\n"
	}
	return s.log.String()
}

// check compares what the hooks counted with what the gates say.
func (s *story) check() {
	s.t.Helper()
	want := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	if s.locked[0] != want(s.in.Locked()) || s.locked[1] != want(s.out.Locked()) {
		s.t.Errorf("hooks say locked %v, gates say %v %v", s.locked, s.in.Locked(), s.out.Locked())
	}
	if s.waiting[0] < 0 || s.waiting[1] < 0 {
		s.t.Errorf("hooks lost count of waiters: %v", s.waiting)
	}
}

func TestTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		var s *story
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "new": // a fresh pair of gates; the rest of the line names the behaviour
				s = newStory(t)
				return s.run(d.Input)
			case "run":
				s.t = t
				return s.run(d.Input)
			}
			t.Fatalf("unknown directive %q", d.Cmd)
			return ""
		})
	})
}

// The transcripts must notice a gate that lets two in at once.
func TestStoryReportsDelivery(t *testing.T) {
	got := newStory(t).run("wait a\nwait b\nrelease a\n")
	if want := "a: locked\nb: waits\nb: locked\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
