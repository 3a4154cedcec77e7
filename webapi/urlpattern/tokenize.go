// Package urlpattern is URLPattern (WHATWG URL Pattern).
//
// The Go half knows no JavaScript: a Pattern is eight components, each a list of parts
// with a matcher. Text and wildcards are matched here; what is left is a regular
// expression, which the engine of the realm runs under its limits (Engine).
//
// Everything belongs to the isolate's goroutine.
package urlpattern

import (
	"errors"
	"unicode"
	"unicode/utf8"
)

// errPattern is any mistake in a pattern or in what it is given; scripts see one text.
var errPattern = errors.New("not a URL pattern")

type tokenKind uint8

const (
	tokOpen tokenKind = iota
	tokClose
	tokRegExp
	tokName
	tokChar
	tokEscaped
	tokModifier
	tokAsterisk
	tokEnd
	tokInvalid
)

// token is a piece of a pattern; at is where it begins, in code points.
type token struct {
	kind  tokenKind
	at    int
	value string
}

// tokenize cuts a pattern into tokens ("tokenize"). What is no token is an error, or
// with lenient a token of its own.
func tokenize(in []rune, lenient bool) (out []token, err error) {
	i := 0
	add := func(k tokenKind, next, from, to int) {
		out = append(out, token{k, i, string(in[from:to])})
		i = next
	}
	// bad reports whether the mistake is a token.
	bad := func(next, from int) bool {
		if lenient {
			add(tokInvalid, next, from, next)
		}
		return lenient
	}
	for i < len(in) {
		ok := true
		switch c := in[i]; c {
		case '*':
			add(tokAsterisk, i+1, i, i+1)
		case '+', '?':
			add(tokModifier, i+1, i, i+1)
		case '\\':
			if i == len(in)-1 {
				ok = bad(i+1, i)
				break
			}
			add(tokEscaped, i+2, i+1, i+2)
		case '{':
			add(tokOpen, i+1, i, i+1)
		case '}':
			add(tokClose, i+1, i, i+1)
		case ':':
			n := i + 1
			for n < len(in) && isNameRune(in[n], n == i+1) {
				n++
			}
			if n == i+1 {
				ok = bad(n, i)
				break
			}
			add(tokName, n, i+1, n)
		case '(':
			n := regexpEnd(in, i+1)
			if n < 0 {
				ok = bad(i+1, i)
				break
			}
			add(tokRegExp, n+1, i+1, n)
		default:
			add(tokChar, i+1, i, i+1)
		}
		if !ok {
			return nil, errPattern
		}
	}
	add(tokEnd, i, i, i)
	return out, nil
}

// regexpEnd is the place of the parenthesis that closes the expression, which begins at
// from; -1 where that is none.
func regexpEnd(in []rune, from int) int {
	depth := 1
	for n := from; n < len(in); n++ {
		switch c := in[n]; {
		case c > unicode.MaxASCII, n == from && c == '?':
			return -1
		case c == '\\':
			if n++; n >= len(in) || in[n] > unicode.MaxASCII {
				return -1
			}
		case c == ')':
			if depth--; depth == 0 {
				if n == from {
					return -1
				}
				return n
			}
		case c == '(':
			depth++
			if n+1 >= len(in) || in[n+1] != '?' {
				return -1 // groups of one's own are not counted
			}
		}
	}
	return -1
}

// isNameRune reports whether r may be in the name of a group (ECMAScript, IdentifierName).
func isNameRune(r rune, first bool) bool {
	if first {
		return r == '$' || r == '_' || unicode.IsLetter(r) || unicode.Is(unicode.Nl, r) || unicode.Is(unicode.Other_ID_Start, r)
	}
	return isNameRune(r, true) || unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Mc, r) || unicode.IsDigit(r) || unicode.Is(unicode.Pc, r) ||
		unicode.Is(unicode.Other_ID_Continue, r) || r == '\u200c' || r == '\u200d'
}

func firstRune(s string) rune { r, _ := utf8.DecodeRuneInString(s); return r }
func lastRune(s string) rune  { r, _ := utf8.DecodeLastRuneInString(s); return r }
