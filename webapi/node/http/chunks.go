package http

// mostExtensions is how many bytes the extensions of one chunk may have, as in node.
const mostExtensions = 16384

// chunk reads a byte of what stands between the chunks of a body.
func (r *message) chunk(c byte, i int) {
	switch r.step {
	case stepChunk, stepSize:
		d := hex(c)
		switch {
		case d >= 0 && r.step == stepChunk:
			r.step, r.left, r.extended = stepSize, uint64(d), 0
		case d >= 0 && r.left>>60 != 0:
			r.fail("HPE_INVALID_CHUNK_SIZE", "Chunk size overflow", i+1)
		case d >= 0:
			r.left = r.left<<4 | uint64(d)
		case r.step == stepChunk:
			r.fail("HPE_INVALID_CHUNK_SIZE", "Invalid character in chunk size", i)
		case c == '\r':
			r.step = stepSizeEnd
		case c == '\n':
			r.fail("HPE_CR_EXPECTED", "Missing expected CR after chunk size", i+1)
		case c == ';':
			r.step = stepExtension
		case c == ' ':
			r.fail("HPE_INVALID_CHUNK_SIZE", "Invalid character in chunk size", i+1)
		default:
			r.fail("HPE_INVALID_CHUNK_SIZE", "Invalid character in chunk size", i)
		}
	case stepExtension, stepExtensionName, stepExtensionValue, stepQuoted, stepEscaped, stepQuotedEnd:
		r.extension(c, i)
	case stepSizeEnd:
		switch {
		case c != '\n':
			r.fail("HPE_STRICT", "Expected LF after chunk size", i)
		case r.left == 0:
			r.step, r.trailer = stepFieldStart, true
		default:
			r.step = stepLength
		}
	case stepDataEnd, stepDataLF:
		wanted, next := byte('\r'), stepDataLF
		if r.step == stepDataLF {
			wanted, next = '\n', stepChunk
		}
		if c != wanted {
			r.fail("HPE_STRICT", "Expected LF after chunk data", i)
			return
		}
		r.step = next
	}
}

// extension reads a byte of a chunk's extensions, which say nothing to anybody.
func (r *message) extension(c byte, i int) {
	over := func() {
		if r.step = stepSizeEnd; r.extended > mostExtensions {
			r.overlong(i + 1)
		}
	}
	r.extended++
	switch r.step {
	case stepExtension:
		if !tokenByte(c) {
			r.fail("HPE_STRICT", "Invalid character in chunk extensions", i+1)
			return
		}
		r.step = stepExtensionName
	case stepExtensionName:
		switch {
		case c == '=':
			r.step = stepExtensionValue
		case c == ';':
			r.step = stepExtension
		case c == '\r':
			over()
		case !tokenByte(c):
			r.fail("HPE_STRICT", "Invalid character in chunk extensions name", i+1)
		}
	case stepExtensionValue:
		switch {
		case c == '"':
			r.step = stepQuoted
		case c == ';':
			r.step = stepExtension
		case c == '\r':
			over()
		case !tokenByte(c):
			r.fail("HPE_STRICT", "Invalid character in chunk extensions value", i+1)
		}
	case stepQuoted:
		switch {
		case c == '"':
			r.step = stepQuotedEnd
		case c == '\\':
			r.step = stepEscaped
		case c < ' ' && c != '\t' || c == 0x7f:
			r.fail("HPE_STRICT", "Invalid character in chunk extensions quoted value", i+1)
		}
	case stepEscaped:
		if r.step = stepQuoted; c < ' ' && c != '\t' || c == 0x7f {
			r.fail("HPE_STRICT", "Invalid quoted-pair in chunk extensions quoted value", i+1)
		}
	case stepQuotedEnd:
		switch c {
		case ';':
			r.step = stepExtension
		case '\r':
			over()
		default:
			r.fail("HPE_STRICT", "Invalid character in chunk extensions quote value", i+1)
		}
	}
}

// hex is the value of a digit, -1 of what is none.
func hex(c byte) int {
	switch {
	case digit(c):
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}
