package core

import (
	"embed"
	"fmt"
	"sync"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

//go:embed lib
var files embed.FS

// programs are the compiled files, by name; any goroutine.
var programs sync.Map

// compiled returns the program of a file in lib: a function that makes its exports.
func compiled(name string) (*goja.Program, error) {
	if p, ok := programs.Load(name); ok {
		return p.(*goja.Program), nil
	}
	src, err := files.ReadFile("lib/" + name + ".js")
	if err != nil {
		return nil, exception.Errorf("No such module %q.", "node:"+name)
	}
	p, err := goja.Compile("node:"+name, "(function (require, native, primordials) {"+string(src)+"\n})", true)
	if err != nil {
		return nil, err
	}
	programs.Store(name, p)
	return p, nil
}

// library is the modules of one realm.
type library struct {
	js          *isolate.JS
	exports     map[string]goja.Value
	loading     map[string]bool
	require     goja.Value
	primordials goja.Value
}

var libraries = isolate.NewSlot(func(js *isolate.JS) *library {
	return &library{js: js, exports: map[string]goja.Value{}, loading: map[string]bool{}}
})

// Require returns the exports of a file in lib, such as "buffer" or
// "internal/errors".
func Require(js *isolate.JS, name string) (goja.Value, error) {
	l := libraries.Get(js)
	if l.require == nil {
		l.require = bind.NewFunction(js, "require", 1, func(c *bind.Call) (any, error) {
			return l.load(c.Arg(0).String())
		})
	}
	return l.load(name)
}

func (l *library) load(name string) (goja.Value, error) {
	if v := l.exports[name]; v != nil {
		return v, nil
	}
	if l.loading[name] {
		return nil, fmt.Errorf("node: %s is loaded while it loads", name)
	}
	l.loading[name] = true
	defer delete(l.loading, name)
	if l.primordials == nil {
		l.primordials = goja.Undefined() // while they load themselves
		v, err := l.load("internal/primordials")
		if err != nil {
			l.primordials = nil
			return nil, err
		}
		l.primordials = v
	}
	p, err := compiled(name)
	if err != nil {
		return nil, err
	}
	fn, err := l.js.Runtime().RunProgram(p)
	if err != nil {
		return nil, err
	}
	var native goja.Value = goja.Undefined()
	if t := natives(name); t != nil {
		native = bind.Object{Name: "native", Methods: t}.New(l.js)
	}
	v, err := l.js.Call(fn, nil, l.require, native, l.primordials)
	if err != nil {
		return nil, err
	}
	l.exports[name] = v
	return v, nil
}

// natives are what a file in lib gets from Go.
func natives(name string) map[string]bind.Static {
	switch name {
	case "buffer":
		return bufferNatives()
	case "internal/primordials":
		return platformNatives()
	}
	return nil
}
