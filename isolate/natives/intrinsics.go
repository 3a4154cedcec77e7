package natives

import (
	"reflect"
	"unsafe"

	"github.com/dop251/goja"
	"github.com/dop251/goja/unistring"
)

// intrinsicLayout is where the engine keeps what this package reaches into: the slots of its
// intrinsic objects and the fields of an object. It is read from the engine's types.
type intrinsicLayout struct {
	slots map[string]uintptr // of a Runtime: *goja.Object by name

	runtime, self uintptr      // of a goja.Object
	selfType      reflect.Type // what an object is to the engine, an interface

	templated   reflect.Type // an object with a template
	tmpl, ready uintptr      // of it: the template, and whether the prototype is known
	// of any object of the engine's, as every one begins with the same fields
	class, val, prototype, extensible, values, names, symbols uintptr

	template reflect.Type // a template
}

// intrinsics is nil where the engine is not as expected: then every realm has all that
// this package does from the beginning.
var intrinsics = readLayout()

// intrinsicsOff is for tests.
var intrinsicsOff bool

func readLayout() *intrinsicLayout {
	l := &intrinsicLayout{slots: map[string]uintptr{}}
	object := reflect.TypeFor[goja.Object]()
	at := func(t reflect.Type, name string, want reflect.Type) (uintptr, bool) {
		f, ok := t.FieldByName(name)
		return f.Offset, ok && len(f.Index) == 1 && (want == nil || f.Type == want)
	}
	self, ok1 := object.FieldByName("self")
	runtime, ok2 := at(object, "runtime", reflect.TypeFor[*goja.Runtime]())
	global, ok3 := reflect.TypeFor[goja.Runtime]().FieldByName("global")
	if !ok1 || !ok2 || !ok3 || self.Type.Kind() != reflect.Interface || global.Type.Kind() != reflect.Struct {
		return nil
	}
	l.self, l.selfType, l.runtime = self.Offset, self.Type, runtime
	pointer := reflect.TypeFor[*goja.Object]()
	for i := range global.Type.NumField() {
		if f := global.Type.Field(i); f.Type == pointer {
			l.slots[f.Name] = global.Offset + f.Offset
		}
	}
	// The global object has a template.
	g := goja.New().GlobalObject()
	impl := reflect.ValueOf(g).Elem().FieldByName("self")
	if impl.IsNil() || impl.Elem().Kind() != reflect.Pointer || impl.Elem().Type().Elem().Kind() != reflect.Struct {
		return nil
	}
	l.templated = impl.Elem().Type().Elem()
	base, ok := l.templated.FieldByName("baseObject")
	if !ok || base.Offset != 0 || base.Type.Kind() != reflect.Struct || !isBase(l.templated) {
		return nil
	}
	tmpl, ok := l.templated.FieldByName("tmpl")
	if !ok || len(tmpl.Index) != 1 || tmpl.Type.Kind() != reflect.Pointer || tmpl.Type.Elem().Kind() != reflect.Struct {
		return nil
	}
	l.tmpl, l.template = tmpl.Offset, tmpl.Type.Elem()
	if l.ready, ok = at(l.templated, "protoMaterialised", reflect.TypeFor[bool]()); !ok {
		return nil
	}
	for _, f := range []struct {
		to   *uintptr
		name string
		want reflect.Type
	}{
		{&l.class, "class", reflect.TypeFor[string]()},
		{&l.val, "val", pointer},
		{&l.prototype, "prototype", pointer},
		{&l.extensible, "extensible", reflect.TypeFor[bool]()},
		{&l.values, "values", reflect.TypeFor[map[unistring.String]goja.Value]()},
		{&l.names, "propNames", reflect.TypeFor[[]unistring.String]()},
		{&l.symbols, "symValues", nil},
	} {
		if *f.to, ok = at(base.Type, f.name, f.want); !ok {
			return nil
		}
	}
	if s, _ := base.Type.FieldByName("symValues"); s.Type.Kind() != reflect.Pointer {
		return nil
	}
	factories := reflect.MapOf(reflect.TypeFor[unistring.String](), typeFactory)
	for name, want := range map[string]reflect.Type{
		"propNames": reflect.TypeFor[[]unistring.String](), "symPropNames": reflect.TypeFor[[]*goja.Symbol](),
		"props": factories, "symProps": reflect.MapOf(reflect.TypeFor[*goja.Symbol](), typeFactory),
	} {
		f, ok := l.template.FieldByName(name)
		if !ok || len(f.Index) != 1 || f.Type.Kind() != want.Kind() {
			return nil
		}
		if f.Type.Kind() == reflect.Slice && f.Type != want {
			return nil
		}
		if f.Type.Kind() == reflect.Map && (f.Type.Key() != want.Key() || f.Type.Elem().Kind() != reflect.Func || !typeFactory.ConvertibleTo(f.Type.Elem())) {
			return nil
		}
	}
	return l
}

// isBase reports whether a type of the engine's begins with the fields of all objects.
func isBase(t reflect.Type) bool {
	for t.Kind() == reflect.Struct && t.Name() != "baseObject" {
		if t.NumField() == 0 || t.Field(0).Offset != 0 {
			return false
		}
		t = t.Field(0).Type
	}
	return t.Kind() == reflect.Struct
}

// slot is where a runtime keeps an intrinsic object.
func (l *intrinsicLayout) slot(rt *goja.Runtime, name string) **goja.Object {
	return (**goja.Object)(unsafe.Add(unsafe.Pointer(rt), l.slots[name]))
}

// implementation is what makes an object what it is: an interface value of the engine's.
type implementation struct{ kind, data unsafe.Pointer }

func (l *intrinsicLayout) implementation(o *goja.Object) *implementation {
	return (*implementation)(unsafe.Add(unsafe.Pointer(o), l.self))
}

// fieldAt is a field of an implementation.
func fieldAt[T any](of implementation, offset uintptr) *T {
	return (*T)(unsafe.Add(of.data, offset))
}

// newOf makes an object that is a zero struct of the engine's, which begins with the fields
// of all objects.
func (l *intrinsicLayout) newOf(rt *goja.Runtime, of reflect.Type, proto *goja.Object) *goja.Object {
	o := new(goja.Object)
	*(**goja.Runtime)(unsafe.Add(unsafe.Pointer(o), l.runtime)) = rt
	reflect.NewAt(l.selfType, unsafe.Add(unsafe.Pointer(o), l.self)).Elem().Set(reflect.New(of))
	i := *l.implementation(o)
	*fieldAt[string](i, l.class) = "Function"
	*fieldAt[*goja.Object](i, l.val) = o
	*fieldAt[*goja.Object](i, l.prototype) = proto
	return o
}

// newTemplated makes an object of a template, the pointer to one.
func (l *intrinsicLayout) newTemplated(rt *goja.Runtime, tmpl unsafe.Pointer, proto *goja.Object) *goja.Object {
	o := new(goja.Object)
	*(**goja.Runtime)(unsafe.Add(unsafe.Pointer(o), l.runtime)) = rt
	impl := reflect.New(l.templated)
	reflect.NewAt(l.selfType, unsafe.Add(unsafe.Pointer(o), l.self)).Elem().Set(impl)
	i := *l.implementation(o)
	*fieldAt[string](i, l.class) = "Object"
	*fieldAt[*goja.Object](i, l.val) = o
	*fieldAt[*goja.Object](i, l.prototype) = proto
	*fieldAt[bool](i, l.extensible) = true
	*fieldAt[map[unistring.String]goja.Value](i, l.values) = map[unistring.String]goja.Value{}
	*fieldAt[unsafe.Pointer](i, l.tmpl) = tmpl
	*fieldAt[bool](i, l.ready) = true
	return o
}

// newTemplate makes a template. The names and symbols are in the order in which they
// are listed.
func (l *intrinsicLayout) newTemplate(names []unistring.String, props map[unistring.String]factory, symbols []*goja.Symbol, symProps map[*goja.Symbol]factory) unsafe.Pointer {
	t := reflect.New(l.template)
	set := func(field string, v any) {
		f := t.Elem().FieldByName(field)
		f = reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem()
		given := reflect.ValueOf(v)
		if f.Kind() != reflect.Map {
			f.Set(given)
			return
		}
		f.Set(reflect.MakeMapWithSize(f.Type(), given.Len()))
		for it := given.MapRange(); it.Next(); {
			f.SetMapIndex(it.Key(), it.Value().Convert(f.Type().Elem()))
		}
	}
	set("propNames", names)
	set("props", props)
	if len(symbols) > 0 {
		set("symPropNames", symbols)
		set("symProps", symProps)
	}
	return t.UnsafePointer()
}

// readTemplate is the names and factories of a template.
func (l *intrinsicLayout) readTemplate(tmpl unsafe.Pointer) (names []unistring.String, props map[unistring.String]factory, symbols []*goja.Symbol, symProps map[*goja.Symbol]factory) {
	t := reflect.NewAt(l.template, tmpl).Elem()
	get := func(field string) reflect.Value {
		f := t.FieldByName(field)
		return reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem()
	}
	props, symProps = map[unistring.String]factory{}, map[*goja.Symbol]factory{}
	for it := get("props").MapRange(); it.Next(); {
		props[it.Key().Interface().(unistring.String)] = it.Value().Convert(typeFactory).Interface().(factory)
	}
	for it := get("symProps").MapRange(); it.Next(); {
		symProps[it.Key().Interface().(*goja.Symbol)] = it.Value().Convert(typeFactory).Interface().(factory)
	}
	names = append(names, get("propNames").Interface().([]unistring.String)...)
	symbols = append(symbols, get("symPropNames").Interface().([]*goja.Symbol)...)
	return names, props, symbols, symProps
}
