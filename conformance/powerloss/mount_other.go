//go:build !linux

package powerloss

import "testing"

// Mounted is a Disk in the file system of this machine.
type Mounted struct {
	// Dir is where it is mounted.
	Dir string
}

// Mount skips the test: only Linux can mount without more software.
func Mount(t testing.TB, _ *Disk) *Mounted {
	t.Helper()
	t.Skip("WARNING: no test of power loss: it needs FUSE of Linux")
	return nil
}

// Unmount does nothing.
func (*Mounted) Unmount() error { return nil }
