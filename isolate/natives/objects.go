package natives

import "github.com/dop251/goja"

// ownKeysMethod guards a native that lists the keys of its arguments: one key
// takes about 48 bytes, also for each character of a string and each element of
// a typed array. n is how many arguments are listed, -1 for all but the first.
func ownKeysMethod(n int) func(e *env, prev raw) raw {
	return func(e *env, prev raw) raw {
		return func(call goja.FunctionCall) goja.Value {
			args := call.Arguments
			if n < 0 {
				args = args[min(1, len(args)):]
			} else {
				args = args[:min(n, len(args))]
			}
			for _, a := range args {
				e.needKeys(a)
			}
			return prev(call)
		}
	}
}

func (e *env) needKeys(v goja.Value) {
	n := 0
	switch x := v.(type) {
	case goja.String:
		n = x.Length()
	case *goja.Object:
		t := x.ExportType()
		switch {
		case t == nil || t == typeProxy:
		case isTyped(x):
			n = int(e.typedLength(x))
		case x.ClassName() == "String":
			n = int(e.lengthOf(x))
		case x.ClassName() == "Array":
			e.charge(min(e.lengthOf(x), int64(e.lim.MaxArrayLength)) * 48)
		}
	}
	if n > e.lim.MaxArrayLength/4 {
		e.throwArrayLength()
	}
	e.charge(int64(n) * 48)
}

// visibleKeys is ownKeysMethod for a native whose result is an array of own keys.
func visibleKeys(e *env, prev raw) raw {
	list := ownKeysMethod(1)(e, prev)
	return func(call goja.FunctionCall) goja.Value {
		keys := list(call)
		if o, ok := keys.(*goja.Object); ok {
			return e.withoutHidden(call.Argument(0), o)
		}
		return keys
	}
}

// touching makes the global that the first two arguments mean before prev looks
// at it or changes it; so a lazy global is a data property for everyone.
func touching(e *env, prev raw) raw {
	return func(call goja.FunctionCall) goja.Value {
		if len(e.lazy) > 0 && call.Argument(0) == e.rt.GlobalObject() {
			key := e.toKey(call.Argument(1))
			e.makeLazy(call.Argument(0), key)
			call.Arguments = append([]goja.Value(nil), call.Arguments...)
			if len(call.Arguments) > 1 {
				call.Arguments[1] = key // converted once
			}
		} else if k, ok := call.Argument(1).(goja.String); ok && k.String() == "stack" {
			e.showStack(call.Argument(0))
		}
		return prev(call)
	}
}

// touchingAll makes all lazy globals if the first argument is the global object.
func touchingAll(e *env, prev raw) raw {
	return func(call goja.FunctionCall) goja.Value {
		e.makeAllLazy(call.Argument(0))
		e.showStack(call.Argument(0))
		return prev(call)
	}
}

// descriptors is Object.getOwnPropertyDescriptors without hidden keys.
func descriptors(e *env, prev raw) raw {
	prev = ownKeysMethod(1)(e, touchingAll(e, prev))
	return func(call goja.FunctionCall) goja.Value {
		all := prev(call)
		if o, ok := all.(*goja.Object); ok {
			for s := range e.hidden {
				if o.GetSymbol(s) != nil {
					_ = o.DeleteSymbol(s) // a new ordinary object
				}
			}
			if e.hiddenGlobal != nil && call.Argument(0) == e.rt.GlobalObject() {
				_ = o.Delete(e.hiddenGlobal.String())
			}
		}
		return all
	}
}

var objectTable = table{path: "Object", funcs: []entry{
	{name: "keys", length: 1, make: ownKeysMethod(1)},
	{name: "values", length: 1, make: ownKeysMethod(1)},
	{name: "entries", length: 1, make: ownKeysMethod(1)},
	{name: "getOwnPropertyNames", length: 1, make: visibleKeys},
	{name: "getOwnPropertySymbols", length: 1, make: visibleKeys},
	{name: "getOwnPropertyDescriptor", length: 2, make: touching},
	{name: "getOwnPropertyDescriptors", length: 1, make: descriptors},
	{name: "defineProperty", length: 3, make: definition(refuseName)},
	{name: "defineProperties", length: 2, make: definitions},
	{name: "freeze", length: 1, make: touchingAll},
	{name: "seal", length: 1, make: touchingAll},
	{name: "assign", length: 2, make: ownKeysMethod(-1)},
	{name: "groupBy", length: 2, make: func(e *env, _ raw) raw { return e.objectGroupBy }},
}}

var objectProtoTable = table{path: "Object.prototype", funcs: []entry{
	{name: "__defineGetter__", length: 2, make: func(e *env, _ raw) raw {
		return func(c goja.FunctionCall) goja.Value { return e.legacyDefine(c, "__defineGetter__", "get") }
	}},
	{name: "__defineSetter__", length: 2, make: func(e *env, _ raw) raw {
		return func(c goja.FunctionCall) goja.Value { return e.legacyDefine(c, "__defineSetter__", "set") }
	}},
	{name: "__lookupGetter__", length: 1, make: func(e *env, _ raw) raw {
		return func(c goja.FunctionCall) goja.Value { return e.legacyLookup(c, "get") }
	}},
	{name: "__lookupSetter__", length: 1, make: func(e *env, _ raw) raw {
		return func(c goja.FunctionCall) goja.Value { return e.legacyLookup(c, "set") }
	}},
}}

func (e *env) legacyDefine(call goja.FunctionCall, name, field string) goja.Value {
	o := e.toObject(call.This, "")
	if _, ok := e.callable(call.Argument(1)); !ok {
		e.throwType("Object.prototype.%s: Expecting function", name)
	}
	d := e.rt.NewObject()
	for k, v := range map[string]goja.Value{field: call.Argument(1), "enumerable": valTrue, "configurable": valTrue} {
		if err := d.DefineDataProperty(k, v, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE); err != nil {
			panic(err)
		}
	}
	key := e.toKey(call.Argument(0))
	args, ok := e.namedSafely([]goja.Value{o, key, d})
	if !ok || !e.defineProperty(goja.FunctionCall{Arguments: args}).ToBoolean() {
		e.throwType("Cannot redefine property: %s", key.String())
	}
	return undefined
}

// toKey is ToPropertyKey.
func (e *env) toKey(v goja.Value) goja.Value {
	if o, ok := v.(*goja.Object); ok {
		v = o.ToString()
	}
	if s, ok := v.(*goja.Symbol); ok {
		return s
	}
	return e.toStr(v)
}

func (e *env) legacyLookup(call goja.FunctionCall, field string) goja.Value {
	o := e.toObject(call.This, "")
	key := e.toKey(call.Argument(0))
	for o != nil {
		e.poll()
		e.makeLazy(o, key)
		d := e.ownDescriptor(goja.FunctionCall{Arguments: []goja.Value{o, key}})
		if d, ok := d.(*goja.Object); ok {
			return orUndefined(d.Get(field))
		}
		o = o.Prototype()
	}
	return undefined
}

// groupBy calls add with the key and value of each element of an iterable.
func (e *env) groupBy(call goja.FunctionCall, add func(key, v goja.Value)) {
	items := call.Argument(0)
	if isNullish(items) {
		e.throwType("%s is not iterable", items.String())
	}
	f := e.needCallable(call.Argument(1))
	method, ok := e.iteratorMethod(items)
	if !ok || method == nil {
		e.throwType("%s is not iterable", e.describe(items))
	}
	i := int64(0)
	e.iterate(items, method, func(v goja.Value) {
		if i >= int64(e.lim.MaxArrayLength) {
			e.throwArrayLength()
		}
		add(orUndefined(f(goja.FunctionCall{This: undefined, Arguments: []goja.Value{v, e.key(i)}})), v)
		i++
	})
}

func (e *env) objectGroupBy(call goja.FunctionCall) goja.Value {
	type group struct {
		key  goja.Value
		vals []goja.Value
	}
	var groups []*group
	index := map[any]*group{}
	e.groupBy(call, func(k, v goja.Value) {
		key := e.toKey(k)
		var id any = key
		if s, ok := key.(goja.String); ok {
			id = wtf8(s)
		}
		g := index[id]
		if g == nil {
			g = &group{key: key}
			index[id] = g
			groups = append(groups, g)
		}
		g.vals = append(g.vals, v)
	})
	o := e.rt.CreateObject(nil)
	for _, g := range groups {
		e.createData(o, g.key, e.list(g.vals))
	}
	return o
}
