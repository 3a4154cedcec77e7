package wasm

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"strconv"
	"weak"

	"github.com/dop251/goja"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"workerd.local/exception"
	"workerd.local/isolate"
)

// home is where a function, table, memory or global can be imported from.
type home struct {
	module api.Module
	name   string
	held   any // what must live as long as the module is used
}

// instance is a program in a realm.
//
// The engine knows its instances until they are closed, and a host function of an
// instance is among what the engine knows. So host functions hold their instance
// weakly: it lives as long as a script can reach it or something of it, and is closed
// when the collector finds it.
type instance struct {
	p       *program
	js      *isolate.JS
	rs      *realmState
	module  api.Module
	depth   api.MutableGlobal
	imports []any // by number: a goja.Value that is called, *function, *table, *memory, *global

	functions map[uint32]*function // of the program's own and shims, by the module's number
	memory    *memory
	tables    []*table
	globals   []*global
	exports   *goja.Object
	held      map[*instance]bool // owners of references that were passed in
}

// instantiate links and starts a program. where begins the texts of errors.
func (rs *realmState) instantiate(js *isolate.JS, p *program, imports goja.Value, where string) (*instance, error) {
	if len(p.imports) > 0 {
		if _, ok := imports.(*goja.Object); !ok {
			return nil, exception.TypeErrorf("%s: Imports argument must be present and must be an object", where)
		}
	}
	i := &instance{
		p: p, js: js, rs: rs, imports: make([]any, len(p.imports)), functions: map[uint32]*function{},
		tables: make([]*table, len(p.tables)), globals: make([]*global, len(p.globals)), held: map[*instance]bool{},
	}
	for n, im := range p.imports {
		if err := i.readImport(js, n, im, imports.(*goja.Object), where); err != nil {
			return nil, err
		}
	}
	if err := i.start(js, where); err != nil {
		return nil, err
	}
	return i, i.makeExports(js)
}

// start makes the engine's instance. Where its code traps, functions of it may stand
// in tables already, so what it needs is given back by the collector here too.
func (i *instance) start(js *isolate.JS, where string) error {
	ctx := context.Background()
	var opened []api.Closer
	defer func() {
		runtime.AddCleanup(i, func(all []api.Closer) {
			for _, c := range all {
				// Nothing of it runs any more; closing removes it from the engine's lists.
				_ = c.Close(context.Background())
			}
		}, opened)
	}()
	host, compiled, err := i.host(ctx)
	if err != nil {
		return err
	}
	opened = append(opened, host, compiled)
	modules := map[string]api.Module{tickImport: host}
	for n, im := range i.imports {
		name := numbered("", uint32(n))
		h, ok := homeOf(im)
		if !ok {
			modules[name] = host
			continue
		}
		adaptor, err := adapt(ctx, i.p, n, h, name)
		if err != nil {
			return mismatch(err, where, i.p, n)
		}
		opened = append(opened, adaptor)
		modules[name] = bare(adaptor)
	}
	ctx = experimental.WithImportResolver(ctx, func(name string) api.Module { return modules[name] })
	i.rs.depth++
	m, err := engine().InstantiateModule(ctx, i.p.compiled, anonymous())
	i.rs.depth--
	i.rs.detachStale()
	runtime.KeepAlive(i)
	if err != nil {
		return i.rs.failure(err)
	}
	i.module = m
	opened = append(opened, m)
	i.depth, _ = m.ExportedGlobal(numbered(globalExport, i.p.w.depth)).(api.MutableGlobal)
	i.rs.instances[addressOf(m)] = weak.Make(i)
	return nil
}

func anonymous() wazero.ModuleConfig {
	return wazero.NewModuleConfig().WithName("").WithStartFunctions()
}

// addressOf identifies an instance of the engine.
func addressOf(m api.Module) uintptr { return reflect.ValueOf(m).Pointer() }

// host makes the module of the functions that scripts pass in, and of the one that
// all programs call.
func (i *instance) host(ctx context.Context) (api.Module, wazero.CompiledModule, error) {
	b := engine().NewHostModuleBuilder("host")
	self := weak.Make(i)
	for n, im := range i.imports {
		if v, ok := im.(goja.Value); ok {
			t := i.p.typeOf(i.p.imports[n].index)
			b = b.NewFunctionBuilder().WithGoModuleFunction(hostFunction(self, v, t), apiTypes(t.params), apiTypes(t.results)).Export(numbered("", uint32(n)))
		}
	}
	b = b.NewFunctionBuilder().WithGoModuleFunction(tick(self), []api.ValueType{api.ValueTypeI32}, nil).Export(tickImport)
	compiled, err := b.Compile(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("host functions: %w", err)
	}
	m, err := engine().InstantiateModule(ctx, compiled, anonymous())
	if err != nil {
		return nil, nil, fmt.Errorf("host functions: %w", err)
	}
	return m, compiled, nil
}

func apiTypes(ts []valType) []api.ValueType {
	out := make([]api.ValueType, len(ts))
	for i, t := range ts {
		out[i] = api.ValueType(t)
	}
	return out
}

// adapt gives something of another instance the name that an import has.
func adapt(ctx context.Context, p *program, n int, h home, name string) (api.Module, error) {
	im := p.imports[n]
	var types []byte
	desc := []byte{byte(im.kind)}
	switch im.kind {
	case kindFunction:
		w := &rewriter{image: &image{}}
		w.addType(p.typeOf(im.index))
		types = append(appendU32(nil, 1), w.types...)
		desc = append(desc, 0)
	case kindTable:
		desc = appendBounds(append(desc, byte(p.tables[im.index].elem)), bounds{})
	case kindMemory:
		desc = appendBounds(desc, p.w.caps.memory(bounds{}))
	case kindGlobal:
		g := p.globals[im.index]
		desc = append(desc, byte(g.val), flag(g.engineMutable()))
	}
	b := appendSection([]byte("\x00asm\x01\x00\x00\x00"), secType, types)
	b = appendSection(b, secImport, append(appendName(appendName([]byte{1}, "e"), h.name), desc...))
	b = appendSection(b, secExport, append(appendName([]byte{1}, name), byte(im.kind), 0))
	return small(ctx, b, h.module)
}

// small compiles and instantiates a module of ours, whose imports all come from one.
func small(ctx context.Context, text []byte, from api.Module) (api.Module, error) {
	compiled, err := compileText(text)
	if err != nil {
		return nil, err
	}
	ctx = experimental.WithImportResolver(ctx, func(string) api.Module { return from })
	m, err := engine().InstantiateModule(ctx, compiled, anonymous())
	if err != nil {
		_ = compiled.Close(ctx) // the error above is the one that matters
		return nil, err
	}
	return &closing{m, compiled}, nil
}

// closing is a module that takes its code along.
type closing struct {
	api.Module
	compiled wazero.CompiledModule
}

func (c *closing) Close(ctx context.Context) error {
	if err := c.Module.Close(ctx); err != nil {
		return err
	}
	return c.compiled.Close(ctx)
}

// bare is the module as the engine knows it.
func bare(m api.Module) api.Module {
	if c, ok := m.(*closing); ok {
		return c.Module
	}
	return m
}

func mismatch(err error, where string, p *program, n int) error {
	im := p.imports[n]
	return linkError("%s: Import #%d %q %q: %s does not match: %s", where, n, im.module, im.name, im.kind, err)
}

// homeOf is where an import can be taken from; not ok for a script's function.
func homeOf(im any) (home, bool) {
	switch im := im.(type) {
	case *function:
		return home{im.owner.module, numbered(functionExport, im.owner.p.w.referred(im.index)), im.owner}, true
	case *table:
		return im.home, true
	case *memory:
		return im.home, true
	case *global:
		return im.home, true
	}
	return home{}, false
}

// readImport reads one import out of the script's object and checks its type.
func (i *instance) readImport(js *isolate.JS, n int, im external, object *goja.Object, where string) error {
	var from, v goja.Value
	if err := js.Try(func() { from = object.Get(im.module) }); err != nil {
		return err
	}
	module, ok := from.(*goja.Object)
	if !ok {
		return exception.TypeErrorf("%s: Import #%d %s: module is not an object or function", where, n, strconv.Quote(im.module))
	}
	if err := js.Try(func() { v = module.Get(im.name) }); err != nil {
		return err
	}
	fail := func(format string, args ...any) error {
		return linkError("%s: Import #%d %s %s: %s", where, n, strconv.Quote(im.module), strconv.Quote(im.name), fmt.Sprintf(format, args...))
	}
	switch im.kind {
	case kindFunction:
		if _, ok := goja.AssertFunction(v); !ok {
			return fail("function import requires a callable")
		}
		i.imports[n] = v
		if f, ok := functionClass.Unwrap(js, v); ok {
			if !f.typ.equal(i.p.typeOf(im.index)) {
				return fail("imported function does not match the expected type")
			}
			i.imports[n] = f
			i.functions[im.index] = f
		}
	case kindTable:
		t, ok := tableClass.Unwrap(js, v)
		want := i.p.tables[im.index]
		switch {
		case !ok:
			return fail("table import requires a WebAssembly.Table")
		case t.elem != want.elem:
			return fail("imported table does not match the expected type")
		}
		size := t.size()
		if size < want.low {
			return fail("table import has %d elements, which is less than the required minimum %d", size, want.low)
		}
		if want.hasHigh && (!t.hasHigh || t.high > want.high) {
			return fail("table import has no maximum or a larger maximum than the declared maximum %d", want.high)
		}
		t.users = append(t.users, i)
		i.imports[n], i.tables[im.index] = t, t
	case kindMemory:
		m, ok := memoryClass.Unwrap(js, v)
		want := i.p.memories[im.index]
		switch {
		case !ok:
			return fail("memory import must be a WebAssembly.Memory object")
		case m.pages() < want.low:
			return fail("memory import has %d pages which is smaller than the declared initial of %d", m.pages(), want.low)
		case want.hasHigh && (!m.hasHigh || m.high > want.high):
			return fail("memory import has no maximum limit or a larger maximum size than the declared maximum %d", want.high)
		}
		i.imports[n], i.memory = m, m
	case kindGlobal:
		want := i.p.globals[im.index]
		g, ok := globalClass.Unwrap(js, v)
		switch {
		case ok && g.mutable != want.mutable:
			return fail("imported global does not match the expected mutability")
		case ok && g.val != want.val:
			return fail("imported global does not match the expected type")
		case ok:
		case want.mutable:
			return fail("imported mutable global must be a WebAssembly.Global object")
		default:
			if !fits(js, want.val, v) {
				return fail("global import must be a number, valid Wasm reference, or WebAssembly.Global object")
			}
			word, err := i.rs.toWasm(js, want.val, v, nil)
			if err != nil {
				return err
			}
			if g, err = i.rs.newGlobal(js, want, word, ownerOf(js, v)); err != nil {
				return err
			}
		}
		i.imports[n], i.globals[im.index] = g, g
	}
	return nil
}

// fits reports whether a plain value can be imported as a global of that type.
func fits(js *isolate.JS, t valType, v goja.Value) bool {
	switch t {
	case i32, f32, f64:
		return goja.IsNumber(v)
	case i64:
		return goja.IsBigInt(v)
	case externref:
		return true
	case funcref:
		_, ok := functionClass.Unwrap(js, v)
		return ok || goja.IsNull(v)
	}
	return false
}

// makeExports makes the object of exports, which is frozen and has no prototype.
func (i *instance) makeExports(js *isolate.JS) error {
	o := js.Runtime().CreateObject(nil)
	for _, e := range i.p.exports {
		var v goja.Value
		switch e.kind {
		case kindFunction:
			v = i.function(e.index).object(js)
		case kindTable:
			v = i.table(e.index).object(js)
		case kindMemory:
			v = i.theMemory().object(js)
		case kindGlobal:
			v = i.global(e.index).object(js)
		}
		if err := o.DefineDataProperty(e.name, v, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_TRUE); err != nil {
			return err
		}
	}
	i.exports = o
	_, err := js.Call(i.rs.freeze, nil, o)
	return err
}

// function is one of the instance's functions, by the module's number; an imported one
// that belongs to another instance is that instance's.
func (i *instance) function(n uint32) *function {
	f := i.functions[n]
	if f == nil {
		f = &function{owner: i, index: n, typ: i.p.typeOf(n)}
		i.functions[n] = f
	}
	return f
}

func (i *instance) table(n uint32) *table {
	if i.tables[n] == nil {
		i.tables[n] = &table{tableType: i.p.tables[n], rs: i.rs, home: home{i.module, numbered(tableExport, n), i}}
	}
	return i.tables[n]
}

func (i *instance) theMemory() *memory {
	if i.memory == nil {
		i.memory = &memory{bounds: i.p.memories[0], rs: i.rs, mem: i.module.ExportedMemory(memoryExport), home: home{i.module, memoryExport, i}}
	}
	return i.memory
}

func (i *instance) global(n uint32) *global {
	if i.globals[n] == nil {
		name := numbered(globalExport, n)
		i.globals[n] = &global{globalType: i.p.globals[n], rs: i.rs, cell: i.module.ExportedGlobal(name), home: home{i.module, name, i}}
	}
	return i.globals[n]
}

// hold keeps the owner of a reference that was passed in.
func (i *instance) hold(owner *instance) {
	if owner != nil && owner != i {
		i.held[owner] = true
	}
}

// reference is the engine's reference to one of the functions.
func (i *instance) reference(f uint32) (uint64, error) {
	place, ok := i.p.w.place[f]
	if !ok {
		return 0, fmt.Errorf("function %d cannot be a reference", f)
	}
	stack := []uint64{uint64(place)}
	err := i.module.ExportedFunction(referenceExport).CallWithStack(context.Background(), stack)
	return stack[0], err
}
