package bind

import (
	"github.com/dop251/goja"

	"workerd.local/exception"
)

// Options reads the nth argument (from 1) as a dictionary of the named type:
// undefined and null are the empty one. pairs alternates member names and
// targets; a member that is undefined leaves its target as it is. Targets are
// those of Unpack, or a func(*Call, goja.Value) error, whose BadArg names the
// member.
func (c *Call) Options(n int, dictionary string, pairs ...any) error {
	v := c.Arg(n - 1)
	if goja.IsUndefined(v) || goja.IsNull(v) {
		return nil
	}
	obj, ok := v.(*goja.Object)
	if !ok {
		return c.BadArg(n, dictionary)
	}
	return c.Dictionary(obj, dictionary, pairs...)
}

// Dictionary is Options for an object that is not an argument.
func (c *Call) Dictionary(obj *goja.Object, dictionary string, pairs ...any) error {
	for i := 0; i < len(pairs); i += 2 {
		name := pairs[i].(string)
		var v goja.Value
		if err := c.js.Try(func() { v = obj.Get(name) }); err != nil {
			return err
		}
		if v == nil || goja.IsUndefined(v) {
			continue
		}
		field := *c
		field.dictionary, field.field = dictionary, name
		if take, ok := pairs[i+1].(func(*Call, goja.Value) error); ok {
			if err := take(&field, v); err != nil {
				return err
			}
			continue
		}
		if err := field.convert(n0, v, pairs[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// Field is the name of the member that a func target of Options is called for.
func (c *Call) Field() string { return c.field }

// n0 is the parameter number where there is none to name.
const n0 = 0

func (c *Call) badField(want string) error {
	return exception.TypeErrorf("Incorrect type for the '%s' field on '%s': the provided value is not of type '%s'.", c.field, c.dictionary, want)
}
