package streams

import (
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// Flags are the compatibility flags that change streams. The zero value is how a new
// worker behaves.
type Flags struct {
	// LaxCompression is without strict_compression_checks.
	LaxCompression bool
	// EncoderReadsAhead is without encoder_stream_spec_compliant_backpressure.
	EncoderReadsAhead bool
	// NoAutoAllocate is with streams_no_default_auto_allocate_chunk_size.
	NoAutoAllocate bool
	// Pedantic is with pedantic_wpt.
	Pedantic bool
	// LazyAbort is without internal_writable_stream_abort_clears_queue.
	LazyAbort bool
	// OldTransform is without fixup-transform-stream-backpressure.
	OldTransform bool
	// KeepBuffer is without streams_byob_reader_detaches_buffer.
	KeepBuffer bool
	// NoViewAtEnd is without internal_stream_byob_return_view.
	NoViewAtEnd bool
	// NoConstructors is without streams_enable_constructors.
	NoConstructors bool
	// Standard is with typescript_implemented_streams: what scripts see of streams is the
	// standard's. It implies Pedantic and NoAutoAllocate.
	Standard bool
	// IdentityTransform is without transformstream_enable_standard_constructor.
	IdentityTransform bool
}

var flagsOf = isolate.NewSlot(func(*isolate.JS) *Flags { return &Flags{} })

// FlagsOf are the flags of a realm.
func FlagsOf(js *isolate.JS) *Flags { return flagsOf.Get(js) }

// SetFlags sets the flags of a realm, before any stream is made.
func SetFlags(js *isolate.JS, f Flags) {
	f.Pedantic = f.Pedantic || f.Standard
	f.NoAutoAllocate = f.NoAutoAllocate || f.Standard
	*flagsOf.Get(js) = f
	if f.Standard {
		bind.RejectForeign(js, readableClass, defaultReaderClass, byobReaderClass, writableClass, writerClass)
	}
}
