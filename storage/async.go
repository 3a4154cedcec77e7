package storage

// AsyncCommitter is a Store that takes commits without a goroutine to wait for
// each of them.
type AsyncCommitter interface {
	// CommitAsync queues one token's writes, which are applied all or not at all,
	// and returns at once; any goroutine. done is called exactly once, on any
	// goroutine and perhaps before CommitAsync returns, with what Commit would have
	// returned: fenced says that the token was not current and nothing was applied.
	// done must not block, nor call the store. Commits that one goroutine queues one
	// after the other are applied in that order. What was queued before Close is
	// finished by it; later ones are told ErrClosed. The writes must not be changed
	// afterwards. How many wait at a time is up to the callers.
	CommitAsync(t Token, writes []Write, done func(fenced bool, err error))
}

// InstantReader is a Store that can say whether its reads are cheap enough for a
// goroutine that must not wait, such as that of an event loop.
type InstantReader interface {
	// InstantReads reports whether Get, Alarm and short Scans wait for nothing but
	// memory, or as good as.
	InstantReads() bool
}
