package deflate

import (
	"encoding/binary"
	"errors"
	"hash/adler32"
	"hash/crc32"
)

// Flush is what a call of Encode does with what was given so far.
type Flush uint8

// The flushes, with zlib's numbers.
const (
	NoFlush Flush = iota // keep what makes the output smaller
	PartialFlush
	SyncFlush // everything comes out, up to a byte
	FullFlush // and what follows can be read without it
	Finish    // it ends here
	Block     // end a block
)

// Strategy says what kind of data it is.
type Strategy uint8

// The strategies, with zlib's numbers.
const (
	DefaultStrategy Strategy = iota
	Filtered
	HuffmanOnly
	RLE
	Fixed
)

// DefaultLevel is the level that -1 stands for.
const DefaultLevel = 6

// EncoderOptions say what an Encoder does. WindowBits and MemLevel have to be given.
type EncoderOptions struct {
	Frame      Frame
	Level      int // 0 to 9, -1 for DefaultLevel
	WindowBits int // 8 to 15; the window is 1<<WindowBits bytes
	MemLevel   int // 1 to 9
	Strategy   Strategy
	Dictionary []byte // what the decoder has, too; not for Gzip
}

// Errors of an Encoder. ErrNoProgress is not for good: there was nothing to do.
var (
	ErrOptions       = errors.New("deflate: options out of range")
	ErrDictionarySet = errors.New("deflate: gzip has no dictionary")
	ErrNoProgress    = errors.New("deflate: no progress")
)

// Encoder compresses one frame. How it searches is in match.go, how blocks are
// written is in block.go.
type Encoder struct {
	opt   EncoderOptions
	state encoderState
	last  int // the Flush of the call before; -1 if that has output left, -2 before the first

	in, out []byte // what is left of them in a call
	sum     uint32 // of the input, as the frame has it
	total   uint32 // bytes of input

	level    int
	strategy Strategy

	matcher
	blocks
}

type encoderState uint8

const (
	frameStart encoderState = iota // -> encoding
	encoding                       // -> finishing
	finishing                      // the last block was made -> finished
	finished
)

// NewEncoder makes an Encoder. It keeps the dictionary for Reset.
func NewEncoder(o EncoderOptions) (*Encoder, error) {
	if o.Level == -1 {
		o.Level = DefaultLevel
	}
	if o.Level < 0 || o.Level > 9 || o.WindowBits < 8 || o.WindowBits > maxWindowBits || o.MemLevel < 1 || o.MemLevel > 9 ||
		o.Strategy > Fixed || o.Frame > Raw || o.WindowBits == 8 && o.Frame != Zlib {
		return nil, ErrOptions
	}
	if o.WindowBits == 8 {
		o.WindowBits = 9 // what zlib makes of it
	}
	if o.Dictionary != nil && o.Frame == Gzip {
		return nil, ErrDictionarySet
	}
	e := &Encoder{opt: o, level: o.Level, strategy: o.Strategy}
	e.matcher.allocate(o.WindowBits, o.MemLevel)
	e.blocks.allocate(o.MemLevel)
	e.Reset()
	return e, nil
}

// Reset makes it begin a new frame with the level and the strategy of now.
func (e *Encoder) Reset() {
	e.state, e.last, e.total = frameStart, -2, 0
	e.matcher.reset(e.level)
	e.blocks.reset()
	e.sum = 0
	if e.opt.Frame == Zlib {
		e.sum = 1
	}
	if len(e.opt.Dictionary) > 0 {
		if e.opt.Frame == Zlib {
			e.sum = adler32.Checksum(e.opt.Dictionary)
		}
		e.preset(e.opt.Dictionary)
	}
}

// preset fills the window.
func (e *Encoder) preset(d []byte) {
	e.in = d[max(0, len(d)-e.windowSize):]
	frame := e.opt.Frame
	e.opt.Frame = Raw // this is no input
	for e.fill(); e.lookahead >= minMatch; e.fill() {
		for n := e.lookahead - (minMatch - 1); n > 0; n-- {
			e.insert(e.start)
			e.start++
		}
		e.lookahead = minMatch - 1
	}
	e.opt.Frame = frame
	e.in = nil
	e.start += e.lookahead
	e.blockStart = e.start
	e.later, e.lookahead = e.lookahead, 0
	e.total = 0
}

// SetParams changes level and strategy. What was given before is written with the
// old ones into out, which gives how many bytes it is; ErrNoProgress says that there
// was not enough room, and then they stay.
func (e *Encoder) SetParams(level int, s Strategy, out []byte) (n int, err error) {
	if level == -1 {
		level = DefaultLevel
	}
	if level < 0 || level > 9 || s > Fixed {
		return 0, ErrOptions
	}
	if (s != e.strategy || levels[level].search != levels[e.level].search) && e.last != -2 {
		if _, n, err = e.Encode(nil, out, Block); err != nil && !errors.Is(err, ErrNoProgress) {
			return n, err
		}
		if e.start-e.blockStart+e.lookahead > 0 {
			return n, ErrNoProgress
		}
	}
	if level != e.level {
		if e.level == 0 && e.slides != 0 {
			if e.slides == 1 {
				e.slideHash()
			} else {
				clear(e.head)
			}
			e.slides = 0
		}
		if levels[level].search != levels[e.level].search {
			e.matchLen, e.prevLen = minMatch-1, minMatch-1 // they mean something else there
		}
		e.level = level
		e.tune(level)
	}
	e.strategy = s
	return n, nil
}

// Encode compresses in into out and says how much of both it used. Where out was
// filled, more may come: the call is repeated with the rest of in. done is the end
// of the frame, after Finish.
func (e *Encoder) Encode(in, out []byte, flush Flush) (read, written int, err error) {
	if len(out) == 0 {
		return 0, 0, ErrNoProgress
	}
	e.in, e.out = in, out
	err = e.encode(flush)
	read, written = len(in)-len(e.in), len(out)-len(e.out)
	e.in, e.out = nil, nil
	return read, written, err
}

// Done reports whether the frame is complete and all of it was given out.
func (e *Encoder) Done() bool { return e.state == finished && len(e.pending) == 0 }

// rank orders flushes by strength.
func rank(f int) int {
	if f > int(Finish) {
		return f*2 - 9
	}
	return f * 2
}

func (e *Encoder) encode(flush Flush) error {
	before := e.last
	e.last = int(flush)
	if len(e.pending) > 0 {
		e.drain()
		if len(e.out) == 0 {
			e.last = -1
			return nil
		}
	} else if len(e.in) == 0 && rank(int(flush)) <= rank(before) && flush != Finish {
		return ErrNoProgress
	}
	if e.state >= finishing && len(e.in) > 0 {
		return ErrNoProgress
	}
	if e.state == frameStart {
		e.writeHead()
		e.state = encoding
		if e.drain(); len(e.pending) > 0 {
			e.last = -1
			return nil
		}
	}
	if len(e.in) > 0 || e.lookahead > 0 || flush != NoFlush && e.state != finishing && e.state != finished {
		step := e.search(flush)
		if step == finishStarted || step == finishDone {
			e.state = finishing
		}
		if step == needMore || step == finishStarted {
			if len(e.out) == 0 {
				e.last = -1
			}
			return nil
		}
		if step == blockDone {
			switch flush {
			case PartialFlush:
				e.writeAlign()
			case Block:
			default:
				e.writeStored(nil, false)
				if flush == FullFlush {
					clear(e.head)
					if e.lookahead == 0 {
						e.start, e.blockStart, e.later = 0, 0, 0
					}
				}
			}
			if e.drain(); len(e.out) == 0 {
				e.last = -1
				return nil
			}
		}
	}
	if flush != Finish {
		return nil
	}
	if e.state != finished {
		e.writeTail()
		e.state = finished
	}
	e.drain()
	return nil
}

func (e *Encoder) writeHead() {
	fast := e.strategy >= HuffmanOnly || e.level < 2
	switch e.opt.Frame {
	case Gzip:
		extra := byte(0)
		switch {
		case e.level == 9:
			extra = 2
		case fast:
			extra = 4
		}
		const unix = 3
		e.pending = append(e.pending, 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, extra, unix)
	case Zlib:
		effort := 3
		switch {
		case fast:
			effort = 0
		case e.level < 6:
			effort = 1
		case e.level == 6:
			effort = 2
		}
		head := (8+(e.windowBits-8)<<4)<<8 | effort<<6
		if e.start != 0 {
			head |= 0x20
		}
		head += 31 - head%31
		e.pending = binary.BigEndian.AppendUint16(e.pending, uint16(head))
		if e.start != 0 {
			e.pending = binary.BigEndian.AppendUint32(e.pending, e.sum)
		}
		e.sum = 1
	}
}

func (e *Encoder) writeTail() {
	switch e.opt.Frame {
	case Gzip:
		e.pending = binary.LittleEndian.AppendUint32(e.pending, e.sum)
		e.pending = binary.LittleEndian.AppendUint32(e.pending, e.total)
	case Zlib:
		e.pending = binary.BigEndian.AppendUint32(e.pending, e.sum)
	}
}

// drain gives out what is ready, as far as there is room.
func (e *Encoder) drain() {
	e.flushBits()
	n := copy(e.out, e.pending)
	e.out = e.out[n:]
	e.pending = e.pending[:copy(e.pending, e.pending[n:])]
}

// read takes input into b.
func (e *Encoder) read(b []byte) int {
	n := copy(b, e.in)
	switch e.opt.Frame {
	case Gzip:
		e.sum = crc32.Update(e.sum, crc32.IEEETable, e.in[:n])
	case Zlib:
		e.sum = updateAdler(e.sum, e.in[:n])
	}
	e.total += uint32(n)
	e.in = e.in[n:]
	return n
}

// updateAdler goes on with a checksum; the library's begins with 1 always.
func updateAdler(sum uint32, p []byte) uint32 {
	const mod, most = 65521, 5552 // so many bytes fit into 32 bits
	a, b := sum&0xFFFF, sum>>16
	for len(p) > 0 {
		q := p[:min(most, len(p))]
		p = p[len(q):]
		for _, c := range q {
			a += uint32(c)
			b += a
		}
		a %= mod
		b %= mod
	}
	return b<<16 | a
}
