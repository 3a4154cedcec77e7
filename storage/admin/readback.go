package admin

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"strconv"
	"strings"

	"workerd.local/internal/clone"
)

// parseReadable reads the readable form back into a tree.
func parseReadable(text []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	n, err := parseNode(dec, 0)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more after the value")
	}
	return (&reader{known: map[string]any{}}).value(n)
}

// A node is parsed JSON: nil, bool, json.Number, string, []any or members.
type members []member

// member is one property, in the order of the text.
type member struct {
	name  string
	value any
}

func (m members) get(name string) (any, bool) {
	for _, x := range m {
		if x.name == name {
			return x.value, true
		}
	}
	return nil, false
}

// parseNode reads one value. A readable form nests a few levels for one of the value.
func parseNode(dec *json.Decoder, depth int) (any, error) {
	if depth > 8*maxReadable {
		return nil, errors.New("it is nested too deeply")
	}
	t, err := dec.Token()
	if err != nil {
		return nil, err
	}
	d, ok := t.(json.Delim)
	if !ok {
		return t, nil
	}
	if d == '[' {
		list := []any{}
		for dec.More() {
			n, err := parseNode(dec, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, n)
		}
		_, err := dec.Token()
		return list, err
	}
	m := members{}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, err
		}
		n, err := parseNode(dec, depth+1)
		if err != nil {
			return nil, err
		}
		m = append(m, member{name.(string), n})
	}
	_, err = dec.Token()
	return m, err
}

// reader makes a tree of nodes.
type reader struct {
	known map[string]any // objects that occur again, by their number
	as    string         // the number of the object that comes next
}

// remember gives the object that is being made its number, so that it may occur
// within itself.
func (r *reader) remember(v any) {
	if r.as != "" {
		r.known[r.as], r.as = v, ""
	}
}

func (r *reader) value(n any) (any, error) {
	switch n := n.(type) {
	case nil, bool, string:
		return n, nil
	case json.Number:
		return strconv.ParseFloat(n.String(), 64)
	case []any:
		a := &clone.Array{Length: uint32(len(n))}
		r.remember(a)
		return a, r.values(n, &a.Elements)
	case members:
		if len(n) > 0 && strings.HasPrefix(n[0].name, "$") {
			return r.tagged(n)
		}
		o := &clone.Object{}
		r.remember(o)
		for _, m := range n {
			v, err := r.value(m.value)
			if err != nil {
				return nil, err
			}
			o.Properties = append(o.Properties, clone.Property{Key: m.name, Value: v})
		}
		return o, nil
	}
	return nil, fmt.Errorf("%T is no value", n)
}

func (r *reader) values(list []any, to *[]any) error {
	for _, n := range list {
		v, err := r.value(n)
		if err != nil {
			return err
		}
		*to = append(*to, v)
	}
	return nil
}

// tagged reads what JSON has no form for.
func (r *reader) tagged(m members) (any, error) {
	tag, n := m[0].name, m[0].value
	if tag == "$as" {
		return r.numbered(m)
	}
	if len(m) != 1 {
		return nil, fmt.Errorf("%q has %d neighbours; an object with such a key is written as $object", tag, len(m)-1)
	}
	wrong := func() (any, error) { return nil, fmt.Errorf("%s is not followed by what it needs", tag) }
	switch tag {
	case "$undefined":
		return clone.Undefined{}, nil
	case "$hole":
		return clone.Hole{}, nil
	case "$ref":
		if v, ok := r.known[fmt.Sprint(n)]; ok {
			return v, nil
		}
		return nil, fmt.Errorf("there is no object $as %v before it", n)
	case "$number", "$bigint", "$string", "$buffer":
		s, ok := n.(string)
		if !ok {
			return wrong()
		}
		return r.fromText(tag, s)
	case "$date":
		d := &clone.Date{Milliseconds: math.NaN()}
		r.remember(d)
		if n == nil {
			return d, nil
		}
		v, err := r.value(n)
		ms, ok := v.(float64)
		if err == nil && !ok {
			return wrong()
		}
		d.Milliseconds = ms
		return d, err
	case "$object":
		o := &clone.Object{}
		r.remember(o)
		return o, r.pairs(tag, n, func(k, v any) bool { return addProperty(&o.Properties, k, v) })
	case "$map":
		o := &clone.Map{}
		r.remember(o)
		return o, r.pairs(tag, n, func(k, v any) bool {
			o.Entries = append(o.Entries, clone.Entry{Key: k, Value: v})
			return true
		})
	case "$set":
		o := &clone.Set{}
		r.remember(o)
		list, ok := n.([]any)
		if !ok {
			return wrong()
		}
		return o, r.values(list, &o.Values)
	case "$boxed":
		o := &clone.Boxed{}
		r.remember(o)
		var err error
		o.Value, err = r.value(n)
		return o, err
	case "$regexp":
		o := &clone.RegExp{}
		r.remember(o)
		list, ok := n.([]any)
		if !ok || len(list) != 2 {
			return wrong()
		}
		var parts []any
		if err := r.values(list, &parts); err != nil {
			return nil, err
		}
		source, ok1 := parts[0].(string)
		flags, ok2 := parts[1].(string)
		if !ok1 || !ok2 {
			return wrong()
		}
		o.Source, o.Flags = source, flags
		return o, nil
	}
	if inner, ok := n.(members); ok {
		switch tag {
		case "$array":
			return r.array(inner)
		case "$error":
			return r.error(inner)
		case "$view":
			return r.view(inner)
		}
	}
	return nil, fmt.Errorf("there is no form %q", tag)
}

func (r *reader) numbered(m members) (any, error) {
	n, ok := m[0].value.(json.Number)
	if !ok || len(m) != 2 || m[1].name != "$value" {
		return nil, errors.New("$as is not followed by a number and $value")
	}
	if _, known := r.known[n.String()]; known {
		return nil, fmt.Errorf("there are two objects $as %s", n)
	}
	r.as = n.String()
	v, err := r.value(m[1].value)
	if err == nil && r.as != "" {
		err = errors.New("$as stands before what is no object")
	}
	return v, err
}

func (r *reader) fromText(tag, s string) (any, error) {
	switch tag {
	case "$number":
		if s == "-0" {
			return math.Copysign(0, -1), nil
		}
		if v, ok := map[string]float64{"NaN": math.NaN(), "Infinity": math.Inf(1), "-Infinity": math.Inf(-1)}[s]; ok {
			return v, nil
		}
	case "$bigint":
		if v, ok := new(big.Int).SetString(s, 10); ok {
			return v, nil
		}
	case "$string", "$buffer":
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", tag, err)
		}
		if tag == "$string" {
			return string(b), nil
		}
		v := &clone.Buffer{Data: b}
		r.remember(v)
		return v, nil
	}
	return nil, fmt.Errorf("%s cannot be %q", tag, s)
}

func (r *reader) pairs(tag string, n any, add func(k, v any) bool) error {
	list, ok := n.([]any)
	if !ok {
		return fmt.Errorf("%s needs an array of pairs", tag)
	}
	for _, x := range list {
		pair, ok := x.([]any)
		if !ok || len(pair) != 2 {
			return fmt.Errorf("%s needs pairs", tag)
		}
		var kv []any
		if err := r.values(pair, &kv); err != nil {
			return err
		}
		if !add(kv[0], kv[1]) {
			return fmt.Errorf("%s has a key that is no string", tag)
		}
	}
	return nil
}

func addProperty(list *[]clone.Property, k, v any) bool {
	key, ok := k.(string)
	*list = append(*list, clone.Property{Key: key, Value: v})
	return ok
}

// number reads a whole number of a member; 0 where it is missing.
func number(m members, name string) (uint32, error) {
	n, ok := m.get(name)
	if !ok {
		return 0, nil
	}
	text, ok := n.(json.Number)
	if !ok {
		return 0, fmt.Errorf("%s is no number", name)
	}
	v, err := strconv.ParseUint(text.String(), 10, 32)
	return uint32(v), err
}

func (r *reader) array(m members) (any, error) {
	a := &clone.Array{}
	r.remember(a)
	var err error
	if a.Length, err = number(m, "length"); err != nil {
		return nil, err
	}
	sparse, _ := m.get("sparse")
	a.Sparse, _ = sparse.(bool)
	elements, _ := m.get("elements")
	list, ok := elements.([]any)
	if !ok {
		return nil, errors.New("$array has no elements")
	}
	if err := r.values(list, &a.Elements); err != nil {
		return nil, err
	}
	properties, _ := m.get("properties")
	return a, r.pairs("$array", properties, func(k, v any) bool { return addProperty(&a.Properties, k, v) })
}

func (r *reader) error(m members) (any, error) {
	e := &clone.Error{}
	r.remember(e)
	for _, x := range m {
		v, err := r.value(x.value)
		if err != nil {
			return nil, err
		}
		text, isText := v.(string)
		switch x.name {
		case "name":
			e.Name = text
		case "message":
			e.Message, e.HasMessage = text, true
		case "stack":
			e.Stack, e.HasStack = text, true
		case "cause":
			e.Cause, e.HasCause = v, true
			isText = true
		default:
			return nil, fmt.Errorf("$error has no %q", x.name)
		}
		if !isText {
			return nil, fmt.Errorf("$error: %s is no text", x.name)
		}
	}
	return e, nil
}

func (r *reader) view(m members) (any, error) {
	v := &clone.View{}
	r.remember(v)
	kind, _ := m.get("kind")
	v.Kind, _ = kind.(string)
	buffer, _ := m.get("buffer")
	b, err := r.value(buffer)
	if err != nil {
		return nil, err
	}
	var ok bool
	if v.Buffer, ok = b.(*clone.Buffer); !ok {
		return nil, errors.New("$view has no buffer")
	}
	if v.Offset, err = number(m, "offset"); err != nil {
		return nil, err
	}
	v.Length, err = number(m, "length")
	return v, err
}
