package clone

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dop251/goja"
	"github.com/dop251/goja/unistring"
)

// realm is what this package keeps per runtime: the intrinsics as they were before scripts could replace them.
type realm struct {
	rt    *goja.Runtime
	eng   *engine
	depth int // of all clones under way, so that getters that clone again share one limit

	recent recentKeys

	// pristine gives intrinsics by path, such as "Map.prototype.set", as they were before scripts could replace them;
	// nil where the runtime has none.
	pristine func(path string) goja.Value

	objectProto *goja.Object

	// Natives by what they are named after; each is looked up when it is first called.
	ownKeys, ownDescriptor, hasOwn, defineProperty goja.Callable // of Object, Reflect where it returns a boolean
	reflectGet, apply, toString                    goja.Callable // Reflect.get, Reflect.apply, Function.prototype.toString

	mapSet, mapForEach, setAdd, setForEach           goja.Callable
	stringValue                                      goja.Callable // String.prototype.valueOf
	regExpSource                                     goja.Callable
	regExpFlag                                       []goja.Callable // nil until the first is asked for; nil where goja has no such flag
	typedBuffer, typedOffset, typedLength, typedName goja.Callable
	dataViewBuffer, dataViewOffset, dataViewLength   goja.Callable

	sink   []goja.Value // what collect gathers
	sinkFn goja.Value   // see take
}

// realmKey holds the realm on the global object: not enumerable, not writable, and without anything a script can use.
var realmKey = goja.NewSymbol("workerd.clone")

// HiddenSymbols are the symbols of properties that this package adds to the global object. Scripts should not find them in any list.
func HiddenSymbols() []*goja.Symbol { return []*goja.Symbol{realmKey} }

type realmBox struct{ realm *realm }

// Prepare captures the intrinsics of rt. It must run before the first script does, or a script that replaces Map or
// Reflect.get changes what clones are made of; without it the first clone does the same.
func Prepare(rt *goja.Runtime) error {
	_, err := realmOf(rt)
	return err
}

// PrepareWith is Prepare for a runtime whose intrinsics pristine gives, by path and at any time, as they were before
// scripts could replace them. Where the runtime is prepared already it does nothing.
func PrepareWith(rt *goja.Runtime, pristine func(path string) goja.Value) error {
	if rt.GlobalObject().GetSymbol(realmKey) != nil {
		return nil
	}
	eng, err := theEngine()
	if err != nil {
		return err
	}
	_, err = newRealm(rt, eng, pristine)
	return err
}

func realmOf(rt *goja.Runtime) (*realm, error) {
	if o, ok := rt.GlobalObject().GetSymbol(realmKey).(*goja.Object); ok {
		if box, ok := o.Export().(*realmBox); ok && box.realm.rt == rt {
			return box.realm, nil
		}
	}
	eng, err := theEngine()
	if err != nil {
		return nil, err
	}
	captured, err := capture(rt)
	if err != nil {
		return nil, fmt.Errorf("clone: capture intrinsics: %w", err)
	}
	return newRealm(rt, eng, func(path string) goja.Value { return captured[path] })
}

func newRealm(rt *goja.Runtime, eng *engine, pristine func(path string) goja.Value) (*realm, error) {
	rm := &realm{rt: rt, eng: eng, pristine: pristine, objectProto: rt.NewObject().Prototype()}
	for _, c := range []struct {
		to   *goja.Callable
		path string
	}{
		{&rm.ownKeys, "Object.keys"}, {&rm.ownDescriptor, "Reflect.getOwnPropertyDescriptor"},
		{&rm.hasOwn, "Object.prototype.hasOwnProperty"}, {&rm.defineProperty, "Reflect.defineProperty"},
		{&rm.reflectGet, "Reflect.get"}, {&rm.apply, "Reflect.apply"}, {&rm.toString, "Function.prototype.toString"},
		{&rm.mapSet, "Map.prototype.set"}, {&rm.mapForEach, "Map.prototype.forEach"},
		{&rm.setAdd, "Set.prototype.add"}, {&rm.setForEach, "Set.prototype.forEach"},
		{&rm.stringValue, "String.prototype.valueOf"}, {&rm.regExpSource, "RegExp.prototype.get source"},
		{&rm.typedBuffer, typedProto + ".get buffer"}, {&rm.typedOffset, typedProto + ".get byteOffset"},
		{&rm.typedLength, typedProto + ".get byteLength"}, {&rm.typedName, typedProto + ".get " + tagName},
		{&rm.dataViewBuffer, "DataView.prototype.get buffer"}, {&rm.dataViewOffset, "DataView.prototype.get byteOffset"},
		{&rm.dataViewLength, "DataView.prototype.get byteLength"},
	} {
		*c.to = func(this goja.Value, args ...goja.Value) (goja.Value, error) {
			f, ok := goja.AssertFunction(pristine(c.path))
			if !ok {
				return nil, errors.New("clone: " + c.path + " is missing or replaced")
			}
			*c.to = f
			return f(this, args...)
		}
	}
	no := goja.FLAG_FALSE
	if err := rt.GlobalObject().DefineDataPropertySymbol(realmKey, rt.ToValue(&realmBox{rm}), no, no, no); err != nil {
		return nil, fmt.Errorf("clone: attach to the runtime: %w", err)
	}
	return rm, nil
}

// typedProto is the path of %TypedArray%.prototype, which has no name, and tagName the name of the accessor under
// Symbol.toStringTag there.
const (
	typedProto = "Uint8Array.prototype.__proto__"
	tagName    = "@@toStringTag"
)

// class is a global class; nil where the runtime has none.
func (rm *realm) class(name string) goja.Value {
	o, ok := rm.pristine(name).(*goja.Object)
	if !ok {
		return nil
	}
	return o
}

// flags are the accessors of the flags of expressions, in their order.
func (rm *realm) flags() []goja.Callable {
	if rm.regExpFlag == nil {
		rm.regExpFlag = make([]goja.Callable, len(regExpFlags))
		for i, flag := range regExpFlags {
			rm.regExpFlag[i], _ = goja.AssertFunction(rm.pristine("RegExp.prototype.get " + flag.name))
		}
	}
	return rm.regExpFlag
}

// errorClass is the class of an error by its tag.
func (rm *realm) errorClass(tag byte) goja.Value {
	name := "Error"
	switch tag {
	case errorEval:
		name = "EvalError"
	case errorRange:
		name = "RangeError"
	case errorReference:
		name = "ReferenceError"
	case errorSyntax:
		name = "SyntaxError"
	case errorType:
		name = "TypeError"
	case errorURI:
		name = "URIError"
	}
	return rm.class(name)
}

// capture is what pristine gives in a runtime of which nobody else knows: what it has now.
func capture(rt *goja.Runtime) (map[string]goja.Value, error) {
	captured := map[string]goja.Value{}
	var errs []error
	missing := func(what string) { errs = append(errs, errors.New(what+" is missing or replaced")) }
	object := func(path string) *goja.Object {
		o := rt.GlobalObject()
		for name := range strings.SplitSeq(path, ".") {
			next, ok := o.Get(name).(*goja.Object)
			if !ok {
				missing(path)
				return rt.CreateObject(nil)
			}
			o = next
		}
		return o
	}
	for _, c := range []struct{ path, names string }{
		{"Object", "keys"}, {"Reflect", "getOwnPropertyDescriptor defineProperty get apply"}, {"Object.prototype", "hasOwnProperty toString"},
		{"Function.prototype", "toString"}, {"Map.prototype", "set forEach"}, {"Set.prototype", "add forEach"}, {"String.prototype", "valueOf"},
	} {
		o := object(c.path)
		for name := range strings.FieldsSeq(c.names) {
			v := o.Get(name)
			if _, ok := goja.AssertFunction(v); !ok {
				missing(c.path + "." + name)
			}
			captured[c.path+"."+name] = v
		}
	}
	describe, ok := goja.AssertFunction(captured["Reflect.getOwnPropertyDescriptor"])
	if !ok {
		return nil, errors.Join(errs...)
	}
	getter := func(path string, o *goja.Object, name string, key goja.Value, needed bool) {
		d, err := describe(goja.Undefined(), o, key)
		if err != nil {
			errs = append(errs, err)
			return
		}
		if d, ok := d.(*goja.Object); ok {
			if _, ok := goja.AssertFunction(d.Get("get")); ok {
				captured[path+".get "+name] = d.Get("get")
				return
			}
		}
		if needed {
			missing(path + "." + name)
		}
	}
	for _, c := range []struct{ path, names string }{
		{"RegExp.prototype", "source"}, {"DataView.prototype", "buffer byteOffset byteLength"},
	} {
		for name := range strings.FieldsSeq(c.names) {
			getter(c.path, object(c.path), name, rt.ToValue(name), true)
		}
	}
	for _, flag := range regExpFlags {
		getter("RegExp.prototype", object("RegExp.prototype"), flag.name, rt.ToValue(flag.name), false)
	}
	if typed := object("Uint8Array.prototype").Prototype(); typed == nil {
		missing("%TypedArray%.prototype")
	} else {
		for name := range strings.FieldsSeq("buffer byteOffset byteLength") {
			getter(typedProto, typed, name, rt.ToValue(name), true)
		}
		getter(typedProto, typed, tagName, goja.SymToStringTag, true)
	}
	for name := range strings.FieldsSeq("Map Set Date RegExp Error EvalError RangeError ReferenceError SyntaxError TypeError URIError") {
		captured[name] = object(name)
	}
	for _, view := range viewKinds {
		if view.name == halfArray { // made when it is first read, which costs
			continue
		}
		if ctor, ok := rt.GlobalObject().Get(view.name).(*goja.Object); ok {
			captured[view.name] = ctor
		}
	}
	return captured, errors.Join(errs...)
}

// take returns the function that hands what it is given to collect.
func (rm *realm) take() goja.Value {
	if rm.sinkFn == nil {
		rm.sinkFn = rm.rt.ToValue(func(call goja.FunctionCall) goja.Value {
			rm.sink = append(rm.sink, call.Arguments...)
			return goja.Undefined()
		})
	}
	return rm.sinkFn
}

// collect runs f, which passes values to take and runs no script, and returns the values.
func (rm *realm) collect(f func() error) ([]goja.Value, error) {
	rm.sink = nil
	err := f()
	values := rm.sink
	rm.sink = nil
	return values, err
}

// keyValues returns Object.keys(o) as values, which keep lone surrogates.
func (rm *realm) keyValues(o *goja.Object) ([]goja.Value, error) {
	return rm.collect(func() error {
		keys, err := rm.ownKeys(goja.Undefined(), o)
		if err != nil {
			return err
		}
		_, err = rm.apply(goja.Undefined(), rm.take(), goja.Undefined(), keys)
		return err
	})
}

func (rm *realm) hasOwnProperty(o *goja.Object, key goja.Value) (bool, error) {
	v, err := rm.hasOwn(o, key)
	return err == nil && v.ToBoolean(), err
}

// ownData returns the value of an own data property without running a getter. Where the object cannot be read in place
// this takes a property descriptor, and a setter "value" on Object.prototype spoils goja's descriptors: then the property
// counts as missing.
func (rm *realm) ownData(o *goja.Object, key goja.Value) (goja.Value, bool, error) {
	if name, ok := key.(goja.String); ok {
		if v, isData, ok := rm.eng.ownData(o, unistring.NewFromString(name.String())); ok {
			return v, isData, nil
		}
	}
	d, err := rm.ownDescriptor(goja.Undefined(), o, key)
	if err != nil {
		return nil, false, err
	}
	desc, ok := d.(*goja.Object)
	if !ok {
		return nil, false, nil
	}
	if isData, err := rm.hasOwnProperty(desc, rm.rt.ToValue("value")); err != nil || !isData {
		return nil, false, err
	}
	return desc.Get("value"), true, nil
}
