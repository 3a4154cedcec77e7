package core

import (
	"maps"
	"math"
	"slices"

	"github.com/dop251/goja"

	"workerd.local/isolate"
	intrinsics "workerd.local/isolate/natives"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/node/glue"
)

// base is internal/base, the primordials of the other files: what they take from the
// engine as scripts find it, whatever these have changed, and the functions of
// platformNatives. A member is made when it is first asked for.
type base struct {
	js      *isolate.JS
	natives map[string]bind.Static
	made    map[string]goja.Value
}

var _ goja.DynamicObject = (*base)(nil)

// baseModule is the module of that name.
func baseModule() glue.Module {
	return glue.Module{Name: "internal/base", Make: func(js *isolate.JS, _ func(string) (goja.Value, error)) (goja.Value, error) {
		b := &base{js: js, natives: platformNatives(), made: map[string]goja.Value{}}
		b.natives["isView"] = func(c *bind.Call) (any, error) {
			// A Float16Array is a proxy.
			name := bind.ViewName(c.JS(), c.Arg(0))
			return name != "" && name != "ArrayBuffer" || intrinsics.Float16Bits(c.Arg(0)) != nil, nil
		}
		b.natives["isInteger"] = func(c *bind.Call) (any, error) { return isInteger(c.Arg(0), math.Inf(1)), nil }
		b.natives["isSafeInteger"] = func(c *bind.Call) (any, error) { return isInteger(c.Arg(0), 1<<53-1), nil }
		o := js.Runtime().NewDynamicObject(b)
		return o, o.SetPrototype(nil)
	}}
}

// isInteger is Number.isInteger of numbers up to most.
func isInteger(v goja.Value, most float64) bool {
	if _, object := v.(*goja.Object); object || !goja.IsNumber(v) {
		return false
	}
	f := v.ToFloat()
	return f == math.Trunc(f) && math.Abs(f) <= most && !math.IsInf(f, 0)
}

// intrinsic is a member that is the engine's: a function, which takes its receiver first
// if it is a method.
type intrinsic struct {
	path   string // natives.Library.Pristine's
	method bool
}

// baseMembers are the engine's members.
var baseMembers = map[string]intrinsic{
	"apply":                     {"Reflect.apply", false},
	"arrayFrom":                 {"Array.from", false},
	"assign":                    {"Object.assign", false},
	"bind":                      {"Function.prototype.bind", true},
	"construct":                 {"Reflect.construct", false},
	"create":                    {"Object.create", false},
	"defineProperties":          {"Object.defineProperties", false},
	"defineProperty":            {"Reflect.defineProperty", false},
	"entries":                   {"Object.entries", false},
	"filter":                    {"Array.prototype.filter", true},
	"forEach":                   {"Array.prototype.forEach", true},
	"freeze":                    {"Object.freeze", false},
	"functionToString":          {"Function.prototype.toString", true},
	"getOwnPropertyDescriptor":  {"Reflect.getOwnPropertyDescriptor", false},
	"getOwnPropertyDescriptors": {"Object.getOwnPropertyDescriptors", false},
	"getOwnPropertyNames":       {"Object.getOwnPropertyNames", false},
	"getPrototypeOf":            {"Reflect.getPrototypeOf", false},
	"hasOwn":                    {"Object.hasOwn", false},
	"includes":                  {"Array.prototype.includes", true},
	"indexOf":                   {"Array.prototype.indexOf", true},
	"isArray":                   {"Array.isArray", false},
	"join":                      {"Array.prototype.join", true},
	"keys":                      {"Object.keys", false},
	"map":                       {"Array.prototype.map", true},
	"objectToString":            {"Object.prototype.toString", true},
	"ownKeys":                   {"Reflect.ownKeys", false},
	"promiseThen":               {"Promise.prototype.then", true},
	"push":                      {"Array.prototype.push", true},
	"regExpExec":                {"RegExp.prototype.exec", true},
	"regExpTest":                {"RegExp.prototype.test", true},
	"setPrototypeOf":            {"Object.setPrototypeOf", false},
	"shift":                     {"Array.prototype.shift", true},
	"slice":                     {"Array.prototype.slice", true},
	"some":                      {"Array.prototype.some", true},
	"splice":                    {"Array.prototype.splice", true},
	"stringCharCodeAt":          {"String.prototype.charCodeAt", true},
	"stringEndsWith":            {"String.prototype.endsWith", true},
	"stringIncludes":            {"String.prototype.includes", true},
	"stringIndexOf":             {"String.prototype.indexOf", true},
	"stringLastIndexOf":         {"String.prototype.lastIndexOf", true},
	"stringPadStart":            {"String.prototype.padStart", true},
	"stringRepeat":              {"String.prototype.repeat", true},
	"stringReplace":             {"String.prototype.replace", true},
	"stringReplaceAll":          {"String.prototype.replaceAll", true},
	"stringSlice":               {"String.prototype.slice", true},
	"stringSplit":               {"String.prototype.split", true},
	"stringStartsWith":          {"String.prototype.startsWith", true},
	"stringToLowerCase":         {"String.prototype.toLowerCase", true},
	"stringToUpperCase":         {"String.prototype.toUpperCase", true},
	"symbolFor":                 {"Symbol.for", false},
	"stringTrim":                {"String.prototype.trim", true},
	"typedArrayBuffer":          {intrinsics.TypedPath + ".get buffer", true},
	"typedArrayByteLength":      {intrinsics.TypedPath + ".get byteLength", true},
	"typedArrayByteOffset":      {intrinsics.TypedPath + ".get byteOffset", true},
	"typedArrayLength":          {intrinsics.TypedPath + ".get length", true},
	"typedArraySet":             {intrinsics.TypedPath + ".set", true},
	"typedArrayTag":             {intrinsics.TypedPath + ".get @@toStringTag", true},
	"unshift":                   {"Array.prototype.unshift", true},
}

// baseBound are methods of Promise with Promise as their receiver.
var baseBound = map[string]string{"PromiseResolve": "Promise.resolve", "PromiseReject": "Promise.reject"}

// Get is goja.DynamicObject's.
func (b *base) Get(key string) goja.Value {
	if v := b.made[key]; v != nil {
		return v
	}
	v, err := b.make(key)
	if err != nil {
		b.js.Panic(err)
	}
	if v != nil {
		b.made[key] = v
	}
	return v
}

func (b *base) make(key string) (goja.Value, error) {
	if key == "uncurry" {
		bind := b.js.Library().Pristine("Function.prototype.bind")
		return b.js.Call(bind, bind, b.js.Library().Pristine("Function.prototype.call"))
	}
	if fn := b.natives[key]; fn != nil {
		return bind.NewFunction(b.js, key, 0, fn), nil
	}
	if path := baseBound[key]; path != "" {
		return b.js.Library().Function(path, "Promise"), nil
	}
	m, ok := baseMembers[key]
	switch {
	case !ok:
		return nil, nil
	case m.method:
		return b.js.Library().Method(m.path), nil
	}
	return b.js.Library().Function(m.path, ""), nil
}

// Set and Delete are goja.DynamicObject's: the members stay as they are.
func (b *base) Set(string, goja.Value) bool { return false }
func (b *base) Delete(string) bool          { return false }

// Has is goja.DynamicObject's.
func (b *base) Has(key string) bool { return slices.Contains(b.Keys(), key) }

// Keys is goja.DynamicObject's.
func (b *base) Keys() []string {
	return slices.Sorted(func(yield func(string) bool) {
		for _, keys := range []func(func(string) bool){maps.Keys(b.natives), maps.Keys(baseMembers), maps.Keys(baseBound)} {
			for k := range keys {
				if !yield(k) {
					return
				}
			}
		}
		yield("uncurry")
	})
}
