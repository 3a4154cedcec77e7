// Package zstd decodes Zstandard (RFC 8878), pushed: a Decoder takes pieces of any
// size, gives what they make, and goes on where they ended. The library's decoder
// reads from an io.Reader and would need a goroutine for each stream; its encoder is
// pushed anyway and is used as it is.
//
// What a Decoder holds is bounded by the window that the frame asks for, which has a
// limit, and grows with what was really decoded. Dictionaries are refused.
//
// Values belong to one goroutine at a time, any one.
package zstd
