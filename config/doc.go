// Package config holds what an operator asks for, as plain Go data, and reads it from the two kinds of
// file people write: workerd's Cap'n Proto text and wrangler's TOML or JSON.
//
// # Promise
//
// [Load] either returns one complete [Config] or an [*Errors] whose every line says file, line, column,
// what is wrong and, where that helps, what to write instead. It reads files and nothing else: no network,
// no process environment, no global state. A Config means the same whichever reader made it, so the layers
// above never ask where it came from, except that a wrangler project describes its code by an entry point
// ([Source]) and a Cap'n Proto file by finished modules ([Module]).
//
// # Words
//
// A service takes events; a worker is a service made of JavaScript; a socket is a listening address wired
// to a service; a binding is one property of a worker's env; a designator names a service and, if wanted,
// one of its entrypoints; a namespace is one class of durable objects with its own unique key. These are
// the nouns of workerd's configuration schema, and their fields keep its names and defaults.
//
// # Order of use
//
// Load, then [Config.Override] with what the command line said, then [Config.Validate] for rules that need
// the whole picture, then [Config.Unsupported] for what this server cannot serve yet. Each reports all it
// finds instead of stopping at the first.
//
// # Goroutines
//
// A Config is ordinary data without locks. Whoever holds it may read it from any goroutine as long as
// nobody writes; Override is the only method that writes.
package config
