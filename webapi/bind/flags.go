package bind

import (
	"workerd.local/internal/compat"
	"workerd.local/isolate"
)

type flagState struct{ flags *compat.Flags }

var flagsOf = isolate.NewSlot(func(*isolate.JS) *flagState { return &flagState{} })

// SetFlags says which compatibility flags the realm's worker has; without it none is
// set.
func SetFlags(js *isolate.JS, flags *compat.Flags) { flagsOf.Get(js).flags = flags }

// Flags are the compatibility flags of the realm's worker; nil, which has none, where
// nobody has set them.
func Flags(js *isolate.JS) *compat.Flags { return flagsOf.Get(js).flags }
