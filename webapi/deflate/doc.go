// Package deflate is DEFLATE (RFC 1951), bare, in zlib's format (RFC 1950) and in
// gzip's (RFC 1952), as zlib computes it: with windows and memory of every size, its
// levels and strategies, dictionaries and flushes, and word for word its complaints.
// The output is that of the zlib in node byte for byte where that looks at all there
// is to find (short data, the highest levels), and as long elsewhere.
//
// Both halves are pushed: a Decoder and an Encoder take pieces of any size and give
// what these make, at most so much at a time, and go on where they stopped. The
// libraries read from an io.Reader and would need a goroutine for that, and their
// encoders have neither windows nor strategies. What one holds is bounded: a Decoder
// two windows, an Encoder what its memory level says.
//
// Values belong to one goroutine at a time, any one.
package deflate
