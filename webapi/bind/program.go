package bind

import (
	"github.com/dop251/goja"

	"workerd.local/isolate"
)

// Program is what modules may want to know of the script that runs in a realm; who
// evaluates the script fills it in. A field that is nil is not known.
type Program struct {
	// Worker says that the script is a worker: where workerd and node differ, it has what
	// workerd does.
	Worker bool
	// StdioPrefix is what a worker's lines to stdout and to stderr begin with.
	StdioPrefix [2]string
	// Env is the script's bindings.
	Env *goja.Object
	// Builtin returns a module that the host provides, undefined where the script may
	// not import one of that name.
	Builtin func(specifier string) (goja.Value, error)
	// Files are the modules that the script is made of, by name: what node:fs has in
	// /bundle.
	Files func() map[string][]byte
	// Require returns what require(specifier) gives in the module named from.
	Require func(specifier, from string) (goja.Value, error)
}

var programs = isolate.NewSlot(func(*isolate.JS) *Program { return &Program{} })

// ProgramOf is the realm's program.
func ProgramOf(js *isolate.JS) *Program { return programs.Get(js) }
