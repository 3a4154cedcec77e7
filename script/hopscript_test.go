package script

import (
	"strings"
	"testing"

	"github.com/dop251/goja"
)

func TestHopScript(t *testing.T) {
	const h = HopServices
	for text, want := range map[string]string{
		"service f(a, b) { return a }":                       "var f=" + h + ".declare(f$hop,\"f\",false);function f$hop(a, b) { return a }",
		"'use hopscript'\nservice f() {}\nf()":               "'use hopscript';var f=" + h + ".declare(f$hop,\"f\",false);\nfunction f$hop() {}\nf()",
		"\"use strict\"; service f() {}":                     "\"use strict\";var f=" + h + ".declare(f$hop,\"f\",false); function f$hop() {}",
		"#! /usr/bin/hop\nservice f() {}":                    "#! /usr/bin/hop\nvar f=" + h + ".declare(f$hop,\"f\",false);\nfunction f$hop() {}",
		"var s = service(a) { return a }; s":                 "var s = " + h + ".create(function(a) { return a },\"\",false); s",
		"use(service g(a) { return `${a}` })":                "use(" + h + ".create(function g(a) { return `${a}` },\"g\",false))",
		"service f({a: 1, 'b': g(2, {c: 3}), d}) {}":         "var f=" + h + ".declare(f$hop,\"f\",true);function f$hop({a = 1, b = g(2, {c: 3}), d} = {}) {}",
		"x = service({a: 1}) {}":                             "x = " + h + ".create(function({a = 1} = {}) {},\"\",true)",
		"service f();":                                       "var f=" + h + ".use(\"f\");;",
		"srv.v = service getVersion();":                      "srv.v = " + h + ".use(\"getVersion\");",
		"function g() { service f(); return f() }":           "function g() {var f=" + h + ".use(\"f\"); ; return f() }",
		"x = function() { service f() {} }":                  "x = function() {var f=" + h + ".declare(f$hop,\"f\",false); function f$hop() {} }",
		"service f() { service g() {} return service() {} }": "var f=" + h + ".declare(f$hop,\"f\",false);function f$hop() {var g=" + h + ".declare(g$hop,\"g\",false); function g$hop() {} return " + h + ".create(function() {},\"\",false) }",
		"export service f() {}":                              "var f=" + h + ".declare(f$hop,\"f\",false);export {f};function f$hop() {}",
		"export default service f() {}":                      "export default " + h + ".create(function f() {},\"f\",false)",
		// Variables of that name.
		"service(1); service + 2; a.service(b) ; ({service: 1})": "service(1); service + 2; a.service(b) ; ({service: 1})",
		"service\nf()":                  "service\nf()",
		"for (service of list) {}":      "for (service of list) {}",
		"if (service in x) {}":          "if (service in x) {}",
		"'service f() {}' // service g": "'service f() {}' // service g",
		"a < b; a <b> c; x = ~y":        "a < b; a <b> c; x = ~y",
	} {
		got, err := HopScript("a.hop.js", text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got != want {
			t.Errorf("%s\nbecame %s\nwant   %s", text, got, want)
		}
		if strings.Count(got, "\n") < strings.Count(text, "\n") {
			t.Errorf("%s: lines were lost", text)
		}
	}
}

func TestHopScriptRuns(t *testing.T) {
	text, err := HopScript("a.hop.js", `'use hopscript'
before.push(one(1));
service one(a) { return a + 1 }
service two({a: 1, b: 2}) { return a + b }
before.push(two({b: 5}), two());
(function() { before.push(inner()); service inner() { return "inner" } })();
before.push((service(x) { return x })(7));`)
	if err != nil {
		t.Fatal(err)
	}
	rt := goja.New()
	if _, err := rt.RunString(`var before = [], made = [], ` + HopServices + ` = {
		declare(f, name, named) { made.push(name + ":" + named); return f },
		create(f, name, named) { made.push(name + ":" + named); return f },
	};`); err != nil {
		t.Fatal(err)
	}
	if _, err := rt.RunString(text); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if got, want := rt.Get("before").String(), "2,6,3,inner,7"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := rt.Get("made").String(), "one:false,two:true,inner:false,:false"; got != want {
		t.Errorf("made %s, want %s", got, want)
	}
}

func TestHopScriptRefusesMarkup(t *testing.T) {
	for text, want := range map[string]string{
		"var a = 1;\n  return <div>x</div>": "a.hop.js:2:10: HTML literals",
		"f(<span/>)":                        "a.hop.js:1:3: HTML literals",
		"x = ~{ alert(1) }":                 "a.hop.js:1:5: client-side code",
	} {
		_, err := HopScript("a.hop.js", text)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestIsHopScript(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       bool
	}{
		{"a.hop.js", "", true}, {"a.js", "'use hopscript'", true}, {"a.js", `"use strict"; "use hopstrict"; f()`, true},
		{"a.js", "f('use hopscript')", false}, {"a.js", "`use hopscript`", false}, {"a.js", "", false}, {"hop.js", "", false},
	} {
		if got := IsHopScript(c.name, c.text); got != c.want {
			t.Errorf("%s %q: %v", c.name, c.text, got)
		}
	}
}

func FuzzHopScript(f *testing.F) {
	f.Add("service f({a: 1}) { return service() {} }")
	f.Add("service f(")
	f.Add("service f({")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<12 {
			return
		}
		if out, err := HopScript("a.hop.js", text); err == nil && !strings.Contains(text, "service") && out != text {
			t.Errorf("%q became %q", text, out)
		}
		IsHopScript("a.js", text)
	})
}
