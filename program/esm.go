package program

import (
	"encoding/base64"
	"errors"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/script"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/wasm"
)

// kind is what a module record is.
type kind uint8

const (
	kindModule  kind = iota // an ES module
	kindCommon              // a CommonJS module, or JSON, that an ES module imports
	kindBuiltin             // one without a file
	kindWasm
)

// status of a record; see evaluate.go.
type status uint8

const (
	unlinked        status = iota // next: linking
	linking                       // next: linked, or unlinked after a mistake
	linked                        // next: evaluating
	evaluating                    // next: evaluatingAsync, evaluated
	evaluatingAsync               // next: evaluated
	evaluated
)

// record is one module that import knows, in one realm.
type record struct {
	url  string // its name: a file: URL, or node:path
	file string
	kind kind
	main bool

	unit   *script.ModuleUnit
	deps   []*record // of unit.Requests
	status status

	// locals read the exports of the module's own; nil until it is entered.
	locals   map[string]goja.Value
	imported goja.Value // the readers of what it imports
	// step goes on with a module that is not asynchronous; start runs one that is, and gives
	// its promise.
	step  func(js *isolate.JS, v goja.Value) (goja.Value, error)
	start func(js *isolate.JS) (goja.Value, error)
	late  map[string]goja.Value // what reads the exports of one that is, when it has begun
	// cells are the exports of what is no ES module, once it has run.
	cells map[string]*cell
	names []string

	namespace *goja.Object
	required  goja.Value // what require gives, where that is not the namespace
	meta      *goja.Object

	evaluation
}

// cell is one export that has a value once the module has run.
type cell struct {
	get   goja.Value
	value goja.Value
}

func (m *record) cell(js *isolate.JS, name string) *cell {
	c := m.cells[name]
	if c == nil {
		c = &cell{value: goja.Undefined()}
		c.get = bind.NewFunction(js, name, 0, func(*bind.Call) (any, error) { return c.value, nil })
		if m.cells == nil {
			m.cells = map[string]*cell{}
		}
		m.cells[name] = c
	}
	return c
}

// importer is what an instance has imported. It belongs to the isolate's goroutine.
type importer struct {
	l       *loader
	records map[string]*record
	// rank counts the modules that began to run asynchronously.
	rank int
}

// find makes the record of a specifier, without what it imports.
func (im *importer) find(js *isolate.JS, specifier, from string) (*record, error) {
	f, err := im.l.resolve(js, specifier, from)
	if err != nil {
		return nil, err
	}
	return im.record(js, f)
}

// target is where an import leads.
type target struct {
	found
	url  string
	text *string // of a data: URL
}

// resolve finds what an import of a specifier means in a file.
func (l *loader) resolve(js *isolate.JS, specifier, from string) (target, error) {
	if strings.HasPrefix(specifier, "data:") {
		text, err := dataText(specifier)
		if err != nil {
			return target{}, l.thrown(js, err)
		}
		return target{url: specifier, text: &text}, nil
	}
	if from != "" && !filepath.IsAbs(from) && !strings.HasPrefix(from, "data:") {
		from = l.i.program.abs(from) // [eval] is in the working directory
	}
	f, err := l.i.program.resolver.imported(specifier, from)
	switch {
	case err != nil:
		return target{}, l.thrown(js, err)
	case f.builtin != "":
		return target{found: f, url: f.builtin}, nil
	}
	u := urlOfPath(f.file)
	// The same file with another query is another module.
	if at := strings.IndexAny(specifier, "?#"); at >= 0 && (isRelative(specifier) || strings.HasPrefix(specifier, "/") || strings.HasPrefix(specifier, "file:")) {
		u += specifier[at:]
	}
	return target{found: f, url: u}, nil
}

// dataText is the text of a data: URL of JavaScript or JSON.
func dataText(s string) (string, error) {
	head, body, ok := strings.Cut(strings.TrimPrefix(s, "data:"), ",")
	mime, _, _ := strings.Cut(head, ";")
	switch {
	case !ok:
		return "", invalidSpecifier(s, "is not a valid URL", "data:")
	case mime != "application/json" && mime != "text/javascript" && mime != "application/javascript":
		return "", &failed{class: "TypeError", code: "ERR_UNKNOWN_MODULE_FORMAT", text: "Unknown module format: " + mime + " for URL " + s}
	}
	var text string
	if strings.HasSuffix(head, ";base64") {
		b, err := base64.StdEncoding.DecodeString(body)
		if err != nil {
			return "", invalidSpecifier(s, "is not a valid URL", "data:")
		}
		text = string(b)
	} else {
		t, err := url.PathUnescape(body)
		if err != nil {
			return "", invalidSpecifier(s, "is not a valid URL", "data:")
		}
		text = t
	}
	if mime == "application/json" {
		text = "export default " + text
	}
	return text, nil
}

// record is the module of a target; it is read and compiled, where that has not been done.
func (im *importer) record(js *isolate.JS, t target) (*record, error) {
	if m := im.records[t.url]; m != nil {
		return m, nil
	}
	m := &record{url: t.url, file: t.file}
	if t.builtin != "" {
		m.kind = kindBuiltin
		im.records[t.url] = m
		return m, im.fillBuiltin(js, m, t.builtin)
	}
	text := ""
	switch {
	case t.text != nil:
		if text = *t.text; t.file == "" {
			m.file = t.url
		}
	default:
		format, err := im.l.format(t.file)
		if err != nil {
			return nil, im.l.thrown(js, err)
		}
		switch format {
		case "commonjs", "json":
			m.kind = kindCommon
			im.records[t.url] = m
			return m, nil
		case "wasm":
			m.kind = kindWasm
			im.records[t.url] = m
			return m, nil
		case "addon":
			return nil, im.l.thrown(js, &failed{class: "TypeError", code: "ERR_UNKNOWN_FILE_EXTENSION", text: `Unknown file extension ".node" for ` + t.file})
		}
		if !slices.Contains(importable, filepath.Ext(t.file)) {
			return nil, im.l.thrown(js, &failed{class: "TypeError", code: "ERR_UNKNOWN_FILE_EXTENSION", text: `Unknown file extension "` + filepath.Ext(t.file) + `" for ` + t.file})
		}
		if text, err = im.l.read(js, t.file); err != nil {
			return nil, im.l.thrown(js, err)
		}
		if format == "" && !isModuleText(js, t.file, text) {
			m.kind = kindCommon
			im.records[t.url] = m
			return m, nil
		}
	}
	text, err := im.l.hopScript(js, t.url, text)
	if err != nil {
		return nil, err
	}
	u, err := orHopScript(t.url, text, func(text string) (*script.ModuleUnit, error) {
		return script.CompileModule(script.UnitSource{File: t.url, Text: text, Language: languageOf(t.file), Bounds: js.Bounds()})
	})
	if err != nil {
		return nil, im.l.syntaxError(js, t.url, text, err)
	}
	m.unit = u
	im.records[t.url] = m
	return m, nil
}

// importable are the extensions of files that import takes for JavaScript.
var importable = []string{"", ".js", ".mjs", ".ts", ".mts", ".tsx", ".jsx"}

// load makes the records of all that a module imports, however deep. Where one cannot be
// made, those that were made for it are forgotten: the next import tries again.
func (im *importer) load(js *isolate.JS, m *record) error {
	list := []*record{m}
	var fresh []*record
	for len(list) > 0 {
		m := list[0]
		list = list[1:]
		if m.unit == nil || m.deps != nil || m.status != unlinked {
			continue
		}
		fresh = append(fresh, m)
		deps := make([]*record, 0, len(m.unit.Requests))
		for _, specifier := range m.unit.Requests {
			d, err := im.find(js, specifier, m.file)
			if err != nil {
				for _, f := range fresh {
					f.deps = nil
					delete(im.records, f.url)
				}
				return err
			}
			deps = append(deps, d)
			list = append(list, d)
		}
		m.deps = deps
	}
	return nil
}

// binding is where an export leads: to what reads it, or to a namespace.
type binding struct {
	m    *record
	name string // Everything is the namespace
}

// errAmbiguous is a name that two modules export which a third exports whole.
var errAmbiguous = errors.New("ambiguous")

// lookup finds an export. ok is false where there is none.
func (im *importer) lookup(m *record, name string, seen map[binding]bool) (b binding, ok bool, err error) {
	if m.unit == nil {
		return binding{m, name}, m.hasName(name), nil
	}
	at := binding{m, name}
	if seen[at] {
		return b, false, nil // an export that is itself
	}
	seen[at] = true
	if slices.Contains(m.unit.Locals, name) {
		return at, true, nil
	}
	for _, e := range m.unit.Indirect {
		if e.Name != name {
			continue
		}
		if e.From == script.Everything {
			return binding{m.deps[e.Request], script.Everything}, true, nil
		}
		return im.lookup(m.deps[e.Request], e.From, seen)
	}
	if name == "default" {
		return b, false, nil
	}
	for _, star := range m.unit.Stars {
		other, found, err := im.lookup(m.deps[star], name, seen)
		switch {
		case err != nil:
			return b, false, err
		case !found || m.deps[star].kind == kindCommon && !slices.Contains(m.deps[star].names, name) && m.deps[star].status == evaluated:
		case ok && other != b:
			return b, false, errAmbiguous
		default:
			b, ok = other, true
		}
	}
	return b, ok, nil
}

// hasName reports whether something that is no ES module exports a name: of a CommonJS
// module that has not run nobody knows.
func (m *record) hasName(name string) bool {
	return name == "default" || m.status != evaluated && m.kind != kindBuiltin || slices.Contains(m.names, name)
}

// exportNames are all names that a module exports.
func (im *importer) exportNames(m *record, seen map[*record]bool) (names []string) {
	if m.unit == nil {
		return m.names
	}
	if seen[m] {
		return nil
	}
	seen[m] = true
	names = append(names, m.unit.Locals...)
	for _, e := range m.unit.Indirect {
		names = append(names, e.Name)
	}
	for _, star := range m.unit.Stars {
		for _, n := range im.exportNames(m.deps[star], seen) {
			if n != "default" && n != "module.exports" && !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
	}
	return names
}

// reader is the function that reads a binding.
func (im *importer) reader(js *isolate.JS, b binding) goja.Value {
	switch {
	case b.name == script.Everything:
		return bind.NewFunction(js, "", 0, func(c *bind.Call) (any, error) { return im.namespaceOf(c.JS(), b.m), nil })
	case b.m.unit == nil:
		return b.m.cell(js, b.name).get
	}
	if b.m.unit.Async {
		return b.m.lateReader(js, b.name)
	}
	return b.m.locals[b.name]
}

// lateReader reads an export of an asynchronous module, whose scope begins when it runs.
func (m *record) lateReader(js *isolate.JS, name string) goja.Value {
	v := m.late[name]
	if v == nil {
		v = bind.NewFunction(js, name, 0, func(c *bind.Call) (any, error) {
			if read := m.locals[name]; read != nil {
				return c.JS().Call(read, nil)
			}
			e, err := c.JS().Construct(c.JS().ErrorClass("ReferenceError"), c.JS().Runtime().ToValue("Cannot access '"+name+"' before initialization"))
			if err != nil {
				return nil, err
			}
			return nil, c.JS().Thrown(e)
		})
		if m.late == nil {
			m.late = map[string]goja.Value{}
		}
		m.late[name] = v
	}
	return v
}

// namespace is the exotic object of import * as name.
type namespace struct {
	im    *importer
	js    *isolate.JS
	m     *record
	mark  bool // it says that it is an ES module, for require
	names map[string]goja.Value
}

// value is the reader of an export, or nil.
func (n *namespace) reader(key string) goja.Value {
	if v, ok := n.names[key]; ok {
		return v
	}
	b, ok, err := n.im.lookup(n.m, key, map[binding]bool{})
	var v goja.Value
	if err == nil && ok && (n.m.unit != nil || slices.Contains(n.m.names, key)) {
		v = n.im.reader(n.js, b)
	}
	if v != nil || n.m.status == evaluated {
		n.names[key] = v
	}
	return v
}

// Get is goja.DynamicObject's.
func (n *namespace) Get(key string) goja.Value {
	if n.mark && key == "__esModule" {
		return n.js.Runtime().ToValue(true)
	}
	read := n.reader(key)
	if read == nil {
		return nil
	}
	v, err := n.js.Call(read, nil)
	if err != nil {
		n.js.Panic(err)
	}
	return v
}

// Set is goja.DynamicObject's.
func (n *namespace) Set(string, goja.Value) bool { return false }

// Has is goja.DynamicObject's.
func (n *namespace) Has(key string) bool {
	return n.mark && key == "__esModule" || n.reader(key) != nil
}

// Delete is goja.DynamicObject's.
func (n *namespace) Delete(key string) bool { return !n.Has(key) }

// Keys is goja.DynamicObject's.
func (n *namespace) Keys() []string {
	names := slices.Clone(n.im.exportNames(n.m, map[*record]bool{}))
	names = slices.DeleteFunc(names, func(name string) bool { return n.reader(name) == nil })
	if n.mark && !slices.Contains(names, "__esModule") {
		names = append(names, "__esModule")
	}
	slices.Sort(names)
	return names
}

// moduleProto is what namespaces inherit from: their engine's objects have no symbols of
// their own.
var moduleProto = isolate.NewSlot(func(js *isolate.JS) *goja.Object {
	o := js.Runtime().CreateObject(nil)
	// A fresh object takes a property.
	_ = o.DefineDataPropertySymbol(goja.SymToStringTag, js.Runtime().ToValue("Module"), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
	return o
})

func (im *importer) namespaceOf(js *isolate.JS, m *record) *goja.Object {
	if m.namespace == nil {
		m.namespace = im.newNamespace(js, m, false)
	}
	return m.namespace
}

func (im *importer) newNamespace(js *isolate.JS, m *record, mark bool) *goja.Object {
	o := js.Runtime().NewDynamicObject(&namespace{im: im, js: js, m: m, mark: mark, names: map[string]goja.Value{}})
	if err := o.SetPrototype(moduleProto.Get(js)); err != nil {
		js.Panic(err)
	}
	return o
}

// fillBuiltin gives a module without a file its exports.
func (im *importer) fillBuiltin(js *isolate.JS, m *record, name string) error {
	v, _, err := im.l.i.builtin(js, name)
	if err != nil {
		delete(im.records, m.url)
		return err
	}
	im.fill(js, m, v)
	m.status = evaluated
	return nil
}

// fill makes cells of an exports object: each of its names, and the object as default.
func (im *importer) fill(js *isolate.JS, m *record, exports goja.Value) {
	m.cell(js, "default").value = exports
	m.names = []string{"default"}
	o, ok := exports.(*goja.Object)
	if !ok {
		return
	}
	var keys []string
	// A proxy may refuse: then there are no names.
	_ = js.Try(func() { keys = o.GetOwnPropertyNames() })
	for _, key := range keys {
		if key == "default" || key == "module.exports" || key == "__esModule" && m.kind == kindBuiltin || isFunction(exports) && (key == "length" || key == "name" || key == "prototype" || key == "arguments" || key == "caller") {
			continue
		}
		var v goja.Value
		if js.Try(func() { v = o.Get(key) }) != nil || v == nil {
			v = goja.Undefined()
		}
		m.cell(js, key).value = v
		m.names = append(m.names, key)
	}
}

func isFunction(v goja.Value) bool {
	_, ok := goja.AssertFunction(v)
	return ok
}

// run runs what is no ES module.
func (im *importer) run(js *isolate.JS, m *record) error {
	switch m.kind {
	case kindCommon:
		v, err := im.l.common.loadFile(js, m.file, goja.Undefined(), m.main)
		if err != nil {
			return err
		}
		im.fill(js, m, v)
	case kindWasm:
		text, err := im.l.readBytes(js, m.file)
		if err != nil {
			return im.l.thrown(js, err)
		}
		v, err := wasm.FromBytes(js, text)
		if err != nil {
			return err
		}
		m.cell(js, "default").value = v
		m.names = []string{"default"}
	}
	return nil
}

// metaOf is import.meta of a module.
func (im *importer) metaOf(js *isolate.JS, m *record) goja.Value {
	if m.meta != nil {
		return m.meta
	}
	rt := js.Runtime()
	o := rt.CreateObject(nil)
	m.meta = o
	set := func(name string, v any) { _ = o.Set(name, bind.Value(js, v)) } // a fresh object
	if strings.HasPrefix(m.url, "file:") {
		set("dirname", filepath.Dir(m.file))
		set("filename", m.file)
	}
	set("main", m.main)
	set("resolve", bind.NewFunction(js, "resolve", 1, func(c *bind.Call) (any, error) {
		specifier, err := c.String(1, c.Arg(0))
		if err != nil {
			return nil, err
		}
		return im.l.resolveURL(c.JS(), specifier, m.file)
	}))
	set("url", m.url)
	return o
}
