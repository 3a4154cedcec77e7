package script

import "github.com/dop251/goja/ast"

// walker visits every expression of a tree, children first, and puts what
// visit returns in its place. Binding targets and property names are not
// expressions here; their initializers and computed keys are.
type walker struct {
	visit func(ast.Expression) ast.Expression
	// short, if set, gives what stands for {name} in an object.
	short func(*ast.PropertyShort) ast.Property
	depth int // of functions
	// arrows counts the arrow functions around here within the nearest function that
	// has arguments of its own.
	arrows int
}

func (w *walker) exprs(list []ast.Expression) {
	for i := range list {
		list[i] = w.expr(list[i])
	}
}

func (w *walker) expr(e ast.Expression) ast.Expression {
	switch n := e.(type) {
	case nil:
		return nil
	case *ast.YieldExpression:
		n.Argument = w.expr(n.Argument)
	case *ast.AwaitExpression:
		n.Argument = w.expr(n.Argument)
	case *ast.ArrayLiteral:
		w.exprs(n.Value)
	case *ast.ArrayPattern:
		w.exprs(n.Elements)
		n.Rest = w.expr(n.Rest)
		return n
	case *ast.AssignExpression:
		n.Left = w.expr(n.Left)
		n.Right = w.expr(n.Right)
	case *ast.BinaryExpression:
		w.binary(n)
	case *ast.BracketExpression:
		n.Left = w.expr(n.Left)
		n.Member = w.expr(n.Member)
	case *ast.CallExpression:
		n.Callee = w.expr(n.Callee)
		w.exprs(n.ArgumentList)
	case *ast.ConditionalExpression:
		n.Test = w.expr(n.Test)
		n.Consequent = w.expr(n.Consequent)
		n.Alternate = w.expr(n.Alternate)
	case *ast.DotExpression:
		n.Left = w.expr(n.Left)
	case *ast.PrivateDotExpression:
		n.Left = w.expr(n.Left)
	case *ast.OptionalChain:
		n.Expression = w.expr(n.Expression)
		return n
	case *ast.Optional:
		n.Expression = w.expr(n.Expression)
		return n
	case *ast.FunctionLiteral:
		w.function(n)
	case *ast.ClassLiteral:
		w.class(n)
	case *ast.ArrowFunctionLiteral:
		w.depth++
		w.arrows++
		w.params(n.ParameterList)
		switch body := n.Body.(type) {
		case *ast.BlockStatement:
			w.stmt(body)
		case *ast.ExpressionBody:
			body.Expression = w.expr(body.Expression)
		}
		w.arrows--
		w.depth--
	case *ast.NewExpression:
		n.Callee = w.expr(n.Callee)
		w.exprs(n.ArgumentList)
	case *ast.ObjectLiteral:
		w.properties(n.Value)
		for i, p := range n.Value {
			if s, ok := p.(*ast.PropertyShort); ok && w.short != nil {
				n.Value[i] = w.short(s)
			}
		}
	case *ast.ObjectPattern:
		w.properties(n.Properties)
		n.Rest = w.expr(n.Rest)
		return n
	case *ast.Binding:
		w.binding(n)
		return n
	case *ast.PropertyShort:
		n.Initializer = w.expr(n.Initializer)
		return n
	case *ast.PropertyKeyed:
		w.property(n)
		return n
	case *ast.SpreadElement:
		n.Expression = w.expr(n.Expression)
		return n
	case *ast.SequenceExpression:
		w.exprs(n.Sequence)
	case *ast.TemplateLiteral:
		n.Tag = w.expr(n.Tag)
		w.exprs(n.Expressions)
	case *ast.UnaryExpression:
		n.Operand = w.expr(n.Operand)
	}
	return w.visit(e)
}

// binary walks a chain of left-nested operators without recursion.
func (w *walker) binary(n *ast.BinaryExpression) {
	var chain []*ast.BinaryExpression
	for {
		chain = append(chain, n)
		left, ok := n.Left.(*ast.BinaryExpression)
		if !ok {
			break
		}
		n = left
	}
	n.Left = w.expr(n.Left)
	for i := len(chain) - 1; i >= 0; i-- {
		chain[i].Right = w.expr(chain[i].Right)
		if i > 0 {
			chain[i-1].Left = w.visit(chain[i])
		}
	}
}

func (w *walker) properties(list []ast.Property) {
	for _, p := range list {
		switch p := p.(type) {
		case *ast.PropertyShort:
			p.Initializer = w.expr(p.Initializer)
		case *ast.PropertyKeyed:
			w.property(p)
		case *ast.SpreadElement:
			p.Expression = w.expr(p.Expression)
		}
	}
}

func (w *walker) property(p *ast.PropertyKeyed) {
	if p.Computed {
		p.Key = w.expr(p.Key)
	}
	if f, ok := p.Value.(*ast.FunctionLiteral); ok && p.Kind != ast.PropertyKindValue {
		w.function(f) // a method, getter or setter stays a function
		return
	}
	p.Value = w.expr(p.Value)
}

func (w *walker) function(f *ast.FunctionLiteral) {
	if f == nil {
		return
	}
	arrows := w.arrows
	w.depth++
	w.arrows = 0
	w.params(f.ParameterList)
	if f.Body != nil {
		w.stmt(f.Body)
	}
	w.arrows = arrows
	w.depth--
}

func (w *walker) params(p *ast.ParameterList) {
	if p == nil {
		return
	}
	w.bindings(p.List)
	p.Rest = w.target(p.Rest)
}

// target walks a binding target, which must keep its type.
func (w *walker) target(e ast.Expression) ast.Expression {
	switch t := e.(type) {
	case *ast.ArrayPattern, *ast.ObjectPattern, *ast.Binding:
		return w.expr(t)
	}
	return e
}

func (w *walker) bindings(list []*ast.Binding) {
	for _, b := range list {
		w.binding(b)
	}
}

func (w *walker) binding(b *ast.Binding) {
	if b == nil {
		return
	}
	w.target(b.Target)
	b.Initializer = w.expr(b.Initializer)
}

func (w *walker) class(c *ast.ClassLiteral) {
	c.SuperClass = w.expr(c.SuperClass)
	for _, e := range c.Body {
		switch e := e.(type) {
		case *ast.FieldDefinition:
			if e.Computed {
				e.Key = w.expr(e.Key)
			}
			e.Initializer = w.expr(e.Initializer)
		case *ast.MethodDefinition:
			if e.Computed {
				e.Key = w.expr(e.Key)
			}
			w.function(e.Body)
		case *ast.ClassStaticBlock:
			w.stmt(e.Block)
		}
	}
}

func (w *walker) stmts(list []ast.Statement) {
	for _, s := range list {
		w.stmt(s)
	}
}

func (w *walker) stmt(s ast.Statement) {
	switch n := s.(type) {
	case *ast.BlockStatement:
		if n != nil {
			w.stmts(n.List)
		}
	case *ast.DoWhileStatement:
		n.Test = w.expr(n.Test)
		w.stmt(n.Body)
	case *ast.ExpressionStatement:
		n.Expression = w.expr(n.Expression)
	case *ast.ForInStatement:
		w.into(n.Into)
		n.Source = w.expr(n.Source)
		w.stmt(n.Body)
	case *ast.ForOfStatement:
		w.into(n.Into)
		n.Source = w.expr(n.Source)
		w.stmt(n.Body)
	case *ast.ForStatement:
		switch init := n.Initializer.(type) {
		case *ast.ForLoopInitializerExpression:
			init.Expression = w.expr(init.Expression)
		case *ast.ForLoopInitializerVarDeclList:
			w.bindings(init.List)
		case *ast.ForLoopInitializerLexicalDecl:
			w.bindings(init.LexicalDeclaration.List)
		}
		n.Update = w.expr(n.Update)
		n.Test = w.expr(n.Test)
		w.stmt(n.Body)
	case *ast.IfStatement:
		for {
			n.Test = w.expr(n.Test)
			w.stmt(n.Consequent)
			next, ok := n.Alternate.(*ast.IfStatement)
			if !ok {
				w.stmt(n.Alternate)
				return
			}
			n = next
		}
	case *ast.LabelledStatement:
		w.stmt(n.Statement)
	case *ast.ReturnStatement:
		n.Argument = w.expr(n.Argument)
	case *ast.SwitchStatement:
		n.Discriminant = w.expr(n.Discriminant)
		for _, c := range n.Body {
			c.Test = w.expr(c.Test)
			w.stmts(c.Consequent)
		}
	case *ast.ThrowStatement:
		n.Argument = w.expr(n.Argument)
	case *ast.TryStatement:
		w.stmt(n.Body)
		if n.Catch != nil {
			if n.Catch.Parameter != nil {
				w.target(n.Catch.Parameter)
			}
			w.stmt(n.Catch.Body)
		}
		if n.Finally != nil {
			w.stmt(n.Finally)
		}
	case *ast.VariableStatement:
		w.bindings(n.List)
	case *ast.LexicalDeclaration:
		w.bindings(n.List)
	case *ast.WhileStatement:
		n.Test = w.expr(n.Test)
		w.stmt(n.Body)
	case *ast.WithStatement:
		n.Object = w.expr(n.Object)
		w.stmt(n.Body)
	case *ast.FunctionDeclaration:
		w.function(n.Function)
	case *ast.ClassDeclaration:
		w.class(n.Class)
	}
}

func (w *walker) into(i ast.ForInto) {
	switch i := i.(type) {
	case *ast.ForIntoVar:
		w.binding(i.Binding)
	case *ast.ForDeclaration:
		w.target(i.Target)
	case *ast.ForIntoExpression:
		i.Expression = w.expr(i.Expression)
	}
}
