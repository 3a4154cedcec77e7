package natives

import "testing"

// What a script may do with the name of a native, and what it may not.
func TestNamesOfNatives(t *testing.T) {
	rt := newRuntime(t, Limits{})
	for _, c := range []struct{ src, want string }{
		{`f = (() => 1).bind(); Object.defineProperty(f, "name", { value: "x" }); f.name`, "x"},
		{`Object.defineProperty(Math.max, "name", { value: "x", writable: true }); JSON.stringify(Object.getOwnPropertyDescriptor(Math.max, "name"))`,
			`{"value":"x","writable":false,"enumerable":false,"configurable":true}`},
		{`Object.defineProperties(Math.min, { name: { value: "x" }, length: { value: 7 }, [Symbol.iterator]: { value: 8 } }); [Math.min.name, Math.min.length, Math.min[Symbol.iterator]].join()`, "x,7,8"},
		{`delete Math.abs.name; Math.abs.name`, ""},
		{`f = () => 1; Object.defineProperty(f, "name", { get: () => "x" }); f.name`, "x"},
		{`f = () => 1; f.__defineGetter__("name", () => "x"); f.name`, "x"},
		{`class A { static name = "x" } A.name`, "x"},
		{`Object.create(Math.max, { name: { get: () => "x" } }).name`, "x"},
		{`f = (() => 1).bind(); class B {} Object.setPrototypeOf(f, B); [f.name, Reflect.deleteProperty(f, "name")].join()`, "bound ,false"},
		{`f = (() => 1).bind(); Object.setPrototypeOf(f, Map); Object.defineProperty(f, "name", { value: "x" }); f.name`, "x"},
		{`f = (async () => 1).bind(); Object.defineProperty(f, "name", { value: "x" }); f.name`, "x"},
		{`Reflect.defineProperty(Math.cos, "name", { get() { } })`, "false"},
		{`try { Object.defineProperty(Math.cos, "name", { get() { } }) } catch (e) { String(e) }`, "TypeError: Cannot redefine property: name"},
		{`try { Object.defineProperties(Math.cos, { length: { value: 9 }, name: { value: {} } }) } catch (e) { e + Math.cos.length }`, "TypeError: Cannot redefine property: name1"},
		{`try { Math.cos.__defineGetter__("name", () => 1) } catch (e) { String(e) }`, "TypeError: Cannot redefine property: name"},
		{`try { Object.defineProperties(Math.cos, { x: 1 }) } catch (e) { String(e) }`, "TypeError: Property description must be an object: 1"},
		{`n = 0; Reflect.defineProperty(Math.cos, "name", new Proxy({}, { has: (t, k) => k === "get" && n++ > 0, get: () => () => 1 })); typeof Object.getOwnPropertyDescriptor(Math.cos, "name").get`, "undefined"},
	} {
		v, err := rt.RunString(c.src)
		if err != nil {
			t.Errorf("%s: %v", c.src, err)
		} else if got := v.String(); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.src, got, c.want)
		}
	}
}
