package encoding

import (
	"sync"
	"unicode/utf8"

	"golang.org/x/text/encoding"
)

// byteTable is what the bytes from 0x80 on stand for.
type byteTable [128]rune

var (
	tablesMu sync.Mutex // guards tables
	tables   = map[string]*byteTable{}
)

// tableOf returns the table of a single-byte encoding. Where the library knows no
// character for a byte below 0xA0, the standard's index has the control character
// of the same number.
func tableOf(name string, enc encoding.Encoding) *byteTable {
	tablesMu.Lock()
	defer tablesMu.Unlock()
	if t := tables[name]; t != nil {
		return t
	}
	t := &byteTable{}
	for i := range t {
		b := byte(i + 0x80)
		text, err := enc.NewDecoder().Bytes([]byte{b})
		t[i], _ = utf8.DecodeRune(text)
		if (err != nil || t[i] == utf8.RuneError) && b < 0xA0 {
			t[i] = rune(b)
		}
	}
	tables[name] = t
	return t
}

type singleByteCodec struct{ t *byteTable }

func (c *singleByteCodec) decode(in []byte, _ bool) (string, bool) {
	ok := true
	out := make([]byte, 0, len(in)+len(in)/2)
	for _, b := range in {
		if b < 0x80 {
			out = append(out, b)
			continue
		}
		r := c.t[b-0x80]
		ok = ok && r != utf8.RuneError
		out = utf8.AppendRune(out, r)
	}
	return string(out), ok
}
