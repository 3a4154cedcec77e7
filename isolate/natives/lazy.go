package natives

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/dop251/goja"
	"github.com/dop251/goja/unistring"
)

// Global is an own property of the global object whose value is made when it is first
// needed.
type Global struct {
	Name       string
	Enumerable bool
	// Fixed says that nobody can change it.
	Fixed bool
	// Build makes the value. It may be called again after it has failed; its panic is
	// what the script's read throws.
	Build func() goja.Value
}

// DefineGlobals defines globals, in the order in which they are listed. Scripts see data
// properties, which are writable and configurable if they are not fixed.
func (l *Library) DefineGlobals(list []Global) error {
	e := l.e
	if e.inParts {
		if t := e.derive(list); t != nil {
			if e.late == nil {
				e.late = make(map[string]func() goja.Value, len(list))
			}
			for _, g := range list {
				e.late[g.Name] = g.Build
			}
			g := *intrinsics.implementation(e.rt.GlobalObject())
			*fieldAt[engineTemplate](g, intrinsics.tmpl) = t
			if names := fieldAt[[]unistring.String](g, intrinsics.names); *names != nil {
				for _, g := range list {
					*names = append(slices.Clip(*names), unistring.NewFromString(g.Name))
				}
			}
			return nil
		}
	}
	for _, g := range list {
		if g.Fixed {
			if err := e.rt.GlobalObject().DefineDataProperty(g.Name, g.Build(), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE); err != nil {
				return fmt.Errorf("define the global %s: %w", g.Name, err)
			}
			continue
		}
		if err := e.lazyGlobal(g.Name, g.Enumerable, g.Build); err != nil {
			return err
		}
	}
	return nil
}

// derived are templates of the global object with more globals, by the template that they
// begin with and the globals: as many as there are lists of modules.
var derived sync.Map // derivedKey to engineTemplate

type derivedKey struct {
	from  engineTemplate
	names string
}

// derive is the template of the global object with these globals; nil where one of them
// is there already.
func (e *env) derive(list []Global) engineTemplate {
	global := *intrinsics.implementation(e.rt.GlobalObject())
	own := *fieldAt[map[unistring.String]goja.Value](global, intrinsics.values)
	key := derivedKey{from: *fieldAt[engineTemplate](global, intrinsics.tmpl)}
	var b strings.Builder
	for _, g := range list {
		if _, exists := own[unistring.NewFromString(g.Name)]; exists {
			return nil
		}
		fmt.Fprintf(&b, "%q %t %t ", g.Name, g.Enumerable, g.Fixed)
	}
	key.names = b.String()
	if t, ok := derived.Load(key); ok {
		return t.(engineTemplate)
	}
	names, props, symbols, symProps := intrinsics.readTemplate(key.from)
	for _, g := range list {
		name := unistring.NewFromString(g.Name)
		if props[name] != nil {
			return nil
		}
		names = append(names, name)
		key, enumerable, fixed := g.Name, g.Enumerable, g.Fixed
		props[name] = func(rt *goja.Runtime) goja.Value {
			p := newProperty(envOf(rt).late[key](), !fixed, enumerable)
			if fixed {
				fixProperty(p)
			}
			return p
		}
	}
	t, _ := derived.LoadOrStore(key, intrinsics.newTemplate(names, props, symbols, symProps))
	return t.(engineTemplate)
}

// lazyGlobal defines a global by an accessor, which a read or a write replaces; the
// natives that show descriptors make the value first.
func (e *env) lazyGlobal(name string, enumerable bool, build func() goja.Value) error {
	global := e.rt.GlobalObject()
	flag := goja.FLAG_FALSE
	if enumerable {
		flag = goja.FLAG_TRUE
	}
	var made goja.Value
	settle := func(v goja.Value) {
		delete(e.lazy, name)
		// A script may have frozen the global object; then the accessor stays.
		_ = global.DefineDataProperty(name, v, goja.FLAG_TRUE, goja.FLAG_TRUE, flag)
	}
	value := func() goja.Value {
		if made == nil {
			made = build()
			settle(made)
		}
		return made
	}
	// One function is getter and setter: only a write has an argument.
	accessor := e.rt.ToValue(e.guard(func(c goja.FunctionCall) goja.Value {
		if len(c.Arguments) == 0 {
			return value()
		}
		made = c.Argument(0)
		if c.This == global || isNullish(c.This) {
			settle(made)
		} else if o, ok := c.This.(*goja.Object); ok {
			made = nil
			e.createData(o, asciiValue(name), c.Argument(0)) // o inherits from the global object
		}
		return undefined
	}))
	if err := global.DefineAccessorProperty(name, accessor, accessor, goja.FLAG_TRUE, flag); err != nil {
		return fmt.Errorf("define the global %s: %w", name, err)
	}
	e.lazy[name] = func() { value() }
	return nil
}

// makeLazy makes the lazy property of that name, if there is one, before a native
// looks at its descriptor.
func (e *env) makeLazy(o, key goja.Value) {
	if len(e.lazy) == 0 || o != e.rt.GlobalObject() {
		return
	}
	if s, ok := key.(goja.String); ok {
		if f := e.lazy[s.String()]; f != nil {
			f()
		}
	}
}

// makeAllLazy makes all lazy properties.
func (e *env) makeAllLazy(o goja.Value) {
	if len(e.lazy) == 0 || o != e.rt.GlobalObject() {
		return
	}
	for _, f := range e.lazy {
		f()
	}
}

// Hide keeps properties under these symbols out of the lists of own keys that
// scripts can ask for. The properties themselves stay reachable for those who
// have the symbol, and scripts have not.
func (l *Library) Hide(symbols ...*goja.Symbol) {
	for _, s := range symbols {
		l.e.hidden[s] = true
	}
}

// Poll counts one step of a loop of the engine that calls no script, and every thousand steps
// looks at the interrupt, which it throws.
func (l *Library) Poll() { l.e.poll() }

// HideGlobal keeps an own property of the global object out of such lists.
func (l *Library) HideGlobal(name string) { l.e.hiddenGlobal = asciiValue(name) }

// withoutHidden removes hidden keys from a fresh array of keys of o.
func (e *env) withoutHidden(o goja.Value, list *goja.Object) goja.Value {
	keys := e.view(list)
	global := o == e.rt.GlobalObject()
	skip := func(k goja.Value) bool {
		if s, ok := k.(*goja.Symbol); ok {
			return e.hidden[s]
		}
		return global && e.hiddenGlobal != nil && k.StrictEquals(e.hiddenGlobal)
	}
	for i, k := range keys {
		if !skip(k) {
			continue
		}
		kept := append([]goja.Value(nil), keys[:i]...)
		for _, k := range keys[i+1:] {
			if !skip(k) {
				kept = append(kept, k)
			}
		}
		return e.list(kept)
	}
	return list
}
