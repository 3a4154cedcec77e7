package script

import (
	"regexp"
	"strings"
	"sync"

	"github.com/evanw/esbuild/pkg/api"
)

// helperUsers is a text that needs every helper with which the bundler writes syntax that
// the engine lacks. The label is where it begins.
const helperUsers = `import_users: {
	async function* a(b) { for await (const c of b) yield* c; await import(b); }
	{ using d = a; await using e = a; }
	@a class C {
		@a accessor m = 1;
		@a n() {}
		static #p = 1;
		#q = 1;
		get #r() { return 1; }
		set #r(v) {}
		#s() {}
		f(o) { return [#q in o, this.#q++, this.#r, this.#r = 1, this.#s(), C.#p, super.x]; }
	}
}`

// helpers are the bundler's helpers as one text, and the names that it declares.
var helpers = sync.OnceValues(func() (text string, names *regexp.Regexp) {
	r := api.Transform(helperUsers, api.TransformOptions{
		LogLevel: api.LogLevelSilent, Target: api.ES2023, Supported: supportedSyntax(true), Platform: api.PlatformNeutral,
		Charset: api.CharsetUTF8, LegalComments: api.LegalCommentsNone, TsconfigRaw: "{}",
	})
	text, _, _ = strings.Cut(string(r.Code), "import_users:")
	// The users declare variables of their own before the label.
	text = regexp.MustCompile(`(?m)^var _[a-zA-Z].*\n`).ReplaceAllString(text, "")
	var all []string
	for _, m := range regexp.MustCompile(`(?m)^var (__\w+) =`).FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	if len(all) == 0 {
		return "", nil
	}
	return text, regexp.MustCompile(`\b(` + strings.Join(all, "|") + `)\b`)
})

// HelpersFor are the declarations that the text of a compiled function needs where it is
// compiled again, by itself; "" where it needs none.
func HelpersFor(function string) string {
	text, names := helpers()
	if names == nil || !names.MatchString(function) {
		return ""
	}
	return text
}
