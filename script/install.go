package script

import (
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/dlclark/regexp2/v2"
	"github.com/dop251/goja"
	"github.com/dop251/goja/parser"

	"workerd.local/internal/limits"
)

// matching is how long one match of a regular expression that backtracks may take. The
// engine has no other way to stop such a match; after that time it reports that nothing
// matched. It is a variable of the engine, so one for the process.
var matching struct {
	once sync.Once
	time time.Duration // set once
}

// limitMatching sets the time of every expression that is made from now on, unless that
// has been done.
func limitMatching(bounds *limits.Set) {
	matching.once.Do(func() {
		matching.time = limits.RegExpTime.In(bounds)
		regexp2.DefaultMatchTimeout = matching.time
	})
}

// CheckBounds sets what is one for the process, limits.RegExpTime, or says that it has
// been set to something else.
func CheckBounds(bounds *limits.Set) error {
	limitMatching(bounds)
	if want := limits.RegExpTime.In(bounds); want != matching.time {
		return fmt.Errorf("limit %s=%v: it is %v for this process already, and cannot be changed once a script was compiled", limits.RegExpTime.Name, want, matching.time)
	}
	return nil
}

//go:embed prelude.js
var preludeText string

var prelude = func() *goja.Program {
	tree, err := parser.ParseFile(nil, programName, preludeText, 0, parser.WithDisableSourceMaps)
	if err != nil {
		panic(err) // the text is part of the program
	}
	p, err := goja.CompileAST(tree, true)
	if err != nil {
		panic(err)
	}
	return p
}()

// stateKey is where a runtime keeps this package's state: a property of the
// global object that scripts can neither name nor change.
var stateKey = goja.NewSymbol("workerd.script")

// HiddenGlobal is the own property of the global object that Install adds.
const HiddenGlobal = hostName

// HiddenSymbols are the symbols of properties that this package adds to the global
// object and to regular expressions. Scripts should not find them in any list.
func HiddenSymbols() []*goja.Symbol { return []*goja.Symbol{stateKey, rewrittenKey} }

// state is what Install adds to one runtime.
type state struct {
	rt     *goja.Runtime
	bounds *limits.Set

	asyncGenerator         goja.Value
	asyncGeneratorFunction goja.Value

	numeric goja.Callable // ToNumeric of the language

	nativeRegExp  *goja.Object
	regexps       map[string]*goja.Object // compiled patterns that were rewritten
	source, flags func(goja.Value) goja.Value
	depth         int // of the methods of regular expressions, see counted

	eval evalState
}

func stateOf(rt *goja.Runtime) *state {
	o, ok := rt.GlobalObject().GetSymbol(stateKey).(*goja.Object)
	if !ok {
		return nil
	}
	s, _ := o.Export().(*state)
	return s
}

// Install prepares a runtime for lowered programs: it defines the well-known
// symbols that the engine lacks, the prototypes of async generators, and wraps
// RegExp. Evaluate does it by itself; call it earlier when other code of the
// realm needs these. Installing twice does nothing. Call it before anything else
// can have changed the globals.
func Install(rt *goja.Runtime) error { return InstallWith(rt, nil) }

// InstallWith is Install with the numbers of what the realm's own code may ask for; nil
// means those of the table.
func InstallWith(rt *goja.Runtime, bounds *limits.Set) error {
	limitMatching(bounds)
	if stateOf(rt) != nil {
		return nil
	}
	s := &state{rt: rt, bounds: bounds, regexps: map[string]*goja.Object{}}
	native, ok := rt.Get("RegExp").(*goja.Object)
	if !ok {
		return errors.New("install: the runtime has no RegExp")
	}
	s.nativeRegExp = native
	v, err := rt.RunProgram(prelude)
	if err != nil {
		return fmt.Errorf("install: %w", err)
	}
	start, ok := goja.AssertFunction(v)
	if !ok {
		return errors.New("install: the prelude is not a function")
	}
	v, err = start(goja.Undefined(), s.hidden())
	if err != nil {
		return fmt.Errorf("install: %w", err)
	}
	made := v.(*goja.Object)
	s.asyncGenerator, s.asyncGeneratorFunction = made.Get("asyncGenerator"), made.Get("asyncGeneratorFunction")
	s.numeric, _ = goja.AssertFunction(made.Get("numeric"))
	if err := s.installEval(made); err != nil {
		return fmt.Errorf("install: %w", err)
	}
	err = rt.GlobalObject().DefineDataPropertySymbol(stateKey, rt.ToValue(s), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
	if err != nil {
		return fmt.Errorf("install: %w", err)
	}
	err = rt.GlobalObject().DefineDataProperty(hostName, s.object(true), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
	if err != nil {
		return fmt.Errorf("install: %w", err)
	}
	return nil
}

// object is what lowered code reaches under hostName wherever it runs. Modules
// have one of their own with more in it; plain is for all other code.
func (s *state) object(plain bool) *goja.Object {
	o := s.rt.CreateObject(nil)
	define := func(name string, v goja.Value) {
		// The object is new and ordinary, so defining cannot fail.
		_ = o.DefineDataProperty(name, v, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
	}
	define("asyncGenerator", s.asyncGenerator)
	define("asyncGeneratorFunction", s.asyncGeneratorFunction)
	define("regexp", s.rt.ToValue(func(c goja.FunctionCall) goja.Value {
		return s.newRegExp(patternText(c.Argument(0)), c.Argument(1).String())
	}))
	define("pow", s.rt.ToValue(func(c goja.FunctionCall) goja.Value { return s.pow(c.Argument(0), c.Argument(1)) }))
	define("shl", s.rt.ToValue(func(c goja.FunctionCall) goja.Value { return s.shl(c.Argument(0), c.Argument(1)) }))
	define("shr", s.rt.ToValue(func(c goja.FunctionCall) goja.Value { return s.shr(c.Argument(0), c.Argument(1)) }))
	define("count", s.rt.ToValue(func(c goja.FunctionCall) goja.Value { return s.count(c.Argument(0)) }))
	if plain {
		define("import", s.rt.ToValue(func(c goja.FunctionCall) goja.Value {
			promise, _, reject := s.rt.NewPromise()
			if err := reject(s.rt.NewTypeError("import() is not available in a script that is not a module")); err != nil {
				panic(s.rt.NewTypeError(err.Error()))
			}
			return s.rt.ToValue(promise)
		}))
	}
	return o
}

// InstallRegExp makes RegExp understand property escapes, the flags d and v, and
// modifiers. It is a part of Install.
func InstallRegExp(rt *goja.Runtime) error { return Install(rt) }

// hidden is the set of natives behind the prelude.
func (s *state) hidden() *goja.Object {
	rt := s.rt
	o := rt.NewObject()
	set := func(name string, fn func(goja.FunctionCall) goja.Value) { _ = o.Set(name, fn) } // a new ordinary object
	set("isRegExp", func(c goja.FunctionCall) goja.Value {
		x, ok := c.Argument(0).(*goja.Object)
		return rt.ToValue(ok && x.ClassName() == "RegExp")
	})
	set("source", func(c goja.FunctionCall) goja.Value { return s.source(c.Argument(0)) })
	set("flags", func(c goja.FunctionCall) goja.Value { return s.flags(c.Argument(0)) })
	set("groups", func(c goja.FunctionCall) goja.Value { return s.groups(c.Argument(0)) })
	set("needsHelp", func(c goja.FunctionCall) goja.Value {
		p, ok := c.Argument(0).(goja.String)
		if ok && p.Length() > limits.RegExpPattern.In(s.bounds) {
			panic(s.syntaxError("Invalid regular expression: Regular expression too large"))
		}
		pattern := c.Argument(0).String()
		if tooNested(pattern, limits.RegExpNesting.In(s.bounds)) {
			panic(s.syntaxError("Invalid regular expression: Regular expression too large"))
		}
		return rt.ToValue(regexpNeedsHelp(pattern, c.Argument(1).String()))
	})
	set("regexp", func(c goja.FunctionCall) goja.Value {
		return s.newRegExp(patternText(c.Argument(0)), c.Argument(1).String())
	})
	set("accessors", func(c goja.FunctionCall) goja.Value {
		s.accessors(c.Argument(0).(*goja.Object))
		return goja.Undefined()
	})
	set("generate", func(c goja.FunctionCall) goja.Value { return s.constructAsyncGenerator(c.Argument(0)) })
	return o
}

// tooNested counts brackets without looking at classes, so it may count too
// much; a pattern would need hundreds of unbalanced brackets for that.
func tooNested(pattern string, most int) bool {
	if strings.Count(pattern, "(")+strings.Count(pattern, "[") <= most {
		return false
	}
	depth := 0
	for i := 0; i < len(pattern); i++ {
		switch pattern[i] {
		case '\\':
			i++
		case '(', '[':
			if depth++; depth > most {
				return true
			}
		case ')', ']':
			depth = max(0, depth-1)
		}
	}
	return false
}

func (s *state) syntaxError(text string) goja.Value {
	class := s.rt.Get("SyntaxError")
	if e, err := s.rt.New(class, s.rt.ToValue(text)); err == nil {
		return e
	}
	return s.rt.NewTypeError(text)
}

// rethrow carries what a call into JavaScript threw, or an interrupt, through a
// native function.
func rethrow(err error) {
	var exception *goja.Exception
	if errors.As(err, &exception) {
		panic(exception.Value())
	}
	panic(err)
}
