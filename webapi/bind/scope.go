package bind

import (
	"fmt"
	"slices"

	"github.com/dop251/goja"

	"workerd.local/isolate"
)

// scope is the prototype of globalThis, which in workerd holds most globals as
// writable, enumerable and configurable data properties. It is a dynamic object:
// the engine asks it for names, and it makes a global when its value is wanted.
// Such an object takes neither accessors nor symbols and cannot be frozen.
type scope struct {
	js     *isolate.JS
	object *goja.Object
	list   *listing
	names  []string              // in the order in which they are listed; those of list until they change
	values map[string]goja.Value // that were made, or set
	gone   map[string]bool       // deleted, or set: those of list are not made any more
	// What Replace put something else in the place of, where it was made.
	originals map[string]goja.Value

	// parent says what the prototype inherits from, and links which globals make
	// that visible; see InheritScope.
	parent func(js *isolate.JS) *goja.Object
	links  []string
}

var scopes = isolate.NewSlot(func(js *isolate.JS) *scope {
	return &scope{js: js, list: &noGlobals}
})

// Scope is the prototype of globalThis; nil before Install.
func Scope(js *isolate.JS) *goja.Object { return scopes.Get(js).object }

// InheritScope says what the prototype of globalThis inherits from. parent is asked
// when one of the named globals is made; until then it is Object.prototype.
func InheritScope(js *isolate.JS, parent func(js *isolate.JS) *goja.Object, names ...string) {
	s := scopes.Get(js)
	s.parent, s.links = parent, names
}

func (s *scope) install() error {
	global := s.js.Runtime().GlobalObject()
	s.object = s.js.Runtime().NewDynamicObject(s)
	if err := s.object.SetPrototype(global.Prototype()); err != nil {
		return err
	}
	return global.SetPrototype(s.object)
}

// buildGlobal makes a global; what goes wrong is thrown.
func (s *scope) buildGlobal(g Global) goja.Value {
	name := g.globalName()
	if s.parent != nil && slices.Contains(s.links, name) {
		parent := s.parent
		s.parent = nil
		if err := s.object.SetPrototype(parent(s.js)); err != nil {
			s.js.Panic(err)
		}
	}
	v, err := g.build(s.js)
	if err != nil {
		s.js.Panic(fmt.Errorf("global %s: %w", name, err))
	}
	return v
}

// pending is a global that is not made yet; nil where there is none of that name.
func (s *scope) pending(name string) Global {
	if s.values[name] != nil || s.gone[name] {
		return nil
	}
	return s.list.globals[name]
}

// Get is goja.DynamicObject's.
func (s *scope) Get(name string) goja.Value {
	if g := s.pending(name); g != nil {
		v := s.buildGlobal(g)
		if s.pending(name) != nil { // else a script of ours asked for it, too
			s.put(name, v)
		}
	}
	return s.values[name]
}

func (s *scope) put(name string, v goja.Value) {
	if s.values == nil {
		s.values = map[string]goja.Value{}
	}
	s.values[name] = v
}

// leave says that a global of the list is not made any more.
func (s *scope) leave(name string) {
	if s.list.globals[name] == nil {
		return
	}
	if s.gone == nil {
		s.gone = map[string]bool{}
	}
	s.gone[name] = true
}

// Has is goja.DynamicObject's.
func (s *scope) Has(name string) bool { return s.values[name] != nil || s.pending(name) != nil }

// Set is goja.DynamicObject's: a script changes the prototype itself.
func (s *scope) Set(name string, v goja.Value) bool {
	if !s.Has(name) {
		s.names = append(s.names, name)
	}
	s.leave(name)
	if v == nil {
		v = goja.Undefined()
	}
	s.put(name, v)
	return true
}

// Delete is goja.DynamicObject's.
func (s *scope) Delete(name string) bool {
	if s.Has(name) {
		s.leave(name)
		delete(s.values, name)
		s.names = slices.DeleteFunc(slices.Clone(s.names), func(n string) bool { return n == name })
	}
	return true
}

// Keys is goja.DynamicObject's.
func (s *scope) Keys() []string { return s.names }
