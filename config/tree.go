package config

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// nodeKind is the type of a value in a TOML or JSON file.
type nodeKind uint8

const (
	nodeNull nodeKind = iota
	nodeString
	nodeNumber
	nodeBool
	nodeDate // TOML only
	nodeList
	nodeTable
)

func (k nodeKind) String() string {
	return [...]string{"null", "a string", "a number", "true or false", "a date", "a list", "a table"}[k]
}

// node is a value of a TOML or JSON file with its place.
type node struct {
	kind    nodeKind
	pos     Pos
	text    string  // of strings, and dates as written
	number  float64 // of numbers
	integer bool    // the number was written without fraction and fits int64
	int     int64
	bool    bool
	items   []*node
	members []*member
	index   map[string]*member
}

// member is one key of a table.
type member struct {
	key   string
	pos   Pos // of the key
	value *node
}

func newTable(pos Pos) *node {
	return &node{kind: nodeTable, pos: pos, index: make(map[string]*member)}
}

// get is the member called key, or nil.
func (n *node) get(key string) *member {
	if n == nil {
		return nil
	}
	return n.index[key]
}

// set adds a member; it reports whether the key is new.
func (n *node) set(key string, pos Pos, v *node) bool {
	if _, ok := n.index[key]; ok {
		return false
	}
	m := &member{key: key, pos: pos, value: v}
	n.members = append(n.members, m)
	n.index[key] = m
	return true
}

// keys are the names of the members, in file order.
func (n *node) keys() []string {
	out := make([]string, len(n.members))
	for i, m := range n.members {
		out[i] = m.key
	}
	return out
}

// json writes the node as JSON. It fails on numbers JSON does not have.
func (n *node) json() (string, bool) {
	var b strings.Builder
	ok := n.appendJSON(&b)
	return b.String(), ok
}

func (n *node) appendJSON(b *strings.Builder) bool {
	switch n.kind {
	case nodeNull:
		b.WriteString("null")
	case nodeString, nodeDate:
		b.WriteString(jsonString(n.text))
	case nodeNumber:
		if n.integer {
			b.WriteString(strconv.FormatInt(n.int, 10))
			return true
		}
		if math.IsInf(n.number, 0) || math.IsNaN(n.number) {
			return false
		}
		text, err := json.Marshal(n.number)
		b.Write(text)
		return err == nil
	case nodeBool:
		b.WriteString(strconv.FormatBool(n.bool))
	case nodeList:
		b.WriteByte('[')
		for i, item := range n.items {
			if i > 0 {
				b.WriteByte(',')
			}
			if !item.appendJSON(b) {
				return false
			}
		}
		b.WriteByte(']')
	case nodeTable:
		b.WriteByte('{')
		for i, m := range n.members {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(jsonString(m.key))
			b.WriteByte(':')
			if !m.value.appendJSON(b) {
				return false
			}
		}
		b.WriteByte('}')
	}
	return true
}

// jsonString is s as a JSON string literal, with < > & left as they are.
func jsonString(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		panic(err) // a string always encodes
	}
	return strings.TrimSuffix(b.String(), "\n")
}
