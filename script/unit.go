package script

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"
	"github.com/dop251/goja/parser"
	"github.com/dop251/goja/unistring"
	"github.com/evanw/esbuild/pkg/api"
	lru "github.com/hashicorp/golang-lru/v2"

	"workerd.local/internal/limits"
)

// UnitSource is one file that is compiled by itself, for hosts that find and load
// modules while a program runs.
type UnitSource struct {
	// File is what stack traces show.
	File string
	Text string
	// Language is the text's: "js", "jsx", "ts" or "tsx"; empty is "js".
	Language string
	// Params are the parameters of the function that the text is the body of.
	Params []string
	Bounds *limits.Set
}

// Unit is a compiled file. It is immutable: any number of runtimes on any goroutines may
// run it.
//
// Its program's value is a function of a host object, which lowered code reaches under
// its own name (see UnitHost). For a text that is the body of a function it returns that
// function.
type Unit struct {
	Program *goja.Program
	module  *ModuleUnit
}

// UnitHost is what a unit needs from the realm that it runs in.
type UnitHost struct {
	// Import is import(specifier) in the file; it does not throw.
	Import func(specifier goja.Value) goja.Value
	// Meta is import.meta.
	Meta func() goja.Value
	// Enter is told what an asynchronous module exports, and gives what it imports; see
	// ModuleUnit.
	Enter func(exports goja.Value) goja.Value
}

// UnitObject is the host object for a unit, made for each file in each realm.
func UnitObject(rt *goja.Runtime, h UnitHost) *goja.Object {
	return stateOf(rt).object(func(name string) func(goja.FunctionCall) goja.Value {
		switch name {
		case "import":
			return func(c goja.FunctionCall) goja.Value { return h.Import(c.Argument(0)) }
		case "meta":
			return func(goja.FunctionCall) goja.Value { return h.Meta() }
		case "enter":
			return func(c goja.FunctionCall) goja.Value { return h.Enter(c.Argument(0)) }
		}
		return nil
	})
}

// units are the compiled files of the process, by a hash of all that they depend on.
var units = sync.OnceValue(func() *lru.Cache[[sha256.Size]byte, *Unit] {
	c, err := lru.New[[sha256.Size]byte, *Unit](limits.ScriptUnits.In(nil))
	if err != nil {
		panic(err) // the size is positive
	}
	return c
})

// CompileFunction compiles a text as the body of a function; any goroutine. A text that
// was compiled before, in whatever runtime, is not compiled again. Errors are *Error.
func CompileFunction(src UnitSource) (*Unit, error) {
	return keptUnit("function", &src, compileFunction)
}

// keptUnit looks among the units of the process first.
func keptUnit(kind string, src *UnitSource, compile func(*UnitSource) (*Unit, error)) (*Unit, error) {
	limitMatching(src.Bounds)
	h := sha256.New()
	// Plain data into a hash: cannot fail.
	_ = json.NewEncoder(h).Encode([]any{kind, src.File, src.Language, src.Params, src.Bounds.Changed("script.", "regexp.")})
	h.Write([]byte(src.Text))
	var key [sha256.Size]byte
	h.Sum(key[:0])
	if u, ok := units().Get(key); ok {
		return u, nil
	}
	u, err := compile(src)
	if err != nil {
		return nil, err
	}
	units().Resize(limits.ScriptUnits.In(src.Bounds))
	units().Add(key, u)
	return u, nil
}

func compileFunction(src *UnitSource) (*Unit, error) {
	text := strings.TrimPrefix(src.Text, "\uFEFF")
	if most := limits.ScriptSource.In(src.Bounds); len(text) > most {
		return nil, failf(src.File, "the source has %d bytes; the limit is %d", len(text), most)
	}
	if err := guardWritten(src.File, text, src.Bounds); err != nil {
		return nil, err
	}
	l := &lowering{main: src.File, host: hostName, bounds: src.Bounds, unit: true}
	if src.Language == "" || src.Language == "js" {
		if tree, err := parseRaw(src.File, text); err == nil && !newerSyntax.MatchString(text) {
			if err := l.program(tree, text); err != nil {
				return nil, err
			}
			return compileUnit(asBody(tree, text, src.Params), src.Bounds)
		}
	}
	format := api.FormatDefault
	if src.Language != "" && src.Language != "js" && IsModule(text) {
		format = api.FormatCommonJS // as TypeScript's compiler would
	}
	printed, sourceMap, err := printUnit(src, text, format, false)
	if err != nil {
		return nil, err
	}
	head := "(function(" + hostName + ") { return function (" + strings.Join(src.Params, ", ") + ") {\n"
	tree, whole, err := parsePrinted(src, head, printed, "\n} })", sourceMap)
	if err != nil {
		// The engine's parser refuses some class fields: let the bundler lower all.
		if printed, sourceMap, err2 := printUnit(src, text, format, true); err2 == nil {
			tree, whole, err2 = parsePrinted(src, head, printed, "\n} })", sourceMap)
			if err2 == nil {
				err = nil
			}
		}
		if err != nil {
			return nil, err
		}
	}
	if err := l.program(tree, whole); err != nil {
		return nil, err
	}
	nameBody(tree)
	return compileUnit(tree, src.Bounds)
}

// nameBody names the function that the function of a unit returns.
func nameBody(tree *ast.Program) {
	statement, ok := tree.Body[0].(*ast.ExpressionStatement)
	if !ok {
		return
	}
	outer, ok := statement.Expression.(*ast.FunctionLiteral)
	if !ok || len(outer.Body.List) == 0 {
		return
	}
	if ret, ok := outer.Body.List[len(outer.Body.List)-1].(*ast.ReturnStatement); ok {
		if inner, ok := ret.Argument.(*ast.FunctionLiteral); ok {
			inner.Name = nameOfBody(inner.Function)
		}
	}
}

// asBody makes the body of a function of a script that the engine has parsed as it is
// written, so that every place in it stays where it is.
func asBody(tree *ast.Program, text string, params []string) *ast.Program {
	at := file.Idx(tree.File.Base())
	end := at + file.Idx(len(text))
	id := func(name string) *ast.Binding {
		return &ast.Binding{Target: &ast.Identifier{Name: unistring.NewFromString(name), Idx: at}}
	}
	inner := &ast.FunctionLiteral{
		Function: at, Name: nameOfBody(at), ParameterList: &ast.ParameterList{Opening: at, Closing: at},
		Body:            &ast.BlockStatement{LeftBrace: at, List: tree.Body, RightBrace: end},
		DeclarationList: tree.DeclarationList,
		Source:          "function (" + strings.Join(params, ", ") + ") {\n" + text + "\n}",
	}
	for _, p := range params {
		inner.ParameterList.List = append(inner.ParameterList.List, id(p))
	}
	outer := &ast.FunctionLiteral{
		Function: at, ParameterList: &ast.ParameterList{Opening: at, Closing: at, List: []*ast.Binding{id(hostName)}},
		Body:   &ast.BlockStatement{LeftBrace: at, List: []ast.Statement{&ast.ReturnStatement{Return: at, Argument: inner}}, RightBrace: end},
		Source: "function () { [native code] }",
	}
	return &ast.Program{Body: []ast.Statement{&ast.ExpressionStatement{Expression: outer}}, File: tree.File}
}

// nameOfBody is what V8 calls the function of a CommonJS module in stack traces. It is no
// name that code could use.
func nameOfBody(at file.Idx) *ast.Identifier {
	return &ast.Identifier{Name: unistring.NewFromString("Object.<anonymous>"), Idx: at}
}

func compileUnit(tree *ast.Program, bounds *limits.Set) (*Unit, error) {
	program, err := compileTree(tree, bounds)
	if err != nil {
		return nil, err
	}
	return &Unit{Program: program}, nil
}

// printUnit lets the bundler write newer syntax and other languages as the engine's
// JavaScript. The map is for text that follows one line of our own.
func printUnit(src *UnitSource, text string, format api.Format, lowerFields bool) (printed string, sourceMap []byte, err error) {
	loader := api.LoaderJS
	switch src.Language {
	case "jsx":
		loader = api.LoaderJSX
	case "ts":
		loader = api.LoaderTS
	case "tsx":
		loader = api.LoaderTSX
	}
	r := api.Transform(text, api.TransformOptions{
		LogLevel: api.LogLevelSilent, LogLimit: 0, Target: api.ES2023, Supported: supportedSyntax(lowerFields),
		Platform: api.PlatformNeutral, Charset: api.CharsetUTF8, LegalComments: api.LegalCommentsNone,
		Sourcemap: api.SourceMapExternal, SourcesContent: api.SourcesContentExclude,
		Sourcefile: src.File, Loader: loader, TsconfigRaw: "{}", Format: format,
		Define: map[string]string{"import.meta": metaName},
	})
	if len(r.Errors) > 0 {
		e := diagnose(r.Errors, src.Bounds)
		for i := range e.Diagnostics {
			e.Diagnostics[i].File = src.File
		}
		return "", nil, e
	}
	var m struct {
		Version  int      `json:"version"`
		Sources  []string `json:"sources"`
		Mappings string   `json:"mappings"`
		Names    []string `json:"names"`
	}
	if err := json.Unmarshal(r.Map, &m); err != nil {
		return "", nil, fmt.Errorf("read source map: %w", err)
	}
	m.Sources, m.Names = []string{src.File}, []string{}
	if m.Mappings, err = shiftColumns(";" + m.Mappings); err != nil {
		return "", nil, fmt.Errorf("read source map: %w", err)
	}
	if sourceMap, err = json.Marshal(m); err != nil {
		return "", nil, fmt.Errorf("write source map: %w", err)
	}
	return quoteFieldNames(string(r.Code)), sourceMap, nil
}

// unitName is the file name of what belongs to no line of a unit's source. It is absolute, as the engine
// would make the names of a map's sources relative otherwise.
const unitName = "/" + programName

// parsePrinted parses printed text between a head of one line and a tail.
func parsePrinted(src *UnitSource, head, printed, tail string, sourceMap []byte) (tree *ast.Program, whole string, err error) {
	whole = head + strings.TrimRight(printed, "\n") + tail + "\n//# sourceMappingURL=" + programName + ".map\n"
	if err := guardText(src.File, whole, src.Bounds); err != nil {
		return nil, "", err
	}
	defer func() {
		if r := recover(); r != nil {
			tree, err = nil, failf(src.File, "SyntaxError: the engine cannot parse the file: %v", r)
		}
	}()
	tree, err = parser.ParseFile(nil, unitName, whole, 0, parser.WithSourceMapLoader(func(string) ([]byte, error) { return sourceMap, nil }))
	if err != nil {
		return nil, "", engineError(err, src.Bounds)
	}
	return tree, whole, nil
}
