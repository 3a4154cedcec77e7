package zstd

import (
	"encoding/binary"
	"math/bits"
)

// blockDecoder decodes compressed blocks. Codes and offsets of one may be those of
// the block before.
type blockDecoder struct {
	literals                  []byte
	huffman                   huffman
	lengths, offsets, matches fseTable
	recent                    [3]int
}

func (b *blockDecoder) reset() {
	b.huffman.bits = 0
	b.lengths.entries, b.offsets.entries, b.matches.entries = nil, nil, nil
	b.recent = [3]int{1, 4, 8}
}

// decode appends what a block stands for to out, whose end is the window.
func (b *blockDecoder) decode(out, in []byte, window int) ([]byte, error) {
	in, err := b.readLiterals(in)
	if err != nil {
		return out, err
	}
	if len(in) == 0 {
		return out, ErrCorrupt
	}
	count := int(in[0])
	switch {
	case count < 128:
		in = in[1:]
	case count < 255 && len(in) > 1:
		count = (count-128)<<8 + int(in[1])
		in = in[2:]
	case count == 255 && len(in) > 2:
		count = int(in[1]) + int(in[2])<<8 + 0x7F00
		in = in[3:]
	default:
		return out, ErrCorrupt
	}
	if count == 0 {
		if len(in) != 0 {
			return out, ErrCorrupt
		}
		return append(out, b.literals...), nil
	}
	if len(in) == 0 || in[0]&3 != 0 {
		return out, ErrCorrupt
	}
	modes := in[0]
	in = in[1:]
	for i, t := range []struct {
		table *fseTable
		kind  *fseKind
	}{{&b.lengths, &lengthKind}, {&b.offsets, &offsetKind}, {&b.matches, &matchKind}} {
		if in, err = t.table.read(in, modes>>(6-2*i)&3, t.kind); err != nil {
			return out, err
		}
	}
	return b.sequences(out, in, count, window)
}

// sequences copies literals and matches in turn.
func (b *blockDecoder) sequences(out, in []byte, count, window int) ([]byte, error) {
	r, ok := newBackward(in)
	if !ok {
		return out, ErrCorrupt
	}
	most := len(out) + min(maxBlock, window)
	literals := b.literals
	l, o, m := r.read(b.lengths.bits), r.read(b.offsets.bits), r.read(b.matches.bits)
	for i := range count {
		le, oe, me := &b.lengths.entries[l], &b.offsets.entries[o], &b.matches.entries[m]
		value := 1<<oe.symbol + int(r.read(uint(oe.symbol)))
		match := int(matchBase[me.symbol]) + int(r.read(uint(matchBits[me.symbol])))
		n := int(lengthBase[le.symbol]) + int(r.read(uint(lengthBits[le.symbol])))
		offset := b.offset(value, n == 0)
		if n > len(literals) || offset <= 0 || offset > min(len(out)+n, window) || len(out)+n+match > most || r.left < 0 {
			return out, ErrCorrupt
		}
		out = append(out, literals[:n]...)
		literals = literals[n:]
		for match > 0 {
			// It may overlap what it makes: then one period is copied at a time.
			k := min(match, offset)
			out = append(out, out[len(out)-offset:][:k]...)
			match -= k
		}
		if i < count-1 {
			l = uint64(le.base) + r.read(uint(le.bits))
			m = uint64(me.base) + r.read(uint(me.bits))
			o = uint64(oe.base) + r.read(uint(oe.bits))
		}
	}
	if r.left != 0 || len(out)+len(literals) > most {
		return out, ErrCorrupt
	}
	return append(out, literals...), nil
}

// offset turns the value of a sequence into a distance: small ones mean those of the
// last sequences, and without literals the others of these.
func (b *blockDecoder) offset(value int, bare bool) int {
	if value > 3 {
		b.recent = [3]int{value - 3, b.recent[0], b.recent[1]}
		return value - 3
	}
	if bare {
		value++
	}
	switch value {
	case 1:
	case 2:
		b.recent[0], b.recent[1] = b.recent[1], b.recent[0]
	case 3:
		b.recent = [3]int{b.recent[2], b.recent[0], b.recent[1]}
	default:
		b.recent = [3]int{b.recent[0] - 1, b.recent[0], b.recent[1]}
	}
	return b.recent[0]
}

// readLiterals fills literals and gives what is behind them.
func (b *blockDecoder) readLiterals(in []byte) ([]byte, error) {
	if len(in) == 0 {
		return nil, ErrCorrupt
	}
	kind, format := in[0]&3, in[0]>>2&3
	if kind < 2 {
		return b.plainLiterals(in, kind == 1, format)
	}
	head, width := 3, uint(10)
	if format > 1 {
		head, width = int(format)+2, 14
		if format == 3 {
			width = 18
		}
	}
	if len(in) < head {
		return nil, ErrCorrupt
	}
	var buf [8]byte
	copy(buf[:], in[:head])
	v := binary.LittleEndian.Uint64(buf[:]) >> 4
	size, packed := int(v&(1<<width-1)), int(v>>width&(1<<width-1))
	in = in[head:]
	if size > maxBlock || packed > len(in) {
		return nil, ErrCorrupt
	}
	data, rest := in[:packed], in[packed:]
	if kind == 2 {
		n, ok := b.huffman.read(data)
		if !ok {
			return nil, ErrCorrupt
		}
		data = data[n:]
	} else if b.huffman.bits == 0 {
		return nil, ErrCorrupt
	}
	b.literals = grow(b.literals, size)
	if format == 0 {
		if !b.huffman.decode(b.literals, data) {
			return nil, ErrCorrupt
		}
		return rest, nil
	}
	const jumps = 6
	if len(data) < jumps || size < 4 {
		return nil, ErrCorrupt
	}
	streams, each := data[jumps:], (size+3)/4
	for i := range 4 {
		n, to := len(streams), b.literals[min(i*each, size):]
		if i < 3 {
			if n = int(binary.LittleEndian.Uint16(data[2*i:])); n > len(streams) || len(to) < each {
				return nil, ErrCorrupt
			}
			to = to[:each]
		}
		if !b.huffman.decode(to, streams[:n]) {
			return nil, ErrCorrupt
		}
		streams = streams[n:]
	}
	return rest, nil
}

func (b *blockDecoder) plainLiterals(in []byte, run bool, format byte) ([]byte, error) {
	head, size := 1, int(in[0]>>3)
	switch format {
	case 1:
		head = 2
	case 3:
		head = 3
	}
	if len(in) < head {
		return nil, ErrCorrupt
	}
	switch head {
	case 2:
		size = int(in[0])>>4 | int(in[1])<<4
	case 3:
		size = int(in[0])>>4 | int(in[1])<<4 | int(in[2])<<12
	}
	in = in[head:]
	n := size
	if run {
		n = 1
	}
	if size > maxBlock || n > len(in) {
		return nil, ErrCorrupt
	}
	b.literals = grow(b.literals, size)
	if !run {
		copy(b.literals, in)
		return in[n:], nil
	}
	for i := range b.literals {
		b.literals[i] = in[0]
	}
	return in[1:], nil
}

func grow(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}

// backward reads bits from the end of the data to its beginning. Behind the
// beginning there are zeros, and left is negative.
type backward struct {
	data []byte
	left int // bits
}

func newBackward(b []byte) (backward, bool) {
	if len(b) == 0 || b[len(b)-1] == 0 {
		return backward{}, false
	}
	return backward{b, len(b)*8 - bits.LeadingZeros8(b[len(b)-1]) - 1}, true
}

// peek gives the next n bits, at most 32, with zeros for those that are not there.
func (r *backward) peek(n uint) uint64 {
	if n == 0 {
		return 0
	}
	at := r.left - int(n) // of the lowest bit
	if at < 0 {
		if r.left <= 0 {
			return 0
		}
		return r.bitsAt(0, uint(r.left)) << uint(-at)
	}
	return r.bitsAt(at, n)
}

func (r *backward) bitsAt(at int, n uint) uint64 {
	i := at >> 3
	var v uint64
	if i+8 <= len(r.data) {
		v = binary.LittleEndian.Uint64(r.data[i:])
	} else {
		for k := len(r.data) - 1; k >= i; k-- {
			v = v<<8 | uint64(r.data[k])
		}
	}
	return v >> uint(at&7) & (1<<n - 1)
}

func (r *backward) read(n uint) uint64 {
	v := r.peek(n)
	r.left -= int(n)
	return v
}
