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

// keepOwner gives a file the owner of another, where they differ.
func keepOwner(path string, of os.FileInfo) error {
	want, ok := of.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if has, ok := info.Sys().(*syscall.Stat_t); ok && has.Uid == want.Uid && has.Gid == want.Gid {
		return nil
	}
	return os.Chown(path, int(want.Uid), int(want.Gid))
}
