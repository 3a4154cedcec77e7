package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash"
	"hash/adler32"
	"hash/crc32"
	"io"

	"github.com/andybalholm/brotli"

	"workerd.local/exception"
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
		d.dec = &framed{format: f}
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

// framed is DEFLATE in a gzip file (RFC 1952), in zlib's format (RFC 1950), or bare.
type framed struct {
	inflater
	format format
	part   framePart
	head   []byte // of the part, as far as it came
	flags  byte   // of a gzip header
	sum    hash.Hash32
	header hash.Hash32 // over the gzip header
	size   uint32
}

type framePart uint8

const (
	frameHead    framePart = iota // fixed part of the header
	gzipExtraLen                  // then the optional ones, in this order
	gzipExtra
	gzipName
	gzipComment
	gzipSum
	frameBody
	frameTail
	frameEnd
)

const (
	flagSum     = 1 << 1
	flagExtra   = 1 << 2
	flagName    = 1 << 3
	flagComment = 1 << 4
	flagsOther  = 0xE0
)

func (f *framed) feed(in []byte) { f.in = in }

func (f *framed) rest() bool { return len(f.in) > 0 || f.bits >= 8 }

func (f *framed) next(limit int) ([]byte, error) {
	for {
		switch f.part {
		case frameBody:
			b, err := f.inflater.next(limit)
			if errors.Is(err, io.EOF) {
				f.become(frameTail)
				continue
			}
			if f.sum != nil {
				f.sum.Write(b)
				f.size += uint32(len(b))
			}
			return b, err
		case frameEnd:
			return nil, io.EOF
		default:
			if ok, err := f.frame(); !ok {
				return nil, err
			}
		}
	}
}

func (f *framed) become(p framePart) {
	f.part, f.head = p, f.head[:0]
}

// collect waits until head has n bytes.
func (f *framed) collect(n int) bool {
	for len(f.head) < n {
		v, ok := f.take(8)
		if !ok {
			return false
		}
		f.head = append(f.head, byte(v))
	}
	return true
}

// skipText leaves out a text with its final zero.
func (f *framed) skipText() bool {
	for {
		v, ok := f.take(8)
		if !ok {
			return false
		}
		f.header.Write([]byte{byte(v)})
		if v == 0 {
			return true
		}
	}
}

// frame reads one part around the data; it reports whether that is complete.
func (f *framed) frame() (bool, error) {
	switch f.part {
	case frameHead:
		return f.start()
	case gzipExtraLen:
		if f.flags&flagExtra != 0 {
			if !f.collect(2) {
				return false, nil
			}
			f.header.Write(f.head)
			f.length = int(binary.LittleEndian.Uint16(f.head))
		}
		f.become(gzipExtra)
	case gzipExtra:
		for ; f.length > 0; f.length-- {
			v, ok := f.take(8)
			if !ok {
				return false, nil
			}
			f.header.Write([]byte{byte(v)})
		}
		f.become(gzipName)
	case gzipName:
		if f.flags&flagName != 0 && !f.skipText() {
			return false, nil
		}
		f.become(gzipComment)
	case gzipComment:
		if f.flags&flagComment != 0 && !f.skipText() {
			return false, nil
		}
		f.become(gzipSum)
	case gzipSum:
		if f.flags&flagSum != 0 {
			if !f.collect(2) {
				return false, nil
			}
			if binary.LittleEndian.Uint16(f.head) != uint16(f.header.Sum32()) {
				return false, errDecompress
			}
		}
		f.become(frameBody)
	case frameTail:
		return f.end()
	}
	return true, nil
}

// start reads the fixed part of the header.
func (f *framed) start() (bool, error) {
	switch f.format {
	case rawFormat:
		f.become(frameBody)
	case deflateFormat:
		if !f.collect(2) {
			return false, nil
		}
		method, size, dictionary := f.head[0]&15, f.head[0]>>4, f.head[1]&0x20
		if method != 8 || size > 7 || dictionary != 0 || binary.BigEndian.Uint16(f.head)%31 != 0 {
			return false, errDecompress
		}
		f.sum = adler32.New()
		f.become(frameBody)
	default:
		// What cannot become a header is known at its third byte.
		if f.collect(3); !bytes.HasPrefix([]byte{0x1f, 0x8b, 8}, f.head[:min(3, len(f.head))]) {
			return false, errDecompress
		}
		if !f.collect(10) {
			return false, nil
		}
		if f.flags = f.head[3]; f.flags&flagsOther != 0 {
			return false, errDecompress
		}
		f.sum, f.header = crc32.NewIEEE(), crc32.NewIEEE()
		f.header.Write(f.head)
		f.become(gzipExtraLen)
	}
	return true, nil
}

// end checks what is behind the data.
func (f *framed) end() (bool, error) {
	switch f.format {
	case deflateFormat:
		if !f.collect(4) {
			return false, nil
		}
		if binary.BigEndian.Uint32(f.head) != f.sum.Sum32() {
			return false, errDecompress
		}
	case gzipFormat:
		if !f.collect(8) {
			return false, nil
		}
		if binary.LittleEndian.Uint32(f.head) != f.sum.Sum32() || binary.LittleEndian.Uint32(f.head[4:]) != f.size {
			return false, errDecompress
		}
	}
	f.become(frameEnd)
	return true, nil
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

// trailingText is the library's error about bytes after the end, which it does not
// export.
const trailingText = "brotli: excessive input"

func (d *brotliDecoder) next(limit int) ([]byte, error) {
	if d.buf == nil {
		d.buf = make([]byte, window)
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
