package natives

import (
	"strings"
	"unicode/utf8"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/parser"
	"github.com/dop251/goja/token"
)

// What V8 says of an expression that a program used in a wrong way: "a.b(...).c" of
// a.b(1).c(). The engine knows a place in the source, at the end of the expression or at its
// start; the expression is found from there, read again, and written as V8's
// CallPrinter does. What cannot be read is "(intermediate value)", V8's own words for
// what it does not print.

const (
	intermediate = "(intermediate value)"
	// longestCallee is how far back an expression is looked for.
	longestCallee = 2000
)

// calleeBefore renders the expression that ends where src[end:] begins.
func calleeBefore(src string, end int) string {
	if end > len(src) || end < 0 {
		return intermediate
	}
	low := max(0, end-longestCallee)
	start, ok := expressionStart(src[low:end])
	if !ok {
		return intermediate
	}
	return render(src[low+start : end])
}

// calleeAfterNew renders what follows `new` at src[at:].
func calleeAfterNew(src string, at int) string {
	if at > len(src) || !strings.HasPrefix(src[at:], "new") {
		return intermediate
	}
	rest := src[at+len("new") : min(len(src), at+longestCallee)]
	i := len(rest) - len(strings.TrimLeft(rest, " \t\r\n"))
	rest = rest[i:]
	end := 0
	for end < len(rest) {
		c := rest[end]
		switch {
		case isNameByte(c) || c == '.':
			end++
		case c == '[' || c == '(' && end == 0:
			n := closing(rest[end:])
			if n < 0 {
				return intermediate
			}
			end += n
		default:
			return render(rest[:end])
		}
	}
	return render(rest[:end])
}

// nameAt reads the identifier at src[at:]; "" where there is none.
func nameAt(src string, at int) string {
	if at < 0 || at > len(src) {
		return ""
	}
	end := at
	for end < len(src) && isNameByte(src[end]) {
		end++
	}
	if end == at || src[at] >= '0' && src[at] <= '9' {
		return ""
	}
	return src[at:end]
}

// operandAt renders the expression whose last part is at src[at:], where what surrounds it
// shows that this is all of it: ok is false otherwise.
func operandAt(src string, at int) (text string, ok bool) {
	if at > len(src) || at < 0 {
		return "", false
	}
	end := at
	if at < len(src) && (src[at] == '(' || src[at] == '[') {
		n := closing(src[at:])
		if n < 0 {
			return "", false
		}
		end += n
	} else if name := nameAt(src, at); name != "" {
		end += len(name)
	} else {
		return "", false
	}
	if after := strings.TrimLeft(src[end:min(len(src), end+100)], " \t\r\n"); after != "" && !strings.ContainsRune(")]},;:", rune(after[0])) && !isNameByte(after[0]) {
		return "", false
	}
	low := max(0, end-longestCallee)
	start, ok := expressionStart(src[low:end])
	if !ok {
		return "", false
	}
	if start += low; start == at && (src[at] == '(' || src[at] == '[') {
		return "", false // brackets of another kind
	}
	before := strings.TrimRight(src[max(0, start-100):start], " \t\r\n")
	if before != "" && !strings.HasSuffix(before, "=") && !strings.HasSuffix(before, "...") && !strings.HasSuffix(before, "of") &&
		!strings.HasSuffix(before, "(") && !strings.HasSuffix(before, ",") && !strings.HasSuffix(before, "yield*") {
		return "", false
	}
	return render(src[start:end]), true
}

func isNameByte(c byte) bool {
	return c == '_' || c == '$' || c == '#' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= utf8.RuneSelf
}

// closing is the length of the bracketed text that s begins with; -1 where it does not end.
func closing(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth--; depth == 0 {
				return i + 1
			}
		case '"', '\'', '`':
			for i++; i < len(s) && s[i] != c; i++ {
				if s[i] == '\\' {
					i++
				}
			}
		}
	}
	return -1
}

// opening is where the bracketed text that s ends with begins; -1 where it does not.
func opening(s string) int {
	depth := 0
	for i := len(s) - 1; i >= 0; i-- {
		switch c := s[i]; c {
		case ')', ']', '}':
			depth++
		case '(', '[', '{':
			if depth--; depth == 0 {
				return i
			}
		case '"', '\'', '`':
			if i = quoteBefore(s, i); i < 0 {
				return -1
			}
		}
	}
	return -1
}

// quoteBefore is where the text in quotes that ends at s[end] begins.
func quoteBefore(s string, end int) int {
	for i := end - 1; i >= 0; i-- {
		if s[i] == s[end] && (i == 0 || s[i-1] != '\\') {
			return i
		}
	}
	return -1
}

// notCallees are words that may stand before a parenthesis or an expression without being
// a part of it.
var notCallees = map[string]bool{
	"return": true, "typeof": true, "await": true, "in": true, "of": true, "void": true, "delete": true, "throw": true, "case": true,
	"do": true, "else": true, "yield": true, "instanceof": true, "if": true, "while": true, "for": true, "with": true, "switch": true,
}

// expressionStart finds where the member or call expression that s ends with begins.
func expressionStart(s string) (start int, ok bool) {
	at := len(strings.TrimRight(s, " \t\r\n"))
	begin := -1 // of what has been read
	for at > 0 {
		c := s[at-1]
		switch {
		case c == ')' || c == ']' || c == '}':
			n := opening(s[:at])
			if n < 0 {
				return 0, false
			}
			if begin >= 0 && s[begin] != '.' && s[begin] != '(' && s[begin] != '[' && s[begin] != '?' && s[begin] != '`' {
				return begin, true
			}
			at, begin = n, n
			if c == '}' {
				return begin, true
			}
		case c == '"' || c == '\'' || c == '`':
			n := quoteBefore(s, at-1)
			if n < 0 {
				return 0, false
			}
			at, begin = n, n
			if c != '`' {
				return begin, true
			}
		case isNameByte(c):
			end := at
			for at > 0 && isNameByte(s[at-1]) {
				at--
			}
			if notCallees[s[at:end]] {
				if w := s[at:end]; begin >= 0 && s[begin] == '(' && (w == "if" || w == "while" || w == "for" || w == "with" || w == "switch") {
					begin += closing(s[begin:])
				}
				return begin, begin >= 0
			}
			if s[at:end] == "new" {
				return at, true
			}
			if begin >= 0 && isNameByte(s[begin]) {
				return begin, true // two words: the first is not of the expression
			}
			begin = at
		case c == '/': // a regular expression, or a division
			n := quoteBefore(s, at-1)
			if begin < 0 || n < 0 || strings.ContainsAny(s[n:at], "\n") {
				return begin, begin >= 0
			}
			return n, true
		default:
			return begin, begin >= 0
		}
		// What stands before decides whether it goes on.
		rest := strings.TrimRight(s[:at], " \t\r\n")
		switch {
		case strings.HasSuffix(rest, "...") || strings.HasSuffix(rest, ".."):
			return begin, true
		case strings.HasSuffix(rest, "."):
			at = len(rest) - 1
			if at > 0 && s[at-1] == '?' {
				at--
			}
			begin = at
			at = len(strings.TrimRight(s[:at], " \t\r\n"))
			if at == 0 {
				return 0, false
			}
		case s[begin] == '(' || s[begin] == '[' || s[begin] == '`':
			if rest == "" || !isNameByte(rest[len(rest)-1]) && !strings.ContainsRune(")]`", rune(rest[len(rest)-1])) {
				return begin, true
			}
			at = len(rest)
		case strings.HasSuffix(rest, "new") && (len(rest) == 3 || !isNameByte(rest[len(rest)-4])):
			return len(rest) - 3, true
		default:
			return begin, true
		}
	}
	return begin, begin >= 0
}

// render reads an expression and writes it as V8 does.
func render(text string) string {
	program, err := parser.ParseFile(nil, "", "("+text+"\n)", 0, parser.WithDisableSourceMaps)
	if err == nil && len(program.Body) == 1 {
		if s, ok := program.Body[0].(*ast.ExpressionStatement); ok {
			var p callPrinter
			p.print(s.Expression, 0)
			return p.String()
		}
	}
	// What is only allowed within a class or a function: this.#x, super.x.
	if i := strings.LastIndexByte(text, '.'); i >= 0 && nameAt(text, i+1) == text[i+1:] {
		switch name := text[i+1:]; {
		case strings.HasPrefix(name, "#"):
			return render(text[:i]) + "[" + name + "]"
		case name != "":
			return intermediate + "." + name
		}
	}
	return intermediate
}

type callPrinter struct{ strings.Builder }

// longestRendered keeps a nested expression from a long text.
const longestRendered = 1000

func (p *callPrinter) print(x ast.Expression, depth int) {
	if depth > 50 || p.Len() > longestRendered {
		p.WriteString(intermediate)
		return
	}
	depth++
	switch x := x.(type) {
	case *ast.Identifier:
		p.WriteString(x.Name.String())
	case *ast.ThisExpression:
		p.WriteString("this")
	case *ast.DotExpression:
		p.print(x.Left, depth)
		p.WriteString("." + x.Identifier.Name.String())
	case *ast.PrivateDotExpression:
		p.print(x.Left, depth)
		p.WriteString("[#" + x.Identifier.Name.String() + "]")
	case *ast.BracketExpression:
		p.print(x.Left, depth)
		if s, ok := x.Member.(*ast.StringLiteral); ok {
			p.WriteString("." + s.Value.String())
			return
		}
		p.WriteString("[")
		p.print(x.Member, depth)
		p.WriteString("]")
	case *ast.CallExpression:
		p.print(x.Callee, depth)
		p.WriteString("(...)")
	case *ast.OptionalChain:
		p.print(x.Expression, depth)
	case *ast.Optional:
		p.print(x.Expression, depth)
		p.WriteString("?")
	case *ast.StringLiteral:
		p.WriteString(`"` + x.Value.String() + `"`)
	case *ast.NumberLiteral:
		p.WriteString(x.Literal)
	case *ast.BooleanLiteral:
		p.WriteString(x.Literal)
	case *ast.NullLiteral:
		p.WriteString("null")
	case *ast.RegExpLiteral:
		p.WriteString(x.Literal)
	case *ast.TemplateLiteral:
		if x.Tag == nil && len(x.Expressions) == 0 && len(x.Elements) == 1 {
			p.WriteString(`"` + x.Elements[0].Parsed.String() + `"`)
			return
		}
		p.WriteString(intermediate)
	case *ast.ArrayLiteral:
		p.WriteString("[")
		for i, v := range x.Value {
			if i > 0 {
				p.WriteString(",")
			}
			if v != nil {
				p.print(v, depth)
			}
		}
		p.WriteString("]")
	case *ast.ObjectLiteral:
		p.WriteString("{")
		for range x.Value {
			p.WriteString(intermediate)
		}
		p.WriteString("}")
	case *ast.BinaryExpression:
		p.WriteString("(")
		p.print(x.Left, depth)
		p.WriteString(" " + x.Operator.String() + " ")
		p.print(x.Right, depth)
		p.WriteString(")")
	case *ast.SequenceExpression:
		p.WriteString("(")
		for i, v := range x.Sequence {
			if i > 0 {
				p.WriteString(" , ")
			}
			p.print(v, depth)
		}
		p.WriteString(")")
	case *ast.UnaryExpression:
		if x.Postfix || x.Operator == token.INCREMENT || x.Operator == token.DECREMENT {
			p.WriteString(intermediate)
			return
		}
		op := x.Operator.String()
		if isNameByte(op[0]) {
			op += " "
		}
		p.WriteString("(" + op)
		p.print(x.Operand, depth)
		p.WriteString(")")
	default:
		p.WriteString(intermediate)
	}
}
