package natives

import (
	"fmt"

	"github.com/dop251/goja"
)

// DefineLazy defines an own property of the global object whose value is made
// when it is first needed. Scripts see a writable and configurable data property:
// until the value is made it is an accessor, which a read or a write replaces, and
// the natives that show descriptors make the value first. build may be called
// again after it has failed; its panic is what the script's read throws.
func (l *Library) DefineLazy(name string, enumerable bool, build func() goja.Value) error {
	return l.e.lazyGlobal(name, enumerable, build)
}

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
