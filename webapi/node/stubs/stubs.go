// Package stubs is the modules of Node.js that workerd has for programs that import
// them and never use them: what they do does not exist here. Functions check their
// arguments as node does and then say that they are not implemented, with the code
// ERR_METHOD_NOT_IMPLEMENTED, or do nothing where workerd does nothing.
//
// Everything belongs to the isolate's goroutine.
package stubs

import (
	"embed"

	"workerd.local/webapi/bind"
	"workerd.local/webapi/node/glue"
)

//go:embed all:js
var files embed.FS

var needs = map[string][]string{
	"child_process":      {"enable_nodejs_child_process_module"},
	"cluster":            {"enable_nodejs_cluster_module"},
	"dgram":              {"enable_nodejs_dgram_module"},
	"domain":             {"enable_nodejs_domain_module"},
	"http2":              {"enable_nodejs_http2_module"},
	"inspector":          {"enable_nodejs_inspector_module"},
	"inspector/promises": {"enable_nodejs_inspector_module"},
	"readline":           {"enable_nodejs_readline_module"},
	"readline/promises":  {"enable_nodejs_readline_module"},
	"repl":               {"enable_nodejs_repl_module"},
	"sqlite":             {"enable_nodejs_sqlite_module"},
	"trace_events":       {"enable_nodejs_trace_events_module"},
	"tty":                {"enable_nodejs_tty_module"},
	"v8":                 {"enable_nodejs_v8_module"},
	"vm":                 {"enable_nodejs_vm_module"},
	"wasi":               {"enable_nodejs_wasi_module"},
	"worker_threads":     {"enable_nodejs_worker_threads_module"},
}

// Modules are the files of this package.
func Modules() []glue.Module {
	return glue.Files(files, func(string) map[string]bind.Static { return nil }, needs)
}
