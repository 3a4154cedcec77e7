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
	dir, from, more := c.l.i.program.Cwd(), "", c.paths
	if p, ok := parent.(*goja.Object); ok {
		file, path := p.Get("filename"), p.Get("path")
		if isText(file) && file.String() != "" {
			from = file.String()
			dir = dirname(from)
		} else {
			if isText(path) && path.String() != "" && path.String() != "." {
				dir = path.String()
			}
			if list, ok := p.Get("paths").(*goja.Object); ok && goja.IsNull(file) {
				own, err := texts(list)
				if err != nil {
					return "", err
				}
				more = append(own, more...)
			}
		}
	}
	f, err := c.l.i.program.resolver.require(request, dir, from, more)
	switch {
	case errors.Is(err, errNotFound):
	case err != nil:
		err = c.l.thrown(js, err)
		if e, ok := js.Error(err).(*goja.Object); ok && !isolate.Uncatchable(err) {
			if code := e.Get("code"); code != nil && code.String() == "MODULE_NOT_FOUND" {
				if err := e.Set("requireStack", bind.Value(js, c.stackOf(parent))); err != nil {
					return "", err
				}
			}
		}
		return "", err
	case f.builtin != "":
		if _, ok := c.l.i.program.builtinName(request); ok {
			return request, nil
		}
		return f.builtin, nil
	default:
		return f.file, nil
	}
	if filepath.IsAbs(request) || isRelative(request) {
		for _, ext := range c.usual() {
			at := filepath.Join(dir, request+ext)
			if filepath.IsAbs(request) {
				at = filepath.Clean(request + ext)
			}
			if isFile(at) {
				return at, nil
			}
		}
	}
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
		return "", err
	}
	return "", js.Thrown(e)
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
