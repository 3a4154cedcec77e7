package clone

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"unsafe"

	"github.com/dop251/goja"
	"github.com/dop251/goja/unistring"
)

// kind says how an object is written. It follows goja's own implementation type of the object, so scripts cannot fake
// it with prototypes, Symbol.toStringTag or properties.
type kind uint8

const (
	kindRefused    kind = iota // functions, promises, weak collections, iterators, and whatever is not listed
	kindPlain                  // ordinary object with its properties in a map
	kindLazy                   // ordinary object that goja keeps in another form
	kindArray                  // array with its elements in a slice
	kindOtherArray             // sparse array, Go slice
	kindPrimitive              // Number, Boolean, BigInt or Symbol object
	kindString                 // String object
	kindDate
	kindRegExp
	kindMap
	kindSet
	kindError
	kindBuffer
	kindTyped
	kindDataView
	kindProxy
	kindFunction
	kindHalf // a Float16Array, see Options.Half
)

// engine is what this package knows about the goja it is linked with, found out once by looking at samples.
//
// Two things are not in goja's public API and matter for every stored value: telling a WeakMap or DataView from a plain
// object, and reading own properties without one allocation per key and without following prototypes. So the kind comes
// from the implementation type in Object.self, and maps and slices of the two common types are read in place, never
// written. Names, types and offsets of the fields are checked here; where they differ, properties are read through the
// public API, slower and with the same result.
type engine struct {
	kinds    map[unsafe.Pointer]kind // by the type word of Object.self
	plain    unsafe.Pointer          // type words of the two kinds that are read in place,
	array    unsafe.Pointer          // nil if their layout is not the expected one; errors can be looked into too
	errorObj unsafe.Pointer
	names    uintptr // offsets in the implementation of plain objects and arrays
	values   uintptr
	elements uintptr // offsets in the implementation of arrays
	length   uintptr
	symbols  uintptr // of the properties whose names are symbols; 0 where it is not known
	value    uintptr // offsets in typeProperty
	accessor uintptr

	integers [1024]goja.Value // small integers, which any runtime may use

	typeInt, typeFloat, typeBool, typeBigInt reflect.Type // dynamic types of primitive values
	typeASCII, typeUnicode                   reflect.Type
	typeProperty                             reflect.Type // what holds an accessor or a non-default property; nil if unknown
}

// properties is goja's store of ordinary properties, read in place.
type properties = map[unistring.String]goja.Value

var theEngine = sync.OnceValues(func() (*engine, error) { return newEngine(true) })

// selfWord returns the type word and the data word of o.self.
func selfWord(o *goja.Object) (typ, data unsafe.Pointer) {
	words := (*[2]unsafe.Pointer)(unsafe.Pointer(o))
	return words[0], words[1]
}

var kindSamples = []struct {
	kind    kind
	sources []string
}{
	{kindPlain, []string{`({})`}},
	{kindLazy, []string{`Object.prototype`, `Math`, `JSON`, `Reflect`, `Map.prototype`, `Set.prototype`, `Error.prototype`,
		`RegExp.prototype`, `Promise.prototype`, `Date.prototype`, `ArrayBuffer.prototype`, `Uint8Array.prototype`}},
	{kindArray, []string{`[]`}},
	{kindOtherArray, []string{`Array.prototype`, `(() => { const a = []; a[1e6] = 1; return a })()`}},
	{kindPrimitive, []string{`Object(1)`, `Object(true)`, `Object(1n)`, `Object(Symbol())`}},
	{kindString, []string{`Object("s")`}},
	{kindDate, []string{`new Date(0)`}},
	{kindRegExp, []string{`/x/`}},
	{kindMap, []string{`new Map()`}},
	{kindSet, []string{`new Set()`}},
	{kindError, []string{`new Error()`, `new TypeError()`, `new AggregateError([])`}},
	{kindBuffer, []string{`new ArrayBuffer(1)`}},
	{kindTyped, []string{`new Uint8Array(1)`, `new Float64Array(1)`}},
	{kindDataView, []string{`new DataView(new ArrayBuffer(1))`}},
	{kindProxy, []string{`new Proxy({}, {})`, `new Proxy(function () {}, {})`}},
	{kindFunction, []string{`(function () {})`, `(() => 1)`, `(async () => 1)`, `(async function () {})`, `(function* () {})`,
		`(class {})`, `({ m() {} }).m`, `({ async m() {} }).m`, `({ *m() {} }).m`, `(function () {}).bind()`, `Map`, `Math.max`,
		`Object.getOwnPropertyDescriptor(Map.prototype, "size").get`}},
}

func newEngine(inPlace bool) (*engine, error) {
	self, ok := reflect.TypeFor[goja.Object]().FieldByName("self")
	if !ok || self.Offset != 0 || self.Type.Kind() != reflect.Interface || self.Type.NumMethod() == 0 {
		return nil, errors.New("clone: this version of goja keeps objects in an unknown form")
	}
	e := &engine{kinds: make(map[unsafe.Pointer]kind)}
	rt := goja.New()
	for _, sample := range kindSamples {
		for _, source := range sample.sources {
			v, err := rt.RunString(source)
			if err != nil {
				return nil, fmt.Errorf("clone: evaluate %s: %w", source, err)
			}
			word, _ := selfWord(v.(*goja.Object))
			if _, known := e.kinds[word]; !known {
				e.kinds[word] = sample.kind
			}
		}
	}
	for _, goValue := range []any{map[string]any{}, map[string]int{}} {
		word, _ := selfWord(rt.ToValue(goValue).(*goja.Object))
		e.kinds[word] = kindLazy
	}
	for _, goValue := range []any{[]any{}, []int{}, [1]int{}} {
		word, _ := selfWord(rt.ToValue(goValue).(*goja.Object))
		e.kinds[word] = kindOtherArray
	}

	for i := range e.integers {
		e.integers[i] = rt.ToValue(i)
	}
	e.typeInt = reflect.TypeOf(rt.ToValue(1))
	e.typeFloat = reflect.TypeOf(rt.ToValue(1.5))
	e.typeBool = reflect.TypeOf(rt.ToValue(true))
	big, err := rt.RunString(`1n`)
	if err != nil {
		return nil, fmt.Errorf("clone: this version of goja has no BigInt: %w", err)
	}
	e.typeBigInt = reflect.TypeOf(big)
	e.typeASCII = reflect.TypeOf(goja.StringFromUTF16([]uint16{'a'}))
	if t := reflect.TypeOf(goja.StringFromUTF16([]uint16{0x100})); t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint16 {
		e.typeUnicode = t
	}
	if inPlace {
		e.findLayout(rt)
	}
	return e, nil
}

// findLayout enables reading in place if goja's types look as expected.
func (e *engine) findLayout(rt *goja.Runtime) {
	implementation := func(o *goja.Object) reflect.Type {
		return reflect.ValueOf(o).Elem().FieldByName("self").Elem().Type().Elem()
	}
	plain := implementation(rt.NewObject())
	array := implementation(rt.NewArray())
	sampleError := rt.NewTypeError()
	errorType := implementation(sampleError)
	names, ok1 := plain.FieldByName("propNames")
	values, ok2 := plain.FieldByName("values")
	base, ok3 := array.FieldByName(plain.Name())
	elements, ok4 := array.FieldByName("values")
	length, ok5 := array.FieldByName("length")
	lengthProp, ok6 := array.FieldByName("lengthProp")
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !ok6 || lengthProp.Type.Kind() != reflect.Struct {
		return
	}
	errorBase, ok1 := errorType.FieldByName(plain.Name())
	value, ok2 := lengthProp.Type.FieldByName("value")
	accessor, ok3 := lengthProp.Type.FieldByName("accessor")
	switch {
	case !ok1 || !ok2 || !ok3,
		errorBase.Type != plain || errorBase.Offset != 0,
		value.Type != reflect.TypeFor[goja.Value](),
		accessor.Type.Kind() != reflect.Bool,
		names.Type != reflect.TypeFor[[]unistring.String](),
		values.Type != reflect.TypeFor[properties](),
		base.Type != plain || base.Offset != 0,
		elements.Type != reflect.TypeFor[[]goja.Value](),
		length.Type.Kind() != reflect.Uint32,
		!reflect.PointerTo(lengthProp.Type).Implements(reflect.TypeFor[goja.Value]()):
		return
	}
	if f, ok := plain.FieldByName("symValues"); ok && f.Type.Kind() == reflect.Pointer {
		e.symbols = f.Offset
	}
	e.names, e.values = names.Offset, values.Offset
	e.elements, e.length = elements.Offset, length.Offset
	e.value, e.accessor = value.Offset, accessor.Offset
	e.typeProperty = reflect.PointerTo(lengthProp.Type)
	e.plain, _ = selfWord(rt.NewObject())
	e.array, _ = selfWord(rt.NewArray())
	e.errorObj, _ = selfWord(sampleError)
}

func (e *engine) kindOf(o *goja.Object) kind {
	word, _ := selfWord(o)
	k, known := e.kinds[word]
	if k == kindPlain || k == kindLazy {
		switch o.ClassName() {
		case "Arguments", "RawJSON":
			return kindRefused
		}
	}
	if !known {
		if _, callable := goja.AssertFunction(o); callable {
			return kindFunction
		}
	}
	return k
}

// own returns the property names in insertion order and the property values of an object that can be read in place.
// Values are of typeProperty if they are accessors or not plainly enumerable. Neither result may be changed, and both
// are stale once JavaScript has run.
func (e *engine) own(o *goja.Object) ([]unistring.String, properties, bool) {
	word, impl := selfWord(o)
	if word == nil || word != e.plain && word != e.array {
		return nil, nil, false
	}
	return *(*[]unistring.String)(unsafe.Add(impl, e.names)), *(*properties)(unsafe.Add(impl, e.values)), true
}

// withoutSymbols reports that an object which can be read in place has no property of its own whose name is a symbol.
func (e *engine) withoutSymbols(o *goja.Object) bool {
	word, impl := selfWord(o)
	return e.symbols != 0 && word != nil && word == e.plain && *(*unsafe.Pointer)(unsafe.Add(impl, e.symbols)) == nil
}

// ownElements returns the elements of an array that can be read in place, nil for holes, under the same rules as own.
func (e *engine) ownElements(o *goja.Object) (elements []goja.Value, length uint32, ok bool) {
	word, impl := selfWord(o)
	if word == nil || word != e.array {
		return nil, 0, false
	}
	return *(*[]goja.Value)(unsafe.Add(impl, e.elements)), *(*uint32)(unsafe.Add(impl, e.length)), true
}

// ownData returns the value of an own data property of an object that can be read in place. It runs no script.
func (e *engine) ownData(o *goja.Object, name unistring.String) (v goja.Value, isData, ok bool) {
	word, impl := selfWord(o)
	if word == nil || word != e.plain && word != e.array && word != e.errorObj {
		return nil, false, false
	}
	props := *(*properties)(unsafe.Add(impl, e.values))
	v = props[name]
	if v == nil {
		return nil, false, true
	}
	if reflect.TypeOf(v) != e.typeProperty {
		return v, true, true
	}
	property := (*[2]unsafe.Pointer)(unsafe.Pointer(&v))[1]
	if *(*bool)(unsafe.Add(property, e.accessor)) {
		return nil, false, true
	}
	return *(*goja.Value)(unsafe.Add(property, e.value)), true, true
}
