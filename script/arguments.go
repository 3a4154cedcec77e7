package script

import (
	"strings"

	"github.com/dop251/goja/ast"
)

// An arrow function sees the arguments of the function around it. The engine makes
// them when the compiler meets the name, and gives them a place that inner functions
// reach when it meets it again. So the name is written twice where it is in an arrow
// function.

// usesArgumentsOfArrows is false where the text certainly has no such name.
func usesArgumentsOfArrows(text string) bool {
	return strings.Contains(text, "arguments") && strings.Contains(text, "=>")
}

// inherited reports whether n names the arguments of a function around the arrow
// function that is being walked.
func (l *lowering) inherited(n *ast.Identifier) bool {
	return l.walk.arrows > 0 && n.Name == "arguments"
}

// twice is (n, n).
func twice(n *ast.Identifier) ast.Expression {
	again := *n
	return &ast.SequenceExpression{Sequence: []ast.Expression{n, &again}}
}

// once takes twice back where only a name may stand: the target of an assignment.
func once(e ast.Expression) ast.Expression {
	s, ok := e.(*ast.SequenceExpression)
	if !ok || len(s.Sequence) != 2 || !isIdent(s.Sequence[0], "arguments") || !isIdent(s.Sequence[1], "arguments") {
		return e
	}
	return s.Sequence[1]
}
