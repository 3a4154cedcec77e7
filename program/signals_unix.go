//go:build unix

package program

import (
	"os"
	"syscall"

	"workerd.local/isolate"
)

// signals of which process tells, by their names.
var signals = map[string]syscall.Signal{
	"SIGHUP": syscall.SIGHUP, "SIGINT": syscall.SIGINT, "SIGQUIT": syscall.SIGQUIT, "SIGTERM": syscall.SIGTERM,
	"SIGUSR1": syscall.SIGUSR1, "SIGUSR2": syscall.SIGUSR2, "SIGALRM": syscall.SIGALRM, "SIGPIPE": syscall.SIGPIPE,
	"SIGCHLD": syscall.SIGCHLD, "SIGCONT": syscall.SIGCONT, "SIGTSTP": syscall.SIGTSTP, "SIGWINCH": syscall.SIGWINCH,
}

// kill sends a signal. One that the program sends itself and has no listener of ends it.
func (i *Instance) kill(js *isolate.JS, pid, number int) error {
	s := syscall.Signal(number)
	if pid == os.Getpid() && number != 0 {
		switch s {
		case syscall.SIGCHLD, syscall.SIGCONT, syscall.SIGWINCH, syscall.SIGURG:
		case syscall.SIGKILL, syscall.SIGSTOP:
			return syscall.Kill(pid, s)
		default:
			if !i.program.Listened(s) {
				i.exit(js, exitSignal+number)
			}
		}
	}
	return syscall.Kill(pid, s)
}
