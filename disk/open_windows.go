package disk

import (
	"errors"
	"syscall"
)

// nonBlocking is not needed: pipes have no names in directories.
const nonBlocking = 0

// isBadName reports whether a name can never be one: ERROR_INVALID_NAME.
func isBadName(err error) bool { return errors.Is(err, syscall.Errno(123)) }
