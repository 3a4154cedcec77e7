package isolate

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync"
	"time"
)

// MemoryGuard watches the heap of the process and interrupts the isolate that
// has been running its turn for longest when the heap passes a limit. goja counts
// nothing, so who allocates is an estimate; the guard exists so that one script
// fails and the process does not.
type MemoryGuard struct {
	limit uint64
	every time.Duration

	mu       sync.Mutex // guards what follows
	isolates map[*Isolate]struct{}
	stopped  *Isolate // where a turn was stopped last
	turn     watched  // that turn
}

// NewMemoryGuard returns a guard for a heap of limit bytes.
func NewMemoryGuard(limit uint64) *MemoryGuard {
	return &MemoryGuard{limit: limit, every: 10 * time.Millisecond, isolates: map[*Isolate]struct{}{}}
}

// DefaultMemoryLimit is 75 % of what the process may have: the memory limit of
// its control group where there is one, else the machine's memory, else 3 GiB.
func DefaultMemoryLimit() uint64 {
	total := uint64(4 << 30)
	if n, ok := readNumber("/sys/fs/cgroup/memory.max"); ok {
		total = n
	} else if n, ok := readNumber("/sys/fs/cgroup/memory/memory.limit_in_bytes"); ok && n < 1<<50 {
		total = n
	} else if n, ok := machineMemory(); ok {
		total = n
	}
	return total / 4 * 3
}

func readNumber(path string) (uint64, bool) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
	return n, err == nil
}

func machineMemory() (uint64, bool) {
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "MemTotal:"); ok {
			n, err := strconv.ParseUint(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return n << 10, err == nil
		}
	}
	return 0, false
}

const (
	heapMetric    = "/memory/classes/heap/objects:bytes"
	bytesMetric   = "/gc/heap/allocs:bytes"
	objectsMetric = "/gc/heap/allocs:objects"
	liveMetric    = "/gc/heap/live:bytes"
)

// Run watches until ctx is done. It also makes the limit the collector's soft
// target, so that garbage is not mistaken for a leak.
func (g *MemoryGuard) Run(ctx context.Context) error {
	old := debug.SetMemoryLimit(int64(g.limit))
	defer debug.SetMemoryLimit(old)
	t := time.NewTicker(g.every)
	defer t.Stop()
	sample := []metrics.Sample{{Name: heapMetric}, {Name: bytesMetric}, {Name: objectsMetric}, {Name: liveMetric}}
	var growth growth
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
		}
		over := g.over(sample)
		if growth.doubles(sample[1].Value.Uint64(), sample[2].Value.Uint64(), sample[3].Value.Uint64(), g.limit) {
			g.relieve()
		} else if over {
			// What counts is what is alive: the garbage of the script that was stopped
			// last must not be held against the next one. What ends meanwhile was
			// alive when the collector looked.
			ending := g.stopping()
			runtime.GC()
			if g.over(sample) && ending == g.stopping() {
				g.relieve()
			}
		}
	}
}

// growth finds a script that makes something twice as large again and again, such as a string:
// one step of the engine would go from what the memory has room for to what it has not, and
// nobody can look in between. Each such step takes longer than the guard's pause, because all
// is copied, so the guard sees how much it took.
type growth struct {
	bytes, objects uint64 // allocated so far
	jump           uint64
	since          int // looks since that jump
}

// doubles takes what was allocated so far and what of it was alive lately, and reports whether the next step of
// such a script would need more than the limit and its third, which is what the process may have. What many make at a
// time is small, or not one and a half times as much as before.
func (g *growth) doubles(bytes, objects, live, limit uint64) bool {
	made, things := bytes-g.bytes, objects-g.objects
	g.bytes, g.objects, g.since = bytes, objects, g.since+1
	if made < limit/32 || made/largeThing < things {
		return false
	}
	before, recent := g.jump, g.since <= recentLooks
	g.jump, g.since = made, 0
	return recent && made > limit/8 && made >= before+before/2 && live+3*made > limit+limit/3
}

// largeThing is the size in bytes of what is made, on average, where one thing is huge.
const largeThing = 8 << 10

// recentLooks is how many looks a step before may be past. A step takes longer than one, by far
// where the system is about to have no memory.
const recentLooks = 1000

func (g *MemoryGuard) over(sample []metrics.Sample) bool {
	metrics.Read(sample)
	return sample[0].Value.Uint64() > g.limit
}

func (g *MemoryGuard) pressed() bool {
	sample := []metrics.Sample{{Name: heapMetric}}
	metrics.Read(sample)
	return sample[0].Value.Uint64() > g.limit/2
}

func (g *MemoryGuard) relieve() {
	g.mu.Lock()
	defer g.mu.Unlock()
	var longest *Isolate
	var oldest watched
	for i := range g.isolates {
		if turn, ok := i.dog.running(); ok && (longest == nil || turn.start.Before(oldest.start)) {
			longest, oldest = i, turn
		}
	}
	if longest != nil {
		longest.dog.stop(oldest, ErrMemoryLimit)
		g.stopped, g.turn = longest, oldest
	}
}

// stopping reports whether the turn that was stopped last still runs.
func (g *MemoryGuard) stopping() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopped == nil {
		return false
	}
	if turn, ok := g.stopped.dog.running(); ok && turn == g.turn {
		return true
	}
	g.stopped, g.turn = nil, watched{}
	return false
}

func (g *MemoryGuard) add(i *Isolate) {
	g.mu.Lock()
	g.isolates[i] = struct{}{}
	g.mu.Unlock()
}

func (g *MemoryGuard) remove(i *Isolate) {
	g.mu.Lock()
	delete(g.isolates, i)
	if g.stopped == i {
		g.stopped, g.turn = nil, watched{}
	}
	g.mu.Unlock()
}
