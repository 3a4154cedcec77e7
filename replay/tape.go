package replay

import (
	"bytes"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"workerd.local/isolate"
)

// Mode is what a tape does with the inputs that pass it.
type Mode uint8

// The modes.
const (
	Live      Mode = iota // they come from the machine
	Recording             // and are noted; next: live
	Replaying             // they come from the log; next: live
)

// Variables are an environment; any goroutine.
type Variables interface {
	Get(name string) (string, bool)
	// Names are those of all variables, sorted.
	Names() []string
}

// Tape is the isolate.Host of a run. While it records, time goes in whole milliseconds.
// Methods of isolate.Host may be called from any goroutine, the others belong to the
// worker's.
type Tape struct {
	base isolate.Host
	env  Variables
	most int // bytes of a log
	// Stop ends the code that runs; any goroutine.
	Stop func(error)
	// Arrived has a value after background work completed.
	Arrived chan struct{}

	mu      sync.Mutex // guards what follows
	mode    Mode
	w       writer
	r       reader
	err     error  // why the run has diverged
	spoiled string // why the run cannot be recorded
	begun   uint64
	pending map[uint64]bool // work that has begun and not completed
	ready   []completion    // work that completed and was not delivered, in this order
}

// completion is a piece of background work that is done.
type completion struct {
	id      uint64
	deliver func()
}

var _ isolate.Sequencer = (*Tape)(nil)

// NewTape returns a tape over base, whose environment is env's. most is how many bytes its
// log may have.
func NewTape(base isolate.Host, env Variables, mode Mode, most int) *Tape {
	return &Tape{base: base, env: env, mode: mode, most: most, Arrived: make(chan struct{}, 1), pending: map[uint64]bool{}, Stop: func(error) {}}
}

// Now is isolate.Host's.
func (t *Tape) Now() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch t.mode {
	case Recording:
		now := t.base.Now().Truncate(time.Millisecond)
		t.w.now(now)
		t.full()
		return now
	case Replaying:
		if now, ok := t.r.now(); ok {
			return now
		}
		t.diverge("asked for the time")
	}
	return t.base.Now()
}

// Random is isolate.Host's.
func (t *Tape) Random(p []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch t.mode {
	case Recording:
		t.base.Random(p)
		t.w.op(opRandom)
		t.w.bytes(p)
		t.full()
		return
	case Replaying:
		if t.r.take(opRandom) {
			if b := t.r.Bytes(); len(b) == len(p) {
				copy(p, b)
				return
			}
			t.diverge(fmt.Sprintf("asked for %d random bytes, and for another number before", len(p)))
		} else {
			t.diverge("asked for random numbers")
		}
	}
	t.base.Random(p)
}

// Getenv is isolate.Host's.
func (t *Tape) Getenv(name string) (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch t.mode {
	case Recording:
		v, ok := t.env.Get(name)
		t.w.op(opEnv)
		t.w.text(name)
		if ok {
			t.w.number(1)
			t.w.text(v)
		} else {
			t.w.number(0)
		}
		t.full()
		return v, ok
	case Replaying:
		if t.r.take(opEnv) {
			asked, there, v := t.r.Text(), t.r.Number() == 1, ""
			if there {
				v = t.r.Text()
			}
			if asked == name && t.r.Err == nil {
				return v, there
			}
			t.diverge(fmt.Sprintf("asked for the environment variable %s, and for %s before", name, asked))
		} else {
			t.diverge("asked for the environment variable " + name)
		}
	}
	return t.env.Get(name)
}

// EnvNames are the names of all variables, sorted.
func (t *Tape) EnvNames() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch t.mode {
	case Recording:
		names := t.env.Names()
		t.w.op(opEnvNames)
		t.w.number(uint64(len(names)))
		for _, n := range names {
			t.w.text(n)
		}
		t.full()
		return names
	case Replaying:
		if t.r.take(opEnvNames) {
			names := make([]string, t.r.Most(t.r.Number()))
			for i := range names {
				names[i] = t.r.Text()
			}
			return names
		}
		t.diverge("asked for the environment")
	}
	return t.env.Names()
}

// Output notes what is printed, and reports whether it is to appear.
func (t *Tape) Output(stream byte, text string) (appears bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch t.mode {
	case Recording:
		t.w.op(opOutput)
		t.w.number(uint64(stream))
		t.w.number(digest(text))
		t.full()
	case Replaying:
		if !t.r.take(opOutput) {
			t.diverge(fmt.Sprintf("printed %.80q", text))
			return false
		}
		if s, d := t.r.Number(), t.r.Number(); s != uint64(stream) || d != digest(text) {
			t.diverge(fmt.Sprintf("printed %.80q, and something else before", text))
		}
		return false
	}
	return true
}

// Files is isolate.Host's: scripts of this package read no files.
func (t *Tape) Files(dir string) fs.FS { return t.base.Files(dir) }

// Complete is isolate.Host's, for what nobody began: it happens to a worker that is live.
func (t *Tape) Complete(deliver func()) { deliver() }

// Begin is isolate.Sequencer's.
func (t *Tape) Begin() (complete func(deliver func())) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.mode == Live {
		return t.Complete
	}
	id := t.begun
	t.begun++
	t.pending[id] = true
	return func(deliver func()) {
		t.mu.Lock()
		if t.mode == Live {
			t.mu.Unlock()
			deliver()
			return
		}
		delete(t.pending, id)
		t.ready = append(t.ready, completion{id, deliver})
		t.mu.Unlock()
		select {
		case t.Arrived <- struct{}{}:
		default:
		}
	}
}

// Deliver hands over one piece of work that completed, in the order in which they did, and
// reports whether there was one.
func (t *Tape) Deliver() bool {
	t.mu.Lock()
	if len(t.ready) == 0 {
		t.mu.Unlock()
		return false
	}
	c := t.ready[0]
	t.ready = t.ready[1:]
	if t.mode == Recording {
		t.w.op(opComplete)
		t.w.number(c.id)
		t.full()
	}
	t.mu.Unlock()
	c.deliver()
	return true
}

// takeReady takes the completion with that number out, if it is there.
func (t *Tape) takeReady(id uint64) func() {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.IndexFunc(t.ready, func(c completion) bool { return c.id == id })
	if i < 0 {
		return nil
	}
	deliver := t.ready[i].deliver
	t.ready = slices.Delete(t.ready, i, i+1)
	return deliver
}

// Timer notes that a timer fires.
func (t *Tape) Timer(seq uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.mode == Recording {
		t.w.op(opTimer)
		t.w.number(seq)
		t.full()
	}
}

// next is what the log says begins the next turn.
func (t *Tape) next() (o op, number uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	o = t.r.peek()
	if o == opComplete || o == opTimer {
		t.r.take(o)
		number = t.r.Number()
	}
	return o, number
}

// full gives up recording where the log has become too large; with mu.
func (t *Tape) full() {
	if t.w.size() > t.most {
		t.giveUp(fmt.Sprintf("its log has more than %d bytes (limit snapshot.log)", t.most))
	}
}

// Spoil says why the run cannot be recorded any further: it goes on as it is.
func (t *Tape) Spoil(why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.giveUp(why)
}

func (t *Tape) giveUp(why string) {
	if t.mode == Recording {
		t.spoiled, t.mode, t.w = why, Live, writer{}
	}
}

// diverge says that the run does not do what the log says; with mu.
func (t *Tape) diverge(what string) {
	if t.err != nil {
		return
	}
	if t.r.Err != nil {
		t.err = fmt.Errorf("the log cannot be read: %w", t.r.Err)
	} else if o := t.r.peek(); o == 0 {
		t.err = fmt.Errorf("the script %s where it had parked before", what)
	} else {
		t.err = fmt.Errorf("the script %s where %s came before", what, o)
	}
	t.Stop(t.err)
}

// differ is diverge for what stands in no entry; with mu.
func (t *Tape) differ(how string) {
	if t.err == nil {
		t.err = fmt.Errorf("the script %s", how)
		t.Stop(t.err)
	}
}

// Differs is differ for the worker, and returns why the run has diverged.
func (t *Tape) Differs(how string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.differ(how)
	return t.err
}

// Diverged is diverge for the worker.
func (t *Tape) Diverged(what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.diverge(what)
}

// Broken is why the run has diverged, or nil.
func (t *Tape) Broken() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

// IsRecording reports whether inputs come from the machine and are noted.
func (t *Tape) IsRecording() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.mode == Recording
}

// IsLive reports whether inputs come from the machine and are not noted.
func (t *Tape) IsLive() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.mode == Live
}

// Finish ends a Recording: it is the log, without what the log refers to. work is what has
// begun and not completed, sorted.
func (t *Tape) Finish() (entries []byte, work []uint64, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.spoiled != "" {
		return nil, nil, fmt.Errorf("the run cannot be recorded: %s", t.spoiled)
	}
	t.w.flush()
	return bytes.Clone(t.w.buf), t.openWork(), nil
}

// openWork is with mu. What completed and was not delivered is open, too.
func (t *Tape) openWork() []uint64 {
	list := make([]uint64, 0, len(t.pending)+len(t.ready))
	for id := range t.pending {
		list = append(list, id)
	}
	for _, c := range t.ready {
		list = append(list, c.id)
	}
	slices.Sort(list)
	return list
}

// AtEnd compares a replayed run with where the recorded one parked.
func (t *Tape) AtEnd(work []uint64) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if o := t.r.peek(); o != 0 || t.r.Err != nil {
		t.diverge("parked")
	} else if !slices.Equal(t.openWork(), work) {
		t.differ("waits for other work than before where it parks")
	}
	return t.err
}

// Rewind begins a log, or follows another one, where the one before has ended.
func (t *Tape) Rewind(mode Mode, entries []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mode, t.w, t.r = mode, writer{}, readerOf(entries)
}

// GoLive takes the inputs from the machine from here on.
func (t *Tape) GoLive() {
	t.mu.Lock()
	t.mode = Live
	t.w, t.r, t.pending = writer{}, reader{}, nil
	t.mu.Unlock()
}
