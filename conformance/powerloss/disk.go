// Package powerloss is a disk that loses power: a file system whose writes are
// volatile until they are synced, mounted through FUSE below a real program.
//
// It promises what POSIX promises and nothing more. What fsync has confirmed stays:
// of a file its bytes and its size, of a directory its names. Of everything else a
// crash keeps a random part: some changes of names and sizes and not those before
// them, some sectors of a write and not the others. A file that is synced is gone all
// the same when its name was not.
//
// Words: a change is one write, change of size, or change of names that is not synced;
// a sector is the part of a write that is kept whole or not at all; to freeze is to
// let programs wait for ever, as the moment of a power loss looks to them.
//
// # Concurrency
//
// A Disk may be used from any goroutine. Mount (Linux only) serves it on goroutines of
// the FUSE library, until Unmount. A process must not map files of a Disk that it
// serves itself: a page fault would wait for a goroutine that waits for the fault.
package powerloss

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
)

// sectorBytes is what a disk writes whole or not at all.
const sectorBytes = 512

// rootNode is the number of the root directory.
const rootNode = 1

// Op says what a program asks of a Disk, for Fail.
type Op string

const (
	Read   Op = "read"
	Write  Op = "write"
	Resize Op = "resize"
	Sync   Op = "sync"
	// Name is a change of names: create, remove, rename.
	Name Op = "name"
)

// Disk is a tree of files, as it is and as it would be after a power loss.
type Disk struct {
	mu    sync.Mutex // guards everything below
	nodes map[uint64]*node
	last  uint64
	// names are the unsynced changes of names, in order.
	names []*nameChange

	fail     func(Op) syscall.Errno
	capacity int64

	left     int           // changes until the disk freezes; negative: never
	frozen   chan struct{} // closed when it is
	released chan struct{} // closed when whoever waits is let go
}

// node is a file or a directory.
type node struct {
	dir bool
	// Of files. pending leads from durable to now.
	now, durable []byte
	pending      []change
	// Of directories.
	entries, synced map[string]uint64
}

// change is an unsynced write, or change of size where data is nil.
type change struct {
	at   int64
	data []byte
	size int64
}

// nameChange is an unsynced change of names; 0 as number means that a name goes.
type nameChange struct {
	dirs    [2]uint64 // the same one twice for most
	names   [2]string
	numbers [2]uint64
}

// NewDisk returns an empty disk.
func NewDisk() *Disk {
	d := &Disk{nodes: map[uint64]*node{}, last: rootNode, left: -1, frozen: make(chan struct{}), released: make(chan struct{})}
	d.nodes[rootNode] = newDir()
	return d
}

func newDir() *node {
	return &node{dir: true, entries: map[string]uint64{}, synced: map[string]uint64{}}
}

// FreezeAfter freezes the disk after so many changes and syncs: the next one is begun
// and never answered.
func (d *Disk) FreezeAfter(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.left = n
}

func closed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Frozen is closed once the disk is frozen.
func (d *Disk) Frozen() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.frozen
}

// Release lets go, with an error, whoever waits for a frozen disk: the processes that
// did are dead by now, and their end needs it.
func (d *Disk) Release() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !closed(d.released) {
		close(d.released)
	}
}

// Fail makes operations fail: those for which fn returns an error other than 0. fn is
// called with the disk locked; nil lets all of them pass.
func (d *Disk) Fail(fn func(Op) syscall.Errno) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = fn
}

// SetCapacity is how many bytes the files may have together before there is no space
// left; 0 means any number. Bytes that were never written count nothing.
func (d *Disk) SetCapacity(bytes int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.capacity = bytes
}

// LoseWrites is what happens to a disk whose writes have failed behind the system's
// back: what is not synced is forgotten, except for sizes.
func (d *Disk) LoseWrites() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.loseWrites()
}

func (d *Disk) loseWrites() {
	for _, n := range d.nodes {
		if n.dir {
			continue
		}
		size := int64(len(n.now))
		n.now = resized(slices.Clone(n.durable), size)
		n.pending = nil
		if size != int64(len(n.durable)) {
			n.pending = []change{{size: size}}
		}
	}
}

// Crash is the power loss: the disk becomes what a random part of the unsynced changes
// leaves, and works again. It returns a short description of what was kept.
func (d *Disk) Crash(rnd *rand.Rand) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	share := []float64{0, 0.1, 0.5, 0.9, 1}[rnd.IntN(5)]
	keep := func() bool { return rnd.Float64() < share }
	changes, kept := 0, 0
	for _, number := range slices.Sorted(keys(d.nodes)) {
		n := d.nodes[number]
		for _, c := range n.pending {
			changes++
			torn := rnd.IntN(2) == 0
			switch {
			case c.data == nil:
				if keep() {
					kept++
					n.durable = resized(n.durable, c.size)
				}
			case torn:
				for at := 0; at < len(c.data); {
					// Sectors are aligned to the disk, not to the write.
					end := min(len(c.data), at+sectorBytes-int(c.at+int64(at))%sectorBytes)
					if keep() {
						kept++
						overwrite(n.durable, c.at+int64(at), c.data[at:end])
					}
					at = end
				}
			case keep():
				kept++
				overwrite(n.durable, c.at, c.data)
			}
		}
		n.pending = nil
		n.now = slices.Clone(n.durable)
	}
	for _, c := range d.names {
		changes++
		if keep() {
			kept++
			c.apply(d, func(n *node) map[string]uint64 { return n.synced })
		}
	}
	d.names = nil
	lost := d.forget()
	for _, n := range d.nodes {
		if n.dir {
			n.entries = map[string]uint64{}
			for name, number := range n.synced {
				n.entries[name] = number
			}
		}
	}
	d.left, d.frozen, d.released = -1, make(chan struct{}), make(chan struct{})
	return fmt.Sprintf("%d unsynced changes, parts kept: %d, files gone: %d", changes, kept, lost)
}

// forget drops what no durable name leads to.
func (d *Disk) forget() (lost int) {
	reached := map[uint64]bool{}
	var visit func(number uint64)
	visit = func(number uint64) {
		n := d.nodes[number]
		if n == nil || reached[number] {
			return
		}
		reached[number] = true
		for _, next := range n.synced {
			visit(next)
		}
	}
	visit(rootNode)
	for number := range d.nodes {
		if !reached[number] {
			lost++
			delete(d.nodes, number)
		}
	}
	return lost
}

func keys(m map[uint64]*node) func(func(uint64) bool) {
	return func(yield func(uint64) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func resized(b []byte, size int64) []byte {
	if size <= int64(len(b)) {
		return b[:size:size]
	}
	return append(b, make([]byte, size-int64(len(b)))...)
}

// overwrite puts data where the file has bytes; what lies behind its end is lost.
func overwrite(b []byte, at int64, data []byte) {
	if at < int64(len(b)) {
		copy(b[at:], data)
	}
}

// begin is called, with the disk locked, by everything that changes it, after the
// change; it waits where the disk is frozen, and returns how the operation ends.
func (d *Disk) begin() syscall.Errno {
	if d.left > 0 {
		d.left--
		return 0
	}
	if d.left < 0 {
		return 0
	}
	if !closed(d.frozen) {
		close(d.frozen)
	}
	released := d.released
	d.mu.Unlock()
	<-released
	d.mu.Lock()
	return syscall.EIO
}

func (d *Disk) fault(op Op) syscall.Errno {
	if d.fail == nil {
		return 0
	}
	return d.fail(op)
}

func (d *Disk) used() (bytes int64) {
	for _, n := range d.nodes {
		for at := 0; at < len(n.now); at += 4096 {
			if slices.ContainsFunc(n.now[at:min(at+4096, len(n.now))], func(b byte) bool { return b != 0 }) {
				bytes += 4096
			}
		}
	}
	return bytes
}

func (d *Disk) file(number uint64) (*node, syscall.Errno) {
	n := d.nodes[number]
	switch {
	case n == nil:
		return nil, syscall.ESTALE
	case n.dir:
		return nil, syscall.EISDIR
	}
	return n, 0
}

func (d *Disk) dir(number uint64) (*node, syscall.Errno) {
	n := d.nodes[number]
	switch {
	case n == nil:
		return nil, syscall.ESTALE
	case !n.dir:
		return nil, syscall.ENOTDIR
	}
	return n, 0
}

// ReadAt reads a file into b; at its end it reads less.
func (d *Disk) ReadAt(number uint64, b []byte, at int64) (int, syscall.Errno) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, errno := d.file(number)
	if errno == 0 {
		errno = d.fault(Read)
	}
	if errno != 0 || at >= int64(len(n.now)) {
		return 0, errno
	}
	return copy(b, n.now[at:]), 0
}

// WriteAt writes to a file, which grows where it is too short.
func (d *Disk) WriteAt(number uint64, b []byte, at int64) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, errno := d.file(number)
	if errno == 0 {
		errno = d.fault(Write)
	}
	if errno == 0 && d.capacity > 0 && d.used()+int64(len(b)) > d.capacity {
		errno = syscall.ENOSPC
	}
	if errno != 0 {
		return errno
	}
	if end := at + int64(len(b)); end > int64(len(n.now)) {
		n.now = resized(n.now, end)
		n.pending = append(n.pending, change{size: end})
	}
	data := slices.Clone(b)
	copy(n.now[at:], data)
	n.pending = append(n.pending, change{at: at, data: data})
	return d.begin()
}

// Resize cuts a file, or lengthens it with zeros.
func (d *Disk) Resize(number uint64, size int64) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, errno := d.file(number)
	if errno == 0 {
		errno = d.fault(Resize)
	}
	if errno != 0 {
		return errno
	}
	if size != int64(len(n.now)) {
		n.now = resized(n.now, size)
		n.pending = append(n.pending, change{size: size})
	}
	return d.begin()
}

// SyncFile makes a file's bytes and size durable, but not its name.
func (d *Disk) SyncFile(number uint64) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, errno := d.file(number)
	if errno == 0 {
		errno = d.fault(Sync)
	}
	if errno == 0 {
		errno = d.begin()
	}
	if errno != 0 {
		return errno
	}
	for _, c := range n.pending {
		if c.data == nil {
			n.durable = resized(n.durable, c.size)
		} else {
			overwrite(n.durable, c.at, c.data)
		}
	}
	n.pending = nil
	return 0
}

// SyncDir makes the names in a directory durable.
func (d *Disk) SyncDir(number uint64) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, errno := d.dir(number)
	if errno == 0 {
		errno = d.fault(Sync)
	}
	if errno == 0 {
		errno = d.begin()
	}
	if errno != 0 {
		return errno
	}
	d.names = slices.DeleteFunc(d.names, func(c *nameChange) bool {
		if !slices.Contains(c.dirs[:], number) {
			return false
		}
		c.apply(d, func(n *node) map[string]uint64 { return n.synced })
		return true
	})
	return 0
}

func (c *nameChange) apply(d *Disk, of func(*node) map[string]uint64) {
	for i, dir := range c.dirs {
		n := d.nodes[dir]
		switch {
		case n == nil || c.names[i] == "":
		case c.numbers[i] == 0:
			delete(of(n), c.names[i])
		default:
			of(n)[c.names[i]] = c.numbers[i]
		}
	}
}

// rename notes a change of names and does it.
func (d *Disk) rename(c *nameChange) syscall.Errno {
	if errno := d.fault(Name); errno != 0 {
		return errno
	}
	c.apply(d, func(n *node) map[string]uint64 { return n.entries })
	d.names = append(d.names, c)
	return d.begin()
}

// Create makes a file or a directory.
func (d *Disk) Create(parent uint64, name string, dir bool) (number uint64, errno syscall.Errno) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, errno := d.dir(parent)
	if errno != 0 {
		return 0, errno
	}
	if _, exists := p.entries[name]; exists {
		return 0, syscall.EEXIST
	}
	d.last++
	number = d.last
	d.nodes[number] = &node{}
	if dir {
		d.nodes[number] = newDir()
	}
	if errno := d.rename(&nameChange{dirs: [2]uint64{parent}, names: [2]string{name}, numbers: [2]uint64{number}}); errno != 0 {
		return 0, errno
	}
	return number, 0
}

// Remove takes a name away; a directory must be empty.
func (d *Disk) Remove(parent uint64, name string) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, errno := d.dir(parent)
	if errno != 0 {
		return errno
	}
	n := d.nodes[p.entries[name]]
	switch {
	case n == nil:
		return syscall.ENOENT
	case len(n.entries) > 0:
		return syscall.ENOTEMPTY
	}
	return d.rename(&nameChange{dirs: [2]uint64{parent}, names: [2]string{name}})
}

// Rename gives a file another name, in place of what has it.
func (d *Disk) Rename(from uint64, name string, to uint64, newName string) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, errno := d.dir(from)
	if errno != 0 {
		return errno
	}
	if _, errno := d.dir(to); errno != 0 {
		return errno
	}
	number := p.entries[name]
	if number == 0 {
		return syscall.ENOENT
	}
	return d.rename(&nameChange{dirs: [2]uint64{from, to}, names: [2]string{name, newName}, numbers: [2]uint64{0, number}})
}

// Lookup returns the number of a name.
func (d *Disk) Lookup(parent uint64, name string) (number uint64, errno syscall.Errno) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, errno := d.dir(parent)
	if errno != 0 {
		return 0, errno
	}
	number, exists := p.entries[name]
	if !exists {
		return 0, syscall.ENOENT
	}
	return number, 0
}

// Stat tells whether a number is that of a directory, and the size of a file.
func (d *Disk) Stat(number uint64) (dir bool, size int64, errno syscall.Errno) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.nodes[number]
	if n == nil {
		return false, 0, syscall.ESTALE
	}
	return n.dir, int64(len(n.now)), 0
}

// Names lists a directory.
func (d *Disk) Names(number uint64) (names []string, errno syscall.Errno) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, errno := d.dir(number)
	if errno != 0 {
		return nil, errno
	}
	for name := range n.entries {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, 0
}

// Export writes what is on the disk to a directory of another file system.
func (d *Disk) Export(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.export(d.nodes[rootNode], dir)
}

func (d *Disk) export(n *node, to string) error {
	if !n.dir {
		return os.WriteFile(to, n.now, 0o600)
	}
	errs := []error{os.MkdirAll(to, 0o700)}
	for name, number := range n.entries {
		errs = append(errs, d.export(d.nodes[number], filepath.Join(to, name)))
	}
	return errors.Join(errs...)
}
