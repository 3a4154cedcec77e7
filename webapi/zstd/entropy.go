package zstd

import "math/bits"

// fseTable decodes one finite state entropy code.
type fseTable struct {
	bits    uint
	entries []fseEntry
}

type fseEntry struct {
	base   uint16 // of the next state
	symbol uint8
	bits   uint8 // to add to base
}

// fseKind is what a code is for.
type fseKind struct {
	symbols  int
	most     uint // bits of a state
	standard fseTable
}

var (
	lengthKind = newKind(36, 9, 6, []int16{4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1})
	offsetKind = newKind(32, 8, 5, []int16{1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1})
	matchKind  = newKind(53, 9, 6, []int16{1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
		1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1})
	weightKind = fseKind{symbols: 12, most: 6}
)

func newKind(symbols int, most, standard uint, counts []int16) fseKind {
	k := fseKind{symbols: symbols, most: most}
	k.standard.build(counts, standard)
	return k
}

// What the symbols of lengths and matches stand for: a base, and so many more bits.
var (
	lengthBase, lengthBits = ranges(16, 0, []uint8{1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
	matchBase, matchBits   = ranges(32, 3, []uint8{1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
)

func ranges(single int, first uint32, more []uint8) (base []uint32, extra []uint8) {
	extra = append(make([]uint8, single), more...)
	for _, n := range extra {
		base = append(base, first)
		first += 1 << n
	}
	return base, extra
}

// read takes the description of a table, by its mode, and gives what is behind it.
func (t *fseTable) read(in []byte, mode byte, k *fseKind) ([]byte, error) {
	switch mode {
	case 0:
		*t = k.standard
		return in, nil
	case 1:
		if len(in) == 0 || int(in[0]) >= k.symbols {
			return nil, ErrCorrupt
		}
		*t = fseTable{entries: []fseEntry{{symbol: in[0]}}}
		return in[1:], nil
	case 2:
		counts, width, n, ok := readCounts(in, k)
		if !ok {
			return nil, ErrCorrupt
		}
		t.build(counts, width)
		return in[n:], nil
	}
	if t.entries == nil {
		return nil, ErrCorrupt
	}
	return in, nil
}

// readCounts reads how often each symbol is among the states.
func readCounts(in []byte, k *fseKind) (counts []int16, width uint, used int, ok bool) {
	at := 0
	peek := func(n uint) int {
		v := 0
		for i := 3; i >= 0; i-- {
			v <<= 8
			if j := at>>3 + i; j < len(in) {
				v |= int(in[j])
			}
		}
		return v >> uint(at&7) & (1<<n - 1)
	}
	width = uint(peek(4)) + 5
	at += 4
	if width > k.most {
		return nil, 0, 0, false
	}
	left := 1<<width + 1
	for left > 1 {
		if len(counts) >= k.symbols || at > len(in)*8 {
			return nil, 0, 0, false
		}
		n := uint(bits.Len(uint(left)))
		v, low := peek(n), 1<<(n-1)
		spare := 2*low - 1 - left // so many values have a bit less
		if v&(low-1) < spare {
			v &= low - 1
			at += int(n) - 1
		} else {
			if v >= low {
				v -= spare
			}
			at += int(n)
		}
		count := v - 1
		counts = append(counts, int16(count))
		if count < 0 {
			left--
			continue
		}
		if left -= count; count > 0 {
			continue
		}
		for more := 3; more == 3; {
			more = peek(2)
			at += 2
			if len(counts)+more > k.symbols {
				return nil, 0, 0, false
			}
			counts = append(counts, make([]int16, more)...)
		}
	}
	used = (at + 7) / 8
	return counts, width, used, left == 1 && used <= len(in)
}

// build makes the table; the counts add up to its size, -1 counting as one.
func (t *fseTable) build(counts []int16, width uint) {
	size := 1 << width
	t.bits, t.entries = width, make([]fseEntry, size)
	next := make([]uint16, len(counts))
	high := size
	for s, n := range counts {
		if n == -1 {
			high--
			t.entries[high].symbol = uint8(s)
			next[s] = 1
		} else {
			next[s] = uint16(n)
		}
	}
	step, at := size>>1+size>>3+3, 0
	for s, n := range counts {
		for range max(0, n) {
			t.entries[at].symbol = uint8(s)
			for at = (at + step) & (size - 1); at >= high; {
				at = (at + step) & (size - 1)
			}
		}
	}
	for i := range t.entries {
		e := &t.entries[i]
		n := next[e.symbol]
		next[e.symbol]++
		e.bits = uint8(int(width) - (bits.Len16(n) - 1))
		e.base = uint16(int(n)<<e.bits - size)
	}
}

// maxHuffmanBits is the longest code of a literal.
const maxHuffmanBits = 11

// huffman decodes literals.
type huffman struct {
	bits    uint // 0 is no code yet
	entries [1 << maxHuffmanBits]struct{ symbol, bits uint8 }
}

// read takes the description of the code and gives its length.
func (h *huffman) read(in []byte) (n int, ok bool) {
	if len(in) == 0 {
		return 0, false
	}
	var weights []uint8
	if head := int(in[0]); head >= 128 {
		count := head - 127
		if n = 1 + (count+1)/2; n > len(in) {
			return 0, false
		}
		for i := range count {
			w := in[1+i/2]
			if i&1 == 0 {
				w >>= 4
			}
			weights = append(weights, w&15)
		}
	} else {
		if n = 1 + head; n > len(in) {
			return 0, false
		}
		if weights, ok = readWeights(in[1:n]); !ok {
			return 0, false
		}
	}
	return n, h.build(weights)
}

// readWeights decodes with two states that take turns until the bits are used up.
func readWeights(in []byte) (weights []uint8, ok bool) {
	counts, width, n, ok := readCounts(in, &weightKind)
	if !ok {
		return nil, false
	}
	var t fseTable
	t.build(counts, width)
	r, ok := newBackward(in[n:])
	if !ok {
		return nil, false
	}
	states := [2]uint64{r.read(width), r.read(width)}
	if r.left < 0 {
		return nil, false
	}
	for turn := 0; len(weights) < 254; turn ^= 1 {
		e := &t.entries[states[turn]]
		weights = append(weights, e.symbol)
		if int(e.bits) > r.left {
			return append(weights, t.entries[states[turn^1]].symbol), true
		}
		states[turn] = uint64(e.base) + r.read(uint(e.bits))
	}
	return nil, false
}

// build makes the table; the weight of the last symbol is what the others leave.
func (h *huffman) build(weights []uint8) bool {
	h.bits = 0
	sum := 0
	for _, w := range weights {
		if w > maxHuffmanBits+1 {
			return false
		}
		if w > 0 {
			sum += 1 << (w - 1)
		}
	}
	width := uint(bits.Len(uint(sum)))
	if sum == 0 || width > maxHuffmanBits || len(weights) > 255 {
		return false
	}
	left := 1<<width - sum
	if left&(left-1) != 0 {
		return false
	}
	weights = append(weights, uint8(bits.Len(uint(left))))
	at := 0
	for w := uint8(1); uint(w) <= width; w++ {
		for s, v := range weights {
			if v != w {
				continue
			}
			for range 1 << (w - 1) {
				h.entries[at].symbol, h.entries[at].bits = uint8(s), uint8(width+1)-w
				at++
			}
		}
	}
	h.bits = width
	return true
}

// decode fills out; all bits have to be used.
func (h *huffman) decode(out, in []byte) bool {
	r, ok := newBackward(in)
	if !ok {
		return false
	}
	for i := range out {
		e := &h.entries[r.peek(h.bits)]
		out[i] = e.symbol
		r.left -= int(e.bits)
	}
	return r.left == 0
}
