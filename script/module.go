package script

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"
	"github.com/dop251/goja/unistring"
	"github.com/evanw/esbuild/pkg/api"

	"workerd.local/internal/limits"
)

// ModuleUnit is a compiled ES module. It is immutable: any number of runtimes on any
// goroutines may run it.
//
// Its program's value is a function of a host object (UnitObject). Where the module is
// not Async, that is a generator function: its first step gives an object with a function
// for each of Locals, which reads the export; the second takes an array of what the
// Imports are, in their order, functions like these or namespaces, and the third runs the
// module. Where it is, the function is asynchronous and calls UnitHost.Enter with that
// object first, awaits that array, and its promise settles at the module's end.
type ModuleUnit struct {
	Program *goja.Program
	// Requests are the specifiers that the module imports from, in their order.
	Requests []string
	Imports  []ModuleImport
	// Locals are the exports that the module has of its own, and Indirect those that it
	// has from others. Stars are the requests of which it exports everything.
	Locals   []string
	Indirect []ModuleIndirect
	Stars    []int
	// Async says that the module has a top-level await. AwaitLine is the line of it, in the source; zero where there are
	// several, as nobody sees at which one the module waits.
	Async     bool
	AwaitLine int
	// Default is the name that the bundler gave to what is exported as default and has
	// none, or "".
	Default string
}

// Everything stands for the namespace of a module in the place of an export's name.
const Everything = "*"

// ModuleImport is a name that a module imports: Name of the module that a request names.
type ModuleImport struct {
	Request int
	Name    string
}

// ModuleIndirect is an export that is one of another module.
type ModuleIndirect struct {
	Name    string
	Request int
	From    string
}

// CompileModule compiles an ES module; any goroutine. Text that was compiled before is not
// compiled again. Errors are *Error.
func CompileModule(src UnitSource) (*ModuleUnit, error) {
	u, err := keptUnit("module", &src, func(src *UnitSource) (*Unit, error) {
		m, err := compileModule(src)
		if err != nil {
			return nil, err
		}
		return &Unit{Program: m.Program, module: m}, nil
	})
	if err != nil {
		return nil, err
	}
	return u.module, nil
}

// IsModule reports whether a text is an ES module, as its syntax says.
func IsModule(text string) bool {
	if !strings.Contains(text, "import") && !strings.Contains(text, "export") {
		return false
	}
	s := newScanner(text)
	previous := lexeme{}
	for {
		start := s.start
		t := s.next()
		if t.kind == 0 {
			return false
		}
		word := text[t.start:t.end]
		if t.kind == 'w' && (word == "import" || word == "export") && !(previous.kind == 'p' && text[previous.start] == '.') {
			next := strings.TrimLeft(text[t.end:], " \t\r\n")
			switch {
			case word == "import" && strings.HasPrefix(next, ".") && strings.HasPrefix(strings.TrimLeft(next[1:], " \t\r\n"), "meta"):
				return true
			case s.depth() > 0 || !start && previous.kind != 0 && !onNewLine(text, previous.end, t.start):
			case word == "export" && !strings.HasPrefix(next, "=") && !strings.HasPrefix(next, ":") && !strings.HasPrefix(next, "("):
				return !equalsRequire.MatchString(text[t.start:])
			case word == "import" && !strings.HasPrefix(next, "(") && !strings.HasPrefix(next, ".") && !strings.HasPrefix(next, "=") && !strings.HasPrefix(next, ":"):
				return !equalsRequire.MatchString(text[t.start:])
			}
		}
		previous = t
	}
}

// equalsRequire is TypeScript's way to import a CommonJS module.
var equalsRequire = regexp.MustCompile(`^import\s+(type\s+)?[\p{L}_$][\p{L}\p{N}_$]*\s*=`)

func onNewLine(text string, from, to int) bool { return strings.Contains(text[from:to], "\n") }

// names of what a module's code reaches beside its own.
const (
	importName = hostName + "i" // and a number: one import
	linkName   = hostName + "l" // all of them
)

func compileModule(src *UnitSource) (*ModuleUnit, error) {
	text := strings.TrimPrefix(src.Text, "\uFEFF")
	if most := limits.ScriptSource.In(src.Bounds); len(text) > most {
		return nil, failf(src.File, "the source has %d bytes; the limit is %d", len(text), most)
	}
	if err := guardWritten(src.File, text, src.Bounds); err != nil {
		return nil, err
	}
	m, err := compilePrinted(src, text, false)
	if err != nil {
		// The engine's parser refuses some class fields: let the bundler lower all.
		if lowered, err2 := compilePrinted(src, text, true); err2 == nil {
			return lowered, nil
		}
		return nil, err
	}
	return m, nil
}

func compilePrinted(src *UnitSource, text string, lowerFields bool) (*ModuleUnit, error) {
	printed, sourceMap, err := printUnit(src, text, api.FormatESModule, lowerFields)
	if err != nil {
		return nil, err
	}
	r := &moduleReader{text: printed, out: []byte(printed), requests: map[string]int{}, imports: map[string]int{}, unit: &ModuleUnit{}}
	if err := r.read(); err != nil {
		return nil, failf(src.File, "%s", err)
	}
	u := r.unit
	body := string(r.out)
	var locals, names strings.Builder
	locals.WriteString("{__proto__: null")
	for _, e := range r.exports {
		if i, ok := r.imports[e.local]; ok {
			im := u.Imports[i]
			u.Indirect = append(u.Indirect, ModuleIndirect{Name: e.name, Request: im.Request, From: im.Name})
			continue
		}
		u.Locals = append(u.Locals, e.name)
		if e.name == "default" && strings.HasSuffix(e.local, "_default") {
			u.Default = e.local
		}
		fmt.Fprintf(&locals, ", %s: () => %s", quoteKey(e.name), e.local)
	}
	locals.WriteString("}")
	for i := range u.Imports {
		fmt.Fprintf(&names, ", %s%d = %s[%d]", importName, i, linkName, i)
	}
	build := func(async bool) (*ast.Program, string, error) {
		head := "(function*(" + hostName + ") { \"use strict\"; var " + linkName + " = yield " + locals.String() + names.String() + "; yield;\n"
		if async {
			head = "(async function(" + hostName + ") { \"use strict\"; var " + linkName + " = " + hostName + ".enter(" + locals.String() + ")" + names.String() + ";\n"
		}
		return parsePrinted(src, head, body, "\n})", sourceMap)
	}
	u.Async = strings.Contains(body, "await")
	tree, whole, err := build(u.Async)
	if err == nil && u.Async {
		awaits := topLevelAwaits(tree)
		if u.Async = len(awaits) > 0; len(awaits) == 1 {
			u.AwaitLine = tree.File.Position(int(awaits[0]) - tree.File.Base()).Line
		}
		if !u.Async {
			tree, whole, err = build(false)
		}
	}
	if err != nil {
		return nil, err
	}
	l := &lowering{main: src.File, host: hostName, bounds: src.Bounds, unit: true, imports: map[string]ast.Expression{}}
	for local, i := range r.imports {
		id := &ast.Identifier{Name: unistring.NewFromString(importName + strconv.Itoa(i))}
		l.imports[local] = id
		if u.Imports[i].Name != Everything {
			l.imports[local] = &ast.CallExpression{Callee: id}
		}
	}
	if err := l.program(tree, whole); err != nil {
		return nil, err
	}
	if u.Program, err = compileTree(tree, src.Bounds); err != nil {
		return nil, err
	}
	return u, nil
}

// quoteKey is a name as a key of an object.
func quoteKey(name string) string {
	if name == "__proto__" {
		return `["__proto__"]`
	}
	return quote(name)
}

// topLevelAwaits is where the one function of a program awaits by itself.
func topLevelAwaits(tree *ast.Program) (list []file.Idx) {
	w := &walker{}
	w.visit = func(e ast.Expression) ast.Expression {
		if a, ok := e.(*ast.AwaitExpression); ok && w.depth == 1 {
			list = append(list, a.Idx0())
		}
		return e
	}
	w.stmts(tree.Body)
	return list
}

// moduleReader takes the declarations of a module out of text that the bundler has
// printed. They stand at the top level, each ends with a semicolon, and what is left is
// as long as before.
type moduleReader struct {
	text     string
	out      []byte
	requests map[string]int
	imports  map[string]int // by local name
	exports  []localExport
	unit     *ModuleUnit
}

type localExport struct{ name, local string }

func (r *moduleReader) read() error {
	s := newScanner(r.text)
	previous := lexeme{}
	for {
		t := s.next()
		if t.kind == 0 {
			return nil
		}
		word := r.text[t.start:t.end]
		if t.kind == 'w' && s.depth() == 0 && (word == "import" || word == "export") && (t.start == 0 || r.text[t.start-1] == '\n') &&
			!(previous.kind == 'p' && r.text[previous.start] == '.') {
			end, err := r.declaration(s, word, t)
			if err != nil {
				return err
			}
			for i := t.start; i < end; i++ {
				if r.out[i] != '\n' {
					r.out[i] = ' '
				}
			}
		}
		previous = t
	}
}

// declaration reads one to its semicolon.
func (r *moduleReader) declaration(s *scanner, word string, first lexeme) (end int, err error) {
	var parts []string
	for {
		t := s.next()
		if t.kind == 0 {
			return 0, fmt.Errorf("a declaration of the module has no end")
		}
		piece := r.text[t.start:t.end]
		if piece == ";" && s.depth() == 0 {
			end = t.end
			break
		}
		if t.kind == 's' {
			v, err := strconv.Unquote(piece)
			if err != nil {
				if v, err = unquoteJS(piece); err != nil {
					return 0, err
				}
			}
			piece = "\"" + v
		}
		parts = append(parts, piece)
	}
	if word == "export" {
		return end, r.export(parts)
	}
	return end, r.imported(parts)
}

// unquoteJS reads a string literal that is not one of Go, too.
func unquoteJS(literal string) (string, error) {
	v, err := goja.New().RunString("(" + literal + ")")
	if err != nil {
		return "", err
	}
	return v.String(), nil
}

func (r *moduleReader) request(specifier string) int {
	i, ok := r.requests[specifier]
	if !ok {
		i = len(r.unit.Requests)
		r.requests[specifier] = i
		r.unit.Requests = append(r.unit.Requests, specifier)
	}
	return i
}

// from is the specifier at the end of a declaration, after the word from.
func from(parts []string) (specifier string, rest []string, ok bool) {
	if i := slices.Index(parts, "with"); i > 0 {
		parts = parts[:i]
	}
	n := len(parts)
	if n < 2 || parts[n-2] != "from" || !strings.HasPrefix(parts[n-1], "\"") {
		return "", nil, false
	}
	return parts[n-1][1:], parts[:n-2], true
}

func (r *moduleReader) imported(parts []string) error {
	if len(parts) >= 1 && strings.HasPrefix(parts[0], "\"") {
		r.request(parts[0][1:])
		return nil
	}
	specifier, rest, ok := from(parts)
	if !ok {
		return fmt.Errorf("an import is of a form that is not known: %s", strings.Join(parts, " "))
	}
	request := r.request(specifier)
	add := func(name, local string) {
		r.imports[local] = len(r.unit.Imports)
		r.unit.Imports = append(r.unit.Imports, ModuleImport{Request: request, Name: name})
	}
	if len(rest) > 0 && rest[0] != "{" && rest[0] != "*" {
		add("default", rest[0])
		if rest = rest[1:]; len(rest) > 0 {
			rest = rest[1:] // the comma
		}
	}
	if len(rest) == 3 && rest[0] == "*" {
		add(Everything, rest[2])
		return nil
	}
	return names(rest, func(a, b string) { add(a, b) })
}

func (r *moduleReader) export(parts []string) error {
	specifier, rest, ok := from(parts)
	switch {
	case !ok:
		return names(parts, func(local, name string) { r.exports = append(r.exports, localExport{name, local}) })
	case len(rest) == 1 && rest[0] == "*":
		r.unit.Stars = append(r.unit.Stars, r.request(specifier))
		return nil
	case len(rest) == 3 && rest[0] == "*":
		r.unit.Indirect = append(r.unit.Indirect, ModuleIndirect{Name: strings.TrimPrefix(rest[2], "\""), Request: r.request(specifier), From: Everything})
		return nil
	}
	request := r.request(specifier)
	return names(rest, func(a, b string) {
		r.unit.Indirect = append(r.unit.Indirect, ModuleIndirect{Name: b, Request: request, From: a})
	})
}

// names reads { a, b as c }.
func names(parts []string, add func(a, b string)) error {
	if len(parts) == 0 {
		return nil
	}
	if parts[0] != "{" || parts[len(parts)-1] != "}" {
		return fmt.Errorf("a list of names is of a form that is not known: %s", strings.Join(parts, " "))
	}
	parts = parts[1 : len(parts)-1]
	for len(parts) > 0 {
		a := strings.TrimPrefix(parts[0], "\"")
		b := a
		parts = parts[1:]
		if len(parts) >= 2 && parts[0] == "as" {
			b = strings.TrimPrefix(parts[1], "\"")
			parts = parts[2:]
		}
		add(a, b)
		if len(parts) > 0 {
			if parts[0] != "," {
				return fmt.Errorf("a list of names is of a form that is not known: %s", strings.Join(parts, " "))
			}
			parts = parts[1:]
		}
	}
	return nil
}

// imported is what stands for an identifier of a module, or nil.
func (l *lowering) imported(n *ast.Identifier) ast.Expression {
	switch e := l.imports[n.Name.String()].(type) {
	case *ast.Identifier:
		return &ast.Identifier{Name: e.Name, Idx: n.Idx}
	case *ast.CallExpression:
		callee := e.Callee.(*ast.Identifier)
		return &ast.CallExpression{Callee: &ast.Identifier{Name: callee.Name, Idx: n.Idx}, LeftParenthesis: n.Idx, RightParenthesis: n.Idx}
	}
	return nil
}

// short is a property {a} whose value is an import, or that of a function around an
// arrow function.
func (l *lowering) short(p *ast.PropertyShort) ast.Property {
	var v ast.Expression
	if len(l.imports) > 0 {
		v = l.imported(&p.Name)
	}
	if v == nil {
		if !l.inherited(&p.Name) {
			return p
		}
		v = twice(&p.Name)
	}
	return &ast.PropertyKeyed{Key: l.string(p.Name.Idx, p.Name.Name.String()), Kind: ast.PropertyKindValue, Value: v}
}
