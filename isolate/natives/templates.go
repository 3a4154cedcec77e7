package natives

import (
	"reflect"
	"unsafe"

	"github.com/dop251/goja"
)

// Functions in the engine's templates.
//
// goja makes many intrinsic objects from templates, which all runtimes share: a function
// per property that makes it when it is first read. What this package adds to such an
// object, and what it puts in the place of the engine's own, are such functions too, and
// cost a realm nothing until a script reads them. The engine's own function of a name
// can be made from its template at any time, so what a script did to the object does
// not reach the natives behind ours.
//
// goja exports none of this, so names and kinds of its fields are looked at before they
// are used; where they are not as expected, the tables are installed in each realm.
//
// Templates are changed once, while the package's variables are made, when no runtime can
// be reading them. A runtime that has not been through Install has no value behind the new
// names.

// factory makes the value of a property, or the property with its attributes.
type factory = func(rt *goja.Runtime) goja.Value

// template is the template of one intrinsic object.
type template struct {
	props, symProps reflect.Value      // the engine's maps of factories
	own             map[string]factory // the engine's own of what we replaced; nil for what it has not
	whole           unsafe.Pointer     // the template, where it is ours
}

// templates that serve tables, by path. fillTemplates sets it.
var templates = map[string]*template{}

// property is the engine's type of a property with attributes; nil where it is not as
// expected. fillTemplates sets it.
var property reflect.Type

// eager are the tables that templates do not serve, in the order of installation.
// fillTemplates sets it.
var eager []table

var _ = fillTemplates()

// lateTables come first in templates.
var lateTables = []table{mathTable, dataViewTable, numberTable, dateTable, dateTextTable, htmlTable, yearTable}

func fillTemplates() bool {
	rt := goja.New()
	property = propertyType(rt)
	served := map[string]bool{}
	for _, list := range [][]table{lateTables, tables, guardedMethods} {
		for _, t := range list {
			served[t.path] = addToTemplate(rt, t)
		}
	}
	for path, global := range map[string]string{"String.prototype": "String", "Array.prototype": "Array", "Function.prototype": "Function", "BigInt.prototype": "BigInt"} {
		if served[path] {
			templates[path].replace("constructor", func(e *env, own factory) goja.Value { return newProperty(e.global(global), true, false) })
		}
	}
	if path := TypedPath; served[path] {
		templates[path].replace("constructor", func(e *env, own factory) goja.Value {
			e.prepare(partTyped)
			return own(e.rt)
		})
	}
	if served["Function.prototype"] {
		templates["Function.prototype"].replace("name", (*env).protoName)
	}
	if served["Object.prototype"] {
		templates["Object.prototype"].replace("__proto__", (*env).protoAccessor)
	}
	for _, list := range [][]table{tables, lateTables, guardedMethods} {
		for _, t := range list {
			if !served[t.path] {
				eager = append(eager, t)
			}
		}
	}
	return true
}

// envSymbol leads from a runtime to its env; scripts never see it.
var envSymbol = goja.NewSymbol("workerd.natives")

func envOf(rt *goja.Runtime) *env {
	if o, ok := rt.GlobalObject().GetSymbol(envSymbol).(*goja.Object); ok {
		if a, ok := o.Export().(announced); ok {
			return a.e
		}
	}
	return nil
}

// announced is an env as a value of the engine: an object without properties, for the
// engine would look at each field of a struct, in each realm anew.
type announced struct{ e *env }

var _ goja.DynamicObject = announced{}

// Get, Set, Has, Delete and Keys are goja.DynamicObject's.
func (announced) Get(string) goja.Value       { return nil }
func (announced) Set(string, goja.Value) bool { return false }
func (announced) Has(string) bool             { return false }
func (announced) Delete(string) bool          { return true }
func (announced) Keys() []string              { return nil }

// announce makes the env known to templates.
func (e *env) announce() error {
	e.hidden[envSymbol] = true
	return e.rt.GlobalObject().DefineDataPropertySymbol(envSymbol, e.rt.NewDynamicObject(announced{e}), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
}

// field gives access to an unexported field, or an invalid value.
func field(of reflect.Value, name string, kind reflect.Kind) reflect.Value {
	if of.Kind() != reflect.Struct || !of.CanAddr() {
		return reflect.Value{}
	}
	f := of.FieldByName(name)
	if !f.IsValid() || f.Kind() != kind {
		return reflect.Value{}
	}
	return reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem()
}

// templateOf is the template of an intrinsic object.
func templateOf(o *goja.Object) reflect.Value {
	self := field(reflect.ValueOf(o).Elem(), "self", reflect.Interface)
	if !self.IsValid() || self.IsNil() || self.Elem().Kind() != reflect.Pointer {
		return reflect.Value{}
	}
	t := field(self.Elem().Elem(), "tmpl", reflect.Pointer)
	if !t.IsValid() || t.IsNil() {
		return reflect.Value{}
	}
	return t.Elem()
}

var (
	typeValue   = reflect.TypeFor[goja.Value]()
	typeFactory = reflect.TypeFor[factory]()
)

// addToTemplate puts a table's functions into the template of its object. It reports
// false, and changes nothing, where the engine is not as expected.
func addToTemplate(rt *goja.Runtime, t table) bool {
	if property == nil {
		return false
	}
	o, err := (&env{rt: rt}).object(t.path)
	if err != nil {
		return false
	}
	tmpl := templateOf(o)
	if !tmpl.IsValid() {
		return false
	}
	names, props := field(tmpl, "propNames", reflect.Slice), field(tmpl, "props", reflect.Map)
	if !names.IsValid() || !props.IsValid() || props.Type().Key().Kind() != reflect.String || names.Type().Elem() != props.Type().Key() {
		return false
	}
	made := props.Type().Elem()
	if !typeFactory.ConvertibleTo(made) || !made.ConvertibleTo(typeFactory) {
		return false
	}
	k := templates[t.path]
	if k == nil {
		k = &template{props: props, symProps: field(tmpl, "symProps", reflect.Map), own: map[string]factory{}}
		templates[t.path] = k
	}
	for i := range t.funcs {
		f := &t.funcs[i]
		key := reflect.ValueOf(f.name).Convert(names.Type().Elem())
		var before factory
		if v := props.MapIndex(key); v.IsValid() {
			before = v.Convert(typeFactory).Interface().(factory)
		} else {
			names.Set(reflect.Append(names, key))
		}
		if _, replaced := k.own[f.name]; !replaced {
			k.own[f.name] = before
		}
		props.SetMapIndex(key, reflect.ValueOf(func(rt *goja.Runtime) goja.Value {
			e := envOf(rt)
			if e == nil {
				if own := k.own[f.name]; own != nil {
					return own(rt)
				}
				return nil
			}
			p := e.templateFunction(f, before)
			if t.path+"."+f.name == keptOfTemplates {
				e.keepFirst(keptOfTemplates, valueOf(p))
			}
			return p
		}).Convert(made))
	}
	return true
}

// templateFunction is the property of an entry; before makes what it takes the place of,
// or is nil.
func (e *env) templateFunction(f *entry, before factory) goja.Value {
	var native goja.Value
	if before != nil {
		native = valueOf(before(e.rt))
	}
	fn, err := e.function(f, native)
	if err != nil {
		panic(e.rt.NewGoError(err))
	}
	if fn == nil {
		return before(e.rt)
	}
	return newProperty(fn, true, false)
}

// replace makes make answer for a property that the engine has. In a realm that has all
// from the beginning the property stays as it is.
func (k *template) replace(name string, make func(e *env, own factory) goja.Value) {
	key := reflect.ValueOf(name).Convert(k.props.Type().Key())
	v := k.props.MapIndex(key)
	if !v.IsValid() {
		return
	}
	own := v.Convert(typeFactory).Interface().(factory)
	k.own[name] = own
	k.props.SetMapIndex(key, reflect.ValueOf(func(rt *goja.Runtime) goja.Value {
		if e := envOf(rt); e != nil && e.inParts {
			return make(e, own)
		}
		return own(rt)
	}).Convert(k.props.Type().Elem()))
}

// newProperty is a configurable property.
func newProperty(v goja.Value, writable, enumerable bool) goja.Value {
	p := reflect.New(property)
	field(p.Elem(), "value", reflect.Interface).Set(reflect.ValueOf(v))
	field(p.Elem(), "writable", reflect.Bool).SetBool(writable)
	field(p.Elem(), "enumerable", reflect.Bool).SetBool(enumerable)
	field(p.Elem(), "configurable", reflect.Bool).SetBool(true)
	return p.Interface().(goja.Value)
}

// fixProperty makes a property that nobody can configure.
func fixProperty(p goja.Value) {
	field(reflect.ValueOf(p).Elem(), "configurable", reflect.Bool).SetBool(false)
}

// setValue changes the value of a property as no script could.
func setValue(p, v goja.Value) {
	if p != nil && reflect.TypeOf(p) == reflect.PointerTo(property) {
		field(reflect.ValueOf(p).Elem(), "value", reflect.Interface).Set(reflect.ValueOf(v))
	}
}

// setAccessors changes the functions of an accessor as no script could.
func setAccessors(p goja.Value, get, set *goja.Object) {
	field(reflect.ValueOf(p).Elem(), "getterFunc", reflect.Pointer).Set(reflect.ValueOf(get))
	field(reflect.ValueOf(p).Elem(), "setterFunc", reflect.Pointer).Set(reflect.ValueOf(set))
}

// accessorsOf are the functions of a property that is an accessor.
func accessorsOf(p goja.Value) (get, set *goja.Object) {
	if p == nil || reflect.TypeOf(p) != reflect.PointerTo(property) {
		return nil, nil
	}
	of := func(name string) *goja.Object {
		f := field(reflect.ValueOf(p).Elem(), name, reflect.Pointer)
		if !f.IsValid() {
			return nil
		}
		o, _ := f.Interface().(*goja.Object)
		return o
	}
	return of("getterFunc"), of("setterFunc")
}

// valueOf is the value of a property.
func valueOf(v goja.Value) goja.Value {
	if v == nil || reflect.TypeOf(v) != reflect.PointerTo(property) {
		return v
	}
	value, _ := field(reflect.ValueOf(v).Elem(), "value", reflect.Interface).Interface().(goja.Value)
	return value
}

// templateProperty is what a template gives a script, made anew; nil where it has none.
func (e *env) templateProperty(path, name string) goja.Value {
	k := templates[path]
	if k == nil {
		return nil
	}
	f := k.props.MapIndex(reflect.ValueOf(name).Convert(k.props.Type().Key()))
	if !f.IsValid() {
		return nil
	}
	return f.Convert(typeFactory).Interface().(factory)(e.rt)
}

// own is the engine's own value of a member of an intrinsic object that has a template,
// whatever scripts have done to the object; ok is false where it has none.
func (e *env) own(path, name string) (v goja.Value, ok bool) {
	p := e.ownProperty(path, name)
	return valueOf(p), p != nil
}

// ownProperty is own with its attributes; nil where there is none.
func (e *env) ownProperty(path, name string) goja.Value {
	k := templates[path]
	if k == nil {
		return nil
	}
	make, replaced := k.own[name]
	if !replaced {
		f := k.props.MapIndex(reflect.ValueOf(name).Convert(k.props.Type().Key()))
		if !f.IsValid() {
			return nil
		}
		make = f.Convert(typeFactory).Interface().(factory)
	}
	if make == nil {
		return nil
	}
	return make(e.rt)
}

// ownSymbol is own of a symbol.
func (e *env) ownSymbol(path string, sym *goja.Symbol) (v goja.Value, ok bool) {
	p := e.ownSymbolProperty(path, sym)
	return valueOf(p), p != nil
}

// ownSymbolProperty is ownProperty of a symbol.
func (e *env) ownSymbolProperty(path string, sym *goja.Symbol) goja.Value {
	k := templates[path]
	if k == nil || !k.symProps.IsValid() {
		return nil
	}
	f := k.symProps.MapIndex(reflect.ValueOf(sym))
	if !f.IsValid() || !f.CanConvert(typeFactory) {
		return nil
	}
	return f.Convert(typeFactory).Interface().(factory)(e.rt)
}

// propertyType is the engine's type of a property with attributes, as its own methods
// have it; nil where it is not as expected.
func propertyType(rt *goja.Runtime) reflect.Type {
	math, ok := rt.GlobalObject().Get("Math").(*goja.Object)
	if !ok {
		return nil
	}
	tmpl := templateOf(math)
	if !tmpl.IsValid() {
		return nil
	}
	props := field(tmpl, "props", reflect.Map)
	if !props.IsValid() {
		return nil
	}
	for it := props.MapRange(); it.Next(); {
		make := it.Value()
		if !make.CanConvert(typeFactory) {
			return nil
		}
		v := reflect.ValueOf(make.Convert(typeFactory).Interface().(factory)(rt))
		if v.Kind() != reflect.Pointer || v.Type().Elem().Kind() != reflect.Struct {
			continue
		}
		p := v.Elem()
		fn := field(p, "value", reflect.Interface)
		if !fn.IsValid() || fn.Type() != typeValue || fn.IsNil() {
			continue
		}
		if _, ok := goja.AssertFunction(fn.Interface().(goja.Value)); !ok {
			continue
		}
		for _, name := range []string{"writable", "configurable", "enumerable", "accessor"} {
			if !field(p, name, reflect.Bool).IsValid() {
				return nil
			}
		}
		return p.Type()
	}
	return nil
}
