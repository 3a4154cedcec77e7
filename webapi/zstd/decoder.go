package zstd

import (
	"encoding/binary"
	"io"
)

// Error is data that is not what it should be; the text is that of zstd.
type Error string

func (e Error) Error() string { return string(e) }

// What can be wrong.
const (
	ErrPrefix      Error = "Unknown frame descriptor"
	ErrUnsupported Error = "Unsupported frame parameter"
	ErrWindow      Error = "Frame requires too much memory for decoding"
	ErrCorrupt     Error = "Data corruption detected"
	ErrChecksum    Error = "Restored data doesn't match checksum"
	ErrDictionary  Error = "Dictionary mismatch"
)

const (
	maxBlock   = 128 << 10
	magic      = 0xFD2FB528
	skipMagic  = 0x184D2A50 // and the fifteen after it
	minWindow  = 1 << 10
	headerSize = 3 // of a block
)

// Decoder decodes frames, one after the other.
type Decoder struct {
	maxWindow int
	piece     []byte
	in        []byte // what is left of the piece
	part      part
	head      []byte // bytes of the part, as far as they came
	want      int    // how many bytes the part has
	err       error

	checked bool
	sum     hash64
	size    uint64 // of the content
	sized   bool   // the header says it
	total   uint64
	window  int
	kind    byte // of the block
	last    bool
	length  int // of the block's content

	history []byte // the window, and behind it what was decoded
	given   int    // how much of history was handed out

	blockDecoder
}

// part is where in a frame the decoder is.
type part uint8

const (
	frameMagic part = iota // -> frameFlags | skipSize
	frameFlags             // -> frameRest
	frameRest              // -> blockHead
	blockHead              // -> blockBody
	blockBody              // -> blockHead | frameSum | frameEnd
	frameSum               // -> frameEnd
	skipSize               // -> skipBody
	skipBody               // -> frameEnd
	frameEnd               // -> frameMagic
)

// NewDecoder makes one for windows up to so many bytes.
func NewDecoder(maxWindow int) *Decoder {
	d := &Decoder{maxWindow: maxWindow}
	d.Reset()
	return d
}

// Reset makes it expect a new frame.
func (d *Decoder) Reset() {
	d.err = nil
	d.become(frameMagic, 4)
	d.history, d.given = d.history[:0], 0
}

// Feed gives it a piece once Next wanted one; it is not copied.
func (d *Decoder) Feed(in []byte) { d.piece, d.in = in, in }

// Unread is how many bytes at the end of the piece are not used.
func (d *Decoder) Unread() int { return len(d.in) }

// Started reports whether a frame has begun and not ended.
func (d *Decoder) Started() bool {
	return d.part != frameEnd && (d.part != frameMagic || len(d.head) > 0) || d.given < len(d.history)
}

func (d *Decoder) become(p part, want int) { d.part, d.head, d.want = p, d.head[:0], want }

// Next gives up to limit bytes, valid until the next call; nil wants another piece.
// io.EOF is the end of a frame, after which Next begins another one; an Error is for
// good.
func (d *Decoder) Next(limit int) ([]byte, error) {
	for d.err == nil {
		if d.given < len(d.history) {
			b := d.history[d.given:min(len(d.history), d.given+limit)]
			d.given += len(b)
			return b, nil
		}
		if d.part == frameEnd {
			d.become(frameMagic, 4)
			return nil, io.EOF
		}
		if d.part == skipBody {
			n := min(d.want, len(d.in))
			d.in = d.in[n:]
			if d.want -= n; d.want > 0 {
				return nil, nil
			}
			d.become(frameEnd, 0)
			continue
		}
		if n := min(d.want-len(d.head), len(d.in)); n > 0 {
			d.head = append(d.head, d.in[:n]...)
			d.in = d.in[n:]
		}
		if d.part == frameMagic && !couldBegin(d.head) {
			d.err = ErrPrefix
			break
		}
		if len(d.head) < d.want {
			return nil, nil
		}
		d.err = d.step()
	}
	return nil, d.err
}

// couldBegin reports whether the bytes may become one of the magic numbers.
func couldBegin(b []byte) bool {
	frame, skip := [4]byte{0x28, 0xB5, 0x2F, 0xFD}, [4]byte{0x50, 0x2A, 0x4D, 0x18}
	isFrame, isSkip := true, true
	for i, c := range b {
		isFrame = isFrame && c == frame[i]
		isSkip = isSkip && (c == skip[i] || i == 0 && c&0xF0 == skip[0])
	}
	return isFrame || isSkip
}

// step is done with one part.
func (d *Decoder) step() error {
	switch d.part {
	case frameMagic:
		if binary.LittleEndian.Uint32(d.head) == magic {
			d.become(frameFlags, 1)
		} else {
			d.become(skipSize, 4)
		}
	case skipSize:
		d.become(skipBody, int(binary.LittleEndian.Uint32(d.head)))
	case frameFlags:
		return d.flags(d.head[0])
	case frameRest:
		return d.header()
	case blockHead:
		return d.block()
	case blockBody:
		return d.body()
	case frameSum:
		if binary.LittleEndian.Uint32(d.head) != uint32(d.sum.sum()) {
			return ErrChecksum
		}
		d.become(frameEnd, 0)
	}
	return nil
}

// fieldSizes are how long the dictionary's number and the content's size are.
func fieldSizes(flags byte) (dictionary, content int) {
	dictionary = [4]int{0, 1, 2, 4}[flags&3]
	content = [4]int{0, 2, 4, 8}[flags>>6]
	if flags>>6 == 0 && flags&0x20 != 0 {
		content = 1
	}
	return dictionary, content
}

func (d *Decoder) flags(flags byte) error {
	if flags&8 != 0 {
		return ErrUnsupported
	}
	dictionary, content := fieldSizes(flags)
	n := 1 + dictionary + content
	if flags&0x20 == 0 {
		n++ // the window
	}
	d.part, d.want = frameRest, n // and the flags stay
	return nil
}

func (d *Decoder) header() error {
	flags, rest := d.head[0], d.head[1:]
	d.checked = flags&4 != 0
	dictionary, content := fieldSizes(flags)
	window := uint64(0)
	if flags&0x20 == 0 {
		base := uint64(1) << (10 + rest[0]>>3)
		window = base + base/8*uint64(rest[0]&7)
		rest = rest[1:]
	}
	for _, c := range rest[:dictionary] {
		if c != 0 {
			return ErrDictionary
		}
	}
	rest = rest[dictionary:]
	d.sized = content > 0
	switch content {
	case 1:
		d.size = uint64(rest[0])
	case 2:
		d.size = uint64(binary.LittleEndian.Uint16(rest)) + 256
	case 4:
		d.size = uint64(binary.LittleEndian.Uint32(rest))
	case 8:
		d.size = binary.LittleEndian.Uint64(rest)
	}
	if flags&0x20 != 0 {
		window = max(d.size, minWindow)
	}
	if window > uint64(d.maxWindow) {
		return ErrWindow
	}
	d.window = int(window)
	d.history, d.given = d.history[:0], 0
	d.total = 0
	d.sum.reset()
	d.blockDecoder.reset()
	d.become(blockHead, headerSize)
	return nil
}

func (d *Decoder) block() error {
	v := uint32(d.head[0]) | uint32(d.head[1])<<8 | uint32(d.head[2])<<16
	d.last, d.kind, d.length = v&1 != 0, byte(v>>1&3), int(v>>3)
	if d.kind == 3 || d.length > min(maxBlock, d.window) {
		return ErrCorrupt
	}
	n := d.length
	if d.kind == blockRun {
		n = 1
	}
	d.become(blockBody, n)
	return nil
}

// Kinds of blocks.
const (
	blockRaw = iota
	blockRun
	blockCompressed
)

func (d *Decoder) body() error {
	// What is behind the window is not reached any more.
	if len(d.history) >= 2*d.window+maxBlock {
		n := copy(d.history, d.history[len(d.history)-d.window:])
		d.history = d.history[:n]
	}
	before := len(d.history)
	switch d.kind {
	case blockRaw:
		d.history = append(d.history, d.head...)
	case blockRun:
		for range d.length {
			d.history = append(d.history, d.head[0])
		}
	default:
		var err error
		if d.history, err = d.decode(d.history, d.head, d.window); err != nil {
			d.history = d.history[:before]
			return err
		}
	}
	d.given = before
	made := d.history[before:]
	d.total += uint64(len(made))
	if d.checked {
		d.sum.write(made)
	}
	if !d.last {
		d.become(blockHead, headerSize)
		return nil
	}
	if d.sized && d.total != d.size {
		return ErrCorrupt
	}
	if d.checked {
		d.become(frameSum, 4)
	} else {
		d.become(frameEnd, 0)
	}
	return nil
}
