package bind_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/dop251/goja"

	"workerd.local/internal/jstest"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// takes is a global function that shows what Unpack made of its argument.
func takes[T any](name, param string, show func(T) any) bind.Func {
	return bind.Func{Name: name, Length: 1, Call: func(c *bind.Call) (any, error) {
		var v T
		if err := c.Unpack(param, &v); err != nil {
			return nil, err
		}
		return show(v), nil
	}}
}

var conversions = bind.Module{Name: "conversions", Globals: []bind.Global{
	takes("string", "v", func(s string) any { return "<" + s + ">" }),
	takes("maybe", "v?", func(s *string) any { return s }),
	takes("boolean", "v", func(b bool) any { return b }),
	takes("number", "v", func(f float64) any { return fmt.Sprint(f) }),
	takes("integer", "v", func(n int) any { return fmt.Sprint(n) }),
	takes("long", "v", func(n int64) any { return fmt.Sprint(n) }),
	takes("value", "v", func(v goja.Value) any { return []any{v} }),
	takes("object", "v", func(o *goja.Object) any { return o }),
	takes("callable", "v", func(f bind.Function) any { return f.Value }),
	takes("bytes", "v", func(b []byte) any { return fmt.Sprint(b) }),
	takes("named", "v:Thing", func(o *goja.Object) any { return o }),
	takes("defaults", "v?", func(n int) any { return n }),
	bind.Func{Name: "options", Call: func(c *bind.Call) (any, error) {
		o := struct {
			text  string
			count int
			flag  bool
			fn    bind.Function
			seen  []any
		}{text: "default"}
		err := c.Options(1, "Options", "text", &o.text, "count", &o.count, "flag", &o.flag, "fn", &o.fn,
			"each", func(c *bind.Call, v goja.Value) error {
				if _, ok := v.(*goja.Object); !ok {
					return c.BadArg(0, "Array")
				}
				o.seen = append(o.seen, v)
				return nil
			})
		return []any{o.text, o.count, o.flag, len(o.seen)}, err
	}},
}}

func TestConversions(t *testing.T) {
	e := jstest.New(t, conversions)
	for call, want := range map[string]string{
		`string("a")`: "<a>", `string(1.5)`: "<1.5>", `string(null)`: "<null>", `string(undefined)`: "<undefined>", `string({})`: "<[object Object]>",
		`string([1, [2]])`: "<1,2>", `string(10n)`: "<10>", `string(true)`: "<true>", `string(-0)`: "<0>", `string("\0")`: "<\x00>",
		`string({ toString: () => "own", valueOf: () => 1 })`: "<own>", `string({ toString: () => ({}), valueOf: () => 1 })`: "<1>",
		`string({ [Symbol.toPrimitive]: h => h })`: "<string>", `string("\ud800x")`: "<\uFFFDx>", `string("x\udc00")`: "<x\uFFFD>", `string("😀")`: "<😀>",
		`string({ toString: () => "\ud800" })`: "<\uFFFD>", `string(new String("boxed"))`: "<boxed>",
		`maybe()`: "null", `maybe(undefined)`: "null", `maybe(null)`: "null" + "", `maybe("")`: "",
		`boolean(0)`: "false", `boolean("")`: "false", `boolean("0")`: "true", `boolean({})`: "true", `boolean(Symbol())`: "true", `boolean(0n)`: "false", `boolean(undefined)`: "false", `boolean(NaN)`: "false",
		`number("1.5")`: "1.5", `number("")`: "0", `number("x")`: "NaN", `number(null)`: "0", `number([])`: "0", `number([7])`: "7", `number(undefined)`: "NaN", `number(Infinity)`: "+Inf", `number({ valueOf: () => 3 })`: "3", `number(true)`: "1", `number("0x10")`: "16", `number(new Date(5))`: "5",
		`integer(1.9)`: "1", `integer(-1.9)`: "-1", `integer(NaN)`: "0", `integer(Infinity)`: "0", `integer("12")`: "12", `integer(1e300)`: "9007199254740992", `integer(-1e300)`: "-9007199254740992",
		`long(2 ** 53)`: "9007199254740992", `long(-Infinity)`: "0", `long(2 ** 40 + 0.5)`: "1099511627776",
		`value(undefined)`: "[null]", `value(1)`: "[1]",
		`object([1])`: "[1]", `typeof object(() => 1)`: "function",
		`typeof callable(class {})`: "function", `typeof callable(new Proxy(() => 1, {}))`: "function",
		`bytes(new Uint8Array([1, 2]))`: "[1 2]", `bytes(new ArrayBuffer(2))`: "[0 0]", `bytes(new Uint16Array([258]).subarray(0, 1))`: "[2 1]",
		`bytes(new DataView(new Uint8Array([1, 2, 3, 4]).buffer, 1, 2))`: "[2 3]", `bytes(new Uint8Array([1, 2, 3, 4]).subarray(2))`: "[3 4]", `bytes(new Float32Array(0))`: "[]", `bytes(new Uint8ClampedArray([300]))`: "[255]", `bytes(new BigInt64Array([1n]))`: "[1 0 0 0 0 0 0 0]",
		`defaults()`: "0", `defaults(undefined)`: "0", `defaults(null)`: "0", `defaults("5")`: "5",
		`string.name + string.length`: "string1",
	} {
		if call == `maybe(null)` {
			want = "null"
		}
		e.Want("return "+call, want)
	}
}

func TestWrongArgumentsAreTypeErrors(t *testing.T) {
	e := jstest.New(t, conversions)
	const on = " on 'ServiceWorkerGlobalScope': parameter 1 is not of type "
	for call, want := range map[string]string{
		`string()`:          "TypeError: Failed to execute 'string'" + on + "'string'.",
		`boolean()`:         "TypeError: Failed to execute 'boolean'" + on + "'boolean'.",
		`number()`:          "TypeError: Failed to execute 'number'" + on + "'number'.",
		`long()`:            "TypeError: Failed to execute 'long'" + on + "'number'.",
		`value()`:           "TypeError: Failed to execute 'value'" + on + "'Value'.",
		`object()`:          "TypeError: Failed to execute 'object'" + on + "'Object'.",
		`object(1)`:         "TypeError: Failed to execute 'object'" + on + "'Object'.",
		`object(null)`:      "TypeError: Failed to execute 'object'" + on + "'Object'.",
		`object(undefined)`: "TypeError: Failed to execute 'object'" + on + "'Object'.",
		`callable()`:        "TypeError: Failed to execute 'callable'" + on + "'function'.",
		`callable({})`:      "TypeError: Failed to execute 'callable'" + on + "'function'.",
		`callable("x")`:     "TypeError: Failed to execute 'callable'" + on + "'function'.",
		`bytes()`:           "TypeError: Failed to execute 'bytes'" + on + "'ArrayBuffer or ArrayBufferView'.",
		`bytes([1])`:        "TypeError: Failed to execute 'bytes'" + on + "'ArrayBuffer or ArrayBufferView'.",
		`bytes("x")`:        "TypeError: Failed to execute 'bytes'" + on + "'ArrayBuffer or ArrayBufferView'.",
		`bytes(new Proxy(new Uint8Array(1), {}))`:                             "TypeError: Failed to execute 'bytes'" + on + "'ArrayBuffer or ArrayBufferView'.",
		`bytes({ buffer: new ArrayBuffer(1), byteOffset: 0, byteLength: 1 })`: "TypeError: Failed to execute 'bytes'" + on + "'ArrayBuffer or ArrayBufferView'.",
		`named()`:             "TypeError: Failed to execute 'named'" + on + "'Thing'.",
		`string(Symbol("s"))`: "TypeError: Cannot convert a Symbol value to a string",
		`number(Symbol())`:    "TypeError: Cannot convert a Symbol value to a number",
		`number(1n)`:          "TypeError: Cannot convert a BigInt value to a number",
		`integer(1n)`:         "TypeError: Cannot convert a BigInt value to a number",
		`string({ toString() { throw new RangeError("mine") } })`: "RangeError: mine",
		`number({ valueOf() { throw new RangeError("mine") } })`:  "RangeError: mine",
		`string(Object.create(null))`:                             "TypeError: Cannot convert object to primitive value",
	} {
		if call == `string(Object.create(null))` {
			e.Want("try { "+call+" } catch (e) { return e.name }", "TypeError")
			continue
		}
		e.WantError(call, want)
	}
}

func TestDictionaries(t *testing.T) {
	e := jstest.New(t, conversions)
	for call, want := range map[string]string{
		`options()`: `["default",0,false,0]`, `options(null)`: `["default",0,false,0]`, `options({})`: `["default",0,false,0]`,
		`options({ text: undefined, count: "3", flag: 1, each: [] })`:                     `["default",3,true,1]`,
		`options({ text: null })`:                                                         `["null",0,false,0]`,
		`options(Object.create({ text: "inherited" }))`:                                   `["inherited",0,false,0]`,
		`options(() => {})`:                                                               `["default",0,false,0]`,
		`options(new Proxy({}, { get: (t, k) => k === "text" ? "trapped" : undefined }))`: `["trapped",0,false,0]`,
	} {
		e.Want("return "+call, want)
	}
	for call, want := range map[string]string{
		`options(1)`:                  "TypeError: Failed to execute 'options' on 'ServiceWorkerGlobalScope': parameter 1 is not of type 'Options'.",
		`options("text")`:             "TypeError: Failed to execute 'options' on 'ServiceWorkerGlobalScope': parameter 1 is not of type 'Options'.",
		`options({ fn: 1 })`:          "TypeError: Incorrect type for the 'fn' field on 'Options': the provided value is not of type 'function'.",
		`options({ each: 1 })`:        "TypeError: Incorrect type for the 'each' field on 'Options': the provided value is not of type 'Array'.",
		`options({ text: Symbol() })`: "TypeError: Cannot convert a Symbol value to a string",
		`options({ get count() { throw new RangeError("mine") } })`:          "RangeError: mine",
		`options({ count: { valueOf() { throw new RangeError("mine") } } })`: "RangeError: mine",
	} {
		e.WantError(call, want)
	}
}

func TestBytesOfViews(t *testing.T) {
	e := jstest.New(t, conversions)
	e.OnLoop(func() {
		err := e.Realm.Run(nil, func(js *isolate.JS) {
			rt := js.Runtime()
			run := func(src string) goja.Value {
				v, err := rt.RunString(src)
				if err != nil {
					t.Fatalf("%s: %v", src, err)
				}
				return v
			}
			for src, want := range map[string]string{
				`new ArrayBuffer(1)`: "ArrayBuffer", `new Uint8Array(1)`: "Uint8Array", `new DataView(new ArrayBuffer(1))`: "DataView", `new Float64Array(1)`: "Float64Array",
				`({})`: "", `1`: "", `null`: "", `[]`: "", `({ [Symbol.toStringTag]: "Uint8Array" })`: "", `new Proxy(new Uint8Array(1), {})`: "",
			} {
				if got := bind.ViewName(js, run(src)); got != want {
					t.Errorf("%s is called %q, want %q", src, got, want)
				}
			}
			// Scripts that replace the functions of views are not asked.
			if _, ok := bind.Bytes(js, run(`new Int8Array(3)`)); !ok {
				t.Error("no bytes")
			}
			run(`ArrayBuffer.isView = () => { throw 1 };
				Object.defineProperty(Object.getPrototypeOf(Int8Array.prototype), "byteLength", { get() { return 1e9 } });`)
			if b, ok := bind.Bytes(js, run(`const a = new Int8Array([1, 2, 3]); Object.defineProperty(a, "byteOffset", { value: 99 }); a`)); !ok || len(b) != 3 {
				t.Errorf("a hostile view gives %v, %v", b, ok)
			}
			// The memory is shared, not copied, and made from Go bytes without a copy.
			v := run(`globalThis.shared = new Uint8Array([1, 2, 3, 4]); shared.subarray(1, 3)`)
			b, _ := bind.Bytes(js, v)
			b[0] = 9
			if got := run(`shared.join()`).String(); got != "1,9,3,4" || cap(b) > 3 {
				t.Errorf("memory %s, cap %d", got, cap(b))
			}
			if got := bind.NewUint8Array(js, []byte{5, 6}); got.String() != "5,6" {
				t.Errorf("array %s", got)
			}
			// Detached memory has no bytes.
			for _, src := range []string{`new Uint8Array(4)`, `new Uint8Array(4).subarray(2)`, `new Uint8ClampedArray(4)`, `new Int16Array(4)`, `new DataView(new ArrayBuffer(4))`} {
				view := run(src).(*goja.Object)
				ab := view.Get("buffer").Export().(goja.ArrayBuffer)
				ab.Detach()
				if b, ok := bind.Bytes(js, view); !ok || len(b) > 0 {
					t.Errorf("detached %s has %v, %v", src, b, ok)
				}
			}
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestResults(t *testing.T) {
	s := "text"
	e := jstest.New(t, bind.Module{Name: "results", Globals: []bind.Global{bind.Func{Name: "results", Call: func(c *bind.Call) (any, error) {
		return []any{"s", &s, (*string)(nil), true, 1, int64(2), uint16(3), 1.5, math.Inf(1), []byte{1}, []string{"a"}, []any{nil, []any{1}}, nil, (*goja.Object)(nil), bind.Null}, nil
	}}}})
	e.Want(`const r = results(); r[9] = r[9] instanceof ArrayBuffer && r[9].byteLength; r[12] = typeof r[12]; return r`,
		`["s","text",null,true,1,2,3,1.5,null,1,["a"],[null,[1]],"undefined",null,null]`)
	e.WantError(`new results()`, "TypeError: results is not a constructor")
}
