package vfs

import (
	"path"
	"strconv"
	"strings"
	"time"
)

// Stat describes the node at a path; ok is false where there is none.
func (t *Tree) Stat(p string, follow bool) (s Stat, ok bool, err error) {
	n, err := t.find(p, follow, "stat")
	if err != nil || n == nil {
		return s, false, err
	}
	return n.Stat(), true, nil
}

// FStat describes an open file.
func (t *Tree) FStat(fd int) (Stat, error) {
	h, err := t.handle(fd, "fstat")
	if err != nil {
		return Stat{}, err
	}
	return h.node.Stat(), nil
}

func (t *Tree) handle(fd int, syscall string) (*Handle, error) {
	if h := t.open[fd]; h != nil {
		return h, nil
	}
	return nil, fail("EBADF", syscall)
}

// SetModified changes when a file was changed last.
func (t *Tree) SetModified(p string, at time.Time, follow bool) error {
	n, err := t.find(p, follow, "utimes")
	switch {
	case err != nil:
		return err
	case n == nil:
		return failAt("ENOENT", "utimes", p)
	}
	return n.setModified(at)
}

// FSetModified is SetModified for an open file.
func (t *Tree) FSetModified(fd int, at time.Time) error {
	h, err := t.handle(fd, "futimes")
	if err != nil {
		return err
	}
	return h.node.setModified(at)
}

func (n *Node) setModified(at time.Time) error {
	if n.kind != File || n.device != nil {
		return nil
	}
	if !n.writable {
		return fail("EPERM", "futimes")
	}
	n.modified = at
	return nil
}

// Truncate makes a file size bytes long.
func (t *Tree) Truncate(p string, size int) error {
	n, err := t.find(p, true, "ftruncate")
	switch {
	case err != nil:
		return err
	case n == nil:
		return failAt("ENOENT", "ftruncate", p)
	case n.kind == Dir:
		return fail("EISDIR", "ftruncate")
	}
	return t.resize(n, size, "ftruncate")
}

// FTruncate is Truncate for an open file.
func (t *Tree) FTruncate(fd, size int) error {
	h, err := t.handle(fd, "ftruncate")
	switch {
	case err != nil:
		return err
	case h.node.kind == Dir:
		return fail("EISDIR", "ftruncate")
	case h.node.kind == Link:
		return fail("EINVAL", "ftruncate")
	}
	return t.resize(h.node, size, "ftruncate")
}

// ReadLink is where a link leads to; the path itself of anything else, unless it must
// be a link.
func (t *Tree) ReadLink(p string, mustBeLink bool) (string, error) {
	n, err := t.find(p, false, "readlink")
	switch {
	case err != nil:
		return "", err
	case n == nil:
		return "", failAt("ENOENT", "readlink", p)
	case n.kind == Link:
		return n.target, nil
	case mustBeLink:
		return "", fail("EINVAL", "readlink")
	}
	return path.Clean(p), nil
}

// Link makes from another name of the node at to, or a symbolic link to it.
func (t *Tree) Link(from, to string, symbolic bool) error {
	if n, err := t.find(from, true, "link"); err != nil {
		return err
	} else if n != nil {
		return failText("EEXIST", "link", "File already exists")
	}
	dir, name, err := t.parent(from, "link")
	switch {
	case err != nil:
		return err
	case dir == nil:
		return &Error{Code: "ENOENT", Syscall: "link", Text: "Directory does not exist", Path: to}
	case dir.kind != Dir:
		return failText("EINVAL", "link", "Not a directory")
	}
	if symbolic {
		return t.add(dir, name, &Node{kind: Link, target: path.Clean("/" + to)}, "link")
	}
	n, err := t.find(to, false, "link")
	switch {
	case err != nil:
		return err
	case n == nil:
		return &Error{Code: "ENOENT", Syscall: "link", Text: "File not found", Path: to}
	case n.kind == Dir:
		return failText("EPERM", "link", "Cannot hardlink to a directory")
	}
	return t.add(dir, name, n, "link")
}

// Unlink removes a file or a link.
func (t *Tree) Unlink(p string) error {
	dir, name, err := t.parent(p, "unlink")
	switch {
	case err != nil:
		return err
	case dir == nil:
		return &Error{Code: "ENOENT", Syscall: "unlink", Text: "File not found", Path: name}
	case dir.kind != Dir:
		return failText("ENOTDIR", "unlink", "Parent path is not a directory")
	}
	switch n := dir.entries[name]; {
	case n == nil:
		return &Error{Code: "ENOENT", Syscall: "unlink", Text: "File not found", Path: name}
	case n.kind == Dir:
		return failText("EISDIR", "unlink", "Cannot unlink a directory")
	case !dir.writable:
		return fail("EPERM", "unlink")
	}
	t.remove(dir, name)
	return nil
}

// OpenOptions say what a file is opened for. A file that is written to is made.
type OpenOptions struct{ Read, Write, Append, Exclusive, Truncate bool }

// Open opens a file and returns its descriptor.
func (t *Tree) Open(p string, o OpenOptions) (int, error) {
	if len(t.open) >= t.limits.Open {
		return 0, fail("EMFILE", "open")
	}
	n, err := t.find(p, true, "open")
	if err != nil {
		return 0, err
	}
	if n != nil && o.Exclusive && o.Write {
		return 0, fail("EEXIST", "open")
	}
	if n == nil {
		if !o.Write && !o.Append {
			return 0, failAt("ENOENT", "open", p)
		}
		if n, err = t.create(p, "open"); err != nil {
			return 0, err
		}
	}
	if o.Write {
		switch {
		case n.kind == Dir:
			return 0, fail("EISDIR", "open")
		case n.kind == Link || !n.writable:
			return 0, fail("EPERM", "open")
		}
		if o.Truncate {
			if err := t.resize(n, 0, "open"); err != nil {
				return 0, err
			}
		}
	}
	fd := t.next
	t.next++
	t.open[fd] = &Handle{node: n, read: o.Read, write: o.Write, append: o.Append}
	return fd, nil
}

// create makes an empty file.
func (t *Tree) create(p, syscall string) (*Node, error) {
	dir, name, err := t.parent(p, syscall)
	switch {
	case err != nil:
		return nil, err
	case dir == nil:
		return nil, failAt("ENOENT", syscall, p)
	case dir.kind != Dir:
		return nil, fail("ENOTDIR", syscall)
	}
	n := t.newFile()
	return n, t.add(dir, name, n, syscall)
}

// Close closes a descriptor; one that is not open is nothing.
func (t *Tree) Close(fd int) { delete(t.open, fd) }

// Write writes pieces at a position, or where the descriptor is (pos < 0).
func (t *Tree) Write(fd int, pieces [][]byte, pos int) (total int, err error) {
	h, err := t.handle(fd, "write")
	switch {
	case err != nil:
		return 0, err
	case h.node.kind == Dir:
		return 0, fail("EISDIR", "write")
	case !h.write:
		return 0, fail("EBADF", "write")
	}
	own := pos < 0
	switch {
	case h.append:
		pos = len(h.node.data)
	case own:
		pos = h.pos
	case pos > t.limits.Bytes:
		return 0, failText("EINVAL", "write", "position out of range")
	}
	for _, p := range pieces {
		n, err := t.writeAt(h.node, p, pos, "write")
		if err != nil {
			return total, err
		}
		pos += n
		total += n
	}
	if own && !h.append {
		h.pos += total
	}
	return total, nil
}

// Read reads into pieces from a position, or from where the descriptor is (pos < 0).
func (t *Tree) Read(fd int, pieces [][]byte, pos int) (total int, err error) {
	h, err := t.handle(fd, "read")
	switch {
	case err != nil:
		return 0, err
	case !h.read:
		return 0, fail("EBADF", "read")
	case h.node.kind == Dir:
		return 0, fail("EISDIR", "read")
	}
	own := pos < 0
	if own {
		pos = h.pos
	}
	for _, p := range pieces {
		n := 0
		if h.node.device != nil {
			n = h.node.device.Read(p)
		} else if pos < len(h.node.data) {
			n = copy(p, h.node.data[pos:])
		}
		pos += n
		total += n
		if n < len(p) {
			break
		}
	}
	if own {
		h.pos += total
	}
	return total, nil
}

// ReadAll is a copy of a file.
func (t *Tree) ReadAll(p string) ([]byte, error) {
	n, err := t.find(p, true, "readAll")
	switch {
	case err != nil:
		return nil, err
	case n == nil:
		return nil, failAt("ENOENT", "readAll", p)
	case n.kind == Dir:
		return nil, fail("EISDIR", "readAll")
	}
	return append([]byte{}, n.data...), nil
}

// FReadAll is ReadAll for an open file, whose position is then its end.
func (t *Tree) FReadAll(fd int) ([]byte, error) {
	h, err := t.handle(fd, "fread")
	switch {
	case err != nil:
		return nil, err
	case !h.read || h.node.kind != File:
		return nil, fail("EBADF", "fread")
	}
	h.pos = len(h.node.data)
	return append([]byte{}, h.node.data...), nil
}

// WriteAll makes data the content of a file, or its end.
func (t *Tree) WriteAll(p string, data []byte, appended, exclusive bool) (int, error) {
	n, err := t.find(p, true, "writeAll")
	if err != nil {
		return 0, err
	}
	switch {
	case n == nil:
		if n, err = t.create(p, "writeAll"); err != nil {
			return 0, err
		}
	case exclusive:
		return 0, failText("EEXIST", "writeAll", "file already exists")
	case n.kind == Dir:
		return 0, fail("EISDIR", "writeAll")
	case !n.writable:
		return 0, fail("EPERM", "writeAll")
	}
	if appended {
		return t.writeAt(n, data, len(n.data), "writeAll")
	}
	if err := t.resize(n, 0, "writeAll"); err != nil {
		return 0, err
	}
	return t.writeAt(n, data, 0, "writeAll")
}

// FWriteAll is WriteAll for an open file.
func (t *Tree) FWriteAll(fd int, data []byte, appended bool) (int, error) {
	h, err := t.handle(fd, "fwrite")
	switch {
	case err != nil:
		return 0, err
	case !h.write || h.node.kind != File:
		return 0, fail("EBADF", "fwrite")
	case !h.node.writable:
		return 0, fail("EPERM", "fwrite")
	}
	at := len(h.node.data)
	if !appended && !h.append {
		at = 0
		if err := t.resize(h.node, 0, "fwriteAll"); err != nil {
			return 0, err
		}
	}
	n, err := t.writeAt(h.node, data, at, "fwriteAll")
	h.pos = len(h.node.data)
	return n, err
}

// Rename moves a node; Copy copies a file.
func (t *Tree) Rename(from, to string) error { return t.move(from, to, false) }

// Copy copies a file to a name that is free.
func (t *Tree) Copy(from, to string) error { return t.move(from, to, true) }

func (t *Tree) move(from, to string, copied bool) error {
	call := "rename"
	if copied {
		call = "copy"
	}
	if n, err := t.find(to, true, "rename"); err != nil {
		return err
	} else if n != nil {
		return fail("EEXIST", call)
	}
	dir, name, err := t.parent(to, call)
	switch {
	case err != nil:
		return err
	case dir == nil:
		return failAt("ENOENT", call, name)
	case dir.kind != Dir:
		return fail("ENOTDIR", call)
	}
	n, err := t.find(from, copied, call)
	switch {
	case err != nil:
		return err
	case n == nil:
		return failAt("ENOENT", call, from)
	}
	if copied {
		if n.kind == Dir {
			return fail("EISDIR", call)
		}
		return t.addCopy(dir, name, n, call)
	}
	source, old, err := t.parent(from, call)
	switch {
	case err != nil:
		return err
	case !source.writable:
		return fail("EPERM", call)
	case n.kind == Dir && strings.HasPrefix(path.Clean(to)+"/", path.Clean(from)+"/"):
		return fail("EINVAL", call)
	}
	if err := t.add(dir, name, n, call); err != nil {
		return err
	}
	t.nodes--
	source.unset(old)
	return nil
}

// addCopy adds a copy of a file.
func (t *Tree) addCopy(dir *Node, name string, n *Node, syscall string) error {
	if n.kind == Link {
		return t.add(dir, name, &Node{kind: Link, target: n.target}, syscall)
	}
	c := t.newFile()
	if err := t.add(dir, name, c, syscall); err != nil {
		return err
	}
	_, err := t.writeAt(c, n.data, 0, syscall)
	return err
}

// MkdirTemp makes a directory with a name that begins with that of the path.
func (t *Tree) MkdirTemp(prefix string) (string, error) {
	for {
		p := prefix + strconv.Itoa(t.temps)
		t.temps++
		n, err := t.find(p, false, "mkdir")
		if err != nil {
			return "", err
		}
		if n == nil {
			_, err := t.Mkdir(p, false)
			return path.Clean(p), err
		}
	}
}

// Mkdir makes a directory, and those above it where it is told to: made is the first
// of these.
func (t *Tree) Mkdir(p string, recursive bool) (made string, err error) {
	if n, err := t.find(p, false, "mkdir"); err != nil {
		return "", err
	} else if n != nil {
		if n.kind == Dir {
			return "", nil
		}
		return "", fail("EEXIST", "mkdir")
	}
	parts := split(p)
	if recursive {
		at := t.root
		for i, part := range parts[:len(parts)-1] {
			next := at.entries[part]
			if next == nil {
				next = t.newDir()
				if err := t.add(at, part, next, "mkdir"); err != nil {
					return "", err
				}
				if made == "" {
					made = "/" + strings.Join(parts[:i+1], "/")
				}
			}
			if next.kind != Dir {
				return "", fail("ENOTDIR", "mkdir")
			}
			at = next
		}
		return made, t.add(at, parts[len(parts)-1], t.newDir(), "mkdir")
	}
	dir, name, err := t.parent(p, "mkdir")
	switch {
	case err != nil:
		return "", err
	case dir == nil:
		return "", failAt("ENOENT", "mkdir", name)
	case dir.kind != Dir:
		return "", fail("ENOTDIR", "mkdir")
	}
	return "", t.add(dir, name, t.newDir(), "mkdir")
}

// Remove removes a node: a directory must be empty or removed as a whole.
func (t *Tree) Remove(p string, recursive, dirOnly bool) error {
	dir, name, err := t.parent(p, "rm")
	switch {
	case err != nil:
		return err
	case dir == nil:
		return failAt("ENOENT", "rm", name)
	case dir.kind != Dir:
		return failAt("ENOTDIR", "rm", name)
	case !dir.writable:
		return fail("EPERM", "rm")
	}
	switch n := dir.entries[name]; {
	case n == nil:
		// As in workerd, what is not there is removed already.
		if dirOnly {
			return failAt("ENOENT", "rm", name)
		}
		return nil
	case dirOnly && n.kind != Dir:
		return fail("ENOTDIR", "rm")
	case n.kind == Dir && len(n.entries) > 0 && !recursive:
		return failAt("ENOTEMPTY", "rm", name)
	}
	t.remove(dir, name)
	return nil
}

// Entry is one of a directory.
type Entry struct {
	Name   string // with the directories in between, where these were listed, too
	Parent string
	Stat   Stat
}

// ReadDir lists a directory.
func (t *Tree) ReadDir(p string, recursive bool) ([]Entry, error) {
	n, err := t.find(p, false, "readdir")
	switch {
	case err != nil:
		return nil, err
	case n == nil:
		return nil, failAt("ENOENT", "readdir", p)
	case n.kind == Link:
		return nil, failAt("EINVAL", "readdir", p)
	case n.kind != Dir:
		return nil, failAt("ENOTDIR", "readdir", p)
	}
	var list []Entry
	err = t.list(n, path.Clean(p), recursive, 0, &list)
	return list, err
}

func (t *Tree) list(dir *Node, at string, recursive bool, depth int, out *[]Entry) error {
	if depth > mostDepth {
		return failText("ELOOP", "readdir", "symlink depth exceeded")
	}
	if len(*out) > t.limits.Nodes {
		return fail("ENOSPC", "readdir")
	}
	for _, name := range dir.names {
		child := dir.entries[name]
		e := Entry{Name: name, Parent: at, Stat: child.Stat()}
		if recursive {
			e.Name = strings.TrimPrefix(path.Join(at, name), "/")
		}
		*out = append(*out, e)
		if !recursive {
			continue
		}
		if child.kind == Link {
			links := 0
			target, err := t.walk(split(child.target), true, &links, "readdir")
			if err != nil {
				return err
			}
			child = target
		}
		if child != nil && child.kind == Dir {
			if err := t.list(child, path.Join(at, name), true, depth+1, out); err != nil {
				return err
			}
		}
	}
	return nil
}
