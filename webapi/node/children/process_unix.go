//go:build unix

package children

import (
	"os"
	"os/signal"
	"syscall"
)

// defaultPath is where programs are looked for without a PATH.
const defaultPath = "/usr/local/bin:/bin:/usr/bin"

// catchIgnored catches the signals that this process was told to ignore when it began, under nohup or
// in the background of a shell, and does nothing with them: a child inherits what is ignored, not what
// is caught, and node's children begin with the defaults.
func catchIgnored() {
	for _, s := range []os.Signal{syscall.SIGHUP, syscall.SIGINT} {
		if signal.Ignored(s) {
			signal.Notify(make(chan os.Signal, 1), s)
		}
	}
}

// attributes are what the child is beside its files.
func (o *order) attributes() *syscall.SysProcAttr {
	catchIgnored()
	a := &syscall.SysProcAttr{Setsid: o.detached}
	if o.uid >= 0 || o.gid >= 0 {
		a.Credential = &syscall.Credential{Uid: uint32(os.Getuid()), Gid: uint32(os.Getgid()), NoSetGroups: os.Getuid() != 0}
		if o.uid >= 0 {
			a.Credential.Uid = uint32(o.uid)
		}
		if o.gid >= 0 {
			a.Credential.Gid = uint32(o.gid)
		}
	}
	return a
}

func send(p *os.Process, signal int) error { return p.Signal(syscall.Signal(signal)) }

// ended is the code of a process, or the name of the signal that ended it.
func ended(state *os.ProcessState) (int, string) {
	w, ok := state.Sys().(syscall.WaitStatus)
	if ok && w.Signaled() {
		return 0, signalName(w.Signal())
	}
	return state.ExitCode(), ""
}

var signalNames = map[syscall.Signal]string{
	syscall.SIGHUP: "SIGHUP", syscall.SIGINT: "SIGINT", syscall.SIGQUIT: "SIGQUIT", syscall.SIGILL: "SIGILL", syscall.SIGTRAP: "SIGTRAP", syscall.SIGABRT: "SIGABRT",
	syscall.SIGBUS: "SIGBUS", syscall.SIGFPE: "SIGFPE", syscall.SIGKILL: "SIGKILL", syscall.SIGUSR1: "SIGUSR1", syscall.SIGSEGV: "SIGSEGV", syscall.SIGUSR2: "SIGUSR2",
	syscall.SIGPIPE: "SIGPIPE", syscall.SIGALRM: "SIGALRM", syscall.SIGTERM: "SIGTERM", syscall.SIGCHLD: "SIGCHLD", syscall.SIGCONT: "SIGCONT", syscall.SIGSTOP: "SIGSTOP",
	syscall.SIGTSTP: "SIGTSTP", syscall.SIGTTIN: "SIGTTIN", syscall.SIGTTOU: "SIGTTOU", syscall.SIGURG: "SIGURG", syscall.SIGXCPU: "SIGXCPU", syscall.SIGXFSZ: "SIGXFSZ",
	syscall.SIGVTALRM: "SIGVTALRM", syscall.SIGPROF: "SIGPROF", syscall.SIGIO: "SIGIO", syscall.SIGSYS: "SIGSYS",
}

func signalName(s syscall.Signal) string {
	if name, ok := signalNames[s]; ok {
		return name
	}
	return "SIG" + itoa(int(s))
}

// runnable is the file where it may be executed.
func runnable(file string) (string, error) {
	s, err := os.Stat(file)
	if err != nil {
		return "", err
	}
	if s.IsDir() || s.Mode()&0o111 == 0 {
		return "", syscall.EACCES
	}
	return file, nil
}

// pair is a stream that goes both ways.
func pair() (a, b *os.File, err error) {
	syscall.ForkLock.RLock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, err
	}
	// Ours is watched by the poller, so that closing it ends a read.
	if err = syscall.SetNonblock(fds[0], true); err != nil {
		syscall.Close(fds[0])
		syscall.Close(fds[1])
		return nil, nil, err
	}
	return os.NewFile(uintptr(fds[0]), "pipe"), os.NewFile(uintptr(fds[1]), "pipe"), nil
}

// shut ends the writing half of a pair.
func shut(f *os.File) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return nil // it is closed already
	}
	// The other side may be gone, and knows then.
	return conn.Control(func(fd uintptr) { _ = syscall.Shutdown(int(fd), syscall.SHUT_WR) })
}

// attempt writes what can be written without waiting. Nobody else writes meanwhile. An
// error is left to the next write.
func attempt(f *os.File, b []byte) (n int) {
	conn, err := f.SyscallConn()
	if err != nil {
		return 0
	}
	_ = conn.Write(func(fd uintptr) bool {
		for n < len(b) {
			m, err := syscall.Write(int(fd), b[n:])
			if err == syscall.EINTR {
				continue
			}
			if err != nil || m <= 0 {
				break
			}
			n += m
		}
		return true
	})
	return n
}

// adopt takes a descriptor that this process was started with.
func adopt(fd int) (*os.File, error) {
	if fd < 3 {
		return nil, syscall.EBADF
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		return nil, err
	}
	syscall.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), "ipc"), nil
}
