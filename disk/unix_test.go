//go:build unix

package disk_test

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"workerd.local/disk"
	"workerd.local/event"
)

func TestWhatIsNoFileIsNotOpened(t *testing.T) {
	d, dir := open(t, disk.Options{Writable: true})
	check(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o666))
	check(t, os.Symlink("pipe", filepath.Join(dir, "link")))
	// The socket's own path may be too long for one.
	short, err := os.MkdirTemp("", "s")
	check(t, err)
	defer os.RemoveAll(short)
	l, err := net.Listen("unix", filepath.Join(short, "s"))
	check(t, err)
	defer l.Close()
	moved := os.Rename(filepath.Join(short, "s"), filepath.Join(dir, "sock")) == nil
	for _, path := range []string{"/pipe", "/link", "/sock"} {
		if path == "/sock" && !moved {
			continue
		}
		for _, method := range []string{"GET", "HEAD"} {
			if resp, _ := do(t, d, method, path, "", event.NoBody); resp.Status != 406 {
				t.Errorf("%s %s: %d", method, path, resp.Status)
			}
		}
	}
	if got := get(t, d, "/"); !strings.Contains(got, `{"name":"pipe","type":"namedPipe"}`) || moved && !strings.Contains(got, `{"name":"sock","type":"socket"}`) {
		t.Error(got)
	}
	if got := put(t, d, "/pipe", "now a file"); got != "204" || get(t, d, "/pipe") != "200 now a file" {
		t.Errorf("put: %s", got)
	}
}

func TestPermissions(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("permissions do not bind this user")
	}
	d, dir := open(t, disk.Options{Writable: true})
	check(t, os.Chmod(filepath.Join(dir, "f"), 0))
	check(t, os.Chmod(filepath.Join(dir, "d"), 0o500))
	for _, c := range []struct{ method, path string }{{"GET", "/f"}, {"PUT", "/d/new"}, {"DELETE", "/d/g"}} {
		_, err := d.Fetch(t.Context(), &event.Request{Method: c.method, URL: "http://disk" + c.path})
		if !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s %s: %v", c.method, c.path, err)
		}
	}
	check(t, os.Chmod(filepath.Join(dir, "d"), 0o700))
}

// TestNoRoom writes more than a limit of its own process allows.
func TestNoRoom(t *testing.T) {
	const name = "DISK_TEST_NO_ROOM"
	if os.Getenv(name) == "" {
		if runtime.GOOS != "linux" {
			t.Skip("the limit on file sizes is tried on Linux")
		}
		cmd := exec.Command(os.Args[0], "-test.run=^TestNoRoom$")
		cmd.Env = append(os.Environ(), name+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	d, dir := open(t, disk.Options{Writable: true})
	check(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 1 << 20, Max: 1 << 20}))
	_, err := d.Fetch(t.Context(), &event.Request{Method: "PUT", URL: "http://disk/f", Body: event.BytesBody(make([]byte, 4<<20))})
	if !errors.Is(err, syscall.EFBIG) {
		t.Errorf("%v", err)
	}
	if got := get(t, d, "/f"); got != "200 0123456789" {
		t.Errorf("after it: %s", got)
	}
	noLeftovers(t, dir)
}
