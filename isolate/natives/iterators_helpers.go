package natives

import (
	"fmt"

	"github.com/dop251/goja"
)

// iteratorKit is the program of iterators_glue.go in one realm.
type iteratorKit struct {
	proto        *goja.Object // %Iterator.prototype%
	methods      []raw
	from, concat raw
}

// installIteratorHelpers puts the methods on the prototype of all iterators. They are
// small; the program behind them runs when one is called.
func (e *env) installIteratorHelpers() error {
	proto, err := e.iteratorPrototype()
	if err != nil {
		return err
	}
	e.kit().proto = proto
	entries := make([]entry, len(iteratorHelpers))
	for i, h := range iteratorHelpers {
		entries[i] = entry{name: h.name, length: h.length, make: func(e *env, _ raw) raw {
			return func(c goja.FunctionCall) goja.Value {
				return e.iteratorHelper(i)(goja.FunctionCall{This: undefined, Arguments: []goja.Value{c.This, e.list(c.Arguments)}})
			}
		}}
	}
	return e.installOn(proto, table{path: "Iterator.prototype", funcs: entries})
}

// kit is the realm's, with the prototype.
func (e *env) kit() *iteratorKit {
	if e.iterators == nil {
		e.iterators = &iteratorKit{}
	}
	if e.iterators.proto == nil {
		e.prepare(partIterator)
	}
	return e.iterators
}

// iteratorPrototype is what the iterators of arrays inherit from at one remove.
func (e *env) iteratorPrototype() (*goja.Object, error) {
	if proto := e.slotted("IteratorPrototype"); proto != nil {
		return proto, nil
	}
	list := e.rt.NewArray()
	f, ok := e.callable(list.GetSymbol(goja.SymIterator))
	if !ok {
		return nil, fmt.Errorf("install natives: arrays have no iterator")
	}
	it, ok := f(goja.FunctionCall{This: list}).(*goja.Object)
	if !ok || it.Prototype() == nil || it.Prototype().Prototype() == nil {
		return nil, fmt.Errorf("install natives: the iterators of arrays have no prototype")
	}
	return it.Prototype().Prototype(), nil
}

func (e *env) iteratorHelper(n int) raw {
	e.startIterators()
	return e.iterators.methods[n]
}

// startIterators runs the program, once.
func (e *env) startIterators() {
	k := e.kit()
	if k.methods != nil {
		return
	}
	v, err := e.rt.RunProgram(iteratorProgram())
	if err != nil {
		panic(err)
	}
	made := e.needCallable(v)(goja.FunctionCall{This: undefined, Arguments: e.glue(k)}).(*goja.Object)
	list := made.Get("methods").(*goja.Object)
	for i := range iteratorHelpers {
		k.methods = append(k.methods, e.needCallable(list.Get(fmt.Sprint(i))))
	}
	k.from, k.concat = e.needCallable(made.Get("from")), e.needCallable(made.Get("concat"))
}

// glue are the arguments of the program.
func (e *env) glue(k *iteratorKit) []goja.Value {
	helper := func(f raw) goja.Value { return e.rt.ToValue(e.guard(f)) }
	class := func(path string) *goja.Object {
		o, err := e.object(path)
		if err != nil {
			panic(e.rt.NewGoError(err))
		}
		return o
	}
	return []goja.Value{
		helper(func(c goja.FunctionCall) goja.Value {
			args, ok := c.Argument(2).(*goja.Object)
			if !ok {
				return e.needCallable(c.Argument(0))(goja.FunctionCall{This: c.Argument(1)})
			}
			return orUndefined(e.needCallable(c.Argument(0))(goja.FunctionCall{This: c.Argument(1), Arguments: e.view(args)}))
		}),
		helper(func(c goja.FunctionCall) goja.Value { return e.rt.CreateObject(c.Argument(0).(*goja.Object)) }),
		helper(func(c goja.FunctionCall) goja.Value { // a member, or the tag where it has no name
			o := c.Argument(0).(*goja.Object)
			var err error
			if c.Argument(1) == undefined {
				err = o.DefineDataPropertySymbol(goja.SymToStringTag, c.Argument(2), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
			} else {
				err = o.DefineDataProperty(c.Argument(1).String(), c.Argument(2), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
			}
			if err != nil {
				panic(e.rt.NewGoError(err))
			}
			return undefined
		}),
		goja.SymIterator, k.proto, class("TypeError"), class("RangeError"),
		helper(func(c goja.FunctionCall) goja.Value {
			_, ok := goja.AssertFunction(c.Argument(0))
			return e.rt.ToValue(ok)
		}),
		helper(func(c goja.FunctionCall) goja.Value {
			e.createIdx(c.Argument(0).(*goja.Object), c.Argument(1).ToInteger(), c.Argument(2))
			return undefined
		}),
		helper(func(c goja.FunctionCall) goja.Value { return e.rt.ToValue(e.describe(c.Argument(0))) }),
		helper(func(c goja.FunctionCall) goja.Value {
			if p := c.Argument(0).(*goja.Object).Prototype(); p != nil {
				return p
			}
			return null
		}),
	}
}

// makeIterator builds the global Iterator.
func (e *env) makeIterator() goja.Value {
	proto := e.kit().proto
	var ctor *goja.Object
	ctor = e.rt.ToValue(func(c goja.ConstructorCall) *goja.Object {
		if c.NewTarget == nil || c.NewTarget == ctor {
			e.throwType("Abstract class Iterator not directly constructable")
		}
		if p, ok := c.NewTarget.Get("prototype").(*goja.Object); ok {
			if err := c.This.SetPrototype(p); err != nil {
				panic(e.rt.NewGoError(err))
			}
		}
		return nil
	}).(*goja.Object)
	must := func(err error) {
		if err != nil {
			panic(e.rt.NewGoError(err))
		}
	}
	must(e.nameFunc(ctor, "Iterator", 0))
	must(ctor.DefineDataProperty("prototype", proto, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE))
	must(e.defineMethods(ctor, "Iterator",
		entry{name: "from", length: 1, make: func(e *env, _ raw) raw {
			return func(c goja.FunctionCall) goja.Value {
				e.startIterators()
				return e.iterators.from(goja.FunctionCall{This: undefined, Arguments: []goja.Value{c.Argument(0)}})
			}
		}},
		entry{name: "concat", length: 0, make: func(e *env, _ raw) raw {
			return func(c goja.FunctionCall) goja.Value {
				e.startIterators()
				return e.iterators.concat(goja.FunctionCall{This: undefined, Arguments: []goja.Value{e.list(c.Arguments)}})
			}
		}},
	))
	must(proto.DefineDataProperty("constructor", ctor, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE))
	must(proto.DefineDataPropertySymbol(goja.SymToStringTag, asciiValue("Iterator"), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE))
	return ctor
}
