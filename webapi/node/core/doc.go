// Package node is the modules of Node.js that scripts with the compatibility flag
// nodejs_compat may import, and the globals that the flag adds.
//
// A module is a file in lib/, which is JavaScript, and the functions in Go that it
// asks for: its natives. Go does what is done for every byte (encodings, searches,
// compression) and what only the runtime knows; JavaScript does the rest, because
// these modules are classes that programs subclass, patch and print. A file in
// lib/ is the body of a function of require, native and primordials, which returns
// the exports. It is compiled once per process, and evaluated at its first import
// in a realm. Files in lib/internal are for other files only.
//
// The files take the engine's functions from where they are when the first module
// is loaded (lib/internal/primordials.js), so that a script that replaces methods
// of the built-in classes later does not change how the modules work.
//
// Everything belongs to the isolate's goroutine.
package core
