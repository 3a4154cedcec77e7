package streams

import "workerd.local/isolate"

// Flags are the compatibility flags that change streams, each by the way that is the
// older one, so that none set is how a new worker behaves.
type Flags struct {
	// LaxCompression is without strict_compression_checks.
	LaxCompression bool
	// EncoderReadsAhead is without encoder_stream_spec_compliant_backpressure.
	EncoderReadsAhead bool
}

var flagsOf = isolate.NewSlot(func(*isolate.JS) *Flags { return &Flags{} })

// FlagsOf are the flags of a realm.
func FlagsOf(js *isolate.JS) *Flags { return flagsOf.Get(js) }

// SetFlags sets the flags of a realm, before any stream is made.
func SetFlags(js *isolate.JS, f Flags) { *flagsOf.Get(js) = f }
