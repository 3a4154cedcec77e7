//go:build windows || solaris || aix

package bolt

import "os"

// release closes a file of bbolt that bbolt cannot be asked to close any more; its lock ends with that.
func release(f *os.File) error { return f.Close() }
