package isolate_test

import (
	"testing"
	"time"

	"workerd.local/isolate"
)

func TestKillEndsTheTurnAndTheRealm(t *testing.T) {
	k := newKit(t, isolate.Options{})
	began := make(chan struct{})
	go func() {
		<-began
		time.Sleep(time.Millisecond)
		k.iso.Kill(isolate.ErrKilled)
		k.iso.Kill(isolate.ErrPanic)
	}()
	other := k.newRealm("other")
	k.loop(func() {
		if err := k.realm.Run(nil, func(js *isolate.JS) {
			close(began)
			_, err := js.Runtime().RunString("for (;;) try { for (;;); } catch {} finally { for (;;); }")
			if !isolate.Uncatchable(err) {
				t.Errorf("the loop ended with %v", err)
			}
		}); err != isolate.ErrKilled {
			t.Errorf("the turn ended with %v", err)
		}
		for _, r := range []*isolate.Realm{k.realm, other} {
			if err := r.Run(nil, func(*isolate.JS) { t.Error("it runs") }); err != isolate.ErrKilled || r.Condemned() != isolate.ErrKilled {
				t.Errorf("a later turn: %v", err)
			}
		}
		if _, err := k.iso.NewRealm(isolate.RealmOptions{Setup: []func(*isolate.JS) error{func(*isolate.JS) error { return nil }}}); err == nil {
			t.Error("a new realm could be set up")
		}
	})
	if s := k.logs.String(); s != "" {
		t.Errorf("logged %s", s)
	}
}

// A turn that runs inside the turn of another realm is not the only one that ends.
func TestKillEndsOuterTurnsToo(t *testing.T) {
	k := newKit(t, isolate.Options{})
	inner := k.newRealm("inner")
	k.loop(func() {
		if err := k.realm.Run(nil, func(js *isolate.JS) {
			if err := inner.Run(nil, func(*isolate.JS) { k.iso.Kill(isolate.ErrKilled) }); err != isolate.ErrKilled {
				t.Errorf("inner: %v", err)
			}
			if _, err := js.Runtime().RunString("for (;;);"); !isolate.Uncatchable(err) {
				t.Errorf("outer: %v", err)
			}
		}); err != isolate.ErrKilled {
			t.Errorf("outer turn: %v", err)
		}
	})
}

func TestEverybodyHearsOfACondemnedRealm(t *testing.T) {
	k := newKit(t, isolate.Options{})
	heard := 0
	k.loop(func() {
		k.realm.AlsoOnCondemned(func(cause error, _ *isolate.Frame) { heard++ })
		k.iso.Kill(isolate.ErrKilled)
		_ = k.realm.Run(nil, func(*isolate.JS) {})
	})
	k.loop(func() {
		if heard != 1 || len(k.condemned) != 1 {
			t.Errorf("heard %d times, and %d times", heard, len(k.condemned))
		}
	})
}
