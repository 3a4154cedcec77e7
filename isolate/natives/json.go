package natives

import (
	"strconv"

	"github.com/dop251/goja"
)

var jsonTable = table{path: "JSON", funcs: []entry{
	{name: "parse", length: 2, make: func(e *env, _ raw) raw { return e.jsonParse }},
	{name: "stringify", length: 3, make: func(e *env, _ raw) raw { return e.jsonStringify }},
}}

func (e *env) jsonParse(call goja.FunctionCall) goja.Value {
	text := wtf8(e.toStr(call.Argument(0)))
	v := e.parseJSON(text)
	if f, ok := e.callable(call.Argument(1)); ok {
		root := e.rt.NewObject()
		e.createData(root, emptyStr, v)
		r := reviver{e: e, f: f}
		return r.walk(root, emptyStr, v)
	}
	return v
}

func (e *env) jsonStringify(call goja.FunctionCall) goja.Value {
	w, ok := e.stringifyJSON(call.Argument(0), call.Argument(1), call.Argument(2))
	if !ok {
		return undefined
	}
	if w.wide {
		return e.rt.ToValue(string(w.buf))
	}
	return asciiValue(string(w.buf))
}

// reviver is the second half of JSON.parse: InternalizeJSONProperty.
type reviver struct {
	e     *env
	f     raw
	depth int
}

func (r *reviver) walk(holder *goja.Object, key goja.Value, v goja.Value) goja.Value {
	e := r.e
	e.poll()
	if o, ok := v.(*goja.Object); ok {
		if r.depth++; r.depth > e.lim.JSONDepth {
			e.throwStack()
		}
		if e.isArrayValue(o) {
			n := e.lengthOf(o)
			for i := int64(0); i < n; i++ {
				r.element(o, asciiValue(strconv.FormatInt(i, 10)))
			}
		} else {
			w := jsonWriter{e: e}
			for _, name := range w.names(o) {
				r.element(o, name.toValue(e))
			}
		}
		r.depth--
	}
	return orUndefined(r.f(goja.FunctionCall{This: holder, Arguments: []goja.Value{key, v}}))
}

func (r *reviver) element(o *goja.Object, key goja.Value) {
	e := r.e
	v := r.walk(o, key, orUndefined(e.get(goja.FunctionCall{Arguments: []goja.Value{o, key}})))
	if v == undefined {
		e.deleteProperty(goja.FunctionCall{Arguments: []goja.Value{o, key}})
	} else {
		e.createData(o, key, v)
	}
}
