package console

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/dop251/goja"

	"workerd.local/internal/limits"
	"workerd.local/script"
	"workerd.local/webapi/bind"
)

// filler prints the entries of an object that are not properties.
type filler func(s *shape, level int)

// maxKeysOfList is up to which length lists are asked for further properties.
const maxKeysOfList = 1000

// shapeOf says how an object is printed.
func (p *printer) shapeOf(obj *goja.Object, level int) (shape, filler) {
	js := p.js
	name := p.constructorName(obj)
	tag := p.tag(obj, name)
	s := shape{open: "{", shut: "}"}
	listKeys := func(n int) {
		if n <= maxKeysOfList {
			s.keys = p.keys(obj, n)
		}
	}
	switch obj.ClassName() {
	case "Array":
		n := int(obj.Get("length").ToInteger())
		listKeys(n)
		s.open, s.shut, s.array, s.empty = "[", "]", true, n == 0
		if name != "Array" || tag != "" {
			s.base = p.prefix(name, tag, "Array", n)
		}
		return s, func(s *shape, level int) {
			s.numbers = true
			s.entries = p.elements(n, func(i int) (string, bool) {
				d := p.in.descriptor(js, obj, js.Runtime().ToValue(i))
				if d == nil {
					return "", false
				}
				s.numbers = s.numbers && d.value != nil && isNumeric(d.value)
				return p.content(obj, d, level), true
			})
		}
	}
	switch obj.ExportType() {
	case mapType:
		s.keys = p.keys(obj, 0)
		n := p.size(obj, p.in.mapSize)
		s.base, s.empty = p.prefix(name, tag, "Map", n), n == 0
		return s, func(s *shape, level int) {
			p.indent += 2
			p.in.iterate(js, obj, p.in.mapEntries, p.in.mapNext, func(v goja.Value) bool {
				if len(s.entries) == p.mostEntries() {
					s.entries = append(s.entries, p.more(n))
					return false
				}
				pair := v.(*goja.Object)
				s.entries = append(s.entries, p.value(pair.Get("0"), level)+" => "+p.value(pair.Get("1"), level))
				return true
			})
			p.indent -= 2
		}
	case setType:
		s.keys = p.keys(obj, 0)
		n := p.size(obj, p.in.setSize)
		s.base, s.empty = p.prefix(name, tag, "Set", n), n == 0
		return s, func(s *shape, level int) {
			p.indent += 2
			p.in.iterate(js, obj, p.in.setValues, p.in.setNext, func(v goja.Value) bool {
				if len(s.entries) == p.mostEntries() {
					s.entries = append(s.entries, p.more(n))
					return false
				}
				s.entries = append(s.entries, p.value(v, level))
				return true
			})
			p.indent -= 2
		}
	}
	switch obj.ClassName() {
	case "Date":
		s.keys, s.atOnce, s.kind = p.keys(obj, 0), true, "date"
		s.base = "Invalid Date"
		if v, err := js.Call(p.in.toISO, obj); err == nil {
			s.base = v.String()
		}
		s.base = p.named(s.base, name, tag, "Date")
		return s, nil
	case "RegExp":
		s.keys, s.atOnce, s.kind = p.keys(obj, 0), true, "regexp"
		s.base = "RegExp"
		if v, err := js.Call(p.in.regexpText, obj); err == nil {
			s.base = v.String()
		}
		s.base = p.named(s.base, name, tag, "RegExp")
		return s, nil
	case "Error":
		return p.errorShape(obj, name, tag), nil
	case "Number", "String", "Boolean", "Symbol", "BigInt":
		return p.boxedShape(obj, obj.ClassName(), name, tag), nil
	}
	if _, ok := goja.AssertFunction(obj); ok {
		s.keys, s.atOnce, s.kind = p.keys(obj, 0), true, "special"
		s.base = p.function(obj, name, tag)
		return s, nil
	}
	if obj.ExportType() == promiseType {
		return p.promiseShape(obj, name, tag)
	}
	if kind := bind.ViewName(js, obj); kind != "" {
		return p.viewShape(obj, kind, name, tag)
	}
	if class, ok := p.hostClass(obj); ok {
		if class == "DOMException" {
			return p.errorShape(obj, name, tag), nil
		}
		n := 0
		isList := bind.EachEntry(js, obj, func(_, _ goja.Value) bool { n++; return true })
		if !isList {
			n = -1
		}
		s.base, s.host = p.prefix(name, tag, class, n), true
		s.keys = p.keys(obj, 0)
		return s, func(s *shape, level int) {
			if isList {
				s.entries = p.pairs(obj, n, level)
			}
			s.entries = append(s.entries, p.attributes(obj, isList, level)...)
		}
	}
	switch kind := p.rawTag(obj); kind {
	case "WeakMap", "WeakSet":
		if _, err := js.Call(p.in.weak[kind], obj, goja.Undefined()); err == nil {
			s.base, s.keys = p.prefix(name, tag, kind, -1), p.keys(obj, 0)
			return s, func(s *shape, _ int) { s.entries = append(s.entries, p.style("special", "<items unknown>")) }
		}
	case "Symbol", "BigInt":
		if _, err := js.Call(p.in.boxed[kind], obj); err == nil {
			return p.boxedShape(obj, kind, name, tag), nil
		}
	}
	if p.isError(obj) {
		return p.errorShape(obj, name, tag), nil
	}
	s.empty = true
	s.keys = p.keys(obj, 0)
	if obj.ClassName() == "Arguments" {
		s.base = "[Arguments]"
		return s, nil
	}
	if name != "Object" || tag != "" {
		fallback := "Object"
		if name == "" && tag == "Module" {
			fallback, tag = tag, "" // the namespace of a module
		}
		s.base = p.prefix(name, tag, fallback, -1)
	}
	return s, nil
}

// keys are the properties of obj that are shown, without array indices below skip.
func (p *printer) keys(obj *goja.Object, skip int) []key {
	return p.in.keys(p.js, obj, skip, p.o.Hidden)
}

// isError reports whether an object that no constructor of an error made inherits
// from one all the same.
func (p *printer) isError(obj *goja.Object) bool {
	want, _ := p.in.errorClass.Get("prototype").(*goja.Object)
	for o := obj.Prototype(); o != nil && want != nil && o.ExportType() != proxyType; o = o.Prototype() {
		if o.SameAs(want) {
			return true
		}
	}
	return false
}

func (p *printer) more(n int) string {
	rest := n - p.mostEntries()
	return fmt.Sprintf("... %d more %s", rest, plural(rest, "item"))
}

func isNumeric(v goja.Value) bool {
	switch v.(type) {
	case *goja.Object, goja.String, *goja.Symbol, nil:
		return false
	}
	switch v.Export().(type) {
	case int64, float64:
		return true
	}
	return isBigInt(v)
}

// constructorName is the name of the class that made obj, as far as its
// prototypes tell; empty where there is none.
func (p *printer) constructorName(obj *goja.Object) string {
	for o := obj; o != nil && o.ExportType() != proxyType; o = o.Prototype() {
		d := p.lookup(o, "constructor", p.in.constructor)
		if d == nil {
			return ""
		}
		if fn, ok := d.value.(*goja.Object); ok {
			if name := p.functionName(fn); name != "" {
				return name
			}
		}
	}
	return ""
}

func (p *printer) functionName(fn *goja.Object) string {
	for fn.ExportType() == proxyType {
		proxy, _ := fn.Export().(goja.Proxy)
		if fn = proxy.Target(); fn == nil {
			return ""
		}
	}
	if d := p.in.descriptor(p.js, fn, p.in.name); d != nil {
		if s, ok := d.value.(goja.String); ok {
			return s.String()
		}
	}
	return ""
}

// tag is Symbol.toStringTag where it says more than the class.
func (p *printer) tag(obj *goja.Object, name string) string {
	if d := p.in.descriptor(p.js, obj, p.in.toStringTag); d != nil && d.enumerable {
		return "" // it is printed as a property
	}
	if tag := p.rawTag(obj); tag != name {
		return tag
	}
	return ""
}

func (p *printer) rawTag(obj *goja.Object) string {
	d := p.lookup(obj, "tag", p.in.toStringTag)
	if d == nil {
		return ""
	}
	v := d.value
	if d.get != nil {
		var err error
		if v, err = p.js.Call(d.get, obj); err != nil {
			return ""
		}
	}
	s, ok := v.(goja.String)
	if !ok {
		return ""
	}
	return s.String()
}

// prefix is "Name(size) [tag]"; a size of -1 is none.
func (p *printer) prefix(name, tag, fallback string, size int) string {
	if name == "" {
		name = "[" + fallback
		if size >= 0 {
			name += fmt.Sprintf("(%d)", size)
		}
		name += ": null prototype]"
		size = -1
	}
	if size >= 0 {
		name += fmt.Sprintf("(%d)", size)
	}
	if tag != "" {
		name += " [" + tag + "]"
	}
	return name
}

// named puts the name of a subclass in front of text.
func (p *printer) named(text, name, tag, class string) string {
	if name == class && tag == "" {
		return text
	}
	return p.prefix(name, tag, class, -1) + " " + text
}

func (p *printer) size(obj *goja.Object, getter goja.Value) int {
	v, err := p.js.Call(getter, obj)
	if err != nil {
		return 0
	}
	return int(v.ToInteger())
}

func (p *printer) function(fn *goja.Object, name, tag string) string {
	source := ""
	if v, err := p.js.Call(p.in.funcText, fn); err == nil {
		source = v.String()
	}
	own := p.functionName(fn)
	if strings.HasPrefix(source, "class") && strings.HasSuffix(source, "}") {
		text := "[class " + own
		if own == "" {
			text = "[class (anonymous)"
		}
		if super := fn.Prototype(); super != nil && !super.SameAs(p.in.functionProto) {
			if n := p.functionName(super); n != "" {
				text += " extends " + n
			}
		} else if super == nil {
			text += " extends [null prototype]"
		}
		return text + "]"
	}
	kind := "Function"
	switch tag {
	case "AsyncFunction", "GeneratorFunction", "AsyncGeneratorFunction":
		kind, tag = tag, ""
	}
	if kind == "Function" {
		switch name {
		case "AsyncFunction", "GeneratorFunction", "AsyncGeneratorFunction":
			kind = name
		}
	}
	text := "[" + kind
	if name == "" {
		text += " (null prototype)"
	}
	if own == "" {
		text += " (anonymous)"
	} else {
		text += ": " + own
	}
	text += "]"
	if name != "" && name != kind && name != "Function" {
		text += " " + name
	}
	if tag != "" {
		text += " [" + tag + "]"
	}
	return text
}

func (p *printer) boxedShape(obj *goja.Object, kind, name, tag string) shape {
	s := shape{open: "{", shut: "}", atOnce: true}
	var inner goja.Value = goja.Undefined()
	if v, err := p.js.Call(p.in.boxed[kind], obj); err == nil {
		inner = v
	}
	skip := 0
	if kind == "String" {
		skip = textLen(inner.String())
	}
	if skip <= maxKeysOfList {
		s.keys = p.keys(obj, skip)
	}
	s.base = "[" + kind
	if name != kind {
		if name == "" {
			s.base += " (null prototype)"
		} else {
			s.base += " (" + name + ")"
		}
	}
	s.kind = strings.ToLower(kind)
	s.base += ": " + (&printer{js: p.js, in: p.in, o: InspectOptions{Characters: p.o.Characters}}).primitive(inner) + "]"
	if tag != "" && tag != name {
		s.base += " [" + tag + "]"
	}
	return s
}

func (p *printer) promiseShape(obj *goja.Object, name, tag string) (shape, filler) {
	s := shape{open: "{", shut: "}", base: p.prefix(name, tag, "Promise", -1), keys: p.keys(obj, 0)}
	return s, func(s *shape, level int) {
		promise, ok := obj.Export().(*goja.Promise)
		if !ok || promise.State() == goja.PromiseStatePending {
			s.entries = append(s.entries, p.style("special", "<pending>"))
			return
		}
		p.indent += 2
		text := p.value(promise.Result(), level)
		p.indent -= 2
		if promise.State() == goja.PromiseStateRejected {
			text = p.style("special", "<rejected>") + " " + text
		}
		s.entries = append(s.entries, text)
	}
}

func (p *printer) viewShape(obj *goja.Object, kind, name, tag string) (shape, filler) {
	bytes, _ := bind.Bytes(p.js, obj)
	s := shape{open: "{", shut: "}"}
	switch kind {
	case "ArrayBuffer":
		s.base, s.keys = p.prefix(name, tag, kind, -1), p.keys(obj, 0)
		return s, func(s *shape, _ int) {
			shown := bytes[:min(len(bytes), limits.ConsoleBuffer.In(p.js.Bounds()))]
			var text strings.Builder
			for i, b := range shown {
				if i > 0 {
					text.WriteByte(' ')
				}
				text.WriteString(hex.EncodeToString([]byte{b}))
			}
			if rest := len(bytes) - len(shown); rest > 0 {
				fmt.Fprintf(&text, " ... %d more %s", rest, plural(rest, "byte"))
			}
			s.entries = append(s.entries, "[Uint8Contents]: <"+text.String()+">", fmt.Sprintf("byteLength: %d", len(bytes)))
		}
	case "DataView":
		s.base, s.keys = p.prefix(name, tag, kind, -1), p.keys(obj, 0)
		return s, func(s *shape, level int) {
			for _, attr := range viewAttributes {
				if v, err := p.js.Call(p.in.ofView[attr], obj); err == nil {
					p.indent += 2
					s.entries = append(s.entries, attr+": "+p.value(v, level))
					p.indent -= 2
				}
			}
		}
	}
	n := p.size(obj, p.in.arrayLength)
	if n <= maxKeysOfList {
		s.keys = p.keys(obj, n)
	}
	s.base, s.open, s.shut, s.array = p.prefix(name, tag, kind, n), "[", "]", true
	return s, func(s *shape, level int) {
		s.numbers = true
		s.entries = p.elements(n, func(i int) (string, bool) { return p.value(obj.Get(number(i)), level), true })
		if p.o.Hidden {
			for _, name := range []string{"BYTES_PER_ELEMENT", "length", "byteLength", "byteOffset"} {
				s.entries = append(s.entries, "["+name+"]: "+p.primitive(obj.Get(name)))
			}
			if b, ok := obj.Get("buffer").(*goja.Object); ok {
				s.entries = append(s.entries, fmt.Sprintf("[buffer]: %s { byteLength: %s }", bind.ViewName(p.js, b), p.primitive(b.Get("byteLength"))))
			}
		}
	}
}

// hostClass is the class of a host object. An object with a proxy among its
// prototypes is none: the look-up would run the proxy's traps.
func (p *printer) hostClass(obj *goja.Object) (string, bool) {
	for o := obj.Prototype(); o != nil; o = o.Prototype() {
		if o.ExportType() == proxyType {
			return "", false
		}
	}
	_, class, ok := bind.ValueOf(p.js, obj)
	return class, ok
}

// attributes prints what the classes of the host define with getters; a script's
// subclass has prototypes of its own before those.
func (p *printer) attributes(obj *goja.Object, isList bool, level int) []string {
	var out []string
	for o := obj.Prototype(); o != nil && o.ExportType() != proxyType && !o.SameAs(p.in.objectProto); o = o.Prototype() {
		for _, k := range p.in.keys(p.js, o, 0, false) {
			d := p.in.descriptor(p.js, o, k.key)
			if d == nil || d.get == nil || !p.isNative(d.get) || isList && k.key.String() == "size" {
				continue
			}
			v, err := p.js.Call(d.get, obj)
			if err != nil {
				continue
			}
			p.indent += 2
			out = append(out, p.label(k, d)+": "+p.value(v, level))
			p.indent -= 2
		}
	}
	p.indent += 2
	for _, shown := range bind.InspectedOf(p.js, obj) {
		out = append(out, "["+shown.Name+"]: "+p.value(shown.Value, level))
	}
	p.indent -= 2
	return out
}

// pairs prints the n pairs of a list of the host's.
func (p *printer) pairs(obj *goja.Object, n, level int) []string {
	var out []string
	p.indent += 2
	bind.EachEntry(p.js, obj, func(name, value goja.Value) bool {
		if len(out) == p.mostEntries() {
			out = append(out, p.more(n))
			return false
		}
		out = append(out, p.value(name, level)+" => "+p.value(value, level))
		return true
	})
	p.indent -= 2
	return out
}

func (p *printer) isNative(fn goja.Value) bool {
	v, err := p.js.Call(p.in.funcText, fn)
	return err == nil && strings.Contains(v.String(), "[native code]")
}

// errorShape prints the stack, then what else the error carries.
func (p *printer) errorShape(obj *goja.Object, name, tag string) shape {
	text := func(prop string) string {
		d := p.in.lookup(p.js, obj, p.js.Runtime().ToValue(prop))
		if d == nil {
			return ""
		}
		v := d.value
		if d.get != nil {
			if !p.isNative(d.get) {
				return ""
			}
			var err error
			if v, err = p.js.Call(d.get, obj); err != nil {
				return ""
			}
		}
		if s, ok := v.(goja.String); ok {
			return s.String()
		}
		return ""
	}
	errName, message := text("name"), text("message")
	head := errName
	if message != "" {
		head += ": " + message
	}
	stack := script.FormatStack(text("stack"))
	if stack == "" {
		stack = head
	}
	// A class that does not set name has its own in front all the same.
	if name != "" && name != errName && strings.HasSuffix(name, "Error") && strings.HasPrefix(stack, errName) && !strings.Contains(head, name) {
		stack = name + strings.TrimPrefix(stack, errName)
	}
	if tag != "" && tag != name && tag != "DOMException" {
		stack = strings.Replace(stack, errName, errName+" ["+tag+"]", 1)
	}
	if !strings.Contains(stack, "\n    at") {
		stack = "[" + stack + "]"
	}
	if p.indent > 0 {
		stack = strings.ReplaceAll(stack, "\n", "\n"+strings.Repeat(" ", p.indent))
	}
	s := shape{open: "{", shut: "}", base: stack, atOnce: true}
	for _, k := range p.keys(obj, 0) {
		switch k.key.String() {
		case "name", "message", "stack":
			if p.o.Hidden {
				break
			}
			if _, sym := k.key.(*goja.Symbol); !sym {
				if d := p.in.descriptor(p.js, obj, k.key); d != nil && d.value != nil && strings.Contains(stack, d.value.String()) {
					continue
				}
			}
		}
		s.keys = append(s.keys, k)
	}
	for _, hidden := range []string{"cause", "errors"} {
		k := p.js.Runtime().ToValue(hidden)
		if d := p.in.descriptor(p.js, obj, k); d != nil && !d.enumerable {
			s.keys = append(s.keys, key{k})
		}
	}
	return s
}

// custom prints an object that has a function for it, which is called on whole: the object,
// or a proxy of it.
func (p *printer) custom(whole, obj *goja.Object, level int) (string, bool) {
	if p.in.customInspect == nil {
		return "", false
	}
	d := p.lookup(obj, "inspect", p.in.customInspect)
	if d == nil || d.value == nil {
		return "", false
	}
	if _, ok := goja.AssertFunction(d.value); !ok {
		return "", false
	}
	rt := p.js.Runtime()
	depth := p.depth - level
	var options *goja.Object
	var inspect goja.Value
	if p.o.Custom != nil {
		options, inspect = p.o.Custom(depth)
	} else {
		options = rt.NewObject()
		// A new object takes any property.
		_ = options.Set("depth", depth)
		inspect = bind.NewFunction(p.js, "inspect", 2, func(c *bind.Call) (any, error) {
			return Inspect(c.JS(), c.Arg(0), depth), nil
		})
	}
	v, err := p.js.Call(d.value, whole, rt.ToValue(depth), options, inspect)
	if err != nil {
		return "", false
	}
	if s, ok := v.(goja.String); ok {
		return strings.ReplaceAll(s.String(), "\n", "\n"+strings.Repeat(" ", p.indent)), true
	}
	if v.SameAs(obj) || v.SameAs(whole) || level > p.depth+8 {
		return "", false
	}
	return p.value(v, level+1), true
}
