package script

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dop251/goja"

	"workerd.local/internal/limits"
)

// project writes files, given as alternating names and contents, to a directory.
func project(t testing.TB, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		write(t, dir, files[i], files[i+1])
	}
	return dir
}

func write(t testing.TB, dir, name, content string) {
	t.Helper()
	p := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func result(t testing.TB, src Source) string {
	t.Helper()
	s, err := Compile(context.Background(), src)
	if err != nil {
		t.Fatalf("compile: %v", err)
	}
	return resultOf(t, s)
}

func resultOf(t testing.TB, s *Script) string {
	t.Helper()
	rt := goja.New()
	e, err := s.Evaluate(rt, probeHost(&rt))
	if err != nil {
		t.Fatal(err)
	}
	v := fulfilled(t, e).Get("result")
	if v == nil {
		t.Fatal("no result")
	}
	return v.String()
}

func TestProjectOnDisk(t *testing.T) {
	dir := project(t,
		"package.json", `{"name": "app", "type": "module"}`,
		"tsconfig.json", `{"compilerOptions": {"jsx": "react", "jsxFactory": "h", "paths": {"@lib/*": ["./src/lib/*"]}, "experimentalDecorators": true}}`,
		"src/index.ts", `
			import pkg, { named } from "pkg";
			import cjs from "cjs";
			import { view } from "./view";
			import { up } from "@lib/up";
			import text from "./data.txt";
			import html from "./page.html";
			import bin from "./b.bin";
			import wasm from "./m.wasm?module";
			import json from "./j.json";
			import md from "./README.md";
			import fs from "node:fs";
			import { Buffer } from "buffer";
			enum Color { Red = "red" }
			function dec(t: any, k: string) { t.decorated = k }
			class A { @dec m() {} }
			export const result = [pkg, named, cjs.v, view, up("x"), text, html, new Uint8Array(bin).length, wasm, json.n,
				md, fs.name, Buffer, Color.Red, (A.prototype as any).decorated, process.env.NODE_ENV, VERSION].join("|");`,
		"src/view.tsx", `const h = (t: string, p: any, ...c: any[]) => t + (p ? p.a : "") + c; export const view = <b a="1">x</b>;`,
		"src/lib/up.ts", `export const up = (s: string) => s.toUpperCase();`,
		"src/data.txt", "text", "src/page.html", "<p>", "src/b.bin", "123", "src/m.wasm", "wasm", "src/j.json", `{"n": 5}`,
		"src/README.md", "# md",
		"node_modules/pkg/package.json", `{"name": "pkg", "exports": {".": {"workerd": "./workerd.js", "default": "./no.js"}}}`,
		"node_modules/pkg/workerd.js", `export default "pkg"; export const named = "named";`,
		"node_modules/cjs/package.json", `{"name": "cjs", "main": "main.js"}`,
		"node_modules/cjs/main.js", `exports.v = require("./other").o;`,
		"node_modules/cjs/other.js", `exports.o = "cjs";`,
	)
	src := Source{NodeCompat: true, Entry: &Entry{
		Dir: dir, Main: "src/index.ts",
		Rules:  []Rule{{Kind: Text, Globs: []string{"**/*.md"}}},
		Define: map[string]string{"VERSION": `"v1"`},
	}}
	const want = "pkg|named|cjs|b1x|X|text|<p>|3|wasm src/m.wasm 4|5|# md|builtin node:fs||red|m|production|v1"
	if got := result(t, src); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	s, err := Compile(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"src/index.ts", "src/view.tsx", "src/lib/up.ts", "src/data.txt", "src/m.wasm", "node_modules/cjs/other.js"} {
		if !slices.Contains(s.Inputs(), filepath.Join(dir, filepath.FromSlash(name))) {
			t.Errorf("%s is not among the inputs: %v", name, s.Inputs())
		}
	}
	found := false
	for _, b := range s.Builtins() {
		if b.Specifier == "node:buffer" && b.Importer == "src/index.ts" && b.Line == 13 && b.Column == 27 {
			found = true
		}
	}
	if !found {
		t.Errorf("builtins = %+v", s.Builtins())
	}
}

func TestAdditionalModulesAreFoundAtRunTime(t *testing.T) {
	dir := project(t,
		"src/index.js", `const n = "one"; export const result = (await import("./lang/" + n + ".txt")).default + (await import("./lang/zwei.js").catch(e => e.message)).v;`,
		"src/lang/one.txt", "eins", "src/lang/zwei.js", "export const v = 2", "src/node_modules/x/a.txt", "no",
	)
	got := result(t, Source{Entry: &Entry{Dir: dir, Main: "src/index.js", FindAdditionalModules: true}})
	if got != "eins2" {
		t.Errorf("result = %s", got)
	}
}

func TestNoBundleRefusesPackages(t *testing.T) {
	dir := project(t, "index.js", "\nimport x from \"pkg\"; export default x", "node_modules/pkg/index.js", "export default 1")
	_, err := Compile(t.Context(), Source{Entry: &Entry{Dir: dir, Main: "index.js", NoBundle: true}})
	wantError(t, err, `index.js:2:15: No such module "pkg".`)
}

func wantError(t testing.TB, err error, want string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("err = %v, want an *Error with %q", err, want)
	}
	if !strings.Contains(err.Error(), want) {
		t.Errorf("got  %s\nwant %s", err, want)
	}
	for _, leak := range []string{"workerd-", "esbuild", hostName} {
		if strings.Contains(err.Error(), leak) {
			t.Errorf("the message shows %q: %s", leak, err)
		}
	}
}

func TestErrorsNameTheUsersPlace(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"syntax", "let a;\n  let = ?? 1;", `worker.js:2:`},
		{"column counts characters", `const ä = "ü"; ??`, `worker.js:1:16: Unexpected "??"`},
		{"missing module", "\n\nimport x from './nope.js';", `worker.js:3:15: No such module "./nope.js".`},
		{"missing bare module", `import x from "hono";`, `worker.js:1:15: No such module "hono".`},
		{"missing export", `import { nope } from "./lib.js"; nope()`, `worker.js:1:10: The requested module "lib.js" does not provide an export named "nope"`},
		{"missing in another file", `import "./bad.js"`, `bad.js:2:8: No such module "gone".`},
		{"unknown builtin", `import x from "cloudflare:nope"`, `worker.js:1:15: No such module "cloudflare:nope".`},
		{"bare node without the flag", `import x from "buffer"`, `worker.js:1:15: No such module "buffer".`},
		{"json", `import "./bad.json"`, `bad.json:1:`},
		{"regexp property", "let x;\nx = /\\p{Nope}/u; x", `worker.js:2:5: SyntaxError: Invalid regular expression: /\p{Nope}/u: Invalid property name`},
		{"assignment to const", "const a = 1; a = 2", `worker.js:1:14: Cannot assign to "a" because it is a constant`},
		{"duplicate declaration", "let a; let a;", `worker.js:1:12: The symbol "a" has already been declared`},
		{"nested", strings.Repeat("[", 1e6), "worker.js:1: the source is nested too deeply"},
		{"nested blocks", strings.Repeat("{", 5000) + strings.Repeat("}", 5000), "nested too deeply"},
		{"chain", "x=" + strings.Repeat("!", 3e6) + "y", "nested too deeply"},
		{"sum", "let y=1;x=y" + strings.Repeat("+y", 3e5), "nested too deeply"},
		{"calls", "let y;y" + strings.Repeat("()", 3e5), "nested too deeply"},
		{"indexes", "let y;y" + strings.Repeat("[0]", 3e5), "nested too deeply"},
		{"tagged templates", "let y;y" + strings.Repeat("``", 19e4), "nested too deeply"},
		{"template", "x=" + strings.Repeat("`${", 1e5) + "1" + strings.Repeat("}`", 1e5), "nested too deeply"},
		{"else", strings.Repeat("if(a);else/**/", 1e5) + ";", "nested too deeply"},
		{"ranges", "let a=/[" + strings.Repeat("a-\\u{10ffff}", 1e4) + "]/iu", "Regular expression too large"},
		{"if", strings.Repeat("if(a)", 1e5) + ";", "nested too deeply"},
	} {
		t.Run(c.name, func(t *testing.T) {
			src := modules(c.text, esm("lib.js", "export const a = 1"), esm("bad.js", "\nimport 'gone'"),
				Module{Name: "bad.json", Kind: JSON, Content: []byte("{a: 1}")})
			src.Builtin = func(s string) bool { return s != "cloudflare:nope" }
			_, err := Compile(t.Context(), src)
			wantError(t, err, c.want)
		})
	}
}

func TestErrorsAreLimitedToTen(t *testing.T) {
	var b strings.Builder
	for range 25 {
		b.WriteString("import './gone.js';\n")
	}
	for i := range 25 {
		b.WriteString("import './gone" + itoa(i) + ".js';\n")
	}
	_, err := Compile(t.Context(), modules(b.String()))
	var e *Error
	if !errors.As(err, &e) || len(e.Diagnostics) != limits.ScriptErrors.In(nil) || e.More == 0 {
		t.Fatalf("err = %v", err)
	}
}

func TestSourcesThatCannotBe(t *testing.T) {
	sw := Module{Name: "sw.js", Content: []byte("1")}
	for _, c := range []struct {
		name string
		src  Source
		want string
	}{
		{"nothing", Source{}, "exactly one"},
		{"two kinds", Source{Modules: []Module{sw}, ServiceWorker: &sw}, "exactly one"},
		{"duplicate", Source{Modules: []Module{esm("a.js", ""), esm("./a.js", "")}}, "./a.js: two modules have this name"},
		{"no name", Source{Modules: []Module{esm("", "")}}, "has no name"},
		{"main is text", Source{Modules: []Module{{Name: "a", Kind: Text}}}, "must be JavaScript"},
		{"kind", Source{Modules: []Module{{Name: "a", Kind: 99}}}, "unknown module kind"},
		{"no entry", Source{Entry: &Entry{Dir: t.TempDir(), Main: "x.js"}}, "x.js: the entry file cannot be read"},
		{"entry is a directory", Source{Entry: &Entry{Dir: t.TempDir(), Main: "."}}, "is a directory"},
		{"no main", Source{Entry: &Entry{Dir: t.TempDir()}}, "not named"},
		{"root", Source{Modules: []Module{esm("a.js", "")}, Roots: []string{"gone.js"}}, `No such module "gone.js".`},
		{"named export", Source{Modules: []Module{{Name: "a.js", Kind: CommonJS, NamedExports: []string{"a", "a", "default", ""}}}}, "cannot be a named export"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Compile(t.Context(), c.src)
			wantError(t, err, c.want)
		})
	}
}

func TestCompileStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := Compile(ctx, modules("export default 1"))
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("err = %v", err)
	}
}

func TestExtensionsAndRoots(t *testing.T) {
	src := modules(`import { pub } from "ext:pub"; export const result = pub;`)
	src.Extensions = []Extension{
		{Module: esm("ext:pub", `import { secret } from "ext:internal"; export const pub = "pub " + secret;`)},
		{Module: esm("ext:internal", `export const secret = "s";`), Internal: true},
		{Module: esm("ext:wrap", `export default (env) => "wrapped";`), Internal: true},
	}
	src.Roots = []string{"ext:wrap"}
	rt, e := run(t, src, Host{})
	if got := fulfilled(t, e).Get("result").String(); got != "pub s" {
		t.Errorf("result = %s", got)
	}
	p := e.Import("ext:wrap").Export().(*goja.Promise)
	if _, err := rt.RunString("0"); err != nil { // runs the microtasks
		t.Fatal(err)
	}
	if p.State() != goja.PromiseStateFulfilled {
		t.Fatalf("Import: %v", p.Result())
	}
	if got := p.Result().(*goja.Object).Get("default").String(); !strings.Contains(got, "wrapped") {
		t.Errorf("default = %s", got)
	}

	src = modules(`import "ext:internal"`)
	src.Extensions = []Extension{{Module: esm("ext:internal", ``), Internal: true}}
	_, err := Compile(t.Context(), src)
	wantError(t, err, `No such module "ext:internal".`)
}

// What the guards refuse does not come into a cache, and one bound does not let in what came in under another.
func TestCachesHoldWhatTheGuardsLetPass(t *testing.T) {
	strict, err := limits.Parse("script.brackets=60")
	if err != nil {
		t.Fatal(err)
	}
	deep := "export const result = " + strings.Repeat("[", 100) + "1" + strings.Repeat("]", 100) + ".flat(100)[0];"
	src := modules(deep + "\n" + strings.Repeat("// long enough to be looked at\n", 5))
	src.CacheDir = t.TempDir()
	for range 2 { // the second one is from the disk
		programs().Purge()
		if got := result(t, src); got != "1" {
			t.Errorf("result = %s", got)
		}
	}
	for range 2 {
		src := src
		src.Bounds = strict
		_, err := Compile(t.Context(), src)
		wantError(t, err, "nested too deeply")
	}
	if list, err := filepath.Glob(filepath.Join(src.CacheDir, "*.bundle")); err != nil || len(list) != 1 {
		t.Errorf("entries = %v, %v", list, err)
	}
}

func TestDiskCache(t *testing.T) {
	dir, cache := project(t,
		"index.ts", `import { v } from "./v"; export const result: string = v;`,
		"v.js", `export const v = "one";`,
	), t.TempDir()
	src := Source{CacheDir: cache, Entry: &Entry{Dir: dir, Main: "index.ts"}}
	entries := func() []string {
		list, err := filepath.Glob(filepath.Join(cache, "*"))
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	compile := func(want string) {
		t.Helper()
		programs().Purge() // as in a new process
		if got := result(t, src); got != want {
			t.Errorf("result = %s, want %s", got, want)
		}
	}
	compile("one")
	if len(entries()) != 1 {
		t.Fatalf("entries = %v", entries())
	}
	b := readCache(cache, cacheKey(&src), nil)
	if b == nil || !b.current(&src) {
		t.Fatal("the entry is not usable")
	}
	compile("one")
	// The entry really is what is run.
	b.Code = strings.Replace(b.Code, `"one"`, `"hit"`, 1)
	writeCache(cache, cacheKey(&src), b, nil)
	compile("hit")
	// A changed input, a file that is found first, and a settings file each make it stale.
	write(t, dir, "v.js", `export const v = "two";`)
	compile("two")
	write(t, dir, "v.ts", `export const v = "three" as string;`)
	compile("three")
	write(t, dir, "tsconfig.json", `{"extends": "./base.json"}`)
	compile("three")
	write(t, dir, "base.json", `{"compilerOptions": {"paths": {"./v": ["./v.js"]}}}`)
	if readCache(cache, cacheKey(&src), nil).current(&src) {
		t.Error("a new base of tsconfig.json does not make the entry stale")
	}
	// Damage is noticed and repaired.
	write(t, dir, "base.json", `{}`)
	compile("three")
	name := entries()[0]
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for i, damaged := range [][]byte{nil, []byte("foreign"), whole[:len(whole)/2], append(slices.Clone(whole[:len(whole)-1]), whole[len(whole)-1]^1), append([]byte(cacheMagic), make([]byte, 40)...)} {
		if err := os.WriteFile(name, damaged, 0o644); err != nil {
			t.Fatal(err)
		}
		if readCache(cache, cacheKey(&src), nil) != nil {
			t.Errorf("damaged entry %d is read", i)
		}
		compile("three")
		if readCache(cache, cacheKey(&src), nil) == nil {
			t.Errorf("damaged entry %d is not replaced", i)
		}
	}
	// An entry under another's name is not believed.
	if err := os.WriteFile(cachePath(cache, "other"), whole, 0o644); err != nil {
		t.Fatal(err)
	}
	if readCache(cache, "other", nil) != nil {
		t.Error("an entry is read under another key")
	}
}

func TestDiskCacheIsBounded(t *testing.T) {
	bounds, err := limits.Parse("script.kept=3")
	if err != nil {
		t.Fatal(err)
	}
	cache := t.TempDir()
	write(t, cache, "keep.txt", "not ours")
	write(t, cache, ".bundle-old", "left over")
	old := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(filepath.Join(cache, ".bundle-old"), old, old); err != nil {
		t.Fatal(err)
	}
	var first string
	for i := range 6 {
		src := modules("export const result = " + itoa(i))
		src.CacheDir, src.Bounds = cache, bounds
		result(t, src)
		name := cachePath(cache, cacheKey(&src))
		if i == 0 {
			first = name
		}
		past := time.Now().Add(time.Duration(i-10) * time.Minute)
		if err := os.Chtimes(name, past, past); err != nil {
			t.Fatal(err)
		}
	}
	list, err := filepath.Glob(filepath.Join(cache, "*.bundle"))
	if err != nil || len(list) > 4 {
		t.Errorf("entries = %v, %v", list, err)
	}
	if _, err := os.Stat(first); err == nil {
		t.Error("the oldest entry is still there")
	}
	if _, err := os.Stat(filepath.Join(cache, "keep.txt")); err != nil {
		t.Error("a file of someone else is gone")
	}
	if _, err := os.Stat(filepath.Join(cache, ".bundle-old")); err == nil {
		t.Error("a left-over temporary file is still there")
	}
}

func TestUnusableCacheDirectoryDoesNotMatter(t *testing.T) {
	file := filepath.Join(project(t, "f", "x"), "f")
	src := modules(`export const result = "fine"`)
	src.CacheDir = filepath.Join(file, "sub")
	if got := result(t, src); got != "fine" {
		t.Errorf("result = %s", got)
	}
}

func TestWorkersWithOneSourceShareTheProgram(t *testing.T) {
	a, err := Compile(t.Context(), Source{Name: "a", Modules: modules("export const shared = 1").Modules})
	if err != nil {
		t.Fatal(err)
	}
	b, err := Compile(t.Context(), Source{Name: "b", Modules: modules("export const shared = 1").Modules})
	if err != nil {
		t.Fatal(err)
	}
	if a.program != b.program {
		t.Error("two programs")
	}
}

func TestCacheKnowsTheHostsBuiltins(t *testing.T) {
	src := modules(`import x from "cloudflare:special"; export const result = x.name;`)
	src.Builtin = func(string) bool { return true }
	if got := result(t, src); got != "builtin cloudflare:special" {
		t.Errorf("result = %s", got)
	}
	src.Builtin = func(string) bool { return false }
	_, err := Compile(t.Context(), src)
	wantError(t, err, `No such module "cloudflare:special".`)
}
