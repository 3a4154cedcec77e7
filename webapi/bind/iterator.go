package bind

import (
	"github.com/dop251/goja"

	"workerd.local/isolate"
)

// Iterator is the kind of the iterators of one collection class, such as
// "URLSearchParams Iterator": they have a prototype of their own, which inherits
// from %IteratorPrototype%. Keep it in a package variable.
type Iterator struct{ class Class[iteration] }

type iteration struct {
	next func(js *isolate.JS) (v goja.Value, ok bool)
	open bool // see Open
}

// NewIterator returns the kind of iterators whose Symbol.toStringTag is name.
func NewIterator(name string) *Iterator {
	return &Iterator{Class[iteration]{
		Name:    name,
		Methods: map[string]Method[iteration]{"next": (*iteration).jsNext},
		Init:    initIterator,
	}}
}

// Of makes an iterator. next is called until it says !ok, in the turn and the
// frame of whoever asks; afterwards the iterator stays done.
func (i *Iterator) Of(js *isolate.JS, next func(js *isolate.JS) (v goja.Value, ok bool)) *goja.Object {
	return i.class.Wrap(js, &iteration{next: next})
}

// Open makes an iterator that is not done for good once next says !ok: it is asked
// again.
func (i *Iterator) Open(js *isolate.JS, next func(js *isolate.JS) (v goja.Value, ok bool)) *goja.Object {
	return i.class.Wrap(js, &iteration{next: next, open: true})
}

func (it *iteration) jsNext(c *Call) (any, error) {
	c.js.Library().Poll() // a spread asks for all of them in one step of the engine
	v, ok := goja.Undefined(), false
	if it.next != nil {
		if v, ok = it.next(c.js); !ok {
			v = goja.Undefined()
			if !it.open {
				it.next = nil
			}
		}
	}
	if !ok {
		return IteratorResult(c.js, nil), nil
	}
	return IteratorResult(c.js, v), nil
}

// IteratorResult is what next() of an iterator returns for a value; nil says that the
// iterator is done.
func IteratorResult(js *isolate.JS, v goja.Value) *goja.Object {
	rt := js.Runtime()
	done := v == nil
	if done {
		v = goja.Undefined()
	}
	result := rt.NewObject()
	must(result.DefineDataProperty("value", v, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE))
	must(result.DefineDataProperty("done", rt.ToValue(done), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE))
	return result
}

// IteratorPrototype is %IteratorPrototype%: the prototype of the prototype of every
// iterator of the engine.
func IteratorPrototype(js *isolate.JS) (*goja.Object, error) {
	array := js.Runtime().NewArray()
	values, err := js.Call(array.GetSymbol(goja.SymIterator), array)
	if err != nil {
		return nil, err
	}
	return values.(*goja.Object).Prototype().Prototype(), nil
}

// initIterator hangs the prototype under %IteratorPrototype%.
func initIterator(js *isolate.JS, _, proto *goja.Object) error {
	parent, err := IteratorPrototype(js)
	if err != nil {
		return err
	}
	if err := proto.SetPrototype(parent); err != nil {
		return err
	}
	return proto.Delete("constructor")
}
