package wasm

import (
	"math"
	"math/big"
	"reflect"
	"unsafe"
	"weak"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/limits"
	"workerd.local/isolate"
)

// realmState is what all instances of a realm share.
type realmState struct {
	depth     int                                // calls into programs that run
	lent      []weak.Pointer[memory]             // memories whose buffers scripts may hold
	instances map[uintptr]weak.Pointer[instance] // by the engine's address

	// externref values by their number; 0 is null.
	values  map[uint64]goja.Value
	numbers map[*goja.Object]uint64
	next    uint64
	sweepAt int
	cells   []weak.Pointer[global] // of scripts, that hold such values
	arrays  []weak.Pointer[table]

	freeze, asUintN goja.Value
	errors          map[string]*goja.Object
}

var realms = isolate.NewSlot(func(js *isolate.JS) *realmState {
	global := js.Runtime().GlobalObject()
	return &realmState{
		instances: map[uintptr]weak.Pointer[instance]{},
		values:    map[uint64]goja.Value{}, numbers: map[*goja.Object]uint64{}, sweepAt: 1024,
		freeze:  global.Get("Object").(*goja.Object).Get("freeze"),
		asUintN: global.Get("BigInt").(*goja.Object).Get("asUintN"),
		errors:  map[string]*goja.Object{},
	}
})

var bigIntType = reflect.TypeFor[*big.Int]()

var mask64 = new(big.Int).SetUint64(math.MaxUint64)

// toWasm is the word for a value. to is the instance that it is passed to.
func (rs *realmState) toWasm(js *isolate.JS, t valType, v goja.Value, to *instance) (word uint64, err error) {
	switch t {
	case i64:
		return rs.bigInt(js, v)
	case externref:
		return rs.number(js, v)
	case funcref:
		if goja.IsNull(v) {
			return 0, nil
		}
		f, ok := functionClass.Unwrap(js, v)
		if !ok {
			return 0, exception.TypeErrorf("type incompatibility when transforming from/to JS")
		}
		if to != nil {
			to.hold(f.owner)
		}
		return f.owner.reference(f.index)
	case v128:
		return 0, exception.TypeErrorf("type incompatibility when transforming from/to JS")
	}
	var f float64
	if goja.IsNumber(v) {
		if n, ok := v.Export().(int64); ok {
			if t == i32 {
				return uint64(uint32(n)), nil
			}
			f = float64(n)
		} else {
			f = v.ToFloat()
		}
	} else if err := js.Try(func() { f = v.ToNumber().ToFloat() }); err != nil {
		return 0, err
	}
	switch t {
	case i32:
		return uint64(toInt32(f)), nil
	case f32:
		return uint64(math.Float32bits(float32(f))), nil
	}
	return math.Float64bits(f), nil
}

func toInt32(f float64) uint32 {
	if n := int64(f); float64(n) == math.Trunc(f) {
		return uint32(n)
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	m := math.Mod(math.Trunc(f), 1<<32)
	if m < 0 {
		m += 1 << 32
	}
	return uint32(m)
}

func (rs *realmState) bigInt(js *isolate.JS, v goja.Value) (uint64, error) {
	if !goja.IsBigInt(v) || v.ExportType() != bigIntType {
		var err error
		if v, err = js.Call(rs.asUintN, nil, js.Runtime().ToValue(64), v); err != nil {
			return 0, err
		}
	}
	n, ok := v.Export().(*big.Int)
	if !ok {
		return 0, exception.TypeErrorf("Cannot convert %s to a BigInt", v)
	}
	if n.IsInt64() {
		return uint64(n.Int64()), nil
	}
	return new(big.Int).And(n, mask64).Uint64(), nil
}

// toJS is the value for a word.
func (rs *realmState) toJS(js *isolate.JS, t valType, word uint64) goja.Value {
	rt := js.Runtime()
	switch t {
	case i32:
		return rt.ToValue(int64(int32(uint32(word))))
	case i64:
		return rt.ToValue(big.NewInt(int64(word)))
	case f32:
		return rt.ToValue(float64(math.Float32frombits(uint32(word))))
	case f64:
		return rt.ToValue(math.Float64frombits(word))
	case externref:
		if word == 0 {
			return goja.Null()
		}
		if v := rs.values[word]; v != nil {
			return v
		}
		return goja.Undefined()
	case funcref:
		return rs.functionValue(js, word)
	}
	js.Panic(exception.TypeErrorf("type incompatibility when transforming from/to JS"))
	return nil
}

// engineFunction is what the engine's references to functions point at. The engine
// has no public way from a reference to its function; TestReferencesAreWhatWeThink
// compares this with what it does.
type engineFunction struct {
	//lint:ignore U1000 it keeps the place of the engine's field
	executable unsafe.Pointer
	module     *uintptr // the first word of a module's memory is its address
	//lint:ignore U1000 it keeps the place of the engine's field
	typeID uint32
	index  uint32
}

// functionValue is the function behind a reference, or null.
func (rs *realmState) functionValue(js *isolate.JS, word uint64) goja.Value {
	if word == 0 {
		return goja.Null()
	}
	f := *(**engineFunction)(unsafe.Pointer(&word))
	i := rs.instances[*f.module].Value()
	if i == nil {
		js.Panic(exception.New("RuntimeError", "the function belongs to an instance that is gone"))
	}
	return i.function(i.p.w.original(f.index)).object(js)
}

// ownerOf is the instance that a function belongs to, if v is one.
func ownerOf(js *isolate.JS, v goja.Value) *instance {
	if f, ok := functionClass.Unwrap(js, v); ok {
		return f.owner
	}
	return nil
}

// number gives a value of a script the number by which programs know it.
func (rs *realmState) number(js *isolate.JS, v goja.Value) (uint64, error) {
	if goja.IsNull(v) {
		return 0, nil
	}
	o, isObject := v.(*goja.Object)
	if isObject {
		if n := rs.numbers[o]; n != 0 {
			return n, nil
		}
	}
	if most := limits.WasmReferences.In(js.Bounds()); len(rs.values) >= most {
		return 0, exception.RangeErrorf("WebAssembly code holds more than %d values of scripts", most)
	}
	rs.next++
	rs.values[rs.next] = v
	if isObject {
		rs.numbers[o] = rs.next
	}
	return rs.next, nil
}

// sweep forgets numbers that no program can have kept. Nothing of a program runs, so
// they are in tables and globals only.
func (rs *realmState) sweep() {
	if len(rs.values) < rs.sweepAt {
		return
	}
	used := map[uint64]bool{}
	for a, w := range rs.instances {
		i := w.Value()
		if i == nil {
			delete(rs.instances, a)
			continue
		}
		for n, t := range i.p.tables {
			if t.elem == externref {
				i.table(uint32(n)).mark(used)
			}
		}
		for n, g := range i.p.globals {
			if g.val == externref {
				used[i.global(uint32(n)).cell.Get()] = true
			}
		}
	}
	rs.cells = alive(rs.cells, func(g *global) { used[g.cell.Get()] = true })
	rs.arrays = alive(rs.arrays, func(t *table) { t.mark(used) })
	for n, v := range rs.values {
		if !used[n] {
			delete(rs.values, n)
			if o, ok := v.(*goja.Object); ok {
				delete(rs.numbers, o)
			}
		}
	}
	rs.sweepAt = max(1024, 2*len(rs.values))
}

// alive drops what is gone and shows the rest.
func alive[T any](list []weak.Pointer[T], each func(*T)) []weak.Pointer[T] {
	kept := list[:0]
	for _, w := range list {
		if v := w.Value(); v != nil {
			each(v)
			kept = append(kept, w)
		}
	}
	clear(list[len(kept):])
	return kept
}

// trackTable makes a table that a script made known to sweep.
func (rs *realmState) trackTable(t *table) { rs.arrays = append(rs.arrays, weak.Make(t)) }
