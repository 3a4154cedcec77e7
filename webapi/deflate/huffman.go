package deflate

// fastBits is how many bits of a code one look into the table resolves.
const fastBits = 10

// huffman decodes one prefix code of DEFLATE.
type huffman struct {
	// fast is indexed by the next bits: the symbol in the upper 12 bits, the length
	// of its code in the lower 4; 0 where the code is longer or does not exist.
	fast [1 << fastBits]uint16
	// count is how many codes have each length, symbols are sorted by code.
	count   [16]uint16
	symbols [288]uint16
}

// build makes the decoder for the lengths of the codes. As zlib has it, a code that
// is not complete is refused, except one of a single code of one bit where partial
// allows it, or of none.
func (h *huffman) build(lengths []uint8, partial bool) bool {
	h.count = [16]uint16{}
	for _, n := range lengths {
		h.count[n]++
	}
	h.count[0] = 0
	left, longest := 1, 0
	for n := 1; n < 16; n++ {
		left = left<<1 - int(h.count[n])
		if left < 0 {
			return false
		}
		if h.count[n] > 0 {
			longest = n
		}
	}
	if left > 0 && !(partial && longest <= 1) {
		return false
	}
	var offset, code [16]int
	for n := 1; n < 15; n++ {
		offset[n+1] = offset[n] + int(h.count[n])
	}
	for n, next := 1, 0; n < 16; n++ {
		next = (next + int(h.count[n-1])) << 1
		code[n] = next
	}
	h.fast = [1 << fastBits]uint16{}
	for sym, n := range lengths {
		if n == 0 {
			continue
		}
		h.symbols[offset[n]] = uint16(sym)
		offset[n]++
		c := code[n]
		code[n]++
		if n > fastBits {
			continue
		}
		rev := 0
		for i := 0; i < int(n); i++ {
			rev = rev<<1 | c>>i&1
		}
		for ; rev < 1<<fastBits; rev += 1 << n {
			h.fast[rev] = uint16(sym)<<4 | uint16(n)
		}
	}
	return true
}

// decode finds the symbol that the low bits of acc begin with, and the length of its
// code. n is 0 where have bits are too few, and -1 where there is no such code.
func (h *huffman) decode(acc uint64, have uint) (sym, n int) {
	if e := h.fast[acc&(1<<fastBits-1)]; e != 0 {
		if n = int(e & 15); uint(n) > have {
			return 0, 0
		}
		return int(e >> 4), n
	}
	code, first, index := 0, 0, 0
	for n = 1; n < 16; n++ {
		if uint(n) > have {
			return 0, 0
		}
		code |= int(acc & 1)
		acc >>= 1
		count := int(h.count[n])
		if code-count < first {
			return int(h.symbols[index+code-first]), n
		}
		index += count
		first = (first + count) << 1
		code <<= 1
	}
	return 0, -1
}
