package urlpattern

import (
	"errors"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// Module is what scripts see of the package.
var Module = bind.Module{Name: "urlpattern", Globals: []bind.Global{class}}

// intrinsics are functions of the engine as they were when the first pattern was made.
type intrinsics struct{ ctor, exec goja.Value }

var intrinsicsOf = isolate.NewSlot(func(js *isolate.JS) *intrinsics {
	ctor := js.Runtime().GlobalObject().Get("RegExp").(*goja.Object)
	return &intrinsics{ctor, ctor.Get("prototype").(*goja.Object).Get("exec")}
})

// engineOf compiles with the RegExp of the realm. A call of it is valid in any later
// turn, as the realm's expressions are.
func engineOf(js *isolate.JS) Engine {
	in := intrinsicsOf.Get(js)
	return func(source string, ignoreCase bool) (func(string) ([]*string, bool, error), error) {
		flags := "v"
		if ignoreCase {
			flags = "vi"
		}
		re, err := js.Construct(in.ctor, js.Runtime().ToValue(source), js.Runtime().ToValue(flags))
		if err != nil {
			if isolate.Uncatchable(err) {
				return nil, err
			}
			return nil, errPattern
		}
		return func(s string) ([]*string, bool, error) {
			v, err := js.Call(in.exec, re, js.Runtime().ToValue(s))
			if err != nil {
				return nil, false, err
			}
			match, ok := v.(*goja.Object)
			if !ok {
				return nil, false, nil
			}
			groups := []*string{}
			n := int(match.Get("length").ToInteger())
			for i := 1; i < n; i++ {
				g := match.Get(js.Runtime().ToValue(i).String())
				if g == nil || goja.IsUndefined(g) {
					groups = append(groups, nil)
					continue
				}
				text := g.String()
				groups = append(groups, &text)
			}
			return groups, true, nil
		}, nil
	}
}

// failed words an error: mistakes of the pattern have one text.
func failed(err error, verb string) error {
	if errors.Is(err, errPattern) {
		return exception.TypeErrorf("Failed to %s URLPattern", verb)
	}
	return err
}

// readInput reads a string or a URLPatternInit from the nth argument (from 1).
func readInput(c *bind.Call, n int) (s *string, in *Init, err error) {
	v := c.Arg(n - 1)
	if goja.IsUndefined(v) {
		return nil, &Init{}, nil
	}
	if _, ok := v.(*goja.Object); !ok && !goja.IsNull(v) {
		text, err := c.String(n, v)
		return &text, nil, err
	}
	in = &Init{}
	pairs := []any{"baseURL", &in.Base}
	for i, name := range Names {
		pairs = append(pairs, name, &in.Parts[i])
	}
	return nil, in, c.Options(n, "URLPatternInit", pairs...)
}

func construct(c *bind.Call) (*Pattern, error) {
	s, in, err := readInput(c, 1)
	if err != nil {
		return nil, err
	}
	var base *string
	ignoreCase := false
	options := 2
	if v := c.Arg(1); !goja.IsUndefined(v) && !goja.IsNull(v) {
		if _, ok := v.(*goja.Object); !ok {
			text, err := c.String(2, v)
			if err != nil {
				return nil, err
			}
			base, options = &text, 3
		}
	} else {
		options = 3
	}
	if err := c.Options(options, "URLPatternOptions", "ignoreCase", &ignoreCase); err != nil {
		return nil, err
	}
	var p *Pattern
	switch {
	case s != nil:
		p, err = New(*s, base, ignoreCase, engineOf(c.JS()))
	case base != nil:
		err = errPattern
	default:
		p, err = NewInit(in, ignoreCase, engineOf(c.JS()))
	}
	return p, failed(err, "construct")
}

// match is the first half of test() and exec().
func (p *Pattern) jsMatch(c *bind.Call, verb string) (*[components]Result, []any, error) {
	s, in, err := readInput(c, 1)
	if err != nil {
		return nil, nil, err
	}
	var base *string
	if err := c.Unpack("input?", new(goja.Value), "baseURL?", &base); err != nil {
		return nil, nil, err
	}
	if s == nil {
		if base != nil {
			return nil, nil, failed(errPattern, verb)
		}
		r, err := p.MatchInit(in)
		return r, []any{in}, failed(err, verb)
	}
	inputs := []any{*s}
	if base != nil {
		inputs = append(inputs, *base)
	}
	r, err := p.Match(*s, base)
	return r, inputs, failed(err, verb)
}

func (p *Pattern) jsExec(c *bind.Call) (any, error) {
	r, inputs, err := p.jsMatch(c, "exec")
	if err != nil || r == nil {
		return bind.Null, err
	}
	js := c.JS()
	// New objects take any property.
	set := func(obj *goja.Object, name string, v goja.Value) {
		_ = obj.DefineDataProperty(name, v, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
	}
	out := js.Runtime().NewObject()
	for i, v := range inputs {
		if in, ok := v.(*Init); ok {
			obj := js.Runtime().NewObject()
			for i, s := range in.Parts {
				if s != nil {
					set(obj, Names[i], js.Runtime().ToValue(*s))
				}
			}
			if in.Base != nil {
				set(obj, "baseURL", js.Runtime().ToValue(*in.Base))
			}
			inputs[i] = obj
		}
	}
	set(out, "inputs", bind.Value(js, inputs))
	for i := range r {
		x := js.Runtime().NewObject()
		groups := js.Runtime().NewObject()
		for k, name := range r[i].Names {
			v := goja.Undefined()
			if k < len(r[i].Groups) && r[i].Groups[k] != nil {
				v = js.Runtime().ToValue(*r[i].Groups[k])
			}
			set(groups, name, v)
		}
		set(x, "input", js.Runtime().ToValue(r[i].Input))
		set(x, "groups", groups)
		set(out, Names[i], x)
	}
	return out, nil
}

var class = define()

func define() *bind.Class[Pattern] {
	getters := map[string]bind.Getter[Pattern]{
		"hasRegExpGroups": func(p *Pattern, _ *bind.Call) (any, error) { return p.HasRegExpGroups(), nil },
	}
	for i, name := range Names {
		getters[name] = func(p *Pattern, _ *bind.Call) (any, error) { return p.Component(i), nil }
	}
	return &bind.Class[Pattern]{
		Name:    "URLPattern",
		New:     construct,
		Getters: getters,
		Methods: map[string]bind.Method[Pattern]{
			"test": func(p *Pattern, c *bind.Call) (any, error) {
				r, _, err := p.jsMatch(c, "test")
				return r != nil, err
			},
			"exec": (*Pattern).jsExec,
		},
	}
}
