// Package vfs is a file system in memory, as workerd gives one to scripts: what the
// worker is made of in /bundle, which cannot be changed, devices in /dev, and room for
// a request's own files in /tmp.
//
// A Node is a file, a directory or a symbolic link. A Tree is one root with the open
// files of those that use it; its directories may be shared with other trees. What
// is written counts against the tree's Limits. Errors are *Error, with the codes of
// the system calls.
//
// A tree belongs to one goroutine.
package vfs

import (
	"path"
	"slices"
	"strings"
	"time"
)

// Kind says what a node is.
type Kind int

// The kinds.
const (
	File Kind = iota
	Dir
	Link
)

// Node is an entry of a directory.
type Node struct {
	kind     Kind
	writable bool
	device   Device
	data     []byte
	target   string // of a link: an absolute path
	names    []string
	entries  map[string]*Node
	modified time.Time // what SetModified said last: nothing else changes it
	tree     *Tree     // whose limits its bytes count against; nil for what is shared
}

// Device is what a special file does.
type Device interface {
	Read(p []byte) int
	// Write takes p, or says that it is not permitted.
	Write(p []byte) bool
}

// NewDir makes a directory that cannot be changed but by Put.
func NewDir() *Node { return &Node{kind: Dir, entries: map[string]*Node{}} }

// NewFile makes a file that cannot be changed.
func NewFile(data []byte) *Node { return &Node{kind: File, data: data} }

// NewDevice makes a special file.
func NewDevice(d Device) *Node { return &Node{kind: File, device: d, writable: true} }

// Put adds an entry to a directory, whether it is writable or not; path may name
// directories in between, which are made.
func (n *Node) Put(name string, child *Node) {
	parts := split(name)
	for _, part := range parts[:len(parts)-1] {
		next := n.entries[part]
		if next == nil || next.kind != Dir {
			next = NewDir()
			n.set(part, next)
		}
		n = next
	}
	n.set(parts[len(parts)-1], child)
}

func (n *Node) set(name string, child *Node) {
	if n.entries[name] == nil {
		n.names = append(n.names, name)
	}
	n.entries[name] = child
}

func (n *Node) unset(name string) {
	delete(n.entries, name)
	n.names = slices.DeleteFunc(n.names, func(s string) bool { return s == name })
}

// Kind is what the node is.
func (n *Node) Kind() Kind { return n.kind }

// Stat describes a node.
type Stat struct {
	Kind             Kind
	Size             int
	Writable, Device bool
	Modified         time.Time
}

// Stat describes the node.
func (n *Node) Stat() Stat {
	s := Stat{Kind: n.kind, Writable: n.writable, Device: n.device != nil, Modified: n.modified}
	if n.device == nil {
		s.Size = len(n.data)
	}
	return s
}

// Error is a failed system call.
type Error struct {
	Code    string // "ENOENT"
	Syscall string
	Text    string // instead of the usual one
	Path    string
}

// Texts are the usual texts of the codes.
var Texts = map[string]string{
	"EACCES": "permission denied", "EBADF": "bad file descriptor", "EEXIST": "file already exists", "EFBIG": "file too large",
	"EINVAL": "invalid argument", "EISDIR": "illegal operation on a directory", "ELOOP": "too many symbolic links encountered",
	"EMFILE": "too many open files", "ENOENT": "no such file or directory", "ENOSPC": "no space left on device",
	"ENOSYS": "function not implemented", "ENOTDIR": "not a directory", "ENOTEMPTY": "directory not empty",
	"EPERM": "operation not permitted", "EIO": "input/output error", "ENAMETOOLONG": "name too long",
	"ERR_FS_CP_EEXIST": "File already exists", "ERR_FS_CP_DIR_TO_NON_DIR": "Cannot copy directory to non-directory",
	"ERR_FS_CP_EINVAL": "Invalid cp operation", "ERR_FS_CP_NON_DIR_TO_DIR": "Cannot copy non-directory to directory",
	"ERR_FS_EISDIR": "Expected a file but found a directory",
}

// Error is the text that scripts see.
func (e *Error) Error() string {
	switch {
	case e.Text != "":
		return e.Text
	case e.Path != "":
		return Texts[e.Code] + ", " + e.Syscall + " '" + e.Path + "'"
	}
	return Texts[e.Code]
}

func fail(code, syscall string) error { return &Error{Code: code, Syscall: syscall} }

func failAt(code, syscall, path string) error {
	return &Error{Code: code, Syscall: syscall, Path: path}
}

func failText(code, syscall, text string) error {
	return &Error{Code: code, Syscall: syscall, Text: text}
}

// Limits bound a tree.
type Limits struct {
	Bytes int // of everything that is written
	Nodes int
	Open  int
}

// Tree is a root and what is open in it.
type Tree struct {
	root   *Node
	limits Limits
	bytes  int
	nodes  int
	temps  int
	open   map[int]*Handle
	next   int
}

// Handle is an open file.
type Handle struct {
	node                *Node
	read, write, append bool
	pos                 int
}

// New makes a tree of a root, with a writable directory of its own at tmp.
func New(root *Node, tmp string, limits Limits) *Tree {
	t := &Tree{limits: limits, open: map[int]*Handle{}, next: 3}
	// The top directory is copied, so that /tmp is this tree's alone.
	t.root = &Node{kind: Dir, entries: map[string]*Node{}}
	for _, name := range root.names {
		t.root.set(name, root.entries[name])
	}
	t.root.set(tmp, t.newDir())
	return t
}

func (t *Tree) newDir() *Node {
	return &Node{kind: Dir, writable: true, entries: map[string]*Node{}, tree: t}
}

func (t *Tree) newFile() *Node {
	return &Node{kind: File, writable: true, tree: t}
}

// mostLinks is how many symbolic links one path may lead over.
const mostLinks = 40

// mostDepth is how many directories a path may have, as in workerd.
const mostDepth = 48

func split(p string) []string {
	p = strings.Trim(path.Clean("/"+p), "/")
	if p == "" {
		return nil
	}
	return strings.Split(p, "/")
}

// CheckPath refuses paths that are too long.
func CheckPath(p string) error {
	if len(p) > 4096 {
		return &Error{Text: "File path is too long"}
	}
	if strings.Count(p, "/") > mostDepth {
		return &Error{Text: "File path has too many segments"}
	}
	return nil
}

// find returns the node at a path, nil where there is none.
func (t *Tree) find(p string, follow bool, syscall string) (*Node, error) {
	links := 0
	return t.walk(split(p), follow, &links, syscall)
}

func (t *Tree) walk(parts []string, follow bool, links *int, syscall string) (*Node, error) {
	at := t.root
	for i, part := range parts {
		if at.kind != Dir {
			return nil, nil // nothing is below a file
		}
		next := at.entries[part]
		if next == nil {
			return nil, nil
		}
		if next.kind == Link && (follow || i < len(parts)-1) {
			if *links++; *links > mostLinks {
				return nil, failText("ELOOP", syscall, "symlink depth exceeded")
			}
			rest := append(split(next.target), parts[i+1:]...)
			return t.walk(rest, follow, links, syscall)
		}
		at = next
	}
	return at, nil
}

// parent returns the directory that a path's last name is in, and the name.
func (t *Tree) parent(p, syscall string) (dir *Node, name string, err error) {
	parts := split(p)
	if len(parts) == 0 {
		return nil, "", fail("EINVAL", syscall)
	}
	links := 0
	dir, err = t.walk(parts[:len(parts)-1], true, &links, syscall)
	return dir, parts[len(parts)-1], err
}

// add puts a new node into a directory.
func (t *Tree) add(dir *Node, name string, n *Node, syscall string) error {
	if !dir.writable {
		return fail("EPERM", syscall)
	}
	if dir.entries[name] != nil {
		return fail("EEXIST", syscall)
	}
	if t.nodes >= t.limits.Nodes {
		return fail("ENOSPC", syscall)
	}
	t.nodes++
	dir.set(name, n)
	return nil
}

// remove takes a node out of a directory.
func (t *Tree) remove(dir *Node, name string) {
	if n := dir.entries[name]; n != nil {
		t.nodes--
		t.forget(n)
		dir.unset(name)
	}
}

// forget gives the room of a directory's files back. A file that has other names, or
// is open, keeps its bytes and no longer counts: the room is for what can be found.
func (t *Tree) forget(n *Node) {
	switch {
	case n.kind == Dir:
		for _, child := range n.entries {
			t.nodes--
			t.forget(child)
		}
	case n.tree == t:
		t.bytes -= len(n.data)
		n.tree = nil
	}
}

// resize makes a file n bytes long.
func (t *Tree) resize(f *Node, n int, syscall string) error {
	if f.device != nil {
		return nil
	}
	if !f.writable {
		return fail("EPERM", syscall)
	}
	if grow := n - len(f.data); f.tree == t && t.bytes+grow > t.limits.Bytes || n > t.limits.Bytes {
		return failText("EPERM", syscall, "File size limit exceeded")
	} else if f.tree == t {
		t.bytes += grow
	}
	if n <= len(f.data) {
		clear(f.data[n:])
		f.data = f.data[:n]
	} else if n <= cap(f.data) {
		f.data = f.data[:n]
	} else {
		grown := make([]byte, n, min(max(n, 2*len(f.data)), t.limits.Bytes))
		copy(grown, f.data)
		f.data = grown
	}
	return nil
}

// writeAt writes p at a position, making the file longer where it has to.
func (t *Tree) writeAt(f *Node, p []byte, at int, syscall string) (int, error) {
	if f.device != nil {
		if !f.device.Write(p) {
			return 0, fail("EPERM", syscall)
		}
		return len(p), nil
	}
	if !f.writable {
		return 0, fail("EPERM", syscall)
	}
	if end := at + len(p); end > len(f.data) {
		if err := t.resize(f, end, syscall); err != nil {
			return 0, err
		}
	}
	return copy(f.data[at:], p), nil
}
