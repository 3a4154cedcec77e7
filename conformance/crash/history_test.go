package crash

import (
	"strings"
	"testing"
)

// history makes a History of ops whose times are given as they are.
func history(base int, ops ...Op) *History { return &History{Base: base, ops: ops} }

func inc(begun, ended, value int) Op {
	return Op{Begun: begun, Ended: ended, Answered: true, Value: value}
}

func read(begun, ended, value int) Op {
	return Op{Read: true, Begun: begun, Ended: ended, Answered: true, Value: value}
}

func lost(begun int) Op { return Op{Begun: begun} }

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name  string
		h     *History
		found int
		want  string // part of the error; empty means that all is well
	}{
		{"nothing happened", history(7), 7, ""},
		{"one after the other", history(0, inc(1, 2, 1), inc(3, 4, 2), read(5, 6, 2)), 2, ""},
		{"concurrent ones in any order", history(0, inc(1, 3, 2), inc(2, 4, 1)), 2, ""},
		{"an unanswered one did not happen", history(5, inc(1, 2, 6), lost(3)), 6, ""},
		{"an unanswered one happened", history(5, inc(1, 2, 6), lost(3)), 7, ""},
		{"an unanswered one was seen", history(5, lost(1), read(2, 3, 6)), 6, ""},

		{"an acknowledged one is lost", history(0, inc(1, 2, 1), inc(3, 4, 2)), 1, "1 acknowledged increments are lost"},
		{"lost behind an unanswered one", history(0, lost(1), inc(2, 3, 2)), 1, "the value is 1 after the crash, but 2 had been told"},
		{"lost, and the unanswered one counted in its place", history(0, inc(1, 2, 1), inc(3, 4, 2), lost(5)), 1, "1 acknowledged increments are lost"},
		{"the value fell back to the base", history(9, inc(1, 2, 10)), 9, "are lost"},
		{"the value fell below the base", history(9), 3, "are lost"},
		{"a value read that is not durable", history(0, lost(1), read(2, 3, 1)), 0, "but 1 had been told"},
		{"more than was asked for", history(0, inc(1, 2, 1), lost(3)), 3, "at most 2 had been asked for"},
		{"an increment that was repeated", history(0, inc(1, 2, 1), inc(3, 4, 3)), 3, "at most 2 had been asked for"},
		{"the same value twice", history(0, inc(1, 3, 1), inc(2, 4, 1)), 2, "both answered with 1"},
		{"a value that forgets", history(0, inc(1, 2, 1), inc(3, 4, 1)), 2, "at least 2 had been acknowledged"},
		{"a read that forgets", history(0, inc(1, 2, 1), read(3, 4, 0)), 1, "at least 1 had been acknowledged"},
		{"a read of the future", history(0, read(1, 2, 1), inc(3, 4, 1)), 1, "at most 0 had been asked for"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.h.Check(c.found)
			switch {
			case c.want == "" && err != nil:
				t.Errorf("Check: %v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("Check: %v, want an error about %q", err, c.want)
			}
		})
	}
}

func TestHistoryNotesOrder(t *testing.T) {
	h := &History{Base: 3}
	a := h.Begin(false)
	b := h.Begin(true)
	h.Answer(b, 3)
	h.Answer(a, 4)
	h.Begin(false)
	if err := h.Check(4); err != nil {
		t.Errorf("Check(4): %v", err)
	}
	if err := h.Check(5); err != nil {
		t.Errorf("Check(5): %v", err)
	}
	if h.Check(3) == nil || h.Check(6) == nil {
		t.Error("Check accepts a lost or an invented increment")
	}
	if h.Len() != 3 {
		t.Errorf("Len: %d, want 3", h.Len())
	}
}
