package deflate

import (
	"io"
	"sync"
)

// window is how far back a match of DEFLATE may reach, the most that there is.
const (
	maxWindowBits = 15
	window        = 1 << maxWindowBits
)

// inflater decodes DEFLATE (RFC 1951) from pieces of any size, and goes on where the
// piece before has ended.
type inflater struct {
	piece []byte
	in    []byte // what is left of the piece
	acc   uint64 // the next bits, the first one lowest
	bits  uint   // how many there are

	state inflateState
	last  bool // the block is the last one
	// buf is the window and what came after it; pos is its end.
	buf []byte
	pos int

	length, dist      int // what is left of a match, or of a stored block
	lits, dists       int // how many codes a dynamic block has
	codes, got        int // how many code lengths it has, and how many are known
	lengths           [320]uint8
	literal, distance *huffman
	dynamic           [2]huffman
}

type inflateState uint8

const (
	blockStart   inflateState = iota // -> storedSize | dynamicSizes | inBlock | inflated
	storedSize                       // -> stored
	stored                           // -> blockStart
	dynamicSizes                     // -> codeLengths
	codeLengths                      // -> treeLengths
	treeLengths                      // -> inBlock
	inBlock                          // -> match | blockStart
	match                            // -> inBlock
	inflated
)

// fixed are the codes of blocks that bring none.
var fixed = sync.OnceValue(func() *[2]huffman {
	var lengths [288]uint8
	for i := range lengths {
		switch {
		case i < 144, i >= 280:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		default:
			lengths[i] = 7
		}
	}
	h := &[2]huffman{}
	h[0].build(lengths[:], false)
	for i := range 32 {
		lengths[i] = 5
	}
	h[1].build(lengths[:32], false)
	return h
})

var (
	lengthBase  = [29]uint16{3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258}
	lengthExtra = [29]uint8{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
	distBase    = [30]uint16{1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577}
	distExtra   = [30]uint8{0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13}
	codeOrder   = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
)

// fill takes bytes of the piece into acc while there is room.
func (f *inflater) fill() {
	for f.bits <= 56 && len(f.in) > 0 {
		f.acc |= uint64(f.in[0]) << f.bits
		f.in = f.in[1:]
		f.bits += 8
	}
}

// unget puts whole bytes of acc back into the piece that they came from.
func (f *inflater) unget() {
	n := min(int(f.bits/8), len(f.piece)-len(f.in))
	f.in = f.piece[len(f.piece)-len(f.in)-n:]
	f.bits -= uint(8 * n)
	f.acc &= 1<<f.bits - 1
}

// preset is what matches may reach before the beginning.
func (f *inflater) preset(dictionary []byte) {
	if len(dictionary) == 0 {
		return
	}
	if f.buf == nil {
		f.buf = make([]byte, 2*window)
	}
	f.pos = copy(f.buf, dictionary[max(0, len(dictionary)-window):])
}

func (f *inflater) drop(n int) {
	f.acc >>= uint(n)
	f.bits -= uint(n)
}

// take gives the next n bits, at most 32; ok is false where there are fewer, and
// then none is gone.
func (f *inflater) take(n int) (v int, ok bool) {
	f.fill()
	if f.bits < uint(n) {
		return 0, false
	}
	v = int(f.acc & (1<<uint(n) - 1))
	f.drop(n)
	return v, true
}

// align leaves out the bits up to the next byte.
func (f *inflater) align() { f.drop(int(f.bits % 8)) }

// next decodes up to limit bytes. Without any and without an error it wants another
// piece; io.EOF is the end of the data, behind which bytes may be left. The bytes
// are valid until the next call.
func (f *inflater) next(limit int) ([]byte, error) {
	if f.buf == nil {
		f.buf = make([]byte, 2*window)
	}
	if f.pos == len(f.buf) {
		copy(f.buf, f.buf[f.pos-window:f.pos])
		f.pos = window
	}
	from := f.pos
	err := f.run(from + min(limit, len(f.buf)-from))
	if f.pos > from {
		// What stopped it will do so again at the next call.
		return f.buf[from:f.pos], nil
	}
	return nil, err
}

// run decodes until pos is to, the input ends, or there is an error.
func (f *inflater) run(to int) error {
	for {
		var more bool
		var err error
		switch f.state {
		case blockStart:
			more, err = f.startBlock()
		case storedSize:
			more, err = f.startStored()
		case stored:
			more = f.copyStored(to)
		case dynamicSizes:
			more, err = f.startDynamic()
		case codeLengths:
			more, err = f.readCodeLengths()
		case treeLengths:
			more, err = f.readTreeLengths()
		case inBlock:
			more, err = f.symbols(to)
		case match:
			more = f.copyMatch(to)
		case inflated:
			return io.EOF
		}
		if err != nil || !more {
			return err
		}
	}
}

func (f *inflater) startBlock() (bool, error) {
	if f.last {
		f.align()
		f.state = inflated
		return true, nil
	}
	v, ok := f.take(3)
	if !ok {
		return false, nil
	}
	f.last = v&1 == 1
	switch v >> 1 {
	case 0:
		f.align()
		f.state = storedSize
	case 1:
		f.literal, f.distance = &fixed()[0], &fixed()[1]
		f.state = inBlock
	case 2:
		f.state = dynamicSizes
	default:
		return false, Error("invalid block type")
	}
	return true, nil
}

func (f *inflater) startStored() (bool, error) {
	v, ok := f.take(32)
	if !ok {
		return false, nil
	}
	if v&0xFFFF != ^(v>>16)&0xFFFF {
		return false, Error("invalid stored block lengths")
	}
	f.length, f.state = v&0xFFFF, stored
	return true, nil
}

func (f *inflater) copyStored(to int) bool {
	for f.length > 0 && f.bits >= 8 && f.pos < to {
		f.buf[f.pos] = byte(f.acc)
		f.drop(8)
		f.pos++
		f.length--
	}
	if f.length > 0 && f.bits == 0 {
		n := copy(f.buf[f.pos:to], f.in[:min(f.length, len(f.in))])
		f.in = f.in[n:]
		f.pos += n
		f.length -= n
	}
	if f.length > 0 {
		return false
	}
	f.state = blockStart
	return true
}

func (f *inflater) startDynamic() (bool, error) {
	v, ok := f.take(14)
	if !ok {
		return false, nil
	}
	f.lits, f.dists, f.codes, f.got = v&31+257, v>>5&31+1, v>>10+4, 0
	if f.lits > 286 || f.dists > 30 {
		return false, Error("too many length or distance symbols")
	}
	f.lengths = [320]uint8{}
	f.state = codeLengths
	return true, nil
}

func (f *inflater) readCodeLengths() (bool, error) {
	for f.got < f.codes {
		v, ok := f.take(3)
		if !ok {
			return false, nil
		}
		f.lengths[codeOrder[f.got]] = uint8(v)
		f.got++
	}
	if !f.dynamic[0].build(f.lengths[:19], false) {
		return false, Error("invalid code lengths set")
	}
	f.lengths = [320]uint8{}
	f.got, f.state = 0, treeLengths
	return true, nil
}

func (f *inflater) readTreeLengths() (bool, error) {
	for f.got < f.lits+f.dists {
		f.fill()
		sym, n := f.dynamic[0].decode(f.acc, f.bits)
		if n <= 0 {
			return false, failIf(n < 0, "invalid code lengths set")
		}
		extra, base, value := 0, 0, uint8(0)
		switch {
		case sym < 16:
			f.drop(n)
			f.lengths[f.got] = uint8(sym)
			f.got++
			continue
		case sym == 16:
			if f.got == 0 {
				return false, Error("invalid bit length repeat")
			}
			extra, base, value = 2, 3, f.lengths[f.got-1]
		case sym == 17:
			extra, base = 3, 3
		default:
			extra, base = 7, 11
		}
		if f.bits < uint(n+extra) {
			return false, nil
		}
		times := base + int(f.acc>>uint(n)&(1<<uint(extra)-1))
		f.drop(n + extra)
		if f.got+times > f.lits+f.dists {
			return false, Error("invalid bit length repeat")
		}
		for ; times > 0; times-- {
			f.lengths[f.got] = value
			f.got++
		}
	}
	// A block without a code for its end would have none.
	switch {
	case f.lengths[256] == 0:
		return false, Error("invalid code -- missing end-of-block")
	case !f.dynamic[0].build(f.lengths[:f.lits], true):
		return false, Error("invalid literal/lengths set")
	case !f.dynamic[1].build(f.lengths[f.lits:f.lits+f.dists], true):
		return false, Error("invalid distances set")
	}
	f.literal, f.distance, f.state = &f.dynamic[0], &f.dynamic[1], inBlock
	return true, nil
}

// symbols decodes literals until a match, the end of the block, or to.
func (f *inflater) symbols(to int) (bool, error) {
	for f.pos < to {
		f.fill()
		sym, n := f.literal.decode(f.acc, f.bits)
		switch {
		case n <= 0:
			return false, failIf(n < 0, "invalid literal/length code")
		case sym < 256:
			f.drop(n)
			f.buf[f.pos] = byte(sym)
			f.pos++
			continue
		case sym == 256:
			f.drop(n)
			f.state = blockStart
			return true, nil
		case sym > 285:
			return false, Error("invalid literal/length code")
		}
		// All bits of a match are at most 48, so that they are there together or wait.
		sym -= 257
		extra := int(lengthExtra[sym])
		if f.bits < uint(n+extra) {
			return false, nil
		}
		length := int(lengthBase[sym]) + int(f.acc>>uint(n)&(1<<uint(extra)-1))
		used := n + extra
		sym, n = f.distance.decode(f.acc>>uint(used), f.bits-uint(used))
		if n <= 0 {
			return false, failIf(n < 0, "invalid distance code")
		}
		if sym > 29 {
			return false, Error("invalid distance code")
		}
		used += n
		extra = int(distExtra[sym])
		if f.bits < uint(used+extra) {
			return false, nil
		}
		dist := int(distBase[sym]) + int(f.acc>>uint(used)&(1<<uint(extra)-1))
		if dist > f.pos {
			return false, Error("invalid distance too far back")
		}
		f.drop(used + extra)
		f.length, f.dist, f.state = length, dist, match
		return true, nil
	}
	return false, nil
}

func (f *inflater) copyMatch(to int) bool {
	for f.length > 0 && f.pos < to {
		// A match may overlap what it makes: then one period is copied at a time.
		n := copy(f.buf[f.pos:min(to, f.pos+f.length)], f.buf[f.pos-f.dist:f.pos])
		f.pos += n
		f.length -= n
	}
	if f.length > 0 {
		return false
	}
	f.state = inBlock
	return true
}

func failIf(bad bool, text Error) error {
	if bad {
		return text
	}
	return nil
}
