package memorycache

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// fill makes values for keys in a row.
func fill(t *testing.T, u *Use, now float64, pairs ...string) {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		_, ok, turn := u.Read(pairs[i], now, nil)
		if ok || turn == nil {
			t.Fatalf("%s is there already, or being made", pairs[i])
		}
		turn.Done([]byte(pairs[i+1]), nil, now)
	}
}

// kept is the values of keys, in which a missing one is "-".
func kept(u *Use, now float64, keys ...string) string {
	var vals []string
	for _, key := range keys {
		v, ok := u.Get(key, now)
		if !ok {
			v = []byte("-")
		}
		vals = append(vals, string(v))
	}
	return strings.Join(vals, " ")
}

func TestCacheKeepsItsLimits(t *testing.T) {
	u := NewCaches().Use("", Limits{MaxKeys: 3, MaxValueBytes: 4, MaxTotalBytes: 6})
	fill(t, u, 0, "a", "1", "b", "2", "c", "3")
	if got := kept(u, 0, "c", "b", "a"); got != "3 2 1" {
		t.Errorf("three keys are %s", got)
	}
	fill(t, u, 0, "d", "4")
	if got := kept(u, 0, "a", "b", "c", "d"); got != "1 2 - 4" {
		t.Errorf("the key that was not used for longest stays: %s", got)
	}
	fill(t, u, 0, "e", "5555")
	if got := kept(u, 0, "a", "b", "d", "e"); got != "- 2 4 5555" {
		t.Errorf("values of 6 bytes are %s", got)
	}
	fill(t, u, 0, "f", "66666")
	if got := kept(u, 0, "f"); got != "-" {
		t.Errorf("a value that is too large is %s", got)
	}
	u.Delete("e")
	u.Delete("nobody")
	if got := kept(u, 0, "e"); got != "-" || u.cache.total != 2 {
		t.Errorf("deleted: %s, %d bytes", got, u.cache.total)
	}
}

func TestExpiredValuesGoFirst(t *testing.T) {
	u := NewCaches().Use("", Limits{MaxKeys: 3, MaxValueBytes: 9, MaxTotalBytes: 99})
	for i, expiry := range []float64{30, 10, 20} {
		_, _, turn := u.Read(fmt.Sprint(i), 0, nil)
		turn.Done([]byte("v"), &expiry, 0)
	}
	fill(t, u, 15, "new", "v")
	if got := kept(u, 15, "0", "1", "2", "new"); got != "v - v v" {
		t.Errorf("at 15: %s", got)
	}
	if got := kept(u, 20, "2") + kept(u, 20.5, "2"); got != "v-" {
		t.Errorf("a value that expires at 20: %s", got)
	}
	past := 1.0
	_, _, turn := u.Read("past", 5, nil)
	turn.Done([]byte("v"), &past, 5)
	if got := kept(u, 5, "past"); got != "-" {
		t.Errorf("a value that expired before it was there is %s", got)
	}
}

func TestUsersOfOneIDShareACache(t *testing.T) {
	cs := NewCaches()
	a := cs.Use("x", Limits{MaxKeys: 9, MaxValueBytes: 9, MaxTotalBytes: 99})
	b := cs.Use("x", Limits{MaxKeys: 1, MaxValueBytes: 1, MaxTotalBytes: 1})
	other := cs.Use("y", Limits{MaxKeys: 9, MaxValueBytes: 9, MaxTotalBytes: 99})
	none := cs.Use("x2", Limits{MaxKeys: 9, MaxValueBytes: 0, MaxTotalBytes: 99})
	fill(t, b, 0, "k", "long", "l", "v")
	fill(t, none, 0, "k", "")
	if got := kept(a, 0, "k", "l") + kept(other, 0, "k") + kept(none, 0, "k"); got != "long v--" {
		t.Errorf("before: %s", got)
	}
	for range 2 {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
	if got := kept(b, 0, "k", "l"); got != "- v" {
		t.Errorf("with the smaller limits: %s", got)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if got := kept(cs.Use("x", Limits{MaxKeys: 9, MaxValueBytes: 9, MaxTotalBytes: 99}), 0, "l"); got != "-" {
		t.Errorf("a cache that nobody used is still there: %s", got)
	}
}

func TestOneMakesAndTheOthersWait(t *testing.T) {
	u := NewCaches().Use("", Limits{MaxKeys: 9, MaxValueBytes: 9, MaxTotalBytes: 99})
	var got []string
	var turns []*Turn
	waiter := func(name string, alive bool) Waiter {
		return func(value []byte, turn *Turn) bool {
			got = append(got, fmt.Sprintf("%s:%s:%v", name, value, turn != nil))
			if turn != nil && alive {
				turns = append(turns, turn)
			}
			return alive
		}
	}
	_, _, first := u.Read("k", 0, waiter("first", true))
	u.Read("k", 0, waiter("gone", false))
	u.Read("k", 0, waiter("second", true))
	u.Read("k", 0, waiter("third", true))
	if len(got) > 0 || first == nil {
		t.Fatalf("told too early: %q", got)
	}
	first.Fail()
	first.Fail()
	first.Done([]byte("late"), nil, 0)
	turns[0].Done([]byte("v"), nil, 0)
	if s := strings.Join(got, " "); s != "gone::true second::true third:v:false" {
		t.Errorf("told %s", s)
	}
	if got := kept(u, 0, "k"); got != "v" {
		t.Errorf("kept %s", got)
	}
	_, _, turn := u.Read("l", 0, waiter("", true))
	turn.Fail()
	if _, _, turn := u.Read("l", 0, waiter("", true)); turn == nil {
		t.Error("after a failure that nobody waited for, nobody gets the turn")
	}
}

func TestCacheIsForAllGoroutines(t *testing.T) {
	cs := NewCaches()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			u := cs.Use("x", Limits{MaxKeys: 5, MaxValueBytes: 9, MaxTotalBytes: 20})
			defer u.Close()
			for i := range 500 {
				key := fmt.Sprint(i % 11)
				done := make(chan *Turn, 1)
				_, ok, turn := u.Read(key, float64(i), func(_ []byte, turn *Turn) bool { done <- turn; return true })
				if !ok && turn == nil {
					turn = <-done
				}
				if turn != nil && i%3 == 0 {
					turn.Fail()
				} else if turn != nil {
					expiry := float64(i + 5)
					turn.Done([]byte(key), &expiry, float64(i))
				}
			}
		})
	}
	wg.Wait()
	if len(cs.byID) > 0 {
		t.Errorf("%d caches are left", len(cs.byID))
	}
}
