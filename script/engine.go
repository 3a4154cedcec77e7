package script

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dop251/goja"
)

// plainEngine is a runtime of which nobody knows the parts: all is made at once, and
// what is asked for later is what the runtime has then.
type plainEngine struct {
	rt   *goja.Runtime
	base map[string]goja.Value // of errors
}

func newPlainEngine(rt *goja.Runtime) (*plainEngine, error) {
	e := &plainEngine{rt: rt, base: map[string]goja.Value{}}
	for _, name := range []string{"Error", "EvalError", "SyntaxError", "Promise", "Promise.resolve"} {
		e.base[name] = e.Pristine(name)
	}
	symbol, ok := rt.Get("Symbol").(*goja.Object)
	if !ok {
		return nil, errors.New("the runtime has no Symbol")
	}
	for _, name := range []string{"asyncIterator", "dispose", "asyncDispose"} {
		if symbol.Get(name) == nil {
			if err := symbol.DefineDataProperty(name, goja.NewSymbol("Symbol."+name), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE); err != nil {
				return nil, err
			}
		}
	}
	return e, nil
}

func (e *plainEngine) Own(name string) goja.Value { return e.rt.Get(name) }

func (e *plainEngine) Pristine(path string) goja.Value {
	if v := e.base[path]; v != nil {
		return v
	}
	o := e.rt.GlobalObject()
	for {
		name, rest, more := strings.Cut(path, ".")
		v := o.Get(name)
		if !more {
			return v
		}
		next, ok := v.(*goja.Object)
		if !ok {
			return nil
		}
		o, path = next, rest
	}
}

func (e *plainEngine) define(name string, v goja.Value, flag goja.Flag) error {
	if err := e.rt.GlobalObject().DefineDataProperty(name, v, flag, flag, goja.FLAG_FALSE); err != nil {
		return fmt.Errorf("define the global %s: %w", name, err)
	}
	return nil
}

func (e *plainEngine) OnRegExp(adapt func() (*goja.Object, error)) error {
	ctor, err := adapt()
	if err != nil {
		return err
	}
	return e.define("RegExp", ctor, goja.FLAG_TRUE)
}

// RecordMatches does nothing: a plain engine has no RegExp.$1.
func (e *plainEngine) RecordMatches() error { return nil }

func (e *plainEngine) Matched(goja.String, []int) {}

func (e *plainEngine) OnFunction(make func() (function, eval *goja.Object, err error)) error {
	function, eval, err := make()
	if err != nil {
		return err
	}
	return errors.Join(e.define("Function", function, goja.FLAG_TRUE), e.define("eval", eval, goja.FLAG_TRUE))
}

func (e *plainEngine) Define(name string, build func() goja.Value) error {
	return e.define(name, build(), goja.FLAG_FALSE)
}
