package zlib

import (
	"bytes"
	"testing"
)

// sink is a coder that makes output for ever.
type sink struct{ calls int }

func (s *sink) work(_, out []byte, _ int) (int, int, *failure) {
	s.calls++
	return 0, len(out), nil
}

func (*sink) reset() *failure { return nil }

func TestAWholeValueStopsWithTheTurn(t *testing.T) {
	s := &sink{}
	if _, f := whole(s, nil, 0, 1<<30, func() bool { return s.calls == 5 }); f == nil || s.calls != 5 {
		t.Fatal(f, s.calls)
	}
}

func TestAWholeValueEndsAtItsBound(t *testing.T) {
	for _, most := range []int{1, 63, firstChunk, firstChunk + 1, 5 << 20} {
		if _, f := whole(&sink{}, nil, 0, most, func() bool { return false }); f != tooLarge {
			t.Fatalf("%d: %v", most, f)
		}
	}
}

// Whatever the sizes of input and output, the same comes out, and nothing is left over.
func TestCodersInPieces(t *testing.T) {
	data := bytes.Repeat([]byte("what is said again and again becomes short. "), 3000)
	o := options{level: 6, windowBits: 15, memLevel: 8, size: -1, params: map[int]int{}}
	brotli := o
	brotli.params = map[int]int{paramQuality: 4}
	for _, c := range []struct {
		name           string
		encode, decode mode
		o              options
		finish         int
	}{
		{"zlib", modeDeflate, modeInflate, o, finish}, {"gzip", modeGzip, modeUnzip, o, finish},
		{"brotli", modeBrotliEncode, modeBrotliDecode, brotli, brotliFinish}, {"zstd", modeZstdEncode, modeZstdDecode, o, zstdEnd},
	} {
		for _, size := range [][2]int{{1 << 20, 1 << 20}, {1000, 64}, {70000, 999}, {1, 5000}} {
			code := func(m mode, in []byte) []byte {
				o := c.o
				if m == modeBrotliDecode {
					o.params = nil
				}
				coder, f := newCoder(m, o, 8<<20)
				if f != nil {
					t.Fatal(f)
				}
				var out []byte
				buf := make([]byte, size[1])
				for {
					n := min(len(in), size[0])
					piece, flush := in[:n], 0
					if in = in[n:]; len(in) == 0 {
						flush = c.finish
					}
					for {
						read, written, f := coder.work(piece, buf, flush)
						if f != nil {
							t.Fatalf("%s %v: %+v", c.name, size, f)
						}
						out = append(out, buf[:written]...)
						if piece = piece[read:]; written < len(buf) {
							break
						}
					}
					if len(piece) > 0 {
						t.Fatalf("%s %v: %d bytes are left", c.name, size, len(piece))
					}
					if len(in) == 0 {
						return out
					}
				}
			}
			packed := code(c.encode, data)
			if got := code(c.decode, packed); !bytes.Equal(got, data) || len(packed) > len(data)/20 {
				t.Fatalf("%s %v: %d bytes became %d, and %d again", c.name, size, len(data), len(packed), len(got))
			}
		}
	}
}
