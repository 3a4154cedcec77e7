package encoding

import "unicode/utf8"

// iso2022State says how the next byte is read.
type iso2022State uint8

const (
	asciiState iso2022State = iota
	romanState
	katakanaState
	leadState
	trailState
	escapeStartState
	escapeState
)

// iso2022Codec is the standard's decoder for ISO-2022-JP, byte by byte.
type iso2022Codec struct {
	state  iso2022State
	output iso2022State // to go back to after a broken escape sequence
	lead   byte
	// switched is set by an escape sequence until a character follows: two in a
	// row are an error.
	switched bool

	out []byte
	bad bool
}

const endOfInput = -1

func (c *iso2022Codec) decode(in []byte, last bool) (string, bool) {
	c.out, c.bad = make([]byte, 0, len(in)+len(in)/2), false
	for _, b := range in {
		c.feed(int(b))
	}
	if last {
		c.feed(endOfInput)
	}
	text, ok := string(c.out), !c.bad
	if last {
		*c = iso2022Codec{}
	}
	c.out = nil
	return text, ok
}

func (c *iso2022Codec) emit(r rune) {
	c.switched = false
	c.out = utf8.AppendRune(c.out, r)
}

func (c *iso2022Codec) fail() {
	c.switched, c.bad = false, true
	c.out = append(c.out, replacement...)
}

func (c *iso2022Codec) feed(b int) {
	switch c.state {
	case escapeStartState:
		if b == '$' || b == '(' {
			c.lead, c.state = byte(b), escapeState
			return
		}
		c.state = c.output
		c.fail()
		c.feed(b)
		return
	case escapeState:
		c.escape(b)
		return
	case trailState:
		c.trail(b)
		return
	}
	switch {
	case b == endOfInput:
		return
	case b == 0x1B:
		c.state = escapeStartState
		return
	}
	switch c.state {
	case asciiState, romanState:
		switch {
		case b > 0x7F, b == 0x0E, b == 0x0F:
			c.fail()
		case c.state == romanState && b == '\\':
			c.emit('¥')
		case c.state == romanState && b == '~':
			c.emit('‾')
		default:
			c.emit(rune(b))
		}
	case katakanaState:
		if b < 0x21 || b > 0x5F {
			c.fail()
			return
		}
		c.emit(0xFF61 + rune(b-0x21))
	case leadState:
		if b < 0x21 || b > 0x7E {
			c.fail()
			return
		}
		c.switched, c.lead, c.state = false, byte(b), trailState
	}
}

func (c *iso2022Codec) trail(b int) {
	switch {
	case b == 0x1B:
		c.state = escapeStartState
		c.bad = true
		c.out = append(c.out, replacement...)
		return
	case b >= 0x21 && b <= 0x7E:
		c.state = leadState
		if r := eucJPTable().at(c.lead|0x80, byte(b)|0x80); r != 0 {
			c.out = utf8.AppendRune(c.out, r)
			return
		}
	}
	c.state = leadState
	c.bad = true
	c.out = append(c.out, replacement...)
}

func (c *iso2022Codec) escape(b int) {
	lead := c.lead
	c.lead = 0
	next, ok := asciiState, true
	switch {
	case lead == '(' && b == 'B':
	case lead == '(' && b == 'J':
		next = romanState
	case lead == '(' && b == 'I':
		next = katakanaState
	case lead == '$' && (b == '@' || b == 'B'):
		next = leadState
	default:
		ok = false
	}
	if !ok {
		c.state = c.output
		c.fail()
		c.feed(int(lead))
		c.feed(b)
		return
	}
	twice := c.switched
	c.state, c.output = next, next
	if twice {
		c.fail()
	}
	c.switched = true
}
