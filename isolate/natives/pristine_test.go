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

// A function of Method or Function is the engine's as it was, and costs nothing before its first call.
func TestMethodsAreFoundLate(t *testing.T) {
	rt := goja.New()
	l, err := Install(rt, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]goja.Value{
		"test": l.Method("RegExp.prototype.test"), "push": l.Method("Array.prototype.push"), "isArray": l.Function("Array.isArray", ""),
		"resolve": l.Function("Promise.resolve", "Promise"), "none": l.Method("Array.prototype.none"),
	} {
		if err := rt.Set(name, v); err != nil {
			t.Fatal(err)
		}
	}
	if l.e.prepared != 0 {
		t.Errorf("parts %b were prepared", l.e.prepared)
	}
	if _, err := rt.RunString(`RegExp.prototype.test = Array.prototype.push = Array.isArray = Promise.resolve = () => { throw 1 }`); err != nil {
		t.Fatal(err)
	}
	for src, want := range map[string]string{
		`test(/b/, "abc") && push([1], 2) === 2 && isArray([]) && !isArray({}) && resolve(5) instanceof Promise`: `true`,
		`(() => { try { push() } catch (e) { return e instanceof TypeError } })()`:                               `true`,
		`(() => { try { none([]) } catch (e) { return e.message } })()`:                                          `"the engine has no Array.prototype.none"`,
		`(() => { try { test(5, "") } catch (e) { return e instanceof TypeError } })()`:                          `true`,
	} {
		if got := run(t, rt, src); got != want {
			t.Errorf("%s\n got %s\nwant %s", src, got, want)
		}
	}
}
