// Package napa is Napa.js: the module `napajs` of programs, with which the threads of one
// program share values, run functions on each other and wait for each other.
//
// Words: a system is what all threads of one program share; a zone is a fixed set of
// threads, its workers, which run what is given to it; the node zone is the program's own
// thread. To marshall a value is to write it as a payload, JSON text in which classes,
// functions and memory are named; a transport context is what a payload names and cannot
// hold, such as memory that is shared. An object is a Go value that many threads may hold
// (a lock, an allocator, bytes); a wrap is what one thread's scripts see of it.
//
// Payloads, objects and contexts are plain Go and go from thread to thread; no value of the
// engine does.
//
// # Concurrency
//
// Methods of System, Zone, Context and of what lies below them may be called from any
// goroutine. What takes a *isolate.JS or a *bind.Call belongs to the isolate's goroutine.
package napa
