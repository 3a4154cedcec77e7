package natives

import (
	"reflect"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"

	"github.com/dop251/goja"
)

// Strings cross into Go in one of two shapes: a Go string when it loses
// nothing, and UTF-16 units when there may be lone surrogates. The parser and
// the serializer work on bytes in WTF-8: UTF-8 in which a lone surrogate is
// encoded as if it were a code point.

const bom = 0xFEFF // goja keeps it in front of the units of a non-ASCII string

var (
	typeASCII   = reflect.TypeOf(asciiValue("a"))
	typeUnicode = reflect.TypeOf(goja.StringFromUTF16([]uint16{0xe9}))
	// unicodeIsUnits is whether the engine keeps a non-ASCII string as a slice of its units.
	unicodeIsUnits = typeUnicode.ConvertibleTo(typeUnits)
)

// asciiValue makes a goja string of ASCII text; it copies s.
func asciiValue(s string) goja.String {
	var b goja.StringBuilder
	b.WriteUTF8String(s)
	return b.String()
}

// asciiOf returns the text of a string that is known to be ASCII without looking
// at its characters.
func asciiOf(s goja.String) (string, bool) {
	if reflect.TypeOf(s) == typeASCII {
		return s.String(), true
	}
	return "", false
}

// unitsOf returns the UTF-16 units of a non-ASCII string. The slice must not be
// written to. It looks at the engine's slice in place: a conversion by reflect
// allocates, which is most of the time of a method of a short string.
func unitsOf(s goja.String) []uint16 {
	if reflect.TypeOf(s) == typeUnicode && unicodeIsUnits {
		v := reflect.ValueOf(s)
		u := unsafe.Slice((*uint16)(v.UnsafePointer()), v.Len())
		if len(u) == s.Length()+1 && u[0] == bom {
			return u[1:]
		}
	}
	n := s.Length()
	u := make([]uint16, n)
	for i := range u {
		u[i] = s.CharAt(i)
	}
	return u
}

// isASCII reports whether every character is below 0x80. It may scan s.
func isASCII(s goja.String) bool {
	if reflect.TypeOf(s) == typeASCII {
		return true
	}
	if reflect.TypeOf(s) == typeUnicode {
		return false
	}
	return s.Length() == len(s.String()) && isASCIIText(s.String())
}

func isASCIIText(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// wtf8 returns the text of s in WTF-8.
func wtf8(s goja.String) string {
	if reflect.TypeOf(s) != typeUnicode {
		return s.String()
	}
	u := unitsOf(s)
	b := make([]byte, 0, len(u)+len(u)/2)
	return string(appendWTF8(b, u))
}

func appendWTF8(b []byte, u []uint16) []byte {
	for i := 0; i < len(u); i++ {
		c := u[i]
		switch {
		case c < 0x80:
			b = append(b, byte(c))
		case c < 0x800:
			b = append(b, 0xC0|byte(c>>6), 0x80|byte(c&0x3F))
		case isLead(c) && i+1 < len(u) && isTrail(u[i+1]):
			b = utf8.AppendRune(b, utf16.DecodeRune(rune(c), rune(u[i+1])))
			i++
		default:
			b = append(b, 0xE0|byte(c>>12), 0x80|byte(c>>6&0x3F), 0x80|byte(c&0x3F))
		}
	}
	return b
}

func isLead(c uint16) bool  { return c >= 0xD800 && c <= 0xDBFF }
func isTrail(c uint16) bool { return c >= 0xDC00 && c <= 0xDFFF }

// hasSurrogate reports whether WTF-8 text holds an encoded lone surrogate.
func hasSurrogate(s string) bool {
	for i := 0; ; {
		j := strings.IndexByte(s[i:], 0xED)
		if j < 0 {
			return false
		}
		i += j + 1
		if i < len(s) && s[i] >= 0xA0 {
			return true
		}
	}
}

// fromWTF8 makes a goja string; it copies s. Bytes that are no WTF-8 become U+FFFD.
func fromWTF8(s string) goja.String {
	if !hasSurrogate(s) {
		return asciiValue(s)
	}
	u := make([]uint16, 0, len(s))
	for i := 0; i < len(s); {
		if s[i] == 0xED && i+2 < len(s) && s[i+1] >= 0xA0 && s[i+1] < 0xC0 && s[i+2]&0xC0 == 0x80 {
			u = append(u, 0xD000|uint16(s[i+1]&0x3F)<<6|uint16(s[i+2]&0x3F))
			i += 3
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		u = utf16.AppendRune(u, r)
		i += n
	}
	return goja.StringFromUTF16(u)
}

// unitCount is the number of UTF-16 units in WTF-8 text.
func unitCount(s string) int {
	n := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= 0xF0:
			n += 2
		case c < 0x80 || c >= 0xC0:
			n++
		}
	}
	return n
}

// decodeWTF8 decodes WTF-8 into units.
func decodeWTF8(s string) []uint16 {
	v := fromWTF8(s)
	if a, ok := asciiOf(v); ok {
		u := make([]uint16, len(a))
		for i := range u {
			u[i] = uint16(a[i])
		}
		return u
	}
	return unitsOf(v)
}

func fromUnits(u []uint16) goja.String { return goja.StringFromUTF16(u) }
