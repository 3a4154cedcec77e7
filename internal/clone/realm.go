package clone

import (
	"errors"
	"fmt"

	"github.com/dop251/goja"
	"github.com/dop251/goja/unistring"
)

// realm is what this package keeps per runtime: the intrinsics as they were before scripts could replace them.
type realm struct {
	rt    *goja.Runtime
	eng   *engine
	depth int // of all clones under way, so that getters that clone again share one limit

	recent recentKeys

	objectProto, functionProto *goja.Object

	ownKeys, ownDescriptor, hasOwn, defineProperty goja.Callable // of Object, Reflect where it returns a boolean
	reflectGet, apply, toString                    goja.Callable // Reflect.get, Reflect.apply, Function.prototype.toString
	objectToString                                 goja.Value    // Object.prototype.toString
	errorToString                                  goja.Value    // Error.prototype.toString

	mapCtor, setCtor, dateCtor, regExpCtor           goja.Value
	mapSet, mapForEach, setAdd, setForEach           goja.Callable
	stringValue                                      goja.Callable // String.prototype.valueOf
	regExpSource                                     goja.Callable
	regExpFlag                                       [len(regExpFlags)]goja.Callable // nil where goja has no such flag
	typedBuffer, typedOffset, typedLength, typedName goja.Callable
	dataViewBuffer, dataViewOffset, dataViewLength   goja.Callable
	viewCtors                                        [len(viewKinds)]goja.Value // nil where goja has no such kind
	errorCtors                                       map[byte]goja.Value        // by error tag; 0 is Error

	sink   []goja.Value // what collect gathers
	sinkFn goja.Value
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
	return newRealm(rt, eng)
}

func newRealm(rt *goja.Runtime, eng *engine) (*realm, error) {
	rm := &realm{rt: rt, eng: eng}
	err := rm.protect(rm.capture)
	if err != nil {
		return nil, fmt.Errorf("clone: capture intrinsics: %w", err)
	}
	no := goja.FLAG_FALSE
	if err := rt.GlobalObject().DefineDataPropertySymbol(realmKey, rt.ToValue(&realmBox{rm}), no, no, no); err != nil {
		return nil, fmt.Errorf("clone: attach to the runtime: %w", err)
	}
	return rm, nil
}

func (rm *realm) capture() error {
	rt := rm.rt
	var errs []error
	missing := func(what string) { errs = append(errs, errors.New(what+" is missing or replaced")) }
	global := func(name string) *goja.Object {
		o, ok := rt.GlobalObject().Get(name).(*goja.Object)
		if !ok {
			missing(name)
			return rt.NewObject()
		}
		return o
	}
	proto := func(name string) *goja.Object {
		o, ok := global(name).Get("prototype").(*goja.Object)
		if !ok {
			missing(name + ".prototype")
			return rt.NewObject()
		}
		return o
	}
	method := func(o *goja.Object, name string) goja.Callable {
		f, ok := goja.AssertFunction(o.Get(name))
		if !ok {
			missing(name)
		}
		return f
	}

	object, reflect := global("Object"), global("Reflect")
	rm.objectProto = rt.NewObject().Prototype()
	rm.functionProto = proto("Function")
	rm.ownKeys = method(object, "keys")
	rm.ownDescriptor = method(reflect, "getOwnPropertyDescriptor")
	rm.hasOwn = method(rm.objectProto, "hasOwnProperty")
	rm.defineProperty = method(reflect, "defineProperty")
	rm.reflectGet = method(reflect, "get")
	rm.apply = method(reflect, "apply")
	rm.toString = method(rm.functionProto, "toString")
	rm.objectToString = rm.objectProto.Get("toString")
	rm.errorToString = proto("Error").Get("toString")
	if len(errs) > 0 {
		return errors.Join(errs...)
	}

	getterOf := func(o *goja.Object, key goja.Value) (goja.Callable, error) {
		d, err := rm.ownDescriptor(goja.Undefined(), o, key)
		if err != nil {
			return nil, err
		}
		if d, ok := d.(*goja.Object); ok {
			if f, ok := goja.AssertFunction(d.Get("get")); ok {
				return f, nil
			}
		}
		return nil, nil
	}
	getter := func(o *goja.Object, key goja.Value) goja.Callable {
		f, err := getterOf(o, key)
		if err != nil {
			errs = append(errs, err)
		} else if f == nil {
			missing(key.String())
		}
		return f
	}

	rm.mapCtor, rm.setCtor, rm.dateCtor, rm.regExpCtor = global("Map"), global("Set"), global("Date"), global("RegExp")
	rm.mapSet, rm.mapForEach = method(proto("Map"), "set"), method(proto("Map"), "forEach")
	rm.setAdd, rm.setForEach = method(proto("Set"), "add"), method(proto("Set"), "forEach")
	rm.stringValue = method(proto("String"), "valueOf")
	regExpProto := proto("RegExp")
	rm.regExpSource = getter(regExpProto, rt.ToValue("source"))
	for i, flag := range regExpFlags {
		f, err := getterOf(regExpProto, rt.ToValue(flag.name))
		if err != nil {
			errs = append(errs, err)
		}
		rm.regExpFlag[i] = f
	}
	if typed := proto("Uint8Array").Prototype(); typed == nil {
		missing("%TypedArray%.prototype")
	} else {
		rm.typedBuffer = getter(typed, rt.ToValue("buffer"))
		rm.typedOffset = getter(typed, rt.ToValue("byteOffset"))
		rm.typedLength = getter(typed, rt.ToValue("byteLength"))
		rm.typedName = getter(typed, goja.SymToStringTag)
	}
	dataView := proto("DataView")
	rm.dataViewBuffer = getter(dataView, rt.ToValue("buffer"))
	rm.dataViewOffset = getter(dataView, rt.ToValue("byteOffset"))
	rm.dataViewLength = getter(dataView, rt.ToValue("byteLength"))
	for i, view := range viewKinds {
		if view.name == halfArray { // made when it is first read, which costs
			continue
		}
		if ctor, ok := rt.GlobalObject().Get(view.name).(*goja.Object); ok {
			rm.viewCtors[i] = ctor
		}
	}
	rm.errorCtors = map[byte]goja.Value{
		0: global("Error"), errorEval: global("EvalError"), errorRange: global("RangeError"),
		errorReference: global("ReferenceError"), errorSyntax: global("SyntaxError"), errorType: global("TypeError"),
		errorURI: global("URIError"),
	}
	rm.sinkFn = rt.ToValue(func(call goja.FunctionCall) goja.Value {
		rm.sink = append(rm.sink, call.Arguments...)
		return goja.Undefined()
	})
	return errors.Join(errs...)
}

// collect runs f, which passes values to sinkFn and runs no script, and returns the values.
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
		_, err = rm.apply(goja.Undefined(), rm.sinkFn, goja.Undefined(), keys)
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
