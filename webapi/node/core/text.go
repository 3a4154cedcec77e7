package core

import (
	"strings"

	"workerd.local/webapi/bind"
)

// queryNatives are what js/querystring.js gets.
func queryNatives() map[string]bind.Static {
	return map[string]bind.Static{
		// escape is encodeURIComponent, but for lone surrogates it gives undefined.
		"escape": func(c *bind.Call) (any, error) {
			t := text(c.Arg(0))
			units := make([]rune, 0, t.Length())
			for i, n := 0, t.Length(); i < n; i++ {
				u := rune(t.CharAt(i))
				if u >= 0xD800 && u < 0xE000 {
					// The unit after it is its second half, whatever it is.
					if i++; i == n {
						return nil, nil
					}
					u = 0x10000 + (u&0x3FF<<10 | rune(t.CharAt(i))&0x3FF)
				}
				units = append(units, u)
			}
			return escape(string(units)), nil
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
