package config

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"workerd.local/internal/limits"
)

func readText(src string) (*Config, error) {
	return readCapnp("c.capnp", []byte(src), "", newCapnpReader(nil, noFiles, &sink{}))
}

const using = "using Workerd = import \"/workerd/workerd.capnp\";\n"

func TestTextLiterals(t *testing.T) {
	for _, c := range []struct{ literal, want string }{
		{`""`, ""},
		{`"a" "b"   "c"`, "abc"},
		{`"\a\b\f\n\r\t\v\'\"\\\?"`, "\a\b\f\n\r\t\v'\"\\?"},
		{`"\x41\101\0\x00"`, "AA\x00\x00"},
		{`"\xc3\xa9 é"`, "é é"},
		{"`raw \\n \"x\" # kept\n", "raw \\n \"x\" # kept\n"},
		{"`one\r\n`two\n\"three\"", "one\ntwo\nthree"},
		{`("in parentheses")`, "in parentheses"},
		{`.other`, "o"},
		{`other`, "o"},
		{`embed "x.js"`, "export default {}"},
	} {
		cfg, err := readText(using + "const other :Text = \"o\";\nconst c :Workerd.Config = (logging = (stdoutPrefix = " +
			c.literal + "));")
		if err != nil {
			t.Errorf("%s: %v", c.literal, err)
		} else if cfg.Logging.StdoutPrefix != c.want {
			t.Errorf("%s is %q, want %q", c.literal, cfg.Logging.StdoutPrefix, c.want)
		}
	}
}

func TestIntegers(t *testing.T) {
	for _, c := range []struct {
		typ, literal string
		ok           bool
	}{
		{"Int8", "127", true}, {"Int8", "128", false}, {"Int8", "-128", true}, {"Int8", "-129", false},
		{"UInt8", "255", true}, {"UInt8", "256", false}, {"UInt8", "-0", true}, {"UInt8", "-1", false},
		{"Int64", "-9223372036854775808", true}, {"Int64", "9223372036854775808", false},
		{"UInt64", "0xFFFFFFFFFFFFFFFF", true}, {"UInt64", "0x10000000000000000", false},
		{"UInt16", "0777", true}, {"UInt16", "089", false}, {"UInt16", "0x", false}, {"UInt16", "1_0", false},
		{"UInt16", "0b1", false}, {"UInt16", "12ab", false}, {"UInt16", "1.5", false},
		{"Float64", "1.5", true}, {"Float64", "-1e-3", true}, {"Float64", "7", true}, {"Float64", "-inf", true},
		{"Float64", "nan", true}, {"Float64", "1e", false},
		{"Bool", "true", true}, {"Bool", "void", false}, {"Void", "void", true}, {"Void", "true", false},
		{"Data", `0x""`, true}, {"Data", `0x"a b"`, true}, {"Data", `0x"g0"`, false}, {"Text", `0x"00"`, false},
		{"List(UInt8)", "[1, 2,]", true}, {"List(UInt8)", "[1 2]", false}, {"List(List(Text))", `[["a"], []]`, true},
	} {
		_, err := readText(using + "const x :" + c.typ + " = " + c.literal + ";\nconst c :Workerd.Config = ();")
		if (err == nil) != c.ok {
			t.Errorf("%s = %s: %v", c.typ, c.literal, err)
		}
	}
}

func TestCapnpRefusesTooMuch(t *testing.T) {
	var chain, doubling strings.Builder
	for i := range 10000 {
		fmt.Fprintf(&chain, "const t%d :Text = .t%d;\n", i, i+1)
	}
	chain.WriteString("const t10000 :Text = \"\";\n")
	// Each wrapped binding holds the previous list twice.
	doubling.WriteString("const b0 :List(Workerd.Worker.Binding) = [(name = \"x\", text = \"\")];\n")
	for i := range 40 {
		fmt.Fprintf(&doubling, "const b%d :List(Workerd.Worker.Binding) = [(wrapped = (innerBindings = .b%d)), "+
			"(wrapped = (innerBindings = .b%d))];\n", i+1, i, i)
	}
	doubling.WriteString("const c :Workerd.Config = (services = [(worker = (bindings = .b40))]);")
	for _, c := range []struct{ name, src, want string }{
		{"brackets", using + "const c :Workerd.Config = " + strings.Repeat("(", 100000), "nested more than"},
		{"blocks", strings.Repeat("struct A {", 100000), "nested more than"},
		{"dots", using + "const c :Workerd.Config = a" + strings.Repeat(".a", 100000) + ";", "parts"},
		{"chain", using + chain.String() + "const c :Workerd.Config = ();", "refer to each other"},
		{"expansion", using + doubling.String(), "once its constants are expanded"},
		{"not UTF-8", "\xff\xff\xff", "not UTF-8"},
		{"errors", strings.Repeat("?;", 100000), `"?" does not start a declaration`},
	} {
		_, err := readText(c.src)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", c.name, err, c.want)
		}
		var list *Errors
		if errors.As(err, &list) && len(list.List) > limits.ConfigErrors.In(nil) {
			t.Errorf("%s: %d errors were collected", c.name, len(list.List))
		}
	}
}

func TestImportsAreReadOnce(t *testing.T) {
	reads := 0
	r := newCapnpReader(nil, func(path string, limit int64) ([]byte, error) {
		reads++
		return []byte(using + "using Back = import \"c.capnp\";\nconst t :Text = .Back.text;"), nil
	}, &sink{})
	_, err := readCapnp("c.capnp", []byte(using+`using A = import "a.capnp"; using B = import "./a.capnp";
		const text :Text = "x";
		const c :Workerd.Config = (autogates = [A.t, B.t]);`), "", r)
	if err != nil || reads != 1 {
		t.Errorf("%d reads, error %v", reads, err)
	}
}

func TestReadFailuresAreReported(t *testing.T) {
	r := newCapnpReader(nil, func(string, int64) ([]byte, error) { return nil, errors.New("disk on fire") }, &sink{})
	_, err := readCapnp("c.capnp", []byte(using+`const c :Workerd.Config = (autogates = [embed "a", embed "/b", embed ""]);
		using X = import "x.capnp";`), "", r)
	want := `c.capnp:2:41: Cannot embed "a" (a): disk on fire.
c.capnp:2:52: Cannot embed "/b": a path that starts with / is looked up in the import paths, and there are none; ` +
		`give the directory it is in with --import-path, or write a path relative to this file
c.capnp:2:64: "" is not a file name.
c.capnp:3:13: Cannot import "x.capnp" (x.capnp): disk on fire.`
	if err == nil || err.Error() != want {
		t.Errorf("error is\n%v\nwant\n%s", err, want)
	}
}

// TestSchemaAgreesWithTypes checks the places where a name of the schema becomes an enumeration value.
func TestSchemaAgreesWithTypes(t *testing.T) {
	for name, kinds := range map[string][]string{
		"Worker.Module":               moduleKindNames,
		"Worker.Binding":              bindingKindNames,
		"Worker.Binding.CryptoKey":    cryptoKeyFormatNames,
		"Worker.durableObjectStorage": storageKindNames,
		"Socket":                      socketKindNames,
		"ExternalServer":              socketKindNames,
	} {
		typ := schema()[name]
		for _, member := range typ.fields {
			if !member.union {
				continue
			}
			found := false
			for _, kind := range kinds {
				found = found || kind == member.name
			}
			if !found {
				t.Errorf("%s.%s has no enumeration value", name, member.name)
			}
		}
	}
}
