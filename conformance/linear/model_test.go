package linear

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// at is a call from one moment to another.
func at(from, to int64, c call, a answer) porcupine.Operation {
	if c.register == "" {
		c.register = "r"
	}
	return porcupine.Operation{Input: c, Call: from, Output: a, Return: to}
}

func told(value int) answer { return answer{value: value} }

var (
	read      = call{do: "read"}
	increment = call{do: "increment"}
	lost      = answer{lost: true}
)

func write(v int) call     { return call{do: "write", value: v} }
func swap(old, v int) call { return call{do: "swap", old: old, value: v} }

func TestHistories(t *testing.T) {
	for _, c := range []struct {
		name string
		ops  []porcupine.Operation
		ok   bool
	}{
		{"a register begins at 0", []porcupine.Operation{at(1, 2, read, told(0))}, true},
		{"a read tells what was written", []porcupine.Operation{at(1, 2, write(5), told(5)), at(3, 4, read, told(5))}, true},
		{"concurrent calls in any order", []porcupine.Operation{
			at(1, 10, increment, told(2)), at(2, 9, increment, told(1)), at(3, 4, read, told(1))}, true},
		{"a swap tells what it found", []porcupine.Operation{
			at(1, 2, swap(0, 7), told(0)), at(3, 4, swap(0, 8), told(7)), at(5, 6, read, told(7))}, true},
		{"a lost write has happened", []porcupine.Operation{at(1, 2, write(5), lost), at(3, 4, read, told(5))}, true},
		{"a lost write has not happened", []porcupine.Operation{at(1, 2, write(5), lost), at(3, 4, read, told(0))}, true},
		{"a lost swap has not happened", []porcupine.Operation{at(1, 2, swap(0, 5), lost), at(3, 4, read, told(0))}, true},
		{"registers know nothing of each other", []porcupine.Operation{
			at(1, 2, call{do: "write", register: "a", value: 5}, told(5)), at(3, 4, call{do: "read", register: "b"}, told(0))}, true},

		{"an answered write is gone", []porcupine.Operation{at(1, 2, write(5), told(5)), at(3, 4, read, told(0))}, false},
		{"an update is lost", []porcupine.Operation{at(1, 4, increment, told(1)), at(2, 5, increment, told(1))}, false},
		{"two swaps find the same", []porcupine.Operation{at(1, 4, swap(0, 1), told(0)), at(2, 5, swap(0, 2), told(0))}, false},
		{"a read of what is never written", []porcupine.Operation{at(1, 2, write(5), told(5)), at(3, 4, read, told(6))}, false},
		{"a read before the write", []porcupine.Operation{at(1, 2, read, told(5)), at(3, 4, write(5), told(5))}, false},
		{"a lost write that was seen is gone", []porcupine.Operation{
			at(1, 4, write(5), lost), at(2, 3, read, told(5)), at(5, 6, read, told(0))}, false},
		{"a lost write that comes after the crash", []porcupine.Operation{
			at(1, 2, write(5), lost), at(3, 4, read, told(0)), at(5, 6, read, told(5))}, false},
		{"a lost increment that counts twice", []porcupine.Operation{at(1, 2, increment, lost), at(3, 4, read, told(2))}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := (&history{ops: c.ops}).check(time.Minute)
			if illegal := (*illegalError)(nil); c.ok && err != nil || !c.ok && !errors.As(err, &illegal) {
				t.Errorf("check: %v, want ok: %v", err, c.ok)
			}
		})
	}
}

// Concurrent writes that nobody tells apart have too many orders to look at all.
func TestAHistoryThatIsNotJudgedIsNoPass(t *testing.T) {
	h := &history{}
	for i := range 40 {
		h.ops = append(h.ops, at(int64(i), 1000, call{do: "write", value: 1 << i}, told(1<<i)))
	}
	h.ops = append(h.ops, at(1001, 1002, read, told(3)))
	err := h.check(time.Millisecond)
	if err == nil || !strings.Contains(err.Error(), "could not be judged") {
		t.Errorf("check: %v, want that it could not be judged", err)
	}
}

func TestHistoryNotesWhatIsLost(t *testing.T) {
	h := newHistory()
	r := call{do: "increment", register: "r"}
	a := h.begin(0, r)
	h.begin(1, r) // is never answered
	h.end(a, 1)
	h.dead()
	h.end(h.begin(0, call{do: "read", register: "r"}), 2)
	h.dead()
	if err := h.check(time.Minute); err != nil {
		t.Error(err)
	}
	if n := len(h.ops); n != 3 || !h.ops[1].Output.(answer).lost || h.ops[1].Return == 0 {
		t.Errorf("%d calls, the second is %+v", n, h.ops[1])
	}
}
