package deflate

import "math/bits"

// codeTree makes a Huffman code for frequencies. Where several codes are equally
// short it takes zlib's, so that the output is zlib's.
type codeTree struct {
	freq []uint16
	len  []uint8
	code []uint16 // reversed, as it is written
	last int      // the largest symbol that has a code
	most int      // bits of a code

	// While it is built: nodes are symbols, then what joins two of them.
	heap   []uint16 // a heap of nodes from 1; sorted nodes grow down from its end
	weight []uint16
	depth  []uint8
	parent []uint16
	bits   []uint8
}

func newCodeTree(symbols, most int) codeTree {
	nodes := 2*symbols + 1
	return codeTree{
		freq: make([]uint16, symbols), len: make([]uint8, symbols), code: make([]uint16, symbols), most: most,
		heap: make([]uint16, nodes), weight: make([]uint16, nodes), depth: make([]uint8, nodes), parent: make([]uint16, nodes), bits: make([]uint8, nodes),
	}
}

// before is the order of the heap.
func (t *codeTree) before(a, b uint16) bool {
	return t.weight[a] < t.weight[b] || t.weight[a] == t.weight[b] && t.depth[a] <= t.depth[b]
}

// sink moves the node at k down to its place among n.
func (t *codeTree) sink(k, n int) {
	v := t.heap[k]
	for j := k << 1; j <= n; j <<= 1 {
		if j < n && t.before(t.heap[j+1], t.heap[j]) {
			j++
		}
		if t.before(v, t.heap[j]) {
			break
		}
		t.heap[k] = t.heap[j]
		k = j
	}
	t.heap[k] = v
}

// build makes the code. There are two codes at least, as some decoders want.
func (t *codeTree) build() {
	n, sorted := 0, len(t.heap)
	t.last = -1
	for s, f := range t.freq {
		if f == 0 {
			t.len[s] = 0
			continue
		}
		n++
		t.heap[n] = uint16(s)
		t.last = s
		t.weight[s], t.depth[s] = f, 0
	}
	for n < 2 {
		s := 0
		if t.last < 2 {
			t.last++
			s = t.last
		}
		n++
		t.heap[n] = uint16(s)
		t.weight[s], t.depth[s] = 1, 0
	}
	for k := n / 2; k >= 1; k-- {
		t.sink(k, n)
	}
	node := uint16(len(t.freq))
	for {
		a := t.heap[1]
		t.heap[1] = t.heap[n]
		n--
		t.sink(1, n)
		b := t.heap[1]
		sorted--
		t.heap[sorted] = a
		sorted--
		t.heap[sorted] = b
		t.weight[node] = t.weight[a] + t.weight[b]
		t.depth[node] = max(t.depth[a], t.depth[b]) + 1
		t.parent[a], t.parent[b] = node, node
		t.heap[1] = node
		node++
		t.sink(1, n)
		if n < 2 {
			break
		}
	}
	sorted--
	t.heap[sorted] = t.heap[1]
	t.limit(t.heap[sorted:])
	t.assign()
}

// limit gives the lengths of the codes to the nodes, which are sorted by weight
// with the root first; what would be too long makes others longer.
func (t *codeTree) limit(nodes []uint16) {
	var count [maxCodeBits + 1]int
	t.bits[nodes[0]] = 0
	over := 0
	for _, v := range nodes[1:] {
		n := int(t.bits[t.parent[v]]) + 1
		if n > t.most {
			n = t.most
			over++
		}
		t.bits[v] = uint8(n)
		if int(v) < len(t.freq) {
			count[n]++
			t.len[v] = uint8(n)
		}
	}
	if over == 0 {
		return
	}
	for ; over > 0; over -= 2 {
		n := t.most - 1
		for count[n] == 0 {
			n--
		}
		count[n]--
		count[n+1] += 2
		count[t.most]--
	}
	at := len(nodes)
	for n := t.most; n > 0; n-- {
		for k := count[n]; k > 0; {
			at--
			if v := nodes[at]; int(v) < len(t.freq) {
				t.len[v] = uint8(n)
				k--
			}
		}
	}
}

// assign gives the codes to their lengths.
func (t *codeTree) assign() {
	var count, next [maxCodeBits + 1]uint16
	for _, n := range t.len {
		count[n]++
	}
	count[0] = 0
	for n := 1; n <= maxCodeBits; n++ {
		next[n] = (next[n-1] + count[n-1]) << 1
	}
	for s, n := range t.len {
		if n > 0 {
			t.code[s] = bits.Reverse16(next[n]) >> (16 - n)
			next[n]++
		}
	}
}
