package natives

import (
	"fmt"
	"reflect"
	"unsafe"

	"github.com/dop251/goja"
)

// The engine keeps some things to itself that its objects need to behave as the language
// says: how long a view of a buffer is, where an error was made. The fields
// below are found by name and type when the process starts to need them, and what
// is not found as expected is an error of [Install], not a wrong read: a new engine
// with other fields fails every test.

// engineLayout is where the engine's structs have the fields that are used here.
type engineLayout struct {
	self reflect.StructField // of goja.Object: the struct that implements it

	buffer                             reflect.Type // behind a goja.ArrayBuffer
	bufferData                         uintptr
	typed                              reflect.Type
	typedBuffer, typedLength           uintptr
	typedOffset, typedElemSize         uintptr
	dataView                           reflect.Type
	viewBuffer, viewLength, viewOffset uintptr
	function                           reflect.Type
	functionCall, functionConstruct    uintptr
}

type construct = func(args []goja.Value, newTarget *goja.Object) *goja.Object

// newEngineLayout looks the fields up in three objects of a runtime.
func newEngineLayout(typed, view, function *goja.Object) (*engineLayout, error) {
	l := &engineLayout{}
	var ok bool
	if l.self, ok = reflect.TypeFor[goja.Object]().FieldByName("self"); !ok || l.self.Type.Kind() != reflect.Interface {
		return nil, fmt.Errorf("the engine's objects have no field self")
	}
	var err error
	field := func(t reflect.Type, name string, want reflect.Type) uintptr {
		f, ok := t.FieldByName(name)
		if (!ok || f.Type != want || len(f.Index) != 1) && err == nil {
			err = fmt.Errorf("the engine's %v has no %s of type %v", t, name, want)
		}
		return f.Offset
	}
	of := func(o *goja.Object) reflect.Type {
		t := l.implementation(o).Type()
		if t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct {
			if err == nil {
				err = fmt.Errorf("the engine's objects are of the type %v", t)
			}
			return reflect.TypeFor[struct{}]()
		}
		return t.Elem()
	}
	integer := reflect.TypeFor[int]()
	l.typed, l.dataView, l.function = of(typed), of(view), of(function)
	buffer, ok := reflect.TypeFor[goja.ArrayBuffer]().FieldByName("buf")
	if !ok || buffer.Type.Kind() != reflect.Pointer {
		return nil, fmt.Errorf("the engine's ArrayBuffer has no buf")
	}
	l.buffer = buffer.Type.Elem()
	l.bufferData = field(l.buffer, "data", reflect.TypeFor[[]byte]())
	l.typedBuffer = field(l.typed, "viewedArrayBuf", buffer.Type)
	l.typedLength = field(l.typed, "length", integer)
	l.typedOffset = field(l.typed, "offset", integer)
	l.typedElemSize = field(l.typed, "elemSize", integer)
	l.viewBuffer = field(l.dataView, "viewedArrayBuf", buffer.Type)
	l.viewLength = field(l.dataView, "byteLen", integer)
	l.viewOffset = field(l.dataView, "byteOffset", integer)
	l.functionCall = field(l.function, "f", reflect.TypeFor[raw]())
	l.functionConstruct = field(l.function, "construct", reflect.TypeFor[construct]())
	return l, err
}

// implementation is the struct behind an object, a pointer.
func (l *engineLayout) implementation(o *goja.Object) reflect.Value {
	return reflect.NewAt(l.self.Type, unsafe.Add(unsafe.Pointer(o), l.self.Offset)).Elem().Elem()
}

// structOf is the struct behind o if it is of type t, else nil.
func (l *engineLayout) structOf(o *goja.Object, t reflect.Type) unsafe.Pointer {
	v := l.implementation(o)
	if v.Kind() != reflect.Pointer || v.Type().Elem() != t {
		return nil
	}
	return v.UnsafePointer()
}

// at is the field of type T at offset of a struct.
func at[T any](p unsafe.Pointer, offset uintptr) *T { return (*T)(unsafe.Add(p, offset)) }
