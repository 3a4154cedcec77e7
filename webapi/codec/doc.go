// Package codec is the streams that change what passes through them:
// CompressionStream and DecompressionStream (Compression Standard), TextEncoderStream
// and TextDecoderStream (Encoding Standard).
//
// The Go half knows no JavaScript. A coder (streams.Coder) is fed pieces of any size
// and hands out what they give, at most so much at a time: it never holds more than
// one piece of its input and a fixed amount of output, so data that decompresses to
// a multiple of its size passes as fast as it is read and no faster. The decoders of
// package deflate go on where their input ran out; those of the libraries read from
// an io.Reader and would need a goroutine each.
//
// Coders belong to whoever has the stream: the isolate's goroutine, or the one that
// reads a body that the stream became (streams.Identity).
package codec
