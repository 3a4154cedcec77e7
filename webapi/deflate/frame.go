package deflate

import (
	"encoding/binary"
	"errors"
	"hash"
	"hash/adler32"
	"hash/crc32"
	"io"
)

// Frame is what is around the data.
type Frame uint8

const (
	Zlib Frame = iota // RFC 1950
	Gzip              // RFC 1952
	Raw               // nothing
	Auto              // Gzip or Zlib, as the first bytes say; decoders only
)

// Error is data that is not what it should be; the text is zlib's.
type Error string

func (e Error) Error() string { return string(e) }

// ErrDictionary says that the data was made with a dictionary that the Decoder does
// not have.
var ErrDictionary = errors.New("deflate: dictionary wanted")

// DecoderOptions say what a Decoder expects.
type DecoderOptions struct {
	Frame Frame
	// WindowBits is the largest window that a zlib header may ask for; 0 is 15.
	WindowBits int
	// Dictionary is what the data may refer to before its beginning.
	Dictionary []byte
}

// Decoder decodes one frame.
type Decoder struct {
	inflater
	opt    DecoderOptions
	frame  Frame
	part   framePart
	head   []byte // of the part, as far as it came
	flags  byte   // of a gzip header
	sum    hash.Hash32
	header hash.Hash32 // over the gzip header
	size   uint32
}

type framePart uint8

const (
	frameHead framePart = iota // what tells zlib and gzip apart, and zlib's header
	zlibDictionary
	gzipHead     // rest of the fixed part of the header
	gzipExtraLen // then the optional ones, in this order
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

// NewDecoder makes a Decoder; it keeps the dictionary.
func NewDecoder(o DecoderOptions) *Decoder {
	d := &Decoder{opt: o}
	d.Reset()
	return d
}

// Reset makes it expect a new frame; the input that is left stays.
func (d *Decoder) Reset() {
	d.unget()
	d.inflater = inflater{piece: d.piece, in: d.in, buf: d.buf}
	d.frame, d.flags, d.sum, d.header, d.size = d.opt.Frame, 0, nil, nil, 0
	d.become(frameHead)
	if d.frame == Raw {
		d.become(frameBody)
		d.preset(d.opt.Dictionary)
	}
}

// Frame is what it decodes; Auto is not known yet.
func (d *Decoder) Frame() Frame { return d.frame }

// Feed gives it a piece once Next wanted one; it is not copied.
func (d *Decoder) Feed(in []byte) { d.piece, d.in = in, in }

// Unread is how many bytes at the end of the piece are not used. Those that were
// only looked at go back.
func (d *Decoder) Unread() int {
	d.unget()
	return len(d.in)
}

// Rest reports whether bytes of the input are left.
func (d *Decoder) Rest() bool { return len(d.in) > 0 || d.bits >= 8 }

// Next gives up to limit bytes, valid until the next call; nil wants another piece.
// io.EOF is the end of the frame, an Error is for good.
func (d *Decoder) Next(limit int) ([]byte, error) {
	for {
		switch d.part {
		case frameBody:
			b, err := d.inflater.next(limit)
			if errors.Is(err, io.EOF) {
				d.become(frameTail)
				continue
			}
			if d.sum != nil {
				d.sum.Write(b)
				d.size += uint32(len(b))
			}
			return b, err
		case frameEnd:
			return nil, io.EOF
		default:
			if ok, err := d.around(); !ok {
				return nil, err
			}
		}
	}
}

func (d *Decoder) become(p framePart) {
	d.part, d.head = p, d.head[:0]
}

// collect waits until head has n bytes.
func (d *Decoder) collect(n int) bool {
	for len(d.head) < n {
		v, ok := d.take(8)
		if !ok {
			return false
		}
		d.head = append(d.head, byte(v))
	}
	return true
}

// skipText leaves out a text with its final zero.
func (d *Decoder) skipText() bool {
	for {
		v, ok := d.take(8)
		if !ok {
			return false
		}
		d.header.Write([]byte{byte(v)})
		if v == 0 {
			return true
		}
	}
}

// around reads one part around the data; it reports whether that is complete.
func (d *Decoder) around() (bool, error) {
	switch d.part {
	case frameHead:
		return d.start()
	case zlibDictionary:
		if !d.collect(4) {
			return false, nil
		}
		if d.opt.Dictionary == nil || adler32.Checksum(d.opt.Dictionary) != binary.BigEndian.Uint32(d.head) {
			return false, ErrDictionary
		}
		d.preset(d.opt.Dictionary)
		d.become(frameBody)
	case gzipHead:
		return d.startGzip()
	case gzipExtraLen:
		if d.flags&flagExtra != 0 {
			if !d.collect(2) {
				return false, nil
			}
			d.header.Write(d.head)
			d.length = int(binary.LittleEndian.Uint16(d.head))
		}
		d.become(gzipExtra)
	case gzipExtra:
		for ; d.length > 0; d.length-- {
			v, ok := d.take(8)
			if !ok {
				return false, nil
			}
			d.header.Write([]byte{byte(v)})
		}
		d.become(gzipName)
	case gzipName:
		if d.flags&flagName != 0 && !d.skipText() {
			return false, nil
		}
		d.become(gzipComment)
	case gzipComment:
		if d.flags&flagComment != 0 && !d.skipText() {
			return false, nil
		}
		d.become(gzipSum)
	case gzipSum:
		if d.flags&flagSum != 0 {
			if !d.collect(2) {
				return false, nil
			}
			if binary.LittleEndian.Uint16(d.head) != uint16(d.header.Sum32()) {
				return false, Error("header crc mismatch")
			}
		}
		d.become(frameBody)
	case frameTail:
		return d.end()
	}
	return true, nil
}

// start reads the two bytes that zlib's header and gzip's begin with.
func (d *Decoder) start() (bool, error) {
	if !d.collect(2) {
		return false, nil
	}
	isGzip := d.head[0] == 0x1f && d.head[1] == 0x8b
	if d.frame == Auto {
		d.frame = Zlib
		if isGzip {
			d.frame = Gzip
		}
	}
	if d.frame == Gzip {
		if !isGzip {
			return false, Error("incorrect header check")
		}
		d.part = gzipHead // and what was read belongs to it
		return true, nil
	}
	most := d.opt.WindowBits
	if most == 0 {
		most = maxWindowBits
	}
	switch bits := int(d.head[0]>>4) + 8; {
	case binary.BigEndian.Uint16(d.head)%31 != 0:
		return false, Error("incorrect header check")
	case d.head[0]&15 != 8:
		return false, Error("unknown compression method")
	case bits > most:
		return false, Error("invalid window size")
	}
	d.sum = adler32.New()
	if d.head[1]&0x20 != 0 {
		d.become(zlibDictionary)
	} else {
		d.become(frameBody)
	}
	return true, nil
}

func (d *Decoder) startGzip() (bool, error) {
	if d.collect(3); len(d.head) > 2 && d.head[2] != 8 {
		return false, Error("unknown compression method")
	}
	if d.collect(4); len(d.head) > 3 && d.head[3]&flagsOther != 0 {
		return false, Error("unknown header flags set")
	}
	if !d.collect(10) {
		return false, nil
	}
	d.flags = d.head[3]
	d.sum, d.header = crc32.NewIEEE(), crc32.NewIEEE()
	d.header.Write(d.head)
	d.become(gzipExtraLen)
	return true, nil
}

// end checks what is behind the data.
func (d *Decoder) end() (bool, error) {
	switch d.frame {
	case Zlib:
		if !d.collect(4) {
			return false, nil
		}
		if binary.BigEndian.Uint32(d.head) != d.sum.Sum32() {
			return false, Error("incorrect data check")
		}
	case Gzip:
		if !d.collect(8) {
			return false, nil
		}
		if binary.LittleEndian.Uint32(d.head) != d.sum.Sum32() {
			return false, Error("incorrect data check")
		}
		if binary.LittleEndian.Uint32(d.head[4:]) != d.size {
			return false, Error("incorrect length check")
		}
	}
	d.become(frameEnd)
	return true, nil
}
