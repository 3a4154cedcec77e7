package clone_test

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/dop251/goja"

	"workerd.local/internal/clone"
)

// malformed are bytes that are no value.
var malformed = map[string]string{
	"nothing":                             "",
	"header only":                         "ff0f",
	"unfinished header":                   "ff",
	"version 12":                          "ff0c5f",
	"version 16":                          "ff105f",
	"padding only":                        "ff0f0000",
	"unknown tag":                         "ff0f11",
	"unknown tag of old hosts":            "ff0f62",
	"hole outside an array":               "ff0f2d",
	"end without begin":                   "ff0f7b00",
	"unfinished integer":                  "ff0f49",
	"unfinished double":                   "ff0f4e00000000",
	"string longer than the data":         "ff0f22056162",
	"huge string":                         "ff0f22ffffffff0f",
	"odd two-byte string":                 "ff0f63036162630a",
	"huge two-byte string":                "ff0f63feffffff0f",
	"huge UTF-8 string":                   "ff0f53ffffffff0f61",
	"huge BigInt":                         "ff0f5affffffff0f",
	"reference to nothing":                "ff0f5e00",
	"reference to a later object":         "ff0f41025e016f7b00240002",
	"object without end":                  "ff0f6f2201614902",
	"object with a wrong count":           "ff0f6f22016149027b02",
	"object as key":                       "ff0f6f6f7b0049027b01",
	"key without value":                   "ff0f6f2201617b01",
	"dense array longer than the data":    "ff0f41ffffffff0f",
	"dense array without end":             "ff0f41014902",
	"dense array with another length":     "ff0f41014902240002",
	"dense array with another count":      "ff0f41014902240101",
	"sparse array with another length":    "ff0f6105400004",
	"length as a property of an array":    "ff0f61052206 6c656e6774684902400105",
	"index beyond the length of an array": "ff0f6101 4902 4902 400101",
	"map without end":                     "ff0f3b49024904",
	"map with an odd count":               "ff0f3b490249043a01",
	"map with a key only":                 "ff0f3b49023a02",
	"set with another count":              "ff0f2749022c02",
	"date without time":                   "ff0f4400",
	"String object of a number":           "ff0f734902",
	"RegExp of a number":                  "ff0f52490200",
	"RegExp with unknown flags":           "ff0f522201618004",
	"RegExp with the linear flag":         "ff0f5222016140",
	"RegExp that is none":                 "ff0f5222012800",
	"huge buffer":                         "ff0f42ffffffff0f",
	"resizable buffer above its maximum":  "ff0f7e02010000",
	"transferred buffer that is not here": "ff0f7400",
	"view without buffer":                 "ff0f5642000000",
	"view beyond its buffer":              "ff0f42020102564200 0300",
	"view beginning beyond its buffer":    "ff0f420201025642030000",
	"view with a wrapping length":         "ff0f4202010256420 1ffffffff0f00",
	"misaligned view":                     "ff0f4204010203045657010200",
	"view of half an element":             "ff0f4204010203045657000300",
	"view of an unknown kind":             "ff0f420101565a000100",
	"resizable view of a fixed buffer":    "ff0f4201015642000102",
	"error without end":                   "ff0f72",
	"error with an unknown part":          "ff0f727a2e",
	"error with a number as message":      "ff0f726d49022e",
	"error that is its own message":       "ff0f726d5e002e",
	"RegExp that refers to itself":        "ff0f525e0000",
	"host object without host":            "ff0f5c07",
	"error message after the cause":       "ff0f7263306d2201612e",
}

func unhex(t testing.TB, digits string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
	if err != nil {
		t.Fatalf("%s: %v", digits, err)
	}
	return b
}

func TestMalformedDataIsADecodeError(t *testing.T) {
	rt := goja.New()
	for name, digits := range malformed {
		var de *clone.DecodeError
		if v, err := clone.Deserialize(rt, unhex(t, digits), clone.Options{}); !errors.As(err, &de) {
			t.Errorf("%s: Deserialize gives %v, %v", name, v, err)
		}
		if name == "RegExp that is none" {
			continue // trees do not look into the source
		}
		if v, err := clone.Decode(unhex(t, digits), clone.Options{}); !errors.As(err, &de) {
			t.Errorf("%s: Decode gives %v, %v", name, v, err)
		}
	}
}

func TestKindsThatCannotCross(t *testing.T) {
	rt := goja.New()
	for _, digits := range []string{"ff0f7500", "ff0f7700", "ff0f6d0200", "ff0f7000"} {
		var dce *clone.DataCloneError
		if _, err := clone.Deserialize(rt, unhex(t, digits), clone.Options{}); !errors.As(err, &dce) {
			t.Errorf("%s: %v", digits, err)
		}
	}
	var dce *clone.DataCloneError
	half := unhex(t, "ff0f420400 3c003c5668000400")
	if _, err := clone.Deserialize(rt, half, clone.Options{}); !errors.As(err, &dce) || dce.Message != "Float16Array is not supported." {
		t.Errorf("Float16Array: %v", err)
	}
	tree, err := clone.Decode(half, clone.Options{})
	if view, ok := tree.(*clone.View); err != nil || !ok || view.Kind != "Float16Array" || len(view.Bytes()) != 4 {
		t.Errorf("Float16Array as a tree: %v, %v", tree, err)
	}
}

func TestOtherFormsThatAreRead(t *testing.T) {
	rt := goja.New()
	for name, c := range map[string]struct{ digits, want string }{
		"no header is version 13":                 {"6f22016149027b01", `Object(){"a":1}`},
		"version 13 view without flags":           {"ff0d4203010203564201 02", `Uint8Array(1 2 ArrayBuffer(1 2 3){}){}`},
		"headerless view without flags":           {"4203010203564201 02", `Uint8Array(1 2 ArrayBuffer(1 2 3){}){}`},
		"version 13 view with flags all the same": {"ff0d4102 42030102035642010200 4902 240002", `Array(2){"0":Uint8Array(1 2 ArrayBuffer(1 2 3){}){},"1":1}`},
		"version 14":                           {"ff0e420301020356420102 00", `Uint8Array(1 2 ArrayBuffer(1 2 3){}){}`},
		"unsigned integer":                     {"ff0f55ffffffff0f", `4294967295`},
		"UTF-8 string":                         {"ff0f5303e697a5", `"\u65e5"`},
		"UTF-8 string that is none":            {"ff0f5302ff41", `"\ufffdA"`},
		"UTF-8 key":                            {"ff0f6f5303e697a549027b01", `Object(){"\u65e5":1}`},
		"one-byte key that is Latin-1":         {"ff0f6f2201e949027b01", `Object(){"\u00e9":1}`},
		"two-byte string at an odd offset":     {"ff0f6302e565", `"\u65e5"`},
		"padding before tags":                  {"ff0f00006f0022016100490200007b01", `Object(){"a":1}`},
		"object count":                         {"ff0f3f056f7b00", `Object(){}`},
		"negative zero BigInt":                 {"ff0f5a1100000000000000 00", `0n`},
		"BigInt with leading zeros":            {"ff0f5a20 05000000000000000000000000000000", `5n`},
		"integer written as double":            {"ff0f4e000000000000f03f", `1`},
		"NaN with a payload":                   {"ff0f4e010000000000f8ff", `NaN`},
		"resizable buffer":                     {"ff0f7e040801020304", `ArrayBuffer(1 2 3 4){}`},
		"view on a resizable buffer":           {"ff0f7e04080102030456420102 02", `Uint8Array(1 2 ArrayBuffer(1 2 3 4){}){}`},
		"view that tracks a resizable buffer":  {"ff0f7e0508010203040556570200 03", `Uint16Array(2 2 ArrayBuffer(1 2 3 4 5){}){}`},
		"array that closes over its hole":      {"ff0f4103 5e00 2d 4902 240003", `Array(3){"0":#0,"2":1}`},
		"array that ends with a hole":          {"ff0f4102 4902 2d 240002", `Array(2){"0":1}`},
		"array referred to, ending with holes": {"ff0f4103 5e00 2d2d 240003", `Array(3){"0":#0}`},
		"array with an index as property":      {"ff0f4101 2d 49004902 240101", `Array(1){"0":1}`},
		"error that is its own cause":          {"ff0f72546d220161635e002e", `Error(TypeError,message="a",cause=#0,stack=undefined){}`},
		"error whose type comes late":          {"ff0f7263305273220173 2e", `Error(RangeError,,cause=null,stack="s"){}`},
		"empty error":                          {"ff0f722e", `Error(Error,,,stack=undefined){}`},
		"data after the value":                 {"ff0f4902ffff", `1`},
		"date beyond the range":                {"ff0f440000000000000f7f", `Date(NaN){}`},
		"double keys":                          {"ff0f6f 4e000000000000f83f4902 4e000000000000f0bf4904 4e000000000000f87f4906 7b03", `Object(){"1.5":1,"-1":2,"NaN":3}`},
		"large and small double keys":          {"ff0f6f 4e50efe2d6e41a4b444902 4e0000000000000080 4904 4e48afbc9af2d77a3e 4906 7b03", `Object(){"0":2,"1e+21":1,"1e-7":3}`},
	} {
		v, err := clone.Deserialize(rt, unhex(t, c.digits), clone.Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := canonical(t, rt, v)
		if got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
		// The tree must mean the same.
		tree, err := clone.Decode(unhex(t, c.digits), clone.Options{})
		if err != nil {
			t.Errorf("%s: Decode: %v", name, err)
			continue
		}
		data, err := clone.Encode(tree, clone.Options{})
		if err != nil {
			t.Errorf("%s: Encode: %v", name, err)
			continue
		}
		v, err = clone.Deserialize(rt, data, clone.Options{})
		if err != nil {
			t.Errorf("%s: after the tree: %v", name, err)
		} else if got := canonical(t, rt, v); got != c.want && name != "date beyond the range" {
			t.Errorf("%s: after the tree:\n got %s\nwant %s", name, got, c.want)
		}
	}
}

// TestLengthsAreNotTrusted reads values that claim much more than they hold. Allocating what they claim would need
// hundreds of gigabytes.
func TestLengthsAreNotTrusted(t *testing.T) {
	rt := goja.New()
	nested := []byte{0xFF, 15}
	filler := 1 << 20
	for range 5000 { // each claims as many elements as there are bytes
		nested = append(nested, 'A')
		nested = binary.AppendUvarint(nested, uint64(filler))
	}
	nested = append(nested, make([]byte, filler)...)
	for name, data := range map[string][]byte{
		"nested arrays":        nested,
		"sparse array":         binary.AppendUvarint([]byte{0xFF, 15, 'a'}, math.MaxUint32),
		"transferred buffers":  binary.AppendUvarint([]byte{0xFF, 15, 't'}, math.MaxUint32),
		"dense array of holes": append(binary.AppendUvarint([]byte{0xFF, 15, 'A'}, uint64(filler)), strings.Repeat("-", filler)...),
	} {
		if _, err := clone.Deserialize(rt, data, clone.Options{}); err == nil {
			t.Errorf("%s: no error", name)
		}
		if _, err := clone.Decode(data, clone.Options{}); err == nil {
			t.Errorf("%s: no error from Decode", name)
		}
	}
	sparse := unhex(t, "ff0f61ffffffff0f 4e0000c0ffffffef41 4902 4001ffffffff0f")
	v, err := clone.Deserialize(rt, sparse, clone.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if o := v.ToObject(rt); o.Get("length").ToInteger() != math.MaxUint32 || o.Get("4294967294").ToInteger() != 1 {
		t.Errorf("a huge sparse array came back as one of length %v", o.Get("length"))
	}
}

func addSeeds(f *testing.F) {
	for _, s := range samples(f) {
		if s.wire != nil {
			f.Add(s.wire)
		}
	}
	for _, digits := range malformed {
		f.Add(unhex(f, digits))
	}
}

// FuzzDeserialize checks that no input panics, and that whatever is read can be written and read again.
func FuzzDeserialize(f *testing.F) {
	addSeeds(f)
	limits := clone.Options{MaxDepth: 200, MaxObjects: 10_000}
	f.Fuzz(func(t *testing.T, data []byte) {
		rt := goja.New()
		v, err := clone.Deserialize(rt, data, limits)
		tree, treeErr := clone.Decode(data, limits)
		if err == nil && treeErr != nil {
			t.Fatalf("Deserialize reads what Decode does not: %v", treeErr)
		}
		if treeErr == nil {
			again, err := clone.Encode(tree, clone.Options{})
			if err != nil {
				t.Fatalf("what Decode read cannot be written: %v", err)
			}
			tree2, err := clone.Decode(again, clone.Options{})
			if err != nil {
				t.Fatalf("what Encode wrote cannot be read: %v\n%x", err, again)
			}
			if third, err := clone.Encode(tree2, clone.Options{}); err != nil || string(third) != string(again) {
				t.Fatalf("Encode is not stable: %v\n%x\n%x", err, again, third)
			}
		}
		if err != nil {
			return
		}
		again, err := clone.Serialize(rt, v, clone.Options{})
		if err != nil {
			t.Fatalf("what Deserialize read cannot be written: %v", err)
		}
		v2, err := clone.Deserialize(rt, again, clone.Options{})
		if err != nil {
			t.Fatalf("what Serialize wrote cannot be read: %v\n%x", err, again)
		}
		if third, err := clone.Serialize(rt, v2, clone.Options{}); err != nil || string(third) != string(again) {
			t.Fatalf("Serialize is not stable: %v\n%x\n%x", err, again, third)
		}
	})
}

// FuzzString checks that strings keep every code unit, as values, keys and sources of trees.
func FuzzString(f *testing.F) {
	for _, s := range []string{"", "abc", "\x00a", "\xe9\x00", "\x3d\xd8\x00\xde", "\x00\xd8", "\x00\xdc\x00\xd8", "\xfd\xff", "\xff\xfe"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		units := make([]uint16, len(raw)/2)
		for i := range units {
			units[i] = binary.LittleEndian.Uint16(raw[2*i:])
		}
		rt := goja.New()
		s := goja.StringFromUTF16(units)
		define, _ := goja.AssertFunction(run(t, rt, `s => ({v: s, [s]: 1, list: [s]})`))
		v, err := define(goja.Undefined(), s)
		if err != nil {
			t.Fatal(err)
		}
		data, err := clone.Serialize(rt, v, clone.Options{})
		if err != nil {
			t.Fatal(err)
		}
		same, _ := goja.AssertFunction(run(t, rt, `(a, s) => s === "v" || s === "list" || a.v === s && a.list[0] === s && Object.keys(a).includes(s)`))
		tree, err := clone.Decode(data, clone.Options{})
		if err != nil {
			t.Fatal(err)
		}
		again, err := clone.Encode(tree, clone.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, data := range [][]byte{data, again} {
			back, err := clone.Deserialize(rt, data, clone.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if ok, err := same(goja.Undefined(), back, s); err != nil || !ok.ToBoolean() {
				t.Fatalf("%x: the string changed: %x %v", units, data, err)
			}
		}
	})
}
