// Package core is the modules of Node.js that the others are made of and most
// programs ask for: node:buffer, node:events, node:util, node:stream and so on.
//
// A module is a file in js/ and the functions in Go that it asks for, its natives.
// Go does what is done for every byte (encodings, searches, compression) and what
// only the runtime knows; JavaScript does the rest, because these modules are
// classes that programs subclass, patch and print. A file is the body of a function
// of require, native and primordials that returns the exports; see package glue.
// Files in js/internal are for other files only:
//
//	internal/base         the engine's functions as scripts find them at first, made
//	                      when they are asked for (base.go), so that a script that
//	                      replaces methods of the built-in classes does not change
//	                      how modules work
//	internal/codes        errors with codes, each made at its first use
//	internal/validators   checks of arguments
//
// Everything belongs to the isolate's goroutine.
package core
