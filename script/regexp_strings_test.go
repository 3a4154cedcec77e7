package script

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/dop251/goja"

	"workerd.local/internal/emoji"
	"workerd.local/internal/peer"
)

// stringsProbe says of each text which properties of strings it is a member of.
const stringsProbe = `
const properties = ["Basic_Emoji", "Emoji_Keycap_Sequence", "RGI_Emoji_Modifier_Sequence", "RGI_Emoji_Flag_Sequence", "RGI_Emoji_Tag_Sequence", "RGI_Emoji_ZWJ_Sequence", "RGI_Emoji"]
  .map((p) => [new RegExp("^\\p{" + p + "}$", "v"), new RegExp("^[\\p{" + p + "}]$", "vi")]);
const texts = new Set(["", "a", "1", "😀😀", "\ud83d"]);
for (const s of sequences) {
  const c = [...s];
  texts.add(s).add(s + "\ufe0f").add(s.replaceAll("\ufe0f", "")).add(c.slice(0, -1).join("")).add(c.slice(1).join("")).add(c[0]).add(c[0] + "\u{1f3fd}").add(c[0] + "\ufe0e")
    .add(s + "\u200d♂️").add(s.replace(/[\u{1f3fb}-\u{1f3ff}]/u, "\u{1f3fd}")).add(c.reverse().join(""));
}
for (let a = 0; a < 26; a++) for (let b = 0; b < 26; b++) texts.add(String.fromCodePoint(0x1f1e6 + a, 0x1f1e6 + b));
const lines = [];
for (const s of texts) {
  let is = "";
  for (const [r, folded] of properties) is += r.test(s) ? 1 : 0, is += folded.test(s) ? 1 : 0;
  lines.push([...s].map((c) => c.codePointAt(0).toString(16)).join(" ") + ": " + is);
}
const all = [...texts].join(" ");
lines.push(JSON.stringify(all.match(/\p{RGI_Emoji}/gv).slice(0, 5000)));
lines.join("\n")`

func emojiText(t *testing.T) string {
	t.Helper()
	list, err := json.Marshal(emoji.Sequences(emoji.All))
	if err != nil {
		t.Fatal(err)
	}
	return "const sequences = " + string(list) + ";\n" + stringsProbe
}

func TestPropertiesOfStringsAreNodes(t *testing.T) {
	node := peer.Node(t)
	version, err := exec.Command(node, "-p", "process.versions.unicode").Output()
	if err != nil {
		t.Fatal(err)
	}
	if v := strings.TrimSpace(string(version)); v != "17.0" {
		t.Skipf("node has the emoji of Unicode %s, not 17.0", v)
	}
	text := emojiText(t)
	cmd := exec.Command(node, "-e", `process.stdout.write(eval(require("fs").readFileSync(0, "utf8")))`)
	cmd.Stdin = strings.NewReader(text)
	want, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	got := runText(t, text)
	g, w := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	if len(g) != len(w) {
		t.Fatalf("%d lines, want %d", len(g), len(w))
	}
	wrong := 0
	for i := range g {
		if g[i] != w[i] {
			if wrong++; wrong < 20 {
				t.Errorf("got %.300s, want %.300s", g[i], w[i])
			}
		}
	}
}

func runText(t *testing.T, text string) string {
	t.Helper()
	v, err := RunText(goja.New(), "test.js", text)
	if err != nil {
		t.Fatal(err)
	}
	return v.String()
}

func TestPropertiesOfStrings(t *testing.T) {
	for text, want := range map[string]string{
		`"x👩‍👩‍👧‍👦👩‍👩‍👧y".match(/\p{RGI_Emoji}/gv).length`:                                                                                     "2",
		`"👍👍🏽".match(/\p{RGI_Emoji}+/v)[0].length`:                                                                                             "6",
		`"👍🏽".match(/^[\p{RGI_Emoji}--\q{👍🏽}]/v)[0]`:                                                                                           "👍",
		`"🇩🇪🇪🇺".match(/[\p{RGI_Emoji}&&\p{RGI_Emoji_Flag_Sequence}]/gv).join()`:                                                                "🇩🇪,🇪🇺",
		`/^(?<e>\p{Basic_Emoji})\k<e>$/v.test("☎️☎️")`:                                                                                         "true",
		`/(?<=\p{RGI_Emoji})x/v.exec("👩‍⚕️x").index`:                                                                                           "5",
		`"ABCabc".match(/[\q{abc|ab|a}b]/giv).join()`:                                                                                          "ABC,abc",
		`"aabxbcab".match(/[\q{abc|ab|a|xbc|}]/v)[0] + "-" + /[\q{abc|ab|}]$/v.exec("aabc")[0]`:                                                "a-abc",
		`"Ab abc".match(/[\q{Ab|abc}]/giv).join()`:                                                                                             "Ab,abc",
		`/^\p{Basic_Emoji}$/iv.test("ⓜ\ufe0f") + " " + /^\p{Basic_Emoji}$/v.test("ⓜ\ufe0f")`:                                                   "true false",
		`/^(?i:\p{Basic_Emoji})$/v.test("ⓜ\ufe0f") + " " + /^(?i:a)\p{Basic_Emoji}$/v.test("Aⓜ\ufe0f")`:                                        "true false",
		`new RegExp("\\P{RGI_Emoji}", "v")`:                                                                                                    "SyntaxError: Invalid regular expression: /\\P{RGI_Emoji}/v: Invalid property name",
		`new RegExp("[^\\p{RGI_Emoji}]", "v")`:                                                                                                 "SyntaxError: Invalid regular expression: /[^\\p{RGI_Emoji}]/v: Negated character class may contain strings",
		`new RegExp("\\p{RGI_Emoji}", "u")`:                                                                                                    "SyntaxError: Invalid regular expression: /\\p{RGI_Emoji}/u: Invalid property name",
		`new RegExp("\\p{RGI_Emojis}", "v")`:                                                                                                   "SyntaxError: Invalid regular expression: /\\p{RGI_Emojis}/v: Invalid property name",
		`new RegExp("\\p", "v")`:                                                                                                               "SyntaxError: Invalid regular expression: /\\p/v: Invalid property name",
		`new RegExp("[\\q{" + "a|aa|aaa|".repeat(9) + "a".repeat(500) + "}]", "v").exec("a".repeat(499))[0].length`:                            "3",
		`new RegExp("[\\q{" + Array.from({ length: 90 }, (_, n) => "a".repeat(n)).join("|") + "}]", "v").exec("a".repeat(80) + "b")[0].length`: "80",
	} {
		if got := runText(t, "{ let r; try { r = String("+text+") } catch (e) { r = String(e) } r }"); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
