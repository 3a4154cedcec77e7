package codec

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"

	"workerd.local/exception"
	"workerd.local/webapi/streams"
)

// run feeds a coder in pieces of some size and asks for its output in steps.
func run(c streams.Coder, in []byte, piece, step int) ([]byte, error) {
	var out []byte
	for {
		b, err := c.Next(step)
		if len(b) > step {
			return out, fmt.Errorf("%d bytes, where %d were asked for", len(b), step)
		}
		out = append(out, b...)
		switch {
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return out, err
		case len(b) > 0:
		case len(in) == 0:
			c.Finish()
		default:
			n := min(piece, len(in))
			c.Feed(bytes.Clone(in[:n]))
			in = in[n:]
		}
	}
}

var formats = []format{gzipFormat, deflateFormat, rawFormat, brotliFormat}

// packed is data as the library of that format writes it.
func packed(t testing.TB, f format, level int, data []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	var w io.WriteCloser
	var err error
	switch f {
	case gzipFormat:
		w, err = gzip.NewWriterLevel(&buf, level)
	case deflateFormat:
		w, err = zlib.NewWriterLevel(&buf, level)
	case rawFormat:
		w, err = flate.NewWriter(&buf, level)
	default:
		w = brotli.NewWriterLevel(&buf, max(level, 0))
	}
	if err == nil {
		if _, err = w.Write(data); err == nil {
			err = w.Close()
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func samples() map[string][]byte {
	r := rand.New(rand.NewSource(1))
	noise := make([]byte, 100_000)
	r.Read(noise)
	words := strings.Split("the gate of an actor holds back what may tell of writes that are not durable yet", " ")
	var text strings.Builder
	for range 30_000 {
		text.WriteString(words[r.Intn(len(words))] + " ")
	}
	few := make([]byte, 70_000)
	for i := range few {
		few[i] = "ab"[r.Intn(2)]
	}
	return map[string][]byte{
		"nothing": nil, "one": {7}, "noise": noise, "zeros": make([]byte, 300_000),
		"text": []byte(text.String()), "two letters": few, "period": bytes.Repeat([]byte("abc"), 50_000),
	}
}

func TestDecompressWhatLibrariesWrite(t *testing.T) {
	for name, data := range samples() {
		for _, f := range formats {
			for _, level := range []int{0, 1, 6, 9, flate.HuffmanOnly} {
				in := packed(t, f, level, data)
				for _, size := range [][2]int{{1 << 30, 1 << 30}, {1000, 777}, {7, 1 << 16}, {1, 100}} {
					if size[0] < 1000 && len(in) > 50_000 {
						continue
					}
					got, err := run(newDecompressor(f, true), in, size[0], size[1])
					if err != nil || !bytes.Equal(got, data) {
						t.Fatalf("%s, %s, level %d, pieces of %d: %v, %d bytes of %d", name, f, level, size[0], err, len(got), len(data))
					}
				}
			}
		}
	}
}

func TestCompressReadsBack(t *testing.T) {
	for name, data := range samples() {
		for _, f := range formats {
			var first []byte
			for i, size := range [][2]int{{1 << 30, 1 << 30}, {100, 50}} {
				out, err := run(newCompressor(f), data, size[0], size[1])
				if err != nil {
					t.Fatalf("%s, %s: %v", name, f, err)
				}
				got, err := run(newDecompressor(f, true), out, 1<<30, 1<<16)
				if err != nil || !bytes.Equal(got, data) {
					t.Fatalf("%s, %s: %v, %d bytes of %d", name, f, err, len(got), len(data))
				}
				if i == 0 {
					first = out
				}
			}
			if len(data) > 100_000 && name != "noise" && len(first) > len(data)/2 {
				t.Errorf("%s, %s: %d bytes became %d", name, f, len(data), len(first))
			}
		}
	}
}

func TestDecompressBadInput(t *testing.T) {
	long := bytes.Repeat([]byte("to be or not to be. "), 500)
	for _, f := range formats {
		good := packed(t, f, 6, long)
		for name, test := range map[string]struct {
			in   []byte
			want error // of a strict one
			lax  error
		}{
			"more behind it": {append(bytes.Clone(good), 0), errTrailing, nil},
			"twice":          {append(bytes.Clone(good), good...), errTrailing, nil},
			"cut":            {good[:len(good)-1], errIncomplete, nil},
			"begun":          {good[:3], errIncomplete, nil},
			"nothing":        {nil, errIncomplete, nil},
			"no such format": {bytes.Repeat([]byte{0xFF}, 20), errDecompress, errDecompress},
		} {
			for _, piece := range []int{1 << 20, 1} {
				if _, err := run(newDecompressor(f, true), test.in, piece, 1000); !errors.Is(err, test.want) {
					t.Errorf("%s, %s, strict: %v", f, name, err)
				}
				if _, err := run(newDecompressor(f, false), test.in, piece, 1000); !errors.Is(err, test.lax) {
					t.Errorf("%s, %s, lax: %v", f, name, err)
				}
			}
		}
	}
	for _, f := range []format{gzipFormat, deflateFormat} {
		good := packed(t, f, 6, long)
		good[len(good)-2] ^= 1
		if _, err := run(newDecompressor(f, true), good, 100, 100); !errors.Is(err, errDecompress) {
			t.Errorf("%s with a wrong sum: %v", f, err)
		}
	}
}

// Blocks that are wrong in ways that no compressor writes.
func TestInflateRefusesBadBlocks(t *testing.T) {
	for name, in := range map[string][]byte{
		"no such kind of block":       {0b111},
		"stored length and its check": {1, 5, 0, 5, 0},
		"too many codes":              {0b11111101, 0xFF, 0xFF},
		"a match before the start":    {0b10000011, 0b00000001, 0, 0},
	} {
		if out, err := run(newDecompressor(rawFormat, true), in, 1, 100); !errors.Is(err, errDecompress) {
			t.Errorf("%s: %q, %v", name, out, err)
		}
	}
}

func TestGzipHeaderParts(t *testing.T) {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	w.Name, w.Comment, w.Extra = "a name", "a comment", []byte("more")
	if _, err := w.Write([]byte("body")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	in := buf.Bytes()
	check := func(in []byte, want error) {
		t.Helper()
		for _, piece := range []int{1, 1000} {
			out, err := run(newDecompressor(gzipFormat, true), in, piece, 100)
			if !errors.Is(err, want) || want == nil && string(out) != "body" {
				t.Errorf("%q, %v; want %v", out, err, want)
			}
		}
	}
	check(in, nil)
	end := 10 + 2 + 4 + len("a name") + 1 + len("a comment") + 1
	withSum := bytes.Clone(in[:end])
	withSum[3] |= 1 << 1
	sum := crc32.ChecksumIEEE(withSum)
	withSum = append(append(withSum, byte(sum), byte(sum>>8)), in[end:]...)
	check(withSum, nil)
	withSum[end] ^= 1
	check(withSum, errDecompress)
	in = bytes.Clone(in)
	in[3] |= 0x80
	check(in, errDecompress)
}

// A small input that becomes very much is decoded no further than it is asked for.
func TestDecompressorHoldsLittle(t *testing.T) {
	bomb := packed(t, gzipFormat, 9, make([]byte, 50<<20))
	d := newDecompressor(gzipFormat, true)
	d.Feed(bomb)
	for range 10 {
		if b, err := d.Next(1000); len(b) != 1000 || err != nil {
			t.Fatal(len(b), err)
		}
	}
	if n := d.dec.(framed).Unread(); n < len(bomb)-100 {
		t.Fatalf("%d of %d bytes are used", len(bomb)-n, len(bomb))
	}
}

func FuzzInflate(f *testing.F) {
	for _, data := range samples() {
		f.Add(packed(f, rawFormat, 6, data[:min(len(data), 2000)]), byte(13))
	}
	f.Fuzz(func(t *testing.T, in []byte, piece byte) {
		want, wantErr := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(in)), 1<<20))
		d := newDecompressor(rawFormat, false)
		var got []byte
		rest := in
		var err error
		for len(got) < 1<<20 && err == nil {
			var b []byte
			b, err = d.Next(4096)
			got = append(got, b...)
			if err == nil && len(b) == 0 {
				if len(rest) == 0 {
					break
				}
				n := min(len(rest), int(piece)+1)
				d.Feed(rest[:n])
				rest = rest[n:]
			}
		}
		var e *exception.Exception
		if err != nil && !errors.As(err, &e) {
			t.Fatal(err)
		}
		if wantErr == nil && (err != nil || !bytes.Equal(got[:min(len(got), len(want))], want)) {
			t.Fatalf("%v, %d bytes; want %d", err, len(got), len(want))
		}
	})
}

func BenchmarkDecompress(b *testing.B) {
	data := samples()["text"]
	for _, f := range formats {
		in := packed(b, f, 6, data)
		b.Run(string(f), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := run(newDecompressor(f, true), in, 1<<16, 1<<16); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	in := packed(b, rawFormat, 6, data)
	b.Run("compress/flate", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			if _, err := io.Copy(io.Discard, flate.NewReader(bytes.NewReader(in))); err != nil {
				b.Fatal(err)
			}
		}
	})
}
