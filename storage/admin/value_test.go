package admin

import (
	"bytes"
	"encoding/json"
	"math"
	"math/big"
	"strings"
	"testing"

	"workerd.local/internal/clone"
)

func TestReadableFormsAndBack(t *testing.T) {
	buffer := &clone.Buffer{Data: []byte{1, 2, 3, 4}}
	cycle := &clone.Object{}
	cycle.Properties = []clone.Property{{Key: "self", Value: cycle}, {Key: "list", Value: &clone.Array{Length: 1, Elements: []any{cycle}}}}
	shared := &clone.Date{Milliseconds: 5}
	for _, c := range []struct {
		tree any
		want string
	}{
		{nil, `null`},
		{clone.Undefined{}, `{"$undefined":true}`},
		{true, `true`},
		{1.5, `1.5`},
		{float64(1 << 53), `9007199254740992`},
		{1e300, `1e+300`},
		{math.NaN(), `{"$number":"NaN"}`},
		{math.Inf(1), `{"$number":"Infinity"}`},
		{math.Inf(-1), `{"$number":"-Infinity"}`},
		{math.Copysign(0, -1), `{"$number":"-0"}`},
		{new(big.Int).Lsh(big.NewInt(-3), 100), `{"$bigint":"-3802951800684688204490109616128"}`},
		{"a\"\\\n\x01<ü\u2028😀", `"a\"\\\n\u0001<ü` + "\u2028" + `😀"`},
		{"\xed\xa0\x80", `{"$string":"7aCA"}`},
		{&clone.Date{Milliseconds: -1}, `{"$date":-1}`},
		{&clone.Date{Milliseconds: math.NaN()}, `{"$date":null}`},
		{&clone.Object{Properties: []clone.Property{{Key: "b", Value: 1.0}, {Key: "a", Value: &clone.Object{}}}}, `{"b":1,"a":{}}`},
		{&clone.Object{Properties: []clone.Property{{Key: "$date", Value: 1.0}}}, `{"$object":[["$date",1]]}`},
		{&clone.Array{Length: 2, Elements: []any{clone.Hole{}, 1.0}}, `[{"$hole":true},1]`},
		{&clone.Array{Length: 9, Sparse: true, Properties: []clone.Property{{Key: "7", Value: true}}}, `{"$array":{"length":9,"sparse":true,"elements":[],"properties":[["7",true]]}}`},
		{&clone.Map{Entries: []clone.Entry{{Key: 1.0, Value: "x"}}}, `{"$map":[[1,"x"]]}`},
		{&clone.Set{Values: []any{1.0, "x"}}, `{"$set":[1,"x"]}`},
		{&clone.RegExp{Source: "a/b", Flags: "gi"}, `{"$regexp":["a/b","gi"]}`},
		{&clone.Boxed{Value: "s"}, `{"$boxed":"s"}`},
		{&clone.Error{Name: "TypeError", Message: "m", HasMessage: true, Cause: 1.0, HasCause: true}, `{"$error":{"name":"TypeError","message":"m","cause":1}}`},
		{buffer, `{"$buffer":"AQIDBA=="}`},
		{&clone.View{Kind: "Uint8Array", Buffer: buffer, Offset: 1, Length: 2}, `{"$view":{"kind":"Uint8Array","buffer":{"$buffer":"AQIDBA=="},"offset":1,"length":2}}`},
		{cycle, `{"$as":1,"$value":{"self":{"$ref":1},"list":[{"$ref":1}]}}`},
		{&clone.Array{Length: 2, Elements: []any{shared, shared}}, `[{"$as":1,"$value":{"$date":5}},{"$ref":1}]`},
	} {
		stored, err := clone.Encode(c.tree, clone.Options{})
		if err != nil {
			t.Fatalf("%s: %v", c.want, err)
		}
		text, err := readable(stored)
		if err != nil || string(text) != c.want || !json.Valid(text) {
			t.Errorf("%s, want %s (%v)", text, c.want, err)
			continue
		}
		back, err := parseReadable(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if again, err := clone.Encode(back, clone.Options{}); err != nil || !bytes.Equal(again, stored) {
			t.Errorf("%s: read back as %x, want %x (%v)", text, again, stored, err)
		}
	}
}

func TestWhatIsNoReadableForm(t *testing.T) {
	for text, want := range map[string]string{
		``:                     "EOF",
		`1 2`:                  "there is more",
		`{"$date":1,"x":2}`:    "neighbours",
		`{"$ref":1}`:           "there is no object",
		`{"$number":"1"}`:      `$number cannot be "1"`,
		`{"$bigint":"x"}`:      "$bigint cannot be",
		`{"$buffer":"?"}`:      "$buffer: ",
		`{"$map":[1]}`:         "needs pairs",
		`{"$object":[[1,2]]}`:  "no string",
		`{"$as":1,"$value":2}`: "what is no object",
		`{"$as":1}`:            "$as is not followed",
		`[{"$as":1,"$value":{}},{"$as":1,"$value":{}}]`: "two objects",
		`{"$view":{"kind":"Uint8Array"}}`:               "no buffer",
		`{"$error":{"name":1}}`:                         "is no text",
		`{"$date":"x"}`:                                 "not followed by what it needs",
		`{"$array":{"length":-1}}`:                      "parsing",
		strings.Repeat("[", 20_000):                     "nested too deeply",
	} {
		if v, err := parseReadable([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, %v", text, v, err)
		}
	}
}

// FuzzReadable: what can be shown can be read back, and is the same value.
func FuzzReadable(f *testing.F) {
	for _, s := range []string{"\xff\x0f_", "\xff\x0f0", "\xff\x0fI\x06", "\xff\x0fo\"\x01aI\x02{\x01", "\xff\x0fA\x01I\x02$\x00\x01"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, stored []byte) {
		text, err := readable(stored)
		if err != nil {
			return
		}
		back, err := parseReadable(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		tree, err := clone.Decode(stored, clone.Options{})
		if err != nil {
			t.Fatal(err)
		}
		want, err := clone.Encode(tree, clone.Options{})
		if err != nil {
			return // what is read is wider than what is written
		}
		if got, err := clone.Encode(back, clone.Options{}); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%s: %x, want %x (%v)", text, got, want, err)
		}
	})
}
