// Package cache stands between an actor and its durable bytes: writes take
// effect at once and become durable together, reads see the state as of the
// call, and whatever has been seen stays in memory as long as there is room.
//
// A Cache belongs to one actor. It is an ordered map of entries, and an entry
// says what is known of one key: its value (present), that it does not exist
// (absent), or nothing (unknown, a mere end of a listed range). An entry also
// says whether anything can be stored between its key and the next entry's (its
// gap). Together they answer reads, lists included, without the storage.
//
// Writes make entries dirty. All dirty entries are written by one commit at the
// end of the turn, atomically and in the order of the turns; one commit is in
// flight at a time, and what is written meanwhile belongs to the next one, or to the
// same one should it not reach storage and be tried again. The actor's output gate is
// locked from the first write to the end of its commit.
// A commit that fails breaks the gate, and the cache refuses further use: its
// actor has to be made again from what is durable.
//
// Words: an entry is clean (what storage has), dirty (to be written), or
// flushing (in the commit that is in flight); a batch is what one commit writes;
// a counted delete is one call of Delete that needs storage to say how many of
// its keys existed; clean entries of all the actors of an isolate live in one
// SharedLRU, which forgets the oldest when memory runs short.
//
// # Concurrency
//
// Everything here belongs to the goroutine of one loop and is used within its
// turns, the Backend's answers included. StoreBackend brings the answers of a
// storage.Store, which blocks and lives on other goroutines, back to the loop.
//
// Values are immutable and shared: whoever hands one in gives it away, whoever
// gets one must not change it.
package cache
