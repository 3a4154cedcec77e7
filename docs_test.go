package workerd_test

import (
	"go/ast"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// pages are the texts that these tests hold against the code.
func pages(t *testing.T) map[string]string {
	t.Helper()
	names, err := fs.Glob(os.DirFS("."), "docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	text := map[string]string{}
	for _, name := range append(names, "README.md", "examples/README.md") {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text[name] = string(b)
	}
	return text
}

func TestPagesNameTestsThatExist(t *testing.T) {
	tests := testNames(repository(t))
	for name, text := range pages(t) {
		for _, p := range checkTestNames(text, tests) {
			t.Errorf("%s: %s", name, p)
		}
	}
}

func TestPagesLinkToWhatExists(t *testing.T) {
	for name, text := range pages(t) {
		for _, p := range checkLinks(path.Dir(name), text, os.DirFS(".")) {
			t.Errorf("%s: %s", name, p)
		}
	}
}

func TestReadmeHasEveryFlag(t *testing.T) {
	flags := flagNames(repository(t))
	if len(flags) < 20 {
		t.Fatalf("only %d flags were found in the code", len(flags))
	}
	complain(t, checkFlags(section(pages(t)["README.md"], "## Flags"), flags))
}

func TestRationaleHasEveryLibrary(t *testing.T) {
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	complain(t, checkLibraries(section(pages(t)["docs/RATIONALE.md"], "## Why these libraries?"), string(mod)))
}

var requirement = regexp.MustCompile(`(?m)^\t(?:github\.com/)?(\S+?)(?:/v\d+)? v\S+$`)

// checkLibraries wants a row for each direct requirement of a module, with a reason and a
// licence, and no other rows.
func checkLibraries(table, mod string) (problems []string) {
	var named, wanted []string
	for row := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(row, "|\n"), "|")
		if len(cells) != 5 || strings.HasPrefix(row, "| library") || strings.HasPrefix(row, "|-") {
			continue
		}
		if strings.TrimSpace(cells[1]) == "" || strings.TrimSpace(cells[2]) == "" {
			problems = append(problems, "no reason or no licence: "+strings.TrimSpace(cells[0]))
		}
		for name := range strings.SplitSeq(cells[0], ",") {
			named = append(named, strings.TrimSpace(name))
		}
	}
	for _, m := range requirement.FindAllStringSubmatch(mod, -1) {
		wanted = append(wanted, m[1])
		if !slices.Contains(named, m[1]) {
			problems = append(problems, "the table of libraries lacks "+m[1])
		}
	}
	for _, name := range named {
		if !slices.Contains(wanted, name) {
			problems = append(problems, "go.mod does not require "+name)
		}
	}
	return problems
}

// testNames are the tests of all packages.
func testNames(files []*sourceFile) (names []string) {
	for _, f := range files {
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && f.test && fn.Recv == nil && strings.HasPrefix(fn.Name.Name, "Test") {
				names = append(names, fn.Name.Name)
			}
		}
	}
	return names
}

var testName = regexp.MustCompile(`\bTest[A-Z]\w+`)

// checkTestNames wants each name to be that of a test, or the beginning of one, as
// in -run patterns.
func checkTestNames(text string, tests []string) (problems []string) {
	for _, name := range testName.FindAllString(text, -1) {
		if !slices.ContainsFunc(tests, func(t string) bool { return strings.HasPrefix(t, name) }) {
			problems = append(problems, "there is no test "+name)
		}
	}
	return problems
}

func TestReadmeProvesWhatSurvives(t *testing.T) {
	complain(t, checkProofs(section(pages(t)["README.md"], "## What survives which fault"), testNames(repository(t))))
}

// checkProofs wants each row of a table to name, in its last cell, tests that exist. A
// row that promises nothing, in the word "unnoticed", needs none.
func checkProofs(table string, tests []string) (problems []string) {
	rows := 0
	for _, line := range strings.Split(table, "\n") {
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if len(cells) < 3 || strings.HasPrefix(strings.TrimSpace(cells[0]), "---") || strings.TrimSpace(cells[0]) == "fault" {
			continue
		}
		rows++
		names := testName.FindAllString(cells[len(cells)-1], -1)
		if len(names) == 0 && !strings.Contains(cells[1], "unnoticed") {
			problems = append(problems, "no test shows:"+cells[0])
		}
		for _, name := range names {
			if !slices.Contains(tests, name) {
				problems = append(problems, "there is no test "+name)
			}
		}
	}
	if rows < 10 {
		problems = append(problems, "the table of faults has only "+strconv.Itoa(rows)+" rows")
	}
	return problems
}

var (
	linkTarget = regexp.MustCompile(`\]\(([^)#\s]+)(#[^)\s]*)?\)`)
	codeFile   = regexp.MustCompile("`([a-z][a-z0-9_./]*/[a-z0-9_./]+\\.(?:go|md))`")
)

// checkLinks wants relative links, and file names in code spans, to lead somewhere.
func checkLinks(dir, text string, root fs.FS) (problems []string) {
	exists := func(name string) bool {
		_, err := fs.Stat(root, name)
		return err == nil
	}
	for _, m := range linkTarget.FindAllStringSubmatch(text, -1) {
		if !strings.Contains(m[1], "://") && !exists(path.Join(dir, m[1])) {
			problems = append(problems, "the link to "+m[1]+" leads nowhere")
		}
	}
	for _, m := range codeFile.FindAllStringSubmatch(text, -1) {
		if !exists(m[1]) {
			problems = append(problems, "there is no file "+m[1])
		}
	}
	return problems
}

// flagNames are the names under which cmd/workerd registers flags: string literals
// that are names, in the files that call methods of a flag set.
func flagNames(files []*sourceFile) (names []string) {
	isFlag := regexp.MustCompile(`^[a-zA-Z][a-z-]*$`)
	add := func(e ast.Expr) {
		if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if s, err := strconv.Unquote(lit.Value); err == nil && isFlag.MatchString(s) && !slices.Contains(names, s) {
				names = append(names, s)
			}
		}
	}
	for _, f := range files {
		if f.pkg != "cmd/workerd" || f.test {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				switch fun := n.Fun.(type) {
				case *ast.SelectorExpr: // fs.StringVar(&x, "name", ...)
					if strings.HasSuffix(fun.Sel.Name, "Var") && len(n.Args) >= 3 {
						add(n.Args[1])
					}
				case *ast.Ident: // alias(&x, "text", "n", "name")
					if fun.Name == "alias" {
						for _, a := range n.Args[2:] {
							add(a)
						}
					}
				}
			case *ast.RangeStmt: // for _, n := range []string{"n", "name"}
				if list, ok := n.X.(*ast.CompositeLit); ok {
					for _, e := range list.Elts {
						add(e)
					}
				}
			}
			return true
		})
	}
	return names
}

func checkFlags(text string, flags []string) (problems []string) {
	dash := func(name string) string {
		if len(name) == 1 {
			return "`-" + name + "`"
		}
		return "`--" + name + "`"
	}
	for _, name := range flags {
		if !strings.Contains(text, dash(name)) {
			problems = append(problems, "the table of flags lacks "+dash(name))
		}
	}
	for _, m := range regexp.MustCompile("`--?([a-zA-Z][a-z-]*)`").FindAllStringSubmatch(text, -1) {
		if !slices.Contains(flags, m[1]) {
			problems = append(problems, "there is no flag "+m[0])
		}
	}
	return problems
}

func TestPageChecksFindWhatTheyAreFor(t *testing.T) {
	tree := fakeTree(t, map[string]string{
		"cmd/workerd/flags.go": `package main
func f() {
	fs.BoolVar(&x, "verbose", false, "log more")
	alias(&o, "search", "I", "import-path")
	for _, n := range []string{"w", "watch"} { fs.BoolVar(&x, n, false, "reload") }
}`,
		"low/a_test.go": "package low\nfunc TestOne() {}\nfunc (x) TestTwo() {}\n",
	})
	flags := flagNames(tree)
	whole := "`--verbose` `--import-path` (`-I`) `--watch` (`-w`)"
	expect(t, checkFlags(whole, flags), "")
	expect(t, checkFlags(strings.Replace(whole, "`-w`", "", 1), flags), "lacks `-w`")
	expect(t, checkFlags(whole+" `--port`", flags), "no flag `--port`")

	tests := testNames(tree)
	expect(t, checkTestNames("`TestOne` -run TestOn", tests), "")
	expect(t, checkTestNames("TestTwo", tests), "no test TestTwo")

	rows := strings.Repeat("| full disk | stops | `TestOne` |\n", 10)
	expect(t, checkProofs("| fault | what | by |\n|---|---|---|\n"+rows+"| bit | goes unnoticed | |", tests), "")
	expect(t, checkProofs(rows+"| fire | stops | |", tests), "no test shows: fire")
	expect(t, checkProofs(rows+"| fire | stops | `TestOn` |", tests), "no test TestOn")
	expect(t, checkProofs("| fire | stops | `TestOne` |", tests), "only 1 rows")

	mod := "module m\n\nrequire (\n\tgithub.com/some/one/v2 v2.1.0\n\tx.org/two v0.1.0\n)\n\nrequire (\n\tx.org/three v1.0.0 // indirect\n)\n"
	rows = "| library | for | licence | seen | instead of |\n|---|---|---|---|---|\n| some/one | a | MIT | now | – |\n"
	expect(t, checkLibraries(rows+"| x.org/two | b | MIT | now | – |\n", mod), "")
	expect(t, checkLibraries(rows, mod), "lacks x.org/two")
	expect(t, checkLibraries(rows+"| x.org/two, x.org/three | b | MIT | now | – |\n", mod), "not require x.org/three")
	expect(t, checkLibraries(rows+"| x.org/two | b | | now | – |\n", mod), "no licence: x.org/two")

	root := fstest.MapFS{"docs/A.md": {}, "low/a.go": {}}
	expect(t, checkLinks("docs", "[a](A.md) [b](../low) [c](https://x.test/y) [d](A.md#part) `low/a.go`", root), "")
	expect(t, checkLinks("docs", "[a](B.md)", root), "B.md leads nowhere")
	expect(t, checkLinks("docs", "`low/b.go`", root), "no file low/b.go")
}
