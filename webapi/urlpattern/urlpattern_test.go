package urlpattern_test

import (
	"testing"

	"workerd.local/internal/jstest"
	"workerd.local/webapi/url"
	"workerd.local/webapi/urlpattern"
)

const show = `const show = p => ["protocol", "username", "password", "hostname", "port", "pathname", "search", "hash"].map(k => p[k]).join(" | ") + (p.hasRegExpGroups ? " regexp" : "");
const groups = (p, ...u) => { const r = p.exec(...u); return r && JSON.stringify(Object.fromEntries(Object.entries(r).filter(([k]) => k != "inputs").map(([k, v]) => [k, v.groups]).filter(([, v]) => Object.values(v).some(x => x !== "" ))), (k, v) => v === undefined ? null : v) };
`

func TestURLPatternComponents(t *testing.T) {
	e := jstest.New(t, url.Module, urlpattern.Module)
	for source, want := range map[string]string{
		``:                                                    "* | * | * | * | * | * | * | *",
		`"https://example.com/foo/:bar?q=1#h"`:                "https | * | * | example.com |  | /foo/:bar?q=1 |  | h",
		`"/foo/*", "https://x.com:8080/a/b?c#d"`:              "https | * | * | x.com | 8080 | /foo/* | * | *",
		`"foo", "https://x.com/a/b"`:                          "https | * | * | x.com |  | /a/foo | * | *",
		`"https://:sub.example.com/*"`:                        "https | * | * | :sub.example.com |  | /* | * | *",
		`"http{s}?://a.com/{b/}?c"`:                           "http{s}? | * | * | a.com |  | /{b/}?c | * | *",
		`{ pathname: "/a/:b(\\d+)" }`:                         "* | * | * | * | * | /a/:b(\\d+) | * | * regexp",
		`{ hostname: "{:a.}?X.com" }`:                         "* | * | * | {:a.}?x.com | * | * | * | *",
		`{ hostname: "[\\:\\:AB]" }`:                          "* | * | * | [\\:\\:ab] | * | * | * | *",
		`{ port: "443", protocol: "https:" }`:                 "https | * | * | * |  | * | * | *",
		`{ port: "80x" }`:                                     "* | * | * | * | 80 | * | * | *",
		`{ search: "?a=:b", hash: "#x" }`:                     "* | * | * | * | * | * | a=:b | x",
		`{ pathname: "/a/../é b" }`:                           "* | * | * | * | * | /%C3%A9%20b | * | *",
		`{ pathname: "/:foo(.*)" }`:                           "* | * | * | * | * | /:foo(.*) | * | *",
		`{ pathname: "/{:a}b" }`:                              "* | * | * | * | * | /{:a}b | * | *",
		`{ baseURL: "https://a.com/x/y?z#q", pathname: "k" }`: "https | * | * | a.com |  | /x/k | * | *",
		`"data\\:foobar"`:                                     "data | * | * |  |  | foobar | * | *",
		`"https://user:pass@a.com:*/"`:                        "https | user:pass | * | a.com | * | / | * | *",
		`"https://a.com/:a?x"`:                                "https | * | * | a.com |  | /:a?x | * | *",
		`"https://a.com/a?x"`:                                 "https | * | * | a.com |  | /a | x | *",
		`"https://[\\:\\:1]/"`:                                "https | * | * | [\\:\\:1] |  | / | * | *",
	} {
		e.Want(show+`return show(new URLPattern(`+source+`))`, want)
	}
}

func TestURLPatternMatches(t *testing.T) {
	e := jstest.New(t, url.Module, urlpattern.Module)
	for source, want := range map[string]string{
		`groups(new URLPattern({ pathname: "/books/:id" }), "https://a.com/books/12?x")`:                 `{"protocol":{"0":"https"},"hostname":{"0":"a.com"},"pathname":{"id":"12"},"search":{"0":"x"}}`,
		`groups(new URLPattern("https://a.com/:a?/:b*"), "https://a.com/x/y/z")`:                         `{"pathname":{"a":"x","b":"y/z"}}`,
		`groups(new URLPattern({ pathname: "{/:a}?" }), { pathname: "/q" })`:                             `{"pathname":{"a":"q"}}`,
		`groups(new URLPattern({ hostname: "{:sub.}?x.com" }), { hostname: "x.com" })`:                   `{"hostname":{"sub":null}}`,
		`groups(new URLPattern({ pathname: "/x/y" }), "y", "https://a.com/x/")`:                          `{"protocol":{"0":"https"},"hostname":{"0":"a.com"}}`,
		`new URLPattern({ pathname: "/Foo" }).test("https://a.com/foo")`:                                 `false`,
		`new URLPattern({ pathname: "/Foo" }, { ignoreCase: true }).test("https://a.com/foo")`:           `true`,
		`new URLPattern("https://a.com/Foo", undefined, { ignoreCase: true }).test("https://a.com/fOO")`: `true`,
		`new URLPattern({ pathname: "/a((?!b).*)" }).test("https://a.com/ac")`:                           `true`,
		`new URLPattern({ pathname: "/a((?!b).*)" }).test("https://a.com/ab")`:                           `false`,
		`new URLPattern({ pathname: "/x" }).test("nope")`:                                                `false`,
		`new URLPattern({ port: "1" }).test({ port: "x" })`:                                              `false`,
		`new URLPattern().test()`: `true`,
		`JSON.stringify(new URLPattern().exec("https://a.com/b", "https://c.com").inputs)`: `["https://a.com/b","https://c.com"]`,
		`JSON.stringify(new URLPattern().exec({ pathname: "/b" }).inputs)`:                 `[{"pathname":"/b"}]`,
		`new URLPattern({ pathname: "/b" }).exec("https://a.com/b").pathname.input`:        `/b`,
		`String(new URLPattern({ pathname: "/b" }).exec("https://a.com/c"))`:               `null`,
	} {
		e.Want(show+`return String(`+source+`)`, want)
	}
	// Who replaces the engine's functions changes nothing.
	e.Want(`const p = new URLPattern({ pathname: "/:a-:b" }); RegExp.prototype.exec = () => { throw 1 }; globalThis.RegExp = 1;
		return p.test("https://x/1-2") && new URLPattern({ pathname: "/(\\d)" }).test("https://x/1")`, "true")
}

func TestWrongURLPatterns(t *testing.T) {
	e := jstest.New(t, url.Module, urlpattern.Module)
	for _, source := range []string{
		`"/foo"`, `"nope"`, `{ pathname: "/:a/:a" }`, `{ pathname: "/(" }`, `{ pathname: "/(?x)" }`, `{ pathname: "/{a" }`, `{ pathname: "/a}" }`, `{ pathname: "/(a(b))" }`,
		`{ pathname: "/(é)" }`, `{ port: "x" }`, `{ port: "99999" }`, `{ baseURL: "nope" }`, `{ pathname: "/x" }, "https://a.com"`, `{ hostname: "a b" }`, `{ protocol: "1bad" }`, `{ pathname: "/([a-)" }`,
	} {
		e.WantError(`new URLPattern(`+source+`)`, "TypeError: Failed to construct URLPattern")
	}
	for source, want := range map[string]string{
		`URLPattern()`: "TypeError: Failed to construct 'URLPattern': Please use the 'new' operator, this object constructor cannot be called as a function.",
		`new URLPattern({ pathname: Symbol.iterator })`: "TypeError: Cannot convert a Symbol value to a string",
		`new URLPattern("https://a", "https://b", 1)`:   "TypeError: Failed to construct 'URLPattern': constructor parameter 3 is not of type 'URLPatternOptions'.",
		`new URLPattern().test({}, "https://a.com")`:    "TypeError: Failed to test URLPattern",
		`new URLPattern().exec({}, "https://a.com")`:    "TypeError: Failed to exec URLPattern",
	} {
		e.WantError(source, want)
	}
}

func FuzzURLPattern(f *testing.F) {
	never := func(string, bool) (func(string) ([]*string, bool, error), error) {
		return func(string) ([]*string, bool, error) { return nil, false, nil }, nil
	}
	for _, s := range []string{"https://{:a.}?b.c:*/d/:e(\\d+)*?f#g", "{", "a:b", "https://[::1]/*", "\\"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		base := "https://a.com/b"
		p, err := urlpattern.New(s, &base, false, never)
		if err != nil {
			return
		}
		// What a pattern says of itself is a pattern, and says the same.
		in := &urlpattern.Init{}
		for i := range urlpattern.Names {
			c := p.Component(i)
			in.Parts[i] = &c
		}
		again, err := urlpattern.NewInit(in, false, never)
		if err != nil {
			t.Skip()
		}
		for i, name := range urlpattern.Names {
			if got := again.Component(i); got != p.Component(i) && i != 5 {
				t.Fatalf("%q: %s %q became %q", s, name, p.Component(i), got)
			}
		}
	})
}
