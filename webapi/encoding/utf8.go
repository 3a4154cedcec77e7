package encoding

import (
	"strings"
	"unicode/utf8"
)

const replacement = "\uFFFD"

// DecodeUTF8 is the WHATWG UTF-8 decoder without BOM handling: each maximal part
// of a broken sequence becomes one U+FFFD, where Go's own conversion would give
// one per byte.
func DecodeUTF8(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var out strings.Builder
	out.Grow(len(s) + len(s)/8)
	for s != "" {
		n := validPrefix(s)
		out.WriteString(s[:n])
		if s = s[n:]; s == "" {
			break
		}
		bad, _ := brokenPrefix(s)
		out.WriteString(replacement)
		s = s[bad:]
	}
	return out.String()
}

// validPrefix is the length of the well-formed text that s begins with.
func validPrefix(s string) int {
	for i := 0; i < len(s); {
		if s[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(s)
}

// brokenPrefix returns how many bytes of s, which does not begin with a
// well-formed sequence, one U+FFFD stands for; partial says that all of s is the
// beginning of a sequence, so that more input could complete it.
func brokenPrefix(s string) (n int, partial bool) {
	need, low, high := 0, byte(0x80), byte(0xBF)
	switch c := s[0]; {
	case c >= 0xC2 && c <= 0xDF:
		need = 1
	case c >= 0xE0 && c <= 0xEF:
		need = 2
		switch c {
		case 0xE0:
			low = 0xA0
		case 0xED:
			high = 0x9F
		}
	case c >= 0xF0 && c <= 0xF4:
		need = 3
		switch c {
		case 0xF0:
			low = 0x90
		case 0xF4:
			high = 0x8F
		}
	default:
		return 1, false
	}
	for n = 1; n <= need; n++ {
		if n == len(s) {
			return n, true
		}
		if s[n] < low || s[n] > high {
			return n, false
		}
		low, high = 0x80, 0xBF
	}
	return n, false
}
