package powerloss

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
)

// faulty is a disk under a store of its own process.
type faulty struct {
	t *testing.T
	d *Disk
	m *Mounted
	c *child
	n uint64 // the last commit that was acknowledged
}

func newFaulty(t *testing.T) *faulty {
	d := NewDisk()
	f := &faulty{t: t, d: d, m: Mount(t, d)}
	f.start("ok")
	f.commit()
	f.commit()
	return f
}

// start opens the store in a new process, whose system remembers what it read.
func (f *faulty) start(want string) {
	f.t.Helper()
	f.c = startChild(f.t, "obey", f.m.Dir, f.d.Release)
	if answer, _ := f.c.line(); !strings.Contains(answer, want) {
		f.t.Fatalf("open: %q, want %q", answer, want)
	}
}

func (f *faulty) commit() {
	f.t.Helper()
	f.want(fmt.Sprint("commit ", f.n+1), "ok")
	f.n++
}

func (f *faulty) want(what string, answers ...string) {
	f.t.Helper()
	got := f.c.ask(what)
	for _, w := range answers {
		if !strings.Contains(got, w) {
			f.t.Fatalf("%s: %q, want %q", what, got, w)
		}
	}
}

// fail makes operation number n of the kinds fail, and every later one where always
// says so. It returns how many were asked for since.
func (f *faulty) fail(errno syscall.Errno, n int, always bool, also func(), kinds ...Op) (asked func() int) {
	count := 0 // guarded by the disk's lock
	f.d.Fail(func(op Op) syscall.Errno {
		for _, k := range kinds {
			if op != k {
				continue
			}
			if count++; count == n || count > n && always {
				if also != nil {
					also()
				}
				return errno
			}
		}
		return 0
	})
	return func() int {
		f.d.mu.Lock()
		defer f.d.mu.Unlock()
		return count
	}
}

// restart mends the disk, opens the store in another process, and wants the commits
// that were acknowledged, and those only where the disk has lost the last one.
func (f *faulty) restart(orOneMore bool) {
	f.t.Helper()
	f.want("close", "ok")
	f.d.Fail(nil)
	f.start("ok")
	if got := f.c.ask("last"); got != fmt.Sprint("ok ", f.n) {
		if !orOneMore || got != fmt.Sprint("ok ", f.n+1) {
			f.t.Fatalf("after the restart: %q; acknowledged was %d", got, f.n)
		}
		f.n++
	}
	f.want("check", "ok")
	f.commit()
	f.commit()
}

// powerLoss is the end: what was acknowledged must be on the disk.
func (f *faulty) powerLoss() {
	f.t.Helper()
	f.c.signal()
	f.d.Release()
	f.c.kill()
	if err := f.m.Unmount(); err != nil {
		f.t.Fatal(err)
	}
	f.d.Crash(rand.New(rand.NewPCG(1, 1)))
	last, err := stored(f.t, f.d)
	if err != nil || last[0] != f.n {
		f.t.Errorf("after the power loss: commit %d, %v; acknowledged was %d", last[0], err, f.n)
	}
}

// down wants every use of the store to be refused with the error of the first.
func (f *faulty) down(cause string) {
	f.t.Helper()
	for _, what := range []string{fmt.Sprint("commit ", f.n+1), "last", "check"} {
		f.want(what, "error", "storage failed and must be opened again", "actors.db", cause)
	}
}

// TestFailedSyncIsNotBelieved lets each sync of a commit fail, with the disk having
// lost what it should have written while the system still shows it: the store must
// stop, and neither it nor a process that opens it later may build on what is shown.
func TestFailedSyncIsNotBelieved(t *testing.T) {
	tried := 0
	for n := 1; ; n++ {
		f := newFaulty(t)
		asked := f.fail(syscall.EIO, n, false, f.d.loseWrites, Sync)
		answer := f.c.ask(fmt.Sprint("commit ", f.n+1))
		if asked() < n {
			f.n++
			f.powerLoss()
			break
		}
		if !strings.Contains(answer, syscall.EIO.Error()) {
			t.Fatalf("sync %d fails: %q", n, answer)
		}
		tried++
		f.d.Fail(nil)
		f.down(syscall.EIO.Error()) // though the disk would work again
		f.restart(false)
		f.powerLoss()
	}
	if tried < 2 {
		t.Errorf("a commit has only %d syncs", tried)
	}
}

// TestEveryWriteOfACommitFails lets each write, growth and sync of a commit fail.
func TestEveryWriteOfACommitFails(t *testing.T) {
	tried := 0
	for n := 1; ; n++ {
		f := newFaulty(t)
		asked := f.fail(syscall.EIO, n, true, nil, Write, Resize, Sync)
		answer := f.c.ask(fmt.Sprint("commit ", f.n+1))
		if asked() < n {
			f.n++
			f.powerLoss()
			break
		}
		if !strings.Contains(answer, syscall.EIO.Error()) {
			t.Fatalf("operation %d fails: %q", n, answer)
		}
		tried++
		f.down(syscall.EIO.Error())
		f.restart(true)
		f.powerLoss()
	}
	if tried < 4 {
		t.Errorf("a commit has only %d operations", tried)
	}
}

// TestFullDiskStopsTheStoreUntilThereIsRoom fills the disk.
func TestFullDiskStopsTheStoreUntilThereIsRoom(t *testing.T) {
	f := newFaulty(t)
	f.d.mu.Lock()
	used := f.d.used()
	f.d.mu.Unlock()
	f.d.SetCapacity(used + 40_000)
	answer := ""
	for range 100 {
		if answer = f.c.ask(fmt.Sprint("commit ", f.n+1)); answer != "ok" {
			break
		}
		f.n++
	}
	if !strings.Contains(answer, "the disk is full, free some space and start again") || !strings.Contains(answer, syscall.ENOSPC.Error()) {
		t.Errorf("a full disk: %q", answer)
	}
	f.down("the disk is full")
	f.want("close", "ok")
	// A process that starts while it is still full says so, and harms nothing.
	f.d.SetCapacity(1)
	f.start("the disk is full")
	f.c.kill()
	f.d.SetCapacity(0)
	f.start("ok")
	f.want("close", "ok")
	f.start("ok")
	f.want("last", fmt.Sprint("ok ", f.n))
	f.commit()
	f.powerLoss()
}

// TestReadOnlyDiskStopsTheStore is a file system that was remounted read-only, as after
// errors.
func TestReadOnlyDiskStopsTheStore(t *testing.T) {
	f := newFaulty(t)
	f.fail(syscall.EROFS, 1, true, nil, Write, Resize, Name)
	f.want(fmt.Sprint("commit ", f.n+1), "error", syscall.EROFS.Error())
	f.down(syscall.EROFS.Error())
	f.want("close", "ok")
	f.start("error open storage")
	f.c.kill()
	f.start(syscall.EROFS.Error())
	f.c.kill()
	f.d.Fail(nil)
	f.start("ok")
	f.want("last", fmt.Sprint("ok ", f.n))
	f.commit()
	f.powerLoss()
}

// TestUnreadablePagesAreAnError lets reads fail from each one on: a page of the map
// that cannot be read is a fault in the process, which must be told as an error.
func TestUnreadablePagesAreAnError(t *testing.T) {
	f := newFaulty(t)
	for f.n < 40 {
		f.commit()
	}
	f.want("close", "ok")
	failed := 0
	for n := 1; ; n++ {
		f.fail(syscall.EIO, n, true, nil, Read)
		c := startChild(t, "obey", f.m.Dir, f.d.Release)
		answer, ok := c.line()
		if !ok {
			t.Fatalf("read %d: the process died", n)
		}
		// The system reads ahead: where everything could be checked and read, the reads
		// that failed were of pages that nobody needs.
		intact := fmt.Sprint("ok ", f.n)
		for _, command := range []string{"check", "last"} {
			if answer == "ok" {
				answer = c.ask(command)
			}
		}
		c.signal()
		c.kill()
		if answer == intact {
			break
		}
		failed++
		if !strings.Contains(answer, "storage is damaged") && !strings.Contains(answer, syscall.EIO.Error()) {
			t.Errorf("read %d fails: %q", n, answer)
		}
	}
	if failed == 0 {
		t.Error("no read was asked for: the system shows what it has in memory")
	}
	f.d.Fail(nil)
	f.start("ok")
	f.want("last", fmt.Sprint("ok ", f.n))
}

// TestLockOfAnotherProcess needs no faults: the other process is enough.
func TestLockOfAnotherProcess(t *testing.T) {
	f := &faulty{t: t, d: NewDisk(), m: &Mounted{Dir: t.TempDir()}}
	f.start("ok")
	f.commit()
	holder := f.c
	f.start("storage is locked by another process")
	f.c.kill()
	f.c = holder
	f.commit()
	holder.kill() // with no chance to unlock
	f.start("ok")
	f.want("last", "ok 2")
	f.want("close", "ok")
}
