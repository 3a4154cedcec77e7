package disk

import (
	"os"
	"syscall"
)

func statOf(info os.FileInfo) Stat {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return common(info)
	}
	return Stat{
		Dev: int64(s.Dev), Ino: int64(s.Ino), Mode: int64(s.Mode), Nlink: int64(s.Nlink), UID: int64(s.Uid), GID: int64(s.Gid), Rdev: int64(s.Rdev),
		Size: s.Size, Blksize: int64(s.Blksize), Blocks: s.Blocks,
		Atime: s.Atimespec.Nano(), Mtime: s.Mtimespec.Nano(), Ctime: s.Ctimespec.Nano(), Birthtime: s.Birthtimespec.Nano(),
	}
}
