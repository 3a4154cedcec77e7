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

//go:embed generators.js
var generatorsText string

//go:embed regexp.js
var regexpText string

// Each is compiled where it is first needed, once for the process.
var (
	generatorsProgram = lateProgram(generatorsText)
	regexpProgram     = lateProgram(regexpText)
	numericProgram    = lateProgram("(v) => - -v")
	functionsProgram  = lateProgram("[async function () {}, function* () {}]")
)

func lateProgram(text string) func() *goja.Program {
	return sync.OnceValue(func() *goja.Program {
		tree, err := parser.ParseFile(nil, programName, text, 0, parser.WithDisableSourceMaps)
		if err != nil {
			panic(err) // the text is part of the program
		}
		p, err := goja.CompileAST(tree, true)
		if err != nil {
			panic(err)
		}
		return p
	})
}

// Engine is what a runtime has before scripts change it, and when parts of it are first
// needed.
type Engine interface {
	// Own is the engine's own value of a global.
	Own(name string) goja.Value
	// Pristine is a global, or a member of one or of its prototype, as scripts find it
	// before they change anything.
	Pristine(path string) goja.Value
	// OnRegExp calls adapt when an expression is first needed, or at once. What adapt
	// returns stands for RegExp.
	OnRegExp(adapt func() (*goja.Object, error)) error
	// RecordMatches makes RegExp remember its last match from now on: RegExp.$1 and the
	// like. Matched tells it of a match that the engine has not made, as the bounds of the
	// whole and of each group, -1 where it took no part.
	RecordMatches() error
	Matched(s goja.String, found []int)
	// OnFunction calls make when a constructor of functions is first needed, or at
	// once. What it returns stands for Function and eval.
	OnFunction(make func() (function, eval *goja.Object, err error)) error
	// Define defines a global that nobody can change or list.
	Define(name string, build func() goja.Value) error
}

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
	engine Engine

	asyncGenerator         goja.Value // nil until generators has run
	asyncGeneratorFunction goja.Value
	asyncIterator          *goja.Object // %AsyncIteratorPrototype%

	toNumeric goja.Callable // nil until numeric has been called

	nativeRegExp  *goja.Object            // nil until adaptRegExp
	regexps       map[string]*goja.Object // compiled patterns that were rewritten
	source, flags func(goja.Value) goja.Value
	inherited     *goja.Object // see inherit
	depth         int          // of the methods of regular expressions, see counted

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

// AsyncIteratorPrototype is the prototype that the prototypes of async generators have;
// nil where Install has not been done.
func AsyncIteratorPrototype(rt *goja.Runtime) *goja.Object {
	s := stateOf(rt)
	if s == nil {
		return nil
	}
	s.generators()
	return s.asyncIterator
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
	return InstallIn(rt, bounds, nil)
}

// InstallIn is InstallWith for a runtime of which engine knows the parts; then each thing
// is made where it is first needed.
func InstallIn(rt *goja.Runtime, bounds *limits.Set, engine Engine) error {
	limitMatching(bounds)
	if stateOf(rt) != nil {
		return nil
	}
	s := &state{rt: rt, bounds: bounds, engine: engine, regexps: map[string]*goja.Object{}}
	s.eval.allowed = true
	if engine == nil {
		plain, err := newPlainEngine(rt)
		if err != nil {
			return fmt.Errorf("install: %w", err)
		}
		s.engine = plain
	}
	err := errors.Join(s.engine.OnRegExp(s.adaptRegExp), s.engine.OnFunction(s.makeFunctions))
	if err == nil {
		err = rt.GlobalObject().DefineDataPropertySymbol(stateKey, rt.ToValue(s), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
	}
	if err == nil {
		err = s.engine.Define(hostName, func() goja.Value { return s.object(nil) })
	}
	if err == nil && engine == nil {
		if ex := rt.Try(s.generators); ex != nil {
			err = ex
		}
	}
	if err != nil {
		return fmt.Errorf("install: %w", err)
	}
	return nil
}

// call runs a program that is a function of what it is given.
func (s *state) call(p *goja.Program, args ...goja.Value) (*goja.Object, error) {
	v, err := s.rt.RunProgram(p)
	if err != nil {
		return nil, err
	}
	f, ok := goja.AssertFunction(v)
	if !ok {
		return nil, errors.New("the program is not a function")
	}
	for i, a := range args {
		if a == nil {
			return nil, fmt.Errorf("the runtime has no value for parameter %d", i+1)
		}
	}
	if v, err = f(goja.Undefined(), args...); err != nil {
		return nil, err
	}
	o, _ := v.(*goja.Object)
	return o, nil
}

// generators makes what lowered async generators call.
func (s *state) generators() {
	if s.asyncGenerator != nil {
		return
	}
	n := s.engine.Pristine
	symbol, ok := n("Symbol").(*goja.Object)
	function, ok2 := n("Function").(*goja.Object)
	if !ok || !ok2 {
		panic(s.rt.NewTypeError("the runtime has no Symbol"))
	}
	made, err := s.call(generatorsProgram(), orUndefined(symbol.Get("asyncIterator")), goja.SymToStringTag, n("Object.create"), n("Object.defineProperty"),
		n("Object.setPrototypeOf"), n("Reflect.apply"), n("Promise"), n("Promise.resolve"), n("Promise.prototype.then"), n("TypeError"),
		function, n("Function.prototype"), s.rt.ToValue(func(c goja.FunctionCall) goja.Value { return s.constructAsyncGenerator(c.Argument(0)) }))
	if err != nil {
		rethrow(err)
	}
	s.asyncGeneratorFunction = made.Get("1")
	s.asyncIterator, _ = made.Get("2").(*goja.Object)
	s.asyncGenerator = made.Get("0")
}

// numeric is ToNumeric of the language.
func (s *state) numeric(v goja.Value) (goja.Value, error) {
	if s.toNumeric == nil {
		f, err := s.rt.RunProgram(numericProgram())
		if err != nil {
			return nil, err
		}
		s.toNumeric, _ = goja.AssertFunction(f)
	}
	return s.toNumeric(goja.Undefined(), v)
}

// adaptRegExp makes what stands for RegExp and changes its prototype.
func (s *state) adaptRegExp() (*goja.Object, error) {
	native, ok := s.engine.Own("RegExp").(*goja.Object)
	if !ok {
		return nil, errors.New("the runtime has no RegExp")
	}
	proto, ok := native.Get("prototype").(*goja.Object)
	if !ok {
		return nil, errors.New("RegExp has no prototype")
	}
	s.nativeRegExp = native
	n := s.engine.Pristine
	ctor, err := s.call(regexpProgram(), s.hidden(), native, goja.SymMatch, goja.SymReplace, goja.SymSpecies, n("Object.create"), n("Object.defineProperty"),
		n("Object.getOwnPropertyDescriptor"), n("Object.setPrototypeOf"), n("Reflect.apply"), n("Array.prototype.shift"), n("String.prototype.includes"),
		n("String.prototype.slice"), n("String.prototype.indexOf"))
	if err != nil {
		return nil, err
	}
	if ctor == nil {
		return nil, errors.New("nothing stands for RegExp")
	}
	s.accessors(proto)
	return ctor, nil
}

// host is what lowered code reaches under hostName. Its members are made when they are
// first read.
type host struct {
	member func(name string) goja.Value
	made   map[string]goja.Value
}

// Get is goja.DynamicObject's.
func (h *host) Get(name string) goja.Value {
	v, ok := h.made[name]
	if !ok {
		v = h.member(name)
		h.made[name] = v
	}
	return v
}

// Set is goja.DynamicObject's.
func (h *host) Set(string, goja.Value) bool { return false }

// Has is goja.DynamicObject's.
func (h *host) Has(name string) bool { return h.Get(name) != nil }

// Delete is goja.DynamicObject's.
func (h *host) Delete(string) bool { return false }

// Keys is goja.DynamicObject's.
func (h *host) Keys() []string { return nil }

// object is what lowered code reaches under hostName wherever it runs. Modules
// have one of their own with more in it; nil is for all other code.
func (s *state) object(more func(name string) func(goja.FunctionCall) goja.Value) *goja.Object {
	return s.rt.NewDynamicObject(&host{made: map[string]goja.Value{}, member: func(name string) goja.Value {
		switch name {
		case "asyncGenerator":
			s.generators()
			return s.asyncGenerator
		case "asyncGeneratorFunction":
			s.generators()
			return s.asyncGeneratorFunction
		}
		f := s.member(name)
		if more != nil && f == nil {
			f = more(name)
		} else if more == nil && name == "import" {
			f = s.noImport
		}
		if f == nil {
			return nil
		}
		return s.rt.ToValue(f)
	}})
}

// member is a function that all lowered code may call.
func (s *state) member(name string) func(goja.FunctionCall) goja.Value {
	switch name {
	case "regexp":
		return func(c goja.FunctionCall) goja.Value {
			return s.newRegExp(patternText(c.Argument(0)), c.Argument(1).String())
		}
	case "pow":
		return func(c goja.FunctionCall) goja.Value { return s.pow(c.Argument(0), c.Argument(1)) }
	case "shl":
		return func(c goja.FunctionCall) goja.Value { return s.shl(c.Argument(0), c.Argument(1)) }
	case "shr":
		return func(c goja.FunctionCall) goja.Value { return s.shr(c.Argument(0), c.Argument(1)) }
	case "recordMatches":
		return func(goja.FunctionCall) goja.Value {
			s.recordMatches()
			return goja.Undefined()
		}
	case "count":
		return func(c goja.FunctionCall) goja.Value { return s.count(c.Argument(0)) }
	}
	return nil
}

// noImport is import() in a script that is not a module.
func (s *state) noImport(goja.FunctionCall) goja.Value {
	promise, _, reject := s.rt.NewPromise()
	if err := reject(s.rt.NewTypeError("import() is not available in a script that is not a module")); err != nil {
		panic(s.rt.NewTypeError(err.Error()))
	}
	return s.rt.ToValue(promise)
}

// hidden is the set of natives behind the prelude.
func (s *state) hidden() *goja.Object {
	rt := s.rt
	o := rt.CreateObject(nil)
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
		if tooNested(pattern, limits.RegExpNesting.In(s.bounds)) || foldsTooMuch(pattern, c.Argument(1).String()) {
			panic(s.syntaxError("Invalid regular expression: Regular expression too large"))
		}
		return rt.ToValue(regexpNeedsHelp(pattern, c.Argument(1).String()))
	})
	set("inherit", func(c goja.FunctionCall) goja.Value {
		if rx, ok := c.Argument(0).(*goja.Object); ok {
			s.inherit(rx)
		}
		return goja.Undefined()
	})
	set("regexp", func(c goja.FunctionCall) goja.Value {
		return s.newRegExp(patternText(c.Argument(0)), c.Argument(1).String())
	})
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
	class := s.engine.Pristine("SyntaxError")
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
