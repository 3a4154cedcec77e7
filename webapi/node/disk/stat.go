package disk

import (
	"context"
	"os"

	"workerd.local/webapi/bind"
	"workerd.local/webapi/node/glue"
)

// Stat is what the system says of a file, with POSIX's numbers. Times are nanoseconds.
type Stat struct {
	Dev, Ino, Mode, Nlink, UID, GID, Rdev, Size, Blksize, Blocks int64
	Atime, Mtime, Ctime, Birthtime                               int64
}

// Types of files in a mode.
const (
	modePipe = 0o010000
	modeChar = 0o020000
	modeDir  = 0o040000
	modeFile = 0o100000
	modeLink = 0o120000
)

// statValue is the numbers of a Stat for the class Stats.
func statValue(s Stat, asBig bool) any {
	list := []int64{s.Dev, s.Ino, s.Mode, s.Nlink, s.UID, s.GID, s.Rdev, s.Size, s.Blksize, s.Blocks}
	for _, t := range []int64{s.Atime, s.Mtime, s.Ctime, s.Birthtime} {
		if asBig {
			list = append(list, t)
			continue
		}
		// Seconds, and the nanoseconds that are left: each fits a number.
		sec := t / 1e9
		if t%1e9 < 0 {
			sec--
		}
		list = append(list, sec, t-sec*1e9)
	}
	return numbers(list, asBig)
}

func statOperation(call string, fallback func(string) (os.FileInfo, error), follow bool) operation {
	return func(c *bind.Call, d *Disk) (work, error) {
		p, asBig := text(c, 0), flag(c, 1)
		at := d.Path(p)
		return func(context.Context) (any, error) {
			s, err := statPath(at, follow, fallback)
			if err != nil {
				return nil, glue.SystemErrorOf(err, call, p, "")
			}
			return statValue(s, asBig), nil
		}, nil
	}
}
