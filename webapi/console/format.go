package console

import (
	"strings"

	"github.com/dop251/goja"

	"workerd.local/isolate"
)

// Format is what the console prints of its arguments: node's util.format, up to the
// console's bound.
func Format(js *isolate.JS, args []goja.Value) string {
	return format(js, args, InspectOptions{Depth: defaultDepth}, longest(js))
}

// FormatWith is node's util.format: the first argument may hold %s, %d, %i, %f, %j,
// %o, %O, %c and %%; what is left over follows after spaces, strings as they are
// and other values as Inspect prints them. It is cut where it is longer than a string may be.
func FormatWith(js *isolate.JS, args []goja.Value, o InspectOptions) string {
	return format(js, args, o, js.Isolate().Limits().StringBytes)
}

func format(js *isolate.JS, args []goja.Value, o InspectOptions, most int) string {
	if len(args) == 0 {
		return ""
	}
	var out strings.Builder
	rest := args
	if first, ok := args[0].(goja.String); ok {
		rest = args[1:]
		if len(rest) == 0 {
			out.WriteString(first.String())
		} else {
			rest = substitute(js, &out, first.String(), rest, o, most)
		}
		if len(rest) > 0 {
			out.WriteByte(' ')
		}
	}
	for i, v := range rest {
		if i > 0 {
			out.WriteByte(' ')
		}
		if s, ok := v.(goja.String); ok {
			out.WriteString(s.String())
		} else {
			out.WriteString(InspectWith(js, v, o))
		}
		if out.Len() > most {
			break
		}
	}
	text, cut := clip(out.String(), most)
	if cut {
		text += "... (truncated)"
	}
	return text
}

// substitute writes format with its specifiers replaced, and returns the values
// that it did not use.
func substitute(js *isolate.JS, out *strings.Builder, format string, args []goja.Value, o InspectOptions, most int) []goja.Value {
	for {
		i := strings.IndexByte(format, '%')
		if i < 0 || i+1 == len(format) || out.Len() > most {
			out.WriteString(format)
			return args
		}
		out.WriteString(format[:i])
		verb := format[i+1]
		if verb != '%' && (len(args) == 0 || strings.IndexByte("sdifjoOc", verb) < 0) {
			out.WriteByte('%')
			format = format[i+1:]
			continue
		}
		format = format[i+2:]
		if verb == '%' {
			out.WriteByte('%')
			continue
		}
		out.WriteString(convert(js, verb, args[0], o))
		args = args[1:]
	}
}

func convert(js *isolate.JS, verb byte, v goja.Value, o InspectOptions) string {
	switch verb {
	case 's':
		return plainText(js, v, o)
	case 'd', 'i', 'f':
		return numberText(js, verb, v, o)
	case 'j':
		return jsonText(js, v)
	case 'o':
		o.Hidden, o.Proxies, o.Depth = true, true, 4
		return InspectWith(js, v, o)
	case 'O':
		return InspectWith(js, v, o)
	}
	return "" // %c: styles mean nothing here
}

// plainText is %s: String(v), but objects without a toString of their own are
// inspected.
func plainText(js *isolate.JS, v goja.Value, o InspectOptions) string {
	obj, ok := v.(*goja.Object)
	if !ok {
		if s, ok := v.(goja.String); ok {
			return s.String()
		}
		return (&printer{js: js, o: InspectOptions{Separated: o.Separated}}).primitive(v)
	}
	if hasOwnText(js, obj) {
		text := ""
		if err := js.Try(func() { text = obj.String() }); err == nil {
			return text
		}
	}
	o.Depth, o.Style, o.Tight, o.Expanded, o.Compact = 0, nil, false, false, 0
	return InspectWith(js, v, o)
}

// hasOwnText reports whether String(obj) is more than "[object Object]": toString
// is the object's own or comes from a class of the script.
func hasOwnText(js *isolate.JS, obj *goja.Object) bool {
	if obj.ExportType() == proxyType {
		return false
	}
	if _, ok := goja.AssertFunction(obj); ok {
		return true // its source
	}
	in := intrinsics.Get(js)
	p := &printer{js: js, in: in}
	key := js.Runtime().ToValue("toString")
	for o := obj; o != nil && o.ExportType() != proxyType; o = o.Prototype() {
		d := in.descriptor(js, o, key)
		if d == nil {
			continue
		}
		if _, ok := goja.AssertFunction(d.value); !ok {
			return false
		}
		return !p.isNative(d.value)
	}
	return false
}

func numberText(js *isolate.JS, verb byte, v goja.Value, o InspectOptions) string {
	if _, ok := v.(*goja.Symbol); ok {
		return "NaN"
	}
	if obj, ok := v.(*goja.Object); ok && verb == 'd' && !hasOwnText(js, obj) && obj.ClassName() == "Object" {
		return "NaN"
	}
	p := &printer{js: js, in: intrinsics.Get(js), o: InspectOptions{Separated: o.Separated}}
	if isBigInt(v) && verb != 'f' {
		return p.primitive(v)
	}
	in := p.in
	fn := in.toNumber
	switch verb {
	case 'i':
		fn = in.parseInt
	case 'f':
		fn = in.parseFloat
	}
	n, err := js.Call(fn, nil, v)
	if err != nil {
		return "NaN"
	}
	if verb == 'i' && n.ToFloat() == 0 && strings.HasPrefix(strings.TrimSpace(v.String()), "-") {
		return "-0" // the engine's parseInt gives 0
	}
	return p.primitive(n)
}

func jsonText(js *isolate.JS, v goja.Value) string {
	text, err := js.Call(intrinsics.Get(js).stringify, nil, v)
	if err != nil {
		if strings.Contains(err.Error(), "ircular") {
			return "[Circular]"
		}
		return "[" + describe(v) + " that cannot be written as JSON]"
	}
	return text.String()
}
