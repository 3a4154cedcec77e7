package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/tailscale/hujson"

	"workerd.local/internal/limits"
)

// parseJSONC reads JSON with comments and trailing commas. It returns nil when that failed and was
// reported.
func parseJSONC(path string, src []byte, s *sink) *node {
	src = bytes.TrimPrefix(src, []byte("\uFEFF"))
	table := newPosTable(path, src)
	maxDepth := limits.ConfigDepth.In(s.bounds)
	if at, ok := tooDeep(src, maxDepth); ok {
		s.errorf(table.pos(at), "Brackets are nested more than %d levels deep.", maxDepth)
		return nil
	}
	tree, err := hujson.Parse(src)
	if err != nil {
		pos := Pos{File: path}
		var line, column int
		if _, scanErr := fmt.Sscanf(err.Error(), "hujson: line %d, column %d:", &line, &column); scanErr == nil {
			pos = table.at(line, column)
			if inner := errors.Unwrap(err); inner != nil {
				err = inner
			}
		}
		s.errorf(pos, "This is not JSON: %v.", err)
		return nil
	}
	return convertJSON(&tree, table, s)
}

// tooDeep finds a bracket nested deeper than maxDepth, so that the recursive parser is never given one.
func tooDeep(src []byte, maxDepth int) (int, bool) {
	depth := 0
	for i := 0; i < len(src); i++ {
		switch src[i] {
		case '[', '{':
			if depth++; depth > maxDepth {
				return i, true
			}
		case ']', '}':
			depth--
		case '"':
			for i++; i < len(src) && src[i] != '"'; i++ {
				if src[i] == '\\' {
					i++
				}
			}
		case '/':
			end := -1
			switch {
			case bytes.HasPrefix(src[i:], []byte("//")):
				end = bytes.IndexByte(src[i:], '\n')
			case bytes.HasPrefix(src[i:], []byte("/*")):
				if end = bytes.Index(src[i+2:], []byte("*/")); end >= 0 {
					end += 3
				}
			default:
				continue
			}
			if end < 0 {
				return 0, false
			}
			i += end
		}
	}
	return 0, false
}

func convertJSON(v *hujson.Value, table *posTable, s *sink) *node {
	n := &node{pos: table.pos(v.StartOffset)}
	switch of := v.Value.(type) {
	case *hujson.Object:
		n = newTable(n.pos)
		for i := range of.Members {
			m := &of.Members[i]
			name, _ := m.Name.Value.(hujson.Literal) // the grammar allows nothing else
			key := name.String()
			at := table.pos(m.Name.StartOffset)
			if !n.set(key, at, convertJSON(&m.Value, table, s)) {
				s.hintf(at, "remove one of them", "The key %q is written twice.", key)
			}
		}
	case *hujson.Array:
		n.kind = nodeList
		for i := range of.Elements {
			n.items = append(n.items, convertJSON(&of.Elements[i], table, s))
		}
	case hujson.Literal:
		switch of.Kind() {
		case '"':
			n.kind, n.text = nodeString, of.String()
		case 't', 'f':
			n.kind, n.bool = nodeBool, of.Bool()
		case '0':
			n.kind = nodeNumber
			i, err := strconv.ParseInt(string(of), 10, 64)
			n.int, n.integer = i, err == nil
			if err := json.Unmarshal(of, &n.number); err != nil {
				s.errorf(n.pos, "The number %s is out of range.", abbreviate(string(of)))
			}
		}
	}
	return n
}
