package console

import (
	"slices"
	"strings"

	"github.com/dop251/goja"

	"workerd.local/internal/limits"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// jsTable prints the rows of a collection as a table; anything else as log does.
func jsTable(c *bind.Call) (any, error) {
	js := c.JS()
	obj, ok := c.Arg(0).(*goja.Object)
	if !ok || obj.ExportType() == proxyType {
		return printAt(Log)(c)
	}
	var only []string
	if list, ok := c.Arg(1).(*goja.Object); ok {
		err := js.Try(func() {
			js.Runtime().ForOf(list, func(v goja.Value) bool {
				only = append(only, v.String())
				return len(only) < limits.ConsoleColumns.In(js.Bounds())
			})
		})
		if err != nil {
			only = nil
		}
	}
	t := &tableText{js: js, p: &printer{js: js, in: intrinsics.Get(js), depth: 0}, only: only}
	text := ""
	if err := js.Try(func() { text = t.build(obj) }); err != nil {
		text = "[" + describe(obj) + " that cannot be inspected]"
	}
	text, _ = clip(text, longest(js))
	Print(js, Log, text)
	return nil, nil
}

type tableText struct {
	js    *isolate.JS
	p     *printer
	only  []string
	index string

	columns []string
	rows    []tableRow
	single  bool // some row is a value, not an object
}

type tableRow struct {
	index string
	cells map[string]string
	key   *string // of a Map
	value *string
}

func (t *tableText) build(obj *goja.Object) string {
	in, maxRows := t.p.in, limits.ConsoleRows.In(t.js.Bounds())
	t.index = "(index)"
	switch {
	case obj.ExportType() == mapType:
		t.index = "(iteration index)"
		in.iterate(t.js, obj, in.mapEntries, in.mapNext, func(v goja.Value) bool {
			pair := v.(*goja.Object)
			key := t.cell(pair.Get("0"))
			t.add(number(len(t.rows)), pair.Get("1"), &key)
			return len(t.rows) < maxRows
		})
	case obj.ExportType() == setType && obj.ClassName() != "Array":
		t.index = "(iteration index)"
		in.iterate(t.js, obj, in.setValues, in.setNext, func(v goja.Value) bool {
			t.add(number(len(t.rows)), v, nil)
			return len(t.rows) < maxRows
		})
	default:
		for _, k := range in.keys(t.js, obj, 0, false) {
			if _, sym := k.key.(*goja.Symbol); sym || len(t.rows) == maxRows {
				continue
			}
			if d := in.descriptor(t.js, obj, k.key); d != nil {
				t.add(k.key.String(), d.value, nil)
			}
		}
	}
	if t.only != nil {
		t.columns = t.only
	}
	return t.render()
}

func (t *tableText) cell(v goja.Value) string {
	if v == nil {
		return "[Getter]"
	}
	if _, ok := v.(*goja.Object); ok {
		return strings.ReplaceAll(Inspect(t.js, v, 0), "\n", " ")
	}
	return t.p.primitive(v)
}

func (t *tableText) add(index string, v goja.Value, key *string) {
	row := tableRow{index: index, key: key}
	obj, ok := v.(*goja.Object)
	if _, callable := goja.AssertFunction(v); !ok || callable || obj.ExportType() == proxyType {
		text := t.cell(v)
		row.value = &text
		t.single = true
		t.rows = append(t.rows, row)
		return
	}
	row.cells = map[string]string{}
	for _, k := range t.p.in.keys(t.js, obj, 0, false) {
		if _, sym := k.key.(*goja.Symbol); sym {
			continue
		}
		name := k.key.String()
		if !slices.Contains(t.columns, name) {
			if len(t.columns) == limits.ConsoleColumns.In(t.js.Bounds()) {
				continue
			}
			t.columns = append(t.columns, name)
		}
		if d := t.p.in.descriptor(t.js, obj, k.key); d != nil {
			row.cells[name] = t.cell(d.value)
		}
	}
	t.rows = append(t.rows, row)
}

func (t *tableText) render() string {
	header := []string{t.index}
	keyed := t.index != "(index)" && len(t.rows) > 0 && t.rows[0].key != nil
	if keyed {
		header = append(header, "Key")
	}
	header = append(header, t.columns...)
	if t.single {
		header = append(header, "Values")
	}
	lines := [][]string{header}
	for _, r := range t.rows {
		line := []string{r.index}
		if keyed {
			line = append(line, *r.key)
		}
		for _, c := range t.columns {
			line = append(line, r.cells[c])
		}
		if t.single {
			v := ""
			if r.value != nil {
				v = *r.value
			}
			line = append(line, v)
		}
		lines = append(lines, line)
	}
	widths := make([]int, len(header))
	for _, l := range lines {
		for i, c := range l {
			widths[i] = max(widths[i], columns(c))
		}
	}
	var out strings.Builder
	rule := func(left, mid, right string) {
		for i, w := range widths {
			if i == 0 {
				out.WriteString(left)
			} else {
				out.WriteString(mid)
			}
			out.WriteString(strings.Repeat("─", w+2))
		}
		out.WriteString(right)
	}
	rule("┌", "┬", "┐\n")
	for n, l := range lines {
		for i, c := range l {
			out.WriteString("│ " + c + strings.Repeat(" ", widths[i]-columns(c)+1))
		}
		out.WriteString("│\n")
		if n == 0 {
			rule("├", "┼", "┤\n")
		}
	}
	rule("└", "┴", "┘")
	return out.String()
}
