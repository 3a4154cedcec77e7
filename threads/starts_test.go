package threads

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestFewThreadsBeginAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStarts()
		most := runtime.GOMAXPROCS(0)
		var mu sync.Mutex
		now, peak := 0, 0
		count := func(n int) {
			mu.Lock()
			defer mu.Unlock()
			now += n
			peak = max(peak, now)
		}
		var wait sync.WaitGroup
		for range 10 * most {
			wait.Go(func() {
				done := s.wait(1, nil)
				count(1)
				time.Sleep(startShare / 2)
				count(-1)
				done()
				done() // the same once more
			})
		}
		wait.Wait()
		if peak != most || s.under != 0 || s.waiting.Len() != 0 {
			t.Errorf("%d at a time, want %d; in the end %d begin and %d wait", peak, most, s.under, s.waiting.Len())
		}
	})
}

func TestWhoIsNearerToTheTopBeginsFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStarts()
		var held []func()
		for range runtime.GOMAXPROCS(0) {
			held = append(held, s.wait(0, nil))
		}
		var order []string // one begins at a time
		var wait sync.WaitGroup
		for i, depth := range []int{3, 2, 2, 1} {
			wait.Go(func() {
				done := s.wait(depth, nil)
				order = append(order, fmt.Sprint(depth, i))
				done()
			})
			synctest.Wait()
		}
		over := make(chan struct{})
		wait.Go(func() {
			if s.wait(0, over) != nil {
				t.Error("one that was killed began")
			}
		})
		synctest.Wait()
		close(over)
		synctest.Wait()
		held[0]()
		wait.Wait()
		if got := strings.Join(order, ", "); got != "1 3, 2 1, 2 2, 3 0" {
			t.Error(got)
		}
		for _, done := range held[1:] {
			done()
		}
		if s.under != 0 {
			t.Error(s.under)
		}
	})
}

// One that does not come to an end of its start holds up others for a while only.
func TestStartWithoutEndGivesItsPlaceAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStarts()
		began := time.Now()
		var late []func()
		for range 3 * runtime.GOMAXPROCS(0) {
			late = append(late, s.wait(0, nil))
		}
		if took := time.Since(began); took != 2*startShare {
			t.Error(took)
		}
		time.Sleep(startShare)
		for _, done := range late {
			done()
		}
		if s.under != 0 {
			t.Error(s.under)
		}
	})
}
