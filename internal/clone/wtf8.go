package clone

import (
	"unicode/utf16"
	"unicode/utf8"
)

func isASCII[S ~string | ~[]byte](s S) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// surrogateAt reports the surrogate that s encodes at i in three bytes, if it does (WTF-8).
func surrogateAt(s string, i int) (uint16, bool) {
	if i+2 >= len(s) || s[i] != 0xED || s[i+1] < 0xA0 || s[i+1] > 0xBF || s[i+2]&0xC0 != 0x80 {
		return 0, false
	}
	return 0xD000 | uint16(s[i+1]&0x3F)<<6 | uint16(s[i+2]&0x3F), true
}

// wtf8ToUTF16 gives the code units of s. Bytes that are not WTF-8 become U+FFFD.
func wtf8ToUTF16(s string) []uint16 {
	u := make([]uint16, 0, len(s))
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			u = append(u, uint16(c))
			i++
			continue
		}
		if c, ok := surrogateAt(s, i); ok {
			u = append(u, c)
			i += 3
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		u = utf16.AppendRune(u, r)
		i += n
	}
	return u
}

// utf16ToWTF8 appends the WTF-8 form of the code units to dst: pairs become four bytes, lone surrogates three.
func utf16ToWTF8(dst []byte, u []uint16) []byte {
	for i := 0; i < len(u); i++ {
		c := u[i]
		switch {
		case c < utf8.RuneSelf:
			dst = append(dst, byte(c))
		case c < 0xD800 || c > 0xDFFF:
			dst = utf8.AppendRune(dst, rune(c))
		case c < 0xDC00 && i+1 < len(u) && u[i+1] >= 0xDC00 && u[i+1] <= 0xDFFF:
			dst = utf8.AppendRune(dst, utf16.DecodeRune(rune(c), rune(u[i+1])))
			i++
		default:
			dst = append(dst, 0xE0|byte(c>>12), 0x80|byte(c>>6)&0x3F, 0x80|byte(c)&0x3F)
		}
	}
	return dst
}

// hasSurrogate reports whether s is WTF-8 that is not UTF-8 because it holds a lone surrogate.
func hasSurrogate(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] == 0xED {
			if _, ok := surrogateAt(s, i); ok {
				return true
			}
		}
	}
	return false
}

// latin1ToWTF8 appends Latin-1 bytes as UTF-8.
func latin1ToWTF8(dst, b []byte) []byte {
	for _, c := range b {
		if c < utf8.RuneSelf {
			dst = append(dst, c)
		} else {
			dst = append(dst, 0xC0|c>>6, 0x80|c&0x3F)
		}
	}
	return dst
}
