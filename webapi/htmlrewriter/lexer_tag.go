package htmlrewriter

import "bytes"

// startTag begins a tag whose name begins after n bytes: 1 for a start tag, 2 for
// an end tag.
func (l *lexer) startTag(in []byte, n int) (*token, bool) {
	l.tag, l.scan, l.marks = inName, n, l.marks[:0]
	return l.inTag(in)
}

// inTag goes on with a tag until its '>' (WHATWG HTML, 13.2.5.8 and on). A tag that
// the input ends in is markup that means nothing.
func (l *lexer) inTag(in []byte) (*token, bool) {
	i := l.scan
	for i < len(in) {
		c := in[i]
		switch l.tag {
		case inName:
			if !endsName(c) {
				i++
				continue
			}
			l.nameN = i
			l.tag = beforeAttr
		case beforeAttr:
			switch {
			case isSpace(c):
				i++
			case c == '/':
				l.tag = inSelfClosing
				i++
			case c == '>':
				return l.cutTag(i+1, false)
			default:
				l.marks = append(l.marks, attrMarks{start: i})
				l.tag = inAttr
				i++ // even a '=' begins a name
			}
		case inAttr:
			if c != '=' && !endsName(c) {
				i++
				continue
			}
			m := l.mark()
			*m = attrMarks{m.start, i, i, i, i}
			l.tag = afterAttr
		case afterAttr:
			switch {
			case isSpace(c):
				i++
			case c == '=':
				l.tag = beforeValue
				i++
			default:
				l.tag = beforeAttr
			}
		case beforeValue:
			switch {
			case isSpace(c):
				i++
			case c == '"' || c == '\'':
				l.quote, l.tag = c, inQuoted
				i++
				l.mark().value = i
			default:
				m := l.mark()
				m.value, m.valueEnd, m.end = i, i, i
				l.tag = inUnquoted
			}
		case inQuoted:
			end := bytes.IndexByte(in[i:], l.quote)
			if end < 0 {
				i = len(in)
				continue
			}
			m := l.mark()
			m.valueEnd, m.end = i+end, i+end+1
			i += end + 1
			l.tag = afterQuoted
		case inUnquoted:
			if !isSpace(c) && c != '>' {
				i++
				m := l.mark()
				m.valueEnd, m.end = i, i
				continue
			}
			l.tag = beforeAttr
		case afterQuoted:
			l.tag = beforeAttr
		case inSelfClosing:
			if c == '>' {
				return l.cutTag(i+1, true)
			}
			l.tag = beforeAttr
		}
	}
	l.scan = i
	if l.last {
		l.tag = noTag
		return l.cut(markup, len(in))
	}
	return nil, false
}

func (l *lexer) mark() *attrMarks { return &l.marks[len(l.marks)-1] }

func (l *lexer) cutTag(n int, selfClosed bool) (*token, bool) {
	l.tag = noTag
	k, from := startTag, 1
	if l.buf[l.pos+1] == '/' {
		k, from = endTag, 2
	}
	attrs := l.tok.attrs[:0]
	t, ok := l.cut(k, n)
	t.name = t.raw[from:l.nameN]
	for _, m := range l.marks {
		attrs = append(attrs, attr{t.raw[m.start:m.end], t.raw[m.start:m.nameEnd], t.raw[m.value:m.valueEnd]})
	}
	t.attrs, t.selfClosed = attrs, selfClosed
	return t, ok
}
