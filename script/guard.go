package script

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"workerd.local/internal/limits"
)

// guardSource refuses configured sources that nest too deeply for the recursive
// parsers. Files on disk are looked at when they are loaded.
func guardSource(src *Source) error {
	list := make([]*Module, 0, len(src.Modules)+len(src.Extensions)+1)
	for i := range src.Modules {
		list = append(list, &src.Modules[i])
	}
	for i := range src.Extensions {
		list = append(list, &src.Extensions[i].Module)
	}
	if src.ServiceWorker != nil {
		list = append(list, src.ServiceWorker)
	}
	for _, m := range list {
		if m.Kind == ESModule || m.Kind == CommonJS || m.Kind == JSON {
			if err := guardWritten(m.Name, string(m.Content), src.Bounds); err != nil {
				return err
			}
		}
	}
	return nil
}

// guardWritten is guardText for text as people write it, which may have no
// semicolons and may be JSX, so that words of prose count, too.
func guardWritten(file, text string, bounds *limits.Set) error {
	return guard(file, text, limits.ScriptWritten.In(bounds), limits.ScriptBrackets.In(bounds))
}

// guardText is guard for text that goes to the engine.
func guardText(file, text string, bounds *limits.Set) error {
	return guard(file, text, limits.ScriptChain.In(bounds), limits.ScriptBrackets.In(bounds))
}

// guard refuses a text whose brackets, or whose operators within one
// statement, nest beyond what the parsers can take. Each operator and keyword
// counts as one level, because a parser may recurse for it; a separator at the
// same level of brackets starts again.
func guard(file, text string, maxChain, maxBrackets int) error {
	if len(text) <= maxBrackets {
		return nil
	}
	s := newScanner(text)
	// One count per open bracket, and their sums.
	levels := []counts{{}}
	var total counts
	previous := ""
	var ended counts // of the statement that the last token ended, which an else takes up again
	for {
		operand, line := s.operand, s.line
		t := s.next()
		if t.kind == 0 {
			return nil
		}
		depth := s.depth()
		closing := depth+1 < len(levels)
		for len(levels) > depth+1 {
			total.subtract(levels[len(levels)-1])
			levels = levels[:len(levels)-1]
		}
		for len(levels) < depth+1 {
			levels = append(levels, counts{})
		}
		top := &levels[len(levels)-1]
		word, before := "", ended
		ended = counts{}
		reset, add := false, counts{}
		switch t.kind {
		case 'p':
			switch c := text[t.start]; c {
			case ';', ',':
				reset = true
			case '}':
				// A statement may end here, unless another clause follows.
				reset = closing && s.start && !followsElse(text[t.end:])
			case ')', ']':
			case '(', '[':
				if add.chain = 1; operand && depth > 0 { // a call or an index, of what is before it
					levels[depth-1].chain++
					total.chain++
				}
			default:
				add.chain = 1
			}
		case 'w':
			word = text[t.start:t.end]
			reset = operand && s.line > line // a semicolon is implied
			add.chain = 1
			if word == "else" {
				add.add(before)
			}
			switch word {
			case "if", "for", "while", "do", "with":
				if previous != "else" {
					add.heads = 1
				}
			}
		case 'r':
			if end := strings.LastIndexByte(text[t.start:t.end], '/'); end > 0 && foldsTooMuch(text[t.start+1:t.start+end], text[t.start+end:t.end]) {
				e := failf(file, "Invalid regular expression: Regular expression too large")
				e.Diagnostics[0].Line = s.line
				return e
			}
		case 's':
			if s.top().open == '`' || s.operand {
				add.chain = 1
			}
		}
		if reset {
			total.subtract(*top)
			ended, *top = *top, counts{}
		}
		top.add(add)
		total.add(add)
		previous = word
		switch {
		case depth+total.heads > maxBrackets:
			return tooDeep(file, s.line, maxBrackets, "brackets and statements")
		case total.chain > maxChain:
			return tooDeep(file, s.line, maxChain, "operators in one statement")
		}
	}
}

// counts are what nests within one statement: operators and words, and the
// heads of statements whose body is another statement.
type counts struct{ chain, heads int }

// longestFolds is how many characters the ranges of an expression may hold that ignores case:
// the engine looks at each of them.
const longestFolds = 16 << 20

// foldsTooMuch reports whether the ranges in the classes of an expression that ignores case
// take long to read. It takes all that looks like a range for one.
func foldsTooMuch(pattern, flags string) bool {
	if !strings.Contains(flags, "i") || len(pattern) < 100 {
		return false
	}
	const first, last = 'A', 0x1e943 // the characters that have a case
	total, low := 0, rune(-1)
	for rest := pattern; rest != ""; {
		c, size := patternAtom(rest)
		rest = rest[size:]
		if low >= 0 && c == '-' && size == 1 && rest != "" {
			high, size := patternAtom(rest)
			rest = rest[size:]
			if total += max(0, int(min(high, last)-max(low, first))); total > longestFolds {
				return true
			}
			low = -1
			continue
		}
		low = c
	}
	return false
}

// patternAtom is the character that a pattern begins with, and how long it is there.
func patternAtom(s string) (rune, int) {
	if s[0] != '\\' || len(s) < 2 {
		return utf8.DecodeRuneInString(s)
	}
	digits, skip := s[2:], 2
	switch {
	case s[1] == 'u' && strings.HasPrefix(digits, "{"):
		n := strings.IndexByte(digits, '}')
		if n < 0 {
			return 'u', 2
		}
		digits, skip = digits[1:n], 4
	case s[1] == 'u':
		digits = digits[:min(4, len(digits))]
	case s[1] == 'x':
		digits = digits[:min(2, len(digits))]
	default:
		c, size := utf8.DecodeRuneInString(s[1:])
		return c, 1 + size
	}
	c, err := strconv.ParseUint(digits, 16, 31)
	if err != nil {
		return rune(s[1]), 2
	}
	return rune(c), skip + len(digits)
}

func (c *counts) add(d counts)      { c.chain, c.heads = c.chain+d.chain, c.heads+d.heads }
func (c *counts) subtract(d counts) { c.chain, c.heads = c.chain-d.chain, c.heads-d.heads }

func followsElse(rest string) bool {
	rest = strings.TrimLeft(rest, " \t\r\n")
	return strings.HasPrefix(rest, "else")
}

func tooDeep(file string, line, limit int, what string) *Error {
	e := failf(file, "the source is nested too deeply: more than %d %s", limit, what)
	if file != "" {
		e.Diagnostics[0].Line = line
	}
	return e
}

// quoteFieldNames writes the class fields named get, set, async and static with
// quotes, in text that the bundler has printed: the engine takes the bare words
// for the beginning of an accessor or a method. "get = 1" becomes `"get"=1`, so
// nothing after it on the line moves.
func quoteFieldNames(text string) string {
	if !mayHaveSuchFields(text) {
		return text
	}
	var b strings.Builder
	done := 0
	s := newScanner(text)
	previous := lexeme{}
	for {
		t := s.next()
		if t.kind == 0 {
			break
		}
		inClass := s.top().class
		if inClass && previous.kind == 'w' && t.kind == 'p' {
			switch word, c := text[previous.start:previous.end], text[t.start]; word {
			case "get", "set", "async", "static", "accessor":
				if c == '=' && text[previous.end:t.start] == " " && strings.HasPrefix(text[t.end:], " ") {
					b.WriteString(text[done:previous.start])
					b.WriteString(`"` + word + `"=`)
					done = t.end + 1
				} else if c == ';' || c == '=' {
					b.WriteString(text[done:previous.start])
					b.WriteString(`"` + word + `"`)
					done = previous.end
				}
			}
		}
		previous = t
	}
	if done == 0 {
		return text
	}
	b.WriteString(text[done:])
	return b.String()
}

func mayHaveSuchFields(text string) bool {
	for _, word := range []string{"get", "set", "async", "static", "accessor"} {
		if strings.Contains(text, word+" = ") || strings.Contains(text, word+";") || strings.Contains(text, word+"=") {
			return true
		}
	}
	return false
}
