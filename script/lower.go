package script

import (
	"slices"
	"strings"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"
	"github.com/dop251/goja/token"
	"github.com/dop251/goja/unistring"

	"workerd.local/internal/limits"
)

// lowering is the pass over the engine's tree, after the bundler and before the
// compiler. It replaces what the bundler can not lower, or not well:
//
//   - import.meta: the object of the file it is written in
//   - import(x) and require(x) with a computed x: the importer's name is added
//   - regular expressions that the engine misreads
//   - arguments in an arrow function: the engine finds those of the function around it
//     only where they are named twice
//   - the bundler's async generator helper: generators with the right prototypes
//   - sources that ask RegExp for its last match: they say so first, as realms else
//     remember none
//   - **, << and >> in sources that use BigInt: checked, because the engine would
//     otherwise allocate without bound
type lowering struct {
	main string // the main module, for code that belongs to no file
	host string // the expression's name through which the realm is reached

	tree *ast.Program
	text string
	walk *walker

	shifts bool // the source uses an operator that can make a huge BigInt
	bigint bool // and may have BigInts of its own
	unit   bool // the file is compiled by itself: require is what its host gives it
	err    *Error
	bounds *limits.Set

	imports map[string]ast.Expression // what stands for the imports of a module, by local name
}

// program rewrites the tree in place. text is what the tree was parsed from.
func (l *lowering) program(tree *ast.Program, text string) error {
	l.tree, l.text = tree, text
	if usesLastMatch(text) {
		l.first(l.call(file.Idx(tree.File.Base()), "recordMatches"))
	}
	l.shifts = usesBigOperators(text)
	l.bigint = l.shifts && usesBigInts(text)
	if len(l.imports) == 0 && !l.shifts && !usesOwnRegExps(text) && !strings.Contains(text, metaName) &&
		!strings.Contains(text, "require(") && !strings.Contains(text, "__asyncGenerator") && !usesArgumentsOfArrows(text) {
		return nil
	}
	l.walk = &walker{visit: l.visit, short: l.short}
	l.walk.stmts(tree.Body)
	if l.err != nil {
		return l.err
	}
	return nil
}

// first puts an expression before all statements but directives.
func (l *lowering) first(e ast.Expression) {
	at := 0
	for ; at < len(l.tree.Body); at++ {
		s, ok := l.tree.Body[at].(*ast.ExpressionStatement)
		if !ok {
			break
		}
		if _, directive := s.Expression.(*ast.StringLiteral); !directive {
			break
		}
	}
	if at == len(l.tree.Body) && at > 0 {
		return // nothing runs, and the value is that of the last string
	}
	l.tree.Body = slices.Insert(l.tree.Body, at, ast.Statement(&ast.ExpressionStatement{Expression: e}))
}

func (l *lowering) visit(e ast.Expression) ast.Expression {
	switch n := e.(type) {
	case *ast.Identifier:
		if n.Name.String() == metaName {
			return l.call(n.Idx, "meta", l.string(n.Idx, l.fileAt(n.Idx)))
		}
		if len(l.imports) > 0 {
			if v := l.imported(n); v != nil {
				return v
			}
		}
		if l.inherited(n) {
			return twice(n)
		}
	case *ast.RegExpLiteral:
		return l.regexp(n)
	case *ast.CallExpression:
		return l.loading(n)
	case *ast.DotExpression:
		if f := l.asyncGenerator(n.Left); f != nil {
			n.Left = l.call(f.Function, "asyncGeneratorFunction", f)
		}
	case *ast.ArrowFunctionLiteral:
		if isGeneratorHelper(n) {
			return l.call(n.Start, "asyncGenerator", l.ident(n.Start, "__await"))
		}
	case *ast.BinaryExpression:
		helper := helperOf(n.Operator)
		switch {
		case helper == "":
		case l.bigint:
			return l.call(n.Idx0(), helper, n.Left, n.Right)
		case !isNumber(n.Left):
			n.Right = asNumber(n.Right)
		}
	case *ast.UnaryExpression:
		if n.Operator == token.INCREMENT || n.Operator == token.DECREMENT {
			n.Operand = once(n.Operand)
		}
	case *ast.AssignExpression:
		n.Left = once(n.Left)
		switch {
		case helperOf(n.Operator) == "":
		case l.bigint:
			return l.assign(n)
		default:
			n.Right = asNumber(n.Right)
		}
	}
	return e
}

// helperOf names the function that stands for an operator which can make a huge
// BigInt from two small ones.
func helperOf(operator token.Token) string {
	switch operator {
	case token.EXPONENT:
		return "pow"
	case token.SHIFT_LEFT:
		return "shl"
	case token.SHIFT_RIGHT:
		return "shr"
	}
	return ""
}

func isNumber(e ast.Expression) bool {
	_, ok := e.(*ast.NumberLiteral)
	return ok
}

// asNumber makes the right operand a number, in sources that do not mention BigInt
// and could meet one only where they were handed it. A BigInt is a TypeError then.
func asNumber(e ast.Expression) ast.Expression {
	if isNumber(e) {
		return e
	}
	return &ast.UnaryExpression{Operator: token.PLUS, Idx: e.Idx0(), Operand: e}
}

// assign expands a **= b and a <<= b where reading a twice has no effect of its
// own. For other targets only the right operand is checked.
func (l *lowering) assign(n *ast.AssignExpression) ast.Expression {
	helper := helperOf(n.Operator)
	target, ok := simpleTarget(n.Left)
	if !ok {
		n.Right = l.call(n.Idx0(), "count", n.Right)
		return n
	}
	return &ast.AssignExpression{
		Operator: token.ASSIGN,
		Left:     n.Left,
		Right:    l.call(n.Idx0(), helper, target, n.Right),
	}
}

// simpleTarget copies an assignment target whose evaluation can be repeated: a
// variable, or a member of a variable or of this by a fixed name.
func simpleTarget(e ast.Expression) (ast.Expression, bool) {
	switch n := e.(type) {
	case *ast.Identifier:
		c := *n
		return &c, true
	case *ast.DotExpression:
		if left, ok := simpleObject(n.Left); ok {
			return &ast.DotExpression{Left: left, Identifier: n.Identifier}, true
		}
	case *ast.PrivateDotExpression:
		if left, ok := simpleObject(n.Left); ok {
			return &ast.PrivateDotExpression{Left: left, Identifier: n.Identifier}, true
		}
	}
	return nil, false
}

func simpleObject(e ast.Expression) (ast.Expression, bool) {
	switch n := e.(type) {
	case *ast.Identifier:
		c := *n
		return &c, true
	case *ast.ThisExpression:
		c := *n
		return &c, true
	}
	return nil, false
}

// loading handles the forms that the bundler leaves for import and require with
// a computed specifier, and the idiom that asks for the prototype of an async
// generator function.
func (l *lowering) loading(n *ast.CallExpression) ast.Expression {
	if specifier := dynamicImport(n); specifier != nil {
		idx := n.Idx0()
		return l.call(idx, "import", specifier, l.string(idx, l.fileAt(specifier.Idx0())))
	}
	if isIdent(n.Callee, "eval") {
		// Code from strings sees the global scope only, and the engine fails where a
		// function with a pattern among its parameters calls eval by its name.
		idx := n.Callee.Idx0()
		n.Callee = &ast.SequenceExpression{Sequence: []ast.Expression{&ast.NumberLiteral{Idx: idx, Literal: "0", Value: int64(0)}, n.Callee}}
		return n
	}
	if id, ok := n.Callee.(*ast.Identifier); ok && len(n.ArgumentList) == 1 && !l.unit {
		if name := id.Name.String(); name == "require" || name == "__require" {
			n.ArgumentList = append(n.ArgumentList, l.string(id.Idx, l.fileAt(n.ArgumentList[0].Idx0())))
		}
	}
	if d, ok := n.Callee.(*ast.DotExpression); ok && d.Identifier.Name == "getPrototypeOf" {
		for i, a := range n.ArgumentList {
			if f := l.asyncGenerator(a); f != nil {
				n.ArgumentList[i] = l.call(f.Function, "asyncGeneratorFunction", f)
			}
		}
	}
	return n
}

// dynamicImport matches the bundler's form of import(specifier):
// Promise.resolve().then(() => __toESM(require(specifier))). The walk has been
// inside already, so require may have its second argument.
func dynamicImport(n *ast.CallExpression) ast.Expression {
	then, ok := n.Callee.(*ast.DotExpression)
	if !ok || then.Identifier.Name != "then" || len(n.ArgumentList) != 1 {
		return nil
	}
	resolved, ok := then.Left.(*ast.CallExpression)
	if !ok || len(resolved.ArgumentList) != 0 || !isMember(resolved.Callee, "Promise", "resolve") {
		return nil
	}
	arrow, ok := n.ArgumentList[0].(*ast.ArrowFunctionLiteral)
	if !ok || arrow.Async || len(arrow.ParameterList.List) != 0 {
		return nil
	}
	body, ok := arrow.Body.(*ast.ExpressionBody)
	if !ok {
		return nil
	}
	esm, ok := body.Expression.(*ast.CallExpression)
	if !ok || len(esm.ArgumentList) == 0 || !isIdent(esm.Callee, "__toESM") {
		return nil
	}
	require, ok := esm.ArgumentList[0].(*ast.CallExpression)
	if !ok || len(require.ArgumentList) == 0 || !(isIdent(require.Callee, "require") || isIdent(require.Callee, "__require")) {
		return nil
	}
	return require.ArgumentList[0]
}

func isIdent(e ast.Expression, name string) bool {
	id, ok := e.(*ast.Identifier)
	return ok && id.Name.String() == name
}

func isMember(e ast.Expression, object, name string) bool {
	d, ok := e.(*ast.DotExpression)
	return ok && d.Identifier.Name.String() == name && isIdent(d.Left, object)
}

// isGeneratorHelper recognises the bundler's __asyncGenerator by its parameters.
func isGeneratorHelper(n *ast.ArrowFunctionLiteral) bool {
	if len(n.ParameterList.List) != 3 || n.Async {
		return false
	}
	for i, name := range []string{"__this", "__arguments", "generator"} {
		if !isIdent(n.ParameterList.List[i].Target, name) {
			return false
		}
	}
	body, ok := n.Body.(*ast.BlockStatement)
	if !ok || len(body.List) == 0 {
		return false
	}
	// The helper for plain async functions has the same parameters but declares
	// nothing first.
	_, declares := body.List[0].(*ast.VariableStatement)
	return declares
}

// asyncGenerator returns the function if e is a lowered async generator
// function expression, or the prototype member of one.
func (l *lowering) asyncGenerator(e ast.Expression) *ast.FunctionLiteral {
	f, ok := e.(*ast.FunctionLiteral)
	if !ok || f.Body == nil || len(f.Body.List) == 0 {
		return nil
	}
	ret, ok := f.Body.List[len(f.Body.List)-1].(*ast.ReturnStatement)
	if !ok {
		return nil
	}
	c, ok := ret.Argument.(*ast.CallExpression)
	if !ok || len(c.ArgumentList) != 3 || !isIdent(c.Callee, "__asyncGenerator") {
		return nil
	}
	return f
}

func (l *lowering) regexp(n *ast.RegExpLiteral) ast.Expression {
	if !regexpNeedsHelp(n.Pattern, n.Flags) {
		return n
	}
	if _, _, _, err := rewriteRegExp(n.Pattern, n.Flags, l.bounds); err != nil {
		if l.err == nil {
			p := l.position(n.Idx)
			l.err = &Error{Diagnostics: []Diagnostic{{
				File: visibleFile(p.Filename), Line: p.Line, Column: p.Column,
				Message: "SyntaxError: Invalid regular expression: /" + n.Pattern + "/" + n.Flags + ": " + err.Error(),
			}}}
		}
		return n
	}
	return l.call(n.Idx, "regexp", l.string(n.Idx, n.Pattern), l.string(n.Idx, n.Flags))
}

func (l *lowering) position(idx file.Idx) file.Position {
	return l.tree.File.Position(int(idx) - l.tree.File.Base())
}

// fileAt names the source file of a position.
func (l *lowering) fileAt(idx file.Idx) string {
	if name := visibleFile(l.position(idx).Filename); name != "" {
		return name
	}
	return l.main
}

func (l *lowering) ident(idx file.Idx, name string) *ast.Identifier {
	return &ast.Identifier{Name: unistring.NewFromString(name), Idx: idx}
}

func (l *lowering) string(idx file.Idx, s string) *ast.StringLiteral {
	return &ast.StringLiteral{Idx: idx, Literal: quote(s), Value: unistring.NewFromString(s)}
}

// call makes host.name(args...).
func (l *lowering) call(idx file.Idx, name string, args ...ast.Expression) ast.Expression {
	return &ast.CallExpression{
		Callee: &ast.DotExpression{
			Left:       l.ident(idx, l.host),
			Identifier: *l.ident(idx, name),
		},
		LeftParenthesis:  idx,
		ArgumentList:     args,
		RightParenthesis: idx,
	}
}
