//go:build !windows && !solaris && !aix

package bolt

import (
	"errors"
	"os"
	"syscall"
)

// release closes a file of bbolt that bbolt cannot be asked to close any more. The lock is
// of the open file, which bbolt's map keeps open: closing alone would leave the file
// locked until the process ends.
func release(f *os.File) error {
	return errors.Join(syscall.Flock(int(f.Fd()), syscall.LOCK_UN), f.Close())
}
