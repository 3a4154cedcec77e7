//go:build !windows && !linux

package supervise

import "syscall"

// endsWithParent does nothing here: the child sees its parent's end of the link closed.
func endsWithParent(*syscall.SysProcAttr) {}
