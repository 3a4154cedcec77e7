// Package crash checks that a server which is killed at any moment loses nothing that
// it has told anybody, and never tells what it may still lose.
//
// The subject is a counter. A history is what its clients saw between two kills: the
// increments and reads that were answered, each with the value, and those that were
// not, because the server was gone. Check compares a history with the value that was
// found after the next start. It is a pure function; the test beside it makes the
// histories.
//
// # Concurrency
//
// A History may be filled from any goroutine. Check is called once it is complete.
package crash

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// Op is one request of a client. Times are ticks of the history: of two moments, the
// earlier has the smaller one.
type Op struct {
	Read     bool // else an increment
	Begun    int
	Ended    int
	Answered bool // Value is what the server said
	Value    int
}

// History is what was asked of one counter between two starts of the server.
type History struct {
	// Base is the value that was found after the first of the two starts.
	Base int

	mu   sync.Mutex // guards what follows
	tick int
	ops  []Op
}

// Begin notes that a request is about to be sent.
func (h *History) Begin(read bool) (op int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tick++
	h.ops = append(h.ops, Op{Read: read, Begun: h.tick})
	return len(h.ops) - 1
}

// Answer notes the value in an answer.
func (h *History) Answer(op, value int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tick++
	o := &h.ops[op]
	o.Ended, o.Answered, o.Value = h.tick, true, value
}

// Len is the number of requests.
func (h *History) Len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.ops)
}

// Check says what is wrong with the history of a counter that was at found after the
// next start. Each answered increment has happened exactly once, each unanswered one
// at most once, and no answer tells of anything that a kill could undo:
//
//   - no two increments were answered with the same value;
//   - an answer counts everything that was answered before its request was sent, and
//     nothing that was sent after it arrived;
//   - found counts every answered increment, no more than the unanswered ones
//     besides, and is no less than any value that was told.
func (h *History) Check(found int) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	answered, issued, told := 0, 0, h.Base
	seen := map[int]int{}
	var begun, ended []int // of increments, sorted
	for i, o := range h.ops {
		if !o.Read {
			issued++
			begun = append(begun, o.Begun)
			if o.Answered {
				answered++
				ended = append(ended, o.Ended)
				if j, twice := seen[o.Value]; twice {
					bad("increments %d and %d were both answered with %d: one of them is lost", j, i, o.Value)
				}
				seen[o.Value] = i
			}
		}
		if o.Answered {
			told = max(told, o.Value)
		}
	}
	slices.Sort(begun)
	slices.Sort(ended)
	// before is how many of the sorted ticks are smaller than t.
	before := func(ticks []int, t int) int {
		n, _ := slices.BinarySearchFunc(ticks, t, cmp.Compare[int])
		return n
	}
	for i, o := range h.ops {
		if !o.Answered {
			continue
		}
		least, most := h.Base+before(ended, o.Begun), h.Base+before(begun, o.Ended)
		if !o.Read {
			least++ // itself; most counts it already
		}
		if o.Value < least {
			bad("request %d was answered with %d: at least %d had been acknowledged", i, o.Value, least)
		}
		if o.Value > most {
			bad("request %d was answered with %d: at most %d had been asked for", i, o.Value, most)
		}
	}
	if least := h.Base + answered; found < least {
		bad("the value is %d after the crash: %d acknowledged increments are lost", found, least-found)
	}
	if most := h.Base + issued; found > most {
		bad("the value is %d after the crash: at most %d had been asked for", found, most)
	}
	if found < told {
		bad("the value is %d after the crash, but %d had been told", found, told)
	}
	return errors.Join(errs...)
}
