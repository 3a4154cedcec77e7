//go:build unix

package disk

import (
	"errors"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

var (
	notDirectory error = syscall.ENOTDIR
	isDirectory  error = syscall.EISDIR
)

func access(p string, mode int) error   { return unix.Access(p, uint32(mode)) }
func chmod(p string, mode uint32) error { return syscall.Chmod(p, mode) }
func unlink(p string) error             { return again(func() error { return syscall.Unlink(p) }) }
func rmdir(p string) error              { return again(func() error { return syscall.Rmdir(p) }) }
func rename(a, b string) error          { return again(func() error { return syscall.Rename(a, b) }) }
func scandirError(err error) error      { return err }
func again(call func() error) (err error) {
	for err = call(); errors.Is(err, syscall.EINTR); err = call() {
	}
	return err
}

// systemFlags are the flags of fs.constants as this system counts them.
func systemFlags(flags int) int {
	f := flags & 3
	for ours, theirs := range map[int]int{
		oCreate: syscall.O_CREAT, oExclusive: syscall.O_EXCL, oTruncate: syscall.O_TRUNC, oAppend: syscall.O_APPEND, oNonblock: syscall.O_NONBLOCK,
		oDirectory: syscall.O_DIRECTORY, oNoFollow: syscall.O_NOFOLLOW,
	} {
		if flags&ours != 0 {
			f |= theirs
		}
	}
	if flags&(oSync|oDsync) != 0 {
		f |= syscall.O_SYNC
	}
	return f
}

func setTimes(p string, atime, mtime time.Time, follow bool) error {
	flags := 0
	if !follow {
		flags = unix.AT_SYMLINK_NOFOLLOW
	}
	a, err := unix.TimeToTimespec(atime)
	if err != nil {
		return err
	}
	m, err := unix.TimeToTimespec(mtime)
	if err != nil {
		return err
	}
	return unix.UtimesNanoAt(unix.AT_FDCWD, p, []unix.Timespec{a, m}, flags)
}

func setFileTimes(f *os.File, atime, mtime time.Time) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	tv := []unix.Timeval{unix.NsecToTimeval(atime.UnixNano()), unix.NsecToTimeval(mtime.UnixNano())}
	cerr := conn.Control(func(fd uintptr) { err = unix.Futimes(int(fd), tv) })
	if err == nil {
		err = cerr
	}
	return err
}

// statfs is type, bsize, blocks, bfree, bavail, files and ffree.
func statfs(p string) (list [7]int64, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(p, &s); err != nil {
		return list, err
	}
	return [7]int64{int64(s.Type), int64(s.Bsize), int64(s.Blocks), int64(s.Bfree), int64(s.Bavail), int64(s.Files), int64(s.Ffree)}, nil
}
