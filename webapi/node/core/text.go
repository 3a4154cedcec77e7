package core

import (
	"strings"
	"unicode/utf8"

	"workerd.local/webapi/bind"
)

// queryNatives are what js/querystring.js gets.
func queryNatives() map[string]bind.Static {
	return map[string]bind.Static{
		// escape is encodeURIComponent, but for lone surrogates it gives undefined.
		"escape": func(c *bind.Call) (any, error) {
			t := text(c.Arg(0))
			for i, n := 0, t.Length(); i < n; i++ {
				switch u := t.CharAt(i); {
				case u >= 0xD800 && u < 0xDC00:
					// The unit after it is its second half, whatever it is.
					if i++; i == n {
						return nil, nil
					}
				}
			}
			return escape(t.String()), nil
		},
	}
}

const upperHex = "0123456789ABCDEF"

// escape leaves letters, digits and -_.!~*'() as they are.
func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_.!~*'()", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(upperHex[c>>4])
		b.WriteByte(upperHex[c&15])
	}
	return b.String()
}

// decoderNatives are what js/string_decoder.js gets.
func decoderNatives() map[string]bind.Static {
	return map[string]bind.Static{
		// incomplete says that bytes are the beginning of a character.
		"incomplete": func(c *bind.Call) (any, error) {
			b := memory(c, 0)
			return incomplete(b), nil
		},
	}
}

func incomplete(b []byte) bool {
	if len(b) == 0 || utf8.FullRune(b) {
		return false
	}
	return true
}
