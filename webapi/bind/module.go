package bind

import (
	"fmt"
	"slices"

	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/isolate/natives"
)

// Global is one global name: a *Class, a Func, a Var or an Object.
type Global interface {
	globalName() string
	build(js *isolate.JS) (goja.Value, error)
}

// Module is a family of web APIs.
type Module struct {
	Name string
	// When says whether a worker with the compatibility flags has the globals; nil
	// means that every worker has them.
	When    func(has func(flag string) bool) bool
	Globals []Global
	// Builtins are the modules that scripts may import by specifier, such as
	// "node:path": each makes its exports object.
	Builtins map[string]func(js *isolate.JS) (goja.Value, error)
	// Available reports whether a worker with the compatibility flags may import a
	// builtin of the module; nil means every worker may import all of them.
	Available func(specifier string, has func(flag string) bool) bool
	// Setup runs when a realm is made; keep it empty where a lazy global will do.
	Setup func(js *isolate.JS) error
}

// Func is a global function.
type Func struct {
	Name   string
	Length int
	Call   Static
}

func (f Func) globalName() string { return f.Name }
func (f Func) build(js *isolate.JS) (goja.Value, error) {
	return function(js, "", f.Name, f.Length, f.Call), nil
}

// Var is a global value made at first use.
type Var struct {
	Name string
	Make func(js *isolate.JS) (goja.Value, error)
}

func (v Var) globalName() string                       { return v.Name }
func (v Var) build(js *isolate.JS) (goja.Value, error) { return v.Make(js) }

// Object is a global namespace object with functions, such as console.
type Object struct {
	Name    string
	Methods map[string]Static
}

func (o Object) globalName() string { return o.Name }
func (o Object) build(js *isolate.JS) (goja.Value, error) {
	return o.New(js), nil
}

// New makes the object.
func (o Object) New(js *isolate.JS) *goja.Object {
	obj := js.Runtime().NewObject()
	for _, name := range keys(o.Methods) {
		data(obj, name, function(js, o.Name, name, 0, o.Methods[name]), true)
	}
	tag(obj, js.Runtime().ToValue(o.Name))
	return obj
}

// NewFunction makes a JavaScript function from Go.
func NewFunction(js *isolate.JS, name string, length int, fn Static) *goja.Object {
	return function(js, "", name, length, fn)
}

// Own is a global that is an own property of globalThis, as workerd has it for
// its singletons; all other globals are properties of what globalThis inherits from.
func Own(g Global, enumerable bool) Global { return ownGlobal{g, enumerable} }

type ownGlobal struct {
	Global
	enumerable bool
}

// Replace is a global that takes the place of one of an earlier module; Original
// gives that.
func Replace(g Global) Global { return replacement{g} }

type replacement struct{ Global }

// Original is a global as the runtime made it, before Replace.
func Original(js *isolate.JS, name string) goja.Value {
	s := scopes.Get(js)
	if g := s.replaced[name]; g != nil {
		v := s.buildGlobal(g)
		delete(s.replaced, name)
		s.originals[name] = v
	}
	if v := s.originals[name]; v != nil {
		return v
	}
	return s.Get(name)
}

// SpecAttributes is the compatibility flag with which classes are own properties of
// globalThis that are not enumerable, and functions have the length that they have in
// the standards; see Class.Lengths.
const SpecAttributes = "spec_compliant_property_attributes"

// Only is the module with those of its globals that are named.
func (m Module) Only(names ...string) Module {
	return m.filter(func(name string) bool { return slices.Contains(names, name) })
}

// Without is the module without the globals that are named.
func (m Module) Without(names ...string) Module {
	return m.filter(func(name string) bool { return !slices.Contains(names, name) })
}

func (m Module) filter(keep func(name string) bool) Module {
	m.Globals = slices.DeleteFunc(slices.Clone(m.Globals), func(g Global) bool { return !keep(g.globalName()) })
	return m
}

// Install puts the globals of the modules into the realm. Nothing is made yet:
// each global is made at its first use.
func Install(js *isolate.JS, modules []Module) error {
	s := scopes.Get(js)
	seen := map[string]bool{}
	spec := js.Compat().Has(SpecAttributes)
	var lazy []natives.Global
	for _, m := range modules {
		if m.When != nil && !m.When(js.Compat().Has) {
			continue
		}
		for _, g := range m.Globals {
			name := g.globalName()
			if r, ok := g.(replacement); ok && s.pending[name] != nil {
				if s.replaced == nil {
					s.replaced, s.originals = map[string]Global{}, map[string]goja.Value{}
				}
				s.replaced[name], s.pending[name] = s.pending[name], r.Global
				continue
			}
			if seen[name] {
				return fmt.Errorf("module %s: the global %s exists already", m.Name, name)
			}
			seen[name] = true
			own, ok := g.(ownGlobal)
			if _, isClass := g.(anyClass); isClass && spec {
				own, ok = ownGlobal{g, false}, true
			}
			if !ok {
				s.pending[name] = g
				if name != "constructor" { // the only one that is not listed
					s.names = append(s.names, name)
				}
				continue
			}
			lazy = append(lazy, natives.Global{Name: name, Enumerable: own.enumerable, Build: func() goja.Value { return s.buildGlobal(own.Global) }})
		}
	}
	if err := js.Library().DefineGlobals(lazy); err != nil {
		return err
	}
	js.Library().Hide(brand)
	if err := s.install(); err != nil {
		return err
	}
	for _, m := range modules {
		if m.Setup != nil {
			if err := m.Setup(js); err != nil {
				return fmt.Errorf("module %s: %w", m.Name, err)
			}
		}
	}
	return nil
}
