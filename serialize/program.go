package serialize

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"workerd.local/internal/limits"
	"workerd.local/script"
)

// Program is the code of a worker, compiled. It is immutable, and any number of workers
// share it; any goroutine.
type Program struct {
	// Name is what people know it by: a path, or "[eval]".
	Name string
	// Module says that it is an ES module; else it is a classic script.
	Module bool
	files  []file // the main one first
	dir    string // where the files of a module are; absolute
	script *script.Script
}

// file is one source; the name is relative to the program's directory.
type file struct {
	name    string
	content []byte
}

// evalName is the name of code that stands in the command line.
const evalName = "[eval]"

// Load reads and compiles a file, with what a module imports from beside it.
func Load(ctx context.Context, path string, module bool, bounds *limits.Set) (*Program, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	content, err := os.ReadFile(abs)
	if err != nil {
		return nil, fmt.Errorf("cannot read the script: %w", err)
	}
	p := &Program{Name: abs, Module: module, dir: filepath.Dir(abs), files: []file{{filepath.Base(abs), content}}}
	if module {
		if err := p.addImports(ctx, abs, bounds); err != nil {
			return nil, err
		}
	}
	return p, p.compile(ctx, bounds)
}

// Inline compiles code that stands in no file.
func Inline(ctx context.Context, code string, module bool, bounds *limits.Set) (*Program, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	p := &Program{Name: evalName, Module: module, dir: dir, files: []file{{evalName, []byte(code)}}}
	return p, p.compile(ctx, bounds)
}

// addImports reads the files that the module imports, and theirs.
func (p *Program) addImports(ctx context.Context, abs string, bounds *limits.Set) error {
	s, err := script.Compile(ctx, script.Source{Name: p.Name, Bounds: bounds, Entry: &script.Entry{
		Dir: p.dir, Main: filepath.Base(abs), NoBundle: true, FindAdditionalModules: false,
	}})
	if err != nil {
		return notFound(err)
	}
	inputs := s.Inputs()
	root := p.dir
	for _, in := range inputs {
		for !within(root, in) {
			root = filepath.Dir(root)
		}
	}
	main, err := filepath.Rel(root, abs)
	if err != nil {
		return err
	}
	p.dir, p.files[0].name = root, filepath.ToSlash(main)
	for _, in := range inputs {
		if in == abs {
			continue
		}
		b, err := os.ReadFile(in)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, in)
		if err != nil {
			return err
		}
		p.files = append(p.files, file{filepath.ToSlash(name), b})
	}
	return nil
}

// within reports whether path is below dir; a root has everything of its volume.
func within(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return filepath.Dir(dir) == dir || err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

func (p *Program) compile(ctx context.Context, bounds *limits.Set) (err error) {
	src := script.Source{Name: p.Name, Bounds: bounds}
	if p.Module {
		for i, f := range p.files {
			kind := script.ESModule
			if i > 0 && strings.HasSuffix(f.name, ".json") {
				kind = script.JSON
			}
			src.Modules = append(src.Modules, script.Module{Name: f.name, Kind: kind, Content: f.content})
		}
	} else {
		src.ServiceWorker = &script.Module{Name: p.files[0].name, Content: p.files[0].content}
	}
	if p.script, err = script.Compile(ctx, src); err != nil {
		return notFound(err)
	}
	if b := p.script.Builtins(); len(b) > 0 {
		return fmt.Errorf("%s:%d:%d: Cannot find package '%s'", b[0].Importer, b[0].Line, b[0].Column, b[0].Specifier)
	}
	return nil
}

// notFound says in Aworker's words that there are no packages.
func notFound(err error) error {
	var e *script.Error
	if !errors.As(err, &e) {
		return err
	}
	c := *e
	c.Diagnostics = slices.Clone(c.Diagnostics)
	for i, d := range c.Diagnostics {
		if name, ok := strings.CutPrefix(d.Message, "No such module \""); ok {
			c.Diagnostics[i].Message = "Cannot find package '" + strings.TrimRight(name, "\".") + "'"
		}
	}
	return &c
}

// hash tells programs apart.
func (p *Program) hash() [32]byte {
	var e encoder
	e.program(p)
	return sha256.Sum256(e.b)
}

// url is import.meta.url of a module of the program.
func (p *Program) url(name string) string {
	return fileURL(filepath.Join(p.dir, filepath.FromSlash(name)))
}

// fileURL is the URL of an absolute path.
func fileURL(path string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return "file://" + path
}

// Equal reports whether two programs have the same sources.
func (p *Program) Equal(q *Program) bool {
	return p.Name == q.Name && p.Module == q.Module && slices.EqualFunc(p.files, q.files, func(a, b file) bool {
		return a.name == b.name && string(a.content) == string(b.content)
	})
}

var errNoScript = errors.New("no script")
