package natives

import (
	"reflect"
	"sync"
	"unsafe"

	"github.com/dop251/goja"
	"github.com/dop251/goja/unistring"
)

// Late is the shape of an object of which a realm makes each property when it is first
// needed: a template, see templates.go. Scripts see an ordinary object. A shape is made
// once per process; a realm makes one object of it at most.
type Late struct {
	properties []LateProperty
	once       sync.Once
	template   engineTemplate // nil where the engine is not as expected
}

// LateProperty is a property of the shape: configurable where it is not Fixed, and writable
// where it is neither ReadOnly nor an accessor.
type LateProperty struct {
	Name                 string
	Enumerable, Accessor bool
	Fixed, ReadOnly      bool
}

// Named are properties of these names that are otherwise like p.
func (p LateProperty) Named(names ...string) []LateProperty {
	list := make([]LateProperty, len(names))
	for i, name := range names {
		p.Name = name
		list[i] = p
	}
	return list
}

// LateValue is what a property is: a Value, or the functions of an accessor.
type LateValue struct {
	Value    goja.Value
	Get, Set *goja.Object
}

// NewLate makes a shape whose properties are listed in that order.
func NewLate(properties ...LateProperty) *Late { return &Late{properties: properties} }

func (s *Late) prepare() engineTemplate {
	s.once.Do(func() {
		if intrinsics == nil || property == nil {
			return
		}
		var names []unistring.String
		props := map[unistring.String]factory{}
		for _, p := range s.properties {
			name := unistring.NewFromString(p.Name)
			names = append(names, name)
			props[name] = func(rt *goja.Runtime) goja.Value { return p.property(envOf(rt).shapes[s](p.Name)) }
		}
		s.template = intrinsics.newTemplate(names, props, nil, nil)
	})
	return s.template
}

func (p LateProperty) property(v LateValue) goja.Value {
	if p.Accessor {
		made := newProperty(undefined, false, p.Enumerable)
		field(reflect.ValueOf(made).Elem(), "value", reflect.Interface).SetZero()
		field(reflect.ValueOf(made).Elem(), "accessor", reflect.Bool).SetBool(true)
		setAccessors(made, v.Get, v.Set)
		if p.Fixed {
			fixProperty(made)
		}
		return made
	}
	made := newProperty(v.Value, !p.ReadOnly, p.Enumerable)
	if p.Fixed {
		fixProperty(made)
	}
	return made
}

// NewLate makes the realm's object of a shape. make makes the value of a property; its
// panic is what the script's read throws. late is false where the engine is not as
// expected: then the object has no properties before FillLate.
func (l *Library) NewLate(s *Late, proto *goja.Object, make func(name string) LateValue) (o *goja.Object, late bool) {
	t := s.prepare()
	if t == nil {
		return l.e.rt.CreateObject(proto), false
	}
	l.e.shape(s, make)
	return intrinsics.newTemplated(l.e.rt, t, proto), true
}

func (e *env) shape(s *Late, make func(name string) LateValue) {
	if e.shapes == nil {
		e.shapes = map[*Late]func(name string) LateValue{}
	}
	e.shapes[s] = make
}

// NewLateFunction is NewLate of a function and constructor. construct is called with a new
// object that inherits from what newTarget says. The shape lists all properties of the
// function, also length, name and prototype.
func (l *Library) NewLateFunction(s *Late, call, construct raw, make func(name string) LateValue) (o *goja.Object, late bool) {
	rt := l.e.rt
	t := s.prepare()
	if lateFunction.kind == nil || t == nil {
		of := func(fn raw) goja.Value {
			return l.e.helper(func(c goja.FunctionCall) goja.Value {
				args := append([]goja.Value(nil), l.e.view(c.Argument(1).(*goja.Object))...)
				return fn(goja.FunctionCall{This: c.Argument(0), Arguments: args})
			})
		}
		return l.e.runGlue(earlyFunctionProgram(), of(call), of(construct)).(*goja.Object), false
	}
	l.e.shape(s, make)
	o = intrinsics.newOf(rt, lateFunction.kind, nil)
	i := *intrinsics.implementation(o)
	*fieldAt[*goja.Object](i, intrinsics.prototype) = rt.ToValue(call).(*goja.Object).Prototype()
	*fieldAt[bool](i, intrinsics.extensible) = true
	*fieldAt[map[unistring.String]goja.Value](i, intrinsics.values) = map[unistring.String]goja.Value{}
	*fieldAt[engineTemplate](i, intrinsics.tmpl) = t
	*fieldAt[bool](i, intrinsics.ready) = true
	*fieldAt[raw](i, lateFunction.call) = call
	*fieldAt[func([]goja.Value, *goja.Object) *goja.Object](i, lateFunction.construct) = func(args []goja.Value, target *goja.Object) *goja.Object {
		if target == nil {
			target = o
		}
		proto, ok := target.Get("prototype").(*goja.Object)
		if !ok {
			proto, _ = make("prototype").Value.(*goja.Object)
		}
		this := rt.CreateObject(proto)
		construct(goja.FunctionCall{This: this, Arguments: args})
		return this
	}
	return o, true
}

// earlyFunctionProgram makes the function that is not late: the engine does not tell a
// native constructor how it was called.
var earlyFunctionProgram = lateProgram("native:late", `((call, construct) => function (...args) {
	if (new.target === undefined) return call(this, args);
	construct(this, args);
})`, true)

// lateFunction is the engine's type of a function with a template, which Object is; kind
// is nil where that is not as expected.
var lateFunction = findLateFunction()

type functionLayout struct {
	kind            reflect.Type
	call, construct uintptr
}

func findLateFunction() (l functionLayout) {
	if intrinsics == nil {
		return l
	}
	o, ok := goja.New().GlobalObject().Get("Object").(*goja.Object)
	if !ok {
		return l
	}
	impl := reflect.ValueOf(o).Elem().FieldByName("self")
	if impl.IsNil() || impl.Elem().Kind() != reflect.Pointer || impl.Elem().Type().Elem().Kind() != reflect.Struct {
		return l
	}
	t := impl.Elem().Type().Elem()
	inner, ok0 := t.FieldByName(intrinsics.templated.Name())
	call, ok1 := t.FieldByName("f")
	construct, ok2 := t.FieldByName("construct")
	if !ok0 || !ok1 || !ok2 || inner.Offset != 0 || inner.Type != intrinsics.templated || len(call.Index) != 1 || len(construct.Index) != 1 ||
		call.Type != reflect.TypeFor[raw]() || construct.Type != reflect.TypeFor[func([]goja.Value, *goja.Object) *goja.Object]() {
		return l
	}
	return functionLayout{t, call.Offset, construct.Offset}
}

// FillLate defines all properties of an object that is not late.
func (l *Library) FillLate(s *Late, o *goja.Object, make func(name string) LateValue) error {
	for _, p := range s.properties {
		flag, v := goja.FLAG_FALSE, make(p.Name)
		if p.Enumerable {
			flag = goja.FLAG_TRUE
		}
		var err error
		not := func(is bool) goja.Flag {
			if is {
				return goja.FLAG_FALSE
			}
			return goja.FLAG_TRUE
		}
		if p.Accessor {
			err = o.DefineAccessorProperty(p.Name, accessorValue(v.Get), accessorValue(v.Set), not(p.Fixed), flag)
		} else {
			err = o.DefineDataProperty(p.Name, v.Value, not(p.ReadOnly), not(p.Fixed), flag)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func accessorValue(o *goja.Object) goja.Value {
	if o == nil {
		return nil
	}
	return o
}

// Untouched reports whether nobody has read, changed or listed a property of an object
// that is late.
func (l *Library) Untouched(o *goja.Object) bool {
	i := *intrinsics.implementation(o)
	return len(*fieldAt[map[unistring.String]goja.Value](i, intrinsics.values)) == 0 &&
		*fieldAt[[]unistring.String](i, intrinsics.names) == nil && *fieldAt[unsafe.Pointer](i, intrinsics.symbols) == nil
}
