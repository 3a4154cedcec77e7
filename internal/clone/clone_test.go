package clone_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dop251/goja"

	"workerd.local/internal/clone"
)

// refusals are values that cannot be cloned, with the message of V8.
var refusals = []struct{ source, message string }{
	{`function f(){}`, `function f(){} could not be cloned.`},
	{`{a: () => 1}`, `() => 1 could not be cloned.`},
	{`[class A{}]`, `class A{} could not be cloned.`},
	{`Object.assign(function q(){}, {toString() { return "zz" }})`, `function q(){} could not be cloned.`},
	{`Symbol("x")`, `Symbol(x) could not be cloned.`},
	{`{a: Symbol()}`, `Symbol() could not be cloned.`},
	{`Object(Symbol("x"))`, `[object Symbol] could not be cloned.`},
	{`Promise.resolve()`, `#<Promise> could not be cloned.`},
	{`new (class Kid extends Promise {})(() => {})`, `#<Kid> could not be cloned.`},
	{`Object.assign(Promise.resolve(), {constructor: function Zed() {}})`, `#<Zed> could not be cloned.`},
	{`new WeakMap`, `#<WeakMap> could not be cloned.`},
	{`new WeakSet`, `#<WeakSet> could not be cloned.`},
	{`Object.setPrototypeOf(new WeakMap, null)`, `[object Object] could not be cloned.`}, // V8 knows the hidden tag
	{`Object.setPrototypeOf(new WeakMap, Object.prototype)`, `#<Object> could not be cloned.`},
	{`Object.assign(new WeakMap, {toString() { return "zz" }})`, `[object WeakMap] could not be cloned.`},
	{`new Proxy({}, {})`, `#<Object> could not be cloned.`},
	{`new Proxy([], {})`, `[object Array] could not be cloned.`},
	{`new Proxy(function f(){}, {})`, `function f(){} could not be cloned.`},
	{`(() => { const r = Proxy.revocable({}, {}); r.revoke(); return r.proxy })()`, `#<Object> could not be cloned.`},
	{`(function* g() {})()`, `[object Generator] could not be cloned.`},
	{`[].values()`, `#<Object> could not be cloned.`},
	{`new Map().entries()`, `#<Object> could not be cloned.`},
	{`""[Symbol.iterator]()`, `#<Object> could not be cloned.`},
	{`"a".matchAll(/a/g)`, `#<Object> could not be cloned.`},
	{`(function () { return arguments })(1)`, `#<Object> could not be cloned.`},
	{`(function () { "use strict"; return arguments })(1)`, `#<Object> could not be cloned.`},
	{`globalThis`, `#<Object> could not be cloned.`},
	{`new Map([[() => 1, 1]])`, `() => 1 could not be cloned.`},
	{`Object.assign(new Error("m"), {cause: Symbol("c")})`, `Symbol(c) could not be cloned.`},
}

func TestRefusalsHaveTheTextOfV8(t *testing.T) {
	runtimes(t, func(t *testing.T, rt *goja.Runtime) {
		for _, r := range refusals {
			for name, f := range map[string]func(goja.Value) error{
				"Serialize":       func(v goja.Value) error { _, err := clone.Serialize(rt, v, clone.Options{}); return err },
				"StructuredClone": func(v goja.Value) error { _, err := clone.StructuredClone(rt, v, nil, clone.Options{}); return err },
			} {
				var dce *clone.DataCloneError
				if err := f(run(t, rt, r.source)); !errors.As(err, &dce) {
					t.Errorf("%s(%s): error %v, want a DataCloneError", name, r.source, err)
				} else if dce.Message != r.message {
					t.Errorf("%s(%s): %q, want %q", name, r.source, dce.Message, r.message)
				}
			}
		}
	})
}

// check serializes source and compares the canonical form of what comes back.
func check(t *testing.T, rt *goja.Runtime, source, want string) {
	t.Helper()
	data, err := clone.Serialize(rt, run(t, rt, source), clone.Options{})
	if err != nil {
		t.Errorf("%s: %v", source, err)
		return
	}
	v, err := clone.Deserialize(rt, data, clone.Options{})
	if err != nil {
		t.Errorf("%s: %v (%x)", source, err, data)
		return
	}
	if got := canonical(t, rt, v); got != want {
		t.Errorf("%s:\n got %s\nwant %s", source, got, want)
	}
}

func TestGettersMayChangeWhatIsBeingCloned(t *testing.T) {
	// The expectations are what node gives for structuredClone of the same expressions.
	runtimes(t, func(t *testing.T, rt *goja.Runtime) {
		for _, c := range []struct{ source, want string }{
			{`(() => { const o = {get a() { delete o.b; return 1 }, b: 2, c: 3}; return o })()`,
				`Object(){"a":1,"c":3}`},
			{`(() => { const o = {get a() { delete o.toString; return 1 }, toString: 2, c: 3}; return o })()`,
				`Object(){"a":1,"c":3}`},
			{`(() => { const inner = {get x() { delete o.b; o.c = 9; o.d = 4; return 1 }}; const o = {inner, b: 2, c: 3}; return o })()`,
				`Object(){"inner":Object(){"x":1},"c":9}`},
			{`(() => { const inner = {get x() { Object.defineProperty(o, "b", {get() { return "new" }}); return 1 }}; const o = {inner, b: 2}; return o })()`,
				`Object(){"inner":Object(){"x":1},"b":"new"}`},
			{`(() => { const inner = {get x() { a.length = 2; return 1 }}; const a = [0, inner, 2, 3]; return a })()`,
				`Array(4){"0":0,"1":Object(){"x":1}}`},
			{`(() => { const inner = {get x() { a.push(4); a[2] = "changed"; return 1 }}; const a = [0, inner, 2]; return a })()`,
				`Array(3){"0":0,"1":Object(){"x":1},"2":"changed"}`},
			{`(() => { const inner = {get x() { delete a[2]; return 1 }}; const a = [0, inner, 2]; return a })()`,
				`Array(3){"0":0,"1":Object(){"x":1}}`},
			{`(() => { const inner = {get x() { a[1e7] = 1; return 1 }}; const a = [0, inner, 2]; a.p = 5; return [a] })()`,
				`Array(1){"0":Array(3){"0":0,"1":Object(){"x":1},"2":2,"p":5}}`},
			{`(() => { const inner = {get x() { m.delete(2); m.set(3, 3); return 1 }}; const m = new Map([[1, inner], [2, 2]]); return m })()`,
				`Map(1=>Object(){"x":1},2=>2){}`},
		} {
			check(t, rt, c.source, c.want)
		}
	})
}

func TestThrownExceptionsComeBackAsTheyAre(t *testing.T) {
	runtimes(t, func(t *testing.T, rt *goja.Runtime) {
		for _, source := range []string{
			`{get a() { throw new RangeError("mine") }}`,
			`[1, {b: [{get a() { throw new RangeError("mine") }}]}]`,
			`Object.defineProperty([1, 2], 1, {get() { throw new RangeError("mine") }, enumerable: true})`,
			`Object.defineProperty(new Error, "name", {get() { throw new RangeError("mine") }})`,
			`Object.assign(new Error, {message: {toString() { throw new RangeError("mine") }}})`,
		} {
			_, err := clone.Serialize(rt, run(t, rt, source), clone.Options{})
			var ex *goja.Exception
			if !errors.As(err, &ex) || ex.Value().String() != "RangeError: mine" {
				t.Errorf("%s: %v", source, err)
			}
		}
		check(t, rt, `{a: 1}`, `Object(){"a":1}`) // the runtime is as good as before
	})
}

func TestInterruptIsReturnedAndTheRuntimeStaysUsable(t *testing.T) {
	rt := goja.New()
	v := run(t, rt, `{get a() { for (;;); }}`)
	timer := time.AfterFunc(20*time.Millisecond, func() { rt.Interrupt("enough") })
	defer timer.Stop()
	_, err := clone.Serialize(rt, v, clone.Options{})
	var stopped *goja.InterruptedError
	if !errors.As(err, &stopped) {
		t.Fatalf("error %v, want an InterruptedError", err)
	}
	rt.ClearInterrupt()
	check(t, rt, `{a: 1}`, `Object(){"a":1}`)
}

func TestPollutionDoesNotReachClones(t *testing.T) {
	runtimes(t, func(t *testing.T, rt *goja.Runtime) {
		if err := clone.Prepare(rt); err != nil {
			t.Fatal(err)
		}
		sources := []string{
			`{a: 1, b: [1, {c: 2}, , 4], 5: 6}`,
			`oldArray`,
			`[oldMaps, new oldDate(5), /x/g, oldObject(1), oldObject("s"), oldObject(1n)]`,
			`[oldBytes, new oldView(new oldBuffer(4), 1)]`,
			`oldError`,
			`{["\ud800"]: 1, get g() { return 2 }}`,
		}
		if _, err := rt.RunString(`
			oldArray = Object.assign([1, 2], {x: 1}); oldObject = Object; oldDate = Date; oldView = DataView; oldBuffer = ArrayBuffer;
			oldMaps = [new Map([[1, {a: 1}]]), new Set([1, [2]])];
			oldBytes = new Uint8Array([1, 2]).subarray(1);
			oldError = new TypeError("m", {cause: {a: 1}});
			oldError.stack = "s";
		`); err != nil {
			t.Fatal(err)
		}
		text := func(source string) string {
			v, err := clone.StructuredClone(rt, run(t, rt, source), nil, clone.Options{})
			if err != nil {
				t.Fatalf("%s: %v", source, err)
			}
			data, err := clone.Serialize(rt, v, clone.Options{})
			if err != nil {
				t.Fatalf("%s: %v", source, err)
			}
			return hex.EncodeToString(data)
		}
		var before []string
		for _, s := range sources {
			before = append(before, text(s))
		}
		if _, err := rt.RunString(`
			const globals = globalThis, proto = Object.prototype, arrayProto = Array.prototype, iterator = Symbol.iterator;
			var hits = 0, last = "";
			const hit = what => { hits++; last = what };
			const define = Object.defineProperty, trap = (o, name) => define(o, name, {
				__proto__: null, get() { hit("get " + name); }, set() { hit("set " + name); }, configurable: true });
			const boom = name => function () { hit("call " + name); throw new Error("hijacked " + name) };
			for (const o of [Map, Set, RegExp, Date, String, ArrayBuffer, DataView, Uint8Array, Object.getPrototypeOf(Uint8Array)])
				for (const name of Object.getOwnPropertyNames(o.prototype)) {
					const d = Object.getOwnPropertyDescriptor(o.prototype, name);
					if (name !== "constructor" && d.configurable)
						Object.defineProperty(o.prototype, name, d.get ? {__proto__: null, get: boom(name)} : {__proto__: null, value: boom(name)});
				}
			for (const name of ["keys", "getOwnPropertyDescriptor", "defineProperty", "entries"]) Object[name] = boom(name);
			for (const name of ["get", "apply", "getOwnPropertyDescriptor", "defineProperty"]) Reflect[name] = boom(name);
			Object.prototype.hasOwnProperty = boom("hasOwnProperty");
			for (const name of ["Map", "Set", "Date", "RegExp", "Error", "TypeError", "Uint8Array", "DataView", "ArrayBuffer", "Object", "Reflect"])
				globals[name] = boom(name);
			for (const name of ["a", "b", "c", "x", "g", "0", "1", "2", "3", "5", "value", "get", "set", "writable", "enumerable",
				"configurable", "cause", "stack", "message", "lastIndex", "\ud800"]) trap(proto, name);
			for (const name of ["0", "1", "2", "x"]) trap(arrayProto, name);
			arrayProto[iterator] = boom("iterator");
			arrayProto.push = boom("push");
		`); err != nil {
			t.Fatal(err)
		}
		for i, s := range sources {
			if s == "oldError" && strings.HasSuffix(t.Name(), "public_API") {
				continue // goja's property descriptors call the setter "value" of Object.prototype
			}
			v := run(t, rt, s)
			if _, err := rt.RunString(`hits = 0`); err != nil {
				t.Fatal(err)
			}
			c, err := clone.StructuredClone(rt, v, nil, clone.Options{})
			if err != nil {
				t.Errorf("%s: %v", s, err)
				continue
			}
			data, err := clone.Serialize(rt, c, clone.Options{})
			if err != nil || hex.EncodeToString(data) != before[i] {
				t.Errorf("%s: %v\n got %x\nwant %s", s, err, data, before[i])
			}
			if hits := rt.Get("hits").ToInteger(); hits != 0 {
				t.Errorf("%s: the script saw it: %v", s, rt.Get("last"))
			}
		}
	})
}

func TestProtoKeyIsAnOwnProperty(t *testing.T) {
	runtimes(t, func(t *testing.T, rt *goja.Runtime) {
		check(t, rt, `{["__proto__"]: {polluted: 1}, a: 2}`, `Object(){"__proto__":Object(){"polluted":1},"a":2}`)
		check(t, rt, `Object.defineProperty([1], "__proto__", {value: null, enumerable: true})`, `Array(1){"0":1,"__proto__":null}`)
	})
}

func TestGoValuesInsideRuntime(t *testing.T) {
	rt := goja.New()
	for _, c := range []struct {
		v    any
		want string
	}{
		{map[string]any{"a": 1}, `Object(){"a":1}`},
		{[]any{1, "x", nil}, `Array(3){"0":1,"1":"x","2":null}`},
		{[]int{1, 2}, `Array(2){"0":1,"1":2}`},
		{"text from Go that is long é \xff", `"text from Go that is long \u00e9 \ufffd"`},
		{"text from Go that is long and ASCII", `"text from Go that is long and ASCII"`},
	} {
		data, err := clone.Serialize(rt, rt.ToValue(c.v), clone.Options{})
		if err != nil {
			t.Errorf("%v: %v", c.v, err)
			continue
		}
		v, err := clone.Deserialize(rt, data, clone.Options{})
		if err != nil {
			t.Errorf("%v: %v", c.v, err)
		} else if got := canonical(t, rt, v); got != c.want {
			t.Errorf("%v: got %s, want %s", c.v, got, c.want)
		}
	}
	if _, err := clone.Serialize(rt, rt.ToValue(struct{ A int }{1}), clone.Options{}); err == nil {
		t.Error("a Go struct was cloned")
	}
	if _, err := clone.Serialize(rt, nil, clone.Options{}); err != nil {
		t.Errorf("a nil Value is undefined: %v", err)
	}
}

func TestLimits(t *testing.T) {
	rt := goja.New()
	deep := run(t, rt, `(() => { let o = {}; for (let i = 0; i < 20000; i++) o = {o}; return o })()`)
	var limit *clone.LimitError
	if _, err := clone.Serialize(rt, deep, clone.Options{}); !errors.As(err, &limit) || limit.What != "depth" {
		t.Errorf("Serialize of a deep value: %v", err)
	}
	data, err := clone.Serialize(rt, deep, clone.Options{MaxDepth: 30000})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := clone.Deserialize(rt, data, clone.Options{}); !errors.As(err, &limit) || limit.What != "depth" {
		t.Errorf("Deserialize of a deep value: %v", err)
	}
	if _, err := clone.Decode(data, clone.Options{}); !errors.As(err, &limit) || limit.What != "depth" {
		t.Errorf("Decode of a deep value: %v", err)
	}
	tree, err := clone.Decode(data, clone.Options{MaxDepth: 30000})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := clone.Encode(tree, clone.Options{}); !errors.As(err, &limit) || limit.What != "depth" {
		t.Errorf("Encode of a deep value: %v", err)
	}

	list := run(t, rt, `Array.from({length: 50}, () => ({a: "0123456789"}))`)
	for _, o := range []clone.Options{{MaxBytes: 100}, {MaxObjects: 50}} {
		what := map[bool]string{true: "bytes", false: "objects"}[o.MaxBytes > 0]
		if _, err := clone.Serialize(rt, list, o); !errors.As(err, &limit) || limit.What != what {
			t.Errorf("Serialize with %+v: %v", o, err)
		}
		data, err := clone.Serialize(rt, list, clone.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := clone.Deserialize(rt, data, o); !errors.As(err, &limit) || limit.What != what {
			t.Errorf("Deserialize with %+v: %v", o, err)
		}
		tree, err := clone.Decode(data, clone.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := clone.Decode(data, o); !errors.As(err, &limit) || limit.What != what {
			t.Errorf("Decode with %+v: %v", o, err)
		}
		if _, err := clone.Encode(tree, o); !errors.As(err, &limit) || limit.What != what {
			t.Errorf("Encode with %+v: %v", o, err)
		}
	}
	for _, source := range []string{`"x".repeat(1000)`, `"日".repeat(1000)`, `new Uint8Array(1000)`, `2n ** 10000n`, `Array.from({length: 1000}, () => 1)`} {
		if _, err := clone.Serialize(rt, run(t, rt, source), clone.Options{MaxBytes: 500}); !errors.As(err, &limit) {
			t.Errorf("Serialize of %s within 500 bytes: %v", source, err)
		}
	}
	check(t, rt, `[1]`, `Array(1){"0":1}`)
}

func TestNestedClonesShareOneDepth(t *testing.T) {
	rt := goja.New()
	rt.SetMaxCallStackSize(2000)
	if err := rt.Set("clone", func(call goja.FunctionCall) goja.Value {
		v, err := clone.StructuredClone(rt, call.Argument(0), nil, clone.Options{MaxDepth: 500})
		if err != nil {
			panic(rt.NewGoError(err))
		}
		return v
	}); err != nil {
		t.Fatal(err)
	}
	_, err := rt.RunString(`
		let calls = 0;
		let o = {get x() { calls++; return clone(o) }};
		for (let i = 0; i < 100; i++) o = {o};
		clone(o)`)
	if err == nil || !strings.Contains(err.Error(), "Maximum call stack size exceeded") {
		t.Errorf("error %v, want the depth limit", err)
	}
	if calls := rt.Get("calls"); calls != nil && calls.ToInteger() > 6 {
		t.Errorf("%d nested clones, want the depth of all of them to count", calls.ToInteger())
	}
	check(t, rt, `[1]`, `Array(1){"0":1}`)
}

func TestResultDoesNotAliasInput(t *testing.T) {
	rt := goja.New()
	data, err := clone.Serialize(rt, run(t, rt, `[new Uint8Array([1, 2, 3]), "abcdefghijklmnopqrstuvwxyz", {longPropertyName: 1}]`), clone.Options{})
	if err != nil {
		t.Fatal(err)
	}
	v, err := clone.Deserialize(rt, data, clone.Options{})
	if err != nil {
		t.Fatal(err)
	}
	tree, err := clone.Decode(data, clone.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want, saved := canonical(t, rt, v), bytes.Clone(data)
	clear(data)
	if got := canonical(t, rt, v); got != want {
		t.Errorf("the value changed with the bytes: %s", got)
	}
	if again, err := clone.Encode(tree, clone.Options{}); err != nil || !bytes.Equal(again, saved) {
		t.Errorf("the tree changed with the bytes: %x %v", again, err)
	}
}
