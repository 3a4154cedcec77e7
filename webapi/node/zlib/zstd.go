package zlib

import (
	"errors"
	"io"

	library "github.com/klauspost/compress/zstd"

	"workerd.local/webapi/zstd"
)

// Directives of Zstandard's encoder.
const (
	zstdContinue = iota
	zstdFlush
	zstdEnd
)

// Parameters of Zstandard's encoder that this one has a use for, and of the decoder.
const (
	paramLevel       = 100
	paramWindowLog   = 101
	paramContentSize = 200
	paramChecksum    = 201
	paramWindowMost  = 100 // of the decoder
)

// bounds are the values that the reference allows; 0 is its default, too.
var zstdBounds = map[int][2]int{
	paramWindowLog: {10, 31}, 102: {6, 30}, 103: {6, 30}, 104: {1, 30}, 105: {3, 7}, 106: {0, 128 << 10}, 107: {1, 9},
	160: {0, 2}, 161: {6, 30}, 162: {4, 4096}, 163: {1, 8}, 164: {0, 25},
	paramContentSize: {0, 1}, paramChecksum: {0, 1}, 202: {0, 1}, 400: {0, 0}, 401: {0, 0}, 402: {0, 0},
}

func zstdParam(text string) *failure {
	return &failure{-1, "ERR_ZSTD_PARAM_SET_FAILED", "Setting parameter failed: " + text}
}

const (
	outOfBound  = "Parameter is out of bound"
	unsupported = "Unsupported parameter"
)

// zstdEncoder compresses with the library's encoder. Level, window, checksum and size
// count; how the reference searches is nothing that this one can be told.
type zstdEncoder struct {
	opt  []library.EOption
	size int64
	w    *library.Encoder // nil before the first input
	pump
}

// mostWindow bounds what an encoder holds, which is about three times that.
const mostWindow = 20

func newZstdEncoder(o options) (coder, *failure) {
	level, window, checksum := 3, mostWindow-1, false
	for key, value := range o.params {
		bound, ok := zstdBounds[key]
		switch {
		case key == paramLevel:
			level = value
			continue
		case !ok:
			return nil, zstdParam(unsupported)
		case value != 0 && (value < bound[0] || value > bound[1]):
			if bound[1] == 0 {
				return nil, zstdParam(unsupported)
			}
			return nil, zstdParam(outOfBound)
		}
		switch key {
		case paramWindowLog:
			if value != 0 {
				window = min(value, mostWindow)
			}
		case paramChecksum:
			checksum = value == 1
		}
	}
	if level == 0 {
		level = 3
	}
	// The library's best level takes tables of 34 MB for whatever there is.
	speed := min(library.EncoderLevelFromZstd(level), library.SpeedBetterCompression)
	return &zstdEncoder{size: o.size, opt: []library.EOption{
		library.WithEncoderConcurrency(1), library.WithEncoderLevel(speed), library.WithWindowSize(1 << window),
		library.WithEncoderCRC(checksum), library.WithZeroFrames(true), library.WithLowerEncoderMem(true),
	}}, nil
}

func zstdEncodeFailed(text string) *failure {
	return &failure{-1, "ERR_ZSTD_COMPRESSION_FAILED", "Zstd compression failed: " + text}
}

// begin starts a frame.
func (e *zstdEncoder) begin() error {
	if e.w == nil {
		w, err := library.NewWriter(nil, e.opt...)
		if err != nil {
			return err
		}
		e.w = w
	}
	if e.size >= 0 {
		e.w.ResetContentSize(&e.out, e.size)
	} else {
		e.w.Reset(&e.out)
	}
	e.closed, e.dirty = false, false
	return nil
}

func (e *zstdEncoder) work(in, out []byte, flush int) (read, written int, f *failure) {
	if e.w == nil || e.closed && len(in) > 0 {
		if err := e.begin(); err != nil {
			return 0, 0, zstdEncodeFailed("Error (generic)")
		}
	}
	read, written, err := e.drive(e.w, in, out, flush == zstdFlush, flush >= zstdEnd)
	if err != nil {
		f = zstdEncodeFailed("Src size is incorrect")
	}
	return read, written, f
}

func (e *zstdEncoder) reset() *failure {
	*e = zstdEncoder{opt: e.opt, size: -1}
	return nil
}

// zstdDecoder decompresses one frame.
type zstdDecoder struct {
	d *zstd.Decoder
}

// newZstdDecoder makes one for windows up to most bytes.
func newZstdDecoder(o options, most int) (coder, *failure) {
	for key, value := range o.params {
		switch {
		case key != paramWindowMost:
			return nil, zstdParam(unsupported)
		case value != 0 && (value < 10 || value > 31):
			return nil, zstdParam(outOfBound)
		case value != 0:
			most = min(most, 1<<value)
		}
	}
	return &zstdDecoder{d: zstd.NewDecoder(most)}, nil
}

const zstdDecodeCode = "ERR_ZSTD_DECOMPRESSION_FAILED"

func (z *zstdDecoder) work(in, out []byte, flush int) (read, written int, f *failure) {
	z.d.Feed(in)
	for written < len(out) {
		b, err := z.d.Next(len(out) - written)
		written += copy(out[written:], b)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return len(in) - z.d.Unread(), written, &failure{-1, zstdDecodeCode, "Zstd decompression failed: " + err.Error()}
		}
		if len(b) == 0 {
			break
		}
	}
	read = len(in) - z.d.Unread()
	if flush == zstdEnd && written < len(out) && z.d.Started() {
		return read, written, &failure{-1, zstdDecodeCode, "unexpected end of file"}
	}
	return read, written, nil
}

func (z *zstdDecoder) reset() *failure {
	z.d.Reset()
	return nil
}
