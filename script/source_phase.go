package script

import "strings"

// withoutSourcePhase turns "import source x from" into "import x from": the source of a
// WebAssembly module is its default export here, and no other module has one. Places stay
// as they are.
func withoutSourcePhase(text string) string {
	if !strings.Contains(text, "source") {
		return text
	}
	var out []byte
	s := newScanner(text)
	var last [3]lexeme // the tokens in front of the present one
	for {
		t := s.next()
		if t.kind == 0 {
			break
		}
		word := func(l lexeme) string {
			if l.kind != 'w' {
				return ""
			}
			return text[l.start:l.end]
		}
		if s.depth() == 0 && word(last[1]) == "import" && word(last[2]) == "source" && t.kind == 'w' && (last[0].kind != 'p' || text[last[0].start:last[0].end] != ".") {
			// "import source from 'x'" names its default export so.
			after := *s
			after.frames = append([]frame(nil), s.frames...)
			if word(t) != "from" || word(after.next()) == "from" {
				if out == nil {
					out = []byte(text)
				}
				for i := last[2].start; i < last[2].end; i++ {
					out[i] = ' '
				}
			}
		}
		last[0], last[1], last[2] = last[1], last[2], t
	}
	if out == nil {
		return text
	}
	return string(out)
}
