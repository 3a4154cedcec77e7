// Package streams is the WHATWG Streams API, and workerd's additions to it.
//
// A stream that the host made (a request's body, an answer of the network) is a
// native stream: its bytes live in Go, reading it asks a goroutine for up to
// 64 KiB, and handing it on untouched (Take) gives back the Go reader itself, so
// that no byte of it visits the loop. A stream that a script made with an
// underlying source follows the algorithms of the standard, written in Go over
// the engine's promises.
//
// Words: a source feeds a native stream; a chunk is one value in a stream; a read
// request waits for a chunk; a sink takes the chunks of a writable stream; a
// deferred is a promise together with the right to settle it.
//
// # Concurrency
//
// Everything belongs to the isolate's goroutine, except the readers that Take,
// Body and Reader hand out: those are for one other goroutine, and their Close
// may be called while a Read is waiting.
package streams
