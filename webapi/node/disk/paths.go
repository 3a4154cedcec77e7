package disk

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/blob"
	"workerd.local/webapi/node/glue"
)

// natives are what js/machine/internal/fs.js gets. Paths are as the script wrote them:
// that is how errors name them.
func natives() map[string]bind.Static {
	out := map[string]bind.Static{
		"dir":   func(c *bind.Call) (any, error) { return Of(c.JS()).machine.Dir(), nil },
		"watch": jsWatch,
	}
	for name, op := range operations() {
		out[name] = native(op)
	}
	return out
}

// onPath is an operation on one path that gives nothing.
func onPath(call string, fn func(path string) error) operation {
	return func(c *bind.Call, d *Disk) (work, error) {
		p := text(c, 0)
		at := d.Path(p)
		return func(context.Context) (any, error) {
			if err := fn(at); err != nil {
				return nil, glue.SystemErrorOf(err, call, p, "")
			}
			return nil, nil
		}, nil
	}
}

// onPaths is an operation on two.
func onPaths(call string, fn func(a, b string) error) operation {
	return func(c *bind.Call, d *Disk) (work, error) {
		p, q := text(c, 0), text(c, 1)
		a, b := d.Path(p), d.Path(q)
		return func(context.Context) (any, error) {
			if err := fn(a, b); err != nil {
				return nil, glue.SystemErrorOf(err, call, p, q)
			}
			return nil, nil
		}, nil
	}
}

// onFile is an operation on a descriptor or, where onPath is not nil, on a path.
func onFile(call string, fn func(f *File, c *bind.Call) func() error) operation {
	return func(c *bind.Call, d *Disk) (work, error) {
		f, err := d.Lookup(number(c, 0), call)
		if err != nil {
			return nil, err
		}
		if f.File == nil {
			return nil, glue.NewSystemError("EINVAL", call, "")
		}
		do := fn(f, c)
		return func(context.Context) (any, error) {
			if err := do(); err != nil {
				return nil, glue.SystemErrorOf(err, call, "", "")
			}
			return nil, nil
		}, nil
	}
}

// operations are all of them, by the name that the script calls.
func operations() map[string]operation {
	return map[string]operation{
		"access": func(c *bind.Call, d *Disk) (work, error) {
			mode := number(c, 1)
			return onPath("access", func(p string) error { return access(p, mode) })(c, d)
		},
		"stat":  statOperation("stat", os.Stat, true),
		"lstat": statOperation("lstat", os.Lstat, false),
		"fstat": func(c *bind.Call, d *Disk) (work, error) {
			f, err := d.Lookup(number(c, 0), "fstat")
			if err != nil {
				return nil, err
			}
			big := flag(c, 1)
			return func(context.Context) (any, error) {
				if f.File == nil {
					return statValue(Stat{Mode: modePipe | 0o600, Nlink: 1}, big), nil
				}
				s, err := statFile(f.File)
				if err != nil {
					return nil, glue.SystemErrorOf(err, "fstat", "", "")
				}
				return statValue(s, big), nil
			}, nil
		},
		"chmod": func(c *bind.Call, d *Disk) (work, error) {
			mode := uint32(number(c, 1))
			return onPath("chmod", func(p string) error { return chmod(p, mode) })(c, d)
		},
		"fchmod": onFile("fchmod", func(f *File, c *bind.Call) func() error {
			mode := uint32(number(c, 1))
			return func() error { return f.Chmod(goMode(mode)) }
		}),
		"chown": func(c *bind.Call, d *Disk) (work, error) {
			uid, gid := number(c, 1), number(c, 2)
			return onPath("chown", func(p string) error { return os.Chown(p, uid, gid) })(c, d)
		},
		"lchown": func(c *bind.Call, d *Disk) (work, error) {
			uid, gid := number(c, 1), number(c, 2)
			return onPath("lchown", func(p string) error { return os.Lchown(p, uid, gid) })(c, d)
		},
		"fchown": onFile("fchown", func(f *File, c *bind.Call) func() error {
			uid, gid := number(c, 1), number(c, 2)
			return func() error { return f.Chown(uid, gid) }
		}),
		"utime": func(c *bind.Call, d *Disk) (work, error) {
			a, m := instant(c, 1), instant(c, 2)
			return onPath("utime", func(p string) error { return setTimes(p, a, m, true) })(c, d)
		},
		"lutime": func(c *bind.Call, d *Disk) (work, error) {
			a, m := instant(c, 1), instant(c, 2)
			return onPath("lutime", func(p string) error { return setTimes(p, a, m, false) })(c, d)
		},
		"futime": onFile("futime", func(f *File, c *bind.Call) func() error {
			a, m := instant(c, 1), instant(c, 2)
			return func() error { return setFileTimes(f.File, a, m) }
		}),
		"truncate": func(c *bind.Call, d *Disk) (work, error) {
			size := int64(number(c, 1))
			return onPath("open", func(p string) error {
				if err := os.Truncate(p, size); err != nil {
					return err
				}
				return nil
			})(c, d)
		},
		"ftruncate": onFile("ftruncate", func(f *File, c *bind.Call) func() error {
			size := int64(number(c, 1))
			return func() error { return f.Truncate(size) }
		}),
		"fsync":     onFile("fsync", func(f *File, _ *bind.Call) func() error { return f.Sync }),
		"fdatasync": onFile("fdatasync", func(f *File, _ *bind.Call) func() error { return f.Sync }),
		"unlink":    onPath("unlink", unlink),
		"rmdir":     onPath("rmdir", rmdir),
		"link":      onPaths("link", os.Link),
		"rename":    onPaths("rename", rename),
		"symlink": func(c *bind.Call, d *Disk) (work, error) {
			// The target is kept as it is: it is below the link, not below the directory.
			target, p := text(c, 0), text(c, 1)
			at := d.Path(p)
			return func(context.Context) (any, error) {
				if err := os.Symlink(target, at); err != nil {
					return nil, glue.SystemErrorOf(err, "symlink", target, p)
				}
				return nil, nil
			}, nil
		},
		"readlink": func(c *bind.Call, d *Disk) (work, error) {
			p, raw := text(c, 0), flag(c, 1)
			at := d.Path(p)
			return func(context.Context) (any, error) {
				target, err := os.Readlink(at)
				if err != nil {
					return nil, glue.SystemErrorOf(err, "readlink", p, "")
				}
				return name{target, raw}, nil
			}, nil
		},
		"realpath": func(c *bind.Call, d *Disk) (work, error) {
			p, raw, call := text(c, 0), flag(c, 1), text(c, 2)
			at := d.Path(p)
			return func(context.Context) (any, error) {
				real, err := filepath.EvalSymlinks(at)
				if err == nil {
					real, err = filepath.Abs(real)
				}
				if err != nil {
					named := p
					if call == "lstat" {
						// The first part of the way that is not there.
						var at *fs.PathError
						if errors.As(err, &at) {
							named = at.Path
						}
					}
					if err.Error() == "EvalSymlinks: too many links" {
						return nil, glue.NewSystemError("ELOOP", call, named)
					}
					return nil, glue.SystemErrorOf(err, call, named, "")
				}
				return name{real, raw}, nil
			}, nil
		},
		"mkdir": func(c *bind.Call, d *Disk) (work, error) {
			p, mode, recursive := text(c, 0), uint32(number(c, 1)), flag(c, 2)
			at, mask := d.Path(p), d.machine.Umask()
			return func(context.Context) (any, error) {
				if !recursive {
					if err := mkdir(at, mode, mask); err != nil {
						return nil, glue.SystemErrorOf(err, "mkdir", p, "")
					}
					return nil, nil
				}
				made, err := mkdirAll(at, mode, mask)
				if err != nil {
					return nil, glue.SystemErrorOf(err, "mkdir", p, "")
				}
				if made == "" {
					return nil, nil
				}
				return made, nil
			}, nil
		},
		"mkdtemp": func(c *bind.Call, d *Disk) (work, error) {
			prefix, raw := text(c, 0), flag(c, 1)
			at := d.Path(prefix)
			return func(context.Context) (any, error) {
				for range 100 {
					suffix := d.randomName()
					err := os.Mkdir(at+suffix, 0o700)
					if err == nil {
						return name{prefix + suffix, raw}, nil
					}
					if !errors.Is(err, fs.ErrExist) {
						return nil, glue.SystemErrorOf(err, "mkdtemp", prefix+"XXXXXX", "")
					}
				}
				return nil, glue.NewSystemError("EEXIST", "mkdtemp", prefix+"XXXXXX")
			}, nil
		},
		"readdir": func(c *bind.Call, d *Disk) (work, error) {
			p, raw, recursive, typed := text(c, 0), flag(c, 1), flag(c, 2), flag(c, 3)
			at := d.Path(p)
			return func(ctx context.Context) (any, error) { return list(ctx, at, p, raw, recursive, typed) }, nil
		},
		"rm": func(c *bind.Call, d *Disk) (work, error) {
			p, recursive := text(c, 0), flag(c, 1)
			retries, delay := number(c, 2), time.Duration(number(c, 3))*time.Millisecond
			at := d.Path(p)
			return func(ctx context.Context) (any, error) { return nil, remove(ctx, at, p, recursive, retries, delay) }, nil
		},
		"copyFile": func(c *bind.Call, d *Disk) (work, error) {
			p, q, exclusive := text(c, 0), text(c, 1), flag(c, 2)
			a, b := d.Path(p), d.Path(q)
			return func(context.Context) (any, error) {
				if err := copyFile(a, b, exclusive); err != nil {
					return nil, glue.SystemErrorOf(err, "copyfile", p, q)
				}
				return nil, nil
			}, nil
		},
		"statfs": func(c *bind.Call, d *Disk) (work, error) {
			p, big := text(c, 0), flag(c, 1)
			at := d.Path(p)
			return func(context.Context) (any, error) {
				list, err := statfs(at)
				if err != nil {
					return nil, glue.SystemErrorOf(err, "statfs", p, "")
				}
				return numbers(list[:], big), nil
			}, nil
		},
		"blob": func(c *bind.Call, d *Disk) (work, error) {
			p, typ := text(c, 0), text(c, 1)
			at := d.Path(p)
			return func(context.Context) (any, error) {
				b, err := os.ReadFile(at)
				if err != nil {
					return nil, glue.SystemErrorOf(err, "open", p, "")
				}
				return func(js *isolate.JS) (goja.Value, error) { return blob.Class.Wrap(js, blob.New(b, typ)), nil }, nil
			}, nil
		},
		"open":      openOperation,
		"close":     closeOperation,
		"read":      readOperation,
		"write":     writeOperation,
		"readFile":  readFileOperation,
		"writeFile": writeFileOperation,
		"opendir":   opendirOperation,
		"nextEntry": nextEntriesOperation,
	}
}

// instant is a time in seconds.
func instant(c *bind.Call, n int) time.Time {
	f := c.Arg(n + 1).ToFloat()
	whole := int64(f)
	return time.Unix(whole, int64((f-float64(whole))*1e9))
}

// numbers are 64-bit numbers, as BigInts where asBig is set.
func numbers(list []int64, asBig bool) func(js *isolate.JS) (goja.Value, error) {
	return func(js *isolate.JS) (goja.Value, error) {
		out := make([]any, len(list))
		for i, n := range list {
			if asBig {
				out[i] = js.Runtime().ToValue(big.NewInt(n))
			} else {
				out[i] = float64(n)
			}
		}
		return js.Runtime().NewArray(out...), nil
	}
}

// randomName is six letters and digits.
func (d *Disk) randomName() string {
	const alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	var b [6]byte
	d.host.Random(b[:])
	for i := range b {
		b[i] = alphabet[int(b[i])%len(alphabet)]
	}
	return string(b[:])
}

// goMode is a mode of the system as Go has it.
func goMode(mode uint32) os.FileMode {
	m := os.FileMode(mode & 0o777)
	if mode&0o4000 != 0 {
		m |= os.ModeSetuid
	}
	if mode&0o2000 != 0 {
		m |= os.ModeSetgid
	}
	if mode&0o1000 != 0 {
		m |= os.ModeSticky
	}
	return m
}

// mkdir makes a directory with the mode that the program's umask leaves, which may be
// less strict than that of the process.
func mkdir(p string, mode uint32, mask int) error {
	want := mode &^ uint32(mask)
	if err := os.Mkdir(p, goMode(want)); err != nil {
		return err
	}
	if want&processUmask() != 0 {
		return chmod(p, want)
	}
	return nil
}

// mkdirAll makes a directory and those above it; made is the first of them.
func mkdirAll(p string, mode uint32, mask int) (made string, err error) {
	var missing []string
	for at := filepath.Clean(p); ; {
		err := mkdir(at, mode, mask)
		if err == nil {
			made = at
			break
		}
		if s, serr := os.Stat(at); serr == nil {
			if s.IsDir() {
				break
			}
			if at == filepath.Clean(p) {
				return "", &fs.PathError{Op: "mkdir", Path: at, Err: fs.ErrExist}
			}
			return "", notDirectory
		}
		up := filepath.Dir(at)
		if !errors.Is(err, fs.ErrNotExist) || up == at {
			return "", err
		}
		missing = append(missing, at)
		at = up
	}
	for i := len(missing) - 1; i >= 0; i-- {
		if err := mkdir(missing[i], mode, mask); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", err
		}
		if made == "" {
			made = missing[i]
		}
	}
	return made, nil
}

// mostNested is how deep a recursive listing goes, through symbolic links too.
const mostNested = 128

// list reads a directory, and those in it where recursive is set.
func list(ctx context.Context, at, shown string, raw, recursive, typed bool) ([]entry, error) {
	type dir struct {
		rel   string
		depth int
	}
	out := []entry{}
	for queue := []dir{{}}; len(queue) > 0; queue = queue[1:] {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		rel := queue[0].rel
		items, err := os.ReadDir(join(at, rel))
		if err != nil {
			if rel != "" && errors.Is(err, fs.ErrNotExist) {
				continue // it went away in the meantime
			}
			return nil, glue.SystemErrorOf(scandirError(err), "scandir", join(shown, rel), "")
		}
		for _, item := range items {
			e := entry{name: name{item.Name(), raw}, parent: join(shown, rel), kind: kindOf(item.Type())}
			below := join(rel, item.Name())
			if recursive && !typed {
				e.name.text = below
			}
			out = append(out, e)
			if !recursive || queue[0].depth >= mostNested {
				continue
			}
			dirs := item.IsDir()
			if !dirs && !typed && item.Type()&fs.ModeSymlink != 0 {
				s, err := os.Stat(join(at, below))
				dirs = err == nil && s.IsDir()
			}
			if dirs {
				queue = append(queue, dir{below, queue[0].depth + 1})
			}
		}
	}
	return out, nil
}

func join(a, b string) string {
	switch {
	case a == "":
		return b
	case b == "":
		return a
	}
	return strings.TrimSuffix(a, string(filepath.Separator)) + string(filepath.Separator) + b
}

// kindOf is uv's number of a type.
func kindOf(m fs.FileMode) int {
	switch {
	case m.IsDir():
		return 2
	case m&fs.ModeSymlink != 0:
		return 3
	case m&fs.ModeNamedPipe != 0:
		return 4
	case m&fs.ModeSocket != 0:
		return 5
	case m&fs.ModeCharDevice != 0:
		return 6
	case m&fs.ModeDevice != 0:
		return 7
	}
	return 1
}

// remove takes a file or an empty directory away, and with recursive all that is in
// one. What is busy is tried again.
func remove(ctx context.Context, at, shown string, recursive bool, retries int, delay time.Duration) error {
	for try := 1; ; try++ {
		var err error
		if recursive {
			err = os.RemoveAll(at)
		} else {
			err = unlink(at)
		}
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		failed := glue.SystemErrorOf(err, "rm", shown, "")
		var where *fs.PathError
		if recursive && errors.As(err, &where) {
			failed.Syscall = "unlink"
			if rest, ok := strings.CutPrefix(where.Path, at); ok {
				failed.Path = shown + rest
			}
			if s, serr := os.Lstat(where.Path); serr == nil && s.IsDir() {
				failed.Syscall = "rmdir"
			}
		}
		switch failed.Code {
		case "EBUSY", "EMFILE", "ENFILE", "ENOTEMPTY", "EPERM":
			if try > retries {
				return failed
			}
		default:
			return failed
		}
		select {
		case <-time.After(delay * time.Duration(try)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// copyFile copies a file and its mode.
func copyFile(from, to string, exclusive bool) (err error) {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	s, err := src.Stat()
	if err != nil {
		return err
	}
	if s.IsDir() {
		return isDirectory
	}
	if old, err := os.Stat(to); err == nil && !exclusive && os.SameFile(s, old) {
		return nil
	}
	flags := os.O_WRONLY | os.O_CREATE
	if exclusive {
		flags |= os.O_EXCL
	} else {
		flags |= os.O_TRUNC
	}
	dst, err := os.OpenFile(to, flags, s.Mode().Perm())
	if err != nil {
		return err
	}
	defer func() {
		if cerr := dst.Close(); err == nil {
			err = cerr
		}
	}()
	if _, err = io.Copy(dst, src); err != nil {
		return err
	}
	// The mode is the source's, whatever the umask says, as copyfile of uv has it.
	if err = dst.Chmod(s.Mode()); errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	return err
}
