//go:build !unix

package main

import (
	"os"

	"workerd.local/serialize"
)

// dieOfTerm does nothing where no signal ends a process: the exit code tells.
func dieOfTerm() {}

// exitOf is how a child's process ended.
func exitOf(p *os.ProcessState) serialize.Exit { return serialize.Exit{Code: p.ExitCode()} }
