package isolate_test

import (
	"strings"
	"testing"

	"workerd.local/isolate"
)

// Scripts that ask RegExp for its last match find it, however they ask, and others
// pay nothing: their realms do not even have the properties.
func TestLastMatchIsForScriptsThatAskForIt(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"by name":                     {`/(b)/.exec("abc"); log(RegExp.$1 + RegExp.lastMatch + RegExp.rightContext)`, "bbc"},
		"in brackets":                 {`"abc".replace(/(b)/, "x"); log(RegExp["$" + 1])`, "b"},
		"taken apart":                 {`"abc".match(/(b)/); const { $1, leftContext } = RegExp; log($1 + leftContext)`, "ba"},
		"another name for it":         {`const R = RegExp; R("(b)").test("abc"); log(R.$1)`, "b"},
		"eval":                        {`/(b)/.exec("abc"); log((0, eval)("/(c)/.test('abc'); RegExp.$1"))`, "c"},
		"a function of text":          {`log(new Function("s", "'use strict'; s.split(/(,)/); return RegExp['$1'] + RegExp.input")("a,b"))`, ",a,b"},
		"text after it began":         {`/(b)/.exec("abc"); const name = ["Reg", "Exp"].join(""); log((0, eval)(name + ".$1") + "|" + (0, eval)("/(b)/.exec('abc'); " + name + ".$1"))`, "|b"},
		"flag d":                      {`/(?<n>b)(c)?/d.exec("abd"); log(RegExp.$1 + RegExp.$2 + RegExp.leftContext)`, "ba"},
		"flag d of a class":           {`class R extends RegExp {} new R("(c)", "d").test("abc"); log(R.$1 + RegExp["$'"])`, "c"},
		"flag v and properties":       {`"1é2".match(/(\p{L})/v); log(RegExp.$1 + RegExp.lastParen)`, "éé"},
		"all matches":                 {`[..."a1b2".matchAll(/[a-z](\d)/g)]; log(RegExp.$1 + RegExp["$&"])`, "2b2"},
		"in a function that replaces": {`log("ab".replace(/(.)/g, () => RegExp.$1))`, "bb"},
		"nobody asks":                 {`const R = RegExp; R("(b)").test("abc"); log(Object.getOwnPropertyNames(R).some((n) => n.startsWith(["last", "M"].join(""))))`, "false"},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKit(t, isolate.Options{})
			k.ok(nil, c.body)
			k.want(c.want)
		})
	}
}

// A class with flag d that was there before the realm began to record matches.
func TestLastMatchOfAClassThatWasThereBefore(t *testing.T) {
	k := newKit(t, isolate.Options{})
	k.ok(nil, `globalThis.R = class extends RegExp {}; globalThis.r = new R("(b)", "d"); log(r.exec("abc").indices[1].join())`)
	k.ok(nil, `r.exec("abc"); log(RegExp.$1); new R("(c)").exec("abc"); log(RegExp.$1); /(a)/.exec("abc"); log(RegExp.$1)`)
	k.want("1,2", "b", "c", "a")
}

// What a script has put in the place of exec stays there, and what it calls is recorded.
func TestLastMatchWithAnExecOfTheScript(t *testing.T) {
	k := newKit(t, isolate.Options{})
	k.ok(nil, `const own = RegExp.prototype.exec; globalThis.calls = 0; RegExp.prototype.exec = function (s) { calls++; return own.call(this, s) }`)
	k.ok(nil, `/(b)/.exec("abc"); log(calls + RegExp.$1 + "|"); "abc".match(/(c)/); log(calls)`)
	k.want("1|", "2") // the engine's own exec was taken before anybody asked
	k = newKit(t, isolate.Options{})
	k.ok(nil, `const own = RegExp.prototype.exec; RegExp.prototype.exec = function (s) { return own.call(this, s) }; "abc".replace(/(c)/, "d"); log(RegExp.$1)`)
	k.want("c")
}

// The stack of an error is that of the script as it is written.
func TestLinesOfScriptsThatAskForTheLastMatch(t *testing.T) {
	k := newKit(t, isolate.Options{})
	err := k.run(nil, "\n\n/(b)/.test('b');\nthrow new Error(RegExp.$1)")
	if err == nil || !strings.Contains(err.Error(), "test.js:4") {
		t.Errorf("%v", err)
	}
}
