package bolt

import (
	"os"
	"syscall"
)

// errDiskFull is ERROR_DISK_FULL, what the system says instead of ENOSPC.
const errDiskFull = syscall.Errno(112)

// syncDirectory does nothing: Windows journals names and cannot sync directories.
func syncDirectory(string) error { return nil }

// keepOwner does nothing: a new file inherits what its directory says.
func keepOwner(string, os.FileInfo) error { return nil }
