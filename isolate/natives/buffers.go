package natives

import (
	"fmt"
	"reflect"

	"github.com/dop251/goja"
)

// The buffer classes keep goja's constructors; each global becomes a Proxy with
// a trap in front of construct. That keeps new.target, subclassing and the
// statics exact, and costs a third of a second constructor.

// wrapClass replaces a global class, and its prototype's constructor, by a proxy.
func (e *env) wrapClass(name string, traps *goja.ProxyTrapConfig) error {
	target, err := e.object(name)
	if err != nil {
		return err
	}
	p := e.rt.ToValue(e.rt.NewProxy(target, traps)).(*goja.Object)
	if err = e.replace(name, p); err == nil && !(e.inParts && templates[name+".prototype"] != nil) { // else the template knows
		if proto, ok := target.Get("prototype").(*goja.Object); ok {
			err = proto.DefineDataProperty("constructor", p, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
		}
	}
	if err != nil {
		return fmt.Errorf("install natives: %s: %w", name, err)
	}
	return nil
}

// classSymbol reads a symbol property of a wrapped class. goja's instanceof does
// not know proxies, and the species getter must see the proxy.
func (e *env) classSymbol(target *goja.Object, sym *goja.Symbol, receiver goja.Value) goja.Value {
	switch sym {
	case goja.SymHasInstance:
		if e.hasInstance == nil {
			hasInstance, err := e.newFunc("[Symbol.hasInstance]", 1, e.ordinaryHasInstance)
			if err != nil {
				panic(e.rt.NewGoError(err))
			}
			e.hasInstance = hasInstance
		}
		return e.hasInstance
	case goja.SymSpecies:
		if target.GetSymbol(sym) != nil {
			return receiver
		}
		return undefined
	}
	return orUndefined(target.GetSymbol(sym))
}

// ordinaryHasInstance is Function.prototype[Symbol.hasInstance].
func (e *env) ordinaryHasInstance(call goja.FunctionCall) goja.Value {
	class, ok := call.This.(*goja.Object)
	if !ok {
		return valFalse
	}
	if _, ok := goja.AssertFunction(class); !ok {
		return valFalse
	}
	o, ok := call.Argument(0).(*goja.Object)
	if !ok {
		return valFalse
	}
	proto, ok := class.Get("prototype").(*goja.Object)
	if !ok {
		e.throwType("Function has non-object prototype '%s' in instanceof check", orUndefined(class.Get("prototype")))
	}
	for o = o.Prototype(); o != nil; o = o.Prototype() {
		e.poll()
		if o == proto {
			return valTrue
		}
	}
	return valFalse
}

// guarded is guard for a call that is not a native of its own.
func (e *env) guarded(f func() goja.Value) goja.Value {
	defer e.leave()
	e.enter()
	return f()
}

var elementSize = map[string]int64{
	"Uint8Array": 1, "Int8Array": 1, "Uint8ClampedArray": 1, "Int16Array": 2, "Uint16Array": 2, "Int32Array": 4,
	"Uint32Array": 4, "Float32Array": 4, "Float64Array": 8, "BigInt64Array": 8, "BigUint64Array": 8,
}

func (e *env) installArrayBuffer() error {
	return e.wrapClass("ArrayBuffer", &goja.ProxyTrapConfig{
		GetSym: e.classSymbol,
		Construct: func(target *goja.Object, args []goja.Value, newTarget *goja.Object) *goja.Object {
			return e.guarded(func() goja.Value {
				if len(args) > 0 {
					n := e.toIndex(args[0], "Array buffer allocation failed")
					if n > int64(e.lim.MaxBufferBytes) {
						e.throwRange("Array buffer allocation failed")
					}
					if most, ok := e.maxByteLength(args, n); ok {
						if most > int64(e.lim.MaxBufferBytes) {
							e.throwRange("Array buffer allocation failed")
						}
						e.charge(n)
						made := e.constructOriginal(target, "ArrayBuffer", []goja.Value{e.rt.ToValue(n)}, newTarget)
						e.makeResizable(made.(*goja.Object), int(most))
						return made
					}
					e.charge(n)
					args = []goja.Value{e.rt.ToValue(n)}
				}
				return e.constructOriginal(target, "ArrayBuffer", args, newTarget)
			}).(*goja.Object)
		},
	})
}

// wrapTyped wraps the class of one element type. One set of traps serves all: the target
// says which it is.
func (e *env) wrapTyped(name string) error {
	if e.typedTraps == nil {
		e.typedTraps = &goja.ProxyTrapConfig{Construct: e.constructTyped, GetSym: e.classSymbol}
	}
	return e.wrapClass(name, e.typedTraps)
}

var typedNames = []string{"Uint8Array", "Int8Array", "Uint8ClampedArray", "Int16Array", "Uint16Array", "Int32Array",
	"Uint32Array", "Float32Array", "Float64Array", "BigInt64Array", "BigUint64Array"}

// captureTyped takes the length getter of %TypedArray%.prototype, so that a
// script cannot shadow it.
func (e *env) captureTyped() raw {
	if get, _ := accessorsOf(e.ownProperty(TypedPath, "length")); get != nil {
		if f, ok := e.callable(get); ok {
			return f
		}
	}
	return func(c goja.FunctionCall) goja.Value { return e.rt.ToValue(e.lengthOf(c.This.ToObject(e.rt))) }
}

// typedLength is the length of a typed array; 0 for other objects.
func (e *env) typedLength(o *goja.Object) int64 {
	if !isTyped(o) {
		return 0
	}
	if e.typedLengthGetter == nil {
		e.typedLengthGetter = e.captureTyped()
	}
	return e.typedLengthGetter(goja.FunctionCall{This: o}).ToInteger()
}

// isTyped reports whether o is a typed array.
func isTyped(o *goja.Object) bool {
	t := o.ExportType()
	if t == nil || t.Kind() != reflect.Slice || o.ClassName() == "Array" {
		return false
	}
	k := t.Elem().Kind()
	return k >= reflect.Int8 && k <= reflect.Float64
}

func (e *env) toIndex(v goja.Value, msg string) int64 {
	n := toInteger(v)
	if n < 0 || n > maxSafe {
		e.throwRange("%s", msg)
	}
	return n
}

// constructOriginal runs goja's constructor; a plain `new Class` has the proxy as
// its target, which must not be constructed through again.
func (e *env) constructOriginal(target *goja.Object, name string, args []goja.Value, newTarget *goja.Object) goja.Value {
	if newTarget == nil {
		newTarget = target
	}
	return e.construct(goja.FunctionCall{Arguments: []goja.Value{target, e.list(args), newTarget}})
}

func (e *env) constructTyped(target *goja.Object, args []goja.Value, newTarget *goja.Object) *goja.Object {
	return e.guarded(func() goja.Value {
		name := target.Get("name").String()
		size := elementSize[name]
		need := func(n int64) {
			if n < 0 || n > int64(e.lim.MaxBufferBytes)/size {
				e.throwRange("Invalid typed array length: %d", n)
			}
			e.charge(n * size)
		}
		if len(args) == 0 {
			return e.constructOriginal(target, name, args, newTarget)
		}
		o, ok := args[0].(*goja.Object)
		if !ok {
			n := e.toIndex(args[0], "Invalid typed array length: "+args[0].String())
			need(n)
			return e.constructOriginal(target, name, []goja.Value{e.rt.ToValue(n)}, newTarget)
		}
		switch {
		case o.ExportType() == typeBuffer:
			made := e.constructOriginal(target, name, e.trackingArguments(o, args, size), newTarget)
			e.noteView(made.(*goja.Object), args)
			return made
		case isTyped(o):
			need(e.typedLength(o))
		case isPlainArray(o):
			n := e.lengthOf(o)
			need(n)
			e.needArray(n)
		default:
			args = []goja.Value{e.snapshot(o)}
			need(e.lengthOf(args[0].(*goja.Object)))
		}
		return e.constructOriginal(target, name, args, newTarget)
	}).(*goja.Object)
}

// snapshot reads an iterable or array-like into a new array.
func (e *env) snapshot(o *goja.Object) *goja.Object {
	method, ok := e.iteratorMethod(o)
	if !ok {
		e.throwType("Symbol.iterator is not a function")
	}
	if method == nil {
		n := e.lengthOf(o)
		if n > int64(e.lim.MaxArrayLength) {
			e.throwRange("Invalid typed array length: %d", n)
		}
		return e.list(e.values(o, n))
	}
	c := collect{e: e}
	e.iterate(o, method, c.add)
	return e.rt.NewArray(c.vals...)
}

// typedTable is %TypedArray%.prototype, which has no name of its own.
// TypedPath leads to it.
const TypedPath = "Uint8Array.prototype.__proto__"

var typedTable = table{path: TypedPath, funcs: []entry{
	{name: "join", length: 1, make: typedJoin},
	{name: "toLocaleString", length: 0, make: typedToLocaleString},
	{name: "sort", length: 1, make: typedSort},
}}

var typedStaticTable = table{path: "Uint8Array.__proto__", funcs: []entry{
	{name: "from", length: 1, make: func(e *env, prev raw) raw {
		return func(c goja.FunctionCall) goja.Value {
			switch src := c.Argument(0).(type) {
			case goja.String:
				e.needArray(int64(src.Length()))
				args := append([]goja.Value(nil), c.Arguments...)
				args[0] = e.snapshot(src.ToObject(e.rt)) // goja takes objects only
				c.Arguments = args
			case *goja.Object:
				switch {
				case isTyped(src):
				case isPlainArray(src):
					e.needArray(e.lengthOf(src))
				default:
					args := append([]goja.Value(nil), c.Arguments...)
					if f := c.Argument(1); f != undefined {
						e.needCallable(f)
					}
					args[0] = e.snapshot(src)
					c.Arguments = args
				}
			}
			return prev(c)
		}
	}},
}}

func typedJoin(e *env, prev raw) raw {
	return func(c goja.FunctionCall) goja.Value {
		o, ok := c.This.(*goja.Object)
		if !ok || !isTyped(o) {
			return prev(c)
		}
		n := e.typedLength(o)
		j := joiner{e: e, sep: commaStr}
		if s := c.Argument(0); s != undefined {
			j.sep = e.toStr(s)
		}
		if n == 0 {
			return emptyStr
		}
		if int64(j.sep.Length()) > int64(e.lim.MaxStringBytes)/n {
			e.throwStringLength()
		}
		const longestNumber = 26
		if n <= e.small() && n*(int64(j.sep.Length())+longestNumber) <= int64(e.lim.MaxStringBytes) {
			return prev(goja.FunctionCall{This: o, Arguments: []goja.Value{j.sep}})
		}
		for i := int64(0); i < n; i++ {
			e.poll()
			if i > 0 {
				j.write(j.sep)
			}
			if v := e.getIdx(o, i); !isNullish(v) {
				j.write(e.toStr(v))
			}
		}
		return j.b.String()
	}
}

func typedToLocaleString(e *env, prev raw) raw {
	return func(c goja.FunctionCall) goja.Value {
		if o, ok := c.This.(*goja.Object); ok && isTyped(o) {
			return arrayToLocaleString(e, o, c)
		}
		return prev(c)
	}
}
