package natives

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dop251/goja"
)

// StringifyJSON is JSON.stringify(v, replacer, space); nil arguments mean
// undefined. ok is false when the result is undefined. The text is UTF-8: lone
// surrogates are escaped. It may run script (toJSON, getters, the replacer), so
// call it inside a turn of the runtime. The error is a *goja.Exception, an
// engine interrupt, or wraps ErrInterrupted.
func StringifyJSON(rt *goja.Runtime, v, replacer, space goja.Value, l Limits) (text string, ok bool, err error) {
	e := newEnv(rt, l)
	err = e.try(func() {
		var s *jsonWriter
		s, ok = e.stringifyJSON(orUndefined(v), orUndefined(replacer), orUndefined(space))
		if ok {
			text = string(s.buf)
		}
	})
	return text, ok, err
}

// jsonWriter is one JSON.stringify.
type jsonWriter struct {
	e        *env
	buf      []byte
	max      int // bytes
	charged  int
	replacer raw
	list     []jsonName // property list, when the replacer is an array
	hasList  bool
	gap      string
	indent   string
	wide     bool // buf holds more than ASCII
	stack    []jsonFrame
	onStack  map[*goja.Object]struct{} // once the stack is deep
}

type jsonFrame struct {
	obj *goja.Object
	key jsonName // under which obj was found
}

// jsonName is a property name; value is set where a Go string cannot hold it,
// and index is used for array elements.
type jsonName struct {
	name  string
	value goja.Value
	index int64 // -1 for a name
}

func (n jsonName) toValue(e *env) goja.Value {
	if n.value != nil {
		return n.value
	}
	return e.rt.ToValue(n.String())
}

func (n jsonName) String() string {
	if n.index >= 0 {
		return strconv.FormatInt(n.index, 10)
	}
	return n.name
}

func (n jsonName) get(e *env, o *goja.Object) goja.Value {
	if n.value != nil {
		return orUndefined(e.getValue(o, n.value))
	}
	return orUndefined(o.Get(n.String()))
}

// getValue reads a property whose name no Go string can hold.
func (e *env) getValue(o *goja.Object, key goja.Value) goja.Value {
	get := e.get
	if get == nil {
		r, _ := e.rt.GlobalObject().Get("Reflect").(*goja.Object)
		if r == nil {
			e.throwType("Reflect is not available")
		}
		get = e.needCallable(r.Get("get"))
	}
	return get(goja.FunctionCall{Arguments: []goja.Value{o, key}})
}

const jsonDeepStack = 32 // frames from which on cycles are looked up in a set

func (e *env) stringifyJSON(v, replacer, space goja.Value) (*jsonWriter, bool) {
	w := &jsonWriter{e: e, max: e.lim.MaxStringBytes}
	if o, ok := replacer.(*goja.Object); ok {
		if f, ok := e.callable(o); ok {
			w.replacer = f
		} else if e.isArrayValue(o) {
			w.propertyList(o)
		}
	}
	w.setSpace(space)
	key := jsonName{name: "", index: -1}
	var holder *goja.Object
	if w.replacer != nil {
		holder = e.rt.NewObject()
		if err := holder.DefineDataProperty("", v, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE); err != nil {
			panic(err)
		}
	}
	return w, w.property(holder, key, v)
}

func (w *jsonWriter) propertyList(o *goja.Object) {
	w.hasList = true
	n := w.e.lengthOf(o)
	w.e.needArray(n)
	seen := map[string]bool{}
	for i := int64(0); i < n; i++ {
		w.e.poll()
		v := orUndefined(o.Get(strconv.FormatInt(i, 10)))
		switch x := v.(type) {
		case *goja.Object:
			if x.ExportType() == typeProxy || x.ClassName() != "String" && x.ClassName() != "Number" {
				continue
			}
		case goja.String:
		default:
			if !goja.IsNumber(v) {
				continue
			}
		}
		s := w.e.toStr(v)
		k := wtf8(s)
		if seen[k] {
			continue
		}
		seen[k] = true
		name := jsonName{name: k, index: -1}
		if hasSurrogate(k) {
			name.value = s
		}
		w.list = append(w.list, name)
	}
}

func (w *jsonWriter) setSpace(v goja.Value) {
	if o, ok := v.(*goja.Object); ok && o.ExportType() != typeProxy {
		switch o.ClassName() {
		case "Number":
			v = o.ToNumber()
		case "String":
			v = w.e.toStr(o)
		}
	}
	if s, ok := v.(goja.String); ok {
		if s.Length() > 10 {
			s = s.Substring(0, 10)
		}
		w.gap = strings.ToValidUTF8(wtf8(s), "\uFFFD")
		if !isASCIIText(w.gap) {
			w.wide = true
		}
	} else if goja.IsNumber(v) {
		if f := v.ToFloat(); f >= 1 {
			w.gap = strings.Repeat(" ", int(min(f, 10)))
		}
	}
}

// property writes the value of holder's property key; holder is only made when
// a replacer can see it.
func (w *jsonWriter) property(holder *goja.Object, key jsonName, v goja.Value) bool {
	w.e.poll()
	_, isObject := v.(*goja.Object)
	if isObject || goja.IsBigInt(v) {
		if f, ok := w.e.callable(w.toJSONOf(v)); ok {
			v = orUndefined(f(goja.FunctionCall{This: v, Arguments: []goja.Value{key.toValue(w.e)}}))
		}
	}
	if w.replacer != nil {
		v = orUndefined(w.replacer(goja.FunctionCall{This: holder, Arguments: []goja.Value{key.toValue(w.e), v}}))
	}
	o, ok := v.(*goja.Object)
	if !ok {
		return w.primitive(v)
	}
	t := o.ExportType()
	if t == typeProxy {
		if _, callable := goja.AssertFunction(o); callable {
			return false
		}
		w.composite(o, key)
		return true
	}
	switch o.ClassName() {
	case "Number":
		return w.primitive(o.ToNumber())
	case "String":
		return w.primitive(w.e.toStr(o))
	case "Boolean":
		return w.primitive(w.unwrap(o))
	case "RawJSON":
		s := w.e.toStr(o.Get("rawJSON"))
		w.raw(strings.ToValidUTF8(wtf8(s), "\uFFFD"))
		return true
	}
	if t == typeBigInt {
		return w.primitive(w.unwrap(o))
	}
	if _, callable := goja.AssertFunction(o); callable {
		return false
	}
	w.composite(o, key)
	return true
}

func (w *jsonWriter) toJSONOf(v goja.Value) goja.Value {
	if o, ok := v.(*goja.Object); ok {
		return o.Get("toJSON")
	}
	if r := w.e.get; r != nil { // the receiver is the primitive
		return r(goja.FunctionCall{Arguments: []goja.Value{v.ToObject(w.e.rt), w.e.rt.ToValue("toJSON"), v}})
	}
	return v.ToObject(w.e.rt).Get("toJSON")
}

// unwrap returns the primitive inside a Boolean or BigInt object.
func (w *jsonWriter) unwrap(o *goja.Object) goja.Value {
	return w.e.rt.ToValue(o.Export())
}

func (w *jsonWriter) primitive(v goja.Value) bool {
	switch x := v.(type) {
	case *goja.Symbol:
		return false
	case goja.String:
		w.quote(x)
		return true
	}
	switch v {
	case valTrue:
		w.buf = append(w.buf, "true"...)
	case valFalse:
		w.buf = append(w.buf, "false"...)
	case null:
		w.buf = append(w.buf, "null"...)
	case undefined:
		return false
	default:
		switch v.ExportType() {
		case typeInt:
			w.buf = strconv.AppendInt(w.buf, v.ToInteger(), 10)
		case typeFloat:
			if f := v.ToFloat(); math.IsNaN(f) || math.IsInf(f, 0) {
				w.buf = append(w.buf, "null"...)
			} else {
				w.buf = append(w.buf, v.String()...)
			}
		default:
			if goja.IsBigInt(v) {
				w.e.throwType("Do not know how to serialize a BigInt")
			}
			return false
		}
	}
	w.checkSize()
	return true
}

func (w *jsonWriter) raw(s string) {
	if !isASCIIText(s) {
		w.wide = true
	}
	w.buf = append(w.buf, s...)
	w.checkSize()
}

// checkSize keeps the text below the limit and announces its growth.
func (w *jsonWriter) checkSize() {
	if len(w.buf) <= w.charged {
		return
	}
	if len(w.buf) > w.max {
		w.e.throwStringLength()
	}
	w.e.charge(int64(len(w.buf)))
	w.charged = max(2*len(w.buf), chargeFloor)
	if w.charged > w.max {
		w.charged = w.max
	}
}

func (w *jsonWriter) composite(o *goja.Object, key jsonName) {
	w.push(o, key)
	stepback := w.indent
	w.indent += w.gap
	if w.e.isArrayValue(o) {
		w.array(o, stepback)
	} else {
		w.object(o, stepback)
	}
	w.indent = stepback
	w.pop(o)
	w.checkSize()
}

func (w *jsonWriter) push(o *goja.Object, key jsonName) {
	depth := len(w.stack)
	cyclic := false
	if depth < jsonDeepStack {
		for i := range w.stack {
			if w.stack[i].obj == o {
				cyclic = true
			}
		}
	} else {
		if w.onStack == nil {
			w.onStack = make(map[*goja.Object]struct{}, 2*jsonDeepStack)
			for i := range w.stack {
				w.onStack[w.stack[i].obj] = struct{}{}
			}
		}
		_, cyclic = w.onStack[o]
	}
	if cyclic {
		w.throwCircular(o, key)
	}
	if depth >= w.e.lim.JSONDepth {
		w.e.throwStack()
	}
	if len(w.indent) > 10*1024 {
		w.e.poll()
	}
	w.stack = append(w.stack, jsonFrame{o, key})
	if w.onStack != nil {
		w.onStack[o] = struct{}{}
	}
}

func (w *jsonWriter) pop(o *goja.Object) {
	w.stack[len(w.stack)-1] = jsonFrame{}
	w.stack = w.stack[:len(w.stack)-1]
	if w.onStack != nil {
		delete(w.onStack, o)
	}
}

// newline starts a line of an indented text.
func (w *jsonWriter) newline(indent string) {
	if w.gap != "" {
		w.buf = append(w.buf, '\n')
		w.buf = append(w.buf, indent...)
		w.checkSize()
	}
}

func (w *jsonWriter) array(o *goja.Object, stepback string) {
	n := w.e.lengthOf(o)
	if n == 0 {
		w.buf = append(w.buf, "[]"...)
		return
	}
	w.buf = append(w.buf, '[')
	for i := int64(0); i < n; i++ {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		w.newline(w.indent)
		key := jsonName{index: i}
		if !w.property(o, key, orUndefined(o.Get(strconv.FormatInt(i, 10)))) {
			w.buf = append(w.buf, "null"...)
			w.checkSize()
		}
	}
	w.newline(stepback)
	w.buf = append(w.buf, ']')
}

func (w *jsonWriter) object(o *goja.Object, stepback string) {
	if isTyped(o) {
		w.checkHuge(o)
	}
	w.buf = append(w.buf, '{')
	empty := true
	if w.hasList {
		for _, name := range w.list {
			w.member(o, name, &empty)
		}
	} else {
		keys := o.Keys()
		if names := w.lossyNames(o, keys); names != nil {
			for _, name := range names {
				w.member(o, name, &empty)
			}
		} else {
			for _, k := range keys {
				w.member(o, jsonName{name: k, index: -1}, &empty)
			}
		}
	}
	if !empty {
		w.newline(stepback)
	}
	w.buf = append(w.buf, '}')
}

func (w *jsonWriter) member(o *goja.Object, name jsonName, empty *bool) {
	v := name.get(w.e, o)
	mark := len(w.buf)
	if !*empty {
		w.buf = append(w.buf, ',')
	}
	w.newline(w.indent)
	w.quoteText(name.name)
	w.buf = append(w.buf, ':')
	if w.gap != "" {
		w.buf = append(w.buf, ' ')
	}
	if w.property(o, name, v) {
		*empty = false
	} else {
		w.buf = w.buf[:mark]
	}
}

// names lists the own enumerable string keys.
func (w *jsonWriter) names(o *goja.Object) []jsonName {
	keys := o.Keys()
	if names := w.lossyNames(o, keys); names != nil {
		return names
	}
	names := make([]jsonName, len(keys))
	for i, k := range keys {
		names[i] = jsonName{name: k, index: -1}
	}
	return names
}

// lossyNames is for the rare object with a lone surrogate in one of its keys,
// which came back as U+FFFD: it reads the keys as values. Otherwise it is nil.
func (w *jsonWriter) lossyNames(o *goja.Object, keys []string) []jsonName {
	lossy := false
	for _, k := range keys {
		if strings.Contains(k, "\uFFFD") {
			lossy = true
			break
		}
	}
	if !lossy || o.ExportType() == typeProxy {
		return nil
	}
	ctor, _ := w.e.rt.GlobalObject().Get("Object").(*goja.Object)
	if ctor == nil {
		return nil
	}
	f, ok := w.e.callable(ctor.Get("keys"))
	if !ok {
		return nil
	}
	list, ok := f(goja.FunctionCall{This: ctor, Arguments: []goja.Value{o}}).(*goja.Object)
	if !ok {
		return nil
	}
	names := make([]jsonName, len(keys))
	for i := range names {
		v, ok := list.Get(strconv.Itoa(i)).(goja.String)
		if !ok {
			return nil
		}
		names[i] = jsonName{name: wtf8(v), index: -1}
		if hasSurrogate(names[i].name) {
			names[i].value = v
		}
	}
	return names
}

// checkHuge refuses a typed array that could not fit into the text anyway,
// before its keys are listed.
func (w *jsonWriter) checkHuge(o *goja.Object) {
	n := w.e.typedLength(o)
	if n > int64(w.max)/4 || n > int64(w.e.lim.MaxArrayLength) {
		w.e.throwStringLength()
	}
	w.e.charge(n * 48)
}

var jsonEscape = func() (t [256]bool) {
	for i := range 0x20 {
		t[i] = true
	}
	t['"'], t['\\'] = true, true
	t[0xED] = true // may start a lone surrogate
	return
}()

const hexDigits = "0123456789abcdef"

func (w *jsonWriter) quote(s goja.String) {
	if a, ok := asciiOf(s); ok {
		w.quoteText(a)
		return
	}
	w.quoteText(wtf8(s))
}

// quoteText writes WTF-8 text as a JSON string; lone surrogates are escaped.
func (w *jsonWriter) quoteText(s string) {
	if len(s) > w.max-len(w.buf) {
		if len(s)/3 > w.max-len(w.buf) {
			w.e.throwStringLength()
		}
	}
	w.e.pollN(len(s) >> 6)
	b := append(w.buf, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= utf8.RuneSelf {
			w.wide = true
		}
		if !jsonEscape[c] {
			continue
		}
		if c == 0xED {
			if i+2 >= len(s) || s[i+1] < 0xA0 {
				continue
			}
			u := 0xD000 | uint16(s[i+1]&0x3F)<<6 | uint16(s[i+2]&0x3F)
			b = append(b, s[from:i]...)
			b = append(b, '\\', 'u', hexDigits[u>>12], hexDigits[u>>8&0xF], hexDigits[u>>4&0xF], hexDigits[u&0xF])
			i += 2
			from = i + 1
			continue
		}
		b = append(b, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\b':
			b = append(b, '\\', 'b')
		case '\t':
			b = append(b, '\\', 't')
		case '\n':
			b = append(b, '\\', 'n')
		case '\f':
			b = append(b, '\\', 'f')
		case '\r':
			b = append(b, '\\', 'r')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xF])
		}
	}
	b = append(b, s[from:]...)
	w.buf = append(b, '"')
	w.checkSize()
}

// throwCircular throws V8's TypeError for a cycle closed by o under key.
func (w *jsonWriter) throwCircular(o *goja.Object, key jsonName) {
	start := 0
	for i := range w.stack {
		if w.stack[i].obj == o {
			start = i
		}
	}
	var b strings.Builder
	b.WriteString("Converting circular structure to JSON\n    --> starting at object with constructor ")
	b.WriteString(w.constructorName(o))
	between := w.stack[start+1:]
	for i, f := range between {
		if len(between) > 3 && i >= 2 && i < len(between)-1 {
			if i == 2 {
				b.WriteString("\n    |     ...")
			}
			continue
		}
		b.WriteString("\n    |     ")
		b.WriteString(f.key.describe())
		b.WriteString(" -> object with constructor ")
		b.WriteString(w.constructorName(f.obj))
	}
	b.WriteString("\n    --- ")
	b.WriteString(key.describe())
	b.WriteString(" closes the circle")
	w.e.throwType("%s", b.String())
}

func (n jsonName) describe() string {
	if n.index >= 0 {
		return "index " + strconv.FormatInt(n.index, 10)
	}
	return "property '" + n.name + "'"
}

func (w *jsonWriter) constructorName(o *goja.Object) string {
	name := "Object"
	if o.ExportType() == typeProxy {
		return "'Object'"
	}
	var found string
	ex := w.e.rt.Try(func() {
		if c, ok := o.Get("constructor").(*goja.Object); ok {
			if s, ok := c.Get("name").(goja.String); ok {
				found = s.String()
			}
		}
	})
	if ex == nil && found != "" {
		name = found
	}
	return "'" + name + "'"
}
