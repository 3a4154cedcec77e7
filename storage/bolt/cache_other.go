//go:build !linux

package bolt

import (
	"fmt"
	"os"
)

// forgetCached writes what a process before this one left to be written. Systems other
// than Linux keep pages that could not be written as such, or have no way to ask.
func forgetCached(f *os.File) error {
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync what was written before: %w", err)
	}
	return nil
}
