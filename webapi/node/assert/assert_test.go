package assert_test

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"strings"
	"testing"

	"workerd.local/internal/jstest"
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
	exe, err := exec.LookPath("node")
	if err != nil {
		t.Fatal(err)
	}
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
