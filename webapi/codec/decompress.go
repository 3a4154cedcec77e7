package codec

import (
	"bytes"
	"errors"
	"io"

	"github.com/andybalholm/brotli"

	"workerd.local/exception"
	"workerd.local/webapi/deflate"
)

// Errors of decompression, with workerd's texts.
var (
	errDecompress = exception.TypeErrorf("Decompression failed.")
	errTrailing   = exception.TypeErrorf("Trailing bytes after end of compressed data")
	errIncomplete = exception.TypeErrorf("Called close() on a decompression stream with incomplete data")
)

// format is a compression format of the standard.
type format string

const (
	gzipFormat    format = "gzip"
	deflateFormat format = "deflate"
	rawFormat     format = "deflate-raw"
	brotliFormat  format = "brotli"
)

// decoder undoes a compression.
type decoder interface {
	// feed gives it a piece once next wanted one; it is not copied.
	feed(in []byte)
	// next gives up to limit bytes, valid until the next call; nil wants another piece,
	// io.EOF is the end of the compressed data.
	next(limit int) ([]byte, error)
	// rest reports whether bytes of the input are left.
	rest() bool
}

// decompressor is the coder of a DecompressionStream. A strict one wants the data to
// end where the input ends.
type decompressor struct {
	dec      decoder
	strict   bool
	finished bool // no more input will come
	ended    bool // the data was complete
	err      error
}

// newDecompressor makes one for a format that is known.
func newDecompressor(f format, strict bool) *decompressor {
	d := &decompressor{strict: strict}
	if f == brotliFormat {
		d.dec = newBrotliDecoder()
	} else {
		d.dec = framed{deflate.NewDecoder(deflate.DecoderOptions{Frame: frames[f]})}
	}
	return d
}

// Feed is streams.Coder's.
func (d *decompressor) Feed(in []byte) { d.dec.feed(in) }

// Finish is streams.Coder's.
func (d *decompressor) Finish() { d.finished = true }

// Next is streams.Coder's.
func (d *decompressor) Next(limit int) ([]byte, error) {
	if d.err != nil {
		return nil, d.err
	}
	b, err := d.step(limit)
	if err != nil && !errors.Is(err, io.EOF) {
		d.err = err
	}
	return b, err
}

func (d *decompressor) step(limit int) ([]byte, error) {
	if !d.ended {
		b, err := d.dec.next(limit)
		switch {
		case errors.Is(err, io.EOF):
			d.ended = true
		case err != nil || len(b) > 0:
			return b, err
		}
	}
	switch {
	case d.ended && d.strict && d.dec.rest():
		return nil, errTrailing
	case d.finished && !d.ended && d.strict:
		return nil, errIncomplete
	case d.finished:
		return nil, io.EOF
	case d.ended:
		d.dec.feed(nil)
	}
	return nil, nil
}

// framed is DEFLATE in one of its frames.
type framed struct{ *deflate.Decoder }

var frames = map[format]deflate.Frame{gzipFormat: deflate.Gzip, deflateFormat: deflate.Zlib, rawFormat: deflate.Raw}

func (f framed) feed(in []byte) { f.Feed(in) }

func (f framed) rest() bool { return f.Rest() }

func (f framed) next(limit int) ([]byte, error) {
	b, err := f.Next(limit)
	if err != nil && !errors.Is(err, io.EOF) {
		err = errDecompress
	}
	return b, err
}

// brotliDecoder reads Brotli (RFC 7932). The library's reader goes on after its
// source had nothing, so that the end of a piece is the end of the source for it.
type brotliDecoder struct {
	r        *brotli.Reader
	in       bytes.Reader
	single   bool // the reader was given one byte
	asked    bool // it was told that there is no byte, to hear whether it wants one
	buf      []byte
	trailing bool
	ended    bool
}

func newBrotliDecoder() *brotliDecoder {
	d := &brotliDecoder{}
	d.r = brotli.NewReader(d)
	return d
}

func (d *brotliDecoder) feed(in []byte) { d.in.Reset(in) }

func (d *brotliDecoder) rest() bool { return d.trailing || d.in.Len() > 0 }

// shortPiece is what the library's reader gets byte by byte. It keeps the end of a
// piece that it cannot use yet, and if the data ends within the next few bytes it
// takes those for bytes behind the end. So it is asked before each of these bytes
// whether the data has ended.
const shortPiece = 64

// Read is the source of the library's reader.
func (d *brotliDecoder) Read(p []byte) (int, error) {
	if d.single = d.in.Len() < shortPiece; d.single {
		if d.asked = !d.asked; d.asked {
			return 0, io.EOF
		}
		p = p[:1]
	}
	return d.in.Read(p)
}

// brotliStep is how much of the output is made at a time.
const brotliStep = 32 << 10

// trailingText is the library's error about bytes after the end, which it does not
// export.
const trailingText = "brotli: excessive input"

func (d *brotliDecoder) next(limit int) ([]byte, error) {
	if d.buf == nil {
		d.buf = make([]byte, brotliStep)
	}
	for !d.ended {
		n, err := d.r.Read(d.buf[:min(limit, len(d.buf))])
		if err != nil && err.Error() == trailingText {
			d.trailing, d.ended = !d.single, true
		} else if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			d.ended = true
		} else if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, errDecompress
		}
		if n > 0 {
			return d.buf[:n], nil
		}
		if err != nil && !d.ended && d.in.Len() == 0 {
			return nil, nil
		}
	}
	return nil, io.EOF
}
