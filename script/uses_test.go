package script

import (
	"regexp"
	"testing"

	"pgregory.net/rapid"
)

// The loops find what these expressions find.
func TestUsesAreThoseOfTheExpressions(t *testing.T) {
	for name, c := range map[string]struct {
		of    func(string) bool
		want  *regexp.Regexp
		words []string
	}{
		"big operators": {usesBigOperators, regexp.MustCompile(`\*\*|<<|>>`), []string{"*", "**", "<", "<<", ">", ">>", "a", " "}},
		"BigInts": {usesBigInts, regexp.MustCompile(`\bBigInt\b|\bBigU?Int64|\b[0-9][0-9a-fA-FxXoO_]*n\b`),
			[]string{"Big", "BigInt", "BigInt64", "BigUInt", "BigUInt64", "Int", "U", "64", "x", "_", " ", ".", "é", "0", "1", "0x", "f", "n", "12n", "n1"}},
		"regular expressions": {usesOwnRegExps, regexp.MustCompile(`\\[pP]\{|\(\?[ims]*-?[ims]*:|/[gisuy]*[dmv][dgimsuvy]*\b`),
			[]string{`\p`, `\P{`, "{", "(?", "(", "?", "i", "m", "-", ":", "/", "/d", "/g", "d", "m", "v", "gv", "x", "_", " ", ";", "é"}},
	} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				text := ""
				for _, w := range rapid.SliceOfN(rapid.SampledFrom(c.words), 0, 8).Draw(t, "words") {
					text += w
				}
				if got, want := c.of(text), c.want.MatchString(text); got != want {
					t.Fatalf("%q: %v, want %v", text, got, want)
				}
			})
		})
	}
}

func TestLoadsAtRunTimeIsThatOfTheExpression(t *testing.T) {
	want := regexp.MustCompile("\\b(?:import|require)\\s*(?:/\\*[^*]*\\*/\\s*)?\\(\\s*[^\\s\"')]|\\bcreateRequire\\b|\\brequire\\b\\s*[^\\s(:]")
	words := []string{"import", "require", "createRequire", "create", "Require", "(", "'x'", `"`, ")", "x", ":", " ", "/* c */", "\n", "_", ".", "é"}
	rapid.Check(t, func(t *rapid.T) {
		text := ""
		for _, w := range rapid.SliceOfN(rapid.SampledFrom(words), 0, 8).Draw(t, "words") {
			text += w
		}
		if got := loadsAtRunTime([]byte(text)); got != want.MatchString(text) {
			t.Fatalf("%q: %v", text, got)
		}
	})
}

func TestUsesOfTheLastMatch(t *testing.T) {
	for text, want := range map[string]bool{
		`x = RegExp.$1`: true, `RegExp . $_`: true, `RegExp?.$1`: true, `RegExp["$1"]`: true, "RegExp[`$1`]": true, `RegExp["$" + i]`: true,
		`window.RegExp.$2`: true, `RegExp.input`: true, `RegExp["input"]`: true, `var {$1} = RegExp`: true, `R=RegExp;R.$9+1`: true, `R=RegExp;R.$_`: true,
		`RegExp.lastMatch`: true, `const m = "leftContext"; f(RegExp, m)`: true, `{ $1: a }=RegExp;`: true, "RegExp\n.$1": true,
		``: false, `new RegExp("a")`: false, `a.input`: false, `a.$1`: false, `RegExp.prototype.exec`: false, `MyRegExp.$1`: false, `RegExps.$1`: false,
		`$RegExp.$1`: false, `new RegExp(x).input`: false, `"a".replace(new RegExp(b), "$1")`: false, `R=RegExp;R.$10`: false, `R=RegExp;R.$a`: false,
		`x = RegExp; y = {}`: false, `if (a == RegExp) {}`: false, `lastMatch`: false, `RegExp`: false, `RegExp input`: false, `const { prototype } = RegExp`: true,
	} {
		if got := usesLastMatch(text); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}
