// Package bolt is a storage.Store in one bbolt file.
//
// Promises: a Commit that returns nil is on disk, whole; after a crash at any
// moment the file opens with every commit that was acknowledged and no part of
// one that was not. After a failed write or sync nothing in the file is believed
// until it is opened again: every later call returns storage.ErrFailed. Damaged
// bytes are an error, never a panic.
//
// Words: a group is the set of operations that share one bbolt transaction; the
// writer is the one goroutine that makes groups; to sweep is to remove, a little
// at a time, entries that a commit has already made unreachable.
//
// Who runs where: reads run on the caller's goroutine in a bbolt read
// transaction. Everything that writes is queued for the writer, which takes all
// that is queued into one transaction, so that many callers share its two syncs.
// docs/FORMAT.md describes the bytes, layout.go the keys.
package bolt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"workerd.local/internal/limits"
	"workerd.local/storage"
)

// FileName is the usual name of the file in a storage directory.
const FileName = "actors.db"

// Options of Open. The zero value is right for production.
type Options struct {
	// OpenTimeout is how long to wait for another process to let go of the file;
	// 0 means limits.StorageOpen, a second.
	OpenTimeout time.Duration
	// QueueLimit is the number of operations that may wait for the writer; 0 means
	// limits.StorageQueue, 1024. Callers beyond it wait with their context, those of CommitAsync in a
	// list. The batches themselves are held by their callers either way.
	QueueLimit int
	// Bounds are the numbers of what has no field here; nil means those of the table.
	Bounds *limits.Set
	// NoSync gives up durability for speed. Only for tests and benchmarks.
	NoSync bool
	// ReadOnly opens a file that exists and writes nothing to it, not even the number
	// of this open; every write is told ErrReadOnly. Several processes may read at a
	// time, none while another one writes.
	ReadOnly bool
	Hooks    Hooks
}

// ErrReadOnly is what a write to a store is told that was opened for reading only.
var ErrReadOnly = errors.New("the storage was opened for reading only")

// Hooks are told what happens. Each may be nil; they are called from the writer
// or, for Damaged, from the goroutine of the read, and must not call the store.
type Hooks struct {
	// Group follows every transaction of the writer.
	Group func(GroupInfo)
	// Swept is called when everything that deletions left behind is removed.
	Swept func()
	// Failed is called once, when the store stops for good.
	Failed func(error)
	// Damaged carries the stack of a panic or memory fault that unreadable bytes
	// caused.
	Damaged func(err error, stack []byte)
}

// GroupInfo describes one transaction of the writer.
type GroupInfo struct {
	// Operations is the number of commits and other changes that shared it.
	Operations int
	// Bytes is the size of their keys and values.
	Bytes int
	Took  time.Duration
}

// Store implements storage.Store.
type Store struct {
	path      string
	options   Options
	db        *bbolt.DB
	file      *os.File
	epoch     uint64
	placement *storage.Local

	queue    chan *operation
	overflow overflow
	// done is closed when the writer has ended.
	done chan struct{}
	// sweeping is owned by the writer: there is something left to sweep.
	sweeping bool
	// stuck is owned by the writer: a transaction panicked, so bbolt may hold its
	// locks for ever and must not be closed.
	stuck bool

	failure atomic.Pointer[error]
	failed  chan struct{} // closed when failure is set
	shut    atomic.Bool
	// closing is held, shared, while an operation is being queued, and alone to
	// close the queue.
	closing sync.RWMutex
}

var (
	_ storage.Store          = (*Store)(nil)
	_ storage.AsyncCommitter = (*Store)(nil)
	_ storage.InstantReader  = (*Store)(nil)
)

// Open opens or creates the file at path; its directory must exist. Each open
// starts a new epoch. Errors: storage.ErrLocked, storage.ErrVersion,
// storage.ErrDamaged, and the file system's own; each names the path and says
// what to do.
func Open(path string, o Options) (*Store, error) {
	if o.OpenTimeout <= 0 {
		o.OpenTimeout = limits.StorageOpen.In(o.Bounds)
	}
	if o.QueueLimit <= 0 {
		o.QueueLimit = limits.StorageQueue.In(o.Bounds)
	}
	s := &Store{
		path:    path,
		options: o,
		queue:   make(chan *operation, o.QueueLimit),
		done:    make(chan struct{}),
		failed:  make(chan struct{}),
	}
	s.placement = storage.NewLocal(0, nil)
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("open storage %s: %w", path, err)
	}
	s.placement = storage.NewLocal(s.epoch, s.held)
	go s.write()
	return s, nil
}

func (s *Store) open() error {
	_, err := os.Stat(s.path)
	created := errors.Is(err, fs.ErrNotExist)
	if created && s.options.ReadOnly {
		return err
	}
	if err := s.checkPath(); err != nil {
		return err
	}
	mapBytes := initialMapBytes
	if s.options.ReadOnly {
		mapBytes = 0 // the file does not grow
	}
	err = s.guard(func() error {
		err := s.openFile(mapBytes)
		if errors.Is(err, syscall.ENOMEM) {
			err = s.openFile(0) // address space is scarce after all, for one by ulimit -v
		}
		if err != nil {
			return err
		}
		if err := s.checkSize(); err != nil {
			return err
		}
		if err := s.checkShape(); err != nil {
			return err
		}
		return s.begin()
	})
	if err == nil && !s.options.ReadOnly {
		// Also where the file is not new: who created it may not have come this far.
		err = syncDirectory(filepath.Dir(s.path))
	}
	if err != nil {
		s.abandon(err)
		return s.explain(err)
	}
	return nil
}

// openFile opens the file that the path names once its lock is held: a file that
// another process put in its place meanwhile is the one that counts, and what is
// written to the old one would be lost.
func (s *Store) openFile(mapBytes int) error {
	for {
		if err := s.openOnce(mapBytes); err != nil {
			return err
		}
		now, err := os.Stat(s.path)
		if err == nil {
			var opened os.FileInfo
			if opened, err = s.file.Stat(); err == nil && os.SameFile(now, opened) {
				return nil
			}
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := s.db.Close(); err != nil {
			return err
		}
	}
}

func (s *Store) openOnce(mapBytes int) (err error) {
	s.db, err = bbolt.Open(s.path, 0o600, &bbolt.Options{
		Timeout: s.options.OpenTimeout,
		// The free pages are written with every commit: an open that had to find them
		// by reading the whole file would take as long as the file is big.
		NoFreelistSync:  false,
		FreelistType:    bbolt.FreelistMapType,
		InitialMmapSize: mapBytes,
		NoSync:          s.options.NoSync,
		ReadOnly:        s.options.ReadOnly,
		NoStatistics:    true,
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
			f, err := os.OpenFile(name, flag, mode)
			if err == nil && !s.options.ReadOnly && !s.options.NoSync {
				if err = forgetCached(f); err != nil {
					err = errors.Join(err, f.Close())
				}
			}
			s.file = f
			return f, err
		},
	})
	if err != nil {
		return err
	}
	s.db.AllocSize = growBytes
	return nil
}

// checkPath finds what would otherwise be reported less clearly.
func (s *Store) checkPath() error {
	if info, err := os.Stat(s.path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("it is not a regular file; give the path of the storage file itself, such as %s", filepath.Join(s.path, FileName))
	}
	if info, err := os.Stat(filepath.Dir(s.path)); err != nil {
		return fmt.Errorf("its directory cannot be used; create it first: %w", err)
	} else if !info.IsDir() {
		return fmt.Errorf("%s is not a directory", filepath.Dir(s.path))
	}
	return nil
}

// checkSize finds a file that was cut off: touching its missing pages would fault.
func (s *Store) checkSize() error {
	return s.db.View(func(tx *bbolt.Tx) error {
		info, err := s.file.Stat()
		if err != nil {
			return err
		}
		if info.Size() < tx.Size() {
			return fmt.Errorf("%w: the file was cut off: it has %d bytes of %d", storage.ErrDamaged, info.Size(), tx.Size())
		}
		return nil
	})
}

// checkShape finds a file over which bbolt might walk for ever. It reads the branch pages,
// a hundredth of the file.
func (s *Store) checkShape() error {
	info, err := s.file.Stat()
	if err != nil {
		return err
	}
	p := &pageFile{file: s.file, size: info.Size()}
	if err := p.readMeta(); err != nil {
		return err // bbolt has read one of them
	}
	return checkShape(context.Background(), p, false)
}

// begin checks the format, creates what a new file needs, and starts the epoch.
func (s *Store) begin() error {
	var created bool
	err := s.db.View(func(tx *bbolt.Tx) error {
		var err error
		created, err = checkFormat(tx)
		return err
	})
	if err != nil {
		return err
	}
	if s.options.ReadOnly {
		return s.db.View(func(tx *bbolt.Tx) (err error) {
			if created {
				return fmt.Errorf("%w: it holds nothing; %s", storage.ErrDamaged, remedy)
			}
			s.epoch, err = opens(tx)
			return err
		})
	}
	return s.db.Update(func(tx *bbolt.Tx) error {
		if created {
			if err := createLayout(tx); err != nil {
				return err
			}
		}
		s.epoch, err = countOpen(tx)
		if err != nil {
			return err
		}
		s.sweeping = hasSweep(tx)
		return nil
	})
}

// abandon lets go of the file after a failed Open. A bbolt that panicked may hold
// its own locks, so then only the file is released.
func (s *Store) abandon(err error) {
	var panicked *unreadableError
	if s.db != nil && !errors.As(err, &panicked) {
		s.db.Close()
	} else if s.file != nil {
		release(s.file)
	}
}

// explain says what an error of Open means and what to do.
func (s *Store) explain(err error) error {
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return fmt.Errorf("%w (waited %v): stop that process, or give this one another storage directory", storage.ErrLocked, s.options.OpenTimeout)
	case errors.Is(err, storage.ErrDamaged), errors.Is(err, storage.ErrVersion):
		return err
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrVersionMismatch):
		return fmt.Errorf("%w: it is not a bbolt file, or its first pages are damaged (%w); %s", storage.ErrDamaged, err, remedy)
	case errors.Is(err, fs.ErrPermission) && s.options.ReadOnly:
		return fmt.Errorf("%w: the file must be readable by this user", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: the file and its directory must be writable by this user", err)
	case isDiskFull(err):
		return fmt.Errorf("the disk is full: %w", err)
	}
	// bbolt's first act is to write four pages; its error for less is only text.
	if info, statErr := os.Stat(s.path); statErr == nil && info.Size() > 0 && info.Size() < int64(4*os.Getpagesize()) {
		return fmt.Errorf("%w: it has only %d bytes (%w); %s", storage.ErrDamaged, info.Size(), err, remedy)
	}
	return err
}

// remedy ends every report of damage.
const remedy = "restore a backup, or move the file away to start empty"

// Path is the file's path as given to Open.
func (s *Store) Path() string { return s.path }

// Placement says that this process owns every shard while the store is open and
// has not failed. The epoch is the number of opens, this one included.
func (s *Store) Placement() storage.Placement { return s.placement }

func (s *Store) held() bool { return !s.shut.Load() && s.failure.Load() == nil }

// Close waits for the operations that were accepted and for reads to end, then
// releases the file. Entries not yet swept are swept after the next open.
func (s *Store) Close() error {
	s.closing.Lock()
	if s.shut.Swap(true) {
		s.closing.Unlock()
		return storage.ErrClosed
	}
	close(s.queue)
	s.closing.Unlock()
	<-s.done
	var err error
	if s.stuck {
		err = release(s.file)
	} else {
		err = s.guard(s.db.Close)
	}
	if failure := s.failure.Load(); failure != nil {
		return nil // reported to those who wrote; what closing a broken file says adds nothing
	}
	if err != nil {
		return fmt.Errorf("close storage %s: %w", s.path, err)
	}
	return nil
}

// fail stops the store for good; the first cause stays.
func (s *Store) fail(cause error) error {
	if isDiskFull(cause) {
		cause = fmt.Errorf("the disk is full, free some space and start again: %w", cause)
	}
	err := fmt.Errorf("%w: write %s: %w", storage.ErrFailed, s.path, cause)
	if s.failure.CompareAndSwap(nil, &err) {
		close(s.failed)
		if s.options.Hooks.Failed != nil {
			s.options.Hooks.Failed(err)
		}
	}
	return *s.failure.Load()
}

// check tells whether the store may be used.
func (s *Store) check(ctx context.Context) error {
	if s.shut.Load() {
		return storage.ErrClosed
	}
	if failure := s.failure.Load(); failure != nil {
		return *failure
	}
	return ctx.Err()
}

// initialMapBytes is how much address space the file may fill before bbolt has to
// map it again, for which it must wait until no read is under way. Address space
// costs nothing where it is plentiful, except on Windows, where bbolt makes the
// file as long as the map.
var initialMapBytes = func() int {
	if strconv.IntSize == 64 && runtime.GOOS != "windows" {
		gibibyte := 1 << 30
		return 64 * gibibyte
	}
	return 0
}()

// growBytes is how much the file grows at a time. A growth costs a third sync.
const growBytes = 4 << 20
