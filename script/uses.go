package script

import "strings"

// What a source may use, found by looking at its text once. These are loops and not regular
// expressions: they look at every byte of every bundle, and took half of the time of a start.

// usesBigOperators reports whether an operator is there that can make a huge BigInt.
func usesBigOperators(text string) bool {
	return strings.Contains(text, "**") || strings.Contains(text, "<<") || strings.Contains(text, ">>")
}

// usesBigInts reports whether the text may have BigInts of its own: it names their
// constructors or has a literal of one.
func usesBigInts(text string) bool {
	for rest := text; ; {
		i := strings.Index(rest, "Big")
		if i < 0 {
			break
		}
		at := len(text) - len(rest) + i
		rest = rest[i+len("Big"):]
		if at > 0 && isWordByte(text[at-1]) {
			continue
		}
		after, ok := strings.CutPrefix(rest, "Int")
		if !ok {
			after, ok = strings.CutPrefix(rest, "UInt")
			if ok && strings.HasPrefix(after, "64") {
				return true
			}
			continue
		}
		if after == "" || !isWordByte(after[0]) || strings.HasPrefix(after, "64") {
			return true
		}
	}
	for i := 0; i < len(text); i++ {
		switch {
		case !isWordByte(text[i]):
		case isDigit(text[i]):
			for i++; i < len(text) && strings.IndexByte("0123456789abcdefABCDEFxXoO_", text[i]) >= 0; i++ {
			}
			if i < len(text) && text[i] == 'n' && (i+1 == len(text) || !isWordByte(text[i+1])) {
				return true
			}
			i = endOfWord(text, i) - 1
		default:
			i = endOfWord(text, i) - 1
		}
	}
	return false
}

// usesOwnRegExps reports whether a regular expression may be there that is rewritten:
// properties, modifiers, the flags d, m and v. Text that looks like one costs a walk.
func usesOwnRegExps(text string) bool {
	if strings.Contains(text, `\p{`) || strings.Contains(text, `\P{`) {
		return true
	}
	for rest := text; ; {
		i := strings.Index(rest, "(?")
		if i < 0 {
			break
		}
		rest = rest[i+2:]
		end := strings.TrimLeft(rest, "ims")
		end = strings.TrimLeft(strings.TrimPrefix(end, "-"), "ims")
		if strings.HasPrefix(end, ":") {
			return true
		}
	}
	for i := strings.IndexByte(text, '/'); i >= 0 && i < len(text); {
		end, own := i+1, false
		for ; end < len(text) && strings.IndexByte("dgimsuvy", text[end]) >= 0; end++ {
			own = own || strings.IndexByte("dmv", text[end]) >= 0
		}
		if own && (end == len(text) || !isWordByte(text[end])) {
			return true
		}
		next := strings.IndexByte(text[i+1:], '/')
		if next < 0 {
			break
		}
		i += 1 + next
	}
	return false
}

// usesLastMatch reports whether the text may ask RegExp for its last match: by one of the
// names, of RegExp or of what may be another name for it, or by a name that it computes or
// takes apart.
func usesLastMatch(text string) bool {
	named := false
	for rest := text; ; {
		i := strings.Index(rest, "RegExp")
		if i < 0 {
			break
		}
		at := len(text) - len(rest) + i
		rest = rest[i+len("RegExp"):]
		if at > 0 && isNameByte(text[at-1]) || rest != "" && isNameByte(rest[0]) {
			continue
		}
		named = true
		next := strings.TrimLeft(rest, " \t\r\n?.")
		if strings.HasPrefix(next, "[") || strings.HasPrefix(next, "$") || strings.HasPrefix(next, "input") && strings.Contains(rest[:len(rest)-len(next)], ".") {
			return true
		}
		before := strings.TrimRight(text[:at], " \t\r\n")
		if before, ok := strings.CutSuffix(before, "="); ok && strings.HasSuffix(strings.TrimRight(before, " \t\r\n"), "}") {
			return true
		}
	}
	if !named {
		return false
	}
	for _, name := range []string{"lastMatch", "lastParen", "leftContext", "rightContext"} {
		if strings.Contains(text, name) {
			return true
		}
	}
	for rest := text; ; {
		i := strings.Index(rest, ".$")
		if i < 0 {
			return false
		}
		rest = rest[i+len(".$"):]
		if rest != "" && (rest[0] == '_' || '1' <= rest[0] && rest[0] <= '9') && (len(rest) == 1 || !isNameByte(rest[1])) {
			return true
		}
	}
}

// isNameByte is what a name in a script may have, of ASCII.
func isNameByte(c byte) bool { return isWordByte(c) || c == '$' }

func endOfWord(text string, i int) int {
	for i < len(text) && isWordByte(text[i]) {
		i++
	}
	return i
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isWordByte is what \w is in a regular expression.
func isWordByte(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
}
