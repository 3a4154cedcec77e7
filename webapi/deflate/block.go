package deflate

import "encoding/binary"

const (
	literalCodes  = 286 // bytes, the end of a block, lengths
	distanceCodes = 30
	lengthCodes   = 19 // of the code that describes the others
	endOfBlock    = 256
	maxCodeBits   = 15
	maxLengthBits = 7
)

// blocks tallies what a block is made of, and writes it with the codes that make it
// shortest.
type blocks struct {
	symbols    []symbol
	mostSymbol int
	room       int // what zlib would have for output that waits

	pending  []byte // output that waits
	bits     uint64
	bitCount uint

	literal, distance, length codeTree
	optimal, static           int // bits of the block with codes of its own and with fixed ones
}

// symbol is a byte, where dist is 0, or a match.
type symbol struct {
	dist uint16
	code uint8 // the byte, or the length less three
}

func (b *blocks) allocate(memLevel int) {
	n := 1 << (memLevel + 6)
	b.mostSymbol, b.room = n-1, n*4
	b.symbols = make([]symbol, 0, n)
	b.literal = newCodeTree(literalCodes, maxCodeBits)
	b.distance = newCodeTree(distanceCodes, maxCodeBits)
	b.length = newCodeTree(lengthCodes, maxLengthBits)
}

func (b *blocks) reset() {
	b.pending, b.bits, b.bitCount = b.pending[:0], 0, 0
	b.begin()
}

// begin starts a block.
func (b *blocks) begin() {
	clear(b.literal.freq)
	clear(b.distance.freq)
	clear(b.length.freq)
	b.literal.freq[endOfBlock] = 1
	b.optimal, b.static = 0, 0
	b.symbols = b.symbols[:0]
}

// tallyByte and tallyMatch report whether the block is full.
func (b *blocks) tallyByte(c byte) bool {
	b.symbols = append(b.symbols, symbol{0, c})
	b.literal.freq[c]++
	return len(b.symbols) == b.mostSymbol
}

func (b *blocks) tallyMatch(dist, length int) bool {
	b.symbols = append(b.symbols, symbol{uint16(dist), uint8(length - minMatch)})
	b.literal.freq[257+int(lengthCode[length-minMatch])]++
	b.distance.freq[distanceCode(dist)]++
	return len(b.symbols) == b.mostSymbol
}

// lengthCode is the code of a length, less three.
var lengthCode = func() (t [256]uint8) {
	for c := range lengthBase {
		for i := range 1 << lengthExtra[c] {
			if n := int(lengthBase[c]) - minMatch + i; n < len(t) {
				t[n] = uint8(c)
			}
		}
	}
	return t // the longest match has a code of its own, the last one
}()

// distanceCodesOf are the codes of distances up to 256, and of the others by their
// upper bits.
var distanceCodesOf = func() (t [2][256]uint8) {
	for c := range distBase {
		for i := range 1 << distExtra[c] {
			if d := int(distBase[c]) - 1 + i; d < 256 {
				t[0][d] = uint8(c)
			} else {
				t[1][d>>7] = uint8(c)
			}
		}
	}
	return t
}()

func distanceCode(dist int) int {
	if dist--; dist < 256 {
		return int(distanceCodesOf[0][dist])
	}
	return int(distanceCodesOf[1][dist>>7])
}

// fixedLength is the length of a literal's code in blocks that bring none.
func fixedLength(code int) int {
	switch {
	case code < 144, code >= 280:
		return 8
	case code < 256:
		return 9
	}
	return 7
}

const fixedDistance = 5

var fixedLiterals, fixedDistances = func() (l, d codeTree) {
	l, d = newCodeTree(288, maxCodeBits), newCodeTree(30, maxCodeBits)
	for i := range l.len {
		l.len[i] = uint8(fixedLength(i))
	}
	for i := range d.len {
		d.len[i] = fixedDistance
	}
	l.assign()
	d.assign()
	return l, d
}()

func (b *blocks) write(v uint32, n uint) {
	b.bits |= uint64(v) << b.bitCount
	for b.bitCount += n; b.bitCount >= 32; b.bitCount -= 32 {
		b.pending = binary.LittleEndian.AppendUint32(b.pending, uint32(b.bits))
		b.bits >>= 32
	}
}

// flushBits moves whole bytes to pending.
func (b *blocks) flushBits() {
	for ; b.bitCount >= 8; b.bitCount -= 8 {
		b.pending = append(b.pending, byte(b.bits))
		b.bits >>= 8
	}
}

// alignBits fills up the last byte.
func (b *blocks) alignBits() {
	b.bitCount = (b.bitCount + 7) &^ 7
	b.flushBits()
}

// Kinds of blocks.
const (
	kindStored = iota
	kindFixed
	kindDynamic
)

func (b *blocks) writeKind(kind uint32, last bool) {
	if last {
		b.write(kind<<1|1, 3)
	} else {
		b.write(kind<<1, 3)
	}
}

func (b *blocks) writeStoredHead(n int, last bool) {
	b.writeKind(kindStored, last)
	b.alignBits()
	b.pending = binary.LittleEndian.AppendUint16(b.pending, uint16(n))
	b.pending = binary.LittleEndian.AppendUint16(b.pending, ^uint16(n))
}

func (b *blocks) writeStored(data []byte, last bool) {
	b.writeStoredHead(len(data), last)
	b.pending = append(b.pending, data...)
}

// writeAlign is an empty block, so that a decoder sees all codes before it.
func (b *blocks) writeAlign() {
	b.writeKind(kindFixed, false)
	b.write(uint32(fixedLiterals.code[endOfBlock]), uint(fixedLiterals.len[endOfBlock]))
	b.flushBits()
}

// writeBlock writes the block of the symbols; stored is what it stands for, nil
// where that is gone, and size its length.
func (b *blocks) writeBlock(stored []byte, size int, last bool, level int, s Strategy) {
	best, fixed := size+5, true
	describe := 0
	if level > 0 {
		b.literal.build()
		b.distance.build()
		b.cost()
		describe = b.describe()
		best = (b.optimal + 3 + 7) >> 3
		static := (b.static + 3 + 7) >> 3
		if fixed = static <= best || s == Fixed; fixed {
			best = static
		}
	}
	switch {
	case size+4 <= best && stored != nil:
		b.writeStored(stored, last)
	case fixed:
		b.writeKind(kindFixed, last)
		b.writeSymbols(&fixedLiterals, &fixedDistances)
	default:
		b.writeKind(kindDynamic, last)
		b.writeTrees(describe)
		b.writeSymbols(&b.literal, &b.distance)
	}
	b.begin()
	if last {
		b.alignBits()
	}
}

// cost counts the bits of the symbols with both kinds of codes.
func (b *blocks) cost() {
	for c, f := range b.literal.freq {
		extra := 0
		if c > endOfBlock {
			extra = int(lengthExtra[c-257])
		}
		b.optimal += int(f) * (int(b.literal.len[c]) + extra)
		b.static += int(f) * (fixedLength(c) + extra)
	}
	for c, f := range b.distance.freq {
		b.optimal += int(f) * (int(b.distance.len[c]) + int(distExtra[c]))
		b.static += int(f) * (fixedDistance + int(distExtra[c]))
	}
}

// runs calls what for the lengths of a tree's codes as DEFLATE describes them: code
// 16 repeats the length before, 17 and 18 are runs of zeros.
func (t *codeTree) runs(what func(code, times int)) {
	before, count := -1, 0
	most, least := 7, 4
	next := int(t.len[0])
	if next == 0 {
		most, least = 138, 3
	}
	for n := 0; n <= t.last; n++ {
		now := next
		next = -1 // after the end, unlike any
		if n < t.last {
			next = int(t.len[n+1])
		}
		if count++; count < most && now == next {
			continue
		}
		switch {
		case count < least:
			for range count {
				what(now, 0)
			}
		case now != 0:
			if now != before {
				what(now, 0)
				count--
			}
			what(16, count)
		case count <= 10:
			what(17, count)
		default:
			what(18, count)
		}
		count, before = 0, now
		switch {
		case next == 0:
			most, least = 138, 3
		case now == next:
			most, least = 6, 3
		default:
			most, least = 7, 4
		}
	}
}

// describe makes the code of the lengths, and gives how many of its own are written.
func (b *blocks) describe() int {
	count := func(code, _ int) { b.length.freq[code]++ }
	b.literal.runs(count)
	b.distance.runs(count)
	b.length.build()
	for c, f := range b.length.freq {
		b.optimal += int(f) * (int(b.length.len[c]) + int(runBits[c]))
	}
	n := lengthCodes
	for n > 4 && b.length.len[codeOrder[n-1]] == 0 {
		n--
	}
	b.optimal += 3*n + 5 + 5 + 4
	return n
}

var runBits = [lengthCodes]uint8{16: 2, 17: 3, 18: 7}

func (b *blocks) writeTrees(n int) {
	b.write(uint32(b.literal.last+1-257), 5)
	b.write(uint32(b.distance.last), 5)
	b.write(uint32(n-4), 4)
	for _, c := range codeOrder[:n] {
		b.write(uint32(b.length.len[c]), 3)
	}
	write := func(code, times int) {
		b.write(uint32(b.length.code[code]), uint(b.length.len[code]))
		switch code {
		case 16, 17:
			b.write(uint32(times-3), uint(runBits[code]))
		case 18:
			b.write(uint32(times-11), 7)
		}
	}
	b.literal.runs(write)
	b.distance.runs(write)
}

func (b *blocks) writeSymbols(l, d *codeTree) {
	for _, s := range b.symbols {
		if s.dist == 0 {
			b.write(uint32(l.code[s.code]), uint(l.len[s.code]))
			continue
		}
		c := lengthCode[s.code]
		b.write(uint32(l.code[257+int(c)]), uint(l.len[257+int(c)]))
		b.write(uint32(s.code)-uint32(lengthBase[c]-minMatch), uint(lengthExtra[c]))
		dc := distanceCode(int(s.dist))
		b.write(uint32(d.code[dc]), uint(d.len[dc]))
		b.write(uint32(s.dist-distBase[dc]), uint(distExtra[dc]))
	}
	b.write(uint32(l.code[endOfBlock]), uint(l.len[endOfBlock]))
}
