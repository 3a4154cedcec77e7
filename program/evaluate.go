package program

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/script"
)

// evaluation is what the order of running needs of a record (ECMAScript, "Cyclic Module
// Records").
type evaluation struct {
	index, low int // in the walk
	onStack    bool
	root       *record // of the cycle that the module is in
	waiting    int     // for how many asynchronous modules it waits
	parents    []*record
	rank       int  // when it began to run asynchronously; 0 is not
	settled    bool // one that ran asynchronously has ended
	failed     bool
	failure    error // why it did not run
	promise    *goja.Object
	resolve    func(goja.Value)
	reject     func(error)
}

// link enters all modules below m that are not linked yet, and gives each what it imports.
func (im *importer) link(js *isolate.JS, m *record) error {
	var list []*record
	var walk func(m *record)
	seen := map[*record]bool{}
	stack := []*record{m}
	walk = func(m *record) {
		if m.unit == nil || m.status != unlinked || seen[m] {
			return
		}
		seen[m] = true
		list = append(list, m)
		stack = append(stack, m.deps...)
	}
	for len(stack) > 0 {
		m := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		walk(m)
	}
	fail := func(err error) error {
		for _, m := range list {
			m.status, m.locals, m.step, m.start, m.imported = unlinked, nil, nil, nil, nil
		}
		return err
	}
	for _, m := range list {
		m.status = linking
		if err := im.enter(js, m); err != nil {
			return fail(err)
		}
	}
	for _, m := range list {
		imports, err := im.imports(js, m)
		if err != nil {
			return fail(err)
		}
		if m.imported = imports; m.unit.Async {
			continue
		}
		if _, err := m.step(js, imports); err != nil {
			return fail(err)
		}
	}
	for _, m := range list {
		m.status = linked
	}
	return nil
}

// enter makes a module's scope: its functions exist from now on, and nothing has run.
func (im *importer) enter(js *isolate.JS, m *record) error {
	rt := js.Runtime()
	fn, err := rt.RunProgram(m.unit.Program)
	if err != nil {
		return err
	}
	take := func(v goja.Value) {
		m.locals = map[string]goja.Value{}
		if o, ok := v.(*goja.Object); ok {
			for _, name := range m.unit.Locals {
				m.locals[name] = o.Get(name)
			}
		}
	}
	host := script.UnitObject(rt, script.UnitHost{
		Import: func(specifier goja.Value) goja.Value { return im.dynamic(js, specifier, m.file) },
		Meta:   func() goja.Value { return im.metaOf(js, m) },
		Enter: func(exports goja.Value) goja.Value {
			take(exports)
			return m.imported
		},
	})
	if m.unit.Async {
		m.start = func(js *isolate.JS) (goja.Value, error) { return js.Call(fn, nil, host) }
		return nil
	}
	v, err := js.Call(fn, nil, host)
	if err != nil {
		return err
	}
	generator, ok := v.(*goja.Object)
	if !ok {
		return exception.Errorf("a module is no generator")
	}
	step := generatorNext.Get(js)
	m.step = func(js *isolate.JS, v goja.Value) (goja.Value, error) {
		r, err := js.Call(*step, generator, v)
		if err != nil {
			return nil, err
		}
		return r.(*goja.Object).Get("value"), nil
	}
	exports, err := m.step(js, goja.Undefined())
	if err != nil {
		return err
	}
	take(exports)
	return nil
}

// generatorNext is the method of generators, whatever scripts put in its place.
var generatorNext = isolate.NewSlot(func(js *isolate.JS) *goja.Value {
	v, err := js.Runtime().RunString("(function*(){})().next")
	if err != nil {
		js.Panic(err)
	}
	return &v
})

// imports are the readers of what a module imports.
func (im *importer) imports(js *isolate.JS, m *record) (goja.Value, error) {
	list := make([]any, len(m.unit.Imports))
	for i, want := range m.unit.Imports {
		dep := m.deps[want.Request]
		if want.Name == script.Everything {
			list[i] = im.namespaceOf(js, dep)
			continue
		}
		b, ok, err := im.lookup(dep, want.Name, map[binding]bool{})
		if err != nil || !ok {
			return nil, im.missing(js, m, want, dep, err)
		}
		list[i] = im.reader(js, b)
	}
	for _, e := range m.unit.Indirect {
		if e.From == script.Everything {
			continue
		}
		if _, ok, err := im.lookup(m.deps[e.Request], e.From, map[binding]bool{}); err != nil || !ok {
			return nil, im.missing(js, m, script.ModuleImport{Request: e.Request, Name: e.From}, m.deps[e.Request], err)
		}
	}
	return js.Runtime().NewArray(list...), nil
}

// missing is the error about a name that a module does not export.
func (im *importer) missing(js *isolate.JS, m *record, want script.ModuleImport, dep *record, why error) error {
	specifier := m.unit.Requests[want.Request]
	text := "The requested module '" + specifier + "' does not provide an export named '" + want.Name + "'"
	switch {
	case errors.Is(why, errAmbiguous):
		text = "The requested module '" + specifier + "' contains conflicting star exports for name '" + want.Name + "'"
	case dep.kind == kindCommon:
		text = "Named export '" + want.Name + "' not found. The requested module '" + specifier + "' is a CommonJS module, which may not support all module.exports as named exports.\n" +
			"CommonJS modules can always be imported via the default export, for example using:\n\nimport pkg from '" + specifier + "';\nconst { " + want.Name + " } = pkg;\n"
	}
	obj, err := js.Construct(js.ErrorClass("SyntaxError"), js.Runtime().ToValue(text))
	if err != nil {
		return err
	}
	im.l.show(js, obj, im.l.placeOfImport(m.url, specifier, want.Name))
	return js.Thrown(obj)
}

// evaluate runs a module that is linked, and all that it imports; what it returns settles
// when they have.
func (im *importer) evaluate(js *isolate.JS, m *record) *goja.Object {
	if m.status >= evaluatingAsync && m.root != nil {
		m = m.root
	}
	if m.promise != nil {
		return m.promise
	}
	var resolve func(goja.Value)
	var reject func(error)
	m.promise, resolve, reject = js.NewPromise()
	m.resolve, m.reject = resolve, reject
	promise := m.promise
	var stack []*record
	index := 0
	if err := im.walk(js, m, &stack, &index); err != nil {
		if isolate.Uncatchable(err) {
			js.Panic(err)
		}
		for _, s := range stack {
			s.status, s.onStack, s.failed, s.failure = evaluated, false, true, err
		}
		m.failed, m.failure = true, err
		reject(err)
		return promise
	}
	if m.rank == 0 || m.settled {
		resolve(goja.Undefined())
	}
	return promise
}

// walk is InnerModuleEvaluation.
func (im *importer) walk(js *isolate.JS, m *record, stack *[]*record, index *int) error {
	if m.failed {
		return m.failure
	}
	if m.unit == nil {
		if m.status == evaluated {
			return nil
		}
		m.status = evaluated // a cycle through CommonJS comes back here
		if err := im.run(js, m); err != nil {
			m.failed, m.failure = true, err
			return err
		}
		return nil
	}
	if m.status >= evaluating {
		return nil
	}
	m.status, m.index, m.low, m.onStack = evaluating, *index, *index, true
	*index++
	*stack = append(*stack, m)
	for _, d := range m.deps {
		if err := im.walk(js, d, stack, index); err != nil {
			return err
		}
		if d.unit == nil {
			continue
		}
		if d.status == evaluating && d.onStack {
			m.low = min(m.low, d.low)
		} else {
			if d.root != nil {
				d = d.root
			}
			if d.failed {
				return d.failure
			}
		}
		if d.rank > 0 && d.status == evaluatingAsync || d.rank > 0 && d.onStack {
			m.waiting++
			d.parents = append(d.parents, m)
		}
	}
	if err := im.checkNames(js, m); err != nil {
		return err
	}
	if m.waiting > 0 || m.unit.Async {
		im.rank++
		m.rank = im.rank
		if m.waiting == 0 {
			im.runAsync(js, m)
		}
	} else if err := im.runBody(js, m); err != nil {
		return err
	}
	if m.low == m.index {
		for {
			s := (*stack)[len(*stack)-1]
			*stack = (*stack)[:len(*stack)-1]
			s.onStack, s.root = false, m
			s.status = evaluated
			if s.rank > 0 && !s.settled {
				s.status = evaluatingAsync
			}
			if s == m {
				return nil
			}
		}
	}
	return nil
}

// checkNames finds out, when the CommonJS modules that a module imports have run, whether
// they have the names that it wants.
func (im *importer) checkNames(js *isolate.JS, m *record) error {
	for _, want := range m.unit.Imports {
		dep := m.deps[want.Request]
		if dep.kind != kindCommon || want.Name == script.Everything || dep.names == nil || slices.Contains(dep.names, want.Name) {
			continue
		}
		return im.missing(js, m, want, dep, nil)
	}
	return nil
}

// runBody runs a module that awaits nothing.
func (im *importer) runBody(js *isolate.JS, m *record) error {
	_, err := m.step(js, goja.Undefined())
	im.nameDefault(js, m)
	return err
}

// nameDefault gives what is exported as default and has no name of its own the name that
// the language gives it.
func (im *importer) nameDefault(js *isolate.JS, m *record) {
	if m.unit.Default == "" {
		return
	}
	// What has no value yet, or cannot be changed, keeps its name.
	_ = js.Try(func() {
		v, err := js.Call(m.locals["default"], nil)
		o, ok := v.(*goja.Object)
		if err != nil || !ok || !isFunction(v) {
			return
		}
		if n := o.Get("name"); n != nil && n.String() == m.unit.Default {
			_ = o.DefineDataProperty("name", js.Runtime().ToValue("default"), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
		}
	})
}

// runAsync starts a module that has a top-level await.
func (im *importer) runAsync(js *isolate.JS, m *record) {
	body, err := m.start(js)
	if err != nil {
		im.rejected(js, m, err)
		return
	}
	js.OnSettled(body, func(js *isolate.JS, _ goja.Value, err error) {
		if err != nil {
			im.rejected(js, m, err)
			return
		}
		im.nameDefault(js, m)
		im.fulfilled(js, m)
	})
}

// fulfilled is AsyncModuleExecutionFulfilled.
func (im *importer) fulfilled(js *isolate.JS, m *record) {
	if m.settled {
		return
	}
	m.status, m.settled = evaluated, true
	if m.promise != nil {
		m.resolve(goja.Undefined())
	}
	var ready []*record
	gather(m, &ready)
	slices.SortFunc(ready, func(a, b *record) int { return a.rank - b.rank })
	for _, p := range ready {
		switch {
		case p.settled:
		case p.unit.Async:
			im.runAsync(js, p)
		default:
			err := im.checkNames(js, p)
			if err == nil {
				err = im.runBody(js, p)
			}
			if err != nil {
				if isolate.Uncatchable(err) {
					js.Panic(err)
				}
				im.rejected(js, p, err)
				continue
			}
			p.status, p.settled = evaluated, true
			if p.promise != nil {
				p.resolve(goja.Undefined())
			}
		}
	}
}

// gather is GatherAvailableAncestors.
func gather(m *record, ready *[]*record) {
	for _, p := range m.parents {
		if slices.Contains(*ready, p) || p.root != nil && p.root.failed {
			continue
		}
		p.waiting--
		if p.waiting == 0 {
			*ready = append(*ready, p)
			if !p.unit.Async {
				gather(p, ready)
			}
		}
	}
}

// rejected is AsyncModuleExecutionRejected.
func (im *importer) rejected(js *isolate.JS, m *record, err error) {
	if m.settled {
		return
	}
	m.failed, m.failure, m.status, m.settled = true, err, evaluated, true
	for _, p := range m.parents {
		im.rejected(js, p, err)
	}
	if m.promise != nil {
		m.reject(err)
	}
}

// importNow is import of a module by a target: a promise for its namespace.
func (im *importer) importNow(js *isolate.JS, m *record) *goja.Object {
	err := im.load(js, m)
	if err == nil {
		err = im.link(js, m)
	}
	if err != nil {
		return im.rejection(js, err)
	}
	promise, resolve, reject := js.NewPromise()
	if m.unit == nil {
		var stack []*record
		index := 0
		if err := im.walk(js, m, &stack, &index); err != nil {
			return im.rejection(js, err)
		}
		resolve(im.namespaceOf(js, m))
		return promise
	}
	js.OnSettled(im.evaluate(js, m), func(js *isolate.JS, _ goja.Value, err error) {
		if err != nil {
			reject(err)
			return
		}
		resolve(im.namespaceOf(js, m))
	})
	return promise
}

func (im *importer) rejection(js *isolate.JS, err error) *goja.Object {
	if isolate.Uncatchable(err) {
		js.Panic(err)
	}
	return js.Rejected(err)
}

// dynamic is import(specifier) in a file. It does not throw.
func (im *importer) dynamic(js *isolate.JS, specifier goja.Value, from string) goja.Value {
	var text string
	if err := js.Try(func() { text = specifier.ToString().String() }); err != nil {
		return im.rejection(js, err)
	}
	m, err := im.find(js, text, from)
	if err != nil {
		return im.rejection(js, err)
	}
	return im.importNow(js, m)
}

// stalled is the module below m, or m, that waits for what is no module; nil where there is none.
func (m *record) stalled(seen map[*record]bool) *record {
	if m.unit == nil || seen[m] {
		return nil
	}
	seen[m] = true
	for _, d := range m.deps {
		if s := d.stalled(seen); s != nil {
			return s
		}
	}
	if m.unit.Async && m.status == evaluatingAsync && m.waiting == 0 && !m.settled {
		return m
	}
	return nil
}

// stalledAt tells where the entry waits, as V8 shows a place.
func (im *importer) stalledAt(js *isolate.JS) string {
	for _, m := range im.records {
		if !m.main {
			continue
		}
		s := m.stalled(map[*record]bool{})
		if s == nil || s.unit.AwaitLine == 0 {
			s = cmp.Or(s, m)
			return s.url
		}
		at := s.url + ":" + strconv.Itoa(s.unit.AwaitLine)
		text, err := im.l.read(js, s.file)
		if err != nil {
			return at // a text that is in no file
		}
		line := strings.Split(text, "\n")[min(s.unit.AwaitLine, strings.Count(text, "\n")+1)-1]
		return at + "\n" + line + "\n" + strings.Repeat(" ", max(0, strings.Index(line, "await"))) + "^\n\n"
	}
	return im.l.i.o.File
}

// require is require of an ES module by a file, which is empty where nobody knows; the module must not wait for anything.
func (im *importer) require(js *isolate.JS, file, by string) (goja.Value, error) {
	m, err := im.record(js, target{found: found{file: file}, url: urlOfPath(file)})
	if err != nil {
		return nil, err
	}
	if m.kind != kindModule {
		return nil, exception.Errorf("%s is no ES module", file)
	}
	if m.status == evaluating || m.status == linking {
		return nil, im.l.thrown(js, failure("ERR_REQUIRE_CYCLE_MODULE", "Cannot require() ES Module %s in a cycle.", file))
	}
	if err := im.load(js, m); err != nil {
		return nil, err
	}
	if m.required == nil && m.waits(map[*record]bool{}) {
		text := "require() cannot be used on an ESM graph with top-level await. Use import() instead. To see where the top-level await comes from, use --experimental-print-required-tla."
		if by != "" {
			text += "\n  From " + by + " "
		}
		return nil, im.l.thrown(js, failure("ERR_REQUIRE_ASYNC_MODULE", "%s", text+"\n  Requiring "+file+" "))
	}
	if err := im.link(js, m); err != nil {
		return nil, err
	}
	// The promise is looked at here: a rejection is thrown.
	promise := im.evaluate(js, m)
	js.OnSettled(promise, func(*isolate.JS, goja.Value, error) {})
	if m.failed {
		return nil, m.failure
	}
	if m.required == nil {
		names := im.exportNames(m, map[*record]bool{})
		switch {
		case slices.Contains(names, "module.exports"):
			m.required = im.namespaceOf(js, m).Get("module.exports")
		case slices.Contains(names, "default") && !slices.Contains(names, "__esModule"):
			m.required = im.newNamespace(js, m, true)
		default:
			m.required = im.namespaceOf(js, m)
		}
	}
	return m.required, nil
}

// waits reports whether a module, or one that it imports, has a top-level await, whether that is over or not.
func (m *record) waits(seen map[*record]bool) bool {
	if m.unit == nil || seen[m] {
		return false
	}
	seen[m] = true
	return m.unit.Async || slices.ContainsFunc(m.deps, func(d *record) bool { return d.waits(seen) })
}
