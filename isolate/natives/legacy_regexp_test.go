package natives

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/dop251/goja"

	"workerd.local/internal/peer"
)

// lastMatchProbe lists what RegExp tells of the last match after each of many calls.
const lastMatchProbe = `
const names = ["$1", "$2", "$3", "$9", "input", "$_", "lastMatch", "$&", "lastParen", "$+", "leftContext", "$` + "`" + `", "rightContext", "$'"];
const told = () => names.map((n) => RegExp[n]);
const lines = [];
const probe = (what, f) => { let v; try { v = f() } catch (e) { v = "throws " + e.name } lines.push(JSON.stringify([what, v, told()])) };
const patterns = ["a", "(a)", "(a)|(b)", "", "$", "^", "(x)?b(,)?", "(?<n>b).", "(.)(.)(.)", "(?<=a)(b)", "(.)\\1", "nothing", ",", "\\b", "é"];
const flags = ["", "g", "y", "gy", "i", "u", "gu"];
const strings = ["", "xay", "abab", "a,b,,c", "baab", "naéa", "a😀b😀", "aaaa"];
for (const p of patterns) for (const f of flags) for (const s of strings) {
  const r = new RegExp(p, f);
  const at = "/" + p + "/" + f + " " + s + " ";
  for (const last of [0, 1]) {
    probe(at + "exec " + last, () => { r.lastIndex = last; return r.exec(s) });
    probe(at + "test " + last, () => { r.lastIndex = last; return r.test(s) });
    probe(at + "search " + last, () => { r.lastIndex = last; return s.search(r) });
    probe(at + "match " + last, () => { r.lastIndex = last; return s.match(r) });
  }
  r.lastIndex = 0;
  probe(at + "replace", () => s.replace(r, "-"));
  probe(at + "function", () => { const seen = []; return [s.replace(r, (...a) => { seen.push(told()); return "-" }), seen] });
  probe(at + "within", () => s.replace(r, (m) => "<" + m.replace(/(.)/, "[$1]") + RegExp.$1 + ">"));
  if (p !== "\\b") { // V8 forgets the boundary at the end of a word
    probe(at + "split", () => s.split(r));
    probe(at + "limited split", () => s.split(r, 1));
  }
  if (f.includes("g")) {
    probe(at + "matchAll", () => { const it = s.matchAll(r); const seen = []; for (const m of it) seen.push(m[0], told()); return seen });
    probe(at + "replaceAll", () => s.replaceAll(r, "$1"));
  }
}
probe("match of a string", () => "xyz".match("(y)"));
probe("search of a string", () => "xyz".search("(z)"));
probe("replace of a string", () => "xyz".replace("x", "y"));
probe("split at a string", () => "xyz".split("y"));
probe("input is given", () => { RegExp.input = 12; return [RegExp.$_, typeof RegExp.input] });
probe("input is given by its other name", () => { RegExp.$_ = "q" });
probe("input that throws", () => { RegExp.input = { toString() { throw new RangeError() } } });
probe("input that is a symbol", () => { RegExp.input = Symbol() });
probe("others are not given", () => { for (const n of names) if (n !== "input" && n !== "$_") RegExp[n] = "z" });
probe("a match after", () => /(b)/.test("abc"));
probe("no match after", () => /(z)/.test("abc"));
probe("compile", () => { const r = /(c)/; r.test("abc"); r.compile("(a)") });
probe("lastIndex is an object", () => { const r = /(.)/g; r.lastIndex = { valueOf: () => 1 }; return [r.test("abc"), r.lastIndex] });
class Sub extends RegExp {}
probe("a class", () => [new Sub("(b)(c)").exec("abc"), Sub.$2, Object.hasOwn(Sub, "$2")]);
class Own extends RegExp { exec(s) { return super.exec(s) } }
probe("an exec of a class", () => "abcb".replace(new Own("(b)", "g"), "-"));
probe("an exec that finds nothing", () => { const r = /(q)/; r.exec = () => ["x"]; return "q".match(r) });
probe("exec of others", () => RegExp.prototype.exec.call({}, "a"));
const { $1, lastMatch } = RegExp;
probe("taken apart", () => [$1, lastMatch]);
for (const n of names) {
  const d = Object.getOwnPropertyDescriptor(RegExp, n);
  lines.push(JSON.stringify([n, d.enumerable, d.configurable, d.get.name, d.get.length, d.set.name, d.set.length, d.get.call(5)]));
}
lines.push(Object.keys(RegExp).length, RegExp.prototype.exec.name, RegExp.prototype.exec.length);
lines.join("\n")`

func newRecordingRuntime(t testing.TB) (*goja.Runtime, *Library) {
	t.Helper()
	rt := goja.New()
	library, err := Install(rt, Limits{Interrupted: func() bool { return false }})
	if err == nil {
		err = library.RecordMatches()
	}
	if err == nil {
		err = library.RecordMatches()
	}
	if err != nil {
		t.Fatal(err)
	}
	return rt, library
}

func TestRegExpTellsOfItsLastMatchAsInNode(t *testing.T) {
	node := peer.Node(t)
	rt, _ := newRecordingRuntime(t)
	v, err := rt.RunString(lastMatchProbe)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(node, "-e", `process.stdout.write(JSON.stringify(eval(require("fs").readFileSync(0, "utf8"))))`)
	cmd.Stdin = strings.NewReader(lastMatchProbe)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v", err)
	}
	var text string
	if err := json.Unmarshal(out, &text); err != nil {
		t.Fatal(err)
	}
	compareProbes(t, strings.Split(v.String(), "\n"), strings.Split(text, "\n"), nil)
}
