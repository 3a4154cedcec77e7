//go:build !windows

package disk

import "syscall"

// nonBlocking keeps an open from waiting for the other end of a pipe that took the
// place of a file.
const nonBlocking = syscall.O_NONBLOCK

// isBadName reports whether a name can never be one: all that are left can be.
func isBadName(error) bool { return false }
