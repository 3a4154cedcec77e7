package http

import (
	"math"
	"slices"
	"strings"

	"workerd.local/webapi/bind"
)

// mostHead is how many bytes the reason, the names and the values of a head may have.
const mostHead = 16384

// kind is what a part of a message is.
type kind int

const (
	head     kind = iota // the first line and the headers
	interim              // those of an answer 1xx, after which another comes
	upgraded             // those after which the connection is of another protocol, or of a request that asks for that
	body                 // bytes from..to of what was fed
	end                  // the end of the body, with its trailers
	rest                 // from where on what was fed is not HTTP's
	fault                // what is wrong, and where; nothing follows
)

// part is what a message says with some bytes.
type part struct {
	kind         kind
	major, minor int
	status       int
	reason       string   // of an answer
	method, url  string   // of a request
	fields       []string // names and values by turns
	keeps        bool     // the connection lasts
	from, to     int
	code, text   string
}

// step is what a byte is expected to be.
type step int

const (
	stepStart  step = iota
	stepMethod      // a request begins here
	stepURL
	stepSchema
	stepSlashes
	stepServer
	stepServerAt
	stepPath
	stepQuery
	stepFragment
	stepOldEnd // the end of a line without a version
	stepVersion
	stepProtocol // an answer begins here
	stepMajor
	stepDot
	stepMinor
	stepVersionEnd
	stepRequestEnd
	stepStatus
	stepStatusEnd
	stepReason
	stepLineEnd
	stepFieldStart
	stepName
	stepValueStart
	stepValue
	stepValueEnd
	stepFieldsEnd
	stepLength // of a body whose length is known, or that of a chunk
	stepUntilClose
	stepChunk
	stepSize
	stepExtension
	stepExtensionName
	stepExtensionValue
	stepQuoted
	stepEscaped
	stepQuotedEnd
	stepSizeEnd
	stepDataEnd
	stepDataLF
	stepOffered // of a request that asks for another protocol: see Ordinary
	stepOver    // nothing is read any more
)

const protocolName = "HTTP/"

// message parses the answers to one request, or the requests of one connection, as node does,
// with node's words for what is wrong. What it keeps between two calls of Feed is bounded by most.
type message struct {
	requests bool
	lenient  bool   // bytes are taken that are wrong in headers, and lengths beside codings
	method   string // of the request
	most     int    // bytes of a head, in reason, path, names and values

	step     step
	n        int // digits and letters seen in a step
	protocol string
	url      string
	at       part
	text     []byte // the word that is being read
	name     string
	read     int // bytes of the head
	digits   bool
	padded   bool // a length is followed by spaces
	left     uint64
	fields   []string
	trailer  bool
	chunked  bool
	coded    bool
	sized    bool
	closes   bool
	stays    bool
	switches bool // Connection: upgrade
	offers   bool // Upgrade
	again    bool // the answer is whole, the next one may begin
	extended int
	parts    []part
}

func newResponse(method string, most int) *message { return &message{method: method, most: most} }

// next is a message whose next part is the first line.
func (r *message) next() message {
	return message{requests: r.requests, lenient: r.lenient, method: r.method, most: r.most, again: r.again, parts: r.parts, text: r.text[:0]}
}

// Finish is the end of the connection.
func (r *message) Finish() []part {
	r.parts = nil
	if r.requests && r.step != stepStart && r.step != stepOver && r.step != stepOffered {
		r.fail("HPE_INVALID_EOF_STATE", "Invalid EOF state", 0)
		return r.parts
	}
	if r.step == stepUntilClose {
		r.step = stepOver
		r.parts = append(r.parts, part{kind: end})
	}
	return r.parts
}

// Feed reads b and returns what it says; body parts are offsets in b.
func (r *message) Feed(b []byte) []part {
	r.parts = nil
	for i := 0; i < len(b) && r.step < stepOffered; {
		switch r.step {
		case stepUntilClose:
			r.parts = append(r.parts, part{kind: body, from: i, to: len(b)})
			i = len(b)
		case stepLength:
			n := uint64(len(b) - i)
			if n > r.left {
				n = r.left
			}
			r.parts = append(r.parts, part{kind: body, from: i, to: i + int(n)})
			i += int(n)
			if r.left -= n; r.left == 0 {
				if r.chunked {
					r.step = stepDataEnd
				} else {
					r.finished(i)
				}
			}
		default:
			r.byte(b[i], i)
			i++
		}
	}
	// A word that goes on in the next bytes counts already: so it cannot grow without bound.
	if (r.step == stepReason || r.step == stepName || r.step == stepValue || stepURL < r.step && r.step < stepOldEnd) && r.read+len(r.text) >= r.most {
		r.fail("HPE_HEADER_OVERFLOW", "Header overflow", len(b))
	}
	if r.extended > mostExtensions && r.step != stepOver {
		r.overlong(len(b))
	}
	return r.parts
}

func (r *message) fail(code, text string, at int) {
	r.step, r.text = stepOver, nil
	r.parts = append(r.parts, part{kind: fault, code: code, text: text, from: at})
}

func (r *message) overlong(at int) {
	r.fail("HPE_CHUNK_EXTENSIONS_OVERFLOW", "Chunk extensions overflow", at)
}

// word ends the word that is being read; ok is false where the head is too large by it.
func (r *message) word(at int) (w string, ok bool) {
	if r.read += len(r.text); r.read >= r.most {
		r.fail("HPE_HEADER_OVERFLOW", "Header overflow", at)
		return "", false
	}
	w = latin1(r.text)
	r.text = r.text[:0]
	return w, true
}

// byte reads one byte of what is no body; i is where it is.
func (r *message) byte(c byte, i int) {
	if r.step >= stepChunk {
		r.chunk(c, i)
		return
	}
	if r.step >= stepFieldStart {
		r.field(c, i)
		return
	}
	switch r.step {
	case stepStart:
		if c == '\r' || c == '\n' {
			return
		}
		if r.again && r.closes && !r.lenient {
			r.fail("HPE_CLOSED_CONNECTION", "Data after `Connection: close`", i+1)
			return
		}
		*r = r.next()
		if r.step = stepProtocol; r.requests {
			r.step = stepMethod
		}
		r.byte(c, i)
	case stepMethod, stepURL, stepSchema, stepSlashes, stepServer, stepServerAt, stepPath, stepQuery, stepFragment, stepOldEnd, stepVersion, stepRequestEnd:
		r.request(c, i)
	case stepProtocol:
		if r.n == 0 && r.requests {
			r.protocol = protocolOf(c)
		}
		if c != r.protocolName()[r.n] {
			r.fail("HPE_INVALID_CONSTANT", "Expected HTTP/, RTSP/ or ICE/", i)
			return
		}
		if r.n++; r.n == len(r.protocolName()) {
			if r.step = stepMajor; r.requests && !slices.Contains(methodsOf(r.protocol), r.method) {
				r.fail("HPE_INVALID_CONSTANT", "Invalid method for "+strings.TrimSuffix(r.protocol, "/")+"/x.x request", i)
			}
		}
	case stepMajor:
		if !digit(c) {
			r.fail("HPE_INVALID_VERSION", "Invalid major version", i)
			return
		}
		r.at.major, r.step = int(c-'0'), stepDot
	case stepDot:
		if c != '.' {
			r.fail("HPE_INVALID_VERSION", "Expected dot", i)
			return
		}
		r.step = stepMinor
	case stepMinor:
		if !digit(c) {
			r.fail("HPE_INVALID_VERSION", "Invalid minor version", i)
			return
		}
		r.at.minor, r.step, r.n = int(c-'0'), stepVersionEnd, 0
		switch r.at.major*10 + r.at.minor {
		case 9, 10, 11, 20:
		default:
			if !r.lenient {
				r.fail("HPE_INVALID_VERSION", "Invalid HTTP version", i+1)
			}
		}
	case stepVersionEnd:
		if r.requests {
			r.request(c, i)
			return
		}
		if c != ' ' {
			r.fail("HPE_INVALID_VERSION", "Expected space after version", i)
			return
		}
		r.step = stepStatus
	case stepStatus:
		if !digit(c) {
			r.fail("HPE_INVALID_STATUS", "Invalid status code", i)
			return
		}
		r.at.status = r.at.status*10 + int(c-'0')
		if r.n++; r.n == 3 {
			r.step = stepStatusEnd
		}
	case stepStatusEnd, stepReason:
		switch {
		case c == '\r' || c == '\n':
			var ok bool
			if r.at.reason, ok = r.word(i + 1); !ok {
				return
			}
			if r.step = stepLineEnd; c == '\n' {
				r.fail("HPE_CR_EXPECTED", "Missing expected CR after response line", i+1)
			}
		case r.step == stepReason:
			r.text = append(r.text, c)
		case c == ' ':
			r.step = stepReason
		default:
			r.fail("HPE_INVALID_STATUS", "Invalid response status", i)
		}
	case stepLineEnd:
		if c != '\n' {
			r.fail("HPE_STRICT", "Expected LF after CR", i)
			return
		}
		r.step = stepFieldStart
	}
}

// field reads a byte of the headers or of the trailers.
func (r *message) field(c byte, i int) {
	switch r.step {
	case stepFieldStart:
		switch {
		case c == '\r':
			r.step = stepFieldsEnd
		case c == ' ' && len(r.fields) == 0 && !r.trailer:
			r.fail("HPE_UNEXPECTED_SPACE", "Unexpected space after start line", i+1)
		case (c == ' ' || c == '\t') && len(r.fields) > 0:
			r.fail("HPE_INVALID_HEADER_TOKEN", "Unexpected whitespace after header value", i)
		case !tokenByte(c):
			r.fail("HPE_INVALID_HEADER_TOKEN", "Invalid header token", i)
		default:
			r.step, r.text = stepName, append(r.text[:0], c)
		}
	case stepName:
		if tokenByte(c) {
			r.text = append(r.text, c)
			return
		}
		if c != ':' {
			r.fail("HPE_INVALID_HEADER_TOKEN", "Invalid header token", i)
			return
		}
		var ok bool
		if r.name, ok = r.word(i + 1); !ok {
			return
		}
		r.fields = append(r.fields, r.name)
		r.name = strings.ToLower(r.name)
		r.step, r.digits, r.padded = stepValueStart, false, false
		switch {
		case r.lenient:
		case r.name == "content-length" && r.coded:
			r.fail("HPE_INVALID_CONTENT_LENGTH", "Content-Length can't be present with Transfer-Encoding", i+1)
		case r.name == "transfer-encoding" && r.sized:
			r.fail("HPE_INVALID_TRANSFER_ENCODING", "Transfer-Encoding can't be present with Content-Length", i+1)
		}
	case stepValueStart:
		if c == ' ' || c == '\t' {
			return
		}
		r.step = stepValue
		if r.name == "content-length" && r.sized && !r.trailer {
			r.fail("HPE_UNEXPECTED_CONTENT_LENGTH", "Duplicate Content-Length", i)
			return
		}
		r.field(c, i)
	case stepValue:
		r.value(c, i)
	case stepValueEnd:
		if c != '\n' {
			r.fail("HPE_LF_EXPECTED", "Missing expected LF after header value", i)
			return
		}
		if r.name == "content-length" && !r.digits {
			r.fail("HPE_INVALID_CONTENT_LENGTH", "Empty Content-Length", i+1)
			return
		}
		r.step = stepFieldStart
	case stepFieldsEnd:
		if c != '\n' {
			r.fail("HPE_STRICT", "Expected LF after headers", i)
			return
		}
		if r.trailer {
			r.finished(i + 1)
		} else {
			r.headed(i + 1)
		}
	}
}

// value reads a byte of a header's value.
func (r *message) value(c byte, i int) {
	switch {
	case c == '\r':
		word, ok := r.word(i + 1)
		if !ok {
			return
		}
		word = strings.TrimRight(word, " \t")
		r.fields = append(r.fields, word)
		r.step = stepValueEnd
		if r.trailer {
			return
		}
		switch r.name {
		case "content-length":
			r.sized = true
		case "transfer-encoding":
			r.coded = true
			r.chunked = isChunked(word)
		case "upgrade":
			r.offers = true
		case "connection", "proxy-connection":
			for token := range strings.SplitSeq(strings.ToLower(word), ",") {
				switch strings.TrimSpace(token) {
				case "close":
					r.closes = true
				case "keep-alive":
					r.stays = true
				case "upgrade":
					r.switches = true
				}
			}
		}
	case c == '\n':
		r.fail("HPE_CR_EXPECTED", "Missing expected CR after header value", i)
	case (c < ' ' && c != '\t' || c == 0x7f) && (!r.lenient || c == 0):
		r.fail("HPE_INVALID_HEADER_TOKEN", "Invalid header value char", i)
	case c == ',' && r.name == "transfer-encoding" && r.requests && !r.lenient && !r.trailer && isChunked(string(r.text)):
		r.fail("HPE_INVALID_TRANSFER_ENCODING", "Invalid `Transfer-Encoding` header value", i+1)
	default:
		if r.name == "content-length" && !r.length(c, i) {
			return
		}
		r.text = append(r.text, c)
	}
}

// length reads a byte of Content-Length.
func (r *message) length(c byte, i int) bool {
	switch {
	case c == ' ' && r.digits:
		r.padded = true
	case !digit(c) || r.padded:
		r.fail("HPE_INVALID_CONTENT_LENGTH", "Invalid character in Content-Length", i)
		return false
	case r.left > (math.MaxUint64-uint64(c-'0'))/10:
		r.fail("HPE_INVALID_CONTENT_LENGTH", "Content-Length overflow", i+1)
		return false
	default:
		r.digits, r.left = true, r.left*10+uint64(c-'0')
	}
	return true
}

// headed ends the headers: what follows depends on them.
func (r *message) headed(next int) {
	if r.requests {
		r.asked(next)
		return
	}
	h := r.at
	h.fields, r.fields, r.read = r.fields, nil, 0
	none := h.status/100 == 1 || h.status == 204 || h.status == 304 || r.method == "HEAD"
	untilClose := !none && !r.chunked && (r.coded || !r.sized)
	h.keeps = (h.major > 0 && h.minor > 0 && !r.closes || (h.major == 0 || h.minor == 0) && r.stays) && !untilClose
	r.closes = !h.keeps
	switch {
	case r.method == "CONNECT", h.status == 101 && r.switches && r.offers:
		h.kind = upgraded
		r.parts = append(r.parts, h, part{kind: rest, from: next})
		r.step = stepOver
		return
	case h.status/100 == 1 && h.status != 101:
		h.kind = interim
		r.parts = append(r.parts, h)
		r.step, r.closes = stepStart, false
		return
	}
	r.parts = append(r.parts, h)
	switch {
	case h.status == 101:
		r.parts = append(r.parts, part{kind: end})
		r.step = stepOver
	case none, r.sized && r.left == 0:
		r.finished(next)
	case r.chunked:
		r.step = stepChunk
	case untilClose:
		r.step = stepUntilClose
	default:
		r.step = stepLength
	}
}

// finished ends the message.
func (r *message) finished(int) {
	r.parts = append(r.parts, part{kind: end, fields: r.fields})
	r.fields, r.step, r.again = nil, stepStart, true
}

// isChunked says that the last coding of a list is chunked.
func isChunked(list string) bool {
	return strings.EqualFold(strings.TrimSpace(list[strings.LastIndexByte(list, ',')+1:]), "chunked")
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

func tokenByte(c byte) bool {
	return digit(c) || 'a' <= c|0x20 && c|0x20 <= 'z' || c != 0 && strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// latin1 is the text whose characters are the bytes.
func latin1(b []byte) string {
	var s strings.Builder
	s.Grow(len(b))
	for _, c := range b {
		s.WriteRune(rune(c))
	}
	return s.String()
}

var messageClass = &bind.Class[message]{
	Name: "HTTPMessage",
	Methods: map[string]bind.Method[message]{
		// feed(bytes) and finish() give the parts, each a list that begins with its kind. ordinary() is
		// said of a request that asked for another protocol and does not get it.
		"feed": func(r *message, c *bind.Call) (any, error) {
			b, ok := bind.Bytes(c.JS(), c.Arg(0))
			if !ok {
				return nil, c.BadArg(1, "ArrayBuffer or ArrayBufferView")
			}
			return lists(r, r.Feed(b)), nil
		},
		"finish":   func(r *message, _ *bind.Call) (any, error) { return lists(r, r.Finish()), nil },
		"ordinary": func(r *message, _ *bind.Call) (any, error) { return lists(r, r.Ordinary()), nil },
	},
}

func lists(r *message, parts []part) []any {
	out := make([]any, 0, len(parts))
	for _, p := range parts {
		fields := make([]any, len(p.fields))
		for i, f := range p.fields {
			fields[i] = f
		}
		switch p.kind {
		case head, interim, upgraded:
			if r.requests {
				out = append(out, []any{[]string{"head", "interim", "upgraded"}[p.kind], p.major, p.minor, p.method, p.url, fields, p.keeps})
				continue
			}
			out = append(out, []any{[]string{"head", "interim", "upgraded"}[p.kind], p.major, p.minor, p.status, p.reason, fields, p.keeps})
		case body:
			out = append(out, []any{"body", p.from, p.to})
		case end:
			out = append(out, []any{"end", fields})
		case rest:
			out = append(out, []any{"rest", p.from})
		case fault:
			out = append(out, []any{"fault", p.code, p.text, p.from})
		}
	}
	return out
}
