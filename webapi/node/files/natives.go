package files

import (
	"math/big"
	"time"

	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/node/core"
	"workerd.local/webapi/node/vfs"
)

// call wraps a native: its errors are those of system calls.
func call(fn func(c *bind.Call, t *vfs.Tree) (any, error)) bind.Static {
	return func(c *bind.Call) (any, error) {
		for _, v := range c.Args() {
			if s, ok := v.(goja.String); ok && s.Length() > 0 && s.CharAt(0) == '/' {
				if err := vfs.CheckPath(s.String()); err != nil {
					return nil, thrown(c.JS(), err)
				}
			}
		}
		v, err := fn(c, tree(c.JS()))
		if err != nil {
			return nil, thrown(c.JS(), err)
		}
		return v, nil
	}
}

func text(c *bind.Call, n int) string { return c.Arg(n).String() }
func flag(c *bind.Call, n int) bool   { return c.Arg(n).ToBoolean() }
func number(c *bind.Call, n int) int  { return int(c.Arg(n).ToInteger()) }

// isFD reports whether the argument is a descriptor and not a path.
func isFD(c *bind.Call) bool { return goja.IsNumber(c.Arg(0)) }

// natives are what js/internal/fs.js gets. Paths are absolute.
func natives() map[string]bind.Static {
	return map[string]bind.Static{
		"stat": call(func(c *bind.Call, t *vfs.Tree) (any, error) {
			if isFD(c) {
				if fd := number(c, 0); fd < 3 {
					return stat(c.JS(), vfs.Stat{Writable: true}), nil
				}
				s, err := t.FStat(number(c, 0))
				return stat(c.JS(), s), err
			}
			s, ok, err := t.Stat(text(c, 0), flag(c, 1))
			if !ok || err != nil {
				return nil, err
			}
			return stat(c.JS(), s), nil
		}),
		"setLastModified": call(func(c *bind.Call, t *vfs.Tree) (any, error) {
			at := time.UnixMicro(int64(c.Arg(1).ToFloat() * 1000))
			if isFD(c) {
				return nil, t.FSetModified(number(c, 0), at)
			}
			return nil, t.SetModified(text(c, 0), at, flag(c, 2))
		}),
		"truncate": call(func(c *bind.Call, t *vfs.Tree) (any, error) {
			if isFD(c) {
				return nil, t.FTruncate(number(c, 0), number(c, 1))
			}
			return nil, t.Truncate(text(c, 0), number(c, 1))
		}),
		"readLink": call(func(c *bind.Call, t *vfs.Tree) (any, error) { return t.ReadLink(text(c, 0), flag(c, 1)) }),
		"link":     call(func(c *bind.Call, t *vfs.Tree) (any, error) { return nil, t.Link(text(c, 0), text(c, 1), flag(c, 2)) }),
		"unlink":   call(func(c *bind.Call, t *vfs.Tree) (any, error) { return nil, t.Unlink(text(c, 0)) }),
		"open": call(func(c *bind.Call, t *vfs.Tree) (any, error) {
			return t.Open(text(c, 0), vfs.OpenOptions{Read: flag(c, 1), Write: flag(c, 2), Append: flag(c, 3), Exclusive: flag(c, 4), Truncate: flag(c, 5)})
		}),
		"close": call(func(c *bind.Call, t *vfs.Tree) (any, error) { t.Close(number(c, 0)); return nil, nil }),
		"write": call(func(c *bind.Call, t *vfs.Tree) (any, error) {
			list := pieces(c)
			if fd := number(c, 0); fd < 3 {
				return writeStdio(c.JS(), fd, list)
			}
			return t.Write(number(c, 0), list, position(c, 2))
		}),
		"read": call(func(c *bind.Call, t *vfs.Tree) (any, error) {
			if number(c, 0) == 0 {
				return 0, nil // nobody types
			}
			return t.Read(number(c, 0), pieces(c), position(c, 2))
		}),
		"readAll": call(func(c *bind.Call, t *vfs.Tree) (any, error) {
			read := t.ReadAll
			if isFD(c) {
				read = func(string) ([]byte, error) { return t.FReadAll(number(c, 0)) }
			}
			b, err := read(text(c, 0))
			if err != nil {
				return nil, err
			}
			return core.NewBuffer(c.JS(), b)
		}),
		"writeAll": call(func(c *bind.Call, t *vfs.Tree) (any, error) {
			b, _ := bind.Bytes(c.JS(), c.Arg(1))
			if isFD(c) {
				if fd := number(c, 0); fd == 1 || fd == 2 {
					return writeStdio(c.JS(), fd, [][]byte{b})
				}
				return t.FWriteAll(number(c, 0), b, flag(c, 2))
			}
			return t.WriteAll(text(c, 0), b, flag(c, 2), flag(c, 3))
		}),
		"rename": call(func(c *bind.Call, t *vfs.Tree) (any, error) { return nil, t.Rename(text(c, 0), text(c, 1)) }),
		"copy":   call(func(c *bind.Call, t *vfs.Tree) (any, error) { return nil, t.Copy(text(c, 0), text(c, 1)) }),
		"mkdir": call(func(c *bind.Call, t *vfs.Tree) (any, error) {
			made, err := t.Mkdir(text(c, 0), flag(c, 1))
			if made == "" {
				return nil, err
			}
			return made, err
		}),
		"mkdtemp": call(func(c *bind.Call, t *vfs.Tree) (any, error) { return t.MkdirTemp(text(c, 0)) }),
		"rm": call(func(c *bind.Call, t *vfs.Tree) (any, error) {
			return nil, t.Remove(text(c, 0), flag(c, 1), flag(c, 2))
		}),
		"readdir": call(func(c *bind.Call, t *vfs.Tree) (any, error) {
			list, err := t.ReadDir(text(c, 0), flag(c, 1))
			if err != nil {
				return nil, err
			}
			out := make([]any, len(list))
			for i, e := range list {
				out[i] = []any{e.Name, e.Parent, entryType(e.Stat)}
			}
			return out, nil
		}),
		"cp": call(func(c *bind.Call, t *vfs.Tree) (any, error) {
			return nil, t.CopyTree(text(c, 0), text(c, 1), vfs.CopyOptions{Dereference: flag(c, 2), Recursive: flag(c, 3), Force: flag(c, 4), ErrorOnExist: flag(c, 5)})
		}),
		"openAsBlob": call(func(c *bind.Call, _ *vfs.Tree) (any, error) { return openAsBlob(c.JS(), text(c, 0), text(c, 1)) }),
		"cwd":        func(c *bind.Call) (any, error) { return core.Directory(c.JS()), nil },
	}
}

// mostStdio is how much of one write to stdout or stderr is taken, as in workerd.
const mostStdio = 16 << 10

func writeStdio(js *isolate.JS, fd int, list [][]byte) (total int, err error) {
	for _, b := range list {
		b = b[:min(len(b), mostStdio-total)]
		if err := core.WriteStdio(js, fd, b); err != nil {
			return total, err
		}
		total += len(b)
	}
	return total, nil
}

// pieces are the views of an array in the second argument.
func pieces(c *bind.Call) [][]byte {
	list, ok := c.Arg(1).(*goja.Object)
	if !ok {
		return nil
	}
	var out [][]byte
	for i := range int(list.Get("length").ToInteger()) {
		b, _ := bind.Bytes(c.JS(), list.Get(c.JS().Runtime().ToValue(i).String()))
		out = append(out, b)
	}
	return out
}

// position is a number or a BigInt; null is that of the descriptor.
func position(c *bind.Call, n int) int {
	switch v := c.Arg(n).Export().(type) {
	case *big.Int:
		if v.IsInt64() {
			return int(v.Int64())
		}
		return 1 << 53
	case nil:
		return -1
	}
	return int(c.Arg(n).ToInteger())
}

// entryType is the number of uv's dirent types.
func entryType(s vfs.Stat) int {
	switch {
	case s.Kind == vfs.Dir:
		return 2
	case s.Kind == vfs.Link:
		return 3
	case s.Device:
		return 6
	}
	return 1
}

// stat is [kind, size, modified, created, writable, device]; the times are
// nanoseconds as BigInts.
func stat(js *isolate.JS, s vfs.Stat) any {
	nanos := func(t time.Time) goja.Value {
		if t.IsZero() {
			return js.Runtime().ToValue(big.NewInt(0))
		}
		return js.Runtime().ToValue(big.NewInt(t.UnixNano()))
	}
	return []any{[]string{"file", "directory", "symlink"}[s.Kind], s.Size, nanos(s.Modified), nanos(time.Time{}), s.Writable, s.Device}
}
