// Package glue runs the modules of node that are written in JavaScript.
//
// A Module is a piece of CommonJS: its source is the body of a function with the
// parameters exports, module, require, primordials and native. It is compiled once
// per process, evaluated at its first import in a realm, and keeps its exports
// there. require finds the other modules of the same Set, those of node by their
// specifier ("node:assert") and those that scripts cannot name ("internal/errors").
// primordials(name) are the methods of a built-in class as functions that take the
// receiver first, as they were when the first module asked, so that a script that
// patches a prototype does not reach the modules. native are the functions in Go.
//
// # Concurrency
//
// Modules and Sets are package variables, read-only, shared by all realms. What
// takes a *isolate.JS belongs to the isolate's goroutine.
package glue

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// Module is one module; either Source or Make makes its exports.
type Module struct {
	// Name is "node:" or "cloudflare:" and the name, or "internal/" and the name, which scripts cannot import.
	// "machine:" before either is the module that a realm with a Machine has by the rest of the name.
	Name string
	// Source is the body of the function that fills module.exports.
	Source string
	// Read gives Source where it is first needed, so that a program that imports no
	// module does not hold the texts of all of them.
	Read func() string
	// Bare modules do without the parameter primordials.
	Bare bool
	// Native are the functions that Source sees as native.
	Native map[string]bind.Static
	// Make makes the exports in Go; require is that of Source.
	Make func(js *isolate.JS, require func(name string) (goja.Value, error)) (goja.Value, error)
	// Needs are compatibility flags beside nodejs_compat, all of which must be on.
	Needs []string
	// Instead is a flag that makes the module available without nodejs_compat.
	Instead string
}

// Set is all modules that may require each other.
type Set struct {
	modules  map[string]*Module
	programs map[string]func() (*goja.Program, error)
	loaded   *isolate.Slot[loaded]
}

// loaded is what a realm has evaluated: the module objects by name.
type loaded struct {
	modules map[string]*goja.Object
	prims   goja.Value
}

//go:embed primordials.js
var primordialsSource string

var primordials = sync.OnceValues(func() (*goja.Program, error) {
	return goja.Compile("node-internal:primordials", primordialsSource, true)
})

// NewSet makes a set of the modules in lists.
func NewSet(lists ...[]Module) *Set {
	s := &Set{
		modules: map[string]*Module{}, programs: map[string]func() (*goja.Program, error){},
		loaded: isolate.NewSlot(func(*isolate.JS) *loaded { return &loaded{modules: map[string]*goja.Object{}} }),
	}
	for _, m := range slices.Concat(lists...) {
		if s.modules[m.Name] != nil {
			panic("glue: two modules are named " + m.Name)
		}
		s.modules[m.Name] = &m
		s.programs[m.Name] = sync.OnceValues(func() (*goja.Program, error) {
			const head = "(function(exports, module, require, primordials, native) { "
			source := m.Source
			if m.Read != nil {
				source = m.Read()
			}
			return goja.Compile("node-internal:"+strings.TrimPrefix(m.Name, "node:"), head+source+"\n})", true)
		})
	}
	return s
}

// Instead gives a list of modules in which those of others stand for the ones of their
// names.
func Instead(list []Module, others ...Module) []Module {
	list = slices.Clone(list)
	for _, m := range others {
		if i := slices.IndexFunc(list, func(old Module) bool { return old.Name == m.Name }); i >= 0 {
			list[i] = m
		} else {
			list = append(list, m)
		}
	}
	return list
}

// Builtins are the modules that scripts may import, for bind.Module.
func (s *Set) Builtins() map[string]func(js *isolate.JS) (goja.Value, error) {
	out := map[string]func(js *isolate.JS) (goja.Value, error){}
	for name := range s.modules {
		if !strings.HasPrefix(name, "internal/") && !strings.HasPrefix(name, "machine:") {
			out[name] = func(js *isolate.JS) (goja.Value, error) { return s.Load(js, name) }
		}
	}
	return out
}

// Available reports whether a worker with the flags may import the module.
func (s *Set) Available(specifier string, has func(flag string) bool) bool {
	m := s.modules[specifier]
	if m == nil {
		return false
	}
	if m.Instead != "" && has(m.Instead) {
		return true
	}
	return (has("nodejs_compat") || has("nodejs_compat_v2")) &&
		!slices.ContainsFunc(m.Needs, func(flag string) bool { return !has(flag) })
}

// Load returns the exports of a module, evaluating it if need be. In a cycle of
// modules it gives what the module has exported so far.
func (s *Set) Load(js *isolate.JS, name string) (goja.Value, error) {
	in := s.loaded.Get(js)
	if module := in.modules[name]; module != nil {
		return module.Get("exports"), nil
	}
	m := s.modules[name]
	if own := s.modules["machine:"+name]; own != nil && MachineOf(js) != nil {
		m = own
	}
	if m == nil {
		return nil, fmt.Errorf("glue: no module %s", name)
	}
	rt := js.Runtime()
	module, exports := rt.NewObject(), rt.NewObject()
	if err := module.Set("exports", exports); err != nil {
		return nil, err
	}
	in.modules[name] = module
	value, err := s.evaluate(js, in, m, module, exports)
	if err != nil {
		delete(in.modules, name) // the next import tries again
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return value, nil
}

func (s *Set) evaluate(js *isolate.JS, in *loaded, m *Module, module, exports *goja.Object) (goja.Value, error) {
	rt := js.Runtime()
	if m.Make != nil {
		v, err := m.Make(js, func(name string) (goja.Value, error) { return s.Load(js, name) })
		if err != nil {
			return nil, err
		}
		return v, module.Set("exports", v)
	}
	program, err := s.programs[m.Name]()
	if err != nil {
		return nil, err
	}
	fn, err := rt.RunProgram(program)
	if err != nil {
		return nil, err
	}
	prims := in.prims
	if m.Bare {
		prims = goja.Undefined()
	} else if prims == nil {
		program, err := primordials()
		if err != nil {
			return nil, err
		}
		if prims, err = rt.RunProgram(program); err != nil {
			return nil, err
		}
		in.prims = prims
	}
	require := bind.NewFunction(js, "require", 1, func(c *bind.Call) (any, error) {
		return s.Load(c.JS(), c.Arg(0).String())
	})
	native, err := newNative(js, m.Native)
	if err != nil {
		return nil, err
	}
	if _, err := js.Call(fn, goja.Undefined(), exports, module, require, prims, native); err != nil {
		return nil, err
	}
	return module.Get("exports"), nil
}
