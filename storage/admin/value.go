package admin

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"workerd.local/internal/clone"
)

// The readable form of a value is JSON. What JSON has stands for itself; what it has
// not is an object with one key that begins with "$":
//
//	{"$undefined": true}       {"$hole": true}              an absent element
//	{"$number": "NaN"}         also "Infinity", "-Infinity", "-0"
//	{"$bigint": "123"}         {"$date": 1700000000000}     null for an invalid date
//	{"$string": "base64"}      text that UTF-8 cannot say, as WTF-8
//	{"$object": [[k, v], ...]} an object with a key that begins with "$", or is no UTF-8
//	{"$array": {...}}          sparse, or with properties
//	{"$map": [[k, v], ...]}    {"$set": [v, ...]}
//	{"$regexp": ["source", "flags"]}
//	{"$boxed": v}              a Number, Boolean, BigInt or String object
//	{"$error": {...}}          name, message, stack, cause
//	{"$buffer": "base64"}      {"$view": {"kind", "buffer", "offset", "length"}}
//	{"$as": n, "$value": v}    an object that is met again, as {"$ref": n}
//
// Reading it back gives the same tree.

// maxReadable is how deep a value may be nested to have a readable form.
const maxReadable = 1000

// readable is the readable form of stored bytes.
func readable(stored []byte) ([]byte, error) {
	tree, err := clone.Decode(stored, clone.Options{MaxDepth: maxReadable})
	if err != nil {
		return nil, err
	}
	r := &renderer{count: map[any]int{}, numbers: map[any]int{}}
	r.visit(tree)
	if err := r.value(tree); err != nil {
		return nil, err
	}
	return r.out.Bytes(), nil
}

// checkValue tells whether stored bytes are a value.
func checkValue(stored []byte) error {
	_, err := clone.Decode(stored, clone.Options{})
	return err
}

// renderer writes one tree.
type renderer struct {
	out     bytes.Buffer
	count   map[any]int // how often an object occurs
	numbers map[any]int // of those that occur again, once they are written
}

// children calls fn for everything within an object; false for what is no object.
func children(v any, fn func(any)) bool {
	properties := func(list []clone.Property) {
		for _, p := range list {
			fn(p.Value)
		}
	}
	switch v := v.(type) {
	case *clone.Object:
		properties(v.Properties)
	case *clone.Array:
		for _, e := range v.Elements {
			fn(e)
		}
		properties(v.Properties)
	case *clone.Map:
		for _, e := range v.Entries {
			fn(e.Key)
			fn(e.Value)
		}
	case *clone.Set:
		for _, e := range v.Values {
			fn(e)
		}
	case *clone.Error:
		if v.HasCause {
			fn(v.Cause)
		}
	case *clone.View:
		fn(v.Buffer)
	case *clone.Date, *clone.RegExp, *clone.Boxed, *clone.Buffer:
	default:
		return false
	}
	return true
}

// visit counts how often each object occurs.
func (r *renderer) visit(v any) {
	switch v.(type) {
	case *clone.Object, *clone.Array, *clone.Map, *clone.Set, *clone.Error, *clone.View, *clone.Date, *clone.RegExp, *clone.Boxed, *clone.Buffer:
		if r.count[v]++; r.count[v] > 1 {
			return
		}
		children(v, r.visit)
	}
}

func (r *renderer) value(v any) error {
	switch v := v.(type) {
	case nil:
		r.out.WriteString("null")
	case clone.Undefined:
		r.out.WriteString(`{"$undefined":true}`)
	case clone.Hole:
		r.out.WriteString(`{"$hole":true}`)
	case bool:
		r.out.WriteString(strconv.FormatBool(v))
	case string:
		r.text(v)
	case float64:
		r.number(v)
	case *big.Int:
		fmt.Fprintf(&r.out, `{"$bigint":"%s"}`, v)
	default:
		return r.object(v)
	}
	return nil
}

// object writes an object, or a reference to one that was written before.
func (r *renderer) object(v any) error {
	again := r.count[v] > 1
	if n, ok := r.numbers[v]; ok {
		fmt.Fprintf(&r.out, `{"$ref":%d}`, n)
		return nil
	}
	if again {
		n := len(r.numbers) + 1
		r.numbers[v] = n
		fmt.Fprintf(&r.out, `{"$as":%d,"$value":`, n)
	}
	if err := r.content(v); err != nil {
		return err
	}
	if again {
		r.out.WriteByte('}')
	}
	return nil
}

func (r *renderer) content(v any) error {
	switch v := v.(type) {
	case *clone.Object:
		return r.properties(v.Properties)
	case *clone.Array:
		if !v.Sparse && len(v.Properties) == 0 && uint64(len(v.Elements)) == uint64(v.Length) {
			return r.list(v.Elements)
		}
		fmt.Fprintf(&r.out, `{"$array":{"length":%d,"sparse":%t,"elements":`, v.Length, v.Sparse)
		if err := r.list(v.Elements); err != nil {
			return err
		}
		r.out.WriteString(`,"properties":`)
		if err := r.pairs(v.Properties); err != nil {
			return err
		}
		r.out.WriteString("}}")
	case *clone.Date:
		if math.IsNaN(v.Milliseconds) {
			r.out.WriteString(`{"$date":null}`)
		} else {
			r.out.WriteString(`{"$date":`)
			r.number(v.Milliseconds)
			r.out.WriteByte('}')
		}
	case *clone.RegExp:
		r.out.WriteString(`{"$regexp":[`)
		r.text(v.Source)
		r.out.WriteByte(',')
		r.text(v.Flags)
		r.out.WriteString("]}")
	case *clone.Map:
		r.out.WriteString(`{"$map":[`)
		for i, e := range v.Entries {
			if err := r.pair(i, func() error { return r.value(e.Key) }, e.Value); err != nil {
				return err
			}
		}
		r.out.WriteString("]}")
	case *clone.Set:
		r.out.WriteString(`{"$set":`)
		if err := r.list(v.Values); err != nil {
			return err
		}
		r.out.WriteByte('}')
	case *clone.Boxed:
		r.out.WriteString(`{"$boxed":`)
		if err := r.value(v.Value); err != nil {
			return err
		}
		r.out.WriteByte('}')
	case *clone.Error:
		return r.error(v)
	case *clone.Buffer:
		fmt.Fprintf(&r.out, `{"$buffer":"%s"}`, base64.StdEncoding.EncodeToString(v.Data))
	case *clone.View:
		fmt.Fprintf(&r.out, `{"$view":{"kind":"%s","buffer":`, v.Kind)
		if err := r.value(v.Buffer); err != nil {
			return err
		}
		fmt.Fprintf(&r.out, `,"offset":%d,"length":%d}}`, v.Offset, v.Length)
	default:
		return fmt.Errorf("a %T has no readable form", v)
	}
	return nil
}

func (r *renderer) error(v *clone.Error) error {
	r.out.WriteString(`{"$error":{"name":`)
	r.text(v.Name)
	if v.HasMessage {
		r.out.WriteString(`,"message":`)
		r.text(v.Message)
	}
	if v.HasStack {
		r.out.WriteString(`,"stack":`)
		r.text(v.Stack)
	}
	if v.HasCause {
		r.out.WriteString(`,"cause":`)
		if err := r.value(v.Cause); err != nil {
			return err
		}
	}
	r.out.WriteString("}}")
	return nil
}

func (r *renderer) properties(list []clone.Property) error {
	for _, p := range list {
		if strings.HasPrefix(p.Key, "$") || !utf8.ValidString(p.Key) {
			r.out.WriteString(`{"$object":`)
			if err := r.pairs(list); err != nil {
				return err
			}
			r.out.WriteByte('}')
			return nil
		}
	}
	r.out.WriteByte('{')
	for i, p := range list {
		if i > 0 {
			r.out.WriteByte(',')
		}
		r.text(p.Key)
		r.out.WriteByte(':')
		if err := r.value(p.Value); err != nil {
			return err
		}
	}
	r.out.WriteByte('}')
	return nil
}

func (r *renderer) pairs(list []clone.Property) error {
	r.out.WriteByte('[')
	for i, p := range list {
		if err := r.pair(i, func() error { r.text(p.Key); return nil }, p.Value); err != nil {
			return err
		}
	}
	r.out.WriteByte(']')
	return nil
}

func (r *renderer) pair(i int, key func() error, value any) error {
	if i > 0 {
		r.out.WriteByte(',')
	}
	r.out.WriteByte('[')
	if err := key(); err != nil {
		return err
	}
	r.out.WriteByte(',')
	if err := r.value(value); err != nil {
		return err
	}
	r.out.WriteByte(']')
	return nil
}

func (r *renderer) list(values []any) error {
	r.out.WriteByte('[')
	for i, v := range values {
		if i > 0 {
			r.out.WriteByte(',')
		}
		if err := r.value(v); err != nil {
			return err
		}
	}
	r.out.WriteByte(']')
	return nil
}

func (r *renderer) number(f float64) {
	switch {
	case math.IsNaN(f):
		r.out.WriteString(`{"$number":"NaN"}`)
	case math.IsInf(f, 1):
		r.out.WriteString(`{"$number":"Infinity"}`)
	case math.IsInf(f, -1):
		r.out.WriteString(`{"$number":"-Infinity"}`)
	case f == 0 && math.Signbit(f):
		r.out.WriteString(`{"$number":"-0"}`)
	case f == math.Trunc(f) && math.Abs(f) < 1e21:
		r.out.WriteString(strconv.FormatFloat(f, 'f', -1, 64))
	default:
		r.out.WriteString(strconv.FormatFloat(f, 'g', -1, 64))
	}
}

func (r *renderer) text(s string) {
	if !utf8.ValidString(s) {
		fmt.Fprintf(&r.out, `{"$string":"%s"}`, base64.StdEncoding.EncodeToString([]byte(s)))
		return
	}
	r.out.Write(appendText(nil, s))
}

// appendText appends a JSON string. s is UTF-8.
func appendText(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, '\\', 'n')
		case c == '\t':
			b = append(b, '\\', 't')
		case c < 0x20 || c == 0x7f:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}
