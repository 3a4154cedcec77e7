package bolt

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"syscall"

	"workerd.local/storage"
)

// guard runs fn, which touches bbolt's pages. Pages that are damaged make bbolt
// panic, or read past the end of the map, which faults; both become
// storage.ErrDamaged here instead of ending the process.
func (s *Store) guard(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if cause := recover(); cause != nil {
			err = &unreadableError{cause}
			if s.options.Hooks.Damaged != nil {
				s.options.Hooks.Damaged(err, debug.Stack())
			}
		}
	}()
	return fn()
}

// unreadableError is what a panic or a fault becomes.
type unreadableError struct{ cause any }

func (e *unreadableError) Error() string {
	return fmt.Sprintf("%v: a page cannot be read (%v); %s", storage.ErrDamaged, e.cause, remedy)
}

func (e *unreadableError) Unwrap() error { return storage.ErrDamaged }

// isDiskFull tells whether there was no room. bbolt flattens some of its errors
// to text, so the text counts too.
func isDiskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, errDiskFull) ||
		strings.Contains(err.Error(), syscall.ENOSPC.Error()) || strings.Contains(err.Error(), errDiskFull.Error())
}
