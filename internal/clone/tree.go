package clone

import (
	"encoding/binary"
	"errors"
	"math/big"
	"unicode/utf8"
)

// A tree stands for a JavaScript value in Go:
//
//	nil          null             bool         boolean
//	Undefined    undefined        string       string, as WTF-8
//	float64      number           *big.Int     BigInt
//	*Object *Array *Date *RegExp *Map *Set *Boxed *Error *Buffer *View
//
// Objects are pointers: the same pointer twice is the same object twice, and cycles are allowed. Encode takes int as
// well. A tree belongs to one goroutine at a time.

// Undefined is JavaScript's undefined.
type Undefined struct{}

// Hole is an absent element of an Array.
type Hole struct{}

// Property is one own property of an Object or one extra property of an Array.
type Property struct {
	Key   string // WTF-8
	Value any
}

// Object is an ordinary object: its own enumerable properties in JavaScript's order.
type Object struct {
	Properties []Property
}

// Get returns the value of a property.
func (o *Object) Get(key string) (any, bool) { return findProperty(o.Properties, key) }

func findProperty(properties []Property, key string) (any, bool) {
	for i := range properties {
		if properties[i].Key == key {
			return properties[i].Value, true
		}
	}
	return nil, false
}

// Array is an array. A dense one has Length elements, some of which may be Hole. A sparse one has none: its elements are
// properties whose keys are indices.
type Array struct {
	Length     uint32
	Sparse     bool
	Elements   []any
	Properties []Property
}

// Get returns an element, or false if it is absent.
func (a *Array) Get(i uint32) (any, bool) {
	if int64(i) < int64(len(a.Elements)) {
		_, hole := a.Elements[i].(Hole)
		return a.Elements[i], !hole
	}
	return findProperty(a.Properties, numberKey(float64(i)))
}

// Date is a Date: milliseconds since 1970, or NaN.
type Date struct{ Milliseconds float64 }

// RegExp is a regular expression.
type RegExp struct{ Source, Flags string }

// Entry is one entry of a Map.
type Entry struct{ Key, Value any }

// Map is a Map in insertion order. Decode does not merge equal keys: writers have none.
type Map struct{ Entries []Entry }

// Set is a Set in insertion order.
type Set struct{ Values []any }

// Boxed is a Number, Boolean, BigInt or String object.
type Boxed struct{ Value any }

// Error is an Error. Name is the name of one of the native error types.
type Error struct {
	Name       string
	Message    string
	HasMessage bool
	Cause      any
	HasCause   bool
	Stack      string
	HasStack   bool
}

// Buffer is an ArrayBuffer.
type Buffer struct{ Data []byte }

// View is a typed array or a DataView on part of a buffer. Offset and Length are in bytes.
type View struct {
	Kind           string // the name of the constructor, such as "Uint8Array"
	Buffer         *Buffer
	Offset, Length uint32
}

// Bytes returns the part of the buffer that the view shows; it aliases the buffer.
func (v *View) Bytes() []byte { return v.Buffer.Data[v.Offset : v.Offset+v.Length] }

// Decode reads data into a tree. Of o it uses the limits. Errors: *DecodeError, also for host objects, whose form only
// their writer knows; *LimitError; and *DataCloneError for kinds that cannot cross.
func Decode(data []byte, o Options) (any, error) {
	v, err := decode[any](data, &o, treeBuilder{}, nil, nil)
	if err != nil {
		return nil, err
	}
	return settle(v), nil
}

// Encode writes a tree. Of o it uses the limits. Errors: *LimitError, and *DataCloneError for a Go value that is no part
// of a tree.
func Encode(tree any, o Options) ([]byte, error) {
	w := &treeWriter{opts: &o, ids: make(map[any]uint32)}
	w.enc.header()
	if err := w.value(tree); err != nil {
		return nil, err
	}
	return w.enc.buf, w.checkSize()
}

// treeBuilder builds trees.
type treeBuilder struct{}

// treeNull stands for null until it has its place in the tree, because for the decoder nil is the hole.
type treeNull struct{}

// settle gives what stands in the finished tree for a value of the decoder.
func settle(v any) any {
	switch v.(type) {
	case treeNull:
		return nil
	case nil:
		return Hole{}
	}
	return v
}

func (treeBuilder) undefined() any        { return Undefined{} }
func (treeBuilder) null() any             { return treeNull{} }
func (treeBuilder) boolean(v bool) any    { return v }
func (treeBuilder) number(v float64) any  { return v }
func (treeBuilder) integer(v int32) any   { return float64(v) }
func (treeBuilder) bigInt(v *big.Int) any { return v }

func (treeBuilder) latin1(raw []byte) any {
	if isASCII(raw) {
		return string(raw)
	}
	return string(latin1ToWTF8(nil, raw))
}

func (treeBuilder) utf16le(raw []byte) any {
	u := make([]uint16, len(raw)/2)
	for i := range u {
		u[i] = binary.LittleEndian.Uint16(raw[2*i:])
	}
	return string(utf16ToWTF8(nil, u))
}

func (treeBuilder) utf8(raw []byte) any {
	if utf8.Valid(raw) {
		return string(raw)
	}
	return string(utf16ToWTF8(nil, wtf8ToUTF16(string(raw))))
}

func (treeBuilder) isString(v any) bool { _, ok := v.(string); return ok }
func (treeBuilder) text(v any) string   { return v.(string) }
func (treeBuilder) isNumber(v any) bool { _, ok := v.(float64); return ok }
func (treeBuilder) float(v any) float64 { return v.(float64) }
func (treeBuilder) object() any         { return &Object{} }

func (treeBuilder) array(elements []any) (any, error) {
	a := &Array{Length: uint32(len(elements)), Elements: make([]any, len(elements))}
	for i, v := range elements {
		a.Elements[i] = settle(v)
	}
	return a, nil
}

func (treeBuilder) setElement(arr any, i int, v any) error {
	a := arr.(*Array)
	for len(a.Elements) < i {
		a.Elements = append(a.Elements, Hole{})
	}
	a.Elements = append(a.Elements, settle(v))
	return nil
}

func (treeBuilder) setLength(arr any, length uint32, dense bool) error {
	a := arr.(*Array)
	a.Length = length
	if !dense {
		a.Sparse, a.Elements = true, nil
		return nil
	}
	for uint32(len(a.Elements)) < length {
		a.Elements = append(a.Elements, Hole{})
	}
	return nil
}

func (treeBuilder) setProperty(o any, key string, v any) error {
	switch o := o.(type) {
	case *Object:
		o.Properties = append(o.Properties, Property{key, settle(v)})
	case *Array:
		if i, isIndex := arrayIndex(key); isIndex && !o.Sparse {
			o.Elements[i] = settle(v)
			return nil
		}
		o.Properties = append(o.Properties, Property{key, settle(v)})
	}
	return nil
}

func (treeBuilder) date(ms float64) (any, error) { return &Date{ms}, nil }
func (treeBuilder) primitive(v any) (any, error) { return &Boxed{v}, nil }
func (treeBuilder) newMap() (any, error)         { return &Map{}, nil }
func (treeBuilder) newSet() (any, error)         { return &Set{}, nil }
func (treeBuilder) errorStack(e, stack any) error {
	return setText(stack, &e.(*Error).Stack, &e.(*Error).HasStack)
}
func (treeBuilder) host(*decoder[any]) (any, error) { return nil, errors.New("a host object") }

func (treeBuilder) regExp(source any, flags string) (any, error) {
	return &RegExp{Source: source.(string), Flags: flags}, nil
}

func (treeBuilder) mapSet(m, k, v any) error {
	entries := &m.(*Map).Entries
	*entries = append(*entries, Entry{settle(k), settle(v)})
	return nil
}

func (treeBuilder) setAdd(s, v any) error {
	values := &s.(*Set).Values
	*values = append(*values, settle(v))
	return nil
}

func (t treeBuilder) resizable(raw []byte, _ uint32) any { return t.buffer(raw) }

func (treeBuilder) buffer(raw []byte) any {
	return &Buffer{append(make([]byte, 0, len(raw)), raw...)}
}

func (treeBuilder) view(buffer any, kind int, offset, length uint32, _ bool) (any, error) {
	return &View{Kind: viewKinds[kind].name, Buffer: buffer.(*Buffer), Offset: offset, Length: length}, nil
}

func setText(v any, text *string, has *bool) error {
	if v != nil {
		*text, *has = v.(string), true
	}
	return nil
}

func (treeBuilder) newError(tag byte, message any) (any, error) {
	e := &Error{Name: errorName(tag)}
	return e, setText(message, &e.Message, &e.HasMessage)
}

func errorName(tag byte) string {
	for name, t := range errorTags {
		if t == tag {
			return name
		}
	}
	return "Error"
}

func (treeBuilder) errorType(e any, tag byte) error {
	e.(*Error).Name = errorName(tag)
	return nil
}

func (treeBuilder) errorCause(e, cause any) error {
	e.(*Error).Cause, e.(*Error).HasCause = settle(cause), true
	return nil
}
