package wasm

import (
	"context"
	"fmt"
	"runtime"

	"github.com/dop251/goja"
	"github.com/tetratelabs/wazero/api"

	"workerd.local/exception"
	"workerd.local/isolate"
)

// table is a table of an instance, or one that a script made. The engine lets only
// instances touch tables, so a small one does it for scripts.
type table struct {
	tableType // as declared
	rs        *realmState
	home      home
	self      *goja.Object
	users     []*instance // whose functions may stand in it

	access *owned
}

func (t *table) object(js *isolate.JS) *goja.Object {
	if t.self == nil {
		t.self = tableClass.Wrap(js, t)
	}
	return t.self
}

// newTable makes a table that belongs to no instance yet.
func (rs *realmState) newTable(js *isolate.JS, t tableType) (*table, error) {
	c := capsOf(js.Bounds())
	if t.low > c.elements {
		return nil, exception.RangeErrorf("WebAssembly.Table(): could not allocate table")
	}
	text := appendSection([]byte("\x00asm\x01\x00\x00\x00"), secTable, appendBounds([]byte{1, byte(t.elem)}, c.table(t.bounds)))
	text = appendSection(text, secExport, append(appendName([]byte{1}, tableExport), byte(kindTable), 0))
	owner, err := rs.own(text)
	if err != nil {
		return nil, err
	}
	return &table{tableType: t, rs: rs, home: home{owner.Module, tableExport, owner}}, nil
}

// accessText is the module that reads and writes a table.
func (t *table) accessText() []byte {
	w := &rewriter{image: &image{}}
	get := w.addType(funcType{[]valType{i32}, []valType{t.elem}})
	set := w.addType(funcType{[]valType{i32, t.elem}, nil})
	size := w.addType(funcType{nil, []valType{i32}})
	grow := w.addType(funcType{[]valType{t.elem, i32}, []valType{i32}})
	b := appendSection([]byte("\x00asm\x01\x00\x00\x00"), secType, append(appendU32(nil, w.typeCount), w.types...))
	desc := appendBounds([]byte{byte(kindTable), byte(t.elem)}, bounds{})
	b = appendSection(b, secImport, append(appendName(appendName([]byte{1}, "e"), t.home.name), desc...))
	b = appendSection(b, secFunction, []byte{4, byte(get), byte(set), byte(size), byte(grow)})
	exports := []byte{4}
	for n, name := range []string{"get", "set", "size", "grow"} {
		exports = append(appendName(exports, name), byte(kindFunction), byte(n))
	}
	b = appendSection(b, secExport, exports)
	code := []byte{4}
	for _, body := range [][]byte{
		{0, opLocalGet, 0, opTableGet, 0, opEnd},
		{0, opLocalGet, 0, opLocalGet, 1, opTableGet + 1, 0, opEnd},
		{0, opMisc, 16, 0, opEnd},
		{0, opLocalGet, 0, opLocalGet, 1, opMisc, 15, 0, opEnd},
	} {
		code = append(appendU32(code, uint32(len(body))), body...)
	}
	return appendSection(b, secCode, code)
}

func (t *table) call(name string, stack ...uint64) uint64 {
	ctx := context.Background()
	if t.access == nil {
		m, err := small(ctx, t.accessText(), bare(t.home.module))
		if err != nil {
			panic(fmt.Errorf("wasm: access to a table: %w", err)) // bind makes it an internal error
		}
		t.access = &owned{bare(m)}
		runtime.AddCleanup(t.access, func(m api.Module) { _ = m.Close(context.Background()) }, m) // nobody is left to be told
	}
	if len(stack) == 0 {
		stack = []uint64{0}
	}
	if err := t.access.ExportedFunction(name).CallWithStack(ctx, stack); err != nil {
		panic(fmt.Errorf("wasm: access to a table: %w", err))
	}
	runtime.KeepAlive(t)
	return stack[0]
}

func (t *table) size() uint32 { return uint32(t.call("size")) }

func (t *table) get(n uint32) uint64 { return t.call("get", uint64(n)) }

// set writes a word; owner is the instance that a function belongs to.
func (t *table) set(n uint32, word uint64, owner *instance) {
	t.use(owner)
	t.call("set", uint64(n), word)
}

// grow adds elements and returns how many there were, -1 where they are too many.
func (t *table) grow(delta uint32, word uint64, owner *instance) int32 {
	t.use(owner)
	if t.hasHigh && uint64(t.size())+uint64(delta) > uint64(t.high) {
		return -1
	}
	return int32(uint32(t.call("grow", word, uint64(delta))))
}

func (t *table) use(owner *instance) {
	if owner == nil {
		return
	}
	for _, u := range t.users {
		if u == owner {
			return
		}
	}
	t.users = append(t.users, owner)
}

// mark notes the values that an externref table holds.
func (t *table) mark(used map[uint64]bool) {
	for n := range t.size() {
		used[t.get(n)] = true
	}
}

// bound is the error for an element that is not there.
func (t *table) bound(member string, n uint32) error {
	if size := t.size(); n >= size {
		return exception.RangeErrorf("WebAssembly.Table.%s(): invalid address %d in %s table of size %d", member, n, t.elem, size)
	}
	return nil
}
