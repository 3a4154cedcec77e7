package encoding

import (
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// The decoders of the library accept what the standard accepts, but treat
// malformed input in their own ways. So they serve as tables only, and the steps
// here are the standard's.

// malformed is the result of a step that found an error.
const malformed = rune(-1)

// step decodes what in begins with: r is the character or malformed, n the number
// of bytes it took; n is 0 where in is the beginning of something longer.
type step func(in []byte) (r rune, n int)

var steps = map[string]step{
	"big5":      stepBig5,
	"euc-jp":    stepEUCJP,
	"euc-kr":    stepEUCKR,
	"gb18030":   stepGB18030,
	"gbk":       stepGB18030,
	"shift_jis": stepShiftJIS,
}

type multiByteCodec struct {
	step step
	held []byte // an incomplete character
}

func (c *multiByteCodec) decode(in []byte, last bool) (string, bool) {
	if len(c.held) > 0 {
		in = append(c.held, in...)
		c.held = nil
	}
	ok := true
	out := make([]byte, 0, len(in)+len(in)/2)
	for len(in) > 0 {
		if in[0] < 0x80 {
			out, in = append(out, in[0]), in[1:]
			continue
		}
		r, n := c.step(in)
		if n == 0 {
			if !last {
				c.held = append([]byte(nil), in...)
				break
			}
			r, n = malformed, len(in)
		}
		in = in[n:]
		switch {
		case r == malformed:
			ok = false
			out = append(out, replacement...)
		case r >= big5Pairs:
			out = append(out, big5PairText[r-big5Pairs]...)
		default:
			out = utf8.AppendRune(out, r)
		}
	}
	return string(out), ok
}

// pair ends a step for two bytes: r is 0 where the table has nothing for them. An
// ASCII byte is never taken into an error.
func pair(in []byte, r rune) (rune, int) {
	switch {
	case r != 0:
		return r, 2
	case in[1] < 0x80:
		return malformed, 1
	}
	return malformed, 2
}

// pairTable is a character for each two bytes, 0 for none.
type pairTable [1 << 16]rune

// at is the character of two bytes.
func (t *pairTable) at(lead, trail byte) rune { return t[int(lead)<<8|int(trail)] }

// newPairTable asks the library for every pair with a lead byte from 0x81 on. The
// bytes of prefix come first.
func newPairTable(enc encoding.Encoding, prefix string) *pairTable {
	t := &pairTable{}
	d := enc.NewDecoder()
	for lead := 0x81; lead <= 0xFE; lead++ {
		for trail := 0x40; trail <= 0xFE; trail++ {
			text, err := d.String(prefix + string([]byte{byte(lead), byte(trail)}))
			if err != nil || strings.Contains(text, replacement) {
				continue
			}
			if r, n := utf8.DecodeRuneInString(text); n == len(text) {
				t[lead<<8|trail] = r
			}
		}
	}
	return t
}

var (
	shiftJISTable = sync.OnceValue(func() *pairTable { return newPairTable(japanese.ShiftJIS, "") })
	eucJPTable    = sync.OnceValue(func() *pairTable { return newPairTable(japanese.EUCJP, "") })
	jis0212Table  = sync.OnceValue(func() *pairTable { return newPairTable(japanese.EUCJP, "\x8F") })
	eucKRTable    = sync.OnceValue(func() *pairTable { return newPairTable(korean.EUCKR, "") })
	big5Table     = sync.OnceValue(func() *pairTable { return newPairTable(traditionalchinese.Big5, "") })
	gbkTable      = sync.OnceValue(func() *pairTable { return newPairTable(simplifiedchinese.GB18030, "") })
)

func between(b, low, high byte) bool { return b >= low && b <= high }

func stepShiftJIS(in []byte) (rune, int) {
	lead := in[0]
	switch {
	case lead == 0x80:
		return 0x80, 1
	case between(lead, 0xA1, 0xDF):
		return 0xFF61 + rune(lead-0xA1), 1
	case !between(lead, 0x81, 0x9F) && !between(lead, 0xE0, 0xFC):
		return malformed, 1
	case len(in) < 2:
		return 0, 0
	}
	trail := in[1]
	r := rune(0)
	if between(trail, 0x40, 0x7E) || between(trail, 0x80, 0xFC) {
		if between(lead, 0xF0, 0xF9) {
			// End-user defined characters.
			at := rune(trail - 0x40)
			if trail > 0x7F {
				at--
			}
			r = 0xE000 + 188*rune(lead-0xF0) + at
		} else {
			r = shiftJISTable().at(lead, trail)
		}
	}
	return pair(in, r)
}

func stepEUCJP(in []byte) (rune, int) {
	lead := in[0]
	switch {
	case lead != 0x8E && lead != 0x8F && !between(lead, 0xA1, 0xFE):
		return malformed, 1
	case len(in) < 2:
		return 0, 0
	}
	trail := in[1]
	switch {
	case lead == 0x8E && between(trail, 0xA1, 0xDF):
		return 0xFF61 + rune(trail-0xA1), 2
	case lead == 0x8F && between(trail, 0xA1, 0xFE):
		if len(in) < 3 {
			return 0, 0
		}
		r := rune(0)
		if between(in[2], 0xA1, 0xFE) {
			r = jis0212Table().at(trail, in[2])
		}
		r, n := pair(in[1:], r)
		return r, n + 1
	case lead >= 0xA1 && between(trail, 0xA1, 0xFE):
		return pair(in, eucJPTable().at(lead, trail))
	}
	return pair(in, 0)
}

func stepEUCKR(in []byte) (rune, int) {
	switch {
	case !between(in[0], 0x81, 0xFE):
		return malformed, 1
	case len(in) < 2:
		return 0, 0
	}
	return pair(in, eucKRTable().at(in[0], in[1]))
}

// Four pairs of Big5 stand for a letter with a combining mark.
const big5Pairs = utf8.MaxRune + 1

var big5PairText = []string{"\u00CA\u0304", "\u00CA\u030C", "\u00EA\u0304", "\u00EA\u030C"}

func stepBig5(in []byte) (rune, int) {
	switch {
	case !between(in[0], 0x81, 0xFE):
		return malformed, 1
	case len(in) < 2:
		return 0, 0
	}
	switch string(in[:2]) {
	case "\x88\x62":
		return big5Pairs, 2
	case "\x88\x64":
		return big5Pairs + 1, 2
	case "\x88\xA3":
		return big5Pairs + 2, 2
	case "\x88\xA5":
		return big5Pairs + 3, 2
	}
	return pair(in, big5Table().at(in[0], in[1]))
}

func stepGB18030(in []byte) (rune, int) {
	lead := in[0]
	switch {
	case lead == 0x80:
		return '€', 1
	case lead == 0xFF:
		return malformed, 1
	case len(in) < 2:
		return 0, 0
	}
	if between(in[1], '0', '9') {
		return stepFourBytes(in)
	}
	r := gbkTable().at(lead, in[1])
	if r == 0 {
		r = gbkUserDefined(lead, in[1])
	}
	return pair(in, r)
}

// gbkUserDefined are the parts of the index that the library lacks: three areas of
// private use, and gaps between the characters.
func gbkUserDefined(lead, trail byte) rune {
	switch {
	case between(lead, 0xA1, 0xA7) && (between(trail, 0x40, 0x7E) || between(trail, 0x80, 0xA0)):
		at := rune(trail - 0x40)
		if trail > 0x7F {
			at--
		}
		return 0xE4C6 + 96*rune(lead-0xA1) + at
	case between(lead, 0xAA, 0xAF) && between(trail, 0xA1, 0xFE):
		return 0xE000 + 94*rune(lead-0xAA) + rune(trail-0xA1)
	case between(lead, 0xF8, 0xFE) && between(trail, 0xA1, 0xFE):
		return 0xE234 + 94*rune(lead-0xF8) + rune(trail-0xA1)
	}
	for _, g := range gbkGaps {
		if g.lead == lead && between(trail, g.low, g.high) {
			return g.first + rune(trail-g.low)
		}
	}
	return 0
}

// gbkGaps are runs of trail bytes that stand for consecutive characters.
var gbkGaps = []struct {
	lead, low, high byte
	first           rune
}{
	{0xA2, 0xAB, 0xB0, 0xE766}, {0xA2, 0xE4, 0xE4, 0xE76D}, {0xA2, 0xEF, 0xF0, 0xE76E}, {0xA2, 0xFD, 0xFE, 0xE770},
	{0xA4, 0xF4, 0xFE, 0xE772}, {0xA5, 0xF7, 0xFE, 0xE77D}, {0xA6, 0xB9, 0xC0, 0xE785}, {0xA6, 0xF6, 0xFE, 0xE797},
	{0xA7, 0xC2, 0xD0, 0xE7A0}, {0xA7, 0xF2, 0xFE, 0xE7AF}, {0xA8, 0x96, 0xA0, 0xE7BC}, {0xA8, 0xC1, 0xC4, 0xE7C9},
	{0xA8, 0xEA, 0xFE, 0xE7CD}, {0xA9, 0x58, 0x58, 0xE7E2}, {0xA9, 0x5B, 0x5B, 0xE7E3}, {0xA9, 0x5D, 0x5F, 0xE7E4},
	{0xA9, 0x97, 0xA3, 0xE7F4}, {0xA9, 0xF0, 0xFE, 0xE801}, {0xD7, 0xFA, 0xFE, 0xE810}, {0xFE, 0x51, 0x53, 0xE816},
	{0xFE, 0x6C, 0x6C, 0xE831}, {0xFE, 0x76, 0x76, 0xE83B}, {0xFE, 0x91, 0x91, 0xE855},
	// Characters of the newest edition, which the library does not know.
	{0xA6, 0xD9, 0xD9, 0xFE10}, {0xA6, 0xDA, 0xDA, 0xFE12}, {0xA6, 0xDB, 0xDB, 0xFE11}, {0xA6, 0xDC, 0xDF, 0xFE13},
	{0xA6, 0xEC, 0xED, 0xFE17}, {0xA6, 0xF3, 0xF3, 0xFE19}, {0xA8, 0xBC, 0xBC, 0x1E3F}, {0xFE, 0x59, 0x59, 0x9FB4},
	{0xFE, 0x61, 0x61, 0x9FB5}, {0xFE, 0x66, 0x67, 0x9FB6}, {0xFE, 0x6D, 0x6D, 0x9FB8}, {0xFE, 0x7E, 0x7E, 0x9FB9},
	{0xFE, 0x90, 0x90, 0x9FBA}, {0xFE, 0xA0, 0xA0, 0x9FBB},
}

// stepFourBytes decodes gb18030's long form. An error takes the first byte only,
// except where the form is right and stands for nothing.
func stepFourBytes(in []byte) (rune, int) {
	switch {
	case len(in) < 3:
		return 0, 0
	case !between(in[2], 0x81, 0xFE):
		return malformed, 1
	case len(in) < 4:
		return 0, 0
	case !between(in[3], '0', '9'):
		return malformed, 1
	}
	pointer := ((int(in[0]-0x81)*10+int(in[1]-'0'))*126+int(in[2]-0x81))*10 + int(in[3]-'0')
	switch {
	case pointer > 39419 && pointer < 189000, pointer > 1237575:
		return malformed, 4
	case pointer >= 189000:
		return 0x10000 + rune(pointer-189000), 4
	case pointer == 7457:
		return 0xE7C7, 4
	}
	text, err := simplifiedchinese.GB18030.NewDecoder().Bytes(in[:4])
	r, n := utf8.DecodeRune(text)
	if err != nil || n != len(text) || r == utf8.RuneError && string(in[:4]) != "\x84\x31\xA4\x37" {
		return malformed, 4
	}
	return r, 4
}
