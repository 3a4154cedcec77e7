package script

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/parser"
	"github.com/evanw/esbuild/pkg/api"

	"workerd.local/internal/limits"
)

// evalDenied is what workerd throws for code from strings.
const evalDenied = "Code generation from strings disallowed for this context"

// evalState is the realm's switch for code from strings.
type evalState struct {
	allowed bool
}

// DenyEval makes eval, the Function constructor and the constructors of async
// functions, generators and async generators throw EvalError, however they are
// reached and whenever a reference to them was taken. It installs the package if
// that has not been done.
func DenyEval(rt *goja.Runtime) error {
	if err := Install(rt); err != nil {
		return err
	}
	stateOf(rt).eval.allowed = false
	return nil
}

// EvalAllowed reports whether code may be made from data now: from strings, and from
// the bytes of WebAssembly modules.
func EvalAllowed(rt *goja.Runtime) bool {
	s := stateOf(rt)
	return s == nil || s.eval.allowed
}

// makeFunctions makes our own constructors of functions and eval. Code from strings is
// allowed until DenyEval, as in any fresh runtime.
func (s *state) makeFunctions() (function, eval *goja.Object, err error) {
	rt := s.rt
	no, yes := goja.FLAG_FALSE, goja.FLAG_TRUE
	eval = rt.ToValue(func(c goja.FunctionCall) goja.Value {
		text, ok := c.Argument(0).(goja.String)
		if !ok {
			return c.Argument(0)
		}
		s.checkEval()
		return s.run(text.String())
	}).(*goja.Object)
	if err := eval.DefineDataProperty("name", rt.ToValue("eval"), no, yes, no); err != nil {
		return nil, nil, err
	}
	v, err := rt.RunProgram(functionsProgram())
	if err != nil {
		return nil, nil, err
	}
	kinds := v.(*goja.Object) // which has them as elements, whatever scripts have done to arrays
	for i, k := range []struct{ name, head string }{
		{"Function", "function"}, {"AsyncFunction", "async function"}, {"GeneratorFunction", "function*"},
	} {
		proto := eval.Prototype()
		if i > 0 {
			proto = kinds.Get(itoa(i - 1)).(*goja.Object).Prototype()
		}
		if proto == nil {
			return nil, nil, errors.New("the runtime has no prototype of " + k.name)
		}
		head := k.head
		own := rt.ToValue(func(c goja.ConstructorCall) *goja.Object {
			f := s.construct(head, c.Arguments)
			if c.NewTarget != nil {
				if p, ok := c.NewTarget.Get("prototype").(*goja.Object); ok && p != proto {
					if err := f.SetPrototype(p); err != nil {
						panic(rt.NewTypeError(err.Error()))
					}
				}
			}
			return f
		}).(*goja.Object)
		if err := errors.Join(
			own.DefineDataProperty("prototype", proto, no, no, no),
			own.DefineDataProperty("name", rt.ToValue(k.name), no, yes, no),
			own.DefineDataProperty("length", rt.ToValue(1), no, yes, no),
			proto.DefineDataProperty("constructor", own, yes, yes, no),
		); err != nil {
			return nil, nil, err
		}
		if function == nil {
			function = own
		} else if err := own.SetPrototype(function); err != nil {
			return nil, nil, err
		}
	}
	return function, eval, nil
}

func (s *state) checkEval() {
	if s.eval.allowed {
		return
	}
	if e, err := s.rt.New(s.engine.Pristine("EvalError"), s.rt.ToValue(evalDenied)); err == nil {
		panic(e)
	}
	panic(s.rt.NewTypeError("EvalError: " + evalDenied))
}

// run compiles and runs a script's text.
func (s *state) run(text string) goja.Value {
	program, err := compileClassic("eval", text, s.bounds)
	if err != nil {
		panic(s.syntaxError(messageOf(err)))
	}
	v, err := s.rt.RunProgram(program)
	if err != nil {
		rethrow(err)
	}
	return v
}

func messageOf(err error) string {
	var e *Error
	if errors.As(err, &e) && len(e.Diagnostics) > 0 {
		return strings.TrimPrefix(e.Diagnostics[0].Message, "SyntaxError: ")
	}
	return err.Error()
}

// construct makes a function from parameter and body texts. Each part is
// checked by itself, so that neither can end the function early.
func (s *state) construct(head string, args []goja.Value) *goja.Object {
	if len(args) > 0 {
		s.checkEval() // without arguments there is no text that a script has made
	}
	var params []string
	body := ""
	for i, a := range args {
		if i == len(args)-1 {
			body = a.String()
		} else {
			params = append(params, a.String())
		}
	}
	return s.compileFunction(head, "anonymous", strings.Join(params, ","), body)
}

func (s *state) compileFunction(head, name, params, body string) *goja.Object {
	whole := "(" + head + " anonymous(" + params + "\n) {\n" + body + "\n})"
	for _, text := range []string{
		"(" + head + " anonymous(\n) {\n" + body + "\n})",
		"(" + head + " anonymous(" + params + "\n) {\n})",
		whole,
	} {
		tree, _, err := parseText("eval", text, s.bounds)
		if err != nil {
			panic(s.syntaxError(messageOf(err)))
		}
		if !oneFunction(tree) {
			panic(s.syntaxError("Unexpected token '}'"))
		}
	}
	f, ok := s.run(whole).(*goja.Object)
	if !ok {
		panic(s.syntaxError("Unexpected end of input"))
	}
	if name != "anonymous" {
		if err := f.DefineDataProperty("name", s.rt.ToValue(name), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE); err != nil {
			panic(s.rt.NewTypeError(err.Error()))
		}
	}
	return f
}

// oneFunction reports whether a script is one function expression, after the
// helpers that lowering may have put before it.
func oneFunction(tree *ast.Program) bool {
	for i, statement := range tree.Body {
		switch statement := statement.(type) {
		case *ast.ExpressionStatement:
			_, ok := statement.Expression.(*ast.FunctionLiteral)
			return ok && i == len(tree.Body)-1
		case *ast.VariableStatement:
		default:
			return false
		}
	}
	return false
}

func (s *state) constructAsyncGenerator(arguments goja.Value) goja.Value {
	list, ok := arguments.(*goja.Object)
	if !ok {
		s.checkEval()
		return goja.Undefined()
	}
	var args []goja.Value
	for i, n := 0, int(orUndefined(list.Get("length")).ToInteger()); i < n; i++ {
		args = append(args, orUndefined(list.Get(itoa(i))))
	}
	return s.construct("async function*", args)
}

// CompileText compiles a classic script given as text, lowered and checked like
// all other code. It is for hosts that run code from strings: eval, node:vm,
// workerd's UnsafeEval. The runtime that runs the program must have been through
// Install. Errors are *Error.
func CompileText(name, text string) (*goja.Program, error) { return compileClassic(name, text, nil) }

func compileClassic(name, text string, bounds *limits.Set) (*goja.Program, error) {
	tree, printed, err := parseText(name, text, bounds)
	if err != nil {
		return nil, err
	}
	l := &lowering{main: name, host: hostName, bounds: bounds}
	if err := l.program(tree, printed); err != nil {
		return nil, err
	}
	return compileTree(tree, bounds)
}

// parseText parses a script, lowering it first if the engine does not know its
// syntax. It returns the text that was parsed, too.
func parseText(name, text string, bounds *limits.Set) (*ast.Program, string, error) {
	if most := limits.ScriptSource.In(bounds); len(text) > most {
		return nil, "", failf(name, "the source has %d bytes; the limit is %d", len(text), most)
	}
	if err := guardText(name, text, bounds); err != nil {
		return nil, "", err
	}
	tree, err := parseRaw(name, text)
	if err == nil && !newerSyntax.MatchString(text) {
		return tree, text, nil
	}
	r := api.Transform(text, api.TransformOptions{
		LogLevel: api.LogLevelSilent, LogLimit: 0, Target: api.ES2023, Supported: supportedSyntax(err != nil),
		Platform: api.PlatformNeutral, Charset: api.CharsetUTF8, LegalComments: api.LegalCommentsNone,
		Sourcefile: name, Loader: api.LoaderJS, TsconfigRaw: "{}",
	})
	if len(r.Errors) > 0 {
		return nil, "", diagnose(r.Errors, bounds)
	}
	printed := string(r.Code)
	if err := guardText(name, printed, bounds); err != nil {
		return nil, "", err
	}
	tree, err2 := parseRaw(name, printed)
	if err2 != nil {
		return nil, "", engineError(cmp.Or(err, err2), bounds)
	}
	return tree, printed, nil
}

// parseRaw parses what the engine may know. Its parser panics where a string has \u{}
// of a character outside of the basic plane; that is an error here, and the text is lowered.
func parseRaw(name, text string) (tree *ast.Program, err error) {
	defer func() {
		if r := recover(); r != nil {
			tree, err = nil, fmt.Errorf("the engine's parser: %v", r)
		}
	}()
	return parser.ParseFile(nil, name, text, 0, parser.WithDisableSourceMaps)
}

// newerSyntax matches what the engine parses but does not compile.
var newerSyntax = regexp.MustCompile(`\basync\b[^;]*\*|\bfor\s+await\b`)

// RunText runs a classic script given as text in the global scope, whether code from
// strings is allowed or not; name stands in stack traces. What the script throws is a
// *goja.Exception.
func RunText(rt *goja.Runtime, name, text string) (goja.Value, error) {
	if err := Install(rt); err != nil {
		return nil, err
	}
	program, err := compileClassic(name, text, stateOf(rt).bounds)
	if err != nil {
		return nil, textError(rt, err)
	}
	return rt.RunProgram(program)
}

// NewFunction makes a function from text, whether code from strings is allowed or not.
// Each part is checked by itself, so that neither can end the function early.
func NewFunction(rt *goja.Runtime, async bool, name string, params []string, body string) (*goja.Object, error) {
	if err := Install(rt); err != nil {
		return nil, err
	}
	s := stateOf(rt)
	head := "function"
	if async {
		head = "async function"
	}
	var f *goja.Object
	ex := rt.Try(func() { f = s.compileFunction(head, name, strings.Join(params, ","), body) })
	if ex != nil {
		return nil, ex
	}
	return f, nil
}

// textError is a mistake in text as the SyntaxError that scripts see.
func textError(rt *goja.Runtime, err error) error {
	if ex := rt.Try(func() { panic(stateOf(rt).syntaxError(messageOf(err))) }); ex != nil {
		return ex
	}
	return err
}
