package natives

import "github.com/dop251/goja"

var arrayStaticTable = table{path: "Array", funcs: []entry{
	{name: "from", length: 1, make: arrayFrom},
}}

// arrayFrom hands sources whose size memory already bounds to goja.
func arrayFrom(e *env, prev raw) raw {
	return func(call goja.FunctionCall) goja.Value {
		items := call.Argument(0)
		switch x := items.(type) {
		case goja.String:
			if int64(x.Length()) <= e.small() {
				return prev(call)
			}
		case *goja.Object:
			if x.ExportType() == typeProxy {
				break
			}
			switch x.ClassName() {
			case "Array":
				if e.lengthOf(x) <= e.small() {
					return prev(call)
				}
			case "Map", "Set":
				return prev(call)
			}
		}
		return e.arrayFrom(call)
	}
}

func (e *env) arrayFrom(call goja.FunctionCall) goja.Value {
	items := call.Argument(0)
	var mapFn raw
	if f := call.Argument(1); f != undefined {
		mapFn = e.needCallable(f)
	}
	if isNullish(items) {
		what := "undefined"
		if items == null {
			what = "object null"
		}
		e.throwType("%s is not iterable (cannot read property Symbol(Symbol.iterator))", what)
	}
	this := call.Argument(2)
	ctor := e.constructorOf(call.This)
	mapped := func(v goja.Value, i int64) goja.Value {
		if mapFn == nil {
			return v
		}
		return orUndefined(mapFn(goja.FunctionCall{This: this, Arguments: []goja.Value{v, e.key(i)}}))
	}
	method, ok := e.iteratorMethod(items)
	if !ok {
		e.throwType("%%Array%%.from requires that the property of the first argument, items[Symbol.iterator], when exists, be a function")
	}
	if method != nil {
		var a *goja.Object
		if ctor != nil {
			a = e.new(ctor)
		}
		c := collect{e: e}
		i := int64(0)
		e.iterate(items, method, func(v goja.Value) {
			v = mapped(v, i)
			if a == nil {
				c.add(v)
			} else {
				e.put(a, i, v)
			}
			i++
		})
		if a == nil {
			return e.rt.NewArray(c.vals...)
		}
		e.setLength(a, i)
		return a
	}
	o := items.ToObject(e.rt)
	n := e.lengthOf(o)
	var a *goja.Object
	if ctor != nil {
		a = e.new(ctor, e.rt.ToValue(n))
	} else {
		e.needCopy(n)
	}
	c := collect{e: e}
	for i := int64(0); i < n; i++ {
		e.poll()
		v := mapped(orUndefined(e.getIdx(o, i)), i)
		if a == nil {
			c.add(v)
		} else {
			e.put(a, i, v)
		}
	}
	if a == nil {
		return e.rt.NewArray(c.vals...)
	}
	e.setLength(a, n)
	return a
}

// constructorOf returns the receiver of a static method when it is a
// constructor other than Array itself.
func (e *env) constructorOf(this goja.Value) *goja.Object {
	o, ok := this.(*goja.Object)
	if !ok || o == e.arrayCtor {
		return nil
	}
	if _, ok := goja.AssertConstructor(o); !ok {
		return nil
	}
	return o
}
