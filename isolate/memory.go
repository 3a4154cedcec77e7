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

	mu       sync.Mutex // guards isolates
	isolates map[*Isolate]struct{}
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

const heapMetric = "/memory/classes/heap/objects:bytes"

// Run watches until ctx is done. It also makes the limit the collector's soft
// target, so that garbage is not mistaken for a leak.
func (g *MemoryGuard) Run(ctx context.Context) error {
	old := debug.SetMemoryLimit(int64(g.limit))
	defer debug.SetMemoryLimit(old)
	t := time.NewTicker(g.every)
	defer t.Stop()
	sample := []metrics.Sample{{Name: heapMetric}}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
		}
		if g.over(sample) {
			// What counts is what is alive: the garbage of the script that was stopped
			// last must not be held against the next one.
			runtime.GC()
			if g.over(sample) {
				g.relieve()
			}
		}
	}
}

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
	}
}

func (g *MemoryGuard) add(i *Isolate) {
	g.mu.Lock()
	g.isolates[i] = struct{}{}
	g.mu.Unlock()
}

func (g *MemoryGuard) remove(i *Isolate) {
	g.mu.Lock()
	delete(g.isolates, i)
	g.mu.Unlock()
}
