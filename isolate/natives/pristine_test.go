package natives

import (
	"testing"

	"github.com/dop251/goja"
)

// What others keep of the engine is its own, whatever scripts did first.
func TestPristine(t *testing.T) {
	for _, off := range []bool{false, true} {
		intrinsicsOff = off
		rt := goja.New()
		l, err := Install(rt, Limits{})
		intrinsicsOff = false
		if err != nil {
			t.Fatal(err)
		}
		first, err := rt.RunString(`const toString = Object.prototype.toString, then = Promise.prototype.then; ({ toString, then })`)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := rt.RunString(`const bad = () => { throw 1 };
			for (const o of [Object, Reflect, Map.prototype, Set.prototype, Promise, Promise.prototype, RegExp.prototype, DataView.prototype, Object.getPrototypeOf(Uint8Array.prototype), String.prototype, Function.prototype, Error.prototype])
				for (const k of Reflect.ownKeys(o)) try { Object.defineProperty(o, k, { value: bad }) } catch {}
			for (const k of ["Map", "Set", "Date", "RegExp", "Error", "TypeError", "Uint8Array", "Promise"]) globalThis[k] = bad`); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"Object.keys", "Object.create", "Object.prototype.hasOwnProperty", "Object.prototype.toString", "Function.prototype.toString",
			"Reflect.apply", "Reflect.get", "Reflect.ownKeys", "Reflect.defineProperty", "Reflect.getOwnPropertyDescriptor", "Map.prototype.set", "Map.prototype.forEach",
			"Set.prototype.add", "Set.prototype.forEach", "Promise.resolve", "Promise.prototype.then", "Promise.prototype.finally", "Error.prototype.toString", "String.prototype.valueOf",
			"RegExp.prototype.get source", "RegExp.prototype.get global", "DataView.prototype.get buffer", "DataView.prototype.get byteOffset", "DataView.prototype.get byteLength",
			TypedPath + ".get buffer", TypedPath + ".get byteOffset", TypedPath + ".get byteLength", TypedPath + ".get @@toStringTag",
			"Map", "Set", "Date", "RegExp", "Error", "TypeError", "Uint8Array", "Promise"} {
			if _, ok := goja.AssertFunction(l.Pristine(path)); !ok {
				t.Errorf("off=%v %s: %v", off, path, l.Pristine(path))
			}
		}
		for _, name := range []string{"toString", "then"} {
			path := map[string]string{"toString": "Object.prototype.toString", "then": "Promise.prototype.then"}[name]
			if l.Pristine(path) != first.(*goja.Object).Get(name) {
				t.Errorf("off=%v %s is not what scripts see", off, path)
			}
		}
		if v := l.Pristine("Object.nothing"); v != nil {
			t.Errorf("off=%v Object.nothing: %v", off, v)
		}
	}
}
