package program

import (
	"embed"
	"slices"
	"strings"
	"sync"

	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/script"
	"workerd.local/threads/ports"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/node"
	"workerd.local/webapi/node/glue"
	"workerd.local/webapi/performance"
	"workerd.local/webapi/standard"
)

//go:embed all:js
var files embed.FS

// nodeModules are the modules of node, with those of programs in their places.
func nodeModules() *glue.Set {
	nodeSet.once.Do(func() { nodeSet.set = node.Set(glue.Files(files, natives, nil)...) })
	return nodeSet.set
}

var nodeSet struct {
	once sync.Once
	set  *glue.Set
}

// natives are what a file in js gets from Go.
func natives(name string) map[string]bind.Static {
	switch name {
	case "machine/module":
		return loaderNatives()
	case "machine/process", "machine/internal/process", "machine/internal/env":
		return processNatives()
	case "machine/console":
		return consoleNatives()
	case "machine/timers":
		return timerNatives()
	case "machine/internal/stdio":
		return stdioNatives()
	}
	return nil
}

// webModules are the web APIs of programs, in the order of their floors.
func webModules() []bind.Module {
	return slices.Concat(standard.Modules(ports.Module), []bind.Module{
		{Name: "node", Builtins: nodeModules().Builtins(), Available: nodeModules().Available},
	}, performance.Modules, node.GlobalsOf(nodeModules()), []bind.Module{immediates()})
}

// modules are the web APIs and modules of the program's instances, and what makes their globals; any goroutine.
func (p *Program) modules() ([]bind.Module, *bind.Installer) {
	p.listed.Do(func() {
		p.list = slices.Concat(webModules(), []bind.Module{napaModule()}, p.o.Modules)
		p.globals = bind.NewInstaller(p.list, p.compat.Has)
	})
	return p.list, p.globals
}

// maker makes the module of a name; nil where there is none. Those of faces come first.
func (p *Program) maker(name string) func(js *isolate.JS) (goja.Value, error) {
	list, _ := p.modules()
	for i := len(list) - 1; i >= 0; i-- {
		m := list[i]
		if mk := m.Builtins[name]; mk != nil && (m.Available == nil || m.Available(name, p.compat.Has)) {
			return mk
		}
	}
	return nil
}

// builtinName is the whole name of a module of the program that has no file; any
// goroutine.
func (p *Program) builtinName(specifier string) (string, bool) {
	if p.maker(specifier) != nil && !strings.HasPrefix(specifier, ".") {
		return specifier, true
	}
	name, ok := script.BuiltinName(specifier, true)
	if !ok || p.maker(name) == nil {
		return "", false
	}
	return name, true
}
