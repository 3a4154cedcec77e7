package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"
)

// source looks up constants in the Go files of a repository.
type source struct {
	root     fs.FS
	packages map[string]*pkg
}

// pkg is one package, without its tests.
type pkg struct {
	dir    string
	files  []*ast.File
	consts map[string]bound // package-level constants, with where they are written
	decls  map[string]ast.Node
	busy   map[string]bool // constants that are being evaluated
}

// bound is an expression in a file.
type bound struct {
	expr ast.Expr
	file *ast.File
}

// number is a value; a duration counts nanoseconds.
type number struct {
	n        int64
	duration bool
}

func newSource(root fs.FS) *source { return &source{root: root, packages: map[string]*pkg{}} }

func (s *source) load(dir string) (*pkg, error) {
	if p := s.packages[dir]; p != nil {
		return p, nil
	}
	names, err := fs.Glob(s.root, path.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	p := &pkg{dir: dir, consts: map[string]bound{}, decls: map[string]ast.Node{}, busy: map[string]bool{}}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		src, err := fs.ReadFile(s.root, name)
		if err != nil {
			return nil, err
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, src, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		p.add(f)
	}
	if len(p.files) == 0 {
		return nil, fmt.Errorf("there is no package in %s", dir)
	}
	s.packages[dir] = p
	return p, nil
}

func (p *pkg) add(f *ast.File) {
	p.files = append(p.files, f)
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				p.decls[d.Name.Name] = d
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					p.decls[spec.Name.Name] = spec
				case *ast.ValueSpec:
					for i, name := range spec.Names {
						p.decls[name.Name] = spec
						if d.Tok == token.CONST && i < len(spec.Values) {
							p.consts[name.Name] = bound{spec.Values[i], f}
						}
					}
				}
			}
		}
	}
}

// lookup finds the value that a symbol stands for. A symbol is a folder, a dot and
//   - a constant: iocontext.maxBlockDepth
//   - a variable or function and the field of a literal in it:
//     isolate.DefaultLimits.Turn
//   - a type and one of its fields whose default some function of the package
//     assigns: actor.Options.IdleAfter
func (s *source) lookup(symbol string) (number, error) {
	slash := strings.LastIndexByte(symbol, '/') + 1
	base, rest, _ := strings.Cut(symbol[slash:], ".")
	name, field, _ := strings.Cut(rest, ".")
	p, err := s.load(symbol[:slash] + base)
	if err != nil {
		return number{}, err
	}
	decl := p.decls[name]
	if decl == nil {
		return number{}, fmt.Errorf("%s: there is no such declaration", symbol)
	}
	if field == "" {
		return s.constant(p, name)
	}
	var found []bound
	for _, f := range p.files {
		_, isType := decl.(*ast.TypeSpec)
		within := decl
		if isType {
			within = f
		} else if !declares(f, decl) {
			continue
		}
		ast.Inspect(within, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.KeyValueExpr:
				if key, ok := n.Key.(*ast.Ident); ok && !isType && key.Name == field {
					found = append(found, bound{n.Value, f})
				}
			case *ast.AssignStmt:
				if sel, ok := n.Lhs[0].(*ast.SelectorExpr); ok && isType && sel.Sel.Name == field && len(n.Lhs) == 1 {
					found = append(found, bound{n.Rhs[0], f})
				}
			}
			return true
		})
	}
	// Assignments of what is not constant are not the default.
	var values []number
	for _, b := range found {
		if v, err := s.eval(p, b); err == nil {
			values = append(values, v)
		}
	}
	if len(values) != 1 {
		return number{}, fmt.Errorf("%s: %d constants are written there, want one", symbol, len(values))
	}
	return values[0], nil
}

// declares reports whether a declaration is one of the file's.
func declares(f *ast.File, n ast.Node) bool {
	for _, d := range f.Decls {
		if d == n {
			return true
		}
		if g, ok := d.(*ast.GenDecl); ok {
			for _, spec := range g.Specs {
				if spec == n {
					return true
				}
			}
		}
	}
	return false
}

func (s *source) constant(p *pkg, name string) (number, error) {
	b, ok := p.consts[name]
	if !ok {
		return number{}, fmt.Errorf("%s.%s is not a constant with a value of its own", p.dir, name)
	}
	if p.busy[name] {
		return number{}, fmt.Errorf("%s.%s depends on itself", p.dir, name)
	}
	p.busy[name] = true
	defer delete(p.busy, name)
	return s.eval(p, b)
}

var units = map[string]time.Duration{
	"Nanosecond": time.Nanosecond, "Microsecond": time.Microsecond, "Millisecond": time.Millisecond,
	"Second": time.Second, "Minute": time.Minute, "Hour": time.Hour,
}

// eval computes a constant expression of integers and durations.
func (s *source) eval(p *pkg, b bound) (number, error) {
	sub := func(e ast.Expr) (number, error) { return s.eval(p, bound{e, b.file}) }
	switch e := b.expr.(type) {
	case *ast.BasicLit:
		n, err := strconv.ParseInt(e.Value, 0, 64)
		return number{n: n}, err
	case *ast.ParenExpr:
		return sub(e.X)
	case *ast.Ident:
		return s.constant(p, e.Name)
	case *ast.SelectorExpr:
		x, ok := e.X.(*ast.Ident)
		if !ok {
			break
		}
		if d := units[e.Sel.Name]; x.Name == "time" && d != 0 {
			return number{int64(d), true}, nil
		}
		if dir := imported(b.file, x.Name); dir != "" {
			other, err := s.load(dir)
			if err != nil {
				return number{}, err
			}
			return s.constant(other, e.Sel.Name)
		}
	case *ast.BinaryExpr:
		x, err := sub(e.X)
		if err != nil {
			return x, err
		}
		y, err := sub(e.Y)
		if err != nil {
			return y, err
		}
		return combine(e.Op, x, y)
	}
	return number{}, fmt.Errorf("%s: cannot be computed here", p.dir)
}

func combine(op token.Token, x, y number) (number, error) {
	out := number{duration: x.duration || y.duration}
	switch {
	case op == token.ADD:
		out.n = x.n + y.n
	case op == token.SUB:
		out.n = x.n - y.n
	case op == token.MUL:
		out.n = x.n * y.n
	case op == token.QUO && y.n != 0:
		out.n = x.n / y.n
	case op == token.SHL && y.n >= 0 && y.n < 63:
		out.n = x.n << y.n
	default:
		return number{}, fmt.Errorf("operator %s cannot be computed here", op)
	}
	return out, nil
}

// module is the path of the repository's module.
const module = "workerd.local/"

// imported is the folder of a package of this module that a file imports.
func imported(f *ast.File, name string) string {
	for _, spec := range f.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if dir, ok := strings.CutPrefix(p, module); ok && err == nil && path.Base(dir) == name {
			return dir
		}
	}
	return ""
}
