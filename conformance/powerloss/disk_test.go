package powerloss

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// newFile makes a file whose name is durable where synced says so.
func newFile(t *testing.T, d *Disk, name string, synced bool) uint64 {
	t.Helper()
	number, errno := d.Create(rootNode, name, false)
	if errno == 0 && synced {
		errno = d.SyncDir(rootNode)
	}
	if errno != 0 {
		t.Fatal(errno)
	}
	return number
}

func do(t *testing.T, errnos ...syscall.Errno) {
	t.Helper()
	for _, errno := range errnos {
		if errno != 0 {
			t.Fatal(errno)
		}
	}
}

func content(t *testing.T, d *Disk, number uint64) []byte {
	t.Helper()
	_, size, errno := d.Stat(number)
	b := make([]byte, size)
	if errno == 0 {
		_, errno = d.ReadAt(number, b, 0)
	}
	do(t, errno)
	return b
}

// crashes are power losses of disks that fill has used, each with its own chance.
func crashes(t *testing.T, fill func(d *Disk), check func(d *Disk)) {
	t.Helper()
	for seed := range uint64(200) {
		d := NewDisk()
		fill(d)
		d.Crash(rand.New(rand.NewPCG(seed, 1)))
		check(d)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func TestSyncedBytesStay(t *testing.T) {
	old, young := bytes.Repeat([]byte{1}, 3*sectorBytes), bytes.Repeat([]byte{2}, 2*sectorBytes)
	seen := map[string]bool{}
	var number uint64
	crashes(t, func(d *Disk) {
		number = newFile(t, d, "f", true)
		do(t, d.WriteAt(number, old, 0), d.SyncFile(number), d.WriteAt(number, young, 100))
		if got := content(t, d, number); !bytes.Equal(got[100:100+len(young)], young) {
			t.Error("a write is not seen before the crash")
		}
	}, func(d *Disk) {
		got := content(t, d, number)
		if len(got) != len(old) || !bytes.Equal(got[:100], old[:100]) || !bytes.Equal(got[100+len(young):], old[100+len(young):]) {
			t.Error("synced bytes that nobody overwrote have changed")
		}
		// Within a sector all bytes are old, or all are new.
		for at, b := range got[100 : 100+len(young)] {
			if at += 100; at%sectorBytes != 0 && at != 100 && got[at-1] != b {
				t.Fatalf("a sector is torn at %d", at)
			}
		}
		seen[string([]byte{got[100], got[sectorBytes], got[2*sectorBytes]})] = true
	})
	if !seen["\x01\x01\x01"] || !seen["\x02\x02\x02"] || len(seen) < 6 {
		t.Errorf("crashes leave only %d kinds of content", len(seen))
	}
}

func TestUnsyncedSizesAndNamesAreAnybodysGuess(t *testing.T) {
	sizes, names := map[int64]bool{}, map[bool]bool{}
	crashes(t, func(d *Disk) {
		number := newFile(t, d, "kept", true)
		do(t, d.WriteAt(number, make([]byte, 10), 0), d.SyncFile(number), d.Resize(number, 2000), d.Resize(number, 5))
		lost := newFile(t, d, "lost", false)
		do(t, d.WriteAt(lost, []byte("bytes"), 0), d.SyncFile(lost)) // the file is, its name is not
	}, func(d *Disk) {
		number, errno := d.Lookup(rootNode, "kept")
		do(t, errno)
		_, size, errno := d.Stat(number)
		do(t, errno)
		sizes[size] = true
		lost, errno := d.Lookup(rootNode, "lost")
		names[errno == 0] = true
		if errno == 0 && string(content(t, d, lost)) != "bytes" {
			t.Error("synced bytes are lost")
		}
	})
	if !sizes[10] || !sizes[2000] || !sizes[5] || len(sizes) != 3 || len(names) != 2 {
		t.Errorf("sizes %v, names %v", sizes, names)
	}
}

func TestRenamesAreWhole(t *testing.T) {
	seen := map[string]bool{}
	crashes(t, func(d *Disk) {
		a, b := newFile(t, d, "a", true), newFile(t, d, "b", true)
		do(t, d.WriteAt(a, []byte("a"), 0), d.SyncFile(a), d.WriteAt(b, []byte("b"), 0), d.SyncFile(b))
		sub, errno := d.Create(rootNode, "sub", true)
		do(t, errno, d.SyncDir(rootNode), d.Rename(rootNode, "a", rootNode, "b"), d.Rename(rootNode, "b", sub, "c"))
		if _, errno := d.Lookup(rootNode, "b"); errno != syscall.ENOENT {
			t.Error("a renamed file has its old name")
		}
	}, func(d *Disk) {
		dir := t.TempDir()
		if err := d.Export(dir); err != nil {
			t.Fatal(err)
		}
		found := ""
		for _, name := range []string{"a", "b", "sub/c"} {
			b, err := os.ReadFile(filepath.Join(dir, name))
			if err == nil {
				found += name + "=" + string(b) + " "
			}
		}
		seen[found] = true
	})
	want := []string{"a=a b=b ", "b=a ", "sub/c=a ", "a=a sub/c=a "}
	for _, w := range want {
		if w != "a=a sub/c=a " && !seen[w] {
			t.Errorf("no crash left %q", w)
		}
		delete(seen, w)
	}
	// The second rename without the first moves the first file that was b: its
	// number is that of a, which then has both names. Nothing else may be.
	if len(seen) > 0 {
		t.Errorf("crashes left %v", seen)
	}
}

func TestFrozenDisk(t *testing.T) {
	d := NewDisk()
	number := newFile(t, d, "f", true)
	d.FreezeAfter(1)
	do(t, d.WriteAt(number, []byte("x"), 0))
	ended := make(chan syscall.Errno)
	go func() { ended <- d.SyncFile(number) }()
	<-d.Frozen()
	do(t, func() syscall.Errno { _, e := d.Lookup(rootNode, "f"); return e }())
	select {
	case errno := <-ended:
		t.Fatalf("a sync of a frozen disk returned %v", errno)
	default:
	}
	d.Release()
	if errno := <-ended; errno != syscall.EIO {
		t.Errorf("the sync ended with %v", errno)
	}
	d.Crash(rand.New(rand.NewPCG(1, 1)))
	do(t, d.WriteAt(number, []byte("y"), 0), d.SyncFile(number))
}

func TestFaultsOfDisks(t *testing.T) {
	d := NewDisk()
	number := newFile(t, d, "f", true)
	do(t, d.WriteAt(number, []byte("old"), 0), d.SyncFile(number), d.WriteAt(number, []byte("newer"), 0))
	for _, op := range []Op{Read, Write, Resize, Sync, Name} {
		d.Fail(func(o Op) syscall.Errno {
			if o == op {
				return syscall.EROFS
			}
			return 0
		})
		_, read := d.ReadAt(number, make([]byte, 1), 0)
		_, name := d.Create(rootNode, "new", false)
		for o, errno := range map[Op]syscall.Errno{Read: read, Write: d.WriteAt(number, []byte("n"), 0), Resize: d.Resize(number, 5), Sync: d.SyncFile(number), Name: name} {
			if (errno == syscall.EROFS) != (o == op) && !(o == Name && errno == syscall.EEXIST) {
				t.Errorf("%s while %s fails: %v", o, op, errno)
			}
		}
	}
	d.Fail(nil)
	do(t, d.WriteAt(number, []byte("latest"), 0))
	d.LoseWrites()
	if got := content(t, d, number); len(got) != 6 || string(got[:5]) != "newer" {
		t.Errorf("after its writes were lost the file has %q", got)
	}
	d.SetCapacity(8192)
	if errno := d.WriteAt(number, make([]byte, 4097), 100000); errno != syscall.ENOSPC {
		t.Errorf("a write to a full disk: %v", errno)
	}
	do(t, d.WriteAt(number, make([]byte, 4096), 100000))
	if errno := d.Remove(rootNode, "nothing"); errno != syscall.ENOENT {
		t.Errorf("remove: %v", errno)
	}
	do(t, d.Remove(rootNode, "f"))
}
