//go:build !unix

package program

import (
	"os"
	"syscall"

	"workerd.local/isolate"
)

// signals of which process tells, by their names.
var signals = map[string]syscall.Signal{"SIGINT": syscall.SIGINT, "SIGTERM": syscall.SIGTERM}

// kill ends a process: other signals than those that do are not sent on this system.
func (i *Instance) kill(js *isolate.JS, pid, number int) error {
	if pid == os.Getpid() && number != 0 && !i.program.Listened(syscall.Signal(number)) {
		i.exit(js, exitSignal+number)
	}
	p, err := os.FindProcess(pid)
	if err != nil || number == 0 {
		return err
	}
	return p.Kill()
}
