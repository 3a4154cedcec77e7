package core

import (
	"embed"

	"workerd.local/webapi/bind"
	"workerd.local/webapi/node/glue"
	"workerd.local/webapi/streams"
)

//go:embed all:js
var files embed.FS

// needs are the compatibility flags that modules need beside nodejs_compat.
var needs = map[string][]string{
	"console":    {"enable_nodejs_console_module"},
	"os":         {"enable_nodejs_os_module"},
	"punycode":   {"enable_nodejs_punycode_module"},
	"perf_hooks": {"enable_nodejs_perf_hooks_module"},
}

// Modules are the files of this package.
func Modules() []glue.Module {
	list := append(glue.Files(files, natives, needs), baseModule())
	for i := range list {
		if list[i].Name == "node:async_hooks" {
			list[i].Instead = "nodejs_als"
		}
	}
	return list
}

// pathNatives are what js/path.js gets: relative paths are below the directory of a
// program, and below the root for a worker.
var pathNatives = map[string]bind.Static{"cwd": func(c *bind.Call) (any, error) {
	if m := glue.MachineOf(c.JS()); m != nil {
		return m.Dir(), nil
	}
	return "/", nil
}}

// natives are what a file in js gets from Go.
func natives(name string) map[string]bind.Static {
	switch name {
	case "buffer":
		return bufferNatives()
	case "querystring":
		return queryNatives()
	case "async_hooks":
		return asyncNatives()
	case "diagnostics_channel":
		return map[string]bind.Static{"published": jsPublished}
	case "events":
		return eventNatives()
	case "module", "process", "internal/process":
		return processNatives()
	case "internal/cwd":
		return directoryNatives()
	case "internal/streams/utils":
		return map[string]bind.Static{"closed": func(c *bind.Call) (any, error) {
			if p, ok := streams.Closed(c.JS(), c.Arg(0)); ok {
				return p, nil
			}
			return nil, Error(c.JS(), "ERR_INVALID_ARG_TYPE", "stream", "ReadableStream", c.Arg(0))
		}}
	case "internal/stdio":
		return stdioNatives()
	case "path":
		return pathNatives
	case "timers":
		return timerNatives()
	case "internal/inspect":
		return inspectNatives()
	case "util":
		return map[string]bind.Static{"systemErrors": func(c *bind.Call) (any, error) { return glue.SystemErrors(), nil }}
	case "util/types":
		return map[string]bind.Static{"isGeneratorFunction": jsIsGeneratorFunction}
	case "internal/codes":
		return map[string]bind.Static{"register": jsRegisterCodes}
	}
	return nil
}
