package supervise

import "syscall"

// endsWithParent has the system kill the child when the thread that started it is gone.
func endsWithParent(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGKILL }
