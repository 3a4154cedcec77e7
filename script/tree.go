package script

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strings"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"
	"github.com/dop251/goja/token"
	"github.com/dop251/goja/unistring"
)

// keptDepth bounds the nesting of a tree that is kept.
const keptDepth = 10_000

// writeTree makes bytes of a tree that was parsed from text, from which readTree makes the
// same tree again in a fraction of the time that parsing takes. Numbers are those of the
// engine's tokens, and names are places in the text where they can be, so the bytes are good
// for this version of the engine and this text only.
//
// A tree with something in it that this package does not know is an error.
func writeTree(tree *ast.Program, text string) ([]byte, error) {
	c := treeWriter(text, tree.File.Base())
	c.program(tree)
	return c.out, c.err
}

// readTree makes a tree of what writeTree has made of one. It shares its names and the
// sources of its functions with text. The tree has a file even after an error.
func readTree(data []byte, text string) (*ast.Program, error) {
	tree := &ast.Program{File: file.NewFile(programName, text, 1)}
	c := treeReader(data, text, tree.File.Base())
	c.program(tree)
	if c.err == nil && len(c.in) > 0 {
		c.fail("bytes are left")
	}
	return tree, c.err
}

// treeCoder goes through a tree in either direction: what it is told of a node is where its
// fields are, and then writes or reads them. So nothing can be read in another order than it
// was written in.
//
// After an error it reads zeros and empty lists, and what it made is not used.
type treeCoder struct {
	text    string
	base    int // of the tree's file
	kinds   []nodeKind
	writing bool
	err     error
	depth   int
	last    file.Idx // places are differences

	out     []byte
	tags    map[reflect.Type]int
	names   map[string]int       // that are not in the text where they are used
	numbers map[*ast.Binding]int // of bindings that went by

	in       []byte
	slabs    []any // by kind, *slab[T]
	known    []string
	bindings []*ast.Binding
}

func treeWriter(text string, base int) *treeCoder {
	c := &treeCoder{text: text, base: base, kinds: nodeKinds(), writing: true, names: map[string]int{}, numbers: map[*ast.Binding]int{}}
	c.tags = make(map[reflect.Type]int, len(c.kinds))
	for i, k := range c.kinds {
		c.tags[k.typ()] = i
	}
	return c
}

func treeReader(data []byte, text string, base int) *treeCoder {
	c := &treeCoder{text: text, base: base, kinds: nodeKinds(), in: data}
	c.slabs = make([]any, len(c.kinds))
	return c
}

func (c *treeCoder) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("tree: "+format, args...)
	}
	c.in = nil
}

var errTreeEnds = errors.New("tree: it ends too early")

func (c *treeCoder) program(n *ast.Program) {
	list(c, &n.Body)
	c.declarations(&n.DeclarationList)
}

// uint writes v, or returns what it reads.
func (c *treeCoder) uint(v uint64) uint64 {
	if c.writing {
		c.out = binary.AppendUvarint(c.out, v)
		return v
	}
	if len(c.in) > 0 && c.in[0] < 0x80 {
		v = uint64(c.in[0])
		c.in = c.in[1:]
		return v
	}
	v, n := binary.Uvarint(c.in)
	if n <= 0 {
		if c.err == nil {
			c.err = errTreeEnds
		}
		c.in = nil
		return 0
	}
	c.in = c.in[n:]
	return v
}

func (c *treeCoder) int(v int64) int64 {
	u := c.uint(uint64(v)<<1 ^ uint64(v>>63))
	return int64(u>>1) ^ -int64(u&1)
}

func (c *treeCoder) bytes(n uint64) []byte {
	if n > uint64(len(c.in)) {
		c.fail("%d bytes are wanted where %d are left", n, len(c.in))
		return nil
	}
	b := c.in[:n]
	c.in = c.in[n:]
	return b
}

func (c *treeCoder) bool(p *bool) {
	v := uint64(0)
	if *p {
		v = 1
	}
	*p = c.uint(v) == 1
}

func (c *treeCoder) token(p *token.Token) { *p = token.Token(c.int(int64(*p))) }

func (c *treeCoder) idx(p *file.Idx) {
	if !c.writing && len(c.in) > 0 && c.in[0] < 0x80 { // most of all that is read
		u := c.in[0]
		c.in = c.in[1:]
		c.last += file.Idx(int8(u>>1) ^ -int8(u&1))
		*p = c.last
		return
	}
	*p = c.last + file.Idx(c.int(int64(*p-c.last)))
	c.last = *p
}

// string is a text that mostly stands in the source, skip bytes after a place.
func (c *treeCoder) string(p *string, at file.Idx, skip int) {
	from := int(at) - c.base + skip
	if c.writing {
		s := *p
		// The engine's strings in UTF-16 begin with a mark, which no text of a source does.
		if s != "" && s[0] < 0x80 && from >= 0 && from <= len(c.text) && strings.HasPrefix(c.text[from:], s) {
			c.uint(uint64(len(s))<<1 | 1)
			return
		}
		number, ok := c.names[s]
		if !ok {
			number = len(c.names)
			c.names[s] = number
		}
		c.uint(uint64(number) << 1)
		if !ok {
			c.uint(uint64(len(s)))
			c.out = append(c.out, s...)
		}
		return
	}
	v := c.uint(0)
	n := v >> 1
	switch {
	case v&1 == 1:
		if from < 0 || from > len(c.text) || n > uint64(len(c.text)-from) {
			c.fail("a name is outside of the text")
			return
		}
		*p = c.text[from : from+int(n)]
	case n < uint64(len(c.known)):
		*p = c.known[n]
	case n == uint64(len(c.known)):
		*p = string(c.bytes(c.uint(0)))
		c.known = append(c.known, *p)
	default:
		c.fail("there is no name %d", n)
	}
}

func (c *treeCoder) name(p *unistring.String, at file.Idx, skip int) {
	s := string(*p)
	c.string(&s, at, skip)
	*p = unistring.String(s)
}

func (c *treeCoder) identifier(n *ast.Identifier) {
	c.idx(&n.Idx)
	c.name(&n.Name, n.Idx, 0)
}

// number is the value of a NumberLiteral.
func (c *treeCoder) number(p *any) {
	const whole, float, big64 = 1, 2, 3
	if c.writing {
		switch v := (*p).(type) {
		case int64:
			c.uint(whole)
			c.int(v)
		case float64:
			c.uint(float)
			c.out = binary.LittleEndian.AppendUint64(c.out, math.Float64bits(v))
		case *big.Int:
			c.uint(big64)
			s := v.String()
			c.string(&s, 0, 0)
		default:
			c.fail("a number is a %T", v)
		}
		return
	}
	switch kind := c.uint(0); kind {
	case whole:
		*p = c.int(0)
	case float:
		if b := c.bytes(8); b != nil {
			*p = math.Float64frombits(binary.LittleEndian.Uint64(b))
		}
	case big64:
		var s string
		c.string(&s, 0, 0)
		v, ok := new(big.Int).SetString(s, 10)
		if !ok {
			c.fail("%q is no whole number", s)
		}
		*p = v
	default:
		c.fail("there is no kind of number %d", kind)
	}
}

// declarations are the variables of a function, whose bindings stand in its statements too.
func (c *treeCoder) declarations(p *[]*ast.VariableDeclaration) {
	list := makeList(c, p)
	for i := range list {
		if !c.writing {
			list[i] = &ast.VariableDeclaration{}
		}
		d := list[i]
		c.idx(&d.Var)
		bindings := makeList(c, &d.List)
		for j := range bindings {
			number, ok := c.numbers[bindings[j]]
			if c.writing && !ok {
				c.fail("a declared variable is in no statement")
				return
			}
			switch n := c.uint(uint64(number)); {
			case c.writing:
			case n < uint64(len(c.bindings)):
				bindings[j] = c.bindings[n]
			default:
				c.fail("there is no binding %d", n)
				return
			}
		}
	}
}

// makeList writes how long a list is, or makes one that is as long. One that is nil stays
// so.
func makeList[N any](c *treeCoder, p *[]N) []N {
	if c.writing {
		n := uint64(0)
		if *p != nil {
			n = uint64(len(*p)) + 1
		}
		c.uint(n)
		return *p
	}
	n := c.uint(0)
	if n == 0 {
		return nil
	}
	if n-1 > uint64(len(c.in)) {
		c.fail("a list of %d where %d bytes are left", n-1, len(c.in))
		return nil
	}
	*p = make([]N, n-1)
	return *p
}

func list[N any](c *treeCoder, p *[]N) {
	l := makeList(c, p)
	for i := range l {
		node(c, &l[i])
		if c.err != nil {
			return
		}
	}
}

// node is one node, or none. N is a pointer to a type of node, or an interface of such.
func node[N any](c *treeCoder, p *N) {
	if c.writing {
		v := any(*p)
		if v == nil || reflect.ValueOf(v).IsNil() {
			c.uint(0)
			return
		}
		tag, ok := c.tags[reflect.TypeOf(v)]
		if !ok {
			c.fail("%T is not known", v)
		}
		if c.deeper(); c.err == nil {
			c.uint(uint64(tag) + 1)
			c.kinds[tag].write(c, v)
		}
		c.depth--
		return
	}
	tag := c.uint(0)
	if tag == 0 {
		return
	}
	if tag > uint64(len(c.kinds)) {
		c.fail("there is no kind of node %d", tag)
		return
	}
	if c.deeper(); c.err == nil {
		v := c.kinds[tag-1].read(c, int(tag-1))
		var ok bool
		switch p := any(p).(type) { // the two that most are cost less where they are named
		case *ast.Expression:
			*p, ok = v.(ast.Expression)
		case *ast.Statement:
			*p, ok = v.(ast.Statement)
		case *N:
			*p, ok = v.(N)
		}
		if !ok {
			c.fail("a %T is out of place", v)
		}
	}
	c.depth--
}

func (c *treeCoder) deeper() {
	if c.depth++; c.depth > keptDepth {
		c.fail("it is nested too deeply")
	}
}

// nodeKind is one type of node.
type nodeKind interface {
	typ() reflect.Type
	write(c *treeCoder, n any)
	read(c *treeCoder, tag int) any
}

// kindOf says where the fields of a T are.
type kindOf[T any] func(c *treeCoder, n *T)

func (k kindOf[T]) typ() reflect.Type { return reflect.TypeFor[*T]() }

func (k kindOf[T]) write(c *treeCoder, n any) { k(c, n.(*T)) }

func (k kindOf[T]) read(c *treeCoder, tag int) any {
	s, _ := c.slabs[tag].(*slab[T])
	if s == nil {
		s = &slab[T]{}
		c.slabs[tag] = s
	}
	n := s.next()
	k(c, n)
	return n
}

// slab allocates many values at once. A tree goes as a whole, once it is compiled.
type slab[T any] struct {
	free []T
	size int
}

func (s *slab[T]) next() *T {
	if len(s.free) == 0 {
		s.size = min(max(4, 2*s.size), 512)
		s.free = make([]T, s.size)
	}
	v := &s.free[0]
	s.free = s.free[1:]
	return v
}
