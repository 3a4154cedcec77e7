package htmlrewriter

import (
	"strings"
	"unicode/utf8"

	xencoding "golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"

	"workerd.local/webapi/encoding"
)

// charset is the encoding of a document. The zero value is UTF-8.
type charset struct {
	name string // empty for UTF-8
	enc  xencoding.Encoding
	// wide says that a character may take more than one byte.
	wide bool
}

// newCharset is the encoding that a label names.
func newCharset(label string) (charset, error) {
	errUnknown := parserError("Unknown character encoding has been provided.")
	d, err := encoding.NewDecoder(label, encoding.Options{})
	if err != nil {
		return charset{}, errUnknown
	}
	switch name := d.Name(); name {
	case "utf-8":
		return charset{}, nil
	case "utf-16le", "utf-16be", "iso-2022-jp":
		return charset{}, parserError("Expected ASCII-compatible encoding.")
	default:
		enc, err := htmlindex.Get(name)
		if err != nil {
			return charset{}, errUnknown
		}
		wide := strings.HasPrefix(name, "gb") || strings.HasPrefix(name, "euc-") || name == "big5" || name == "shift_jis"
		return charset{name, enc, wide}, nil
	}
}

// decode is the text of bytes; what is malformed becomes U+FFFD.
func (c charset) decode(b []byte) string {
	if c.name == "" {
		return encoding.DecodeUTF8(string(b))
	}
	d, err := encoding.NewDecoder(c.name, encoding.Options{IgnoreBOM: true})
	if err != nil {
		panic(err) // newCharset made one
	}
	// A decoder that is not fatal does not fail.
	s, _ := d.Decode(b, false)
	return s
}

// whole is how many of the bytes are whole characters; what is left is the beginning
// of one.
func (c charset) whole(b []byte) int {
	switch {
	case c.name == "":
		return utf8Whole(b)
	case !c.wide:
		return len(b)
	}
	// A text whose end is malformed either lacks bytes or is malformed without them.
	for k := 0; k <= 3 && k <= len(b); k++ {
		if s := c.decode(b[:len(b)-k]); !strings.HasSuffix(s, "\ufffd") {
			return len(b) - k
		}
	}
	return len(b)
}

// encode is the bytes of text; what the encoding lacks becomes a character reference.
func (c charset) encode(s string) []byte {
	if c.name == "" {
		return []byte(s)
	}
	b, err := xencoding.HTMLEscapeUnsupported(c.enc.NewEncoder()).Bytes([]byte(s))
	if err != nil {
		return []byte(s) // not reached: every text can be encoded with references
	}
	return b
}

func (c charset) canEncode(s string) bool {
	if c.name == "" {
		return utf8.ValidString(s)
	}
	_, err := c.enc.NewEncoder().String(s)
	return err == nil
}
