package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// tableFile is where knobs are declared.
const tableFile = "internal/limits/table.go"

// readers are the packages that read each knob, by its name.
func (s *source) readers() (map[string][]string, error) {
	names, err := s.knobs()
	if err != nil {
		return nil, err
	}
	out := map[string][]string{}
	err = s.walk(func(dir string) error {
		p, err := s.load(dir)
		if err != nil {
			return nil // only tests are in it
		}
		for _, f := range p.files {
			if imported(f, "limits") != "internal/limits" {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				sel, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				x, ok := sel.X.(*ast.Ident)
				if name := names[sel.Sel.Name]; ok && x.Name == "limits" && name != "" && !slices.Contains(out[name], dir) {
					out[name] = append(out[name], dir)
				}
				return true
			})
		}
		return nil
	})
	return out, err
}

// knobs are the names of the knobs by the names of their variables.
func (s *source) knobs() (map[string]string, error) {
	src, err := fs.ReadFile(s.root, tableFile)
	if err != nil {
		return nil, err
	}
	f, err := parser.ParseFile(token.NewFileSet(), tableFile, src, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		call, ok := spec.Values[0].(*ast.CallExpr)
		if !ok || len(call.Args) != 4 {
			return true
		}
		if lit, ok := call.Args[0].(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if name, err := strconv.Unquote(lit.Value); err == nil {
				names[spec.Names[0].Name] = name
			}
		}
		return true
	})
	if len(names) == 0 {
		return nil, fmt.Errorf("%s declares no knobs", tableFile)
	}
	return names, nil
}

// walk visits every folder of what is shipped that has Go files.
func (s *source) walk(visit func(dir string) error) error {
	return fs.WalkDir(s.root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() || name == "." {
			return err
		}
		switch base := path.Base(name); {
		case base == "testdata", base == "storagetest", base == "examples", base == "bench", base == "conformance", strings.HasPrefix(base, "."), name == "internal/limits":
			return fs.SkipDir
		}
		files, err := fs.Glob(s.root, name+"/*.go")
		if err != nil || len(files) == 0 {
			return err
		}
		return visit(name)
	})
}
