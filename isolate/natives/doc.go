// Package natives replaces the parts of goja's standard library that a script
// could use to exhaust the process, and adds the parts that goja lacks.
//
// goja's own natives run to their end: Runtime.Interrupt is only looked at
// between opcodes, so a native that walks 2^53 array indices, builds a 2^40
// character string or recurses once per level of the user's data cannot be
// stopped, and a failed allocation or a full Go stack ends the whole process.
// After [Install] the natives of a runtime keep three promises:
//
//   - bounded: no native builds a string, array or buffer beyond [Limits]; it
//     throws the RangeError that V8 throws.
//   - interruptible: every loop whose length the script chooses looks for an
//     interrupt about every thousand steps and unwinds at once.
//   - contained: no native recurses on user data without a depth cap, and a Go
//     run-time panic inside a native becomes a JavaScript exception.
//
// Errors that the engine makes have V8's texts, and all have V8's form of stack: see
// wording.go and stack.go.
//
// Semantics are those of ECMA-262, error texts those of V8 where a program may
// look at them. The common case (a small array, a short string) is handed to
// goja's own native, so it costs one extra call.
//
// Natives that can be made to call each other in a circle are counted, see guard.go;
// Runtime.SetMaxCallStackSize, which must be set all the same, counts script only.
//
// What cannot be reached from outside the engine stays open: operators (string +,
// BigInt *), template literals, the parser, and a single match of a regular
// expression. Spread and destructuring are stopped in the steps of the iterators.
//
// Words: a native is a function implemented in Go; a raw function is goja's own
// native before it was replaced; a poll is one look at the interrupt; a plain
// array is one whose class is Array and not a Proxy.
//
// Goroutines: a runtime belongs to one goroutine, and so does everything here.
// Only Limits.Interrupted may look at state that other goroutines write.
package natives
