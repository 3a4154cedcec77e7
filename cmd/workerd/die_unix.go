//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"workerd.local/serialize"
)

// dieOfTerm ends the process by SIGTERM, so that its parent sees what it died of.
func dieOfTerm() {
	signal.Reset(syscall.SIGTERM)
	if syscall.Kill(os.Getpid(), syscall.SIGTERM) == nil {
		time.Sleep(time.Second) // until the signal has come
	}
}

// exitOf is how a child's process ended.
func exitOf(p *os.ProcessState) serialize.Exit {
	if s, ok := p.Sys().(syscall.WaitStatus); ok && s.Signaled() {
		return serialize.Exit{Code: 128 + int(s.Signal()), Terminated: s.Signal() == syscall.SIGTERM}
	}
	return serialize.Exit{Code: p.ExitCode()}
}
