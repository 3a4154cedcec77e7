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
	// Expanded puts every entry on a line of its own (compact: false), and no
	// entries are left out.
	Expanded bool
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
	for obj.ExportType() == proxyType {
		proxy, _ := obj.Export().(goja.Proxy)
		target := proxy.Target()
		if target == nil {
			return "<Revoked Proxy>"
		}
		obj = target
	}
	if p.printed > limits.ConsoleValues.In(p.js.Bounds()) {
		return "..."
	}
	if !p.o.Plain {
		if s, ok := p.custom(obj, level); ok {
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
		return fmt.Sprintf("[Circular *%d]", p.circular[obj])
	}
	return p.object(obj, level)
}

func (p *printer) primitive(v goja.Value) string {
	switch x := v.(type) {
	case nil:
		return "undefined"
	case goja.String:
		return p.text(x.String())
	case *goja.Symbol:
		return symbolText(x)
	}
	switch x := v.Export().(type) {
	case float64:
		if x == 0 && math.Signbit(x) {
			return "-0"
		}
	case nil:
		if goja.IsUndefined(v) {
			return "undefined"
		}
	}
	if isBigInt(v) {
		return v.String() + "n"
	}
	return v.String()
}

// text prints a string inside of something, in pieces of a line where it is long.
func (p *printer) text(s string) string {
	more := ""
	if n := textLen(s); !p.o.Expanded && n > limits.ConsoleString.In(p.js.Bounds()) {
		runes := []rune(s)
		keep := min(limits.ConsoleString.In(p.js.Bounds()), len(runes))
		rest := len(runes) - keep
		s, more = string(runes[:keep]), fmt.Sprintf("... %d more %s", rest, plural(rest, "character"))
	}
	if n := textLen(s); !p.o.Expanded && n > 16 && n > breakLength-p.indent-4 {
		if lines := strings.SplitAfter(s, "\n"); len(lines) > 1 {
			if lines[len(lines)-1] == "" {
				lines = lines[:len(lines)-1]
			}
			for i, l := range lines {
				lines[i] = quote(l)
			}
			return strings.Join(lines, " +\n"+strings.Repeat(" ", p.indent+2)) + more
		}
	}
	return quote(s) + more
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
	atOnce     bool // base alone is all there is where it has no properties
	empty      bool // it has no entries but properties
	host       bool // it is of a class of the host
	keys       []key
}

func (p *printer) object(obj *goja.Object, level int) string {
	s, fill := p.shapeOf(obj, level)
	if s.atOnce && len(s.keys) == 0 {
		return p.withRef(obj, s.base)
	}
	if s.empty && len(s.keys) == 0 {
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
		ref := fmt.Sprintf("<ref *%d>", n)
		if s.base == "" {
			s.open = ref + " " + s.open
		} else {
			s.base = ref + " " + s.base
		}
	}
	if p.o.Expanded {
		return expand(s.entries, s.base, s.open, s.shut, p.indent)
	}
	front := ""
	if s.host {
		// The class is put in front of what is laid out (workerd).
		front, s.base = spaced(s.base), ""
	}
	return front + combine(s.entries, s.base, s.open, s.shut, p.indent, p.level-(level-1), s.array, s.numbers, limits.ConsoleEntries.In(p.js.Bounds()))
}

func spaced(base string) string {
	if base != "" {
		base += " "
	}
	return base
}

func (p *printer) withRef(obj *goja.Object, text string) string {
	if n := p.circular[obj]; n != 0 {
		return fmt.Sprintf("<ref *%d> %s", n, text)
	}
	return text
}

// tooDeep names an object whose content is not shown.
func (p *printer) tooDeep(obj *goja.Object, s shape) string {
	if s.array && obj.ClassName() == "Array" {
		return "[Array]"
	}
	name := p.constructorName(obj)
	tag := p.tag(obj, name)
	if name == "" {
		name = "Object: null prototype"
	}
	if tag != "" {
		name += " [" + tag + "]"
	}
	return "[" + name + "]"
}

// property prints "name: value".
func (p *printer) property(obj *goja.Object, k key, level int) string {
	d := p.in.descriptor(p.js, obj, k.key)
	text := "undefined"
	if d != nil {
		p.indent += 2
		text = p.content(obj, d, level)
		p.indent -= 2
	}
	return k.label(d) + ": " + text
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
		return "[Getter/Setter]"
	case d.get != nil:
		return "[Getter]"
	case d.set != nil:
		return "[Setter]"
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
		return "[" + label + ": <Inspection threw (" + p.js.Exception(err).Message + ")>]"
	}
	if _, ok := v.(*goja.Object); ok {
		return "[" + label + "] " + p.value(v, level)
	}
	return "[" + label + ": " + p.primitive(v) + "]"
}

// mostEntries is how many entries of one list are shown.
func (p *printer) mostEntries() int {
	if p.o.Expanded {
		return limits.ConsoleValues.In(p.js.Bounds())
	}
	return limits.ConsoleEntries.In(p.js.Bounds())
}

// key is an own property's.
type key struct {
	key goja.Value
}

func (k key) label(d *descriptor) string {
	if s, ok := k.key.(*goja.Symbol); ok {
		return "[" + symbolText(s) + "]"
	}
	if d != nil && !d.enumerable {
		return "[" + k.key.String() + "]"
	}
	return propertyName(k.key.String())
}

// elements prints the elements of something like an array; at says ok = false for
// a hole.
func (p *printer) elements(n int, at func(i int) (text string, ok bool)) []string {
	var out []string
	holes, maxArrayEntries := 0, p.mostEntries()
	flush := func() {
		if holes > 0 {
			out = append(out, fmt.Sprintf("<%d empty %s>", holes, plural(holes, "item")))
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
