package natives

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"workerd.local/internal/peer"
)

// regexpProbe runs every expression over every string with every method and lists
// what comes out, one line each.
const regexpProbe = `
const patterns = ["a", "a*", "", "b|", "^", "$", "\\b", "\\B", "^a", "a$", "(a)|(b)", "(a)(b)?", "(?<n>a)|(?<m>b)", ".", "[^a]", "\\s+",
  ",", "(,)", "a+?b", "ab|a", "a{2}", "\\w\\b", "\\ba", "(?=a)", "a(?!b)", "(?<=a)b", "(?<!a)b", "(.)\\1", "é", "\\u{1F600}", "\\ud83d", "[aé]", "(?:)b?"];
const flags = ["", "g", "y", "gy", "gm", "gi", "gu", "u", "guy"];
const strings = ["", "a", "aab", "abab", "baab", "a,b,,c", "A b\na b", "aéa", "é", "a😀b😀", "😀", "\ud83da", "aa bb\nab", "ab".repeat(40)];
const templates = ["-", "", "[$&]", "$$$1$2$3$01$10$0", "` + "$`|$'" + `", "$<n>$<m>$<z>$<", "$"];
const lines = [];
const probe = (what, f) => { let s; try { s = JSON.stringify(f()) } catch (e) { s = "throws " + e.name } lines.push(what + " = " + s) };
for (const p of patterns) for (const f of flags) {
  let r;
  try { r = new RegExp(p, f) } catch { continue }
  for (const s of strings) for (const last of [0, 1]) {
    const at = "/" + p + "/" + f + " " + JSON.stringify(s) + " " + last;
    const fresh = () => { r.lastIndex = last; return r };
    probe(at + " match", () => [s.match(fresh()), r.lastIndex]);
    probe(at + " search", () => [s.search(fresh()), r.lastIndex]);
    probe(at + " split", () => [s.split(fresh()), s.split(r, 2), s.split(r, 0), r.lastIndex]);
    for (const t of templates) probe(at + " replace " + t, () => [s.replace(fresh(), t), r.lastIndex]);
    probe(at + " function", () => { const seen = []; return [s.replace(fresh(), (...a) => { seen.push(a); return r.lastIndex }), seen, r.lastIndex] });
  }
}
lines.join("\n")`

// probed runs the probe with the engine's own exec, or, generic, with an exec of the
// script that calls it: then the methods take the steps of the specification one by one.
func probed(t *testing.T, generic bool) []string {
	t.Helper()
	rt := newRuntime(t, Limits{})
	if generic {
		if _, err := rt.RunString(`{ const exec = RegExp.prototype.exec; RegExp.prototype.exec = function (s) { return exec.call(this, s) } }`); err != nil {
			t.Fatal(err)
		}
	}
	v, err := rt.RunString(regexpProbe)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(v.String(), "\n")
}

func compareProbes(t *testing.T, got, want []string, known func(line string) bool) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d results, want %d", len(got), len(want))
	}
	wrong := 0
	for i := range got {
		if got[i] == want[i] || known != nil && known(want[i]) {
			continue
		}
		if wrong++; wrong <= 40 {
			t.Errorf("got  %s\nwant %s", got[i], want[i])
		}
	}
	if wrong > 40 {
		t.Errorf("and %d more of %d", wrong-40, len(got))
	}
}

func TestRegExpMethodsAgreeWithNode(t *testing.T) {
	node := peer.Node(t)
	cmd := exec.Command(node, "-e", `process.stdout.write(JSON.stringify(eval(require("fs").readFileSync(0, "utf8"))))`)
	cmd.Stdin = strings.NewReader(regexpProbe)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v", err)
	}
	var text string
	if err := json.Unmarshal(out, &text); err != nil {
		t.Fatal(err)
	}
	compareProbes(t, probed(t, false), strings.Split(text, "\n"), func(line string) bool {
		// V8 finds \B between the halves of a pair, where flag u has no position.
		return strings.HasPrefix(line, `/\B/g`) && strings.Contains(line, "u") && strings.Contains(line, "😀") || strings.HasPrefix(line, `/\B/u "`) && strings.Contains(line, "😀")
	})
}

// The methods must do the same with our own loop as with the steps of ECMA-262
// around exec.
func TestRegExpLoopsAgreeWithExec(t *testing.T) {
	compareProbes(t, probed(t, false), probed(t, true), func(line string) bool {
		// The engine's exec forgets the names of groups under flag u where the string is not ASCII.
		return strings.HasPrefix(line, "/(?<n>") && (!isASCIIText(line) || strings.Contains(line, `\ud83d`))
	})
}

// Searches within searches, of the same expression too, do not disturb each other.
func TestSearchesWithinSearches(t *testing.T) {
	rt := newRuntime(t, Limits{Interrupted: func() bool { return false }})
	v, err := rt.RunString(`
		const r = /[a-c]/g, out = [];
		out.push("xaybzc".replace(r, m => "abc".replace(/./g, n => n === m ? "<" + "a,b".split(/,/).join("") + n.match(r) + ">" : "")));
		try { "abc".replace(r, () => { throw 1; }); } catch (e) { out.push(e); }
		out.push("abcd".match(r).length, "a-b-c".split(/-/).join());
		let asked = 0;
		const own = /b/;
		Object.defineProperty(own, Symbol.match, { get() { asked++; return () => "mine"; } });
		Object.defineProperty(own, Symbol.split, { get() { asked++; return (s, limit) => s + limit; } });
		out.push("abc".match(own), "abc".split(own, 2), asked);
		class Sub extends RegExp { [Symbol.replace](s, by) { return typeof s + by; } }
		out.push("abc".replace(new Sub("b"), "x"), Reflect.apply("".replace, 12321, [/2/g, "-"]));
		out.join("|")`)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := v.String(), "x<aba>y<abb>z<abc>|1|3|a,b,c|mine|abc2|2|stringx|1-3-1"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestTestAsksExec: what a script puts in the place of exec decides for test, too.
func TestTestAsksExec(t *testing.T) {
	rt := newRuntime(t, Limits{})
	v, err := rt.RunString(`(() => {
		const log = [], named = (f) => { try { return f() } catch (e) { return e.name + ": " + e.message } };
		class R extends RegExp { exec(s) { log.push(s); return super.exec(s) } }
		const own = /x/; own.exec = () => null;
		const any = { exec: (s) => s === "7" ? {} : null };
		return [new R("x", "g").test("axb"), new R("x").test(12), own.test("x"), RegExp.prototype.test.call(any, 7), RegExp.prototype.test.call(any, 8), /x/.test("x"), log.join("|"),
			named(() => RegExp.prototype.test.call({ exec: () => 5 })), named(() => RegExp.prototype.test.call({}, "x")), RegExp.prototype.test.length].join("\n")
	})()`)
	if err != nil {
		t.Fatal(err)
	}
	want := "true\nfalse\nfalse\ntrue\nfalse\ntrue\naxb|12\nTypeError: RegExp exec method returned something other than an Object or null\n" +
		"TypeError: Method RegExp.prototype.exec called on incompatible receiver #<Object>\n1"
	if v.String() != want {
		t.Errorf("got  %s\nwant %s", v, want)
	}
}
