package bolt

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// forgetCached makes sure that what is read from a file is what its disk has. When
// writing a page to the disk fails, Linux reports it once, to whoever syncs then, and
// keeps the page in memory as if it were written: a process that opens the file next
// would read, and build on, what a power loss takes away.
func forgetCached(f *os.File) error {
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync what was written before: %w", err)
	}
	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		return fmt.Errorf("read from the disk what was written before: %w", err)
	}
	return nil
}
