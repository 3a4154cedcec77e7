package bolt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"go.etcd.io/bbolt"
)

// compactSuffix is what CompactFile appends to the name of the file that it writes.
const compactSuffix = ".compact"

// CompactFile puts a copy without free pages in the place of the file at path, which
// nobody may have open. What deletions left behind is removed first. The new file has
// the mode and the owner of the old one. A process that is killed meanwhile leaves
// the old file or the new one, and perhaps a file whose name ends in ".compact", which
// the next call removes. It returns the sizes of both files in bytes.
//
// Errors are those of Open and of writing.
func CompactFile(ctx context.Context, path string, o Options) (before, after int64, err error) {
	swept := make(chan struct{})
	var once sync.Once
	o.Hooks.Swept = func() { once.Do(func() { close(swept) }) }
	info, err := os.Stat(path)
	if err != nil {
		return 0, 0, fmt.Errorf("compact: %w", err)
	}
	s, err := Open(path, o)
	if err != nil {
		return 0, 0, err
	}
	open := true
	defer func() {
		if open {
			err = errors.Join(err, s.Close())
		}
	}()
	if err := s.waitSwept(ctx, swept); err != nil {
		return 0, 0, fmt.Errorf("compact %s: %w", path, err)
	}
	dst := path + compactSuffix
	if err := os.Remove(dst); err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, 0, fmt.Errorf("compact %s: %w", path, err)
	}
	if err := s.Compact(ctx, dst); err != nil {
		if isDiskFull(err) {
			return 0, 0, fmt.Errorf("the disk is full; the file is as it was: %w", err)
		}
		return 0, 0, err
	}
	if err := keepMode(dst, info); err != nil {
		return 0, 0, fmt.Errorf("compact %s: %w", path, errors.Join(err, os.Remove(dst)))
	}
	// Who waits for the lock looks at the name once it has it. Windows cannot rename
	// onto a file that is open.
	if runtime.GOOS == "windows" {
		open = false
		if err := s.Close(); err != nil {
			return 0, 0, errors.Join(err, os.Remove(dst))
		}
	}
	if err := os.Rename(dst, path); err != nil {
		return 0, 0, fmt.Errorf("compact: %w", errors.Join(err, os.Remove(dst)))
	}
	if err := syncDirectory(filepath.Dir(path)); err != nil {
		return 0, 0, fmt.Errorf("compact %s: %w", path, err)
	}
	small, err := os.Stat(path)
	if err != nil {
		return 0, 0, fmt.Errorf("compact: %w", err)
	}
	return info.Size(), small.Size(), nil
}

// waitSwept returns once nothing is left to sweep.
func (s *Store) waitSwept(ctx context.Context, swept <-chan struct{}) error {
	var left bool
	err := s.view(ctx, func(tx *bbolt.Tx) error {
		left = hasSweep(tx)
		return nil
	})
	if err != nil || !left {
		return err
	}
	select {
	case <-swept:
		return nil
	case <-s.failed:
		return s.check(ctx)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// keepMode gives a new file the permissions and the owner of another.
func keepMode(path string, of os.FileInfo) error {
	if err := os.Chmod(path, of.Mode().Perm()); err != nil {
		return err
	}
	return keepOwner(path, of)
}
