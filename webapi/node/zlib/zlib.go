// Package zlib is node:zlib: DEFLATE in all its frames, Brotli and Zstandard, for
// whole values and as streams.
//
// A coder is one direction of one format. It is pushed: one call takes what it can of
// the input, fills what it can of the output, and returns; nothing of a coder runs
// beside the isolate, so that a stream that is forgotten leaves nothing behind. What
// one holds is bounded by its windows, and by one step of input for the libraries
// that hand out what they please.
//
// The JavaScript in js/ is the classes, which are Transforms of node:stream, and the
// functions; stream.go is the handle that a class drives, sync.go the whole values.
//
// Everything belongs to the isolate's goroutine.
package zlib

import (
	"embed"

	"workerd.local/webapi/bind"
	"workerd.local/webapi/node/glue"
)

//go:embed all:js
var sources embed.FS

var needs = map[string][]string{"zlib": {"nodejs_zlib"}}

// Modules are node:zlib and what it is made of.
func Modules() []glue.Module {
	return glue.Files(sources, func(name string) map[string]bind.Static {
		if name == "internal/zlib" {
			return map[string]bind.Static{"handles": jsHandles, "whole": jsWhole, "crc32": jsCRC32}
		}
		return nil
	}, needs)
}
