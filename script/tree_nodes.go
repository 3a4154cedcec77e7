package script

import (
	"sync"

	"github.com/dop251/goja/ast"
)

// nodeKinds are all nodes of the engine's tree that a program without errors may have. Their
// order is that of the numbers in the cache; cacheVersion changes with it.
var nodeKinds = sync.OnceValue(func() []nodeKind {
	var kinds []nodeKind
	kinds = append(kinds, expressionKinds()...)
	kinds = append(kinds, literalKinds()...)
	kinds = append(kinds, patternKinds()...)
	kinds = append(kinds, functionKinds()...)
	kinds = append(kinds, statementKinds()...)
	return append(kinds, loopKinds()...)
})

func expressionKinds() []nodeKind {
	return []nodeKind{
		kindOf[ast.Identifier](func(c *treeCoder, n *ast.Identifier) { c.identifier(n) }),
		kindOf[ast.PrivateIdentifier](func(c *treeCoder, n *ast.PrivateIdentifier) { c.identifier(&n.Identifier) }),
		kindOf[ast.YieldExpression](func(c *treeCoder, n *ast.YieldExpression) {
			c.idx(&n.Yield)
			node(c, &n.Argument)
			c.bool(&n.Delegate)
		}),
		kindOf[ast.AwaitExpression](func(c *treeCoder, n *ast.AwaitExpression) {
			c.idx(&n.Await)
			node(c, &n.Argument)
		}),
		kindOf[ast.AssignExpression](func(c *treeCoder, n *ast.AssignExpression) {
			c.token(&n.Operator)
			node(c, &n.Left)
			node(c, &n.Right)
		}),
		kindOf[ast.BinaryExpression](func(c *treeCoder, n *ast.BinaryExpression) {
			c.token(&n.Operator)
			node(c, &n.Left)
			node(c, &n.Right)
			c.bool(&n.Comparison)
		}),
		kindOf[ast.BracketExpression](func(c *treeCoder, n *ast.BracketExpression) {
			node(c, &n.Left)
			c.idx(&n.LeftBracket)
			node(c, &n.Member)
			c.idx(&n.RightBracket)
		}),
		kindOf[ast.CallExpression](func(c *treeCoder, n *ast.CallExpression) {
			node(c, &n.Callee)
			c.idx(&n.LeftParenthesis)
			list(c, &n.ArgumentList)
			c.idx(&n.RightParenthesis)
		}),
		kindOf[ast.NewExpression](func(c *treeCoder, n *ast.NewExpression) {
			c.idx(&n.New)
			node(c, &n.Callee)
			c.idx(&n.LeftParenthesis)
			list(c, &n.ArgumentList)
			c.idx(&n.RightParenthesis)
		}),
		kindOf[ast.ConditionalExpression](func(c *treeCoder, n *ast.ConditionalExpression) {
			node(c, &n.Test)
			node(c, &n.Consequent)
			node(c, &n.Alternate)
		}),
		kindOf[ast.DotExpression](func(c *treeCoder, n *ast.DotExpression) {
			node(c, &n.Left)
			c.identifier(&n.Identifier)
		}),
		kindOf[ast.PrivateDotExpression](func(c *treeCoder, n *ast.PrivateDotExpression) {
			node(c, &n.Left)
			c.identifier(&n.Identifier.Identifier)
		}),
		kindOf[ast.OptionalChain](func(c *treeCoder, n *ast.OptionalChain) { node(c, &n.Expression) }),
		kindOf[ast.Optional](func(c *treeCoder, n *ast.Optional) { node(c, &n.Expression) }),
		kindOf[ast.SpreadElement](func(c *treeCoder, n *ast.SpreadElement) { node(c, &n.Expression) }),
		kindOf[ast.SequenceExpression](func(c *treeCoder, n *ast.SequenceExpression) { list(c, &n.Sequence) }),
		kindOf[ast.ThisExpression](func(c *treeCoder, n *ast.ThisExpression) { c.idx(&n.Idx) }),
		kindOf[ast.SuperExpression](func(c *treeCoder, n *ast.SuperExpression) { c.idx(&n.Idx) }),
		kindOf[ast.UnaryExpression](func(c *treeCoder, n *ast.UnaryExpression) {
			c.token(&n.Operator)
			c.idx(&n.Idx)
			node(c, &n.Operand)
			c.bool(&n.Postfix)
		}),
		kindOf[ast.MetaProperty](func(c *treeCoder, n *ast.MetaProperty) {
			node(c, &n.Meta)
			node(c, &n.Property)
			c.idx(&n.Idx)
		}),
	}
}

func literalKinds() []nodeKind {
	return []nodeKind{
		kindOf[ast.ArrayLiteral](func(c *treeCoder, n *ast.ArrayLiteral) {
			c.idx(&n.LeftBracket)
			list(c, &n.Value)
			c.idx(&n.RightBracket)
		}),
		kindOf[ast.BooleanLiteral](func(c *treeCoder, n *ast.BooleanLiteral) {
			c.idx(&n.Idx)
			c.string(&n.Literal, n.Idx, 0)
			c.bool(&n.Value)
		}),
		kindOf[ast.NullLiteral](func(c *treeCoder, n *ast.NullLiteral) {
			c.idx(&n.Idx)
			c.string(&n.Literal, n.Idx, 0)
		}),
		kindOf[ast.NumberLiteral](func(c *treeCoder, n *ast.NumberLiteral) {
			c.idx(&n.Idx)
			c.string(&n.Literal, n.Idx, 0)
			c.number(&n.Value)
		}),
		kindOf[ast.StringLiteral](func(c *treeCoder, n *ast.StringLiteral) {
			c.idx(&n.Idx)
			c.string(&n.Literal, n.Idx, 0)
			quote := 0 // the name of a property may have none
			if len(n.Literal) > 0 && (n.Literal[0] == '"' || n.Literal[0] == '\'') {
				quote = 1
			}
			c.name(&n.Value, n.Idx, quote)
		}),
		kindOf[ast.RegExpLiteral](func(c *treeCoder, n *ast.RegExpLiteral) {
			c.idx(&n.Idx)
			c.string(&n.Literal, n.Idx, 0)
			c.string(&n.Pattern, n.Idx, 1)
			c.string(&n.Flags, n.Idx, len(n.Pattern)+2)
		}),
		kindOf[ast.TemplateElement](func(c *treeCoder, n *ast.TemplateElement) {
			c.idx(&n.Idx)
			c.string(&n.Literal, n.Idx, 0)
			c.name(&n.Parsed, n.Idx, 0)
			c.bool(&n.Valid)
		}),
		kindOf[ast.TemplateLiteral](func(c *treeCoder, n *ast.TemplateLiteral) {
			node(c, &n.Tag)
			c.idx(&n.OpenQuote)
			list(c, &n.Elements)
			list(c, &n.Expressions)
			c.idx(&n.CloseQuote)
		}),
		kindOf[ast.ObjectLiteral](func(c *treeCoder, n *ast.ObjectLiteral) {
			c.idx(&n.LeftBrace)
			list(c, &n.Value)
			c.idx(&n.RightBrace)
		}),
		kindOf[ast.PropertyShort](func(c *treeCoder, n *ast.PropertyShort) {
			c.identifier(&n.Name)
			node(c, &n.Initializer)
		}),
		kindOf[ast.PropertyKeyed](func(c *treeCoder, n *ast.PropertyKeyed) {
			c.string((*string)(&n.Kind), 0, 0)
			c.bool(&n.Computed)
			node(c, &n.Key)
			node(c, &n.Value)
		}),
	}
}

func patternKinds() []nodeKind {
	return []nodeKind{
		kindOf[ast.Binding](func(c *treeCoder, n *ast.Binding) {
			if c.writing {
				c.numbers[n] = len(c.numbers)
			} else {
				c.bindings = append(c.bindings, n)
			}
			node(c, &n.Target)
			node(c, &n.Initializer)
		}),
		kindOf[ast.ArrayPattern](func(c *treeCoder, n *ast.ArrayPattern) {
			c.idx(&n.LeftBracket)
			list(c, &n.Elements)
			node(c, &n.Rest)
			c.idx(&n.RightBracket)
		}),
		kindOf[ast.ObjectPattern](func(c *treeCoder, n *ast.ObjectPattern) {
			c.idx(&n.LeftBrace)
			list(c, &n.Properties)
			node(c, &n.Rest)
			c.idx(&n.RightBrace)
		}),
		kindOf[ast.ParameterList](func(c *treeCoder, n *ast.ParameterList) {
			c.idx(&n.Opening)
			list(c, &n.List)
			node(c, &n.Rest)
			c.idx(&n.Closing)
		}),
	}
}

func functionKinds() []nodeKind {
	return []nodeKind{
		kindOf[ast.FunctionLiteral](func(c *treeCoder, n *ast.FunctionLiteral) {
			c.idx(&n.Function)
			c.string(&n.Source, n.Function, 0)
			c.bool(&n.Async)
			c.bool(&n.Generator)
			node(c, &n.Name)
			node(c, &n.ParameterList)
			node(c, &n.Body)
			c.declarations(&n.DeclarationList)
		}),
		kindOf[ast.ArrowFunctionLiteral](func(c *treeCoder, n *ast.ArrowFunctionLiteral) {
			c.idx(&n.Start)
			c.string(&n.Source, n.Start, 0)
			c.bool(&n.Async)
			node(c, &n.ParameterList)
			node(c, &n.Body)
			c.declarations(&n.DeclarationList)
		}),
		kindOf[ast.ExpressionBody](func(c *treeCoder, n *ast.ExpressionBody) { node(c, &n.Expression) }),
		kindOf[ast.ClassLiteral](func(c *treeCoder, n *ast.ClassLiteral) {
			c.idx(&n.Class)
			c.string(&n.Source, n.Class, 0)
			node(c, &n.Name)
			node(c, &n.SuperClass)
			list(c, &n.Body)
			c.idx(&n.RightBrace)
		}),
		kindOf[ast.FieldDefinition](func(c *treeCoder, n *ast.FieldDefinition) {
			c.idx(&n.Idx)
			c.bool(&n.Computed)
			c.bool(&n.Static)
			node(c, &n.Key)
			node(c, &n.Initializer)
		}),
		kindOf[ast.MethodDefinition](func(c *treeCoder, n *ast.MethodDefinition) {
			c.idx(&n.Idx)
			c.string((*string)(&n.Kind), 0, 0)
			c.bool(&n.Computed)
			c.bool(&n.Static)
			node(c, &n.Key)
			node(c, &n.Body)
		}),
		kindOf[ast.ClassStaticBlock](func(c *treeCoder, n *ast.ClassStaticBlock) {
			c.idx(&n.Static)
			at := c.last
			if n.Block != nil {
				at = n.Block.LeftBrace
			}
			c.idx(&at)
			c.string(&n.Source, at, 0)
			node(c, &n.Block)
			c.declarations(&n.DeclarationList)
		}),
	}
}

func statementKinds() []nodeKind {
	return []nodeKind{
		kindOf[ast.BlockStatement](func(c *treeCoder, n *ast.BlockStatement) {
			c.idx(&n.LeftBrace)
			list(c, &n.List)
			c.idx(&n.RightBrace)
		}),
		kindOf[ast.BranchStatement](func(c *treeCoder, n *ast.BranchStatement) {
			c.idx(&n.Idx)
			c.token(&n.Token)
			node(c, &n.Label)
		}),
		kindOf[ast.CaseStatement](func(c *treeCoder, n *ast.CaseStatement) {
			c.idx(&n.Case)
			node(c, &n.Test)
			list(c, &n.Consequent)
		}),
		kindOf[ast.CatchStatement](func(c *treeCoder, n *ast.CatchStatement) {
			c.idx(&n.Catch)
			node(c, &n.Parameter)
			node(c, &n.Body)
		}),
		kindOf[ast.DebuggerStatement](func(c *treeCoder, n *ast.DebuggerStatement) { c.idx(&n.Debugger) }),
		kindOf[ast.EmptyStatement](func(c *treeCoder, n *ast.EmptyStatement) { c.idx(&n.Semicolon) }),
		kindOf[ast.ExpressionStatement](func(c *treeCoder, n *ast.ExpressionStatement) { node(c, &n.Expression) }),
		kindOf[ast.IfStatement](func(c *treeCoder, n *ast.IfStatement) {
			c.idx(&n.If)
			node(c, &n.Test)
			node(c, &n.Consequent)
			node(c, &n.Alternate)
		}),
		kindOf[ast.LabelledStatement](func(c *treeCoder, n *ast.LabelledStatement) {
			node(c, &n.Label)
			c.idx(&n.Colon)
			node(c, &n.Statement)
		}),
		kindOf[ast.ReturnStatement](func(c *treeCoder, n *ast.ReturnStatement) {
			c.idx(&n.Return)
			node(c, &n.Argument)
		}),
		kindOf[ast.SwitchStatement](func(c *treeCoder, n *ast.SwitchStatement) {
			c.idx(&n.Switch)
			node(c, &n.Discriminant)
			n.Default = int(c.int(int64(n.Default)))
			list(c, &n.Body)
			c.idx(&n.RightBrace)
		}),
		kindOf[ast.ThrowStatement](func(c *treeCoder, n *ast.ThrowStatement) {
			c.idx(&n.Throw)
			node(c, &n.Argument)
		}),
		kindOf[ast.TryStatement](func(c *treeCoder, n *ast.TryStatement) {
			c.idx(&n.Try)
			node(c, &n.Body)
			node(c, &n.Catch)
			node(c, &n.Finally)
		}),
		kindOf[ast.VariableStatement](func(c *treeCoder, n *ast.VariableStatement) {
			c.idx(&n.Var)
			list(c, &n.List)
		}),
		kindOf[ast.LexicalDeclaration](func(c *treeCoder, n *ast.LexicalDeclaration) { lexical(c, n) }),
		kindOf[ast.WithStatement](func(c *treeCoder, n *ast.WithStatement) {
			c.idx(&n.With)
			node(c, &n.Object)
			node(c, &n.Body)
		}),
		kindOf[ast.FunctionDeclaration](func(c *treeCoder, n *ast.FunctionDeclaration) { node(c, &n.Function) }),
		kindOf[ast.ClassDeclaration](func(c *treeCoder, n *ast.ClassDeclaration) { node(c, &n.Class) }),
	}
}

func lexical(c *treeCoder, n *ast.LexicalDeclaration) {
	c.idx(&n.Idx)
	c.token(&n.Token)
	list(c, &n.List)
}

func loopKinds() []nodeKind {
	return []nodeKind{
		kindOf[ast.DoWhileStatement](func(c *treeCoder, n *ast.DoWhileStatement) {
			c.idx(&n.Do)
			node(c, &n.Body)
			node(c, &n.Test)
			c.idx(&n.RightParenthesis)
		}),
		kindOf[ast.WhileStatement](func(c *treeCoder, n *ast.WhileStatement) {
			c.idx(&n.While)
			node(c, &n.Test)
			node(c, &n.Body)
		}),
		kindOf[ast.ForInStatement](func(c *treeCoder, n *ast.ForInStatement) {
			c.idx(&n.For)
			node(c, &n.Into)
			node(c, &n.Source)
			node(c, &n.Body)
		}),
		kindOf[ast.ForOfStatement](func(c *treeCoder, n *ast.ForOfStatement) {
			c.idx(&n.For)
			node(c, &n.Into)
			node(c, &n.Source)
			node(c, &n.Body)
		}),
		kindOf[ast.ForStatement](func(c *treeCoder, n *ast.ForStatement) {
			c.idx(&n.For)
			node(c, &n.Initializer)
			node(c, &n.Test)
			node(c, &n.Update)
			node(c, &n.Body)
		}),
		kindOf[ast.ForLoopInitializerExpression](func(c *treeCoder, n *ast.ForLoopInitializerExpression) { node(c, &n.Expression) }),
		kindOf[ast.ForLoopInitializerVarDeclList](func(c *treeCoder, n *ast.ForLoopInitializerVarDeclList) {
			c.idx(&n.Var)
			list(c, &n.List)
		}),
		kindOf[ast.ForLoopInitializerLexicalDecl](func(c *treeCoder, n *ast.ForLoopInitializerLexicalDecl) { lexical(c, &n.LexicalDeclaration) }),
		kindOf[ast.ForIntoVar](func(c *treeCoder, n *ast.ForIntoVar) { node(c, &n.Binding) }),
		kindOf[ast.ForDeclaration](func(c *treeCoder, n *ast.ForDeclaration) {
			c.idx(&n.Idx)
			c.bool(&n.IsConst)
			node(c, &n.Target)
		}),
		kindOf[ast.ForIntoExpression](func(c *treeCoder, n *ast.ForIntoExpression) { node(c, &n.Expression) }),
	}
}
