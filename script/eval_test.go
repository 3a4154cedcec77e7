package script

import (
	"sync"
	"testing"
	"time"

	"github.com/dop251/goja"
)

// evalEscapes are ways to reach code from strings.
var evalEscapes = []string{
	`eval("1")`,
	`(0, eval)("1")`,
	`globalThis["ev" + "al"]("1")`,
	`new Function("return 1")()`,
	`Function("return 1")()`,
	`(function () {}).constructor("return 1")()`,
	`(() => {}).constructor("return 1")()`,
	`(class {}).constructor("return 1")()`,
	`Function.prototype.constructor("return 1")()`,
	`Object.getPrototypeOf(async function () {}).constructor("return 1")()`,
	`Object.getPrototypeOf(function* () {}).constructor("yield 1")()`,
	`Object.getPrototypeOf(Object.getPrototypeOf(function* () {}).constructor)("return 1")()`,
	`Object.getPrototypeOf(async () => {}).constructor("return 1")()`,
	`Reflect.construct(Function, ["return 1"])`,
	`Reflect.construct(Object, ["return 1"], Function).constructor.constructor("return 1")`,
	`new (class extends Function {})("return 1")()`,
	`Math.max.constructor("return 1")()`,
	`eval.constructor("return 1")()`,
	`Function.constructor("return 1")()`,
	`Function.call(null, "return 1")`,
	`Function.bind(null, "return 1")()`,
	`RegExp.constructor("return 1")()`,
	`Promise.resolve.constructor("return 1")()`,
	`kept("1")`,
	`keptFunction("return 1")`,
}

func TestDeniedEvalCannotBeReached(t *testing.T) {
	rt := goja.New()
	if err := Install(rt); err != nil {
		t.Fatal(err)
	}
	if _, err := rt.RunString(`var kept = eval, keptFunction = Function`); err != nil {
		t.Fatal(err)
	}
	if err := DenyEval(rt); err != nil {
		t.Fatal(err)
	}
	for _, text := range evalEscapes {
		v, err := rt.RunString(`(() => { try { ` + text + `; return "ran" } catch (e) { return e.name + ": " + e.message } })()`)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got := v.String(); got != "EvalError: Code generation from strings disallowed for this context" {
			t.Errorf("%s: %s", text, got)
		}
	}
	// Lowered async generators must not lead there either.
	for _, text := range []string{
		`(async function* () {}).constructor("yield 1")`,
		`Object.getPrototypeOf(async function* () {}).constructor("yield 1")`,
	} {
		s, err := Compile(t.Context(), modules(`let r; try { `+text+`; r = "ran" } catch (e) { r = e.name } export const result = r;`))
		if err != nil {
			t.Fatal(err)
		}
		e, err := s.Evaluate(rt, Host{})
		if err != nil {
			t.Fatal(err)
		}
		if got := fulfilled(t, e).Get("result").String(); got != "EvalError" {
			t.Errorf("%s: %s", text, got)
		}
	}
	if v, err := rt.RunString(`typeof eval(5) + (function () {} instanceof Function) + ((async () => {}) instanceof Function) + Function.prototype.constructor.name`); err != nil || v.String() != "numbertruetrueFunction" {
		t.Errorf("what remains: %v, %v", v, err)
	}
}

func TestAllowedEvalLowersNewSyntax(t *testing.T) {
	rt := goja.New()
	if err := Install(rt); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ text, want string }{
		{`eval("1 + 1")`, "2"},
		{`eval("var fromEval = 3"); fromEval`, "3"},
		{`eval({a: 1}).a`, "1"},
		{`new Function("a", "b", "return a + b")(1, 2)`, "3"},
		{`new Function("a, b", "return a + b // comment")(1, 2)`, "3"},
		{`Function("return this === globalThis")()`, "true"},
		{`new Function("a", "return a").name + new Function("a", "b", "").length`, "anonymous2"},
		{`new Function("class A { get = 4 }; return new A().get")()`, "4"},
		{`eval("/[\\p{L}--a]/v.test('b')")`, "true"},
		{`eval("'\\u{1F600}'.length")`, "2"},
		{`new Function("return '\\u{10FFFF}x'.codePointAt(0)")()`, "1114111"},
		{`eval("(class { @d m() {} })"); function d() {} 1`, "1"},
		{`Object.getPrototypeOf(async function () {}).constructor("return 1")() instanceof Promise`, "true"},
		{`Object.getPrototypeOf(function* () {}).constructor("yield 7")().next().value`, "7"},
		{`var out; new Function("return async function* () { yield 1 }")()().next().then(r => { out = r.value }); 0`, "0"},
		{`out`, "1"},
		{`try { new Function("/*", "*/){") } catch (e) { e.name }`, "SyntaxError"},
		{`try { new Function("}, function () {") } catch (e) { e.name }`, "SyntaxError"},
		{`try { eval("let = ??") } catch (e) { e.name }`, "SyntaxError"},
		{`try { eval("[".repeat(100000)) } catch (e) { e.name }`, "SyntaxError"},
		{`new (class F extends Function { hi() { return this() } })("return 5").hi()`, "5"},
	} {
		v, err := rt.RunString(c.text)
		if err != nil || v.String() != c.want {
			t.Errorf("%s = %v, %v; want %s", c.text, v, err, c.want)
		}
	}
	if err := DenyEval(rt); err != nil {
		t.Fatal(err)
	}
	if v, err := rt.RunString(`try { eval("1") } catch (e) { e.name }`); err != nil || v.String() != "EvalError" {
		t.Errorf("after DenyEval: %v, %v", v, err)
	}
}

func TestOneProgramInManyRuntimes(t *testing.T) {
	s, err := Compile(t.Context(), probeModules(`
		import { n, inc } from "./live.js"; inc();
		async function* g() { yield /\p{L}/u.exec("я")[0] }
		const r = []; for await (const x of g()) r.push(x);
		export const result = r + n + import.meta.url + (await import("./m" + ".js")).default;`))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			rt := goja.New()
			e, err := s.Evaluate(rt, probeHost(&rt))
			if err != nil {
				t.Error(err)
				return
			}
			if e.Promise.State() != goja.PromiseStateFulfilled {
				t.Errorf("not fulfilled: %v", e.Promise.Result())
				return
			}
			if got := e.Namespace().Get("result").String(); got != "я1file:///bundle/worker.jsdef" {
				t.Errorf("result = %s", got)
			}
		}()
	}
	wg.Wait()
}

func TestInterruptEndsEvaluation(t *testing.T) {
	s, err := Compile(t.Context(), modules(`for (;;);`))
	if err != nil {
		t.Fatal(err)
	}
	rt := goja.New()
	timer := time.AfterFunc(20*time.Millisecond, func() { rt.Interrupt("stop") })
	defer timer.Stop()
	if _, err := s.Evaluate(rt, Host{}); err == nil {
		t.Fatal("Evaluate returned no error")
	}
}

func TestHostErrorsReachTheProgram(t *testing.T) {
	for _, c := range []struct {
		text string
		want string
	}{
		{`import "./w.wasm"`, `Error: The module "w.wasm" is WebAssembly, which is not available here.`},
		{`import x from "node:none"; x`, `Error: No such module "node:none".`},
	} {
		_, e := run(t, modules(c.text, Module{Name: "w.wasm", Kind: Wasm, Content: []byte{0}}), Host{})
		if e.Promise.State() != goja.PromiseStateRejected || e.Promise.Result().String() != c.want {
			t.Errorf("%s: %v", c.text, e.Promise.Result())
		}
	}
}

func TestImportMetaHook(t *testing.T) {
	_, e := run(t, modules(`export const result = import.meta.url + import.meta.extra`), Host{
		ImportMeta: func(m ModuleInfo, meta *goja.Object) error {
			if !m.Main || m.Name != "worker.js" {
				t.Errorf("module = %+v", m)
			}
			if err := meta.Set("url", "file:///x"); err != nil {
				return err
			}
			return meta.Set("extra", "+")
		},
	})
	if got := fulfilled(t, e).Get("result").String(); got != "file:///x+" {
		t.Errorf("result = %s", got)
	}
}

// The engine fails in functions that call eval by its name and have a pattern among
// their parameters.
func TestEvalInAFunctionWithAPattern(t *testing.T) {
	_, e := run(t, modules(`
		const f = (_, { a }) => { try { return (() => eval("1 + 1"))() } catch (e) { return e.name + a } };
		export const out = f(0, { a: 3 }) + f(0, { a: 4 });`), Host{})
	if got := fulfilled(t, e).Get("out"); got.String() != "4" {
		t.Errorf("out %v", got)
	}
}

func TestCodeFromTextWhereItIsDenied(t *testing.T) {
	rt := goja.New()
	if err := DenyEval(rt); err != nil {
		t.Fatal(err)
	}
	if v, err := RunText(rt, "name", "[1, 2].at(-1)"); err != nil || v.String() != "2" {
		t.Errorf("%v, %v", v, err)
	}
	for _, text := range []string{"1 +", "throw new SyntaxError('x')"} {
		if _, err := RunText(rt, "name", text); err == nil {
			t.Errorf("%s ran", text)
		}
	}
	f, err := NewFunction(rt, false, "sum", []string{"a", "b"}, "return a + b")
	if err != nil || f.Get("name").String() != "sum" || f.Get("length").String() != "2" {
		t.Errorf("%v, %v", f, err)
	}
	for _, parts := range [][2]string{{"a) {", ""}, {"", "}"}, {"a", "})(); (function () {"}} {
		if _, err := NewFunction(rt, true, "f", []string{parts[0]}, parts[1]); err == nil {
			t.Errorf("%q made a function", parts)
		}
	}
}

// A module that imports what there is not fails when it is reached, also through others, and
// each time; what the main module needs is missed at once.
func TestModuleThatImportsWhatIsNotThere(t *testing.T) {
	src := modules(`const told = (e) => e.name + ": " + e.message;
		export const list = [];
		for (const name of ["escapes", "bare", "named", "through", "bare", "builtin", "cjs"]) list.push(await import(name).catch(told));
		list.push((await import("fine")).default);`,
		esm("escapes", `import "../dep";`), esm("bare", `globalThis.ran = true; import "gone";`), esm("named", `import { a } from "./gone.js"; export const b = () => a;`),
		esm("through", `import "fine"; import { b } from "named"; export default b;`), esm("fine", `export default "fine"`), esm("builtin", `import x from "cloudflare:gone"; x`),
		Module{Name: "cjs", Kind: CommonJS, Content: []byte(`try { require("bare") } catch (e) { throw new RangeError(e.message.split("\n")[0]) }`)})
	src.Builtin = func(string) bool { return false }
	rt, e := run(t, src, Host{})
	list := fulfilled(t, e).Get("list").Export().([]any)
	for i, want := range []string{
		"TypeError: Invalid module specifier \"../dep\".\n  imported from \"escapes\".",
		"Error: No such module \"gone\".\n  imported from \"bare\".",
		"Error: No such module \"./gone.js\".\n  imported from \"named\".",
		"Error: No such module \"./gone.js\".\n  imported from \"named\".",
		"Error: No such module \"gone\".\n  imported from \"bare\".",
		"Error: No such module \"cloudflare:gone\".\n  imported from \"builtin\".",
		"RangeError: No such module \"gone\".",
		"fine",
	} {
		if i >= len(list) || list[i] != want {
			t.Errorf("%d: told %v, want %s", i, list, want)
		}
	}
	if rt.Get("ran") != nil {
		t.Error("a module ran whose import is not there")
	}
	src = modules(`import "a.js"; await import("b.js")`, esm("a.js", `export * from "b.js"`), esm("b.js", "\nexport * from 'gone'"))
	_, err := Compile(t.Context(), src)
	wantError(t, err, `b.js:2:15: No such module "gone".`)
}

func TestRequireOfWhatIsOutsideOfTheBundle(t *testing.T) {
	src := modules(`export const told = await import("cjs").catch((e) => e.name + ": " + e.message);
		export const inside = await import("deep/cjs").catch((e) => e.name + ": " + e.message);`,
		Module{Name: "cjs", Kind: CommonJS, Content: []byte(`require("../dep")`)},
		Module{Name: "deep/cjs", Kind: CommonJS, Content: []byte(`require("../dep")`)})
	_, e := run(t, src, Host{})
	ns := fulfilled(t, e)
	if got := ns.Get("told").String(); got != `TypeError: Invalid module specifier "../dep".` {
		t.Errorf("told %s", got)
	}
	if got := ns.Get("inside").String(); got != `Error: No such module "../dep".` {
		t.Errorf("inside %s", got)
	}
}
