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

// LateProperty is a property of the shape. It is configurable, and writable where it is no
// accessor.
type LateProperty struct {
	Name                 string
	Enumerable, Accessor bool
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
		return made
	}
	return newProperty(v.Value, true, p.Enumerable)
}

// NewLate makes the realm's object of a shape. make makes the value of a property; its
// panic is what the script's read throws. late is false where the engine is not as
// expected: then the object has no properties before FillLate.
func (l *Library) NewLate(s *Late, proto *goja.Object, make func(name string) LateValue) (o *goja.Object, late bool) {
	e := l.e
	t := s.prepare()
	if t == nil {
		return e.rt.CreateObject(proto), false
	}
	if e.shapes == nil {
		e.shapes = map[*Late]func(name string) LateValue{}
	}
	e.shapes[s] = make
	return intrinsics.newTemplated(e.rt, t, proto), true
}

// FillLate defines all properties of an object that is not late.
func (l *Library) FillLate(s *Late, o *goja.Object, make func(name string) LateValue) error {
	for _, p := range s.properties {
		flag, v := goja.FLAG_FALSE, make(p.Name)
		if p.Enumerable {
			flag = goja.FLAG_TRUE
		}
		var err error
		if p.Accessor {
			err = o.DefineAccessorProperty(p.Name, accessorValue(v.Get), accessorValue(v.Set), goja.FLAG_TRUE, flag)
		} else {
			err = o.DefineDataProperty(p.Name, v.Value, goja.FLAG_TRUE, goja.FLAG_TRUE, flag)
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
