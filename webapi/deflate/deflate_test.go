package deflate

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"workerd.local/internal/peer"
)

// samples are data of every kind: nothing, one byte, text, runs, noise, and enough to
// fill windows.
func samples() map[string][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 70000)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	var text bytes.Buffer
	words := strings.Fields("the quick brown fox jumps over a lazy dog while nobody in town is looking at it")
	for text.Len() < 150000 {
		text.WriteString(words[r.IntN(len(words))])
		text.WriteByte(" .\n"[min(2, r.IntN(8)/3)])
	}
	return map[string][]byte{
		"nothing": {}, "byte": {7}, "text": text.Bytes(), "runs": bytes.Repeat([]byte("aaaaaaaaaaaaaaaaaaaab"), 9000),
		"noise": noise, "mixed": append(append(bytes.Clone(noise[:3000]), text.Bytes()[:50000]...), noise...),
	}
}

// encodeAll gives in pieces and takes out pieces of the given sizes.
func encodeAll(t testing.TB, e *Encoder, data []byte, in, out int, flush Flush) []byte {
	t.Helper()
	var got []byte
	buf := make([]byte, out)
	for {
		n := min(in, len(data))
		piece := data[:n]
		data = data[n:]
		f := flush
		if len(data) == 0 {
			f = Finish
		}
		for {
			read, written, err := e.Encode(piece, buf, f)
			if err != nil && !errors.Is(err, ErrNoProgress) {
				t.Fatal(err)
			}
			got = append(got, buf[:written]...)
			piece = piece[read:]
			if written < len(buf) {
				break
			}
		}
		if len(piece) != 0 {
			t.Fatalf("%d bytes were not taken", len(piece))
		}
		if f == Finish {
			if !e.Done() {
				t.Fatal("not done")
			}
			return got
		}
	}
}

// decodeAll likewise.
func decodeAll(d *Decoder, data []byte, in, out int) ([]byte, error) {
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

func TestEverySettingComesBack(t *testing.T) {
	for name, data := range samples() {
		for level := range 10 {
			for s := DefaultStrategy; s <= Fixed; s++ {
				if (level+int(s)+len(data))%7 != 0 {
					continue
				}
				bits, mem := 9+(level+int(s))%7, 1+(level*2+int(s))%9
				o := EncoderOptions{Frame: Frame(level % 3), Level: level, WindowBits: bits, MemLevel: mem, Strategy: s}
				e, err := NewEncoder(o)
				if err != nil {
					t.Fatal(err)
				}
				for _, how := range []struct {
					in, out int
					flush   Flush
				}{{1 << 20, 1 << 20, NoFlush}, {1000, 333, NoFlush}, {5000, 64, SyncFlush}, {3000, 5000, FullFlush}, {7000, 100, PartialFlush}, {4000, 100, Block}} {
					e.Reset()
					packed := encodeAll(t, e, data, how.in, how.out, how.flush)
					d := NewDecoder(DecoderOptions{Frame: o.Frame, WindowBits: bits})
					got, err := decodeAll(d, packed, 777, 1234)
					if err != nil || !bytes.Equal(got, data) {
						t.Fatalf("%s, %+v, %+v: %v, %d bytes of %d", name, o, how, err, len(got), len(data))
					}
					if d.Rest() {
						t.Fatalf("%s, %+v: bytes are left", name, o)
					}
					if o.Frame == Raw {
						got, err := io.ReadAll(flate.NewReader(bytes.NewReader(packed)))
						if err != nil || !bytes.Equal(got, data) {
							t.Fatalf("%s, %+v, %+v: the library: %v", name, o, how, err)
						}
					}
				}
			}
		}
	}
}

// What node's zlib makes of short texts, where all versions of zlib agree.
func TestBytesOfZlib(t *testing.T) {
	encode := func(o EncoderOptions, data string) string {
		e, err := NewEncoder(o)
		if err != nil {
			t.Fatal(err)
		}
		return base64.StdEncoding.EncodeToString(encodeAll(t, e, []byte(data), 1<<20, 1<<20, NoFlush))
	}
	for _, c := range []struct {
		o          EncoderOptions
		data, want string
	}{
		{EncoderOptions{Level: -1, WindowBits: 15, MemLevel: 8}, "", "eJwDAAAAAAE="},
		{EncoderOptions{Level: -1, WindowBits: 15, MemLevel: 8}, "a", "eJxLBAAAYgBi"},
		{EncoderOptions{Level: 0, WindowBits: 15, MemLevel: 8}, "abc", "eAEBAwD8/2FiYwJNASc="},
		{EncoderOptions{Level: 9, WindowBits: 15, MemLevel: 9}, strings.Repeat("ab", 20), "eNpLTEokCgIAOHsPPQ=="},
		{EncoderOptions{Frame: Raw, Level: 6, WindowBits: 15, MemLevel: 8}, "aaaaaaaaaa", "S0yEAQA="},
		{EncoderOptions{Frame: Gzip, Level: 6, WindowBits: 15, MemLevel: 8}, "", "H4sIAAAAAAAAAwMAAAAAAAAAAAA="},
	} {
		if got := encode(c.o, c.data); got != c.want {
			t.Errorf("%+v of %q: %s, want %s", c.o, c.data, got, c.want)
		}
	}
}

// A node on this machine makes the same bytes where the search sees all there is, and
// about as many where it gives up early: its hash is another one.
func TestBytesOfNode(t *testing.T) {
	node := peer.Node(t)
	type ask struct {
		Data                                  string
		Level, WindowBits, MemLevel, Strategy int
	}
	var asks []ask
	var want []string
	for name, data := range samples() {
		for s := DefaultStrategy; s <= Fixed; s++ {
			for level := range 10 {
				mem := []int{1, 5, 8, 9}[level%4]
				e, err := NewEncoder(EncoderOptions{Level: level, WindowBits: 15, MemLevel: mem, Strategy: s})
				if err != nil {
					t.Fatal(err)
				}
				asks = append(asks, ask{base64.StdEncoding.EncodeToString(data), level, 15, mem, int(s)})
				want = append(want, fmt.Sprintf("%s, strategy %d, level %d", name, s, level), base64.StdEncoding.EncodeToString(encodeAll(t, e, data, 1<<20, 1<<20, NoFlush)))
			}
		}
	}
	in, err := json.Marshal(asks)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(node, "-e", `const z = require("zlib"); console.log(JSON.stringify(JSON.parse(require("fs").readFileSync(0, "utf8")).map((a) =>
		z.deflateSync(Buffer.from(a.Data, "base64"), { level: a.Level, windowBits: a.WindowBits, memLevel: a.MemLevel, strategy: a.Strategy }).toString("base64"))))`)
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	for i, g := range got {
		mine, a := want[2*i+1], asks[i]
		same := a.Level > 7 || a.Level > 0 && (a.Strategy == int(HuffmanOnly) || a.Strategy == int(RLE))
		if same && g != mine || len(mine) > len(g)+len(g)/200 {
			t.Errorf("%s: node has %d bytes, this %d", want[2*i], len(g), len(mine))
		}
	}
}

func TestParametersChangeInTheMiddle(t *testing.T) {
	data := samples()["mixed"]
	r := rand.New(rand.NewPCG(3, 4))
	for round := range 30 {
		e, err := NewEncoder(EncoderOptions{Level: round % 10, WindowBits: 9 + round%7, MemLevel: 1 + round%9})
		if err != nil {
			t.Fatal(err)
		}
		var packed []byte
		buf := make([]byte, 1<<20)
		for rest := data; len(rest) > 0; {
			n := min(len(rest), r.IntN(20000))
			read, written, err := e.Encode(rest[:n], buf, Flush(r.IntN(4)))
			if err != nil && !errors.Is(err, ErrNoProgress) || read != n {
				t.Fatal(err, read, n)
			}
			packed = append(packed, buf[:written]...)
			rest = rest[n:]
			written, err = e.SetParams(r.IntN(10), Strategy(r.IntN(5)), buf)
			if err != nil {
				t.Fatal(err)
			}
			packed = append(packed, buf[:written]...)
		}
		packed = append(packed, encodeAll(t, e, nil, 1, 1000, NoFlush)...)
		got, err := decodeAll(NewDecoder(DecoderOptions{}), packed, 1000, 1000)
		if err != nil || !bytes.Equal(got, data) {
			t.Fatalf("round %d: %v, %d bytes of %d", round, err, len(got), len(data))
		}
	}
}

func TestDictionaries(t *testing.T) {
	text := samples()["text"]
	for _, size := range []int{1, 2, 3, 300, 40000} {
		dictionary, data := text[:size], text[size/2:size/2+2000]
		for _, f := range []Frame{Zlib, Raw} {
			e, err := NewEncoder(EncoderOptions{Frame: f, Level: 6, WindowBits: 12, MemLevel: 8, Dictionary: dictionary})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				packed := encodeAll(t, e, data, 100, 100, NoFlush)
				d := NewDecoder(DecoderOptions{Frame: f, Dictionary: dictionary})
				got, err := decodeAll(d, packed, 10, 100)
				if err != nil || !bytes.Equal(got, data) {
					t.Fatalf("%d, %d: %v", f, size, err)
				}
				if f == Zlib {
					for _, other := range [][]byte{nil, text[1:][:size]} {
						if _, err := decodeAll(NewDecoder(DecoderOptions{Dictionary: other}), packed, 10, 100); !errors.Is(err, ErrDictionary) {
							t.Fatalf("%d: %v", size, err)
						}
					}
				}
				e.Reset()
			}
		}
	}
	if _, err := NewEncoder(EncoderOptions{Frame: Gzip, Level: 6, WindowBits: 15, MemLevel: 8, Dictionary: text}); !errors.Is(err, ErrDictionarySet) {
		t.Fatal(err)
	}
}

func TestComplaintsOfZlib(t *testing.T) {
	for _, c := range []struct {
		frame Frame
		bits  int
		in    string
		want  string
	}{
		{Zlib, 0, "garbage", "incorrect header check"},
		{Auto, 0, "garbage", "incorrect header check"},
		{Gzip, 0, "garbage", "incorrect header check"},
		{Zlib, 0, "\x79\x18", "unknown compression method"},
		{Zlib, 9, "\x78\x9c", "invalid window size"},
		{Gzip, 0, "\x1f\x8b\x07", "unknown compression method"},
		{Gzip, 0, "\x1f\x8b\x08\xe0", "unknown header flags set"},
		{Raw, 0, "\x07", "invalid block type"},
		{Raw, 0, "\x00\x01\x00\x00\x00", "invalid stored block lengths"},
		{Raw, 0, "\xfc\x00\x00", "too many length or distance symbols"},
		{Raw, 0, "\x04\x00\xfe\xff", "invalid code lengths set"},
		{Raw, 0, "\x02\x7e\xff\xff", "invalid distance code"},
		{Raw, 0, "\x02", "unexpected EOF"},
		{Zlib, 0, "\x78\x9c\x4b\x04\x00\x00\x62\x00\x63", "incorrect data check"},
		{Zlib, 0, "\x78\x9c\x4b", "unexpected EOF"},
	} {
		_, err := decodeAll(NewDecoder(DecoderOptions{Frame: c.frame, WindowBits: c.bits}), []byte(c.in), 1, 100)
		if err == nil || err.Error() != c.want {
			t.Errorf("%q: %v, want %s", c.in, err, c.want)
		}
	}
}

// What follows the frame is given back to the byte, however the pieces are cut.
func TestUnreadBytes(t *testing.T) {
	for f := Zlib; f <= Raw; f++ {
		e, err := NewEncoder(EncoderOptions{Frame: f, Level: 6, WindowBits: 15, MemLevel: 8})
		if err != nil {
			t.Fatal(err)
		}
		packed := encodeAll(t, e, []byte("0123456789012345678901234567890123456789"), 100, 100, NoFlush)
		data := append(bytes.Clone(packed), "more than eight bytes"...)
		for piece := 1; piece < 40; piece++ {
			d := NewDecoder(DecoderOptions{Frame: f})
			used := 0
			for at := 0; ; at += piece {
				d.Feed(data[at:min(len(data), at+piece)])
				var err error
				for b := []byte{0}; len(b) > 0 && err == nil; {
					b, err = d.Next(7)
				}
				if errors.Is(err, io.EOF) {
					used = min(len(data), at+piece) - d.Unread()
					break
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if used != len(packed) {
				t.Fatalf("frame %d in pieces of %d: %d bytes used of %d", f, piece, used, len(packed))
			}
		}
	}
}

func TestOptionsOutOfRange(t *testing.T) {
	for _, o := range []EncoderOptions{
		{Level: 10, WindowBits: 15, MemLevel: 8}, {Level: -2, WindowBits: 15, MemLevel: 8}, {WindowBits: 7, MemLevel: 8}, {WindowBits: 16, MemLevel: 8},
		{WindowBits: 15}, {WindowBits: 15, MemLevel: 10}, {WindowBits: 15, MemLevel: 8, Strategy: 5}, {Frame: Auto, WindowBits: 15, MemLevel: 8},
		{Frame: Raw, WindowBits: 8, MemLevel: 8}, {Frame: Gzip, WindowBits: 8, MemLevel: 8},
	} {
		if _, err := NewEncoder(o); !errors.Is(err, ErrOptions) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("some text, some text"), byte(6), byte(15), byte(8), byte(0), byte(5))
	f.Fuzz(func(t *testing.T, data []byte, level, window, mem, strategy, piece byte) {
		e, err := NewEncoder(EncoderOptions{Frame: Frame(level % 3), Level: int(level % 10), WindowBits: 9 + int(window%7), MemLevel: 1 + int(mem%9), Strategy: Strategy(strategy % 5)})
		if err != nil {
			t.Fatal(err)
		}
		packed := encodeAll(t, e, data, int(piece)+1, 64, Flush(piece%4))
		got, err := decodeAll(NewDecoder(DecoderOptions{Frame: Frame(level % 3)}), packed, int(piece)+1, 100)
		if err != nil || !bytes.Equal(got, data) {
			t.Fatal(err)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	data := samples()["text"]
	for _, level := range []int{1, 6, 9} {
		b.Run(fmt.Sprint(level), func(b *testing.B) {
			e, err := NewEncoder(EncoderOptions{Level: level, WindowBits: 15, MemLevel: 8})
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				e.Reset()
				encodeAll(b, e, data, 1<<20, 1<<20, NoFlush)
			}
		})
		b.Run(fmt.Sprint("library", level), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			w, err := flate.NewWriter(io.Discard, level)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				w.Reset(io.Discard)
				if _, err := w.Write(data); err != nil {
					b.Fatal(err)
				}
				if err := w.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
