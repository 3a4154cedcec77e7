package compat

import (
	"bytes"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

func TestPageIsFresh(t *testing.T) {
	got, err := os.ReadFile(root + "/docs/COMPAT.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, Page()) {
		t.Error("docs/COMPAT.md is stale: run go generate ./internal/compat")
	}
}

// The code that reads a flag is where its effect is, so a flag that nothing reads has none
// and a flag that something reads has a test.
func TestEveryFlagSaysWhatItDoes(t *testing.T) {
	read, tests := map[string]bool{}, map[string]bool{}
	quoted := regexp.MustCompile(`"([a-z0-9_-]+)"`)
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	source := os.DirFS(root)
	err := fs.WalkDir(source, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (name == ".git" || name == "bench" || name == "conformance" || name == "examples" || name == "internal/compat" || d.Name() == "testdata"):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".go" && path.Ext(name) != ".js":
			return nil
		}
		text, err := fs.ReadFile(source, name)
		if err != nil {
			return err
		}
		if strings.HasSuffix(name, "_test.go") {
			for _, m := range declared.FindAllSubmatch(text, -1) {
				tests[string(m[1])] = true
			}
			return nil
		}
		for _, m := range quoted.FindAllSubmatch(text, -1) {
			read[string(m[1])] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	recorded, err := fs.ReadFile(source, "conformance/wdtest/results.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range table {
		e, ok := effects[x.on]
		if name, ok := strings.CutPrefix(e.test, "workerd:"); ok {
			if !strings.Contains(string(recorded), "/"+name+".wd-test") || !read[x.on] {
				t.Errorf("%s: workerd has no test %s, or no code reads the flag", x.on, name)
			}
			continue
		}
		base, story, _ := strings.Cut(e.test, "/")
		switch {
		case !ok || (e.test == "") == (e.none == ""):
			t.Errorf("%s: say in effects.go what shows its effect, or why it has none", x.on)
		case e.none != "" && read[x.on]:
			t.Errorf("%s: the table says that it does nothing, and the code reads it", x.on)
		case e.test != "" && !read[x.on]:
			t.Errorf("%s: the table says that it does something, and no code reads it", x.on)
		case e.test != "" && !tests[base]:
			t.Errorf("%s: there is no %s", x.on, e.test)
		case story != "":
			if _, err := fs.Stat(source, "cmd/workerd/testdata/script/"+story+".txtar"); err != nil {
				t.Errorf("%s: there is no story %s", x.on, story)
			}
		}
	}
	for name := range effects {
		found := false
		for _, x := range table {
			found = found || x.on == name
		}
		if !found {
			t.Errorf("%s is in effects.go and not in the table", name)
		}
	}
}
