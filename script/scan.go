package script

import (
	"strings"
	"unicode/utf8"
)

// scanner splits JavaScript into tokens, well enough to follow brackets: it
// tells strings, templates, comments and regular expressions from code. It does
// not recurse and accepts any text.
type scanner struct {
	src    string
	pos    int
	line   int // from 1, of pos
	frames []frame

	// What the last token was, for telling a regular expression from a division.
	operand bool // it ended an operand
	keyword string
	start   bool // a statement may begin here
}

// brace is what the next opening brace belongs to.
type brace uint8

const (
	anyBrace brace = iota
	functionExpression
	functionStatement
	classExpression
	classStatement
)

// frame is one open bracket.
type frame struct {
	open       byte // ( [ { or ` for a template
	expression bool // a brace whose end is the end of an operand
	class      bool // a class body
	condition  bool // a parenthesis after if, while, for or with
	pending    brace
	ternary    int
	caseLabel  bool
}

type lexeme struct {
	kind       byte // 'w' word, 'n' number, 's' string or template part, 'r' regexp, 'p' punctuator, 0 end
	start, end int
}

// words after which an operand must follow.
var operandFollows = map[string]bool{
	"return": true, "typeof": true, "instanceof": true, "in": true, "of": true, "new": true, "delete": true,
	"void": true, "throw": true, "case": true, "do": true, "else": true, "yield": true, "await": true,
	"default": true, "extends": true,
}

func newScanner(src string) *scanner {
	s := &scanner{src: src, line: 1, start: true}
	s.frames = append(s.frames, frame{open: '{'})
	if strings.HasPrefix(src, "#!") {
		s.skipLine()
	}
	return s
}

func (s *scanner) top() *frame { return &s.frames[len(s.frames)-1] }

// depth is the number of open brackets.
func (s *scanner) depth() int { return len(s.frames) - 1 }

func (s *scanner) skipLine() {
	if i := strings.IndexByte(s.src[s.pos:], '\n'); i >= 0 {
		s.pos += i
	} else {
		s.pos = len(s.src)
	}
}

// next returns the next token. Its bracket, if it is one, is on the stack.
func (s *scanner) next() lexeme {
	for s.pos < len(s.src) {
		switch c := s.src[s.pos]; {
		case c == '\n':
			s.line++
			s.pos++
		case c == ' ', c == '\t', c == '\r':
			s.pos++
		case c == '/' && s.at(1) == '/':
			s.skipLine()
		case c == '/' && s.at(1) == '*':
			end := strings.Index(s.src[s.pos+2:], "*/")
			if end < 0 {
				s.pos = len(s.src)
				break
			}
			s.line += strings.Count(s.src[s.pos:s.pos+2+end], "\n")
			s.pos += end + 4
		default:
			return s.token(c)
		}
	}
	return lexeme{start: len(s.src), end: len(s.src)}
}

func (s *scanner) at(n int) byte {
	if s.pos+n < len(s.src) {
		return s.src[s.pos+n]
	}
	return 0
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '$' || c == '\\' || c >= utf8.RuneSelf
}

func (s *scanner) token(c byte) lexeme {
	start := s.pos
	switch {
	case c >= '0' && c <= '9' || c == '.' && s.at(1) >= '0' && s.at(1) <= '9':
		for s.pos < len(s.src) && (isWord(s.src[s.pos]) || s.src[s.pos] == '.') {
			s.pos++
		}
		s.after(true, "")
		return lexeme{'n', start, s.pos}
	case isWord(c) || c == '#' || c == '@':
		s.pos++
		for s.pos < len(s.src) && isWord(s.src[s.pos]) {
			s.pos++
		}
		s.word(s.src[start:s.pos], start > 0 && s.src[start-1] == '.' && !(start > 2 && s.src[start-3:start] == "..."))
		return lexeme{'w', start, s.pos}
	case c == '"' || c == '\'':
		s.pos++
		for s.pos < len(s.src) && s.src[s.pos] != c && s.src[s.pos] != '\n' {
			if s.src[s.pos] == '\\' {
				s.pos++
				if s.at(0) == '\n' {
					s.line++
				}
			}
			s.pos++
		}
		s.pos = min(s.pos+1, len(s.src))
		if s.src[s.pos-1] == '\n' {
			s.pos--
		}
		s.after(true, "")
		return lexeme{'s', start, s.pos}
	case c == '`':
		s.pos++
		s.frames = append(s.frames, frame{open: '`'})
		s.template()
		return lexeme{'s', start, s.pos}
	case c == '/' && !s.operand:
		s.regexp()
		return lexeme{'r', start, s.pos}
	}
	s.punctuator(c)
	return lexeme{'p', start, s.pos}
}

func (s *scanner) after(operand bool, keyword string) {
	s.operand, s.keyword, s.start = operand, keyword, false
}

// word notes what an identifier or keyword means for what follows.
func (s *scanner) word(w string, property bool) {
	f := s.top()
	if property {
		s.after(true, "")
		return
	}
	statement := s.start
	switch w {
	case "function":
		f.pending = functionExpression
		if statement || s.keyword == "async" || s.keyword == "export" || s.keyword == "default" {
			f.pending = functionStatement
		}
		s.after(false, w)
	case "class":
		f.pending = classExpression
		if statement || s.keyword == "export" || s.keyword == "default" || s.keyword == "abstract" {
			f.pending = classStatement
		}
		s.after(false, w)
	case "case", "default":
		f.caseLabel = true
		s.after(false, w)
	case "if", "while", "for", "with":
		s.after(true, w)
	case "async", "export", "abstract":
		s.after(true, w)
		if statement {
			s.keyword = w
		} else {
			s.keyword = ""
		}
		return
	default:
		if operandFollows[w] {
			s.after(false, w)
			if w == "do" || w == "else" {
				s.start = true
			}
			return
		}
		s.after(true, w)
	}
}

// template reads text up to the end of the template or its next substitution.
func (s *scanner) template() {
	for s.pos < len(s.src) {
		switch s.src[s.pos] {
		case '\\':
			s.pos++
			if s.at(0) == '\n' {
				s.line++
			}
		case '\n':
			s.line++
		case '`':
			s.pos++
			s.frames = s.frames[:len(s.frames)-1]
			s.after(true, "")
			return
		case '$':
			if s.at(1) == '{' {
				s.pos += 2
				s.frames = append(s.frames, frame{open: '{', expression: true})
				s.after(false, "")
				return
			}
		}
		s.pos++
	}
	s.pos = min(s.pos, len(s.src))
}

func (s *scanner) regexp() {
	class := false
	for s.pos++; s.pos < len(s.src) && s.src[s.pos] != '\n'; s.pos++ {
		switch c := s.src[s.pos]; {
		case c == '\\':
			s.pos++
		case c == '[':
			class = true
		case c == ']':
			class = false
		case c == '/' && !class:
			s.pos++
			for s.pos < len(s.src) && isWord(s.src[s.pos]) {
				s.pos++
			}
			s.after(true, "")
			return
		}
	}
	s.pos = min(s.pos, len(s.src))
	s.after(true, "")
}

func (s *scanner) punctuator(c byte) {
	s.pos++
	f := s.top()
	switch c {
	case '(':
		condition := s.keyword == "if" || s.keyword == "while" || s.keyword == "for" || s.keyword == "with"
		s.frames = append(s.frames, frame{open: '(', condition: condition})
		s.after(false, "")
	case '[':
		s.frames = append(s.frames, frame{open: '['})
		s.after(false, "")
	case '{':
		g := frame{open: '{'}
		switch {
		case f.pending == functionExpression || f.pending == classExpression:
			g.expression, g.class = true, f.pending == classExpression
		case f.pending == functionStatement || f.pending == classStatement:
			g.class = f.pending == classStatement
		case s.start, s.keyword == "else", s.keyword == "do", s.keyword == "try", s.keyword == "finally", s.operand:
		default:
			g.expression = true
		}
		body := f.pending == functionExpression
		f.pending = anyBrace
		s.frames = append(s.frames, g)
		s.after(false, "")
		s.start = !g.expression && !g.class || body
	case ')', ']':
		condition := false
		if len(s.frames) > 1 && f.open != '{' && f.open != '`' {
			condition = f.condition
			s.frames = s.frames[:len(s.frames)-1]
		}
		s.after(!condition, ")")
		s.start = condition
	case '}':
		if len(s.frames) == 1 || f.open != '{' {
			s.after(false, "")
			return
		}
		g := *f
		s.frames = s.frames[:len(s.frames)-1]
		if s.top().open == '`' {
			s.template()
			return
		}
		s.after(g.expression, "}")
		s.start = !g.expression
	case ';':
		s.after(false, "")
		s.start = true
		f.ternary, f.caseLabel, f.pending = 0, false, anyBrace
	case ':':
		statement := f.open == '{' && !f.expression && !f.class && f.ternary == 0
		if f.ternary > 0 {
			f.ternary--
		}
		f.caseLabel = false
		s.after(false, "")
		s.start = statement
	case '?':
		if s.at(0) == '.' || s.at(0) == '?' {
			s.pos++
		} else {
			f.ternary++
		}
		s.after(false, "")
	case '+', '-':
		if s.at(0) == c { // ++ and -- follow an operand or precede one
			s.pos++
			operand := s.operand
			s.after(operand, "")
			return
		}
		s.after(false, "")
	case '=':
		arrow := s.at(0) == '>'
		if arrow {
			s.pos++
		}
		s.after(false, "")
		if arrow {
			s.start = true // a brace here is a function's body
		}
	default:
		s.after(false, "")
	}
}
