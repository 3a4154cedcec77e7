package natives

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/dop251/goja"
)

func TestParseJSONFromGo(t *testing.T) {
	rt := newRuntime(t, Limits{})
	v, err := ParseJSON(rt, []byte(`{"a":[1,2.5,"x",null,true],"b":{"é":"💩"}}`), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"a": []any{int64(1), 2.5, "x", nil, true}, "b": map[string]any{"é": "💩"}}
	if got := v.Export(); !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v", got)
	}
	for _, c := range []struct{ in, want string }{
		{"", "SyntaxError: Unexpected end of JSON input"},
		{`{"a":1,}`, "SyntaxError: Expected double-quoted property name in JSON at position 7 (line 1 column 8)"},
		{"[1,\n 2,\r\n x]", `SyntaxError: Unexpected token 'x', "[1,` + "\n 2,\r\n x]" + `" is not valid JSON`},
		{"{\n  \"a\": 01\n}", "SyntaxError: Unexpected number in JSON at position 10 (line 2 column 9)"},
		{strings.Repeat("[", DefaultJSONDepth+1), "RangeError: Maximum call stack size exceeded"},
	} {
		_, err := ParseJSON(rt, c.in, Limits{})
		var ex *goja.Exception
		if !errors.As(err, &ex) || ex.Value().String() != c.want {
			t.Errorf("%q:\n got %v\nwant %s", c.in, err, c.want)
		}
	}
	deep := strings.Repeat("[", DefaultJSONDepth) + strings.Repeat("]", DefaultJSONDepth)
	if _, err := ParseJSON(rt, deep, Limits{}); err != nil {
		t.Errorf("depth at the limit: %v", err)
	}
	if _, err := ParseJSON(rt, `[1,2,3]`, Limits{MaxArrayLength: 2}); err == nil {
		t.Error("array above the limit was read")
	}
	v, err = ParseJSON(rt, []byte("\"a\xffb\xed\xa0\x80\""), Limits{})
	if err != nil || v.String() != "a\uFFFDb\uFFFD\uFFFD\uFFFD" {
		t.Errorf("bad UTF-8: %q, %v", v, err)
	}
	_, err = ParseJSON(rt, "["+strings.Repeat("1,", 10000)+"1]", Limits{Interrupted: func() bool { return true }})
	if !errors.Is(err, ErrInterrupted) {
		t.Errorf("interrupted: %v", err)
	}
}

func TestParseJSONOnABareRuntime(t *testing.T) {
	rt := goja.New()
	v, err := ParseJSON(rt, `{"\ud800":1,"a":{}}`, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if err := rt.Set("v", v); err != nil {
		t.Fatal(err)
	}
	ok, err := rt.RunString(`Object.keys(v)[0].charCodeAt(0) === 0xd800 && v.a.toString === Object.prototype.toString`)
	if err != nil || !ok.ToBoolean() {
		t.Fatalf("got %v, %v", ok, err)
	}
	text, ok2, err := StringifyJSON(rt, v, nil, nil, Limits{})
	if err != nil || !ok2 || text != `{"\ud800":1,"a":{}}` {
		t.Fatalf("got %s, %v, %v", text, ok2, err)
	}
}

func TestStringifyJSONFromGo(t *testing.T) {
	rt := newRuntime(t, Limits{})
	v, err := rt.RunString(`({a: [1, undefined, "é\ud800"], b: undefined, toString: 1, d: new Date(0)})`)
	if err != nil {
		t.Fatal(err)
	}
	text, ok, err := StringifyJSON(rt, v, nil, rt.ToValue(1), Limits{})
	want := "{\n \"a\": [\n  1,\n  null,\n  \"é\\ud800\"\n ],\n \"toString\": 1,\n \"d\": \"1970-01-01T00:00:00.000Z\"\n}"
	if err != nil || !ok || text != want {
		t.Fatalf("got %s, %v, %v", text, ok, err)
	}
	if _, ok, err := StringifyJSON(rt, goja.Undefined(), nil, nil, Limits{}); ok || err != nil {
		t.Fatalf("undefined: %v, %v", ok, err)
	}
	_, _, err = StringifyJSON(rt, rt.ToValue("long enough"), nil, nil, Limits{MaxStringBytes: 5})
	var ex *goja.Exception
	if !errors.As(err, &ex) || !strings.HasPrefix(ex.Error(), "RangeError: Invalid string length") {
		t.Fatalf("got %v", err)
	}
	v, err = rt.RunString(`({toJSON() { throw new TypeError("mine") }})`)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err = StringifyJSON(rt, v, nil, nil, Limits{}); !errors.As(err, &ex) || !strings.Contains(ex.Error(), "mine") {
		t.Fatalf("got %v", err)
	}
}

func TestRawJSON(t *testing.T) {
	rt := newRuntime(t, Limits{})
	v, err := rt.RunString(`JSON.stringify({a: JSON.rawJSON("12345678901234567890"), b: [JSON.rawJSON('"é"')]})`)
	if err != nil || v.String() != `{"a":12345678901234567890,"b":["é"]}` {
		t.Fatalf("got %v, %v", v, err)
	}
}

// FuzzJSON compares what is accepted, and its meaning, with encoding/json.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{}`, `[1,2,{"a":"b"}]`, `"\ud83d\udca9\u0000"`, `-0`, `1e400`, `[1,]`, `{"a":1,"a":2}`, "\"\xed\xa0\x80\"", ` [ true , null ] `, `01`, `"\x"`, `{"__proto__":1}`} {
		f.Add(s)
	}
	rt := goja.New()
	if _, err := Install(rt, Limits{}); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) || len(s) > 1<<16 {
			return
		}
		v, err := ParseJSON(rt, s, Limits{})
		if valid := json.Valid([]byte(s)); valid != (err == nil) {
			var ex *goja.Exception
			if valid && errors.As(err, &ex) && strings.HasPrefix(ex.Value().String(), "RangeError") {
				return
			}
			t.Fatalf("%q: encoding/json says %v, we say %v", s, valid, err)
		}
		if err != nil {
			return
		}
		text, ok, err := StringifyJSON(rt, v, nil, nil, Limits{})
		if err != nil || !ok {
			t.Fatalf("%q: stringify: %v", s, err)
		}
		again, err := ParseJSON(rt, text, Limits{})
		if err != nil {
			t.Fatalf("%q: our own %q: %v", s, text, err)
		}
		text2, _, err := StringifyJSON(rt, again, nil, nil, Limits{})
		if err != nil || text2 != text {
			t.Fatalf("%q: %q became %q (%v)", s, text, text2, err)
		}
		// encoding/json has no infinities and no lone surrogates.
		var want, got any
		if json.Unmarshal([]byte(s), &want) != nil || strings.Contains(s, `\u`) {
			return
		}
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatalf("%q: encoding/json does not read %q: %v", s, text, err)
		}
		if !equalJSON(want, got) {
			t.Fatalf("%q: want %v, got %v", s, want, got)
		}
	})
}

func equalJSON(a, b any) bool {
	switch x := a.(type) {
	case float64:
		y, ok := b.(float64)
		return ok && (x == y || math.IsNaN(x) && math.IsNaN(y))
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !equalJSON(x[i], y[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for k, v := range x {
			if w, ok := y[k]; !ok || !equalJSON(v, w) {
				return false
			}
		}
		return true
	}
	return a == b
}
