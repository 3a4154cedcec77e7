package natives

import (
	"fmt"
	"weak"

	"github.com/dop251/goja"
)

// WeakRef holds a Go weak pointer. As ECMA-262 asks, a target that was made or
// seen through a WeakRef stays until the running job ends; a promise job that
// follows drops it. FinalizationRegistry checks its arguments and never calls
// back, which the specification allows.

// weakState is what this package knows of a WeakRef or FinalizationRegistry.
type weakState struct {
	ref    weak.Pointer[goja.Object]
	symbol *goja.Symbol // a target that is a symbol, which nothing collects
	tokens *goja.Object // FinalizationRegistry: WeakMap of unregister tokens
}

// weakTable keeps states by object, in a WeakMap so that they die with it.
type weakTable struct {
	e        *env
	states   *goja.Object
	get, put raw
	del      raw
	kept     []*goja.Object
}

func (e *env) weakStates() (*weakTable, error) {
	ctor, err := e.object("WeakMap")
	if err != nil {
		return nil, err
	}
	t := &weakTable{e: e}
	proto, _ := ctor.Get("prototype").(*goja.Object)
	if proto == nil {
		return nil, fmt.Errorf("install natives: WeakMap has no prototype")
	}
	for _, m := range []struct {
		name string
		to   *raw
	}{{"get", &t.get}, {"set", &t.put}, {"delete", &t.del}} {
		f, ok := e.callable(proto.Get(m.name))
		if !ok {
			return nil, fmt.Errorf("install natives: WeakMap.prototype.%s is not a function", m.name)
		}
		*m.to = f
	}
	if t.states, err = e.rt.New(ctor); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *weakTable) newMap() *goja.Object {
	ctor := t.e.rt.GlobalObject().Get("WeakMap").(*goja.Object)
	return t.e.new(ctor)
}

func (t *weakTable) store(o *goja.Object, s *weakState) {
	t.put(goja.FunctionCall{This: t.states, Arguments: []goja.Value{o, t.e.rt.ToValue(s)}})
}

func (t *weakTable) of(v goja.Value, class, method string) *weakState {
	if o, ok := v.(*goja.Object); ok {
		if h, ok := t.get(goja.FunctionCall{This: t.states, Arguments: []goja.Value{o}}).(*goja.Object); ok {
			if s, ok := h.Export().(*weakState); ok && (s.tokens != nil) == (class == "FinalizationRegistry") {
				return s
			}
		}
	}
	t.e.throwType("Method %s.prototype.%s called on incompatible receiver %s", class, method, t.e.describe(v))
	return nil
}

// keep holds o until the running job has ended.
func (t *weakTable) keep(o *goja.Object) {
	for _, k := range t.kept {
		if k == o {
			return
		}
	}
	t.kept = append(t.kept, o)
	if len(t.kept) > 1 {
		return
	}
	p, resolve, _ := t.e.rt.NewPromise()
	t.e.then(goja.FunctionCall{This: t.e.rt.ToValue(p), Arguments: []goja.Value{t.e.rt.ToValue(func(goja.FunctionCall) goja.Value {
		t.kept = nil
		return undefined
	})}})
	if err := resolve(nil); err != nil {
		panic(err)
	}
}

// weakable reports whether v may be held weakly.
func weakable(v goja.Value) bool {
	switch v.(type) {
	case *goja.Object, *goja.Symbol:
		return true
	}
	return false
}

// makeWeakRef builds the global WeakRef.
func (e *env) makeWeakRef(t *weakTable) (*goja.Object, error) {
	ctor, proto, err := e.newClass("WeakRef", 1, func(c goja.ConstructorCall) *goja.Object {
		target := c.Argument(0)
		if !weakable(target) {
			e.throwType("WeakRef: target must be an object")
		}
		s := &weakState{}
		switch x := target.(type) {
		case *goja.Object:
			s.ref = weak.Make(x)
			t.keep(x)
		case *goja.Symbol:
			s.symbol = x
		}
		t.store(c.This, s)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return ctor, e.defineMethods(proto, "WeakRef", entry{name: "deref", make: func(e *env, _ raw) raw {
		return func(c goja.FunctionCall) goja.Value {
			s := t.of(c.This, "WeakRef", "deref")
			if s.symbol != nil {
				return s.symbol
			}
			o := s.ref.Value()
			if o == nil {
				return undefined
			}
			t.keep(o)
			return o
		}
	}})
}

// makeRegistry builds the global FinalizationRegistry.
func (e *env) makeRegistry(t *weakTable) (*goja.Object, error) {
	const class = "FinalizationRegistry"
	ctor, proto, err := e.newClass(class, 1, func(c goja.ConstructorCall) *goja.Object {
		if _, ok := e.callable(c.Argument(0)); !ok {
			e.throwType("FinalizationRegistry: cleanup must be callable")
		}
		t.store(c.This, &weakState{tokens: t.newMap()})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return ctor, e.defineMethods(proto, class,
		entry{name: "register", length: 2, make: func(e *env, _ raw) raw {
			return func(c goja.FunctionCall) goja.Value {
				s := t.of(c.This, class, "register")
				target, token := c.Argument(0), c.Argument(2)
				if !weakable(target) {
					e.throwType("FinalizationRegistry.prototype.register: invalid target")
				}
				if target.SameAs(c.Argument(1)) {
					e.throwType("FinalizationRegistry.prototype.register: target and holdings must not be same")
				}
				if token != undefined && !weakable(token) {
					e.throwType("Invalid unregisterToken ('%s')", token)
				}
				if o, ok := token.(*goja.Object); ok {
					t.put(goja.FunctionCall{This: s.tokens, Arguments: []goja.Value{o, valTrue}})
				}
				return undefined
			}
		}},
		entry{name: "unregister", length: 1, make: func(e *env, _ raw) raw {
			return func(c goja.FunctionCall) goja.Value {
				s := t.of(c.This, class, "unregister")
				token := c.Argument(0)
				if !weakable(token) {
					e.throwType("Invalid unregisterToken ('%s')", token)
				}
				return t.del(goja.FunctionCall{This: s.tokens, Arguments: []goja.Value{token}})
			}
		}},
	)
}

// newClass makes a native class and returns its prototype too.
func (e *env) newClass(name string, length int, construct func(goja.ConstructorCall) *goja.Object) (ctor, proto *goja.Object, err error) {
	ctor = e.rt.ToValue(func(c goja.ConstructorCall) *goja.Object {
		defer e.leave()
		e.enter()
		return construct(c)
	}).(*goja.Object)
	if err = e.nameFunc(ctor, name, length); err != nil {
		return nil, nil, err
	}
	proto, ok := ctor.Get("prototype").(*goja.Object)
	if !ok {
		return nil, nil, fmt.Errorf("install natives: %s has no prototype", name)
	}
	err = proto.DefineDataPropertySymbol(goja.SymToStringTag, asciiValue(name), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	return ctor, proto, err
}

func (e *env) defineMethods(o *goja.Object, path string, methods ...entry) error {
	return e.installOn(o, table{path: path, funcs: methods})
}
