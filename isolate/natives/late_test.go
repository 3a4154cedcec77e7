package natives

import (
	"strings"
	"testing"

	"github.com/dop251/goja"
)

var lateShape = NewLate(LateProperty{Name: "a", Enumerable: true}, LateProperty{Name: "b"}, LateProperty{Name: "c", Enumerable: true, Accessor: true})

// An object that is late looks like any other, and makes what is asked for, once.
func TestLate(t *testing.T) {
	for _, c := range []struct{ src, want, made string }{
		{`o.a + o.a`, "aa", "a"},
		{`o.c`, "got", "c"},
		{`Object.keys(o)`, `["a" "c"]`, "abc"},
		{`Object.getOwnPropertyNames(o)`, `["a" "b" "c"]`, ""},
		{`Reflect.ownKeys(o)`, `["a" "b" "c"]`, ""},
		{`"b" in o && Object.hasOwn(o, "b") && !("d" in o)`, "true", ""},
		{`(() => { o.a = 5; o.d = 6; return [o.a, o.d, Object.keys(o)] })()`, `[5 6 ["a" "c" "d"]]`, "abc"},
		{`(() => { delete o.a; return ["a" in o, o.a, Object.getOwnPropertyNames(o)] })()`, `[false undefined ["b" "c"]]`, "a"},
		{`(() => { const d = Object.getOwnPropertyDescriptor(o, "b"); return [d.value, d.writable, d.enumerable, d.configurable] })()`, `["b" true false true]`, "b"},
		{`(() => { const d = Object.getOwnPropertyDescriptor(o, "c"); return [typeof d.get, d.set, d.enumerable, d.configurable] })()`, `["function" undefined true true]`, "c"},
		{`(() => { Object.freeze(o); o.a = 1; return [o.a, Object.isFrozen(o)] })()`, `["a" true]`, "abc"},
		{`Object.getPrototypeOf(o) === Array.prototype`, "true", ""},
	} {
		for _, off := range []bool{false, true} {
			rt := goja.New()
			lib, err := Install(rt, Limits{})
			if err != nil {
				t.Fatal(err)
			}
			made := map[string]bool{}
			make := func(name string) LateValue {
				made[name] = true
				if name == "c" {
					get, _ := rt.ToValue(func(goja.FunctionCall) goja.Value { return rt.ToValue("got") }).(*goja.Object)
					return LateValue{Get: get}
				}
				return LateValue{Value: rt.ToValue(name)}
			}
			proto := rt.NewArray().Prototype()
			o, late := lib.NewLate(lateShape, proto, make)
			if !late || !lib.Untouched(o) {
				t.Fatal("it is not late")
			}
			if off {
				o = rt.CreateObject(proto)
				if err := lib.FillLate(lateShape, o, make); err != nil {
					t.Fatal(err)
				}
			}
			if err := rt.Set("o", o); err != nil {
				t.Fatal(err)
			}
			if got := run(t, rt, c.src); strings.Trim(got, `"`) != c.want {
				t.Errorf("%s\n got %s\nwant %s", c.src, got, c.want)
			}
			names := ""
			for _, n := range []string{"a", "b", "c"} {
				if made[n] {
					names += n
				}
			}
			if !off && names != c.made {
				t.Errorf("%s made %q, want %q", c.src, names, c.made)
			}
		}
	}
}

func TestUntouched(t *testing.T) {
	for src, want := range map[string]bool{`o.none`: true, `"a" in o`: true, `o.a`: false, `o.x = 1`: false, `delete o.a`: false, `o[Symbol.iterator] = 1`: false, `Object.keys(o)`: false} {
		rt := goja.New()
		lib, err := Install(rt, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		o, _ := lib.NewLate(lateShape, nil, func(string) LateValue { return LateValue{Value: undefined} })
		if err := rt.Set("o", o); err != nil {
			t.Fatal(err)
		}
		if _, err := rt.RunString(src); err != nil {
			t.Fatal(err)
		}
		if got := lib.Untouched(o); got != want {
			t.Errorf("%s: untouched is %t", src, got)
		}
	}
}

var lateFunctionShape = NewLate(LateProperty{Name: "length", ReadOnly: true}, LateProperty{Name: "name", ReadOnly: true}, LateProperty{Name: "prototype", Fixed: true},
	LateProperty{Name: "member", Enumerable: true}, LateProperty{Name: "fixed", Accessor: true, Fixed: true})

// A function that is late can be called, made instances of and extended.
func TestLateFunction(t *testing.T) {
	for src, want := range map[string]string{
		`[typeof F, F.name, F.length, F.member, F.fixed]`:                                                                                                    `["function" "F" 1 "member" "got"]`,
		`(() => { const f = new F(5); return [f.v, f instanceof F, Object.getPrototypeOf(f) === F.prototype] })()`:                                           `[5 true true]`,
		`(() => { class X extends F { constructor() { super(6); this.w = this.v + 1 } }; const x = new X; return [x.w, x instanceof X, x instanceof F] })()`: `[7 true true]`,
		`(() => { const o = {}; F.call(o, 1); return [o.v, Reflect.construct(F, [2], Array) instanceof Array] })()`:                                          `[1 true]`,
		`[F(1), F.call({}, 1), typeof new F(1), typeof Reflect.construct(F, [1])]`:                                                                           `["called" "called" "object" "object"]`,
		`Object.getOwnPropertyNames(F)`: `["length" "name" "prototype" "member" "fixed"]`,
		`[Object.getPrototypeOf(F) === Function.prototype, Object.isExtensible(F), Object.keys(F).length]`: `[true true 1]`,
		`(() => { "use strict"; try { F.name = 1 } catch (e) { return e instanceof TypeError } })()`:       `true`,
		`[Reflect.deleteProperty(F, "prototype"), Reflect.deleteProperty(F, "fixed"), delete F.name]`:      `[false false true]`,
	} {
		for _, off := range []bool{false, true} {
			rt := goja.New()
			lib, err := Install(rt, Limits{})
			if err != nil {
				t.Fatal(err)
			}
			proto := rt.NewObject()
			make := func(name string) LateValue {
				switch name {
				case "length":
					return LateValue{Value: rt.ToValue(1)}
				case "name":
					return LateValue{Value: rt.ToValue("F")}
				case "prototype":
					return LateValue{Value: proto}
				case "fixed":
					get, _ := rt.ToValue(func(goja.FunctionCall) goja.Value { return rt.ToValue("got") }).(*goja.Object)
					return LateValue{Get: get}
				}
				return LateValue{Value: rt.ToValue(name)}
			}
			kept := lateFunction
			if off {
				lateFunction = functionLayout{}
			}
			construct := func(c goja.FunctionCall) goja.Value {
				_ = c.This.(*goja.Object).Set("v", c.Argument(0))
				return undefined
			}
			call := func(c goja.FunctionCall) goja.Value {
				if _, ok := c.This.(*goja.Object); ok {
					construct(c)
				}
				return rt.ToValue("called")
			}
			f, late := lib.NewLateFunction(lateFunctionShape, call, construct, make)
			lateFunction = kept
			if late == off {
				t.Fatalf("late is %t", late)
			}
			if off {
				if err := lib.FillLate(lateFunctionShape, f, make); err != nil {
					t.Fatal(err)
				}
			}
			if err := rt.Set("F", f); err != nil {
				t.Fatal(err)
			}
			if got := run(t, rt, src); got != want {
				t.Errorf("%s, %t\n got %s\nwant %s", src, off, got, want)
			}
		}
	}
}
