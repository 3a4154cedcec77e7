package httpserver

import (
	"compress/gzip"
	"io"
	"net/http"
)

// encoder returns the writer that gives a body the Content-Encoding that its
// headers name; nil where there is nothing to do (workerd, "encodeBody"). flush says
// that every write is to reach the client at once.
func encoder(h http.Header, w io.Writer, flush bool) io.WriteCloser {
	switch contentEncoding(h) {
	case "gzip":
		gz := gzip.NewWriter(w)
		if flush {
			return flushGzip{gz}
		}
		return gz
	case "br":
		return &brotliWriter{w: w}
	}
	return nil
}

// contentEncoding is the encoding that is made here, or "".
func contentEncoding(h http.Header) string {
	if v := h["Content-Encoding"]; len(v) == 1 && (v[0] == "gzip" || v[0] == "br") {
		return v[0]
	}
	return ""
}

type flushGzip struct{ *gzip.Writer }

func (f flushGzip) Write(p []byte) (int, error) {
	n, err := f.Writer.Write(p)
	if err == nil {
		err = f.Flush()
	}
	return n, err
}

// brotliWriter writes a Brotli stream of uncompressed meta-blocks (RFC 7932, 9.2):
// what the header promises, without the size of a compressor.
type brotliWriter struct {
	w       io.Writer
	started bool
	buf     []byte
}

// brotliBlock is the longest uncompressed meta-block with a length of four nibbles.
const brotliBlock = 1 << 16

func (b *brotliWriter) Write(p []byte) (n int, err error) {
	for n < len(p) {
		block := p[n:min(len(p), n+brotliBlock)]
		// From the lowest bit: ISLAST 0, MNIBBLES 00, MLEN-1 in 16 bits, ISUNCOMPRESSED 1.
		head := uint32(len(block)-1)<<3 | 1<<19
		if !b.started {
			head <<= 1 // after WBITS 0: a window of 64 KiB
			b.started = true
		}
		b.buf = append(b.buf[:0], byte(head), byte(head>>8), byte(head>>16))
		if _, err := b.w.Write(append(b.buf, block...)); err != nil {
			return n, err
		}
		n += len(block)
	}
	return n, nil
}

// Close writes the empty last meta-block: ISLAST 1, ISLASTEMPTY 1.
func (b *brotliWriter) Close() error {
	end := byte(0b11)
	if !b.started {
		end <<= 1
	}
	_, err := b.w.Write([]byte{end})
	return err
}
