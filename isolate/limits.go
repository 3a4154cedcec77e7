package isolate

import (
	"time"

	"workerd.local/internal/limits"
)

// Limits bound what scripts of one isolate may do. A zero field takes the
// default given with it; docs/LIMITS.md lists flags and config keys.
type Limits struct {
	// Turn is how much of a processor one turn may take: 30 s.
	Turn time.Duration
	// Startup is how much the top level of a script may take: 60 s.
	Startup time.Duration
	// CallStack is the depth of JavaScript calls: 2,000.
	CallStack int
	// StringBytes is the longest string that a native may build: 128 MiB.
	StringBytes int
	// ArrayLength is the longest array that a native may allocate or walk: 32 Mi
	// elements.
	ArrayLength int
	// BufferBytes is the largest ArrayBuffer: 128 MiB.
	BufferBytes int
	// JSONDepth is the deepest nesting that JSON reads or writes: 10,000.
	JSONDepth int
	// Timers is the number of active timeouts of one context: 10,000.
	Timers int
	// BodyBytes is the largest body that is buffered in memory: 128 MiB. Bodies
	// that are streamed have no limit.
	BodyBytes int64
	// Bounds are the numbers of what has no field here; nil means those of the table.
	Bounds *limits.Set
}

// DefaultLimits are the limits of an isolate that sets none.
var DefaultLimits = Limits{
	Turn:        30 * time.Second,
	Startup:     60 * time.Second,
	CallStack:   2000,
	StringBytes: 128 << 20,
	ArrayLength: 32 << 20,
	BufferBytes: 128 << 20,
	JSONDepth:   10_000,
	Timers:      10_000,
	BodyBytes:   128 << 20,
}

func (l Limits) withDefaults() Limits { return l.Or(DefaultLimits) }

// Or gives the limits with d's in the place of those that are 0.
func (l Limits) Or(d Limits) Limits {
	set(&l.Turn, d.Turn)
	set(&l.Startup, d.Startup)
	set(&l.CallStack, d.CallStack)
	set(&l.StringBytes, d.StringBytes)
	set(&l.ArrayLength, d.ArrayLength)
	set(&l.BufferBytes, d.BufferBytes)
	set(&l.JSONDepth, d.JSONDepth)
	set(&l.Timers, d.Timers)
	set(&l.BodyBytes, d.BodyBytes)
	set(&l.Bounds, d.Bounds)
	return l
}

func set[T comparable](field *T, def T) {
	var zero T
	if *field == zero {
		*field = def
	}
}
