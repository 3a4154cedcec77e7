package natives

import (
	"fmt"
	"reflect"
	"sort"
	"sync"
	"unsafe"

	"github.com/dop251/goja"
	"github.com/dop251/goja/file"
)

// errorLayout is where the engine keeps what its errors are made from: the constructor of
// a class of errors, what an error knows of the stack, and the instruction that the
// machine is at.
type errorLayout struct {
	*engineLayout
	errorObject      reflect.Type
	frames, made     uintptr // of errorObject: the stack, and whether its text was made
	names            uintptr // of errorObject: the names of its properties
	machine          uintptr // of goja.Runtime
	program, counter uintptr // of the machine
	stack, top       uintptr
	code, source     uintptr // of the program
	places           uintptr
	codeType         reflect.Type
}

// place says where in the source an instruction, and those after it, come from.
type place struct{ pc, offset int }

var layoutOfErrors = sync.OnceValues(func() (*errorLayout, error) {
	rt := goja.New()
	v, err := rt.RunString("[new Uint8Array(1), new DataView(new ArrayBuffer(1)), TypeError, new Error()]")
	if err != nil {
		return nil, err
	}
	list := v.(*goja.Object)
	object := func(i string) *goja.Object { return list.Get(i).(*goja.Object) }
	l := &errorLayout{}
	if l.engineLayout, err = newEngineLayout(object("0"), object("1"), object("2")); err != nil {
		return nil, err
	}
	field := func(t reflect.Type, name string, same func(t reflect.Type) bool) uintptr {
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		f, ok := t.FieldByName(name)
		if (!ok || !same(f.Type)) && err == nil {
			err = fmt.Errorf("the engine's %v has no %s as expected", t, name)
		}
		return f.Offset
	}
	is := func(want reflect.Type) func(reflect.Type) bool {
		return func(t reflect.Type) bool { return t == want }
	}
	l.errorObject = l.implementation(object("3")).Type().Elem()
	l.frames = field(l.errorObject, "stack", is(reflect.TypeFor[[]goja.StackFrame]()))
	l.made = field(l.errorObject, "stackPropAdded", is(reflect.TypeFor[bool]()))
	l.names = field(l.errorObject, "propNames", func(t reflect.Type) bool { return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.String })
	runtime := reflect.TypeFor[goja.Runtime]()
	l.machine = field(runtime, "vm", func(t reflect.Type) bool { return t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct })
	if err != nil {
		return nil, err
	}
	f, _ := runtime.FieldByName("vm")
	l.program = field(f.Type, "prg", is(reflect.TypeFor[*goja.Program]()))
	l.counter = field(f.Type, "pc", is(reflect.TypeFor[int]()))
	l.stack = field(f.Type, "stack", func(t reflect.Type) bool { return t.Kind() == reflect.Slice && t.Elem() == typeValue })
	l.top = field(f.Type, "sp", is(reflect.TypeFor[int]()))
	program := reflect.TypeFor[goja.Program]()
	l.code = field(program, "code", func(t reflect.Type) bool {
		l.codeType = t
		return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Interface
	})
	l.source = field(program, "src", is(reflect.TypeFor[*file.File]()))
	l.places = field(program, "srcMap", func(t reflect.Type) bool {
		return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct && t.Elem().Size() == unsafe.Sizeof(place{}) &&
			t.Elem().Field(0).Name == "pc" && t.Elem().Field(1).Name == "srcPos" && t.Elem().Field(0).Type.Kind() == reflect.Int
	})
	return l, err
})

// instruction is what the machine of a runtime is at.
type instruction struct {
	name   string // of the engine's type for it: "getProp"
	value  reflect.Value
	source string // of its program
	offset int    // in source
	stack  []goja.Value
}

// at reads the instruction; ok is false outside of scripts.
func (l *errorLayout) at(rt *goja.Runtime) (in instruction, ok bool) {
	vm := *at[unsafe.Pointer](unsafe.Pointer(rt), l.machine)
	program := *at[unsafe.Pointer](vm, l.program)
	if program == nil {
		return in, false
	}
	pc := *at[int](vm, l.counter)
	code := reflect.NewAt(l.codeType, unsafe.Add(program, l.code)).Elem()
	if pc < 0 || pc >= code.Len() {
		return in, false
	}
	in.value = code.Index(pc).Elem()
	t := in.value.Type()
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	in.name = t.Name()
	if src := *at[*file.File](program, l.source); src != nil {
		in.source = src.Source()
	}
	places := *at[[]place](program, l.places)
	if i := sort.Search(len(places), func(i int) bool { return places[i].pc > pc }) - 1; i >= 0 {
		in.offset = places[i].offset
	}
	stack, top := *at[[]goja.Value](vm, l.stack), *at[int](vm, l.top)
	if top >= 0 && top <= len(stack) {
		in.stack = stack[:top]
	}
	return in, true
}

// destructured is the name of the first property that is read after the instruction that
// the machine is at, of those that a pattern begins with. nested says that the pattern is
// within another one.
func (l *errorLayout) destructured(rt *goja.Runtime) (name string, nested bool) {
	vm := *at[unsafe.Pointer](unsafe.Pointer(rt), l.machine)
	program := *at[unsafe.Pointer](vm, l.program)
	pc := *at[int](vm, l.counter)
	code := reflect.NewAt(l.codeType, unsafe.Add(program, l.code)).Elem()
	places := *at[[]place](program, l.places)
	from := pc
	if i := sort.Search(len(places), func(i int) bool { return places[i].pc > pc }) - 1; i >= 0 {
		from = places[i].pc
	}
	for i := from; i < min(pc+6, code.Len()); i++ {
		switch v := code.Index(i).Elem(); {
		case i < pc && v.Type().Name() == "_checkObjectCoercible":
			nested = true
		case i > pc && v.Type().Name() == "getProp":
			return v.String(), nested
		}
	}
	return "", nested
}
