package bind

import (
	"fmt"
	"maps"
	"slices"
	"sync"

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
	if g := s.list.replaced[name]; g != nil && s.originals[name] == nil {
		if s.originals == nil {
			s.originals = map[string]goja.Value{}
		}
		s.originals[name] = s.buildGlobal(g)
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
	return NewInstaller(modules, js.Compat().Has).Install(js)
}

// Installer is a list of modules for realms with the same compatibility flags, which share
// what can be said of it beforehand; any goroutine.
type Installer struct {
	modules []Module
	has     func(flag string) bool
	once    sync.Once
	list    *listing
	err     error
}

// NewInstaller keeps modules, which must not change any more.
func NewInstaller(modules []Module, has func(flag string) bool) *Installer {
	return &Installer{modules: modules, has: has}
}

// Install puts the globals into a realm.
func (in *Installer) Install(js *isolate.JS) error {
	s := scopes.Get(js)
	var list *listing
	var err error
	if len(s.list.globals) == 0 {
		in.once.Do(func() { in.list, in.err = newListing(&noGlobals, in.modules, in.has) })
		list, err = in.list, in.err
	} else { // a realm with modules already
		list, err = newListing(s.list, in.modules, in.has)
	}
	if err != nil {
		return err
	}
	s.list, s.names = list, slices.Concat(s.names, list.names[len(s.list.names):])
	if len(s.names) == len(list.names) {
		s.names = list.names
	}
	lazy := make([]natives.Global, len(list.own))
	for i, own := range list.own {
		lazy[i] = natives.Global{Name: own.globalName(), Enumerable: own.enumerable, Build: func() goja.Value { return s.buildGlobal(own.Global) }}
	}
	if err := js.Library().DefineGlobals(lazy); err != nil {
		return err
	}
	js.Library().Hide(brand)
	if err := s.install(); err != nil {
		return err
	}
	for _, m := range in.modules {
		if m.Setup != nil {
			if err := m.Setup(js); err != nil {
				return fmt.Errorf("module %s: %w", m.Name, err)
			}
		}
	}
	return nil
}

// listing is what the scopes of realms with the same modules have in common; read-only
// once it is made.
type listing struct {
	names    []string // in the order in which they are listed
	globals  map[string]Global
	replaced map[string]Global // what Replace put something else in the place of
	own      []ownGlobal       // of the modules of one Install
}

// noGlobals is the listing of a realm before Install.
var noGlobals listing

// newListing adds modules to a listing.
func newListing(before *listing, modules []Module, has func(flag string) bool) (*listing, error) {
	l := &listing{names: slices.Clone(before.names), globals: map[string]Global{}, replaced: map[string]Global{}}
	maps.Copy(l.globals, before.globals)
	maps.Copy(l.replaced, before.replaced)
	seen := map[string]bool{}
	spec := has(SpecAttributes)
	for _, m := range modules {
		if m.When != nil && !m.When(has) {
			continue
		}
		for _, g := range m.Globals {
			name := g.globalName()
			if r, ok := g.(replacement); ok && l.globals[name] != nil {
				l.replaced[name], l.globals[name] = l.globals[name], r.Global
				continue
			}
			if seen[name] {
				return nil, fmt.Errorf("module %s: the global %s exists already", m.Name, name)
			}
			seen[name] = true
			own, ok := g.(ownGlobal)
			if _, isClass := g.(anyClass); isClass && spec {
				own, ok = ownGlobal{g, false}, true
			}
			if ok {
				l.own = append(l.own, own)
				continue
			}
			l.globals[name] = g
			if name != "constructor" { // the only one that is not listed
				l.names = append(l.names, name)
			}
		}
	}
	l.names = slices.Clip(l.names)
	return l, nil
}
