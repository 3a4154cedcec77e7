package workerd_test

import (
	"strings"
	"testing"
	"testing/fstest"
)

// fakePolicy and the trees below are small worlds in which each check has something
// to find.
const fakePolicy = `
floors
	low  side
	isolate
	webapi/one
	high
kits
	high
tests
	webapi/*  webapi/*
others
	github.com/dop251/goja  low  *
	example.com/other       tests
hidden
	in     webapi/*
	never  time.Now  crypto/rand.*
`

func fakeTree(t *testing.T, files map[string]string) []*sourceFile {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, src := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(src)}
	}
	tree, err := readTree(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// whole is a tree that breaks no rule of fakePolicy.
func whole() map[string]string {
	return map[string]string{
		"low/a.go":             "// Package low is low.\npackage low\nimport _ \"github.com/dop251/goja/ast\"\n",
		"low/a_test.go":        "package low_test\nimport (\n_ \"workerd.local/high\"\n_ \"workerd.local/low\"\n_ \"example.com/other/x\"\n)\n",
		"side/a.go":            "// Package side is beside.\npackage side\nimport \"time\"\nvar _ = time.Now\n",
		"isolate/a.go":         "// Package isolate runs.\npackage isolate\nimport (\n_ \"workerd.local/low\"\n_ \"github.com/dop251/goja\"\n)\n",
		"webapi/one/a.go":      "// Package one is one.\npackage one\nimport _ \"workerd.local/isolate\"\n",
		"high/a.go":            "// Command high is high.\npackage main\nimport _ \"workerd.local/webapi/one\"\n",
		"high/testdata/bad.go": "not Go",
		"nested/go.mod":        "module other",
		"nested/a.go":          "package nested\nfunc init() {}\n",
	}
}

func TestChecksFindWhatTheyAreFor(t *testing.T) {
	floors := func(r *rules, f []*sourceFile) []string { return checkFloors(r, f) }
	others := func(r *rules, f []*sourceFile) []string { return checkOthers(r, f) }
	hidden := func(r *rules, f []*sourceFile) []string { return checkHidden(r, f) }
	docs := func(_ *rules, f []*sourceFile) []string { return checkDocs(f) }
	inits := func(_ *rules, f []*sourceFile) []string { return checkInit(f) }
	cgo := func(_ *rules, f []*sourceFile) []string { return checkCgo(f) }
	tests := []struct {
		name, file, src string
		check           func(*rules, []*sourceFile) []string
		want            string // "" where the tree is whole
	}{
		{"whole", "", "", floors, ""},
		{"whole", "", "", others, ""},
		{"whole", "", "", hidden, ""},
		{"whole", "", "", docs, ""},
		{"whole", "", "", inits, ""},
		{"whole", "", "", cgo, ""},

		{"upwards", "low/b.go", "package low\nimport _ \"workerd.local/isolate\"\n", floors, "low/b.go imports isolate from a higher floor"},
		{"upwards in a test", "low/b_test.go", "package low\nimport _ \"workerd.local/isolate\"\n", floors, "higher floor"},
		{"upwards on another system", "low/b_windows.go", "package low\nimport _ \"workerd.local/isolate\"\n", floors, "higher floor"},
		{"strangers", "low/b.go", "package low\nimport _ \"workerd.local/side\"\n", floors, "stranger"},
		{"kit in the product", "webapi/one/b.go", "package one\nimport _ \"workerd.local/high\"\n", floors, "for tests only"},
		{"no floor", "new/b.go", "package new\n", floors, "package new stands on no floor"},
		{"floor of nothing", "high/a.go", "", floors, "high, which does not exist"},
		{"unknown module", "high/b.go", "package main\nimport _ \"example.com/new\"\n", others, "does not know"},
		{"engine below isolate", "side/b.go", "package side\nimport _ \"github.com/dop251/goja\"\n", others, "side/b.go imports github.com/dop251/goja, which is for"},
		{"test module in the product", "side/b.go", "package side\nimport _ \"example.com/other\"\n", others, "for tests"},
		{"module that nobody imports", "low/a_test.go", "", others, "nobody imports"},
		{"clock", "webapi/one/b.go", "package one\nimport \"time\"\nvar _ = time.Now()\n", hidden, "webapi/one/b.go:3 uses time.Now"},
		{"chance under another name", "webapi/one/b.go", "package one\nimport r \"crypto/rand\"\nvar _ = r.Reader\n", hidden, "crypto/rand.Reader"},
		{"no package comment", "webapi/one/a.go", "package one\n", docs, "webapi/one has no package comment"},
		{"package comment of another", "webapi/one/a.go", "// Package two is two.\npackage one\n", docs, "no package comment"},
		{"init", "low/b.go", "package low\nfunc init() {}\n", inits, "low/b.go:2"},
		{"cgo", "low/b.go", "package low\nimport \"C\"\n", cgo, "low/b.go uses cgo"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := whole()
			if tt.src != "" {
				files[tt.file] = tt.src
			} else {
				delete(files, tt.file)
			}
			expect(t, tt.check(parsePolicy(t, fakePolicy), fakeTree(t, files)), tt.want)
		})
	}
	for _, start := range []string{"go f()", "wg.Go(f)", "loop.Go[int](f)"} {
		t.Run(start, func(t *testing.T) {
			tree := fakeTree(t, map[string]string{"low/b.go": "package low\nfunc f() { " + start + " }\n"})
			r := parsePolicy(t, fakePolicy)
			expect(t, checkGoroutines(r, "## Goroutines\n`side/a.go`\n## Next\n`low/b.go`\n", tree), "low/b.go:2 starts a goroutine")
			expect(t, checkGoroutines(r, "## Goroutines\n| x | `low/b.go` |\n", tree), "")
		})
	}
	t.Run("row without a goroutine", func(t *testing.T) {
		doc := "## Goroutines\n`low/b.go`\n"
		tree := fakeTree(t, map[string]string{"low/b.go": "package low\nfunc f() {}\n"})
		expect(t, checkGoroutines(parsePolicy(t, fakePolicy), doc, tree), "which starts none")
	})
	t.Run("folder", func(t *testing.T) {
		doc := "## Tree\nlow/ is low and side/one too\n## More\nhigh/\n"
		root := fstest.MapFS{"low/a": {}, "side/a": {}, "file": {}}
		expect(t, checkFolders(doc, root), "")
		root["high/a"] = &fstest.MapFile{}
		expect(t, checkFolders(doc, root), "high/")
	})
}

func expect(t *testing.T, problems []string, want string) {
	t.Helper()
	all := strings.Join(problems, "\n")
	switch {
	case want == "" && len(problems) > 0:
		t.Errorf("problems in a tree without any:\n%s", all)
	case want != "" && (len(problems) != 1 || !strings.Contains(all, want)):
		t.Errorf("got:\n%s\nwant one problem with %q", all, want)
	}
}
