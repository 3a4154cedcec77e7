package workerd_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// module is the path of this module.
const module = "workerd.local"

// sourceFile is one Go file of the module, whatever system it is for.
type sourceFile struct {
	path    string // from the root
	pkg     string // its folder, "." for the root
	test    bool
	imports []string
	ast     *ast.File
	fset    *token.FileSet
}

// ours are the imported packages of this module, without its path.
func (f *sourceFile) ours() (list []string) {
	for _, imp := range f.imports {
		if imp == module {
			list = append(list, ".")
		} else if pkg, ok := strings.CutPrefix(imp, module+"/"); ok {
			list = append(list, pkg)
		}
	}
	return list
}

// importNames maps the names that the file uses to import paths.
func (f *sourceFile) importNames() map[string]string {
	names := map[string]string{}
	for i, spec := range f.ast.Imports {
		p := f.imports[i]
		name := path.Base(p)
		if isVersion(name) {
			name = path.Base(path.Dir(p))
		}
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = p
	}
	return names
}

func isVersion(s string) bool {
	n, ok := strings.CutPrefix(s, "v")
	_, err := strconv.Atoi(n)
	return ok && err == nil
}

func (f *sourceFile) at(n ast.Node) string {
	return fmt.Sprintf("%s:%d", f.path, f.fset.Position(n.Pos()).Line)
}

// repository is every Go file of this module.
func repository(t testing.TB) []*sourceFile {
	t.Helper()
	files, err := wholeRepository()
	if err != nil {
		t.Fatal(err)
	}
	return files
}

var wholeRepository = sync.OnceValues(func() ([]*sourceFile, error) { return readTree(os.DirFS(".")) })

// readTree parses the Go files of a module. Nested modules, testdata and hidden
// folders are not part of it.
func readTree(root fs.FS) (files []*sourceFile, err error) {
	err = fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := path.Base(name)
		if d.IsDir() {
			if name == "." {
				return nil
			}
			if base == "testdata" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "node_modules" {
				return fs.SkipDir
			}
			if _, err := fs.Stat(root, path.Join(name, "go.mod")); err == nil {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		src, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		f := &sourceFile{path: name, pkg: path.Dir(name), test: strings.HasSuffix(name, "_test.go"), fset: token.NewFileSet()}
		if f.ast, err = parser.ParseFile(f.fset, name, src, parser.ParseComments|parser.SkipObjectResolution); err != nil {
			return err
		}
		for _, spec := range f.ast.Imports {
			p, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			f.imports = append(f.imports, p)
		}
		files = append(files, f)
		return nil
	})
	return files, err
}

// checkFolders wants every top-level folder in the tree of ARCHITECTURE.md.
func checkFolders(doc string, root fs.FS) (problems []string) {
	entries, err := fs.ReadDir(root, ".")
	if err != nil {
		return []string{err.Error()}
	}
	tree := section(doc, "## Tree")
	for _, e := range entries {
		if e.IsDir() && !hasWord(tree, e.Name()+"/") && e.Name() != ".git" && e.Name() != "bin" && e.Name() != "dist" {
			problems = append(problems, fmt.Sprintf("the tree in docs/ARCHITECTURE.md does not show %s/", e.Name()))
		}
	}
	return problems
}

// hasWord reports whether a word of text, as blanks separate them, begins with
// prefix.
func hasWord(text, prefix string) bool {
	for _, w := range strings.Fields(text) {
		if strings.HasPrefix(w, prefix) {
			return true
		}
	}
	return false
}

// section is the text under a heading of a Markdown file, to the next of its level.
func section(doc, heading string) string {
	_, rest, ok := strings.Cut("\n"+doc, "\n"+heading+"\n")
	if !ok {
		return ""
	}
	text, _, _ := strings.Cut(rest, "\n## ")
	return text
}
