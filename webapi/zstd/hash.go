package zstd

import (
	"encoding/binary"
	"math/bits"
)

// hash64 is XXH64 with the seed 0, the checksum of frames.
type hash64 struct {
	lanes [4]uint64
	rest  [32]byte
	n     int // bytes in rest
	total uint64
}

const (
	prime1 uint64 = 0x9E3779B185EBCA87
	prime2 uint64 = 0xC2B2AE3D27D4EB4F
	prime3 uint64 = 0x165667B19E3779F9
	prime4 uint64 = 0x85EBCA77C2B2AE63
	prime5 uint64 = 0x27D4EB2F165667C5
)

func (h *hash64) reset() {
	*h = hash64{}
	p := prime1
	h.lanes = [4]uint64{p + prime2, prime2, 0, -p}
}

func mixLane(lane, v uint64) uint64 { return bits.RotateLeft64(lane+v*prime2, 31) * prime1 }

func (h *hash64) stripe(b []byte) {
	for i := range h.lanes {
		h.lanes[i] = mixLane(h.lanes[i], binary.LittleEndian.Uint64(b[8*i:]))
	}
}

func (h *hash64) write(b []byte) {
	h.total += uint64(len(b))
	if h.n > 0 {
		k := copy(h.rest[h.n:], b)
		h.n += k
		b = b[k:]
		if h.n < len(h.rest) {
			return
		}
		h.stripe(h.rest[:])
	}
	for ; len(b) >= len(h.rest); b = b[len(h.rest):] {
		h.stripe(b)
	}
	h.n = copy(h.rest[:], b)
}

func (h *hash64) sum() uint64 {
	v := prime5
	if h.total >= uint64(len(h.rest)) {
		v = 0
		for i, lane := range h.lanes {
			v += bits.RotateLeft64(lane, []int{1, 7, 12, 18}[i])
		}
		for _, lane := range h.lanes {
			v = (v^mixLane(0, lane))*prime1 + prime4
		}
	}
	v += h.total
	b := h.rest[:h.n]
	for ; len(b) >= 8; b = b[8:] {
		v = bits.RotateLeft64(v^mixLane(0, binary.LittleEndian.Uint64(b)), 27)*prime1 + prime4
	}
	if len(b) >= 4 {
		v = bits.RotateLeft64(v^uint64(binary.LittleEndian.Uint32(b))*prime1, 23)*prime2 + prime3
		b = b[4:]
	}
	for _, c := range b {
		v = bits.RotateLeft64(v^uint64(c)*prime5, 11) * prime1
	}
	v = (v ^ v>>33) * prime2
	v = (v ^ v>>29) * prime3
	return v ^ v>>32
}
