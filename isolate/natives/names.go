package natives

import "github.com/dop251/goja"

// The names of native functions.
//
// Where the call stack is full, the engine takes a stack trace and reads the property name
// of each native on the stack. A getter in script would be called there, for which there is
// no room, so the engine takes a stack trace and reads the name, until Go's own stack is full
// and the process ends. The same goes for a name that is an object, which is turned into a
// string. So the name of a native is a primitive value that cannot be assigned:
//
//   - nobody can define another one (namedSafely, and the natives that define properties);
//   - its prototypes have none. As a rule these are natives too and end with
//     Function.prototype, whose own name cannot be deleted (protoName). A native that gets
//     another prototype keeps the name that it has (pinName).
//
// Functions of scripts may have what they like: the engine does not ask those.

// isNative reports whether o is a function whose name the engine asks for, or a prototype
// of functions that has natives below it.
func (e *env) isNative(o *goja.Object) bool {
	if t := o.ExportType(); t == typeProxy || t == typeConstructor { // of a class
		return false
	}
	if _, ok := goja.AssertFunction(o); ok {
		return !e.jsCode(o)
	}
	return e.functionKind(o)
}

// functionKind reports whether o is the prototype of generators or of async functions. What
// bind makes of those inherits from it.
func (e *env) functionKind(o *goja.Object) bool {
	if intrinsics == nil {
		return false
	}
	for _, slot := range [...]string{"AsyncFunctionPrototype", "GeneratorFunctionPrototype"} {
		if intrinsics.slots[slot] != 0 && *intrinsics.slot(e.rt, slot) == o {
			return true
		}
	}
	return false
}

// behindProxies is the object that a property is defined on in the end, where no trap
// changes that; nil for what is no object, or behind a proxy that is revoked.
func (e *env) behindProxies(v goja.Value) *goja.Object {
	o, _ := v.(*goja.Object)
	for o != nil && o.ExportType() == typeProxy {
		e.poll()
		o = o.Export().(goja.Proxy).Target()
	}
	return o
}

func isNameKey(key goja.Value) bool {
	s, ok := key.(goja.String)
	return ok && s.Length() == len("name") && s.String() == "name"
}

// namedSafely is the arguments of a definition of one property, of which the key and the
// descriptor are read once where they may be a native's name. ok is false where it would call
// script to be read; it is never writable.
func (e *env) namedSafely(args []goja.Value) (safe []goja.Value, ok bool) {
	if len(args) < 3 {
		return args, true
	}
	key := args[1]
	if _, object := key.(*goja.Object); !object && !isNameKey(key) {
		return args, true
	}
	target := e.behindProxies(args[0])
	if target == nil || !e.isNative(target) {
		return args, true
	}
	d, object := args[2].(*goja.Object)
	if !object {
		return args, true
	}
	if key = e.toKey(key); !isNameKey(key) {
		return append([]goja.Value{args[0], key}, args[2:]...), true
	}
	plain := e.rt.CreateObject(nil)
	for _, field := range [...]string{"enumerable", "configurable", "value", "writable", "get", "set"} {
		name := asciiValue(field)
		if e.has(goja.FunctionCall{Arguments: []goja.Value{d, name}}).ToBoolean() {
			v := orUndefined(e.get(goja.FunctionCall{Arguments: []goja.Value{d, name}}))
			_, object := v.(*goja.Object)
			switch {
			case field == "get" || field == "set" || field == "value" && object:
				return nil, false
			case field == "writable":
				v = valFalse
			}
			e.createData(plain, name, v)
		}
	}
	return append([]goja.Value{args[0], key, plain}, args[3:]...), true
}

// definition is Object.defineProperty, refusing is what it does for a name that would
// call script.
func definition(refusing func(e *env) goja.Value) func(e *env, prev raw) raw {
	return func(e *env, prev raw) raw {
		define := touching(e, prev)
		return func(c goja.FunctionCall) goja.Value {
			args, ok := e.namedSafely(c.Arguments)
			if !ok {
				return refusing(e)
			}
			c.Arguments = args
			return define(c)
		}
	}
}

func refuseName(e *env) goja.Value {
	e.throwType("Cannot redefine property: name")
	return nil
}

// definitions is Object.defineProperties.
func definitions(e *env, prev raw) raw {
	define := touchingAll(e, prev)
	return func(c goja.FunctionCall) goja.Value {
		target := e.behindProxies(c.Argument(0))
		props, ok := c.Argument(1).(*goja.Object)
		if target == nil || !ok || !e.isNative(target) {
			return define(c)
		}
		// All are read before the first is defined, as the engine does.
		var list [][]goja.Value
		keys := e.ownKeys(goja.FunctionCall{Arguments: []goja.Value{props}}).(*goja.Object)
		for _, key := range e.values(keys, e.lengthOf(keys)) {
			at := goja.FunctionCall{Arguments: []goja.Value{props, key}}
			own, ok := e.ownDescriptor(at).(*goja.Object)
			if !ok || !own.Get("enumerable").ToBoolean() {
				continue
			}
			d, ok := e.get(at).(*goja.Object)
			if !ok {
				e.throwType("Property description must be an object: %s", e.describe(orUndefined(e.get(at))))
			}
			args, ok := e.namedSafely([]goja.Value{c.Argument(0), key, d})
			if !ok {
				return refuseName(e)
			}
			list = append(list, args)
		}
		for _, args := range list {
			if !e.defineProperty(goja.FunctionCall{Arguments: args}).ToBoolean() {
				e.throwType("Cannot redefine property: %s", args[1].String())
			}
		}
		return c.Argument(0)
	}
}

// pinName makes sure that a native that is about to inherit from proto has a name of its
// own for good.
func (e *env) pinName(v, proto goja.Value) {
	o := e.behindProxies(v)
	if o == nil || !e.isNative(o) {
		return
	}
	if p, ok := proto.(*goja.Object); ok && p != o.Prototype() {
		e.keepName(o, p)
	}
}

// keepName is pinName for a native that inherits from proto already.
func (e *env) keepName(o, proto *goja.Object) {
	if e.isNative(proto) {
		return // its name is safe, whatever becomes of its own prototype
	}
	at := goja.FunctionCall{Arguments: []goja.Value{o, asciiValue("name")}}
	name := goja.Value(emptyStr)
	if own, ok := e.ownDescriptor(at).(*goja.Object); ok {
		name = orUndefined(own.Get("value"))
	}
	// It fails for an object that takes no properties, which takes no prototype either.
	_ = o.DefineDataProperty("name", name, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
}

// protoName is the own name of Function.prototype, which nobody can delete.
func (e *env) protoName(own factory) goja.Value {
	p := own(e.rt)
	fixProperty(p)
	return p
}

// installProtoName is protoName for realms that have all from the beginning.
func (e *env) installProtoName() error {
	proto, err := e.object("Function.prototype")
	if err != nil {
		return err
	}
	return proto.DefineDataProperty("name", emptyStr, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
}
