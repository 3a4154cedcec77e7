// Package wasm is the WebAssembly namespace, on wazero's compiler.
//
// A module is decoded, rewritten and compiled once per process, and shared by all
// realms of all isolates. Rewriting gives three promises that the compiler does not:
//
//   - stoppable: loops and calls count down, and now and then look whether the turn
//     was interrupted;
//   - bounded: memories, tables and the call stack end at a knob, not at the
//     process's memory;
//   - linkable: every import stands alone, so that one instance may take its memory
//     from a script and its functions from several other instances.
//
// Instances belong to the realm that made them. What nobody can reach any more, in a
// realm that lives on or with its realm, is given back by the collector.
//
// Words: an image is a decoded module; a program is a compiled one; an instance is a
// program with its imports; a reference is a value of the types funcref or externref.
// The numbers of functions in an image are those of the module's author; in a program
// they are shifted, see rewrite.go.
//
// Goroutines: programs may be used from any; everything that takes a *isolate.JS
// belongs to the isolate's.
package wasm
