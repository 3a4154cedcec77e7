// Package serialize runs scripts that warm themselves up once and go on many times:
// Aworker's Serialize API.
//
// A script that runs as a seed is told `serialize` when its top level has run, parks,
// and goes on in children, which are told `deserialize`. The same state can be kept in a
// file, a snapshot, and a later process goes on from it.
//
// The engine cannot copy its heap. What is kept is the script and a log of every input
// that the script does not determine itself: time, random numbers, the environment, the
// answers of fetch, and the order in which timers and background work completed. To go on
// means to run the script again against the log, with its output swallowed, every call of
// the host answered from the log and compared with it. So a start from a snapshot saves
// the waiting and the repeated side effects, and not the computing, of what the script
// does until it parks. Where a run does not do what the log says it has diverged, and the
// script starts as it would without a snapshot, after one warning.
//
// Words: a worker is one run of a script with its isolate; a log is the inputs of a run up
// to where it parked; a twin is a worker that was made from a log and waits; a seed is a
// log with its twins; a child is a worker that was parked and goes on with an environment,
// arguments, outputs, random numbers and a time origin of its own; a blob is a log in a
// file.
//
// # Concurrency
//
// A Worker belongs to one goroutine, which drives its loop, except where a method says
// otherwise. Seed, Program and Snapshot may be used from any goroutine.
package serialize
