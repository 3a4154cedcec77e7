package bolt

// BreakFile makes every later write to the file fail.
func (s *Store) BreakFile() error { return s.file.Close() }

// Fail stops the store as a failed write does.
func (s *Store) Fail(cause error) error { return s.fail(cause) }

var (
	BucketHead    = bucketHead
	BucketActors  = bucketActors
	BucketEntries = bucketEntries
	BucketDue     = bucketDue
	BucketSweep   = bucketSweep
)
