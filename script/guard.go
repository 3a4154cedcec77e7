package script

import "strings"

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
			if err := guardWritten(m.Name, string(m.Content)); err != nil {
				return err
			}
		}
	}
	return nil
}

// guardWritten is guardText for text as people write it, which may have no
// semicolons and may be JSX, so that words of prose count, too.
func guardWritten(file, text string) error { return guard(file, text, MaxWrittenChain) }

// guardText is guard for text that goes to the engine.
func guardText(file, text string) error { return guard(file, text, MaxChain) }

// guard refuses a text whose brackets, or whose operators within one
// statement, nest beyond what the parsers can take. Each operator and keyword
// counts as one level, because a parser may recurse for it; a separator at the
// same level of brackets starts again.
func guard(file, text string, maxChain int) error {
	if len(text) <= MaxBrackets {
		return nil
	}
	s := newScanner(text)
	total := 0 // operators in all open statements
	pop := func(depth int, chains *[]int) {
		for len(*chains) > depth+1 {
			total -= (*chains)[len(*chains)-1]
			*chains = (*chains)[:len(*chains)-1]
		}
		for len(*chains) < depth+1 {
			*chains = append(*chains, 0)
		}
	}
	chains := []int{0}
	for {
		operand, line := s.operand, s.line
		t := s.next()
		if t.kind == 0 {
			return nil
		}
		depth := s.depth()
		if depth > MaxBrackets {
			return tooDeep(file, s.line, MaxBrackets, "brackets")
		}
		closing := depth+1 < len(chains)
		pop(depth, &chains)
		top := &chains[len(chains)-1]
		reset := false
		switch t.kind {
		case 'p':
			switch c := text[t.start]; c {
			case ';', ',':
				reset = true
			case '}':
				// A statement may end here, unless another clause follows.
				reset = closing && s.start && !followsElse(text[t.end:])
			case ')', ']':
			default:
				*top++
				total++
			}
		case 'w':
			if operand && s.line > line {
				total -= *top // a semicolon is implied
				*top = 0
			}
			*top++
			total++
		case 's':
			if s.top().open == '`' || s.operand {
				*top++
				total++
			}
		}
		if reset {
			total -= *top
			*top = 0
		}
		if total > maxChain {
			return tooDeep(file, s.line, maxChain, "operators in one statement")
		}
	}
}

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
