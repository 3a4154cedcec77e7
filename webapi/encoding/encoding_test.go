package encoding

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestUTF8ReplacesMaximalParts(t *testing.T) {
	for in, want := range map[string]string{
		"a€😀":                   "a€😀",
		"\xff":                  "\uFFFD",
		"\xc0\x80":              "\uFFFD\uFFFD",
		"\xe2\x82A":             "\uFFFDA",
		"\xf0\x9fA\xe2\x82\xc0": "\uFFFDA\uFFFD\uFFFD",
		"\xed\xa0\x80":          "\uFFFD\uFFFD\uFFFD",
		"\xf0\x90\x80":          "\uFFFD",
		"\xf4\x90\x80\x80":      "\uFFFD\uFFFD\uFFFD\uFFFD",
		"\xe0\x9f\x80":          "\uFFFD\uFFFD\uFFFD",
		"x\x80\x80y":            "x\uFFFD\uFFFDy",
	} {
		if got := DecodeUTF8(in); got != want {
			t.Errorf("%q gave %q, want %q", in, got, want)
		}
	}
}

func decoder(t testing.TB, label string, o Options) *Decoder {
	t.Helper()
	d, err := NewDecoder(label, o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// pieces decodes in piece by piece of n bytes.
func pieces(t testing.TB, d *Decoder, in string, n int) string {
	t.Helper()
	var out strings.Builder
	for len(in) > 0 {
		k := min(n, len(in))
		s, err := d.Decode([]byte(in[:k]), true)
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString(s)
		in = in[k:]
	}
	s, err := d.Decode(nil, false)
	if err != nil {
		t.Fatal(err)
	}
	out.WriteString(s)
	return out.String()
}

func TestAnyCutGivesTheSameText(t *testing.T) {
	for label, ins := range map[string][]string{
		"utf-8":       {"a€😀b", "\xef\xbb\xbfx", "\xe2\x82", "\xf0\x9f\x98A\xff\xe2\x28\xa1", "\xed\xa0\x80", "\xf0\x90\x80\xf0\x90\x80\x80"},
		"utf-16le":    {"\xff\xfea\x00\x3d\xd8\x00\xde", "\x3d\xd8a\x00", "\x00\xdea\x00b", "\x3d\xd8\x3d", "\x3d\xd8\x3d\xd8\x00\xde"},
		"utf-16be":    {"\xfe\xff\x00a\xd8\x3d\xde\x00", "\xd8\x3d"},
		"shift_jis":   {"\x82\xa0\x83A\x82", "\xfd\x82\xa0"},
		"gb18030":     {"\xc4\xe3\x84\x31\xa4\x37\x90\x30\x81\x30", "\x84\x31"},
		"euc-jp":      {"\xa4\xa2\x8f\xb0\xa1\xff"},
		"iso-2022-jp": {"\x1b$B$\"\x1b(Ba"},
		"big5":        {"\xa7\x41\xff"},
		"euc-kr":      {"\xb0\xa1\xff"},
	} {
		for _, in := range ins {
			d := decoder(t, label, Options{})
			whole, err := d.Decode([]byte(in), false)
			if err != nil {
				t.Fatal(err)
			}
			for n := 1; n < 4; n++ {
				if got := pieces(t, d, in, n); got != whole {
					t.Errorf("%s %q: whole %q, in pieces of %d %q", label, in, whole, n, got)
				}
			}
		}
	}
}

func FuzzUTF8Pieces(f *testing.F) {
	f.Add("a€😀\xff\xf0\x9f", 1)
	f.Fuzz(func(t *testing.T, in string, n int) {
		if n < 1 || n > 16 {
			return
		}
		d := decoder(t, "utf-8", Options{IgnoreBOM: true})
		whole := DecodeUTF8(in)
		if !utf8.ValidString(whole) {
			t.Fatalf("%q", whole)
		}
		if got := pieces(t, d, in, n); got != whole {
			t.Fatalf("%q in pieces of %d: %q, want %q", in, n, got, whole)
		}
	})
}

func TestByteOrderMark(t *testing.T) {
	const in = "\xef\xbb\xbf\xef\xbb\xbfa"
	for ignore, want := range map[bool]string{false: "\uFEFFa", true: "\uFEFF\uFEFFa"} {
		d := decoder(t, "utf8", Options{IgnoreBOM: ignore})
		for range 2 { // the second call starts anew
			if got, _ := d.Decode([]byte(in), false); got != want {
				t.Errorf("ignoreBOM %v: %q", ignore, got)
			}
		}
	}
}

func TestFatal(t *testing.T) {
	for label, in := range map[string]string{
		"utf-8": "a\xff", "utf-16": "\x00\xd8", "utf-16be": "\x00", "windows-1253": "\xaa", "shift_jis": "\x82", "gb18030": "\xff", "big5": "\x80", "euc-kr": "\xc9\x41",
	} {
		d := decoder(t, label, Options{Fatal: true})
		if s, err := d.Decode([]byte(in), false); err != errDecode {
			t.Errorf("%s %q gave %q, %v", label, in, s, err)
		}
		if s, err := d.Decode([]byte("  "), false); err != nil {
			t.Errorf("%s does not recover: %q, %v", label, s, err)
		}
	}
	d := decoder(t, "gb18030", Options{Fatal: true})
	if s, err := d.Decode([]byte("\x84\x31\xa4\x37"), false); err != nil || s != "\uFFFD" {
		t.Errorf("U+FFFD itself: %q, %v", s, err)
	}
}

func TestUnknownLabels(t *testing.T) {
	for _, label := range []string{"", "foo", "utf-7", "iso-2022-kr", "hz-gb-2312", "replacement", "\u212Aoi8-r", "utf-8\x00", "\u00a0utf-8"} {
		_, err := NewDecoder(label, Options{})
		if err == nil || err.Error() != "RangeError: "+strconv.Quote(label)+" is not a valid encoding." {
			t.Errorf("%q: %v", label, err)
		}
	}
	if d := decoder(t, "\t\n\f\r UTF-8 ", Options{}); d.Name() != "utf-8" {
		t.Error(d.Name())
	}
}

// testdata/labels.txt lists label and encoding; testdata/single-byte.txt the
// characters that the bytes from 0x80 on stand for (WHATWG Encoding).
func TestEveryLabel(t *testing.T) {
	eachLine(t, "testdata/labels.txt", func(label, name string) {
		d, err := NewDecoder(label, Options{})
		if err != nil {
			t.Error(err)
		} else if d.Name() != name {
			t.Errorf("%s is %s, want %s", label, d.Name(), name)
		}
	})
}

func TestSingleByteTables(t *testing.T) {
	eachLine(t, "testdata/single-byte.txt", func(name, table string) {
		d := decoder(t, name, Options{})
		for i, hex := range strings.Fields(table) {
			want, err := strconv.ParseInt(hex, 16, 32)
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := d.Decode([]byte{byte(i + 0x80)}, false); got != string(rune(want)) {
				t.Errorf("%s: byte %#x is %q, want %q", name, i+0x80, got, rune(want))
			}
		}
	})
}

// Every two bytes from 0x80 on, followed by a letter; the sums are of what a
// decoder that follows the standard to the letter (encoding_rs) makes of them.
func TestEveryPairOfBytes(t *testing.T) {
	for label, want := range map[string]string{
		"big5":      "15ab5046a8d49e97d7a18d54e54bb64b63ca1b425f8b7cf3f2251fff375acae4",
		"euc-jp":    "3a308f30959f4f0f1bfcbe7e5491b0c018ab3bbf005c5147d320b234bf17f91f",
		"euc-kr":    "c9fb7486bf84a8548b11a056b2adc6d5787ad1ed990d4f5f55803f13ad81d597",
		"gb18030":   "5de1bb57c43e17f096e8f520061a1f1b4b01b57d0751b1d39d9b91794dfb621a",
		"gbk":       "5de1bb57c43e17f096e8f520061a1f1b4b01b57d0751b1d39d9b91794dfb621a",
		"shift_jis": "fb2d42b1a887c77ce218d6b994c4222cd2006c8d73edf671c0fffe8efcb85066",
	} {
		d := decoder(t, label, Options{})
		h := sha256.New()
		for a := 0x80; a < 0x100; a++ {
			for b := range 0x100 {
				text, err := d.Decode([]byte{byte(a), byte(b), 'A'}, false)
				if err != nil {
					t.Fatal(err)
				}
				h.Write([]byte(text + "\n"))
			}
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != want {
			t.Errorf("%s: sum %s, want %s", label, got, want)
		}
	}
}

func TestMalformedSequences(t *testing.T) {
	for _, c := range []struct{ label, in, want string }{
		{"gb18030", "\x84\x31\xa4\x37", "\uFFFD"},
		{"gb18030", "\x81\x30\x81\x30", "\u0080"},
		{"gb18030", "\x90\x30\x81\x30", "\U00010000"},
		{"gb18030", "\xe3\x32\x9a\x35", "\U0010FFFF"},
		{"gb18030", "\xe3\x32\x9a\x36A", "\uFFFDA"},
		{"gb18030", "\x81\x30A", "\uFFFD0A"},
		{"gb18030", "\x81\x30\x81A", "\uFFFD0丄"},
		{"gb18030", "\x81\x35\xf4\x37", "\uE7C7"},
		{"gb18030", "\x81\x30\x81", "\uFFFD"},
		{"euc-jp", "\x8f\xb0\xa1", "丂"},
		{"euc-jp", "\x8f\xb0A", "\uFFFDA"},
		{"euc-jp", "\x8f\xb0", "\uFFFD"},
		{"big5", "\x88\x62\x88\xa5", "Ê̄ê̌"},
		{"iso-2022-jp", "\x1b$B$\"\x1b(Ba\x1b(J\\~\x1b(I1", "あa¥‾ｱ"},
		{"iso-2022-jp", "\x1b(B\x1b(Ba", "\uFFFDa"},
		{"iso-2022-jp", "\x1b", "\uFFFD"},
		{"iso-2022-jp", "\x1b$", "\uFFFD$"},
		{"iso-2022-jp", "\x1b$B$", "\uFFFD"},
		{"iso-2022-jp", "\x1b(Xa\x0e\x80", "\uFFFD(Xa\uFFFD\uFFFD"},
		{"iso-2022-jp", "\x1b$B$\x1b(Ba", "\uFFFDa"},
	} {
		if got, _ := decoder(t, c.label, Options{}).Decode([]byte(c.in), false); got != c.want {
			t.Errorf("%s %q gave %q, want %q", c.label, c.in, got, c.want)
		}
	}
}

func eachLine(t *testing.T, file string, fn func(key, rest string)) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	for sc := bufio.NewScanner(f); sc.Scan(); n++ {
		key, rest, ok := strings.Cut(sc.Text(), "\t")
		if !ok {
			t.Fatalf("%s:%d: no tab", file, n+1)
		}
		fn(key, rest)
	}
	if n == 0 {
		t.Fatalf("%s is empty", file)
	}
}

func TestBase64(t *testing.T) {
	for in, want := range map[string]string{"": "", "YQ==": "a", "YQ": "a", " Y Q\n=\t=": "a", "YWI=": "ab", "YWJj": "abc", "/+8=": "\xff\xef", "YR==": "a"} {
		got, err := DecodeBase64(in)
		if err != nil || string(got) != want {
			t.Errorf("%q gave %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"a", "ab=c", "YQ=", "=", "==", "a===", "YQ===", "é", "-_==", "YWJjZ", "\x00\x00\x00\x00", "ab\u00a0c", "AA\n\n\nA==", "Y\n\n\n"} {
		if got, err := DecodeBase64(in); err != errAtob {
			t.Errorf("%q gave %q, %v", in, got, err)
		}
	}
	var all []byte
	for i := range 256 {
		all = append(all, byte(i))
	}
	back, err := FromBinary(ToBinary(all))
	if err != nil || string(back) != string(all) {
		t.Errorf("binary: %q, %v", back, err)
	}
	if _, err := FromBinary("Ā"); err != errBtoa {
		t.Error(err)
	}
}
