//go:build !linux

package disk

import "os"

// processUmask is not known without changing it, so modes are always set.
func processUmask() uint32 { return 0o777 }

func statPath(p string, _ bool, stat func(string) (os.FileInfo, error)) (Stat, error) {
	s, err := stat(p)
	if err != nil {
		return Stat{}, err
	}
	return statOf(s), nil
}

func statFile(f *os.File) (Stat, error) {
	s, err := f.Stat()
	if err != nil {
		return Stat{}, err
	}
	return statOf(s), nil
}

// common is what Go says of a file on every system.
func common(s os.FileInfo) Stat {
	at := s.ModTime().UnixNano()
	out := Stat{Mode: int64(s.Mode().Perm()), Nlink: 1, Size: s.Size(), Blksize: 4096, Blocks: (s.Size() + 511) / 512, Atime: at, Mtime: at, Ctime: at, Birthtime: at}
	switch kindOf(s.Mode()) {
	case 2:
		out.Mode |= modeDir
	case 3:
		out.Mode |= modeLink
	case 4:
		out.Mode |= modePipe
	case 6:
		out.Mode |= modeChar
	default:
		out.Mode |= modeFile
	}
	return out
}
