package children

import (
	"os"
	"os/exec"
	"syscall"
)

// defaultPath is that of the process.
const defaultPath = ""

func (o *order) attributes() *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{}
	if o.detached {
		a.CreationFlags = syscall.CREATE_NEW_PROCESS_GROUP
	}
	return a
}

// send knows only the end, which the signals that end a process mean.
func send(p *os.Process, signal int) error {
	switch signal {
	case 0:
		return nil
	case 2, 3, 9, 15:
		return p.Kill()
	}
	return syscall.ENOSYS
}

func ended(state *os.ProcessState) (int, string) { return state.ExitCode(), "" }

func runnable(file string) (string, error) { return exec.LookPath(file) }

func pair() (a, b *os.File, err error) { return nil, nil, syscall.ENOSYS }

func shut(f *os.File) error { return f.Close() }

func attempt(*os.File, []byte) int { return 0 }

func adopt(int) (*os.File, error) { return nil, syscall.ENOSYS }
