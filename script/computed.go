package script

import (
	"bytes"
	"regexp"
	"strings"
)

// runTimeLoad matches the start of an import or require whose specifier is not a
// string constant, and the other ways to load a module by a computed name, at a word.
var runTimeLoad = regexp.MustCompile("^(?:(?:import|require)\\s*(?:/\\*[^*]*\\*/\\s*)?\\(\\s*[^\\s\"')]|createRequire\\b|require\\b\\s*[^\\s(:])")

func loadsAtRunTime(content []byte) bool {
	return matchesAt(content, runTimeLoad, "import", "require", "createRequire")
}

// matchesAt looks for an expression that matches from one of the words on: looking for it
// everywhere takes longer than the rest of a start.
func matchesAt(content []byte, e *regexp.Regexp, words ...string) bool {
	for _, word := range words {
		for at := 0; ; at += len(word) {
			i := bytes.Index(content[at:], []byte(word))
			if i < 0 {
				break
			}
			at += i
			if (at == 0 || !isWordByte(content[at-1])) && e.Match(content[at:]) {
				return true
			}
		}
	}
	return false
}

// dotMark stands for the first character of a computed specifier that starts
// with "./" or "../": the bundler would look for such files on disk.
const dotMark = "\x01"

// computedRelative matches at a word, too.
var computedRelative = regexp.MustCompile("^(?:import|require)\\s*\\(\\s*[\"'`]\\.")

// hideDots marks the string constants that computed specifiers start with.
func hideDots(text string) string {
	if !matchesAt([]byte(text), computedRelative, "import", "require") {
		return text
	}
	out := []byte(text)
	s := newScanner(text)
	var a, b, c lexeme // the last three tokens
	for {
		d := s.next()
		if c.kind == 's' && c.start+1 < len(text) && text[c.start+1] == '.' && isText(text, b, "(") &&
			(isText(text, a, "import") || isText(text, a, "require")) && !isText(text, d, ")") && !isText(text, d, ",") {
			out[c.start+1] = dotMark[0]
		}
		if d.kind == 0 {
			return string(out)
		}
		a, b, c = b, c, d
	}
}

func isText(text string, t lexeme, want string) bool { return text[t.start:t.end] == want }

// showDots undoes hideDots.
func showDots(specifier string) string {
	if rest, ok := strings.CutPrefix(specifier, dotMark); ok {
		return "." + rest
	}
	return specifier
}
