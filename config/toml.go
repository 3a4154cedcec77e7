package config

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// parseTOML reads TOML. It returns nil when that failed and was reported.
func parseTOML(path string, src []byte, s *sink) *node {
	table := newPosTable(path, src)
	// The first pass checks the rules of the language, such as keys defined twice; the second keeps places.
	var checked map[string]any
	if err := toml.Unmarshal(src, &checked); err != nil {
		pos := Pos{File: path}
		var decodeError *toml.DecodeError
		if errors.As(err, &decodeError) {
			pos = table.at(decodeError.Position())
		}
		s.errorf(pos, "This is not TOML: %s.", strings.TrimPrefix(err.Error(), "toml: "))
		return nil
	}
	p := &unstable.Parser{}
	p.Reset(src)
	t := &tomlReader{table: table, sink: s}
	root := newTable(Pos{File: path, Line: 1, Col: 1})
	current := root
	for p.NextExpression() {
		e := p.Expression()
		switch e.Kind {
		case unstable.Table:
			current = t.header(root, e, false)
		case unstable.ArrayTable:
			current = t.header(root, e, true)
		case unstable.KeyValue:
			t.keyValue(current, e)
		}
	}
	if err := p.Error(); err != nil {
		s.errorf(Pos{File: path}, "This is not TOML: %v.", err)
		return nil
	}
	return root
}

type tomlReader struct {
	table *posTable
	sink  *sink
}

// descend is the table under key in n, made if there is none. A list of tables means its last one.
func (t *tomlReader) descend(n *node, key string, pos Pos) *node {
	m := n.get(key)
	if m == nil {
		child := newTable(pos)
		n.set(key, pos, child)
		return child
	}
	v := m.value
	if v.kind == nodeList && len(v.items) > 0 {
		v = v.items[len(v.items)-1]
	}
	if v.kind != nodeTable { // the first pass refused such a file
		v = newTable(pos)
	}
	return v
}

// header is the table that the lines after [a.b] or [[a.b]] fill.
func (t *tomlReader) header(root *node, e *unstable.Node, list bool) *node {
	n := root
	for it := e.Key(); it.Next(); {
		key, pos := string(it.Node().Data), t.pos(it.Node())
		if !list || !it.IsLast() {
			n = t.descend(n, key, pos)
			continue
		}
		m := n.get(key)
		if m == nil {
			n.set(key, pos, &node{kind: nodeList, pos: pos})
			m = n.get(key)
		}
		child := newTable(pos)
		m.value.items = append(m.value.items, child)
		n = child
	}
	return n
}

func (t *tomlReader) keyValue(n *node, e *unstable.Node) {
	for it := e.Key(); it.Next(); {
		key, pos := string(it.Node().Data), t.pos(it.Node())
		if !it.IsLast() {
			n = t.descend(n, key, pos)
			continue
		}
		n.set(key, pos, t.value(e.Value(), pos))
	}
}

// value converts a value. Containers have no place of their own in the parser's tree and get that of the
// key they belong to.
func (t *tomlReader) value(v *unstable.Node, at Pos) *node {
	n := &node{pos: t.posOr(v, at)}
	switch v.Kind {
	case unstable.String:
		n.kind, n.text = nodeString, string(v.Data)
	case unstable.Bool:
		n.kind, n.bool = nodeBool, string(v.Data) == "true"
	case unstable.Integer:
		n.kind = nodeNumber
		i, err := strconv.ParseInt(strings.TrimPrefix(string(v.Data), "+"), 0, 64)
		if err != nil { // a leading zero is the only spelling that differs, and the first pass refused it
			t.sink.errorf(n.pos, "The number %s is out of range.", abbreviate(string(v.Data)))
		}
		n.int, n.integer, n.number = i, err == nil, float64(i)
	case unstable.Float:
		n.kind = nodeNumber
		f, err := strconv.ParseFloat(strings.ReplaceAll(string(v.Data), "_", ""), 64)
		if err != nil {
			t.sink.errorf(n.pos, "The number %s is out of range.", abbreviate(string(v.Data)))
		}
		n.number = f
		if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			n.int, n.integer = int64(f), true // 3.0 is the number 3 in JavaScript
		}
	case unstable.LocalDate, unstable.LocalTime, unstable.LocalDateTime, unstable.DateTime:
		n.kind, n.text = nodeDate, string(v.Data)
	case unstable.Array:
		n.kind = nodeList
		for it := v.Children(); it.Next(); {
			if it.Node().Kind != unstable.Comment {
				n.items = append(n.items, t.value(it.Node(), n.pos))
			}
		}
	case unstable.InlineTable:
		n = newTable(n.pos)
		for it := v.Children(); it.Next(); {
			if it.Node().Kind == unstable.KeyValue {
				t.keyValue(n, it.Node())
			}
		}
	}
	return n
}

func (t *tomlReader) pos(n *unstable.Node) Pos { return t.table.pos(int(n.Raw.Offset)) }

func (t *tomlReader) posOr(n *unstable.Node, otherwise Pos) Pos {
	if n.Raw.Length == 0 {
		return otherwise
	}
	return t.pos(n)
}
