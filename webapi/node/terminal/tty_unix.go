//go:build unix

package terminal

import (
	"os"

	"golang.org/x/sys/unix"
)

// control calls fn with the descriptor.
func control(f *os.File, fn func(fd int) error) (err error) {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	cerr := conn.Control(func(fd uintptr) { err = fn(int(fd)) })
	if err == nil {
		err = cerr
	}
	return err
}

func isTerminal(f *os.File) bool {
	return control(f, func(fd int) error { _, err := unix.IoctlGetTermios(fd, getTermios); return err }) == nil
}

func size(f *os.File) (columns, rows int, err error) {
	err = control(f, func(fd int) error {
		w, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ)
		if err == nil {
			columns, rows = int(w.Col), int(w.Row)
		}
		return err
	})
	return columns, rows, err
}

// makeRaw takes the terminal's own handling of lines away; restore gives it back.
func makeRaw(f *os.File) (restore func(), err error) {
	var old unix.Termios
	err = control(f, func(fd int) error {
		t, err := unix.IoctlGetTermios(fd, getTermios)
		if err != nil {
			return err
		}
		old = *t
		t.Iflag &^= unix.BRKINT | unix.ICRNL | unix.INPCK | unix.ISTRIP | unix.IXON
		t.Cflag |= unix.CS8
		t.Lflag &^= unix.ECHO | unix.ICANON | unix.IEXTEN | unix.ISIG
		t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
		return unix.IoctlSetTermios(fd, setTermios, t)
	})
	return func() {
		// A terminal that is gone needs nothing back.
		_ = control(f, func(fd int) error { return unix.IoctlSetTermios(fd, setTermios, &old) })
	}, err
}

// systemNames is sysname, release, version and machine.
func systemNames() []any {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return []any{"", "", "", ""}
	}
	return []any{unix.ByteSliceToString(u.Sysname[:]), unix.ByteSliceToString(u.Release[:]), unix.ByteSliceToString(u.Version[:]), unix.ByteSliceToString(u.Machine[:])}
}

func setPriority(pid, n int) error { return unix.Setpriority(unix.PRIO_PROCESS, pid, n) }
