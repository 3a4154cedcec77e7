package napa

import (
	"reflect"
	"strconv"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// undefinedPayload stands for undefined, for which JSON has no text.
const undefinedPayload = "undefined"

// whitelist are the built-in classes whose instances are transportable, by name.
var whitelist = map[string]bool{
	"ArrayBuffer": true, "SharedArrayBuffer": true, "Int8Array": true, "Uint8Array": true, "Int16Array": true, "Uint16Array": true,
	"Int32Array": true, "Uint32Array": true, "Float32Array": true, "Float64Array": true,
}

// transport is what a realm knows of transporting.
type transport struct {
	classes map[string]goja.Value // constructors, by constructor id

	stringify, parse, replacer, reviver goja.Value
	plain                               *goja.Object // Object.prototype
	isArray                             goja.Value

	carrier *carrier // of the journey that runs now

	functions map[string]goja.Value // loaded ones, by hash
	hashes    map[string]string     // by text
	toString  goja.Value
}

var transports = isolate.NewSlot(func(js *isolate.JS) *transport {
	l := js.Library()
	t := &transport{
		classes: map[string]goja.Value{}, functions: map[string]goja.Value{}, hashes: map[string]string{},
		stringify: l.Pristine("JSON.stringify"), parse: l.Pristine("JSON.parse"), isArray: l.Pristine("Array.isArray"),
		toString: l.Pristine("Function.prototype.toString"),
	}
	t.plain, _ = l.Pristine("Object.prototype").(*goja.Object)
	l.Hide(hashKey)
	return t
})

// marshal writes a value as a payload; undefined is undefinedPayload.
func marshal(js *isolate.JS, v goja.Value, k *carrier) (string, error) {
	switch {
	case v == nil || goja.IsUndefined(v):
		return undefinedPayload, nil
	case goja.IsNull(v):
		return "null", nil
	}
	obj, isObj := v.(*goja.Object)
	if !isObj {
		switch x := v.Export().(type) {
		case bool:
			return strconv.FormatBool(x), nil
		case int64:
			return strconv.FormatInt(x, 10), nil
		}
		return stringify(js, v, nil)
	}
	if _, ok := goja.AssertFunction(obj); ok {
		hash, err := saveFunction(js, obj, "")
		if err != nil {
			return "", err
		}
		return `{"_cid": "function", "hash": "` + hash + `"}`, nil
	}
	t := transports.Get(js)
	if t.replacer == nil {
		t.replacer = bind.NewFunction(js, "", 2, func(c *bind.Call) (any, error) { return transform(c.JS(), c.Arg(1), t.carrier) })
	}
	outer := t.carrier
	t.carrier = k
	defer func() { t.carrier = outer }()
	return stringify(js, v, t.replacer)
}

func stringify(js *isolate.JS, v, replacer goja.Value) (string, error) {
	t := transports.Get(js)
	if replacer == nil {
		replacer = goja.Undefined()
	}
	out, err := js.Call(t.stringify, nil, v, replacer)
	if err != nil {
		return "", err
	}
	if goja.IsUndefined(out) {
		return undefinedPayload, nil
	}
	return out.String(), nil
}

// transform makes of one value what JSON can write.
func transform(js *isolate.JS, v goja.Value, k *carrier) (goja.Value, error) {
	obj, ok := v.(*goja.Object)
	if !ok {
		return v, nil
	}
	t := transports.Get(js)
	if _, ok := goja.AssertFunction(obj); ok || t.array(js, obj) {
		return v, nil
	}
	name := t.className(obj)
	if name == "Object" {
		return v, nil
	}
	if w, ok := unwrapShareable(js, obj); ok {
		ctx, err := k.get("", name)
		if err != nil {
			return nil, err
		}
		return w.payload(js, ctx)
	}
	if hasMethod(obj, "cid") {
		if _, err := k.get("", name); err != nil {
			return nil, err
		}
		fn := obj.Get("marshall")
		if !isFunction(fn) {
			return nil, exception.TypeErrorf("Objects of the class %s have a cid, and marshall is not a function.", quoted(name))
		}
		return js.Call(fn, obj, k.script(js))
	}
	if !whitelist[name] {
		return nil, exception.Errorf("Object type %s is not transportable.", quoted(name))
	}
	o, err := saveBytes(js, obj, name)
	if err != nil {
		return nil, err
	}
	ctx, err := k.get("", "SharedPtrWrap")
	if err != nil {
		return nil, err
	}
	payload, err := (&wrap{kind: kindMemory, object: o}).payload(js, ctx)
	if err != nil {
		return nil, err
	}
	out := js.Runtime().NewObject()
	return out, out.Set("_serialized", payload)
}

func quoted(s string) string { return `"` + s + `"` }

// array is Array.isArray.
func (t *transport) array(js *isolate.JS, obj *goja.Object) bool {
	if obj.ExportType() != proxyType {
		return obj.ClassName() == "Array"
	}
	is, err := js.Call(t.isArray, nil, obj)
	if err != nil {
		js.Panic(err)
	}
	return is.ToBoolean()
}

var proxyType = reflect.TypeFor[goja.Proxy]()

// className is the name of the constructor that an object's prototype has; objects without a
// prototype are plain ones. It may run code of the script, and throws what that throws.
func (t *transport) className(obj *goja.Object) string {
	proto := obj.Prototype()
	if proto == nil || proto == t.plain {
		return "Object"
	}
	ctor, ok := proto.Get("constructor").(*goja.Object)
	if !ok {
		return ""
	}
	if name := ctor.Get("name"); name != nil {
		return name.String()
	}
	return ""
}

func hasMethod(obj *goja.Object, name string) bool {
	_, ok := goja.AssertFunction(obj.Get(name))
	return ok
}

// unmarshal reads a payload.
func unmarshal(js *isolate.JS, payload string, k *carrier) (goja.Value, error) {
	if payload == undefinedPayload {
		return goja.Undefined(), nil
	}
	rt := js.Runtime()
	if n, err := strconv.ParseInt(payload, 10, 32); err == nil && strconv.FormatInt(n, 10) == payload {
		return rt.ToValue(n), nil
	}
	t := transports.Get(js)
	if !mayNameObjects(payload) {
		return js.Call(t.parse, nil, rt.ToValue(payload))
	}
	if t.reviver == nil {
		t.reviver = bind.NewFunction(js, "", 2, func(c *bind.Call) (any, error) { return revive(c.JS(), c.Arg(1), t.carrier) })
	}
	outer := t.carrier
	t.carrier = k
	defer func() { t.carrier = outer }()
	return js.Call(t.parse, nil, rt.ToValue(payload), t.reviver)
}

// mayNameObjects reports whether a payload can have a member that names a class or memory.
// Names can be written with escapes, too.
func mayNameObjects(payload string) bool {
	for i := 0; i+1 < len(payload); i++ {
		switch payload[i] {
		case '\\':
			if payload[i+1] == 'u' {
				return true
			}
			i++
		case '_':
			if c := payload[i+1]; c == 'c' || c == 's' {
				return true
			}
		}
	}
	return false
}

// revive makes of one value of a payload, whose inner values are made already, what it
// stands for.
func revive(js *isolate.JS, v goja.Value, k *carrier) (goja.Value, error) {
	obj, ok := v.(*goja.Object)
	if !ok {
		return v, nil
	}
	if cid := obj.Get("_cid"); cid != nil && !goja.IsUndefined(cid) {
		return reviveObject(js, obj, cid.String(), k)
	}
	if hasOwn(obj, "_serialized") {
		w, ok := unwrapShareable(js, obj.Get("_serialized"))
		if !ok || w.object == nil {
			return nil, exception.TypeErrorf("Failed to deserialize: the payload's memory is not in the transport context.")
		}
		return loadBytes(js, w.object)
	}
	return v, nil
}

func reviveObject(js *isolate.JS, payload *goja.Object, cid string, k *carrier) (goja.Value, error) {
	if cid == "function" {
		hash := payload.Get("hash")
		if hash == nil {
			hash = goja.Undefined()
		}
		return loadFunction(js, hash.String())
	}
	ctx, err := k.get("with cid ", cid)
	if err != nil {
		return nil, err
	}
	if wrapClass(kind(cid)) != nil {
		h, ok := handleOf(js, payload.Get("handle"))
		if !ok {
			return nil, exception.TypeErrorf("Unable to cast \"handle\" to pointer. Please check if it's in valid handle format.")
		}
		o := ctx.load(h)
		if o != nil && o.kind != kind(cid) {
			return nil, exception.TypeErrorf("The handle is that of %s, not of %s.", o.kind, cid)
		}
		return newWrap(js, kind(cid), o)
	}
	class := transports.Get(js).classes[cid]
	if class == nil {
		return nil, exception.Errorf("Unrecognized Constructor ID (cid) %s. Please ensure @cid is applied on the class or transport.register is called on the class.", quoted(cid))
	}
	obj, err := js.Construct(class)
	if err != nil {
		return nil, err
	}
	fn := obj.Get("unmarshall")
	if !isFunction(fn) {
		return nil, exception.TypeErrorf("Objects of the class with cid %s have no function unmarshall.", quoted(cid))
	}
	_, err = js.Call(fn, obj, payload, k.script(js))
	return obj, err
}

func hasOwn(obj *goja.Object, name string) bool {
	for _, k := range obj.GetOwnPropertyNames() {
		if k == name {
			return true
		}
	}
	return false
}

// longestPath is how deep isTransportable looks: what is deeper, JSON does not write.
func longestPath(js *isolate.JS) int { return js.Isolate().Limits().JSONDepth }

// transportable tells whether a value can go to another thread. What contains itself cannot.
func (t *transport) transportable(js *isolate.JS, v goja.Value, path map[*goja.Object]bool) bool {
	obj, ok := v.(*goja.Object)
	if !ok {
		return true
	}
	if _, ok := goja.AssertFunction(obj); ok {
		return true
	}
	if path[obj] || len(path) >= longestPath(js) {
		return false
	}
	path[obj] = true
	defer delete(path, obj)
	if t.array(js, obj) {
		n := obj.Get("length").ToInteger()
		if n > int64(js.Isolate().Limits().ArrayLength) {
			return false
		}
		for i := range n {
			if !t.transportable(js, obj.Get(strconv.FormatInt(i, 10)), path) {
				return false
			}
		}
		return true
	}
	name := t.className(obj)
	if name != "Object" {
		return whitelist[name] && bind.ViewName(js, obj) != "" || hasMethod(obj, "cid")
	}
	for at := obj; at != nil; at = at.Prototype() {
		for _, key := range at.Keys() {
			if !t.transportable(js, obj.Get(key), path) {
				return false
			}
		}
	}
	return true
}
