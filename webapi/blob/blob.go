// Package blob is the File API: Blob and File.
//
// A Blob is immutable bytes with a type. Slices share the memory of the whole.
//
// # Concurrency
//
// Blob and File values are immutable and may be used by any goroutine; what takes
// a *isolate.JS or a *bind.Call belongs to the isolate's goroutine.
package blob

import "strings"

// Blob is immutable bytes with a media type.
type Blob struct {
	data []byte
	typ  string
}

// New returns a Blob of data, which must not change any more. The type is
// normalised (File API, "constructor"): one with characters outside printable
// ASCII is no type.
func New(data []byte, typ string) *Blob { return &Blob{data, normalType(typ)} }

func normalType(typ string) string {
	for i := 0; i < len(typ); i++ {
		if typ[i] < 0x20 || typ[i] > 0x7e {
			return ""
		}
	}
	return strings.ToLower(typ)
}

// Bytes are the bytes; nobody may change them.
func (b *Blob) Bytes() []byte { return b.data }

// Type is the media type, or empty.
func (b *Blob) Type() string { return b.typ }

// Size is the number of bytes.
func (b *Blob) Size() int { return len(b.data) }

// Slice is the bytes from start to before end; negative offsets count from the
// end, and both are clamped.
func (b *Blob) Slice(start, end int64, typ string) *Blob {
	size := int64(len(b.data))
	clamp := func(n int64) int64 {
		if n < 0 {
			return max(size+n, 0)
		}
		return min(n, size)
	}
	start, end = clamp(start), clamp(end)
	return New(b.data[start:max(start, end)], typ)
}
