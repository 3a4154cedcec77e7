package admin

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
)

// SocketName is the name of the control socket in a storage directory.
const SocketName = "control.sock"

// maxSocketPath is the longest path that every system takes for a unix socket; some
// take a few bytes more.
const maxSocketPath = 103

// listenControl opens the control socket of a directory whose storage this process has
// open, so that a socket that is there already is a stale one. It appears under its
// name with its final permissions.
func listenControl(dir string) (l *net.UnixListener, err error) {
	if err := checkDir(dir); err != nil {
		return nil, err
	}
	stale, err := filepath.Glob(filepath.Join(escapeGlob(dir), ".control-*"))
	if err != nil {
		return nil, err
	}
	for _, s := range stale {
		if err := os.RemoveAll(s); err != nil {
			return nil, err
		}
	}
	name := filepath.Join(dir, SocketName)
	if runtime.GOOS == "windows" {
		// The directory's list of permissions is what counts there.
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		return bind(dir, SocketName)
	}
	private, err := os.MkdirTemp(dir, ".control-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(private)) }()
	l, err = bind(private, "s")
	if err != nil {
		return nil, err
	}
	bound := filepath.Join(private, "s")
	if err := errors.Join(os.Chmod(bound, 0o600), os.Rename(bound, name)); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// bind listens on a socket in dir, which keeps its name when it is closed.
func bind(dir, name string) (*net.UnixListener, error) {
	path, release, err := socketPath(dir, name)
	if err != nil {
		return nil, err
	}
	defer release()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	return l, nil
}

// socketPath is a path to a socket that is short enough for the system: the path
// itself, or relative to the working directory, or on Linux through an open
// directory. release lets go of it once it was used.
func socketPath(dir, name string) (path string, release func(), err error) {
	release = func() {}
	if path = filepath.Join(dir, name); len(path) <= maxSocketPath {
		return path, release, nil
	}
	if wd, err := os.Getwd(); err == nil {
		if abs, err := filepath.Abs(path); err == nil {
			if rel, err := filepath.Rel(wd, abs); err == nil && len(rel) <= maxSocketPath {
				return rel, release, nil
			}
		}
	}
	if runtime.GOOS == "linux" {
		d, err := os.Open(dir)
		if err != nil {
			return "", nil, err
		}
		short := fmt.Sprintf("/proc/self/fd/%d/%s", d.Fd(), name)
		return short, func() { d.Close() }, nil
	}
	return "", nil, fmt.Errorf("the path %s has %d bytes, more than the %d of a unix socket: give the storage a directory with a shorter path", path, len(path), maxSocketPath)
}

// escapeGlob makes a directory's name mean itself in a pattern.
func escapeGlob(dir string) string {
	var b []byte
	for i := range len(dir) {
		if c := dir[i]; c == '*' || c == '?' || c == '[' || c == '\\' && runtime.GOOS != "windows" {
			b = append(b, '\\')
		}
		b = append(b, dir[i])
	}
	return string(b)
}
