package disk

import (
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// processUmask is the umask of the process, which nobody here changes.
var processUmask = sync.OnceValue(func() uint32 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0o777 // so that modes are set where the umask may have taken something
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "Umask:"); ok {
			if n, err := strconv.ParseUint(strings.TrimSpace(v), 8, 32); err == nil {
				return uint32(n)
			}
		}
	}
	return 0o777
})

func statPath(p string, follow bool, _ func(string) (os.FileInfo, error)) (Stat, error) {
	flags := unix.AT_STATX_SYNC_AS_STAT
	if !follow {
		flags |= unix.AT_SYMLINK_NOFOLLOW
	}
	return statx(unix.AT_FDCWD, p, flags)
}

func statFile(f *os.File) (s Stat, err error) {
	conn, err := f.SyscallConn()
	if err != nil {
		return s, err
	}
	cerr := conn.Control(func(fd uintptr) { s, err = statx(int(fd), "", unix.AT_EMPTY_PATH) })
	if err == nil {
		err = cerr
	}
	return s, err
}

func statx(dir int, p string, flags int) (Stat, error) {
	var x unix.Statx_t
	err := again(func() error { return unix.Statx(dir, p, flags, unix.STATX_BASIC_STATS|unix.STATX_BTIME, &x) })
	if err != nil {
		return Stat{}, err
	}
	at := func(t unix.StatxTimestamp) int64 { return t.Sec*1e9 + int64(t.Nsec) }
	return Stat{
		Dev: int64(unix.Mkdev(x.Dev_major, x.Dev_minor)), Ino: int64(x.Ino), Mode: int64(x.Mode), Nlink: int64(x.Nlink), UID: int64(x.Uid), GID: int64(x.Gid),
		Rdev: int64(unix.Mkdev(x.Rdev_major, x.Rdev_minor)), Size: int64(x.Size), Blksize: int64(x.Blksize), Blocks: int64(x.Blocks),
		Atime: at(x.Atime), Mtime: at(x.Mtime), Ctime: at(x.Ctime), Birthtime: at(x.Btime),
	}, nil
}
