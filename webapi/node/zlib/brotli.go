package zlib

import (
	"errors"
	"io"
	"strings"

	"github.com/andybalholm/brotli"
)

// inputStep is how much input a library's encoder gets at a time: what it hands out
// then waits here, and is about as much.
const inputStep = 32 << 10

// Operations of Brotli's encoder.
const (
	brotliProcess = iota
	brotliFlush
	brotliFinish
)

// Parameters of Brotli's encoder.
const (
	paramMode = iota
	paramQuality
	paramWindow
	paramBlock
	paramNoContext
	paramSizeHint
	paramLargeWindow
	paramPostfix
	paramDirect
)

var brotliParam = &failure{-1, "ERR_BROTLI_PARAM_SET_FAILED", "Setting parameter failed"}

var brotliEncodeFailed = &failure{-1, "ERR_BROTLI_COMPRESSION_FAILED", "Compression failed"}

// brotliEncoder compresses with the library's encoder, which knows quality and window;
// the other parameters are hints that it does without.
type brotliEncoder struct {
	opt brotli.WriterOptions
	w   *brotli.Writer // nil before the first input
	pump
}

func newBrotliEncoder(o options) (coder, *failure) {
	const bestQuality, defaultWindow, leastWindow, mostWindow = 11, 22, 10, 24
	e := &brotliEncoder{opt: brotli.WriterOptions{Quality: bestQuality, LGWin: defaultWindow}, pump: pump{dirty: true}}
	for key, value := range o.params {
		switch key {
		case paramQuality:
			e.opt.Quality = max(0, min(value, bestQuality))
		case paramWindow:
			e.opt.LGWin = max(leastWindow, min(value, mostWindow))
		case paramNoContext:
			if value != 0 && value != 1 {
				return nil, brotliParam
			}
		case paramMode, paramBlock, paramSizeHint, paramLargeWindow, paramPostfix, paramDirect:
		default:
			return nil, brotliParam
		}
	}
	return e, nil
}

func (e *brotliEncoder) work(in, out []byte, flush int) (read, written int, f *failure) {
	if flush > brotliFinish || e.closed && len(in) > 0 {
		return 0, 0, brotliEncodeFailed
	}
	if e.w == nil {
		e.w = brotli.NewWriterOptions(&e.out, e.opt)
	}
	read, written, err := e.drive(e.w, in, out, flush == brotliFlush, flush == brotliFinish)
	if err != nil {
		f = brotliEncodeFailed
	}
	return read, written, f
}

func (e *brotliEncoder) reset() *failure {
	*e = brotliEncoder{opt: e.opt, pump: pump{dirty: true}}
	return nil
}

// brotliDecoder decompresses. The library's reader goes on after its source had
// nothing. It gets one byte at a time and is asked before each whether the data has
// ended, as it would take bytes behind the end with it otherwise.
type brotliDecoder struct {
	r     *brotli.Reader
	in    []byte
	asked bool
	ended bool
}

func newBrotliDecoder(o options) (coder, *failure) {
	for key := range o.params {
		if key > 1 {
			return nil, brotliParam
		}
	}
	d := &brotliDecoder{}
	d.r = brotli.NewReader(d)
	return d, nil
}

// Read is the source of the library's reader.
func (d *brotliDecoder) Read(p []byte) (int, error) {
	if d.asked = !d.asked; d.asked || len(d.in) == 0 {
		return 0, io.EOF
	}
	p[0] = d.in[0]
	d.in = d.in[1:]
	return 1, nil
}

func (d *brotliDecoder) work(in, out []byte, flush int) (read, written int, f *failure) {
	d.in = in
	for written < len(out) && !d.ended {
		left := len(d.in)
		n, err := d.r.Read(out[written:])
		written += n
		switch {
		case errors.Is(err, io.ErrUnexpectedEOF):
			err = nil // it wants input
		case errors.Is(err, io.EOF):
			d.ended, err = true, nil
		}
		if err != nil {
			return len(in) - len(d.in), written, brotliFailure(err)
		}
		if n == 0 && left == 0 && len(d.in) == 0 && !d.ended && d.asked {
			break
		}
	}
	read = len(in) - len(d.in)
	d.in = nil
	if !d.ended && flush == brotliFinish && written < len(out) {
		return read, written, &failure{-5, "Z_BUF_ERROR", "Unexpected end of file"}
	}
	return read, written, nil
}

// brotliFailure has the code that the reference has for the library's error.
func brotliFailure(err error) *failure {
	name := strings.TrimPrefix(err.Error(), "brotli: ")
	switch name {
	case "CONTEXT_MODES", "TREE_GROUPS", "CONTEXT_MAP", "RING_BUFFER_1", "RING_BUFFER_2", "BLOCK_TYPE_TREES":
		name = "ALLOC_" + name
	case "DICTIONARY_NOT_SET", "INVALID_ARGUMENTS", "UNREACHABLE":
	default:
		name = "FORMAT_" + name
	}
	return &failure{-2, "ERR__ERROR_" + name, "Compression failed"} // so workerd says
}

func (d *brotliDecoder) reset() *failure {
	*d = brotliDecoder{}
	d.r = brotli.NewReader(d)
	return nil
}
