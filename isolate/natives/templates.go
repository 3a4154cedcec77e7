package natives

import (
	"reflect"
	"unsafe"

	"github.com/dop251/goja"
)

// Functions in the engine's templates.
//
// goja makes an intrinsic object from a template, which all runtimes share: a function
// per property that makes it when it is first read. What this package adds to an
// intrinsic can be such a function too, and then costs a realm nothing until a script
// reads it. goja exports none of this, so names and kinds of its fields are looked at
// before they are used; where they are not as expected, the additions are made in each
// realm.
//
// Templates are changed once, while the package's variables are made, when no runtime
// can be reading them. A runtime that has not been through Install has no value behind
// the new names.

// lateTables add to intrinsics that have a template, or put functions in the place of
// the engine's that have no use for these.
var lateTables = []table{mathTable, dataViewTable, numberTable, dateTable, htmlTable, yearTable}

// late are the tables that templates do not serve.
var late = func() (left []table) {
	rt := goja.New()
	for _, t := range lateTables {
		if !addToTemplate(rt, t) {
			left = append(left, t)
		}
	}
	return left
}()

// envSymbol leads from a runtime to its env; scripts never see it.
var envSymbol = goja.NewSymbol("workerd.natives")

func envOf(rt *goja.Runtime) *env {
	if o, ok := rt.GlobalObject().GetSymbol(envSymbol).(*goja.Object); ok {
		if e, ok := o.Export().(*env); ok {
			return e
		}
	}
	return nil
}

// announce makes the env known to templates.
func (e *env) announce() error {
	e.hidden[envSymbol] = true
	return e.rt.GlobalObject().DefineDataPropertySymbol(envSymbol, e.rt.ToValue(e), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
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

var typeValue = reflect.TypeFor[goja.Value]()

// addToTemplate adds a table's functions to the template of its object. It reports
// false, and changes nothing, where the engine is not as expected.
func addToTemplate(rt *goja.Runtime, t table) bool {
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
	factory := props.Type().Elem()
	if factory.Kind() != reflect.Func || factory.NumIn() != 1 || factory.In(0) != reflect.TypeFor[*goja.Runtime]() || factory.NumOut() != 1 || factory.Out(0) != typeValue {
		return false
	}
	property := propertyType(rt, props)
	if property == nil {
		return false
	}
	for i := range t.funcs {
		f := &t.funcs[i]
		key := reflect.ValueOf(f.name).Convert(names.Type().Elem())
		own := props.MapIndex(key)
		props.SetMapIndex(key, reflect.MakeFunc(factory, func(args []reflect.Value) []reflect.Value {
			out := reflect.New(typeValue).Elem()
			if e := envOf(args[0].Interface().(*goja.Runtime)); e != nil {
				out.Set(newProperty(property, e.addition(f)))
			} else if own.IsValid() {
				return own.Call(args)
			}
			return []reflect.Value{out}
		}))
		if !own.IsValid() {
			names.Set(reflect.Append(names, key))
		}
	}
	return true
}

// addition is the function object of an entry that needs no native of the engine.
func (e *env) addition(f *entry) *goja.Object {
	fn := e.rt.ToValue(e.guard(f.make(e, nil))).(*goja.Object)
	if err := e.nameFunc(fn, f.name, f.length); err != nil {
		panic(e.rt.NewGoError(err))
	}
	return fn
}

// propertyType is the engine's type of a property with attributes, as its own methods
// have it; nil where it is not as expected.
func propertyType(rt *goja.Runtime, props reflect.Value) reflect.Type {
	for it := props.MapRange(); it.Next(); {
		v := it.Value().Call([]reflect.Value{reflect.ValueOf(rt)})[0]
		if v.IsNil() || v.Elem().Kind() != reflect.Pointer || v.Elem().Type().Elem().Kind() != reflect.Struct {
			continue
		}
		p := v.Elem().Elem()
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
		return v.Elem().Type().Elem()
	}
	return nil
}

// newProperty is a method as the engine has its own: writable, configurable.
func newProperty(property reflect.Type, fn *goja.Object) reflect.Value {
	p := reflect.New(property)
	field(p.Elem(), "value", reflect.Interface).Set(reflect.ValueOf(fn))
	field(p.Elem(), "writable", reflect.Bool).SetBool(true)
	field(p.Elem(), "configurable", reflect.Bool).SetBool(true)
	return p
}
