//go:build !windows

package supervise

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// newPage makes a page that two processes may map: a file without a name.
func newPage(slots int) (f *os.File, page []byte, err error) {
	if f, err = os.CreateTemp("", "workerd-running-*"); err != nil {
		return nil, nil, fmt.Errorf("cannot make the page in which isolates note what they run: %w", err)
	}
	err = os.Remove(f.Name())
	if err == nil {
		// Written, so that no store into it can fail for want of room on the disk.
		_, err = f.Write(make([]byte, slots*slotBytes))
	}
	if err == nil {
		page, err = mapPage(f, slots*slotBytes)
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("cannot make the page in which isolates note what they run: %w", err), f.Close())
	}
	return f, page, nil
}

func mapPage(f *os.File, size int) (page []byte, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	cerr := raw.Control(func(fd uintptr) {
		page, err = syscall.Mmap(int(fd), 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	})
	return page, errors.Join(cerr, err)
}
