package supervise

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"workerd.local/conformance/process"
)

// A server does not outlive the terminal that it was started in, although SIGHUP reloads
// it otherwise.
func TestServerEndsWithItsTerminal(t *testing.T) {
	// What is caught here begins as usual in a child, also where the tests run under nohup.
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	for name, flags := range map[string][]string{"alone": nil, "supervised": {"--supervise"}} {
		t.Run(name, func(t *testing.T) {
			terminal, theirs := pty(t)
			site := newSite(t, "127.0.0.1:0", "http = ()")
			log, err := os.Create(site.dir + "/log")
			if err != nil {
				t.Fatal(err)
			}
			defer log.Close()
			cmd := exec.Command(process.Build(t), append(append([]string{"serve"}, flags...), "config.capnp")...)
			cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = site.dir, theirs, log, log
			cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+site.dir)
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			defer func() { _ = cmd.Process.Kill() }() // it may have ended
			written := func(what string) {
				t.Helper()
				for end := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
					b, err := os.ReadFile(log.Name())
					if err != nil {
						t.Fatal(err)
					}
					if strings.Contains(string(b), what) {
						return
					}
					if time.Now().After(end) {
						t.Fatalf("no %q:\n%s", what, b)
					}
				}
			}
			written("listening on ")
			if err := theirs.Close(); err != nil {
				t.Fatal(err)
			}
			// As long as there is the terminal, the signal means what it says.
			if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
			written("reloaded\n")
			if err := terminal.Close(); err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-ended:
				if err != nil {
					t.Errorf("it ended with %v", err)
				}
			case <-time.After(patience):
				t.Error("it runs on without its terminal")
			}
		})
	}
}

// pty returns the two ends of a new terminal.
func pty(t *testing.T) (terminal, theirs *os.File) {
	t.Helper()
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	var number, locked int32
	raw, err := terminal.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var failed syscall.Errno
	err = raw.Control(func(fd uintptr) {
		if _, _, failed = syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TIOCSPTLCK, uintptr(unsafe.Pointer(&locked))); failed == 0 {
			_, _, failed = syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TIOCGPTN, uintptr(unsafe.Pointer(&number)))
		}
	})
	if err != nil || failed != 0 {
		t.Fatal(err, failed)
	}
	theirs, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	return terminal, theirs
}
