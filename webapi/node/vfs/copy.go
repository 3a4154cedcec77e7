package vfs

import (
	"path"
	"strings"
)

// CopyOptions say how a tree of files is copied.
type CopyOptions struct{ Dereference, Recursive, Force, ErrorOnExist bool }

// CopyTree copies a file, a link, or with Recursive a directory.
func (t *Tree) CopyTree(from, to string, o CopyOptions) error {
	from, to = path.Clean(from), path.Clean(to)
	if from == to {
		return &Error{Text: "Source and destination paths must not be the same"}
	}
	if strings.HasPrefix(to, strings.TrimSuffix(from, "/")+"/") {
		return &Error{Code: "ERR_FS_CP_EINVAL", Text: "Cannot copy '" + from + "' to a subdirectory of itself, '" + to + "'"}
	}
	src, err := t.find(from, o.Dereference, "cp")
	if err != nil {
		return err
	}
	if src == nil {
		return failAt("ENOENT", "cp", from)
	}
	dst, err := t.find(to, o.Dereference, "cp")
	if err != nil {
		return err
	}
	switch {
	case src.kind == Dir && !o.Recursive:
		return &Error{Code: "ERR_FS_EISDIR"}
	case src.kind == Dir && dst != nil && dst.kind == File:
		return &Error{Code: "ERR_FS_CP_DIR_TO_NON_DIR"}
	case src.kind == Dir && dst != nil && dst.kind == Link:
		return fail("ENOTDIR", "cp")
	case src.kind == Dir:
		if dst == nil {
			if _, err := t.Mkdir(to, true); err != nil {
				return err
			}
			if dst, err = t.find(to, true, "cp"); err != nil || dst == nil {
				return fail("EINVAL", "cp")
			}
		}
		return t.copyDir(src, dst, o, 0)
	case dst != nil && dst.kind == Dir && src.kind == Link:
		return fail("ENOTDIR", "cp")
	case dst != nil && dst.kind == Dir:
		return &Error{Code: "ERR_FS_CP_NON_DIR_TO_DIR"}
	case dst != nil && !o.Force:
		if o.ErrorOnExist {
			return &Error{Code: "ERR_FS_CP_EEXIST"}
		}
		return nil
	}
	if parts := split(to); len(parts) > 1 {
		if _, err := t.Mkdir("/"+strings.Join(parts[:len(parts)-1], "/"), true); err != nil {
			return err
		}
	}
	dir, name, err := t.parent(to, "cp")
	switch {
	case err != nil:
		return err
	case dir == nil:
		return fail("EINVAL", "cp")
	case dir.kind != Dir:
		return fail("ENOTDIR", "cp")
	}
	return t.put(dir, name, src)
}

// put replaces what has the name by a copy of n.
func (t *Tree) put(dir *Node, name string, n *Node) error {
	if !dir.writable {
		return fail("EPERM", "cp")
	}
	t.remove(dir, name)
	return t.addCopy(dir, name, n, "cp")
}

func (t *Tree) copyDir(src, dst *Node, o CopyOptions, depth int) error {
	switch {
	case !dst.writable:
		return failText("EPERM", "cp", "Destination directory is not writable")
	case src == dst:
		return failText("EINVAL", "cp", "Source and destination directories are the same")
	case depth > mostDepth:
		return failText("ELOOP", "cp", "symlink depth exceeded")
	}
	for _, name := range append([]string(nil), src.names...) {
		child, old := src.entries[name], dst.entries[name]
		if old != nil && old.kind == Link && o.Dereference {
			links := 0
			target, err := t.walk(split(old.target), true, &links, "cp")
			if err != nil {
				return err
			}
			if target != nil {
				old = target
			}
		}
		switch {
		case child.kind == Dir && old == nil:
			made := t.newDir()
			if err := t.add(dst, name, made, "cp"); err != nil {
				return err
			}
			if err := t.copyDir(child, made, o, depth+1); err != nil {
				return err
			}
		case child.kind == Dir && old.kind == Dir:
			if err := t.copyDir(child, old, o, depth+1); err != nil {
				return err
			}
		case child.kind == Dir && old.kind == Link:
			return failText("EISDIR", "cp", "Cannot copy directory to symbolic link: "+name)
		case child.kind == Dir:
			return failText("ENOTDIR", "cp", "Cannot copy directory to file: "+name)
		case old != nil && old.kind == Dir && child.kind == Link:
			return failText("EISDIR", "cp", "Cannot copy link to directory: "+name)
		case old != nil && old.kind == Dir:
			return failText("EISDIR", "cp", "Cannot copy file to directory: "+name)
		case old == child:
			// It is the same file.
		case old == nil || o.Force:
			if err := t.put(dst, name, child); err != nil {
				return err
			}
		case o.ErrorOnExist:
			return failText("EEXIST", "cp", "Destination already exists: "+name)
		}
	}
	return nil
}
