package disk

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/dop251/goja"
	"github.com/fsnotify/fsnotify"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/node/glue"
)

// jsWatch is watch(path, persistent, recursive, tell): tell gets (event, name), or
// (undefined, undefined, error). It returns {close, ref, unref}. A watcher counts as a
// descriptor.
func jsWatch(c *bind.Call) (any, error) {
	js, d := c.JS(), Of(c.JS())
	p, tell := text(c, -1), c.Arg(3)
	at := d.Path(p)
	if d.full() {
		return nil, glue.Thrown(js, glue.NewSystemError("EMFILE", "watch", p))
	}
	s, err := statPath(at, true, os.Stat)
	if err != nil {
		return nil, glue.Thrown(js, glue.SystemErrorOf(err, "watch", p, ""))
	}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, glue.Thrown(js, glue.SystemErrorOf(err, "watch", p, ""))
	}
	if err = w.Add(at); err == nil && c.Arg(2).ToBoolean() && s.Mode&0o170000 == modeDir {
		err = addBelow(w, at)
	}
	if err != nil {
		w.Close()
		return nil, glue.Thrown(js, glue.SystemErrorOf(err, "watch", p, ""))
	}
	stop := func() { w.Close() }
	h, err := glue.NewHandle(js, stop)
	if err != nil {
		w.Close()
		return nil, err
	}
	fd, err := d.add(&File{in: nil, std: true}, "watch", p)
	if err != nil {
		w.Close()
		h.Close()
		return nil, glue.Thrown(js, err)
	}
	if !c.Arg(1).ToBoolean() {
		h.Unref()
	}
	recursive := c.Arg(2).ToBoolean()
	isDir := s.Mode&0o170000 == modeDir
	failed := func(err error) {
		h.Post(func(js *isolate.JS) {
			glue.Tell(js, tell, goja.Undefined(), goja.Undefined(), glue.Failure(js, glue.SystemErrorOf(err, "watch", p, "")))
		})
	}
	h.Go(func(ctx context.Context) {
		for {
			select {
			case e, ok := <-w.Events:
				if !ok {
					return
				}
				kind := "change"
				if e.Has(fsnotify.Create) || e.Has(fsnotify.Remove) || e.Has(fsnotify.Rename) {
					kind = "rename"
				}
				name := filepath.Base(e.Name)
				if isDir {
					if rel, err := filepath.Rel(at, e.Name); err == nil {
						name = rel
					}
				}
				if recursive && e.Has(fsnotify.Create) {
					// What is not there any more was gone again; the system may also have no watches left.
					if err := addBelow(w, e.Name); err != nil && !errors.Is(err, fs.ErrNotExist) {
						failed(err)
					}
				}
				h.Post(func(js *isolate.JS) { glue.Tell(js, tell, kind, name) })
			case err, ok := <-w.Errors:
				if !ok {
					return
				}
				failed(err)
			case <-ctx.Done():
				return
			}
		}
	})
	closed := false
	return bind.Object{Name: "FSEvent", Methods: map[string]bind.Static{
		"close": func(*bind.Call) (any, error) {
			if !closed {
				closed = true
				h.Close()
				w.Close()
				_, err := d.take(fd)
				return nil, err
			}
			return nil, nil
		},
		"ref":   func(*bind.Call) (any, error) { h.Ref(); return nil, nil },
		"unref": func(*bind.Call) (any, error) { h.Unref(); return nil, nil },
	}}.New(js), nil
}

// addBelow watches the directories of a tree.
func addBelow(w *fsnotify.Watcher, at string) error {
	return filepath.WalkDir(at, func(p string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() {
			return nil // it went away in the meantime, or is no directory
		}
		if strings.Count(p, string(filepath.Separator))-strings.Count(at, string(filepath.Separator)) > mostNested {
			return filepath.SkipDir
		}
		return w.Add(p)
	})
}
