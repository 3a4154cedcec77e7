//go:build !unix

package program

// This system does not tell what a process has used.
func cpuNumbers() map[string]any      { return map[string]any{"user": 0, "system": 0} }
func resourceNumbers() map[string]any { return cpuNumbers() }
