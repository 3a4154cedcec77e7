// Package node is the modules of Node.js that scripts import as "node:assert" and
// so on. Each module is a package below this one; this package lists them.
//
// # Concurrency
//
// Everything belongs to the isolate's goroutine; the list is read-only.
package node

import (
	"slices"

	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/node/assert"
	"workerd.local/webapi/node/children"
	"workerd.local/webapi/node/core"
	"workerd.local/webapi/node/crypto"
	"workerd.local/webapi/node/disk"
	"workerd.local/webapi/node/files"
	"workerd.local/webapi/node/glue"
	"workerd.local/webapi/node/http"
	"workerd.local/webapi/node/nodetest"
	"workerd.local/webapi/node/sockets"
	"workerd.local/webapi/node/stubs"
	"workerd.local/webapi/node/terminal"
	"workerd.local/webapi/node/v8"
	"workerd.local/webapi/node/vm"
	"workerd.local/webapi/node/zlib"
)

// modules are all modules of node.
func modules() []glue.Module {
	return slices.Concat(
		glue.Internals,
		assert.Modules,
		nodetest.Modules,
		core.Modules(),
		stubs.Modules(),
		crypto.Modules(),
		zlib.Modules(),
		files.Modules(),
		disk.Modules(),
		children.Modules(),
		v8.Modules(),
		vm.Modules(),
		terminal.Modules(),
		sockets.Modules(),
		http.Modules(),
	)
}

var set = glue.NewSet(modules())

// Module makes the modules importable.
var Module = bind.Module{Name: "node", Builtins: set.Builtins(), Available: set.Available}

// Globals are what nodejs_compat adds to the global scope.
var Globals = []bind.Module{core.Globals(set.Load), core.Timers(set.Load)}

// Contexts is node:vm as programs have it, for hosts that have contexts of their own.
func Contexts(js *isolate.JS) (goja.Value, error) { return set.Load(js, "machine:node:vm") }

// Set makes the modules with others in the place of some of them, for hosts whose
// programs have more of a machine than a worker has.
func Set(instead ...glue.Module) *glue.Set { return glue.NewSet(glue.Instead(modules(), instead...)) }

// GlobalsOf are Globals of a set that Set made.
func GlobalsOf(s *glue.Set) []bind.Module {
	return []bind.Module{core.Globals(s.Load), core.Timers(s.Load)}
}
