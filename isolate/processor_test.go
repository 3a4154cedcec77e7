package isolate

import (
	"testing"
	"testing/synctest"
	"time"
)

// limited is an isolate whose turns have a limit, with a realm; used is the processor time of
// the process.
func limited(t *testing.T, turn time.Duration, used func() (time.Duration, bool)) (*Isolate, *Realm) {
	t.Helper()
	iso := New(Options{Limits: Limits{Turn: turn}})
	iso.dog.clock.used = used
	r, err := iso.NewRealm(RealmOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return iso, r
}

// untold is the processor time where the system does not tell it.
func untold() (time.Duration, bool) { return 0, false }

// A turn is charged what of a processor it can have had.
func TestTurnsPayForProcessorTimeOnly(t *testing.T) {
	const limit = 10 * tick
	for name, c := range map[string]struct {
		share   float64 // how much of a processor the process has
		known   bool
		lasts   time.Duration
		charged bool
	}{
		"alone":                        {1, true, limit + 3*tick, true},
		"below the limit":              {1, true, limit - 2*tick, false},
		"with others of the process":   {2, true, limit - 2*tick, false},
		"on half a processor":          {0.5, true, 2*limit - 2*tick, false},
		"on half a processor, longer":  {0.5, true, 2*limit + 3*tick, true},
		"waiting in native code":       {0, true, (waiting - 1) * limit, false},
		"waiting in native code, long": {0, true, (waiting + 1) * limit, true},
		"where the system tells not":   {0, false, limit + 3*tick, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				_, r := limited(t, limit, func() (time.Duration, bool) {
					return time.Duration(c.share * float64(time.Since(began))), c.known
				})
				time.Sleep(time.Hour) // what was used before is nobody's
				if err := r.Run(nil, func(*JS) {}); err != nil {
					t.Fatal(err)
				}
				err := r.Run(nil, func(*JS) { time.Sleep(c.lasts) })
				if (err == ErrCPULimit) != c.charged || err != nil && err != ErrCPULimit {
					t.Errorf("the turn ended with %v", err)
				}
			})
		})
	}
}

// A process that stands still, as one that a debugger or a busy host stops, resumes its turns.
func TestTurnsDoNotPayForAProcessThatStands(t *testing.T) {
	now := time.Now()
	var cpu time.Duration
	p := processor{used: func() (time.Duration, bool) { return cpu, true }}
	p.start(now)
	for range 100 {
		now = now.Add(time.Minute)
		cpu += time.Minute // the system may charge the pause to the process
		p.look(now)
	}
	if got := p.read; got != 100*2*tick {
		t.Errorf("100 pauses of a minute are charged %s", got)
	}
	if got := p.now(now.Add(time.Minute)) - p.read; got != 2*tick {
		t.Errorf("between looks the clock moves on by %s", got)
	}
}

// The system's clock of the process counts what the process does.
func TestProcessTime(t *testing.T) {
	before, ok := processTime()
	if !ok {
		t.Skip("this system does not tell")
	}
	for end := time.Now().Add(20 * time.Second); ; {
		for n := range 1 << 20 {
			_ = n
		}
		if now, _ := processTime(); now > before {
			break
		}
		if time.Now().After(end) {
			t.Fatal("20 s of work take no time")
		}
	}
}

// A turn that calls turns of other realms pays for them, however short they are.
func TestTurnsPayForTheTurnsInside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		iso, outer := limited(t, 5*tick, untold)
		inner, err := iso.NewRealm(RealmOptions{})
		if err != nil {
			t.Fatal(err)
		}
		err = outer.Run(nil, func(*JS) {
			for range 1000 {
				if err := inner.Run(nil, func(*JS) { time.Sleep(tick / 7) }); err != nil {
					t.Fatal(err)
				}
				time.Sleep(tick / 1000)
				if outer.Interrupted() {
					return
				}
			}
			t.Error("nobody stops it")
		})
		if err != ErrCPULimit {
			t.Errorf("the turn ended with %v", err)
		}
	})
}

// Each turn of a series has a limit of its own.
func TestTurnsOfASeriesPayForThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		iso, r := limited(t, 5*tick, untold)
		var err error
		n := 0
		iso.loop.Turn(func() {
			_, err = r.EnterEach(nil, func(*JS) bool {
				time.Sleep(4 * tick)
				n++
				return n < 10
			})
			if err != nil || n != 10 {
				t.Errorf("%d turns below the limit: %v", n, err)
			}
			_, err = r.EnterEach(nil, func(*JS) bool {
				time.Sleep(tick / 2)
				if n++; n == 20 {
					time.Sleep(7 * tick)
				}
				return n < 30
			})
		})
		if err != ErrCPULimit || n != 20 {
			t.Errorf("%d turns, and %v", n, err)
		}
	})
}
