package linear

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

// call is one request to one register.
type call struct {
	do       string // read, write, increment or swap
	register string
	value    int // what write and swap write
	old      int // what swap wants to find
}

func (c call) String() string {
	switch c.do {
	case "write":
		return fmt.Sprintf("write(%d)", c.value)
	case "swap":
		return fmt.Sprintf("swap(%d, %d)", c.old, c.value)
	}
	return c.do + "()"
}

// answer is what a client was told. A lost one says nothing: the server was killed
// before it told anything, and the call has happened or not.
type answer struct {
	value int
	lost  bool
}

// step returns the values that a register may have after a call that found it at
// state and was answered so; none where that cannot be.
func step(state int, c call, a answer) []int {
	after, told := state, state
	switch c.do {
	case "write":
		after, told = c.value, c.value
	case "increment":
		after, told = state+1, state+1
	case "swap":
		if state == c.old {
			after = c.value
		}
	}
	switch {
	case a.lost && after != state:
		return []int{state, after}
	case a.lost || a.value == told:
		return []int{after}
	}
	return nil
}

// model is registers that begin at 0.
var model = func() porcupine.Model {
	m := porcupine.NondeterministicModel{
		Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
			byName := map[string][]porcupine.Operation{}
			for _, op := range history {
				name := op.Input.(call).register
				byName[name] = append(byName[name], op)
			}
			var parts [][]porcupine.Operation
			for _, ops := range byName {
				parts = append(parts, ops)
			}
			return parts
		},
		Init: func() []any { return []any{0} },
		Step: func(state, input, output any) []any {
			var out []any
			for _, s := range step(state.(int), input.(call), output.(answer)) {
				out = append(out, s)
			}
			return out
		},
		Hash: func(state any) uint64 { return uint64(state.(int)) * 0x9e3779b97f4a7c15 },
		DescribeOperation: func(input, output any) string {
			if a := output.(answer); !a.lost {
				return fmt.Sprintf("%v: %d", input, a.value)
			}
			return fmt.Sprintf("%v: lost", input)
		},
	}
	return m.ToModel()
}()

// history is what clients asked and were told, with the moments of both.
type history struct {
	began time.Time

	mu   sync.Mutex // guards what follows
	ops  []porcupine.Operation
	open []int // calls without an answer yet
}

func newHistory() *history { return &history{began: time.Now()} }

// begin notes that a call is about to be sent.
func (h *history) begin(client int, c call) (op int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	op = len(h.ops)
	h.ops = append(h.ops, porcupine.Operation{ClientId: client, Input: c, Call: int64(time.Since(h.began))})
	h.open = append(h.open, op)
	return op
}

// end notes an answer.
func (h *history) end(op, value int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ops[op].Output, h.ops[op].Return = answer{value: value}, int64(time.Since(h.began))
	h.open = slices.DeleteFunc(h.open, func(o int) bool { return o == op })
}

// dead notes that the server is gone, and that nobody sends to it any more: what was
// not answered is lost, and has happened by now or never will.
func (h *history) dead() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, op := range h.open {
		h.ops[op].Output, h.ops[op].Return = answer{lost: true}, int64(time.Since(h.began))
	}
	h.open = nil
}

// check looks for an order of the calls, each at one moment between its beginning and
// its end, in which a register gives these answers. It is the error to have none, or
// not to know within the patience.
func (h *history) check(patience time.Duration) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch result, info := porcupine.CheckOperationsVerbose(model, h.ops, patience); result {
	case porcupine.Ok:
		return nil
	case porcupine.Illegal:
		return &illegalError{ops: h.ops, info: info}
	default:
		return fmt.Errorf("%d calls could not be judged in %v: lower WORKERD_LINEAR_CALLS and run again", len(h.ops), patience)
	}
}

// illegalError is a history that no register has.
type illegalError struct {
	ops  []porcupine.Operation
	info porcupine.LinearizationInfo
}

func (e *illegalError) Error() string {
	return fmt.Sprintf("%d calls have no order in which a register gives their answers", len(e.ops))
}
