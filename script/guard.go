package script

import (
	"strings"

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
		word := ""
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
			switch word {
			case "if", "for", "while", "do", "with":
				if previous != "else" {
					add.heads = 1
				}
			}
		case 's':
			if s.top().open == '`' || s.operand {
				add.chain = 1
			}
		}
		if reset {
			total.subtract(*top)
			*top = counts{}
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
