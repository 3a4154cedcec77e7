package wasm

import (
	"context"
	"fmt"
	"runtime"
	"unsafe"
	"weak"

	"github.com/dop251/goja"
	"github.com/tetratelabs/wazero/api"

	"workerd.local/exception"
	"workerd.local/internal/clone"
	"workerd.local/isolate"
	"workerd.local/isolate/natives"
)

// memory is the memory of an instance, or one that a script made.
type memory struct {
	bounds // as declared
	rs     *realmState
	mem    api.Memory
	home   home
	self   *goja.Object

	buffer *goja.Object // what scripts see; nil until they ask
	data   *byte        // of the buffer
	length uint32
}

func (m *memory) object(js *isolate.JS) *goja.Object {
	if m.self == nil {
		m.self = memoryClass.Wrap(js, m)
	}
	return m.self
}

func (m *memory) pages() uint32 {
	n, _ := m.mem.Grow(0)
	return n
}

func (m *memory) bytes() []byte {
	b, _ := m.mem.Read(0, m.mem.Size())
	return b
}

// newMemory makes a memory that belongs to no instance yet: that of a small module.
func (rs *realmState) newMemory(js *isolate.JS, b bounds) (*memory, error) {
	c := capsOf(js.Bounds())
	if b.low > c.pages {
		return nil, exception.RangeErrorf("WebAssembly.Memory(): could not allocate memory")
	}
	text := appendSection([]byte("\x00asm\x01\x00\x00\x00"), secMemory, appendBounds([]byte{1}, c.memory(b)))
	text = appendSection(text, secExport, append(appendName([]byte{1}, memoryExport), byte(kindMemory), 0))
	owner, err := rs.own(text)
	if err != nil {
		return nil, err
	}
	return &memory{bounds: b, rs: rs, mem: owner.ExportedMemory(memoryExport), home: home{owner.Module, memoryExport, owner}}, nil
}

// owned is a module of ours that is closed when nobody holds it.
type owned struct{ api.Module }

func (rs *realmState) own(text []byte) (*owned, error) {
	m, err := small(context.Background(), text, nil)
	if err != nil {
		return nil, fmt.Errorf("make a module: %w", err)
	}
	o := &owned{bare(m)}
	runtime.AddCleanup(o, func(m api.Module) { _ = m.Close(context.Background()) }, m) // nobody is left to be told
	return o, nil
}

// lend returns the buffer over the memory, always the same one until it grows.
func (m *memory) lend(js *isolate.JS) *goja.Object {
	if m.buffer != nil && !m.stale() {
		return m.buffer
	}
	m.detach()
	b := m.bytes()
	m.data, m.length = unsafe.SliceData(b), uint32(len(b))
	m.buffer = js.Runtime().ToValue(js.Runtime().NewArrayBuffer(b)).(*goja.Object)
	// The object is new, so this cannot fail.
	_ = m.buffer.SetSymbol(clone.Pinned, goja.Null())
	_ = m.buffer.SetSymbol(natives.SymPinned, goja.Null())
	m.rs.lent = append(m.rs.lent, weak.Make(m))
	return m.buffer
}

func (m *memory) stale() bool {
	b := m.bytes()
	return unsafe.SliceData(b) != m.data || uint32(len(b)) != m.length
}

func (m *memory) detach() {
	if m.buffer != nil {
		if b, ok := m.buffer.Export().(goja.ArrayBuffer); ok {
			b.Detach()
		}
		m.buffer, m.data, m.length = nil, nil, 0
	}
}

// detachStale takes away the buffers of memories that have grown; it is called
// whenever a script goes on after code of a program ran.
func (rs *realmState) detachStale() {
	if len(rs.lent) == 0 {
		return
	}
	kept := rs.lent[:0]
	for _, w := range rs.lent {
		m := w.Value()
		if m == nil || m.buffer == nil {
			continue
		}
		if m.stale() {
			m.detach()
			continue
		}
		kept = append(kept, w)
	}
	clear(rs.lent[len(kept):])
	rs.lent = kept
}

// grow adds pages and returns how many there were.
func (m *memory) grow(delta uint32) (uint32, error) {
	most := uint32(1 << 16)
	if m.hasHigh {
		most = m.high
	}
	before := m.pages()
	if uint64(before)+uint64(delta) > uint64(most) {
		return 0, exception.RangeErrorf("WebAssembly.Memory.grow(): Maximum memory size exceeded")
	}
	if _, ok := m.mem.Grow(delta); !ok {
		return 0, exception.RangeErrorf("WebAssembly.Memory.grow(): Unable to grow instance memory")
	}
	m.detach()
	return before, nil
}
