package zstd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func samples() map[string][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 200000)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	var text bytes.Buffer
	words := strings.Fields("the quick brown fox jumps over a lazy dog while nobody in town is looking at it")
	for text.Len() < 400000 {
		text.WriteString(words[r.IntN(len(words))])
		text.WriteByte(" .\n"[min(2, r.IntN(8)/3)])
	}
	skewed := make([]byte, 300000)
	for i := range skewed {
		skewed[i] = byte(r.ExpFloat64() * 9)
	}
	return map[string][]byte{
		"nothing": {}, "byte": {7}, "text": text.Bytes(), "zeros": make([]byte, 1<<20), "noise": noise, "skewed": skewed,
		"far": append(append(bytes.Clone(noise), text.Bytes()...), noise...), "short": []byte("hello hello hello, is there anybody?"),
	}
}

func pack(t testing.TB, data []byte, o ...zstd.EOption) []byte {
	t.Helper()
	var buf bytes.Buffer
	w, err := zstd.NewWriter(&buf, append([]zstd.EOption{zstd.WithEncoderConcurrency(1), zstd.WithZeroFrames(true)}, o...)...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// decode gives in pieces and takes at most out bytes at a time.
func decode(d *Decoder, data []byte, in, out int) ([]byte, error) {
	var got []byte
	for {
		b, err := d.Next(out)
		got = append(got, b...)
		switch {
		case errors.Is(err, io.EOF):
			return got, nil
		case err != nil:
			return got, err
		case len(b) > 0:
			continue
		case len(data) == 0:
			return got, io.ErrUnexpectedEOF
		}
		n := min(in, len(data))
		d.Feed(data[:n])
		data = data[n:]
	}
}

func TestDecodesWhatTheLibraryMakes(t *testing.T) {
	for name, data := range samples() {
		for level := zstd.SpeedFastest; level <= zstd.SpeedBestCompression; level++ {
			for _, o := range [][]zstd.EOption{{}, {zstd.WithEncoderCRC(false)}, {zstd.WithWindowSize(1 << 10)}, {zstd.WithNoEntropyCompression(true)}, {zstd.WithAllLitEntropyCompression(true)}, {zstd.WithWindowSize(1 << 17)}} {
				packed := pack(t, data, append(o, zstd.WithEncoderLevel(level))...)
				for _, how := range [][2]int{{1 << 20, 1 << 20}, {100, 1000}, {1, 1 << 20}} {
					if how[0] == 1 && len(packed) > 100000 {
						continue
					}
					d := NewDecoder(8 << 20)
					got, err := decode(d, packed, how[0], how[1])
					if err != nil || !bytes.Equal(got, data) {
						t.Fatalf("%s, level %v: %v, %d bytes of %d", name, level, err, len(got), len(data))
					}
					if d.Started() || d.Unread() != 0 {
						t.Fatalf("%s: it has not ended", name)
					}
				}
			}
		}
	}
}

func TestSkippableFramesAndSeveral(t *testing.T) {
	one := pack(t, []byte("one"))
	data := append([]byte{0x5F, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3}, one...)
	data = append(data, pack(t, []byte("two"))...)
	for piece := 1; piece < 30; piece++ {
		d := NewDecoder(1 << 20)
		var got []string
		part := ""
		for at := 0; at < len(data); {
			d.Feed(data[at:min(len(data), at+piece)])
			for {
				b, err := d.Next(100)
				part += string(b)
				if errors.Is(err, io.EOF) {
					got, part = append(got, part), ""
				} else if err != nil {
					t.Fatal(err)
				}
				if err == nil && b == nil {
					break
				}
			}
			at += piece - d.Unread()
		}
		if fmt.Sprint(got) != "[ one two]" || d.Started() {
			t.Fatalf("pieces of %d: %q", piece, got)
		}
	}
}

func TestWhatIsWrong(t *testing.T) {
	packed := pack(t, samples()["text"][:5000])
	broken := func(at int, with byte) []byte {
		b := bytes.Clone(packed)
		b[at] ^= with
		return b
	}
	for _, c := range []struct {
		name string
		in   []byte
		want error
	}{
		{"another format", []byte("x"), ErrPrefix},
		{"the third byte of the magic number", []byte{0x28, 0xB5, 0x2E}, ErrPrefix},
		{"a reserved flag", []byte{0x28, 0xB5, 0x2F, 0xFD, 8}, ErrUnsupported},
		{"a dictionary", []byte{0x28, 0xB5, 0x2F, 0xFD, 1, 0, 7}, ErrDictionary},
		{"a window of a gigabyte", []byte{0x28, 0xB5, 0x2F, 0xFD, 0, 20 << 3}, ErrWindow},
		{"a block of the reserved kind", []byte{0x28, 0xB5, 0x2F, 0xFD, 0, 0, 7, 0, 0}, ErrCorrupt},
		{"a block longer than the window", []byte{0x28, 0xB5, 0x2F, 0xFD, 0, 0, 1, 0x30, 0}, ErrCorrupt},
		{"a wrong checksum", broken(len(packed)-1, 1), ErrChecksum},
		{"a flipped bit in a block", broken(40, 4), ErrCorrupt},
		{"an end in the middle", packed[:len(packed)/2], io.ErrUnexpectedEOF},
	} {
		if _, err := decode(NewDecoder(1<<20), c.in, 7, 100); !errors.Is(err, c.want) && !(c.want == ErrCorrupt && errors.Is(err, ErrChecksum)) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

// However much a frame is, no more than its window and a block are held.
func TestHoldsNoMoreThanTheWindow(t *testing.T) {
	packed := pack(t, make([]byte, 64<<20), zstd.WithWindowSize(1<<17))
	d := NewDecoder(1 << 20)
	d.Feed(packed)
	total := 0
	for {
		b, err := d.Next(1 << 20)
		total += len(b)
		if cap(d.history) > 2<<20 {
			t.Fatalf("%d bytes are held", cap(d.history))
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || len(b) == 0 {
			t.Fatal(err, total)
		}
	}
	if total != 64<<20 {
		t.Fatal(total)
	}
}

func FuzzDecode(f *testing.F) {
	for _, data := range samples() {
		f.Add(pack(f, data[:min(len(data), 3000)]), byte(13))
	}
	lib, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<20))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, in []byte, piece byte) {
		got, err := decode(NewDecoder(1<<20), in, int(piece)+1, 1000)
		want, wantErr := lib.DecodeAll(in, nil)
		if err == nil && wantErr == nil && !bytes.HasPrefix(want, got) {
			t.Fatalf("%d bytes, want %d", len(got), len(want))
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	data := samples()["text"]
	packed := pack(b, data)
	b.SetBytes(int64(len(data)))
	d := NewDecoder(8 << 20)
	for b.Loop() {
		if _, err := decode(d, packed, 1<<16, 1<<16); err != nil {
			b.Fatal(err)
		}
	}
}
