package wasm

import (
	"encoding/binary"
	"weak"

	"github.com/dop251/goja"
	"github.com/tetratelabs/wazero/api"

	"workerd.local/isolate"
)

// global is a global of an instance, or one that a script made.
type global struct {
	globalType
	rs   *realmState
	cell api.Global
	home home
	self *goja.Object
	user *instance // whose function it holds
}

func (g *global) object(js *isolate.JS) *goja.Object {
	if g.self == nil {
		g.self = globalClass.Wrap(js, g)
	}
	return g.self
}

// newGlobal makes a global with a value; owner is the instance that a function
// belongs to.
func (rs *realmState) newGlobal(_ *isolate.JS, t globalType, word uint64, owner *instance) (*global, error) {
	// A word stands in the text; a reference is set afterwards.
	init := constant(t.val, word)
	text := appendSection([]byte("\x00asm\x01\x00\x00\x00"), secGlobal, append([]byte{1, byte(t.val), flag(t.engineMutable())}, init...))
	text = appendSection(text, secExport, append(appendName([]byte{1}, globalExport), byte(kindGlobal), 0))
	o, err := rs.own(text)
	if err != nil {
		return nil, err
	}
	g := &global{globalType: t, rs: rs, cell: o.ExportedGlobal(globalExport), home: home{o.Module, globalExport, o}, user: owner}
	if t.val.isRef() {
		g.cell.(api.MutableGlobal).Set(word)
	}
	if t.val == externref {
		rs.cells = append(rs.cells, weak.Make(g))
	}
	return g, nil
}

// set changes the value.
func (g *global) set(js *isolate.JS, v goja.Value) error {
	if g.val == funcref && goja.IsUndefined(v) {
		v = goja.Null()
	}
	word, err := g.rs.toWasm(js, g.val, v, nil)
	if err != nil {
		return err
	}
	if owner := ownerOf(js, v); g.val == funcref {
		if own, ok := g.home.held.(*instance); ok {
			own.hold(owner)
		} else {
			g.user = owner
		}
	}
	g.cell.(api.MutableGlobal).Set(word)
	return nil
}

// constant is the expression for a word; that of a reference is null.
func constant(t valType, word uint64) []byte {
	switch t {
	case i32:
		return append(appendS32([]byte{opI32Const}, int32(uint32(word))), opEnd)
	case i64:
		b := []byte{0x42}
		for n := int64(word); ; n >>= 7 {
			if n>>6 == 0 || n>>6 == -1 {
				return append(b, byte(n&0x7f), opEnd)
			}
			b = append(b, byte(n&0x7f)|0x80)
		}
	case f32:
		return append(binary.LittleEndian.AppendUint32([]byte{0x43}, uint32(word)), opEnd)
	case f64:
		return append(binary.LittleEndian.AppendUint64([]byte{0x44}, word), opEnd)
	}
	return []byte{0xd0, byte(t), opEnd}
}
