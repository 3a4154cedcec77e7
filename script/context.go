package script

import (
	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"
	"github.com/dop251/goja/token"
	"github.com/dop251/goja/unistring"

	"workerd.local/internal/limits"
)

// ContextText is a classic script for a context of node:vm: an object that is its
// global scope. The engine has one global scope per runtime, so the script runs within
// `with (scope)`, and what it declares at its top is in the scope too.
//
// The scope says of every name that it has it. Before it is asked for a name whose
// absence is no error, the operand of typeof, it is told so.
//
// Strict code cannot be within `with`: "use strict" at the top of the script has no
// effect there, but it has in functions, and in classes.
type ContextText struct {
	program *goja.Program
	// Vars are the names of var, Functions those of functions, Lets and Consts those of let
	// and class, and of const, that the script declares at its top.
	Vars, Functions, Lets, Consts []string
}

// Names that no script can write.
const (
	scopeName  = "%vm.scope"
	typeofName = "%vm.typeof"
)

// CompileInContext compiles a script for contexts; any goroutine. Errors are *Error.
func CompileInContext(name, text string, bounds *limits.Set) (*ContextText, error) {
	tree, printed, err := parseText(name, text, bounds)
	if err != nil {
		return nil, err
	}
	l := &lowering{main: name, host: hostName, bounds: bounds}
	if err := l.program(tree, printed); err != nil {
		return nil, err
	}
	t := &ContextText{}
	t.hoist(tree)
	t.lookAtNames(tree)
	at := file.Idx(tree.File.Base())
	end := at + file.Idx(len(printed))
	tree.Body = []ast.Statement{&ast.WithStatement{
		With:   at,
		Object: &ast.CallExpression{Callee: identifier(scopeName, at), LeftParenthesis: at, RightParenthesis: at},
		Body:   &ast.BlockStatement{LeftBrace: at, List: tree.Body, RightBrace: end},
	}}
	tree.DeclarationList = nil
	if t.program, err = compileTree(tree, bounds); err != nil {
		return nil, err
	}
	return t, nil
}

// Run runs the script in the scope, whose property TypeofName is told of
// names before they are asked for by typeof. The value is that of the script.
func (t *ContextText) Run(rt *goja.Runtime, scope *goja.Object) (goja.Value, error) {
	if err := Install(rt); err != nil {
		return nil, err
	}
	global := rt.GlobalObject()
	once := rt.ToValue(func(goja.FunctionCall) goja.Value {
		// Deleting what is configurable cannot fail.
		_ = global.Delete(scopeName)
		return scope
	})
	if err := global.DefineDataProperty(scopeName, once, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE); err != nil {
		return nil, err
	}
	return rt.RunProgram(t.program)
}

// TypeofName is the name by which code in a context finds the function that the scope
// gives it, for what is asked of typeof.
func TypeofName() string { return typeofName }

// TextError is a mistake in text as the SyntaxError that scripts see.
func TextError(rt *goja.Runtime, err error) error {
	if ierr := Install(rt); ierr != nil {
		return ierr
	}
	return textError(rt, err)
}

func identifier(name string, at file.Idx) *ast.Identifier {
	return &ast.Identifier{Name: unistring.NewFromString(name), Idx: at}
}

// hoist makes assignments of what is declared at the top, functions first.
func (t *ContextText) hoist(tree *ast.Program) {
	for _, d := range tree.DeclarationList {
		for _, b := range d.List {
			t.Vars = append(t.Vars, boundNames(b.Target)...)
		}
	}
	var first, rest []ast.Statement
	for _, s := range tree.Body {
		switch n := s.(type) {
		case *ast.FunctionDeclaration:
			name := n.Function.Name
			t.Functions = append(t.Functions, name.Name.String())
			// Without a name of its own it calls itself by that of the scope.
			n.Function.Name = nil
			first = append(first, &ast.VariableStatement{Var: n.Idx0(), List: []*ast.Binding{{Target: name, Initializer: n.Function}}})
			continue
		case *ast.ClassDeclaration:
			t.Lets = append(t.Lets, n.Class.Name.Name.String())
			s = &ast.VariableStatement{Var: n.Idx0(), List: []*ast.Binding{{Target: identifier(n.Class.Name.Name.String(), n.Idx0()), Initializer: n.Class}}}
		case *ast.LexicalDeclaration:
			for _, b := range n.List {
				if n.Token == token.CONST {
					t.Consts = append(t.Consts, boundNames(b.Target)...)
				} else {
					t.Lets = append(t.Lets, boundNames(b.Target)...)
				}
				if b.Initializer == nil {
					b.Initializer = &ast.UnaryExpression{Operator: token.VOID, Idx: n.Idx, Operand: &ast.NumberLiteral{Idx: n.Idx, Literal: "0", Value: int64(0)}}
				}
			}
			s = &ast.VariableStatement{Var: n.Idx, List: n.List}
		}
		rest = append(rest, s)
	}
	tree.Body = append(first, rest...)
}

// boundNames are the names that a target binds.
func boundNames(target ast.Expression) (names []string) {
	switch n := target.(type) {
	case *ast.Identifier:
		return []string{n.Name.String()}
	case *ast.Binding:
		return boundNames(n.Target)
	case *ast.AssignExpression:
		return boundNames(n.Left)
	case *ast.ArrayPattern:
		for _, e := range n.Elements {
			names = append(names, boundNames(e)...)
		}
		return append(names, boundNames(n.Rest)...)
	case *ast.ObjectPattern:
		for _, p := range n.Properties {
			switch p := p.(type) {
			case *ast.PropertyShort:
				names = append(names, p.Name.Name.String())
			case *ast.PropertyKeyed:
				names = append(names, boundNames(p.Value)...)
			}
		}
		return append(names, boundNames(n.Rest)...)
	}
	return nil
}

// lookAtNames makes this at the top globalThis, and typeof ask for its operand so that
// one that is missing is no error.
func (t *ContextText) lookAtNames(tree *ast.Program) {
	own := map[*ast.ThisExpression]bool{} // those of functions, which are not the script's
	collect := &walker{visit: func(e ast.Expression) ast.Expression {
		if n, ok := e.(*ast.ThisExpression); ok {
			own[n] = true
		}
		return e
	}}
	within := func(f *ast.FunctionLiteral) {
		if f != nil {
			collect.function(f)
		}
	}
	find := &walker{}
	find.visit = func(e ast.Expression) ast.Expression {
		switch n := e.(type) {
		case *ast.FunctionLiteral:
			within(n)
		case *ast.ClassLiteral:
			collect.class(n)
		case *ast.ObjectLiteral:
			for _, p := range n.Value {
				if k, ok := p.(*ast.PropertyKeyed); ok && k.Kind != ast.PropertyKindValue {
					if f, ok := k.Value.(*ast.FunctionLiteral); ok {
						within(f)
					}
				}
			}
		}
		return e
	}
	find.stmts(tree.Body)
	replace := &walker{visit: func(e ast.Expression) ast.Expression {
		switch n := e.(type) {
		case *ast.ThisExpression:
			if !own[n] {
				return identifier("globalThis", n.Idx)
			}
		case *ast.UnaryExpression:
			if id, ok := n.Operand.(*ast.Identifier); ok && n.Operator == token.TYPEOF {
				at := id.Idx
				n.Operand = &ast.SequenceExpression{Sequence: []ast.Expression{
					&ast.CallExpression{Callee: identifier(typeofName, at), LeftParenthesis: at, RightParenthesis: at,
						ArgumentList: []ast.Expression{&ast.StringLiteral{Idx: at, Literal: "''", Value: id.Name}}},
					id,
				}}
			}
		}
		return e
	}}
	replace.stmts(tree.Body)
}
