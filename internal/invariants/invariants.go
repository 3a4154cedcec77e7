// Package invariants holds the checks that run in checked builds only.
//
// A check is a comment that runs: it costs nothing in a release build, where
// Enabled is a false constant and the compiler drops the branch. Checked builds
// are those made with -tags invariants or with -race.
package invariants

import "fmt"

// Check panics with the formatted message when ok is false in a checked build.
// It is for broken promises inside this program, never for bad input.
func Check(ok bool, format string, args ...any) {
	if Enabled && !ok {
		panic("invariant violated: " + fmt.Sprintf(format, args...))
	}
}
