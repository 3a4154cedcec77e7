package bind

import (
	"errors"

	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/isolate/natives"
)

// Late makes objects of which a realm makes each property when it is first needed; see
// natives.Late. Fill is called once what makes the properties can be asked: it makes all
// of them where the engine makes nothing late.
type Late struct {
	js       *isolate.JS
	unfilled []func() error
}

// NewLate begins.
func NewLate(js *isolate.JS) *Late { return &Late{js: js} }

// Object is natives.Library.NewLate.
func (l *Late) Object(s *natives.Late, proto *goja.Object, make func(name string) natives.LateValue) *goja.Object {
	o, late := l.js.Library().NewLate(s, proto, make)
	l.fill(s, o, late, make)
	return o
}

// Function is natives.Library.NewLateFunction of a class; what construct returns is thrown,
// and so is what call returns. What a script threw goes on as it is.
func (l *Late) Function(s *natives.Late, class string, call, construct func(c *Call) error, make func(name string) natives.LateValue) *goja.Object {
	raw := func(fn func(c *Call) error) func(goja.FunctionCall) goja.Value {
		return func(fc goja.FunctionCall) goja.Value {
			c := NewCall(l.js, class, "", fc)
			defer c.guard()
			if err := fn(c); err != nil {
				var thrown *goja.Exception
				if !isolate.Uncatchable(err) && errors.As(err, &thrown) {
					panic(thrown)
				}
				l.js.Panic(err)
			}
			return goja.Undefined()
		}
	}
	o, late := l.js.Library().NewLateFunction(s, raw(call), raw(construct), make)
	l.fill(s, o, late, make)
	return o
}

func (l *Late) fill(s *natives.Late, o *goja.Object, late bool, make func(name string) natives.LateValue) {
	if !late {
		l.unfilled = append(l.unfilled, func() error { return l.js.Library().FillLate(s, o, make) })
	}
}

// Fill ends.
func (l *Late) Fill() error {
	for _, fill := range l.unfilled {
		if err := fill(); err != nil {
			return err
		}
	}
	l.unfilled = nil
	return nil
}
