//go:build unix && !linux

package terminal

import "golang.org/x/sys/unix"

const getTermios, setTermios = unix.TIOCGETA, unix.TIOCSETA

func priority(pid int) (int, error) { return unix.Getpriority(unix.PRIO_PROCESS, pid) }
