package crypt

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"errors"

	"golang.org/x/crypto/chacha20poly1305"
)

// gcmStream is GCM that takes its data piece by piece, which Go's does not
// (NIST SP 800-38D).
type gcmStream struct {
	encrypt bool
	sum     ghash
	mask    [gcmTag]byte // what the last sum is encrypted with
	stream  cipher.Stream
	extraN  uint64
	dataN   uint64
}

func newGCMStream(block cipher.Block, iv []byte, encrypt bool) *gcmStream {
	g := &gcmStream{encrypt: encrypt}
	var h, counter [gcmTag]byte
	block.Encrypt(h[:], h[:])
	g.sum.init(h[:])
	if len(iv) == 12 {
		copy(counter[:], iv)
		counter[15] = 1
	} else {
		first := g.sum
		first.write(iv)
		first.lengths(0, uint64(len(iv)))
		counter = first.sum()
	}
	block.Encrypt(g.mask[:], counter[:])
	// Only the last 32 bits count. A counter of 128 bits differs once they wrap around,
	// so that is where the stream is made anew.
	g.stream = &counter32{block: block, counter: counter, used: aes.BlockSize}
	return g
}

func (g *gcmStream) extra(data []byte) {
	g.sum.write(data)
	g.extraN += uint64(len(data))
}

func (g *gcmStream) update(data []byte) []byte {
	if g.dataN == 0 && len(data) > 0 {
		g.sum.pad()
	}
	g.dataN += uint64(len(data))
	out := make([]byte, len(data))
	g.stream.XORKeyStream(out, data)
	if g.encrypt {
		g.sum.write(out)
	} else {
		g.sum.write(data)
	}
	return out
}

func (g *gcmStream) tag() []byte {
	sum := g.sum
	sum.lengths(g.extraN, g.dataN)
	tag := sum.sum()
	subtle.XORBytes(tag[:], tag[:], g.mask[:])
	return tag[:]
}

func equalTags(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }

// counter32 is CTR whose counter are the last 32 bits of the block.
type counter32 struct {
	block   cipher.Block
	counter [aes.BlockSize]byte
	key     [aes.BlockSize]byte
	used    int
}

func (c *counter32) XORKeyStream(dst, src []byte) {
	for len(src) > 0 {
		if c.used == aes.BlockSize {
			last := c.counter[12:]
			binary.BigEndian.PutUint32(last, binary.BigEndian.Uint32(last)+1)
			c.block.Encrypt(c.key[:], c.counter[:])
			c.used = 0
		}
		n := subtle.XORBytes(dst, src, c.key[c.used:])
		c.used += n
		dst, src = dst[n:], src[n:]
	}
}

// ghash is a polynomial over GF(2^128). Elements are two words, the first one with
// the lowest powers.
type ghash struct {
	table   [16]element // the multiples of the key by the polynomials of degree below 4
	y       element
	pending [gcmTag]byte
	n       int
}

type element struct{ low, high uint64 }

func (h *ghash) init(key []byte) {
	// The table is indexed by four coefficients, the lowest power in the highest bit.
	x := element{binary.BigEndian.Uint64(key), binary.BigEndian.Uint64(key[8:])}
	h.table[8] = x
	for i := 4; i > 0; i /= 2 {
		x = x.double()
		h.table[i] = x
	}
	for i := 2; i < 16; i *= 2 {
		for j := 1; j < i; j++ {
			h.table[i+j] = element{h.table[i].low ^ h.table[j].low, h.table[i].high ^ h.table[j].high}
		}
	}
}

// double is x times the polynomial X.
func (x element) double() element {
	carry := -(x.high & 1)
	return element{x.low>>1 ^ 0xE1<<56&carry, x.high>>1 | x.low<<63}
}

func (h *ghash) multiply() {
	var z element
	for _, word := range [...]uint64{h.y.high, h.y.low} {
		for range 16 {
			// Four times X, with what falls out reduced.
			for range 4 {
				z = z.double()
			}
			t := &h.table[word&15]
			z.low ^= t.low
			z.high ^= t.high
			word >>= 4
		}
	}
	h.y = z
}

func (h *ghash) block(b []byte) {
	h.y.low ^= binary.BigEndian.Uint64(b)
	h.y.high ^= binary.BigEndian.Uint64(b[8:])
	h.multiply()
}

func (h *ghash) write(p []byte) {
	if h.n > 0 {
		n := copy(h.pending[h.n:], p)
		h.n += n
		p = p[n:]
		if h.n < gcmTag {
			return
		}
		h.n = 0
		h.block(h.pending[:])
	}
	for len(p) >= gcmTag {
		h.block(p)
		p = p[gcmTag:]
	}
	h.n = copy(h.pending[:], p)
}

func (h *ghash) pad() {
	if h.n > 0 {
		clear(h.pending[h.n:])
		h.n = 0
		h.block(h.pending[:])
	}
}

func (h *ghash) lengths(extra, data uint64) {
	h.pad()
	var b [gcmTag]byte
	binary.BigEndian.PutUint64(b[:], 8*extra)
	binary.BigEndian.PutUint64(b[8:], 8*data)
	h.block(b[:])
}

func (h *ghash) sum() (out [gcmTag]byte) {
	binary.BigEndian.PutUint64(out[:], h.y.low)
	binary.BigEndian.PutUint64(out[8:], h.y.high)
	return out
}

// ErrOneShot is a second Update of a cipher that takes all data at once.
var ErrOneShot = errors.New("all data must come at once")

// chachaStream is ChaCha20-Poly1305.
type chachaStream struct {
	aead           cipher.AEAD
	iv, extra, tag []byte
	done           bool
}

func newChacha(key, iv []byte) (*chachaStream, error) {
	aead, err := chacha20poly1305.New(key)
	if err != nil {
		return nil, err
	}
	return &chachaStream{aead: aead, iv: append([]byte(nil), iv...)}, nil
}

func (c *chachaStream) update(data []byte, encrypt bool) ([]byte, error) {
	if c.done {
		return nil, ErrOneShot
	}
	c.done = true
	if !encrypt {
		text := append(append(make([]byte, 0, len(data)+len(c.tag)), data...), c.tag...)
		plain, err := c.aead.Open(nil, c.iv, text, c.extra)
		if err != nil {
			return nil, ErrDecrypt
		}
		return plain, nil
	}
	out := c.aead.Seal(nil, c.iv, data, c.extra)
	c.tag = out[len(data):]
	return out[:len(data):len(data)], nil
}
