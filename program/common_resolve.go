package program

import (
	"errors"
	"path/filepath"
	"strings"

	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/node/core"
)

// resolve is Module._resolveFilename: a file, or the name of a module that has none.
func (c *common) resolve(js *isolate.JS, request string, parent goja.Value) (string, error) {
	if c.whole {
		rt := js.Runtime()
		v, err := js.Call(c.of(js, "resolve"), nil, rt.ToValue(request), parent, goja.Undefined())
		if err != nil {
			return "", err
		}
		return v.String(), nil
	}
	return c.find(js, request, parent, nil)
}

// find is resolve, whatever scripts may have changed. dirs are the directories to begin in;
// without them it is that of the parent.
func (c *common) find(js *isolate.JS, request string, parent goja.Value, dirs []string) (string, error) {
	from, dir, more, err := c.lookup(parent)
	if err != nil {
		return "", err
	}
	if dirs == nil {
		dirs = []string{dir}
	} else {
		more = c.paths
	}
	for _, dir := range dirs {
		f, err := c.l.i.program.resolver.require(request, dir, from, more)
		switch {
		case errors.Is(err, errNotFound):
			continue
		case err != nil:
			return "", c.withStack(js, c.l.thrown(js, err), parent)
		case f.builtin == "":
			return f.file, nil
		}
		if _, ok := c.l.i.program.builtinName(request); ok {
			return request, nil
		}
		return f.builtin, nil
	}
	if file := c.besides(js, request, dirs); file != "" {
		return file, nil
	}
	return "", c.notFound(js, request, parent)
}

// lookup is where a module's requests begin: its file, "" for none, its directory, and where
// packages are beside the usual places.
func (c *common) lookup(module goja.Value) (file, dir string, more []string, err error) {
	dir, more = c.l.i.program.Cwd(), c.paths
	m, ok := module.(*goja.Object)
	if !ok {
		return "", dir, more, nil
	}
	name, path := m.Get("filename"), m.Get("path")
	if isText(name) && name.String() != "" {
		file = name.String()
		return file, dirname(file), more, nil
	}
	if isText(path) && path.String() != "" && path.String() != "." {
		dir = path.String()
	}
	if list, ok := m.Get("paths").(*goja.Object); ok && goja.IsNull(name) {
		own, err := texts(list)
		if err != nil {
			return "", "", nil, err
		}
		more = append(own, more...)
	}
	return "", dir, more, nil
}

// besides is the file that a request names but for an end that something loads; "" for none.
func (c *common) besides(js *isolate.JS, request string, dirs []string) string {
	if !filepath.IsAbs(request) && !isRelative(request) {
		return ""
	}
	ends := c.usual()
	if c.extensions != nil && !js.Library().Untouched(c.extensions) {
		ends = c.extensions.Keys()
	}
	for _, dir := range dirs {
		for _, end := range ends {
			at := filepath.Clean(request + end)
			if !filepath.IsAbs(request) {
				at = filepath.Join(dir, at)
			}
			if isFile(at) {
				return at
			}
		}
	}
	return ""
}

// withStack tells an error, which says that a module was not found, for whom that was.
func (c *common) withStack(js *isolate.JS, err error, parent goja.Value) error {
	e, ok := js.Error(err).(*goja.Object)
	if !ok || isolate.Uncatchable(err) {
		return err
	}
	if code := e.Get("code"); code == nil || code.String() != "MODULE_NOT_FOUND" {
		return err
	}
	if failed := e.Set("requireStack", bind.Value(js, c.stackOf(parent))); failed != nil {
		return failed
	}
	return err
}

// notFound is the error that a request leads to nothing.
func (c *common) notFound(js *isolate.JS, request string, parent goja.Value) error {
	stack := c.stackOf(parent)
	text := "Cannot find module '" + request + "'"
	if len(stack) > 0 {
		text += "\nRequire stack:\n- " + strings.Join(stack, "\n- ")
	}
	e, err := js.Construct(js.ErrorClass("Error"), js.Runtime().ToValue(text))
	if err == nil {
		err = errors.Join(e.Set("code", "MODULE_NOT_FOUND"), e.Set("requireStack", bind.Value(js, stack)))
	}
	if err != nil {
		return err
	}
	return js.Thrown(e)
}

// mostStack is how many modules an error names.
const mostStack = 1000

// stackOf are the files that led to a module.
func (c *common) stackOf(parent goja.Value) []string {
	list := []string{}
	for range mostStack {
		m, ok := parent.(*goja.Object)
		if !ok {
			break
		}
		name := m.Get("filename")
		if !isText(name) || name.String() == "" {
			name = m.Get("id")
		}
		if name != nil {
			list = append(list, name.String())
		}
		parent = c.parentOf(m)
	}
	return list
}

// checkText throws where an argument is no string.
func checkText(js *isolate.JS, name string, v goja.Value) error {
	if isText(v) {
		return nil
	}
	return coded(js, "ERR_INVALID_ARG_TYPE", name, "string", v)
}

func isText(v goja.Value) bool { _, ok := v.(goja.String); return ok }

// coded is an error of node with a code.
func coded(js *isolate.JS, code string, args ...any) error {
	if _, err := nodeModules().Load(js, "internal/codes"); err != nil {
		return err
	}
	return core.Error(js, code, args...)
}

// extensionOf is the end of a file's name that says what loads it, as long as no script
// has added one.
func (c *common) extensionOf(file string) string {
	name := file[strings.LastIndexAny(file, `/`+string(filepath.Separator))+1:]
	if dot := strings.LastIndexByte(name, '.'); dot > 0 {
		for _, ext := range c.usual() {
			if name[dot:] == ext {
				return ext
			}
		}
	}
	return ".js"
}

// dirname is node's: it leaves what it keeps as it is.
func dirname(path string) string {
	if filepath.Separator != '/' {
		return filepath.Dir(path)
	}
	trimmed := strings.TrimRight(path, "/")
	if trimmed == "" {
		if path == "" {
			return "."
		}
		return "/"
	}
	slash := strings.LastIndexByte(trimmed, '/')
	switch {
	case slash < 0:
		return "."
	case slash == 0:
		return "/"
	case slash == 1 && trimmed[0] == '/':
		return "//"
	}
	return trimmed[:slash]
}
