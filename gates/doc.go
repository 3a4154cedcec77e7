// Package gates keeps the promises that make an actor look single-threaded and
// durable: its input gate and its output gate.
//
// The input gate delivers one event at a time while storage work or a critical
// section is under way: who wants to run JavaScript of the actor waits for a
// Lock, and while any lock is held nobody else gets one. A CriticalSection is a
// gate nested in a gate (blockConcurrencyWhile, transaction): it holds one lock
// of its parent as long as it runs, so that only its own events are delivered;
// when it succeeds, whatever is left inside belongs to the parent, and when it
// fails, every gate up to the root is broken for good.
//
// The output gate holds back what the outside world may see until the writes
// that came before are durable: a wait covers the locks taken so far, not later
// ones.
//
// Words: a lock is held on a gate; the root is the InputGate that a chain of
// sections stands on; a section is reparented once it has succeeded, and from
// then on stands for its nearest ancestor that has not.
//
// # Concurrency
//
// Everything here belongs to the goroutine of one loop and is used within its
// turns. Nothing is delivered inside the call that causes it: waiters run later
// in the same turn. No operation recurses, however deep sections are nested.
package gates
