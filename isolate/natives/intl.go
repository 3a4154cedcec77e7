package natives

import (
	"strings"

	"github.com/dop251/goja"
)

// Intl, as far as this package formats: see locale.go for which languages differ. The
// global and each of its classes are made when they are first read.

// intlSymbol leads from an instance to its Go value; scripts never see it.
var intlSymbol = goja.NewSymbol("workerd.intl")

// intlClass is one class of Intl.
type intlClass struct {
	name   string
	length int
	// make reads the arguments of the constructor.
	make func(e *env, call goja.FunctionCall) any
	// bound is a member that is a getter for a function bound to the instance.
	bound   string
	methods []intlMethod
}

type intlMethod struct {
	name   string
	length int
	call   func(e *env, state any, c goja.FunctionCall) goja.Value
}

// intlClasses in the order of their names as properties of Intl.
var intlClasses = []intlClass{
	numberFormatClass, dateTimeFormatClass, collatorClass, pluralRulesClass, relativeTimeClass, listFormatClass, segmenterClass, displayNamesClass,
}

func (e *env) mustDefine(err error) {
	if err != nil {
		panic(e.rt.NewGoError(err))
	}
}

func (e *env) makeIntl() goja.Value {
	o := e.rt.NewObject()
	e.mustDefine(o.DefineDataPropertySymbol(goja.SymToStringTag, asciiValue("Intl"), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE))
	for i := range intlClasses {
		c := &intlClasses[i]
		e.mustDefine(o.DefineDataProperty(c.name, e.makeIntlClass(c), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE))
	}
	e.mustDefine(e.defineMethods(o, "Intl", entry{name: "getCanonicalLocales", length: 1, make: func(e *env, _ raw) raw {
		return func(c goja.FunctionCall) goja.Value { return e.strings(e.canonicalTags(c.Argument(0))) }
	}}))
	return o
}

func (e *env) strings(list []string) goja.Value {
	values := make([]goja.Value, len(list))
	for i, s := range list {
		values[i] = e.rt.ToValue(s)
	}
	return e.list(values)
}

// canonicalTags reads a locales argument and writes each tag as it should be.
func (e *env) canonicalTags(v goja.Value) (tags []string) {
	e.findLocale(v) // for its errors
	var list []goja.Value
	switch v := v.(type) {
	case goja.String:
		list = []goja.Value{v}
	case *goja.Object:
		list = e.values(v, e.lengthOf(v))
	}
	for _, t := range list {
		parts := strings.Split(strings.ToLower(e.toStr(t).String()), "-")
		for i, p := range parts {
			switch {
			case i > 0 && len(p) == 2:
				parts[i] = strings.ToUpper(p)
			case i > 0 && len(p) == 4 && p[0] > '9':
				parts[i] = strings.ToUpper(p[:1]) + p[1:]
			case len(p) == 1:
				goto done // extensions are in small letters
			}
		}
	done:
		tag := strings.Join(parts, "-")
		known := false
		for _, seen := range tags {
			known = known || seen == tag
		}
		if !known {
			tags = append(tags, tag)
		}
	}
	return tags
}

// resolvedTag is the first tag of a locales argument that there is a locale for.
func (e *env) resolvedTag(v goja.Value) string {
	for _, t := range e.canonicalTags(v) {
		if matchLocale(strings.ToLower(t)) != nil {
			return t
		}
	}
	return enUS.tag
}

// makeIntlClass makes the constructor, which can be called without new.
func (e *env) makeIntlClass(c *intlClass) *goja.Object {
	var ctor, proto *goja.Object
	ctor, proto, err := e.newClass(c.name, c.length, func(cc goja.ConstructorCall) *goja.Object {
		state := c.make(e, goja.FunctionCall{This: undefined, Arguments: cc.Arguments})
		// Without new, This is whatever the function is called on.
		from := proto
		if cc.NewTarget != nil {
			if p, ok := cc.NewTarget.Get("prototype").(*goja.Object); ok {
				from = p
			}
		}
		o := e.rt.CreateObject(from)
		e.mustDefine(o.DefineDataPropertySymbol(intlSymbol, e.rt.ToValue(state), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE))
		return o
	})
	e.mustDefine(err)
	e.mustDefine(proto.DefineDataPropertySymbol(goja.SymToStringTag, asciiValue("Intl."+c.name), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE))
	stateOf := func(v goja.Value, member string) any {
		if o, ok := v.(*goja.Object); ok && o.ExportType() != typeProxy {
			if h, ok := o.GetSymbol(intlSymbol).(*goja.Object); ok {
				state := h.Export()
				if sameClass(c, state) {
					return state
				}
			}
		}
		e.throwType("Method Intl.%s.prototype.%s called on incompatible receiver %s", c.name, member, e.describe(v))
		return nil
	}
	for _, m := range c.methods {
		call := func(e *env, _ raw) raw {
			return func(fc goja.FunctionCall) goja.Value { return m.call(e, stateOf(fc.This, m.name), fc) }
		}
		if m.name != c.bound {
			e.mustDefine(e.defineMethods(proto, c.name, entry{name: m.name, length: m.length, make: call}))
			continue
		}
		getter, err := e.newFunc("get "+m.name, 0, func(fc goja.FunctionCall) goja.Value {
			state := stateOf(fc.This, m.name)
			bound, err := e.newFunc("", m.length, func(fc goja.FunctionCall) goja.Value { return m.call(e, state, fc) })
			e.mustDefine(err)
			return bound
		})
		e.mustDefine(err)
		e.mustDefine(proto.DefineAccessorProperty(m.name, getter, nil, goja.FLAG_TRUE, goja.FLAG_FALSE))
	}
	e.mustDefine(e.defineMethods(ctor, c.name, entry{name: "supportedLocalesOf", length: 1, make: func(e *env, _ raw) raw {
		return func(fc goja.FunctionCall) goja.Value {
			var known []string
			for _, t := range e.canonicalTags(fc.Argument(0)) {
				if matchLocale(strings.ToLower(t)) != nil {
					known = append(known, t)
				}
			}
			return e.strings(known)
		}
	}}))
	return ctor
}

// sameClass reports whether a state is of the class's type.
func sameClass(c *intlClass, state any) bool {
	switch state.(type) {
	case *numberState:
		return c.name == "NumberFormat"
	case *dateState:
		return c.name == "DateTimeFormat"
	case *collatorState:
		return c.name == "Collator"
	case *pluralState:
		return c.name == "PluralRules"
	case *relativeState:
		return c.name == "RelativeTimeFormat"
	case *listState:
		return c.name == "ListFormat"
	case *segmenterState:
		return c.name == "Segmenter"
	case *displayState:
		return c.name == "DisplayNames"
	}
	return false
}

// object makes an object of names and values in turn; undefined values are left out.
func (e *env) record(pairs ...any) *goja.Object {
	o := e.rt.NewObject()
	for i := 0; i+1 < len(pairs); i += 2 {
		if s, ok := pairs[i+1].(string); ok && s == "" {
			continue
		}
		e.createData(o, asciiValue(pairs[i].(string)), e.rt.ToValue(pairs[i+1]))
	}
	return o
}

// part is one piece of a formatted text.
type part struct{ kind, text string }

func (e *env) parts(list []part) goja.Value {
	values := make([]goja.Value, len(list))
	for i, p := range list {
		values[i] = e.record("type", p.kind, "value", p.text)
	}
	return e.list(values)
}
