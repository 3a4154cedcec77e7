package http

import "strings"

// Which protocols a request may name, and the methods of each.
const (
	methodsOfHTTP = "ACL BIND CHECKOUT CONNECT COPY DELETE GET HEAD LINK LOCK M-SEARCH MERGE MKACTIVITY MKCALENDAR MKCOL MOVE NOTIFY OPTIONS PATCH POST " +
		"PROPFIND PROPPATCH PURGE PUT QUERY REBIND REPORT SEARCH SOURCE SUBSCRIBE TRACE UNBIND UNLINK UNLOCK UNSUBSCRIBE"
	methodsOfRTSP = "OPTIONS DESCRIBE ANNOUNCE SETUP PLAY PAUSE TEARDOWN GET_PARAMETER SET_PARAMETER REDIRECT RECORD FLUSH GET POST"
	methodsOfICE  = "SOURCE"
)

// preface is what a client says that speaks HTTP/2 unasked.
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

var (
	listHTTP, listRTSP, listICE = strings.Fields(methodsOfHTTP), strings.Fields(methodsOfRTSP), strings.Fields(methodsOfICE)
	allMethods                  = append(strings.Fields(methodsOfRTSP), listHTTP...)
)

func methodsOf(protocol string) []string {
	switch protocol {
	case "RTSP/":
		return listRTSP
	case "ICE/":
		return listICE
	}
	return listHTTP
}

// protocolOf is the one whose name begins with c; HTTP's where none does.
func protocolOf(c byte) string {
	switch c {
	case 'R':
		return "RTSP/"
	case 'I':
		return "ICE/"
	}
	return protocolName
}

func (r *message) protocolName() string {
	if r.protocol == "" {
		return protocolName
	}
	return r.protocol
}

// newRequests parses the requests of a connection.
func newRequests(most int, lenient bool) *message {
	return &message{requests: true, lenient: lenient, most: most}
}

// begins says whether a method begins with text.
func begins(text []byte) bool {
	if strings.HasPrefix(preface, string(text)) {
		return true
	}
	for _, m := range allMethods {
		if strings.HasPrefix(m, string(text)) {
			return true
		}
	}
	return false
}

func isMethod(text []byte) bool {
	for _, m := range allMethods {
		if m == string(text) {
			return true
		}
	}
	return false
}

// request reads a byte of the first line of a request.
func (r *message) request(c byte, i int) {
	switch r.step {
	case stepMethod:
		r.verb(c, i)
	case stepVersionEnd:
		switch {
		case c == '\r':
			r.step = stepRequestEnd
		case c == '\n' && r.lenient:
			r.step = stepFieldStart
		case c == '\n':
			r.fail("HPE_INVALID_VERSION", "Expected CRLF after version", i+1)
		default:
			r.fail("HPE_INVALID_VERSION", "Expected CRLF after version", i)
		}
	case stepRequestEnd:
		if r.step = stepFieldStart; c != '\n' {
			r.fail("HPE_STRICT", "Expected CRLF after version", i)
		}
	case stepOldEnd:
		if r.step = stepFieldStart; c != '\n' {
			r.fail("HPE_CR_EXPECTED", "Expected CRLF", i)
		}
	case stepVersion:
		if c == ' ' {
			return
		}
		r.step, r.n = stepProtocol, 0
		r.byte(c, i)
	default:
		r.target(c, i)
	}
}

// verb reads a byte of the method.
func (r *message) verb(c byte, i int) {
	if r.text = append(r.text, c); string(r.text) == preface {
		r.fail("HPE_PAUSED_H2_UPGRADE", "Pause on PRI/Upgrade", i+1)
		return
	}
	before := r.text[:len(r.text)-1]
	switch {
	case c == ' ' && isMethod(before):
		r.method, r.text, r.step = string(before), r.text[:0], stepURL
	case begins(r.text):
	case isMethod(before):
		r.fail("HPE_INVALID_METHOD", "Expected space after method", i)
	default:
		r.fail("HPE_INVALID_METHOD", "Invalid method encountered", i)
	}
}

// ended ends the path, with what comes behind it.
func (r *message) ended(c byte, i int) bool {
	var next step
	switch c {
	case ' ':
		next = stepVersion
	case '\r':
		next = stepOldEnd
	case '\n':
		next = stepFieldStart
	default:
		return false
	}
	var ok bool
	if r.url, ok = r.word(i); !ok {
		return true
	}
	if r.step = next; c != ' ' {
		r.at.major, r.at.minor = 0, 9
	}
	return true
}

// target reads a byte of what is asked for.
func (r *message) target(c byte, i int) {
	bad := func(text string, at int) { r.fail("HPE_INVALID_URL", text, at) }
	letter := 'a' <= c|0x20 && c|0x20 <= 'z'
	switch {
	case r.step == stepURL && c == ' ':
		return
	case c == '\t' || c == '\f', r.step < stepServer && (c == ' ' || c == '\r' || c == '\n'):
		bad("Invalid characters in url", i+1)
		return
	case r.step >= stepServer && r.ended(c, i):
		return
	}
	switch r.step {
	case stepURL:
		switch {
		case r.method == "CONNECT":
			r.step = stepServer
			r.target(c, i)
			return
		case c == '/' || c == '*':
			r.step = stepPath
		case letter:
			r.step = stepSchema
		default:
			bad("Unexpected start char in url", i)
		}
	case stepSchema:
		if c == ':' {
			r.step, r.n = stepSlashes, 0
		} else if !letter {
			bad("Unexpected char in url schema", i)
		}
	case stepSlashes:
		if r.n++; c != '/' {
			bad("Unexpected char in url schema", i)
		} else if r.n == 2 {
			r.step = stepServer
		}
	case stepServer, stepServerAt:
		switch {
		case c == '/':
			r.step = stepPath
		case c == '?':
			r.step = stepQuery
		case c == '@' && r.step == stepServerAt:
			bad("Double @ in url", i+1)
		case c == '@':
			r.step = stepServerAt
		case !letter && !digit(c) && strings.IndexByte("-_.!~*'();:&=+$,%[]", c) < 0:
			bad("Unexpected char in url server", i)
		default:
			r.step = stepServer
		}
	case stepPath, stepQuery, stepFragment:
		switch {
		case c == '#' && r.step != stepFragment:
			r.step = stepFragment
		case c == '?' && r.step == stepPath:
			r.step = stepQuery
		case c <= ' ' || c >= 0x7f:
			bad(map[step]string{stepPath: "Invalid char in url path", stepQuery: "Invalid char in url query", stepFragment: "Invalid char in url fragment"}[r.step], i)
		}
	}
	if r.step != stepOver {
		r.text = append(r.text, c)
	}
}

// asked ends the headers of a request.
func (r *message) asked(next int) {
	h := r.at
	h.method, h.url = r.method, r.url
	h.fields, r.fields, r.read = r.fields, nil, 0
	h.keeps = h.major > 0 && h.minor > 0 && !r.closes || (h.major == 0 || h.minor == 0) && r.stays
	r.closes = !h.keeps
	if r.method == "CONNECT" || r.switches && r.offers {
		h.kind = upgraded
		r.parts = append(r.parts, h, part{kind: rest, from: next})
		r.step = stepOffered
		return
	}
	r.parts = append(r.parts, h)
	r.follow(next)
}

// Ordinary says that a request that asks for another protocol does not get it: what it
// was fed of is fed again from the place of the part rest on.
func (r *message) Ordinary() []part {
	r.parts = nil
	if r.step == stepOffered {
		r.follow(0)
	}
	return r.parts
}

// follow is what comes after the headers of a request.
func (r *message) follow(next int) {
	switch {
	case r.chunked:
		r.step, r.left = stepChunk, 0
	case r.coded && !r.lenient:
		r.fail("HPE_INVALID_TRANSFER_ENCODING", "Request has invalid `Transfer-Encoding`", next)
	case r.coded:
		r.step = stepUntilClose
	case r.sized && r.left > 0:
		r.step = stepLength
	default:
		r.finished(next)
	}
}
