package disk

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"
)

var (
	notDirectory error = syscall.ENOTDIR
	isDirectory  error = syscall.EISDIR
)

// access asks for what Windows knows: whether the file is there, and may be changed.
func access(p string, mode int) error {
	s, err := os.Stat(p)
	if err == nil && mode&2 != 0 && !s.IsDir() && s.Mode()&0o200 == 0 {
		return &fs.PathError{Op: "access", Path: p, Err: fs.ErrPermission}
	}
	return err
}

func rename(a, b string) error { return os.Rename(a, b) }

func chmod(p string, mode uint32) error { return os.Chmod(p, goMode(mode)) }

func unlink(p string) error {
	if s, err := os.Lstat(p); err == nil && s.IsDir() && s.Mode()&fs.ModeSymlink == 0 {
		return &fs.PathError{Op: "unlink", Path: p, Err: fs.ErrPermission}
	}
	return os.Remove(p)
}

func rmdir(p string) error {
	if s, err := os.Lstat(p); err == nil && !s.IsDir() {
		return notDirectory
	}
	return os.Remove(p)
}

// scandirError words ERROR_DIRECTORY as other systems do.
func scandirError(err error) error {
	if errors.Is(err, syscall.Errno(267)) {
		return notDirectory
	}
	return err
}

func systemFlags(flags int) int {
	f := flags & 3
	for ours, theirs := range map[int]int{oCreate: os.O_CREATE, oExclusive: os.O_EXCL, oTruncate: os.O_TRUNC, oAppend: os.O_APPEND, oSync: os.O_SYNC} {
		if flags&ours == ours {
			f |= theirs
		}
	}
	return f
}

func setTimes(p string, atime, mtime time.Time, _ bool) error { return os.Chtimes(p, atime, mtime) }

func setFileTimes(f *os.File, atime, mtime time.Time) error {
	return os.Chtimes(f.Name(), atime, mtime)
}

func statfs(string) (list [7]int64, err error) { return list, syscall.ENOSYS }

func statOf(info os.FileInfo) Stat {
	s := common(info)
	if w, ok := info.Sys().(*syscall.Win32FileAttributeData); ok {
		s.Atime, s.Birthtime = w.LastAccessTime.Nanoseconds(), w.CreationTime.Nanoseconds()
	}
	return s
}
