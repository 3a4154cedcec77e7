package htmlrewriter

import "bytes"

type kind uint8

const (
	markup   kind = iota // goes out as it is and is nothing to handlers
	text                 // a piece of text, never empty
	startTag             // <a b=c>
	endTag               // </a>
	comment              // <!-- --> and what HTML takes for one
	doctype              // <!doctype html>
)

// token is a piece of the input. raw and all that points into it are valid until
// the lexer is asked for the next token.
type token struct {
	kind kind
	raw  []byte
	// name is the name of a tag, as it is written; body is the text of a comment.
	name, body []byte
	attrs      []attr
	selfClosed bool
}

// attr is an attribute as it is written: raw is all of it, quotes included.
type attr struct{ raw, name, value []byte }

// mode is how text is told from markup.
type mode uint8

const (
	modeData      mode = iota
	modeRaw            // only the end tag of last is markup: title, style, and the like
	modeScript         // the same, with script's own comments
	modePlaintext      // all that follows is text
)

// lexer is the tokenizer of HTML (WHATWG HTML, 13.2.5) on a stream: bytes come in
// through feed, tokens out through next. Bytes that are part of no finished token
// stay in buf.
type lexer struct {
	buf []byte
	pos int // the first byte that is in no token yet
	// last says that no more input comes.
	last bool

	mode mode
	// rawName is the tag that ends modeRaw and modeScript, in lower case.
	rawName string
	script  scriptState
	// cdata says that CDATA sections are markup: inside svg and math.
	cdata   bool
	inCDATA bool

	// What is known of an unfinished token; offsets count from pos.
	scan  int
	tag   tagState
	nameN int
	quote byte
	marks []attrMarks
	tok   token
}

type scriptState uint8

const (
	scriptData scriptState = iota
	scriptEscaped
	scriptDoubleEscaped
)

type tagState uint8

const (
	noTag tagState = iota
	inName
	beforeAttr
	inAttr
	afterAttr
	beforeValue
	inQuoted
	inUnquoted
	afterQuoted
	inSelfClosing
)

type attrMarks struct{ start, nameEnd, value, valueEnd, end int }

// feed adds input; b must not change until it has been taken out.
func (l *lexer) feed(b []byte) {
	if l.pos == len(l.buf) {
		l.buf, l.pos = b[:len(b):len(b)], 0
		return
	}
	rest := l.buf[l.pos:]
	// Doubling, so that a long token in small pieces is not copied for each.
	if cap(rest)-len(rest) < len(b) {
		grown := make([]byte, len(rest), max(2*len(rest), len(rest)+len(b)))
		copy(grown, rest)
		rest = grown
	}
	l.buf, l.pos = append(rest, b...), 0
}

// held is the number of bytes that wait for the rest of their token.
func (l *lexer) held() int { return len(l.buf) - l.pos }

// next is the next token; ok is false where more input is needed, or, after the
// last, where nothing is left.
func (l *lexer) next() (t *token, ok bool) {
	in := l.buf[l.pos:]
	if len(in) == 0 {
		return nil, false
	}
	if l.tag != noTag {
		return l.inTag(in)
	}
	switch {
	case l.inCDATA:
		return l.cdataText(in)
	case l.mode == modePlaintext:
		return l.cut(text, len(in))
	case l.mode == modeScript:
		return l.scriptText(in)
	}
	lt := bytes.IndexByte(in, '<')
	switch {
	case lt < 0:
		return l.cut(text, len(in))
	case lt > 0:
		return l.cut(text, lt)
	case l.mode == modeRaw:
		return l.rawText(in)
	}
	return l.open(in)
}

// cut takes the first n bytes as a token.
func (l *lexer) cut(k kind, n int) (*token, bool) {
	l.tok = token{kind: k, raw: l.buf[l.pos : l.pos+n : l.pos+n]}
	l.pos += n
	l.scan = 0
	return &l.tok, true
}

// wait asks for more input, or takes what is there as text where none comes.
func (l *lexer) wait(in []byte) (*token, bool) {
	if l.last {
		return l.cut(text, len(in))
	}
	return nil, false
}

// open is at a '<' of ordinary content.
func (l *lexer) open(in []byte) (*token, bool) {
	if len(in) == 1 {
		return l.wait(in)
	}
	switch c := in[1]; {
	case isLetter(c):
		return l.startTag(in, 1)
	case c == '/':
		switch {
		case len(in) == 2:
			return l.wait(in)
		case isLetter(in[2]):
			return l.startTag(in, 2)
		case in[2] == '>':
			return l.cut(markup, 3)
		}
		return l.bogus(in, 2)
	case c == '?':
		return l.bogus(in, 1)
	case c == '!':
		return l.declaration(in)
	}
	return l.cut(text, 1)
}

// declaration is at "<!".
func (l *lexer) declaration(in []byte) (*token, bool) {
	after := in[2:]
	switch {
	case bytes.HasPrefix(after, []byte("--")):
		return l.comment(in)
	case hasPrefixFold(after, "doctype"):
		end := bytes.IndexByte(in[l.scan:], '>')
		if end < 0 {
			l.scan = len(in)
			if !l.last {
				return nil, false
			}
			t, ok := l.cut(doctype, len(in))
			t.body = t.raw[len("<!doctype"):]
			return t, ok
		}
		t, ok := l.cut(doctype, l.scan+end+1)
		t.body = t.raw[len("<!doctype") : len(t.raw)-1]
		return t, ok
	case l.cdata && bytes.HasPrefix(after, []byte("[CDATA[")):
		l.inCDATA = true
		return l.cut(markup, len("<![CDATA["))
	}
	if !l.last && (isPrefixFold(after, "doctype") || isPrefixFold(after, "--") || l.cdata && isPrefixFold(after, "[CDATA[")) {
		return nil, false
	}
	return l.bogus(in, 2)
}

// comment is at "<!--".
func (l *lexer) comment(in []byte) (*token, bool) {
	const open = len("<!--")
	if l.scan == 0 {
		// "<!-->" and "<!--->" are empty comments.
		rest := in[open:]
		switch {
		case len(rest) > 0 && rest[0] == '>':
			return l.cutComment(open+1, open, open)
		case len(rest) > 1 && rest[0] == '-' && rest[1] == '>':
			return l.cutComment(open+2, open, open)
		case len(rest) < 2 && !l.last && (len(rest) == 0 || rest[0] == '-'):
			return nil, false
		}
		l.scan = open
	}
	for {
		i := bytes.Index(in[l.scan:], []byte("--"))
		if i < 0 {
			break
		}
		at := l.scan + i
		after := in[at+2:]
		switch {
		case len(after) > 0 && after[0] == '>':
			return l.cutComment(at+3, open, at)
		case len(after) > 1 && after[0] == '!' && after[1] == '>':
			return l.cutComment(at+4, open, at)
		case len(after) == 0, len(after) == 1 && after[0] == '!':
			if !l.last {
				l.scan = at
				return nil, false
			}
			return l.cutComment(len(in), open, at)
		}
		l.scan = at + 1
	}
	if l.last {
		end := len(in)
		if end > open && in[end-1] == '-' {
			end--
		}
		return l.cutComment(len(in), open, max(end, open))
	}
	l.scan = max(l.scan, len(in)-1)
	return nil, false
}

func (l *lexer) cutComment(n, from, to int) (*token, bool) {
	t, ok := l.cut(comment, n)
	t.body = t.raw[from:max(from, to)]
	return t, ok
}

// bogus is a comment that begins after n bytes and ends with the next '>'.
func (l *lexer) bogus(in []byte, n int) (*token, bool) {
	end := bytes.IndexByte(in[l.scan:], '>')
	if end < 0 {
		l.scan = len(in)
		if l.last {
			return l.cutComment(len(in), n, len(in))
		}
		return nil, false
	}
	return l.cutComment(l.scan+end+1, n, l.scan+end)
}

// cdataText is inside a CDATA section.
func (l *lexer) cdataText(in []byte) (*token, bool) {
	end := []byte("]]>")
	switch i := bytes.Index(in, end); {
	case i > 0:
		return l.cut(text, i)
	case i == 0:
		l.inCDATA = false
		return l.cut(markup, len(end))
	}
	n := len(in)
	if !l.last {
		// What may be the beginning of the end waits.
		for k := min(2, n); k > 0; k-- {
			if bytes.HasSuffix(in, end[:k]) {
				n -= k
				break
			}
		}
	}
	if n == 0 {
		return nil, false
	}
	return l.cut(text, n)
}

// ends reports whether in, which begins with "</", is the end tag of name. more says
// that this cannot be told yet.
func (l *lexer) ends(in []byte, name string) (yes, more bool) {
	n := 2 + len(name)
	if !isPrefixFold(in[2:], name) && !hasPrefixFold(in[2:], name) {
		return false, false
	}
	if len(in) <= n {
		return false, !l.last
	}
	return endsName(in[n]), false
}

// rawText is at a '<' where only one end tag counts.
func (l *lexer) rawText(in []byte) (*token, bool) {
	if len(in) < 2 {
		return l.wait(in)
	}
	if in[1] != '/' {
		return l.cut(text, 1)
	}
	yes, more := l.ends(in, l.rawName)
	switch {
	case more:
		return nil, false
	case yes:
		l.mode = modeData
		return l.startTag(in, 2)
	}
	n := 2
	for n < len(in) && isLetter(in[n]) {
		n++
	}
	return l.cut(text, n)
}

// scriptText is the content of a script, where "<!--" may hide "</script>".
func (l *lexer) scriptText(in []byte) (*token, bool) {
	i := bytes.IndexAny(in, "<-")
	if l.script == scriptData {
		i = bytes.IndexByte(in, '<')
	}
	switch {
	case i < 0:
		return l.cut(text, len(in))
	case i > 0:
		return l.cut(text, i)
	case in[0] == '-':
		n := 1
		for n < len(in) && in[n] == '-' {
			n++
		}
		if n == len(in) && !l.last {
			if n > 3 {
				return l.cut(text, n-2) // two dashes are all that counts
			}
			return nil, false
		}
		if n > 1 && n < len(in) && in[n] == '>' {
			l.script = scriptData
			n++
		}
		return l.cut(text, n)
	}
	if len(in) > 1 && in[1] == '/' {
		yes, more := l.ends(in, "script")
		switch {
		case more:
			return nil, false
		case yes && l.script == scriptDoubleEscaped:
			l.script = scriptEscaped
			return l.cut(text, len("</script")+1)
		case yes:
			l.mode, l.script = modeData, scriptData
			return l.startTag(in, 2)
		}
		return l.cut(text, 2)
	}
	switch l.script {
	case scriptData:
		if bytes.HasPrefix(in, []byte("<!--")) {
			l.script = scriptEscaped
			return l.cut(text, len("<!")) // the dashes may also be those of "-->"
		}
		if !l.last && len(in) < 4 && bytes.HasPrefix([]byte("<!--"), in) {
			return nil, false
		}
	case scriptEscaped:
		const open = "script"
		if hasPrefixFold(in[1:], open) && len(in) > 1+len(open) {
			if endsName(in[1+len(open)]) {
				l.script = scriptDoubleEscaped
				return l.cut(text, len(open)+2)
			}
		} else if !l.last && (isPrefixFold(in[1:], open) || len(in) == 1+len(open) && hasPrefixFold(in[1:], open)) {
			return nil, false
		}
	}
	if len(in) == 1 && !l.last {
		return nil, false
	}
	return l.cut(text, 1)
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

func isSpace(c byte) bool {
	return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f'
}

// endsName reports whether c ends the name of a tag.
func endsName(c byte) bool { return isSpace(c) || c == '/' || c == '>' }

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func equalFold(b []byte, s string) bool { return len(b) == len(s) && hasPrefixFold(b, s) }

// hasPrefixFold reports whether b begins with s, whatever the case of ASCII letters.
func hasPrefixFold(b []byte, s string) bool { return len(b) >= len(s) && isPrefixFold(b[:len(s)], s) }

// isPrefixFold reports whether b is as much of s as there is.
func isPrefixFold(b []byte, s string) bool {
	if len(b) > len(s) {
		return false
	}
	for i := range b {
		if lower(b[i]) != lower(s[i]) {
			return false
		}
	}
	return true
}
