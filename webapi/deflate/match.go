package deflate

import "hash/crc32"

const (
	minMatch = 3
	maxMatch = 258
	// minAhead is how much input a search wants to see, so that no match is cut.
	minAhead = maxMatch + minMatch + 1
	// tooFar is where a match of three bytes is not worth its distance.
	tooFar = 4096
	// maxStored is the longest stored block.
	maxStored = 65535
)

// search is how matches are found.
type search uint8

const (
	storedSearch search = iota // not at all
	fastSearch                 // the first that is good enough
	slowSearch                 // the better of two neighbours
)

// levels are what zlib's levels mean.
var levels = [10]struct {
	good, lazy, nice, chain int
	search                  search
}{
	{0, 0, 0, 0, storedSearch},
	{4, 4, 8, 4, fastSearch},
	{4, 5, 16, 8, fastSearch},
	{4, 6, 32, 32, fastSearch},
	{4, 4, 16, 16, slowSearch},
	{8, 16, 32, 32, slowSearch},
	{8, 16, 128, 128, slowSearch},
	{8, 32, 128, 256, slowSearch},
	{32, 128, 258, 1024, slowSearch},
	{32, 258, 258, 4096, slowSearch},
}

// matcher is the window and the chains of places with the same four bytes: what
// Chromium's zlib, which node and workerd use, looks for. Matches of three bytes are
// found by chance only.
type matcher struct {
	windowBits, windowSize int
	window                 []byte // twice the size
	prev, head             []uint16
	hashMask               uint32

	start      int // of what is to be matched next
	lookahead  int // bytes of the window from there
	blockStart int // where the block began; may be negative
	later      int // bytes before start that are not in the chains yet
	slides     int // stored blocks: how often the window moved, 2 for more

	matchLen, matchStart int
	prevLen              int
	available            bool // the byte before start waits for a verdict

	good, lazy, nice, chain int
}

func (m *matcher) allocate(windowBits, memLevel int) {
	m.windowBits, m.windowSize = windowBits, 1<<windowBits
	// insert looks a byte too far at the end.
	m.window = make([]byte, 2*m.windowSize+8)[:2*m.windowSize]
	m.prev = make([]uint16, m.windowSize)
	hashBits := uint(max(memLevel+7, 15))
	m.head = make([]uint16, 1<<hashBits)
	m.hashMask = 1<<hashBits - 1
}

func (m *matcher) reset(level int) {
	clear(m.head)
	m.tune(level)
	m.start, m.lookahead, m.blockStart, m.later, m.slides = 0, 0, 0, 0, 0
	m.matchLen, m.prevLen, m.available = minMatch-1, minMatch-1, false
}

func (m *matcher) tune(level int) {
	l := levels[level]
	m.good, m.lazy, m.nice, m.chain = l.good, l.lazy, l.nice, l.chain
}

func (m *matcher) maxDistance() int { return m.windowSize - minAhead }

// insert puts the four bytes at i into their chain and gives the one before.
func (m *matcher) insert(i int) int {
	b := m.window[i : i+4]
	h := (crcTables[3][b[0]] ^ crcTables[2][b[1]] ^ crcTables[1][b[2]] ^ crcTables[0][b[3]]) & m.hashMask
	before := m.head[h]
	m.prev[i&(m.windowSize-1)] = before
	m.head[h] = uint16(i)
	return int(before)
}

// crcTables are CRC-32C of a byte with as many zeros behind it.
var crcTables = func() (t [4][256]uint32) {
	t[0] = *crc32.MakeTable(crc32.Castagnoli)
	for k := 1; k < len(t); k++ {
		for i, v := range t[k-1] {
			t[k][i] = t[0][byte(v)] ^ v>>8
		}
	}
	return t
}()

// slideHash takes a window's size from all places.
func (m *matcher) slideHash() {
	size := uint16(m.windowSize) // 32768 at most
	for _, list := range [2][]uint16{m.head, m.prev} {
		for i, v := range list {
			if v >= size {
				list[i] = v - size
			} else {
				list[i] = 0
			}
		}
	}
}

// fill brings input into the window until there is enough to see or none left.
func (e *Encoder) fill() {
	for {
		if e.start >= e.windowSize+e.maxDistance() {
			copy(e.window, e.window[e.windowSize:])
			e.matchStart -= e.windowSize
			e.start -= e.windowSize
			e.blockStart -= e.windowSize
			e.later = min(e.later, e.start)
			e.slideHash()
		}
		if len(e.in) == 0 {
			return
		}
		e.lookahead += e.read(e.window[e.start+e.lookahead:])
		if e.lookahead+e.later >= minMatch {
			at := e.start - e.later
			for e.later > 0 {
				e.insert(at)
				at++
				e.later--
				if e.lookahead+e.later < minMatch {
					break
				}
			}
		}
		if e.lookahead >= minAhead || len(e.in) == 0 {
			return
		}
	}
}

// longest finds the longest match at start in the chain that begins with at.
func (m *matcher) longest(at int) int {
	chain, best, nice := m.chain, m.prevLen, min(m.nice, m.lookahead)
	limit := max(0, m.start-m.maxDistance())
	if m.prevLen >= m.good {
		chain >>= 2
	}
	w := m.window
	scan := w[m.start:min(m.start+maxMatch, len(w))]
	for {
		if best < len(scan) && w[at+best] == scan[best] && w[at+best-1] == scan[best-1] && w[at] == scan[0] && w[at+1] == scan[1] {
			n := 2
			for n < len(scan) && w[at+n] == scan[n] {
				n++
			}
			if n > best {
				m.matchStart, best = at, n
				if n >= nice {
					break
				}
			}
		}
		at = int(m.prev[at&(m.windowSize-1)])
		chain--
		if at <= limit || chain == 0 {
			break
		}
	}
	return min(best, m.lookahead)
}

// step is what a search ended with.
type step uint8

const (
	needMore      step = iota // input, or room for output
	blockDone                 // all input is in blocks
	finishStarted             // the last block was made; more room is needed
	finishDone
)

// search compresses input until there is none or no room.
func (e *Encoder) search(f Flush) step {
	switch {
	case e.level == 0:
		return e.searchStored(f)
	case e.strategy == HuffmanOnly:
		return e.searchNone(f)
	case e.strategy == RLE:
		return e.searchRuns(f)
	case levels[e.level].search == fastSearch:
		return e.searchFast(f)
	}
	return e.searchSlow(f)
}

// endBlock writes what was tallied; full says that there is no room left.
func (e *Encoder) endBlock(last bool) (full bool) {
	var stored []byte
	if e.blockStart >= 0 {
		stored = e.window[e.blockStart:e.start]
	}
	e.writeBlock(stored, e.start-e.blockStart, last, e.level, e.strategy)
	e.blockStart = e.start
	e.drain()
	return len(e.out) == 0
}

// endInput is the end of all searches but that of stored blocks.
func (e *Encoder) endInput(f Flush, later int) step {
	e.later = later
	if f == Finish {
		if e.endBlock(true) {
			return finishStarted
		}
		return finishDone
	}
	if len(e.symbols) > 0 && e.endBlock(false) {
		return needMore
	}
	return blockDone
}

// see makes sure that ahead bytes are seen; stop says that the search waits for more
// input, end that there is none.
func (e *Encoder) see(ahead int, f Flush) (stop, end bool) {
	if e.lookahead >= ahead {
		return false, false
	}
	e.fill()
	if e.lookahead < ahead && f == NoFlush {
		return true, false
	}
	return false, e.lookahead == 0
}

func (e *Encoder) searchFast(f Flush) step {
	for {
		if stop, end := e.see(minAhead, f); stop {
			return needMore
		} else if end {
			break
		}
		at := 0
		if e.lookahead >= minMatch {
			at = e.insert(e.start)
		}
		if at != 0 && e.start-at <= e.maxDistance() {
			e.matchLen = e.longest(at)
		}
		var full bool
		if e.matchLen >= minMatch {
			full = e.tallyMatch(e.start-e.matchStart, e.matchLen)
			e.lookahead -= e.matchLen
			if e.matchLen <= e.lazy && e.lookahead >= minMatch {
				for n := e.matchLen - 1; n > 0; n-- {
					e.start++
					e.insert(e.start)
				}
				e.start++
			} else {
				e.start += e.matchLen
			}
			e.matchLen = 0
		} else {
			full = e.tallyByte(e.window[e.start])
			e.lookahead--
			e.start++
		}
		if full && e.endBlock(false) {
			return needMore
		}
	}
	return e.endInput(f, min(e.start, minMatch-1))
}

func (e *Encoder) searchSlow(f Flush) step {
	for {
		if stop, end := e.see(minAhead, f); stop {
			return needMore
		} else if end {
			break
		}
		at := 0
		if e.lookahead >= minMatch {
			at = e.insert(e.start)
		}
		e.prevLen = e.matchLen
		prevStart := e.matchStart
		e.matchLen = minMatch - 1
		if at != 0 && e.prevLen < e.lazy && e.start-at <= e.maxDistance() {
			e.matchLen = e.longest(at)
			if e.matchLen <= 5 && (e.strategy == Filtered || e.matchLen == minMatch && e.start-e.matchStart > tooFar) {
				e.matchLen = minMatch - 1
			}
		}
		switch {
		case e.prevLen >= minMatch && e.matchLen <= e.prevLen:
			most := e.start + e.lookahead - minMatch
			full := e.tallyMatch(e.start-1-prevStart, e.prevLen)
			e.lookahead -= e.prevLen - 1
			for n := e.prevLen - 2; n > 0; n-- {
				if e.start++; e.start <= most {
					e.insert(e.start)
				}
			}
			e.available, e.matchLen = false, minMatch-1
			e.start++
			if full && e.endBlock(false) {
				return needMore
			}
		case e.available:
			if e.tallyByte(e.window[e.start-1]) {
				e.endBlock(false)
			}
			e.start++
			e.lookahead--
			if len(e.out) == 0 {
				return needMore
			}
		default:
			e.available = true
			e.start++
			e.lookahead--
		}
	}
	if e.available {
		e.tallyByte(e.window[e.start-1])
		e.available = false
	}
	return e.endInput(f, min(e.start, minMatch-1))
}

// searchRuns finds matches of distance one only.
func (e *Encoder) searchRuns(f Flush) step {
	for {
		if stop, end := e.see(maxMatch+1, f); stop {
			return needMore
		} else if end {
			break
		}
		n := 0
		if e.lookahead >= minMatch && e.start > 0 {
			c := e.window[e.start-1]
			for most := min(maxMatch, e.lookahead); n < most && e.window[e.start+n] == c; {
				n++
			}
		}
		var full bool
		if n >= minMatch {
			full = e.tallyMatch(1, n)
			e.lookahead -= n
			e.start += n
		} else {
			full = e.tallyByte(e.window[e.start])
			e.lookahead--
			e.start++
		}
		if full && e.endBlock(false) {
			return needMore
		}
	}
	return e.endInput(f, 0)
}

func (e *Encoder) searchNone(f Flush) step {
	for {
		if stop, end := e.see(1, f); stop {
			return needMore
		} else if end {
			break
		}
		full := e.tallyByte(e.window[e.start])
		e.lookahead--
		e.start++
		if full && e.endBlock(false) {
			return needMore
		}
	}
	return e.endInput(f, 0)
}

// searchStored copies input to output as long as there is room for blocks that are
// worth it, and keeps the rest in the window, where another level may find it.
func (e *Encoder) searchStored(f Flush) step {
	least := min(e.room-5, e.windowSize)
	before, last := e.in, false
	for !last {
		have := int(e.bitCount+42) >> 3
		if len(e.out) < have {
			break
		}
		left := e.start - e.blockStart
		n := min(maxStored, left+len(e.in), len(e.out)-have)
		if n < least && (n == 0 && f != Finish || f == NoFlush || n != left+len(e.in)) {
			break
		}
		last = f == Finish && n == left+len(e.in)
		e.writeStoredHead(n, last)
		e.drain()
		if left > 0 {
			k := copy(e.out, e.window[e.blockStart:e.blockStart+min(left, n)])
			e.out = e.out[k:]
			e.blockStart += k
			n -= k
		}
		if n > 0 {
			e.read(e.out[:n])
			e.out = e.out[n:]
		}
	}
	e.keep(before[:len(before)-len(e.in)])
	if last {
		return finishDone
	}
	if f != NoFlush && f != Finish && len(e.in) == 0 && e.start == e.blockStart {
		return blockDone
	}
	have := len(e.window) - e.start
	if len(e.in) > have && e.blockStart >= e.windowSize {
		e.blockStart -= e.windowSize
		e.slideStored()
		have += e.windowSize
	}
	if have = min(have, len(e.in)); have > 0 {
		e.read(e.window[e.start : e.start+have])
		e.start += have
		e.later += min(have, e.windowSize-e.later)
	}
	have = min(e.room-int(e.bitCount+42)>>3, maxStored)
	left := e.start - e.blockStart
	if left >= min(have, e.windowSize) || (left > 0 || f == Finish) && f != NoFlush && len(e.in) == 0 && left <= have {
		n := min(left, have)
		last = f == Finish && len(e.in) == 0 && n == left
		e.writeStored(e.window[e.blockStart:e.blockStart+n], last)
		e.blockStart += n
		e.drain()
	}
	if last {
		return finishStarted
	}
	return needMore
}

// keep puts input that went out directly into the window.
func (e *Encoder) keep(used []byte) {
	if len(used) == 0 {
		return
	}
	if len(used) >= e.windowSize {
		e.slides = 2
		copy(e.window, used[len(used)-e.windowSize:])
		e.start = e.windowSize
		e.later = e.start
	} else {
		if len(e.window)-e.start <= len(used) {
			e.slideStored()
		}
		e.start += copy(e.window[e.start:], used)
		e.later += min(len(used), e.windowSize-e.later)
	}
	e.blockStart = e.start
}

func (e *Encoder) slideStored() {
	e.start -= e.windowSize
	copy(e.window, e.window[e.windowSize:e.windowSize+e.start])
	e.slides = min(e.slides+1, 2)
	e.later = min(e.later, e.start)
}
