//go:build !windows

package bolt

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// errDiskFull is what the system says, beside ENOSPC, when a quota is used up.
const errDiskFull = syscall.EDQUOT

// syncDirectory makes the name of a new file durable.
func syncDirectory(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync its directory: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync its directory: %w", err)
	}
	return nil
}
