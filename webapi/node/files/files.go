// Package files is node:fs and node:fs/promises on the file system of package vfs.
//
// Every request, and every actor, has a /tmp of its own, which ends with it; code in
// the global scope has another one. /bundle is the modules of the script and /dev the
// usual devices, both for all. Nothing of the machine's own files can be reached.
//
// Everything belongs to the isolate's goroutine.
package files

import (
	"embed"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/dop251/goja"

	"workerd.local/internal/limits"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/blob"
	"workerd.local/webapi/node/glue"
	"workerd.local/webapi/node/vfs"
)

//go:embed all:js
var sources embed.FS

var needs = map[string][]string{
	"fs":          {"enable_nodejs_fs_module"},
	"fs/promises": {"enable_nodejs_fs_module"},
}

// Modules are node:fs and what it is made of.
func Modules() []glue.Module {
	return glue.Files(sources, func(name string) map[string]bind.Static {
		if name == "internal/fs" {
			return natives()
		}
		return nil
	}, needs)
}

// trees are the file systems of one realm; nil is the global scope.
type trees struct {
	root *vfs.Node
	of   map[*iocontext.Context]*vfs.Tree
}

var treesOf = isolate.NewSlot(func(js *isolate.JS) *trees {
	root, bundle := vfs.NewDir(), vfs.NewDir()
	if files := bind.ProgramOf(js).Files; files != nil {
		all := files()
		for _, name := range slices.Sorted(maps.Keys(all)) {
			// A name with a scheme is not in the bundle.
			if strings.Trim(name, "/") != "" && !strings.Contains(name, ":") {
				bundle.Put(name, vfs.NewFile(all[name]))
			}
		}
	}
	root.Put("bundle", bundle)
	root.Put("tmp", vfs.NewDir()) // its place in the order; each tree has its own
	root.Put("dev/null", vfs.NewDevice(null{}))
	root.Put("dev/zero", vfs.NewDevice(zero{writes: true}))
	root.Put("dev/full", vfs.NewDevice(zero{}))
	root.Put("dev/random", vfs.NewDevice(random{js.Host()}))
	return &trees{root: root, of: map[*iocontext.Context]*vfs.Tree{}}
})

// tree is the file system of the running code.
func tree(js *isolate.JS) *vfs.Tree {
	all := treesOf.Get(js)
	ioc, err := iocontext.Current(js)
	if err != nil {
		ioc = nil // the global scope
	}
	t := all.of[ioc]
	if t == nil {
		t = vfs.New(all.root, "tmp", vfs.Limits{
			Bytes: int(limits.FilesBytes.Bytes(js.Bounds())), Nodes: limits.FilesNodes.In(js.Bounds()), Open: limits.FilesOpen.In(js.Bounds()),
		})
		all.of[ioc] = t
		if ioc != nil {
			ioc.OnEnd(func() { delete(all.of, ioc) })
		}
	}
	return t
}

type null struct{}

func (null) Read([]byte) int   { return 0 }
func (null) Write([]byte) bool { return true }

type zero struct{ writes bool }

func (zero) Read(p []byte) int     { clear(p); return len(p) }
func (z zero) Write(p []byte) bool { return z.writes }

type random struct{ host isolate.Host }

func (r random) Read(p []byte) int { r.host.Random(p); return len(p) }
func (random) Write([]byte) bool   { return false }

// thrown makes the error that scripts see, with the properties of a system call's.
func thrown(js *isolate.JS, err error) error {
	var e *vfs.Error
	if !errors.As(err, &e) {
		return err
	}
	class, ok := js.Runtime().GlobalObject().Get("Error").(*goja.Object)
	if !ok {
		return err
	}
	obj, cerr := js.Construct(class, js.Runtime().ToValue(e.Error()))
	if cerr != nil {
		return cerr
	}
	for _, p := range []struct{ name, value string }{{"code", e.Code}, {"syscall", e.Syscall}, {"path", e.Path}} {
		if p.value == "" {
			continue
		}
		if err := obj.DefineDataProperty(p.name, js.Runtime().ToValue(p.value), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE); err != nil {
			return err
		}
	}
	if n, ok := numbers[e.Code]; ok {
		if err := obj.DefineDataProperty("errno", js.Runtime().ToValue(-n), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE); err != nil {
			return err
		}
	}
	return js.Thrown(obj)
}

// numbers are the codes as Linux counts them.
var numbers = map[string]int{
	"EPERM": 1, "ENOENT": 2, "EIO": 5, "EBADF": 9, "EACCES": 13, "EEXIST": 17, "ENOTDIR": 20, "EISDIR": 21, "EINVAL": 22, "EMFILE": 24, "EFBIG": 27,
	"ENOSPC": 28, "ENAMETOOLONG": 36, "ENOSYS": 38, "ENOTEMPTY": 39, "ELOOP": 40,
}

// openAsBlob is a Blob with a copy of the file.
func openAsBlob(js *isolate.JS, path, typ string) (any, error) {
	data, err := tree(js).ReadAll(path)
	if err != nil {
		return nil, err
	}
	return blob.Class.Wrap(js, blob.New(data, typ)), nil
}
