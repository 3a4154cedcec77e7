package program_test

import (
	"strings"
	"testing"
)

func TestImport(t *testing.T) {
	want(t, `
-- main.mjs --
import def, { named, counter, inc, loop, whole } from "./lib.mjs";
import * as ns from "./lib.mjs";
import fs, { readFileSync } from "node:fs";
import cjs, { x } from "./c.cjs";
import data from "./d.json" with { type: "json" };
console.log(def(), named, counter, inc(), counter, ns.counter, x, cjs.z, data.j, ns.starred);
console.log(Object.prototype.toString.call(ns), Object.keys(ns).join());
console.log(fs.readFileSync === readFileSync, import.meta.url.startsWith("file:///"), import.meta.filename.endsWith("/main.mjs"), import.meta.main);
const again = await import("./lib.mjs");
console.log(again === ns, again.default === def, this, typeof require, def.name, loop());
for (const missing of ["./nope.mjs", "nopkg", "node:nope"]) await import(missing).catch((e) => console.log(e.code));
const o = { named, f({ named }) { return named; } };
console.log(o.named, o.f({ named: 7 }), whole.starred, ns.whole === whole);
process.nextTick(() => console.log("tick"));
Promise.resolve().then(() => console.log("microtask"));
-- lib.mjs --
import { helper } from "./cycle.mjs";
export default function () { return "def"; }
export const named = "named";
export let counter = 0;
export function inc() { return ++counter; }
export function loop() { return helper(); }
export * from "./star.mjs";
export * as whole from "./star.mjs";
-- cycle.mjs --
import { loop, inc } from "./lib.mjs";
console.log("cycle", typeof loop, typeof inc);
export function helper() { return "helped"; }
-- star.mjs --
export const starred = await Promise.resolve(9);
export default 1;
-- c.cjs --
exports.x = 1;
exports.z = require.main === module;
-- d.json --
{"j": 1}
`, `
cycle function function
def named 0 1 1 1 1 false 1 9
[object Module] counter,default,inc,loop,named,starred,whole
true true true true
true true undefined undefined default helped
ERR_MODULE_NOT_FOUND
ERR_MODULE_NOT_FOUND
ERR_UNKNOWN_BUILTIN_MODULE
named 7 9 true
microtask
tick`)
}

func TestRequireOfModules(t *testing.T) {
	want(t, `
-- main.cjs --
const m = require("./m.mjs");
console.log(m.default, m.v, m.__esModule, require("./m.mjs") === m, require("./typed").E.B, require("./marked.mjs"));
try { require("./waits.mjs"); } catch (e) { console.log(e.code); }
import("./waits.mjs").then((ns) => console.log(ns.late));
import("./cycle.mjs").catch((e) => console.log(e.code));
-- m.mjs --
export default 3;
export const v = 4;
-- marked.mjs --
export default 1;
export { five as "module.exports" };
const five = 5;
-- waits.mjs --
export const late = await new Promise((resolve) => setTimeout(resolve, 1, "late"));
-- typed.ts --
export enum E { A, B }
interface Gone { x: number }
export const f = (g: Gone): number => <number>g.x;
-- cycle.mjs --
import "./back.cjs";
-- back.cjs --
require("./cycle.mjs");
`, `
3 4 true true 1 5
ERR_REQUIRE_ASYNC_MODULE
ERR_REQUIRE_CYCLE_MODULE
late`)
}

func TestMistakesOfModules(t *testing.T) {
	for _, c := range []struct{ name, files, out string }{
		{"no such export", `
-- main.mjs --
import { a } from "./b.mjs";
-- b.mjs --
export const b = 1;
`, "file://DIR/main.mjs:1\nimport { a } from \"./b.mjs\";\n         ^\n\nSyntaxError: The requested module './b.mjs' does not provide an export named 'a'"},
		{"no such name of CommonJS", `
-- main.mjs --
import { nope } from "./c.cjs";
-- c.cjs --
exports.yes = 1;
`, "SyntaxError: Named export 'nope' not found. The requested module './c.cjs' is a CommonJS module"},
		{"a mistake in what is imported", `
-- main.mjs --
import "./b.mjs";
-- b.mjs --
const a = 1;
export const b = ;
`, "file://DIR/b.mjs:2\nexport const b = ;\n                 ^\n\nSyntaxError: Unexpected token ';'"},
		{"an exception", `
-- main.mjs --
await import("./b.mjs");
-- b.mjs --
throw new RangeError("from b");
`, "file://DIR/b.mjs:1\nthrow new RangeError(\"from b\");\n      ^\n\nRangeError: from b\n    at file://DIR/b.mjs:1:7"},
		{"an ambiguous name", `
-- main.mjs --
import { x } from "./both.mjs";
-- both.mjs --
export * from "./a.mjs";
export * from "./b.mjs";
-- a.mjs --
export const x = 1;
-- b.mjs --
export const x = 2;
`, "SyntaxError: The requested module './both.mjs' contains conflicting star exports for name 'x'"},
		{"a directory", `
-- main.mjs --
import "./dir";
-- dir/index.js --
`, "Error: Directory import 'DIR/dir' is not supported resolving ES modules imported from DIR/main.mjs"},
	} {
		dir := write(t, c.files)
		r := run(t, dir, "main.mjs")
		if r.code != 1 || !strings.Contains(r.err, c.out) {
			t.Errorf("%s: code %d\n%s\nwant\n%s", c.name, r.code, r.err, c.out)
		}
	}
}

func TestTopLevelAwaitThatNothingSettles(t *testing.T) {
	dir := write(t, `
-- main.mjs --
process.on("exit", (code) => console.log("exit", code));
await new Promise(() => {});
`)
	if r := run(t, dir, "main.mjs"); r.code != 13 || r.out != "exit 13\n" || r.err != "Warning: Detected unsettled top-level await at file://DIR/main.mjs:2\nawait new Promise(() => {});\n^\n\n\n" {
		t.Errorf("code %d\n%s\n%s", r.code, r.out, r.err)
	}
	// The place is that of the module that waits, and has no line where it may wait in several.
	for name, c := range map[string]struct{ files, place string }{
		"imported": {"-- main.mjs --\nimport './a.mjs';\n-- a.mjs --\nexport {};\nif (true) { await import('./b.mjs'); }\n-- b.mjs --\nawait new Promise(() => {});\n",
			"file://DIR/a.mjs:2\nif (true) { await import('./b.mjs'); }\n            ^\n\n\n"},
		"several":    {"-- main.mjs --\nawait 1;\nawait new Promise(() => {});\n", "file://DIR/main.mjs\n"},
		"TypeScript": {"-- main.mts --\ninterface X {\n}\nconst x: X = await new Promise(() => {});\n", "file://DIR/main.mts:3\nconst x: X = await new Promise(() => {});\n             ^\n\n\n"},
	} {
		entry, _, _ := strings.Cut(strings.TrimPrefix(c.files, "-- "), " --")
		if r := run(t, write(t, c.files), entry); r.code != 13 || r.err != "Warning: Detected unsettled top-level await at "+c.place {
			t.Errorf("%s: code %d\n%s\n%s", name, r.code, r.out, r.err)
		}
	}
	// It is no matter where an import waits for a module that does not settle, and nobody waits for the import.
	if r := run(t, write(t, "-- main.mjs --\nimport('./b.mjs');\n-- b.mjs --\nawait new Promise(() => {});\n"), "main.mjs"); r.code != 0 || r.err != "" {
		t.Errorf("code %d\n%s\n%s", r.code, r.out, r.err)
	}
}

func TestWhatRequireFailsAt(t *testing.T) {
	want(t, `
-- main.js --
const tell = (f) => { try { console.log("loaded", f()); } catch (e) { console.log(e.code, e.message.split("\n")[0].replaceAll(__dirname, "")); } };
tell(() => require("./none"));
tell(() => require("./empty"));
tell(() => require("./broken.json"));
tell(() => require("./badpkg"));
tell(() => require("./flaky"));
tell(() => require("./flaky"));
tell(() => require("closed/inside"));
tell(() => require(""));
tell(() => require(5));
tell(() => require("#nothing"));
tell(() => require("./native.node"));
tell(() => require("node:nothing"));
console.log(Object.keys(require.cache).length, module.children.length, globalThis.count);
-- empty/readme.txt --
-- broken.json --
{"a":
-- badpkg/package.json --
{
-- badpkg/index.js --
-- flaky.js --
globalThis.count = (globalThis.count ?? 0) + 1;
if (globalThis.count === 1) throw new Error("the first time");
module.exports = "the second time";
-- node_modules/closed/package.json --
{"exports": {".": "./main.js"}}
-- node_modules/closed/inside.js --
-- native.node --
`, `
MODULE_NOT_FOUND Cannot find module './none'
MODULE_NOT_FOUND Cannot find module './empty'
undefined /broken.json: Unexpected end of JSON input
ERR_INVALID_PACKAGE_CONFIG Invalid package config /badpkg/package.json.
undefined the first time
loaded the second time
ERR_PACKAGE_PATH_NOT_EXPORTED Package subpath './inside' is not defined by "exports" in /node_modules/closed/package.json
ERR_INVALID_ARG_VALUE The argument 'id' must be a non-empty string. Received ''
ERR_INVALID_ARG_TYPE The "id" argument must be of type string. Received type number (5)
MODULE_NOT_FOUND Cannot find module '#nothing'
ERR_DLOPEN_FAILED /native.node: native addons cannot be loaded here
ERR_UNKNOWN_BUILTIN_MODULE No such built-in module: node:nothing
2 1 2`)
}
