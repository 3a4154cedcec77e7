package config

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"workerd.local/internal/limits"
)

// capnpFile is one parsed file.
type capnpFile struct {
	path  string // as shown in errors
	table *posTable
	root  *capnpScope
}

// capnpScope holds declarations: a file or a struct inside one.
type capnpScope struct {
	file   *capnpFile
	parent *capnpScope // nil for a file
	decls  map[string]*capnpDecl
	order  []*capnpDecl
}

// capnpDecl is one declaration; exactly one of alias, constant and scope is set.
type capnpDecl struct {
	name     string
	off      int
	in       *capnpScope
	alias    *expr
	constant *capnpConst
	scope    *capnpScope

	resolving bool // an alias on the path being followed
}

// capnpConst is a constant, evaluated at most once.
type capnpConst struct {
	typ   *expr
	value *expr

	resolved   *capnpType // nil until typeOfConst succeeds
	typeFailed bool
	result     *value
	evaluating bool
	evaluated  bool
}

// entity is what a name stands for; exactly one field is set.
type entity struct {
	decl   *capnpDecl  // a constant
	scope  *capnpScope // a file or a struct in one
	typ    *capnpType  // a type of the schema
	types  bool        // the schema file itself
	opaque bool        // something of Cap'n Proto's own that no configuration uses
}

// capnpReader reads one configuration: its main file and all that it imports.
type capnpReader struct {
	sink        *sink
	importPaths []string
	readFile    func(path string, limit int64) ([]byte, error)
	files       map[string]*capnpFile // by cleaned path
	depth       int                   // constants and aliases being followed
	budget      int                   // values that may still be built
}

// readRegular reads a whole regular file of at most limit bytes.
func readRegular(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() // opened for reading: nothing can be lost
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: path, Err: errors.New("not a regular file")}
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, &fs.PathError{Op: "read", Path: path, Err: errors.New("larger than " + limits.Size.Format(limit))}
	}
	return data, nil
}

// cause is an error of the file system without the path, which the message around it shows.
func cause(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		err = pathError.Err
	}
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("no such file")
	}
	return err
}

// parse reads the declarations of src and remembers the file under its path.
func (r *capnpReader) parse(path string, src []byte) *capnpFile {
	f := &capnpFile{path: path, table: newPosTable(path, src)}
	f.root = &capnpScope{file: f, decls: make(map[string]*capnpDecl)}
	r.files[filepath.Clean(path)] = f
	lex := &lexer{src: src, table: f.table, sink: r.sink}
	parser := &capnpParser{file: f, table: f.table, sink: r.sink}
	parser.declare(lex.statements(false), f.root)
	return f
}

// locate turns the path of an import or embed into paths to try.
func (r *capnpReader) locate(from *capnpFile, path string) []string {
	native := filepath.FromSlash(path)
	if !strings.HasPrefix(path, "/") {
		if filepath.IsAbs(native) {
			return []string{filepath.Clean(native)}
		}
		return []string{filepath.Join(filepath.Dir(from.path), native)}
	}
	var out []string
	for _, dir := range r.importPaths {
		out = append(out, filepath.Join(dir, native))
	}
	return out
}

// open reads the first of the files that path may mean, and reports when there is none.
func (r *capnpReader) open(from *capnpFile, at int, verb, path string, limit int64) (string, []byte, bool) {
	pos := from.table.pos(at)
	if strings.ContainsRune(path, 0) || path == "" {
		r.sink.errorf(pos, "%q is not a file name.", path)
		return "", nil, false
	}
	candidates := r.locate(from, path)
	if len(candidates) == 0 {
		r.sink.hintf(pos, "give the directory it is in with --import-path, or write a path relative to this file",
			"Cannot %s %q: a path that starts with / is looked up in the import paths, and there are none.", verb, path)
		return "", nil, false
	}
	for i, candidate := range candidates {
		data, err := r.readFile(candidate, limit)
		if err == nil {
			return candidate, data, true
		}
		if !errors.Is(err, fs.ErrNotExist) || i == len(candidates)-1 {
			r.sink.errorf(pos, "Cannot %s %q (%s): %v.", verb, path, candidate, cause(err))
			return "", nil, false
		}
	}
	return "", nil, false
}

// importFile is what an import expression stands for.
func (r *capnpReader) importFile(from *capnpFile, e *expr) (entity, bool) {
	switch {
	case e.text == "/workerd/workerd.capnp":
		return entity{types: true}, true
	case strings.HasPrefix(e.text, "/capnp/"):
		return entity{opaque: true}, true
	}
	for _, candidate := range r.locate(from, e.text) {
		if f, ok := r.files[filepath.Clean(candidate)]; ok {
			return entity{scope: f.root}, true
		}
	}
	if maxFiles := limits.ConfigFiles.In(r.sink.bounds); len(r.files) >= maxFiles {
		r.sink.errorf(from.table.pos(e.off), "The configuration imports more than %d files.", maxFiles)
		return entity{}, false
	}
	path, src, ok := r.open(from, e.off, "import", e.text, limits.ConfigFile.Bytes(r.sink.bounds))
	if !ok {
		return entity{}, false
	}
	return entity{scope: r.parse(path, src).root}, true
}

// resolve finds what a name expression stands for, and reports when it stands for nothing.
func (r *capnpReader) resolve(in *capnpScope, e *expr) (entity, bool) {
	pos := in.file.table.pos(e.off)
	switch e.kind {
	case exprBad:
		return entity{}, false
	case exprImport:
		return r.importFile(in.file, e)
	case exprGlobal:
		return r.member(in, entity{scope: in.file.root}, e)
	case exprMember:
		of, ok := r.resolve(in, e.of)
		if !ok {
			return entity{}, false
		}
		return r.member(in, of, e)
	case exprName:
		for s := in; s != nil; s = s.parent {
			if d, ok := s.decls[e.text]; ok {
				return r.follow(d)
			}
		}
		if t, ok := schema()[e.text]; ok && slices.Contains(capnpScalars, e.text) {
			return entity{typ: t}, true
		}
		hint := didYouMean(e.text, visibleNames(in))
		if _, ok := schema()[e.text]; ok {
			hint = `write Workerd.` + e.text + ` after using Workerd = import "/workerd/workerd.capnp";`
		}
		r.sink.hintf(pos, hint, "%q is not defined.", e.text)
		return entity{}, false
	}
	r.sink.errorf(pos, "Expected a name.")
	return entity{}, false
}

// member finds e.text inside of.
func (r *capnpReader) member(in *capnpScope, of entity, e *expr) (entity, bool) {
	var names []string
	switch {
	case of.scope != nil:
		if d, ok := of.scope.decls[e.text]; ok {
			return r.follow(d)
		}
		for _, d := range of.scope.order {
			names = append(names, d.name)
		}
	case of.opaque:
		return of, true
	case of.types, of.typ != nil:
		prefix, parent := "", ""
		if of.typ != nil {
			prefix, parent = of.typ.name+".", of.typ.name
		}
		if t, ok := schema()[prefix+e.text]; ok && (prefix != "" || t.kind == typeStruct || t.kind == typeEnum) {
			return entity{typ: t}, true
		}
		names = schemaChildren(parent)
	case of.decl != nil:
		r.sink.errorf(in.file.table.pos(e.off), "%q is a constant; its parts have no names of their own.", of.decl.name)
		return entity{}, false
	}
	owner := "this file"
	if e.of != nil {
		owner = e.of.dotted()
	}
	r.sink.hintf(in.file.table.pos(e.off), didYouMean(e.text, names), "%s has no member %q.",
		capitalized(owner), e.text)
	return entity{}, false
}

// follow goes through aliases to what they stand for.
func (r *capnpReader) follow(d *capnpDecl) (entity, bool) {
	switch {
	case d.constant != nil:
		return entity{decl: d}, true
	case d.scope != nil:
		return entity{scope: d.scope}, true
	}
	if d.resolving {
		r.sink.errorf(d.in.file.table.pos(d.off), "The alias %q depends on itself.", d.name)
		return entity{}, false
	}
	if !r.enter(d) {
		return entity{}, false
	}
	defer r.leave()
	d.resolving = true
	defer func() { d.resolving = false }()
	return r.resolve(d.in, d.alias)
}

// enter counts one more alias or constant on the way to a value; leave takes it back.
func (r *capnpReader) enter(d *capnpDecl) bool {
	if maxChain := limits.ConfigChain.In(r.sink.bounds); r.depth >= maxChain {
		r.sink.errorf(d.in.file.table.pos(d.off), "Constants and aliases refer to each other more than %d times in a row.", maxChain)
		return false
	}
	r.depth++
	return true
}

func (r *capnpReader) leave() { r.depth-- }

// typeOf resolves a type expression.
func (r *capnpReader) typeOf(in *capnpScope, e *expr) (*capnpType, bool) {
	pos := in.file.table.pos(e.off)
	if e.kind == exprApply {
		if e.of.kind != exprName || e.of.text != "List" || len(e.args) != 1 || e.args[0].name != "" {
			r.sink.hintf(pos, "write List(Type)", "%s is not a type.", capitalized(e.dotted()))
			return nil, false
		}
		elem, ok := r.typeOf(in, e.args[0].expr)
		if !ok {
			return nil, false
		}
		return listOf(elem), true
	}
	if e.kind == exprName && e.text == "List" {
		r.sink.hintf(pos, "write List(Type)", "A list type needs the type of its elements.")
		return nil, false
	}
	found, ok := r.resolve(in, e)
	if !ok {
		return nil, false
	}
	if found.typ == nil {
		r.sink.hintf(pos, "a constant of a configuration has a type such as Workerd.Worker, Text or List(Text)",
			"%s is not a type of the configuration schema.", capitalized(e.dotted()))
		return nil, false
	}
	return found.typ, true
}

// listOf is the list type of elem. Lists the schema does not mention get a type that matches no field.
func listOf(elem *capnpType) *capnpType {
	name := "List(" + elem.name + ")"
	if t, ok := schema()[name]; ok {
		return t
	}
	return &capnpType{kind: typeList, name: name, elem: elem}
}

// visibleNames are the names that can be written alone at in.
func visibleNames(in *capnpScope) []string {
	var names []string
	for s := in; s != nil; s = s.parent {
		for _, d := range s.order {
			names = append(names, d.name)
		}
	}
	return append(names, capnpScalars...)
}
