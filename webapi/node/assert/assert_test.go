package assert_test

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"strings"
	"testing"

	"workerd.local/internal/jstest"
	"workerd.local/internal/peer"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/node"
)

var update = flag.Bool("update", false, "ask node 20 again for testdata/node.json")

func cases(t *testing.T) []string {
	t.Helper()
	data, err := os.ReadFile("testdata/cases.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			out = append(out, line)
		}
	}
	return out
}

// outcome runs code as the body of an async function and tells what it threw.
func outcome(code string) string {
	return `try { await (async () => { ` + code + "\n" + ` })(); return "fine" } catch (e) {
		const own = e && typeof e === "object" ? [e.generatedMessage, e.operator, e.code, Object.keys(e)] : [];
		return JSON.stringify([String(e), e?.message, e?.name, e?.constructor?.name, ...own]) }`
}

// ask has node run the cases.
func ask(t *testing.T, cases []string) {
	t.Helper()
	exe := peer.Node(t)
	var src strings.Builder
	src.WriteString("const assert = require('assert'); const out = {}; (async () => {\n")
	for _, c := range cases {
		name, _ := json.Marshal(c)
		src.WriteString("out[" + string(name) + "] = await (async () => { " + outcome(c) + " })();\n")
	}
	src.WriteString("process.stdout.write(JSON.stringify(out, null, '\\t')) })()")
	cmd := exec.Command(exe, "--no-deprecation", "-e", src.String())
	cmd.Stderr = os.Stderr
	got, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("testdata/node.json", append(got, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestAssertSaysWhatNodeSays compares the outcome of every line of testdata/cases.txt
// with what node 20 said.
func TestAssertSaysWhatNodeSays(t *testing.T) {
	cases := cases(t)
	if *update {
		ask(t, cases)
	}
	data, err := os.ReadFile("testdata/node.json")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	e := jstest.New(t, node.Module)
	for _, c := range cases {
		if want[c] == "" {
			t.Errorf("%s: node has not been asked; run with -update", c)
			continue
		}
		e.Want(`const { default: assert } = await import("node:assert"); `+outcome(c), want[c])
	}
}

// Where node 20 puts a difference below the caller's message, workerd leaves the
// message as it is.
func TestOwnMessageIsTheWholeMessage(t *testing.T) {
	e := jstest.New(t, node.Module)
	e.Want(`const { default: assert } = await import("node:assert");
		const out = [];
		for (const f of ["strictEqual", "deepStrictEqual"]) try { assert[f](1, 2, "my words") } catch (e) { out.push(e.message) }
		return out`, `["my words","my words"]`)
}

func TestNestedTooDeepIsARangeError(t *testing.T) {
	e := jstest.New(t, node.Module)
	e.Want(`const { default: assert } = await import("node:assert");
		const nest = (n) => { let v = {}; for (let i = 0; i < n; i++) v = { v }; return v };
		assert.deepStrictEqual(nest(200), nest(200));
		try { assert.deepStrictEqual(nest(100000), nest(100000)) } catch (e) { return String(e) }`, `RangeError: Maximum call stack size exceeded`)
}

func TestErrorsThatCauseThemselves(t *testing.T) {
	e := jstest.New(t, node.Module)
	e.Want(`const { default: assert } = await import("node:assert");
		const [a, b] = [1, 2].map(() => { const e = new Error("x", { cause: 1 }); Object.defineProperty(e, "cause", { value: e }); return e });
		assert.deepStrictEqual(a, b); return "equal"`, "equal")
}

func TestPatchedPrototypesDoNotReachAssert(t *testing.T) {
	e := jstest.New(t, node.Module)
	e.Want(`const { default: assert } = await import("node:assert");
		const [left, right] = [1, 1].map((v) => new Map([[{ a: v }, [new Set([v])]]]));
		const broken = () => { throw new Error("patched") };
		for (const c of [Array, Map, Set, String, RegExp, Object, Date]) for (const k of Object.getOwnPropertyNames(c.prototype))
			if (k !== "constructor" && typeof Object.getOwnPropertyDescriptor(c.prototype, k).value === "function") c.prototype[k] = broken;
		assert.deepStrictEqual(left, right);
		assert.throws(() => { throw new TypeError("x") }, { name: "TypeError", message: /x/ });
		try { assert.deepStrictEqual([1, { a: 2 }], [1, { a: 3 }]) } catch (e) { return e.message }`,
		"Expected values to be strictly deep-equal:\n+ actual - expected\n\n  [\n    1,\n    {\n+     a: 2\n-     a: 3\n    }\n  ]")
}

// Workers have workerd's functions: those with loose names compare strictly.
func TestLooseNamesAreStrictInWorkers(t *testing.T) {
	e := jstest.New(t, node.Module)
	const source = `const { default: assert } = await import("node:assert"), out = [];
		for (const f of [() => assert.equal(1, "1"), () => assert.deepEqual([1], ["1"]), () => assert.notEqual(1, "1"), () => assert.notDeepEqual({ a: 1 }, { a: "1" }), () => assert.equal(1), () => assert.deepEqual([NaN], [NaN])])
			try { f(); out.push("fine") } catch (e) { out.push(e.operator ?? e.code) }
		return out`
	e.Want(source, `["fine","fine","!=","notDeepEqual","ERR_MISSING_ARGS","fine"]`)
	e = jstest.New(t, node.Module)
	e.In(func(js *isolate.JS, _ *iocontext.Context) { bind.ProgramOf(js).Worker = true })
	e.Want(source, `["strictEqual","deepStrictEqual","fine","fine","ERR_MISSING_ARGS","fine"]`)
}

func TestPartIsWithinTheWhole(t *testing.T) {
	e := jstest.New(t, node.Module)
	for _, c := range []struct{ whole, part, want string }{
		{"{ a: 1, b: { c: [1, { d: 2, e: 3 }] } }", "{ b: { c: [{ e: 3 }] } }", "fine"},
		{"[1, 2, 3, 4]", "[2, 4]", "fine"},
		{"[1, 2, 3]", "[3, 2]", "fails"},
		{"[1, , 3]", "[, 3]", "fine"},
		{"{ a: 1 }", "{ a: '1' }", "fails"},
		{"{ a: undefined }", "{ b: undefined }", "fails"},
		{"0", "-0", "fails"},
		{"NaN", "NaN", "fine"},
		{"new Set([1, { a: 1, b: 2 }, { a: 1 }])", "new Set([{ a: 1 }, { b: 2 }])", "fails"},
		{"new Set([1, { b: 2 }, { a: 1, c: 3 }])", "new Set([{ a: 1 }, 1])", "fine"},
		{"new Set([1])", "new Set([1, 2])", "fails"},
		{"new Map([[{ k: 1, l: 2 }, 1], ['x', { y: 1, z: 2 }]])", "new Map([['x', { z: 2 }], [{ k: 1 }, 1]])", "fine"},
		{"new Map([['x', 1]])", "new Map([['x', 2]])", "fails"},
		{"new Map([['x', 1]])", "new Map([['y', 1]])", "fails"},
		{"new Uint8Array([1, 2, 3])", "new Uint8Array([1, 3])", "fine"},
		{"new Uint8Array([1, 2, 3])", "new Uint8Array([4])", "fails"},
		{"new Uint8Array([1])", "new Int8Array([1])", "fails"},
		{"new Date(5)", "new Date(6)", "fails"},
		{"/a/g", "/a/", "fails"},
		{"Object('ab')", "Object('a')", "fails"},
		{"new TypeError('x', { cause: { a: 1, b: 2 } })", "new TypeError('x', { cause: { a: 1 } })", "fine"},
		{"new TypeError('x', { cause: 1 })", "new TypeError('x', { cause: 2 })", "fails"},
		{"new RangeError('x')", "new TypeError('x')", "fails"},
		{"{ [Symbol.iterator]: 1, a: 2 }", "{ [Symbol.iterator]: 1 }", "fine"},
		{"{ a: 2 }", "{ [Symbol.iterator]: 1 }", "fails"},
		{"{ a: 1 }", "null", "fails"},
		{"[1]", "{ 0: 1 }", "fails"},
		{"(() => { const o = { a: 1, b: 2 }; o.o = o; return o })()", "(() => { const o = { a: 1 }; o.o = o; return o })()", "fine"},
		{"Object.create({ a: 1 })", "{ a: 1 }", "fails"},
	} {
		e.Want(`const { default: assert } = await import("node:assert"); try { assert.partialDeepStrictEqual(`+c.whole+`, `+c.part+`); return "fine" } catch (e) { return e.code === "ERR_ASSERTION" && e.operator === "partialDeepStrictEqual" ? "fails" : String(e) }`, c.want)
	}
	e.Want(`const { default: assert } = await import("node:assert"), out = [];
		const nest = (n) => { let v = {}; for (let i = 0; i < n; i++) v = { v }; return v };
		for (const f of [() => assert.partialDeepStrictEqual(1), () => assert.partialDeepStrictEqual({ a: 1 }, { a: 2 }), () => assert.partialDeepStrictEqual({}, 1, "mine"), () => assert.partialDeepStrictEqual(1, 2, new RangeError("own")), () => assert.strict.partialDeepStrictEqual(nest(9000), nest(9000))])
			try { f() } catch (e) { out.push(e.message) }
		return out`, `["The \"actual\" and \"expected\" arguments must be specified","Expected values to be partially and strictly deep-equal:\n+ actual - expected\n\n  {\n+   a: 1\n-   a: 2\n  }","mine","own","Maximum call stack size exceeded"]`)
}
