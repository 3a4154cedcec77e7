package console

import (
	"strconv"

	"github.com/dop251/goja"

	"workerd.local/internal/limits"
	"workerd.local/isolate"
)

// engine is functions of the engine as they were at the first use, so that a
// script that replaces them is not asked.
type engine struct {
	ownKeys, getDescriptor                    goja.Value
	toISO, regexpText, funcText               goja.Value
	toNumber, parseInt, parseFloat, stringify goja.Value
	mapEntries, mapNext, mapSize              goja.Value
	setValues, setNext, setSize               goja.Value
	arrayLength                               goja.Value            // of typed arrays
	ofView                                    map[string]goja.Value // getters of DataView
	weak                                      map[string]goja.Value // has of WeakMap and WeakSet
	boxed                                     map[string]goja.Value // valueOf of the classes that box
	customInspect, toStringTag                *goja.Symbol
	constructor, name                         goja.Value // the keys
	errorClass                                *goja.Object
	objectProto, functionProto                *goja.Object
}

var intrinsics = isolate.NewSlot(func(js *isolate.JS) *engine {
	rt := js.Runtime()
	global := rt.GlobalObject()
	object := func(name string) *goja.Object { return global.Get(name).(*goja.Object) }
	proto := func(name string) *goja.Object { return object(name).Get("prototype").(*goja.Object) }
	e := &engine{
		ownKeys:       object("Reflect").Get("ownKeys"),
		getDescriptor: object("Object").Get("getOwnPropertyDescriptor"),
		toISO:         proto("Date").Get("toISOString"),
		regexpText:    proto("RegExp").Get("toString"),
		funcText:      proto("Function").Get("toString"),
		mapEntries:    proto("Map").Get("entries"),
		setValues:     proto("Set").Get("values"),
		toNumber:      global.Get("Number"),
		parseInt:      global.Get("parseInt"),
		parseFloat:    global.Get("parseFloat"),
		stringify:     object("JSON").Get("stringify"),
		weak:          map[string]goja.Value{"WeakMap": proto("WeakMap").Get("has"), "WeakSet": proto("WeakSet").Get("has")},
		boxed:         map[string]goja.Value{},
		toStringTag:   goja.SymToStringTag,
		constructor:   rt.ToValue("constructor"),
		name:          rt.ToValue("name"),
		errorClass:    object("Error"),
		objectProto:   proto("Object"),
		functionProto: proto("Function"),
	}
	for _, name := range []string{"Number", "String", "Boolean", "Symbol", "BigInt"} {
		e.boxed[name] = proto(name).Get("valueOf")
	}
	next := func(constructor string, method goja.Value) goja.Value {
		instance, err := js.Construct(object(constructor))
		if err != nil {
			return nil
		}
		it, err := js.Call(method, instance)
		if err != nil {
			return nil
		}
		return it.(*goja.Object).Get("next")
	}
	getter := func(proto *goja.Object, name string) goja.Value {
		if d := e.descriptor(js, proto, rt.ToValue(name)); d != nil {
			return d.get
		}
		return nil
	}
	e.mapSize, e.setSize = getter(proto("Map"), "size"), getter(proto("Set"), "size")
	e.arrayLength = getter(object("Uint8Array").Prototype().Get("prototype").(*goja.Object), "length")
	e.ofView = map[string]goja.Value{}
	for _, name := range viewAttributes {
		e.ofView[name] = getter(proto("DataView"), name)
	}
	e.mapNext, e.setNext = next("Map", e.mapEntries), next("Set", e.setValues)
	if v, err := js.Call(object("Symbol").Get("for"), object("Symbol"), rt.ToValue("nodejs.util.inspect.custom")); err == nil {
		e.customInspect, _ = v.(*goja.Symbol)
	}
	return e
})

var viewAttributes = []string{"byteLength", "byteOffset", "buffer"}

// descriptor is a property's.
type descriptor struct {
	value      goja.Value
	get, set   goja.Value
	enumerable bool
}

// descriptor reads an own property without calling anything of obj's, which is
// not a proxy; nil where there is none.
func (e *engine) descriptor(js *isolate.JS, obj *goja.Object, k goja.Value) *descriptor {
	v, err := js.Call(e.getDescriptor, nil, obj, k)
	if err != nil {
		return nil
	}
	o, ok := v.(*goja.Object)
	if !ok {
		return nil
	}
	own := func(name string) goja.Value {
		if f := o.Get(name); f != nil && !goja.IsUndefined(f) {
			return f
		}
		return nil
	}
	d := &descriptor{get: own("get"), set: own("set"), enumerable: o.Get("enumerable").ToBoolean()}
	if d.get == nil && d.set == nil {
		if d.value = o.Get("value"); d.value == nil {
			d.value = goja.Undefined()
		}
	}
	return d
}

// lookup finds a property along the prototypes, up to the first proxy.
func (e *engine) lookup(js *isolate.JS, obj *goja.Object, k goja.Value) (d *descriptor) {
	for o := obj; o != nil && o.ExportType() != proxyType; o = o.Prototype() {
		if d := e.descriptor(js, o, k); d != nil {
			return d
		}
	}
	return nil
}

// inherited is what lookup found from a prototype on. Objects of one class share
// it for the length of one print.
type inherited struct {
	from *goja.Object
	name string // of the property: one of those that are asked of every object
}

// lookup is engine.lookup for the properties that are asked of every object.
func (p *printer) lookup(obj *goja.Object, name string, k goja.Value) *descriptor {
	if d := p.in.descriptor(p.js, obj, k); d != nil {
		return d
	}
	proto := obj.Prototype()
	if proto == nil {
		return nil
	}
	at := inherited{proto, name}
	d, known := p.found[at]
	if !known {
		if p.found == nil {
			p.found = map[inherited]*descriptor{}
		}
		d = p.in.lookup(p.js, proto, k)
		p.found[at] = d
	}
	return d
}

// keys are the own properties that are enumerable, or all, without array indices below skip.
func (e *engine) keys(js *isolate.JS, obj *goja.Object, skip int, all bool) []key {
	v, err := js.Call(e.ownKeys, nil, obj)
	if err != nil {
		return nil
	}
	list := v.(*goja.Object)
	n := int(list.Get("length").ToInteger())
	var out []key
	for i := range n {
		k := list.Get(number(i))
		if _, ok := k.(*goja.Symbol); !ok && skip > 0 {
			if at, err := strconv.Atoi(k.String()); err == nil && at >= 0 && at < skip && number(at) == k.String() {
				continue
			}
		}
		if d := e.descriptor(js, obj, k); d != nil && (all || d.enumerable) {
			out = append(out, key{k})
		}
		if len(out) > limits.ConsoleValues.In(js.Bounds()) {
			break
		}
	}
	return out
}

// iterate calls step for the entries of a Map or a Set, until it says no.
func (e *engine) iterate(js *isolate.JS, obj *goja.Object, method, next goja.Value, step func(v goja.Value) bool) {
	it, err := js.Call(method, obj)
	if err != nil || next == nil {
		return
	}
	for {
		r, err := js.Call(next, it)
		if err != nil {
			return
		}
		result := r.(*goja.Object)
		if result.Get("done").ToBoolean() || !step(result.Get("value")) {
			return
		}
	}
}
