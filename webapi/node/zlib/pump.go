package zlib

import (
	"bytes"
	"io"
)

// encoder is a compressor of a library.
type encoder interface {
	io.WriteCloser
	Flush() error
}

// pump moves input into a library's encoder, which writes to out, and what it made to the
// stream's output.
type pump struct {
	out    bytes.Buffer
	dirty  bool // there is input since the last flush
	closed bool
}

// drive goes on until the output is full, or there is nothing left to do.
func (p *pump) drive(w encoder, in, out []byte, flush, finish bool) (read, written int, err error) {
	for {
		n := copy(out[written:], p.out.Bytes())
		p.out.Next(n)
		if written += n; written == len(out) {
			return read, written, nil
		}
		switch {
		case read < len(in):
			n, err = w.Write(in[read:min(len(in), read+inputStep)])
			read += n
			p.dirty = true
		case flush && p.dirty && !p.closed:
			err = w.Flush()
			p.dirty = false
		case finish && !p.closed:
			err = w.Close()
			p.closed = true
		default:
			return read, written, nil
		}
		if err != nil {
			return read, written, err
		}
	}
}
