// Package script turns a worker's source into a compiled program that any
// number of goja runtimes can share.
//
// # What it promises
//
// [Compile] accepts ES modules, CommonJS, TypeScript, JSX, JSON, text, bytes
// and WebAssembly, either as a list of configured modules, as a project on
// disk, or as one service-worker script. It resolves every specifier, lowers
// all syntax the engine lacks, and returns an immutable [*Script]. Everything
// above this package sees one program with a namespace object; no other package
// knows that modules, top-level await, async generators, decorators or newer
// regular expressions were ever rewritten.
//
// # Words
//
//   - module: one unit with a name, which is also its specifier
//   - specifier: the text in an import statement
//   - builtin: a module that the host provides ("node:fs", "cloudflare:workers")
//   - namespace: the object whose properties are the main module's exports
//   - realm: one goja.Runtime with its global object
//   - lowering: writing newer syntax in terms of older syntax
//
// # Concurrency properties
//
// Compile and every method of Script may be called from any goroutine. Functions
// that take a *goja.Runtime ([Script.Evaluate], [Install],
// [DenyEval]) must run on the goroutine that owns the runtime.
//
// # Bounds
//
// The size of the source, its nesting, the length of regular expressions, and
// both compile caches are bounded; see the constants in limits.go. A source that
// exceeds a bound is an [*Error] that names the file.
package script
