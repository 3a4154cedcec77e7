package wasm

import (
	"fmt"
	"unicode/utf8"
)

// malformed is what reading throws inside this package; decode turns it into an error.
type malformed struct {
	text   string
	offset int
}

func (m malformed) Error() string { return fmt.Sprintf("%s @+%d", m.text, m.offset) }

// reader reads the binary format.
type reader struct {
	b    []byte
	at   int
	base int // offset of b in the module
}

func (r *reader) fail(format string, args ...any) {
	panic(malformed{fmt.Sprintf(format, args...), r.base + r.at})
}

func (r *reader) done() bool { return r.at >= len(r.b) }

func (r *reader) byte() byte {
	if r.at >= len(r.b) {
		r.fail("unexpected end")
	}
	r.at++
	return r.b[r.at-1]
}

func (r *reader) bytes(n int) []byte {
	if n < 0 || n > len(r.b)-r.at {
		r.fail("expected %d bytes, fell off end", n)
	}
	r.at += n
	return r.b[r.at-n : r.at : r.at]
}

// u32 reads an unsigned LEB128 number.
func (r *reader) u32() uint32 {
	var v uint64
	for shift := 0; shift < 35; shift += 7 {
		c := r.byte()
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			if v>>32 != 0 {
				break
			}
			return uint32(v)
		}
	}
	r.fail("invalid LEB128 number")
	return 0
}

// leb passes over a LEB128 number of at most max bytes and returns its bytes.
func (r *reader) leb(most int) []byte {
	start := r.at
	for range most {
		if r.byte() < 0x80 {
			return r.b[start:r.at]
		}
	}
	r.fail("invalid LEB128 number")
	return nil
}

// count reads the length of a vector whose elements take at least one byte each, so
// that a short module cannot ask for a lot of memory.
func (r *reader) count() int {
	n := r.u32()
	if uint64(n) > uint64(len(r.b)-r.at) {
		r.fail("a vector of %d elements does not fit", n)
	}
	return int(n)
}

func (r *reader) name() string {
	b := r.bytes(int(r.u32()))
	if !utf8.Valid(b) {
		r.fail("invalid UTF-8 string")
	}
	return string(b)
}

// sub is a reader for the next n bytes.
func (r *reader) sub(n int) *reader {
	base := r.base + r.at
	return &reader{b: r.bytes(n), base: base}
}

func appendU32(b []byte, v uint32) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

// appendS32 appends a signed LEB128 number.
func appendS32(b []byte, v int32) []byte {
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

func appendName(b []byte, s string) []byte { return append(appendU32(b, uint32(len(s))), s...) }

// appendSection appends a section; an empty body is left out.
func appendSection(b []byte, id byte, body []byte) []byte {
	if len(body) == 0 {
		return b
	}
	b = appendU32(append(b, id), uint32(len(body)))
	return append(b, body...)
}
