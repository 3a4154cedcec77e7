//go:build !invariants && !race

package invariants

// Enabled says whether this is a checked build.
const Enabled = false
