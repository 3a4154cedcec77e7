// Package octets turns text into bytes and back in the encodings of Node.js's
// Buffer: utf8, utf16le, latin1, ascii, base64, base64url and hex.
//
// Text is UTF-16, as JavaScript has it; broken surrogates become U+FFFD where an
// encoding has no place for them. Decoding of base64 and hex is as lenient as
// node's: what cannot be read ends the text or is skipped, and nothing is an error.
//
// Functions are pure; any goroutine.
package octets

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Encoding is one of Buffer's encodings.
type Encoding int

// The encodings. Unknown is no encoding.
const (
	Unknown Encoding = iota
	UTF8
	UTF16LE
	Latin1
	ASCII
	Base64
	Base64URL
	Hex
)

// Names are the canonical names, by Encoding.
var Names = [...]string{"", "utf8", "utf16le", "latin1", "ascii", "base64", "base64url", "hex"}

// ParseEncoding reads a name in any case, with the aliases that node knows.
func ParseEncoding(name string) Encoding {
	switch name {
	case "utf8", "utf-8":
		return UTF8
	case "hex":
		return Hex
	}
	switch strings.ToLower(name) {
	case "utf8", "utf-8":
		return UTF8
	case "ucs2", "ucs-2", "utf16le", "utf-16le":
		return UTF16LE
	case "latin1", "binary":
		return Latin1
	case "ascii":
		return ASCII
	case "base64":
		return Base64
	case "base64url":
		return Base64URL
	case "hex":
		return Hex
	}
	return Unknown
}

// Text is UTF-16 text; goja.String has these methods.
type Text interface {
	CharAt(i int) uint16
	Length() int
	String() string
}

// Encode gives the bytes of a text.
func Encode(t Text, e Encoding) []byte {
	switch e {
	case UTF16LE:
		out := make([]byte, 2*t.Length())
		for i := range t.Length() {
			c := t.CharAt(i)
			out[2*i], out[2*i+1] = byte(c), byte(c>>8)
		}
		return out
	case Latin1, ASCII:
		out := make([]byte, t.Length())
		for i := range out {
			out[i] = byte(t.CharAt(i))
		}
		return out
	case Base64, Base64URL:
		return decodeBase64(t)
	case Hex:
		return decodeHex(t)
	}
	return []byte(t.String())
}

// Len is the number of bytes that Buffer.byteLength promises for a text; for
// base64 that is a guess from its length.
func Len(t Text, e Encoding) int {
	n := t.Length()
	switch e {
	case UTF16LE:
		return 2 * n
	case Latin1, ASCII:
		return n
	case Base64, Base64URL:
		if n == 0 {
			return 0
		}
		if t.CharAt(n-1) == '=' {
			n--
		}
		if n > 1 && t.CharAt(n-1) == '=' {
			n--
		}
		return n * 3 >> 2
	case Hex:
		return n >> 1
	}
	return len(t.String())
}

// decodeHex stops at the first pair that is not two hexadecimal digits.
func decodeHex(t Text) []byte {
	n := t.Length() / 2
	out := make([]byte, 0, n)
	for i := range n {
		hi, ok1 := hexDigit(t.CharAt(2 * i))
		lo, ok2 := hexDigit(t.CharAt(2*i + 1))
		if !ok1 || !ok2 {
			break
		}
		out = append(out, hi<<4|lo)
	}
	return out
}

func hexDigit(c uint16) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return byte(c - '0'), true
	case c >= 'a' && c <= 'f':
		return byte(c-'a') + 10, true
	case c >= 'A' && c <= 'F':
		return byte(c-'A') + 10, true
	}
	return 0, false
}

var base64Values = func() (v [128]int8) {
	for i := range v {
		v[i] = -1
	}
	for i, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" {
		v[c] = int8(i)
	}
	v['-'], v['_'] = 62, 63
	return v
}()

// decodeBase64 takes both alphabets, skips other characters and ends at a "=".
func decodeBase64(t Text) []byte {
	n := t.Length()
	out := make([]byte, 0, n/4*3+3)
	acc, bits := uint32(0), 0
	for i := range n {
		c := t.CharAt(i)
		if c == '=' {
			break
		}
		if c >= 128 || base64Values[c] < 0 {
			continue
		}
		acc = acc<<6 | uint32(base64Values[c])
		if bits += 6; bits >= 8 {
			bits -= 8
			out = append(out, byte(acc>>bits))
		}
	}
	return out
}

// Decode gives the text of bytes: ascii text where it can, else UTF-16.
func Decode(b []byte, e Encoding) (ascii string, wide []uint16) {
	switch e {
	case UTF16LE:
		wide = make([]uint16, len(b)/2)
		for i := range wide {
			wide[i] = uint16(b[2*i]) | uint16(b[2*i+1])<<8
		}
		return "", wide
	case Latin1:
		if IsASCII(b) {
			return string(b), nil
		}
		wide = make([]uint16, len(b))
		for i, c := range b {
			wide[i] = uint16(c)
		}
		return "", wide
	case ASCII:
		out := make([]byte, len(b))
		for i, c := range b {
			out[i] = c & 0x7F
		}
		return string(out), nil
	case Base64:
		return base64.StdEncoding.EncodeToString(b), nil
	case Base64URL:
		return base64.RawURLEncoding.EncodeToString(b), nil
	case Hex:
		return hex.EncodeToString(b), nil
	}
	if IsASCII(b) {
		return string(b), nil
	}
	return "", nil // UTF-8 is the caller's business
}

// IsASCII reports whether all bytes are below 128.
func IsASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// FitUTF8 is how many bytes of b, which is well-formed UTF-8, fit into n without
// cutting a character.
func FitUTF8(b []byte, n int) int {
	if len(b) <= n {
		return len(b)
	}
	for n > 0 && !utf8.RuneStart(b[n]) {
		n--
	}
	return n
}

// Units returns the UTF-16 units of bytes in the given encoding, for transcoding.
func Units(b []byte, e Encoding, utf8Text func([]byte) string) []uint16 {
	ascii, wide := Decode(b, e)
	if wide != nil {
		return wide
	}
	if e == UTF8 {
		ascii = utf8Text(b)
	}
	return utf16.Encode([]rune(ascii))
}
