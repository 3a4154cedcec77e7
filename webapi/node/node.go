// Package node is the modules of Node.js that scripts import as "node:assert" and
// so on. Each module is a package below this one; this package lists them.
//
// # Concurrency
//
// Everything belongs to the isolate's goroutine; the list is read-only.
package node

import (
	"workerd.local/webapi/bind"
	"workerd.local/webapi/node/assert"
	"workerd.local/webapi/node/core"
	"workerd.local/webapi/node/crypto"
	"workerd.local/webapi/node/disk"
	"workerd.local/webapi/node/files"
	"workerd.local/webapi/node/glue"
	"workerd.local/webapi/node/http"
	"workerd.local/webapi/node/nodetest"
	"workerd.local/webapi/node/sockets"
	"workerd.local/webapi/node/stubs"
	"workerd.local/webapi/node/zlib"
)

var set = glue.NewSet(
	glue.Internals,
	assert.Modules,
	nodetest.Modules,
	core.Modules(),
	stubs.Modules(),
	crypto.Modules(),
	zlib.Modules(),
	files.Modules(),
	disk.Modules(),
	sockets.Modules(),
	http.Modules(),
)

// Module makes the modules importable.
var Module = bind.Module{Name: "node", Builtins: set.Builtins(), Available: set.Available}

// Globals are what nodejs_compat adds to the global scope.
var Globals = []bind.Module{core.Globals(set.Load), core.Timers(set.Load)}
