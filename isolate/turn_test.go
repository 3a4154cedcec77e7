package isolate_test

import (
	"context"
	"errors"
	"io/fs"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/loop"
)

func errorIs(err, target error) bool { return errors.Is(err, target) }

// The microtasks of a turn run once, after all of its Go code: not after each call
// that the Go code makes.
func TestMicrotasksRunAtTheEndOfTheTurn(t *testing.T) {
	k := newKit(t, isolate.Options{})
	k.loop(func() {
		err := k.realm.Run(nil, func(js *isolate.JS) {
			for _, name := range []string{"a", "b"} {
				if _, err := js.Call(function(js, "Promise.resolve().then(() => log('microtask "+name+"')); log('call "+name+"')"), nil); err != nil {
					t.Error(err)
				}
			}
			p, resolve, _ := js.NewPromise()
			js.OnSettled(p, func(*isolate.JS, goja.Value, error) { k.out = append(k.out, "settled") })
			resolve(nil)
			k.out = append(k.out, "end of the Go code")
		})
		if err != nil {
			t.Error(err)
		}
		k.out = append(k.out, "after the turn")
	})
	k.want("call a", "call b", "end of the Go code", "microtask a", "microtask b", "settled", "after the turn")
}

func TestRunInsideATurnIsPartOfIt(t *testing.T) {
	k := newKit(t, isolate.Options{})
	k.loop(func() {
		err := k.realm.Run(frameOf("outer"), func(js *isolate.JS) {
			err := k.realm.Run(frameOf("inner"), func(js *isolate.JS) {
				k.out = append(k.out, ownerOf(js))
				if _, err := js.Call(function(js, "Promise.resolve().then(() => log('microtask of ' + owner()))"), nil); err != nil {
					t.Error(err)
				}
			})
			if err != nil {
				t.Error(err)
			}
			if err := k.realm.Run(nil, func(js *isolate.JS) { k.out = append(k.out, ownerOf(js)) }); err != nil {
				t.Error(err)
			}
			k.out = append(k.out, ownerOf(js))
		})
		if err != nil {
			t.Error(err)
		}
	})
	k.want("inner", "outer", "outer", "microtask of inner")
}

// An exception that leaves a nested Run leaves the frame of the outer one behind.
func TestExceptionOutOfANestedRunRestoresTheFrame(t *testing.T) {
	k := newKit(t, isolate.Options{})
	k.loop(func() {
		err := k.realm.Run(frameOf("outer"), func(js *isolate.JS) {
			define(js, "nested", func(js *isolate.JS, c goja.FunctionCall) goja.Value {
				return goja.Undefined()
			})
			define(js, "nested", func(js *isolate.JS, c goja.FunctionCall) goja.Value {
				_ = k.realm.Run(frameOf("inner"), func(js *isolate.JS) { js.Panic(errors.New("out")) })
				return goja.Undefined()
			})
			if _, err := js.Call(function(js, "try { nested() } catch (e) { log(owner()) }"), nil); err != nil {
				t.Error(err)
			}
		})
		if err != nil {
			t.Error(err)
		}
	})
	k.want("outer")
}

// Run needs a turn of the loop, because futures settle in it: outside one it makes it.
func TestRunOutsideATurnOfTheLoopMakesOne(t *testing.T) {
	iso := isolate.New(isolate.Options{})
	r, err := iso.NewRealm(isolate.RealmOptions{Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	err = r.Run(nil, func(js *isolate.JS) {
		if !iso.Loop().InTurn() {
			t.Error("no turn of the loop")
		}
		iso.Loop().Defer(func() { order = append(order, "deferred") })
		order = append(order, "turn")
	})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Join(order, " ") != "turn deferred" {
		t.Errorf("order %q", order)
	}
}

func TestEnterAfterCloseIsRefused(t *testing.T) {
	k := newKit(t, isolate.Options{})
	ran := make(chan struct{})
	if err := k.iso.Enter(k.realm, func(js *isolate.JS) { close(ran) }); err != nil {
		t.Fatal(err)
	}
	await(t, ran)
	k.iso.Close()
	k.iso.Close()
	await(t, k.iso.Done())
	if err := k.iso.Enter(k.realm, func(*isolate.JS) { t.Error("ran") }); !errors.Is(err, loop.ErrClosed) {
		t.Errorf("Enter gave %v", err)
	}
}

func TestCloseRunsWhatWasPostedAndEndsTheGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 20 {
		iso := isolate.New(isolate.Options{})
		r, err := iso.NewRealm(isolate.RealmOptions{Name: "test"})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for range 10 {
			if err := iso.Enter(r, func(js *isolate.JS) { n++ }); err != nil {
				t.Fatal(err)
			}
		}
		iso.Close()
		iso.Start()
		await(t, iso.Done())
		if n != 10 {
			t.Errorf("%d of 10 turns ran", n)
		}
	}
	eventually(t, "goroutines are left", func() bool { return runtime.NumGoroutine() <= before })
}

func TestRunEndsWithItsContext(t *testing.T) {
	iso := isolate.New(isolate.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- iso.Run(ctx) }()
	cancel()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Run gave %v", err)
		}
	case <-time.After(patience):
		t.Fatal("Run went on")
	}
	await(t, iso.Done())
	if err := iso.Loop().Post(func() {}); !errors.Is(err, loop.ErrClosed) {
		t.Errorf("Post gave %v", err)
	}
}

// eventually waits for something that other goroutines do.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); {
		if time.Now().After(end) {
			t.Fatal(what)
		}
		time.Sleep(time.Millisecond)
	}
}

func TestExceptionOutOfATurnIsItsErrorAndTheRealmLivesOn(t *testing.T) {
	k := newKit(t, isolate.Options{})
	k.loop(func() {
		err := k.realm.Run(nil, func(js *isolate.JS) {
			if _, err := js.Call(function(js, "Promise.resolve().then(() => log('microtask'))"), nil); err != nil {
				t.Error(err)
			}
			js.Panic(errors.New("secret"))
		})
		var ex *goja.Exception
		if !errors.As(err, &ex) || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "internal error; reference = ") {
			t.Errorf("error %v", err)
		}
	})
	k.want("microtask")
	k.ok(nil, "log('alive')")
	k.want("alive")
	k.wantCondemned(nil, nil)
}

func TestSetupThatFailsMakesNoRealm(t *testing.T) {
	iso := isolate.New(isolate.Options{})
	boom := errors.New("boom")
	for name, setup := range map[string]func(*isolate.JS) error{
		"error":     func(*isolate.JS) error { return boom },
		"exception": func(js *isolate.JS) error { js.Panic(boom); return nil },
		"panic":     func(*isolate.JS) error { panic("boom") },
	} {
		r, err := iso.NewRealm(isolate.RealmOptions{Name: "broken", Setup: []func(*isolate.JS) error{setup}})
		if r != nil || err == nil || !strings.HasPrefix(err.Error(), "realm broken: ") {
			t.Errorf("%s: realm %v, error %v", name, r, err)
		}
	}
}

func TestSlotsAreMadeOncePerRealm(t *testing.T) {
	made := 0
	slot := isolate.NewSlot(func(*isolate.JS) *int { made++; n := made; return &n })
	other := isolate.NewSlot(func(*isolate.JS) *int { return new(int) })
	k := newKit(t, isolate.Options{})
	second := k.newRealm("second")
	k.loop(func() {
		for _, r := range []*isolate.Realm{k.realm, second, k.realm, second} {
			err := r.Run(nil, func(js *isolate.JS) {
				want := 1
				if r == second {
					want = 2
				}
				if got := *slot.Get(js); got != want {
					t.Errorf("%s has %d", r.Name(), got)
				}
				if *other.Get(js) != 0 {
					t.Error("slots are mixed up")
				}
			})
			if err != nil {
				t.Error(err)
			}
		}
		if n := isolate.Local(k.iso, "key", func() int { return 7 }); n != 7 {
			t.Error("local", n)
		}
		if n := isolate.Local(k.iso, "key", func() int { return 8 }); n != 7 {
			t.Error("local made twice", n)
		}
	})
}

func TestRealmsOfOneIsolateShareNothing(t *testing.T) {
	k := newKit(t, isolate.Options{})
	second := k.newRealm("second")
	k.ok(nil, "globalThis.mine = 1; Object.prototype.evil = 1; log(typeof mine + ' ' + ({}).evil)")
	if err := k.runIn(second, nil, "log(typeof mine + ' ' + ({}).evil)"); err != nil {
		t.Error(err)
	}
	k.want("number 1", "undefined undefined")
	if k.realm.Isolate() != k.iso || second.Name() != "second" {
		t.Error("wrong isolate or name")
	}
}

type fakeHost struct {
	isolate.Host
	now  time.Time
	next byte
}

func (h *fakeHost) Now() time.Time { return h.now }
func (h *fakeHost) Random(p []byte) {
	for i := range p {
		p[i] = h.next
	}
}
func (h *fakeHost) Files(string) fs.FS { return nil }

// Clock and randomness come from the Host only, so that a run can be repeated.
func TestHostDecidesTimeAndChance(t *testing.T) {
	host := &fakeHost{Host: isolate.SystemHost(), now: time.UnixMilli(1234567890123)}
	k := newKit(t, isolate.Options{Host: host})
	k.ok(nil, "log(Date.now() + ' ' + new Date().toISOString() + ' ' + Math.random())")
	k.loop(func() { host.now, host.next = host.now.Add(time.Hour), 0xff })
	k.ok(nil, "log(Date.now()); const r = Math.random(); log(r > 0.999 && r < 1)")
	k.want("1234567890123 2009-02-13T23:31:30.123Z 0", "1234571490123", "true")
}
