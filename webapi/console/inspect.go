package console

import (
	"fmt"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/dop251/goja"

	"workerd.local/internal/limits"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// defaultDepth is how many levels below the top one are shown.
const defaultDepth = 2

// Inspect prints a value as node's util.inspect does: depth levels below the first
// one, strings in quotes. It runs no user code but what the package names.
func Inspect(js *isolate.JS, v goja.Value, depth int) string {
	return InspectWith(js, v, InspectOptions{Depth: depth})
}

// InspectOptions are those of node's util.inspect that this package knows.
type InspectOptions struct {
	// Depth is how many levels below the first one are shown.
	Depth int
	// Expanded puts every entry on a line of its own (compact: false); Tight puts the first
	// one on the line of the brace (compact: true). Compact is how many innermost levels may
	// share a line where it is neither; 0 means 3.
	Expanded, Tight bool
	Compact         int
	// Break is how long a line of several entries may be; 0 means 80.
	Break int
	// Entries and Characters are how many are shown of a list and of a string; nil means the
	// usual number.
	Entries, Characters *int
	// Separated puts an underscore between each three digits.
	Separated bool
	// Hidden shows properties that are not enumerable, and the getters of scripts' classes.
	Hidden bool
	// Proxies shows what proxies are made of.
	Proxies bool
	// Style colours a text, which is of a kind such as "string" or "special"; nil leaves it.
	Style func(kind, text string) string
	// Custom is what an object that prints itself is given beside the depth that is left;
	// nil gives it that alone, and a function.
	Custom func(depth int) (options *goja.Object, inspect goja.Value)
	// Sorted sorts properties and the entries of maps and sets.
	Sorted bool
	// Plain asks no object how it wants to be printed (customInspect: false).
	Plain bool
	// Getters shows what getters give, which runs them.
	Getters bool
}

// InspectWith is Inspect with options.
func InspectWith(js *isolate.JS, v goja.Value, o InspectOptions) string {
	p := &printer{js: js, in: intrinsics.Get(js), depth: o.Depth, o: o}
	s := ""
	// Whatever a hostile object manages to throw ends the printing of this value.
	if err := js.Try(func() { s = p.value(v, 0) }); err != nil {
		return "[" + describe(v) + " that cannot be inspected]"
	}
	return s
}

func describe(v goja.Value) string {
	if obj, ok := v.(*goja.Object); ok && obj.ExportType() != proxyType {
		return obj.ClassName()
	}
	return "Object"
}

// printer is one call of Inspect.
type printer struct {
	js    *isolate.JS
	in    *engine
	depth int
	o     InspectOptions

	stack    []*goja.Object       // the objects that are being printed
	circular map[*goja.Object]int // those that were met again, with their numbers
	indent   int
	level    int // of the object that was entered last
	printed  int
	found    map[inherited]*descriptor
}

var (
	proxyType   = reflect.TypeFor[goja.Proxy]()
	promiseType = reflect.TypeFor[*goja.Promise]()
	mapType     = reflect.TypeFor[[][2]any]()
	setType     = reflect.TypeFor[[]any]() // of arrays, too, which are told apart first
)

// value prints v, which is level levels below the top.
func (p *printer) value(v goja.Value, level int) string {
	p.printed++
	obj, ok := v.(*goja.Object)
	if !ok {
		return p.primitive(v)
	}
	whole := obj
	for obj.ExportType() == proxyType {
		proxy, _ := obj.Export().(goja.Proxy)
		if (p.o.Proxies || bind.ProgramOf(p.js).Worker) && !isStandIn(proxy) {
			return p.proxy(whole, proxy, level)
		}
		target := proxy.Target()
		if target == nil {
			return p.style("special", "<Revoked Proxy>")
		}
		obj = target
	}
	return p.target(whole, obj, level)
}

// proxy prints a proxy that is to be seen, whole, and runs none of its traps.
func (p *printer) proxy(whole *goja.Object, proxy goja.Proxy, level int) string {
	target := proxy.Target()
	switch {
	case target == nil:
		return p.style("special", "<Revoked Proxy>")
	case p.printed > limits.ConsoleValues.In(p.js.Bounds()):
		return "..."
	case p.o.Proxies && level > p.depth:
		return p.style("special", "Proxy [Array]")
	case p.o.Proxies:
		p.indent += 2
		entries := []string{p.value(target, level+1), p.value(orNull(proxy.Handler()), level+1)}
		p.indent -= 2
		return p.combine(entries, "", "Proxy [", "]", p.level-level, true, false)
	}
	if !p.o.Plain && target.ExportType() != proxyType {
		if s, ok := p.custom(whole, target, level); ok {
			return s
		}
	}
	return p.style("special", "Proxy(") + p.value(target, level) + p.style("special", ")")
}

func orNull(o *goja.Object) goja.Value {
	if o == nil {
		return goja.Null()
	}
	return o
}

var trapsType = reflect.TypeFor[*goja.ProxyTrapConfig]()

// isStandIn reports whether a proxy is no script's: classes of the host and of the library
// are made of proxies with traps in Go.
func isStandIn(proxy goja.Proxy) bool {
	h := proxy.Handler()
	return h != nil && h.ExportType() == trapsType
}

// style colours a text.
func (p *printer) style(kind, text string) string {
	if p.o.Style == nil || text == "" {
		return text
	}
	return p.o.Style(kind, text)
}

// target prints an object that is no proxy; whole is what scripts have of it.
func (p *printer) target(whole, obj *goja.Object, level int) string {
	if p.printed > limits.ConsoleValues.In(p.js.Bounds()) {
		return "..."
	}
	if !p.o.Plain {
		if s, ok := p.custom(whole, obj, level); ok {
			return s
		}
	}
	if slices.Contains(p.stack, obj) {
		if p.circular == nil {
			p.circular = map[*goja.Object]int{}
		}
		if p.circular[obj] == 0 {
			p.circular[obj] = len(p.circular) + 1
		}
		return p.style("special", fmt.Sprintf("[Circular *%d]", p.circular[obj]))
	}
	return p.object(obj, level)
}

func (p *printer) primitive(v goja.Value) string {
	switch x := v.(type) {
	case nil:
		return p.style("undefined", "undefined")
	case goja.String:
		return p.text(x.String())
	case *goja.Symbol:
		return p.style("symbol", symbolText(x))
	}
	switch x := v.Export().(type) {
	case float64:
		if x == 0 && math.Signbit(x) {
			return p.style("number", "-0")
		}
		return p.style("number", p.digits(v.String()))
	case int64:
		return p.style("number", p.digits(v.String()))
	case bool:
		return p.style("boolean", v.String())
	case nil:
		if goja.IsUndefined(v) {
			return p.style("undefined", "undefined")
		}
		return p.style("null", "null")
	}
	if isBigInt(v) {
		return p.style("bigint", p.digits(v.String())+"n")
	}
	return v.String()
}

// digits puts underscores into a number where the options want them.
func (p *printer) digits(text string) string {
	if !p.o.Separated || strings.ContainsAny(text, "eIN") {
		return text
	}
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	}
	whole, fraction, hasFraction := strings.Cut(text, ".")
	var out strings.Builder
	out.WriteString(sign)
	for i := range len(whole) {
		if i > 0 && (len(whole)-i)%3 == 0 {
			out.WriteByte('_')
		}
		out.WriteByte(whole[i])
	}
	if hasFraction {
		out.WriteByte('.')
		for i := range len(fraction) {
			if i > 0 && i%3 == 0 {
				out.WriteByte('_')
			}
			out.WriteByte(fraction[i])
		}
	}
	return out.String()
}

// text prints a string inside of something, in pieces of a line where it is long.
func (p *printer) text(s string) string {
	more, most := "", limits.ConsoleString.In(p.js.Bounds())
	if p.o.Characters != nil {
		most = *p.o.Characters
	}
	if n := textLen(s); n > most {
		runes := []rune(s)
		keep := min(most, len(runes))
		rest := len(runes) - keep
		s, more = string(runes[:keep]), fmt.Sprintf("... %d more %s", rest, plural(rest, "character"))
	}
	if n := textLen(s); !p.o.Tight && n > 16 && n > p.lineLength()-p.indent-4 {
		if lines := strings.SplitAfter(s, "\n"); len(lines) > 1 {
			if lines[len(lines)-1] == "" {
				lines = lines[:len(lines)-1]
			}
			for i, l := range lines {
				lines[i] = p.style("string", quote(l))
			}
			return strings.Join(lines, " +\n"+strings.Repeat(" ", p.indent+2)) + more
		}
	}
	return p.style("string", quote(s)) + more
}

// lineLength is how long a line of several entries may be.
func (p *printer) lineLength() int {
	if p.o.Break > 0 {
		return p.o.Break
	}
	return breakLength
}

func symbolText(s *goja.Symbol) string { return "Symbol(" + s.String() + ")" }

var bigIntType = reflect.TypeFor[*big.Int]()

func isBigInt(v goja.Value) bool { return v.ExportType() == bigIntType }

// shape is how one object is printed: base before the brace, entries inside.
type shape struct {
	base       string
	open, shut string
	entries    []string
	array      bool // its entries may be laid out in columns
	numbers    bool
	atOnce     bool   // base alone is all there is where it has no properties
	empty      bool   // it has no entries but properties
	host       bool   // it is of a class of the host
	kind       string // how base is coloured where it is all there is
	keys       []key
	inherited  []string // entries of the prototypes' getters
}

func (p *printer) object(obj *goja.Object, level int) string {
	s, fill := p.shapeOf(obj, level)
	if p.o.Hidden && level <= p.depth {
		s.inherited = p.inheritedGetters(obj, level)
	}
	bare := len(s.keys)+len(s.inherited) == 0
	if s.atOnce && bare {
		return p.withRef(obj, p.style(s.kind, s.base))
	}
	if s.empty && bare {
		return p.withRef(obj, spaced(s.base)+s.open+s.shut)
	}
	if level > p.depth {
		return p.tooDeep(obj, s)
	}
	p.stack = append(p.stack, obj)
	p.level = level
	level++
	if fill != nil {
		fill(&s, level)
	}
	own := len(s.entries)
	for _, k := range s.keys {
		if p.printed > limits.ConsoleValues.In(p.js.Bounds()) {
			s.entries = append(s.entries, "...")
			break
		}
		s.entries = append(s.entries, p.property(obj, k, level))
	}
	s.entries = append(s.entries, s.inherited...)
	if p.o.Sorted {
		if !s.array {
			own = 0
		}
		slices.Sort(s.entries[own:])
	}
	p.stack = p.stack[:len(p.stack)-1]
	if len(s.entries) == 0 {
		if s.atOnce {
			return p.withRef(obj, s.base)
		}
		return p.withRef(obj, spaced(s.base)+s.open+s.shut)
	}
	if n := p.circular[obj]; n != 0 {
		ref := p.reference(n)
		if s.base == "" {
			s.open = ref + " " + s.open
		} else {
			s.base = ref + " " + s.base
		}
	}
	if p.o.Tight && !s.atOnce {
		s.open, s.base = spaced(s.base)+s.open, ""
	}
	front := ""
	if s.host {
		// The class is put in front of what is laid out (workerd).
		front, s.base = spaced(s.base), ""
	}
	return front + p.combine(s.entries, s.base, s.open, s.shut, p.level-(level-1), s.array, s.numbers)
}

func spaced(base string) string {
	if base != "" {
		base += " "
	}
	return base
}

// reference is the mark of an object that is met again within itself.
func (p *printer) reference(n int) string { return p.style("special", fmt.Sprintf("<ref *%d>", n)) }

func (p *printer) withRef(obj *goja.Object, text string) string {
	if n := p.circular[obj]; n != 0 {
		return p.reference(n) + " " + text
	}
	return text
}

// tooDeep names an object whose content is not shown.
func (p *printer) tooDeep(obj *goja.Object, s shape) string {
	if s.array && obj.ClassName() == "Array" {
		return p.style("special", "[Array]")
	}
	name := p.constructorName(obj)
	tag := p.tag(obj, name)
	if name == "" {
		name = "Object: null prototype"
	}
	if tag != "" {
		name += " [" + tag + "]"
	}
	return p.style("special", "["+name+"]")
}

// property prints "name: value".
func (p *printer) property(obj *goja.Object, k key, level int) string {
	return p.propertyOf(obj, obj, k, level)
}

// propertyOf is property of what holder has for obj.
func (p *printer) propertyOf(obj, holder *goja.Object, k key, level int) string {
	d := p.in.descriptor(p.js, holder, k.key)
	text, between := p.style("undefined", "undefined"), " "
	if d != nil {
		deeper := 2
		if p.o.Tight && d.value != nil {
			deeper = 3
		}
		p.indent += deeper
		if text = p.content(obj, d, level); deeper == 3 && columns(uncoloured(text)) > p.lineLength() {
			between = "\n" + strings.Repeat(" ", p.indent)
		}
		p.indent -= deeper
	}
	return p.label(k, d) + ":" + between + text
}

// inheritedGetters prints what the prototypes of a script's class have beside methods, as
// far as three of them.
func (p *printer) inheritedGetters(obj *goja.Object, level int) (out []string) {
	seen := map[string]bool{}
	for o, depth := obj.Prototype(), 0; o != nil && depth < 3 && o.ExportType() != proxyType && !p.isBuiltinPrototype(o); o, depth = o.Prototype(), depth+1 {
		for _, k := range p.in.keys(p.js, o, 0, true) {
			name := k.key.String()
			if _, symbol := k.key.(*goja.Symbol); symbol {
				name = "@@" + name
			}
			if name == "constructor" || seen[name] || p.in.descriptor(p.js, obj, k.key) != nil {
				continue
			}
			seen[name] = true
			if d := p.in.descriptor(p.js, o, k.key); d == nil {
				continue
			} else if _, method := goja.AssertFunction(d.value); method {
				continue
			}
			p.stack = append(p.stack, obj)
			text := p.propertyOf(obj, o, k, level+1)
			p.stack = p.stack[:len(p.stack)-1]
			if p.o.Style != nil {
				text = p.o.Style("inherited", text)
			}
			out = append(out, text)
		}
	}
	return out
}

// isBuiltinPrototype reports whether an object is the prototype of a class that scripts did
// not write.
func (p *printer) isBuiltinPrototype(o *goja.Object) bool {
	d := p.in.descriptor(p.js, o, p.in.constructor)
	return d == nil || d.value == nil || p.isNative(d.value)
}

// content prints what a property holds, or that it has accessors.
func (p *printer) content(obj *goja.Object, d *descriptor, level int) string {
	if d.get != nil && p.o.Getters {
		return p.gotten(obj, d, level)
	}
	if g, ok := d.get.(*goja.Object); ok && bind.IsLazy(p.js, g) {
		if v, err := p.js.Call(g, obj); err == nil {
			return p.value(v, level)
		}
	}
	switch {
	case d.get != nil && d.set != nil:
		return p.style("special", "[Getter/Setter]")
	case d.get != nil:
		return p.style("special", "[Getter]")
	case d.set != nil:
		return p.style("special", "[Setter]")
	}
	return p.value(d.value, level)
}

// gotten prints what a getter gives.
func (p *printer) gotten(obj *goja.Object, d *descriptor, level int) string {
	label := "Getter"
	if d.set != nil {
		label = "Getter/Setter"
	}
	v, err := p.js.Call(d.get, obj)
	if err != nil {
		return p.style("special", "["+label+":") + " <Inspection threw (" + p.js.Exception(err).Message + ")>" + p.style("special", "]")
	}
	if _, ok := v.(*goja.Object); ok {
		return p.style("special", "["+label+"]") + " " + p.value(v, level)
	}
	return p.style("special", "["+label+":") + " " + p.primitive(v) + p.style("special", "]")
}

// mostEntries is how many entries of one list are shown.
func (p *printer) mostEntries() int {
	if p.o.Entries != nil {
		return min(*p.o.Entries, limits.ConsoleValues.In(p.js.Bounds()))
	}
	return limits.ConsoleEntries.In(p.js.Bounds())
}

// key is an own property's.
type key struct {
	key goja.Value
}

func (p *printer) label(k key, d *descriptor) string {
	if s, ok := k.key.(*goja.Symbol); ok {
		return "[" + p.style("symbol", symbolText(s)) + "]"
	}
	if d != nil && !d.enumerable {
		return "[" + k.key.String() + "]"
	}
	name := propertyName(k.key.String())
	if strings.HasSuffix(name, "'") || strings.HasSuffix(name, "\"") || strings.HasSuffix(name, "`") {
		return p.style("string", name)
	}
	return name
}

// elements prints the elements of something like an array; at says ok = false for
// a hole.
func (p *printer) elements(n int, at func(i int) (text string, ok bool)) []string {
	var out []string
	holes, maxArrayEntries := 0, p.mostEntries()
	flush := func() {
		if holes > 0 {
			out = append(out, p.style("undefined", fmt.Sprintf("<%d empty %s>", holes, plural(holes, "item"))))
			holes = 0
		}
	}
	i := 0
	for ; i < n && len(out) < maxArrayEntries; i++ {
		p.indent += 2
		text, ok := at(i)
		p.indent -= 2
		if !ok {
			if holes++; holes > maxHoles {
				break
			}
			continue
		}
		if flush(); len(out) == maxArrayEntries {
			break
		}
		out = append(out, text)
	}
	flush()
	if rest := n - i; rest > 0 {
		out = append(out, fmt.Sprintf("... %d more %s", rest, plural(rest, "item")))
	}
	return out
}

// maxHoles is how many holes in a row are counted.
const maxHoles = 10000

func number(i int) string { return strconv.Itoa(i) }
