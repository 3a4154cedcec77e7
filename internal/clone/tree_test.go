package clone_test

import (
	"errors"
	"math"
	"math/big"
	"reflect"
	"testing"

	"github.com/dop251/goja"

	"workerd.local/internal/clone"
)

func TestTreeShapes(t *testing.T) {
	rt := goja.New()
	buffer := &clone.Buffer{Data: []byte{1, 2, 3, 4}}
	shared := &clone.Object{Properties: []clone.Property{{Key: "7", Value: true}, {Key: "\xed\xa0\x80", Value: "lone \xed\xb0\x80"}}}
	tree := &clone.Array{Length: 15, Elements: []any{
		nil, clone.Undefined{}, clone.Hole{}, 1.5, math.Copysign(0, -1), "é日", big.NewInt(-5), shared, shared,
		&clone.Date{Milliseconds: 5}, &clone.RegExp{Source: "a", Flags: "gi"},
		&clone.Map{Entries: []clone.Entry{{Key: nil, Value: shared}}}, &clone.Set{Values: []any{clone.Undefined{}, nil}},
		&clone.Boxed{Value: "s"}, &clone.Error{Name: "TypeError", Message: "m", HasMessage: true, Cause: nil, HasCause: true, Stack: "st", HasStack: true},
	}, Properties: []clone.Property{{Key: "view", Value: &clone.View{Kind: "Int16Array", Buffer: buffer, Offset: 2, Length: 2}}, {Key: "buffer", Value: buffer}}}
	tree.Properties = append(tree.Properties, clone.Property{Key: "self", Value: tree})

	data, err := clone.Encode(tree, clone.Options{})
	if err != nil {
		t.Fatal(err)
	}
	v, err := clone.Deserialize(rt, data, clone.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := `Array(15){"0":null,"1":undefined,"3":1.5,"4":-0,"5":"\u00e9\u65e5","6":-5n,"7":Object(){"7":true,"\ud800":"lone \udc00"},"8":#1,` +
		`"9":Date(5){},"10":RegExp("a" gi 0){},"11":Map(null=>#1){},"12":Set(undefined,null){},"13":String("s"){},` +
		`"14":Error(TypeError,message="m",cause=null,stack="st"){},"view":Int16Array(2 2 ArrayBuffer(1 2 3 4){}){},"buffer":#9,"self":#0}`
	if got := canonical(t, rt, v); got != want {
		t.Errorf("as a value:\n got %s\nwant %s", got, want)
	}
	data, err = clone.Serialize(rt, v, clone.Options{})
	if err != nil {
		t.Fatal(err)
	}
	back, err := clone.Decode(data, clone.Options{})
	if err != nil {
		t.Fatal(err)
	}
	a, ok := back.(*clone.Array)
	if !ok || !a.Sparse || a.Length != 15 {
		t.Fatalf("got %T %+v, want the array, sparse because of its hole", back, back)
	}
	if _, found := a.Get(2); found {
		t.Error("the hole is filled")
	}
	if x, found := a.Get(3); !found || x != 1.5 {
		t.Errorf("element 3 is %v", x)
	}
	if x, _ := a.Get(7); !reflect.DeepEqual(x, shared) {
		t.Errorf("element 7 is %+v", x)
	}
	if x, _ := a.Get(8); x != first(a.Get(7)) {
		t.Error("a shared object came back twice")
	}
	for _, p := range a.Properties {
		if p.Key == "self" && p.Value != back {
			t.Error("the cycle is gone")
		}
	}
	if x, _ := a.Get(14); !reflect.DeepEqual(x, tree.Elements[14]) {
		t.Errorf("the error came back as %+v", x)
	}
	if x, found := shared.Get("7"); !found || x != true {
		t.Errorf("Get gives %v", x)
	}
	if _, found := shared.Get("8"); found {
		t.Error("Get finds what is not there")
	}
}

func first(v any, _ bool) any { return v }

func TestTreesThatAreNone(t *testing.T) {
	for name, tree := range map[string]any{
		"a Go type":         struct{}{},
		"inside":            &clone.Object{Properties: []clone.Property{{Key: "a", Value: int8(1)}}},
		"hole":              clone.Hole{},
		"nil pointer":       (*clone.Object)(nil),
		"nil view":          (*clone.View)(nil),
		"view without":      &clone.View{Kind: "Uint8Array"},
		"view beyond":       &clone.View{Kind: "Uint8Array", Buffer: &clone.Buffer{}, Length: 1},
		"view kind":         &clone.View{Kind: "Array", Buffer: &clone.Buffer{}},
		"flags":             &clone.RegExp{Flags: "gg"},
		"unknown flag":      &clone.RegExp{Flags: "q"},
		"boxed":             &clone.Boxed{},
		"array length":      &clone.Array{Length: 2},
		"sparse with dense": &clone.Array{Length: 1, Sparse: true, Elements: []any{1}},
	} {
		var dce *clone.DataCloneError
		if data, err := clone.Encode(tree, clone.Options{}); !errors.As(err, &dce) {
			t.Errorf("%s: %x, %v", name, data, err)
		}
	}
}
