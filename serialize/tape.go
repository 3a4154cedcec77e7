package serialize

import (
	"bytes"
	"fmt"
	"io/fs"
	"slices"
	"sort"
	"sync"
	"time"

	"workerd.local/isolate"
)

// tapeMode is what a tape does with the inputs that pass it.
type tapeMode uint8

const (
	live      tapeMode = iota // they come from the machine
	recording                 // and are noted; next: live
	replaying                 // they come from the log; next: live
)

// tape is the isolate.Host of a worker. While it records, time goes in whole milliseconds.
// Methods of isolate.Host may be called from any goroutine, the others belong to the
// worker's.
type tape struct {
	base isolate.Host
	env  *environment
	most int // bytes of a log
	// stop ends the code that runs; any goroutine.
	stop func(error)
	// arrived has a value after background work completed.
	arrived chan struct{}

	mu      sync.Mutex // guards what follows
	mode    tapeMode
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

var _ isolate.Sequencer = (*tape)(nil)

func newTape(base isolate.Host, mode tapeMode, most int) *tape {
	return &tape{base: base, mode: mode, most: most, arrived: make(chan struct{}, 1), pending: map[uint64]bool{}, stop: func(error) {}}
}

// Now is isolate.Host's.
func (t *tape) Now() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch t.mode {
	case recording:
		now := t.base.Now().Truncate(time.Millisecond)
		t.w.now(now)
		t.full()
		return now
	case replaying:
		if now, ok := t.r.now(); ok {
			return now
		}
		t.diverge("asked for the time")
	}
	return t.base.Now()
}

// Random is isolate.Host's.
func (t *tape) Random(p []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch t.mode {
	case recording:
		t.base.Random(p)
		t.w.op(opRandom)
		t.w.bytes(p)
		t.full()
		return
	case replaying:
		if t.r.take(opRandom) {
			if b := t.r.bytes(); len(b) == len(p) {
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
func (t *tape) Getenv(name string) (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch t.mode {
	case recording:
		v, ok := t.env.get(name)
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
	case replaying:
		if t.r.take(opEnv) {
			asked, there, v := t.r.text(), t.r.number() == 1, ""
			if there {
				v = t.r.text()
			}
			if asked == name && t.r.err == nil {
				return v, there
			}
			t.diverge(fmt.Sprintf("asked for the environment variable %s, and for %s before", name, asked))
		} else {
			t.diverge("asked for the environment variable " + name)
		}
	}
	return t.env.get(name)
}

// envNames are the names of all variables, sorted.
func (t *tape) envNames() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch t.mode {
	case recording:
		names := t.env.names()
		t.w.op(opEnvNames)
		t.w.number(uint64(len(names)))
		for _, n := range names {
			t.w.text(n)
		}
		t.full()
		return names
	case replaying:
		if t.r.take(opEnvNames) {
			names := make([]string, t.r.most(t.r.number()))
			for i := range names {
				names[i] = t.r.text()
			}
			return names
		}
		t.diverge("asked for the environment")
	}
	return t.env.names()
}

// output notes what is printed, and reports whether it is to appear.
func (t *tape) output(stream byte, text string) (appears bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch t.mode {
	case recording:
		t.w.op(opOutput)
		t.w.number(uint64(stream))
		t.w.number(digest(text))
		t.full()
	case replaying:
		if !t.r.take(opOutput) {
			t.diverge(fmt.Sprintf("printed %.80q", text))
			return false
		}
		if s, d := t.r.number(), t.r.number(); s != uint64(stream) || d != digest(text) {
			t.diverge(fmt.Sprintf("printed %.80q, and something else before", text))
		}
		return false
	}
	return true
}

// Files is isolate.Host's: scripts of this package read no files.
func (t *tape) Files(dir string) fs.FS { return t.base.Files(dir) }

// Complete is isolate.Host's, for what nobody began: it happens to a worker that is live.
func (t *tape) Complete(deliver func()) { deliver() }

// Begin is isolate.Sequencer's.
func (t *tape) Begin() (complete func(deliver func())) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.mode == live {
		return t.Complete
	}
	id := t.begun
	t.begun++
	t.pending[id] = true
	return func(deliver func()) {
		t.mu.Lock()
		if t.mode == live {
			t.mu.Unlock()
			deliver()
			return
		}
		delete(t.pending, id)
		t.ready = append(t.ready, completion{id, deliver})
		t.mu.Unlock()
		select {
		case t.arrived <- struct{}{}:
		default:
		}
	}
}

// deliver hands over one piece of work that completed, in the order in which they did, and
// reports whether there was one.
func (t *tape) deliver() bool {
	t.mu.Lock()
	if len(t.ready) == 0 {
		t.mu.Unlock()
		return false
	}
	c := t.ready[0]
	t.ready = t.ready[1:]
	if t.mode == recording {
		t.w.op(opComplete)
		t.w.number(c.id)
		t.full()
	}
	t.mu.Unlock()
	c.deliver()
	return true
}

// takeReady takes the completion with that number out, if it is there.
func (t *tape) takeReady(id uint64) func() {
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

// timer notes that a timer fires.
func (t *tape) timer(seq uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.mode == recording {
		t.w.op(opTimer)
		t.w.number(seq)
		t.full()
	}
}

// next is what the log says begins the next turn.
func (t *tape) next() (o op, number uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	o = t.r.peek()
	if o == opComplete || o == opTimer {
		t.r.take(o)
		number = t.r.number()
	}
	return o, number
}

// full gives up recording where the log has become too large; with mu.
func (t *tape) full() {
	if t.w.size() > t.most {
		t.giveUp(fmt.Sprintf("its log has more than %d bytes (limit snapshot.log)", t.most))
	}
}

// spoil says why the run cannot be recorded any further: it goes on as it is.
func (t *tape) spoil(why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.giveUp(why)
}

func (t *tape) giveUp(why string) {
	if t.mode == recording {
		t.spoiled, t.mode, t.w = why, live, writer{}
	}
}

// diverge says that the run does not do what the log says; with mu.
func (t *tape) diverge(what string) {
	if t.err != nil {
		return
	}
	if t.r.err != nil {
		t.err = fmt.Errorf("the log cannot be read: %w", t.r.err)
	} else if o := t.r.peek(); o == 0 {
		t.err = fmt.Errorf("the script %s where it had parked before", what)
	} else {
		t.err = fmt.Errorf("the script %s where %s came before", what, o)
	}
	t.stop(t.err)
}

// differ is diverge for what stands in no entry; with mu.
func (t *tape) differ(how string) {
	if t.err == nil {
		t.err = fmt.Errorf("the script %s", how)
		t.stop(t.err)
	}
}

// differs is differ for the worker, and returns why the run has diverged.
func (t *tape) differs(how string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.differ(how)
	return t.err
}

// diverged is diverge for the worker.
func (t *tape) diverged(what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.diverge(what)
}

// broken is why the run has diverged, or nil.
func (t *tape) broken() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

// isLive reports whether inputs come from the machine and are not noted.
func (t *tape) isLive() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.mode == live
}

// finish ends a recording: it is the log, without what the log refers to. work is what has
// begun and not completed, sorted.
func (t *tape) finish() (entries []byte, work []uint64, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.spoiled != "" {
		return nil, nil, fmt.Errorf("the run cannot be recorded: %s", t.spoiled)
	}
	t.w.flush()
	return bytes.Clone(t.w.buf), t.openWork(), nil
}

// openWork is with mu. What completed and was not delivered is open, too.
func (t *tape) openWork() []uint64 {
	list := make([]uint64, 0, len(t.pending)+len(t.ready))
	for id := range t.pending {
		list = append(list, id)
	}
	for _, c := range t.ready {
		list = append(list, c.id)
	}
	sort.Slice(list, func(i, j int) bool { return list[i] < list[j] })
	return list
}

// atEnd compares a replayed run with where the recorded one parked.
func (t *tape) atEnd(work []uint64) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if o := t.r.peek(); o != 0 || t.r.err != nil {
		t.diverge("parked")
	} else if !slices.Equal(t.openWork(), work) {
		t.differ("waits for other work than before where it parks")
	}
	return t.err
}

// rewind begins a log, or follows another one, where the one before has ended.
func (t *tape) rewind(mode tapeMode, entries []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mode, t.w, t.r = mode, writer{}, reader{buf: entries}
}

// goLive takes the inputs from the machine from here on.
func (t *tape) goLive() {
	t.mu.Lock()
	t.mode = live
	t.w, t.r, t.pending = writer{}, reader{}, nil
	t.mu.Unlock()
}
