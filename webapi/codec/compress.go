package codec

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"sync"

	"github.com/andybalholm/brotli"
)

// writer is what the libraries' compressors have in common.
type writer interface {
	io.WriteCloser
	Reset(w io.Writer)
}

// writers are kept between streams, by format: one of DEFLATE takes up to a megabyte.
var writers = map[format]*sync.Pool{
	gzipFormat:    {New: func() any { return gzip.NewWriter(nil) }},
	deflateFormat: {New: func() any { return zlib.NewWriter(nil) }},
	rawFormat: {New: func() any {
		// It fails for a level that does not exist.
		w, _ := flate.NewWriter(nil, flate.DefaultCompression)
		return w
	}},
	brotliFormat: {New: func() any { return brotli.NewWriterLevel(nil, brotliLevel) }},
}

// brotliLevel is how hard Brotli tries, of 11: what servers use for what they
// compress as they send it.
const brotliLevel = 5

// inputStep is how much of a piece is compressed at a time, so that what comes out
// is bounded, too.
const inputStep = 32 << 10

// compressor is the coder of a CompressionStream.
type compressor struct {
	format   format
	w        writer // nil before the first input and after the end
	in       []byte
	out      bytes.Buffer
	finished bool
	closed   bool
}

func newCompressor(f format) *compressor { return &compressor{format: f} }

// Feed is streams.Coder's.
func (c *compressor) Feed(in []byte) { c.in = in }

// Finish is streams.Coder's.
func (c *compressor) Finish() { c.finished = true }

// Next is streams.Coder's.
func (c *compressor) Next(limit int) ([]byte, error) {
	for {
		if c.out.Len() > 0 {
			return c.out.Next(limit), nil
		}
		// The buffer is empty: writing it starts at its beginning again.
		c.out.Reset()
		switch {
		case c.closed:
			return nil, io.EOF
		case len(c.in) > 0:
			n := min(len(c.in), inputStep)
			if _, err := c.writer().Write(c.in[:n]); err != nil {
				return nil, err
			}
			c.in = c.in[n:]
		case c.finished:
			w := c.writer()
			if err := w.Close(); err != nil {
				return nil, err
			}
			c.closed, c.w = true, nil
			w.Reset(nil)
			writers[c.format].Put(w)
		default:
			return nil, nil
		}
	}
}

func (c *compressor) writer() writer {
	if c.w == nil {
		c.w = writers[c.format].Get().(writer)
		c.w.Reset(&c.out)
	}
	return c.w
}
